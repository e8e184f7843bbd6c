//! The published test lists: what they point at exists, and their sheet says what a run shows.

#[path = "support/tool.rs"]
mod tool;

use scimproof::scenario;
use scimproof::suite::{self, Shown, Suite};
use serde_json::Value;
use std::collections::HashSet;
use tool::{Desk, Serve};

fn all() -> Vec<Suite> {
    let load = |name| suite::find(name).expect("it is listed").unwrap_or_else(|e| panic!("{}", e.render(false)));
    suite::names().into_iter().map(load).collect()
}

fn exists(shown: &Shown) -> Result<(), String> {
    let Some(Ok(scenario)) = scenario::load_bundled(&shown.scenario) else { return Err("no such scenario".into()) };
    if let Some(dialect) = &shown.dialect
        && !scenario.dialects.iter().any(|d| d.name == *dialect)
    {
        return Err("no such dialect".into());
    }
    match &shown.step {
        Some(step) if !scenario.steps.iter().any(|s| s.id == step.trim_end_matches("/verify")) => {
            Err("no such step".into())
        }
        _ => Ok(()),
    }
}

#[test]
fn every_item_points_at_something_or_says_what_to_look_at() {
    let suites = all();
    assert_eq!(suite::names(), ["entra-gallery", "entra-validator", "okta-oin", "okta-spec"]);
    for (suite, name) in suites.iter().zip(suite::names()) {
        assert_eq!(suite.suite, name);
        assert!(!suite.source.is_empty() && !suite.title.is_empty() && !suite.about.is_empty(), "{name}");
        let mut seen = HashSet::new();
        for item in &suite.items {
            let place = format!("{name} {}", item.id);
            assert!(seen.insert(&item.id), "{place} twice");
            assert!(!item.shown_by.is_empty() || item.by_hand.is_some(), "{place}: nobody looks at it");
            for shown in &item.shown_by {
                assert_eq!(exists(shown), Ok(()), "{place}: {shown:?}");
            }
        }
    }
    let okta = suites.iter().find(|s| s.suite == "okta-oin").expect("the list of the OIN");
    assert_eq!(okta.items.len(), 61, "the published plan has 61 cases");
}

fn outcomes(report: &Value, wanted: &str) -> Vec<String> {
    let items = report["sheet"]["items"].as_array().expect("a sheet");
    let these = items.iter().filter(|i| i["outcome"] == wanted);
    these.map(|i| i["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn the_healthy_server_passes_every_list() {
    for name in suite::names() {
        let desk = Desk::new();
        let out = desk.call(&["run", "--suite", name, "--json", "r.json", "--markdown", "r.md", "--html", "r.html"]);
        assert_eq!(out.code, 0, "{name}: {}{}", out.stdout, out.stderr);
        let report = desk.json("r.json");
        assert_eq!(outcomes(&report, "fail"), [""; 0], "{name}");
        assert_eq!(outcomes(&report, "not-played"), [""; 0], "{name}");
        assert!(outcomes(&report, "pass").len() > 10, "{name}");
        let title = report["sheet"]["title"].as_str().expect("a title");
        for text in [&out.stdout, &desk.read("r.md"), &desk.read("r.html")] {
            assert!(text.contains(title.split('\'').next().expect("a word")), "{name}: {title}");
        }
    }
}

#[test]
fn a_fault_fails_the_items_that_show_it_and_no_others() {
    let desk = Desk::new();
    let out = desk.call(&[
        "run",
        "--suite",
        "okta-spec",
        "--fault",
        "username-lowercased",
        "--json",
        "r.json",
        "--markdown",
        "r.md",
    ]);
    assert_eq!(out.code, 1, "{}", out.stderr);
    let failed = outcomes(&desk.json("r.json"), "fail");
    assert_eq!(failed, ["6", "7"]);
    let sheet = desk.read("r.md");
    let row = sheet.lines().find(|l| l.starts_with("| 6 |")).expect("a row of item 6");
    assert!(row.contains("**fail**") && row.contains("found: `"), "{row}");
}

#[test]
fn what_a_server_does_not_offer_is_no_failure() {
    let desk = Desk::new();
    let out = desk.call(&["run", "--suite", "entra-validator", "--variant", "users-only", "--json", "r.json"]);
    assert_eq!(out.code, 0, "{}{}", out.stdout, out.stderr);
    let report = desk.json("r.json");
    assert!(outcomes(&report, "not-played").contains(&"V20".to_owned()), "{}", report["sheet"]);
    assert!(outcomes(&report, "pass").contains(&"V01".to_owned()));
}

#[test]
fn what_the_publisher_asserts_fails_its_item_and_not_the_run() {
    let desk = Desk::new();
    let variant = "duplicate-group-names-allowed";
    let out = desk.call(&["run", "--suite", "entra-validator", "--variant", variant, "--json", "r.json"]);
    assert_eq!(out.code, 0, "the RFC allows it: {}{}", out.stdout, out.stderr);
    assert_eq!(outcomes(&desk.json("r.json"), "fail"), ["V21"]);
}

#[test]
fn shards_are_one_sheet() {
    let (server, desk) = (Serve::start(&[]), Desk::new());
    for shard in ["1/2", "2/2"] {
        let file = format!("{}.json", &shard[..1]);
        let args = ["--base-url", &server.base, "--token-env", "SCIM_TOKEN", "--shard", shard, "--json", &file];
        let out = desk.call(&[&["run", "--suite", "okta-spec"][..], &args].concat());
        assert_eq!(out.code, 0, "{}{}", out.stdout, out.stderr);
    }
    let out = desk.call(&["merge", "1.json", "2.json", "--json", "all.json"]);
    assert_eq!(out.code, 0, "{}", out.stderr);
    let report = desk.json("all.json");
    assert_eq!(outcomes(&report, "not-played"), [""; 0]);
    assert_eq!(outcomes(&report, "pass").len(), report["sheet"]["items"].as_array().map_or(0, Vec::len));
}

#[test]
fn a_list_is_explained() {
    let out = Desk::new().call(&["explain", "okta-oin"]);
    assert_eq!(out.code, 0, "{}", out.stderr);
    assert!(out.stdout.contains("C9335") && out.stdout.contains("run --suite okta-oin"), "{}", out.stdout);
}

#[test]
fn a_wrong_name_gets_a_suggestion() {
    let out = Desk::new().call(&["run", "--suite", "okta-ion"]);
    assert_eq!(out.code, 2);
    assert!(out.stderr.contains("okta-oin"), "{}", out.stderr);
}
