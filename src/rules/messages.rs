//! Every answer: errors and headers (RFC 7644 §3.8, §3.12).

use super::rule::{Finding, Impact, Level, Rule, Verdict, refusal_rule};
use super::view::{View, short};
use crate::exchange::BYTE_ORDER_MARK;
use crate::scim::urn;
use crate::scim::value::get_ci;
use crate::shadow::{Op, Reason};
use serde_json::{Map, Value};

/// Rules of this area.
pub static RULES: &[Rule] = &[
    Rule {
        id: "error/no-answer",
        title: "The server hangs up instead of answering",
        spec: "RFC 7644 §3.12; RFC 9110 §15",
        level: Level::Must,
        clash: false,
        impact: Impact::RetriesForever,
        breaks: &[],
        requirements: &["err-no-hang-up"],
        explain: "The server answers other requests, and closes the connection on this one, twice in a row. Most likely the process or the thread that worked on it died. Identity providers see a network fault and repeat the request, on and on.",
        hint: "Look for a panic or a crash in the server's log at that time; answer 400 to what cannot be done.",
        wrong: "PATCH name.familyName of a user without a name → the connection is closed",
        right: "→ 200 or 204",
        proven_by: &["patch-name-part-hangs-up", "unknown-member-hangs-up", "read-unknown-hangs-up"],
        check: no_answer,
    },
    Rule {
        id: "error/server-error",
        title: "The server answers with a 5xx",
        spec: "RFC 7644 §3.12, Table 8; RFC 9110 §15.6",
        level: Level::Must,
        clash: false,
        impact: Impact::RetriesForever,
        breaks: &[],
        requirements: &[
            "err-no-500",
            "read-404-odd-ids",
            "create-malformed-400",
            "page-count-nonnumeric",
            "filter-long",
        ],
        explain: "The server crashed on a request that it had to carry out or to refuse with a 4xx. Identity providers take 5xx for a passing fault and repeat the request, on and on.",
        hint: "Find the exception in the server's log; validate what comes from outside and answer 400, 404 or 409.",
        wrong: "POST /Users with an empty body → 500",
        right: "→ 400 invalidSyntax",
        proven_by: &[
            "patch-certificates-500",
            "group-put-duplicate-member-500",
            "filter-unknown-attribute-html-500",
            "patch-part-of-text-500",
            "custom-list-remove-last-500",
            "patch-empty-object-500",
            "patch-emails-list-500",
            "patch-enterprise-number-500",
            "patch-fresh-element-500",
            "group-remove-nobody-500",
            "group-own-member-500",
            "delete-user-with-extension-500",
            "patch-unknown-attribute-500",
            "patch-name-conflict-500",
            "auth-missing-token-500",
            "create-duplicate-returns-500",
            "create-without-emails-500",
            "filter-ne-500",
            "filter-percent-500",
            "list-500-when-user-lacks-email",
            "list-negative-count-500",
            "malformed-json-500",
            "patch-missing-operations-500",
            "patch-null-schemas-500",
            "patch-null-value-500",
            "patch-pathless-500",
            "put-adds-extension-500",
            "put-username-conflict-500",
            "search-post-without-count-500",
            "unknown-id-500",
            "array-body-500",
            "attributes-unknown-500",
            "auth-empty-bearer-500",
            "auth-wrong-token-500",
            "create-empty-array-500",
            "create-null-attribute-500",
            "create-unknown-attribute-500",
            "create-wrong-type-500",
            "cursor-invalid-500",
            "filter-apostrophe-500",
            "filter-invalid-500",
            "filter-work-email-500",
            "group-create-empty-members-500",
            "group-duplicate-500",
            "group-nested-500",
            "list-nonnumeric-count-500",
            "list-sort-unknown-500",
            "list-startindex-negative-500",
            "method-not-allowed-500",
            "patch-bad-path-500",
            "patch-string-boolean-500",
            "patch-unknown-op-500",
            "put-null-attribute-500",
            "put-same-body-500",
            "read-deleted-500",
            "unknown-endpoint-500",
            "group-get-after-member-deleted-500",
            "manager-unknown-500",
            "group-unknown-member-500",
            "group-member-write-500",
            "put-unknown-user-500",
            "delete-manager-500",
            "filter-deep-500",
            "filter-two-ids-500",
            "long-text-500",
            "nul-in-text-500",
            "null-element-500",
            "patch-path-to-own-words-500",
            "username-backslash-500",
            "weak-password-500",
            "filter-backslash-500",
            "group-membership-filter-500",
            "create-empty-schemas-500",
            "patch-new-element-500",
            "manager-empty-text-500",
            "patch-operations-object-500",
            "patch-replace-unset-500",
            "group-add-with-path-500",
            "nested-group-remove-500",
            "group-member-empty-id-500",
            "group-member-without-value-500",
            "group-member-display-mismatch-500",
            "filter-hyphen-500",
            "unknown-id-projection-500",
            "put-external-id-conflict-500",
            "username-short-500",
            "patch-add-known-and-new-500",
            "list-groups-large-500",
            "empty-password-500",
            "username-empty-500",
            "create-500-and-created",
            "list-dollar-name-500",
            "list-apostrophe-name-500",
            "username-slash-500",
            "valueless-element-read-500",
            "delete-without-external-id-500",
            "delete-unknown-500",
            "create-without-schemas-500",
            "create-manager-text-500",
            "locale-invalid-500",
            "read-after-new-phone-500",
            "patch-other-kind-500",
            "patch-extension-absent-500",
            "patch-known-password-500",
            "patch-without-value-500",
            "patch-remove-without-value-500",
            "patch-lower-operations-500",
            "patch-whole-extension-500",
            "patch-extension-complex-500",
            "patch-active-path-500",
            "patch-nickname-pathless-500",
            "patch-external-id-conflict-500",
            "patch-value-path-500",
            "custom-list-patch-500",
            "patch-unknown-id-500",
            "group-patch-ref-500",
            "group-rename-conflict-500",
            "group-patch-unknown-500",
            "filter-date-500",
            "filter-extension-part-500",
            "search-root-500",
            "filter-date-present-500",
            "filter-attribute-missing-500",
            "attributes-two-dots-500",
            "throttled-as-500",
            "create-active-500",
            "create-known-manager-500",
            "create-shares-id",
            "create-unmapped-extension-500",
            "custom-date-read-500",
            "custom-empty-text-500",
            "delete-500-and-gone",
            "duplicate-race-500",
            "phone-plus-500",
            "put-read-only-extension-500",
            "employee-number-taken-500",
            "empty-element-500",
            "middle-name-500",
            "create-over-inactive-500",
        ],
        check: server_error,
    },
    Rule {
        id: "error/body-not-scim",
        title: "An error has no SCIM Error body",
        spec: "RFC 7644 §3.12",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &["okta"],
        requirements: &["err-schema-urn", "err-json", "okta-404-body", "auth-401-body"],
        explain: "Errors are returned as JSON with `schemas` = [Error URN]. Okta shows the admin what it finds in `detail`; HTML ends as \"Invalid JSON\".",
        hint: "Return {\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:Error\"],\"status\":\"404\",\"detail\":\"…\"} for every error, also those of the framework.",
        wrong: "404 text/html <html>…",
        right: "404 {\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:Error\"],\"status\":\"404\",\"detail\":\"User 2819 not found\"}",
        proven_by: &[
            "error-html-page",
            "error-schemas-string",
            "auth-401-without-body",
            "error-plain-text",
            "error-without-body",
            "error-without-schemas",
            "malformed-json-html",
            "serviceproviderconfig-without-schemas",
            "error-nested-in-response",
            "throttled-plain-text",
            "unknown-endpoint-empty",
            "error-status-object",
            "error-as-text-in-message",
            "entitlement-objects-400",
            "error-nested-in-detail",
            "validation-422-with-list",
            "error-api-envelope",
            "conflict-unknown-error",
        ],
        check: body_not_scim,
    },
    Rule {
        id: "error/status-not-text",
        title: "`status` in an Error body is missing, no string, or another than the HTTP status",
        spec: "RFC 7644 §3.12",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["err-status-string"],
        explain: "`status` is required: the HTTP status code as a JSON string.",
        hint: "Write \"status\": \"404\".",
        wrong: "404 {\"status\":404}",
        right: "404 {\"status\":\"404\"}",
        proven_by: &["error-status-mismatch", "error-status-number", "error-without-status", "create-active-text-400"],
        check: status_text,
    },
    Rule {
        id: "error/detail-not-text",
        title: "`detail` in an Error body is not a string",
        spec: "RFC 7644 §3.12",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &["okta"],
        requirements: &["err-detail", "okta-error-detail-shown"],
        explain: "`detail` is a human-readable message; identity providers print it for the admin.",
        hint: "Write one sentence.",
        wrong: "{\"detail\":{\"message\":\"…\"}}",
        right: "{\"detail\":\"userName is taken\"}",
        proven_by: &["error-detail-object"],
        check: detail_text,
    },
    Rule {
        id: "error/detail-missing",
        title: "An Error body has no `detail`",
        spec: "Okta SPEC test steps 4, 11, 12; RFC 7644 §3.12 makes it optional",
        level: Level::Idp,
        clash: true,
        impact: Impact::ClientConfused,
        breaks: &["okta"],
        requirements: &["err-detail"],
        explain: "Without words the admin has nothing to go by, and Okta's tests ask for them on 401 and 404.",
        hint: "Say what is wrong and with which resource.",
        wrong: "{\"status\":\"404\"}",
        right: "{\"status\":\"404\",\"detail\":\"User 2819 not found\"}",
        proven_by: &["error-without-detail"],
        check: detail_missing,
    },
    Rule {
        id: "error/scimtype-unknown",
        title: "`scimType` holds a word that RFC 7644 does not define",
        spec: "RFC 7644 §3.12, Table 9",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["err-scimtype-valid"],
        explain: "`scimType` is one of the registered keywords or absent.",
        hint: "Leave it out when none fits; never write \"null\" or \"\".",
        wrong: "{\"status\":\"404\",\"scimType\":\"null\"}",
        right: "{\"status\":\"404\"}",
        proven_by: &[
            "error-scimtype-null-string",
            "error-wrong-scimtype",
            "delete-unknown-scimtype-unknown",
            "error-scimtype-empty",
            "error-scimtype-capitalised",
            "password-refusal-says-scimtype",
            "malformed-json-scimtype-sentence",
        ],
        check: scimtype,
    },
    Rule {
        id: "error/broken-json-accepted",
        title: "A body that is no JSON object is accepted",
        spec: "RFC 7644 §3.12 (invalidSyntax)",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &["create-malformed-400", "create-empty-body-400", "create-array-body-400"],
        explain: "The request cannot be read, so it cannot have been carried out.",
        hint: "Answer 400 with scimType invalidSyntax.",
        wrong: "POST /Users \"{\" → 201",
        right: "→ 400 invalidSyntax",
        proven_by: &["broken-json-accepted"],
        check: broken_json,
    },
    Rule {
        id: "error/leaks-internals",
        title: "An error shows a stack trace, a query or a file path",
        spec: "RFC 7644 §7.5 (information disclosure)",
        level: Level::Should,
        clash: false,
        impact: Impact::DataLeak,
        breaks: &[],
        requirements: &["err-no-leak"],
        explain: "Details of the implementation help an attacker and nobody else.",
        hint: "Log them; send one sentence.",
        wrong: "500 {\"detail\":\"… at com.acme.Users.create(Users.java:42)\"}",
        right: "{\"detail\":\"internal error, reference 7f3a\"}",
        proven_by: &["error-stack-trace"],
        check: leak,
    },
    Rule {
        id: "headers/content-type-wrong",
        title: "The answer is not declared as SCIM JSON",
        spec: "RFC 7644 §3.1, §8.1",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &["entra"],
        requirements: &["ct-response-scim-json", "ct-accept-json"],
        explain: "Bodies are `application/scim+json`; `application/json` is commonly tolerated (noted only). Anything else is refused or misread.",
        hint: "Send `Content-Type: application/scim+json`.",
        wrong: "Content-Type: text/html",
        right: "Content-Type: application/scim+json",
        proven_by: &["response-type-html", "response-type-text", "response-without-type", "response-type-json-scim"],
        check: content_type,
    },
    Rule {
        id: "error/byte-order-mark",
        title: "The JSON of an answer begins with a byte order mark",
        spec: "RFC 8259 §8.1; RFC 7644 §3.8",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["ct-response-scim-json"],
        explain: "JSON that goes over a network must not begin with U+FEFF. Some parsers skip it; others see an unexpected character before the first brace, and take the whole answer for no JSON.",
        hint: "Write UTF-8 without a mark; in .NET that is `new UTF8Encoding(false)`.",
        wrong: "EF BB BF {\"schemas\": …",
        right: "{\"schemas\": …",
        proven_by: &["answer-with-byte-order-mark"],
        check: byte_order_mark,
    },
    Rule {
        id: "headers/plain-json",
        title: "Answers are declared as application/json",
        spec: "RFC 7644 §3.1, §8.1; Entra: response content type",
        level: Level::Note,
        clash: false,
        impact: Impact::None,
        breaks: &[],
        requirements: &["ct-response-scim-json"],
        explain: "RFC 7644 registers application/scim+json. Identity providers have been seen to take application/json; Microsoft's documentation asks for the former.",
        hint: "Send `Content-Type: application/scim+json`.",
        wrong: "Content-Type: application/json",
        right: "Content-Type: application/scim+json",
        proven_by: &["content-type-json"],
        check: plain_json,
    },
    Rule {
        id: "headers/media-type-refused",
        title: "A request is refused for its Content-Type or Accept header",
        spec: "RFC 7644 §3.1, §3.8",
        level: Level::Must,
        clash: false,
        impact: Impact::CreateFails,
        breaks: &[],
        requirements: &[
            "ct-request-scim-json",
            "ct-request-charset",
            "ct-request-json",
            "ct-accept-scim-json",
            "ct-accept-none",
            "ct-accept-charset",
        ],
        explain: "`application/scim+json`, with or without `; charset=utf-8`, is the media type of SCIM; `Accept` may be absent, `*/*`, `application/*`, `application/json` or `application/scim+json`.",
        hint: "Compare the media type without its parameters; do not refuse on Accept.",
        wrong: "Content-Type: application/scim+json; charset=utf-8 → 415",
        right: "→ 201",
        proven_by: &[
            "request-charset-415",
            "request-application-json-415",
            "request-without-accept-406",
            "delete-without-body-415",
            "request-accept-json-406",
            "request-accept-range-406",
            "get-without-content-type-406",
        ],
        check: refusal_rule!("headers/media-type-refused"),
    },
    Rule {
        id: "headers/json-invalid",
        title: "A body that is declared as JSON is no valid JSON",
        spec: "RFC 8259; RFC 7644 §3.8",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["ct-json-valid", "ct-utf8"],
        explain: "The body cannot be parsed: cut off, not UTF-8, a byte-order mark, or something else than JSON.",
        hint: "Serialise with a JSON library, in UTF-8 without a mark.",
        wrong: "200 {\"id\":\"2819\"",
        right: "200 {\"id\":\"2819\"}",
        proven_by: &["truncated-json"],
        check: json_invalid,
    },
    Rule {
        id: "headers/duplicate-keys",
        title: "A JSON object names the same key twice",
        spec: "RFC 8259 §4; RFC 7643 §2.1",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["ct-json-valid"],
        explain: "Parsers differ in which of the two they keep, so two clients see two resources.",
        hint: "Write each attribute once.",
        wrong: "{\"active\":true,\"active\":false}",
        right: "{\"active\":false}",
        proven_by: &["duplicate-json-key"],
        check: duplicate_keys,
    },
    Rule {
        id: "headers/redirect-on-write",
        title: "A request is answered with a redirect to a web page",
        spec: "RFC 7644 §3.12, Table 8 (307, 308)",
        level: Level::Should,
        clash: false,
        impact: Impact::ConnectionTestFails,
        breaks: &[],
        requirements: &["err-redirect"],
        explain: "SCIM clients do not follow 301/302 to a login page, and a token must not travel to another host.",
        hint: "Answer 401 instead of redirecting; for moved resources use 307 or 308.",
        wrong: "GET /Users → 302 Location: /login",
        right: "→ 401 with an Error body",
        proven_by: &["auth-wrong-token-redirects"],
        check: redirect,
    },
    Rule {
        id: "error/broken-json-wrong-scimtype",
        title: "A body that is no JSON is refused with another word than invalidSyntax",
        spec: "RFC 7644 §3.12 Table 9",
        level: Level::Should,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["create-malformed-400"],
        explain: "Table 9 has invalidSyntax for a body whose structure is wrong. invalidValue or mutability sends people looking for an attribute that was never read.",
        hint: "Answer scimType invalidSyntax.",
        wrong: "POST /Users {\"schemas\": → 400 invalidValue",
        right: "→ 400 invalidSyntax",
        proven_by: &["malformed-json-wrong-scimtype"],
        check: broken_json_word,
    },
    Rule {
        id: "headers/shared-cache",
        title: "A resource may be kept by shared caches",
        spec: "RFC 9111 §3.5, §5.2.2.9; RFC 7644 §7.5.2",
        level: Level::Should,
        clash: false,
        impact: Impact::DataLeak,
        breaks: &[],
        requirements: &["sec-cache"],
        explain: "Answers to requests with credentials stay out of shared caches by default; `public` or `s-maxage` lifts that, and a proxy then hands one client's users to the next.",
        hint: "Send Cache-Control: no-store, or nothing.",
        wrong: "200, Cache-Control: public, max-age=3600",
        right: "200, Cache-Control: no-store",
        proven_by: &["cache-public"],
        check: shared_cache,
    },
    Rule {
        id: "headers/allow-missing",
        title: "405 does not say which methods there are",
        spec: "RFC 9110 §15.5.6",
        level: Level::Should,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["http-405-allow"],
        explain: "An origin server that answers 405 has to send `Allow`, the list of the methods that the resource has; an empty list is one, too. Without it a client cannot tell a method that is not there from one that is not there today.",
        hint: "Send Allow with each 405, for example Allow: GET, PUT, PATCH, DELETE.",
        wrong: "PUT /Users → 405",
        right: "PUT /Users → 405, Allow: GET, POST",
        proven_by: &["not-allowed-without-allow"],
        check: allow_missing,
    },
];

fn server_error(view: &View<'_>) -> Verdict {
    match view.status() {
        0 | 501 => Verdict::NotApplicable,
        503 if view.response().is_some_and(|r| r.header("retry-after").is_some()) => Verdict::NotApplicable,
        500..=599 => {
            let body = view.response().map(|r| r.text().chars().take(200).collect::<String>()).unwrap_or_default();
            Verdict::fail("status", "success, or a 4xx that says what is wrong", format!("{} {body}", view.status()))
        }
        _ => Verdict::Pass,
    }
}

/// An error answer of the SCIM service itself (not of a discovery path that need not exist, a HEAD or 304).
fn error_answer(view: &View<'_>) -> bool {
    (400..600).contains(&view.status())
        && view.call.method != "HEAD"
        && view.call.op != Op::Other
        && !matches!(view.status(), 429 | 502..=504)
}

/// The Error body, when it is one.
fn error_body<'a>(view: &View<'a>) -> Option<&'a Map<String, Value>> {
    view.object().filter(|o| error_answer(view) && names_error(o))
}

fn names_error(o: &Map<String, Value>) -> bool {
    get_ci(o, "schemas").is_some_and(|s| s.to_string().to_ascii_lowercase().contains(&urn::ERROR.to_ascii_lowercase()))
}

fn body_not_scim(view: &View<'_>) -> Verdict {
    if !(error_answer(view) || before_the_service(view)) || view.status() >= 500 && view.status() != 501 {
        return Verdict::NotApplicable;
    }
    let Some(body) = view.object() else {
        let text = view.response().map(|r| r.text().chars().take(120).collect::<String>()).unwrap_or_default();
        let actual = if text.trim().is_empty() { "no body".to_owned() } else { text };
        return softened(view, Finding::new("body", "a SCIM Error", actual));
    };
    match get_ci(body, "schemas") {
        // A bulk that ends with too many errors is answered as a bulk; with which status is not said (RFC 7644 §3.7.3).
        Some(Value::Array(list)) if view.call.op == Op::Bulk && names(list, urn::BULK_RESPONSE) => {
            Verdict::NotApplicable
        }
        Some(Value::Array(list)) if names(list, urn::ERROR) => Verdict::Pass,
        Some(other) => softened(view, Finding::new("body /schemas", urn::ERROR, short(other))),
        None => softened(view, Finding::new("body /schemas", urn::ERROR, "no schemas")),
    }
}

fn names(schemas: &[Value], urn: &str) -> bool {
    schemas.iter().filter_map(Value::as_str).any(|s| s.eq_ignore_ascii_case(urn))
}

/// Answers that often come from a gateway before the SCIM service (401, 403, 405, 415) are judged less hard.
fn softened(view: &View<'_>, finding: Finding) -> Verdict {
    if before_the_service(view) {
        return Verdict::Fail(vec![finding.level(Level::Should)]);
    }
    let gateway = matches!(view.status(), 401 | 403 | 405 | 406 | 411 | 413 | 414 | 415 | 431);
    let foreign = matches!(view.status(), 404 | 501) && !served(view);
    Verdict::Fail(vec![if gateway || foreign { finding.level(Level::Should) } else { finding }])
}

/// Too many requests, or an address that names nothing: often told by what stands before the SCIM service.
fn before_the_service(view: &View<'_>) -> bool {
    let elsewhere = view.call.op == Op::Other && matches!(view.status(), 404 | 405);
    view.call.method != "HEAD" && (view.status() == 429 || elsewhere)
}

/// True for an address that the target offers: discovery, or something below the endpoint of a type. What is said at
/// any other address may come from whoever stands before the SCIM service.
fn served(view: &View<'_>) -> bool {
    let segments = view.exchange.request.segments();
    let below = |endpoint: &str| segments.first().is_some_and(|s| endpoint.trim_matches('/') == s.as_str());
    let known = ["ServiceProviderConfig", "ResourceTypes", "Schemas"].into_iter().any(below)
        || view.target.types.iter().any(|t| below(&t.endpoint));
    known && view.call.op != Op::Search
}

fn status_text(view: &View<'_>) -> Verdict {
    let Some(body) = error_body(view) else { return Verdict::NotApplicable };
    let want = view.status().to_string();
    match get_ci(body, "status") {
        Some(Value::String(s)) if *s == want => Verdict::Pass,
        Some(other) => Verdict::fail("body /status", format!("\"{want}\""), short(other)),
        None => Verdict::fail("body /status", format!("\"{want}\""), "no status"),
    }
}

fn no_answer(view: &View<'_>) -> Verdict {
    match &view.exchange.outcome {
        Ok(_) => Verdict::Pass,
        Err(failure) if failure.repeated => Verdict::fail("status", "an answer", "the connection is closed, twice"),
        Err(_) => Verdict::NotApplicable,
    }
}

fn detail_text(view: &View<'_>) -> Verdict {
    let Some(body) = error_body(view) else { return Verdict::NotApplicable };
    match get_ci(body, "detail") {
        Some(Value::String(_)) => Verdict::Pass,
        None | Some(Value::Null) => Verdict::NotApplicable,
        Some(other) => Verdict::fail("body /detail", "a string", short(other)),
    }
}

fn detail_missing(view: &View<'_>) -> Verdict {
    let Some(body) = error_body(view) else { return Verdict::NotApplicable };
    match get_ci(body, "detail") {
        Some(Value::String(s)) if !s.trim().is_empty() => Verdict::Pass,
        None | Some(Value::Null | Value::String(_)) => Verdict::fail("body /detail", "a sentence", "nothing"),
        Some(_) => Verdict::NotApplicable,
    }
}

pub(super) const SCIM_TYPES: [&str; 15] = [
    "invalidFilter",
    "tooMany",
    "uniqueness",
    "mutability",
    "invalidSyntax",
    "invalidPath",
    "noTarget",
    "invalidValue",
    "invalidVers",
    "sensitive",
    "invalidCursor",
    "expiredCursor",
    "invalidCount",
    "invalidvers",
    "tooLarge",
];

fn scimtype(view: &View<'_>) -> Verdict {
    let Some(body) = error_body(view) else { return Verdict::NotApplicable };
    match get_ci(body, "scimType") {
        None => Verdict::Pass,
        Some(Value::Null) => Verdict::NotApplicable,
        Some(Value::String(s)) if SCIM_TYPES.contains(&s.as_str()) => Verdict::Pass,
        // A product's own word is no registered keyword, but no client is known to break on it; a text that stands for "nothing" is a bug.
        Some(Value::String(s)) if s.is_empty() || s == "null" || s == "None" || s == "undefined" => {
            Verdict::fail("body /scimType", "a keyword of Table 9, or absent", short(&Value::String(s.clone())))
        }
        Some(Value::String(s)) => {
            // A sentence is no word at all: what it says belongs into `detail`.
            let level = if s.trim().contains(char::is_whitespace) { Level::Should } else { Level::Note };
            let finding = Finding::new("body /scimType", "a keyword of Table 9, or absent", s.clone());
            Verdict::Fail(vec![finding.level(level)])
        }
        Some(other) => Verdict::fail("body /scimType", "a string", short(other)),
    }
}

fn broken_json(view: &View<'_>) -> Verdict {
    if !view.must_refuse(Reason::BrokenBody) || view.status() == 0 || view.status() >= 500 {
        return Verdict::NotApplicable;
    }
    if view.accepted() {
        Verdict::fail("status", "400 invalidSyntax", view.status().to_string())
    } else {
        Verdict::Pass
    }
}

const INTERNALS: [&str; 12] = [
    "Traceback (most recent",
    "at java.",
    "at org.",
    "at com.",
    ".java:",
    "Exception in thread",
    "SQLSTATE",
    "SELECT * FROM",
    "syntax error at or near",
    "node_modules/",
    "site-packages/",
    "goroutine ",
];

fn leak(view: &View<'_>) -> Verdict {
    if view.status() < 400 {
        return Verdict::NotApplicable;
    }
    let Some(response) = view.response().filter(|r| !r.body.is_empty()) else { return Verdict::NotApplicable };
    let text = response.text();
    match INTERNALS.iter().find(|m| text.contains(*m)) {
        Some(mark) => Verdict::fail("body", "no internals", format!("…{mark}…")),
        None => Verdict::Pass,
    }
}

fn has_body(view: &View<'_>) -> bool {
    view.call.method != "HEAD" && view.response().is_some_and(|r| !r.body.is_empty() && !matches!(r.status, 204 | 304))
}

fn scim_answer(view: &View<'_>) -> bool {
    has_body(view) && view.call.op != Op::Other && (view.accepted() || view.object().is_some_and(names_error))
}

fn content_type(view: &View<'_>) -> Verdict {
    if !scim_answer(view) {
        return Verdict::NotApplicable;
    }
    match view.response().and_then(|r| r.media_type()).as_deref() {
        Some("application/scim+json") => Verdict::Pass,
        Some("application/json") => Verdict::NotApplicable,
        Some(other) => Verdict::fail("header Content-Type", "application/scim+json", other),
        None => Verdict::fail("header Content-Type", "application/scim+json", "no Content-Type"),
    }
}

fn byte_order_mark(view: &View<'_>) -> Verdict {
    match view.response().filter(|r| r.json().is_some()) {
        Some(response) if response.marked() => Verdict::fail("body", "a brace at once", "a byte order mark before it"),
        Some(_) => Verdict::Pass,
        None => Verdict::NotApplicable,
    }
}

fn plain_json(view: &View<'_>) -> Verdict {
    // Who asks for nothing but application/json gets it (RFC 7644 §3.8).
    let accept = view.exchange.request.header("accept").unwrap_or_default().to_ascii_lowercase();
    let asked_for = accept.contains("application/json") && !accept.contains("scim+json") && !accept.contains('*');
    if !scim_answer(view) || asked_for {
        return Verdict::NotApplicable;
    }
    match view.response().and_then(|r| r.media_type()).as_deref() {
        Some("application/json") => Verdict::fail("header Content-Type", "application/scim+json", "application/json"),
        Some("application/scim+json") => Verdict::Pass,
        _ => Verdict::NotApplicable,
    }
}

fn json_invalid(view: &View<'_>) -> Verdict {
    if !has_body(view) || view.call.op == Op::Other {
        return Verdict::NotApplicable;
    }
    let Some(response) = view.response() else { return Verdict::NotApplicable };
    let declared = response.media_type().is_some_and(|m| m.ends_with("json"));
    // A byte order mark before JSON that is valid is another rule's.
    let told = response.marked() && response.json().is_some();
    if !declared || told || response.body.iter().all(u8::is_ascii_whitespace) {
        return Verdict::NotApplicable;
    }
    match serde_json::from_slice::<serde::de::IgnoredAny>(&response.body) {
        Ok(_) => Verdict::Pass,
        Err(_) if response.truncated => Verdict::NotApplicable,
        Err(e) => Verdict::fail("body", "valid JSON", e.to_string()),
    }
}

fn duplicate_keys(view: &View<'_>) -> Verdict {
    if !has_body(view) || view.exchange.json().is_none() {
        return Verdict::NotApplicable;
    }
    let Some(response) = view.response() else { return Verdict::NotApplicable };
    match super::keys::first_duplicate(&response.body) {
        Some(key) => Verdict::fail("body", "each key once", format!("{key:?} twice")),
        None => Verdict::Pass,
    }
}

fn redirect(view: &View<'_>) -> Verdict {
    if view.status() == 0 || view.call.op == Op::Me {
        return Verdict::NotApplicable;
    }
    if matches!(view.status(), 301..=303) {
        let to = view.response().and_then(|r| r.header("location")).unwrap_or("nowhere").to_owned();
        return Verdict::fail("status", "an answer of the SCIM service", format!("{} to {to}", view.status()));
    }
    Verdict::Pass
}

fn broken_json_word(view: &View<'_>) -> Verdict {
    // An empty body has no syntax, and a JSON text that is no object may be called a wrong value.
    let json = view.exchange.request.header("content-type").is_some_and(|t| t.to_ascii_lowercase().contains("json"));
    // Who reads over a byte order mark has not met broken JSON (RFC 8259 §8.1).
    let marked = view.exchange.request.body.as_deref().is_some_and(|b| b.starts_with(BYTE_ORDER_MARK));
    if !view.call.broken_body || marked || !json || view.status() != 400 || !view.on_resources() {
        return Verdict::NotApplicable;
    }
    match error_body(view).map(|b| get_ci(b, "scimType").and_then(Value::as_str)) {
        Some(Some("invalidSyntax")) => Verdict::Pass,
        Some(Some(word)) if SCIM_TYPES.contains(&word) => Verdict::fail("body /scimType", "invalidSyntax", word),
        _ => Verdict::NotApplicable,
    }
}

fn shared_cache(view: &View<'_>) -> Verdict {
    if !view.accepted() || !view.on_resources() || !view.target.credentials || view.call.method != "GET" {
        return Verdict::NotApplicable;
    }
    let header = view.response().and_then(|r| r.header("cache-control")).unwrap_or_default().to_ascii_lowercase();
    let shared = header.split(',').map(str::trim).find(|d| *d == "public" || d.starts_with("s-maxage="));
    match shared.filter(|d| *d != "s-maxage=0") {
        Some(directive) => Verdict::fail("header Cache-Control", "no-store, private or nothing", directive),
        None => Verdict::Pass,
    }
}

fn allow_missing(view: &View<'_>) -> Verdict {
    let Some(response) = view.response().filter(|r| r.status == 405) else { return Verdict::NotApplicable };
    match response.header("allow") {
        Some(_) => Verdict::Pass,
        None => Verdict::fail("header Allow", "the methods that there are", "no such header"),
    }
}
