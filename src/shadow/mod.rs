//! The shadow remembers what the server said: from each accepted write it derives what must now be true, and holds every
//! later read against it. It is fed by exchanges and asked by rules.
//!
//! Must not know identity providers, levels or reports. It asserts only what the client wrote, the server accepted and the
//! schema allows to be written; servers may add attributes, normalise, or answer 204.

pub mod advertised;
pub mod call;
pub mod facts;
pub mod forecast;
mod observe;

pub use advertised::Advertised;
pub use call::{Call, Op};
pub use facts::{Cause, Clash, Contradiction, Form, Write};
pub use forecast::{Choice, Expectation, Forecast, Reason};
pub use observe::{Observed, PageClash, Place, Selection, Stray, resources_of};

use facts::Facts;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What must be true now, in one case.
#[derive(Debug, Clone)]
pub struct Shadow {
    /// What the target says about itself.
    pub target: Arc<Advertised>,
    /// Everything this case created, in order; deleted ones stay.
    pub known: Vec<Arc<Known>>,
    /// Ids seen in any answer: they exist, but are not ours.
    pub seen: BTreeSet<String>,
    /// Attributes that this server was seen not to keep: endpoint and fact key. Told once, asserted no more.
    pub unkept: BTreeSet<(String, String)>,
    /// Tenant whose credentials the exchange at hand carries.
    pub tenant: u8,
    /// Pages seen since the last write.
    pub pages: Vec<Arc<Page>>,
    /// Bytes of large representations that were kept.
    large: usize,
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
    pub doc: Value,
    /// What must be true, by attribute.
    pub facts: Facts,
    /// Step that created it.
    pub step: String,
    /// Step of the last write, accepted or not.
    pub last_write: String,
    /// A refused write that must have changed nothing.
    pub refused: Option<Cause>,
    /// Last full representation read by id.
    pub last_full: Option<Value>,
    /// Representation in the answer to the last write, if there was one.
    pub last_answer: Option<Value>,
    /// Current entity tag, if known.
    pub etag: Option<String>,
    /// `meta.lastModified` before the last accepted write that must have changed something.
    pub modified_before: Option<String>,
    /// True when an accepted write changed something since the last full read.
    pub dirty: bool,
    /// Attributes that were seen not to be kept.
    pub unkept: Vec<String>,
}

/// Whether a resource exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It must be there.
    Live,
    /// It was deleted: 404.
    Gone,
    /// A write ended in a way that leaves both open.
    Unsure,
}

/// A page of a list, for walks.
#[derive(Debug, Clone)]
pub struct Page {
    /// Endpoint, filter and sort of the query.
    pub query: String,
    /// Effective first index.
    pub start: i64,
    /// Ids on it.
    pub ids: Vec<String>,
    /// `totalResults`.
    pub total: Option<i64>,
    /// Step that asked.
    pub step: String,
}

impl Known {
    /// The unique name: userName of a user, displayName of a group.
    pub fn name(&self) -> Option<&str> {
        let attribute = if self.endpoint == "/Users" { "userName" } else { "displayName" };
        crate::scim::value::get_ci(self.doc.as_object()?, attribute)?.as_str()
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
            known: Vec::new(),
            seen: BTreeSet::new(),
            unkept: BTreeSet::new(),
            tenant: 0,
            pages: Vec::new(),
            large: 0,
        }
    }

    /// The resource with that id at that endpoint, gone ones included.
    pub fn find(&self, endpoint: &str, id: &str) -> Option<&Known> {
        let same = |k: &&Arc<Known>| k.endpoint == endpoint && k.id == id;
        let own = self.known.iter().rev().filter(same).find(|k| k.tenant == self.tenant);
        own.or_else(|| self.known.iter().rev().find(same)).map(AsRef::as_ref)
    }

    fn find_mut(&mut self, endpoint: &str, id: &str) -> Option<&mut Known> {
        let tenant = self.tenant;
        let same = |k: &Arc<Known>| k.endpoint == endpoint && k.id == id;
        let own = self.known.iter().rposition(|k| same(k) && k.tenant == tenant);
        let at = own.or_else(|| self.known.iter().rposition(same))?;
        self.known.get_mut(at).map(Arc::make_mut)
    }

    /// The state at this moment, cheap to keep: resources are shared until they change.
    pub fn snapshot(&self) -> Self {
        Self {
            target: self.target.clone(),
            known: self.known.clone(),
            seen: BTreeSet::new(),
            unkept: BTreeSet::new(),
            tenant: self.tenant,
            pages: self.pages.clone(),
            large: self.large,
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
    members.and_then(Value::as_array).into_iter().flatten().filter_map(|m| text_of(m.get("value")?)).collect()
}

/// A text, or a number as text.
pub fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    }
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
