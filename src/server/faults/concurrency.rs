//! Faults: what happens between two requests.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{alter, current, each, remember};
use crate::server::behaviour::Hook;
use crate::server::call::Kind;
use serde_json::{Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "group-lost-update",
        title: "Parallel member adds overwrite each other",
        area: "concurrency",
        source: &[
            "https://github.com/scimmyjs/scimmy/issues/79",
            "https://github.com/fleetdm/fleet/issues/50724",
            "https://github.com/FusionAuth/fusionauth-issues/issues/2869",
            "https://github.com/Infisical/infisical/pull/6471",
        ],
        wrong: "1 member",
        right: "4 members",
        hooks: &[Hook::Switch(|b| b.lost_updates = true)],
    },
    Fault {
        id: "read-after-write-stale",
        title: "Read directly after a write returns the old state",
        area: "concurrency",
        source: &[
            "https://github.com/fleetdm/fleet/issues/50724",
            "https://github.com/jelhub/scimgateway (README.md, change log)",
        ],
        wrong: "old title",
        right: "new title",
        hooks: &[Hook::Switch(|b| b.stale_reads = true)],
    },
    Fault {
        id: "list-after-write-stale",
        title: "Lists show the state before the last change",
        area: "concurrency",
        source: &[],
        wrong: "old title in the list",
        right: "new title",
        hooks: &[
            Hook::Before(|call, state| {
                if let (Some(old), Some(id), true) =
                    (current(call, state), call.id(), matches!(call.method.as_str(), "PUT" | "PATCH"))
                {
                    let entry = json!({ "id": id, "old": old });
                    remember(call, state, "stale-list", entry);
                }
                None
            }),
            Hook::After(|call, reply, state| {
                if !call.lists(Kind::User) {
                    return;
                }
                let stale = state.of_mut(call).scratch.remove("stale-list").unwrap_or_default();
                for user in reply.resources() {
                    if let Some(entry) = stale.iter().find(|s| Some(&s["id"]) == user.get("id")) {
                        user.retain(|name, _| matches!(name.as_str(), "schemas" | "id" | "groups" | "meta"));
                        for (name, value) in
                            entry["old"].as_object().into_iter().flatten().filter(|(n, _)| *n != "password")
                        {
                            user.insert(name.clone(), value.clone());
                        }
                    }
                }
            }),
        ],
    },
    Fault {
        id: "last-modified-not-advanced",
        title: "meta.lastModified stays at the time of creation",
        area: "concurrency",
        source: &[],
        wrong: "lastModified equals created",
        right: "later after a change",
        hooks: &[Hook::After(|call, reply, _| {
            each(call, reply, |resource| {
                alter(resource, "meta", |m| m["lastModified"] = m["created"].clone());
            });
        })],
    },
    Fault {
        id: "last-modified-changes-on-read",
        title: "meta.lastModified is the time of the read",
        area: "concurrency",
        source: &[],
        wrong: "another time on each read",
        right: "the time of the last change",
        hooks: &[
            Hook::Before(|call, state| {
                remember(call, state, "reads", Value::Null);
                None
            }),
            Hook::After(|call, reply, state| {
                let reads = state.of(call).scratch.get("reads").map_or(0, Vec::len);
                let shown = format!("2030-01-01T00:{:02}:{:02}Z", reads / 60 % 60, reads % 60);
                if call.method == "GET" && call.kind().is_some() {
                    for resource in reply.resources() {
                        if let Some(meta) = resource.get_mut("meta") {
                            meta["lastModified"] = shown.clone().into();
                        }
                    }
                }
            }),
        ],
    },
];
