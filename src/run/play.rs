//! Plays one case: each step rendered, sent, judged, its values captured; after writes the read-back; at the end the sweep
//! and the clean-up.
//!
//! Order inside a step: rules on the exchange, then captures, then the step's own expectations.

mod own;

use super::advertised::Sample;
use super::blocked;
use super::findings::{self, RawFinding};
use super::follow::Followed;
use super::judge::{self, Judged};
use super::walk::Walk;
use super::{Case, Context, Played, Tally, progress};
use crate::engine::Outgoing;
use crate::engine::guard::Created;
use crate::engine::render;
use crate::engine::values::CaseValues;
use crate::event::{CaseReport, Outcome, StepReport};
use crate::exchange::{AuthKind, Exchange, FailureKind, Response};
use crate::profile::provider::ProviderProfile;
use crate::rules::view::Past;
use crate::rules::{Finding, Level, Rule};
use crate::scenario::model::{
    Action, AttributeClass, Expect, Matcher, Need, Place, Repeat, RequestSpec, Step, is_changed,
};
use crate::scenario::names::ADVERTISED;
use crate::scenario::template::Values;
use crate::scim::schema::{Mutability, ResourceType, Returned};
use crate::shadow::{Call, Choice, Expectation, Op, Reason, Shadow};
use own::Unwritable;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Earlier exchanges that rules can look at, and how many bytes of answers.
const MEMORY: usize = 400;
const MEMORY_BYTES: usize = 4 << 20;
/// An answer of more bytes is remembered without its tree.
const LARGE: usize = 4 << 10;
/// What a finding keeps of a body.
const FINDING_BYTES: usize = crate::report::redact::BODY_LIMIT;
/// So many requests in a row without an answer (a timeout counts twice), and one more after them: then nobody is there.
const SILENCE: usize = 10;
/// Rounds of one repeated step that are kept in the report when nothing was found in them.
const SHOWN_ROUNDS: u64 = 20;
/// Further rounds of it that are kept because something was found in them.
const FAILED_ROUNDS: usize = 100;

/// Plays a case from first step to clean-up.
pub(super) async fn play(context: &Context, case: &Case, alone: bool) -> Played {
    context.progress.begin(&case.name());
    let mut player = Player::new(context, case, alone);
    if let Some(reason) = context.silent() {
        player.give_up(reason);
        return player.finish();
    }
    match player.unmet() {
        Some(reason) => player.skip_case(reason),
        None => {
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
    pub(super) followed: Followed,
    pub(super) left_behind: Vec<String>,
    alone: bool,
    /// First step after which expectations only repeat what is known: a write was refused or a rule failed.
    broken: Option<String>,
    /// The first write that was refused although nothing was wrong with it.
    refused: Option<blocked::Refusal>,
    pub(super) reason: Option<String>,
    pub(super) error: bool,
    skipped: bool,
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
        );
        let sample = case.subject.as_ref().map(|s| super::advertised::sample(s, &values.run));
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
            followed: Followed::default(),
            left_behind: Vec::new(),
            alone,
            broken: None,
            refused: None,
            reason: None,
            error: false,
            skipped: false,
            wire: Duration::ZERO,
        }
    }

    /// Why the whole case cannot be played.
    fn unmet(&self) -> Option<String> {
        if self.context.stop.load(Ordering::SeqCst) {
            return Some("the run was interrupted".to_owned());
        }
        if let Some(refused) = &self.context.access_refused {
            let about_access = self.case.scenario.tags.iter().any(|t| t == "auth" || t == "connection-test")
                || self.case.scenario.id.ends_with("connection-test")
                || self.case.scenario.id == "rfc/auth";
            if !about_access {
                return Some(refused.clone());
            }
        }
        if self.context.options.guard.read_only && self.case.scenario.steps.iter().any(writes) {
            return Some("--read-only: the case writes".to_owned());
        }
        if self.unmade.is_some() {
            return self.unmade.clone();
        }
        self.foreign_product().or_else(|| self.case.scenario.needs.iter().find_map(|need| self.lacking(*need)))
    }

    fn lacking(&self, need: Need) -> Option<String> {
        if let Some(provider) = self.provider()
            && !self.context.options.forced.contains(&need)
            && let Some(reason) = provider.lacks(need)
        {
            return Some(reason);
        }
        self.context.target.lacks(need)
    }

    pub(super) fn provider(&self) -> Option<&'a ProviderProfile> {
        self.context.options.provider.as_deref()
    }

    /// Scenarios tagged `provider:NAME` and `only-provider` play one product's own promises.
    fn foreign_product(&self) -> Option<String> {
        let tags = &self.case.scenario.tags;
        let meant: Vec<&str> = tags.iter().filter_map(|t| t.strip_prefix("provider:")).collect();
        let own = self.provider().is_some_and(|p| meant.contains(&p.name.as_str()));
        (tags.iter().any(|t| t == "only-provider") && !own)
            .then(|| format!("plays what {} documents: choose it with --provider", meant.join(" and ")))
    }

    fn skip_case(&mut self, reason: String) {
        self.skipped = true;
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

    /// With `--only`, the index of the last step that is asked for: what stands before it is played, too.
    fn last_wanted(&self, steps: &[Step]) -> Option<usize> {
        let only = &self.context.options.only;
        (!only.is_empty()).then(|| {
            steps.iter().rposition(|s| only.iter().any(|o| o.split('/').next() == Some(s.id.as_str()))).unwrap_or(0)
        })
    }

    /// Plays steps that belong together: in each round one after the other.
    async fn steps_in_rounds(&mut self, steps: &[&Step]) {
        let mut playable = Vec::new();
        for step in steps {
            match step.needs.iter().find_map(|n| self.lacking(*n)) {
                None => playable.push(*step),
                Some(reason) => {
                    // What later steps expect of a write that was not sent is no news either.
                    if matches!(&step.action, Action::Send(spec) if !matches!(spec.method.as_str(), "GET" | "HEAD")) {
                        self.broken.get_or_insert_with(|| step.id.clone());
                    }
                    self.note(step, Outcome::Skipped, reason);
                }
            }
        }
        match playable.first().and_then(|step| step.repeat.as_ref()) {
            None => self.rounds(&playable, None).await,
            Some(Repeat::Count { name, from, count }) => {
                for n in 0..*count {
                    self.values.set_variable(name, Value::from(from + n));
                    self.rounds(&playable, Some(n + 1)).await;
                }
            }
            Some(Repeat::Each { name, items }) => {
                for (n, item) in (1..).zip(items) {
                    if let Ok(text) = item.render(&self.values) {
                        self.values.set_variable(name, Value::String(text));
                        self.rounds(&playable, Some(n)).await;
                    }
                }
            }
            Some(Repeat::Crowd { name, crowd, changed, beside }) => {
                let percent = changed.map(|own| self.context.options.volume.changes.unwrap_or(own));
                let everyone = 1..=self.values.crowd_size(crowd);
                let chosen = everyone.filter(|n| percent.is_none_or(|p| is_changed(*n, p)));
                for (round, n) in (1..).zip(chosen) {
                    self.values.set_variable(name, Value::String(format!("{crowd}.{n}")));
                    for (other, among) in beside {
                        let number = (n - 1) % self.values.crowd_size(among).max(1) + 1;
                        self.values.set_variable(other, Value::String(format!("{among}.{number}")));
                    }
                    self.rounds(&playable, Some(round)).await;
                }
            }
            Some(Repeat::Advertised { name, class }) => self.each_attribute(&playable, name, *class).await,
            Some(Repeat::Until { name, from, condition, limit }) => {
                let mut walk = Walk::default();
                for n in 0..*limit {
                    self.values.set_variable(name, Value::from(from + n));
                    self.rounds(&playable, Some(n + 1)).await;
                    let last = self.past.last().map(|past| &past.exchange);
                    let page = last.and_then(|e| Some((e.request.url.as_str(), e.json()?)));
                    let stuck = page.is_some_and(|(url, list)| !walk.moves(url, list));
                    if render::holds(condition, &self.values) || self.error || stuck {
                        break;
                    }
                }
            }
        }
    }

    async fn rounds(&mut self, steps: &[&Step], round: Option<u64>) {
        for step in steps {
            self.round(step, round).await;
        }
        let again = steps.first().is_some_and(|s| matches!(s.repeat, Some(Repeat::Until { .. }))) && round > Some(1);
        if again {
            self.context.progress.more(steps.len());
        } else {
            self.ahead = self.ahead.saturating_sub(steps.len());
        }
        self.context.progress.done(steps.len());
    }

    /// One round for each advertised attribute of a class; a class without any is told as such.
    async fn each_attribute(&mut self, steps: &[&Step], name: &str, class: AttributeClass) {
        let of_class = self.sample.attributes.iter().filter(|(classes, _)| classes.contains(&class));
        let found: Vec<_> = of_class.map(|(_, values)| values.clone()).collect();
        if found.is_empty() {
            for step in steps {
                self.note(step, Outcome::Skipped, "no advertised attribute is of that kind".to_owned());
            }
            return;
        }
        for (n, values) in found.into_iter().enumerate() {
            self.values.add_known(ADVERTISED, values);
            self.values.set_variable(name, Value::String(ADVERTISED.to_owned()));
            self.rounds(steps, Some(n as u64 + 1)).await;
        }
    }

    async fn round(&mut self, step: &Step, round: Option<u64>) {
        if self.error || self.context.stop.load(Ordering::SeqCst) || self.context.silent().is_some() {
            return;
        }
        if !step.when.iter().all(|c| render::holds(c, &self.values)) {
            if round.is_none() {
                self.note(step, Outcome::Skipped, "its condition does not hold here".to_owned());
            }
            return;
        }
        match &step.action {
            Action::Pause(duration) => {
                if self.context.options.real_time {
                    tokio::time::sleep(*duration).await;
                }
            }
            Action::Send(spec) => self.send_one(step, spec, round).await,
            Action::Parallel(specs) => self.send_many(step, specs).await,
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
        if spec.auth == AuthKind::Other && self.context.http.target().other.is_none() {
            self.note(step, Outcome::Skipped, "no second tenant: give --other-token-env".to_owned());
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
        let mut judged = self.judge(&exchange, &step.id, true, step.expect.as_ref());
        self.confirm(&exchange, &mut judged).await;
        self.follow(&exchange, &mut judged).await;
        let at = self.report_step(step, &step.id, &exchange, false);
        self.take_findings(at, step, &exchange, &judged);
        self.count(step, &exchange, &judged);
        self.capture(step, &exchange, at);
        self.expect(step, &exchange, &judged, at);
        self.remember(&step.id, judged.call.clone(), exchange.clone());
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
                let exchange = if raw { http.send(out).await } else { patience.send(&http, out).await };
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
            let at = self.report_step(step, &step.id, &exchange, false);
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
        let exchange = match self.about_limits() {
            true => self.context.http.send(out).await,
            false => self.context.patience.send(&self.context.http, out).await,
        };
        self.settle(announced, &exchange);
        self.wire += exchange.duration;
        if let Err(failure) = &exchange.outcome {
            self.reason
                .get_or_insert_with(|| format!("{} {}: {failure}", exchange.request.method, exchange.request.url));
        }
        self.heard(&exchange).await;
        Ok(Arc::new(exchange))
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

    /// Takes a verdict back.
    pub(super) fn acquit(&mut self, rule: &'static str) {
        if let Some((_, failed)) = self.tally.get_mut(rule) {
            *failed = failed.saturating_sub(1);
        }
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

    pub(super) fn report_step(&mut self, step: &Step, id: &str, exchange: &Exchange, added: bool) -> usize {
        let keep = self.context.options.keep_http;
        let failure = exchange.outcome.as_ref().err().map(|f| self.context.redactor.text(&f.message));
        self.steps.push(StepReport {
            id: id.to_owned(),
            title: if added { format!("Read back after: {}", step.title) } else { step.title.clone() },
            outcome: if failure.is_some() { Outcome::Error } else { Outcome::Passed },
            reason: failure,
            added,
            line: step.line,
            duration_ms: u64::try_from(exchange.duration.as_millis()).unwrap_or(u64::MAX),
            request: keep.then(|| self.context.redactor.request_report(exchange)),
            response: if keep { self.context.redactor.response_report(exchange) } else { None },
            findings: Vec::new(),
        });
        self.steps.len() - 1
    }

    pub(super) fn take_findings(&mut self, at: usize, step: &Step, exchange: &Arc<Exchange>, judged: &Judged) {
        for (rule, finding) in &judged.findings {
            self.add_finding(at, step, exchange, rule, finding.clone());
        }
        let write = matches!(judged.call.op, Op::Create | Op::Replace | Op::Patch | Op::Delete | Op::Bulk);
        // An identity provider sends nothing that it knows to be wrong: what the target's own schema makes it refuse is a
        // write that did not happen, too.
        let only_here = judged.forecast.reason == Some(Reason::MissingRequired)
            && crate::shadow::name_attribute(&judged.call.endpoint) != judged.forecast.detail;
        let meant = judged.forecast.expect != Expectation::Refuse
            || only_here
            || (self.case.scenario.idp != "rfc" && !expects_refusal(step.expect.as_ref()));
        // A refusal that the step itself names is no slip: what comes after it is written with it in mind.
        let turned_down =
            write && !exchange.accepted() && !names(step, exchange) && meant && judged.call.authenticated();
        if turned_down && self.refused.is_none() {
            self.refused = blocked::Refusal::of(exchange, &judged.call);
        }
        if turned_down || exchange.outcome.is_err() {
            self.broken.get_or_insert_with(|| self.steps[at].id.clone());
        }
        if self.steps[at].outcome == Outcome::Passed
            && let Some(reason) = self.put_off(step, exchange, judged)
        {
            self.steps[at].outcome = Outcome::Error;
            self.steps[at].reason.get_or_insert(reason);
            self.broken.get_or_insert_with(|| self.steps[at].id.clone());
        }
    }

    /// What the exchange means for the job as a whole.
    fn count(&mut self, step: &Step, exchange: &Exchange, judged: &Judged) {
        if !super::job::belongs(&self.case.scenario) || !judged.call.authenticated() {
            return;
        }
        let meant = judged.forecast.expect == Expectation::Refuse || names(step, exchange);
        self.job.take(judged, exchange, meant, || format!("{} › {}", self.name, step.id));
    }

    /// "Not now" and "not here" say nothing about the server's SCIM. What was not answered must not pass for tested.
    fn put_off(&self, step: &Step, exchange: &Exchange, judged: &Judged) -> Option<String> {
        let status = exchange.status()?;
        let named = names(step, exchange);
        let asked_for = |header| exchange.request.header(header).is_some();
        let about_limits = self.case.scenario.tags.iter().any(|t| t == "rate-limit");
        if named || !judged.call.authenticated() || judged.call.op == Op::Other {
            return None;
        }
        match status {
            429 if !about_limits => {
                Some("answered 429: the server wants fewer requests; --rate slows the run down".to_owned())
            }
            // "Not now, but at once": to a scenario that is about limits the same as 429.
            503 if !(about_limits && exchange.response().is_some_and(super::patience::busy)) => {
                Some("answered 503: the server is not available".to_owned())
            }
            304 if asked_for("if-none-match") || asked_for("if-modified-since") => None,
            301..=303 | 307 | 308 => {
                let to = exchange.response().and_then(|r| r.header("location")).unwrap_or("nowhere");
                let to = self.context.redactor.url(to);
                Some(format!(
                    "answered {status}, a redirect to {to}: it is not followed, because the token must not go there; if the service is there, give that as --base-url"
                ))
            }
            300..=399 => Some(format!("answered {status}, which is no answer to this request")),
            _ => None,
        }
    }

    fn add_finding(
        &mut self,
        at: usize,
        step: &Step,
        exchange: &Arc<Exchange>,
        rule: &'static Rule,
        mut finding: Finding,
    ) {
        let judged = findings::effective_level(rule, &finding, &self.context.options);
        let judged = (judged, findings::fails(judged, &self.context.options));
        let breaks = matches!(judged.0, Level::Must | Level::Idp);
        let (level, fails) = {
            let place = (self.name.as_str(), self.steps[at].id.as_str(), exchange.status());
            findings::by_document(self.provider(), rule, &mut finding, place, judged)
        };
        let report = &mut self.steps[at];
        if !report.findings.iter().any(|r| r == rule.id) {
            report.findings.push(rule.id.to_owned());
        }
        if fails {
            report.outcome = Outcome::Failed;
        }
        // What follows from a documented deviation follows from it all the same.
        if breaks || fails {
            self.broken.get_or_insert_with(|| report.id.clone());
        }
        let (user, group) = self.values.names();
        let raw = RawFinding {
            rule,
            level,
            fails,
            finding,
            impact: step.impact,
            case: self.name.clone(),
            scenario: self.case.scenario.id.clone(),
            idp: self.case.scenario.idp.clone(),
            evidence: self.case.scenario.evidence.name(),
            step: report.id.clone(),
            exchange: slim(exchange),
            user,
            group,
        };
        if self.told.insert(findings::place_key(&raw)) {
            self.findings.push(raw);
        }
    }

    fn capture(&mut self, step: &Step, exchange: &Arc<Exchange>, at: usize) {
        let types = &self.context.target.types;
        for capture in &step.capture {
            match render::at(&capture.from, exchange, types, &self.values)
                .filter(|v| !v.is_null() && v.as_str() != Some(""))
            {
                Some(value) => self.values.capture(&capture.name, value),
                None if capture.optional => self.values.forget(&capture.name),
                None => {
                    let reason = format!("gave no `{}`", capture.name);
                    self.steps[at].reason.get_or_insert(reason);
                }
            }
        }
    }

    fn expect(&mut self, step: &Step, exchange: &Arc<Exchange>, judged: &Judged, at: usize) {
        let Some(expect) = &step.expect else { return };
        if exchange.outcome.is_err() {
            return;
        }
        let missed = self.missed(expect, exchange, &judged.call);
        let Some((place, expected, actual)) = missed.first().cloned() else { return };
        if let Some(reason) = foreseen(judged, exchange, &self.context.target) {
            if self.steps[at].outcome == Outcome::Passed {
                self.steps[at].outcome = Outcome::Blocked;
                self.steps[at].reason = Some(reason);
            }
            return;
        }
        // A failure that a rule has told already, or that follows from an earlier one, is no news.
        let told = judged.findings.iter().any(|(rule, f)| {
            findings::effective_level(rule, f, &self.context.options) != Level::Note
                || (place == "status" && f.at == "status")
        });
        if told || self.broken.is_some() {
            if let Some(cause) = self.broken.clone().filter(|c| *c != self.steps[at].id)
                && self.steps[at].outcome == Outcome::Passed
            {
                self.steps[at].outcome = Outcome::Blocked;
                self.steps[at].reason = Some(format!("follows from {cause}"));
            }
            return;
        }
        let (rule, finding) = findings::unexpected(expect, &self.case.scenario, step, &place, &expected, &actual);
        self.add_finding(at, step, exchange, rule, finding);
    }

    /// What the answer lacks of what the step expects: place, expected, actual.
    fn missed(&self, expect: &Expect, exchange: &Exchange, call: &Call) -> Vec<(String, String, String)> {
        let mut out = Vec::new();
        let status = exchange.status().unwrap_or(0);
        // A query that may be refused with 400 may be one that is not offered (RFC 7644 §3.12, Table 8: 501).
        let declined = status == 501 && matches!(call.op, Op::List | Op::Search);
        let allowed = |s: &crate::scenario::model::StatusSpec| s.allows(status) || (declined && s.allows(400));
        if !expect.status.is_empty() && !expect.status.iter().any(allowed) {
            out.push(("status".to_owned(), findings::statuses(&expect.status), status.to_string()));
        }
        let types = &self.context.target.types;
        let shown = |v: Option<&Value>| v.map_or_else(|| "nothing".to_owned(), crate::rules::view::short);
        let mut test = |label: String, value: Option<Value>, matcher: &Matcher| {
            if let Some(expected) = render::test(matcher, value.as_ref(), &self.values) {
                out.push((label, expected, shown(value.as_ref())));
            }
        };
        for (place, matcher) in &expect.body {
            if self.not_on_offer(place, call) {
                continue;
            }
            let value = render::at(place, exchange, types, &self.values);
            test(findings::place_label(place, &self.values as &dyn Values), value, matcher);
        }
        for (name, matcher) in &expect.headers {
            let value = exchange.response().and_then(|r| r.header(name)).map(|v| Value::String(v.to_owned()));
            test(format!("header {name}"), value, matcher);
        }
        out
    }

    /// True for an attribute that the target's schema does not declare, or does not return without being asked.
    fn not_on_offer(&self, place: &Place, call: &Call) -> bool {
        let Place::Scim(template) = place else { return false };
        let target = &self.context.target;
        let (Ok(text), Some(rt), true) =
            (template.render_in_filter(&self.values), target.resource_type(&call.endpoint), target.schemas_known)
        else {
            return false;
        };
        let text = match call.op {
            Op::Create | Op::Read | Op::Replace | Op::Patch => text.as_str(),
            Op::List | Op::Search => match text.split_once("].") {
                Some(("Resources[0" | "Resources[1" | "Resources[2", attribute)) => attribute,
                _ => return false,
            },
            _ => return false,
        };
        let Ok(path) = crate::scim::path::parse_path(text, rt) else { return false };
        // Through the RFC's own schema only attributes count: `status` of an error is none.
        let known =
            |rt: &ResourceType| rt.attribute(&path.attr).map(|r| (r.attribute.returned, r.attribute.mutability));
        match known(rt) {
            Some((Returned::Request | Returned::Never, _)) => !call.projected(),
            // What no client writes here is not as this client wrote it, unless the RFC has it so as well.
            Some((_, Mutability::ReadOnly)) => {
                let own = |rt: ResourceType| rt.attribute(&path.attr).map(|r| r.attribute.mutability);
                let rfc = [ResourceType::user(), ResourceType::group()].into_iter().find_map(own);
                rfc.is_some_and(|m| m != Mutability::ReadOnly)
            }
            Some(_) => false,
            None => [ResourceType::user(), ResourceType::group()].iter().any(|own| known(own).is_some()),
        }
    }

    /// Of a step that is played a hundred thousand times the report shows the first rounds, and the first that failed.
    pub(super) fn thin(&mut self, at: usize, round: Option<u64>) {
        if round.is_none_or(|n| n <= SHOWN_ROUNDS) || at + 1 != self.steps.len() {
            return;
        }
        let passed = self.steps[at].outcome == Outcome::Passed;
        let kept = self.failed_rounds.entry(self.steps[at].id.clone()).or_default();
        if passed || *kept >= FAILED_ROUNDS {
            self.steps.pop();
        } else {
            *kept += 1;
        }
    }

    fn finish(self) -> Played {
        let any = |o: Outcome| self.steps.iter().any(|s| s.outcome == o);
        let ran = self.steps.iter().any(|s| !matches!(s.outcome, Outcome::Skipped));
        let outcome = if self.skipped {
            Outcome::Skipped
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
            Outcome::Blocked => from_steps(Outcome::Blocked),
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

/// True when the step itself names the status of the answer.
fn names(step: &Step, exchange: &Exchange) -> bool {
    let named = step.expect.as_ref().map(|e| e.status.as_slice()).unwrap_or_default();
    exchange.status().is_some_and(|status| named.iter().any(|n| n.allows(status)))
}

/// True when every status that a step names is a refusal.
pub(super) fn expects_refusal(expect: Option<&Expect>) -> bool {
    let statuses = expect.map(|e| e.status.as_slice()).unwrap_or_default();
    !statuses.is_empty() && (200..300).all(|s| statuses.iter().all(|named| !named.allows(s)))
}

/// Why a refusal was right although the step hoped for something else: the target's own schema asks for it.
fn foreseen(judged: &Judged, exchange: &Exchange, target: &crate::shadow::Advertised) -> Option<String> {
    let forecast = &judged.forecast;
    let refused = exchange.status().is_some_and(|s| (400..500).contains(&s));
    let undeclared = || {
        let whole = matches!(judged.call.op, Op::Create | Op::Replace);
        let object = judged.call.body.as_ref().and_then(Value::as_object).filter(|_| whole);
        let rt = target.resource_type(&judged.call.endpoint).filter(|_| target.schemas_known);
        object.zip(rt).is_some_and(|(object, rt)| crate::shadow::forecast::undeclared(object, rt))
    };
    let by_schema = match forecast.expect {
        // Wrong in two ways: no RFC says which is told.
        Expectation::Refuse if forecast.reason == Some(Reason::Duplicate) => {
            exchange.status() == Some(400) && undeclared()
        }
        Expectation::Refuse => {
            matches!(forecast.reason, Some(Reason::MissingRequired | Reason::Mutability | Reason::InvalidPath))
        }
        Expectation::Either => forecast.choice == Some(Choice::UndeclaredAttribute),
        Expectation::Accept => false,
    };
    (refused && by_schema).then(|| format!("the target's schema does not allow it: {}", forecast.detail))
}

fn answer_bytes(exchange: &Exchange) -> usize {
    exchange.response().map_or(0, |r| r.body.len())
}

/// True for a step that sends anything but reads and searches.
fn writes(step: &Step) -> bool {
    let write = |spec: &RequestSpec| {
        let search =
            spec.method == "POST" && spec.target.to_string().split('?').next().is_some_and(|p| p.ends_with(".search"));
        !matches!(spec.method.as_str(), "GET" | "HEAD" | "OPTIONS") && !search
    };
    match &step.action {
        Action::Send(spec) => write(spec),
        Action::Parallel(specs) => specs.iter().any(write),
        Action::Pause(_) => false,
    }
}

/// An exchange as a finding needs it: findings live as long as the run, so a long answer is not kept whole.
fn slim(exchange: &Arc<Exchange>) -> Arc<Exchange> {
    let Some(response) = exchange.response().filter(|r| r.body.len() > FINDING_BYTES) else { return exchange.clone() };
    let body = response.body[..FINDING_BYTES].to_vec();
    let mut cut = Response::new(response.status, response.headers.clone(), body);
    cut.truncated = true;
    Arc::new(Exchange {
        request: exchange.request.clone(),
        outcome: Ok(cut),
        duration: exchange.duration,
        started: exchange.started,
    })
}
