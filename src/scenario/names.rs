//! Which names have a value where: fixtures, captures in file order and per dialect, variables of a repetition.
//!
//! Must not know what the values are.

use super::doc::Kind;
use super::doc::Node;
use super::error::Problem;
use super::parts::Reader;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A name in `${…}` and its place.
#[derive(Debug, Clone)]
pub(super) struct Use {
    pub(super) name: String,
    pub(super) span: Range<usize>,
}

/// What can be filled in at the present line.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// Fixture → attributes.
    pub(super) fixtures: BTreeMap<String, BTreeSet<String>>,
    /// Names of the dialects; one nameless dialect when there are none.
    pub(super) dialects: Vec<String>,
    /// Captured name → dialects in which it was captured so far.
    taken: BTreeMap<String, BTreeSet<String>>,
    /// Every captured name of the file and the line where it is first taken.
    pub(super) later: BTreeMap<String, usize>,
    /// Names among the fixtures that are crowds.
    pub(super) crowds: BTreeSet<String>,
    /// Variables of the repetition at hand, and the fixtures (or crowds) that each stands for.
    pub(super) variables: Vec<(String, Vec<String>)>,
    /// True when steps were lost to other errors, so that names may be missing through no fault of the author.
    pub(super) muted: bool,
}

/// How strict a use is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    /// The value is sent: it must be there in each dialect.
    Sent,
    /// The value is asked for: absence is an answer.
    Asked,
}

const PERSON: [&str; 11] = [
    "userName",
    "email",
    "givenName",
    "familyName",
    "displayName",
    "externalId",
    "password",
    "employeeNumber",
    "department",
    "title",
    "phone",
];
const GROUP: [&str; 2] = ["displayName", "externalId"];
const BUILT_IN: [&str; 4] = ["run", "base_url", "guid", "random"];

/// Values of a type that the target advertises (see `run::advertised`).
const TYPE: [&str; 8] = ["name", "endpoint", "schema", "create", "other", "replace", "nulls", "without_extension"];
/// Values of one of its attributes.
const ATTRIBUTE: [&str; 10] =
    ["path", "value", "pathless", "more", "one", "text", "filter", "swapped", "body", "missing"];
/// The attribute at hand, as a fixture that no file can name.
pub(crate) const ADVERTISED: &str = "(advertised)";

impl Scope {
    /// Makes `${type.…}` and the attributes of the type known.
    pub(super) fn advertised(&mut self) {
        let names = |list: &[&str]| list.iter().map(|n| (*n).to_owned()).collect::<BTreeSet<String>>();
        self.fixtures.insert("type".to_owned(), names(&TYPE));
        self.fixtures.insert(ADVERTISED.to_owned(), names(&ATTRIBUTE));
    }

    /// Makes a person or a group known, with the attributes that the file adds.
    pub(super) fn fixture(&mut self, name: &str, person: bool, overrides: &Node) {
        let mut attributes = standard(person);
        attributes_of(overrides, "", &mut attributes);
        self.fixtures.insert(name.to_owned(), attributes);
    }

    /// Makes a crowd known: its name stands for each of its members.
    pub(super) fn crowd(&mut self, name: &str, people: bool) {
        self.fixtures.insert(name.to_owned(), standard(people));
        self.crowds.insert(name.to_owned());
    }

    /// Dialects in which a step is played.
    fn played_in(&self, dialects: &[String]) -> Vec<String> {
        match (dialects.is_empty(), self.dialects.is_empty()) {
            (false, _) => dialects.to_vec(),
            (true, false) => self.dialects.clone(),
            (true, true) => vec![String::new()],
        }
    }

    /// Notes a capture; a variable that stands for fixtures captures for each of them.
    pub(super) fn take(&mut self, name: &str, dialects: &[String]) {
        let played = self.played_in(dialects);
        let mut names = vec![name.to_owned()];
        for (variable, fixtures) in &self.variables {
            if let Some(rest) = name.strip_prefix(&format!("{variable}."))
                && !fixtures.is_empty()
            {
                names = fixtures.iter().map(|f| format!("{f}.{rest}")).collect();
            }
        }
        for name in names {
            self.taken.entry(name).or_default().extend(played.iter().cloned());
        }
    }

    /// Says what is wrong with a use, if anything.
    fn problem(&self, name: &str, dialects: &[String], strictness: Strictness) -> Option<Problem> {
        let (first, rest) = name.split_once('.').unwrap_or((name, ""));
        match first {
            "run" | "base_url" if rest.is_empty() => return None,
            "guid" | "random" if !rest.is_empty() => return None,
            _ => {}
        }
        if let Some((_, fixtures)) = self.variables.iter().find(|(variable, _)| variable == first) {
            return self.variable_problem(name, rest, fixtures, dialects, strictness);
        }
        if self.crowds.contains(first) {
            return Some(
                Problem::new(format!("`{first}` is a crowd, not one of it"), "of whom?").help(format!(
                    "`repeat: {{ as: who, each: {first} }}` makes `${{who.{rest}}}` stand for each of it"
                )),
            );
        }
        self.known_problem(name, first, rest, dialects, strictness)
    }

    /// Of a name that is no variable.
    fn known_problem(
        &self,
        name: &str,
        first: &str,
        rest: &str,
        dialects: &[String],
        strictness: Strictness,
    ) -> Option<Problem> {
        if self.fixtures.get(first).is_some_and(|attributes| attributes.contains(rest)) {
            return None;
        }
        match self.taken.get(name) {
            Some(_) if strictness == Strictness::Asked => None,
            Some(taken) => self
                .played_in(dialects)
                .into_iter()
                .find(|d| !taken.contains(d))
                .map(|dialect| missing_in(name, &dialect, taken)),
            None => Some(self.unknown(name, first)),
        }
    }

    fn variable_problem(
        &self,
        name: &str,
        rest: &str,
        fixtures: &[String],
        dialects: &[String],
        strictness: Strictness,
    ) -> Option<Problem> {
        if rest.is_empty() || self.taken.contains_key(name) {
            return None;
        }
        if fixtures.is_empty() {
            return Some(
                Problem::new(format!("`{name}` has no value"), "the variable is no fixture")
                    .help("`each` must list names of fixtures for `${name.attribute}`"),
            );
        }
        fixtures.iter().find_map(|f| self.known_problem(&format!("{f}.{rest}"), f, rest, dialects, strictness))
    }

    fn unknown(&self, name: &str, first: &str) -> Problem {
        if let Some(line) = self.later.get(name) {
            return Problem::new(format!("`{name}` is used before it is taken"), "has no value yet")
                .help(format!("it is captured further down, in line {line}"));
        }
        if let Some(attributes) = self.fixtures.get(first) {
            let known = attributes.iter().map(|a| format!("{first}.{a}")).chain(self.captures());
            let known: Vec<String> = known.collect();
            return Problem::new(format!("`{name}` is neither an attribute of `{first}` nor captured"), "no such name")
                .suggest(name, known.iter().map(String::as_str));
        }
        let whole: Vec<String> = self
            .fixtures
            .iter()
            .flat_map(|(f, attributes)| attributes.iter().map(move |a| format!("{f}.{a}")))
            .chain(self.captures())
            .collect();
        let short: Vec<&str> = self
            .fixtures
            .keys()
            .chain(self.variables.iter().map(|(v, _)| v))
            .map(String::as_str)
            .chain(BUILT_IN)
            .collect();
        Problem::new(format!("unknown name `{name}`"), "no fixture, no capture, nothing built in")
            .similar(name, whole.iter().map(String::as_str))
            .suggest(name, short)
    }

    fn captures(&self) -> impl Iterator<Item = String> {
        self.taken.keys().chain(self.later.keys()).cloned()
    }
}

/// Reports every name of the reader's notes that has no value here, and forgets the notes.
pub(super) fn check_uses(reader: &mut Reader, scope: &Scope, dialects: &[String], strictness: Strictness) {
    for used in std::mem::take(&mut reader.uses) {
        if scope.muted {
            continue;
        }
        if let Some(problem) = scope.problem(&used.name, dialects, strictness) {
            reader.error(&used.span, problem);
        }
    }
}

/// In a fixture only what exists before the first request can be filled in.
pub(super) fn check_fixture_uses(reader: &mut Reader) {
    for used in std::mem::take(&mut reader.uses) {
        let built_in = used.name == "run" || used.name.starts_with("guid.") || used.name.starts_with("random.");
        if !built_in {
            reader.error(
                &used.span,
                Problem::new(
                    format!("`{}` cannot stand in a fixture", used.name),
                    "has no value before the first request",
                )
                .help("fixtures can hold `${run}`, `${guid.NAME}` and `${random.NAME}`"),
            );
        }
    }
}

fn standard(person: bool) -> BTreeSet<String> {
    let standard: &[&str] = if person { &PERSON } else { &GROUP };
    standard.iter().map(|s| (*s).to_owned()).collect()
}

fn missing_in(name: &str, dialect: &str, taken: &BTreeSet<String>) -> Problem {
    let list: Vec<&str> = taken.iter().map(String::as_str).collect();
    Problem::new(format!("`{name}` is not taken in dialect `{dialect}`"), format!("has no value in `{dialect}`"))
        .help(format!("captured so far in `{}` only", list.join("`, `")))
}

fn attributes_of(node: &Node, prefix: &str, into: &mut BTreeSet<String>) {
    if let Kind::Map(members) = &node.kind {
        for (key, value) in members {
            let name = format!("{prefix}{}", key.value);
            attributes_of(value, &format!("{name}."), into);
            into.insert(name);
        }
    }
}

/// True when a fixture may have this name.
pub(super) fn is_reserved(name: &str) -> bool {
    BUILT_IN.contains(&name)
}
