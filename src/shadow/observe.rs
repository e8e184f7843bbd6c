//! Feeding the shadow: what an answer contradicts, and what is believed after it.
//!
//! Must not know levels or wording; rules turn contradictions into findings.

use super::compare::{compare, strays};
use super::facts::{self, Cause, Contradiction, Fact, Form, Write};
use super::forecast::tenant_of;
use super::learn::{adopt, copy_server_values, forget, normalise, odd_case, patch_facts, put_facts, touched};
use super::pages::Page;
use super::{Call, Expectation, Forecast, Known, Op, Shadow, State, text_of};
use crate::exchange::Exchange;
use crate::scim::schema::ResourceType;
use crate::scim::value::get_ci;
use serde_json::{Map, Value};
use std::sync::Arc;

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
    /// Ours that match a filter and were not returned: id and name. Empty without a filter.
    pub missing: Vec<(String, String)>,
    /// How many of ours match and were not returned.
    pub not_returned: usize,
    /// Ours (or others', judged by what was returned) that do not match and were returned.
    pub surplus: Vec<(String, String)>,
    /// Ours that were deleted and were returned.
    pub ghosts: Vec<(String, String)>,
    /// Of another tenant.
    pub foreign: Vec<(String, String)>,
    /// The same id twice on one page.
    pub twice: Vec<String>,
    /// Ours that match and stand nowhere in a list that was shown from its first entry to its last: id and name.
    pub absent: Vec<(String, String)>,
    /// The page before this one, where the list had several.
    pub absent_since: Option<String>,
    /// How many of ours match.
    pub matching: usize,
    /// True when some of ours do not match.
    pub not_matching: bool,
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
    /// Holds one exchange against what is believed. `step` names it in later findings; `settled` is false while other
    /// requests are in flight. The shadow stays as it was, for the rules to look at, until it [`Shadow::learn`]s the rest.
    pub fn observe(
        &self,
        exchange: &Exchange,
        call: &Call,
        forecast: &Forecast,
        step: &str,
        settled: bool,
    ) -> (Observed, Learned) {
        let mut watch = Watch { shadow: self, step, out: Observed::default(), learned: Learned::default() };
        watch.take(exchange, call, forecast, settled);
        (watch.out, watch.learned)
    }
}

/// What an exchange teaches, beside what it says about the past.
#[derive(Debug, Default)]
pub struct Learned {
    /// New and changed resources; a changed one with its place.
    pub(super) resources: Vec<(Option<u32>, Known)>,
    /// Ids that are not ours.
    pub(super) seen: Vec<String>,
    /// Attributes that were seen not to be kept: endpoint, fact key, whose.
    pub(super) unkept: Vec<(String, String, String)>,
    /// Attributes that were seen to be shown otherwise than they were written: endpoint, fact key, whose.
    pub(super) distorted: Vec<(String, String, String)>,
    /// A page of a list.
    pub(super) page: Option<Page>,
    /// A write: what lists said before is old.
    pub(super) list_changed: bool,
}

/// One exchange being taken in.
pub(super) struct Watch<'a> {
    pub(super) shadow: &'a Shadow,
    pub(super) step: &'a str,
    pub(super) out: Observed,
    pub(super) learned: Learned,
}

impl Shadow {
    /// Two tenants may number alike: true when the id is known in the other tenant only, and what is shown has another name.
    pub fn shows_another(&self, call: &Call, shown: &Value) -> bool {
        let Some(known) = call.id.as_deref().and_then(|id| self.find(&call.endpoint, id)) else { return false };
        known.tenant != tenant_of(call) && has_other_name(known, shown)
    }
}

/// True when what is shown has a name, and another than the one we know.
pub(super) fn has_other_name(known: &Known, shown: &Value) -> bool {
    let attribute = super::name_attribute(&known.endpoint);
    let name = shown.as_object().and_then(|o| get_ci(o, attribute)).and_then(Value::as_str);
    name.is_some() && name != known.name()
}

impl Watch<'_> {
    fn take(&mut self, exchange: &Exchange, call: &Call, forecast: &Forecast, settled: bool) {
        let Some(status) = exchange.status() else { return self.unanswered(call) };
        let shadow = self.shadow;
        let Some(rt) = shadow.target.resource_type(&call.endpoint) else {
            match call.op {
                Op::Bulk => self.bulk(exchange, call),
                // Whoever /Me stands for exists, and is not ours.
                Op::Me => {
                    let id = exchange.json().and_then(Value::as_object).and_then(|o| get_ci(o, "id")).and_then(text_of);
                    self.learned.seen.extend(id);
                }
                _ => {}
            }
            return;
        };
        let accepted = (200..300).contains(&status);
        match call.op {
            Op::Create if accepted => self.created(exchange, call, forecast, rt),
            Op::Create if status == 409 => self.create_refused(call, rt),
            Op::Replace | Op::Patch if accepted => self.changed(exchange, call, forecast, rt, settled),
            Op::Replace | Op::Patch => self.refused(call, status, rt),
            Op::Delete => self.deleted(call, status),
            Op::Read if accepted && call.method == "GET" => self.read(exchange, call, rt),
            Op::List | Op::Search if accepted => self.listed(exchange, call, rt),
            _ => {}
        }
        if accepted && matches!(call.op, Op::Create | Op::Replace | Op::Patch | Op::Delete | Op::Bulk) {
            self.learned.list_changed = true;
        }
    }

    /// A resource to change: as it will be after this exchange.
    pub(super) fn edit(&mut self, endpoint: &str, id: &str) -> Option<&mut Known> {
        edit(self.shadow, &mut self.learned, endpoint, id)
    }

    /// No answer: a write may have happened or not.
    fn unanswered(&mut self, call: &Call) {
        if call.op == Op::Bulk {
            return self.bulk_broken(call);
        }
        if let Some(id) = &call.id
            && matches!(call.op, Op::Replace | Op::Patch | Op::Delete)
            && let Some(known) = self.edit(&call.endpoint, id)
        {
            known.state = if call.op == Op::Delete { State::Unsure } else { known.state };
            forget(known);
        }
    }

    fn created(&mut self, exchange: &Exchange, call: &Call, forecast: &Forecast, rt: &ResourceType) {
        let step = self.step;
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
            doc: Arc::new(doc),
            facts: Arc::default(),
            step: step.to_owned(),
            last_write: step.to_owned(),
            refused: None,
            last_full: None,
            last_answer: answer.cloned().map(Arc::new),
            etag: exchange.response().and_then(|r| r.header("etag")).map(str::to_owned),
            dirty: true,
        };
        if forecast.expect != Expectation::Refuse {
            let believed = Arc::make_mut(&mut known.facts);
            for (key, value) in facts::split(&known.doc, rt) {
                if !facts::is_empty(&value) {
                    let mut cause = cause.clone();
                    cause.form.odd_case = odd_case(call, &key);
                    believed.insert(key, Fact { cause, previous: Value::Null });
                }
            }
        }
        if let Some(answer) = answer {
            self.out.place = Place::WriteAnswer;
            if !call.projected() {
                compare(&known, answer, rt, self.shadow, false, &mut self.out);
            }
            copy_server_values(Arc::make_mut(&mut known.doc), answer);
        }
        self.learned.resources.push((None, known));
    }

    fn changed(&mut self, exchange: &Exchange, call: &Call, forecast: &Forecast, rt: &ResourceType, settled: bool) {
        let (step, shadow) = (self.step, self.shadow);
        let Some(id) = &call.id else { return };
        let Some(known) = edit(shadow, &mut self.learned, &call.endpoint, id) else { return };
        known.last_write = step.to_owned();
        known.etag = exchange.response().and_then(|r| r.header("etag")).map(str::to_owned);
        let after = if forecast.expect == Expectation::Refuse { None } else { forecast.after.clone() };
        match after {
            // Accepted against our forecast, or with effects that we cannot predict: learn from the next read.
            None => forget(known),
            Some(mut after) => {
                normalise(&mut after, rt);
                let body = call.body.as_ref().and_then(Value::as_object);
                if call.op == Op::Replace {
                    put_facts(known, &after, call, step, rt)
                } else {
                    patch_facts(known, after, body, step, rt)
                }
                if !shadow.unkept.is_empty() {
                    Arc::make_mut(&mut known.facts)
                        .retain(|key, _| !shadow.unkept.contains_key(&(call.endpoint.clone(), key.clone())));
                }
                known.dirty = true;
            }
        }
        let answer = exchange.json().filter(|v| v.is_object());
        known.last_answer = answer.cloned().map(Arc::new);
        if let Some(answer) = answer
            && settled
            && !call.projected()
        {
            self.out.place = Place::WriteAnswer;
            compare(known, answer, rt, shadow, true, &mut self.out);
        }
    }

    fn refused(&mut self, call: &Call, status: u16, rt: &ResourceType) {
        let step = self.step;
        let Some(id) = &call.id else { return };
        let Some(known) = self.edit(&call.endpoint, id) else { return };
        if known.state == State::Live && status >= 500 && call.op == Op::Replace {
            // How much of it was done before the crash, nobody knows.
            return forget(known);
        }
        if known.state != State::Live {
            return;
        }
        known.last_write = step.to_owned();
        must_stay(known, call, step, rt);
    }

    /// The name is taken: whoever has it is as before.
    fn create_refused(&mut self, call: &Call, rt: &ResourceType) {
        let step = self.step;
        let Some(id) = self.shadow.namesake(call).filter(|k| !k.dirty && k.last_full.is_some()).map(|k| k.id.clone())
        else {
            return;
        };
        if let Some(known) = self.edit(&call.endpoint, &id) {
            must_stay(known, call, step, rt);
        }
    }

    fn deleted(&mut self, call: &Call, status: u16) {
        let step = self.step;
        let Some(id) = &call.id else { return };
        if let Some(known) = self.edit(&call.endpoint, id) {
            known.last_write = step.to_owned();
            match status {
                200..=299 => known.state = State::Gone,
                404 | 410 if known.state == State::Live => known.state = State::Unsure,
                500.. => known.state = State::Unsure,
                _ => {}
            }
        }
    }

    fn read(&mut self, exchange: &Exchange, call: &Call, rt: &ResourceType) {
        let (shadow, out) = (self.shadow, &mut self.out);
        let Some(answer) = exchange.json().filter(|v| v.is_object()) else { return };
        let Some(id) = &call.id else { return };
        // A list in place of the resource says nothing about it, not even that it is there.
        if facts::is_list(answer) || shadow.shows_another(call, answer) {
            return;
        }
        let Some(known) = edit(shadow, &mut self.learned, &call.endpoint, id) else {
            self.learned.seen.push(id.clone());
            return;
        };
        if call.projected() {
            return;
        }
        out.place = Place::Read;
        if known.state == State::Gone {
            // That it is there at all is the finding; what a delete made of it is not held against earlier writes.
            known.facts = Default::default();
        }
        compare(known, answer, rt, shadow, true, out);
        out.strays = strays(known, answer, rt);
        known.refused = None;
        known.state = State::Live;
        let whole = Arc::new(answer.clone());
        known.last_full = Some(whole.clone());
        known.dirty = false;
        if let Some(tag) = exchange.response().and_then(|r| r.header("etag")) {
            known.etag = Some(tag.to_owned());
        }
        let unkept: Vec<String> = out
            .contradictions
            .iter()
            .filter(|c| (c.cause.kind == Write::Create || c.key == "externalId") && c.clash == facts::Clash::Missing)
            .map(|c| c.key.clone())
            .collect();
        let distorted: Vec<String> = out
            .contradictions
            .iter()
            .filter(|c| c.cause.kind == Write::Create && c.clash != facts::Clash::Missing)
            .map(|c| c.key.clone())
            .collect();
        adopt(known, whole, out, rt);
        self.learned.distorted.extend(distorted.into_iter().map(|key| (call.endpoint.clone(), key, id.clone())));
        self.learned.unkept.extend(unkept.into_iter().map(|key| (call.endpoint.clone(), key, id.clone())));
    }
}

/// What the refused request wanted to change must still be as it was, also where nothing was ever written.
fn must_stay(known: &mut Known, call: &Call, step: &str, rt: &ResourceType) {
    let cause = Cause { step: step.to_owned(), kind: Write::Refused, form: Form::default() };
    let facts = Arc::make_mut(&mut known.facts);
    for key in touched(call, rt) {
        facts.entry(key).or_insert_with(|| Fact { cause: cause.clone(), previous: Value::Null });
    }
    known.refused = Some(cause);
}

fn edit<'l>(shadow: &Shadow, learned: &'l mut Learned, endpoint: &str, id: &str) -> Option<&'l mut Known> {
    let same = |k: &Known| k.endpoint == endpoint && k.id == id;
    let at = match learned.resources.iter().rposition(|(_, k)| same(k)) {
        Some(at) => at,
        None => {
            let place = shadow.place(endpoint, id)?;
            learned.resources.push((Some(place), shadow.known.get(place).clone()));
            learned.resources.len() - 1
        }
    };
    learned.resources.get_mut(at).map(|(_, known)| known)
}

pub(super) fn last_segment(url: &str) -> Option<String> {
    let path = url.split(['?', '#']).next()?;
    path.rsplit('/').find(|s| !s.is_empty()).map(crate::exchange::percent_decode)
}
