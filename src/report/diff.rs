//! Expected against actual, line by line, where a reader would otherwise have to search for the difference.
//!
//! Must not know what is compared: two texts in, marked lines out.

use serde_json::{Map, Value};
use similar::{ChangeTag, TextDiff};

/// One line of a difference.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Line {
    /// `-` only expected, `+` only actual, ` ` both, `~` left out.
    pub sign: char,
    /// The line, without its break.
    pub text: String,
}

/// The difference when both are JSON objects or lists, or both have several lines; else `None`: two short values are
/// easier to read one above the other.
pub fn lines(expected: &str, actual: &str) -> Option<Vec<Line>> {
    let (old, new) = match (structure(expected), structure(actual)) {
        (Some(a), Some(b)) => (a, b),
        _ if expected.contains('\n') && actual.contains('\n') => (expected.to_owned(), actual.to_owned()),
        _ => return None,
    };
    let diff = TextDiff::from_lines(&old, &new);
    let mut out = Vec::new();
    for (index, group) in diff.grouped_ops(3).iter().enumerate() {
        if index > 0 {
            out.push(Line { sign: '~', text: "…".into() });
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            let text = change.value().trim_end_matches('\n').to_owned();
            out.push(Line { sign, text });
        }
    }
    (!out.is_empty()).then_some(out)
}

/// JSON objects and lists, printed with sorted names: the order of attributes means nothing (RFC 7643 §2).
fn structure(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    if !value.is_object() && !value.is_array() {
        return None;
    }
    serde_json::to_string_pretty(&sorted(value)).ok()
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().map(|(k, v)| (k, sorted(v))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(Map::from_iter(entries))
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_of_attributes_is_no_difference() {
        let lines = lines(r#"{"b":1,"a":[1,2]}"#, r#"{"a":[1,3],"b":1}"#).expect("differs");
        let changed: Vec<_> = lines.iter().filter(|l| l.sign != ' ').collect();
        assert_eq!(changed.len(), 2);
        assert_eq!(changed[0].text.trim(), "2");
        assert_eq!(changed[1].text.trim(), "3");
    }

    #[test]
    fn short_values_are_not_diffed() {
        assert_eq!(lines("false", "true"), None);
        assert_eq!(lines("200\n201", "404"), None);
    }
}
