//! One run of the real binary, measured, and what must hold whatever the server did.

use crate::tool::{Desk, Out, TOKEN, scenario};
use serde_json::Value;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Where the reports of a run go.
const REPORTS: [&str; 8] = ["--json", "r.json", "--junit", "r.xml", "--html", "r.html", "--markdown", "r.md"];

/// What a run took and gave.
pub struct Measured {
    pub out: Out,
    pub took: Duration,
    /// Peak of the resident memory; 0 where the system does not tell.
    pub peak_mib: u64,
    pub desk: Desk,
}

/// Runs scenarios with all reports, with colours, and with every exchange shown.
pub fn run(base: &str, scenarios: &[&str], args: &[&str], limit: Duration) -> Measured {
    let desk = Desk::new();
    let start = Instant::now();
    // Another build of the program can be measured, too.
    let program = std::env::var("SCIMPROOF_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_scimproof").to_owned());
    let mut child = Command::new(program)
        .arg("run")
        .args(scenarios.iter().map(|s| scenario(s)))
        .args(["--base-url", base, "--token-env", "SCIM_TOKEN", "--show-http", "--verbose", "--github", "--seed", "7"])
        .args(REPORTS)
        .args(args)
        .current_dir(desk.path("."))
        .env_clear()
        .env("SCIM_TOKEN", TOKEN)
        // As on a terminal: otherwise escapes of the server would be taken out together with ours.
        .env("CLICOLOR_FORCE", "1")
        .env("TERM", "xterm-256color")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let readers = [reader(child.stdout.take().expect("piped")), reader(child.stderr.take().expect("piped"))];
    let mut peak_mib = 0;
    let status = loop {
        peak_mib = peak_mib.max(peak(child.id()));
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        if start.elapsed() > limit {
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
            panic!("no end after {limit:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let took = start.elapsed();
    let [stdout, stderr] = readers.map(|r| r.join().expect("read"));
    Measured { out: Out { code: status.code().unwrap_or(-1), stdout, stderr }, took, peak_mib, desk }
}

fn reader(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("readable");
        String::from_utf8(bytes).expect("what we print is UTF-8")
    })
}

/// MiB; the kernel keeps the highest value, so that only what grows in the last moment is missed.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0) / 1024
}

impl Measured {
    /// No panic, no leak, nothing that acts on a terminal, every report whole and valid.
    pub fn check(&self, name: &str) {
        let Out { code, stdout, stderr } = &self.out;
        assert!([0, 1, 3].contains(code), "{name}: ended with {code}: {stderr}");
        assert!(!stderr.contains("panicked"), "{name}: {stderr}");
        for (place, text) in [("stdout", stdout), ("stderr", stderr)] {
            quiet(&format!("{name}: {place}"), &without_colours(text));
        }
        let files: Vec<String> = self.desk.files().into_iter().filter(|f| f.starts_with("r.")).collect();
        if *code == 3 && files.is_empty() {
            assert!(stderr.contains("error: "), "{name}: no report and no reason: {stderr}");
        } else {
            assert_eq!(files, ["r.html", "r.json", "r.md", "r.xml"], "{name}");
            self.check_files(name);
        }
        for (place, text) in [("stdout", stdout), ("stderr", stderr), ("a file", &self.desk.everything())] {
            assert!(!text.contains(TOKEN), "{name}: the token is in {place}");
        }
        // What cannot be cleaned up is kept for `clean`, and is told.
        if self.desk.files().contains(&".scimproof".to_owned()) {
            assert!(
                stdout.contains("DELETE ") || stdout.contains("clean"),
                "{name}: something is left in silence: {stdout}"
            );
        }
    }

    fn check_files(&self, name: &str) {
        let json = self.desk.json("r.json");
        assert_eq!(json["format"], "scimproof/1", "{name}");
        let xml = self.desk.read("r.xml");
        let read = quick_junit::Report::deserialize_from_str(&xml);
        assert!(read.is_ok(), "{name}: JUnit: {:?}", read.err());
        schema_accepts(name, &self.desk);
        quiet(&format!("{name}: JUnit"), &xml);
        let html = self.desk.read("r.html");
        assert_eq!((html.matches("<script").count(), html.matches("</script").count()), (1, 1), "{name}: HTML");
        assert!(html.trim_end().ends_with("</html>"), "{name}: HTML is cut");
        for bad in ["<img", "<svg", "<x"] {
            assert!(!html.contains(bad), "{name}: HTML holds {bad}");
        }
        quiet(&format!("{name}: HTML"), &html);
        let markdown = self.desk.read("r.md");
        quiet(&format!("{name}: Markdown"), &markdown);
        let prose = without_code(&markdown);
        for bad in ["<script", "<img", "<svg", "<x"] {
            assert!(!prose.contains(bad), "{name}: Markdown holds {bad}");
        }
    }

    /// The first thing that a user reads of it: why there was no run, else the first finding that fails, else the first reason.
    pub fn told(&self) -> String {
        let error =
            self.out.stderr.lines().map(without_colours).find_map(|l| l.strip_prefix("error: ").map(str::to_owned));
        if let Some(error) = error {
            return error;
        }
        let json = self.report();
        let finding = json["findings"].as_array().into_iter().flatten().find(|f| f["fails"] == true);
        let rule = finding.and_then(|f| f["rule"].as_str()).map(str::to_owned);
        let reason = || {
            let reasons: Vec<&str> = json["cases"].as_array()?.iter().filter_map(|c| c["reason"].as_str()).collect();
            let telling = reasons.iter().find(|r| r.starts_with("given up")).or(reasons.first());
            telling.map(|r| (*r).to_owned())
        };
        rule.or_else(reason).unwrap_or_else(|| "no finding".to_owned())
    }

    /// The JSON report; null when there is none.
    pub fn report(&self) -> Value {
        std::fs::read_to_string(self.desk.path("r.json"))
            .ok()
            .and_then(|t| serde_json::from_str(&t).ok())
            .unwrap_or(Value::Null)
    }

    /// Rules that failed.
    pub fn rules(&self) -> Vec<String> {
        let json = self.report();
        let findings = json["findings"].as_array().cloned().unwrap_or_default();
        findings.iter().filter_map(|f| f["rule"].as_str().map(str::to_owned)).collect()
    }
}

/// Markdown without code spans and fenced code: between two runs of backticks of one length nothing is markup (CommonMark §6.1).
fn without_code(markdown: &str) -> String {
    let mut out = String::new();
    let mut rest = markdown;
    while let Some(at) = rest.find('`') {
        let run = rest[at..].len() - rest[at..].trim_start_matches('`').len();
        // An escaped backtick opens nothing.
        let escaped = rest[..at].ends_with('\\');
        let (before, inner) = (&rest[..at], &rest[at + run..]);
        out.push_str(before);
        let fence = "`".repeat(run);
        let close = inner
            .match_indices(&fence)
            .map(|(n, _)| n)
            .find(|n| !inner[..*n].ends_with('`') && !inner[n + run..].starts_with('`'));
        rest = match close {
            Some(n) if !escaped => &inner[n + run..],
            _ => inner,
        };
    }
    out + rest
}

/// Takes our own colours away: what is left of an escape is not ours.
fn without_colours(text: &str) -> String {
    let sgr = regex::Regex::new("\u{1b}\\[[0-9;]*m").expect("a fixed pattern");
    sgr.replace_all(text, "").into_owned()
}

/// Nothing in it moves a cursor, rings, or turns the direction of reading.
fn quiet(place: &str, text: &str) {
    let acts = |c: char| {
        (c.is_control() && c != '\n' && c != '\t' && c != '\r')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if let Some((at, c)) = text.char_indices().find(|(_, c)| acts(*c)) {
        let around: String = text[..at].chars().rev().take(60).collect::<Vec<_>>().into_iter().rev().collect();
        panic!("{place} holds U+{:04X} after {around:?}", u32::from(c));
    }
}

fn schema_accepts(name: &str, desk: &Desk) {
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/xsd/junit.xsd");
    let run = Command::new("xmllint").args(["--noout", "--nonet", "--schema", schema]).arg(desk.path("r.xml")).output();
    // Where it is not installed, the independent reader above has the word; CI installs it.
    if let Ok(run) = run {
        assert!(run.status.success(), "{name}: {}", String::from_utf8_lossy(&run.stderr));
    }
}
