//! `docs/requirements.toml`: every requirement is provoked and judged, or the file says why not.

#[path = "support/sections.rs"]
mod sections;

use scimproof::rules;
use scimproof::scenario::{self, model::Scenario};
use sections::wrong_citations;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Sections of the two RFCs in which a sentence with MUST, SHALL, SHOULD or REQUIRED binds a service provider or what it sends.
/// Left out: how the texts are to be read, and what binds registries.
const BINDING: [(&str, &str); 2] = [
    ("7643", "1.2 2.1 2.2 2.3 2.3.4 2.3.5 2.3.6 2.3.7 2.3.8 2.4 2.5 3 3.1 3.3 4.1.1 4.1.2 4.2 5 6 7 8.7.1 8.7.2 9.2"),
    (
        "7644",
        "1.3 2 2.1 3.1 3.2 3.3 3.3.1 3.4.2 3.4.2.1 3.4.2.2 3.4.2.3 3.4.2.4 3.4.2.5 3.4.3 3.5 3.5.1 3.5.2 3.5.2.1 3.5.2.2 \
         3.5.2.3 3.6 3.7 3.7.1 3.7.2 3.7.3 3.7.4 3.8 3.9 3.10 3.11 3.12 3.13 3.14 4 5 7.1 7.2 7.3 7.4 7.5.1 7.5.2 7.7 7.8 8.1",
    ),
];

const LEVELS: [&str; 6] = ["must", "should", "may", "rec", "profile", "idp:"];
const KEYS: [&str; 10] = [
    "id",
    "section",
    "level",
    "words",
    "scenarios",
    "rules",
    "expected_by",
    "covered_by",
    "not_judged",
    "not_observable",
];

struct Entry(toml::Table);

impl Entry {
    fn text(&self, key: &str) -> &str {
        self.0.get(key).and_then(toml::Value::as_str).unwrap_or_default()
    }

    fn list(&self, key: &str) -> Vec<&str> {
        let all = self.0.get(key).and_then(toml::Value::as_array).map(Vec::as_slice).unwrap_or_default();
        all.iter().map(|v| v.as_str().unwrap_or("?")).collect()
    }

    fn id(&self) -> &str {
        self.text("id")
    }
}

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/requirements.toml")
}

fn entries() -> Vec<Entry> {
    let text = std::fs::read_to_string(file()).expect("the ledger is in the repository");
    let mut table: toml::Table = toml::from_str(&text).expect("TOML");
    let Some(toml::Value::Array(all)) = table.remove("requirement") else { panic!("no list of requirements") };
    assert!(all.len() >= 566, "requirements were lost");
    all.into_iter().map(|v| Entry(v.as_table().expect("a table").clone())).collect()
}

fn each(problem: impl Fn(&Entry) -> Option<String>) {
    let problems: Vec<String> =
        entries().iter().filter_map(|e| problem(e).map(|p| format!("{}: {p}", e.id()))).collect();
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

fn some(list: Vec<String>, words: &str) -> Option<String> {
    (!list.is_empty()).then(|| format!("{words}: {}", list.join(", ")))
}

/// Requirement → rules that name it, in the order of the catalogue.
fn rules_by_requirement() -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for rule in rules::catalogue() {
        for requirement in rule.requirements {
            by.entry(requirement).or_default().push(rule.id);
        }
    }
    by
}

#[test]
fn entries_are_complete() {
    let mut seen = BTreeSet::new();
    let twice: Vec<String> =
        entries().iter().map(|e| e.id().to_owned()).filter(|id| !seen.insert(id.clone())).collect();
    assert!(twice.is_empty(), "twice: {twice:?}");
    each(|e| {
        let missing = ["id", "section", "level", "words"].into_iter().filter(|k| e.text(k).trim().is_empty());
        some(missing.map(str::to_owned).collect(), "missing")
    });
    each(|e| some(e.0.keys().filter(|k| !KEYS.contains(&k.as_str())).cloned().collect(), "unknown keys"));
    each(|e| {
        let level = e.text("level");
        let known = LEVELS.iter().any(|l| if l.ends_with(':') { level.starts_with(l) } else { level == *l });
        (!known).then(|| format!("level {level}"))
    });
}

#[test]
fn sections_exist() {
    each(|e| some(wrong_citations(e.text("section")), "no such place"));
    each(|e| {
        let binding = e.text("level") == "must";
        (binding && !e.text("section").contains("RFC "))
            .then(|| format!("a must without an RFC: {}", e.text("section")))
    });
}

#[test]
fn every_requirement_is_provoked_or_cannot_be() {
    let known: BTreeSet<&str> = scenario::bundled_ids().into_iter().collect();
    each(|e| {
        some(
            e.list("scenarios").into_iter().filter(|s| !known.contains(s)).map(str::to_owned).collect(),
            "no such scenario",
        )
    });
    each(|e| {
        let hidden = !e.text("not_observable").is_empty();
        (hidden != e.list("scenarios").is_empty()).then(|| "either scenarios or not_observable".to_owned())
    });
}

#[test]
fn no_line_is_open() {
    each(|e| {
        let mut judged: Vec<&str> =
            ["rules", "expected_by", "covered_by"].into_iter().filter(|k| !e.list(k).is_empty()).collect();
        let excused: Vec<&str> =
            ["not_judged", "not_observable"].into_iter().filter(|k| !e.text(k).is_empty()).collect();
        if judged.is_empty() && excused.is_empty() {
            return Some("nobody judges it, and nothing says why".to_owned());
        }
        judged.extend(&excused);
        (!excused.is_empty() && judged.len() > 1).then(|| format!("contradicts itself: {}", judged.join(" and ")))
    });
    // A reason is a sentence that somebody can disagree with.
    each(|e| {
        let short =
            ["not_judged", "not_observable"].into_iter().filter(|k| e.0.contains_key(*k) && e.text(k).len() < 20);
        some(short.map(str::to_owned).collect(), "no reason")
    });
}

#[test]
fn judges_exist() {
    each(|e| {
        let named = e.list("rules").into_iter().chain(e.list("covered_by"));
        some(named.filter(|r| rules::find(r).is_none()).map(str::to_owned).collect(), "no such rule")
    });
    let mut loaded: BTreeMap<String, Scenario> = BTreeMap::new();
    for entry in entries() {
        for place in entry.list("expected_by") {
            let (id, step) =
                place.split_once('#').unwrap_or_else(|| panic!("{}: {place} is no scenario#step", entry.id()));
            let scenario = loaded.entry(id.to_owned()).or_insert_with(|| {
                scenario::load_bundled(id)
                    .unwrap_or_else(|| panic!("{}: no scenario {id}", entry.id()))
                    .expect("it loads")
            });
            let expects = scenario.steps.iter().any(|s| s.id == step && s.expect.is_some());
            assert!(expects, "{}: {id} has no step {step} that expects something", entry.id());
        }
    }
}

/// The RFC sections that a text cites, read from left to right; `;` ends what a bare `§` refers to.
fn citations(text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for part in text.split(';') {
        let mut rfc = "";
        for word in part.split([' ', ',', '(', ')']) {
            match word.strip_prefix('§') {
                Some(section) if !rfc.is_empty() => {
                    out.push((rfc.to_owned(), section.trim_end_matches('.').to_owned()))
                }
                _ if ["7643", "7644"].contains(&word) => rfc = if word == "7643" { "7643" } else { "7644" },
                _ => {}
            }
        }
    }
    out
}

#[test]
fn every_binding_section_has_a_line() {
    let cited: BTreeSet<(String, String)> = entries().iter().flat_map(|e| citations(e.text("section"))).collect();
    let lost: Vec<String> = BINDING
        .iter()
        .flat_map(|(rfc, sections)| sections.split_whitespace().map(move |s| ((*rfc).to_owned(), s.to_owned())))
        .filter(|place| !cited.contains(place))
        .map(|(rfc, section)| format!("RFC {rfc} §{section}"))
        .collect();
    assert!(lost.is_empty(), "no requirement cites {}", lost.join(", "));
}

#[test]
fn rules_are_those_of_the_catalogue() {
    let text = std::fs::read_to_string(file()).expect("the ledger is in the repository");
    let written = with_rules(&text, &rules_by_requirement());
    if std::env::var_os("SCIMPROOF_UPDATE").is_some() {
        std::fs::write(file(), written).expect("written");
        return;
    }
    let different = text.lines().zip(written.lines()).find(|(a, b)| a != b);
    if let Some((old, new)) = different {
        panic!("SCIMPROOF_UPDATE=1 cargo test --test ledger writes it anew; the first difference:\n{old}\n{new}");
    }
}

/// The same text with every `rules = […]` written anew. Comments and order stay.
fn with_rules(text: &str, by: &BTreeMap<&str, Vec<&str>>) -> String {
    let mut out = String::new();
    let mut id = "";
    let mut skip = false;
    for line in text.lines() {
        if let Some(quoted) = line.strip_prefix("id = ") {
            id = quoted.trim_matches('"');
        }
        if std::mem::take(&mut skip) {
            skip = line != "]";
            continue;
        }
        if let Some(rest) = line.strip_prefix("rules = ") {
            // A list of several lines is replaced, too.
            skip = !rest.ends_with(']');
            let all: Vec<String> = by.get(id).into_iter().flatten().map(|r| format!("\"{r}\"")).collect();
            let _ = writeln!(out, "rules = [{}]", all.join(", "));
        } else {
            let _ = writeln!(out, "{line}");
        }
    }
    out
}

/// How many requirements each area has, and what becomes of them: the table in `docs/how-it-judges.md`.
#[test]
fn the_counts_are_those_of_the_page() {
    let rows = counts();
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/how-it-judges.md");
    let page = std::fs::read_to_string(&path).expect("the page is in the repository");
    let (open, close) = ("<!-- made: areas -->\n", "<!-- end: areas -->");
    let start = page.find(open).expect("its mark") + open.len();
    let end = start + page[start..].find(close).expect("its mark");
    if std::env::var_os("SCIMPROOF_UPDATE").is_some() {
        std::fs::write(path, [&page[..start], &rows, &page[end..]].concat()).expect("written");
        return;
    }
    assert_eq!(page[start..end], rows, "SCIMPROOF_UPDATE=1 cargo test --test ledger");
}

fn counts() -> String {
    let by_id: BTreeMap<String, Entry> = entries().into_iter().map(|e| (e.id().to_owned(), e)).collect();
    let mut areas: Vec<(String, [usize; 5])> = Vec::new();
    let text = std::fs::read_to_string(file()).expect("the ledger is in the repository");
    // What stands before the first requirement is about the file.
    let from = text.find("\n\n# ").expect("an area");
    for line in text[from..].lines() {
        if let Some(area) = line.strip_prefix("# ") {
            areas.push((area.to_owned(), [0; 5]));
        } else if let Some(id) = line.strip_prefix("id = ") {
            let (_, count) = areas.last_mut().expect("an area comes first");
            count[0] += 1;
            count[becomes(&by_id[id.trim_matches('"')])] += 1;
        }
    }
    let total = areas.iter().fold([0; 5], |sum, (_, count)| std::array::from_fn(|n| sum[n] + count[n]));
    areas.push(("**All**".to_owned(), total));
    let mut out = String::from(
        "| Area | Requirements | A rule judges | A step of a scenario expects it | Provoked, no verdict due | Not visible over HTTP |\n",
    );
    out += "|---|--:|--:|--:|--:|--:|\n";
    for (area, count) in areas {
        let _ = writeln!(out, "| {area} | {} |", count.map(|n| n.to_string()).join(" | "));
    }
    out
}

/// Its column: who judges it first, in the order in which the file's head names them.
fn becomes(entry: &Entry) -> usize {
    if !entry.list("rules").is_empty() || !entry.list("covered_by").is_empty() {
        1
    } else if !entry.list("expected_by").is_empty() {
        2
    } else if !entry.text("not_judged").is_empty() {
        3
    } else {
        4
    }
}
