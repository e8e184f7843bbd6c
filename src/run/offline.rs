//! Recorded exchanges, held against the same shadow and catalogue as those of a run. Nothing is sent.
//!
//! Must not know file formats. What a recording does not hold (discovery, the other clients, a body that was left out) must
//! not turn into a finding.

use super::findings::{self, RawFinding, Words};
use super::judge::{self, Place};
use super::{Finished, Options, Tally, baseline};
use crate::event::{CaseReport, Event, Outcome, RunInfo, RunReport, StepReport, Summary, TargetReport};
use crate::exchange::{AuthKind, Exchange};
use crate::report::redact::Redactor;
use crate::rules::view::Past;
use crate::rules::{Finding, Rule};
use crate::scim::value::get_ci;
use crate::shadow::{Advertised, Call, Shadow, text_of};
use serde_json::Value;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// Earlier exchanges that rules can look at.
const MEMORY: usize = 400;

/// One exchange of a recording.
pub struct Recorded {
    /// Name, unique in the recording.
    pub id: String,
    /// One line.
    pub title: String,
    /// What went over the wire.
    pub exchange: Exchange,
    /// Why nothing can be said about it: the answer is not in the recording, say.
    pub unknown: Option<String>,
    /// True when somebody blanked parts of the request: what was really asked is not known.
    pub blanked: bool,
    /// False when other requests of the recording were in flight at the same time.
    pub settled: bool,
}

/// A recording as a whole.
pub struct Tape<'a> {
    /// Name of the case.
    pub name: &'a str,
    /// One line.
    pub title: &'a str,
    /// File, for people.
    pub file: &'a str,
    /// Base URL of the service.
    pub base_url: &'a str,
    /// Identity provider that sent it, or `rfc`.
    pub idp: &'a str,
    /// The exchanges, in order.
    pub recorded: Vec<Recorded>,
    /// True for a text in the place of one that must not be seen.
    pub is_blanked: fn(&str) -> bool,
    /// When the first of them was sent.
    pub started: String,
}

/// Judges recordings and reports like a run with one case for each.
pub fn judge(
    tapes: &[Tape<'_>],
    options: &Options,
    redactor: &Redactor,
    emit: &mut (dyn FnMut(Event) + Send),
) -> Finished {
    let targets: Vec<Arc<Advertised>> = tapes.iter().map(|t| Arc::new(advertised(t))).collect();
    let target = target_report(tapes, &targets);
    emit(Event::RunStarted(RunInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        target: target.clone(),
        seed: options.seed,
        cases: tapes.len(),
    }));
    let (mut cases, mut raw, mut tally) = (Vec::new(), Vec::new(), Tally::new());
    for (tape, target) in tapes.iter().zip(targets) {
        let mut judge = Judge::new(tape, options, redactor, target);
        tape.recorded.iter().for_each(|r| judge.take(r));
        let (case, found, own) = judge.finish();
        raw.extend(found);
        for (rule, (pass, fail)) in own {
            let entry = tally.entry(rule).or_default();
            *entry = (entry.0 + pass, entry.1 + fail);
        }
        let case = Arc::new(case);
        emit(Event::CaseFinished(case.clone()));
        cases.push(Arc::unwrap_or_clone(case));
    }
    let mut found = findings::group(raw, &cases, Words { options, redactor });
    for finding in &mut found {
        let file = tapes.iter().find(|t| t.name == finding.scenario).map_or("FILE", |t| t.file);
        finding.reproduce = format!("scimproof import --judge {file} --show-http");
    }
    let summary = Summary {
        duration_ms: cases.iter().map(|c| c.duration_ms).sum(),
        requests: tapes.iter().map(|t| t.recorded.len() as u64).sum(),
        ..Summary::default()
    };
    let mut report = RunReport {
        format: crate::event::FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: tapes.first().map(|t| t.started.clone()).unwrap_or_default(),
        partial: false,
        seed: options.seed,
        target,
        summary,
        cases,
        findings: found,
        left_behind: Vec::new(),
        stale_baseline: Vec::new(),
        outlook: Vec::new(),
        sheet: None,
        job: None,
    };
    let (duration_ms, requests) = (report.summary.duration_ms, report.summary.requests);
    baseline::count(&mut report);
    (report.summary.duration_ms, report.summary.requests) = (duration_ms, requests);
    emit(Event::RunFinished);
    Finished { report, tally }
}

/// What the target says about itself in the recording; where it says nothing, RFC 7643 speaks.
fn advertised(tape: &Tape<'_>) -> Advertised {
    let answers = |endpoint: &str, whole: bool| -> Vec<Value> {
        let about = |r: &&Recorded| {
            let segments = r.exchange.request.segments();
            let depth = if whole { 1 } else { 2 };
            r.exchange.request.method == "GET"
                && r.exchange.accepted()
                && r.unknown.is_none()
                && segments.len() == depth
                && segments[0].eq_ignore_ascii_case(endpoint)
        };
        tape.recorded.iter().filter(about).filter_map(|r| r.exchange.json().cloned()).collect()
    };
    // A schema that was asked for by its URN is a list of one.
    let list = |endpoint: &str| {
        answers(endpoint, true)
            .pop()
            .or_else(|| Some(answers(endpoint, false)).filter(|l| !l.is_empty()).map(Value::Array))
    };
    let config = answers("ServiceProviderConfig", true).pop();
    let mut out =
        Advertised::read(tape.base_url, config.as_ref(), list("ResourceTypes").as_ref(), list("Schemas").as_ref());
    out.second_token = tape.recorded.iter().any(|r| r.exchange.request.auth == AuthKind::Other);
    out
}

fn target_report(tapes: &[Tape<'_>], targets: &[Arc<Advertised>]) -> TargetReport {
    let mut remarks = vec!["judged from a recording, nothing was sent".to_owned()];
    if targets.iter().any(|t| !t.schemas_known) {
        remarks.push(
            "no /Schemas in the recording: attributes are judged by RFC 7643 alone, and one that is not kept is only a note"
                .to_owned(),
        );
    }
    let count = |test: &dyn Fn(&Recorded) -> bool| tapes.iter().flat_map(|t| &t.recorded).filter(|r| test(r)).count();
    let unknown = count(&|r| r.unknown.is_some());
    if unknown > 0 {
        remarks.push(format!("{unknown} of {} exchanges are not judged, with the reason at each", count(&|_| true)));
    }
    let blanked = count(&|r| r.blanked);
    if blanked > 0 {
        remarks.push(format!(
            "{blanked} requests have blanked values: what was really asked is not known, so nothing is held against their answers"
        ));
    }
    let features = targets.first().map(|t| t.features.clone()).unwrap_or_default();
    TargetReport {
        base_url: tapes.first().map(|t| t.base_url.to_owned()).unwrap_or_default(),
        embedded: false,
        provider: None,
        advertised: features.into_iter().collect(),
        remarks,
    }
}

struct Judge<'a> {
    tape: &'a Tape<'a>,
    options: &'a Options,
    redactor: &'a Redactor,
    target: Arc<Advertised>,
    shadow: Shadow,
    past: Vec<Past>,
    steps: Vec<StepReport>,
    findings: Vec<RawFinding>,
    told: HashSet<String>,
    /// Steps with blanked requests: what follows from them is not known either.
    blanked: HashSet<String>,
    /// Ids that such requests wrote to.
    doubted: HashSet<String>,
    tally: Tally,
    wire: Duration,
}

impl<'a> Judge<'a> {
    fn new(tape: &'a Tape<'a>, options: &'a Options, redactor: &'a Redactor, target: Arc<Advertised>) -> Self {
        Self {
            tape,
            options,
            redactor,
            shadow: Shadow::new(target.clone()),
            target,
            past: Vec::new(),
            steps: Vec::new(),
            findings: Vec::new(),
            told: HashSet::new(),
            blanked: HashSet::new(),
            doubted: HashSet::new(),
            tally: Tally::new(),
            wire: Duration::ZERO,
        }
    }

    /// Each exchange teaches the shadow; what is found is told unless the recording leaves room for doubt.
    fn take(&mut self, recorded: &Recorded) {
        self.wire += recorded.exchange.duration;
        let exchange = Arc::new(recorded.exchange.clone());
        self.vouch(&exchange);
        let unknown = recorded.unknown.clone().or_else(|| self.taken_name(&exchange));
        let at = self.report_step(recorded, unknown.clone());
        let place = Place {
            step: &recorded.id,
            earlier: &self.past,
            // Who else talked to the server meanwhile is not in the recording.
            alone: false,
            settled: recorded.settled,
            statuses: &[],
        };
        // What is not told does not count as passed either.
        let mut untold = Tally::new();
        let tally = if unknown.is_some() || recorded.blanked { &mut untold } else { &mut self.tally };
        let judged = judge::judge(&exchange, &mut self.shadow, &self.target, &place, tally);
        let write = !matches!(exchange.request.method.as_str(), "GET" | "HEAD");
        if recorded.blanked {
            self.blanked.insert(recorded.id.clone());
            self.doubted.extend(judged.call.id.clone().filter(|_| write));
        }
        if unknown.is_none() && !recorded.blanked {
            for (rule, finding) in judged.findings {
                if !self.is_about_blanks(&judged.call, &finding) {
                    self.add(at, rule, finding, &exchange);
                }
            }
        }
        if self.past.len() >= MEMORY {
            self.past.drain(..MEMORY / 2);
        }
        if unknown.is_none() {
            self.past.push(Past { step: recorded.id.clone(), call: judged.call, exchange });
        }
    }

    /// An id that a run does not know is nobody's; one that a recording does not know was there before. Only a 404 says that
    /// nobody has it.
    fn vouch(&mut self, exchange: &Exchange) {
        let mut ids = Vec::new();
        if exchange.status() != Some(404) {
            ids.extend(exchange.request.segments().into_iter().nth(1));
        }
        // What was refused may have been refused because of them.
        if let Some(body) = exchange.request.json().filter(|_| exchange.accepted()) {
            references(&body, &mut ids);
        }
        ids.retain(|id| self.shadow.kinds_of(id).next().is_none());
        self.shadow.seen.extend(ids);
    }

    /// A 409 says that somebody has the name; who, the recording need not know.
    fn taken_name(&self, exchange: &Exchange) -> Option<String> {
        let body = exchange.request.json().filter(|_| exchange.status() == Some(409))?;
        let name =
            ["userName", "displayName"].iter().find_map(|n| get_ci(body.as_object()?, n)?.as_str().map(str::to_owned));
        let known = name.is_some_and(|name| self.shadow.named(&name).next().is_some());
        (!known).then(|| "answered 409: who has that name already is not in the recording".to_owned())
    }

    /// True when a finding tells of a value that somebody blanked, or may follow from a request with such a value.
    fn is_about_blanks(&self, call: &Call, finding: &Finding) -> bool {
        let blank = |text: &str| {
            let pieces = text.split(['"', '\'', '/', ' ', ',', ':', '=']);
            (self.tape.is_blanked)(text) || pieces.filter(|p| p.len() >= 3).any(self.tape.is_blanked)
        };
        blank(&finding.expected)
            || blank(&finding.actual)
            || finding.message.as_deref().is_some_and(blank)
            || finding.because.as_ref().is_some_and(|step| self.blanked.contains(step))
            || call.id.as_ref().is_some_and(|id| self.doubted.contains(id))
            || (call.lists() && finding.because.is_some() && !self.doubted.is_empty())
    }

    fn report_step(&mut self, recorded: &Recorded, unknown: Option<String>) -> usize {
        let exchange = &recorded.exchange;
        self.steps.push(StepReport {
            id: recorded.id.clone(),
            title: recorded.title.clone(),
            outcome: if unknown.is_some() { Outcome::Skipped } else { Outcome::Passed },
            reason: unknown,
            added: false,
            line: 1,
            duration_ms: u64::try_from(exchange.duration.as_millis()).unwrap_or(u64::MAX),
            request: Some(self.redactor.request_report(exchange)),
            response: self.redactor.response_report(exchange),
            findings: Vec::new(),
        });
        self.steps.len() - 1
    }

    fn add(&mut self, at: usize, rule: &'static Rule, finding: Finding, exchange: &Arc<Exchange>) {
        let level = findings::effective_level(rule, &finding, self.options);
        let fails = findings::fails(level, self.options);
        let step = &mut self.steps[at];
        if !step.findings.iter().any(|r| r == rule.id) {
            step.findings.push(rule.id.to_owned());
        }
        if fails {
            step.outcome = Outcome::Failed;
        }
        let before = findings::before(&finding, &self.past);
        let raw = RawFinding {
            rule,
            level,
            fails,
            finding,
            impact: None,
            case: self.tape.name.to_owned(),
            scenario: self.tape.name.to_owned(),
            idp: self.tape.idp.to_owned(),
            evidence: "captured",
            step: step.id.clone(),
            exchange: exchange.clone(),
            before,
            user: None,
            group: None,
        };
        if self.told.insert(findings::place_key(&raw)) {
            self.findings.push(raw);
        }
    }

    fn finish(self) -> (CaseReport, Vec<RawFinding>, Tally) {
        let any = |outcome: Outcome| self.steps.iter().any(|s| s.outcome == outcome);
        let (outcome, reason) = match () {
            () if any(Outcome::Failed) => (Outcome::Failed, None),
            () if any(Outcome::Passed) => (Outcome::Passed, None),
            () => (Outcome::Skipped, Some("no exchange of the recording can be judged".to_owned())),
        };
        let case = CaseReport {
            scenario: self.tape.name.to_owned(),
            idp: self.tape.idp.to_owned(),
            dialect: None,
            title: self.tape.title.to_owned(),
            evidence: "captured".to_owned(),
            outcome,
            reason,
            duration_ms: u64::try_from(self.wire.as_millis()).unwrap_or(u64::MAX),
            steps: self.steps,
            file: self.tape.file.to_owned(),
        };
        (case, self.findings, self.tally)
    }
}

/// Ids that a body may refer to: values of members and managers, and paths of bulk operations.
fn references(body: &Value, out: &mut Vec<String>) {
    match body {
        Value::Array(items) => items.iter().for_each(|v| references(v, out)),
        Value::Object(map) => {
            for (key, member) in map {
                match key.to_ascii_lowercase().as_str() {
                    "value" | "manager" => out.extend(text_of(member)),
                    "path" => out.extend(member.as_str().and_then(|p| p.rsplit_once('/')).map(|(_, id)| id.to_owned())),
                    _ => {}
                }
                references(member, out);
            }
        }
        _ => {}
    }
}
