//! What a recording shows: places in URLs, bodies as JSON, resources that an answer held.
//!
//! Must not know who stands for whom.

use super::Entry;
use super::sift::Spoken;
use super::wording::walk;
use crate::exchange::percent_decode;
use crate::scim::value::get_ci;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Collection and id of a target; `None` for deeper paths and for none.
pub(super) fn place(target: &str) -> Option<(String, Option<String>)> {
    let path = target.split('?').next().unwrap_or_default();
    let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    match segments.as_slice() {
        [collection] => Some((format!("/{collection}"), None)),
        [_, ".search"] => None,
        [collection, id] => Some((format!("/{collection}"), Some(percent_decode(id)))),
        _ => None,
    }
}

/// Body of a request as JSON.
pub(super) fn json(entry: &Entry) -> Option<Value> {
    let body = entry.body.as_deref()?;
    if crate::exchange::too_many_values(body) {
        return None;
    }
    serde_json::from_slice(body).ok()
}

/// Every resource that an answer showed, the first sight of each: id → collection and resource.
pub(super) fn documents(spoken: &[Spoken]) -> HashMap<String, (String, Value)> {
    let mut found: HashMap<String, (String, Value)> = HashMap::new();
    let mut asked: HashSet<String> = HashSet::new();
    for one in spoken {
        if let Some((_, Some(id))) = place(&one.target) {
            asked.insert(id);
        }
        let body = json(&one.entry);
        asked.extend(body.iter().flat_map(member_values));
    }
    for one in spoken.iter().filter(|s| s.entry.accepted()) {
        let (Some((collection, _)), Some(answer)) = (place(&one.target), one.entry.answered()) else { continue };
        let list = answer.as_object().and_then(|o| get_ci(o, "Resources")).and_then(Value::as_array);
        let resources = list.map_or_else(|| std::slice::from_ref(answer), Vec::as_slice);
        for resource in resources {
            let id = resource.as_object().and_then(|o| get_ci(o, "id")).and_then(text_of);
            if let Some(id) = id.filter(|id| asked.contains(id)) {
                found.entry(id).or_insert_with(|| (collection.clone(), resource.clone()));
            }
        }
    }
    found
}

fn member_values(body: &Value) -> Vec<String> {
    let mut out = Vec::new();
    walk(body, "", &mut |path, text| {
        if path == "members.value" || path == "members" {
            out.push(text.to_owned());
        }
    });
    out
}

/// A text, or a number as text: some servers count their ids.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    }
}
