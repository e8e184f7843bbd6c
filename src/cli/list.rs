//! `scimproof list`: what there is, as a table for people or as JSON for tools.
//!
//! Must not know where things come from: it prints what it is given; [`run`] alone asks the registries.

use super::args::{ListArgs, ListWhat};
use super::exit::Exit;
use crate::profile::idp::{self, IdpProfile};
use crate::rules::{self, Rule};
use crate::scenario::model::Scenario;
use crate::server::faults::{self, Fault};
use crate::server::persona;
use crate::server::variants::{self, Variant};
use crate::suite::{self, Suite};
use anstyle::Style;
use serde_json::{Value, json};
use std::io::{self, Write};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// Columns beyond which a first column does not push the second one.
const WIDEST: usize = 48;

/// The subcommand.
pub fn main(args: &ListArgs, providers: &[(String, String)]) -> Exit {
    super::exit::told(run(args, providers, &mut anstream::stdout()))
}

/// Prints the list that was asked for. `providers` are name and title of each service provider profile.
pub fn run(args: &ListArgs, providers: &[(String, String)], out: &mut dyn Write) -> io::Result<Exit> {
    match args.what {
        ListWhat::Rules => rules(out, &rules::catalogue().collect::<Vec<_>>(), args.json)?,
        ListWhat::Faults => faults(out, &faults::all().iter().collect::<Vec<_>>(), args.json)?,
        ListWhat::Variants => variants(out, &variants::all().iter().collect::<Vec<_>>(), args.json)?,
        ListWhat::Traits => pairs(out, "trait", &traits(), args.json)?,
        ListWhat::Scenarios => scenarios(out, &bundled_scenarios()?, args.json)?,
        ListWhat::Idps => idps(out, &idp::bundled().map_err(io::Error::other)?, args.json)?,
        ListWhat::Suites => suites(out, args.json)?,
        ListWhat::Providers => pairs(out, "service provider", providers, args.json)?,
    }
    Ok(Exit::Clean)
}

/// Every bundled scenario, loaded.
pub(super) fn bundled_scenarios() -> io::Result<Vec<Scenario>> {
    let mut all = Vec::new();
    for id in crate::scenario::bundled_ids() {
        match crate::scenario::load_bundled(id) {
            Some(Ok(scenario)) => all.push(scenario),
            Some(Err(errors)) => {
                let told: Vec<String> = errors.iter().map(|e| e.render(false)).collect();
                return Err(io::Error::other(told.join("\n")));
            }
            None => {}
        }
    }
    Ok(all)
}

/// The rules, area by area.
pub fn rules(out: &mut dyn Write, all: &[&Rule], json: bool) -> io::Result<()> {
    if json {
        let value = all.iter().map(|r| {
            json!({
                "id": r.id, "title": r.title, "level": r.level, "impact": r.impact, "spec": r.spec,
                "breaks": r.breaks, "requirements": r.requirements, "proven_by": r.proven_by, "hint": r.hint,
            })
        });
        return print_json(out, value.collect());
    }
    let rows = all.iter().map(|r| Row::new(area(r.id), r.id, Some(r.level.name()), r.title));
    table(out, "rule", &rows.collect::<Vec<_>>())
}

/// The faults of the embedded server.
pub fn faults(out: &mut dyn Write, all: &[&Fault], json: bool) -> io::Result<()> {
    if json {
        let value = all.iter().map(|f| {
            json!({
                "id": f.id, "title": f.title, "area": f.area, "source": f.source, "wrong": f.wrong, "right": f.right,
            })
        });
        return print_json(out, value.collect());
    }
    let rows = all.iter().map(|f| Row::new(f.area, f.id, None, f.title));
    table(out, "fault", &rows.collect::<Vec<_>>())
}

/// The legal variants of the embedded server.
pub fn variants(out: &mut dyn Write, all: &[&Variant], json: bool) -> io::Result<()> {
    if json {
        let value = all.iter().map(|v| json!({ "id": v.id, "title": v.title, "spec": v.spec }));
        return print_json(out, value.collect());
    }
    let rows = all.iter().map(|v| Row::new("", v.id, None, v.title));
    table(out, "variant", &rows.collect::<Vec<_>>())
}

/// What products do and no fault or variant does: id and title.
fn traits() -> Vec<(String, String)> {
    persona::all().map(|t| (t.id.to_owned(), t.title.to_owned())).collect()
}

/// The scenarios, folder by folder.
pub fn scenarios(out: &mut dyn Write, all: &[Scenario], json: bool) -> io::Result<()> {
    if json {
        let value = all.iter().map(|s| {
            let dialects: Vec<&str> = s.dialects.iter().map(|d| d.name.as_str()).collect();
            json!({
                "id": s.id, "title": s.title, "idp": s.idp, "tags": s.tags, "needs": s.needs, "evidence": s.evidence,
                "source": s.source, "dialects": dialects, "steps": s.steps.len(), "file": s.file,
            })
        });
        return print_json(out, value.collect());
    }
    let rows = all.iter().map(|s| Row::new(area(&s.id), &s.id, None, &s.title));
    table(out, "scenario", &rows.collect::<Vec<_>>())
}

/// The published test lists.
fn suites(out: &mut dyn Write, json: bool) -> io::Result<()> {
    let all: Vec<Suite> = suite::names()
        .into_iter()
        .filter_map(suite::find)
        .collect::<Result<_, _>>()
        .map_err(|e| io::Error::other(e.render(false)))?;
    if json {
        let value = all.iter().map(|s| {
            json!({ "id": s.suite, "title": s.title, "about": s.about.trim(), "source": s.source, "items": s.items.len() })
        });
        return print_json(out, value.collect());
    }
    let rows: Vec<(String, String)> =
        all.into_iter().map(|s| (s.suite, format!("{} ({} items)", s.title, s.items.len()))).collect();
    pairs(out, "suite", &rows, false)
}

/// The identity providers.
pub fn idps(out: &mut dyn Write, all: &[IdpProfile], json: bool) -> io::Result<()> {
    let pairs_of: Vec<(String, String)> = all.iter().map(|p| (p.name.clone(), p.title.clone())).collect();
    if json {
        let value = all.iter().map(|p| json!({ "id": p.name, "title": p.title, "source": p.source }));
        return print_json(out, value.collect());
    }
    pairs(out, "identity provider", &pairs_of, false)
}

/// Anything that has no more than a name and a title.
pub fn pairs(out: &mut dyn Write, noun: &str, all: &[(String, String)], json: bool) -> io::Result<()> {
    if json {
        return print_json(out, all.iter().map(|(id, title)| json!({ "id": id, "title": title })).collect());
    }
    let rows = all.iter().map(|(id, title)| Row::new("", id, None, title));
    table(out, noun, &rows.collect::<Vec<_>>())
}

struct Row<'a> {
    group: &'a str,
    id: &'a str,
    level: Option<&'a str>,
    title: &'a str,
}

impl<'a> Row<'a> {
    fn new(group: &'a str, id: &'a str, level: Option<&'a str>, title: &'a str) -> Self {
        Self { group, id, level, title }
    }
}

fn area(id: &str) -> &str {
    id.split('/').next().unwrap_or(id)
}

/// Prints rows under their headings. Rooms of the code share areas, so a heading gathers what stands apart in the catalogue.
fn table(out: &mut dyn Write, noun: &str, rows: &[Row<'_>]) -> io::Result<()> {
    let width = rows.iter().map(|r| r.id.len()).max().unwrap_or(0).min(WIDEST);
    let mut groups: Vec<&str> = Vec::new();
    for row in rows {
        if !groups.contains(&row.group) {
            groups.push(row.group);
        }
    }
    for (n, group) in groups.iter().enumerate() {
        if !group.is_empty() {
            writeln!(out, "{}{BOLD}{group}{BOLD:#}", if n == 0 { "" } else { "\n" })?;
        }
        for row in rows.iter().filter(|row| row.group == *group) {
            let level = row.level.map(|l| format!("{DIM}{l:<7}{DIM:#}")).unwrap_or_default();
            writeln!(out, "  {:<width$}  {level}{}", row.id, row.title)?;
        }
    }
    writeln!(out, "\n{DIM}{}{DIM:#}", crate::report::text::count(rows.len(), noun))
}

fn print_json(out: &mut dyn Write, all: Vec<Value>) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &all)?;
    writeln!(out)
}
