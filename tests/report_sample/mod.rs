//! A canned run with everything in it that a report can meet: every outcome and level, known failures, and texts from a
//! server that means harm.

#![allow(dead_code, reason = "each test file uses its own part")]

use scimproof::event::{Event, RunInfo, RunReport};
use scimproof::report::Sink;
use serde_json::{Value, json};

/// A text that tries everything: escapes, markup, ends of sections, a right-to-left override.
pub const NASTY: &str =
    "\u{1b}[2J\u{1b}]0;owned\u{7}</script><script>alert(1)</script>]]>&<b>\u{202e}txt\u{0}|`${x}`::error::gotcha";

/// The run.
pub fn report() -> RunReport {
    serde_json::from_value(json!({
        "version": "0.1.0",
        "started": "2026-11-22T03:00:00Z",
        "partial": false,
        "seed": 42,
        "target": {
            "base_url": "https://app.example.com/scim/v2", "embedded": false, "provider": null,
            "advertised": [["patch", true], ["filter", true], ["bulk", false]],
            "remarks": ["no /Schemas: attribute rules judge by RFC 7643 only", format!("says of itself: {NASTY}")]
        },
        "summary": {
            "passed": 2, "failed": 2, "skipped": 2, "errors": 1, "blocked": 1,
            "findings_by_level": { "must": 2, "idp": 1, "should": 1, "note": 1 },
            "known": 1, "duration_ms": 2345, "requests": 31
        },
        "cases": cases(),
        "findings": findings(),
        "left_behind": ["DELETE https://app.example.com/scim/v2/Users/2819"],
        "stale_baseline": ["list/total-wrong @ okta/import"]
    }))
    .expect("the canned report fits the format")
}

/// A run in which everything passed.
pub fn clean() -> RunReport {
    let mut report = report();
    report.cases.retain(|c| c.outcome == scimproof::event::Outcome::Passed);
    report.findings.clear();
    report.left_behind.clear();
    report.stale_baseline.clear();
    report.target.remarks.clear();
    report.summary = serde_json::from_value(json!({
        "passed": 2, "failed": 0, "skipped": 0, "errors": 0, "blocked": 0,
        "findings_by_level": { "must": 0, "idp": 0, "should": 0, "note": 0 },
        "known": 0, "duration_ms": 31, "requests": 4
    }))
    .expect("fits");
    report
}

/// A badly broken server: more failing findings than a screen holds.
pub fn broken() -> RunReport {
    let mut report = report();
    let first = report.findings[0].clone();
    for n in 1..=25 {
        let mut f = first.clone();
        f.rule = format!("area/wrong-{n:02}");
        report.findings.push(f);
    }
    report
}

/// Plays the report to a listener as the run does.
pub fn play(mut sink: Box<dyn Sink>, report: &RunReport) {
    let info = RunInfo {
        version: report.version.clone(),
        target: report.target.clone(),
        seed: report.seed,
        cases: report.cases.len(),
    };
    sink.on(&Event::RunStarted(info)).expect("listens");
    for (done, case) in report.cases.iter().enumerate() {
        let total = report.cases.len();
        sink.on(&Event::Progress { done, total, case: case.name() }).expect("listens");
        sink.on(&Event::CaseFinished(std::sync::Arc::new(case.clone()))).expect("listens");
    }
    sink.on(&Event::RunFinished).expect("listens");
    sink.finish(report).expect("finishes");
}

/// Golden file in the top-level folder.
pub fn golden(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

fn case(scenario: &str, idp: &str, outcome: &str, steps: Value) -> Value {
    json!({
        "scenario": scenario, "idp": idp, "dialect": null, "title": format!("Plays {scenario}"),
        "outcome": outcome, "reason": null, "duration_ms": 12, "steps": steps,
        "file": format!("scenarios/{scenario}.yaml")
    })
}

fn step(id: &str, outcome: &str, line: usize, findings: &[&str]) -> Value {
    json!({
        "id": id, "title": format!("Does {id}"), "outcome": outcome, "reason": null, "added": id.contains('/'),
        "line": line, "duration_ms": 5,
        "request": {
            "method": "PATCH", "url": "https://app.example.com/scim/v2/Users/2819",
            "headers": [["Authorization", "Bearer [secret]"], ["Content-Type", "application/scim+json"]],
            "body": { "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                      "Operations": [{ "op": "replace", "path": "active", "value": false }] }
        },
        "response": {
            "status": 200, "headers": [["Content-Type", "application/scim+json"], ["X-Evil", NASTY]],
            "body": { "id": "2819", "displayName": NASTY, "active": true }, "size": 210
        },
        "findings": findings
    })
}

fn cases() -> Value {
    let mut wizard = case(
        "okta/deactivate",
        "okta",
        "failed",
        json!([
            step("create", "passed", 12, &["error/detail-missing"]),
            step("set-inactive", "passed", 20, &[]),
            step("set-inactive/verify", "failed", 20, &["patch/active-not-applied", "list/order-wrong"]),
        ]),
    );
    wizard["dialect"] = json!("wizard");
    let mut blocked = case("entra/rename", "entra", "blocked", json!([]));
    let mut stuck = step("rename", "blocked", 30, &[]);
    stuck["reason"] = json!("needs ${alice.id} from step `create`");
    stuck["request"] = Value::Null;
    stuck["response"] = Value::Null;
    blocked["steps"] = json!([step("create", "passed", 9, &["known/one"]), stuck]);
    let mut skipped = case("rfc/bulk", "rfc", "skipped", json!([]));
    skipped["reason"] = json!("the target does not offer bulk");
    let mut skipped2 = case("rfc/bulk-order", "rfc", "skipped", json!([]));
    skipped2["reason"] = json!("the target does not offer bulk");
    let mut broke = case("onelogin/create", "onelogin", "error", json!([]));
    broke["reason"] = json!(format!("connection closed before the answer was complete: {NASTY}"));
    json!([
        case(
            "okta/create",
            "okta",
            "passed",
            json!([step("create", "passed", 7, &[]), step("create/verify", "passed", 7, &[])])
        ),
        wizard,
        case("rfc/errors", "rfc", "passed", json!([step("get-unknown", "passed", 5, &[])])),
        case("rfc/patch", "entra", "failed", json!([step("add", "failed", 11, &["patch/body-differs"])])),
        blocked,
        skipped,
        skipped2,
        broke
    ])
}

fn findings() -> Value {
    let mut first = finding("patch/active-not-applied", "must", true, "okta/deactivate@wizard", "set-inactive/verify");
    first["title"] = json!("PATCH answers success but `active` keeps its value");
    first["message"] = json!("PATCH /Users/2819 answered 200, the read after it still says active: true");
    first["impact"] = json!("stays-active");
    first["because"] = json!("okta/deactivate@wizard › set-inactive");
    first["also"] = json!((1..=6).map(|n| format!("okta/deactivate-{n} › set-inactive/verify")).collect::<Vec<_>>());
    first["admin_sees"] = json!([
        { "idp": "okta", "text": "Automatic provisioning of user alice to app Example succeeded", "evidence": "seen",
          "next": "Okta never looks again: the account stays open." },
        { "idp": "entra", "text": "Success: user was disabled", "evidence": "pattern", "next": null }
    ]);
    let mut second = finding("patch/body-differs", "must", true, "rfc/patch", "add");
    second["expected"] = json!(
        r#"{"active":false,"userName":"alice@example.com","emails":[{"value":"alice@example.com","primary":true}]}"#
    );
    second["actual"] = json!(json!({"userName": "alice@example.com", "displayName": NASTY, "emails": [{"value": "alice@example.com"}], "active": false}).to_string());
    let mut third = finding("list/order-wrong", "idp", true, "okta/deactivate@wizard", "set-inactive/verify");
    third["actual"] = json!(format!("{NASTY}{}", "A".repeat(5000)));
    third["hint"] = json!(format!(
        "Long words, with {NASTY} inside, that have to be wrapped because a line on a terminal does not hold them all at once."
    ));
    let should = finding("error/detail-missing", "should", false, "okta/deactivate@wizard", "create");
    let note = finding("note/worth-knowing", "note", false, "rfc/errors", "end");
    let mut known = finding("known/one", "must", false, "entra/rename", "create");
    known["known"] = json!("fixed in the next release, see our tracker");
    json!([first, second, third, should, note, known])
}

fn finding(rule: &str, level: &str, fails: bool, scenario: &str, step: &str) -> Value {
    json!({
        "rule": rule, "title": format!("What {rule} means"), "level": level, "fails": fails, "known": null,
        "scenario": scenario, "step": step, "at": "body /active", "expected": "false", "actual": "true",
        "message": format!("What {rule} means"), "spec": "RFC 7644 §3.5.2", "impact": "update-lost",
        "admin_sees": [], "hint": "Store the value before you answer.",
        "reproduce": format!("scimproof run {scenario} --only {step} --seed 42 --show-http"),
        "curl": "curl -X PATCH 'https://app.example.com/scim/v2/Users/2819' -H \"Authorization: Bearer $SCIM_TOKEN\" -d '{\"active\":false}'",
        "because": null, "also": []
    })
}
