//! One step of a file → the typed step: what it does, what it is called, what it takes and expects.
//!
//! Must not know files that include each other.

use super::doc::{At, Node};
use super::error::Problem;
use super::filters;
use super::lower::{Loader, words};
use super::model::{Action, BodySpec, Capture, Condition, Expect, Recorded, RequestSpec, Step};
use super::names::{self, Strictness};
use super::raw::{RawCondition, RawExpect, RawRecorded, RawRequest, RawStep};
use super::shape::{OneOrMany, Pairs};
use super::template::{Template, is_dotted_name, is_name};
use std::ops::Range;

impl Loader<'_> {
    pub(super) fn step(&mut self, raw: RawStep, setup: bool) -> Option<Step> {
        let what = self.kind(&raw)?;
        let id = self.id(raw.step.as_ref(), &what, &raw.span);
        let title = self.title(raw.title.as_deref(), &what, &raw.span);
        let dialects = self.played(raw.dialect);
        let joined = raw.repeat.as_ref().is_some_and(|r| r.with.is_some());
        self.scope.variables = raw.repeat.as_ref().map_or_else(Vec::new, |r| self.variables_of(r));

        let when = self.conditions_of(raw.when, &dialects);
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
        let variables = std::mem::take(&mut self.scope.variables);
        self.rounds = repeat.clone().map(|repeat| (id.clone(), repeat, variables));

        Some(Step {
            id,
            title,
            line: self.include_line.unwrap_or_else(|| self.line(&raw.span)),
            dialects,
            needs: words(raw.needs),
            cycle: raw.cycle,
            when,
            repeat,
            joined,
            setup,
            action,
            expect,
            capture,
            impact: raw.impact.map(|w| w.value),
            verify: raw.verify.unwrap_or(true),
            recorded: raw.recorded.and_then(|r| self.recorded(&r)),
        })
    }

    pub(super) fn conditions_of(
        &mut self,
        raw: Option<OneOrMany<RawCondition>>,
        dialects: &[String],
    ) -> Vec<Condition> {
        let list = raw.map_or_else(Vec::new, |OneOrMany(list)| list);
        let conditions = list.into_iter().flat_map(|c| self.reader.conditions(c)).collect();
        names::check_uses(&mut self.reader, &self.scope, dialects, Strictness::Asked);
        conditions
    }

    /// Finds the one thing that a step does.
    fn kind(&mut self, raw: &RawStep) -> Option<What> {
        let request = RawRequest::of(raw);
        let methods = request.methods();
        let mut found: Vec<(&str, Range<usize>)> =
            methods.iter().map(|(m, target)| (*m, target.span.clone())).collect();
        if let Some(list) = &raw.parallel {
            found.push(("parallel", list.first().map_or(raw.span.clone(), |r| r.span.clone())));
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
                let problem =
                    Problem::new(format!("the step does two things: `{first}` and `{second}`"), "the second one");
                self.reader.error(&span.clone(), problem.help("make two steps of it, or use `parallel`"));
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
        odd.extend(request.body_text.as_ref().map(|b| ("body_text", b.span.clone())));
        odd.extend(request.query.as_ref().and_then(first).map(|s| ("query", s)));
        odd.extend(request.headers.as_ref().and_then(first).map(|s| ("headers", s)));
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
                self.reader.error(span, problem.help("add `step: look-up`, unique in the file"));
                return String::new();
            }
        };
        if let Some(first) = self.ids.get(&id) {
            let problem = Problem::new(format!("the step id `{id}` is used twice"), format!("first in line {first}"));
            let problem = match self.include_line {
                Some(_) => problem.help("give the `include` a `step:`; it is put in front of the included ids"),
                None => problem.help("results are told apart by their ids; rename one"),
            };
            self.reader.error(&step.map_or(span.clone(), |s| s.span.clone()), problem);
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
                self.reader.error(span, problem.help("say what the provider does here and why"));
                String::new()
            }
        }
    }

    pub(super) fn played(&mut self, raw: Option<OneOrMany<At<String>>>) -> Vec<String> {
        let mut dialects = Vec::new();
        for dialect in raw.map_or_else(Vec::new, |OneOrMany(d)| d) {
            if !self.scope.dialects.contains(&dialect.value) {
                let problem = Problem::new(format!("unknown dialect `{}`", dialect.value), "not in `dialects`");
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
        if !(text.starts_with('/') || text.starts_with("${") || text.starts_with('?') || text.is_empty()) {
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

    fn captures(&mut self, raw: Option<Pairs<At<String>>>, action: &Action, dialects: &[String]) -> Vec<Capture> {
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
                captures.push(Capture { name, from, optional });
            }
        }
        captures
    }

    /// Documentation: holes in it are not looked at.
    fn recorded(&mut self, raw: &RawRecorded) -> Option<Recorded> {
        Some(Recorded { status: self.reader.status(&raw.status)?, body: raw.body.as_ref().map(Node::to_json) })
    }

    fn expect(&mut self, raw: RawExpect) -> Expect {
        let mut expect =
            Expect { level: raw.level.map(|w| w.value), spec: raw.spec, message: raw.message, ..Expect::default() };
        for node in raw.status.map_or_else(Vec::new, |OneOrMany(s)| s) {
            expect.status.extend(self.reader.status(&node));
        }
        for (key, node) in raw.body.map_or_else(Vec::new, |Pairs(p)| p) {
            let place = self.reader.place(&key);
            let matchers = self.reader.matchers(&node);
            if let Some(place) = place {
                expect.body.extend(matchers.into_iter().map(|m| (place.clone(), m)));
            }
        }
        for (key, node) in raw.headers.map_or_else(Vec::new, |Pairs(p)| p) {
            let matchers = self.reader.matchers(&node);
            expect.headers.extend(matchers.into_iter().map(|m| (key.value.clone(), m)));
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
}

/// What a step does, as written.
enum What {
    Send(Box<RawRequest>),
    Parallel(Vec<RawRequest>),
    Pause(At<String>),
}

impl RawRequest {
    /// The part of a step that is a request.
    pub(super) fn of(raw: &RawStep) -> Self {
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
            intact: raw.intact,
        }
    }

    pub(super) fn methods(&self) -> Vec<(&'static str, &At<String>)> {
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

fn is_kebab(text: &str) -> bool {
    is_name(text) && !text.contains('_') && !text.chars().any(|c| c.is_ascii_uppercase())
}
