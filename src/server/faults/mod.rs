//! Faults: what real servers got wrong, each one entry that can be switched on.
//!
//! Must not know the rules that find them.

mod advertised;
mod answers;
mod aside;
mod astray;
mod auth;
mod bulk;
mod concurrency;
mod crashes;
mod create;
mod deactivate;
mod discovery;
mod documents;
mod errors;
mod exact;
mod field;
mod field_writes;
mod filter;
mod found;
mod found_queries;
mod groups;
mod headers;
mod idempotency;
mod mined;
mod mined_writes;
mod mixups;
mod odd;
mod onlookers;
mod pagination;
mod patch;
mod projection;
mod put;
mod rarer;
mod reported;
mod sample5_reads;
mod sample5_reads_writes;
mod sample5_writes;
mod sample5_writes_answers;
mod sample_patch;
mod sample_patch_groups;
mod sample_reads;
mod sample_reads_answers;
mod sample_reads_lists;
mod sample_writes;
mod sample_writes_later;
mod schema;
pub(super) mod tools;
mod whole;

use super::behaviour::Hook;
use std::sync::LazyLock;

/// One wrong behaviour.
#[derive(Clone, Copy)]
pub struct Fault {
    /// Kebab-case id; never reused.
    pub id: &'static str,
    /// What is wrong, in one line.
    pub title: &'static str,
    /// The area, as in the list of public bugs.
    pub area: &'static str,
    /// Public reports of this very behaviour; empty for a sibling of a reported one.
    pub source: &'static [&'static str],
    /// What this server does then.
    pub wrong: &'static str,
    /// What a correct server does.
    pub right: &'static str,
    /// Where it acts.
    pub hooks: &'static [Hook],
}

/// Every fault, by area.
pub fn all() -> &'static [Fault] {
    static ALL: LazyLock<Vec<Fault>> = LazyLock::new(|| {
        [
            answers::FAULTS,
            create::FAULTS,
            filter::FAULTS,
            patch::FAULTS,
            put::FAULTS,
            deactivate::FAULTS,
            groups::FAULTS,
            pagination::FAULTS,
            discovery::FAULTS,
            documents::FAULTS,
            errors::FAULTS,
            auth::FAULTS,
            headers::FAULTS,
            projection::FAULTS,
            concurrency::FAULTS,
            idempotency::FAULTS,
            schema::FAULTS,
            bulk::FAULTS,
            rarer::FAULTS,
            aside::FAULTS,
            exact::FAULTS,
            odd::FAULTS,
            reported::FAULTS,
            advertised::FAULTS,
            mined::FAULTS,
            mixups::FAULTS,
            astray::FAULTS,
            onlookers::FAULTS,
            mined_writes::FAULTS,
            field::FAULTS,
            field_writes::FAULTS,
            whole::FAULTS,
            found::FAULTS,
            found_queries::FAULTS,
            crashes::FAULTS,
            sample_patch::FAULTS,
            sample_patch_groups::FAULTS,
            sample_reads::FAULTS,
            sample_reads_lists::FAULTS,
            sample_reads_answers::FAULTS,
            sample_writes::FAULTS,
            sample_writes_later::FAULTS,
            sample5_writes::FAULTS,
            sample5_writes_answers::FAULTS,
            sample5_reads::FAULTS,
            sample5_reads_writes::FAULTS,
        ]
        .concat()
    });
    &ALL
}

/// The fault of this id, or what was probably meant.
pub fn find(id: &str) -> Result<&'static Fault, String> {
    all().iter().find(|f| f.id == id).ok_or_else(|| unknown("fault", id, all().iter().map(|f| f.id)))
}

/// The message for an id that does not exist.
pub fn unknown<'a>(what: &str, id: &str, known: impl Iterator<Item = &'a str>) -> String {
    let nearest = known.map(|k| (distance(id, k), k)).min().filter(|(d, k)| *d <= k.len().max(id.len()) / 2);
    match nearest {
        Some((_, near)) => format!("there is no {what} `{id}`; did you mean `{near}`?"),
        None => format!("there is no {what} `{id}`; `scimproof list {what}s` shows all"),
    }
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let swap = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = swap.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}
