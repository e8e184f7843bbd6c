//! The command line: one file per subcommand. Only here: environment, arguments, terminal, exit status.

pub mod serve;

use std::process::ExitCode;

/// Runs the program.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
