//! Versions (RFC 7644 §3.14): tags that follow the resource, and conditions that are kept.

use super::rule::{Finding, Impact, Level, Rule, Verdict};
use super::view::{Past, View};
use crate::exchange::Exchange;
use crate::scim::value::value_ci;
use crate::shadow::{Call, Known, Op, State};
use serde_json::Value;

/// Rules of this area.
pub static RULES: &[Rule] = &[
    Rule {
        id: "etag/header-missing",
        title: "ETags are claimed, but an answer has none",
        spec: "RFC 7644 §3.14",
        level: Level::Must,
        clash: false,
        impact: Impact::None,
        breaks: &[],
        requirements: &["etag-header"],
        explain: "When ETags are supported they must be an HTTP header of each resource.",
        hint: "Send ETag with every resource, or say etag.supported=false.",
        wrong: "GET /Users/2819 → no ETag",
        right: "ETag: W/\"e180ee84\"",
        proven_by: &["etag-header-missing", "serviceproviderconfig-claims-etag"],
        check: etag_missing,
    },
    Rule {
        id: "etag/malformed",
        title: "An ETag is no entity tag",
        spec: "RFC 9110 §8.8.3; RFC 7644 §3.14",
        level: Level::Must,
        clash: false,
        impact: Impact::None,
        breaks: &[],
        requirements: &["etag-format"],
        explain: "An entity tag is a quoted text, weak ones begin with W/.",
        hint: "Quote it.",
        wrong: "ETag: e180ee84",
        right: "ETag: W/\"e180ee84\"",
        proven_by: &["etag-unquoted"],
        check: etag_form,
    },
    Rule {
        id: "etag/unchanged-after-change",
        title: "The ETag stays although the resource changed",
        spec: "RFC 7644 §3.14; RFC 9110 §8.8.1",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &["etag-changes", "put-etag-changes"],
        explain: "Conditional writes that should fail go through, and one client overwrites the other.",
        hint: "Make a new tag with every change.",
        wrong: "PATCH changes title; ETag is the same",
        right: "another ETag",
        proven_by: &["etag-never-changes"],
        check: etag_static,
    },
    Rule {
        id: "etag/changes-by-itself",
        title: "The ETag changes although nothing else did",
        spec: "RFC 7644 §3.14; RFC 9110 §8.8.1",
        level: Level::Should,
        clash: false,
        impact: Impact::None,
        breaks: &[],
        requirements: &["etag-changes"],
        explain: "A tag that is new on each read tells nothing about the resource: no answer is ever 304, and a write that names \
                  the tag of an earlier read is refused although nobody else wrote.",
        hint: "Make the tag from what is stored (a counter, the time of the last change), not from the text of an answer.",
        wrong: "two reads in a row: the same resource, ETag W/\"7a\" and W/\"7b\"",
        right: "the same ETag",
        proven_by: &["etag-changes-on-read"],
        check: etag_restless,
    },
    Rule {
        id: "etag/if-none-match-ignored",
        title: "If-None-Match with the current tag does not give 304",
        spec: "RFC 7644 §3.14; RFC 9110 §13.1.2",
        level: Level::Should,
        clash: false,
        impact: Impact::None,
        breaks: &[],
        requirements: &["etag-if-none-match-304"],
        explain: "The client already has this representation.",
        hint: "Answer 304 without a body.",
        wrong: "GET If-None-Match: <current> → 200",
        right: "→ 304",
        proven_by: &["if-none-match-ignored"],
        check: not_modified,
    },
    Rule {
        id: "etag/not-modified-stale",
        title: "304 for a tag that is no longer current",
        spec: "RFC 9110 §13.1.2; RFC 7644 §3.14",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &["etag-if-none-match-stale-200"],
        explain: "The client keeps working with a representation that is out of date.",
        hint: "Compare with the current tag.",
        wrong: "GET If-None-Match: <old> → 304",
        right: "→ 200 with the resource",
        proven_by: &["if-none-match-always-304"],
        check: stale_304,
    },
    Rule {
        id: "etag/stale-write-accepted",
        title: "A write with a stale If-Match is carried out",
        spec: "RFC 7644 §3.14; RFC 9110 §13.1.1",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &["etag-if-match-stale-412"],
        explain: "If-Match protects against lost updates: when the tag is not current nothing may be changed.",
        hint: "Answer 412.",
        wrong: "PATCH If-Match: <old> → 200",
        right: "→ 412",
        proven_by: &["if-match-ignored"],
        check: stale_write,
    },
    Rule {
        id: "etag/current-write-refused",
        title: "A write with the current tag (or `*`) in If-Match is refused",
        spec: "RFC 7644 §3.14; RFC 9110 §13.1.1",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateFails,
        breaks: &[],
        requirements: &["etag-if-match-ok", "etag-if-match-star"],
        explain: "The condition holds, so the request must be carried out.",
        hint: "Compare tags weakly enough for W/ ones; `*` matches any existing resource.",
        wrong: "PATCH If-Match: <current> → 412",
        right: "→ 200 or 204",
        proven_by: &[
            "if-match-always-412",
            "if-match-refused-400",
            "if-match-star-412",
            "if-match-list-412",
            "patch-current-tag-412",
        ],
        check: current_write,
    },
    Rule {
        id: "etag/precondition-required",
        title: "A write without If-Match is refused",
        spec: "Okta and Entra send no conditional headers; RFC 7644 §3.14 makes them optional",
        level: Level::Idp,
        clash: false,
        impact: Impact::UpdateFails,
        breaks: &["okta", "entra"],
        requirements: &["etag-none-needed"],
        explain: "No identity provider sends If-Match, so nothing could ever be updated.",
        hint: "Treat the absence of If-Match as \"unconditional\".",
        wrong: "PATCH without If-Match → 428",
        right: "→ 200 or 204",
        proven_by: &["if-match-required"],
        check: required,
    },
];

/// The known live resource that a call by id addresses, when ETags are claimed.
fn tagged<'a>(view: &View<'a>) -> Option<&'a Known> {
    if !view.target.claims("etag") || !view.call.authenticated() {
        return None;
    }
    view.before.find(&view.call.endpoint, view.call.id.as_deref()?).filter(|k| k.state == State::Live)
}

fn tag<'a>(view: &View<'a>) -> Option<&'a str> {
    view.response().and_then(|r| r.header("etag")).map(str::trim)
}

fn etag_missing(view: &View<'_>) -> Verdict {
    let one = matches!(view.call.op, Op::Create | Op::Read | Op::Replace)
        && matches!(view.status(), 200 | 201)
        && !view.call.projected();
    if !one || !view.target.claims("etag") || !view.call.authenticated() {
        return Verdict::NotApplicable;
    }
    if tag(view).is_some() {
        Verdict::Pass
    } else {
        Verdict::fail("header ETag", "the version of the resource", "no ETag")
    }
}

fn etag_form(view: &View<'_>) -> Verdict {
    let Some(text) = tag(view).filter(|_| view.on_resources()) else { return Verdict::NotApplicable };
    let opaque = text.strip_prefix("W/").unwrap_or(text);
    let inner = opaque.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
    if inner.is_some_and(|t| !t.contains('"')) {
        Verdict::Pass
    } else {
        Verdict::fail("header ETag", "W/\"…\" or \"…\"", text)
    }
}

fn same(a: &str, b: &str) -> bool {
    a.trim().trim_start_matches("W/") == b.trim().trim_start_matches("W/")
}

fn etag_static(view: &View<'_>) -> Verdict {
    let Some(known) = tagged(view).filter(|_| view.call.op == Op::Read && view.status() == 200) else {
        return Verdict::NotApplicable;
    };
    let Some(now) = tag(view).filter(|_| known.dirty && known.last_full.is_some() && known.refused.is_none()) else {
        return Verdict::NotApplicable;
    };
    let before = view.earlier.iter().rev().find(|p| {
        p.call.op == Op::Read && p.call.id == view.call.id && p.exchange.status() == Some(200) && !p.call.projected()
    });
    let Some(before) = before.and_then(|p| p.exchange.response()?.header("etag")) else {
        return Verdict::NotApplicable;
    };
    let changed = view.changed_since_read(known);
    match (changed, same(before, now)) {
        (true, true) => {
            let finding = Finding::new("header ETag", format!("another than {before}"), now);
            Verdict::Fail(vec![if counts_seconds(view, known, now) { finding.level(Level::Should) } else { finding }])
        }
        (true, false) => Verdict::Pass,
        _ => Verdict::NotApplicable,
    }
}

/// A weak tag beside a lastModified that stays as well: a clock that counts seconds may be behind both, and a weak tag need not
/// change with every change (RFC 9110 §8.8.1).
fn counts_seconds(view: &View<'_>, known: &Known, tag: &str) -> bool {
    let modified = |resource: &Value| {
        let meta = value_ci(resource, "meta")?;
        value_ci(meta, "lastModified").and_then(Value::as_str).map(str::to_owned)
    };
    let (before, now) = (known.last_full.as_deref().and_then(modified), view.exchange.json().and_then(modified));
    tag.starts_with("W/") && before.is_some() && before == now
}

/// Only where nothing at all was written between the two reads: a group's member changes the user, too.
fn etag_restless(view: &View<'_>) -> Verdict {
    let read = |call: &Call, exchange: &Exchange| {
        call.op == Op::Read && exchange.status() == Some(200) && call.id == view.call.id && !call.projected()
    };
    if tagged(view).is_none() || !read(view.call, view.exchange) {
        return Verdict::NotApplicable;
    }
    let quiet = view.earlier.iter().rev().take_while(|p| p.exchange.request.method == "GET");
    let before = quiet.filter(|p| p.call.endpoint == view.call.endpoint).find(|p| read(&p.call, &p.exchange));
    let Some((was, now)) = before.and_then(|p| p.exchange.response()?.header("etag")).zip(tag(view)) else {
        return Verdict::NotApplicable;
    };
    if same(was, now) {
        return Verdict::Pass;
    }
    let as_before = before.and_then(|p| versionless(&p.exchange)) == versionless(view.exchange);
    if as_before { Verdict::fail("header ETag", was, now) } else { Verdict::NotApplicable }
}

/// The resource of an answer without its version.
fn versionless(exchange: &Exchange) -> Option<Value> {
    let mut resource = exchange.json()?.clone();
    if let Some(meta) =
        resource.as_object_mut().and_then(|o| o.iter_mut().find(|(k, _)| k.eq_ignore_ascii_case("meta")))
    {
        meta.1.as_object_mut()?.retain(|name, _| !name.eq_ignore_ascii_case("version"));
    }
    Some(resource)
}

/// Whether a conditional header names the current tag; `None` when that is not known.
fn current(view: &View<'_>, header: &str) -> Option<bool> {
    let sent = view.exchange.request.header(header)?;
    let known = tagged(view)?;
    if sent.trim() == "*" {
        return Some(true);
    }
    let shown = known.etag.as_deref()?;
    Some(sent.split(',').any(|s| same(s, shown)))
}

fn not_modified(view: &View<'_>) -> Verdict {
    let star = view.exchange.request.header("if-none-match").is_some_and(|h| h.trim() == "*");
    match (view.call.op, current(view, "if-none-match"), view.status()) {
        (Op::Read, Some(true), 304) => Verdict::Pass,
        (Op::Read, Some(true), 200) if !star => Verdict::fail("status", "304 Not Modified", "200"),
        _ => Verdict::NotApplicable,
    }
}

fn stale_304(view: &View<'_>) -> Verdict {
    match (view.call.op, current(view, "if-none-match"), view.status()) {
        (Op::Read, Some(false), 304) => Verdict::fail("status", "200 with the resource", "304"),
        (Op::Read, Some(false), 200) => Verdict::Pass,
        _ => Verdict::NotApplicable,
    }
}

fn write(view: &View<'_>) -> bool {
    matches!(view.call.op, Op::Replace | Op::Patch | Op::Delete)
}

fn stale_write(view: &View<'_>) -> Verdict {
    match (write(view), current(view, "if-match")) {
        (true, Some(false)) if view.accepted() => {
            Verdict::fail("status", "412 Precondition Failed", view.status().to_string())
        }
        (true, Some(false)) if view.client_error() => Verdict::Pass,
        _ => Verdict::NotApplicable,
    }
}

fn current_write(view: &View<'_>) -> Verdict {
    match (write(view), current(view, "if-match"), view.status()) {
        (true, Some(true), 412) => Verdict::fail("status", "success", "412 Precondition Failed"),
        // The same request without If-Match has to succeed; these are refusals of the header.
        (true, Some(true), status @ (400 | 422 | 428)) if view.must_accept() && (status == 428 || works_bare(view)) => {
            Verdict::fail("status", "success", format!("{status} to a current If-Match"))
        }
        (true, Some(true), 200..=299) => Verdict::Pass,
        _ => Verdict::NotApplicable,
    }
}

/// Such a write was accepted in this case without a condition.
fn works_bare(view: &View<'_>) -> bool {
    let bare = |p: &Past| {
        p.call.op == view.call.op
            && p.call.endpoint == view.call.endpoint
            && p.exchange.request.header("if-match").is_none()
    };
    view.earlier.iter().any(|p| bare(p) && p.exchange.accepted())
}

fn required(view: &View<'_>) -> Verdict {
    if !write(view) || view.exchange.request.header("if-match").is_some() || view.status() == 0 {
        return Verdict::NotApplicable;
    }
    match view.status() {
        428 => Verdict::fail("status", "success", "428 Precondition Required"),
        200..=299 => Verdict::Pass,
        _ => Verdict::NotApplicable,
    }
}
