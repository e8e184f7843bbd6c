//! Plays the scenarios that tell the candidate causes apart, and nothing else.
//!
//! Must not know the table of causes beyond which probes they want, nor how a verdict is printed.

use super::causes;
use super::text::Family;
use super::verdict::{self, Complaint, Diagnosis, FORMAT, Probe};
use crate::engine::Http;
use crate::engine::journal::Journal;
use crate::event::{CaseReport, Outcome, RunReport};
use crate::report::redact::Redactor;
use crate::run::discover::discover;
use crate::run::{self, Case, Options};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What a diagnosis needs to know about the target and the run.
pub struct Setup {
    /// Client of the server.
    pub http: Arc<Http>,
    /// Every bundled case; the probes are chosen among them.
    pub cases: Vec<Case>,
    /// How to run.
    pub options: Options,
    /// Where created resources are remembered.
    pub journal: Option<Arc<Journal>>,
    /// Takes secrets out of what is shown.
    pub redactor: Redactor,
    /// Ends the run early.
    pub stop: Arc<AtomicBool>,
}

/// The cases that the complaints need, each once, in the order of the causes.
pub fn chosen(complaints: &[Complaint], cases: &[Case]) -> Vec<Case> {
    let mut names: Vec<&str> = Vec::new();
    for probe in complaints.iter().flat_map(|c| wanted(c.reading.family)) {
        if !names.contains(&probe) {
            names.push(probe);
        }
    }
    names.iter().flat_map(|n| cases.iter().filter(move |c| c.scenario.id == *n).cloned()).collect()
}

/// Probes of a family: those of its causes, and those that an excuse for one of them needs.
fn wanted(family: Family) -> Vec<&'static str> {
    causes::probes(family)
}

/// Plays the probes and judges every complaint.
pub async fn diagnose(complaints: &[Complaint], setup: Setup) -> Diagnosis {
    let cases = chosen(complaints, &setup.cases);
    let base = shown_url(&setup.http);
    let target = setup.redactor.url(&base);
    if cases.is_empty() {
        return unread(complaints, Some(target), None);
    }
    let Setup { http, options, journal, redactor, stop, .. } = setup;
    match discover(http).await {
        Ok(found) => {
            if let Some(reason) = found.switched_off(options.provider.as_deref()) {
                return unread(complaints, Some(target), Some(redactor.text(&reason)));
            }
            let finished = run::run(found, cases, options, journal, redactor, stop, &mut |_| {}).await;
            concluded(complaints, &finished.report)
        }
        Err(unusable) => unread(complaints, Some(target), Some(unusable.to_string())),
    }
}

fn shown_url(http: &Http) -> String {
    let mut url = http.target().base_url.clone();
    // Only URLs that cannot hold credentials refuse this, and those hold none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

fn concluded(complaints: &[Complaint], report: &RunReport) -> Diagnosis {
    Diagnosis {
        format: FORMAT,
        target: Some(report.target.base_url.clone()),
        broken: None,
        probes: report.cases.iter().map(probe_of).collect(),
        families: complaints.iter().map(|c| verdict::judge(c, report)).collect(),
        left_behind: report.left_behind.clone(),
    }
}

fn probe_of(case: &CaseReport) -> Probe {
    let outcome = match case.outcome {
        Outcome::Passed => "passed",
        Outcome::Skipped => "skipped",
        Outcome::Blocked => "blocked",
        Outcome::Failed => "failed",
        Outcome::Error => "error",
    };
    Probe { name: case.name(), title: case.title.clone(), outcome: outcome.to_owned(), reason: case.reason.clone() }
}

/// A diagnosis without probes. A server that nobody can talk to is a finding where access is the complaint.
pub fn unread(complaints: &[Complaint], target: Option<String>, broken: Option<String>) -> Diagnosis {
    let judged = complaints.iter().map(|complaint| {
        let family = complaint.reading.family;
        let mut all: Vec<verdict::CauseVerdict> =
            causes::of(family).into_iter().map(|c| verdict::not_probed(c, family, broken.as_deref())).collect();
        if let Some(why) = &broken
            && let Some(cause) = all.iter_mut().find(|c| c.id == "no-scim-there")
        {
            cause.standing = verdict::Standing::Found;
            cause.why = Some(why.clone());
        }
        verdict::conclude(complaint, all, "probe")
    });
    Diagnosis {
        format: FORMAT,
        families: judged.collect(),
        target,
        broken,
        probes: Vec::new(),
        left_behind: Vec::new(),
    }
}
