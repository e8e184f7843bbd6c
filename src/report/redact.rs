//! The one door through which requests and responses leave: secrets are replaced here, and only here are headers printed.
//!
//! Must not know report formats. Whoever builds a [`RequestReport`] builds it here.

use super::needles::Needles;
pub use super::needles::{LateSecrets, MASK};
use super::text;
use crate::event::{RequestReport, ResponseReport};
use crate::exchange::Exchange;
use regex::Regex;
use serde_json::{Map, Value};

/// How much of a body a report keeps.
pub const BODY_LIMIT: usize = 64 * 1024;

/// A body that is nested deeper stays text: readers of JSON have limits of their own (ours is 128), and a body stands some levels
/// deep in the report.
const DEEPEST: usize = 100;

/// Headers whose value is a secret whatever it is.
pub const SECRET_HEADERS: &[&str] =
    &["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-auth-token"];

/// Query parameters whose value is a secret whatever it is (RFC 6750 §2.3 and habits).
pub const SECRET_PARAMETERS: &[&str] = &["access_token", "token", "api_key", "password", "client_secret"];

/// Replaces every configured secret, in whatever form it comes back.
#[derive(Clone, Default)]
pub struct Redactor {
    known: Needles,
    late: LateSecrets,
    headers: Vec<String>,
    body_limit: Option<usize>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} texts)", self.known.secrets.len() + self.late.read().secrets.len())
    }
}

impl Redactor {
    /// Knows these secrets. For basic authentication give `user:password` and the password on its own.
    pub fn new(secrets: Vec<String>) -> Self {
        Self { known: Needles::new(secrets), ..Self::default() }
    }

    /// Shares a list of secrets that somebody else adds to.
    pub fn with_late(mut self, late: LateSecrets) -> Self {
        self.late = late;
        self
    }

    /// Where secrets go that are not known yet.
    pub fn late(&self) -> LateSecrets {
        self.late.clone()
    }

    /// These headers carry secrets too (custom authentication headers).
    pub fn secret_headers(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.headers.extend(names.into_iter().map(|n| n.to_ascii_lowercase()));
        self
    }

    /// Keeps another number of body bytes than [`BODY_LIMIT`]; 0 keeps no body.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = Some(bytes);
        self
    }

    /// Text without secrets.
    pub fn text(&self, text: &str) -> String {
        let late = self.late.read();
        if self.known.are(text) || late.are(text) {
            return MASK.to_owned();
        }
        let mut out = text.to_owned();
        self.known.replace(&mut out);
        late.replace(&mut out);
        out
    }

    /// JSON without secrets and without the values of password attributes (RFC 7643 §7: returned "never").
    pub fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(s) => Value::String(self.text(s)),
            Value::Array(items) => Value::Array(items.iter().map(|v| self.value(v)).collect()),
            Value::Object(map) => Value::Object(self.object(map)),
            // A secret of digits alone may come back as a number.
            Value::Number(n) if self.is_form(&n.to_string()) => MASK.into(),
            other => other.clone(),
        }
    }

    fn is_form(&self, text: &str) -> bool {
        self.known.forms.iter().chain(&self.late.read().forms).any(|n| n == text)
    }

    fn object(&self, map: &Map<String, Value>) -> Map<String, Value> {
        let targets_password =
            map.iter().any(|(k, v)| k.eq_ignore_ascii_case("path") && v.as_str().is_some_and(is_password_path));
        map.iter()
            .map(|(k, v)| {
                let secret = is_password_path(k) || (targets_password && k.eq_ignore_ascii_case("value"));
                let value = if secret { masked(v) } else { self.value(v) };
                (self.text(k), value)
            })
            .collect()
    }

    /// Text that was to be JSON and is not: without secrets and without what follows `"password":`.
    pub fn broken(&self, text: &str) -> String {
        mask_password_members(&self.text(text))
    }

    /// Headers without secrets. An authorization keeps its scheme, because the scheme may be what is wrong.
    pub fn headers(&self, headers: &[(String, String)]) -> Vec<(String, String)> {
        headers
            .iter()
            .map(|(name, value)| {
                let lower = name.to_ascii_lowercase();
                let secret = SECRET_HEADERS.contains(&lower.as_str()) || self.headers.contains(&lower);
                let value = match () {
                    () if !secret => self.text(value),
                    () if lower.ends_with("authorization") => mask_credentials(value),
                    () if value.is_empty() => String::new(),
                    () => MASK.to_owned(),
                };
                (name.clone(), value)
            })
            .collect()
    }

    /// A URL without secrets: user information and parameters that carry tokens are replaced.
    pub fn url(&self, url: &str) -> String {
        let url = self.text(url);
        let url = mask_user_information(&url);
        let Some((before, query)) = url.split_once('?') else {
            return url;
        };
        let pairs: Vec<String> = query
            .split('&')
            .map(|pair| match pair.split_once('=') {
                Some((k, _)) if SECRET_PARAMETERS.iter().any(|p| k.eq_ignore_ascii_case(p)) => {
                    format!("{k}={MASK}")
                }
                _ => pair.to_owned(),
            })
            .collect();
        format!("{before}?{}", pairs.join("&"))
    }

    /// The request of an exchange, fit for a report.
    pub fn request_report(&self, exchange: &Exchange) -> RequestReport {
        let request = &exchange.request;
        RequestReport {
            method: request.method.clone(),
            url: self.url(&request.url),
            headers: self.headers(&request.headers),
            body: request.body.as_deref().and_then(|bytes| self.body(bytes, || serde_json::from_slice(bytes).ok())),
        }
    }

    /// The response of an exchange, fit for a report; `None` when none came.
    pub fn response_report(&self, exchange: &Exchange) -> Option<ResponseReport> {
        let response = exchange.response()?;
        Some(ResponseReport {
            status: response.status,
            headers: self.headers(&response.headers),
            body: self.body(&response.body, || response.json().cloned()),
            size: response.body.len(),
        })
    }

    fn body(&self, bytes: &[u8], json: impl FnOnce() -> Option<Value>) -> Option<Value> {
        let limit = self.body_limit.unwrap_or(BODY_LIMIT);
        if bytes.is_empty() || limit == 0 {
            return None;
        }
        if bytes.len() <= limit
            && let Some(value) = json()
            && shallow(&value, DEEPEST)
        {
            return Some(self.value(&value));
        }
        // Replaced before it is cut, with room for a secret that lies across the cut.
        let longest = self.known.longest().max(self.late.read().longest());
        let kept = &bytes[..bytes.len().min(limit + longest + 256)];
        let clean = self.broken(&String::from_utf8_lossy(kept));
        if bytes.len() <= limit {
            return Some(Value::String(clean));
        }
        // What stands at the very end may be the first half of a secret.
        let cut = text::prefix(&clean, limit.min(clean.len().saturating_sub(longest)));
        let note = format!("\n… [cut: {} of {} bytes shown]", cut.len(), bytes.len());
        Some(Value::String(format!("{cut}{note}")))
    }
}

/// True when nothing in it is nested deeper than `levels`.
fn shallow(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels > 0 && items.iter().all(|v| shallow(v, levels - 1)),
        Value::Object(map) => levels > 0 && map.values().all(|v| shallow(v, levels - 1)),
        _ => true,
    }
}

/// `password`, also with a schema URN before it.
pub fn is_password_path(path: &str) -> bool {
    let name = path.rsplit(':').next().unwrap_or(path).trim();
    name.eq_ignore_ascii_case("password")
}

/// Keeps null and empty apart from a real value: a rule may be about exactly that.
fn masked(value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::String(s) if s.is_empty() => Value::String(String::new()),
        _ => MASK.into(),
    }
}

fn mask_credentials(value: &str) -> String {
    match value.split_once(' ') {
        Some((scheme, rest)) if scheme.chars().all(|c| c.is_ascii_alphabetic()) => {
            let rest = if rest.trim().is_empty() { "" } else { MASK };
            format!("{scheme} {rest}").trim_end().to_owned()
        }
        _ if value.is_empty() => String::new(),
        _ => MASK.to_owned(),
    }
}

fn mask_user_information(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{MASK}{}", &rest[at..]),
        None => url.to_owned(),
    }
}

/// For bodies that are no JSON (cut, broken): the text after `"password":` is replaced.
fn mask_password_members(text: &str) -> String {
    use std::sync::LazyLock;
    static MEMBER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?i)("(?:[a-z0-9:._-]*:)?password"\s*:\s*)"(?:[^"\\]|\\.)*"?"#).expect("a fixed pattern")
    });
    MEMBER.replace_all(text, format!("${{1}}\"{MASK}\"")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{Request, Response};
    use base64::Engine as _;
    use proptest::prelude::*;
    use serde_json::json;

    fn exchange(url: &str, body: &str, answer: &[u8]) -> Exchange {
        Exchange {
            request: Request {
                method: "POST".into(),
                url: url.into(),
                headers: vec![
                    ("Authorization".into(), "Bearer s3cr3t/token=".into()),
                    ("X-Tenant-Key".into(), "abc".into()),
                ],
                body: Some(body.as_bytes().to_vec()),
                ..Request::default()
            },
            outcome: Ok(Response::new(
                200,
                vec![("Set-Cookie".into(), "sid=1".into()), ("X-Echo".into(), "s3cr3t/token=".into())],
                answer.to_vec(),
            )),
            duration: std::time::Duration::ZERO,
            started: None,
        }
    }

    fn redactor() -> Redactor {
        Redactor::new(vec!["s3cr3t/token=".into()]).secret_headers(["X-Tenant-Key".to_owned()])
    }

    #[test]
    fn secrets_do_not_leave_in_any_form() {
        let base64 = base64::engine::general_purpose::STANDARD.encode("s3cr3t/token=");
        let answer = format!(
            r#"{{"echo":"s3cr3t\/token=","url":"s3cr3t%2Ftoken%3D","low":"s3cr3t%2ftoken%3d","b":"{base64}"}}"#
        );
        let e = exchange(
            "https://me:pw@app.example.com/Users?access_token=zzz&x=s3cr3t%2Ftoken%3D",
            r#"{"password":"hunter22","Operations":[{"op":"replace","path":"urn:ietf:params:scim:schemas:core:2.0:User:password","value":"hunter22"}]}"#,
            answer.as_bytes(),
        );
        let r = redactor();
        let all = serde_json::to_string(&(r.request_report(&e), r.response_report(&e))).expect("JSON");
        for secret in ["s3cr3t", "hunter22", "sid=1", "\"abc\"", "zzz", "me:pw", &base64[..8]] {
            assert!(!all.contains(secret), "{secret} in {all}");
        }
        assert!(all.contains("Bearer [secret]"));
    }

    #[test]
    fn broken_and_long_bodies_lose_their_secrets_too() {
        let long = format!("{}s3cr3t/token={}", "x".repeat(BODY_LIMIT - 5), "y".repeat(100));
        let e = exchange("https://a/", "{\"password\": \"hunter22\", broken", long.as_bytes());
        let request = redactor().request_report(&e).body.expect("kept");
        assert_eq!(request, json!("{\"password\": \"[secret]\", broken"));
        let response = redactor().response_report(&e).expect("there").body.expect("kept");
        let text = response.as_str().expect("text");
        assert!(!text.contains("s3cr"), "cut through the secret");
        assert!(text.ends_with(&format!("of {} bytes shown]", long.len())));
        assert!(text.len() <= BODY_LIMIT + 64);
    }

    #[test]
    fn a_deep_body_can_be_read_back_from_the_report() {
        for depth in [50, 110, 127] {
            let body = "[".repeat(depth) + &"]".repeat(depth);
            let report = redactor().response_report(&exchange("https://a/", "", body.as_bytes())).expect("there");
            let text = json!({ "a": [{ "b": [{ "c": report }] }] }).to_string();
            assert!(serde_json::from_str::<Value>(&text).is_ok(), "{depth}");
            assert_eq!(report.body.expect("kept").is_string(), depth > DEEPEST);
        }
    }

    #[test]
    fn what_is_escaped_in_part_or_twice_is_found() {
        let r = Redactor::new(vec!["a+b/c~d=\"é f".into()]);
        for text in [
            "a+b%2Fc~d=%22%C3%A9%20f",
            "a%2bb/c~d%3D\\\"\\u00e9 f",
            "a%252Bb%252Fc~d%253D%2522%25c3%25a9+f",
            "a+b\\/c~d=&quot;é f",
        ] {
            assert_eq!(r.text(&format!("<{text}>")), "<[secret]>", "{text}");
        }
        assert_eq!(r.text("a+b/c~d= f"), "a+b/c~d= f");
    }

    #[test]
    fn a_secret_that_comes_late_is_replaced_from_then_on() {
        let r = redactor();
        let copy = r.clone();
        assert_eq!(copy.text("x l4te-token s3cr3t/token="), "x l4te-token [secret]");
        r.late().add("l4te-token");
        r.late().add("l4te/other");
        assert_eq!(copy.text("x l4te-token l4te%2Fother s3cr3t/token="), "x [secret] [secret] [secret]");
        assert_eq!(format!("{copy:?}"), "Redactor(12 texts)");
    }

    #[test]
    fn what_is_no_secret_stays() {
        let r = Redactor::new(vec!["a".into(), String::new()]);
        assert_eq!(r.text("banana"), "banana");
        assert_eq!(r.text("a"), MASK);
        let body = json!({"passwordless": true, "password": null, "value": "x"});
        assert_eq!(r.value(&body), body);
        assert_eq!(
            r.headers(&[("Authorization".into(), "Bearer ".into())]),
            [("Authorization".to_owned(), "Bearer".to_owned())]
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn no_text_lets_a_secret_through(secret in "[!-~]{6,20}", before in ".{0,20}", after in ".{0,20}") {
            let r = Redactor::new(vec![secret.clone()]);
            prop_assume!(!MASK.contains(&secret));
            let out = r.text(&format!("{before}{secret}{after}"));
            prop_assert!(!out.replace(MASK, "\0").contains(&secret));
        }
    }
}
