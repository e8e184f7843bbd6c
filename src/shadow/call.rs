//! A request read as SCIM: which endpoint, which operation, which parameters.
//!
//! Must not know responses or rules: it only reads what was asked.

use crate::exchange::{AuthKind, Request};
use crate::scim::filter::{self, Filter};
use crate::scim::schema::ResourceType;
use serde_json::Value;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// POST on a resource endpoint.
    Create,
    /// GET (or HEAD) of one resource.
    Read,
    /// GET of a resource endpoint.
    List,
    /// PUT of one resource.
    Replace,
    /// PATCH of one resource.
    Patch,
    /// DELETE of one resource.
    Delete,
    /// POST of a `.search` endpoint.
    Search,
    /// POST /Bulk.
    Bulk,
    /// Anything on /ServiceProviderConfig, /ResourceTypes, /Schemas.
    Discovery,
    /// Anything on /Me.
    Me,
    /// A method that RFC 7644 §3.2 does not define for that endpoint, or an unknown path.
    Other,
}

/// A request read as SCIM.
#[derive(Debug, Clone)]
pub struct Call {
    /// Operation.
    pub op: Op,
    /// Method in upper case.
    pub method: String,
    /// First path segment with its slash, in the advertised spelling, e.g. `/Users`.
    pub endpoint: String,
    /// Second path segment, decoded.
    pub id: Option<String>,
    /// Number of path segments.
    pub depth: usize,
    /// Filter text, decoded.
    pub filter_text: Option<String>,
    /// Filter parsed; `None` when there is none or it is broken.
    pub filter: Option<Filter>,
    /// `startIndex` as sent.
    pub start_index: Option<String>,
    /// `count` as sent.
    pub count: Option<String>,
    /// `sortBy`.
    pub sort_by: Option<String>,
    /// True for `sortOrder=descending`.
    pub descending: bool,
    /// True for a `sortOrder` that is neither ascending nor descending.
    pub odd_order: bool,
    /// `attributes`, split.
    pub attributes: Option<Vec<String>>,
    /// `excludedAttributes`, split.
    pub excluded: Option<Vec<String>>,
    /// True when a `cursor` parameter was sent.
    pub cursor: bool,
    /// Body as JSON.
    pub body: Option<Value>,
    /// True when there was a body that is no JSON.
    pub broken_body: bool,
    /// Whether there was any body.
    pub has_body: bool,
    /// Credentials.
    pub auth: AuthKind,
}

impl Call {
    /// Reads a request. `types` are the resource types of the target.
    pub fn of(request: &Request, types: &[ResourceType]) -> Call {
        let segments = request.segments();
        let body = request.json();
        let has_body = request.body.as_ref().is_some_and(|b| !b.is_empty());
        let search = segments.last().is_some_and(|s| s == ".search") && request.method == "POST";
        let first = segments.first().map(|s| format!("/{s}")).unwrap_or_else(|| "/".to_owned());
        let known = types.iter().find(|t| t.endpoint == first);
        let endpoint = known.map_or(first, |t| t.endpoint.clone());
        let op = operation(&request.method, &endpoint, known.is_some(), segments.len(), search);
        let text = |name: &str| -> Option<String> {
            if search { body.as_ref().and_then(|b| search_text(b, name)) } else { request.query_param(name) }
        };
        let names = |name: &str| -> Option<Vec<String>> {
            text(name)
                .map(|t| t.split(',').map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()).collect::<Vec<_>>())
                .filter(|l: &Vec<String>| !l.is_empty())
        };
        let filter_text = text("filter");
        Call {
            op,
            method: request.method.clone(),
            id: if search { None } else { segments.get(1).cloned() },
            depth: segments.len(),
            filter: filter_text.as_deref().and_then(|t| filter::parse(t).ok()),
            filter_text,
            start_index: text("startIndex"),
            count: text("count"),
            sort_by: text("sortBy"),
            descending: text("sortOrder").is_some_and(|o| o.eq_ignore_ascii_case("descending")),
            odd_order: text("sortOrder").is_some_and(|o| o != "descending" && o != "ascending"),
            attributes: names("attributes"),
            excluded: names("excludedAttributes"),
            cursor: text("cursor").is_some(),
            broken_body: has_body && body.is_none(),
            has_body,
            body,
            auth: request.auth,
            endpoint,
        }
    }

    /// True when the answer holds a list of resources of one type.
    pub fn lists(&self) -> bool {
        matches!(self.op, Op::List | Op::Search)
    }

    /// True when the answer's resources are cut down by `attributes` or `excludedAttributes`.
    pub fn projected(&self) -> bool {
        self.attributes.is_some() || self.excluded.is_some()
    }

    /// `startIndex` as the server must take it: below 1 or absent is 1 (RFC 7644 §3.4.2.4); `None` when it is no integer.
    pub fn effective_start(&self) -> Option<i64> {
        match &self.start_index {
            None => Some(1),
            Some(t) => t.trim().parse::<i64>().ok().map(|n| n.max(1)),
        }
    }

    /// `count` as the server must take it: negative is 0; `None` when absent or no integer.
    pub fn effective_count(&self) -> Option<i64> {
        self.count.as_ref().and_then(|t| t.trim().parse::<i64>().ok()).map(|n| n.max(0))
    }

    /// True when the credentials are those of a known tenant.
    pub fn authenticated(&self) -> bool {
        matches!(self.auth, AuthKind::Configured | AuthKind::Other | AuthKind::LowercaseScheme)
    }
}

fn operation(method: &str, endpoint: &str, known: bool, depth: usize, search: bool) -> Op {
    let lower = endpoint.to_ascii_lowercase();
    match lower.as_str() {
        "/serviceproviderconfig" | "/resourcetypes" | "/schemas" => return Op::Discovery,
        "/me" => return Op::Me,
        "/bulk" => return if method == "POST" && depth == 1 { Op::Bulk } else { Op::Other },
        _ => {}
    }
    if search {
        return Op::Search;
    }
    match (method, known, depth) {
        ("POST", true, 1) => Op::Create,
        ("GET", true, 1) => Op::List,
        ("GET", true, 2) => Op::Read,
        ("PUT", true, 2) => Op::Replace,
        ("PATCH", true, 2) => Op::Patch,
        ("DELETE", true, 2) => Op::Delete,
        _ => Op::Other,
    }
}

fn search_text(body: &Value, name: &str) -> Option<String> {
    let object = body.as_object()?;
    match crate::scim::value::get_ci(object, name)? {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        Value::Array(items) => Some(items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")),
        _ => None,
    }
}
