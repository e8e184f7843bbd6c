//! What a server says about itself (RFC 7644 §4): ServiceProviderConfig, resource types and schemas.

use super::rule::{Finding, Impact, Level, Rule, Verdict};
use super::view::{View, short};
use crate::scim::urn;
use crate::scim::value::{get_ci, value_ci};
use crate::shadow::Op;
use serde_json::{Map, Value};

/// Rules of this area.
pub static RULES: &[Rule] = &[
    Rule {
        id: "discovery/not-available",
        title: "A discovery endpoint is not there, or lists nothing",
        spec: "RFC 7644 §4",
        level: Level::Should,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["spc-get", "rt-list", "sch-list"],
        explain: "/ServiceProviderConfig, /ResourceTypes and /Schemas are how a client learns what a server can do. Okta reads the last two for entitlements, Entra's gallery wants /Schemas. An empty list of types says that the server has no resources.",
        hint: "Serve the three documents.",
        wrong: "GET /ResourceTypes → 404",
        right: "→ 200 with a ListResponse",
        proven_by: &["resourcetypes-404", "schemas-404", "serviceproviderconfig-404", "resourcetypes-empty"],
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
        proven_by: &[
            "schemas-bare-array",
            "resourcetypes-bare-array",
            "resourcetypes-total-wrong",
            "resourcetypes-entries-misplaced",
            "resourcetypes-bare-entries",
        ],
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
        requirements: &["spc-required-members", "spc-bulk-limits", "spc-filter-maxresults", "spc-auth-schemes"],
        explain: "patch, bulk, filter, changePassword, sort and etag are required, each with a boolean `supported`; bulk and filter carry limits; authenticationSchemes lists how to sign in, with one entry at least.",
        hint: "Return all members, with `supported: false` for what you do not do.",
        wrong: "{\"patch\":{\"supported\":true}}",
        right: "{\"patch\":{\"supported\":true},\"bulk\":{\"supported\":false,\"maxOperations\":0,\"maxPayloadSize\":0},\"filter\":{\"supported\":true,\"maxResults\":200},…}",
        proven_by: &[
            "serviceproviderconfig-missing-required",
            "serviceproviderconfig-as-list",
            "serviceproviderconfig-supported-string",
            "serviceproviderconfig-schemes-as-text",
            "serviceproviderconfig-schemes-empty",
            "serviceproviderconfig-schemes-object",
            "serviceproviderconfig-filter-number",
        ],
        check: config,
    },
    Rule {
        id: "discovery/max-results-zero",
        title: "A limit of filter or bulk is 0 although the feature is supported",
        spec: "RFC 7643 §5 (maxResults, maxOperations, maxPayloadSize)",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["spc-filter-maxresults", "spc-bulk-limits"],
        explain: "maxResults is the largest number of resources in an answer; with 0 a client must conclude that no query returns anything. The same goes for the limits of bulk requests.",
        hint: "Return the real limit.",
        wrong: "\"filter\":{\"supported\":true,\"maxResults\":0}",
        right: "\"filter\":{\"supported\":true,\"maxResults\":200}",
        proven_by: &["serviceproviderconfig-maxresults-zero", "serviceproviderconfig-bulk-limit-zero"],
        check: max_results,
    },
    Rule {
        id: "discovery/resource-type-incomplete",
        title: "The name, endpoint or schema of a resource type is missing or not as it should be, or its extensions are no objects",
        spec: "RFC 7643 §6",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["rt-required", "rt-endpoint-relative"],
        explain: "name, endpoint and schema are required; without them no client knows where users live. An entry of schemaExtensions is an object with schema and required. `id` is optional; a connector that looks types up by it finds none, which is a note.",
        hint: "Return {\"name\":\"User\",\"endpoint\":\"/Users\",\"schema\":\"urn:ietf:params:scim:schemas:core:2.0:User\"}.",
        wrong: "{\"name\":\"User\"}",
        right: "{\"name\":\"User\",\"endpoint\":\"/Users\",\"schema\":\"urn:…:core:2.0:User\"}",
        proven_by: &[
            "error-answered-200",
            "resourcetypes-endpoint-wrong",
            "resourcetypes-without-schema",
            "resourcetypes-extensions-as-text",
            "resourcetypes-extension-required-text",
            "resourcetypes-extensions-object",
            "resourcetypes-bare-entries",
            "resourcetypes-without-id",
        ],
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
        title: "An attribute definition is not as RFC 7643 §7 has it",
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
        explain: "type, mutability, returned and uniqueness have fixed words in camel case; complex attributes list their sub-attributes, one level deep; names are made of letters, digits, `-` and `_`, and each stands in its list once. `referenceTypes` of what is no reference is advice.",
        hint: "Use the words of RFC 7643 §7 exactly.",
        wrong: "\"mutability\":\"ReadWrite\"",
        right: "\"mutability\":\"readWrite\"",
        proven_by: &[
            "schemas-attribute-name-odd",
            "schemas-nested-complex",
            "schemas-sub-attributes-doubled",
            "schemas-without-sub-attributes",
            "schemas-wrong-keywords",
            "schemas-mutability-lower-case",
            "schemas-words-upper-case",
            "schemas-type-array",
            "schemas-name-string",
            "schemas-photos-value-string",
            "schemas-flags-as-text",
            "schemas-parts-as-attributes",
        ],
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
        proven_by: &["schemas-missing-extension", "schemas-id-not-urn", "schemas-empty"],
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
        proven_by: &["resourcetypes-by-id-404", "resourcetypes-plural", "schemas-by-id-404"],
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
        title: "A write to a discovery endpoint is answered with success",
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
        200 if plain_get(view, "resourcetypes", 1) && lists_nothing(view) => {
            Verdict::fail("body /Resources", "what the server offers", "an empty list")
        }
        200 => Verdict::Pass,
        404 | 405 | 501 => Verdict::fail("status", "200 OK", view.status().to_string()),
        _ => Verdict::NotApplicable,
    }
}

/// True for a list of types or schemas without an entry.
fn lists_nothing(view: &View<'_>) -> bool {
    let lists = plain_get(view, "resourcetypes", 1) || plain_get(view, "schemas", 1);
    let body = view.exchange.json().filter(|_| lists);
    let entries = body.and_then(|b| b.as_object().map_or(Some(b), |o| get_ci(o, "Resources")));
    match entries {
        Some(entries) => entries.as_array().is_some_and(Vec::is_empty),
        // RFC 7644 §3.4.2: without a result the list itself may be left out.
        None => body.is_some_and(|b| value_ci(b, "totalResults").is_some_and(|t| *t == 0)),
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
            Some(total) if total.as_u64() == Some(all.len() as u64) => match get_ci(list, "startIndex") {
                // The index is 1-based (RFC 7644 §3.4.2.4); nothing asks for it where the list is whole.
                Some(Value::Number(start)) if start.as_i64() != Some(1) && !all.is_empty() => Verdict::Fail(vec![
                    Finding::new("body /startIndex", "1, or nothing", start.to_string()).level(Level::Should),
                ]),
                _ => Verdict::Pass,
            },
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
        let supported = get_ci(config, feature).and_then(|f| value_ci(f, "supported"));
        if !supported.is_some_and(Value::is_boolean) {
            findings.push(Finding::new(
                format!("body /{feature}/supported"),
                "true or false",
                supported.map_or_else(|| "missing".to_owned(), short),
            ));
        }
    }
    let on = |feature: &str| get_ci(config, feature).and_then(|f| value_ci(f, "supported")) == Some(&Value::Bool(true));
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
    match get_ci(config, "authenticationSchemes") {
        // A list without entries is no value (RFC 7643 §2.5), and one is required. A server that nobody signs in to has none to name.
        Some(Value::Array(all)) if all.is_empty() => {
            let finding = Finding::new("body /authenticationSchemes", "the scheme that the server takes", "[]");
            findings.push(if view.target.credentials { finding } else { finding.level(Level::Should) });
        }
        Some(Value::Array(all)) => {
            let odd = all.iter().find(|s| !s.is_object());
            findings.extend(odd.map(|s| Finding::new("body /authenticationSchemes", "objects", short(s))));
        }
        other => {
            let shown = other.map_or_else(|| "missing".to_owned(), short);
            findings.push(Finding::new("body /authenticationSchemes", "a list", shown));
        }
    }
    Verdict::from_findings(findings)
}

fn max_results(view: &View<'_>) -> Verdict {
    if view.status() != 200 || !plain_get(view, "serviceproviderconfig", 1) {
        return Verdict::NotApplicable;
    }
    let Some(config) = view.object() else { return Verdict::NotApplicable };
    let mut seen = false;
    for (feature, member) in [("filter", "maxResults"), ("bulk", "maxOperations"), ("bulk", "maxPayloadSize")] {
        let Some(declared) = get_ci(config, feature).filter(|f| value_ci(f, "supported") == Some(&Value::Bool(true)))
        else {
            continue;
        };
        match declared.get(member).and_then(Value::as_i64) {
            Some(n) if n < 1 => {
                return Verdict::fail(format!("body /{feature}/{member}"), "the real limit", n.to_string());
            }
            Some(_) => seen = true,
            None => {}
        }
    }
    if seen { Verdict::Pass } else { Verdict::NotApplicable }
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
        None => {
            body.as_object().filter(|_| view.call.depth > 1 || name == "serviceproviderconfig").into_iter().collect()
        }
    }
}

fn resource_types(view: &View<'_>) -> Verdict {
    let all = documents(view, "resourcetypes");
    if all.is_empty() {
        return Verdict::NotApplicable;
    }
    let mut findings = Vec::new();
    let mut nameless = None;
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
        findings.extend(extension_entry(one));
        for name in ["name", "endpoint", "schema"] {
            if get_ci(one, name).and_then(Value::as_str).is_none_or(str::is_empty) {
                findings.push(Finding::new(
                    format!("body /{name}"),
                    "a text",
                    get_ci(one, name).map_or_else(|| "missing".to_owned(), short),
                ));
            }
        }
        // Optional by RFC 7643 §6, and some connectors look types up by it.
        let id = get_ci(one, "id").is_none().then(|| Finding::new("body /id", "the name of the type", "missing"));
        nameless = nameless.or(id);
    }
    findings.extend(nameless.map(|f| f.level(Level::Note)));
    findings.truncate(1);
    Verdict::from_findings(findings)
}

/// An entry of `schemaExtensions`: an object with the URI of a schema and whether it is required (RFC 7643 §6).
fn extension_entry(one: &Map<String, Value>) -> Option<Finding> {
    let place = |inner: &str| format!("body /schemaExtensions{inner}");
    let entries = match get_ci(one, "schemaExtensions") {
        None | Some(Value::Null) => return None,
        Some(Value::Array(entries)) => entries,
        Some(other) => return Some(Finding::new(place(""), "a list", short(other))),
    };
    entries.iter().find_map(|entry| {
        let Some(map) = entry.as_object() else { return Some(Finding::new(place(""), "objects", short(entry))) };
        if get_ci(map, "schema").and_then(Value::as_str).is_none_or(str::is_empty) {
            return Some(Finding::new(place("/schema"), "the URI of a schema", short(entry)));
        }
        match get_ci(map, "required") {
            Some(Value::Bool(_)) => None,
            // Required by the letter; without it nobody takes the extension for a required one.
            None => Some(Finding::new(place("/required"), "true or false", "missing").level(Level::Should)),
            Some(other) => Some(Finding::new(place("/required"), "true or false", short(other))),
        }
    })
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
    for one in &all {
        if let Some(name) = get_ci(one, "attributes").and_then(Value::as_array).and_then(|a| twice(a)) {
            return Verdict::fail(format!("attribute {name}"), "once", "twice");
        }
        for attribute in get_ci(one, "attributes").and_then(Value::as_array).into_iter().flatten() {
            seen = true;
            if let Some(finding) =
                definition(attribute).or_else(|| nested(attribute).filter(|_| !describes_schemas(one)))
            {
                return Verdict::Fail(vec![finding]);
            }
        }
    }
    let mut listed = all.iter().filter_map(|one| get_ci(one, "attributes")?.as_array()).flatten();
    if let Some(finding) = listed.find_map(refers) {
        return Verdict::Fail(vec![finding.level(Level::Should)]);
    }
    if seen { Verdict::Pass } else { Verdict::NotApplicable }
}

/// `referenceTypes` of something that is no reference: RFC 7643 §7 has it for references alone.
fn refers(attribute: &Value) -> Option<Finding> {
    let map = attribute.as_object()?;
    let name = get_ci(map, "name").and_then(Value::as_str).unwrap_or_default();
    let types = get_ci(map, "referenceTypes").and_then(Value::as_array).is_some_and(|t| !t.is_empty());
    let kind = get_ci(map, "type").and_then(Value::as_str).unwrap_or("string");
    if types && kind != "reference" {
        return Some(Finding::new(format!("attribute {name}, type"), "no referenceTypes beside this type", kind));
    }
    get_ci(map, "subAttributes")?.as_array()?.iter().find_map(refers)
}

fn definition(attribute: &Value) -> Option<Finding> {
    let Some(map) = attribute.as_object() else {
        return Some(Finding::new("body /attributes", "objects", short(attribute)));
    };
    let name = get_ci(map, "name").and_then(Value::as_str).unwrap_or_default();
    if name.is_empty() {
        return Some(Finding::new("body /attributes", "a name", "no name"));
    }
    // RFC 7643 §2.1; `$ref` is a name of its own.
    let letters = name.trim_start_matches('$');
    if !letters.starts_with(|c: char| c.is_ascii_alphabetic())
        || !letters.chars().all(|c| c.is_ascii_alphanumeric() || "-_$".contains(c))
    {
        return Some(Finding::new(format!("attribute {name}, name"), "letters, digits, - and _", name));
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
    if let Some(twice) = subs.and_then(|s| twice(s)) {
        return Some(Finding::new(format!("attribute {name}, subAttributes"), format!("{twice} once"), "twice"));
    }
    subs.into_iter().flatten().find_map(definition)
}

/// A name that two definitions of one list have; names are compared without regard to case (RFC 7643 §2.1).
fn twice(definitions: &[Value]) -> Option<String> {
    let mut seen = std::collections::HashSet::new();
    let names = definitions.iter().filter_map(|d| value_ci(d, "name")?.as_str());
    names.map(str::to_ascii_lowercase).find(|name| !seen.insert(name.clone()))
}

/// The schema of schemas is the one that nests, in RFC 7643 §8.7.2 itself.
fn describes_schemas(document: &Map<String, Value>) -> bool {
    get_ci(document, "id").and_then(Value::as_str).is_some_and(|id| id.eq_ignore_ascii_case(urn::SCHEMA))
}

/// A complex attribute in a complex attribute (RFC 7643 §2.3.8).
fn nested(attribute: &Value) -> Option<Finding> {
    let subs = get_ci(attribute.as_object()?, "subAttributes").and_then(Value::as_array)?;
    let inner = subs.iter().find(|s| value_ci(s, "type").and_then(Value::as_str) == Some("complex"))?;
    let name = get_ci(attribute.as_object()?, "name").and_then(Value::as_str).unwrap_or_default();
    Some(Finding::new(
        format!("attribute {name}, subAttributes"),
        "simple types: complex attributes do not nest",
        short(inner),
    ))
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
    let named = schemas_of_types(view);
    // Documents without an id are discovery/schema-incomplete; a list without documents lacks them all.
    if named.is_empty() || (listed.is_empty() && !lists_nothing(view)) {
        return Verdict::NotApplicable;
    }
    match named.iter().find(|n| !listed.contains(&n.to_lowercase())) {
        Some(missing) => Verdict::fail("body /Resources", missing.clone(), "not listed"),
        None => Verdict::Pass,
    }
}

/// The schemas and extensions that the resource types name which this case has read.
fn schemas_of_types(view: &View<'_>) -> Vec<String> {
    let types = view.earlier.iter().rev().find(|p| {
        p.call.endpoint.eq_ignore_ascii_case("/ResourceTypes") && p.call.depth == 1 && p.exchange.status() == Some(200)
    });
    let entries = types
        .and_then(|p| p.exchange.json())
        .and_then(Value::as_object)
        .and_then(|o| get_ci(o, "Resources"))
        .and_then(Value::as_array);
    let mut named: Vec<String> = Vec::new();
    for entry in entries.into_iter().flatten().filter_map(Value::as_object) {
        named.extend(get_ci(entry, "schema").and_then(Value::as_str).map(str::to_owned));
        let extensions = get_ci(entry, "schemaExtensions").and_then(Value::as_array);
        let schema = |e: &Value| value_ci(e, "schema").and_then(Value::as_str).map(str::to_owned);
        named.extend(extensions.into_iter().flatten().filter_map(schema));
    }
    named
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
    let named =
        |e: &&Map<String, Value>| get_ci(e, "id").or_else(|| get_ci(e, "name")).and_then(Value::as_str) == Some(id);
    let Some(entry) = entries.into_iter().flatten().filter_map(Value::as_object).find(named) else {
        return Verdict::NotApplicable;
    };
    match view.status() {
        200 => Verdict::Pass,
        // RFC 7644 §4 says that a schema "can" be had by itself, and of resource types nothing; but where a document says that this
        // is its address (RFC 7643 §3.1), it has to be there.
        404 => {
            let finding = Finding::new("status", "200 OK: it is listed", "404");
            // Who takes `:` and `%3A` for two things is within RFC 3986 §2.2.
            let plain = !view.exchange.request.path.contains('%');
            let location = get_ci(entry, "meta").and_then(|m| value_ci(m, "location")).and_then(Value::as_str);
            let own = location.is_some_and(|l| l.trim_end_matches('/').ends_with(&view.exchange.request.path));
            Verdict::Fail(vec![if plain && own { finding } else { finding.level(Level::Should) }])
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
