//! Several operations in one request, with references between them (RFC 7644 §3.7).
//!
//! Must not know what an operation does: each goes the way of a request of its own.

use super::call::{Call, Payload, Target, parse_query};
use super::intake;
use super::reply::{Failure, Reply};
use super::service::{Answer, Service};
use crate::scim::urn;
use crate::scim::value::get_ci;
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet, VecDeque};

/// One operation of a bulk request.
struct Operation {
    /// Its place in the request.
    place: usize,
    method: String,
    path: String,
    bulk_id: Option<String>,
    version: Option<String>,
    data: Option<Value>,
}

/// Answers `POST /Bulk`.
pub fn run(service: &mut Service<'_>, call: &Call) -> Answer {
    let behaviour = &service.plan.behaviour;
    if !behaviour.bulk {
        return Err(Failure::plain(501, "This server does not offer bulk operations."));
    }
    let body = intake::object(call)?;
    let (operations, limit) = read(body)?;
    if operations.len() > behaviour.bulk_operations {
        let detail = format!("A bulk request has at most {} operations.", behaviour.bulk_operations);
        return Err(Failure::plain(413, detail));
    }
    let limit = limit.filter(|_| behaviour.bulk_stops);
    let results = Batch::new(&operations).process(service, call, operations, limit);
    Ok(Reply::json(200, json!({ "schemas": [urn::BULK_RESPONSE], "Operations": results })))
}

fn read(body: &Map<String, Value>) -> Result<(Vec<Operation>, Option<u64>), Failure> {
    let syntax = |detail: &str| Failure::typed(400, "invalidSyntax", detail);
    let named = get_ci(body, "schemas")
        .and_then(Value::as_array)
        .is_some_and(|s| s.iter().any(|u| u.as_str() == Some(urn::BULK_REQUEST)));
    if !named {
        return Err(syntax("schemas must name the BulkRequest message."));
    }
    let Some(given) = get_ci(body, "Operations").and_then(Value::as_array) else {
        return Err(syntax("Operations must be an array."));
    };
    let mut operations = Vec::with_capacity(given.len());
    for (place, operation) in given.iter().enumerate() {
        let Some(operation) = operation.as_object() else {
            return Err(syntax("An operation must be an object."));
        };
        let text = |name: &str| get_ci(operation, name).and_then(Value::as_str).map(str::to_owned);
        operations.push(Operation {
            place,
            method: text("method").unwrap_or_default().to_ascii_uppercase(),
            path: text("path").unwrap_or_default(),
            bulk_id: text("bulkId"),
            version: text("version"),
            data: get_ci(operation, "data").cloned(),
        });
    }
    Ok((operations, get_ci(body, "failOnErrors").and_then(Value::as_u64)))
}

/// The state of one bulk request.
struct Batch {
    /// Ids of what was created, by bulkId.
    ids: HashMap<String, String>,
    /// The bulkIds that are still to come.
    pending: HashSet<String>,
    /// Creations of a circle, to be completed when every id is known.
    incomplete: Vec<(String, Value)>,
}

impl Batch {
    fn new(operations: &[Operation]) -> Self {
        let creates = operations.iter().filter(|o| o.method == "POST");
        Self {
            ids: HashMap::new(),
            pending: creates.filter_map(|o| o.bulk_id.clone()).collect(),
            incomplete: Vec::new(),
        }
    }

    fn process(
        mut self,
        service: &mut Service<'_>,
        call: &Call,
        operations: Vec<Operation>,
        limit: Option<u64>,
    ) -> Vec<Value> {
        let mut queue: VecDeque<Operation> = operations.into();
        let mut results: Vec<(usize, Value)> = Vec::new();
        let mut errors = 0;
        let mut waited = 0;
        while let Some(operation) = queue.pop_front() {
            let circle = waited > queue.len();
            if !circle && self.must_wait(&operation) {
                waited += 1;
                queue.push_back(operation);
                continue;
            }
            waited = 0;
            let place = operation.place;
            let (result, failed) = self.step(service, call, operation);
            results.push((place, result));
            errors += u64::from(failed);
            if limit.is_some_and(|limit| limit > 0 && errors >= limit) {
                break;
            }
        }
        self.complete(service, call);
        results.sort_by_key(|(place, _)| *place);
        results.into_iter().map(|(_, result)| result).collect()
    }

    fn must_wait(&self, operation: &Operation) -> bool {
        let mut wanted = Vec::new();
        operation.data.iter().for_each(|data| references(data, &mut wanted));
        wanted.extend(reference(operation.path.rsplit('/').next().unwrap_or_default()));
        let own = operation.bulk_id.as_deref();
        wanted.iter().any(|w| Some(w.as_str()) != own && self.pending.contains(w))
    }

    fn step(&mut self, service: &mut Service<'_>, call: &Call, operation: Operation) -> (Value, bool) {
        let reply = self.perform(service, call, &operation);
        let mut entry = json!({ "method": operation.method });
        if let Some(id) = &operation.bulk_id {
            entry["bulkId"] = id.clone().into();
            self.pending.remove(id);
            let created = reply.body().filter(|_| reply.status == 201);
            if let Some(created) = created.and_then(|b| b.get("id")?.as_str()) {
                self.ids.insert(id.clone(), created.to_owned());
            }
        }
        finish_entry(&mut entry, call, &operation.path, &reply);
        (entry, !reply.ok())
    }

    fn perform(&mut self, service: &mut Service<'_>, call: &Call, operation: &Operation) -> Reply {
        let mut wanted = Vec::new();
        operation.data.iter().for_each(|data| references(data, &mut wanted));
        let own = operation.bulk_id.as_deref();
        let lost =
            wanted.iter().find(|w| Some(w.as_str()) != own && !self.ids.contains_key(*w) && !self.pending.contains(*w));
        if let Some(lost) = lost {
            let detail = format!("bulkId {lost} names nothing that was created.");
            return Reply::error(409, None, detail);
        }
        let mut data = operation.data.clone();
        let mut open = false;
        if let Some(data) = &mut data {
            self.resolve(data);
            open = strip_open(data);
        }
        let reply = self.send(service, call, operation, data);
        if open
            && reply.ok()
            && let Some(path) = location_of(&reply).and_then(|l| l.strip_prefix(&call.base))
        {
            let data = operation.data.clone().unwrap_or_default();
            self.incomplete.push((path.to_owned(), data));
        }
        reply
    }

    fn send(&self, service: &mut Service<'_>, call: &Call, operation: &Operation, data: Option<Value>) -> Reply {
        let (path, query) = match operation.path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (operation.path.as_str(), None),
        };
        let path = self.resolved_path(path);
        let target = Target::parse(&path);
        let writes = matches!(operation.method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE");
        let resource = matches!(target, Target::Collection(_) | Target::Item(..) | Target::Me);
        if !writes || !resource {
            let detail = format!("{} {path} can not be part of a bulk request.", operation.method);
            return Reply::error(400, Some("invalidSyntax"), detail);
        }
        if operation.method == "POST" && operation.bulk_id.is_none() {
            return Reply::error(400, Some("invalidSyntax"), "A POST needs a bulkId.");
        }
        let version = operation.version.iter();
        let mut inner = Call {
            method: operation.method.clone(),
            path,
            target,
            query: parse_query(query),
            raw_query: query.unwrap_or_default().to_owned(),
            headers: version.map(|v| ("if-match".to_owned(), v.clone())).collect(),
            body: data.map_or(Payload::Absent, Payload::Json),
            base: call.base.clone(),
            tenant: call.tenant,
            memo: None,
            snapshot: None,
        };
        service.run(&mut inner)
    }

    fn resolved_path(&self, path: &str) -> String {
        let known = path.rsplit_once('/').and_then(|(front, last)| Some((front, self.ids.get(&reference(last)?)?)));
        known.map_or_else(|| path.to_owned(), |(front, id)| format!("{front}/{id}"))
    }

    /// Puts the ids of created resources where the data refers to them.
    fn resolve(&self, data: &mut Value) {
        match data {
            Value::String(text) => {
                if let Some(id) = reference(text).and_then(|r| self.ids.get(&r)) {
                    *text = id.clone();
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|v| self.resolve(v)),
            Value::Object(map) => map.values_mut().for_each(|v| self.resolve(v)),
            _ => {}
        }
    }

    /// Second pass for circles: what had to be left out at creation is written now (RFC 7644 §3.7.1).
    fn complete(&mut self, service: &mut Service<'_>, call: &Call) {
        for (path, mut data) in std::mem::take(&mut self.incomplete) {
            self.resolve(&mut data);
            strip_open(&mut data);
            let operation =
                Operation { place: 0, method: "PUT".into(), path, bulk_id: None, version: None, data: None };
            self.send(service, call, &operation, Some(data));
        }
    }
}

/// `bulkId:x` refers to what the operation with that bulkId creates.
fn reference(text: &str) -> Option<String> {
    text.strip_prefix("bulkId:").map(str::to_owned)
}

fn references(data: &Value, found: &mut Vec<String>) {
    match data {
        Value::String(text) => found.extend(reference(text)),
        Value::Array(items) => items.iter().for_each(|v| references(v, found)),
        Value::Object(map) => map.values().for_each(|v| references(v, found)),
        _ => {}
    }
}

/// Takes out every value that still refers to something unknown; tells whether there was one.
fn strip_open(data: &mut Value) -> bool {
    let open = |value: &Value| {
        let text = value.as_str().or_else(|| value.get("value")?.as_str());
        text.is_some_and(|t| reference(t).is_some())
    };
    let mut found = false;
    match data {
        Value::Array(items) => {
            let size = items.len();
            items.retain(|v| !open(v));
            found = items.len() < size;
            for item in items {
                found |= strip_open(item);
            }
        }
        Value::Object(map) => {
            let size = map.len();
            map.retain(|_, v| !open(v));
            found = map.len() < size;
            for value in map.values_mut() {
                found |= strip_open(value);
            }
        }
        _ => {}
    }
    found
}

fn location_of(reply: &Reply) -> Option<&str> {
    reply.header("Location").or_else(|| reply.body()?.get("meta")?.get("location")?.as_str())
}

/// RFC 7644 §3.7: `location` for everything but a POST that failed.
fn finish_entry(entry: &mut Value, call: &Call, path: &str, reply: &Reply) {
    if let Some(location) = location_of(reply) {
        entry["location"] = location.into();
    } else if matches!(Target::parse(path), Target::Item(..)) {
        entry["location"] = format!("{}{path}", call.base).into();
    }
    if let Some(version) = reply.header("ETag") {
        entry["version"] = version.into();
    }
    entry["status"] = reply.status.to_string().into();
    if !reply.ok()
        && let Some(body) = reply.body()
    {
        entry["response"] = body.clone();
    }
}
