//! The one place where scenario, profile, engine, shadow and rules meet. Read top-down: discover, play each case, group what
//! was found, report.
//!
//! Must not know arguments, environment or how anything is printed; it emits events.

mod added;
mod admin;
mod advertised;
pub mod baseline;
mod blocked;
mod confirm;
mod consequences;
pub mod discover;
pub mod findings;
mod follow;
mod forms;
pub mod job;
pub mod judge;
mod lookups;
mod off;
pub mod offline;
pub mod outlook;
mod patience;
mod plain;
pub mod plan;
mod play;
mod progress;
mod required;
mod walk;

pub use plan::Case;

use crate::engine::journal::Journal;
use crate::engine::{Guard, Http};
use crate::event::{CaseReport, Event, Outcome, RunInfo, RunReport, Summary, TargetReport};
use crate::profile::provider::ProviderProfile;
use crate::report::redact::Redactor;
use crate::scenario::model::{Need, Volume};
use crate::shadow::Advertised;
use findings::RawFinding;
use progress::Progress;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// How a run behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// Identity providers that the user chose; empty: all, and no side is taken where they differ from the RFC.
    pub idps: Vec<String>,
    /// SHOULD fails the run, too.
    pub strict: bool,
    /// Cases side by side.
    pub jobs: usize,
    /// Seed of generated values.
    pub seed: u64,
    /// Leave everything on the server.
    pub keep: bool,
    /// What may be sent.
    pub guard: Guard,
    /// Wait for pauses.
    pub real_time: bool,
    /// Play only up to these steps.
    pub only: Vec<String>,
    /// Run although the target does not offer it.
    pub forced: Vec<Need>,
    /// Flags that belong into a line that reproduces a finding.
    pub reproduce_flags: String,
    /// True for the embedded reference server.
    pub embedded: bool,
    /// Provider profile.
    pub provider: Option<Arc<ProviderProfile>>,
    /// Keep request and response of every step in the report.
    pub keep_http: bool,
    /// Size of crowds.
    pub volume: Volume,
    /// Where all people have their addresses; `None`: `example.com`.
    pub mail_domain: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            idps: Vec::new(),
            strict: false,
            jobs: 1,
            seed: 1,
            keep: false,
            guard: Guard { read_only: false, allow_existing: false },
            real_time: false,
            only: Vec::new(),
            forced: Vec::new(),
            reproduce_flags: String::new(),
            embedded: false,
            provider: None,
            keep_http: true,
            volume: Volume::default(),
            mail_domain: None,
        }
    }
}

/// What a run leaves behind for its caller.
pub struct Finished {
    /// The report; a baseline is applied by the caller.
    pub report: RunReport,
    /// Per rule: how often it passed and failed.
    pub tally: Tally,
}

/// Per rule id: passes and failures.
pub type Tally = BTreeMap<&'static str, (u64, u64)>;

/// Shared by all cases of a run.
pub(crate) struct Context {
    pub(crate) http: Arc<Http>,
    pub(crate) target: Arc<Advertised>,
    pub(crate) options: Options,
    pub(crate) journal: Option<Arc<Journal>>,
    pub(crate) redactor: Redactor,
    pub(crate) run_id: String,
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) progress: Progress,
    pub(crate) access_refused: Option<String>,
    /// Why nothing is played: SCIM is not switched on.
    pub(crate) switched_off: Option<String>,
    pub(crate) patience: Arc<patience::Patience>,
    /// Requests in a row that got no answer.
    pub(crate) unanswered: AtomicUsize,
    /// The first of them, if any.
    pub(crate) first_unanswered: Mutex<Option<String>>,
    /// Requests that were sent once more because the server had hung up on them.
    pub(crate) sent_again: AtomicUsize,
    /// Refusals of creates that were looked into: endpoint and words, and what came of it.
    pub(crate) refusals: Mutex<Vec<(String, play::Told)>>,
    /// Reads that contradicted a write and were asked for again a moment later, and how many had become another answer.
    pub(crate) asked_later: (AtomicUsize, AtomicUsize),
    /// Plainer forms of refused requests that were asked for.
    pub(crate) plainer: AtomicUsize,
    silent: OnceLock<String>,
}

impl Context {
    /// Why nothing more is sent: the server no longer answers at all.
    pub(crate) fn silent(&self) -> Option<String> {
        self.silent.get().cloned()
    }

    /// From now on nothing is sent. The first reason stays.
    pub(crate) fn fall_silent(&self, last: &str) {
        let since = self.first_unanswered.lock().unwrap_or_else(PoisonError::into_inner).take();
        let since = since.map(|first| format!("; nothing is answered since {first}")).unwrap_or_default();
        let _ = self.silent.set(format!("given up, the server no longer answers: {last}{since}"));
    }
}

/// Plays all cases at a target that was looked at. `stop` ends the run after the request in flight; clean-up still happens.
pub async fn run(
    mut found: discover::Discovery,
    cases: Vec<Case>,
    options: Options,
    journal: Option<Arc<Journal>>,
    redactor: Redactor,
    stop: Arc<AtomicBool>,
    emit: &mut (dyn FnMut(Event) + Send),
) -> Finished {
    let (clock, started) = (found.clock, found.started);
    found.advertised.forced = options.forced.clone();
    found.report.embedded = options.embedded;
    found.report.provider = options.provider.as_ref().map(|p| p.name.clone());
    // A base URL may have a token in its query, and what the target said is a stranger's text.
    found.report.base_url = redactor.url(&found.report.base_url);
    found.report.remarks.iter_mut().chain(&mut found.access_refused).for_each(|text| *text = redactor.text(text));
    let switched_off = found.switched_off(options.provider.as_deref()).map(|text| redactor.text(&text));
    if let Some(reason) = &switched_off {
        found.report.remarks = vec![reason.clone()];
    }
    let info = RunInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        target: found.report.clone(),
        seed: options.seed,
        cases: cases.len(),
    };
    emit(Event::RunStarted(info));
    let context = Arc::new(Context {
        http: found.http,
        target: Arc::new(found.advertised),
        run_id: journal.as_ref().map_or_else(|| crate::engine::values::run_id(options.seed), |j| j.run_id().to_owned()),
        journal,
        redactor,
        stop: stop.clone(),
        progress: Progress::of(&cases, &options.volume),
        access_refused: found.access_refused,
        switched_off,
        patience: Arc::default(),
        options,
        unanswered: AtomicUsize::new(0),
        first_unanswered: Mutex::default(),
        sent_again: AtomicUsize::new(0),
        refusals: Mutex::default(),
        asked_later: <(AtomicUsize, AtomicUsize)>::default(),
        plainer: AtomicUsize::new(0),
        silent: OnceLock::new(),
    });
    let cases = plan::expanded(cases, &context.target);
    let played = play_all(&context, cases, emit).await;
    let finished = conclude(&context, played, found.report, started, clock, stop.load(Ordering::SeqCst));
    emit(Event::RunFinished);
    finished
}

/// One finished case.
pub(crate) struct Played {
    pub(crate) report: Arc<CaseReport>,
    pub(crate) findings: Vec<RawFinding>,
    pub(crate) tally: Tally,
    pub(crate) job: job::Count,
    pub(crate) left_behind: Vec<String>,
    /// What the case is blocked by, when that is a refusal.
    pub(crate) refused: Option<blocked::Refusal>,
}

/// How often a run says how far it is.
const BEAT: Duration = Duration::from_millis(100);

/// Plays the cases, `jobs` at a time, and hands them on in their own order. Cases tagged `alone` come last, one by one.
async fn play_all(context: &Arc<Context>, cases: Vec<Case>, emit: &mut (dyn FnMut(Event) + Send)) -> Vec<Played> {
    let total = cases.len();
    let mut beat = tokio::time::interval(BEAT);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let together = context.options.jobs.max(1);
    let mut done: BTreeMap<usize, Played> = BTreeMap::new();
    let mut next = 0;
    let mut out = Vec::with_capacity(total);
    let (alone, side_by_side): (Vec<_>, Vec<_>) =
        cases.into_iter().enumerate().partition(|(_, c)| together > 1 && c.needs_quiet());
    for (batch, width) in [(side_by_side, together), (alone, 1)] {
        let mut waiting = batch.into_iter();
        let mut running = tokio::task::JoinSet::new();
        let mut whose = HashMap::new();
        loop {
            while running.len() < width
                && let Some((index, case)) = waiting.next()
            {
                let (context, playing) = (context.clone(), case.clone());
                let task = running.spawn(async move { play::play(&context, &playing, width == 1).await });
                whose.insert(task.id(), (index, case));
            }
            let joined = tokio::select! {
                joined = running.join_next_with_id() => joined,
                _ = beat.tick() => {
                    emit(context.progress.event());
                    continue;
                }
            };
            let Some(joined) = joined else { break };
            let (id, played) = match joined {
                Ok((id, played)) => (id, Ok(played)),
                Err(broken) => (broken.id(), Err(broken)),
            };
            let Some((index, case)) = whose.remove(&id) else { continue };
            let played = played.unwrap_or_else(|broken| broke(&case, broken));
            done.insert(index, played);
            emit(context.progress.event());
            while let Some(played) = done.remove(&next) {
                emit(Event::CaseFinished(played.report.clone()));
                out.push(played);
                next += 1;
            }
        }
    }
    out
}

/// A case that ended in a panic of ours. It must not pass for a finding of the server, and it must not take the others and the
/// clean-up with it: what it made is in the journal.
fn broke(case: &Case, broken: tokio::task::JoinError) -> Played {
    let why = match broken.try_into_panic() {
        Ok(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given").to_owned()
        }
        Err(other) => other.to_string(),
    };
    let report = CaseReport {
        scenario: case.scenario.id.clone(),
        idp: case.scenario.idp.clone(),
        dialect: case.dialect.as_ref().map(|d| d.name.clone()),
        title: case.scenario.title.clone(),
        evidence: case.scenario.evidence.name().to_owned(),
        outcome: Outcome::Error,
        reason: Some(format!("scimproof itself failed here, please report it: {why}")),
        duration_ms: 0,
        steps: Vec::new(),
        file: case.scenario.file.clone(),
    };
    Played {
        report: Arc::new(report),
        findings: Vec::new(),
        tally: Tally::new(),
        job: job::Count::default(),
        left_behind: Vec::new(),
        refused: None,
    }
}

fn conclude(
    context: &Context,
    played: Vec<Played>,
    target: TargetReport,
    started: OffsetDateTime,
    clock: Instant,
    partial: bool,
) -> Finished {
    let mut tally = Tally::new();
    let mut cases = Vec::with_capacity(played.len());
    let mut raw = Vec::new();
    let mut left_behind = Vec::new();
    let mut job = job::Count::default();
    let mut refusals = Vec::new();
    for case in played {
        job.add(case.job);
        refusals.extend(case.refused);
        for (rule, (pass, fail)) in case.tally {
            let entry = tally.entry(rule).or_default();
            entry.0 += pass;
            entry.1 += fail;
        }
        // Whoever listened is done with it by now.
        cases.push(Arc::unwrap_or_clone(case.report));
        raw.extend(case.findings);
        left_behind.extend(case.left_behind);
    }
    let words = findings::Words { options: &context.options, redactor: &context.redactor };
    let findings = findings::group(raw, &cases, words);
    let mut target = target;
    target.remarks.extend(context.patience.remark());
    let (asked, changed) = &context.asked_later;
    target.remarks.extend(play::remark_on_lag(asked.load(Ordering::Relaxed), changed.load(Ordering::Relaxed)));
    if context.target.schemas_known {
        target.remarks.extend(required::remark(&context.target.types).map(|text| context.redactor.text(&text)));
    }
    target.remarks.extend(blocked::remarks(&refusals).into_iter().map(|text| context.redactor.text(&text)));
    let mut report = RunReport {
        format: crate::event::FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: started.replace_nanosecond(0).unwrap_or(started).format(&Rfc3339).unwrap_or_default(),
        partial,
        seed: context.options.seed,
        target,
        summary: Summary {
            duration_ms: u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX),
            requests: context.http.requests_sent(),
            ..Summary::default()
        },
        cases,
        findings,
        left_behind,
        stale_baseline: Vec::new(),
        outlook: Vec::new(),
        sheet: None,
        job: job.report(),
    };
    report.job.iter_mut().for_each(job::decide);
    baseline::count(&mut report);
    Finished { report, tally }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_in_a_case_is_an_error_of_that_case() {
        let (id, result) = crate::scenario::bundled_ids()
            .into_iter()
            .find_map(|id| Some((id, crate::scenario::load_bundled(id)?.ok()?)))
            .expect("a scenario");
        let profiles = crate::profile::idp::bundled().expect("profiles");
        let profile = profiles.into_iter().find(|p| p.name == result.idp).expect("its profile");
        let case = Case { scenario: Arc::new(result), profile: Arc::new(profile), dialect: None, subject: None };
        let broken = tokio::spawn(async { panic!("byte 3 is inside 'é'") }).await;
        let played = broke(&case, broken.expect_err("it panicked"));
        assert_eq!((played.report.scenario.as_str(), played.report.outcome), (id, Outcome::Error));
        assert!(played.report.reason.as_deref().is_some_and(|r| r.contains("inside 'é'")));
    }
}
