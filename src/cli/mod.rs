//! The command line: one file per subcommand. Only here: environment, arguments, terminal, exit status.

pub mod args;
pub mod check;
pub mod clean;
pub mod config;
pub mod connect;
pub mod exit;
pub mod explain;
pub mod init;
pub mod list;
pub mod merge;
pub mod serve;

use std::process::ExitCode;

/// Runs the program.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
