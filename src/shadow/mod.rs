//! The shadow remembers what the server said: from each accepted write it derives what must now be true, and holds every
//! later read against it. It is fed by exchanges and asked by rules.
//!
//! Must not know identity providers, levels or reports. It asserts only what the client wrote, the server accepted and the
//! schema allows to be written; servers may add attributes, normalise, or answer 204.

pub mod advertised;
mod bulk;
pub mod call;
mod compare;
pub mod facts;
pub mod forecast;
mod learn;
mod lists;
mod observe;
mod pages;
mod registry;

pub use advertised::Advertised;
pub use call::{Call, Op};
pub use facts::{Cause, Clash, Contradiction, Form, Write};
pub use forecast::{Choice, Expectation, Forecast, Reason};
pub use lists::{ids_of, resources_of};
pub use observe::{Learned, Observed, PageClash, Place, Selection, Stray};
pub use pages::Pages;
pub use registry::{Entry, Kind, Registry};

use crate::scim::value::{get_ci, value_ci};
use facts::Facts;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What must be true now, in one case.
pub struct Shadow {
    /// What the target says about itself.
    pub target: Arc<Advertised>,
    /// Everything this case created, in order; deleted ones stay.
    pub known: Registry,
    /// Ids seen in any answer: they exist, but are not ours.
    pub seen: BTreeSet<String>,
    /// Attributes that this server was seen not to keep: endpoint and fact key, and of whom. Told once, asserted no more.
    pub unkept: BTreeMap<(String, String), BTreeSet<String>>,
    /// Attributes that were read otherwise than they were written, by endpoint and fact key: whose. What is stored is not known.
    pub distorted: BTreeMap<(String, String), BTreeSet<String>>,
    /// Tenant whose credentials the exchange at hand carries.
    pub tenant: u8,
    /// Pages seen since the last write.
    pub pages: Pages,
}

/// One resource that this case created.
#[derive(Debug, Clone)]
pub struct Known {
    /// Endpoint, e.g. `/Users`.
    pub endpoint: String,
    /// Resource type name, e.g. `User`.
    pub type_name: String,
    /// The id from the answer to the create.
    pub id: String,
    /// 0: the configured credentials; 1: the second tenant.
    pub tenant: u8,
    /// Alive, gone, or not known.
    pub state: State,
    /// Everything believed about it.
    pub doc: Arc<Value>,
    /// What must be true, by attribute.
    pub facts: Arc<Facts>,
    /// Step that created it.
    pub step: String,
    /// Step of the last write, accepted or not.
    pub last_write: String,
    /// A refused write that must have changed nothing.
    pub refused: Option<Cause>,
    /// Last full representation read by id.
    pub last_full: Option<Arc<Value>>,
    /// Representation in the answer to the last write, if there was one.
    pub last_answer: Option<Arc<Value>>,
    /// Current entity tag, if known.
    pub etag: Option<String>,
    /// True when an accepted write changed something since the last full read.
    pub dirty: bool,
}

/// Whether a resource exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It must be there.
    Live,
    /// It was deleted: 404.
    Gone,
    /// A write ended in a way that leaves both open.
    Unsure,
}

impl Known {
    /// The unique name: userName of a user, displayName of a group.
    pub fn name(&self) -> Option<&str> {
        crate::scim::value::get_ci(self.doc.as_object()?, name_attribute(&self.endpoint))?.as_str()
    }

    /// `/Users/ID`, with the id made safe for a path.
    pub fn path(&self) -> String {
        format!("{}/{}", self.endpoint, path_segment(&self.id))
    }
}

impl Shadow {
    /// An empty shadow.
    pub fn new(target: Arc<Advertised>) -> Self {
        Self {
            target,
            known: Registry::default(),
            seen: BTreeSet::new(),
            unkept: BTreeMap::new(),
            distorted: BTreeMap::new(),
            tenant: 0,
            pages: Pages::default(),
        }
    }

    /// The resource with that id at that endpoint, gone ones included.
    pub fn find(&self, endpoint: &str, id: &str) -> Option<&Known> {
        self.place(endpoint, id).map(|number| self.known.get(number))
    }

    /// What is at hand of it.
    pub fn entry(&self, endpoint: &str, id: &str) -> Option<&Entry> {
        self.place(endpoint, id).map(|number| &self.known.entries()[number as usize])
    }

    /// Its place: the tenant's own comes before another's, the last before the first.
    fn place(&self, endpoint: &str, id: &str) -> Option<u32> {
        let kind = |number: &u32| &self.known.entries()[*number as usize].kind;
        let same = || self.known.with_id(id).rev().filter(|n| *kind(n).endpoint == *endpoint);
        same().find(|n| kind(n).tenant == self.tenant).or_else(|| same().next())
    }

    /// Those with that id, at any endpoint and of any tenant, in order.
    pub fn with_id(&self, id: &str) -> impl Iterator<Item = &Known> {
        self.known.with_id(id).map(|number| self.known.get(number))
    }

    /// Those with one of these ids, in the order of their creation.
    pub fn among(&self, ids: &[String]) -> impl Iterator<Item = &Known> {
        let places: BTreeSet<u32> = ids.iter().flat_map(|id| self.known.with_id(id)).collect();
        places.into_iter().map(|number| self.known.get(number))
    }

    /// What those with that id are.
    pub fn kinds_of(&self, id: &str) -> impl Iterator<Item = &Kind> {
        self.known.with_id(id).map(|number| &self.known.entries()[number as usize].kind)
    }

    /// Those whose unique name is this one in any case, in order.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &Known> {
        let places: BTreeSet<u32> =
            ["userName", "displayName"].iter().filter_map(|a| self.known.named(a, name)).flatten().collect();
        let found = places.into_iter().map(|number| self.known.get(number));
        found.filter(move |k| k.name().is_some_and(|n| n.eq_ignore_ascii_case(name)))
    }

    /// The living resource that has the name which this create asks for, in the same tenant.
    pub fn namesake(&self, call: &Call) -> Option<&Known> {
        let name = get_ci(call.body.as_ref()?.as_object()?, name_attribute(&call.endpoint))?.as_str()?;
        let tenant = forecast::tenant_of(call);
        self.named(name).find(|k| k.endpoint == call.endpoint && k.tenant == tenant && k.state == State::Live)
    }

    /// True for an id that nothing has or had, ours or not, as far as anybody has seen.
    pub fn is_nobody(&self, id: &str) -> bool {
        self.kinds_of(id).next().is_none() && !self.seen.contains(id)
    }

    /// True when an attribute that is named in this text (in lower case) was read otherwise than it was written, or not at all:
    /// what the server stored, and looks people up by, is not known then.
    pub fn is_in_doubt(&self, known: &Known, text: &str) -> bool {
        self.unkept.iter().chain(&self.distorted).any(|((endpoint, key), ids)| {
            *endpoint == known.endpoint && ids.contains(&known.id) && text.contains(&key.to_ascii_lowercase())
        })
    }

    /// True when an attribute of some resource there was read otherwise than it was written, or not at all.
    pub fn doubts(&self, endpoint: &str, attribute: &str) -> bool {
        let about = |(e, key): &(String, String)| e == endpoint && key.eq_ignore_ascii_case(attribute);
        self.unkept.keys().chain(self.distorted.keys()).any(about)
    }

    /// Takes in what an exchange taught.
    pub fn learn(&mut self, learned: Learned) {
        for (place, known) in learned.resources {
            self.known.put(place, known);
        }
        self.known.close_old();
        self.seen.extend(learned.seen);
        for (endpoint, key, id) in learned.unkept {
            self.unkept.entry((endpoint, key)).or_default().insert(id);
        }
        for (endpoint, key, id) in learned.distorted {
            self.distorted.entry((endpoint, key)).or_default().insert(id);
        }
        if learned.list_changed {
            self.pages.clear();
        }
        if let Some(page) = learned.page {
            self.pages.add(page);
        }
    }

    /// True when an id belongs to something that this case created at that endpoint.
    pub fn ours(&self, endpoint: &str, id: &str) -> bool {
        self.find(endpoint, id).is_some()
    }
}

/// `members[].value` of a group representation.
pub fn member_ids(doc: &Value) -> Vec<String> {
    let members = doc.as_object().and_then(|o| crate::scim::value::get_ci(o, "members"));
    members.and_then(Value::as_array).into_iter().flatten().filter_map(|m| text_of(value_ci(m, "value")?)).collect()
}

/// The attribute that names a resource of this endpoint: userName of a user, displayName of a group and of all else.
pub fn name_attribute(endpoint: &str) -> &'static str {
    if endpoint == "/Users" { "userName" } else { "displayName" }
}

/// A text, or a number as text.
pub fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    }
}

/// The status that a bulk operation is answered with: as text, as a number, or as an object with a `code`, which some servers
/// write in its place. That the form is wrong has its rule; what happened is known all the same.
pub fn bulk_status_of(result: &Map<String, Value>) -> Option<u16> {
    let status = get_ci(result, "status")?;
    let plain = status.as_object().map_or(Some(status), |o| get_ci(o, "code"));
    text_of(plain?)?.trim().parse().ok()
}

/// Percent-encodes an id as one path segment (RFC 3986 unreserved characters stay).
pub fn path_segment(id: &str) -> String {
    let mut out = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~@:+=,!$'()*;".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    if out == "." || out == ".." { out.replace('.', "%2E") } else { out }
}
