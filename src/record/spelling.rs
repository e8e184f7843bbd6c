//! Recorded texts → texts with holes: ids, names and secrets go, every other byte stays as it was on the wire.
//!
//! Must not know who stands for whom: [`Cast`] does.

use super::people::Cast;
use super::secrets::is_blanked;
use super::wording::{Attribute, name, path_in};
use crate::report::redact::{MASK, Redactor, is_password_path};
use crate::scenario::template::{Part, Template};
use serde_json::{Map, Value};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// A text that is shorter is replaced only where nothing but an id can stand.
const TELLING: usize = 8;

/// Everything that is needed to write a text of the recording anew.
pub(super) struct Speller<'a> {
    pub(super) cast: &'a Cast,
    pub(super) redactor: &'a Redactor,
    /// Base URL of the recording.
    pub(super) base: &'a str,
    /// Opaque values that the server gave (entity tags, cursors) → hole.
    tokens: HashMap<String, String>,
    /// `{{name}}` of a collection → hole.
    variables: HashMap<String, String>,
    /// Captures that the steps before this one have taken.
    taken: RefCell<HashSet<String>>,
    /// True while an answer is written down: there a hole only says who is meant.
    documenting: Cell<bool>,
}

impl<'a> Speller<'a> {
    pub(super) fn new(
        cast: &'a Cast,
        redactor: &'a Redactor,
        base: &'a str,
        tokens: HashMap<String, String>,
        variables: HashMap<String, String>,
    ) -> Self {
        Self { cast, redactor, base, tokens, variables, taken: RefCell::default(), documenting: Cell::new(false) }
    }

    /// From the next step on this capture has a value.
    pub(super) fn take(&self, name: String) {
        self.taken.borrow_mut().insert(name);
    }

    /// An answer, for readers: whoever is meant is named, whether a value was taken by then or not.
    pub(super) fn documented(&self, body: &Value, role: Option<usize>) -> Value {
        self.documenting.set(true);
        let written = self.json(body, "", role);
        self.documenting.set(false);
        written
    }

    /// Path and query as they stand in a scenario: holes for values, all else as on the wire.
    pub(super) fn target(&self, raw: &str) -> String {
        let mut parts = Vec::new();
        let decoded = Decoded::of(raw);
        let mut at = 0;
        for (range, hole) in self.find(&decoded.text, true) {
            let (from, to) = (decoded.raw_at(range.start), decoded.raw_at(range.end));
            parts.push(Part::Text(self.redactor.text(&raw[at..from])));
            parts.push(Part::Hole(hole));
            at = to;
        }
        parts.push(Part::Text(self.redactor.text(&raw[at..])));
        let text = Template { parts }.to_string();
        text.chars()
            .map(|c| if c.is_control() { format!("%{:02X}", u32::from(c).min(255)) } else { c.to_string() })
            .collect()
    }

    /// Any other text.
    pub(super) fn text(&self, text: &str) -> String {
        if let Some(hole) = self.whole(text) {
            return format!("${{{hole}}}");
        }
        let (rest, head) = match text.strip_prefix(self.base).filter(|r| !self.base.is_empty() && r.starts_with('/')) {
            Some(rest) => (rest, Some("base_url".to_owned())),
            None => (text, None),
        };
        let mut parts: Vec<Part> = head.into_iter().map(Part::Hole).collect();
        let mut at = 0;
        for (range, hole) in self.find(rest, false) {
            parts.push(Part::Text(self.redactor.text(&rest[at..range.start])));
            parts.push(Part::Hole(hole));
            at = range.end;
        }
        parts.push(Part::Text(self.redactor.text(&rest[at..])));
        Template { parts }.to_string()
    }

    /// A body: `role` is whom it is about.
    pub(super) fn json(&self, value: &Value, path: &str, role: Option<usize>) -> Value {
        match value {
            Value::String(text) => Value::String(self.string(text, path, role)),
            Value::Array(items) => Value::Array(items.iter().map(|v| self.json(v, path, role)).collect()),
            Value::Object(map) => Value::Object(self.object(map, path, role)),
            Value::Number(n) => self
                .cast
                .id(&n.to_string())
                .filter(|_| is_reference(path))
                .map_or_else(|| self.redactor.value(value), |hole| Value::String(format!("${{{hole}}}"))),
            other => other.clone(),
        }
    }

    fn object(&self, map: &Map<String, Value>, path: &str, role: Option<usize>) -> Map<String, Value> {
        let role = self.cast.role_in(map).or(role);
        let list = |k: &str| k.eq_ignore_ascii_case("operations") || k.eq_ignore_ascii_case("resources");
        let secret_target =
            map.iter().any(|(k, v)| k.eq_ignore_ascii_case("path") && v.as_str().is_some_and(is_password_path));
        let members = map.iter().map(|(key, member)| {
            let at = match key {
                _ if list(key) => String::new(),
                _ if map.keys().any(|k| list(k)) => "(message)".to_owned(),
                _ => path_in(map, path, key),
            };
            let secret = is_password_path(key) || (secret_target && key.eq_ignore_ascii_case("value"));
            let written = match member.as_str() {
                Some(text) if secret && !text.is_empty() => {
                    let hole = role.and_then(|r| self.cast.of_role(r, Attribute::Password, text));
                    Value::String(hole.map_or_else(|| MASK.to_owned(), |h| format!("${{{h}}}")))
                }
                _ if secret && !member.is_null() && member.as_str() != Some("") => MASK.into(),
                _ => self.json(member, &at, role),
            };
            (self.text(key), written)
        });
        members.collect()
    }

    fn string(&self, text: &str, path: &str, role: Option<usize>) -> String {
        let attribute = Attribute::at(path);
        let own = attribute.and_then(|a| self.cast.of_role(role?, a, text));
        // `Engineering` is a department as well as a group.
        let named = self.cast.value(text).is_some_and(|h| h.contains(".displayName"));
        if named && own.is_none() && attribute.is_none() && !path.ends_with("display") && path != "(operation)" {
            return Template::literal(self.redactor.text(text)).to_string();
        }
        match own {
            Some(hole) => format!("${{{hole}}}"),
            None if is_reference(path) => match self.id(text) {
                Some(hole) => format!("${{{hole}}}"),
                None => self.text(text),
            },
            None => self.text(text),
        }
    }

    /// The hole of an id, where it can be filled in.
    fn id(&self, id: &str) -> Option<String> {
        self.cast.id(id).filter(|hole| self.can_fill(hole))
    }

    fn can_fill(&self, hole: &str) -> bool {
        self.documenting.get() || self.taken.borrow().contains(hole)
    }

    /// A text that as a whole stands for something.
    fn whole(&self, text: &str) -> Option<String> {
        if text.is_empty() || is_blanked(text) {
            return None;
        }
        if let Some(hole) = self
            .cast
            .value(text)
            .map(str::to_owned)
            .or_else(|| self.tokens.get(text).filter(|h| self.can_fill(h)).cloned())
        {
            return Some(hole);
        }
        if let Some(variable) = text.strip_prefix("{{").and_then(|t| t.strip_suffix("}}")).filter(|v| !v.contains("}}"))
        {
            return Some(self.variable(variable));
        }
        self.id(text).filter(|_| text.len() >= TELLING)
    }

    fn variable(&self, variable: &str) -> String {
        match self.variables.get(variable.trim()).filter(|hole| self.can_fill(hole)) {
            Some(hole) => hole.clone(),
            None if variable.trim().to_lowercase().contains("guid") => format!("guid.{}", name(variable.trim())),
            None => format!("random.{}", name(variable.trim())),
        }
    }

    /// Where holes go, in order and without overlap: quoted texts as a whole, else pieces between marks.
    fn find(&self, text: &str, url: bool) -> Vec<(Range<usize>, String)> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            if let Some(len) = rest.strip_prefix("{{").and_then(|r| r.find("}}")).map(|n| n + 4) {
                found.push((at..at + len, self.variable(&rest[2..len - 2])));
                at += len;
            } else if let Some(inner) = rest.strip_prefix('"') {
                let len = inner.find('"').unwrap_or(inner.len());
                let quoted = &inner[..len];
                if let Some(hole) = self.whole(quoted).or_else(|| self.id(quoted)) {
                    found.push((at + 1..at + 1 + len, hole));
                } else {
                    let inside = self.pieces(quoted, at + 1, url);
                    found.extend(inside);
                }
                at += len + 2;
            } else {
                let len =
                    rest.find('"').into_iter().chain(rest.find("{{").filter(|n| *n > 0)).min().unwrap_or(rest.len());
                let len = len.max(rest.chars().next().map_or(1, char::len_utf8));
                found.extend(self.pieces(&rest[..len], at, url));
                at += len;
            }
        }
        found
    }

    /// Pieces of a text without quotes.
    fn pieces(&self, text: &str, offset: usize, url: bool) -> Vec<(Range<usize>, String)> {
        const MARKS: &[char] = &['/', '?', '&', '=', ',', ' ', '(', ')', '[', ']', ';', '<', '>', '\n', '\t'];
        let mut found = Vec::new();
        let mut at = 0;
        for piece in text.split_inclusive(MARKS) {
            let bare = piece.trim_end_matches(MARKS);
            let after_slash = text[..at].ends_with('/');
            // `/Users/1` names a resource, `count=1` does not.
            let segment = after_slash && (url || text.contains("/Users/") || text.contains("/Groups/"));
            let hole = match (self.whole(bare), segment) {
                (Some(hole), _) if bare.len() >= TELLING || segment => Some(hole),
                (_, true) => self.id(bare),
                _ => None,
            };
            if let Some(hole) = hole.filter(|_| !bare.is_empty()) {
                found.push((offset + at..offset + at + bare.len(), hole));
            }
            at += piece.len();
        }
        found
    }
}

/// True where a value is an id.
fn is_reference(path: &str) -> bool {
    path == "id"
        || path == "members"
        || path == "manager"
        || path.ends_with("members.value")
        || path.ends_with("manager.value")
}

/// A percent-decoded text that knows where each of its bytes stood.
struct Decoded {
    text: String,
    /// Byte of the text → byte of the raw one; one more for the end.
    places: Vec<usize>,
}

impl Decoded {
    /// `+` is a blank behind the first `?`. What does not decode to UTF-8 stays raw.
    fn of(raw: &str) -> Self {
        let bytes = raw.as_bytes();
        let (mut out, mut places) = (Vec::with_capacity(bytes.len()), Vec::with_capacity(bytes.len() + 1));
        let (mut at, mut in_query) = (0, false);
        while at < bytes.len() {
            places.push(at);
            in_query |= bytes[at] == b'?';
            let hex = (bytes[at] == b'%').then(|| raw.get(at + 1..at + 3)).flatten();
            match hex.and_then(|h| u8::from_str_radix(h, 16).ok()) {
                Some(byte) => {
                    out.push(byte);
                    at += 3;
                }
                None => {
                    out.push(if bytes[at] == b'+' && in_query { b' ' } else { bytes[at] });
                    at += 1;
                }
            }
        }
        places.push(bytes.len());
        match String::from_utf8(out) {
            Ok(text) => Self { text, places },
            Err(_) => Self { text: raw.to_owned(), places: (0..=bytes.len()).collect() },
        }
    }

    fn raw_at(&self, at: usize) -> usize {
        self.places.get(at).or(self.places.last()).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::sift::Spoken;
    use super::super::{Answer, Entry};
    use super::*;
    use crate::exchange::{AuthKind, Response};
    use serde_json::json;

    fn created(id: &str, user: &str) -> Spoken {
        let body =
            json!({ "userName": user, "name": { "givenName": "Ann" }, "emails": [{ "value": "ann@corp.example" }] });
        let answer = json!({ "id": id, "userName": user }).to_string().into_bytes();
        Spoken {
            entry: Entry {
                method: "POST".into(),
                body: Some(body.to_string().into_bytes()),
                answer: Answer::Whole(Response::new(201, Vec::new(), answer)),
                ..Entry::default()
            },
            target: "/Users".into(),
            auth: AuthKind::Configured,
        }
    }

    fn with<T>(spoken: &[Spoken], test: impl FnOnce(&Speller<'_>) -> T) -> T {
        let cast = Cast::of(spoken);
        let redactor = Redactor::new(vec!["t0p-secret".into()]);
        let speller = Speller::new(&cast, &redactor, "https://a.example/scim", HashMap::new(), HashMap::new());
        ["person1.id", "person2.id"].iter().for_each(|n| speller.take((*n).to_owned()));
        test(&speller)
    }

    #[test]
    fn the_wire_form_stays_around_the_holes() {
        with(&[created("1", "ann@a.example")], |s| {
            for (raw, expected) in [
                ("/Users/1?count=1&startIndex=1", "/Users/${person1.id}?count=1&startIndex=1"),
                (
                    "/Users?filter=userName%20eq%20%22ann%40a.example%22&x=a+b",
                    "/Users?filter=userName%20eq%20%22${person1.userName}%22&x=a+b",
                ),
                (
                    "/Users?filter=userName+eq+%22ann@a.example%22",
                    "/Users?filter=userName+eq+%22${person1.userName}%22",
                ),
                ("/Users?filter=userName eq \"x${y}\"", "/Users?filter=userName eq \"x$${y}\""),
                ("/Users/ann@a.example2", "/Users/ann@a.example2"),
                ("/Users/t0p-secret", "/Users/[secret]"),
                ("/Users/%FF", "/Users/%FF"),
            ] {
                assert_eq!(s.target(raw), expected);
            }
        });
    }

    #[test]
    fn bodies_lose_ids_and_names_only_where_they_are_meant() {
        with(&[created("1", "ann@a.example"), created("71f0c2aa-0b", "bob@a.example")], |s| {
            let body = json!({ "Operations": [
                { "op": "add", "path": "members", "value": [{ "value": "1" }, { "value": "71f0c2aa-0b", "$ref": "../Users/71f0c2aa-0b" }] },
                { "op": "remove", "path": "members[value eq \"1\"]" },
                { "op": "replace", "path": "title", "value": "1" },
            ] });
            let expected = json!({ "Operations": [
                { "op": "add", "path": "members",
                  "value": [{ "value": "${person1.id}" }, { "value": "${person2.id}", "$ref": "../Users/${person2.id}" }] },
                { "op": "remove", "path": "members[value eq \"${person1.id}\"]" },
                { "op": "replace", "path": "title", "value": "1" },
            ] });
            assert_eq!(s.json(&body, "", None), expected);
            let user = json!({ "userName": "ann@a.example", "nickName": "Ann", "name": { "givenName": "Ann" },
                "meta": { "location": "https://a.example/scim/Users/1" }, "note": "t0p-secret", "password": "pw" });
            let expected = json!({ "userName": "${person1.userName}", "nickName": "Ann", "name": { "givenName": "${person1.givenName}" },
                "meta": { "location": "${base_url}/Users/${person1.id}" }, "note": "[secret]", "password": "[secret]" });
            assert_eq!(s.json(&user, "", Some(0)), expected);
        });
    }
}
