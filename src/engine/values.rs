//! The values behind `${…}`: fixtures that are unique for the case and the same for the same seed, and what was captured.
//!
//! Must not know requests; how a value is written into a URL or a body is the template's business.

use crate::profile::idp::{ExternalId, IdpProfile};
use crate::scenario::model::{Crowd, Scenario, Volume};
use crate::scenario::template::{Template, Values};
use rand::RngExt;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::collections::BTreeMap;
use uuid::Uuid;

const NAMESPACE: Uuid = Uuid::from_u128(0x5c1a_9f00_7e57_4a11_8a4e_5c1a_9f00_7e57);
const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const MIXED: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// All values of one case.
pub struct CaseValues {
    /// Unique text of the case; everything we create carries it.
    pub run: String,
    base_url: String,
    seed: u64,
    fixtures: BTreeMap<String, Map<String, Value>>,
    captured: BTreeMap<String, Value>,
    aliases: BTreeMap<String, Value>,
    external: ExternalId,
    mail_domain: Option<String>,
    crowds: BTreeMap<String, Crowding>,
    /// The member of a crowd that was asked for last.
    member: RefCell<Option<(String, Map<String, Value>)>>,
}

/// A crowd as it is in this case. Its members are made when they are asked for: there may be a hundred thousand.
struct Crowding {
    people: bool,
    size: u64,
    /// Attribute → what was captured, by number.
    captured: BTreeMap<String, Vec<Option<Box<str>>>>,
}

impl CaseValues {
    /// Makes the fixtures of a scenario. `case` is the case's name: with the seed it decides every value. Every name holds
    /// `run_id`, by which a later clean-up knows that it is ours.
    pub fn new(
        scenario: &Scenario,
        profile: &IdpProfile,
        volume: &Volume,
        base_url: &str,
        (seed, run_id): (u64, &str),
        case: &str,
        mail_domain: Option<&str>,
    ) -> Self {
        let crowding = |c: &Crowd| Crowding { people: c.people, size: c.size(volume), captured: BTreeMap::new() };
        let mut out = Self {
            run: format!("{run_id}{}", text_from(seed, &format!("run/{case}"), 5, ALPHABET)),
            base_url: base_url.trim_end_matches('/').to_owned(),
            seed,
            fixtures: BTreeMap::new(),
            captured: BTreeMap::new(),
            aliases: BTreeMap::new(),
            external: profile.external_id,
            mail_domain: mail_domain.map(str::to_owned),
            crowds: scenario.crowds.iter().map(|c| (c.name.clone(), crowding(c))).collect(),
            member: RefCell::new(None),
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

    /// Where everybody has their address: RFC 2606 keeps `example.com` for this.
    pub fn domain(&self) -> &str {
        self.mail_domain.as_deref().unwrap_or("example.com")
    }

    fn person(&self, name: &str, external: ExternalId) -> Map<String, Value> {
        let given = capitalised(name);
        let family = capitalised(&text_from(self.seed, &format!("family/{}/{name}", self.run), 7, &ALPHABET[..26]));
        let user = format!("{name}.{}@{}", self.run, self.domain());
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

    /// How many there are in a crowd.
    pub fn crowd_size(&self, crowd: &str) -> u64 {
        self.crowds.get(crowd).map_or(0, |c| c.size)
    }

    /// Keeps a captured value. A loop variable in front stands for what it names: `who.id` is `alice.id`.
    pub fn capture(&mut self, name: &str, value: Value) {
        let name = self.resolved(name);
        if let (Some((crowd, number, attribute)), Value::String(text)) = (member_of(&name), &value)
            && let Some(crowd) = self.crowds.get_mut(crowd)
        {
            let list = crowd.captured.entry(attribute.to_owned()).or_default();
            if list.len() < number {
                list.resize(number, None);
            }
            list[number - 1] = Some(text.as_str().into());
            return;
        }
        self.captured.insert(name, value);
    }

    /// Forgets a captured value (an optional capture that was absent this time).
    pub fn forget(&mut self, name: &str) {
        let name = self.resolved(name);
        self.captured.remove(&name);
        if let Some((crowd, number, attribute)) = member_of(&name)
            && let Some(list) = self.crowds.get_mut(crowd).and_then(|c| c.captured.get_mut(attribute))
            && let Some(slot) = list.get_mut(number - 1)
        {
            *slot = None;
        }
    }

    /// A value of a crowd's member: captured, or made.
    fn of_member(&self, name: &str) -> Option<Value> {
        let (crowd, number, attribute) = member_of(name)?;
        let crowding = self.crowds.get(crowd)?;
        if let Some(text) = crowding.captured.get(attribute).and_then(|list| list.get(number - 1)?.as_deref()) {
            return Some(Value::String(text.to_owned()));
        }
        let who = format!("{crowd}{number}");
        let mut member = self.member.borrow_mut();
        if member.as_ref().is_none_or(|(name, _)| *name != who) {
            let made = if crowding.people { self.person(&who, self.external) } else { self.group(&who) };
            *member = Some((who, made));
        }
        member.as_ref().and_then(|(_, made)| made.get(attribute).cloned())
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
    fn mail_domain(&self) -> Option<&str> {
        self.mail_domain.as_deref()
    }

    fn value(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.aliases.get(name) {
            return Some(value.clone());
        }
        let name = self.resolved(name);
        if let Some(value) = self.captured.get(&name) {
            return Some(value.clone());
        }
        if let Some(value) = self.of_member(&name) {
            return Some(value);
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

/// Crowd, number and attribute of a name such as `staff.17.id`.
fn member_of(name: &str) -> Option<(&str, usize, &str)> {
    let (crowd, rest) = name.split_once('.')?;
    let (number, attribute) = rest.split_once('.')?;
    let number: usize = number.parse().ok().filter(|n| *n > 0)?;
    Some((crowd, number, attribute))
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
