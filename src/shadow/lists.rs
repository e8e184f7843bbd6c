//! Lists: which of our resources a page holds and should hold, and whether two pages agree.
//!
//! Must not know levels or wording; rules turn selections into findings.

use super::compare::compare;
use super::forecast::tenant_of;
use super::observe::{Watch, has_other_name};
use super::pages::Page;
use super::{Call, Known, PageClash, Place, Selection, Shadow, State, text_of};
use crate::exchange::Exchange;
use crate::scim::filter::{self, Filter};
use crate::scim::schema::{Attribute, ResourceType, Returned};
use crate::scim::value::{get_ci, value_ci};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

impl Watch<'_> {
    pub(super) fn listed(&mut self, exchange: &Exchange, call: &Call, rt: &ResourceType) {
        let Some(list) = exchange.json() else { return };
        let shadow = self.shadow;
        let resources = resources_of(list);
        self.out.place = Place::List;
        let ids = ids_of(resources.iter().copied());
        self.out.selection = shadow.select(call, rt, list, &resources, &ids);
        for (resource, id) in
            resources.iter().filter_map(|r| Some((r, get_ci(r.as_object()?, "id").and_then(text_of)?)))
        {
            match shadow.find(&call.endpoint, &id) {
                Some(known)
                    if known.state == State::Live && !call.projected() && known.last_full.is_some() && !known.dirty =>
                {
                    compare(known, resource, rt, shadow, true, &mut self.out)
                }
                Some(_) => {}
                None => self.learned.seen.push(id),
            }
        }
        self.page(call, list, ids);
        self.absent(call, rt, &resources);
    }

    /// Who of ours is nowhere in a list that has been shown whole. One page with a filter is the filter's matter.
    fn absent(&mut self, call: &Call, rt: &ResourceType, resources: &[&Value]) {
        let (Some(page), Some(selection)) = (&self.learned.page, &mut self.out.selection) else { return };
        let shown = page.ids.len() as i64;
        // A full page whose total is its own length may as well come from who counts the page.
        let full = call.effective_count().is_some_and(|count| shown >= count);
        let alone = call.filter_text.is_none() && page.start == 1 && !full && page.total.is_some_and(|t| t <= shown);
        let (returned, since) = if alone {
            (page.ids.iter().map(String::as_str).collect(), None)
        } else if let Some((met, since)) = self.shadow.pages.walked(page) {
            (met, Some(since.step.clone()))
        } else {
            return;
        };
        let look =
            Look { shadow: self.shadow, call, rt, otherwise: None, unequal_if_present: None, resources, returned };
        let mut found = Selection::default();
        for (number, entry) in self.shadow.known.entries().iter().enumerate() {
            if *entry.kind.endpoint == *call.endpoint && !look.returned.contains(&*entry.id) {
                look.at(number as u32, &mut found);
            }
        }
        (selection.absent, selection.absent_since) = (found.missing, since);
    }

    fn page(&mut self, call: &Call, list: &Value, ids: Vec<String>) {
        let Some(start) = call.effective_start() else { return };
        let number = |name: &str| get_ci(list.as_object()?, name)?.as_i64();
        let total = number("totalResults");
        if call.cursor || call.effective_count() == Some(0) || total.is_some_and(|t| start > t.max(1)) {
            return;
        }
        // A page that says itself that it begins elsewhere has its own fault, and disagrees with no other.
        if number("startIndex").is_some_and(|says| says != start) {
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
        let page = Page { query, start, ids, total, step: self.step.to_owned() };
        let clashes = self.shadow.pages.clashes(&page, call.filter.is_some());
        self.out.page_clashes =
            clashes.into_iter().map(|(other, text)| PageClash { text, other: other.step.clone() }).collect();
        self.learned.page = Some(page);
    }
}

impl Shadow {
    /// True when the filter of a list finds somebody of ours, by what is believed of them.
    pub fn anyone_matches(&self, call: &Call, rt: &ResourceType) -> bool {
        let Some(filter) = &call.filter else { return false };
        let tenant = tenant_of(call);
        let numbers = self.known.narrowed(filter, rt).unwrap_or_else(|| (0..self.known.len() as u32).collect());
        numbers.into_iter().map(|number| self.known.glance(number)).any(|k| {
            let ours = k.endpoint == call.endpoint && k.tenant == tenant && k.state == State::Live;
            ours && crate::scim::matching::matches(filter, &k.doc, rt)
        })
    }

    fn select(
        &self,
        call: &Call,
        rt: &ResourceType,
        list: &Value,
        resources: &[&Value],
        ids: &[String],
    ) -> Option<Selection> {
        let mut found = Selection { twice: twice(ids), ..Selection::default() };
        if call.filter_text.is_some() && call.filter.is_none() {
            return Some(found);
        }
        let total = get_ci(list.as_object()?, "totalResults").and_then(Value::as_i64);
        let limited = call.effective_count().is_some() || call.effective_start() != Some(1) || call.cursor;
        found.complete = call.filter.is_some()
            && total.map_or(!limited, |t| t <= ids.len() as i64)
            && call.effective_count() != Some(0);
        let returned: HashSet<&str> = ids.iter().map(String::as_str).collect();
        // Who is on the page, and who should be; the others only count.
        let mut concerned: BTreeSet<u32> = returned.iter().flat_map(|id| self.known.with_id(id)).collect();
        let others = match &call.filter {
            None => Others::Match,
            Some(filter) => match self.known.narrowed(filter, rt) {
                Some(candidates) => {
                    concerned.extend(candidates);
                    Others::Differ
                }
                None => {
                    concerned = (0..self.known.len() as u32).collect();
                    Others::None
                }
            },
        };
        let otherwise = call.filter.as_ref().and_then(|_| rt.otherwise_cased());
        let unequal_if_present = call.filter.as_ref().and_then(Filter::unequal_if_present);
        let look =
            Look { shadow: self, call, rt, otherwise: otherwise.as_ref(), unequal_if_present, resources, returned };
        for number in concerned.iter().copied() {
            if *self.known.entries()[number as usize].kind.endpoint == *call.endpoint {
                look.at(number, &mut found);
            }
        }
        match others {
            Others::None => {}
            Others::Match => {
                let tenant = tenant_of(call);
                let all =
                    self.known.count(|k| *k.endpoint == *call.endpoint && k.tenant == tenant && k.state == State::Live);
                found.not_returned += all - found.matching;
                found.matching = all;
            }
            Others::Differ => found.not_matching = found.not_matching || look.some_differ(&concerned),
        }
        self.judge_strangers(&look, &mut found);
        Some(found)
    }

    /// Resources that are not ours, judged by their own representation.
    fn judge_strangers(&self, look: &Look<'_>, found: &mut Selection) {
        let Some(filter) = &look.call.filter else { return };
        if look.call.projected() || crate::scim::filter::check(filter, look.rt).is_err() {
            return;
        }
        for resource in look.resources {
            let Some(id) = resource.as_object().and_then(|o| get_ci(o, "id")).and_then(text_of) else { continue };
            if self.find(&look.call.endpoint, &id).is_none()
                && visible(filter, resource)
                && look.decided(resource) == Some(false)
            {
                let name = ["userName", "displayName"]
                    .iter()
                    .find_map(|n| get_ci(resource.as_object()?, n)?.as_str())
                    .unwrap_or_default();
                found.surplus.push((id, name.to_owned()));
            }
        }
    }
}

/// Those of ours that are neither on the page nor can be what a filter asks for.
enum Others {
    /// There are none.
    None,
    /// There is no filter: they match, and stand on other pages.
    Match,
    /// They do not match.
    Differ,
}

/// How far a search for one that does not match goes, where none can be decided.
const FAR: usize = 2000;

/// One list, held against one resource of ours after the other.
struct Look<'a> {
    shadow: &'a Shadow,
    call: &'a Call,
    rt: &'a ResourceType,
    /// The type as RFC 7643 has it, where the served one says otherwise of upper and lower case.
    otherwise: Option<&'a ResourceType>,
    /// The filter as read by whom a missing value is not unequal to anything.
    unequal_if_present: Option<Filter>,
    resources: &'a [&'a Value],
    returned: HashSet<&'a str>,
}

impl Look<'_> {
    fn matches(&self, doc: &Value) -> bool {
        self.call.filter.as_ref().is_none_or(|f| filter::matches(f, doc, self.rt))
    }

    /// Whether the filter picks it; `None` when that depends on whether schema or RFC is followed on upper and lower case, or on
    /// whether what is missing is unequal.
    fn decided(&self, doc: &Value) -> Option<bool> {
        let matching = self.matches(doc);
        let asked = self.call.filter.as_ref();
        let cased = asked.zip(self.otherwise).map(|(f, rt)| filter::matches(f, doc, rt));
        let unequal = self.unequal_if_present.as_ref().map(|f| filter::matches(f, doc, self.rt));
        [cased, unequal].into_iter().flatten().all(|other| other == matching).then_some(matching)
    }

    fn shown(&self, id: &str) -> Option<&Value> {
        self.resources.iter().find(|r| value_ci(r, "id").and_then(text_of).as_deref() == Some(id)).copied()
    }

    /// Its id was given out once more, by a create that came after the DELETE.
    fn lives_again(&self, gone: &Known) -> bool {
        self.shadow
            .with_id(&gone.id)
            .any(|k| k.state == State::Live && k.endpoint == gone.endpoint && k.tenant == gone.tenant)
    }

    fn at(&self, number: u32, found: &mut Selection) {
        let returned = self.returned.contains(&*self.shadow.known.entries()[number as usize].id);
        // What is on the page is looked at again when its entry is compared.
        let known =
            if returned { Cow::Borrowed(self.shadow.known.get(number)) } else { self.shadow.known.glance(number) };
        let known = &*known;
        let tenant = tenant_of(self.call);
        let label = || (known.id.clone(), known.name().unwrap_or_default().to_owned());
        if known.tenant != tenant {
            // Two tenants may number alike.
            let own = self.shadow.with_id(&known.id).any(|k| k.endpoint == known.endpoint && k.tenant == tenant);
            if returned && !own && !self.shown(&known.id).is_some_and(|shown| has_other_name(known, shown)) {
                found.foreign.push(label());
            }
            return;
        }
        match known.state {
            State::Unsure => {}
            // Who deletes softly may bring it back under the id it had.
            State::Gone if returned && !self.lives_again(known) => found.ghosts.push(label()),
            State::Gone => {}
            State::Live => {
                if !self.decidable(known) {
                    return;
                }
                let Some(matching) = self.decided(&known.doc) else { return };
                // A value that the server itself did not show has not been stored; that is another rule's finding.
                if matching && !returned && latest(known).is_some_and(|shown| !self.matches(shown)) {
                    return;
                }
                if matching {
                    found.matching += 1
                } else {
                    found.not_matching = true
                }
                match (matching, returned) {
                    (true, false) => {
                        found.missing_inactive += usize::from(inactive(&known.doc));
                        found.not_returned += 1;
                        found.missing.push(label());
                    }
                    // What the server itself shows may say more than we believe (a flag that it set).
                    (false, true)
                        if !self.call.projected() && self.shown(&known.id).is_some_and(|s| self.matches(s)) => {}
                    (false, true) => found.surplus.push(label()),
                    _ => {}
                }
            }
        }
    }

    /// True when one of the others is known not to match.
    fn some_differ(&self, concerned: &BTreeSet<u32>) -> bool {
        let tenant = tenant_of(self.call);
        let entries = self.shadow.known.entries().iter().enumerate();
        let others = entries.filter(|(number, entry)| {
            let kind = &entry.kind;
            *kind.endpoint == *self.call.endpoint
                && kind.tenant == tenant
                && kind.state == State::Live
                && !concerned.contains(&(*number as u32))
        });
        others.take(FAR).any(|(number, _)| self.decidable(&self.shadow.known.glance(number as u32)))
    }

    /// Whether the filter can be decided from what we believe.
    fn decidable(&self, known: &Known) -> bool {
        let (call, rt) = (self.call, self.rt);
        let Some(text) = &call.filter_text else { return true };
        // Written since in a way that cannot be foreseen, and not read since (see `forget`).
        if !known.dirty && known.last_full.is_none() {
            return false;
        }
        let lower = text.to_ascii_lowercase();
        let answered = |name: &str| {
            known.last_answer.as_deref().and_then(Value::as_object).is_none_or(|a| get_ci(a, name).is_some())
        };
        if lower.contains("externalid") && known.endpoint == "/Groups" && !answered("externalId") {
            return false;
        }
        if self.shadow.is_in_doubt(known, &lower) {
            return false;
        }
        if lower.contains("password") || lower.contains("groups") || names_hidden(&lower, rt) {
            return false;
        }
        if lower.contains("meta.")
            && known.last_full.is_none()
            && get_ci(known.doc.as_object().unwrap_or(&Map::new()), "meta").is_none()
        {
            return false;
        }
        // What the server does not show of its own times, nobody knows.
        let hides = |name: &str| {
            let seen = known.last_full.as_deref().unwrap_or(&known.doc).as_object();
            let meta = seen.and_then(|full| get_ci(full, "meta"));
            meta.and_then(Value::as_object).is_some_and(|m| get_ci(m, name).is_none())
        };
        let times = [("meta.created", "created"), ("meta.lastmodified", "lastModified")];
        if times.iter().any(|(path, name)| lower.contains(path) && hides(name)) {
            return false;
        }
        // Refused or unpredicted writes leave facts open until the next read.
        known.refused.is_none()
            && call.filter.as_ref().is_none_or(|f| filter::check(f, rt).is_ok() && super::forecast::qualified(f, rt))
    }
}

/// The resource as the server itself showed it last, if that was after the last write.
fn latest(known: &Known) -> Option<&Value> {
    if known.dirty { known.last_answer.as_deref() } else { known.last_full.as_deref() }
}

/// True when the filter names an attribute that plain reads do not show, so that what it holds is not known for sure.
fn names_hidden(filter: &str, rt: &ResourceType) -> bool {
    let hidden = |a: &&Attribute| !matches!(a.returned, Returned::Always | Returned::Default);
    let all = rt.schema.attributes.iter().chain(rt.extensions.iter().flat_map(|e| &e.schema.attributes));
    let words: Vec<&str> = filter.split([' ', '(', ')', '[', ']', '.', ':']).collect();
    all.filter(hidden).any(|a| words.iter().any(|w| w.eq_ignore_ascii_case(&a.name)))
}

/// Ids that stand on a page more than once.
fn twice(ids: &[String]) -> Vec<String> {
    let mut once = HashSet::new();
    let mut out: Vec<String> = Vec::new();
    for id in ids {
        if !once.insert(id) && !out.contains(id) {
            out.push(id.clone());
        }
    }
    out
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

/// The ids of resources, also where one is a number.
pub fn ids_of<'a>(resources: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    resources.into_iter().filter_map(|r| get_ci(r.as_object()?, "id").and_then(text_of)).collect()
}
