//! `scimproof explain`: one page on a rule, a fault, a variant or a scenario that a developer can act on.
//!
//! Must not know where things come from: [`Sources`] holds them; [`run`] alone asks the registries.

use super::args::ExplainArgs;
use super::exit::Exit;
use crate::profile::idp::{self, IdpProfile};
use crate::report::text::wrap;
use crate::rules::{self, Rule};
use crate::scenario::model::{Action, Scenario, Step};
use crate::server::faults::{self, Fault};
use crate::server::variants::{self, Variant};
use crate::suite::{self, Suite};
use anstyle::{AnsiColor, Style};
use serde_json::Value;
use std::io::{self, Write};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const WIDTH: usize = 96;

/// What can be explained.
pub struct Sources<'a> {
    /// The catalogue.
    pub rules: Vec<&'a Rule>,
    /// Faults of the embedded server.
    pub faults: Vec<&'a Fault>,
    /// Its legal variants.
    pub variants: Vec<&'a Variant>,
    /// Scenarios.
    pub scenarios: &'a [Scenario],
    /// Identity providers.
    pub idps: &'a [IdpProfile],
}

/// The subcommand. What cannot be explained is an error, so it goes to stderr.
pub fn main(args: &ExplainArgs) -> Exit {
    let mut page = Vec::new();
    super::exit::told(run(args, &mut page).and_then(|exit| {
        match exit {
            Exit::Clean => anstream::stdout().write_all(&page)?,
            _ => {
                anstream::eprint!("error: ");
                anstream::stderr().write_all(&page)?;
            }
        }
        Ok(exit)
    }))
}

/// Explains the id, or says what was probably meant.
pub fn run(args: &ExplainArgs, out: &mut dyn Write) -> io::Result<Exit> {
    if let Some(found) = suite::find(args.id.trim()) {
        suite(out, &found.map_err(|e| io::Error::other(e.render(false)))?)?;
        return Ok(Exit::Clean);
    }
    let scenarios = super::list::bundled_scenarios()?;
    let idps = idp::bundled().map_err(io::Error::other)?;
    let sources = Sources {
        rules: rules::catalogue().collect(),
        faults: faults::all().iter().collect(),
        variants: variants::all().iter().collect(),
        scenarios: &scenarios,
        idps: &idps,
    };
    explain(out, &args.id, &sources)
}

/// Explains the id: a rule, a fault, a variant or a scenario (with or without its dialect).
pub fn explain(out: &mut dyn Write, id: &str, sources: &Sources<'_>) -> io::Result<Exit> {
    let wanted = id.trim().trim_end_matches(".yaml").trim_start_matches("scenarios/");
    let scenario = wanted.split('@').next().unwrap_or(wanted);
    if let Some(found) = sources.rules.iter().find(|r| r.id == wanted) {
        rule(out, found, sources)?;
    } else if let Some(found) = sources.faults.iter().find(|f| f.id == wanted) {
        fault(out, found, sources)?;
    } else if let Some(found) = sources.variants.iter().find(|v| v.id == wanted) {
        variant(out, found)?;
    } else if let Some(found) = sources.scenarios.iter().find(|s| s.id == scenario) {
        self::scenario(out, found, sources)?;
    } else {
        unknown(out, wanted, sources)?;
        return Ok(Exit::Usage);
    }
    Ok(Exit::Clean)
}

fn unknown(out: &mut dyn Write, id: &str, sources: &Sources<'_>) -> io::Result<()> {
    let mut all: Vec<&str> = sources.rules.iter().map(|r| r.id).collect();
    all.extend(sources.faults.iter().map(|f| f.id));
    all.extend(sources.variants.iter().map(|v| v.id));
    all.extend(sources.scenarios.iter().map(|s| s.id.as_str()));
    all.extend(suite::names());
    let near = similar::get_close_matches(id, &all, 3, 0.6);
    let id = crate::report::text::line(id);
    if near.is_empty() {
        return writeln!(
            out,
            "there is no rule, fault, variant or scenario `{id}`; `scimproof list rules` shows the rules"
        );
    }
    let near: Vec<String> = near.iter().map(|n| format!("`{n}`")).collect();
    writeln!(out, "there is no rule, fault, variant or scenario `{id}`; did you mean {}?", near.join(" or "))
}

// ---- the pages

fn rule(out: &mut dyn Write, r: &Rule, sources: &Sources<'_>) -> io::Result<()> {
    writeln!(out, "{BOLD}{}{BOLD:#}  {} · {}", r.id, r.level.name(), r.spec)?;
    writeln!(out, "{BOLD}{}{BOLD:#}", r.title)?;
    paragraph(out, r.explain)?;
    head(out, "Who breaks")?;
    if r.breaks.is_empty() {
        item(out, "every client that relies on it")?;
    } else {
        item(out, &r.breaks.join(", "))?;
    }
    if r.clash {
        indented(
            out,
            "The RFC and these providers contradict each other here, so this is a note until --idp makes the choice.",
        )?;
    }
    admin_texts(out, r, sources.idps)?;
    example(out, "Wrong", BAD, r.wrong)?;
    example(out, "Right", GOOD, r.right)?;
    head(out, "How to fix")?;
    indented(out, r.hint)?;
    if !r.requirements.is_empty() {
        head(out, "Requirements")?;
        item(out, &r.requirements.join(", "))?;
    }
    head(out, "Proven by")?;
    for id in r.proven_by {
        let title = sources.faults.iter().find(|f| f.id == *id).map_or("", |f| f.title);
        writeln!(out, "  {id}  {DIM}{title}{DIM:#}")?;
    }
    match r.proven_by.first() {
        Some(first) => writeln!(out, "\nSee it: scimproof run --fault {first}"),
        None => item(out, "no fault of the embedded server yet"),
    }
}

fn fault(out: &mut dyn Write, f: &Fault, sources: &Sources<'_>) -> io::Result<()> {
    writeln!(out, "{BOLD}{}{BOLD:#}  fault · {}", f.id, f.area)?;
    writeln!(out, "{BOLD}{}{BOLD:#}", f.title)?;
    example(out, "What this server does then", BAD, f.wrong)?;
    example(out, "What a correct server does", GOOD, f.right)?;
    let rules: Vec<&&Rule> = sources.rules.iter().filter(|r| r.proven_by.contains(&f.id)).collect();
    if !rules.is_empty() {
        head(out, "Found by")?;
        for r in rules {
            writeln!(out, "  {}  {DIM}{}{DIM:#}", r.id, r.title)?;
        }
    }
    if !f.source.is_empty() {
        head(out, "Seen in the world")?;
        for source in f.source {
            item(out, source)?;
        }
    }
    writeln!(out, "\nSee it: scimproof run --fault {id}\nServe it: scimproof serve --fault {id}", id = f.id)
}

fn variant(out: &mut dyn Write, v: &Variant) -> io::Result<()> {
    writeln!(out, "{BOLD}{}{BOLD:#}  legal variant · {}", v.id, v.spec)?;
    writeln!(out, "{BOLD}{}{BOLD:#}", v.title)?;
    paragraph(out, "A correct server may do this: no rule fails on it.")?;
    if !v.breaks.is_empty() {
        head(out, "Who does not get along with it all the same")?;
        item(out, &v.breaks.join(", "))?;
    }
    writeln!(out, "\nSee it: scimproof run --variant {id}\nServe it: scimproof serve --variant {id}", id = v.id)
}

fn suite(out: &mut dyn Write, s: &Suite) -> io::Result<()> {
    writeln!(out, "{BOLD}{}{BOLD:#}  suite · {} items", s.suite, s.items.len())?;
    writeln!(out, "{BOLD}{}{BOLD:#}", s.title)?;
    paragraph(out, s.about.trim())?;
    let mut group = None;
    for i in &s.items {
        if group != i.group.as_ref() {
            group = i.group.as_ref();
            head(out, group.map_or("More", String::as_str))?;
        }
        item(out, &format!("{}  {}", i.id, i.title))?;
        let shown: Vec<String> = i.shown_by.iter().map(ToString::to_string).collect();
        let told = if shown.is_empty() { "by hand".to_owned() } else { shown.join(", ") };
        writeln!(out, "      {DIM}{told}{DIM:#}")?;
    }
    head(out, "Published at")?;
    s.source.iter().try_for_each(|source| item(out, source))?;
    writeln!(out, "\nPlay it: scimproof run --suite {}", s.suite)
}

fn scenario(out: &mut dyn Write, s: &Scenario, sources: &Sources<'_>) -> io::Result<()> {
    let idp = sources.idps.iter().find(|p| p.name == s.idp).map_or(s.idp.as_str(), |p| p.title.as_str());
    writeln!(out, "{BOLD}{}{BOLD:#}  scenario · {idp} · {}", s.id, s.evidence.name())?;
    writeln!(out, "{BOLD}{}{BOLD:#}", s.title)?;
    if let Some(about) = &s.about {
        paragraph(out, about)?;
    }
    if !s.needs.is_empty() {
        head(out, "Needs")?;
        let needs: Vec<String> = s.needs.iter().map(name).collect();
        item(out, &needs.join(", "))?;
    }
    if !s.dialects.is_empty() {
        head(out, "Dialects, each a case of its own")?;
        for d in &s.dialects {
            writeln!(out, "  {}@{}  {DIM}{}{DIM:#}", s.id, d.name, d.title)?;
        }
    }
    head(out, "What is sent")?;
    for step in &s.steps {
        self::step(out, step)?;
    }
    if !s.source.is_empty() {
        head(out, "Known from")?;
        for source in &s.source {
            item(out, source)?;
        }
    }
    if !s.tags.is_empty() {
        head(out, "Tags")?;
        item(out, &s.tags.join(", "))?;
    }
    writeln!(out, "\nPlay it: scimproof run {} --show-http", s.id)
}

fn step(out: &mut dyn Write, step: &Step) -> io::Result<()> {
    let what = match &step.action {
        Action::Send(request) => vec![format!("{} {}", request.method, request.target)],
        Action::Parallel(all) => all.iter().map(|r| format!("{} {}", r.method, r.target)).collect(),
        Action::Pause(time) => vec![format!(
            "pause {}",
            crate::report::text::duration(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
        )],
    };
    let mut marks = Vec::new();
    if step.setup {
        marks.push("preparation".to_owned());
    }
    if !step.dialects.is_empty() {
        marks.push(format!("only {}", step.dialects.join(", ")));
    }
    if !step.when.is_empty() {
        marks.push("only if an earlier answer asks for it".to_owned());
    }
    if step.repeat.is_some() {
        marks.push("repeated".to_owned());
    }
    let marks = if marks.is_empty() { String::new() } else { format!(" ({})", marks.join("; ")) };
    writeln!(out, "  {BOLD}{}{BOLD:#}{marks}", step.id)?;
    for line in wrap(&step.title, WIDTH - 4) {
        writeln!(out, "    {line}")?;
    }
    for line in what {
        writeln!(out, "    {DIM}{line}{DIM:#}")?;
    }
    Ok(())
}

/// Texts of the providers that break; where it does not depend on the provider, those that somebody has seen or documented.
fn admin_texts(out: &mut dyn Write, r: &Rule, idps: &[IdpProfile]) -> io::Result<()> {
    let told: Vec<_> = idps
        .iter()
        .filter_map(|p| Some((p, p.admin.get(&r.impact)?)))
        .filter(|(p, text)| match r.breaks {
            [] => text.evidence != "pattern",
            named => named.contains(&p.name.as_str()),
        })
        .collect();
    if told.is_empty() {
        return Ok(());
    }
    head(out, &format!("What the admin reads ({})", name(&r.impact).replace('-', " ")))?;
    for (profile, text) in told {
        let (words, next) = text.general();
        indented(out, &format!("{}: “{words}” ({})", profile.title, text.evidence))?;
        if let Some(next) = next {
            for line in wrap(&next, WIDTH - 4) {
                writeln!(out, "    {DIM}{line}{DIM:#}")?;
            }
        }
    }
    Ok(())
}

/// The name that a value has in files.
fn name<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().as_ref().and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn head(out: &mut dyn Write, title: &str) -> io::Result<()> {
    writeln!(out, "\n{BOLD}{title}{BOLD:#}")
}

fn item(out: &mut dyn Write, text: &str) -> io::Result<()> {
    writeln!(out, "  {text}")
}

fn paragraph(out: &mut dyn Write, text: &str) -> io::Result<()> {
    writeln!(out)?;
    for part in text.split("\n\n") {
        for line in wrap(part, WIDTH) {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

fn indented(out: &mut dyn Write, text: &str) -> io::Result<()> {
    for line in wrap(text, WIDTH - 2) {
        writeln!(out, "  {line}")?;
    }
    Ok(())
}

/// An exchange keeps its lines.
fn example(out: &mut dyn Write, title: &str, style: Style, text: &str) -> io::Result<()> {
    writeln!(out, "\n{style}{title}{style:#}")?;
    for line in text.trim_end().lines() {
        writeln!(out, "{}", format!("  {line}").trim_end())?;
    }
    Ok(())
}
