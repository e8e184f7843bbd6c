//! Lists and pages (RFC 7644 §3.4.2, §3.4.2.4): the envelope, its figures, and each entry once.

use super::rule::{Finding, Impact, Level, Rule, Verdict, refusal_rule, state_rule};
use super::view::{View, short};
use crate::scim::urn;
use crate::scim::value::get_ci;
use crate::shadow::{Call, ids_of, resources_of, text_of};
use serde_json::{Map, Value};

/// Rules of this area.
pub static RULES: &[Rule] = &[
    Rule {
        id: "list/envelope-wrong",
        title: "A list answer is no ListResponse",
        spec: "RFC 7644 §3.4.2",
        level: Level::Must,
        clash: false,
        impact: Impact::LookupFails,
        breaks: &[],
        requirements: &[
            "list-envelope",
            "list-resources-array",
            "list-resources-required",
            "entra-casing-of-members",
            "entra-match-username",
        ],
        explain: "Every query answers with one object whose `schemas` names ListResponse; `Resources` is a list, spelled with a capital R, and there when totalResults is above 0.",
        hint: "Wrap the result; write `Resources`.",
        wrong: "GET /Users → [ {…} ]",
        right: "→ {\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:ListResponse\"],\"totalResults\":1,\"Resources\":[…]}",
        proven_by: &[
            "search-without-count-empty",
            "list-bare-array",
            "list-resources-lowercase",
            "list-resources-null",
            "list-schemas-missing",
            "list-schemas-of-resource",
        ],
        check: envelope,
    },
    Rule {
        id: "list/total-not-integer",
        title: "`totalResults` (or another paging figure) is missing or no integer",
        spec: "RFC 7644 §3.4.2, §3.4.2.4; Okta: numbers must be JSON integers",
        level: Level::Must,
        clash: false,
        impact: Impact::ImportFails,
        breaks: &["okta"],
        requirements: &["list-total-int", "list-startindex-itemsperpage"],
        explain: "Okta stops silently when `totalResults` or `startIndex` is a string.",
        hint: "Write JSON numbers.",
        wrong: "{\"totalResults\":\"7\"}",
        right: "{\"totalResults\":7}",
        proven_by: &["list-totalresults-string", "list-totalresults-missing"],
        check: total_integer,
    },
    Rule {
        id: "list/total-wrong",
        title: "`totalResults` is not the number of matching resources",
        spec: "RFC 7644 §3.4.2",
        level: Level::Must,
        clash: false,
        impact: Impact::ImportIncomplete,
        breaks: &[],
        requirements: &["page-total-stable", "page-startindex-beyond", "page-count-zero"],
        explain: "`totalResults` counts the whole result, whatever the page. Too small, and an import ends early and the rest counts as deleted; too large, and it asks on.",
        hint: "Count the matches before paging.",
        wrong: "7 users, count=3 → {\"totalResults\":3}",
        right: "{\"totalResults\":7}",
        proven_by: &[
            "filter-hides-inactive-users",
            "list-page-past-end-wrong-total",
            "filter-ne-as-eq",
            "list-hides-inactive-users",
            "list-count-zero-hides-total",
            "filter-total-is-page",
            "filter-compound-total-is-remaining",
        ],
        check: total_wrong,
    },
    Rule {
        id: "list/resource-missing",
        title: "A list that was read to its end lacks a resource",
        spec: "RFC 7644 §3.4.2",
        level: Level::Must,
        clash: false,
        impact: Impact::ImportIncomplete,
        breaks: &[],
        requirements: &["page-walk-complete", "list-everybody"],
        explain: "A query without a filter returns every resource of the endpoint. Here the list was read from its first entry to its last, its own total says so, and a resource that was created and not deleted is not in it. Who imports or compares takes it for deleted.",
        hint: "List the same resources that GET by id serves: deactivated ones, new ones, those without a role or a sign-in, too.",
        wrong: "POST /Users → 201 {\"id\":\"u7\"}\nGET /Users → totalResults 6, six others",
        right: "GET /Users → totalResults 7, u7 among them",
        proven_by: &[
            "list-hides-empty-groups",
            "list-hides-users-without-email",
            "list-hides-users-without-external-id",
            "list-hides-inactive-users",
            "list-sample-without-filter",
            "list-without-paging-empty",
        ],
        check: resource_missing,
    },
    Rule {
        id: "list/count-exceeded",
        title: "A page holds more resources than `count` asked for",
        spec: "RFC 7644 §3.4.2.4",
        level: Level::Must,
        clash: false,
        impact: Impact::ImportIncomplete,
        breaks: &[],
        requirements: &["page-count", "page-count-zero", "page-count-negative", "page-groups"],
        explain: "`count` is the maximum for a page; 0 (and anything below) asks for the total only.",
        hint: "Limit the page; treat a negative count as 0.",
        wrong: "count=0 → 7 resources",
        right: "count=0 → totalResults 7, no Resources",
        proven_by: &[
            "list-negative-count-slices",
            "list-count-zero-returns-resources",
            "list-negative-count-returns-all",
            "list-count-ignored",
            "list-more-than-count",
            "filter-groups-unpaged",
            "list-unfiltered-unpaged",
        ],
        check: count_exceeded,
    },
    Rule {
        id: "list/items-per-page-wrong",
        title: "`itemsPerPage` is missing from a page, or it is not the number of its resources",
        spec: "RFC 7644 §3.4.2, §3.4.2.4; Okta needs the real number",
        level: Level::Must,
        clash: false,
        impact: Impact::ImportIncomplete,
        breaks: &["okta"],
        requirements: &["page-itemsperpage-actual", "list-startindex-itemsperpage"],
        explain: "`itemsPerPage` is the number of resources returned in this page, not what was asked for.",
        hint: "Set it to the length of Resources.",
        wrong: "7 users, count=50 → {\"itemsPerPage\":50}",
        right: "{\"itemsPerPage\":7}",
        proven_by: &[
            "list-itemsperpage-is-requested-count",
            "list-page-numbers-missing",
            "list-itemsperpage-zero",
            "list-last-resource-missing",
            "sort-drops-unset",
        ],
        check: items_per_page,
    },
    Rule {
        id: "list/start-index-wrong",
        title: "`startIndex` is missing from a page, or it is not that of its first resource",
        spec: "RFC 7644 §3.4.2.4",
        level: Level::Must,
        clash: false,
        impact: Impact::ImportIncomplete,
        breaks: &[],
        requirements: &["page-echo", "page-startindex-zero", "page-startindex-one-based"],
        explain: "The index is 1-based; a value below 1 counts as 1; the answer names the index of its first resource.",
        hint: "Echo the effective start index.",
        wrong: "GET /Users → {\"startIndex\":0}",
        right: "{\"startIndex\":1}",
        proven_by: &[
            "list-groups-ignores-paging",
            "list-page-numbers-missing",
            "list-startindex-zero-based",
            "list-startindex-always-one",
            "list-answers-start-zero",
        ],
        check: start_index,
    },
    Rule {
        id: "list/pages-disagree",
        title: "Pages of the same list overlap, leave gaps or change order",
        spec: "RFC 7644 §3.4.2.4; Okta: the order must be the same for every page",
        level: Level::Must,
        clash: false,
        impact: Impact::ImportIncomplete,
        breaks: &["okta"],
        requirements: &["page-walk-complete", "page-order-stable", "page-startindex-one-based", "okta-import-users"],
        explain: "An entry has one place in the list. Here two pages disagree, so a walk meets somebody twice and misses somebody else; an import un-assigns whom it missed.",
        hint: "Order by something unique, then skip startIndex-1 and take count.",
        wrong: "startIndex=4&count=3 → entries 2 to 4",
        right: "entries 4 to 6",
        proven_by: &["list-pages-overlap", "list-startindex-ignored", "list-start-ignored-when-all-fits"],
        check: pages_disagree,
    },
    Rule {
        id: "list/empty-page-before-end",
        title: "A page is empty although the list goes on",
        spec: "RFC 7644 §3.4.2.4",
        level: Level::Must,
        clash: false,
        impact: Impact::LookupFails,
        breaks: &[],
        requirements: &["list-resources-required", "filter-just-created"],
        explain: "totalResults says that more matches than has been shown, and the page could hold it, but Resources is empty: the look-up finds nobody, or the figure counts what the filter leaves out.",
        hint: "Default `count` to a sensible page size, not to 0; count what matches, not what there is.",
        wrong: "GET /Users?filter=… → {\"totalResults\":1,\"Resources\":[]}",
        right: "{\"totalResults\":1,\"Resources\":[{…}]}",
        proven_by: &[
            "filter-groups-page-ends-at-count",
            "filter-without-count-empty-page",
            "filter-total-counts-everything",
            "list-second-page-empty",
            "filter-compound-count-empty-page",
            "list-total-without-resources",
        ],
        check: empty_page,
    },
    Rule {
        id: "list/past-end-not-empty",
        title: "A page past the end holds resources",
        spec: "RFC 7644 §3.4.2.4",
        level: Level::Must,
        clash: false,
        impact: Impact::ImportIncomplete,
        breaks: &[],
        requirements: &["page-startindex-beyond"],
        explain: "Behind the last entry there is nothing; a client that walks on would never end.",
        hint: "Return an empty page with the right total.",
        wrong: "7 users, startIndex=100 → the first page",
        right: "→ {\"totalResults\":7,\"Resources\":[]}",
        proven_by: &[
            "list-totalresults-is-page-count",
            "list-past-end-repeats-last-page",
            "list-totalresults-is-remaining",
        ],
        check: past_end,
    },
    Rule {
        id: "list/same-id-twice",
        title: "A page lists the same resource twice",
        spec: "RFC 7644 §3.4.2; RFC 7643 §3.1",
        level: Level::Must,
        clash: false,
        impact: Impact::ImportIncomplete,
        breaks: &[],
        requirements: &["page-walk-complete"],
        explain: "Each resource is one entry. Doubled rows come from joins over multi-valued attributes.",
        hint: "Select distinct resources.",
        wrong: "Resources: [{\"id\":\"u1\"},{\"id\":\"u1\"}]",
        right: "Resources: [{\"id\":\"u1\"}]",
        proven_by: &["delete-lingers-in-list", "list-users-doubled", "sort-doubles-rows", "filter-emails-lists-twice"],
        check: twice,
    },
    Rule {
        id: "list/entry-differs-from-read",
        title: "A list entry shows other values than GET by id",
        spec: "RFC 7644 §3.4.2; RFC 7643 §3",
        level: Level::Must,
        clash: false,
        impact: Impact::ImportIncomplete,
        breaks: &[],
        requirements: &["read-same-as-list", "list-items-complete", "okta-list-user-complete"],
        explain: "Entries of a list are full resources. Here an attribute that GET by id shows is missing or different, so an import reads wrong profiles.",
        hint: "Render list entries with the same function as single resources.",
        wrong: "GET /Users/u → emails\nGET /Users → {\"id\":\"u\"} without emails",
        right: "the same attributes",
        proven_by: &[
            "list-omits-nested-members",
            "list-omits-emails",
            "group-get-omits-members",
            "list-user-name-suffixed",
            "search-omits-types",
        ],
        check: state_rule!("list/entry-differs-from-read"),
    },
    Rule {
        id: "list/trailing-slash-refused",
        title: "A list request with a slash before the query is refused",
        spec: "Microsoft SCIM Validator; the RFCs do not speak of it",
        level: Level::Idp,
        clash: true,
        impact: Impact::ConnectionTestFails,
        breaks: &["entra"],
        requirements: &["base-trailing-slash"],
        explain: "`/Users/` is another URI than `/Users`, so the RFC is silent; tools that join paths carelessly send it.",
        hint: "Treat a slash at the end of an endpoint as if it were not there.",
        wrong: "GET /Users/?startIndex=1&count=1 → 404",
        right: "→ 200",
        proven_by: &["trailing-slash-404"],
        check: refusal_rule!("list/trailing-slash-refused"),
    },
    Rule {
        id: "list/valid-request-refused",
        title: "A plain list or page request is refused",
        spec: "RFC 7644 §3.4.2, §3.4.2.4",
        level: Level::Must,
        clash: false,
        impact: Impact::ConnectionTestFails,
        breaks: &[],
        requirements: &[
            "read-users-endpoint-get",
            "list-empty-200",
            "page-max",
            "list-unknown-params-ignored",
            "base-trailing-slash",
            "okta-test-connector",
        ],
        explain: "GET of a resource endpoint, with or without paging, answers 200 with a ListResponse, also when it is empty or the page lies past the end.",
        hint: "Accept startIndex, count and unknown parameters; answer 200 with an empty list.",
        wrong: "GET /Users?startIndex=1&count=1000000 → 400",
        right: "→ 200",
        proven_by: &[
            "group-filter-second-page-501",
            "get-with-content-type-400",
            "list-large-count-400",
            "request-unknown-parameter-400",
            "list-count-zero-400",
            "list-paging-limits-422",
            "list-without-filter-400",
        ],
        check: refusal_rule!("list/valid-request-refused"),
    },
];

/// The body of a list answer to a request that had to succeed.
fn page<'a>(view: &View<'a>) -> Option<&'a Map<String, Value>> {
    view.list().filter(|l| get_ci(l, "totalResults").is_some() || get_ci(l, "Resources").is_some())
}

fn integer(list: &Map<String, Value>, name: &str) -> Option<i64> {
    let value = get_ci(list, name)?;
    value.as_i64().or_else(|| value.as_str().and_then(|s| s.parse().ok()))
}

fn envelope(view: &View<'_>) -> Verdict {
    if !view.call.lists() || view.status() != 200 || view.call.method == "HEAD" || !view.on_resources() {
        return Verdict::NotApplicable;
    }
    let Some(list) = view.object() else {
        let body = view.exchange.json().map_or_else(|| "no JSON".to_owned(), short);
        return Verdict::fail("body", "a ListResponse object", body);
    };
    let named = get_ci(list, "schemas")
        .and_then(Value::as_array)
        .is_some_and(|a| a.iter().filter_map(Value::as_str).any(|s| s.eq_ignore_ascii_case(urn::LIST)));
    if !named {
        return Verdict::fail(
            "body /schemas",
            urn::LIST,
            get_ci(list, "schemas").map_or_else(|| "nothing".to_owned(), short),
        );
    }
    let total = integer(list, "totalResults").unwrap_or(0);
    match (list.get("Resources"), get_ci(list, "Resources")) {
        (Some(Value::Array(_)), _) => Verdict::Pass,
        (Some(other), _) => Verdict::fail("body /Resources", "a list", short(other)),
        (None, Some(_)) => Verdict::fail("body", "`Resources` in this spelling", "another spelling of Resources"),
        (None, None)
            if total > 0
                && view.call.effective_count() != Some(0)
                && view.call.effective_start().is_some_and(|s| s <= total) =>
        {
            Verdict::fail("body /Resources", "the matching resources", "no Resources")
        }
        (None, None) => Verdict::Pass,
    }
}

fn total_integer(view: &View<'_>) -> Verdict {
    let Some(list) = view.list().filter(|l| get_ci(l, "schemas").is_some()) else { return Verdict::NotApplicable };
    let mut findings = Vec::new();
    // RFC 9865 §2: who pages by cursor and cannot estimate the total may leave it out.
    let may_omit = view.target.cursor && by_cursor(view, list);
    for (name, required) in [("totalResults", !may_omit), ("startIndex", false), ("itemsPerPage", false)] {
        match get_ci(list, name) {
            Some(v) if v.is_u64() || v.is_i64() => {}
            Some(v) if v.as_f64().is_some_and(|f| f.fract() == 0.0) => {}
            Some(v) => findings.push(Finding::new(format!("body /{name}"), "an integer", short(v))),
            None if required => findings.push(Finding::new(format!("body /{name}"), "an integer", "missing")),
            None => {}
        }
    }
    Verdict::from_findings(findings)
}

/// True for a page of a walk by cursor.
fn by_cursor(view: &View<'_>, list: &Map<String, Value>) -> bool {
    view.call.cursor || get_ci(list, "nextCursor").is_some()
}

/// True when nobody else can change the list between two requests: a filter on our own names, or no other case running.
fn stable(view: &View<'_>) -> bool {
    view.alone || view.call.filter.is_some()
}

fn total_wrong(view: &View<'_>) -> Verdict {
    let (Some(list), Some(selection)) = (page(view), &view.observed.selection) else { return Verdict::NotApplicable };
    let Some(total) = integer(list, "totalResults") else { return Verdict::NotApplicable };
    let entries = view.entries().len() as i64;
    let matching = selection.matching as i64;
    if view.call.filter_text.is_some() && view.call.filter.is_none() {
        return Verdict::NotApplicable;
    }
    // Who finds nobody has counted nobody: that is the filter's fault.
    if view.call.endpoint == "/" || (view.call.filter.is_some() && total == 0 && entries == 0) {
        return Verdict::NotApplicable;
    }
    // Fewer than are on the page, or fewer than those of ours that match and were not missed by the filter itself.
    let shown_here = matching - selection.not_returned as i64;
    let limited = view.call.effective_count().is_some() || view.call.effective_start() != Some(1);
    // The whole result on one page: what is missing from it is the filter's fault, not the total's.
    let whole = total <= entries && view.call.effective_start() == Some(1);
    let least = if whole {
        entries
    } else if limited {
        matching
    } else {
        shown_here.max(entries)
    };
    if total < least {
        return Verdict::fail("body /totalResults", format!("at least {least}"), total.to_string());
    }
    let start = view.call.effective_start().unwrap_or(1);
    let asked = view.call.effective_count();
    let short_page = asked.is_none_or(|c| entries < c) && asked != Some(0);
    let surplus_total = total > start - 1 + entries
        && entries > 0
        && short_page
        && view.target.max_results.is_none_or(|m| entries < m)
        && asked.is_some_and(|c| c <= 100)
        && start == 1
        && stable(view);
    if surplus_total && !view.call.cursor && asked.is_some_and(|c| entries * 2 < c) {
        // A server may cap a page below `count`, but then it says so in itemsPerPage and keeps a whole page; half a page with more to come is a wrong total.
        let per_page = integer(list, "itemsPerPage").unwrap_or(entries);
        if per_page != entries {
            return Verdict::fail("body /totalResults", format!("{}", start - 1 + entries), total.to_string());
        }
    }
    let past_end =
        entries == 0 && selection.matching > 0 && start > 1 && view.call.filter.is_some() && asked != Some(0);
    if past_end && total >= start && start > matching + 50 {
        return Verdict::fail(
            "body /totalResults",
            format!("the number of matches ({matching} of ours)"),
            total.to_string(),
        );
    }
    let others = view.earlier.iter().rev().find(|p| {
        p.call.endpoint == view.call.endpoint
            && p.call.filter_text == view.call.filter_text
            && p.call.lists()
            && p.call.auth == view.call.auth
            && p.exchange.status() == Some(200)
            && before_write(view, &p.step)
    });
    if let Some(other) = others.filter(|_| stable(view))
        && let Some(list) = other.exchange.json()
        && let Some(before) = list.as_object().and_then(|o| integer(o, "totalResults"))
        && before != total
    {
        let there = page_figures(&other.call, resources_of(list).len() as i64, before);
        let here = page_figures(view.call, entries, total);
        if view.call.filter.is_some() || here.iter().zip(there).any(|(a, b)| *a && b) {
            return Verdict::Fail(vec![
                Finding::new("body /totalResults", format!("{before}, as on the other page"), total.to_string())
                    .because(other.step.clone()),
            ]);
        }
    }
    Verdict::Pass
}

fn resource_missing(view: &View<'_>) -> Verdict {
    let (Some(_), Some(selection)) = (page(view), &view.observed.selection) else { return Verdict::NotApplicable };
    let walked = selection.absent_since.is_some();
    if walked && !stable(view) {
        return Verdict::NotApplicable;
    }
    let Some((id, name)) = selection.absent.first() else {
        return if selection.matching > 0 { Verdict::Pass } else { Verdict::NotApplicable };
    };
    let known = view.before.find(&view.call.endpoint, id);
    let mut finding = Finding::new(
        "body /Resources",
        format!("{name} ({id}) among them"),
        if walked { "all pages without it" } else { "the whole list without it" },
    );
    finding.because = selection.absent_since.clone().or_else(|| known.map(|k| k.last_write.clone()));
    Verdict::Fail(vec![finding])
}

/// Which figures of its page a total is: its entries, `count`, its last entry, the last that fits. Where one of them explains two
/// pages that differ, the server counts the page. A total that fits by chance on one of them alone is somebody else's change.
fn page_figures(call: &Call, entries: i64, total: i64) -> [bool; 4] {
    let start = call.effective_start().unwrap_or(1);
    let count = call.effective_count();
    [
        total == entries,
        Some(total) == count,
        total == start - 1 + entries,
        count.is_some_and(|c| total == start - 1 + c),
    ]
}

/// True when no write happened between that earlier step and now.
fn before_write(view: &View<'_>, step: &str) -> bool {
    let at = view.earlier.iter().rposition(|p| p.step == step).unwrap_or(0);
    !view.earlier[at..]
        .iter()
        .any(|p| matches!(p.call.method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE") && !p.call.lists())
}

fn count_exceeded(view: &View<'_>) -> Verdict {
    let Some(count) = page(view).and(view.call.effective_count()) else { return Verdict::NotApplicable };
    let entries = view.entries().len() as i64;
    if entries > count {
        Verdict::fail("body /Resources", format!("at most {count} entries"), format!("{entries} entries"))
    } else {
        Verdict::Pass
    }
}

/// RFC 7644 §3.4.2: both numbers are required when the results are partial.
fn absent(view: &View<'_>, list: &Map<String, Value>, name: &str) -> Verdict {
    let entries = view.entries().len() as i64;
    let partial = entries > 0 && integer(list, "totalResults").is_some_and(|total| total > entries);
    if !partial || by_cursor(view, list) || get_ci(list, name).is_some() {
        return Verdict::NotApplicable;
    }
    Verdict::fail(format!("body /{name}"), "an integer: the results are partial", "nothing")
}

fn items_per_page(view: &View<'_>) -> Verdict {
    let Some(list) = page(view) else { return Verdict::NotApplicable };
    let Some(items) = integer(list, "itemsPerPage") else { return absent(view, list, "itemsPerPage") };
    let entries = view.entries().len() as i64;
    if items == entries {
        Verdict::Pass
    } else {
        Verdict::fail("body /itemsPerPage", entries.to_string(), items.to_string())
    }
}

fn start_index(view: &View<'_>) -> Verdict {
    let Some(list) = page(view) else { return Verdict::NotApplicable };
    let Some(shown) = integer(list, "startIndex") else { return absent(view, list, "startIndex") };
    let Some(asked) = view.call.effective_start() else { return Verdict::NotApplicable };
    if view.call.cursor {
        return Verdict::NotApplicable;
    }
    let empty = view.entries().is_empty();
    match shown {
        s if s == asked => Verdict::Pass,
        // An empty page has no first resource, so 0, 1 or the asked index all say nothing.
        _ if empty => Verdict::NotApplicable,
        s => {
            let finding = Finding::new("body /startIndex", asked.to_string(), s.to_string());
            let ignored = s == 1 && asked > 1 && integer(list, "totalResults") == Some(view.entries().len() as i64);
            let text = "The whole list comes from its beginning: the startIndex that was asked for is ignored";
            Verdict::Fail(vec![if ignored { finding.message(text) } else { finding }])
        }
    }
}

fn pages_disagree(view: &View<'_>) -> Verdict {
    if page(view).is_none()
        || !stable(view)
        || (!view.target.index && view.call.start_index.is_some())
        || view.call.start_index.as_deref().is_some_and(|s| s.trim().parse::<i64>().is_err())
    {
        return Verdict::NotApplicable;
    }
    let clashes = &view.observed.page_clashes;
    if let Some(clash) = clashes.iter().find(|c| !c.text.starts_with("totalResults")) {
        return Verdict::Fail(vec![
            Finding::new("body /Resources", "each entry once, in one order", clash.text.clone())
                .because(clash.other.clone()),
        ]);
    }
    if view.before.pages.is_empty() || view.entries().is_empty() { Verdict::NotApplicable } else { Verdict::Pass }
}

fn empty_page(view: &View<'_>) -> Verdict {
    let Some(list) = page(view) else { return Verdict::NotApplicable };
    let (Some(total), Some(start)) = (integer(list, "totalResults"), view.call.effective_start()) else {
        return Verdict::NotApplicable;
    };
    let fits = total >= start && view.call.effective_count() != Some(0) && !view.call.cursor;
    if !fits || !stable(view) {
        return Verdict::NotApplicable;
    }
    if view.entries().is_empty() {
        return Verdict::fail("body /Resources", format!("entries: totalResults is {total}"), "no entry");
    }
    Verdict::Pass
}

fn past_end(view: &View<'_>) -> Verdict {
    let Some(list) = page(view) else { return Verdict::NotApplicable };
    let (Some(total), Some(start)) = (integer(list, "totalResults"), view.call.effective_start()) else {
        return Verdict::NotApplicable;
    };
    if start <= total || start <= 1 || !stable(view) || view.call.cursor || !view.target.index {
        return Verdict::NotApplicable;
    }
    let entries = view.entries().len();
    // A total that counts the page, and people whom no earlier page showed: it is the total that is wrong.
    if entries as i64 == total && !repeats(view, start) {
        return Verdict::NotApplicable;
    }
    if entries == 0 {
        Verdict::Pass
    } else {
        Verdict::fail("body /Resources", format!("nothing: the list ends at {total}"), format!("{entries} entries"))
    }
}

/// True when the page shows somebody who stood on an earlier page of the same list.
fn repeats(view: &View<'_>, start: i64) -> bool {
    let before = view.earlier.iter().filter(|p| {
        p.call.lists()
            && p.call.endpoint == view.call.endpoint
            && p.call.filter_text == view.call.filter_text
            && p.call.effective_start().is_some_and(|s| s < start)
    });
    let ids: Vec<String> = before.filter_map(|p| p.exchange.json()).flat_map(|b| ids_of(resources_of(b))).collect();
    view.entries().iter().filter_map(|e| get_ci(e, "id").and_then(text_of)).any(|id| ids.contains(&id))
}

fn twice(view: &View<'_>) -> Verdict {
    let Some(selection) = &view.observed.selection else { return Verdict::NotApplicable };
    if view.entries().len() < 2 {
        return Verdict::NotApplicable;
    }
    Verdict::from_findings(
        selection
            .twice
            .iter()
            .map(|id| Finding::new("body /Resources", "each resource once", format!("{id} twice")))
            .collect(),
    )
}
