//! Whether a resource conforms to its schemas (RFC 7643 §2).
//! Must not know what a server makes of it.

use super::schema::{AttrType, Attribute, Mutability, ResourceType, common_attributes};
use super::value::{expected, fits, get_ci, is_unassigned};
use serde_json::{Map, Value};
use std::collections::HashSet;

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
        !matches!(self.kind, ProblemKind::NotCanonical | ProblemKind::UnknownAttribute)
    }
}

/// Compares a resource, as a client sends it, with its schemas (RFC 7643 §2). What is readOnly is not judged, since a
/// server ignores it.
pub fn validate(doc: &Value, rt: &ResourceType) -> Vec<Problem> {
    let mut found = Vec::new();
    let Value::Object(map) = doc else {
        push(&mut found, "", ProblemKind::WrongType, "a resource is a JSON object".to_owned());
        return found;
    };
    let core: Vec<&Attribute> = rt.schema.attributes.iter().chain(common_attributes()).collect();
    check_members(map, &core, "", &mut found, |key| rt.extension(key).is_some());
    for extension in &rt.extensions {
        let id = &extension.schema.id;
        let attributes: Vec<&Attribute> = extension.schema.attributes.iter().collect();
        match get_ci(map, id) {
            Some(Value::Object(inner)) => check_members(inner, &attributes, &format!("{id}:"), &mut found, |_| false),
            Some(Value::Null) | None if extension.required => {
                push(&mut found, id, ProblemKind::MissingRequired, format!("{id} is required"));
            }
            Some(Value::Null) | None => {}
            Some(_) => push(&mut found, id, ProblemKind::WrongType, format!("{id} must be an object")),
        }
    }
    found
}

fn push(found: &mut Vec<Problem>, path: &str, kind: ProblemKind, message: String) {
    found.push(Problem { path: path.to_owned(), kind, message });
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
                check_attribute(value, attribute, &format!("{prefix}{}", attribute.name), found);
            }
            None if known(key) => {}
            None => {
                let message = format!("the schema has no attribute {key}");
                push(found, &format!("{prefix}{key}"), ProblemKind::UnknownAttribute, message);
            }
        }
    }
    let missing =
        |a: &&&Attribute| a.required && a.mutability != Mutability::ReadOnly && !seen.contains(a.name.as_str());
    for attribute in attributes.iter().filter(missing) {
        let path = format!("{prefix}{}", attribute.name);
        push(found, &path, ProblemKind::MissingRequired, format!("{path} is required"));
    }
}

fn check_attribute(value: &Value, attribute: &Attribute, path: &str, found: &mut Vec<Problem>) {
    if value.is_null() || attribute.mutability == Mutability::ReadOnly {
        return;
    }
    match (attribute.multi_valued, value) {
        (true, Value::Array(items)) => {
            items.iter().for_each(|item| check_one(item, attribute, path, found));
            let primary = |v: &&Value| v.as_object().and_then(|m| get_ci(m, "primary")) == Some(&Value::Bool(true));
            if items.iter().filter(primary).count() > 1 {
                push(found, path, ProblemKind::SeveralPrimary, format!("{path} has several primary values"));
            }
        }
        (true, _) => push(found, path, ProblemKind::WrongType, format!("{path} must be an array")),
        (false, one) => check_one(one, attribute, path, found),
    }
}

fn check_one(value: &Value, attribute: &Attribute, path: &str, found: &mut Vec<Problem>) {
    if value.is_null() {
        return;
    }
    if attribute.kind == AttrType::Complex {
        let Value::Object(map) = value else {
            return push(found, path, ProblemKind::WrongType, format!("{path} must be an object"));
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
            push(found, path, ProblemKind::NotCanonical, format!("{path} has an unusual value"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
}
