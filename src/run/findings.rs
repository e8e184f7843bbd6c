//! From single verdicts to root causes: one finding per cause with every place it shows, most important first.
//!
//! Must not judge; it decides only what a level means for this user.

use super::Options;
use super::consequences::{sentence, without_consequences};
use super::lookups::without_special;
use crate::event::{CaseReport, FindingReport};
use crate::exchange::{Exchange, Response};
use crate::profile::provider::{Expected, ProviderProfile, Sighting};
use crate::report::redact::Redactor;
use crate::rules::view::Past;
use crate::rules::{Finding, Impact, Level, Rule, Verdict};
use crate::scenario::model::{Expect, Place, Scenario, StatusSpec, Step};
use crate::scenario::template::Values;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a finding keeps of a body.
const FINDING_BYTES: usize = crate::report::redact::BODY_LIMIT;

/// One verdict of one rule on one exchange.
pub(crate) struct RawFinding {
    pub(crate) rule: &'static Rule,
    pub(crate) level: Level,
    pub(crate) fails: bool,
    pub(crate) finding: Finding,
    pub(crate) impact: Option<Impact>,
    pub(crate) case: String,
    pub(crate) scenario: String,
    pub(crate) idp: String,
    pub(crate) evidence: &'static str,
    pub(crate) step: String,
    pub(crate) exchange: Arc<Exchange>,
    /// The exchange of the step that `finding.because` names.
    pub(crate) before: Option<Arc<Exchange>>,
    pub(crate) user: Option<String>,
    pub(crate) group: Option<String>,
}

/// The level of a finding for this user: where RFC and identity provider clash it is a note until a side is chosen, and what
/// only another provider breaks on is a note, too.
pub(crate) fn effective_level(rule: &Rule, finding: &Finding, options: &Options) -> Level {
    let level = finding.level.unwrap_or(rule.level);
    let chosen = options.idps.iter().any(|i| rule.breaks.contains(&i.as_str()));
    if rule.clash && !chosen {
        return Level::Note;
    }
    if level == Level::Idp && !rule.breaks.is_empty() && !options.idps.is_empty() && !chosen {
        return Level::Note;
    }
    level
}

/// What the provider's own document makes of a finding: its level, whether it fails, and the document's words beside it.
pub(crate) fn by_document(
    provider: Option<&ProviderProfile>,
    rule: &Rule,
    finding: &mut Finding,
    (case, step, status): (&str, &str, Option<u16>),
    judged: (Level, bool),
) -> (Level, bool) {
    let Some(provider) = provider else { return judged };
    let Some(said) =
        provider.deviation_at(Sighting { rule: rule.id, case, step, at: &finding.at, actual: &finding.actual, status })
    else {
        return judged;
    };
    let own = finding.message.take().map(|m| format!("{m}. ")).unwrap_or_default();
    let (words, judged) = match said.verdict {
        Expected::Allow => ("documents this", (Level::Note, false)),
        Expected::Check => ("promises otherwise", judged),
        Expected::Fail => ("documents the opposite", (judged.0.min(Level::Idp), true)),
    };
    finding.message = Some(format!("{own}{} {words}: {} ({})", provider.title, said.reason, said.source));
    judged
}

/// Whether a level fails this run.
pub(crate) fn fails(level: Level, options: &Options) -> bool {
    matches!(level, Level::Must | Level::Idp) || (level == Level::Should && options.strict)
}

/// The rule in whose name a step's own expectation speaks.
pub static UNEXPECTED: Rule = Rule {
    id: "scenario/unexpected-answer",
    title: "The answer is not what this sequence needs",
    spec: "the scenario's own sources",
    level: Level::Idp,
    clash: false,
    impact: Impact::ClientConfused,
    breaks: &[],
    requirements: &[],
    explain: "A step of the scenario says what the identity provider needs here, and the answer is different. The scenario file holds the reason and its sources.",
    hint: "Read the step's title and message; compare the answer with what is expected.",
    wrong: "",
    right: "",
    proven_by: &[],
    check: |_| Verdict::NotApplicable,
};

/// A failed expectation as a finding, in the name of the rule that the step gives, or of [`UNEXPECTED`].
pub(crate) fn unexpected(
    expect: &Expect,
    scenario: &Scenario,
    step: &Step,
    at: &str,
    expected: &str,
    actual: &str,
) -> (&'static Rule, Finding) {
    let named = expect.rule.as_deref().and_then(crate::rules::find);
    let message = expect.message.clone().unwrap_or_else(|| step.title.clone());
    let mut finding = Finding::new(at, expected, actual).message(message);
    if named.is_none() {
        finding.level = Some(expect.level.unwrap_or(if scenario.idp == "rfc" { Level::Must } else { Level::Idp }));
    } else if let Some(level) = expect.level {
        finding.level = Some(level);
    }
    (named.unwrap_or(&UNEXPECTED), finding)
}

/// The exchange of the earlier step that a finding contradicts.
pub(crate) fn before(finding: &Finding, past: &[Past]) -> Option<Arc<Exchange>> {
    let step = finding.because.as_ref()?;
    past.iter().rev().find(|p| p.step == *step).map(|p| slim(&p.exchange))
}

/// An exchange as a finding needs it: findings live as long as the run, so a long answer is not kept whole.
pub(crate) fn slim(exchange: &Arc<Exchange>) -> Arc<Exchange> {
    let Some(response) = exchange.response().filter(|r| r.body.len() > FINDING_BYTES) else { return exchange.clone() };
    let body = response.body[..FINDING_BYTES].to_vec();
    let mut cut = Response::new(response.status, response.headers.clone(), body);
    cut.truncated = true;
    Arc::new(Exchange {
        request: exchange.request.clone(),
        outcome: Ok(cut),
        duration: exchange.duration,
        started: exchange.started,
    })
}

/// Allowed statuses in words.
pub(crate) fn statuses(specs: &[StatusSpec]) -> String {
    let text = |s: &StatusSpec| match s {
        StatusSpec::Exact(n) => n.to_string(),
        StatusSpec::Class(c) => format!("{c}xx"),
    };
    specs.iter().map(text).collect::<Vec<_>>().join(" or ")
}

/// A place in words.
pub(crate) fn place_label(place: &Place, values: &dyn Values) -> String {
    match place {
        Place::JsonPath(path) => format!("body {path}"),
        Place::Scim(template) => format!("body {}", template.render(values).unwrap_or_default()),
        Place::Header(name) => format!("header {name}"),
        Place::Status => "status".to_owned(),
    }
}

/// What it takes to put findings into words.
#[derive(Clone, Copy)]
pub(crate) struct Words<'a> {
    pub(crate) options: &'a Options,
    pub(crate) redactor: &'a Redactor,
}

/// Groups verdicts by root cause. `cases` is what was played.
pub(crate) fn group(raw: Vec<RawFinding>, cases: &[CaseReport], words: Words<'_>) -> Vec<FindingReport> {
    let (raw, mut followed) = without_consequences(raw);
    let raw = at_one_level(without_special(raw, cases, &mut followed));
    let mut groups: BTreeMap<(String, String), Vec<RawFinding>> = BTreeMap::new();
    let mut order: Vec<(String, String)> = Vec::new();
    for finding in without_echoes(raw) {
        let key = key_of(&finding);
        if !groups.contains_key(&key) {
            order.push(key.clone());
        }
        groups.entry(key).or_default().push(finding);
    }
    let mut out: Vec<(usize, FindingReport)> = Vec::new();
    for (position, key) in order.into_iter().enumerate() {
        if let Some(members) = groups.remove(&key) {
            let rule = members[0].rule.id;
            let mut told = report(members, words);
            if let Some(more) = followed.get(rule) {
                let more = more.iter().copied().collect::<Vec<_>>().join(", ");
                told.message = format!("{}. From it follows, and is not listed: {more}", told.message);
            }
            out.push((position, told));
        }
    }
    out.sort_by_key(|(position, f)| (!f.fails, f.level.max(Level::Idp), rank(f.impact), *position));
    out.into_iter().map(|(_, f)| f).collect()
}

/// Refusals in one sentence have one cause, which weighs what the heaviest of them does. Remarks stay by themselves: what may be
/// refused is refused in a general sentence, too.
fn at_one_level(mut raw: Vec<RawFinding>) -> Vec<RawFinding> {
    let cause = |f: &RawFinding| {
        let refusal = f.rule.id.ends_with("-refused") && f.level != Level::Note;
        sentence(f).filter(|_| refusal).map(|words| (f.rule.id, words))
    };
    let mut heaviest = BTreeMap::new();
    for f in &raw {
        if let Some(cause) = cause(f) {
            let level = heaviest.entry(cause).or_insert((f.level, f.fails));
            *level = (level.0.min(f.level), level.1 || f.fails);
        }
    }
    for f in &mut raw {
        if let Some(&(level, fails)) = cause(f).and_then(|cause| heaviest.get(&cause)) {
            (f.level, f.fails) = (level, fails);
        }
    }
    raw
}

/// The answer to a write and the read after it that tell the same lie are one finding: the read's.
fn without_echoes(raw: Vec<RawFinding>) -> Vec<RawFinding> {
    let read_back: Vec<(String, String)> = raw
        .iter()
        .filter(|f| !f.rule.id.ends_with("/answer-shows-old-state"))
        .filter_map(|f| Some((f.case.clone(), f.finding.because.clone()?)))
        .collect();
    let echo = |f: &RawFinding| {
        f.rule.id.ends_with("/answer-shows-old-state") && read_back.contains(&(f.case.clone(), f.step.clone()))
    };
    raw.into_iter().filter(|f| !echo(f)).collect()
}

/// What makes two verdicts the same root cause: the rule; for refusals also the status, for crashes the kind of request.
fn key_of(f: &RawFinding) -> (String, String) {
    let endpoint = f.exchange.request.segments().first().cloned().unwrap_or_default();
    let status = f.exchange.status().unwrap_or(0);
    let extra = match f.rule.id {
        "scenario/unexpected-answer" => format!("{} {}", f.scenario, f.step),
        "error/server-error" => format!("{} {endpoint} {status}", f.exchange.request.method),
        // What was found to be minded is a cause of its own.
        id if id.ends_with("-refused") => {
            let told = f.finding.message.as_deref().and_then(|m| m.split_once(", but is accepted with"));
            format!("{status} {}", told.filter(|_| id.starts_with("create/")).map_or("", |(_, minded)| minded))
        }
        _ => String::new(),
    };
    (f.rule.id.to_owned(), format!("{extra}|{}", f.level.name()))
}

/// Verdicts of one case with the same key tell a report nothing that the first of them does not.
pub(crate) fn place_key(f: &RawFinding) -> String {
    let (rule, extra) = key_of(f);
    let because = f.finding.because.as_deref().unwrap_or_default();
    format!("{rule}|{extra}|{}|{}|{because}|{}", f.fails, f.step, first_word(&f.finding.at))
}

fn first_word(at: &str) -> &str {
    at.split(' ').next().unwrap_or(at)
}

/// What to fix first.
fn rank(impact: Impact) -> u8 {
    use Impact::{
        AccessKept, AccessNotGuarded, CannotReactivate, ConnectionTestFails, CreateFails, DataLeak, DuplicateCreated,
        GroupDrifts, GroupPushFails, ImportFails, ImportIncomplete, LookupFails, MembersLost, RetriesForever,
        StaysActive, UpdateFails, UpdateLost, UserNotFound, WrongMatch,
    };
    match impact {
        AccessNotGuarded | DataLeak => 0,
        StaysActive | AccessKept | WrongMatch => 1,
        MembersLost | DuplicateCreated | UpdateLost | GroupDrifts => 2,
        ConnectionTestFails | UserNotFound | CreateFails | LookupFails | CannotReactivate => 3,
        UpdateFails | GroupPushFails | ImportFails | ImportIncomplete | RetriesForever => 4,
        Impact::ClientConfused => 5,
        Impact::None => 6,
    }
}

fn report(members: Vec<RawFinding>, words: Words<'_>) -> FindingReport {
    let first = &members[0];
    let rule = first.rule;
    let impact = first.impact.filter(|_| rule.id == UNEXPECTED.id).or(first.finding.impact).unwrap_or(rule.impact);
    let mut also: Vec<String> = Vec::new();
    for other in &members[1..] {
        let place = format!("{} › {}", other.case, other.step);
        if !also.contains(&place) && place != format!("{} › {}", first.case, first.step) {
            also.push(place);
        }
    }
    let message = match &first.finding.message {
        Some(text) if rule.id == UNEXPECTED.id => text.clone(),
        Some(text) => format!("{}. {text}", rule.title),
        None => rule.title.to_owned(),
    };
    let message = with_places(message, &members);
    let redact = |text: &str| words.redactor.text(text);
    FindingReport {
        rule: rule.id.to_owned(),
        title: rule.title.to_owned(),
        level: first.level,
        fails: members.iter().any(|m| m.fails),
        known: None,
        scenario: first.case.clone(),
        step: first.step.clone(),
        evidence: first.evidence.to_owned(),
        at: first.finding.at.clone(),
        expected: redact(&first.finding.expected),
        actual: redact(&first.finding.actual),
        message: redact(&message),
        spec: rule.spec.to_owned(),
        impact,
        admin_sees: super::admin::texts(&members, impact, words),
        hint: rule.hint.to_owned(),
        reproduce: redact(&reproduce(first, words)),
        curl: curl(&first.exchange, words),
        because: first.finding.because.clone(),
        curl_before: first.before.as_ref().map(|before| curl(before, words)).unwrap_or_default(),
        also,
    }
}

/// Names the other attributes or places of the same cause, so that one finding tells them all.
fn with_places(message: String, members: &[RawFinding]) -> String {
    let short = |at: &str| first_word(at).to_owned();
    let mut others: Vec<String> = Vec::new();
    for at in members.iter().map(|m| short(&m.finding.at)) {
        if at != short(&members[0].finding.at)
            && !others.contains(&at)
            && !["status", "body", "header", "entry"].contains(&at.as_str())
        {
            others.push(at);
        }
    }
    if others.is_empty() {
        return message;
    }
    let more = others.len().saturating_sub(12);
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{message}. The same of {}{tail}", others.into_iter().take(12).collect::<Vec<_>>().join(", "))
}

fn reproduce(f: &RawFinding, words: Words<'_>) -> String {
    let step = f.step.split('/').next().unwrap_or(&f.step);
    // Steps that no scenario has cannot be asked for.
    let only = if [super::added::SWEEP, super::added::CLEAN_UP].contains(&step) {
        String::new()
    } else {
        format!(" --only {step}")
    };
    format!("scimproof run {}{only}{} --show-http", f.case, words.options.reproduce_flags)
}

/// The request as a shell line; the token is the variable `$SCIM_TOKEN`, `user:password` is `$SCIM_BASIC`.
fn curl(exchange: &Exchange, words: Words<'_>) -> String {
    let request = &exchange.request;
    let mut out = format!("curl -i -X {} {}", request.method, quote(&words.redactor.url(&request.url)));
    for (name, value) in words.redactor.headers(&request.headers) {
        let lower = name.to_ascii_lowercase();
        if lower == "authorization" {
            let basic = value.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic "));
            let how = if basic { " -u \"$SCIM_BASIC\"" } else { " -H \"Authorization: Bearer $SCIM_TOKEN\"" };
            out.push_str(how);
        } else if ["accept", "content-type", "if-match", "if-none-match"].contains(&lower.as_str()) {
            out.push_str(&format!(" -H {}", quote(&format!("{name}: {value}"))));
        }
    }
    if let Some(body) = &request.body {
        let text = String::from_utf8_lossy(body);
        let shown: String = words.redactor.text(&text).chars().take(4000).collect();
        out.push_str(&format!(" --data-raw {}", quote(&shown)));
    }
    out
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
