//! The real binary in a folder of its own, a `scimproof serve` beside it, and a recorder between the two.
//!
//! Must not use the engine's code to read or write HTTP, or both sides could be wrong together.

#![allow(dead_code, reason = "every test binary compiles this module and uses a part of it")]

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A secret that must be seen nowhere but on the wire.
pub const TOKEN: &str = "s3cret-0f-tenant-0ne";

/// That of the second tenant.
pub const OTHER_TOKEN: &str = "s3cret-0f-tenant-tw0";

/// How long one run of the binary may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A folder for one test, in which the binary runs.
pub struct Desk {
    dir: TempDir,
}

/// What one call of the binary gave.
#[derive(Debug)]
pub struct Out {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Desk {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).expect("JSON")
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    }

    /// Names of all files in the folder, hidden ones included, in order.
    pub fn files(&self) -> Vec<String> {
        let mut all: Vec<String> = std::fs::read_dir(self.dir.path())
            .expect("a folder")
            .map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        all.sort();
        all
    }

    /// Every text in the folder and below.
    pub fn everything(&self) -> String {
        fn walk(dir: &Path, out: &mut String) {
            for path in std::fs::read_dir(dir).expect("a folder").map(|e| e.expect("an entry").path()) {
                if path.is_dir() {
                    walk(&path, out);
                } else {
                    out.push_str(&String::from_utf8_lossy(&std::fs::read(&path).expect("readable")));
                }
            }
        }
        let mut out = String::new();
        walk(self.dir.path(), &mut out);
        out
    }

    /// Runs the binary to its end.
    pub fn call(&self, args: &[&str]) -> Out {
        let done = assert_cmd::Command::new(env!("CARGO_BIN_EXE_scimproof"))
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .env("SCIM_TOKEN", TOKEN)
            .env("OTHER", OTHER_TOKEN)
            .timeout(PATIENCE)
            .output()
            .expect("the binary starts");
        Out {
            code: done.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&done.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&done.stderr).into_owned(),
        }
    }

    /// Runs a shell script in the folder.
    pub fn shell(&self, script: &str) -> Out {
        let program = Path::new(env!("CARGO_BIN_EXE_scimproof")).parent().expect("a folder").display().to_string();
        let path = format!("{program}:/usr/local/bin:/usr/bin:/bin");
        let done = Command::new("sh")
            .args(["-c", script])
            .current_dir(self.dir.path())
            .env_clear()
            .env("PATH", path)
            .env("SCIM_TOKEN", TOKEN)
            .env("OTHER", OTHER_TOKEN)
            .output()
            .expect("there is a shell");
        Out {
            code: done.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&done.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&done.stderr).into_owned(),
        }
    }

    /// `scimproof run` of bundled scenarios; ids become files, because then nothing else is loaded.
    pub fn run(&self, scenarios: &[&str], args: &[&str]) -> Out {
        let files: Vec<String> = scenarios.iter().map(|s| scenario(s)).collect();
        let all: Vec<&str> =
            ["run"].into_iter().chain(files.iter().map(String::as_str)).chain(args.iter().copied()).collect();
        self.call(&all)
    }

    /// `scimproof run` against a server, with the token.
    pub fn run_at(&self, base: &str, scenarios: &[&str], args: &[&str]) -> Out {
        let target = ["--base-url", base, "--token-env", "SCIM_TOKEN"];
        let all: Vec<&str> = target.into_iter().chain(args.iter().copied()).collect();
        self.run(scenarios, &all)
    }

    /// Starts the binary and lets it run.
    pub fn start(&self, scenarios: &[&str], args: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_scimproof"))
            .arg("run")
            .args(scenarios.iter().map(|s| scenario(s)))
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .env("SCIM_TOKEN", TOKEN)
            .env("OTHER", OTHER_TOKEN)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts")
    }
}

/// File (or folder) of a bundled scenario.
pub fn scenario(id: &str) -> String {
    let base = format!("{}/scenarios/{id}", env!("CARGO_MANIFEST_DIR"));
    if Path::new(&base).is_dir() { base } else { format!("{base}.yaml") }
}

/// Waits until it holds.
pub fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A `scimproof serve` in a process of its own. Ends with the test.
pub struct Serve {
    child: Child,
    pub base: String,
}

impl Serve {
    pub fn start(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_scimproof"))
            .args(["serve", "--port", "0", "--token", TOKEN])
            .args(args)
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("the address");
        assert!(line.starts_with("http://"), "{line:?}");
        Self { child, base: line.trim().to_owned() }
    }

    /// One request with the token.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        ask(&self.base, method, path, body)
    }

    /// `userName` or `displayName` of everything that is there.
    pub fn names(&self) -> Vec<String> {
        self.names_of(TOKEN)
    }

    /// The same for the tenant with that token.
    pub fn names_of(&self, token: &str) -> Vec<String> {
        let mut names = Vec::new();
        for (collection, name) in [("/Users", "userName"), ("/Groups", "displayName")] {
            let (status, list) = ask_as(token, &self.base, "GET", &format!("{collection}?count=10000"), "");
            assert_eq!(status, 200, "{list}");
            let resources = list["Resources"].as_array().cloned().unwrap_or_default();
            assert_eq!(list["totalResults"].as_u64(), Some(resources.len() as u64), "not all in one page");
            names.extend(resources.iter().map(|r| r[name].as_str().unwrap_or("?").to_owned()));
        }
        names
    }

    /// Somebody who was there before.
    pub fn add_stranger(&self) -> Value {
        let body = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"stranger@example.com","active":true}"#;
        let (status, user) = self.ask("POST", "/Users", body);
        assert_eq!(status, 201, "{user}");
        user
    }

    pub fn kill(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        self.kill();
    }
}

/// One request on a connection of its own.
pub fn ask(base: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
    ask_as(TOKEN, base, method, path, body)
}

fn ask_as(token: &str, base: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
    let (host, prefix) = host_and_path(base);
    let mut stream = TcpStream::connect(&host).expect("the server listens");
    let length = body.len();
    write!(
        stream,
        "{method} {prefix}{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nAccept: application/scim+json\r\n\
         Content-Type: application/scim+json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, b)| b);
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

/// `127.0.0.1:80` and `/scim/v2`.
pub fn host_and_path(base: &str) -> (String, String) {
    let rest = base.strip_prefix("http://").expect("plain HTTP");
    match rest.split_once('/') {
        Some((host, path)) => (host.to_owned(), format!("/{path}")),
        None => (rest.to_owned(), String::new()),
    }
}

/// A request as it was on the wire.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    /// Path and query below the base URL.
    pub target: String,
    /// In order, names as written.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}

/// Stands between binary and server, passes every byte on, and remembers the requests.
pub struct Recorder {
    pub base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Recorder {
    pub fn before(base: &str) -> Self {
        let (upstream, prefix) = host_and_path(base);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = seen.clone();
        let below = prefix.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (upstream, below, log) = (upstream.clone(), below.clone(), log.clone());
                std::thread::spawn(move || pass_on(client, &upstream, &below, &log));
            }
        });
        Self { base: format!("http://{address}{prefix}"), seen }
    }

    pub fn requests(&self) -> Vec<Seen> {
        self.seen.lock().expect("no thread broke").clone()
    }
}

fn pass_on(client: TcpStream, upstream: &str, prefix: &str, log: &Mutex<Vec<Seen>>) {
    let Ok(mut server) = TcpStream::connect(upstream) else { return };
    let (Ok(mut back), Ok(mut answers)) = (client.try_clone(), server.try_clone()) else { return };
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut answers, &mut back);
        let _ = back.shutdown(Shutdown::Both);
    });
    let mut reader = BufReader::new(client);
    while let Some((bytes, seen)) = read_request(&mut reader, prefix) {
        log.lock().expect("no thread broke").push(seen);
        if server.write_all(&bytes).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Both);
}

/// One request; `None` when the connection ends.
fn read_request(reader: &mut impl BufRead, prefix: &str) -> Option<(Vec<u8>, Seen)> {
    let mut bytes = Vec::new();
    let mut lines = Vec::new();
    loop {
        let start = bytes.len();
        if reader.read_until(b'\n', &mut bytes).ok()? == 0 {
            return None;
        }
        let line = String::from_utf8_lossy(&bytes[start..]).trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let mut first = lines.first()?.split(' ').map(str::to_owned);
    let (method, target) = (first.next()?, first.next()?);
    let headers: Vec<(String, String)> =
        lines[1..].iter().filter_map(|l| l.split_once(':').map(|(n, v)| (n.to_owned(), v.trim().to_owned()))).collect();
    let length = headers.iter().find(|(n, _)| n.eq_ignore_ascii_case("content-length"));
    let mut body = vec![0; length.and_then(|(_, v)| v.parse().ok()).unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    bytes.extend_from_slice(&body);
    let target = target.strip_prefix(prefix).unwrap_or(&target).to_owned();
    Some((bytes, Seen { method, target, headers, body }))
}

/// Compares with a golden file in `snapshots/`.
pub fn golden(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(r"127\.0\.0\.1:\d+", "127.0.0.1:[port]");
    // The column is padded, so the blanks before a time are as many as its digits are few.
    settings.add_filter(r" +\d+(\.\d+)? m?s\b", " [time]");
    settings.add_filter(r"os error \d+", "os error [n]");
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// A part of `docs/hostile.md`, between its marks. Times and memory differ from day to day, so only `SCIMPROOF_UPDATE=1` writes; else
/// every case must have its row there.
pub fn golden_doc(part: &str, rows: &[String]) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/hostile.md");
    let text = std::fs::read_to_string(path).expect("the page is there");
    let (open, close) = (format!("<!-- made: {part} -->\n"), format!("<!-- end: {part} -->"));
    let start = text.find(&open).expect("its mark") + open.len();
    let end = start + text[start..].find(&close).expect("its mark");
    let name = |row: &str| row.split('|').nth(1).unwrap_or_default().trim().to_owned();
    if std::env::var_os("SCIMPROOF_UPDATE").is_some() {
        let head = "| The server | Exit | What is told first | Time | Peak memory |\n|---|---|---|--:|--:|\n";
        // Other parts are renewed by other tests of the same binary.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _guard = ONE_AT_A_TIME.lock().expect("no thread broke");
        let text = std::fs::read_to_string(path).expect("the page is there");
        let start = text.find(&open).expect("its mark") + open.len();
        let end = start + text[start..].find(&close).expect("its mark");
        let table = format!("{head}{}\n", rows.join("\n"));
        std::fs::write(path, [&text[..start], &table, &text[end..]].concat()).expect("written");
        return;
    }
    let there: Vec<String> = text[start..end].lines().skip(2).map(&name).collect();
    let here: Vec<String> = rows.iter().map(|r| name(r)).collect();
    assert_eq!(there, here, "docs/hostile.md is old: SCIMPROOF_UPDATE=1 cargo test --test hostile");
}
