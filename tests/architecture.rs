//! Which room may use which: a scan of `crate::` paths against a table with a reason per row.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A room, what it may use, and why no more.
struct Row {
    room: &'static str,
    may_use: &'static [&'static str],
    because: &'static str,
}

const TABLE: &[Row] = &[
    Row { room: "scim", may_use: &[], because: "the protocol is pure semantics, used by server and shadow alike" },
    Row { room: "exchange", may_use: &[], because: "an exchange is plain data that a recording can hold, too" },
    Row {
        room: "event",
        may_use: &["rules"],
        because: "the report format knows the names of levels and impacts, and nothing else of a rule",
    },
    Row {
        room: "scenario",
        may_use: &["scim", "exchange", "rules", "profile"],
        because: "a file is checked against grammar and names; of rules it knows impact and level, of profiles the encoding",
    },
    Row {
        room: "profile",
        may_use: &["rules", "run", "scenario", "scim", "server"],
        because: "a profile maps impacts to texts and is read by the same YAML loader; a provider's profile names rules, \
                  cases by glob, and traits of the persona, and refuses names that do not exist; of the protocol it knows the URN \
                  of a user",
    },
    Row {
        room: "engine",
        may_use: &["exchange", "scenario", "scim", "profile"],
        because: "steps in, exchanges out: whoever sends must not judge",
    },
    Row {
        room: "shadow",
        may_use: &["exchange", "scim", "scenario"],
        because: "what must be true follows from exchanges alone; of scenarios it knows the names of capabilities",
    },
    Row {
        room: "rules",
        may_use: &["exchange", "scim", "shadow"],
        because: "rules cannot do I/O, so the same catalogue judges recorded traffic",
    },
    Row {
        room: "server",
        may_use: &["scim", "exchange", "profile"],
        because: "server and rules share no judgement, or both would agree on the wrong answer; a persona is read from a profile",
    },
    Row {
        room: "report",
        may_use: &["event", "rules", "exchange"],
        because: "a report only listens; of rules it knows level and impact, of exchanges the text helpers",
    },
    Row {
        room: "suite",
        may_use: &["event", "scenario"],
        because: "a published list is data read by the scenario loader; what it says of a run follows from the report alone",
    },
    Row {
        room: "run",
        may_use: &["engine", "event", "exchange", "profile", "report", "rules", "scenario", "scim", "shadow"],
        because: "the one place where they all meet; of reports it uses the redactor, so that no secret enters an event",
    },
    Row {
        room: "record",
        may_use: &["exchange", "scenario", "scim", "engine", "profile", "report"],
        because: "traffic becomes a scenario; nothing is judged on the way: `run::offline` judges exchanges, whoever recorded them",
    },
    Row {
        room: "diagnose",
        may_use: &["run", "rules", "scenario", "engine", "event", "exchange", "report"],
        because: "a log entry becomes likely causes, and the run plays the scenarios that tell them apart; of reports it \
                  uses the redactor",
    },
];

/// Parts of a room that another may use, and nothing else of it.
const ONLY: &[(&str, &str, &[&str])] = &[
    ("event", "rules", &["Impact", "Level"]),
    ("report", "rules", &["Impact", "Level", "rule"]),
    ("scenario", "rules", &["Impact", "Level"]),
    ("scenario", "profile", &["idp"]),
    ("profile", "rules", &["Impact", "Level", "catalogue", "find"]),
    ("profile", "scenario", &["LoadError", "bundled", "load_data", "scenario", "model"]),
    ("engine", "profile", &["idp", "IdpProfile", "Encoding", "ExternalId"]),
    ("shadow", "scenario", &["model"]),
    ("run", "report", &["redact"]),
    ("record", "report", &["redact"]),
    ("record", "profile", &["idp"]),
    ("record", "scenario", &["load", "load_data", "template"]),
    ("diagnose", "report", &["redact"]),
];

/// What only the command line may touch.
const WORLD: &[(&str, &str)] = &[
    ("std::env::var", "environment"),
    ("std::env::args", "arguments"),
    ("std::env::current_dir", "the current folder"),
    ("env::var", "environment"),
    ("process::exit", "exit status"),
    ("println!", "standard output"),
    ("print!", "standard output"),
    ("dbg!", "standard error"),
];

/// Lines of a file with their numbers.
type Lines = Vec<(usize, String)>;

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a folder of the repository").map(|e| e.expect("an entry").path()) {
        if entry.is_dir() {
            files(&entry, out);
        } else if entry.extension().is_some_and(|e| e == "rs") {
            out.push(entry);
        }
    }
}

/// Room, file name for messages, and code lines with their numbers: no comments, no unit tests.
fn code() -> Vec<(String, String, Lines)> {
    let mut all = Vec::new();
    files(&src(), &mut all);
    all.sort();
    all.into_iter()
        .filter(|f| !f.components().any(|c| c.as_os_str() == "tests") && !f.ends_with("tests.rs"))
        .map(|f| {
            let name = f.strip_prefix(src()).expect("below src").to_string_lossy().replace('\\', "/");
            let room = name.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned();
            let text = fs::read_to_string(&f).expect("a source file");
            (room, name, code_lines(&text))
        })
        .collect()
}

fn code_lines(text: &str) -> Lines {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
        .map(|(n, line)| (n + 1, line.split("//").next().unwrap_or_default().to_owned()))
        .filter(|(_, line)| !line.trim().is_empty())
        .collect()
}

/// Every `crate::room` in the lines, with the name behind it where there is one.
fn uses(lines: &[(usize, String)]) -> Vec<(usize, String, Vec<String>)> {
    let mut found = Vec::new();
    for (n, line) in lines {
        for part in line.split("crate::").skip(1) {
            let room: String = part.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            let rest = part[room.len()..].strip_prefix("::").unwrap_or_default();
            let names: Vec<String> = match rest.strip_prefix('{') {
                Some(list) => list.split(['}', ';']).next().unwrap_or_default().split(',').map(first_word).collect(),
                None => vec![first_word(rest)],
            };
            let names = names.into_iter().filter(|n| !n.is_empty() && n != "self").collect();
            if !room.is_empty() {
                found.push((*n, room, names));
            }
        }
    }
    found
}

fn first_word(text: &str) -> String {
    text.trim().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

#[test]
fn rooms_use_only_what_the_table_allows() {
    let table: BTreeMap<&str, &Row> = TABLE.iter().map(|r| (r.room, r)).collect();
    let mut wrong = BTreeSet::new();
    for (room, file, lines) in code() {
        let Some(row) = table.get(room.as_str()) else { continue };
        for (n, used, names) in uses(&lines) {
            if used == room {
                continue;
            }
            if !row.may_use.contains(&used.as_str()) {
                wrong.insert(format!("src/{file}:{n}: {room} must not use {used}: {}", row.because));
                continue;
            }
            let Some((.., only)) = ONLY.iter().find(|(a, b, _)| *a == room && *b == used) else { continue };
            let strange: Vec<&String> = names.iter().filter(|n| !only.contains(&n.as_str())).collect();
            if !strange.is_empty() {
                wrong.insert(format!("src/{file}:{n}: {room} uses {strange:?} of {used}; allowed are {only:?}"));
            }
        }
    }
    let wrong: Vec<String> = wrong.into_iter().collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_room_is_in_the_table() {
    let rooms: BTreeSet<String> = code().into_iter().map(|(room, ..)| room).collect();
    let known: BTreeSet<&str> = TABLE.iter().map(|r| r.room).chain(["cli", "lib", "main"]).collect();
    let new: Vec<&String> = rooms.iter().filter(|r| !known.contains(r.as_str())).collect();
    assert!(new.is_empty(), "give these rooms a row with a reason: {new:?}");
    for row in TABLE {
        assert!(row.may_use.iter().all(|u| *u != "cli" && *u != row.room), "nobody uses the command line");
        assert!(row.because.len() > 20);
    }
}

#[test]
fn only_the_command_line_touches_the_world() {
    let mut wrong = Vec::new();
    for (room, file, lines) in code() {
        // `main.rs` is three lines, and one of them returns the status.
        if room == "cli" || room == "main" {
            continue;
        }
        for (n, line) in lines {
            let touched = WORLD.iter().find(|(call, _)| has_call(&line, call));
            wrong.extend(touched.map(|(call, what)| format!("src/{file}:{n}: `{call}` ({what}) belongs to cli")));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The call, and not the end of a longer name.
fn has_call(line: &str, call: &str) -> bool {
    line.match_indices(call).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

#[test]
fn rules_and_protocol_are_pure() {
    let mut wrong = Vec::new();
    for (room, file, lines) in code() {
        if !["rules", "scim", "shadow", "scenario", "profile"].contains(&room.as_str()) {
            continue;
        }
        for (n, line) in lines {
            for call in ["std::fs", "std::net", "reqwest", "tokio", "SystemTime::now", "now_utc", "Instant::now"] {
                if has_call(&line, call) {
                    wrong.push(format!("src/{file}:{n}: `{call}` in {room}: it sees data and returns data"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn modules_say_what_they_are_for() {
    let mut all = Vec::new();
    files(&src(), &mut all);
    let dumb: Vec<String> = all
        .iter()
        .filter(|f| !f.components().any(|c| c.as_os_str() == "tests"))
        .filter(|f| !fs::read_to_string(f).expect("a source file").starts_with("//!"))
        .map(|f| f.display().to_string())
        .collect();
    assert!(dumb.is_empty(), "no module text: {dumb:?}");
}

#[test]
fn paths_are_read_as_meant() {
    let lines =
        code_lines("use crate::rules::{Impact, Level as L};\nlet x = crate::scim::path::parse(a); // crate::cli\n");
    let found = uses(&lines);
    let flat: Vec<(usize, &str, Vec<&str>)> =
        found.iter().map(|(n, room, names)| (*n, room.as_str(), names.iter().map(String::as_str).collect())).collect();
    assert_eq!(flat, [(1, "rules", vec!["Impact", "Level"]), (2, "scim", vec!["path"])]);
    assert!(has_call("  println!(\"x\")", "println!") && !has_call("eprintln!()", "println!"));
}
