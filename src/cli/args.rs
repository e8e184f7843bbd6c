//! Every flag of every subcommand, defined once: help text, completion and errors come from here.
//!
//! Must not know what a flag leads to: [`super::config`] merges flags with the configuration file, the subcommands act.

use super::check::CheckArgs;
use super::clean::CleanArgs;
use super::diagnose::DiagnoseArgs;
use super::import::ImportArgs;
use super::init::InitArgs;
use super::merge::{CompareArgs, MergeArgs};
use super::oauth::OAuthArgs;
use super::record::RecordArgs;
use super::serve::ServeArgs;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// SCIM 2.0 conformance tester that plays Okta, Microsoft Entra ID and OneLogin.
#[derive(Debug, Parser)]
#[command(
    name = "scimproof",
    version,
    about = "Replays what Okta, Entra ID and OneLogin really send to a SCIM 2.0 server and judges every answer",
    after_help = FIRST_STEPS,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const FIRST_STEPS: &str = "\
First steps:
  scimproof run                                    see it work against the embedded server
  scimproof run --fault patch-active-ignored       see it find a bug
  scimproof run --base-url https://app.example.com/scim/v2 --token-env SCIM_TOKEN --idp okta
  scimproof init                                   write a scimproof.toml for your server

Exit status: 0 clean, 1 findings that fail the run, 2 bad arguments, configuration or scenario,
3 target unreachable or the run broke, 4 nothing ran, 130 interrupted.";

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Play scenarios against a SCIM server and judge every answer
    Run(Box<RunArgs>),
    /// Start the embedded reference server, healthy or with a fault
    Serve(ServeArgs),
    /// List scenarios, rules, faults, variants, identity providers or service providers
    List(ListArgs),
    /// Explain a rule, a fault or a scenario: what is wrong, who breaks, how to fix it
    Explain(ExplainArgs),
    /// Validate scenario files without running them
    Check(CheckArgs),
    /// Prove every rule: silent on correct servers, loud on the fault it names
    Prove(ProveArgs),
    /// From an admin's error text or a log export to the cause, with the two requests that disagree
    Diagnose(Box<DiagnoseArgs>),
    /// Stand between a client and a server, keep what passes, and make a scenario of it
    Record(Box<RecordArgs>),
    /// Make a scenario of a HAR file, a Postman collection or a Runscope test, or judge recorded traffic without a server
    Import(ImportArgs),
    /// Delete what an earlier run left behind
    Clean(Box<CleanCommand>),
    /// Write a commented scimproof.toml and print a CI snippet
    Init(InitArgs),
    /// Merge the JSON reports of several shards into one report
    Merge(MergeArgs),
    /// Compare two JSON reports: what is new, what is fixed
    Compare(CompareArgs),
}

const RUN_EXAMPLES: &str = "\
Examples:
  scimproof run
      Everything, against the embedded reference server.
  scimproof run --base-url https://app.example.com/scim/v2 --token-env SCIM_TOKEN
      Everything, against your server; the token is read from $SCIM_TOKEN.
  scimproof run okta/group-push-rename --base-url … --show-http
      One scenario, with every request and response.
  scimproof run --idp entra --junit report.xml --baseline known-failures.toml
      What a CI job runs: fails only on failures that nobody has accepted yet.
  scimproof run my-scenarios/ --only deactivate --keep
      Own files; plays up to the step `deactivate` and leaves everything in place.

Without --base-url (and without one in scimproof.toml) the embedded reference server is tested.";

/// `scimproof run`.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = RUN_EXAMPLES)]
pub struct RunArgs {
    /// Which server, and how to reach it.
    #[command(flatten)]
    pub target: TargetArgs,
    /// What is played.
    #[command(flatten)]
    pub select: SelectArgs,
    /// What counts as a failure.
    #[command(flatten)]
    pub judge: JudgeArgs,
    /// What is written.
    #[command(flatten)]
    pub reports: ReportArgs,
    /// How fast and how carefully.
    #[command(flatten)]
    pub pace: PaceArgs,
    /// Embedded server only.
    #[command(flatten)]
    pub embedded: EmbeddedArgs,
}

/// The server under test and the credentials for it. Shared by every subcommand that talks to a server.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Target")]
pub struct TargetArgs {
    /// Base URL of the SCIM endpoint, e.g. https://app.example.com/scim/v2
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// Configuration file [default: scimproof.toml, if there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Service provider profile: documented deviations, base path, unique identifier (see `list providers`)
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
    /// Service provider profile from a file of your own
    #[arg(long, value_name = "FILE", conflicts_with = "provider")]
    pub provider_file: Option<PathBuf>,
    /// How to prove who we are.
    #[command(flatten)]
    pub auth: AuthArgs,
    /// Certificates.
    #[command(flatten)]
    pub tls: TlsArgs,
}

/// Credentials. Secrets come from the environment, a file or a command: never from the command line, where `ps` shows them.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Credentials (never on the command line)")]
pub struct AuthArgs {
    /// Bearer token from this environment variable
    #[arg(long, value_name = "NAME", group = "credentials")]
    pub token_env: Option<String>,
    /// Bearer token from this file (blanks at its end are cut)
    #[arg(long, value_name = "FILE", group = "credentials")]
    pub token_file: Option<PathBuf>,
    /// Bearer token printed by this command, e.g. 'vault read -field=token secret/scim'
    #[arg(long, value_name = "COMMAND", group = "credentials")]
    pub token_command: Option<String>,
    /// Basic authentication; the environment variable holds `user:password`
    #[arg(long, value_name = "NAME", group = "credentials")]
    pub basic_env: Option<String>,
    /// Basic authentication; this file holds `user:password`
    #[arg(long, value_name = "FILE", group = "credentials")]
    pub basic_file: Option<PathBuf>,
    /// Basic authentication; this command prints `user:password`
    #[arg(long, value_name = "COMMAND", group = "credentials")]
    pub basic_command: Option<String>,
    /// Further header of every request, e.g. 'X-Tenant: 42' (repeatable)
    #[arg(long, value_name = "NAME: VALUE", value_parser = parse_header)]
    pub header: Vec<(String, String)>,
    /// Further header whose value is a secret from an environment variable, e.g. X-Api-Key:SCIM_KEY (repeatable)
    #[arg(long, value_name = "NAME:VARIABLE", value_parser = parse_header)]
    pub header_env: Vec<(String, String)>,
    /// The same from a file, e.g. X-Api-Key:/run/secrets/scim-key (repeatable)
    #[arg(long, value_name = "NAME:FILE", value_parser = parse_header)]
    pub header_file: Vec<(String, String)>,
    /// The same printed by a command, e.g. 'X-Api-Key:vault read -field=key secret/scim' (repeatable)
    #[arg(long, value_name = "NAME:COMMAND", value_parser = parse_header)]
    pub header_command: Vec<(String, String)>,
    /// Bearer token of a second tenant from this environment variable: unlocks the tenant isolation scenarios
    #[arg(long, value_name = "NAME", group = "other_token")]
    pub other_token_env: Option<String>,
    /// Bearer token of a second tenant from this file
    #[arg(long, value_name = "FILE", group = "other_token")]
    pub other_token_file: Option<PathBuf>,
    /// Bearer token of a second tenant printed by this command
    #[arg(long, value_name = "COMMAND", group = "other_token")]
    pub other_token_command: Option<String>,
    /// Tokens that are fetched.
    #[command(flatten)]
    pub oauth: OAuthArgs,
}

/// Certificates.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "TLS")]
pub struct TlsArgs {
    /// Trust the certificate authorities in this PEM file as well
    #[arg(long, value_name = "PEM")]
    pub ca_file: Option<PathBuf>,
    /// Client certificate and key in one PEM file (mutual TLS)
    #[arg(long, value_name = "PEM")]
    pub client_cert: Option<PathBuf>,
    /// Key of the client certificate, when it is in a PEM file of its own
    #[arg(long, value_name = "PEM", requires = "client_cert")]
    pub client_key: Option<PathBuf>,
    /// Accept any certificate. Anybody in between can read the token
    #[arg(long)]
    pub insecure: bool,
}

/// What is played.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Selection")]
pub struct SelectArgs {
    /// Scenario ids, id globs (`okta/*`), scenario files or folders [default: all that fit]
    #[arg(value_name = "SCENARIO|FILE|DIR")]
    pub scenarios: Vec<String>,
    /// Play a test list that an identity provider publishes, and say item by item how it went (see `list suites`)
    #[arg(long, value_name = "NAME")]
    pub suite: Option<String>,
    /// Play the scenarios of this identity provider, judged by what it does with the answers (repeatable; see `list idps`)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub idp: Vec<String>,
    /// Only scenarios with this tag (repeatable: any of them)
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    pub tag: Vec<String>,
    /// Leave out a scenario or a rule, by id or glob (repeatable)
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub skip: Vec<String>,
    /// Judge only these steps of one scenario; the steps before are played because they are needed (repeatable)
    #[arg(long, value_name = "STEP", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Play a part of the cases: shard I of N
    #[arg(long, value_name = "I/N", value_parser = parse_shard)]
    pub shard: Option<Shard>,
    /// Play scenarios although the target says that it lacks this capability, e.g. patch or filter (repeatable)
    #[arg(long, value_name = "CAPABILITY", value_delimiter = ',')]
    pub force: Vec<String>,
    /// Only requests that change nothing
    #[arg(long)]
    pub read_only: bool,
    /// Let scenarios change or delete resources that this run did not create
    #[arg(long)]
    pub allow_existing: bool,
    /// How many people scenarios with crowds (tag `crowd`) play with
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub users: Option<u64>,
    /// How many groups scenarios with crowds play with [default: one for a hundred of --users]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub groups: Option<u64>,
    /// How many percent of a crowd change in each cycle
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u64).range(0..=100))]
    pub changes: Option<u64>,
}

/// What counts as a failure.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Judgement")]
pub struct JudgeArgs {
    /// RFC SHOULDs fail the run too
    #[arg(long)]
    pub strict: bool,
    /// Known failures: they are reported and do not fail the run
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Write today's failures into the baseline file, keeping the reasons in it
    #[arg(long, requires = "baseline")]
    pub update_baseline: bool,
}

/// What is written.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Reports")]
pub struct ReportArgs {
    /// JUnit XML, read by every CI system
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// JSON (format scimproof/1)
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// One self-contained HTML page
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Markdown, e.g. for $GITHUB_STEP_SUMMARY
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
    /// GitHub Actions annotations on stdout, and the job summary if GITHUB_STEP_SUMMARY is set
    #[arg(long)]
    pub github: bool,
    /// Print every request and response
    #[arg(long)]
    pub show_http: bool,
    /// One line for each case and step, also for those that passed
    #[arg(long, short, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Findings and summary only
    #[arg(long, short)]
    pub quiet: bool,
}

/// How fast and how carefully.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Pace and safety")]
pub struct PaceArgs {
    /// Scenarios side by side
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// Seed of all generated names and ids; the same seed sends the same requests
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Mail domain of all made-up people instead of example.com, for a server that takes only domains it has verified
    #[arg(long, value_name = "DOMAIN", value_parser = parse_domain)]
    pub mail_domain: Option<String>,
    /// Seconds to wait for an answer, e.g. 30 or 500ms
    #[arg(long, value_name = "SECONDS", value_parser = parse_duration)]
    pub timeout: Option<Duration>,
    /// At most so many requests, e.g. 5/s or 100/m
    #[arg(long, value_name = "N/s", value_parser = parse_rate)]
    pub rate: Option<Rate>,
    /// Wait for the pauses in scenarios (an Entra cycle is 40 minutes) instead of skipping them
    #[arg(long)]
    pub real_time: bool,
    /// Do not delete what was created
    #[arg(long)]
    pub keep: bool,
    /// Where the journal of created resources is kept until they are deleted
    #[arg(long, value_name = "DIR")]
    pub journal_dir: Option<PathBuf>,
}

/// Flags of the embedded server.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Embedded server only")]
pub struct EmbeddedArgs {
    /// Switch on a fault (repeatable; see `list faults`)
    #[arg(long, value_name = "ID", value_delimiter = ',', conflicts_with = "base_url")]
    pub fault: Vec<String>,
    /// Switch on a legal variant (repeatable; see `list variants`)
    #[arg(long, value_name = "ID", value_delimiter = ',', conflicts_with = "base_url")]
    pub variant: Vec<String>,
    /// Switch on a product's way (repeatable; see `list traits`)
    #[arg(long = "trait", value_name = "ID", value_delimiter = ',', conflicts_with = "base_url")]
    pub traits: Vec<String>,
}

/// `scimproof list`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  scimproof list rules\n  scimproof list scenarios --json")]
pub struct ListArgs {
    /// What to list
    #[arg(value_enum, value_name = "WHAT")]
    pub what: ListWhat,
    /// As JSON, for tools
    #[arg(long)]
    pub json: bool,
}

/// Things that can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListWhat {
    /// Bundled scenarios
    Scenarios,
    /// Rules that judge every exchange
    Rules,
    /// Faults that the embedded server can show
    Faults,
    /// Legal variants of the embedded server
    Variants,
    /// Ways of single products that the embedded server can play
    Traits,
    /// Identity providers that can be played
    Idps,
    /// Service providers with a profile
    Providers,
    /// Published test lists that can be played as a whole
    Suites,
}

/// `scimproof explain`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  scimproof explain patch/active-not-applied\n  scimproof explain okta/group-push-rename"
)]
pub struct ExplainArgs {
    /// Id of a rule, a fault, a legal variant, a scenario or a suite
    #[arg(value_name = "ID")]
    pub id: String,
}

/// `scimproof prove`.
#[derive(Debug, Clone, Args)]
pub struct ProveArgs {
    /// The matrix as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Compare what each fault is seen by, among the rules that claim it, with this file; SCIMPROOF_UPDATE=1 writes it
    #[arg(long, value_name = "FILE", conflicts_with = "rules")]
    pub golden: Option<PathBuf>,
    /// Only these rules, by id or glob
    #[arg(value_name = "RULE")]
    pub rules: Vec<String>,
}

/// `scimproof clean`: a connection, and what to clean.
#[derive(Debug, Clone, Args)]
pub struct CleanCommand {
    /// Which server.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Which journals.
    #[command(flatten)]
    pub clean: CleanArgs,
}

/// A part of the cases: `index` of `count`, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which part, 1…count.
    pub index: usize,
    /// How many parts.
    pub count: usize,
}

impl Shard {
    /// True when the case at this position (from 0) belongs to the shard.
    pub fn holds(self, position: usize) -> bool {
        position % self.count == self.index - 1
    }
}

/// At most `count` requests in `per`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Requests.
    pub count: f64,
    /// Time.
    pub per: Duration,
}

impl Rate {
    /// Time from one request to the next.
    pub fn interval(self) -> Duration {
        self.per.div_f64(self.count)
    }
}

pub(super) fn parse_header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or_else(|| "write it as NAME:VALUE".to_owned())?;
    let (name, value) = (name.trim(), value.trim());
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(token) {
        return Err(format!("`{name}` cannot be the name of a header"));
    }
    if value.chars().any(char::is_control) {
        return Err("the value holds a control character".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

fn parse_shard(text: &str) -> Result<Shard, String> {
    let hint = || "write it as I/N with 1 ≤ I ≤ N, e.g. 2/4".to_owned();
    let (index, count) = text.split_once('/').ok_or_else(hint)?;
    let index = index.trim().parse().map_err(|_| hint())?;
    let count = count.trim().parse().map_err(|_| hint())?;
    if index == 0 || index > count {
        return Err(hint());
    }
    Ok(Shard { index, count })
}

/// `30`, `30s`, `500ms`, `2m`, `1.5`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let cut = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(cut);
    let factor = match unit.trim() {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" => 60.0,
        "h" => 3600.0,
        other => {
            return Err(format!("`{other}` is no unit of time: use ms, s, m or h, e.g. 30s"));
        }
    };
    let number: f64 = number.parse().map_err(|_| "write a number of seconds, e.g. 30 or 500ms".to_owned())?;
    Duration::try_from_secs_f64(number * factor)
        .ok()
        .filter(|d| !d.is_zero())
        .ok_or_else(|| "it must be more than nothing".to_owned())
}

/// A domain as it stands behind the `@`.
///
/// # Errors
///
/// Says what is wrong with it.
pub(crate) fn parse_domain(text: &str) -> Result<String, String> {
    let label = |part: &str| {
        !part.is_empty() && !part.starts_with('-') && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let domain = text.trim().to_ascii_lowercase();
    match domain.contains('.') && domain.split('.').all(label) {
        true => Ok(domain),
        false => Err("write the domain alone, e.g. test.example.org".to_owned()),
    }
}

/// `5`, `5/s`, `100/m`.
pub(crate) fn parse_rate(text: &str) -> Result<Rate, String> {
    let (count, unit) = text.split_once('/').unwrap_or((text, "s"));
    let per = match unit.trim() {
        "s" => Duration::from_secs(1),
        "m" | "min" => Duration::from_secs(60),
        "h" => Duration::from_secs(3600),
        other => return Err(format!("`{other}` is no unit of time: use s, m or h")),
    };
    match count.trim().parse::<f64>() {
        Ok(count) if count.is_finite() && count > 0.0 => Ok(Rate { count, per }),
        _ => Err("write it as N/s, e.g. 5/s or 100/m".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn run(flags: &[&str]) -> Result<RunArgs, clap::Error> {
        let all = ["scimproof", "run"].iter().chain(flags);
        match Cli::try_parse_from(all)?.command {
            Command::Run(args) => Ok(*args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_stable_flag_is_accepted() {
        let args = run(&[
            "okta/create",
            "mine/",
            "--base-url=https://app.example.com/scim/v2",
            "--token-env=SCIM_TOKEN",
            "--header=X-Tenant: 42",
            "--header-env=X-Api-Key:SCIM_KEY",
            "--idp=okta,entra",
            "--idp=rfc",
            "--shard=2/4",
            "--rate=100/m",
            "--timeout=500ms",
            "--jobs=4",
            "--only=create,verify",
            "--baseline=known.toml",
            "--update-baseline",
        ])
        .expect("accepted");
        assert_eq!(args.select.scenarios, ["okta/create", "mine/"]);
        assert_eq!(args.select.idp, ["okta", "entra", "rfc"]);
        assert_eq!(args.select.shard, Some(Shard { index: 2, count: 4 }));
        assert_eq!(args.pace.timeout, Some(Duration::from_millis(500)));
        assert_eq!(args.pace.rate.map(Rate::interval), Some(Duration::from_millis(600)));
        assert_eq!(args.target.auth.header, [("X-Tenant".to_owned(), "42".to_owned())]);
    }

    #[test]
    fn contradictions_are_refused() {
        for flags in [
            ["--token-env=A", "--basic-env=B"],
            ["--fault=x", "--base-url=http://localhost"],
            ["--verbose", "--quiet"],
            ["--oauth-token-url=http://a", "--oauth-scope=b"],
            ["--oauth-refresh-token-env=A", "--oauth-authorize-url=http://a"],
            ["--oauth-client-secret-env=A", "--oauth-client-secret-file=b"],
            ["--oauth-refresh-token-env=A", "--oauth-client-id=b"],
            ["--strict", "--oauth-save-refresh-token=f"],
            ["--strict", "--client-key=k.pem"],
            ["--strict", "--update-baseline"],
            ["--strict", "--shard=5/4"],
            ["--strict", "--shard=0/4"],
            ["--strict", "--rate=0/s"],
            ["--strict", "--timeout=0"],
            ["--strict", "--timeout=5parsecs"],
            ["--strict", "--header=a b: c"],
        ] {
            assert!(run(&flags).is_err(), "{flags:?}");
        }
    }

    #[test]
    fn shards_share_all_positions_without_overlap() {
        for position in 0..20 {
            let holders = (1..=3).filter(|&index| Shard { index, count: 3 }.holds(position));
            assert_eq!(holders.count(), 1);
        }
    }
}
