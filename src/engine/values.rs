//! The values behind `${…}`: fixtures that are unique for the case and the same for the same seed, and what was captured.
//!
//! Must not know requests; how a value is written into a URL or a body is the template's business.

use crate::profile::idp::{ExternalId, IdpProfile};
use crate::scenario::model::Scenario;
use crate::scenario::template::{Template, Values};
use rand::RngExt;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use uuid::Uuid;

const NAMESPACE: Uuid = Uuid::from_u128(0x5c1a_9f00_7e57_4a11_8a4e_5c1a_9f00_7e57);
const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const MIXED: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// All values of one case.
#[derive(Debug, Clone)]
pub struct CaseValues {
    /// Unique text of the case; everything we create carries it.
    pub run: String,
    base_url: String,
    seed: u64,
    fixtures: BTreeMap<String, Map<String, Value>>,
    captured: BTreeMap<String, Value>,
    aliases: BTreeMap<String, Value>,
}

impl CaseValues {
    /// Makes the fixtures of a scenario. `case` is the case's name: with the seed it decides every value. Every name holds
    /// `run_id`, by which a later clean-up knows that it is ours.
    pub fn new(scenario: &Scenario, profile: &IdpProfile, base_url: &str, seed: u64, run_id: &str, case: &str) -> Self {
        let mut out = Self {
            run: format!("{run_id}{}", text_from(seed, &format!("run/{case}"), 5, ALPHABET)),
            base_url: base_url.trim_end_matches('/').to_owned(),
            seed,
            fixtures: BTreeMap::new(),
            captured: BTreeMap::new(),
            aliases: BTreeMap::new(),
        };
        for (name, overrides) in &scenario.people {
            let person = out.person(name, profile.external_id);
            out.add_fixture(name, person, overrides);
        }
        for (name, overrides) in &scenario.groups {
            let group = out.group(name);
            out.add_fixture(name, group, overrides);
        }
        out
    }

    /// Adds values that are known only once the target has been asked.
    pub fn add_known(&mut self, name: &str, values: Map<String, Value>) {
        self.fixtures.insert(name.to_owned(), values);
    }

    fn person(&self, name: &str, external: ExternalId) -> Map<String, Value> {
        let given = capitalised(name);
        let family = capitalised(&text_from(self.seed, &format!("family/{}/{name}", self.run), 7, &ALPHABET[..26]));
        let user = format!("{name}.{}@example.com", self.run);
        let number = text_from(self.seed, &format!("number/{}/{name}", self.run), 6, b"0123456789");
        let external_id = match external {
            ExternalId::Guid => self.guid(&format!("external/{name}")),
            ExternalId::Okta => format!("00u{}", text_from(self.seed, &format!("okta/{}/{name}", self.run), 17, MIXED)),
            ExternalId::Mailnickname => format!("{name}.{}", self.run),
        };
        let pairs = [
            ("userName", user.clone()),
            ("email", user),
            ("displayName", format!("{given} {family}")),
            ("givenName", given),
            ("familyName", family),
            ("externalId", external_id),
            ("password", format!("{}Aa9!", text_from(self.seed, &format!("password/{}/{name}", self.run), 12, MIXED))),
            ("employeeNumber", number.clone()),
            ("department", "Engineering".to_owned()),
            ("title", "Engineer".to_owned()),
            ("phone", format!("+1 555 {number}")),
        ];
        pairs.into_iter().map(|(k, v)| (k.to_owned(), Value::String(v))).collect()
    }

    fn group(&self, name: &str) -> Map<String, Value> {
        let pairs = [
            ("displayName", format!("{} {}", capitalised(name), self.run)),
            ("externalId", self.guid(&format!("external/{name}"))),
        ];
        pairs.into_iter().map(|(k, v)| (k.to_owned(), Value::String(v))).collect()
    }

    fn add_fixture(&mut self, name: &str, mut made: Map<String, Value>, overrides: &Map<String, Value>) {
        self.fixtures.insert(name.to_owned(), made.clone());
        for (key, value) in overrides {
            let value = match value {
                // Checked at load: an override holds only names that exist before the case starts.
                Value::String(text) => Template::parse(text)
                    .ok()
                    .and_then(|t| t.render(self).ok())
                    .map_or_else(|| value.clone(), Value::String),
                other => other.clone(),
            };
            if key == "userName" && !overrides.contains_key("email") && value.as_str().is_some_and(|v| v.contains('@'))
            {
                made.insert("email".to_owned(), value.clone());
            }
            made.insert(key.clone(), value);
            self.fixtures.insert(name.to_owned(), made.clone());
        }
    }

    fn guid(&self, name: &str) -> String {
        Uuid::new_v5(&NAMESPACE, format!("{}/{}/{name}", self.seed, self.run).as_bytes()).to_string()
    }

    /// Keeps a captured value. A loop variable in front stands for what it names: `who.id` is `alice.id`.
    pub fn capture(&mut self, name: &str, value: Value) {
        let name = self.resolved(name);
        self.captured.insert(name, value);
    }

    /// Forgets a captured value (an optional capture that was absent this time).
    pub fn forget(&mut self, name: &str) {
        let name = self.resolved(name);
        self.captured.remove(&name);
    }

    /// Sets a loop variable.
    pub fn set_variable(&mut self, name: &str, value: Value) {
        self.aliases.insert(name.to_owned(), value);
    }

    fn resolved(&self, name: &str) -> String {
        let (head, tail) = name.split_once('.').unwrap_or((name, ""));
        match self.aliases.get(head) {
            Some(Value::String(real)) if !tail.is_empty() => format!("{real}.{tail}"),
            _ => name.to_owned(),
        }
    }

    /// Text that a reader would recognise as a name in messages: the first person's userName, the first group's name.
    pub fn names(&self) -> (Option<String>, Option<String>) {
        let first =
            |key: &str| self.fixtures.values().find_map(|f| f.get(key).and_then(Value::as_str)).map(str::to_owned);
        let group = self
            .fixtures
            .values()
            .find(|f| !f.contains_key("userName"))
            .and_then(|f| f.get("displayName")?.as_str())
            .map(str::to_owned);
        (first("userName"), group)
    }
}

impl Values for CaseValues {
    fn value(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.aliases.get(name) {
            return Some(value.clone());
        }
        let name = self.resolved(name);
        if let Some(value) = self.captured.get(&name) {
            return Some(value.clone());
        }
        match name.as_str() {
            "run" => return Some(Value::String(self.run.clone())),
            "base_url" => return Some(Value::String(self.base_url.clone())),
            _ => {}
        }
        let (head, tail) = name.split_once('.')?;
        match head {
            "guid" => Some(Value::String(self.guid(tail))),
            "random" => Some(Value::String(text_from(self.seed, &format!("random/{}/{tail}", self.run), 10, ALPHABET))),
            _ => self.fixtures.get(head)?.get(tail).cloned(),
        }
    }
}

/// Id of a run: short, and the same for the same seed.
pub fn run_id(seed: u64) -> String {
    format!("sp{}", text_from(seed, "run", 6, ALPHABET))
}

/// A reproducible text from seed and label.
fn text_from(seed: u64, label: &str, length: usize, alphabet: &[u8]) -> String {
    let digest = Uuid::new_v5(&NAMESPACE, format!("{seed}/{label}").as_bytes());
    let mut key = [0u8; 32];
    key[..16].copy_from_slice(digest.as_bytes());
    let mut rng = ChaCha8Rng::from_seed(key);
    (0..length).map(|_| char::from(alphabet[rng.random_range(0..alphabet.len())])).collect()
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |c| c.to_uppercase().chain(letters).collect())
}
