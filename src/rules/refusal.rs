//! "A valid request must be accepted": which rule a refusal belongs to.
//!
//! Must not hold rules: each area lists its own and asks here whether it is meant.

use super::leeway;
use super::rule::{Finding, Verdict};
use super::view::{Past, View};
use crate::exchange::AuthKind;
use crate::scim::urn;
use crate::scim::value::{get_ci, value_ci};
use crate::shadow::forecast::{op_path, operations, tenant_of};
use crate::shadow::{Call, Choice, Expectation, Op, State, name_attribute};
use serde_json::{Map, Value};

/// What one exchange means to the refusal rules.
#[derive(Debug)]
pub(super) enum Reading {
    /// Nothing.
    Silent,
    /// The request was accepted: proof for these.
    Accepted(Vec<&'static str>),
    /// The request was refused: a failure of this one.
    Refused(&'static str),
}

fn read(view: &View<'_>) -> Reading {
    if !applies(view) {
        Reading::Silent
    } else if view.accepted() {
        Reading::Accepted(accepted_classes(view))
    } else if view.forecast.expect == Expectation::Either && view.status() == 404 && !found_since(view) {
        // The id is not known there: that says nothing about the form of the request.
        Reading::Silent
    } else if view.status() == 409 && who_has_it_is_open(view) {
        Reading::Silent
    } else if half_made(view) {
        // That the server broke down is told where it did; what it had stored by then nobody knows.
        Reading::Silent
    } else if refused(view) {
        Reading::Refused(class(view))
    } else {
        Reading::Silent
    }
}

/// Judges one refusal rule: fails when this valid request was refused in its class, passes when one of its class was accepted.
pub fn judge(view: &View<'_>, id: &str) -> Verdict {
    match view.refusal.get_or_init(|| read(view)) {
        Reading::Accepted(classes) if classes.contains(&id) => return Verdict::Pass,
        Reading::Refused(class) if *class == id => {}
        _ => return Verdict::NotApplicable,
    }
    let actual = format!("{} {}", view.status(), words(view));
    let mut finding = Finding::new("status", expected(view), actual).message(format!("{} was refused", view.line()));
    if let Some(write) = gone_since(view).filter(|_| id == "identity/live-resource-not-found") {
        finding = finding.message(format!("{}: who was there is gone since that write", view.line())).because(write);
    }
    if view.status() == 409 && matches!(id, "patch/valid-request-refused" | "put/valid-request-refused") {
        finding = finding.message(format!(
            "{} was refused as a conflict, with nobody who is known: is something unique here that /Schemas does not call so?",
            view.line()
        ));
    }
    finding.level = leeway::softer(view, id);
    Verdict::Fail(vec![finding])
}

/// The PUT or PATCH that was answered with success, and since which a resource is not found that was read before it.
fn gone_since(view: &View<'_>) -> Option<String> {
    let id = view.call.id.as_deref()?;
    let about = |p: &&Past| p.call.id.as_deref() == Some(id) && p.call.endpoint == view.call.endpoint;
    let past: Vec<&Past> = view.earlier.iter().filter(about).filter(|p| p.exchange.accepted()).collect();
    let write = past.iter().rposition(|p| matches!(p.call.op, Op::Replace | Op::Patch))?;
    let read = |p: &&Past| p.call.op == Op::Read;
    (past[..write].iter().any(read) && !past[write..].iter().any(read)).then(|| past[write].step.clone())
}

/// What a refusal says: its `detail`, or whatever else is in the body.
fn words(view: &View<'_>) -> String {
    const MOST: usize = 200;
    // The body may be as long as the run's limit; no more of it is looked at than is shown.
    let cut = |text: &str| {
        let start: String = text.trim_start().chars().take(MOST).collect();
        start.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    if let Some(detail) = view.object().and_then(|o| get_ci(o, "detail")).and_then(Value::as_str) {
        return format!("{:?}", cut(detail));
    }
    let body = view.response().map(|r| r.body.as_slice()).unwrap_or_default().trim_ascii_start();
    match cut(&String::from_utf8_lossy(&body[..body.len().min(4 * MOST)])) {
        nothing if nothing.is_empty() => "and no word why".to_owned(),
        said => format!("and no detail: {said}"),
    }
}

fn expected(view: &View<'_>) -> String {
    match view.call.op {
        Op::Create => "201 Created".to_owned(),
        Op::Patch => "200 or 204".to_owned(),
        Op::Delete => "204 No Content".to_owned(),
        _ => "200 OK".to_owned(),
    }
}

/// A refusal is a 4xx or 501; other 5xx are crashes and have their own rule, so do 401/403 and 429. 402 says that no seat is left.
fn refused(view: &View<'_>) -> bool {
    matches!(view.status(), 400 | 404..=428 | 430..=499 | 501) || forbids_a_miss(view)
}

/// A look-up that is forbidden because it finds nothing: the answer says so, or the same look-up of another value was allowed.
pub(super) fn forbids_a_miss(view: &View<'_>) -> bool {
    let Some(text) = view.call.filter_text.as_deref().filter(|_| view.status() == 403 && view.call.lists()) else {
        return false;
    };
    let detail = view.object().and_then(|o| get_ci(o, "detail")).and_then(Value::as_str).unwrap_or_default();
    let lower = detail.to_ascii_lowercase();
    let nothing = ["not found", "no match", "no result", "does not exist"].iter().any(|w| lower.contains(w))
        || (says(&lower, "no") && says(&lower, "found"));
    let form = outside_quotes(text).to_ascii_lowercase();
    let allowed = |p: &Past| {
        let same = p.call.filter_text.as_deref().is_some_and(|t| outside_quotes(t).eq_ignore_ascii_case(&form));
        same && p.call.endpoint == view.call.endpoint && p.call.auth == view.call.auth && p.exchange.accepted()
    };
    nothing || view.earlier.iter().any(allowed)
}

fn applies(view: &View<'_>) -> bool {
    matches!(view.call.auth, AuthKind::Configured | AuthKind::Other)
        && matches!(view.call.op, Op::Create | Op::Read | Op::List | Op::Search | Op::Replace | Op::Patch | Op::Delete)
        && (view.forecast.expect == Expectation::Accept
            || (view.forecast.expect == Expectation::Either && choice_rule(view).is_some())
            || (view.forecast.expect != Expectation::Refuse && forbids_a_miss(view)))
        && view.call.method != "HEAD"
        && !conditional(view)
        && scim_media_types(view)
        && !asks_for_undeclared(view)
}

/// True when `attributes` or `excludedAttributes` names what the target's schemas do not declare: the RFC says neither to
/// ignore nor to refuse it.
fn asks_for_undeclared(view: &View<'_>) -> bool {
    let Some(rt) = view.resource_type().filter(|_| view.target.schemas_known) else { return false };
    let names = view.call.attributes.iter().chain(&view.call.excluded).flatten();
    let known = |name: &String| {
        crate::scim::path::parse_path(name.trim(), rt)
            .is_ok_and(|p| p.is_whole_schema() || rt.attribute(&p.attr).is_some())
    };
    names.into_iter().any(|name| !known(name))
}

/// True when the request offers and accepts what every SCIM server must understand (RFC 7644 §3.1).
fn scim_media_types(view: &View<'_>) -> bool {
    let known = |text: &str| {
        let lower = text.to_ascii_lowercase();
        // A range takes in what it names (RFC 9110 §12.5.1).
        ["application/scim+json", "application/json", "application/*", "*/*"].iter().any(|t| lower.contains(t))
    };
    let request = &view.exchange.request;
    request.header("accept").is_none_or(|a| a.trim().is_empty() || known(a))
        && (!view.call.has_body || request.header("content-type").is_some_and(known))
}

fn conditional(view: &View<'_>) -> bool {
    ["if-match", "if-none-match"].iter().any(|h| view.exchange.request.header(h).is_some())
}

/// The rule behind a choice that the RFC and an identity provider decide differently.
fn choice_rule(view: &View<'_>) -> Option<&'static str> {
    let id = match view.forecast.choice? {
        Choice::ValuePathCreates => "patch/value-path-not-created",
        Choice::RemoveAbsent => "group/remove-absent-refused",
        Choice::RemoveWithValue => "group/remove-with-value-refused",
        Choice::TextBoolean => "patch/text-boolean-refused",
        Choice::DottedKey => "patch/dotted-key-refused",
        Choice::BareReference if view.call.op == Op::Patch => "patch/bare-manager-refused",
        Choice::ValuePathComparison => "filter/value-path-comparison-refused",
        // 409 speaks of who is there, not of what the schema has.
        Choice::UndeclaredAttribute if view.call.op == Op::Create && view.status() == 409 => conflict(view),
        Choice::UndeclaredAttribute if !view.call.lists() => "create/undeclared-attribute-refused",
        _ => return None,
    };
    Some(id)
}

/// The refusal names a sub-attribute that was sent and that this server's schema leaves out. What each multi-valued attribute may
/// have holds "if not otherwise defined" (RFC 7643 §2.4).
fn names_unlisted_part(view: &View<'_>) -> bool {
    let detail = view.object().and_then(|o| get_ci(o, "detail")).and_then(Value::as_str);
    // Python's phone_numbers are phoneNumbers, too.
    let detail = detail.map(|text| text.to_lowercase().replace('_', ""));
    let writes = matches!(view.call.op, Op::Create | Op::Replace | Op::Patch) && matches!(view.status(), 400 | 422);
    let (Some(detail), Some(rt), true) = (detail, view.resource_type(), writes) else { return false };
    let Some(body) = view.call.body.as_ref().and_then(Value::as_object) else { return false };
    let unlisted = |key: &str, value: &Value| {
        let Some(attribute) = rt.schema.attribute(key).filter(|a| !a.sub_attributes.is_empty()) else { return false };
        let elements = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        let mut parts = elements.iter().filter_map(Value::as_object).flat_map(Map::keys);
        says(&detail, &key.to_lowercase())
            && parts.any(|part| attribute.sub(part).is_none() && says(&detail, &part.to_lowercase()))
    };
    let members = |map: &Map<String, Value>| map.iter().any(|(key, value)| unlisted(key, value));
    match view.call.op {
        Op::Patch => operations(body).any(|o| match (op_path(o), get_ci(o, "value")) {
            (Some(path), Some(value)) => unlisted(path, value),
            (None, Some(Value::Object(map))) => members(map),
            _ => false,
        }),
        _ => members(body),
    }
}

/// The one rule that this refusal belongs to.
pub fn class(view: &View<'_>) -> &'static str {
    if forbids_a_miss(view) {
        return "filter/no-match-is-an-error";
    }
    // A condition is wanted first (RFC 6585 §3); what else is in the request, nobody has looked at.
    if view.status() == 428 && view.exchange.request.header("if-match").is_none() {
        return "";
    }
    if names_unlisted_part(view) {
        return "create/undeclared-attribute-refused";
    }
    let status = view.status();
    // Whoever has no such method says nothing about what was sent with it. 501 may be about one form of it.
    let no_method = status == 405 && matches!(view.call.op, Op::Replace | Op::Patch) && !worked_before(view);
    if view.forecast.expect == Expectation::Either && !no_method {
        return choice_rule(view).unwrap_or_default();
    }
    if status == 415 || status == 406 {
        return "headers/media-type-refused";
    }
    match view.call.op {
        Op::Create => create(view, status),
        Op::Read if view.call.projected() && !matches!(status, 404 | 410) => "projection/valid-projection-refused",
        Op::Delete if !matches!(status, 404 | 410) => "delete/refused",
        Op::Read if left_a_group(view) && gone_since(view).is_none() => "group/removal-deletes-user",
        Op::Read | Op::Delete => "identity/live-resource-not-found",
        Op::Replace if status == 404 && !found_since(view) => "identity/live-resource-not-found",
        Op::Replace if matches!(status, 404 | 405 | 501) && !worked_before(view) => "put/not-supported",
        Op::Replace => "put/valid-request-refused",
        Op::Patch => patch(view, status),
        Op::List | Op::Search => list(view, status),
        _ => "",
    }
}

/// A request with this method has been accepted in this case, at this endpoint: it is there.
fn worked_before(view: &View<'_>) -> bool {
    let same = |p: &Past| p.call.op == view.call.op && p.call.endpoint == view.call.endpoint;
    view.earlier.iter().any(|p| same(p) && p.exchange.accepted())
}

/// The user was taken out of a group since it was made, and is gone.
fn left_a_group(view: &View<'_>) -> bool {
    let Some(id) = view.call.id.as_deref().filter(|_| view.call.endpoint == "/Users") else { return false };
    let quoted = format!("\"{id}\"");
    let names = |value: &Value| super::state::texts(value, "").iter().any(|t| *t == id || t.contains(&quoted));
    let removes = |o: &Map<String, Value>| {
        let op = get_ci(o, "op").and_then(Value::as_str);
        op.is_some_and(|op| op.eq_ignore_ascii_case("remove")) && o.values().any(names)
    };
    view.earlier.iter().any(|p| {
        p.call.op == Op::Patch
            && p.call.endpoint == "/Groups"
            && p.exchange.accepted()
            && p.call.body.as_ref().and_then(Value::as_object).is_some_and(|b| operations(b).any(removes))
    })
}

/// The name is said to be taken, and an earlier create of it ended in a breakdown or without an answer.
fn half_made(view: &View<'_>) -> bool {
    let attribute = name_attribute(&view.call.endpoint);
    let name = |call: &Call| get_ci(call.body.as_ref()?.as_object()?, attribute)?.as_str().map(str::to_lowercase);
    let broke = |p: &Past| {
        p.call.op == Op::Create
            && p.call.endpoint == view.call.endpoint
            && p.exchange.status().is_none_or(|s| s >= 500)
            && name(&p.call) == name(view.call)
    };
    view.status() == 409 && view.call.op == Op::Create && view.earlier.iter().any(broke)
}

/// True when the resource was read with success in this case, so it is the method and not the id that is unknown.
fn found_since(view: &View<'_>) -> bool {
    if !matches!(view.call.op, Op::Read | Op::Replace | Op::Patch | Op::Delete) {
        return true;
    }
    let id = view.call.id.as_deref().unwrap_or_default();
    view.before.find(&view.call.endpoint, id).is_some_and(|k| k.last_full.is_some())
}

fn list(view: &View<'_>, status: u16) -> &'static str {
    if view.call.op == Op::Search && (matches!(status, 404 | 405 | 501) || asks_for_a_resource(view)) {
        return "search/not-offered";
    }
    if view.exchange.request.path.ends_with('/') {
        return "list/trailing-slash-refused";
    }
    if view.call.sort_by.is_some() && (view.call.filter.is_none() || status == 404 || blames_sort(view)) {
        return "sort/valid-sort-refused";
    }
    if view.call.filter.is_none() {
        return "list/valid-request-refused";
    }
    if status == 404
        && !says_unread(view)
        && !view.resource_type().is_some_and(|rt| view.before.anyone_matches(view.call, rt))
    {
        return "filter/no-match-is-an-error";
    }
    // A number below 1 that the answer names: it counts as 0 or 1, and the filter beside it is not to blame.
    let detail = detail_of(view);
    let named = |asked: &Option<String>| asked.as_deref().is_some_and(|n| n.starts_with('-') && detail.contains(n));
    if named(&view.call.count) || named(&view.call.start_index) || blames_page(view) {
        return "list/valid-request-refused";
    }
    let text = view.call.filter_text.as_deref().unwrap_or_default();
    let answered =
        |p: &Past| p.call.lists() && p.call.endpoint == view.call.endpoint && p.exchange.status() == Some(200);
    // The filter is answered beside other names.
    if view.call.op == Op::List
        && view.call.projected()
        && view.earlier.iter().any(|p| answered(p) && p.call.filter_text.as_deref() == Some(text))
    {
        return "projection/valid-projection-refused";
    }
    if outside_quotes(text).to_ascii_lowercase().contains("urn:") {
        return "filter/urn-attribute-refused";
    }
    let worked = |word: &&str| {
        let answered = view.earlier.iter().filter(|p| p.call.lists() && p.exchange.status() == Some(200));
        answered.flat_map(|p| logic_of(p.call.filter_text.as_deref().unwrap_or_default())).any(|w| w == *word)
    };
    // What a server combines elsewhere in the case it does not refuse here.
    if logic_of(text).iter().all(worked) { "filter/valid-filter-refused" } else { "filter/logic-refused" }
}

/// A search is refused for the lack of an attribute that it never spoke of: it was taken for a create.
fn asks_for_a_resource(view: &View<'_>) -> bool {
    let detail = detail_of(view).to_lowercase();
    let sent = view.call.body.as_ref().map(|b| b.to_string().to_lowercase()).unwrap_or_default();
    let lacks = ["required", "must", "missing", "mandatory", "not present"].iter().any(|w| detail.contains(w));
    let named = |name: &str| {
        let name = name.to_lowercase();
        let one = name.strip_suffix('s').unwrap_or(&name);
        (says(&detail, &name) || says(&detail, one)) && !sent.contains(one)
    };
    // `name` is also what every attribute has.
    let mut all = view.resource_type().into_iter().flat_map(|rt| &rt.schema.attributes);
    lacks && all.any(|a| a.name != "name" && named(&a.name))
}

/// The answer says that the filter was not understood: then nothing was looked for.
fn says_unread(view: &View<'_>) -> bool {
    let detail = detail_of(view).to_lowercase();
    let complains =
        ["invalid", "unsupported", "not supported", "parse", "syntax"].iter().any(|word| detail.contains(word));
    detail.contains("filter") && complains
}

/// The words by which a filter combines.
fn logic_of(filter: &str) -> Vec<&'static str> {
    let text = outside_quotes(filter).to_ascii_lowercase();
    let words = [
        ("and", text.contains(" and ")),
        ("or", text.contains(" or ")),
        ("not", text.contains("not(") || text.contains("not (")),
        ("(", text.starts_with('(')),
    ];
    words.into_iter().filter(|(_, used)| *used).map(|(word, _)| word).collect()
}

/// What the answer says in `detail`; where a framework puts something else than text there, its JSON.
pub(super) fn detail_of(view: &View<'_>) -> String {
    match view.object().and_then(|o| get_ci(o, "detail")) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

/// The answer names the page or the order that was asked for, and not the filter beside it.
fn blames_page(view: &View<'_>) -> bool {
    let lower = detail_of(view).to_ascii_lowercase();
    let asked = [
        (view.call.start_index.is_some(), "startindex"),
        (view.call.count.is_some(), "count"),
        (view.call.start_index.is_some() || view.call.count.is_some(), "pagination"),
        (view.call.start_index.is_some() || view.call.count.is_some(), "paging"),
    ];
    !lower.contains("filter") && asked.iter().any(|(sent, word)| *sent && says(&lower, word))
}

/// The answer speaks of the order.
fn blames_sort(view: &View<'_>) -> bool {
    let lower = detail_of(view).to_ascii_lowercase();
    !lower.contains("filter") && ["sort", "sortby", "sorting", "sortorder"].iter().any(|word| says(&lower, word))
}

/// A filter without its quoted values.
pub(super) fn outside_quotes(text: &str) -> String {
    let mut out = String::new();
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars() {
        match (c, escaped) {
            ('"', false) => quoted = !quoted,
            _ if !quoted => out.push(c),
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    out
}

fn create(view: &View<'_>, status: u16) -> &'static str {
    let group = view.call.endpoint == "/Groups";
    if status == 409 {
        return conflict(view);
    }
    if matches!(status, 405 | 501) && !worked_before(view) {
        return "create/not-supported";
    }
    let body = view.call.body.as_ref().and_then(Value::as_object);
    let schemas: Vec<&str> = body
        .and_then(|b| get_ci(b, "schemas"))
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    // An endpoint that is not there has nothing against a URN.
    if schemas.iter().any(|s| s.contains("schemas.microsoft.com")) && !matches!(status, 404 | 405 | 501) {
        return "create/legacy-group-schema-refused";
    }
    if group {
        return "create/valid-group-refused";
    }
    let named = schemas.iter().any(|s| s.eq_ignore_ascii_case(urn::ENTERPRISE));
    let held = body.and_then(|b| get_ci(b, urn::ENTERPRISE));
    if !named && held.is_some_and(Value::is_null) {
        // That null is absence, for an extension too, is what the step itself asks for.
        return "";
    }
    let enterprise = named || held.is_some();
    let detail = view
        .object()
        .and_then(|o| get_ci(o, "detail"))
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_ascii_lowercase();
    let names_it = ["schema", "extension", "enterprise"].iter().any(|w| detail.contains(w));
    // Where the answer names an attribute of the core, the extension beside it is not what is refused.
    let part = |key: &str| !key.contains(':') && !key.eq_ignore_ascii_case("schemas");
    let core = body.is_some_and(|b| b.keys().any(|k| part(k) && says(&detail, &k.to_ascii_lowercase())));
    let roles = body.is_some_and(|b| get_ci(b, "roles").is_some_and(|r| !crate::shadow::facts::is_empty(r)));
    if enterprise && (detail.contains("urn:") || (!core && (names_it || !roles))) {
        "create/enterprise-extension-refused"
    } else {
        "create/valid-user-refused"
    }
}

/// True when the text has that word, whatever stands around it.
pub(super) fn says(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric()).any(|w| w == word)
}

/// Names were stored otherwise than they were sent, or two have one name: who stands in the way of a write, nobody knows.
fn who_has_it_is_open(view: &View<'_>) -> bool {
    let endpoint = view.call.endpoint.as_str();
    let attribute = name_attribute(endpoint);
    let wanted = view.call.body.as_ref().and_then(Value::as_object).and_then(|b| get_ci(b, attribute)?.as_str());
    let holders = wanted.into_iter().flat_map(|name| view.before.named(name));
    view.before.doubts(endpoint, attribute)
        || holders.filter(|k| k.endpoint == endpoint && k.state == State::Live).count() > 1
}

/// 409 although nobody of ours holds the name.
fn conflict(view: &View<'_>) -> &'static str {
    let body = view.call.body.as_ref().and_then(Value::as_object);
    let attribute = name_attribute(&view.call.endpoint);
    let Some(wanted) = body.and_then(|b| get_ci(b, attribute)).and_then(Value::as_str) else {
        return "create/conflict-without-duplicate";
    };
    let gone = view.before.named(wanted).any(|k| k.endpoint == view.call.endpoint && k.state == State::Gone);
    if gone {
        return "delete/name-not-released";
    }
    if given_up(view, attribute, wanted) {
        "identity/old-name-not-released"
    } else {
        "create/conflict-without-duplicate"
    }
}

fn patch(view: &View<'_>, status: u16) -> &'static str {
    if matches!(status, 405 | 501) && !worked_before(view) {
        return "patch/not-supported";
    }
    if status == 404 {
        return "identity/live-resource-not-found";
    }
    let Some(body) = view.call.body.as_ref().and_then(Value::as_object) else { return "patch/valid-request-refused" };
    let forms = forms(view, body);
    // 409 speaks of the resource's state, so no form of the request is to blame for it.
    let of_form = |id: &str| {
        ["attribute-case", "urn-path", "pathless", "dotted-key", "op-case", "null-value"].iter().any(|f| id.contains(f))
    };
    let found = forms.iter().copied().find(|id| status != 409 || !of_form(id));
    found.unwrap_or("patch/valid-request-refused")
}

/// What is special about a PATCH, most special first.
fn forms(view: &View<'_>, body: &Map<String, Value>) -> Vec<&'static str> {
    let group = view.call.endpoint == "/Groups";
    let ops: Vec<&Map<String, Value>> = operations(body).collect();
    // A URN in a quoted value is no part of the path.
    let paths: Vec<String> = ops.iter().filter_map(|o| op_path(o)).map(|p| outside_quotes(p).to_lowercase()).collect();
    let path_has = |needle: &str| paths.iter().any(|p| p.contains(needle));
    let pathless = ops.iter().any(|o| op_path(o).is_none());
    let capital = ops
        .iter()
        .any(|o| get_ci(o, "op").and_then(Value::as_str).is_some_and(|t| t.chars().any(|c| c.is_ascii_uppercase())));
    let own_id = ops.iter().any(|o| {
        op_path(o).is_none() && get_ci(o, "value").and_then(Value::as_object).is_some_and(|v| get_ci(v, "id").is_some())
    });
    let clears = ops.iter().any(|o| {
        get_ci(o, "value").is_some_and(|v| v.is_null() || v.as_object().is_some_and(|m| m.values().any(Value::is_null)))
            && get_ci(o, "op").and_then(Value::as_str).is_some_and(|t| !t.eq_ignore_ascii_case("remove"))
    });
    let members = group
        && (path_has("members")
            || ops.iter().any(|o| get_ci(o, "value").is_some_and(|v| value_ci(v, "members").is_some())));
    let unchanged = view.forecast.after.as_ref().is_some_and(|a| {
        view.call.id.as_deref().and_then(|i| view.before.find(&view.call.endpoint, i)).is_some_and(|k| &*k.doc == a)
    });
    // Who says that the path is at fault does not speak of there being nothing to change.
    let word = view.object().and_then(|o| get_ci(o, "scimType")).and_then(Value::as_str).unwrap_or_default();
    let about_path = says(&detail_of(view).to_ascii_lowercase(), "path");
    let redundant = unchanged && !about_path && !matches!(word, "invalidPath" | "invalidFilter" | "invalidSyntax");
    let mut out = Vec::new();
    let mut add = |yes: bool, id: &'static str| {
        if yes {
            out.push(id);
        }
    };
    add(capital && minds_op(view, &ops), "patch/op-case-refused");
    add(other_case(view, &ops), "patch/attribute-case-refused");
    add(own_id && minds_id(view), "patch/own-id-refused");
    add(clears, "patch/null-value-refused");
    add(redundant && members, "group/redundant-change-refused");
    add(path_has("urn:"), "patch/urn-path-refused");
    add(redundant && !pathless && !capital, "patch/no-change-refused");
    add(path_has("["), if members { "group/member-change-refused" } else { "patch/value-path-refused" });
    add(pathless, "patch/pathless-refused");
    add(members, "group/member-change-refused");
    add(capital, "patch/op-case-refused");
    out.push("patch/valid-request-refused");
    out
}

/// The refusal speaks of operations, and names one of those that were sent.
fn minds_op(view: &View<'_>, ops: &[&Map<String, Value>]) -> bool {
    let detail = detail_of(view).to_ascii_lowercase();
    let sent = ops.iter().filter_map(|o| get_ci(o, "op")?.as_str());
    ["op", "operation", "operations"].iter().any(|word| says(&detail, word))
        && sent.map(str::to_ascii_lowercase).any(|op| says(&detail, &op))
}

/// The refusal of a path-less change speaks of an id or of what may not be changed; or it says nothing, and another path-less change
/// was made in this case.
fn minds_id(view: &View<'_>) -> bool {
    let detail = detail_of(view).to_ascii_lowercase();
    let word = view.object().and_then(|o| get_ci(o, "scimType")).and_then(Value::as_str).unwrap_or_default();
    let pathless = |p: &Past| {
        let body = p.call.body.as_ref().and_then(Value::as_object);
        p.call.op == Op::Patch
            && p.exchange.accepted()
            && body.is_some_and(|b| operations(b).any(|o| op_path(o).is_none()))
    };
    let named = ["id", "immutable", "readonly", "read-only"].iter().any(|word| says(&detail, word));
    named || word == "mutability" || view.earlier.iter().any(pathless)
}

/// True when a path or key spells a declared attribute in another case than the schema.
fn other_case(view: &View<'_>, ops: &[&Map<String, Value>]) -> bool {
    let Some(rt) = view.resource_type() else { return false };
    let differs = |text: &str| {
        let rest = text.rsplit(':').next().unwrap_or(text);
        let head = rest.split(['.', '[']).next().unwrap_or_default();
        let names = rt.schema.attributes.iter().chain(rt.extensions.iter().flat_map(|e| &e.schema.attributes));
        let mut names = names.map(|a| a.name.as_str());
        !names.clone().any(|n| n == head) && names.any(|n| n.eq_ignore_ascii_case(head))
    };
    ops.iter().any(|o| match op_path(o) {
        Some(path) => differs(path),
        None => get_ci(o, "value").and_then(Value::as_object).is_some_and(|v| v.keys().any(|k| differs(k))),
    })
}

/// Every refusal rule that an accepted request is proof for.
fn accepted_classes(view: &View<'_>) -> Vec<&'static str> {
    if view.forecast.expect == Expectation::Either {
        return choice_rule(view).into_iter().collect();
    }
    let body = view.call.body.as_ref().and_then(Value::as_object);
    let mut out = vec!["headers/media-type-refused"];
    match view.call.op {
        Op::Create => {
            let text = view.call.body.as_ref().map(Value::to_string).unwrap_or_default();
            out.extend(["create/conflict-without-duplicate", "create/not-supported"]);
            out.push(if view.call.endpoint == "/Groups" {
                "create/valid-group-refused"
            } else {
                "create/valid-user-refused"
            });
            if text.contains(urn::ENTERPRISE) {
                out.push("create/enterprise-extension-refused");
            }
            if text.contains("schemas.microsoft.com") {
                out.push("create/legacy-group-schema-refused");
            }
            let wanted = body
                .and_then(|b| get_ci(b, "userName").or_else(|| get_ci(b, "displayName")))
                .and_then(Value::as_str)
                .unwrap_or_default();
            let reused = view.before.named(wanted).any(|k| k.state == State::Gone);
            if reused {
                out.push("delete/name-not-released");
            } else if given_up(view, name_attribute(&view.call.endpoint), wanted) {
                out.push("identity/old-name-not-released");
            }
        }
        Op::Read if view.call.projected() => out.push("projection/valid-projection-refused"),
        Op::Delete => out.extend(["delete/refused", "identity/live-resource-not-found"]),
        Op::Read => {
            out.push("identity/live-resource-not-found");
            if left_a_group(view) {
                out.push("group/removal-deletes-user");
            }
        }
        Op::Replace => {
            out.extend(["put/not-supported", "put/valid-request-refused", "identity/live-resource-not-found"])
        }
        Op::Patch => {
            out.extend(["patch/not-supported", "identity/live-resource-not-found"]);
            if let Some(body) = body {
                out.extend(forms(view, body));
            }
        }
        Op::List => out.push(list(view, 400)),
        Op::Search => out.extend([list(view, 400), "search/not-offered", "search/valid-request-refused"]),
        _ => {}
    }
    if view.call.lists() && view.call.sort_by.is_some() {
        out.push("sort/valid-sort-refused");
    }
    if view.call.lists() && view.call.filter.is_some() && view.entries().is_empty() {
        out.push("filter/no-match-is-an-error");
    }
    out
}

/// Somebody had the name, and a later write gave that somebody another one. That the server shows another is no rename.
fn given_up(view: &View<'_>, attribute: &str, wanted: &str) -> bool {
    let ours = |p: &&Past| {
        let same = p.call.endpoint == view.call.endpoint && tenant_of(&p.call) == tenant_of(view.call);
        same && p.exchange.accepted()
    };
    let mut past = view.earlier.iter().filter(ours).skip_while(|p| !named_before(p, wanted));
    !wanted.is_empty()
        && past.any(|p| written_name(&p.call, attribute).is_some_and(|name| !name.eq_ignore_ascii_case(wanted)))
}

/// The name that a PUT or PATCH writes.
pub(super) fn written_name<'a>(call: &'a Call, attribute: &str) -> Option<&'a str> {
    let body = call.body.as_ref()?.as_object()?;
    match call.op {
        Op::Replace => get_ci(body, attribute)?.as_str(),
        Op::Patch => operations(body).find_map(|o| {
            let value = get_ci(o, "value")?;
            match op_path(o) {
                Some(path) => {
                    path.to_ascii_lowercase().ends_with(&attribute.to_ascii_lowercase()).then(|| value.as_str())?
                }
                None => value_ci(value, attribute)?.as_str(),
            }
        }),
        _ => None,
    }
}

/// True when an earlier request wrote that name, in any case.
fn named_before(past: &Past, wanted: &str) -> bool {
    let body = past.exchange.request.body.as_deref().and_then(|b| std::str::from_utf8(b).ok());
    body.is_some_and(|text| text.len() >= wanted.len() && (text.contains(wanted) || holds_in_any_case(text, wanted)))
}

fn holds_in_any_case(text: &str, wanted: &str) -> bool {
    if !text.is_ascii() || !wanted.is_ascii() {
        return text.to_lowercase().contains(&wanted.to_lowercase());
    }
    // Every create asks this of hundreds of requests: no copies.
    let Some(first) = wanted.as_bytes().first().map(u8::to_ascii_lowercase) else { return true };
    let windows = text.as_bytes().windows(wanted.len());
    windows.into_iter().any(|w| w[0].to_ascii_lowercase() == first && w.eq_ignore_ascii_case(wanted.as_bytes()))
}
