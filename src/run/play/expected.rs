//! What a step expects of its answer, and when a miss is news: not if a rule told it, not if it follows from an earlier
//! failure, not if the target's own schema has it so.
//!
//! Must not send.

use super::Player;
use crate::engine::render;
use crate::event::Outcome;
use crate::exchange::Exchange;
use crate::rules::Level;
use crate::run::findings;
use crate::run::judge::Judged;
use crate::scenario::model::{Expect, Matcher, Place, Step};
use crate::scenario::template::Values;
use crate::scim::schema::{Mutability, ResourceType, Returned};
use crate::shadow::{Call, Choice, Expectation, Op, Reason, facts};
use serde_json::Value;
use std::sync::Arc;

impl Player<'_> {
    pub(super) fn expect(&mut self, step: &Step, exchange: &Arc<Exchange>, judged: &Judged, at: usize) {
        let Some(expect) = &step.expect else { return };
        if exchange.outcome.is_err() {
            return;
        }
        let missed = self.missed(expect, exchange, &judged.call);
        let Some((place, expected, actual)) = missed.first().cloned() else { return };
        if let Some(reason) = foreseen(judged, exchange, &self.context.target) {
            if self.steps[at].outcome == Outcome::Passed {
                self.steps[at].outcome = Outcome::Blocked;
                self.steps[at].reason = Some(reason);
            }
            return;
        }
        // A failure that a rule has told already, or that follows from an earlier one, is no news.
        let told = judged.findings.iter().any(|(rule, f)| {
            findings::effective_level(rule, f, &self.context.options) != Level::Note
                || (place == "status" && f.at == "status")
        });
        // What speaks in the name of a rule is told of a step's own refusal, too.
        let own = expect.rule.is_some() && self.broken.as_ref() == Some(&self.steps[at].id);
        if told || (self.broken.is_some() && !own) {
            if let Some(cause) = self.broken.clone().filter(|c| *c != self.steps[at].id)
                && self.steps[at].outcome == Outcome::Passed
            {
                self.steps[at].outcome = Outcome::Blocked;
                self.steps[at].reason = Some(format!("follows from {cause}"));
            }
            return;
        }
        let (rule, finding) = findings::unexpected(expect, &self.case.scenario, step, &place, &expected, &actual);
        self.add_finding(at, step, exchange, rule, finding);
    }

    /// What the answer lacks of what the step expects: place, expected, actual.
    pub(super) fn missed(&self, expect: &Expect, exchange: &Exchange, call: &Call) -> Vec<(String, String, String)> {
        let mut out = Vec::new();
        let status = exchange.status().unwrap_or(0);
        // A query that may be refused with 400 may be one that is not offered (RFC 7644 §3.12, Table 8: 501).
        let declined = status == 501 && matches!(call.op, Op::List | Op::Search);
        let allowed = |s: &crate::scenario::model::StatusSpec| s.allows(status) || (declined && s.allows(400));
        if !expect.status.is_empty() && !expect.status.iter().any(allowed) {
            out.push(("status".to_owned(), findings::statuses(&expect.status), status.to_string()));
        }
        if self.asks_the_servers_own(call) {
            return out;
        }
        let types = &self.context.target.types;
        let shown = |v: Option<&Value>| v.map_or_else(|| "nothing".to_owned(), crate::rules::view::short);
        let mut test = |label: String, value: Option<Value>, matcher: &Matcher| {
            if let Some(expected) = render::test(matcher, value.as_ref(), &self.values) {
                out.push((label, expected, shown(value.as_ref())));
            }
        };
        for (place, matcher) in &expect.body {
            if self.not_on_offer(place, call) {
                continue;
            }
            let value = match matcher {
                Matcher::Count(_) => render::all_at(place, exchange, types, &self.values),
                _ => render::at(place, exchange, types, &self.values),
            };
            if self.is_canonical_form(place, matcher, value.as_ref(), call) {
                continue;
            }
            test(findings::place_label(place, &self.values as &dyn Values), value, matcher);
        }
        for (name, matcher) in &expect.headers {
            let value = exchange.response().and_then(|r| r.header(name)).map(|v| Value::String(v.to_owned()));
            test(format!("header {name}"), value, matcher);
        }
        out
    }

    /// True where the filter goes by an attribute that only this server writes, though the RFC lets clients: whom it fits, no client
    /// knows.
    fn asks_the_servers_own(&self, call: &Call) -> bool {
        let (Some(text), Some(rt)) = (&call.filter_text, self.context.target.resource_type(&call.endpoint)) else {
            return false;
        };
        let words: Vec<&str> = text.split([' ', '(', ')', '[', ']', '.', ':']).collect();
        let named = rt.schema.attributes.iter().filter(|a| words.iter().any(|w| w.eq_ignore_ascii_case(&a.name)));
        let by_rfc = |name: &str| {
            let own = [ResourceType::user(), ResourceType::group()];
            own.iter().find_map(|rt| rt.schema.attribute(name).map(|a| a.mutability)) == Some(Mutability::ReadOnly)
        };
        named.filter(|a| a.mutability == Mutability::ReadOnly).any(|a| !by_rfc(&a.name))
    }

    /// True where a server shows what was written in a form of its own that the RFC allows: another case where case does not count
    /// (RFC 7643 §7), a phone number with its country (§4.1.2).
    fn is_canonical_form(&self, place: &Place, matcher: &Matcher, value: Option<&Value>, call: &Call) -> bool {
        let (Place::Scim(template), Matcher::Equals(json), Some(shown)) = (place, matcher, value) else { return false };
        let Some(rt) = self.context.target.resource_type(&call.endpoint) else { return false };
        let (Ok(text), Ok(wanted)) = (template.render_in_filter(&self.values), json.render(&self.values)) else {
            return false;
        };
        let text = text.split_once("].").filter(|(head, _)| head.starts_with("Resources[")).map_or(&*text, |(_, t)| t);
        let Ok(path) = crate::scim::path::parse_path(&without_index(text), rt) else { return false };
        let Some(found) = rt.attribute(&path.attr) else { return false };
        let key = found.attribute.name.as_str();
        let recased = |(a, b): (&str, &str)| a.eq_ignore_ascii_case(b) && !found.leaf().case_exact;
        facts::same_scalar(key, &wanted, shown, Some(found.attribute))
            || wanted.as_str().zip(shown.as_str()).is_some_and(recased)
    }

    /// True for an attribute that the target's schema does not declare, or does not return without being asked.
    pub(super) fn not_on_offer(&self, place: &Place, call: &Call) -> bool {
        let Place::Scim(template) = place else { return false };
        let target = &self.context.target;
        let (Ok(text), Some(rt), true) =
            (template.render_in_filter(&self.values), target.resource_type(&call.endpoint), target.schemas_known)
        else {
            return false;
        };
        let text = match call.op {
            Op::Create | Op::Read | Op::Replace | Op::Patch => text.as_str(),
            Op::List | Op::Search => match text.split_once("].") {
                Some(("Resources[0" | "Resources[1" | "Resources[2", attribute)) => attribute,
                _ => return false,
            },
            _ => return false,
        };
        let Ok(path) = crate::scim::path::parse_path(&without_index(text), rt) else { return false };
        // Through the RFC's own schema only attributes count: `status` of an error is none.
        let known =
            |rt: &ResourceType| rt.attribute(&path.attr).map(|r| (r.attribute.returned, r.attribute.mutability));
        match known(rt) {
            Some((Returned::Request | Returned::Never, _)) => !call.projected(),
            // What no client writes here is not as this client wrote it, unless the RFC has it so as well.
            Some((_, Mutability::ReadOnly)) => {
                let own = |rt: ResourceType| rt.attribute(&path.attr).map(|r| r.attribute.mutability);
                let rfc = [ResourceType::user(), ResourceType::group()].into_iter().find_map(own);
                rfc.is_some_and(|m| m != Mutability::ReadOnly)
            }
            Some(_) => false,
            None => [ResourceType::user(), ResourceType::group()].iter().any(|own| known(own).is_some()),
        }
    }
}

/// `emails[0].value` is about `emails.value`.
fn without_index(text: &str) -> String {
    let mut parts = text.split('[');
    let head = parts.next().unwrap_or_default().to_owned();
    parts.fold(head, |out, part| match part.split_once(']') {
        Some((number, rest)) if number.bytes().all(|b| b.is_ascii_digit()) => out + rest,
        _ => out + "[" + part,
    })
}

/// Why a refusal was right although the step hoped for something else: the target's own schema asks for it.
pub(super) fn foreseen(judged: &Judged, exchange: &Exchange, target: &crate::shadow::Advertised) -> Option<String> {
    let forecast = &judged.forecast;
    let refused = exchange.status().is_some_and(|s| (400..500).contains(&s));
    let undeclared = || {
        let whole = matches!(judged.call.op, Op::Create | Op::Replace);
        let object = judged.call.body.as_ref().and_then(Value::as_object).filter(|_| whole);
        let rt = target.resource_type(&judged.call.endpoint).filter(|_| target.schemas_known);
        object.zip(rt).is_some_and(|(object, rt)| crate::shadow::forecast::undeclared(object, rt))
    };
    let by_schema = match forecast.expect {
        // Wrong in two ways: no RFC says which is told.
        Expectation::Refuse if forecast.reason == Some(Reason::Duplicate) => {
            exchange.status() == Some(400) && undeclared()
        }
        Expectation::Refuse => {
            matches!(forecast.reason, Some(Reason::MissingRequired | Reason::Mutability | Reason::InvalidPath))
        }
        Expectation::Either => {
            let whole = judged.call.body.as_ref().and_then(Value::as_object).filter(|_| judged.call.op == Op::Create);
            let required =
                |o| crate::shadow::forecast::required_extension_lost(o, target.resource_type(&judged.call.endpoint)?);
            forecast.choice == Some(Choice::UndeclaredAttribute) || whole.and_then(required).is_some()
        }
        Expectation::Accept => false,
    };
    (refused && by_schema).then(|| format!("the target's schema does not allow it: {}", forecast.detail))
}
