//! Everything that a case created, in order, found by id and by name without looking at all of it.
//!
//! Must not know what is believed or why. A hundred thousand resources as trees would fill gigabytes: those that nobody
//! has looked at for a while are kept as text.

use super::facts::{Cause, Fact, Facts};
use super::{Known, State};
use crate::scim::filter::{CompareOp, Filter, Literal, Test};
use crate::scim::schema::ResourceType;
use crate::scim::value::get_ci;
use lz4_flex::block;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// Resources that are kept as trees; so many members count as one more.
const OPEN: usize = 512;
const MEMBERS: usize = 6;
/// Bytes of the pattern; more cannot be referred to.
const PATTERN: usize = 32 << 10;
/// Attributes by whose values a resource is found.
const NAMES: [&str; 4] = ["userName", "displayName", "externalId", "id"];

/// The resources of one case. A resource keeps the number of its place.
#[derive(Default)]
pub struct Registry {
    entries: Vec<Entry>,
    /// Hash of an id, and who has it.
    ids: BTreeSet<(u64, u32)>,
    /// Hash of an attribute and its value in lower case, and who has it.
    names: BTreeSet<(u64, u32)>,
    /// How many there are of each kind.
    kinds: BTreeMap<Kind, usize>,
    /// The first text of all: the others differ from it in little, and are kept as what differs.
    pattern: OnceCell<Vec<u8>>,
    /// How many are deleted or inactive.
    loose: usize,
    /// Those kept as trees, the longest unused first.
    open: RefCell<Open>,
}

#[derive(Default)]
struct Open {
    numbers: VecDeque<u32>,
    weight: usize,
}

impl Open {
    fn push(&mut self, number: u32, weight: usize) {
        self.numbers.push_back(number);
        self.weight += weight;
    }
}

/// Endpoint, tenant and state: what rules count by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// `/Users`.
    pub endpoint: Arc<str>,
    /// 0: the configured credentials; 1: the second tenant.
    pub tenant: u8,
    /// Alive, gone, or not known.
    pub state: State,
}

/// What is always at hand of a resource.
pub struct Entry {
    /// Endpoint, tenant, state.
    pub kind: Kind,
    /// Its id.
    pub id: Box<str>,
    /// Deleted or inactive: the server may end memberships by itself.
    loose: bool,
    text: Option<Box<[u8]>>,
    tree: OnceCell<Box<Known>>,
    /// What it counts among those kept as trees; 0: it is not among them.
    weight: Cell<usize>,
}

impl Entry {
    /// `/Users/ID`, with the id made safe for a path.
    pub fn path(&self) -> String {
        format!("{}/{}", self.kind.endpoint, super::path_segment(&self.id))
    }
}

impl Registry {
    /// How many were created.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True before the first one.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What is at hand of each, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How many there are of the kinds that `wanted` chooses.
    pub fn count(&self, wanted: impl Fn(&Kind) -> bool) -> usize {
        self.kinds.iter().filter(|(kind, _)| wanted(kind)).map(|(_, n)| n).sum()
    }

    /// True when one with that id is deleted or inactive.
    pub(super) fn is_loose(&self, id: &str) -> bool {
        self.loose > 0 && self.with_id(id).any(|number| self.entries[number as usize].loose)
    }

    /// The resource at that place.
    pub fn get(&self, number: u32) -> &Known {
        let entry = &self.entries[number as usize];
        entry.tree.get_or_init(|| {
            let known = Box::new(entry.unpacked(&self.pattern));
            entry.weight.set(weight(&known));
            self.open.borrow_mut().push(number, entry.weight.get());
            known
        })
    }

    /// The resource at that place for a passing look.
    pub fn glance(&self, number: u32) -> Cow<'_, Known> {
        let entry = &self.entries[number as usize];
        entry.tree.get().map_or_else(|| Cow::Owned(entry.unpacked(&self.pattern)), |tree| Cow::Borrowed(&**tree))
    }

    /// Places of those with that id, at any endpoint and of any tenant, in order.
    pub fn with_id(&self, id: &str) -> impl DoubleEndedIterator<Item = u32> {
        let key = hash(id);
        let numbers = self.ids.range((key, 0)..=(key, u32::MAX)).map(|(_, n)| *n);
        numbers.filter(move |n| &*self.entries[*n as usize].id == id)
    }

    /// Places of those that may have that value, in order; `None` when nobody is found by that attribute.
    pub fn named(&self, attribute: &str, value: &str) -> Option<impl Iterator<Item = u32>> {
        let attribute = NAMES.iter().find(|n| n.eq_ignore_ascii_case(attribute))?;
        let key = name_key(attribute, value);
        Some(self.names.range((key, 0)..=(key, u32::MAX)).map(|(_, n)| *n))
    }

    /// Places of all that a filter can select, and perhaps of some more; `None` when that could be anyone.
    pub fn narrowed(&self, filter: &Filter, rt: &ResourceType) -> Option<BTreeSet<u32>> {
        match filter {
            Filter::And(parts) => parts.iter().find_map(|part| self.narrowed(part, rt)),
            Filter::Or(parts) => {
                let each: Option<Vec<_>> = parts.iter().map(|part| self.narrowed(part, rt)).collect();
                Some(each?.into_iter().flatten().collect())
            }
            Filter::Attr { path, test: Test::Compare(CompareOp::Eq, Literal::Str(value)) }
                if path.sub.is_none()
                    && !value.is_empty()
                    && path.urn.as_ref().is_none_or(|u| u.eq_ignore_ascii_case(&rt.schema.id)) =>
            {
                Some(self.named(&path.attr, value)?.collect())
            }
            _ => None,
        }
    }

    /// Puts a resource at its place, or at the end.
    pub(super) fn put(&mut self, place: Option<u32>, known: Known) {
        let number = match place {
            Some(number) => {
                for key in name_keys(self.get(number)) {
                    self.names.remove(&(key, number));
                }
                number
            }
            None => self.add(&known),
        };
        for key in name_keys(&known) {
            self.names.insert((key, number));
        }
        let weight = weight(&known);
        let loose = known.state != State::Live || super::lists::inactive(&known.doc);
        let entry = &mut self.entries[number as usize];
        if entry.kind.state != known.state {
            if let Some(n) = self.kinds.get_mut(&entry.kind) {
                *n -= 1;
            }
            entry.kind.state = known.state;
            *self.kinds.entry(entry.kind.clone()).or_default() += 1;
        }
        let open = self.open.get_mut();
        match entry.weight.replace(weight) {
            0 => open.push(number, weight),
            before => open.weight = open.weight + weight - before,
        }
        self.loose = self.loose + usize::from(loose) - usize::from(entry.loose);
        entry.loose = loose;
        entry.text = None;
        entry.tree = OnceCell::from(Box::new(known));
    }

    fn add(&mut self, known: &Known) -> u32 {
        let number = u32::try_from(self.entries.len()).expect("nobody creates four billion resources");
        let same = self.kinds.keys().find(|k| *k.endpoint == *known.endpoint).map(|k| k.endpoint.clone());
        let endpoint = same.unwrap_or_else(|| Arc::from(known.endpoint.as_str()));
        let kind = Kind { endpoint, tenant: known.tenant, state: known.state };
        *self.kinds.entry(kind.clone()).or_default() += 1;
        self.ids.insert((hash(known.id.as_str()), number));
        let id = known.id.as_str().into();
        self.entries.push(Entry { kind, id, loose: false, text: None, tree: OnceCell::new(), weight: Cell::new(0) });
        number
    }

    /// Turns those into text that nobody has looked at for the longest time.
    pub(super) fn close_old(&mut self) {
        let open = self.open.get_mut();
        while open.weight > OPEN
            && let Some(number) = open.numbers.pop_front()
        {
            let entry = &mut self.entries[number as usize];
            open.weight -= entry.weight.take();
            entry.pack(&self.pattern);
        }
    }
}

impl Entry {
    fn pack(&mut self, pattern: &OnceCell<Vec<u8>>) {
        if self.text.is_none() {
            match self.tree.get() {
                // A fraction may come back from text another one; such resources are rare, and stay.
                Some(known)
                    if [Some(&known.doc), known.last_full.as_ref(), known.last_answer.as_ref()]
                        .into_iter()
                        .flatten()
                        .any(|v| has_fraction(v)) =>
                {
                    return;
                }
                Some(known) => {
                    let text = Packed::of(known).to_text();
                    let pattern = pattern.get_or_init(|| text.iter().copied().take(PATTERN).collect());
                    self.text = Some(block::compress_prepend_size_with_dict(&text, pattern).into_boxed_slice());
                }
                None => return,
            }
        }
        self.tree = OnceCell::new();
    }

    fn unpacked(&self, pattern: &OnceCell<Vec<u8>>) -> Known {
        let text = self.text.as_deref().expect("a resource is kept as a tree or as text");
        let pattern = pattern.get().map(Vec::as_slice).unwrap_or_default();
        let text = block::decompress_size_prepended_with_dict(text, pattern).expect("we read what we wrote");
        let packed: Packed<'_> = serde_json::from_slice(&text).expect("we read what we wrote");
        packed.known(&self.kind, &self.id)
    }
}

/// A resource as text: what is the same twice is written once.
#[derive(Serialize, Deserialize)]
struct Packed<'a> {
    #[serde(rename = "t")]
    type_name: Cow<'a, str>,
    #[serde(rename = "d")]
    doc: Cow<'a, Value>,
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    last_full: Option<Again<'a>>,
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    last_answer: Option<Again<'a>>,
    #[serde(rename = "c")]
    causes: Vec<Cow<'a, Cause>>,
    #[serde(rename = "f")]
    facts: Vec<(Cow<'a, str>, usize, Cow<'a, Value>)>,
    #[serde(rename = "s")]
    step: Cow<'a, str>,
    #[serde(rename = "w")]
    last_write: Cow<'a, str>,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    refused: Option<Cow<'a, Cause>>,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    etag: Option<Cow<'a, str>>,
    #[serde(rename = "y")]
    dirty: bool,
}

/// A document that is mostly the one already written.
#[derive(Serialize, Deserialize)]
enum Again<'a> {
    #[serde(rename = "=")]
    Same,
    #[serde(rename = "x")]
    Other(Cow<'a, Value>),
}

impl<'a> Again<'a> {
    fn of(value: &'a Arc<Value>, doc: &Arc<Value>) -> Self {
        if Arc::ptr_eq(value, doc) {
            return Again::Same;
        }
        // Order counts: text and tree must be the same value.
        if value == doc && value.to_string() == doc.to_string() {
            Again::Same
        } else {
            Again::Other(Cow::Borrowed(value))
        }
    }

    fn value(self, doc: &Arc<Value>) -> Arc<Value> {
        match self {
            Again::Same => doc.clone(),
            Again::Other(value) => Arc::new(value.into_owned()),
        }
    }
}

impl<'a> Packed<'a> {
    fn of(known: &'a Known) -> Self {
        let mut causes: Vec<Cow<'a, Cause>> = Vec::new();
        let facts = known.facts.iter().map(|(key, fact)| {
            let at = causes.iter().position(|c| **c == fact.cause).unwrap_or_else(|| {
                causes.push(Cow::Borrowed(&fact.cause));
                causes.len() - 1
            });
            (Cow::Borrowed(key.as_str()), at, Cow::Borrowed(&fact.previous))
        });
        let facts = facts.collect();
        Self {
            type_name: Cow::Borrowed(&known.type_name),
            doc: Cow::Borrowed(&known.doc),
            last_full: known.last_full.as_ref().map(|v| Again::of(v, &known.doc)),
            last_answer: known.last_answer.as_ref().map(|v| Again::of(v, &known.doc)),
            causes,
            facts,
            step: Cow::Borrowed(&known.step),
            last_write: Cow::Borrowed(&known.last_write),
            refused: known.refused.as_ref().map(Cow::Borrowed),
            etag: known.etag.as_deref().map(Cow::Borrowed),
            dirty: known.dirty,
        }
    }

    fn to_text(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts, numbers and JSON are always JSON")
    }

    fn known(self, kind: &Kind, id: &str) -> Known {
        let doc = Arc::new(self.doc.into_owned());
        let causes = self.causes;
        let fact = |(key, at, previous): (Cow<'_, str>, usize, Cow<'_, Value>)| {
            let cause = causes[at].clone().into_owned();
            (key.into_owned(), Fact { cause, previous: previous.into_owned() })
        };
        let facts: Facts = self.facts.into_iter().map(fact).collect();
        Known {
            endpoint: kind.endpoint.to_string(),
            type_name: self.type_name.into_owned(),
            id: id.to_owned(),
            tenant: kind.tenant,
            state: kind.state,
            facts: Arc::new(facts),
            step: self.step.into_owned(),
            last_write: self.last_write.into_owned(),
            refused: self.refused.map(Cow::into_owned),
            last_full: self.last_full.map(|v| v.value(&doc)),
            last_answer: self.last_answer.map(|v| v.value(&doc)),
            etag: self.etag.map(Cow::into_owned),
            dirty: self.dirty,
            doc,
        }
    }
}

fn weight(known: &Known) -> usize {
    let members = known.doc.as_object().and_then(|o| get_ci(o, "members")).and_then(Value::as_array);
    1 + members.map_or(0, Vec::len) / MEMBERS
}

fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(n) => n.is_f64(),
        Value::Array(list) => list.iter().any(has_fraction),
        Value::Object(map) => map.values().any(has_fraction),
        _ => false,
    }
}

fn hash(text: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

fn name_key(attribute: &str, value: &str) -> u64 {
    hash((attribute, value.to_lowercase()))
}

fn name_keys(known: &Known) -> Vec<u64> {
    let Some(doc) = known.doc.as_object() else { return Vec::new() };
    let value = |name: &str| get_ci(doc, name).and_then(Value::as_str).map(|v| name_key(name, v));
    NAMES.iter().filter_map(|name| value(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shadow::facts::{Form, Write};
    use serde_json::json;

    fn user(n: usize) -> Known {
        let cause = Cause { step: "create".into(), kind: Write::Create, form: Form::default() };
        let patch = Cause {
            step: "rename".into(),
            kind: Write::Patch,
            form: Form { op: "replace".into(), pathless: true, ..Form::default() },
        };
        let doc = json!({ "userName": format!("User{n}@example.com"), "id": format!("id-{n}"), "x": [1, null, "é"] });
        Known {
            endpoint: "/Users".into(),
            type_name: "User".into(),
            id: format!("id-{n}"),
            tenant: 0,
            state: State::Live,
            facts: Arc::new(Facts::from([
                ("userName".to_owned(), Fact { cause: patch, previous: json!("old") }),
                ("title".to_owned(), Fact { cause: cause.clone(), previous: Value::Null }),
            ])),
            step: "create".into(),
            last_write: "rename".into(),
            refused: n.is_multiple_of(3).then_some(cause),
            last_full: Some(Arc::new(doc.clone())),
            last_answer: n.is_multiple_of(2).then(|| Arc::new(json!({ "other": n }))),
            etag: Some(format!("W/\"{n}\"")),
            dirty: n.is_multiple_of(5),
            doc: Arc::new(doc),
        }
    }

    fn many(count: usize) -> Registry {
        let mut registry = Registry::default();
        for n in 0..count {
            registry.put(None, user(n));
            registry.close_old();
        }
        registry
    }

    #[test]
    fn what_became_text_is_what_it_was() {
        let registry = many(3 * OPEN);
        assert!(registry.entries[0].tree.get().is_none(), "the first ones are text");
        for n in 0..registry.len() {
            assert_eq!(format!("{:?}", registry.glance(n as u32)), format!("{:?}", user(n)));
            assert_eq!(format!("{:?}", registry.get(n as u32)), format!("{:?}", user(n)));
        }
    }

    #[test]
    fn fractions_stay_as_they_are() {
        let mut registry = Registry::default();
        let mut odd = user(0);
        odd.doc = Arc::new(json!({ "weight": 0.1 }));
        registry.put(None, odd);
        for n in 1..2 * OPEN {
            registry.put(None, user(n));
            registry.close_old();
        }
        assert!(registry.entries[0].tree.get().is_some());
        assert!(registry.entries[1].tree.get().is_none());
    }

    #[test]
    fn names_follow_changes_and_filters_are_narrowed_by_them() {
        let mut registry = many(2 * OPEN);
        let mut renamed = user(1);
        renamed.doc = Arc::new(json!({ "userName": "Somebody" }));
        renamed.state = State::Gone;
        registry.put(Some(1), renamed);
        let named = |name: &str| registry.named("username", name).unwrap().collect::<Vec<_>>();
        assert!(named("user1@example.com").is_empty());
        assert_eq!(named("SOMEBODY"), [1]);
        assert_eq!(registry.with_id("id-7").collect::<Vec<_>>(), [7]);
        assert_eq!(registry.count(|k| k.state == State::Gone), 1);
        assert_eq!(registry.count(|_| true), 2 * OPEN);
        let target = crate::shadow::Advertised::unknown("https://example.com/scim");
        let rt = target.resource_type("/Users").unwrap();
        let narrowed = |text: &str| {
            let filter = crate::scim::filter::parse(text).unwrap();
            registry.narrowed(&filter, rt).map(|set| set.into_iter().collect::<Vec<_>>())
        };
        assert_eq!(narrowed(r#"userName eq "USER3@example.com" and active eq true"#), Some(vec![3]));
        assert_eq!(narrowed(r#"id eq "id-4" or userName eq "user3@example.com""#), Some(vec![3, 4]));
        assert_eq!(narrowed(r#"id eq "id-4" or active eq true"#), None);
        assert_eq!(narrowed(r#"userName ne "x""#), None);
        assert_eq!(narrowed(r#"userName eq """#), None);
    }
}
