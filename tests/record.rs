//! Recorded conversations: the proxy between two real programs, scenarios that replay, verdicts without a server.

#[path = "support/tool.rs"]
mod tool;

use proptest::prelude::*;
use scimproof::profile::idp::{self, IdpProfile};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use tool::{Desk, Out, Serve, TOKEN, golden};

/// `scimproof record` in a process of its own.
struct Recording {
    child: Child,
    base: String,
}

impl Recording {
    fn start(desk: &Desk, target: &str, args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_scimproof"))
            .args(["record", "--target", target, "--port", "0"])
            .args(args)
            .current_dir(desk.path(""))
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("the address");
        assert!(line.starts_with("http://"), "{line:?}");
        Self { child, base: line.trim().to_owned() }
    }

    /// Waits for its own end.
    fn end(mut self) -> (i32, String) {
        let mut told = String::new();
        self.child.stderr.take().expect("piped").read_to_string(&mut told).expect("text");
        (self.child.wait().expect("it ends").code().unwrap_or(-1), told)
    }

    /// Sends the signal that Ctrl-C or a supervisor sends.
    #[cfg(unix)]
    fn stop(self) -> (i32, String) {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().expect("there is kill");
        assert!(sent.success());
        self.end()
    }
}

fn file(name: &str) -> String {
    format!("{}/tests/recordings/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Secrets of the files in `tests/recordings`.
const SECRETS: &[&str] = &[
    TOKEN,
    tool::OTHER_TOKEN,
    "h4r-t0ken-value",
    "c00kie-value",
    "qu3ry-t0ken",
    "Sup3r-s3cret!",
    "p0stman-t0ken-value",
    "cl1ent-s3cret-value",
    "tr1gger-s3cret",
];

fn no_secret(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

/// Imports a file and plays what came of it against the embedded server.
fn imported(desk: &Desk, args: &[&str]) -> (String, Out) {
    let all: Vec<&str> = ["import"].iter().chain(args).copied().chain(["--out", "made.yaml"]).collect();
    let out = desk.call(&all);
    assert_eq!(out.code, 0, "{out:?}");
    let checked = desk.call(&["check", "made.yaml"]);
    assert_eq!(checked.code, 0, "{checked:?}");
    let text = desk.read("made.yaml");
    no_secret(&format!("{text}{}{}", out.stdout, out.stderr));
    (text, out)
}

#[cfg(unix)]
#[test]
fn a_recorded_run_replays_and_is_judged_clean() {
    let (desk, serve) = (Desk::new(), Serve::start(&[]));
    let recording = Recording::start(&desk, &serve.base, &["--out", "rec.yaml", "--har", "rec.har"]);
    let base = recording.base.clone();
    let scenarios = ["okta/create-user", "okta/deactivate-user", "okta/group-push-rename", "rfc/bulk-references"];
    let run = desk.run_at(&base, &scenarios, &["--seed", "5"]);
    assert_eq!(run.code, 0, "{run:?}");
    let (code, told) = recording.stop();
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("next: scimproof run rec.yaml --base-url http://"), "{told}");
    no_secret(&format!("{told}{}", desk.everything()));
    assert_eq!(desk.call(&["check", "rec.yaml"]).code, 0);
    for _ in 0..2 {
        let replay = desk.call(&["run", "rec.yaml"]);
        assert_eq!(replay.code, 0, "{replay:?}");
    }
    // Beside what is still there of the first: nothing collides.
    let again = desk.call(&["run", "rec.yaml", "--base-url", &serve.base, "--token-env", "SCIM_TOKEN", "--keep"]);
    assert_eq!(again.code, 0, "{again:?}");
    let judged = desk.call(&["import", "--judge", "rec.har", "--json", "judged.json"]);
    assert_eq!(judged.code, 0, "{judged:?}");
    assert_eq!(desk.json("judged.json")["findings"], serde_json::json!([]));
    no_secret(&format!("{judged:?}{}", desk.read("judged.json")));
}

/// Tokens are blanked in the file, and the tenants are told apart all the same; members that nobody saw may be refused.
#[cfg(unix)]
#[test]
fn two_tenants_and_deliberate_mistakes_in_a_recording_are_no_findings() {
    let (desk, serve) = (Desk::new(), Serve::start(&["--other-token", tool::OTHER_TOKEN]));
    let recording = Recording::start(&desk, &serve.base, &["--har", "rec.har"]);
    let scenarios =
        ["rfc/tenancy", "rfc/groups-refused", "rfc/create-refused", "rfc/auth", "rfc/password", "rfc/etag-write"];
    let run = desk.run_at(&recording.base, &scenarios, &["--seed", "5", "--other-token-env", "OTHER"]);
    assert_eq!(run.code, 0, "{run:?}");
    let (code, told) = recording.stop();
    assert_eq!(code, 0, "{told}");
    let judged = desk.call(&["import", "--judge", "rec.har"]);
    assert_eq!(judged.code, 0, "{judged:?}");
    assert!(desk.read("rec.har").contains("Bearer [secret 2]"));
    no_secret(&format!("{told}{judged:?}{}", desk.everything()));
}

#[test]
fn what_is_recorded_of_a_faulty_server_is_found_without_it() {
    let desk = Desk::new();
    let serve = Serve::start(&["--fault", "patch-active-ignored"]);
    let recording = Recording::start(&desk, &serve.base, &["--har", "rec.har", "--requests", "3"]);
    let user =
        r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"kim@corp.example.com","active":true}"#;
    let (status, made) = tool::ask(&recording.base, "POST", "/Users", user);
    assert_eq!(status, 201);
    let path = format!("/Users/{}", made["id"].as_str().expect("an id"));
    let off = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}"#;
    tool::ask(&recording.base, "PATCH", &path, off);
    tool::ask(&recording.base, "GET", &path, "");
    let (code, told) = recording.end();
    assert_eq!(code, 0, "{told}");
    drop(serve);
    let judged = desk.call(&["import", "--judge", "rec.har"]);
    assert_eq!(judged.code, 1, "{judged:?}");
    assert!(judged.stdout.contains("patch/active-not-applied"), "{judged:?}");
}

#[test]
fn a_har_of_a_healthy_server_is_clean_and_one_with_a_bug_is_not() {
    let desk = Desk::new();
    let healthy = desk.call(&["import", "--judge", &file("healthy.har")]);
    assert_eq!(healthy.code, 0, "{healthy:?}");
    let reports = ["--json", "r.json", "--junit", "r.xml", "--html", "r.html", "--markdown", "r.md"];
    let bug = file("bug.har");
    let args: Vec<&str> = ["import", "--judge", &bug].into_iter().chain(reports).collect();
    let bug = desk.call(&args);
    assert_eq!(bug.code, 1, "{bug:?}");
    let report = desk.json("r.json");
    let rules: Vec<&str> =
        report["findings"].as_array().expect("a list").iter().filter_map(|f| f["rule"].as_str()).collect();
    assert_eq!(rules, ["patch/active-not-applied"]);
    for name in ["r.xml", "r.html", "r.md"] {
        assert!(desk.read(name).contains("active-not-applied"), "{name}");
    }
    no_secret(&format!("{healthy:?}{bug:?}{}", desk.everything()));
}

#[test]
fn blanked_values_and_missing_bodies_are_no_findings() {
    let desk = Desk::new();
    let text = std::fs::read_to_string(file("healthy.har")).expect("there");
    let mut har: Value = serde_json::from_str(&text).expect("JSON");
    let names =
        regex::Regex::new(r"kim\.example@corp\.example\.com|Kim Example|Kim|a81f[0-9a-f-]*").expect("a pattern");
    desk.write("blanked.har", &names.replace_all(&text, "[REDACTED]"));
    for entry in har["log"]["entries"].as_array_mut().expect("a list") {
        if let Some(content) = entry["response"]["content"].as_object_mut().filter(|c| c.get("size") != Some(&0.into()))
        {
            content.remove("text");
        }
    }
    desk.write("no-bodies.har", &har.to_string());
    let mut bare: Value = serde_json::from_str(&text).expect("JSON");
    for entry in bare["log"]["entries"].as_array_mut().expect("a list") {
        let kept = |h: &Value| {
            h["name"].as_str().is_some_and(|n| !["authorization", "cookie"].contains(&n.to_lowercase().as_str()))
        };
        let headers = entry["request"]["headers"].as_array_mut().expect("a list");
        headers.retain(kept);
    }
    desk.write("bare.har", &bare.to_string());
    for name in ["blanked.har", "no-bodies.har", "bare.har"] {
        let out = desk.call(&["import", "--judge", name]);
        assert!([0, 4].contains(&out.code) && out.stdout.contains("no findings"), "{name}: {out:?}");
    }
}

#[test]
fn a_har_becomes_a_scenario_with_new_names_and_without_secrets() {
    let desk = Desk::new();
    let (text, out) = imported(&desk, &[&file("healthy.har")]);
    golden("record-import-har", &text);
    assert!(out.stderr.contains("left out: 2 on other hosts, 1 on other paths"), "{out:?}");
    for name in ["kim.example", "Kim", "a81f"] {
        assert!(!text.contains(name), "{name}: {text}");
    }
    let run = desk.call(&["run", "made.yaml"]);
    assert_eq!(run.code, 0, "{run:?}");
    let faulty = desk.call(&["run", "made.yaml", "--fault", "patch-active-ignored"]);
    assert_eq!(faulty.code, 1, "{faulty:?}");
}

#[test]
fn a_postman_collection_becomes_a_scenario() {
    let desk = Desk::new();
    let (text, out) = imported(&desk, &[&file("collection.json"), "--name", "mine/smoke"]);
    golden("record-import-postman", &text);
    assert!(out.stderr.contains("left out:"), "{out:?}");
    let run = desk.call(&["run", "made.yaml"]);
    assert_eq!(run.code, 0, "{run:?}");
    let judged = desk.call(&["import", "--judge", &file("collection.json")]);
    assert_eq!(judged.code, 2, "{judged:?}");
    assert!(judged.stderr.contains("holds no traffic"), "{judged:?}");
}

#[test]
fn a_runscope_test_becomes_a_scenario() {
    let desk = Desk::new();
    let (text, out) = imported(&desk, &[&file("spec-test.json"), "--idp", "okta"]);
    golden("record-import-runscope", &text);
    assert!(out.stderr.contains("a step of type `condition` cannot be replayed"), "{out:?}");
    let run = desk.call(&["run", "made.yaml"]);
    assert_eq!(run.code, 0, "{run:?}");
}

#[test]
fn several_files_go_into_a_folder() {
    let desk = Desk::new();
    let files = [file("healthy.har"), file("collection.json")];
    let out = desk.call(&["import", &files[0], &files[1], "--out", "scenarios/mine/"]);
    assert_eq!(out.code, 0, "{out:?}");
    let checked = desk.call(&["check", "scenarios"]);
    assert_eq!(checked.code, 0, "{checked:?}");
    assert!(desk.read("scenarios/mine/healthy.yaml").contains("scenario: mine/healthy\n"));
    assert_eq!(desk.call(&["import", &files[0], &files[1]]).code, 2);
}

#[test]
fn wrong_files_are_told_with_their_place() {
    let desk = Desk::new();
    desk.write("empty.har", " ");
    desk.write("cut.har", "{\"log\": {\n  \"entries\": [{\"request\": {\"method\": \"GET\"");
    desk.write("type.har", "{\"log\": {\"entries\": [\n{\"request\": {\"method\": 7, \"url\": \"x\"}}]}}");
    desk.write("other.json", "{\"openapi\": \"3.0.0\"}");
    desk.write("steps.json", "{\"name\": \"x\", \"steps\": [7]}");
    desk.write(
        "rest.har",
        r#"{"log": {"entries": [{"request": {"method": "GET", "url": "https://a.example/Users"}}]}}"#,
    );
    desk.write("deep.json", &format!("{{\"steps\": {}", "[".repeat(100_000)));
    std::fs::write(desk.path("bytes.har"), b"{\"log\":\n \xff}").expect("written");
    let mut all = String::new();
    for name in [
        "empty.har",
        "cut.har",
        "type.har",
        "other.json",
        "steps.json",
        "rest.har",
        "deep.json",
        "bytes.har",
        "nowhere.har",
    ] {
        let out = desk.call(&["import", name]);
        assert_eq!((out.code, out.stdout.as_str()), (2, ""), "{name}: {out:?}");
        all.push_str(&out.stderr);
    }
    golden("record-wrong-files", &all);
}

#[test]
fn arguments_that_contradict_each_other_are_refused() {
    let desk = Desk::new();
    let har = file("healthy.har");
    for args in [
        vec!["import", &har, "--idp", "oktopus"],
        vec!["import", &har, "--json", "x.json"],
        vec!["import", &har, "--base-url-prefix", "/nowhere"],
        vec!["import", &har, "--name", "no name"],
        vec!["record", "--target", "nonsense"],
        vec!["record", "--target", "http://me:pw@localhost/"],
        vec!["record", "--target", "http://localhost/", "--out", "no/such/folder/x.yaml"],
        vec!["record", "--target", "http://localhost/", "--idp", "oktopus"],
    ] {
        let out = desk.call(&args);
        assert_eq!(out.code, 2, "{args:?}: {out:?}");
        assert!(out.stderr.starts_with("error: ") && !out.stderr.contains("pw@"), "{out:?}");
    }
    assert!(desk.files().is_empty(), "{:?}", desk.files());
}

/// Answers once with these bytes and gives back what was asked.
fn once(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let base = format!("http://{}/scim/v2", listener.local_addr().expect("an address"));
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).expect("bytes") == 1 {
            head.push(byte[0]);
        }
        stream.write_all(answer.as_bytes()).expect("sent");
        String::from_utf8_lossy(&head).into_owned()
    });
    (base, asked)
}

#[test]
fn the_proxy_passes_on_what_is_meant_for_the_target_and_nothing_else() {
    let desk = Desk::new();
    let (base, asked) = once(
        "HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/Users\r\nX-Own: yes\r\nKeep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n",
    );
    let recording = Recording::start(&desk, &base, &["--requests", "1"]);
    let (host, prefix) = tool::host_and_path(&recording.base);
    let mut stream = TcpStream::connect(&host).expect("it listens");
    write!(
        stream,
        "GET {prefix}/Users?filter=userName+eq+%22a%22 HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\nAccept: application/scim+json\r\n\
         TE: trailers\r\nX-Hop: 1\r\nConnection: close, X-Hop\r\n\r\n"
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let asked = asked.join().expect("it was asked").to_lowercase();
    assert!(asked.starts_with("get /scim/v2/users?filter=username+eq+%22a%22 http/1.1\r\n"), "{asked}");
    assert!(asked.contains(&format!("authorization: bearer {TOKEN}").to_lowercase()), "{asked}");
    assert!(!asked.contains("x-hop") && !asked.contains("\r\nte:") && !asked.contains(&host), "{asked}");
    let answer = answer.to_lowercase();
    assert!(
        answer.starts_with("http/1.1 302") && answer.contains("location: https://elsewhere.example/users"),
        "{answer}"
    );
    assert!(answer.contains("x-own: yes") && !answer.contains("timeout=5"), "{answer}");
    let (code, told) = recording.end();
    assert_eq!(code, 0, "{told}");
    no_secret(&format!("{told}{}", desk.everything()));
    assert!(desk.read("recorded.yaml").contains("expect: { status: 302 }"));
}

#[test]
fn a_target_that_is_not_there_is_told_to_the_client() {
    let desk = Desk::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let base = format!("http://{}/scim/v2", listener.local_addr().expect("an address"));
    drop(listener);
    let recording = Recording::start(&desk, &base, &["--requests", "1"]);
    let (status, _) = tool::ask(&recording.base, "GET", "/Users", "");
    assert_eq!(status, 502);
    let (code, told) = recording.end();
    assert_eq!(code, 0, "{told}");
    no_secret(&format!("{told}{}", desk.everything()));
}

/// What a proxy or a browser could write, with one thing replaced by anything.
fn broken(name: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let whole = std::fs::read(file(name)).expect("a file of the repository");
    let length = whole.len();
    (0..length, 0..40_usize, prop::collection::vec(any::<u8>(), 0..12)).prop_map(move |(at, cut, put)| {
        let end = (at + cut).min(whole.len());
        [&whole[..at], &put, &whole[end..]].concat()
    })
}

/// Reads and, where that is possible, makes a scenario, which the loader then accepts.
fn read_and_draft(bytes: &[u8]) {
    use scimproof::record::{self, draft, sift};
    let Ok(recording) = record::read(bytes, "x") else { return };
    let redactor = record::redactor(&recording.entries);
    let format = recording.format;
    let Ok(sifted) = sift::sift(recording, None) else { return };
    static RFC: LazyLock<IdpProfile> = LazyLock::new(|| idp::find("rfc").expect("it loads").expect("it is there"));
    let head = draft::Head { id: "x/y", format, title: None, source: None, profile: &RFC };
    if let Err(why) = draft::draft(&sifted, &head, &redactor) {
        assert!(!why.contains("please report"), "{why}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn readers_never_panic_and_what_they_read_loads(
        har in broken("healthy.har"), postman in broken("collection.json"), runscope in broken("spec-test.json"),
        noise in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        for bytes in [har, postman, runscope, noise] {
            read_and_draft(&bytes);
        }
    }

    #[test]
    fn any_text_in_a_request_makes_a_file_that_loads(
        method in "GET|POST|PATCH|PUT|DELETE|M-SEARCH", path in "\\PC{0,20}", query in "\\PC{0,30}", user in "\\PC{0,20}",
        id in "\\PC{0,12}", key in "\\PC{0,8}", header in "\\PC{0,12}", status in 0_i64..700,
    ) {
        let body = serde_json::json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": user, "externalId": id,
            key.clone(): { key.clone(): [user, null, 7] } });
        let answer = serde_json::json!({ "id": id, "userName": user, "meta": { "location": format!("https://a.example/Users/{id}") } });
        let entry = |method: &str, url: String| serde_json::json!({
            "request": { "method": method, "url": url, "headers": [{ "name": "If-Match", "value": header }, { "name": "ACCEPT", "value": user }],
                "postData": { "text": body.to_string() } },
            "response": { "status": status, "headers": [{ "name": "ETag", "value": header }], "content": { "text": answer.to_string() } },
        });
        let har = serde_json::json!({ "log": { "entries": [
            entry("POST", "https://a.example/Users".into()),
            entry(&method, format!("https://a.example/Users/{path}?{query}")),
            entry("GET", format!("https://a.example/Users/{id}?filter=userName eq \"{user}\"")),
        ] } });
        read_and_draft(har.to_string().as_bytes());
    }
}
