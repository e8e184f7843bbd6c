//! Which texts of a recording are secrets, and which were blanked by somebody before us.
//!
//! Must not print or write anything: whoever does takes the redactor that is made here.

use super::Entry;
use super::wording::{Attribute, walk};
use crate::exchange::percent_decode;
use crate::report::redact::{Redactor, SECRET_HEADERS, SECRET_PARAMETERS, is_password_path};
use base64::Engine as _;
use serde_json::Value;

/// Knows every credential that the recording carries, also in entries that are no SCIM: a token may come back in a body.
pub fn redactor(entries: &[Entry]) -> Redactor {
    let mut secrets = Vec::new();
    for entry in entries {
        let answered = entry.answer.response().map(|r| r.headers.as_slice()).unwrap_or_default();
        for (name, value) in entry.headers.iter().chain(answered) {
            take_header(name, value, &mut secrets);
        }
        let query = entry.url.split_once('?').map_or("", |(_, q)| q);
        for (name, value) in query.split('&').filter_map(|p| p.split_once('=')) {
            if is_secret_parameter(name) {
                secrets.push(percent_decode(value));
            }
        }
        take_user(&entry.url, &mut secrets);
        if let Some(body) = entry.body.as_deref().and_then(|b| serde_json::from_slice::<Value>(b).ok()) {
            let mut passwords = Vec::new();
            take_passwords(&body, &mut passwords);
            // A password that is a plain word stands in innocent texts too; where it is a password it is masked anyway.
            secrets.extend(passwords.into_iter().filter(|p| p.len() >= 8 && !p.chars().all(char::is_alphabetic)));
        }
    }
    secrets.retain(|s| s.len() >= 4 && !is_blanked(s) && !s.contains("{{"));
    secrets.sort();
    secrets.dedup();
    Redactor::new(secrets)
}

/// True for a query parameter that carries a credential.
pub(super) fn is_secret_parameter(name: &str) -> bool {
    SECRET_PARAMETERS.iter().any(|p| name.eq_ignore_ascii_case(p))
}

fn take_header(name: &str, value: &str, secrets: &mut Vec<String>) {
    let lower = name.to_ascii_lowercase();
    if !SECRET_HEADERS.contains(&lower.as_str()) {
        return;
    }
    if lower.ends_with("cookie") {
        let values = value.split(';').filter_map(|c| c.split_once('=')).map(|(_, v)| v.trim());
        // Short ones are flags such as `theme=dark`; replacing those everywhere would leave no text.
        secrets.extend(values.filter(|v| v.len() >= 8).map(str::to_owned));
        return;
    }
    let (scheme, rest) = value.trim().split_once(' ').unwrap_or(("", value.trim()));
    let rest = rest.trim();
    secrets.push(rest.to_owned());
    let decoded = base64::engine::general_purpose::STANDARD.decode(rest).ok().and_then(|b| String::from_utf8(b).ok());
    if let Some(pair) = decoded.filter(|_| scheme.eq_ignore_ascii_case("basic")) {
        secrets.extend(pair.split_once(':').map(|(_, password)| password.to_owned()));
        secrets.push(pair);
    }
}

/// `https://user:password@…`.
fn take_user(url: &str, secrets: &mut Vec<String>) {
    let authority = url.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    if let Some((user, _)) = authority.and_then(|a| a.rsplit_once('@')) {
        secrets.extend(user.split_once(':').map(|(_, password)| percent_decode(password)));
    }
}

/// Values of password attributes, also as PATCH writes them.
fn take_passwords(value: &Value, secrets: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|v| take_passwords(v, secrets)),
        Value::Object(map) => {
            let text = |name: &str| map.get(name).and_then(Value::as_str);
            if text("path").is_some_and(is_password_path) {
                secrets.extend(text("value").map(str::to_owned));
            }
            for (key, member) in map {
                match member.as_str() {
                    Some(password) if is_password_path(key) => secrets.push(password.to_owned()),
                    _ => take_passwords(member, secrets),
                }
            }
        }
        _ => {}
    }
}

/// Words that tools and people put in the place of what must not be seen.
const BLANKS: &[&str] = &[
    "redacted",
    "secret",
    "masked",
    "removed",
    "hidden",
    "filtered",
    "scrubbed",
    "sanitized",
    "anonymized",
    "omitted",
    "token",
    "password",
    "deleted for privacy",
];

/// True for a text that stands in the place of another: `[REDACTED]`, `***`, `xxxx`, `<token>`.
pub fn is_blanked(text: &str) -> bool {
    let inner = text.trim().trim_matches(|c: char| "[]<>(){}*_-# \"".contains(c));
    if inner.is_empty() {
        return text.trim().len() >= 3 && text.contains(['*', '#', '_']);
    }
    let lower = inner.to_lowercase();
    let framed = inner.len() < text.trim().len() || inner.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    let repeated = inner.chars().count() >= 4 && inner.chars().all(|c| "xX•●█".contains(c));
    repeated || (framed || lower == "redacted") && BLANKS.contains(&lower.as_str())
}

/// True when a JSON text, a form or a URL has a blanked value somewhere.
fn holds_blank(text: &str) -> bool {
    text.split(['"', '\'', '=', '&', '/', '?', ' ', '+'])
        .any(|piece| piece.len() >= 3 && is_blanked(&percent_decode(piece)))
}

/// True when somebody blanked a part of what was asked. A blanked password is none: nothing follows from its value.
pub fn is_blanked_request(target: &str, body: Option<&[u8]>) -> bool {
    let Some(body) = body else { return holds_blank(target) };
    let in_body = match serde_json::from_slice::<Value>(body) {
        Ok(value) => {
            let mut found = false;
            walk(&value, "", &mut |path, text| {
                found |= Attribute::at(path) != Some(Attribute::Password) && holds_blank(text);
            });
            found
        }
        Err(_) => holds_blank(&String::from_utf8_lossy(body)),
    };
    in_body || holds_blank(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanked_values_are_known_and_others_are_not() {
        for blank in
            ["[REDACTED]", "REDACTED", "***", "xxxxxx", "[secret]", "<token>", "••••••", "********", "redacted"]
        {
            assert!(is_blanked(blank), "{blank}");
        }
        for value in
            ["", "alice", "secret", "Secret Service", "token", "removed", "-", "x", "removed-user@example.com", "a*b"]
        {
            assert!(!is_blanked(value), "{value}");
        }
        let body = |text: &str| is_blanked_request("/Users", Some(text.as_bytes()));
        assert!(!body(r#"{"userName": "a", "password": "[secret]"}"#) && body(r#"{"userName": "[secret]"}"#));
        assert!(holds_blank(r#"{"userName": "[REDACTED]"}"#));
        assert!(holds_blank("https://a.example/Users/%5BREDACTED%5D"));
        assert!(!holds_blank(r#"{"op": "remove", "path": "members"}"#));
    }

    #[test]
    fn credentials_are_found_wherever_they_stand() {
        let entry = Entry {
            url: "https://me:pa55word@a.example/Users?access_token=tok3n-in-query&x=1".into(),
            headers: vec![
                ("authorization".into(), "Basic YWRtaW46aHVudGVyMjI=".into()),
                ("Cookie".into(), "theme=dark; sid=c00kie-value".into()),
            ],
            body: Some(br#"{"Operations":[{"path":"password","value":"n3w-password"}]}"#.to_vec()),
            ..Entry::default()
        };
        let redactor = redactor(&[entry]);
        for secret in ["pa55word", "tok3n-in-query", "hunter22", "admin:hunter22", "c00kie-value", "n3w-password"] {
            assert!(!redactor.text(&format!("<{secret}>")).contains(secret), "{secret}");
        }
        assert_eq!(redactor.text("dark"), "dark");
    }
}
