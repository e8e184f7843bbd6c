//! The plainer form of a PATCH: the same change without what is special about how it is written.
//!
//! Must not send and must not judge. Of rules it knows those ids that name a form.

use crate::scim::schema::{Attribute, ResourceType};
use crate::scim::value::get_ci;
use crate::shadow::forecast::{op_path, operations};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

type Operation = Map<String, Value>;

/// What an operation is without its form; nothing where it has none that can be left out.
type Plainer = fn(&Operation, &ResourceType) -> Option<Vec<Operation>>;

/// What each rule blames, and how to do without.
const FORMS: &[(&str, Plainer)] = &[
    ("patch/attribute-case-refused", spelled),
    ("patch/own-id-refused", without_id),
    ("patch/null-value-refused", without_null),
    ("patch/urn-path-refused", without_urn),
    ("patch/text-boolean-refused", with_booleans),
    ("patch/dotted-key-refused", with_paths),
    ("patch/pathless-refused", with_paths),
    ("patch/op-case-refused", in_small_letters),
];

/// What a DELETE is refused for that names the type of content which it does not have.
const OF_DELETE: [&str; 2] = ["delete/refused", "headers/media-type-refused"];

/// True for a rule that blames a form which can be left out.
pub(super) fn blames_form(rule: &str) -> bool {
    OF_DELETE.contains(&rule) || FORMS.iter().any(|(id, _)| *id == rule)
}

/// The body of a PATCH without the form that the rule blames; nothing where that changes nothing.
pub(super) fn without(rule: &str, body: &Value, rt: &ResourceType) -> Option<Value> {
    let (_, plainer) = FORMS.iter().find(|(id, _)| *id == rule)?;
    let mut body = body.as_object()?.clone();
    let before: Vec<Operation> = operations(&body).cloned().collect();
    let after: Vec<Operation> = before.iter().flat_map(|o| plainer(o, rt).unwrap_or_else(|| vec![o.clone()])).collect();
    if after.is_empty() || after == before {
        return None;
    }
    let key = body.keys().find(|k| k.eq_ignore_ascii_case("Operations"))?.clone();
    body.insert(key, after.into_iter().map(Value::Object).collect());
    Some(Value::Object(body))
}

/// The operation with another value under that name, whatever its case.
fn with(operation: &Operation, name: &str, value: Value) -> Operation {
    let mut out = operation.clone();
    let key = out.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned();
    out.insert(key.unwrap_or_else(|| name.to_owned()), value);
    out
}

/// The object of an operation without path.
fn pathless(operation: &Operation) -> Option<&Operation> {
    op_path(operation).is_none().then(|| get_ci(operation, "value")?.as_object())?
}

/// All declared names, by their small letters.
fn names(rt: &ResourceType) -> HashMap<String, String> {
    let mut names = HashMap::new();
    let mut add = |a: &Attribute| _ = names.insert(a.name.to_ascii_lowercase(), a.name.clone());
    let extensions = rt.extensions.iter().flat_map(|e| &e.schema.attributes);
    // What has a name of its own goes before a part that is called alike.
    let all: Vec<&Attribute> = rt.schema.attributes.iter().chain(extensions).collect();
    all.iter().flat_map(|a| &a.sub_attributes).for_each(&mut add);
    all.iter().for_each(|a| add(a));
    names
}

/// Names as the schema spells them.
fn spelled(operation: &Operation, rt: &ResourceType) -> Option<Vec<Operation>> {
    let names = names(rt);
    match op_path(operation) {
        Some(path) => Some(vec![with(operation, "path", spell(path, &names).into())]),
        None => {
            let value = pathless(operation)?.iter().map(|(key, v)| (spell(key, &names), v.clone())).collect();
            Some(vec![with(operation, "value", Value::Object(value))])
        }
    }
}

/// A body with its names as the schema spells them.
pub(super) fn declared_spelling(body: &Map<String, Value>, rt: &ResourceType) -> Map<String, Value> {
    fn spelled(value: &Value, names: &HashMap<String, String>) -> Value {
        match value {
            Value::Object(map) => {
                map.iter().map(|(key, v)| (spell(key, names), spelled(v, names))).collect::<Map<_, _>>().into()
            }
            Value::Array(all) => all.iter().map(|v| spelled(v, names)).collect(),
            other => other.clone(),
        }
    }
    let mut names = names(rt);
    names.insert("schemas".to_owned(), "schemas".to_owned());
    match spelled(&Value::Object(body.clone()), &names) {
        Value::Object(map) => map,
        _ => body.clone(),
    }
}

/// A path with its names as they are declared; quoted values and the URN stay.
fn spell(path: &str, names: &HashMap<String, String>) -> String {
    let start = path.find(['[', '"']).map_or(path, |end| &path[..end]).rfind(':').map_or(0, |colon| colon + 1);
    let (mut out, mut word, mut quoted) = (path[..start].to_owned(), String::new(), false);
    let end_word = |word: &mut String, out: &mut String| {
        out.push_str(names.get(&word.to_ascii_lowercase()).unwrap_or(word));
        word.clear();
    };
    for c in path[start..].chars() {
        if !quoted && (c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$')) {
            word.push(c);
            continue;
        }
        end_word(&mut word, &mut out);
        quoted ^= c == '"';
        out.push(c);
    }
    end_word(&mut word, &mut out);
    out
}

fn without_id(operation: &Operation, _: &ResourceType) -> Option<Vec<Operation>> {
    let mut value = pathless(operation)?.clone();
    value.retain(|key, _| !key.eq_ignore_ascii_case("id"));
    // Nothing but the id: there is no change to ask for.
    (!value.is_empty()).then(|| vec![with(operation, "value", Value::Object(value))])
}

/// `null` leaves an attribute unassigned (RFC 7643 §2.5), as `remove` does.
fn without_null(operation: &Operation, _: &ResourceType) -> Option<Vec<Operation>> {
    let remove =
        |path: &str| Operation::from_iter([("op".to_owned(), "remove".into()), ("path".to_owned(), path.into())]);
    if let Some(path) = op_path(operation) {
        return get_ci(operation, "value")?.is_null().then(|| vec![remove(path)]);
    }
    let (nulls, rest): (Operation, Operation) =
        pathless(operation)?.clone().into_iter().partition(|(_, value)| value.is_null());
    let rest = (!rest.is_empty()).then(|| with(operation, "value", Value::Object(rest)));
    Some(rest.into_iter().chain(nulls.keys().map(|key| remove(key))).collect())
}

/// Attributes of the core without their URN; those of an extension have no other name.
fn without_urn(operation: &Operation, rt: &ResourceType) -> Option<Vec<Operation>> {
    let short = |name: &str| {
        let urn = rt.schema.id.as_str();
        let own = name.get(..urn.len()).is_some_and(|start| start.eq_ignore_ascii_case(urn));
        name.get(urn.len()..).filter(|_| own)?.strip_prefix(':').map(str::to_owned)
    };
    if let Some(path) = op_path(operation) {
        return Some(vec![with(operation, "path", short(path)?.into())]);
    }
    let value = pathless(operation)?.iter().map(|(key, v)| (short(key).unwrap_or_else(|| key.clone()), v.clone()));
    Some(vec![with(operation, "value", Value::Object(value.collect()))])
}

fn with_booleans(operation: &Operation, _: &ResourceType) -> Option<Vec<Operation>> {
    fn boolean(value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Ok(truth) = text.to_ascii_lowercase().parse::<bool>() {
                    *value = truth.into();
                }
            }
            Value::Array(all) => all.iter_mut().for_each(boolean),
            Value::Object(map) => map.values_mut().for_each(boolean),
            _ => {}
        }
    }
    let mut value = get_ci(operation, "value")?.clone();
    boolean(&mut value);
    Some(vec![with(operation, "value", value)])
}

/// One operation with a path for each attribute.
fn with_paths(operation: &Operation, rt: &ResourceType) -> Option<Vec<Operation>> {
    let one = |path: String, value: &Value| with(&with(operation, "path", path.into()), "value", value.clone());
    let mut out = Vec::new();
    // The id is what the path of the request says, and no change.
    for (key, value) in pathless(operation)?.iter().filter(|(key, _)| !key.eq_ignore_ascii_case("id")) {
        match (rt.extension(key), value) {
            (Some(_), Value::Object(own)) => out.extend(own.iter().map(|(name, v)| one(format!("{key}:{name}"), v))),
            _ => out.push(one(key.clone(), value)),
        }
    }
    Some(out)
}

fn in_small_letters(operation: &Operation, _: &ResourceType) -> Option<Vec<Operation>> {
    let op = get_ci(operation, "op")?.as_str()?.to_ascii_lowercase();
    Some(vec![with(operation, "op", json!(op))])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plainer(rule: &str, operation: Value) -> Option<Value> {
        let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]});
        Some(without(rule, &body, &ResourceType::user())?["Operations"].clone())
    }

    #[test]
    fn each_form_is_left_out_alone() {
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let core = "urn:ietf:params:scim:schemas:core:2.0:User";
        let table = [
            (
                "patch/attribute-case-refused",
                json!({"op": "Replace", "path": "EMAILS[TYPE eq \"WORK\"].VALUE", "value": "a@example.com"}),
                json!([{"op": "Replace", "path": "emails[type eq \"WORK\"].value", "value": "a@example.com"}]),
            ),
            (
                "patch/attribute-case-refused",
                json!({"op": "replace", "path": format!("{enterprise}:DEPARTMENT"), "value": "Sales"}),
                json!([{"op": "replace", "path": format!("{enterprise}:department"), "value": "Sales"}]),
            ),
            (
                "patch/attribute-case-refused",
                json!({"op": "replace", "value": {"DISPLAYNAME": "A", "Name.FamilyName": "B"}}),
                json!([{"op": "replace", "value": {"displayName": "A", "name.familyName": "B"}}]),
            ),
            (
                "patch/urn-path-refused",
                json!({"op": "replace", "path": format!("{core}:userName"), "value": "a"}),
                json!([{"op": "replace", "path": "userName", "value": "a"}]),
            ),
            (
                "patch/pathless-refused",
                json!({"op": "add", "value": {"active": false, enterprise: {"department": "Sales"}}}),
                json!([
                    {"op": "add", "path": "active", "value": false},
                    {"op": "add", "path": format!("{enterprise}:department"), "value": "Sales"},
                ]),
            ),
            (
                "patch/null-value-refused",
                json!({"op": "replace", "value": {"title": null, "nickName": "a"}}),
                json!([{"op": "replace", "value": {"nickName": "a"}}, {"op": "remove", "path": "title"}]),
            ),
            (
                "patch/text-boolean-refused",
                json!({"op": "replace", "path": "active", "value": "False"}),
                json!([{"op": "replace", "path": "active", "value": false}]),
            ),
            (
                "patch/op-case-refused",
                json!({"op": "Add", "path": "title", "value": "True"}),
                json!([{"op": "add", "path": "title", "value": "True"}]),
            ),
            (
                "patch/own-id-refused",
                json!({"op": "replace", "value": {"id": "7", "displayName": "a"}}),
                json!([{"op": "replace", "value": {"displayName": "a"}}]),
            ),
        ];
        for (rule, special, plain) in table {
            assert_eq!(plainer(rule, special.clone()), Some(plain.clone()), "{rule}");
            assert_eq!(plainer(rule, plain[0].clone()), None, "{rule}: {plain}");
        }
    }

    #[test]
    fn what_has_no_plainer_form_is_not_asked() {
        let department = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
        assert_eq!(plainer("patch/urn-path-refused", json!({"op": "add", "path": department, "value": "Sales"})), None);
        assert_eq!(plainer("patch/own-id-refused", json!({"op": "replace", "value": {"id": "7"}})), None);
        assert_eq!(
            plainer("patch/value-path-refused", json!({"op": "remove", "path": "emails[type eq \"work\"]"})),
            None
        );
    }
}
