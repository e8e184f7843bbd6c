//! Plays one case: each step rendered, sent, judged, its values captured; after writes the read-back; at the end the sweep
//! and the clean-up.
//!
//! Order inside a step: rules on the exchange, then captures, then the step's own expectations.

mod own;

use super::findings::{self, RawFinding};
use super::judge::{self, Judged};
use super::{Case, Context, Played, Tally};
use crate::engine::Outgoing;
use crate::engine::guard::Created;
use crate::engine::render;
use crate::engine::values::CaseValues;
use crate::event::{CaseReport, Outcome, StepReport};
use crate::exchange::{AuthKind, Exchange, FailureKind, Response};
use crate::profile::provider::ProviderProfile;
use crate::rules::view::Past;
use crate::rules::{Finding, Level, Rule};
use crate::scenario::model::{Action, Expect, Matcher, Need, Repeat, RequestSpec, Step, Verify};
use crate::scenario::template::Values;
use crate::shadow::{Call, Expectation, Known, Op, Shadow, State};
use own::Unwritable;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Earlier exchanges that rules can look at.
const MEMORY: usize = 400;
/// Body bytes of earlier exchanges that are kept for rules; parsed, they take many times as much.
const MEMORY_BYTES: usize = 8 << 20;
/// What a finding keeps of a body.
const FINDING_BYTES: usize = crate::report::redact::BODY_LIMIT;
/// So many requests in a row without an answer (a timeout counts twice), and one more after them: then nobody is there.
const SILENCE: usize = 10;
/// Rounds of one repeated step that are kept in the report when nothing was found in them.
const SHOWN_ROUNDS: u64 = 20;
/// Resources per case that the final sweep reads, and looks up by name.
const SWEEP_READS: usize = 10;
const SWEEP_LOOK_UPS: usize = 4;

/// Plays a case from first step to clean-up.
pub(super) async fn play(context: &Context, case: &Case, alone: bool) -> Played {
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
    player.finish()
}

struct Player<'a> {
    context: &'a Context,
    case: &'a Case,
    name: String,
    values: CaseValues,
    shadow: Shadow,
    past: Vec<Past>,
    past_bytes: usize,
    created: Created,
    /// Paths that were there before this run.
    strangers: BTreeSet<String>,
    /// Paths where nobody is.
    vacant: BTreeSet<String>,
    steps: Vec<StepReport>,
    findings: Vec<RawFinding>,
    tally: Tally,
    left_behind: Vec<String>,
    alone: bool,
    /// First step after which expectations only repeat what is known: a write was refused or a rule failed.
    broken: Option<String>,
    reason: Option<String>,
    error: bool,
    skipped: bool,
    wire: Duration,
}

impl<'a> Player<'a> {
    fn new(context: &'a Context, case: &'a Case, alone: bool) -> Self {
        let name = case.name();
        let values = CaseValues::new(
            &case.scenario,
            &case.profile,
            context.http.target().base_url.as_str(),
            context.options.seed,
            &context.run_id,
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
            created: Created::default(),
            strangers: BTreeSet::new(),
            vacant: BTreeSet::new(),
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

    /// The rest of the case cannot be played.
    fn give_up(&mut self, reason: String) {
        self.reason = Some(reason);
        self.error = true;
    }

    async fn run(&mut self) {
        let scenario = self.case.scenario.clone();
        let dialect = self.case.dialect.as_ref().map(|d| d.name.clone());
        let last_wanted = self.last_wanted(&scenario.steps);
        for (index, step) in scenario.steps.iter().enumerate() {
            if self.context.stop.load(Ordering::SeqCst) {
                return self.give_up("interrupted".to_owned());
            }
            if let Some(reason) = self.context.silent() {
                return self.give_up(reason);
            }
            let foreign = !step.dialects.is_empty() && !dialect.as_ref().is_some_and(|d| step.dialects.contains(d));
            if foreign || last_wanted.is_some_and(|last| index > last) {
                continue;
            }
            self.step(step).await;
        }
    }

    /// With `--only`, the index of the last step that is asked for: what stands before it is played, too.
    fn last_wanted(&self, steps: &[Step]) -> Option<usize> {
        let only = &self.context.options.only;
        (!only.is_empty()).then(|| {
            steps.iter().rposition(|s| only.iter().any(|o| o.split('/').next() == Some(s.id.as_str()))).unwrap_or(0)
        })
    }

    async fn step(&mut self, step: &Step) {
        self.context.steps_done.fetch_add(1, Ordering::Relaxed);
        if let Some(reason) = step.needs.iter().find_map(|n| self.lacking(*n)) {
            // What later steps expect of a write that was not sent is no news either.
            if matches!(&step.action, Action::Send(spec) if !matches!(spec.method.as_str(), "GET" | "HEAD")) {
                self.broken.get_or_insert_with(|| step.id.clone());
            }
            return self.note(step, Outcome::Skipped, reason);
        }
        match &step.repeat {
            None => self.round(step, None).await,
            Some(Repeat::Count { name, count }) => {
                for n in 1..=*count {
                    self.values.set_variable(name, Value::from(n));
                    self.round(step, Some(n)).await;
                }
            }
            Some(Repeat::Each { name, items }) => {
                for (n, item) in items.iter().enumerate() {
                    if let Ok(text) = item.render(&self.values) {
                        self.values.set_variable(name, Value::String(text));
                        self.round(step, Some(n as u64 + 1)).await;
                    }
                }
            }
            Some(Repeat::Until { name, condition, limit }) => {
                for n in 1..=*limit {
                    self.values.set_variable(name, Value::from(n));
                    self.round(step, Some(n)).await;
                    if render::holds(condition, &self.values) || self.error {
                        break;
                    }
                }
            }
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
            && let Err(reason) = self.context.options.guard.check(&out, &self.created)
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

    async fn send_one(&mut self, step: &Step, spec: &RequestSpec, round: Option<u64>) {
        let Some(out) = self.prepare(step, spec).await else { return };
        let Ok(exchange) = self.exchange(out).await else { return };
        let judged = self.judge(&exchange, &step.id, true, step.expect.as_ref());
        let at = self.report_step(step, &step.id, &exchange, false);
        self.take_findings(at, step, &exchange, &judged);
        self.capture(step, &exchange, at);
        self.expect(step, &exchange, &judged, at);
        self.remember(&step.id, judged.call.clone(), exchange.clone());
        if round.is_some_and(|n| n > SHOWN_ROUNDS)
            && self.steps[at].outcome == Outcome::Passed
            && at + 1 == self.steps.len()
        {
            self.steps.pop();
        }
        if step.verify {
            self.read_back(step, &judged.call, &exchange).await;
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
            let announced = intents.get_mut(index).map(std::mem::take).unwrap_or_default();
            self.settle(announced, &exchange);
            self.heard(&exchange).await;
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
                self.read_back(step, &call, &exchange).await;
            }
        }
    }

    /// Announces a create, sends, settles the announcement.
    async fn exchange(&mut self, out: Outgoing) -> Result<Arc<Exchange>, Unwritable> {
        let announced = self.announce(&out)?;
        let exchange = self.context.http.send(out).await;
        self.settle(announced, &exchange);
        self.wire += exchange.duration;
        if let Err(failure) = &exchange.outcome {
            self.reason
                .get_or_insert_with(|| format!("{} {}: {failure}", exchange.request.method, exchange.request.url));
        }
        self.heard(&exchange).await;
        Ok(Arc::new(exchange))
    }

    /// Counts requests without an answer. After many in a row, a harmless one decides whether there is any sense in going on.
    async fn heard(&self, exchange: &Exchange) {
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
                Err(failure) => self.context.fall_silent(&failure.message),
            }
        }
    }

    fn judge(&mut self, exchange: &Arc<Exchange>, step: &str, settled: bool, expect: Option<&Expect>) -> Judged {
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

    fn remember(&mut self, step: &str, call: Call, exchange: Arc<Exchange>) {
        let size = |e: &Exchange| e.response().map_or(0, |r| r.body.len());
        if self.past.len() >= MEMORY {
            self.past.drain(..MEMORY / 2);
            self.past_bytes = self.past.iter().map(|p| size(&p.exchange)).sum();
        }
        self.past_bytes += size(&exchange);
        // A server that answers everything with megabytes must not fill our memory. The latest stays, whatever its size.
        let mut old = 0;
        while self.past_bytes > MEMORY_BYTES && old < self.past.len() {
            self.past_bytes -= size(&self.past[old].exchange);
            old += 1;
        }
        self.past.drain(..old);
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

    fn report_step(&mut self, step: &Step, id: &str, exchange: &Exchange, added: bool) -> usize {
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

    fn take_findings(&mut self, at: usize, step: &Step, exchange: &Arc<Exchange>, judged: &Judged) {
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
        if self.steps[at].outcome == Outcome::Passed
            && let Some(reason) = self.put_off(step, exchange, judged)
        {
            self.steps[at].outcome = Outcome::Error;
            self.steps[at].reason.get_or_insert(reason);
            self.broken.get_or_insert_with(|| self.steps[at].id.clone());
        }
    }

    /// "Not now" and "not here" say nothing about the server's SCIM. What was not answered must not pass for tested.
    fn put_off(&self, step: &Step, exchange: &Exchange, judged: &Judged) -> Option<String> {
        let status = exchange.status()?;
        let named = step.expect.as_ref().is_some_and(|e| e.status.iter().any(|s| s.allows(status)));
        let asked_for = |header| exchange.request.header(header).is_some();
        let about_limits = self.case.scenario.tags.iter().any(|t| t == "rate-limit");
        if named || !judged.call.authenticated() || judged.call.op == Op::Other {
            return None;
        }
        match status {
            429 if !about_limits => {
                Some("answered 429: the server wants fewer requests; --rate slows the run down".to_owned())
            }
            503 => Some("answered 503: the server is not available".to_owned()),
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
        self.findings.push(RawFinding {
            rule,
            level,
            fails,
            finding,
            impact: step.impact,
            case: self.name.clone(),
            scenario: self.case.scenario.id.clone(),
            idp: self.case.scenario.idp.clone(),
            step: report.id.clone(),
            exchange: slim(exchange),
            user,
            group,
        });
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

    /// Reads a resource back after a write to it, accepted or refused.
    async fn read_back(&mut self, step: &Step, call: &Call, exchange: &Exchange) {
        let wanted = self.case.scenario.verify == Verify::EachWrite
            && matches!(call.op, Op::Create | Op::Replace | Op::Patch | Op::Delete);
        if !wanted
            || exchange.outcome.is_err()
            || !matches!(
                call.auth,
                AuthKind::Configured | AuthKind::Other | AuthKind::None | AuthKind::Wrong | AuthKind::EmptyBearer
            )
        {
            return;
        }
        let target = match call.op {
            Op::Create if exchange.accepted() => self.shadow.known.last().map(|k| Known::clone(k)),
            Op::Create => None,
            _ => call.id.as_deref().and_then(|id| self.shadow.find(&call.endpoint, id)).cloned(),
        };
        let Some(known) = target else { return };
        self.probe(step, &known.path(), &known, &format!("{}/verify", step.id)).await;
    }

    /// A read that the identity provider does not send.
    async fn probe(&mut self, step: &Step, target: &str, known: &Known, id: &str) {
        let out = self.added_read(target, known.tenant);
        let Ok(exchange) = self.exchange(out).await else { return };
        let judged = self.judge(&exchange, id, true, None);
        let at = self.report_step(step, id, &exchange, true);
        self.take_findings(at, step, &exchange, &judged);
        self.remember(id, judged.call.clone(), exchange);
        if self.steps[at].outcome == Outcome::Passed && self.steps.len() > 2000 {
            self.steps.remove(at);
        }
    }

    fn added_read(&self, target: &str, tenant: u8) -> Outgoing {
        let headers = self.case.profile.headers.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        let auth = if tenant == 1 { AuthKind::Other } else { AuthKind::Configured };
        Outgoing { method: "GET".to_owned(), target: target.to_owned(), headers, body: None, auth }
    }

    /// After the last step: what was written and not read, bystanders, and look-ups by name.
    async fn sweep(&mut self) {
        if self.case.scenario.verify == Verify::Never
            || self.error
            || self.context.stop.load(Ordering::SeqCst)
            || !self.context.options.only.is_empty()
        {
            return;
        }
        let step = sweep_step();
        let known: Vec<Known> =
            self.shadow.known.iter().filter(|k| k.state != State::Unsure).map(|k| Known::clone(k)).collect();
        let stale: Vec<&Known> = known.iter().filter(|k| k.state == State::Live).collect();
        for resource in stale.iter().take(SWEEP_READS) {
            self.probe(&step, &resource.path(), resource, &format!("end/read-{}", resource.type_name.to_lowercase()))
                .await;
        }
        if self.context.target.lacks(Need::Filter).is_some() {
            return;
        }
        let gone = known.iter().filter(|k| k.state == State::Gone).take(2);
        for resource in stale.iter().copied().take(SWEEP_LOOK_UPS).chain(gone) {
            let attribute = match resource.endpoint.as_str() {
                "/Users" => "userName",
                "/Groups" => "displayName",
                _ => continue,
            };
            let Some(name) = resource.name() else { continue };
            let quoted = Value::String(name.to_owned()).to_string();
            let query = crate::engine::render::query(&format!("{attribute} eq {quoted}"), self.case.profile.encoding);
            let target = format!("{}?filter={query}", resource.endpoint);
            self.probe(&step, &target, resource, &format!("end/look-up-{}", resource.type_name.to_lowercase())).await;
        }
    }

    /// Deletes what the case made: groups before users. Not judged: an identity provider does not do this.
    async fn clean_up(&mut self) {
        if self.context.options.keep {
            return;
        }
        let mut left: Vec<Known> =
            self.shadow.known.iter().filter(|k| k.state != State::Gone).map(|k| Known::clone(k)).collect();
        left.sort_by_key(|k| k.endpoint == "/Users");
        for known in left {
            let path = known.path();
            let mut out = self.added_read(&path, known.tenant);
            out.method = "DELETE".to_owned();
            let url = format!("{}{path}", self.context.http.target().base_url.as_str().trim_end_matches('/'));
            let own = !self.strangers.contains(&path) && !known.id.is_empty();
            let silent = self.context.silent().map(|_| "no answer".to_owned());
            let why = match (own, silent) {
                (false, _) => "named by the server as made by us, but it was there before: not touched".to_owned(),
                (true, Some(why)) => why,
                (true, None) => {
                    let exchange = self.context.http.send(out).await;
                    self.heard(&exchange).await;
                    match exchange.status() {
                        Some(200..=299 | 404 | 410) => {
                            self.strike(&known);
                            continue;
                        }
                        status => status.map_or_else(|| "no answer".to_owned(), |s| s.to_string()),
                    }
                }
            };
            self.left_behind.push(format!("DELETE {url} ({why})"));
        }
        let gone: Vec<Arc<Known>> = self.shadow.known.iter().filter(|k| k.state == State::Gone).cloned().collect();
        // Already deleted by a step of the scenario.
        gone.iter().for_each(|known| self.strike(known));
    }

    /// Takes a resource out of the journal.
    fn strike(&mut self, known: &Known) {
        if let Some(journal) = &self.context.journal
            && let Err(problem) = journal.side(known.tenant == 1).deleted(&known.path())
        {
            self.reason.get_or_insert(problem.to_string());
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
        Played { report, findings: self.findings, tally: self.tally, left_behind: self.left_behind }
    }
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

fn sweep_step() -> Step {
    Step {
        id: "end".to_owned(),
        title: "What the case left is as it should be".to_owned(),
        line: 1,
        dialects: Vec::new(),
        needs: Vec::new(),
        cycle: None,
        when: Vec::new(),
        repeat: None,
        setup: false,
        action: Action::Pause(Duration::ZERO),
        expect: None,
        capture: Vec::new(),
        impact: None,
        verify: false,
    }
}
