//! What a judged exchange means for its step, its case and the job: findings with their level, the first write that was
//! turned down, what was put off.
//!
//! Must not send or judge: the rules have spoken before.

use super::Player;
use crate::event::Outcome;
use crate::exchange::{AuthKind, Exchange};
use crate::rules::limits::ATTEMPTS;
use crate::rules::{Finding, Level, Rule};
use crate::run::findings::{self, RawFinding};
use crate::run::judge::Judged;
use crate::run::{blocked, patience};
use crate::scenario::model::{Expect, Step};
use crate::shadow::{Expectation, Op, Reason};
use std::sync::Arc;

impl Player<'_> {
    pub(in crate::run) fn take_findings(&mut self, at: usize, step: &Step, exchange: &Arc<Exchange>, judged: &Judged) {
        for (rule, finding) in &judged.findings {
            self.add_finding(at, step, exchange, rule, finding.clone());
        }
        let write = matches!(judged.call.op, Op::Create | Op::Replace | Op::Patch | Op::Delete | Op::Bulk);
        // An identity provider sends nothing that it knows to be wrong: what the target's own schema makes it refuse is a
        // write that did not happen, too.
        let only_here = judged.forecast.reason == Some(Reason::MissingRequired)
            && crate::shadow::name_attribute(&judged.call.endpoint) != judged.forecast.detail;
        let meant = judged.forecast.expect != Expectation::Refuse
            || only_here
            || (self.case.scenario.idp != "rfc" && !expects_refusal(step.expect.as_ref()));
        // A refusal that the step itself names is no slip: what comes after it is written with it in mind.
        let turned_down =
            write && !exchange.accepted() && !names(step, exchange) && meant && judged.call.authenticated();
        if turned_down && self.refused.is_none() {
            self.refused = blocked::Refusal::of(exchange, &judged.call);
        }
        if turned_down || exchange.outcome.is_err() {
            self.broken.get_or_insert_with(|| self.steps[at].id.clone());
        }
        if self.steps[at].outcome == Outcome::Passed
            && let Some(reason) = self.put_off(step, exchange, judged)
        {
            self.steps[at].outcome = Outcome::Error;
            self.steps[at].reason.get_or_insert(reason);
            self.broken.get_or_insert_with(|| self.steps[at].id.clone());
        }
    }

    /// What the exchange means for the job as a whole.
    pub(super) fn count(&mut self, step: &Step, exchange: &Exchange, judged: &Judged) {
        // No identity provider writes its scheme in small letters; that is ours, to see what the server makes of it.
        let signed = matches!(judged.call.auth, AuthKind::Configured | AuthKind::Other);
        if !crate::run::job::belongs(&self.case.scenario) || !signed {
            return;
        }
        let meant = judged.forecast.expect == Expectation::Refuse || names(step, exchange);
        self.job.take(judged, exchange, meant, || format!("{} › {}", self.name, step.id));
    }

    /// "Not now" and "not here" say nothing about the server's SCIM. What was not answered must not pass for tested.
    pub(super) fn put_off(&self, step: &Step, exchange: &Exchange, judged: &Judged) -> Option<String> {
        let status = exchange.status()?;
        let named = names(step, exchange);
        let asked_for = |header| exchange.request.header(header).is_some();
        let about_limits = self.case.scenario.tags.iter().any(|t| t == "rate-limit");
        if named || !judged.call.authenticated() || judged.call.op == Op::Other {
            return None;
        }
        match status {
            429 if !about_limits => {
                Some("answered 429: the server wants fewer requests; --rate slows the run down".to_owned())
            }
            429 if self.turned_away(exchange) + 1 >= ATTEMPTS => {
                Some(format!("answered 429 to the last of {ATTEMPTS} attempts, so that nothing after it was tested"))
            }
            // "Not now, but at once": to a scenario that is about limits the same as 429.
            503 if !(about_limits && exchange.response().is_some_and(patience::busy)) => {
                Some("answered 503: the server is not available".to_owned())
            }
            // RFC 7644 §3.11: /Me may redirect to the resource of whoever asks.
            308 if judged.call.op == Op::Me => None,
            304 if asked_for("if-none-match") || asked_for("if-modified-since") => None,
            301..=303 | 307 | 308 => {
                let to = exchange.response().and_then(|r| r.header("location")).unwrap_or("nowhere");
                let to = self.context.redactor.url(to);
                Some(format!(
                    "answered {status}, a redirect to {to}: it is not followed, because the token must not go there; if the service is there, give that as --base-url"
                ))
            }
            300..=399 => Some(format!("answered {status}, which is no answer to this request")),
            _ => None,
        }
    }

    /// How often this very request was answered 429 before.
    fn turned_away(&self, exchange: &Exchange) -> usize {
        let same = |e: &Exchange| {
            e.status() == Some(429)
                && (&e.request.method, &e.request.url) == (&exchange.request.method, &exchange.request.url)
        };
        self.past.iter().filter(|p| same(&p.exchange)).count()
    }

    pub(super) fn add_finding(
        &mut self,
        at: usize,
        step: &Step,
        exchange: &Arc<Exchange>,
        rule: &'static Rule,
        mut finding: Finding,
    ) {
        let judged = findings::effective_level(rule, &finding, &self.context.options);
        let judged = (judged, findings::fails(judged, &self.context.options));
        let breaks = matches!(judged.0, Level::Must | Level::Idp);
        let (level, fails) = {
            let place = (self.name.as_str(), self.steps[at].id.as_str(), exchange.status());
            findings::by_document(self.provider(), rule, &mut finding, place, judged)
        };
        let report = &mut self.steps[at];
        if !report.findings.iter().any(|r| r == rule.id) {
            report.findings.push(rule.id.to_owned());
        }
        if fails {
            report.outcome = Outcome::Failed;
        }
        // What follows from a documented deviation follows from it all the same.
        if breaks || fails {
            self.broken.get_or_insert_with(|| report.id.clone());
        }
        let (user, group) = self.values.names();
        let before = findings::before(&finding, &self.past);
        let raw = RawFinding {
            rule,
            level,
            fails,
            finding,
            impact: step.impact,
            case: self.name.clone(),
            scenario: self.case.scenario.id.clone(),
            idp: self.case.scenario.idp.clone(),
            evidence: self.case.scenario.evidence.name(),
            step: report.id.clone(),
            exchange: findings::slim(exchange),
            before,
            user,
            group,
        };
        if self.told.insert(findings::place_key(&raw)) {
            self.findings.push(raw);
        }
    }

    /// Takes a verdict back.
    pub(in crate::run) fn acquit(&mut self, rule: &'static str) {
        if let Some((_, failed)) = self.tally.get_mut(rule) {
            *failed = failed.saturating_sub(1);
        }
    }
}

/// True when the step itself names the status of the answer.
pub(super) fn names(step: &Step, exchange: &Exchange) -> bool {
    let named = step.expect.as_ref().map(|e| e.status.as_slice()).unwrap_or_default();
    exchange.status().is_some_and(|status| named.iter().any(|n| n.allows(status)))
}

/// True when every status that a step names is a refusal.
pub(in crate::run) fn expects_refusal(expect: Option<&Expect>) -> bool {
    let statuses = expect.map(|e| e.status.as_slice()).unwrap_or_default();
    !statuses.is_empty() && (200..300).all(|s| statuses.iter().all(|named| !named.allows(s)))
}
