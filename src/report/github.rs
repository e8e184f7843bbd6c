//! GitHub Actions annotations: the ten most important findings, as workflow commands on stdout.
//!
//! Must not write more: the runner shows ten errors and ten warnings of a step and drops the rest silently.

use super::{Sink, text};
use crate::event::{FindingReport, RunReport};
use std::collections::HashMap;
use std::io::{self, Write};
use std::path::PathBuf;

/// What the runner shows of each kind.
const SHOWN: usize = 10;

/// Prints annotations, and appends the Markdown report to the job summary.
pub struct GitHub<W> {
    out: W,
    summary: Option<PathBuf>,
}

impl<W: Write> GitHub<W> {
    /// Annotations go to `out`; `summary` is the file named by `GITHUB_STEP_SUMMARY`.
    pub fn new(out: W, summary: Option<PathBuf>) -> Self {
        Self { out, summary }
    }
}

impl<W: Write + Send> Sink for GitHub<W> {
    fn finish(mut self: Box<Self>, report: &RunReport) -> io::Result<()> {
        write(report, &mut self.out)?;
        self.out.flush()?;
        let Some(path) = &self.summary else {
            return Ok(());
        };
        // Appended, not replaced: other commands of the same step write there too.
        let append = |path| std::fs::OpenOptions::new().append(true).create(true).open(path);
        append(path)
            .and_then(|mut file| super::markdown::write(report, &mut file))
            .map_err(|e| io::Error::new(e.kind(), format!("cannot write the job summary {}: {e}", path.display())))
    }
}

/// Writes the annotations.
pub fn write(report: &RunReport, out: &mut dyn Write) -> io::Result<()> {
    let places = places(report);
    let failing: Vec<_> = report.findings.iter().filter(|f| f.fails).collect();
    for finding in failing.iter().take(SHOWN) {
        annotation(out, "error", finding, &places)?;
    }
    let warnings =
        report.findings.iter().filter(|f| !f.fails && f.known.is_none() && f.level != crate::rules::Level::Note);
    for finding in warnings.take(SHOWN) {
        annotation(out, "warning", finding, &places)?;
    }
    for entry in report.stale_baseline.iter().take(SHOWN) {
        let message = format!("{entry} no longer fails: take it out of the baseline");
        writeln!(out, "::warning title=Stale baseline entry::{}", data(&text::line(&message)))?;
    }
    if failing.len() > SHOWN {
        let more = format!("{} more findings fail: see the job summary or the reports", failing.len() - SHOWN);
        writeln!(out, "::notice title=scimproof::{more}")?;
    }
    Ok(())
}

/// File and line of each step.
fn places(report: &RunReport) -> HashMap<(String, &str), (&str, usize)> {
    let mut all = HashMap::new();
    for case in &report.cases {
        for step in &case.steps {
            all.insert((case.name(), step.id.as_str()), (case.file.as_str(), step.line));
        }
    }
    all
}

fn annotation(
    out: &mut dyn Write,
    kind: &str,
    f: &FindingReport,
    places: &HashMap<(String, &str), (&str, usize)>,
) -> io::Result<()> {
    let place = places.get(&(f.scenario.clone(), f.step.as_str()));
    let file = match place {
        Some((file, line)) if !file.is_empty() => {
            format!("file={},line={line},", property(&text::line(file)))
        }
        _ => String::new(),
    };
    let said = if f.message.trim().is_empty() { &f.title } else { &f.message };
    let mut lines = vec![
        text::line(said),
        format!("at {}: expected {}, actual {}", text::line(&f.at), text::line(&f.expected), text::line(&f.actual)),
    ];
    lines.extend(f.admin_sees.iter().map(|a| format!("{} admin reads: {}", text::line(&a.idp), text::line(&a.text))));
    if !f.hint.is_empty() {
        lines.push(format!("fix: {}", text::line(&f.hint)));
    }
    lines.push(text::block(&f.reproduce).replace('\n', " "));
    let title = format!("{} ({})", text::line(&f.rule), f.level.name());
    writeln!(out, "::{kind} {file}title={}::{}", property(&title), data(&lines.join("\n")))
}

/// The message of a workflow command.
fn data(value: &str) -> String {
    value.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a workflow command.
fn property(value: &str) -> String {
    data(value).replace(':', "%3A").replace(',', "%2C")
}
