//! Feeding the shadow: what an answer contradicts, and what is believed after it.
//!
//! Must not know levels or wording; rules turn contradictions into findings.

use super::compare::{compare, strays};
use super::facts::{self, Cause, Contradiction, Fact, Form, Write};
use super::forecast::tenant_of;
use super::learn::{adopt, copy_server_values, forget, normalise, odd_case, patch_facts, put_facts, touched};
use super::lists::inactive;
use super::{Call, Expectation, Forecast, Known, Op, Shadow, State, text_of};
use crate::exchange::Exchange;
use crate::scim::schema::ResourceType;
use crate::scim::value::get_ci;
use serde_json::{Map, Value};

/// What one answer says against (or for) the shadow.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// Facts that a representation in the answer contradicts.
    pub contradictions: Vec<Contradiction>,
    /// Facts that the answer confirms.
    pub confirmed: Vec<(String, Cause)>,
    /// Where the representation stood.
    pub place: Place,
    /// Values written by a PATCH that turned up in another place.
    pub strays: Vec<Stray>,
    /// Outcome of a filter over our own resources.
    pub selection: Option<Selection>,
    /// Index positions that two pages of the same list give to different resources, or ids on two pages.
    pub page_clashes: Vec<PageClash>,
}

/// Where a representation was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    /// Not at all.
    #[default]
    Nowhere,
    /// In the answer to a write.
    WriteAnswer,
    /// In a GET by id.
    Read,
    /// In a list.
    List,
}

/// A written value in the wrong place.
#[derive(Debug, Clone)]
pub struct Stray {
    /// Where it turned up.
    pub at: String,
    /// The value.
    pub value: Value,
    /// The write.
    pub step: String,
}

/// Which of our resources a list returned.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Ours that match and were not returned: id and name.
    pub missing: Vec<(String, String)>,
    /// Ours (or others', judged by what was returned) that do not match and were returned.
    pub surplus: Vec<(String, String)>,
    /// Ours that were deleted and were returned.
    pub ghosts: Vec<(String, String)>,
    /// Of another tenant.
    pub foreign: Vec<(String, String)>,
    /// The same id twice on one page.
    pub twice: Vec<String>,
    /// How many of ours match.
    pub matching: usize,
    /// How many of ours do not match.
    pub not_matching: usize,
    /// True when the page must hold the whole result.
    pub complete: bool,
    /// Inactive ones among `missing`.
    pub missing_inactive: usize,
}

/// Two pages that disagree.
#[derive(Debug, Clone)]
pub struct PageClash {
    /// What is wrong.
    pub text: String,
    /// Step of the other page.
    pub other: String,
}

impl Shadow {
    /// Takes one exchange in. `step` names it in later findings; `settled` is false while other requests are in flight.
    pub fn observe(
        &mut self,
        exchange: &Exchange,
        call: &Call,
        forecast: &Forecast,
        step: &str,
        settled: bool,
    ) -> Observed {
        let Some(status) = exchange.status() else { return self.unanswered(call) };
        let Some(rt) = self.target.clone().resource_type(&call.endpoint).cloned() else {
            if call.op == Op::Bulk {
                self.bulk(exchange, call, step);
            }
            return Observed::default();
        };
        let accepted = (200..300).contains(&status);
        let mut out = Observed::default();
        match call.op {
            Op::Create if accepted => self.created(exchange, call, forecast, step, &rt, &mut out),
            Op::Replace | Op::Patch if accepted => self.changed(exchange, call, forecast, step, &rt, settled, &mut out),
            Op::Replace | Op::Patch => self.refused(call, status, step, &rt),
            Op::Delete => self.deleted(call, status, step),
            Op::Read if status == 200 && call.method == "GET" => self.read(exchange, call, &rt, &mut out),
            Op::List | Op::Search if status == 200 => self.listed(exchange, call, &rt, step, &mut out),
            _ => {}
        }
        if accepted && matches!(call.op, Op::Create | Op::Replace | Op::Patch | Op::Delete | Op::Bulk) {
            self.pages.clear();
        }
        out
    }

    /// No answer: a write may have happened or not.
    fn unanswered(&mut self, call: &Call) -> Observed {
        if let Some(id) = &call.id
            && matches!(call.op, Op::Replace | Op::Patch | Op::Delete)
            && let Some(known) = self.find_mut(&call.endpoint, id)
        {
            known.state = if call.op == Op::Delete { State::Unsure } else { known.state };
            known.facts.clear();
        }
        Observed::default()
    }

    fn created(
        &mut self,
        exchange: &Exchange,
        call: &Call,
        forecast: &Forecast,
        step: &str,
        rt: &ResourceType,
        out: &mut Observed,
    ) {
        let answer = exchange.json().filter(|v| v.is_object());
        let location_id = exchange.response().and_then(|r| r.header("location")).and_then(last_segment);
        let body_id = answer.and_then(|a| get_ci(a.as_object()?, "id")).and_then(text_of).filter(|s| !s.is_empty());
        let Some(id) = body_id.or(location_id) else { return };
        let mut doc = call.body.clone().filter(Value::is_object).unwrap_or_else(|| Value::Object(Map::new()));
        normalise(&mut doc, rt);
        let cause = Cause { step: step.to_owned(), kind: Write::Create, form: Form::default() };
        let mut known = Known {
            endpoint: call.endpoint.clone(),
            type_name: rt.name.clone(),
            id: id.clone(),
            tenant: tenant_of(call),
            state: State::Live,
            doc: doc.clone(),
            facts: facts::Facts::new(),
            step: step.to_owned(),
            last_write: step.to_owned(),
            refused: None,
            last_full: None,
            last_answer: answer.cloned(),
            etag: exchange.response().and_then(|r| r.header("etag")).map(str::to_owned),
            modified_before: None,
            dirty: true,
            unkept: Vec::new(),
        };
        if forecast.expect != Expectation::Refuse {
            for (key, value) in facts::split(&doc, rt) {
                if !facts::is_empty(&value) {
                    let mut cause = cause.clone();
                    cause.form.odd_case = odd_case(call, &key);
                    known.facts.insert(key, Fact { cause, previous: Value::Null });
                }
            }
        }
        if let Some(answer) = answer {
            out.place = Place::WriteAnswer;
            if !call.projected() {
                compare(&known, answer, rt, &self.target, &self.loose_members(), false, out);
            }
            copy_server_values(&mut known.doc, answer);
        }
        self.known.push(std::sync::Arc::new(known));
    }

    #[expect(clippy::too_many_arguments, reason = "one call site; each is a different thing")]
    fn changed(
        &mut self,
        exchange: &Exchange,
        call: &Call,
        forecast: &Forecast,
        step: &str,
        rt: &ResourceType,
        settled: bool,
        out: &mut Observed,
    ) {
        let (target, loose, unkept) = (self.target.clone(), self.loose_members(), self.unkept.clone());
        let Some(id) = call.id.clone() else { return };
        let Some(known) = self.find_mut(&call.endpoint, &id) else { return };
        known.last_write = step.to_owned();
        known.etag = exchange.response().and_then(|r| r.header("etag")).map(str::to_owned);
        let after = if forecast.expect == Expectation::Refuse { None } else { forecast.after.clone() };
        match after {
            // Accepted against our forecast, or with effects that we cannot predict: learn from the next read.
            None => forget(known),
            Some(mut after) => {
                normalise(&mut after, rt);
                let body = call.body.as_ref().and_then(Value::as_object);
                known.modified_before = modified(&known.doc);
                if call.op == Op::Replace {
                    put_facts(known, &after, call, step, rt)
                } else {
                    patch_facts(known, after, body, step, rt)
                }
                known.facts.retain(|key, _| !unkept.contains(&(call.endpoint.clone(), key.clone())));
                known.dirty = true;
            }
        }
        let answer = exchange.json().filter(|v| v.is_object());
        known.last_answer = answer.cloned();
        if let Some(answer) = answer
            && settled
            && !call.projected()
        {
            out.place = Place::WriteAnswer;
            compare(known, answer, rt, &target, &loose, true, out);
        }
    }

    fn refused(&mut self, call: &Call, status: u16, step: &str, rt: &ResourceType) {
        let Some(id) = call.id.clone() else { return };
        let Some(known) = self.find_mut(&call.endpoint, &id) else { return };
        if known.state != State::Live || status >= 500 && call.op == Op::Replace {
            return;
        }
        known.last_write = step.to_owned();
        let cause = Cause { step: step.to_owned(), kind: Write::Refused, form: Form::default() };
        // What the refused request wanted to change must still be as it was, also where nothing was ever written.
        for key in touched(call, rt) {
            known.facts.entry(key).or_insert_with(|| Fact { cause: cause.clone(), previous: Value::Null });
        }
        known.refused = Some(cause);
    }

    fn deleted(&mut self, call: &Call, status: u16, step: &str) {
        let Some(id) = call.id.clone() else { return };
        let endpoint = call.endpoint.clone();
        if let Some(known) = self.find_mut(&endpoint, &id) {
            known.last_write = step.to_owned();
            match status {
                200..=299 => known.state = State::Gone,
                404 | 410 if known.state == State::Live => known.state = State::Unsure,
                500.. => known.state = State::Unsure,
                _ => {}
            }
        }
    }

    fn read(&mut self, exchange: &Exchange, call: &Call, rt: &ResourceType, out: &mut Observed) {
        let (target, loose) = (self.target.clone(), self.loose_members());
        let Some(answer) = exchange.json().filter(|v| v.is_object()) else { return };
        let Some(id) = call.id.clone() else { return };
        let Some(known) = self.find_mut(&call.endpoint, &id) else {
            self.seen.insert(id);
            return;
        };
        if call.projected() {
            return;
        }
        out.place = Place::Read;
        if known.state == State::Gone {
            // That it is there at all is the finding; what a delete made of it is not held against earlier writes.
            known.facts.clear();
        }
        compare(known, answer, rt, &target, &loose, true, out);
        out.strays = strays(known, answer, rt);
        known.refused = None;
        known.state = State::Live;
        known.last_full = Some(answer.clone());
        known.dirty = false;
        known.modified_before = None;
        if let Some(tag) = exchange.response().and_then(|r| r.header("etag")) {
            known.etag = Some(tag.to_owned());
        }
        let unkept: Vec<String> = out
            .contradictions
            .iter()
            .filter(|c| (c.cause.kind == Write::Create || c.key == "externalId") && c.clash == facts::Clash::Missing)
            .map(|c| c.key.clone())
            .collect();
        adopt(known, answer, out, rt);
        known.unkept.extend(unkept.iter().cloned());
        for key in unkept {
            self.unkept.insert((call.endpoint.clone(), key));
        }
    }

    /// Users whose membership the server may end by itself.
    pub(super) fn loose_members(&self) -> Vec<String> {
        self.known.iter().filter(|k| k.state != State::Live || inactive(&k.doc)).map(|k| k.id.clone()).collect()
    }
}

pub(super) fn last_segment(url: &str) -> Option<String> {
    let path = url.split(['?', '#']).next()?;
    path.rsplit('/').find(|s| !s.is_empty()).map(crate::exchange::percent_decode)
}

fn modified(doc: &Value) -> Option<String> {
    let meta = get_ci(doc.as_object()?, "meta")?.as_object()?;
    get_ci(meta, "lastModified")?.as_str().map(str::to_owned)
}
