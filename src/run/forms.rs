//! A special form of a PATCH that is refused with the words that its plain form is refused with: the form is not at fault.
//!
//! Must not know rules beyond their ids, nor the answer beyond its status and words.

use super::consequences::Followed;
use super::findings::RawFinding;
use crate::scim::value::get_ci;
use crate::shadow::forecast::{op_path, operations};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Rules that speak of the plain form.
const PLAIN: &[&str] = &["group/member-change-refused", "patch/valid-request-refused", "patch/not-supported"];
/// Rules that speak of a form.
const FORMS: &[&str] = &[
    "etag/current-write-refused",
    "group/redundant-change-refused",
    "patch/attribute-case-refused",
    "patch/dotted-key-refused",
    "patch/no-change-refused",
    "patch/op-case-refused",
    "patch/own-id-refused",
    "patch/pathless-refused",
    "patch/text-boolean-refused",
    "patch/urn-path-refused",
    "patch/value-path-refused",
];

/// Endpoint, status, words and an attribute.
type Refused = (String, u16, String, String);

/// Takes out what blames a form where the plain form was refused for the same attribute with the same words.
pub(super) fn without_forms(raw: Vec<RawFinding>, followed: &mut Followed) -> Vec<RawFinding> {
    let plain = raw.iter().filter(|f| f.fails && PLAIN.contains(&f.rule.id) && is_plain(f));
    let told: Vec<(&'static str, BTreeSet<Refused>)> = plain.map(|f| (f.rule.id, refused(f))).collect();
    let kept = raw.into_iter().filter(|f| {
        if told.is_empty() || !FORMS.contains(&f.rule.id) {
            return true;
        }
        let own = refused(f);
        let explains = |theirs: &BTreeSet<Refused>| {
            own.iter().all(|refusal| theirs.contains(refusal) || whatever_it_is_for(theirs, refusal))
        };
        let cause = told.iter().find(|(_, theirs)| !own.is_empty() && explains(theirs)).map(|(cause, _)| *cause);
        if let Some(cause) = cause {
            followed.entry(cause).or_default().insert(f.rule.id);
        }
        cause.is_none()
    });
    kept.collect()
}

/// The same words refuse two attributes in their plain form: then they speak of no attribute at all.
fn whatever_it_is_for(plain: &BTreeSet<Refused>, (endpoint, status, words, _): &Refused) -> bool {
    plain.iter().filter(|(e, s, w, _)| (e, s, w) == (endpoint, status, words)).count() > 1
}

fn refused(f: &RawFinding) -> BTreeSet<Refused> {
    let request = &f.exchange.request;
    let (Some(status), Some(endpoint)) = (f.exchange.status(), request.segments().first().cloned()) else {
        return BTreeSet::new();
    };
    let detail = f.exchange.json().and_then(Value::as_object).and_then(|o| get_ci(o, "detail")?.as_str()).unwrap_or("");
    let body = request.json().filter(|_| request.method == "PATCH");
    let body = body.as_ref().and_then(Value::as_object);
    let heads = body.into_iter().flat_map(operations).flat_map(heads);
    heads.map(|head| (endpoint.clone(), status, detail.to_owned(), head)).collect()
}

/// The attributes that an operation is for, in lower case, without their schema and their parts.
fn heads(operation: &Map<String, Value>) -> Vec<String> {
    let head = |path: &str| {
        let name = path.split('[').next().unwrap_or_default().rsplit(':').next().unwrap_or_default();
        name.split('.').next().unwrap_or_default().to_ascii_lowercase()
    };
    match op_path(operation) {
        Some(path) => vec![head(path)],
        None => {
            let keys = get_ci(operation, "value").and_then(Value::as_object).into_iter().flat_map(Map::keys);
            keys.filter(|key| !key.eq_ignore_ascii_case("id")).map(|key| head(key)).collect()
        }
    }
}

/// One attribute by its bare name, with an operation in lower case.
fn is_plain(f: &RawFinding) -> bool {
    let body = f.exchange.request.json();
    let plain = |o: &Map<String, Value>| {
        let op = get_ci(o, "op").and_then(Value::as_str).unwrap_or_default();
        let bare = |path: &str| {
            path.starts_with(|c: char| c.is_ascii_lowercase()) && path.chars().all(|c| c.is_ascii_alphanumeric())
        };
        op_path(o).is_some_and(bare) && op.chars().all(|c| c.is_ascii_lowercase())
    };
    body.as_ref().and_then(Value::as_object).is_some_and(|b| operations(b).all(plain))
}
