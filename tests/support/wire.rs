//! Requests as they are on the wire, with placeholders for ids, names and hosts, and nothing else left out.

use super::tool::Seen;
use regex::{Captures, Regex};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Attributes whose values are names or ids, wherever they stand.
const NAMES: &[&str] =
    &["id", "$ref", "userName", "displayName", "externalId", "givenName", "familyName", "name.formatted", "password"];

/// Headers that say which form is meant. Where a recording has none, none is sent; `*/*` is none.
const FORM: &[&str] = &["Accept", "Accept-Charset", "Accept-Encoding", "Content-Type"];

/// A request with `~` for each value that differs from run to run, and these values in their order.
#[derive(Debug, Clone, Default)]
pub struct Wire {
    pub text: String,
    pub values: Vec<String>,
}

impl Wire {
    pub fn of(method: &str, target: &str, body: &[u8]) -> Self {
        let mut wire = Self::default();
        let target = wire.target(target);
        wire.text = format!("{method} {target}");
        if let Ok(body) = serde_json::from_slice::<Value>(body) {
            let body = wire.json("", &body);
            wire.text.push_str(&format!(" {body}"));
        } else {
            wire.text.push_str(&String::from_utf8_lossy(body));
        }
        wire
    }

    /// The encoding of everything stays, that of a value as the set of what is encoded in it.
    fn target(&mut self, target: &str) -> String {
        let id = pattern("^(/(?:Users|Groups)/)([^/?]+)");
        let target = id.replace(target, |found: &Captures| format!("{}{}", &found[1], self.placeholder(&found[2])));
        let compared = pattern(r"([\w.]+)((?:\+|%20)eq(?:\+|%20))%22(.*?)%22");
        let value = |found: &Captures| {
            let (attribute, between, raw) = (&found[1], &found[2], &found[3]);
            let plain = decoded(raw);
            match differs(attribute, &plain) {
                true => format!("{attribute}{between}%22{}{}%22", self.placeholder(&plain), escapes(raw)),
                false => found[0].to_owned(),
            }
        };
        compared.replace_all(&target, value).into_owned()
    }

    /// `place` is the path of attributes that leads to the value.
    fn json(&mut self, place: &str, value: &Value) -> Value {
        match value {
            Value::Object(members) => self.members(place, members).into(),
            Value::Array(items) => items.iter().map(|item| self.json(place, item)).collect(),
            Value::String(text) if place.ends_with(".path") => self.path(text).into(),
            Value::String(text) if text.starts_with("{\"") => {
                let inner = serde_json::from_str(text).expect("JSON as a text");
                self.json(place, &inner).to_string().into()
            }
            Value::String(text) if !place.ends_with(".schemas") && differs(place, text) => {
                self.placeholder(text).into()
            }
            other => other.clone(),
        }
    }

    fn members(&mut self, place: &str, members: &Map<String, Value>) -> Map<String, Value> {
        let patched = members.get("path").and_then(Value::as_str);
        let of = |key: &str| match (key, patched) {
            ("value", Some(path)) => path.to_owned(),
            _ => format!("{place}.{key}"),
        };
        members.iter().map(|(key, value)| (key.clone(), self.json(&of(key), value))).collect()
    }

    fn path(&mut self, path: &str) -> String {
        let value = |found: &Captures| match differs("", &found[1]) {
            true => format!("\"{}\"", self.placeholder(&found[1])),
            false => found[0].to_owned(),
        };
        pattern("\"(.*?)\"").replace_all(path, value).into_owned()
    }

    fn placeholder(&mut self, value: &str) -> String {
        self.values.push(value.to_owned());
        "~".to_owned()
    }
}

/// Whether the value at that place is a name, an id, an address.
fn differs(place: &str, value: &str) -> bool {
    let named =
        NAMES.iter().any(|n| place.strip_suffix(n).is_some_and(|rest| rest.is_empty() || rest.ends_with(['.', ':'])));
    !value.is_empty()
        && (named
            || value.contains('@')
            || value.starts_with('{')
            || (value.len() == 36 && Uuid::parse_str(value).is_ok()))
}

fn decoded(raw: &str) -> String {
    let pair = format!("v={raw}");
    url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, v)| v.into_owned()).unwrap_or_default()
}

/// What is encoded in a value, and how: `(%20%40)`.
fn escapes(raw: &str) -> String {
    let mut all: Vec<&str> = pattern(r"%..|\+").find_iter(raw).map(|m| m.as_str()).collect();
    all.sort_unstable();
    all.dedup();
    if all.is_empty() { String::new() } else { format!("({})", all.concat()) }
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern")
}

/// One request of a recording. The same number stands for the same value in all of its requests.
#[derive(Debug, Clone)]
pub struct Recorded {
    text: String,
    numbers: Vec<usize>,
    headers: Vec<(String, String)>,
}

/// Which value each number stands for.
pub type Known = BTreeMap<usize, String>;

impl Recorded {
    /// From a line with `~1`, `~2` ….
    pub fn parse(line: &str, headers: Vec<(String, String)>) -> Self {
        let number = pattern(r"~(\d+)");
        let numbers = number.captures_iter(line).map(|n| n[1].parse().expect("a number")).collect();
        Self { text: number.replace_all(line, "~").into_owned(), numbers, headers }
    }

    /// What is known after it, if this is what was sent.
    pub fn fits(&self, sent: &Seen, wire: &Wire, known: &Known) -> Option<Known> {
        if self.text != wire.text || !self.headers_fit(sent) {
            return None;
        }
        let mut known = known.clone();
        let same = |(number, value): (&usize, &String)| known.entry(*number).or_insert_with(|| value.clone()) == value;
        self.numbers.iter().zip(&wire.values).all(same).then_some(known)
    }

    fn headers_fit(&self, sent: &Seen) -> bool {
        let named = |name: &str| self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        let all = self.headers.iter().all(|(name, value)| sent.header(name).map(without_token) == Some(value.as_str()));
        all && FORM.iter().all(|name| named(name) == sent.header(name).filter(|v| *v != "*/*"))
    }
}

/// Of credentials only the scheme.
pub fn without_token(value: &str) -> &str {
    value.strip_prefix("Bearer ").map_or(value, |_| "Bearer")
}
