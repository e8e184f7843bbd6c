//! What was recorded from identity providers is what the binary sends, placeholders aside. The recordings themselves are not in
//! the repository: `bad/captures.txt` says what was sent in each.

#[path = "support/recordings.rs"]
mod recordings;
#[path = "support/tool.rs"]
mod tool;
#[path = "support/wire.rs"]
mod wire;

use recordings::FILE;
use scimproof::scenario;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tool::{Desk, Recorder, Seen, Serve};
use wire::{Known, Recorded, Wire};

/// What one case sends of the provider's own: no preparation, no added reads.
type Conversation = Vec<(Seen, Wire)>;

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
    let (players, recordings) = (players(), recordings::all());
    let stems: BTreeSet<&String> = recordings.keys().collect();
    assert!(stems.len() >= 72, "recordings were lost");
    let played: BTreeSet<&String> = players.keys().collect();
    let alone: Vec<_> = stems.difference(&played).collect();
    assert!(alone.is_empty(), "nobody plays {alone:?}");
    let invented: Vec<_> = played.difference(&stems).collect();
    assert!(invented.is_empty(), "no such recording: {invented:?}");
}

#[test]
fn the_binary_sends_what_was_recorded() {
    let (players, recordings) = (players(), recordings::all());
    let sent = play(players.values().flatten().collect());
    let wrong: Vec<String> =
        recordings.iter().filter_map(|(stem, recorded)| missing(stem, recorded, &players[stem], &sent)).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Plays them all, one after the other, and parts the requests by scenario and case.
fn play(ids: BTreeSet<&String>) -> BTreeMap<String, Vec<Conversation>> {
    let server = Serve::start(&[]);
    let recorder = Recorder::before(&server.base);
    let desk = Desk::new();
    let ids: Vec<&str> = ids.into_iter().map(String::as_str).collect();
    let out = desk.run_at(&recorder.base, &ids, &["--seed", "3", "--jobs", "1", "--json", "report.json"]);
    assert_eq!(out.code, 0, "{out:?}");
    let mut tape = Tape { requests: recorder.requests().into_iter().map(Some).collect(), next: 0 };
    let mut played: BTreeMap<String, Vec<Conversation>> = BTreeMap::new();
    for case in desk.json("report.json")["cases"].as_array().expect("cases") {
        let id = case["scenario"].as_str().expect("an id");
        let own = own_steps(id);
        let mut conversation = Conversation::new();
        for step in case["steps"].as_array().expect("steps").iter().filter(|s| s["request"].is_object()) {
            let seen = tape.take(&step["request"], &recorder.base);
            if own.contains(step["id"].as_str().expect("an id")) {
                let wire = Wire::of(&seen.method, &seen.target, &seen.body);
                conversation.push((seen, wire));
            }
        }
        played.entry(id.to_owned()).or_default().push(conversation);
    }
    played
}

/// All that was sent. The report leaves out some of it, such as later rounds of a crowd.
struct Tape {
    requests: Vec<Option<Seen>>,
    next: usize,
}

impl Tape {
    /// The bytes of a request of the report: the next such one, or else one that arrived earlier because it was sent side by side.
    fn take(&mut self, reported: &Value, base: &str) -> Seen {
        let target = reported["url"].as_str().and_then(|url| url.strip_prefix(base)).expect("below the base");
        let same = |r: &Seen| reported["method"] == r.method.as_str() && r.target == target;
        let found = |(at, request): (usize, &Option<Seen>)| request.as_ref().is_some_and(same).then_some(at);
        let ahead = self.requests.iter().enumerate().skip(self.next).find_map(found);
        let at = ahead.or_else(|| self.requests.iter().enumerate().find_map(found));
        let at = at.unwrap_or_else(|| panic!("{reported} was reported and not sent"));
        self.next = self.next.max(at + 1);
        self.requests[at].take().expect("it was found")
    }
}

/// Ids of the steps that the provider sends. What scimproof adds by itself has others.
fn own_steps(id: &str) -> BTreeSet<String> {
    let scenario = scenario::load_bundled(id).expect("it is listed").expect("it loads");
    scenario.steps.into_iter().filter(|s| !s.setup).map(|s| s.id).collect()
}

/// What of the recording no case sent in its order.
fn missing(
    stem: &str,
    recorded: &[Recorded],
    ids: &[String],
    sent: &BTreeMap<String, Vec<Conversation>>,
) -> Option<String> {
    let cases = ids.iter().flat_map(|id| sent[id].iter().map(move |case| (id, case)));
    let found = cases.map(|(id, case)| (played(recorded, case, &Known::new()), id, case));
    let (count, id, case) = found.max_by_key(|(count, ..)| *count)?;
    let wanted = recorded.get(count)?;
    let near: Vec<String> = case.iter().map(|(_, wire)| format!("    {}", wire.text)).collect();
    Some(format!("{stem} in {id}: {wanted:?} was not sent in its place, but\n{}", near.join("\n")))
}

/// How many of the requests were sent, one after the other. Others may stand in between.
fn played(recorded: &[Recorded], sent: &[(Seen, Wire)], known: &Known) -> usize {
    let Some((first, rest)) = recorded.split_first() else { return 0 };
    let fitting = sent.iter().enumerate().filter_map(|(at, (seen, wire))| Some((at, first.fits(seen, wire, known)?)));
    fitting.map(|(at, known)| 1 + played(rest, &sent[at + 1..], &known)).max().unwrap_or(0)
}

/// Only where the recordings are: `SCIMPROOF_CAPTURES` names the folder.
#[test]
fn the_list_is_that_of_the_recordings() {
    let Some(folder) = std::env::var_os("SCIMPROOF_CAPTURES") else { return };
    let derived = recordings::derived(folder.as_ref());
    if std::env::var_os("SCIMPROOF_UPDATE").is_some() {
        std::fs::write(FILE, &derived).expect("written");
    }
    assert_eq!(derived, std::fs::read_to_string(FILE).expect("the list is there"), "SCIMPROOF_UPDATE=1 writes it anew");
}
