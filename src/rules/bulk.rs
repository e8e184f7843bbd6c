//! Bulk (RFC 7644 §3.7): limits, references between operations, what a failed operation says; and `/.search` (§3.4.3).

use super::rule::{Finding, Impact, Level, Rule, Verdict, refusal_rule};
use super::view::{View, short};
use crate::scim::urn;
use crate::scim::value::{get_ci, value_ci};
use crate::shadow::forecast::operations;
use crate::shadow::{Expectation, Op, text_of};
use serde_json::{Map, Value};

/// Rules of this area.
pub static RULES: &[Rule] = &[
    Rule {
        id: "bulk/answer-wrong",
        title: "The answer to /Bulk is no BulkResponse",
        spec: "RFC 7644 §3.7",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["bulk-200", "bulk-all-results"],
        explain: "A bulk request is answered with 200 and one object: `schemas` names BulkResponse, `Operations` holds the results.",
        hint: "Return the envelope.",
        wrong: "POST /Bulk → 200 [ {…} ]",
        right: "→ 200 {\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:BulkResponse\"],\"Operations\":[…]}",
        proven_by: &["bulk-answers-201"],
        check: bulk_answer,
    },
    Rule {
        id: "bulk/claimed-not-available",
        title: "Bulk is claimed and not available",
        spec: "RFC 7643 §5; RFC 7644 §3.7",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["spc-claims-match-behaviour", "bulk-200"],
        explain: "ServiceProviderConfig says bulk.supported, and /Bulk answers 404, 405 or 501.",
        hint: "Say false, or implement it.",
        wrong: "\"bulk\":{\"supported\":true}; POST /Bulk → 501",
        right: "POST /Bulk → 200",
        proven_by: &["serviceproviderconfig-claims-bulk"],
        check: bulk_claimed,
    },
    Rule {
        id: "bulk/status-not-text",
        title: "`status` of a bulk operation is missing, no string, or not that of its method",
        spec: "RFC 7644 §3.7, §3.7.3",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["bulk-status-string"],
        explain: "Each operation has its HTTP status as a string: the one that the same request would have had alone, so 201 for a create. One example of RFC 7644 §3.7.2 shows an object with a `code`; that is told as advice.",
        hint: "Write \"status\": \"201\".",
        wrong: "{\"status\":201}",
        right: "{\"status\":\"201\"}",
        proven_by: &["bulk-create-status-200", "bulk-status-number", "bulk-status-object"],
        check: bulk_status,
    },
    Rule {
        id: "bulk/location-missing",
        title: "A bulk operation has no location, or that of something else",
        spec: "RFC 7644 §3.7, §3.7.3",
        level: Level::Must,
        clash: false,
        impact: Impact::UserNotFound,
        breaks: &[],
        requirements: &["bulk-location", "bulk-create"],
        explain: "`location` is required in all but failed POST operations: it is how the client learns the id of what was made, and which resource was not changed or deleted. One that leads below another endpoint than the operation finds nobody.",
        hint: "Return the URI of each resource.",
        wrong: "{\"method\":\"POST\",\"bulkId\":\"a\",\"status\":\"201\"}",
        right: "{…,\"location\":\"https://…/Users/92b7\"}",
        proven_by: &[
            "bulk-change-without-location",
            "bulk-failed-without-location",
            "bulk-group-location-below-users",
            "bulk-without-location",
        ],
        check: bulk_location,
    },
    Rule {
        id: "bulk/bulk-id-not-echoed",
        title: "A bulk operation is answered without its bulkId",
        spec: "RFC 7644 §3.7",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["bulk-create"],
        explain: "The client finds its operation by the bulkId.",
        hint: "Echo it.",
        wrong: "{\"method\":\"POST\",\"status\":\"201\"}",
        right: "{\"method\":\"POST\",\"bulkId\":\"a\",\"status\":\"201\"}",
        proven_by: &["bulk-without-bulkid"],
        check: bulk_id,
    },
    Rule {
        id: "bulk/fail-on-errors-ignored",
        title: "`failOnErrors` is ignored",
        spec: "RFC 7644 §3.7",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &["bulk-failonerrors"],
        explain: "After that number of errors the rest must not be processed.",
        hint: "Stop and return what was processed.",
        wrong: "failOnErrors 1; a bad and a good operation → the good one is carried out after the bad",
        right: "only the bad one is answered",
        proven_by: &["bulk-failonerrors-ignored"],
        check: fail_on_errors,
    },
    Rule {
        id: "bulk/stops-at-error",
        title: "A bulk request without `failOnErrors` stops at the first error",
        spec: "RFC 7644 §3.7",
        level: Level::Must,
        clash: false,
        impact: Impact::CreateFails,
        breaks: &[],
        requirements: &["bulk-continue"],
        explain: "Without failOnErrors the server continues to perform as many changes as possible.",
        hint: "Go on with the next operation.",
        wrong: "bad, good → one result",
        right: "→ two results",
        proven_by: &["bulk-stops-at-error", "bulk-unnamed-creates-merged"],
        check: stops,
    },
    Rule {
        id: "search/not-offered",
        title: "POST to a .search endpoint is not offered",
        spec: "RFC 7644 §3.4.3 lets clients query by POST; no sentence asks a server to offer it",
        level: Level::Note,
        clash: false,
        impact: Impact::None,
        breaks: &[],
        requirements: &["search-post-200"],
        explain: "Filters with personal data are better sent in a body than in a URL, and some clients do. No identity provider that is played here needs it.",
        hint: "Take the parameters of a query from a SearchRequest body as well.",
        wrong: "POST /Users/.search → 501",
        right: "→ 200 with a ListResponse",
        proven_by: &["search-endpoint-404"],
        check: refusal_rule!("search/not-offered"),
    },
    Rule {
        id: "search/valid-request-refused",
        title: "A .search is refused, and the same query by GET is answered",
        spec: "RFC 7644 §3.4.3",
        level: Level::Must,
        clash: false,
        impact: Impact::LookupFails,
        breaks: &[],
        requirements: &["search-post-200"],
        explain: "A SearchRequest has the parameters of a query in its body: `attributes` and `excludedAttributes` are lists, `count` and `startIndex` numbers, and `schemas` is `urn:ietf:params:scim:api:messages:2.0:SearchRequest`. scimproof asked the same by GET and was answered, so it is the body that the server does not understand.",
        hint: "Read the SearchRequest by the names and types of RFC 7644 §3.4.3 and go on as for the query by GET.",
        wrong: "POST /Users/.search {\"attributes\":[\"userName\"],…} → 400; GET /Users?attributes=userName → 200",
        right: "→ 200 with a ListResponse",
        proven_by: &["search-attributes-list-400", "search-sort-order-400"],
        check: refusal_rule!("search/valid-request-refused"),
    },
    Rule {
        id: "search/post-status",
        title: "POST /.search answers with a status other than 200",
        spec: "RFC 7644 §3.4.3",
        level: Level::Must,
        clash: false,
        impact: Impact::LookupFails,
        breaks: &[],
        requirements: &["search-post-200"],
        explain: "It is a query, nothing is created.",
        hint: "Answer 200.",
        wrong: "POST /Users/.search → 201",
        right: "→ 200",
        proven_by: &["search-post-201"],
        check: search_status,
    },
    Rule {
        id: "bulk/limit-not-enforced",
        title: "More operations than `maxOperations` are carried out",
        spec: "RFC 7644 §3.7.4",
        level: Level::Must,
        clash: false,
        impact: Impact::None,
        breaks: &[],
        requirements: &["bulk-max-operations-413"],
        explain: "A server that names a limit must answer 413 to a request that exceeds it. One that takes everything can be kept busy by anybody, and clients size their batches by a number that means nothing.",
        hint: "Count the operations before the first one is carried out, or advertise the real limit.",
        wrong: "\"maxOperations\":100; POST /Bulk with 150 operations → 200",
        right: "→ 413 Payload Too Large",
        proven_by: &["bulk-limit-ignored"],
        check: limit,
    },
    Rule {
        id: "bulk/reference-not-resolved",
        title: "A `bulkId:` reference to another operation of the request is not resolved",
        spec: "RFC 7644 §3.7.2",
        level: Level::Must,
        clash: false,
        impact: Impact::GroupPushFails,
        breaks: &[],
        requirements: &["bulk-bulkid-ref"],
        explain: "A server that offers Bulk must put the id of the created resource in place of `bulkId:x`, wherever in the request the operation x stands. Here everything that needs the reference fails, or the text itself is stored.",
        hint: "Order the operations by their references, create, then substitute the new ids.",
        wrong: "POST /Users bulkId u1, POST /Groups members [{\"value\":\"bulkId:u1\"}] → 400 for the group",
        right: "→ 201 for both, and the group has the user",
        proven_by: &["bulk-reference-not-resolved", "bulk-patch-reference-400"],
        check: reference,
    },
    Rule {
        id: "bulk/lost-reference-accepted",
        title: "A `bulkId:` reference to nothing is accepted",
        spec: "RFC 7644 §3.7.2; RFC 7643 §3.1 (bulkId is reserved)",
        level: Level::Must,
        clash: false,
        impact: Impact::GroupDrifts,
        breaks: &[],
        requirements: &["bulk-bulkid-unresolved"],
        explain: "The word bulkId must not be used within an id, so a member of the id `bulkId:x` cannot exist. Whoever stores it keeps a member that is nobody.",
        hint: "Fail that operation with 409 or 400.",
        wrong: "members [{\"value\":\"bulkId:nothing\"}] → 201",
        right: "→ 409",
        proven_by: &["bulk-lost-reference-stored"],
        check: lost,
    },
    Rule {
        id: "bulk/error-without-response",
        title: "A failed bulk operation does not say why",
        spec: "RFC 7644 §3.7, §3.12",
        level: Level::Must,
        clash: false,
        impact: Impact::RetriesForever,
        breaks: &[],
        requirements: &["bulk-error-response"],
        explain: "For a status other than 2xx the operation must hold the Error body in `response`. Without it nobody learns what to change, and the client sends the same again.",
        hint: "Put the body of the error into `response`.",
        wrong: "{\"method\":\"POST\",\"bulkId\":\"a\",\"status\":\"409\"}",
        right: "{…,\"status\":\"409\",\"response\":{\"schemas\":[…:Error],\"scimType\":\"uniqueness\",\"status\":\"409\"}}",
        proven_by: &["bulk-error-empty", "bulk-error-without-response", "bulk-response-as-text"],
        check: error_response,
    },
    Rule {
        id: "bulk/post-without-id-accepted",
        title: "A create without bulkId is accepted in a bulk request",
        spec: "RFC 7644 §3.7",
        level: Level::Note,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["bulk-post-needs-bulkid"],
        explain: "bulkId is required for POST: without it a client cannot tell which answer belongs to which create. To accept it all the same is lenient and harms nobody who keeps the rule.",
        hint: "Refuse it with 400 invalidSyntax.",
        wrong: "{\"method\":\"POST\",\"path\":\"/Users\",\"data\":{…}} → 201",
        right: "→ 400",
        proven_by: &["bulk-post-without-id-accepted"],
        check: without_id,
    },
    Rule {
        id: "bulk/unknown-method-accepted",
        title: "A bulk operation whose method is none is answered with success",
        spec: "RFC 7644 §3.7",
        level: Level::Should,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &["bulk-method"],
        explain: "`method` is required, and one of POST, PUT, PATCH and DELETE. An operation without one, or with another, cannot be carried out; a client that reads of success believes that it was.",
        hint: "Refuse the operation, or the whole request, with 400 invalidSyntax.",
        wrong: "{\"method\":\"MOVE\",\"path\":\"/Users/2819\"} → {\"status\":\"200\"}",
        right: "→ {\"status\":\"400\",\"response\":{…}}",
        proven_by: &["bulk-method-unchecked"],
        check: unknown_method,
    },
];

/// Operations asked for and answered in a bulk exchange that had to succeed.
type Operations<'a> = Vec<&'a Map<String, Value>>;

pub(super) fn bulk<'a>(view: &'a View<'_>) -> Option<(Operations<'a>, Operations<'a>)> {
    if view.call.op != Op::Bulk || view.status() != 200 || !view.target.claims("bulk") {
        return None;
    }
    let asked = view.call.body.as_ref()?.as_object()?;
    let answered = view.object()?;
    Some((
        crate::shadow::forecast::operations(asked).collect(),
        crate::shadow::forecast::operations(answered).collect(),
    ))
}

fn bulk_answer(view: &View<'_>) -> Verdict {
    if view.call.op != Op::Bulk || !view.accepted() || !view.target.claims("bulk") {
        return Verdict::NotApplicable;
    }
    let named =
        view.object().and_then(|o| get_ci(o, "schemas")).is_some_and(|s| s.to_string().contains(urn::BULK_RESPONSE));
    match (view.status(), named) {
        (200, true) => Verdict::Pass,
        (200, false) => Verdict::fail("body /schemas", urn::BULK_RESPONSE, "something else"),
        (other, _) => Verdict::fail("status", "200 OK", other.to_string()),
    }
}

fn bulk_claimed(view: &View<'_>) -> Verdict {
    if view.call.op != Op::Bulk || !view.target.claims("bulk") || !view.call.authenticated() {
        return Verdict::NotApplicable;
    }
    match view.status() {
        404 | 405 | 501 => Verdict::fail("status", "200 OK", view.status().to_string()),
        200..=299 => Verdict::Pass,
        _ => Verdict::NotApplicable,
    }
}

fn bulk_status(view: &View<'_>) -> Verdict {
    let Some((_, answered)) = bulk(view) else { return Verdict::NotApplicable };
    for one in &answered {
        let post = get_ci(one, "method").and_then(Value::as_str).is_some_and(|m| m.eq_ignore_ascii_case("POST"));
        match get_ci(one, "status") {
            Some(Value::String(s)) if post && succeeded(one) && s != "201" => {
                return Verdict::fail("body /Operations/status", "\"201\" for a create", s.clone());
            }
            Some(Value::String(s)) if s.len() == 3 => {}
            // One example of the section writes it so, and no sentence says that it is wrong.
            Some(shown) if value_ci(shown, "code").and_then(Value::as_str).is_some_and(|s| s.len() == 3) => {
                let finding = Finding::new("body /Operations/status", "a string such as \"201\"", short(shown));
                return Verdict::Fail(vec![finding.level(Level::Should)]);
            }
            other => {
                return Verdict::fail(
                    "body /Operations/status",
                    "a string such as \"201\"",
                    other.map_or_else(|| "nothing".to_owned(), short),
                );
            }
        }
    }
    if answered.is_empty() { Verdict::NotApplicable } else { Verdict::Pass }
}

pub(super) fn succeeded(operation: &Map<String, Value>) -> bool {
    crate::shadow::bulk_status_of(operation).is_some_and(|s| (200..300).contains(&s))
}

fn bulk_location(view: &View<'_>) -> Verdict {
    let Some((asked, answered)) = bulk(view) else { return Verdict::NotApplicable };
    if asked.len() == answered.len()
        && let Some(finding) = asked.iter().zip(&answered).find_map(|(ask, done)| elsewhere(ask, done, &answered))
    {
        return Verdict::Fail(vec![finding]);
    }
    // Of what is deleted there is no more to be read, so its location is not missed; nor is that of an operation that is none.
    let foreign = |o: &&Map<String, Value>| {
        let named = get_ci(o, "method").is_some() && !is_operation(o);
        let id = own_id(o);
        named || (id.is_some() && asked.iter().any(|ask| !is_operation(ask) && own_id(ask) == id))
    };
    let posts: Vec<_> = answered
        .iter()
        .copied()
        .filter(|o| {
            succeeded(o)
                && !foreign(o)
                && get_ci(o, "method").and_then(Value::as_str).is_none_or(|m| !m.eq_ignore_ascii_case("DELETE"))
        })
        .collect();
    let without = |o: &Map<String, Value>| get_ci(o, "location").and_then(Value::as_str).is_none_or(str::is_empty);
    let lacking = posts.iter().any(|o| without(o));
    let failed = failed_at(&asked, &answered).into_iter().find(|(_, done)| without(done));
    match (posts.is_empty(), lacking) {
        (_, true) => Verdict::fail("body /Operations/location", "the URI of the resource", "nothing"),
        _ if failed.is_some() => {
            let method = failed.and_then(|(ask, _)| get_ci(ask, "method")?.as_str()).unwrap_or("PATCH");
            let wanted = format!("the URI of the resource, after a {method} that failed, too");
            Verdict::fail("body /Operations/location", wanted, "nothing")
        }
        (true, _) => Verdict::NotApplicable,
        _ => Verdict::Pass,
    }
}

/// An operation and its result.
type Answered<'a> = (&'a Map<String, Value>, &'a Map<String, Value>);

/// The operations on one user or group that failed, each with its result: only a POST that failed has no location.
fn failed_at<'a>(asked: &Operations<'a>, answered: &Operations<'a>) -> Vec<Answered<'a>> {
    let named = |ask: &Map<String, Value>| {
        let path = get_ci(ask, "path").and_then(Value::as_str).unwrap_or_default();
        let id = path.strip_prefix("/Users/").or_else(|| path.strip_prefix("/Groups/"));
        let method = get_ci(ask, "method").and_then(Value::as_str).unwrap_or_default();
        ["PUT", "PATCH", "DELETE"].contains(&method)
            && id.is_some_and(|id| !id.is_empty() && !id.contains([':', '/', '?']))
    };
    let pairs = asked.iter().enumerate().filter(move |(_, ask)| named(ask));
    pairs
        .filter(|_| asked.len() == answered.len())
        .filter_map(|(index, ask)| Some((*ask, result(index, ask, answered)?)))
        .filter(|(_, done)| crate::shadow::bulk_status_of(done).is_some_and(|s| s >= 400))
        .collect()
}

/// A location below another endpoint than that of the operation. Answers may stand in another order, so a pair counts only
/// where the bulkId or the id says that both are about one resource.
fn elsewhere(ask: &Map<String, Value>, done: &Map<String, Value>, answered: &[&Map<String, Value>]) -> Option<Finding> {
    let text = |map: &Map<String, Value>, name: &str| get_ci(map, name).and_then(text_of).filter(|t| !t.is_empty());
    let path = text(ask, "path")?;
    let mut asked = path.trim_start_matches('/').split(['/', '?']);
    let (endpoint, id) = (asked.next()?, asked.next());
    let location = text(done, "location").filter(|_| succeeded(done))?;
    let mut places = location.split(['?', '#']).next()?.trim_end_matches('/').rsplit('/');
    let (last, below) = (places.next()?, places.next()?);
    let made = |bulk_id: &str| {
        let create = answered.iter().find(|a| text(a, "bulkId").as_deref() == Some(bulk_id))?;
        text(create, "location")?.trim_end_matches('/').rsplit('/').next().map(str::to_owned)
    };
    let paired = match id {
        Some(id) => match id.strip_prefix("bulkId:") {
            Some(bulk_id) => made(bulk_id).as_deref() == Some(last),
            None => id == last,
        },
        None => text(ask, "bulkId").is_some() && text(ask, "bulkId") == text(done, "bulkId"),
    };
    let core = |name: &str| ["Users", "Groups"].iter().any(|e| e.eq_ignore_ascii_case(name));
    (paired && core(endpoint) && core(below) && !below.eq_ignore_ascii_case(endpoint))
        .then(|| Finding::new("body /Operations/location", format!("…/{endpoint}/{last}"), location.clone()))
}

fn bulk_id(view: &View<'_>) -> Verdict {
    let Some((asked, answered)) = bulk(view) else { return Verdict::NotApplicable };
    // An operation without a method that is one need not be understood.
    let whole = asked.iter().take(answered.len()).filter(|o| is_operation(o));
    let ids: Vec<&Value> = whole.filter_map(|o| get_ci(o, "bulkId")).collect();
    match ids.iter().find(|id| !answered.iter().any(|a| get_ci(a, "bulkId") == Some(**id))) {
        Some(id) if answered.len() == asked.len() => {
            Verdict::fail("body /Operations/bulkId", short(id), "no operation with it")
        }
        _ if ids.is_empty() => Verdict::NotApplicable,
        _ => Verdict::Pass,
    }
}

/// Its method is one of the four that RFC 7644 §3.7 allows, in whatever letters.
fn is_operation(operation: &Map<String, Value>) -> bool {
    let method = get_ci(operation, "method").and_then(Value::as_str).unwrap_or_default();
    ["POST", "PUT", "PATCH", "DELETE"].iter().any(|known| method.eq_ignore_ascii_case(known))
}

/// GET is left out: some servers offer it on top.
fn unknown_method(view: &View<'_>) -> Verdict {
    let Some((asked, answered)) = bulk(view) else { return Verdict::NotApplicable };
    let mut seen = false;
    for (index, ask) in asked.iter().enumerate() {
        let method = get_ci(ask, "method").and_then(text_of).unwrap_or_default();
        if is_operation(ask) || method.eq_ignore_ascii_case("GET") {
            continue;
        }
        let Some(done) = result(index, ask, &answered) else { continue };
        seen = true;
        if succeeded(done) {
            let method = if method.is_empty() { "no method".to_owned() } else { method };
            let status = get_ci(done, "status").map_or_else(String::new, short);
            return Verdict::fail(
                format!("body /Operations/{index}/status"),
                "400: the method is POST, PUT, PATCH or DELETE",
                format!("{status} for {method}"),
            );
        }
    }
    if seen { Verdict::Pass } else { Verdict::NotApplicable }
}

fn fail_limit(view: &View<'_>) -> Option<usize> {
    let body = view.call.body.as_ref()?.as_object()?;
    usize::try_from(get_ci(body, "failOnErrors")?.as_u64()?).ok().filter(|n| *n > 0)
}

fn fail_on_errors(view: &View<'_>) -> Verdict {
    let (Some((asked, answered)), Some(limit)) = (bulk(view), fail_limit(view)) else { return Verdict::NotApplicable };
    let errors: Vec<usize> = answered.iter().enumerate().filter(|(_, o)| !succeeded(o)).map(|(i, _)| i).collect();
    let Some(last) = errors.get(limit - 1) else { return Verdict::NotApplicable };
    if *last + 1 >= asked.len() {
        return Verdict::NotApplicable;
    }
    let after = answered.iter().skip(last + 1).filter(|o| succeeded(o)).count();
    if after > 0 {
        Verdict::fail("body /Operations", format!("nothing carried out after {limit} errors"), format!("{after} more"))
    } else {
        Verdict::Pass
    }
}

fn stops(view: &View<'_>) -> Verdict {
    let Some((asked, answered)) = bulk(view) else { return Verdict::NotApplicable };
    let failed = answered.iter().any(|o| !succeeded(o));
    if fail_limit(view).is_some() || !failed {
        return Verdict::NotApplicable;
    }
    if answered.len() < asked.len() {
        return Verdict::fail(
            "body /Operations",
            format!("{} results", asked.len()),
            format!("{} results", answered.len()),
        );
    }
    Verdict::Pass
}

fn search_status(view: &View<'_>) -> Verdict {
    if view.call.op != Op::Search
        || !view.accepted()
        || !view.on_resources()
        || view.forecast.expect == Expectation::Refuse
    {
        return Verdict::NotApplicable;
    }
    if view.status() == 200 { Verdict::Pass } else { Verdict::fail("status", "200 OK", view.status().to_string()) }
}

/// The operations of a bulk request that had to be understood.
fn asked<'a>(view: &'a View<'_>) -> Option<Vec<&'a Map<String, Value>>> {
    let usable = view.call.op == Op::Bulk && view.target.claims("bulk") && view.call.authenticated();
    usable.then(|| Some(operations(view.call.body.as_ref()?.as_object()?).collect())).flatten()
}

fn limit(view: &View<'_>) -> Verdict {
    let (Some(asked), Some(most)) = (asked(view), view.target.max_operations.filter(|m| *m > 0)) else {
        return Verdict::NotApplicable;
    };
    match (asked.len() as i64 > most, view.status()) {
        (true, 200) => Verdict::fail("status", format!("413: {} operations, {most} allowed", asked.len()), "200"),
        (true, 400..=499) => Verdict::Pass,
        _ => Verdict::NotApplicable,
    }
}

/// `bulkId:` references in an operation: in its path and anywhere in its data.
pub(super) fn references(operation: &Map<String, Value>) -> Vec<String> {
    fn collect(value: &Value, out: &mut Vec<String>) {
        match value {
            Value::String(s) => out.extend(s.strip_prefix("bulkId:").map(str::to_owned)),
            Value::Array(all) => all.iter().for_each(|v| collect(v, out)),
            Value::Object(map) => map.values().for_each(|v| collect(v, out)),
            _ => {}
        }
    }
    let mut out = Vec::new();
    let path = get_ci(operation, "path").and_then(Value::as_str).unwrap_or_default();
    out.extend(path.split('/').filter_map(|s| s.strip_prefix("bulkId:")).map(str::to_owned));
    get_ci(operation, "data").into_iter().for_each(|d| collect(d, &mut out));
    out
}

fn own_id(operation: &Map<String, Value>) -> Option<String> {
    get_ci(operation, "bulkId").and_then(text_of)
}

/// An operation of the request with its result: by bulkId, else by place.
pub(super) fn result<'a>(
    index: usize,
    operation: &Map<String, Value>,
    answered: &[&'a Map<String, Value>],
) -> Option<&'a Map<String, Value>> {
    let id = own_id(operation);
    let by_id = answered.iter().find(|a| id.is_some() && own_id(a) == id);
    by_id.or_else(|| answered.get(index).filter(|_| id.is_none())).copied()
}

/// References that stand in a circle may be refused (RFC 7644 §3.7.1: "MAY").
fn circular(asked: &[&Map<String, Value>], start: &str) -> bool {
    let mut seen = vec![start.to_owned()];
    let mut open = vec![start.to_owned()];
    while let Some(id) = open.pop() {
        let operation = asked.iter().find(|o| own_id(o).as_deref() == Some(&id));
        for to in operation.map(|o| references(o)).unwrap_or_default() {
            if to == start {
                return true;
            }
            if !seen.contains(&to) {
                seen.push(to.clone());
                open.push(to);
            }
        }
    }
    false
}

/// True for a refusal that has nothing to do with the reference: the method is not offered, too much was asked, or a PATCH
/// names what the server does not know or does not let be written.
pub(super) fn refused_for_itself(result: &Map<String, Value>) -> bool {
    let response = get_ci(result, "response").and_then(Value::as_object);
    let word = response.and_then(|r| get_ci(r, "scimType")).and_then(Value::as_str).unwrap_or_default();
    let patch = get_ci(result, "method").and_then(Value::as_str).is_some_and(|m| m.eq_ignore_ascii_case("PATCH"));
    matches!(crate::shadow::bulk_status_of(result), Some(401 | 403 | 405 | 428 | 429 | 500..))
        || (patch && matches!(word, "invalidPath" | "mutability"))
}

fn reference(view: &View<'_>) -> Verdict {
    let Some(asked) = asked(view).filter(|a| a.iter().any(|o| !references(o).is_empty())) else {
        return Verdict::NotApplicable;
    };
    let made: Vec<String> = asked.iter().filter_map(|o| own_id(o)).collect();
    let whole = asked.iter().all(|o| references(o).iter().all(|r| made.contains(r)));
    if !whole || made.iter().any(|id| circular(&asked, id)) {
        return Verdict::NotApplicable;
    }
    if matches!(view.status(), 400 | 404 | 409 | 422) {
        return Verdict::fail("status", "200 OK", view.status().to_string());
    }
    let Some((_, answered)) = bulk(view) else { return Verdict::NotApplicable };
    let done = |id: &String| answered.iter().any(|a| own_id(a).as_ref() == Some(id) && succeeded(a));
    for (index, operation) in asked.iter().enumerate().filter(|(_, o)| !references(o).is_empty()) {
        let Some(result) = result(index, operation, &answered) else { continue };
        if references(operation).iter().all(done) && !succeeded(result) && !refused_for_itself(result) {
            let why = get_ci(result, "response").map_or_else(|| "no reason".to_owned(), short);
            return Verdict::fail(
                format!("body /Operations/{index}"),
                format!("success: what {:?} stands for was created", references(operation)),
                why,
            );
        }
    }
    Verdict::Pass
}

fn lost(view: &View<'_>) -> Verdict {
    let (Some(asked), Some((_, answered))) = (asked(view), bulk(view)) else { return Verdict::NotApplicable };
    let made: Vec<String> = asked.iter().filter_map(|o| own_id(o)).collect();
    let mut seen = false;
    for (index, operation) in asked.iter().enumerate() {
        let Some(lost) = references(operation).into_iter().find(|r| !made.contains(r)) else { continue };
        let Some(result) = result(index, operation, &answered) else { continue };
        seen = true;
        if succeeded(result) {
            let status = get_ci(result, "status").map_or_else(String::new, short);
            return Verdict::fail(
                format!("body /Operations/{index}/status"),
                format!("a failure: bulkId:{lost} is nothing of this request"),
                status,
            );
        }
    }
    if seen { Verdict::Pass } else { Verdict::NotApplicable }
}

fn error_response(view: &View<'_>) -> Verdict {
    let Some((_, answered)) = bulk(view) else { return Verdict::NotApplicable };
    let failed: Vec<_> = answered.into_iter().filter(|o| !succeeded(o) && get_ci(o, "status").is_some()).collect();
    let mute = failed.iter().find(|o| get_ci(o, "response").and_then(Value::as_object).is_none_or(Map::is_empty));
    match (failed.is_empty(), mute) {
        (true, _) => Verdict::NotApplicable,
        (_, Some(one)) => Verdict::Fail(vec![Finding::new(
            "body /Operations/response",
            "the Error body of the operation",
            short(&Value::Object((*one).clone())),
        )]),
        _ => Verdict::Pass,
    }
}

fn without_id(view: &View<'_>) -> Verdict {
    let Some(asked) = asked(view) else { return Verdict::NotApplicable };
    let post = |o: &&Map<String, Value>| {
        get_ci(o, "method").and_then(Value::as_str).is_some_and(|m| m == "POST") && own_id(o).is_none()
    };
    let [only] = asked.as_slice() else { return Verdict::NotApplicable };
    if !post(only) {
        return Verdict::NotApplicable;
    }
    match (view.status(), bulk(view)) {
        (400..=499, _) => Verdict::Pass,
        (200, Some((_, answered))) if answered.iter().any(|a| succeeded(a)) => {
            Verdict::fail("body /Operations/0/status", "\"400\"", "success")
        }
        (200, Some((_, answered))) if !answered.is_empty() => Verdict::Pass,
        _ => Verdict::NotApplicable,
    }
}
