//! How far a run is: rounds of steps done, of those that there will be.
//!
//! Must not judge or send anything; the count is a guess where an answer decides how often a step is played.

use super::Case;
use crate::event::Event;
use crate::scenario::model::{Repeat, Step, Volume};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counted by all cases of a run.
#[derive(Default)]
pub(crate) struct Progress {
    done: AtomicUsize,
    planned: AtomicUsize,
    /// The case that began last.
    case: Mutex<String>,
}

impl Progress {
    /// Nothing done yet.
    pub(crate) fn of(cases: &[Case], volume: &Volume) -> Self {
        let planned = cases.iter().map(|case| planned(case, volume)).sum::<usize>();
        Self { planned: AtomicUsize::new(planned), ..Self::default() }
    }

    /// A case begins.
    pub(crate) fn begin(&self, case: &str) {
        // Whoever panicked while holding it had only text in hand.
        case.clone_into(&mut self.case.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }

    /// So many rounds more are done.
    pub(crate) fn done(&self, rounds: usize) {
        self.done.fetch_add(rounds, Ordering::Relaxed);
    }

    /// So many more are to be done than was thought.
    pub(crate) fn more(&self, rounds: usize) {
        self.planned.fetch_add(rounds, Ordering::Relaxed);
    }

    /// How far we are.
    pub(crate) fn event(&self) -> Event {
        let case = self.case.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        Event::Progress { done: self.done.load(Ordering::Relaxed), total: self.planned.load(Ordering::Relaxed), case }
    }
}

/// Rounds of steps in a case.
pub(crate) fn planned(case: &Case, volume: &Volume) -> usize {
    let dialect = case.dialect.as_ref().map(|d| &d.name);
    let played = |step: &&Step| step.dialects.is_empty() || dialect.is_some_and(|d| step.dialects.contains(d));
    case.scenario.steps.iter().filter(played).map(|step| rounds(case, step, volume)).sum()
}

fn rounds(case: &Case, step: &Step, volume: &Volume) -> usize {
    let count = match &step.repeat {
        // How many attributes the target has is not known beforehand.
        None | Some(Repeat::Until { .. } | Repeat::Advertised { .. }) => 1,
        Some(Repeat::Count { count, .. }) => *count,
        Some(Repeat::Each { items, .. }) => items.len() as u64,
        Some(Repeat::Crowd { crowd, changed, .. }) => {
            let size = case.scenario.crowds.iter().find(|c| c.name == *crowd).map_or(0, |c| c.size(volume));
            changed.map_or(size, |own| size * volume.changes.unwrap_or(own).min(100) / 100)
        }
    };
    usize::try_from(count).unwrap_or(usize::MAX)
}
