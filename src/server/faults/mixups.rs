//! Faults of the wrong resource and the half-done write: what a request means for one hits another, or only part of it is undone.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::mined::{answer_created, replace_instead};
use super::sample5_writes::{holders, shares_address};
use super::tools::{body_text, body_value, entries, move_id};
use crate::server::behaviour::Hook;
use crate::server::call::{Kind, Target};
use crate::server::reply::Reply;
use serde_json::Value;

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "create-links-by-email",
        title: "A create is written over the user who has the same e-mail address",
        area: "create",
        source: &["https://github.com/eneo-ai/eneo/issues/443"],
        wrong: "201 with the id of the first user, who has the second one's name now",
        right: "201 with a new id, or 409",
        hooks: &[
            Hook::Before(|call, state| {
                let made = call.json().filter(|_| call.is("POST", Kind::User))?;
                let id = holders(call, state, |other| shares_address(other, made))?;
                replace_instead(call, Kind::User, id);
                None
            }),
            Hook::After(answer_created),
        ],
    },
    Fault {
        id: "group-id-is-a-users",
        title: "Groups are numbered like users, so that a group has the id of a user",
        area: "create",
        source: &[],
        wrong: "POST /Users → id 1, POST /Groups → id 1",
        right: "two ids",
        hooks: &[Hook::After(|call, reply, state| {
            let store = state.of(call);
            let free = store.iter(Kind::User).map(|u| u.id.clone()).find(|id| store.get(Kind::Group, id).is_none());
            if let Some(id) = free.filter(|_| call.is("POST", Kind::Group) && reply.ok()) {
                move_id(call, reply, state, Kind::Group, &id);
            }
        })],
    },
    Fault {
        id: "put-refused-half-applied",
        title: "A PUT that is refused for its password has changed the other attributes",
        area: "put",
        source: &["https://github.com/wso2/product-is/issues/7744"],
        wrong: "400, and the family name is the new one",
        right: "400, and nothing changed",
        hooks: &[Hook::After(|call, reply, _| {
            let short = body_text(call, "password").is_some_and(|p| p.chars().count() < 4);
            if call.method == "PUT" && call.kind() == Some(Kind::User) && short && reply.ok() {
                *reply = Reply::error(400, Some("invalidValue"), "The password is too short.");
            }
        })],
    },
    Fault {
        id: "create-certificate-only-answered",
        title: "x509Certificates stand in the answer to a create and in no read",
        area: "create",
        source: &["https://github.com/JanssenProject/jans/issues/2396"],
        wrong: "201 with the certificate, GET without",
        right: "both with it",
        hooks: &[Hook::After(|call, reply, _| {
            if call.method == "GET" && call.kind() == Some(Kind::User) {
                for user in reply.resources() {
                    user.remove("x509Certificates");
                }
            }
        })],
    },
    Fault {
        id: "create-untyped-email-lost",
        title: "An address without a type is lost beside one that has a type",
        area: "create",
        source: &["https://github.com/wso2/product-is/issues/6627"],
        wrong: "one address",
        right: "both",
        hooks: &[Hook::Before(|call, _| {
            if call.is("POST", Kind::User)
                && let Some(list) = call.json_mut().and_then(|b| b.get_mut("emails")?.as_array_mut())
                && list.iter().any(|e| e.get("type").is_some())
            {
                list.retain(|e| e.get("type").is_some());
            }
            None
        })],
    },
    Fault {
        id: "group-remove-deletes-user",
        title: "Who is taken out of a group is deleted",
        area: "groups",
        source: &["https://github.com/tuist/tuist/issues/13209"],
        wrong: "the user is 404 after that",
        right: "only the membership ends",
        hooks: &[
            Hook::Before(|call, state| {
                let (Target::Item(Kind::Group, _), "PATCH") = (&call.target, call.method.as_str()) else { return None };
                let operations = body_value(call, "Operations").and_then(Value::as_array)?;
                let removes = |o: &&Value| o["op"].as_str().is_some_and(|op| op.eq_ignore_ascii_case("remove"));
                let removals: Vec<String> = operations.iter().filter(removes).map(Value::to_string).collect();
                let users = state.of(call).iter(Kind::User).map(|u| u.id.clone());
                let gone: Vec<String> = users.filter(|id| removals.iter().any(|r| r.contains(id.as_str()))).collect();
                call.memo = Some(gone.into());
                None
            }),
            Hook::After(|call, reply, state| {
                let gone = call.memo.as_ref().and_then(Value::as_array).filter(|_| reply.ok());
                for id in gone.into_iter().flatten().filter_map(Value::as_str) {
                    state.of_mut(call).remove(Kind::User, id);
                }
            }),
        ],
    },
    Fault {
        id: "patch-replace-without-match-adds",
        title: "`replace` of an element that does not exist adds it",
        area: "patch",
        source: &["https://github.com/thomaspoignant/scim-patch/issues/74"],
        wrong: "200, an element more",
        right: "400 noTarget",
        hooks: &[Hook::Before(|call, _| {
            let list = call.json_mut().and_then(|b| b.get_mut("Operations")?.as_array_mut());
            for operation in list.into_iter().flatten() {
                let whole = operation["path"].as_str().is_some_and(|p| p.ends_with(']'));
                if whole && operation["op"] == "replace" {
                    operation["op"] = "add".into();
                }
            }
            None
        })],
    },
    Fault {
        id: "list-sort-drops-unset",
        title: "A sorted list leaves out who has no value for the attribute",
        area: "pagination",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/682"],
        wrong: "sortBy=title: only those with a title",
        right: "the others come last",
        hooks: &[Hook::After(|call, reply, _| {
            if let Some(by) = call.param("sortBy").map(str::to_owned)
                && let Some(list) = entries(reply)
            {
                list.retain(|e| e.get(by.split('.').next().unwrap_or_default()).is_some());
            }
        })],
    },
    Fault {
        id: "group-put-duplicate-member-500",
        title: "PUT of a group that names a member twice crashes",
        area: "groups",
        source: &["https://github.com/fleetdm/fleet/issues/31085"],
        wrong: "500",
        right: "the member once, or 400",
        hooks: &[Hook::Before(|call, _| {
            let list = body_value(call, "members").and_then(Value::as_array)?;
            let ids: Vec<&Value> = list.iter().filter_map(|m| m.get("value")).collect();
            let twice = ids.iter().enumerate().any(|(i, id)| ids[..i].contains(id));
            (call.is("PUT", Kind::Group) && twice).then(Reply::crash)
        })],
    },
];
