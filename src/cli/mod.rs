//! The command line: one file per subcommand. Only here: environment, arguments, terminal, exit status.

pub mod args;
pub mod exit;
pub mod init;
pub mod merge;

use std::process::ExitCode;

/// Runs the program.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
