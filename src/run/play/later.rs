//! Asks once more, a moment later, for what contradicted a write: a server may answer first and do it then.
//!
//! Must not judge: the finding stays what it is, and says what the second answer was.

use super::Player;
use crate::exchange::Exchange;
use crate::rules::{Finding, Rule};
use crate::run::confirm::{Sight, again};
use crate::run::judge::Judged;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A copy that is read from is mostly behind by less.
const MOMENT: Duration = Duration::from_millis(1_500);
/// So often in one run where nothing came of it, and so often in all.
const IN_VAIN: usize = 3;
const AT_MOST: usize = 8;

/// Rules that say that a write is not to be seen, besides those that name the write.
const UNSEEN: &[&str] =
    &["delete/still-there", "filter/match-missing", "identity/live-resource-not-found", "list/resource-missing"];

impl Player<'_> {
    /// Completes the findings of a read that contradicts a write. The embedded server has no copies to be behind.
    pub(in crate::run) async fn ask_later(&mut self, exchange: &Exchange, judged: &mut Judged) {
        let contradicts = |(rule, f): &(&Rule, Finding)| f.because.is_some() || UNSEEN.contains(&rule.id);
        let read = exchange.request.method == "GET" && !self.context.options.embedded;
        if !read || !judged.findings.iter().any(contradicts) || !self.has_time() {
            return;
        }
        let (_, changed) = &self.context.asked_later;
        tokio::time::sleep(MOMENT).await;
        let Ok(now) = self.exchange(again(&exchange.request)).await else { return };
        let answered = now.status().is_some_and(|status| status != 429 && status < 500);
        let another = answered && Sight::of(&now) != Sight::of(exchange);
        if !another {
            return;
        }
        changed.fetch_add(1, Ordering::Relaxed);
        for (rule, finding) in judged.findings.iter_mut().filter(|found| contradicts(found)) {
            let told = finding.message.take().unwrap_or_else(|| rule.title.to_owned());
            finding.message = Some(format!("{told}; asked again {MOMENT:?} later, the answer is another one"));
        }
    }

    /// Takes one of the times that are left, before it is used: other cases ask at the same time.
    fn has_time(&self) -> bool {
        let (asked, changed) = &self.context.asked_later;
        let most = if changed.load(Ordering::Relaxed) > 0 { AT_MOST } else { IN_VAIN };
        let one_more = |n: usize| (n < most).then_some(n + 1);
        asked.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok()
    }
}

/// What a run has to say of a server that does later what it has answered already.
pub(in crate::run) fn remark(asked: usize, changed: usize) -> Option<String> {
    (changed > 0).then(|| {
        format!(
            "answers come before the work is done: {changed} of {asked} reads that contradicted a write were other ones when asked again {MOMENT:?} later. Identity providers send the next request at once"
        )
    })
}
