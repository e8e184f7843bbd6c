//! What can go wrong before and while talking to the server, in the user's words and without secrets.
//!
//! Must not know what was being tested: it gets a site (method, path, origin) and a cause, and says what to try.

use crate::exchange::{FailureKind, TransportFailure};
use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

/// Why the engine could not be set up or could not go on. Failures of single requests are [`TransportFailure`]s.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The base URL cannot be one.
    #[error("the base URL `{url}` cannot be used: {why}")]
    BaseUrl {
        /// The URL, user and password removed.
        url: String,
        /// Reason.
        why: String,
    },
    /// A header of the command line or configuration cannot be sent.
    #[error("the header `{name}` cannot be sent: {why}")]
    Header {
        /// Its name.
        name: String,
        /// Reason.
        why: String,
    },
    /// The credentials contradict themselves or cannot be sent.
    #[error("the credentials cannot be used: {0}")]
    Credentials(String),
    /// A secret could not be read.
    #[error("no secret from {from}: {why}")]
    Secret {
        /// Which environment variable, file or command.
        from: String,
        /// Reason.
        why: String,
    },
    /// A certificate or key file cannot be used.
    #[error("the {what} `{}` cannot be used: {why}", file.display())]
    Tls {
        /// `CA file`, `client certificate`, `client key`.
        what: &'static str,
        /// The file.
        file: PathBuf,
        /// Reason.
        why: String,
    },
    /// The HTTP client cannot be built.
    #[error("the HTTP client could not be set up: {0}")]
    Client(String),
    /// No access token.
    #[error("{0}")]
    SignIn(TransportFailure),
    /// The journal could not be read or written.
    #[error("the journal `{}` {doing}: {source}", path.display())]
    Journal {
        /// The file or folder.
        path: PathBuf,
        /// `could not be written`, …
        doing: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file is no journal, or that of another server.
    #[error("the journal `{}` cannot be used: {why}", path.display())]
    NotAJournal {
        /// The file.
        path: PathBuf,
        /// Reason.
        why: String,
    },
}

/// The request a failure belongs to, as a user would name it; never with the query, which may hold personal data or a token.
#[derive(Debug, Clone)]
pub(super) struct Site {
    /// `GET /Users/42`, or `the sign-in`.
    pub what: String,
    /// `https://scim.example.com:8443`.
    pub origin: String,
    /// Which option to look at when the address is wrong.
    pub option: &'static str,
}

impl Site {
    fn failure(&self, kind: FailureKind, happened: String, advice: &str) -> TransportFailure {
        let mut message = format!("{}: {happened}.", self.what);
        if !advice.is_empty() {
            message.push(' ');
            message.push_str(advice);
        }
        TransportFailure { kind, message, repeated: false }
    }

    /// The deadline passed; `after` is what had arrived by then.
    pub(super) fn timeout(&self, limit: Duration, after: &str) -> TransportFailure {
        let happened = format!("{} did not finish its answer within {} s ({after})", self.origin, limit.as_secs_f64());
        self.failure(FailureKind::Timeout, happened, "If the server is only slow, raise --timeout.")
    }

    /// The answer's framing or encoding is broken in a way that the client library does not report.
    pub(super) fn protocol(&self, happened: String) -> TransportFailure {
        self.failure(FailureKind::Protocol, happened, "")
    }

    /// We do not send this.
    pub(super) fn refusal(&self, why: String) -> TransportFailure {
        self.failure(FailureKind::Refusal, format!("not sent: {why}"), "")
    }

    /// Turns an error of the client library into the user's words. `after` tells what had arrived, e.g. `after status 200`.
    pub(super) fn describe(&self, error: reqwest::Error, after: Option<String>) -> TransportFailure {
        let error = error.without_url();
        let chain = chain_text(&error);
        let kind = kind_of(&error, &chain.to_ascii_lowercase());
        let (text, advice) = self.words(kind, &chain);
        let when = after.map(|a| format!(" {a}")).unwrap_or_default();
        self.failure(kind, format!("{text}{when} ({chain})"), &advice)
    }

    fn words(&self, kind: FailureKind, chain: &str) -> (String, String) {
        let origin = &self.origin;
        match kind {
            FailureKind::Dns => (
                format!("the host name of {origin} has no address"),
                format!("Check the spelling of {}, and whether a VPN or a proxy is needed.", self.option),
            ),
            FailureKind::Refused if chain.contains("tunnel") || chain.contains("proxy") => (
                format!("the proxy gave no way to {origin}"),
                "Check HTTPS_PROXY, NO_PROXY and the proxy's access rules.".into(),
            ),
            FailureKind::Refused => (
                format!("nothing accepts connections at {origin}"),
                format!("Is the server running, and are host and port of {} right?", self.option),
            ),
            FailureKind::Tls => (format!("no TLS connection to {origin}"), tls_advice(chain)),
            FailureKind::Timeout => (
                format!("no connection to {origin} in time"),
                "Is there a firewall in between? If the server is only slow, raise --timeout.".into(),
            ),
            // TLS 1.3 lets a client finish its handshake before the server has looked at the certificate (RFC 8446 §4.4.2.4).
            FailureKind::Closed if origin.starts_with("https:") && chain.contains("not ready") => (
                format!("{origin} closed the connection before a request could be sent"),
                "A server does that when it does not take the client certificate, or asks for one: see --client-cert."
                    .into(),
            ),
            FailureKind::Closed => (
                format!("{origin} closed the connection before its answer was complete"),
                "Look for a crash or a Content-Length that is too large in the server's log.".into(),
            ),
            FailureKind::Protocol if chain.contains("head is too large") => {
                (format!("{origin} sent more headers than are read"), String::new())
            }
            FailureKind::Protocol if origin.starts_with("http:") && chain.contains("HTTP version") => (
                format!("what {origin} sent is not valid HTTP"),
                "If this port speaks TLS, write https:// in the URL.".into(),
            ),
            FailureKind::Protocol => (format!("what {origin} sent is not valid HTTP"), String::new()),
            FailureKind::Refusal => ("the request could not be built".into(), String::new()),
        }
    }
}

fn tls_advice(chain: &str) -> String {
    let chain = chain.to_ascii_lowercase();
    let advice = if chain.contains("invalidcontenttype") || chain.contains("corrupt message") {
        "If this port speaks plain HTTP, write http:// in the URL."
    } else if chain.contains("certificaterequired") || chain.contains("certificate required") {
        "The server asks for a client certificate: give --client-cert and --client-key."
    } else if chain.contains("unknownissuer")
        || chain.contains("selfsigned")
        || chain.contains("caused by an invalid ca")
    {
        "If the certificate comes from your own CA, give its certificate with --ca-file."
    } else if chain.contains("notvalidforname") || chain.contains("not valid for name") {
        "The certificate belongs to another host name: use that name in the URL."
    } else if chain.contains("expired") {
        "The certificate has expired: renew it, or check this machine's clock."
    } else {
        "Check the server's TLS set-up; --ca-file adds a CA, --insecure accepts any certificate on a test system."
    };
    advice.into()
}

/// What the client library's layers say about each other, and tells a user nothing.
const WRAPPERS: [&str; 6] = [
    "error sending request",
    "error decoding response body",
    "error reading a body from connection",
    "client error (SendRequest)",
    "client error (Connect)",
    "connection error",
];

/// The whole chain of causes in one line; causes that only repeat the one before are left out.
fn chain_text(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let text = cause.to_string();
        next = cause.source();
        if next.is_some() && WRAPPERS.contains(&text.as_str()) {
            continue;
        }
        if !parts.iter().any(|p| p.contains(&text)) {
            parts.push(text);
        }
    }
    clean_text(&parts.join(": "), 600)
}

fn kind_of(error: &reqwest::Error, chain: &str) -> FailureKind {
    if let Some(kind) = kind_from_io(error) {
        return kind;
    }
    let says = |needles: &[&str]| needles.iter().any(|n| chain.contains(n));
    if error.is_builder() {
        FailureKind::Refusal
    } else if error.is_timeout() {
        FailureKind::Timeout
    } else if says(&["dns error", "failed to lookup"]) {
        FailureKind::Dns
    } else if says(&["certificate", "handshake", "received corrupt message", "fatal alert", "tls"]) {
        FailureKind::Tls
    } else if says(&["tunnel", "proxy", "socks"]) {
        FailureKind::Refused
    } else if says(&[
        "before message",
        "unexpected eof",
        "end of file",
        "connection closed",
        "connection reset",
        "broken pipe",
        "connection was not ready",
    ]) {
        FailureKind::Closed
    } else if error.is_connect() {
        FailureKind::Refused
    } else {
        FailureKind::Protocol
    }
}

/// Looks through the causes for what the system or rustls said; their types are surer than any text.
fn kind_from_io(error: &reqwest::Error) -> Option<FailureKind> {
    let mut found = None;
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(cause) = next {
        if cause.is::<rustls::Error>() {
            return Some(FailureKind::Tls);
        }
        next = cause.source();
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            found = found.or(kind_of_io(io));
            // An io::Error hides what it wraps from source(): ask for it.
            if let Some(inner) = io.get_ref() {
                next = Some(inner);
            }
        }
    }
    match found {
        // rustls ends a handshake that the other side drops with "tls handshake eof".
        Some(FailureKind::Closed) if error.is_connect() && chain_text(error).contains("tls") => Some(FailureKind::Tls),
        Some(FailureKind::Closed) if error.is_connect() => Some(FailureKind::Closed),
        other => other,
    }
}

fn kind_of_io(io: &std::io::Error) -> Option<FailureKind> {
    use std::io::ErrorKind as K;
    match io.kind() {
        K::ConnectionRefused | K::HostUnreachable | K::NetworkUnreachable | K::AddrNotAvailable | K::NetworkDown => {
            Some(FailureKind::Refused)
        }
        K::ConnectionReset | K::ConnectionAborted | K::BrokenPipe | K::UnexpectedEof | K::NotConnected => {
            Some(FailureKind::Closed)
        }
        K::TimedOut => Some(FailureKind::Timeout),
        _ => None,
    }
}

/// Foreign text on its way to a message: one line, no control characters, at most `max` characters.
pub(super) fn clean_text(text: &str, max: usize) -> String {
    let mut out: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(max).collect();
    if text.chars().nth(max).is_some() {
        out.push('…');
    }
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_keeps_no_escape_sequence() {
        assert_eq!(clean_text("a\u{1b}[31mb\r\nc", 40), "a [31mb  c");
        assert_eq!(clean_text("abcdef", 3), "abc…");
    }

    #[test]
    fn a_timeout_names_request_place_and_option() {
        let site = Site { what: "GET /Users".into(), origin: "http://localhost:1".into(), option: "--base-url" };
        let failure = site.timeout(Duration::from_secs(30), "nothing arrived");
        assert_eq!(failure.kind, FailureKind::Timeout);
        assert_eq!(
            failure.message,
            "GET /Users: http://localhost:1 did not finish its answer within 30 s (nothing arrived). \
             If the server is only slow, raise --timeout."
        );
    }
}
