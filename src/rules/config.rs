//! What discovery claims, held against the RFCs and against what is served (RFC 7643 §5-§8, RFC 7644 §4, RFC 9865 §4).

use super::discovery::{documents, plain_get};
use super::rule::{Finding, Impact, Level, Rule, Verdict};
use super::view::{View, short};
use crate::scim::urn;
use crate::scim::value::get_ci;
use crate::shadow::Op;
use serde_json::{Map, Value};

/// Rules of this area.
pub static RULES: &[Rule] = &[
    Rule {
        id: "discovery/query-applied",
        title: "A query of discovery is neither ignored nor, where it filters, refused",
        spec: "RFC 7644 §4",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["spc-filter-403", "discovery-params-ignored"],
        explain: "Discovery knows no query: sorting and paging are ignored, and a filter should be refused with 403, so that no client takes the whole list for the matches. A shortened list hides types and attributes from whoever sends startIndex and count with everything.",
        hint: "Ignore paging and sorting there; answer a filter with 403.",
        wrong: "GET /Schemas?startIndex=2&count=1 → 1 of 3 schemas",
        right: "→ all; GET /Schemas?filter=… → 403",
        proven_by: &["discovery-paged", "discovery-filtered"],
        check: query_applied,
    },
    Rule {
        id: "discovery/type-not-listed",
        title: "An endpoint works and /ResourceTypes does not list it",
        spec: "RFC 7644 §4; RFC 7643 §6",
        level: Level::Should,
        clash: false,
        impact: Impact::GroupPushFails,
        breaks: &[],
        requirements: &["rt-user-group"],
        explain: "Clients that configure themselves look at /ResourceTypes to see what can be provisioned. What is not listed is not offered to the admin.",
        hint: "List each resource type that has an endpoint.",
        wrong: "/ResourceTypes → only User; GET /Groups → 200",
        right: "/ResourceTypes → User and Group",
        proven_by: &["resourcetypes-missing-group"],
        check: type_not_listed,
    },
    Rule {
        id: "discovery/user-schema-differs",
        title: "The User schema describes `userName` or `password` in another way than RFC 7643",
        spec: "RFC 7643 §4.1.1, §8.7.1",
        level: Level::Should,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["sch-core-user", "sch-password-never"],
        explain: "userName is required, unique on the server and compared without case; password is written and never returned. A client that reads the schema, as it should, sends or expects the wrong thing otherwise.",
        hint: "Serve the definitions of RFC 7643 §8.7.1 for these two.",
        wrong: "{\"name\":\"userName\",\"required\":false,…}",
        right: "{\"name\":\"userName\",\"required\":true,\"caseExact\":false,\"uniqueness\":\"server\",…}",
        proven_by: &["schemas-username-not-required", "schemas-password-readable"],
        check: user_schema,
    },
    Rule {
        id: "discovery/auth-scheme-unknown",
        title: "An authentication scheme has no type of the registered words, or no name",
        spec: "RFC 7643 §5",
        level: Level::Should,
        clash: false,
        impact: Impact::ConnectionTestFails,
        breaks: &[],
        requirements: &["spc-auth-type-values"],
        explain: "type, name and description are required, and the types are oauth, oauth2, oauthbearertoken, httpbasic and httpdigest. A client that chooses its credentials by them can do nothing with another word.",
        hint: "Write oauthbearertoken for bearer tokens.",
        wrong: "{\"type\":\"bearer\",…}",
        right: "{\"type\":\"oauthbearertoken\",\"name\":\"OAuth Bearer Token\",\"description\":\"…\"}",
        proven_by: &["serviceproviderconfig-scheme-unknown"],
        check: scheme_types,
    },
    Rule {
        id: "discovery/auth-primary-twice",
        title: "Two authentication schemes are the preferred one",
        spec: "RFC 7643 §2.4, §5",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["spc-auth-primary"],
        explain: "`primary` true is there once at most.",
        hint: "Keep it at the scheme that clients should use.",
        wrong: "two schemes with \"primary\":true",
        right: "one",
        proven_by: &["serviceproviderconfig-two-primaries"],
        check: scheme_primary,
    },
    Rule {
        id: "discovery/pagination-incomplete",
        title: "`pagination` in the configuration lacks a member that it must have",
        spec: "RFC 9865 §4",
        level: Level::Must,
        clash: false,
        impact: Impact::ImportFails,
        breaks: &[],
        requirements: &["cursor-spc"],
        explain: "Whoever declares `pagination` says for both methods whether they are there, as Booleans; a default method is one of the two words, and page sizes are integers.",
        hint: "Write {\"cursor\":true,\"index\":true}.",
        wrong: "\"pagination\":{\"cursor\":\"yes\"}",
        right: "\"pagination\":{\"cursor\":true,\"index\":true,\"defaultPaginationMethod\":\"index\"}",
        proven_by: &["serviceproviderconfig-pagination-text"],
        check: pagination,
    },
    Rule {
        id: "discovery/patch-denied",
        title: "PATCH works although ServiceProviderConfig says that it is not supported",
        spec: "RFC 7643 §5; RFC 7644 §4",
        level: Level::Should,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["spc-claims-match-behaviour"],
        explain: "Clients that go by the configuration never send the PATCH that the server understands: they replace whole resources, or leave the change out.",
        hint: "Say \"patch\":{\"supported\":true}.",
        wrong: "\"patch\":{\"supported\":false}\nPATCH /Users/2819 → 200",
        right: "\"patch\":{\"supported\":true}",
        proven_by: &["serviceproviderconfig-denies-patch"],
        check: patch_denied,
    },
];

fn listed(exchange: &crate::exchange::Exchange) -> Option<usize> {
    let list = exchange.json()?.as_object().and_then(|o| get_ci(o, "Resources")).or(exchange.json())?;
    list.as_array().map(Vec::len)
}

fn query_applied(view: &View<'_>) -> Verdict {
    let request = &view.exchange.request;
    let asked = |name: &str| request.query_param(name).is_some();
    let lists = ["/resourcetypes", "/schemas"].contains(&view.call.endpoint.to_ascii_lowercase().as_str());
    let shaped = ["filter", "startIndex", "count", "sortBy"].iter().any(|n| asked(n));
    if view.call.op != Op::Discovery || view.call.method != "GET" || view.call.depth != 1 || !lists || !shaped {
        return Verdict::NotApplicable;
    }
    if asked("filter") && view.client_error() {
        return Verdict::Pass;
    }
    let whole = view.earlier.iter().rev().find(|p| {
        p.call.op == Op::Discovery
            && p.call.endpoint == view.call.endpoint
            && p.call.depth == 1
            && p.exchange.request.query.as_deref().unwrap_or_default().is_empty()
            && p.exchange.status() == Some(200)
    });
    let counts = whole.and_then(|p| Some((listed(&p.exchange)?, listed(view.exchange)?, p.step.clone())));
    match counts {
        Some((all, here, step)) if view.status() == 200 && here < all => Verdict::Fail(vec![
            Finding::new("body /Resources", format!("all {all} entries"), format!("{here} of them")).because(step),
        ]),
        Some(_) if view.status() == 200 && asked("filter") => {
            Verdict::Fail(vec![Finding::new("status", "403 Forbidden", "200 with the whole list").level(Level::Should)])
        }
        Some(_) if view.status() == 200 => Verdict::Pass,
        _ => Verdict::NotApplicable,
    }
}

fn type_not_listed(view: &View<'_>) -> Verdict {
    if view.call.op != Op::List || view.list().is_none() || !view.target.types_known || !view.call.authenticated() {
        return Verdict::NotApplicable;
    }
    if view.target.listed(&view.call.endpoint) {
        return Verdict::Pass;
    }
    let named = view
        .target
        .types
        .iter()
        .map(|t| t.name.as_str())
        .filter(|n| view.target.types.iter().any(|t| t.name == *n && view.target.listed(&t.endpoint)));
    Verdict::fail(
        format!("GET {}", view.call.endpoint),
        "an entry in /ResourceTypes",
        format!("only {}", named.collect::<Vec<_>>().join(", ")),
    )
}

fn attribute<'a>(schema: &'a Map<String, Value>, name: &str) -> Option<&'a Map<String, Value>> {
    let all = get_ci(schema, "attributes")?.as_array()?;
    all.iter()
        .filter_map(Value::as_object)
        .find(|a| get_ci(a, "name").and_then(Value::as_str).is_some_and(|n| n.eq_ignore_ascii_case(name)))
}

/// What RFC 7643 §8.7.1 says of the two attributes that clients depend on. A member that is left out has the default of §2.2.
const USER: &[(&str, &str, &[&str])] = &[
    ("userName", "required", &["true"]),
    ("userName", "caseExact", &["false"]),
    ("userName", "uniqueness", &["server", "global"]),
    ("password", "mutability", &["writeOnly"]),
    ("password", "returned", &["never"]),
];

fn user_schema(view: &View<'_>) -> Verdict {
    let all = documents(view, "schemas");
    let id = |d: &&Map<String, Value>| {
        get_ci(d, "id").and_then(Value::as_str).is_some_and(|i| i.eq_ignore_ascii_case(urn::USER))
    };
    let Some(schema) = all.into_iter().find(id).filter(|s| attribute(s, "userName").is_some()) else {
        return Verdict::NotApplicable;
    };
    for (name, key, right) in USER {
        let Some(definition) = attribute(schema, name) else { continue };
        let shown = match get_ci(definition, key) {
            Some(Value::String(s)) => s.clone(),
            Some(Value::Bool(b)) => b.to_string(),
            // Absent, or of another type, which discovery/attribute-definition-wrong tells.
            _ => continue,
        };
        if !right.contains(&shown.as_str()) {
            return Verdict::fail(format!("attribute {name}, {key}"), right.join(" or "), shown);
        }
    }
    Verdict::Pass
}

fn patch_denied(view: &View<'_>) -> Verdict {
    if view.call.op != Op::Patch || !view.on_resources() || !view.call.authenticated() || view.status() == 0 {
        return Verdict::NotApplicable;
    }
    match (view.target.feature("patch"), view.accepted()) {
        (false, true) => {
            let place = "ServiceProviderConfig /patch/supported";
            Verdict::fail(place, "true", format!("false, and PATCH answers {}", view.status()))
        }
        (false, false) => Verdict::Pass,
        (true, accepted) if accepted && view.target.claims("patch") => Verdict::Pass,
        _ => Verdict::NotApplicable,
    }
}

/// The configuration in an answer.
fn configuration<'a>(view: &View<'a>) -> Option<&'a Map<String, Value>> {
    view.object().filter(|_| view.status() == 200 && plain_get(view, "serviceproviderconfig", 1))
}

fn schemes<'a>(view: &View<'a>) -> Vec<&'a Map<String, Value>> {
    let list = configuration(view).and_then(|c| get_ci(c, "authenticationSchemes")).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_object).collect()
}

const SCHEMES: [&str; 5] = ["oauth", "oauth2", "oauthbearertoken", "httpbasic", "httpdigest"];

fn scheme_types(view: &View<'_>) -> Verdict {
    let all = schemes(view);
    for scheme in &all {
        let kind = get_ci(scheme, "type").and_then(Value::as_str);
        if !kind.is_some_and(|k| SCHEMES.contains(&k)) {
            let shown = get_ci(scheme, "type").map_or_else(|| "nothing".to_owned(), short);
            let finding = Finding::new("body /authenticationSchemes/type", SCHEMES.join(", "), shown);
            // RFC 7643 §5 defines five words and forbids no other: mutual TLS, for one, has none.
            let own = kind.is_some_and(|k| !k.is_empty());
            return Verdict::Fail(vec![if own { finding.level(Level::Note) } else { finding }]);
        }
        if get_ci(scheme, "name").and_then(Value::as_str).is_none_or(str::is_empty) {
            return Verdict::fail("body /authenticationSchemes/name", "a text", "nothing");
        }
    }
    if all.is_empty() { Verdict::NotApplicable } else { Verdict::Pass }
}

fn scheme_primary(view: &View<'_>) -> Verdict {
    let all = schemes(view);
    let preferred = all.iter().filter(|s| get_ci(s, "primary") == Some(&Value::Bool(true))).count();
    match (all.is_empty(), preferred) {
        (true, _) => Verdict::NotApplicable,
        (_, 0 | 1) => Verdict::Pass,
        (_, many) => Verdict::fail("body /authenticationSchemes/primary", "true once at most", format!("{many} times")),
    }
}

fn pagination(view: &View<'_>) -> Verdict {
    let Some(declared) = configuration(view).and_then(|c| get_ci(c, "pagination")) else {
        return Verdict::NotApplicable;
    };
    let Some(map) = declared.as_object() else {
        return Verdict::fail("body /pagination", "an object", short(declared));
    };
    for name in ["cursor", "index"] {
        match get_ci(map, name) {
            Some(Value::Bool(_)) => {}
            other => {
                let shown = other.map_or_else(|| "nothing".to_owned(), short);
                return Verdict::fail(format!("body /pagination/{name}"), "true or false", shown);
            }
        }
    }
    let method = get_ci(map, "defaultPaginationMethod").filter(|m| !m.is_null());
    if let Some(other) = method.filter(|m| !m.as_str().is_some_and(|m| ["cursor", "index"].contains(&m))) {
        return Verdict::fail("body /pagination/defaultPaginationMethod", "cursor or index", short(other));
    }
    for name in ["defaultPageSize", "maxPageSize", "cursorTimeout"] {
        if let Some(other) = get_ci(map, name).filter(|v| !v.is_null() && !v.is_u64() && !v.is_i64()) {
            return Verdict::fail(format!("body /pagination/{name}"), "an integer", short(other));
        }
    }
    Verdict::Pass
}
