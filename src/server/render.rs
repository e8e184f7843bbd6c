//! From a stored document to what clients see: id, links, derived attributes and `meta` (RFC 7643 §3.1).
//!
//! Must not know requests; which attributes a client asked for is the projection's business.

use super::behaviour::{Behaviour, Timestamps};
use super::call::Kind;
use super::store::{Record, Tenant};
use crate::scim::urn;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

/// Renders resources of one tenant.
#[derive(Clone, Copy)]
pub struct Renderer<'a> {
    /// Where references are looked up.
    pub tenant: &'a Tenant,
    /// Switches.
    pub behaviour: &'a Behaviour,
    /// Base URL of links.
    pub base: &'a str,
}

impl Renderer<'_> {
    /// The whole resource, without regard to what the client asked for; never a password.
    pub fn resource(&self, kind: Kind, record: &Record) -> Value {
        self.document(kind, record, record.document())
    }

    /// As [`Renderer::resource`], with another document than the stored one.
    pub fn document(&self, kind: Kind, record: &Record, document: Value) -> Value {
        let Value::Object(stored) = document else {
            return document;
        };
        let mut shown = Map::with_capacity(stored.len() + 4);
        shown.insert("schemas".into(), schemas(kind, &stored));
        shown.insert("id".into(), record.id.clone().into());
        for (name, value) in stored {
            match name.as_str() {
                "schemas" | "password" | "id" | "meta" => {}
                "members" => {
                    shown.insert(name, self.members(value));
                }
                urn::ENTERPRISE => {
                    shown.insert(name, self.extension(value));
                }
                _ => {
                    shown.insert(name, value);
                }
            }
        }
        if kind == Kind::User && self.behaviour.user_groups {
            let groups = self.groups(&record.id);
            if !groups.is_empty() {
                shown.insert("groups".into(), groups.into());
            }
        }
        if kind == Kind::Device {
            // Made by the server from what never changes.
            shown.insert("inventoryCode".into(), format!("inv-{}", record.id).into());
        }
        shown.insert("meta".into(), self.meta(kind, record));
        Value::Object(shown)
    }

    /// The address of a resource.
    pub fn location(&self, kind: Kind, id: &str) -> String {
        location(self.base, kind, id)
    }

    fn meta(&self, kind: Kind, record: &Record) -> Value {
        let mut meta = json!({
            "resourceType": kind.name(),
            "created": timestamp(record.created, self.behaviour.timestamps),
            "lastModified": timestamp(record.modified, self.behaviour.timestamps),
            "location": self.location(kind, &record.id),
        });
        if self.behaviour.etag && self.behaviour.meta_version {
            meta["version"] = record.version().into();
        }
        meta
    }

    fn members(&self, members: Value) -> Value {
        let Value::Array(members) = members else {
            return members;
        };
        members.into_iter().map(|m| self.member(m)).collect()
    }

    fn member(&self, member: Value) -> Value {
        let Some(id) = member.get("value").and_then(Value::as_str) else {
            return member;
        };
        let Some((kind, target)) = self.tenant.find(id) else {
            return member;
        };
        let mut shown = Map::new();
        shown.insert("value".into(), id.into());
        if self.behaviour.references {
            shown.insert("$ref".into(), self.location(kind, id).into());
        }
        if self.behaviour.member_display {
            shown.insert("display".into(), target.display.clone().into());
        }
        shown.insert("type".into(), kind.name().into());
        Value::Object(shown)
    }

    fn extension(&self, mut extension: Value) -> Value {
        let Some(manager) = extension.get_mut("manager").and_then(Value::as_object_mut) else {
            return extension;
        };
        let target = manager.get("value").and_then(Value::as_str).and_then(|id| self.tenant.get(Kind::User, id));
        if let Some(target) = target {
            if self.behaviour.references {
                let link = self.location(Kind::User, &target.id);
                manager.insert("$ref".into(), link.into());
            }
            manager.insert("displayName".into(), target.display.clone().into());
        }
        extension
    }

    /// `User.groups`: direct memberships first, then those through nested groups (RFC 7643 §4.1.2).
    fn groups(&self, id: &str) -> Vec<Value> {
        let mut seen: Vec<&str> = Vec::new();
        let mut shown = Vec::new();
        let mut wave: Vec<&str> = vec![id];
        let mut kind = "direct";
        while !wave.is_empty() {
            let mut next = Vec::new();
            for group in wave.iter().flat_map(|id| self.tenant.groups_of(id)) {
                if seen.contains(&group.id.as_str()) {
                    continue;
                }
                seen.push(&group.id);
                next.push(group.id.as_str());
                shown.push(self.membership(group, kind));
            }
            wave = next;
            kind = "indirect";
        }
        shown
    }

    fn membership(&self, group: &Record, kind: &str) -> Value {
        let mut shown = Map::new();
        shown.insert("value".into(), group.id.clone().into());
        if self.behaviour.references {
            let link = self.location(Kind::Group, &group.id);
            shown.insert("$ref".into(), link.into());
        }
        shown.insert("display".into(), group.display.clone().into());
        shown.insert("type".into(), kind.into());
        Value::Object(shown)
    }
}

/// The address of a resource; ids are percent-encoded where a path needs it.
pub fn location(base: &str, kind: Kind, id: &str) -> String {
    let id: String = id
        .bytes()
        .map(|b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' => (b as char).to_string(),
            _ => format!("%{b:02X}"),
        })
        .collect();
    format!("{base}/{}/{id}", kind.endpoint())
}

/// The schemas of a resource: the core one and each extension that has data (RFC 7643 §3).
fn schemas(kind: Kind, stored: &Map<String, Value>) -> Value {
    let core = match kind {
        Kind::User => urn::USER,
        Kind::Group => urn::GROUP,
        Kind::Device => super::inventory::DEVICE,
    };
    let extensions = stored.keys().filter(|k| k.starts_with("urn:"));
    std::iter::once(core).chain(extensions.map(String::as_str)).map(Value::from).collect()
}

/// An xsd:dateTime.
pub fn timestamp(at: OffsetDateTime, style: Timestamps) -> String {
    let (at, zone) = match style {
        Timestamps::Offset => (at.to_offset(time::macros::offset!(+1)), "+01:00"),
        _ => (at, "Z"),
    };
    let fraction = match style {
        Timestamps::Seconds => String::new(),
        _ => format!(".{:03}", at.millisecond()),
    };
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{fraction}{zone}",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn timestamps_are_xsd_date_times() {
        let at = datetime!(2025-01-31 23:30:00.120 UTC);
        assert_eq!(timestamp(at, Timestamps::Milliseconds), "2025-01-31T23:30:00.120Z");
        assert_eq!(timestamp(at, Timestamps::Seconds), "2025-01-31T23:30:00Z");
        assert_eq!(timestamp(at, Timestamps::Offset), "2025-02-01T00:30:00.120+01:00");
    }

    #[test]
    fn ids_are_encoded_in_locations() {
        assert_eq!(location("http://h", Kind::User, "a/b c"), "http://h/Users/a%2Fb%20c");
    }
}
