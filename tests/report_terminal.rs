//! What people read on the terminal.

mod report_sample;

use report_sample::{broken, clean, golden, play, report};
use scimproof::event::RunReport;
use scimproof::report::terminal::{Options, Terminal};
use std::io::Write;
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("one writer").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn printed(report: &RunReport, options: Options) -> String {
    let buffer = Buffer::default();
    play(Box::new(Terminal::new(buffer.clone(), options)), report);
    let bytes = buffer.0.lock().expect("one writer").clone();
    String::from_utf8(bytes).expect("UTF-8")
}

fn plain(report: &RunReport, options: Options) -> String {
    let styled = printed(report, options);
    anstream::adapter::strip_str(&styled).to_string()
}

#[test]
fn a_run_with_everything_in_it() {
    golden("terminal-default", &plain(&report(), Options::default()));
}

#[test]
fn a_clean_run_is_short() {
    golden("terminal-clean", &plain(&clean(), Options::default()));
}

#[test]
fn a_badly_broken_server_does_not_flood_the_screen() {
    let text = plain(&broken(), Options { quiet: true, ..Options::default() });
    golden("terminal-broken", &text);
}

#[test]
fn many_failing_cases_are_told_by_folder() {
    let mut report = report();
    let failing = report.cases[1].clone();
    for n in 0..60 {
        let mut case = failing.clone();
        case.scenario = format!("okta/more-{n}");
        report.cases.push(case);
    }
    let text = plain(&report, Options::default());
    let cases = text.split("What fails").next().expect("a first part");
    assert!(cases.lines().count() < 15, "{cases}");
    assert!(cases.contains("61 cases, 183 steps"), "{cases}");
    let verbose = plain(&report, Options { verbose: true, ..Options::default() });
    assert!(verbose.contains("okta/more-59"));
}

#[test]
fn verbose_shows_every_step_and_finding() {
    golden("terminal-verbose", &plain(&report(), Options { verbose: true, ..Options::default() }));
}

#[test]
fn show_http_prints_requests_and_responses() {
    let mut report = report();
    report.cases.truncate(1);
    golden("terminal-show-http", &plain(&report, Options { show_http: true, ..Options::default() }));
}

#[test]
fn server_text_never_reaches_the_terminal_as_it_is() {
    for options in [Options::default(), Options { verbose: true, show_http: true, ..Options::default() }] {
        let text = printed(&report(), options);
        for bad in ["\u{1b}[2J", "\u{1b}]0", "\u{7}", "\u{202e}", "\u{0}"] {
            assert!(!text.contains(bad), "{bad:?}");
        }
        assert!(text.lines().all(|l| l.len() < 3_000));
    }
}
