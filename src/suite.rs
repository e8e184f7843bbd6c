//! A published test list as data: `suites/<name>.yaml`. Says which of our cases show each of its items, and makes the sheet of a run.
//!
//! Must not judge: an item is as good as the cases and steps that show it.

use crate::event::{CaseReport, ItemOutcome, Outcome, RunReport, SheetItem, SheetReport, StepReport};
use crate::scenario::{self, LoadError};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeSet;
use std::fmt;

/// A list of tests that somebody else publishes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// Short name, as in `--suite okta-oin`.
    pub suite: String,
    /// Whose it is: answers are judged by what this identity provider does with them.
    pub idp: String,
    /// As people write it.
    pub title: String,
    /// Who runs it, and what passing means.
    pub about: String,
    /// Where it is published.
    pub source: Vec<String>,
    /// Its tests, in the publisher's order.
    pub items: Vec<Item>,
}

/// One test of a list.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The publisher's number or name.
    pub id: String,
    /// Heading that it stands under.
    #[serde(default)]
    pub group: Option<String>,
    /// What is tested.
    pub title: String,
    /// What shows it: all of these.
    #[serde(default)]
    pub shown_by: Vec<Shown>,
    /// What a person has to look at.
    #[serde(default)]
    pub by_hand: Option<String>,
    /// The publisher does not insist on it.
    #[serde(default)]
    pub optional: bool,
}

/// A scenario, one dialect of it, or one step: `okta/create-user`, `okta/create-user@wizard`, `okta/spec-test#step-1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Scenario id.
    pub scenario: String,
    /// Dialect; none: all.
    pub dialect: Option<String>,
    /// Step id; none: the whole case.
    pub step: Option<String>,
}

impl<'de> Deserialize<'de> for Shown {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let (case, step) = split(&text, '#');
        let (scenario, dialect) = split(case, '@');
        Ok(Shown { scenario: scenario.to_owned(), dialect: dialect.map(str::to_owned), step: step.map(str::to_owned) })
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.case())?;
        self.step.iter().try_for_each(|step| write!(f, "#{step}"))
    }
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(a, b)| (a, Some(b)))
}

/// Names of all embedded suites, in alphabetical order.
pub fn names() -> Vec<&'static str> {
    let stem = |(path, _): &(&'static str, &str)| path.strip_prefix("suites/")?.strip_suffix(".yaml");
    scenario::bundled().iter().filter_map(stem).collect()
}

/// The embedded suite of that name; `None`: there is none.
pub fn find(name: &str) -> Option<Result<Suite, LoadError>> {
    let path = format!("suites/{name}.yaml");
    let (_, text) = scenario::bundled().iter().find(|(known, _)| *known == path)?;
    Some(scenario::load_data(text, &path))
}

impl Suite {
    /// Names of the cases that show its items (`scenario` or `scenario@dialect`), each once.
    pub fn cases(&self) -> Vec<String> {
        let mut names: Vec<String> = self.items.iter().flat_map(|i| &i.shown_by).map(Shown::case).collect();
        names.sort();
        names.dedup();
        names
    }

    /// What a run says about each item.
    pub fn sheet(&self, run: &RunReport) -> SheetReport {
        let unfelt = Unfelt::of(run);
        SheetReport {
            suite: self.suite.clone(),
            title: self.title.clone(),
            about: self.about.trim().to_owned(),
            source: self.source.clone(),
            items: self.items.iter().map(|item| item.seen(run, &unfelt)).collect(),
        }
    }
}

impl Item {
    fn seen(&self, run: &RunReport, unfelt: &Unfelt<'_>) -> SheetItem {
        let places: Vec<Place> = self.shown_by.iter().flat_map(|shown| shown.places(run, unfelt)).collect();
        let (outcome, reason) = if self.shown_by.is_empty() { (ItemOutcome::ByHand, None) } else { verdict(&places) };
        let mut findings: Vec<String> = places.iter().flat_map(|p| p.findings.clone()).collect();
        findings.sort();
        findings.dedup();
        SheetItem {
            id: self.id.clone(),
            group: self.group.clone(),
            title: self.title.clone(),
            optional: self.optional,
            outcome,
            reason,
            shown_by: places.into_iter().map(|p| p.name).collect(),
            findings,
            by_hand: self.by_hand.clone(),
        }
    }
}

/// A case or a step of the run that shows an item.
struct Place {
    name: String,
    outcome: Outcome,
    reason: Option<String>,
    findings: Vec<String>,
}

/// One failure fails the item. What the server does not offer is no failure; what could not be looked at is no pass.
fn verdict(places: &[Place]) -> (ItemOutcome, Option<String>) {
    let why = |wanted: &[Outcome]| {
        let place = places.iter().find(|p| wanted.contains(&p.outcome))?;
        Some(format!("{}: {}", place.name, place.reason.as_deref().unwrap_or("not played")))
    };
    let any = |outcome| places.iter().any(|p| p.outcome == outcome);
    if any(Outcome::Failed) {
        return (ItemOutcome::Fail, None);
    }
    if let Some(reason) = why(&[Outcome::Error, Outcome::Blocked]) {
        return (ItemOutcome::NotPlayed, Some(reason));
    }
    let skipped = why(&[Outcome::Skipped]);
    if any(Outcome::Passed) {
        return (ItemOutcome::Pass, skipped.map(|s| format!("in part; {s}")));
    }
    (ItemOutcome::NotPlayed, Some(skipped.unwrap_or_else(|| "not selected in this run".to_owned())))
}

impl Shown {
    fn case(&self) -> String {
        match &self.dialect {
            Some(dialect) => format!("{}@{dialect}", self.scenario),
            None => self.scenario.clone(),
        }
    }

    fn places(&self, run: &RunReport, unfelt: &Unfelt<'_>) -> Vec<Place> {
        let here = |c: &&CaseReport| {
            c.scenario == self.scenario && self.dialect.as_ref().is_none_or(|d| c.dialect.as_ref() == Some(d))
        };
        let cases = run.cases.iter().filter(here);
        let place = |case| self.step.as_ref().map_or_else(|| whole(case, unfelt), |step| part(case, step, unfelt));
        cases.map(place).collect()
    }
}

fn whole(case: &CaseReport, unfelt: &Unfelt<'_>) -> Place {
    let failed: Vec<_> = case.steps.iter().filter(|s| s.outcome == Outcome::Failed).collect();
    let findings: Vec<String> = failed.iter().flat_map(|s| unfelt.leaves(s)).cloned().collect();
    let nothing = case.outcome == Outcome::Failed && !failed.is_empty() && findings.is_empty();
    let outcome = if nothing { Outcome::Passed } else { case.outcome };
    Place { name: case.name(), outcome, reason: case.reason.clone(), findings }
}

/// The publisher's own test asserts what the step expects, also where the RFC leaves it open and we only note it.
const ASSERTION: &str = "scenario/unexpected-answer";

/// Rules of which the publisher of a list notices nothing in this run: a deviation without an impact is the RFC's matter.
struct Unfelt<'a>(BTreeSet<&'a str>);

impl<'a> Unfelt<'a> {
    fn of(run: &'a RunReport) -> Self {
        let felt: BTreeSet<&str> = run.findings.iter().filter(|f| f.felt()).map(|f| f.rule.as_str()).collect();
        let all = run.findings.iter().map(|f| f.rule.as_str());
        Self(all.filter(|rule| *rule != ASSERTION && !felt.contains(rule)).collect())
    }

    fn leaves<'s>(&self, step: &'s StepReport) -> impl Iterator<Item = &'s String> {
        step.findings.iter().filter(|rule| !self.0.contains(rule.as_str()))
    }

    fn ended(&self, step: &StepReport) -> Outcome {
        if step.findings.iter().any(|rule| rule == ASSERTION) {
            Outcome::Failed
        } else if step.outcome == Outcome::Failed && self.leaves(step).next().is_none() {
            Outcome::Passed
        } else {
            step.outcome
        }
    }
}

/// The step and what scimproof read after it. A case that ended before has the reason.
fn part(case: &CaseReport, step: &str, unfelt: &Unfelt<'_>) -> Place {
    let name = format!("{}#{step}", case.name());
    let own = |id: &str| id == step || id.strip_prefix(step).is_some_and(|rest| rest.starts_with('/'));
    let steps: Vec<_> = case.steps.iter().filter(|s| own(&s.id)).collect();
    let Some(worst) = steps.iter().max_by_key(|s| severity(unfelt.ended(s))) else {
        let outcome = if case.outcome == Outcome::Skipped { Outcome::Skipped } else { Outcome::Blocked };
        let reason = case.reason.clone().or_else(|| Some("the case ended before it".to_owned()));
        return Place { name, outcome, reason, findings: Vec::new() };
    };
    let failed = steps.iter().filter(|s| unfelt.ended(s) == Outcome::Failed);
    Place {
        name,
        outcome: unfelt.ended(worst),
        reason: worst.reason.clone(),
        findings: failed.flat_map(|s| unfelt.leaves(s)).cloned().collect(),
    }
}

/// A read that was added and skipped says nothing about its step.
fn severity(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Skipped => 0,
        Outcome::Passed => 1,
        Outcome::Blocked => 2,
        Outcome::Error => 3,
        Outcome::Failed => 4,
    }
}
