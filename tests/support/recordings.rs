//! `bad/captures.txt`: what identity providers were recorded to send, in a form of our own.

use super::wire::{Recorded, Wire, without_token};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

pub const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bad/captures.txt");

const HEAD: &str = "\
# What identity providers were recorded to send. Made from recordings by
# `SCIMPROOF_UPDATE=1 SCIMPROOF_CAPTURES=FOLDER cargo test --test captures`.
# A letter stands for the headers after its `=`. ~1, ~2 … are ids, names and hosts, the same number for the same value within a
# recording; what is encoded in a value stands behind it in brackets. A line with `!` says what is not compared here, and why.
";

/// Why a request to another address than the SCIM endpoint is not compared.
const TOKEN_REQUEST: &str =
    "! a token request: the engine makes it, not a scenario; tests/signin.rs looks at form and credentials";

/// Recordings whose requests are about resources of their own here, and why.
const APART: (&str, &str) = (
    "scim11-official",
    "! each request has numbers of its own: a 2.0 server turns these creates down, so what follows is about prepared resources",
);

/// The requests of each recording, by its name.
pub fn all() -> BTreeMap<String, Vec<Recorded>> {
    let text = fs::read_to_string(FILE).expect("the list is there");
    let mut headers: BTreeMap<&str, Vec<(String, String)>> = BTreeMap::new();
    let mut all: BTreeMap<String, Vec<Recorded>> = BTreeMap::new();
    let mut name = "";
    for line in text.lines().filter(|l| !l.is_empty() && !l.starts_with(['#', '!'])) {
        match line.split_once(' ') {
            None => {
                name = line;
                all.insert(name.to_owned(), Vec::new());
            }
            Some((letter, rest)) => match rest.strip_prefix("= ") {
                Some(list) => {
                    let pairs = list.split(" | ").filter_map(|h| h.split_once(": "));
                    headers.insert(letter, pairs.map(|(n, v)| (n.to_owned(), v.to_owned())).collect());
                }
                None => {
                    let recording = all.get_mut(name).expect("requests stand below a name");
                    recording.push(Recorded::parse(rest, headers[letter].clone()));
                }
            },
        }
    }
    all
}

/// The text of the file, from the recordings in the folders of a folder.
pub fn derived(folder: &Path) -> String {
    let mut headers: Vec<String> = Vec::new();
    let mut body = String::new();
    for path in files(folder) {
        let recording: Value = serde_json::from_slice(&fs::read(&path).expect("readable")).expect("JSON");
        let Some(steps) = recording["requests"].as_array().or(recording["steps"].as_array()) else { continue };
        let name = path.file_stem().expect("a name").to_string_lossy();
        writeln!(body, "\n{name}").expect("written");
        let apart = name == APART.0;
        if apart {
            writeln!(body, "{}", APART.1).expect("written");
        }
        let mut values: Vec<String> = Vec::new();
        for request in steps.iter().map(|s| s.get("request").unwrap_or(s)) {
            let from = if apart { values.len() } else { 0 };
            body.push_str(&line(request, &mut headers, &mut values, from));
        }
    }
    let letters = headers.iter().enumerate().map(|(n, list)| format!("{} = {list}\n", letter(n)));
    format!("{HEAD}{}{body}", letters.collect::<String>())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let within = |dir: &Path| fs::read_dir(dir).expect("a folder").map(|e| e.expect("an entry").path());
    let folders = within(folder).filter(|p| p.to_string_lossy().ends_with("-captures"));
    let mut all: Vec<PathBuf> =
        folders.flat_map(|dir| within(&dir)).filter(|p| p.extension().is_some_and(|e| e == "json")).collect();
    all.sort();
    all
}

/// A request with numbers for its values; those from `from` on may be the same.
fn line(request: &Value, headers: &mut Vec<String>, values: &mut Vec<String>, from: usize) -> String {
    let text = |key: &str| request[key].as_str().unwrap_or_default();
    if !text("path").starts_with('/') {
        return format!("{TOKEN_REQUEST}\n");
    }
    let target = [text("path"), text("query")].into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join("?");
    let body = request.get("body").map(Value::to_string).unwrap_or_default();
    let mut wire = Wire::of(text("method"), &target, body.as_bytes());
    for value in wire.values {
        let number = place(values, value, from) + 1;
        // A mark in between, so that the first `~` left is the next.
        wire.text = wire.text.replacen('~', &format!("\u{0}{number}"), 1);
    }
    let list: Vec<String> = request["headers"].as_object().into_iter().flatten().map(named).collect();
    let letter = letter(place(headers, list.join(" | "), 0));
    format!("{letter} {}\n", wire.text.replace('\u{0}', "~"))
}

/// Where it is in the list, from `from` on; it is added if need be.
fn place(list: &mut Vec<String>, one: String, from: usize) -> usize {
    list.iter().skip(from).position(|known| *known == one).map_or_else(
        || {
            list.push(one);
            list.len() - 1
        },
        |at| at + from,
    )
}

fn named((name, value): (&String, &Value)) -> String {
    format!("{name}: {}", without_token(value.as_str().unwrap_or_default()))
}

fn letter(number: usize) -> char {
    char::from(b'a' + u8::try_from(number).expect("few"))
}
