//! JUnit as CI systems read it: by an independent reader, and by a schema where xmllint is installed.

mod report_sample;

use quick_junit::{NonSuccessKind, Report, TestCaseStatus};
use report_sample::{broken, clean, golden, report};
use scimproof::event::RunReport;
use scimproof::report::junit;

fn xml(report: &RunReport) -> String {
    let mut out = Vec::new();
    junit::write(report, &mut out).expect("written");
    String::from_utf8(out).expect("UTF-8")
}

fn read(report: &RunReport) -> Report {
    Report::deserialize_from_str(&xml(report)).expect("well-formed")
}

#[test]
fn report_is_as_reviewed() {
    golden("junit-default", &xml(&report()).replace("><", ">\n<"));
}

#[test]
fn every_outcome_survives_the_way_through_a_reader() {
    let read = read(&report());
    let suites: Vec<_> = read.test_suites.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(
        suites,
        [
            "okta.create",
            "okta.deactivate@wizard",
            "rfc.errors",
            "entra.rfc.patch",
            "entra.rename",
            "rfc.bulk",
            "rfc.bulk-order",
            "onelogin.create"
        ]
    );
    let deactivate = &read.test_suites[1];
    let TestCaseStatus::NonSuccess { kind, ty, message, description, .. } = &deactivate.test_cases[2].status else {
        panic!("the failing step passes");
    };
    assert_eq!(*kind, NonSuccessKind::Failure);
    assert_eq!(ty.as_ref().map(|t| t.as_str()), Some("patch/active-not-applied"));
    assert!(message.as_ref().is_some_and(|m| m.as_str().contains("and 1 more")));
    let body = description.as_ref().expect("a body").as_str();
    assert!(body.contains("list/order-wrong"), "lists the second finding");
    assert!(body.contains(" scenarios/okta/deactivate.yaml:20"), "names the place");
    assert!(matches!(deactivate.test_cases[0].status, TestCaseStatus::Success { .. }));
    assert!(deactivate.test_cases[0].system_out.is_some(), "a should is told in system-out");
    let kinds: Vec<_> = read.test_suites[4..]
        .iter()
        .map(|s| match &s.test_cases.last().expect("never empty").status {
            TestCaseStatus::Skipped { .. } => "skipped",
            TestCaseStatus::NonSuccess { kind: NonSuccessKind::Error, .. } => "error",
            _ => "other",
        })
        .collect();
    assert_eq!(kinds, ["skipped", "skipped", "skipped", "error"]);
}

#[test]
fn names_are_unique() {
    let mut report = report();
    let twin = report.cases[0].steps[0].clone();
    report.cases[0].steps.push(twin);
    let mut seen = std::collections::HashSet::new();
    for suite in &read(&report).test_suites {
        for test in &suite.test_cases {
            let class = test.classname.as_ref().expect("a class").as_str().to_owned();
            let name = test.name.as_str().to_owned();
            assert!(seen.insert((class, name.clone())), "{name}");
        }
    }
}

#[test]
fn a_known_failure_does_not_fail() {
    let mut report = report();
    report.cases[4].steps[0].outcome = scimproof::event::Outcome::Failed;
    let test = &read(&report).test_suites[4].test_cases[0];
    assert!(matches!(test.status, TestCaseStatus::Success { .. }));
    assert!(test.system_out.as_ref().is_some_and(|o| o.as_str().contains("next release")));
}

#[test]
fn schema_accepts_it() {
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/xsd/junit.xsd");
    let folder = tempfile::tempdir().expect("folder");
    for (name, report) in [("nasty", report()), ("clean", clean()), ("broken", broken())] {
        let file = folder.path().join(name);
        std::fs::write(&file, xml(&report)).expect("written");
        let run =
            std::process::Command::new("xmllint").args(["--noout", "--nonet", "--schema", schema]).arg(&file).output();
        match run {
            Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
            Err(_) => return eprintln!("skipped: xmllint is not installed"),
        }
    }
}
