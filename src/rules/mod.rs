//! The catalogue: every rule, one file per area. Pure: rules see a [`view::View`], never the engine, and no rule decides how
//! bad a finding is for this user.

mod patch;
mod refusal;
pub mod rule;
mod state;
pub mod view;

pub use rule::{Finding, Impact, Level, Rule, Verdict};

/// Every rule, in the order of the areas.
pub fn catalogue() -> impl Iterator<Item = &'static Rule> {
    [patch::RULES].into_iter().flatten()
}
