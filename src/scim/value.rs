//! Small rules about values: lookup by name, what counts as unassigned, equality and dates.
//! Must not know operations or requests.

pub use super::validate::{Problem, ProblemKind, validate};

use super::schema::{AttrType, Attribute, Container};
use base64::Engine as _;
use serde_json::{Map, Value};
use std::collections::HashMap;
use time::OffsetDateTime;
use time::format_description::well_known::Iso8601;

/// The member of this name, upper and lower case ignored (RFC 7643 §2.1); the exact spelling wins.
pub fn get_ci<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    map.get(name).or_else(|| map.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v))
}

/// The member of this name of a value that may be an object, upper and lower case ignored.
pub fn value_ci<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    get_ci(value.as_object()?, name)
}

/// The member of this name to change, upper and lower case ignored.
pub fn get_ci_mut<'a>(map: &'a mut Map<String, Value>, name: &str) -> Option<&'a mut Value> {
    let key = key_ci(map, name)?.to_owned();
    map.get_mut(&key)
}

/// The spelling under which the map has this name.
pub fn key_ci<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    if let Some((key, _)) = map.get_key_value(name) {
        return Some(key);
    }
    map.keys().find(|k| k.eq_ignore_ascii_case(name)).map(String::as_str)
}

/// Puts a value under this name; a member in another spelling keeps its spelling and place.
pub fn set_ci(map: &mut Map<String, Value>, name: &str, value: Value) {
    let key = key_ci(map, name).unwrap_or(name).to_owned();
    map.insert(key, value);
}

/// Takes every spelling of this name out, keeping the order of the others.
pub fn remove_ci(map: &mut Map<String, Value>, name: &str) -> Option<Value> {
    let mut taken = None;
    while let Some(key) = key_ci(map, name).map(str::to_owned) {
        let value = map.shift_remove(&key);
        taken = taken.or(value);
    }
    taken
}

/// Whether a value says that there is no value: null, an empty array, an object of nothing else (RFC 7643 §2.5).
pub fn is_unassigned(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().all(is_unassigned),
        Value::Object(map) => map.values().all(is_unassigned),
        _ => false,
    }
}

/// Reads an xsd:dateTime (RFC 7643 §2.3.5). A time without offset counts as UTC.
pub fn parse_datetime(text: &str) -> Option<OffsetDateTime> {
    let text = text.trim();
    if !has_datetime_form(text) {
        return None;
    }
    let upper = text.to_ascii_uppercase();
    if let Ok(read) = OffsetDateTime::parse(&upper, &Iso8601::PARSING) {
        return Some(read);
    }
    time::PrimitiveDateTime::parse(&upper, &Iso8601::PARSING).ok().map(time::PrimitiveDateTime::assume_utc)
}

/// Whether text has the form of xsd:dateTime: `2011-05-13T04:42:34`, a fraction, an offset. ISO 8601, which the
/// calendar arithmetic reads, knows many forms more.
fn has_datetime_form(text: &str) -> bool {
    const FORM: &[u8] = b"0000-00-00T00:00:00";
    let bytes = text.as_bytes();
    let Some((head, rest)) = bytes.split_at_checked(FORM.len()) else {
        return false;
    };
    let fits = |(form, byte): (&u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        mark => byte.eq_ignore_ascii_case(mark),
    };
    let digits = |bytes: &[u8]| bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let offset = match rest.strip_prefix(b".") {
        Some(fraction) if digits(fraction) > 0 => &fraction[digits(fraction)..],
        Some(_) => return false,
        None => rest,
    };
    let zone = match offset {
        [] | [b'Z' | b'z'] => true,
        [b'+' | b'-', a, b, b':', c, d] => digits(&[*a, *b, *c, *d]) == 4,
        _ => false,
    };
    zone && FORM.iter().zip(head).all(fits)
}

/// Whether two values mean the same: names without case, order of multi-valued ignored, null and empty as absent,
/// dates by instant, numbers by size; strings exactly.
pub fn same_value(a: &Value, b: &Value, attribute: Option<&Attribute>) -> bool {
    same(a, b, attribute, false)
}

/// Like [`same_value`], but strings are compared without upper and lower case.
pub fn same_ignoring_case(a: &Value, b: &Value, attribute: Option<&Attribute>) -> bool {
    same(a, b, attribute, true)
}

fn same(a: &Value, b: &Value, attribute: Option<&Attribute>, fold: bool) -> bool {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => same_object(x, y, attribute, fold),
        (Value::Array(x), Value::Array(y)) => same_items(x, y, attribute, fold),
        (Value::String(x), Value::String(y)) => same_text(x, y, attribute, fold),
        (Value::Number(x), Value::Number(y)) => x == y || x.as_f64() == y.as_f64(),
        (Value::Bool(x), Value::Bool(y)) => x == y,
        _ => is_unassigned(a) && is_unassigned(b),
    }
}

fn same_text(x: &str, y: &str, attribute: Option<&Attribute>, fold: bool) -> bool {
    if x == y || (fold && same_letters(x, y)) {
        return true;
    }
    let dates = attribute.is_some_and(|a| a.kind == AttrType::DateTime);
    dates && parse_datetime(x).is_some_and(|x| Some(x) == parse_datetime(y))
}

/// Equality of texts without upper and lower case.
pub fn same_letters(x: &str, y: &str) -> bool {
    if x.is_ascii() && y.is_ascii() {
        return x.eq_ignore_ascii_case(y);
    }
    x.to_lowercase() == y.to_lowercase()
}

fn same_object(x: &Map<String, Value>, y: &Map<String, Value>, attribute: Option<&Attribute>, fold: bool) -> bool {
    let covers = |x: &Map<String, Value>, y: &Map<String, Value>| {
        x.iter().all(|(key, value)| {
            let sub = attribute.and_then(|a| a.sub(key));
            same(value, get_ci(y, key).unwrap_or(&Value::Null), sub, fold)
        })
    };
    covers(x, y) && covers(y, x)
}

/// Compares as multisets. Groups have thousands of members, so only values with the same mark are compared in full.
fn same_items(x: &[Value], y: &[Value], attribute: Option<&Attribute>, fold: bool) -> bool {
    let mut left: HashMap<String, Vec<&Value>> = HashMap::new();
    for item in y.iter().filter(|v| !is_unassigned(v)) {
        left.entry(mark(item, attribute)).or_default().push(item);
    }
    for item in x.iter().filter(|v| !is_unassigned(v)) {
        let Some(bucket) = left.get_mut(&mark(item, attribute)) else {
            return false;
        };
        let Some(at) = bucket.iter().position(|other| same(item, other, attribute, fold)) else {
            return false;
        };
        bucket.swap_remove(at);
    }
    left.values().all(Vec::is_empty)
}

/// A text that is equal for all values that can be the same.
fn mark(item: &Value, attribute: Option<&Attribute>) -> String {
    let (value, attribute) = match item {
        Value::Object(map) => (get_ci(map, "value"), attribute.and_then(|a| a.sub("value"))),
        simple => (Some(simple), attribute),
    };
    match value {
        Some(Value::String(text)) if attribute.is_none_or(|a| a.kind != AttrType::DateTime) => text.to_lowercase(),
        _ => String::new(),
    }
}

/// Whether a single JSON value has the form of the type (RFC 7643 §2.3).
pub fn fits(value: &Value, kind: AttrType) -> bool {
    match (kind, value) {
        (AttrType::String | AttrType::Reference, Value::String(_)) => true,
        (AttrType::Boolean, Value::Bool(_)) => true,
        (AttrType::Decimal, Value::Number(_)) => true,
        (AttrType::Integer, Value::Number(n)) => {
            n.is_i64() || n.is_u64() || n.as_f64().is_some_and(|f| f.fract() == 0.0)
        }
        (AttrType::DateTime, Value::String(s)) => parse_datetime(s).is_some(),
        (AttrType::Binary, Value::String(s)) => is_base64(s),
        (AttrType::Complex, Value::Object(_)) => true,
        _ => false,
    }
}

/// The name of a type in a sentence.
pub fn expected(kind: AttrType) -> &'static str {
    match kind {
        AttrType::String => "a string",
        AttrType::Boolean => "true or false",
        AttrType::Decimal => "a number",
        AttrType::Integer => "a whole number",
        AttrType::DateTime => "a dateTime",
        AttrType::Binary => "base64 text",
        AttrType::Reference => "a URI as string",
        AttrType::Complex => "an object",
    }
}

/// Base64 in either alphabet, with or without padding, since RFC 7643 §2.3.6 leaves both open.
fn is_base64(text: &str) -> bool {
    let bare: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let bare = bare.trim_end_matches('=');
    base64::engine::general_purpose::STANDARD_NO_PAD.decode(bare).is_ok()
        || base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(bare).is_ok()
}

/// The object of the resource that holds attributes of this container.
pub fn container<'a>(doc: &'a Value, container: Container<'_>) -> Option<&'a Map<String, Value>> {
    let map = doc.as_object()?;
    match container {
        Container::Core => Some(map),
        Container::Extension(urn) => get_ci(map, urn)?.as_object(),
    }
}

/// The values under a value: the elements of an array, else itself; nothing for what is unassigned.
pub fn flatten(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().filter(|v| !is_unassigned(v)).collect(),
        one if is_unassigned(one) => Vec::new(),
        one => vec![one],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn dates_compare_by_instant() {
        let utc = parse_datetime("2011-05-13T04:42:34Z").unwrap();
        assert_eq!(parse_datetime("2011-05-13T06:42:34.000+02:00"), Some(utc));
        assert_eq!(parse_datetime("2011-05-13T04:42:34"), Some(utc));
        for bad in [
            "",
            "2011-05-13",
            "yesterday",
            "2011-05-13 04:42:34Z",
            "20110513T044234Z",
            "2011-W19-5T04:42:34Z",
            "2011-05-13T04:42:34+0200",
            "2011-05-13T04:42+02:00",
            "2011-05-13T04:42:34,5Z",
            "2011-05-13T04:42:34.Z",
            "2011-13-13T04:42:34Z",
        ] {
            assert_eq!(parse_datetime(bad), None, "{bad}");
        }
    }

    #[test]
    fn sameness_ignores_order_and_absence() {
        let a = json!({"UserName": "a", "emails": [{"value": "x"}, {"value": "y", "display": null}], "title": null});
        let b = json!({"userName": "a", "emails": [{"value": "y"}, {"value": "x"}], "roles": []});
        assert!(same_value(&a, &b, None));
        assert!(!same_value(&json!("A"), &json!("a"), None));
        assert!(same_ignoring_case(&json!(["A"]), &json!(["a"]), None));
        assert!(!same_value(&json!(["a", "a"]), &json!(["a"]), None));
        assert!(same_value(&json!(1), &json!(1.0), None));
    }

    #[test]
    fn unassigned_values() {
        for v in [json!(null), json!([]), json!({}), json!({"a": null}), json!([{"a": []}])] {
            assert!(is_unassigned(&v), "{v}");
        }
        assert!(!is_unassigned(&json!("")) && !is_unassigned(&json!(false)));
    }

    #[test]
    fn members_are_found_in_any_spelling() {
        let mut map = json!({"USERNAME": 1, "b": 2}).as_object().unwrap().clone();
        assert_eq!(get_ci(&map, "userName"), Some(&json!(1)));
        set_ci(&mut map, "userName", json!(3));
        assert_eq!(Value::Object(map.clone()), json!({"USERNAME": 3, "b": 2}));
        assert_eq!(remove_ci(&mut map, "username"), Some(json!(3)));
        assert_eq!(map.len(), 1);
    }
}
