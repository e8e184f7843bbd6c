//! Answers of the reference server: status, headers, body, and failures as SCIM errors (RFC 7644 §3.12).
//!
//! Must not know requests or the store.

use serde_json::{Map, Value, json};

/// The media type of SCIM (RFC 7644 §8.1).
pub const SCIM_JSON: &str = "application/scim+json";

/// The body of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// No body.
    Empty,
    /// A JSON body.
    Json(Value),
    /// Anything else, with its media type.
    Text(&'static str, String),
}

/// One answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// HTTP status; 0 where the connection is closed without an answer.
    pub status: u16,
    /// Headers but for `Content-Type` and `Content-Length`.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub content: Content,
    /// Media type of a JSON body.
    pub media_type: String,
}

impl Reply {
    /// An answer without body.
    pub fn empty(status: u16) -> Reply {
        Reply { status, headers: Vec::new(), content: Content::Empty, media_type: SCIM_JSON.into() }
    }

    /// An answer with a JSON body.
    pub fn json(status: u16, body: Value) -> Reply {
        Reply { content: Content::Json(body), ..Reply::empty(status) }
    }

    /// A SCIM error.
    pub fn error(status: u16, scim_type: Option<&str>, detail: impl Into<String>) -> Reply {
        Reply::json(status, error_body(status, scim_type, &detail.into()))
    }

    /// What a crashed handler answers.
    pub fn crash() -> Reply {
        Reply::error(500, None, "Internal Server Error")
    }

    /// No answer: the connection is closed.
    pub fn hang_up() -> Reply {
        Reply::empty(0)
    }

    /// Adds a header.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Reply {
        self.set(name, value);
        self
    }

    /// Sets a header, replacing one of that name.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.unset(name);
        self.headers.push((name.into(), value.into()));
    }

    /// Takes a header away.
    pub fn unset(&mut self, name: &str) {
        self.headers.retain(|(k, _)| !k.eq_ignore_ascii_case(name));
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// The JSON body.
    pub fn body(&self) -> Option<&Value> {
        match &self.content {
            Content::Json(value) => Some(value),
            _ => None,
        }
    }

    /// The JSON body, for changing.
    pub fn body_mut(&mut self) -> Option<&mut Map<String, Value>> {
        match &mut self.content {
            Content::Json(Value::Object(map)) => Some(map),
            _ => None,
        }
    }

    /// True for 2xx.
    pub fn ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// True for a SCIM list.
    pub fn is_list(&self) -> bool {
        self.body().is_some_and(|b| b.get("totalResults").is_some())
    }

    /// Every resource in the answer: the one, or each of a list.
    pub fn resources(&mut self) -> Vec<&mut Map<String, Value>> {
        if !self.ok() {
            return Vec::new();
        }
        let list = self.is_list();
        let Some(body) = self.body_mut() else {
            return Vec::new();
        };
        if !list {
            return vec![body];
        }
        match body.get_mut("Resources") {
            Some(Value::Array(items)) => items.iter_mut().filter_map(Value::as_object_mut).collect(),
            _ => Vec::new(),
        }
    }

    /// Changes the status of an error, in the body as well.
    pub fn restatus(&mut self, status: u16) {
        self.status = status;
        if let Some(body) = self.body_mut()
            && body.contains_key("status")
        {
            body.insert("status".into(), status.to_string().into());
        }
    }
}

/// A refusal on its way to becoming a [`Reply`].
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// HTTP status; 0 where the connection is closed without an answer.
    pub status: u16,
    /// The keyword of RFC 7644 table 9.
    pub scim_type: Option<&'static str>,
    /// What went wrong, for people.
    pub detail: String,
}

impl Failure {
    /// A failure with a keyword.
    pub fn typed(status: u16, scim_type: &'static str, detail: impl Into<String>) -> Failure {
        Failure { status, scim_type: Some(scim_type), detail: detail.into() }
    }

    /// A failure without keyword.
    pub fn plain(status: u16, detail: impl Into<String>) -> Failure {
        Failure { status, scim_type: None, detail: detail.into() }
    }

    /// 404 for one resource.
    pub fn not_found(id: &str) -> Failure {
        Failure::plain(404, format!("Resource {id} not found."))
    }
}

impl From<Failure> for Reply {
    fn from(failure: Failure) -> Reply {
        Reply::error(failure.status, failure.scim_type, failure.detail)
    }
}

fn error_body(status: u16, scim_type: Option<&str>, detail: &str) -> Value {
    let mut body = json!({
        "schemas": [crate::scim::urn::ERROR],
        "status": status.to_string(),
    });
    if let Some(keyword) = scim_type {
        body["scimType"] = keyword.into();
    }
    body["detail"] = detail.into();
    body
}
