//! Faults of public servers, a fifth sample: groups and PATCH.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::mined_writes::inner;
use super::tools::{
    body_text, current, forget, on_item, op, path, remember, remembers, sent_members, sent_operations, touches, value,
};
use crate::scim::urn;
use crate::scim::value::{get_ci, get_ci_mut};
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind};
use crate::server::reply::Reply;
use crate::server::state::State;
use serde_json::{Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "deleted-group-in-list",
        title: "A deleted group stays in the whole list; a look-up and a read find nothing",
        area: "groups",
        source: &["https://github.com/wso2/product-is/issues/11249"],
        wrong: "GET /Groups shows the group",
        right: "not listed",
        hooks: &[
            Hook::Before(|call, state| {
                let mut group = current(call, state).filter(|_| on_item(call, "DELETE", Kind::Group))?;
                let id = call.id()?.to_owned();
                let location = crate::server::location(&call.base, Kind::Group, &id);
                group["id"] = id.into();
                group["schemas"] = json!([urn::GROUP]);
                group["meta"] = json!({ "resourceType": "Group", "location": location });
                remember(call, state, "stale-groups", group);
                None
            }),
            Hook::After(|call, reply, state| {
                let ghosts = state.of(call).scratch.get("stale-groups").cloned().unwrap_or_default();
                let whole = call.is("GET", Kind::Group) && call.id().is_none() && call.query.is_empty() && reply.ok();
                let Some(body) = reply.body_mut().filter(|_| whole) else { return };
                let total = body.get("totalResults").and_then(Value::as_u64).unwrap_or_default() + ghosts.len() as u64;
                let Some(list) = body.get_mut("Resources").and_then(Value::as_array_mut) else { return };
                list.extend(ghosts);
                let size = list.len();
                body.insert("itemsPerPage".into(), size.into());
                body.insert("totalResults".into(), total.into());
            }),
        ],
    },
    Fault {
        id: "group-member-by-display",
        title: "Members are taken by their display where they have one, and dropped when no user has that name",
        area: "groups",
        source: &["https://github.com/windmill-labs/windmill/pull/7204"],
        wrong: "{\"value\": \"u1\", \"display\": \"Ann\"}: not a member",
        right: "the member with that value",
        hooks: &[Hook::Before(|call, state| {
            if call.kind() != Some(Kind::Group) {
                return None;
            }
            let mut body = call.json()?.clone();
            let object = body.as_object_mut()?;
            if let Some(members) = get_ci_mut(object, "members") {
                by_display(members, call, state);
            }
            for operation in get_ci_mut(object, "Operations").and_then(Value::as_array_mut).into_iter().flatten() {
                let about = touches(operation, "members") && op(operation) != "remove";
                let given = operation.as_object_mut().and_then(|o| get_ci_mut(o, "value")).filter(|_| about);
                match given {
                    Some(Value::Object(map)) => {
                        get_ci_mut(map, "members").into_iter().for_each(|m| by_display(m, call, state));
                    }
                    Some(list) => by_display(list, call, state),
                    None => {}
                }
            }
            *call.json_mut()? = body;
            None
        })],
    },
    Fault {
        id: "group-add-present-twice",
        title: "Adding a member who is there makes it a member twice",
        area: "groups",
        source: &["https://github.com/AzureAD/SCIMReferenceCode/issues/10"],
        wrong: "the member twice, in each later read",
        right: "once",
        hooks: &[Hook::Store(|call, before, after| {
            let held = before.and_then(|b| b["members"].as_array()).filter(|_| on_item(call, "PATCH", Kind::Group));
            let adds = sent_operations(call).iter().any(|o| op(o) == "add");
            let present = |m: &Value| held.is_some_and(|h| h.iter().any(|b| b["value"] == m["value"]));
            let again: Vec<Value> = sent_members(call).into_iter().filter(present).collect();
            if let Some(members) = after["members"].as_array_mut().filter(|_| adds) {
                members.extend(again);
            }
        })],
    },
    Fault {
        id: "group-name-dot-400",
        title: "A group is refused whose name has other marks than hyphen and underscore, in an error of its own shape",
        area: "groups",
        source: &["https://github.com/postmanlabs/postman-app-support/issues/12551"],
        wrong: "400 {\"error\": {\"name\": \"InvalidParams\"}}",
        right: "201, or an error of SCIM",
        hooks: &[Hook::Before(|call, _| {
            let name = body_text(call, "displayName").filter(|_| call.is("POST", Kind::Group))?;
            let marked = !name.chars().all(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(&c));
            let text = "The key name can't have special characters except underscores and hyphens.";
            marked.then(|| {
                let error = json!({ "name": "InvalidParams", "message": text });
                Reply::json(400, json!({ "error": error, "status": "error" }))
            })
        })],
    },
    Fault {
        id: "group-patch-name-removed",
        title: "PATCH removes the displayName of a group",
        area: "groups",
        source: &["https://github.com/SAP-archive/scimono/issues/81"],
        wrong: "200, a group without a name",
        right: "400",
        hooks: &[
            Hook::Operations(|operations, call, _| {
                if call.kind() == Some(Kind::Group) {
                    operations.retain(|o| !unnames(o));
                }
                None
            }),
            Hook::After(|call, reply, state| {
                let Some(id) = call.id().map(Value::from).filter(|_| call.kind() == Some(Kind::Group)) else { return };
                let operations = sent_operations(call);
                if call.method == "PATCH" && reply.ok() && operations.iter().any(unnames) {
                    remember(call, state, "nameless", id.clone());
                } else if reply.ok() && (call.method == "PUT" || operations.iter().any(|o| touches(o, "displayName"))) {
                    forget(call, state, "nameless", &id);
                }
                if let Some(body) = reply.body_mut().filter(|_| remembers(call, state, "nameless", &id)) {
                    body.shift_remove("displayName");
                }
            }),
        ],
    },
    Fault {
        id: "patch-email-comma",
        title: "A PATCH of anything else puts a comma behind the e-mail address",
        area: "patch",
        source: &["https://github.com/wso2/product-is/issues/5766"],
        wrong: "\"value\": \"a@example.com,\"",
        right: "unchanged",
        hooks: &[Hook::Store(|call, _, after| {
            let named = sent_operations(call).iter().any(|o| touches(o, "emails"));
            let address = after.get_mut("emails").and_then(|e| e.get_mut(0)?.get_mut("value"));
            if let Some(Value::String(text)) = address.filter(|_| on_item(call, "PATCH", Kind::User) && !named) {
                text.push(',');
            }
        })],
    },
    Fault {
        id: "patch-pathless-false-422",
        title: "A value without a path cannot switch a user off, because the server asks whether active is truthy",
        area: "deactivate",
        source: &["https://github.com/lessonly/scim_rails/issues/32"],
        wrong: "{\"active\": false}: 422; {\"active\": true}: 200",
        right: "200",
        hooks: &[Hook::Operations(|operations, call, _| {
            let detail = "Invalid PATCH request. This endpoint supports deprovisioning and reprovisioning alone.";
            let off = call.kind() == Some(Kind::User) && operations.iter().any(switches_off);
            off.then(|| Reply::error(422, None, detail))
        })],
    },
    Fault {
        id: "patch-pathless-false-null",
        title: "false for active in a value without a path is stored as null",
        area: "deactivate",
        source: &["https://github.com/powerhome/power-tools/pull/415"],
        wrong: "200, the user has no active",
        right: "\"active\": false",
        hooks: &[Hook::Operations(|operations, call, _| {
            for operation in operations.iter_mut().filter(|o| call.kind() == Some(Kind::User) && switches_off(o)) {
                let given = operation.as_object_mut().and_then(|o| get_ci_mut(o, "value")?.as_object_mut());
                given.and_then(|map| get_ci_mut(map, "active")).into_iter().for_each(|v| *v = Value::Null);
            }
            None
        })],
    },
    Fault {
        id: "patch-part-of-text-500",
        title: "A path to a part of an attribute that has none crashes",
        area: "patch",
        source: &["https://github.com/thomaspoignant/scim-patch/pull/1165"],
        wrong: "userName.foo: 500",
        right: "400 invalidPath",
        hooks: &[Hook::Operations(|operations, _, _| {
            let texts = ["username", "displayname", "nickname", "title", "usertype", "externalid", "locale", "active"];
            let within = |o: &Value| {
                path(o).split_once('.').is_some_and(|(head, _)| texts.contains(&head.to_ascii_lowercase().as_str()))
            };
            operations.iter().any(within).then(Reply::crash)
        })],
    },
    Fault {
        id: "custom-list-remove-last-500",
        title: "The removal of the last value of a list of texts in an extension crashes",
        area: "advertised",
        source: &["https://github.com/scimmyjs/scimmy/pull/106"],
        wrong: "500",
        right: "200, the attribute is unassigned",
        hooks: &[Hook::Operations(|operations, call, state| {
            let held = current(call, state)?;
            let empties = |o: &Value| {
                let path = path(o);
                let (schema, rest) = path.rsplit_once(':')?;
                let name = rest.split(['[', '.']).next()?;
                let list = get_ci(get_ci(held.as_object()?, schema)?.as_object()?, name)?.as_array()?;
                let texts = list.iter().all(Value::is_string);
                Some(op(o) == "remove" && texts && (inner(&path).is_none() || list.len() == 1))
            };
            operations.iter().any(|o| empties(o) == Some(true)).then(Reply::crash)
        })],
    },
    Fault {
        id: "patch-remove-name-keeps-family-name",
        title: "remove of name leaves the family name",
        area: "patch",
        source: &["https://github.com/wso2/docs-is/pull/2838"],
        wrong: "200, name.familyName is there",
        right: "no name, or a refusal",
        hooks: &[Hook::Store(|call, before, after| {
            let removes =
                sent_operations(call).iter().any(|o| op(o) == "remove" && path(o).eq_ignore_ascii_case("name"));
            let kept = before.map(|b| b["name"]["familyName"].clone()).filter(Value::is_string);
            if let Some(kept) = kept.filter(|_| on_item(call, "PATCH", Kind::User) && removes) {
                after["name"]["familyName"] = kept;
            }
        })],
    },
    Fault {
        id: "deactivated-user-update-409",
        title: "A change of an inactive user is a conflict unless it switches the user on",
        area: "deactivate",
        source: &["https://learn.microsoft.com/en-us/answers/questions/1185756/how-to-fix-scim-provisioning-errors"],
        wrong: "409: User must be Active.",
        right: "200",
        hooks: &[Hook::Before(|call, state| {
            let off = current(call, state).is_some_and(|d| d["active"] == false) && call.kind() == Some(Kind::User);
            let on = match call.method.as_str() {
                "PUT" => call.json()?.as_object().and_then(|o| get_ci(o, "active")) == Some(&Value::Bool(true)),
                "PATCH" => sent_operations(call).iter().any(|o| touches(o, "active") && !switches_off(o)),
                _ => return None,
            };
            (off && !on).then(|| Reply::error(409, None, "User must be Active."))
        })],
    },
];

/// Gives each member the id of the user whose name its display is.
fn by_display(members: &mut Value, call: &Call, state: &State) {
    let Some(members) = members.as_array_mut() else { return };
    members.retain_mut(|member| {
        let Some(display) = member["display"].as_str().map(str::to_owned) else { return true };
        let id = state.of(call).named(Kind::User, &display).first().map(|r| r.id.clone());
        if let Some(id) = &id {
            member["value"] = id.as_str().into();
        }
        id.is_some()
    });
}

/// Whether an operation takes the name away from a group.
fn unnames(operation: &Value) -> bool {
    op(operation) == "remove" && path(operation).eq_ignore_ascii_case("displayName")
}

/// Whether an operation without a path says that active is false.
fn switches_off(operation: &Value) -> bool {
    let given = value(operation).and_then(Value::as_object).filter(|_| path(operation).is_empty());
    given.and_then(|map| get_ci(map, "active")) == Some(&Value::Bool(false))
}
