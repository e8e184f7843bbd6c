//! Reads the schema documents of foreign servers, whatever they left out (RFC 7643 §7).
//! Must not know resource types.

use super::{AttrType, Attribute, COMMON, Mutability, Returned, Schema, Uniqueness, find};
use crate::scim::value::get_ci;
use serde_json::{Map, Value};

/// Reads a schema of a foreign server. Missing characteristics take the defaults of RFC 7643 §2.2, enumerations are
/// read in any case, attributes without a name are left out. `None` when it has no id.
pub fn parse_schema(document: &Value) -> Option<Schema> {
    let mut schema = as_written(document)?;
    complete(&mut schema);
    Some(schema)
}

/// The schema as it stands in the document.
pub(super) fn as_written(document: &Value) -> Option<Schema> {
    let map = document.as_object()?;
    let id = text(map, "id")?.to_owned();
    let name = text(map, "name").unwrap_or(&id).to_owned();
    let description = text(map, "description").unwrap_or_default().to_owned();
    let attributes = attributes(map, "attributes", 0);
    Some(Schema { id, name, description, attributes })
}

/// What RFC 7643 §8.7 fixes about the attributes of its own schemas stays so, whatever a document says of them: whether one is
/// complex, whether it is a Boolean, whether it has several values, that it is never shown, and the parts of one that is listed
/// without. The answers are right all the same; that the document is wrong is said once, and not of each answer
/// (discovery/core-attribute-differs).
fn complete(schema: &mut Schema) {
    if let Some(builtin) = super::builtin_schema(&schema.id) {
        settle(&mut schema.attributes, &builtin.attributes);
    }
}

fn settle(served: &mut [Attribute], fixed: &[Attribute]) {
    for attribute in served {
        let known = find(fixed, &attribute.name).or_else(|| find(&COMMON, &attribute.name));
        let Some(known) = known else { continue };
        let apart = |kind: AttrType| matches!(kind, AttrType::Complex | AttrType::Boolean);
        if attribute.kind != known.kind && (apart(attribute.kind) || apart(known.kind)) {
            attribute.kind = known.kind;
        }
        attribute.multi_valued = known.multi_valued;
        if known.returned == Returned::Never {
            (attribute.returned, attribute.mutability) = (known.returned, known.mutability);
        }
        attribute.case_disputed = attribute.kind == AttrType::String && attribute.case_exact != known.case_exact;
        if attribute.sub_attributes.is_empty() {
            attribute.sub_attributes.clone_from(&known.sub_attributes);
        } else {
            settle(&mut attribute.sub_attributes, &known.sub_attributes);
        }
    }
}

/// Schemas nest attributes one level; a little more is read, an endless document is not.
const MAX_NESTING: usize = 4;

fn attributes(map: &Map<String, Value>, key: &str, level: usize) -> Vec<Attribute> {
    if level > MAX_NESTING {
        return Vec::new();
    }
    let listed = get_ci(map, key).map(as_list).unwrap_or_default();
    listed.into_iter().filter_map(|a| attribute(a, level)).collect()
}

fn attribute(document: &Value, level: usize) -> Option<Attribute> {
    let map = document.as_object()?;
    let name = text(map, "name")?;
    let sub_attributes = attributes(map, "subAttributes", level + 1);
    let named = text(map, "type").and_then(attr_type);
    let kind = named.unwrap_or(match sub_attributes.is_empty() {
        true => AttrType::String,
        false => AttrType::Complex,
    });
    let plain = Attribute::new(name, kind);
    Some(Attribute {
        multi_valued: flag(map, "multiValued").unwrap_or(plain.multi_valued),
        required: flag(map, "required").unwrap_or(plain.required),
        case_exact: flag(map, "caseExact").unwrap_or(plain.case_exact),
        mutability: text(map, "mutability").and_then(mutability).unwrap_or(plain.mutability),
        returned: text(map, "returned").and_then(returned).unwrap_or(plain.returned),
        uniqueness: text(map, "uniqueness").and_then(uniqueness).unwrap_or(plain.uniqueness),
        canonical_values: texts(map, "canonicalValues"),
        reference_types: texts(map, "referenceTypes"),
        description: text(map, "description").unwrap_or_default().to_owned(),
        sub_attributes,
        ..plain
    })
}

/// A word in any case, and without the underscores of a program's constants.
fn folded(word: &str) -> String {
    word.trim().replace('_', "").to_ascii_lowercase()
}

fn attr_type(name: &str) -> Option<AttrType> {
    Some(match folded(name).as_str() {
        "string" => AttrType::String,
        "boolean" => AttrType::Boolean,
        "decimal" => AttrType::Decimal,
        "integer" => AttrType::Integer,
        "datetime" => AttrType::DateTime,
        "binary" => AttrType::Binary,
        "reference" => AttrType::Reference,
        "complex" => AttrType::Complex,
        _ => return None,
    })
}

fn mutability(name: &str) -> Option<Mutability> {
    Some(match folded(name).as_str() {
        "readonly" => Mutability::ReadOnly,
        "readwrite" => Mutability::ReadWrite,
        "immutable" => Mutability::Immutable,
        "writeonly" => Mutability::WriteOnly,
        _ => return None,
    })
}

fn returned(name: &str) -> Option<Returned> {
    Some(match folded(name).as_str() {
        "always" => Returned::Always,
        "never" => Returned::Never,
        "default" => Returned::Default,
        "request" => Returned::Request,
        _ => return None,
    })
}

fn uniqueness(name: &str) -> Option<Uniqueness> {
    Some(match folded(name).as_str() {
        "none" => Uniqueness::None,
        "server" => Uniqueness::Server,
        "global" => Uniqueness::Global,
        _ => return None,
    })
}

pub(super) fn text<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    get_ci(map, key)?.as_str().filter(|s| !s.is_empty())
}

fn texts(map: &Map<String, Value>, key: &str) -> Vec<String> {
    let listed = get_ci(map, key).map(as_list).unwrap_or_default();
    listed.into_iter().filter_map(|v| v.as_str().map(str::to_owned)).collect()
}

pub(super) fn flag(map: &Map<String, Value>, key: &str) -> Option<bool> {
    match get_ci(map, key)? {
        Value::Bool(b) => Some(*b),
        Value::String(s) if s.eq_ignore_ascii_case("true") => Some(true),
        Value::String(s) if s.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

pub(super) fn as_list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}
