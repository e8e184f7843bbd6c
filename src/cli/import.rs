//! `scimproof import`: a recorded conversation becomes a scenario, or is judged as it is.
//!
//! Must not know file formats or rules: the readers are in `record`, the verdicts come from `run`.

use super::args::ReportArgs;
use super::check::load_text;
use super::exit::Exit;
use super::run::{Failure, listeners};
use crate::event::Event;
use crate::profile::idp::{self, IdpProfile};
use crate::record::draft::{Draft, Head, draft, likely_idp};
use crate::record::sift::{self, Sifted};
use crate::record::{self, Answer, Format, MOST_BYTES, Recording};
use crate::report::redact::Redactor;
use crate::report::terminal::Options as TerminalOptions;
use crate::report::text;
use crate::run::Options;
use crate::run::offline::{self, Recorded, Tape};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use time::format_description::well_known::Rfc3339;

const EXAMPLES: &str = "\
Examples:
  scimproof import traffic.har --out my-scenarios/traffic.yaml
      Make a scenario of recorded traffic: ids become captures, people get new names in each run.
  scimproof import collection.json okta-spec.json --out my-scenarios/
      The same of a Postman collection and of a Runscope test; the formats are told apart by their content.
  scimproof import --judge traffic.har --html report.html
      Nothing is sent: what the server answered then is held against the rules. Exit status 1 when something fails.

Tokens, cookies and passwords of the recording are written nowhere.";

/// Arguments of `import`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ImportArgs {
    /// HAR files, Postman collections (v2.1) or Runscope tests
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Scenario file to write, or a folder for several; without it the scenario goes to standard output
    #[arg(long, short, value_name = "FILE|DIR", conflicts_with = "judge")]
    pub out: Option<PathBuf>,
    /// Id of the scenario [default: recorded/ and the file's name]
    #[arg(long, value_name = "ID")]
    pub name: Option<String>,
    /// Identity provider that sent it [default: by its User-Agent, else rfc]
    #[arg(long, value_name = "NAME")]
    pub idp: Option<String>,
    /// Where SCIM begins, as a URL or a path [default: what stands in front of /Users, /Groups, … where SCIM was spoken]
    #[arg(long, value_name = "P")]
    pub base_url_prefix: Option<String>,
    /// Judge the recorded answers instead of writing a scenario; nothing is sent
    #[arg(long)]
    pub judge: bool,
    /// With --judge: RFC SHOULDs fail, too
    #[arg(long, requires = "judge")]
    pub strict: bool,
    /// With --judge: what is written.
    #[command(flatten)]
    pub reports: ReportArgs,
}

/// Imports or judges.
pub fn main(args: &ImportArgs) -> Exit {
    let result = if args.judge { judge(args) } else { write(args) };
    result.unwrap_or_else(|failure| {
        anstream::eprintln!("error: {}", text::message(&failure.text));
        failure.exit
    })
}

/// One file, read and sifted.
struct Import {
    file: PathBuf,
    format: Format,
    title: Option<String>,
    unusable: Vec<String>,
    sifted: Sifted,
    redactor: Redactor,
}

fn import(file: &Path, args: &ImportArgs) -> Result<Import, Failure> {
    let name = file.display().to_string();
    let bytes = read_bounded(file).map_err(|e| Failure::usage(format!("{name}: {e}")))?;
    let recording = record::read(&bytes, &name).map_err(Failure::usage)?;
    let redactor = record::redactor(&recording.entries);
    let Recording { format, title, unusable, .. } = &recording;
    let (format, title, unusable) = (*format, title.clone(), unusable.clone());
    let sifted = sift::sift(recording, args.base_url_prefix.as_deref())
        .map_err(|why| Failure::usage(redactor.text(&format!("{name}: {why}"))))?;
    Ok(Import { file: file.to_owned(), format, title, unusable, sifted, redactor })
}

fn read_bounded(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than allowed, so that the reader can say that it is too large.
    std::fs::File::open(file)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn write(args: &ImportArgs) -> Result<Exit, Failure> {
    let asked = &args.reports;
    if [&asked.junit, &asked.json, &asked.html, &asked.markdown].iter().any(|f| f.is_some()) {
        return Err(Failure::usage("a report is about verdicts: give --judge as well"));
    }
    let folder = args.out.as_ref().filter(|o| o.is_dir() || o.as_os_str().to_string_lossy().ends_with(['/', '\\']));
    if args.files.len() > 1 && (folder.is_none() || args.name.is_some()) {
        return Err(Failure::usage("several files make several scenarios: give --out a folder, and no --name"));
    }
    let imports = args.files.iter().map(|f| import(f, args)).collect::<Result<Vec<_>, _>>()?;
    for import in imports {
        let out = args.out.as_ref().map(|out| match folder {
            Some(folder) => folder.join(format!("{}.yaml", stem(&import.file))),
            None => out.clone(),
        });
        let id = scenario_id(args.name.as_deref(), out.as_deref(), &import.file);
        let profile = profile(args.idp.as_deref(), &import.sifted)?;
        let made = make(&import, &id, &profile)?;
        save(&made, out.as_deref(), &id)?;
        tell(&import, &made, out.as_deref());
    }
    Ok(Exit::Clean)
}

fn make(import: &Import, id: &str, profile: &IdpProfile) -> Result<Draft, Failure> {
    let source = import.file.file_name().map(|n| n.to_string_lossy().into_owned());
    let head = Head { id, format: import.format, title: import.title.as_deref(), source: source.as_deref(), profile };
    draft(&import.sifted, &head, &import.redactor)
        .map_err(|why| Failure::usage(format!("{}: {why}", import.file.display())))
}

/// Writes the scenario whole or not at all, after the loader has accepted it under the name that it will have.
pub(super) fn save(made: &Draft, out: Option<&Path>, id: &str) -> Result<(), Failure> {
    let Some(path) = out else {
        anstream::print!("{}", made.text);
        return Ok(());
    };
    if let Err(errors) = load_text(path, &made.text) {
        let first = errors.first().map(|e| e.render(false)).unwrap_or_default();
        return Err(Failure::usage(format!("the scenario `{id}` cannot be {}\n{first}", path.display())));
    }
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .map_err(|e| Failure::usage(format!("cannot make {}: {e}", folder.display())))?;
    }
    crate::report::write_file(path, |out: &mut dyn Write| out.write_all(made.text.as_bytes())).map_err(Failure::broken)
}

/// What was read and what became of it: on standard error, because the scenario itself may be on standard output.
fn tell(import: &Import, made: &Draft, out: Option<&Path>) {
    anstream::eprintln!("{}: {}", import.file.display(), import.format.title());
    for line in import.unusable.iter().chain(&made.notes) {
        anstream::eprintln!("  left out: {}", text::line(&import.redactor.text(line)));
    }
    for line in outcome(made, &import.sifted) {
        anstream::eprintln!("  {}", text::line(&import.redactor.text(&line)));
    }
    if let Some(path) = out {
        let file = path.display();
        anstream::eprintln!("wrote {file}; next: scimproof run {file} --base-url URL --token-env SCIM_TOKEN");
    }
}

/// The figures of a scenario that was made.
pub(super) fn outcome(made: &Draft, sifted: &Sifted) -> Vec<String> {
    let count = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let mut first = format!(
        "{} below {}, {}, {}",
        count(made.requests, "request", "requests"),
        sifted.base,
        count(made.people, "person", "people"),
        count(made.groups, "group", "groups")
    );
    if made.setup > 0 {
        first.push_str(&format!(", {} prepared because they were there before", made.setup));
    }
    let left = sifted.left_out_text();
    let mut lines = vec![first];
    if !left.is_empty() {
        lines.push(format!("left out: {left}"));
    }
    lines
}

/// The id that was asked for, or one that fits the place of the file.
pub(super) fn scenario_id(name: Option<&str>, out: Option<&Path>, source: &Path) -> String {
    if let Some(name) = name {
        return if name.contains('/') { name.to_owned() } else { format!("recorded/{name}") };
    }
    let by_folder = out.and_then(|out| {
        let path = out.to_string_lossy().replace('\\', "/");
        let (_, below) =
            path.rsplit_once("scenarios/").filter(|(before, _)| before.is_empty() || before.ends_with('/'))?;
        below.rsplit_once('.').map(|(id, _)| id.to_owned())
    });
    by_folder.unwrap_or_else(|| format!("recorded/{}", stem(out.unwrap_or(source))))
}

/// The file's name as a part of an id.
fn stem(file: &Path) -> String {
    let stem = file.file_stem().map(|s| s.to_string_lossy().to_lowercase()).unwrap_or_default();
    let clean: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let clean = clean.trim_matches('-');
    if clean.is_empty() { "recording".to_owned() } else { clean.to_owned() }
}

/// The profile that was asked for, or the one whose client sent it.
pub(super) fn profile(name: Option<&str>, sifted: &Sifted) -> Result<IdpProfile, Failure> {
    let profiles = idp::bundled().map_err(|e| Failure::usage(e.render(false)))?;
    let wanted = match name {
        Some(name) => name.to_lowercase(),
        None => likely_idp(&sifted.spoken, &profiles).unwrap_or("rfc").to_owned(),
    };
    let names = idp::names();
    profiles
        .into_iter()
        .find(|p| p.name == wanted)
        .ok_or_else(|| Failure::usage(format!("--idp {wanted} is not known; there are {}", names.join(", "))))
}

fn judge(args: &ImportArgs) -> Result<Exit, Failure> {
    if args.name.is_some() && args.files.len() > 1 {
        return Err(Failure::usage("several files are several cases: one --name does not fit them"));
    }
    let imports = args.files.iter().map(|f| import(f, args)).collect::<Result<Vec<_>, _>>()?;
    if let Some(other) = imports.iter().find(|i| !i.format.is_traffic()) {
        return Err(Failure::usage(format!(
            "{}: a {} holds no traffic: its answers are missing or are examples from different days, which cannot be held \
             against each other; make a scenario of it and run that",
            other.file.display(),
            other.format.title()
        )));
    }
    let all: Vec<_> = imports.iter().flat_map(|i| i.sifted.spoken.iter().map(|s| s.entry.clone())).collect();
    let redactor = record::redactor(&all);
    let mut named = Vec::new();
    for (n, import) in imports.iter().enumerate() {
        let id = scenario_id(args.name.as_deref(), None, &import.file);
        let again = imports[..n].iter().any(|i| scenario_id(None, None, &i.file) == id);
        let id = if again { format!("{id}-{}", n + 1) } else { id };
        named.push((
            id,
            profile(args.idp.as_deref(), &import.sifted)?.name,
            redactor.text(&import.file.display().to_string()),
        ));
        for line in &import.unusable {
            anstream::eprintln!("warning: {}: left out: {}", import.file.display(), text::line(&redactor.text(line)));
        }
        let left = import.sifted.left_out_text();
        if !left.is_empty() {
            anstream::eprintln!("{}: left out: {left}", import.file.display());
        }
    }
    let tapes: Vec<Tape<'_>> = imports.iter().zip(&named).map(|(i, (id, idp, file))| tape(i, id, idp, file)).collect();
    let options = Options {
        idps: args.idp.iter().map(|i| i.to_lowercase()).collect(),
        strict: args.strict,
        ..Options::default()
    };
    report(args, &tapes, &options, &redactor)
}

fn report(args: &ImportArgs, tapes: &[Tape<'_>], options: &Options, redactor: &Redactor) -> Result<Exit, Failure> {
    let reports = &args.reports;
    let files =
        [("junit", &reports.junit), ("json", &reports.json), ("html", &reports.html), ("markdown", &reports.markdown)];
    let files: Vec<(&'static str, PathBuf)> = files.into_iter().filter_map(|(n, f)| Some((n, f.clone()?))).collect();
    let shown = TerminalOptions {
        verbose: reports.verbose,
        quiet: reports.quiet,
        show_http: reports.show_http,
        ..TerminalOptions::default()
    };
    let mut sinks = listeners(shown, &files, reports.github)?;
    let finished = {
        let mut emit = |event: Event| {
            for sink in &mut sinks {
                if let Err(problem) = sink.on(&event) {
                    anstream::eprintln!("warning: {problem}");
                }
            }
        };
        offline::judge(tapes, options, redactor, &mut emit)
    };
    let mut written = Ok(());
    for sink in sinks {
        if let Err(problem) = sink.finish(&finished.report) {
            written = Err(Failure::broken(problem));
        }
    }
    written?;
    Ok(Exit::of(&finished.report))
}

fn tape<'a>(import: &'a Import, id: &'a str, idp: &'a str, file: &'a str) -> Tape<'a> {
    let sifted = &import.sifted;
    let first = sifted.spoken.iter().find_map(|s| s.entry.started);
    Tape {
        name: id,
        title: "A recorded conversation",
        file,
        base_url: &sifted.base,
        idp,
        recorded: recorded(sifted),
        is_blanked: record::is_blanked,
        started: first.and_then(|s| s.format(&Rfc3339).ok()).unwrap_or_default(),
    }
}

fn recorded(sifted: &Sifted) -> Vec<Recorded> {
    let settled = sift::settled(&sifted.spoken);
    let order = sift::judged_order(&sifted.spoken).into_iter();
    order
        .map(|n| {
            let one = &sifted.spoken[n];
            let entry = &one.entry;
            let status = entry.answer.response().map(|r| r.status);
            Recorded {
                id: format!("{:03}", n + 1),
                title: format!("{} {}", entry.method, one.target),
                exchange: sift::exchange(one, &sifted.base),
                unknown: unknown(&entry.answer, status),
                blanked: record::is_blanked_request(&one.target, entry.body.as_deref()),
                settled: settled[n],
            }
        })
        .collect()
}

/// Why an answer says nothing about the server's SCIM.
fn unknown(answer: &Answer, status: Option<u16>) -> Option<String> {
    match (answer, status) {
        (Answer::Unknown, _) => Some("the recording holds no answer".to_owned()),
        (Answer::None(why), _) => Some(format!("no answer came: {why}")),
        (Answer::Head(_), _) => Some("the recording does not hold the body of the answer".to_owned()),
        (_, Some(403)) => {
            Some("answered 403: what the credentials were allowed to do is not in the recording".to_owned())
        }
        (_, Some(429)) => Some("answered 429: the server wanted fewer requests".to_owned()),
        (_, Some(503)) => Some("answered 503: the server was not available".to_owned()),
        (_, Some(status @ 300..=399)) => Some(format!("answered {status}, which is no answer to this request")),
        (Answer::Whole(r), _) if record::is_blanked(&r.text()) => Some("the body of the answer was blanked".to_owned()),
        _ => None,
    }
}
