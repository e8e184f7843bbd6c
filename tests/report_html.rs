//! The HTML page: safe with hostile text, self-contained, as reviewed.

mod report_sample;

use report_sample::{clean, golden, report};
use scimproof::event::RunReport;
use scimproof::report::html;

fn page(report: &RunReport) -> String {
    let mut out = Vec::new();
    html::write(report, &mut out).expect("written");
    String::from_utf8(out).expect("UTF-8")
}

/// Everything after the style sheet and before the script, which are ours.
fn content(page: &str) -> &str {
    let start = page.find("</style>").expect("a style") + 8;
    let end = page.rfind("<script>").expect("a script");
    &page[start..end]
}

#[test]
fn content_is_as_reviewed() {
    golden("html-default", content(&page(&report())));
}

#[test]
fn hostile_text_stays_text() {
    let page = page(&report());
    assert_eq!(page.matches("<script").count(), 1);
    assert_eq!(page.matches("</script").count(), 1);
    let content = content(&page);
    assert!(content.contains("&lt;script&gt;alert(1)"));
    for bad in ["<b>", "\u{202e}", "\u{1b}", "\u{0}", "onload="] {
        assert!(!content.contains(bad), "{bad:?}");
    }
}

#[test]
fn attributes_cannot_be_left() {
    let mut report = report();
    report.findings[0].rule = "x\" onmouseover=\"alert(1)".into();
    report.findings[0].spec = "RFC 7644 §3\"><img src=x>".into();
    let page = page(&report);
    assert!(!page.contains("onmouseover=\"alert"));
    assert!(!page.contains("<img"));
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    let page = page(&report());
    for attribute in ["src=", "<link", "@import", "url("] {
        assert!(!page.contains(attribute), "{attribute}");
    }
    for link in page.split("href=\"").skip(1) {
        assert!(link.starts_with("https://www.rfc-editor.org/rfc/"), "{link}");
    }
}

#[test]
fn a_clean_run_says_so_first() {
    let page = page(&clean());
    assert!(page.contains("<title>Nothing fails this run"));
    assert!(!page.contains("What fails"));
}

#[test]
fn volume_runs_give_a_bounded_page() {
    let mut report = clean();
    let step = report.cases[0].steps[0].clone();
    report.cases[0].steps = vec![step; 5_000];
    let page = page(&report);
    assert!(page.contains("4800 more steps passed"));
    assert!(page.len() < 1_000_000);
}
