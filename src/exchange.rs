//! One request and its response as they were on the wire, with times. Plain data.
//!
//! Must not know who sent it, why, or whether it was right: engine fills it, shadow and rules read it.

use serde_json::Value;
use std::sync::OnceLock;
use std::time::Duration;

/// One request and what came back.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// What was sent.
    pub request: Request,
    /// The response, or why there is none.
    pub outcome: Result<Response, TransportFailure>,
    /// From the first byte sent to the last byte received.
    pub duration: Duration,
    /// Wall-clock start in UTC; `None` for imported traffic without times.
    pub started: Option<time::OffsetDateTime>,
}

impl Exchange {
    /// The response, if there was one.
    pub fn response(&self) -> Option<&Response> {
        self.outcome.as_ref().ok()
    }

    /// The HTTP status, if there was a response.
    pub fn status(&self) -> Option<u16> {
        self.response().map(|r| r.status)
    }

    /// True for any 2xx answer.
    pub fn accepted(&self) -> bool {
        self.status().is_some_and(|s| (200..300).contains(&s))
    }

    /// True when the server ended the connection in place of an answer.
    pub fn hung_up(&self) -> bool {
        self.outcome.as_ref().is_err_and(|failure| failure.kind == FailureKind::Closed)
    }

    /// The same bytes without the tree that was made of them, which is many times as large; it is made again when asked for.
    pub fn unparsed(&self) -> Self {
        let outcome = match &self.outcome {
            Ok(r) => Ok(Response {
                status: r.status,
                headers: r.headers.clone(),
                body: r.body.clone(),
                truncated: r.truncated,
                parsed: OnceLock::new(),
            }),
            Err(failure) => Err(failure.clone()),
        };
        Self { request: self.request.clone(), outcome, duration: self.duration, started: self.started }
    }

    /// The response body as JSON, if it was JSON.
    pub fn json(&self) -> Option<&Value> {
        self.response().and_then(Response::json)
    }
}

/// A request exactly as it was written to the socket.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `GET`, `POST`, … in upper case.
    pub method: String,
    /// The whole URL as sent, query included.
    pub url: String,
    /// The path below the base URL as sent (still percent-encoded), e.g. `/Users/42`; never with the query.
    pub path: String,
    /// The query as sent, without `?`.
    pub query: Option<String>,
    /// Header names as sent, values in clear: reports go through `report::redact`.
    pub headers: Vec<(String, String)>,
    /// Body bytes as sent.
    pub body: Option<Vec<u8>>,
    /// What the credentials of this request were.
    pub auth: AuthKind,
}

/// Which credentials a request carried. Rules need to know without seeing the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AuthKind {
    /// The credentials that the target was configured with.
    #[default]
    Configured,
    /// No `Authorization` header at all.
    None,
    /// `Authorization: Bearer ` without a token.
    EmptyBearer,
    /// A well-formed bearer token that nobody issued.
    Wrong,
    /// The right token under a scheme that the server did not ask for.
    WrongScheme,
    /// The right token with the scheme written `bearer`.
    LowercaseScheme,
    /// The right token in the query (`?access_token=`), no header.
    Query,
    /// The second tenant's credentials (`--other-token-env`).
    Other,
    /// The right secret without its last character.
    CutShort,
    /// The right secret and some characters more.
    Lengthened,
    /// The right secret with its letters in the other case.
    OtherCase,
}

impl AuthKind {
    /// Kinds whose secret is the right one, changed.
    pub const CHANGED: [Self; 3] = [Self::CutShort, Self::Lengthened, Self::OtherCase];

    /// True for credentials that nobody has.
    pub fn is_nobodys(self) -> bool {
        matches!(self, Self::None | Self::EmptyBearer | Self::Wrong) || Self::CHANGED.contains(&self)
    }

    /// The secret as this kind changes it (tokens are compared byte by byte, RFC 6750 §2.1); `None` where it changes nothing, and
    /// for secrets so short that a part of one stands in many innocent texts.
    pub fn change(self, secret: &str) -> Option<String> {
        const SHORTEST: usize = 8;
        let other = |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        // The padding of base64 is no part of what it says, and a reader may do without it or stop at it.
        let core = secret.trim_end_matches('=');
        let changed = match self {
            Self::CutShort => core.strip_suffix(|_: char| true)?.to_owned(),
            // Whole groups of base64: a reader of such texts that leaves out what is no group would not see fewer.
            Self::Lengthened => format!("{core}scimmore{}", &secret[core.len()..]),
            Self::OtherCase => secret.chars().map(other).collect(),
            _ => return None,
        };
        (secret.len() >= SHORTEST && changed != secret).then_some(changed)
    }
}

impl Request {
    /// First header of that name, without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find_header(&self.headers, name)
    }

    /// The body as JSON; `None` without a body or when it is not JSON.
    pub fn json(&self) -> Option<Value> {
        self.body.as_deref().and_then(|b| serde_json::from_slice(b).ok())
    }

    /// Decoded value of a query parameter: `+` and `%20` are both a space, as in HTML forms.
    pub fn query_param(&self, name: &str) -> Option<String> {
        let query = self.query.as_deref()?;
        url::form_urlencoded::parse(query.as_bytes()).find(|(k, _)| k == name).map(|(_, v)| v.into_owned())
    }

    /// Path segments below the base URL, percent-decoded: `/Users/42` → `["Users", "42"]`.
    pub fn segments(&self) -> Vec<String> {
        self.path.split('/').filter(|s| !s.is_empty()).map(percent_decode).collect()
    }
}

/// A response exactly as it was read from the socket.
#[derive(Debug, Clone)]
pub struct Response {
    /// HTTP status code.
    pub status: u16,
    /// Headers in order of arrival; bytes that are no text are replaced.
    pub headers: Vec<(String, String)>,
    /// The body, at most as long as the run's limit.
    pub body: Vec<u8>,
    /// True when the body was longer than the limit or the connection ended early.
    pub truncated: bool,
    parsed: OnceLock<Option<Value>>,
}

impl Response {
    /// A response from its parts.
    pub fn new(status: u16, headers: Vec<(String, String)>, body: Vec<u8>) -> Self {
        Self { status, headers, body, truncated: false, parsed: OnceLock::new() }
    }

    /// First header of that name, without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find_header(&self.headers, name)
    }

    /// The media type of `Content-Type`, lower case, without parameters.
    pub fn media_type(&self) -> Option<String> {
        let value = self.header("content-type")?;
        Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }

    /// The body as JSON, parsed once; `None` when it is empty or not JSON.
    pub fn json(&self) -> Option<&Value> {
        self.parsed.get_or_init(|| parse_bounded(&self.body)).as_ref()
    }

    /// True when the body begins with a byte order mark.
    pub fn marked(&self) -> bool {
        self.body.starts_with(BYTE_ORDER_MARK)
    }

    /// The body as text, for people.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

/// Values in one body. One byte of JSON can make 70 bytes of memory; a group with 150,000 members and four texts for each
/// is within the bound.
const MOST_VALUES: usize = 1_000_000;

/// True for a body that would become too much memory when it is parsed. Counts generously: marks inside of texts count too.
pub fn too_many_values(body: &[u8]) -> bool {
    // Below, the body is too short to hold so many.
    body.len() > MOST_VALUES && body.iter().filter(|b| matches!(b, b',' | b'[' | b'{')).count() > MOST_VALUES
}

/// U+FEFF in UTF-8, which no JSON text may begin with (RFC 8259 §8.1) and many a client reads over.
pub const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

fn parse_bounded(body: &[u8]) -> Option<Value> {
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    if too_many_values(body) {
        return None;
    }
    // serde_json's own recursion limit (128) guards the stack against deep JSON from a hostile server.
    serde_json::from_slice(body).ok()
}

/// Why no response could be read. The text is for people; the kind decides what to try next.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct TransportFailure {
    /// What kind of failure it was.
    pub kind: FailureKind,
    /// What happened, in the user's words, without secrets.
    pub message: String,
    /// True when the server hung up, answered another request, and hung up again when this one was sent once more.
    pub repeated: bool,
}

/// Kinds of transport failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The host name has no address.
    Dns,
    /// Nobody listens there.
    Refused,
    /// TLS could not be agreed on, or the certificate is not trusted.
    Tls,
    /// No complete answer within the time limit.
    Timeout,
    /// The connection ended before the answer was complete.
    Closed,
    /// What came back is not HTTP, or its framing is broken.
    Protocol,
    /// The request could not be built or was refused by a guard of ours.
    Refusal,
}

fn find_header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
}

/// Percent-decodes one path segment; invalid sequences stay as they are.
pub fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let hex = (bytes[i] == b'%').then(|| text.get(i + 1..i + 3)).flatten();
        match hex.and_then(|h| u8::from_str_radix(h, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                i += 3;
            }
            None => {
                out.push(bytes[i]);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
