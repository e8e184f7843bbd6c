//! `kill -9` at any moment of a run loses nothing: `clean` finds what is left. Two runs at once do not see each other.

#[path = "support/tool.rs"]
mod tool;

use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tool::{Desk, Out, Serve, ask, wait_for};

const STRANGER: &str = "stranger@example.com";

fn start(desk: &Desk, server: &Serve, scenarios: &[&str]) -> Child {
    desk.start(scenarios, &["--base-url", &server.base, "--token-env", "SCIM_TOKEN", "--jobs", "3"])
}

fn clean(desk: &Desk, server: &Serve) -> Out {
    desk.call(&["clean", "--base-url", &server.base, "--token-env", "SCIM_TOKEN"])
}

/// Twenty moments, spread over the life of the run by a fixed sequence: the first write, a create on its way, the clean-up.
#[test]
fn a_run_killed_at_any_moment_can_be_cleaned_up() {
    let server = Serve::start(&["--latency", "3"]);
    let stranger = server.add_stranger();
    let id = stranger["id"].as_str().expect("an id").to_owned();
    let scenarios = ["okta/group-push-rename", "okta/create-user", "entra/group-members-legacy", "rfc/groups-nested"];
    let mut found_something = 0;
    let mut moment: u64 = 7;
    for round in 0..20 {
        let desk = Desk::new();
        let mut run = start(&desk, &server, &scenarios);
        run.stdout = None;
        run.stderr = None;
        wait_for("the journal", || desk.path(".scimproof").exists() || run.try_wait().expect("a child").is_some());
        moment = (moment * 1_103_515_245 + 12_345) % 2_147_483_648;
        std::thread::sleep(Duration::from_millis(moment % 260));
        run.kill().expect("it can be killed");
        run.wait().expect("it ends");
        // The request in flight may still arrive.
        std::thread::sleep(Duration::from_millis(15));
        let left = server.names().len() - 1;
        found_something += usize::from(left > 0);
        let out = clean(&desk, &server);
        assert_eq!(out.code, 0, "round {round}: {out:?}");
        assert_eq!(server.names(), [STRANGER], "round {round}, {left} were left: {out:?}");
        assert!(!desk.path(".scimproof").exists(), "round {round}: a journal is left: {out:?}");
    }
    assert!(found_something >= 8, "only {found_something} of 20 kills left something behind: choose other moments");
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

#[test]
fn two_runs_at_once_do_not_see_each_other() {
    let server = Serve::start(&[]);
    let (one, two) = (Desk::new(), Desk::new());
    let scenarios =
        ["okta/create-user", "okta/group-push-rename", "okta/import-groups", "rfc/uniqueness", "rfc/user-groups"];
    let mut runs = [start(&one, &server, &scenarios), start(&two, &server, &scenarios)];
    for run in &mut runs {
        run.stderr = None;
        run.stdout.take().map(drain);
    }
    for run in &mut runs {
        assert_eq!(run.wait().expect("it ends").code(), Some(0));
    }
    assert!(server.names().is_empty(), "{:?}", server.names());
    assert!(one.files().is_empty() && two.files().is_empty());
}

/// Nobody reads the pipe while we wait, so somebody must.
fn drain(mut pipe: std::process::ChildStdout) {
    std::thread::spawn(move || std::io::copy(&mut pipe, &mut std::io::sink()));
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
