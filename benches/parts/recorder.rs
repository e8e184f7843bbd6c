//! Stands between client and server and writes down what passes: requests as they are on the wire, and which values of
//! them the server made up (its ids), so that they can be sent again to a server that makes up others.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

/// A request with holes where ids of the server stood.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Recorded {
    pub method: String,
    /// Path and query from the root.
    pub target: Vec<Piece>,
    pub headers: Vec<(String, Vec<Piece>)>,
    pub body: Option<Vec<Piece>>,
    /// What was answered.
    pub status: u16,
    /// Which ids the answer brought, by their place among all UUIDs in it.
    pub brings: Vec<(usize, usize)>,
}

/// Text, or the number of an id.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Piece {
    Id(usize),
    Text(String),
}

/// A request and its answer, for those who judge them again.
pub struct Passed {
    pub request: scimproof::exchange::Request,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

pub struct Recorder {
    origin: String,
    notes: Arc<Notes>,
}

struct Notes {
    origin: Mutex<String>,
    server: String,
    client: reqwest::Client,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    requests: Vec<Recorded>,
    passed: Vec<Passed>,
    /// Ids that the server made up, and those that the client did.
    ids: HashMap<String, usize>,
    foreign: HashSet<String>,
}

impl Recorder {
    pub async fn start(server: &str) -> Self {
        let (server, _) = server.split_once("/scim/v2").expect("the embedded server's URL");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let notes = Arc::new(Notes {
            origin: Mutex::new(origin.clone()),
            server: server.to_owned(),
            client: super::bare::client(),
            book: Mutex::default(),
        });
        let shared = notes.clone();
        let router = axum::Router::new().fallback(move |request: Request| pass(shared.clone(), request));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { origin, notes }
    }

    pub fn base_url(&self) -> String {
        format!("{}/scim/v2", self.origin)
    }

    pub fn requests(&self) -> Vec<Recorded> {
        self.notes.book.lock().expect("nobody panics").requests.clone()
    }

    /// How many have passed so far.
    pub fn count(&self) -> usize {
        self.notes.book.lock().expect("nobody panics").passed.len()
    }

    pub fn passed(&self) -> Vec<Passed> {
        std::mem::take(&mut self.notes.book.lock().expect("nobody panics").passed)
    }
}

async fn pass(notes: Arc<Notes>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    let target = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let mut onward = notes.client.request(head.method.clone(), format!("{}{target}", notes.server));
    for (name, value) in &head.headers {
        if name != "host" {
            onward = onward.header(name, value);
        }
    }
    let answer = onward.body(body.clone()).send().await.expect("the embedded server answers");
    let (status, headers) = (answer.status(), answer.headers().clone());
    let content = answer.bytes().await.expect("a whole answer");
    // The server names itself in `Location` and `meta.location`; whoever follows them must come by here.
    let origin = notes.origin.lock().expect("nobody panics").clone();
    let content = String::from_utf8_lossy(&content).replace(&notes.server, &origin);
    let text = |v: &reqwest::header::HeaderValue| String::from_utf8_lossy(v.as_bytes()).replace(&notes.server, &origin);
    let pairs: Vec<(String, String)> = headers.iter().map(|(k, v)| (k.to_string(), text(v))).collect();
    let sent: Vec<(String, String)> = head
        .headers
        .iter()
        .filter(|(name, _)| *name != "host" && *name != "content-length")
        .map(|(k, v)| (k.to_string(), String::from_utf8_lossy(v.as_bytes()).into_owned()))
        .collect();
    let mut book = notes.book.lock().expect("nobody panics");
    book.note((head.method.as_str(), &target), &sent, &body, (status.as_u16(), &content));
    book.passed.push(passed(&origin, head.method.as_str(), &target, sent, &body, status.as_u16(), &pairs, &content));
    drop(book);
    let mut reply = Response::builder().status(status);
    for (name, value) in pairs.iter().filter(|(n, _)| n != "content-length" && n != "transfer-encoding") {
        reply = reply.header(name, value);
    }
    reply.body(Body::from(content)).expect("what the server sent can be sent on")
}

#[expect(clippy::too_many_arguments, reason = "the parts of one request and one answer")]
fn passed(
    origin: &str,
    method: &str,
    target: &str,
    headers: Vec<(String, String)>,
    body: &[u8],
    status: u16,
    answer: &[(String, String)],
    content: &str,
) -> Passed {
    let below = target.strip_prefix("/scim/v2").unwrap_or(target);
    let (path, query) = match below.split_once('?') {
        Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
        None => (below.to_owned(), None),
    };
    let request = scimproof::exchange::Request {
        method: method.to_owned(),
        url: format!("{origin}{target}"),
        path,
        query,
        headers,
        body: (!body.is_empty()).then(|| body.to_vec()),
        ..Default::default()
    };
    Passed { request, status, headers: answer.to_vec(), body: content.as_bytes().to_vec() }
}

impl Book {
    fn note(
        &mut self,
        (method, target): (&str, &str),
        headers: &[(String, String)],
        body: &[u8],
        (status, answer): (u16, &str),
    ) {
        let body_text = String::from_utf8_lossy(body);
        let target = self.pieces(target);
        let headers = headers.iter().map(|(n, v)| (n.clone(), self.pieces(v))).collect();
        let body = (!body.is_empty()).then(|| self.pieces(&body_text));
        let mut brings = Vec::new();
        for (place, (_, id)) in uuids(answer).enumerate() {
            if !self.ids.contains_key(id) && !self.foreign.contains(id) {
                let number = self.ids.len();
                self.ids.insert(id.to_owned(), number);
                brings.push((place, number));
            }
        }
        self.requests.push(Recorded { method: method.to_owned(), target, headers, body, status, brings });
    }

    fn pieces(&mut self, text: &str) -> Vec<Piece> {
        let mut out = Vec::new();
        let mut from = 0;
        for (at, id) in uuids(text) {
            match self.ids.get(id) {
                Some(number) => {
                    out.push(Piece::Text(text[from..at].to_owned()));
                    out.push(Piece::Id(*number));
                    from = at + id.len();
                }
                None => {
                    self.foreign.insert(id.to_owned());
                }
            }
        }
        out.push(Piece::Text(text[from..].to_owned()));
        out
    }
}

/// Every UUID in a text, with its place.
pub fn uuids(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at + 36 <= bytes.len() {
            if is_uuid(&bytes[at..at + 36]) {
                at += 36;
                return Some((at - 36, &text[at - 36..at]));
            }
            at += 1;
        }
        None
    })
}

fn is_uuid(bytes: &[u8]) -> bool {
    bytes.iter().enumerate().all(|(i, b)| match i {
        8 | 13 | 18 | 23 => *b == b'-',
        _ => b.is_ascii_digit() || (b'a'..=b'f').contains(b),
    })
}
