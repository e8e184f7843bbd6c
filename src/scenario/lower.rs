//! A file's keys → the typed scenario, with every check that needs more than one key.
//!
//! Must not know how YAML is read or how an error is drawn.

use super::doc::{self, At, Node};
use super::error::{LoadError, Problem, Sink};
use super::filters;
use super::model::{
    Action, BodySpec, Capture, Dialect, Expect, Repeat, RequestSpec, Scenario, Step,
};
use super::names::{self, Scope, Strictness};
use super::parts::Reader;
use super::raw::{RawExpect, RawRepeat, RawRequest, RawScenario, RawStep};
use super::shape::{FromNode, OneOrMany, Pairs, Word};
use super::template::{Template, is_dotted_name, is_name};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

/// Looks the text of an included file up by its path below `scenarios/`, without ending.
pub type Includes<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Loads one scenario. `file` is its name for messages; all that is wrong is reported together where that is possible.
pub fn load(text: &str, file: &str, includes: Includes<'_>) -> Result<Scenario, Vec<LoadError>> {
    let mut loader = Loader {
        reader: Reader {
            sink: Sink::new(file, text),
            uses: Vec::new(),
            renames: HashMap::new(),
        },
        scope: Scope::default(),
        includes,
        stack: Vec::new(),
        ids: BTreeMap::new(),
        prefix: String::new(),
        include_line: None,
        added_people: Vec::new(),
        added_groups: Vec::new(),
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

type Fixtures = Vec<(String, Map<String, Value>)>;
type Headers = Vec<(String, Option<Template>)>;

struct Loader<'a> {
    reader: Reader,
    scope: Scope,
    includes: Includes<'a>,
    /// Files that are being included, outermost first.
    stack: Vec<String>,
    /// Step id → its line.
    ids: BTreeMap<String, usize>,
    /// Put in front of the ids of included steps.
    prefix: String,
    /// Line of the outermost `include`: included steps are reported there.
    include_line: Option<usize>,
    added_people: Fixtures,
    added_groups: Fixtures,
    /// Scenario headers of the included file; its requests keep them.
    included_headers: Headers,
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
        self.note_later_captures(&raw.setup, &raw.steps);
        let headers = self.scenario_headers(raw.headers.as_ref());
        if raw.steps.is_empty() {
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
            dialects,
            people: people
                .into_iter()
                .chain(std::mem::take(&mut self.added_people))
                .collect(),
            groups: groups
                .into_iter()
                .chain(std::mem::take(&mut self.added_groups))
                .collect(),
            headers,
            verify: raw.verify.map(|w| w.value).unwrap_or_default(),
            steps,
            file: file.to_owned(),
        })
    }

    fn check_id(&mut self, id: &At<String>, file: &str) {
        let well_formed = id.value.split('/').all(is_name) && id.value.contains('/');
        if !well_formed {
            self.reader.error(
                &id.span,
                Problem::new(format!("`{}` is no scenario id", id.value), "not an id").help(
                    "the id is the path below `scenarios/`, without ending: `okta/create-user`",
                ),
            );
            return;
        }
        if let Some(expected) = id_of_path(file)
            && expected != id.value
        {
            self.reader.error(
                &id.span,
                Problem::new(
                    format!("the id is `{}` but the file is `{expected}`", id.value),
                    "differs from the path",
                )
                .help(format!("write `scenario: {expected}`, or move the file")),
            );
        }
    }

    fn one_line(&mut self, title: &At<String>) -> String {
        let text = title.value.trim();
        if text.is_empty() || text.contains('\n') {
            let problem = Problem::new("a title is one line of text", "here");
            self.reader.error(&title.span, problem);
        }
        text.to_owned()
    }

    fn dialects(&mut self, raw: Option<Pairs<String>>) -> Vec<Dialect> {
        let mut dialects = Vec::new();
        for (name, title) in raw.map_or_else(Vec::new, |Pairs(p)| p) {
            self.check_name(&name, "dialect");
            dialects.push(Dialect {
                name: name.value,
                title,
            });
        }
        self.scope.dialects = dialects.iter().map(|d| d.name.clone()).collect();
        dialects
    }

    fn check_name(&mut self, name: &At<String>, kind: &str) {
        if !is_name(&name.value) {
            self.reader.error(
                &name.span,
                Problem::new(format!("`{}` is no name for a {kind}", name.value), "here")
                    .help("names are letters, digits, `_` and `-`"),
            );
        }
    }

    fn fixtures(&mut self, raw: Option<&Pairs<Node>>, people: bool) -> Fixtures {
        let mut fixtures = Vec::new();
        for (name, node) in raw.map_or(&[][..], |Pairs(p)| p) {
            self.check_name(name, "fixture");
            if names::is_reserved(&name.value) || self.scope.fixtures.contains_key(&name.value) {
                let problem = Problem::new(format!("the name `{}` is taken", name.value), "here");
                self.reader.error(&name.span, problem);
            }
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

    fn scenario_headers(&mut self, raw: Option<&Pairs<Node>>) -> Headers {
        let headers = self.reader.headers(raw.map_or(&[][..], |Pairs(p)| p));
        names::check_uses(&mut self.reader, &self.scope, &[], Strictness::Sent);
        headers
    }

    /// So that "unknown" and "not yet" can be told apart.
    fn note_later_captures(&mut self, setup: &Option<Vec<RawStep>>, steps: &[RawStep]) {
        for step in setup.iter().flatten().chain(steps) {
            for (name, _) in step.capture.iter().flat_map(|Pairs(p)| p) {
                let line = self.line(&name.span);
                let name = name.value.trim_end_matches('?').to_owned();
                self.scope.later.entry(name).or_insert(line);
            }
        }
    }

    fn line(&self, span: &Range<usize>) -> usize {
        let text = &self.reader.sink.text;
        let start = span.start.min(text.len());
        text.as_bytes()[..start]
            .iter()
            .filter(|b| **b == b'\n')
            .count()
            + 1
    }

    fn steps(&mut self, raw: Vec<RawStep>, setup: bool) -> Vec<Step> {
        let mut steps = Vec::new();
        for raw in raw {
            match raw.include.clone() {
                Some(path) => steps.extend(self.include(raw, &path, setup)),
                None => steps.extend(self.step(raw, setup)),
            }
        }
        steps
    }

    fn step(&mut self, raw: RawStep, setup: bool) -> Option<Step> {
        let what = self.kind(&raw)?;
        let id = self.id(raw.step.as_ref(), &what, &raw.span);
        let title = self.title(raw.title.as_deref(), &what, &raw.span);
        let dialects = self.played(raw.dialect);
        let variable = raw.repeat.as_ref().map(|r| variable_of(r));
        self.scope.variable = variable.map(|(name, each)| {
            let known = |f: &String| self.scope.fixtures.contains_key(f);
            let fixtures = if each.iter().all(known) {
                each
            } else {
                Vec::new()
            };
            (name, fixtures)
        });

        let when: Vec<_> = raw
            .when
            .map_or_else(Vec::new, |OneOrMany(list)| list)
            .into_iter()
            .flat_map(|c| self.reader.conditions(c))
            .collect();
        names::check_uses(&mut self.reader, &self.scope, &dialects, Strictness::Asked);

        let (repeat, until_uses) = match raw.repeat {
            Some(repeat) => self.repeat(repeat, &dialects),
            None => (None, Vec::new()),
        };
        let broken = raw.broken.unwrap_or(false);
        let action = self.action(what, broken)?;
        names::check_uses(&mut self.reader, &self.scope, &dialects, Strictness::Sent);

        let capture = self.captures(raw.capture, &action, &dialects);
        let expect = raw.expect.map(|e| self.expect(e));
        // Captures are taken before expectations and stop conditions are judged, so these may use them.
        names::check_uses(&mut self.reader, &self.scope, &dialects, Strictness::Sent);
        self.reader.uses = until_uses;
        names::check_uses(&mut self.reader, &self.scope, &dialects, Strictness::Asked);
        self.scope.variable = None;

        Some(Step {
            id,
            title,
            line: self.include_line.unwrap_or_else(|| self.line(&raw.span)),
            dialects,
            needs: words(raw.needs),
            cycle: raw.cycle,
            when,
            repeat,
            setup,
            action,
            expect,
            capture,
            impact: raw.impact.map(|w| w.value),
            verify: raw.verify.unwrap_or(true),
        })
    }

    /// Finds the one thing that a step does.
    fn kind(&mut self, raw: &RawStep) -> Option<What> {
        let request = RawRequest::of(raw);
        let methods = request.methods();
        let mut found: Vec<(&str, Range<usize>)> = methods
            .iter()
            .map(|(m, target)| (*m, target.span.clone()))
            .collect();
        if let Some(list) = &raw.parallel {
            found.push((
                "parallel",
                list.first().map_or(raw.span.clone(), |r| r.span.clone()),
            ));
        }
        if let Some(pause) = &raw.pause {
            found.push(("pause", pause.span.clone()));
        }
        match found.as_slice() {
            [] => {
                let problem = Problem::new("the step does nothing", "no request, `parallel`, `pause` or `include`")
                    .help("add `GET: /Users…`, `POST: …`, `PUT: …`, `PATCH: …`, `DELETE: …`, `parallel`, `pause` or `include`");
                self.reader.error(&raw.span, problem);
                self.scope.muted = true;
                return None;
            }
            [_] => {}
            [(first, _), (second, span), ..] => {
                let problem = Problem::new(
                    format!("the step does two things: `{first}` and `{second}`"),
                    "the second one",
                );
                self.reader.error(
                    &span.clone(),
                    problem.help("make two steps of it, or use `parallel`"),
                );
                self.scope.muted = true;
                return None;
            }
        }
        if let Some(pause) = &raw.pause {
            self.refuse_request_keys(&request, raw, "pause");
            return Some(What::Pause(pause.clone()));
        }
        if let Some(list) = &raw.parallel {
            self.refuse_request_keys(&request, raw, "parallel");
            return Some(What::Parallel(list.clone()));
        }
        Some(What::Send(Box::new(request)))
    }

    /// Keys that say something about a request have no meaning where there is none.
    fn refuse_request_keys(&mut self, request: &RawRequest, raw: &RawStep, kind: &str) {
        let mut odd: Vec<(&str, Range<usize>)> = Vec::new();
        let first = |pairs: &Pairs<Node>| pairs.0.first().map(|(k, _)| k.span.clone());
        odd.extend(request.body.as_ref().map(|b| ("body", b.span.clone())));
        odd.extend(
            request
                .body_text
                .as_ref()
                .map(|b| ("body_text", b.span.clone())),
        );
        odd.extend(request.query.as_ref().and_then(first).map(|s| ("query", s)));
        odd.extend(
            request
                .headers
                .as_ref()
                .and_then(first)
                .map(|s| ("headers", s)),
        );
        if kind == "pause" {
            odd.extend(raw.expect.as_ref().map(|e| ("expect", e.span.clone())));
            let capture = raw.capture.as_ref().and_then(|c| c.0.first());
            odd.extend(capture.map(|(k, _)| ("capture", k.span.clone())));
        }
        for (key, span) in odd {
            let problem = Problem::new(format!("`{key}` has no meaning beside `{kind}`"), "here");
            let problem = match kind {
                "parallel" => problem.help("put it into the requests of the list"),
                _ => problem.help("put it into a step with a request"),
            };
            self.reader.error(&span, problem);
        }
    }

    fn id(&mut self, step: Option<&At<String>>, what: &What, span: &Range<usize>) -> String {
        let line = self.line(span);
        let id = match (step, what) {
            (Some(step), _) => {
                if !is_kebab(&step.value) {
                    self.reader.error(
                        &step.span,
                        Problem::new(format!("`{}` is no step id", step.value), "not an id")
                            .help("lower-case letters, digits and `-`: `look-up-again`"),
                    );
                }
                format!("{}{}", self.prefix, step.value)
            }
            (None, What::Pause(_)) => (1..)
                .map(|n| format!("{}pause-{n}", self.prefix))
                .find(|id| !self.ids.contains_key(id))
                .expect("numbers do not end"),
            (None, _) => {
                let problem = Problem::new("the key `step` is missing", "this step has no id");
                self.reader.error(
                    span,
                    problem.help("add `step: look-up`, unique in the file"),
                );
                return String::new();
            }
        };
        if let Some(first) = self.ids.get(&id) {
            let problem = Problem::new(
                format!("the step id `{id}` is used twice"),
                format!("first in line {first}"),
            );
            let problem = match self.include_line {
                Some(_) => problem
                    .help("give the `include` a `step:`; it is put in front of the included ids"),
                None => problem.help("results are told apart by their ids; rename one"),
            };
            self.reader
                .error(&step.map_or(span.clone(), |s| s.span.clone()), problem);
        }
        self.ids.insert(id.clone(), line);
        id
    }

    fn title(&mut self, title: Option<&str>, what: &What, span: &Range<usize>) -> String {
        match (title, what) {
            (Some(title), _) => title.trim().to_owned(),
            (None, What::Pause(text)) => format!("Wait {}", text.value),
            (None, _) => {
                let problem = Problem::new("the key `title` is missing", "this step has no title");
                self.reader.error(
                    span,
                    problem.help("say what the provider does here and why"),
                );
                String::new()
            }
        }
    }

    fn played(&mut self, raw: Option<OneOrMany<At<String>>>) -> Vec<String> {
        let mut dialects = Vec::new();
        for dialect in raw.map_or_else(Vec::new, |OneOrMany(d)| d) {
            if !self.scope.dialects.contains(&dialect.value) {
                let problem = Problem::new(
                    format!("unknown dialect `{}`", dialect.value),
                    "not in `dialects`",
                );
                let known: Vec<String> = self.scope.dialects.clone();
                let problem = if known.is_empty() {
                    problem.help("the file declares no `dialects`")
                } else {
                    problem.suggest(&dialect.value, known.iter().map(String::as_str))
                };
                self.reader.error(&dialect.span, problem);
            }
            dialects.push(dialect.value);
        }
        dialects
    }

    fn action(&mut self, what: What, broken: bool) -> Option<Action> {
        Some(match what {
            What::Pause(text) => Action::Pause(self.reader.duration(&text)?),
            What::Send(request) => Action::Send(Box::new(self.request(*request, broken)?)),
            What::Parallel(list) => {
                let mut requests = Vec::new();
                for raw in list {
                    let methods = raw.methods().len();
                    if methods != 1 {
                        let problem = Problem::new(
                            format!("a request has one method, this one has {methods}"),
                            "in this request",
                        );
                        self.reader.error(&raw.span, problem);
                        continue;
                    }
                    requests.extend(self.request(raw, broken));
                }
                Action::Parallel(requests)
            }
        })
    }

    fn request(&mut self, raw: RawRequest, broken: bool) -> Option<RequestSpec> {
        let (method, target) = raw.methods().into_iter().next()?;
        let (method, target) = (method.to_owned(), target.clone());
        let template = self.target(&target);
        if !broken {
            filters::check_target(&mut self.reader, &template, &target.span);
        }
        let mut query = Vec::new();
        for (key, node) in raw.query.as_ref().map_or(&[][..], |Pairs(p)| p) {
            if let Some(value) = self.reader.scalar(node) {
                if key.value == "filter" && !broken {
                    filters::check(&mut self.reader, &value, &node.span);
                }
                query.push((key.value.clone(), value));
            }
        }
        let mut headers = self.included_headers.clone();
        let own = raw.headers.as_ref().map_or(&[][..], |Pairs(p)| p);
        headers.extend(self.reader.headers(own));
        let body = match (&raw.body, &raw.body_text) {
            (Some(_), Some(text)) => {
                let problem = Problem::new("a request has one body", "`body` is given as well");
                self.reader.error(&text.span, problem);
                BodySpec::Absent
            }
            (Some(node), None) => BodySpec::Json(self.reader.json(node)),
            (None, Some(text)) => BodySpec::Text(self.reader.template(&text.value, &text.span)),
            (None, None) => BodySpec::Absent,
        };
        Some(RequestSpec {
            method,
            target: template,
            query,
            headers,
            body,
            auth: raw.auth.map(|w| w.value).unwrap_or_default(),
        })
    }

    fn target(&mut self, target: &At<String>) -> Template {
        let text = &target.value;
        if !(text.starts_with('/')
            || text.starts_with("${")
            || text.starts_with('?')
            || text.is_empty())
        {
            self.reader.error(
                &target.span,
                Problem::new("the path does not begin with `/`", "below the base URL")
                    .help(format!("write `/{}`", text.trim_start())),
            );
        }
        if text.chars().any(char::is_control) {
            let problem = Problem::new("a URL is one line without control characters", "here");
            self.reader.error(&target.span, problem);
        }
        self.reader.template(text, &target.span)
    }

    /// The stop condition's names come back apart: it is judged after the step's captures.
    fn repeat(&mut self, raw: RawRepeat, dialects: &[String]) -> (Option<Repeat>, Vec<names::Use>) {
        let name = raw
            .r#as
            .as_ref()
            .map_or("n".to_owned(), |n| n.value.clone());
        if let Some(given) = &raw.r#as {
            self.check_name(given, "variable");
            if self.scope.fixtures.contains_key(&name) || names::is_reserved(&name) {
                let problem = Problem::new(format!("the name `{name}` is taken"), "here");
                self.reader.error(&given.span, problem);
            }
        }
        let kinds = [raw.count.is_some(), raw.each.is_some(), raw.until.is_some()];
        if kinds.iter().filter(|k| **k).count() != 1 {
            let problem = Problem::new("a repetition is one of `count`, `each` or `until`", "here");
            self.reader.error(&raw.span, problem);
            return (None, Vec::new());
        }
        if let Some(count) = raw.count {
            if count.value == 0 {
                let problem = Problem::new("the step is never played", "`count` is 0");
                self.reader.error(&count.span, problem);
            }
            let count = count.value;
            return (Some(Repeat::Count { name, count }), Vec::new());
        }
        if let Some(items) = raw.each {
            let items: Vec<Template> = items.iter().filter_map(|n| self.reader.scalar(n)).collect();
            names::check_uses(&mut self.reader, &self.scope, dialects, Strictness::Sent);
            if items.is_empty() {
                let problem = Problem::new("the step is never played", "`each` is empty");
                self.reader.error(&raw.span, problem);
            }
            return (Some(Repeat::Each { name, items }), Vec::new());
        }
        let limit = raw.limit.unwrap_or(100);
        let mut conditions = raw
            .until
            .map_or_else(Vec::new, |c| self.reader.conditions(c));
        let uses = std::mem::take(&mut self.reader.uses);
        if conditions.len() > 1 {
            let problem = Problem::new("`until` is one condition", "more than one matcher here");
            self.reader.error(&raw.span, problem);
        }
        let repeat = conditions.pop().map(|condition| Repeat::Until {
            name,
            condition,
            limit,
        });
        (repeat, uses)
    }

    fn captures(
        &mut self,
        raw: Option<Pairs<At<String>>>,
        action: &Action,
        dialects: &[String],
    ) -> Vec<Capture> {
        let mut captures = Vec::new();
        for (key, place) in raw.map_or_else(Vec::new, |Pairs(p)| p) {
            let optional = key.value.ends_with('?');
            let name = key.value.trim_end_matches('?');
            let first = name.split('.').next().unwrap_or_default();
            if !is_dotted_name(name) || names::is_reserved(first) {
                self.reader.error(
                    &key.span,
                    Problem::new(format!("`{name}` is no name for a capture"), "here")
                        .help("letters, digits, `_` and `-`, joined by dots: `alice.id`"),
                );
            }
            let name = self.reader.renamed(name);
            let from = self.reader.place(&place);
            names::check_uses(&mut self.reader, &self.scope, dialects, Strictness::Sent);
            self.scope.take(&name, dialects);
            if let (Some(from), Action::Send(_) | Action::Parallel(_)) = (from, action) {
                captures.push(Capture {
                    name,
                    from,
                    optional,
                });
            }
        }
        captures
    }

    fn expect(&mut self, raw: RawExpect) -> Expect {
        let mut expect = Expect {
            level: raw.level.map(|w| w.value),
            spec: raw.spec,
            message: raw.message,
            ..Expect::default()
        };
        for node in raw.status.map_or_else(Vec::new, |OneOrMany(s)| s) {
            expect.status.extend(self.reader.status(&node));
        }
        for (key, node) in raw.body.map_or_else(Vec::new, |Pairs(p)| p) {
            let place = self.reader.place(&key);
            let matchers = self.reader.matchers(&node);
            if let Some(place) = place {
                expect
                    .body
                    .extend(matchers.into_iter().map(|m| (place.clone(), m)));
            }
        }
        for (key, node) in raw.headers.map_or_else(Vec::new, |Pairs(p)| p) {
            let matchers = self.reader.matchers(&node);
            expect
                .headers
                .extend(matchers.into_iter().map(|m| (key.value.clone(), m)));
        }
        if let Some(rule) = raw.rule {
            let parts: Vec<&str> = rule.value.split('/').collect();
            if parts.len() != 2 || !parts.iter().all(|p| is_kebab(p)) {
                self.reader.error(
                    &rule.span,
                    Problem::new(format!("`{}` is no rule id", rule.value), "not a rule id")
                        .help("rule ids read `area/what-is-wrong`; see `scimproof list rules`"),
                );
            }
            expect.rule = Some(rule.value);
        }
        expect
    }

    /// Plays another file's steps here: its fixtures under our names, its ids behind our prefix.
    fn include(&mut self, raw: RawStep, path: &At<String>, setup: bool) -> Vec<Step> {
        self.refuse_keys_of_include(&raw);
        if let Some(n) = self.stack.iter().position(|p| *p == path.value) {
            let mut ring = self.stack[n..].to_vec();
            ring.push(path.value.clone());
            let problem = Problem::new(
                "the files include each other in a circle",
                "closes the circle",
            );
            self.reader
                .error(&path.span, problem.help(ring.join(" → ")));
            return Vec::new();
        }
        let Some(text) = (self.includes)(&path.value) else {
            let problem = Problem::new(
                format!("there is no scenario `{}`", path.value),
                "unknown file",
            );
            self.reader.error(
                &path.span,
                problem.help("the path below `scenarios/`, without ending"),
            );
            self.scope.muted = true;
            return Vec::new();
        };
        let line = self.include_line.unwrap_or_else(|| self.line(&raw.span));
        let dialects = self.played(raw.dialect.clone());
        let when: Vec<_> = raw
            .when
            .clone()
            .map_or_else(Vec::new, |OneOrMany(list)| list)
            .into_iter()
            .flat_map(|c| self.reader.conditions(c))
            .collect();
        names::check_uses(&mut self.reader, &self.scope, &dialects, Strictness::Asked);
        let renames = self.renames_of(raw.with.as_ref());

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
        let (steps, unknown) = self.included(renames, &dialects, setup);
        self.stack.pop();
        outer.restore(self);
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

    /// The included file's steps; the second part are the names in `with` that it does not know.
    fn included(
        &mut self,
        renames: Vec<(At<String>, String)>,
        dialects: &[String],
        setup: bool,
    ) -> (Vec<Step>, Vec<At<String>>) {
        let Some(raw) = doc::parse(&mut self.reader.sink)
            .and_then(|node| RawScenario::from_node(&node, &mut self.reader.sink))
        else {
            self.scope.muted = true;
            return (Vec::new(), Vec::new());
        };
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
        let (known, unknown): (Vec<_>, Vec<_>) = renames
            .into_iter()
            .partition(|(from, _)| theirs.contains(&from.value));
        self.reader.renames = known
            .into_iter()
            .map(|(from, to)| (from.value, to))
            .collect();
        let headers = self.scenario_headers(raw.headers.as_ref());
        self.included_headers.extend(headers);
        self.note_later_captures(&raw.setup, &raw.steps);
        let needs = words(raw.needs);
        let narrow = |mut step: RawStep| {
            // A step without dialects of its own is played where the include is.
            if step.dialect.is_none() && !dialects.is_empty() {
                let span = step.span.clone();
                let list = dialects.iter().map(|d| At {
                    value: d.clone(),
                    span: span.clone(),
                });
                step.dialect = Some(OneOrMany(list.collect()));
            }
            step
        };
        let first = raw
            .setup
            .unwrap_or_default()
            .into_iter()
            .map(narrow)
            .collect();
        let mut steps = self.steps(first, true);
        let rest = raw.steps.into_iter().map(narrow).collect();
        steps.extend(self.steps(rest, setup));
        for step in &mut steps {
            step.needs.extend(needs.iter().copied());
        }
        (steps, unknown.into_iter().map(|(from, _)| from).collect())
    }

    fn renames_of(&mut self, with: Option<&Pairs<At<String>>>) -> Vec<(At<String>, String)> {
        let mut renames = Vec::new();
        for (from, to) in with.map_or(&[][..], |Pairs(p)| p) {
            let target = self.reader.renamed(&to.value);
            if !self.scope.fixtures.contains_key(&target) {
                let known: Vec<String> = self.scope.fixtures.keys().cloned().collect();
                let problem =
                    Problem::new(format!("unknown fixture `{target}`"), "no such fixture");
                self.reader.error(
                    &to.span,
                    problem.suggest(&target, known.iter().map(String::as_str)),
                );
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
            self.reader.error(
                &span,
                problem.help("put it into the steps of the included file"),
            );
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
        loader.reader.sink.file = self.file;
        loader.reader.sink.text = self.text;
        loader.reader.renames = self.renames;
        loader.prefix = self.prefix;
        loader.include_line = self.include_line;
        loader.scope.later = self.later;
        loader.included_headers = self.headers;
    }
}

/// What a step does, as written.
enum What {
    Send(Box<RawRequest>),
    Parallel(Vec<RawRequest>),
    Pause(At<String>),
}

impl RawRequest {
    /// The part of a step that is a request.
    fn of(raw: &RawStep) -> Self {
        let raw = raw.clone();
        RawRequest {
            GET: raw.GET,
            POST: raw.POST,
            PUT: raw.PUT,
            PATCH: raw.PATCH,
            DELETE: raw.DELETE,
            HEAD: raw.HEAD,
            OPTIONS: raw.OPTIONS,
            query: raw.query,
            body: raw.body,
            body_text: raw.body_text,
            headers: raw.headers,
            auth: raw.auth,
            span: raw.span,
        }
    }

    fn methods(&self) -> Vec<(&'static str, &At<String>)> {
        [
            ("GET", &self.GET),
            ("POST", &self.POST),
            ("PUT", &self.PUT),
            ("PATCH", &self.PATCH),
            ("DELETE", &self.DELETE),
            ("HEAD", &self.HEAD),
            ("OPTIONS", &self.OPTIONS),
        ]
        .into_iter()
        .filter_map(|(method, target)| Some((method, target.as_ref()?)))
        .collect()
    }
}

/// Name of the variable, and the texts of `each` for as far as they are plain.
fn variable_of(raw: &RawRepeat) -> (String, Vec<String>) {
    let name = raw
        .r#as
        .as_ref()
        .map_or("n".to_owned(), |n| n.value.clone());
    let each = raw.each.iter().flatten();
    let texts = each.map(|n| match n.to_json() {
        Value::String(text) => text,
        other => other.to_string(),
    });
    (name, texts.collect())
}

fn words<T>(raw: Option<Vec<Word<T>>>) -> Vec<T> {
    raw.unwrap_or_default()
        .into_iter()
        .map(|w| w.value)
        .collect()
}

/// The id that a file should have: its path below the last `scenarios/`. `None` outside of such a folder.
fn id_of_path(file: &str) -> Option<String> {
    let path = file.replace('\\', "/");
    let parts: Vec<&str> = path.split('/').collect();
    let n = parts.iter().rposition(|p| *p == "scenarios")?;
    let below = parts[n + 1..].join("/");
    let id = below
        .strip_suffix(".yaml")
        .or_else(|| below.strip_suffix(".yml"))?;
    Some(id.to_owned())
}

/// The name of an included file for messages: beside the file that includes it, when that is in a `scenarios` folder.
fn sibling(file: &str, id: &str) -> String {
    let path = file.replace('\\', "/");
    match path.rfind("scenarios/") {
        Some(n) => format!("{}scenarios/{id}.yaml", &path[..n]),
        None => format!("{id}.yaml"),
    }
}

fn is_kebab(text: &str) -> bool {
    is_name(text) && !text.contains('_') && !text.chars().any(|c| c.is_ascii_uppercase())
}
