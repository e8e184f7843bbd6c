//! Waits when the server says 429, or 503 with the time at which to come again, as an identity provider does, and sends the request again.
//!
//! Must not judge: what it makes of the last answer is up to the caller. Bounded in every direction, because a hostile server
//! may ask for years.

use crate::engine::{Http, Outgoing, retry_after};
use crate::exchange::Exchange;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use time::OffsetDateTime;

/// Times that one request is sent again.
const AGAIN: usize = 4;
/// Longest single wait, and the wait when the server names none.
const LONGEST: Duration = Duration::from_secs(10);
const UNNAMED: Duration = Duration::from_secs(1);
/// Least wait where a scenario sends a refused request again itself: about the time between two requests of an identity provider.
const BREATH: Duration = Duration::from_millis(250);
/// Seconds that a 503 may ask for.
const SOON: u64 = 5;
/// All waits of a run together.
const BUDGET_MS: u64 = 180_000;

/// How long a run has waited.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    waits: AtomicU64,
    waited_ms: AtomicU64,
    /// A request got 429 to the last: the next ones are not waited for until one is let through.
    in_vain: AtomicBool,
}

impl Patience {
    /// Sends a request; a 429 is waited for and the request sent again while there is patience left.
    pub(crate) async fn send(&self, http: &Http, out: &Outgoing) -> Exchange {
        for _ in 0..AGAIN {
            let exchange = http.send(out.clone()).await;
            let Some(response) = exchange.response().filter(|r| busy(r)) else {
                self.in_vain.store(false, Ordering::Relaxed);
                return exchange;
            };
            let wait = retry_after(response, OffsetDateTime::now_utc(), LONGEST).unwrap_or(UNNAMED);
            if self.in_vain.load(Ordering::Relaxed) || !self.affords(wait) {
                return exchange;
            }
            tokio::time::sleep(wait).await;
        }
        let last = http.send(out.clone()).await;
        self.in_vain.store(last.response().is_some_and(busy), Ordering::Relaxed);
        last
    }

    /// Waits as the last answer asks, where a scenario plays by itself what follows a 429. Who asks for long is not waited for.
    pub(crate) async fn heed(&self, last: &Exchange) {
        let Some(response) = last.response().filter(|r| r.status == 429) else { return };
        let Some(wait) = retry_after(response, OffsetDateTime::now_utc(), LONGEST) else { return };
        let wait = wait.max(BREATH);
        if wait <= Duration::from_secs(SOON) && self.affords(wait) {
            tokio::time::sleep(wait).await;
        }
    }

    /// Takes a wait from what is left of the budget.
    fn affords(&self, wait: Duration) -> bool {
        let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let affordable = self.waited_ms.fetch_add(ms, Ordering::Relaxed) < BUDGET_MS;
        self.waits.fetch_add(u64::from(affordable), Ordering::Relaxed);
        affordable
    }

    /// What the report says of it; `None` when nothing was waited for.
    pub(crate) fn remark(&self) -> Option<String> {
        let (waits, ms) = (self.waits.load(Ordering::Relaxed), self.waited_ms.load(Ordering::Relaxed));
        (waits > 0).then(|| {
            format!(
                "the target answered 429 (or 503 with Retry-After) to {waits} requests, which were sent again after a wait ({} s in all); --rate slows the run down",
                ms.min(BUDGET_MS) / 1000
            )
        })
    }
}

/// Too many requests; or not now, but in a few seconds (RFC 9110 §15.6.4). Who is away for longer is away.
pub(super) fn busy(response: &crate::exchange::Response) -> bool {
    let soon = |text: &str| text.trim().parse::<u64>().is_ok_and(|seconds| seconds <= SOON);
    response.status == 429 || (response.status == 503 && response.header("retry-after").is_some_and(soon))
}
