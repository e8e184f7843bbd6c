//! Faults: deactivation, reactivation and deletion.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{
    alter, bad, current, each_user, filter_text, gone, move_id, on_item, op, path, remember, remembers,
    sent_operations, touches, value,
};
use crate::scim::urn;
use crate::server::behaviour::Hook;
use crate::server::call::Kind;
use crate::server::reply::Reply;
use serde_json::{Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "deactivate-response-404",
        title: "Deactivation works but is answered 404",
        area: "deactivate",
        source: &["https://github.com/harness/harness-core/pull/48592"],
        wrong: "404 User not found, user inactive",
        right: "200",
        hooks: &[Hook::After(|call, reply, state| {
            let inactive = current(call, state).is_some_and(|d| d["active"] == false);
            let asks = sent_operations(call).iter().any(|o| touches(o, "active"));
            if on_item(call, "PATCH", Kind::User) && asks && inactive && reply.ok() {
                *reply = gone("User not found.");
            }
        })],
    },
    Fault {
        id: "delete-unknown-204",
        title: "DELETE of an unknown id succeeds",
        area: "deactivate",
        source: &["https://github.com/wso2/charon/issues/118", "https://github.com/wireapp/wire-server/pull/660"],
        wrong: "204",
        right: "404",
        hooks: &[Hook::After(|call, reply, _| {
            if call.method == "DELETE" && reply.status == 404 && call.id().is_some() {
                *reply = Reply::empty(204);
            }
        })],
    },
    Fault {
        id: "delete-user-remains-group-member",
        title: "Deleted user stays a group member",
        area: "deactivate",
        source: &["https://github.com/Tr3kkR/Yuzu/issues/2130"],
        wrong: "member still listed",
        right: "member gone",
        hooks: &[Hook::Switch(|b| b.delete_cleans_groups = false)],
    },
    Fault {
        id: "list-reports-stale-active",
        title: "List reports active from another source than GET by id",
        area: "deactivate",
        source: &["https://github.com/wundergraph/cosmo/pull/3097"],
        wrong: "by id false, list true",
        right: "both false",
        hooks: &[Hook::After(|call, reply, _| {
            if call.lists(Kind::User) {
                each_user(call, reply, |user| alter(user, "active", |a| *a = true.into()));
            }
        })],
    },
    Fault {
        id: "patch-active-add-op-rejected",
        title: "op Add refused for active",
        area: "deactivate",
        source: &[
            "https://github.com/rancher/rancher/issues/54025",
            "https://github.com/getsentry/self-hosted/issues/3573",
        ],
        wrong: "400",
        right: "200, active:false",
        hooks: &[Hook::Operations(|operations, call, _| {
            (call.kind() == Some(Kind::User) && operations.iter().any(|o| op(o) == "add" && touches(o, "active")))
                .then(|| bad("add is not possible for active."))
        })],
    },
    Fault {
        id: "patch-active-ignored",
        title: "PATCH of active is a no-op with 200",
        area: "deactivate",
        source: &["https://github.com/NorthlandPositronics/Cogtrix/issues/122"],
        wrong: "200, active stays true",
        right: "200, active:false",
        hooks: &[Hook::Store(|call, before, after| {
            if on_item(call, "PATCH", Kind::User)
                && let Some(active) = before.and_then(|b| b.get("active"))
            {
                after["active"] = active.clone();
            }
        })],
    },
    Fault {
        id: "patch-active-true-rejected",
        title: "Only active:false can be patched",
        area: "deactivate",
        source: &[
            "https://github.com/getsentry/sentry-docs/issues/16258",
            "https://github.com/FusionAuth/fusionauth-issues/issues/3311",
        ],
        wrong: "400 \"Invalid Patch Operation\"",
        right: "200",
        hooks: &[Hook::Operations(|operations, _, _| {
            let activates = |o: &Value| {
                let v = value(o).map(|v| v.get("active").unwrap_or(v).clone()).unwrap_or_default();
                touches(o, "active") && (v == true || v.as_str().is_some_and(|s| s.eq_ignore_ascii_case("true")))
            };
            operations.iter().any(activates).then(|| bad("Invalid Patch Operation"))
        })],
    },
    Fault {
        id: "patch-pathless-500",
        title: "PATCH without path crashes",
        area: "deactivate",
        source: &[
            "https://github.com/Metatavu/keycloak-scim-server/issues/95",
            "https://github.com/Metatavu/keycloak-scim-server/pull/97",
        ],
        wrong: "500, nothing changed",
        right: "200, active:false",
        hooks: &[Hook::Operations(|operations, call, _| {
            let pathless = operations.iter().any(|o| path(o).is_empty());
            (call.kind() == Some(Kind::User) && pathless).then(Reply::crash)
        })],
    },
    Fault {
        id: "put-active-false-ignored",
        title: "PUT with active:false does not deactivate",
        area: "deactivate",
        source: &[
            "https://github.com/FusionAuth/fusionauth-issues/issues/1871",
            "https://github.com/coder/coder/issues/15828",
        ],
        wrong: "200, active true",
        right: "active false",
        hooks: &[Hook::Store(|call, before, after| {
            if on_item(call, "PUT", Kind::User) && after["active"] == false {
                after["active"] = before.map_or(json!(true), |b| b["active"].clone());
            }
        })],
    },
    Fault {
        id: "get-hides-inactive-users",
        title: "GET by id hides inactive users",
        area: "deactivate",
        source: &[],
        wrong: "404",
        right: "200 with active false",
        hooks: &[Hook::Before(|call, state| {
            (on_item(call, "GET", Kind::User) && current(call, state).is_some_and(|d| d["active"] == false))
                .then(|| gone("User not found."))
        })],
    },
    Fault {
        id: "list-hides-inactive-users",
        title: "Lists leave inactive users out",
        area: "deactivate",
        source: &[],
        wrong: "not listed",
        right: "listed with active false",
        hooks: &[Hook::After(|call, reply, _| {
            let Some(body) = reply.body_mut().filter(|_| call.lists(Kind::User) && filter_text(call).is_empty()) else {
                return;
            };
            let Some(list) = body.get_mut("Resources").and_then(Value::as_array_mut) else {
                return;
            };
            let size = list.len();
            list.retain(|u| u["active"] != false);
            let (left, hidden) = (list.len(), size - list.len());
            let total = body.get("totalResults").and_then(Value::as_u64).unwrap_or_default();
            body.insert("totalResults".into(), total.saturating_sub(hidden as u64).into());
            body.insert("itemsPerPage".into(), left.into());
        })],
    },
    Fault {
        id: "deactivated-user-update-404",
        title: "Inactive users can not be changed any more",
        area: "deactivate",
        source: &[],
        wrong: "PUT and PATCH answer 404",
        right: "200, so that they can be reactivated",
        hooks: &[Hook::Before(|call, state| {
            (matches!(call.method.as_str(), "PUT" | "PATCH")
                && call.kind() == Some(Kind::User)
                && current(call, state).is_some_and(|d| d["active"] == false))
            .then(|| gone("User not found."))
        })],
    },
    Fault {
        id: "reactivation-ignored",
        title: "A user can not be activated again",
        area: "deactivate",
        source: &[],
        wrong: "200, active stays false",
        right: "active true",
        hooks: &[Hook::Store(|call, before, after| {
            if call.kind() == Some(Kind::User) && before.is_some_and(|b| b["active"] == false) {
                after["active"] = false.into();
            }
        })],
    },
    Fault {
        id: "reactivation-changes-id",
        title: "Reactivation makes a new user",
        area: "deactivate",
        source: &[],
        wrong: "another id in the answer; the old one is 404",
        right: "same id",
        hooks: &[
            Hook::Before(|call, state| {
                call.memo = current(call, state).filter(|d| d["active"] == false);
                None
            }),
            Hook::After(|call, reply, state| {
                if call.memo.is_some()
                    && matches!(call.method.as_str(), "PUT" | "PATCH")
                    && reply.body().is_some_and(|b| b["active"] == true)
                {
                    let id = uuid::Uuid::new_v4().to_string();
                    move_id(call, reply, state, Kind::User, &id);
                }
            }),
        ],
    },
    Fault {
        id: "deactivate-clears-attributes",
        title: "Deactivation clears the profile",
        area: "deactivate",
        source: &[],
        wrong: "only userName is left",
        right: "everything else stays",
        hooks: &[Hook::Store(|call, before, after| {
            let turned_off = before.is_some_and(|b| b["active"] != false) && after["active"] == false;
            if call.kind() == Some(Kind::User) && turned_off {
                *after = json!({ "userName": after["userName"], "active": false });
            }
        })],
    },
    Fault {
        id: "deactivate-deletes-user",
        title: "Deactivation deletes the user",
        area: "deactivate",
        source: &[],
        wrong: "GET afterwards: 404",
        right: "200 with active false",
        hooks: &[Hook::After(|call, _, state| {
            if matches!(call.method.as_str(), "PUT" | "PATCH")
                && current(call, state).is_some_and(|d| d["active"] == false)
                && call.kind() == Some(Kind::User)
            {
                let id = call.id().unwrap_or_default().to_owned();
                state.of_mut(call).remove(Kind::User, &id);
            }
        })],
    },
    Fault {
        id: "delete-answers-200",
        title: "DELETE answers 200 with the resource",
        area: "deactivate",
        source: &[],
        wrong: "200 and a body",
        right: "204 without body",
        hooks: &[
            Hook::Before(|call, state| {
                call.memo = current(call, state).filter(|_| call.method == "DELETE");
                None
            }),
            Hook::After(|call, reply, _| {
                if call.method == "DELETE"
                    && reply.status == 204
                    && let Some(old) = call.memo.clone()
                {
                    *reply = Reply::json(200, old);
                }
            }),
        ],
    },
    Fault {
        id: "delete-is-soft",
        title: "DELETE only deactivates",
        area: "deactivate",
        source: &[],
        wrong: "GET afterwards: 200",
        right: "404",
        hooks: &[Hook::Delete(|call, state| {
            let mut user = current(call, state).filter(|_| on_item(call, "DELETE", Kind::User))?;
            user["active"] = false.into();
            let id = call.id()?.to_owned();
            state.of_mut(call).update(Kind::User, &id, &user);
            Some(Reply::empty(204))
        })],
    },
    Fault {
        id: "delete-lingers-in-list",
        title: "Deleted users stay in lists",
        area: "deactivate",
        source: &[],
        wrong: "GET by id 404, but still listed",
        right: "not listed",
        hooks: &[
            Hook::Before(|call, state| {
                let mut user = current(call, state).filter(|_| on_item(call, "DELETE", Kind::User))?;
                user["id"] = call.id()?.into();
                user["schemas"] = json!([urn::USER]);
                remember(call, state, "lingering", user);
                None
            }),
            Hook::After(|call, reply, state| {
                let ghosts = state.of(call).scratch.get("lingering").cloned().unwrap_or_default();
                let Some(body) = reply.body_mut().filter(|_| call.lists(Kind::User) && filter_text(call).is_empty())
                else {
                    return;
                };
                let total = body.get("totalResults").and_then(Value::as_u64).unwrap_or_default() + ghosts.len() as u64;
                if let Some(list) = body.get_mut("Resources").and_then(Value::as_array_mut) {
                    list.extend(ghosts);
                    let size = list.len();
                    body.insert("itemsPerPage".into(), size.into());
                    body.insert("totalResults".into(), total.into());
                }
            }),
        ],
    },
    Fault {
        id: "read-deleted-500",
        title: "Reading a deleted user crashes",
        area: "deactivate",
        source: &[],
        wrong: "500",
        right: "404",
        hooks: &[Hook::Before(|call, state| {
            let id = Value::from(call.id()?);
            if call.method == "DELETE" && current(call, state).is_some() {
                remember(call, state, "deleted", id);
                return None;
            }
            (call.method == "GET" && remembers(call, state, "deleted", &id)).then(Reply::crash)
        })],
    },
    Fault {
        id: "delete-ignored",
        title: "DELETE answers success and keeps the user",
        area: "deactivate",
        source: &[],
        wrong: "204, GET afterwards: 200",
        right: "404",
        hooks: &[Hook::Before(|call, state| {
            (on_item(call, "DELETE", Kind::User) && current(call, state).is_some()).then(|| Reply::empty(204))
        })],
    },
    Fault {
        id: "delete-users-405",
        title: "DELETE of users is not implemented",
        area: "deactivate",
        source: &[],
        wrong: "405",
        right: "204",
        hooks: &[Hook::Before(|call, _| {
            on_item(call, "DELETE", Kind::User)
                .then(|| Reply::error(405, None, "Not allowed.").with("Allow", "GET, HEAD, PUT, PATCH"))
        })],
    },
    Fault {
        id: "create-users-405",
        title: "Users can be read and changed, but not created",
        area: "create",
        source: &[],
        wrong: "405",
        right: "201",
        hooks: &[Hook::Before(|call, _| {
            call.is("POST", Kind::User).then(|| Reply::error(405, None, "Not allowed.").with("Allow", "GET, HEAD"))
        })],
    },
    Fault {
        id: "delete-group-deletes-members",
        title: "Deleting a group deletes its members",
        area: "deactivate",
        source: &[],
        wrong: "the users are gone",
        right: "the users stay",
        hooks: &[Hook::Before(|call, state| {
            let group = current(call, state).filter(|_| on_item(call, "DELETE", Kind::Group))?;
            let ids: Vec<&str> =
                group["members"].as_array().into_iter().flatten().filter_map(|m| m["value"].as_str()).collect();
            for id in ids {
                state.of_mut(call).remove(Kind::User, id);
            }
            None
        })],
    },
];
