//! Known failures: a file of rule, scenario and reason. They are reported and do not fail the run, until they expire or no
//! longer fail.
//!
//! Must not read the clock or the disk: text and today's date are given.

use crate::event::{CaseReport, FindingReport, LevelCounts, Outcome, RunReport};
use crate::rules::Level;
use serde::Deserialize;
use std::fmt::Write as _;
use time::Date;

/// The entries of a baseline file, in file order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Baseline {
    entries: Vec<Entry>,
}

/// One known failure.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Rule id.
    pub rule: String,
    /// Scenario id, with or without `@dialect`; `*` stands for any text, also across slashes.
    pub scenario: String,
    /// Why it is accepted.
    pub reason: String,
    /// Last day on which it counts.
    pub expires: Option<Date>,
}

/// Why a baseline file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct BaselineError {
    /// Line from 1.
    pub line: usize,
    /// What is wrong and what to write.
    pub message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    known: Vec<toml::Spanned<RawEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    rule: String,
    scenario: String,
    reason: String,
    #[serde(default)]
    expires: Option<Day>,
}

/// A day, as a TOML date or as text.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a day such as 2027-03-31")]
enum Day {
    Toml(toml::value::Datetime),
    Text(String),
}

const NO_REASON: &str = "accepted when the baseline was written";

impl Baseline {
    /// Reads a file's text.
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        let at = |offset: usize| text[..offset.min(text.len())].matches('\n').count() + 1;
        let file: File = toml::from_str(text).map_err(|e| BaselineError {
            line: e.span().map_or(1, |s| at(s.start)),
            message: e.message().replace('\n', " "),
        })?;
        let mut entries: Vec<Entry> = Vec::new();
        for raw in file.known {
            let line = at(raw.span().start);
            let entry = raw.into_inner().checked().map_err(|message| BaselineError { line, message })?;
            if entries.iter().any(|e| e.rule == entry.rule && e.scenario == entry.scenario) {
                let message = format!("`{} @ {}` is listed twice", entry.rule, entry.scenario);
                return Err(BaselineError { line, message });
            }
            entries.push(entry);
        }
        Ok(Self { entries })
    }

    /// The entries.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry that accepts a finding of this rule in this scenario today. Runs that print results before the end ask here.
    pub fn accepts(&self, rule: &str, scenario: &str, today: Date) -> Option<&Entry> {
        self.entries.iter().find(|e| e.fits(rule, scenario) && !e.is_expired(today))
    }

    /// Marks known findings and returns entries that match no finding any more, as `rule @ scenario`.
    ///
    /// A finding that shows in several scenarios is known only if all of them are listed: a known failure that spreads is
    /// news. An entry whose scenarios were not played (`played` does not match it) is not stale.
    pub fn apply(&self, findings: &mut [FindingReport], played: &[String], today: Date) -> Vec<String> {
        let mut used = vec![false; self.entries.len()];
        for finding in findings.iter_mut() {
            let places = scenarios_of(finding);
            let mut covering = Vec::new();
            for place in &places {
                for (index, entry) in self.entries.iter().enumerate() {
                    if entry.fits(&finding.rule, place) {
                        // Expired or not: it still fails, so the entry is not stale.
                        used[index] = true;
                        if !entry.is_expired(today) {
                            covering.push((place.clone(), entry));
                        }
                    }
                }
            }
            let all = places.iter().all(|p| covering.iter().any(|(covered, _)| covered == p));
            if let (true, Some((_, entry))) = (all && finding.fails, covering.first()) {
                finding.known = Some(entry.reason.clone());
                finding.fails = false;
            }
        }
        let stale = self
            .entries
            .iter()
            .zip(used)
            .filter(|(entry, used)| !used && played.iter().any(|scenario| entry.fits(&entry.rule, scenario)));
        stale.map(|(entry, _)| format!("{} @ {}", entry.rule, entry.scenario)).collect()
    }

    /// The text of a new file: every failing or known finding of today. Reasons and days of entries that still match stay;
    /// entries of scenarios that were not played stay as they are.
    pub fn write(&self, findings: &[FindingReport], played: &[String]) -> String {
        let mut next: Vec<Entry> = Vec::new();
        for entry in &self.entries {
            let unseen = !played.iter().any(|scenario| entry.fits(&entry.rule, scenario));
            let still = findings.iter().any(|f| relevant(f) && scenarios_of(f).iter().any(|s| entry.fits(&f.rule, s)));
            if unseen || still {
                next.push(entry.clone());
            }
        }
        for finding in findings.iter().filter(|f| relevant(f)) {
            for scenario in scenarios_of(finding) {
                if !next.iter().any(|e| e.fits(&finding.rule, &scenario)) {
                    next.push(Entry {
                        rule: finding.rule.clone(),
                        scenario,
                        reason: NO_REASON.to_owned(),
                        expires: None,
                    });
                }
            }
        }
        next.sort_by(|a, b| (&a.rule, &a.scenario).cmp(&(&b.rule, &b.scenario)));
        render(&next)
    }
}

/// Applies a baseline to a whole report and settles what follows from it: outcomes of steps and cases, and the figures.
pub fn apply_to_report(report: &mut RunReport, baseline: &Baseline, today: Date) {
    let played: Vec<String> = report
        .cases
        .iter()
        .filter(|c| matches!(c.outcome, Outcome::Passed | Outcome::Failed))
        .map(CaseReport::name)
        .collect();
    report.stale_baseline = baseline.apply(&mut report.findings, &played, today);
    settle(report);
}

/// Makes outcomes and figures agree with the findings, after known failures were taken out.
pub fn settle(report: &mut RunReport) {
    let failing: Vec<(String, Vec<String>)> =
        report.findings.iter().filter(|f| f.fails).map(|f| (f.rule.clone(), scenarios_of(f))).collect();
    let known: Vec<&str> = report.findings.iter().filter(|f| f.known.is_some()).map(|f| f.rule.as_str()).collect();
    for case in &mut report.cases {
        if case.outcome != Outcome::Failed {
            continue;
        }
        let name = case.name();
        let still = |rule: &String| failing.iter().any(|(r, places)| r == rule && places.contains(&name));
        for step in case.steps.iter_mut().filter(|s| s.outcome == Outcome::Failed) {
            // A step that failed for a reason that no finding tells stays failed.
            let explained = step.findings.iter().any(|r| known.contains(&r.as_str()));
            if explained && !step.findings.iter().any(&still) {
                step.outcome = Outcome::Passed;
            }
        }
        let fails = case.steps.iter().any(|s| s.outcome == Outcome::Failed)
            || failing.iter().any(|(_, places)| places.contains(&name));
        if !fails {
            let blocked = case.steps.iter().any(|s| s.outcome == Outcome::Blocked);
            case.outcome = if blocked { Outcome::Blocked } else { Outcome::Passed };
        }
    }
    count(report);
}

/// Counts cases and findings anew.
pub fn count(report: &mut RunReport) {
    let cases = |outcome| report.cases.iter().filter(|c| c.outcome == outcome).count();
    let summary = &mut report.summary;
    summary.passed = cases(Outcome::Passed);
    summary.failed = cases(Outcome::Failed);
    summary.skipped = cases(Outcome::Skipped);
    summary.blocked = cases(Outcome::Blocked);
    summary.errors = cases(Outcome::Error);
    summary.known = report.findings.iter().filter(|f| f.known.is_some()).count();
    let level = |l: Level| report.findings.iter().filter(|f| f.known.is_none() && f.level == l).count();
    summary.findings_by_level = LevelCounts {
        must: level(Level::Must),
        idp: level(Level::Idp),
        should: level(Level::Should),
        note: level(Level::Note),
    };
}

/// The scenarios in which a finding shows, first seen first, each once.
pub fn scenarios_of(finding: &FindingReport) -> Vec<String> {
    let mut all = vec![finding.scenario.clone()];
    for place in &finding.also {
        let scenario = place.split(" › ").next().unwrap_or(place);
        if !all.iter().any(|s| s == scenario) {
            all.push(scenario.to_owned());
        }
    }
    all
}

fn relevant(finding: &FindingReport) -> bool {
    finding.fails || finding.known.is_some()
}

impl RawEntry {
    fn checked(self) -> Result<Entry, String> {
        if !self.rule.contains('/') || self.rule.contains('*') {
            return Err(format!("`{}` is no rule id: write area/what-is-wrong", self.rule));
        }
        if self.reason.trim().is_empty() {
            return Err("the reason is empty: say why this failure is accepted".to_owned());
        }
        let expires = self.expires.map(Day::date).transpose()?;
        Ok(Entry { rule: self.rule, scenario: self.scenario, reason: self.reason, expires })
    }
}

impl Day {
    fn date(self) -> Result<Date, String> {
        let text = match self {
            Day::Toml(value) => value.to_string(),
            Day::Text(text) => text,
        };
        let format = time::macros::format_description!("[year]-[month]-[day]");
        Date::parse(&text, format).map_err(|_| format!("`{text}` is no day: write it as 2027-03-31"))
    }
}

impl Entry {
    fn fits(&self, rule: &str, scenario: &str) -> bool {
        let without_dialect = scenario.split('@').next().unwrap_or(scenario);
        self.rule == rule && (glob(&self.scenario, scenario) || glob(&self.scenario, without_dialect))
    }

    fn is_expired(&self, today: Date) -> bool {
        self.expires.is_some_and(|last| today > last)
    }
}

/// `*` stands for any text. Linear in the product of lengths, without recursion: patterns come from files.
pub fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

const HEAD: &str = "\
# Known failures of `scimproof run --baseline`: they are reported and do not fail the run.
# An entry that no longer fails makes the run fail, so that this file stays true. `expires` is the last day it counts.
";

fn render(entries: &[Entry]) -> String {
    let mut out = HEAD.to_owned();
    for e in entries {
        // A formatter into a String does not fail.
        let _ = write!(
            out,
            "\n[[known]]\nrule = {}\nscenario = {}\nreason = {}\n",
            quoted(&e.rule),
            quoted(&e.scenario),
            quoted(&e.reason)
        );
        if let Some(day) = e.expires {
            let _ = writeln!(out, "expires = {day}");
        }
    }
    out
}

/// A basic string of TOML: the same escapes as JSON, and DEL besides.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use time::macros::date;

    const TODAY: Date = date!(2026 - 11 - 22);

    fn finding(rule: &str, scenario: &str, also: &[&str]) -> FindingReport {
        serde_json::from_value(json!({
            "rule": rule, "title": "", "level": "must", "fails": true, "known": null, "scenario": scenario,
            "step": "s", "at": "", "expected": "", "actual": "", "message": "", "spec": "", "impact": "none",
            "admin_sees": [], "hint": "", "reproduce": "", "curl": "", "because": null, "also": also
        }))
        .expect("a finding")
    }

    fn baseline(text: &str) -> Baseline {
        Baseline::parse(text).expect("good")
    }

    const ONE: &str = "[[known]]\nrule = \"a/b\"\nscenario = \"okta/*\"\nreason = \"later\"\n";

    #[test]
    fn known_findings_do_not_fail() {
        let mut findings = vec![finding("a/b", "okta/x@wizard", &["okta/y › s"]), finding("a/c", "okta/x", &[])];
        let stale = baseline(ONE).apply(&mut findings, &["okta/x@wizard".into()], TODAY);
        assert_eq!(findings[0].known.as_deref(), Some("later"));
        assert!(!findings[0].fails);
        assert!(findings[1].fails);
        assert!(stale.is_empty());
    }

    #[test]
    fn a_known_failure_that_spreads_is_news() {
        let mut findings = vec![finding("a/b", "okta/x", &["entra/y › s"])];
        baseline(ONE).apply(&mut findings, &[], TODAY);
        assert!(findings[0].fails);
    }

    #[test]
    fn entries_expire_after_their_last_day() {
        let text = format!("{ONE}expires = 2026-11-22\n");
        let mut findings = vec![finding("a/b", "okta/x", &[])];
        let tomorrow = date!(2026 - 11 - 23);
        let stale = baseline(&text).apply(&mut findings, &["okta/x".into()], tomorrow);
        assert!(findings[0].fails, "expired");
        assert!(stale.is_empty(), "but it still fails");
        baseline(&text).apply(&mut findings, &[], TODAY);
        assert!(!findings[0].fails, "the last day counts");
    }

    #[test]
    fn entries_that_no_longer_fail_are_stale_if_they_were_played() {
        let b = baseline(ONE);
        assert_eq!(b.apply(&mut [], &["okta/x".into()], TODAY), ["a/b @ okta/*"]);
        assert!(b.apply(&mut [], &["entra/x".into()], TODAY).is_empty());
    }

    #[test]
    fn writing_keeps_reasons_and_what_was_not_played() {
        let old = baseline(&format!(
            "{ONE}expires = \"2027-01-01\"\n[[known]]\nrule = \"g/h\"\nscenario = \"rfc/x\"\nreason = \"fixed\"\n\
             [[known]]\nrule = \"e/f\"\nscenario = \"entra/z\"\nreason = \"other shard\"\n"
        ));
        let findings = [finding("a/b", "okta/x", &[]), finding("new/one", "okta/x", &["okta/y › s"])];
        let played = ["okta/x".to_owned(), "okta/y".to_owned(), "rfc/x".to_owned()];
        let text = old.write(&findings, &played);
        let next = baseline(&text);
        let told: Vec<_> =
            next.entries().iter().map(|e| format!("{} @ {}: {}", e.rule, e.scenario, e.reason)).collect();
        assert_eq!(
            told,
            [
                "a/b @ okta/*: later".to_owned(),
                "e/f @ entra/z: other shard".to_owned(),
                format!("new/one @ okta/x: {NO_REASON}"),
                format!("new/one @ okta/y: {NO_REASON}"),
            ]
        );
        assert_eq!(next.entries()[0].expires, Some(date!(2027 - 01 - 01)));
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let error = |text: &str| Baseline::parse(text).expect_err("wrong").to_string();
        assert!(error("[[known]]\nrul = \"a/b\"\n").starts_with("line 2: unknown field `rul`"));
        assert!(error("\n[[known]]\nrule = \"a/b\"\nscenario = \"x\"\n").contains("missing field `reason`"));
        assert!(error(&format!("{ONE}{ONE}")).starts_with("line 5: `a/b @ okta/*` is listed twice"));
        assert!(error(&format!("{ONE}expires = \"soon\"")).contains("write it as 2027-03-31"));
        assert!(error(&ONE.replace("later", " ")).contains("reason is empty"));
        assert!(error(&ONE.replace("a/b", "*")).contains("no rule id"));
    }

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, text, fits) in [
            ("okta/*", "okta/a@b", true),
            ("*", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("ab*ba", "aba", false),
            ("okta/x", "okta/xy", false),
        ] {
            assert_eq!(glob(pattern, text), fits, "{pattern} {text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]
        #[test]
        fn any_reason_survives_rewriting(reason in "\\PC{0,5}[!-~]\\PC{0,5}|[\\x00-\\x7f]{0,9}x") {
            let entry = Entry { rule: "a/b".into(), scenario: "x".into(), reason, expires: None };
            let text = render(std::slice::from_ref(&entry));
            prop_assert_eq!(Baseline::parse(&text).expect("own output"), Baseline { entries: vec![entry] });
        }
    }
}
