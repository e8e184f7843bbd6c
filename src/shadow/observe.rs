//! Feeding the shadow: what an answer contradicts, and what is believed after it.
//!
//! Must not know levels or wording; rules turn contradictions into findings.

use super::facts::{self, Cause, Contradiction, Fact, Form, Write};
use super::forecast::{op_path, operations, tenant_of};
use super::{Call, Expectation, Forecast, Known, Op, Page, Shadow, State, text_of};
use crate::exchange::Exchange;
use crate::scim::filter;
use crate::scim::schema::ResourceType;
use crate::scim::value::{get_ci, is_unassigned};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

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

/// Body bytes from which a representation counts as large, and how many of such are kept in one case.
const LARGE: usize = 256 << 10;
const LARGE_IN_ALL: usize = 24 << 20;

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
        if !self.remembers(exchange) {
            known.last_answer = None;
        }
        if let Some(answer) = answer {
            out.place = Place::WriteAnswer;
            if !call.projected() {
                compare(&known, answer, rt, &self.target, &self.loose_members(), false, out);
            }
            if known.last_answer.is_some() {
                copy_server_values(&mut known.doc, answer);
            } else {
                copy_server_values(&mut known.doc, &essence(answer));
            }
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
        let remembers = self.remembers(exchange);
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
        known.last_answer = answer.filter(|_| remembers).cloned();
        if let Some(answer) = answer
            && settled
            && !call.projected()
        {
            out.place = Place::WriteAnswer;
            compare(known, answer, rt, &target, &loose, true, out);
        }
    }

    /// Whether a representation is kept for later comparisons. Some large ones are (a group with all its members); when each answer
    /// is megabytes, memory goes first.
    fn remembers(&mut self, exchange: &Exchange) -> bool {
        let size = exchange.response().map_or(0, |r| r.body.len());
        if size < LARGE {
            return true;
        }
        self.large += size;
        self.large <= LARGE_IN_ALL
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
        let remembers = self.remembers(exchange);
        let Some(known) = self.find_mut(&call.endpoint, &id) else {
            self.seen.insert(id);
            return;
        };
        if call.projected() {
            return;
        }
        out.place = Place::Read;
        compare(known, answer, rt, &target, &loose, true, out);
        out.strays = strays(known, answer, rt);
        known.refused = None;
        known.state = State::Live;
        known.last_full = remembers.then(|| answer.clone());
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
        if remembers {
            adopt(known, answer, out, rt);
        }
        known.unkept.extend(unkept.iter().cloned());
        for key in unkept {
            self.unkept.insert((call.endpoint.clone(), key));
        }
    }

    /// Users whose membership the server may end by itself.
    fn loose_members(&self) -> Vec<String> {
        self.known.iter().filter(|k| k.state != State::Live || inactive(&k.doc)).map(|k| k.id.clone()).collect()
    }

    /// Live groups of this case that must hold the user.
    pub fn groups_of(&self, user: &str) -> Vec<String> {
        self.known
            .iter()
            .filter(|k| {
                k.endpoint == "/Groups" && k.state == State::Live && super::member_ids(&k.doc).iter().any(|m| m == user)
            })
            .map(|k| k.id.clone())
            .collect()
    }

    fn listed(&mut self, exchange: &Exchange, call: &Call, rt: &ResourceType, step: &str, out: &mut Observed) {
        let Some(list) = exchange.json() else { return };
        let resources = resources_of(list);
        let (target, loose) = (self.target.clone(), self.loose_members());
        out.place = Place::List;
        let ids: Vec<String> =
            resources.iter().filter_map(|r| get_ci(r.as_object()?, "id")).filter_map(text_of).collect();
        out.selection = self.select(call, rt, list, &resources, &ids);
        for (resource, id) in
            resources.iter().filter_map(|r| Some((r, get_ci(r.as_object()?, "id").and_then(text_of)?)))
        {
            match self.find(&call.endpoint, &id) {
                Some(known)
                    if known.state == State::Live && !call.projected() && known.last_full.is_some() && !known.dirty =>
                {
                    compare(known, resource, rt, &target, &loose, true, out)
                }
                Some(_) => {}
                None => {
                    self.seen.insert(id.clone());
                }
            }
        }
        self.page(call, list, ids, step, out);
    }

    fn select(
        &self,
        call: &Call,
        rt: &ResourceType,
        list: &Value,
        resources: &[&Value],
        ids: &[String],
    ) -> Option<Selection> {
        let mut found = Selection::default();
        let tenant = tenant_of(call);
        for (i, id) in ids.iter().enumerate() {
            if ids[..i].contains(id) && !found.twice.contains(id) {
                found.twice.push(id.clone());
            }
        }
        if call.filter_text.is_some() && call.filter.is_none() {
            return Some(found);
        }
        let matches = |doc: &Value| call.filter.as_ref().is_none_or(|f| filter::matches(f, doc, rt));
        let total = get_ci(list.as_object()?, "totalResults").and_then(Value::as_i64);
        let limited = call.effective_count().is_some() || call.effective_start() != Some(1) || call.cursor;
        found.complete = call.filter.is_some()
            && total.map_or(!limited, |t| t <= ids.len() as i64)
            && call.effective_count() != Some(0);
        let shown = |id: &str| resources.iter().find(|r| r.get("id").and_then(text_of).as_deref() == Some(id)).copied();
        for known in self.known.iter().filter(|k| k.endpoint == call.endpoint) {
            let label = (known.id.clone(), known.name().unwrap_or_default().to_owned());
            let returned = ids.contains(&known.id);
            if known.tenant != tenant {
                // Two tenants may number alike.
                let own =
                    self.known.iter().any(|k| k.id == known.id && k.endpoint == known.endpoint && k.tenant == tenant);
                if returned && !own {
                    found.foreign.push(label);
                }
                continue;
            }
            match known.state {
                State::Unsure => continue,
                State::Gone if returned => found.ghosts.push(label),
                State::Gone => {}
                State::Live => {
                    if !decidable(call, known, rt) {
                        continue;
                    }
                    let matching = matches(&known.doc);
                    if matching {
                        found.matching += 1
                    } else {
                        found.not_matching += 1
                    }
                    match (matching, returned) {
                        (true, false) => {
                            found.missing_inactive += usize::from(inactive(&known.doc));
                            found.missing.push(label);
                        }
                        // What the server itself shows may say more than we believe (a flag that it set).
                        (false, true) if !call.projected() && shown(&known.id).is_some_and(&matches) => {}
                        (false, true) => found.surplus.push(label),
                        _ => {}
                    }
                }
            }
        }
        self.judge_strangers(call, rt, resources, &mut found);
        Some(found)
    }

    /// Resources that are not ours, judged by their own representation.
    fn judge_strangers(&self, call: &Call, rt: &ResourceType, resources: &[&Value], found: &mut Selection) {
        let Some(filter) = &call.filter else { return };
        if call.projected() || crate::scim::filter::check(filter, rt).is_err() {
            return;
        }
        for resource in resources {
            let Some(id) = resource.as_object().and_then(|o| get_ci(o, "id")).and_then(text_of) else { continue };
            if self.find(&call.endpoint, &id).is_none()
                && visible(filter, resource)
                && !filter::matches(filter, resource, rt)
            {
                let name = ["userName", "displayName"]
                    .iter()
                    .find_map(|n| get_ci(resource.as_object()?, n)?.as_str())
                    .unwrap_or_default();
                found.surplus.push((id, name.to_owned()));
            }
        }
    }

    fn page(&mut self, call: &Call, list: &Value, ids: Vec<String>, step: &str, out: &mut Observed) {
        let Some(start) = call.effective_start() else { return };
        let beyond = get_ci(list.as_object().unwrap_or(&Map::new()), "totalResults")
            .and_then(Value::as_i64)
            .is_some_and(|t| start > t);
        if call.cursor || call.effective_count() == Some(0) || beyond {
            return;
        }
        let query = format!(
            "{}?{}&{}&{}&{}",
            call.endpoint,
            call.filter_text.as_deref().unwrap_or(""),
            call.sort_by.as_deref().unwrap_or(""),
            call.descending,
            tenant_of(call)
        );
        let total = list.as_object().and_then(|o| get_ci(o, "totalResults")).and_then(Value::as_i64);
        // A total that moved means that somebody else changes the list; positions say nothing then.
        let steady = |p: &&std::sync::Arc<Page>| call.filter.is_some() || p.total == total;
        for other in self.pages.iter().filter(|p| p.query == query).filter(steady) {
            if let Some(text) = page_clash(other, start, &ids, total) {
                out.page_clashes.push(PageClash { text, other: other.step.clone() });
            }
        }
        self.pages.push(std::sync::Arc::new(Page { query, start, ids, total, step: step.to_owned() }));
    }

    fn bulk(&mut self, exchange: &Exchange, call: &Call, step: &str) {
        let asked: Vec<&Map<String, Value>> =
            call.body.as_ref().and_then(Value::as_object).map(|b| operations(b).collect()).unwrap_or_default();
        let Some(answer) = exchange.json().and_then(Value::as_object) else { return };
        let results: Vec<&Map<String, Value>> = operations(answer).collect();
        let made: Vec<(String, String)> = results
            .iter()
            .filter_map(|r| {
                Some((get_ci(r, "bulkId").and_then(text_of)?, last_segment(&get_ci(r, "location").and_then(text_of)?)?))
            })
            .collect();
        for (index, ask) in asked.iter().enumerate() {
            let bulk_id = get_ci(ask, "bulkId");
            let result = results
                .iter()
                .find(|r| bulk_id.is_some() && get_ci(r, "bulkId") == bulk_id)
                .or_else(|| results.get(index));
            if let Some(result) = result {
                self.bulk_operation(ask, result, &made, step);
            }
        }
        self.pages.clear();
    }

    fn bulk_operation(
        &mut self,
        ask: &Map<String, Value>,
        result: &Map<String, Value>,
        made: &[(String, String)],
        step: &str,
    ) {
        let text = |map: &Map<String, Value>, name: &str| get_ci(map, name).and_then(text_of).unwrap_or_default();
        let status = text(result, "status").parse::<u16>().unwrap_or(0);
        if !(200..300).contains(&status) {
            return;
        }
        let path = text(ask, "path");
        let location = text(result, "location");
        let endpoint = format!("/{}", path.trim_start_matches('/').split('/').next().unwrap_or_default());
        let id = location.rsplit('/').next().map(crate::exchange::percent_decode).unwrap_or_default();
        match text(ask, "method").to_ascii_uppercase().as_str() {
            "POST" if !id.is_empty() => {
                let Some(rt) = self.target.clone().resource_type(&endpoint).cloned() else { return };
                let data = get_ci(ask, "data").map(|d| resolve(d, made));
                self.known.push(std::sync::Arc::new(bulk_known(&rt, id, data.as_ref(), step)));
            }
            "DELETE" => {
                if let Some(known) =
                    path.rsplit('/').next().map(str::to_owned).and_then(|id| self.find_mut(&endpoint, &id))
                {
                    known.state = State::Gone;
                }
            }
            _ => {
                let target = path.rsplit('/').next().map(str::to_owned).unwrap_or_default();
                if let Some(known) = self.find_mut(&endpoint, &target) {
                    forget(known);
                }
            }
        }
    }
}

/// Puts the real ids in place of `bulkId:` references (RFC 7644 §3.7.2).
fn resolve(value: &Value, made: &[(String, String)]) -> Value {
    match value {
        Value::String(s) => match s.strip_prefix("bulkId:").and_then(|b| made.iter().find(|(k, _)| k == b)) {
            Some((_, id)) => Value::String(id.clone()),
            None => value.clone(),
        },
        Value::Array(list) => Value::Array(list.iter().map(|v| resolve(v, made)).collect()),
        Value::Object(map) => Value::Object(map.iter().map(|(k, v)| (k.clone(), resolve(v, made))).collect()),
        other => other.clone(),
    }
}

fn bulk_known(rt: &ResourceType, id: String, data: Option<&Value>, step: &str) -> Known {
    let mut doc = data.cloned().unwrap_or_default();
    normalise(&mut doc, rt);
    let mut facts = facts::Facts::new();
    for (key, value) in facts::split(&doc, rt) {
        if !facts::is_empty(&value) && !value.to_string().contains("bulkId:") {
            let cause = Cause { step: step.to_owned(), kind: Write::Create, form: Form::default() };
            facts.insert(key, Fact { cause, previous: Value::Null });
        }
    }
    Known {
        endpoint: rt.endpoint.clone(),
        type_name: rt.name.clone(),
        id,
        tenant: 0,
        state: State::Live,
        doc,
        facts,
        step: step.to_owned(),
        last_write: step.to_owned(),
        refused: None,
        last_full: None,
        last_answer: None,
        etag: None,
        modified_before: None,
        dirty: true,
        unkept: Vec::new(),
    }
}

/// Whether the filter can be decided from what we believe.
fn decidable(call: &Call, known: &Known, rt: &ResourceType) -> bool {
    let Some(text) = &call.filter_text else { return true };
    let lower = text.to_ascii_lowercase();
    let answered =
        |name: &str| known.last_answer.as_ref().and_then(Value::as_object).is_none_or(|a| get_ci(a, name).is_some());
    if lower.contains("externalid") && known.endpoint == "/Groups" && !answered("externalId") {
        return false;
    }
    if known.unkept.iter().any(|k| lower.contains(&k.to_ascii_lowercase())) {
        return false;
    }
    if lower.contains("password") || lower.contains("groups") {
        return false;
    }
    if lower.contains("meta.")
        && known.last_full.is_none()
        && get_ci(known.doc.as_object().unwrap_or(&Map::new()), "meta").is_none()
    {
        return false;
    }
    // Refused or unpredicted writes leave facts open until the next read.
    known.refused.is_none()
        && call.filter.as_ref().is_none_or(|f| filter::check(f, rt).is_ok() && super::forecast::qualified(f, rt))
}

/// True when every attribute that the filter names shows in the representation, so that it can be judged by it.
fn visible(filter: &filter::Filter, resource: &Value) -> bool {
    let text = filter.to_string().to_ascii_lowercase();
    let names = ["username", "displayname", "externalid", "active", "id"];
    let object = resource.as_object();
    let first = text.split([' ', '(', '[', '.']).find(|w| !w.is_empty()).unwrap_or_default().to_owned();
    names.contains(&first.as_str())
        && !text.contains(" and ")
        && !text.contains(" or ")
        && !text.contains("not")
        && object.is_some_and(|o| get_ci(o, &first).is_some())
}

fn inactive(doc: &Value) -> bool {
    doc.as_object().and_then(|o| get_ci(o, "active")) == Some(&Value::Bool(false))
}

/// Entries of a list answer.
pub fn resources_of(list: &Value) -> Vec<&Value> {
    let found = list.as_object().and_then(|o| get_ci(o, "Resources"));
    found.and_then(Value::as_array).map(|a| a.iter().collect()).unwrap_or_default()
}

fn page_clash(other: &Page, start: i64, ids: &[String], total: Option<i64>) -> Option<String> {
    if let (Some(a), Some(b)) = (other.total, total)
        && a != b
    {
        return Some(format!("totalResults is {b} here and {a} on the other page"));
    }
    let position = |first: i64, list: &[String], id: &str| list.iter().position(|x| x == id).map(|p| first + p as i64);
    for id in ids {
        if let (Some(here), Some(there)) = (position(start, ids, id), position(other.start, &other.ids, id))
            && here != there
        {
            return Some(format!("{id} is entry {here} here and entry {there} on the other page"));
        }
    }
    for (offset, id) in ids.iter().enumerate() {
        let index = start + offset as i64 - other.start;
        if let Some(there) = usize::try_from(index).ok().and_then(|i| other.ids.get(i))
            && there != id
        {
            return Some(format!("entry {} is {id} here and {there} on the other page", start + offset as i64));
        }
    }
    None
}

fn last_segment(url: &str) -> Option<String> {
    let path = url.split(['?', '#']).next()?;
    path.rsplit('/').find(|s| !s.is_empty()).map(crate::exchange::percent_decode)
}

fn modified(doc: &Value) -> Option<String> {
    let meta = get_ci(doc.as_object()?, "meta")?.as_object()?;
    get_ci(meta, "lastModified")?.as_str().map(str::to_owned)
}

/// Everything believed about a resource is open again; the next read tells.
fn forget(known: &mut Known) {
    known.facts.clear();
    known.refused = None;
    known.last_full = None;
    known.dirty = false;
}

/// Client forms that mean the same: text booleans, a bare manager.
fn normalise(doc: &mut Value, rt: &ResourceType) {
    let Some(object) = doc.as_object_mut() else { return };
    for attribute in &rt.schema.attributes {
        let Some(key) = object.keys().find(|k| k.eq_ignore_ascii_case(&attribute.name)).cloned() else { continue };
        let Some(value) = object.get_mut(&key) else { continue };
        coerce(value, attribute);
    }
    for extension in &rt.extensions {
        let Some(key) = object.keys().find(|k| k.eq_ignore_ascii_case(&extension.schema.id)).cloned() else { continue };
        let Some(inner) = object.get_mut(&key).and_then(Value::as_object_mut) else { continue };
        for attribute in &extension.schema.attributes {
            let Some(name) = inner.keys().find(|k| k.eq_ignore_ascii_case(&attribute.name)).cloned() else { continue };
            if let Some(value) = inner.get_mut(&name) {
                coerce(value, attribute);
            }
        }
    }
}

fn coerce(value: &mut Value, attribute: &crate::scim::schema::Attribute) {
    use crate::scim::schema::AttrType;
    match (attribute.kind, &mut *value) {
        (AttrType::Boolean, Value::String(s)) if s.eq_ignore_ascii_case("true") => *value = Value::Bool(true),
        (AttrType::Boolean, Value::String(s)) if s.eq_ignore_ascii_case("false") => *value = Value::Bool(false),
        (AttrType::Complex, Value::String(s))
            if !attribute.multi_valued && attribute.sub_attributes.iter().any(|a| a.name == "value") =>
        {
            *value = if s.is_empty() { Value::Null } else { serde_json::json!({ "value": s }) };
        }
        (AttrType::Complex, Value::Array(items)) if attribute.multi_valued => {
            for item in items.iter_mut().filter_map(Value::as_object_mut) {
                for sub in &attribute.sub_attributes {
                    if let Some(v) =
                        item.keys().find(|k| k.eq_ignore_ascii_case(&sub.name)).cloned().and_then(|k| item.get_mut(&k))
                    {
                        coerce(v, sub);
                    }
                }
            }
        }
        (AttrType::Complex, Value::Object(_)) if attribute.multi_valued => {
            let one = value.take();
            *value = Value::Array(vec![one]);
        }
        _ => {}
    }
}

/// What names a resource, without the rest.
fn essence(answer: &Value) -> Value {
    let short = |v: &Value| v.to_string().len() < 4096;
    let kept = |name: &&str| Some(((*name).to_owned(), get_ci(answer.as_object()?, name)?.clone()));
    Value::Object(["id", "meta", "schemas"].iter().filter_map(kept).filter(|(_, v)| short(v)).collect())
}

/// Values that only the server can know: id, meta, schemas and whatever the client did not write.
fn copy_server_values(doc: &mut Value, answer: &Value) {
    let (Some(doc), Some(answer)) = (doc.as_object_mut(), answer.as_object()) else { return };
    doc.retain(|k, _| !k.eq_ignore_ascii_case("groups"));
    for (name, value) in answer {
        let server_made = ["id", "meta", "schemas"].iter().any(|n| n.eq_ignore_ascii_case(name));
        let known = doc.keys().find(|k| k.eq_ignore_ascii_case(name)).cloned();
        match known {
            Some(key) if server_made => {
                doc.insert(key, value.clone());
            }
            Some(_) => {}
            None => {
                doc.insert(name.clone(), value.clone());
            }
        }
    }
}

fn compare(
    known: &Known,
    shown: &Value,
    rt: &ResourceType,
    target: &super::Advertised,
    loose: &[String],
    strict_extra: bool,
    out: &mut Observed,
) {
    let answered_write = out.place == Place::WriteAnswer;
    for (key, fact) in &known.facts {
        let mut expected = facts::look_up(&known.doc, key, rt);
        let mut actual = facts::look_up(shown, key, rt);
        if known.refused.is_some() {
            // What a refused request must not have changed is what the server itself showed last.
            match known.last_full.as_ref().filter(|_| !known.dirty) {
                Some(full) => expected = facts::look_up(full, key, rt),
                None => continue,
            }
        }
        if key == "members" {
            drop_members(&mut expected, loose);
            drop_members(&mut actual, loose);
        }
        // The answer to a create SHOULD be complete (RFC 7644 §3.3); only what it shows is held against the request.
        let silent = is_unassigned(&actual) && answered_write;
        let cause = known.refused.clone().unwrap_or_else(|| fact.cause.clone());
        let strict = strict_extra && cause.kind != Write::Create && cause.kind != Write::PutOmitted;
        let attribute = facts::attribute(key, rt);
        let Some(clash) = facts::clash(key, &expected, &actual, attribute, strict) else {
            if !facts::is_empty(&expected) || strict {
                out.confirmed.push((key.clone(), cause));
            }
            continue;
        };
        if silent && clash == facts::Clash::Missing && known_create(&cause) {
            continue;
        }
        // RFC 7644 §3.5.1: what a PUT leaves out may be cleared.
        if cause.kind == Write::PutOmitted && clash == facts::Clash::Missing {
            continue;
        }
        out.contradictions.push(Contradiction {
            key: key.clone(),
            clash,
            expected,
            actual,
            previous: fact.previous.clone(),
            cause,
            resource_type: known.type_name.clone(),
            id: known.id.clone(),
            answered: (!answered_write)
                .then(|| known.last_answer.as_ref().map(|a| facts::look_up(a, key, rt)))
                .flatten(),
            optional: !target.schemas_known && !essential(key) && facts::is_empty(&fact.previous),
        });
    }
}

/// Attributes without which no identity provider can work.
fn essential(key: &str) -> bool {
    ["userName", "active", "name.givenName", "name.familyName", "emails", "displayName", "externalId", "members"]
        .contains(&key)
}

/// Takes members out that a server may keep or drop by itself: deleted and inactive users (the RFC is silent).
fn drop_members(members: &mut Value, loose: &[String]) {
    if let Some(list) = members.as_array_mut() {
        list.retain(|m| !m.get("value").and_then(text_of).is_some_and(|id| loose.contains(&id)));
    }
}

/// True when the body spells the attribute (or its parent) in another case than the schema.
fn odd_case(call: &Call, key: &str) -> bool {
    let head = key.split('.').next().unwrap_or(key);
    let Some(body) = call.body.as_ref().and_then(Value::as_object) else { return false };
    !key.contains(':') && body.get(head).is_none() && get_ci(body, head).is_some()
}

fn known_create(cause: &Cause) -> bool {
    cause.kind == Write::Create
}

/// After a read the server's word counts: what it contradicted is asserted no more, so one lie is reported once.
fn adopt(known: &mut Known, answer: &Value, out: &Observed, rt: &ResourceType) {
    for contradiction in &out.contradictions {
        known.facts.remove(&contradiction.key);
    }
    let kept: BTreeMap<String, Value> =
        known.facts.keys().map(|k| (k.clone(), facts::look_up(&known.doc, k, rt))).collect();
    known.doc = answer.clone();
    for (key, value) in kept {
        // Elements keep what the server added to them (display, $ref); single values are equal anyway.
        if is_unassigned(&facts::look_up(&known.doc, &key, rt)) {
            facts::store(&mut known.doc, &key, value, rt);
        }
    }
}

fn put_facts(known: &mut Known, after: &Value, call: &Call, step: &str, rt: &ResourceType) {
    let named = facts::split(after, rt);
    let before = known.doc.clone();
    let mut next = after.clone();
    copy_server_values(&mut next, &known.doc);
    for (key, fact) in &mut known.facts {
        if !named.contains_key(key) {
            // RFC 7644 §3.5.1 lets a server clear or keep what a PUT leaves out.
            fact.cause = Cause { step: step.to_owned(), kind: Write::PutOmitted, form: Form::default() };
        }
    }
    known.facts.retain(|key, _| named.contains_key(key) || key == "active");
    for (key, value) in &named {
        let form = Form { odd_case: odd_case(call, key), ..Form::default() };
        let cause = Cause { step: step.to_owned(), kind: Write::Put, form };
        let previous = facts::look_up(&before, key, rt);
        if facts::is_empty(value) && facts::is_empty(&previous) {
            continue;
        }
        known.facts.insert(key.clone(), Fact { cause, previous });
    }
    if !named.contains_key("active") {
        let previous = facts::look_up(&before, "active", rt);
        facts::store(&mut next, "active", previous, rt);
    }
    known.doc = next;
}

fn patch_facts(known: &mut Known, after: Value, body: Option<&Map<String, Value>>, step: &str, rt: &ResourceType) {
    let before = facts::split(&known.doc, rt);
    let now = facts::split(&after, rt);
    let forms = body.map(|b| forms(b, rt)).unwrap_or_default();
    let mut keys: Vec<String> = before.keys().chain(now.keys()).cloned().collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let old = before.get(&key).cloned().unwrap_or(Value::Null);
        let new = now.get(&key).cloned().unwrap_or(Value::Null);
        let form = forms.iter().rev().find(|(k, _)| key_within(&key, k)).map(|(_, f)| f.clone());
        match (form, old == new, known.facts.contains_key(&key)) {
            (Some(form), _, _) => {
                let cause = Cause { step: step.to_owned(), kind: Write::Patch, form };
                known.facts.insert(key, Fact { cause, previous: old });
            }
            (None, false, _) => {
                let cause = Cause { step: step.to_owned(), kind: Write::Patch, form: Form::default() };
                known.facts.insert(key, Fact { cause, previous: old });
            }
            (None, true, true) if computed(&key) && forms.iter().any(|(k, _)| feeds_names(k)) => {
                known.facts.remove(&key);
            }
            (None, true, true) => {
                let cause = Cause { step: step.to_owned(), kind: Write::PatchElsewhere, form: Form::default() };
                known.facts.insert(key, Fact { cause, previous: old });
            }
            (None, true, false) => {}
        }
    }
    known.doc = after;
}

/// Names that a server may compute from others.
fn computed(key: &str) -> bool {
    ["displayName", "name.formatted", "nickName"].contains(&key)
}

fn feeds_names(key: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    lower.starts_with("name") || lower == "username"
}

/// True when a fact key lies at or below (or above) what an operation addresses.
fn key_within(key: &str, addressed: &str) -> bool {
    let (k, a) = (key.to_ascii_lowercase(), addressed.to_ascii_lowercase());
    k == a || k.starts_with(&format!("{a}.")) || k.starts_with(&format!("{a}:")) || a.starts_with(&format!("{k}."))
}

/// Which keys the operations of a PATCH address, and in which form.
pub(super) fn forms(patch: &Map<String, Value>, rt: &ResourceType) -> Vec<(String, Form)> {
    let mut out = Vec::new();
    for operation in operations(patch) {
        let op = get_ci(operation, "op").and_then(Value::as_str).unwrap_or_default();
        let value = get_ci(operation, "value");
        let text_boolean = value.is_some_and(text_boolean);
        let base = Form {
            op: op.to_ascii_lowercase(),
            capital_op: op.chars().any(|c| c.is_ascii_uppercase()),
            text_boolean,
            remove_with_value: op.eq_ignore_ascii_case("remove") && value.is_some_and(|v| !v.is_null()),
            ..Form::default()
        };
        match op_path(operation) {
            Some(path) => {
                let form = Form { value_path: path.contains('['), urn: path.contains("urn:"), ..base };
                let key = key_of(path, rt);
                let single = facts::attribute(&key, rt)
                    .is_some_and(|a| !a.multi_valued && a.kind == crate::scim::schema::AttrType::Complex);
                match value.and_then(Value::as_object).filter(|_| single) {
                    // A complex value changes the sub-attributes that it names (RFC 7644 §3.5.2.3).
                    Some(named) => out.extend(named.keys().map(|sub| (format!("{key}.{sub}"), form.clone()))),
                    None => out.push((key, form)),
                }
            }
            None => {
                for (name, inner) in value.and_then(Value::as_object).into_iter().flatten() {
                    let whole = rt.extensions.iter().find(|e| e.schema.id.eq_ignore_ascii_case(name));
                    let form = Form {
                        pathless: true,
                        dotted: whole.is_none() && name.contains('.') && !name.contains("urn:"),
                        urn: name.contains("urn:"),
                        ..base.clone()
                    };
                    match (whole, inner.as_object()) {
                        (Some(e), Some(attributes)) => {
                            out.extend(attributes.keys().map(|k| (format!("{}:{k}", e.schema.id), form.clone())))
                        }
                        _ => out.push((key_of(name, rt), form)),
                    }
                }
            }
        }
    }
    out
}

fn text_boolean(value: &Value) -> bool {
    match value {
        Value::String(s) => s.eq_ignore_ascii_case("true") || s.eq_ignore_ascii_case("false"),
        Value::Object(o) => o.values().any(text_boolean),
        _ => false,
    }
}

/// Fact key of a PATCH path: filters and core URN away, extension URN kept.
fn key_of(path: &str, rt: &ResourceType) -> String {
    let Ok(parsed) = crate::scim::path::parse_path(path, rt) else { return path.to_owned() };
    let core = parsed.attr.urn.as_deref().is_none_or(|u| u.eq_ignore_ascii_case(&rt.schema.id));
    // In the schema's spelling, so that one attribute has one key.
    let name = facts::attribute(&parsed.attr.attr, rt).map_or_else(|| parsed.attr.attr.clone(), |a| a.name.clone());
    let sub = parsed.sub.clone().or(parsed.attr.sub.clone());
    let single =
        sub.filter(|_| parsed.filter.is_none() && !facts::attribute(&name, rt).is_some_and(|a| a.multi_valued));
    let tail = single.map(|s| format!(".{s}")).unwrap_or_default();
    match (&parsed.attr.urn, core) {
        (Some(urn), false) if name.is_empty() => urn.clone(),
        (Some(urn), false) => format!("{urn}:{name}{tail}"),
        _ => format!("{name}{tail}"),
    }
}

/// Fact keys that a write wants to change.
fn touched(call: &Call, rt: &ResourceType) -> Vec<String> {
    let Some(body) = call.body.as_ref().and_then(Value::as_object) else { return Vec::new() };
    let keys: Vec<String> = if call.op == Op::Patch {
        forms(body, rt).into_iter().map(|(k, _)| k).collect()
    } else {
        facts::split(&Value::Object(body.clone()), rt).into_keys().collect()
    };
    keys.into_iter()
        .filter(|k| {
            facts::attribute(k, rt).is_some_and(|a| a.kind != crate::scim::schema::AttrType::Complex || a.multi_valued)
        })
        .filter(|k| !k.to_ascii_lowercase().starts_with("password") && !k.to_ascii_lowercase().starts_with("groups"))
        .collect()
}

/// Values that the last PATCH wrote and that now stand where they do not belong: a literal key such as `name.givenName`, or
/// the value inside another attribute.
fn strays(known: &Known, shown: &Value, rt: &ResourceType) -> Vec<Stray> {
    let Some(before) = &known.last_full else { return Vec::new() };
    let (mut old, mut new, mut believed) = (Vec::new(), Vec::new(), Vec::new());
    leaves("", before, &mut old);
    leaves("", shown, &mut new);
    leaves("", &known.doc, &mut believed);
    let written: Vec<&Value> = known
        .facts
        .iter()
        .filter(|(_, f)| f.cause.kind == Write::Patch && f.cause.step == known.last_write)
        .flat_map(|(k, _)| {
            believed
                .iter()
                .filter(move |(p, _)| key_within(&p.trim_start_matches('/').replace('/', "."), k))
                .map(|(_, v)| v)
        })
        .collect();
    new.iter()
        .filter(|(path, value)| {
            !old.iter().any(|(p, v)| p == path && v == value)
                && !believed.iter().any(|(p, v)| p.eq_ignore_ascii_case(path) && v == value)
        })
        .filter(|(path, value)| {
            let literal = path.split('/').any(|s| (s.contains('.') && !s.starts_with("urn:")) || s.contains('['));
            let elsewhere =
                path.matches('/').count() >= 2 && !declared(path, rt) && value.is_string() && written.contains(&value);
            literal || elsewhere
        })
        .map(|(path, value)| Stray { at: path.clone(), value: value.clone(), step: known.last_write.clone() })
        .collect()
}

fn declared(path: &str, rt: &ResourceType) -> bool {
    let names: Vec<&str> = path.split('/').filter(|s| !s.is_empty() && s.parse::<usize>().is_err()).collect();
    match names.as_slice() {
        [head, sub] => {
            facts::attribute(&format!("{head}.{sub}"), rt).is_some()
                || ["meta", "groups", "members"].iter().any(|m| m.eq_ignore_ascii_case(head))
        }
        _ => true,
    }
}

fn leaves(path: &str, value: &Value, out: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(k, v)| leaves(&format!("{path}/{k}"), v, out)),
        Value::Array(list) => list.iter().enumerate().for_each(|(i, v)| leaves(&format!("{path}/{i}"), v, out)),
        leaf => out.push((path.to_owned(), leaf.clone())),
    }
}
