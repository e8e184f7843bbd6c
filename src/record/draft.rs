//! The SCIM part of a recording → a scenario file: people and groups, setup, steps, captures.
//!
//! Must not write files. What comes out has been read back by the scenario loader.

use super::links::Links;
use super::people::Cast;
use super::seen::place;
use super::sift::{Sifted, Spoken};
use super::spelling::Speller;
use super::steps::{self, Headers, Sketch};
use super::wording::{kebab, title};
use super::{Format, yaml};
use crate::profile::idp::IdpProfile;
use crate::report::redact::Redactor;
use crate::scenario;
use crate::scim::value::get_ci;
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// The loader takes 50,000 values; the head of the file needs some of them.
const MOST_VALUES: usize = 40_000;
/// Of these, so many for recorded answers: they are only documentation.
const MOST_RECORDED: usize = 12_000;
/// Shorter gaps are the time that the server took.
const LEAST_PAUSE: Duration = Duration::from_secs(60);

/// What the file says at its top.
pub struct Head<'a> {
    /// Scenario id.
    pub id: &'a str,
    /// What was recorded.
    pub format: Format,
    /// Title of the recording, if it has one.
    pub title: Option<&'a str>,
    /// File name, without folders.
    pub source: Option<&'a str>,
    /// The identity provider that is played.
    pub profile: &'a IdpProfile,
}

/// A scenario file.
#[derive(Debug)]
pub struct Draft {
    /// The text of the file.
    pub text: String,
    /// Requests in it.
    pub requests: usize,
    /// Requests that prepare what was there before the recording.
    pub setup: usize,
    /// People.
    pub people: usize,
    /// Groups and other resources.
    pub groups: usize,
    /// What could not be taken over, in words.
    pub notes: Vec<String>,
}

/// Writes the scenario.
pub fn draft(sifted: &Sifted, head: &Head<'_>, redactor: &Redactor) -> Result<Draft, String> {
    let mut cast = Cast::of(&sifted.spoken);
    let needs_somebody = sifted.spoken.iter().any(takes_the_first);
    if needs_somebody {
        cast.add_earlier("/Users", Value::Null);
    }
    let links = Links::of(&sifted.spoken, &cast);
    let speller = Speller::new(&cast, redactor, &sifted.base, links.tokens, links.variables);
    let headers = Headers::of(&sifted.spoken, head.profile);
    let mut writer = Writer { ids: BTreeSet::new(), values: 0, recorded: 0, requests: 0, notes: Vec::new() };
    let setup = writer.setup(&cast, &speller);
    let steps = writer.steps(&sifted.spoken, &cast, &speller, &headers, &links.captures);
    let requests = writer.requests;
    if requests == 0 {
        return Err("nothing in the recording can be replayed".to_owned());
    }
    let (people, groups) = fixtures(&cast);
    let mut file = top(head, sifted, redactor);
    for (key, map) in [("people", &people), ("groups", &groups)] {
        if !map.is_empty() {
            file.insert(key.into(), Value::Object(map.clone()));
        }
    }
    if !headers.common.is_empty() {
        file.insert("headers".into(), Value::Object(headers.common.clone()));
    }
    if !setup.is_empty() {
        file.insert("setup".into(), Value::Array(setup.clone()));
    }
    file.insert("steps".into(), Value::Array(steps));
    let text = format!("{COMMENT}{}", yaml::document(&Value::Object(file)));
    check(&text)?;
    Ok(Draft { text, requests, setup: setup.len(), people: people.len(), groups: groups.len(), notes: writer.notes })
}

const COMMENT: &str = "# Made from a recording by scimproof. Values of people and groups are new in each run; secrets were left out.\n\
    # `expect` is what was answered then: relax it where the server may do otherwise.\n";

fn top(head: &Head<'_>, sifted: &Sifted, redactor: &Redactor) -> Map<String, Value> {
    let mut file = Map::new();
    file.insert("scenario".into(), head.id.into());
    let own = head.title.map(|t| title(&redactor.text(t))).filter(|t| !t.is_empty());
    file.insert("title".into(), own.unwrap_or_else(|| format!("As it was in a {}", head.format.title())).into());
    file.insert("idp".into(), head.profile.name.clone().into());
    if let Some(source) = head.source {
        file.insert("source".into(), json!([redactor.text(source)]));
    }
    let evidence = if head.format.is_traffic() { "captured" } else { "inferred" };
    file.insert("evidence".into(), evidence.into());
    file.insert("tags".into(), json!(["recorded"]));
    let uses = |test: &dyn Fn(&Spoken) -> bool| sifted.spoken.iter().any(test);
    let below = |s: &Spoken, endpoint: &str| s.target.starts_with(endpoint);
    let mut needs = Vec::new();
    if uses(&|s| below(s, "/Users")) {
        needs.push("users");
    }
    if uses(&|s| below(s, "/Groups")) {
        needs.push("groups");
    }
    if uses(&|s| s.entry.method == "PATCH" && s.entry.accepted()) {
        needs.push("patch");
    }
    if !needs.is_empty() {
        file.insert("needs".into(), json!(needs));
    }
    file
}

fn fixtures(cast: &Cast) -> (Map<String, Value>, Map<String, Value>) {
    let (mut people, mut groups) = (Map::new(), Map::new());
    for role in cast.roles.iter().filter(|r| r.is_fixture) {
        let person = role.collection.eq_ignore_ascii_case("/Users");
        let map = if person { &mut people } else { &mut groups };
        map.insert(role.name.clone(), Value::Object(role.overrides.clone()));
    }
    (people, groups)
}

/// The loader has the last word: whatever the recording held, the file is one that `check` accepts.
fn check(text: &str) -> Result<(), String> {
    match scenario::load(text, "recording.yaml", &|_| None) {
        Ok(_) => Ok(()),
        Err(errors) => {
            let first = errors.first().map(|e| e.render(false)).unwrap_or_default();
            Err(format!("the scenario made of this recording is not accepted; please report this\n{first}"))
        }
    }
}

/// A test that takes the first user of the list takes for granted that there is one.
fn takes_the_first(one: &Spoken) -> bool {
    one.target.starts_with("/Users") && one.entry.takes.iter().any(|(_, place)| place.starts_with("$.Resources["))
}

struct Writer {
    ids: BTreeSet<String>,
    values: usize,
    recorded: usize,
    requests: usize,
    notes: Vec<String>,
}

impl Writer {
    /// Creates whoever was there before the recording began.
    fn setup(&mut self, cast: &Cast, speller: &Speller<'_>) -> Vec<Value> {
        let mut out = Vec::new();
        // People first: a group may have them as members.
        let (people, others): (Vec<_>, Vec<_>) =
            cast.earlier.iter().partition(|(role, _)| cast.roles[*role].collection.eq_ignore_ascii_case("/Users"));
        for (role, doc) in people.into_iter().chain(others) {
            let who = &cast.roles[*role];
            let step = json!({
                "step": self.unique(&format!("prepare-{}", kebab(&who.name))),
                "title": format!("{} was there before the recording began", who.name),
                "POST": who.collection,
                "body": body_of(&who.name, &who.collection, doc, *role, speller),
                "capture": { format!("{}.id", who.name): "$.id" },
            });
            speller.take(format!("{}.id", who.name));
            self.values += steps::count(&step);
            out.push(step);
        }
        out
    }

    fn steps(
        &mut self,
        spoken: &[Spoken],
        cast: &Cast,
        speller: &Speller<'_>,
        headers: &Headers<'_>,
        links: &HashMap<usize, Vec<(String, String)>>,
    ) -> Vec<Value> {
        let mut out = Vec::new();
        let mut end = None;
        for (n, one) in spoken.iter().enumerate() {
            if let Some(pause) = gap(one, end) {
                out.push(json!({ "pause": pause }));
            }
            end = one.entry.started.map(|s| s + one.entry.duration);
            let role = cast.about[n];
            let Some(Sketch { id, mut tree }) = steps::sketch(one, role, speller, headers) else {
                self.notes.push(format!(
                    "{} {}: its body is no text, it is left out",
                    one.entry.method,
                    speller.target(&one.target)
                ));
                continue;
            };
            tree.insert("step".into(), self.unique(&id).into());
            let captures = captures(one, role, cast, links.get(&n));
            captures.keys().for_each(|name| speller.take(name.clone()));
            if !captures.is_empty() {
                tree.insert("capture".into(), Value::Object(captures));
            }
            let size = steps::count(&Value::Object(tree.clone()));
            if self.values + size > MOST_VALUES {
                self.notes.push(format!("the last {} requests do not fit into one scenario file", spoken.len() - n));
                break;
            }
            self.values += size;
            self.requests += 1;
            if let Some(recorded) = steps::recorded(&one.entry, role, speller) {
                let size = steps::count(&recorded);
                if self.recorded + size <= MOST_RECORDED && self.values + size <= MOST_VALUES {
                    (self.recorded, self.values) = (self.recorded + size, self.values + size);
                    tree.insert("recorded".into(), recorded);
                }
            }
            out.push(Value::Object(tree));
            for role in cast.from_bulk.get(&n).into_iter().flatten() {
                out.push(self.found_again(*role, cast, speller));
            }
        }
        out
    }

    /// A bulk answer names ids only inside of URLs, where no path reaches: so they are looked up.
    fn found_again(&mut self, role: usize, cast: &Cast, speller: &Speller<'_>) -> Value {
        let who = &cast.roles[role];
        let attribute = if who.collection.eq_ignore_ascii_case("/Users") { "userName" } else { "displayName" };
        let step = json!({
            "step": self.unique(&format!("find-{}", kebab(&who.name))),
            "title": "Not in the recording: the id that the bulk request gave",
            "GET": format!("{}?filter={attribute} eq \"${{{}.{attribute}}}\"", who.collection, who.name),
            "capture": { format!("{}.id", who.name): "$.Resources[0].id" },
        });
        self.values += steps::count(&step);
        speller.take(format!("{}.id", who.name));
        step
    }

    fn unique(&mut self, id: &str) -> String {
        let id = if id.is_empty() { "request" } else { id };
        let taken = |candidate: &String| !self.ids.contains(candidate);
        let numbered = (2..).map(|n| format!("{id}-{n}"));
        let free = std::iter::once(id.to_owned()).chain(numbered).find(taken).unwrap_or_default();
        self.ids.insert(free.clone());
        free
    }
}

/// What a step takes from the answer.
fn captures(
    one: &Spoken,
    role: Option<usize>,
    cast: &Cast,
    links: Option<&Vec<(String, String)>>,
) -> Map<String, Value> {
    let mut out = Map::new();
    let created = one.entry.method == "POST" && matches!(place(&one.target), Some((_, None)));
    if let Some(role) = role.filter(|_| created && one.entry.status().is_none_or(|s| s < 300)) {
        out.insert(format!("{}.id", cast.roles[role].name), "$.id".into());
    }
    for (name, place) in links.into_iter().flatten() {
        // A place that is no path would make the whole file unreadable; then the value is missing where it is used.
        if !place.starts_with('$') || jsonpath_rust::parser::parse_json_path(place).is_ok() {
            out.insert(name.clone(), place.clone().into());
        }
    }
    out
}

/// A body that creates what an answer showed: only what a client may write.
fn body_of(name: &str, collection: &str, doc: &Value, role: usize, speller: &Speller<'_>) -> Value {
    let person = collection.eq_ignore_ascii_case("/Users");
    let urn = if person { "User" } else { "Group" };
    let mut body = Map::new();
    body.insert("schemas".into(), json!([format!("urn:ietf:params:scim:schemas:core:2.0:{urn}")]));
    let mut attributes = vec![("displayName", format!("${{{name}.displayName}}"))];
    if person {
        attributes.insert(0, ("userName", format!("${{{name}.userName}}")));
    }
    let known = doc.as_object().cloned().unwrap_or_default();
    let written = if person {
        ["externalId", "name", "emails", "phoneNumbers", "title", "active"].as_slice()
    } else {
        &["externalId"]
    };
    for (key, default) in attributes {
        let value = get_ci(&known, key).and_then(Value::as_str).filter(|v| !v.is_empty());
        let value = value.map_or(Value::String(default), |v| speller.json(&v.into(), &key.to_lowercase(), Some(role)));
        body.insert(key.into(), value);
    }
    for key in written {
        if let Some(value) = get_ci(&known, key).filter(|v| !v.is_null()) {
            body.insert((*key).into(), speller.json(value, &key.to_lowercase(), Some(role)));
        }
    }
    Value::Object(body)
}

/// The time that passed before a request, when somebody let it pass.
fn gap(one: &Spoken, end: Option<time::OffsetDateTime>) -> Option<String> {
    let measured = one.entry.started.zip(end).and_then(|(start, end)| Duration::try_from(start - end).ok());
    let pause = one.entry.pause.or(measured.filter(|d| *d >= LEAST_PAUSE))?;
    let seconds = pause.as_secs().clamp(1, 30 * 86_400);
    Some(match seconds {
        s if s < 120 => format!("{s}s"),
        s if s < 7200 => format!("{}m", s / 60),
        s => format!("{}h{}m", s / 3600, s % 3600 / 60),
    })
}

/// The identity provider whose client sent most of it, by its `User-Agent` whatever the version.
pub fn likely_idp<'p>(spoken: &[Spoken], profiles: &'p [IdpProfile]) -> Option<&'p str> {
    let product =
        |agent: &str| agent.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == ' ').to_lowercase();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for agent in spoken.iter().filter_map(|s| s.entry.header("user-agent")).map(product).filter(|a| !a.is_empty()) {
        let sends = |p: &&IdpProfile| {
            p.headers.iter().any(|(n, v)| n.eq_ignore_ascii_case("user-agent") && product(v) == agent)
        };
        if let Some(profile) = profiles.iter().find(sends) {
            *counts.entry(&profile.name).or_default() += 1;
        }
    }
    let (name, count) = counts.into_iter().max_by_key(|(name, n)| (*n, std::cmp::Reverse(*name)))?;
    (count * 2 > spoken.len()).then_some(name)
}
