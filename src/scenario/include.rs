//! `include`: another file's steps, played here with our fixtures and under ids of their own.
//!
//! Must not know where the text of a file is from.

use super::doc::{self, At};
use super::error::Problem;
use super::lower::{Headers, Loader, words};
use super::model::Step;
use super::raw::{RawRequest, RawScenario, RawStep};
use super::shape::{FromNode, OneOrMany, Pairs};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

/// Files that include each other twice double with each level: a small file must not become a million steps.
const DEEPEST: usize = 8;
const MOST_STEPS: usize = 10_000;

impl Loader<'_> {
    /// Plays another file's steps here: its fixtures under our names, its ids behind our prefix.
    pub(super) fn include(&mut self, raw: RawStep, path: &At<String>, setup: bool) -> Vec<Step> {
        self.refuse_keys_of_include(&raw);
        let Some(text) = self.text_of(path) else {
            // Captures are lost with the file; names that miss them are no mistakes of their own.
            self.scope.muted = true;
            return Vec::new();
        };
        let dialects = self.played(raw.dialect.clone());
        let when = self.conditions_of(raw.when.clone(), &dialects);
        let renames = self.renames_of(raw.with.as_ref());

        let outer = self.enter(path, text, &raw);
        let (steps, unknown) = self.included(renames, &dialects, setup);
        outer.restore(self);

        self.scope.muted |= !unknown.is_empty();
        for name in unknown {
            let problem = Problem::new(
                format!("`{}` has no fixture `{}`", path.value, name.value),
                "no fixture of the included file",
            );
            self.reader.error(&name.span, problem);
        }
        steps
            .into_iter()
            .map(|mut step| {
                step.needs.extend(words(raw.needs.clone()));
                step.cycle = step.cycle.or_else(|| raw.cycle.clone());
                step.when.splice(0..0, when.iter().cloned());
                step
            })
            .collect()
    }

    /// The text of the included file, unless that would not end.
    fn text_of(&mut self, path: &At<String>) -> Option<String> {
        if let Some(n) = self.stack.iter().position(|p| *p == path.value) {
            let mut ring = self.stack[n..].to_vec();
            ring.push(path.value.clone());
            let problem = Problem::new("the files include each other in a circle", "closes the circle");
            self.reader.error(&path.span, problem.help(ring.join(" → ")));
            return None;
        }
        if self.stack.len() > DEEPEST || self.ids.len() > MOST_STEPS {
            let problem = Problem::new("includes within includes grow too large", "one too many");
            let limits = format!("at most {DEEPEST} levels and {MOST_STEPS} steps");
            self.reader.error(&path.span, problem.help(limits));
            return None;
        }
        let text = (self.includes)(&path.value);
        if text.is_none() {
            let problem = Problem::new(format!("there is no scenario `{}`", path.value), "unknown file");
            self.reader.error(&path.span, problem.help("the path below `scenarios/`, without ending"));
        }
        text
    }

    /// Turns the reader to the included file; gives back what it was reading.
    fn enter(&mut self, path: &At<String>, text: String, raw: &RawStep) -> Outer {
        let line = self.include_line.unwrap_or_else(|| self.line(&raw.span));
        let their_file = sibling(&self.reader.sink.file, &path.value);
        let outer = Outer {
            file: std::mem::replace(&mut self.reader.sink.file, their_file),
            text: std::mem::replace(&mut self.reader.sink.text, Arc::from(text)),
            renames: std::mem::take(&mut self.reader.renames),
            prefix: self.prefix.clone(),
            include_line: self.include_line.replace(line),
            later: std::mem::take(&mut self.scope.later),
            headers: self.included_headers.clone(),
        };
        self.stack.push(path.value.clone());
        if let Some(step) = &raw.step {
            self.prefix = format!("{}{}-", outer.prefix, step.value);
        }
        outer
    }

    /// The included file's steps; the second part are the names in `with` that it does not know.
    fn included(
        &mut self,
        renames: Vec<(At<String>, String)>,
        dialects: &[String],
        setup: bool,
    ) -> (Vec<Step>, Vec<At<String>>) {
        let Some(raw) =
            doc::parse(&mut self.reader.sink).and_then(|node| RawScenario::from_node(&node, &mut self.reader.sink))
        else {
            self.scope.muted = true;
            return (Vec::new(), Vec::new());
        };
        let theirs = self.adopt_fixtures(&raw, &renames);
        let (known, unknown): (Vec<_>, Vec<_>) =
            renames.into_iter().partition(|(from, _)| theirs.contains(&from.value));
        self.reader.renames = known.into_iter().map(|(from, to)| (from.value, to)).collect();
        let headers = self.scenario_headers(raw.headers.as_ref());
        self.included_headers.extend(headers);
        self.note_later_captures(&raw.setup, &raw.steps);
        let needs = words(raw.needs);
        let narrow = |mut step: RawStep| {
            // A step without dialects of its own is played where the include is.
            if step.dialect.is_none() && !dialects.is_empty() {
                let span = step.span.clone();
                let list = dialects.iter().map(|d| At { value: d.clone(), span: span.clone() });
                step.dialect = Some(OneOrMany(list.collect()));
            }
            step
        };
        let first = raw.setup.unwrap_or_default().into_iter().map(narrow).collect();
        let mut steps = self.steps(first, true);
        let rest = raw.steps.into_iter().map(narrow).collect();
        steps.extend(self.steps(rest, setup));
        for step in &mut steps {
            step.needs.extend(needs.iter().copied());
        }
        (steps, unknown.into_iter().map(|(from, _)| from).collect())
    }

    /// Takes over the fixtures that nobody stands in for; gives back the names of all.
    fn adopt_fixtures(&mut self, raw: &RawScenario, renames: &[(At<String>, String)]) -> Vec<String> {
        let mut theirs: Vec<String> = Vec::new();
        for (pairs, people) in [(&raw.people, true), (&raw.groups, false)] {
            for (name, node) in pairs.iter().flat_map(|Pairs(p)| p) {
                theirs.push(name.value.clone());
                let renamed = renames.iter().any(|(from, _)| from.value == name.value);
                if renamed || self.scope.fixtures.contains_key(&name.value) {
                    continue;
                }
                let own = Pairs(vec![(name.clone(), node.clone())]);
                let added = self.fixtures(Some(&own), people);
                match people {
                    true => self.added_people.extend(added),
                    false => self.added_groups.extend(added),
                }
            }
        }
        for (name, crowd) in raw.crowds.iter().flat_map(|Pairs(p)| p) {
            theirs.push(name.value.clone());
            let renamed = renames.iter().any(|(from, _)| from.value == name.value);
            if !renamed && !self.scope.fixtures.contains_key(&name.value) {
                let added = self.crowds(Some(&Pairs(vec![(name.clone(), crowd.clone())])));
                self.added_crowds.extend(added);
            }
        }
        theirs
    }

    fn renames_of(&mut self, with: Option<&Pairs<At<String>>>) -> Vec<(At<String>, String)> {
        let mut renames = Vec::new();
        for (from, to) in with.map_or(&[][..], |Pairs(p)| p) {
            let target = self.reader.renamed(&to.value);
            if !self.scope.fixtures.contains_key(&target) {
                let known: Vec<String> = self.scope.fixtures.keys().cloned().collect();
                let problem = Problem::new(format!("unknown fixture `{target}`"), "no such fixture");
                self.reader.error(&to.span, problem.suggest(&target, known.iter().map(String::as_str)));
                self.scope.muted = true;
            }
            renames.push((from.clone(), target));
        }
        renames
    }

    fn refuse_keys_of_include(&mut self, raw: &RawStep) {
        let mut odd: Vec<(&str, Range<usize>)> = Vec::new();
        for (method, target) in RawRequest::of(raw).methods() {
            odd.push((method, target.span.clone()));
        }
        odd.extend(raw.body.as_ref().map(|b| ("body", b.span.clone())));
        odd.extend(raw.pause.as_ref().map(|p| ("pause", p.span.clone())));
        odd.extend(raw.repeat.as_ref().map(|r| ("repeat", r.span.clone())));
        odd.extend(raw.expect.as_ref().map(|e| ("expect", e.span.clone())));
        for (key, span) in odd {
            let problem = Problem::new(format!("`{key}` has no meaning beside `include`"), "here");
            self.reader.error(&span, problem.help("put it into the steps of the included file"));
        }
    }
}

/// What the loader was reading when an include began.
struct Outer {
    file: String,
    text: Arc<str>,
    renames: HashMap<String, String>,
    prefix: String,
    include_line: Option<usize>,
    later: BTreeMap<String, usize>,
    headers: Headers,
}

impl Outer {
    fn restore(self, loader: &mut Loader<'_>) {
        loader.stack.pop();
        loader.reader.sink.file = self.file;
        loader.reader.sink.text = self.text;
        loader.reader.renames = self.renames;
        loader.prefix = self.prefix;
        loader.include_line = self.include_line;
        loader.scope.later = self.later;
        loader.included_headers = self.headers;
    }
}

/// The name of an included file for messages: beside the file that includes it, when that is in a `scenarios` folder.
fn sibling(file: &str, id: &str) -> String {
    let path = file.replace('\\', "/");
    match path.rfind("scenarios/") {
        Some(n) => format!("{}scenarios/{id}.yaml", &path[..n]),
        None => format!("{id}.yaml"),
    }
}
