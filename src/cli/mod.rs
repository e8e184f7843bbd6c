//! The command line: one file per subcommand. Only here: environment, arguments, terminal, exit status.

pub mod args;
pub mod check;
pub mod clean;
pub mod config;
pub mod connect;
pub mod diagnose;
pub mod exit;
pub mod explain;
pub mod init;
pub mod list;
pub mod merge;
pub mod prove;
pub mod run;
pub mod serve;

use args::{Cli, Command};
use clap::Parser;
use std::process::ExitCode;

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(problem) => {
            anstream::eprintln!("error: cannot start: {problem}");
            return exit::Exit::Broken.into();
        }
    };
    runtime.block_on(dispatch(cli.command))
}

async fn dispatch(command: Command) -> ExitCode {
    match command {
        Command::Run(args) => run::main(*args).await.into(),
        Command::Serve(args) => serve::serve(args).await,
        Command::Check(args) => ExitCode::from(check::check(&args)),
        Command::Diagnose(args) => diagnose::main(*args).await.into(),
        Command::Prove(args) => prove::main(args).await.into(),
        Command::List(_)
        | Command::Explain(_)
        | Command::Clean(_)
        | Command::Init(_)
        | Command::Merge(_)
        | Command::Compare(_) => ExitCode::SUCCESS,
    }
}
