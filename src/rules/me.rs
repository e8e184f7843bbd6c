//! `/Me` (RFC 7644 §3.11): the alias of whoever the credentials belong to.

use super::rule::{Finding, Impact, Level, Rule, Verdict};
use super::view::{View, short};
use crate::scim::value::get_ci;
use crate::shadow::Op;
use serde_json::{Map, Value};

/// Rules of this area.
pub static RULES: &[Rule] = &[
    Rule {
        id: "me/status-wrong",
        title: "/Me is neither answered, nor redirected, nor said to be missing",
        spec: "RFC 7644 §3.11",
        level: Level::Should,
        clash: false,
        impact: Impact::None,
        breaks: &[],
        requirements: &["me-get"],
        explain: "A server without /Me should answer 501, so that a client can tell \"not offered\" from \"you are nobody\". The others answer the resource, redirect to it with 308, or, where the credentials belong to no resource, 403 or 404.",
        hint: "Answer 501.",
        wrong: "GET /Me → 400",
        right: "→ 501 Not Implemented",
        proven_by: &["me-answers-400", "me-empty-200"],
        check: status,
    },
    Rule {
        id: "me/location-missing",
        title: "The answer of /Me does not say where the resource is",
        spec: "RFC 7644 §3.11",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["me-location"],
        explain: "Whatever is answered at /Me must name the permanent location of the resource in the Location header; /Me itself is another resource tomorrow.",
        hint: "Send Location: …/Users/{id}.",
        wrong: "GET /Me → 200 without Location",
        right: "→ 200, Location: https://…/Users/2819",
        proven_by: &["me-without-location"],
        check: location,
    },
    Rule {
        id: "me/another-resource",
        title: "/Me and the resource that it stands for differ",
        spec: "RFC 7644 §3.11",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["me-same-as-user"],
        explain: "/Me is an alias: the resource of the id that it shows, read by that id, is the same.",
        hint: "Serve both from one place.",
        wrong: "GET /Me → id 2819; GET /Users/2819 → another userName, or 404",
        right: "→ the same resource",
        proven_by: &["me-shows-another-name"],
        check: same,
    },
];

fn reads(view: &View<'_>) -> bool {
    view.call.op == Op::Me && view.call.method == "GET" && view.call.authenticated()
}

fn status(view: &View<'_>) -> Verdict {
    if !reads(view) || view.call.depth != 1 {
        return Verdict::NotApplicable;
    }
    match view.status() {
        200 if view.object().is_none() => Verdict::fail("body", "the resource", "no JSON object"),
        200 | 308 | 403 | 404 | 501 => Verdict::Pass,
        // Crashes, limits and refused credentials have rules of their own.
        0 | 401 | 429 | 500..=599 => Verdict::NotApplicable,
        other => Verdict::fail("status", "200, 308 or 501", other.to_string()),
    }
}

fn location(view: &View<'_>) -> Verdict {
    // Who answers any path with a list has no /Me.
    let asked = reads(view) && view.status() == 200 && !view.call.projected() && !view.shows_list();
    let resource = view.object().filter(|_| asked);
    let Some(id) = resource.and_then(|r| get_ci(r, "id")).and_then(Value::as_str) else {
        return Verdict::NotApplicable;
    };
    let header = view.response().and_then(|r| r.header("location"));
    let last = |uri: &str| {
        let path = uri.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
        crate::exchange::percent_decode(path.rsplit('/').next().unwrap_or_default())
    };
    match header {
        Some(uri) if last(uri) == id => Verdict::Pass,
        other => Verdict::fail("header Location", format!("…/{id}"), other.unwrap_or("no Location")),
    }
}

fn same(view: &View<'_>) -> Verdict {
    let Some(id) = view.call.id.as_deref().filter(|_| view.call.op == Op::Read && !view.call.projected()) else {
        return Verdict::NotApplicable;
    };
    let me = view.earlier.iter().rev().find(|p| {
        p.call.op == Op::Me && p.call.method == "GET" && p.exchange.status() == Some(200) && !p.call.projected()
    });
    let Some(me) = me else { return Verdict::NotApplicable };
    let shown = me.exchange.json().and_then(Value::as_object);
    let Some(shown) = shown.filter(|s| get_ci(s, "id").and_then(Value::as_str) == Some(id)) else {
        return Verdict::NotApplicable;
    };
    let finding = match (view.status(), view.object()) {
        (404, _) => Finding::new("status", "200: /Me shows this id", "404"),
        (200, Some(read)) => {
            match ["userName", "displayName", "active"].into_iter().find(|n| differs(shown, read, n)) {
                Some(name) => Finding::new(format!("body /{name}"), text(shown, name), text(read, name)),
                None => return Verdict::Pass,
            }
        }
        _ => return Verdict::NotApplicable,
    };
    Verdict::Fail(vec![finding.because(me.step.clone())])
}

fn differs(a: &Map<String, Value>, b: &Map<String, Value>, name: &str) -> bool {
    matches!((get_ci(a, name), get_ci(b, name)), (Some(x), Some(y)) if x != y)
}

fn text(map: &Map<String, Value>, name: &str) -> String {
    get_ci(map, name).map_or_else(|| "nothing".to_owned(), short)
}
