//! Small words that the fault tables are written in.
//!
//! Must not know any fault.

use crate::scim::filter::{CompareOp, Filter, Literal, Test};
use crate::scim::path::AttrPath;
use crate::scim::urn;
use crate::scim::value::{get_ci, remove_ci};
use crate::server::call::{Call, Kind, Target};
use crate::server::listing::ListQuery;
use crate::server::reply::{Content, Reply};
use crate::server::state::State;
use serde_json::{Map, Value, json};

/// 400 with `invalidValue`.
pub fn bad(detail: &str) -> Reply {
    Reply::error(400, Some("invalidValue"), detail)
}

/// 400 with `invalidFilter`.
pub fn unreadable_filter() -> Reply {
    Reply::error(400, Some("invalidFilter"), "The filter cannot be read.")
}

/// 404 without more.
pub fn gone(detail: &str) -> Reply {
    Reply::error(404, None, detail)
}

/// 409 with `uniqueness`.
pub fn conflict() -> Reply {
    Reply::error(409, Some("uniqueness"), "The resource exists already.")
}

/// A string of the request body.
pub fn body_text(call: &Call, name: &str) -> Option<String> {
    get_ci(call.json()?.as_object()?, name)?.as_str().map(str::to_owned)
}

/// A value of the request body.
pub fn body_value<'a>(call: &'a Call, name: &str) -> Option<&'a Value> {
    get_ci(call.json()?.as_object()?, name)
}

/// Takes an attribute out of the request body.
pub fn drop_from_body(call: &mut Call, name: &str) {
    if let Some(map) = call.json_mut().and_then(Value::as_object_mut) {
        remove_ci(map, name);
    }
}

/// Takes a parameter out of the body of a `.search`.
pub fn drop_from_body_of_search(call: &mut Call, name: &str) {
    if matches!(call.target, Target::Search(_) | Target::RootSearch) {
        drop_from_body(call, name);
    }
}

/// Puts an attribute into the request body.
pub fn put_into_body(call: &mut Call, name: &str, value: Value) {
    if let Some(map) = call.json_mut().and_then(Value::as_object_mut) {
        remove_ci(map, name);
        map.insert(name.to_owned(), value);
    }
}

/// Takes an attribute out of a document.
pub fn cut(document: &mut Value, name: &str) {
    if let Some(map) = document.as_object_mut() {
        map.shift_remove(name);
    }
}

/// The resources of one kind in an answer.
pub fn shown<'r>(call: &Call, reply: &'r mut Reply, kind: Kind) -> Vec<&'r mut Map<String, Value>> {
    match call.kind() == Some(kind) {
        true => reply.resources(),
        false => Vec::new(),
    }
}

/// Changes each user of an answer.
pub fn each_user(call: &Call, reply: &mut Reply, change: fn(&mut Map<String, Value>)) {
    shown(call, reply, Kind::User).into_iter().for_each(change);
}

/// Changes each group of an answer.
pub fn each_group(call: &Call, reply: &mut Reply, change: fn(&mut Map<String, Value>)) {
    shown(call, reply, Kind::Group).into_iter().for_each(change);
}

/// Changes each user or group of an answer.
pub fn each(call: &Call, reply: &mut Reply, change: fn(&mut Map<String, Value>)) {
    if call.kind().is_some() {
        reply.resources().into_iter().for_each(change);
    }
}

/// Changes an attribute where it is present.
pub fn alter(map: &mut Map<String, Value>, name: &str, change: fn(&mut Value)) {
    if let Some(value) = map.get_mut(name) {
        change(value);
    }
}

/// The document of the resource in the path.
pub fn current(call: &Call, state: &State) -> Option<Value> {
    let record = state.of(call).get(call.kind()?, call.id()?)?;
    Some(record.document())
}

/// Whether the call is `method` on one resource of this kind.
pub fn on_item(call: &Call, method: &str, kind: Kind) -> bool {
    call.method == method && matches!(&call.target, Target::Item(k, _) if *k == kind)
}

/// Whether the call reads a collection.
pub fn lists(call: &Call) -> bool {
    Kind::ALL.into_iter().any(|kind| call.lists(kind))
}

/// A list without entries.
pub fn empty_list() -> Reply {
    let body =
        json!({ "schemas": [urn::LIST], "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": [] });
    Reply::json(200, body)
}

/// Keeps something that a correct server forgets.
pub fn remember(call: &Call, state: &mut State, key: &str, value: Value) {
    let scratch = &mut state.of_mut(call).scratch;
    scratch.entry(key.to_owned()).or_default().push(value);
}

/// Whether something was kept.
pub fn remembers(call: &Call, state: &State, key: &str, value: &Value) -> bool {
    let kept = state.of(call).scratch.get(key);
    kept.is_some_and(|kept| kept.contains(value))
}

/// Forgets something; tells whether it was kept.
pub fn forget(call: &Call, state: &mut State, key: &str, value: &Value) -> bool {
    let Some(kept) = state.of_mut(call).scratch.get_mut(key) else {
        return false;
    };
    let size = kept.len();
    kept.retain(|v| v != value);
    kept.len() < size
}

/// `op` of a PATCH operation, lower case.
pub fn op(operation: &Value) -> String {
    text_of(operation, "op").to_ascii_lowercase()
}

/// `path` of a PATCH operation; empty without one.
pub fn path(operation: &Value) -> String {
    text_of(operation, "path").trim().to_owned()
}

fn text_of(operation: &Value, name: &str) -> String {
    let found = operation.as_object().and_then(|o| get_ci(o, name));
    found.and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// `value` of a PATCH operation.
pub fn value(operation: &Value) -> Option<&Value> {
    get_ci(operation.as_object()?, "value")
}

/// Sets a member of a PATCH operation.
pub fn set(operation: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(map) = operation.as_object_mut() {
        remove_ci(map, name);
        map.insert(name.to_owned(), value.into());
    }
}

/// Whether an operation is about this attribute: by its path, or by a key of its path-less value.
pub fn touches(operation: &Value, attribute: &str) -> bool {
    let path = path(operation).to_ascii_lowercase();
    let attribute = attribute.to_ascii_lowercase();
    if path.is_empty() {
        let keys = value(operation).and_then(Value::as_object);
        return keys.is_some_and(|map| map.keys().any(|k| begins(&k.to_ascii_lowercase(), &attribute)));
    }
    begins(&path, &attribute)
}

fn begins(path: &str, attribute: &str) -> bool {
    path.strip_prefix(attribute).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

/// The operations of a PATCH request as they came.
pub fn sent_operations(call: &Call) -> Vec<Value> {
    body_value(call, "Operations").and_then(Value::as_array).cloned().unwrap_or_default()
}

/// The members that a request names to be added or set.
pub fn sent_members(call: &Call) -> Vec<Value> {
    let list = |v: Option<&Value>| v.and_then(Value::as_array).cloned().unwrap_or_default();
    if call.method != "PATCH" {
        return list(body_value(call, "members"));
    }
    let mut members = Vec::new();
    for operation in sent_operations(call) {
        if op(&operation) == "remove" || !touches(&operation, "members") {
            continue;
        }
        match value(&operation) {
            Some(Value::Object(map)) if get_ci(map, "members").is_some() => {
                members.extend(list(get_ci(map, "members")));
            }
            Some(Value::Object(map)) => members.push(Value::Object(map.clone())),
            other => members.extend(list(other)),
        }
    }
    members
}

/// The filter as the client wrote it.
pub fn filter_text(call: &Call) -> String {
    let sent = call.param("filter").map(str::to_owned);
    sent.or_else(|| body_text(call, "filter")).unwrap_or_default()
}

/// A filter without what stands between quotes.
pub fn unquoted(text: &str) -> String {
    let mut rest = String::new();
    let (mut inside, mut escaped) = (false, false);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => inside = !inside,
            _ if !inside => rest.push(c),
            _ => {}
        }
    }
    rest
}

/// Visits every node of a filter, the leaves first.
pub fn walk(filter: &mut Filter, visit: &mut dyn FnMut(&mut Filter)) {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter_mut().for_each(|p| walk(p, visit)),
        Filter::Not(inner) => walk(inner, visit),
        Filter::Attr { .. } | Filter::ValuePath { .. } => {}
    }
    visit(filter);
}

/// Whether any node of a filter is of this kind.
pub fn any_node(filter: &Filter, test: fn(&Filter) -> bool) -> bool {
    test(filter)
        || match filter {
            Filter::And(parts) | Filter::Or(parts) => parts.iter().any(|p| any_node(p, test)),
            Filter::Not(inner) => any_node(inner, test),
            _ => false,
        }
}

/// Whether a query's filter is about this attribute.
pub fn filter_text_has(query: &ListQuery, attribute: &str) -> bool {
    let written = query.filter.as_ref().map(ToString::to_string);
    written.is_some_and(|text| text.to_ascii_lowercase().contains(attribute))
}

/// A filter that nothing matches.
pub fn never() -> Filter {
    let id = Filter::Attr { path: AttrPath::of("id"), test: Test::Present };
    Filter::Not(Box::new(id))
}

/// A comparison in a filter: attribute in lower case with its sub-attribute, operator, text.
pub fn comparison(filter: &mut Filter) -> Option<(String, &mut CompareOp, &mut Literal)> {
    let Filter::Attr { path, test: Test::Compare(operator, literal) } = filter else {
        return None;
    };
    let sub = path.sub.as_ref().map(|s| format!(".{s}")).unwrap_or_default();
    Some((format!("{}{sub}", path.attr).to_ascii_lowercase(), operator, literal))
}

/// Replaces an operator wherever it stands.
pub fn swap_operator(filter: &mut Option<Filter>, from: CompareOp, to: CompareOp) {
    if let Some(filter) = filter {
        walk(filter, &mut |node| {
            if let Some((_, operator, _)) = comparison(node)
                && *operator == from
            {
                *operator = to;
            }
        });
    }
}

/// Replaces every node that passes a test by one that matches nothing.
pub fn never_where(filter: &mut Option<Filter>, test: fn(&mut Filter) -> bool) {
    if let Some(filter) = filter {
        walk(filter, &mut |node| {
            if test(node) {
                *node = never();
            }
        });
    }
}

/// An answer that is no SCIM at all.
pub fn html(status: u16, text: &str) -> Reply {
    Reply {
        content: Content::Text("text/html; charset=utf-8", format!("<html><body><h1>{text}</h1></body></html>")),
        ..Reply::empty(status)
    }
}

/// Moves a created or changed resource to another id, in the store and in the answer.
pub fn move_id(call: &Call, reply: &mut Reply, state: &mut State, kind: Kind, new: &str) {
    let Some(old) = reply.body().and_then(|b| b.get("id")?.as_str()).map(str::to_owned) else {
        return;
    };
    if old == new || !state.of_mut(call).rename_id(kind, &old, new) {
        return;
    }
    let location = crate::server::location(&call.base, kind, new);
    if let Some(body) = reply.body_mut() {
        body.insert("id".into(), new.into());
        if let Some(meta) = body.get_mut("meta") {
            meta["location"] = location.clone().into();
        }
    }
    if reply.header("Location").is_some() {
        reply.set("Location", location);
    }
}

/// The entries of a list.
pub fn entries(reply: &mut Reply) -> Option<&mut Vec<Value>> {
    if !reply.ok() {
        return None;
    }
    reply.body_mut()?.get_mut("Resources")?.as_array_mut()
}

/// Sets `totalResults` of a list.
pub fn set_total(reply: &mut Reply, number: usize) {
    if reply.ok()
        && let Some(body) = reply.body_mut()
        && body.contains_key("totalResults")
    {
        body.insert("totalResults".into(), number.into());
    }
}

/// Takes the entries that fail a test out of a list, as if they had not matched.
pub fn keep(call: &Call, reply: &mut Reply, kind: Kind, test: impl Fn(&Map<String, Value>) -> bool) {
    if !call.lists(kind) {
        return;
    }
    let Some(list) = entries(reply) else { return };
    let before = list.len();
    list.retain(|r| r.as_object().is_some_and(&test));
    let size = list.len();
    if size == before {
        return;
    }
    let all = reply.body().and_then(|b| b.get("totalResults")?.as_u64()).unwrap_or_default();
    let all = usize::try_from(all).unwrap_or_default();
    set_total(reply, all.saturating_sub(before - size));
    if let Some(body) = reply.body_mut() {
        body.insert("itemsPerPage".into(), size.into());
    }
}

/// Takes the blanks off both ends of every text.
pub fn trim(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.trim().to_owned(),
        Value::Array(items) => items.iter_mut().for_each(trim),
        Value::Object(map) => map.values_mut().for_each(trim),
        _ => {}
    }
}
