//! A file's keys → the typed scenario, with every check that needs more than one key.
//!
//! Must not know how YAML is read or how an error is drawn.

use super::doc::{self, At, Node};
use super::error::{LoadError, Problem, Sink};
use super::model::{Crowd, Dialect, Repeat, Scenario, Step};
use super::names::{self, Scope, Strictness};
use super::parts::Reader;
use super::raw::{RawCrowd, RawScenario, RawStep};
use super::shape::{FromNode, OneOrMany, Pairs, Word};
use super::template::{Template, is_name};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// Looks the text of an included file up by its path below `scenarios/`, without ending.
pub type Includes<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Loads one scenario. `file` is its name for messages; all that is wrong is reported together where that is possible.
pub fn load(text: &str, file: &str, includes: Includes<'_>) -> Result<Scenario, Vec<LoadError>> {
    let mut loader = Loader {
        reader: Reader { sink: Sink::new(file, text), uses: Vec::new(), renames: HashMap::new() },
        scope: Scope::default(),
        includes,
        stack: Vec::new(),
        ids: BTreeMap::new(),
        prefix: String::new(),
        include_line: None,
        added_people: Vec::new(),
        added_groups: Vec::new(),
        added_crowds: Vec::new(),
        rounds: None,
        included_headers: Vec::new(),
    };
    let scenario = loader.scenario(file);
    let mut errors = loader.reader.sink.errors;
    match scenario {
        Some(scenario) if errors.is_empty() => Ok(scenario),
        _ => {
            errors.sort_by_key(|e| (e.file != file, e.file.clone(), e.line, e.column));
            errors.dedup_by(|a, b| a.to_string() == b.to_string());
            Err(errors)
        }
    }
}

pub(super) type Fixtures = Vec<(String, Map<String, Value>)>;
pub(super) type Variables = Vec<(String, Vec<String>)>;
pub(super) type Rounds = (String, Repeat, Variables);
pub(super) type Headers = Vec<(String, Option<Template>)>;

pub(super) struct Loader<'a> {
    pub(super) reader: Reader,
    pub(super) scope: Scope,
    pub(super) includes: Includes<'a>,
    /// Files that are being included, outermost first.
    pub(super) stack: Vec<String>,
    /// Step id → its line.
    pub(super) ids: BTreeMap<String, usize>,
    /// Put in front of the ids of included steps.
    pub(super) prefix: String,
    /// Line of the outermost `include`: included steps are reported there.
    pub(super) include_line: Option<usize>,
    pub(super) added_people: Fixtures,
    pub(super) added_groups: Fixtures,
    pub(super) added_crowds: Vec<Crowd>,
    /// The repetition that a step may join: id of the step before, what it repeats, its variables.
    pub(super) rounds: Option<Rounds>,
    /// Scenario headers of the included file; its requests keep them.
    pub(super) included_headers: Headers,
}

impl Loader<'_> {
    fn scenario(&mut self, file: &str) -> Option<Scenario> {
        let node = doc::parse(&mut self.reader.sink)?;
        let raw = RawScenario::from_node(&node, &mut self.reader.sink)?;
        self.scope.muted = !self.reader.sink.errors.is_empty();
        self.check_id(&raw.scenario, file);
        self.stack.push(raw.scenario.value.clone());
        let dialects = self.dialects(raw.dialects);
        let people = self.fixtures(raw.people.as_ref(), true);
        let groups = self.fixtures(raw.groups.as_ref(), false);
        let crowds = self.crowds(raw.crowds.as_ref());
        self.note_later_captures(&raw.setup, &raw.steps);
        let for_each = raw.for_each.map(|w| w.value);
        if for_each.is_some() {
            self.scope.advertised();
        }
        let headers = self.scenario_headers(raw.headers.as_ref());
        if raw.steps.is_empty() && !self.scope.muted {
            let problem = Problem::new("the scenario has no steps", "here");
            self.reader.error(&raw.span, problem);
        }
        let mut steps = self.steps(raw.setup.unwrap_or_default(), true);
        steps.extend(self.steps(raw.steps, false));
        Some(Scenario {
            id: raw.scenario.value,
            title: self.one_line(&raw.title),
            idp: raw.idp.value,
            about: raw.about,
            source: raw.source.map_or_else(Vec::new, |OneOrMany(s)| s),
            evidence: raw.evidence.map(|w| w.value).unwrap_or_default(),
            tags: raw.tags.unwrap_or_default(),
            needs: words(raw.needs),
            for_each,
            dialects,
            people: people.into_iter().chain(std::mem::take(&mut self.added_people)).collect(),
            groups: groups.into_iter().chain(std::mem::take(&mut self.added_groups)).collect(),
            crowds: crowds.into_iter().chain(std::mem::take(&mut self.added_crowds)).collect(),
            headers,
            verify: raw.verify.map(|w| w.value).unwrap_or_default(),
            steps,
            file: file.to_owned(),
        })
    }

    fn check_id(&mut self, id: &At<String>, file: &str) {
        if id.value.is_empty() && self.scope.muted {
            return;
        }
        let well_formed = id.value.split('/').all(is_name) && id.value.contains('/');
        if !well_formed {
            self.reader.error(
                &id.span,
                Problem::new(format!("`{}` is no scenario id", id.value), "not an id")
                    .help("the id is the path below `scenarios/`, without ending: `okta/create-user`"),
            );
            return;
        }
        if let Some(expected) = id_of_path(file)
            && expected != id.value
        {
            self.reader.error(
                &id.span,
                Problem::new(format!("the id is `{}` but the file is `{expected}`", id.value), "differs from the path")
                    .help(format!("write `scenario: {expected}`, or move the file")),
            );
        }
    }

    fn one_line(&mut self, title: &At<String>) -> String {
        let text = title.value.trim();
        let wrong = text.is_empty() && !self.scope.muted;
        if wrong || text.contains('\n') {
            let problem = Problem::new("a title is one line of text", "here");
            self.reader.error(&title.span, problem);
        }
        text.to_owned()
    }

    fn dialects(&mut self, raw: Option<Pairs<String>>) -> Vec<Dialect> {
        let mut dialects = Vec::new();
        for (name, title) in raw.map_or_else(Vec::new, |Pairs(p)| p) {
            self.check_name(&name, "dialect");
            dialects.push(Dialect { name: name.value, title });
        }
        self.scope.dialects = dialects.iter().map(|d| d.name.clone()).collect();
        dialects
    }

    pub(super) fn check_name(&mut self, name: &At<String>, kind: &str) {
        if !is_name(&name.value) {
            self.reader.error(
                &name.span,
                Problem::new(format!("`{}` is no name for a {kind}", name.value), "here")
                    .help("names are letters, digits, `_` and `-`"),
            );
        }
    }

    pub(super) fn fixtures(&mut self, raw: Option<&Pairs<Node>>, people: bool) -> Fixtures {
        let mut fixtures = Vec::new();
        for (name, node) in raw.map_or(&[][..], |Pairs(p)| p) {
            self.check_name(name, "fixture");
            self.refuse_taken(name);
            self.reader.json(node);
            names::check_fixture_uses(&mut self.reader);
            self.scope.fixture(&name.value, people, node);
            match node.to_json() {
                Value::Object(overrides) => fixtures.push((name.value.clone(), overrides)),
                Value::Null => fixtures.push((name.value.clone(), Map::new())),
                _ => {
                    super::shape::wrong_type::<()>(node, "a mapping", &mut self.reader.sink);
                }
            }
        }
        fixtures
    }

    fn refuse_taken(&mut self, name: &At<String>) {
        if names::is_reserved(&name.value) || self.scope.fixtures.contains_key(&name.value) {
            let problem = Problem::new(format!("the name `{}` is taken", name.value), "here");
            self.reader.error(&name.span, problem);
        }
    }

    pub(super) fn crowds(&mut self, raw: Option<&Pairs<RawCrowd>>) -> Vec<Crowd> {
        let mut crowds = Vec::new();
        for (name, crowd) in raw.map_or(&[][..], |Pairs(p)| p) {
            self.check_name(name, "crowd");
            self.refuse_taken(name);
            let (people, size) = match (&crowd.people, &crowd.groups) {
                (Some(size), None) => (true, size),
                (None, Some(size)) => (false, size),
                _ => {
                    let problem = Problem::new("a crowd is either `people` or `groups`", "here");
                    self.reader.error(&crowd.span, problem.help("write `{ people: 5 }` or `{ groups: 2 }`"));
                    continue;
                }
            };
            if size.value == 0 {
                self.reader.error(&size.span, Problem::new("nobody is in this crowd", "at least 1"));
            }
            self.scope.crowd(&name.value, people);
            crowds.push(Crowd { name: name.value.clone(), people, size: size.value });
        }
        crowds
    }

    pub(super) fn scenario_headers(&mut self, raw: Option<&Pairs<Node>>) -> Headers {
        let headers = self.reader.headers(raw.map_or(&[][..], |Pairs(p)| p));
        names::check_uses(&mut self.reader, &self.scope, &[], Strictness::Sent);
        headers
    }

    /// So that "unknown" and "not yet" can be told apart.
    pub(super) fn note_later_captures(&mut self, setup: &Option<Vec<RawStep>>, steps: &[RawStep]) {
        for step in setup.iter().flatten().chain(steps) {
            for (name, _) in step.capture.iter().flat_map(|Pairs(p)| p) {
                let line = self.line(&name.span);
                let name = name.value.trim_end_matches('?').to_owned();
                self.scope.later.entry(name).or_insert(line);
            }
        }
    }

    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        let text = &self.reader.sink.text;
        let start = span.start.min(text.len());
        text.as_bytes()[..start].iter().filter(|b| **b == b'\n').count() + 1
    }

    pub(super) fn steps(&mut self, raw: Vec<RawStep>, setup: bool) -> Vec<Step> {
        let mut steps = Vec::new();
        for raw in raw {
            match raw.include.clone() {
                Some(path) => steps.extend(self.include(raw, &path, setup)),
                None => steps.extend(self.step(raw, setup)),
            }
        }
        steps
    }
}

pub(super) fn words<T>(raw: Option<Vec<Word<T>>>) -> Vec<T> {
    raw.unwrap_or_default().into_iter().map(|w| w.value).collect()
}

/// The id that a file should have: its path below the last `scenarios/`. `None` outside of such a folder.
fn id_of_path(file: &str) -> Option<String> {
    let path = file.replace('\\', "/");
    let parts: Vec<&str> = path.split('/').collect();
    let n = parts.iter().rposition(|p| *p == "scenarios")?;
    let below = parts[n + 1..].join("/");
    let id = below.strip_suffix(".yaml").or_else(|| below.strip_suffix(".yml"))?;
    Some(id.to_owned())
}
