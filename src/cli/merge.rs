//! `scimproof merge` and `scimproof compare`: several JSON reports into one, and two held against each other.
//!
//! Must not judge anew: levels, reasons and outcomes are those of the reports.

use super::exit::Exit;
use crate::event::{FindingReport, RunReport};
use crate::report::{self, json, lookup::PLACE_SEPARATOR, text};
use crate::run::baseline::{count, scenarios_of};
use crate::suite;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// `scimproof merge`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Example:\n  scimproof merge shard-1.json shard-2.json --json all.json --junit all.xml")]
pub struct MergeArgs {
    /// JSON reports of the shards
    #[arg(required = true, value_name = "REPORT")]
    pub reports: Vec<PathBuf>,
    /// The merged report as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// The merged report as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// The merged report as HTML
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// The merged report as Markdown
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
}

/// `scimproof compare`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Exit status: 0 nothing new fails, 1 something new fails, 2 a report cannot be read.")]
pub struct CompareArgs {
    /// JSON report from before
    #[arg(value_name = "BEFORE")]
    pub before: PathBuf,
    /// JSON report from after
    #[arg(value_name = "AFTER")]
    pub after: PathBuf,
    /// The comparison as JSON, for tools
    #[arg(long)]
    pub json: bool,
}

/// `scimproof merge`.
pub fn main_merge(args: &MergeArgs) -> Exit {
    super::exit::told(run_merge(args, &mut anstream::stdout()))
}

/// `scimproof compare`.
pub fn main_compare(args: &CompareArgs) -> Exit {
    super::exit::told(run_compare(args, &mut anstream::stdout()))
}

/// Merges and writes; the exit status is that of the merged run.
pub fn run_merge(args: &MergeArgs, out: &mut dyn Write) -> io::Result<Exit> {
    let reports = args.reports.iter().map(|p| read(p)).collect::<io::Result<Vec<_>>>()?;
    let merged = merge(reports).map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))?;
    let files = [("json", &args.json), ("junit", &args.junit), ("html", &args.html), ("markdown", &args.markdown)];
    for (name, path) in files {
        if let (Some(path), Some(format)) = (path, report::format(name)) {
            report::write_file(path, |w| (format.write)(&merged, w))?;
        }
    }
    writeln!(out, "{}", report::terminal::summary_line(&merged.summary))?;
    Ok(Exit::of(&merged))
}

/// Compares and prints; 1 when something fails that did not fail before.
pub fn run_compare(args: &CompareArgs, out: &mut dyn Write) -> io::Result<Exit> {
    let difference = compare(&read(&args.before)?, &read(&args.after)?);
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &difference)?;
        writeln!(out)?;
    } else {
        print(&difference, out)?;
    }
    Ok(if difference.new.iter().any(|d| d.fails) { Exit::Findings } else { Exit::Clean })
}

fn read(path: &Path) -> io::Result<RunReport> {
    let named = |why: String| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|e| named(e.to_string()))?;
    json::read(&text).map_err(|e| named(e.to_string()))
}

/// Why reports do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// No report at all.
    #[error("there is no report to merge")]
    Nothing,
    /// Reports of different servers.
    #[error("the reports are about different servers: {0} and {1}")]
    Targets(String, String),
    /// The same case twice: overlapping shards, or the same file twice.
    #[error("`{0}` is in two of the reports: are these shards of one run?")]
    Twice(String),
}

/// One report from the shards of one run.
pub fn merge(reports: Vec<RunReport>) -> Result<RunReport, MergeError> {
    let mut all = reports.into_iter();
    let mut merged = all.next().ok_or(MergeError::Nothing)?;
    let mut seen: std::collections::HashSet<(String, String)> =
        merged.cases.iter().map(|c| (c.name(), c.idp.clone())).collect();
    for next in all {
        // The embedded server has another port in each shard.
        if next.target.base_url != merged.target.base_url && !(next.target.embedded && merged.target.embedded) {
            return Err(MergeError::Targets(merged.target.base_url, next.target.base_url));
        }
        for case in &next.cases {
            if !seen.insert((case.name(), case.idp.clone())) {
                return Err(MergeError::Twice(case.name()));
            }
        }
        join(&mut merged, next);
    }
    // Shards are dealt out in turn, so the order of selection is lost; by name is the same whatever the number of shards.
    merged.cases.sort_by_key(|c| (c.idp.clone(), c.name()));
    merged.findings.sort_by_key(|f| (!f.fails, f.level));
    let (duration_ms, requests) = (merged.summary.duration_ms, merged.summary.requests);
    count(&mut merged);
    merged.summary.duration_ms = duration_ms;
    merged.summary.requests = requests;
    renew_sheet(&mut merged);
    merged.outlook = crate::run::outlook::outlook(&merged);
    merged.job.iter_mut().for_each(crate::run::job::decide);
    Ok(merged)
}

/// An item may be shown by cases of several shards.
fn renew_sheet(merged: &mut RunReport) {
    let name = merged.sheet.as_ref().map(|s| s.suite.clone());
    if let Some(Ok(suite)) = name.and_then(|name| suite::find(&name)) {
        merged.sheet = Some(suite.sheet(merged));
    }
}

fn join(merged: &mut RunReport, next: RunReport) {
    // RFC 3339 in UTC sorts as text.
    merged.started = merged.started.clone().min(next.started);
    merged.partial |= next.partial;
    merged.summary.requests += next.summary.requests;
    // Shards run side by side.
    merged.summary.duration_ms = merged.summary.duration_ms.max(next.summary.duration_ms);
    merged.cases.extend(next.cases);
    merged.sheet = merged.sheet.take().or(next.sheet);
    merged.job = match (merged.job.take(), next.job) {
        (Some(mut job), Some(other)) => {
            job.operations += other.operations;
            job.object_failures += other.object_failures;
            job.reference_failures += other.reference_failures;
            job.halt = job.halt.or(other.halt);
            Some(job)
        }
        (one, other) => one.or(other),
    };
    for finding in next.findings {
        match merged.findings.iter_mut().find(|f| same_cause(f, &finding)) {
            Some(known) => absorb(known, finding),
            None => merged.findings.push(finding),
        }
    }
    for line in next.left_behind {
        if !merged.left_behind.contains(&line) {
            merged.left_behind.push(line);
        }
    }
    for line in next.target.remarks {
        if !merged.target.remarks.contains(&line) {
            merged.target.remarks.push(line);
        }
    }
    for line in next.stale_baseline {
        if !merged.stale_baseline.contains(&line) {
            merged.stale_baseline.push(line);
        }
    }
}

fn same_cause(a: &FindingReport, b: &FindingReport) -> bool {
    a.rule == b.rule && a.at == b.at && a.level == b.level && a.known.is_some() == b.known.is_some()
}

fn absorb(known: &mut FindingReport, other: FindingReport) {
    let first = format!("{}{PLACE_SEPARATOR}{}", other.scenario, other.step);
    for place in std::iter::once(first).chain(other.also) {
        if !known.also.contains(&place) {
            known.also.push(place);
        }
    }
    for text in other.admin_sees {
        if !known.admin_sees.contains(&text) {
            known.admin_sees.push(text);
        }
    }
    known.fails |= other.fails;
}

/// What changed from one run to the next.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Difference {
    /// Only after.
    pub new: Vec<Entry>,
    /// Only before, and its scenario was played again.
    pub fixed: Vec<Entry>,
    /// In both.
    pub same: Vec<Entry>,
    /// Only before, but its scenario was not played again, so nobody knows.
    pub not_played: Vec<Entry>,
}

/// A rule in a scenario.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Entry {
    /// Rule id.
    pub rule: String,
    /// Scenario, with its dialect.
    pub scenario: String,
    /// Level.
    pub level: crate::rules::Level,
    /// What is wrong.
    pub title: String,
    /// True when it fails its run.
    pub fails: bool,
}

/// Compares by rule and scenario: values and places change with every run.
pub fn compare(before: &RunReport, after: &RunReport) -> Difference {
    let (old, new) = (places(before), places(after));
    let within = |list: &[Entry], d: &Entry| {
        list.iter().any(|o| o.rule == d.rule && o.scenario == d.scenario && (o.fails || !d.fails))
    };
    let here = |list: &[Entry], d: &Entry| list.iter().any(|o| o.rule == d.rule && o.scenario == d.scenario);
    let played = |name: &str| {
        use crate::event::Outcome::{Failed, Passed};
        after.cases.iter().any(|c| matches!(c.outcome, Passed | Failed) && c.name() == name)
    };
    let mut difference = Difference::default();
    for d in new.iter().cloned() {
        // What was a remark and fails now is new.
        let target = if within(&old, &d) { &mut difference.same } else { &mut difference.new };
        target.push(d);
    }
    for d in old.into_iter().filter(|d| !here(&new, d)) {
        let target = if played(&d.scenario) { &mut difference.fixed } else { &mut difference.not_played };
        target.push(d);
    }
    difference
}

fn places(report: &RunReport) -> Vec<Entry> {
    let mut all: Vec<Entry> = Vec::new();
    for f in &report.findings {
        for scenario in scenarios_of(f) {
            match all.iter_mut().find(|d| d.rule == f.rule && d.scenario == scenario) {
                Some(d) => d.fails |= f.fails,
                None => all.push(Entry {
                    rule: f.rule.clone(),
                    scenario,
                    level: f.level,
                    title: f.title.clone(),
                    fails: f.fails,
                }),
            }
        }
    }
    all.sort_by(|a, b| (!a.fails, a.level, &a.rule, &a.scenario).cmp(&(!b.fails, b.level, &b.rule, &b.scenario)));
    all
}

fn print(d: &Difference, out: &mut dyn Write) -> io::Result<()> {
    let parts = [("new", &d.new), ("fixed", &d.fixed), ("not played again", &d.not_played)];
    for (title, list) in parts {
        if list.is_empty() {
            continue;
        }
        writeln!(out, "{title}")?;
        for entry in list {
            let fails = if entry.fails { "" } else { " (does not fail)" };
            writeln!(
                out,
                "  {:>6}  {}  {}{fails}  {}",
                entry.level.name(),
                text::line(&entry.rule),
                text::line(&entry.scenario),
                text::line(&entry.title)
            )?;
        }
    }
    writeln!(
        out,
        "{} new, {} fixed, {} the same, {} not played again",
        d.new.len(),
        d.fixed.len(),
        d.same.len(),
        d.not_played.len()
    )
}
