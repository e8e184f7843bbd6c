//! What happened in a run, as plain serialisable data: the event stream that reports listen to, and the JSON report format
//! `scimproof/1`.
//!
//! Must not know how anything is rendered, and holds no secret: requests in here are redacted already.

use crate::rules::{Impact, Level};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// One thing that happened. Cases arrive whole and in a stable order, whatever `--jobs` says.
#[derive(Debug, Clone)]
pub enum Event {
    /// Before the first request.
    RunStarted(RunInfo),
    /// A step was finished (progress only; the order between cases is not stable).
    Progress {
        /// Steps done so far.
        done: usize,
        /// Best guess of how many there will be.
        total: usize,
        /// Case that moved.
        case: String,
    },
    /// A case was finished; its steps and findings are final.
    CaseFinished(Arc<CaseReport>),
    /// All is done; the report is whole.
    RunFinished,
}

/// What is known before the first request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunInfo {
    /// Version of the tool.
    pub version: String,
    /// Who is tested.
    pub target: TargetReport,
    /// Seed of all generated values.
    pub seed: u64,
    /// Number of cases selected.
    pub cases: usize,
}

/// The server under test.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TargetReport {
    /// Base URL, credentials removed.
    pub base_url: String,
    /// True for the embedded reference server.
    pub embedded: bool,
    /// Provider profile in use, if any.
    pub provider: Option<String>,
    /// What ServiceProviderConfig claims: feature → supported.
    pub advertised: Vec<(String, bool)>,
    /// Remarks about the target, e.g. "no /Schemas: attribute rules judge by RFC 7643 only".
    pub remarks: Vec<String>,
}

/// How a case or step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Ran, and nothing at fail level was found.
    Passed,
    /// Not run, with the reason.
    Skipped,
    /// Not run because an earlier step gave no value.
    Blocked,
    /// At least one finding at fail level.
    Failed,
    /// We could not run it.
    Error,
}

/// Name and version of the JSON report. Readers check it before anything else.
pub const FORMAT: &str = "scimproof/1";

/// The whole report: `"format": "scimproof/1"`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunReport {
    /// Always `scimproof/1`.
    #[serde(skip_deserializing, default = "format_name")]
    pub format: &'static str,
    /// Version of the tool.
    pub version: String,
    /// RFC 3339 start of the run.
    pub started: String,
    /// True when the run was interrupted and the rest is missing.
    pub partial: bool,
    /// Seed of all generated values.
    pub seed: u64,
    /// The server under test.
    pub target: TargetReport,
    /// Figures.
    pub summary: Summary,
    /// Every case, in selection order.
    pub cases: Vec<CaseReport>,
    /// One entry per root cause, most important first.
    pub findings: Vec<FindingReport>,
    /// What we created and could not delete: `METHOD URL` lines to finish by hand.
    pub left_behind: Vec<String>,
    /// Known failures that no longer fail, as `rule @ scenario`.
    pub stale_baseline: Vec<String>,
    /// With `--suite`: each item of the published list and what this run says about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<SheetReport>,
    /// What becomes of the provisioning job, where conversations of Entra were played.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobReport>,
    /// What each identity provider runs into of whose conversations one at least was played to its end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outlook: Vec<OutlookReport>,
}

/// What one identity provider runs into.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutlookReport {
    /// Short name, as in `--idp`.
    pub idp: String,
    /// As people write it.
    pub title: String,
    /// What goes wrong in a few words each, worst first; empty when nothing stands in the way.
    pub troubles: Vec<String>,
}

/// A provisioning job as Entra counts it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobReport {
    /// Requests that Entra sent.
    pub operations: u64,
    /// Failed ones, but for the next.
    pub object_failures: u64,
    /// Failed changes of members and managers.
    pub reference_failures: u64,
    /// The first request of which one failure is enough.
    pub halt: Option<Halt>,
    /// True when the whole job would stand still.
    pub quarantined: bool,
    /// In one sentence; `None`: nothing failed.
    pub verdict: Option<String>,
}

/// Where a job would go into quarantine at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Halt {
    /// Case and step.
    pub at: String,
    /// Method and path.
    pub request: String,
    /// Why.
    pub why: String,
}

impl RunReport {
    /// What is to be said about the target and the job beside findings.
    pub fn remarks(&self) -> impl Iterator<Item = &str> {
        let verdict = self.job.as_ref().and_then(|j| j.verdict.as_deref());
        self.target.remarks.iter().map(String::as_str).chain(verdict)
    }
}

fn format_name() -> &'static str {
    FORMAT
}

/// Figures of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Cases that passed.
    pub passed: usize,
    /// Cases with a finding at fail level.
    pub failed: usize,
    /// Cases not run, with a reason.
    pub skipped: usize,
    /// Cases we could not run.
    pub errors: usize,
    /// Cases in which steps were blocked by an earlier one and nothing failed by itself.
    pub blocked: usize,
    /// Root causes by level (known failures not counted).
    pub findings_by_level: LevelCounts,
    /// Known failures that still fail.
    pub known: usize,
    /// Milliseconds from first request to last.
    pub duration_ms: u64,
    /// Requests sent.
    pub requests: u64,
}

/// How many findings at each level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelCounts {
    /// RFC MUST.
    pub must: usize,
    /// Breaks an identity provider.
    pub idp: usize,
    /// RFC SHOULD.
    pub should: usize,
    /// Notes.
    pub note: usize,
}

/// A published test list (`--suite`), item by item.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SheetReport {
    /// Name, e.g. `okta-oin`.
    pub suite: String,
    /// As people write it.
    pub title: String,
    /// Who runs it, and what passing means.
    pub about: String,
    /// Where it is published.
    pub source: Vec<String>,
    /// Its items, in the publisher's order.
    pub items: Vec<SheetItem>,
}

/// One item of a published test list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SheetItem {
    /// The publisher's number or name.
    pub id: String,
    /// Heading that it stands under.
    pub group: Option<String>,
    /// What is tested.
    pub title: String,
    /// The publisher does not insist on it.
    pub optional: bool,
    /// What this run says about it.
    pub outcome: ItemOutcome,
    /// Why it was not played, or only in part.
    pub reason: Option<String>,
    /// Cases (`scenario@dialect`) and steps (`…#step`) of this run that show it.
    pub shown_by: Vec<String>,
    /// Rules that failed there.
    pub findings: Vec<String>,
    /// What a person has to look at.
    pub by_hand: Option<String>,
}

/// How an item of a published test list ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ItemOutcome {
    /// All that shows it passed.
    Pass,
    /// Something that shows it failed.
    Fail,
    /// Nothing of it could be looked at.
    NotPlayed,
    /// It cannot be seen over SCIM.
    ByHand,
}

impl ItemOutcome {
    /// As it stands in a sheet.
    pub fn name(self) -> &'static str {
        match self {
            ItemOutcome::Pass => "pass",
            ItemOutcome::Fail => "fail",
            ItemOutcome::NotPlayed => "not played",
            ItemOutcome::ByHand => "by hand",
        }
    }
}

impl SheetReport {
    /// `12 pass, 1 fail, 3 by hand`: what there is none of is left out.
    pub fn counts(&self) -> String {
        let of = |outcome: ItemOutcome| self.items.iter().filter(|i| i.outcome == outcome).count();
        let all = [ItemOutcome::Pass, ItemOutcome::Fail, ItemOutcome::NotPlayed, ItemOutcome::ByHand];
        let parts = all.into_iter().map(|o| (of(o), o.name())).filter(|(n, _)| *n > 0);
        parts.map(|(n, name)| format!("{n} {name}")).collect::<Vec<_>>().join(", ")
    }
}

/// One scenario under one profile and dialect.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CaseReport {
    /// Scenario id.
    pub scenario: String,
    /// Identity provider played.
    pub idp: String,
    /// Dialect, where the scenario has several.
    pub dialect: Option<String>,
    /// Title.
    pub title: String,
    /// How well it is known that the provider sends this: `captured`, `documented`, `inferred`; `rfc` where nobody in particular does.
    #[serde(default)]
    pub evidence: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it was skipped, blocked or broke.
    pub reason: Option<String>,
    /// Milliseconds on the wire.
    pub duration_ms: u64,
    /// Every step that was looked at, in order.
    pub steps: Vec<StepReport>,
    /// Scenario file, for people and annotations.
    pub file: String,
}

impl CaseReport {
    /// `scenario` or `scenario@dialect`.
    pub fn name(&self) -> String {
        match &self.dialect {
            Some(d) => format!("{}@{d}", self.scenario),
            None => self.scenario.clone(),
        }
    }
}

/// One step of a case.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StepReport {
    /// Stable id within the scenario; read-backs are `STEP/verify`.
    pub id: String,
    /// One line.
    pub title: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it was skipped, blocked or broke.
    pub reason: Option<String>,
    /// True for a read that scimproof added; the identity provider does not send it.
    pub added: bool,
    /// Line in the scenario file.
    pub line: usize,
    /// Milliseconds on the wire.
    pub duration_ms: u64,
    /// As sent, secrets removed.
    pub request: Option<RequestReport>,
    /// As received, bounded.
    pub response: Option<ResponseReport>,
    /// Ids of the rules that failed here, worst first.
    pub findings: Vec<String>,
}

/// A request in a report. Secrets are gone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RequestReport {
    /// Method.
    pub method: String,
    /// Whole URL as sent.
    pub url: String,
    /// Headers, secrets replaced.
    pub headers: Vec<(String, String)>,
    /// JSON body, or a string when it was not JSON.
    pub body: Option<Value>,
}

/// A response in a report.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ResponseReport {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// JSON body, or a (shortened) string when it was not JSON.
    pub body: Option<Value>,
    /// Bytes received.
    pub size: usize,
}

/// One root cause with all the places it shows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FindingReport {
    /// Rule id.
    pub rule: String,
    /// What is wrong, one sentence.
    pub title: String,
    /// How binding.
    pub level: Level,
    /// True when the level fails this run and it is not a known failure.
    pub fails: bool,
    /// Known failure (baseline): the reason given there.
    pub known: Option<String>,
    /// Scenario (with `@dialect`) in which it was seen first.
    pub scenario: String,
    /// Step in which it was seen first.
    pub step: String,
    /// How well it is known that the provider sends this scenario, as in [`CaseReport::evidence`].
    #[serde(default)]
    pub evidence: String,
    /// Place in the exchange.
    pub at: String,
    /// What the source asks for.
    pub expected: String,
    /// What the server did.
    pub actual: String,
    /// Whole sentence for this case.
    pub message: String,
    /// Source: RFC section or document.
    pub spec: String,
    /// What breaks.
    pub impact: Impact,
    /// Per identity provider: what its admin reads.
    pub admin_sees: Vec<AdminText>,
    /// What to change on the server.
    pub hint: String,
    /// `scimproof run … --only …` line.
    pub reproduce: String,
    /// The request as a `curl` line, token as `$SCIM_TOKEN`.
    pub curl: String,
    /// The earlier step that this contradicts.
    pub because: Option<String>,
    /// The request of that step as a `curl` line, empty without one: where a read shows what a write left, the write is the fault.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub curl_before: String,
    /// Every other place, as `scenario › step`, first excluded.
    pub also: Vec<String>,
}

impl FindingReport {
    /// True when somebody notices: an identity provider breaks on it, or its admin sees it.
    pub fn felt(&self) -> bool {
        self.impact != Impact::None && self.level != Level::Note
    }

    /// What to know when nobody has documented or recorded the conversation.
    pub fn caution(&self) -> Option<&'static str> {
        (self.evidence == "inferred")
            .then_some("that the identity provider sends this follows from other facts; nobody recorded it")
    }
}

/// What an admin reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AdminText {
    /// Identity provider.
    pub idp: String,
    /// The text with names filled in.
    pub text: String,
    /// `seen`, `documented` or `pattern`.
    pub evidence: String,
    /// What the identity provider does next.
    pub next: Option<String>,
}
