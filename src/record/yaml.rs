//! A tree of values → YAML as a person would write it: blocks, and short mappings in one line.
//!
//! Must not know scenarios. What is written reads back as the same tree, whatever the texts hold.

use serde_json::Value;

/// Width up to which a mapping or list stays in one line.
const WIDTH: usize = 110;

/// Writes a mapping as a document.
pub(super) fn document(value: &Value) -> String {
    let mut out = String::new();
    block(value, 0, &mut out);
    out
}

fn block(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(map) => {
            for (key, member) in map {
                pad(indent, out);
                out.push_str(&scalar(key));
                out.push(':');
                after(member, indent, indent + 2, out);
            }
        }
        Value::Array(items) => {
            for item in items {
                pad(indent, out);
                out.push('-');
                element(item, indent, out);
            }
        }
        other => {
            pad(indent, out);
            out.push_str(&flow(other));
            out.push('\n');
        }
    }
}

/// What stands behind `key:`.
fn after(member: &Value, indent: usize, deeper: usize, out: &mut String) {
    match member {
        Value::Object(map) if !map.is_empty() && !is_short(member, indent) => {
            out.push('\n');
            block(member, deeper, out);
        }
        Value::Array(items) if !items.is_empty() && !is_short(member, indent) => {
            out.push('\n');
            block(member, deeper, out);
        }
        other => {
            out.push(' ');
            out.push_str(&flow(other));
            out.push('\n');
        }
    }
}

/// What stands behind `-`: the first key of a mapping in the same line.
fn element(item: &Value, indent: usize, out: &mut String) {
    match item {
        // A step is a paragraph of its own, however short it is.
        Value::Object(map) if !map.is_empty() && (indent <= 2 || !is_short(item, indent)) => {
            let mut inner = String::new();
            block(item, indent + 2, &mut inner);
            out.push(' ');
            out.push_str(inner.trim_start_matches(' '));
        }
        other => {
            out.push(' ');
            out.push_str(&flow(other));
            out.push('\n');
        }
    }
}

fn pad(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
}

/// True for what fits into the line. Long trees are not even written to find out.
fn is_short(value: &Value, indent: usize) -> bool {
    fn within(value: &Value, room: &mut usize) -> bool {
        let take = |n: usize, room: &mut usize| {
            let fits = *room >= n;
            *room = room.saturating_sub(n);
            fits
        };
        match value {
            Value::String(s) => take(s.len() + 2, room),
            Value::Array(items) => items.iter().all(|v| take(2, room) && within(v, room)),
            Value::Object(map) => map.iter().all(|(k, v)| take(k.len() + 4, room) && within(v, room)),
            _ => take(4, room),
        }
    }
    within(value, &mut WIDTH.saturating_sub(indent)) && flow(value).len() + indent <= WIDTH
}

fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let members = map.iter().map(|(k, v)| format!("{}: {}", scalar(k), flow(v)));
            format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// Plain where no reader of YAML could take it for anything else; else in double quotes, where JSON's escapes are YAML's.
fn scalar(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

fn is_plain(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '$');
    let within = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-$@+=()?%;".contains(c) || c == ' ');
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"];
    begins && within && !text.ends_with(' ') && !words.contains(&text.to_ascii_lowercase().as_str())
}

fn quoted(text: &str) -> String {
    let json = Value::String(text.to_owned()).to_string();
    // YAML wants what does not print to be escaped; JSON lets it stand.
    json.chars().fold(String::with_capacity(json.len()), |mut out, c| {
        match u32::from(c) {
            n @ (0x7f..=0x9f | 0x2028 | 0x2029 | 0xfeff | 0xfffe | 0xffff | 0xe000..=0xf8ff) => {
                out.push_str(&format!("\\u{n:04X}"))
            }
            n @ 0x10000.. => out.push_str(&format!("\\U{n:08X}")),
            _ => out.push(c),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load_data;
    use proptest::prelude::*;
    use serde_json::json;

    fn any_tree() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[a-z:#\\-\"'{}\\[\\] ,&*!|>%@`?\n\t]{0,12}".prop_map(Value::from),
            prop::sample::select(vec![
                "true", "No", "~", "null", "0x1F", "1e3", "1_000", "012", "- a", "a: b", "a #b", "...", "<<", "="
            ])
            .prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
                prop::collection::vec(("[a-zA-Z:$#\\- ]{1,8}|\\PC{1,4}", inner), 0..5)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_reads_back_as_the_same_tree(tree in any_tree()) {
            let tree = json!({ "root": tree });
            let text = document(&tree);
            let back: Value = load_data(&text, "x.yaml").map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
            prop_assert_eq!(back, tree, "{}", text);
        }
    }

    #[test]
    fn it_reads_like_written_by_hand() {
        let tree = json!({ "steps": [{ "step": "create", "POST": "/Users", "expect": { "status": 201 },
            "body": { "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "${person1.userName}",
                "emails": [{ "value": "${person1.email}", "primary": true }] } }] });
        let expected = "steps:\n  - step: create\n    POST: /Users\n    expect: { status: 201 }\n    body:\n      \
            schemas: [\"urn:ietf:params:scim:schemas:core:2.0:User\"]\n      userName: \"${person1.userName}\"\n      \
            emails: [{ value: \"${person1.email}\", primary: true }]\n";
        assert_eq!(document(&tree), expected);
    }
}
