//! Attribute notation and the paths of PATCH operations (RFC 7644 §3.10, §3.5.2).
//! Must not know operations; it names values and finds them.

use super::filter::{self, Filter};
use super::matching;
use super::schema::{Container, ResourceType};
use super::value::{container, flatten, get_ci};
use serde_json::Value;
use std::fmt;

/// Where and why a filter or path could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at byte {offset})")]
pub struct SyntaxError {
    /// Byte offset in the text.
    pub offset: usize,
    /// A sentence for people.
    pub message: String,
}

impl SyntaxError {
    /// An error at this place.
    pub fn new(offset: usize, message: impl Into<String>) -> Self {
        Self { offset, message: message.into() }
    }
}

/// `[URN:]attribute[.sub]` (RFC 7644 §3.10).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AttrPath {
    /// URN of the schema, if given.
    pub urn: Option<String>,
    /// Attribute name. Empty only in a [`PatchPath`] that addresses a whole schema.
    pub attr: String,
    /// Name of the sub-attribute, if given.
    pub sub: Option<String>,
}

impl AttrPath {
    /// A path of this attribute without URN and sub-attribute.
    pub fn of(attr: &str) -> Self {
        Self { urn: None, attr: attr.to_owned(), sub: None }
    }
}

impl fmt::Display for AttrPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.urn {
            Some(urn) if self.attr.is_empty() => return f.write_str(urn),
            Some(urn) => write!(f, "{urn}:")?,
            None => {}
        }
        f.write_str(&self.attr)?;
        match &self.sub {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

/// Target of a PATCH operation (RFC 7644 §3.5.2 Figure 7).
#[derive(Debug, Clone, PartialEq)]
pub struct PatchPath {
    /// The attribute; its `sub` is set by `name.familyName`.
    pub attr: AttrPath,
    /// The value filter of `emails[…]`.
    pub filter: Option<Filter>,
    /// The sub-attribute after a value filter: `emails[…].value`.
    pub sub: Option<String>,
}

impl PatchPath {
    /// Whether the path is a bare schema URN and so means all attributes of that schema.
    pub fn is_whole_schema(&self) -> bool {
        self.attr.attr.is_empty()
    }

    /// The sub-attribute, with or without a filter before it.
    pub fn sub_name(&self) -> Option<&str> {
        self.sub.as_deref().or(self.attr.sub.as_deref())
    }
}

impl fmt::Display for PatchPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.attr)?;
        if let Some(filter) = &self.filter {
            write!(f, "[{filter}]")?;
        }
        match &self.sub {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

/// Longest text that is read as filter or path.
pub const MAX_LENGTH: usize = 64 * 1024;

/// Reads an attribute path. A URN ends at the last colon; names have neither colon nor bracket.
pub fn parse_attr_path(text: &str) -> Result<AttrPath, SyntaxError> {
    let (urn, rest) = match text.rsplit_once(':') {
        Some((urn, rest)) => (Some(urn), rest),
        None => (None, text),
    };
    attr_path(urn, rest, text.len() - rest.len())
}

/// Reads an attribute path, knowing the schemas of the resource type: their URNs are tried first, which also admits
/// a bare URN (the attribute name is then empty).
pub fn parse_attr_path_for(text: &str, rt: &ResourceType) -> Result<AttrPath, SyntaxError> {
    if text.len() > MAX_LENGTH {
        return Err(SyntaxError::new(MAX_LENGTH, "the path is too long"));
    }
    match known_urn(text, rt) {
        Some(urn) if urn.len() == text.len() => {
            Ok(AttrPath { urn: Some(urn.to_owned()), attr: String::new(), sub: None })
        }
        Some(urn) => {
            let start = urn.len() + 1;
            attr_path(Some(urn), text.get(start..).unwrap_or_default(), start)
        }
        None => parse_attr_path(text),
    }
}

/// The URN of the resource type with which the text begins, in the spelling of the text. The longest wins, since one
/// URN can begin another.
fn known_urn<'t>(text: &'t str, rt: &ResourceType) -> Option<&'t str> {
    let ids = rt.extensions.iter().map(|e| &e.schema.id).chain([&rt.schema.id]);
    let begins = ids.filter_map(|id| {
        let head = text.get(..id.len()).filter(|head| head.eq_ignore_ascii_case(id))?;
        let rest = &text[id.len()..];
        (rest.is_empty() || rest.starts_with(':')).then_some(head)
    });
    begins.max_by_key(|head| head.len())
}

fn attr_path(urn: Option<&str>, rest: &str, start: usize) -> Result<AttrPath, SyntaxError> {
    if urn.is_some_and(|urn| !is_urn(urn)) {
        return Err(SyntaxError::new(0, "what stands before the attribute name is not a schema URN"));
    }
    let (attr, sub) = match rest.split_once('.') {
        Some((attr, sub)) => (attr, Some(sub)),
        None => (rest, None),
    };
    if !is_name(attr) {
        return Err(SyntaxError::new(start, format!("`{}` is not an attribute name", shorten(attr))));
    }
    if let Some(sub) = sub.filter(|sub| !is_name(sub)) {
        let at = start + attr.len() + 1;
        return Err(SyntaxError::new(at, format!("`{}` is not a sub-attribute name", shorten(sub))));
    }
    Ok(AttrPath { urn: urn.map(str::to_owned), attr: attr.to_owned(), sub: sub.map(str::to_owned) })
}

fn shorten(text: &str) -> String {
    text.chars().take(60).collect()
}

/// ATTRNAME of RFC 7644 Figure 1, and `$ref`, which RFC 7643 §2.4 has but the grammar forgot.
fn is_name(text: &str) -> bool {
    let bare = text.strip_prefix('$').unwrap_or(text);
    bare.starts_with(|c: char| c.is_ascii_alphabetic())
        && bare.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// Scheme, colon, and characters that a URI may have: enough to tell a URN from noise.
fn is_urn(text: &str) -> bool {
    let scheme = text.split_once(':').map_or(text, |(scheme, _)| scheme);
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.contains(':')
        && text.chars().all(|c| c.is_ascii_graphic() && !"[]()\"\\<>^`{|}".contains(c))
}

/// Reads the path of a PATCH operation. Whether the attribute exists is left to the caller.
pub fn parse_path(text: &str, rt: &ResourceType) -> Result<PatchPath, SyntaxError> {
    let whole = text;
    let text = whole.trim();
    let lead = whole.len() - whole.trim_start().len();
    let shift = |e: SyntaxError| SyntaxError { offset: e.offset + lead, ..e };
    if text.len() > MAX_LENGTH {
        return Err(SyntaxError::new(MAX_LENGTH, "the path is too long"));
    }
    let Some(open) = text.find('[') else {
        let attr = parse_attr_path_for(text, rt).map_err(shift)?;
        return Ok(PatchPath { attr, filter: None, sub: None });
    };
    let attr = parse_attr_path_for(text[..open].trim_end(), rt).map_err(shift)?;
    if attr.attr.is_empty() || attr.sub.is_some() {
        return Err(SyntaxError::new(lead + open, "a value filter follows an attribute name"));
    }
    let (filter, end) = filter::parse_bracketed(text, open).map_err(shift)?;
    let sub = match text.get(end..).unwrap_or_default() {
        "" => None,
        rest => match rest.strip_prefix('.').filter(|sub| is_name(sub)) {
            Some(sub) => Some(sub.to_owned()),
            None => {
                return Err(SyntaxError::new(lead + end, "only `.` and a sub-attribute can follow `]`"));
            }
        },
    };
    Ok(PatchPath { attr, filter: Some(filter), sub })
}

/// The values that a path addresses, flattened over multi-valued attributes; unassigned values are left out.
pub fn select<'a>(doc: &'a Value, path: &PatchPath, rt: &ResourceType) -> Vec<&'a Value> {
    if path.is_whole_schema() {
        return whole_schema(doc, path, rt);
    }
    let bare = AttrPath { sub: None, ..path.attr.clone() };
    let (values, attribute) = values_of(doc, &bare, rt);
    let kept = values.into_iter().filter(|value| match &path.filter {
        Some(filter) => matching::matches_element(filter, value, attribute),
        None => true,
    });
    match path.sub_name() {
        None => kept.collect(),
        Some(sub) => kept.flat_map(|value| member(value, sub)).collect(),
    }
}

fn whole_schema<'a>(doc: &'a Value, path: &PatchPath, rt: &ResourceType) -> Vec<&'a Value> {
    let urn = path.attr.urn.as_deref().unwrap_or_default();
    if urn.eq_ignore_ascii_case(&rt.schema.id) {
        return vec![doc];
    }
    doc.as_object().and_then(|m| get_ci(m, urn)).map(flatten).unwrap_or_default()
}

/// The values of a sub-attribute within one value; a simple value is its own `value`.
pub(super) fn member<'a>(value: &'a Value, sub: &str) -> Vec<&'a Value> {
    match value {
        Value::Object(map) => get_ci(map, sub).map(flatten).unwrap_or_default(),
        simple if sub.eq_ignore_ascii_case("value") => flatten(simple),
        _ => Vec::new(),
    }
}

/// The values of an attribute path, flattened, with the schema's attribute (the sub-attribute if the path has one).
/// Attributes that the schema does not know are looked up by name all the same.
pub(super) fn values_of<'a, 'r>(
    doc: &'a Value,
    path: &AttrPath,
    rt: &'r ResourceType,
) -> (Vec<&'a Value>, Option<&'r super::schema::Attribute>) {
    let resolved = rt.attribute_anywhere(path);
    let place = match (&resolved, path.urn.as_deref()) {
        (Some(r), _) => r.container,
        (None, Some(urn)) if !urn.eq_ignore_ascii_case(&rt.schema.id) => Container::Extension(urn),
        (None, _) => Container::Core,
    };
    let top = container(doc, place).and_then(|map| get_ci(map, &path.attr)).map(flatten).unwrap_or_default();
    let values = match path.sub.as_deref() {
        None => top,
        Some(sub) => top.into_iter().flat_map(|value| member(value, sub)).collect(),
    };
    (values, resolved.map(|r| r.leaf()))
}

#[cfg(test)]
mod tests {
    use super::super::urn;
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> PatchPath {
        parse_path(text, &ResourceType::user()).expect(text)
    }

    #[test]
    fn urns_have_dots_and_colons() {
        let path = read(&format!("{}:manager.value", urn::ENTERPRISE));
        assert_eq!(path.attr.urn.as_deref(), Some(urn::ENTERPRISE));
        assert_eq!((path.attr.attr.as_str(), path.sub_name()), ("manager", Some("value")));
        assert!(read(urn::ENTERPRISE).is_whole_schema());
        assert!(read(&urn::USER.to_lowercase()).is_whole_schema());
        let foreign = read("urn:example:params:acme:3.1:User:badge.number");
        assert_eq!(foreign.attr.urn.as_deref(), Some("urn:example:params:acme:3.1:User"));
        let filtered = read(&format!("{}:emails[type eq \"work\"].value", urn::USER));
        assert_eq!(filtered.attr.urn.as_deref(), Some(urn::USER));
        assert_eq!(filtered.sub_name(), Some("value"));
    }

    #[test]
    fn example_paths_of_the_rfc() {
        // RFC 7644 §3.5.2 Figure 8.
        for text in [
            "members",
            "name.familyName",
            "addresses[type eq \"work\"]",
            "members[value eq \"2819c223-7f76-453a-919d-413861904646\"]",
            "members[value eq \"2819c223-7f76-453a-919d-413861904646\"].displayName",
            "members[value eq\"2819c223\"]",
        ] {
            let path = read(text);
            assert_eq!(read(&path.to_string()), path);
        }
    }

    #[test]
    fn broken_paths_are_refused() {
        for text in [
            "",
            ".",
            "a.",
            "a.b.c",
            "1a",
            "emails[",
            "emails[]",
            "emails[type eq \"work\"",
            "emails]",
            "emails[type eq \"work\"]x",
            "emails[type eq \"work\"].",
            "emails[type eq \"work\"].a.b",
            "name.familyName[value pr]",
            "emails[0]",
            "a b",
            "/userName",
            ":userName",
            "x:userName",
            "ü",
        ] {
            assert!(parse_path(text, &ResourceType::user()).is_err(), "{text}");
        }
    }

    #[test]
    fn selection_flattens() {
        let user = ResourceType::user();
        let doc = json!({"EMAILS": [{"type": "work", "value": "a"}, {"type": "home", "value": "b"}],
            urn::ENTERPRISE: {"manager": {"value": "m"}}});
        let at = |text: &str| select(&doc, &read(text), &user).into_iter().cloned().collect::<Vec<_>>();
        assert_eq!(at("emails.value"), [json!("a"), json!("b")]);
        assert_eq!(at("emails[type eq \"home\"].value"), [json!("b")]);
        assert_eq!(at("emails[type eq \"WORK\"]"), [json!({"type": "work", "value": "a"})]);
        assert_eq!(at(&format!("{}:manager.value", urn::ENTERPRISE)), [json!("m")]);
        assert_eq!(at(urn::ENTERPRISE).len(), 1);
        assert!(at("title").is_empty());
        assert_eq!(select(&doc, &read(urn::USER), &user), [&doc]);
    }
}
