//! Holds the signs of every cause against what the probes showed: found, ruled out, or left open, with the two requests that
//! disagree.
//!
//! Pure: reads a finished report. Must not send anything, and must not know how a verdict is printed.

use super::causes::{self, Cause, Sign};
use super::text::{Family, Reading};
use crate::event::{CaseReport, Outcome, RequestReport, ResponseReport, RunReport, StepReport};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Name and version of the JSON form.
pub const FORMAT: &str = "scimproof-diagnosis/1";

/// How much of a body is quoted.
const QUOTE: usize = 400;

/// Everything that came out.
#[derive(Debug, Clone, Serialize)]
pub struct Diagnosis {
    /// Always [`FORMAT`].
    pub format: &'static str,
    /// Base URL of the server that was probed, or nothing when only the text was read.
    pub target: Option<String>,
    /// Why the probes could not run, when they could not.
    pub broken: Option<String>,
    /// Probes in the order in which they ran.
    pub probes: Vec<Probe>,
    /// One entry per family of failure, the most frequent first.
    pub families: Vec<FamilyVerdict>,
    /// What could not be cleaned up.
    pub left_behind: Vec<String>,
}

/// One scenario, or one read-only request, that was played to tell causes apart.
#[derive(Debug, Clone, Serialize)]
pub struct Probe {
    /// Its name.
    pub name: String,
    /// What it plays.
    pub title: String,
    /// `passed`, `failed`, `skipped`, …
    pub outcome: String,
    /// Why it did not run.
    pub reason: Option<String>,
}

/// What a family of failures comes down to.
#[derive(Debug, Clone, Serialize)]
pub struct FamilyVerdict {
    /// The text, read.
    pub reading: Reading,
    /// How often it occurs in the log; 1 for a text.
    pub count: usize,
    /// In one sentence.
    pub verdict: String,
    /// Causes: the found ones first, then by likelihood.
    pub causes: Vec<CauseVerdict>,
}

/// How one cause stands.
#[derive(Debug, Clone, Serialize)]
pub struct CauseVerdict {
    /// Which.
    pub id: &'static str,
    /// What would be wrong.
    pub title: &'static str,
    /// Its place by likelihood, 1 first.
    pub likelihood: u8,
    /// How it stands.
    pub standing: Standing,
    /// The reason for that, where it takes words.
    pub why: Option<String>,
    /// The requests that prove it.
    pub evidence: Option<Evidence>,
    /// What to change on the server.
    pub fix: &'static str,
    /// What the admin can do until then.
    pub workaround: &'static str,
    /// Where this is known from.
    pub source: &'static str,
}

/// How a cause stands after the probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// A probe shows it.
    Found,
    /// Its signs are there, and another cause explains them.
    Follows,
    /// Cannot be provoked from outside.
    ByHand,
    /// Its probe did not get that far.
    NotTestable,
    /// Its probe ran, and the server did right.
    RuledOut,
}

/// Two requests that disagree, or the one that failed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evidence {
    /// Rule that failed.
    pub rule: String,
    /// What it says.
    pub message: String,
    /// The first of the two.
    pub earlier: Option<Shot>,
    /// The one that does not fit.
    pub later: Shot,
    /// Shell line that shows it again.
    pub again: Option<String>,
}

/// A request with its answer, cut to what matters.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shot {
    /// Step and its title.
    pub step: String,
    /// Method and path.
    pub request: String,
    /// Part of the request body.
    pub sent: Option<String>,
    /// Status, or that there was no answer.
    pub answer: String,
    /// Part of the response body.
    pub body: Option<String>,
}

/// A family of failures as read from text or log.
#[derive(Debug, Clone)]
pub struct Complaint {
    /// The first text of it.
    pub reading: Reading,
    /// How many texts.
    pub count: usize,
}

/// Groups readings by family, the most frequent first; texts that nobody knows come last.
pub fn complaints(readings: Vec<Reading>) -> Vec<Complaint> {
    let mut groups: BTreeMap<Family, Complaint> = BTreeMap::new();
    for reading in readings {
        groups.entry(reading.family).and_modify(|c| c.count += 1).or_insert(Complaint { reading, count: 1 });
    }
    let mut out: Vec<Complaint> = groups.into_values().collect();
    out.sort_by_key(|c| (c.reading.family == Family::Unknown, std::cmp::Reverse(c.count)));
    out
}

/// Holds the causes of one complaint against the run.
pub fn judge(complaint: &Complaint, report: &RunReport) -> FamilyVerdict {
    let seen = Transcript { report };
    let family = complaint.reading.family;
    let all: Vec<CauseVerdict> = causes::of(family).into_iter().map(|c| seen.standing(c, family)).collect();
    conclude(complaint, all, "probe")
}

/// Sorts, settles what follows from what, and says it in one sentence. `means` is what the proof came by.
pub fn conclude(complaint: &Complaint, mut all: Vec<CauseVerdict>, means: &str) -> FamilyVerdict {
    let found: Vec<&'static str> = all.iter().filter(|c| c.standing == Standing::Found).map(|c| c.id).collect();
    for cause in &mut all {
        let by = found.iter().find(|f| causes::find(f).is_some_and(|c| c.explains.contains(&cause.id)));
        if let Some(by) = by
            && cause.standing == Standing::Found
        {
            cause.standing = Standing::Follows;
            cause.why = Some(format!("what it would show follows from {by}"));
        }
    }
    all.sort_by_key(|c| (!matches!(c.standing, Standing::Found), c.likelihood));
    let verdict = sentence(complaint.reading.family, &all, means);
    FamilyVerdict { reading: complaint.reading.clone(), count: complaint.count, verdict, causes: all }
}

fn sentence(family: Family, all: &[CauseVerdict], means: &str) -> String {
    let of = |standing: Standing| all.iter().filter(move |c| c.standing == standing);
    let found: Vec<&CauseVerdict> = of(Standing::Found).collect();
    if family == Family::Unknown {
        return "this text is none of the known ones; give the message of the log entry itself".to_owned();
    }
    match found.as_slice() {
        [one] => one.title.to_owned(),
        [first, others @ ..] => {
            let more: Vec<&str> = others.iter().map(|c| c.title).collect();
            format!("{}; also: {}", first.title, more.join("; "))
        }
        [] => {
            let (out, open) = (of(Standing::RuledOut).count(), of(Standing::NotTestable).count());
            let hand = of(Standing::ByHand).count();
            if out == 0 {
                return format!("no {means} could run far enough to tell the {} causes apart", all.len());
            }
            let mut text = format!("none of the {out} causes that could be tested");
            if open > 0 {
                text.push_str(&format!("; {open} could not be tested"));
            }
            if hand > 0 {
                text.push_str(&format!("; {hand} to check by hand"));
            }
            text
        }
    }
}

/// A finished run, asked for signs.
struct Transcript<'a> {
    report: &'a RunReport,
}

type Place<'a> = (&'a CaseReport, &'a StepReport);

impl<'a> Transcript<'a> {
    fn standing(&self, cause: &'static Cause, family: Family) -> CauseVerdict {
        let mut out = verdict_of(cause, family);
        if let Some(check) = cause.by_hand {
            out.standing = Standing::ByHand;
            out.why = Some(check.to_owned());
            return out;
        }
        let proof = cause.signs.iter().find_map(|s| Some((s, self.shows(s, cause.encoded_id)?)));
        let excused = cause.but_not.iter().any(|s| self.shows(s, None).is_some());
        let rest = cause.with.iter().all(|s| self.shows(s, None).is_some());
        if let Some((sign, place)) = proof
            && !excused
            && rest
        {
            out.standing = Standing::Found;
            out.evidence = Some(self.evidence(sign, place));
            return out;
        }
        let open: Vec<String> = cause.signs.iter().filter_map(|s| self.not_reached(s)).collect();
        if open.len() == cause.signs.len() {
            out.standing = Standing::NotTestable;
            out.why = open.into_iter().next();
        }
        out
    }

    fn cases(&self, scenario: &str) -> impl Iterator<Item = &'a CaseReport> {
        self.report.cases.iter().filter(move |c| c.scenario == scenario)
    }

    /// Where a sign shows.
    fn shows(&self, sign: &Sign, encoded_id: Option<bool>) -> Option<Place<'a>> {
        let fits = |step: &StepReport| {
            (sign.step == "*" || step.id == sign.step || step.id.split('/').next() == Some(sign.step))
                && shows_rule(step, sign.rule)
                && encoded_id.is_none_or(|wanted| wanted == encoded(step))
        };
        self.cases(sign.scenario).find_map(|case| Some((case, case.steps.iter().find(|s| fits(s))?)))
    }

    /// Why a sign could not have shown: its step did not run in any dialect.
    fn not_reached(&self, sign: &Sign) -> Option<String> {
        let mut reason = format!("{} was not played", sign.scenario);
        for case in self.cases(sign.scenario) {
            if matches!(case.outcome, Outcome::Skipped | Outcome::Error) {
                reason = format!("{}: {}", case.scenario, case.reason.clone().unwrap_or_else(|| "not run".into()));
                continue;
            }
            let ran = |s: &StepReport| matches!(s.outcome, Outcome::Passed | Outcome::Failed);
            let mut steps = case.steps.iter().filter(|s| sign.step == "*" || s.id == sign.step);
            let stuck = case.steps.iter().find(|s| matches!(s.outcome, Outcome::Blocked | Outcome::Error));
            let reached = if sign.step == "*" { stuck.is_none() } else { steps.any(ran) };
            if reached {
                return None;
            }
            if let Some(step) = stuck {
                let why = step.reason.clone().unwrap_or_else(|| "an earlier step failed".into());
                reason = format!("{} was stopped at `{}`: {why}", case.scenario, step.id);
            }
        }
        Some(reason)
    }

    fn evidence(&self, sign: &Sign, (case, step): Place<'a>) -> Evidence {
        let name = case.name();
        let here = format!("{name} › {}", step.id);
        let finding = self.report.findings.iter().filter(|f| f.rule == sign.rule);
        let exact = finding.clone().find(|f| f.scenario == name && f.step == step.id);
        let any = exact.or_else(|| finding.clone().find(|f| f.also.contains(&here)));
        let because = exact.and_then(|f| f.because.clone());
        let earlier = Some(sign.against.to_owned()).filter(|s| !s.is_empty()).or(because);
        let earlier = earlier.and_then(|id| case.steps.iter().find(|s| s.id == id && s.id != step.id));
        let message = any.map_or_else(
            || step.title.clone(),
            |f| {
                if f.rule == crate::run::findings::UNEXPECTED.id { f.message.clone() } else { f.title.clone() }
            },
        );
        Evidence {
            rule: sign.rule.to_owned(),
            message,
            earlier: earlier.map(|s| self.shot(s)),
            later: self.shot(step),
            again: any.map(|f| f.reproduce.clone()),
        }
    }

    fn shot(&self, step: &StepReport) -> Shot {
        shot(&step.id, &step.title, step.request.as_ref(), step.response.as_ref(), &self.report.target.base_url)
    }
}

/// A cause before it is judged.
pub(super) fn verdict_of(cause: &'static Cause, family: Family) -> CauseVerdict {
    CauseVerdict {
        id: cause.id,
        title: cause.title,
        likelihood: cause.place(family).unwrap_or(u8::MAX),
        standing: Standing::RuledOut,
        why: None,
        evidence: None,
        fix: cause.fix,
        workaround: cause.workaround,
        source: cause.source,
    }
}

fn shows_rule(step: &StepReport, rule: &str) -> bool {
    let missing = || step.response.as_ref().is_some_and(|r| r.status == 404);
    step.findings.iter().any(|f| f == rule) || (rule == causes::ANSWERED_404 && missing())
}

/// A cause that no probe looked for.
pub(super) fn not_probed(cause: &'static Cause, family: Family, broken: Option<&str>) -> CauseVerdict {
    let mut out = verdict_of(cause, family);
    match cause.by_hand {
        Some(check) => (out.standing, out.why) = (Standing::ByHand, Some(check.to_owned())),
        None => {
            out.standing = Standing::NotTestable;
            out.why = Some(broken.unwrap_or("no probe was played").to_owned());
        }
    }
    out
}

/// True when the last segment of the path is percent-encoded.
fn encoded(step: &StepReport) -> bool {
    let url = step.request.as_ref().map_or("", |r| r.url.as_str());
    let path = url.split(['?', '#']).next().unwrap_or_default();
    path.rsplit('/').next().is_some_and(|last| last.contains('%'))
}

/// A request and its answer, cut to what matters.
pub(super) fn shot(
    step: &str,
    title: &str,
    request: Option<&RequestReport>,
    response: Option<&ResponseReport>,
    base: &str,
) -> Shot {
    let line = request.map_or_else(String::new, |r| {
        let base = base.trim_end_matches('/');
        format!("{} {}", r.method, r.url.strip_prefix(base).unwrap_or(&r.url))
    });
    Shot {
        step: if title.is_empty() { step.to_owned() } else { format!("{step}: {title}") },
        request: line,
        sent: request.and_then(|r| r.body.as_ref()).map(quote),
        answer: response.map_or_else(|| "no answer".to_owned(), |r| r.status.to_string()),
        body: response.and_then(|r| r.body.as_ref()).map(quote),
    }
}

/// What tells people apart: identity, state, lists, operations and errors.
const TELLING: &[&str] = &[
    "id",
    "externalId",
    "userName",
    "displayName",
    "active",
    "members",
    "value",
    "detail",
    "scimType",
    "status",
    "totalResults",
    "Resources",
    "Operations",
    "op",
    "path",
    "resources",
    "itemsPerPage",
    "startIndex",
];

fn quote(body: &Value) -> String {
    let text = match essence(body, 0) {
        Value::String(text) => text,
        other => other.to_string(),
    };
    match text.char_indices().nth(QUOTE) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// The telling members of an object; all of them when none is.
fn essence(body: &Value, depth: usize) -> Value {
    match body {
        Value::Object(map) if depth < 4 => {
            let telling = |name: &String| TELLING.iter().any(|t| t.eq_ignore_ascii_case(name));
            let kept: Map<String, Value> = map
                .iter()
                .filter(|(k, _)| telling(k))
                .map(|(k, v)| {
                    // The value of an operation is the point of it.
                    let whole = k.eq_ignore_ascii_case("value");
                    (k.clone(), if whole { v.clone() } else { essence(v, depth + 1) })
                })
                .collect();
            if kept.is_empty() { body.clone() } else { Value::Object(kept) }
        }
        Value::Array(items) => {
            let mut out: Vec<Value> = items.iter().take(2).map(|i| essence(i, depth + 1)).collect();
            if items.len() > 2 {
                out.push(Value::from(format!("… {} more", items.len() - 2)));
            }
            Value::Array(out)
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_quote_shows_what_tells_people_apart() {
        let body =
            json!({ "schemas": ["x"], "id": "7", "userName": "alice", "name": { "givenName": "Alice" }, "meta": {} });
        assert_eq!(quote(&body), r#"{"id":"7","userName":"alice"}"#);
        assert_eq!(quote(&json!("<html>")), "<html>");
        assert!(quote(&json!({ "detail": "x".repeat(5000) })).chars().count() <= QUOTE + 1);
    }

    #[test]
    fn the_most_frequent_complaint_comes_first() {
        let read = |t: &str| super::super::text::read(t);
        let all = complaints(vec![
            read("???"),
            read("???"),
            read("duplicate"),
            read("user x not found"),
            read("no such user"),
        ]);
        let order: Vec<(Family, usize)> = all.iter().map(|c| (c.reading.family, c.count)).collect();
        assert_eq!(order, [(Family::UserNotFound, 2), (Family::Conflict, 1), (Family::Unknown, 2)]);
    }
}
