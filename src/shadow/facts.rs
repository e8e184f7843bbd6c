//! What must be true of one resource, attribute by attribute, and which write made it so.
//!
//! Must not know requests: it compares a belief with what a server showed.

use crate::scim::path::AttrPath;
use crate::scim::schema::{AttrType, Attribute, Mutability, ResourceType, Returned};
use crate::scim::urn;
use crate::scim::value::{get_ci, is_unassigned, parse_datetime, value_ci};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashSet};

/// The write behind a fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cause {
    /// Step id.
    pub step: String,
    /// What kind of write.
    pub kind: Write,
    /// The form in which this attribute was written.
    pub form: Form,
}

/// Kinds of write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Write {
    /// POST.
    Create,
    /// PUT that named the attribute.
    Put,
    /// PUT that did not name the attribute.
    PutOmitted,
    /// PATCH operation on the attribute.
    Patch,
    /// PATCH that did not touch the attribute.
    PatchElsewhere,
    /// Write that the server refused.
    Refused,
}

/// How a PATCH wrote an attribute.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Form {
    /// `add`, `replace`, `remove` in lower case; empty outside PATCH.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub op: String,
    /// No path.
    #[serde(skip_serializing_if = "is_false")]
    pub pathless: bool,
    /// Path with a value filter.
    #[serde(skip_serializing_if = "is_false")]
    pub value_path: bool,
    /// Path or key with a schema URN.
    #[serde(skip_serializing_if = "is_false")]
    pub urn: bool,
    /// Path-less key with a dot.
    #[serde(skip_serializing_if = "is_false")]
    pub dotted: bool,
    /// `op` not in lower case.
    #[serde(skip_serializing_if = "is_false")]
    pub capital_op: bool,
    /// A boolean sent as text.
    #[serde(skip_serializing_if = "is_false")]
    pub text_boolean: bool,
    /// `remove` with a value.
    #[serde(skip_serializing_if = "is_false")]
    pub remove_with_value: bool,
    /// The name was spelled in another case than the schema's.
    #[serde(skip_serializing_if = "is_false")]
    pub odd_case: bool,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// How a read contradicts a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clash {
    /// Should be there and is not.
    Missing,
    /// Should be gone and is there.
    Remains,
    /// There, with another value.
    Different,
    /// Several elements: some that should be there are not.
    ElementsMissing,
    /// Several elements: some that should be gone are there.
    ElementsRemain,
    /// The same element twice.
    Duplicated,
}

/// One contradiction between belief and answer.
#[derive(Debug, Clone)]
pub struct Contradiction {
    /// Fact key, e.g. `name.givenName`, `members`, `urn:…:User:department`.
    pub key: String,
    /// Kind.
    pub clash: Clash,
    /// What must be there.
    pub expected: Value,
    /// What is there (`Null` when absent).
    pub actual: Value,
    /// What was believed before the write (`Null` when unknown).
    pub previous: Value,
    /// The write behind it.
    pub cause: Cause,
    /// Resource type name.
    pub resource_type: String,
    /// Resource id.
    pub id: String,
    /// What the answer to the write itself showed for this attribute, if it had a body.
    pub answered: Option<Value>,
    /// What answers showed of it before this one, the last read and the answer to the last write (`Null` when none did). What was
    /// believed before the write may only have been asked for.
    pub shown: [Value; 2],
    /// True when a read since that write has shown what must be there.
    pub was_shown: bool,
    /// True when the target may simply not know the attribute: no schema advertised and never seen on this resource.
    pub optional: bool,
}

/// Facts by key.
pub type Facts = BTreeMap<String, Fact>;

/// One fact.
#[derive(Debug, Clone)]
pub struct Fact {
    /// The write behind it.
    pub cause: Cause,
    /// The value before that write.
    pub previous: Value,
}

/// Splits a resource into fact keys and values: top-level attributes, sub-attributes of single complex ones, and the
/// attributes of each extension. Only attributes that a client may write and a server returns.
pub fn split(doc: &Value, rt: &ResourceType) -> BTreeMap<String, Value> {
    let mut out = BTreeMap::new();
    let Some(object) = doc.as_object() else { return out };
    // The common attributes are the server's to show, also where its schema describes them (RFC 7643 §3.1), and so are the
    // groups of a user, whatever its schema says of them (§4.1.2).
    let user = rt.schema.id.eq_ignore_ascii_case(urn::USER);
    let common = |name: &str| {
        ["id", "schemas", "meta"].iter().any(|c| c.eq_ignore_ascii_case(name))
            || (user && name.eq_ignore_ascii_case("groups"))
    };
    for (name, value) in object.iter().filter(|(name, _)| !common(name)) {
        let extension = rt.extensions.iter().find(|e| e.schema.id.eq_ignore_ascii_case(name));
        match (extension, value) {
            (Some(e), Value::Object(inner)) => {
                for (sub, v) in inner {
                    if let Some(a) = find(&e.schema.attributes, sub) {
                        put(&mut out, &format!("{}:{}", e.schema.id, a.name), a, v);
                    }
                }
            }
            (Some(_), _) => {}
            (None, v) => {
                if name.eq_ignore_ascii_case("externalId") {
                    out.insert("externalId".to_owned(), v.clone());
                } else if let Some(a) = find(&rt.schema.attributes, name) {
                    put(&mut out, &a.name, a, v);
                }
            }
        }
    }
    out
}

fn find<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attributes.iter().find(|a| a.name.eq_ignore_ascii_case(name))
}

fn put(out: &mut BTreeMap<String, Value>, key: &str, attribute: &Attribute, value: &Value) {
    if !checkable(attribute) {
        return;
    }
    match value {
        Value::Object(inner) if !attribute.multi_valued && attribute.kind == AttrType::Complex => {
            for (name, v) in inner {
                if let Some(sub) = find(&attribute.sub_attributes, name)
                    && checkable(sub)
                    && !derived(key, &sub.name)
                {
                    out.insert(format!("{key}.{}", sub.name), v.clone());
                }
            }
        }
        Value::Array(items) if attribute.kind == AttrType::Complex => {
            out.insert(key.to_owned(), items.iter().map(|i| declared(i, attribute)).collect());
        }
        _ => {
            out.insert(key.to_owned(), value.clone());
        }
    }
}

/// An element without the sub-attributes that the schema does not have, or that no client writes and reads: those a server
/// may drop.
fn declared(element: &Value, attribute: &Attribute) -> Value {
    let Value::Object(map) = element else { return element.clone() };
    let known = |name: &str| find(&attribute.sub_attributes, name).is_some_and(checkable);
    // `value` names the element, declared or not.
    let keep = |name: &str| name.eq_ignore_ascii_case("value") || attribute.sub_attributes.is_empty() || known(name);
    map.iter().filter(|(name, _)| keep(name)).map(|(name, v)| (name.clone(), v.clone())).collect()
}

/// Attributes that no identity provider can do without.
pub fn essential(key: &str) -> bool {
    ["userName", "active", "externalId", "members", "emails", "name.givenName", "name.familyName", "displayName"]
        .contains(&key)
}

/// Names of a person that a server may compute from others.
pub fn computed_name(key: &str) -> bool {
    ["displayName", "name.formatted"].contains(&key)
}

/// True for what a client may write and every full answer shows.
pub(super) fn checkable(a: &Attribute) -> bool {
    a.mutability != Mutability::ReadOnly
        && a.mutability != Mutability::WriteOnly
        && !matches!(a.returned, Returned::Never | Returned::Request)
}

/// Finds the attribute behind a fact key.
pub fn attribute<'a>(key: &str, rt: &'a ResourceType) -> Option<&'a Attribute> {
    let path = crate::scim::path::parse_path(key, rt).ok()?;
    let path = AttrPath { urn: path.attr.urn, attr: path.attr.attr, sub: path.sub.or(path.attr.sub) };
    let found = rt.attribute(&path)?;
    Some(found.sub.unwrap_or(found.attribute))
}

/// Compares what must be true (`expected`) with what is shown for one key.
pub fn clash(
    key: &str,
    expected: &Value,
    actual: &Value,
    attribute: Option<&Attribute>,
    strict_extra: bool,
) -> Option<Clash> {
    let want = !is_empty(expected);
    let have = !is_empty(actual);
    match (want, have) {
        (false, false) => None,
        (true, false) => {
            // An unset flag is false by effect, `active` is not: without it a user counts as active.
            let flag = expected == &Value::Bool(false) && !key.eq_ignore_ascii_case("active");
            if flag { None } else { Some(Clash::Missing) }
        }
        (false, true) => {
            if !strict_extra {
                None
            } else if actual.is_array() {
                Some(Clash::ElementsRemain)
            } else {
                Some(Clash::Remains)
            }
        }
        (true, true) => differ(key, expected, actual, attribute, strict_extra),
    }
}

fn differ(
    key: &str,
    expected: &Value,
    actual: &Value,
    attribute: Option<&Attribute>,
    strict_extra: bool,
) -> Option<Clash> {
    if let Value::Array(want) = expected {
        let Value::Array(have) = actual else { return Some(Clash::Different) };
        return elements(key, want, have, strict_extra);
    }
    if attribute.is_some_and(|a| a.multi_valued) && actual.is_array() {
        return elements(key, std::slice::from_ref(expected), actual.as_array()?, strict_extra);
    }
    (!same_scalar(key, expected, actual, attribute)).then_some(Clash::Different)
}

fn elements(key: &str, want: &[Value], have: &[Value], strict_extra: bool) -> Option<Clash> {
    if let Some(clash) = plain_members(key, want, have, strict_extra) {
        return clash;
    }
    let primary = |v: &Value| value_ci(v, "primary") == Some(&Value::Bool(true));
    let plain: Vec<Value>;
    let want = if want.iter().any(primary) {
        want
    } else {
        // Where the client named no primary value, the server may choose one.
        plain = want.iter().cloned().map(without_primary).collect();
        &plain
    };
    let missing = want.iter().any(|w| !have.iter().any(|h| same_element(key, w, h)));
    if missing {
        let altered = want.iter().all(|w| have.iter().any(|h| same_identity(key, w, h)));
        return Some(if altered { Clash::Different } else { Clash::ElementsMissing });
    }
    if strict_extra && have.iter().any(|h| !want.iter().any(|w| same_element(key, w, h) || same_identity(key, w, h))) {
        return Some(Clash::ElementsRemain);
    }
    for (i, a) in have.iter().enumerate() {
        let twice = have.iter().skip(i + 1).any(|b| a == b);
        let meant = want.iter().filter(|w| same_identity(key, w, a)).count() > 1;
        if twice && !meant && want.iter().any(|w| same_identity(key, w, a)) {
            return Some(Clash::Duplicated);
        }
    }
    None
}

/// Members are the same when their `value` is, so a group of thousands need not be compared each with each. `None`: some are
/// odd, or stand there twice, and have to be.
fn plain_members(key: &str, want: &[Value], have: &[Value], strict_extra: bool) -> Option<Option<Clash>> {
    if !key.eq_ignore_ascii_case("members") {
        return None;
    }
    let wanted: HashSet<&str> = want.iter().map(member_id).collect::<Option<_>>()?;
    let shown: HashSet<&str> = have.iter().map(member_id).collect::<Option<_>>()?;
    if shown.len() != have.len() {
        return None;
    }
    Some(if !wanted.is_subset(&shown) {
        Some(Clash::ElementsMissing)
    } else if strict_extra && !shown.is_subset(&wanted) {
        Some(Clash::ElementsRemain)
    } else {
        None
    })
}

fn member_id(member: &Value) -> Option<&str> {
    member.as_object()?.get("value")?.as_str().filter(|id| !id.is_empty())
}

fn without_primary(mut element: Value) -> Value {
    if let Some(map) = element.as_object_mut() {
        map.retain(|k, _| !k.eq_ignore_ascii_case("primary"));
    }
    element
}

/// The same element: every sub-attribute that the client wrote is there with that value.
fn same_element(key: &str, want: &Value, have: &Value) -> bool {
    match (want, have) {
        (Value::Object(w), Value::Object(h)) => w.iter().all(|(name, v)| {
            if is_empty(v) || derived(key, name) {
                return true;
            }
            if v == &Value::Bool(false) {
                // Not set means false by effect; true contradicts it.
                return get_ci(h, name) != Some(&Value::Bool(true));
            }
            get_ci(h, name).is_some_and(|x| v == x || same_scalar(&format!("{key}.{name}"), v, x, None))
        }),
        (w, Value::Object(h)) => get_ci(h, "value").is_some_and(|x| same_scalar(key, w, x, None)),
        (w, h) => same_scalar(key, w, h, None),
    }
}

/// Sub-attributes that the server may fill in or rewrite by itself.
fn derived(key: &str, name: &str) -> bool {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    is("$ref")
        || is("display")
        || (key.eq_ignore_ascii_case("members") && !is("value"))
        || (key.ends_with("manager") && !is("value"))
        || (key.eq_ignore_ascii_case("addresses") && is("formatted"))
}

/// The same thing, perhaps with other details: same `value` and `type`.
fn same_identity(key: &str, a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            let both = |name: &str| match (get_ci(x, name), get_ci(y, name)) {
                (Some(p), Some(q)) => Some(p == q || same_scalar(&format!("{key}.{name}"), p, q, None)),
                (None, None) => None,
                _ => Some(key.eq_ignore_ascii_case("members")),
            };
            match (both("value"), both("type")) {
                (Some(v), Some(t)) => v && (t || key.eq_ignore_ascii_case("members")),
                (Some(v), None) => v,
                (None, Some(t)) => t && key.eq_ignore_ascii_case("addresses"),
                (None, None) => x == y,
            }
        }
        _ => same_scalar(key, a, b, None),
    }
}

/// Equality of single values as a client must see it: text exactly, but for what RFC 7643 lets a server canonicalise
/// (e-mail addresses and phone numbers, §4.1.2) and for dateTime (any zone).
pub fn same_scalar(key: &str, a: &Value, b: &Value, attribute: Option<&Attribute>) -> bool {
    if a == b {
        return true;
    }
    let lower = key.to_ascii_lowercase();
    match (a, b) {
        (Value::String(x), Value::String(y)) => {
            if attribute.is_some_and(|t| t.kind == AttrType::DateTime) {
                return matches!((parse_datetime(x), parse_datetime(y)), (Some(p), Some(q)) if p == q);
            }
            if lower.starts_with("emails") || lower.ends_with(".type") {
                return x.eq_ignore_ascii_case(y);
            }
            if lower.starts_with("phonenumbers") {
                // The server may add the country's code (RFC 3966 wants global numbers), in place of a leading 0.
                let digits = |s: &str| s.chars().filter(char::is_ascii_digit).collect::<String>();
                let (written, shown) = (digits(x), digits(y));
                let local = written.trim_start_matches('0');
                return written == shown || (local.len() >= 6 && shown.ends_with(local));
            }
            if lower.ends_with("$ref") || attribute.is_some_and(|t| t.kind == AttrType::Reference) {
                return x.trim_end_matches('/').eq_ignore_ascii_case(y.trim_end_matches('/'))
                    || y.ends_with(x.as_str());
            }
            false
        }
        (Value::Object(x), Value::Object(y)) => x.iter().all(|(k, v)| {
            is_empty(v)
                || derived(key, k)
                || get_ci(y, k).is_some_and(|w| same_scalar(&format!("{key}.{k}"), v, w, None))
        }),
        (Value::Array(x), Value::Array(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(p, q)| same_scalar(key, p, q, None))
        }
        (Value::Number(x), Value::Number(y)) => x.as_f64() == y.as_f64(),
        // A boolean shown as text or number is another rule's finding (schema/boolean-as-text), not a lost value.
        (Value::Bool(x), Value::Number(y)) => y.as_u64() == Some(u64::from(*x)),
        (Value::Bool(x), Value::String(y)) | (Value::String(y), Value::Bool(x)) => {
            y.eq_ignore_ascii_case(if *x { "true" } else { "false" })
        }
        // So is a single object shown as its bare value, or a number shown for text.
        (Value::Object(x), other) => get_ci(x, "value").is_some_and(|v| same_scalar(key, v, other, None)),
        (Value::String(x), Value::Number(y)) => *x == y.to_string(),
        _ => false,
    }
}

/// Unassigned in effect: null, `[]`, `""`, or an object of nothing else.
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(s) => s.is_empty(),
        Value::Object(map) => map.values().all(is_empty),
        Value::Array(items) => items.iter().all(is_empty),
        other => is_unassigned(other),
    }
}

/// True for the envelope of a list (RFC 7644 §3.4.2), whatever it says it is.
pub fn is_list(answer: &Value) -> bool {
    answer
        .as_object()
        .is_some_and(|o| get_ci(o, "Resources").is_some_and(Value::is_array) && get_ci(o, "totalResults").is_some())
}

/// Looks a fact key up in a resource.
pub fn look_up(doc: &Value, key: &str, rt: &ResourceType) -> Value {
    let Some(object) = doc.as_object() else { return Value::Null };
    match in_extension(key, rt) {
        None => at(object, key),
        Some((urn, rest)) => match get_ci(object, urn) {
            Some(Value::Object(inner)) => at(inner, rest),
            _ => Value::Null,
        },
    }
}

/// The extension that a fact key lies in, and the name within it.
fn in_extension<'a>(key: &'a str, rt: &'a ResourceType) -> Option<(&'a str, &'a str)> {
    rt.extensions.iter().find_map(|e| {
        // A server's key may end in the middle of a character where the URN ends.
        let head = key.get(..e.schema.id.len())?;
        let mut rest = key[head.len()..].chars();
        rest.next()?;
        head.eq_ignore_ascii_case(&e.schema.id).then_some((e.schema.id.as_str(), rest.as_str()))
    })
}

fn at(object: &Map<String, Value>, path: &str) -> Value {
    match path.split_once('.') {
        None => get_ci(object, path).cloned().unwrap_or(Value::Null),
        Some((head, tail)) => match get_ci(object, head) {
            Some(Value::Object(inner)) => get_ci(inner, tail).cloned().unwrap_or(Value::Null),
            // A complex attribute shown as its bare value: judge its type elsewhere, its value here.
            Some(other) if tail == "value" => other.clone(),
            _ => Value::Null,
        },
    }
}

/// Writes a value at a fact key, making containers as needed.
pub fn store(doc: &mut Value, key: &str, value: Value, rt: &ResourceType) {
    if !doc.is_object() {
        *doc = Value::Object(Map::new());
    }
    let Some(mut object) = doc.as_object_mut() else { return };
    let mut rest = key;
    if let Some((urn, name)) = in_extension(key, rt) {
        rest = name;
        object = child(object, urn);
    }
    match rest.split_once('.') {
        Some((head, tail)) => set(child(object, head), tail, value),
        None => set(object, rest, value),
    }
}

fn child<'a>(object: &'a mut Map<String, Value>, name: &str) -> &'a mut Map<String, Value> {
    let key = object.keys().find(|k| k.eq_ignore_ascii_case(name)).cloned().unwrap_or_else(|| name.to_owned());
    let slot = object.entry(key).or_insert_with(|| Value::Object(Map::new()));
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    slot.as_object_mut().expect("just made an object")
}

fn set(object: &mut Map<String, Value>, name: &str, value: Value) {
    let key = object.keys().find(|k| k.eq_ignore_ascii_case(name)).cloned().unwrap_or_else(|| name.to_owned());
    if is_unassigned(&value) {
        object.shift_remove(&key);
    } else {
        object.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shadow::Advertised;
    use serde_json::json;

    #[test]
    fn plain_members_are_compared_as_all_elements_are() {
        let list =
            |ids: &str| ids.chars().map(|c| json!({ "value": c.to_string(), "display": "x" })).collect::<Vec<_>>();
        for (want, have) in
            [("", ""), ("ab", "ba"), ("ab", "abc"), ("abc", "ab"), ("ab", "cd"), ("aab", "ab"), ("", "a")]
        {
            for strict in [false, true] {
                let fast = plain_members("members", &list(want), &list(have), strict).unwrap();
                // Another name, by which the same elements are compared each with each.
                let slow = elements("others", &list(want), &list(have), strict);
                assert_eq!(fast, slow, "{want} {have} {strict}");
            }
        }
        assert_eq!(plain_members("members", &list("a"), &list("aa"), true), None);
        assert_eq!(elements("members", &list("a"), &list("aa"), true), Some(Clash::Duplicated));
        assert_eq!(plain_members("members", &[json!("a")], &list("a"), true), None);
    }

    #[test]
    fn keys_that_end_within_a_character_of_the_urn_name_nothing() {
        let target = Advertised::unknown("https://example.com/scim");
        let rt = target.resource_type("/Users").unwrap();
        let urn = &rt.extensions[0].schema.id;
        let odd = [format!("{}é", &urn[..urn.len() - 1]), format!("{urn}é"), format!("{urn}éx"), urn.clone()];
        let mut doc = json!({ (urn): { "department": "Sales" } });
        for key in &odd {
            look_up(&doc, key, rt);
            store(&mut doc, key, json!("x"), rt);
        }
        assert_eq!(look_up(&doc, &format!("{}:department", urn.to_uppercase()), rt), json!("Sales"));
    }
}
