//! Brings the value of an operation into the form that the schema wants, or refuses it (RFC 7644 §3.5.2, `invalidValue`).
//! Must not know the resource.

use super::PatchError;
use crate::scim::schema::{AttrType, Attribute, Mutability};
use crate::scim::value::{expected, fits, get_ci};
use serde_json::{Map, Number, Value};
use std::borrow::Cow;

fn invalid(attribute: &Attribute, wanted: &str) -> PatchError {
    PatchError::new("invalidValue", format!("{} must be {wanted}", attribute.name))
}

/// Reads JSON out of a string: Entra ID sends complex values of its app roles that way.
pub(super) fn unpack(value: &Value, lenient: bool) -> Cow<'_, Value> {
    let packed = value.as_str().filter(|s| lenient && s.trim_start().starts_with(['{', '[']));
    match packed.and_then(|s| serde_json::from_str(s).ok()) {
        Some(read) => Cow::Owned(read),
        None => Cow::Borrowed(value),
    }
}

/// The values for a multi-valued attribute. `single` admits one value without array around it.
pub(super) fn many(
    value: &Value,
    attribute: &Attribute,
    lenient: bool,
    single: bool,
) -> Result<Vec<Value>, PatchError> {
    let complex = attribute.kind == AttrType::Complex;
    let value = unpack(value, lenient && complex);
    match value.as_ref() {
        Value::Array(items) => items.iter().map(|item| one(item, attribute, lenient)).collect(),
        item if single || lenient => Ok(vec![one(item, attribute, lenient)?]),
        _ => Err(invalid(attribute, "an array")),
    }
}

/// One value of an attribute. Members of complex values get the schema's spelling; what the schema does not have and
/// what is readOnly is left out; null members stay, they say that the member has no value.
pub(super) fn one(value: &Value, attribute: &Attribute, lenient: bool) -> Result<Value, PatchError> {
    let kind = attribute.kind;
    let value = unpack(value, lenient && kind == AttrType::Complex);
    match value.as_ref() {
        Value::Array(items) if lenient && items.len() == 1 && !items[0].is_array() => {
            one(&items[0], attribute, lenient)
        }
        Value::Object(map) if kind == AttrType::Complex => complex(map, attribute, lenient).map(Value::Object),
        // The bare identifier of a manager or a member.
        Value::String(_) if lenient && kind == AttrType::Complex => match attribute.sub("value") {
            Some(sub) => {
                let inner = one(&value, sub, lenient)?;
                Ok(Value::Object(Map::from_iter([(sub.name.clone(), inner)])))
            }
            None => Err(invalid(attribute, expected(kind))),
        },
        simple if fits(simple, kind) => Ok(simple.clone()),
        Value::String(text) if lenient => from_text(text, kind).ok_or_else(|| invalid(attribute, expected(kind))),
        _ => Err(invalid(attribute, expected(kind))),
    }
}

/// Booleans and numbers that come as strings.
fn from_text(text: &str, kind: AttrType) -> Option<Value> {
    let text = text.trim();
    match kind {
        AttrType::Boolean if text.eq_ignore_ascii_case("true") => Some(Value::Bool(true)),
        AttrType::Boolean if text.eq_ignore_ascii_case("false") => Some(Value::Bool(false)),
        AttrType::Integer | AttrType::Decimal => {
            let number = Value::Number(serde_json::from_str::<Number>(text).ok()?);
            fits(&number, kind).then_some(number)
        }
        _ => None,
    }
}

fn complex(map: &Map<String, Value>, attribute: &Attribute, lenient: bool) -> Result<Map<String, Value>, PatchError> {
    let mut read = Map::new();
    for (key, value) in map {
        let Some(sub) = attribute.sub(key).filter(|sub| sub.mutability != Mutability::ReadOnly) else {
            continue;
        };
        let value = match value {
            Value::Null => Value::Null,
            value if sub.multi_valued => Value::Array(many(value, sub, lenient, false)?),
            value => one(value, sub, lenient)?,
        };
        read.insert(sub.name.clone(), value);
    }
    Ok(read)
}

/// Whether a value asks to clear a single complex attribute: identity providers send `""`, `{}`, `{"value": ""}`.
pub(super) fn clears(value: &Value) -> bool {
    let blank = |v: &Value| v.is_null() || v.as_str().is_some_and(|s| s.trim().is_empty());
    match value {
        // Members other than an empty `value` are a change of those members, not of the whole.
        Value::Object(map) => {
            map.is_empty()
                || get_ci(map, "value").is_some_and(blank)
                    && map.iter().all(|(k, v)| blank(v) || k.eq_ignore_ascii_case("$ref"))
        }
        Value::Array(items) => items.iter().all(clears),
        other => blank(other),
    }
}
