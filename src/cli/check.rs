//! `scimproof check`: validates scenario files without running them.
//!
//! Must not know what a scenario means: the loader says what is wrong, this prints it.

use crate::profile::idp;
use crate::scenario::{self, model::Scenario};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Arguments of `scimproof check`.
#[derive(Debug, Clone, clap::Args)]
pub struct CheckArgs {
    /// Scenario files, or folders that are searched for them.
    #[arg(required = true, value_name = "FILE|DIR")]
    pub files: Vec<PathBuf>,
}

/// Checks the files and prints what is wrong; 0 when all is well, 2 otherwise.
pub fn check(args: &CheckArgs) -> u8 {
    let color = io::stdout().is_terminal();
    let mut out = anstream::stdout().lock();
    check_to(args, color, &mut out)
}

fn check_to(args: &CheckArgs, color: bool, out: &mut dyn Write) -> u8 {
    let mut files = Vec::new();
    let mut report = Report::default();
    for path in &args.files {
        if let Err(error) = collect(path, &mut files) {
            report.broken(&format!("{}: {error}", path.display()), out);
        }
    }
    if files.is_empty() && report.wrong == 0 {
        report.broken("no scenario files found", out);
    }
    for file in &files {
        match check_file(file, color) {
            Ok(line) => report.good(file, &line, out),
            Err(texts) => {
                for text in texts {
                    report.print(&format!("{text}\n"), out);
                }
                report.wrong += 1;
            }
        }
    }
    if report.good + report.wrong > 1 {
        let line = format!("{} good, {} wrong", report.good, report.wrong);
        report.print(&line, out);
    }
    if report.wrong == 0 { 0 } else { 2 }
}

#[derive(Default)]
struct Report {
    good: usize,
    wrong: usize,
}

impl Report {
    fn good(&mut self, file: &Path, line: &str, out: &mut dyn Write) {
        self.good += 1;
        self.print(&format!("ok    {}  {line}", file.display()), out);
    }

    fn broken(&mut self, line: &str, out: &mut dyn Write) {
        self.wrong += 1;
        self.print(&format!("error: {line}"), out);
    }

    fn print(&self, line: &str, out: &mut dyn Write) {
        // A reader that went away (`| head`) is no reason to fail.
        let _ = writeln!(out, "{line}");
    }
}

/// What a good file holds, in one line, or every error in it.
fn check_file(file: &Path, color: bool) -> Result<String, Vec<String>> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|e| vec![format!("error: {name}: {e}")])?;
    if is_profile(file) {
        return match idp::parse(&text, &name) {
            Ok(profile) => Ok(format!("profile of {}", profile.title)),
            Err(error) => Err(vec![error.render(color)]),
        };
    }
    let loaded = load_text(file, &text).map_err(|errors| errors.iter().map(|e| e.render(color)).collect::<Vec<_>>())?;
    let cases = loaded.dialects.len().max(1);
    Ok(format!("{}: {}, {}", loaded.id, count(loaded.steps.len(), "step"), count(cases, "case")))
}

fn is_profile(file: &Path) -> bool {
    file.file_stem().is_some_and(|s| s == "profile")
}

/// Loads a scenario; included files are looked for below its `scenarios` folder, then among the bundled ones.
pub(super) fn load_text(file: &Path, text: &str) -> Result<Scenario, Vec<scenario::LoadError>> {
    let root = scenario_folder(file);
    let includes = |id: &str| {
        let beside = root.as_ref().and_then(|r| std::fs::read_to_string(r.join(format!("{id}.yaml"))).ok());
        beside.or_else(|| scenario::bundled_text(id).map(str::to_owned))
    };
    scenario::load(text, &file.display().to_string(), &includes)
}

/// Every scenario file of a folder, or the one file; profiles are none.
pub(super) fn walk(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    collect(path, &mut files).map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", path.display())))?;
    files.retain(|f| !is_profile(f));
    Ok(files)
}

fn count(n: usize, noun: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{s}")
}

/// The `scenarios` folder that a file is in: included files are looked for below it, else beside the file.
fn scenario_folder(file: &Path) -> Option<PathBuf> {
    let folder = file.parent()?;
    let above = folder.ancestors().find(|a| a.file_name().is_some_and(|n| n == "scenarios"));
    Some(above.unwrap_or(folder).to_owned())
}

/// Files in a stable order; a file that is named is taken whatever its ending.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.is_dir() {
        std::fs::metadata(path)?;
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries: Vec<PathBuf> = std::fs::read_dir(path)?.map(|e| e.map(|e| e.path())).collect::<io::Result<_>>()?;
    entries.sort();
    for entry in entries {
        let yaml = entry.extension().is_some_and(|e| e == "yaml" || e == "yml");
        if entry.is_dir() {
            collect(&entry, files)?;
        } else if yaml {
            files.push(entry);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "scenario: rfc/good\ntitle: A look\nidp: rfc\nsteps:\n  - { step: look, title: Look, GET: /Users }\n";

    fn run(files: Vec<PathBuf>) -> (u8, String) {
        let mut out = Vec::new();
        let status = check_to(&CheckArgs { files }, false, &mut out);
        (status, String::from_utf8(out).expect("text"))
    }

    #[test]
    fn a_folder_is_walked_and_one_wrong_file_is_enough() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = root.path().join("scenarios/rfc");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("good.yaml"), GOOD).expect("a file");
        let (status, text) = run(vec![root.path().to_owned()]);
        assert_eq!(status, 0, "{text}");
        assert!(text.contains("rfc/good: 1 step, 1 case"), "{text}");

        std::fs::write(folder.join("bad.yaml"), GOOD).expect("a file");
        let (status, text) = run(vec![root.path().to_owned()]);
        assert_eq!(status, 2);
        assert!(text.contains("the id is `rfc/good` but the file is `rfc/bad`"), "{text}");
        assert!(text.ends_with("1 good, 1 wrong\n"), "{text}");
    }

    #[test]
    fn a_missing_file_is_wrong() {
        let (status, text) = run(vec![PathBuf::from("no-such-file.yaml")]);
        assert_eq!(status, 2);
        assert!(text.contains("no-such-file.yaml"), "{text}");
    }
}
