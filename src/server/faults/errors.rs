//! Faults: refusals.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{alter, bad, body_value, html};
use crate::scim::urn;
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Payload, Target};
use crate::server::reply::{Content, Reply};
use serde_json::{Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "error-409-without-scimtype",
        title: "409 lacks scimType uniqueness",
        area: "errors",
        source: &["https://github.com/getsentry/sentry/issues/117860", "https://github.com/ory/polis/pull/4067"],
        wrong: "409 without scimType",
        right: "scimType uniqueness",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.status == 409
                && let Some(body) = reply.body_mut()
            {
                body.shift_remove("scimType");
            }
        })],
    },
    Fault {
        id: "error-detail-object",
        title: "detail is an object",
        area: "errors",
        source: &["https://github.com/getsentry/self-hosted/issues/3573"],
        wrong: "\"detail\":{..}",
        right: "string",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.status >= 400
                && let Some(body) = reply.body_mut()
            {
                alter(body, "detail", |d| *d = json!({ "message": d.clone() }));
            }
        })],
    },
    Fault {
        id: "error-html-page",
        title: "Errors are HTML pages",
        area: "errors",
        source: &["https://github.com/pingidentity/scim2/issues/131"],
        wrong: "text/html",
        right: "application/scim+json error",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.status >= 400 {
                *reply = html(reply.status, "An error occurred");
            }
        })],
    },
    Fault {
        id: "error-schemas-string",
        title: "schemas of an error is a string",
        area: "errors",
        source: &["https://github.com/wso2/product-is/issues/3572"],
        wrong: "\"schemas\":\"urn:..Error\"",
        right: "array",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.status >= 400
                && let Some(body) = reply.body_mut()
            {
                body.insert("schemas".into(), urn::ERROR.into());
            }
        })],
    },
    Fault {
        id: "error-scimtype-null-string",
        title: "scimType is the string \"null\"",
        area: "errors",
        source: &["https://github.com/wso2/product-is/issues/7697"],
        wrong: "\"scimType\":\"null\"",
        right: "absent",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.status >= 400
                && let Some(body) = reply.body_mut()
            {
                body.entry("scimType").or_insert_with(|| "null".into());
            }
        })],
    },
    Fault {
        id: "malformed-json-500",
        title: "Empty request body crashes",
        area: "errors",
        source: &["https://github.com/elimity-com/scim/commit/561cf5c66f5b71bde598e09e169b8ade5f1ebf79"],
        wrong: "500",
        right: "400 invalidSyntax",
        hooks: &[Hook::Before(|call, _| {
            let writes = matches!(call.method.as_str(), "POST" | "PUT" | "PATCH");
            (writes && call.kind().is_some() && call.json().is_none()).then(Reply::crash)
        })],
    },
    Fault {
        id: "patch-missing-operations-500",
        title: "PATCH without Operations crashes",
        area: "errors",
        source: &["https://github.com/lessonly/scim_rails/pull/30", "https://github.com/RIPAGlobal/scimitar/pull/65"],
        wrong: "500",
        right: "400",
        hooks: &[Hook::Before(|call, _| {
            let missing = call.json().is_some() && body_value(call, "Operations").is_none();
            (call.method == "PATCH" && missing).then(Reply::crash)
        })],
    },
    Fault {
        id: "patch-null-schemas-500",
        title: "\"schemas\": null crashes",
        area: "errors",
        source: &["https://github.com/keycloak/keycloak/issues/51156"],
        wrong: "500",
        right: "400",
        hooks: &[Hook::Before(|call, _| {
            (call.method == "PATCH" && body_value(call, "schemas") == Some(&Value::Null)).then(Reply::crash)
        })],
    },
    Fault {
        id: "unknown-id-400",
        title: "Unknown id in an unexpected format answered 400",
        area: "errors",
        source: &[
            "https://github.com/vouch-sh/vouch/issues/1413",
            "https://github.com/sourcegraph/sourcegraph-public-snapshot/pull/49393",
        ],
        wrong: "400",
        right: "404",
        hooks: &[Hook::After(|call, reply, _| {
            let odd = call.id().is_some_and(|id| uuid::Uuid::parse_str(id).is_err());
            if odd && reply.status == 404 {
                *reply = bad("The id has an unexpected format.");
            }
        })],
    },
    Fault {
        id: "unknown-id-500",
        title: "Unknown id crashes",
        area: "errors",
        source: &["https://github.com/wso2/product-is/issues/7289", "https://github.com/wso2/product-is/issues/7300"],
        wrong: "500",
        right: "404",
        hooks: &[Hook::After(|call, reply, _| {
            if call.method == "GET" && call.id().is_some() && reply.status == 404 {
                *reply = Reply::crash();
            }
        })],
    },
    Fault {
        id: "error-status-number",
        title: "status of an error is a number",
        area: "errors",
        source: &[],
        wrong: "\"status\": 404",
        right: "\"status\": \"404\"",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.status >= 400
                && let Some(body) = reply.body_mut()
            {
                alter(body, "status", |s| *s = s.as_str().and_then(|s| s.parse::<u16>().ok()).into());
            }
        })],
    },
    Fault {
        id: "error-without-body",
        title: "Errors have no body",
        area: "errors",
        source: &[],
        wrong: "empty",
        right: "Error message",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.status >= 400 {
                reply.content = Content::Empty;
            }
        })],
    },
    Fault {
        id: "error-without-schemas",
        title: "Errors lack schemas",
        area: "errors",
        source: &[],
        wrong: "no schemas",
        right: "schemas with the Error URN",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.status >= 400
                && let Some(body) = reply.body_mut()
            {
                body.shift_remove("schemas");
            }
        })],
    },
    Fault {
        id: "error-without-status",
        title: "Errors lack status",
        area: "errors",
        source: &[],
        wrong: "no status",
        right: "status as text",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.status >= 400
                && let Some(body) = reply.body_mut()
            {
                body.shift_remove("status");
            }
        })],
    },
    Fault {
        id: "error-status-mismatch",
        title: "status in the body differs from the HTTP status",
        area: "errors",
        source: &[],
        wrong: "\"status\": \"500\"",
        right: "the same status",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.status >= 400
                && let Some(body) = reply.body_mut()
            {
                body.insert("status".into(), "500".into());
            }
        })],
    },
    Fault {
        id: "error-answered-200",
        title: "A resource that is not there is answered with 200",
        area: "errors",
        source: &[],
        wrong: "200 with an Error body",
        right: "the status of the error",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.status == 404 {
                reply.status = 200;
            }
        })],
    },
    Fault {
        id: "error-plain-text",
        title: "Errors are plain text",
        area: "errors",
        source: &[],
        wrong: "text/plain",
        right: "Error message as JSON",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.status >= 400 {
                reply.content = Content::Text("text/plain; charset=utf-8", "Something went wrong".into());
            }
        })],
    },
    Fault {
        id: "error-scim1-shape",
        title: "Errors have the shape of SCIM 1.1",
        area: "errors",
        source: &[],
        wrong: "\"Errors\": [{..}]",
        right: "Error message of SCIM 2.0",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.status >= 400 {
                let status = reply.status;
                if let Some(body) = reply.body_mut() {
                    *body = serde_json::Map::from_iter([(
                        "Errors".to_owned(),
                        json!([{ "description": "Error", "code": status.to_string() }]),
                    )]);
                }
            }
        })],
    },
    Fault {
        id: "error-wrong-scimtype",
        title: "scimType is a word that RFC 7644 does not know",
        area: "errors",
        source: &[],
        wrong: "\"scimType\": \"badRequest\"",
        right: "a keyword of table 9",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.status == 400
                && let Some(body) = reply.body_mut()
            {
                body.insert("scimType".into(), "badRequest".into());
            }
        })],
    },
    Fault {
        id: "error-stack-trace",
        title: "detail is a stack trace",
        area: "errors",
        source: &[],
        wrong: "at java.lang.Thread…",
        right: "a sentence",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.status >= 400
                && let Some(body) = reply.body_mut()
            {
                body.insert(
                    "detail".into(),
                    "java.lang.NullPointerException\n\tat com.example.scim.UserController.get(UserController.java:42)"
                        .into(),
                );
            }
        })],
    },
    Fault {
        id: "unknown-endpoint-html-200",
        title: "Unknown endpoints answer a web page",
        area: "errors",
        source: &[],
        wrong: "200 text/html",
        right: "404 Error",
        hooks: &[Hook::After(|call, reply, _| {
            if call.target == Target::Unknown {
                *reply = html(200, "Welcome");
            }
        })],
    },
    Fault {
        id: "unknown-endpoint-500",
        title: "Unknown endpoints crash",
        area: "errors",
        source: &[],
        wrong: "500",
        right: "404",
        hooks: &[Hook::After(|call, reply, _| {
            if call.target == Target::Unknown && reply.status == 404 {
                *reply = Reply::crash();
            }
        })],
    },
    Fault {
        id: "method-not-allowed-500",
        title: "A method that is not offered crashes",
        area: "errors",
        source: &[],
        wrong: "500",
        right: "405",
        hooks: &[Hook::After(|call, reply, _| {
            if reply.status == 405 && call.target != Target::Unknown {
                *reply = Reply::crash();
            }
        })],
    },
    Fault {
        id: "malformed-json-wrong-scimtype",
        title: "A body that is no JSON is called an invalid value",
        area: "errors",
        source: &[],
        wrong: "400 without invalidSyntax",
        right: "400 invalidSyntax",
        hooks: &[Hook::After(|call, reply, _| {
            if matches!(call.body, Payload::Malformed(_))
                && let Some(body) = reply.body_mut()
            {
                body.insert("scimType".into(), "invalidValue".into());
            }
        })],
    },
    Fault {
        id: "malformed-json-html",
        title: "A body that is no JSON gets the framework's error page",
        area: "errors",
        source: &[],
        wrong: "400 text/html",
        right: "400 Error",
        hooks: &[Hook::After(|call, reply, _| {
            if matches!(call.body, Payload::Malformed(_)) {
                *reply = html(400, "Bad Request");
            }
        })],
    },
    Fault {
        id: "array-body-500",
        title: "A JSON array as body crashes",
        area: "errors",
        source: &[],
        wrong: "500",
        right: "400",
        hooks: &[Hook::Before(|call, _| {
            (call.kind().is_some() && call.json().is_some_and(Value::is_array)).then(Reply::crash)
        })],
    },
    Fault {
        id: "unknown-id-200-empty",
        title: "Reading an unknown id answers an empty success",
        area: "errors",
        source: &[],
        wrong: "200 {}",
        right: "404",
        hooks: &[Hook::After(|call, reply, _| {
            if call.method == "GET" && call.id().is_some() && reply.status == 404 {
                *reply = Reply::json(200, json!({}));
            }
        })],
    },
    Fault {
        id: "unknown-id-403",
        title: "Unknown ids answer 403",
        area: "errors",
        source: &[],
        wrong: "403",
        right: "404",
        hooks: &[Hook::After(|call, reply, _| {
            if call.id().is_some() && reply.status == 404 {
                reply.restatus(403);
            }
        })],
    },
    Fault {
        id: "unknown-id-410",
        title: "Unknown ids answer 410",
        area: "errors",
        source: &[],
        wrong: "410",
        right: "404",
        hooks: &[Hook::After(|call, reply, _| {
            if call.id().is_some() && reply.status == 404 {
                reply.restatus(410);
            }
        })],
    },
    Fault {
        id: "me-answers-400",
        title: "/Me is called an invalid id",
        area: "errors",
        source: &[],
        wrong: "400",
        right: "the resource, 308 or 501",
        hooks: &[Hook::Before(|call, _| (call.target == Target::Me).then(|| bad("Me is no id.")))],
    },
    Fault {
        id: "me-without-location",
        title: "/Me is answered without Location",
        area: "errors",
        source: &[],
        wrong: "no Location",
        right: "the permanent location",
        hooks: &[Hook::After(|call, reply, _| {
            if call.path == "/Me" {
                reply.unset("Location");
            }
        })],
    },
    Fault {
        id: "me-shows-another-name",
        title: "/Me shows another userName than the resource",
        area: "errors",
        source: &[],
        wrong: "another userName",
        right: "the resource itself",
        hooks: &[Hook::After(|call, reply, _| {
            if call.path == "/Me"
                && let Some(body) = reply.body_mut()
            {
                alter(body, "userName", |n| *n = "me".into());
            }
        })],
    },
    Fault {
        id: "refusals-422",
        title: "Bad requests are refused with 422",
        area: "errors",
        source: &[],
        wrong: "422",
        right: "400",
        hooks: &[Hook::After(|call, reply, _| restate(call, reply, &["invalidValue", "invalidSyntax"], 422))],
    },
    Fault {
        id: "invalid-path-404",
        title: "A path that names no attribute is refused with 404",
        area: "errors",
        source: &[],
        wrong: "404",
        right: "400 invalidPath",
        hooks: &[Hook::After(|call, reply, _| restate(call, reply, &["invalidPath"], 404))],
    },
    Fault {
        id: "mutability-409",
        title: "A change of what is read-only is refused with 409",
        area: "errors",
        source: &[],
        wrong: "409",
        right: "400 mutability",
        hooks: &[Hook::After(|call, reply, _| restate(call, reply, &["mutability"], 409))],
    },
    Fault {
        id: "refusals-scimtype-uniqueness",
        title: "Every refusal says uniqueness",
        area: "errors",
        source: &[],
        wrong: "\"scimType\": \"uniqueness\"",
        right: "the word that fits",
        hooks: &[Hook::After(|call, reply, _| reword(call, reply, "uniqueness"))],
    },
    Fault {
        id: "refusals-scimtype-toomany",
        title: "Every refusal says tooMany",
        area: "errors",
        source: &[],
        wrong: "\"scimType\": \"tooMany\"",
        right: "the word that fits",
        hooks: &[Hook::After(|call, reply, _| reword(call, reply, "tooMany"))],
    },
];

/// Gives refused writes with one of these words another status.
fn restate(call: &Call, reply: &mut Reply, words: &[&str], status: u16) {
    let word = reply.body().and_then(|b| b.get("scimType")).and_then(Value::as_str).unwrap_or_default();
    if call.method != "GET" && reply.status == 400 && words.contains(&word) {
        reply.restatus(status);
    }
}

fn reword(call: &Call, reply: &mut Reply, word: &str) {
    if call.method != "GET"
        && reply.status == 400
        && let Some(shown) = reply.body_mut().and_then(|b| b.get_mut("scimType"))
    {
        *shown = word.into();
    }
}
