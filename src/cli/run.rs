//! `scimproof run`: settings become a target, cases and reports; the rest is [`crate::run`].
//!
//! Must not judge anything.

use super::args::RunArgs;
use super::config::Settings;
use super::connect;
use super::exit::Exit;
use crate::engine::journal::{DEFAULT_DIR, Journal};
use crate::engine::{Credentials, EngineError, Guard, Http, Target};
use crate::event::{Event, RunReport};
use crate::profile::idp::{self, IdpProfile};
use crate::profile::provider::{self, ProviderProfile};
use crate::report::redact::Redactor;
use crate::report::terminal::{Options as TerminalOptions, Terminal};
use crate::report::{FileSink, Sink, progress::Progress, text};
use crate::run::baseline::{self, Baseline};
use crate::run::discover::{Unusable, discover};
use crate::run::plan::{Selection, plan};
use crate::run::{Case, Finished, Options};
use crate::scenario::{self, model::Need, model::Scenario};
use crate::server::{Options as ServerOptions, Server, persona};
use crate::suite::{self, Suite};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use url::Url;

/// Why a run did not take place, and the status to end with.
pub struct Failure {
    pub(super) exit: Exit,
    pub(super) text: String,
}

impl Failure {
    pub(super) fn usage(text: impl std::fmt::Display) -> Self {
        Self { exit: Exit::Usage, text: text.to_string() }
    }

    /// A sign-in that failed says something about the other side; everything else about what was asked for.
    pub(super) fn engine(error: EngineError) -> Self {
        match error {
            EngineError::SignIn(_) => Self::broken(error),
            _ => Self::usage(error),
        }
    }

    pub(super) fn broken(text: impl std::fmt::Display) -> Self {
        Self { exit: Exit::Broken, text: text.to_string() }
    }
}

/// Runs and reports.
pub async fn main(args: RunArgs) -> Exit {
    match run(args).await {
        Ok(exit) => exit,
        Err(failure) => {
            anstream::eprintln!("error: {}", failure.text);
            failure.exit
        }
    }
}

async fn run(args: RunArgs) -> Result<Exit, Failure> {
    let folder = std::env::current_dir().map_err(|e| Failure::usage(format!("cannot read the current folder: {e}")))?;
    let settings = Settings::load(args, &folder).map_err(Failure::usage)?;
    let provider = provider(settings.connection.provider.as_deref(), settings.connection.provider_file.as_deref())
        .map_err(Failure::usage)?
        .map(Arc::new);
    let suite = published(&settings)?;
    let (files, names) = selected(&settings, suite.as_ref());
    // Reading a few hundred files takes longer than the target needs for its first answers: both at once.
    let wanted = wanted_ids(&files, &names);
    let reading = tokio::task::spawn_blocking(move || scenario::load_many(&wanted));
    let accepted = settings.baseline.as_deref().map(|f| read_baseline(f, settings.update_baseline)).transpose()?;
    let mut sinks = sinks(&settings)?;
    let place = Place::open(&settings, provider.as_deref()).await?;
    let http = Arc::new(Http::new(place.target.clone()).map_err(Failure::usage)?);
    // The token endpoint is a stranger: it may repeat what was sent to it.
    http.sign_in().await.map_err(|e| Failure::broken(text::message(&place.redactor.text(&e.to_string()))))?;
    let stop = Arc::new(AtomicBool::new(false));
    listen_for_stop(stop.clone());
    let looking = tokio::spawn(discover(http.clone()));
    let read = reading.await.map_err(Failure::broken)?;
    let cases = cases(&settings, &files, names, read)?;
    if cases.is_empty() {
        anstream::eprintln!("error: nothing is selected; `scimproof list scenarios` shows what there is");
        return Ok(Exit::NothingRan);
    }
    known_steps(&settings.only, &cases)?;
    // What it says holds header values of a stranger.
    let unusable = |e: Unusable| Failure::broken(text::message(&place.redactor.text(&e.to_string())));
    let found = looking.await.map_err(Failure::broken)?.map_err(unusable)?;
    let seed = settings.seed.unwrap_or_else(|| if place.server.is_some() { 1 } else { fresh_seed() });
    let journal = open_journal(&settings, &place, seed)?;
    let mut options = options(&settings, seed, place.server.is_some(), provider)?;
    if let Some(suite) = suite.as_ref().filter(|_| options.idps.is_empty()) {
        // Whose list it is, is who judges.
        options.idps.push(suite.idp.clone());
    }
    let Finished { mut report, .. } = {
        let mut emit = |event: Event| {
            for sink in &mut sinks {
                // A report that cannot be written is told at the end, where it can still be read.
                if let Err(problem) = sink.on(&event) {
                    anstream::eprintln!("warning: {problem}");
                }
            }
        };
        crate::run::run(found, cases, options, journal.clone(), place.redactor.clone(), stop.clone(), &mut emit).await
    };
    report.left_behind.extend(close_journal(journal, &http, settings.keep).await);
    // Paths hold ids, and ids are texts of the server.
    report.left_behind.iter_mut().for_each(|what| *what = place.redactor.text(what));
    // The reports come first: what was found must not be lost with a baseline that cannot be written.
    let mut written = settle_baseline(&settings, accepted, &mut report);
    report.sheet = suite.map(|s| s.sheet(&report));
    report.outlook = crate::run::outlook::outlook(&report);
    for sink in sinks {
        if let Err(problem) = sink.finish(&report) {
            written = Err(Failure::broken(problem));
        }
    }
    written?;
    if let Some(server) = place.server {
        server.stop().await;
    }
    Ok(if settings.update_baseline && !report.partial { Exit::Clean } else { Exit::of(&report) })
}

/// The profile that was asked for, by name or as a file.
pub(super) fn provider(name: Option<&str>, file: Option<&Path>) -> Result<Option<ProviderProfile>, String> {
    if let Some(file) = file {
        let text = std::fs::read_to_string(file)
            .map_err(|e| format!("cannot read the provider profile {}: {e}", file.display()))?;
        let color = std::io::stderr().is_terminal();
        return match provider::load(&text, &file.display().to_string()) {
            Ok(profile) => Ok(Some(profile)),
            Err(error) => Err(format!("wrong provider profile\n\n{}", error.render(color))),
        };
    }
    let Some(name) = name else { return Ok(None) };
    match provider::find(name).map_err(|e| e.render(false))? {
        Some(profile) => Ok(Some(profile)),
        None => Err(crate::server::faults::unknown("provider", name, provider::names().into_iter())),
    }
}

/// The server under test: the user's, or the embedded one.
pub(super) struct Place {
    pub(super) target: Target,
    pub(super) redactor: Redactor,
    pub(super) server: Option<Server>,
}

impl Place {
    pub(super) async fn open(settings: &Settings, provider: Option<&ProviderProfile>) -> Result<Self, Failure> {
        let env = |name: &str| std::env::var(name).ok();
        if let Some(text) = &settings.connection.base_url {
            let url = Url::parse(text).map_err(|e| {
                Failure::usage(format!(
                    "--base-url {text:?} is no URL: {e}; write it like https://app.example.com/scim/v2"
                ))
            })?;
            let connected = connect::open(&settings.connection, url, &env).await.map_err(Failure::engine)?;
            return Ok(Self { target: connected.target, redactor: connected.redactor, server: None });
        }
        let options = ServerOptions {
            token: Some(TOKEN.to_owned()),
            other_token: Some(OTHER_TOKEN.to_owned()),
            faults: settings.faults.clone(),
            variants: settings.variants.clone(),
            traits: settings.traits.clone(),
            ..ServerOptions::default()
        };
        let options = match provider {
            Some(provider) => persona::play(provider, options),
            None => options,
        };
        let server = Server::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), options).await.map_err(|e| {
            if e.kind() == std::io::ErrorKind::InvalidInput {
                Failure::usage(e)
            } else {
                Failure::broken(format!("cannot start the embedded server: {e}"))
            }
        })?;
        let url = Url::parse(&server.base_url()).map_err(Failure::broken)?;
        let mut target = Target::new(url);
        target.credentials = Credentials::bearer(SecretString::from(TOKEN)).map_err(Failure::broken)?;
        target.other = Some(Credentials::bearer(SecretString::from(OTHER_TOKEN)).map_err(Failure::broken)?);
        if let Some(timeout) = settings.connection.timeout {
            target.limits.timeout = timeout;
        }
        let redactor = Redactor::new(vec![TOKEN.to_owned(), OTHER_TOKEN.to_owned()]);
        Ok(Self { target, redactor, server: Some(server) })
    }
}

/// Credentials of the embedded server; it lives for one run on the loopback interface.
pub(super) const TOKEN: &str = "embedded-tenant-one-5f2d9c";
pub(super) const OTHER_TOKEN: &str = "embedded-tenant-two-8b41e7";

/// A step that no selected case has is a typo.
fn known_steps(only: &[String], cases: &[Case]) -> Result<(), Failure> {
    for step in only {
        let plain = step.split('/').next().unwrap_or(step);
        let ids: std::collections::BTreeSet<&str> =
            cases.iter().flat_map(|c| c.scenario.steps.iter().map(|s| s.id.as_str())).collect();
        if !ids.contains(plain) {
            return Err(Failure::usage(crate::server::faults::unknown("step", plain, ids.into_iter())));
        }
    }
    Ok(())
}

/// The published test list that was asked for.
fn published(settings: &Settings) -> Result<Option<Suite>, Failure> {
    let Some(name) = &settings.suite else { return Ok(None) };
    match suite::find(name) {
        Some(found) => found.map(Some).map_err(|e| Failure::usage(e.render(false))),
        None => Err(Failure::usage(crate::server::faults::unknown("suite", name, suite::names().into_iter()))),
    }
}

/// What is selected by the command line and by a test list: the user's own files and folders, and names of bundled scenarios.
fn selected(settings: &Settings, suite: Option<&Suite>) -> (Vec<String>, Vec<String>) {
    let (files, mut names): (Vec<String>, Vec<String>) = settings.scenarios.iter().cloned().partition(|s| is_file(s));
    names.extend(suite.map(Suite::cases).unwrap_or_default());
    (files, names)
}

/// Makes cases of what is selected: of bundled scenarios that were read, and of the user's own.
fn cases(
    settings: &Settings,
    files: &[String],
    names: Vec<String>,
    bundled: Vec<Result<Scenario, Vec<scenario::LoadError>>>,
) -> Result<Vec<Case>, Failure> {
    let profiles = idp::bundled().map_err(|e| Failure::usage(e.render(false)))?;
    let profiles: BTreeMap<String, Arc<IdpProfile>> =
        profiles.into_iter().map(|p| (p.name.clone(), Arc::new(p))).collect();
    let (mut loaded, mut wrong) = (Vec::new(), Vec::new());
    bundled.into_iter().for_each(|result| take(result, &mut loaded, &mut wrong));
    let selection = Selection {
        names,
        idps: settings.idps.clone(),
        tags: settings.tags.clone(),
        skip: settings.skip.clone(),
        shard: None,
    };
    unknown_names(&selection, &loaded, &profiles)?;
    let known = profiles.clone();
    let mut cases = plan(with_profiles(loaded, &known)?, &selection);
    let mut own: Vec<Scenario> = Vec::new();
    for file in files {
        for path in super::check::walk(Path::new(file)).map_err(Failure::usage)? {
            let text =
                std::fs::read_to_string(&path).map_err(|e| Failure::usage(format!("{}: {e}", path.display())))?;
            take(super::check::load_text(&path, &text), &mut own, &mut wrong);
        }
    }
    if !wrong.is_empty() {
        return Err(Failure::usage(format!("wrong scenario files\n\n{}", wrong.join("\n"))));
    }
    cases.extend(plan(with_profiles(own, &profiles)?, &Selection { names: Vec::new(), ..selection }));
    if let Some(shard) = settings.shard {
        cases = cases.into_iter().enumerate().filter(|(i, _)| shard.holds(*i)).map(|(_, c)| c).collect();
    }
    Ok(cases)
}

/// Bundled scenarios that can be meant by these names: there is no need to read the others. Who names files alone wants none.
fn wanted_ids(files: &[String], names: &[String]) -> Vec<&'static str> {
    if names.is_empty() && !files.is_empty() {
        return Vec::new();
    }
    let ids = scenario::bundled_ids();
    let found: Vec<&'static str> = ids.iter().copied().filter(|id| names.iter().any(|n| fits(n, id))).collect();
    // A name that fits nothing is told with a suggestion, for which all are needed.
    if names.is_empty() || names.iter().any(|n| !ids.iter().any(|id| fits(n, id))) { ids } else { found }
}

fn fits(name: &str, id: &str) -> bool {
    let plain = name.split('@').next().unwrap_or(name);
    plain == id || id.starts_with(&format!("{}/", plain.trim_end_matches('/'))) || baseline::glob(plain, id)
}

/// Every bundled case, for proofs.
pub(super) fn bundled_cases() -> Result<Vec<Case>, String> {
    let all = scenario::load_many(&scenario::bundled_ids());
    cases(&Settings::default(), &[], Vec::new(), all).map_err(|f| f.text)
}

fn take(result: Result<Scenario, Vec<scenario::LoadError>>, good: &mut Vec<Scenario>, wrong: &mut Vec<String>) {
    match result {
        Ok(scenario) => good.push(scenario),
        Err(errors) => wrong.extend(errors.iter().map(|e| e.render(std::io::stderr().is_terminal()))),
    }
}

fn is_file(text: &str) -> bool {
    text.ends_with(".yaml")
        || text.ends_with(".yml")
        || Path::new(text).is_dir()
            && !scenario::bundled_ids().iter().any(|id| id.starts_with(&format!("{}/", text.trim_end_matches('/'))))
}

fn with_profiles(
    scenarios: Vec<Scenario>,
    profiles: &BTreeMap<String, Arc<IdpProfile>>,
) -> Result<Vec<(Scenario, Arc<IdpProfile>)>, Failure> {
    scenarios
        .into_iter()
        .map(|s| match profiles.get(&s.idp) {
            Some(p) => Ok((s, p.clone())),
            None => {
                Err(Failure::usage(format!("{}: `idp: {}` is not known; there are {}", s.file, s.idp, names(profiles))))
            }
        })
        .collect()
}

fn names(profiles: &BTreeMap<String, Arc<IdpProfile>>) -> String {
    profiles.keys().cloned().collect::<Vec<_>>().join(", ")
}

/// A name that fits nothing is an error: a typo must not pass for "nothing to test".
fn unknown_names(
    selection: &Selection,
    loaded: &[Scenario],
    profiles: &BTreeMap<String, Arc<IdpProfile>>,
) -> Result<(), Failure> {
    if let Some(idp) = selection.idps.iter().find(|i| !profiles.contains_key(&i.to_lowercase())) {
        return Err(Failure::usage(format!("--idp {idp} is not known; there are {}", names(profiles))));
    }
    for name in &selection.names {
        let alone = Selection { names: vec![name.clone()], ..Selection::default() };
        let all: Vec<(Scenario, Arc<IdpProfile>)> = with_profiles(loaded.to_vec(), profiles)?;
        if plan(all, &alone).is_empty() {
            let ids = loaded.iter().map(|s| s.id.as_str());
            return Err(Failure::usage(crate::server::faults::unknown("scenario", name, ids)));
        }
    }
    Ok(())
}

pub(super) fn options(
    settings: &Settings,
    seed: u64,
    embedded: bool,
    provider: Option<Arc<ProviderProfile>>,
) -> Result<Options, Failure> {
    let mut forced = Vec::new();
    for name in &settings.force {
        let need: Need = serde_json::from_value(serde_json::Value::String(name.clone()))
            .map_err(|_| Failure::usage(format!("--force {name}: no such capability; there are patch, filter, sort, etag, bulk, change-password, cursor, me, search, groups, enterprise, …")))?;
        forced.push(need);
    }
    Ok(Options {
        idps: settings.idps.iter().map(|i| i.to_lowercase()).collect(),
        strict: settings.strict,
        jobs: settings.jobs.unwrap_or(1),
        seed,
        keep: settings.keep,
        guard: Guard {
            read_only: settings.read_only,
            // What the embedded server plays is nobody's.
            allow_existing: settings.allow_existing || embedded && provider.is_some(),
        },
        real_time: settings.real_time,
        only: settings.only.clone(),
        forced,
        reproduce_flags: super::again::flags(settings),
        embedded,
        provider,
        keep_http: true,
        volume: settings.volume,
        mail_domain: settings.mail_domain.clone(),
    })
}

fn sinks(settings: &Settings) -> Result<Vec<Box<dyn Sink>>, Failure> {
    let options = TerminalOptions {
        verbose: settings.verbose,
        quiet: settings.quiet,
        show_http: settings.show_http,
        ..TerminalOptions::default()
    };
    listeners(options, &settings.reports.files, settings.reports.github)
}

/// Whoever listens to a run: progress, terminal, files, GitHub.
pub(super) fn listeners(
    options: TerminalOptions,
    files: &[(&'static str, PathBuf)],
    github: bool,
) -> Result<Vec<Box<dyn Sink>>, Failure> {
    let ci = std::env::var_os("CI").is_some();
    let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(Progress::new(!ci && !options.quiet))];
    sinks.push(Box::new(Terminal::new(anstream::AutoStream::auto(std::io::stdout()), options)));
    for (name, path) in files {
        let Some(format) = crate::report::format(name) else { continue };
        sinks.push(Box::new(FileSink::new(format, path).map_err(Failure::usage)?));
    }
    if github {
        let summary = std::env::var_os("GITHUB_STEP_SUMMARY").map(Into::into);
        sinks.push(Box::new(crate::report::github::GitHub::new(std::io::stdout(), summary)));
    }
    Ok(sinks)
}

pub(super) fn open_journal(settings: &Settings, place: &Place, seed: u64) -> Result<Option<Arc<Journal>>, Failure> {
    // The embedded server dies with the run, and a read-only run makes nothing.
    if place.server.is_some() || settings.read_only {
        return Ok(None);
    }
    let dir = settings.journal_dir.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_DIR));
    let id = crate::engine::values::run_id(seed);
    let journal = Journal::open(&dir, &id, &place.target.base_url).map_err(Failure::usage)?;
    let redactor = place.redactor.clone();
    Ok(Some(Arc::new(journal.keeping_out(move |text| redactor.text(text) != text))))
}

/// Ends the journal. What is open (answers that never came) is looked up and deleted; what remains is named.
pub(super) async fn close_journal(journal: Option<Arc<Journal>>, http: &Http, keep: bool) -> Vec<String> {
    let Some(journal) = journal.and_then(Arc::into_inner) else { return Vec::new() };
    match journal.finish() {
        Ok(None) => Vec::new(),
        // What is kept on purpose stays in the journal, so that `clean` can end it one day.
        Ok(Some(_)) if keep => Vec::new(),
        Ok(Some(file)) => {
            let report = super::clean::clean(http, vec![file], false).await;
            report.left.into_iter().map(|(what, why)| format!("{what} ({why})")).collect()
        }
        Err(problem) => vec![problem.to_string()],
    }
}

pub(super) fn listen_for_stop(stop: Arc<AtomicBool>) {
    tokio::spawn(async move {
        interrupted().await;
        stop.store(true, Ordering::SeqCst);
        anstream::eprintln!(
            "\ninterrupted: finishing the request in flight and cleaning up (again to end at once; then `scimproof clean`)"
        );
        interrupted().await;
        std::process::exit(i32::from(Exit::Interrupted.code()));
    });
}

pub(super) async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut term) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = term.recv() => {}
            }
            return;
        }
    }
    // Without a handler there is nothing to wait for; the default action ends the process.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

pub(super) fn fresh_seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let mixed = uuid::Uuid::new_v4().as_u128() as u64 ^ u64::from(now.subsec_nanos());
    // Short enough to be typed again.
    mixed % 1_000_000_007
}

fn read_baseline(file: &Path, may_be_missing: bool) -> Result<Baseline, Failure> {
    match std::fs::read_to_string(file) {
        Ok(text) => {
            Baseline::parse(&text).map_err(|e| Failure::usage(format!("{}:{}: {}", file.display(), e.line, e.message)))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && may_be_missing => {
            Baseline::parse("").map_err(|e| Failure::usage(e.message))
        }
        Err(e) => Err(Failure::usage(format!("cannot read the baseline {}: {e}", file.display()))),
    }
}

fn settle_baseline(settings: &Settings, accepted: Option<Baseline>, report: &mut RunReport) -> Result<(), Failure> {
    let (Some(accepted), Some(file)) = (accepted, &settings.baseline) else { return Ok(()) };
    if settings.update_baseline {
        let played: Vec<String> = report.cases.iter().map(crate::event::CaseReport::name).collect();
        let text = accepted.write(&report.findings, &played);
        crate::report::write_file(file, |out: &mut dyn Write| out.write_all(text.as_bytes()))
            .map_err(Failure::broken)?;
        anstream::eprintln!("wrote {}", file.display());
        return Ok(());
    }
    baseline::apply_to_report(report, &accepted, time::OffsetDateTime::now_utc().date());
    Ok(())
}
