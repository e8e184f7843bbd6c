//! Foreign text made harmless: for a terminal, for one line, for XML, within bounds.
//!
//! Must not know what the text is about. Whatever a server sends may be in it: escapes, line breaks, right-to-left
//! overrides, a megabyte of `A`.

use std::borrow::Cow;
use std::fmt::Write as _;

/// How much of one foreign text a line of a report shows.
pub const LINE_LIMIT: usize = 300;

/// Text for a terminal or a page: line breaks and tabs stay, every other character that acts instead of showing becomes
/// visible as `\u{1b}`.
pub fn block(text: &str) -> Cow<'_, str> {
    escape(text, |c| c != '\n' && c != '\t' && acts(c))
}

/// Text for one line: as [`block`], line breaks and tabs become visible too, and it is cut at [`LINE_LIMIT`].
pub fn line(text: &str) -> String {
    clip(&escape(text, acts), LINE_LIMIT)
}

/// As [`line`] for an error message of ours that quotes a stranger: our advice stands at its end, so more of it is kept.
pub fn message(text: &str) -> String {
    clip(&escape(text, acts), 8 * LINE_LIMIT)
}

/// Text for XML 1.0: characters that cannot stand in a document become visible (XML 1.0 §2.2, and the noncharacters); so do
/// those that turn the direction of reading, and a carriage return, which readers would turn into a line break (§2.11).
pub fn xml(text: &str) -> Cow<'_, str> {
    escape(text, |c| {
        !matches!(c, '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
            || (acts(c) && !matches!(c, '\t' | '\n'))
    })
}

/// Cuts after so many characters and says how many are missing.
pub fn clip(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some((cut, _)) => {
            let missing = text[cut..].chars().count();
            format!("{}… ({missing} more characters)", &text[..cut])
        }
    }
}

/// At most so many bytes from the start, cut at a character.
pub fn prefix(text: &str, limit: usize) -> &str {
    let cut = (0..=limit.min(text.len())).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
    &text[..cut]
}

/// Breaks text into lines of at most `width` characters, at blanks where there are any.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            lines.push(String::new());
            used = 0;
        }
        let last = lines.last_mut().expect("starts with one line");
        if used > 0 {
            last.push(' ');
            used += 1;
        }
        last.push_str(word);
        used += length;
    }
    lines
}

/// A body of a report as text: JSON over several lines, other text as it is.
pub fn body(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        json => serde_json::to_string_pretty(json).unwrap_or_default(),
    }
}

/// `1 case`, `2 cases`.
pub fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// `12 ms`, `3.4 s`, `2 min 5 s`.
pub fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
    }
}

/// True for characters that move the cursor, change colours or turn the direction of reading.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{061c}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn escape(text: &str, bad: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&bad) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            _ if !bad(c) => out.push(c),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_on_the_terminal() {
        assert_eq!(line("a\u{1b}[31mb\r\nc\u{202e}d\u{7}"), "a\\u{1b}[31mb\\r\\nc\\u{202e}d\\u{7}");
        assert_eq!(block("a\nb\u{9b}c"), "a\nb\\u{9b}c");
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        assert_eq!(clip("äöü", 2), "äö… (1 more characters)");
        assert_eq!(prefix("äöü", 3), "ä");
    }

    #[test]
    fn words_wrap_and_long_words_stay_whole() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("https://app.example.com/ x", 5), ["https://app.example.com/", "x"]);
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(duration(7), "7 ms");
        assert_eq!(duration(3_456), "3.4 s");
        assert_eq!(duration(125_000), "2 min 5 s");
    }
}
