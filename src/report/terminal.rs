//! Results for people, on stdout when the run is over.
//!
//! Must not decide anything: order, grouping and levels come with the report. Text from the server goes through
//! [`text`] before it gets here on the screen.

use super::{Sink, diff, text};
use crate::event::{
    AdminText, CaseReport, Event, FindingReport, ItemOutcome, Outcome, OutlookReport, RunReport, SheetReport,
    StepReport, Summary,
};
use crate::rules::Level;
use anstyle::{AnsiColor, Style};
use std::collections::BTreeMap;
use std::io::{self, Write};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const WARN: Style = AnsiColor::Yellow.on_default();
const BROKEN: Style = AnsiColor::Magenta.on_default().bold();
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

const RULE_LINE: &str = "────────";
const LABEL: usize = 10;
const ALSO_SHOWN: usize = 3;
const DIFF_SHOWN: usize = 30;
const NAMES_SHOWN: usize = 3;
/// With more failing findings than this the whole no longer fits a screen, and an index at the end does.
const INDEX_FROM: usize = 3;
/// With more cases than this that did not pass, one line each would push the findings off the screen.
const CASES_SHOWN: usize = 30;
/// A server that deletes nothing is left with hundreds of resources.
const LEFT_SHOWN: usize = 12;

/// What could not be deleted, as far as it is named, and what is said of the rest.
pub(super) fn left_named(report: &RunReport) -> (&[String], Option<String>) {
    let (named, more) = report.left_behind.split_at(report.left_behind.len().min(LEFT_SHOWN));
    let rest = format!("and {} more: `scimproof clean --dry-run` names them all", more.len());
    (named, (!more.is_empty()).then_some(rest))
}

/// How much is printed.
#[derive(Debug, Clone)]
pub struct Options {
    /// One line per case and step, every finding in full.
    pub verbose: bool,
    /// Findings and summary only.
    pub quiet: bool,
    /// Every request and response.
    pub show_http: bool,
    /// So many failing findings in full, the rest in one line each.
    pub full: usize,
    /// Columns for running text.
    pub width: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { verbose: false, quiet: false, show_http: false, full: 10, width: 100 }
    }
}

/// Prints the run. Writes colours always: give it a stream that strips them where they do not belong.
pub struct Terminal<W> {
    out: W,
    options: Options,
}

impl<W: Write> Terminal<W> {
    /// Prints to `out`.
    pub fn new(out: W, options: Options) -> Self {
        Self { out, options }
    }
}

impl<W: Write + Send> Sink for Terminal<W> {
    fn on(&mut self, event: &Event) -> io::Result<()> {
        let Event::RunStarted(info) = event else {
            return Ok(());
        };
        if self.options.quiet {
            return Ok(());
        }
        let server = if info.target.embedded {
            "the embedded reference server".to_owned()
        } else {
            text::line(&info.target.base_url)
        };
        writeln!(
            self.out,
            "{BOLD}scimproof {}{BOLD:#}  {} against {server}  {DIM}seed {}{DIM:#}\n",
            info.version,
            text::count(info.cases, "case"),
            info.seed
        )?;
        self.out.flush()
    }

    fn finish(mut self: Box<Self>, report: &RunReport) -> io::Result<()> {
        let options = self.options.clone();
        let mut page = Page { out: &mut self.out, options: &options };
        page.report(report)?;
        self.out.flush()
    }
}

struct Page<'a, W: Write> {
    out: &'a mut W,
    options: &'a Options,
}

impl<W: Write> Page<'_, W> {
    fn report(&mut self, report: &RunReport) -> io::Result<()> {
        if !self.options.quiet {
            self.cases(report)?;
        }
        self.findings(report)?;
        self.remarks(report)?;
        if !self.options.quiet {
            self.outlook(report)?;
        }
        if let Some(sheet) = &report.sheet {
            self.sheet(sheet)?;
        }
        self.summary(report)
    }

    // ---- cases

    fn cases(&mut self, report: &RunReport) -> io::Result<()> {
        if self.options.verbose || self.options.show_http {
            for case in &report.cases {
                self.case(case)?;
                self.steps(case)?;
            }
            return Ok(());
        }
        self.by_folder(&report.cases, Outcome::Passed)?;
        let told: Vec<&CaseReport> =
            report.cases.iter().filter(|c| !matches!(c.outcome, Outcome::Passed | Outcome::Skipped)).collect();
        if told.len() > CASES_SHOWN {
            for outcome in [Outcome::Failed, Outcome::Blocked, Outcome::Error] {
                self.by_folder(&report.cases, outcome)?;
            }
            writeln!(self.out, "         {DIM}one line per case with --verbose{DIM:#}")?;
        } else {
            for case in told {
                self.case(case)?;
            }
        }
        self.skipped_by_reason(&report.cases)
    }

    fn by_folder(&mut self, cases: &[CaseReport], outcome: Outcome) -> io::Result<()> {
        let mut folders: BTreeMap<&str, Vec<&CaseReport>> = BTreeMap::new();
        for case in cases.iter().filter(|c| c.outcome == outcome) {
            folders.entry(&case.idp).or_default().push(case);
        }
        for (folder, members) in folders {
            let steps: usize = members.iter().map(|c| c.steps.len()).sum();
            let ms: u64 = members.iter().map(|c| c.duration_ms).sum();
            let what = format!("{}, {}", text::count(members.len(), "case"), text::count(steps, "step"));
            self.status(outcome)?;
            write!(self.out, "  {:<44}  {what:<22}  {:>9}", text::line(folder), text::duration(ms))?;
            let rules = failing_rules(&members);
            if !rules.is_empty() {
                write!(self.out, "  {DIM}{}{DIM:#}", shortened(&rules, NAMES_SHOWN))?;
            }
            writeln!(self.out)?;
        }
        Ok(())
    }

    fn skipped_by_reason(&mut self, cases: &[CaseReport]) -> io::Result<()> {
        let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for case in cases.iter().filter(|c| c.outcome == Outcome::Skipped) {
            let reason = case.reason.as_deref().unwrap_or("no reason given");
            reasons.entry(reason).or_default().push(case.name());
        }
        for (reason, names) in reasons {
            self.status(Outcome::Skipped)?;
            writeln!(
                self.out,
                "  {}: {}  {DIM}{}{DIM:#}",
                text::count(names.len(), "case"),
                text::line(reason),
                shortened(&names, NAMES_SHOWN)
            )?;
        }
        Ok(())
    }

    fn case(&mut self, case: &CaseReport) -> io::Result<()> {
        self.status(case.outcome)?;
        let steps = text::count(case.steps.len(), "step");
        write!(self.out, "  {:<44}  {steps:<22}  {:>9}", text::line(&case.name()), text::duration(case.duration_ms))?;
        let rules = failing_rules(&[case]);
        if !case.scenario.starts_with(&format!("{}/", case.idp)) {
            write!(self.out, "  as {}", text::line(&case.idp))?;
        }
        let stuck = || case.steps.iter().find(|s| s.outcome == case.outcome)?.reason.as_ref();
        let reason = case.reason.as_ref().or_else(|| match case.outcome {
            Outcome::Blocked | Outcome::Error => stuck(),
            _ => None,
        });
        if let Some(reason) = reason {
            write!(self.out, "  {}", text::line(reason))?;
        } else if !rules.is_empty() && case.outcome == Outcome::Failed {
            write!(self.out, "  {DIM}{}{DIM:#}", shortened(&rules, NAMES_SHOWN))?;
        }
        writeln!(self.out)
    }

    fn steps(&mut self, case: &CaseReport) -> io::Result<()> {
        for step in &case.steps {
            self.step(step)?;
            if self.options.show_http {
                self.exchange(step)?;
            }
        }
        Ok(())
    }

    fn step(&mut self, step: &StepReport) -> io::Result<()> {
        let status = step.response.as_ref().map_or_else(|| "   ".into(), |r| r.status.to_string());
        let added = if step.added { " (added by scimproof)" } else { "" };
        write!(self.out, "  ")?;
        self.status(step.outcome)?;
        write!(self.out, "  {status} {}{added}  {DIM}{}{DIM:#}", text::line(&step.id), text::line(&step.title))?;
        if let Some(reason) = &step.reason {
            write!(self.out, "  {}", text::line(reason))?;
        }
        if !step.findings.is_empty() {
            write!(self.out, "  {WARN}{}{WARN:#}", text::line(&step.findings.join(", ")))?;
        }
        writeln!(self.out)
    }

    fn exchange(&mut self, step: &StepReport) -> io::Result<()> {
        if let Some(r) = &step.request {
            writeln!(
                self.out,
                "         {DIM}>{DIM:#} {} {}",
                text::line(&r.method),
                text::block(&r.url).replace('\n', "\\n")
            )?;
            self.message('>', &r.headers, r.body.as_ref())?;
        }
        if let Some(r) = &step.response {
            writeln!(
                self.out,
                "         {DIM}<{DIM:#} {}  {DIM}{} bytes, {}{DIM:#}",
                r.status,
                r.size,
                text::duration(step.duration_ms)
            )?;
            self.message('<', &r.headers, r.body.as_ref())?;
        }
        writeln!(self.out)
    }

    fn message(
        &mut self,
        side: char,
        headers: &[(String, String)],
        body: Option<&serde_json::Value>,
    ) -> io::Result<()> {
        for (name, value) in headers {
            writeln!(self.out, "         {DIM}{side}{DIM:#} {}: {}", text::line(name), text::line(value))?;
        }
        let Some(body) = body else { return Ok(()) };
        writeln!(self.out, "         {DIM}{side}{DIM:#}")?;
        for line in text::block(&text::body(body)).lines() {
            writeln!(self.out, "         {DIM}{side}{DIM:#} {line}")?;
        }
        Ok(())
    }

    fn status(&mut self, outcome: Outcome) -> io::Result<()> {
        let (style, word) = match outcome {
            Outcome::Passed => (GOOD, "PASS"),
            Outcome::Failed => (BAD, "FAIL"),
            Outcome::Skipped => (WARN, "SKIP"),
            Outcome::Blocked => (WARN, "BLOCK"),
            Outcome::Error => (BROKEN, "ERROR"),
        };
        write!(self.out, "{style}{word:>7}{style:#}")
    }

    // ---- findings

    fn findings(&mut self, report: &RunReport) -> io::Result<()> {
        let (failing, others): (Vec<_>, Vec<_>) = report.findings.iter().partition(|f| f.fails);
        let full = if self.options.verbose { usize::MAX } else { self.options.full };
        for (index, finding) in failing.iter().take(full).enumerate() {
            if index == 0 {
                writeln!(self.out, "\n{BOLD}What fails{BOLD:#}")?;
            }
            self.finding(index + 1, finding)?;
        }
        if failing.len() > full {
            let more = failing.len() - full;
            writeln!(
                self.out,
                "\n{BOLD}{more} more{BOLD:#}  {DIM}in full with --verbose, --html FILE or --json FILE{DIM:#}"
            )?;
        }
        self.others(&others)?;
        if failing.len() > INDEX_FROM { self.index(&failing) } else { Ok(()) }
    }

    /// All that fails in one line each, last, where the eye is when the run ends.
    fn index(&mut self, failing: &[&FindingReport]) -> io::Result<()> {
        writeln!(self.out, "\n{BOLD}To fix, in this order{BOLD:#}")?;
        for (index, f) in failing.iter().enumerate() {
            let style = level_style(f.level);
            // One rule may stand for several causes: then a place tells which one this is.
            let alone = failing.iter().filter(|other| other.rule == f.rule).count() == 1;
            let places = match f.also.len() {
                0 => text::line(&place(f)).to_string(),
                more if alone => format!("{} places", more + 1),
                more => format!("{} and {more} more", text::line(&place(f))),
            };
            let (rule, title) = (text::line(&f.rule), text::line(&f.title));
            writeln!(
                self.out,
                "{:>2}  {style}{:>4}{style:#}  {rule}  {title}  {DIM}{places}{DIM:#}",
                index + 1,
                f.level.name()
            )?;
        }
        Ok(())
    }

    fn others(&mut self, others: &[&FindingReport]) -> io::Result<()> {
        let (known, remarks): (Vec<_>, Vec<_>) = others.iter().copied().partition(|f| f.known.is_some());
        if !remarks.is_empty() {
            writeln!(self.out, "\n{BOLD}Does not fail the run{BOLD:#}")?;
        }
        let full = if self.options.verbose { usize::MAX } else { self.options.full };
        for (index, finding) in remarks.iter().enumerate().take(full) {
            if self.options.verbose {
                self.finding(index + 1, finding)?;
            } else {
                self.one_line(finding)?;
            }
        }
        if remarks.len() > full {
            writeln!(
                self.out,
                "         {DIM}and {} more: --verbose, --html FILE or --json FILE{DIM:#}",
                remarks.len() - full
            )?;
        }
        if !known.is_empty() && !self.options.quiet {
            writeln!(self.out, "\n{BOLD}Known failures{BOLD:#}")?;
            for finding in known {
                let reason = finding.known.as_deref().unwrap_or_default();
                writeln!(
                    self.out,
                    "  {:>6}  {}  {DIM}{}{DIM:#}",
                    finding.level.name(),
                    text::line(&finding.rule),
                    text::line(reason)
                )?;
            }
        }
        Ok(())
    }

    fn one_line(&mut self, f: &FindingReport) -> io::Result<()> {
        let style = level_style(f.level);
        writeln!(
            self.out,
            "  {style}{:>6}{style:#}  {}  {}  {DIM}{}{DIM:#}",
            f.level.name(),
            text::line(&f.rule),
            text::line(&f.title),
            text::line(&place(f))
        )
    }

    fn finding(&mut self, number: usize, f: &FindingReport) -> io::Result<()> {
        let style = level_style(f.level);
        writeln!(
            self.out,
            "\n{style}{number:>2}  {}  {}{style:#}  {}",
            f.level.name(),
            text::line(&f.rule),
            text::line(&f.spec)
        )?;
        let said = if f.message.trim().is_empty() { &f.title } else { &f.message };
        for line in text::wrap(&text::line(said), self.options.width - 4) {
            writeln!(self.out, "    {BOLD}{line}{BOLD:#}")?;
        }
        self.field("where", &place(f))?;
        if let Some(caution) = f.caution() {
            self.paragraph("evidence", &format!("inferred: {caution}"))?;
        }
        if let Some(because) = &f.because {
            self.field("against", because)?;
        }
        self.field("at", &f.at)?;
        self.expected_and_actual(f)?;
        for admin in &f.admin_sees {
            self.admin(admin)?;
        }
        self.paragraph("fix", &f.hint)?;
        if !f.also.is_empty() {
            self.field("also", &shortened(&f.also, ALSO_SHOWN))?;
        }
        self.whole("before", &f.curl_before)?;
        self.whole("curl", &f.curl)?;
        self.whole("again", &f.reproduce)
    }

    fn expected_and_actual(&mut self, f: &FindingReport) -> io::Result<()> {
        let Some(lines) = diff::lines(&f.expected, &f.actual) else {
            self.field("expected", &f.expected)?;
            return self.field("actual", &f.actual);
        };
        self.field("expected", "lines with -, actual: lines with +")?;
        for line in lines.iter().take(DIFF_SHOWN) {
            let style = match line.sign {
                '-' => GOOD,
                '+' => BAD,
                _ => DIM,
            };
            writeln!(self.out, "    {:LABEL$}{style}{} {}{style:#}", "", line.sign, text::line(&line.text))?;
        }
        if lines.len() > DIFF_SHOWN {
            let more = text::count(lines.len() - DIFF_SHOWN, "line");
            writeln!(self.out, "    {:LABEL$}{DIM}{more} more{DIM:#}", "")?;
        }
        Ok(())
    }

    fn admin(&mut self, admin: &AdminText) -> io::Result<()> {
        let mut words = format!("“{}” ({})", text::line(&admin.text), text::line(&admin.evidence));
        if let Some(next) = &admin.next {
            words.push_str(&format!(" {}", text::line(next)));
        }
        // Room for the label only: a long product name is cut to its last word.
        let name = text::line(&admin.idp).to_string();
        let label = if name.chars().count() < LABEL {
            name.as_str()
        } else {
            name.split(' ').find(|w| *w != "Microsoft" && w.chars().count() < LABEL).unwrap_or("admin")
        };
        self.paragraph(label, &words)
    }

    fn field(&mut self, label: &str, value: &str) -> io::Result<()> {
        writeln!(self.out, "    {DIM}{label:<LABEL$}{DIM:#}{}", text::line(value))
    }

    /// A command: never shortened, or it would not run.
    fn whole(&mut self, label: &str, value: &str) -> io::Result<()> {
        if value.is_empty() {
            return Ok(());
        }
        let value = text::block(value).replace('\n', " ");
        writeln!(self.out, "    {DIM}{label:<LABEL$}{DIM:#}{value}")
    }

    fn paragraph(&mut self, label: &str, value: &str) -> io::Result<()> {
        if value.trim().is_empty() {
            return Ok(());
        }
        let width = self.options.width.saturating_sub(4 + LABEL).max(20);
        for (index, line) in text::wrap(&text::block(value), width).iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            writeln!(self.out, "    {DIM}{label:<LABEL$}{DIM:#}{line}")?;
        }
        Ok(())
    }

    // ---- the end

    fn remarks(&mut self, report: &RunReport) -> io::Result<()> {
        if !report.left_behind.is_empty() {
            writeln!(
                self.out,
                "\n{BAD}Left behind{BAD:#}  could not be deleted; `scimproof clean` tries again, or by hand:"
            )?;
            let (named, more) = left_named(report);
            for line in named {
                writeln!(self.out, "    {}", text::line(line))?;
            }
            if let Some(more) = more {
                writeln!(self.out, "    {more}")?;
            }
        }
        if !report.stale_baseline.is_empty() {
            writeln!(self.out, "\n{BAD}No longer fails{BAD:#}  take these out of the baseline:")?;
            for line in &report.stale_baseline {
                writeln!(self.out, "    {}", text::line(line))?;
            }
        }
        let mut remarks = report.remarks().peekable();
        if remarks.peek().is_some() && !self.options.quiet {
            writeln!(self.out, "\n{BOLD}About the target{BOLD:#}")?;
            for remark in remarks {
                for (index, line) in text::wrap(&text::line(remark), self.options.width - 6).iter().enumerate() {
                    writeln!(self.out, "    {} {line}", if index == 0 { "-" } else { " " })?;
                }
            }
        }
        Ok(())
    }

    /// What each identity provider runs into.
    fn outlook(&mut self, report: &RunReport) -> io::Result<()> {
        let (fine, hurt): (Vec<_>, Vec<_>) = report.outlook.iter().partition(|o| o.troubles.is_empty());
        if hurt.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "\n{BOLD}What identity providers run into{BOLD:#}")?;
        let wide = hurt.iter().map(|o| o.title.chars().count()).max().unwrap_or_default();
        for OutlookReport { title, troubles, .. } in hurt {
            let lines = text::wrap(&troubles.join(" · "), self.options.width.saturating_sub(6 + wide).max(20));
            for (index, line) in lines.iter().enumerate() {
                writeln!(self.out, "    {:<wide$}  {line}", if index == 0 { title.as_str() } else { "" })?;
            }
        }
        if !fine.is_empty() {
            let titles: Vec<_> = fine.iter().map(|o| o.title.as_str()).collect();
            for line in text::wrap(&format!("nothing in the way: {}", titles.join(", ")), self.options.width - 6) {
                writeln!(self.out, "    {DIM}{line}{DIM:#}")?;
            }
        }
        Ok(())
    }

    /// The items of a published test list; with `--quiet` those that did not pass.
    fn sheet(&mut self, sheet: &SheetReport) -> io::Result<()> {
        writeln!(self.out, "\n{BOLD}{}{BOLD:#}  {}", text::line(&sheet.title), sheet.counts())?;
        let wide = sheet.items.iter().map(|i| i.id.chars().count()).max().unwrap_or_default();
        for item in &sheet.items {
            let (style, told) = match item.outcome {
                ItemOutcome::Pass => (GOOD, item.reason.clone()),
                ItemOutcome::Fail => (BAD, Some(item.findings.join(", "))),
                ItemOutcome::NotPlayed => (WARN, item.reason.clone()),
                ItemOutcome::ByHand => (DIM, None),
            };
            if self.options.quiet && !matches!(item.outcome, ItemOutcome::Fail | ItemOutcome::NotPlayed) {
                continue;
            }
            let optional = if item.optional { " (optional)" } else { "" };
            let title = text::line(&item.title);
            writeln!(self.out, "{style}{:>11}{style:#}  {:<wide$}  {title}{optional}", item.outcome.name(), item.id)?;
            for line in told
                .iter()
                .flat_map(|t| text::wrap(&text::line(t), self.options.width.saturating_sub(15 + wide).max(20)))
            {
                writeln!(self.out, "{:11}  {:wide$}  {DIM}{line}{DIM:#}", "", "")?;
            }
        }
        Ok(())
    }

    fn summary(&mut self, report: &RunReport) -> io::Result<()> {
        writeln!(self.out, "{RULE_LINE}")?;
        if report.partial {
            writeln!(self.out, "{WARN}Interrupted:{WARN:#} the rest was not played; what was created is deleted.")?;
        }
        let failed = report.findings.iter().any(|f| f.fails);
        let style = if failed || report.summary.errors > 0 { BAD } else { GOOD };
        writeln!(self.out, "{style}Summary{style:#}  {}", summary_line(&report.summary))
    }
}

/// The figures in one line, without colours.
pub fn summary_line(s: &Summary) -> String {
    let cases = s.passed + s.failed + s.skipped + s.blocked + s.errors;
    let outcomes = listed(&[
        (s.passed, "passed"),
        (s.failed, "failed"),
        (s.blocked, "blocked"),
        (s.errors, "broke"),
        (s.skipped, "skipped"),
    ]);
    let l = s.findings_by_level;
    let levels = listed(&[(l.must, "must"), (l.idp, "idp"), (l.should, "should"), (l.note, "note")]);
    let findings = match (l.must + l.idp + l.should + l.note, levels.is_empty()) {
        (_, true) => "no findings".to_owned(),
        (n, false) => format!("{} ({levels})", text::count(n, "finding")),
    };
    let known = if s.known > 0 { format!(" · {} known", s.known) } else { String::new() };
    let cases = match outcomes.is_empty() {
        true => "no cases".to_owned(),
        false => format!("{}: {outcomes}", text::count(cases, "case")),
    };
    let requests = text::count(usize::try_from(s.requests).unwrap_or(usize::MAX), "request");
    format!("{cases} · {findings}{known} · {requests} · {}", text::duration(s.duration_ms))
}

fn listed(parts: &[(usize, &str)]) -> String {
    let shown: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    shown.join(", ")
}

fn shortened<S: AsRef<str>>(all: &[S], shown: usize) -> String {
    let mut out: Vec<String> = all.iter().take(shown).map(|s| text::line(s.as_ref())).collect();
    if all.len() > shown {
        out.push(format!("and {} more", all.len() - shown));
    }
    out.join(", ")
}

/// The rules that failed in these cases: those of most cases first.
fn failing_rules<'a>(cases: &[&'a CaseReport]) -> Vec<&'a str> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for case in cases {
        let failed = case.steps.iter().filter(|s| s.outcome == Outcome::Failed);
        let mut own: Vec<&str> = Vec::new();
        for rule in failed.flat_map(|s| &s.findings) {
            if !own.contains(&rule.as_str()) {
                own.push(rule);
            }
        }
        for rule in own {
            match counts.iter_mut().find(|(r, _)| *r == rule) {
                Some((_, n)) => *n += 1,
                None => counts.push((rule, 1)),
            }
        }
    }
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    counts.into_iter().map(|(rule, _)| rule).collect()
}

fn place(f: &FindingReport) -> String {
    format!("{}{}{}", f.scenario, super::lookup::PLACE_SEPARATOR, f.step)
}

fn level_style(level: Level) -> Style {
    match level {
        Level::Must | Level::Idp => BAD,
        Level::Should => WARN,
        Level::Note => DIM,
    }
}
