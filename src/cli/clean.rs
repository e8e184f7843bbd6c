//! `scimproof clean`: removes what a crashed or killed run left on the server, by that run's journal.
//!
//! Must not touch anything else: known paths, or resources whose unique name carries the mark of that run.

use crate::engine::guard::{Created, Guard};
use crate::engine::journal::{DEFAULT_DIR, Intent, Journal, Leftover};
use crate::engine::target::encode_query_value;
use crate::engine::{EngineError, Http, Outgoing, encode_segment, retry_after};
use crate::exchange::{AuthKind, Exchange, FailureKind, TransportFailure};
use crate::report::redact::Redactor;
use crate::scim::value::value_ci;
use secrecy::ExposeSecret;
use serde_json::Value;
use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Options of its own; base URL and credentials are those of `run`.
#[derive(Debug, Clone, clap::Args)]
pub struct CleanArgs {
    /// Journals, or folders with journals [default: .scimproof]
    #[arg(value_name = "FILE|DIR")]
    pub journals: Vec<PathBuf>,
    /// Only say what would be deleted
    #[arg(long)]
    pub dry_run: bool,
}

impl CleanArgs {
    /// The journal files that are meant.
    pub fn files(&self) -> Result<Vec<PathBuf>, EngineError> {
        if self.journals.is_empty() {
            return Journal::list(DEFAULT_DIR.as_ref());
        }
        let mut files = Vec::new();
        for path in &self.journals {
            if path.is_dir() {
                files.extend(Journal::list(path)?);
            } else {
                files.push(path.clone());
            }
        }
        Ok(files)
    }
}

/// What became of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CleanReport {
    /// Paths that were deleted now; in a dry run, that would be.
    pub deleted: Vec<String>,
    /// What was not there any more.
    pub gone: Vec<String>,
    /// What is still there, with the reason. It stays in the journal.
    pub left: Vec<(String, String)>,
    /// Journals that were not worked off, with the reason.
    pub skipped: Vec<String>,
    /// Nothing was sent but reads.
    pub dry_run: bool,
}

impl CleanReport {
    /// Paths and reasons hold texts of the server, which may repeat what was sent to it.
    fn redact(&mut self, redactor: &Redactor) {
        let left = self.left.iter_mut().flat_map(|(what, why)| [what, why]);
        let all = self.deleted.iter_mut().chain(&mut self.gone).chain(&mut self.skipped).chain(left);
        all.for_each(|text| *text = redactor.text(text));
    }

    /// True if nothing is left anywhere.
    pub fn complete(&self) -> bool {
        self.left.is_empty() && self.skipped.is_empty()
    }
}

impl fmt::Display for CleanReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.dry_run { "would delete" } else { "deleted" };
        for path in &self.deleted {
            writeln!(f, "{verb} {path}")?;
        }
        for what in &self.gone {
            writeln!(f, "gone already: {what}")?;
        }
        for (what, why) in &self.left {
            writeln!(f, "still there: {what}: {why}")?;
        }
        for why in &self.skipped {
            writeln!(f, "skipped: {why}")?;
        }
        if self.deleted.is_empty() && self.gone.is_empty() && self.complete() {
            writeln!(f, "nothing to clean up")?;
        }
        Ok(())
    }
}

/// Works off the journals. Members may keep a user from being deleted, so groups go first.
pub async fn clean(http: &Http, journals: Vec<PathBuf>, dry_run: bool) -> CleanReport {
    let mut report = CleanReport { dry_run, ..CleanReport::default() };
    let redactor = Redactor::new(http.secrets().iter().map(|s| s.expose_secret().to_owned()).collect());
    for file in journals {
        let journal = match Journal::resume(&file) {
            Ok(Some(journal)) => {
                let redactor = redactor.clone();
                journal.keeping_out(move |text| redactor.text(text) != text)
            }
            Ok(None) => {
                let file = file.display();
                report.skipped.push(format!("`{file}`: its run still goes on"));
                continue;
            }
            Err(e) => {
                report.skipped.push(e.to_string());
                continue;
            }
        };
        if !journal.is_for(&http.target().base_url) {
            let (file, base) = (file.display(), journal.base_url());
            report.skipped.push(format!("`{file}`: it belongs to {base}"));
            continue;
        }
        let mut sweep = Sweep { http, journal: &journal, report: &mut report, down: None, waited: Duration::ZERO };
        let swept = sweep.all().await;
        let ended = match swept {
            Ok(()) if !dry_run => journal.finish().map(|_| ()),
            other => other,
        };
        if let Err(e) = ended {
            report.skipped.push(e.to_string());
        }
    }
    report.redact(&redactor);
    report
}

struct Sweep<'a> {
    http: &'a Http,
    journal: &'a Journal,
    report: &'a mut CleanReport,
    /// Set once the server cannot be reached at all: waiting for each of a thousand leftovers helps nobody.
    down: Option<String>,
    /// For a busy server, all in all.
    waited: Duration,
}

/// So long a clean-up waits for a busy server, all in all: whoever pressed Ctrl-C is waiting, too.
const PATIENCE: Duration = Duration::from_secs(30);

impl Sweep<'_> {
    async fn all(&mut self) -> Result<(), EngineError> {
        let mut leftovers = self.journal.leftovers();
        // What was made last may depend on what was made before.
        leftovers.reverse();
        let mut paths: Vec<(String, bool)> = Vec::new();
        for leftover in leftovers {
            match leftover {
                Leftover::Resource { path, other } => paths.push((path, other)),
                Leftover::Unknown { intent, collection, attribute, key, other } => {
                    let found = self.look_up(&collection, attribute, &key, other).await;
                    let what = format!("{collection} with {attribute} \"{key}\"");
                    paths.extend(self.settle(intent, what, found, other)?.into_iter().map(|p| (p, other)));
                }
            }
        }
        let mut seen = HashSet::new();
        paths.retain(|p| seen.insert(p.clone()));
        paths.sort_by_key(|(path, _)| deletion_rank(path));
        for (path, other) in paths {
            self.delete(&path, other).await?;
        }
        Ok(())
    }

    /// Turns an intent into paths; the journal knows them before any is deleted.
    fn settle(
        &mut self,
        intent: u64,
        what: String,
        found: Result<Vec<String>, String>,
        other: bool,
    ) -> Result<Vec<String>, EngineError> {
        let paths = match found {
            Ok(paths) => paths,
            Err(why) => {
                self.report.left.push((what, why));
                return Ok(Vec::new());
            }
        };
        if paths.is_empty() {
            self.report.gone.push(what);
        }
        if !self.report.dry_run {
            let side = self.journal.side(other);
            for path in &paths {
                side.found(path)?;
            }
            side.nothing_made(Intent::from(intent))?;
        }
        Ok(paths)
    }

    /// Resources in that collection whose unique name is exactly `key`.
    async fn look_up(
        &mut self,
        collection: &str,
        attribute: &str,
        key: &str,
        other: bool,
    ) -> Result<Vec<String>, String> {
        let mark = self.journal.run_id().to_lowercase();
        if mark.is_empty() || !key.to_lowercase().contains(&mark) {
            return Err("its name does not carry the mark of the run; look for it by hand".into());
        }
        let quoted = Value::from(key).to_string();
        let filter = encode_query_value(&format!("{attribute} eq {quoted}"));
        let exchange = self.send("GET", format!("{collection}?filter={filter}"), other).await?;
        match exchange.status() {
            Some(200) => {}
            Some(404) => return Ok(Vec::new()),
            Some(status) => return Err(format!("the look-up was answered with status {status}")),
            None => return Err("the look-up got no answer".into()),
        }
        let list = exchange.json().and_then(|j| value_ci(j, "Resources"));
        let resources = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let ours: Vec<String> = resources
            .iter()
            .filter(|r| text(r, attribute).is_some_and(|name| name.to_lowercase() == key.to_lowercase()))
            .filter_map(|r| text(r, "id").filter(|id| !id.is_empty()))
            .map(|id| format!("{}/{}", collection.trim_end_matches('/'), encode_segment(id)))
            .collect();
        let empty = exchange.json().is_some_and(|j| resources.is_empty() && j.is_object());
        if ours.is_empty() && !empty {
            return Err("the server's answer to the filter is no list of matches; look for it by hand".into());
        }
        Ok(ours)
    }

    async fn delete(&mut self, path: &str, other: bool) -> Result<(), EngineError> {
        let tenant = if other { " as the second tenant" } else { "" };
        let by_hand = format!("DELETE {}{path}{tenant}", self.journal.base_url());
        if self.report.dry_run {
            self.report.deleted.push(path.to_owned());
            return Ok(());
        }
        match self.send("DELETE", path.to_owned(), other).await {
            Err(why) => self.report.left.push((by_hand, why)),
            Ok(exchange) => match exchange.status() {
                Some(200..=299) => {
                    self.journal.side(other).deleted(path)?;
                    self.report.deleted.push(path.to_owned());
                }
                Some(404 | 410) => {
                    self.journal.side(other).deleted(path)?;
                    self.report.gone.push(path.to_owned());
                }
                status => {
                    let status = status.map_or("none".to_owned(), |s| s.to_string());
                    self.report.left.push((by_hand, format!("answered with status {status}")));
                }
            },
        }
        Ok(())
    }

    /// Sends with patience for a server that is busy; `Err` is a reason in the user's words.
    async fn send(&mut self, method: &str, target: String, other: bool) -> Result<Exchange, String> {
        if let Some(why) = &self.down {
            return Err(why.clone());
        }
        let mut out = Outgoing {
            method: method.into(),
            target,
            headers: vec![("Accept".into(), "application/scim+json, application/json".into())],
            auth: if other { AuthKind::Other } else { AuthKind::Configured },
            ..Outgoing::default()
        };
        let mut ours = Created::default();
        ours.insert(out.path());
        // The path is ours by the journal; the guard still refuses whole collections.
        Guard::default().check(&out, &ours)?;
        for _ in 0..3 {
            let exchange = self.http.send(out.clone()).await;
            match &exchange.outcome {
                Ok(response) if matches!(response.status, 429 | 503) => {
                    let now = time::OffsetDateTime::now_utc();
                    let wait = retry_after(response, now, Duration::from_secs(20)).unwrap_or(Duration::from_secs(1));
                    if self.waited + wait > PATIENCE {
                        break;
                    }
                    self.waited += wait;
                    tokio::time::sleep(wait).await;
                }
                // A condition is wanted (RFC 6585 §3): whatever the version is, it may go.
                Ok(response) if response.status == 428 && out.headers.len() == 1 => {
                    out.headers.push(("If-Match".into(), "*".into()));
                }
                Ok(_) => return Ok(exchange),
                Err(failure) => return Err(self.note_failure(failure)),
            }
        }
        let why = "the server says that it is too busy";
        // Else each of a thousand leftovers would wait for its own minute.
        self.down = Some(why.to_owned());
        Err(why.into())
    }

    fn note_failure(&mut self, failure: &TransportFailure) -> String {
        use FailureKind as K;
        if matches!(failure.kind, K::Dns | K::Refused | K::Tls | K::Timeout) {
            self.down = Some(failure.message.clone());
        }
        failure.message.clone()
    }
}

fn deletion_rank(path: &str) -> u8 {
    let collection = path.trim_matches('/').split('/').rev().nth(1).unwrap_or_default();
    match collection.to_ascii_lowercase().as_str() {
        "groups" => 0,
        "users" => 2,
        _ => 1,
    }
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value_ci(value, name).and_then(Value::as_str)
}
