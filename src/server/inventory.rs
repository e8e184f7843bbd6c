//! What no client has heard of: a resource type `/Devices` with attributes of every kind, and an extension of users.
//!
//! Must not know how they are stored: they are schemas like those of RFC 7643, and go the same way.

use crate::scim::schema::{Attribute, ResourceType, Schema, parse_schema};
use crate::scim::urn;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// Schema of devices.
pub const DEVICE: &str = "urn:example:params:scim:schemas:inventory:2.0:Device";
/// Extension that each device must have.
pub const WARRANTY: &str = "urn:example:params:scim:schemas:extension:warranty:2.0:Device";
/// Extension that users may have.
pub const BADGE: &str = "urn:example:params:scim:schemas:extension:badge:2.0:User";

/// One attribute definition, with what differs from an optional text.
fn attribute(name: &str, kind: &str, differs: Value) -> Value {
    let mut all = json!({
        "name": name,
        "type": kind,
        "multiValued": false,
        "description": format!("The {name} of the resource"),
        "required": false,
        "caseExact": false,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": "none",
    });
    for (key, value) in differs.as_object().into_iter().flatten() {
        all[key] = value.clone();
    }
    all
}

fn document(id: &str, name: &str, attributes: Vec<Value>) -> Value {
    json!({
        "schemas": [urn::SCHEMA],
        "id": id,
        "name": name,
        "description": format!("{name} of the inventory"),
        "attributes": attributes,
    })
}

/// The schema documents, as `/Schemas` lists them.
pub fn documents() -> Vec<Value> {
    let port = vec![
        attribute("value", "string", json!({ "caseExact": true })),
        attribute("type", "string", json!({ "canonicalValues": ["in", "out"] })),
        attribute("primary", "boolean", json!({})),
    ];
    let position =
        vec![attribute("building", "string", json!({})), attribute("floor", "integer", json!({ "caseExact": false }))];
    let device = vec![
        attribute("serial", "string", json!({ "required": true, "caseExact": true, "uniqueness": "server" })),
        attribute("label", "string", json!({ "returned": "always" })),
        attribute("code", "string", json!({ "caseExact": true })),
        attribute("state", "string", json!({ "canonicalValues": ["new", "used", "broken"] })),
        attribute("assetNumber", "integer", json!({})),
        attribute("weight", "decimal", json!({})),
        attribute("insured", "boolean", json!({})),
        attribute("bought", "dateTime", json!({})),
        attribute("manual", "reference", json!({ "referenceTypes": ["external"], "caseExact": true })),
        attribute("fingerprint", "binary", json!({ "caseExact": true })),
        attribute("vendor", "string", json!({ "mutability": "immutable" })),
        attribute("inventoryCode", "string", json!({ "mutability": "readOnly", "caseExact": true })),
        attribute("pin", "string", json!({ "mutability": "writeOnly", "returned": "never" })),
        attribute("remark", "string", json!({ "returned": "request" })),
        attribute("tags", "string", json!({ "multiValued": true })),
        attribute("position", "complex", json!({ "subAttributes": position })),
        attribute("ports", "complex", json!({ "multiValued": true, "subAttributes": port })),
    ];
    let warranty =
        vec![attribute("contract", "string", json!({ "required": true })), attribute("ends", "dateTime", json!({}))];
    let badge = vec![
        attribute("number", "string", json!({ "caseExact": true, "uniqueness": "server" })),
        attribute("color", "string", json!({ "canonicalValues": ["red", "green"] })),
        attribute("doors", "string", json!({ "multiValued": true })),
        attribute("level", "integer", json!({})),
        attribute("issued", "dateTime", json!({})),
        attribute("printedBy", "string", json!({ "mutability": "readOnly" })),
        attribute("code", "string", json!({ "mutability": "writeOnly", "returned": "never" })),
    ];
    vec![document(DEVICE, "Device", device), document(WARRANTY, "Warranty", warranty), document(BADGE, "Badge", badge)]
}

/// Their parsed forms.
static SCHEMAS: LazyLock<Vec<Schema>> = LazyLock::new(|| documents().iter().filter_map(parse_schema).collect());

/// The resource type of devices.
pub static DEVICE_TYPE: LazyLock<ResourceType> = LazyLock::new(|| {
    let described = json!({
        "name": "Device",
        "endpoint": "/Devices",
        "schema": DEVICE,
        "schemaExtensions": [{ "schema": WARRANTY, "required": true }],
    });
    ResourceType::from_discovery(&described, &SCHEMAS).expect("both schemas are listed")
});

/// Users with their enterprise extension and a badge.
pub static USER_TYPE: LazyLock<ResourceType> = LazyLock::new(|| {
    let mut users = ResourceType::user();
    let badge = SCHEMAS.iter().find(|s| s.id == BADGE).expect("it is listed");
    users.extensions.push(crate::scim::schema::Extension { schema: badge.clone(), required: false });
    users
});

/// Attributes that must be unique beside the one by which the store knows a resource: path below the document.
pub fn unique(rt: &ResourceType) -> impl Iterator<Item = (&str, &Attribute)> {
    rt.extensions.iter().flat_map(|e| e.schema.attributes.iter().map(move |a| (e.schema.id.as_str(), a))).filter(
        |(_, a)| {
            a.uniqueness != crate::scim::schema::Uniqueness::None && a.kind == crate::scim::schema::AttrType::String
        },
    )
}
