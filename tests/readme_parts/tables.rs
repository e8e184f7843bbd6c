//! The tables of README and docs/, made from the registries.

use scimproof::profile::idp;
use scimproof::rules::{self, Level, Rule};
use scimproof::scenario::model::{Action, Evidence, RequestSpec, Scenario};
use scimproof::server::{faults, variants};
use std::fmt::Write as _;

/// What identity providers do, in the order of a person's life in an app.
/// A flow and how its scenarios are told.
type Flow = (&'static str, fn(&Scenario) -> bool);

const FLOWS: &[Flow] = &[
    ("Connection, discovery", |s| tagged(s, &["connection", "discovery", "oauth", "access", "spec-test"])),
    ("Look up, create", |s| sends(s, |r| r.method == "POST" && about(r, "/Users"))),
    ("Update", |s| sends(s, |r| writes(r, "/Users") && !switches(r))),
    ("Deactivate, reactivate", |s| sends(s, |r| writes(r, "/Users") && switches(r))),
    ("Delete", |s| sends(s, |r| r.method == "DELETE" && about(r, "/Users"))),
    ("Groups: create, rename, delete", |s| {
        sends(s, |r| r.method != "GET" && about(r, "/Groups") && !mentions(r, "members"))
    }),
    ("Group members", |s| sends(s, |r| writes(r, "/Groups") && mentions(r, "members"))),
    ("Import, paging", |s| tagged(s, &["import", "paging", "resync"])),
];

pub fn scenarios() -> Vec<Scenario> {
    let load = |id: &&str| scimproof::scenario::load_bundled(id).and_then(Result::ok);
    scimproof::scenario::bundled_ids().iter().filter_map(load).collect()
}

fn tagged(scenario: &Scenario, tags: &[&str]) -> bool {
    scenario.tags.iter().any(|t| tags.contains(&t.as_str()))
}

/// True when the provider (not the preparation) sends such a request.
fn sends(scenario: &Scenario, wanted: impl Fn(&RequestSpec) -> bool) -> bool {
    scenario.steps.iter().filter(|s| !s.setup).any(|step| match &step.action {
        Action::Send(request) => wanted(request),
        Action::Parallel(requests) => requests.iter().any(&wanted),
        Action::Pause(_) => false,
    })
}

fn about(request: &RequestSpec, endpoint: &str) -> bool {
    request.target.to_string().starts_with(endpoint)
}

fn writes(request: &RequestSpec, endpoint: &str) -> bool {
    ["PUT", "PATCH"].contains(&request.method.as_str()) && about(request, endpoint)
}

fn mentions(request: &RequestSpec, word: &str) -> bool {
    format!("{:?}", request.body).contains(word)
}

/// A PATCH of `active`, or a PUT that switches off.
fn switches(request: &RequestSpec) -> bool {
    let body = format!("{:?}", request.body).to_lowercase();
    let off = body.contains("bool(false)") || body.contains("\"false\"");
    body.contains("\"active\"") && (request.method == "PATCH" || off)
}

fn mark(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Captured => "●",
        Evidence::Documented => "◐",
        Evidence::Inferred => "○",
        Evidence::Rfc => "§",
    }
}

fn word(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Captured => "captured",
        Evidence::Documented => "documented",
        Evidence::Inferred => "inferred",
        Evidence::Rfc => "RFC",
    }
}

/// The best mark of these scenarios.
fn best(found: &[&Scenario]) -> Option<&'static str> {
    [Evidence::Captured, Evidence::Documented, Evidence::Inferred, Evidence::Rfc]
        .into_iter()
        .find(|e| found.iter().any(|s| s.evidence == *e))
        .map(mark)
}

pub fn flows(all: &[Scenario]) -> String {
    let mut out = String::from("| |");
    FLOWS.iter().for_each(|(name, _)| write!(out, " {name} |").expect("memory"));
    out.push_str("\n|---|");
    FLOWS.iter().for_each(|_| out.push_str(":-:|"));
    out.push('\n');
    for profile in by_weight(all) {
        write!(out, "| **{}** |", profile.title).expect("memory");
        for (_, belongs) in FLOWS {
            let found: Vec<&Scenario> = all.iter().filter(|s| s.idp == profile.name && belongs(s)).collect();
            match best(&found) {
                Some(mark) => write!(out, " {mark} {} |", found.len()).expect("memory"),
                None => out.push_str(" |"),
            }
        }
        out.push('\n');
    }
    out
}

/// Identity providers with scenarios, the one with most first; the RFCs come last.
fn by_weight(all: &[Scenario]) -> Vec<idp::IdpProfile> {
    let mut profiles = idp::bundled().expect("bundled profiles load");
    let weight = |name: &str| all.iter().filter(|s| s.idp == name).count();
    profiles.retain(|p| weight(&p.name) > 0);
    profiles.sort_by_key(|p| (p.name == "rfc", std::cmp::Reverse(weight(&p.name)), p.title.clone()));
    profiles
}

pub fn numbers(all: &[Scenario]) -> String {
    let cases: usize = all.iter().map(|s| s.dialects.len().max(1)).sum();
    let idps = by_weight(all).iter().filter(|p| p.name != "rfc").count();
    format!(
        "{} rules · {} scenarios ({cases} cases with their dialects) of {idps} identity providers and the RFCs · \
         {} faults and {} legal variants that prove the rules",
        rules::catalogue().count(),
        all.len(),
        faults::all().len(),
        variants::all().len()
    )
}

const MADE: &str = "<!-- Made by `SCIMPROOF_UPDATE=1 cargo test --test readme`. Do not edit. -->\n";

pub fn rules_page() -> String {
    let mut out = format!("# Rules\n\n{MADE}\n{} rules. ", rules::catalogue().count());
    out.push_str(
        "`scimproof explain RULE` tells more: why, a wrong and a right exchange, what to change.\n\n\
         Levels: `must` an RFC MUST is broken · `idp` an identity provider breaks on it · `should` an RFC SHOULD is not \
         followed · `note` worth knowing. `must` and `idp` fail a run, `--strict` adds `should`. A rule with ⇄ is a point on \
         which RFC and identity provider differ: it is a note until `--idp` chooses one of those named.\n",
    );
    for (area, own) in by_area() {
        write!(out, "\n## {area}\n\n| Rule | Level | Source | What is wrong |\n|---|---|---|---|\n").expect("memory");
        for rule in own {
            writeln!(out, "| `{}` | {} | {} | {} |", rule.id, level(rule), cell(rule.spec), cell(rule.title))
                .expect("memory");
        }
    }
    out
}

/// The rules by the first part of their ids, in the order of the catalogue.
fn by_area() -> Vec<(&'static str, Vec<&'static Rule>)> {
    let mut areas: Vec<(&str, Vec<&Rule>)> = Vec::new();
    for rule in rules::catalogue() {
        let name = rule.id.split('/').next().unwrap_or_default();
        match areas.iter_mut().find(|(area, _)| *area == name) {
            Some((_, own)) => own.push(rule),
            None => areas.push((name, vec![rule])),
        }
    }
    areas
}

fn level(rule: &Rule) -> String {
    let breaks = rule.breaks.join(", ");
    match (rule.clash, rule.level) {
        (true, level) => format!("{} ⇄ {breaks}", level.name()),
        (false, Level::Idp) if !breaks.is_empty() => format!("idp ({breaks})"),
        (false, level) => level.name().to_owned(),
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

pub fn scenarios_page(all: &[Scenario]) -> String {
    let mut out = format!("# Scenarios\n\n{MADE}\n{}.\n\n", numbers(all));
    out.push_str(
        "Evidence: ● captured (recorded traffic) · ◐ documented by the provider · ○ inferred from other facts · § follows from \
         the RFCs. Each file names its sources; `scimproof explain SCENARIO` shows them and every step.\n",
    );
    for profile in by_weight(all) {
        let own: Vec<&Scenario> = all.iter().filter(|s| s.idp == profile.name).collect();
        write!(out, "\n## {}\n\n| Scenario | Evidence | Dialects | What happens |\n|---|---|---|---|\n", profile.title)
            .expect("memory");
        for s in own {
            let dialects: Vec<&str> = s.dialects.iter().map(|d| d.name.as_str()).collect();
            writeln!(
                out,
                "| [`{}`](../scenarios/{}.yaml) | {} {} | {} | {} |",
                s.id,
                s.id,
                mark(s.evidence),
                word(s.evidence),
                dialects.join(", "),
                cell(&s.title)
            )
            .expect("memory");
        }
    }
    out
}
