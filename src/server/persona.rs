//! Personas: the embedded server in the part of a product. A persona is a profile's list of faults, variants and the traits below.
//!
//! Must not know scenarios or rules. A trait is what a product documents and no fault or variant does already.

mod accounts;
mod groups;
mod whole;

use super::Options;
use super::behaviour::Hook;
use super::faults::unknown;
use super::store::Tenant;
use crate::profile::provider::ProviderProfile;

/// One documented behaviour.
pub struct Trait {
    /// Kebab-case id.
    pub id: &'static str,
    /// What is different, in one line.
    pub title: &'static str,
    /// Where it acts.
    pub hooks: &'static [Hook],
    /// What a tenant holds before anybody writes.
    pub seed: Option<fn(&mut Tenant)>,
}

/// Every trait.
pub fn all() -> impl Iterator<Item = &'static Trait> {
    accounts::TRAITS.iter().chain(groups::TRAITS).chain(whole::TRAITS)
}

/// The trait of this id, or what was probably meant.
pub fn find(id: &str) -> Result<&'static Trait, String> {
    all().find(|t| t.id == id).ok_or_else(|| unknown("trait", id, all().map(|t| t.id)))
}

/// Server options with a product's ways added to those that were asked for.
pub fn play(profile: &ProviderProfile, mut options: Options) -> Options {
    let persona = &profile.persona;
    options.traits.extend(persona.traits.iter().cloned());
    options.faults.extend(persona.faults.iter().cloned());
    options.variants.extend(persona.variants.iter().cloned());
    if let Some(path) = profile.base_path.clone().filter(|p| !p.is_empty()) {
        options.base_path = path;
    }
    options
}
