//! `kill -9` at any moment of a run loses nothing: `clean` finds what is left. Two runs at once do not see each other.

#[path = "support/tool.rs"]
mod tool;

use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tool::{Desk, OTHER_TOKEN as OTHER, Out, Recorder, Serve, ask, wait_for};

const STRANGER: &str = "stranger@example.com";

fn start(desk: &Desk, server: &Serve, scenarios: &[&str]) -> Child {
    desk.start(scenarios, &["--base-url", &server.base, "--token-env", "SCIM_TOKEN", "--jobs", "3"])
}

fn clean(desk: &Desk, server: &Serve) -> Out {
    desk.call(&["clean", "--base-url", &server.base, "--token-env", "SCIM_TOKEN"])
}

/// Twenty moments (`SCIMPROOF_CRASHES=200` for more), spread over the life of the run by a fixed sequence: the first write, a create
/// on its way, a bulk request, the second tenant, the clean-up.
#[test]
fn a_run_killed_at_any_moment_can_be_cleaned_up() {
    let server = Serve::start(&["--latency", "3", "--other-token", OTHER]);
    let stranger = server.add_stranger();
    let id = stranger["id"].as_str().expect("an id").to_owned();
    let scenarios = [
        "okta/group-push-rename",
        "okta/create-user",
        "entra/group-members-legacy",
        "rfc/groups-nested",
        "rfc/bulk-users",
        "rfc/tenancy",
    ];
    let rounds = std::env::var("SCIMPROOF_CRASHES").ok().and_then(|n| n.parse().ok()).unwrap_or(20);
    let second = ["--base-url", &server.base, "--token-env", "SCIM_TOKEN", "--other-token-env", "OTHER"];
    // How long a whole run takes here: the moments must lie all over it.
    let start = std::time::Instant::now();
    let whole = Desk::new().run(&scenarios, &[&second[..], &["--jobs", "3"]].concat());
    assert_eq!(whole.code, 0, "{whole:?}");
    let life = u64::try_from(start.elapsed().as_millis()).expect("short");
    let mut found_something = 0;
    let mut moment: u64 = 7;
    for round in 0..rounds {
        let desk = Desk::new();
        let mut run = desk.start(&scenarios, &[&second[..], &["--jobs", "3"]].concat());
        run.stdout = None;
        run.stderr = None;
        wait_for("the journal", || desk.path(".scimproof").exists() || run.try_wait().expect("a child").is_some());
        moment = (moment * 1_103_515_245 + 12_345) % 2_147_483_648;
        std::thread::sleep(Duration::from_millis(moment % life));
        run.kill().expect("it can be killed");
        run.wait().expect("it ends");
        // The request in flight may still arrive.
        std::thread::sleep(Duration::from_millis(15));
        let left = server.names().len() - 1 + server.names_of(OTHER).len();
        found_something += usize::from(left > 0);
        let out = desk.call(&[&["clean"], &second[..]].concat());
        assert_eq!(out.code, 0, "round {round}: {out:?}");
        assert_eq!(server.names(), [STRANGER], "round {round}, {left} were left: {out:?}");
        assert!(server.names_of(OTHER).is_empty(), "round {round}: the second tenant: {out:?}");
        assert!(!desk.path(".scimproof").exists(), "round {round}: a journal is left: {out:?}");
    }
    println!("killed {rounds} times, {found_something} times something was left, each time all of it was cleaned up");
    assert!(
        found_something * 3 >= rounds,
        "only {found_something} kills of {rounds} left something behind: choose other moments"
    );
    assert_eq!(server.ask("GET", &format!("/Users/{id}"), "").1, stranger);
}

#[test]
fn a_dry_run_says_what_is_left_and_leaves_it() {
    let server = Serve::start(&["--latency", "5"]);
    let desk = Desk::new();
    let mut run = start(&desk, &server, &["okta/group-push-rename"]);
    wait_for("a resource", || !server.names().is_empty());
    run.kill().expect("it can be killed");
    run.wait().expect("it ends");
    std::thread::sleep(Duration::from_millis(20));
    let left = server.names();
    let out = desk.call(&["clean", "--dry-run", "--base-url", &server.base, "--token-env", "SCIM_TOKEN"]);
    assert!(out.stdout.contains("would delete /"), "{out:?}");
    assert_eq!(server.names(), left);
    assert_eq!(clean(&desk, &server).code, 0);
    assert!(server.names().is_empty());
}

#[test]
fn clean_without_a_journal_has_nothing_to_do() {
    let server = Serve::start(&[]);
    server.add_stranger();
    let desk = Desk::new();
    let out = clean(&desk, &server);
    assert_eq!(out.code, 0, "{out:?}");
    assert_eq!(server.names(), [STRANGER]);
    assert!(desk.files().is_empty());
}

#[test]
fn a_server_that_is_down_keeps_the_journal() {
    let mut server = Serve::start(&["--latency", "5"]);
    let desk = Desk::new();
    let mut run = start(&desk, &server, &["okta/group-push-rename"]);
    wait_for("a resource", || !server.names().is_empty());
    run.kill().expect("it can be killed");
    run.wait().expect("it ends");
    server.kill();
    let out = clean(&desk, &server);
    assert_ne!(out.code, 0, "{out:?}");
    assert!(desk.path(".scimproof").exists(), "{out:?}");
}

/// Whole lists among them: what the other run changes between two requests is nobody's fault.
#[test]
fn two_runs_at_once_do_not_see_each_other() {
    let server = Serve::start(&[]);
    let scenarios = [
        "okta/connection-test",
        "okta/create-user",
        "okta/group-push-rename",
        "okta/import-groups",
        "okta/import-users",
        "authentik/read-all",
        "rfc/filter-words",
        "rfc/me",
        "rfc/read-user",
        "rfc/uniqueness",
        "rfc/user-groups",
    ];
    for round in 0..5 {
        let desks = [Desk::new(), Desk::new()];
        let runs = desks.each_ref().map(|desk| {
            let mut run = start(desk, &server, &scenarios);
            run.stderr = None;
            let mut pipe = run.stdout.take().expect("piped");
            // Nobody else reads the pipe while we wait.
            let said = std::thread::spawn(move || std::io::read_to_string(&mut pipe).expect("text"));
            (run, said)
        });
        for (mut run, said) in runs {
            let code = run.wait().expect("it ends").code();
            assert_eq!(code, Some(0), "round {round}: {}", said.join().expect("read"));
        }
        assert!(server.names().is_empty(), "{:?}", server.names());
        assert!(desks.iter().all(|desk| desk.files().is_empty()));
    }
}

#[test]
fn a_list_that_others_change_meanwhile_is_no_bug() {
    let server = Serve::start(&["--latency", "2"]);
    let over = Arc::new(AtomicBool::new(false));
    let colleague = {
        let (base, over) = (server.base.clone(), over.clone());
        std::thread::spawn(move || {
            let mut n = 0;
            while !over.load(Ordering::SeqCst) {
                n += 1;
                let schema = "urn:ietf:params:scim:schemas:core:2.0";
                let user = format!(r#"{{"schemas":["{schema}:User"],"userName":"colleague-{n}@example.com"}}"#);
                let group = format!(r#"{{"schemas":["{schema}:Group"],"displayName":"colleagues {n}"}}"#);
                assert_eq!(ask(&base, "POST", "/Users", &user).0, 201);
                assert_eq!(ask(&base, "POST", "/Groups", &group).0, 201);
            }
        })
    };
    let out = Desk::new().run_at(&server.base, &["okta/import-users", "okta/import-groups", "rfc/list-items"], &[]);
    over.store(true, Ordering::SeqCst);
    colleague.join().expect("the colleague could work");
    assert_eq!(out.code, 0, "{out:?}");
}

/// A server that answers each page with the first would be walked for ever: as many pages as the scenario allows.
#[test]
fn a_walk_that_gets_nowhere_ends() {
    let out = Desk::new().run(&["okta/import-three-pages"], &["--fault", "list-startindex-ignored"]);
    assert_eq!(out.code, 1, "{out:?}");
    assert!(out.stdout.contains("list/pages-disagree"), "{out:?}");
}

/// SIGTERM is what a container gets: clean-up, reports that say that they are partial, 130.
#[cfg(unix)]
#[test]
fn a_terminated_run_cleans_up_and_says_that_it_is_partial() {
    let server = Serve::start(&["--latency", "20"]);
    server.add_stranger();
    let desk = Desk::new();
    let target = ["--base-url", &server.base, "--token-env", "SCIM_TOKEN", "--json", "r.json", "--junit", "r.xml"];
    let mut run = desk.start(&["okta"], &target);
    wait_for("resources of the run", || server.names().len() > 1);
    signal(&run, "TERM");
    assert_eq!(run.wait().expect("it ends").code(), Some(130));
    assert_eq!(server.names(), [STRANGER]);
    assert_eq!(desk.json("r.json")["partial"], true);
    assert!(quick_junit::Report::deserialize_from_str(&desk.read("r.xml")).is_ok());
    assert_eq!(desk.files(), ["r.json", "r.xml"]);
}

/// Who presses Ctrl-C twice wants out: at once, and the journal stays for `clean`.
#[cfg(unix)]
#[test]
fn a_second_interrupt_ends_at_once_and_leaves_the_journal() {
    let server = Serve::start(&["--latency", "900"]);
    let desk = Desk::new();
    let mut run = start(&desk, &server, &["okta/group-push-rename"]);
    wait_for("a resource", || !server.names().is_empty());
    signal(&run, "INT");
    std::thread::sleep(Duration::from_millis(200));
    let pressed = std::time::Instant::now();
    signal(&run, "INT");
    assert_eq!(run.wait().expect("it ends").code(), Some(130));
    assert!(pressed.elapsed() < Duration::from_millis(800), "{:?}", pressed.elapsed());
    std::thread::sleep(Duration::from_millis(950));
    assert!(desk.path(".scimproof").exists());
    assert_eq!(clean(&desk, &server).code, 0);
    assert!(server.names().is_empty(), "{:?}", server.names());
}

#[cfg(unix)]
fn signal(run: &Child, name: &str) {
    let sent = std::process::Command::new("kill").args([&format!("-{name}"), &run.id().to_string()]).status();
    assert!(sent.expect("kill is there").success());
}

/// A disk that fills up while the run goes on: nothing is created that the journal does not know.
#[cfg(target_os = "linux")]
#[test]
fn what_the_journal_cannot_hold_is_not_created() {
    let server = Serve::start(&[]);
    server.add_stranger();
    let recorder = Recorder::before(&server.base);
    let desk = Desk::new();
    let file = tool::scenario("okta/group-push-rename");
    // Files of this process end at 512 bytes (1024 where the shell counts so), and the write fails instead of killing it.
    let script = format!(
        "trap '' XFSZ; ulimit -f 1; exec {} run {file} --base-url {} --token-env SCIM_TOKEN",
        env!("CARGO_BIN_EXE_scimproof"),
        recorder.base
    );
    let out = desk.shell(&script);
    assert_eq!(out.code, 3, "{out:?}");
    assert!(out.stdout.contains("journal") && out.stdout.contains("could not be written"), "{out:?}");
    assert_eq!(server.names(), [STRANGER], "{out:?}");
    let creates = recorder.requests().iter().filter(|r| r.method == "POST").count();
    let known = std::fs::read_dir(desk.path(".scimproof")).map_or(0, |dir| {
        let files = dir.map(|e| std::fs::read_to_string(e.expect("an entry").path()).expect("readable"));
        files.map(|text| text.matches("\"intent\"").count()).sum()
    });
    assert!(creates <= known, "{creates} creates were sent, the journal knows {known}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_report_that_no_longer_fits_is_told_and_fails_the_run() {
    let desk = Desk::new();
    let out = desk.run(&["okta/create-user"], &["--json", "/dev/full", "--junit", "r.xml"]);
    assert_eq!(out.code, 3, "{out:?}");
    assert!(out.stderr.contains("/dev/full"), "{out:?}");
    // The other report is there all the same.
    assert!(quick_junit::Report::deserialize_from_str(&desk.read("r.xml")).is_ok());
}

#[test]
fn a_journal_folder_that_cannot_be_made_ends_the_run_before_a_write() {
    let server = Serve::start(&[]);
    let recorder = Recorder::before(&server.base);
    let desk = Desk::new();
    desk.write("file", "no folder");
    let out = desk.run_at(&recorder.base, &["okta/create-user"], &["--journal-dir", "file/below"]);
    assert_eq!(out.code, 2, "{out:?}");
    assert!(out.stderr.contains("journal") && out.stderr.contains("file/below"), "{out:?}");
    assert!(recorder.requests().iter().all(|r| r.method == "GET"));
}

/// Every bundled scenario, watched on the wire.
#[test]
fn read_only_sends_no_write_in_any_scenario() {
    let server = Serve::start(&[]);
    server.add_stranger();
    let recorder = Recorder::before(&server.base);
    let desk = Desk::new();
    let target = ["run", "--base-url", &recorder.base, "--token-env", "SCIM_TOKEN", "--read-only", "--json", "r.json"];
    let out = desk.call(&[&target[..], &["--allow-existing", "--jobs", "2", "--quiet"]].concat());
    assert_eq!(out.code, 0, "{out:?}");
    let sent = recorder.requests();
    let writes: Vec<_> = sent
        .iter()
        .filter(|r| !["GET", "HEAD", "OPTIONS"].contains(&r.method.as_str()))
        .filter(|r| !(r.method == "POST" && r.target.split('?').next().is_some_and(|p| p.ends_with("/.search"))))
        .collect();
    assert!(writes.is_empty(), "{writes:?}");
    assert!(sent.len() > 50 && desk.json("r.json")["summary"]["passed"].as_u64() > Some(5), "{out:?}");
    assert_eq!(server.names(), [STRANGER]);
    assert_eq!(desk.files(), ["r.json"], "a run that makes nothing has no journal");
}

/// A scenario that means somebody who was there before, by a fixed id, by an id that it looked up, and by an id that is empty.
#[test]
fn what_the_run_did_not_create_is_changed_only_on_request() {
    let server = Serve::start(&[]);
    let stranger = server.add_stranger();
    let id = stranger["id"].as_str().expect("an id");
    let desk = Desk::new();
    let patch = r#"body: { schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], Operations: [{ op: replace, value: { active: false } }] }"#;
    desk.write(
        "mine/theirs.yaml",
        &format!(
            r#"scenario: mine/theirs
title: Somebody else's
idp: okta
source: ["https://example.com/"]
evidence: inferred
steps:
  - step: fixed
    title: By a fixed id
    PATCH: /Users/{id}
    {patch}
  - step: look
    title: Look up
    GET: /Users?filter=userName eq "{STRANGER}"
    capture: {{ them.id: "$.Resources[0].id" }}
  - step: looked-up
    title: By the id that was found
    PATCH: /Users/${{them.id}}
    {patch}
  - step: everybody
    title: The collection
    DELETE: /Users/
"#
        ),
    );
    let recorder = Recorder::before(&server.base);
    let target = ["--base-url", &recorder.base, "--token-env", "SCIM_TOKEN"];
    let out = desk.call(&[&["run", "mine/theirs.yaml", "--json", "r.json"], &target[..]].concat());
    assert!(out.code == 0 || out.code == 1, "{out:?}");
    assert!(recorder.requests().iter().all(|r| r.method == "GET"), "{:?}", recorder.requests());
    let reason = desk.json("r.json")["cases"][0]["steps"][0]["reason"].to_string();
    assert!(reason.contains("--allow-existing"), "{reason}");
    assert_eq!(server.ask("GET", &format!("/Users/{id}"), "").1, stranger);
    desk.call(&[&["run", "mine/theirs.yaml", "--allow-existing"], &target[..]].concat());
    assert_eq!(server.ask("GET", &format!("/Users/{id}"), "").1["active"], false);
}
