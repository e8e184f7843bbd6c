//! What a recorded request is about: attribute paths in bodies and PATCH operations, operations in words, names for steps.
//!
//! Must not know values or who stands for whom.

use serde_json::{Map, Value};

/// Attributes whose values belong to one person or group, so that a replay needs values of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Attribute {
    UserName,
    ExternalId,
    Email,
    DisplayName,
    GivenName,
    FamilyName,
    Formatted,
    NickName,
    Phone,
    EmployeeNumber,
    Password,
}

impl Attribute {
    /// By its path as [`path_of`] writes it.
    pub(super) fn at(path: &str) -> Option<Self> {
        Some(match path {
            "username" => Attribute::UserName,
            "externalid" => Attribute::ExternalId,
            "emails.value" | "emails" => Attribute::Email,
            "displayname" => Attribute::DisplayName,
            "name.givenname" => Attribute::GivenName,
            "name.familyname" => Attribute::FamilyName,
            "name.formatted" => Attribute::Formatted,
            "nickname" => Attribute::NickName,
            "phonenumbers.value" | "phonenumbers" => Attribute::Phone,
            "employeenumber" => Attribute::EmployeeNumber,
            "password" => Attribute::Password,
            _ => return None,
        })
    }

    /// The key of a fixture that holds it.
    pub(super) fn key(self) -> &'static str {
        match self {
            Attribute::UserName => "userName",
            Attribute::ExternalId => "externalId",
            Attribute::Email => "email",
            Attribute::DisplayName => "displayName",
            Attribute::GivenName => "givenName",
            Attribute::FamilyName => "familyName",
            Attribute::Formatted => "formatted",
            Attribute::NickName => "nickName",
            Attribute::Phone => "phone",
            Attribute::EmployeeNumber => "employeeNumber",
            Attribute::Password => "password",
        }
    }

    /// True when the value means this one wherever it stands; a given name is a word like others.
    pub(super) fn is_telling(self) -> bool {
        matches!(self, Attribute::UserName | Attribute::ExternalId | Attribute::Email | Attribute::DisplayName)
    }
}

/// An attribute path without URN, value filters and case: `emails[type eq "work"].value` → `emails.value`.
pub(super) fn path_of(text: &str) -> String {
    let mut out = String::new();
    let (mut depth, mut quoted) = (0_u32, false);
    for c in text.chars() {
        match c {
            '"' if depth > 0 => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            c => out.extend(c.to_lowercase()),
        }
    }
    if out.starts_with("urn:") {
        let last = out.rsplit(':').next().unwrap_or_default();
        // The URN of a schema alone ends in the name of its type.
        return if text.ends_with(":User") || text.ends_with(":Group") { String::new() } else { last.to_owned() };
    }
    out
}

fn join(path: &str, key: &str) -> String {
    let key = path_of(key);
    match (path.is_empty(), key.is_empty()) {
        (true, _) => key,
        (_, true) => path.to_owned(),
        _ => format!("{path}.{key}"),
    }
}

/// The path below which the members of an object stand, or `None` for the value of a PATCH operation's own keys.
pub(super) fn path_in(object: &Map<String, Value>, path: &str, key: &str) -> String {
    match operation(object) {
        // RFC 7644 §3.7: in a bulk operation a whole resource or PATCH body stands below `data`.
        None if key.eq_ignore_ascii_case("data") && object.contains_key("method") => String::new(),
        Some(target) if key.eq_ignore_ascii_case("value") => path_of(target),
        Some(_) => "(operation)".to_owned(),
        None => join(path, key),
    }
}

/// The `path` of a PATCH operation, empty when it has none; `None` for any other object.
fn operation(object: &Map<String, Value>) -> Option<&str> {
    let text = |name: &str| object.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).and_then(|(_, v)| v.as_str());
    let op = text("op")?.to_ascii_lowercase();
    ["add", "replace", "remove"].contains(&op.as_str()).then(|| text("path").unwrap_or_default())
}

/// Visits every text of a body with its attribute path.
pub(super) fn walk(value: &Value, path: &str, visit: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::String(text) => visit(path, text),
        Value::Array(items) => items.iter().for_each(|v| walk(v, path, visit)),
        Value::Object(map) => {
            // The list of operations is no attribute.
            let path = if map.keys().any(|k| k.eq_ignore_ascii_case("operations")) { "(message)" } else { path };
            for (key, member) in map {
                let at = if key.eq_ignore_ascii_case("operations") { String::new() } else { path_in(map, path, key) };
                walk(member, &at, visit);
            }
        }
        _ => {}
    }
}

/// A title that the loader takes: one line, not endless.
pub(super) fn title(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let clean: String = line.chars().filter(|c| !c.is_control()).take(120).collect();
    clean.trim().to_owned()
}

/// Small letters, digits and `-`.
pub(super) fn kebab(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().take(60) {
        match c {
            c if c.is_ascii_alphanumeric() => out.push(c.to_ascii_lowercase()),
            _ if !out.is_empty() && !out.ends_with('-') => out.push('-'),
            _ => {}
        }
    }
    out.trim_end_matches('-').to_owned()
}

/// A name that can stand in `${…}`.
pub(super) fn name(text: &str) -> String {
    let clean: String = text
        .chars()
        .take(40)
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' })
        .collect();
    if clean.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') { clean } else { format!("v{clean}") }
}

/// Id and title of a step: what is asked, of whom.
pub(super) fn step(method: &str, target: &str, who: Option<&str>) -> (String, String) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    let first = segments.first().copied().unwrap_or("root");
    let things = kebab(first);
    let someone = who.unwrap_or("one");
    let filtered = query.contains("filter=");
    match (method, segments.as_slice()) {
        ("GET", [_]) if filtered => {
            (format!("look-up-{}", who.unwrap_or(&things)), format!("Look {} up", who.unwrap_or("somebody")))
        }
        ("GET", ["ServiceProviderConfig" | "ResourceTypes" | "Schemas", ..]) => {
            (format!("read-{things}"), format!("Read {path}"))
        }
        ("GET", [_]) => (format!("list-{things}"), format!("List {first}")),
        ("GET", [_, _, ..]) => {
            (format!("read-{someone}"), format!("Read {}", who.unwrap_or(&format!("one of {first}"))))
        }
        ("POST", ["Bulk"]) => ("bulk".to_owned(), "Send a bulk request".to_owned()),
        ("POST", [.., ".search"]) => ("search".to_owned(), "Search by POST".to_owned()),
        ("POST", [_]) => {
            (format!("create-{}", who.unwrap_or(&things)), format!("Create {}", who.unwrap_or("a resource")))
        }
        ("PUT", [_, ..]) => (format!("replace-{someone}"), format!("Replace {someone}")),
        ("PATCH", [_, ..]) => (format!("change-{someone}"), format!("Change {someone}")),
        ("DELETE", [_, ..]) => (format!("delete-{someone}"), format!("Delete {someone}")),
        _ => (kebab(&format!("{method} {first}")), format!("{method} {first}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn attributes_are_found_in_every_spelling() {
        let body = json!({ "Operations": [
            { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "a@b" },
            { "op": "add", "value": { "name.givenName": "Ann", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber": "7" } },
            { "op": "add", "path": "urn:ietf:params:scim:schemas:core:2.0:User:userName", "value": "ann" },
        ], "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"] });
        let mut found = Vec::new();
        walk(&body, "", &mut |path, text| found.extend(Attribute::at(path).map(|a| (a.key(), text.to_owned()))));
        let expected = [("email", "a@b"), ("givenName", "Ann"), ("employeeNumber", "7"), ("userName", "ann")];
        assert_eq!(found, expected.map(|(k, v)| (k, v.to_owned())));
        let user = json!({ "userName": "x", "name": { "familyName": "Y" }, "emails": [{ "value": "z", "type": "work" }],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "employeeNumber": "1" } });
        let mut found = Vec::new();
        walk(&user, "", &mut |path, _| found.extend(Attribute::at(path).map(Attribute::key)));
        assert_eq!(found, ["userName", "familyName", "email", "employeeNumber"]);
    }

    #[test]
    fn any_text_makes_a_name() {
        for text in ["", "Übung macht den Meister", "a  b", "../..", "-x"] {
            assert!(crate::scenario::template::is_name(&name(text)), "{text}");
        }
        assert_eq!(kebab("Required Test: Check Users/ID!"), "required-test-check-users-id");
    }
}
