//! `scimproof.toml` and the flags, merged into one [`Settings`]. Flags win.
//!
//! Must not read secrets: it only knows where they are kept. [`super::connect`] fetches them.

use super::args::{Rate, ReportArgs, RunArgs, Shard, TargetArgs, TlsArgs};
use super::args::{parse_domain, parse_duration, parse_rate};
use super::credentials::{Auth, FileAuth};
use crate::engine::auth::SecretSource;
use crate::scenario::model::Volume;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file that is read without being named.
pub const DEFAULT_FILE: &str = "scimproof.toml";

/// Everything that a run needs to know.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    /// The server under test and how to reach it.
    pub connection: Connection,
    /// Ids, globs, files and folders; empty: all that fit.
    pub scenarios: Vec<String>,
    /// Identity providers; empty: each scenario's own.
    pub idps: Vec<String>,
    /// Tags, any of which is enough; empty: no matter.
    pub tags: Vec<String>,
    /// Scenarios and rules left out.
    pub skip: Vec<String>,
    /// Steps that are judged; empty: all.
    pub only: Vec<String>,
    /// Part of the cases.
    pub shard: Option<Shard>,
    /// Capabilities to take for granted.
    pub force: Vec<String>,
    /// Requests that change nothing only.
    pub read_only: bool,
    /// Run although there are resources of others.
    pub allow_existing: bool,
    /// SHOULDs fail the run.
    pub strict: bool,
    /// Known failures.
    pub baseline: Option<PathBuf>,
    /// Write the baseline anew.
    pub update_baseline: bool,
    /// Files and annotations.
    pub reports: Reports,
    /// Published test list to play.
    pub suite: Option<String>,
    /// Cases side by side; `None`: let the run choose.
    pub jobs: Option<usize>,
    /// Seed; `None`: make one up.
    pub seed: Option<u64>,
    /// Wait for pauses.
    pub real_time: bool,
    /// Do not clean up.
    pub keep: bool,
    /// Where journals are kept.
    pub journal_dir: Option<PathBuf>,
    /// Mail domain of all people; `None`: `example.com`.
    pub mail_domain: Option<String>,
    /// Size of volume scenarios.
    pub volume: Volume,
    /// Faults of the embedded server.
    pub faults: Vec<String>,
    /// Legal variants of the embedded server.
    pub variants: Vec<String>,
    /// Ways of single products that the embedded server plays.
    pub traits: Vec<String>,
    /// Print requests and responses.
    pub show_http: bool,
    /// Print everything.
    pub verbose: bool,
    /// Print findings and summary only.
    pub quiet: bool,
}

/// The server under test. Shared by every subcommand that talks to one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Connection {
    /// Base URL; `None`: the embedded server.
    pub base_url: Option<String>,
    /// Service provider profile by name.
    pub provider: Option<String>,
    /// Service provider profile from a file.
    pub provider_file: Option<PathBuf>,
    /// Where the credentials are kept.
    pub auth: Auth,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// Further headers whose values are secrets: name and where the value is kept.
    pub secret_headers: Vec<(String, SecretSource)>,
    /// Where a second tenant's token is kept.
    pub other_token: Option<SecretSource>,
    /// Trusted further certificate authorities.
    pub ca_file: Option<PathBuf>,
    /// Client certificate.
    pub client_cert: Option<PathBuf>,
    /// Its key, when that is in a file of its own.
    pub client_key: Option<PathBuf>,
    /// Accept any certificate.
    pub insecure: bool,
    /// Time for one answer.
    pub timeout: Option<Duration>,
    /// At most so many requests.
    pub rate: Option<Rate>,
}

/// Which reports are written where.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reports {
    /// Format name (as in [`crate::report::FORMATS`]) and file.
    pub files: Vec<(&'static str, PathBuf)>,
    /// GitHub annotations.
    pub github: bool,
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file that was asked for cannot be read.
    #[error("cannot read {}: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file is wrong somewhere.
    #[error("{}:{line}:{column}: {message}", file.display())]
    Invalid {
        /// The file.
        file: PathBuf,
        /// Line from 1.
        line: usize,
        /// Column from 1.
        column: usize,
        /// What is wrong and what to write.
        message: String,
    },
}

// ---- the file

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    base_url: Option<String>,
    provider: Option<String>,
    provider_file: Option<PathBuf>,
    idp: Option<OneOrMany>,
    strict: Option<bool>,
    baseline: Option<PathBuf>,
    suite: Option<String>,
    jobs: Option<JobCount>,
    seed: Option<u64>,
    mail_domain: Option<DomainText>,
    timeout: Option<Timeout>,
    rate: Option<RateText>,
    read_only: Option<bool>,
    allow_existing: Option<bool>,
    real_time: Option<bool>,
    journal_dir: Option<PathBuf>,
    #[serde(default)]
    auth: FileAuth,
    #[serde(default)]
    tls: FileTls,
    #[serde(default)]
    select: FileSelect,
    #[serde(default)]
    reports: FileReports,
    #[serde(default)]
    volume: Volume,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileTls {
    ca_file: Option<PathBuf>,
    client_cert: Option<PathBuf>,
    client_key: Option<PathBuf>,
    insecure: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSelect {
    #[serde(default)]
    scenarios: Vec<String>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    skip: Vec<String>,
    #[serde(default)]
    force: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileReports {
    junit: Option<PathBuf>,
    json: Option<PathBuf>,
    html: Option<PathBuf>,
    markdown: Option<PathBuf>,
    github: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a name or a list of names")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn into_vec(self) -> Vec<String> {
        match self {
            OneOrMany::One(name) => vec![name],
            OneOrMany::Many(names) => names,
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u64")]
struct JobCount(usize);

impl TryFrom<u64> for JobCount {
    type Error = &'static str;
    fn try_from(n: u64) -> Result<Self, Self::Error> {
        match usize::try_from(n) {
            Ok(n @ 1..=256) => Ok(Self(n)),
            _ => Err("the number of jobs is between 1 and 256"),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a number of seconds or a text such as \"30s\"")]
pub(super) enum Plain {
    Whole(u32),
    Broken(f64),
    Text(String),
}

impl Plain {
    pub(super) fn text(self) -> String {
        match self {
            Plain::Whole(n) => n.to_string(),
            Plain::Broken(n) => n.to_string(),
            Plain::Text(text) => text,
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "Plain")]
struct Timeout(Duration);

impl TryFrom<Plain> for Timeout {
    type Error = String;
    fn try_from(plain: Plain) -> Result<Self, String> {
        parse_duration(&plain.text()).map(Self)
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Plain")]
struct DomainText(String);

impl TryFrom<Plain> for DomainText {
    type Error = String;
    fn try_from(plain: Plain) -> Result<Self, String> {
        parse_domain(&plain.text()).map(Self)
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "Plain")]
struct RateText(Rate);

impl TryFrom<Plain> for RateText {
    type Error = String;
    fn try_from(plain: Plain) -> Result<Self, String> {
        parse_rate(&plain.text()).map(Self)
    }
}

/// Reads the file that was named, or the default one if it is there. Paths in it are relative to it.
fn read(named: Option<&Path>, folder: &Path) -> Result<File, ConfigError> {
    let default = folder.join(DEFAULT_FILE);
    let path = match named {
        Some(path) => folder.join(path),
        None if default.is_file() => default,
        None => return Ok(File::default()),
    };
    let shown = named.map_or_else(|| PathBuf::from(DEFAULT_FILE), Path::to_path_buf);
    let text =
        std::fs::read_to_string(&path).map_err(|source| ConfigError::Unreadable { file: shown.clone(), source })?;
    let mut file = parse(&text, &shown)?;
    file.resolve_paths(path.parent().unwrap_or(folder));
    Ok(file)
}

fn parse(text: &str, shown: &Path) -> Result<File, ConfigError> {
    let invalid = |offset: usize, message: String| {
        let before = &text[..offset.min(text.len())];
        ConfigError::Invalid {
            file: shown.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.rsplit('\n').next().unwrap_or_default().chars().count() + 1,
            message,
        }
    };
    let file: File =
        toml::from_str(text).map_err(|e| invalid(e.span().map_or(0, |s| s.start), explain(e.message())))?;
    let twice = file.auth.contradiction();
    match twice {
        Some((first, second)) => {
            let at = text.find(second).unwrap_or(0);
            Err(invalid(at, format!("`{first}` and `{second}` contradict each other: keep one")))
        }
        None => Ok(file),
    }
}

/// The parser's message with a suggestion, and never with a value from the file: somebody may have put a token there.
fn explain(message: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let (Some(name), true) = (quoted.first(), message.starts_with("unknown field")) else {
        return without_values(message);
    };
    let lower = name.to_ascii_lowercase();
    if ["token", "password", "secret", "bearer"].iter().any(|w| lower == *w || lower.ends_with(&format!("_{w}"))) {
        return format!(
            "unknown field `{name}`: secrets do not belong into this file; \
             write `token_env = \"SCIM_TOKEN\"` and put the secret into that environment variable"
        );
    }
    match similar::get_close_matches(*name, &quoted[1..], 1, 0.6).first() {
        Some(near) => format!("unknown field `{name}`, did you mean `{near}`?"),
        None => format!("unknown field `{name}`; known here: {}", quoted[1..].join(", ")),
    }
}

fn without_values(message: &str) -> String {
    let mut out = String::new();
    for (index, part) in message.split('"').enumerate() {
        out.push_str(if index % 2 == 0 { part } else { "…" });
    }
    out.replace("string …", "a text")
}

impl File {
    fn resolve_paths(&mut self, folder: &Path) {
        let all = [
            &mut self.provider_file,
            &mut self.baseline,
            &mut self.journal_dir,
            &mut self.tls.ca_file,
            &mut self.tls.client_cert,
            &mut self.tls.client_key,
            &mut self.reports.junit,
            &mut self.reports.json,
            &mut self.reports.html,
            &mut self.reports.markdown,
        ];
        for path in all.into_iter().flatten() {
            *path = folder.join(&path);
        }
        self.auth.resolve_paths(folder);
    }
}

// ---- the merge

impl Connection {
    /// Flags over file. For subcommands that need no more than a connection.
    pub fn load(args: TargetArgs, folder: &Path) -> Result<Self, ConfigError> {
        let file = read(args.config.as_deref(), folder)?;
        Ok(connection(args, &file, false))
    }
}

impl Settings {
    /// Flags over file; `folder` is where the default file is looked for.
    pub fn load(args: RunArgs, folder: &Path) -> Result<Self, ConfigError> {
        let file = read(args.target.config.as_deref(), folder)?;
        Ok(merge(args, file))
    }
}

fn merge(args: RunArgs, file: File) -> Settings {
    let RunArgs { target, select, judge, reports, pace, embedded } = args;
    // Faults can only be switched on in the embedded server, so whoever asks for one means that one.
    let own_server = [&embedded.fault, &embedded.variant, &embedded.traits].iter().any(|l| !l.is_empty());
    let mut connection = connection(target, &file, own_server);
    connection.timeout = pace.timeout.or(file.timeout.map(|t| t.0));
    connection.rate = pace.rate.or(file.rate.map(|r| r.0));
    Settings {
        connection,
        scenarios: first_filled(select.scenarios, file.select.scenarios),
        idps: first_filled(select.idp, file.idp.map(OneOrMany::into_vec).unwrap_or_default()),
        tags: first_filled(select.tag, file.select.tags),
        skip: both(select.skip, file.select.skip),
        only: select.only,
        shard: select.shard,
        force: both(select.force, file.select.force),
        read_only: select.read_only || file.read_only.unwrap_or_default(),
        allow_existing: select.allow_existing || file.allow_existing.unwrap_or_default(),
        strict: judge.strict || file.strict.unwrap_or_default(),
        baseline: judge.baseline.or(file.baseline),
        update_baseline: judge.update_baseline,
        suite: select.suite.or(file.suite),
        show_http: reports.show_http,
        verbose: reports.verbose,
        quiet: reports.quiet,
        reports: report_files(&reports, file.reports),
        jobs: pace.jobs.map(usize::from).or(file.jobs.map(|j| j.0)),
        seed: pace.seed.or(file.seed),
        mail_domain: pace.mail_domain.or(file.mail_domain.map(|d| d.0)),
        real_time: pace.real_time || file.real_time.unwrap_or_default(),
        keep: pace.keep,
        journal_dir: pace.journal_dir.or(file.journal_dir),
        volume: Volume {
            users: select.users.or(file.volume.users),
            groups: select.groups.or(file.volume.groups),
            changes: select.changes.or(file.volume.changes),
        },
        faults: embedded.fault,
        variants: embedded.variant,
        traits: embedded.traits,
    }
}

fn connection(args: TargetArgs, file: &File, own_server: bool) -> Connection {
    let TargetArgs { base_url, config: _, provider, provider_file, auth, tls } = args;
    let flags = auth.auth();
    let TlsArgs { ca_file, client_cert, client_key, insecure } = tls;
    // A certificate named by a flag does not go with the file's key.
    let file_key = file.tls.client_key.clone().filter(|_| client_cert.is_none());
    let from_file = |value: &Option<String>| value.clone().filter(|_| !own_server);
    Connection {
        base_url: base_url.or_else(|| from_file(&file.base_url)),
        // A profile named by a flag replaces the file's, whichever of the two ways it was named.
        provider: provider.clone().or_else(|| from_file(&file.provider).filter(|_| provider_file.is_none())),
        provider_file: provider_file
            .or_else(|| file.provider_file.clone().filter(|_| provider.is_none() && !own_server)),
        auth: match flags {
            Auth::None if !own_server => file.auth.auth(),
            flags => flags,
        },
        secret_headers: named(auth.secret_headers(), file.auth.secret_headers()),
        other_token: auth.other_token().or_else(|| file.auth.other_token().filter(|_| !own_server)),
        headers: named(auth.header, file.auth.headers.clone()),
        ca_file: ca_file.or_else(|| file.tls.ca_file.clone()),
        client_cert: client_cert.or_else(|| file.tls.client_cert.clone()),
        client_key: client_key.or(file_key),
        insecure: insecure || file.tls.insecure.unwrap_or_default(),
        timeout: file.timeout.map(|t| t.0),
        rate: file.rate.map(|r| r.0),
    }
}

fn report_files(flags: &ReportArgs, file: FileReports) -> Reports {
    let all = [
        ("junit", flags.junit.clone().or(file.junit)),
        ("json", flags.json.clone().or(file.json)),
        ("html", flags.html.clone().or(file.html)),
        ("markdown", flags.markdown.clone().or(file.markdown)),
    ];
    Reports {
        files: all.into_iter().filter_map(|(name, path)| Some((name, path?))).collect(),
        github: flags.github || file.github.unwrap_or_default(),
    }
}

/// Headers of flags and file; a flag replaces the file's of that name.
fn named<T>(flags: Vec<(String, T)>, file: impl IntoIterator<Item = (String, T)>) -> Vec<(String, T)> {
    let file = file.into_iter().filter(|(name, _)| !flags.iter().any(|(n, _)| n.eq_ignore_ascii_case(name)));
    let mut all: Vec<(String, T)> = file.collect();
    all.extend(flags);
    all
}

fn first_filled(flags: Vec<String>, file: Vec<String>) -> Vec<String> {
    if flags.is_empty() { file } else { flags }
}

fn both(mut flags: Vec<String>, file: Vec<String>) -> Vec<String> {
    flags.extend(file);
    flags
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::{Cli, Command};
    use clap::Parser;

    const FULL: &str = r#"
base_url = "https://app.example.com/scim/v2"
idp = "okta"
timeout = 10
rate = "5/s"
baseline = "known.toml"
jobs = 4

[auth]
token_env = "SCIM_TOKEN"
headers = { "X-Tenant" = "42", "X-Zone" = "a" }

[select]
skip = ["rfc/bulk"]

[reports]
junit = "out/report.xml"
github = true
"#;

    fn args(flags: &[&str]) -> RunArgs {
        let all = ["scimproof", "run"].iter().chain(flags);
        match Cli::parse_from(all).command {
            Command::Run(args) => *args,
            other => panic!("{other:?}"),
        }
    }

    fn load(text: &str, flags: &[&str]) -> Settings {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join(DEFAULT_FILE), text).expect("written");
        let mut settings = Settings::load(args(flags), folder.path()).expect("good");
        if let Some(baseline) = &mut settings.baseline {
            *baseline = baseline.file_name().expect("a file").into();
        }
        settings
    }

    fn error(text: &str) -> String {
        parse(text, Path::new("scimproof.toml")).expect_err("wrong").to_string()
    }

    #[test]
    fn the_file_is_enough() {
        let s = load(FULL, &[]);
        assert_eq!(s.connection.base_url.as_deref(), Some("https://app.example.com/scim/v2"));
        assert_eq!(s.connection.auth, Auth::Token(SecretSource::Env("SCIM_TOKEN".into())));
        assert_eq!(s.connection.timeout, Some(Duration::from_secs(10)));
        assert_eq!(s.idps, ["okta"]);
        assert_eq!(s.jobs, Some(4));
        assert!(s.reports.github);
        assert_eq!(s.reports.files[0].0, "junit");
    }

    #[test]
    fn flags_win() {
        let s = load(
            FULL,
            &["--idp=entra", "--skip=okta/x", "--basic-env=B", "--header=x-tenant: 7", "--baseline=b", "--timeout=1"],
        );
        assert_eq!(s.idps, ["entra"]);
        assert_eq!(s.skip, ["okta/x", "rfc/bulk"]);
        assert_eq!(s.connection.auth, Auth::Basic(SecretSource::Env("B".into())));
        assert_eq!(
            s.connection.headers,
            [("X-Zone".to_owned(), "a".to_owned()), ("x-tenant".to_owned(), "7".to_owned())]
        );
        assert_eq!(s.baseline.as_deref(), Some(Path::new("b")));
        assert_eq!(s.connection.timeout, Some(Duration::from_secs(1)));
    }

    #[test]
    fn oauth_is_the_same_by_flags_and_by_file() {
        let file = load(
            "[auth.oauth]\ntoken_url = \"http://t/\"\nclient_id = \"c\"\nclient_secret_env = \"S\"\nclient_auth = \"basic\"\n\
             scope = \"scim\"\nfields = { audience = \"a\" }\nauthorize_url = \"http://a/\"\nwait = 5",
            &[],
        );
        let flags = load(
            "",
            &[
                "--oauth-token-url=http://t/",
                "--oauth-client-id=c",
                "--oauth-client-secret-env=S",
                "--oauth-client-auth=basic",
                "--oauth-scope=scim",
                "--oauth-field=audience:a",
                "--oauth-authorize-url=http://a/",
                "--oauth-wait=5",
            ],
        );
        assert_eq!(file.connection.auth, flags.connection.auth);
        assert!(matches!(file.connection.auth, Auth::OAuth(_)));
    }

    #[test]
    fn a_fault_means_the_embedded_server() {
        let s = load(FULL, &["--fault=x"]);
        assert_eq!(s.connection.base_url, None);
        assert_eq!(s.connection.auth, Auth::None);
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let folder = tempfile::tempdir().expect("folder");
        let below = folder.path().join("ci");
        std::fs::create_dir(&below).expect("created");
        std::fs::write(below.join("s.toml"), FULL).expect("written");
        let s = Settings::load(args(&["--config=ci/s.toml"]), folder.path()).expect("good");
        assert_eq!(s.baseline, Some(below.join("known.toml")));
    }

    #[test]
    fn each_secret_may_be_in_a_file_or_come_from_a_command() {
        let text = "[auth]\nbasic_file = \"pair\"\nother_token_command = \"pass other\"\n\
                    header_file = { X-Key = \"key\" }\nheader_command = { X-Zone = \"pass zone\" }\n";
        let s = load(text, &["--header-command", "x-key: pass key", "--other-token-file=o"]).connection;
        assert!(matches!(s.auth, Auth::Basic(SecretSource::File(path)) if path.ends_with("pair")));
        assert_eq!(s.other_token, Some(SecretSource::File("o".into())));
        let command = |line: &str| SecretSource::Command(line.to_owned());
        let headers = [("X-Zone".to_owned(), command("pass zone")), ("x-key".to_owned(), command("pass key"))];
        assert_eq!(s.secret_headers, headers);
        let s = load(text, &[]).connection;
        assert!(
            matches!(&s.secret_headers[0], (name, SecretSource::File(path)) if name == "X-Key" && path.is_absolute())
        );
        assert_eq!(s.other_token, Some(command("pass other")));
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        assert_eq!(
            error("\nbase_ulr = \"x\"\n"),
            "scimproof.toml:2:1: unknown field `base_ulr`, did you mean `base_url`?"
        );
        assert_eq!(
            error("[auth]\ntoken_env = \"A\"\nbasic_env = \"B\"\n"),
            "scimproof.toml:3:1: `token_env` and `basic_env` contradict each other: keep one"
        );
        assert_eq!(
            error("[auth]\nbasic_file = \"A\"\nbasic_command = \"B\"\n"),
            "scimproof.toml:3:1: `basic_file` and `basic_command` contradict each other: keep one"
        );
        assert_eq!(
            error("[auth]\nother_token_env = \"A\"\nother_token_file = \"B\"\n"),
            "scimproof.toml:3:1: `other_token_env` and `other_token_file` contradict each other: keep one"
        );
        assert_eq!(
            error("[auth]\nheader_env = { X-Key = \"A\" }\nheader_file = { x-key = \"B\" }\n"),
            "scimproof.toml:3:1: `header_env` and `header_file` contradict each other: keep one"
        );
        let oauth = "[auth.oauth]\ntoken_url = \"u\"\nclient_id = \"c\"\n";
        assert_eq!(
            error(&format!("{oauth}refresh_token_env = \"A\"\nauthorize_url = \"B\"\n")),
            "scimproof.toml:5:1: `refresh_token_env` and `authorize_url` contradict each other: keep one"
        );
        assert!(error(&format!("{oauth}refresh_token = \"s3cr3t\"")).contains("secrets do not belong"));
        assert!(error(&format!("{oauth}wait = \"long\"")).starts_with("scimproof.toml:4:8: "));
        assert!(error("rate = \"often\"").starts_with("scimproof.toml:1:8: write it as N/s"));
        assert!(error("jobs = 0").contains("between 1 and 256"));
        assert!(error("jobs = [").starts_with("scimproof.toml:1:"));
    }

    #[test]
    fn a_secret_in_the_file_is_refused_and_not_repeated() {
        for text in
            ["[auth]\ntoken = \"s3cr3t\"", "auth = \"s3cr3t\"", "[auth]\ntoken_env = \"s3cr3t", "password=\"s3cr3t\""]
        {
            let message = error(text);
            assert!(!message.contains("s3cr3t"), "{message}");
        }
        assert!(error("[auth]\ntoken = \"x\"").contains("token_env"));
    }

    #[test]
    fn a_named_file_must_exist_and_the_default_need_not() {
        let folder = tempfile::tempdir().expect("folder");
        assert!(Settings::load(args(&[]), folder.path()).is_ok());
        let error = Settings::load(args(&["--config=no.toml"]), folder.path()).expect_err("missing");
        assert!(error.to_string().starts_with("cannot read no.toml: "));
    }
}
