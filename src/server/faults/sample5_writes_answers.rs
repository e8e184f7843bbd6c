//! Faults of public servers, another sample: errors, authentication, bulk, and how a write is answered.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::sample_writes::writes_user;
use super::tools::{html, on_item};
use crate::server::behaviour::Hook;
use crate::server::call::{Kind, Payload, Target};
use crate::server::reply::{Content, Reply};
use serde_json::{Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "auth-empty-bearer-accepted",
        title: "The scheme Bearer without a token opens the door",
        area: "auth",
        source: &["https://github.com/wso2/product-is/issues/4675", "https://github.com/ToolJet/ToolJet/issues/16217"],
        wrong: "200",
        right: "401",
        hooks: &[Hook::Switch(|b| b.empty_bearer = true)],
    },
    Fault {
        id: "request-without-user-agent-403",
        title: "A request without User-Agent is refused before it is looked at",
        area: "headers",
        source: &["https://github.com/kortix-ai/suna/pull/7297"],
        wrong: "403, an HTML page",
        right: "200; OneLogin sends an empty one",
        hooks: &[Hook::Before(|call, _| {
            // The operations of a bulk request have no headers of their own.
            let outside = call.header("host").is_some();
            (outside && call.header("user-agent").is_none_or(str::is_empty)).then(|| html(403, "Access denied"))
        })],
    },
    Fault {
        id: "error-nested-in-detail",
        title: "The error stands under `detail` of the framework's error",
        area: "errors",
        source: &["https://github.com/RoboFinSystems/robosystems/pull/1165"],
        wrong: "{\"detail\":{…Error}}",
        right: "{…Error}",
        hooks: &[Hook::After(|_, reply, _| {
            if let Some(body) = reply.body_mut().filter(|b| b.contains_key("detail")) {
                let error = Value::Object(std::mem::take(body));
                body.insert("detail".into(), error);
                reply.media_type = "application/json".into();
            }
        })],
    },
    Fault {
        id: "validation-422-with-list",
        title: "A body that lacks something is refused with the list of the framework",
        area: "errors",
        source: &[
            "https://github.com/RoboFinSystems/robosystems/pull/1165",
            "https://github.com/vouch-sh/vouch/issues/1412",
        ],
        wrong: "422 {\"detail\":[{\"loc\":…,\"msg\":…}]}",
        right: "400 {…Error}",
        hooks: &[Hook::After(|call, reply, _| {
            if writes_user(call) && reply.status == 400 && reply.body().is_some_and(|b| b["scimType"] == "invalidValue")
            {
                let entry = json!({ "type": "missing", "loc": ["body", "userName"], "msg": "Field required" });
                *reply = plain(422, json!({ "detail": [entry] }));
            }
        })],
    },
    Fault {
        id: "error-api-envelope",
        title: "Errors have the shape of the product's other interface",
        area: "errors",
        source: &["https://github.com/msaad00/agent-bom/issues/3536"],
        wrong: "{\"error\":{\"message\":…,\"type\":…,\"param\":null,\"code\":\"404\"}}",
        right: "{…Error}",
        hooks: &[Hook::After(|_, reply, _| {
            if let Some(detail) = reply.body().and_then(|b| b.get("detail")).filter(|_| reply.status >= 400) {
                let error = json!({
                    "message": detail, "type": "internal_server_error", "param": null, "code": reply.status.to_string(),
                });
                *reply = plain(reply.status, json!({ "error": error }));
            }
        })],
    },
    Fault {
        id: "conflict-unknown-error",
        title: "A conflict is answered with an error of another protocol",
        area: "errors",
        source: &["https://github.com/Metatavu/keycloak-scim-server/issues/109"],
        wrong: "409 {\"error\":\"unknown_error\"}",
        right: "409 {…Error} with uniqueness",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.status == 409 {
                *reply = plain(409, json!({ "error": "unknown_error" }));
            }
        })],
    },
    Fault {
        id: "malformed-json-scimtype-sentence",
        title: "A body that is no JSON is refused with a sentence as scimType",
        area: "errors",
        source: &["https://github.com/MicrosoftDocs/azure-docs/issues/85579"],
        wrong: "scimType: Invalid JSON provided in request body.",
        right: "scimType: invalidSyntax",
        hooks: &[Hook::After(|call, reply, _| {
            let unread = matches!(call.body, Payload::Malformed(_));
            if let Some(body) = reply.body_mut().filter(|b| unread && b.contains_key("scimType")) {
                body.insert("scimType".into(), "Invalid JSON provided in request body.".into());
            }
        })],
    },
    Fault {
        id: "delete-answers-200-empty",
        title: "DELETE of a user answers 200 without a body",
        area: "deactivate",
        source: &["https://github.com/slackapi/java-slack-sdk/issues/207"],
        wrong: "200",
        right: "204",
        hooks: &[Hook::After(|call, reply, _| {
            if on_item(call, "DELETE", Kind::User) && reply.status == 204 {
                reply.status = 200;
                reply.content = Content::Empty;
            }
        })],
    },
    Fault {
        id: "bulk-status-always-201",
        title: "Whatever a bulk request does is answered 201",
        area: "bulk",
        source: &[],
        wrong: "status 201 for a DELETE",
        right: "status 204",
        hooks: &[Hook::After(|call, reply, _| {
            for entry in bulk_entries(&call.target, reply) {
                if entry["status"].as_str().is_some_and(|s| s.starts_with('2')) {
                    entry["status"] = "201".into();
                }
            }
        })],
    },
    Fault {
        id: "bulk-duplicate-400",
        title: "A duplicate in a bulk request is called an invalid value",
        area: "bulk",
        source: &["https://github.com/wso2/product-is/issues/16110", "https://github.com/wso2/product-is/issues/25252"],
        wrong: "status 400, invalidValue, and a text that ends in null",
        right: "status 409, uniqueness",
        hooks: &[Hook::After(|call, reply, _| {
            for entry in bulk_entries(&call.target, reply) {
                if entry["status"] == "409" {
                    let detail = "Error in adding the user. null";
                    entry["status"] = "400".into();
                    entry["response"] = Reply::error(400, Some("invalidValue"), detail).body().cloned().into();
                }
            }
        })],
    },
    Fault {
        id: "bulk-method-unchecked",
        title: "A bulk operation with a method that writes nothing is answered with success",
        area: "bulk",
        source: &["https://github.com/TheMorpheus407/the-dmz/issues/1182"],
        wrong: "status 200",
        right: "status 400",
        hooks: &[Hook::After(|call, reply, _| {
            for entry in bulk_entries(&call.target, reply) {
                let known = ["POST", "PUT", "PATCH", "DELETE"].iter().any(|m| entry["method"] == *m);
                if let Some(map) = entry.as_object_mut().filter(|_| !known) {
                    map.insert("status".into(), "200".into());
                    map.shift_remove("response");
                }
            }
        })],
    },
    Fault {
        id: "attributes-on-write-ignored",
        title: "attributes and excludedAttributes of a create or replacement are ignored",
        area: "projection",
        source: &["https://github.com/PennState/SCIMple-Identity/issues/12"],
        wrong: "the whole user",
        right: "what was asked for",
        hooks: &[Hook::Before(|call, _| {
            if matches!(call.method.as_str(), "POST" | "PUT")
                && matches!(call.target, Target::Collection(_) | Target::Item(..))
            {
                call.query.retain(|(name, _)| !name.to_ascii_lowercase().ends_with("attributes"));
            }
            None
        })],
    },
];

/// An error that is not of SCIM.
fn plain(status: u16, body: Value) -> Reply {
    Reply { media_type: "application/json".into(), ..Reply::json(status, body) }
}

/// The operations that a bulk request is answered with.
fn bulk_entries<'r>(target: &Target, reply: &'r mut Reply) -> impl Iterator<Item = &'r mut Value> {
    let bulk = *target == Target::Bulk && reply.ok();
    let entries = reply.body_mut().filter(|_| bulk).and_then(|b| b.get_mut("Operations")?.as_array_mut());
    entries.into_iter().flatten()
}
