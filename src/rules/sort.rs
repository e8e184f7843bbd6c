//! Sorting (RFC 7644 §3.4.2.3): the whole list in the order that was asked for.

use super::rule::{Finding, Impact, Level, Rule, Verdict, refusal_rule};
use super::view::{View, short};
use crate::exchange::Exchange;
use crate::scim::schema::AttrType;
use crate::scim::sort;
use crate::scim::value::{get_ci, value_ci};
use crate::shadow::{Call, Op, State, ids_of, resources_of};
use serde_json::{Map, Value};
use std::cmp::Ordering;

/// Rules of this area.
pub static RULES: &[Rule] = &[
    Rule {
        id: "sort/order-wrong",
        title: "A sorted list is not in order",
        spec: "RFC 7644 §3.4.2.3",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &[
            "sort-ascending",
            "sort-descending",
            "sort-case-insensitive",
            "sort-subattr",
            "sort-missing-last",
            "sort-datetime",
            "sort-filter",
            "sort-groups",
            "sort-multivalued-primary",
        ],
        explain: "The server claims sorting and the entries of the page are out of order. Text that is not caseExact is sorted without regard to case.",
        hint: "Sort by the attribute, case-insensitively unless caseExact, resources without a value last when ascending.",
        wrong: "sortBy=userName&sortOrder=descending → a, b, c",
        right: "c, b, a",
        proven_by: &[
            "search-sort-ignored",
            "list-order-unstable",
            "unset-attributes-as-empty-text",
            "sort-by-nested-ignored",
            "sort-capitals-first",
        ],
        check: order,
    },
    Rule {
        id: "sort/after-paging",
        title: "Sorting is applied to the page instead of the whole list",
        spec: "RFC 7644 §3.4.2.3, §3.4.2.4",
        level: Level::Must,
        clash: false,
        impact: Impact::ImportIncomplete,
        breaks: &[],
        requirements: &["sort-paged"],
        explain: "The page must be cut from the sorted list. Here a resource that belongs on the page is missing while one that comes later is there.",
        hint: "Sort first, then skip and take.",
        wrong: "7 users, descending, count=2 → entries 1, 0",
        right: "entries 6, 5",
        proven_by: &[
            "list-sort-after-paging",
            "list-sort-descending-ignored",
            "list-sort-ignored",
            "serviceproviderconfig-claims-sort",
        ],
        check: sort_paged,
    },
    Rule {
        id: "sort/valid-sort-refused",
        title: "A list in an order is refused although sorting is advertised",
        spec: "RFC 7644 §3.4.2.3",
        level: Level::Must,
        clash: false,
        impact: Impact::ImportIncomplete,
        breaks: &[],
        requirements: &["sort-ascending", "sort-subattr"],
        explain: "`sortBy` is an attribute in standard notation, in any case, also a part of a complex one; `sortOrder` is `ascending` or `descending` and may be missing. A server whose ServiceProviderConfig says sort.supported answers in that order.",
        hint: "Parse sortBy as an attribute path, without regard to case; or say sort.supported=false, and sort nothing.",
        wrong: "GET /Users?sortBy=name.familyName → 400",
        right: "→ 200, in that order",
        proven_by: &["sort-order-404"],
        check: refusal_rule!("sort/valid-sort-refused"),
    },
    Rule {
        id: "sort/resource-dropped",
        title: "A sorted list lacks who has no value for the attribute",
        spec: "RFC 7644 §3.4.2.3",
        level: Level::Must,
        clash: false,
        impact: Impact::ImportIncomplete,
        breaks: &[],
        requirements: &["sort-missing-last"],
        explain: "The same list without this order, or in another one, shows them all on one page. Whoever has no value comes last when ascending and first when descending, and is not left out.",
        hint: "Sort in a way that keeps missing values: an outer join, NULLS LAST.",
        wrong: "7 users, 5 with a title; sortBy=title → 5 entries",
        right: "7 entries, the two without a title last",
        proven_by: &["list-sort-drops-unset"],
        check: dropped,
    },
];

/// Our own entries of a sorted page, in order, as believed.
fn sorted_ours<'a>(view: &View<'a>) -> Vec<(&'a Map<String, Value>, Value)> {
    let Some(rt) = view.resource_type() else { return Vec::new() };
    let Some(path) = view.call.sort_by.as_deref().and_then(|s| crate::scim::path::parse_attr_path_for(s, rt).ok())
    else {
        return Vec::new();
    };
    if rt.attribute(&path).is_none() {
        return Vec::new();
    }
    let by = view.call.sort_by.as_deref().unwrap_or_default().to_ascii_lowercase();
    view.entries()
        .into_iter()
        .filter_map(|entry| {
            let id = get_ci(entry, "id").and_then(Value::as_str)?;
            let known = view.before.find(&view.call.endpoint, id)?;
            let shown = if view.call.projected() { Value::clone(&known.doc) } else { Value::Object(entry.clone()) };
            let certain = known.refused.is_none() && !view.before.is_in_doubt(known, &by);
            (known.state == State::Live && certain).then_some((entry, shown))
        })
        .collect()
}

/// The order that is due; none where schema and RFC disagree on upper and lower case, and the order hangs on it.
fn compare(view: &View<'_>, a: &Value, b: &Value) -> Ordering {
    let (Some(rt), Some(text)) = (view.resource_type(), view.call.sort_by.as_deref()) else { return Ordering::Equal };
    let Ok(path) = crate::scim::path::parse_attr_path_for(text, rt) else { return Ordering::Equal };
    let order = sort::compare(a, b, &path, rt);
    if rt.otherwise_cased().is_some_and(|other| sort::compare(a, b, &path, &other) != order) {
        return Ordering::Equal;
    }
    if view.call.descending { order.reverse() } else { order }
}

fn order(view: &View<'_>) -> Verdict {
    if view.list().is_none() || !view.target.claims("sort") {
        return Verdict::NotApplicable;
    }
    let ours = sorted_ours(view);
    if ours.len() < 2 {
        return Verdict::NotApplicable;
    }
    for pair in ours.windows(2) {
        if compare(view, &pair[0].1, &pair[1].1) == Ordering::Greater {
            let name = |m: &Map<String, Value>| {
                get_ci(m, "userName").or_else(|| get_ci(m, "displayName")).map_or_else(String::new, short)
            };
            let by = view.call.sort_by.clone().unwrap_or_default();
            let direction = if view.call.descending { "descending" } else { "ascending" };
            let expected = format!("{direction} by {by}");
            let actual = format!("{} before {}", name(pair[0].0), name(pair[1].0));
            let finding = Finding::new("body /Resources", expected, actual);
            // No RFC says whether true comes before false.
            return Verdict::Fail(vec![if by_boolean(view, &by) { finding.level(Level::Note) } else { finding }]);
        }
    }
    Verdict::Pass
}

/// A list that was whole on one page without a limit is whole on one page in another order.
fn dropped(view: &View<'_>) -> Verdict {
    let whole = |call: &Call| call.lists() && call.effective_count().is_none() && call.effective_start() == Some(1);
    if view.call.sort_by.is_none() || !whole(view.call) || view.list().is_none() || !view.target.claims("sort") {
        return Verdict::NotApplicable;
    }
    let quiet = view.earlier.iter().rev().take_while(|p| p.call.lists() || p.call.op == Op::Read);
    let alike = quiet.filter(|p| {
        whole(&p.call)
            && p.call.endpoint == view.call.endpoint
            && p.call.filter_text == view.call.filter_text
            && p.call.sort_by != view.call.sort_by
            && p.exchange.status() == Some(200)
    });
    let shown = ids(view.exchange);
    for past in alike {
        let listed = ids(&past.exchange);
        let total = past.exchange.json().and_then(|l| value_ci(l, "totalResults")?.as_u64());
        if total != Some(listed.len() as u64) {
            continue;
        }
        let missing: Vec<String> = listed.into_iter().filter(|id| !shown.contains(id)).collect();
        if let Some(id) = missing.first() {
            let name = view.before.find(&view.call.endpoint, id).and_then(|k| k.name()).unwrap_or(id);
            let finding = Finding::new(
                "body /Resources",
                format!("{name} and everybody else whom the list holds in another order"),
                format!("{} entries, {} fewer", shown.len(), missing.len()),
            );
            return Verdict::Fail(vec![finding.because(past.step.clone())]);
        }
    }
    if shown.is_empty() { Verdict::NotApplicable } else { Verdict::Pass }
}

fn ids(exchange: &Exchange) -> Vec<String> {
    exchange.json().map(|list| ids_of(resources_of(list))).unwrap_or_default()
}

fn by_boolean(view: &View<'_>, by: &str) -> bool {
    let Some(rt) = view.resource_type() else { return false };
    let path = crate::scim::path::parse_attr_path_for(by, rt).ok();
    path.and_then(|p| rt.attribute(&p).map(|r| r.leaf().kind)) == Some(AttrType::Boolean)
}

/// A first page, cut from a longer list of our own: what is not on it must not come before what is.
fn sort_paged(view: &View<'_>) -> Verdict {
    let first = view.call.effective_start() == Some(1);
    let (Some(selection), true) =
        (&view.observed.selection, first && view.target.claims("sort") && view.list().is_some())
    else {
        return Verdict::NotApplicable;
    };
    // Known against known: what a list shows in another form than a read is another rule's subject.
    let known = |entry: &Map<String, Value>| {
        let id = get_ci(entry, "id").and_then(Value::as_str)?;
        Some(Value::clone(&view.before.find(&view.call.endpoint, id)?.doc))
    };
    let ours: Vec<Value> = sorted_ours(view).into_iter().filter_map(|(entry, _)| known(entry)).collect();
    let Some(last) = ours.last() else { return Verdict::NotApplicable };
    if selection.missing.is_empty() || view.call.effective_count().is_none_or(|c| c == 0) || view.call.filter.is_none()
    {
        return Verdict::NotApplicable;
    }
    for (id, name) in &selection.missing {
        let Some(known) = view.before.find(&view.call.endpoint, id) else { continue };
        if compare(view, &known.doc, last) == Ordering::Less
            && ours.iter().all(|doc| compare(view, &known.doc, doc) == Ordering::Less)
        {
            return Verdict::fail("body /Resources", format!("{name} on the first page"), "entries that come after it");
        }
    }
    Verdict::Pass
}
