//! What was recorded from identity providers is what the binary sends. The recordings themselves are not in the repository:
//! `bad/capture-stems.txt` names them all, `bad/capture-wire.json` holds the wire form of some, values cut out.

#[path = "support/tool.rs"]
mod tool;

use regex::Regex;
use scimproof::scenario;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use tool::{Desk, Recorder, Seen, Serve};

const STEMS: &str = include_str!("bad/capture-stems.txt");
const WIRE: &str = include_str!("bad/capture-wire.json");

/// One request of a recording.
#[derive(Debug, Deserialize)]
struct Wire {
    /// Method and target; `{id}` and `{value}` stand for what differs from run to run.
    send: String,
    /// Names of headers, in lower case. What belongs to the connection (and Accept-Encoding) is left out.
    #[serde(default)]
    headers: Vec<String>,
    /// `op path` of each operation of a PATCH.
    #[serde(default)]
    operations: Vec<String>,
}

/// Recording → scenarios that say they play it.
fn players() -> BTreeMap<String, Vec<String>> {
    let mut players: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for id in scenario::bundled_ids() {
        let scenario = scenario::load_bundled(id).expect("it is listed").expect("it loads");
        for tag in &scenario.tags {
            if let Some(stem) = tag.strip_prefix("capture:") {
                players.entry(stem.to_owned()).or_default().push(id.to_owned());
            }
        }
    }
    players
}

#[test]
fn every_recording_has_its_scenario() {
    let players = players();
    let stems: BTreeSet<&str> = STEMS.lines().filter(|l| !l.is_empty()).collect();
    assert!(stems.len() >= 70, "recordings were lost");
    let alone: Vec<&&str> = stems.iter().filter(|s| !players.contains_key(**s)).collect();
    assert!(alone.is_empty(), "nobody plays {alone:?}");
    let invented: Vec<&String> = players.keys().filter(|s| !stems.contains(s.as_str())).collect();
    assert!(invented.is_empty(), "no such recording: {invented:?}");
}

#[test]
fn the_binary_sends_what_was_recorded() {
    let wire: BTreeMap<String, Vec<Wire>> = serde_json::from_str(WIRE).expect("JSON");
    assert!(wire.len() >= 10);
    let players = players();
    let server = Serve::start(&[]);
    let mut sent: BTreeMap<String, Vec<Seen>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (stem, recorded) in &wire {
        let ids = players.get(stem).map(Vec::as_slice).unwrap_or_default();
        let fits = ids.iter().map(|id| {
            let requests = sent.entry(id.clone()).or_insert_with(|| play(&server, id));
            missing(recorded, requests).map(|what| format!("{stem} in {id}: {what}"))
        });
        let misses: Vec<Option<String>> = fits.collect();
        if misses.iter().all(Option::is_some) {
            wrong.extend(misses.into_iter().flatten());
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn play(server: &Serve, id: &str) -> Vec<Seen> {
    let recorder = Recorder::before(&server.base);
    let out = Desk::new().run_at(&recorder.base, &[id], &["--seed", "3"]);
    assert!([0, 1].contains(&out.code), "{id}: {out:?}");
    recorder.requests()
}

/// What of the recording was not sent in its order. Preparation and added reads may stand in between.
fn missing(recorded: &[Wire], sent: &[Seen]) -> Option<String> {
    let mut rest = sent.iter();
    for wire in recorded {
        if !rest.any(|seen| fits(wire, seen)) {
            let near: Vec<String> = sent
                .iter()
                .filter(|s| wire.send.starts_with(&s.method))
                .map(|s| format!("    {} {:?}", plain(s), operations(s)))
                .collect();
            return Some(format!("{wire:?} was not sent in its place. Sent by that method:\n{}", near.join("\n")));
        }
    }
    None
}

fn fits(wire: &Wire, seen: &Seen) -> bool {
    wire.send == plain(seen)
        && wire.headers.iter().all(|name| seen.header(name).is_some())
        && (wire.operations.is_empty() || wire.operations == operations(seen))
}

/// Method and target without ids and values. The encoding of everything else stays as it was sent.
fn plain(seen: &Seen) -> String {
    let id = Regex::new("(/(?:Users|Groups)/)[^/?]+").expect("a pattern");
    let value = Regex::new("%22.*?%22").expect("a pattern");
    let target = id.replace_all(&seen.target, "$1{id}");
    format!("{} {}", seen.method, value.replace_all(&target, "%22{value}%22"))
}

fn operations(seen: &Seen) -> Vec<String> {
    let body: serde_json::Value = serde_json::from_slice(&seen.body).unwrap_or_default();
    let quoted = Regex::new("\"[^\"]*\"").expect("a pattern");
    let all = body["Operations"].as_array().into_iter().flatten();
    all.map(|o| {
        let path = o["path"].as_str().unwrap_or("(no path)");
        format!("{} {}", o["op"].as_str().unwrap_or_default(), quoted.replace_all(path, "\"{value}\""))
    })
    .collect()
}
