//! Legal variants: what a correct server may do differently. No rule may complain about any of them.
//!
//! Must not know the rules.

use super::behaviour::Hook;
use super::faults::unknown;

/// One allowed behaviour that differs from the healthy server's.
pub struct Variant {
    /// Kebab-case id; never reused.
    pub id: &'static str,
    /// What is different, in one line.
    pub title: &'static str,
    /// The text that leaves it open.
    pub spec: &'static str,
    /// Where it acts.
    pub hooks: &'static [Hook],
}

/// Every variant.
pub fn all() -> &'static [Variant] {
    &[]
}

/// The variant of this id, or what was probably meant.
pub fn find(id: &str) -> Result<&'static Variant, String> {
    all()
        .iter()
        .find(|v| v.id == id)
        .ok_or_else(|| unknown("variant", id, all().iter().map(|v| v.id)))
}
