//! What a secret looks like when it comes back: as it is, and in every spelling that encoders on the way give it.
//!
//! Must not know where it is looked for.

use crate::exchange::AuthKind;
use base64::Engine as _;
use regex::Regex;
use serde_json::Value;
use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

/// What stands in the place of a secret.
pub const MASK: &str = "[secret]";

/// Shorter secrets are not searched for inside of texts: replacing each `a` would leave no report.
const SHORTEST: usize = 4;

/// What is looked for.
#[derive(Clone, Default)]
pub(super) struct Needles {
    pub(super) secrets: Vec<String>,
    /// Every form of each, the longest first.
    pub(super) forms: Vec<String>,
    /// One for each secret that has characters which may be escaped, one by one.
    patterns: Vec<Regex>,
}

impl Needles {
    pub(super) fn new(secrets: Vec<String>) -> Self {
        let mut all = Self::default();
        all.extend(secrets);
        all
    }

    fn extend(&mut self, mut secrets: Vec<String>) {
        // As requests with changed credentials carry them.
        let changed = |secret: &String| AuthKind::CHANGED.map(|kind| kind.change(secret));
        secrets.extend(secrets.iter().flat_map(changed).flatten().collect::<Vec<_>>());
        secrets.retain(|s| !s.is_empty() && !self.are(s));
        self.forms.extend(secrets.iter().flat_map(|s| forms(s)).filter(|f| f.len() >= SHORTEST));
        // The longest first: a secret that holds another one must not be half replaced.
        self.forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        self.forms.dedup();
        secrets.sort_by_key(|s| std::cmp::Reverse(s.len()));
        self.patterns.extend(secrets.iter().filter_map(|s| pattern(s)));
        self.secrets.extend(secrets);
    }

    pub(super) fn are(&self, text: &str) -> bool {
        self.secrets.iter().any(|s| s == text)
    }

    pub(super) fn replace(&self, text: &mut String) {
        for needle in &self.forms {
            if text.contains(needle.as_str()) {
                *text = text.replace(needle.as_str(), MASK);
            }
        }
        for pattern in &self.patterns {
            if let Cow::Owned(replaced) = pattern.replace_all(text, MASK) {
                *text = replaced;
            }
        }
    }

    /// Bytes of the longest spelling that is likely: each special character as a percent sign and two digits, escaped once more.
    pub(super) fn longest(&self) -> usize {
        let forms = self.forms.first().map_or(0, String::len);
        forms.max(
            self.secrets
                .iter()
                .map(|s| s.len() + 5 * s.bytes().filter(|b| !b.is_ascii_alphanumeric()).count())
                .max()
                .unwrap_or(0),
        )
    }
}

/// Secrets that come to be known while a run goes on: the tokens that a token endpoint gives. Shared by all clones of a redactor.
#[derive(Clone, Default)]
pub struct LateSecrets(Arc<RwLock<Needles>>);

impl LateSecrets {
    /// From now on it is replaced everywhere.
    pub fn add(&self, secret: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).extend(vec![secret.to_owned()]);
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, Needles> {
        // Nothing panics while it writes, and a list that is there is better than none.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a secret may come back: as it is, percent-encoded in both cases (and once more, as part of an id in a path), form-encoded, in
/// JSON, in base64.
fn forms(secret: &str) -> Vec<String> {
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let percent = form.replace('+', "%20");
    let percent_twice = percent.replace('%', "%25");
    let json = Value::String(secret.to_owned()).to_string();
    let mut all =
        vec![secret.to_owned(), percent.to_ascii_lowercase(), form.clone(), percent, json.trim_matches('"').to_owned()];
    if percent_twice != secret {
        all.push(percent_twice);
    }
    // Short texts encode to something that stands in many innocent texts.
    if secret.len() >= SHORTEST {
        let base64 = base64::engine::general_purpose::STANDARD.encode(secret);
        all.push(base64.trim_end_matches('=').to_owned());
        all.push(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(secret));
    }
    // Lower-casing changes the secret's own letters too; keep it only where it has escapes.
    if !all[1].contains('%') {
        all.remove(1);
    }
    all
}

/// The secret with any of its special characters escaped in any way: each encoder escapes some and leaves others as they are, and two
/// in a row escape what the first one made. Letters and digits are left alone by all of them.
fn pattern(secret: &str) -> Option<Regex> {
    // What RFC 3986 §2.3 calls unreserved is escaped by nobody; most tokens are made of that alone.
    if secret.len() < SHORTEST || secret.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b)) {
        return None;
    }
    let mut text = String::new();
    for c in secret.chars() {
        let plain = regex::escape(c.encode_utf8(&mut [0; 4]));
        if c.is_ascii_alphanumeric() {
            text.push_str(&plain);
            continue;
        }
        let bytes: String = c.encode_utf8(&mut [0; 4]).bytes().map(|b| format!("%(?:25)*{b:02x}")).collect();
        let blank = if c == ' ' { r"|\+" } else { "" };
        text.push_str(&format!(r"(?:\\*{plain}|(?i:{bytes}|\\+u{:04x}|&\#?[a-z0-9]{{1,8}};){blank})", u32::from(c)));
    }
    // A secret too long for an expression is still found in each of its forms.
    Regex::new(&text).ok()
}
