//! Faults of public servers that no older entry shows: PATCH, PUT and groups.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{
    bad, body_text, body_value, current, on_item, op, path, remember, remembers, sent_members, sent_operations, set,
    touches, value,
};
use crate::scim::urn;
use crate::scim::value::{get_ci, remove_ci};
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind, Target};
use crate::server::reply::Reply;
use crate::server::state::State;
use serde_json::{Map, Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "patch-manager-sub-path-400",
        title: "A path to a sub-attribute of an extension's attribute is refused",
        area: "patch",
        source: &["https://github.com/wso2/product-is/issues/11678"],
        wrong: "urn:…:User:manager.value: 400 noTarget",
        right: "200",
        hooks: &[Hook::Operations(|operations, _, _| {
            let deep = |o: &Value| path(o).strip_prefix(urn::ENTERPRISE).is_some_and(|rest| rest.contains('.'));
            operations.iter().any(deep).then(|| {
                Reply::error(400, Some("noTarget"), "According to SCIM specification max one sub attribute is allowed.")
            })
        })],
    },
    Fault {
        id: "patch-answer-class-name",
        title: "The answer to a PATCH shows the name of a class as location",
        area: "patch",
        source: &["https://github.com/wso2/product-is/issues/3826"],
        wrong: "meta.location: org.wso2.charon3.core.attributes.SimpleAttribute@3fcc28bd",
        right: "the location",
        hooks: &[Hook::After(|call, reply, _| {
            if on_item(call, "PATCH", Kind::User)
                && reply.ok()
                && let Some(meta) = reply.body_mut().and_then(|b| b.get_mut("meta")).and_then(Value::as_object_mut)
            {
                meta.insert("location".into(), "org.wso2.charon3.core.attributes.SimpleAttribute@3fcc28bd".into());
            }
        })],
    },
    Fault {
        id: "group-replace-without-members-clears",
        title: "A replace of a group that does not name members takes them all out",
        area: "groups",
        source: &["https://github.com/langwatch/langwatch/issues/7131"],
        wrong: "200, empty group",
        right: "200, the members stay",
        hooks: &[Hook::Operations(|operations, call, _| {
            let other = |o: &Value| op(o) == "replace" && path(o) != "displayName" && !touches(o, "members");
            if call.kind() == Some(Kind::Group) && operations.iter().any(other) {
                operations.push(json!({ "op": "replace", "path": "members", "value": [] }));
            }
            None
        })],
    },
    Fault {
        id: "group-odd-members-clear",
        title: "A members value that is no list takes all members out",
        area: "groups",
        source: &["https://github.com/langwatch/langwatch/pull/7136"],
        wrong: "200, empty group",
        right: "400, unchanged",
        hooks: &[Hook::Operations(|operations, call, _| {
            if call.kind() == Some(Kind::Group) {
                for operation in operations {
                    let odd = value(operation).is_some_and(|v| !v.is_array() && !v.is_object());
                    if path(operation) == "members" && odd {
                        *operation = json!({ "op": "replace", "path": "members", "value": [] });
                    }
                }
            }
            None
        })],
    },
    Fault {
        id: "extension-patched-as-flat-key",
        title: "A PATCH with a URN path stores the attribute under the whole path",
        area: "patch",
        source: &["https://github.com/elimity-com/scim/issues/171"],
        wrong: "{\"urn:…:User:department\": \"Sales\"}",
        right: "{\"urn:…:User\": {\"department\": \"Sales\"}}",
        hooks: &[Hook::Store(|call, stored, document| {
            if call.method != "PATCH" {
                return;
            }
            for operation in sent_operations(call) {
                let path = path(&operation);
                let Some(name) = path.strip_prefix(urn::ENTERPRISE).and_then(|r| r.strip_prefix(':')) else { continue };
                let new = document.get(urn::ENTERPRISE).and_then(|e| e.get(name)).cloned();
                let old = stored.and_then(|s| s.get(urn::ENTERPRISE)).cloned();
                if let (Some(new), Some(map)) = (new, document.as_object_mut()) {
                    map.insert(path.clone(), new);
                    match old {
                        Some(old) => drop(map.insert(urn::ENTERPRISE.into(), old)),
                        None => drop(map.shift_remove(urn::ENTERPRISE)),
                    }
                }
            }
        })],
    },
    Fault {
        id: "patch-external-id-pathless-ignored",
        title: "externalId in a value without a path is ignored",
        area: "patch",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/208"],
        wrong: "200, no externalId",
        right: "externalId",
        hooks: &[Hook::Operations(|operations, _, _| {
            for operation in operations.iter_mut() {
                in_pathless(operation, |map| drop(remove_ci(map, "externalId")));
            }
            None
        })],
    },
    Fault {
        id: "patch-beside-external-id-ignored",
        title: "What stands beside externalId in one value is ignored",
        area: "patch",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/377"],
        wrong: "200, old displayName",
        right: "both are new",
        hooks: &[Hook::Operations(|operations, _, _| {
            for operation in operations.iter_mut() {
                in_pathless(operation, |map| {
                    if map.contains_key("externalId") {
                        map.retain(|k, _| k == "externalId");
                    }
                });
            }
            None
        })],
    },
    Fault {
        id: "patch-add-external-id-400",
        title: "add of externalId is refused",
        area: "patch",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/280"],
        wrong: "400 noTarget",
        right: "200",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations
                .iter()
                .any(|o| op(o) == "add" && touches(o, "externalId"))
                .then(|| Reply::error(400, Some("noTarget"), "externalId is no attribute of the schema."))
        })],
    },
    Fault {
        id: "patch-value-paths-make-elements",
        title: "Several value paths of one PATCH that select the same missing element make one element each",
        area: "patch",
        source: &[
            "https://github.com/simpleidserver/SimpleIdServer/issues/808",
            "https://github.com/pingidentity/scim2/issues/213",
        ],
        wrong: "five work addresses with one part each",
        right: "one work address",
        hooks: &[Hook::Operations(|operations, call, state| {
            let held = current(call, state)?;
            for operation in operations.iter_mut().filter(|o| op(o) == "add") {
                let path = path(operation);
                let Some((attribute, kind, rest)) = by_type(&path) else { continue };
                let present = held[attribute].as_array().into_iter().flatten().any(|e| e["type"] == kind);
                if let (false, Some(sub)) = (present, rest.strip_prefix('.')) {
                    let element = json!([{ "type": kind, sub: value(operation) }]);
                    *operation = json!({ "op": "add", "path": attribute, "value": element });
                }
            }
            None
        })],
    },
    Fault {
        id: "patch-new-element-500",
        title: "A value path that selects nothing crashes",
        area: "patch",
        source: &[
            "https://github.com/AzureAD/SCIMReferenceCode/issues/60",
            "https://github.com/AzureAD/SCIMReferenceCode/pull/51",
        ],
        wrong: "500",
        right: "200, or 400 noTarget",
        hooks: &[Hook::Operations(|operations, call, state| {
            let held = current(call, state)?;
            operations
                .iter()
                .any(|o| {
                    let path = path(o);
                    by_type(&path).is_some_and(|(attribute, kind, _)| {
                        !held[attribute].as_array().into_iter().flatten().any(|e| e["type"] == kind)
                    })
                })
                .then(Reply::crash)
        })],
    },
    Fault {
        id: "patch-add-value-path-400",
        title: "add with a value path is refused",
        area: "patch",
        source: &["https://github.com/pingidentity/scim2/issues/135"],
        wrong: "400 invalidPath",
        right: "200",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations
                .iter()
                .any(|o| op(o) == "add" && path(o).contains('['))
                .then(|| unreadable("path field for add operations must not include any value selection filters"))
        })],
    },
    Fault {
        id: "patch-value-path-cut-at-dot",
        title: "A value path is cut at a dot inside its text",
        area: "patch",
        source: &["https://github.com/thomaspoignant/scim-patch/pull/162"],
        wrong: "400 invalidPath",
        right: "200",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations
                .iter()
                .any(|o| inner(&path(o)).is_some_and(|i| i.contains('.')))
                .then(|| unreadable("The path cannot be read."))
        })],
    },
    Fault {
        id: "patch-value-path-colon-400",
        title: "A colon inside the text of a value path breaks the path",
        area: "patch",
        source: &["https://github.com/pingidentity/scim2/pull/44"],
        wrong: "400 invalidPath",
        right: "200",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations
                .iter()
                .any(|o| inner(&path(o)).is_some_and(|i| i.contains(':')))
                .then(|| unreadable("The path cannot be read."))
        })],
    },
    Fault {
        id: "patch-value-path-operators-400",
        title: "A value path with another operator than eq, or with two conditions, is refused",
        area: "patch",
        source: &["https://github.com/SAP-archive/scimono/issues/9"],
        wrong: "400 invalidPath",
        right: "200",
        hooks: &[Hook::Operations(|operations, _, _| {
            let rich = |o: &Value| inner(&path(o)).is_some_and(|i| i.contains(" and ") || !i.contains(" eq "));
            operations.iter().any(rich).then(|| unreadable("Only eq is supported in a value path."))
        })],
    },
    Fault {
        id: "patch-primary-text-400",
        title: "A value path with primary eq \"True\" selects nothing",
        area: "patch",
        source: &[
            "https://github.com/apache/directory-scimple/pull/1213",
            "https://github.com/pingidentity/scim2/issues/239",
        ],
        wrong: "400 noTarget",
        right: "200",
        hooks: &[Hook::Operations(|operations, _, _| {
            let text = |o: &Value| path(o).to_ascii_lowercase().contains("primary eq \"");
            operations.iter().any(text).then(|| {
                Reply::error(400, Some("noTarget"), "Attribute roles does not have a value matching the filter.")
            })
        })],
    },
    Fault {
        id: "patch-value-path-first-match-only",
        title: "Of several elements that a value path selects the first alone changes",
        area: "patch",
        source: &["https://github.com/thomaspoignant/scim-patch/pull/560"],
        wrong: "one changed",
        right: "all changed",
        hooks: &[Hook::Operations(|operations, call, state| {
            let held = current(call, state)?;
            for operation in operations.iter_mut() {
                let path = path(operation);
                let Some((attribute, kind, rest)) = by_type(&path) else { continue };
                let mut chosen = held[attribute].as_array().into_iter().flatten().filter(|e| e["type"] == kind);
                if let (Some(first), Some(_)) = (chosen.next(), chosen.next())
                    && let Some(text) = first["value"].as_str()
                {
                    let narrow = format!("{attribute}[type eq \"{kind}\" and value eq \"{text}\"]{rest}");
                    set(operation, "path", narrow);
                }
            }
            None
        })],
    },
    Fault {
        id: "group-remove-two-by-filter-wrong",
        title: "A removal whose filter selects two members removes the wrong second one",
        area: "groups",
        source: &["https://github.com/Captain-P-Goldfish/SCIM-SDK/issues/111"],
        wrong: "another member is gone",
        right: "the two are gone",
        hooks: &[Hook::Operations(|operations, call, state| {
            let held = current(call, state)?;
            let members = held.get("members")?.as_array()?.clone();
            for operation in operations.iter_mut().filter(|o| op(o) == "remove") {
                let path = path(operation);
                if !path.starts_with("members[") || !path.contains(" or ") {
                    continue;
                }
                let named = |m: &Value| m["value"].as_str().is_some_and(|id| path.contains(&format!("\"{id}\"")));
                let places: Vec<usize> =
                    members.iter().enumerate().filter(|(_, m)| named(m)).map(|(place, _)| place).collect();
                let mut left = members.clone();
                for place in places {
                    if place < left.len() {
                        left.remove(place);
                    }
                }
                *operation = json!({ "op": "replace", "path": "members", "value": left });
            }
            None
        })],
    },
    Fault {
        id: "manager-empty-text-500",
        title: "An empty text as manager crashes",
        area: "patch",
        source: &["https://github.com/Captain-P-Goldfish/SCIM-SDK/pull/653"],
        wrong: "500",
        right: "200, or 400",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations.iter().any(|o| path(o).ends_with("manager") && value(o) == Some(&"".into())).then(Reply::crash)
        })],
    },
    Fault {
        id: "patch-plain-value-400",
        title: "A text as value of a PATCH is refused, a list of objects is wanted",
        area: "patch",
        source: &["https://github.com/MicrosoftDocs/azure-docs/issues/42220"],
        wrong: "400",
        right: "200",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations
                .iter()
                .any(|o| path(o) == "displayName" && value(o).is_some_and(Value::is_string))
                .then(|| bad("value must be a list"))
        })],
    },
    Fault {
        id: "group-add-with-path-500",
        title: "Members with a path crash, without one they are added",
        area: "groups",
        source: &["https://github.com/wso2/product-is/issues/16933"],
        wrong: "500",
        right: "200",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations.iter().any(|o| op(o) == "add" && path(o) == "members").then(Reply::crash)
        })],
    },
    Fault {
        id: "nested-group-becomes-user",
        title: "A group that becomes a member of a group is made a user, too",
        area: "groups",
        source: &["https://github.com/BerriAI/litellm/pull/34997"],
        wrong: "a user with the id of the group",
        right: "no new user",
        hooks: &[
            Hook::Before(|call, state| {
                let id = call.id().filter(|_| on_item(call, "GET", Kind::User))?.to_owned();
                let user = json!({ "schemas": [urn::USER], "id": id, "userName": id, "active": true });
                remembers(call, state, "made-users", &id.into()).then(|| Reply::json(200, user))
            }),
            Hook::After(|call, reply, state| {
                if call.kind() == Some(Kind::Group) && reply.ok() {
                    for id in member_ids(call) {
                        if state.of(call).get(Kind::Group, &id).is_some() {
                            remember(call, state, "made-users", id.into());
                        }
                    }
                }
            }),
        ],
    },
    Fault {
        id: "unknown-member-becomes-user",
        title: "A member whom the server does not know is made a user",
        area: "groups",
        source: &["https://github.com/BerriAI/litellm/pull/14581", "https://github.com/BerriAI/litellm/pull/17420"],
        wrong: "a user that nobody created",
        right: "400, or the id is left out",
        hooks: &[Hook::Before(|call, state| {
            if call.kind() == Some(Kind::Group) && matches!(call.method.as_str(), "POST" | "PUT" | "PATCH") {
                for id in member_ids(call) {
                    if state.of(call).find(&id).is_none() {
                        invent_user(call, state, &id);
                    }
                }
            }
            None
        })],
    },
    Fault {
        id: "unknown-removal-becomes-user",
        title: "The removal of a member whom the server does not know makes a user of it",
        area: "groups",
        source: &["https://github.com/BerriAI/litellm/pull/34997"],
        wrong: "a user that nobody created",
        right: "no new user",
        hooks: &[Hook::Before(|call, state| {
            if call.method != "PATCH" || call.kind() != Some(Kind::Group) {
                return None;
            }
            for operation in sent_operations(call).iter().filter(|o| op(o) == "remove") {
                let by_value = value(operation).and_then(Value::as_array).into_iter().flatten();
                let mut ids: Vec<String> = by_value.filter_map(|m| m["value"].as_str()).map(str::to_owned).collect();
                ids.extend(inner(&path(operation)).and_then(|i| Some(i.split('"').nth(1)?.to_owned())));
                for id in ids {
                    if state.of(call).find(&id).is_none() {
                        invent_user(call, state, &id);
                    }
                }
            }
            None
        })],
    },
    Fault {
        id: "delete-nested-group-stays-member",
        title: "A deleted group stays a member of the groups it was in",
        area: "groups",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/837"],
        wrong: "members names it",
        right: "gone",
        hooks: &[
            Hook::Before(|call, state| {
                if on_item(call, "DELETE", Kind::Group) {
                    let id = call.id()?.to_owned();
                    let parents: Vec<Value> = state
                        .of(call)
                        .groups_of(&id)
                        .iter()
                        .map(|g| json!({ "id": g.id, "was": g.document() }))
                        .collect();
                    call.memo = Some(parents.into());
                }
                None
            }),
            Hook::After(|call, reply, state| {
                if on_item(call, "DELETE", Kind::Group) && reply.ok() {
                    for parent in call.memo.clone().as_ref().and_then(Value::as_array).into_iter().flatten() {
                        let id = parent["id"].as_str().unwrap_or_default().to_owned();
                        state.of_mut(call).update(Kind::Group, &id, &parent["was"]);
                    }
                }
            }),
        ],
    },
    Fault {
        id: "nested-group-remove-500",
        title: "The removal of a nested group crashes",
        area: "groups",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/343"],
        wrong: "500",
        right: "200",
        hooks: &[Hook::Operations(|operations, call, state| {
            let groups = state.of(call);
            let nested = |o: &Value| {
                op(o) == "remove"
                    && inner(&path(o))
                        .and_then(|i| Some(i.split('"').nth(1)?.to_owned()))
                        .is_some_and(|id| groups.get(Kind::Group, &id).is_some())
            };
            operations.iter().any(nested).then(Reply::crash)
        })],
    },
    Fault {
        id: "patch-operations-object-500",
        title: "Operations that is no list crashes",
        area: "errors",
        source: &["https://github.com/getsentry/sentry/issues/42481"],
        wrong: "500",
        right: "400 invalidSyntax",
        hooks: &[Hook::Before(|call, _| {
            (call.method == "PATCH" && body_value(call, "Operations").is_some_and(Value::is_object)).then(Reply::crash)
        })],
    },
    Fault {
        id: "patch-pathless-needs-required",
        title: "A value without a path must have every required attribute",
        area: "patch",
        source: &["https://github.com/wso2/product-is/issues/12439"],
        wrong: "400",
        right: "200",
        hooks: &[Hook::Operations(|operations, call, _| {
            let partial = |o: &Value| {
                path(o).is_empty() && value(o).and_then(Value::as_object).is_some_and(|m| !m.contains_key("userName"))
            };
            (call.kind() == Some(Kind::User) && operations.iter().any(partial))
                .then(|| bad("Required attribute userName is missing."))
        })],
    },
    Fault {
        id: "patch-same-email-other-case-400",
        title: "The address that a user has is taken for a change when its letters differ in case",
        area: "patch",
        source: &["https://github.com/Infisical/infisical/pull/5947"],
        wrong: "400: Email cannot be changed",
        right: "200",
        hooks: &[Hook::Operations(|operations, call, state| {
            let held = current(call, state)?;
            let mine = held["emails"][0]["value"].as_str()?.to_owned();
            let other = |v: &Value| v.as_str().is_some_and(|s| s != mine && s.eq_ignore_ascii_case(&mine));
            operations
                .iter()
                .filter(|o| touches(o, "emails"))
                .filter_map(value)
                .any(|v| other(v) || other(&v[0]["value"]) || other(&v["emails"][0]["value"]))
                .then(|| bad("Email cannot be changed"))
        })],
    },
    Fault {
        id: "group-add-present-answer-doubled",
        title: "The answer to adding a member who is there lists the member twice",
        area: "groups",
        source: &["https://github.com/wso2/product-is/issues/5333"],
        wrong: "twice in the answer, once when read",
        right: "once",
        hooks: &[
            Hook::Before(|call, state| {
                if on_item(call, "PATCH", Kind::Group) {
                    call.memo = current(call, state).map(|d| d["members"].clone());
                }
                None
            }),
            Hook::After(|call, reply, _| {
                if !on_item(call, "PATCH", Kind::Group) || !reply.ok() {
                    return;
                }
                let before = call.memo.clone().unwrap_or_default();
                let again: Vec<Value> = sent_members(call)
                    .into_iter()
                    .filter(|m| before.as_array().into_iter().flatten().any(|b| b["value"] == m["value"]))
                    .collect();
                let adds = sent_operations(call).iter().any(|o| op(o) == "add");
                if let Some(members) =
                    reply.body_mut().and_then(|b| b.get_mut("members")).and_then(Value::as_array_mut).filter(|_| adds)
                {
                    members.extend(again);
                }
            }),
        ],
    },
    Fault {
        id: "group-change-applied-and-500",
        title: "A membership is changed, and the answer is a crash",
        area: "groups",
        source: &["https://github.com/Captain-P-Goldfish/SCIM-SDK/issues/4"],
        wrong: "500, the member is there",
        right: "200",
        hooks: &[Hook::After(|call, reply, _| {
            if on_item(call, "PATCH", Kind::Group) && reply.ok() {
                *reply = Reply::crash();
            }
        })],
    },
    Fault {
        id: "group-put-members-immutable-400",
        title: "PUT of a group with other members is refused, because members.value is immutable",
        area: "groups",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/844"],
        wrong: "400 mutability",
        right: "200",
        hooks: &[Hook::Before(|call, state| {
            if !on_item(call, "PUT", Kind::Group) {
                return None;
            }
            let held = current(call, state)?;
            let ids = |v: Option<&Value>| -> Vec<String> {
                let all = v.and_then(Value::as_array).into_iter().flatten();
                all.filter_map(|m| m["value"].as_str()).map(str::to_owned).collect()
            };
            let now = ids(held.get("members"));
            let differs = ids(body_value(call, "members")).iter().any(|m| !now.contains(m)) && !now.is_empty();
            differs.then(|| Reply::error(400, Some("mutability"), "attribute members.value is immutable"))
        })],
    },
    Fault {
        id: "group-replace-members-flattened",
        title: "replace of members writes the member into the group itself",
        area: "groups",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/844"],
        wrong: "{\"value\": \"u1\", \"members\": []}",
        right: "members: [{\"value\": \"u1\"}]",
        hooks: &[Hook::Store(|call, _, document| {
            let replaced = sent_operations(call).iter().any(|o| op(o) == "replace" && touches(o, "members"));
            if on_item(call, "PATCH", Kind::Group)
                && replaced
                && let Some(first) = document["members"].get(0).map(|m| m["value"].clone())
            {
                document["value"] = first;
                document["members"] = json!([]);
            }
        })],
    },
    Fault {
        id: "patch-replace-element-drops-others",
        title: "replace of one element takes the others away",
        area: "patch",
        source: &["https://github.com/Captain-P-Goldfish/SCIM-SDK/issues/201"],
        wrong: "one address left",
        right: "the others stay",
        hooks: &[Hook::Store(|call, _, document| {
            if !on_item(call, "PATCH", Kind::User) {
                return;
            }
            for operation in sent_operations(call).iter().filter(|o| op(o) == "replace") {
                let path = path(operation);
                let Some(attribute) = path.split('[').next().filter(|_| path.ends_with(']')) else { continue };
                let new = value(operation).cloned().unwrap_or_default();
                if let Some(list) = document.get_mut(attribute).and_then(Value::as_array_mut) {
                    list.retain(|e| new.get("value").is_none_or(|v| e["value"] == *v));
                }
            }
        })],
    },
    Fault {
        id: "patch-remove-element-400",
        title: "The removal of a whole element is refused, because a part of it is required",
        area: "patch",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/959"],
        wrong: "400 invalidValue",
        right: "200",
        hooks: &[Hook::Operations(|operations, call, _| {
            let whole = |o: &Value| op(o) == "remove" && path(o).ends_with(']');
            (call.kind() == Some(Kind::User) && operations.iter().any(whole))
                .then(|| bad("required attributes cannot be removed"))
        })],
    },
    Fault {
        id: "patch-name-formatted-ignored",
        title: "name.formatted can not be changed by PATCH",
        area: "patch",
        source: &["https://github.com/AzureAD/SCIMReferenceCode/issues/70"],
        wrong: "200, the old one",
        right: "the new one",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations.retain(|o| path(o) != "name.formatted");
            None
        })],
    },
    Fault {
        id: "patch-name-object-partial-400",
        title: "A name object without each required part is refused in a PATCH",
        area: "patch",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/690"],
        wrong: "400",
        right: "200",
        hooks: &[Hook::Operations(|operations, _, _| {
            let partial = |o: &Value| {
                let name = if path(o) == "name" { value(o) } else { value(o).and_then(|v| v.get("name")) };
                name.is_some_and(|n| n.is_object() && (n.get("familyName").is_none() || n.get("givenName").is_none()))
            };
            operations.iter().any(partial).then(|| bad("required attributes familyName are missing"))
        })],
    },
    Fault {
        id: "patch-dotted-key-at-root",
        title: "Dotted keys are stored beside name instead of in it",
        area: "patch",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/494"],
        wrong: "{\"givenName\": \"Sabina\"}",
        right: "{\"name\": {\"givenName\": \"Sabina\"}}",
        hooks: &[Hook::Store(|call, stored, document| {
            misplaced(call, stored, document, |key| key.rsplit('.').next().unwrap_or_default().to_owned())
        })],
    },
    Fault {
        id: "patch-dotted-key-literal",
        title: "Dotted keys are stored as they are",
        area: "patch",
        source: &["https://github.com/pingidentity/scim2/issues/224"],
        wrong: "{\"name.familyName\": \"test\"}",
        right: "{\"name\": {\"familyName\": \"test\"}}",
        hooks: &[Hook::Store(|call, stored, document| misplaced(call, stored, document, str::to_owned))],
    },
    Fault {
        id: "user-refused-put-changes",
        title: "A PUT of a user that is refused for one value changes the others all the same",
        area: "put",
        source: &["https://github.com/wso2/product-is/issues/7744"],
        wrong: "400, and the new family name",
        right: "400, unchanged",
        hooks: &[Hook::After(|call, reply, state| {
            let Some(mut document) = current(call, state) else { return };
            if on_item(call, "PUT", Kind::User)
                && reply.status == 400
                && let Some(name) = body_value(call, "name").filter(|n| n.is_object()).cloned()
            {
                document["name"] = name;
                let id = call.id().unwrap_or_default().to_owned();
                state.of_mut(call).update(Kind::User, &id, &document);
            }
        })],
    },
    Fault {
        id: "group-replace-members-refused",
        title: "replace of members is refused, add and remove alone are known",
        area: "groups",
        source: &["https://github.com/openstack-experimental/keystone/pull/929"],
        wrong: "400",
        right: "200",
        hooks: &[Hook::Operations(|operations, call, _| {
            let replaces = |o: &Value| op(o) == "replace" && touches(o, "members");
            (call.kind() == Some(Kind::Group) && operations.iter().any(replaces))
                .then(|| bad("members supports add and remove only"))
        })],
    },
    Fault {
        id: "patch-add-known-and-new-500",
        title: "add of a list with one element that is there and one that is new crashes",
        area: "patch",
        source: &["https://github.com/wso2/product-is/issues/2978"],
        wrong: "500",
        right: "200",
        hooks: &[Hook::Operations(|operations, call, state| {
            let held = current(call, state)?;
            let mixed = |o: &Value| {
                let list = value(o).and_then(|v| v.as_array().or_else(|| v.get("emails")?.as_array()));
                let known = |e: &Value| held["emails"].as_array().into_iter().flatten().any(|h| h["type"] == e["type"]);
                op(o) == "add"
                    && touches(o, "emails")
                    && list.is_some_and(|l| l.iter().any(known) && !l.iter().all(known))
            };
            operations.iter().any(mixed).then(Reply::crash)
        })],
    },
    Fault {
        id: "deactivation-leaves-groups",
        title: "A user who is deactivated is taken out of every group",
        area: "deactivate",
        source: &["https://github.com/lightdash/lightdash/pull/17494"],
        wrong: "active again, and in no group",
        right: "the memberships stay",
        hooks: &[Hook::After(|call, reply, state| {
            let off = current(call, state).is_some_and(|d| d["active"] == false);
            if !matches!(call.method.as_str(), "PUT" | "PATCH")
                || call.kind() != Some(Kind::User)
                || !off
                || !reply.ok()
            {
                return;
            }
            let id = call.id().unwrap_or_default().to_owned();
            let groups: Vec<(String, Value)> =
                state.of(call).groups_of(&id).iter().map(|g| (g.id.clone(), g.document())).collect();
            for (group, mut document) in groups {
                if let Some(members) = document.get_mut("members").and_then(Value::as_array_mut) {
                    members.retain(|m| m["value"] != id.as_str());
                }
                state.of_mut(call).update(Kind::Group, &group, &document);
            }
        })],
    },
    Fault {
        id: "group-member-empty-id-500",
        title: "A member with an empty id crashes",
        area: "groups",
        source: &["https://github.com/wso2/product-is/issues/16097"],
        wrong: "500",
        right: "400",
        hooks: &[Hook::Before(|call, _| {
            (call.kind() == Some(Kind::Group) && sent_members(call).iter().any(|m| m["value"] == "")).then(Reply::crash)
        })],
    },
    Fault {
        id: "group-member-without-value-500",
        title: "A member with a display name and no id crashes",
        area: "groups",
        source: &["https://github.com/wso2/product-is/issues/16097"],
        wrong: "500",
        right: "400",
        hooks: &[Hook::Before(|call, _| {
            let bare = |m: &Value| m.is_object() && m.get("value").is_none();
            (call.kind() == Some(Kind::Group) && sent_members(call).iter().any(bare)).then(Reply::crash)
        })],
    },
    Fault {
        id: "inactive-members-hidden",
        title: "A member who was deactivated is not shown in its groups",
        area: "groups",
        source: &[],
        wrong: "members without the inactive user",
        right: "the member",
        hooks: &[Hook::After(|call, reply, state| {
            if call.kind() != Some(Kind::Group) {
                return;
            }
            for group in reply.resources() {
                if let Some(members) = group.get_mut("members").and_then(Value::as_array_mut) {
                    members.retain(|m| {
                        let id = m["value"].as_str().unwrap_or_default();
                        state.of(call).get(Kind::User, id).is_none_or(|u| u.document()["active"] != false)
                    });
                }
            }
        })],
    },
    Fault {
        id: "group-put-external-id-ignored",
        title: "PUT of a group does not change its externalId",
        area: "groups",
        source: &["https://github.com/rancher/rancher/pull/53913"],
        wrong: "200, the old one",
        right: "the new one",
        hooks: &[Hook::Store(|call, stored, document| {
            if on_item(call, "PUT", Kind::Group)
                && let Some(old) = stored.and_then(|s| s.get("externalId")).cloned()
                && document.get("externalId").is_some()
            {
                document["externalId"] = old;
            }
        })],
    },
    Fault {
        id: "group-rename-marks-400",
        title: "A group whose name has marks is created, and cannot be renamed",
        area: "groups",
        source: &["https://github.com/harness/harness-core/pull/56819"],
        wrong: "400",
        right: "200",
        hooks: &[Hook::Before(|call, _| {
            if call.kind() != Some(Kind::Group) || !matches!(call.method.as_str(), "PUT" | "PATCH") {
                return None;
            }
            let in_value = |o: &Value| {
                let text = value(o).and_then(|v| v.as_str().or_else(|| v.get("displayName")?.as_str()));
                text.filter(|_| touches(o, "displayName")).map(str::to_owned)
            };
            let mut names: Vec<String> = sent_operations(call).iter().filter_map(in_value).collect();
            names.extend(body_text(call, "displayName"));
            let odd = |n: &String| !n.chars().all(|c| c.is_ascii_alphanumeric() || " _-.".contains(c));
            names.iter().any(odd).then(|| bad("name: can only contain alphanumeric characters"))
        })],
    },
    Fault {
        id: "group-member-display-mismatch-500",
        title: "A member whose display is not the userName crashes",
        area: "groups",
        source: &["https://github.com/wso2/product-is/issues/7143"],
        wrong: "500",
        right: "200",
        hooks: &[Hook::Before(|call, state| {
            let differs = |m: &Value| {
                let user = state.of(call).get(Kind::User, m["value"].as_str()?)?.document();
                Some(user["userName"].as_str()? != m["display"].as_str()?)
            };
            (call.method == "PATCH"
                && call.kind() == Some(Kind::Group)
                && sent_members(call).iter().any(|m| differs(m) == Some(true)))
            .then(Reply::crash)
        })],
    },
    Fault {
        id: "serviceproviderconfig-denies-patch",
        title: "ServiceProviderConfig denies PATCH that the server offers",
        area: "discovery",
        source: &["https://github.com/thunder-id/thunderid/pull/4185"],
        wrong: "patch.supported: false, and PATCH works",
        right: "true",
        hooks: &[Hook::After(|call, reply, _| {
            if call.target == Target::Config
                && let Some(patch) = reply.body_mut().and_then(|b| b.get_mut("patch"))
            {
                patch["supported"] = false.into();
            }
        })],
    },
    Fault {
        id: "group-member-without-email-dropped",
        title: "A member without an e-mail address is dropped",
        area: "groups",
        source: &["https://github.com/BerriAI/litellm/pull/14226"],
        wrong: "200, not a member",
        right: "a member",
        hooks: &[Hook::After(|call, reply, state| {
            if call.kind() != Some(Kind::Group) || !reply.ok() || call.method == "GET" {
                return;
            }
            let Some(id) = reply.body().and_then(|b| b["id"].as_str()).map(str::to_owned) else { return };
            let Some(mut document) = state.of(call).get(Kind::Group, &id).map(|g| g.document()) else { return };
            let mut mute = Vec::new();
            for member in document["members"].as_array().into_iter().flatten() {
                let user = member["value"].as_str().and_then(|m| state.of(call).get(Kind::User, m));
                if user.is_some_and(|u| u.document()["emails"].as_array().is_none_or(Vec::is_empty)) {
                    mute.push(member["value"].clone());
                }
            }
            for members in [document.get_mut("members"), reply.body_mut().and_then(|b| b.get_mut("members"))] {
                if let Some(members) = members.and_then(Value::as_array_mut) {
                    members.retain(|m| !mute.contains(&m["value"]));
                }
            }
            state.of_mut(call).update(Kind::Group, &id, &document);
        })],
    },
    Fault {
        id: "patch-created-changed",
        title: "PATCH changes meta.created",
        area: "patch",
        source: &["https://github.com/keycloak/keycloak/issues/51155"],
        wrong: "200, the client's date",
        right: "400 mutability",
        hooks: &[Hook::Before(|call, state| {
            if call.method != "PATCH" {
                return None;
            }
            let sent = sent_operations(call).iter().find_map(|o| {
                let text = (path(o) == "meta.created").then(|| value(o)?.as_str().map(str::to_owned)).flatten();
                text.and_then(|t| crate::scim::value::parse_datetime(&t))
            })?;
            let (kind, id) = (call.kind()?, call.id()?.to_owned());
            state.of_mut(call).get_mut(kind, &id)?.created = sent;
            Some(Reply::empty(204))
        })],
    },
];

/// The text between the brackets of a value path.
pub(super) fn inner(path: &str) -> Option<String> {
    let (_, rest) = path.split_once('[')?;
    Some(rest.rsplit_once(']')?.0.to_owned())
}

/// `attribute[type eq "kind"]rest`, taken apart.
pub(super) fn by_type(path: &str) -> Option<(&str, &str, &str)> {
    let (attribute, rest) = path.split_once("[type eq \"")?;
    let (kind, rest) = rest.split_once("\"]")?;
    Some((attribute, kind, rest))
}

pub(super) fn unreadable(detail: &str) -> Reply {
    Reply::error(400, Some("invalidPath"), detail)
}

/// Changes the value of an operation that has no path.
pub(super) fn in_pathless(operation: &mut Value, change: fn(&mut Map<String, Value>)) {
    if path(operation).is_empty()
        && let Some(map) = operation.get_mut("value").and_then(Value::as_object_mut)
    {
        change(map);
    }
}

/// The ids of members that a request adds or sets.
fn member_ids(call: &Call) -> Vec<String> {
    sent_members(call).iter().filter_map(|m| m["value"].as_str()).map(str::to_owned).collect()
}

/// A user that nobody asked for.
fn invent_user(call: &Call, state: &mut State, id: &str) {
    if id.is_empty() {
        return;
    }
    let document = json!({ "schemas": [urn::USER], "userName": id, "active": true });
    state.of_mut(call).insert(Kind::User, id.to_owned(), &document);
}

/// Puts the parts of a name that dotted keys brought elsewhere.
fn misplaced(call: &Call, stored: Option<&Value>, document: &mut Value, key_for: fn(&str) -> String) {
    if !on_item(call, "PATCH", Kind::User) {
        return;
    }
    for operation in sent_operations(call) {
        let Some(map) = value(&operation).and_then(Value::as_object).filter(|_| path(&operation).is_empty()) else {
            continue;
        };
        for (key, new) in map.iter().filter(|(k, _)| k.starts_with("name.")) {
            let old = stored.and_then(Value::as_object).and_then(|s| get_ci(s, "name")).cloned();
            document["name"] = old.unwrap_or_default();
            document[key_for(key)] = new.clone();
        }
        if document["name"].is_null() {
            super::tools::cut(document, "name");
        }
    }
}
