//! Lists: which of our resources a page holds and should hold, and whether two pages agree.
//!
//! Must not know levels or wording; rules turn selections into findings.

use super::compare::compare;
use super::forecast::tenant_of;
use super::learn::not_returned;
use super::{Call, Known, Observed, Page, PageClash, Place, Selection, Shadow, State, text_of};
use crate::exchange::Exchange;
use crate::scim::filter;
use crate::scim::schema::ResourceType;
use crate::scim::value::get_ci;
use serde_json::{Map, Value};

impl Shadow {
    pub(super) fn listed(
        &mut self,
        exchange: &Exchange,
        call: &Call,
        rt: &ResourceType,
        step: &str,
        out: &mut Observed,
    ) {
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
                        // A value that the server itself did not show has not been stored; that is another rule's finding.
                        (true, false) if latest(known).is_some_and(|shown| !matches(shown)) => {}
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
}

/// Whether the filter can be decided from what we believe.
/// The resource as the server itself showed it last, if that was after the last write.
fn latest(known: &Known) -> Option<&Value> {
    if known.dirty { known.last_answer.as_ref() } else { known.last_full.as_ref() }
}

fn decidable(call: &Call, known: &Known, rt: &ResourceType) -> bool {
    let Some(text) = &call.filter_text else { return true };
    let lower = text.to_ascii_lowercase();
    let answered =
        |name: &str| known.last_answer.as_ref().and_then(Value::as_object).is_none_or(|a| get_ci(a, name).is_some());
    if lower.contains("externalid") && known.endpoint == "/Groups" && !answered("externalId") {
        return false;
    }
    // What only a read with `attributes` shows may have changed unseen.
    if not_returned(&known.doc, rt).iter().any(|(name, _)| lower.contains(&name.to_ascii_lowercase())) {
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

pub(super) fn inactive(doc: &Value) -> bool {
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
