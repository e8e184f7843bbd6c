//! Faults: media types, entity tags and other headers.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{alter, bad, each, gone};
use crate::server::behaviour::Hook;
use crate::server::call::Payload;
use crate::server::reply::{Content, Reply};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "request-charset-415",
        title: "charset parameter refused",
        area: "headers",
        source: &["https://github.com/RIPAGlobal/scimitar/pull/51"],
        wrong: "415",
        right: "201",
        hooks: &[Hook::Before(|call, _| {
            let charset = call.header("content-type").is_some_and(|t| t.to_ascii_lowercase().contains("charset"));
            (charset && call.json().is_some()).then(|| Reply::error(415, None, "Unsupported media type."))
        })],
    },
    Fault {
        id: "request-scim-json-body-ignored",
        title: "Body of application/scim+json is not parsed",
        area: "headers",
        source: &["https://github.com/MicrosoftDocs/azure-docs/issues/12728"],
        wrong: "400 as if empty",
        right: "201",
        hooks: &[Hook::Before(|call, _| {
            if call.header("content-type").is_some_and(|t| t.to_ascii_lowercase().starts_with("application/scim+json"))
            {
                call.body = Payload::Absent;
            }
            None
        })],
    },
    Fault {
        id: "trailing-slash-404",
        title: "Slash before the query not found",
        area: "headers",
        source: &["https://github.com/AzureAD/SCIMReferenceCode/issues/44"],
        wrong: "404 (the report only says it causes issues)",
        right: "200",
        hooks: &[Hook::Before(|call, _| (call.path.len() > 1 && call.path.ends_with('/')).then(|| gone("Not found.")))],
    },
    Fault {
        id: "response-type-html",
        title: "JSON is labelled as HTML",
        area: "headers",
        source: &[],
        wrong: "Content-Type: text/html",
        right: "application/scim+json",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.body().is_some() {
                reply.media_type = "text/html; charset=utf-8".into();
            }
        })],
    },
    Fault {
        id: "answer-with-byte-order-mark",
        title: "A byte order mark stands before the JSON",
        area: "headers",
        source: &[],
        wrong: "EF BB BF and then JSON",
        right: "JSON",
        hooks: &[Hook::After(|_, reply, _| {
            if let Some(body) = reply.body() {
                reply.content = Content::Text("application/scim+json", format!("\u{feff}{body}"));
            }
        })],
    },
    Fault {
        id: "response-type-text",
        title: "JSON is labelled as plain text",
        area: "headers",
        source: &[],
        wrong: "Content-Type: text/plain",
        right: "application/scim+json",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.body().is_some() {
                reply.media_type = "text/plain".into();
            }
        })],
    },
    Fault {
        id: "response-without-type",
        title: "Answers lack a Content-Type",
        area: "headers",
        source: &[],
        wrong: "no Content-Type",
        right: "application/scim+json",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.body().is_some() {
                reply.media_type.clear();
            }
        })],
    },
    Fault {
        id: "request-without-accept-406",
        title: "A request without Accept is refused",
        area: "headers",
        source: &[],
        wrong: "406",
        right: "200",
        hooks: &[Hook::Before(|call, _| {
            (call.header("accept").is_none_or(|a| a == "*/*")).then(|| Reply::error(406, None, "Not acceptable."))
        })],
    },
    Fault {
        id: "request-accept-scim-json-406",
        title: "Accept: application/scim+json is refused",
        area: "headers",
        source: &[],
        wrong: "406",
        right: "200",
        hooks: &[Hook::Before(|call, _| {
            (call.header("accept").is_some_and(|a| a.contains("scim+json")))
                .then(|| Reply::error(406, None, "Not acceptable."))
        })],
    },
    Fault {
        id: "request-application-json-415",
        title: "application/json is refused",
        area: "headers",
        source: &[],
        wrong: "415",
        right: "201",
        hooks: &[Hook::Before(|call, _| {
            (call.json().is_some() && call.header("content-type").is_some_and(|t| t.starts_with("application/json")))
                .then(|| Reply::error(415, None, "Unsupported media type."))
        })],
    },
    Fault {
        id: "request-scim-json-415",
        title: "application/scim+json is refused",
        area: "headers",
        source: &[],
        wrong: "415",
        right: "201",
        hooks: &[Hook::Before(|call, _| {
            (call.json().is_some()
                && call.header("content-type").is_some_and(|t| t.starts_with("application/scim+json")))
            .then(|| Reply::error(415, None, "Unsupported media type."))
        })],
    },
    Fault {
        id: "request-unknown-parameter-400",
        title: "An unknown query parameter is refused",
        area: "headers",
        source: &[],
        wrong: "400",
        right: "ignored",
        hooks: &[Hook::Before(|call, _| {
            (call.query.iter().any(|(name, _)| {
                ![
                    "filter",
                    "startIndex",
                    "count",
                    "attributes",
                    "excludedAttributes",
                    "sortBy",
                    "sortOrder",
                    "cursor",
                    "access_token",
                ]
                .contains(&name.as_str())
            }))
            .then(|| bad("Unknown parameter."))
        })],
    },
    Fault {
        id: "get-with-content-type-400",
        title: "GET with a Content-Type header is refused",
        area: "headers",
        source: &[],
        wrong: "400",
        right: "200",
        hooks: &[Hook::Before(|call, _| {
            (call.method == "GET" && call.header("content-type").is_some()).then(|| bad("No body expected."))
        })],
    },
    Fault {
        id: "delete-with-content-type-400",
        title: "DELETE with a Content-Type header is refused",
        area: "headers",
        source: &[],
        wrong: "400",
        right: "204",
        hooks: &[Hook::Before(|call, _| {
            let announced = call.method == "DELETE" && call.header("content-type").is_some();
            announced.then(|| bad("Body cannot be empty when content-type is set to 'application/json'"))
        })],
    },
    Fault {
        id: "if-match-ignored",
        title: "A stale If-Match is accepted",
        area: "headers",
        source: &[],
        wrong: "200",
        right: "412",
        hooks: &[Hook::Switch(|b| b.stale_status = None)],
    },
    Fault {
        id: "if-match-always-412",
        title: "A current If-Match is refused",
        area: "headers",
        source: &[],
        wrong: "412",
        right: "200",
        hooks: &[Hook::Before(|call, _| {
            (call.header("if-match").is_some_and(|t| t != "*") && call.kind().is_some())
                .then(|| Reply::error(412, None, "The resource has changed."))
        })],
    },
    Fault {
        id: "if-none-match-ignored",
        title: "If-None-Match is ignored although entity tags are advertised",
        area: "headers",
        source: &[],
        wrong: "200",
        right: "304",
        hooks: &[Hook::Switch(|b| b.not_modified = false)],
    },
    Fault {
        id: "etag-never-changes",
        title: "The entity tag stays the same after a change",
        area: "headers",
        source: &[],
        wrong: "W/\"1\" for ever",
        right: "a new tag on each change",
        hooks: &[Hook::After(|call, reply, _| {
            if reply.header("ETag").is_some() {
                reply.set("ETag", "W/\"1\"");
            }
            each(call, reply, |resource| {
                alter(resource, "meta", |m| m["version"] = "W/\"1\"".into());
            });
        })],
    },
    Fault {
        id: "etag-changes-on-read",
        title: "The entity tag is a hash over an answer that holds the time",
        area: "headers",
        source: &[],
        wrong: "another tag on each read",
        right: "the same tag until something changes",
        hooks: &[Hook::After(|call, reply, _| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_nanos();
            let tag = format!("W/\"{now:x}\"");
            if reply.header("ETag").is_some() {
                reply.set("ETag", tag.clone());
            }
            let shown = if call.kind().is_some() { reply.resources() } else { Vec::new() };
            for meta in shown.into_iter().filter_map(|resource| resource.get_mut("meta")) {
                meta["version"] = tag.as_str().into();
            }
        })],
    },
    Fault {
        id: "etag-differs-from-version",
        title: "ETag and meta.version differ",
        area: "headers",
        source: &[],
        wrong: "two different tags",
        right: "the same tag",
        hooks: &[Hook::After(|call, reply, _| {
            each(call, reply, |resource| {
                alter(resource, "meta", |m| m["version"] = "W/\"body\"".into());
            });
        })],
    },
    Fault {
        id: "etag-header-missing",
        title: "The ETag header is missing although entity tags are advertised",
        area: "headers",
        source: &[],
        wrong: "no ETag",
        right: "ETag",
        hooks: &[Hook::After(|call, reply, _| {
            if call.kind().is_some() {
                reply.unset("ETag");
            }
        })],
    },
    Fault {
        id: "etag-unquoted",
        title: "The entity tag has no quotes",
        area: "headers",
        source: &[],
        wrong: "ETag: 5",
        right: "ETag: W/\"5\"",
        hooks: &[Hook::After(|call, reply, _| {
            if let Some(tag) = reply.header("ETag").map(|t| t.replace('"', "").replace("W/", "")) {
                reply.set("ETag", tag);
            }
            each(call, reply, |resource| {
                alter(resource, "meta", |m| {
                    m["version"] = m["version"].as_str().map(|v| v.replace('"', "").replace("W/", "")).into()
                });
            });
        })],
    },
    Fault {
        id: "cache-public",
        title: "Resources may be kept by every cache",
        area: "headers",
        source: &[],
        wrong: "Cache-Control: public",
        right: "no-store, or nothing",
        hooks: &[Hook::After(|_, reply, _| reply.set("Cache-Control", "public, max-age=60"))],
    },
    Fault {
        id: "content-location-differs",
        title: "Content-Location names the collection",
        area: "headers",
        source: &[],
        wrong: "Content-Location: …/Users",
        right: "meta.location",
        hooks: &[Hook::After(|call, reply, _| {
            if call.id().is_some() && call.method == "GET" {
                reply.set("Content-Location", format!("{}/Users", call.base));
            }
        })],
    },
];
