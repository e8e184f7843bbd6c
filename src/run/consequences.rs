//! What follows from another finding is told with it, and not by itself: one finding per cause.
//!
//! Must not judge and must not know the server: only ids of rules, and where they were seen.

use super::findings::RawFinding;
use super::forms::without_forms;
use crate::exchange::Exchange;
use crate::scim::value::get_ci;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What follows from a cause in the same case: told with the cause, and not by itself.
const FOLLOWS: &[(&str, &[&str])] = &[
    ("discovery/type-not-served", &["list/valid-request-refused"]),
    ("create/answer-without-id", NO_USABLE_ID),
    (
        "create/answer-without-id",
        &[
            "create/client-id-kept",
            "create/id-is-external-id",
            "create/location-wrong",
            "group/unknown-member-stored",
            "schema/id-not-text",
            "schema/location-wrong",
        ],
    ),
    ("schema/id-not-text", NO_USABLE_ID),
    ("put/answer-shows-old-state", &["put/answer-hides-what-stays"]),
    // Who was not deleted is replaced, and not made.
    ("delete/still-there", &["put/creates-unknown"]),
    // Two names for one record: each look-up finds the other one, or nobody.
    ("identity/create-answers-with-other", MIXED_UP),
    ("create/duplicate-accepted", MIXED_UP),
    (
        "identity/other-resource-changed",
        &[
            "create/username-altered",
            "identity/id-changed",
            "put/answer-hides-what-stays",
            "read/write-answer-not-kept",
            "schema/created-changes",
            "schema/read-changes-modified",
        ],
    ),
    // Who is gone is missing everywhere, can be made once more and cannot be changed.
    (
        "identity/live-resource-not-found",
        &[
            "create/duplicate-accepted",
            "error/refused-but-changed",
            "filter/external-id-not-found",
            "filter/match-missing",
            "group/add-replaces-members",
            "group/member-change-refused",
            "group/member-not-added",
            "group/members-changed-by-other-write",
            "group/redundant-change-refused",
            "list/resource-missing",
            "list/total-wrong",
            "patch/dotted-key-refused",
        ],
    ),
    ("list/resource-missing", &["list/total-wrong"]),
    // The create named an id that nobody has: whoever asks for it meets nobody, and the right one is a stranger.
    (
        "identity/list-id-differs",
        &[
            "bulk/valid-operation-refused",
            "create/location-wrong",
            "create/valid-group-refused",
            "filter/inactive-hidden",
            "filter/username-case-sensitive",
            "group/removal-deletes-user",
            "put/valid-request-refused",
            "schema/location-wrong",
        ],
    ),
    ("list/start-index-wrong", &["list/past-end-not-empty"]),
    ("list/same-id-twice", &["cursor/walk-wrong", "list/pages-disagree"]),
    (
        "identity/id-changed",
        &[
            "filter/match-missing",
            "group/unknown-member-stored",
            "identity/list-id-differs",
            "list/entry-differs-from-read",
            "patch/answer-shows-old-state",
            "put/valid-request-refused",
        ],
    ),
    (
        "group/members-from-nowhere",
        &["group/members-changed-by-other-write", "group/user-groups-stale", "scenario/unexpected-answer"],
    ),
    // Who is in the group no more is rightly shown without it.
    ("group/members-changed-by-other-write", &["group/user-groups-stale"]),
    ("group/member-not-added", &["group/members-changed-by-other-write", "group/remove-takes-other-members"]),
];

/// What comes of an id that nobody can ask for.
const NO_USABLE_ID: &[&str] = &[
    "bulk/reference-not-resolved",
    "cursor/walk-wrong",
    "filter/match-missing",
    "identity/id-changed",
    "identity/id-not-unique",
    "identity/list-id-differs",
    "identity/live-resource-not-found",
    "list/pages-disagree",
    "list/same-id-twice",
];

/// What comes of one record for two people.
const MIXED_UP: &[&str] = &[
    "create/username-altered",
    "filter/external-id-not-found",
    "filter/inactive-hidden",
    "filter/match-missing",
    "filter/username-case-sensitive",
    "group/user-groups-stale",
    "identity/live-resource-not-found",
    "list/same-id-twice",
    "list/total-wrong",
    "schema/created-changes",
];

/// Cause → what followed from it.
pub(super) type Followed = BTreeMap<&'static str, BTreeSet<&'static str>>;

/// Takes out what follows from another finding of the same case.
fn without_same_case(raw: Vec<RawFinding>) -> (Vec<RawFinding>, Followed) {
    let told: BTreeSet<(String, &'static str)> = raw.iter().map(|f| (f.case.clone(), f.rule.id)).collect();
    let mut followed = Followed::new();
    let kept = raw.into_iter().filter(|f| {
        let cause = FOLLOWS.iter().find(|(cause, consequences)| {
            consequences.contains(&f.rule.id) && told.contains(&(f.case.clone(), *cause))
        });
        if let Some((cause, _)) = cause {
            followed.entry(cause).or_default().insert(f.rule.id);
        }
        cause.is_none()
    });
    (kept.collect(), followed)
}

/// What is refused for the same reason as the plainest request is: an endpoint that answers every request with one sentence has
/// one fault, and so has a create that is refused for what every create holds.
const SAME_SENTENCE: &[(&str, &[&str])] = &[
    (
        "list/valid-request-refused",
        &[
            "create/enterprise-extension-refused",
            "create/legacy-group-schema-refused",
            "create/valid-group-refused",
            "create/valid-user-refused",
            "error/unknown-id-wrong-status",
            "filter/logic-refused",
            "filter/urn-attribute-refused",
            "filter/valid-filter-refused",
        ],
    ),
    ("create/valid-user-refused", &["create/enterprise-extension-refused", "put/valid-request-refused"]),
    ("create/valid-group-refused", &["create/legacy-group-schema-refused", "put/valid-request-refused"]),
];

/// Endpoint, status and words of a refusal; `None` for short words, which may mean many things, and for the statuses that say
/// the same of different causes.
pub(super) fn sentence(f: &RawFinding) -> Option<(String, u16, String)> {
    const SHORT: usize = 16;
    let status = f.exchange.status().filter(|s| matches!(s, 400 | 403 | 405 | 422 | 501))?;
    // What some frameworks put there is a list, which says as much.
    let detail = match get_ci(f.exchange.json()?.as_object()?, "detail")? {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let endpoint = f.exchange.request.segments().first().cloned()?;
    (detail.len() >= SHORT).then_some((endpoint, status, detail))
}

/// A write, or a list from its beginning: that a page from -1 is refused with a sentence of few meanings explains nothing else.
fn asks_for_nothing_odd(f: &RawFinding) -> bool {
    let request = &f.exchange.request;
    let asked = |name: &str| request.query_param(name);
    let usual =
        |name: &str, most: u32| asked(name).is_none_or(|n| n.parse::<u32>().is_ok_and(|n| (1..=most).contains(&n)));
    match request.method.as_str() {
        "GET" => usual("startIndex", 1) && usual("count", 200) && asked("sortBy").is_none(),
        _ => request.segments().last().is_none_or(|last| last != ".search"),
    }
}

/// What a list that is shown in another shape looks like to whoever wrote it.
const MISSHAPEN: &[&str] = &[
    "create/attribute-not-stored",
    "patch/add-overwrites-values",
    "patch/answer-shows-old-state",
    "patch/change-not-applied",
    "patch/pathless-not-applied",
    "patch/remove-not-applied",
    "patch/replace-without-match-accepted",
    "patch/value-path-not-applied",
    "projection/attribute-not-excluded",
    "put/answer-shows-old-state",
    "put/change-not-applied",
];

/// Takes out the consequences of a cause that was seen at the same place, in whatever case.
fn fold<P: Ord>(
    raw: Vec<RawFinding>,
    followed: &mut Followed,
    (cause, consequences): (&'static str, &[&str]),
    place: impl Fn(&RawFinding) -> P,
) -> Vec<RawFinding> {
    let seen: BTreeSet<P> = raw.iter().filter(|f| f.rule.id == cause).map(&place).collect();
    strike(raw, followed, cause, |f| consequences.contains(&f.rule.id) && seen.contains(&place(f)))
}

/// Takes out what follows from a cause, and says with the cause that it did.
pub(super) fn strike(
    raw: Vec<RawFinding>,
    followed: &mut Followed,
    cause: &'static str,
    follows: impl Fn(&RawFinding) -> bool,
) -> Vec<RawFinding> {
    let (gone, kept): (Vec<_>, Vec<_>) = raw.into_iter().partition(follows);
    if !gone.is_empty() {
        followed.entry(cause).or_default().extend(gone.iter().map(|f| f.rule.id));
    }
    kept
}

/// What a list request that is answered as if nothing were there says of filter and order: nothing.
const NO_LIST: &[&str] = &[
    "filter/logic-refused",
    "filter/no-match-is-an-error",
    "filter/urn-attribute-refused",
    "filter/valid-filter-refused",
    "sort/valid-sort-refused",
];

/// Endpoint, status and body of the answer to a list request that says that there is no list; `None` for every other one.
fn no_list(f: &RawFinding) -> Option<(String, u16, Vec<u8>)> {
    let response = f.exchange.response().filter(|r| matches!(r.status, 404 | 405 | 501))?;
    (f.exchange.request.method == "GET").then_some((endpoint(f)?, response.status, response.body.to_vec()))
}

/// Where the plainest list is not there, and says so with the same words, a filter has not been read.
fn without_unread_filters(raw: Vec<RawFinding>, followed: &mut Followed) -> Vec<RawFinding> {
    let cause = "list/valid-request-refused";
    let plain = raw.iter().filter(|f| f.rule.id == cause && f.exchange.request.query_param("filter").is_none());
    let seen: BTreeSet<_> = plain.filter_map(no_list).collect();
    strike(raw, followed, cause, |f| NO_LIST.contains(&f.rule.id) && no_list(f).is_some_and(|a| seen.contains(&a)))
}

/// First segment of the path that a finding is about.
pub(super) fn endpoint(f: &RawFinding) -> Option<String> {
    f.exchange.request.segments().first().cloned()
}

/// Method and endpoint of the request that a finding is about.
fn request(f: &RawFinding) -> (String, Option<String>) {
    (f.exchange.request.method.clone(), endpoint(f))
}

/// Endpoint and attribute that a finding is about.
fn attribute(f: &RawFinding) -> (Option<String>, String) {
    let at = f.finding.at.strip_prefix("body ").unwrap_or(&f.finding.at).trim_start_matches('/');
    (endpoint(f), at.split([' ', '.', '/', '[']).next().unwrap_or_default().to_owned())
}

/// Takes out what follows from another finding: of the same case, with the same words, of the same attribute.
pub(super) fn without_consequences(raw: Vec<RawFinding>) -> (Vec<RawFinding>, Followed) {
    let (raw, mut followed) = without_same_case(raw);
    let raw = without_forms(without_same_sentence(raw, &mut followed), &mut followed);
    let raw = without_unread_filters(raw, &mut followed);
    // What one search is told, because it was taken for a create, every other one is told for the same reason.
    let unknown: BTreeSet<_> = raw.iter().filter(|f| f.rule.id == "search/not-offered").filter_map(sentence).collect();
    let raw = strike(raw, &mut followed, "search/not-offered", |f| {
        f.rule.id == "search/valid-request-refused" && sentence(f).is_some_and(|words| unknown.contains(&words))
    });
    let raw = fold(raw, &mut followed, ("schema/multi-valued-shape", MISSHAPEN), attribute);
    // Where the attribute is lost in the declared case, too, the case is not to blame.
    let raw = fold(raw, &mut followed, ("create/attribute-not-stored", &["create/attribute-case-ignored"]), attribute);
    // What is never there was not projected away, and a method that is not there refuses nothing for its content.
    let raw = fold(raw, &mut followed, ("schema/schemas-missing", &["projection/schemas-missing"]), endpoint);
    let raw = fold(raw, &mut followed, ("put/not-supported", &["error/refusal-wrong-status"]), request);
    (without_alike_alone(raw, &mut followed), followed)
}

/// What says that an operation of a bulk request is answered otherwise than the request would be alone.
const BULK_ALONE: &[&str] = &["bulk/refusal-wrong-status", "bulk/valid-operation-refused"];

/// An operation that is refused with the words with which a create is refused alone is answered as it would be alone.
fn without_alike_alone(raw: Vec<RawFinding>, followed: &mut Followed) -> Vec<RawFinding> {
    const ALONE: [&str; 6] = [
        "create/valid-user-refused",
        "create/valid-group-refused",
        "delete/refused",
        "group/member-change-refused",
        "patch/valid-request-refused",
        "put/valid-request-refused",
    ];
    ALONE.into_iter().fold(raw, |raw, cause| {
        let refused = raw.iter().filter(|f| f.rule.id == cause);
        let words: BTreeSet<String> = refused.filter_map(|f| said(&f.exchange)).collect();
        let alike = |f: &RawFinding| words.iter().any(|w| f.finding.actual.contains(w.as_str()));
        strike(raw, followed, cause, |f| BULK_ALONE.contains(&f.rule.id) && alike(f))
    })
}

/// The `detail` of an answer, where it has one that says something.
fn said(exchange: &Exchange) -> Option<String> {
    const SHORT: usize = 8;
    let detail = get_ci(exchange.json()?.as_object()?, "detail")?.as_str()?;
    (detail.len() >= SHORT).then(|| detail.to_owned())
}

/// Takes out what is refused with the same words as a plainer request to the same endpoint.
fn without_same_sentence(raw: Vec<RawFinding>, followed: &mut Followed) -> Vec<RawFinding> {
    let plainest =
        |f: &&RawFinding| f.fails && asks_for_nothing_odd(f) && SAME_SENTENCE.iter().any(|(c, _)| f.rule.id == *c);
    let told: BTreeSet<_> = raw.iter().filter(plainest).filter_map(|f| Some((f.rule.id, sentence(f)?))).collect();
    let kept = raw.into_iter().filter(|f| {
        let words = sentence(f);
        let cause = SAME_SENTENCE.iter().find(|(cause, others)| {
            others.contains(&f.rule.id) && words.as_ref().is_some_and(|w| told.contains(&(*cause, w.clone())))
        });
        if let Some((cause, _)) = cause {
            followed.entry(cause).or_default().insert(f.rule.id);
        }
        cause.is_none()
    });
    kept.collect()
}
