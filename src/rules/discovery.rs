//! What a server says about itself (RFC 7644 §4), conditional requests (§3.14), Bulk (§3.7) and `/.search` (§3.4.3).

use super::patch::refusal_rule;
use super::refusal;
use super::rule::{Finding, Impact, Level, Rule, Verdict};
use super::view::{View, short};
use crate::scim::urn;
use crate::scim::value::get_ci;
use crate::shadow::{Expectation, Known, Op, State};
use serde_json::{Map, Value};

/// Rules of this area.
pub static RULES: &[Rule] = &[
    Rule {
        id: "discovery/not-available",
        title: "A discovery endpoint is not there",
        spec: "RFC 7644 §4",
        level: Level::Should,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["spc-get", "rt-list", "sch-list"],
        explain: "/ServiceProviderConfig, /ResourceTypes and /Schemas are how a client learns what a server can do. Okta reads the last two for entitlements, Entra's gallery wants /Schemas.",
        hint: "Serve the three documents.",
        wrong: "GET /ResourceTypes → 404",
        right: "→ 200 with a ListResponse",
        proven_by: &["resourcetypes-404", "schemas-404", "serviceproviderconfig-404"],
        check: not_available,
    },
    Rule {
        id: "discovery/list-not-a-list-response",
        title: "/Schemas or /ResourceTypes is no ListResponse",
        spec: "RFC 7644 §4, §3.4.2",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &["entra"],
        requirements: &["rt-list", "sch-list"],
        explain: "Both endpoints answer as any other query does: an object with `schemas`, `totalResults` and `Resources`.",
        hint: "Wrap the list.",
        wrong: "GET /Schemas → [ {…} ]",
        right: "→ {\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:ListResponse\"],\"totalResults\":3,\"Resources\":[…]}",
        proven_by: &["schemas-bare-array", "resourcetypes-bare-array", "resourcetypes-total-wrong"],
        check: list_response,
    },
    Rule {
        id: "discovery/config-incomplete",
        title: "ServiceProviderConfig lacks required members",
        spec: "RFC 7643 §5",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &[
            "spc-required-members",
            "spc-bulk-limits",
            "spc-filter-maxresults",
            "spc-auth-schemes",
            "spc-schema-urn",
        ],
        explain: "patch, bulk, filter, changePassword, sort and etag are required, each with a boolean `supported`; bulk and filter carry limits; authenticationSchemes lists how to sign in.",
        hint: "Return all members, with `supported: false` for what you do not do.",
        wrong: "{\"patch\":{\"supported\":true}}",
        right: "{\"patch\":{\"supported\":true},\"bulk\":{\"supported\":false,\"maxOperations\":0,\"maxPayloadSize\":0},\"filter\":{\"supported\":true,\"maxResults\":200},…}",
        proven_by: &[
            "serviceproviderconfig-missing-required",
            "serviceproviderconfig-as-list",
            "serviceproviderconfig-supported-string",
        ],
        check: config,
    },
    Rule {
        id: "discovery/max-results-zero",
        title: "`filter.maxResults` is 0 although filtering is supported",
        spec: "RFC 7643 §5 (maxResults)",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["spc-filter-maxresults"],
        explain: "maxResults is the largest number of resources in an answer; with 0 a client must conclude that no query returns anything.",
        hint: "Return the real limit.",
        wrong: "\"filter\":{\"supported\":true,\"maxResults\":0}",
        right: "\"filter\":{\"supported\":true,\"maxResults\":200}",
        proven_by: &["serviceproviderconfig-maxresults-zero"],
        check: max_results,
    },
    Rule {
        id: "discovery/resource-type-incomplete",
        title: "A resource type lacks name, endpoint or schema",
        spec: "RFC 7643 §6",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["rt-required", "rt-endpoint-relative"],
        explain: "name, endpoint and schema are required; without them no client knows where users live.",
        hint: "Return {\"name\":\"User\",\"endpoint\":\"/Users\",\"schema\":\"urn:ietf:params:scim:schemas:core:2.0:User\"}.",
        wrong: "{\"name\":\"User\"}",
        right: "{\"name\":\"User\",\"endpoint\":\"/Users\",\"schema\":\"urn:…:core:2.0:User\"}",
        proven_by: &["error-answered-200", "resourcetypes-endpoint-wrong", "resourcetypes-without-schema"],
        check: resource_types,
    },
    Rule {
        id: "discovery/schema-incomplete",
        title: "A schema document lacks `schemas`, `id` or attributes",
        spec: "RFC 7643 §7, §3",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["sch-schemas-member", "sch-id-urn", "sch-name"],
        explain: "Each schema is a resource of its own: with `schemas` naming the Schema schema, its URI as `id`, and its attributes. A document without `schemas` is only a note: those that RFC 7643 §8.7 prints have none either.",
        hint: "Add \"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Schema\"] to each.",
        wrong: "{\"id\":\"urn:…:User\",\"attributes\":[…]}",
        right: "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Schema\"],\"id\":\"urn:…:User\",\"attributes\":[…]}",
        proven_by: &["schemas-items-without-schemas", "schemas-attributes-missing"],
        check: schema_documents,
    },
    Rule {
        id: "discovery/attribute-definition-wrong",
        title: "An attribute definition has a characteristic that RFC 7643 does not know",
        spec: "RFC 7643 §7",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &["entra"],
        requirements: &[
            "sch-attr-shape",
            "sch-simple-no-subattrs",
            "sch-complex-subattrs",
            "sch-attr-names",
            "sch-no-nulls",
        ],
        explain: "type, mutability, returned and uniqueness have fixed words in camel case; complex attributes list their sub-attributes.",
        hint: "Use the words of RFC 7643 §7 exactly.",
        wrong: "\"mutability\":\"ReadWrite\"",
        right: "\"mutability\":\"readWrite\"",
        proven_by: &["schemas-wrong-keywords"],
        check: attributes,
    },
    Rule {
        id: "discovery/extension-schema-missing",
        title: "A schema that a resource type names (or that resources use) is not served",
        spec: "RFC 7643 §6; RFC 7644 §4",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["rt-schema-resolves", "rt-extension-resolves", "sch-enterprise"],
        explain: "/Schemas lists every schema that the server supports; a client cannot map attributes that it cannot look up.",
        hint: "Serve the extension under /Schemas, or take it out of the resource type.",
        wrong: "/ResourceTypes names the enterprise extension; /Schemas does not have it",
        right: "/Schemas has it",
        proven_by: &["schemas-missing-extension", "schemas-id-not-urn"],
        check: extension_missing,
    },
    Rule {
        id: "discovery/unknown-answered",
        title: "An unknown schema or resource type is answered with success",
        spec: "RFC 7644 §4, §3.12",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["sch-unknown-404", "rt-unknown-404"],
        explain: "What does not exist is 404.",
        hint: "Answer 404 with an Error body.",
        wrong: "GET /Schemas/urn:example:none → 200 {}",
        right: "→ 404",
        proven_by: &["schemas-unknown-answered"],
        check: unknown,
    },
    Rule {
        id: "discovery/single-document-missing",
        title: "A schema or resource type that is listed cannot be read by itself",
        spec: "RFC 7644 §4",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["sch-by-urn", "rt-by-id"],
        explain: "An individual document is at /Schemas/{urn} and /ResourceTypes/{name}.",
        hint: "Serve both forms.",
        wrong: "GET /Schemas/urn:ietf:params:scim:schemas:core:2.0:User → 404 although listed",
        right: "→ 200",
        proven_by: &["resourcetypes-by-id-404", "schemas-by-id-404"],
        check: single,
    },
    Rule {
        id: "discovery/message-schema-listed",
        title: "/Schemas lists message schemas",
        spec: "RFC 7644 §3.1",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["sch-message-urns-hidden"],
        explain: "Schemas of messages (ListResponse, PatchOp, Error) shall not be discoverable.",
        hint: "List resource schemas only.",
        wrong: "/Schemas has urn:ietf:params:scim:api:messages:2.0:ListResponse",
        right: "it has not",
        proven_by: &["schemas-lists-messages"],
        check: messages,
    },
    Rule {
        id: "discovery/writes-accepted",
        title: "A discovery document can be changed by a client",
        spec: "RFC 7644 §4; RFC 7643 §5, §6, §7 (readOnly)",
        level: Level::Should,
        clash: false,
        impact: Impact::None,
        breaks: &[],
        requirements: &["spc-readonly", "rt-readonly", "sch-readonly"],
        explain: "Only GET is defined on these endpoints.",
        hint: "Answer 405.",
        wrong: "DELETE /ServiceProviderConfig → 204",
        right: "→ 405",
        proven_by: &["discovery-accepts-writes"],
        check: writes,
    },
    Rule {
        id: "etag/header-missing",
        title: "ETags are claimed, but an answer has none",
        spec: "RFC 7644 §3.14",
        level: Level::Must,
        clash: false,
        impact: Impact::None,
        breaks: &[],
        requirements: &["etag-header"],
        explain: "When ETags are supported they must be an HTTP header of each resource.",
        hint: "Send ETag with every resource, or say etag.supported=false.",
        wrong: "GET /Users/2819 → no ETag",
        right: "ETag: W/\"e180ee84\"",
        proven_by: &["etag-header-missing", "serviceproviderconfig-claims-etag"],
        check: etag_missing,
    },
    Rule {
        id: "etag/malformed",
        title: "An ETag is no entity tag",
        spec: "RFC 9110 §8.8.3; RFC 7644 §3.14",
        level: Level::Must,
        clash: false,
        impact: Impact::None,
        breaks: &[],
        requirements: &["etag-format"],
        explain: "An entity tag is a quoted text, weak ones begin with W/.",
        hint: "Quote it.",
        wrong: "ETag: e180ee84",
        right: "ETag: W/\"e180ee84\"",
        proven_by: &["etag-unquoted"],
        check: etag_form,
    },
    Rule {
        id: "etag/unchanged-after-change",
        title: "The ETag stays although the resource changed",
        spec: "RFC 7644 §3.14; RFC 9110 §8.8.1",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &["etag-changes", "put-etag-changes"],
        explain: "Conditional writes that should fail go through, and one client overwrites the other.",
        hint: "Make a new tag with every change.",
        wrong: "PATCH changes title; ETag is the same",
        right: "another ETag",
        proven_by: &["etag-never-changes"],
        check: etag_static,
    },
    Rule {
        id: "etag/if-none-match-ignored",
        title: "If-None-Match with the current tag does not give 304",
        spec: "RFC 7644 §3.14; RFC 9110 §13.1.2",
        level: Level::Should,
        clash: false,
        impact: Impact::None,
        breaks: &[],
        requirements: &["etag-if-none-match-304"],
        explain: "The client already has this representation.",
        hint: "Answer 304 without a body.",
        wrong: "GET If-None-Match: <current> → 200",
        right: "→ 304",
        proven_by: &["if-none-match-ignored"],
        check: not_modified,
    },
    Rule {
        id: "etag/not-modified-stale",
        title: "304 for a tag that is no longer current",
        spec: "RFC 9110 §13.1.2; RFC 7644 §3.14",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &["etag-if-none-match-stale-200"],
        explain: "The client keeps working with a representation that is out of date.",
        hint: "Compare with the current tag.",
        wrong: "GET If-None-Match: <old> → 304",
        right: "→ 200 with the resource",
        proven_by: &["if-none-match-always-304"],
        check: stale_304,
    },
    Rule {
        id: "etag/stale-write-accepted",
        title: "A write with a stale If-Match is carried out",
        spec: "RFC 7644 §3.14; RFC 9110 §13.1.1",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &["etag-if-match-stale-412"],
        explain: "If-Match protects against lost updates: when the tag is not current nothing may be changed.",
        hint: "Answer 412.",
        wrong: "PATCH If-Match: <old> → 200",
        right: "→ 412",
        proven_by: &["if-match-ignored"],
        check: stale_write,
    },
    Rule {
        id: "etag/current-write-refused",
        title: "A write with the current tag (or `*`) in If-Match is refused",
        spec: "RFC 7644 §3.14; RFC 9110 §13.1.1",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateFails,
        breaks: &[],
        requirements: &["etag-if-match-ok", "etag-if-match-star"],
        explain: "The condition holds, so the request must be carried out.",
        hint: "Compare tags weakly enough for W/ ones; `*` matches any existing resource.",
        wrong: "PATCH If-Match: <current> → 412",
        right: "→ 200 or 204",
        proven_by: &["if-match-always-412", "if-match-refused-400"],
        check: current_write,
    },
    Rule {
        id: "etag/precondition-required",
        title: "A write without If-Match is refused",
        spec: "Okta and Entra send no conditional headers; RFC 7644 §3.14 makes them optional",
        level: Level::Idp,
        clash: false,
        impact: Impact::UpdateFails,
        breaks: &["okta", "entra"],
        requirements: &["etag-none-needed"],
        explain: "No identity provider sends If-Match, so nothing could ever be updated.",
        hint: "Treat the absence of If-Match as \"unconditional\".",
        wrong: "PATCH without If-Match → 428",
        right: "→ 200 or 204",
        proven_by: &["if-match-required"],
        check: required,
    },
    Rule {
        id: "bulk/answer-wrong",
        title: "The answer to /Bulk is no BulkResponse",
        spec: "RFC 7644 §3.7",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["bulk-200", "bulk-all-results"],
        explain: "A bulk request is answered with 200 and one object: `schemas` names BulkResponse, `Operations` holds the results.",
        hint: "Return the envelope.",
        wrong: "POST /Bulk → 200 [ {…} ]",
        right: "→ 200 {\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:BulkResponse\"],\"Operations\":[…]}",
        proven_by: &["bulk-answers-201"],
        check: bulk_answer,
    },
    Rule {
        id: "bulk/claimed-not-available",
        title: "Bulk is claimed and not available",
        spec: "RFC 7643 §5; RFC 7644 §3.7",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["spc-claims-match-behaviour", "bulk-200"],
        explain: "ServiceProviderConfig says bulk.supported, and /Bulk answers 404, 405 or 501.",
        hint: "Say false, or implement it.",
        wrong: "\"bulk\":{\"supported\":true}; POST /Bulk → 501",
        right: "POST /Bulk → 200",
        proven_by: &["serviceproviderconfig-claims-bulk"],
        check: bulk_claimed,
    },
    Rule {
        id: "bulk/status-not-text",
        title: "`status` of a bulk operation is missing, no string, or not that of its method",
        spec: "RFC 7644 §3.7, §3.7.3",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["bulk-status-string"],
        explain: "Each operation has its HTTP status as a string: the one that the same request would have had alone, so 201 for a create.",
        hint: "Write \"status\": \"201\".",
        wrong: "{\"status\":201}",
        right: "{\"status\":\"201\"}",
        proven_by: &["bulk-create-status-200", "bulk-status-number"],
        check: bulk_status,
    },
    Rule {
        id: "bulk/location-missing",
        title: "A bulk operation that created or changed something has no location",
        spec: "RFC 7644 §3.7, §3.7.3",
        level: Level::Must,
        clash: false,
        impact: Impact::UserNotFound,
        breaks: &[],
        requirements: &["bulk-location", "bulk-create"],
        explain: "`location` is required in all but failed POST operations: it is how the client learns the id.",
        hint: "Return the URI of each resource.",
        wrong: "{\"method\":\"POST\",\"bulkId\":\"a\",\"status\":\"201\"}",
        right: "{…,\"location\":\"https://…/Users/92b7\"}",
        proven_by: &["bulk-change-without-location", "bulk-without-location"],
        check: bulk_location,
    },
    Rule {
        id: "bulk/bulk-id-not-echoed",
        title: "A bulk operation is answered without its bulkId",
        spec: "RFC 7644 §3.7",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["bulk-create"],
        explain: "The client finds its operation by the bulkId.",
        hint: "Echo it.",
        wrong: "{\"method\":\"POST\",\"status\":\"201\"}",
        right: "{\"method\":\"POST\",\"bulkId\":\"a\",\"status\":\"201\"}",
        proven_by: &["bulk-without-bulkid"],
        check: bulk_id,
    },
    Rule {
        id: "bulk/fail-on-errors-ignored",
        title: "`failOnErrors` is ignored",
        spec: "RFC 7644 §3.7",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &["bulk-failonerrors"],
        explain: "After that number of errors the rest must not be processed.",
        hint: "Stop and return what was processed.",
        wrong: "failOnErrors 1; a bad and a good operation → the good one is carried out after the bad",
        right: "only the bad one is answered",
        proven_by: &["bulk-failonerrors-ignored"],
        check: fail_on_errors,
    },
    Rule {
        id: "bulk/stops-at-error",
        title: "A bulk request without `failOnErrors` stops at the first error",
        spec: "RFC 7644 §3.7",
        level: Level::Must,
        clash: false,
        impact: Impact::CreateFails,
        breaks: &[],
        requirements: &["bulk-continue"],
        explain: "Without failOnErrors the server continues to perform as many changes as possible.",
        hint: "Go on with the next operation.",
        wrong: "bad, good → one result",
        right: "→ two results",
        proven_by: &["bulk-stops-at-error"],
        check: stops,
    },
    Rule {
        id: "search/not-offered",
        title: "POST to a .search endpoint is not offered",
        spec: "RFC 7644 §3.4.3 lets clients query by POST; no sentence asks a server to offer it",
        level: Level::Note,
        clash: false,
        impact: Impact::None,
        breaks: &[],
        requirements: &["search-post-200"],
        explain: "Filters with personal data are better sent in a body than in a URL, and some clients do. No identity provider that is played here needs it.",
        hint: "Take the parameters of a query from a SearchRequest body as well.",
        wrong: "POST /Users/.search → 501",
        right: "→ 200 with a ListResponse",
        proven_by: &["search-endpoint-404"],
        check: refusal_rule!("search/not-offered"),
    },
    Rule {
        id: "search/post-status",
        title: "POST /.search answers with a status other than 200",
        spec: "RFC 7644 §3.4.3",
        level: Level::Must,
        clash: false,
        impact: Impact::LookupFails,
        breaks: &[],
        requirements: &["search-post-200"],
        explain: "It is a query, nothing is created.",
        hint: "Answer 200.",
        wrong: "POST /Users/.search → 201",
        right: "→ 200",
        proven_by: &["search-post-201"],
        check: search_status,
    },
];

/// `serviceproviderconfig`, `resourcetypes` or `schemas` for a discovery call with the configured credentials.
fn document<'a>(view: &View<'a>) -> Option<String> {
    (view.call.op == Op::Discovery && view.call.auth == crate::exchange::AuthKind::Configured)
        .then(|| view.call.endpoint.trim_start_matches('/').to_ascii_lowercase())
}

pub(super) fn plain_get(view: &View<'_>, name: &str, depth: usize) -> bool {
    view.call.method == "GET"
        && view.call.depth == depth
        && view.exchange.request.query.is_none()
        && document(view).as_deref() == Some(name)
}

fn exact_path(view: &View<'_>) -> bool {
    ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas"].contains(&view.exchange.request.path.as_str())
}

fn not_available(view: &View<'_>) -> Verdict {
    let asked = ["serviceproviderconfig", "resourcetypes", "schemas"].iter().any(|d| plain_get(view, d, 1));
    if !asked || !exact_path(view) {
        return Verdict::NotApplicable;
    }
    match view.status() {
        200 => Verdict::Pass,
        404 | 405 | 501 => Verdict::fail("status", "200 OK", view.status().to_string()),
        _ => Verdict::NotApplicable,
    }
}

fn list_response(view: &View<'_>) -> Verdict {
    if view.status() != 200 || !(plain_get(view, "resourcetypes", 1) || plain_get(view, "schemas", 1)) {
        return Verdict::NotApplicable;
    }
    let Some(list) = view.object() else {
        return Verdict::fail(
            "body",
            "a ListResponse",
            view.exchange.json().map_or_else(|| "no JSON".to_owned(), short),
        );
    };
    let named = get_ci(list, "schemas").is_some_and(|s| s.to_string().contains(urn::LIST));
    match (named, list.get("Resources")) {
        // RFC 7644 §4: paging is ignored here, so the list is whole.
        (true, Some(Value::Array(all))) => match get_ci(list, "totalResults") {
            Some(total) if total.as_u64() == Some(all.len() as u64) => Verdict::Pass,
            other => {
                let shown = other.map_or_else(|| "nothing".to_owned(), short);
                Verdict::fail("body /totalResults", all.len().to_string(), shown)
            }
        },
        (false, _) => Verdict::fail(
            "body /schemas",
            urn::LIST,
            get_ci(list, "schemas").map_or_else(|| "nothing".to_owned(), short),
        ),
        (_, other) => Verdict::fail("body /Resources", "a list", other.map_or_else(|| "nothing".to_owned(), short)),
    }
}

fn config(view: &View<'_>) -> Verdict {
    if view.status() != 200 || !plain_get(view, "serviceproviderconfig", 1) {
        return Verdict::NotApplicable;
    }
    let Some(config) = view.object() else { return Verdict::fail("body", "an object", "something else") };
    let mut findings = Vec::new();
    for feature in ["patch", "bulk", "filter", "changePassword", "sort", "etag"] {
        let supported = get_ci(config, feature).and_then(|f| f.get("supported"));
        if !supported.is_some_and(Value::is_boolean) {
            findings.push(Finding::new(
                format!("body /{feature}/supported"),
                "true or false",
                supported.map_or_else(|| "missing".to_owned(), short),
            ));
        }
    }
    let on = |feature: &str| get_ci(config, feature).and_then(|f| f.get("supported")) == Some(&Value::Bool(true));
    for (feature, member) in [("bulk", "maxOperations"), ("bulk", "maxPayloadSize"), ("filter", "maxResults")] {
        let value = get_ci(config, feature).and_then(|f| f.get(member));
        if get_ci(config, feature).is_some() && !value.is_some_and(|v| v.is_u64() || v.is_i64()) {
            let finding = Finding::new(
                format!("body /{feature}/{member}"),
                "an integer",
                value.map_or_else(|| "missing".to_owned(), short),
            );
            // Required by the letter; of no use where the feature is off.
            findings.push(if on(feature) { finding } else { finding.level(Level::Should) });
        }
    }
    if !get_ci(config, "authenticationSchemes").is_some_and(Value::is_array) {
        findings.push(Finding::new("body /authenticationSchemes", "a list", "missing"));
    }
    Verdict::from_findings(findings)
}

fn max_results(view: &View<'_>) -> Verdict {
    if view.status() != 200 || !plain_get(view, "serviceproviderconfig", 1) {
        return Verdict::NotApplicable;
    }
    let Some(filter) = view.object().and_then(|c| get_ci(c, "filter")) else { return Verdict::NotApplicable };
    match (filter.get("supported") == Some(&Value::Bool(true)), filter.get("maxResults").and_then(Value::as_i64)) {
        (true, Some(n)) if n < 1 => Verdict::fail("body /filter/maxResults", "the real limit", n.to_string()),
        (true, Some(_)) => Verdict::Pass,
        _ => Verdict::NotApplicable,
    }
}

/// The documents in an answer: the entries of a list, or the one.
pub(super) fn documents<'a>(view: &View<'a>, name: &str) -> Vec<&'a Map<String, Value>> {
    if view.status() != 200 || document(view).as_deref() != Some(name) || view.call.method != "GET" {
        return Vec::new();
    }
    let Some(body) = view.exchange.json() else { return Vec::new() };
    let list = body.as_object().and_then(|o| get_ci(o, "Resources")).or(Some(body)).and_then(Value::as_array);
    match list {
        Some(items) => items.iter().filter_map(Value::as_object).collect(),
        None => body.as_object().filter(|_| view.call.depth > 1).into_iter().collect(),
    }
}

fn resource_types(view: &View<'_>) -> Verdict {
    let all = documents(view, "resourcetypes");
    if all.is_empty() {
        return Verdict::NotApplicable;
    }
    let mut findings = Vec::new();
    for one in all {
        let is = |name: &str, text: &str| {
            get_ci(one, name).and_then(Value::as_str).is_some_and(|v| v.eq_ignore_ascii_case(text))
        };
        let shown = get_ci(one, "endpoint").and_then(Value::as_str).unwrap_or_default();
        for (schema, endpoint) in [(urn::USER, "Users"), (urn::GROUP, "Groups")] {
            // RFC 7643 §6 writes "Users" in its text and "/Users" in its examples. A path from the server's root, or a whole
            // URL, leads to the same place and is only not relative to the base URL.
            let last = shown.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            if is("schema", schema) && !shown.is_empty() && !shown.trim_matches('/').eq_ignore_ascii_case(endpoint) {
                let finding = Finding::new("body /endpoint", format!("/{endpoint}"), shown);
                let leads_there = last.eq_ignore_ascii_case(endpoint);
                findings.push(if leads_there { finding.level(Level::Should) } else { finding });
            }
        }
        for name in ["name", "endpoint", "schema"] {
            if get_ci(one, name).and_then(Value::as_str).is_none_or(str::is_empty) {
                findings.push(Finding::new(
                    format!("body /{name}"),
                    "a text",
                    get_ci(one, name).map_or_else(|| "missing".to_owned(), short),
                ));
            }
        }
    }
    findings.truncate(1);
    Verdict::from_findings(findings)
}

fn schema_documents(view: &View<'_>) -> Verdict {
    let all = documents(view, "schemas");
    if all.is_empty() {
        return Verdict::NotApplicable;
    }
    for one in all {
        let id = get_ci(one, "id").and_then(Value::as_str).unwrap_or_default();
        if id.is_empty() {
            return Verdict::fail("body /id", "the schema's URI", "nothing");
        }
        match get_ci(one, "schemas") {
            Some(Value::Array(list))
                if list.iter().any(|s| s.as_str().is_some_and(|s| s.eq_ignore_ascii_case(urn::SCHEMA))) => {}
            // The RFC's own schema documents (RFC 7643 §8.7) have none, and many servers serve those.
            None => {
                let place = format!("body /schemas of {id}");
                return Verdict::Fail(vec![Finding::new(place, urn::SCHEMA, "nothing").level(Level::Note)]);
            }
            Some(other) => return Verdict::fail(format!("body /schemas of {id}"), urn::SCHEMA, short(other)),
        }
        if !get_ci(one, "attributes").is_some_and(Value::is_array) {
            return Verdict::fail(
                format!("body /attributes of {id}"),
                "a list",
                get_ci(one, "attributes").map_or_else(|| "nothing".to_owned(), short),
            );
        }
    }
    Verdict::Pass
}

const WORDS: [(&str, &[&str]); 4] = [
    ("type", &["string", "boolean", "decimal", "integer", "dateTime", "binary", "reference", "complex"]),
    ("mutability", &["readOnly", "readWrite", "immutable", "writeOnly"]),
    ("returned", &["always", "never", "default", "request"]),
    ("uniqueness", &["none", "server", "global"]),
];

fn attributes(view: &View<'_>) -> Verdict {
    let all = documents(view, "schemas");
    let mut seen = false;
    for one in all {
        for attribute in get_ci(one, "attributes").and_then(Value::as_array).into_iter().flatten() {
            seen = true;
            if let Some(finding) = definition(attribute) {
                return Verdict::Fail(vec![finding]);
            }
        }
    }
    if seen { Verdict::Pass } else { Verdict::NotApplicable }
}

fn definition(attribute: &Value) -> Option<Finding> {
    let Some(map) = attribute.as_object() else {
        return Some(Finding::new("body /attributes", "objects", short(attribute)));
    };
    let name = get_ci(map, "name").and_then(Value::as_str).unwrap_or_default();
    if name.is_empty() {
        return Some(Finding::new("body /attributes", "a name", "no name"));
    }
    for (key, words) in WORDS {
        match get_ci(map, key) {
            None | Some(Value::Null) => {}
            Some(Value::String(w)) if words.contains(&w.as_str()) => {}
            Some(other) => {
                return Some(Finding::new(format!("attribute {name}, {key}"), words.join(", "), short(other)));
            }
        }
    }
    for key in ["multiValued", "required", "caseExact"] {
        if let Some(v) = get_ci(map, key).filter(|v| !v.is_boolean() && !v.is_null()) {
            return Some(Finding::new(format!("attribute {name}, {key}"), "true or false", short(v)));
        }
    }
    let subs = get_ci(map, "subAttributes").and_then(Value::as_array);
    if get_ci(map, "type").and_then(Value::as_str) == Some("complex") && subs.is_none_or(Vec::is_empty) {
        return Some(Finding::new(format!("attribute {name}, subAttributes"), "a list", "missing"));
    }
    if get_ci(map, "type").and_then(Value::as_str).is_some_and(|t| t != "complex")
        && subs.is_some_and(|s| !s.is_empty())
    {
        return Some(Finding::new(format!("attribute {name}, subAttributes"), "none: it is not complex", "a list"));
    }
    subs.into_iter().flatten().find_map(definition)
}

fn extension_missing(view: &View<'_>) -> Verdict {
    if !plain_get(view, "schemas", 1) || view.status() != 200 {
        return Verdict::NotApplicable;
    }
    let listed: Vec<String> = documents(view, "schemas")
        .iter()
        .filter_map(|d| get_ci(d, "id").and_then(Value::as_str))
        .map(str::to_lowercase)
        .collect();
    let types = view.earlier.iter().rev().find(|p| {
        p.call.endpoint.eq_ignore_ascii_case("/ResourceTypes") && p.call.depth == 1 && p.exchange.status() == Some(200)
    });
    let Some(types) = types.and_then(|p| p.exchange.json()) else { return Verdict::NotApplicable };
    let entries = types.as_object().and_then(|o| get_ci(o, "Resources")).and_then(Value::as_array);
    let mut named: Vec<String> = Vec::new();
    for entry in entries.into_iter().flatten().filter_map(Value::as_object) {
        named.extend(get_ci(entry, "schema").and_then(Value::as_str).map(str::to_owned));
        let extensions = get_ci(entry, "schemaExtensions").and_then(Value::as_array);
        named.extend(
            extensions.into_iter().flatten().filter_map(|e| e.get("schema").and_then(Value::as_str)).map(str::to_owned),
        );
    }
    if named.is_empty() || listed.is_empty() {
        return Verdict::NotApplicable;
    }
    match named.iter().find(|n| !listed.contains(&n.to_lowercase())) {
        Some(missing) => Verdict::fail("body /Resources", missing.clone(), "not listed"),
        None => Verdict::Pass,
    }
}

/// Names that a list of this case holds, lower case.
fn listed_names(view: &View<'_>) -> Vec<String> {
    let list = view.earlier.iter().rev().find(|p| {
        p.call.endpoint == view.call.endpoint
            && p.call.depth == 1
            && p.call.method == "GET"
            && p.exchange.status() == Some(200)
    });
    let entries = list
        .and_then(|p| p.exchange.json())
        .and_then(Value::as_object)
        .and_then(|o| get_ci(o, "Resources"))
        .and_then(Value::as_array);
    entries
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .flat_map(|e| {
            ["id", "name"]
                .iter()
                .filter_map(|n| get_ci(e, n).and_then(Value::as_str))
                .map(str::to_lowercase)
                .collect::<Vec<_>>()
        })
        .collect()
}

fn unknown(view: &View<'_>) -> Verdict {
    let single = view.call.method == "GET"
        && view.call.depth == 2
        && document(view).is_some_and(|d| d != "serviceproviderconfig");
    let Some(id) = view.call.id.as_deref().filter(|_| single) else { return Verdict::NotApplicable };
    let mut names = listed_names(view);
    for t in &view.target.types {
        names.extend([t.name.to_lowercase(), t.schema.id.to_lowercase()]);
        names.extend(t.extensions.iter().map(|e| e.schema.id.to_lowercase()));
    }
    if names.contains(&id.to_lowercase()) || id.to_lowercase().contains(":core:2.0:") {
        return Verdict::NotApplicable;
    }
    match view.status() {
        200..=299 => Verdict::fail("status", "404 Not Found", view.status().to_string()),
        400..=499 => Verdict::Pass,
        _ => Verdict::NotApplicable,
    }
}

fn single(view: &View<'_>) -> Verdict {
    let single = view.call.method == "GET"
        && view.call.depth == 2
        && document(view).is_some_and(|d| d != "serviceproviderconfig");
    let Some(id) = view.call.id.as_deref().filter(|_| single) else { return Verdict::NotApplicable };
    let list = view
        .earlier
        .iter()
        .rev()
        .find(|p| p.call.endpoint == view.call.endpoint && p.call.depth == 1 && p.exchange.status() == Some(200));
    let entries = list
        .and_then(|p| p.exchange.json())
        .and_then(Value::as_object)
        .and_then(|o| get_ci(o, "Resources"))
        .and_then(Value::as_array);
    // Only the exact id (of a type: its id, or its name where it has no id) counts; other spellings are the server's choice.
    let listed = entries
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .any(|e| get_ci(e, "id").or_else(|| get_ci(e, "name")).and_then(Value::as_str) == Some(id));
    if !listed {
        return Verdict::NotApplicable;
    }
    match view.status() {
        200 => Verdict::Pass,
        // RFC 7644 §4 says of schemas that they can be had one by one, of resource types nothing.
        404 => {
            let finding = Finding::new("status", "200 OK: it is listed", "404");
            let schema = document(view).as_deref() == Some("schemas");
            Verdict::Fail(vec![if schema { finding } else { finding.level(Level::Should) }])
        }
        _ => Verdict::NotApplicable,
    }
}

fn messages(view: &View<'_>) -> Verdict {
    if !plain_get(view, "schemas", 1) || view.status() != 200 {
        return Verdict::NotApplicable;
    }
    let all = documents(view, "schemas");
    let listed = all
        .iter()
        .filter_map(|d| get_ci(d, "id").and_then(Value::as_str))
        .find(|id| id.to_ascii_lowercase().contains("scim:api:messages"));
    match listed {
        Some(id) => Verdict::fail("body /Resources", "no message schema", id),
        None if all.is_empty() => Verdict::NotApplicable,
        None => Verdict::Pass,
    }
}

fn writes(view: &View<'_>) -> Verdict {
    let write = matches!(view.call.method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE")
        && !view.exchange.request.path.ends_with(".search");
    if document(view).is_none() || !write || view.status() == 0 {
        return Verdict::NotApplicable;
    }
    if view.accepted() {
        Verdict::fail("status", "405 Method Not Allowed", view.status().to_string())
    } else {
        Verdict::Pass
    }
}

/// The known live resource that a call by id addresses, when ETags are claimed.
fn tagged<'a>(view: &View<'a>) -> Option<&'a Known> {
    if !view.target.claims("etag") || !view.call.authenticated() {
        return None;
    }
    view.before.find(&view.call.endpoint, view.call.id.as_deref()?).filter(|k| k.state == State::Live)
}

fn tag<'a>(view: &View<'a>) -> Option<&'a str> {
    view.response().and_then(|r| r.header("etag")).map(str::trim)
}

fn etag_missing(view: &View<'_>) -> Verdict {
    let one = matches!(view.call.op, Op::Create | Op::Read | Op::Replace)
        && matches!(view.status(), 200 | 201)
        && !view.call.projected();
    if !one || !view.target.claims("etag") || !view.call.authenticated() {
        return Verdict::NotApplicable;
    }
    if tag(view).is_some() {
        Verdict::Pass
    } else {
        Verdict::fail("header ETag", "the version of the resource", "no ETag")
    }
}

fn etag_form(view: &View<'_>) -> Verdict {
    let Some(text) = tag(view).filter(|_| view.on_resources()) else { return Verdict::NotApplicable };
    let opaque = text.strip_prefix("W/").unwrap_or(text);
    let inner = opaque.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
    if inner.is_some_and(|t| !t.contains('"')) {
        Verdict::Pass
    } else {
        Verdict::fail("header ETag", "W/\"…\" or \"…\"", text)
    }
}

fn same(a: &str, b: &str) -> bool {
    a.trim().trim_start_matches("W/") == b.trim().trim_start_matches("W/")
}

fn etag_static(view: &View<'_>) -> Verdict {
    let Some(known) = tagged(view).filter(|_| view.call.op == Op::Read && view.status() == 200) else {
        return Verdict::NotApplicable;
    };
    let Some(now) = tag(view).filter(|_| known.dirty && known.last_full.is_some() && known.refused.is_none()) else {
        return Verdict::NotApplicable;
    };
    let before = view.earlier.iter().rev().find(|p| {
        p.call.op == Op::Read && p.call.id == view.call.id && p.exchange.status() == Some(200) && !p.call.projected()
    });
    let Some(before) = before.and_then(|p| p.exchange.response()?.header("etag")) else {
        return Verdict::NotApplicable;
    };
    let changed = view.changed_since_read(known);
    match (changed, same(before, now)) {
        (true, true) => Verdict::fail("header ETag", format!("another than {before}"), now),
        (true, false) => Verdict::Pass,
        _ => Verdict::NotApplicable,
    }
}

/// Whether a conditional header names the current tag; `None` when that is not known.
fn current(view: &View<'_>, header: &str) -> Option<bool> {
    let sent = view.exchange.request.header(header)?;
    let known = tagged(view)?;
    if sent.trim() == "*" {
        return Some(true);
    }
    let shown = known.etag.as_deref()?;
    Some(sent.split(',').any(|s| same(s, shown)))
}

fn not_modified(view: &View<'_>) -> Verdict {
    let star = view.exchange.request.header("if-none-match").is_some_and(|h| h.trim() == "*");
    match (view.call.op, current(view, "if-none-match"), view.status()) {
        (Op::Read, Some(true), 304) => Verdict::Pass,
        (Op::Read, Some(true), 200) if !star => Verdict::fail("status", "304 Not Modified", "200"),
        _ => Verdict::NotApplicable,
    }
}

fn stale_304(view: &View<'_>) -> Verdict {
    match (view.call.op, current(view, "if-none-match"), view.status()) {
        (Op::Read, Some(false), 304) => Verdict::fail("status", "200 with the resource", "304"),
        (Op::Read, Some(false), 200) => Verdict::Pass,
        _ => Verdict::NotApplicable,
    }
}

fn write(view: &View<'_>) -> bool {
    matches!(view.call.op, Op::Replace | Op::Patch | Op::Delete)
}

fn stale_write(view: &View<'_>) -> Verdict {
    match (write(view), current(view, "if-match")) {
        (true, Some(false)) if view.accepted() => {
            Verdict::fail("status", "412 Precondition Failed", view.status().to_string())
        }
        (true, Some(false)) if view.client_error() => Verdict::Pass,
        _ => Verdict::NotApplicable,
    }
}

fn current_write(view: &View<'_>) -> Verdict {
    match (write(view), current(view, "if-match"), view.status()) {
        (true, Some(true), 412) => Verdict::fail("status", "success", "412 Precondition Failed"),
        // The same request without If-Match has to succeed; these are refusals of the header.
        (true, Some(true), status @ (400 | 422 | 428 | 501)) if view.must_accept() => {
            Verdict::fail("status", "success", format!("{status} to a current If-Match"))
        }
        (true, Some(true), 200..=299) => Verdict::Pass,
        _ => Verdict::NotApplicable,
    }
}

fn required(view: &View<'_>) -> Verdict {
    if !write(view) || view.exchange.request.header("if-match").is_some() || view.status() == 0 {
        return Verdict::NotApplicable;
    }
    match view.status() {
        428 => Verdict::fail("status", "success", "428 Precondition Required"),
        200..=299 => Verdict::Pass,
        _ => Verdict::NotApplicable,
    }
}

type Operations<'a> = Vec<&'a Map<String, Value>>;

/// Operations asked for and answered in a bulk exchange that had to succeed.
pub(super) fn bulk<'a>(view: &'a View<'_>) -> Option<(Operations<'a>, Operations<'a>)> {
    if view.call.op != Op::Bulk || view.status() != 200 || !view.target.claims("bulk") {
        return None;
    }
    let asked = view.call.body.as_ref()?.as_object()?;
    let answered = view.object()?;
    Some((
        crate::shadow::forecast::operations(asked).collect(),
        crate::shadow::forecast::operations(answered).collect(),
    ))
}

fn bulk_answer(view: &View<'_>) -> Verdict {
    if view.call.op != Op::Bulk || !view.accepted() || !view.target.claims("bulk") {
        return Verdict::NotApplicable;
    }
    let named =
        view.object().and_then(|o| get_ci(o, "schemas")).is_some_and(|s| s.to_string().contains(urn::BULK_RESPONSE));
    match (view.status(), named) {
        (200, true) => Verdict::Pass,
        (200, false) => Verdict::fail("body /schemas", urn::BULK_RESPONSE, "something else"),
        (other, _) => Verdict::fail("status", "200 OK", other.to_string()),
    }
}

fn bulk_claimed(view: &View<'_>) -> Verdict {
    if view.call.op != Op::Bulk || !view.target.claims("bulk") || !view.call.authenticated() {
        return Verdict::NotApplicable;
    }
    match view.status() {
        404 | 405 | 501 => Verdict::fail("status", "200 OK", view.status().to_string()),
        200..=299 => Verdict::Pass,
        _ => Verdict::NotApplicable,
    }
}

fn bulk_status(view: &View<'_>) -> Verdict {
    let Some((_, answered)) = bulk(view) else { return Verdict::NotApplicable };
    for one in &answered {
        let post = get_ci(one, "method").and_then(Value::as_str).is_some_and(|m| m.eq_ignore_ascii_case("POST"));
        match get_ci(one, "status") {
            Some(Value::String(s)) if post && succeeded(one) && s != "201" => {
                return Verdict::fail("body /Operations/status", "\"201\" for a create", s.clone());
            }
            Some(Value::String(s)) if s.len() == 3 => {}
            other => {
                return Verdict::fail(
                    "body /Operations/status",
                    "a string such as \"201\"",
                    other.map_or_else(|| "nothing".to_owned(), short),
                );
            }
        }
    }
    if answered.is_empty() { Verdict::NotApplicable } else { Verdict::Pass }
}

pub(super) fn succeeded(operation: &Map<String, Value>) -> bool {
    get_ci(operation, "status").and_then(crate::shadow::text_of).is_some_and(|s| s.starts_with('2'))
}

fn bulk_location(view: &View<'_>) -> Verdict {
    let Some((_, answered)) = bulk(view) else { return Verdict::NotApplicable };
    // Of what is deleted there is no more to be read, so its location is not missed.
    let posts: Vec<_> = answered
        .into_iter()
        .filter(|o| {
            succeeded(o)
                && get_ci(o, "method").and_then(Value::as_str).is_none_or(|m| !m.eq_ignore_ascii_case("DELETE"))
        })
        .collect();
    let lacking = posts.iter().any(|o| get_ci(o, "location").and_then(Value::as_str).is_none_or(str::is_empty));
    match (posts.is_empty(), lacking) {
        (true, _) => Verdict::NotApplicable,
        (_, true) => Verdict::fail("body /Operations/location", "the URI of the resource", "nothing"),
        _ => Verdict::Pass,
    }
}

fn bulk_id(view: &View<'_>) -> Verdict {
    let Some((asked, answered)) = bulk(view) else { return Verdict::NotApplicable };
    // An operation without a method that is one need not be understood.
    let whole = |o: &&&Map<String, Value>| {
        get_ci(o, "method")
            .and_then(Value::as_str)
            .is_some_and(|m| ["POST", "PUT", "PATCH", "DELETE"].contains(&m.to_ascii_uppercase().as_str()))
    };
    let ids: Vec<&Value> =
        asked.iter().take(answered.len()).filter(whole).filter_map(|o| get_ci(o, "bulkId")).collect();
    match ids.iter().find(|id| !answered.iter().any(|a| get_ci(a, "bulkId") == Some(**id))) {
        Some(id) if answered.len() == asked.len() => {
            Verdict::fail("body /Operations/bulkId", short(id), "no operation with it")
        }
        _ if ids.is_empty() => Verdict::NotApplicable,
        _ => Verdict::Pass,
    }
}

fn fail_limit(view: &View<'_>) -> Option<usize> {
    let body = view.call.body.as_ref()?.as_object()?;
    usize::try_from(get_ci(body, "failOnErrors")?.as_u64()?).ok().filter(|n| *n > 0)
}

fn fail_on_errors(view: &View<'_>) -> Verdict {
    let (Some((asked, answered)), Some(limit)) = (bulk(view), fail_limit(view)) else { return Verdict::NotApplicable };
    let errors: Vec<usize> = answered.iter().enumerate().filter(|(_, o)| !succeeded(o)).map(|(i, _)| i).collect();
    let Some(last) = errors.get(limit - 1) else { return Verdict::NotApplicable };
    if *last + 1 >= asked.len() {
        return Verdict::NotApplicable;
    }
    let after = answered.iter().skip(last + 1).filter(|o| succeeded(o)).count();
    if after > 0 {
        Verdict::fail("body /Operations", format!("nothing carried out after {limit} errors"), format!("{after} more"))
    } else {
        Verdict::Pass
    }
}

fn stops(view: &View<'_>) -> Verdict {
    let Some((asked, answered)) = bulk(view) else { return Verdict::NotApplicable };
    let failed = answered.iter().any(|o| !succeeded(o));
    if fail_limit(view).is_some() || !failed {
        return Verdict::NotApplicable;
    }
    if answered.len() < asked.len() {
        return Verdict::fail(
            "body /Operations",
            format!("{} results", asked.len()),
            format!("{} results", answered.len()),
        );
    }
    Verdict::Pass
}

fn search_status(view: &View<'_>) -> Verdict {
    if view.call.op != Op::Search
        || !view.accepted()
        || !view.on_resources()
        || view.forecast.expect == Expectation::Refuse
    {
        return Verdict::NotApplicable;
    }
    if view.status() == 200 { Verdict::Pass } else { Verdict::fail("status", "200 OK", view.status().to_string()) }
}
