//! Look-ups that miss for something special about who was looked for, where no look-up of that type found anybody in the whole
//! run: then it is the look-up that is broken.
//!
//! Must not know rules beyond their ids.

use super::findings::{Followed, RawFinding};
use crate::event::CaseReport;
use crate::scim::value::get_ci;
use serde_json::Value;
use std::collections::BTreeSet;

/// What speaks of the plain look-up.
const PLAIN: &str = "filter/match-missing";
/// What speaks of a special one.
const SPECIAL: &[&str] = &["filter/external-id-not-found", "filter/inactive-hidden", "filter/username-case-sensitive"];

/// Takes out what blames the case, the status or the externalId of somebody where nobody was ever found by a filter.
pub(super) fn without_special(
    raw: Vec<RawFinding>,
    cases: &[CaseReport],
    followed: &mut Followed,
) -> Vec<RawFinding> {
    if !raw.iter().any(|f| SPECIAL.contains(&f.rule.id)) {
        return raw;
    }
    let plain: BTreeSet<String> = raw.iter().filter(|f| f.rule.id == PLAIN).filter_map(endpoint).collect();
    let found = found_somebody(cases);
    let kept = raw.into_iter().filter(|f| {
        let special = SPECIAL.contains(&f.rule.id);
        let follows = special && endpoint(f).is_some_and(|e| plain.contains(&e) && !found.contains(&e));
        if follows {
            followed.entry(PLAIN).or_default().insert(f.rule.id);
        }
        !follows
    });
    kept.collect()
}

fn endpoint(f: &RawFinding) -> Option<String> {
    f.exchange.request.segments().first().cloned()
}

/// Endpoints at which a filter has found somebody.
fn found_somebody(cases: &[CaseReport]) -> BTreeSet<String> {
    let steps = cases.iter().flat_map(|c| &c.steps);
    let hits = steps.filter_map(|step| {
        let (path, query) = step.request.as_ref()?.url.split_once('?')?;
        let list = step.response.as_ref()?.body.as_ref()?.as_object()?;
        let found = get_ci(list, "Resources").and_then(Value::as_array).is_some_and(|all| !all.is_empty());
        let filtered = query.split('&').any(|pair| pair.starts_with("filter="));
        (found && filtered).then(|| path.rsplit('/').next().unwrap_or_default().to_owned())
    });
    hits.collect()
}
