//! `${…}` in scenario texts: parsed at load, filled in when a step is sent.
//!
//! Must not know HTTP; how a value is encoded into a URL is the caller's choice.

use super::urlcode;
use crate::profile::idp::Encoding;
use regex::Regex;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

/// A text with holes, e.g. `/Users/${alice.id}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Alternating literal text and holes.
    pub parts: Vec<Part>,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text as it is.
    Text(String),
    /// A name to look up: `alice.userName`, `run`, `guid.team`, `alice.id`.
    Hole(String),
}

/// JSON with templates in its strings. A string that is one hole takes the value's own JSON type.
#[derive(Debug, Clone, PartialEq)]
pub enum JsonTemplate {
    /// null, booleans, numbers.
    Scalar(Value),
    /// A text, perhaps with holes.
    Text(Template),
    /// A list.
    List(Vec<JsonTemplate>),
    /// An object in file order; keys may have holes.
    Object(Vec<(Template, JsonTemplate)>),
}

/// Looks names up. `None`: the name has no value (a capture that was not taken).
pub trait Values {
    /// The value behind a hole.
    fn value(&self, name: &str) -> Option<Value>;

    /// The mail domain that stands for `example.com` in this run.
    fn mail_domain(&self) -> Option<&str> {
        None
    }
}

/// A hole without a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`${{{0}}}` has no value")]
pub struct Missing(pub String);

/// A text that is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTemplate {
    /// `${` without `}`.
    #[error("`${{` is never closed")]
    Unclosed {
        /// Byte offset of `${`.
        at: usize,
    },
    /// `${}` or `${ }`.
    #[error("`${{}}` names nothing")]
    Empty {
        /// Byte offset of `${`.
        at: usize,
    },
    /// Something that cannot be a name.
    #[error("`{name}` is not a name")]
    NotAName {
        /// Byte offset of `${`.
        at: usize,
        /// What stands between the braces.
        name: String,
    },
}

impl BadTemplate {
    /// Byte offset of the `${` in question.
    pub fn at(&self) -> usize {
        match self {
            BadTemplate::Unclosed { at } | BadTemplate::Empty { at } | BadTemplate::NotAName { at, .. } => *at,
        }
    }
}

impl Template {
    /// Parses a text; `$${` is a literal `${`.
    pub fn parse(text: &str) -> Result<Self, BadTemplate> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut pos = 0;
        while let Some(found) = text[pos..].find("${") {
            let at = pos + found;
            let before = &text[pos..at];
            if let Some(kept) = before.strip_suffix('$') {
                literal.push_str(kept);
                literal.push_str("${");
                pos = at + 2;
                continue;
            }
            literal.push_str(before);
            let end = text[at..].find('}').ok_or(BadTemplate::Unclosed { at })? + at;
            let name = &text[at + 2..end];
            check_name(name, at)?;
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(Part::Hole(name.to_owned()));
            pos = end + 1;
        }
        literal.push_str(&text[pos..]);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self { parts })
    }

    /// A template without holes.
    pub fn literal(text: impl Into<String>) -> Self {
        let text = text.into();
        let parts = if text.is_empty() { Vec::new() } else { vec![Part::Text(text)] };
        Self { parts }
    }

    /// The names of all holes, in order.
    pub fn holes(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|p| match p {
            Part::Hole(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The name, when the text is one hole and nothing else.
    pub fn single_hole(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Hole(name)] => Some(name),
            _ => None,
        }
    }

    /// The text, when there is no hole in it.
    pub fn as_literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Changes every name in a hole.
    pub fn rename(&mut self, with: &dyn Fn(&str) -> String) {
        for part in &mut self.parts {
            if let Part::Hole(name) = part {
                *name = with(name);
            }
        }
    }

    /// Fills the holes; values stand as they are.
    pub fn render(&self, values: &dyn Values) -> Result<String, Missing> {
        self.fill(values, |text, out| out.push_str(text), &mut |v, out| {
            out.push_str(v);
        })
    }

    /// Fills the holes of a URL below the base: values are encoded whole, of the literal text only what cannot stand in a
    /// URL (`docs/scenario-format.md`, "URLs are exact"). A blank in the path is `%20` in both ways.
    pub fn render_encoded(&self, values: &dyn Values, encoding: Encoding) -> Result<String, Missing> {
        let mut out = String::new();
        let mut in_query = false;
        for part in &self.parts {
            match part {
                Part::Text(text) => urlcode::literal(&at_home(text, values), encoding, &mut in_query, &mut out),
                Part::Hole(name) => {
                    let value = look_up(values, name)?;
                    urlcode::value(&plain(&value), encoding, in_query, &mut out);
                }
            }
        }
        Ok(out)
    }

    /// Fills the holes and encodes the whole as one query value (or key): for queries that are given as a map.
    pub fn render_component(&self, values: &dyn Values, encoding: Encoding) -> Result<String, Missing> {
        let mut out = String::new();
        urlcode::value(&self.render(values)?, encoding, true, &mut out);
        Ok(out)
    }

    /// Fills the holes of text in which values must not break out of a JSON string: a filter or SCIM path.
    ///
    /// RFC 7644 §3.4.2.2: comparison values are JSON values, so quotes and backslashes inside are escaped.
    pub fn render_in_filter(&self, values: &dyn Values) -> Result<String, Missing> {
        self.fill(values, |text, out| out.push_str(text), &mut |v, out| {
            let quoted = Value::String(v.to_owned()).to_string();
            out.push_str(&quoted[1..quoted.len() - 1]);
        })
    }

    fn fill(
        &self,
        values: &dyn Values,
        text: impl Fn(&str, &mut String),
        value: &mut dyn FnMut(&str, &mut String),
    ) -> Result<String, Missing> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(t) => text(&at_home(t, values), &mut out),
                Part::Hole(name) => value(&plain(&look_up(values, name)?), &mut out),
            }
        }
        Ok(out)
    }
}

/// Addresses at `example.com` moved to the mail domain of this run; in capitals where they are. What is below `example.com`
/// stays below it.
fn at_home<'a>(text: &'a str, values: &dyn Values) -> Cow<'a, str> {
    static EXAMPLE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?i)(@(?:[a-z0-9-]+\.)*)example\.com\b").expect("a fixed pattern"));
    let Some(domain) = values.mail_domain() else { return Cow::Borrowed(text) };
    EXAMPLE.replace_all(text, |found: &regex::Captures<'_>| {
        let capitals = found[0].ends_with("COM");
        format!("{}{}", &found[1], if capitals { domain.to_uppercase() } else { domain.to_owned() })
    })
}

/// Writes the template as it would stand in a file.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Text(text) => f.write_str(&text.replace("${", "$${"))?,
                Part::Hole(name) => write!(f, "${{{name}}}")?,
            }
        }
        Ok(())
    }
}

impl JsonTemplate {
    /// Reads templates out of JSON.
    pub fn parse(value: &Value) -> Result<Self, BadTemplate> {
        Ok(match value {
            Value::String(text) => JsonTemplate::Text(Template::parse(text)?),
            Value::Array(items) => JsonTemplate::List(items.iter().map(Self::parse).collect::<Result<_, _>>()?),
            Value::Object(map) => JsonTemplate::Object(
                map.iter().map(|(k, v)| Ok((Template::parse(k)?, Self::parse(v)?))).collect::<Result<_, _>>()?,
            ),
            scalar => JsonTemplate::Scalar(scalar.clone()),
        })
    }

    /// Fills the holes; a string that is one hole takes the value's own JSON type.
    pub fn render(&self, values: &dyn Values) -> Result<Value, Missing> {
        Ok(match self {
            JsonTemplate::Scalar(value) => value.clone(),
            JsonTemplate::Text(text) => match text.single_hole() {
                Some(name) => look_up(values, name)?,
                None => Value::String(text.render(values)?),
            },
            JsonTemplate::List(items) => {
                Value::Array(items.iter().map(|i| i.render(values)).collect::<Result<_, _>>()?)
            }
            JsonTemplate::Object(members) => {
                let mut map = Map::new();
                for (key, value) in members {
                    map.insert(key.render(values)?, value.render(values)?);
                }
                Value::Object(map)
            }
        })
    }

    /// The names of all holes, in order.
    pub fn holes(&self) -> Box<dyn Iterator<Item = &str> + '_> {
        match self {
            JsonTemplate::Scalar(_) => Box::new(std::iter::empty()),
            JsonTemplate::Text(text) => Box::new(text.holes()),
            JsonTemplate::List(items) => Box::new(items.iter().flat_map(Self::holes)),
            JsonTemplate::Object(members) => Box::new(members.iter().flat_map(|(k, v)| k.holes().chain(v.holes()))),
        }
    }
}

/// A value as text: strings bare, everything else as JSON.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn look_up(values: &dyn Values, name: &str) -> Result<Value, Missing> {
    values.value(name).ok_or_else(|| Missing(name.to_owned()))
}

fn check_name(name: &str, at: usize) -> Result<(), BadTemplate> {
    if name.trim().is_empty() {
        return Err(BadTemplate::Empty { at });
    }
    if !is_dotted_name(name) {
        return Err(BadTemplate::NotAName { at, name: name.to_owned() });
    }
    Ok(())
}

/// True for `alice`, `alice.id`, `guid.team-1`: names of letters, digits, `_` and `-`, joined by dots.
pub fn is_dotted_name(name: &str) -> bool {
    name.split('.').all(is_name)
}

/// True for a single name.
pub fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use std::collections::HashMap;

    struct Fixed(HashMap<&'static str, Value>);
    impl Values for Fixed {
        fn value(&self, name: &str) -> Option<Value> {
            self.0.get(name).cloned()
        }
    }

    fn values() -> Fixed {
        Fixed(HashMap::from([
            ("alice.userName", json!("a b+[c]@example.com")),
            ("n", json!(3)),
            ("team", json!({ "value": "7" })),
        ]))
    }

    #[test]
    fn a_doubled_dollar_is_a_literal() {
        let t = Template::parse("a $${b} $$ $ ${n}").expect("a template");
        assert_eq!(t.render(&values()).as_deref(), Ok("a ${b} $$ $ 3"));
        assert_eq!(t.to_string(), "a $${b} $$ $ ${n}");
    }

    #[test]
    fn bad_templates_say_where() {
        assert_eq!(Template::parse("ab${c"), Err(BadTemplate::Unclosed { at: 2 }));
        assert_eq!(Template::parse("${}"), Err(BadTemplate::Empty { at: 0 }));
        assert_eq!(Template::parse("x${a b}").map_err(|e| e.at()), Err(1), "a blank is no part of a name");
    }

    #[test]
    fn a_lone_hole_keeps_the_json_type() {
        let t = JsonTemplate::parse(&json!({ "a": "${n}", "b": "n=${n}", "c": ["${team}"] })).expect("templates");
        assert_eq!(t.render(&values()), Ok(json!({ "a": 3, "b": "n=3", "c": [{ "value": "7" }] })));
        assert_eq!(t.holes().collect::<Vec<_>>(), ["n", "n", "team"]);
    }

    #[test]
    fn a_name_without_value_is_named() {
        let t = Template::parse("${nobody.id}").expect("a template");
        assert_eq!(t.render(&values()).map_err(|e| e.to_string()), Err("`${nobody.id}` has no value".to_owned()));
    }

    #[test]
    fn urls_are_encoded_in_the_way_of_the_profile() {
        let t = Template::parse(r#"/Users?filter=userName eq "${alice.userName}"&x=a+b%20c&p=emails[type eq "work"]"#)
            .expect("a template");
        assert_eq!(
            t.render_encoded(&values(), Encoding::Percent).as_deref(),
            Ok(
                "/Users?filter=userName%20eq%20%22a%20b%2B%5Bc%5D%40example.com%22&x=a+b%20c&p=emails[type%20eq%20%22work%22]"
            )
        );
        assert_eq!(
            t.render_encoded(&values(), Encoding::Form).as_deref(),
            Ok(
                "/Users?filter=userName+eq+%22a+b%2b%5bc%5d%40example.com%22&x=a+b%20c&p=emails%5btype+eq+%22work%22%5d"
            )
        );
    }

    #[test]
    fn a_blank_in_the_path_is_never_a_plus() {
        let t = Template::parse("/Users/${alice.userName}/x y").expect("a template");
        assert_eq!(
            t.render_encoded(&values(), Encoding::Form).as_deref(),
            Ok("/Users/a%20b%2b%5bc%5d%40example.com/x%20y")
        );
    }

    #[test]
    fn a_query_value_is_encoded_whole() {
        let t = Template::parse("a=b&c ${n}").expect("a template");
        assert_eq!(t.render_component(&values(), Encoding::Percent).as_deref(), Ok("a%3Db%26c%203"));
    }

    #[test]
    fn values_cannot_leave_the_quotes_of_a_filter() {
        let quoted = Fixed(HashMap::from([("x", json!(r#"a" or b\"#))]));
        let t = Template::parse(r#"userName eq "${x}""#).expect("a template");
        assert_eq!(t.render_in_filter(&quoted).as_deref(), Ok(r#"userName eq "a\" or b\\""#));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_parses_or_says_where(text in "[${}a.\\PC]{0,24}") {
            match Template::parse(&text) {
                Ok(t) => prop_assert_eq!(Template::parse(&t.to_string()), Ok(t)),
                Err(e) => prop_assert!(text[e.at()..].starts_with("${"), "points elsewhere"),
            }
        }

        #[test]
        fn text_without_holes_renders_as_itself(text in "\\PC{0,40}") {
            let t = Template::literal(text.clone());
            prop_assert_eq!(t.render(&values()), Ok(text));
        }

        #[test]
        fn an_encoded_url_holds_only_url_characters(text in "\\PC{0,40}") {
            let t = Template::literal(text);
            for encoding in [Encoding::Percent, Encoding::Form] {
                let url = t.render_encoded(&values(), encoding).expect("no holes");
                prop_assert!(url.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b)), "{}", url);
            }
        }

        #[test]
        fn an_encoded_value_decodes_to_itself(text in "\\PC{0,40}") {
            let t = Template::literal(text.clone());
            for encoding in [Encoding::Percent, Encoding::Form] {
                let query = format!("k={}", t.render_component(&values(), encoding).expect("no holes"));
                let pair = url::form_urlencoded::parse(query.as_bytes()).next().expect("one pair");
                prop_assert_eq!(pair.1.as_ref(), text.as_str());
            }
        }
    }
}
