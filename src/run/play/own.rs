//! What on the server is ours: a create is announced in the journal before it is sent, what was made is remembered, and what
//! was there before is not touched.
//!
//! Must not judge. The server is not believed: an id that was seen before the create is not ours because it says so.

use super::Player;
use crate::engine::Outgoing;
use crate::engine::journal::{Intent, key_attribute};
use crate::exchange::{AuthKind, Exchange, percent_decode};
use crate::scim::value::get_ci;
use crate::shadow::{bulk_status_of, path_segment, text_of};
use serde_json::Value;

/// Endpoints that hold no data: a write to them is a question about the refusal.
const DISCOVERY: [&str; 3] = ["ServiceProviderConfig", "ResourceTypes", "Schemas"];

/// A create that is on its way.
pub(super) struct Announced {
    intent: Intent,
    /// The same under the names that later operations of its bulk request give it.
    renamed: Vec<Intent>,
    /// Name of the operation in a bulk request.
    bulk_id: Option<String>,
}

/// The journal cannot be written, so nothing may be sent; the case holds the reason.
pub(in crate::run) struct Unwritable;

impl Player<'_> {
    /// Writes down what a request is about to make.
    pub(super) fn announce(&mut self, out: &Outgoing) -> Result<Vec<Announced>, Unwritable> {
        let Some(journal) = self.context.journal.clone() else { return Ok(Vec::new()) };
        let side = journal.side(out.auth == AuthKind::Other);
        let mut announced = Vec::new();
        for Create { collection, key, names, bulk_id } in creates(out) {
            let written = side.intent("POST", &collection, &key).and_then(|intent| {
                let renamed =
                    names.iter().map(|name| side.intent("POST", &collection, name)).collect::<Result<_, _>>()?;
                Ok(Announced { intent, renamed, bulk_id })
            });
            match written {
                Ok(create) => announced.push(create),
                Err(problem) => {
                    self.error = true;
                    self.reason = Some(format!("{} {} was not sent: {problem}", out.method, out.path()));
                    return Err(Unwritable);
                }
            }
        }
        Ok(announced)
    }

    /// Writes down what came of it. An announcement without an answer stays open: the clean-up looks the resource up.
    pub(super) fn settle(&mut self, mut announced: Vec<Announced>, exchange: &Exchange) {
        let mut written = Ok(());
        let journal = self.context.journal.clone();
        let side = journal.as_ref().map(|j| j.side(exchange.request.auth == AuthKind::Other));
        for (bulk_id, made) in outcomes(exchange) {
            let at = announced.iter().position(|a| a.bulk_id == bulk_id);
            let (intent, renamed) = match at.map(|at| announced.remove(at)) {
                Some(create) => (Some(create.intent), create.renamed),
                None => (None, Vec::new()),
            };
            let mine = match made {
                Made::Resource(path) if self.was_there(&path, exchange) => {
                    self.strangers.insert(path);
                    None
                }
                Made::Resource(path) => Some(path),
                Made::Nothing => None,
            };
            if let Some(path) = &mine {
                self.created.insert(path);
            }
            let Some(side) = side else { continue };
            let line = match (intent, mine) {
                (Some(intent), Some(path)) => side.created(intent, &path),
                (Some(intent), None) => side.nothing_made(intent),
                (None, Some(path)) => side.found(&path),
                (None, None) => Ok(()),
            };
            written = written.and(line);
            for intent in renamed {
                written = written.and(side.nothing_made(intent));
            }
        }
        if let Err(problem) = written {
            self.error = true;
            self.reason = Some(problem.to_string());
        }
    }

    /// Why a write must not go out; `None` when it may. An id that nobody of this case made is asked for first.
    pub(super) async fn fenced(&mut self, out: &Outgoing) -> Option<String> {
        if self.context.options.guard.allow_existing || !matches!(out.method.as_str(), "PUT" | "PATCH" | "DELETE") {
            return None;
        }
        let segments: Vec<String> = out.path().split('/').skip(1).map(percent_decode).collect();
        let first = segments.first().map(String::as_str).unwrap_or_default();
        if DISCOVERY.iter().any(|d| d.eq_ignore_ascii_case(first)) {
            return None;
        }
        if segments.iter().any(String::is_empty) || out.method == "DELETE" && segments.len() < 2 {
            return Some(format!("{} {} is not sent: it names a whole collection", out.method, out.path()));
        }
        let id = segments.get(1)?;
        let stranger =
            "it would change a resource that this run did not create (--allow-existing permits it)".to_owned();
        let path = format!("/{first}/{}", path_segment(id));
        if self.strangers.contains(&path) {
            return Some(stranger);
        }
        if self.shadow.kinds_of(id).next().is_some() || self.created.contains(&path) {
            return None;
        }
        if self.shadow.seen.contains(id) {
            return Some(stranger);
        }
        // `/Users/0` is meant to be nobody; on a server that counts from 0 it is the first administrator.
        if self.vacant.contains(&path) {
            return None;
        }
        let look = self.added_read(&path, u8::from(out.auth == AuthKind::Other));
        if self.context.http.send(look).await.accepted() {
            self.strangers.insert(path);
            return Some(stranger);
        }
        self.vacant.insert(path);
        None
    }

    /// True for an id that was on the server before the create that is said to have made it, unless what it names carries the
    /// mark of this run: servers may use ids anew.
    fn was_there(&self, path: &str, exchange: &Exchange) -> bool {
        let Some(id) = path.rsplit('/').next().map(percent_decode) else { return false };
        if !self.shadow.seen.contains(&id) || self.shadow.kinds_of(&id).next().is_some() {
            return false;
        }
        let answer = exchange.json().and_then(Value::as_object);
        let named = |name: &str| answer.and_then(|o| get_ci(o, name)).and_then(Value::as_str);
        let mark = self.context.run_id.to_lowercase();
        !["userName", "displayName", "externalId"]
            .iter()
            .any(|n| named(n).is_some_and(|v| v.to_lowercase().contains(&mark)))
    }
}

enum Made {
    /// `/Users/ID`.
    Resource(String),
    Nothing,
}

/// Something that a request would create.
struct Create {
    /// `/Users`.
    collection: String,
    /// Its unique name.
    key: String,
    /// Names that later operations of the same bulk request give it: which of them it has when no answer comes is not known.
    names: Vec<String>,
    bulk_id: Option<String>,
}

/// Everything that a request would create.
fn creates(out: &Outgoing) -> Vec<Create> {
    let path = out.path().trim_end_matches('/');
    if out.method != "POST" || path.matches('/').count() != 1 || path.ends_with(".search") {
        return Vec::new();
    }
    let Some(body) = out.body.as_deref().and_then(|b| serde_json::from_slice::<Value>(b).ok()) else {
        return Vec::new();
    };
    if path.eq_ignore_ascii_case("/Bulk") {
        return operations(&body)
            .filter(|o| text(o, "method").is_some_and(|m| m.eq_ignore_ascii_case("POST")))
            .filter_map(|o| {
                let collection = text(o, "path")?.to_owned();
                let key = key(&collection, get_ci(o.as_object()?, "data")?)?;
                let bulk_id = text(o, "bulkId").map(str::to_owned);
                let names = bulk_id.iter().flat_map(|id| names_given(&body, &collection, id)).collect();
                Some(Create { collection, key, names, bulk_id })
            })
            .collect();
    }
    let single = |key| Create { collection: path.to_owned(), key, names: Vec::new(), bulk_id: None };
    key(path, &body).map(single).into_iter().collect()
}

/// Unique names that a bulk request gives to what its own operation `id` makes (RFC 7644 §3.7.2: `/Groups/bulkId:ID`).
fn names_given(bulk: &Value, collection: &str, id: &str) -> Vec<String> {
    let place = format!("{}/bulkId:{id}", collection.trim_end_matches('/'));
    let name = key_attribute(collection);
    let mut names = Vec::new();
    for operation in operations(bulk).filter(|o| text(o, "path") == Some(place.as_str())) {
        let Some(data) = operation.as_object().and_then(|o| get_ci(o, "data")) else { continue };
        names.extend(key(collection, data));
        for change in operations(data) {
            let Some(value) = change.as_object().and_then(|o| get_ci(o, "value")) else { continue };
            let attribute = text(change, "path").and_then(|p| p.rsplit(':').next());
            match attribute {
                Some(attribute) if attribute.eq_ignore_ascii_case(name) => {
                    names.extend(value.as_str().map(str::to_owned))
                }
                Some(_) => {}
                None => names.extend(key(collection, value)),
            }
        }
    }
    names
}

fn key(collection: &str, body: &Value) -> Option<String> {
    text(body, key_attribute(collection)).map(str::to_owned)
}

/// What an answer says about creates; nothing where it says neither "made" nor "refused".
fn outcomes(exchange: &Exchange) -> Vec<(Option<String>, Made)> {
    if exchange.request.method != "POST" {
        return Vec::new();
    }
    let segments = exchange.request.segments();
    let [endpoint] = segments.as_slice() else { return Vec::new() };
    let status = exchange.status();
    if endpoint.eq_ignore_ascii_case("Bulk") {
        let made = exchange.json().into_iter().flat_map(operations).filter_map(bulk_outcome);
        return made.collect();
    }
    if endpoint == ".search" {
        return Vec::new();
    }
    let id = || exchange.json().and_then(Value::as_object).and_then(|o| get_ci(o, "id")).and_then(text_of);
    match status {
        Some(200..=299) => match id().filter(|id| !id.is_empty()) {
            Some(id) => vec![(None, Made::Resource(format!("/{endpoint}/{}", path_segment(&id))))],
            None => Vec::new(),
        },
        Some(400..=499) => vec![(None, Made::Nothing)],
        // 5xx, no answer: the look-up of the clean-up finds it.
        _ => Vec::new(),
    }
}

/// RFC 7644 §3.7.3: bulkId, status and location of one operation's answer.
fn bulk_outcome(operation: &Value) -> Option<(Option<String>, Made)> {
    if !text(operation, "method").is_some_and(|m| m.eq_ignore_ascii_case("POST")) {
        return None;
    }
    let bulk_id = text(operation, "bulkId").map(str::to_owned);
    let status = bulk_status_of(operation.as_object()?)?;
    if (400..500).contains(&status) {
        return Some((bulk_id, Made::Nothing));
    }
    let mut last = text(operation, "location")?.split(['?', '#']).next()?.rsplit('/');
    let (id, endpoint) = (percent_decode(last.next()?), percent_decode(last.next()?));
    ((200..300).contains(&status) && !id.is_empty())
        .then(|| (bulk_id, Made::Resource(format!("/{endpoint}/{}", path_segment(&id)))))
}

fn operations(body: &Value) -> impl Iterator<Item = &Value> {
    let list = body.as_object().and_then(|o| get_ci(o, "Operations")).and_then(Value::as_array);
    list.into_iter().flatten()
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    get_ci(value.as_object()?, name)?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{Request, Response};
    use serde_json::json;

    fn post(path: &str, body: &Value) -> Outgoing {
        Outgoing {
            method: "POST".into(),
            target: path.into(),
            body: Some(body.to_string().into_bytes()),
            ..Outgoing::default()
        }
    }

    fn answered(path: &str, status: u16, body: &Value) -> Exchange {
        Exchange {
            request: Request { method: "POST".into(), path: path.into(), ..Request::default() },
            outcome: Ok(Response::new(status, Vec::new(), body.to_string().into_bytes())),
            duration: std::time::Duration::ZERO,
            started: None,
        }
    }

    fn paths(exchange: &Exchange) -> Vec<(Option<String>, Option<String>)> {
        let path = |made| match made {
            Made::Resource(path) => Some(path),
            Made::Nothing => None,
        };
        outcomes(exchange).into_iter().map(|(id, made)| (id, path(made))).collect()
    }

    #[test]
    fn each_create_of_a_bulk_request_is_announced() {
        let bulk = json!({ "Operations": [
            { "method": "POST", "path": "/Users", "bulkId": "a", "data": { "userName": "ann" } },
            { "method": "post", "path": "/Groups", "bulkId": "g", "data": { "displayName": "team" } },
            { "method": "DELETE", "path": "/Users/1" },
            { "method": "POST", "path": "/Users", "data": 7 },
        ]});
        let names: Vec<_> = creates(&post("/Bulk", &bulk)).into_iter().map(|c| (c.collection, c.key)).collect();
        assert_eq!(names, [("/Users".into(), "ann".into()), ("/Groups".into(), "team".into())]);
        assert_eq!(creates(&post("/Users", &json!({ "USERNAME": "ann" }))).len(), 1);
        assert!(creates(&post("/Users/.search", &json!({ "userName": "ann" }))).is_empty());
        assert!(creates(&post("/Users", &json!([]))).is_empty());
    }

    /// A run that was killed after it had sent such a request left a group that no look-up by the first name finds.
    #[test]
    fn a_create_is_announced_under_each_name_that_its_bulk_request_gives_it() {
        let patch = |operation: Value| json!({ "Operations": [operation] });
        let bulk = json!({ "Operations": [
            { "method": "POST", "path": "/Groups", "bulkId": "g", "data": { "displayName": "a" } },
            { "method": "PUT", "path": "/Groups/bulkId:g", "data": { "displayName": "b" } },
            { "method": "PATCH", "path": "/Groups/bulkId:g",
              "data": patch(json!({ "op": "replace", "path": "DisplayName", "value": "c" })) },
            { "method": "PATCH", "path": "/Groups/bulkId:g",
              "data": patch(json!({ "op": "replace", "value": { "displayName": "d" } })) },
            { "method": "PATCH", "path": "/Groups/bulkId:g",
              "data": patch(json!({ "op": "add", "path": "members", "value": [{ "value": "1" }] })) },
            { "method": "PUT", "path": "/Groups/bulkId:h", "data": { "displayName": "e" } },
        ]});
        let creates = creates(&post("/Bulk", &bulk));
        assert_eq!((creates.len(), creates[0].key.as_str()), (1, "a"));
        assert_eq!(creates[0].names, ["b", "c", "d"]);
    }

    #[test]
    fn an_answer_says_what_was_made() {
        let made = |status, body: Value| paths(&answered("/Users", status, &body));
        assert_eq!(made(201, json!({ "id": "a/b" })), [(None, Some("/Users/a%2Fb".into()))]);
        assert_eq!(made(409, json!({})), [(None, None)]);
        assert!(made(201, json!({ "id": "" })).is_empty() && made(500, json!({})).is_empty());
        let bulk = json!({ "Operations": [
            { "method": "POST", "bulkId": "a", "status": "201", "location": "https://x/v2/Users/7" },
            { "method": "POST", "bulkId": "b", "status": { "code": 400 } },
            { "method": "POST", "bulkId": "c", "status": 409 },
            { "method": "PUT", "status": "200", "location": "https://x/v2/Users/8" },
        ]});
        let expected = [
            (Some("a".to_owned()), Some("/Users/7".to_owned())),
            (Some("b".to_owned()), None),
            (Some("c".to_owned()), None),
        ];
        assert_eq!(paths(&answered("/Bulk", 200, &bulk)), expected);
    }
}
