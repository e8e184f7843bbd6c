//! "A valid request must be accepted": which rule a refusal belongs to.
//!
//! Must not hold rules: each area lists its own and asks here whether it is meant.

use super::rule::{Finding, Level, Verdict};
use super::view::View;
use crate::exchange::AuthKind;
use crate::scim::filter::{CompareOp, Filter, Test};
use crate::scim::urn;
use crate::scim::value::get_ci;
use crate::shadow::forecast::{op_path, operations};
use crate::shadow::{Choice, Expectation, Op, State};
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
    let detail = view.object().and_then(|o| get_ci(o, "detail")).and_then(Value::as_str).unwrap_or("no detail");
    let actual = format!("{} {:?}", view.status(), detail.chars().take(200).collect::<String>());
    let mut finding = Finding::new("status", expected(view), actual).message(format!("{} was refused", view.line()));
    finding.level = softer(view, id);
    Verdict::Fail(vec![finding])
}

/// Where the RFC gives the server a way out, the finding is only advice.
fn softer(view: &View<'_>, id: &str) -> Option<Level> {
    let scim_type = view.object().and_then(|o| get_ci(o, "scimType")).and_then(Value::as_str);
    let plain_json = view
        .exchange
        .request
        .header("content-type")
        .is_some_and(|t| t.to_ascii_lowercase().starts_with("application/json"));
    match id {
        // externalId is optional (RFC 7643 §3.1): who has none may say so, and Entra cannot work with it.
        "filter/valid-filter-refused" | "filter/logic-refused"
            if scim_type == Some("invalidFilter") && never_shown(view, "externalId") =>
        {
            Some(Level::Idp)
        }
        "filter/valid-filter-refused" | "filter/logic-refused" | "filter/urn-attribute-refused"
            if !indispensable(view) || rare_order(view) =>
        {
            // A list that is ordered by something rare is refused for the order as likely as for the filter.
            declined_filter(view, scim_type).or_else(|| rare_order(view).then_some(Level::Should))
        }
        "list/valid-request-refused" if rare_order(view) => Some(Level::Should),
        // Table 9, tooMany: more than the server is willing to look at.
        "list/valid-request-refused" if scim_type == Some("tooMany") => Some(Level::Should),
        "headers/media-type-refused" if plain_json => Some(Level::Should),
        "group/member-change-refused" | "patch/value-path-refused"
            if scim_type == Some("invalidFilter") && unusual_value_path(view) =>
        {
            Some(Level::Note)
        }
        // RFC 7643 §2.4 makes members a list; that a single object stands for a list of one is §3.5.2.1's word alone.
        "group/member-change-refused" if single_object(view) => Some(Level::Should),
        // Two people with one key or address: what else is unique than the name is for the server to say (RFC 7644 §3.3).
        "create/conflict-without-duplicate" if shares_a_key(view) => Some(Level::Should),
        _ if view.status() == 409 && matches!(view.call.op, Op::Replace | Op::Patch) && takes_a_key(view) => {
            Some(Level::Should)
        }
        "create/valid-user-refused"
        | "create/enterprise-extension-refused"
        | "put/valid-request-refused"
        | "patch/valid-request-refused"
        | "patch/value-path-refused"
        | "patch/pathless-refused"
            if view.status() == 400 && writes_roles(view) =>
        {
            // RFC 7643 §4.1.2 gives roles and entitlements no vocabulary: which are allowed is the application's matter.
            Some(Level::Idp)
        }
        _ if matches!(view.call.op, Op::Create | Op::Replace | Op::Patch) => by_the_servers_rules(view, scim_type),
        _ => None,
    }
}

/// A filter may be declined: Table 9 has invalidFilter for "the specified attribute and filter comparison combination is not
/// supported" and tooMany, Table 8 has 501, and the word may be left out.
fn declined_filter(view: &View<'_>, scim_type: Option<&str>) -> Option<Level> {
    let open = match (view.status(), scim_type) {
        (400, Some("invalidFilter")) => Level::Note,
        (400, Some("tooMany")) => return Some(Level::Note),
        (400, None) | (501, _) => Level::Should,
        _ => return None,
    };
    match supported(view) {
        Support::Whole => None,
        Support::Parts => (open == Level::Note).then_some(Level::Should),
        Support::Unknown => Some(open),
    }
}

/// The filter names an attribute that no answer of this case has shown.
fn never_shown(view: &View<'_>, name: &str) -> bool {
    let named =
        view.call.filter_text.as_deref().unwrap_or_default().to_ascii_lowercase().contains(&name.to_ascii_lowercase());
    let shows = |p: &crate::rules::view::Past| {
        let body = p.exchange.json().and_then(Value::as_object);
        let list = body.and_then(|b| get_ci(b, "Resources")).and_then(Value::as_array);
        let has = |o: &Map<String, Value>| get_ci(o, name).is_some_and(|v| !v.is_null());
        body.is_some_and(has) || list.into_iter().flatten().filter_map(Value::as_object).any(has)
    };
    named && !view.earlier.iter().filter(|p| p.exchange.accepted()).any(shows)
}

/// An order by another attribute than the names that every list has.
fn rare_order(view: &View<'_>) -> bool {
    let usual = ["userName", "displayName", "id", "meta.created", "meta.lastModified"];
    view.status() == 400
        && view
            .call
            .sort_by
            .as_deref()
            .is_some_and(|by| !usual.iter().any(|u| by.to_ascii_lowercase().ends_with(&u.to_ascii_lowercase())))
}

/// Refusals that follow from rules a server may have (RFC 7644 §3.12, invalidValue): which values it takes, how many at a time,
/// and whether somebody must exist who is referred to.
fn by_the_servers_rules(view: &View<'_>, scim_type: Option<&str>) -> Option<Level> {
    let refusal = view.status();
    if refusal == 501 && view.call.op == Op::Create {
        return Some(Level::Idp);
    }
    if !matches!(refusal, 400 | 404 | 413 | 422) {
        return None;
    }
    if written(view, "password") {
        return Some(Level::Should);
    }
    if refusal == 413 || many_at_once(view) {
        return Some(Level::Idp);
    }
    // Attributes beyond the essential are optional, and this server does not say which it has.
    if !view.target.schemas_known && scim_type == Some("invalidPath") && !touches_essential(view) {
        return Some(Level::Should);
    }
    if unknown_manager(view) {
        return Some(Level::Should);
    }
    if view.call.op == Op::Create && only_addresses_as_names(view) {
        return Some(Level::Should);
    }
    let undeclared = matches!(scim_type, Some("invalidPath" | "invalidFilter"));
    (undeclared && written(view, "externalId")).then_some(if view.call.endpoint == "/Groups" {
        Level::Note
    } else {
        Level::Idp
    })
}

/// The request writes that attribute of the core schema.
fn written(view: &View<'_>, name: &str) -> bool {
    let key =
        |v: &Value| v.as_object().is_some_and(|o| get_ci(o, name).is_some_and(|v| !crate::shadow::facts::is_empty(v)));
    match view.call.op {
        Op::Patch => patch_operations(view).into_iter().any(|o| match op_path(o) {
            Some(path) => path.eq_ignore_ascii_case(name),
            None => get_ci(o, "value").is_some_and(key),
        }),
        _ => view.call.body.as_ref().is_some_and(key),
    }
}

/// The PATCH names an attribute that no identity provider can do without.
fn touches_essential(view: &View<'_>) -> bool {
    let essential = |key: &str| crate::shadow::facts::essential(key.split('[').next().unwrap_or_default());
    patch_operations(view).into_iter().any(|o| match op_path(o) {
        Some(path) => essential(path),
        None => get_ci(o, "value").and_then(Value::as_object).is_some_and(|v| v.keys().any(|k| essential(k))),
    })
}

/// More members or operations in one request than a server need take: no RFC says how many.
fn many_at_once(view: &View<'_>) -> bool {
    const MANY: usize = 50;
    fn longest(value: &Value) -> usize {
        match value {
            Value::Array(items) => items.len().max(items.iter().map(longest).max().unwrap_or(0)),
            Value::Object(map) => map.values().map(longest).max().unwrap_or(0),
            _ => 0,
        }
    }
    view.call.body.as_ref().is_some_and(|b| longest(b) > MANY)
}

/// The manager that is written is nobody of ours (RFC 7643 §4.3: the id of the User who is the manager).
fn unknown_manager(view: &View<'_>) -> bool {
    fn managers<'a>(value: &'a Value, out: &mut Vec<&'a Value>) {
        match value {
            Value::Object(map) => {
                for (key, inner) in map {
                    let path =
                        key == "path" && inner.as_str().is_some_and(|p| p.to_ascii_lowercase().contains("manager"));
                    if path {
                        out.extend(get_ci(map, "value"));
                    } else if key.to_ascii_lowercase().ends_with("manager")
                        || key.to_ascii_lowercase().ends_with("manager.value")
                    {
                        out.push(inner);
                    } else {
                        managers(inner, out);
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|i| managers(i, out)),
            _ => {}
        }
    }
    let id = |v: &Value| match v {
        Value::Object(map) => get_ci(map, "value").and_then(Value::as_str).map(str::to_owned),
        Value::Array(items) => items.first().and_then(|i| i.as_str().or(i.get("value")?.as_str())).map(str::to_owned),
        other => other.as_str().map(str::to_owned),
    };
    let mut named = Vec::new();
    if let Some(body) = &view.call.body {
        managers(body, &mut named);
    }
    let ours = |id: &str| view.before.find("/Users", id).is_some_and(|k| k.state == State::Live);
    named.into_iter().filter_map(id).any(|id| !ours(&id))
}

/// The userName is no e-mail address, and every one that the server took in this case was.
fn only_addresses_as_names(view: &View<'_>) -> bool {
    let name = |body: Option<&Value>| get_ci(body?.as_object()?, "userName")?.as_str().map(str::to_owned);
    let taken = view.earlier.iter().filter(|p| p.call.op == Op::Create && p.exchange.accepted());
    view.call.endpoint == "/Users"
        && name(view.call.body.as_ref()).is_some_and(|n| !n.contains('@'))
        && taken.filter_map(|p| name(p.call.body.as_ref())).all(|n| n.contains('@'))
}

/// What filters of this case that were accepted say of a refused one.
enum Support {
    /// The same one with other values was accepted: it is the value that is refused.
    Whole,
    /// Each comparison of it was accepted, and so was each kind of joining them.
    Parts,
    /// Something in it was never accepted.
    Unknown,
}

fn supported(view: &View<'_>) -> Support {
    let Some(filter) = &view.call.filter else { return Support::Unknown };
    let accepted: Vec<&Filter> = view
        .earlier
        .iter()
        .filter(|p| p.call.endpoint == view.call.endpoint && p.exchange.status() == Some(200))
        .filter_map(|p| p.call.filter.as_ref())
        .collect();
    let own = shape(filter);
    // Parentheses that change nothing are gone from the parsed filter.
    let text = outside_quotes(view.call.filter_text.as_deref().unwrap_or_default());
    if !text.contains('(') && accepted.iter().any(|f| shape(f) == own) {
        return Support::Whole;
    }
    let known: Vec<String> = accepted.into_iter().flat_map(parts).collect();
    if parts(filter).iter().all(|p| known.contains(p)) { Support::Parts } else { Support::Unknown }
}

/// A filter without its values.
fn shape(filter: &Filter) -> String {
    let joined = |word: &str, all: &[Filter]| format!("({})", all.iter().map(shape).collect::<Vec<_>>().join(word));
    match filter {
        Filter::And(all) => joined(" and ", all),
        Filter::Or(all) => joined(" or ", all),
        Filter::Not(inner) => format!("not {}", shape(inner)),
        Filter::Attr { path, test: Test::Present } => format!("{path} pr").to_ascii_lowercase(),
        Filter::Attr { path, test: Test::Compare(op, _) } => format!("{path} {op:?}").to_ascii_lowercase(),
        other => other.to_string().to_ascii_lowercase(),
    }
}

/// The comparisons of a filter and the words that join them.
fn parts(filter: &Filter) -> Vec<String> {
    let (word, inner): (&str, Vec<&Filter>) = match filter {
        Filter::And(all) => ("and", all.iter().collect()),
        Filter::Or(all) => ("or", all.iter().collect()),
        Filter::Not(one) => ("not", vec![&**one]),
        leaf => return vec![shape(leaf)],
    };
    std::iter::once(word.to_owned()).chain(inner.into_iter().flat_map(parts)).collect()
}

fn patch_operations<'a>(view: &View<'a>) -> Vec<&'a Map<String, Value>> {
    view.call.body.as_ref().and_then(Value::as_object).map(|b| operations(b).collect()).unwrap_or_default()
}

/// A value filter that is more than one `eq`: Table 9 lets a server say that it does not support it.
fn unusual_value_path(view: &View<'_>) -> bool {
    patch_operations(view).into_iter().filter_map(op_path).any(|path| {
        let inside = path.split_once('[').map(|(_, rest)| outside_quotes(rest).to_ascii_lowercase());
        inside.is_some_and(|f| !f.contains(" eq ") || f.contains(" or ") || f.contains(" and ") || f.contains("not"))
    })
}

/// Members written as one object instead of a list.
fn single_object(view: &View<'_>) -> bool {
    patch_operations(view).into_iter().any(|o| {
        let value = get_ci(o, "value");
        match op_path(o) {
            Some(path) => path.eq_ignore_ascii_case("members") && value.is_some_and(Value::is_object),
            None => value.and_then(Value::as_object).and_then(|v| get_ci(v, "members")).is_some_and(Value::is_object),
        }
    })
}

/// The externalId or an address of the new user is that of another one.
fn shares_a_key(view: &View<'_>) -> bool {
    fn keys(doc: &Value) -> Vec<String> {
        let Some(doc) = doc.as_object() else { return Vec::new() };
        let emails = get_ci(doc, "emails").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let emails = emails.iter().filter_map(|e| e.get("value"));
        let all = get_ci(doc, "externalId").into_iter().chain(emails);
        all.filter_map(Value::as_str).map(str::to_lowercase).collect()
    }
    let wanted = view.call.body.as_ref().map(keys).unwrap_or_default();
    let others = view.earlier.iter().filter(|p| p.call.op == Op::Create && p.exchange.accepted());
    others.filter_map(|p| p.call.body.as_ref()).flat_map(keys).any(|k| wanted.contains(&k))
}

/// The update writes an address that another user was created with.
fn takes_a_key(view: &View<'_>) -> bool {
    fn texts<'a>(value: &'a Value, out: &mut Vec<&'a str>) {
        match value {
            Value::String(text) => out.push(text),
            Value::Array(items) => items.iter().for_each(|i| texts(i, out)),
            Value::Object(map) => map.iter().filter(|(k, _)| *k != "schemas").for_each(|(_, v)| texts(v, out)),
            _ => {}
        }
    }
    let mut sent = Vec::new();
    if let Some(body) = &view.call.body {
        texts(body, &mut sent);
    }
    let others = view.earlier.iter().filter(|p| p.call.op == Op::Create && p.exchange.accepted());
    let own = view.call.id.as_deref();
    let addresses = others.filter(|p| p.exchange.json().and_then(|b| b.get("id")?.as_str()) != own).flat_map(|p| {
        let emails = p.call.body.as_ref().and_then(|b| b.get("emails")?.as_array());
        emails.into_iter().flatten().filter_map(|e| e.get("value")?.as_str())
    });
    addresses.into_iter().any(|a| sent.iter().any(|s| s.eq_ignore_ascii_case(a)))
}

/// The request writes roles or entitlements.
fn writes_roles(view: &View<'_>) -> bool {
    let named = |name: &str| {
        let lower = name.to_ascii_lowercase();
        lower.starts_with("roles") || lower.starts_with("entitlements")
    };
    let keys = |v: &Value| {
        v.as_object().is_some_and(|o| o.iter().any(|(k, v)| named(k) && !crate::shadow::facts::is_empty(v)))
    };
    match view.call.op {
        Op::Patch => patch_operations(view).into_iter().any(|o| match op_path(o) {
            Some(path) => named(path),
            None => get_ci(o, "value").is_some_and(keys),
        }),
        _ => view.call.body.as_ref().is_some_and(keys),
    }
}

/// A filter that identity providers cannot do without: names and keys, compared with `eq` and joined by `and`.
fn indispensable(view: &View<'_>) -> bool {
    fn plain(filter: &Filter) -> bool {
        match filter {
            Filter::And(parts) => parts.iter().all(plain),
            Filter::Attr { path, test: Test::Compare(CompareOp::Eq, _) } => {
                let known = ["userName", "externalId", "displayName"];
                let core = path
                    .urn
                    .as_deref()
                    .is_none_or(|u| [urn::USER, urn::GROUP].iter().any(|c| c.eq_ignore_ascii_case(u)));
                core && path.sub.is_none() && known.iter().any(|n| n.eq_ignore_ascii_case(&path.attr))
            }
            _ => false,
        }
    }
    let user = view.call.endpoint == "/Users";
    view.call.filter.as_ref().is_some_and(|f| {
        let text = view.call.filter_text.as_deref().unwrap_or_default().to_ascii_lowercase();
        plain(f) && !(user && text.contains("displayname")) && (user || !text.contains("externalid"))
    })
}

fn expected(view: &View<'_>) -> String {
    match view.call.op {
        Op::Create => "201 Created".to_owned(),
        Op::Patch => "200 or 204".to_owned(),
        Op::Delete => "204 No Content".to_owned(),
        _ => "200 OK".to_owned(),
    }
}

/// A refusal is a 4xx or 501; other 5xx are crashes and have their own rule, so do 401/403 and 429.
fn refused(view: &View<'_>) -> bool {
    matches!(view.status(), 400 | 402 | 404..=428 | 430..=499 | 501)
}

fn applies(view: &View<'_>) -> bool {
    matches!(view.call.auth, AuthKind::Configured | AuthKind::Other)
        && matches!(view.call.op, Op::Create | Op::Read | Op::List | Op::Search | Op::Replace | Op::Patch | Op::Delete)
        && (view.forecast.expect == Expectation::Accept
            || (view.forecast.expect == Expectation::Either && choice_rule(view).is_some()))
        && view.call.method != "HEAD"
        && !conditional(view)
        && scim_media_types(view)
}

/// True when the request offers and accepts what every SCIM server must understand (RFC 7644 §3.1).
fn scim_media_types(view: &View<'_>) -> bool {
    let known = |text: &str| {
        let lower = text.to_ascii_lowercase();
        lower.contains("application/scim+json") || lower.contains("application/json") || lower.contains("*/*")
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
        Choice::UndeclaredAttribute if !view.call.lists() => "create/undeclared-attribute-refused",
        _ => return None,
    };
    Some(id)
}

/// The one rule that this refusal belongs to.
pub fn class(view: &View<'_>) -> &'static str {
    if view.forecast.expect == Expectation::Either {
        return choice_rule(view).unwrap_or_default();
    }
    let status = view.status();
    if status == 415 || status == 406 {
        return "headers/media-type-refused";
    }
    match view.call.op {
        Op::Create => create(view, status),
        Op::Read if view.call.projected() && !matches!(status, 404 | 410) => "projection/valid-projection-refused",
        Op::Delete if !matches!(status, 404 | 410) => "delete/refused",
        Op::Read | Op::Delete => "identity/live-resource-not-found",
        Op::Replace if status == 404 && !found_since(view) => "identity/live-resource-not-found",
        Op::Replace if status == 405 || status == 501 || status == 404 => "put/not-supported",
        Op::Replace => "put/valid-request-refused",
        Op::Patch => patch(view, status),
        Op::List | Op::Search => list(view, status),
        _ => "",
    }
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
    if view.call.op == Op::Search && matches!(status, 404 | 405 | 501) {
        return "search/not-offered";
    }
    if view.exchange.request.path.ends_with('/') {
        return "list/trailing-slash-refused";
    }
    if view.call.filter.is_none() {
        return "list/valid-request-refused";
    }
    if status == 404 {
        return "filter/no-match-is-an-error";
    }
    let text = outside_quotes(view.call.filter_text.as_deref().unwrap_or_default()).to_ascii_lowercase();
    if text.contains("urn:") {
        "filter/urn-attribute-refused"
    } else if text.contains(" and ")
        || text.contains(" or ")
        || text.contains("not(")
        || text.contains("not (")
        || text.starts_with('(')
    {
        "filter/logic-refused"
    } else {
        "filter/valid-filter-refused"
    }
}

/// A filter without its quoted values.
fn outside_quotes(text: &str) -> String {
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
        return conflict(view, group);
    }
    let body = view.call.body.as_ref().and_then(Value::as_object);
    let schemas: Vec<&str> = body
        .and_then(|b| get_ci(b, "schemas"))
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if schemas.iter().any(|s| s.contains("schemas.microsoft.com")) {
        return "create/legacy-group-schema-refused";
    }
    if group {
        return "create/valid-group-refused";
    }
    let enterprise = schemas.iter().any(|s| s.eq_ignore_ascii_case(urn::ENTERPRISE))
        || body.is_some_and(|b| get_ci(b, urn::ENTERPRISE).is_some());
    let detail = view
        .object()
        .and_then(|o| get_ci(o, "detail"))
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_ascii_lowercase();
    let names_it = ["schema", "extension", "enterprise", "urn:"].iter().any(|w| detail.contains(w));
    let roles = body.is_some_and(|b| get_ci(b, "roles").is_some_and(|r| !crate::shadow::facts::is_empty(r)));
    if enterprise && (names_it || !roles) { "create/enterprise-extension-refused" } else { "create/valid-user-refused" }
}

/// 409 although nobody of ours holds the name.
fn conflict(view: &View<'_>, group: bool) -> &'static str {
    let body = view.call.body.as_ref().and_then(Value::as_object);
    let attribute = if group { "displayName" } else { "userName" };
    let Some(wanted) = body.and_then(|b| get_ci(b, attribute)).and_then(Value::as_str) else {
        return "create/conflict-without-duplicate";
    };
    let gone = view.before.named(wanted).any(|k| k.endpoint == view.call.endpoint && k.state == State::Gone);
    if gone {
        return "delete/name-not-released";
    }
    let was_named = !wanted.is_empty()
        && view.earlier.iter().any(|p| p.call.endpoint == view.call.endpoint && named_before(p, wanted));
    if was_named { "identity/old-name-not-released" } else { "create/conflict-without-duplicate" }
}

fn patch(view: &View<'_>, status: u16) -> &'static str {
    if status == 405 || status == 501 {
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
    let path_has =
        |needle: &str| ops.iter().any(|o| op_path(o).is_some_and(|p| p.to_ascii_lowercase().contains(needle)));
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
        && (path_has("members") || ops.iter().any(|o| get_ci(o, "value").is_some_and(|v| v.get("members").is_some())));
    let unchanged = view.forecast.after.as_ref().is_some_and(|a| {
        view.call.id.as_deref().and_then(|i| view.before.find(&view.call.endpoint, i)).is_some_and(|k| &*k.doc == a)
    });
    let mut out = Vec::new();
    let mut add = |yes: bool, id: &'static str| {
        if yes {
            out.push(id);
        }
    };
    add(other_case(view, &ops), "patch/attribute-case-refused");
    add(own_id, "patch/own-id-refused");
    add(clears, "patch/null-value-refused");
    add(unchanged && members, "group/redundant-change-refused");
    add(path_has("urn:"), "patch/urn-path-refused");
    add(unchanged && !pathless && !capital, "patch/no-change-refused");
    add(path_has("["), if members { "group/member-change-refused" } else { "patch/value-path-refused" });
    add(pathless, "patch/pathless-refused");
    add(members, "group/member-change-refused");
    add(capital, "patch/op-case-refused");
    out.push("patch/valid-request-refused");
    out
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
            out.push("create/conflict-without-duplicate");
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
            } else if !wanted.is_empty()
                && view.earlier.iter().any(|p| p.call.endpoint == view.call.endpoint && named_before(p, wanted))
            {
                out.push("identity/old-name-not-released");
            }
        }
        Op::Read if view.call.projected() => out.push("projection/valid-projection-refused"),
        Op::Delete => out.extend(["delete/refused", "identity/live-resource-not-found"]),
        Op::Read => out.push("identity/live-resource-not-found"),
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
        Op::Search => out.extend([list(view, 400), "search/not-offered"]),
        _ => {}
    }
    if view.call.lists() && view.call.filter.is_some() && view.entries().is_empty() {
        out.push("filter/no-match-is-an-error");
    }
    out
}

/// True when an earlier request wrote that name, in any case.
fn named_before(past: &super::view::Past, wanted: &str) -> bool {
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
