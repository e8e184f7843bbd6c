//! Legal variants in what the server declares about itself, and in keeping to it.
//!
//! Must not know the rules.

use super::Variant;
use crate::scim::filter::{self, Filter};
use crate::scim::urn;
use crate::scim::value::get_ci;
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind, Target};
use crate::server::faults::tools::{
    body_value, current, cut, each, each_group, each_user, filter_text, path, value, walk,
};
use crate::server::inventory::BADGE;
use crate::server::reply::Reply;
use crate::server::state::State;
use serde_json::{Map, Value};

/// The attributes of a user that the server of `few-attributes` knows.
const FEW: [&str; 10] =
    ["userName", "name", "displayName", "emails", "active", "password", "groups", "id", "externalId", "schemas"];

pub(super) const VARIANTS: &[Variant] = &[
    Variant {
        id: "endpoint-without-slash",
        title: "/ResourceTypes names endpoints without a slash",
        spec: "RFC 7643 §6: endpoint, e.g. \"Users\"",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, _| {
            if matches!(call.target, Target::ResourceTypes(_)) {
                for entry in documents(reply) {
                    let bare =
                        entry.get("endpoint").and_then(Value::as_str).map(|e| e.trim_start_matches('/').to_owned());
                    bare.into_iter().for_each(|e| drop(entry.insert("endpoint".into(), e.into())));
                }
            }
        })],
    },
    Variant {
        id: "schemas-as-printed",
        title: "Schema documents are those that the RFC prints: no `schemas` in them",
        spec: "RFC 7643 §8.7.1",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, _| {
            if matches!(call.target, Target::Schemas(_)) && reply.ok() {
                documents(reply).into_iter().for_each(|d| drop(d.shift_remove("schemas")));
            }
        })],
    },
    Variant {
        id: "users-only",
        title: "There are users and no groups",
        spec: "RFC 7643 §4.2, §6: resource types are the service provider's choice",
        breaks: &[],
        hooks: &[
            Hook::Before(|call, _| {
                let group = call.kind() == Some(Kind::Group)
                    || matches!(&call.target, Target::ResourceTypes(Some(n)) if n == "Group")
                    || matches!(&call.target, Target::Schemas(Some(n)) if n.eq_ignore_ascii_case(urn::GROUP));
                group.then(|| Reply::error(404, None, "No such endpoint."))
            }),
            Hook::After(|call, reply, _| without_document(call, reply, urn::GROUP)),
        ],
    },
    Variant {
        id: "no-enterprise-extension",
        title: "The enterprise extension is neither declared nor kept",
        spec: "RFC 7643 §3.3, §4.3: extensions are the service provider's choice; RFC 7644 §3.3: what is not known may be ignored",
        breaks: &[],
        hooks: &[
            Hook::Store(|_, _, after| cut(after, urn::ENTERPRISE)),
            Hook::Before(|call, _| refuse_filter(call, |name| name.contains("enterprise") || name == "manager")),
            Hook::After(|call, reply, _| {
                without_document(call, reply, urn::ENTERPRISE);
                each_user(call, reply, |user| {
                    user.shift_remove(urn::ENTERPRISE);
                    name_schema(user, urn::ENTERPRISE, false);
                });
            }),
        ],
    },
    Variant {
        id: "few-attributes",
        title: "Users have a handful of attributes; the schema says so. Others are ignored in POST and PUT and refused in PATCH",
        spec: "RFC 7644 §3.12 table 9 (invalidPath): an attribute that is not defined",
        breaks: &[],
        hooks: &[
            Hook::Operations(|operations, call, _| few_patched(operations, call)),
            Hook::Store(|call, _, after| {
                if call.kind() == Some(Kind::User) {
                    few(after);
                }
            }),
            Hook::Before(|call, _| {
                if call.kind() == Some(Kind::User) { refuse_filter(call, |name| !is_few(name)) } else { None }
            }),
            Hook::After(few_declared),
        ],
    },
    Variant {
        id: "unique-emails-declared",
        title: "E-mail addresses are unique, and the schema says so",
        spec: "RFC 7643 §7 (uniqueness): server",
        breaks: &[],
        hooks: &[
            Hook::Before(|call, state| {
                let address = |v: &Value| v.get("emails")?.get(0)?.get("value")?.as_str().map(str::to_lowercase);
                let wanted = call.json().filter(|_| call.is("POST", Kind::User)).and_then(address)?;
                let twin = state.of(call).iter(Kind::User).any(|r| address(&r.document()) == Some(wanted.clone()));
                twin.then(|| Reply::error(409, Some("uniqueness"), "This e-mail address is taken."))
            }),
            Hook::After(|call, reply, _| {
                declare(call, reply, urn::USER, |attribute| {
                    if attribute["name"] == "emails"
                        && let Some(subs) = attribute["subAttributes"].as_array_mut()
                    {
                        subs.iter_mut()
                            .filter(|s| s["name"] == "value")
                            .for_each(|s| s["uniqueness"] = "server".into());
                    }
                });
            }),
        ],
    },
    Variant {
        id: "name-required-declared",
        title: "A user needs a family name, and the schema says so",
        spec: "RFC 7643 §7 (required)",
        breaks: &[],
        hooks: &[
            Hook::Before(|call, _| {
                let writes = call.is("POST", Kind::User) || call.is("PUT", Kind::User);
                let named = body_value(call, "name").and_then(|n| n.get("familyName")).is_some();
                (writes && call.json().is_some() && !named)
                    .then(|| Reply::error(400, Some("invalidValue"), "name.familyName is required."))
            }),
            Hook::Operations(|operations, call, _| {
                let empty = |o: &Value| match (path(o).to_ascii_lowercase().as_str(), value(o)) {
                    ("name" | "name.familyname", sent) => sent.is_none_or(Value::is_null),
                    ("", Some(Value::Object(sent))) => get_ci(sent, "name").is_some_and(Value::is_null),
                    _ => false,
                };
                (call.kind() == Some(Kind::User) && operations.iter().any(empty))
                    .then(|| Reply::error(400, Some("mutability"), "name.familyName is required."))
            }),
            Hook::After(|call, reply, _| {
                declare(call, reply, urn::USER, |attribute| {
                    if attribute["name"] == "name" {
                        attribute["required"] = true.into();
                        for sub in attribute["subAttributes"].as_array_mut().into_iter().flatten() {
                            if sub["name"] == "familyName" {
                                sub["required"] = true.into();
                            }
                        }
                    }
                });
            }),
        ],
    },
    Variant {
        id: "username-immutable-declared",
        title: "userName cannot be changed, and the schema says so",
        spec: "RFC 7643 §7 (mutability): immutable",
        breaks: &[],
        hooks: &[
            Hook::Before(|call, state| {
                let sent = body_value(call, "userName").and_then(Value::as_str)?;
                let held = current(call, state)?;
                let other = call.is("PUT", Kind::User) && held["userName"] != sent;
                other.then(|| Reply::error(400, Some("mutability"), "userName is immutable."))
            }),
            Hook::Operations(|operations, call, state| {
                if call.kind() != Some(Kind::User) {
                    return None;
                }
                let held = current(call, state)?;
                let held = held["userName"].as_str()?.to_owned();
                let changes = operations.iter().any(|o| {
                    let sent = match path(o).to_ascii_lowercase().as_str() {
                        "username" | "urn:ietf:params:scim:schemas:core:2.0:user:username" => value(o),
                        "" => value(o).and_then(Value::as_object).and_then(|v| get_ci(v, "userName")),
                        _ => None,
                    };
                    sent.is_some_and(|s| s.as_str() != Some(&held))
                });
                changes.then(|| Reply::error(400, Some("mutability"), "userName is immutable."))
            }),
            Hook::After(|call, reply, _| {
                declare(call, reply, urn::USER, |attribute| {
                    if attribute["name"] == "userName" {
                        attribute["mutability"] = "immutable".into();
                    }
                });
            }),
        ],
    },
    Variant {
        id: "members-on-request-declared",
        title: "Groups come without members unless they are asked for, and the schema says so",
        spec: "RFC 7643 §7 (returned): request",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, _| {
            let asked = call.param("attributes").map_or_else(
                || body_value(call, "attributes").map(Value::to_string).unwrap_or_default(),
                str::to_owned,
            );
            let reads = call.method == "GET" || matches!(call.target, Target::Search(_));
            if reads && !asked.to_ascii_lowercase().contains("members") {
                each_group(call, reply, |group| drop(group.shift_remove("members")));
            }
            declare(call, reply, urn::GROUP, |attribute| {
                if attribute["name"] == "members" {
                    attribute["returned"] = "request".into();
                }
            });
        })],
    },
    Variant {
        id: "schemas-names-every-extension",
        title: "`schemas` of a user names the extension also when it has no attribute",
        spec: "RFC 7643 §3: the schemas that define the attributes of the resource",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| name_schema(user, urn::ENTERPRISE, true));
        })],
    },
    Variant {
        id: "meta-without-times",
        title: "meta has no times",
        spec: "RFC 7643 §3.1: meta and its sub-attributes are optional",
        breaks: &[],
        hooks: &[
            Hook::Before(|call, _| refuse_filter(call, |name| name.starts_with("meta."))),
            Hook::After(|call, reply, _| {
                each(call, reply, |resource| {
                    if let Some(meta) = resource.get_mut("meta").and_then(Value::as_object_mut) {
                        meta.shift_remove("created");
                        meta.shift_remove("lastModified");
                    }
                });
            }),
        ],
    },
];

/// The documents of a discovery answer.
pub(super) fn documents(reply: &mut Reply) -> Vec<&mut Map<String, Value>> {
    let Some(body) = reply.body_mut() else { return Vec::new() };
    if body.contains_key("Resources") {
        let list = body.get_mut("Resources").and_then(Value::as_array_mut);
        return list.into_iter().flatten().filter_map(Value::as_object_mut).collect();
    }
    vec![body]
}

/// Changes the attributes of one schema wherever it is shown.
pub(super) fn declare(call: &Call, reply: &mut Reply, schema: &str, change: impl Fn(&mut Value)) {
    if !matches!(call.target, Target::Schemas(_)) {
        return;
    }
    for document in documents(reply).into_iter().filter(|d| d.get("id").is_some_and(|id| id == schema)) {
        document.get_mut("attributes").and_then(Value::as_array_mut).into_iter().flatten().for_each(&change);
    }
}

/// Takes a schema, and what is built on it, out of discovery.
pub(super) fn without_document(call: &Call, reply: &mut Reply, schema: &str) {
    if !call.target.is_discovery() {
        return;
    }
    if matches!(&call.target, Target::Schemas(Some(id)) if id.eq_ignore_ascii_case(schema)) {
        *reply = Reply::error(404, None, "No such schema.");
        return;
    }
    for entry in documents(reply) {
        if let Some(list) = entry.get_mut("schemaExtensions").and_then(Value::as_array_mut) {
            list.retain(|e| e["schema"] != schema);
        }
    }
    let Some(body) = reply.body_mut() else { return };
    let Some(list) = body.get_mut("Resources").and_then(Value::as_array_mut) else { return };
    list.retain(|d| d["id"] != schema && d["schema"] != schema);
    let size = list.len();
    body.insert("totalResults".into(), size.into());
    body.insert("itemsPerPage".into(), size.into());
}

/// Sees to it that `schemas` names an extension, or does not.
fn name_schema(user: &mut Map<String, Value>, urn: &str, named: bool) {
    let Some(all) = user.get_mut("schemas").and_then(Value::as_array_mut) else { return };
    all.retain(|s| s != urn);
    all.extend(named.then(|| urn.into()));
}

/// True for an attribute (a path or key, its URN before it or not) that the small server knows.
pub(super) fn is_few(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let own = lower.strip_prefix(&format!("{}:", urn::USER.to_ascii_lowercase())).unwrap_or(&lower);
    let head = own.split(['.', '[']).next().unwrap_or(own);
    !own.contains("urn:") && (head == "meta" || FEW.iter().any(|f| f.eq_ignore_ascii_case(head)))
}

pub(super) fn few(document: &mut Value) {
    if let Some(map) = document.as_object_mut() {
        map.retain(|name, _| name == "meta" || FEW.contains(&name.as_str()));
    }
}

/// 400 for a PATCH of an attribute that this server does not know.
pub(super) fn few_patched(operations: &[Value], call: &Call) -> Option<Reply> {
    let odd = operations.iter().any(|operation| match path(operation).as_str() {
        "" => value(operation).and_then(Value::as_object).is_some_and(|v| v.keys().any(|k| !is_few(k))),
        path => !is_few(path),
    });
    let refused = call.kind() == Some(Kind::User) && odd;
    refused.then(|| Reply::error(400, Some("invalidPath"), "There is no such attribute."))
}

pub(super) fn few_declared(call: &Call, reply: &mut Reply, _: &mut State) {
    without_document(call, reply, urn::ENTERPRISE);
    without_document(call, reply, BADGE);
    if matches!(call.target, Target::Schemas(_)) {
        for document in documents(reply).into_iter().filter(|d| d.get("id").is_some_and(|id| id == urn::USER)) {
            if let Some(list) = document.get_mut("attributes").and_then(Value::as_array_mut) {
                list.retain(|a| a["name"].as_str().is_some_and(|n| FEW.contains(&n)));
            }
        }
    }
    each_user(call, reply, |user| name_schema(user, urn::ENTERPRISE, false));
}

/// 400 for a filter that names an attribute which this server does not know.
pub(super) fn refuse_filter(call: &Call, foreign: fn(&str) -> bool) -> Option<Reply> {
    let filter = filter::parse(&filter_text(call)).ok()?;
    let refusal = || Reply::error(400, Some("invalidFilter"), "The filter names an attribute that is not known.");
    names(&filter).iter().any(|n| foreign(&n.to_ascii_lowercase())).then(refusal)
}

/// Every attribute that a filter names.
pub(super) fn names(filter: &Filter) -> Vec<String> {
    let mut filter = filter.clone();
    let mut out = Vec::new();
    walk(&mut filter, &mut |node| {
        if let Filter::Attr { path, .. } | Filter::ValuePath { path, .. } = node {
            out.push(path.to_string());
        }
    });
    out
}
