//! Traffic becomes a scenario: a reverse proxy keeps what passes, and readers take HAR files, Postman collections and Runscope
//! tests. All of them give a [`Recording`]; [`sift`] finds the SCIM in it, [`draft`] makes a scenario of that.
//!
//! Must not judge an answer and must not know rules: whoever wants a verdict hands the exchanges to `run`. Foreign files are
//! hostile; no secret of theirs reaches what is written.

pub mod draft;
mod har;
mod links;
mod people;
mod postman;
pub mod proxy;

mod runscope;
mod secrets;
mod seen;
pub mod sift;
mod spelling;
mod steps;
mod tree;
mod wording;
mod yaml;

pub use har::write as write_har;
pub use secrets::{is_blanked, is_blanked_request, redactor};
pub use tree::{MOST_BYTES, Unreadable};

use crate::exchange::Response;
use std::time::Duration;
use time::OffsetDateTime;

/// What was recorded, in order.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// Where it is from.
    pub format: Format,
    /// The title that its author gave it.
    pub title: Option<String>,
    /// Requests, and pauses between them.
    pub entries: Vec<Entry>,
    /// What the file held and cannot be replayed: the reason of each.
    pub unusable: Vec<String>,
}

/// Kinds of recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// What passed our proxy.
    #[default]
    Proxy,
    /// HTTP Archive 1.2.
    Har,
    /// Postman collection, v2.0 or v2.1.
    Postman,
    /// Test of Runscope, today BlazeMeter API Monitoring.
    Runscope,
}

impl Format {
    /// As people write it.
    pub fn title(self) -> &'static str {
        match self {
            Format::Proxy => "recording",
            Format::Har => "HAR file",
            Format::Postman => "Postman collection",
            Format::Runscope => "Runscope test",
        }
    }

    /// True when request and answer belong together on one day, so that answers can be held against each other. Saved examples
    /// of a collection are from different days.
    pub fn is_traffic(self) -> bool {
        matches!(self, Format::Proxy | Format::Har)
    }
}

/// One request, as it was sent or as a collection holds it: then `{{name}}` may stand in its texts.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// The author's words for it.
    pub title: Option<String>,
    /// Method in upper case.
    pub method: String,
    /// Whole URL.
    pub url: String,
    /// Headers in order.
    pub headers: Vec<(String, String)>,
    /// Body; `None` when there was none.
    pub body: Option<Vec<u8>>,
    /// What came back.
    pub answer: Answer,
    /// Statuses that the author of a test accepts.
    pub wanted: Vec<u16>,
    /// Names that the author gives to values of the answer: name and place, `$.id`.
    pub takes: Vec<(String, String)>,
    /// Wall-clock start.
    pub started: Option<OffsetDateTime>,
    /// From the start to the end of the answer.
    pub duration: Duration,
    /// Time that the author lets pass before it.
    pub pause: Option<Duration>,
}

/// What is known of an answer.
#[derive(Debug, Clone, Default)]
pub enum Answer {
    /// Nothing: the file does not say.
    #[default]
    Unknown,
    /// None came, for this reason.
    None(String),
    /// Status and headers; the body was left out of the recording.
    Head(Response),
    /// All of it.
    Whole(Response),
}

impl Answer {
    /// Status and headers, if known.
    pub fn response(&self) -> Option<&Response> {
        match self {
            Answer::Head(r) | Answer::Whole(r) => Some(r),
            Answer::Unknown | Answer::None(_) => None,
        }
    }
}

impl Entry {
    /// First header of that name, without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// Recorded status, or the only one that the author accepts.
    pub fn status(&self) -> Option<u16> {
        self.answer.response().map(|r| r.status).or(match self.wanted.as_slice() {
            [one] => Some(*one),
            _ => None,
        })
    }

    /// True for a 2xx answer.
    pub fn accepted(&self) -> bool {
        self.status().is_some_and(|s| (200..300).contains(&s))
    }

    /// The answer's body as JSON.
    pub fn answered(&self) -> Option<&serde_json::Value> {
        self.answer.response().and_then(Response::json)
    }
}

/// Reads a file, whatever of the three it is. `file` is its name for messages.
pub fn read(bytes: &[u8], file: &str) -> Result<Recording, Unreadable> {
    let text = tree::text(bytes, file)?;
    match tree::format(text, file)? {
        Format::Postman => postman::read(&tree::parse(text, file)?, file),
        Format::Runscope => runscope::read(&tree::parse(text, file)?, file),
        Format::Har | Format::Proxy => har::read(text, file),
    }
}
