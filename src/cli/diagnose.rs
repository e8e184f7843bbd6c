//! `scimproof diagnose`: an error text or a log export in, the cause with its proof out.
//!
//! Must not judge: [`crate::diagnose`] does; here are arguments, files and the printed page.

use super::args::{EmbeddedArgs, PaceArgs, RunArgs, SelectArgs, TargetArgs};
use super::config::Settings;
use super::exit::Exit;
use super::run::{self, Failure, Place};
use crate::diagnose::look::{self, Person};
use crate::diagnose::probe::{self, Setup};
use crate::diagnose::verdict::{self, CauseVerdict, Complaint, Diagnosis, Evidence, FamilyVerdict, Shot, Standing};
use crate::diagnose::{Family, Reading, logs, text};
use crate::engine::Http;
use crate::report::text::{line, wrap};
use anstyle::{AnsiColor, Style};
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const BAD: Style = AnsiColor::Red.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const OPEN: Style = AnsiColor::Yellow.on_default();
const WIDTH: usize = 96;
/// A log export of a large tenant has tens of megabytes; more is a mistake.
const LOG_LIMIT: u64 = 512 * 1024 * 1024;

const EXAMPLES: &str = "\
Examples:
  scimproof diagnose \"Error while trying to push profile update for alice@example.com: User not found\" \\
      --base-url https://test.example.com/scim/v2 --token-env SCIM_TOKEN
  scimproof diagnose --okta-log system-log.json --base-url …
  scimproof diagnose --entra-log ProvisioningLogs.csv --base-url … --json verdict.json
  scimproof diagnose --read-only --user alice@example.com --id 2819c223 \"User not found\" --base-url …
      Reads only, on one person: does the name find the account, and does its id lead back to it?

The probes create, change and delete accounts of their own. Use a test tenant, or --read-only.
Exit status: 0 no cause found, 1 a cause was found, 2 bad arguments, 3 the probes could not run.";

/// `scimproof diagnose`.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct DiagnoseArgs {
    /// What the admin reads; `-` or nothing: from standard input
    #[arg(value_name = "TEXT")]
    pub text: Option<String>,
    /// Export of Okta's System Log (JSON)
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    pub okta_log: Option<PathBuf>,
    /// Export of Entra's provisioning log (JSON or CSV)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["text", "okta_log"])]
    pub entra_log: Option<PathBuf>,
    /// Read only, on one person; the name and the id are taken from the text unless they are given
    #[arg(long)]
    pub read_only: bool,
    /// Login of the person to look at
    #[arg(long, value_name = "NAME", requires = "read_only")]
    pub user: Option<String>,
    /// The id that the identity provider has stored for the person
    #[arg(long, value_name = "ID", requires = "read_only")]
    pub id: Option<String>,
    /// The verdict as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Which server.
    #[command(flatten)]
    pub target: TargetArgs,
    /// How fast and how carefully.
    #[command(flatten)]
    pub pace: PaceArgs,
    /// Embedded server only.
    #[command(flatten)]
    pub embedded: EmbeddedArgs,
}

/// The subcommand.
pub async fn main(args: DiagnoseArgs) -> Exit {
    match run(args).await {
        Ok(exit) => exit,
        Err(failure) => {
            anstream::eprintln!("error: {}", failure.text);
            failure.exit
        }
    }
}

async fn run(args: DiagnoseArgs) -> Result<Exit, Failure> {
    let complaints = verdict::complaints(readings(&args)?);
    if complaints.is_empty() {
        return Err(Failure { exit: Exit::NothingRan, text: "the log holds no provisioning failure".to_owned() });
    }
    let diagnosis = examine(&args, &complaints).await?;
    if let Some(file) = &args.json {
        crate::report::write_file(file, |out: &mut dyn Write| {
            serde_json::to_writer_pretty(&mut *out, &diagnosis).map_err(io::Error::from)
        })
        .map_err(Failure::broken)?;
    }
    let mut page = Vec::new();
    render(&mut page, &diagnosis).map_err(Failure::broken)?;
    // `scimproof diagnose … | head` is no failure.
    if let Err(problem) = anstream::stdout().write_all(&page)
        && problem.kind() != io::ErrorKind::BrokenPipe
    {
        return Err(Failure::broken(problem));
    }
    if args.target.base_url.is_none() && diagnosis.target.as_deref().is_some_and(|t| t.contains("127.0.0.1")) {
        anstream::eprintln!(
            "note: no --base-url, so the embedded reference server was probed; give your own to test it"
        );
    }
    Ok(status(&diagnosis))
}

fn status(diagnosis: &Diagnosis) -> Exit {
    let causes = || diagnosis.families.iter().flat_map(|f| &f.causes);
    if causes().any(|c| c.standing == Standing::Found) {
        Exit::Findings
    } else if diagnosis.broken.is_some() {
        Exit::Broken
    } else if causes().all(|c| c.standing != Standing::RuledOut) {
        Exit::NothingRan
    } else {
        Exit::Clean
    }
}

/// The texts of argument, standard input or log.
fn readings(args: &DiagnoseArgs) -> Result<Vec<Reading>, Failure> {
    let of_log = |file: &Path, parse: fn(&str) -> Result<Vec<logs::Entry>, logs::LogError>| {
        let bytes = read_file(file)?;
        let entries =
            parse(&String::from_utf8_lossy(&bytes)).map_err(|e| Failure::usage(format!("{}: {e}", file.display())))?;
        Ok(entries
            .into_iter()
            .map(|e| {
                let mut reading = text::read(&e.text);
                let slot = if matches!(reading.family, Family::Group | Family::Membership) {
                    &mut reading.group
                } else {
                    &mut reading.user
                };
                if slot.is_none() {
                    *slot = e.subject;
                }
                reading
            })
            .collect())
    };
    if let Some(file) = &args.okta_log {
        return of_log(file, logs::okta);
    }
    if let Some(file) = &args.entra_log {
        return of_log(file, logs::entra);
    }
    let said = match args.text.as_deref() {
        None | Some("-") if args.read_only && args.text.is_none() && (args.user.is_some() || args.id.is_some()) => {
            // Who names a person and nothing else asks why that person is not found.
            Family::UserNotFound.example().replace("alice@example.com", args.user.as_deref().unwrap_or("the person"))
        }
        None | Some("-") => {
            if io::stdin().is_terminal() {
                return Err(Failure::usage("give the error text, --okta-log FILE or --entra-log FILE"));
            }
            let mut said = Vec::new();
            io::stdin().take(LOG_LIMIT).read_to_end(&mut said).map_err(Failure::usage)?;
            String::from_utf8_lossy(&said).into_owned()
        }
        Some(said) => said.to_owned(),
    };
    if said.trim().is_empty() {
        return Err(Failure::usage("the error text is empty"));
    }
    Ok(vec![text::read(&said)])
}

fn read_file(file: &Path) -> Result<Vec<u8>, Failure> {
    let wrong = |e: io::Error| Failure::usage(format!("cannot read {}: {e}", file.display()));
    let mut bytes = Vec::new();
    std::fs::File::open(file).map_err(wrong)?.take(LOG_LIMIT).read_to_end(&mut bytes).map_err(wrong)?;
    Ok(bytes)
}

/// Connects, probes or looks, and takes the connection down again.
async fn examine(args: &DiagnoseArgs, complaints: &[Complaint]) -> Result<Diagnosis, Failure> {
    let folder = std::env::current_dir().map_err(|e| Failure::usage(format!("cannot read the current folder: {e}")))?;
    let flags = RunArgs {
        target: args.target.clone(),
        select: SelectArgs { read_only: args.read_only, ..SelectArgs::default() },
        pace: args.pace.clone(),
        embedded: args.embedded.clone(),
        ..RunArgs::default()
    };
    let mut settings = Settings::load(flags, &folder).map_err(Failure::usage)?;
    // What a configuration file selects for `run` must not hide a probe.
    (settings.idps, settings.skip, settings.only, settings.tags) = Default::default();
    if complaints.iter().all(|c| c.reading.family == Family::Unknown) {
        return Ok(probe::unread(complaints, None, None));
    }
    let place = Place::open(&settings, None).await?;
    let http = Arc::new(Http::new(place.target.clone()).map_err(Failure::usage)?);
    if let Err(problem) = http.sign_in().await {
        return Ok(probe::unread(complaints, None, Some(place.redactor.text(&problem.to_string()))));
    }
    let diagnosis = if args.read_only {
        let person = person(args, complaints)?;
        look::look(complaints, &http, &place.redactor, &person).await
    } else {
        probed(&settings, &place, http, complaints).await?
    };
    if let Some(server) = place.server {
        server.stop().await;
    }
    Ok(diagnosis)
}

async fn probed(
    settings: &Settings,
    place: &Place,
    http: Arc<Http>,
    complaints: &[Complaint],
) -> Result<Diagnosis, Failure> {
    let seed = settings.seed.unwrap_or_else(|| if place.server.is_some() { 1 } else { run::fresh_seed() });
    let journal = run::open_journal(settings, place, seed)?;
    let stop = Arc::new(AtomicBool::new(false));
    run::listen_for_stop(stop.clone());
    let setup = Setup {
        http: http.clone(),
        cases: run::bundled_cases().map_err(Failure::usage)?,
        options: run::options(settings, seed, place.server.is_some(), None)?,
        journal: journal.clone(),
        redactor: place.redactor.clone(),
        stop,
    };
    let mut diagnosis = probe::diagnose(complaints, setup).await;
    let left = run::close_journal(journal, &http, false).await;
    if !settings.keep {
        diagnosis.left_behind.extend(left);
    }
    diagnosis.left_behind.iter_mut().for_each(|what| *what = place.redactor.text(what));
    Ok(diagnosis)
}

fn person(args: &DiagnoseArgs, complaints: &[Complaint]) -> Result<Person, Failure> {
    let read = |part: fn(&Reading) -> Option<String>| complaints.iter().find_map(|c| part(&c.reading));
    let person = Person {
        name: args.user.clone().or_else(|| read(|r| r.user.clone())),
        id: args.id.clone().or_else(|| read(|r| r.id.clone())),
    };
    if person.name.is_none() && person.id.is_none() {
        return Err(Failure::usage("--read-only looks at one person: give --user NAME, --id ID or both"));
    }
    Ok(person)
}

// ---- the page

/// Prints the verdict first, then the evidence, then how every other cause stands.
pub fn render(out: &mut dyn Write, diagnosis: &Diagnosis) -> io::Result<()> {
    for (index, family) in diagnosis.families.iter().enumerate() {
        if index > 0 {
            writeln!(out, "\n{}\n", "─".repeat(WIDTH.min(72)))?;
        }
        family_page(out, family)?;
    }
    if let Some(why) = &diagnosis.broken {
        writeln!(out, "\n{BOLD}The probes could not run{BOLD:#}")?;
        paragraph(out, 2, &line(why))?;
    }
    if !diagnosis.probes.is_empty() {
        writeln!(out, "\n{BOLD}Probes{BOLD:#}")?;
        for probe in &diagnosis.probes {
            let reason = probe.reason.as_deref().map(|r| format!(" ({})", line(r))).unwrap_or_default();
            writeln!(out, "  {:<9} {}  {DIM}{}{reason}{DIM:#}", probe.outcome, line(&probe.name), line(&probe.title))?;
        }
    }
    if !diagnosis.left_behind.is_empty() {
        writeln!(out, "\n{BOLD}Left behind, to delete by hand{BOLD:#}")?;
        diagnosis.left_behind.iter().try_for_each(|l| writeln!(out, "  {}", line(l)))?;
    }
    Ok(())
}

fn family_page(out: &mut dyn Write, f: &FamilyVerdict) -> io::Result<()> {
    let style = if f.causes.iter().any(|c| c.standing == Standing::Found) { BAD } else { BOLD };
    writeln!(out, "{style}Verdict{style:#}   {BOLD}{}{BOLD:#}", sentence_case(&f.verdict))?;
    let r = &f.reading;
    writeln!(out, "Failure   {}{}", r.family.title(), times(f.count))?;
    let names = [
        ("by", r.idp.map(str::to_owned)),
        ("during", r.operation.map(str::to_owned)),
        ("user", r.user.clone()),
        ("group", r.group.clone()),
        ("app", r.app.clone()),
        ("stored id", r.id.clone()),
        ("status", r.status.map(|s| s.to_string())),
        ("code", r.code.clone()),
    ];
    let known: Vec<String> =
        names.into_iter().filter_map(|(label, value)| Some(format!("{label} {}", line(&value?)))).collect();
    if !known.is_empty() {
        paragraph(out, 10, &known.join(" · "))?;
    }
    if let Some(detail) = &r.detail {
        paragraph(out, 10, &format!("the server said: {}", line(detail)))?;
    }
    for cause in f.causes.iter().filter(|c| c.standing == Standing::Found) {
        found(out, cause)?;
    }
    if !f.causes.is_empty() {
        writeln!(out, "\n{BOLD}Causes, the likeliest first{BOLD:#}")?;
        let mut all: Vec<&CauseVerdict> = f.causes.iter().collect();
        all.sort_by_key(|c| c.likelihood);
        all.into_iter().enumerate().try_for_each(|(i, c)| standing(out, i + 1, c))?;
    }
    Ok(())
}

fn times(count: usize) -> String {
    if count > 1 { format!(" ({count} times in the log)") } else { String::new() }
}

fn found(out: &mut dyn Write, cause: &CauseVerdict) -> io::Result<()> {
    writeln!(out, "\n{BAD}Found{BAD:#}     {} {DIM}({}){DIM:#}", cause.title, cause.id)?;
    if let Some(why) = &cause.why {
        paragraph(out, 10, &line(why))?;
    }
    if let Some(evidence) = &cause.evidence {
        proof(out, evidence)?;
    }
    labelled(out, "server", cause.fix)?;
    labelled(out, "admin", cause.workaround)?;
    labelled(out, "source", cause.source)?;
    if let Some(again) = cause.evidence.as_ref().and_then(|e| e.again.as_deref()) {
        writeln!(out, "  again   {}", line(again))?;
    }
    Ok(())
}

fn proof(out: &mut dyn Write, evidence: &Evidence) -> io::Result<()> {
    if let Some(earlier) = &evidence.earlier {
        writeln!(out, "  {BOLD}The two requests that disagree{BOLD:#}")?;
        request(out, "1", earlier)?;
        request(out, "2", &evidence.later)?;
    } else {
        writeln!(out, "  {BOLD}The request that shows it{BOLD:#}")?;
        request(out, "1", &evidence.later)?;
    }
    labelled(out, "rule", &format!("{} ({})", line(&evidence.message), evidence.rule))
}

fn request(out: &mut dyn Write, number: &str, shot: &Shot) -> io::Result<()> {
    writeln!(out, "    {number}  {BOLD}{}{BOLD:#}  {DIM}{}{DIM:#}", line(&shot.request), line(&shot.step))?;
    if let Some(sent) = &shot.sent {
        writeln!(out, "       sent  {}", line(sent))?;
    }
    let body = shot.body.as_deref().map(line).unwrap_or_default();
    writeln!(out, "       {:<5} {body}", line(&shot.answer))
}

fn standing(out: &mut dyn Write, number: usize, cause: &CauseVerdict) -> io::Result<()> {
    let (style, word) = match cause.standing {
        Standing::Found => (BAD, "FOUND"),
        Standing::Follows => (DIM, "follows"),
        Standing::ByHand => (OPEN, "by hand"),
        Standing::NotTestable => (OPEN, "not tested"),
        Standing::RuledOut => (GOOD, "ruled out"),
    };
    writeln!(out, "  {number:>2}  {style}{word:<10}{style:#}  {}", cause.title)?;
    match (&cause.why, cause.standing) {
        (Some(why), Standing::ByHand | Standing::NotTestable | Standing::Follows) => paragraph(out, 18, &line(why)),
        _ => Ok(()),
    }
}

fn labelled(out: &mut dyn Write, label: &str, words: &str) -> io::Result<()> {
    for (index, part) in wrap(words, WIDTH - 10).into_iter().enumerate() {
        let label = if index == 0 { label } else { "" };
        writeln!(out, "  {label:<7} {part}")?;
    }
    Ok(())
}

fn paragraph(out: &mut dyn Write, indent: usize, words: &str) -> io::Result<()> {
    let blank = " ".repeat(indent);
    wrap(words, WIDTH - indent).into_iter().try_for_each(|part| writeln!(out, "{blank}{part}"))
}

fn sentence_case(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|c| c.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
