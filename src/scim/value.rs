//! Small rules about values: lookup by name, what counts as unassigned, equality, dates, conformity to the schema.
//! Must not know operations or requests.

use super::schema::{AttrType, Attribute, Container, Mutability, ResourceType, common_attributes};
use base64::Engine as _;
use serde_json::{Map, Value};
use std::collections::HashSet;
use time::OffsetDateTime;
use time::format_description::well_known::Iso8601;

/// The member of this name, upper and lower case ignored (RFC 7643 §2.1); the exact spelling wins.
pub fn get_ci<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    map.get(name).or_else(|| {
        map.iter()
            .find(|(k, _)| k.eq_ignore_ascii_case(name))
            .map(|(_, v)| v)
    })
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
    map.keys()
        .find(|k| k.eq_ignore_ascii_case(name))
        .map(String::as_str)
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
    // xsd:dateTime has the extended form only: date, `T`, time; ISO 8601 knows many more.
    let bytes = text.as_bytes();
    if !text.is_ascii()
        || bytes.len() < 19
        || bytes.get(10).is_none_or(|b| !b.eq_ignore_ascii_case(&b'T'))
    {
        return None;
    }
    let upper = text.to_ascii_uppercase();
    if let Ok(read) = OffsetDateTime::parse(&upper, &Iso8601::PARSING) {
        return Some(read);
    }
    time::PrimitiveDateTime::parse(&upper, &Iso8601::PARSING)
        .ok()
        .map(time::PrimitiveDateTime::assume_utc)
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
    if x == y || (fold && x.to_lowercase() == y.to_lowercase()) {
        return true;
    }
    let dates = attribute.is_some_and(|a| a.kind == AttrType::DateTime);
    dates && parse_datetime(x).is_some_and(|x| Some(x) == parse_datetime(y))
}

fn same_object(
    x: &Map<String, Value>,
    y: &Map<String, Value>,
    attribute: Option<&Attribute>,
    fold: bool,
) -> bool {
    let covers = |x: &Map<String, Value>, y: &Map<String, Value>| {
        x.iter().all(|(key, value)| {
            let sub = attribute.and_then(|a| a.sub(key));
            same(value, get_ci(y, key).unwrap_or(&Value::Null), sub, fold)
        })
    };
    covers(x, y) && covers(y, x)
}

fn same_items(x: &[Value], y: &[Value], attribute: Option<&Attribute>, fold: bool) -> bool {
    let mut left: Vec<&Value> = y.iter().filter(|v| !is_unassigned(v)).collect();
    for item in x.iter().filter(|v| !is_unassigned(v)) {
        let Some(at) = left
            .iter()
            .position(|other| same(item, other, attribute, fold))
        else {
            return false;
        };
        left.remove(at);
    }
    left.is_empty()
}

/// In which way a value does not conform to its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// The value has another type than the schema says (RFC 7643 §2.3).
    WrongType,
    /// A required attribute has no value (RFC 7643 §2.2).
    MissingRequired,
    /// More than one value is primary (RFC 7643 §2.4).
    SeveralPrimary,
    /// Not one of the suggested values; allowed (RFC 7643 §7).
    NotCanonical,
    /// The schema does not have it; to be ignored (RFC 7644 §3.3).
    UnknownAttribute,
}

/// One deviation from the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Attribute in the notation of RFC 7644 §3.10.
    pub path: String,
    /// What is wrong.
    pub kind: ProblemKind,
    /// A sentence for people.
    pub message: String,
}

impl Problem {
    /// Whether a server has reason to answer 400 `invalidValue`.
    pub fn is_error(&self) -> bool {
        !matches!(
            self.kind,
            ProblemKind::NotCanonical | ProblemKind::UnknownAttribute
        )
    }
}

/// Compares a resource, as a client sends it, with its schemas (RFC 7643 §2). What is readOnly is not judged, since a
/// server ignores it.
pub fn validate(doc: &Value, rt: &ResourceType) -> Vec<Problem> {
    let mut found = Vec::new();
    let Value::Object(map) = doc else {
        push(
            &mut found,
            "",
            ProblemKind::WrongType,
            "a resource is a JSON object".to_owned(),
        );
        return found;
    };
    let core: Vec<&Attribute> = rt
        .schema
        .attributes
        .iter()
        .chain(common_attributes())
        .collect();
    check_members(map, &core, "", &mut found, |key| {
        rt.extension(key).is_some()
    });
    for extension in &rt.extensions {
        let id = &extension.schema.id;
        let attributes: Vec<&Attribute> = extension.schema.attributes.iter().collect();
        match get_ci(map, id) {
            Some(Value::Object(inner)) => {
                check_members(inner, &attributes, &format!("{id}:"), &mut found, |_| false)
            }
            Some(Value::Null) | None if extension.required => {
                push(
                    &mut found,
                    id,
                    ProblemKind::MissingRequired,
                    format!("{id} is required"),
                );
            }
            Some(Value::Null) | None => {}
            Some(_) => push(
                &mut found,
                id,
                ProblemKind::WrongType,
                format!("{id} must be an object"),
            ),
        }
    }
    found
}

fn push(found: &mut Vec<Problem>, path: &str, kind: ProblemKind, message: String) {
    found.push(Problem {
        path: path.to_owned(),
        kind,
        message,
    });
}

fn check_members(
    map: &Map<String, Value>,
    attributes: &[&Attribute],
    prefix: &str,
    found: &mut Vec<Problem>,
    known: impl Fn(&str) -> bool,
) {
    let mut seen = HashSet::new();
    for (key, value) in map {
        match attributes.iter().find(|a| a.name.eq_ignore_ascii_case(key)) {
            Some(attribute) => {
                if !is_unassigned(value) {
                    seen.insert(attribute.name.as_str());
                }
                check_attribute(
                    value,
                    attribute,
                    &format!("{prefix}{}", attribute.name),
                    found,
                );
            }
            None if known(key) => {}
            None => {
                let message = format!("the schema has no attribute {key}");
                push(
                    found,
                    &format!("{prefix}{key}"),
                    ProblemKind::UnknownAttribute,
                    message,
                );
            }
        }
    }
    let missing = |a: &&&Attribute| {
        a.required && a.mutability != Mutability::ReadOnly && !seen.contains(a.name.as_str())
    };
    for attribute in attributes.iter().filter(missing) {
        let path = format!("{prefix}{}", attribute.name);
        push(
            found,
            &path,
            ProblemKind::MissingRequired,
            format!("{path} is required"),
        );
    }
}

fn check_attribute(value: &Value, attribute: &Attribute, path: &str, found: &mut Vec<Problem>) {
    if value.is_null() || attribute.mutability == Mutability::ReadOnly {
        return;
    }
    match (attribute.multi_valued, value) {
        (true, Value::Array(items)) => {
            items
                .iter()
                .for_each(|item| check_one(item, attribute, path, found));
            let primary = |v: &&Value| {
                v.as_object().and_then(|m| get_ci(m, "primary")) == Some(&Value::Bool(true))
            };
            if items.iter().filter(primary).count() > 1 {
                push(
                    found,
                    path,
                    ProblemKind::SeveralPrimary,
                    format!("{path} has several primary values"),
                );
            }
        }
        (true, _) => push(
            found,
            path,
            ProblemKind::WrongType,
            format!("{path} must be an array"),
        ),
        (false, one) => check_one(one, attribute, path, found),
    }
}

fn check_one(value: &Value, attribute: &Attribute, path: &str, found: &mut Vec<Problem>) {
    if value.is_null() {
        return;
    }
    if attribute.kind == AttrType::Complex {
        let Value::Object(map) = value else {
            return push(
                found,
                path,
                ProblemKind::WrongType,
                format!("{path} must be an object"),
            );
        };
        let subs: Vec<&Attribute> = attribute.sub_attributes.iter().collect();
        return check_members(map, &subs, &format!("{path}."), found, |_| false);
    }
    if !fits(value, attribute.kind) {
        let message = format!("{path} must be {}", expected(attribute.kind));
        push(found, path, ProblemKind::WrongType, message);
    } else if let Some(text) = value.as_str() {
        let listed = &attribute.canonical_values;
        if !listed.is_empty() && !listed.iter().any(|c| c.eq_ignore_ascii_case(text)) {
            push(
                found,
                path,
                ProblemKind::NotCanonical,
                format!("{path} has an unusual value"),
            );
        }
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
    base64::engine::general_purpose::STANDARD_NO_PAD
        .decode(bare)
        .is_ok()
        || base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(bare)
            .is_ok()
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
        for v in [
            json!(null),
            json!([]),
            json!({}),
            json!({"a": null}),
            json!([{"a": []}]),
        ] {
            assert!(is_unassigned(&v), "{v}");
        }
        assert!(!is_unassigned(&json!("")) && !is_unassigned(&json!(false)));
    }

    #[test]
    fn validation_names_path_and_kind() {
        let user = ResourceType::user();
        let doc = json!({"schemas": [super::super::urn::USER], "active": "True", "emails": [
            {"value": 7, "type": "odd", "primary": true}, {"value": "x", "primary": true}], "hat": 1, "name": []});
        let found = validate(&doc, &user);
        let has = |path: &str, kind| found.iter().any(|p| p.path == path && p.kind == kind);
        assert!(has("userName", ProblemKind::MissingRequired));
        assert!(has("active", ProblemKind::WrongType));
        assert!(has("emails.value", ProblemKind::WrongType));
        assert!(has("emails.type", ProblemKind::NotCanonical));
        assert!(has("emails", ProblemKind::SeveralPrimary));
        assert!(has("hat", ProblemKind::UnknownAttribute));
        assert!(has("name", ProblemKind::WrongType));
        assert!(!validate(&json!(4), &user).is_empty());
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
