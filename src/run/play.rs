//! Plays one case: each step rendered, sent, judged, its values captured; after writes the read-back; at the end the sweep
//! and the clean-up.
//!
//! Order inside a step: rules on the exchange, then captures, then the step's own expectations.

use super::findings::{self, RawFinding};
use super::judge::{self, Judged};
use super::{Case, Context, Played, Tally, progress};
use crate::engine::Outgoing;
use crate::engine::guard::Created;
use crate::engine::journal::Intent;
use crate::engine::render;
use crate::engine::values::CaseValues;
use crate::event::{CaseReport, Outcome, StepReport};
use crate::exchange::{AuthKind, Exchange};
use crate::profile::provider::ProviderProfile;
use crate::rules::view::Past;
use crate::rules::{Finding, Level, Rule};
use crate::scenario::model::{Action, Expect, Matcher, Need, Repeat, RequestSpec, Step, is_changed};
use crate::scenario::template::Values;
use crate::scim::value::get_ci;
use crate::shadow::{Call, Expectation, Op, Shadow};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Earlier exchanges that rules can look at, and how many bytes of answers.
const MEMORY: usize = 400;
const MEMORY_BYTES: usize = 4 << 20;
/// An answer of more bytes is remembered without its tree.
const LARGE: usize = 4 << 10;
/// Rounds of one repeated step that are kept in the report when nothing was found in them.
const SHOWN_ROUNDS: u64 = 20;
/// Further rounds of it that are kept because something was found in them.
const FAILED_ROUNDS: usize = 100;

/// Plays a case from first step to clean-up.
pub(super) async fn play(context: &Context, case: &Case, alone: bool) -> Played {
    context.progress.begin(&case.name());
    let mut player = Player::new(context, case, alone);
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
    values: CaseValues,
    pub(super) shadow: Shadow,
    past: Vec<Past>,
    past_bytes: usize,
    failed_rounds: HashMap<String, usize>,
    /// What was found already, so that the same in a hundred thousand rounds is kept once.
    told: HashSet<String>,
    /// Rounds of steps that are still to come.
    ahead: usize,
    pub(super) steps: Vec<StepReport>,
    findings: Vec<RawFinding>,
    tally: Tally,
    pub(super) left_behind: Vec<String>,
    alone: bool,
    /// First step after which expectations only repeat what is known: a write was refused or a rule failed.
    broken: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) error: bool,
    skipped: bool,
    wire: Duration,
}

impl<'a> Player<'a> {
    fn new(context: &'a Context, case: &'a Case, alone: bool) -> Self {
        let name = case.name();
        let values = CaseValues::new(
            &case.scenario,
            &case.profile,
            &context.options.volume,
            context.http.target().base_url.as_str(),
            (context.options.seed, &context.run_id),
            &name,
        );
        Self {
            context,
            case,
            name,
            values,
            shadow: Shadow::new(context.target.clone()),
            past: Vec::new(),
            past_bytes: 0,
            failed_rounds: HashMap::new(),
            told: HashSet::new(),
            ahead: progress::planned(case, &context.options.volume),
            steps: Vec::new(),
            findings: Vec::new(),
            tally: Tally::new(),
            left_behind: Vec::new(),
            alone,
            broken: None,
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

    fn provider(&self) -> Option<&'a ProviderProfile> {
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

    async fn run(&mut self) {
        let scenario = self.case.scenario.clone();
        let dialect = self.case.dialect.as_ref().map(|d| d.name.clone());
        let last_wanted = self.last_wanted(&scenario.steps);
        let mut steps = scenario.steps.iter().enumerate().peekable();
        while let Some((index, step)) = steps.next() {
            if self.context.stop.load(Ordering::SeqCst) {
                self.reason = Some("interrupted".to_owned());
                self.error = true;
                return;
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
            Some(Repeat::Until { name, from, condition, limit }) => {
                for n in 0..*limit {
                    self.values.set_variable(name, Value::from(from + n));
                    self.rounds(&playable, Some(n + 1)).await;
                    if render::holds(condition, &self.values) || self.error {
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

    async fn round(&mut self, step: &Step, round: Option<u64>) {
        if self.error || self.context.stop.load(Ordering::SeqCst) {
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
    fn prepare(&mut self, step: &Step, spec: &RequestSpec) -> Option<Outgoing> {
        let out = match render::request(spec, &self.case.scenario, &self.case.profile, &self.values) {
            Ok(out) => self.completed(out),
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
        if self.touches_strangers(&out) {
            self.note(
                step,
                Outcome::Skipped,
                "it would change a resource that this run did not create (--allow-existing permits it)".to_owned(),
            );
            return None;
        }
        Some(out)
    }

    /// Users that a scenario sends get what the product demands of everyone, unless the scenario is about just that.
    fn completed(&self, mut out: Outgoing) -> Outgoing {
        let users = out.path().trim_matches('/').split('/').next().is_some_and(|s| s.eq_ignore_ascii_case("Users"));
        let whole = matches!(out.method.as_str(), "POST" | "PUT") && users && !out.path().ends_with(".search");
        let own = self.case.scenario.tags.iter().any(|t| t == "only-provider");
        let (Some(provider), true, false) = (self.provider(), whole, own) else { return out };
        if let Some(Value::Object(mut user)) = out.body.as_deref().and_then(|b| serde_json::from_slice(b).ok())
            && provider.complete(&mut user)
        {
            out.body = Some(Value::Object(user).to_string().into_bytes());
        }
        out
    }

    /// A write to an id that was seen on the server and is not ours.
    fn touches_strangers(&self, out: &Outgoing) -> bool {
        if self.context.options.guard.allow_existing || !matches!(out.method.as_str(), "PUT" | "PATCH" | "DELETE") {
            return false;
        }
        let id = out.path().trim_matches('/').split('/').nth(1).map(crate::exchange::percent_decode);
        id.is_some_and(|id| self.shadow.seen.contains(&id) && self.shadow.kinds_of(&id).next().is_none())
    }

    async fn send_one(&mut self, step: &Step, spec: &RequestSpec, round: Option<u64>) {
        let Some(out) = self.prepare(step, spec) else { return };
        let exchange = self.exchange(out).await;
        let judged = self.judge(&exchange, &step.id, true, step.expect.as_ref());
        let at = self.report_step(step, &step.id, &exchange, false);
        self.take_findings(at, step, &exchange, &judged);
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
            let Some(out) = self.prepare(step, spec) else { return };
            outs.push(out);
        }
        let mut intents = Vec::new();
        for out in &outs {
            intents.push(self.announce(out));
        }
        let http = self.context.http.clone();
        let mut flights = tokio::task::JoinSet::new();
        for (index, out) in outs.into_iter().enumerate() {
            let http = http.clone();
            flights.spawn(async move { (index, http.send(out).await) });
        }
        let mut landed: Vec<(usize, Exchange)> = Vec::new();
        while let Some(Ok(one)) = flights.join_next().await {
            landed.push(one);
        }
        landed.sort_by_key(|(index, _)| *index);
        let mut exchanges = Vec::new();
        for (index, exchange) in landed {
            self.settle(intents.get_mut(index).and_then(Option::take), &exchange);
            exchanges.push(Arc::new(exchange));
        }
        // What was accepted happened; what was refused is judged in its light, whatever the order on the wire was.
        exchanges.sort_by_key(|e| !e.accepted());
        let mut targets: Vec<(Call, Arc<Exchange>)> = Vec::new();
        for exchange in exchanges {
            let judged = self.judge(&exchange, &step.id, false, step.expect.as_ref());
            let at = self.report_step(step, &step.id, &exchange, false);
            self.take_findings(at, step, &exchange, &judged);
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
    pub(super) async fn exchange(&mut self, out: Outgoing) -> Arc<Exchange> {
        let intent = self.announce(&out);
        let exchange = self.context.http.send(out).await;
        self.settle(intent, &exchange);
        self.wire += exchange.duration;
        if let Err(failure) = &exchange.outcome {
            self.reason
                .get_or_insert_with(|| format!("{} {}: {failure}", exchange.request.method, exchange.request.url));
        }
        Arc::new(exchange)
    }

    fn announce(&mut self, out: &Outgoing) -> Option<Intent> {
        let journal = self.context.journal.as_ref()?;
        let path = out.path().trim_end_matches('/');
        if out.method != "POST"
            || path.ends_with(".search")
            || path.matches('/').count() != 1
            || path.eq_ignore_ascii_case("/Bulk")
        {
            return None;
        }
        let body: Option<Value> = out.body.as_deref().and_then(|b| serde_json::from_slice(b).ok());
        let key = body.as_ref().and_then(Value::as_object).and_then(|o| {
            let name = if path.eq_ignore_ascii_case("/Users") { "userName" } else { "displayName" };
            get_ci(o, name).and_then(Value::as_str).map(str::to_owned)
        })?;
        match journal.intent("POST", path, &key) {
            Ok(intent) => Some(intent),
            Err(problem) => {
                self.error = true;
                self.reason = Some(problem.to_string());
                None
            }
        }
    }

    fn settle(&mut self, intent: Option<Intent>, exchange: &Exchange) {
        let (Some(journal), Some(intent)) = (&self.context.journal, intent) else { return };
        let made = made_path(exchange);
        let written = match (&made, exchange.status()) {
            (Some(path), _) => journal.created(intent, path),
            (None, Some(400..=499)) => journal.nothing_made(intent),
            // 5xx, no answer, or a success without an id: the look-up of the clean-up finds it.
            _ => Ok(()),
        };
        if let Err(problem) = written {
            self.error = true;
            self.reason = Some(problem.to_string());
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

    pub(super) fn report_step(&mut self, step: &Step, id: &str, exchange: &Exchange, added: bool) -> usize {
        let keep = self.context.options.keep_http;
        let failure = exchange.outcome.as_ref().err().map(|f| f.message.clone());
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
        let turned_down = write
            && !exchange.accepted()
            && judged.forecast.expect != Expectation::Refuse
            && judged.call.authenticated();
        if turned_down || exchange.outcome.is_err() {
            self.broken.get_or_insert_with(|| self.steps[at].id.clone());
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
            step: report.id.clone(),
            exchange: exchange.clone(),
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
            match render::at(&capture.from, exchange, types, &self.values).filter(|v| !v.is_null()) {
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
        let missed = self.missed(expect, exchange);
        let Some((place, expected, actual)) = missed.first().cloned() else { return };
        // A failure that a rule has told already, or that follows from an earlier one, is no news.
        let told = judged
            .findings
            .iter()
            .any(|(rule, f)| findings::effective_level(rule, f, &self.context.options) != Level::Note);
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

    fn missed(&self, expect: &Expect, exchange: &Exchange) -> Vec<(String, String, String)> {
        let mut out = Vec::new();
        let status = exchange.status().unwrap_or(0);
        if !expect.status.is_empty() && !expect.status.iter().any(|s| s.allows(status)) {
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
            let value = render::at(place, exchange, types, &self.values);
            test(findings::place_label(place, &self.values as &dyn Values), value, matcher);
        }
        for (name, matcher) in &expect.headers {
            let value = exchange.response().and_then(|r| r.header(name)).map(|v| Value::String(v.to_owned()));
            test(format!("header {name}"), value, matcher);
        }
        out
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
            outcome,
            reason,
            duration_ms: u64::try_from(self.wire.as_millis()).unwrap_or(u64::MAX),
            steps: self.steps,
            file: self.case.scenario.file.clone(),
        };
        Played { report: Arc::new(report), findings: self.findings, tally: self.tally, left_behind: self.left_behind }
    }
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

/// `/Users/ID` of a resource that an exchange created.
fn made_path(exchange: &Exchange) -> Option<String> {
    if exchange.request.method != "POST" || !exchange.accepted() {
        return None;
    }
    let segments = exchange.request.segments();
    let [endpoint] = segments.as_slice() else { return None };
    let id =
        exchange.json().and_then(Value::as_object).and_then(|o| get_ci(o, "id")).and_then(crate::shadow::text_of)?;
    (!id.is_empty()).then(|| format!("/{endpoint}/{}", crate::shadow::path_segment(&id)))
}
