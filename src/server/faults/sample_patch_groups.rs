//! Faults of public servers, a third sample: PATCH and PUT of groups.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::mined_writes::{in_pathless, inner};
use super::tools::{
    bad, body_value, current, cut, each_group, gone, lists, on_item, op, path, remember, remembers, sent_members,
    sent_operations, touches, value,
};
use crate::scim::value::get_ci;
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind};
use crate::server::reply::Reply;
use crate::server::state::State;
use serde_json::{Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "group-remove-two-conditions-ignored",
        title: "A removal with two conditions in its filter is answered with success and removes nobody",
        area: "groups",
        source: &["https://github.com/wso2/product-is/issues/7040"],
        wrong: "200, the member is there",
        right: "the member is gone",
        hooks: &[Hook::Operations(|operations, _, _| {
            let two = |o: &Value| inner(&path(o)).is_some_and(|i| i.to_ascii_lowercase().contains(" and "));
            operations.retain(|o| !(op(o) == "remove" && touches(o, "members") && two(o)));
            None
        })],
    },
    Fault {
        id: "group-put-empties",
        title: "PUT of a group with members answers success and stores none",
        area: "groups",
        source: &["https://github.com/gravitational/teleport/issues/67372"],
        wrong: "200, no members",
        right: "the members that were sent",
        hooks: &[Hook::Store(|call, _, document| {
            if on_item(call, "PUT", Kind::Group) {
                cut(document, "members");
            }
        })],
    },
    Fault {
        id: "list-omits-nested-members",
        title: "The list of groups lacks the groups among the members, GET by id has them",
        area: "groups",
        source: &["https://github.com/fleetdm/fleet/issues/52501"],
        wrong: "members without the nested group",
        right: "the same members",
        hooks: &[Hook::After(|call, reply, state| {
            if !lists(call) {
                return;
            }
            for group in reply.resources() {
                if let Some(members) = group.get_mut("members").and_then(Value::as_array_mut) {
                    members.retain(|m| !is_group(m, call, state));
                }
            }
        })],
    },
    Fault {
        id: "group-refused-patch-renames",
        title: "A PATCH of a group that is refused for a member renames it all the same",
        area: "groups",
        source: &["https://github.com/Tr3kkR/Yuzu/pull/2127"],
        wrong: "400, and the group has the new name",
        right: "400, and nothing changed",
        hooks: &[Hook::After(|call, reply, state| {
            let refused = on_item(call, "PATCH", Kind::Group) && reply.status == 400;
            let name = sent_operations(call).iter().find_map(new_name).filter(|n| refused && !n.is_empty());
            if let (Some(name), Some(mut group), Some(id)) = (name, current(call, state), call.id().map(str::to_owned))
            {
                group["displayName"] = name.into();
                state.of_mut(call).update(Kind::Group, &id, &group);
            }
        })],
    },
    Fault {
        id: "group-clear-and-add-400",
        title: "Removing all members and adding one in the same PATCH is refused",
        area: "groups",
        source: &["https://github.com/jelhub/scimgateway/issues/16"],
        wrong: "400",
        right: "200, the new member alone",
        hooks: &[Hook::Operations(|operations, _, _| {
            let clears = |o: &Value| op(o) == "remove" && path(o) == "members" && value(o).is_none();
            let adds = |o: &Value| op(o) == "add" && touches(o, "members");
            (operations.iter().any(clears) && operations.iter().any(adds)).then(|| bad("Compound operations"))
        })],
    },
    Fault {
        id: "group-pathless-empty-members-ignored",
        title: "An empty list of members beside the name, without a path, changes nothing",
        area: "groups",
        source: &["https://github.com/jelhub/scimgateway/issues/113"],
        wrong: "200, the members are still there",
        right: "200, no members",
        hooks: &[Hook::Operations(|operations, _, _| {
            for operation in operations.iter_mut().filter(|o| op(o) == "replace") {
                in_pathless(operation, |map| map.retain(|k, v| k != "members" || v != &json!([])));
            }
            None
        })],
    },
    Fault {
        id: "group-rename-by-path-400",
        title: "Renaming a group by path is refused",
        area: "groups",
        // Fixed issues of Archer SCIM Release 1.1, SCIM-424; the page is known by its text alone.
        source: &[],
        wrong: "400: renaming is not supported",
        right: "200",
        hooks: &[Hook::Operations(|operations, call, _| {
            let by_path = operations.iter().any(|o| path(o).eq_ignore_ascii_case("displayName"));
            (call.kind() == Some(Kind::Group) && by_path).then(|| bad("Renaming a group is not supported."))
        })],
    },
    Fault {
        id: "group-remove-takes-nested",
        title: "Removing a user from a group removes its nested groups as well",
        area: "groups",
        source: &["https://github.com/cloudfoundry/uaa/issues/765"],
        wrong: "the nested group is gone",
        right: "the nested group stays",
        hooks: &[Hook::After(|call, reply, state| {
            let removes = sent_operations(call).iter().any(|o| op(o) == "remove" && touches(o, "members"));
            let Some(mut group) = current(call, state) else { return };
            if !(on_item(call, "PATCH", Kind::Group) && removes && reply.ok()) {
                return;
            }
            for members in [group.get_mut("members"), reply.body_mut().and_then(|b| b.get_mut("members"))] {
                if let Some(members) = members.and_then(Value::as_array_mut) {
                    members.retain(|m| !is_group(m, call, state));
                }
            }
            let id = call.id().unwrap_or_default().to_owned();
            state.of_mut(call).update(Kind::Group, &id, &group);
        })],
    },
    Fault {
        id: "group-put-other-display-400",
        title: "PUT of a group is refused when a member who is there has another display",
        area: "groups",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/292"],
        wrong: "400 mutability",
        right: "200",
        hooks: &[Hook::Before(|call, state| {
            let held = current(call, state).filter(|_| on_item(call, "PUT", Kind::Group))?;
            let other = |m: &Value| {
                let id = m["value"].as_str()?;
                let shown = &state.of(call).get(Kind::User, id)?.display;
                Some(ids(held.get("members")).iter().any(|h| h == id) && m["display"].as_str()? != shown)
            };
            sent_members(call)
                .iter()
                .any(|m| other(m) == Some(true))
                .then(|| Reply::error(400, Some("mutability"), "attribute members is immutable"))
        })],
    },
    Fault {
        id: "group-put-fewer-members-400",
        title: "PUT of a group with fewer members is refused, because members is immutable",
        area: "groups",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/697"],
        wrong: "400 mutability",
        right: "200",
        hooks: &[Hook::Before(|call, state| {
            let held = current(call, state).filter(|_| on_item(call, "PUT", Kind::Group))?;
            let sent = ids(body_value(call, "members"));
            ids(held.get("members"))
                .iter()
                .any(|m| !sent.contains(m))
                .then(|| Reply::error(400, Some("mutability"), "attribute members is immutable"))
        })],
    },
    Fault {
        id: "group-remove-nobody-500",
        title: "Removing a user whom the server does not know crashes",
        area: "groups",
        source: &["https://github.com/wso2/product-is/issues/16097"],
        wrong: "500",
        right: "200, or 400",
        hooks: &[Hook::Operations(|operations, call, state| {
            let unknown = |id: &String| state.of(call).find(id).is_none();
            let nobody = |o: &Value| {
                let mut all = ids(value(o));
                all.extend(inner(&path(o)).and_then(|i| Some(i.split('"').nth(1)?.to_owned())));
                op(o) == "remove" && touches(o, "members") && all.iter().any(unknown)
            };
            (call.kind() == Some(Kind::Group) && operations.iter().any(nobody)).then(Reply::crash)
        })],
    },
    Fault {
        id: "group-own-member-500",
        title: "A group that is a member of itself cannot be changed any more",
        area: "groups",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/850"],
        wrong: "500",
        right: "200, or a refusal of the membership",
        hooks: &[Hook::Before(|call, state| {
            let group = current(call, state)?;
            let own = ids(group.get("members")).iter().any(|m| Some(m.as_str()) == call.id());
            (matches!(call.method.as_str(), "PUT" | "PATCH") && call.kind() == Some(Kind::Group) && own)
                .then(Reply::crash)
        })],
    },
    Fault {
        id: "group-add-after-member-deleted-404",
        title: "Nobody can be added to a group once a member of it was deleted",
        area: "groups",
        source: &["https://github.com/wso2/product-is/issues/11233"],
        wrong: "404: the deleted user does not exist",
        right: "200",
        hooks: &[Hook::Before(|call, state| {
            let id = call.id()?.to_owned();
            if on_item(call, "DELETE", Kind::User) {
                let groups: Vec<Value> = state.of(call).groups_of(&id).iter().map(|g| g.id.clone().into()).collect();
                groups.into_iter().for_each(|g| remember(call, state, "orphaned", g));
            }
            let adds = sent_operations(call).iter().any(|o| op(o) == "add" && touches(o, "members"));
            (on_item(call, "PATCH", Kind::Group) && adds && remembers(call, state, "orphaned", &id.into()))
                .then(|| gone("User does not exist in: PRIMARY"))
        })],
    },
    Fault {
        id: "group-membership-keeps-modified",
        title: "A change of the members does not move lastModified of the group",
        area: "groups",
        source: &["https://github.com/wso2/product-is/issues/22244", "https://github.com/wso2/product-is/issues/5390"],
        wrong: "the time of the create",
        right: "the time of the change",
        hooks: &[Hook::After(|call, reply, state| {
            let members = sent_operations(call).iter().any(|o| touches(o, "members"));
            if !(on_item(call, "PATCH", Kind::Group) && reply.ok() && members) {
                return;
            }
            let id = call.id().unwrap_or_default().to_owned();
            if let Some(record) = state.of_mut(call).get_mut(Kind::Group, &id) {
                record.modified = record.created;
                let created = reply.body().and_then(|b| b.get("meta")?.get("created").cloned());
                if let (Some(body), Some(created)) = (reply.body_mut(), created) {
                    body["meta"]["lastModified"] = created;
                }
            }
        })],
    },
    Fault {
        id: "group-replace-ignored",
        title: "replace is ignored for groups, add and remove work",
        area: "groups",
        source: &["https://github.com/pydantic/logfire/pull/2356"],
        wrong: "204, unchanged",
        right: "the change, or a refusal",
        hooks: &[Hook::Operations(|operations, call, _| {
            if call.kind() == Some(Kind::Group) {
                operations.retain(|o| op(o) != "replace");
            }
            None
        })],
    },
    Fault {
        id: "group-lower-case-op-ignored",
        title: "Operations of groups work with a capital letter alone, others are ignored",
        area: "groups",
        source: &["https://github.com/pydantic/logfire/pull/2356"],
        wrong: "204, unchanged",
        right: "the change",
        hooks: &[Hook::Operations(|operations, call, _| {
            let capital = |o: &Value| {
                let word = o.as_object().and_then(|m| get_ci(m, "op")).and_then(Value::as_str).unwrap_or_default();
                word.starts_with(|c: char| c.is_ascii_uppercase())
            };
            if call.kind() == Some(Kind::Group) {
                operations.retain(capital);
            }
            None
        })],
    },
    Fault {
        id: "group-patch-answer-without-members",
        title: "The answer to a PATCH of a group shows no members",
        area: "groups",
        source: &["https://github.com/Infisical/infisical/pull/2138"],
        wrong: "\"members\": [] in the answer, the members in the read",
        right: "the whole group",
        hooks: &[Hook::After(|call, reply, _| {
            if on_item(call, "PATCH", Kind::Group) && reply.ok() {
                each_group(call, reply, |group| {
                    if group.contains_key("members") {
                        group.insert("members".into(), json!([]));
                    }
                });
            }
        })],
    },
];

/// Whether a member is a group.
fn is_group(member: &Value, call: &Call, state: &State) -> bool {
    member["value"].as_str().is_some_and(|id| state.of(call).get(Kind::Group, id).is_some())
}

/// The ids in a list of members.
fn ids(members: Option<&Value>) -> Vec<String> {
    let all = members.and_then(Value::as_array).into_iter().flatten();
    all.filter_map(|m| m["value"].as_str()).map(str::to_owned).collect()
}

/// The name that an operation gives to a group.
fn new_name(operation: &Value) -> Option<String> {
    let given = value(operation).filter(|_| touches(operation, "displayName"))?;
    given.as_str().or_else(|| given.get("displayName")?.as_str()).map(str::to_owned)
}
