//! A belief held against what a server showed: contradictions, confirmations, and written values in the wrong place.
//!
//! Must not change what is believed.

use super::facts::{self, Cause, Contradiction, Write};
use super::learn::key_within;
use super::{Known, Observed, Place, Shadow, Stray, text_of};
use crate::scim::schema::ResourceType;
use crate::scim::value::{is_unassigned, value_ci};
use serde_json::Value;

pub(super) fn compare(
    known: &Known,
    shown: &Value,
    rt: &ResourceType,
    shadow: &Shadow,
    strict_extra: bool,
    out: &mut Observed,
) {
    let answered_write = out.place == Place::WriteAnswer;
    for (key, fact) in &*known.facts {
        let mut expected = facts::look_up(&known.doc, key, rt);
        let mut actual = facts::look_up(shown, key, rt);
        if known.refused.is_some() {
            // What a refused request must not have changed is what the server itself showed last.
            match known.last_full.as_ref().filter(|_| !known.dirty) {
                Some(full) => expected = facts::look_up(full, key, rt),
                None => continue,
            }
        }
        // One object where a list is due is the shape's fault, not the value's.
        if actual.is_object() && expected.is_array() {
            actual = Value::Array(vec![actual]);
        }
        if key == "members" {
            drop_members(&mut expected, shadow);
            drop_members(&mut actual, shadow);
        }
        // The answer to a create SHOULD be complete (RFC 7644 §3.3); only what it shows is held against the request.
        let silent = is_unassigned(&actual) && answered_write;
        let cause = known.refused.clone().unwrap_or_else(|| fact.cause.clone());
        let strict = strict_extra && cause.kind != Write::Create && cause.kind != Write::PutOmitted;
        let attribute = facts::attribute(key, rt);
        let Some(clash) = facts::clash(key, &expected, &actual, attribute, strict) else {
            if !facts::is_empty(&expected) || strict {
                out.confirmed.push((key.clone(), cause));
            }
            continue;
        };
        if silent && clash == facts::Clash::Missing && known_create(&cause) {
            continue;
        }
        // A PUT that left `active` out may have cleared it: only who wrote `false` may ask for it.
        let said = matches!(cause.kind, Write::Create | Write::Put | Write::Patch);
        if expected == Value::Bool(false) && clash == facts::Clash::Missing && !said {
            continue;
        }
        // RFC 7644 §3.5.1: what a PUT leaves out may be cleared.
        if cause.kind == Write::PutOmitted && clash == facts::Clash::Missing {
            continue;
        }
        let shows =
            |full: &Value| facts::clash(key, &expected, &facts::look_up(full, key, rt), attribute, strict).is_none();
        let was_shown = !known.dirty && known.last_full.as_deref().is_some_and(shows);
        out.contradictions.push(Contradiction {
            key: key.clone(),
            clash,
            expected,
            actual,
            previous: fact.previous.clone(),
            cause,
            resource_type: known.type_name.clone(),
            id: known.id.clone(),
            answered: (!answered_write)
                .then(|| known.last_answer.as_ref().map(|a| facts::look_up(a, key, rt)))
                .flatten(),
            shown: [&known.last_full, &known.last_answer]
                .map(|doc| doc.as_ref().map_or(Value::Null, |doc| facts::look_up(doc, key, rt))),
            was_shown,
            optional: !shadow.target.schemas_known && !facts::essential(key) && facts::is_empty(&fact.previous),
        });
    }
}

/// Takes members out that a server may keep or drop by itself: deleted and inactive users (the RFC is silent).
fn drop_members(members: &mut Value, shadow: &Shadow) {
    if let Some(list) = members.as_array_mut() {
        list.retain(|m| !value_ci(m, "value").and_then(text_of).is_some_and(|id| shadow.known.is_loose(&id)));
    }
}

fn known_create(cause: &Cause) -> bool {
    cause.kind == Write::Create
}

/// Values that the last PATCH wrote and that now stand where they do not belong: a literal key such as `name.givenName`, or
/// the value inside another attribute.
pub(super) fn strays(known: &Known, shown: &Value, rt: &ResourceType) -> Vec<Stray> {
    let Some(before) = known.last_full.as_deref().filter(|before| *before != shown) else { return Vec::new() };
    let (mut old, mut new, mut believed) = (Vec::new(), Vec::new(), Vec::new());
    leaves("", before, &mut old);
    leaves("", shown, &mut new);
    leaves("", &known.doc, &mut believed);
    let written: Vec<&Value> = known
        .facts
        .iter()
        .filter(|(_, f)| f.cause.kind == Write::Patch && f.cause.step == known.last_write)
        .flat_map(|(k, _)| {
            believed
                .iter()
                .filter(move |(p, _)| key_within(&p.trim_start_matches('/').replace('/', "."), k))
                .map(|(_, v)| v)
        })
        .collect();
    new.iter()
        .filter(|(path, value)| {
            !old.iter().any(|(p, v)| p == path && v == value)
                && !believed.iter().any(|(p, v)| p.eq_ignore_ascii_case(path) && v == value)
        })
        .filter(|(path, value)| {
            let literal = path
                .split('/')
                .any(|s| (s.contains('.') && !s.starts_with("urn:")) || s.contains('[') || rt.is_qualified_name(s));
            let elsewhere =
                path.matches('/').count() >= 2 && value.is_string() && written.contains(&value) && !declared(path, rt);
            literal || elsewhere
        })
        .map(|(path, value)| Stray { at: path.clone(), value: value.clone(), step: known.last_write.clone() })
        .collect()
}

fn declared(path: &str, rt: &ResourceType) -> bool {
    let names: Vec<&str> = path.split('/').filter(|s| !s.is_empty() && s.parse::<usize>().is_err()).collect();
    match names.as_slice() {
        [head, sub] => {
            // What RFC 7643 itself has in such a place is no stray, declared or not: it may be made of what was written.
            let builtin = || crate::scim::schema::builtin_schema(&rt.schema.id)?.attribute(head)?.sub(sub).map(drop);
            facts::attribute(&format!("{head}.{sub}"), rt).is_some()
                || builtin().is_some()
                || ["meta", "groups", "members"].iter().any(|m| m.eq_ignore_ascii_case(head))
        }
        _ => true,
    }
}

fn leaves(path: &str, value: &Value, out: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(k, v)| leaves(&format!("{path}/{k}"), v, out)),
        Value::Array(list) => list.iter().enumerate().for_each(|(i, v)| leaves(&format!("{path}/{i}"), v, out)),
        leaf => out.push((path.to_owned(), leaf.clone())),
    }
}
