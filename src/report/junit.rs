//! JUnit XML: suite = case, testcase = step. Every text goes through [`text::xml`], because the writer does not sanitize.
//!
//! Must not know CI systems beyond this: names are unique and stable, the failure type is the rule id, message and text
//! are both filled, and the text holds ` FILE:LINE` for readers that look for a place.

use super::lookup::Lookup;
use super::text;
use crate::event::{CaseReport, FindingReport, Outcome, RunReport, StepReport};
use junit_report::{Duration, OffsetDateTime, Report, TestCase, TestResult, TestSuite};
use regex::Regex;
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::LazyLock;

/// Writes the report.
pub fn write(report: &RunReport, out: &mut dyn Write) -> io::Result<()> {
    let lookup = Lookup::new(report);
    let mut junit = Report::new();
    for case in &report.cases {
        junit.add_testsuite(suite(report, &lookup, case));
    }
    let mut xml = Vec::new();
    junit.write_xml(&mut xml).map_err(io::Error::other)?;
    let xml = String::from_utf8(xml).map_err(io::Error::other)?;
    writeln!(out, "{}", in_milliseconds(&xml))
}

/// The writer prints times as sums of binary fractions (`3.2720000000000002`); the schema knows three decimals.
fn in_milliseconds(xml: &str) -> Cow<'_, str> {
    static TIME: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"(<test(?:suite|case) [^>]*?\btime=")(\d+\.\d{4,})""#).expect("a fixed pattern"));
    TIME.replace_all(xml, |found: &regex::Captures<'_>| {
        let seconds: f64 = found[2].parse().unwrap_or_default();
        format!("{}{seconds:.3}\"", &found[1])
    })
}

fn suite(report: &RunReport, lookup: &Lookup<'_>, case: &CaseReport) -> TestSuite {
    let name = suite_name(case);
    let mut suite = TestSuite::new(&attribute(&name));
    suite.package = attribute(&case.idp);
    suite.set_timestamp(started(report));
    let mut used = HashMap::new();
    for step in &case.steps {
        let findings = lookup.step(case, step);
        let mut test = step_test(case, step, &findings);
        finish(&mut test, case, &name, &mut used);
        suite.add_testcase(test);
    }
    for finding in lookup.outside_steps(case) {
        let mut test = end_of_case(case, finding);
        finish(&mut test, case, &name, &mut used);
        suite.add_testcase(test);
    }
    if let Some(mut test) = whole_case(case, suite.testcases.is_empty()) {
        finish(&mut test, case, &name, &mut used);
        suite.add_testcase(test);
    }
    suite
}

/// `okta.group-push-rename@wizard`; with the provider in front when another one's scenario is played.
fn suite_name(case: &CaseReport) -> String {
    let name = case.name().replace('/', ".");
    let own = name.split('.').next() == Some(case.idp.as_str());
    if own { name } else { format!("{}.{name}", case.idp) }
}

/// Class, file and a name that is unique in the suite: of two tests with one name, readers drop one.
fn finish(test: &mut TestCase, case: &CaseReport, class: &str, used: &mut HashMap<String, usize>) {
    let count = used.entry(test.name.clone()).or_insert(0);
    *count += 1;
    if *count > 1 {
        test.name = format!("{} #{count}", test.name);
    }
    test.set_classname(&attribute(class));
    if !case.file.is_empty() {
        test.set_filepath(&attribute(&case.file));
    }
}

fn step_test(case: &CaseReport, step: &StepReport, findings: &[&FindingReport]) -> TestCase {
    let name = attribute(&step.id);
    let time = milliseconds(step.duration_ms);
    let reason = step.reason.as_deref().unwrap_or(&step.title);
    let place = place(case, step.line);
    // A known failure is no failure, and a step may break rules that do not fail the run.
    let failing: Vec<_> = findings.iter().filter(|f| f.fails).copied().collect();
    let (told, remarks): (Vec<_>, Vec<_>) = match (step.outcome, failing.is_empty()) {
        (Outcome::Failed, true) => findings.iter().copied().partition(|f| f.known.is_none()),
        _ => findings.iter().copied().partition(|f| f.fails),
    };
    let mut test = match step.outcome {
        Outcome::Failed if !told.is_empty() => failure(&name, time, step, &told, &place),
        Outcome::Failed if findings.is_empty() => {
            let kind = step.findings.first().map_or("scimproof.failed", String::as_str);
            failed(&name, time, kind, reason, &format!("{reason}\n\n {place}"))
        }
        Outcome::Passed | Outcome::Failed => TestCase::success(&name, time),
        Outcome::Skipped => skipped(&name, "scimproof.skipped", reason, &place),
        Outcome::Blocked => skipped(&name, "scimproof.blocked", reason, &place),
        Outcome::Error => broke(&name, time, reason, &place),
    };
    let kept = if test.is_failure() { remarks } else { findings.to_vec() };
    if !kept.is_empty() {
        test.set_system_out(&cdata(&describe_all(&kept)));
    }
    test
}

fn failure(name: &str, time: Duration, step: &StepReport, told: &[&FindingReport], place: &str) -> TestCase {
    let first = told[0];
    let more = match told.len() {
        1 => String::new(),
        n => format!(" (and {} more)", n - 1),
    };
    let message = format!("{}{more}", headline(first));
    let mut body = format!("{}\n\n{}", step.title, describe_all(told));
    if let Some(request) = &step.request {
        body.push_str(&format!("\nrequest   {} {}\n", request.method, request.url));
    }
    if let Some(response) = &step.response {
        body.push_str(&format!("response  {}\n", response.status));
        if let Some(json) = &response.body {
            body.push_str(&text::clip(&text::body(json), 4_000));
            body.push('\n');
        }
    }
    body.push_str(&format!("\n {place}\n"));
    failed(name, time, &first.rule, &message, &body)
}

/// A rule that judges the whole case found something that belongs to none of its steps.
fn end_of_case(case: &CaseReport, finding: &FindingReport) -> TestCase {
    let name = attribute(if finding.step.is_empty() { "end of case" } else { &finding.step });
    let body = format!("{}\n {}\n", describe(finding), place(case, 1));
    if finding.fails {
        return failed(&name, Duration::ZERO, &finding.rule, &headline(finding), &body);
    }
    let mut test = TestCase::success(&name, Duration::ZERO);
    test.set_system_out(&cdata(&body));
    test
}

/// A case without steps still has to be seen, and so has a reason that belongs to no step.
fn whole_case(case: &CaseReport, empty: bool) -> Option<TestCase> {
    let told = case.steps.iter().any(|s| s.outcome == case.outcome);
    let reason = case.reason.as_deref().unwrap_or(&case.title);
    let (name, place) = ("case", place(case, 1));
    match case.outcome {
        Outcome::Skipped if !told => Some(skipped(name, "scimproof.skipped", reason, &place)),
        Outcome::Blocked if !told => Some(skipped(name, "scimproof.blocked", reason, &place)),
        Outcome::Error if !told => Some(broke(name, Duration::ZERO, reason, &place)),
        Outcome::Failed if empty => {
            Some(failed(name, Duration::ZERO, "scimproof.failed", reason, &format!("{reason}\n {place}")))
        }
        Outcome::Passed if empty => Some(TestCase::success(name, milliseconds(case.duration_ms))),
        _ => None,
    }
}

fn failed(name: &str, time: Duration, kind: &str, message: &str, body: &str) -> TestCase {
    let mut test = TestCase::failure(name, time, &attribute(kind), &attribute(message));
    if let TestResult::Failure { cause, .. } = &mut test.result {
        *cause = Some(cdata(body));
    }
    test
}

fn broke(name: &str, time: Duration, reason: &str, place: &str) -> TestCase {
    let mut test = TestCase::error(name, time, "scimproof.error", &attribute(reason));
    if let TestResult::Error { cause, .. } = &mut test.result {
        *cause = Some(cdata(&format!("{reason}\n\n {place}\n")));
    }
    test
}

fn skipped(name: &str, kind: &str, reason: &str, place: &str) -> TestCase {
    let mut test = TestCase::skipped_with_cause(name, kind, &attribute(reason));
    if let TestResult::SkippedWithCause { cause, .. } = &mut test.result {
        *cause = Some(cdata(&format!("{reason}\n\n {place}\n")));
    }
    test
}

fn headline(f: &FindingReport) -> String {
    let said = if f.message.trim().is_empty() { &f.title } else { &f.message };
    format!("{said} [{}: expected {}, actual {}]", f.at, f.expected, f.actual)
}

fn describe_all(findings: &[&FindingReport]) -> String {
    let all: Vec<String> = findings.iter().map(|f| describe(f)).collect();
    all.join("\n")
}

fn describe(f: &FindingReport) -> String {
    let mut out = format!("{} ({}, {})\n{}\n", f.rule, f.level.name(), f.spec, f.title);
    let mut field = |label: &str, value: &str| {
        if !value.trim().is_empty() {
            out.push_str(&format!("{label:<10}{}\n", text::clip(value, 2_000)));
        }
    };
    if f.message != f.title {
        field("message", &f.message);
    }
    field("at", &f.at);
    field("expected", &f.expected);
    field("actual", &f.actual);
    field("against", f.because.as_deref().unwrap_or_default());
    for admin in &f.admin_sees {
        field(&admin.idp, &format!("“{}” ({})", admin.text, admin.evidence));
    }
    field("fix", &f.hint);
    field("known", f.known.as_deref().unwrap_or_default());
    field("again", &f.reproduce);
    field("before", &f.curl_before);
    field("curl", &f.curl);
    out
}

fn place(case: &CaseReport, line: usize) -> String {
    let file = if case.file.is_empty() { &case.scenario } else { &case.file };
    format!("{file}:{}", line.max(1))
}

/// One line, as readers show it; an XML reader turns line breaks in attributes into blanks anyway.
fn attribute(value: &str) -> String {
    text::xml(&text::line(value)).into_owned()
}

/// The writer puts these texts into CDATA sections, which `]]>` would end.
fn cdata(value: &str) -> String {
    text::xml(&value.replace("\r\n", "\n")).replace("]]>", "]]]]><![CDATA[>")
}

fn milliseconds(ms: u64) -> Duration {
    Duration::milliseconds(i64::try_from(ms).unwrap_or(i64::MAX))
}

fn started(report: &RunReport) -> OffsetDateTime {
    use time::format_description::well_known::Rfc3339;
    OffsetDateTime::parse(&report.started, &Rfc3339).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_back(report: &Report) -> quick_junit::Report {
        let mut xml = Vec::new();
        report.write_xml(&mut xml).expect("written");
        quick_junit::Report::deserialize_from_str(std::str::from_utf8(&xml).expect("UTF-8")).expect("well-formed")
    }

    #[test]
    fn times_have_three_decimals() {
        let mut suite = TestSuite::new("s");
        suite.add_testcase(TestCase::success("a", Duration::milliseconds(3_272)));
        suite.add_testcase(TestCase::success("b", Duration::milliseconds(1_566)));
        let mut report = Report::new();
        report.add_testsuite(suite);
        let mut xml = Vec::new();
        report.write_xml(&mut xml).expect("written");
        let xml = String::from_utf8(xml).expect("UTF-8");
        let times: Vec<String> = in_milliseconds(&xml)
            .split("time=\"")
            .skip(1)
            .map(|t| t.split('"').next().expect("a value").to_owned())
            .collect();
        assert!(
            times.iter().any(|t| t == "3.272")
                && times.iter().all(|t| t.split('.').nth(1).is_none_or(|d| d.len() <= 3)),
            "{times:?}"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() })]
        #[test]
        fn any_text_survives(name in any::<String>(), body in "(\\PC|[\\x00-\\x1f]|\\]\\]>|</failure>|&#0;|\u{fffe}){0,40}") {
            let mut report = Report::new();
            let mut suite = TestSuite::new("s");
            suite.set_timestamp(OffsetDateTime::UNIX_EPOCH);
            suite.add_testcase(failed(&attribute(&name), Duration::ZERO, "a/b", &name, &body));
            report.add_testsuite(suite);
            let read = read_back(&report);
            let test = &read.test_suites[0].test_cases[0];
            let want = attribute(&name);
            prop_assert_eq!(test.name.as_str().trim(), want.trim());
            let quick_junit::TestCaseStatus::NonSuccess { description, .. } = &test.status else {
                return Err(TestCaseError::fail("lost the failure"));
            };
            let got = description.as_ref().map(|d| d.as_str().to_owned()).unwrap_or_default();
            // This reader drops tabs.
            let want = text::xml(&body.replace("\r\n", "\n")).replace('\t', "");
            let got = got.replace('\t', "");
            prop_assert_eq!(got.trim(), want.trim());
        }
    }
}
