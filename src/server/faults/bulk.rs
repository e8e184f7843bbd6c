//! Faults: bulk requests.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{alter, bad, cut};
use crate::server::behaviour::Hook;
use crate::server::call::Target;
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
                    alter(body, "bulk", |b| b["maxOperations"] = 1000.into());
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
];
