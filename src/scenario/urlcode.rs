//! How text gets into a URL, byte for byte, in the way of an identity provider.
//!
//! Must not know templates or where the text is from.

use crate::profile::idp::Encoding;

/// Literal text of a scenario: only what cannot stand in a URL is encoded. `in_query` turns true at the first `?`.
pub(super) fn literal(text: &str, encoding: Encoding, in_query: &mut bool, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'?' => {
                *in_query = true;
                out.push('?');
            }
            b' ' => blank(encoding, *in_query, out),
            // The .NET query encoder writes brackets as %5b and %5d even where the rest of the text is legal.
            b'[' | b']' if encoding == Encoding::Form && *in_query => hex(byte, encoding, out),
            _ if stands_in_url(byte) => out.push(char::from(byte)),
            _ => hex(byte, encoding, out),
        }
    }
}

/// A value: all but the characters that the way leaves alone is encoded. Percent keeps RFC 3986 §2.3 "unreserved"; form keeps
/// what .NET's `UrlEncode` keeps.
pub(super) fn value(text: &str, encoding: Encoding, in_query: bool, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b' ' => blank(encoding, in_query, out),
            b'-' | b'.' | b'_' => out.push(char::from(byte)),
            b'~' if encoding == Encoding::Percent => out.push('~'),
            b'!' | b'*' | b'(' | b')' if encoding == Encoding::Form => out.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            _ => hex(byte, encoding, out),
        }
    }
}

fn stands_in_url(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte)
}

fn blank(encoding: Encoding, in_query: bool, out: &mut String) {
    // In a path `+` is a plus sign (RFC 3986 has no blank): form encoding is for queries.
    match (encoding, in_query) {
        (Encoding::Form, true) => out.push('+'),
        _ => out.push_str("%20"),
    }
}

fn hex(byte: u8, encoding: Encoding, out: &mut String) {
    let digits: &[u8; 16] = match encoding {
        Encoding::Percent => b"0123456789ABCDEF",
        Encoding::Form => b"0123456789abcdef",
    };
    out.push('%');
    out.push(char::from(digits[usize::from(byte >> 4)]));
    out.push(char::from(digits[usize::from(byte & 15)]));
}
