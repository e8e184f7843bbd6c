//! Markdown: what a reviewer reads in a job summary or a ticket. Findings, not exchanges.
//!
//! Must not let text from the server become markup: it goes into code spans and code blocks only, whose fences are
//! longer than any run of backticks inside.

use super::terminal::{left_named, summary_line};
use super::{diff, lookup::PLACE_SEPARATOR, text};
use crate::event::{FindingReport, ItemOutcome, Outcome, RunReport, SheetItem, SheetReport};
use std::fmt::Write as _;
use std::io::{self, Write};

/// GitHub takes 1 MiB for a summary; what comes later is left out with a note.
const LIMIT: usize = 900 * 1024;

/// Findings with all details; the rest are lines of a table.
const IN_FULL: usize = 25;

/// Writes the report.
pub fn write(report: &RunReport, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(render(report).as_bytes())
}

/// The report as text.
pub fn render(report: &RunReport) -> String {
    let mut out = head(report);
    let (failing, rest): (Vec<_>, Vec<_>) = report.findings.iter().partition(|f| f.fails);
    let (known, remarks): (Vec<_>, Vec<_>) = rest.into_iter().partition(|f| f.known.is_some());
    if let Some(sheet) = &report.sheet {
        out.push_str(&self::sheet(sheet));
    }
    let end = tail(report, &remarks, &known);
    let mut shown = 0;
    for finding in failing.iter().take(IN_FULL) {
        let part = section(finding);
        if out.len() + part.len() + end.len() > LIMIT {
            break;
        }
        out.push_str(&part);
        shown += 1;
    }
    if shown < failing.len() {
        let _ = writeln!(out, "\n### {} more\n", failing.len() - shown);
        table(&mut out, &failing[shown..]);
    }
    out.push_str(&end);
    let cut = text::prefix(&out, LIMIT).len();
    if cut < out.len() {
        out.truncate(cut);
        out.push_str("\n\n… cut here: the JSON and HTML reports have all of it.\n");
    }
    out
}

fn head(report: &RunReport) -> String {
    let failing = report.findings.iter().filter(|f| f.fails).count();
    let verdict = match failing {
        0 if report.summary.errors > 0 => "some cases could not be played".to_owned(),
        0 if !report.stale_baseline.is_empty() => "the baseline lists failures that are fixed".to_owned(),
        0 => "nothing fails".to_owned(),
        1 => "1 finding fails".to_owned(),
        n => format!("{n} findings fail"),
    };
    let server =
        if report.target.embedded { "the embedded reference server".to_owned() } else { code(&report.target.base_url) };
    let mut out = format!("## SCIM conformance: {verdict}\n\n{server} · {}\n", summary_line(&report.summary));
    if report.partial {
        out.push_str("\n**Interrupted:** the rest of the run is missing.\n");
    }
    out
}

fn section(f: &FindingReport) -> String {
    let said = if f.message.trim().is_empty() { &f.title } else { &f.message };
    let mut out = format!("\n### {} `{}`: {}\n\n", f.level.name(), inside(&f.rule), prose(&f.title));
    if said != &f.title {
        let _ = writeln!(out, "{}\n", prose(said));
    }
    let _ = writeln!(out, "At {} in {} · {}\n", code(&f.at), code(&place(f)), prose(&f.spec));
    if let Some(caution) = f.caution() {
        let _ = writeln!(out, "*Inferred:* {caution}.\n");
    }
    match diff::lines(&f.expected, &f.actual) {
        Some(lines) => {
            let text: Vec<String> =
                lines.iter().map(|l| format!("{}{}", if l.sign == '~' { ' ' } else { l.sign }, l.text)).collect();
            out.push_str(&block("diff", &text::clip(&text.join("\n"), 4_000)));
        }
        None => {
            let _ = writeln!(out, "- should be {}\n- was {}", code(&f.expected), code(&f.actual));
        }
    }
    if let Some(because) = &f.because {
        let _ = writeln!(out, "- contradicts {}", code(because));
    }
    for admin in &f.admin_sees {
        let next = admin.next.as_deref().map(|n| format!(" {}", prose(n))).unwrap_or_default();
        let _ = writeln!(
            out,
            "- {} admin reads: “{}” ({}){next}",
            prose(&admin.idp),
            prose(&admin.text),
            prose(&admin.evidence)
        );
    }
    if !f.hint.trim().is_empty() {
        let _ = writeln!(out, "- **fix:** {}", prose(&f.hint));
    }
    if !f.also.is_empty() {
        let _ = writeln!(out, "- also in {} more places", f.also.len());
    }
    let commands = [&f.reproduce, &f.curl_before, &f.curl].map(String::as_str);
    let commands: Vec<&str> = commands.into_iter().filter(|c| !c.is_empty()).collect();
    let block = block("sh", &commands.join("\n"));
    let _ = write!(out, "\n<details><summary>See it again</summary>\n\n{block}\n</details>\n");
    out
}

/// The sheet of a published test list, ready to be handed in.
fn sheet(sheet: &SheetReport) -> String {
    let mut out =
        format!("\n### {}: {}\n\n{}\n", prose(&sheet.title), sheet.counts(), escaped(&text::block(&sheet.about)));
    let sources: Vec<String> = sheet.source.iter().map(|s| code(s)).collect();
    let _ = writeln!(out, "\nPublished at {}.", sources.join(", "));
    let mut group = None;
    for item in &sheet.items {
        if group.is_none_or(|g| g != &item.group) {
            let head = item.group.as_deref().map(|g| format!("\n**{}**\n", prose(g))).unwrap_or_default();
            let _ = writeln!(
                out,
                "{head}\n| Test | What is tested | Result | Shown by, or what to look at |\n|---|---|---|---|"
            );
            group = Some(&item.group);
        }
        let optional = if item.optional { " (optional)" } else { "" };
        let result = match item.outcome {
            ItemOutcome::Fail => "**fail**",
            other => other.name(),
        };
        let cell = |s: String| s.replace('|', "\\|");
        let (id, title, shown) = (cell(prose(&item.id)), cell(prose(&item.title)), cell(shown(item)));
        let _ = writeln!(out, "| {id} | {title}{optional} | {result} | {shown} |");
    }
    out
}

fn shown(item: &SheetItem) -> String {
    let codes = |all: &[String]| all.iter().map(|s| code(s)).collect::<Vec<_>>().join(", ");
    let mut parts = Vec::new();
    if !item.shown_by.is_empty() {
        parts.push(codes(&item.shown_by));
    }
    if !item.findings.is_empty() {
        parts.push(format!("found: {}", codes(&item.findings)));
    }
    parts.extend(item.reason.as_deref().map(prose));
    parts.extend(item.by_hand.as_deref().map(|b| format!("by hand: {}", prose(b))));
    parts.join("; ")
}

fn tail(report: &RunReport, remarks: &[&FindingReport], known: &[&FindingReport]) -> String {
    let mut out = String::new();
    let (named, more) = left_named(report);
    list(&mut out, "Left behind: delete by hand or with `scimproof clean`", named);
    if let Some(more) = more {
        let _ = writeln!(out, "\n{more}");
    }
    list(&mut out, "No longer fails: take these out of the baseline", &report.stale_baseline);
    if let Some(verdict) = report.job.as_ref().and_then(|j| j.verdict.as_deref()) {
        let _ = writeln!(out, "\n{}", prose(verdict));
    }
    if !remarks.is_empty() {
        let _ = writeln!(
            out,
            "\n<details><summary>{} that do not fail the run</summary>\n",
            text::count(remarks.len(), "finding")
        );
        table(&mut out, remarks);
        out.push_str("\n</details>\n");
    }
    if !known.is_empty() {
        let _ = writeln!(out, "\n<details><summary>{}</summary>\n", text::count(known.len(), "known failure"));
        for f in known {
            let _ = writeln!(out, "- {}: {}", code(&f.rule), prose(f.known.as_deref().unwrap_or_default()));
        }
        out.push_str("\n</details>\n");
    }
    let others: Vec<String> = report
        .cases
        .iter()
        .filter(|c| matches!(c.outcome, Outcome::Error | Outcome::Blocked | Outcome::Skipped))
        .map(|c| {
            let word = match c.outcome {
                Outcome::Error => "broke",
                Outcome::Blocked => "blocked",
                _ => "skipped",
            };
            format!("{word} {}: {}", c.name(), c.reason.as_deref().unwrap_or("see its steps"))
        })
        .collect();
    if !others.is_empty() {
        let _ = writeln!(
            out,
            "\n<details><summary>{} not played to the end</summary>\n",
            text::count(others.len(), "case")
        );
        for line in &others {
            let _ = writeln!(out, "- {}", code(line));
        }
        out.push_str("\n</details>\n");
    }
    out
}

fn list(out: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n### {title}\n");
    for line in lines {
        let _ = writeln!(out, "- {}", code(line));
    }
}

fn table(out: &mut String, findings: &[&FindingReport]) {
    out.push_str("| level | rule | what is wrong | where |\n| --- | --- | --- | --- |\n");
    for f in findings {
        let cell = |s: String| s.replace('|', "\\|");
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            f.level.name(),
            cell(code(&f.rule)),
            cell(prose(&f.title)),
            cell(code(&place(f)))
        );
    }
}

fn place(f: &FindingReport) -> String {
    format!("{}{PLACE_SEPARATOR}{}", f.scenario, f.step)
}

fn inside(value: &str) -> String {
    text::line(value).replace('`', "'")
}

/// A code span: the fence is one longer than the longest run of backticks inside (CommonMark §6.1).
fn code(value: &str) -> String {
    let value = text::line(value);
    let fence = "`".repeat(longest_run(&value) + 1);
    if value.is_empty() {
        "(nothing)".to_owned()
    } else if value.starts_with('`') || value.ends_with('`') {
        format!("{fence} {value} {fence}")
    } else {
        format!("{fence}{value}{fence}")
    }
}

fn block(language: &str, value: &str) -> String {
    let fence = "`".repeat(longest_run(value).max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", text::block(value))
}

fn longest_run(value: &str) -> usize {
    value.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Running text. Pairs of single backticks are meant as code by our own texts; everything else that is markup is escaped,
/// `@` too, which would call people on a forge.
fn prose(value: &str) -> String {
    let value = text::line(value);
    let pieces: Vec<&str> = value.split('`').collect();
    if pieces.len().is_multiple_of(2) {
        return escaped(&value);
    }
    let mut out = String::new();
    for (index, piece) in pieces.iter().enumerate() {
        match index % 2 {
            0 => out.push_str(&escaped(piece)),
            _ if piece.is_empty() => out.push_str("\\`\\`"),
            _ => {
                let _ = write!(out, "`{piece}`");
            }
        }
    }
    out
}

fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '!' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_cannot_be_left() {
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(block("", "```\nx"), "````\n```\nx\n````\n");
    }

    #[test]
    fn own_code_stays_code_and_markup_does_not() {
        assert_eq!(prose("PATCH says `active`, @all <b>"), "PATCH says `active`, &#64;all &lt;b&gt;");
        assert_eq!(prose("odd ` one"), "odd \\` one");
    }
}
