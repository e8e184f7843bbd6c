//! What the server says about itself: ServiceProviderConfig, ResourceTypes, Schemas (RFC 7644 §4).
//!
//! Must not know resources.

use super::behaviour::{Behaviour, Plan};
use super::call::{Call, Kind};
use super::inventory;
use super::reply::{Failure, Reply};
use super::service::Answer;
use crate::scim::{schema, urn};
use serde_json::{Value, json};

/// `/ServiceProviderConfig` (RFC 7643 §5).
pub fn config(call: &Call, behaviour: &Behaviour) -> Reply {
    let mut body = json!({
        "schemas": [urn::SPC],
        "patch": { "supported": behaviour.patch },
        "bulk": {
            "supported": behaviour.bulk,
            "maxOperations": behaviour.bulk_operations,
            "maxPayloadSize": behaviour.bulk_payload,
        },
        "filter": { "supported": behaviour.filter, "maxResults": behaviour.max_results },
        "changePassword": { "supported": behaviour.password },
        "sort": { "supported": behaviour.sort },
        "etag": { "supported": behaviour.etag },
        "pagination": {
            "cursor": behaviour.cursor,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": behaviour.page_size,
            "maxPageSize": behaviour.max_results,
        },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "OAuth Bearer Token",
            "description": "The token goes into the Authorization header.",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true,
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{}/ServiceProviderConfig", call.base),
        },
    });
    if !behaviour.cursor
        && let Some(map) = body.as_object_mut()
    {
        map.shift_remove("pagination");
    }
    Reply::json(200, body)
}

/// `/ResourceTypes` and one of them (RFC 7643 §6).
pub fn resource_types(call: &Call, name: Option<&str>, plan: &Plan) -> Answer {
    let kinds: &[Kind] = if plan.behaviour.inventory { &Kind::ALL } else { &Kind::CORE };
    let all = kinds.iter().map(|kind| resource_type(call, *kind, &plan.behaviour)).collect();
    pick(call, all, name)
}

fn resource_type(call: &Call, kind: Kind, behaviour: &Behaviour) -> Value {
    let (schema, description) = match kind {
        Kind::User => (urn::USER, "User account"),
        Kind::Group => (urn::GROUP, "Group of users and groups"),
        Kind::Device => (inventory::DEVICE, "Device of the inventory"),
    };
    let mut body = json!({
        "schemas": [urn::RESOURCE_TYPE],
        "id": kind.name(),
        "name": kind.name(),
        "endpoint": format!("/{}", kind.endpoint()),
        "description": description,
        "schema": schema,
        "meta": {
            "resourceType": "ResourceType",
            "location": format!("{}/ResourceTypes/{}", call.base, kind.name()),
        },
    });
    let mut extensions = Vec::new();
    match kind {
        Kind::User => {
            extensions.push(json!({ "schema": urn::ENTERPRISE, "required": false }));
            if behaviour.inventory {
                extensions.push(json!({ "schema": inventory::BADGE, "required": false }));
            }
        }
        Kind::Group => {}
        Kind::Device => extensions.push(json!({ "schema": inventory::WARRANTY, "required": true })),
    }
    if !extensions.is_empty() {
        body["schemaExtensions"] = extensions.into();
    }
    body
}

/// `/Schemas` and one of them (RFC 7643 §7).
pub fn schemas(call: &Call, id: Option<&str>, plan: &Plan) -> Answer {
    let all = [urn::USER, urn::GROUP, urn::ENTERPRISE]
        .into_iter()
        .filter_map(schema::builtin_document)
        .chain(plan.behaviour.inventory.then(inventory::documents).into_iter().flatten())
        .map(|document| schema_resource(call, document, &plan.behaviour))
        .collect();
    pick(call, all, id)
}

fn schema_resource(call: &Call, mut document: Value, behaviour: &Behaviour) -> Value {
    let id = document["id"].as_str().unwrap_or_default().to_owned();
    if let Some(map) = document.as_object_mut() {
        map.entry("schemas").or_insert_with(|| json!([urn::SCHEMA]));
    }
    if !behaviour.user_groups {
        without_attribute(&mut document, "groups");
    }
    if !behaviour.password {
        without_attribute(&mut document, "password");
    }
    document["meta"] = json!({
        "resourceType": "Schema",
        "location": format!("{}/Schemas/{id}", call.base),
    });
    document
}

fn without_attribute(document: &mut Value, name: &str) {
    if let Some(attributes) = document.get_mut("attributes").and_then(Value::as_array_mut) {
        attributes.retain(|a| a["name"] != name);
    }
}

/// One by id, or all. A filter is refused so that nobody takes the whole list for the answer (RFC 7644 §4).
fn pick(call: &Call, all: Vec<Value>, id: Option<&str>) -> Answer {
    if let Some(id) = id {
        let hit = all.into_iter().find(|d| d["id"].as_str().is_some_and(|d| d.eq_ignore_ascii_case(id)));
        return hit.map(|d| Reply::json(200, d)).ok_or_else(|| Failure::not_found(id));
    }
    if call.param("filter").is_some() {
        return Err(Failure::plain(403, "This endpoint can not be filtered."));
    }
    Ok(Reply::json(
        200,
        json!({
            "schemas": [urn::LIST],
            "totalResults": all.len(),
            "startIndex": 1,
            "itemsPerPage": all.len(),
            "Resources": all,
        }),
    ))
}
