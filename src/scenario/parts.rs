//! The small languages inside a scenario: templates, places, matchers, statuses, durations.
//!
//! Must not know steps or their order.

use super::doc::{At, Kind, Node};
use super::error::{Problem, Sink};
use super::model::{Condition, Matcher, Place, StatusSpec};
use super::names::Use;
use super::raw::{RawCondition, RawMatcher};
use super::shape::{FromNode, inside, wrong_type};
use super::template::{BadTemplate, JsonTemplate, Template};
use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

/// Reads texts of one file: where errors go, which names were met, and how an included file's names read here.
pub(super) struct Reader {
    pub(super) sink: Sink,
    pub(super) uses: Vec<Use>,
    pub(super) renames: HashMap<String, String>,
}

const MATCHERS: [&str; 10] =
    ["equals", "not_equals", "one_of", "contains", "present", "absent", "matches", "type", "count", "at_least"];

impl Reader {
    pub(super) fn error(&mut self, span: &Range<usize>, problem: Problem) {
        self.sink.push(span.clone(), problem);
    }

    /// A text with holes; the names are noted for the check of order.
    pub(super) fn template(&mut self, text: &str, span: &Range<usize>) -> Template {
        match Template::parse(text) {
            Ok(mut template) => {
                for name in template.holes() {
                    self.uses.push(Use {
                        name: self.renamed(name),
                        span: inside(&self.sink, span, &format!("${{{name}}}")),
                    });
                }
                template.rename(&|name| self.renamed(name));
                template
            }
            Err(error) => {
                self.bad_template(text, span, &error);
                Template::literal("")
            }
        }
    }

    fn bad_template(&mut self, text: &str, span: &Range<usize>, error: &BadTemplate) {
        let rest = &text[error.at()..];
        let part = match error {
            BadTemplate::Unclosed { .. } => "${",
            _ => &rest[..rest.find('}').map_or(rest.len(), |n| n + 1)],
        };
        let at = inside(&self.sink, span, part);
        let (label, help) = match error {
            BadTemplate::Unclosed { .. } => ("opened here", "close it with `}`, or write `$${` for a literal `${`"),
            BadTemplate::Empty { .. } => ("a name is missing", "write `$${` for a literal `${`"),
            BadTemplate::NotAName { .. } => (
                "not a name",
                "names are letters, digits, `_` and `-`, joined by dots: `${alice.userName}`; write `$${` for a literal `${`",
            ),
        };
        self.error(&at, Problem::new(error.to_string(), label).help(help));
    }

    /// A name of the included file as this file calls it: the first part may stand for another fixture.
    pub(super) fn renamed(&self, name: &str) -> String {
        let (first, rest) = name.split_once('.').unwrap_or((name, ""));
        match self.renames.get(first) {
            Some(other) if rest.is_empty() => other.clone(),
            Some(other) => format!("{other}.{rest}"),
            None => name.to_owned(),
        }
    }

    /// JSON with holes.
    pub(super) fn json(&mut self, node: &Node) -> JsonTemplate {
        match &node.kind {
            Kind::Text(text) => JsonTemplate::Text(self.template(text, &node.span)),
            Kind::List(items) => JsonTemplate::List(items.iter().map(|i| self.json(i)).collect()),
            Kind::Map(members) => JsonTemplate::Object(
                members.iter().map(|(k, v)| (self.template(&k.value, &k.span), self.json(v))).collect(),
            ),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) => JsonTemplate::Scalar(node.to_json()),
        }
    }

    /// Text, number or boolean as text with holes.
    pub(super) fn scalar(&mut self, node: &Node) -> Option<Template> {
        match &node.kind {
            Kind::Text(text) => Some(self.template(text, &node.span)),
            Kind::Bool(value) => Some(Template::literal(value.to_string())),
            Kind::Number(value) => Some(Template::literal(value.to_string())),
            Kind::Null | Kind::List(_) | Kind::Map(_) => wrong_type(node, "text or a number", &mut self.sink),
        }
    }

    /// Headers: text, or null to take one away.
    pub(super) fn headers(&mut self, pairs: &[(At<String>, Node)]) -> Vec<(String, Option<Template>)> {
        let mut headers = Vec::new();
        for (name, node) in pairs {
            if !is_token(&name.value) {
                self.error(
                    &name.span,
                    Problem::new(format!("`{}` is no header name", name.value), "letters, digits and `-`"),
                );
            }
            let value = match node.kind {
                Kind::Null => None,
                _ => self.scalar(node),
            };
            headers.push((name.value.clone(), value));
        }
        headers
    }

    /// `$.json.path`, `header NAME`, `status` or a SCIM path.
    pub(super) fn place(&mut self, text: &At<String>) -> Option<Place> {
        let value = text.value.trim();
        if value == "status" {
            return Some(Place::Status);
        }
        if let Some(name) = value.strip_prefix("header ") {
            let name = name.trim();
            if !is_token(name) {
                let problem = Problem::new(format!("`{name}` is no header name"), "here");
                self.error(&text.span, problem.help("write `header Location`"));
                return None;
            }
            return Some(Place::Header(name.to_owned()));
        }
        if value.starts_with('$') && !value.starts_with("${") {
            return self.json_path(value, &text.span);
        }
        if let Some(reason) = wrong_scim_path(value) {
            let problem = Problem::new(format!("`{value}` is no SCIM path: {reason}"), "here");
            self.error(
                &text.span,
                problem.help("SCIM paths read `emails[type eq \"work\"].value`, JSONPath begins with `$`"),
            );
            return None;
        }
        Some(Place::Scim(self.template(value, &text.span)))
    }

    fn json_path(&mut self, path: &str, span: &Range<usize>) -> Option<Place> {
        if path.contains("${") {
            self.error(
                span,
                Problem::new("JSONPath cannot hold `${…}`", "not filled in here")
                    .help("use a SCIM path: `emails[value eq \"${alice.email}\"]`"),
            );
            return None;
        }
        match jsonpath_rust::parser::parse_json_path(path) {
            Ok(_) => Some(Place::JsonPath(path.to_owned())),
            Err(_) => {
                self.error(
                    span,
                    Problem::new(format!("`{path}` is no JSONPath"), "RFC 9535")
                        .help("write `$.Resources[0].id`; a key with `:` or `-` reads `$['urn:…']`"),
                );
                None
            }
        }
    }

    /// `200`, `2xx`.
    pub(super) fn status(&mut self, node: &Node) -> Option<StatusSpec> {
        let found = match &node.kind {
            Kind::Number(n) => {
                n.as_u64().and_then(|n| u16::try_from(n).ok()).filter(|n| (100..600).contains(n)).map(StatusSpec::Exact)
            }
            Kind::Text(text) => match text.as_bytes() {
                [class @ b'1'..=b'5', b'x' | b'X', b'x' | b'X'] => Some(StatusSpec::Class(class - b'0')),
                _ => text.parse().ok().filter(|n| (100..600).contains(n)).map(StatusSpec::Exact),
            },
            _ => return wrong_type(node, "a status", &mut self.sink),
        };
        if found.is_none() {
            let shown = node.to_json();
            self.error(
                &node.span,
                Problem::new(format!("{shown} is no HTTP status"), "not a status")
                    .help("write `200`, `[200, 204]` or `2xx`"),
            );
        }
        found
    }

    /// A plain value, or a mapping of matchers.
    pub(super) fn matchers(&mut self, node: &Node) -> Vec<Matcher> {
        let Kind::Map(members) = &node.kind else {
            return vec![Matcher::Equals(self.json(node))];
        };
        let known = |name: &str| MATCHERS.contains(&name);
        if !members.iter().any(|(k, _)| known(&k.value)) {
            let at = members.first().map_or(&node.span, |(k, _)| &k.span);
            let word = members.first().map_or("", |(k, _)| k.value.as_str());
            let problem = Problem::new(format!("unknown matcher `{word}`"), "not a matcher");
            let close = problem.suggest(word, MATCHERS);
            self.error(at, close);
            return Vec::new();
        }
        match RawMatcher::from_node(node, &mut self.sink) {
            Some(raw) => self.lower_matchers(raw),
            None => Vec::new(),
        }
    }

    fn lower_matchers(&mut self, raw: RawMatcher) -> Vec<Matcher> {
        let mut all = Vec::new();
        let before = self.sink.errors.len();
        if let Some(node) = raw.equals {
            all.push(Matcher::Equals(self.json(&node)));
        }
        if let Some(node) = raw.not_equals {
            all.push(Matcher::NotEquals(self.json(&node)));
        }
        if let Some(nodes) = raw.one_of {
            all.push(Matcher::OneOf(nodes.iter().map(|n| self.json(n)).collect()));
        }
        if let Some(node) = raw.contains {
            all.push(Matcher::Contains(self.json(&node)));
        }
        if let Some(present) = raw.present {
            all.push(presence(present));
        }
        if let Some(absent) = raw.absent {
            all.push(presence(!absent));
        }
        if let Some(pattern) = raw.matches {
            all.extend(self.pattern(&pattern));
        }
        if let Some(word) = raw.r#type {
            all.push(Matcher::Type(word.value));
        }
        if let Some(count) = raw.count {
            all.push(Matcher::Count(count));
        }
        if let Some(node) = raw.at_least {
            match &node.kind {
                Kind::Number(n) => all.extend(n.as_f64().map(Matcher::AtLeast)),
                _ => {
                    wrong_type::<()>(&node, "a number", &mut self.sink);
                }
            }
        }
        if all.is_empty() && raw.intact && self.sink.errors.len() == before {
            let problem = Problem::new("nothing is said about the value", "a matcher is missing");
            let known = format!("add one of `{}`", MATCHERS.join("`, `"));
            self.error(&raw.span, problem.help(known));
        }
        all
    }

    fn pattern(&mut self, pattern: &At<String>) -> Option<Matcher> {
        match regex::Regex::new(&pattern.value) {
            Ok(regex) => Some(Matcher::Matches(regex)),
            Err(error) => {
                let whole = error.to_string();
                let last = whole.lines().last().unwrap_or_default();
                let reason = last.trim_start_matches("error: ");
                let mut problem = Problem::new(format!("not a regular expression: {reason}"), "here");
                if pattern.value.contains("${") {
                    problem = problem.help("a pattern cannot hold `${…}`; use `equals` or `contains`");
                }
                self.error(&pattern.span, problem);
                None
            }
        }
    }

    /// `{ value: …, absent: true }`; several matchers make several conditions.
    pub(super) fn conditions(&mut self, raw: RawCondition) -> Vec<Condition> {
        let Some(value) = self.scalar(&raw.value) else {
            return Vec::new();
        };
        let matchers = self.lower_matchers(raw.into());
        matchers.into_iter().map(|matcher| Condition { value: value.clone(), matcher }).collect()
    }

    /// `40m`, `1h30m`, `250ms`.
    pub(super) fn duration(&mut self, text: &At<String>) -> Option<Duration> {
        let found = parse_duration(&text.value);
        if found.is_none() {
            self.error(
                &text.span,
                Problem::new(format!("`{}` is no duration", text.value), "not a duration")
                    .help("write `30s`, `40m`, `2h` or `1h30m`"),
            );
        }
        found
    }
}

fn presence(present: bool) -> Matcher {
    if present { Matcher::Present } else { Matcher::Absent }
}

fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let tail = &rest[digits..];
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let part = match &tail[..letters] {
            "ms" => Duration::from_millis(number),
            "s" => Duration::from_secs(number),
            "m" => Duration::from_secs(number.checked_mul(60)?),
            "h" => Duration::from_secs(number.checked_mul(3600)?),
            "d" => Duration::from_secs(number.checked_mul(86_400)?),
            _ => return None,
        };
        total = total.checked_add(part)?;
        rest = &tail[letters..];
    }
    Some(total)
}

/// Why a text cannot be a SCIM attribute path, with `[0]` as an addition of ours.
fn wrong_scim_path(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("it is empty");
    }
    let (mut quoted, mut escaped, mut depth) = (false, false, 0_u32);
    for c in path.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '[' => depth += 1,
            ']' if depth == 0 => return Some("`]` without `[`"),
            ']' => depth -= 1,
            c if c.is_whitespace() && depth == 0 => return Some("a blank stands outside of `[…]`"),
            _ => {}
        }
    }
    match (quoted, depth) {
        (true, _) => Some("a quote is not closed"),
        (_, 1..) => Some("`[` is not closed"),
        _ if path.starts_with('.') || path.ends_with('.') => Some("a name is missing at a dot"),
        _ => None,
    }
}

/// RFC 9110 §5.6.2 `token`.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(parse_duration("40m"), Some(Duration::from_secs(2400)));
        assert_eq!(parse_duration("1h30m"), Some(Duration::from_secs(5400)));
        assert_eq!(parse_duration("250ms"), Some(Duration::from_millis(250)));
        for wrong in ["", "40", "m", "40 m", "4x", "99999999999999999999s", "-3s"] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn scim_paths_balance() {
        for right in [
            "userName",
            "Resources[0].id",
            r#"emails[type eq "a] b"].value"#,
            "urn:ietf:params:scim:schemas:core:2.0:User:active",
        ] {
            assert_eq!(wrong_scim_path(right), None, "{right}");
        }
        for wrong in ["", "a b", "a[", "a]", ".a", "a.", r#"a[b eq "c]"#] {
            assert!(wrong_scim_path(wrong).is_some(), "{wrong}");
        }
    }
}
