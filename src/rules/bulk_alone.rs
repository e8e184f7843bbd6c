//! Bulk (RFC 7644 §3.7): each operation is what the same request would be alone.

use super::bulk::{bulk, references, refused_for_itself, result};
use super::rule::{Impact, Level, Rule, Verdict};
use super::view::{View, short};
use crate::scim::value::get_ci;
use crate::shadow::{Call, Expectation, Op, Reason, bulk_status_of, name_attribute, text_of};
use serde_json::{Map, Value};

/// Rules of this area.
pub static RULES: &[Rule] = &[
    Rule {
        id: "bulk/valid-operation-refused",
        title: "An operation that is valid by itself is refused in a bulk request",
        spec: "RFC 7644 §3.7",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateFails,
        breaks: &[],
        requirements: &["bulk-put-patch-delete"],
        explain: "The `data` of an operation is the body that the same request would have alone: a resource for POST and PUT, a whole PatchOp message for PATCH. Here the request is valid for what the server holds, nothing else in the bulk request touches the same resource, and the result is a refusal.",
        hint: "Give each operation to the handler of the single request, with `data` as its body.",
        wrong: "{\"method\":\"PATCH\",\"path\":\"/Users/2819\",\"data\":{\"schemas\":[\"…:PatchOp\"],\"Operations\":[…]}} → {\"status\":\"400\"}",
        right: "→ {\"status\":\"200\"}",
        proven_by: &["bulk-patch-message-400"],
        check: refused,
    },
    Rule {
        id: "bulk/refusal-wrong-status",
        title: "An operation that must be refused by itself is answered otherwise in a bulk request",
        spec: "RFC 7644 §3.7, §3.7.3, §3.3, §3.12",
        level: Level::Must,
        clash: false,
        impact: Impact::CreateFails,
        breaks: &[],
        requirements: &["bulk-refusal-status"],
        explain: "`status` is the one that the same request would have alone: 409 for a name that is taken, 404 for an id that nobody has. Here it is another, so a client takes a person who is known for a request that is wrong, or one who is gone for a fault of the server.",
        hint: "Give each operation to the handler of the single request, and report its status.",
        wrong: "{\"method\":\"POST\",\"path\":\"/Users\",\"bulkId\":\"a\",\"data\":{\"userName\":\"taken\"}} → {\"status\":\"400\"}",
        right: "→ {\"status\":\"409\",\"response\":{…,\"scimType\":\"uniqueness\"}}",
        proven_by: &["bulk-duplicate-400", "delete-unknown-204", "delete-unknown-400"],
        check: wrong_status,
    },
    Rule {
        id: "bulk/success-wrong-status",
        title: "An operation that was carried out is answered with the status of another one",
        spec: "RFC 7644 §3.7.3, §3.3, §3.5.1, §3.5.2, §3.6",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["bulk-put-patch-delete", "bulk-create"],
        explain: "`status` is the one that the same request would have alone: 201 for what was created, 204 for what was deleted, 200 (or 204 without a body) for what was changed. By another a client books the wrong thing.",
        hint: "Report the status of the single request's handler.",
        wrong: "{\"method\":\"DELETE\",\"path\":\"/Users/2819\"} → {\"status\":\"201\"}",
        right: "→ {\"status\":\"204\"}",
        proven_by: &["bulk-status-always-201"],
        check: done_otherwise,
    },
];

/// What a check makes of an operation: nothing, or whether its result is what it had to be; if not, what that is.
type Opinion = Option<Option<String>>;

/// Holds each result against what the same request would be answered alone.
fn each_alone(view: &View<'_>, check: impl Fn(&Call, u16, &Map<String, Value>) -> Opinion) -> Verdict {
    let (true, Some((asked, answered))) = (view.call.authenticated(), bulk(view)) else {
        return Verdict::NotApplicable;
    };
    let mut seen = false;
    for (index, ask) in asked.iter().enumerate() {
        let Some(call) = alone(view, index, &asked) else { continue };
        let Some(done) = result(index, ask, &answered).filter(|done| is_of(done, &call)) else { continue };
        let status = bulk_status_of(done).unwrap_or(0);
        let Some(opinion) = check(&call, status, done) else { continue };
        seen = true;
        if let Some(expected) = opinion {
            let why = get_ci(done, "response").map_or_else(|| "no reason".to_owned(), short);
            return Verdict::fail(format!("body /Operations/{index}/status"), expected, format!("{status} {why}"));
        }
    }
    if seen { Verdict::Pass } else { Verdict::NotApplicable }
}

fn refused(view: &View<'_>) -> Verdict {
    each_alone(view, |call, status, done| {
        let valid = view.before.forecast(call).expect == Expectation::Accept;
        let wrong = matches!(status, 400 | 402 | 404..=428 | 430..=499) && !refused_for_itself(done);
        valid.then(|| wrong.then(|| format!("success: {} {} is valid by itself", call.method, call.endpoint)))
    })
}

fn wrong_status(view: &View<'_>) -> Verdict {
    each_alone(view, |call, status, _| {
        let forecast = view.before.forecast(call);
        let wanted = match forecast.reason.filter(|_| forecast.expect == Expectation::Refuse)? {
            // A server that lets nobody rename refuses a replacement for that reason first.
            Reason::Duplicate if call.op == Op::Create => {
                // Who is known under another name than was sent stands in nobody's way.
                (!view.before.doubts(&call.endpoint, name_attribute(&call.endpoint))).then_some(409)?
            }
            Reason::UnknownId | Reason::Deleted => 404,
            _ => return None,
        };
        // Who may not, or may not here, is told so before the data is looked at; crashes have a rule of their own.
        let elsewhere = matches!(status, 0 | 401 | 403 | 405 | 412 | 413 | 428 | 429 | 500..);
        let told = || format!("{wanted}: as {} {} would be answered alone", call.method, call.endpoint);
        (!elsewhere).then(|| (status != wanted).then(told))
    })
}

fn done_otherwise(view: &View<'_>) -> Verdict {
    each_alone(view, |call, status, _| {
        let (right, wanted) = match call.op {
            Op::Create => (status == 201, "201"),
            Op::Delete => (status == 204, "204"),
            _ => (matches!(status, 200 | 204), "200"),
        };
        (200..300).contains(&status).then(|| (!right).then(|| format!("{wanted}, as {} alone", call.method)))
    })
}

/// The operation as a request of its own; nothing when something else in the bulk request bears on it.
fn alone(view: &View<'_>, index: usize, asked: &[&Map<String, Value>]) -> Option<Call> {
    let ask = asked[index];
    let text = |map: &Map<String, Value>, name: &str| get_ci(map, name).and_then(text_of);
    let method = text(ask, "method")?;
    let path = text(ask, "path")?;
    if get_ci(ask, "version").is_some() || !references(ask).is_empty() || path.contains(['?', '%']) {
        return None;
    }
    let mut segments = path.trim_matches('/').split('/');
    let endpoint = format!("/{}", segments.next()?);
    let id = segments.next().map(str::to_owned);
    let endpoint = view.target.resource_type(&endpoint)?.endpoint.clone();
    let op = match (method.as_str(), &id) {
        ("POST", None) => Op::Create,
        ("PUT", Some(_)) => Op::Replace,
        ("PATCH", Some(_)) if view.target.feature("patch") => Op::Patch,
        ("DELETE", Some(_)) => Op::Delete,
        _ => return None,
    };
    let data = get_ci(ask, "data").and_then(Value::as_object);
    if data.is_none() && op != Op::Delete {
        return None;
    }
    let others = || asked.iter().enumerate().filter(|(place, _)| *place != index).map(|(_, other)| *other);
    let free = match op {
        Op::Create => {
            let data = data?;
            let name = get_ci(data, name_attribute(&endpoint)).and_then(Value::as_str)?;
            let taken = |other: &Map<String, Value>| Value::Object(other.clone()).to_string().contains(name);
            get_ci(ask, "bulkId").is_some() && known_to_do(view, &endpoint, data) && !others().any(taken)
        }
        _ => !others().any(|other| text(other, "path").as_deref() == Some(path.as_str())),
    };
    let body = data.cloned().map(Value::Object);
    let read = Call { op, method, endpoint, depth: 1 + usize::from(id.is_some()), id, body, ..view.call.clone() };
    free.then_some(read)
}

/// A create with no other attributes than one that the server took by itself.
fn known_to_do(view: &View<'_>, endpoint: &str, data: &Map<String, Value>) -> bool {
    view.earlier.iter().any(|past| {
        let sent = past.call.body.as_ref().and_then(Value::as_object);
        past.call.op == Op::Create
            && past.call.endpoint == endpoint
            && past.exchange.accepted()
            && sent.is_some_and(|sent| data.keys().all(|name| get_ci(sent, name).is_some()))
    })
}

/// Results may stand in another order: one counts only when it speaks of that method and, if of any, of that resource.
fn is_of(done: &Map<String, Value>, call: &Call) -> bool {
    let text = |name: &str| get_ci(done, name).and_then(text_of);
    let method = text("method").is_some_and(|m| m.eq_ignore_ascii_case(&call.method));
    let place = match (&call.id, text("location")) {
        (Some(id), Some(location)) => location.trim_end_matches('/').ends_with(id.as_str()),
        _ => true,
    };
    method && place
}
