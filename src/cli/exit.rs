//! The exit status: one enum, so that scripts can rely on it. Nobody else ends the process.

use crate::event::RunReport;
use std::process::ExitCode;

/// How the program ends. 101 stays a panic of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Ran, and nothing fails.
    Clean = 0,
    /// Findings at a level that fails the run, or a baseline entry that no longer fails.
    Findings = 1,
    /// Bad arguments, configuration or scenario.
    Usage = 2,
    /// The target is unreachable or the run broke.
    Broken = 3,
    /// Nothing was selected, or everything was skipped.
    NothingRan = 4,
    /// Interrupted; clean-up and a partial report are done.
    Interrupted = 130,
}

impl Exit {
    /// The status of a finished run. Findings outrank a broken case: they are what the run was started for.
    pub fn of(report: &RunReport) -> Self {
        let ran = report.summary.passed + report.summary.failed + report.summary.blocked;
        if report.partial {
            Exit::Interrupted
        } else if report.findings.iter().any(|f| f.fails) || !report.stale_baseline.is_empty() {
            Exit::Findings
        } else if report.summary.errors > 0 {
            Exit::Broken
        } else if report.summary.blocked == ran && ran > 0 && report.summary.known == 0 {
            // Each case hangs on something that did not work, and nothing says why: that is no clean bill.
            Exit::Broken
        } else if ran == 0 {
            Exit::NothingRan
        } else {
            Exit::Clean
        }
    }

    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

/// Tells what went wrong in a subcommand that only reads and writes files: then it was asked for something impossible.
pub(super) fn told(result: std::io::Result<Exit>) -> Exit {
    match result {
        Ok(exit) => exit,
        // `scimproof list rules | head` is no failure.
        Err(problem) if problem.kind() == std::io::ErrorKind::BrokenPipe => Exit::Clean,
        Err(problem) => {
            anstream::eprintln!("error: {problem}");
            Exit::Usage
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn report(summary: serde_json::Value, fails: bool, partial: bool, stale: &[&str]) -> RunReport {
        let mut all = json!({ "passed": 0, "failed": 0, "skipped": 0, "errors": 0, "blocked": 0, "known": 0,
            "findings_by_level": { "must": 0, "idp": 0, "should": 0, "note": 0 }, "duration_ms": 0, "requests": 0 });
        for (key, value) in summary.as_object().expect("an object") {
            all[key] = value.clone();
        }
        let finding = json!({ "rule": "a/b", "title": "", "level": "must", "fails": fails, "known": null,
            "scenario": "x", "step": "s", "at": "", "expected": "", "actual": "", "message": "", "spec": "",
            "impact": "none", "admin_sees": [], "hint": "", "reproduce": "", "curl": "", "because": null, "also": [] });
        serde_json::from_value(json!({
            "version": "", "started": "", "partial": partial, "seed": 1, "summary": all, "cases": [],
            "target": { "base_url": "", "embedded": true, "provider": null, "advertised": [], "remarks": [] },
            "findings": [finding], "left_behind": [], "stale_baseline": stale
        }))
        .expect("a report")
    }

    #[test]
    fn every_end_has_its_status() {
        let code = |summary, fails, partial, stale: &[&str]| Exit::of(&report(summary, fails, partial, stale)).code();
        assert_eq!(code(json!({ "passed": 1 }), false, false, &[]), 0);
        assert_eq!(code(json!({ "passed": 1, "failed": 1, "errors": 1 }), true, false, &[]), 1);
        assert_eq!(code(json!({ "passed": 1 }), false, false, &["a/b @ x"]), 1);
        assert_eq!(code(json!({ "passed": 1, "errors": 1 }), false, false, &[]), 3);
        assert_eq!(code(json!({ "blocked": 2, "skipped": 1 }), false, false, &[]), 3);
        assert_eq!(code(json!({ "blocked": 2, "known": 1 }), false, false, &[]), 0);
        assert_eq!(code(json!({ "skipped": 3 }), false, false, &[]), 4);
        assert_eq!(code(json!({ "failed": 1 }), true, true, &[]), 130);
    }
}
