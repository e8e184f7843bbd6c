//! The order of resources in a sorted list (RFC 7644 §3.4.2.3).
//! Must not know paging or filters.

use super::path::{AttrPath, values_of};
use super::schema::{AttrType, Attribute, ResourceType};
use super::value::{get_ci, parse_datetime};
use serde_json::Value;
use std::cmp::Ordering;

/// Compares two resources by an attribute, ascending. Resources without value come last; multi-valued attributes count
/// with their primary value, else the first; strings by the attribute's `caseExact`, dates by instant.
pub fn compare(a: &Value, b: &Value, path: &AttrPath, rt: &ResourceType) -> Ordering {
    let attribute = rt.attribute(path).map(|r| r.leaf());
    match (key(a, path, rt), key(b, path, rt)) {
        (Some(a), Some(b)) => compare_values(a, b, leaf(attribute, path)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

/// A complex attribute is sorted by its `value`.
fn leaf<'a>(attribute: Option<&'a Attribute>, path: &AttrPath) -> Option<&'a Attribute> {
    match attribute {
        Some(a) if a.kind == AttrType::Complex && path.sub.is_none() => a.sub("value"),
        other => other,
    }
}

fn key<'a>(doc: &'a Value, path: &AttrPath, rt: &ResourceType) -> Option<&'a Value> {
    let bare = AttrPath { sub: None, ..path.clone() };
    let (values, _) = values_of(doc, &bare, rt);
    let primary = |v: &&&Value| v.as_object().and_then(|m| get_ci(m, "primary")) == Some(&Value::Bool(true));
    let chosen = values.iter().find(primary).or(values.first()).copied()?;
    let found = match (path.sub.as_deref(), chosen) {
        (Some(sub), Value::Object(map)) => get_ci(map, sub)?,
        (Some(_), _) => return None,
        (None, Value::Object(map)) => get_ci(map, "value")?,
        (None, simple) => simple,
    };
    (!found.is_null()).then_some(found)
}

fn compare_values(a: &Value, b: &Value, attribute: Option<&Attribute>) -> Ordering {
    match (a, b) {
        (Value::String(a), Value::String(b)) => compare_text(a, b, attribute),
        (Value::Number(x), Value::Number(y)) => match (x.as_i64(), y.as_i64()) {
            (Some(x), Some(y)) => x.cmp(&y),
            _ => x.as_f64().unwrap_or_default().total_cmp(&y.as_f64().unwrap_or_default()),
        },
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        _ => rank(a).cmp(&rank(b)),
    }
}

fn compare_text(a: &str, b: &str, attribute: Option<&Attribute>) -> Ordering {
    if attribute.is_some_and(|a| a.kind == AttrType::DateTime) {
        // Broken dates come after all real ones, so that the order stays total.
        return match (parse_datetime(a), parse_datetime(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => a.cmp(b),
        };
    }
    if attribute.is_some_and(|a| a.case_exact) {
        return a.cmp(b);
    }
    a.to_lowercase().cmp(&b.to_lowercase())
}

/// Values of different types have to stand somewhere.
fn rank(value: &Value) -> u8 {
    match value {
        Value::Bool(_) => 0,
        Value::Number(_) => 1,
        Value::String(_) => 2,
        Value::Array(_) => 3,
        Value::Object(_) => 4,
        Value::Null => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::super::path::parse_attr_path;
    use super::*;
    use serde_json::json;

    fn order(path: &str, a: Value, b: Value) -> Ordering {
        compare(&a, &b, &parse_attr_path(path).unwrap(), &ResourceType::user())
    }

    #[test]
    fn case_counts_only_where_exact() {
        assert_eq!(order("userName", json!({"userName": "B"}), json!({"userName": "a"})), Ordering::Greater);
        assert_eq!(order("id", json!({"id": "B"}), json!({"id": "a"})), Ordering::Less);
    }

    #[test]
    fn missing_comes_last_and_dates_by_instant() {
        assert_eq!(order("title", json!({}), json!({"title": "a"})), Ordering::Greater);
        let at = |t: &str| json!({"meta": {"created": t}});
        let (a, b) = (at("2020-01-01T10:00:00+02:00"), at("2020-01-01T09:00:00Z"));
        assert_eq!(order("meta.created", a, b), Ordering::Less);
    }

    #[test]
    fn primary_value_decides() {
        let a = json!({"emails": [{"value": "z"}, {"value": "a", "primary": true}]});
        let b = json!({"emails": [{"value": "b"}]});
        assert_eq!(order("emails", a.clone(), b.clone()), Ordering::Less);
        assert_eq!(order("emails.value", a, b), Ordering::Less);
    }
}
