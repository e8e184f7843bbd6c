//! Plays one case: each step rendered, sent, judged, its values captured; after writes the read-back; at the end the sweep
//! and the clean-up.
//!
//! Order inside a step: rules on the exchange, then captures, then the step's own expectations.

mod expected;
mod later;
mod own;
mod plainer;
mod reduced;
mod rounds;
mod unmet;
mod verdict;

use super::advertised::Sample;
use super::blocked;
use super::findings::RawFinding;
use super::follow::Followed;
use super::judge::{self, Judged};
use super::{Case, Context, Played, Tally, progress};
use crate::engine::Outgoing;
use crate::engine::guard::Created;
use crate::engine::render;
use crate::engine::values::CaseValues;
use crate::event::{CaseReport, Outcome, StepReport};
use crate::exchange::{Exchange, FailureKind};
use crate::rules::view::Past;
use crate::scenario::model::{Expect, RequestSpec, Step};
use crate::shadow::{Call, Op, Shadow};
use own::Unwritable;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

pub(super) use later::remark as remark_on_lag;
pub(crate) use reduced::Told;
pub(super) use verdict::expects_refusal;

/// Earlier exchanges that rules can look at, and how many bytes of answers.
const MEMORY: usize = 400;
const MEMORY_BYTES: usize = 4 << 20;
/// An answer of more bytes is remembered without its tree.
const LARGE: usize = 4 << 10;
/// So many requests in a row without an answer (a timeout counts twice), and one more after them: then nobody is there.
const SILENCE: usize = 10;
/// Requests of a run that are sent once more because the server hung up on them.
const SENT_AGAIN: usize = 200;

/// Plays a case from first step to clean-up.
pub(super) async fn play(context: &Context, case: &Case, alone: bool) -> Played {
    context.progress.begin(&case.name());
    let mut player = Player::new(context, case, alone);
    if let Some(reason) = context.silent() {
        player.give_up(reason);
        return player.finish();
    }
    match (&context.switched_off, player.unmet()) {
        (Some(reason), _) => player.end(Outcome::Blocked, reason.clone()),
        (None, Some(reason)) => player.end(Outcome::Skipped, reason),
        (None, None) => {
            player.run().await;
            player.sweep().await;
            player.clean_up().await;
        }
    }
    context.progress.done(player.ahead);
    player.finish()
}

pub(super) struct Player<'a> {
    pub(super) context: &'a Context,
    pub(super) case: &'a Case,
    name: String,
    pub(super) values: CaseValues,
    pub(super) shadow: Shadow,
    /// What the target advertises beyond the RFCs, with values.
    sample: Sample,
    /// Why no values could be made for it.
    unmade: Option<String>,
    pub(super) past: Vec<Past>,
    past_bytes: usize,
    created: Created,
    /// Paths that were there before this run.
    pub(super) strangers: BTreeSet<String>,
    /// Paths where nobody is.
    vacant: BTreeSet<String>,
    failed_rounds: HashMap<String, usize>,
    /// What was found already, so that the same in a hundred thousand rounds is kept once.
    told: HashSet<String>,
    /// Rounds of steps that are still to come.
    ahead: usize,
    pub(super) steps: Vec<StepReport>,
    findings: Vec<RawFinding>,
    tally: Tally,
    job: super::job::Count,
    /// How often a contradiction was asked about once more.
    pub(super) asked_again: usize,
    /// Creates that were asked for with less.
    pub(super) tried: usize,
    /// How often somebody was read before a request was judged.
    pub(super) looked_first: usize,
    pub(super) followed: Followed,
    pub(super) left_behind: Vec<String>,
    alone: bool,
    /// First step after which expectations only repeat what is known: a write was refused or a rule failed.
    broken: Option<String>,
    /// The first write that was refused although nothing was wrong with it.
    refused: Option<blocked::Refusal>,
    pub(super) reason: Option<String>,
    pub(super) error: bool,
    /// How the case ended before its first step.
    unplayed: Option<Outcome>,
    wire: Duration,
}

impl<'a> Player<'a> {
    fn new(context: &'a Context, case: &'a Case, alone: bool) -> Self {
        let name = case.name();
        let mut values = CaseValues::new(
            &case.scenario,
            &case.profile,
            &context.options.volume,
            context.http.target().base_url.as_str(),
            (context.options.seed, &context.run_id),
            &name,
            context.options.mail_domain.as_deref(),
        );
        let own = super::advertised::Values { run: &values.run, domain: values.domain() };
        let sample = case.subject.as_ref().map(|s| super::advertised::sample(s, own));
        let (sample, unmade) = match sample {
            Some(Ok(sample)) => (sample, None),
            Some(Err(reason)) => (Sample::default(), Some(reason)),
            None => (Sample::default(), None),
        };
        values.add_known("type", sample.of_type.clone());
        Self {
            context,
            case,
            name,
            sample,
            unmade,
            values,
            shadow: Shadow::new(context.target.clone()),
            past: Vec::new(),
            past_bytes: 0,
            created: Created::default(),
            strangers: BTreeSet::new(),
            vacant: BTreeSet::new(),
            failed_rounds: HashMap::new(),
            told: HashSet::new(),
            ahead: progress::planned(case, &context.options.volume),
            steps: Vec::new(),
            findings: Vec::new(),
            tally: Tally::new(),
            job: super::job::Count::default(),
            asked_again: 0,
            tried: 0,
            looked_first: 0,
            followed: Followed::default(),
            left_behind: Vec::new(),
            alone,
            broken: None,
            refused: None,
            reason: None,
            error: false,
            unplayed: None,
            wire: Duration::ZERO,
        }
    }

    /// The case is not played.
    fn end(&mut self, outcome: Outcome, reason: String) {
        self.unplayed = Some(outcome);
        self.reason = Some(reason);
    }

    /// The rest of the case cannot be played.
    fn give_up(&mut self, reason: String) {
        self.reason = Some(reason);
        self.error = true;
    }

    async fn run(&mut self) {
        let scenario = self.case.scenario.clone();
        let dialect = self.case.dialect.as_ref().map(|d| d.name.clone());
        let last_wanted = self.last_wanted(&scenario.steps);
        let mut steps = scenario.steps.iter().enumerate().peekable();
        while let Some((index, step)) = steps.next() {
            if self.context.stop.load(Ordering::SeqCst) {
                return self.give_up("interrupted".to_owned());
            }
            if let Some(reason) = self.context.silent() {
                return self.give_up(reason);
            }
            let mut together = vec![(index, step)];
            while let Some(next) = steps.next_if(|(_, next)| next.joined) {
                together.push(next);
            }
            together.retain(|(index, step)| {
                let foreign = !step.dialects.is_empty() && !dialect.as_ref().is_some_and(|d| step.dialects.contains(d));
                !foreign && last_wanted.is_none_or(|last| *index <= last)
            });
            let together: Vec<&Step> = together.into_iter().map(|(_, step)| step).collect();
            self.steps_in_rounds(&together).await;
        }
    }

    /// Renders a request, or says why it cannot be sent.
    async fn prepare(&mut self, step: &Step, spec: &RequestSpec) -> Option<Outgoing> {
        let out = match render::request(spec, &self.case.scenario, &self.case.profile, &self.values) {
            Ok(out) => self.completed(out, step),
            Err(missing) => {
                self.note(step, Outcome::Blocked, format!("{missing}: an earlier step gave none"));
                return None;
            }
        };
        if let Some(why) = self.context.http.lacks_form(spec.auth) {
            self.note(step, Outcome::Skipped, why);
            return None;
        }
        // Requests to ids that nobody has are part of many scenarios; the fence is for what exists and is not ours.
        if self.context.options.guard.read_only
            && let Err(reason) = self.context.options.guard.check(&out, &Created::default())
        {
            self.note(step, Outcome::Skipped, reason);
            return None;
        }
        if let Some(reason) = self.fenced(&out).await {
            self.note(step, Outcome::Skipped, reason);
            return None;
        }
        Some(out)
    }

    async fn send_one(&mut self, step: &Step, spec: &RequestSpec, round: Option<u64>) {
        let Some(out) = self.prepare(step, spec).await else { return };
        let Ok(exchange) = self.exchange(out).await else { return };
        self.look_first(step, &exchange, round).await;
        let mut judged = self.judge(&exchange, &step.id, true, step.expect.as_ref());
        self.confirm(&exchange, &mut judged).await;
        self.ask_later(&exchange, &mut judged).await;
        self.follow(&exchange, &mut judged).await;
        self.look_into(&exchange, &mut judged).await;
        let plainer = self.plainer(step, &exchange, &mut judged).await;
        let at = self.report_step(step, &step.id, &exchange, None);
        self.take_findings(at, step, &exchange, &judged);
        self.count(step, &exchange, &judged);
        self.capture(step, &exchange, at);
        self.expect(step, &exchange, &judged, at);
        for one in &plainer {
            let at = self.report_step(step, &format!("{}/plainer", step.id), &one.exchange, Some("In a plainer form"));
            self.take_findings(at, step, &one.exchange, &one.judged);
        }
        if plainer.is_empty() {
            self.remember(&step.id, judged.call.clone(), exchange.clone());
        }
        self.thin(at, round);
        if step.verify {
            self.read_back(step, &judged.call, &exchange, round).await;
        }
    }

    async fn send_many(&mut self, step: &Step, specs: &[RequestSpec]) {
        let mut outs = Vec::new();
        for spec in specs {
            let Some(out) = self.prepare(step, spec).await else { return };
            outs.push(out);
        }
        let mut intents = Vec::new();
        for out in &outs {
            let Ok(announced) = self.announce(out) else { return };
            intents.push(announced);
        }
        let (http, patience, raw) = (self.context.http.clone(), self.context.patience.clone(), self.about_limits());
        let mut flights = tokio::task::JoinSet::new();
        for (index, out) in outs.into_iter().enumerate() {
            let (http, patience) = (http.clone(), patience.clone());
            flights.spawn(async move {
                let exchange = if raw { http.send(out).await } else { patience.send(&http, &out).await };
                (index, exchange)
            });
        }
        let mut landed: Vec<(usize, Exchange)> = Vec::new();
        while let Some(Ok(one)) = flights.join_next().await {
            landed.push(one);
        }
        landed.sort_by_key(|(index, _)| *index);
        let mut exchanges = Vec::new();
        for (index, exchange) in landed {
            let announced = intents.get_mut(index).map(std::mem::take).unwrap_or_default();
            self.settle(announced, &exchange);
            self.heard(&exchange).await;
            exchanges.push(Arc::new(exchange));
        }
        // What was accepted happened; what was refused is judged in its light, whatever the order on the wire was.
        exchanges.sort_by_key(|e| !e.accepted());
        let mut targets: Vec<(Call, Arc<Exchange>)> = Vec::new();
        for exchange in exchanges {
            let mut judged = self.judge(&exchange, &step.id, false, step.expect.as_ref());
            self.follow(&exchange, &mut judged).await;
            let at = self.report_step(step, &step.id, &exchange, None);
            self.take_findings(at, step, &exchange, &judged);
            self.count(step, &exchange, &judged);
            self.capture(step, &exchange, at);
            self.expect(step, &exchange, &judged, at);
            self.remember(&step.id, judged.call.clone(), exchange.clone());
            if !targets
                .iter()
                .any(|(c, _)| c.id == judged.call.id && c.endpoint == judged.call.endpoint && c.op != Op::Create)
            {
                targets.push((judged.call, exchange));
            }
        }
        if step.verify {
            for (call, exchange) in targets {
                self.read_back(step, &call, &exchange, None).await;
            }
        }
    }

    /// Announces a create, sends, settles the announcement.
    pub(super) async fn exchange(&mut self, out: Outgoing) -> Result<Arc<Exchange>, Unwritable> {
        let announced = self.announce(&out)?;
        let mut exchange = match self.about_limits() {
            true => {
                if let Some(last) = self.past.last() {
                    self.context.patience.heed(&last.exchange).await;
                }
                self.context.http.send(out.clone()).await
            }
            false => self.context.patience.send(&self.context.http, &out).await,
        };
        // A create without an answer stays open in the journal, also where the second try is answered: it may have made one of two.
        self.settle(announced, &exchange);
        if exchange.hung_up() {
            self.ask_once_more(out, &mut exchange).await?;
        }
        self.wire += exchange.duration;
        if let Err(failure) = &exchange.outcome {
            self.reason
                .get_or_insert_with(|| format!("{} {}: {failure}", exchange.request.method, exchange.request.url));
        }
        self.heard(&exchange).await;
        Ok(Arc::new(exchange))
    }

    /// A connection may end for many reasons (after a crash, or an answer that it could not end, many a server closes the one that it
    /// just answered on). Who answers a harmless request, and hangs up once more on this one, crashes on it; what is done at the
    /// second try counts.
    async fn ask_once_more(&mut self, out: Outgoing, first: &mut Exchange) -> Result<(), Unwritable> {
        if self.context.sent_again.fetch_add(1, Ordering::Relaxed) >= SENT_AGAIN
            || self.context.http.send(self.added_read("/ServiceProviderConfig", 0)).await.outcome.is_err()
        {
            return Ok(());
        }
        // Of a bulk request that was done the first time, each part is answered otherwise the second time.
        let may_count = !out.target.to_ascii_lowercase().starts_with("/bulk");
        let announced = self.announce(&out)?;
        let again = self.context.http.send(out).await;
        self.settle(announced, &again);
        match &mut first.outcome {
            Err(failure) if again.hung_up() => failure.repeated = true,
            Err(_) if may_count && again.accepted() => *first = again,
            _ => {}
        }
        Ok(())
    }

    /// Scenarios that play what an identity provider makes of a 429 see it themselves.
    fn about_limits(&self) -> bool {
        self.case.scenario.tags.iter().any(|t| t == "rate-limit" || t == "throttling")
    }

    /// Counts requests without an answer. After many in a row, a harmless one decides whether there is any sense in going on.
    pub(super) async fn heard(&mut self, exchange: &Exchange) {
        let weight = match exchange.outcome.as_ref().map_err(|f| f.kind) {
            Ok(_) => return self.context.unanswered.store(0, Ordering::Relaxed),
            Err(FailureKind::Refusal) => return,
            Err(FailureKind::Timeout) => 2,
            Err(_) => 1,
        };
        let before = self.context.unanswered.fetch_add(weight, Ordering::Relaxed);
        if before == 0 {
            let first = format!("{} {} in {}", exchange.request.method, exchange.request.path, self.name);
            *self.context.first_unanswered.lock().unwrap_or_else(PoisonError::into_inner) = Some(first);
        }
        if before < SILENCE && before + weight >= SILENCE {
            let last = self.context.http.send(self.added_read("/ServiceProviderConfig", 0)).await;
            match last.outcome {
                Ok(_) => self.context.unanswered.store(0, Ordering::Relaxed),
                Err(failure) => self.context.fall_silent(&self.context.redactor.text(&failure.message)),
            }
        }
    }

    pub(super) fn judge(
        &mut self,
        exchange: &Arc<Exchange>,
        step: &str,
        settled: bool,
        expect: Option<&Expect>,
    ) -> Judged {
        let target = self.context.target.clone();
        let place = judge::Place {
            step,
            earlier: &self.past,
            alone: self.alone,
            settled,
            statuses: expect.map_or(&[], |e| e.status.as_slice()),
        };
        judge::judge(exchange, &mut self.shadow, &target, &place, &mut self.tally)
    }

    pub(super) fn remember(&mut self, step: &str, call: Call, exchange: Arc<Exchange>) {
        if self.past.len() >= MEMORY {
            self.past.drain(..MEMORY / 2);
            self.past_bytes = self.past.iter().map(|p| answer_bytes(&p.exchange)).sum();
        }
        let large = answer_bytes(&exchange) > LARGE;
        let exchange = if large { Arc::new(exchange.unparsed()) } else { exchange };
        self.past_bytes += answer_bytes(&exchange);
        while self.past_bytes > MEMORY_BYTES && !self.past.is_empty() {
            self.past_bytes -= answer_bytes(&self.past.remove(0).exchange);
        }
        self.past.push(Past { step: step.to_owned(), call, exchange });
    }

    /// A step without an exchange.
    fn note(&mut self, step: &Step, outcome: Outcome, reason: String) {
        if self.steps.last().is_some_and(|s| s.id == step.id && s.outcome == outcome) {
            return;
        }
        self.steps.push(StepReport {
            id: step.id.clone(),
            title: step.title.clone(),
            outcome,
            reason: Some(reason),
            added: false,
            line: step.line,
            duration_ms: 0,
            request: None,
            response: None,
            findings: Vec::new(),
        });
    }

    pub(super) fn report_step(&mut self, step: &Step, id: &str, exchange: &Exchange, added: Option<&str>) -> usize {
        let keep = self.context.options.keep_http;
        let failure = exchange.outcome.as_ref().err().map(|f| self.context.redactor.text(&f.message));
        self.steps.push(StepReport {
            id: id.to_owned(),
            title: added.map_or_else(|| step.title.clone(), |what| format!("{what}: {}", step.title)),
            outcome: if failure.is_some() { Outcome::Error } else { Outcome::Passed },
            reason: failure,
            added: added.is_some(),
            line: step.line,
            duration_ms: u64::try_from(exchange.duration.as_millis()).unwrap_or(u64::MAX),
            request: keep.then(|| self.context.redactor.request_report(exchange)),
            response: if keep { self.context.redactor.response_report(exchange) } else { None },
            findings: Vec::new(),
        });
        self.steps.len() - 1
    }

    fn capture(&mut self, step: &Step, exchange: &Arc<Exchange>, at: usize) {
        let types = &self.context.target.types;
        for capture in &step.capture {
            match render::at(&capture.from, exchange, types, &self.values)
                .filter(|v| !v.is_null() && v.as_str() != Some(""))
            {
                // An id is a text to every identity provider, also where a server shows a number.
                Some(Value::Number(id)) if capture.name.ends_with(".id") => {
                    self.values.capture(&capture.name, Value::String(id.to_string()))
                }
                Some(value) => self.values.capture(&capture.name, value),
                None if capture.optional => self.values.forget(&capture.name),
                None => {
                    let reason = format!("gave no `{}`", capture.name);
                    self.steps[at].reason.get_or_insert(reason);
                }
            }
        }
    }

    fn finish(self) -> Played {
        let any = |o: Outcome| self.steps.iter().any(|s| s.outcome == o);
        let ran = self.steps.iter().any(|s| !matches!(s.outcome, Outcome::Skipped));
        let outcome = if let Some(outcome) = self.unplayed {
            outcome
        } else if any(Outcome::Failed) {
            Outcome::Failed
        } else if self.error || any(Outcome::Error) {
            Outcome::Error
        } else if any(Outcome::Blocked) {
            Outcome::Blocked
        } else if !ran {
            Outcome::Skipped
        } else {
            Outcome::Passed
        };
        let from_steps = |o: Outcome| self.steps.iter().find(|s| s.outcome == o).and_then(|s| s.reason.clone());
        let reason = match outcome {
            Outcome::Passed => None,
            Outcome::Skipped => self
                .reason
                .clone()
                .or_else(|| from_steps(Outcome::Skipped))
                .or_else(|| Some("no step of it is wanted here".to_owned())),
            Outcome::Blocked => from_steps(Outcome::Blocked).or_else(|| self.reason.clone()),
            _ => self.reason.clone().or_else(|| from_steps(Outcome::Error)),
        };
        let report = CaseReport {
            scenario: self.case.scenario.id.clone(),
            idp: self.case.scenario.idp.clone(),
            dialect: self.case.dialect.as_ref().map(|d| d.name.clone()),
            title: self.case.scenario.title.clone(),
            evidence: self.case.scenario.evidence.name().to_owned(),
            outcome,
            reason,
            duration_ms: u64::try_from(self.wire.as_millis()).unwrap_or(u64::MAX),
            steps: self.steps,
            file: self.case.scenario.file.clone(),
        };
        Played {
            refused: self.refused.filter(|_| outcome == Outcome::Blocked),
            report: Arc::new(report),
            findings: self.findings,
            tally: self.tally,
            job: self.job,
            left_behind: self.left_behind,
        }
    }
}

fn answer_bytes(exchange: &Exchange) -> usize {
    exchange.response().map_or(0, |r| r.body.len())
}
