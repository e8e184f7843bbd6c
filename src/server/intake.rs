//! From what a client wrote to what is stored: names in the schema's spelling, nothing readOnly, nothing unassigned
//! (RFC 7643 §2.5, RFC 7644 §3.3), references that exist.
//!
//! Must not know how the document reached the server: POST, PUT and the result of a PATCH come through here.

use super::behaviour::{Behaviour, UnknownMember};
use super::call::{Call, Kind, Payload};
use super::inventory;
use super::reply::Failure;
use super::store::Tenant;
use crate::scim::schema::{AttrType, Attribute, Mutability, ResourceType};
use crate::scim::value::{expected, fits, get_ci, is_unassigned};
use crate::scim::{schema, urn};
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::sync::LazyLock;

static GROUP: LazyLock<ResourceType> = LazyLock::new(ResourceType::group);

/// The schema of a kind of resource, parsed once per process.
pub fn resource_type(kind: Kind) -> &'static ResourceType {
    match kind {
        Kind::User => &inventory::USER_TYPE,
        Kind::Group => &GROUP,
        Kind::Device => &inventory::DEVICE_TYPE,
    }
}

/// The JSON object that a request carries (RFC 7644 §3.12: anything else is `invalidSyntax`).
pub fn object(call: &Call) -> Result<&Map<String, Value>, Failure> {
    match &call.body {
        Payload::Json(Value::Object(map)) => Ok(map),
        Payload::Json(_) => Err(Failure::typed(400, "invalidSyntax", "The body must be a JSON object.")),
        Payload::Absent => Err(Failure::typed(400, "invalidSyntax", "The request has no body.")),
        Payload::Malformed(why) => {
            let detail = format!("The body is not JSON: {why}");
            Err(Failure::typed(400, "invalidSyntax", detail))
        }
    }
}

/// Refuses a resource that says to be something else (RFC 7643 §3). A missing `schemas` is tolerated: Entra's
/// provisioning agents and several test tools leave it out.
pub fn check_schemas(kind: Kind, body: &Map<String, Value>) -> Result<(), Failure> {
    let Some(named) = get_ci(body, "schemas").filter(|v| !v.is_null()) else {
        return Ok(());
    };
    let wrong = |detail: String| Err(Failure::typed(400, "invalidValue", detail));
    let Some(named) = named.as_array() else {
        return wrong("schemas must be an array of URNs.".into());
    };
    if !named.iter().all(Value::is_string) {
        return wrong("schemas must be an array of URNs.".into());
    }
    let rt = resource_type(kind);
    let known =
        |v: &Value| v.as_str().is_some_and(|s| s.eq_ignore_ascii_case(&rt.schema.id) || rt.extension(s).is_some());
    if named.is_empty() || named.iter().any(known) {
        return Ok(());
    }
    wrong(format!("schemas does not name {}.", rt.schema.id))
}

/// Brings a document into the form that is stored.
pub struct Intake<'a> {
    /// Switches.
    pub behaviour: &'a Behaviour,
    /// Where references are looked up.
    pub tenant: &'a Tenant,
    /// Two primary values are refused; PATCH has settled that already.
    pub one_primary: bool,
}

impl Intake<'_> {
    /// Normalises a whole resource.
    pub fn document(&self, kind: Kind, body: &Map<String, Value>) -> Result<Value, Failure> {
        let rt = resource_type(kind);
        let external_id = schema::common_attributes().iter().filter(|a| a.name == "externalId");
        let attributes: Vec<&Attribute> = external_id.chain(&rt.schema.attributes).collect();
        let mut stored = self.members_of(body, &attributes, "", |key| {
            is_common(key) || rt.extension(key).is_some() || key.to_ascii_lowercase().starts_with("urn:")
        })?;
        if kind == Kind::Group && !self.behaviour.group_external_id {
            stored.remove("externalId");
        }
        for extension in &rt.extensions {
            let urn = &extension.schema.id;
            let Some(given) = get_ci(body, urn).filter(|v| !is_unassigned(v)) else {
                continue;
            };
            let Value::Object(given) = given else {
                return Err(wrong_type(urn, "an object"));
            };
            let attributes: Vec<&Attribute> = extension.schema.attributes.iter().collect();
            let inner = self.members_of(given, &attributes, &format!("{urn}:"), |_| false)?;
            if !inner.is_empty() {
                stored.insert(urn.clone(), Value::Object(inner));
            }
        }
        if kind == Kind::Group {
            self.members(&mut stored)?;
        }
        if !self.behaviour.password {
            stored.remove("password");
        }
        Ok(Value::Object(stored))
    }

    fn members_of(
        &self,
        given: &Map<String, Value>,
        attributes: &[&Attribute],
        prefix: &str,
        known: impl Fn(&str) -> bool,
    ) -> Result<Map<String, Value>, Failure> {
        let mut stored = Map::new();
        for (key, value) in given {
            let Some(attribute) = attributes.iter().find(|a| a.name.eq_ignore_ascii_case(key)) else {
                if self.behaviour.refuse_unknown_attributes && !known(key) {
                    let detail = format!("{prefix}{key} is no attribute of this resource.");
                    return Err(Failure::typed(400, "invalidSyntax", detail));
                }
                continue;
            };
            let path = format!("{prefix}{}", attribute.name);
            if let Some(value) = self.attribute(value, attribute, &path)? {
                stored.insert(attribute.name.clone(), value);
            }
        }
        Ok(stored)
    }

    fn attribute(&self, value: &Value, attribute: &Attribute, path: &str) -> Result<Option<Value>, Failure> {
        let none = match value {
            // RFC 7643 §2.5: null and the empty array; an object is no list, however empty.
            Value::Object(_) => !attribute.multi_valued && is_unassigned(value),
            _ => is_unassigned(value),
        };
        if attribute.mutability == Mutability::ReadOnly || none {
            return Ok(None);
        }
        if !attribute.multi_valued {
            return self.single(value, attribute, path);
        }
        let Value::Array(items) = value else {
            return Err(wrong_type(path, "an array"));
        };
        let mut kept: Vec<Value> = Vec::with_capacity(items.len());
        let mut seen = HashSet::with_capacity(items.len());
        for item in items {
            if let Some(item) = self.single(item, attribute, path)?
                && seen.insert(item.to_string())
            {
                kept.push(item);
            }
        }
        let primary = kept.iter().filter(|v| v.get("primary") == Some(&Value::Bool(true)));
        if self.one_primary && primary.count() > 1 {
            let detail = format!("{path} has more than one primary value.");
            return Err(Failure::typed(400, "invalidValue", detail));
        }
        Ok((!kept.is_empty()).then_some(Value::Array(kept)))
    }

    fn single(&self, value: &Value, attribute: &Attribute, path: &str) -> Result<Option<Value>, Failure> {
        if is_unassigned(value) {
            return Ok(None);
        }
        if attribute.kind == AttrType::Complex {
            return self.complex(value, attribute, path);
        }
        if attribute.kind == AttrType::Boolean
            && let Some(flag) = self.boolean_text(value)
        {
            return Ok(Some(Value::Bool(flag)));
        }
        // Identity providers clear dates and links with an empty text; it is neither, so it can only mean "none".
        let empty = value.as_str() == Some("");
        if empty && matches!(attribute.kind, AttrType::DateTime | AttrType::Reference) {
            return Ok(None);
        }
        match fits(value, attribute.kind) {
            true => Ok(Some(value.clone())),
            false => Err(wrong_type(path, expected(attribute.kind))),
        }
    }

    fn complex(&self, value: &Value, attribute: &Attribute, path: &str) -> Result<Option<Value>, Failure> {
        let named = attribute.sub("value").is_some() && self.behaviour.lenient;
        let given = match value {
            Value::Object(map) => map.clone(),
            // Entra sends `manager` as a bare id, and clears it with an empty one.
            Value::String(text) if named && !attribute.multi_valued => match text.is_empty() {
                true => return Ok(None),
                false => Map::from_iter([("value".to_owned(), json!(text))]),
            },
            // … or as a list of one.
            Value::Array(items) if named && items.len() == 1 => {
                return self.complex(&items[0], attribute, path);
            }
            _ => return Err(wrong_type(path, "an object")),
        };
        let subs: Vec<&Attribute> = attribute.sub_attributes.iter().collect();
        let stored = self.members_of(&given, &subs, &format!("{path}."), |_| false)?;
        // An entry whose value was cleared with an empty text is no entry any more.
        let cleared = stored.get("value").and_then(Value::as_str) == Some("");
        Ok((!stored.is_empty() && !cleared).then_some(Value::Object(stored)))
    }

    fn boolean_text(&self, value: &Value) -> Option<bool> {
        let text = value.as_str()?;
        if self.behaviour.refuse_string_booleans {
            return None;
        }
        match text.to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// Members are kept by id, once each; what they display is looked up when they are shown.
    fn members(&self, stored: &mut Map<String, Value>) -> Result<(), Failure> {
        let Some(Value::Array(given)) = stored.remove("members") else {
            return Ok(());
        };
        let mut kept = Vec::with_capacity(given.len());
        let mut seen = HashSet::with_capacity(given.len());
        for member in given {
            let Some(id) = member_id(&member) else {
                return Err(Failure::typed(400, "invalidValue", "A member has no value."));
            };
            if !seen.insert(id.clone()) {
                continue;
            }
            match self.tenant.find(&id) {
                Some((kind, _)) => kept.push(json!({ "value": id, "type": kind.name() })),
                None => kept.push(self.unknown_member(member, &id)?),
            }
        }
        if !kept.is_empty() {
            stored.insert("members".into(), Value::Array(kept));
        }
        Ok(())
    }

    fn unknown_member(&self, member: Value, id: &str) -> Result<Value, Failure> {
        match self.behaviour.unknown_member {
            UnknownMember::Store => Ok(member),
            UnknownMember::Invalid => {
                let detail = format!("Member not found: {id} is neither a user nor a group.");
                Err(Failure::typed(400, "invalidValue", detail))
            }
            UnknownMember::NotFound => Err(Failure::plain(404, format!("Member {id} not found."))),
        }
    }
}

fn member_id(member: &Value) -> Option<String> {
    if let Some(id) = member.get("value").and_then(Value::as_str) {
        return Some(id.to_owned());
    }
    let reference = member.get("$ref")?.as_str()?;
    let last = reference.trim_end_matches('/').rsplit('/').next()?;
    Some(crate::exchange::percent_decode(last)).filter(|id| !id.is_empty())
}

/// Required attributes must have a value (RFC 7643 §2.2).
pub fn check_required(kind: Kind, document: &Value) -> Result<(), Failure> {
    let name = kind.unique_attribute();
    let given = document.get(name).and_then(Value::as_str);
    let missing = |name: &str| Err(Failure::typed(400, "invalidValue", format!("{name} is required.")));
    if given.is_none_or(|text| text.trim().is_empty()) {
        return missing(name);
    }
    for extension in resource_type(kind).extensions.iter().filter(|e| e.required) {
        let urn = &extension.schema.id;
        let Some(given) = document.get(urn) else { return missing(urn) };
        let required = extension.schema.attributes.iter().filter(|a| a.required);
        if let Some(lost) = required.into_iter().find(|a| given.get(&a.name).is_none()) {
            return missing(&format!("{urn}:{}", lost.name));
        }
    }
    Ok(())
}

fn is_common(key: &str) -> bool {
    ["schemas", "id", "meta", "externalId"].iter().any(|c| c.eq_ignore_ascii_case(key))
}

fn wrong_type(path: &str, wanted: &str) -> Failure {
    Failure::typed(400, "invalidValue", format!("{path} must be {wanted}."))
}

/// True when the URN is the enterprise extension's.
pub fn is_enterprise(name: &str) -> bool {
    name.eq_ignore_ascii_case(urn::ENTERPRISE)
}
