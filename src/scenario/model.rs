//! The typed scenario: what a loaded file is. After load nothing in here can be malformed.
//!
//! Must not know HTTP clients, servers or rules.

use super::template::{JsonTemplate, Template};
use crate::exchange::AuthKind;
use crate::rules::{Impact, Level};
use regex::Regex;
use serde_json::{Map, Value};
use std::time::Duration;

/// One scenario file.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Path below `scenarios/` without ending, e.g. `okta/deactivate-user`.
    pub id: String,
    /// One line.
    pub title: String,
    /// Identity provider whose profile is played (`rfc` for none in particular).
    pub idp: String,
    /// Longer words for `explain`.
    pub about: Option<String>,
    /// Where the sequence is documented or was captured.
    pub source: Vec<String>,
    /// How well it is known that the provider sends this.
    pub evidence: Evidence,
    /// Free labels for `--tag`.
    pub tags: Vec<String>,
    /// Capabilities that the target must offer; else the case is skipped with the reason.
    pub needs: Vec<Need>,
    /// Makes a case of its own for each of these; what there is, the target says.
    pub for_each: Option<ForEach>,
    /// Forms in which the same intent is sent; each makes a case of its own. Empty: one case.
    pub dialects: Vec<Dialect>,
    /// Fixture people, in file order: name → overrides.
    pub people: Vec<(String, Map<String, Value>)>,
    /// Fixture groups, in file order: name → overrides.
    pub groups: Vec<(String, Map<String, Value>)>,
    /// People and groups by the number.
    pub crowds: Vec<Crowd>,
    /// Headers on top of (or, with `None`, taken away from) the profile's.
    pub headers: Vec<(String, Option<Template>)>,
    /// Which reads scimproof adds by itself.
    pub verify: Verify,
    /// What is sent, in order; setup first.
    pub steps: Vec<Step>,
    /// File name for messages.
    pub file: String,
}

/// People or groups by the number: `staff.1`, `staff.2`, …
#[derive(Debug, Clone)]
pub struct Crowd {
    /// Name.
    pub name: String,
    /// People, or else groups.
    pub people: bool,
    /// How many, unless the user says otherwise.
    pub size: u64,
}

/// What the user says about the size of crowds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Volume {
    /// People in a crowd.
    pub users: Option<u64>,
    /// Groups in a crowd.
    pub groups: Option<u64>,
    /// Percent of a crowd that change in a cycle.
    pub changes: Option<u64>,
}

impl Crowd {
    /// How many there are. Who asks for many users and says nothing about groups gets groups of a hundred.
    pub fn size(&self, volume: &Volume) -> u64 {
        match (self.people, volume.users, volume.groups) {
            (true, Some(users), _) => users,
            (false, _, Some(groups)) => groups,
            (false, Some(users), None) => self.size.max(users.div_ceil(100)),
            _ => self.size,
        }
    }
}

/// True for those of a crowd that change: so many percent, evenly spread.
pub fn is_changed(number: u64, percent: u64) -> bool {
    let before = |n: u64| n.saturating_mul(percent.min(100)) / 100;
    before(number) > before(number - 1)
}

/// How well a sequence is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Evidence {
    /// Recorded traffic.
    Captured,
    /// In the provider's documentation.
    Documented,
    /// Concluded from other facts.
    #[default]
    Inferred,
    /// Follows from the RFC; no provider sends it as such.
    Rfc,
}

impl Evidence {
    /// As it is written in scenario files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Evidence::Captured => "captured",
            Evidence::Documented => "documented",
            Evidence::Inferred => "inferred",
            Evidence::Rfc => "rfc",
        }
    }
}

/// What a scenario is played for, once each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ForEach {
    /// Resource types that have attributes which no RFC knows, by the target's own `/ResourceTypes` and `/Schemas`.
    Advertised,
}

/// Attributes that the target advertises and no RFC knows, by what can be done with them.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum AttributeClass {
    /// A client may write and rewrite it.
    Writable,
    /// It may also be taken away.
    Removable,
    /// A resource must have it.
    Required,
    /// Only the server writes it.
    ReadOnly,
    /// Written once.
    Immutable,
    /// No two resources have the same value.
    Unique,
    /// A filter can compare it.
    Filterable,
    /// Returned only when asked for by name.
    OnRequest,
    /// Returned at all.
    Shown,
}

/// A form of the same intent.
#[derive(Debug, Clone)]
pub struct Dialect {
    /// Short name, part of the case name.
    pub name: String,
    /// One line.
    pub title: String,
}

/// What a target must offer for a scenario or step to make sense.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// A `/Users` endpoint.
    Users,
    /// A `/Groups` endpoint.
    Groups,
    /// PATCH (ServiceProviderConfig `patch.supported`).
    Patch,
    /// PUT.
    Put,
    /// DELETE of users.
    Delete,
    /// Filters.
    Filter,
    /// Sorting.
    Sort,
    /// ETags.
    Etag,
    /// `/Bulk`.
    Bulk,
    /// Password changes.
    ChangePassword,
    /// Cursor paging (RFC 9865).
    Cursor,
    /// `/Me`.
    Me,
    /// POST `/.search`.
    Search,
    /// `/Schemas`.
    Schemas,
    /// `/ResourceTypes`.
    ResourceTypes,
    /// The enterprise User extension.
    Enterprise,
    /// A second tenant's token.
    SecondToken,
    /// Credentials are configured at all (else access rules cannot be judged).
    Credentials,
    /// A User or Group attribute beyond the core that the target advertises.
    CustomSchema,
}

/// Which reads scimproof adds by itself so that a lie becomes visible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verify {
    /// GET by id after each write (accepted or refused), and a sweep over all resources at the end.
    #[default]
    EachWrite,
    /// Only the sweep at the end of the case.
    AtEnd,
    /// None.
    Never,
}

/// One step.
#[derive(Debug, Clone)]
pub struct Step {
    /// Stable id, unique within the scenario.
    pub id: String,
    /// One line: what the provider does here and why.
    pub title: String,
    /// Line in the file (1-based).
    pub line: usize,
    /// Dialects in which this step is played; empty: all.
    pub dialects: Vec<String>,
    /// Further capabilities for this step alone.
    pub needs: Vec<Need>,
    /// Name of the provisioning cycle this step belongs to.
    pub cycle: Option<String>,
    /// Plays only when all hold.
    pub when: Vec<Condition>,
    /// Repetition; `None` plays once.
    pub repeat: Option<Repeat>,
    /// True when it is played in the rounds of the step before (whose repetition it has).
    pub joined: bool,
    /// True for preparation that the provider does not send.
    pub setup: bool,
    /// What it does.
    pub action: Action,
    /// The step's own expectations.
    pub expect: Option<Expect>,
    /// Values taken from the answer, in order.
    pub capture: Vec<Capture>,
    /// What the admin would see if this step fails; overrides the rule's.
    pub impact: Option<Impact>,
    /// False: no automatic read-back after this step.
    pub verify: bool,
    /// What a server once answered, for readers.
    pub recorded: Option<Recorded>,
}

/// An answer as it was recorded. Nothing is held against it.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Its status.
    pub status: StatusSpec,
    /// Its body; `${…}` in it are only texts.
    pub body: Option<Value>,
}

/// What a step does.
#[derive(Debug, Clone)]
pub enum Action {
    /// Sends one request.
    Send(Box<RequestSpec>),
    /// Sends several requests at the same time.
    Parallel(Vec<RequestSpec>),
    /// Lets (virtual) time pass.
    Pause(Duration),
}

/// A request with holes.
#[derive(Debug, Clone)]
pub struct RequestSpec {
    /// Method in upper case.
    pub method: String,
    /// Path and query below the base URL, as on the wire; substituted values are encoded in the profile's way.
    pub target: Template,
    /// Query given as a map; appended to the target, encoded in the profile's way.
    pub query: Vec<(String, Template)>,
    /// Headers on top of the scenario's; `None` takes one away.
    pub headers: Vec<(String, Option<Template>)>,
    /// The body.
    pub body: BodySpec,
    /// Credentials.
    pub auth: AuthKind,
}

/// The body of a request.
#[derive(Debug, Clone)]
pub enum BodySpec {
    /// None.
    Absent,
    /// JSON, in file order.
    Json(JsonTemplate),
    /// Bytes as they are (for broken JSON and foreign types).
    Text(Template),
}

/// Repetition of a step.
#[derive(Debug, Clone)]
pub enum Repeat {
    /// For `${name}` = 1…count, or from another number on.
    Count {
        /// Variable.
        name: String,
        /// First number.
        from: u64,
        /// How often.
        count: u64,
    },
    /// For `${name}` = each of the texts (a fixture name gives its attributes as `${name.attr}`).
    Each {
        /// Variable.
        name: String,
        /// Values.
        items: Vec<Template>,
    },
    /// For each of a crowd.
    Crowd {
        /// Variable.
        name: String,
        /// The crowd.
        crowd: String,
        /// Only so many percent of it, unless the user says otherwise.
        changed: Option<u64>,
        /// Variables for members of other crowds, dealt round.
        beside: Vec<(String, String)>,
    },
    /// For each attribute of that class that the target advertises: `${name.path}`, `${name.value}` and so on.
    Advertised {
        /// Variable.
        name: String,
        /// Which attributes.
        class: AttributeClass,
    },
    /// Until the condition holds, at most `limit` times (paging walks). `${name}` counts from 1, or from another number on.
    Until {
        /// Variable.
        name: String,
        /// First number.
        from: u64,
        /// Stop when it holds.
        condition: Condition,
        /// Upper bound.
        limit: u64,
    },
}

/// `value` must satisfy `matcher`.
#[derive(Debug, Clone)]
pub struct Condition {
    /// Left side; an unknown capture counts as absent.
    pub value: Template,
    /// Test.
    pub matcher: Matcher,
}

/// A step's own expectations, on top of what the rules know.
#[derive(Debug, Clone, Default)]
pub struct Expect {
    /// Allowed statuses; empty: any.
    pub status: Vec<StatusSpec>,
    /// Body tests: place → matcher.
    pub body: Vec<(Place, Matcher)>,
    /// Header tests.
    pub headers: Vec<(String, Matcher)>,
    /// Catalogue rule in whose name a failure is reported; `None`: `scenario/unexpected-answer`.
    pub rule: Option<String>,
    /// Level when there is no rule (default: `idp`, in `rfc/` scenarios `must`).
    pub level: Option<Level>,
    /// Source of the expectation.
    pub spec: Option<String>,
    /// Own words for a failure.
    pub message: Option<String>,
}

/// Allowed status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusSpec {
    /// One status.
    Exact(u16),
    /// A class: `2xx` is 2.
    Class(u8),
}

impl StatusSpec {
    /// True when the status is allowed.
    pub fn allows(self, status: u16) -> bool {
        match self {
            StatusSpec::Exact(s) => s == status,
            StatusSpec::Class(c) => status / 100 == u16::from(c),
        }
    }
}

/// A place in a response.
#[derive(Debug, Clone)]
pub enum Place {
    /// JSONPath (RFC 9535), starts with `$`.
    JsonPath(String),
    /// SCIM attribute path with value filters, e.g. `emails[type eq "work"].value`; may hold `${…}`.
    Scim(Template),
    /// Response header.
    Header(String),
    /// HTTP status.
    Status,
}

/// A value taken from an answer.
#[derive(Debug, Clone)]
pub struct Capture {
    /// Name, dotted: `alice.id`.
    pub name: String,
    /// Where from.
    pub from: Place,
    /// True: absence does not block later steps.
    pub optional: bool,
}

/// A test of one value (or of its absence).
#[derive(Debug, Clone)]
pub enum Matcher {
    /// JSON equality after substitution.
    Equals(JsonTemplate),
    /// JSON inequality.
    NotEquals(JsonTemplate),
    /// One of these.
    OneOf(Vec<JsonTemplate>),
    /// A string holds this text, or an array holds this element.
    Contains(JsonTemplate),
    /// Present at all (and not null).
    Present,
    /// Absent, null or `[]` (RFC 7643 §2.5).
    Absent,
    /// Matches the regular expression.
    Matches(Regex),
    /// Has this JSON type.
    Type(JsonType),
    /// Number of elements.
    Count(u64),
    /// At least this number.
    AtLeast(f64),
}

/// JSON types by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum JsonType {
    /// Text.
    String,
    /// Number without fraction.
    Integer,
    /// Any number.
    Number,
    /// true or false.
    Boolean,
    /// List.
    Array,
    /// Object.
    Object,
    /// null.
    Null,
}
