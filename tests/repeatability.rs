//! The same seed against the same server gives the same report, but for times and what the server makes up.

#[path = "support/tool.rs"]
mod tool;

use regex::Regex;
use tool::{Desk, Recorder, Serve};

/// Times, the port, and ids that the server makes up.
fn normal(json: &str, port_of: &str) -> String {
    let (host, _) = tool::host_and_path(port_of);
    let mut text = json.replace(&host, "HOST");
    for (what, with) in [
        (r"HOST|127\.0\.0\.1:\d+|localhost:\d+", "HOST"),
        (r#""(duration_ms|started)": ?("[^"]*"|\d+)"#, r#""$1": 0"#),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
        (r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", "TIME"),
        (r#"W/\\?"[^"\\]*\\?""#, "ETAG"),
    ] {
        text = Regex::new(what).expect("a pattern").replace_all(&text, with).into_owned();
    }
    text
}

/// Ids of the server become numbers in the order in which they appear.
fn number_ids(text: &str, known: &[String]) -> String {
    let guid = Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}").expect("a pattern");
    let mut seen: Vec<String> = Vec::new();
    guid.replace_all(text, |found: &regex::Captures<'_>| {
        let id = found[0].to_owned();
        if known.contains(&id) {
            return id;
        }
        let n = seen.iter().position(|s| *s == id).unwrap_or_else(|| {
            seen.push(id);
            seen.len() - 1
        });
        format!("ID{n}")
    })
    .into_owned()
}

fn report(seed: &str, jobs: &str) -> String {
    let desk = Desk::new();
    let args = ["--json", "r.json", "--seed", seed, "--jobs", jobs, "--fault", "patch-active-ignored"];
    let scenarios = ["okta/deactivate-user", "okta/group-push-rename", "entra/disable-user", "rfc/create-duplicate"];
    let out = desk.run(&scenarios, &args);
    assert_eq!(out.code, 1, "{out:?}");
    number_ids(&normal(&desk.read("r.json"), "http://nowhere"), &[])
}

fn first_difference(a: &str, b: &str) -> String {
    let differing = a.lines().zip(b.lines()).enumerate().find(|(_, (x, y))| x != y);
    differing.map_or_else(|| "one is longer".to_owned(), |(n, (x, y))| format!("line {}:\n{x}\n{y}", n + 1))
}

#[test]
fn the_same_seed_gives_the_same_report() {
    let (first, second) = (report("7", "1"), report("7", "1"));
    assert!(first == second, "{}", first_difference(&first, &second));
}

#[test]
fn cases_side_by_side_give_the_report_of_cases_in_a_row() {
    // Versions are counted by the server over all cases, so they may be longer or shorter.
    let length = Regex::new(r#"("content-length",\s*)"\d+"|"size": ?\d+"#).expect("a pattern");
    let (row, side) = (report("7", "1"), report("7", "4"));
    let (row, side) = (length.replace_all(&row, "$1"), length.replace_all(&side, "$1"));
    assert!(row == side, "{}", first_difference(&row, &side));
}

#[test]
fn another_seed_makes_other_people() {
    assert!(report("7", "1") != report("8", "1"));
}

#[test]
fn the_same_seed_sends_the_same_bytes() {
    let sent = |seed: &str| {
        let server = Serve::start(&[]);
        let recorder = Recorder::before(&server.base);
        let scenarios = ["okta/create-user", "entra/create-user", "onelogin/connection-test"];
        let out = Desk::new().run_at(&recorder.base, &scenarios, &["--seed", seed]);
        assert_eq!(out.code, 0, "{out:?}");
        let lines: Vec<String> = recorder
            .requests()
            .iter()
            .map(|r| format!("{} {}\n{:?}\n{}", r.method, r.target, r.headers, String::from_utf8_lossy(&r.body)))
            .collect();
        number_ids(&normal(&lines.join("\n"), &recorder.base), &[])
    };
    let (first, second) = (sent("42"), sent("42"));
    assert!(first == second, "{}", first_difference(&first, &second));
    assert!(first != sent("43"));
}
