//! The resources of one tenant, in memory, in the order of their creation, with the indexes that look-ups need.
//!
//! Must not know HTTP. Documents are kept as JSON text: a hundred thousand parsed users would not fit the memory
//! that a run may use.

use super::call::Kind;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use time::OffsetDateTime;

/// One stored resource.
#[derive(Debug, Clone)]
pub struct Record {
    /// Place in the order of creation; never reused.
    pub seq: u64,
    /// The id that clients know.
    pub id: String,
    /// `meta.created`.
    pub created: OffsetDateTime,
    /// `meta.lastModified`.
    pub modified: OffsetDateTime,
    /// Counts the writes of the tenant; the entity tag is made of it.
    pub revision: u64,
    /// `userName` or `displayName`.
    pub name: String,
    /// What references to this resource display.
    pub display: String,
    /// What a replica still shows after a write; taken by the read that sees it.
    pub stale: Option<Value>,
    external_id: Option<String>,
    text: Box<str>,
}

impl Record {
    /// The document as stored: what clients wrote, without id, meta and derived attributes.
    pub fn document(&self) -> Value {
        serde_json::from_str(&self.text).expect("the store writes its own JSON")
    }

    /// The entity tag (RFC 7644 §3.14): weak, because equal resources may differ in bytes.
    pub fn version(&self) -> String {
        format!("W/\"{:x}\"", self.revision)
    }

    /// The stored text, for cheap looks.
    pub fn text(&self) -> &str {
        &self.text
    }
}

#[derive(Debug, Default)]
struct Shelf {
    order: Vec<u64>,
    records: HashMap<u64, Record>,
    names: HashMap<String, Vec<u64>>,
    external_ids: HashMap<String, Vec<u64>>,
}

/// Everything that one tenant owns.
#[derive(Debug, Default)]
pub struct Tenant {
    users: Shelf,
    groups: Shelf,
    devices: Shelf,
    ids: HashMap<String, (Kind, u64)>,
    memberships: HashMap<String, BTreeSet<u64>>,
    last_seq: u64,
    last_revision: u64,
    /// Room for faults that remember what a correct server forgets.
    pub scratch: HashMap<String, Vec<Value>>,
}

impl Tenant {
    fn shelf(&self, kind: Kind) -> &Shelf {
        match kind {
            Kind::User => &self.users,
            Kind::Group => &self.groups,
            Kind::Device => &self.devices,
        }
    }

    fn shelf_mut(&mut self, kind: Kind) -> &mut Shelf {
        match kind {
            Kind::User => &mut self.users,
            Kind::Group => &mut self.groups,
            Kind::Device => &mut self.devices,
        }
    }

    /// How many resources of this kind there are.
    pub fn len(&self, kind: Kind) -> usize {
        self.shelf(kind).order.len()
    }

    /// True when nothing of this kind is stored.
    pub fn is_empty(&self, kind: Kind) -> bool {
        self.len(kind) == 0
    }

    /// Resources of one kind in the order of their creation.
    pub fn iter(&self, kind: Kind) -> impl DoubleEndedIterator<Item = &Record> + '_ {
        let shelf = self.shelf(kind);
        shelf.order.iter().map(|seq| &shelf.records[seq])
    }

    /// A window of that order, without visiting what comes before.
    pub fn window(&self, kind: Kind, offset: usize, count: usize) -> Vec<&Record> {
        let shelf = self.shelf(kind);
        let order = shelf.order.get(offset..).unwrap_or_default();
        order.iter().take(count).map(|seq| &shelf.records[seq]).collect()
    }

    /// The resource of this kind with this id.
    pub fn get(&self, kind: Kind, id: &str) -> Option<&Record> {
        let (found, seq) = self.ids.get(id)?;
        (*found == kind).then(|| &self.shelf(kind).records[seq])
    }

    /// The resource with this id, for changing what is not indexed.
    pub fn get_mut(&mut self, kind: Kind, id: &str) -> Option<&mut Record> {
        let (found, seq) = *self.ids.get(id)?;
        (found == kind).then(|| self.shelf_mut(kind).records.get_mut(&seq))?
    }

    /// Whatever has this id.
    pub fn find(&self, id: &str) -> Option<(Kind, &Record)> {
        let (kind, seq) = self.ids.get(id)?;
        Some((*kind, &self.shelf(*kind).records[seq]))
    }

    /// Resources whose unique attribute is this but for case, oldest first.
    pub fn named(&self, kind: Kind, name: &str) -> Vec<&Record> {
        let shelf = self.shelf(kind);
        let hits = shelf.names.get(&name.to_lowercase());
        hits.into_iter().flatten().map(|seq| &shelf.records[seq]).collect()
    }

    /// Resources with exactly this `externalId`, oldest first.
    pub fn with_external_id(&self, kind: Kind, external_id: &str) -> Vec<&Record> {
        let shelf = self.shelf(kind);
        let hits = shelf.external_ids.get(external_id);
        hits.into_iter().flatten().map(|seq| &shelf.records[seq]).collect()
    }

    /// Groups that list this id as a member, oldest first.
    pub fn groups_of(&self, id: &str) -> Vec<&Record> {
        let hits = self.memberships.get(id);
        hits.into_iter().flatten().map(|seq| &self.groups.records[seq]).collect()
    }

    /// Stores a new resource under a new id.
    pub fn insert(&mut self, kind: Kind, id: String, document: &Value) -> &Record {
        self.last_seq += 1;
        self.last_revision += 1;
        let now = now();
        let record = Record {
            seq: self.last_seq,
            id: id.clone(),
            created: now,
            modified: now,
            revision: self.last_revision,
            name: String::new(),
            display: String::new(),
            stale: None,
            external_id: None,
            text: Box::default(),
        };
        let seq = record.seq;
        self.ids.insert(id, (kind, seq));
        let shelf = self.shelf_mut(kind);
        shelf.order.push(seq);
        shelf.records.insert(seq, record);
        self.fill(kind, seq, document);
        &self.shelf(kind).records[&seq]
    }

    /// Replaces the document of a resource. `lastModified` always advances, even within one clock tick.
    pub fn update(&mut self, kind: Kind, id: &str, document: &Value) -> bool {
        let Some((_, seq)) = self.ids.get(id).copied().filter(|(k, _)| *k == kind) else {
            return false;
        };
        self.unindex(kind, seq);
        self.last_revision += 1;
        let revision = self.last_revision;
        if let Some(record) = self.shelf_mut(kind).records.get_mut(&seq) {
            record.revision = revision;
            record.modified = now().max(record.modified + time::Duration::milliseconds(1));
        }
        self.fill(kind, seq, document);
        true
    }

    /// Moves a resource to another id; only faults do that.
    pub fn rename_id(&mut self, kind: Kind, id: &str, new: &str) -> bool {
        let Some((_, seq)) = self.ids.get(id).copied().filter(|(k, _)| *k == kind) else {
            return false;
        };
        self.ids.remove(id);
        self.ids.insert(new.to_owned(), (kind, seq));
        if let Some(record) = self.shelf_mut(kind).records.get_mut(&seq) {
            record.id = new.to_owned();
        }
        true
    }

    /// Takes a resource away and returns it.
    pub fn remove(&mut self, kind: Kind, id: &str) -> Option<Record> {
        let (_, seq) = self.ids.get(id).copied().filter(|(k, _)| *k == kind)?;
        self.unindex(kind, seq);
        self.ids.remove(id);
        let shelf = self.shelf_mut(kind);
        if let Ok(place) = shelf.order.binary_search(&seq) {
            shelf.order.remove(place);
        }
        shelf.records.remove(&seq)
    }

    /// Writes the document and everything that is derived from it.
    fn fill(&mut self, kind: Kind, seq: u64, document: &Value) {
        let name = text_of(document, kind.unique_attribute()).unwrap_or_default();
        let external_id = text_of(document, "externalId");
        let display = display_of(document, &name);
        for member in member_ids(kind, document) {
            self.memberships.entry(member.to_owned()).or_default().insert(seq);
        }
        let shelf = self.shelf_mut(kind);
        put(&mut shelf.names, name.to_lowercase(), seq);
        if let Some(external_id) = &external_id {
            put(&mut shelf.external_ids, external_id.clone(), seq);
        }
        let record = shelf.records.get_mut(&seq).expect("inserted by the caller");
        record.name = name;
        record.display = display;
        record.external_id = external_id;
        record.text = document.to_string().into_boxed_str();
    }

    fn unindex(&mut self, kind: Kind, seq: u64) {
        let record = &self.shelf(kind).records[&seq];
        let name = record.name.to_lowercase();
        let external_id = record.external_id.clone();
        let members: Vec<String> = match kind {
            Kind::User | Kind::Device => Vec::new(),
            Kind::Group => member_ids(kind, &record.document()).map(str::to_owned).collect(),
        };
        for member in members {
            if let Some(groups) = self.memberships.get_mut(&member) {
                groups.remove(&seq);
                if groups.is_empty() {
                    self.memberships.remove(&member);
                }
            }
        }
        let shelf = self.shelf_mut(kind);
        take(&mut shelf.names, &name, seq);
        if let Some(external_id) = external_id {
            take(&mut shelf.external_ids, &external_id, seq);
        }
    }
}

fn put(index: &mut HashMap<String, Vec<u64>>, key: String, seq: u64) {
    let place = index.entry(key).or_default();
    if let Err(at) = place.binary_search(&seq) {
        place.insert(at, seq);
    }
}

fn take(index: &mut HashMap<String, Vec<u64>>, key: &str, seq: u64) {
    if let Some(place) = index.get_mut(key) {
        place.retain(|s| *s != seq);
        if place.is_empty() {
            index.remove(key);
        }
    }
}

fn text_of(document: &Value, attribute: &str) -> Option<String> {
    document.get(attribute)?.as_str().map(str::to_owned)
}

fn display_of(document: &Value, name: &str) -> String {
    let formatted = || document.get("name")?.get("formatted")?.as_str();
    let display = document.get("displayName").and_then(Value::as_str);
    let display = display.filter(|d| !d.is_empty()).or_else(formatted);
    display.unwrap_or(name).to_owned()
}

/// The ids in a group's `members`.
pub fn member_ids(kind: Kind, document: &Value) -> impl Iterator<Item = &str> {
    let members = match kind {
        Kind::Group => document.get("members").and_then(Value::as_array),
        Kind::User | Kind::Device => None,
    };
    members.into_iter().flatten().filter_map(|m| m.get("value")?.as_str())
}

/// The clock, cut to milliseconds: what is shown is what is compared.
pub fn now() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc();
    now.replace_millisecond(now.millisecond()).expect("a millisecond of a valid time is in range")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn user(name: &str) -> Value {
        json!({ "userName": name, "externalId": format!("x-{name}") })
    }

    #[test]
    fn lists_keep_the_order_of_creation_after_deletes() {
        let mut tenant = Tenant::default();
        for name in ["a", "b", "c"] {
            tenant.insert(Kind::User, format!("id-{name}"), &user(name));
        }
        tenant.remove(Kind::User, "id-b");
        let names: Vec<&str> = tenant.iter(Kind::User).map(|r| r.name.as_str()).collect();
        assert_eq!(names, ["a", "c"]);
        assert_eq!(tenant.window(Kind::User, 1, 5).len(), 1);
        assert!(tenant.window(Kind::User, 9, 5).is_empty());
    }

    #[test]
    fn indexes_follow_renames_and_deletes() {
        let mut tenant = Tenant::default();
        tenant.insert(Kind::User, "1".into(), &user("Alice"));
        assert_eq!(tenant.named(Kind::User, "aLICE").len(), 1);
        tenant.update(Kind::User, "1", &user("bob"));
        assert!(tenant.named(Kind::User, "alice").is_empty());
        assert_eq!(tenant.with_external_id(Kind::User, "x-bob").len(), 1);
        tenant.remove(Kind::User, "1");
        assert!(tenant.named(Kind::User, "bob").is_empty());
        assert!(tenant.with_external_id(Kind::User, "x-bob").is_empty());
    }

    #[test]
    fn memberships_follow_the_group() {
        let mut tenant = Tenant::default();
        let group = |ids: &[&str]| json!({ "displayName": "g", "members": ids.iter().map(|i| json!({ "value": i })).collect::<Vec<_>>() });
        tenant.insert(Kind::Group, "g".into(), &group(&["1", "2"]));
        assert_eq!(tenant.groups_of("2").len(), 1);
        tenant.update(Kind::Group, "g", &group(&["1"]));
        assert!(tenant.groups_of("2").is_empty());
        assert_eq!(tenant.groups_of("1").len(), 1);
        tenant.remove(Kind::Group, "g");
        assert!(tenant.groups_of("1").is_empty());
    }

    #[test]
    fn last_modified_advances_on_every_write() {
        let mut tenant = Tenant::default();
        tenant.insert(Kind::User, "1".into(), &user("a"));
        let mut before = tenant.get(Kind::User, "1").expect("stored").modified;
        for _ in 0..5 {
            tenant.update(Kind::User, "1", &user("a"));
            let after = tenant.get(Kind::User, "1").expect("stored").modified;
            assert!(after > before);
            before = after;
        }
    }
}
