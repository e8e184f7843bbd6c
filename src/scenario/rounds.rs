//! `repeat`: how often a step is played, and what its variables stand for.
//!
//! Must not know what the step does.

use super::error::Problem;
use super::lower::{Loader, Variables};
use super::model::Repeat;
use super::names::{self, Strictness};
use super::raw::RawRepeat;
use super::shape::{OneOrMany, Pairs};
use super::template::Template;
use serde_json::Value;

impl Loader<'_> {
    /// The variables of a repetition, each with the fixtures that it stands for (none for plain texts and numbers).
    pub(super) fn variables_of(&self, raw: &RawRepeat) -> Variables {
        if let (Some(with), Some((id, _, variables))) = (&raw.with, &self.rounds)
            && id.strip_prefix(&self.prefix) == Some(with.value.as_str())
        {
            return variables.clone();
        }
        let known = |f: &String| self.scope.fixtures.contains_key(f);
        if raw.advertised.is_some() {
            return vec![(variable(raw), vec![names::ADVERTISED.to_owned()])];
        }
        let each = texts(raw);
        let each = if each.iter().all(known) { each } else { Vec::new() };
        let mut variables = vec![(variable(raw), each)];
        for (name, crowd) in raw.beside.iter().flat_map(|Pairs(p)| p) {
            variables.push((name.value.clone(), vec![self.reader.renamed(&crowd.value)]));
        }
        variables
    }

    /// The stop condition's names come back apart: it is judged after the step's captures.
    pub(super) fn repeat(&mut self, raw: RawRepeat, dialects: &[String]) -> (Option<Repeat>, Vec<names::Use>) {
        if raw.with.is_some() {
            return (self.joined(&raw), Vec::new());
        }
        let name = variable(&raw);
        for given in raw.r#as.iter().chain(raw.beside.iter().flat_map(|Pairs(p)| p.iter().map(|(name, _)| name))) {
            self.check_name(given, "variable");
            if self.scope.fixtures.contains_key(&given.value) || names::is_reserved(&given.value) {
                let problem = Problem::new(format!("the name `{}` is taken", given.value), "here");
                self.reader.error(&given.span, problem);
            }
        }
        let kinds = [raw.count.is_some(), raw.each.is_some(), raw.until.is_some(), raw.advertised.is_some()];
        if kinds.iter().filter(|k| **k).count() != 1 {
            let problem = Problem::new("a repetition is one of `count`, `each`, `advertised` or `until`", "here");
            self.reader.error(&raw.span, problem);
            return (None, Vec::new());
        }
        self.refuse_strays(&raw);
        let from = raw.from.unwrap_or(1);
        if let Some(count) = raw.count {
            if count.value == 0 {
                let problem = Problem::new("the step is never played", "`count` is 0");
                self.reader.error(&count.span, problem);
            }
            return (Some(Repeat::Count { name, from, count: count.value }), Vec::new());
        }
        if let Some(class) = raw.advertised {
            if !self.scope.fixtures.contains_key(names::ADVERTISED) {
                let problem = Problem::new("`advertised` needs `for_each: advertised` at the top of the file", "here");
                self.reader.error(&raw.span, problem);
            }
            return (Some(Repeat::Advertised { name, class: class.value }), Vec::new());
        }
        if raw.each.is_some() {
            return (self.each(raw, name, dialects), Vec::new());
        }
        let limit = raw.limit.unwrap_or(100);
        let mut conditions = raw.until.map_or_else(Vec::new, |c| self.reader.conditions(c));
        let uses = std::mem::take(&mut self.reader.uses);
        if conditions.len() > 1 {
            let problem = Problem::new("`until` is one condition", "more than one matcher here");
            self.reader.error(&raw.span, problem);
        }
        let repeat = conditions.pop().map(|condition| Repeat::Until { name, from, condition, limit });
        (repeat, uses)
    }

    /// In the rounds of the step before.
    fn joined(&mut self, raw: &RawRepeat) -> Option<Repeat> {
        let with = raw.with.as_ref()?;
        let alone = raw.r#as.is_none()
            && raw.count.is_none()
            && raw.each.is_none()
            && raw.advertised.is_none()
            && raw.until.is_none()
            && raw.changed.is_none()
            && raw.beside.is_none();
        if !alone {
            let problem = Problem::new("`with` stands alone: the step before says how often", "here");
            self.reader.error(&with.span, problem);
        }
        match &self.rounds {
            Some((id, repeat, _)) if id.strip_prefix(&self.prefix) == Some(with.value.as_str()) => Some(repeat.clone()),
            Some((id, ..)) => {
                let problem = Problem::new(format!("`{}` is not the step before", with.value), "which step?");
                self.reader.error(&with.span, problem.help(format!("the step before is `{id}`")));
                None
            }
            None => {
                let problem = Problem::new("the step before is not repeated", "nothing to join");
                self.reader.error(&with.span, problem);
                None
            }
        }
    }

    fn each(&mut self, raw: RawRepeat, name: String, dialects: &[String]) -> Option<Repeat> {
        let crowd = match texts(&raw).as_slice() {
            [one] => Some(self.reader.renamed(one)).filter(|c| self.scope.crowds.contains(c)),
            _ => None,
        };
        if let Some(crowd) = crowd {
            if let Some(percent) = raw.changed.as_ref().filter(|p| p.value > 100) {
                self.reader.error(&percent.span, Problem::new("more than all of them", "at most 100 percent"));
            }
            let mut beside = Vec::new();
            for (variable, other) in raw.beside.map_or_else(Vec::new, |Pairs(p)| p) {
                let target = self.reader.renamed(&other.value);
                if !self.scope.crowds.contains(&target) {
                    let problem = Problem::new(format!("there is no crowd `{target}`"), "no such crowd");
                    let known: Vec<String> = self.scope.crowds.iter().cloned().collect();
                    self.reader.error(&other.span, problem.suggest(&target, known.iter().map(String::as_str)));
                }
                beside.push((variable.value, target));
            }
            return Some(Repeat::Crowd { name, crowd, changed: raw.changed.map(|p| p.value), beside });
        }
        for span in raw
            .changed
            .iter()
            .map(|c| &c.span)
            .chain(raw.beside.iter().flat_map(|Pairs(p)| p.iter().map(|(n, _)| &n.span)))
        {
            let problem = Problem::new("only a crowd has parts and others beside it", "`each` names no crowd");
            self.reader.error(span, problem);
        }
        let nodes = raw.each.map_or_else(Vec::new, |OneOrMany(nodes)| nodes);
        let items: Vec<Template> = nodes.iter().filter_map(|n| self.reader.scalar(n)).collect();
        names::check_uses(&mut self.reader, &self.scope, dialects, Strictness::Sent);
        if items.is_empty() {
            let problem = Problem::new("the step is never played", "`each` is empty");
            self.reader.error(&raw.span, problem);
        }
        Some(Repeat::Each { name, items })
    }

    fn refuse_strays(&mut self, raw: &RawRepeat) {
        if raw.from.is_some() && raw.each.is_some() {
            let problem = Problem::new("`from` is for `count` and `until`", "here");
            self.reader.error(&raw.span, problem);
        }
        if (raw.changed.is_some() || raw.beside.is_some()) && raw.each.is_none() {
            let problem = Problem::new("`changed` and `beside` are for `each` of a crowd", "here");
            self.reader.error(&raw.span, problem);
        }
    }
}

fn variable(raw: &RawRepeat) -> String {
    raw.r#as.as_ref().map_or("n".to_owned(), |n| n.value.clone())
}

/// The texts of `each`, for as far as they are plain.
fn texts(raw: &RawRepeat) -> Vec<String> {
    let nodes = raw.each.iter().flat_map(|OneOrMany(nodes)| nodes);
    let text = |json: Value| match json {
        Value::String(text) => text,
        other => other.to_string(),
    };
    nodes.map(|n| text(n.to_json())).collect()
}
