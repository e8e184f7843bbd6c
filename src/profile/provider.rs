//! A service provider as data: `profiles/<name>.yaml`, or a file of one's own. What a product documents about its SCIM endpoint, and which
//! deviations from the RFC it documents as meant.
//!
//! Must not judge or serve anything; of the rules it knows the names, so that a misspelt one is refused.

use crate::run::baseline::glob;
use crate::scenario::model::Need;
use crate::scenario::{self, LoadError};
use crate::scim::urn;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;

/// One product.
#[derive(Debug, Clone, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderProfile {
    /// Short name, as in `--provider atlan`.
    #[serde(deserialize_with = "name")]
    pub name: String,
    /// As people write it.
    #[serde(deserialize_with = "words")]
    pub title: String,
    /// More words.
    #[serde(default)]
    pub about: Option<String>,
    /// The documents that this rests on.
    #[serde(default)]
    pub source: Vec<String>,
    /// Identity providers that the product documents.
    #[serde(default)]
    pub idps: Vec<String>,
    /// Path of the SCIM base below the host, e.g. `/api/v2/scim`.
    #[serde(default, deserialize_with = "path")]
    pub base_path: Option<String>,
    /// How clients prove who they are.
    #[serde(default)]
    pub auth: Auth,
    /// Attribute by which an account is matched.
    #[serde(default = "user_name")]
    pub unique_id: String,
    /// What the product offers in the identity provider's settings.
    #[serde(default)]
    pub actions: Vec<Action>,
    /// How changes arrive.
    #[serde(default)]
    pub update: Update,
    /// Identity provider's attribute → the product's.
    #[serde(default)]
    pub mapping: BTreeMap<String, String>,
    /// Attributes of users without which the product makes no account. They are added to users that a scenario sends without them.
    #[serde(default)]
    pub required: Vec<Required>,
    /// Attributes that the product adds to SCIM's.
    #[serde(default)]
    pub custom: Vec<Custom>,
    /// Attributes that can not be changed once an account exists.
    #[serde(default)]
    pub immutable: Vec<String>,
    /// What taking an account away means.
    #[serde(default)]
    pub deprovision: Deprovision,
    /// What a pushed group becomes.
    #[serde(default)]
    pub groups: Groups,
    /// What the product does not offer: cases that need it are skipped with the reason.
    #[serde(default)]
    pub not_offered: Vec<NotOffered>,
    /// How every request is answered while SCIM is not switched on.
    #[serde(default)]
    pub switched_off: Option<SwitchedOff>,
    /// What is expected to differ, or must hold all the same. The first entry that fits counts.
    #[serde(default)]
    pub deviations: Vec<Deviation>,
    /// What an administrator of the product should know beforehand.
    #[serde(default)]
    pub hints: Vec<String>,
    /// How the embedded server plays this product.
    #[serde(default)]
    pub persona: Persona,
}

/// Credentials.
#[derive(Debug, Clone, Default, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// Kind.
    #[serde(default)]
    pub mode: AuthMode,
    /// Path below the host where tokens are issued.
    #[serde(default, deserialize_with = "path")]
    pub token_path: Option<String>,
    /// Path below the host where a sign-in with a browser begins.
    #[serde(default, deserialize_with = "path")]
    pub authorize_path: Option<String>,
    /// Where the credentials come from.
    #[serde(default)]
    pub hint: Option<String>,
}

/// Kind of credentials.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AuthMode {
    /// `Authorization: Bearer …` with a token that the product made.
    #[default]
    Bearer,
    /// OAuth 2.0: the token is fetched.
    Oauth2,
    /// User name and password.
    Basic,
}

/// A box that can be ticked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The product's accounts are read.
    ImportUsers,
    /// The product's groups are read.
    ImportGroups,
    /// Accounts are made.
    CreateUsers,
    /// Accounts are changed.
    UpdateUsers,
    /// Accounts are switched off.
    DeactivateUsers,
    /// Groups and members are sent.
    PushGroups,
    /// Passwords are sent.
    SyncPasswords,
}

/// Method of changes, by resource.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Update {
    /// Users.
    #[serde(default)]
    pub users: Method,
    /// Groups.
    #[serde(default)]
    pub groups: Method,
}

/// Method of changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Both, or the document does not say.
    #[default]
    Either,
    /// Only PUT.
    Put,
    /// Only PATCH.
    Patch,
}

/// An attribute that every user must have.
#[derive(Debug, Clone, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Required {
    /// Name, or `parent.child`.
    #[serde(deserialize_with = "words")]
    pub attribute: String,
    /// Extension that it belongs to; the core schema when left out.
    #[serde(default)]
    pub urn: Option<String>,
    /// What is sent where a scenario gives no value; `{userName}` in texts is the user's own.
    pub value: Value,
}

/// An attribute of the product's own.
#[derive(Debug, Clone, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Custom {
    /// Name.
    #[serde(deserialize_with = "words")]
    pub name: String,
    /// Schema under which it is sent.
    #[serde(deserialize_with = "words")]
    pub urn: String,
    /// Values that the product knows; empty: any.
    #[serde(default)]
    pub values: Vec<String>,
    /// No two accounts share it.
    #[serde(default)]
    pub unique: bool,
    /// More words.
    #[serde(default)]
    pub about: Option<String>,
}

/// What taking an account away means.
#[derive(Debug, Clone, Default, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deprovision {
    /// What DELETE does.
    #[serde(default)]
    pub delete: Delete,
    /// Whether `active: true` brings an account back; left out: the document does not say.
    #[serde(default)]
    pub reactivation: Option<bool>,
    /// More words.
    #[serde(default)]
    pub about: Option<String>,
}

/// What DELETE does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Delete {
    /// The document does not say.
    #[default]
    Unknown,
    /// The account is gone.
    Removed,
    /// The account stays, switched off.
    Disabled,
    /// The account stays and has ended.
    Expired,
}

/// What a pushed group becomes.
#[derive(Debug, Clone, Default, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Groups {
    /// Kind.
    #[serde(default)]
    pub mode: GroupMode,
    /// Whether the identity provider renames; left out: the document does not say.
    #[serde(default)]
    pub rename: Option<bool>,
    /// More words.
    #[serde(default)]
    pub about: Option<String>,
}

/// What a pushed group becomes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GroupMode {
    /// A new group.
    #[default]
    Create,
    /// Nothing, unless the product has one of that name that is linked.
    Link,
    /// A new group, or the product's own of that name, wherever it is.
    Adopt,
    /// Nothing: groups are not accepted.
    None,
}

/// Something that the product does not offer.
#[derive(Debug, Clone, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NotOffered {
    /// Capability, as under `needs` of a scenario.
    pub need: Need,
    /// Why, in a sentence.
    #[serde(deserialize_with = "words")]
    pub reason: String,
    /// Document.
    #[serde(default)]
    pub source: Option<String>,
}

/// How the product answers every request while SCIM is not switched on: then nothing can be tested, and one sentence says so.
#[derive(Debug, Clone, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SwitchedOff {
    /// HTTP status of every answer.
    pub status: u16,
    /// How it is switched on, in a sentence.
    #[serde(deserialize_with = "words")]
    pub remedy: String,
    /// Document.
    #[serde(deserialize_with = "words")]
    pub source: String,
}

/// A statement of the product's document about one rule.
#[derive(Debug, Clone, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deviation {
    /// Rule id or list of these; `*` stands for any text.
    #[serde(deserialize_with = "rules")]
    #[schemars(with = "OneOrMany")]
    pub rule: Vec<String>,
    /// Scenario id, with or without `@dialect`; `*` stands for any text. Left out: all.
    #[serde(default)]
    pub scenario: Option<String>,
    /// Step, e.g. `*delete*`; `*` stands for any text. Left out: all.
    #[serde(default)]
    pub step: Option<String>,
    /// What the server did, e.g. `false`; `*` stands for any text. Left out: anything.
    #[serde(default)]
    pub actual: Option<String>,
    /// Place of the finding, e.g. `userName*`; `*` stands for any text. Left out: all.
    #[serde(default)]
    pub at: Option<String>,
    /// HTTP status that was answered. Left out: any.
    #[serde(default)]
    pub status: Vec<u16>,
    /// Why, in a sentence.
    #[serde(deserialize_with = "words")]
    pub reason: String,
    /// Document.
    #[serde(deserialize_with = "words")]
    pub source: String,
    /// What follows.
    pub verdict: Expected,
}

/// One text or several.
#[derive(schemars::JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its JSON schema is used")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// What was found, for the question whether the product documents it.
#[derive(Debug, Clone, Copy)]
pub struct Sighting<'a> {
    /// Rule id.
    pub rule: &'a str,
    /// Case: scenario, with `@dialect` where it has several.
    pub case: &'a str,
    /// Step.
    pub step: &'a str,
    /// Place in the exchange.
    pub at: &'a str,
    /// What the server did.
    pub actual: &'a str,
    /// Status of the answer.
    pub status: Option<u16>,
}

/// What the document makes of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Expected {
    /// Documented behaviour: reported as a note, does not fail the run.
    Allow,
    /// The product promises otherwise: judged as without a profile, with the promise beside it.
    Check,
    /// Contradicts the document: fails the run even where the rule alone would not.
    Fail,
}

/// How the embedded server plays the product.
#[derive(Debug, Clone, Default, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Persona {
    /// Behaviours of this very product (`scimproof serve --provider` names them).
    #[serde(default)]
    pub traits: Vec<String>,
    /// Faults, see `scimproof list faults`.
    #[serde(default)]
    pub faults: Vec<String>,
    /// Legal variants, see `scimproof list variants`.
    #[serde(default)]
    pub variants: Vec<String>,
}

/// Every embedded profile, in alphabetical order.
pub fn bundled() -> Result<Vec<ProviderProfile>, LoadError> {
    scenario::bundled()
        .iter()
        .filter(|(path, _)| path.starts_with("profiles/"))
        .map(|(path, text)| load(text, path))
        .collect()
}

/// The embedded profile of that name.
pub fn find(name: &str) -> Result<Option<ProviderProfile>, LoadError> {
    Ok(bundled()?.into_iter().find(|p| p.name == name))
}

/// Names of all embedded profiles, in alphabetical order.
pub fn names() -> Vec<&'static str> {
    let stem = |(path, _): &(&'static str, &str)| path.strip_prefix("profiles/")?.strip_suffix(".yaml");
    scenario::bundled().iter().filter_map(stem).collect()
}

/// Reads a profile; `file` is its name for messages.
pub fn load(text: &str, file: &str) -> Result<ProviderProfile, LoadError> {
    scenario::load_data(text, file)
}

impl ProviderProfile {
    /// Why a need is not met, in the product's own words; `None` when it is, or when the document does not say.
    pub fn lacks(&self, need: Need) -> Option<String> {
        let said = self.not_offered.iter().find(|n| n.need == need).map(|n| n.reason.clone());
        let by_method = |other: Method, name: &str| {
            let only = self.update.users == other && self.update.groups == other;
            only.then(|| format!("users and groups are changed with {name} only"))
        };
        let no_groups = || (self.groups.mode == GroupMode::None).then(|| "groups are not accepted".to_owned());
        let reason = said.or_else(|| match need {
            Need::Patch => by_method(Method::Put, "PUT"),
            Need::Put => by_method(Method::Patch, "PATCH"),
            Need::Groups => no_groups(),
            _ => None,
        });
        reason.map(|r| format!("{}: {r}", self.title))
    }

    /// The first statement about this rule in this case that holds for every step, place and answer.
    pub fn deviation(&self, rule: &str, case: &str) -> Option<&Deviation> {
        let whole = |d: &&Deviation| [&d.at, &d.step, &d.actual].iter().all(|p| p.is_none()) && d.status.is_empty();
        self.deviations.iter().filter(whole).find(|d| d.fits(rule, case))
    }

    /// The first statement about this very finding.
    pub fn deviation_at(&self, seen: Sighting<'_>) -> Option<&Deviation> {
        let fits = |pattern: &Option<String>, text: &str| pattern.as_deref().is_none_or(|p| glob(p, text));
        self.deviations.iter().find(|d| {
            d.fits(seen.rule, seen.case)
                && fits(&d.at, seen.at)
                && fits(&d.step, seen.step)
                && fits(&d.actual, seen.actual)
                && (d.status.is_empty() || seen.status.is_some_and(|s| d.status.contains(&s)))
        })
    }

    /// Adds the required attributes that a new or replaced user lacks. Tells whether anything was added.
    pub fn complete(&self, user: &mut Map<String, Value>) -> bool {
        let Some(user_name) = text_at(user, "userName").filter(|n| !n.is_empty()) else { return false };
        let mut added = false;
        for required in &self.required {
            let target = match &required.urn {
                None => &mut *user,
                Some(urn) => match user.entry(urn.clone()).or_insert_with(|| Value::Object(Map::new())) {
                    Value::Object(inner) => inner,
                    _ => continue,
                },
            };
            added |= add(target, &required.attribute, filled(&required.value, &user_name));
        }
        let urns: Vec<String> = self.required.iter().filter_map(|r| r.urn.clone()).collect();
        if let Some(Value::Array(schemas)) = user.get_mut("schemas") {
            // A list that does not name the User schema is wrong on purpose, and a further name would hide it.
            let is_user = schemas.iter().any(|s| s.as_str().is_some_and(|s| s.eq_ignore_ascii_case(urn::USER)));
            for urn in urns.into_iter().filter(|_| is_user) {
                if !schemas.iter().any(|s| s.as_str().is_some_and(|s| s.eq_ignore_ascii_case(&urn))) {
                    schemas.push(urn.into());
                }
            }
        }
        added
    }
}

impl Deviation {
    fn fits(&self, rule: &str, case: &str) -> bool {
        let without_dialect = case.split('@').next().unwrap_or(case);
        self.rule.iter().any(|pattern| glob(pattern, rule))
            && self.scenario.as_deref().is_none_or(|pattern| glob(pattern, case) || glob(pattern, without_dialect))
    }
}

fn text_at(map: &Map<String, Value>, name: &str) -> Option<String> {
    let found = map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    found.1.as_str().map(str::to_owned)
}

/// Sets `a` or `a.b` where it is absent or null; what is there, right or wrong, was meant.
fn add(map: &mut Map<String, Value>, attribute: &str, value: Value) -> bool {
    let (name, rest) = attribute.split_once('.').map_or((attribute, None), |(a, b)| (a, Some(b)));
    let key = map.keys().find(|k| k.eq_ignore_ascii_case(name)).cloned();
    match (rest, key) {
        (None, Some(key)) if !map[&key].is_null() => false,
        (None, key) => {
            map.insert(key.unwrap_or_else(|| name.to_owned()), value);
            true
        }
        (Some(rest), key) => {
            let key = key.unwrap_or_else(|| name.to_owned());
            if map.get(&key).is_some_and(Value::is_null) {
                map.shift_remove(&key);
            }
            match map.entry(key).or_insert_with(|| Value::Object(Map::new())) {
                Value::Object(inner) => add(inner, rest, value),
                _ => false,
            }
        }
    }
}

fn filled(value: &Value, user_name: &str) -> Value {
    match value {
        Value::String(text) => text.replace("{userName}", user_name).into(),
        Value::Array(items) => items.iter().map(|v| filled(v, user_name)).collect(),
        Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), filled(v, user_name))).collect(),
        other => other.clone(),
    }
}

fn user_name() -> String {
    "userName".to_owned()
}

fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim().is_empty() {
        return Err(serde::de::Error::custom("the text is empty: say it in a few words"));
    }
    Ok(text)
}

fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.is_empty() || !text.chars().all(good) {
        return Err(serde::de::Error::custom("a name has small letters, digits and dashes only"));
    }
    Ok(text)
}

fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    match text {
        Some(text) if !text.starts_with('/') || text.contains(['?', '#', ' ']) => {
            Err(serde::de::Error::custom("a base path begins with a slash and has no host, e.g. /api/v2/scim"))
        }
        other => Ok(other.map(|t| t.trim_end_matches('/').to_owned())),
    }
}

fn rules<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct Rules;
    impl<'de> Visitor<'de> for Rules {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a rule id or a list of rule ids")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vec<String>, E> {
            Ok(vec![rule(text.to_owned())?])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<String>, A::Error> {
            let mut all = Vec::new();
            while let Some(text) = seq.next_element()? {
                all.push(rule(text)?);
            }
            Ok(all)
        }
    }
    deserializer.deserialize_any(Rules)
}

fn rule<E: serde::de::Error>(text: String) -> Result<String, E> {
    if text.contains('*') {
        let some = crate::rules::catalogue().any(|r| glob(&text, r.id)) || glob(&text, "scenario/unexpected-answer");
        return match some {
            true => Ok(text),
            false => Err(E::custom(format!("no rule fits `{text}`; `scimproof list rules` shows all"))),
        };
    }
    if text == "scenario/unexpected-answer" || crate::rules::find(&text).is_some() {
        return Ok(text);
    }
    let known = crate::rules::catalogue().map(|r| r.id);
    Err(E::custom(crate::server::faults::unknown("rule", &text, known)))
}
