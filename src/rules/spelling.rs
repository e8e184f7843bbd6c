//! Names in the spelling of the schema (RFC 7643 §2.1): in resources, in the envelopes of messages, in the documents of discovery.

use super::discovery::documents;
use super::rule::{Finding, Impact, Level, Rule, Verdict};
use super::schema::{each, values};
use super::view::View;
use crate::scim::schema::Attribute;
use crate::scim::value::get_ci;
use serde_json::{Map, Value};

/// Rules of this area.
pub static RULES: &[Rule] = &[Rule {
    id: "schema/attribute-name-case",
    title: "A name is spelled in another case than in the schema",
    spec: "RFC 7643 §2.1 (case-insensitive), §5 to §7; Entra reads exact names",
    level: Level::Idp,
    clash: true,
    impact: Impact::ClientConfused,
    breaks: &["entra"],
    requirements: &["entra-casing-of-members"],
    explain: "By the RFC the case of attribute names does not matter; Entra and many typed clients read `userName`, `totalResults` and `resourceType` and nothing else. The same goes for the documents of discovery.",
    hint: "Return names in the schema's spelling.",
    wrong: "{\"UserName\":\"a@example.com\"}",
    right: "{\"userName\":\"a@example.com\"}",
    proven_by: &[
        "attribute-names-pascal-case",
        "list-names-pascal-case",
        "meta-names-pascal-case",
        "sub-attribute-names-pascal-case",
        "config-names-in-lower-case",
        "resource-type-names-misspelled",
        "config-spec-uri-misspelled",
        "schemas-descriptions-misspelled",
    ],
    check: name_case,
}];

const COMMON: [&str; 4] = ["id", "externalId", "meta", "schemas"];
const META: [&str; 5] = ["resourceType", "created", "lastModified", "location", "version"];
const LIST: [&str; 5] = ["totalResults", "Resources", "startIndex", "itemsPerPage", "schemas"];
const ERROR: [&str; 4] = ["schemas", "status", "scimType", "detail"];
/// Members of the documents of discovery, RFC 7643 §5 to §7: below each member, those of its values.
const CONFIG: [(&str, &[&str]); 7] = [
    ("documentationUri", &[]),
    ("patch", &["supported"]),
    ("bulk", &["supported", "maxOperations", "maxPayloadSize"]),
    ("filter", &["supported", "maxResults"]),
    ("changePassword", &["supported"]),
    ("sort", &["supported"]),
    ("authenticationSchemes", &["type", "name", "description", "specUri", "documentationUri", "primary"]),
];
const TYPE: [(&str, &[&str]); 4] =
    [("endpoint", &[]), ("schema", &[]), ("description", &[]), ("schemaExtensions", &["schema", "required"])];
const SCHEMA: [(&str, &[&str]); 2] = [
    ("description", &[]),
    (
        "attributes",
        &[
            "name",
            "type",
            "description",
            "multiValued",
            "required",
            "canonicalValues",
            "caseExact",
            "mutability",
            "returned",
            "uniqueness",
            "subAttributes",
            "referenceTypes",
        ],
    ),
];

fn name_case(view: &View<'_>) -> Verdict {
    let message: &[&str] = if view.list().is_some() { &LIST } else { &ERROR };
    let envelope = view.list().or_else(|| view.object().filter(|_| view.client_error() && view.on_resources()));
    if let Some(found) = envelope.and_then(|e| respelled(e, message.iter().copied(), "body ")) {
        return Verdict::Fail(vec![found]);
    }
    if let Some(verdict) = document_case(view) {
        return verdict;
    }
    each(view, |resource, rt| {
        let names = || rt.schema.attributes.iter().map(|a| a.name.as_str()).chain(COMMON);
        let meta = || respelled(get_ci(resource, "meta")?.as_object()?, META.into_iter(), "body /meta");
        let inside = || values(resource, rt).into_iter().find_map(|(name, a, v)| inner_case(&name, a, v));
        Some(respelled(resource, names(), "body ").or_else(meta).or_else(inside))
    })
}

/// The documents of discovery in the answer, if there are any.
fn document_case(view: &View<'_>) -> Option<Verdict> {
    let shapes = [("serviceproviderconfig", &CONFIG[..]), ("resourcetypes", &TYPE[..]), ("schemas", &SCHEMA[..])];
    let (documents, shape) =
        shapes.into_iter().map(|(name, s)| (documents(view, name), s)).find(|(d, _)| !d.is_empty())?;
    let found = documents.into_iter().find_map(|document| {
        let names = shape.iter().map(|(name, _)| *name).chain(COMMON);
        let below = || {
            shape.iter().find_map(|(name, inner)| {
                let values = match get_ci(document, name)? {
                    Value::Array(items) => items.iter().collect(),
                    one => vec![one],
                };
                let place = format!("body /{name}");
                values.into_iter().filter_map(Value::as_object).find_map(|v| {
                    respelled(v, inner.iter().copied(), &place).or_else(|| in_the_plural(v, inner, &place))
                })
            })
        };
        respelled(document, names, "body ").or_else(below)
    });
    Some(found.map_or(Verdict::Pass, |f| Verdict::Fail(vec![f])))
}

/// The first key that is one of the names in another case.
fn respelled<'a>(
    object: &Map<String, Value>,
    names: impl Iterator<Item = &'a str> + Clone,
    place: &str,
) -> Option<Finding> {
    let exact = |k: &str| names.clone().any(|n| n == k);
    let (key, name) = object
        .keys()
        .filter(|k| !exact(k))
        .find_map(|k| names.clone().find(|n| n.eq_ignore_ascii_case(k)).map(|n| (k, n)))?;
    Some(Finding::new(format!("{place}/{key}"), name, key.clone()))
}

/// The first key that is one of the names in the plural, where the right one is missing.
fn in_the_plural(object: &Map<String, Value>, names: &[&str], place: &str) -> Option<Finding> {
    let plural = |k: &str| names.iter().copied().find(|n| k.strip_suffix('s') == Some(n) && !object.contains_key(*n));
    let (key, name) = object.keys().filter(|k| !names.contains(&k.as_str())).find_map(|k| Some((k, plural(k)?)))?;
    Some(Finding::new(format!("{place}/{key}"), name, key.clone()))
}

fn inner_case(name: &str, attribute: &Attribute, value: &Value) -> Option<Finding> {
    match value {
        Value::Object(map) => {
            let names = attribute.sub_attributes.iter().map(|s| s.name.as_str());
            respelled(map, names, &format!("body /{name}"))
        }
        // Large groups: the first entries stand for all, they come from one place.
        Value::Array(items) => items.iter().take(3).find_map(|i| inner_case(name, attribute, i)),
        _ => None,
    }
}
