//! Paging by cursor (RFC 9865): the walk from page to page, and the cursors themselves.

use super::rule::{Finding, Impact, Level, Rule, Verdict};
use super::view::{Past, View, short};
use crate::scim::value::get_ci;
use crate::shadow::{Call, text_of};
use serde_json::{Map, Value};

/// Rules of this area.
pub static RULES: &[Rule] = &[
    Rule {
        id: "cursor/walk-wrong",
        title: "A walk by cursor repeats resources, ends early or never",
        spec: "RFC 9865 §2",
        level: Level::Must,
        clash: false,
        impact: Impact::ImportIncomplete,
        breaks: &[],
        requirements: &["cursor-walk", "cursor-first-page", "cursor-search-post"],
        explain: "Whoever follows nextCursor from page to page gets each resource once, and nextCursor is missing on the last page and only there. A cursor that leads back to where the walk was keeps an import running for ever.",
        hint: "Let the cursor name the last resource of the page, and leave nextCursor out when nothing comes after it.",
        wrong: "?cursor= → nextCursor A; ?cursor=A → the last page, with a nextCursor that leads to the first",
        right: "?cursor=A → the last page without nextCursor",
        proven_by: &["cursor-never-ends", "cursor-ends-early"],
        check: walk,
    },
    Rule {
        id: "cursor/previous-on-first",
        title: "The first page has a previousCursor",
        spec: "RFC 9865 §2",
        level: Level::Must,
        clash: false,
        impact: Impact::ImportIncomplete,
        breaks: &[],
        requirements: &["cursor-no-previous-on-first"],
        explain: "previousCursor must not be returned with the first page: a client that walks back would not find the beginning.",
        hint: "Leave it out of the answer to an empty cursor.",
        wrong: "?cursor= → {\"previousCursor\":\"…\",…}",
        right: "?cursor= → no previousCursor",
        proven_by: &["cursor-previous-on-first"],
        check: previous,
    },
    Rule {
        id: "cursor/not-url-safe",
        title: "A cursor has characters that a URL cannot hold",
        spec: "RFC 9865 §2; RFC 3986 §2.3",
        level: Level::Must,
        clash: false,
        impact: Impact::ImportIncomplete,
        breaks: &[],
        requirements: &["cursor-charset"],
        explain: "Cursors hold letters, digits and - . _ ~ only, because clients put them into the query as they are. A + or = from plain Base64 comes back as something else.",
        hint: "Use Base64 for URLs, without padding.",
        wrong: "\"nextCursor\":\"YWZ0ZXI6Mg==\"",
        right: "\"nextCursor\":\"YWZ0ZXI6Mg\"",
        proven_by: &["cursor-not-url-safe"],
        check: url_safe,
    },
    Rule {
        id: "cursor/default-not-kept",
        title: "Cursors are declared as the default, and a page without parameters has none",
        spec: "RFC 9865 §2, §4",
        level: Level::Must,
        clash: false,
        impact: Impact::ImportIncomplete,
        breaks: &[],
        requirements: &["cursor-default-method"],
        explain: "ServiceProviderConfig says defaultPaginationMethod cursor, so a client that names no method expects a nextCursor on each page but the last.",
        hint: "Declare index, or answer with a nextCursor.",
        wrong: "\"defaultPaginationMethod\":\"cursor\"; GET /Users?count=2 → {\"startIndex\":1,…}",
        right: "→ {\"nextCursor\":\"…\",…}",
        proven_by: &["cursor-default-not-kept"],
        check: default_method,
    },
];

/// A text parameter of a query or a search, as it was sent.
fn cursor_of(call: &Call, exchange: &crate::exchange::Exchange) -> Option<String> {
    match call.op {
        crate::shadow::Op::Search => get_ci(call.body.as_ref()?.as_object()?, "cursor").and_then(text_of),
        _ => exchange.request.query_param("cursor"),
    }
}

/// The page of a list answer, when cursors are on offer.
fn page<'a>(view: &View<'a>) -> Option<&'a Map<String, Value>> {
    view.list().filter(|_| view.target.cursor && view.call.authenticated())
}

fn ids(list: &Map<String, Value>) -> Vec<String> {
    let entries = get_ci(list, "Resources").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    crate::shadow::ids_of(entries)
}

fn next(list: &Map<String, Value>) -> Option<String> {
    get_ci(list, "nextCursor").and_then(text_of).filter(|c| !c.is_empty())
}

fn same_query(view: &View<'_>, past: &Past) -> bool {
    past.call.op == view.call.op
        && past.call.endpoint == view.call.endpoint
        && past.call.filter_text == view.call.filter_text
        && past.call.sort_by == view.call.sort_by
        && past.call.count == view.call.count
        && past.call.auth == view.call.auth
        && past.exchange.status() == Some(200)
}

/// The pages that led here, the nearest first; `None` when the beginning of the walk is not known.
fn chain<'a>(view: &View<'a>) -> Option<Vec<&'a Map<String, Value>>> {
    let mut pages = Vec::new();
    let mut cursor = cursor_of(view.call, view.exchange)?;
    let mut before = view.earlier;
    while !cursor.is_empty() {
        let at = before.iter().rposition(|p| {
            same_query(view, p) && p.exchange.json().and_then(Value::as_object).and_then(next).as_ref() == Some(&cursor)
        })?;
        pages.push(before[at].exchange.json()?.as_object()?);
        cursor = cursor_of(&before[at].call, &before[at].exchange)?;
        before = &before[..at];
    }
    Some(pages)
}

fn walk(view: &View<'_>) -> Verdict {
    // Only a filter on names of our own keeps what others do out of the list.
    let counted = view.call.effective_count().is_none_or(|c| c > 0) && view.call.filter.is_some();
    let (Some(list), Some(pages)) = (page(view).filter(|_| counted), chain(view)) else {
        return Verdict::NotApplicable;
    };
    let earlier: Vec<String> = pages.iter().flat_map(|p| ids(p)).collect();
    let here = ids(list);
    if let Some(again) = here.iter().find(|id| earlier.contains(id)) {
        return Verdict::fail("body /Resources", "each resource on one page of the walk", format!("{again} again"));
    }
    let seen = earlier.len() + here.len();
    match (next(list), get_ci(list, "totalResults").and_then(Value::as_u64)) {
        (None, Some(total)) if (seen as u64) < total => {
            Verdict::fail("body /nextCursor", format!("there: {seen} of {total} were shown"), "missing")
        }
        (None, _) | (Some(_), None) => Verdict::Pass,
        (Some(_), Some(_)) if !here.is_empty() => Verdict::Pass,
        _ => Verdict::NotApplicable,
    }
}

fn previous(view: &View<'_>) -> Verdict {
    let first = cursor_of(view.call, view.exchange).is_some_and(|c| c.is_empty());
    let Some(list) = page(view).filter(|_| first) else { return Verdict::NotApplicable };
    match get_ci(list, "previousCursor") {
        None | Some(Value::Null) => Verdict::Pass,
        Some(other) => Verdict::fail("body /previousCursor", "nothing before the first page", short(other)),
    }
}

fn url_safe(view: &View<'_>) -> Verdict {
    let Some(list) = page(view) else { return Verdict::NotApplicable };
    let named = ["nextCursor", "previousCursor"].map(|n| (n, get_ci(list, n).filter(|v| !v.is_null())));
    let mut seen = false;
    for (name, value) in named.into_iter().filter_map(|(n, v)| Some((n, v?))) {
        seen = true;
        let safe = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        if !value.as_str().is_some_and(|t| t.chars().all(safe)) {
            return Verdict::fail(format!("body /{name}"), "letters, digits and - . _ ~", short(value));
        }
    }
    if seen { Verdict::Pass } else { Verdict::NotApplicable }
}

fn default_method(view: &View<'_>) -> Verdict {
    let bare = view.call.count.is_some() && view.call.start_index.is_none() && !view.call.cursor;
    let Some(list) = page(view).filter(|_| bare && view.call.effective_count() != Some(0)) else {
        return Verdict::NotApplicable;
    };
    if view.target.default_paging.as_deref() != Some("cursor") {
        return if view.target.default_paging.is_some() { Verdict::Pass } else { Verdict::NotApplicable };
    }
    let total = get_ci(list, "totalResults").and_then(Value::as_u64);
    match (next(list), total) {
        (None, Some(total)) if total > ids(list).len() as u64 => {
            Verdict::Fail(vec![Finding::new("body /nextCursor", "there: more results follow", "missing")])
        }
        _ => Verdict::Pass,
    }
}
