//! Legal variants in what the server does not offer, refuses, or leaves out of its answers.
//!
//! Must not know the rules.

use super::Variant;
use super::declared::names;
use crate::scim::filter::{self, CompareOp, Filter, Test};
use crate::scim::urn;
use crate::server::behaviour::Hook;
use crate::server::call::{Kind, Target};
use crate::server::faults::tools::{
    any_node, body_value, current, cut, filter_text, on_item, op, path, put_into_body, remember,
};
use crate::server::reply::{Content, Reply};
use serde_json::{Map, Value, json};

pub(super) const VARIANTS: &[Variant] = &[
    Variant {
        id: "search-post-501",
        title: "POST /.search is not offered",
        spec: "RFC 7644 §3.4.3 lets clients query that way and asks no server to offer it; §3.12: 501",
        breaks: &[],
        hooks: &[Hook::Before(|call, _| {
            matches!(call.target, Target::Search(_) | Target::RootSearch)
                .then(|| Reply::error(501, None, "Searching by POST is not offered."))
        })],
    },
    Variant {
        id: "filter-eq-and-only",
        title: "Filters know eq and and; others are refused with invalidFilter",
        spec: "RFC 7644 §3.12 table 9 (invalidFilter): the attribute and filter comparison combination is not supported",
        breaks: &[],
        hooks: &[Hook::Before(|call, _| {
            let filter = filter::parse(&filter_text(call)).ok()?;
            let foreign = any_node(&filter, |node| {
                !matches!(
                    node,
                    Filter::And(_)
                        | Filter::Attr { test: Test::Compare(CompareOp::Eq, _), .. }
                        | Filter::ValuePath { .. }
                )
            });
            foreign.then(|| Reply::error(400, Some("invalidFilter"), "This operator is not supported."))
        })],
    },
    Variant {
        id: "filter-few-attributes",
        title: "Filters know the names, ids and e-mail addresses; other attributes are refused with invalidFilter",
        spec: "RFC 7644 §3.12 table 9 (invalidFilter): the attribute and filter comparison combination is not supported",
        breaks: &[],
        hooks: &[Hook::Before(|call, _| {
            const KNOWN: [&str; 9] = [
                "username",
                "externalid",
                "id",
                "displayname",
                "emails",
                "emails.value",
                "emails.type",
                "active",
                "members.value",
            ];
            let filter = filter::parse(&filter_text(call)).ok()?;
            let foreign = names(&filter).iter().any(|n| {
                let lower = n.to_ascii_lowercase();
                let bare = [urn::USER, urn::GROUP]
                    .iter()
                    .find_map(|u| lower.strip_prefix(&format!("{}:", u.to_ascii_lowercase())));
                !KNOWN.contains(&bare.unwrap_or(&lower))
            });
            foreign.then(|| Reply::error(400, Some("invalidFilter"), "This attribute cannot be searched."))
        })],
    },
    Variant {
        id: "error-scimtype-absent",
        title: "Errors have a scimType only where the name is taken and where a filter has an unknown operator",
        spec: "RFC 7644 §3.12: scimType is optional; §3.4.2.2 demands it for an operation that is not recognized",
        breaks: &[],
        hooks: &[Hook::After(|_, reply, _| {
            let taken = reply.status == 409;
            let demanded = |b: &Map<String, Value>| {
                b.get("detail").and_then(Value::as_str).is_some_and(|d| d.contains("is not an operator"))
            };
            if let Some(body) = reply.body_mut().filter(|b| !taken && !demanded(b) && b.contains_key("status")) {
                body.shift_remove("scimType");
            }
        })],
    },
    Variant {
        id: "whole-list-without-paging-figures",
        title: "A list that is complete has no startIndex and no itemsPerPage",
        spec: "RFC 7644 §3.4.2: both are required when partial results are returned",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, _| {
            let paged = ["startIndex", "count", "cursor"]
                .iter()
                .any(|p| call.param(p).is_some() || body_value(call, p).is_some());
            let Some(body) = reply.body_mut().filter(|b| b.contains_key("totalResults")) else { return };
            let shown = body.get("Resources").and_then(Value::as_array).map_or(0, Vec::len);
            if !paged && body["totalResults"] == shown {
                body.shift_remove("startIndex");
                body.shift_remove("itemsPerPage");
            }
        })],
    },
    Variant {
        id: "long-values-refused",
        title: "Texts of more than 255 characters are refused",
        spec: "RFC 7644 §3.12 table 9 (invalidValue): the schemas set no bound, products do",
        breaks: &[],
        hooks: &[Hook::Before(|call, _| {
            fn long(value: &Value) -> bool {
                match value {
                    Value::String(text) => text.chars().count() > 255,
                    Value::Array(items) => items.iter().any(long),
                    Value::Object(map) => map.values().any(long),
                    _ => false,
                }
            }
            let sent = call.kind().is_some() && call.json().is_some_and(long);
            sent.then(|| Reply::error(400, Some("invalidValue"), "A value is too long."))
        })],
    },
    Variant {
        id: "username-lower-case",
        title: "userName is stored in lower case",
        spec: "RFC 7643 §7 (caseExact): the server may alter the case of a value that is not case exact",
        breaks: &["okta", "entra"],
        hooks: &[Hook::Store(|call, _, after| {
            if call.kind() == Some(Kind::User)
                && let Some(name) = after["userName"].as_str().map(str::to_lowercase)
            {
                after["userName"] = name.into();
            }
        })],
    },
    Variant {
        id: "emails-lower-case",
        title: "E-mail addresses are stored in lower case",
        spec: "RFC 7643 §4.1.2: the service provider should canonicalise the value",
        breaks: &[],
        hooks: &[Hook::Store(|_, _, after| {
            for mail in after.get_mut("emails").and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(address) = mail["value"].as_str().map(str::to_lowercase) {
                    mail["value"] = address.into();
                }
            }
        })],
    },
    Variant {
        id: "removal-takes-no-value",
        title: "A `remove` without a value filter takes every value of the attribute, whatever `value` says; members are told apart",
        spec: "RFC 7644 §3.5.2.2: without a filter, \"the attribute and all values are removed\"; `value` has no meaning there",
        breaks: &[],
        hooks: &[Hook::Operations(|operations, _, _| {
            let to_the_letter = |o: &Value| op(o) == "remove" && !path(o).eq_ignore_ascii_case("members");
            for operation in operations.iter_mut().filter(|o| to_the_letter(o)) {
                cut(operation, "value");
            }
            None
        })],
    },
    Variant {
        id: "patch-without-schemas-accepted",
        title: "A PATCH without schemas is carried out",
        spec: "RFC 7644 §3.5.2 binds the client; a server may be liberal",
        breaks: &[],
        hooks: &[Hook::Before(|call, _| {
            let bare =
                call.method == "PATCH" && call.json().is_some_and(|b| b.is_object() && b.get("schemas").is_none());
            if bare && body_value(call, "Operations").is_some() {
                put_into_body(call, "schemas", json!([urn::PATCH_OP]));
            }
            None
        })],
    },
    Variant {
        id: "no-change-answers-204",
        title: "A PATCH that changes nothing answers 204, others 200",
        spec: "RFC 7644 §3.5.2: 200 with the resource or 204",
        breaks: &[],
        hooks: &[
            Hook::Before(|call, state| {
                call.memo = current(call, state).filter(|_| call.method == "PATCH");
                None
            }),
            Hook::After(|call, reply, state| {
                let asked = call.param("attributes").is_some() || call.param("excludedAttributes").is_some();
                let patch = on_item(call, "PATCH", Kind::User) || on_item(call, "PATCH", Kind::Group);
                let now = current(call, state);
                if patch && reply.status == 200 && !asked && now == call.memo {
                    reply.status = 204;
                    reply.content = Content::Empty;
                }
            }),
        ],
    },
    Variant {
        id: "slow-down-429",
        title: "Each fortieth request is answered 429 and has to be sent again",
        spec: "RFC 6585 §4: a server may limit its clients; Okta and Entra wait and send again",
        breaks: &[],
        hooks: &[Hook::Before(|call, state| {
            remember(call, state, "asked", Value::Null);
            let asked = state.of(call).scratch.get("asked").map_or(0, Vec::len);
            (asked % 40 == 0).then(|| Reply::error(429, None, "Too many requests.").with("Retry-After", "0"))
        })],
    },
    Variant {
        id: "empty-text-refused",
        title: "An attribute that is an empty text is refused",
        spec: "RFC 7643 §2.5: null and the empty array are unassigned, the empty text is a value; RFC 7644 §3.12 (invalidValue)",
        breaks: &[],
        hooks: &[Hook::Before(|call, state| {
            let writes = call.method == "POST" && call.kind().is_some() || current(call, state).is_some();
            (writes && call.json().is_some_and(holds_empty_text))
                .then(|| Reply::error(400, Some("invalidValue"), "An attribute is an empty text."))
        })],
    },
    Variant {
        id: "method-not-offered-501",
        title: "Methods that an endpoint does not know answer 501",
        spec: "RFC 7644 §3.12 table 8 (501); RFC 9110 §15.6.2",
        breaks: &[],
        hooks: &[Hook::After(|_, reply, _| {
            if reply.status == 405 {
                reply.restatus(501);
            }
        })],
    },
    Variant {
        id: "location-canonical-host",
        title: "Locations name the public address of the service, whatever the client called",
        spec: "RFC 7643 §3.1: location is the URI of the resource; it need not be the one that was called",
        breaks: &[],
        hooks: &[Hook::Before(|call, _| {
            call.base = "https://scim.example.com/v2".to_owned();
            None
        })],
    },
    Variant {
        id: "head-not-offered",
        title: "HEAD answers 405",
        spec: "RFC 7644 §3.2 has no HEAD",
        breaks: &[],
        hooks: &[Hook::Before(|call, _| {
            (call.method == "HEAD").then(|| Reply::error(405, None, "Use GET.").with("Allow", "GET"))
        })],
    },
];

fn holds_empty_text(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.iter().any(holds_empty_text),
        Value::Object(map) => map.values().any(holds_empty_text),
        _ => false,
    }
}
