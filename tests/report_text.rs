//! Markdown, GitHub annotations and JSON.

mod report_sample;

use report_sample::{broken, clean, golden, play, report};
use scimproof::event::RunReport;
use scimproof::report::{FORMATS, github, json, markdown};

fn annotations(report: &RunReport) -> String {
    let mut out = Vec::new();
    github::write(report, &mut out).expect("written");
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn markdown_is_as_reviewed() {
    golden("markdown-default", &markdown::render(&report()));
    golden("markdown-clean", &markdown::render(&clean()));
}

#[test]
fn markdown_fits_a_job_summary() {
    let mut report = broken();
    let finding = report.findings[0].clone();
    report.findings = vec![finding; 20_000];
    assert!(markdown::render(&report).len() < 1024 * 1024);
}

#[test]
fn annotations_are_as_reviewed() {
    golden("github-default", &annotations(&report()));
}

#[test]
fn annotations_are_ten_and_one_line_each() {
    let text = annotations(&broken());
    assert_eq!(text.lines().filter(|l| l.starts_with("::error ")).count(), 10);
    assert!(text.lines().all(|l| l.starts_with("::")));
    assert!(text.contains("18 more findings fail"));
}

#[test]
fn the_summary_is_appended() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("summary.md");
    std::fs::write(&file, "before\n").expect("written");
    play(Box::new(github::GitHub::new(std::io::sink(), Some(file.clone()))), &report());
    let text = std::fs::read_to_string(&file).expect("readable");
    assert!(text.starts_with("before\n## SCIM conformance: 3 findings fail"));
}

#[test]
fn json_is_read_back_as_it_was() {
    let report = report();
    let mut first = Vec::new();
    json::write(&report, &mut first).expect("written");
    let text = String::from_utf8(first.clone()).expect("UTF-8");
    assert!(text.contains("\"format\": \"scimproof/1\""));
    let mut second = Vec::new();
    json::write(&json::read(&text).expect("our format"), &mut second).expect("written");
    assert_eq!(first, second);
    let error = json::read("{\"format\":\"other/2\"}").expect_err("refused").to_string();
    assert!(error.contains("other/2"), "{error}");
}

#[test]
fn every_format_takes_every_report() {
    for report in [report(), clean(), broken()] {
        for format in FORMATS {
            let mut out = Vec::new();
            (format.write)(&report, &mut out).expect(format.name);
            assert!(std::str::from_utf8(&out).expect("UTF-8").ends_with('\n'), "{}", format.name);
        }
    }
}
