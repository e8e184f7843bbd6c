//! Which steps of a case are played, and how often: the ones asked for, counted, for each item, for each of a crowd, until a
//! condition holds.
//!
//! Must not send or judge: a round hands its step over.

use super::Player;
use crate::engine::render;
use crate::event::Outcome;
use crate::run::walk::Walk;
use crate::scenario::model::{Action, AttributeClass, Repeat, Step, is_changed};
use crate::scenario::names::ADVERTISED;
use serde_json::Value;
use std::sync::atomic::Ordering;

/// Rounds of one repeated step that are kept in the report when nothing was found in them.
const SHOWN_ROUNDS: u64 = 20;
/// Further rounds of it that are kept because something was found in them.
const FAILED_ROUNDS: usize = 100;

impl Player<'_> {
    /// With `--only`, the index of the last step that is asked for: what stands before it is played, too.
    pub(super) fn last_wanted(&self, steps: &[Step]) -> Option<usize> {
        let only = &self.context.options.only;
        (!only.is_empty()).then(|| {
            steps.iter().rposition(|s| only.iter().any(|o| o.split('/').next() == Some(s.id.as_str()))).unwrap_or(0)
        })
    }

    /// Plays steps that belong together: in each round one after the other.
    pub(super) async fn steps_in_rounds(&mut self, steps: &[&Step]) {
        let mut playable = Vec::new();
        for step in steps {
            match step.needs.iter().find_map(|n| self.lacking(*n)) {
                None => playable.push(*step),
                Some(reason) => {
                    // What later steps expect of a write that was not sent is no news either.
                    if matches!(&step.action, Action::Send(spec) if !matches!(spec.method.as_str(), "GET" | "HEAD")) {
                        self.broken.get_or_insert_with(|| step.id.clone());
                    }
                    self.note(step, Outcome::Skipped, reason);
                }
            }
        }
        match playable.first().and_then(|step| step.repeat.as_ref()) {
            None => self.rounds(&playable, None).await,
            Some(Repeat::Count { name, from, count }) => {
                for n in 0..*count {
                    self.values.set_variable(name, Value::from(from + n));
                    self.rounds(&playable, Some(n + 1)).await;
                }
            }
            Some(Repeat::Each { name, items }) => {
                for (n, item) in (1..).zip(items) {
                    if let Ok(text) = item.render(&self.values) {
                        self.values.set_variable(name, Value::String(text));
                        self.rounds(&playable, Some(n)).await;
                    }
                }
            }
            Some(Repeat::Crowd { name, crowd, changed, beside }) => {
                let percent = changed.map(|own| self.context.options.volume.changes.unwrap_or(own));
                let everyone = 1..=self.values.crowd_size(crowd);
                let chosen = everyone.filter(|n| percent.is_none_or(|p| is_changed(*n, p)));
                for (round, n) in (1..).zip(chosen) {
                    self.values.set_variable(name, Value::String(format!("{crowd}.{n}")));
                    for (other, among) in beside {
                        let number = (n - 1) % self.values.crowd_size(among).max(1) + 1;
                        self.values.set_variable(other, Value::String(format!("{among}.{number}")));
                    }
                    self.rounds(&playable, Some(round)).await;
                }
            }
            Some(Repeat::Advertised { name, class }) => self.each_attribute(&playable, name, *class).await,
            Some(Repeat::Until { name, from, condition, limit }) => {
                let mut walk = Walk::default();
                for n in 0..*limit {
                    self.values.set_variable(name, Value::from(from + n));
                    self.rounds(&playable, Some(n + 1)).await;
                    let last = self.past.last().map(|past| &past.exchange);
                    let page = last.and_then(|e| Some((e.request.url.as_str(), e.json()?)));
                    let stuck = page.is_some_and(|(url, list)| !walk.moves(url, list));
                    if render::holds(condition, &self.values) || self.error || stuck {
                        break;
                    }
                }
            }
        }
    }

    pub(super) async fn rounds(&mut self, steps: &[&Step], round: Option<u64>) {
        for step in steps {
            self.round(step, round).await;
        }
        let again = steps.first().is_some_and(|s| matches!(s.repeat, Some(Repeat::Until { .. }))) && round > Some(1);
        if again {
            self.context.progress.more(steps.len());
        } else {
            self.ahead = self.ahead.saturating_sub(steps.len());
        }
        self.context.progress.done(steps.len());
    }

    /// One round for each advertised attribute of a class; a class without any is told as such.
    pub(super) async fn each_attribute(&mut self, steps: &[&Step], name: &str, class: AttributeClass) {
        let of_class = self.sample.attributes.iter().filter(|(classes, _)| classes.contains(&class));
        let found: Vec<_> = of_class.map(|(_, values)| values.clone()).collect();
        if found.is_empty() {
            for step in steps {
                self.note(step, Outcome::Skipped, "no advertised attribute is of that kind".to_owned());
            }
            return;
        }
        for (n, values) in found.into_iter().enumerate() {
            self.values.add_known(ADVERTISED, values);
            self.values.set_variable(name, Value::String(ADVERTISED.to_owned()));
            self.rounds(steps, Some(n as u64 + 1)).await;
        }
    }

    pub(super) async fn round(&mut self, step: &Step, round: Option<u64>) {
        if self.error || self.context.stop.load(Ordering::SeqCst) || self.context.silent().is_some() {
            return;
        }
        if !step.when.iter().all(|c| render::holds(c, &self.values)) {
            if round.is_none() {
                self.note(step, Outcome::Skipped, "its condition does not hold here".to_owned());
            }
            return;
        }
        match &step.action {
            Action::Pause(duration) => {
                if self.context.options.real_time {
                    tokio::time::sleep(*duration).await;
                }
            }
            Action::Send(spec) => self.send_one(step, spec, round).await,
            Action::Parallel(specs) => self.send_many(step, specs).await,
        }
    }

    /// Of a step that is played a hundred thousand times the report shows the first rounds, and the first that failed.
    pub(in crate::run) fn thin(&mut self, at: usize, round: Option<u64>) {
        if round.is_none_or(|n| n <= SHOWN_ROUNDS) || at + 1 != self.steps.len() {
            return;
        }
        let passed = self.steps[at].outcome == Outcome::Passed;
        let kept = self.failed_rounds.entry(self.steps[at].id.clone()).or_default();
        if passed || *kept >= FAILED_ROUNDS {
            self.steps.pop();
        } else {
            *kept += 1;
        }
    }
}
