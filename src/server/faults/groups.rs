//! Faults: groups and their members.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{
    alter, bad, body_text, body_value, conflict, current, cut, drop_from_body, each_group, gone, on_item, op, path,
    put_into_body, remember, remembers, sent_members, set, shown, touches, value,
};
use crate::scim::value::is_unassigned;
use crate::server::behaviour::{Hook, UnknownMember};
use crate::server::call::Kind;
use crate::server::reply::Reply;
use serde_json::{Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "create-group-legacy-schema-rejected",
        title: "Entra's legacy group schema marker is refused",
        area: "groups",
        source: &["https://github.com/better-auth/better-auth/pull/10620"],
        wrong: "400",
        right: "201",
        hooks: &[Hook::Before(|call, _| {
            let legacy = body_value(call, "schemas").is_some_and(|s| s.to_string().contains("ADSCIM"));
            (call.is("POST", Kind::Group) && legacy).then(|| bad("Unknown schema."))
        })],
    },
    Fault {
        id: "delete-group-remains-in-user-groups",
        title: "Deleted group stays in user.groups",
        area: "groups",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/698"],
        wrong: "groups lists it",
        right: "empty",
        hooks: &[
            Hook::Before(|call, state| {
                if on_item(call, "DELETE", Kind::Group)
                    && let Some(group) = current(call, state)
                {
                    let id = call.id().unwrap_or_default();
                    let ghost = json!({ "value": id, "display": group["displayName"], "type": "direct" });
                    for member in group["members"].as_array().into_iter().flatten() {
                        remember(
                            call,
                            state,
                            &format!("ghosts of {}", member["value"].as_str().unwrap_or_default()),
                            ghost.clone(),
                        );
                    }
                }
                None
            }),
            Hook::After(|call, reply, state| {
                for user in shown(call, reply, Kind::User) {
                    let id = user.get("id").and_then(Value::as_str).unwrap_or_default();
                    let key = format!("ghosts of {id}");
                    let ghosts = state.of(call).scratch.get(&key).cloned().unwrap_or_default();
                    let groups = user.entry("groups").or_insert_with(|| json!([]));
                    if let Some(groups) = groups.as_array_mut() {
                        groups.extend(ghosts);
                    }
                    if user.get("groups").is_some_and(is_unassigned) {
                        user.shift_remove("groups");
                    }
                }
            }),
        ],
    },
    Fault {
        id: "group-add-member-replaces",
        title: "Adding a member replaces the whole list",
        area: "groups",
        source: &["https://github.com/msaad00/agent-bom/pull/3540"],
        wrong: "1 member",
        right: "3 members",
        hooks: &[Hook::Operations(|operations, call, _| {
            for operation in operations {
                if call.kind() == Some(Kind::Group) && op(operation) == "add" && touches(operation, "members") {
                    set(operation, "op", "replace");
                }
            }
            None
        })],
    },
    Fault {
        id: "group-create-members-ignored",
        title: "Members of a group create are ignored",
        area: "groups",
        source: &[
            "https://github.com/bitwarden/server/issues/2919",
            "https://github.com/ory/polis/issues/3136",
            "https://github.com/limosa-io/laravel-scim-server/issues/47",
        ],
        wrong: "201, members empty",
        right: "members contains u1",
        hooks: &[Hook::Before(|call, _| {
            if call.is("POST", Kind::Group) {
                drop_from_body(call, "members");
            }
            None
        })],
    },
    Fault {
        id: "group-member-display-required",
        title: "members[].display demanded",
        area: "groups",
        source: &[
            "https://github.com/Infisical/infisical/issues/6552",
            "https://github.com/wso2/product-is/issues/16451",
            "https://github.com/wso2-extensions/identity-inbound-provisioning-scim2/pull/438",
        ],
        wrong: "422 (WSO2: 500)",
        right: "success",
        hooks: &[Hook::Before(|call, _| {
            let missing = sent_members(call).iter().any(|m| m.get("display").is_none());
            (call.kind() == Some(Kind::Group) && missing)
                .then(|| Reply::error(422, None, "members.display is required."))
        })],
    },
    Fault {
        id: "group-member-null-ref-not-removed",
        title: "\"$ref\": null in the value makes the removal miss",
        area: "groups",
        source: &["https://github.com/scimmyjs/scimmy/issues/34"],
        wrong: "success, member stays",
        right: "member removed",
        hooks: &[Hook::Operations(|operations, _, _| {
            for operation in operations.iter_mut().filter(|o| op(o) == "remove") {
                if let Some(mut list) = value(operation).and_then(Value::as_array).cloned() {
                    list.retain(|m| m.get("$ref") != Some(&Value::Null));
                    set(operation, "value", list);
                }
            }
            operations.retain(|o| op(o) != "remove" || value(o) != Some(&json!([])));
            None
        })],
    },
    Fault {
        id: "group-member-type-required",
        title: "Members without type are dropped silently",
        area: "groups",
        source: &[
            "https://github.com/Captain-P-Goldfish/SCIM-SDK/issues/419",
            "https://github.com/Captain-P-Goldfish/scim-for-keycloak/issues/16",
        ],
        wrong: "success, not added",
        right: "added",
        hooks: &[Hook::Operations(|operations, call, _| {
            for operation in operations.iter_mut().filter(|o| op(o) == "add" && touches(o, "members")) {
                let typed = |m: &Value| m.get("type").is_some();
                match value(operation).cloned() {
                    Some(Value::Array(mut list)) => {
                        list.retain(typed);
                        set(operation, "value", list);
                    }
                    Some(mut map) => {
                        if let Some(list) = map.get_mut("members").and_then(Value::as_array_mut) {
                            list.retain(typed);
                        }
                        set(operation, "value", map);
                    }
                    None => {}
                }
            }
            operations.retain(|o| call.kind() == Some(Kind::User) || op(o) != "add" || value(o) != Some(&json!([])));
            None
        })],
    },
    Fault {
        id: "group-put-members-ignored",
        title: "PUT ignores members",
        area: "groups",
        source: &[
            "https://github.com/bitwarden/server/issues/2919",
            "https://github.com/ory/polis/issues/3136",
            "https://github.com/BerriAI/litellm/issues/14057",
        ],
        wrong: "still 2 members",
        right: "1 member",
        hooks: &[Hook::Store(|call, before, after| {
            if on_item(call, "PUT", Kind::Group) {
                match before.and_then(|b| b.get("members")) {
                    Some(members) => after["members"] = members.clone(),
                    None => cut(after, "members"),
                }
            }
        })],
    },
    Fault {
        id: "group-remove-filter-path-ignored",
        title: "Standard removal members[value eq \"u1\"] has no effect",
        area: "groups",
        source: &["https://github.com/croffasia/itsaplan/pull/250", "https://github.com/wso2/product-is/issues/7040"],
        wrong: "success, member stays",
        right: "member removed",
        hooks: &[Hook::Operations(|operations, call, _| {
            operations.retain(|o| {
                !(call.kind() == Some(Kind::Group) && (op(o) == "remove" && path(o).starts_with("members[")))
            });
            None
        })],
    },
    Fault {
        id: "group-remove-value-list-rejected",
        title: "Entra's member removal by value list refused",
        area: "groups",
        source: &[
            "https://github.com/Captain-P-Goldfish/SCIM-SDK/issues/149",
            "https://github.com/Captain-P-Goldfish/SCIM-SDK/issues/167",
        ],
        wrong: "400, member stays",
        right: "u1 removed",
        hooks: &[Hook::Operations(|operations, call, _| {
            (call.kind() == Some(Kind::Group)
                && operations
                    .iter()
                    .any(|o| op(o) == "remove" && path(o).eq_ignore_ascii_case("members") && value(o).is_some()))
            .then(|| bad("remove takes no value."))
        })],
    },
    Fault {
        id: "group-rename-keeps-old-name-index",
        title: "Old name of a renamed group stays reserved",
        area: "groups",
        source: &["https://github.com/ory/polis/issues/3559"],
        wrong: "409",
        right: "201",
        hooks: &[
            Hook::Before(|call, state| {
                let name = body_text(call, "displayName").unwrap_or_default().to_lowercase();
                if call.is("POST", Kind::Group) && remembers(call, state, "old-names", &name.into()) {
                    return Some(conflict());
                }
                if matches!(call.method.as_str(), "PUT" | "PATCH") && call.kind() == Some(Kind::Group) {
                    call.memo = current(call, state).map(|d| d["displayName"].clone());
                }
                None
            }),
            Hook::After(|call, _, state| {
                let Some(old) = call.memo.clone() else {
                    return;
                };
                if current(call, state).is_some_and(|d| d["displayName"] != old) {
                    let old = old.as_str().unwrap_or_default().to_lowercase();
                    remember(call, state, "old-names", old.into());
                }
            }),
        ],
    },
    Fault {
        id: "group-rename-pathless-multi-rejected",
        title: "Path-less value with more than one attribute refused",
        area: "groups",
        source: &["https://github.com/goauthentik/authentik/issues/12321"],
        wrong: "400",
        right: "success",
        hooks: &[Hook::Operations(|operations, call, _| {
            (call.kind() == Some(Kind::Group)
                && operations
                    .iter()
                    .any(|o| path(o).is_empty() && value(o).and_then(Value::as_object).is_some_and(|m| m.len() > 1)))
            .then(|| bad("Only one attribute can be changed."))
        })],
    },
    Fault {
        id: "group-replace-members-additive",
        title: "replace of members never removes anybody",
        area: "groups",
        source: &["https://github.com/keycloak/keycloak/issues/52752", "https://github.com/PostHog/posthog/pull/47336"],
        wrong: "3 members",
        right: "1 member",
        hooks: &[Hook::Operations(|operations, call, _| {
            for operation in operations {
                if call.kind() == Some(Kind::Group) && op(operation) == "replace" && touches(operation, "members") {
                    set(operation, "op", "add");
                }
            }
            None
        })],
    },
    Fault {
        id: "group-unknown-member-stored",
        title: "Any string is stored as member",
        area: "groups",
        source: &["https://github.com/GluuFederation/SCIM-Client/issues/43"],
        wrong: "success, listed as member",
        right: "400 or 404",
        hooks: &[Hook::Switch(|b| b.unknown_member = UnknownMember::Store)],
    },
    Fault {
        id: "list-groups-omits-members",
        title: "Group list never contains members",
        area: "groups",
        source: &["https://github.com/graphql-hive/console/issues/8352"],
        wrong: "no members attribute",
        right: "members present unless excluded",
        hooks: &[Hook::After(|call, reply, _| {
            if call.lists(Kind::Group) {
                each_group(call, reply, |group| {
                    group.shift_remove("members");
                });
            }
        })],
    },
    Fault {
        id: "patch-groups-405",
        title: "PATCH /Groups not implemented",
        area: "groups",
        source: &["https://github.com/goauthentik/authentik/issues/11249"],
        wrong: "405 Method \"PATCH\" not allowed",
        right: "204 or 200",
        hooks: &[Hook::Before(|call, _| {
            on_item(call, "PATCH", Kind::Group).then(|| {
                Reply::error(405, None, "Method \"PATCH\" not allowed.").with("Allow", "GET, HEAD, PUT, DELETE")
            })
        })],
    },
    Fault {
        id: "group-rename-clears-members",
        title: "Renaming a group empties it",
        area: "groups",
        source: &[],
        wrong: "no members",
        right: "members stay",
        hooks: &[Hook::Store(|call, before, after| {
            if on_item(call, "PATCH", Kind::Group) && before.is_some_and(|b| b["displayName"] != after["displayName"]) {
                cut(after, "members");
            }
        })],
    },
    Fault {
        id: "group-rename-ignored",
        title: "Groups can not be renamed",
        area: "groups",
        source: &[],
        wrong: "200, old name",
        right: "new name",
        hooks: &[Hook::Store(|call, before, after| {
            if let (Some(before), true) = (before, call.method == "PATCH" && call.kind() == Some(Kind::Group)) {
                after["displayName"] = before["displayName"].clone();
            }
        })],
    },
    Fault {
        id: "group-filtered-remove-clears-all",
        title: "Removing one member by filter removes all",
        area: "groups",
        source: &[],
        wrong: "no members left",
        right: "the others stay",
        hooks: &[Hook::Operations(|operations, _, _| {
            for operation in operations.iter_mut() {
                let o = &*operation;
                if op(o) == "remove" && path(o).starts_with("members[") {
                    set(operation, "path", "members");
                }
            }
            None
        })],
    },
    Fault {
        id: "group-remove-value-list-clears-all",
        title: "Removal by value list removes every member",
        area: "groups",
        source: &[],
        wrong: "no members left",
        right: "the others stay",
        hooks: &[Hook::Operations(|operations, _, _| {
            for operation in operations.iter_mut() {
                let o = &*operation;
                if op(o) == "remove"
                    && path(o).eq_ignore_ascii_case("members")
                    && let Some(map) = operation.as_object_mut()
                {
                    map.shift_remove("value");
                }
            }
            None
        })],
    },
    Fault {
        id: "group-remove-value-list-ignored",
        title: "Removal by value list has no effect",
        area: "groups",
        source: &[],
        wrong: "200, member stays",
        right: "member gone",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations
                .retain(|o| !(op(o) == "remove" && path(o).eq_ignore_ascii_case("members") && value(o).is_some()));
            None
        })],
    },
    Fault {
        id: "group-remove-all-ignored",
        title: "Removing all members has no effect",
        area: "groups",
        source: &[],
        wrong: "200, members stay",
        right: "no members",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations
                .retain(|o| !(op(o) == "remove" && path(o).eq_ignore_ascii_case("members") && value(o).is_none()));
            None
        })],
    },
    Fault {
        id: "group-add-only-first-member",
        title: "Only the first member of an add is added",
        area: "groups",
        source: &[],
        wrong: "one member added",
        right: "all of them",
        hooks: &[Hook::Operations(|operations, _, _| {
            for operation in operations.iter_mut() {
                let o = &*operation;
                if op(o) == "add"
                    && path(o).eq_ignore_ascii_case("members")
                    && let Some(mut list) = value(o).and_then(Value::as_array).cloned()
                {
                    list.truncate(1);
                    set(operation, "value", list);
                }
            }
            None
        })],
    },
    Fault {
        id: "group-remove-only-first-member",
        title: "Only the first member of a removal is removed",
        area: "groups",
        source: &[],
        wrong: "the others stay",
        right: "all of them are gone",
        hooks: &[Hook::Operations(|operations, _, _| {
            for operation in operations.iter_mut() {
                let o = &*operation;
                if op(o) == "remove"
                    && path(o).eq_ignore_ascii_case("members")
                    && let Some(mut list) = value(o).and_then(Value::as_array).cloned()
                {
                    list.truncate(1);
                    set(operation, "value", list);
                }
            }
            None
        })],
    },
    Fault {
        id: "group-members-truncated",
        title: "Only the first members of a group are shown",
        area: "groups",
        source: &[],
        wrong: "3 members",
        right: "all members",
        hooks: &[Hook::After(|call, reply, _| {
            each_group(call, reply, |group| {
                alter(group, "members", |m| {
                    if let Some(list) = m.as_array_mut() {
                        list.truncate(3);
                    }
                });
            });
        })],
    },
    Fault {
        id: "group-member-listed-twice",
        title: "Each member is listed twice",
        area: "groups",
        source: &[],
        wrong: "doubled members",
        right: "each once",
        hooks: &[Hook::After(|call, reply, _| {
            each_group(call, reply, |group| {
                alter(group, "members", |m| {
                    if let Some(list) = m.as_array_mut() {
                        list.extend(list.clone());
                    }
                });
            });
        })],
    },
    Fault {
        id: "group-members-as-strings",
        title: "members is a list of ids",
        area: "groups",
        source: &[],
        wrong: "[\"id\"]",
        right: "[{\"value\": \"id\"}]",
        hooks: &[Hook::After(|call, reply, _| {
            each_group(call, reply, |group| {
                alter(group, "members", |m| {
                    for member in m.as_array_mut().into_iter().flatten() {
                        *member = member["value"].clone();
                    }
                });
            });
        })],
    },
    Fault {
        id: "group-member-ref-wrong",
        title: "$ref of a member points to another endpoint",
        area: "groups",
        source: &[],
        wrong: "…/Groups/{user id}",
        right: "…/Users/{user id}",
        hooks: &[Hook::After(|call, reply, _| {
            each_group(call, reply, |group| {
                alter(group, "members", |m| {
                    for member in m.as_array_mut().into_iter().flatten() {
                        if let Some(link) = member["$ref"].as_str().map(|r| r.replace("/Users/", "/Groups/")) {
                            member["$ref"] = link.into();
                        }
                    }
                });
            });
        })],
    },
    Fault {
        id: "group-member-value-is-username",
        title: "Members are shown with the userName as value",
        area: "groups",
        source: &[],
        wrong: "value is a userName",
        right: "value is the id of the user",
        hooks: &[Hook::After(|call, reply, _| {
            each_group(call, reply, |group| {
                alter(group, "members", |m| {
                    for member in m.as_array_mut().into_iter().flatten() {
                        member["value"] = member["display"].clone();
                    }
                });
            });
        })],
    },
    Fault {
        id: "group-create-without-members-400",
        title: "A group without members is refused",
        area: "groups",
        source: &[],
        wrong: "400",
        right: "201",
        hooks: &[Hook::Before(|call, _| {
            (call.is("POST", Kind::Group) && call.json().is_some() && body_value(call, "members").is_none())
                .then(|| bad("members is required."))
        })],
    },
    Fault {
        id: "group-create-empty-members-500",
        title: "An empty members array crashes the create",
        area: "groups",
        source: &[],
        wrong: "500",
        right: "201",
        hooks: &[Hook::Before(|call, _| {
            (call.is("POST", Kind::Group) && body_value(call, "members") == Some(&json!([]))).then(Reply::crash)
        })],
    },
    Fault {
        id: "group-duplicate-500",
        title: "A group with a taken name crashes the create",
        area: "groups",
        source: &[],
        wrong: "500",
        right: "409, or 201",
        hooks: &[Hook::After(|call, reply, _| {
            if call.is("POST", Kind::Group) && reply.status == 409 {
                *reply = Reply::crash();
            }
        })],
    },
    Fault {
        id: "group-get-omits-members",
        title: "GET of one group never shows members",
        area: "groups",
        source: &[],
        wrong: "no members",
        right: "members unless excluded",
        hooks: &[Hook::After(|call, reply, _| {
            if on_item(call, "GET", Kind::Group) {
                each_group(call, reply, |group| {
                    group.shift_remove("members");
                });
            }
        })],
    },
    Fault {
        id: "group-put-rename-ignored",
        title: "PUT of a group keeps its old name",
        area: "groups",
        source: &[],
        wrong: "200, old name",
        right: "new name",
        hooks: &[Hook::Store(|call, before, after| {
            if let (Some(before), true) = (before, on_item(call, "PUT", Kind::Group)) {
                after["displayName"] = before["displayName"].clone();
            }
        })],
    },
    Fault {
        id: "group-delete-404",
        title: "DELETE of groups is not implemented",
        area: "groups",
        source: &[],
        wrong: "404",
        right: "204",
        hooks: &[Hook::Before(|call, _| (on_item(call, "DELETE", Kind::Group)).then(|| gone("Not found.")))],
    },
    Fault {
        id: "group-delete-with-members-409",
        title: "A group with members can not be deleted",
        area: "groups",
        source: &[],
        wrong: "409",
        right: "204",
        hooks: &[Hook::Before(|call, state| {
            (on_item(call, "DELETE", Kind::Group) && current(call, state).is_some_and(|d| d.get("members").is_some()))
                .then(|| Reply::error(409, None, "The group has members."))
        })],
    },
    Fault {
        id: "group-remove-absent-member-404",
        title: "Removing a member that is not in the group is an error",
        area: "groups",
        source: &[],
        wrong: "404",
        right: "success",
        hooks: &[Hook::Operations(|operations, call, state| {
            let group = current(call, state).filter(|_| call.kind() == Some(Kind::Group))?.to_string();
            let absent = operations.iter().filter(|o| op(o) == "remove").any(|o| {
                let listed = value(o).and_then(Value::as_array).cloned().unwrap_or_default();
                let named = path(o).split('"').nth(1).map(|id| json!({ "value": id }));
                listed.iter().chain(named.iter()).any(|m| !group.contains(m["value"].as_str().unwrap_or_default()))
            });
            absent.then(|| gone("Member not found."))
        })],
    },
    Fault {
        id: "group-nested-500",
        title: "A group as a member crashes",
        area: "groups",
        source: &[],
        wrong: "500",
        right: "success, or 400",
        hooks: &[Hook::Before(|call, state| {
            (call.kind() == Some(Kind::Group)
                && sent_members(call)
                    .iter()
                    .any(|m| m["value"].as_str().is_some_and(|id| state.of(call).get(Kind::Group, id).is_some())))
            .then(Reply::crash)
        })],
    },
    Fault {
        id: "group-replace-members-empty-ignored",
        title: "Replacing the members by an empty list has no effect",
        area: "groups",
        source: &[],
        wrong: "members stay",
        right: "no members",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations.retain(|o| !(op(o) == "replace" && touches(o, "members") && value(o) == Some(&json!([]))));
            None
        })],
    },
    Fault {
        id: "group-external-id-dropped",
        title: "externalId of a group is lost",
        area: "groups",
        source: &[],
        wrong: "no externalId",
        right: "externalId as sent",
        hooks: &[Hook::Store(|call, _, after| {
            if call.kind() == Some(Kind::Group) {
                cut(after, "externalId");
            }
        })],
    },
    Fault {
        id: "groups-endpoint-404",
        title: "There are no groups",
        area: "groups",
        source: &[],
        wrong: "404 for /Groups",
        right: "200",
        hooks: &[Hook::Before(|call, _| (call.kind() == Some(Kind::Group)).then(|| gone("Not found.")))],
    },
    Fault {
        id: "group-patch-adds-member-as-user-name",
        title: "Members added by PATCH are looked up by userName",
        area: "groups",
        source: &[],
        wrong: "400 for an id",
        right: "member added",
        hooks: &[Hook::Before(|call, state| {
            (on_item(call, "PATCH", Kind::Group)
                && sent_members(call)
                    .iter()
                    .any(|m| m["value"].as_str().is_some_and(|id| state.of(call).find(id).is_some())))
            .then(|| bad("Unknown userName."))
        })],
    },
    Fault {
        id: "group-multi-member-add-rejected",
        title: "Several members in one operation are refused",
        area: "groups",
        source: &[],
        wrong: "400",
        right: "all are added",
        hooks: &[Hook::Operations(|operations, call, _| {
            (call.kind() == Some(Kind::Group)
                && operations
                    .iter()
                    .any(|o| touches(o, "members") && value(o).and_then(Value::as_array).is_some_and(|l| l.len() > 1)))
            .then(|| bad("Only one member at a time."))
        })],
    },
    Fault {
        id: "group-displayname-missing-accepted",
        title: "A group without displayName is created",
        area: "groups",
        source: &[],
        wrong: "201",
        right: "400 invalidValue",
        hooks: &[Hook::Before(|call, _| {
            if call.is("POST", Kind::Group) && call.json().is_some() && body_text(call, "displayName").is_none() {
                put_into_body(call, "displayName", format!("group-{}", uuid::Uuid::new_v4()).into());
            }
            None
        })],
    },
];
