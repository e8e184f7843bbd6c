//! A foreign file as text and as JSON, within bounds, and what is wrong with it: file, place, reason.
//!
//! Must not know what the formats mean beyond the keys by which they are told apart.

use super::Format;
use crate::exchange::too_many_values;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

/// Larger files are not read: nobody records so much on purpose, and all of it is held in memory.
pub const MOST_BYTES: u64 = 256 << 20;

/// A file that cannot be taken for a recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {why}", at.as_ref().map(|a| format!(":{a}")).unwrap_or_default())]
pub struct Unreadable {
    /// File, as it was named.
    pub file: String,
    /// Line and column, or a path of keys.
    pub at: Option<String>,
    /// What is wrong, a lower-case fragment.
    pub why: String,
}

impl Unreadable {
    /// Of the whole file.
    pub fn whole(file: &str, why: impl Into<String>) -> Self {
        Self { file: file.to_owned(), at: None, why: why.into() }
    }

    /// At a path of keys.
    pub(super) fn at(file: &str, at: impl Into<String>, why: impl Into<String>) -> Self {
        Self { file: file.to_owned(), at: Some(at.into()), why: why.into() }
    }

    pub(super) fn json(file: &str, error: &serde_json::Error) -> Self {
        let words = error.to_string();
        let why = words.split(" at line ").next().unwrap_or(&words).to_owned();
        let why = if why.contains("recursion limit") { "nested too deep to be read".to_owned() } else { why };
        Self { file: file.to_owned(), at: Some(format!("{}:{}", error.line(), error.column())), why }
    }
}

/// The text of a file, without the mark that some editors put in front.
pub(super) fn text<'a>(bytes: &'a [u8], file: &str) -> Result<&'a str, Unreadable> {
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Unreadable::whole(file, format!("larger than {} MB", MOST_BYTES >> 20)));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let before = &bytes[..e.valid_up_to()];
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|b| **b != b'\n').count() + 1;
        Unreadable::at(file, format!("{line}:{column}"), "this is no UTF-8 text")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(Unreadable::whole(file, "the file is empty"));
    }
    Ok(text)
}

/// The keys by which the formats are told apart; all else is passed over without being kept.
#[derive(Deserialize)]
struct Peek {
    log: Option<IgnoredAny>,
    info: Option<IgnoredAny>,
    item: Option<IgnoredAny>,
    collection: Option<IgnoredAny>,
    steps: Option<IgnoredAny>,
    data: Option<IgnoredAny>,
}

/// Which format it is.
pub(super) fn format(text: &str, file: &str) -> Result<Format, Unreadable> {
    if text.trim_start().starts_with('[') {
        // Runscope exports a bucket as a list of tests.
        return Ok(Format::Runscope);
    }
    let peek: Peek = serde_json::from_str(text).map_err(|e| Unreadable::json(file, &e))?;
    if peek.log.is_some() {
        Ok(Format::Har)
    } else if peek.collection.is_some() || (peek.info.is_some() && peek.item.is_some()) {
        Ok(Format::Postman)
    } else if peek.steps.is_some() || peek.data.is_some() {
        Ok(Format::Runscope)
    } else {
        Err(Unreadable::whole(
            file,
            "this is JSON, but no HAR file (`log`), no Postman collection (`info` and `item`) and no Runscope test (`steps`)",
        ))
    }
}

/// The whole as a tree. Collections and tests are written by people, so they are small.
pub(super) fn parse(text: &str, file: &str) -> Result<Value, Unreadable> {
    if too_many_values(text.as_bytes()) {
        return Err(Unreadable::whole(file, "it holds more than a million values"));
    }
    serde_json::from_str(text).map_err(|e| Unreadable::json(file, &e))
}

/// An object, or what is wrong.
pub(super) fn object<'v>(value: &'v Value, at: &str, file: &str) -> Result<&'v Map<String, Value>, Unreadable> {
    value.as_object().ok_or_else(|| Unreadable::at(file, at, format!("found {}, expected an object", noun(value))))
}

/// A list, or what is wrong.
pub(super) fn list<'v>(value: Option<&'v Value>, at: &str, file: &str) -> Result<&'v [Value], Unreadable> {
    match value {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(other) => Err(Unreadable::at(file, at, format!("found {}, expected a list", noun(other)))),
    }
}

fn noun(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A text member; empty ones are none.
pub(super) fn text_of<'v>(object: &'v Map<String, Value>, key: &str) -> Option<&'v str> {
    object.get(key).and_then(Value::as_str).filter(|t| !t.is_empty())
}
