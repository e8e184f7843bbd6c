//! Filters that a scenario sends are held against the grammar (RFC 7644 §3.4.2.2), so that a slip of the author is no finding
//! about the server.
//!
//! Must not know who sends them.

use super::error::Problem;
use super::parts::Reader;
use super::shape::inside;
use super::template::{Part, Template};
use crate::scim::filter;
use std::ops::Range;

/// Checks the `filter` parameter in a target, unless it is percent-encoded: what an author encodes is meant as it is.
pub(super) fn check_target(reader: &mut Reader, target: &Template, span: &Range<usize>) {
    let Some(text) = with_placeholders(target) else {
        return;
    };
    let Some((_, query)) = text.split_once('?') else {
        return;
    };
    for parameter in query.split('&') {
        if let Some(value) = parameter.strip_prefix("filter=")
            && !value.contains('%')
        {
            check_text(reader, &value.replace('+', " "), span);
        }
    }
}

/// Checks a filter that stands alone, in a query map.
pub(super) fn check(reader: &mut Reader, filter: &Template, span: &Range<usize>) {
    if let Some(text) = with_placeholders(filter) {
        check_text(reader, &text, span);
    }
}

fn check_text(reader: &mut Reader, text: &str, span: &Range<usize>) {
    if let Err(error) = filter::parse(text) {
        let from = text.get(error.offset..).unwrap_or_default();
        let word = from.split_whitespace().next().unwrap_or_default();
        let at = if word.is_empty() { span.clone() } else { inside(&reader.sink, span, word) };
        let problem = Problem::new(format!("the filter does not parse: {}", error.message), "in this filter");
        reader.error(&at, problem.help("if it is wrong on purpose, set `broken: true` on the step"));
    }
}

/// The text with a word in place of each value. `None`: a value outside of quotes, which could be anything.
fn with_placeholders(template: &Template) -> Option<String> {
    let mut text = String::new();
    for part in &template.parts {
        match part {
            Part::Text(literal) => text.push_str(literal),
            Part::Hole(_) => {
                let in_filter = text.contains("filter=") || !text.contains('?');
                if in_filter && !in_quotes(&text) && !in_path(&text) {
                    return None;
                }
                text.push('x');
            }
        }
    }
    Some(text)
}

/// True when an odd number of quotes stands before.
fn in_quotes(text: &str) -> bool {
    let mut quoted = false;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' if quoted => {
                chars.next();
            }
            '"' => quoted = !quoted,
            _ => {}
        }
    }
    quoted
}

fn in_path(text: &str) -> bool {
    text.starts_with('/') && !text.contains('?')
}
