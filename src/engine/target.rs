//! Whom we talk to and within which bounds, and how a path below the base URL becomes the URL on the wire.
//!
//! Must not send anything. The base URL is a fence: whatever the server calls its ids, no request leaves it.

use super::auth::Credentials;
use super::error::{EngineError, Site};
use super::tls::TlsOptions;
use crate::exchange::{TransportFailure, percent_decode};
use secrecy::SecretString;
use std::time::Duration;
use url::{Host, Url};

/// The server under test and how to reach it.
#[derive(Debug, Clone)]
pub struct Target {
    /// Everything is sent below this URL. A query in it is added to every request.
    pub base_url: Url,
    /// How requests are signed.
    pub credentials: Credentials,
    /// The second tenant, for [`crate::exchange::AuthKind::Other`].
    pub other: Option<Credentials>,
    /// Bounds of one exchange.
    pub limits: Limits,
    /// Trust and client certificate.
    pub tls: TlsOptions,
    /// Headers from the command line: they replace those of the profile.
    pub extra_headers: Vec<(String, String)>,
    /// Requests per second over the whole run.
    pub rate: Option<f64>,
    /// Way out of the house.
    pub proxy: ProxyChoice,
}

impl Target {
    /// A target without credentials and with default bounds.
    pub fn new(base_url: Url) -> Self {
        Self {
            base_url,
            credentials: Credentials::None,
            other: None,
            limits: Limits::default(),
            tls: TlsOptions::default(),
            extra_headers: Vec::new(),
            rate: None,
            proxy: ProxyChoice::System,
        }
    }

    /// Checks the base URL and moves user and password out of it into the credentials.
    pub(super) fn settle(mut self) -> Result<Self, EngineError> {
        let mut shown = self.base_url.clone();
        // Both only fail for URLs that cannot have them, where there is nothing to remove.
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        shown.set_query(None);
        let refuse = |why: &str| Err(EngineError::BaseUrl { url: shown.to_string(), why: why.into() });
        if !matches!(self.base_url.scheme(), "http" | "https") || !self.base_url.has_host() {
            return refuse("it must begin with https:// or http://");
        }
        if self.base_url.fragment().is_some() {
            return refuse("the part after # is never sent; leave it out");
        }
        if !self.base_url.username().is_empty() || self.base_url.password().is_some() {
            if !matches!(self.credentials, Credentials::None) {
                return refuse("it holds a user name, and other credentials are given as well");
            }
            let password = percent_decode(self.base_url.password().unwrap_or_default());
            self.credentials = Credentials::Basic {
                user: percent_decode(self.base_url.username()),
                password: SecretString::from(password),
            };
            let _ = self.base_url.set_username("");
            let _ = self.base_url.set_password(None);
        }
        if self.rate.is_some_and(|r| !(r.is_finite() && r > 0.0)) {
            return refuse("the rate must be a number of requests per second above 0");
        }
        Ok(self)
    }

    /// Scheme, host and port: all that a message needs.
    pub fn origin(&self) -> String {
        self.base_url.origin().ascii_serialization()
    }

    /// The base path without a slash at its end.
    fn prefix(&self) -> &str {
        self.base_url.path().trim_end_matches('/')
    }

    /// The URL that goes out for `target` (path and query below the base URL), or why it must not.
    pub(super) fn join(&self, target: &str, site: &Site) -> Result<Url, TransportFailure> {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        if target.chars().any(char::is_control) || target.contains('#') || path.contains('\\') {
            return Err(site.refusal(
                "the path holds a character that cannot be sent as it is; it must be percent-encoded".into(),
            ));
        }
        // url::Url would resolve these, also in their encoded spelling, and the request would go somewhere else.
        if path.split('/').any(|s| matches!(percent_decode(s).as_str(), "." | "..")) {
            return Err(site.refusal("a `.` or `..` in the path would leave the base URL".into()));
        }
        let slash = if path.is_empty() || path.starts_with('/') { "" } else { "/" };
        let mut text = format!("{}{}{slash}{path}", self.origin(), self.prefix());
        let queries: Vec<&str> = query.into_iter().chain(self.base_url.query()).collect();
        if !queries.is_empty() {
            text.push('?');
            text.push_str(&queries.join("&"));
        }
        let url = Url::parse(&text).map_err(|e| site.refusal(format!("the URL cannot be built: {e}")))?;
        let below = url.path().strip_prefix(self.prefix());
        let inside = below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if !inside || url.origin() != self.base_url.origin() {
            return Err(site.refusal("the request would leave the base URL".into()));
        }
        Ok(url)
    }

    /// The path below the base URL of a URL made by [`Target::join`].
    pub(super) fn path_below(&self, url: &Url) -> String {
        url.path()[self.prefix().len()..].to_owned()
    }
}

/// Bounds of one exchange: the server under test is untrusted.
#[derive(Debug, Clone)]
pub struct Limits {
    /// From the start of the request to the end of the answer.
    pub timeout: Duration,
    /// Body bytes kept, before and after decompression.
    pub max_body: usize,
    /// All header names and values of a response together.
    pub max_header_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(30), max_body: 16 << 20, max_header_bytes: 256 << 10 }
    }
}

/// Which proxy to use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ProxyChoice {
    /// What the system and the environment say, but never for this machine itself.
    #[default]
    System,
    /// None.
    Direct,
    /// This one, for everything.
    Url(String),
}

/// True for addresses of this machine, which no proxy elsewhere could reach.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_unspecified(),
        Some(Host::Ipv6(ip)) => ip.is_loopback() || ip.is_unspecified(),
        None => false,
    }
}

/// One path segment from foreign text (a server-made id): everything but letters, digits, `-._~` and `@` is percent-encoded.
pub fn encode_segment(text: &str) -> String {
    encode_with(text, b"-._~@")
}

/// A query value: everything but letters, digits and `-._~` is percent-encoded.
pub(crate) fn encode_query_value(text: &str) -> String {
    encode_with(text, b"-._~")
}

fn encode_with(text: &str, keep: &[u8]) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || keep.contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing to a String cannot fail");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(base: &str) -> Target {
        Target::new(Url::parse(base).unwrap()).settle().unwrap()
    }

    fn joined(base: &str, path: &str) -> Option<String> {
        let site = Site { what: String::new(), origin: String::new(), option: "" };
        target(base).join(path, &site).ok().map(String::from)
    }

    #[test]
    fn the_spelling_of_a_query_survives() {
        for text in [
            "/Users?filter=userName%20eq%20%22a%40b%22",
            "/Users?filter=userName+eq+%22a%22&startIndex=1",
            "/Groups/1?attributes=members%5bvalue+eq+%221%22%5d",
            "/Users?filter=emails[type%20eq%20%22work%22].value&count=",
            "/Users/a%2Fb%3Fc%23d?",
        ] {
            assert_eq!(
                joined("https://example.com/scim/v2/", text),
                Some(format!("https://example.com/scim/v2{text}"))
            );
        }
    }

    #[test]
    fn a_base_without_path_and_a_base_with_query_work() {
        assert_eq!(joined("http://localhost:1", "/Users").unwrap(), "http://localhost:1/Users");
        assert_eq!(joined("http://localhost:1/s", "").unwrap(), "http://localhost:1/s");
        assert_eq!(joined("http://localhost:1/s", "Users").unwrap(), "http://localhost:1/s/Users");
        assert_eq!(
            joined("http://localhost:1/s?t=7", "/Users?count=1").unwrap(),
            "http://localhost:1/s/Users?count=1&t=7"
        );
    }

    #[test]
    fn no_path_leaves_the_base() {
        for path in [
            "/../x",
            "/Users/..",
            "/Users/%2e%2E/y",
            "/Users/.%2e",
            "/./Users",
            "/Users/a\nb",
            "/Users#x",
            "/Users\\..\\x",
        ] {
            assert_eq!(joined("http://localhost:1/scim/v2", path), None, "{path}");
        }
        assert_eq!(joined("http://localhost:1", "@example.org/x").unwrap(), "http://localhost:1/@example.org/x");
        assert_eq!(joined("http://localhost:1", "//example.org/x").unwrap(), "http://localhost:1//example.org/x");
    }

    #[test]
    fn user_and_password_move_into_the_credentials() {
        let target = target("http://al%40ice:p%3Aw@localhost/");
        assert_eq!(target.base_url.as_str(), "http://localhost/");
        assert!(matches!(&target.credentials, Credentials::Basic { user, .. } if user == "al@ice"));
    }

    #[test]
    fn unusable_base_urls_are_refused_without_showing_the_password() {
        for base in ["ftp://u:hidden@localhost/", "http://u:hidden@localhost/#x", "mailto:a@example.com"] {
            let error = Target::new(Url::parse(base).unwrap()).settle().unwrap_err();
            assert!(!error.to_string().contains("hidden"), "{error}");
        }
    }

    #[test]
    fn hostile_ids_stay_one_segment() {
        assert_eq!(encode_segment("a/../b?c#d \"é"), "a%2F..%2Fb%3Fc%23d%20%22%C3%A9");
    }

    #[test]
    fn loopback_is_recognised() {
        for (url, is) in [
            ("http://localhost:8", true),
            ("http://127.0.0.9", true),
            ("http://[::1]:80", true),
            ("http://api.localhost", true),
            ("http://example.com", false),
            ("http://localhost.example.com", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), is, "{url}");
        }
    }
}
