//! The catalogue: every rule, one file per area. Pure: rules see a [`view::View`], never the engine.

pub mod rule;
pub mod view;

pub use rule::{Finding, Impact, Level, Rule, Verdict};
