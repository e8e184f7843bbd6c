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
