//! `scimproof record`: a proxy between a client and a server, and a scenario of what passed.
//!
//! Must not know how a request is passed on or how a scenario is made.

use super::args::{TlsArgs, parse_duration};
use super::exit::Exit;
use super::import::{outcome, profile, save, scenario_id};
use super::run::{Failure, interrupted};
use crate::engine::{Http, Target, TlsOptions};
use crate::record::draft::{Head, draft};
use crate::record::proxy::Proxy;
use crate::record::{self, Format, sift};
use crate::report::{folder_is_writable, text, write_file};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

const EXAMPLES: &str = "\
Examples:
  scimproof record --target https://app.example.com/scim/v2 --out my-scenarios/onboarding.yaml
      Give your client the address that is printed, let it work, press Ctrl-C: the scenario is written.
  scimproof record --target http://localhost:8080/scim/v2 --har traffic.har
      The traffic as a HAR file, too; `scimproof import --judge traffic.har` judges it.

The client's credentials go to the target and are written nowhere. Redirects are passed on, not followed.";

/// Arguments of `record`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct RecordArgs {
    /// Base URL of the SCIM server that requests are passed on to
    #[arg(long, value_name = "URL")]
    pub target: String,
    /// Port to listen on; 0 picks a free one
    #[arg(long, value_name = "N", default_value_t = 8081)]
    pub port: u16,
    /// Address to listen on. Whoever reaches it can use the target with credentials of their own
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub listen: IpAddr,
    /// Scenario file to write
    #[arg(long, short, value_name = "FILE", default_value = "recorded.yaml")]
    pub out: PathBuf,
    /// Write the traffic as a HAR file, too, without secrets
    #[arg(long, value_name = "FILE")]
    pub har: Option<PathBuf>,
    /// Id of the scenario [default: recorded/ and the file's name]
    #[arg(long, value_name = "ID")]
    pub name: Option<String>,
    /// Identity provider that sends it [default: by its User-Agent, else rfc]
    #[arg(long, value_name = "NAME")]
    pub idp: Option<String>,
    /// Stop after so many requests instead of waiting for Ctrl-C
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub requests: Option<u64>,
    /// Seconds to wait for the target, e.g. 30 or 500ms
    #[arg(long, value_name = "SECONDS", value_parser = parse_duration)]
    pub timeout: Option<Duration>,
    /// Certificates of the target.
    #[command(flatten)]
    pub tls: TlsArgs,
}

/// Records until it is told to stop.
pub async fn main(args: RecordArgs) -> Exit {
    match run(args).await {
        Ok(exit) => exit,
        Err(failure) => {
            anstream::eprintln!("error: {}", text::message(&failure.text));
            failure.exit
        }
    }
}

async fn run(args: RecordArgs) -> Result<Exit, Failure> {
    let (base, http) = target(&args)?;
    // Before anything is recorded: an hour of work must not end with "no such folder".
    for file in std::iter::once(&args.out).chain(&args.har) {
        folder_is_writable(file).map_err(Failure::usage)?;
    }
    if let Some(idp) = &args.idp {
        profile(Some(idp), &sift::Sifted::default())?;
    }
    let proxy = Proxy::start(SocketAddr::new(args.listen, args.port), http)
        .await
        .map_err(|e| Failure::broken(format!("cannot listen on {}:{}: {e}", args.listen, args.port)))?;
    let path = base.path().trim_end_matches('/');
    anstream::println!("http://{}{path}", proxy.address());
    let _ = std::io::stdout().flush();
    anstream::eprintln!(
        "passes everything on to {}{path}; give the address above to your client; Ctrl-C ends the recording",
        base.origin().ascii_serialization()
    );
    let wanted = args.requests.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
    tokio::select! {
        () = interrupted() => {}
        () = proxy.seen(wanted) => {}
    }
    finish(&args, path, proxy.stop().await)
}

/// The target as the engine knows it: its origin, because paths pass through unchanged.
fn target(args: &RecordArgs) -> Result<(Url, Http), Failure> {
    let base = Url::parse(&args.target).map_err(|e| {
        Failure::usage(format!(
            "--target {:?} is no URL: {e}; write it like https://app.example.com/scim/v2",
            args.target
        ))
    })?;
    if !base.username().is_empty() || base.password().is_some() {
        return Err(Failure::usage("--target holds credentials; leave them out, the client sends its own"));
    }
    if base.query().is_some() || base.fragment().is_some() {
        return Err(Failure::usage("--target ends before `?` and `#`"));
    }
    let mut origin = base.clone();
    origin.set_path("");
    let mut target = Target::new(origin);
    target.tls = TlsOptions {
        ca_file: args.tls.ca_file.clone(),
        insecure: args.tls.insecure,
        client_cert: args.tls.client_cert.clone(),
        client_key: None,
    };
    if let Some(timeout) = args.timeout {
        target.limits.timeout = timeout;
    }
    let http = Http::new(target).map_err(Failure::usage)?;
    http.warnings().iter().for_each(|w| anstream::eprintln!("warning: {w}"));
    Ok((base, http))
}

/// Makes the files of what passed.
fn finish(args: &RecordArgs, path: &str, recording: record::Recording) -> Result<Exit, Failure> {
    let passed = recording.entries.len();
    let redactor = record::redactor(&recording.entries);
    for line in &recording.unusable {
        anstream::eprintln!("warning: {line}");
    }
    if passed == 0 {
        anstream::eprintln!("nothing passed, nothing is written");
        return Ok(Exit::NothingRan);
    }
    let sifted = sift::sift(recording, Some(path).filter(|p| !p.is_empty()));
    let sifted = sifted.map_err(|why| Failure { exit: Exit::NothingRan, text: redactor.text(&why) })?;
    if let Some(file) = &args.har {
        write_file(file, |out: &mut dyn Write| record::write_har(&sifted.spoken, &redactor, out))
            .map_err(Failure::broken)?;
    }
    let id = scenario_id(args.name.as_deref(), Some(&args.out), &args.out);
    let profile = profile(args.idp.as_deref(), &sifted)?;
    let head = Head { id: &id, format: Format::Proxy, title: None, source: None, profile: &profile };
    let made = draft(&sifted, &head, &redactor).map_err(Failure::broken)?;
    save(&made, Some(&args.out), &id)?;
    made.notes.iter().for_each(|line| anstream::eprintln!("left out: {}", text::line(line)));
    for line in outcome(&made, &sifted) {
        anstream::eprintln!("{}", text::line(&line));
    }
    next(&args.out, args.har.as_deref(), &sifted.base);
    Ok(Exit::Clean)
}

/// What to do with it.
fn next(out: &Path, har: Option<&Path>, base: &str) {
    let file = out.display();
    anstream::eprintln!(
        "wrote {file}; next: scimproof run {file} --base-url {} --token-env SCIM_TOKEN",
        text::line(base)
    );
    if let Some(har) = har {
        let har = har.display();
        anstream::eprintln!("wrote {har}; next: scimproof import --judge {har}");
    }
}
