//! From a step to the findings that were seen there: reports list both, grouped differently.
//!
//! Must not know any format.

use crate::event::{CaseReport, FindingReport, RunReport, StepReport};
use std::collections::HashMap;

/// What `also` puts between case and step.
pub const PLACE_SEPARATOR: &str = " › ";

/// Finds the findings of a step.
pub struct Lookup<'a> {
    by_rule: HashMap<&'a str, Vec<&'a FindingReport>>,
}

impl<'a> Lookup<'a> {
    /// Prepares the look-up.
    pub fn new(report: &'a RunReport) -> Self {
        let mut by_rule: HashMap<&str, Vec<&FindingReport>> = HashMap::new();
        for finding in &report.findings {
            by_rule.entry(&finding.rule).or_default().push(finding);
        }
        Self { by_rule }
    }

    /// The findings of one step, in the step's order; one entry per root cause.
    pub fn step(&self, case: &CaseReport, step: &StepReport) -> Vec<&'a FindingReport> {
        let name = case.name();
        let mut out: Vec<&FindingReport> = Vec::new();
        for rule in &step.findings {
            let all = self.by_rule.get(rule.as_str()).map_or(&[][..], Vec::as_slice);
            let here: Vec<_> = all.iter().filter(|f| shows_at(f, &name, &step.id)).collect();
            // A grouped finding whose list of places was shortened still explains the step.
            let found = if here.is_empty() { all.first().into_iter().collect() } else { here };
            for finding in found {
                if !out.iter().any(|f| std::ptr::eq(*f, *finding)) {
                    out.push(finding);
                }
            }
        }
        out
    }

    /// Findings that were first seen in this case at something that is none of its steps (the end of the case).
    pub fn outside_steps(&self, case: &CaseReport) -> Vec<&'a FindingReport> {
        let name = case.name();
        let mut out: Vec<&FindingReport> = self
            .by_rule
            .values()
            .flatten()
            .filter(|f| f.scenario == name && !case.steps.iter().any(|s| s.id == f.step))
            .copied()
            .collect();
        out.sort_by(|a, b| (&a.step, &a.rule, &a.at).cmp(&(&b.step, &b.rule, &b.at)));
        out
    }
}

fn shows_at(finding: &FindingReport, case: &str, step: &str) -> bool {
    let first = finding.scenario == case && finding.step == step;
    first
        || finding
            .also
            .iter()
            .any(|place| place.split_once(PLACE_SEPARATOR).is_some_and(|(c, s)| c == case && s == step))
}
