//! Asks for the plainer form of a refused PATCH or DELETE before its form is blamed: what is refused all the same is refused
//! for something else.
//!
//! Must not judge: the rules judge the plainer request as they do any other.

use super::Player;
use crate::engine::Outgoing;
use crate::exchange::Exchange;
use crate::rules::view::short;
use crate::rules::{Finding, Rule};
use crate::run::confirm::again;
use crate::run::judge::Judged;
use crate::run::plain;
use crate::scenario::model::Step;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// So often in one run: a server that refuses every form needs no more proof.
const LIMIT: usize = 400;

/// A request that was added, and what came of it.
pub(super) struct Asked {
    pub(super) exchange: Arc<Exchange>,
    pub(super) judged: Judged,
}

impl Player<'_> {
    /// Leaves out one form after the other until the request is accepted or has none left. After that the finding blames the form
    /// without which it is accepted, or else what is refused without any.
    pub(super) async fn plainer(&mut self, step: &Step, exchange: &Arc<Exchange>, judged: &mut Judged) -> Vec<Asked> {
        let mut asked: Vec<Asked> = Vec::new();
        loop {
            let (refused, findings) =
                asked.last().map_or((exchange, &judged.findings), |last| (&last.exchange, &last.judged.findings));
            let Some(out) = self.without_form(refused, findings, &judged.call.endpoint) else { break };
            let Ok(answer) = self.exchange(out).await else { break };
            if asked.is_empty() {
                self.remember(&step.id, judged.call.clone(), exchange.clone());
            }
            let name = format!("{}/plainer", step.id);
            let judged = self.judge(&answer, &name, true, step.expect.as_ref());
            self.remember(&name, judged.call.clone(), answer.clone());
            asked.push(Asked { exchange: answer, judged });
        }
        self.blame(exchange, judged, &mut asked);
        asked
    }

    /// The request without the form that it is said to be refused for.
    fn without_form(&self, refused: &Exchange, findings: &[(&Rule, Finding)], endpoint: &str) -> Option<Outgoing> {
        let rt = self.context.target.resource_type(endpoint)?;
        let rule = findings.iter().find(|(rule, _)| plain::blames_form(rule.id))?.0;
        if !matches!(refused.status(), Some(400..=428 | 430..=499 | 501)) {
            return None;
        }
        let mut out = again(&refused.request);
        if out.method == "DELETE" {
            let headers = out.headers.len();
            out.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
            (out.headers.len() < headers).then_some(())?;
        } else {
            let body = plain::without(rule.id, &refused.request.json()?, rt)?;
            out.body = Some(body.to_string().into_bytes());
        }
        (self.context.plainer.fetch_add(1, Ordering::Relaxed) < LIMIT).then_some(out)
    }

    fn blame(&mut self, exchange: &Exchange, judged: &mut Judged, asked: &mut [Asked]) {
        let Some((last, between)) = asked.split_last_mut() else { return };
        let plain = last.exchange.request.json().and_then(|b| Some(format!("as {}", short(b.get("Operations")?))));
        let plain = plain.unwrap_or_else(|| "without `Content-Type`: there is no content".to_owned());
        let told = |judged: &Judged| judged.findings.iter().position(|(rule, _)| plain::blames_form(rule.id));
        // The last form that was left out, as it was blamed for the request before the last one.
        let mut cause = None;
        for one in between {
            if let Some(n) = told(&one.judged) {
                let (rule, finding) = one.judged.findings.remove(n);
                self.acquit(rule.id);
                cause = Some((rule, finding.level));
            }
        }
        let Some(n) = told(judged) else { return };
        let (blamed, finding) = &mut judged.findings[n];
        let mut say = |words: &str| {
            finding.message = finding.message.take().map(|message| format!("{message}, {words} {plain}"));
        };
        if last.exchange.accepted() {
            say("but is accepted");
        } else if last.exchange.status() != exchange.status() {
            // Turned down for something else: the form may be minded all the same.
            return;
        } else {
            let refusal = |(rule, f): &&(&'static Rule, Finding)| f.at == "status" && rule.id.ends_with("-refused");
            let Some((rule, refusal)) = last.judged.findings.iter().find(refusal) else { return };
            cause = Some((rule, refusal.level));
            say("also");
        }
        if let Some((rule, level)) = cause {
            finding.level = level;
            let acquitted = std::mem::replace(blamed, rule).id;
            self.acquit(acquitted);
            self.tally.entry(rule.id).or_default().1 += 1;
        }
    }
}
