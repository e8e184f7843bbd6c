//! Faults where a request for one thing does another, or where a condition aside decides: memberships, references, parameters.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{
    bad, body_text, conflict, current, cut, each_group, filter_text_has, forget, move_id, never, on_item, op, path,
    remember, sent_members, sent_operations, set, touches, value,
};
use crate::scim::schema::builtin_schema;
use crate::scim::urn;
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind, Target};
use crate::server::reply::Reply;
use crate::server::state::State;
use serde_json::{Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "put-user-leaves-groups",
        title: "PUT of a user takes the user out of every group",
        area: "put",
        source: &[],
        wrong: "no longer a member",
        right: "the memberships as before",
        hooks: &[Hook::After(|call, reply, state| leave_groups(call, reply, state, "PUT"))],
    },
    Fault {
        id: "patch-user-leaves-groups",
        title: "PATCH of a user takes the user out of every group",
        area: "patch",
        source: &[],
        wrong: "no longer a member",
        right: "the memberships as before",
        hooks: &[Hook::After(|call, reply, state| leave_groups(call, reply, state, "PATCH"))],
    },
    Fault {
        id: "patch-name-conflict-400",
        title: "PATCH to a taken userName is called an invalid value",
        area: "patch",
        source: &[],
        wrong: "400 invalidValue",
        right: "409 uniqueness",
        hooks: &[Hook::After(|call, reply, _| {
            if call.method == "PATCH" && reply.status == 409 {
                *reply = bad("The value is not valid.");
            }
        })],
    },
    Fault {
        id: "patch-name-conflict-500",
        title: "PATCH to a taken userName crashes",
        area: "patch",
        source: &[],
        wrong: "500",
        right: "409 uniqueness",
        hooks: &[Hook::After(|call, reply, _| {
            if call.method == "PATCH" && reply.status == 409 {
                *reply = Reply::crash();
            }
        })],
    },
    Fault {
        id: "create-password-required",
        title: "A user without a password is refused",
        area: "create",
        source: &[],
        wrong: "400",
        right: "201",
        hooks: &[Hook::Before(|call, _| {
            (call.is("POST", Kind::User)
                && matches!(call.target, Target::Collection(_))
                && body_text(call, "password").is_none())
            .then(|| bad("password is required."))
        })],
    },
    Fault {
        id: "group-member-ref-required",
        title: "A member without $ref is refused",
        area: "groups",
        source: &[],
        wrong: "400",
        right: "200",
        hooks: &[Hook::Before(|call, _| {
            let bare = |m: &Value| m.is_object() && m.get("$ref").is_none();
            (call.kind() == Some(Kind::Group) && sent_members(call).iter().any(bare))
                .then(|| bad("$ref of a member is required."))
        })],
    },
    Fault {
        id: "patch-attributes-204",
        title: "PATCH with the attributes parameter answers 204",
        area: "patch",
        source: &[],
        wrong: "204",
        right: "200 with these attributes",
        hooks: &[Hook::After(|call, reply, _| {
            if call.method == "PATCH" && call.param("attributes").is_some() && reply.ok() {
                *reply = Reply::empty(204);
            }
        })],
    },
    Fault {
        id: "location-names-inner-host",
        title: "Locations name the host behind the proxy",
        area: "schema",
        source: &[],
        wrong: "http://app:8080/Users/…",
        right: "the address that the client called",
        hooks: &[Hook::Before(|call, _| {
            call.base = "http://app:8080".to_owned();
            None
        })],
    },
    Fault {
        id: "bulk-not-stored",
        title: "Bulk answers 201 for what it does not store",
        area: "bulk",
        source: &[],
        wrong: "404 for the location of a 201",
        right: "200",
        hooks: &[Hook::After(|call, reply, state| {
            let Some(body) = reply.body().filter(|_| call.path.ends_with("/Bulk")) else { return };
            let made: Vec<String> = body["Operations"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|o| o["method"] == "POST")
                .filter_map(|o| Some(o["location"].as_str()?.rsplit('/').next()?.to_owned()))
                .collect();
            for id in made {
                for kind in [Kind::User, Kind::Group] {
                    state.of_mut(call).remove(kind, &id);
                }
            }
        })],
    },
    Fault {
        id: "group-schema-is-user",
        title: "Groups name the schema of users",
        area: "schema",
        source: &[],
        wrong: "\"schemas\":[\"…:core:2.0:User\"]",
        right: "\"schemas\":[\"…:core:2.0:Group\"]",
        hooks: &[Hook::After(|call, reply, _| {
            each_group(call, reply, |group| {
                group.insert("schemas".into(), json!([urn::USER]));
            });
        })],
    },
    Fault {
        id: "group-rename-changes-id",
        title: "A renamed group has another id",
        area: "groups",
        source: &[],
        wrong: "404 for the old id",
        right: "the same id",
        hooks: &[Hook::After(|call, reply, state| {
            let renamed = sent_operations(call).iter().any(|o| touches(o, "displayName"));
            if call.kind() == Some(Kind::Group) && call.method == "PATCH" && renamed && reply.ok() {
                let new = format!("{}-r", call.id().unwrap_or_default().trim_end_matches("-r"));
                move_id(call, reply, state, Kind::Group, &new);
            }
        })],
    },
    Fault {
        id: "patch-name-object-clears-siblings",
        title: "Replacing name with one sub-attribute clears the others",
        area: "patch",
        source: &[],
        wrong: "no givenName",
        right: "only the named sub-attributes change",
        hooks: &[Hook::Store(|call, _, after| {
            for operation in sent_operations(call).iter().filter(|o| path(o).eq_ignore_ascii_case("name")) {
                if let Some(sent) = value(operation).filter(|v| v.is_object()) {
                    after["name"] = sent.clone();
                }
            }
        })],
    },
    Fault {
        id: "put-external-id-ignored",
        title: "PUT does not change the externalId",
        area: "put",
        source: &[],
        wrong: "the old externalId",
        right: "the new one",
        hooks: &[Hook::Store(|call, before, after| {
            if let Some(old) = before.and_then(|b| b.get("externalId")).filter(|_| call.is("PUT", Kind::User)) {
                after["externalId"] = old.clone();
            }
        })],
    },
    Fault {
        id: "group-put-clears-external-id",
        title: "PUT of a group loses its externalId",
        area: "groups",
        source: &[],
        wrong: "no externalId",
        right: "what was sent",
        hooks: &[Hook::Store(|call, _, after| {
            if call.is("PUT", Kind::Group) {
                cut(after, "externalId");
            }
        })],
    },
    Fault {
        id: "group-filter-external-id-empty",
        title: "Groups are not found by externalId",
        area: "match/filter",
        source: &[],
        wrong: "0",
        right: "1",
        hooks: &[Hook::List(|query, call, _| {
            if call.lists(Kind::Group) && filter_text_has(query, "externalid") {
                query.filter = Some(never());
            }
            None
        })],
    },
    Fault {
        id: "filter-lost-beside-attributes",
        title: "With attributes or excludedAttributes the filter is ignored",
        area: "match/filter",
        source: &[],
        wrong: "everybody",
        right: "the match",
        hooks: &[Hook::List(|query, _, _| {
            if !query.attributes.is_empty() || !query.excluded.is_empty() {
                query.filter = None;
            }
            None
        })],
    },
    Fault {
        id: "filter-lost-beside-count",
        title: "With a count of one the first entry of all is answered",
        area: "match/filter",
        source: &[],
        wrong: "somebody else",
        right: "the match",
        hooks: &[Hook::List(|query, _, _| {
            if query.asked == Some(1) {
                query.filter = None;
            }
            None
        })],
    },
    Fault {
        id: "patch-unknown-attribute-500",
        title: "PATCH of an undeclared attribute crashes",
        area: "patch",
        source: &[],
        wrong: "500",
        right: "400 invalidPath, or ignored",
        hooks: &[Hook::Operations(|operations, call, _| {
            let user = builtin_schema(urn::USER);
            let common = ["externalId", "id", "meta", "schemas"];
            let strange = |o: &Value| {
                let name = path(o);
                let known = user.as_ref().is_some_and(|u| u.attribute(&name).is_some());
                !name.is_empty() && !name.contains([':', '[', '.']) && !known && !common.contains(&name.as_str())
            };
            (call.kind() == Some(Kind::User) && operations.iter().any(strange)).then(Reply::crash)
        })],
    },
    Fault {
        id: "group-add-known-and-new-drops-new",
        title: "Of an added list with a member who is there nothing is added",
        area: "groups",
        source: &[],
        wrong: "the new one is missing",
        right: "both are members",
        hooks: &[Hook::Operations(|operations, call, state| {
            let members = current(call, state).map(|g| g["members"].clone()).unwrap_or_default();
            let there = |m: &Value| members.as_array().is_some_and(|all| all.iter().any(|a| a["value"] == m["value"]));
            operations.retain(|o| {
                let list = value(o).and_then(Value::as_array);
                op(o) != "add" || !touches(o, "members") || !list.is_some_and(|l| l.iter().any(there))
            });
            None
        })],
    },
    Fault {
        id: "patch-phone-path-ignored",
        title: "A phone number can not be set by a value path",
        area: "patch",
        source: &[],
        wrong: "no mobile number",
        right: "the number",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations.retain(|o| !path(o).to_lowercase().starts_with("phonenumbers["));
            None
        })],
    },
    Fault {
        id: "patch-address-path-ignored",
        title: "A part of an address can not be set by a value path",
        area: "patch",
        source: &[],
        wrong: "no locality",
        right: "the locality",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations.retain(|o| !path(o).to_lowercase().starts_with("addresses["));
            None
        })],
    },
    Fault {
        id: "patch-beside-active-ignored",
        title: "What stands beside active in one value is ignored",
        area: "patch",
        source: &[],
        wrong: "only active changes",
        right: "all of the value",
        hooks: &[Hook::Operations(|operations, _, _| {
            for operation in operations.iter_mut() {
                if let Some(active) = value(operation).and_then(|v| v.get("active")).cloned() {
                    set(operation, "value", json!({ "active": active }));
                }
            }
            None
        })],
    },
    Fault {
        id: "create-refused-after-conflict",
        title: "After a conflict the next create is refused, too",
        area: "create",
        source: &[],
        wrong: "409 for a free name",
        right: "201",
        hooks: &[
            Hook::Before(|call, state| {
                let refused = call.is("POST", Kind::User) && forget(call, state, "conflicted", &Value::Bool(true));
                refused.then(conflict)
            }),
            Hook::After(|call, reply, state| {
                if call.is("POST", Kind::User) && reply.status == 409 {
                    remember(call, state, "conflicted", Value::Bool(true));
                }
            }),
        ],
    },
    Fault {
        id: "delete-user-with-groups-409",
        title: "A user who is in a group can not be deleted",
        area: "deactivate",
        source: &[],
        wrong: "409",
        right: "204",
        hooks: &[Hook::Before(|call, state| {
            let id = call.id().filter(|_| on_item(call, "DELETE", Kind::User))?;
            (!state.of(call).groups_of(id).is_empty()).then(|| Reply::error(409, None, "The user is in a group."))
        })],
    },
];

/// Takes the user of a call out of all groups.
fn leave_groups(call: &Call, reply: &Reply, state: &mut State, method: &str) {
    let Some(id) = call.id().filter(|_| on_item(call, method, Kind::User) && reply.ok()).map(str::to_owned) else {
        return;
    };
    let tenant = state.of_mut(call);
    let groups: Vec<(String, Value)> =
        tenant.groups_of(&id).into_iter().map(|g| (g.id.clone(), g.document())).collect();
    for (group, mut document) in groups {
        if let Some(members) = document["members"].as_array_mut() {
            members.retain(|m| m["value"] != id.as_str());
        }
        tenant.update(Kind::Group, &group, &document);
    }
}
