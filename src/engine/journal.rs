//! What this run has made and not yet removed, one JSON object per line, written before it is relied on.
//!
//! Must not hold a secret and must not send anything. A line is one `write` without a buffer of ours: `kill -9` loses nothing.

use super::error::EngineError;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use url::Url;

/// Where journals are kept unless the user says otherwise.
pub const DEFAULT_DIR: &str = ".scimproof";

const FORMAT: &str = "scimproof-journal/1";

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Started {
        format: String,
        run: String,
        base_url: String,
    },
    /// A create is about to be sent.
    Intent {
        n: u64,
        method: String,
        path: String,
        key: String,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        other: bool,
    },
    /// It was answered: nothing was made (no path), or this was. Also for what no intent announced, with a number of its own.
    Settled {
        n: u64,
        path: Option<String>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        other: bool,
    },
    Deleted {
        path: String,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        other: bool,
    },
}

/// A create that is on its way. Hand it back to [`Journal::created`] or [`Journal::nothing_made`]; if the answer never came, keep
/// it: `clean` then looks the resource up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intent(u64);

/// Something that may still be on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leftover {
    /// A resource at this path below the base URL.
    Resource {
        /// `/Users/42`.
        path: String,
        /// True if it belongs to the second tenant.
        other: bool,
    },
    /// Perhaps a resource: the create was sent, the answer is not known.
    Unknown {
        /// Number of the intent.
        intent: u64,
        /// `/Users`.
        collection: String,
        /// `userName` for users, `displayName` for everything else.
        attribute: &'static str,
        /// Its value; it carries the run id.
        key: String,
        /// True if it belongs to the second tenant.
        other: bool,
    },
}

/// The journal as one of the two tenants sees it: an id says nothing without the tenant it is from.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    journal: &'a Journal,
    other: bool,
}

/// The journal of a run that goes on. All methods may be called from several cases at once.
pub struct Journal {
    path: PathBuf,
    made_dir: Option<PathBuf>,
    run_id: String,
    base_url: String,
    secret: Option<Secret>,
    state: Mutex<State>,
}

/// Whether a text holds a secret.
type Secret = Box<dyn Fn(&str) -> bool + Send + Sync>;

struct State {
    file: File,
    pending: Pending,
}

impl Journal {
    /// A new file in `dir`, which is made if need be. Two runs never share a file, even with the same id.
    pub fn open(dir: &Path, run_id: &str, base_url: &Url) -> Result<Self, EngineError> {
        let made_dir = (!dir.exists()).then(|| dir.to_owned());
        let (path, file) = create_file(dir, run_id)?;
        // The lock dies with the process, even by kill -9: so `clean` can tell a crashed run from one that still goes on.
        if let Err(TryLockError::Error(e)) = file.try_lock()
            && e.kind() != ErrorKind::Unsupported
        {
            return Err(failed(&path, "could not be locked", e));
        }
        let journal = Self {
            path,
            made_dir,
            run_id: run_id.to_owned(),
            base_url: shown(base_url),
            secret: None,
            state: Mutex::new(State { file, pending: Pending::default() }),
        };
        journal.write(&Line::Started { format: FORMAT.into(), run: run_id.to_owned(), base_url: shown(base_url) })?;
        Ok(journal)
    }

    /// Goes on with the file of a run that is over; `None` if that run still holds it.
    pub fn resume(path: &Path) -> Result<Option<Self>, EngineError> {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .open(path)
            .map_err(|e| failed(path, "could not be opened", e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(e)) if e.kind() == ErrorKind::Unsupported => {}
            Err(TryLockError::Error(e)) => return Err(failed(path, "could not be locked", e)),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|e| failed(path, "could not be read", e))?;
        let about = JournalFile::parse(path, &bytes)?;
        if bytes.last() != Some(&b'\n') {
            // A crash in the middle of a write leaves half a line; what follows must begin on a new one.
            file.write_all(b"\n").map_err(|e| failed(path, "could not be written", e))?;
        }
        Ok(Some(Self {
            path: path.to_owned(),
            made_dir: path.parent().filter(|d| d.ends_with(DEFAULT_DIR)).map(Path::to_owned),
            run_id: about.run_id,
            base_url: about.base_url,
            secret: None,
            state: Mutex::new(State { file, pending: about.pending }),
        }))
    }

    /// Keeps paths out of the file that hold a secret: a server may make an id of whatever it was sent. Their creates stay announced,
    /// so `clean` looks them up by name.
    pub fn keeping_out(mut self, secret: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.secret = Some(Box::new(secret));
        self
    }

    /// The part of the tenant under test, or of the second one.
    pub fn side(&self, other: bool) -> Side<'_> {
        Side { journal: self, other }
    }

    /// What may still be on the server, in order of creation.
    pub fn leftovers(&self) -> Vec<Leftover> {
        self.lock().pending.leftovers()
    }

    /// Id of the run; every generated key carries it.
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// True if the run is or was against that server.
    pub fn is_for(&self, base_url: &Url) -> bool {
        self.base_url == shown(base_url)
    }

    /// Server of the run, user and password removed.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Ends the run. With nothing left the file goes away; otherwise the answer is where it stays.
    pub fn finish(self) -> Result<Option<PathBuf>, EngineError> {
        if !self.leftovers().is_empty() {
            return Ok(Some(self.path));
        }
        // Windows removes no file that is open.
        drop(self.state);
        std::fs::remove_file(&self.path).map_err(|e| failed(&self.path, "could not be removed", e))?;
        if let Some(dir) = &self.made_dir {
            // Fails while another run has its journal there, and should.
            let _ = std::fs::remove_dir(dir);
        }
        Ok(None)
    }

    /// What a file says is left. See [`JournalFile`] for whose it is.
    pub fn pending(file: &Path) -> Result<Vec<Leftover>, EngineError> {
        JournalFile::read(file).map(|f| f.leftovers())
    }

    /// All journals in a folder, oldest name first; a folder that is not there has none.
    pub fn list(dir: &Path) -> Result<Vec<PathBuf>, EngineError> {
        let entries = match std::fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(failed(dir, "could not be listed", e)),
        };
        let mut files: Vec<PathBuf> = entries
            .filter_map(|e| e.ok().map(|e| e.path()))
            .filter(|p| p.extension().is_some_and(|e| e == "jsonl"))
            .collect();
        files.sort();
        Ok(files)
    }

    fn next_number(&self) -> u64 {
        let mut state = self.lock();
        state.pending.last += 1;
        state.pending.last
    }

    fn write(&self, line: &Line) -> Result<(), EngineError> {
        let mut text = serde_json::to_vec(line).expect("strings and numbers are always JSON");
        text.push(b'\n');
        let path = match line {
            Line::Settled { path, .. } => path.as_deref(),
            Line::Deleted { path, .. } => Some(path.as_str()),
            Line::Started { .. } | Line::Intent { .. } => None,
        };
        let kept_out = path.zip(self.secret.as_ref()).is_some_and(|(path, secret)| secret(path));
        let mut state = self.lock();
        if !kept_out {
            // One call: appended whole, and in the system's hands when it returns.
            state.file.write_all(&text).map_err(|e| failed(&self.path, "could not be written", e))?;
        }
        state.pending.apply(line);
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // A case that panicked elsewhere must not keep the others from cleaning up.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Side<'_> {
    /// Before a create is sent: `key` is the unique userName (users) or displayName (everything else) in its body.
    pub fn intent(&self, method: &str, path: &str, key: &str) -> Result<Intent, EngineError> {
        let n = self.journal.next_number();
        let (method, path, key) = (method.to_owned(), path.to_owned(), key.to_owned());
        self.journal.write(&Line::Intent { n, method, path, key, other: self.other })?;
        Ok(Intent(n))
    }

    /// The server made it, at this path below the base URL.
    pub fn created(&self, intent: Intent, path: &str) -> Result<(), EngineError> {
        self.journal.write(&Line::Settled { n: intent.0, path: Some(path.to_owned()), other: self.other })
    }

    /// The server made nothing (4xx), or nothing was sent.
    pub fn nothing_made(&self, intent: Intent) -> Result<(), EngineError> {
        self.journal.write(&Line::Settled { n: intent.0, path: None, other: self.other })
    }

    /// Something of ours turned up that no intent announced.
    pub fn found(&self, path: &str) -> Result<(), EngineError> {
        self.created(Intent(self.journal.next_number()), path)
    }

    /// It is gone.
    pub fn deleted(&self, path: &str) -> Result<(), EngineError> {
        self.journal.write(&Line::Deleted { path: path.to_owned(), other: self.other })
    }
}

/// A journal as read from disk.
#[derive(Debug, Clone)]
pub struct JournalFile {
    /// Id of the run; every generated key carries it.
    pub run_id: String,
    /// Server of the run, user and password removed.
    pub base_url: String,
    pending: Pending,
}

impl JournalFile {
    /// Reads a journal; half a line at its end is what a crash leaves, and is passed over.
    pub fn read(path: &Path) -> Result<Self, EngineError> {
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|mut f| f.read_to_end(&mut bytes))
            .map_err(|e| failed(path, "could not be read", e))?;
        Self::parse(path, &bytes)
    }

    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, EngineError> {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.lines().filter_map(|l| serde_json::from_str::<Line>(l).ok());
        let Some(Line::Started { format, run, base_url }) = lines.next() else {
            return Err(foreign(path, "it does not begin like a journal of scimproof"));
        };
        if format != FORMAT {
            return Err(foreign(path, "it was written by another version of scimproof"));
        }
        let mut pending = Pending::default();
        lines.for_each(|line| pending.apply(&line));
        Ok(Self { run_id: run, base_url, pending })
    }

    /// What may still be on the server, in order of creation.
    pub fn leftovers(&self) -> Vec<Leftover> {
        self.pending.leftovers()
    }

    /// True if the run was against that server.
    pub fn is_for(&self, base_url: &Url) -> bool {
        self.base_url == shown(base_url)
    }
}

/// What the lines so far add up to. Numbers keep the order of creation.
#[derive(Debug, Clone, Default)]
struct Pending {
    last: u64,
    intents: BTreeMap<u64, (String, String, bool)>,
    resources: BTreeMap<u64, (String, bool)>,
    /// The other way round: a run over 100,000 users deletes each by its path.
    numbers: HashMap<(String, bool), u64>,
}

impl Pending {
    fn apply(&mut self, line: &Line) {
        match line {
            Line::Started { .. } => {}
            Line::Intent { n, path, key, other, .. } => {
                self.last = self.last.max(*n);
                self.intents.insert(*n, (path.clone(), key.clone(), *other));
            }
            Line::Settled { n, path, other } => {
                self.last = self.last.max(*n);
                self.intents.remove(n);
                if let Some(path) = path {
                    let place = (path.clone(), *other);
                    self.forget(&place);
                    self.resources.insert(*n, place.clone());
                    self.numbers.insert(place, *n);
                }
            }
            Line::Deleted { path, other } => self.forget(&(path.clone(), *other)),
        }
    }

    fn forget(&mut self, place: &(String, bool)) {
        if let Some(n) = self.numbers.remove(place) {
            self.resources.remove(&n);
        }
    }

    fn leftovers(&self) -> Vec<Leftover> {
        let mut all: Vec<(u64, Leftover)> = Vec::new();
        for (n, (path, other)) in &self.resources {
            all.push((*n, Leftover::Resource { path: path.clone(), other: *other }));
        }
        for (n, (path, key, other)) in &self.intents {
            let unknown = Leftover::Unknown {
                intent: *n,
                collection: path.clone(),
                attribute: key_attribute(path),
                key: key.clone(),
                other: *other,
            };
            all.push((*n, unknown));
        }
        all.sort_by_key(|(n, _)| *n);
        all.into_iter().map(|(_, leftover)| leftover).collect()
    }
}

/// The intent of a [`Leftover::Unknown`], to settle it.
impl From<u64> for Intent {
    fn from(n: u64) -> Self {
        Self(n)
    }
}

/// The attribute by which a create is looked up again: `userName` for users, `displayName` for everything else.
pub fn key_attribute(collection: &str) -> &'static str {
    let last = collection.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    if last.eq_ignore_ascii_case("users") { "userName" } else { "displayName" }
}

fn create_file(dir: &Path, run_id: &str) -> Result<(PathBuf, File), EngineError> {
    let stem: String =
        run_id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).take(80).collect();
    let mut removed_under_us = 0;
    for n in 1.. {
        std::fs::create_dir_all(dir).map_err(|e| failed(dir, "could not be made", e))?;
        let suffix = if n == 1 { String::new() } else { format!("-{n}") };
        let path = dir.join(format!("{stem}{suffix}.jsonl"));
        match OpenOptions::new().append(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            // Another run ended between our two calls and took the empty folder along.
            Err(e) if e.kind() == ErrorKind::NotFound && removed_under_us < 3 => removed_under_us += 1,
            Err(e) => return Err(failed(&path, "could not be made", e)),
        }
    }
    unreachable!("the loop only ends by returning")
}

fn shown(base_url: &Url) -> String {
    let mut url = base_url.clone();
    // Both only fail for URLs that cannot have them, where there is nothing to remove.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    // A query may be a key.
    url.set_query(None);
    url.set_fragment(None);
    url.as_str().trim_end_matches('/').to_owned()
}

fn failed(path: &Path, doing: &'static str, source: std::io::Error) -> EngineError {
    EngineError::Journal { path: path.to_owned(), doing, source }
}

fn foreign(path: &Path, why: &str) -> EngineError {
    EngineError::NotAJournal { path: path.to_owned(), why: why.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Url {
        Url::parse("https://alice:hidden@scim.example.com/v2/?key=hidden").unwrap()
    }

    fn resource(path: &str) -> Leftover {
        Leftover::Resource { path: path.into(), other: false }
    }

    #[test]
    fn a_killed_run_leaves_exactly_what_it_made() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path(), "r7", &base()).unwrap();
        let alice = journal.side(false).intent("POST", "/Users", "r7-alice").unwrap();
        let bob = journal.side(false).intent("POST", "/Users", "r7-bob").unwrap();
        journal.side(false).created(alice, "/Users/1").unwrap();
        journal.side(false).nothing_made(bob).unwrap();
        journal.side(false).intent("POST", "/Groups", "r7-team").unwrap();
        journal.side(false).found("/Users/2").unwrap();
        journal.side(false).deleted("/Users/1").unwrap();
        // As kill -9 would: nothing is finished or dropped, and the last line is half written.
        let path = journal.path().to_owned();
        let mut text = std::fs::read(&path).unwrap();
        text.extend(b"{\"intent\":{\"n\":9");
        std::fs::write(&path, text).unwrap();
        let unknown = Leftover::Unknown {
            intent: 3,
            collection: "/Groups".into(),
            attribute: "displayName",
            key: "r7-team".into(),
            other: false,
        };
        assert_eq!(Journal::pending(&path).unwrap(), [unknown, resource("/Users/2")]);
        let whole = std::fs::read_to_string(&path).unwrap();
        assert!(!whole.contains("hidden"), "{whole}");
    }

    #[test]
    fn resuming_waits_for_the_run_to_end_and_survives_the_broken_line() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path(), "r1", &base()).unwrap();
        journal.side(false).found("/Users/1").unwrap();
        let path = journal.path().to_owned();
        assert!(Journal::resume(&path).unwrap().is_none());
        assert_eq!(journal.finish().unwrap(), Some(path.clone()));
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"del").unwrap();
        drop(file);
        let again = Journal::resume(&path).unwrap().unwrap();
        assert_eq!(again.leftovers(), [resource("/Users/1")]);
        again.side(false).deleted("/Users/1").unwrap();
        assert!(Journal::pending(&path).unwrap().is_empty());
        assert_eq!(again.finish().unwrap(), None);
        assert!(!path.exists());
    }

    #[test]
    fn one_id_in_two_tenants_is_two_resources() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path(), "r", &base()).unwrap();
        journal.side(false).found("/Users/1").unwrap();
        journal.side(true).found("/Users/1").unwrap();
        journal.side(false).deleted("/Users/1").unwrap();
        let left = [Leftover::Resource { path: "/Users/1".into(), other: true }];
        assert_eq!(journal.leftovers(), left);
        assert_eq!(Journal::pending(journal.path()).unwrap(), left);
    }

    #[test]
    fn two_runs_with_one_id_have_two_files_and_the_folder_goes_last() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join(DEFAULT_DIR);
        let first = Journal::open(&dir, "../r 1", &base()).unwrap();
        let second = Journal::open(&dir, "../r 1", &base()).unwrap();
        assert_ne!(first.path(), second.path());
        assert_eq!(Journal::list(&dir).unwrap().len(), 2);
        first.finish().unwrap();
        assert!(dir.exists());
        let other = Journal::resume(second.path()).unwrap();
        assert!(other.is_none());
        let path = second.path().to_owned();
        drop(second);
        Journal::resume(&path).unwrap().unwrap().finish().unwrap();
        assert!(!dir.exists());
        assert!(Journal::list(&dir).unwrap().is_empty());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named_in_the_error() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("taken");
        std::fs::write(&file, "x").unwrap();
        let error = Journal::open(&file.join("j"), "r", &base()).err().unwrap().to_string();
        assert!(error.contains("taken") && error.contains("could not be made"), "{error}");
        assert!(JournalFile::read(&file).unwrap_err().to_string().contains("does not begin like a journal"));
    }

    #[test]
    fn a_path_that_holds_a_secret_stays_out_of_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let base = Url::parse("http://localhost/").unwrap();
        let journal = Journal::open(dir.path(), "r", &base).unwrap().keeping_out(|text| text.contains("t0p"));
        let side = journal.side(false);
        let intent = side.intent("POST", "/Users", "alice.r").unwrap();
        side.created(intent, "/Users/t0p-secret").unwrap();
        // The run itself knows the path; who comes after it looks for the name.
        assert!(matches!(&journal.leftovers()[..], [Leftover::Resource { path, .. }] if path == "/Users/t0p-secret"));
        let path = journal.path().to_owned();
        assert!(!std::fs::read_to_string(&path).unwrap().contains("t0p"));
        assert!(matches!(&Journal::pending(&path).unwrap()[..], [Leftover::Unknown { key, .. }] if key == "alice.r"));
        journal.side(false).deleted("/Users/t0p-secret").unwrap();
        assert_eq!(journal.finish().unwrap(), None);
    }

    #[test]
    fn a_full_disk_is_reported_before_the_create_is_sent() {
        if !Path::new("/dev/full").exists() {
            return;
        }
        let journal = Journal {
            path: "/dev/full".into(),
            made_dir: None,
            run_id: String::new(),
            secret: None,
            base_url: String::new(),
            state: Mutex::new(State {
                file: OpenOptions::new().append(true).open("/dev/full").unwrap(),
                pending: Pending::default(),
            }),
        };
        let error = journal.side(false).intent("POST", "/Users", "k").unwrap_err().to_string();
        assert!(error.contains("could not be written"), "{error}");
    }

    #[test]
    fn a_journal_knows_its_server() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path(), "r", &base()).unwrap();
        let file = JournalFile::read(journal.path()).unwrap();
        assert!(file.is_for(&Url::parse("https://scim.example.com/v2").unwrap()));
        assert!(!file.is_for(&Url::parse("https://scim.example.com/v1").unwrap()));
    }
}
