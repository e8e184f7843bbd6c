//! Duties of every newcomer to a registry: rules, faults, variants, identity providers and the names that scenarios use.

#[path = "support/sections.rs"]
mod sections;

use scimproof::profile::idp;
use scimproof::rules::{self, Impact, Level, Rule};
use scimproof::scenario::{self, model::Scenario};
use scimproof::server::{faults, variants};
use sections::wrong_citations;
use std::collections::BTreeSet;
use std::path::Path;

/// Says everything that is wrong at once: one run of the test is enough to repair a new rule.
fn nothing_wrong(problems: Vec<String>) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

fn each_rule(problem: impl Fn(&Rule) -> Option<String>) {
    nothing_wrong(rules::catalogue().filter_map(|r| problem(r).map(|p| format!("{}: {p}", r.id))).collect());
}

fn is_kebab(word: &str) -> bool {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    !word.is_empty() && word.split('-').all(|part| !part.is_empty() && part.chars().all(good))
}

fn twice<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    ids.filter(|id| !seen.insert(*id)).map(|id| format!("{id} is there twice")).collect()
}

fn bundled() -> Vec<Scenario> {
    let load = |id| scenario::load_bundled(id).expect("it is listed").expect("a bundled scenario loads");
    scenario::bundled_ids().into_iter().map(load).collect()
}

#[test]
fn ids_are_unique_and_say_area_and_what_is_wrong() {
    nothing_wrong(twice(rules::catalogue().map(|r| r.id)));
    each_rule(|r| {
        let good = r.id.split_once('/').is_some_and(|(area, what)| is_kebab(area) && is_kebab(what));
        (!good).then(|| "the id is no `area/what-is-wrong`".to_owned())
    });
    assert!(rules::catalogue().count() >= 100, "the catalogue is not loaded");
}

#[test]
fn every_rule_is_explained_for_a_developer() {
    let long_enough = |text: &str, least: usize| text.trim().chars().count() >= least;
    each_rule(|r| {
        let parts = [
            ("title", r.title, 10),
            ("spec", r.spec, 5),
            ("explain", r.explain, 40),
            ("hint", r.hint, 8),
            ("wrong", r.wrong, 3),
            ("right", r.right, 3),
        ];
        let short: Vec<&str> = parts.iter().filter(|(_, t, n)| !long_enough(t, *n)).map(|(name, ..)| *name).collect();
        (!short.is_empty()).then(|| format!("too short: {}", short.join(", ")))
    });
    each_rule(|r| r.title.ends_with('.').then(|| "the title ends with a full stop".to_owned()));
    each_rule(|r| (r.wrong.trim() == r.right.trim()).then(|| "wrong and right are the same".to_owned()));
}

#[test]
fn no_two_rules_say_the_same() {
    nothing_wrong(twice(rules::catalogue().map(|r| r.title)));
    nothing_wrong(twice(rules::catalogue().map(|r| r.explain)));
}

#[test]
fn sections_exist() {
    each_rule(|r| {
        let wrong = wrong_citations(r.spec);
        (!wrong.is_empty()).then(|| format!("no such place: {}", wrong.join(", ")))
    });
    // Only an RFC can say MUST and SHOULD.
    each_rule(|r| {
        let binding = matches!(r.level, Level::Must | Level::Should);
        (binding && !r.spec.contains("RFC ")).then(|| format!("{:?} without an RFC: {}", r.level, r.spec))
    });
}

#[test]
fn citations_are_read_as_meant() {
    assert_eq!(wrong_citations("RFC 7644 §3.5.2.4, §3.6; RFC 7643 §2.6"), ["RFC 7644 §3.5.2.4", "RFC 7643 §2.6"]);
    assert_eq!(wrong_citations("RFC 7644 §3.3, Table 11 (x)"), ["RFC 7644 Table 11"]);
    assert!(wrong_citations("RFC 7643 §7 (RFC 7644 §3.3 lets it); interop draft §99; RFC 9110 §15.5.2").is_empty());
}

#[test]
fn rules_name_known_identity_providers() {
    let known = idp::names();
    each_rule(|r| {
        let strange: Vec<&str> = r.breaks.iter().copied().filter(|b| !known.contains(b)).collect();
        (!strange.is_empty()).then(|| format!("`breaks` names {}", strange.join(", ")))
    });
    each_rule(|r| (r.clash && r.breaks.is_empty()).then(|| "a clash, and nobody breaks".to_owned()));
}

#[test]
fn rules_name_known_requirements() {
    let known = requirement_ids();
    each_rule(|r| {
        let strange: Vec<&str> = r.requirements.iter().copied().filter(|q| !known.contains(*q)).collect();
        (!strange.is_empty()).then(|| format!("`requirements` names {}", strange.join(", ")))
    });
    each_rule(|r| twice(r.requirements.iter().copied()).pop());
}

#[test]
fn rules_are_proven_by_known_faults() {
    let known: BTreeSet<&str> = faults::all().iter().map(|f| f.id).collect();
    each_rule(|r| r.proven_by.is_empty().then(|| "nothing proves it".to_owned()));
    each_rule(|r| {
        let strange: Vec<&str> = r.proven_by.iter().copied().filter(|f| !known.contains(f)).collect();
        (!strange.is_empty()).then(|| format!("`proven_by` names {}", strange.join(", ")))
    });
    each_rule(|r| twice(r.proven_by.iter().copied()).pop());
}

#[test]
fn faults_are_told_apart_and_told_well() {
    nothing_wrong(twice(faults::all().iter().map(|f| f.id)));
    let mut problems = Vec::new();
    for fault in faults::all() {
        if !is_kebab(fault.id) {
            problems.push(format!("{}: no kebab-case", fault.id));
        }
        let parts = [fault.title, fault.area, fault.wrong, fault.right];
        if parts.iter().any(|t| t.trim().is_empty()) || fault.hooks.is_empty() {
            problems.push(format!("{}: a part is missing", fault.id));
        }
        if fault.source.iter().any(|s| s.trim().is_empty()) {
            problems.push(format!("{}: an empty source", fault.id));
        }
        // Fault and rule are told in different words: what the server does, and what is wrong.
        if rules::catalogue().any(|r| r.title == fault.title) {
            problems.push(format!("{}: has the title of a rule", fault.id));
        }
    }
    nothing_wrong(problems);
}

#[test]
fn variants_are_told_apart_and_name_what_allows_them() {
    nothing_wrong(twice(variants::all().iter().map(|v| v.id)));
    let known = idp::names();
    let mut problems = Vec::new();
    for variant in variants::all() {
        if !is_kebab(variant.id) || variant.title.trim().is_empty() || variant.spec.trim().is_empty() {
            problems.push(format!("{}: a part is missing", variant.id));
        }
        if variant.hooks.is_empty() {
            problems.push(format!("{}: does nothing", variant.id));
        }
        problems
            .extend(wrong_citations(variant.spec).into_iter().map(|w| format!("{}: no such place: {w}", variant.id)));
        let strange = variant.breaks.iter().filter(|b| !known.contains(b));
        problems.extend(strange.map(|b| format!("{}: `breaks` names {b}", variant.id)));
    }
    let faults: BTreeSet<&str> = faults::all().iter().map(|f| f.id).collect();
    problems
        .extend(variants::all().iter().filter(|v| faults.contains(v.id)).map(|v| format!("{}: also a fault", v.id)));
    nothing_wrong(problems);
}

/// Every impact, by an exhaustive match: a new one does not compile until it is here.
fn impacts() -> Vec<Impact> {
    use Impact as I;
    let all = vec![
        I::ConnectionTestFails,
        I::LookupFails,
        I::WrongMatch,
        I::CreateFails,
        I::DuplicateCreated,
        I::UserNotFound,
        I::UpdateFails,
        I::UpdateLost,
        I::StaysActive,
        I::CannotReactivate,
        I::DataLeak,
        I::GroupPushFails,
        I::GroupDrifts,
        I::MembersLost,
        I::AccessKept,
        I::ImportFails,
        I::ImportIncomplete,
        I::RetriesForever,
        I::ClientConfused,
        I::AccessNotGuarded,
        I::None,
    ];
    let named = |impact: &Impact| match impact {
        I::ConnectionTestFails | I::LookupFails | I::WrongMatch | I::CreateFails | I::DuplicateCreated => 5,
        I::UserNotFound | I::UpdateFails | I::UpdateLost | I::StaysActive | I::CannotReactivate => 5,
        I::DataLeak | I::GroupPushFails | I::GroupDrifts | I::MembersLost | I::AccessKept => 5,
        I::ImportFails | I::ImportIncomplete | I::RetriesForever | I::ClientConfused | I::AccessNotGuarded => 5,
        I::None => 1,
    };
    let distinct: BTreeSet<Impact> = all.iter().copied().filter(|i| named(i) > 0).collect();
    assert_eq!(distinct.len(), 21);
    all
}

#[test]
fn every_identity_provider_says_what_its_admin_reads() {
    let mut problems = Vec::new();
    for profile in idp::bundled().expect("profiles load").iter().filter(|p| p.name != "rfc") {
        for impact in impacts().into_iter().filter(|i| *i != Impact::None) {
            match profile.admin.get(&impact) {
                None => problems.push(format!("{}: nothing for {impact:?}", profile.name)),
                Some(t) if t.text.trim().is_empty() => problems.push(format!("{}: {impact:?} is empty", profile.name)),
                Some(t) if !["seen", "documented", "pattern"].contains(&t.evidence.as_str()) => {
                    problems.push(format!("{}: {impact:?} has evidence `{}`", profile.name, t.evidence));
                }
                Some(_) => {}
            }
        }
        if profile.source.is_empty() {
            problems.push(format!("{}: nothing says where it is from", profile.name));
        }
    }
    nothing_wrong(problems);
}

#[test]
fn scenarios_expect_in_the_name_of_known_rules() {
    let mut problems = Vec::new();
    for scenario in bundled() {
        for step in &scenario.steps {
            let Some(expect) = &step.expect else { continue };
            if let Some(rule) = &expect.rule
                && rules::find(rule).is_none()
            {
                problems.push(format!("{} › {}: there is no rule {rule}", scenario.id, step.id));
            }
            let spec = expect.spec.as_deref().unwrap_or_default();
            let wrong = wrong_citations(spec);
            problems.extend(wrong.iter().map(|w| format!("{} › {}: no such place: {w}", scenario.id, step.id)));
        }
    }
    nothing_wrong(problems);
}

#[test]
fn scenarios_say_where_they_are_from() {
    let known = idp::names();
    let mut problems = Vec::new();
    for scenario in bundled() {
        if scenario.source.is_empty() {
            problems.push(format!("{}: no source", scenario.id));
        }
        if !known.contains(&scenario.idp.as_str()) {
            problems.push(format!("{}: nobody knows {}", scenario.id, scenario.idp));
        }
    }
    nothing_wrong(problems);
}

fn requirement_ids() -> BTreeSet<String> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/requirements.toml"))
        .expect("the ledger is in the repository");
    let file: toml::Table = toml::from_str(&text).expect("TOML");
    let all = file["requirement"].as_array().expect("a list of requirements");
    all.iter().map(|r| r["id"].as_str().expect("an id").to_owned()).collect()
}
