//! Five products: with its own profile a persona shows documented deviations and nothing that fails; without one it is found out.

use scimproof::profile::provider::{self, ProviderProfile};
use scimproof::server::{Options, Server, persona};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

/// What the message of a documented deviation says.
const DOCUMENTED: &str = " documents this: ";

const TOKEN: &str = "a-token-for-personas";

/// For the runs without a profile: the sequences of the five documents, and enough of the others to see every deviation.
const CASES: &[&str] = &[
    "provider/*",
    "okta/create-user",
    "okta/create-conflict",
    "okta/deactivate-user",
    "okta/email-change",
    "okta/group-push-members",
    "okta/username-change",
    "entra/create-user",
    "entra/delete-user",
    "entra/group-create",
    "entra/disable-user",
    "rfc/create-user",
    "rfc/delete-user",
    "rfc/discovery",
    "rfc/groups-create",
    "rfc/groups-duplicate-name",
    "rfc/groups-external-id",
    "rfc/put-user",
    "rfc/uniqueness",
];

/// Exit status and report of `scimproof run` with these arguments.
fn run(args: &[&str]) -> (Option<i32>, Value) {
    let folder = tempfile::tempdir().expect("a folder");
    let json = folder.path().join("report.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_scimproof"));
    command.arg("run").args(args).args(["--seed", "1", "--quiet", "--json"]).arg(&json);
    command.env("PERSONA_TOKEN", TOKEN).current_dir(folder.path());
    let output = command.output().expect("the program runs");
    let text = std::fs::read_to_string(&json).unwrap_or_else(|e| panic!("{e}: {output:?}"));
    (output.status.code(), serde_json::from_str(&text).expect("a report"))
}

/// The whole suite as docs/providers.md says it: the product's own profile, the embedded server in its part.
fn with_profile(profile: &ProviderProfile) -> (Option<i32>, Value) {
    run(&["--provider", &profile.name])
}

/// The same product without a profile.
fn without_profile(profile: &ProviderProfile) -> (Option<i32>, Value) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let server = serve(profile, &runtime);
    let base_url = server.base_url();
    let target = ["--base-url", &base_url, "--token-env", "PERSONA_TOKEN", "--allow-existing"];
    run(&[CASES, &target].concat())
}

/// Findings that no document of the product explains.
fn undocumented(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().expect("findings").iter();
    let strange =
        findings.filter(|f| f["level"] != "note" || !f["message"].as_str().unwrap_or_default().contains(DOCUMENTED));
    strange
        .map(|f| format!("{} {} at {}#{}: {}", f["level"], f["rule"], f["scenario"], f["step"], f["actual"]))
        .collect()
}

fn told(report: &Value) -> String {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let mut lines = BTreeSet::new();
    // Which of two requests at the same time comes first is chance, and so is what is told of that alone.
    let chance = |f: &Value| {
        f["scenario"] == "rfc/concurrency" && f["level"] == "note" && f["also"].as_array().is_none_or(Vec::is_empty)
    };
    for finding in report["findings"].as_array().expect("findings").iter().filter(|f| !chance(f)) {
        let fails = if finding["fails"] == true { "FAILS" } else { "     " };
        let mut line = format!("{fails} {:6} {}", text(&finding["level"]), text(&finding["rule"]));
        if let Some((_, reason)) = text(&finding["message"]).split_once(DOCUMENTED) {
            let _ = write!(line, "\n               {reason}");
        }
        lines.insert(line);
    }
    lines.into_iter().collect::<Vec<_>>().join("\n")
}

fn serve(profile: &ProviderProfile, runtime: &tokio::runtime::Runtime) -> Server {
    let options = Options { token: Some(TOKEN.to_owned()), ..Options::default() };
    let options = persona::play(profile, options);
    runtime.block_on(Server::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), options)).expect("a server")
}

fn golden(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

fn matrix(name: &str) {
    let profile = provider::find(name).expect("profiles load").expect("there is one");
    let (own_exit, report) = with_profile(&profile);
    let own = told(&report);
    let (bare_exit, bare) = without_profile(&profile);
    let bare = told(&bare);
    golden(
        &format!("provider-{name}"),
        &format!("with --provider {name}: exit {own_exit:?}\n{own}\n\nwithout a profile: exit {bare_exit:?}\n{bare}"),
    );
    assert_eq!(undocumented(&report), Vec::<String>::new(), "its own profile documents what {name} does");
    assert_eq!(own_exit, Some(0), "{own}");
    assert!(profile.base_path.as_deref().is_none_or(|p| !p.ends_with('/')));
}

#[test]
fn collate() {
    matrix("collate");
}

#[test]
fn atlan() {
    matrix("atlan");
}

#[test]
fn secoda() {
    matrix("secoda");
}

#[test]
fn level_access() {
    matrix("level-access");
}

#[test]
fn core() {
    matrix("core");
}

/// A server on which SCIM is not switched on: one sentence says so, everything hangs on it, and hardly anything is sent.
fn switched_off(args: &[&str], says: &[&str]) {
    let (exit, report) = run(&[args, &["--trait", "scim-off"]].concat());
    assert_eq!(exit, Some(3));
    let cases = report["cases"].as_array().expect("cases");
    let reason = report["target"]["remarks"][0].as_str().expect("a remark");
    assert!(cases.len() > 300 && cases.iter().all(|c| c["outcome"] == "blocked" && c["reason"] == reason));
    assert_eq!(report["findings"], serde_json::json!([]));
    assert_eq!(report["target"]["remarks"].as_array().map(Vec::len), Some(1), "{reason}");
    assert!(report["summary"]["requests"].as_u64() < Some(6), "{}", report["summary"]);
    for words in says.iter().chain(&["SCIM is off: everything is answered 501, with ", "SCIM is not implemented here."])
    {
        assert!(reason.contains(words), "{words}: {reason}");
    }
}

#[test]
fn scim_that_is_off_is_told_in_the_words_of_the_document() {
    switched_off(
        &["--provider", "collate"],
        &["Collate: ", "enabled by the vendor", "DefaultScimProvisioningService.java"],
    );
}

#[test]
fn scim_that_is_off_is_told_without_a_profile() {
    switched_off(&[], &["Switch it on"]);
    // A product that documents another status, or none, is no exception.
    switched_off(&["--provider", "atlan"], &["Switch it on"]);
}

#[test]
fn a_diagnosis_names_scim_that_is_off() {
    let output = Command::new(env!("CARGO_BIN_EXE_scimproof"))
        .args([
            "diagnose",
            "403 Forbidden while testing the connection",
            "--provider",
            "collate",
            "--trait",
            "scim-off",
        ])
        .output()
        .expect("the program runs");
    let text = String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("SCIM is off: everything is answered 501"), "{text}");
    assert!(text.contains("FOUND what answers at the base URL is no SCIM endpoint"), "{text}");
}

/// Secoda documents Entra, and Entra changes with PATCH alone: its cases are played and not skipped for want of PATCH.
#[test]
fn secoda_is_played_as_entra() {
    let (exit, report) = run(&["--provider", "secoda", "--idp", "entra"]);
    assert_eq!((exit, undocumented(&report)), (Some(0), Vec::new()));
    let cases = report["cases"].as_array().expect("cases");
    let count = |outcome: &str| cases.iter().filter(|c| c["outcome"] == outcome).count();
    let for_want = cases.iter().filter(|c| c["reason"].as_str().is_some_and(|r| r.contains("PUT only"))).count();
    assert_eq!(for_want, 0);
    assert!(count("passed") * 10 > cases.len() * 8, "{} of {}", count("passed"), cases.len());
}

#[test]
fn file_names_are_profile_names() {
    let bundled = provider::bundled().expect("profiles load");
    let names: Vec<&str> = bundled.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, provider::names());
    assert_eq!(names, ["atlan", "collate", "core", "level-access", "secoda"]);
}

#[test]
fn a_persona_is_made_of_known_parts() {
    for profile in provider::bundled().expect("profiles load") {
        for id in &profile.persona.traits {
            assert!(persona::find(id).is_ok(), "{}: {id}", profile.name);
        }
        for id in &profile.persona.faults {
            assert!(scimproof::server::faults::find(id).is_ok(), "{}: {id}", profile.name);
        }
        for id in &profile.persona.variants {
            assert!(scimproof::server::variants::find(id).is_ok(), "{}: {id}", profile.name);
        }
    }
}
