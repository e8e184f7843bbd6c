//! Faults: the same request twice.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{bad, current, op, path, sent_members, sent_operations, value};
use crate::server::behaviour::Hook;
use crate::server::call::Kind;
use crate::server::reply::Reply;
use serde_json::Value;

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "group-add-existing-member-409",
        title: "Adding an existing member is an error",
        area: "idempotency",
        source: &[
            "https://github.com/simpleidserver/SimpleIdServer/issues/245",
            "https://github.com/wso2/product-is/issues/8589",
        ],
        wrong: "409 (WSO2: 500)",
        right: "success",
        hooks: &[Hook::Operations(|operations, call, state| {
            let group = current(call, state).filter(|_| call.kind() == Some(Kind::Group))?;
            let present =
                |m: &Value| group["members"].as_array().is_some_and(|l| l.iter().any(|p| p["value"] == m["value"]));
            let adds = operations.iter().any(|o| op(o) == "add");
            (adds && sent_members(call).iter().any(present))
                .then(|| Reply::error(409, None, "The member is in the group already."))
        })],
    },
    Fault {
        id: "patch-noop-400",
        title: "PATCH that changes nothing is an error",
        area: "idempotency",
        source: &[
            "https://github.com/better-auth/better-auth/issues/8549",
            "https://github.com/better-auth/better-auth/pull/8650",
        ],
        wrong: "400 \"No valid fields to update\"",
        right: "200/204",
        hooks: &[
            Hook::Before(|call, state| {
                call.memo = current(call, state).filter(|_| call.method == "PATCH");
                None
            }),
            Hook::After(|call, reply, state| {
                if reply.ok() && call.memo.is_some() && call.memo == current(call, state) {
                    *reply = bad("No valid fields to update.");
                }
            }),
        ],
    },
    Fault {
        id: "patch-add-existing-value-duplicates",
        title: "Adding an e-mail that is there lists it twice",
        area: "idempotency",
        source: &[],
        wrong: "two equal e-mails",
        right: "one",
        hooks: &[Hook::Store(|call, before, after| {
            let again: Vec<Value> = sent_operations(call)
                .iter()
                .filter(|o| op(o) == "add" && path(o).eq_ignore_ascii_case("emails"))
                .filter_map(|o| value(o)?.as_array().cloned())
                .flatten()
                .filter(|m| {
                    before.is_some_and(|b| {
                        b["emails"].as_array().is_some_and(|l| l.iter().any(|e| e["value"] == m["value"]))
                    })
                })
                .collect();
            if let Some(list) = after.get_mut("emails").and_then(Value::as_array_mut) {
                list.extend(again);
            }
        })],
    },
    Fault {
        id: "patch-remove-absent-400",
        title: "Removing an attribute that has no value is an error",
        area: "idempotency",
        source: &[],
        wrong: "400",
        right: "success",
        hooks: &[Hook::Operations(|operations, call, state| {
            let user = current(call, state).filter(|_| call.kind() == Some(Kind::User))?;
            let absent = |o: &Value| {
                op(o) == "remove"
                    && !path(o).is_empty()
                    && !path(o).contains(['[', ':', '.'])
                    && user.get(path(o).as_str()).is_none()
            };
            operations.iter().any(absent).then(|| bad("The attribute has no value."))
        })],
    },
    Fault {
        id: "put-same-body-500",
        title: "PUT that changes nothing crashes",
        area: "idempotency",
        source: &[],
        wrong: "500",
        right: "200",
        hooks: &[
            Hook::Before(|call, state| {
                call.memo = current(call, state).filter(|_| call.method == "PUT");
                None
            }),
            Hook::After(|call, reply, state| {
                if reply.ok() && call.memo.is_some() && call.memo == current(call, state) {
                    *reply = Reply::crash();
                }
            }),
        ],
    },
];
