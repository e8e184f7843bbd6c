//! What somebody reads when the target is not what it should be: whole texts, one golden file each.

#[path = "support/tool.rs"]
mod tool;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use tool::{Desk, Out, Serve, TOKEN, golden};

/// Everything that was told, and how it ended.
fn told(out: &Out) -> String {
    assert!(!out.stdout.contains(TOKEN) && !out.stderr.contains(TOKEN), "the token is shown: {out:?}");
    let seed = regex::Regex::new(r"seed \d+").expect("a pattern");
    let stdout = seed.replace_all(&out.stdout, "seed [n]").into_owned();
    format!("exit {}\n--- stdout\n{}--- stderr\n{}", out.code, stdout, out.stderr)
}

fn run_at(base: &str) -> Out {
    Desk::new().run_at(base, &["okta/connection-test"], &["--seed", "1", "--timeout", "5"])
}

/// A server that gives every request on every connection the same bytes; `None` closes without an answer.
fn server(answer: impl Fn(usize) -> Option<Vec<u8>> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let base = format!("http://{}/scim/v2", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let n = AtomicUsize::new(0);
        for mut stream in listener.incoming().flatten() {
            if read_head(&mut stream)
                && let Some(bytes) = answer(n.fetch_add(1, Ordering::SeqCst))
            {
                // The client may have gone.
                let _ = stream.write_all(&bytes);
            }
        }
    });
    base
}

fn read_head(stream: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return false,
        }
    }
    true
}

fn answer(status: &str, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
        .into_bytes()
}

#[test]
fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let base = format!("http://{}/scim/v2", listener.local_addr().expect("an address"));
    drop(listener);
    let out = run_at(&base);
    assert_eq!(out.code, 3);
    golden("cli-error-refused", &told(&out));
}

#[test]
fn the_host_does_not_exist() {
    let out = run_at("https://scim.no-such-host.invalid/v2");
    assert_eq!(out.code, 3);
    // How the system words it differs from machine to machine.
    assert!(out.stderr.contains("scim.no-such-host.invalid"), "{out:?}");
    assert!(out.stderr.to_lowercase().contains("name"), "{out:?}");
}

#[test]
fn https_to_a_plain_port() {
    let serve = Serve::start(&[]);
    let out = run_at(&serve.base.replace("http://", "https://"));
    assert_eq!(out.code, 3);
    golden("cli-error-https-to-plain", &told(&out));
}

#[test]
fn the_token_is_wrong() {
    let serve = Serve::start(&[]);
    let desk = Desk::new();
    desk.write("token", "an0ther-t0ken\n");
    let target = ["--base-url", &serve.base, "--token-file", "token", "--seed", "1"];
    let out = desk.run(&["okta/connection-test"], &target);
    assert_eq!(out.code, 1, "{out:?}");
    assert!(!format!("{out:?}").contains("an0ther-t0ken"));
    golden("cli-error-wrong-token", &told(&out));
}

#[test]
fn there_is_no_token() {
    let serve = Serve::start(&[]);
    let out = Desk::new().run(&["okta/connection-test"], &["--base-url", &serve.base, "--seed", "1"]);
    assert!([2, 3].contains(&out.code), "{out:?}");
    // Nothing is configured, so nothing that is configured can be refused.
    assert!(!out.stdout.contains("auth/valid-token-refused"), "{out:?}");
    assert!(out.stderr.contains("--token-env"), "{out:?}");
    golden("cli-error-no-token", &told(&out));
}

#[test]
fn a_login_page_instead_of_json() {
    let base = server(|_| Some(answer("200 OK", "text/html", "<!doctype html><title>Please log in</title>")));
    let out = run_at(&base);
    assert_ne!(out.code, 0, "{out:?}");
    golden("cli-error-html", &told(&out));
}

#[test]
fn an_empty_body() {
    let base = server(|_| Some(answer("200 OK", "application/scim+json", "")));
    let out = run_at(&base);
    assert_ne!(out.code, 0, "{out:?}");
    golden("cli-error-empty-body", &told(&out));
}

#[test]
fn the_base_path_is_wrong() {
    let serve = Serve::start(&[]);
    let out = run_at(&serve.base.replace("/scim/v2", "/scim/v3"));
    assert_ne!(out.code, 0, "{out:?}");
    golden("cli-error-base-path", &told(&out));
}

/// It answers as a SCIM service does, and has nothing below this path.
#[test]
fn nothing_is_at_the_base_url() {
    let body =
        r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"404","detail":"No such endpoint."}"#;
    let base = server(move |_| Some(answer("404 Not Found", "application/scim+json", body)));
    let out = run_at(&base);
    assert_eq!(out.code, 3);
    golden("cli-error-nothing-there", &told(&out).replace(&base, "http://[target]/scim/v2"));
}

#[test]
fn a_server_that_hangs_up() {
    let base = server(|_| None);
    let out = run_at(&base);
    assert_eq!(out.code, 3, "{out:?}");
    golden("cli-error-hangs-up", &told(&out));
}

#[test]
fn a_server_that_dies_in_the_middle_of_a_run() {
    let mut serve = Serve::start(&["--latency", "20"]);
    let recorder = tool::Recorder::before(&serve.base);
    let desk = Desk::new();
    let target = ["--base-url", &recorder.base, "--token-env", "SCIM_TOKEN", "--json", "r.json", "--timeout", "5"];
    let mut child = desk.start(&["okta/group-push-rename", "okta/create-user"], &target);
    tool::wait_for("a user", || recorder.requests().iter().any(|r| r.method == "POST"));
    std::thread::sleep(std::time::Duration::from_millis(60));
    serve.kill();
    let mut stdout = String::new();
    child.stdout.take().expect("piped").read_to_string(&mut stdout).expect("text");
    let mut stderr = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("text");
    assert_eq!(child.wait().expect("it ends").code(), Some(3), "{stdout}{stderr}");
    let report = desk.json("r.json");
    assert!(report["summary"]["errors"].as_u64() > Some(0), "{report}");
    assert!(!report["left_behind"].as_array().expect("a list").is_empty(), "nobody is told what is left");
    let fails: Vec<_> =
        report["findings"].as_array().expect("findings").iter().filter(|f| f["fails"] == true).collect();
    assert!(fails.is_empty(), "a server that is gone is no finding: {fails:?}");
    assert!(desk.path(".scimproof").exists(), "the journal is needed to clean up");
}
