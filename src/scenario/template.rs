//! `${…}` in scenario texts: parsed at load, filled in when a step is sent.
//!
//! Must not know HTTP; how a value is encoded into a URL is the caller's choice.

use serde_json::Value;

/// A text with holes, e.g. `/Users/${alice.id}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Alternating literal text and holes.
    pub parts: Vec<Part>,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text as it is.
    Text(String),
    /// A name to look up: `alice.userName`, `run`, `guid.team`, `alice.id`.
    Hole(String),
}

/// JSON with templates in its strings. A string that is one hole takes the value's own JSON type.
#[derive(Debug, Clone, PartialEq)]
pub enum JsonTemplate {
    /// null, booleans, numbers.
    Scalar(Value),
    /// A text, perhaps with holes.
    Text(Template),
    /// A list.
    List(Vec<JsonTemplate>),
    /// An object in file order; keys may have holes.
    Object(Vec<(Template, JsonTemplate)>),
}

/// Looks names up. `None`: the name has no value (a capture that was not taken).
pub trait Values {
    /// The value behind a hole.
    fn value(&self, name: &str) -> Option<Value>;
}

/// A hole without a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`${{{0}}}` has no value")]
pub struct Missing(pub String);
