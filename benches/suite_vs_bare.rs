//! How much the tool costs: the whole default suite against the embedded server, next to a bare loop that sends the very same
//! requests with the same client settings. Also cold start, rules alone, the shadow of a hundred thousand users, and loading of
//! scenarios.
//!
//! `cargo bench --bench suite_vs_bare [-- --rounds N]`. Every measurement runs in a process of its own (its peak memory
//! is its own, too); suite and bare loop alternate, so that a machine that changes its pace changes it for both.

#[path = "parts/bare.rs"]
mod bare;
#[path = "parts/recorder.rs"]
mod recorder;
#[path = "parts/rules.rs"]
mod rules;
#[path = "parts/shadow.rs"]
mod shadow;
#[path = "parts/suite.rs"]
mod suite;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// One measurement, as the child prints it.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
struct Measured {
    seconds: f64,
    requests: u64,
    /// Peak resident memory; 0 where the system does not tell.
    peak_kb: u64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let task: Vec<&str> = arguments.iter().map(String::as_str).filter(|a| *a != "--bench").collect();
    match task.as_slice() {
        ["record", file] => block_on(suite::record(Path::new(file))),
        ["suite"] => tell(block_on(suite::measure())),
        ["bare", file] => tell(block_on(bare::measure(Path::new(file)))),
        ["rules"] => block_on(rules::measure()),
        ["shadow"] => shadow::measure(),
        // `cargo test --benches` runs every bench once, in a debug build: a number from there would mislead.
        ["--test"] => {}
        ["--rounds", count] => compare(count.parse().expect("--rounds needs a number")),
        [] => compare(5),
        other => panic!("what is {other:?}? Known: --rounds N"),
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    // As the program does: one thread for each core, server and client share them.
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(work)
}

fn tell(measured: Measured) {
    println!("{}", serde_json::to_string(&measured).expect("plain data"));
}

fn compare(rounds: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let file: PathBuf = folder.path().join("requests.json");
    let name = file.to_str().expect("UTF-8");
    child(&["record", name]);
    let (mut suite, mut bare) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        // Who goes first changes as well.
        if round % 2 == 0 {
            suite.push(measured(&["suite"]));
            bare.push(measured(&["bare", name]));
        } else {
            bare.push(measured(&["bare", name]));
            suite.push(measured(&["suite"]));
        }
    }
    let (suite_time, bare_time) = (median(&suite), median(&bare));
    println!("{:<28} {:>10} {:>12} {:>12} {:>12}", "", "median", "range", "requests/s", "peak memory");
    row("whole suite, judged", &suite);
    row("bare loop, same requests", &bare);
    println!("ratio                        {:>10.2}", suite_time / bare_time);
    println!();
    cold_start();
    print!("{}", child(&["rules"]));
    print!("{}", child(&["shadow"]));
    load_scenarios();
}

fn row(title: &str, rounds: &[Measured]) {
    let times: Vec<f64> = rounds.iter().map(|r| r.seconds).collect();
    let least = times.iter().copied().fold(f64::INFINITY, f64::min);
    let most = times.iter().copied().fold(0.0, f64::max);
    let peak = rounds.iter().map(|r| r.peak_kb).max().unwrap_or(0);
    let time = median(rounds);
    println!(
        "{title:<28} {:>8.2} s {:>12} {:>12.0} {:>9} MB",
        time,
        format!("{least:.2}–{most:.2}"),
        rounds[0].requests as f64 / time,
        peak / 1024
    );
}

fn median(rounds: &[Measured]) -> f64 {
    let mut times: Vec<f64> = rounds.iter().map(|r| r.seconds).collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn measured(task: &[&str]) -> Measured {
    serde_json::from_str(&child(task)).expect("the child prints one measurement")
}

fn child(task: &[&str]) -> String {
    let program = std::env::current_exe().expect("this program has a path");
    let output = Command::new(program).args(task).stderr(Stdio::inherit()).output().expect("it starts again");
    assert!(output.status.success(), "{task:?} failed: {}", output.status);
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// From the start of the program to its first request, all bundled scenarios selected.
fn cold_start() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/scim/v2", listener.local_addr().expect("an address"));
    let mut times: Vec<Duration> = (0..7)
        .map(|_| {
            let started = Instant::now();
            let mut program = Command::new(env!("CARGO_BIN_EXE_scimproof"))
                .args(["run", "--base-url", &url, "--quiet", "--read-only"])
                .current_dir(std::env::temp_dir())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("the program starts");
            let connection = listener.accept().expect("it connects");
            let time = started.elapsed();
            program.kill().expect("it still waits for an answer");
            program.wait().expect("it ended");
            drop(connection);
            time
        })
        .collect();
    times.sort();
    println!("cold start to first request  {:>8.0} ms", times[times.len() / 2].as_secs_f64() * 1000.0);
}

fn load_scenarios() {
    let ids = scimproof::scenario::bundled_ids();
    let started = Instant::now();
    let loaded = scimproof::scenario::load_many(&ids.iter().map(AsRef::as_ref).collect::<Vec<_>>());
    let steps: usize = loaded.into_iter().map(|one| one.expect("bundled scenarios load").steps.len()).sum();
    let time = started.elapsed();
    println!("loading {} scenarios        {:>8.0} ms   ({steps} steps)", ids.len(), time.as_secs_f64() * 1000.0);
}

/// Peak resident memory of this process.
fn peak_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}
