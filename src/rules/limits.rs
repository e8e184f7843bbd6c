//! Requests that are turned away for being too many.
//!
//! Must not call a limit wrong: whether there is one, and how narrow it is, is the server's choice.

use super::rule::{Finding, Impact, Level, Rule, Verdict};
use super::view::View;
use crate::exchange::{Exchange, Response};
use std::time::Duration;

/// Rules of this area.
pub static RULES: &[Rule] = &[
    Rule {
        id: "limit/never-lets-through",
        title: "A request that came back ten times, each time after the wait that was asked for, is still answered 429",
        spec: "RFC 6585 §4; Okta: ten attempts, then the task fails",
        level: Level::Idp,
        clash: false,
        impact: Impact::RetriesForever,
        breaks: &["okta"],
        requirements: &["okta-429-ten-attempts"],
        explain: "A server may limit its clients, and Retry-After says when to come again. Okta comes as asked, doubles the wait with each further 429 and gives up for good after ten attempts. A limit that still holds then never ends for this request: refused requests count against it, or it is tied to something that does not pass with time. Where less was waited than Okta waits, it is a note.",
        hint: "Let a request through once the announced time is over: do not count refused requests, and announce the time that is really left.",
        wrong: "ten times GET /Users?filter=userName eq \"kim@example.com\", each after Retry-After → 429",
        right: "429 Retry-After: 2, and two seconds later 200",
        proven_by: &["look-up-limit-never-ends"],
        check: never_lets_through,
    },
    Rule {
        id: "limit/wait-not-in-seconds",
        title: "A 429 does not say in whole seconds when to come again",
        spec: "RFC 6585 §4; RFC 9110 §10.2.3; Okta: an integer, else five minutes",
        level: Level::Note,
        clash: false,
        impact: Impact::RetriesForever,
        breaks: &["okta"],
        requirements: &["err-429-retry-after"],
        explain: "Retry-After is optional beside a 429, and may be a date. Okta reads whole seconds only: without them it waits five minutes, then ten, and so on, however soon the server would have let it through.",
        hint: "Send Retry-After with the seconds that are left, as a whole number.",
        wrong: "429 without Retry-After",
        right: "429 Retry-After: 2",
        proven_by: &["throttled-until-a-date"],
        check: wait_not_in_seconds,
    },
];

/// So often Okta tries in all.
pub(crate) const ATTEMPTS: usize = 10;

/// Seconds that a 429 asks for, as Okta reads them.
fn seconds(response: &Response) -> Option<u64> {
    let text = response.header("retry-after")?.trim();
    let whole = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    // More digits than a u64 holds are still "very long".
    whole.then(|| text.parse().unwrap_or(u64::MAX))
}

fn turned_away(exchange: &Exchange) -> Option<&Response> {
    exchange.response().filter(|r| r.status == 429)
}

fn let_through(view: &View<'_>) -> Verdict {
    if view.response().is_some() { Verdict::Pass } else { Verdict::NotApplicable }
}

/// How long it was until the next one began.
fn gap(first: &Exchange, next: &Exchange) -> Option<Duration> {
    Duration::try_from(next.started? - (first.started? + first.duration)).ok()
}

fn never_lets_through(view: &View<'_>) -> Verdict {
    let now = view.exchange;
    if turned_away(now).is_none() {
        return let_through(view);
    }
    let same = |e: &Exchange| {
        (&e.request.method, &e.request.url, &e.request.body)
            == (&now.request.method, &now.request.url, &now.request.body)
    };
    // The attempts before this one, newest first, as far back as each next one came no sooner than it was asked to.
    let mut asked = Vec::new();
    let mut waited = Vec::new();
    let mut next = now;
    for past in view.earlier.iter().rev().map(|p| &*p.exchange).filter(|e| same(e)) {
        let Some(wait) = turned_away(past).and_then(seconds).map(Duration::from_secs) else { break };
        let Some(gap) = gap(past, next).filter(|gap| *gap >= wait) else { break };
        asked.push(wait);
        waited.push(gap);
        next = past;
    }
    if asked.len() + 1 < ATTEMPTS {
        return Verdict::NotApplicable;
    }
    // Okta waits once, twice, four times … what it was asked to.
    let as_okta =
        (0..).zip(asked.iter().zip(&waited).rev()).all(|(n, (wait, gap))| *gap >= wait.saturating_mul(1 << n.min(20)));
    let total: Duration = waited.iter().sum();
    let actual = format!("429 to {} attempts within {:.1} s", asked.len() + 1, total.as_secs_f64());
    let finding = Finding::new("status", "let through after the announced wait", actual);
    Verdict::Fail(vec![if as_okta { finding } else { finding.level(Level::Note) }])
}

fn wait_not_in_seconds(view: &View<'_>) -> Verdict {
    let Some(response) = turned_away(view.exchange) else { return let_through(view) };
    if seconds(response).is_some() {
        return Verdict::Pass;
    }
    let actual =
        response.header("retry-after").map_or_else(|| "no Retry-After".to_owned(), |v| format!("Retry-After: {v}"));
    Verdict::Fail(vec![Finding::new("header Retry-After", "a whole number of seconds", actual)])
}
