//! `scimproof prove`: every rule passes on the healthy server, stays silent on every legal variant, and fails on the faults it
//! claims; every fault is caught by a rule that claims it.
//!
//! Must not know what a rule checks: it only runs the suite and compares names.

use super::args::ProveArgs;
use super::exit::Exit;
use super::run::{OTHER_TOKEN, TOKEN, bundled_cases};
use crate::engine::{Credentials, Guard, Http, Target};
use crate::report::redact::Redactor;
use crate::rules::{self, Level};
use crate::run::baseline::glob;
use crate::run::discover::discover;
use crate::run::{Case, Finished, Options, Tally};
use crate::server::{Options as ServerOptions, Server, faults, variants};
use secrecy::SecretString;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use url::Url;

/// The proof matrix.
#[derive(Debug, Default, Serialize)]
pub struct Matrix {
    /// Rules with a failing finding on the healthy server: must be empty.
    pub healthy: Vec<String>,
    /// Rules that never passed on the healthy server.
    pub vacuous: Vec<String>,
    /// Variant → rules that fail on it: each must be empty.
    pub variants: BTreeMap<String, Vec<String>>,
    /// Fault → rules that see it, `rule (level)`.
    pub faults: BTreeMap<String, Vec<String>>,
    /// Faults that no rule sees.
    pub missed: Vec<String>,
    /// `rule ← fault` for each claim that does not hold.
    pub unproven: Vec<String>,
    /// Rules that claim no fault.
    pub without_proof: Vec<String>,
    /// Faults that no rule claims, and by what they are seen.
    pub unclaimed: Vec<String>,
}

impl Matrix {
    /// True when nothing is open.
    pub fn closed(&self) -> bool {
        self.healthy.is_empty()
            && self.vacuous.is_empty()
            && self.variants.values().all(Vec::is_empty)
            && self.missed.is_empty()
            && self.unproven.is_empty()
            && self.without_proof.is_empty()
    }

    /// A line for each fault: the rules that claim it, each with the level at which it was seen; below it each variant that is
    /// silent. Nothing that depends on the order of requests.
    fn claims(&self) -> String {
        let mut out = String::from("# fault\trules that claim it, and the level at which they see it\n");
        for (fault, seen) in &self.faults {
            // The heaviest level only: a lighter one may come and go with the order of requests.
            let claimed = |id: &str| rules::catalogue().any(|r| r.id == id && r.proven_by.contains(&fault.as_str()));
            let mut claims: BTreeMap<&str, Level> = BTreeMap::new();
            for (id, level) in seen.iter().filter_map(|s| rule_and_level(s)).filter(|(id, _)| claimed(id)) {
                claims.entry(id).and_modify(|known| *known = level.min(*known)).or_insert(level);
            }
            let claims: Vec<String> = claims.iter().map(|(id, level)| format!("{id} ({})", level.name())).collect();
            out.push_str(&format!("{fault}\t{}\n", claims.join(", ")));
        }
        out.push_str("# variants on which every rule is silent\n");
        let silent = self.variants.iter().filter(|(_, seen)| seen.is_empty());
        silent.for_each(|(variant, _)| out.push_str(&format!("{variant}\n")));
        out
    }
}

/// `rule (level)` in its two parts.
fn rule_and_level(seen: &str) -> Option<(&str, Level)> {
    let (id, level) = seen.strip_suffix(')')?.split_once(" (")?;
    let level = [Level::Must, Level::Idp, Level::Should, Level::Note].into_iter().find(|l| l.name() == level)?;
    Some((id, level))
}

/// Proves the catalogue against the embedded server.
pub async fn main(args: ProveArgs) -> Exit {
    let cases = match bundled_cases() {
        Ok(cases) => cases,
        Err(text) => {
            anstream::eprintln!("error: {text}");
            return Exit::Usage;
        }
    };
    let wanted = match chosen(&args.rules) {
        Ok(wanted) => wanted,
        Err(text) => {
            anstream::eprintln!("error: {text}");
            return Exit::Usage;
        }
    };
    let matrix = match prove(&cases, &wanted).await {
        Ok(matrix) => matrix,
        Err(text) => {
            anstream::eprintln!("error: {text}");
            return Exit::Broken;
        }
    };
    if let Some(file) = &args.json {
        let written = crate::report::write_file(file, |out| {
            serde_json::to_writer_pretty(&mut *out, &matrix).map_err(std::io::Error::from)
        });
        if let Err(problem) = written {
            anstream::eprintln!("error: {problem}");
            return Exit::Broken;
        }
    }
    print(&matrix);
    match args.golden.as_deref().map(|file| compare(&matrix, file)) {
        Some(Err(text)) => {
            anstream::eprintln!("error: {text}");
            Exit::Findings
        }
        _ if matrix.closed() => Exit::Clean,
        _ => Exit::Findings,
    }
}

/// Holds the claims against the golden file, or writes it.
fn compare(matrix: &Matrix, file: &Path) -> Result<(), String> {
    let now = matrix.claims();
    if std::env::var_os("SCIMPROOF_UPDATE").is_some() {
        return crate::report::write_file(file, |out| out.write_all(now.as_bytes())).map_err(|e| e.to_string());
    }
    let golden = std::fs::read_to_string(file).map_err(|e| format!("cannot read {}: {e}", file.display()))?;
    let (before, after): (BTreeSet<&str>, BTreeSet<&str>) = (golden.lines().collect(), now.lines().collect());
    let gone = before.difference(&after).map(|line| format!("  - {line}"));
    let new = after.difference(&before).map(|line| format!("  + {line}"));
    let lines: Vec<String> = gone.chain(new).collect();
    match lines.is_empty() {
        true => Ok(()),
        false => Err(format!("the proof is another one than in {}:\n{}", file.display(), lines.join("\n"))),
    }
}

/// The rules that ids and globs name; a word that names none is no proof of anything.
fn chosen(words: &[String]) -> Result<Vec<String>, String> {
    let mut out = Vec::new();
    for word in words {
        let named = rules::catalogue().filter(|r| glob(word, r.id)).map(|r| r.id.to_owned());
        let before = out.len();
        out.extend(named);
        if out.len() == before {
            return Err(faults::unknown("rule", word, rules::catalogue().map(|r| r.id)));
        }
    }
    Ok(out)
}

fn print(m: &Matrix) {
    let list = |title: &str, items: &[String]| {
        if !items.is_empty() {
            anstream::println!("\n{title} ({})", items.len());
            items.iter().for_each(|i| anstream::println!("  {i}"));
        }
    };
    list("Healthy server: rules that fail", &m.healthy);
    list("Rules that never passed on the healthy server", &m.vacuous);
    let noisy: Vec<String> =
        m.variants.iter().filter(|(_, r)| !r.is_empty()).map(|(v, r)| format!("{v}: {}", r.join(", "))).collect();
    list("Legal variants that a rule fails on", &noisy);
    list("Faults that nothing sees", &m.missed);
    list("Claims that do not hold", &m.unproven);
    list("Rules that claim no fault", &m.without_proof);
    list("Faults that no rule claims", &m.unclaimed);
    let total = rules::catalogue().count();
    let caught = m.faults.values().filter(|r| !r.is_empty()).count();
    anstream::println!(
        "\n{} rules: {} passed on the healthy server, {} proven · {} of {} faults caught · {} of {} variants silent",
        total,
        total - m.vacuous.len(),
        total
            - m.without_proof.len()
            - m.unproven.iter().map(|u| u.split(' ').next().unwrap_or_default()).collect::<BTreeSet<_>>().len(),
        caught,
        m.faults.len(),
        m.variants.values().filter(|r| r.is_empty()).count(),
        m.variants.len()
    );
}

/// Runs healthy, every variant and every fault. `only`: just the faults that these rules claim.
pub async fn prove(cases: &[Case], only: &[String]) -> Result<Matrix, String> {
    // Volume is for the few faults that only numbers show.
    let (large, cases): (Vec<Case>, Vec<Case>) =
        cases.iter().cloned().partition(|c| c.scenario.tags.iter().any(|t| t == "volume"));
    let cases: &[Case] = &cases;
    let mut matrix = Matrix::default();
    let healthy = suite(cases.to_vec(), None, None).await?;
    matrix.healthy = failing(&healthy, true);
    matrix.vacuous =
        rules::catalogue().filter(|r| passes(&healthy.tally, r.id) == 0).map(|r| r.id.to_owned()).collect();
    matrix.without_proof = rules::catalogue().filter(|r| r.proven_by.is_empty()).map(|r| r.id.to_owned()).collect();
    let wanted = |fault: &str| {
        only.is_empty() || rules::catalogue().any(|r| only.iter().any(|o| o == r.id) && r.proven_by.contains(&fault))
    };
    if only.is_empty() {
        let jobs = variants::all()
            .iter()
            .map(|v| Run { cases: cases.to_vec(), fault: None, variant: Some(v.id.to_owned()) })
            .collect();
        for (name, finished) in many(jobs).await? {
            let seen = finished.map_or_else(|unusable| vec![unusable], |f| failing(&f, true));
            matrix.variants.insert(name, seen);
        }
    }
    // A fault shows in the scenarios of its own area; only where a claim stays open the net is cast wider.
    let mut open: Vec<&faults::Fault> = faults::all().iter().filter(|f| wanted(f.id)).collect();
    for net in [Net::Area, Net::Rfc, Net::Rest, Net::Volume] {
        let cases = if net == Net::Volume { &large } else { cases };
        let jobs: Vec<Run> =
            open.iter().map(|f| Run { cases: net.of(f, cases), fault: Some(f.id.to_owned()), variant: None }).collect();
        for (name, finished) in many(jobs).await? {
            let seen = matrix.faults.entry(name).or_default();
            let found =
                finished.map_or_else(|unusable| vec![format!("(refused to run: {unusable})")], |f| failing(&f, false));
            let more: Vec<String> = found.into_iter().filter(|r| !seen.contains(r)).collect();
            seen.extend(more);
        }
        open.retain(|f| !satisfied(f.id, &matrix.faults[f.id]));
    }
    conclude(&mut matrix, only);
    Ok(matrix)
}

/// True when a fault is seen by every rule that claims it (and by one at least).
fn satisfied(fault: &str, seen: &[String]) -> bool {
    let sees = |id: &str| seen.iter().any(|s| s.split(' ').next() == Some(id));
    !seen.is_empty() && rules::catalogue().filter(|r| r.proven_by.contains(&fault)).all(|r| sees(r.id))
}

fn conclude(matrix: &mut Matrix, only: &[String]) {
    for rule in rules::catalogue().filter(|r| only.is_empty() || only.iter().any(|o| o == r.id)) {
        for fault in rule.proven_by {
            let seen =
                matrix.faults.get(*fault).is_some_and(|s| s.iter().any(|x| x.split(' ').next() == Some(rule.id)));
            if !seen {
                let known = faults::all().iter().any(|f| f.id == *fault);
                matrix.unproven.push(format!("{} ← {fault}{}", rule.id, if known { "" } else { " (no such fault)" }));
            }
        }
    }
    for (fault, seen) in &matrix.faults {
        if seen.is_empty() {
            matrix.missed.push(fault.clone());
        } else if !rules::catalogue().any(|r| r.proven_by.contains(&fault.as_str())) {
            matrix.unclaimed.push(format!("{fault}: {}", seen.join(", ")));
        }
    }
}

/// Which cases a fault is tried on.
#[derive(Clone, Copy, PartialEq)]
enum Net {
    Area,
    Rfc,
    Rest,
    Volume,
}

/// Scenarios that belong to an area of faults, beside those that carry its name.
const AREAS: &[(&str, &[&str])] = &[
    ("create", &["create", "uniqueness", "recreate", "schema", "read-user"]),
    ("filter", &["filter", "search", "deactivate"]),
    ("patch", &["patch", "deactivate"]),
    ("put", &["put"]),
    ("deactivate", &["deactivate", "delete", "put-active", "groups-delete", "user-groups"]),
    ("groups", &["groups", "group"]),
    ("pagination", &["list", "sort", "cursor"]),
    ("discovery", &["discovery"]),
    ("errors", &["errors", "create-refused", "patch-invalid", "read-unknown", "create-duplicate"]),
    ("auth", &["auth", "tenancy"]),
    ("headers", &["negotiation", "create-user", "etag", "delete"]),
    ("projection", &["projection"]),
    ("concurrency", &["concurrency", "read-your-writes", "etag"]),
    ("idempotency", &["idempotency", "groups-add", "etag"]),
    ("schema", &["schema", "create-user", "list-items", "read-user", "create-enterprise", "password", "groups-create"]),
    ("bulk", &["bulk"]),
    ("advertised", &["advertised"]),
];

impl Net {
    fn of(self, fault: &faults::Fault, cases: &[Case]) -> Vec<Case> {
        let rfc = |c: &&Case| c.scenario.idp == "rfc";
        let words: Vec<&str> = AREAS
            .iter()
            .filter(|(area, _)| fault.area.contains(area))
            .flat_map(|(_, words)| words.iter().copied())
            .collect();
        let near = |c: &&Case| rfc(c) && words.iter().any(|w| c.scenario.id.trim_start_matches("rfc/").starts_with(w));
        match self {
            Net::Area => cases.iter().filter(near).cloned().collect(),
            Net::Rfc => cases.iter().filter(|c| rfc(c) && !near(c)).cloned().collect(),
            Net::Volume => cases.to_vec(),
            Net::Rest => cases.iter().filter(|c| !rfc(c)).cloned().collect(),
        }
    }
}

fn passes(tally: &Tally, rule: &str) -> u64 {
    tally.get(rule).map_or(0, |t| t.0)
}

/// Rules with findings, as `rule (level)`; `failing_only` leaves SHOULDs and notes out.
fn failing(finished: &Finished, failing_only: bool) -> Vec<String> {
    let mut out: Vec<String> = finished
        .report
        .findings
        .iter()
        .filter(|f| !failing_only || matches!(f.level, Level::Must | Level::Idp | Level::Should))
        .map(|f| format!("{} ({})", f.rule, f.level.name()))
        .collect();
    out.sort();
    out.dedup();
    out
}

/// One run of the suite.
struct Run {
    cases: Vec<Case>,
    fault: Option<String>,
    variant: Option<String>,
}

/// Runs the suites, as many at a time as there are processors.
async fn many(jobs: Vec<Run>) -> Result<Vec<(String, Result<Finished, String>)>, String> {
    let mut out = Vec::new();
    let mut waiting = jobs.into_iter();
    let mut running = tokio::task::JoinSet::new();
    let width = std::thread::available_parallelism().map_or(2, usize::from);
    loop {
        while running.len() < width
            && let Some(job) = waiting.next()
        {
            running.spawn(async move {
                let name = job.fault.clone().or(job.variant.clone()).unwrap_or_default();
                (name, suite(job.cases, job.fault, job.variant).await)
            });
        }
        match running.join_next().await {
            None => return Ok(out),
            Some(joined) => out.push(joined.map_err(|e| format!("a proof run broke: {e}"))?),
        }
    }
}

/// One run of the cases against a fresh embedded server.
async fn suite(cases: Vec<Case>, fault: Option<String>, variant: Option<String>) -> Result<Finished, String> {
    let name = fault.clone().or(variant.clone()).unwrap_or_else(|| "healthy".to_owned());
    let options = ServerOptions {
        token: Some(TOKEN.to_owned()),
        other_token: Some(OTHER_TOKEN.to_owned()),
        faults: fault.into_iter().collect(),
        variants: variant.into_iter().collect(),
        ..ServerOptions::default()
    };
    let server =
        Server::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), options).await.map_err(|e| format!("{name}: {e}"))?;
    let mut target = Target::new(Url::parse(&server.base_url()).map_err(|e| e.to_string())?);
    target.credentials = Credentials::bearer(SecretString::from(TOKEN)).map_err(|e| e.to_string())?;
    target.other = Some(Credentials::bearer(SecretString::from(OTHER_TOKEN)).map_err(|e| e.to_string())?);
    target.limits.timeout = std::time::Duration::from_secs(5);
    let http = Arc::new(Http::new(target).map_err(|e| e.to_string())?);
    let options = Options {
        embedded: true,
        keep_http: false,
        guard: Guard { read_only: false, allow_existing: false },
        ..Options::default()
    };
    let redactor = Redactor::new(vec![TOKEN.to_owned(), OTHER_TOKEN.to_owned()]);
    let stop = Arc::new(AtomicBool::new(false));
    let finished = match discover(http).await {
        Ok(found) => Ok(crate::run::run(found, cases, options, None, redactor, stop, &mut |_| {}).await),
        // A fault that makes the whole target unusable is seen by the refusal to run.
        Err(unusable) => Err(format!("{name}: {unusable}")),
    };
    server.stop().await;
    finished
}
