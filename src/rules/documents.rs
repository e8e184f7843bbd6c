//! Discovery documents one by one (RFC 7643 §6, §7, §8.7): what the schemas of the RFC say about their own attributes, and
//! whether the document that comes is the one that was asked for.

use super::discovery::{documents, plain_get};
use super::meta::same_host;
use super::rule::{Finding, Impact, Level, Rule, Verdict};
use super::view::{View, short};
use crate::scim::schema::{AttrType, Attribute, ResourceType, Schema};
use crate::scim::urn;
use crate::scim::value::get_ci;
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// Rules of this area.
pub static RULES: &[Rule] = &[
    Rule {
        id: "discovery/core-attribute-differs",
        title: "A schema of RFC 7643 describes one of its attributes in another form",
        spec: "RFC 7643 §3.1, §4.1, §4.2, §4.3, §8.7.1",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["sch-core-shapes", "sch-groups-readonly"],
        explain: "Whether an attribute or a part of one has one value or many, whether it is complex or a Boolean, and that `groups` is read-only, is fixed by RFC 7643 for the schemas that carry its URNs. A client that builds its requests from the schema sends something that the server then refuses, or reads answers wrongly. What is free (required, uniqueness, canonical values, fewer attributes) is not looked at. `id`, where a schema lists it, is read-only and always returned (§3.1); another word for it is advice.",
        hint: "Serve the definitions of RFC 7643 §8.7.1; put what differs into a schema with a URN of your own.",
        wrong: "{\"name\":\"emails\",\"type\":\"complex\",\"multiValued\":false,…}",
        right: "{\"name\":\"emails\",\"type\":\"complex\",\"multiValued\":true,…}",
        proven_by: &[
            "schemas-active-string",
            "schemas-attribute-without-type",
            "schemas-emails-singular",
            "schemas-groups-writable",
            "schemas-id-returned-default",
            "schemas-members-string",
            "schemas-name-string",
            "schemas-primary-string",
            "schemas-type-array",
        ],
        check: core_attributes,
    },
    Rule {
        id: "discovery/document-differs",
        title: "A schema or resource type that is read by itself is another one",
        spec: "RFC 7644 §4",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["sch-by-urn"],
        explain: "`/Schemas/{id}` answers the schema of that id. Here it is another document, or the list.",
        hint: "Look the document up by the last segment of the path.",
        wrong: "GET /Schemas/urn:…:core:2.0:Group → {\"id\":\"urn:…:core:2.0:User\",…}",
        right: "→ {\"id\":\"urn:…:core:2.0:Group\",…}",
        proven_by: &["schemas-by-id-first", "schemas-by-id-list"],
        check: document_differs,
    },
    Rule {
        id: "discovery/schemas-member-wrong",
        title: "A discovery document does not name its own schema",
        spec: "RFC 7643 §3, §5, §6",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["spc-schema-urn"],
        explain: "Every representation has a non-empty `schemas` with the URI of its kind, the configuration and the resource types, too.",
        hint: "Write \"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig\"].",
        wrong: "GET /ServiceProviderConfig → {\"schemas\":[\"urn:…:core:2.0:User\"],…}",
        right: "{\"schemas\":[\"urn:…:core:2.0:ServiceProviderConfig\"],…}",
        proven_by: &[
            "serviceproviderconfig-schemas-wrong",
            "resourcetypes-schemas-wrong",
            "serviceproviderconfig-without-schemas",
        ],
        check: schemas_member,
    },
    Rule {
        id: "discovery/meta-wrong",
        title: "`meta` of a discovery document names another type or place",
        spec: "RFC 7643 §3.1, §5, §6, §7",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["discovery-meta"],
        explain: "`meta.resourceType` of the documents is ServiceProviderConfig, ResourceType or Schema, and `meta.location` is the URI at which the document is read. A schema without `meta`, a `meta` without `resourceType`, or a place on the same host below another path, is advice.",
        hint: "Build it from the base URL of the requests, the endpoint and the id.",
        wrong: "GET /Schemas/urn:…:User → {\"meta\":{\"location\":\"https://…/v1/User\"}}",
        right: "\"location\":\"https://…/Schemas/urn:…:User\"",
        proven_by: &[
            "discovery-location-wrong",
            "discovery-resource-type-wrong",
            "schemas-extension-location-doubled",
            "schemas-without-meta",
            "serviceproviderconfig-meta-without-type",
        ],
        check: meta_wrong,
    },
];

/// The RFC's own schemas.
static CORE: LazyLock<Vec<Schema>> = LazyLock::new(|| {
    let (user, group) = (ResourceType::user(), ResourceType::group());
    let extensions = user.extensions.into_iter().map(|e| e.schema);
    [user.schema, group.schema].into_iter().chain(extensions).collect()
});

fn core_attributes(view: &View<'_>) -> Verdict {
    let mut seen = false;
    let mut common = None;
    for document in documents(view, "schemas") {
        let id = get_ci(document, "id").and_then(Value::as_str).unwrap_or_default();
        let Some(schema) = CORE.iter().find(|s| s.id.eq_ignore_ascii_case(id)) else { continue };
        for served in get_ci(document, "attributes").and_then(Value::as_array).into_iter().flatten() {
            let Some(served) = served.as_object() else { continue };
            let name = get_ci(served, "name").and_then(Value::as_str).unwrap_or_default();
            if name.eq_ignore_ascii_case("id") {
                common = common.or_else(|| id_differs(served));
            }
            let Some(attribute) = schema.attributes.iter().find(|a| a.name.eq_ignore_ascii_case(name)) else {
                continue;
            };
            seen = true;
            if let Some(finding) =
                differs(attribute, served, &attribute.name).or_else(|| part_differs(attribute, served))
            {
                return Verdict::Fail(vec![finding]);
            }
        }
    }
    match common {
        Some(finding) => Verdict::Fail(vec![finding.level(Level::Should)]),
        None if seen => Verdict::Pass,
        None => Verdict::NotApplicable,
    }
}

/// What RFC 7643 §3.1 fixes about `id`, for whoever lists it among the attributes of a schema. Its words take precedence over
/// what the schema says, so a client that knows them is not misled.
fn id_differs(served: &Map<String, Value>) -> Option<Finding> {
    [("mutability", "readOnly", "readWrite"), ("returned", "always", "default")].iter().find_map(
        |(key, right, default)| {
            let shown = get_ci(served, key).and_then(Value::as_str).unwrap_or(default);
            // A word that does not exist is discovery/attribute-definition-wrong.
            let other = !shown.eq_ignore_ascii_case(right);
            other.then(|| Finding::new(format!("attribute id, {key}"), *right, shown))
        },
    )
}

/// What is fixed about an attribute of the RFC's: a member that is left out has the default of RFC 7643 §2.2.
fn differs(attribute: &Attribute, served: &Map<String, Value>, name: &str) -> Option<Finding> {
    let place = |key: &str| format!("attribute {name}, {key}");
    let many = match get_ci(served, "multiValued") {
        Some(Value::Bool(many)) => *many,
        None | Some(Value::Null) => false,
        // Of another type, which discovery/attribute-definition-wrong tells.
        Some(_) => return None,
    };
    if many != attribute.multi_valued {
        return Some(Finding::new(place("multiValued"), attribute.multi_valued.to_string(), many.to_string()));
    }
    let text = |key: &str| get_ci(served, key).and_then(Value::as_str);
    let kind = text("type").unwrap_or("string");
    // Text, reference and date are all texts on the wire; an object or a Boolean is none.
    for (word, right) in [("complex", AttrType::Complex), ("boolean", AttrType::Boolean)] {
        if (kind == word) != (attribute.kind == right) {
            let expected = if attribute.kind == right { word.to_owned() } else { format!("not {word}") };
            return Some(Finding::new(place("type"), expected, kind));
        }
    }
    let groups = attribute.name == "groups" && text("mutability").is_some_and(|m| m != "readOnly");
    groups.then(|| Finding::new(place("mutability"), "readOnly", text("mutability").unwrap_or_default()))
}

/// The same of its parts: `primary` is a Boolean in each list (RFC 7643 §2.4).
fn part_differs(attribute: &Attribute, served: &Map<String, Value>) -> Option<Finding> {
    let parts = get_ci(served, "subAttributes").and_then(Value::as_array)?;
    parts.iter().filter_map(Value::as_object).find_map(|part| {
        let name = get_ci(part, "name").and_then(Value::as_str)?;
        let known = attribute.sub_attributes.iter().find(|s| s.name.eq_ignore_ascii_case(name))?;
        differs(known, part, &format!("{}.{}", attribute.name, known.name))
    })
}

fn document_differs(view: &View<'_>) -> Verdict {
    let single = view.call.method == "GET" && view.call.depth == 2 && view.status() == 200;
    let kind = view.call.endpoint.to_ascii_lowercase();
    if !single || !["/schemas", "/resourcetypes"].contains(&kind.as_str()) {
        return Verdict::NotApplicable;
    }
    let (Some(asked), Some(body)) = (view.call.id.as_deref(), view.object()) else { return Verdict::NotApplicable };
    let names = names(body);
    if names.iter().any(|n| n.eq_ignore_ascii_case(asked)) {
        return Verdict::Pass;
    }
    // Asked by its name where it shows nothing but an id, or the other way round, it may be the right one.
    match names.first() {
        Some(_) if kind == "/resourcetypes" && !known_type(view, asked) => Verdict::NotApplicable,
        Some(other) if get_ci(body, "id").is_some() || kind == "/resourcetypes" => {
            Verdict::fail("body /id", asked, *other)
        }
        _ if get_ci(body, "Resources").is_some() => Verdict::fail("body", format!("the document {asked}"), "a list"),
        _ => Verdict::NotApplicable,
    }
}

fn known_type(view: &View<'_>, name: &str) -> bool {
    view.target.types.iter().any(|t| t.name.eq_ignore_ascii_case(name))
}

/// A kind of discovery document.
struct Kind {
    name: &'static str,
    endpoint: &'static str,
    urn: &'static str,
}

const CONFIG: Kind = Kind { name: "ServiceProviderConfig", endpoint: "ServiceProviderConfig", urn: urn::SPC };
const TYPE: Kind = Kind { name: "ResourceType", endpoint: "ResourceTypes", urn: urn::RESOURCE_TYPE };
const SCHEMA: Kind = Kind { name: "Schema", endpoint: "Schemas", urn: urn::SCHEMA };

/// The documents in an answer, and what they are.
fn described<'a>(view: &View<'a>) -> impl Iterator<Item = (&'a Map<String, Value>, Kind)> {
    let config = plain_get(view, "serviceproviderconfig", 1) && view.status() == 200;
    let config = view.object().filter(|_| config).map(|d| (d, CONFIG));
    let types = documents(view, "resourcetypes").into_iter().map(|d| (d, TYPE));
    config.into_iter().chain(types).chain(documents(view, "schemas").into_iter().map(|d| (d, SCHEMA)))
}

/// Schemas themselves are the matter of discovery/schema-incomplete.
fn schemas_member(view: &View<'_>) -> Verdict {
    let mut seen = false;
    for (document, kind) in described(view).filter(|(_, kind)| kind.urn != urn::SCHEMA) {
        seen = true;
        let names_it = |s: &Value| s.as_str().is_some_and(|s| s.eq_ignore_ascii_case(kind.urn));
        match get_ci(document, "schemas") {
            Some(Value::Array(list)) if list.iter().any(names_it) => {}
            // Nothing reads it there, and the RFC's own examples of resource types vary.
            None => {
                return Verdict::Fail(vec![Finding::new("body /schemas", kind.urn, "nothing").level(Level::Should)]);
            }
            Some(other) => return Verdict::fail("body /schemas", kind.urn, short(other)),
        }
    }
    if seen { Verdict::Pass } else { Verdict::NotApplicable }
}

/// By what a document can be named.
fn names(document: &Map<String, Value>) -> Vec<&str> {
    ["id", "name"].iter().filter_map(|n| get_ci(document, n).and_then(Value::as_str)).collect()
}

fn meta_wrong(view: &View<'_>) -> Verdict {
    let mut seen = false;
    let mut lacking = None;
    for (document, Kind { name: kind, endpoint, .. }) in described(view) {
        let Some(meta) = get_ci(document, "meta").and_then(Value::as_object) else {
            // RFC 7643 §3.1 asks for it in every resource but the configuration and the resource types.
            let due = (kind == SCHEMA.name).then(|| Finding::new("body /meta", "resourceType and location", "nothing"));
            lacking = lacking.or(due);
            continue;
        };
        seen = true;
        let text = |name: &str| get_ci(meta, name).and_then(Value::as_str);
        if let Some(other) = text("resourceType").filter(|t| !t.eq_ignore_ascii_case(kind)) {
            return Verdict::fail("body /meta/resourceType", kind, other);
        }
        if text("resourceType").is_none() {
            lacking = lacking.or_else(|| Some(Finding::new("body /meta/resourceType", kind, "nothing")));
        }
        let names = names(document);
        if let Some(place) = text("location").filter(|l| !leads_to(l, endpoint, &names)) {
            let expected = names.first().map_or_else(|| format!("…/{endpoint}"), |n| format!("…/{endpoint}/{n}"));
            return Verdict::fail("body /meta/location", expected, place);
        }
        if let Some((place, level)) = text("location").and_then(|l| Some((l, detour(l, view, endpoint, &names)?))) {
            let base = &view.target.base_url;
            let expected =
                names.first().map_or_else(|| format!("{base}/{endpoint}"), |n| format!("{base}/{endpoint}/{n}"));
            let finding = Finding::new("body /meta/location", expected, place);
            match level {
                Level::Must => return Verdict::Fail(vec![finding]),
                _ => lacking = lacking.or(Some(finding)),
            }
        }
    }
    match lacking {
        Some(finding) => Verdict::Fail(vec![finding.level(Level::Should)]),
        None if seen => Verdict::Pass,
        None => Verdict::NotApplicable,
    }
}

/// How wrong a URI is that ends as it should: with the endpoint twice in its path it is no address of the document; on the
/// host that was called and below another path it may be a second one.
fn detour(location: &str, view: &View<'_>, endpoint: &str, names: &[&str]) -> Option<Level> {
    let path = location.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    if path.split('/').filter(|s| s.eq_ignore_ascii_case(endpoint)).count() > 1 {
        return Some(Level::Must);
    }
    let (shown, base) = (url::Url::parse(location).ok()?, url::Url::parse(&view.target.base_url).ok()?);
    let whole = crate::exchange::percent_decode(shown.path()).to_ascii_lowercase();
    let prefix = crate::exchange::percent_decode(base.path()).trim_end_matches('/').to_ascii_lowercase();
    let home = |tail: String| whole.trim_end_matches('/') == format!("{prefix}/{}", tail.to_ascii_lowercase());
    let direct = home(endpoint.to_owned())
        || home(format!("{endpoint}s"))
        || names.iter().any(|name| home(format!("{endpoint}/{name}")));
    (same_host(&base, &shown) && !direct).then_some(Level::Should)
}

/// True for a URI of the endpoint itself (the configuration, and who names the list), or of the document below it.
fn leads_to(location: &str, endpoint: &str, names: &[&str]) -> bool {
    let path = location.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let plain = crate::exchange::percent_decode(path);
    let ends = |tail: &str| {
        let (whole, tail) = (plain.to_ascii_lowercase(), tail.to_ascii_lowercase());
        whole == tail || whole.ends_with(&format!("/{tail}"))
    };
    ends(endpoint) || ends(&format!("{endpoint}s")) || names.iter().any(|n| ends(&format!("{endpoint}/{n}")))
}
