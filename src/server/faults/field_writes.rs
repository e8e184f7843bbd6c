//! Faults found in the field, in reports that nobody had read for this server yet: PATCH.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::mined_writes::{by_type, in_pathless, unreadable};
use super::tools::{
    bad, current, cut, each, on_item, op, path, remember, remembers, sent_operations, set, touches, value,
};
use crate::scim::urn;
use crate::scim::value::remove_ci;
use crate::server::behaviour::Hook;
use crate::server::call::Kind;
use crate::server::inventory::{BADGE, WARRANTY};
use crate::server::reply::Reply;
use crate::server::state::State;
use serde_json::{Map, Value};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "patch-first-replace-wins",
        title: "Of two replace operations on one attribute the first one wins",
        area: "patch",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/644"],
        wrong: "the first value",
        right: "the second value",
        hooks: &[Hook::Operations(|operations, _, _| {
            let mut seen: Vec<String> = Vec::new();
            operations.retain(|o| {
                let path = path(o);
                let again = op(o) == "replace" && !path.is_empty() && seen.contains(&path);
                seen.push(path);
                !again
            });
            None
        })],
    },
    Fault {
        id: "patch-other-kind-500",
        title: "A value path crashes when the attribute has elements of other types alone",
        area: "patch",
        source: &["https://github.com/AzureAD/SCIMReferenceCode/pull/48"],
        wrong: "500",
        right: "200, or 400 noTarget",
        hooks: &[Hook::Operations(|operations, call, state| {
            let held = current(call, state)?;
            let other = |o: &Value| {
                let path = path(o);
                let Some((attribute, kind, _)) = by_type(&path) else { return false };
                let elements = held[attribute].as_array();
                elements.is_some_and(|all| !all.is_empty() && !all.iter().any(|e| e["type"] == kind))
            };
            operations.iter().any(other).then(Reply::crash)
        })],
    },
    Fault {
        id: "patch-extension-absent-500",
        title: "A path into an extension that the user does not have yet crashes",
        area: "patch",
        source: &["https://github.com/apache/directory-scimple/issues/946"],
        wrong: "500",
        right: "200",
        hooks: &[Hook::Operations(|operations, call, state| {
            let held = current(call, state)?;
            let into = |o: &Value| path(o).starts_with(urn::ENTERPRISE);
            (held.get(urn::ENTERPRISE).is_none() && operations.iter().any(into)).then(Reply::crash)
        })],
    },
    Fault {
        id: "patch-extension-attribute-replace-400",
        title: "replace of an extension's attribute is refused, because it is removed before it is added",
        area: "patch",
        source: &["https://github.com/scimmyjs/scimmy/issues/77"],
        wrong: "400 invalidPath",
        right: "200",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations
                .iter()
                .any(|o| op(o) == "replace" && path(o).starts_with(urn::ENTERPRISE))
                .then(|| unreadable("Invalid attribute path in supplied value for 'replace' op."))
        })],
    },
    Fault {
        id: "patch-known-password-500",
        title: "PATCH with the password that the user has crashes",
        area: "patch",
        source: &["https://github.com/wso2/product-is/issues/8299"],
        wrong: "500",
        right: "200, or 400 invalidValue",
        hooks: &[Hook::Operations(|operations, call, state| {
            let held = current(call, state)?;
            let again = |o: &Value| {
                let inside = value(o).and_then(|v| v.get("password")).or_else(|| value(o));
                touches(o, "password") && inside.is_some_and(|v| v.is_string() && *v == held["password"])
            };
            operations.iter().any(again).then(Reply::crash)
        })],
    },
    Fault {
        id: "patch-without-value-500",
        title: "add or replace without a value crashes",
        area: "patch",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/420"],
        wrong: "500",
        right: "400 invalidValue",
        hooks: &[Hook::Before(|call, _| {
            let bare = |o: &Value| matches!(op(o).as_str(), "add" | "replace") && value(o).is_none();
            (call.method == "PATCH" && sent_operations(call).iter().any(bare)).then(Reply::crash)
        })],
    },
    Fault {
        id: "patch-remove-without-value-500",
        title: "remove without a value crashes",
        area: "patch",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/421"],
        wrong: "500",
        right: "200",
        hooks: &[Hook::Before(|call, _| {
            let bare = |o: &Value| op(o) == "remove" && value(o).is_none();
            (call.method == "PATCH" && sent_operations(call).iter().any(bare)).then(Reply::crash)
        })],
    },
    Fault {
        id: "patch-lower-operations-500",
        title: "A PATCH that spells operations in lower case crashes",
        area: "patch",
        source: &["https://github.com/wso2/product-is/issues/19409"],
        wrong: "500",
        right: "200, or 400 invalidSyntax",
        hooks: &[Hook::Before(|call, _| {
            let body = call.json()?.as_object()?;
            (call.method == "PATCH" && body.contains_key("operations")).then(Reply::crash)
        })],
    },
    Fault {
        id: "patch-whole-extension-500",
        title: "A path that is the URN of an extension crashes",
        area: "patch",
        source: &["https://github.com/apache/directory-scimple/pull/694"],
        wrong: "500",
        right: "200, or 400 invalidPath",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations.iter().any(|o| path(o) == urn::ENTERPRISE).then(Reply::crash)
        })],
    },
    Fault {
        id: "patch-extension-complex-500",
        title: "A path to a complex attribute of an extension crashes",
        area: "patch",
        source: &["https://github.com/pond/scimitar/pull/160"],
        wrong: "500",
        right: "200",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations
                .iter()
                .any(|o| path(o).starts_with(urn::ENTERPRISE) && value(o).is_some_and(Value::is_object))
                .then(Reply::crash)
        })],
    },
    Fault {
        id: "patch-pathless-add-replaces-list",
        title: "add without a path replaces a list, with a path it adds to it",
        area: "patch",
        source: &["https://github.com/thomaspoignant/scim-patch/issues/220"],
        wrong: "the new element alone",
        right: "the old elements and the new one",
        hooks: &[Hook::Operations(|operations, _, _| {
            for operation in operations.iter_mut().filter(|o| op(o) == "add" && path(o).is_empty()) {
                let lists = value(operation).and_then(Value::as_object);
                if lists.is_some_and(|map| map.values().any(Value::is_array)) {
                    set(operation, "op", "replace");
                }
            }
            None
        })],
    },
    Fault {
        id: "patch-add-known-role-400",
        title: "add of a role that the user has is refused",
        area: "patch",
        source: &["https://github.com/lightdash/lightdash/issues/23037"],
        wrong: "400 invalidValue",
        right: "200",
        hooks: &[Hook::Operations(|operations, call, state| {
            let held = current(call, state)?;
            let roles = held["roles"].as_array()?;
            let known = |o: &Value| {
                let given = value(o).and_then(Value::as_array).into_iter().flatten();
                op(o) == "add"
                    && path(o) == "roles"
                    && given.into_iter().any(|r| roles.iter().any(|h| h["value"] == r["value"]))
            };
            operations.iter().any(known).then(|| bad("Roles array must contain exactly one role, found 2."))
        })],
    },
    Fault {
        id: "patch-active-path-500",
        title: "replace of active by its path crashes",
        area: "deactivate",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/595"],
        wrong: "500",
        right: "200",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations.iter().any(|o| path(o) == "active").then(Reply::crash)
        })],
    },
    Fault {
        id: "patch-sub-attribute-at-root",
        title: "add of a missing sub-attribute of an element puts it beside the list",
        area: "patch",
        source: &[
            "https://github.com/simpleidserver/SimpleIdServer/issues/67",
            "https://github.com/simpleidserver/SimpleIdServer/issues/376",
        ],
        wrong: "{\"roles\": […], \"display\": \"Member\"}",
        right: "{\"roles\": [{…, \"display\": \"Member\"}]}",
        hooks: &[Hook::Store(|call, stored, document| {
            if !on_item(call, "PATCH", Kind::User) {
                return;
            }
            for operation in sent_operations(call).iter().filter(|o| op(o) == "add") {
                let path = path(operation);
                let Some((list, rest)) = path.split_once('[') else { continue };
                let Some((_, sub)) = rest.rsplit_once("].") else { continue };
                let old = stored.and_then(|s| s.get(list)).cloned();
                let has = old.as_ref().and_then(Value::as_array).into_iter().flatten().any(|e| e.get(sub).is_some());
                if let (Some(old), false, Some(new)) = (old, has, value(operation)) {
                    document[list] = old;
                    document[sub] = new.clone();
                }
            }
        })],
    },
    Fault {
        id: "patch-nickname-pathless-500",
        title: "add of nickName without a path crashes",
        area: "patch",
        source: &["https://github.com/wso2/product-is/issues/5120", "https://github.com/wso2/product-is/issues/6308"],
        wrong: "500",
        right: "200",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations.iter().any(|o| path(o).is_empty() && touches(o, "nickName")).then(Reply::crash)
        })],
    },
    Fault {
        id: "patch-extension-class-name",
        title: "An extension's attributes in a value without a path are stored as the name of a class",
        area: "patch",
        source: &["https://github.com/wso2/product-is/issues/3826"],
        wrong: "SimpleAttribute@3fcc28bd",
        right: "the value that was sent",
        hooks: &[Hook::Operations(|operations, _, _| {
            for operation in operations.iter_mut() {
                in_pathless(operation, |map| {
                    if let Some(extension) = map.get_mut(urn::ENTERPRISE).and_then(Value::as_object_mut) {
                        for text in extension.values_mut().filter(|v| v.is_string()) {
                            *text = "org.wso2.charon3.core.attributes.SimpleAttribute@3fcc28bd".into();
                        }
                    }
                });
            }
            None
        })],
    },
    Fault {
        id: "patch-needs-user-name",
        title: "A PATCH that does not name userName is refused",
        area: "patch",
        source: &[
            "https://github.com/Metatavu/keycloak-scim-server/issues/123",
            "https://github.com/wso2/product-is/issues/5645",
        ],
        wrong: "400 invalidValue",
        right: "200",
        hooks: &[Hook::Operations(|operations, call, _| {
            (on_item(call, "PATCH", Kind::User) && !operations.iter().any(|o| touches(o, "userName")))
                .then(|| bad("userName: missingUsernameMessage"))
        })],
    },
    Fault {
        id: "patch-external-id-conflict-500",
        title: "PATCH to the externalId of another user crashes",
        area: "patch",
        source: &["https://github.com/snapotter-hq/SnapOtter/issues/1006"],
        wrong: "500",
        right: "409 uniqueness, or 200",
        hooks: &[Hook::Operations(|operations, call, state| {
            let id = call.id()?;
            let taken = |o: &Value| {
                let inside = value(o).and_then(|v| v.get("externalId")).or_else(|| value(o));
                let text = inside.and_then(Value::as_str).filter(|_| touches(o, "externalId"));
                text.is_some_and(|t| state.of(call).with_external_id(Kind::User, t).iter().any(|r| r.id != id))
            };
            (on_item(call, "PATCH", Kind::User) && operations.iter().any(taken)).then(Reply::crash)
        })],
    },
    Fault {
        id: "patch-external-id-answer-stale",
        title: "The answer to a PATCH of externalId alone shows the old one",
        area: "patch",
        source: &["https://github.com/open-webui/open-webui/issues/30074"],
        wrong: "200, the old externalId",
        right: "the new externalId",
        hooks: &[
            Hook::Before(|call, state| {
                if on_item(call, "PATCH", Kind::User) {
                    let alone = sent_operations(call).iter().all(|o| path(o) == "externalId");
                    call.memo = current(call, state).filter(|_| alone).map(|d| d["externalId"].clone());
                }
                None
            }),
            Hook::After(|call, reply, _| {
                if let (Some(old), true) = (&call.memo, call.method == "PATCH" && reply.ok())
                    && let Some(body) = reply.body_mut()
                {
                    match old {
                        Value::Null => drop(body.shift_remove("externalId")),
                        old => drop(body.insert("externalId".into(), old.clone())),
                    }
                }
            }),
        ],
    },
    Fault {
        id: "patch-sub-attribute-path-400",
        title: "A path to a sub-attribute is refused",
        area: "patch",
        source: &["https://github.com/elimity-com/scim/pull/101"],
        wrong: "name.givenName: 400 invalidValue",
        right: "200",
        hooks: &[Hook::Operations(|operations, _, _| {
            let plain = |o: &Value| path(o).contains('.') && !path(o).contains(['[', ':']);
            operations.iter().any(plain).then(|| bad("The value is no complex attribute."))
        })],
    },
    Fault {
        id: "patch-replace-without-path-400",
        title: "replace without a path is refused",
        area: "patch",
        source: &["https://github.com/elimity-com/scim/pull/73"],
        wrong: "400 noTarget",
        right: "200",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations
                .iter()
                .any(|o| op(o) == "replace" && path(o).is_empty())
                .then(|| Reply::error(400, Some("noTarget"), "A replace operation must have a path."))
        })],
    },
    Fault {
        id: "patch-urn-value-path-400",
        title: "A value path with the schema's URN before it is refused",
        area: "patch",
        source: &["https://github.com/SAP-archive/scimono/pull/202"],
        wrong: "400 invalidPath",
        right: "200",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations
                .iter()
                .any(|o| path(o).starts_with("urn:") && path(o).contains('['))
                .then(|| unreadable("The attribute does not exist."))
        })],
    },
    Fault {
        id: "patch-pathless-urn-key-ignored",
        title: "A key with an extension's URN in a value without a path is ignored",
        area: "patch",
        source: &["https://github.com/Captain-P-Goldfish/scim-for-keycloak/issues/26"],
        wrong: "200, nothing changed",
        right: "the attribute is set",
        hooks: &[Hook::Operations(|operations, _, _| {
            for operation in operations.iter_mut() {
                in_pathless(operation, |map| map.retain(|key, _| !deep(key)));
            }
            None
        })],
    },
    Fault {
        id: "patch-pathless-extension-ignored",
        title: "An extension in a value without a path is ignored",
        area: "patch",
        source: &["https://github.com/Captain-P-Goldfish/SCIM-SDK/issues/193"],
        wrong: "200, nothing changed",
        right: "the attributes are set",
        hooks: &[Hook::Operations(|operations, _, _| {
            for operation in operations.iter_mut() {
                in_pathless(operation, |map| drop(remove_ci(map, urn::ENTERPRISE)));
            }
            None
        })],
    },
    Fault {
        id: "patch-add-to-unset-name-ignored",
        title: "add of a part of a name is ignored when the user has no name",
        area: "patch",
        source: &["https://github.com/Captain-P-Goldfish/SCIM-SDK/issues/416"],
        wrong: "200, no name",
        right: "name.givenName is set",
        hooks: &[Hook::Operations(|operations, call, state| {
            let held = current(call, state)?;
            if held.get("name").is_none() {
                operations.retain(|o| op(o) != "add" || !path(o).starts_with("name."));
            }
            None
        })],
    },
    Fault {
        id: "patch-drops-extension",
        title: "A PATCH of a core attribute drops the user's extension",
        area: "patch",
        source: &["https://github.com/FusionAuth/fusionauth-issues/issues/3064"],
        wrong: "no extension",
        right: "the extension as it was",
        hooks: &[Hook::Store(|call, _, document| {
            let names = |o: &Value| {
                path(o).starts_with("urn:")
                    || value(o).and_then(Value::as_object).is_some_and(|m| m.keys().any(|k| k.starts_with("urn:")))
            };
            if on_item(call, "PATCH", Kind::User) && !sent_operations(call).iter().any(names) {
                cut(document, urn::ENTERPRISE);
                cut(document, BADGE);
            }
        })],
    },
    Fault {
        id: "patch-value-path-500",
        title: "Every value path crashes",
        area: "patch",
        source: &["https://github.com/limosa-io/laravel-scim-server/issues/119"],
        wrong: "500",
        right: "200",
        hooks: &[Hook::Operations(|operations, call, _| {
            (on_item(call, "PATCH", Kind::User) && operations.iter().any(|o| path(o).contains('['))).then(Reply::crash)
        })],
    },
    Fault {
        id: "custom-list-filter-remove-clears",
        title: "remove with a filter takes every value of a list of texts",
        area: "advertised",
        source: &["https://github.com/keycloak/keycloak/issues/51525"],
        wrong: "no value is left",
        right: "the other values are left, or 400",
        hooks: &[Hook::Operations(|operations, _, _| {
            for operation in operations.iter_mut().filter(|o| op(o) == "remove" && of_texts(&path(o))) {
                if let Some((list, _)) = path(operation).split_once('[') {
                    set(operation, "path", list);
                }
            }
            None
        })],
    },
    Fault {
        id: "custom-list-add-replaces",
        title: "add with a path replaces a list of texts",
        area: "advertised",
        source: &["https://github.com/wso2/product-is/issues/11678"],
        wrong: "the new values alone",
        right: "the old values and the new ones",
        hooks: &[Hook::Operations(|operations, _, _| {
            for operation in operations.iter_mut().filter(|o| op(o) == "add" && of_texts(&path(o))) {
                set(operation, "op", "replace");
            }
            None
        })],
    },
    Fault {
        id: "custom-list-patch-500",
        title: "PATCH of a list of texts crashes",
        area: "advertised",
        source: &["https://github.com/python-scim/scim2-server/issues/17"],
        wrong: "500",
        right: "200",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations.iter().any(|o| of_texts(&path(o)) && value(o).is_some_and(Value::is_array)).then(Reply::crash)
        })],
    },
    Fault {
        id: "custom-list-first-only",
        title: "Of a list of texts the first one alone is shown",
        area: "advertised",
        source: &[
            "https://github.com/keycloak/keycloak/issues/50856",
            "https://github.com/keycloak/keycloak/issues/52218",
        ],
        wrong: "one value",
        right: "every value",
        hooks: &[Hook::After(|call, reply, _| {
            each(call, reply, |r| {
                first_of(r, "tags");
                if let Some(badge) = r.get_mut(BADGE).and_then(Value::as_object_mut) {
                    first_of(badge, "doors");
                }
            });
        })],
    },
    Fault {
        id: "custom-required-removed",
        title: "PATCH removes an attribute that the schema requires",
        area: "advertised",
        source: &["https://github.com/keycloak/keycloak/issues/52208"],
        wrong: "200, the attribute is gone",
        right: "400 mutability or invalidValue",
        hooks: &[
            Hook::Operations(|operations, _, _| {
                operations.retain(|o| op(o) != "remove" || !required(&path(o)));
                None
            }),
            Hook::After(|call, reply, state| {
                let gone = |o: &Value| op(o) == "remove" && required(&path(o));
                let Some(id) = call.id().map(Value::from) else { return };
                if call.method == "PATCH" && reply.ok() && sent_operations(call).iter().any(gone) {
                    remember(call, state, "bare-devices", id.clone());
                }
                if remembers(call, state, "bare-devices", &id)
                    && reply.ok()
                    && let Some(body) = reply.body_mut()
                {
                    body.shift_remove("serial");
                    body.get_mut(WARRANTY).into_iter().for_each(|w| cut(w, "contract"));
                }
            }),
        ],
    },
    Fault {
        id: "patch-unknown-id-500",
        title: "PATCH of an unknown id crashes",
        area: "patch",
        source: &["https://github.com/Captain-P-Goldfish/SCIM-SDK/issues/666"],
        wrong: "500",
        right: "404",
        hooks: &[Hook::Before(|call, state| {
            (on_item(call, "PATCH", Kind::User) && current(call, state).is_none()).then(Reply::crash)
        })],
    },
    Fault {
        id: "added-email-becomes-primary",
        title: "An e-mail address that is added without primary becomes the primary one",
        area: "patch",
        source: &["https://github.com/simstudioai/sim/pull/7567"],
        wrong: "the new address is primary, the old one is not",
        right: "the old address stays primary",
        hooks: &[Hook::Operations(|operations, _, _| {
            for operation in operations.iter_mut().filter(|o| op(o) == "add" && path(o) == "emails") {
                let given = operation.get_mut("value").and_then(Value::as_array_mut).into_iter().flatten();
                for email in given.filter(|e| e.is_object() && e["primary"].is_null()).take(1) {
                    email["primary"] = true.into();
                }
            }
            None
        })],
    },
    Fault {
        id: "patch-pathless-extension-400",
        title: "An extension in a value without a path is refused",
        area: "patch",
        source: &["https://github.com/elimity-com/scim/issues/204"],
        wrong: "400 invalidValue",
        right: "200",
        hooks: &[Hook::Operations(|operations, _, _| {
            let holds = |o: &Value| path(o).is_empty() && value(o).is_some_and(|v| v.get(urn::ENTERPRISE).is_some());
            operations.iter().any(holds).then(|| bad("The attribute is not defined in the schema."))
        })],
    },
    Fault {
        id: "patch-extension-not-in-schemas",
        title: "schemas does not name an extension that came by PATCH",
        area: "patch",
        source: &["https://github.com/PowerDMS/Owin.Scim/issues/3"],
        wrong: "schemas names the core schema alone",
        right: "schemas names the extension",
        hooks: &[
            Hook::Before(|call, state| {
                if on_item(call, "PATCH", Kind::User)
                    && current(call, state).is_some_and(|d| d.get(urn::ENTERPRISE).is_none())
                    && let Some(id) = call.id().map(Value::from)
                {
                    remember(call, state, "late-extensions", id);
                }
                None
            }),
            Hook::After(|call, reply, state| {
                let state: &State = state;
                if call.kind() != Some(Kind::User) {
                    return;
                }
                for user in reply.resources() {
                    if user.get("id").is_some_and(|id| remembers(call, state, "late-extensions", id))
                        && let Some(schemas) = user.get_mut("schemas").and_then(Value::as_array_mut)
                    {
                        schemas.retain(|s| s != urn::ENTERPRISE);
                    }
                }
            }),
        ],
    },
    Fault {
        id: "patch-drops-roles",
        title: "A PATCH that does not name the roles clears them",
        area: "patch",
        source: &["https://github.com/pond/scimitar/issues/6", "https://github.com/Budibase/budibase/pull/18538"],
        wrong: "no roles",
        right: "the roles as they were",
        hooks: &[Hook::Store(|call, _, document| {
            if on_item(call, "PATCH", Kind::User) && !sent_operations(call).iter().any(|o| touches(o, "roles")) {
                cut(document, "roles");
            }
        })],
    },
    Fault {
        id: "patch-primary-filter-ignored",
        title: "A value path with primary eq true changes nothing",
        area: "patch",
        source: &["https://github.com/wireapp/wire-server/pull/5489"],
        wrong: "200, the old address",
        right: "the new address",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations.retain(|o| !path(o).to_ascii_lowercase().contains("[primary eq true"));
            None
        })],
    },
];

/// A key that has an attribute behind the URN of the enterprise extension.
fn deep(key: &str) -> bool {
    key.strip_prefix(urn::ENTERPRISE).is_some_and(|rest| rest.starts_with(':'))
}

/// The lists of texts among this server's own attributes.
fn of_texts(path: &str) -> bool {
    let name = path.rsplit_once("User:").map_or(path, |(_, name)| name);
    ["tags", "doors"].contains(&name.split('[').next().unwrap_or_default())
}

fn required(path: &str) -> bool {
    path == "serial" || path.ends_with(":contract")
}

fn first_of(map: &mut Map<String, Value>, name: &str) {
    if let Some(list) = map.get_mut(name).and_then(Value::as_array_mut) {
        list.truncate(1);
    }
}
