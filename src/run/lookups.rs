//! Look-ups that miss for something special about who was looked for, where no look-up of that type found anybody in the whole
//! run: then it is the look-up that is broken.
//!
//! Must not know rules beyond their ids.

use super::consequences::{Followed, endpoint, strike};
use super::findings::RawFinding;
use crate::event::CaseReport;
use crate::scim::value::get_ci;
use serde_json::Value;
use std::collections::BTreeSet;
use url::Url;

/// What speaks of the plain look-up.
const PLAIN: &str = "filter/match-missing";
/// What speaks of a special one.
const SPECIAL: &[&str] = &["filter/external-id-not-found", "filter/inactive-hidden", "filter/username-case-sensitive"];

/// How the look-up by name begins, in small letters.
const BY_NAME: &str = "username eq";

/// So many conversations without a hit are no accident.
const MANY: usize = 8;

/// Takes out what blames the case, the status or the externalId of somebody where nobody was ever found by a filter.
pub(super) fn without_special(raw: Vec<RawFinding>, cases: &[CaseReport], followed: &mut Followed) -> Vec<RawFinding> {
    if !raw.iter().any(|f| SPECIAL.contains(&f.rule.id)) {
        return raw;
    }
    let plain: BTreeSet<String> = raw.iter().filter(|f| f.rule.id == PLAIN).filter_map(endpoint).collect();
    let broken: BTreeSet<String> = plain.iter().filter(|e| finds_nobody(cases, e, "")).cloned().collect();
    let names = plain.contains("Users") && finds_nobody(cases, "Users", BY_NAME);
    let by_name = |f: &RawFinding| filter_of(&f.exchange.request.url).is_some_and(|t| t.starts_with(BY_NAME));
    strike(raw, followed, PLAIN, |f| {
        SPECIAL.contains(&f.rule.id)
            && endpoint(f).is_some_and(|e| broken.contains(&e) || (names && e == "Users" && by_name(f)))
    })
}

/// The filter of a request in small letters.
fn filter_of(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    url.query_pairs().find(|(name, _)| name == "filter").map(|(_, text)| text.to_ascii_lowercase())
}

/// True when filters that begin so were sent to that endpoint in many conversations, and none of them has found anybody.
fn finds_nobody(cases: &[CaseReport], endpoint: &str, beginning: &str) -> bool {
    let hits = |case: &CaseReport| -> Option<bool> {
        let asked = case.steps.iter().filter_map(|step| {
            let url = &step.request.as_ref()?.url;
            let path = url.split('?').next().unwrap_or(url);
            let combined = |text: &str| !beginning.is_empty() && (text.contains(" or ") || text.contains(" and "));
            let filtered = filter_of(url).is_some_and(|text| text.starts_with(beginning) && !combined(&text));
            let list = step.response.as_ref()?.body.as_ref()?.as_object()?;
            let found = get_ci(list, "Resources").and_then(Value::as_array).is_some_and(|all| !all.is_empty());
            (filtered && path.rsplit('/').next() == Some(endpoint)).then_some(found)
        });
        asked.reduce(|any, found| any || found)
    };
    let asked: Vec<bool> = cases.iter().filter_map(hits).collect();
    asked.len() >= MANY && !asked.contains(&true)
}
