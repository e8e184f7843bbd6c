//! One self-contained HTML page: what fails first, every request and response below.
//!
//! Must not load anything from anywhere, and must not put foreign text where a browser would act on it: the template
//! escapes everything, and nothing from the server is in a script, a style or a link.

use super::{diff, terminal::summary_line, text};
use crate::event::{CaseReport, FindingReport, ItemOutcome, Outcome, RunReport, SheetReport, StepReport};
use minijinja::{Environment, UndefinedBehavior, value::Serde};
use serde_json::{Value, json};
use std::io::{self, Write};

const TEMPLATE: &str = include_str!("html/report.html");

/// A step of a volume run is one of many thousands; a page shows so many per case, and all that did not pass.
const STEPS_SHOWN: usize = 200;

/// Characters of one body on the page; the JSON report has more.
const BODY_SHOWN: usize = 16_000;

/// Of a step in which nothing was found, less is enough.
const QUIET_BODY_SHOWN: usize = 3_000;

/// Writes the report.
pub fn write(report: &RunReport, out: &mut dyn Write) -> io::Result<()> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_template("report.html", TEMPLATE).map_err(io::Error::other)?;
    let page = environment.get_template("report.html").map_err(io::Error::other)?;
    let html = page.render(Serde(&harmless(view(report)))).map_err(io::Error::other)?;
    // Lines that only held template code.
    for line in html.lines().map(str::trim_end) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Control characters and changes of reading direction become visible, wherever they are.
fn harmless(value: Value) -> Value {
    match value {
        Value::String(s) => Value::String(text::block(&s).into_owned()),
        Value::Array(items) => items.into_iter().map(harmless).collect(),
        Value::Object(map) => map.into_iter().map(|(k, v)| (k, harmless(v))).collect(),
        other => other,
    }
}

fn sheet(sheet: &SheetReport) -> Value {
    let rows = sheet.items.iter().map(|item| {
        let class = match item.outcome {
            ItemOutcome::Pass => "passed",
            ItemOutcome::Fail => "failed",
            ItemOutcome::NotPlayed => "skipped",
            ItemOutcome::ByHand => "hand",
        };
        json!({ "class": class, "result": item.outcome.name(), "item": item })
    });
    json!({
        "title": sheet.title, "about": sheet.about, "source": sheet.source, "counts": sheet.counts(),
        "rows": rows.collect::<Vec<_>>(),
    })
}

fn view(report: &RunReport) -> Value {
    let (failing, rest): (Vec<_>, Vec<_>) = report.findings.iter().partition(|f| f.fails);
    let (known, remarks): (Vec<_>, Vec<_>) = rest.into_iter().partition(|f| f.known.is_some());
    let s = &report.summary;
    let verdict = if !failing.is_empty() {
        json!({ "class": "bad", "text": format!("{} this run", fails(failing.len())) })
    } else if s.errors > 0 {
        json!({ "class": "bad", "text": format!("{} could not be played", text::count(s.errors, "case")) })
    } else if !report.stale_baseline.is_empty() {
        json!({ "class": "bad", "text": "The baseline lists failures that are fixed" })
    } else if s.passed == 0 {
        json!({ "class": "warn", "text": "Nothing ran" })
    } else {
        json!({ "class": "good", "text": "Nothing fails this run" })
    };
    json!({
        "version": report.version,
        "started": report.started.replace('T', " ").trim_end_matches('Z'),
        "partial": report.partial,
        "seed": report.seed.to_string(),
        "target": report.target,
        "server": if report.target.embedded { "the embedded reference server" } else { &report.target.base_url },
        "verdict": verdict,
        "line": summary_line(s),
        "tiles": [
            tile("passed", s.passed), tile("failed", s.failed), tile("blocked", s.blocked),
            tile("broke", s.errors), tile("skipped", s.skipped),
        ],
        "failing": findings(&failing),
        "remarks": findings(&remarks),
        "known": findings(&known),
        "sheet": report.sheet.as_ref().map(sheet),
        "about": report.remarks().collect::<Vec<_>>(),
        "left_behind": report.left_behind,
        "stale": report.stale_baseline,
        "groups": groups(&report.cases),
    })
}

fn fails(n: usize) -> String {
    if n == 1 { "1 finding fails".to_owned() } else { format!("{n} findings fail") }
}

fn tile(name: &str, count: usize) -> Value {
    json!({ "name": name, "count": count })
}

fn findings(all: &[&FindingReport]) -> Vec<Value> {
    all.iter().map(|f| finding(f)).collect()
}

fn finding(f: &FindingReport) -> Value {
    let said = if f.message.trim().is_empty() { &f.title } else { &f.message };
    let impact = serde_json::to_value(f.impact).ok();
    let impact = impact.as_ref().and_then(Value::as_str).unwrap_or("none").replace('-', " ");
    json!({
        "rule": f.rule,
        "level": f.level.name(),
        "title": f.title,
        "message": (said != &f.title).then_some(said),
        "spec": f.spec,
        "spec_link": spec_link(&f.spec),
        "impact": (impact != "none").then_some(impact),
        "known": f.known,
        "at": f.at,
        "place": place(&f.scenario, &f.step),
        "case": f.scenario,
        "caution": f.caution(),
        "because": f.because,
        "expected": text::clip(&f.expected, BODY_SHOWN),
        "actual": text::clip(&f.actual, BODY_SHOWN),
        "diff": diff::lines(&f.expected, &f.actual),
        "admin_sees": f.admin_sees,
        "hint": f.hint,
        "also": f.also,
        "curl": f.curl,
        "curl_before": f.curl_before,
        "reproduce": f.reproduce,
    })
}

fn place(scenario: &str, step: &str) -> String {
    format!("{scenario}{}{step}", super::lookup::PLACE_SEPARATOR)
}

/// `RFC 7644 §3.5.2` → the section at the RFC editor. The only links on the page, made from our own catalogue's words.
fn spec_link(spec: &str) -> Option<String> {
    let rest = spec.strip_prefix("RFC ")?;
    let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
    if !(4..=5).contains(&number.len()) {
        return None;
    }
    let section: String = rest
        .split_once('§')
        .map(|(_, s)| s.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect())
        .unwrap_or_default();
    let section = section.trim_matches('.');
    let anchor = if section.is_empty() { String::new() } else { format!("#section-{section}") };
    Some(format!("https://www.rfc-editor.org/rfc/rfc{number}{anchor}"))
}

fn groups(cases: &[CaseReport]) -> Vec<Value> {
    let mut names: Vec<&str> = Vec::new();
    for case in cases {
        if !names.contains(&case.idp.as_str()) {
            names.push(&case.idp);
        }
    }
    names
        .into_iter()
        .map(|name| {
            let own: Vec<_> = cases.iter().filter(|c| c.idp == name).collect();
            let passed = own.iter().filter(|c| c.outcome == Outcome::Passed).count();
            json!({
                "name": name,
                "counts": format!("{passed} of {} passed", own.len()),
                "cases": own.into_iter().map(case).collect::<Vec<_>>(),
            })
        })
        .collect()
}

fn case(c: &CaseReport) -> Value {
    let shown: Vec<Value> = c
        .steps
        .iter()
        .enumerate()
        .filter(|(index, s)| *index < STEPS_SHOWN || s.outcome != Outcome::Passed)
        .map(|(_, s)| step(s))
        .collect();
    json!({
        "name": c.name(),
        "title": c.title,
        "evidence": c.evidence,
        "outcome": word(c.outcome),
        "reason": c.reason,
        "duration": text::duration(c.duration_ms),
        "file": c.file,
        "left_out": c.steps.len() - shown.len(),
        "steps": shown,
    })
}

fn step(s: &StepReport) -> Value {
    let limit = if s.findings.is_empty() { QUIET_BODY_SHOWN } else { BODY_SHOWN };
    let body = |value: Option<&Value>| value.map(|v| text::clip(&text::body(v), limit));
    json!({
        "id": s.id,
        "title": s.title,
        "outcome": word(s.outcome),
        "reason": s.reason,
        "added": s.added,
        "line": s.line,
        "duration": text::duration(s.duration_ms),
        "findings": s.findings,
        "request": s.request.as_ref().map(|r| json!({
            "method": r.method, "url": r.url, "headers": r.headers, "body": body(r.body.as_ref()),
        })),
        "response": s.response.as_ref().map(|r| json!({
            "status": r.status, "headers": r.headers, "body": body(r.body.as_ref()), "size": r.size,
        })),
    })
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Skipped => "skipped",
        Outcome::Blocked => "blocked",
        Outcome::Error => "broke",
    }
}

#[cfg(test)]
mod tests {
    use super::spec_link;

    #[test]
    fn only_rfcs_are_linked() {
        let link = |spec| spec_link(spec).map(|l| l.replace("https://www.rfc-editor.org/rfc/", ""));
        assert_eq!(link("RFC 7644 §3.5.2").as_deref(), Some("rfc7644#section-3.5.2"));
        assert_eq!(link("RFC 7643 §7, RFC 7644 §3.9").as_deref(), Some("rfc7643#section-7"));
        assert_eq!(link("RFC 9865").as_deref(), Some("rfc9865"));
        assert_eq!(link("Okta: SCIM 2.0 guide"), None);
        assert_eq!(link("RFC x\" onload=\""), None);
    }
}
