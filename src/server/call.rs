//! One request as the reference server sees it: target, decoded query, headers, parsed body.
//!
//! Must not know the store or what the answer will be.

use serde_json::Value;

/// The kinds of resource that are kept: those of RFC 7643 §4.1 and §4.2, and one that no RFC knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `/Users`.
    User,
    /// `/Groups`.
    Group,
    /// `/Devices`.
    Device,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 3] = [Kind::User, Kind::Group, Kind::Device];
    /// Those of RFC 7643.
    pub const CORE: [Kind; 2] = [Kind::User, Kind::Group];

    /// The value of `meta.resourceType`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::User => "User",
            Kind::Group => "Group",
            Kind::Device => "Device",
        }
    }

    /// The endpoint below the base URL.
    pub fn endpoint(self) -> &'static str {
        match self {
            Kind::User => "Users",
            Kind::Group => "Groups",
            Kind::Device => "Devices",
        }
    }

    /// The attribute that is unique on this server.
    pub fn unique_attribute(self) -> &'static str {
        match self {
            Kind::User => "userName",
            Kind::Group => "displayName",
            Kind::Device => "serial",
        }
    }
}

/// What a path below the base URL names (RFC 7644 §3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The base URL itself.
    Root,
    /// `/.search`.
    RootSearch,
    /// `/Users`, `/Groups`.
    Collection(Kind),
    /// `/Users/.search`, `/Groups/.search`.
    Search(Kind),
    /// `/Users/{id}`, `/Groups/{id}`.
    Item(Kind, String),
    /// `/Me`.
    Me,
    /// `/Bulk`.
    Bulk,
    /// `/ServiceProviderConfig`.
    Config,
    /// `/ResourceTypes` and `/ResourceTypes/{name}`.
    ResourceTypes(Option<String>),
    /// `/Schemas` and `/Schemas/{urn}`.
    Schemas(Option<String>),
    /// Nothing that this server knows.
    Unknown,
}

impl Target {
    /// Reads a path below the base URL. Trailing slashes are tolerated; attribute case of endpoints is not.
    pub fn parse(path: &str) -> Target {
        let segments: Vec<String> =
            path.split('/').filter(|s| !s.is_empty()).map(crate::exchange::percent_decode).collect();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        match parts.as_slice() {
            [] => Target::Root,
            [".search"] => Target::RootSearch,
            ["Me"] => Target::Me,
            ["Bulk"] => Target::Bulk,
            ["ServiceProviderConfig"] => Target::Config,
            ["ResourceTypes"] => Target::ResourceTypes(None),
            ["ResourceTypes", name] => Target::ResourceTypes(Some((*name).to_owned())),
            ["Schemas"] => Target::Schemas(None),
            ["Schemas", urn] => Target::Schemas(Some((*urn).to_owned())),
            [endpoint, rest @ ..] => match (kind_of(endpoint), rest) {
                (Some(kind), []) => Target::Collection(kind),
                (Some(kind), [".search"]) => Target::Search(kind),
                (Some(kind), [id]) => Target::Item(kind, (*id).to_owned()),
                _ => Target::Unknown,
            },
        }
    }

    /// The methods that this target answers.
    pub fn methods(&self) -> &'static [&'static str] {
        match self {
            Target::Root => &["GET", "HEAD"],
            Target::Collection(_) => &["GET", "HEAD", "POST"],
            Target::Item(..) => &["GET", "HEAD", "PUT", "PATCH", "DELETE"],
            Target::Me => &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            Target::RootSearch | Target::Search(_) | Target::Bulk => &["POST"],
            Target::Config | Target::ResourceTypes(_) | Target::Schemas(_) => &["GET", "HEAD"],
            Target::Unknown => &[],
        }
    }

    /// Discovery may be read without credentials (RFC 7644 §4).
    pub fn is_discovery(&self) -> bool {
        matches!(self, Target::Config | Target::ResourceTypes(_) | Target::Schemas(_))
    }

    /// The kind of resource that this target is about.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Target::Collection(kind) | Target::Search(kind) | Target::Item(kind, _) => Some(*kind),
            _ => None,
        }
    }
}

fn kind_of(endpoint: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|k| k.endpoint() == endpoint)
}

/// The body of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Payload {
    /// No body, or only blanks.
    Absent,
    /// Not JSON; the text says why.
    Malformed(String),
    /// JSON.
    Json(Value),
}

impl Payload {
    /// Reads the bytes of a body.
    pub fn read(bytes: &[u8]) -> Payload {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Payload::Absent;
        }
        match serde_json::from_slice(bytes) {
            Ok(value) => Payload::Json(value),
            Err(error) => Payload::Malformed(error.to_string()),
        }
    }
}

/// One request.
#[derive(Debug, Clone)]
pub struct Call {
    /// Upper-case method.
    pub method: String,
    /// The path below the base URL as sent, still percent-encoded.
    pub path: String,
    /// What the path names.
    pub target: Target,
    /// Decoded query parameters in order; `+` and `%20` are both a space.
    pub query: Vec<(String, String)>,
    /// The query as sent.
    pub raw_query: String,
    /// Headers with lower-case names.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Payload,
    /// The base URL that links in the answer start with.
    pub base: String,
    /// Whose data this is about; set by authentication.
    pub tenant: usize,
    /// Room for a hook that runs before the handler to tell its partner that runs after it.
    pub memo: Option<Value>,
    /// The document that a write starts from instead of the stored one; only lost updates use it.
    pub snapshot: Option<Value>,
}

impl Call {
    /// A query parameter, by name without regard to case.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// A header, by name without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// The body, if it is JSON.
    pub fn json(&self) -> Option<&Value> {
        match &self.body {
            Payload::Json(value) => Some(value),
            _ => None,
        }
    }

    /// The body for changing, if it is JSON.
    pub fn json_mut(&mut self) -> Option<&mut Value> {
        match &mut self.body {
            Payload::Json(value) => Some(value),
            _ => None,
        }
    }

    /// The kind of resource that the target names.
    pub fn kind(&self) -> Option<Kind> {
        self.target.kind()
    }

    /// The id in the path, if the target is one resource.
    pub fn id(&self) -> Option<&str> {
        match &self.target {
            Target::Item(_, id) => Some(id),
            _ => None,
        }
    }

    /// True for this method on a collection or a resource of this kind.
    pub fn is(&self, method: &str, kind: Kind) -> bool {
        self.method == method && matches!(&self.target, Target::Collection(k) | Target::Item(k, _) if *k == kind)
    }

    /// True for reads of a collection: GET on it, or its `.search`.
    pub fn lists(&self, kind: Kind) -> bool {
        (self.method == "GET" && self.target == Target::Collection(kind)) || self.target == Target::Search(kind)
    }
}

/// Decodes a query string as HTML forms do (RFC 7644 §3.4.2 leaves it to RFC 3986; Entra sends `+`, Okta `%20`).
pub fn parse_query(query: Option<&str>) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .map(|(k, v)| (k.into_owned(), v.into_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_targets() {
        assert_eq!(Target::parse("/Users/"), Target::Collection(Kind::User));
        assert_eq!(Target::parse("/Users/a%2Fb"), Target::Item(Kind::User, "a/b".into()));
        assert_eq!(Target::parse("/Groups/.search"), Target::Search(Kind::Group));
        assert_eq!(Target::parse("/"), Target::Root);
        assert_eq!(Target::parse("/Users/1/name"), Target::Unknown);
        assert_eq!(Target::parse("/users"), Target::Unknown);
    }

    #[test]
    fn plus_and_percent_twenty_are_spaces() {
        let query = parse_query(Some("filter=userName+eq%20%22a%2Bb%22"));
        assert_eq!(query[0].1, r#"userName eq "a+b""#);
    }
}
