//! The command line: one file per subcommand. Only here: environment, arguments, terminal, exit status.

pub mod again;
pub mod args;
pub mod browser;
pub mod check;
pub mod clean;
pub mod config;
pub mod connect;
pub mod credentials;
pub mod diagnose;
pub mod exit;
pub mod explain;
pub mod import;
pub mod init;
pub mod list;
pub mod merge;
pub mod oauth;
pub mod prove;
pub mod record;
pub mod run;
pub mod serve;

use crate::engine::{Http, JournalFile};
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
        Command::List(args) => list::main(&args, &providers()).into(),
        Command::Explain(args) => explain::main(&args).into(),
        Command::Init(args) => init::main(&args).into(),
        Command::Import(args) => import::main(&args).into(),
        Command::Record(args) => record::main(*args).await.into(),
        Command::Merge(args) => merge::main_merge(&args).into(),
        Command::Compare(args) => merge::main_compare(&args).into(),
        Command::Clean(args) => clean_up(*args).await.into(),
    }
}

/// `scimproof clean`: what earlier runs left on the server is deleted, and nothing else.
async fn clean_up(command: args::CleanCommand) -> exit::Exit {
    match try_clean(command).await {
        Ok(report) => {
            anstream::print!("{report}");
            if report.complete() { exit::Exit::Clean } else { exit::Exit::Broken }
        }
        Err(text) => {
            anstream::eprintln!("error: {text}");
            exit::Exit::Usage
        }
    }
}

async fn try_clean(command: args::CleanCommand) -> Result<clean::CleanReport, String> {
    let files = command.clean.files().map_err(|e| e.to_string())?;
    let folder = std::env::current_dir().map_err(|e| e.to_string())?;
    let connection = config::Connection::load(command.target, &folder).map_err(|e| e.to_string())?;
    if files.is_empty() {
        return Ok(clean::CleanReport::default());
    }
    let text = match &connection.base_url {
        Some(text) => text.clone(),
        None => JournalFile::read(&files[0]).map_err(|e| e.to_string())?.base_url,
    };
    let url = url::Url::parse(&text).map_err(|e| format!("--base-url {text:?} is no URL: {e}"))?;
    let env = |name: &str| std::env::var(name).ok();
    let connected = connect::open(&connection, url, &env).await.map_err(|e| e.to_string())?;
    let redactor = connected.redactor;
    let http = Http::new(connected.target).map_err(|e| e.to_string())?;
    http.sign_in().await.map_err(|e| redactor.text(&e.to_string()))?;
    Ok(clean::clean(&http, files, command.clean.dry_run).await)
}

/// Name and title of each service provider profile.
fn providers() -> Vec<(String, String)> {
    crate::profile::provider::bundled().unwrap_or_default().into_iter().map(|p| (p.name, p.title)).collect()
}
