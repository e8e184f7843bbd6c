//! Faults: what the schema promises and the server does not do, for attributes that no RFC knows.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{alter, body_value, cut, each, gone, path, remember, value};
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind, Target};
use crate::server::inventory::{BADGE, WARRANTY};
use crate::server::reply::Reply;
use crate::server::state::State;
use serde_json::json;

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "devices-not-served",
        title: "A resource type is listed whose endpoint is unknown",
        area: "advertised",
        source: &[],
        wrong: "404",
        right: "200",
        hooks: &[Hook::Before(|call, _| (call.target.kind() == Some(Kind::Device)).then(|| gone("No such endpoint.")))],
    },
    Fault {
        id: "custom-attribute-not-stored",
        title: "An attribute of the server's own schema is accepted and dropped",
        area: "advertised",
        source: &[],
        wrong: "no assetNumber",
        right: "what was sent",
        hooks: &[Hook::Store(|call, _, after| {
            if call.kind() == Some(Kind::Device) {
                cut(after, "assetNumber");
            }
        })],
    },
    Fault {
        id: "custom-extension-not-stored",
        title: "An extension of the server's own is accepted and dropped",
        area: "advertised",
        source: &[],
        wrong: "no badge",
        right: "what was sent",
        hooks: &[Hook::Store(|_, _, after| cut(after, BADGE))],
    },
    Fault {
        id: "custom-patch-ignored",
        title: "PATCH of an attribute of the server's own schema answers success and changes nothing",
        area: "advertised",
        source: &[],
        wrong: "the old value",
        right: "the new value",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations.iter_mut().filter(|o| path(o) == "code").for_each(|o| o["path"] = "nothing".into());
            operations.retain(|o| path(o) != "nothing");
            None
        })],
    },
    Fault {
        id: "custom-filter-ignored",
        title: "A filter on an attribute of the server's own schema returns everything",
        area: "advertised",
        source: &[],
        wrong: "all resources",
        right: "those that match",
        hooks: &[Hook::Before(|call, _| {
            if call.lists(Kind::Device) {
                call.query.retain(|(name, _)| name != "filter");
            }
            None
        })],
    },
    Fault {
        id: "custom-case-ignored",
        title: "A caseExact attribute is compared without case",
        area: "advertised",
        source: &[],
        wrong: "a match in the other case",
        right: "no match",
        hooks: &[Hook::Before(|call, state| {
            if call.lists(Kind::Device)
                && let Some(text) = call.param("filter").and_then(|f| f.strip_prefix("code eq ")).map(str::to_owned)
            {
                let wanted = text.trim_matches('"').to_lowercase();
                let held = state.of(call).iter(Kind::Device).find_map(|r| {
                    let code = r.document().get("code")?.as_str()?.to_owned();
                    (code.to_lowercase() == wanted).then_some(code)
                });
                for (name, value) in &mut call.query {
                    if let ("filter", Some(code)) = (name.as_str(), &held) {
                        *value = format!("code eq \"{code}\"");
                    }
                }
            }
            None
        })],
    },
    Fault {
        id: "custom-required-ignored",
        title: "An attribute that the schema requires may be missing",
        area: "advertised",
        source: &[],
        wrong: "201",
        right: "400",
        hooks: &[Hook::Before(|call, _| {
            if call.method == "POST"
                && call.target == Target::Collection(Kind::Device)
                && body_value(call, "serial").is_none()
                && let Some(body) = call.json_mut()
            {
                body["serial"] = format!("made-{}", uuid::Uuid::new_v4()).into();
            }
            None
        })],
    },
    Fault {
        id: "read-only-written",
        title: "A client can write a readOnly attribute",
        area: "advertised",
        source: &[],
        wrong: "the client's inventoryCode",
        right: "the server's own",
        hooks: &[
            Hook::Operations(|operations, _, _| {
                operations.retain(|o| path(o) != "inventoryCode");
                None
            }),
            Hook::After(|call, reply, state| shows_what_was_sent(call, reply, state, "inventoryCode")),
        ],
    },
    Fault {
        id: "immutable-changed",
        title: "PATCH changes an immutable attribute",
        area: "advertised",
        source: &[],
        wrong: "the new vendor",
        right: "400 mutability",
        hooks: &[
            Hook::Operations(|operations, _, _| {
                operations.retain(|o| path(o) != "vendor");
                None
            }),
            Hook::After(|call, reply, state| shows_what_was_sent(call, reply, state, "vendor")),
        ],
    },
    Fault {
        id: "never-returned-shown",
        title: "A secret of an extension is shown",
        area: "advertised",
        source: &[],
        wrong: "the code of the badge",
        right: "returned never",
        hooks: &[Hook::After(|call, reply, _| {
            each(call, reply, |resource| {
                if let Some(badge) = resource.get_mut(BADGE) {
                    badge["code"] = "4711".into();
                }
            });
        })],
    },
    Fault {
        id: "request-only-shown",
        title: "An attribute that is returned on request only is in every answer",
        area: "advertised",
        source: &[],
        wrong: "remark in a plain GET",
        right: "only with attributes=remark",
        hooks: &[Hook::After(|call, reply, _| {
            if call.kind() == Some(Kind::Device) && call.method == "GET" {
                for device in reply.resources() {
                    device.entry("remark").or_insert_with(|| "seen by all".into());
                }
            }
        })],
    },
    Fault {
        id: "always-returned-excluded",
        title: "excludedAttributes takes away what is always returned",
        area: "advertised",
        source: &[],
        wrong: "no label",
        right: "label is returned always",
        hooks: &[Hook::After(|call, reply, _| {
            if call.param("excludedAttributes") == Some("label") {
                for device in reply.resources() {
                    device.shift_remove("label");
                }
            }
        })],
    },
    Fault {
        id: "unique-attribute-duplicated",
        title: "A unique attribute of the server's own schema is given twice",
        area: "advertised",
        source: &[],
        wrong: "201",
        right: "409 uniqueness",
        hooks: &[Hook::Switch(|b| b.unchecked_names = &["POST"])],
    },
    Fault {
        id: "required-extension-ignored",
        title: "A required extension may be missing",
        area: "advertised",
        source: &[],
        wrong: "201",
        right: "400",
        hooks: &[
            Hook::Before(|call, _| {
                if call.method == "POST"
                    && call.target == Target::Collection(Kind::Device)
                    && body_value(call, WARRANTY).is_none()
                    && let Some(body) = call.json_mut()
                {
                    body[WARRANTY] = serde_json::json!({ "contract": "none" });
                }
                None
            }),
            Hook::After(|call, reply, _| {
                each(call, reply, |resource| {
                    if resource.get(WARRANTY).is_some_and(|w| w["contract"] == "none") {
                        resource.shift_remove(WARRANTY);
                    }
                });
            }),
        ],
    },
    Fault {
        id: "integer-as-text",
        title: "An integer is returned as text",
        area: "advertised",
        source: &[],
        wrong: "\"assetNumber\": \"7\"",
        right: "\"assetNumber\": 7",
        hooks: &[Hook::After(|call, reply, _| {
            each(call, reply, |r| alter(r, "assetNumber", |v| *v = v.to_string().into()))
        })],
    },
    Fault {
        id: "decimal-as-text",
        title: "A decimal is returned as text",
        area: "advertised",
        source: &[],
        wrong: "\"weight\": \"1.5\"",
        right: "\"weight\": 1.5",
        hooks: &[Hook::After(|call, reply, _| {
            each(call, reply, |r| alter(r, "weight", |v| *v = v.to_string().into()))
        })],
    },
    Fault {
        id: "datetime-as-epoch",
        title: "A dateTime is returned as a number of seconds",
        area: "advertised",
        source: &[],
        wrong: "\"bought\": 1706695200",
        right: "\"bought\": \"2024-01-31T10:00:00Z\"",
        hooks: &[Hook::After(|call, reply, _| {
            each(call, reply, |r| alter(r, "bought", |v| *v = 1_706_695_200.into()))
        })],
    },
    Fault {
        id: "binary-as-list",
        title: "A binary is returned as a list of numbers",
        area: "advertised",
        source: &[],
        wrong: "\"fingerprint\": [1, 2]",
        right: "\"fingerprint\": \"AQI=\"",
        hooks: &[Hook::After(|call, reply, _| each(call, reply, |r| alter(r, "fingerprint", |v| *v = json!([1, 2]))))],
    },
];

/// Keeps what a PATCH of a device sends for an attribute, and shows it from then on.
fn shows_what_was_sent(call: &Call, reply: &mut Reply, state: &mut State, name: &str) {
    let Some(id) = call.id().filter(|_| call.kind() == Some(Kind::Device)) else { return };
    let key = format!("{name}/{id}");
    if call.method == "PATCH" && reply.ok() {
        let operations = call.json().and_then(|b| b.get("Operations")?.as_array());
        let sent = operations.into_iter().flatten().find(|o| path(o) == name).and_then(value).cloned();
        sent.into_iter().for_each(|v| remember(call, state, &key, v));
    }
    let kept = state.of(call).scratch.get(&key).and_then(|all| all.last().cloned());
    if let (Some(kept), Some(body)) = (kept, reply.body_mut())
        && body.contains_key(name)
    {
        body.insert(name.into(), kept);
    }
}
