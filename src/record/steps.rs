//! One recorded request → one step of a scenario file, as a tree that [`super::yaml`] writes.
//!
//! Must not know other requests but through the names that were given to their values.

use super::seen::json;
use super::sift::Spoken;
use super::spelling::Speller;
use super::{Answer, Entry, wording};
use crate::exchange::AuthKind;
use crate::profile::idp::IdpProfile;
use crate::scim::filter;
use regex::Regex;
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// The loader's bound of depth is 64; a body stands some levels deep in the file.
const DEEPEST: usize = 40;
/// A body with more values is kept as text: the loader bounds the values of a file.
const LARGEST: usize = 5_000;
/// An answer with more values is documented by its status alone.
const SHOWN: usize = 150;

/// Headers that a server may look at; the others belong to the transport, to browsers, or may hold secrets.
const KEPT_HEADERS: &[&str] = &[
    "accept",
    "accept-charset",
    "accept-language",
    "content-type",
    "if-match",
    "if-none-match",
    "prefer",
    "user-agent",
];

/// A step, without what it takes from the answer.
pub(super) struct Sketch {
    pub(super) id: String,
    pub(super) tree: Map<String, Value>,
}

/// Writes one. `None` when the body cannot stand in a text file.
pub(super) fn sketch(one: &Spoken, role: Option<usize>, speller: &Speller<'_>, common: &Headers) -> Option<Sketch> {
    let entry = &one.entry;
    let who = role.map(|r| speller.cast.roles[r].name.as_str());
    let (id, title) = wording::step(&entry.method, &one.target, who.or(looked_up(one, speller).as_deref()));
    let own = entry.title.as_deref().map(|t| wording::title(&speller.redactor.text(t))).filter(|t| !t.is_empty());
    let mut tree = Map::new();
    tree.insert("step".into(), id.clone().into());
    tree.insert("title".into(), own.unwrap_or(title).into());
    let target = speller.target(&one.target);
    let broken = wrong_filter(&target);
    tree.insert(entry.method.clone(), target.into());
    if broken {
        tree.insert("broken".into(), true.into());
    }
    let headers = common.own(entry, speller);
    if !headers.is_empty() {
        tree.insert("headers".into(), Value::Object(headers));
    }
    if one.auth != AuthKind::Configured {
        tree.insert("auth".into(), serde_json::to_value(one.auth).unwrap_or_default());
    }
    if let Some(body) = &entry.body {
        match json(entry).filter(|v| fits(v, LARGEST, DEEPEST)) {
            Some(value) => tree.insert("body".into(), speller.json(&value, "", role)),
            None => {
                let text = std::str::from_utf8(body).ok()?;
                tree.insert("body_text".into(), speller.redactor.broken(&speller.text(text)).into())
            }
        };
    }
    if let Some(status) = expected(entry) {
        tree.insert("expect".into(), serde_json::json!({ "status": status }));
    }
    Some(Sketch { id, tree })
}

/// What was answered, for readers of the file.
pub(super) fn recorded(entry: &Entry, role: Option<usize>, speller: &Speller<'_>) -> Option<Value> {
    let response = entry.answer.response()?;
    let mut out = Map::new();
    out.insert("status".into(), response.status.into());
    if matches!(entry.answer, Answer::Whole(_))
        && let Some(body) = response.json().filter(|v| fits(v, SHOWN, DEEPEST))
    {
        out.insert("body".into(), speller.documented(body, role));
    }
    Some(Value::Object(out))
}

/// The status to expect. A bad day of the server is nothing to ask for again.
fn expected(entry: &Entry) -> Option<Value> {
    if entry.wanted.len() > 1 {
        return Some(entry.wanted.clone().into());
    }
    entry.status().filter(|s| *s < 500 && *s != 429).map(Value::from)
}

/// Values in a tree, keys included, as the loader counts them.
pub(super) fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Object(map) => 1 + map.values().map(|v| 1 + count(v)).sum::<usize>(),
        _ => 1,
    }
}

fn fits(value: &Value, most: usize, deepest: usize) -> bool {
    fn depth(value: &Value) -> usize {
        match value {
            Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
            Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
            _ => 0,
        }
    }
    depth(value) <= deepest && count(value) <= most
}

/// True for a filter in plain text that the loader would refuse, whatever is filled in.
fn wrong_filter(target: &str) -> bool {
    static HOLE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\$\{[\w.-]+\}").expect("a fixed pattern"));
    let target = HOLE.replace_all(target, "x");
    let query = target.split_once('?').map_or("", |(_, q)| q);
    let plain = query.split('&').filter_map(|p| p.strip_prefix("filter=")).filter(|v| !v.contains('%'));
    plain.map(|v| v.replace('+', " ")).any(|v| filter::parse(&v).is_err())
}

/// Whom a look-up looks for: the first hole in its filter.
fn looked_up(one: &Spoken, speller: &Speller<'_>) -> Option<String> {
    let target = speller.target(&one.target);
    let (_, after) = target.split_once("filter=")?.1.split_once("${")?;
    let name = after.split(['.', '}']).next()?;
    speller.cast.has(name).then(|| name.to_owned())
}

/// Headers that all requests have and the profile does not.
pub(super) struct Headers<'a> {
    profile: &'a IdpProfile,
    /// As they stand at the top of the file.
    pub(super) common: Map<String, Value>,
}

impl<'a> Headers<'a> {
    pub(super) fn of(spoken: &[Spoken], profile: &'a IdpProfile) -> Self {
        let mut common = Map::new();
        for name in ["Accept", "Accept-Charset", "User-Agent"] {
            let mut values: Vec<Option<&str>> = spoken.iter().map(|s| s.entry.header(name)).collect();
            values.dedup();
            if let [Some(value)] = values.as_slice()
                && is_new(profile, name, value, false)
            {
                common.insert(name.to_owned(), value.replace("${", "$${").into());
            }
        }
        Self { profile, common }
    }

    /// What one request has beyond that.
    fn own(&self, entry: &Entry, speller: &Speller<'_>) -> Map<String, Value> {
        let mut out = Map::new();
        let with_body = entry.body.is_some();
        for (name, value) in &entry.headers {
            let kept = KEPT_HEADERS.iter().any(|k| name.eq_ignore_ascii_case(k));
            let common = self.common.keys().any(|k| k.eq_ignore_ascii_case(name));
            if kept && !common && is_new(self.profile, name, value, with_body) {
                out.insert(title_case(name), speller.text(value).into());
            }
        }
        // What the profile would add and the client did not send changes what is tested.
        if with_body && entry.header("content-type").is_none() && !entry.headers.is_empty() {
            out.insert("Content-Type".into(), Value::Null);
        }
        out
    }
}

fn is_new(profile: &IdpProfile, name: &str, value: &str, with_body: bool) -> bool {
    let of = |map: &std::collections::BTreeMap<String, String>| {
        map.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v.clone())
    };
    let known = if with_body { of(&profile.write_headers).or(of(&profile.headers)) } else { of(&profile.headers) };
    known.as_deref() != Some(value)
}

fn title_case(name: &str) -> String {
    let mut up = true;
    let case = |c: char| {
        let c = if up { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        up = c == '-';
        c
    };
    name.chars().map(case).collect()
}
