//! The section and table numbers of RFC 7643, RFC 7644 and RFC 9865, taken from their tables of contents.
//!
//! Must not know who cites them.

const RFC_7643: &str = "1 1.1 1.2 2 2.1 2.2 2.3 2.3.1 2.3.2 2.3.3 2.3.4 2.3.5 2.3.6 2.3.7 2.3.8 2.4 2.5 3 3.1 3.2 3.3 4 4.1 \
    4.1.1 4.1.2 4.2 4.3 5 6 7 8 8.1 8.2 8.3 8.4 8.5 8.6 8.7 8.7.1 8.7.2 9 9.1 9.2 9.3 10 10.1 10.2 10.2.1 10.3 10.3.1 10.3.2 \
    10.4 11 11.1 11.2";
const RFC_7644: &str = "1 1.1 1.2 1.3 2 2.1 2.2 3 3.1 3.2 3.3 3.3.1 3.4 3.4.1 3.4.2 3.4.2.1 3.4.2.2 3.4.2.3 3.4.2.4 3.4.2.5 \
    3.4.3 3.5 3.5.1 3.5.2 3.5.2.1 3.5.2.2 3.5.2.3 3.6 3.7 3.7.1 3.7.2 3.7.3 3.7.4 3.8 3.9 3.10 3.11 3.12 3.13 3.14 4 5 6 6.1 \
    6.2 7 7.1 7.2 7.3 7.4 7.5 7.5.1 7.5.2 7.6 7.7 7.8 8 8.1 8.2 9 9.1 9.2";
const RFC_9865: &str = "1 1.1 2 2.1 2.2 2.3 2.4 3 4 5 6 6.1 6.2 7";

/// Numbers of tables that have one.
const TABLES: [(&str, u32); 2] = [("7643", 9), ("7644", 10)];

/// What is cited of the three RFCs and does not exist there. Citations are read from left to right; `;` and `)` end the
/// text that a bare `§` refers to.
pub fn wrong_citations(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut rfc = String::new();
    let mut words = text.split_inclusive([' ', ',', ';', '(', ')']).peekable();
    while let Some(raw) = words.next() {
        let word = raw.trim_end_matches([' ', ',', ';', '(', ')', ':']);
        let number = word.strip_prefix('§');
        match (word, number) {
            ("RFC", _) => {
                let next = words.peek().copied().unwrap_or_default();
                rfc = next.chars().take_while(char::is_ascii_digit).collect();
            }
            ("Table", _) => {
                let next: String =
                    words.peek().copied().unwrap_or_default().chars().take_while(char::is_ascii_digit).collect();
                if let Some((_, last)) = TABLES.iter().find(|(r, _)| *r == rfc)
                    && !next.parse::<u32>().is_ok_and(|n| (1..=*last).contains(&n))
                {
                    wrong.push(format!("RFC {rfc} Table {next}"));
                }
            }
            (_, Some(section)) if !has_section(&rfc, section) => wrong.push(format!("RFC {rfc} §{section}")),
            _ => {}
        }
        if raw.ends_with(';') || raw.trim_end().ends_with(';') {
            rfc.clear();
        }
    }
    wrong
}

/// True for an existing section, and for documents whose sections we do not list.
fn has_section(rfc: &str, section: &str) -> bool {
    let all = match rfc {
        "7643" => RFC_7643,
        "7644" => RFC_7644,
        "9865" => RFC_9865,
        _ => return true,
    };
    let section = section.trim_end_matches('.');
    !section.is_empty() && all.split_ascii_whitespace().any(|s| s == section)
}
