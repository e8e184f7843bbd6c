//! Event stream → terminal, JUnit, JSON, HTML, Markdown, GitHub. A report only listens.
//!
//! Must not know the engine or the rules' code: all it gets is [`crate::event`]. A new format is one file and one line in
//! [`FORMATS`].

use crate::event::{Event, RunReport};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub mod diff;
pub mod github;
pub mod html;
pub mod json;
pub mod junit;
pub mod lookup;
pub mod markdown;
mod needles;
pub mod progress;
pub mod redact;
pub mod terminal;
pub mod text;

/// Something that listens to a run.
pub trait Sink: Send {
    /// One thing happened.
    fn on(&mut self, event: &Event) -> io::Result<()> {
        let _ = event;
        Ok(())
    }

    /// The run is over (or was interrupted: `report.partial`).
    fn finish(self: Box<Self>, report: &RunReport) -> io::Result<()>;
}

/// A format that is written into a file when the run is over.
pub struct Format {
    /// Name, as in configuration files.
    pub name: &'static str,
    /// Flag of `scimproof run`.
    pub flag: &'static str,
    /// What it is good for.
    pub about: &'static str,
    /// Writes the whole report.
    pub write: fn(&RunReport, &mut dyn Write) -> io::Result<()>,
}

/// Every file format.
pub const FORMATS: &[Format] = &[
    Format { name: "junit", flag: "--junit", about: "JUnit XML, read by every CI system", write: junit::write },
    Format { name: "json", flag: "--json", about: "JSON, format scimproof/1", write: json::write },
    Format { name: "html", flag: "--html", about: "one self-contained HTML page", write: html::write },
    Format {
        name: "markdown",
        flag: "--markdown",
        about: "Markdown, fits a GitHub job summary",
        write: markdown::write,
    },
];

/// The format of that name.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|f| f.name == name)
}

/// Writes one format into one file when the run is over.
pub struct FileSink {
    format: &'static Format,
    path: PathBuf,
}

impl FileSink {
    /// Checks right away that the file can be written, so that a long run does not end without its report.
    pub fn new(format: &'static Format, path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        folder_is_writable(&path)?;
        Ok(Self { format, path })
    }
}

impl Sink for FileSink {
    fn finish(self: Box<Self>, report: &RunReport) -> io::Result<()> {
        write_file(&self.path, |w| (self.format.write)(report, w))
    }
}

/// Writes a file whole or not at all: a temporary file in the same folder, then a rename.
pub fn write_file(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    if is_special(path) {
        // A pipe or /dev/stdout has no folder to rename in.
        let file = std::fs::OpenOptions::new().write(true).open(path).map_err(|e| named(path, &e))?;
        return fill_and_flush(file, fill).map_err(|e| named(path, &e));
    }
    let temporary = temporary_name(path);
    let result =
        create(&temporary).and_then(|file| fill_and_flush(file, fill)).and_then(|()| std::fs::rename(&temporary, path));
    result.map_err(|e| {
        let _ = std::fs::remove_file(&temporary);
        named(path, &e)
    })
}

fn fill_and_flush(file: std::fs::File, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = io::BufWriter::new(file);
    fill(&mut out)?;
    out.flush()
}

fn create(path: &Path) -> io::Result<std::fs::File> {
    std::fs::OpenOptions::new().write(true).create_new(true).open(path)
}

/// Says early what would fail later: a missing folder, no rights, a folder in the place of the file.
pub fn folder_is_writable(path: &Path) -> io::Result<()> {
    if is_special(path) {
        return Ok(());
    }
    if path.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("cannot write {}: it is a folder", path.display()),
        ));
    }
    let probe = temporary_name(path);
    create(&probe).and_then(|_| std::fs::remove_file(&probe)).map_err(|e| named(path, &e))
}

fn is_special(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|m| !m.is_file() && !m.is_dir())
}

/// In the same folder, because a rename does not cross file systems; with our process id, because shards may share the folder.
fn temporary_name(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let why = match error.kind() {
        io::ErrorKind::NotFound => format!("the folder {} does not exist", folder.display()),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            format!("the folder {} cannot be written to", folder.display())
        }
        _ => error.to_string(),
    };
    io::Error::new(error.kind(), format!("cannot write {}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_whole_or_not_at_all() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("report.json");
        write_file(&path, |w| w.write_all(b"old")).expect("written");
        let error = write_file(&path, |w| {
            w.write_all(b"half")?;
            Err(io::Error::other("broke"))
        })
        .expect_err("fails");
        assert!(error.to_string().contains("report.json: broke"));
        assert_eq!(std::fs::read(&path).expect("readable"), b"old");
        assert_eq!(std::fs::read_dir(dir.path()).expect("folder").count(), 1);
    }

    #[test]
    fn a_missing_folder_is_named_before_the_run() {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("nowhere/report.xml");
        let junit = format("junit").expect("known");
        let error = FileSink::new(junit, &path).err().expect("refused");
        assert!(error.to_string().contains("nowhere does not exist"));
        let error = FileSink::new(junit, dir.path()).err().expect("refused");
        assert!(error.to_string().contains("it is a folder"));
    }

    #[test]
    fn names_and_flags_agree() {
        for format in FORMATS {
            assert_eq!(format.flag, format!("--{}", format.name));
        }
    }
}
