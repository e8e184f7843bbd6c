//! Asks again before a server is accused of contradicting itself in what others may change: a list, a stranger's resource.
//!
//! Must not judge anew: it compares answers with answers, and knows no rule.

use super::judge::Judged;
use super::play::Player;
use crate::engine::Outgoing;
use crate::exchange::{Exchange, Request};
use crate::rules::{Finding, Rule};
use crate::scim::value::get_ci;
use crate::shadow::{Call, Op, ids_of, resources_of};
use serde_json::{Map, Value};
use std::sync::Arc;

/// So often in one case; a server that contradicts itself on each page of a long walk needs no more proof.
const LIMIT: usize = 12;
/// So often both reads are repeated until they hold still.
const ROUNDS: usize = 4;

/// What of an answer others can change.
#[derive(PartialEq)]
pub(super) struct Sight {
    status: Option<u16>,
    total: Option<i64>,
    ids: Vec<String>,
    /// A single resource but for its `meta`.
    resource: Option<Map<String, Value>>,
}

impl Sight {
    pub(super) fn of(exchange: &Exchange) -> Self {
        let (status, body) = (exchange.status(), exchange.json());
        let total = body.and_then(Value::as_object).and_then(|o| get_ci(o, "totalResults")?.as_i64());
        if total.is_none() {
            let mut resource = body.and_then(Value::as_object).cloned();
            resource.iter_mut().for_each(|r| r.retain(|name, _| !name.eq_ignore_ascii_case("meta")));
            return Self { status, total, ids: Vec::new(), resource };
        }
        let ids = body.map(|b| ids_of(resources_of(b))).unwrap_or_default();
        Self { status, total, ids, resource: None }
    }
}

impl Player<'_> {
    /// Strikes the findings that hold this answer against an earlier read, where asking both again shows that somebody else changed
    /// something in between.
    pub(super) async fn confirm(&mut self, exchange: &Exchange, judged: &mut Judged) {
        if !self.in_other_hands(&judged.call) {
            return;
        }
        let mut struck = Vec::new();
        // Several findings may name the same read: it is asked once.
        let mut known: Option<(Arc<Exchange>, bool)> = None;
        for (n, other) in self.suspects(judged) {
            let moved = match &known {
                Some((asked, moved)) if Arc::ptr_eq(asked, &other) => *moved,
                _ if self.asked_again >= LIMIT => false,
                _ => self.moved(&other, exchange).await || self.walk_moved(&judged.call).await,
            };
            known = Some((other, moved));
            if moved {
                struck.push(n);
            }
        }
        for n in struck.into_iter().rev() {
            let (rule, _) = judged.findings.remove(n);
            self.acquit(rule.id);
        }
    }

    /// Findings that name an earlier read of the same kind, by number, and that read.
    fn suspects(&self, judged: &Judged) -> Vec<(usize, Arc<Exchange>)> {
        let earlier = |step: &String| {
            let past = self.past.iter().rev().find(|p| p.step == *step)?;
            self.in_other_hands(&past.call).then(|| past.exchange.clone())
        };
        let of = |(n, (_, finding)): (usize, &(&Rule, Finding))| Some((n, earlier(finding.because.as_ref()?)?));
        judged.findings.iter().enumerate().filter_map(of).collect()
    }

    /// A read of what the run did not make, at least not alone.
    fn in_other_hands(&self, call: &Call) -> bool {
        match call.op {
            // A filter may match everybody: which ones do is not worth a list of its own.
            Op::List | Op::Search => true,
            Op::Me => call.method == "GET",
            Op::Read => call.id.as_deref().is_some_and(|id| self.shadow.entry(&call.endpoint, id).is_none()),
            _ => false,
        }
    }

    /// True when the two answers differ because of somebody else: asked again, they are other ones, and then stay so.
    async fn moved(&mut self, earlier: &Exchange, now: &Exchange) -> bool {
        self.asked_again += 1;
        let totals = |pair: &[Sight; 2]| [pair[0].total, pair[1].total];
        let mut before = [Sight::of(earlier), Sight::of(now)];
        for round in 0..ROUNDS {
            let Some(pair) = self.both(earlier, now).await else { return false };
            let same = pair == before;
            if same || totals(&pair) != totals(&before) || pair[1].total.is_none() {
                // The very answers once more are the server's own doing; others that hold, or another total, are somebody else's.
                return round > 0 || !same;
            }
            before = pair;
        }
        // The same totals with other entries each time: an order that never holds.
        false
    }

    /// True when an earlier page of the same walk is another one by now, and holds: what somebody else deletes on it moves up who
    /// comes after it. An order that never holds is the server's own.
    async fn walk_moved(&mut self, call: &Call) -> bool {
        if !call.cursor && call.effective_start().is_none_or(|start| start <= 1) {
            return false;
        }
        let quiet = self.past.iter().rev().take_while(|p| p.exchange.request.method == "GET");
        let of_walk = quiet.filter(|p| {
            p.call.op == Op::List
                && p.call.endpoint == call.endpoint
                && p.call.filter_text == call.filter_text
                && p.call.sort_by == call.sort_by
        });
        let pages: Vec<Arc<Exchange>> = of_walk.take(LIMIT).map(|p| p.exchange.clone()).collect();
        for page in pages {
            let Some([once, twice]) = self.both(&page, &page).await else { continue };
            if once == twice && once != Sight::of(&page) {
                return true;
            }
        }
        false
    }

    /// Both once more; nothing where one has no answer or is put off, which says nothing about the first two.
    async fn both(&mut self, earlier: &Exchange, now: &Exchange) -> Option<[Sight; 2]> {
        let earlier = self.exchange(again(&earlier.request)).await.ok()?;
        let now = self.exchange(again(&now.request)).await.ok()?;
        let answered = |e: &Exchange| e.status().is_some_and(|s| s != 429 && s < 500);
        (answered(&earlier) && answered(&now)).then(|| [Sight::of(&earlier), Sight::of(&now)])
    }
}

/// The same request with today's credentials.
pub(super) fn again(request: &Request) -> Outgoing {
    let target = match &request.query {
        Some(query) => format!("{}?{query}", request.path),
        None => request.path.clone(),
    };
    let own = |name: &str| !["authorization", "host", "content-length"].iter().any(|n| name.eq_ignore_ascii_case(n));
    let headers = request.headers.iter().filter(|(name, _)| own(name)).cloned().collect();
    let nameless = !request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("user-agent"));
    let (method, body) = (request.method.clone(), request.body.clone());
    Outgoing { method, target, headers, body, auth: request.auth, nameless }
}
