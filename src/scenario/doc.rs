//! YAML text → a tree in which every value knows its place. Strict where YAML is lenient, bounded where it is not.
//!
//! Must not know what a scenario is.

use super::error::{LoadError, Problem, Sink};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::{Location, Spanned};
use std::fmt;
use std::ops::Range;

/// A value with its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// Bytes in the file; empty at the first character for lists and mappings.
    pub(super) span: Range<usize>,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(At<String>, Node)>),
}

/// Something with its place.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

impl Node {
    /// What it is, as people say it.
    pub(super) fn noun(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing (null)",
            Kind::Bool(_) => "true or false",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }

    /// Plain JSON, places forgotten.
    pub(super) fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(b) => Value::Bool(*b),
            Kind::Number(n) => Value::Number(n.clone()),
            Kind::Text(t) => Value::String(t.clone()),
            Kind::List(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Kind::Map(members) => {
                Value::Object(members.iter().map(|(k, v)| (k.value.clone(), v.to_json())).collect::<Map<_, _>>())
            }
        }
    }
}

/// Parses one document. `None`: the reason is in the sink.
pub(super) fn parse(sink: &mut Sink) -> Option<Node> {
    let text = std::sync::Arc::clone(&sink.text);
    if text.lines().all(|l| l.trim().is_empty() || l.trim_start().starts_with('#')) {
        sink.push(
            0..0,
            Problem::new("the file is empty", "a scenario was expected here")
                .help("`scimproof init` writes an example"),
        );
        return None;
    }
    if let Some(at) = tab_in_indentation(&text) {
        sink.push(
            at..at + 1,
            Problem::new("a tab in the indentation", "YAML allows blanks only").help("replace each tab by two blanks"),
        );
        return None;
    }
    match serde_saphyr::from_str_with_options::<Spanned<Tree>>(&text, options()) {
        Ok(tree) => Some(node(tree)),
        Err(error) => {
            let (span, message) = describe(&text, &error);
            sink.push(span, message);
            None
        }
    }
}

/// Reads a YAML file of another kind (a profile) with the same strictness and the same error texts.
pub fn load_data<T: serde::de::DeserializeOwned>(text: &str, file: &str) -> Result<T, LoadError> {
    let mut sink = Sink::new(file, text);
    let value = match serde_saphyr::from_str_with_options(text, options()) {
        Ok(value) => return Ok(value),
        Err(error) => describe(text, &error),
    };
    sink.push(value.0, value.1);
    Err(sink.errors.remove(0))
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        with_snippet: false,
        budget: serde_saphyr::budget! { max_nodes: 50_000, max_events: 200_000, max_depth: 64, max_documents: 1 },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 50_000 },
    }
}

/// The parser's own words, with the noise of nested wrappers taken off.
fn describe(text: &str, error: &serde_saphyr::Error) -> (Range<usize>, Problem) {
    let location = error.location().unwrap_or(Location::UNKNOWN);
    let whole = error.to_string();
    let first = whole.lines().next().unwrap_or_default();
    // The position is said by the caret; the parser repeats it in front of or behind its words.
    let words = first.split(" at line ").next().unwrap_or(first);
    let lower = words.to_lowercase();
    let problem = if lower.contains("duplicate") {
        Problem::new("the same key stands twice in a mapping", "written twice").help("keep one of the two")
    } else if lower.contains("alias") || lower.contains("budget") || lower.contains("limit") {
        Problem::new(format!("the file is too large or too deep: {words}"), "the limit is reached here")
            .help("at most 50,000 values, 64 levels; aliases count as often as they are used")
    } else {
        let problem = Problem::new(format!("not valid YAML: {words}"), "here");
        let line = usize::try_from(location.line()).unwrap_or(0);
        let shown = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        if shown.contains("${") {
            problem.help("put quotes around a text with `${…}` inside of `{ … }` or `[ … ]`")
        } else {
            problem
        }
    };
    (span_of(text, location), problem)
}

fn span_of(text: &str, location: Location) -> Range<usize> {
    let span = location.span();
    if let (Some(offset), Some(len)) = (span.byte_offset(), span.byte_len()) {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        return start..start.saturating_add(usize::try_from(len).unwrap_or(0));
    }
    let line = usize::try_from(location.line()).unwrap_or(0).max(1);
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let column = usize::try_from(location.column()).unwrap_or(0).max(1);
    let at = text[start..].char_indices().nth(column - 1).map_or(start, |(n, _)| start + n);
    at..at
}

fn tab_in_indentation(text: &str) -> Option<usize> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        let blank = line.trim().is_empty();
        if !blank && let Some(n) = line[..indent].find('\t') {
            return Some(start + n);
        }
        start += line.len();
    }
    None
}

/// The tree as the YAML library hands it over.
enum Tree {
    Scalar(Kind),
    List(Vec<Spanned<Tree>>),
    Map(Vec<(Spanned<Key>, Spanned<Tree>)>),
}

/// A key: any scalar, taken as text.
struct Key(String);

fn node(tree: Spanned<Tree>) -> Node {
    let span = place(tree.defined);
    let kind = match tree.value {
        Tree::Scalar(kind) => kind,
        Tree::List(items) => Kind::List(items.into_iter().map(node).collect()),
        Tree::Map(members) => Kind::Map(
            members
                .into_iter()
                .map(|(k, v)| {
                    let at = place(k.defined);
                    (At { value: k.value.0, span: at }, node(v))
                })
                .collect(),
        ),
    };
    Node { kind, span }
}

fn place(location: Location) -> Range<usize> {
    let span = location.span();
    let start = span.byte_offset().unwrap_or(0);
    let end = start.saturating_add(span.byte_len().unwrap_or(0));
    let narrow = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    narrow(start)..narrow(end)
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON knows")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Scalar(Kind::Null))
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Scalar(Kind::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        Tree::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Scalar(Kind::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Scalar(Kind::Number(value.into())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Scalar(Kind::Number(value.into())))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Tree, E> {
        Number::from_f64(value)
            .map(|n| Tree::Scalar(Kind::Number(n)))
            .ok_or_else(|| E::custom("JSON has no such number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Scalar(Kind::Text(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<Tree, E> {
        Ok(Tree::Scalar(Kind::Text(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut members = Vec::new();
        while let Some(entry) = map.next_entry()? {
            members.push(entry);
        }
        Ok(Tree::Map(members))
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Key)
    }
}
