//! Faults: bulk requests.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{alter, bad, cut};
use crate::server::behaviour::{Hook, UnknownMember};
use crate::server::call::{Call, Target};
use serde_json::Value;

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "bulk-failonerrors-ignored",
        title: "failOnErrors is ignored",
        area: "bulk",
        source: &[],
        wrong: "all operations are done",
        right: "stops after that many errors",
        hooks: &[Hook::Switch(|b| b.bulk_stops = false)],
    },
    Fault {
        id: "bulk-status-number",
        title: "status of a bulk operation is a number",
        area: "bulk",
        source: &[],
        wrong: "\"status\": 201",
        right: "\"status\": \"201\"",
        hooks: &[Hook::After(|call, reply, _| {
            if call.target == Target::Bulk
                && let Some(body) = reply.body_mut()
                && let Some(list) = body.get_mut("Operations").and_then(Value::as_array_mut)
            {
                for entry in list {
                    entry["status"] = entry["status"].as_str().and_then(|s| s.parse::<u16>().ok()).into();
                }
            }
        })],
    },
    Fault {
        id: "bulk-without-bulkid",
        title: "Bulk answers lack bulkId",
        area: "bulk",
        source: &[],
        wrong: "no bulkId",
        right: "bulkId of the request",
        hooks: &[Hook::After(|call, reply, _| {
            if call.target == Target::Bulk
                && let Some(body) = reply.body_mut()
                && let Some(list) = body.get_mut("Operations").and_then(Value::as_array_mut)
            {
                for entry in list {
                    cut(entry, "bulkId");
                }
            }
        })],
    },
    Fault {
        id: "bulk-without-location",
        title: "Bulk answers lack location",
        area: "bulk",
        source: &[],
        wrong: "no location",
        right: "location of each resource",
        hooks: &[Hook::After(|call, reply, _| {
            if call.target == Target::Bulk
                && let Some(body) = reply.body_mut()
                && let Some(list) = body.get_mut("Operations").and_then(Value::as_array_mut)
            {
                for entry in list {
                    cut(entry, "location");
                }
            }
        })],
    },
    Fault {
        id: "bulk-limit-ignored",
        title: "maxOperations is not enforced",
        area: "bulk",
        source: &[],
        wrong: "200",
        right: "413",
        hooks: &[
            Hook::Switch(|b| b.bulk_operations = usize::MAX),
            Hook::After(|call, reply, _| {
                if call.target == Target::Config
                    && let Some(body) = reply.body_mut()
                {
                    alter(body, "bulk", |b| b["maxOperations"] = 100.into());
                }
            }),
        ],
    },
    Fault {
        id: "bulk-reference-not-resolved",
        title: "bulkId references are not resolved",
        area: "bulk",
        source: &[],
        wrong: "the operation fails",
        right: "the id of the created resource",
        hooks: &[Hook::Before(|call, _| {
            (call.target == Target::Bulk && call.json().is_some_and(|b| b.to_string().contains("\"bulkId:")))
                .then(|| bad("Unknown member bulkId."))
        })],
    },
    Fault {
        id: "bulk-answers-201",
        title: "A bulk request answers 201",
        area: "bulk",
        source: &[],
        wrong: "201",
        right: "200",
        hooks: &[Hook::After(|call, reply, _| {
            if call.target == Target::Bulk && reply.ok() {
                reply.status = 201;
            }
        })],
    },
    Fault {
        id: "bulk-lost-reference-stored",
        title: "A bulkId reference to nothing is stored as it is",
        area: "bulk",
        source: &[],
        wrong: "201",
        right: "the operation fails",
        hooks: &[
            Hook::Switch(|b| b.unknown_member = UnknownMember::Store),
            Hook::Before(|call, _| {
                if call.target == Target::Bulk {
                    replace_lost_references(call);
                }
                None
            }),
        ],
    },
    Fault {
        id: "bulk-error-without-response",
        title: "A failed bulk operation has a status and nothing else",
        area: "bulk",
        source: &[],
        wrong: "no response",
        right: "response holds the Error body",
        hooks: &[Hook::After(|call, reply, _| {
            if call.target == Target::Bulk
                && let Some(list) = reply.body_mut().and_then(|b| b.get_mut("Operations")).and_then(Value::as_array_mut)
            {
                list.iter_mut().for_each(|entry| cut(entry, "response"));
            }
        })],
    },
    Fault {
        id: "bulk-post-without-id-accepted",
        title: "A create without bulkId is carried out",
        area: "bulk",
        source: &[],
        wrong: "201",
        right: "400",
        hooks: &[Hook::Before(|call, _| {
            if call.target == Target::Bulk {
                for (index, one) in call.json_mut().map(bulk_operations).into_iter().flatten().enumerate() {
                    if one["method"] == "POST" && one.get("bulkId").is_none() {
                        one["bulkId"] = format!("none-{index}").into();
                    }
                }
            }
            None
        })],
    },
];

fn bulk_operations(body: &mut Value) -> impl Iterator<Item = &mut Value> {
    body.get_mut("Operations").and_then(Value::as_array_mut).into_iter().flatten()
}

fn members(operation: &mut Value) -> Option<&mut Vec<Value>> {
    operation.get_mut("data")?.get_mut("members")?.as_array_mut()
}

/// Hides references to nothing from the server's own check, which refuses them.
fn replace_lost_references(call: &mut Call) {
    let Some(body) = call.json_mut() else { return };
    let made: Vec<String> =
        bulk_operations(body).filter_map(|o| o["bulkId"].as_str().map(|id| format!("bulkId:{id}"))).collect();
    for member in bulk_operations(body).filter_map(members).flatten() {
        if let Some(text) =
            member["value"].as_str().filter(|v| v.starts_with("bulkId:") && !made.iter().any(|m| m == v))
        {
            member["value"] = text.replace("bulkId:", "lost-").into();
        }
    }
}
