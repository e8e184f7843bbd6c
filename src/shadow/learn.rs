//! From an accepted write to what is believed: the client's forms made one, which attributes it touched, and how a later read
//! settles them.
//!
//! Must not judge an answer.

use super::facts::{self, Cause, Fact, Form, Write};
use super::forecast::{op_path, operations};
use super::{Call, Known, Observed, Op};
use crate::scim::schema::ResourceType;
use crate::scim::value::{get_ci, is_unassigned};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Everything believed about a resource is open again; the next read tells.
pub(super) fn forget(known: &mut Known) {
    known.facts = Arc::default();
    known.refused = None;
    known.last_full = None;
    known.dirty = false;
}

/// Client forms that mean the same: text booleans, a bare manager, parts that no schema knows.
pub(super) fn normalise(doc: &mut Value, rt: &ResourceType) {
    let Some(object) = doc.as_object_mut() else { return };
    for attribute in &rt.schema.attributes {
        let Some(key) = object.keys().find(|k| k.eq_ignore_ascii_case(&attribute.name)).cloned() else { continue };
        let Some(value) = object.get_mut(&key) else { continue };
        coerce(value, attribute);
    }
    for extension in &rt.extensions {
        let Some(key) = object.keys().find(|k| k.eq_ignore_ascii_case(&extension.schema.id)).cloned() else { continue };
        let Some(inner) = object.get_mut(&key).and_then(Value::as_object_mut) else { continue };
        for attribute in &extension.schema.attributes {
            let Some(name) = inner.keys().find(|k| k.eq_ignore_ascii_case(&attribute.name)).cloned() else { continue };
            if let Some(value) = inner.get_mut(&name) {
                coerce(value, attribute);
            }
        }
    }
}

fn coerce(value: &mut Value, attribute: &crate::scim::schema::Attribute) {
    use crate::scim::schema::AttrType;
    match (attribute.kind, &mut *value) {
        (AttrType::Boolean, Value::String(s)) if s.eq_ignore_ascii_case("true") => *value = Value::Bool(true),
        (AttrType::Boolean, Value::String(s)) if s.eq_ignore_ascii_case("false") => *value = Value::Bool(false),
        (AttrType::Complex, Value::String(s))
            if !attribute.multi_valued && attribute.sub_attributes.iter().any(|a| a.name == "value") =>
        {
            *value = if s.is_empty() { Value::Null } else { serde_json::json!({ "value": s }) };
        }
        (AttrType::Complex, Value::Array(items)) if attribute.multi_valued => {
            for item in items.iter_mut().filter_map(Value::as_object_mut) {
                // What is not declared may be passed over (RFC 7644 §3.3), here as among the attributes themselves.
                item.retain(|name, _| attribute.sub_attributes.is_empty() || attribute.sub(name).is_some());
                for sub in &attribute.sub_attributes {
                    if let Some(v) =
                        item.keys().find(|k| k.eq_ignore_ascii_case(&sub.name)).cloned().and_then(|k| item.get_mut(&k))
                    {
                        coerce(v, sub);
                    }
                }
            }
        }
        (AttrType::Complex, Value::Object(_)) if attribute.multi_valued => {
            let one = value.take();
            *value = Value::Array(vec![one]);
        }
        _ => {}
    }
}

/// Values that only the server can know: id, meta, schemas and whatever the client did not write.
pub(super) fn copy_server_values(doc: &mut Value, answer: &Value) {
    let (Some(doc), Some(answer)) = (doc.as_object_mut(), answer.as_object()) else { return };
    doc.retain(|k, _| !k.eq_ignore_ascii_case("groups"));
    for (name, value) in answer {
        let server_made = ["id", "meta", "schemas"].iter().any(|n| n.eq_ignore_ascii_case(name));
        let known = doc.keys().find(|k| k.eq_ignore_ascii_case(name)).cloned();
        match known {
            Some(key) if server_made => {
                doc.insert(key, value.clone());
            }
            Some(_) => {}
            None => {
                doc.insert(name.clone(), value.clone());
            }
        }
    }
}

/// True when the body spells the attribute (or its parent) in another case than the schema.
pub(super) fn odd_case(call: &Call, key: &str) -> bool {
    let head = key.split('.').next().unwrap_or(key);
    let Some(body) = call.body.as_ref().and_then(Value::as_object) else { return false };
    !key.contains(':') && body.get(head).is_none() && get_ci(body, head).is_some()
}

/// After a read the server's word counts: what it contradicted is asserted no more, so one lie is reported once.
pub(super) fn adopt(known: &mut Known, answer: Arc<Value>, out: &Observed, rt: &ResourceType) {
    if !out.contradictions.is_empty() {
        let facts = Arc::make_mut(&mut known.facts);
        for contradiction in &out.contradictions {
            facts.remove(&contradiction.key);
        }
    }
    let unseen = not_returned(&known.doc, rt);
    let believed = std::mem::replace(&mut known.doc, answer);
    for (key, value) in unseen {
        facts::store(Arc::make_mut(&mut known.doc), &key, value, rt);
    }
    let hidden = |key: &String| is_unassigned(&facts::look_up(&known.doc, key, rt));
    let unshown: Vec<String> = known.facts.keys().filter(|k| hidden(k)).cloned().collect();
    for key in unshown {
        let value = facts::look_up(&believed, &key, rt);
        if value == Value::Bool(false) || facts::is_empty(&value) {
            facts::store(Arc::make_mut(&mut known.doc), &key, value, rt);
        } else {
            // What the read does not show is not there for lists either.
            Arc::make_mut(&mut known.facts).remove(&key);
        }
    }
}

/// What a full answer does not show, because the target's schema returns it on request only: what was written stays believed.
fn not_returned(doc: &Value, rt: &ResourceType) -> Vec<(String, Value)> {
    let hidden = rt.schema.attributes.iter().filter(|a| a.returned == crate::scim::schema::Returned::Request);
    hidden.map(|a| (a.name.clone(), facts::look_up(doc, &a.name, rt))).filter(|(_, v)| !facts::is_empty(v)).collect()
}

pub(super) fn put_facts(known: &mut Known, after: &Value, call: &Call, step: &str, rt: &ResourceType) {
    let named = facts::split(after, rt);
    let before = known.doc.clone();
    let mut next = after.clone();
    copy_server_values(&mut next, &known.doc);
    let facts = Arc::make_mut(&mut known.facts);
    for (key, fact) in facts.iter_mut() {
        if !named.contains_key(key) {
            // RFC 7644 §3.5.1 lets a server clear or keep what a PUT leaves out.
            fact.cause = Cause { step: step.to_owned(), kind: Write::PutOmitted, form: Form::default() };
        }
    }
    facts.retain(|key, _| named.contains_key(key) || key == "active");
    for (key, value) in &named {
        let form = Form { odd_case: odd_case(call, key), ..Form::default() };
        let cause = Cause { step: step.to_owned(), kind: Write::Put, form };
        let previous = facts::look_up(&before, key, rt);
        if facts::is_empty(value) && facts::is_empty(&previous) {
            continue;
        }
        facts.insert(key.clone(), Fact { cause, previous });
    }
    if !named.contains_key("active") {
        let previous = facts::look_up(&before, "active", rt);
        facts::store(&mut next, "active", previous, rt);
    }
    known.doc = Arc::new(next);
}

pub(super) fn patch_facts(
    known: &mut Known,
    after: Value,
    body: Option<&Map<String, Value>>,
    step: &str,
    rt: &ResourceType,
) {
    let before = facts::split(&known.doc, rt);
    let now = facts::split(&after, rt);
    let forms = body.map(|b| forms(b, rt)).unwrap_or_default();
    let facts = Arc::make_mut(&mut known.facts);
    // Two operations that undo each other leave nothing, and are answerable for it all the same.
    let undone = facts.keys().filter(|key| forms.iter().any(|(named, _)| key_within(key, named)));
    let mut keys: Vec<String> = before.keys().chain(now.keys()).chain(undone).cloned().collect();
    keys.sort();
    keys.dedup();
    // What an earlier round of the same step took away is not what this write changes.
    for (_, fact) in facts.iter_mut().filter(|(k, _)| !keys.contains(k)) {
        fact.previous = Value::Null;
    }
    for key in keys {
        let old = before.get(&key).cloned().unwrap_or(Value::Null);
        let new = now.get(&key).cloned().unwrap_or(Value::Null);
        let form = forms.iter().rev().find(|(k, _)| key_within(&key, k)).map(|(_, f)| f.clone());
        match (form, old == new, facts.contains_key(&key)) {
            (Some(form), _, _) => {
                let cause = Cause { step: step.to_owned(), kind: Write::Patch, form };
                facts.insert(key, Fact { cause, previous: old });
            }
            (None, false, _) => {
                let cause = Cause { step: step.to_owned(), kind: Write::Patch, form: Form::default() };
                facts.insert(key, Fact { cause, previous: old });
            }
            (None, true, true) if facts::computed_name(&key) && forms.iter().any(|(k, _)| feeds_names(k)) => {
                facts.remove(&key);
            }
            // Nobody has read the resource since that fact was written: its own write is answerable for it still.
            (None, true, true) if known.dirty => {}
            (None, true, true) => {
                let cause = Cause { step: step.to_owned(), kind: Write::PatchElsewhere, form: Form::default() };
                facts.insert(key, Fact { cause, previous: old });
            }
            (None, true, false) => {}
        }
    }
    known.doc = Arc::new(after);
}

fn feeds_names(key: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    lower.starts_with("name") || lower == "username"
}

/// True when a fact key lies at or below (or above) what an operation addresses.
pub(super) fn key_within(key: &str, addressed: &str) -> bool {
    let (k, a) = (key.to_ascii_lowercase(), addressed.to_ascii_lowercase());
    k == a || k.starts_with(&format!("{a}.")) || k.starts_with(&format!("{a}:")) || a.starts_with(&format!("{k}."))
}

/// Which keys the operations of a PATCH address, and in which form.
fn forms(patch: &Map<String, Value>, rt: &ResourceType) -> Vec<(String, Form)> {
    let mut out = Vec::new();
    for operation in operations(patch) {
        let op = get_ci(operation, "op").and_then(Value::as_str).unwrap_or_default();
        let value = get_ci(operation, "value");
        let text_boolean = value.is_some_and(text_boolean);
        let base = Form {
            op: op.to_ascii_lowercase(),
            capital_op: op.chars().any(|c| c.is_ascii_uppercase()),
            text_boolean,
            remove_with_value: op.eq_ignore_ascii_case("remove") && value.is_some_and(|v| !v.is_null()),
            ..Form::default()
        };
        match op_path(operation) {
            Some(path) => {
                let form = Form { value_path: path.contains('['), urn: path.contains("urn:"), ..base };
                out.extend(addressed(key_of(path, rt), value, form, rt));
            }
            None => {
                for (name, inner) in value.and_then(Value::as_object).into_iter().flatten() {
                    let whole = rt.extensions.iter().find(|e| e.schema.id.eq_ignore_ascii_case(name));
                    let form = Form {
                        pathless: true,
                        dotted: whole.is_none() && name.contains('.') && !name.contains("urn:"),
                        urn: name.contains("urn:"),
                        ..base.clone()
                    };
                    match (whole, inner.as_object()) {
                        (Some(e), Some(attributes)) => {
                            out.extend(attributes.keys().map(|k| (format!("{}:{k}", e.schema.id), form.clone())))
                        }
                        _ => out.extend(addressed(key_of(name, rt), Some(inner), form, rt)),
                    }
                }
            }
        }
    }
    out
}

/// An attribute; of a single complex one the sub-attributes that the value names (RFC 7644 §3.5.2.3: no others are changed).
fn addressed(key: String, value: Option<&Value>, form: Form, rt: &ResourceType) -> Vec<(String, Form)> {
    let single =
        facts::attribute(&key, rt).is_some_and(|a| !a.multi_valued && a.kind == crate::scim::schema::AttrType::Complex);
    match value.and_then(Value::as_object).filter(|_| single) {
        Some(named) => named.keys().map(|sub| (format!("{key}.{sub}"), form.clone())).collect(),
        None => vec![(key, form)],
    }
}

fn text_boolean(value: &Value) -> bool {
    match value {
        Value::String(s) => s.eq_ignore_ascii_case("true") || s.eq_ignore_ascii_case("false"),
        Value::Object(o) => o.values().any(text_boolean),
        _ => false,
    }
}

/// Fact key of a PATCH path: filters and core URN away, extension URN kept.
fn key_of(path: &str, rt: &ResourceType) -> String {
    let Ok(parsed) = crate::scim::path::parse_path(path, rt) else { return path.to_owned() };
    let core = parsed.attr.urn.as_deref().is_none_or(|u| u.eq_ignore_ascii_case(&rt.schema.id));
    // In the schema's spelling, so that one attribute has one key.
    let name = facts::attribute(&parsed.attr.attr, rt).map_or_else(|| parsed.attr.attr.clone(), |a| a.name.clone());
    let sub = parsed.sub.clone().or(parsed.attr.sub.clone());
    let single =
        sub.filter(|_| parsed.filter.is_none() && !facts::attribute(&name, rt).is_some_and(|a| a.multi_valued));
    let tail = single.map(|s| format!(".{s}")).unwrap_or_default();
    match (&parsed.attr.urn, core) {
        (Some(urn), false) if name.is_empty() => urn.clone(),
        (Some(urn), false) => format!("{urn}:{name}{tail}"),
        _ => format!("{name}{tail}"),
    }
}

/// Fact keys that a write wants to change.
pub(super) fn touched(call: &Call, rt: &ResourceType) -> Vec<String> {
    let Some(body) = call.body.as_ref().and_then(Value::as_object) else { return Vec::new() };
    let keys: Vec<String> = if call.op == Op::Patch {
        forms(body, rt).into_iter().map(|(k, _)| k).collect()
    } else {
        facts::split(&Value::Object(body.clone()), rt).into_keys().collect()
    };
    keys.into_iter()
        .filter(|k| {
            facts::attribute(k, rt).is_some_and(|a| {
                facts::checkable(a) && (a.kind != crate::scim::schema::AttrType::Complex || a.multi_valued)
            })
        })
        .filter(|k| !k.to_ascii_lowercase().starts_with("password") && !k.to_ascii_lowercase().starts_with("groups"))
        .collect()
}
