//! `scimproof explain`: a page for everything that has an id.

#[path = "support/tool.rs"]
mod tool;

use scimproof::cli::exit::Exit;
use scimproof::cli::explain::{Sources, explain};
use scimproof::profile::idp;
use scimproof::rules;
use scimproof::scenario::{self, model::Scenario};
use scimproof::server::{faults, variants};
use tool::{Desk, golden};

/// Every page of these ids, without colours.
fn pages<'a>(ids: impl Iterator<Item = &'a str>, scenarios: &[Scenario]) -> Vec<(String, String)> {
    let idps = idp::bundled().expect("profiles load");
    let sources = Sources {
        rules: rules::catalogue().collect(),
        faults: faults::all().iter().collect(),
        variants: variants::all().iter().collect(),
        scenarios,
        idps: &idps,
    };
    ids.map(|id| {
        let mut page = Vec::new();
        let exit = explain(&mut page, id, &sources).expect("a page in memory");
        assert_eq!(exit, Exit::Clean, "{id}");
        (id.to_owned(), anstream_free(&String::from_utf8(page).expect("UTF-8")))
    })
    .collect()
}

/// Without escape sequences of colours.
fn anstream_free(text: &str) -> String {
    let colours = regex::Regex::new("\u{1b}\\[[0-9;]*m").expect("a pattern");
    colours.replace_all(text, "").into_owned()
}

/// What every page must be: short enough to read, narrow enough for a terminal, nothing left unfilled.
fn readable(pages: &[(String, String)]) {
    for (id, page) in pages {
        assert!(page.contains(id.as_str()), "{id}: its own id is missing");
        assert!(page.lines().count() >= 3, "{id}: {page}");
        for bad in ["Some(", "None)", "\u{1b}", " \n"] {
            assert!(!page.contains(bad), "{id}: {bad:?} in\n{page}");
        }
    }
}

#[test]
fn every_rule_has_a_page() {
    let all = pages(rules::catalogue().map(|r| r.id), &[]);
    readable(&all);
    for (rule, (id, page)) in rules::catalogue().zip(&all) {
        let first: String = rule.title.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
        assert!(page.contains(&first) && page.contains(rule.spec), "{id}: title or source is missing\n{page}");
        let proof = rule.proven_by.iter().any(|f| page.contains(f));
        assert!(proof, "{id}: the page does not say how to see it\n{page}");
    }
}

#[test]
fn every_fault_and_every_variant_has_a_page() {
    readable(&pages(faults::all().iter().map(|f| f.id), &[]));
    readable(&pages(variants::all().iter().map(|v| v.id), &[]));
}

#[test]
fn every_scenario_has_a_page() {
    let load = |id| scenario::load_bundled(id).expect("it is listed").expect("it loads");
    let all: Vec<Scenario> = scenario::bundled_ids().into_iter().map(load).collect();
    let written = pages(all.iter().map(|s| s.id.as_str()), &all);
    readable(&written);
    for (scenario, (id, page)) in all.iter().zip(&written) {
        assert!(scenario.steps.iter().all(|s| page.contains(&s.id)), "{id}: a step is missing\n{page}");
    }
}

#[test]
fn pages_are_as_reviewed() {
    let ids = ["patch/active-not-applied", "patch/value-path-not-created", "headers/plain-json"];
    for (id, page) in pages(ids.into_iter(), &[]) {
        golden(&format!("explain-rule-{}", id.replace('/', "-")), &page);
    }
}

#[test]
fn the_binary_explains_and_knows_what_was_meant() {
    let desk = Desk::new();
    let page = desk.call(&["explain", "patch/active-not-applied"]);
    assert_eq!((page.code, page.stderr.as_str()), (0, ""));
    assert!(page.stdout.starts_with("patch/active-not-applied"));
    assert!(!page.stdout.contains('\u{1b}'), "colours in a pipe");
    let wrong = desk.call(&["explain", "patch/active-not-aplied"]);
    assert_eq!((wrong.code, wrong.stdout.as_str()), (2, ""));
    assert!(wrong.stderr.contains("did you mean `patch/active-not-applied`"), "{}", wrong.stderr);
}
