//! `list` and `explain`.

mod report_sample;

use report_sample::golden;
use scimproof::cli::exit::Exit;
use scimproof::cli::explain::{Sources, explain};
use scimproof::cli::list;
use scimproof::profile::idp::IdpProfile;
use scimproof::rules::{Impact, Level, Rule, Verdict};
use scimproof::server::faults::Fault;
use scimproof::server::variants::Variant;

static RULE: Rule = Rule {
    id: "patch/active-not-applied",
    title: "PATCH answers success but `active` keeps its value",
    spec: "RFC 7644 §3.5.2",
    level: Level::Must,
    impact: Impact::StaysActive,
    clash: false,
    breaks: &["okta", "entra"],
    requirements: &["R-1", "R-2"],
    explain: "A server that says yes and does otherwise leaves a door open.",
    hint: "Apply every operation before you answer.",
    wrong: "PATCH /Users/1\n→ 200 {\"active\": true}",
    right: "PATCH /Users/1\n→ 200 {\"active\": false}",
    proven_by: &["patch-active-ignored"],
    check: |_| Verdict::NotApplicable,
};

static FAULT: Fault = Fault {
    id: "patch-active-ignored",
    title: "active is not changed by PATCH",
    area: "patch",
    source: &["https://example.com/issues/1"],
    wrong: "answers 200 and keeps active",
    right: "changes active",
    hooks: &[],
};

static VARIANT: Variant =
    Variant {
        id: "patch-204", title: "PATCH answers 204", spec: "RFC 7644 §3.5.2", breaks: &["onelogin"], hooks: &[]
    };

fn idps() -> Vec<IdpProfile> {
    let json = serde_json::json!({
        "name": "okta", "title": "Okta",
        "admin": { "stays-active": { "text": "succeeded", "evidence": "seen", "next": "Okta never looks again." } }
    });
    vec![serde_json::from_value(json).expect("a profile")]
}

fn page(id: &str) -> (Exit, String) {
    let idps = idps();
    let scenarios = [scenario()];
    let sources = Sources {
        rules: vec![&RULE],
        faults: vec![&FAULT],
        variants: vec![&VARIANT],
        scenarios: &scenarios,
        idps: &idps,
    };
    let mut out = Vec::new();
    let exit = explain(&mut out, id, &sources).expect("printed");
    let text = String::from_utf8(out).expect("UTF-8");
    (exit, anstream::adapter::strip_str(&text).to_string())
}

fn scenario() -> scimproof::scenario::model::Scenario {
    let text = "scenario: okta/create\ntitle: Create a user\nidp: okta\nevidence: documented\nneeds: [users]\npeople: { alice: {} }\nsteps:\n  - step: look-up\n    title: Looks whether there is one\n    GET: /Users?filter=userName eq \"${alice.userName}\"\n  - pause: 40m\n    title: The next cycle\n";
    scimproof::scenario::load(text, "scenarios/okta/create.yaml", &|_| None).expect("loads")
}

#[test]
fn pages_are_as_reviewed() {
    for (name, id) in [
        ("explain-rule", "patch/active-not-applied"),
        ("explain-fault", "patch-active-ignored"),
        ("explain-variant", "patch-204"),
        ("explain-scenario", "scenarios/okta/create.yaml"),
    ] {
        let (exit, text) = page(id);
        assert_eq!(exit, Exit::Clean);
        golden(name, &text);
    }
}

#[test]
fn a_wrong_id_is_met_with_a_suggestion() {
    let (exit, text) = page("patch/active-not-aplied");
    assert_eq!(exit, Exit::Usage);
    assert!(text.contains("did you mean `patch/active-not-applied`"), "{text}");
    assert!(page("zzz\u{1b}[2J").1.contains("zzz\\u{1b}[2J"));
}

#[test]
fn lists_are_for_people_and_for_tools() {
    let mut out = Vec::new();
    list::rules(&mut out, &[&RULE], false).expect("printed");
    list::faults(&mut out, &[&FAULT], false).expect("printed");
    list::variants(&mut out, &[&VARIANT], false).expect("printed");
    list::scenarios(&mut out, &[scenario()], false).expect("printed");
    list::idps(&mut out, &idps(), false).expect("printed");
    let text = String::from_utf8(out).expect("UTF-8");
    golden("list-all", &anstream::adapter::strip_str(&text).to_string());
    let mut out = Vec::new();
    list::rules(&mut out, &[&RULE], true).expect("printed");
    let value: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
    assert_eq!(value[0]["id"], "patch/active-not-applied");
    assert_eq!(value[0]["level"], "must");
}
