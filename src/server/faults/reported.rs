//! Faults from later reports: each a behaviour that no older entry shows, whatever its area.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{
    bad, body_value, conflict, current, filter_text, gone, on_item, op, path, remember, remembers, sent_operations,
    touches, value,
};
use crate::scim::urn;
use crate::server::behaviour::Hook;
use crate::server::call::{Kind, Target};
use crate::server::reply::Reply;
use serde_json::{Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "group-remove-by-shifted-index",
        title: "Several removals in one PATCH use places that the earlier ones have moved",
        area: "groups",
        source: &["https://github.com/FusionAuth/fusionauth-issues/issues/2834"],
        wrong: "other members are removed",
        right: "the named ones are removed",
        hooks: &[Hook::Operations(|operations, call, state| {
            let held = current(call, state)?;
            let members = held.get("members")?.as_array()?.clone();
            let place = |o: &Value| {
                let path = path(o);
                let named = path.strip_prefix("members[value eq \"")?.strip_suffix("\"]")?.to_owned();
                members.iter().position(|m| m["value"] == named.as_str()).filter(|_| op(o) == "remove")
            };
            let places: Vec<usize> = operations.iter().filter_map(place).collect();
            if places.len() < 2 || places.len() < operations.len() {
                return None;
            }
            let mut left = members.clone();
            for place in places {
                if place < left.len() {
                    left.remove(place);
                }
            }
            *operations = vec![json!({ "op": "replace", "path": "members", "value": left })];
            None
        })],
    },
    Fault {
        id: "group-last-member-operation-wins",
        title: "Of several additions in one PATCH only the last counts",
        area: "groups",
        source: &[],
        wrong: "one member",
        right: "all of them",
        hooks: &[Hook::Operations(|operations, _, _| {
            let adds = |o: &Value| op(o) == "add" && touches(o, "members");
            let last = operations.iter().rposition(adds)?;
            let mut at = 0;
            operations.retain(|o| {
                at += 1;
                !adds(o) || at - 1 == last
            });
            None
        })],
    },
    Fault {
        id: "resourcetypes-total-wrong",
        title: "totalResults of /ResourceTypes is not the number of entries",
        area: "discovery",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/320"],
        wrong: "one more than there are",
        right: "the number of entries",
        hooks: &[Hook::After(|call, reply, _| {
            if call.target == Target::ResourceTypes(None)
                && let Some(body) = reply.body_mut()
            {
                let entries = body.get("Resources").and_then(Value::as_array).map_or(0, Vec::len);
                body.insert("totalResults".into(), (entries + 1).into());
            }
        })],
    },
    Fault {
        id: "rename-keeps-old-user-name",
        title: "The old userName of a renamed user stays reserved",
        area: "patch",
        source: &[],
        wrong: "POST of the old name: 409",
        right: "201",
        hooks: &[
            Hook::Before(|call, state| {
                let name = body_value(call, "userName").and_then(Value::as_str).unwrap_or_default().to_lowercase();
                if call.is("POST", Kind::User) && remembers(call, state, "old-user-names", &name.into()) {
                    return Some(conflict());
                }
                if matches!(call.method.as_str(), "PUT" | "PATCH") && call.kind() == Some(Kind::User) {
                    call.memo = current(call, state).map(|d| d["userName"].clone());
                }
                None
            }),
            Hook::After(|call, _, state| {
                let Some(old) = call.memo.clone() else { return };
                if current(call, state).is_some_and(|d| d["userName"] != old) {
                    remember(call, state, "old-user-names", old.as_str().unwrap_or_default().to_lowercase().into());
                }
            }),
        ],
    },
    Fault {
        id: "filter-ampersand-cuts",
        title: "An encoded ampersand in a filter ends the parameter",
        area: "match/filter",
        source: &[],
        wrong: "400, or another result",
        right: "the ampersand is part of the value",
        hooks: &[Hook::Before(|call, _| filter_text(call).contains('&').then(|| bad("The filter is not complete.")))],
    },
    Fault {
        id: "user-groups-keep-removed",
        title: "A user's groups still name a group that the user was taken out of",
        area: "groups",
        source: &[],
        wrong: "groups lists it",
        right: "empty",
        hooks: &[Hook::After(|call, reply, state| {
            let Some(Kind::User) = call.kind() else { return };
            for user in reply.resources() {
                let id = user.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
                let now: Vec<Value> = user.get("groups").and_then(Value::as_array).cloned().unwrap_or_default();
                for group in now {
                    let kept = json!([id, group]);
                    if !remembers(call, state, "groups-shown", &kept) {
                        remember(call, state, "groups-shown", kept);
                    }
                }
                let all: Vec<Value> = state.of(call).scratch.get("groups-shown").cloned().unwrap_or_default();
                let mine: Vec<Value> = all.iter().filter(|k| k[0] == id.as_str()).map(|k| k[1].clone()).collect();
                if !mine.is_empty() && user.contains_key("schemas") {
                    user.insert("groups".into(), mine.into());
                }
            }
        })],
    },
    Fault {
        id: "patch-add-single-object-ignored",
        title: "add of one object to a multi-valued attribute is ignored",
        area: "patch",
        source: &[],
        wrong: "200, not there",
        right: "appended",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations.retain(|o| {
                let single = value(o).is_some_and(Value::is_object);
                !(op(o) == "add"
                    && single
                    && ["emails", "phoneNumbers", "addresses", "members"].contains(&path(o).as_str()))
            });
            None
        })],
    },
    Fault {
        id: "patch-replace-whole-element-ignored",
        title: "replace of a whole element selected by a filter is ignored",
        area: "patch",
        source: &[],
        wrong: "200, the old element",
        right: "the new one",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations
                .retain(|o| !(op(o) == "replace" && path(o).ends_with(']') && value(o).is_some_and(Value::is_object)));
            None
        })],
    },
    Fault {
        id: "patch-external-id-ignored",
        title: "externalId can not be changed by PATCH",
        area: "patch",
        source: &[],
        wrong: "200, the old one",
        right: "the new one",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations.retain(|o| !path(o).eq_ignore_ascii_case("externalId"));
            None
        })],
    },
    Fault {
        id: "delete-inactive-user-404",
        title: "A deactivated user can not be deleted",
        area: "deactivate",
        source: &[],
        wrong: "DELETE: 404",
        right: "204",
        hooks: &[Hook::Before(|call, state| {
            let inactive = current(call, state).is_some_and(|d| d["active"] == false);
            (on_item(call, "DELETE", Kind::User) && inactive).then(|| gone("No such user."))
        })],
    },
    Fault {
        id: "group-get-after-member-deleted-500",
        title: "A group with a deleted member can not be read",
        area: "groups",
        source: &[],
        wrong: "500",
        right: "200",
        hooks: &[Hook::Before(|call, state| {
            if on_item(call, "DELETE", Kind::User)
                && let Some(id) = call.id().map(str::to_owned)
            {
                let groups: Vec<Value> =
                    state.of(call).groups_of(&id).iter().map(|g| Value::String(g.id.clone())).collect();
                groups.into_iter().for_each(|g| remember(call, state, "broken-groups", g));
            }
            let broken = call.id().is_some_and(|id| remembers(call, state, "broken-groups", &id.into()));
            (on_item(call, "GET", Kind::Group) && broken).then(Reply::crash)
        })],
    },
    Fault {
        id: "manager-unknown-500",
        title: "A manager who does not exist crashes the server",
        area: "create",
        source: &[],
        wrong: "500",
        right: "201 or 400",
        hooks: &[Hook::Before(|call, state| {
            let manager = body_value(call, urn::ENTERPRISE)?.get("manager")?.get("value")?.as_str()?.to_owned();
            let unknown = call.kind() == Some(Kind::User) && state.of(call).get(Kind::User, &manager).is_none();
            unknown.then(Reply::crash)
        })],
    },
    Fault {
        id: "sort-by-nested-ignored",
        title: "sortBy on a sub-attribute is ignored",
        area: "pagination",
        source: &[],
        wrong: "unsorted",
        right: "sorted",
        hooks: &[Hook::Before(|call, _| {
            call.query.retain(|(k, v)| !(k.eq_ignore_ascii_case("sortBy") && v.contains('.')));
            None
        })],
    },
    Fault {
        id: "members-set-twice-in-one-patch",
        title: "remove and add of members in one PATCH: the removal is lost",
        area: "groups",
        source: &[],
        wrong: "the removed one stays",
        right: "it is gone",
        hooks: &[Hook::Operations(|operations, _, _| {
            let adds = operations.iter().any(|o| op(o) == "add" && touches(o, "members"));
            if adds {
                operations.retain(|o| !(op(o) == "remove" && touches(o, "members")));
            }
            None
        })],
    },
    Fault {
        id: "patch-boolean-from-text-stored",
        title: "A Boolean sent as text is stored and shown as text",
        area: "patch",
        source: &[],
        wrong: "\"active\":\"False\"",
        right: "false",
        hooks: &[Hook::After(|call, reply, state| {
            let id = call.id().unwrap_or_default().to_owned();
            let text =
                sent_operations(call).iter().any(|o| path(o) == "active" && value(o).is_some_and(Value::is_string));
            if text {
                remember(call, state, "text-active", id.clone().into());
            }
            if remembers(call, state, "text-active", &id.into()) && call.kind() == Some(Kind::User) {
                for user in reply.resources() {
                    if let Some(active) = user.get("active").and_then(Value::as_bool) {
                        user.insert("active".into(), if active { "True" } else { "False" }.into());
                    }
                }
            }
        })],
    },
];
