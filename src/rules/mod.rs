//! The catalogue: every rule, one file per area. Pure: rules see a [`view::View`], never the engine, and no rule decides how
//! bad a finding is for this user.

mod access;
mod advertised;
mod bulk;
mod bulk_alone;
mod config;
mod create;
mod cursor;
mod discovery;
mod documents;
mod etag;
mod filter;
mod groups;
mod identity;
mod keys;
mod leeway;
pub(crate) mod limits;
mod list;
mod me;
mod memberships;
mod messages;
mod meta;
mod patch;
mod patch_refused;
mod projection;
mod put;
mod reads;
mod reasons;
mod references;
mod refusal;
pub mod rule;
mod schema;
mod sort;
mod spelling;
mod state;
mod values;
pub mod view;

pub use rule::{Finding, Impact, Level, Rule, Verdict};

/// Every rule, area by area: security and loss of data first.
pub fn catalogue() -> impl Iterator<Item = &'static Rule> {
    [
        messages::RULES,
        access::RULES,
        reasons::RULES,
        identity::RULES,
        groups::RULES,
        memberships::RULES,
        patch::RULES,
        patch_refused::RULES,
        put::RULES,
        reads::RULES,
        create::RULES,
        filter::RULES,
        sort::RULES,
        projection::RULES,
        list::RULES,
        cursor::RULES,
        schema::RULES,
        spelling::RULES,
        references::RULES,
        values::RULES,
        meta::RULES,
        advertised::RULES,
        discovery::RULES,
        documents::RULES,
        config::RULES,
        etag::RULES,
        bulk::RULES,
        bulk_alone::RULES,
        me::RULES,
        limits::RULES,
    ]
    .into_iter()
    .flatten()
}

/// The rule with that id.
pub fn find(id: &str) -> Option<&'static Rule> {
    catalogue().find(|r| r.id == id)
}
