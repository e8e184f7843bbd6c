//! Faults: answers that are wrong as messages, whatever they are about.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::bad;
use crate::scim::path::AttrPath;
use crate::scim::schema::ResourceType;
use crate::scim::urn;
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind, Payload, Target};
use crate::server::reply::{Content, Reply};
use serde_json::{Value, json};

/// A fault that nobody has reported yet; each is a sibling of reported ones.
const fn sibling(
    id: &'static str,
    area: &'static str,
    title: &'static str,
    right: &'static str,
    hooks: &'static [Hook],
) -> Fault {
    Fault { id, title, area, source: &[], wrong: title, right, hooks }
}

pub(super) const FAULTS: &[Fault] = &[
    sibling(
        "projection-urn-rejected",
        "projection",
        "attributes with a URN are refused",
        "the attribute",
        &[Hook::Before(|call, _| {
            (call.method == "GET" && call.param("attributes").is_some_and(|a| a.contains("urn:")))
                .then(|| bad("No such attribute."))
        })],
    ),
    sibling(
        "put-returns-stale-resource",
        "put",
        "the answer to PUT lacks what was written",
        "the new state",
        &[Hook::After(|call, reply, _| {
            if call.method == "PUT"
                && let Some(body) = reply.body_mut()
            {
                ["title", "nickName", "displayName"].iter().for_each(|n| {
                    body.shift_remove(*n);
                });
            }
        })],
    ),
    sibling(
        "patch-without-operations-accepted",
        "errors",
        "PATCH without Operations answers 204",
        "400 invalidSyntax",
        &[Hook::Before(|call, _| {
            let lacks = call.json().is_some_and(|b| b.get("Operations").is_none() && b.get("operations").is_none());
            (call.method == "PATCH" && lacks).then(|| Reply::empty(204))
        })],
    ),
    sibling(
        "error-without-detail",
        "errors",
        "errors have no detail",
        "a sentence",
        &[Hook::After(|_, reply, _| {
            if reply.status >= 400
                && let Some(body) = reply.body_mut()
            {
                body.shift_remove("detail");
            }
        })],
    ),
    sibling(
        "broken-json-accepted",
        "errors",
        "a body that is no JSON object is answered 200",
        "400 invalidSyntax",
        &[Hook::Before(|call, _| {
            let broken = !call.json().is_some_and(Value::is_object);
            (call.is("POST", Kind::User) && broken).then(|| Reply::json(200, json!({})))
        })],
    ),
    sibling(
        "content-type-json",
        "headers",
        "answers are application/json",
        "application/scim+json",
        &[Hook::After(|_, reply, _| reply.media_type = "application/json".into())],
    ),
    sibling(
        "truncated-json",
        "headers",
        "lists are cut in the middle",
        "whole JSON",
        &[Hook::After(|call, reply, _| {
            if call.method == "GET"
                && reply.is_list()
                && let Some(text) = reply.body().map(Value::to_string)
            {
                let half = text.chars().take(text.chars().count() / 2).collect();
                reply.content = Content::Text("application/scim+json", half);
            }
        })],
    ),
    sibling(
        "duplicate-json-key",
        "headers",
        "a resource names a key twice",
        "each key once",
        &[Hook::After(|call, reply, _| {
            if item(call, reply)
                && let Some(text) = reply.body().map(Value::to_string)
            {
                reply.content = Content::Text("application/scim+json", text.replacen('{', "{\"active\":true,", 1));
            }
        })],
    ),
    sibling(
        "create-unknown-attribute-rejected",
        "create",
        "an undeclared attribute is refused",
        "201 without it",
        &[Hook::Before(|call, _| {
            let rt = ResourceType::user();
            let unknown = |k: &String| !k.starts_with("urn:") && rt.attribute(&AttrPath::of(k)).is_none();
            let odd = call.json().and_then(Value::as_object).is_some_and(|o| o.keys().any(unknown));
            (call.is("POST", Kind::User) && odd).then(|| bad("Unknown attribute."))
        })],
    ),
    sibling(
        "read-empty-list",
        "schema",
        "GET by id answers with a list",
        "the resource",
        &[Hook::After(|call, reply, _| {
            if item(call, reply) {
                reply.content = Content::Json(json!([]));
            }
        })],
    ),
    sibling(
        "schemas-wrong-keywords",
        "discovery",
        "characteristics are written ReadWrite",
        "readWrite",
        &[Hook::After(|call, reply, _| {
            if call.path.starts_with("/Schemas")
                && let Some(body) = reply.body()
                && let Ok(changed) = serde_json::from_str(&body.to_string().replace("\"readWrite\"", "\"ReadWrite\""))
            {
                reply.content = Content::Json(changed);
            }
        })],
    ),
    sibling(
        "schemas-lists-messages",
        "discovery",
        "/Schemas lists the Error schema",
        "resource schemas only",
        &[Hook::After(|call, reply, _| {
            if call.path == "/Schemas"
                && let Some(list) = reply.body_mut().and_then(|b| b.get_mut("Resources")).and_then(Value::as_array_mut)
            {
                list.push(json!({"schemas": [urn::SCHEMA], "id": urn::ERROR, "name": "Error", "attributes": []}));
            }
        })],
    ),
    sibling(
        "discovery-accepts-writes",
        "discovery",
        "discovery documents can be deleted",
        "405",
        &[Hook::Before(|call, _| {
            (call.target.is_discovery() && call.method != "GET" && call.method != "HEAD").then(|| Reply::empty(204))
        })],
    ),
    sibling(
        "not-allowed-without-allow",
        "headers",
        "405 comes without Allow",
        "405 with the methods that there are (RFC 9110 §15.5.6)",
        &[Hook::After(|_, reply, _| {
            if reply.status == 405 {
                reply.unset("Allow");
            }
        })],
    ),
    sibling(
        "patch-same-attribute-twice-400",
        "patch",
        "a PATCH whose operations name userName or active twice is refused",
        "200: each operation is applied to what the one before it left (RFC 7644 §3.5.2)",
        &[Hook::Before(|call, _| {
            let Payload::Json(body) = &call.body else { return None };
            let operations = body.get("Operations").and_then(Value::as_array).filter(|_| call.method == "PATCH")?;
            let paths: Vec<&str> = operations.iter().filter_map(|o| o.get("path").and_then(Value::as_str)).collect();
            let twice = |name: &str| paths.iter().filter(|path| path.eq_ignore_ascii_case(name)).count() > 1;
            (twice("userName") || twice("active"))
                .then(|| Reply::error(400, Some("invalidSyntax"), "Several operations name one attribute."))
        })],
    ),
    sibling(
        "if-none-match-always-304",
        "headers etag",
        "If-None-Match always gives 304",
        "200 for an old tag",
        &[Hook::Before(|call, _| {
            (call.method == "GET" && call.header("if-none-match").is_some()).then(|| Reply::empty(304))
        })],
    ),
    sibling(
        "if-match-required",
        "patch",
        "writes without If-Match answer 428",
        "200 or 204",
        &[Hook::Before(|call, _| {
            let write = matches!(call.method.as_str(), "PUT" | "PATCH");
            (write && call.header("if-match").is_none()).then(|| Reply::error(428, None, "If-Match is required."))
        })],
    ),
    sibling(
        "bulk-stops-at-error",
        "bulk",
        "Bulk without failOnErrors stops at the first error",
        "all operations",
        &[Hook::After(|call, reply, _| {
            let limited = call.json().is_some_and(|b| b.get("failOnErrors").is_some());
            if matches!(call.target, Target::Bulk)
                && !limited
                && let Some(list) = reply.body_mut().and_then(|b| b.get_mut("Operations")).and_then(Value::as_array_mut)
                && let Some(at) = list.iter().position(|o| !o["status"].as_str().is_some_and(|s| s.starts_with('2')))
            {
                list.truncate(at + 1);
            }
        })],
    ),
    sibling(
        "search-post-201",
        "filter",
        "POST /.search answers 201",
        "200",
        &[Hook::After(|call, reply, _| {
            if matches!(call.target, Target::Search(_) | Target::RootSearch) && reply.status == 200 {
                reply.status = 201;
            }
        })],
    ),
    sibling(
        "schemas-duplicated",
        "schema",
        "schemas names a URI twice",
        "each once",
        &[Hook::After(|_, reply, _| {
            for resource in reply.resources() {
                if let Some(list) = resource.get_mut("schemas").and_then(Value::as_array_mut) {
                    let first = list.first().cloned().unwrap_or_default();
                    list.push(first);
                }
            }
        })],
    ),
    sibling(
        "client-meta-kept",
        "create",
        "meta.created of the client is kept",
        "the server's time",
        &[Hook::After(|call, reply, _| {
            let sent = call.json().and_then(|b| b.get("meta")?.get("created").cloned());
            if call.method == "POST"
                && let (Some(sent), Some(meta)) = (sent, reply.body_mut().and_then(|b| b.get_mut("meta")))
            {
                meta["created"] = sent;
            }
        })],
    ),
    sibling(
        "externalid-invented",
        "create",
        "the server makes up an externalId",
        "none",
        &[Hook::After(|call, reply, _| {
            if call.is("POST", Kind::User)
                && reply.status == 201
                && let Some(body) = reply.body_mut()
            {
                body.entry("externalId").or_insert_with(|| json!("42"));
            }
        })],
    ),
];

/// A successful GET of one resource.
fn item(call: &Call, reply: &Reply) -> bool {
    call.method == "GET" && reply.status == 200 && call.id().is_some() && call.kind().is_some()
}
