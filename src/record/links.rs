//! What one request takes from the answer to an earlier one, beyond the ids of resources: entity tags, cursors, variables.
//!
//! Must not know how a step is written.

use super::people::Cast;
use super::seen::place;
use super::sift::Spoken;
use super::wording::name;
use crate::scim::value::get_ci;
use serde_json::Value;
use std::collections::HashMap;

/// Values that one request takes from the answer to an earlier one, beyond ids.
pub(super) struct Links {
    /// Opaque value → hole.
    pub(super) tokens: HashMap<String, String>,
    /// `{{name}}` → hole.
    pub(super) variables: HashMap<String, String>,
    /// Request → name and place.
    pub(super) captures: HashMap<usize, Vec<(String, String)>>,
}

impl Links {
    pub(super) fn of(spoken: &[Spoken], cast: &Cast) -> Self {
        let mut links = Links { tokens: HashMap::new(), variables: HashMap::new(), captures: HashMap::new() };
        // Last answer in which an opaque value was seen.
        let mut given: HashMap<String, (usize, &'static str)> = HashMap::new();
        for (n, one) in spoken.iter().enumerate() {
            for header in ["if-match", "if-none-match"] {
                links.used(one.entry.header(header).map(str::to_owned), &given);
            }
            let query = one.target.split_once('?').map_or("", |(_, q)| q);
            let cursor = url::form_urlencoded::parse(query.as_bytes()).find(|(k, _)| k == "cursor");
            links.used(cursor.map(|(_, v)| v.into_owned()), &given);
            if let Some(response) = one.entry.answer.response() {
                given.extend(response.header("etag").map(|v| (v.to_owned(), (n, "header ETag"))));
                for (key, place) in [("nextCursor", "$.nextCursor"), ("previousCursor", "$.previousCursor")] {
                    let value =
                        response.json().and_then(Value::as_object).and_then(|o| get_ci(o, key)).and_then(Value::as_str);
                    given.extend(value.map(|v| (v.to_owned(), (n, place))));
                }
            }
            for (variable, place) in &one.entry.takes {
                let hole = format!("taken.{}", name(variable));
                links.captures.entry(n).or_default().push((hole.clone(), place.clone()));
                links.variables.insert(variable.clone(), hole);
            }
        }
        links.guess(spoken, cast);
        links
    }

    fn used(&mut self, value: Option<String>, given: &HashMap<String, (usize, &'static str)>) {
        let Some(value) = value else { return };
        let Some((n, place)) = given.get(&value).filter(|_| !self.tokens.contains_key(&value)) else { return };
        let kind = if *place == "header ETag" { "etag" } else { "cursor" };
        let hole = format!("{kind}.n{}", self.tokens.len() + 1);
        self.captures.entry(*n).or_default().push((hole.clone(), (*place).to_owned()));
        self.tokens.insert(value, hole);
    }

    /// `/Users/{{id}}` after a create, where no script says what `id` is: it can only be that of the one created last.
    fn guess(&mut self, spoken: &[Spoken], cast: &Cast) {
        let mut last: HashMap<String, usize> = HashMap::new();
        for (n, one) in spoken.iter().enumerate() {
            match place(&one.target) {
                Some((collection, None)) if one.entry.method == "POST" => {
                    if let Some(role) = cast.about[n].filter(|_| one.entry.status().is_none_or(|s| s < 300)) {
                        last.insert(collection, role);
                    }
                }
                Some((collection, Some(id))) if one.entry.status() != Some(404) => {
                    let variable =
                        id.strip_prefix("{{").and_then(|v| v.strip_suffix("}}")).filter(|v| !v.contains('{'));
                    if let (Some(variable), Some(role)) = (variable, last.get(&collection)) {
                        let hole = format!("{}.id", cast.roles[*role].name);
                        self.variables.entry(variable.to_owned()).or_insert(hole);
                    }
                }
                _ => {}
            }
        }
    }
}
