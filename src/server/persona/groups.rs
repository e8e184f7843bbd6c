//! Traits of groups: who may make one, and what becomes of it.
//!
//! Must not know which product has them.

use super::Trait;
use crate::scim::urn;
use crate::scim::value::get_ci;
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind, Target};
use crate::server::faults::tools::{body_text, conflict, current, cut, on_item, sent_members};
use crate::server::reply::Reply;
use crate::server::state::State;
use crate::server::store::Tenant;
use serde_json::{Value, json};

/// What [`adopt`] tells [`adopted`].
const ADOPTED: &str = "adopted";

pub(super) const TRAITS: &[Trait] = &[
    Trait {
        id: "groups-adopted",
        title: "A new group whose name exists becomes the one that exists; its members stay",
        hooks: &[Hook::Before(adopt), Hook::After(adopted)],
        seed: None,
    },
    Trait {
        id: "groups-pre-exist",
        title: "Groups are made in the product; others are refused with 400",
        hooks: &[Hook::Before(|call, state| {
            let name = body_text(call, "displayName").filter(|_| call.is("POST", Kind::Group))?;
            if !state.of(call).named(Kind::Group, &name).is_empty() {
                return Some(conflict());
            }
            Some(Reply::error(
                400,
                Some("invalidValue"),
                format!("There is no group \"{name}\"; groups are made in the product."),
            ))
        })],
        seed: Some(|tenant: &mut Tenant| {
            for (id, name) in [("group-engineering", "Engineering"), ("group-finance", "Finance")] {
                let group = json!({ "schemas": [urn::GROUP], "displayName": name });
                tenant.insert(Kind::Group, id.to_owned(), &group);
            }
        }),
    },
    Trait {
        id: "group-delete-empties",
        title: "A deleted group stays and loses its members",
        hooks: &[Hook::Delete(|call, state| {
            let mut group = current(call, state).filter(|_| on_item(call, "DELETE", Kind::Group))?;
            cut(&mut group, "members");
            let id = call.id()?.to_owned();
            state.of_mut(call).update(Kind::Group, &id, &group);
            Some(Reply::empty(204))
        })],
        seed: None,
    },
    Trait {
        id: "unknown-members-skipped",
        title: "Members that no account fits are left out without a word",
        hooks: &[Hook::Before(|call, state| {
            if call.kind() == Some(Kind::Group) && matches!(call.method.as_str(), "POST" | "PUT" | "PATCH") {
                let mut body = call.json()?.clone();
                skip_unknown(&mut body, &|id| state.of(call).find(id).is_some());
                *call.json_mut()? = body;
            }
            None
        })],
        seed: None,
    },
    Trait {
        id: "groups-refused",
        title: "Groups can be read and searched, and not written: 400",
        hooks: &[Hook::Before(|call, state| {
            // What is wrong in itself, a broken body or an id that nobody has, is the handler's to refuse.
            let creates = call.method == "POST" && call.target == Target::Collection(Kind::Group);
            let writes = match call.method.as_str() {
                "DELETE" => current(call, state).is_some(),
                "PUT" | "PATCH" => call.json().is_some() && current(call, state).is_some(),
                _ => creates && call.json().is_some(),
            };
            (writes && call.kind() == Some(Kind::Group)).then(|| {
                Reply::error(
                    400,
                    Some("invalidValue"),
                    "Groups are not provisioned; an administrator puts users into groups.",
                )
            })
        })],
        seed: None,
    },
];

/// Adds the members, and answers the create as a read of the group that is there: with its version, dates and own externalId.
fn adopt(call: &mut Call, state: &mut State) -> Option<Reply> {
    let name = body_text(call, "displayName").filter(|_| call.is("POST", Kind::Group))?;
    let members = sent_members(call);
    let tenant = state.of_mut(call);
    let (id, mut group) = tenant.named(Kind::Group, &name).first().map(|r| (r.id.clone(), r.document()))?;
    let mut all: Vec<Value> = group["members"].as_array().cloned().unwrap_or_default();
    for member in members {
        let known = member["value"].as_str().is_some_and(|id| tenant.find(id).is_some());
        if known && !all.iter().any(|m| m["value"] == member["value"]) {
            all.push(json!({ "value": member["value"], "type": "User" }));
        }
    }
    if !all.is_empty() {
        group["members"] = all.into();
    }
    tenant.update(Kind::Group, &id, &group);
    call.memo = Some(ADOPTED.into());
    call.method = "GET".to_owned();
    call.target = Target::Item(Kind::Group, id);
    None
}

fn adopted(call: &Call, reply: &mut Reply, _: &mut State) {
    if let Some(id) = call.id().filter(|_| call.memo == Some(ADOPTED.into())) {
        reply.set("Location", crate::server::location(&call.base, Kind::Group, id));
    }
}

/// Takes entries with a `value` that nobody has out of lists of members, wherever in a body or PATCH they stand.
fn skip_unknown(body: &mut Value, known: &dyn Fn(&str) -> bool) {
    match body {
        Value::Array(items) => {
            items.retain(|item| {
                let entry = item.as_object().filter(|o| get_ci(o, "op").is_none());
                entry.and_then(|o| get_ci(o, "value")).and_then(Value::as_str).is_none_or(known)
            });
            items.iter_mut().for_each(|i| skip_unknown(i, known));
        }
        Value::Object(map) => map.values_mut().for_each(|v| skip_unknown(v, known)),
        _ => {}
    }
}
