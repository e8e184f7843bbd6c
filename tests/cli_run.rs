//! `scimproof run` as a user meets it: exit status, selection, judgement, files, and what never leaves the machine.

#[path = "support/tool.rs"]
mod tool;

use serde_json::Value;
use std::collections::BTreeSet;
#[cfg(unix)]
use tool::wait_for;
use tool::{Desk, Recorder, Serve, TOKEN};

fn case_names(report: &Value) -> Vec<String> {
    let name = |c: &Value| {
        let dialect = c["dialect"].as_str().map(|d| format!("@{d}")).unwrap_or_default();
        format!("{}{dialect}", c["scenario"].as_str().expect("an id"))
    };
    report["cases"].as_array().expect("cases").iter().map(name).collect()
}

fn failing_rules(report: &Value) -> BTreeSet<String> {
    let findings = report["findings"].as_array().expect("findings");
    let fails = findings.iter().filter(|f| f["fails"] == true);
    fails.map(|f| f["rule"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn a_correct_server_is_clean() {
    let desk = Desk::new();
    let out = desk.run(&["okta/create-user", "entra/create-user"], &["--json", "r.json"]);
    assert_eq!(out.code, 0, "{out:?}");
    let report = desk.json("r.json");
    assert_eq!(report["format"], "scimproof/1");
    assert_eq!(report["summary"]["failed"], 0);
    assert!(report["summary"]["requests"].as_u64() > Some(5));
    assert_eq!(desk.files(), ["r.json"]);
}

#[test]
fn a_bug_is_found_and_ends_with_1() {
    let desk = Desk::new();
    let out = desk.call(&["run", "okta/deactivate-user", "--fault", "patch-active-ignored", "--json", "r.json"]);
    assert_eq!(out.code, 1, "{out:?}");
    assert_eq!(failing_rules(&desk.json("r.json")), BTreeSet::from(["patch/active-not-applied".to_owned()]));
    assert!(out.stdout.contains("patch/active-not-applied"), "{}", out.stdout);
}

/// What a schema leaves out is said of the schema, and of nothing that follows from it.
#[test]
fn a_schema_without_sub_attributes_is_one_finding() {
    let desk = Desk::new();
    let out = desk.call(&["run", "--fault", "schemas-without-sub-attributes", "--json", "r.json"]);
    assert_eq!(out.code, 1, "{out:?}");
    let told: BTreeSet<String> = desk.json("r.json")["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["rule"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(told, BTreeSet::from(["discovery/attribute-definition-wrong".to_owned()]));
}

/// Also where the request is none of the scenario's steps.
#[test]
fn the_line_that_shows_a_finding_again_does() {
    let desk = Desk::new();
    let fault = "delete-user-with-extension-500";
    let out = desk.call(&["run", "entra/create-full-body", "--fault", fault, "--json", "r.json"]);
    assert_eq!(out.code, 1, "{out:?}");
    let report = desk.json("r.json");
    let line = report["findings"][0]["reproduce"].as_str().expect("a line");
    let words: Vec<&str> = line.split(' ').skip(1).collect();
    let again = desk.call(&words);
    assert_eq!(again.code, 1, "{line}: {again:?}");
    assert!(again.stdout.contains("error/server-error"), "{line}: {again:?}");
}

#[test]
fn wrong_calls_end_with_2() {
    let desk = Desk::new();
    desk.write("odd.toml", "basse_url = \"http://127.0.0.1:1\"\n");
    desk.write("odd.yaml", "scenario: odd\nstepps: []\n");
    let wrong: [&[&str]; 10] = [
        &["prove", "filter/*", "no/such-rule"],
        &["run", "--nope"],
        &["run", "okta/creat-user"],
        &["run", "--idp", "oktaa"],
        &["run", "--fault", "no-such-fault"],
        &["run", "--variant", "no-such-variant"],
        &["run", "--config", "odd.toml"],
        &["run", "odd.yaml"],
        &["run", "--base-url", "not a url"],
        &["run", "--base-url", "http://127.0.0.1:1", "--token-env", "NO_SUCH_VARIABLE"],
    ];
    for args in wrong {
        let out = desk.call(args);
        assert_eq!(out.code, 2, "{args:?}: {out:?}");
        assert!(out.stderr.starts_with("error: ") && out.stdout.is_empty(), "{args:?}: {out:?}");
    }
}

#[test]
fn a_step_that_no_scenario_has_is_a_wrong_call() {
    let out = Desk::new().run(&["okta/create-user"], &["--only", "no-such-step"]);
    assert_eq!(out.code, 2, "{out:?}");
    assert!(out.stderr.contains("no-such-step"), "{out:?}");
}

#[test]
fn a_report_that_cannot_be_written_is_told_before_the_run() {
    let desk = Desk::new();
    let out = desk.run(&["okta/create-user"], &["--junit", "no/such/folder/r.xml"]);
    assert_eq!(out.code, 2, "{out:?}");
    assert!(out.stderr.contains("no/such/folder"), "{out:?}");
    assert!(out.stdout.is_empty(), "{out:?}");
}

#[test]
fn a_target_that_is_not_there_ends_with_3() {
    let out = Desk::new().run_at(&refused(), &["okta/create-user"], &[]);
    assert_eq!(out.code, 3, "{out:?}");
}

#[test]
fn nothing_to_do_ends_with_4() {
    assert_eq!(Desk::new().call(&["run", "--tag", "nothing"]).code, 4);
}

#[test]
fn a_form_whose_first_write_is_not_offered_is_skipped() {
    let desk = Desk::new();
    let out = desk.run(&["okta/group-stale-member"], &["--variant", "no-patch", "--json", "r.json"]);
    assert_eq!(out.code, 0, "{out:?}");
    let report = desk.json("r.json");
    let outcomes: Vec<_> =
        report["cases"].as_array().expect("cases").iter().map(|c| (&c["dialect"], &c["outcome"])).collect();
    assert_eq!(outcomes, [(&"catalogue".into(), &"skipped".into()), (&"wizard".into(), &"passed".into())]);
}

/// An address where nobody listens.
fn refused() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}/scim/v2", listener.local_addr().expect("an address"))
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_cleans_up_and_writes_what_it_has() {
    let server = Serve::start(&["--latency", "20"]);
    let stranger = server.add_stranger();
    let desk = Desk::new();
    let reports = ["--json", "r.json", "--junit", "r.xml", "--html", "r.html", "--markdown", "r.md"];
    let target = ["--base-url", &server.base, "--token-env", "SCIM_TOKEN", "--allow-existing"];
    let mut child = desk.start(&["okta"], &[&reports[..], &target[..]].concat());
    wait_for("resources of the run", || server.names().len() > 1);
    interrupt(child.id());
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(130));
    assert_eq!(server.names(), ["stranger@example.com"]);
    let (_, now) = server.ask("GET", &format!("/Users/{}", stranger["id"].as_str().expect("an id")), "");
    assert_eq!(now, stranger);
    assert_eq!(desk.json("r.json")["partial"], true);
    assert_eq!(desk.files(), ["r.html", "r.json", "r.md", "r.xml"], "no journal is left and no file is half written");
    assert!(quick_junit::Report::deserialize_from_str(&desk.read("r.xml")).is_ok());
    for name in ["r.html", "r.md", "r.xml"] {
        let text = desk.read(name).to_lowercase();
        assert!(text.contains("interrupted") || text.contains("partial"), "{name} does not say that it is partial");
    }
}

#[cfg(unix)]
fn interrupt(pid: u32) {
    let sent = std::process::Command::new("kill").args(["-INT", &pid.to_string()]).status().expect("kill is there");
    assert!(sent.success());
}

#[test]
fn reports_are_written_whole() {
    let desk = Desk::new();
    let reports = ["--json", "r.json", "--junit", "r.xml", "--html", "r.html", "--markdown", "r.md"];
    let fault = ["--fault", "patch-active-ignored"];
    let out = desk.run(&["okta/deactivate-user", "okta/create-user"], &[&reports[..], &fault[..]].concat());
    assert_eq!(out.code, 1, "{out:?}");
    assert_eq!(desk.files(), ["r.html", "r.json", "r.md", "r.xml"]);
    let junit = quick_junit::Report::deserialize_from_str(&desk.read("r.xml")).expect("JUnit XML");
    let failed = desk.json("r.json")["cases"]
        .as_array()
        .expect("cases")
        .iter()
        .flat_map(|c| c["steps"].as_array().expect("steps"))
        .filter(|s| s["outcome"] == "failed")
        .count();
    assert!(failed > 0);
    assert_eq!(junit.test_suites.iter().map(|s| s.failures).sum::<usize>(), failed);
    assert!(desk.read("r.html").trim_end().ends_with("</html>"));
    for name in ["r.html", "r.md", "r.xml"] {
        // HTML may write the slash as an entity.
        assert!(desk.read(name).replace("&#x2f;", "/").contains("patch/active-not-applied"), "{name}");
    }
}

#[test]
fn a_read_only_run_changes_nothing() {
    let server = Serve::start(&[]);
    server.add_stranger();
    let recorder = Recorder::before(&server.base);
    let scenarios =
        ["okta/connection-test", "entra/connection-test", "rfc/discovery", "okta/create-user", "rfc/delete-user"];
    let out = Desk::new().run_at(&recorder.base, &scenarios, &["--read-only", "--allow-existing"]);
    assert_eq!(out.code, 0, "{out:?}");
    let sent = recorder.requests();
    let changing: Vec<_> = sent
        .iter()
        .filter(|r| !["GET", "HEAD"].contains(&r.method.as_str()) && !r.target.ends_with(".search"))
        .collect();
    assert!(changing.is_empty(), "{changing:?}");
    assert!(sent.len() > 5, "hardly anything was sent: {out:?}");
    assert_eq!(server.names(), ["stranger@example.com"]);
}

#[test]
fn people_who_were_there_before_are_left_alone() {
    let server = Serve::start(&[]);
    let stranger = server.add_stranger();
    let id = stranger["id"].as_str().expect("an id");
    let recorder = Recorder::before(&server.base);
    let scenarios = ["rfc/bystander", "okta/group-push-rename", "okta/import-users", "entra/delete-user"];
    let out = Desk::new().run_at(&recorder.base, &scenarios, &[]);
    assert_eq!(out.code, 0, "{out:?}");
    let touched =
        |r: &tool::Seen| r.method != "GET" && (r.target.contains(id) || String::from_utf8_lossy(&r.body).contains(id));
    let sent = recorder.requests();
    let touching: Vec<_> = sent.iter().filter(|r| touched(r)).collect();
    assert!(touching.is_empty(), "{touching:?}");
    assert!(sent.iter().any(|r| r.method == "DELETE"));
    assert_eq!(server.ask("GET", &format!("/Users/{id}"), "").1, stranger);
    assert_eq!(server.names(), ["stranger@example.com"]);
}

#[test]
fn only_the_asked_step_is_judged() {
    let desk = Desk::new();
    let fault = ["--fault", "patch-active-ignored", "--json", "r.json", "--only"];
    let scenario = ["okta/deactivate-user"];
    assert_eq!(desk.run(&scenario, &[&fault[..], &["deactivate"]].concat()).code, 1);
    let report = desk.json("r.json");
    let steps: Vec<&str> =
        report["cases"][0]["steps"].as_array().expect("steps").iter().filter_map(|s| s["id"].as_str()).collect();
    assert_eq!(steps.last(), Some(&"deactivate/verify"), "{steps:?}");
    assert_eq!(desk.run(&scenario, &[&fault[..], &["make-alice"]].concat()).code, 0);
}

#[test]
fn shards_share_all_cases() {
    let all = {
        let desk = Desk::new();
        desk.run(&["onelogin"], &["--json", "r.json"]);
        case_names(&desk.json("r.json"))
    };
    let mut parts: Vec<String> = Vec::new();
    for shard in ["1/3", "2/3", "3/3"] {
        let desk = Desk::new();
        desk.run(&["onelogin"], &["--json", "r.json", "--shard", shard]);
        let names = case_names(&desk.json("r.json"));
        assert!(!names.is_empty() && names.len() < all.len());
        parts.extend(names);
    }
    parts.sort();
    let mut sorted = all.clone();
    sorted.sort();
    assert_eq!(parts, sorted);
}

#[test]
fn the_chosen_provider_decides_where_it_differs_from_the_rfc() {
    let desk = Desk::new();
    let scenario = ["entra/patch-email-office-department"];
    let variant = ["--variant", "value-path-no-target", "--json", "r.json"];
    let out = desk.run(&scenario, &variant);
    assert_eq!(out.code, 0, "{out:?}");
    assert_eq!(desk.json("r.json")["findings"][0]["level"], "note");
    let out = desk.run(&scenario, &[&variant[..], &["--idp", "entra"]].concat());
    assert_eq!(out.code, 1, "{out:?}");
    assert!(failing_rules(&desk.json("r.json")).contains("patch/value-path-not-created"), "{out:?}");
}

#[test]
fn strict_makes_should_fail() {
    let desk = Desk::new();
    let fault = ["--fault", "auth-401-without-challenge", "--json", "r.json"];
    let out = desk.run(&["rfc/auth"], &fault);
    assert_eq!(out.code, 0, "{out:?}");
    assert_eq!(desk.json("r.json")["findings"][0]["level"], "should");
    assert_eq!(desk.run(&["rfc/auth"], &[&fault[..], &["--strict"]].concat()).code, 1);
}

#[test]
fn a_baseline_accepts_today_and_notices_what_was_repaired() {
    let desk = Desk::new();
    let scenario = ["okta/deactivate-user"];
    let fault = ["--fault", "patch-active-ignored", "--json", "r.json"];
    let baseline = ["--baseline", "known.toml"];
    assert_eq!(desk.run(&scenario, &baseline).code, 2, "a baseline that is not there is no empty one");
    let out = desk.run(&scenario, &[&fault[..], &baseline[..], &["--update-baseline"]].concat());
    assert_eq!(out.code, 0, "{out:?}");
    assert!(desk.read("known.toml").contains("patch/active-not-applied"));
    let out = desk.run(&scenario, &[&fault[..], &baseline[..]].concat());
    assert_eq!(out.code, 0, "{out:?}");
    let report = desk.json("r.json");
    assert_eq!(report["summary"]["known"], 1);
    assert!(failing_rules(&report).is_empty());
    // The bug is repaired, so the entry has to go.
    let out = desk.run(&scenario, &[&baseline[..], &["--json", "r.json"]].concat());
    assert_eq!(out.code, 1, "{out:?}");
    let stale = desk.json("r.json")["stale_baseline"].to_string();
    assert!(stale.contains("patch/active-not-applied"), "{stale}");
    // What was not played cannot be stale.
    assert_eq!(desk.run(&["okta/create-user"], &baseline).code, 0);
}

#[test]
fn a_baseline_does_not_hide_another_bug() {
    let desk = Desk::new();
    let scenario = ["okta/deactivate-user"];
    let known = ["--fault", "patch-active-ignored", "--baseline", "known.toml"];
    desk.run(&scenario, &[&known[..], &["--update-baseline"]].concat());
    let more = ["--fault", "create-answers-200", "--json", "r.json"];
    let out = desk.run(&scenario, &[&known[..], &more[..]].concat());
    assert_eq!(out.code, 1, "{out:?}");
    assert!(!failing_rules(&desk.json("r.json")).contains("patch/active-not-applied"));
}

#[test]
fn the_token_is_seen_nowhere_but_on_the_wire() {
    let server = Serve::start(&["--fault", "patch-active-ignored"]);
    let recorder = Recorder::before(&server.base);
    let desk = Desk::new();
    let reports = ["--json", "r.json", "--junit", "r.xml", "--html", "r.html", "--markdown", "r.md"];
    let loud = ["--show-http", "--verbose", "--keep"];
    let scenarios = ["okta/deactivate-user", "okta/invalid-token", "okta/password-sync"];
    let out = desk.run_at(&recorder.base, &scenarios, &[&reports[..], &loud[..]].concat());
    assert_eq!(out.code, 1, "{out:?}");
    let bearer = format!("Bearer {TOKEN}");
    assert!(recorder.requests().iter().any(|r| r.header("authorization") == Some(&bearer)));
    for (place, text) in [("stdout", &out.stdout), ("stderr", &out.stderr), ("a file", &desk.everything())] {
        assert!(!text.contains(TOKEN), "the token is in {place}");
    }
    let shown = &out.stdout;
    assert!(shown.contains("Authorization") || shown.contains("authorization"), "the header itself may be seen");
    // `--keep` leaves a journal, so that `clean` can do it later.
    assert!(desk.files().contains(&".scimproof".to_owned()), "{:?}", desk.files());
    assert!(!server.names().is_empty());
}

#[test]
fn passwords_that_were_sent_are_in_no_report() {
    let server = Serve::start(&[]);
    let recorder = Recorder::before(&server.base);
    let desk = Desk::new();
    let reports = ["--json", "r.json", "--junit", "r.xml", "--html", "r.html", "--markdown", "r.md"];
    let out = desk.run_at(&recorder.base, &["okta/password-sync"], &[&reports[..], &["--show-http"]].concat());
    let mut passwords = BTreeSet::new();
    for request in recorder.requests() {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
        passwords.extend(body["password"].as_str().map(str::to_owned));
        for operation in body["Operations"].as_array().into_iter().flatten() {
            passwords.extend(operation["value"]["password"].as_str().map(str::to_owned));
            if operation["path"] == "password" {
                passwords.extend(operation["value"].as_str().map(str::to_owned));
            }
        }
    }
    assert!(!passwords.is_empty(), "the scenario sends no password any more");
    let told = format!("{}{}{}", out.stdout, out.stderr, desk.everything());
    for password in passwords {
        assert!(!told.contains(&password), "a password that was sent is shown");
    }
}
