//! The keys of a scenario file, once: reader, error texts and JSON Schema come from these declarations.
//!
//! Must not know what the words mean together: `lower` does.

#![expect(non_snake_case, reason = "HTTP methods are keys in upper case, as on the wire")]

use super::doc::{At, Node};
use super::model::{AttributeClass, Evidence, ForEach, JsonType, Need, Verify};
use super::shape::{OneOrMany, Pairs, Word, shape};
use crate::exchange::AuthKind;
use crate::rules::{Impact, Level};
use schemars::{Schema, SchemaGenerator, json_schema};

shape! {
    /// A scenario: one conversation between an identity provider and a SCIM server, in order.
    RawScenario {
        /// The path below `scenarios/`, without ending: `okta/deactivate-user`.
        scenario: At<String>,
        /// One line.
        title: At<String>,
        /// Longer words for `scimproof explain`.
        about: Option<String>,
        /// The identity provider that is played: a folder with a `profile.yaml`, or `rfc`.
        idp: At<String>,
        /// Where the sequence is documented or was captured.
        source: Option<OneOrMany<String>>,
        /// How well it is known that the provider sends this.
        evidence: Option<Word<Evidence>>,
        /// Free labels for `--tag`.
        tags: Option<Vec<String>>,
        /// What the server must offer; else the case is skipped with the reason.
        needs: Option<Vec<Word<Need>>>,
        /// Makes a case for each resource type that has attributes which no RFC knows, as the server advertises them.
        for_each: Option<Word<ForEach>>,
        /// Forms in which the same intent is sent: name and title. Each makes a case of its own.
        dialects: Option<Pairs<String>>,
        /// People that exist in this scenario: name and attributes that differ from the generated ones.
        #[schemars(with = "Option<Fixtures>")]
        people: Option<Pairs<Node>>,
        /// Groups that exist in this scenario: name and attributes that differ from the generated ones.
        #[schemars(with = "Option<Fixtures>")]
        groups: Option<Pairs<Node>>,
        /// People and groups by the number: name and how many, unless `--users` or `--groups` says otherwise.
        crowds: Option<Pairs<RawCrowd>>,
        /// Headers on top of the profile's; null takes one away.
        #[schemars(with = "Option<Headers>")]
        headers: Option<Pairs<Node>>,
        /// Which reads scimproof adds by itself.
        verify: Option<Word<Verify>>,
        /// Played first; no part of what the provider sends.
        setup: Option<Vec<RawStep>>,
        /// What the provider sends, in order.
        steps: Vec<RawStep>,
    }
}

shape! {
    /// One step: exactly one of a request (`GET`, `POST`, …), `parallel`, `pause` or `include`.
    RawStep {
        /// Id, unique in the file (kebab-case).
        step: Option<At<String>>,
        /// One line: what the provider does and why.
        title: Option<String>,
        /// Path and query below the base URL.
        GET: Option<At<String>>,
        /// Path and query below the base URL.
        POST: Option<At<String>>,
        /// Path and query below the base URL.
        PUT: Option<At<String>>,
        /// Path and query below the base URL.
        PATCH: Option<At<String>>,
        /// Path and query below the base URL.
        DELETE: Option<At<String>>,
        /// Path and query below the base URL.
        HEAD: Option<At<String>>,
        /// Path and query below the base URL.
        OPTIONS: Option<At<String>>,
        /// Query as a map, appended in order and encoded whole.
        #[schemars(with = "Option<Scalars>")]
        query: Option<Pairs<Node>>,
        /// JSON body, written as YAML; attribute order is kept.
        body: Option<Node>,
        /// Body bytes as they are, for broken JSON.
        body_text: Option<At<String>>,
        /// Headers on top of the scenario's; null takes one away.
        #[schemars(with = "Option<Headers>")]
        headers: Option<Pairs<Node>>,
        /// Credentials of this request.
        auth: Option<Word<AuthKind>>,
        /// Requests that are sent at the same time.
        parallel: Option<Vec<RawRequest>>,
        /// Virtual time that passes: `40m`, `30s`, `1h30m`.
        pause: Option<At<String>>,
        /// Scenario whose steps are played here: its path below `scenarios/`, without ending.
        include: Option<At<String>>,
        /// Fixtures of this file in place of those of the included one: `{ who: alice }`.
        with: Option<Pairs<At<String>>>,
        /// Dialects in which the step is played (default: all).
        dialect: Option<OneOrMany<At<String>>>,
        /// Further capabilities for this step alone.
        needs: Option<Vec<Word<Need>>>,
        /// Name of the provisioning cycle, for the report.
        cycle: Option<String>,
        /// Played only when all of these hold.
        when: Option<OneOrMany<RawCondition>>,
        /// Plays the step more than once.
        repeat: Option<RawRepeat>,
        /// What this sequence alone needs from the answer.
        expect: Option<RawExpect>,
        /// Values to take from the answer: name and place. A name that ends in `?` may be absent.
        capture: Option<Pairs<At<String>>>,
        /// What breaks at the provider if this step fails.
        impact: Option<Word<Impact>>,
        /// false: no automatic read-back after this step.
        verify: Option<bool>,
        /// true: the request is wrong on purpose; filters in it are not checked.
        broken: Option<bool>,
        /// What a server once answered. For readers: nothing is held against it.
        recorded: Option<RawRecorded>,
    }
}

shape! {
    /// An answer as it was recorded.
    RawRecorded {
        /// Its status.
        #[schemars(with = "Status")]
        status: Node,
        /// Its body.
        body: Option<Node>,
    }
}

shape! {
    /// One of several requests that are sent at the same time.
    RawRequest {
        /// Path and query below the base URL.
        GET: Option<At<String>>,
        /// Path and query below the base URL.
        POST: Option<At<String>>,
        /// Path and query below the base URL.
        PUT: Option<At<String>>,
        /// Path and query below the base URL.
        PATCH: Option<At<String>>,
        /// Path and query below the base URL.
        DELETE: Option<At<String>>,
        /// Path and query below the base URL.
        HEAD: Option<At<String>>,
        /// Path and query below the base URL.
        OPTIONS: Option<At<String>>,
        /// Query as a map, appended in order and encoded whole.
        #[schemars(with = "Option<Scalars>")]
        query: Option<Pairs<Node>>,
        /// JSON body, written as YAML; attribute order is kept.
        body: Option<Node>,
        /// Body bytes as they are, for broken JSON.
        body_text: Option<At<String>>,
        /// Headers on top of the scenario's; null takes one away.
        #[schemars(with = "Option<Headers>")]
        headers: Option<Pairs<Node>>,
        /// Credentials of this request.
        auth: Option<Word<AuthKind>>,
    }
}

shape! {
    /// So many people, or so many groups.
    RawCrowd {
        /// How many people, unless `--users` says otherwise.
        people: Option<At<u64>>,
        /// How many groups, unless `--groups` says otherwise.
        groups: Option<At<u64>>,
    }
}

shape! {
    /// Plays a step more than once: `count`, `each`, `advertised`, `until`, or `with` the step before.
    RawRepeat {
        /// Name of the variable (default `n`).
        r#as: Option<At<String>>,
        /// How often; the variable counts from 1.
        count: Option<At<u64>>,
        /// Where the variable of `count` or `until` begins to count (default 1).
        from: Option<u64>,
        /// Once for each of these; the name of a fixture gives its attributes. Or the name of a crowd: once for each of it.
        #[schemars(with = "Option<Each>")]
        each: Option<OneOrMany<Node>>,
        /// Only so many percent of the crowd, unless `--changes` says otherwise.
        changed: Option<At<u64>>,
        /// Variables that stand for the members of other crowds, dealt round: `{ team: teams }`.
        beside: Option<Pairs<At<String>>>,
        /// The step before: this one is played in the same rounds, after it.
        with: Option<At<String>>,
        /// Once for each advertised attribute of this class; only with `for_each: advertised`.
        advertised: Option<Word<AttributeClass>>,
        /// Stop when this holds.
        until: Option<RawCondition>,
        /// Upper bound for `until` (default 100).
        limit: Option<u64>,
    }
}

shape! {
    /// A value and what must be true of it.
    RawCondition {
        /// The value, mostly `${name}`; a capture that was not taken counts as absent.
        #[schemars(with = "Scalar")]
        value: Node,
        /// JSON equality.
        equals: Option<Node>,
        /// JSON inequality.
        not_equals: Option<Node>,
        /// One of these.
        one_of: Option<Vec<Node>>,
        /// A text holds this text, or a list this element.
        contains: Option<Node>,
        /// Present and not null.
        present: Option<bool>,
        /// Absent, null or an empty list.
        absent: Option<bool>,
        /// Matches this regular expression.
        matches: Option<At<String>>,
        /// Has this JSON type.
        r#type: Option<Word<JsonType>>,
        /// Number of elements.
        count: Option<u64>,
        /// At least this number.
        #[schemars(with = "Option<AnyNumber>")]
        at_least: Option<Node>,
    }
}

shape! {
    /// What must be true of a value.
    RawMatcher {
        /// JSON equality.
        equals: Option<Node>,
        /// JSON inequality.
        not_equals: Option<Node>,
        /// One of these.
        one_of: Option<Vec<Node>>,
        /// A text holds this text, or a list this element.
        contains: Option<Node>,
        /// Present and not null.
        present: Option<bool>,
        /// Absent, null or an empty list.
        absent: Option<bool>,
        /// Matches this regular expression.
        matches: Option<At<String>>,
        /// Has this JSON type.
        r#type: Option<Word<JsonType>>,
        /// Number of elements.
        count: Option<u64>,
        /// At least this number.
        #[schemars(with = "Option<AnyNumber>")]
        at_least: Option<Node>,
    }
}

shape! {
    /// What this sequence alone needs from an answer; what a rule knows already is not repeated.
    RawExpect {
        /// `200`, `[200, 204]` or `2xx`.
        #[schemars(with = "Option<Statuses>")]
        status: Option<OneOrMany<Node>>,
        /// SCIM path or JSONPath, and what must be true there. A plain value means equals.
        #[schemars(with = "Option<Matchers>")]
        body: Option<Pairs<Node>>,
        /// Header, and what must be true of it.
        #[schemars(with = "Option<Matchers>")]
        headers: Option<Pairs<Node>>,
        /// Rule in whose name a failure is reported: `area/what-is-wrong`.
        rule: Option<At<String>>,
        /// Level of a failure, when no rule is named.
        #[schemars(with = "Option<LevelName>")]
        level: Option<Word<Level>>,
        /// Source of the expectation.
        spec: Option<String>,
        /// Own words for a failure.
        message: Option<String>,
    }
}

impl From<RawCondition> for RawMatcher {
    fn from(raw: RawCondition) -> Self {
        RawMatcher {
            equals: raw.equals,
            not_equals: raw.not_equals,
            one_of: raw.one_of,
            contains: raw.contains,
            present: raw.present,
            absent: raw.absent,
            matches: raw.matches,
            r#type: raw.r#type,
            count: raw.count,
            at_least: raw.at_least,
            span: raw.span,
            intact: raw.intact,
        }
    }
}

/// The JSON Schema (draft-07, which editors understand best) of a scenario file.
pub fn json_schema() -> serde_json::Value {
    let settings = schemars::generate::SchemaSettings::draft07();
    let mut schema = settings.into_generator().into_root_schema_for::<RawScenario>().to_value();
    refuse_null(&mut schema);
    schema["title"] = "scimproof scenario".into();
    schema
}

/// A key that may be left away may not be null: schemars writes both for an `Option`.
fn refuse_null(schema: &mut serde_json::Value) {
    use serde_json::Value;
    match schema {
        Value::Object(map) => {
            if let Some(Value::Object(properties)) = map.get_mut("properties") {
                properties.values_mut().for_each(drop_null);
            }
            map.values_mut().for_each(refuse_null);
        }
        Value::Array(items) => items.iter_mut().for_each(refuse_null),
        _ => {}
    }
}

fn drop_null(property: &mut serde_json::Value) {
    if let Some(types) = property.get_mut("type")
        && let Some(list) = types.as_array_mut()
    {
        list.retain(|t| t != "null");
        if let [only] = list.as_slice() {
            *types = only.clone();
        }
    }
    if let Some(list) = property.get_mut("anyOf").and_then(|v| v.as_array_mut()) {
        list.retain(|s| s.get("type").is_none_or(|t| t != "null"));
    }
}

/// Declares the schema of a value that the reader looks at by itself.
macro_rules! schema_of {
    ($($name:ident($generator:ident) => $schema:expr;)*) => { $(
        struct $name;

        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema($generator: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    )* };
}

schema_of! {
    Scalar(_g) => json_schema!({ "type": ["string", "number", "boolean"] });
    Each(g) => {
        let scalar = g.subschema_for::<Scalar>();
        json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": scalar, "minItems": 1 }] })
    };
    Scalars(g) => {
        let scalar = g.subschema_for::<Scalar>();
        json_schema!({ "type": "object", "additionalProperties": scalar })
    };
    Headers(_g) => json_schema!({
        "type": "object",
        "additionalProperties": { "type": ["string", "number", "boolean", "null"] }
    });
    Fixtures(_g) => json_schema!({
        "type": "object",
        "additionalProperties": { "type": ["object", "null"] }
    });
    AnyNumber(_g) => json_schema!({ "type": "number" });
    LevelName(_g) => json_schema!({ "type": "string", "enum": ["must", "idp", "should", "note"] });
    Status(_g) => json_schema!({
        "anyOf": [
            { "type": "integer", "minimum": 100, "maximum": 599 },
            { "type": "string", "pattern": "^[1-5]([xX][xX]|[0-9][0-9])$" }
        ]
    });
    Statuses(g) => {
        let one = g.subschema_for::<Status>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
    };
    Matchers(g) => {
        let matcher = g.subschema_for::<RawMatcher>();
        json_schema!({
            "type": "object",
            "additionalProperties": {
                "anyOf": [{ "type": ["string", "number", "boolean", "null", "array"] }, matcher]
            }
        })
    };
}
