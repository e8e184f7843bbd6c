//! What a rule is: data plus one pure function.
//!
//! Must not know the engine, the clock or the profile: a rule says what is wrong and what that leads to, the run decides
//! whether it fails.

use super::view::View;
use serde::{Deserialize, Serialize};

/// One entry of the catalogue.
pub struct Rule {
    /// `area/what-is-wrong`; area = file name. Never reused.
    pub id: &'static str,
    /// One sentence that says what is wrong, e.g. "PATCH answers success but `active` keeps its value".
    pub title: &'static str,
    /// RFC section (`RFC 7644 §3.5.2`) or identity-provider document this rests on.
    pub spec: &'static str,
    /// How binding the source is.
    pub level: Level,
    /// What breaks at the identity provider.
    pub impact: Impact,
    /// True where the RFC and an identity provider contradict each other (or the RFC leaves the choice): the finding is a
    /// `note` unless the user chose one of `breaks` with `--idp`.
    pub clash: bool,
    /// Identity providers that break on it; empty when it does not depend on the provider.
    pub breaks: &'static [&'static str],
    /// Ids of the requirements (`docs/requirements.toml`) that this rule judges.
    pub requirements: &'static [&'static str],
    /// What is wrong and why it matters: a short paragraph.
    pub explain: &'static str,
    /// What to change on the server.
    pub hint: &'static str,
    /// A wrong exchange, as text.
    pub wrong: &'static str,
    /// The right exchange, as text.
    pub right: &'static str,
    /// Faults of the embedded server that this rule must fail on.
    pub proven_by: &'static [&'static str],
    /// The judgement.
    pub check: fn(&View<'_>) -> Verdict,
}

/// How binding a rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// An RFC MUST (SHALL, REQUIRED) is broken.
    Must,
    /// An identity provider breaks on it.
    Idp,
    /// An RFC SHOULD is not followed.
    Should,
    /// Worth knowing; never fails a run.
    Note,
}

impl Level {
    /// Lower-case name as in reports.
    pub fn name(self) -> &'static str {
        match self {
            Level::Must => "must",
            Level::Idp => "idp",
            Level::Should => "should",
            Level::Note => "note",
        }
    }
}

/// What one rule says about one exchange (or a finished case).
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// The rule applied and was kept.
    Pass,
    /// The rule has nothing to say here. Not proof of anything.
    NotApplicable,
    /// The rule was broken, once or more.
    Fail(Vec<Finding>),
}

impl Verdict {
    /// One finding.
    pub fn fail(at: impl Into<String>, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        Verdict::Fail(vec![Finding::new(at, expected, actual)])
    }

    /// `Pass` when the list is empty.
    pub fn from_findings(findings: Vec<Finding>) -> Self {
        if findings.is_empty() { Verdict::Pass } else { Verdict::Fail(findings) }
    }
}

/// Where a rule was broken, what should be there and what was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// Place: `status`, `header Location`, `body /active`, …
    pub at: String,
    /// What the source asks for.
    pub expected: String,
    /// What the server did.
    pub actual: String,
    /// More words for this one case, when the rule's title does not say it all.
    pub message: Option<String>,
    /// Another level than the rule's, when this very case is less binding (never more).
    pub level: Option<Level>,
    /// The step whose write this contradicts ("the two requests that disagree").
    pub because: Option<String>,
    /// What this very case leads to, when it is something else than the rule's impact.
    pub impact: Option<Impact>,
}

impl Finding {
    /// A finding at the rule's own level.
    pub fn new(at: impl Into<String>, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        Self {
            at: at.into(),
            expected: expected.into(),
            actual: actual.into(),
            message: None,
            level: None,
            because: None,
            impact: None,
        }
    }

    /// Adds words.
    pub fn message(mut self, text: impl Into<String>) -> Self {
        self.message = Some(text.into());
        self
    }

    /// Lowers the level for this case.
    pub fn level(mut self, level: Level) -> Self {
        self.level = Some(level);
        self
    }

    /// Says what this case leads to.
    pub fn impact(mut self, impact: Impact) -> Self {
        self.impact = Some(impact);
        self
    }

    /// Names the write that this contradicts.
    pub fn because(mut self, step: impl Into<String>) -> Self {
        self.because = Some(step.into());
        self
    }
}

/// What breaks at the identity provider: the small vocabulary between rules and profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Impact {
    /// The admin's "test connection" fails.
    ConnectionTestFails,
    /// The look-up before a create or update fails.
    LookupFails,
    /// The look-up links to the wrong account.
    WrongMatch,
    /// The account is not created.
    CreateFails,
    /// A second account (or group) is created for the same person.
    DuplicateCreated,
    /// The stored id leads nowhere: "User not found".
    UserNotFound,
    /// A profile update is refused.
    UpdateFails,
    /// A profile update is reported as done and is not.
    UpdateLost,
    /// A deactivated person keeps access.
    StaysActive,
    /// A returning person cannot be switched on again.
    CannotReactivate,
    /// A password or another secret becomes visible, or a foreign tenant's data does.
    DataLeak,
    /// A group is not created, renamed or deleted.
    GroupPushFails,
    /// The group's members differ from what the identity provider believes.
    GroupDrifts,
    /// People lose a membership they should have.
    MembersLost,
    /// People keep a membership that was taken away.
    AccessKept,
    /// An import stops.
    ImportFails,
    /// An import misses or doubles people.
    ImportIncomplete,
    /// The identity provider repeats the same failing request on each cycle.
    RetriesForever,
    /// Strict clients refuse or misread the answer.
    ClientConfused,
    /// Anybody can use the endpoint.
    AccessNotGuarded,
    /// Nothing visible today.
    None,
}

/// The check of a rule about an accepted write that a later answer contradicts: [`super::state`] says which rule is meant.
macro_rules! state_rule {
    ($id:literal) => {
        |view| $crate::rules::state::judge(view, $id)
    };
}
/// The check of a rule about a valid request that was refused: [`super::refusal`] says which rule is meant.
macro_rules! refusal_rule {
    ($id:literal) => {
        |view| $crate::rules::refusal::judge(view, $id)
    };
}
pub(super) use {refusal_rule, state_rule};
