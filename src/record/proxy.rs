//! A reverse proxy that keeps what passes: each request goes to the target as its client wrote it, each answer comes back as the
//! target gave it, and both are remembered.
//!
//! Must not judge, follow redirects or sign anything; the client's credentials go to the target and nowhere else.

use super::{Answer, Entry, Format, Recording};
use crate::engine::forward::end_to_end;
use crate::engine::{Http, Outgoing};
use crate::exchange::{Exchange, FailureKind, Response as Answered};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Bodies that are kept together. What passes beyond that is passed on and counted, so that a long recording cannot fill the
/// memory.
const MOST_KEPT: usize = 256 << 20;
/// How long the end waits for answers that are under way.
const GRACE: Duration = Duration::from_secs(2);

/// A running proxy. Dropping it stops it.
pub struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    shutdown: watch::Sender<bool>,
    task: JoinHandle<()>,
}

struct Shared {
    http: Http,
    kept: Mutex<Kept>,
    count: watch::Sender<usize>,
}

#[derive(Default)]
struct Kept {
    entries: Vec<Entry>,
    bytes: usize,
    dropped: usize,
}

impl Proxy {
    /// Listens from now on. The client's target must be the origin: paths pass through unchanged.
    pub async fn start(address: SocketAddr, http: Http) -> io::Result<Proxy> {
        let listener = tokio::net::TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { http, kept: Mutex::default(), count: watch::Sender::new(0) });
        let own = shared.clone();
        let router = Router::new().fallback(move |request: Request| {
            let shared = own.clone();
            async move { shared.pass(request).await }
        });
        let (shutdown, mut stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            let signal = async move {
                let _ = stopped.wait_for(|stop| *stop).await;
            };
            // Only a listener that broke ends with an error; then there is nothing left to serve.
            let _ = axum::serve(listener, router).with_graceful_shutdown(signal).await;
        });
        Ok(Proxy { shared, address, shutdown, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until so many requests were answered.
    pub async fn seen(&self, requests: usize) {
        let mut count = self.shared.count.subscribe();
        // The sender lives as long as the proxy.
        let _ = count.wait_for(|n| *n >= requests).await;
    }

    /// Ends it: answers under way are waited for, then the recording is handed over.
    pub async fn stop(mut self) -> Recording {
        let _ = self.shutdown.send(true);
        if tokio::time::timeout(GRACE, &mut self.task).await.is_err() {
            self.task.abort();
        }
        let mut kept = std::mem::take(&mut *self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner));
        kept.entries.sort_by_key(|e| e.started);
        let unusable = (kept.dropped > 0).then(|| {
            format!("{} requests passed after {} MB were kept; they are not in it", kept.dropped, MOST_KEPT >> 20)
        });
        Recording {
            format: Format::Proxy,
            title: None,
            entries: kept.entries,
            unusable: unusable.into_iter().collect(),
        }
    }
}

impl Shared {
    async fn pass(&self, request: Request) -> Response<Body> {
        let (head, body) = request.into_parts();
        let limit = self.http.target().limits.max_body;
        let Ok(bytes) = axum::body::to_bytes(body, limit).await else {
            return refusal(413, &format!("the request body is larger than {} MB, or it broke off", limit >> 20));
        };
        let text = |v: &HeaderValue| String::from_utf8_lossy(v.as_bytes()).into_owned();
        let target = head.uri.path_and_query().map_or("/", |p| p.as_str());
        let out = Outgoing {
            method: head.method.as_str().to_owned(),
            target: target.to_owned(),
            headers: head.headers.iter().map(|(n, v)| (n.as_str().to_owned(), text(v))).collect(),
            body: (!bytes.is_empty()).then(|| bytes.to_vec()),
            nameless: !head.headers.contains_key("user-agent"),
            ..Outgoing::default()
        };
        let exchange = self.http.forward(out).await;
        let answer = match &exchange.outcome {
            Ok(response) if response.truncated && response.body.len() >= limit => {
                refusal(502, &format!("the target's answer is larger than {} MB", limit >> 20))
            }
            Ok(response) => answer(response, exchange.request.method == "HEAD"),
            Err(failure) => {
                let status = if failure.kind == FailureKind::Timeout { 504 } else { 502 };
                refusal(status, &failure.message)
            }
        };
        self.keep(exchange);
        answer
    }

    fn keep(&self, exchange: Exchange) {
        let Exchange { request, outcome, duration, started } = exchange;
        let size = request.body.as_ref().map_or(0, Vec::len) + outcome.as_ref().map_or(0, |r| r.body.len());
        let answer = match outcome {
            Ok(response) if response.truncated => {
                Answer::Head(Answered::new(response.status, response.headers, Vec::new()))
            }
            Ok(response) => Answer::Whole(response),
            Err(failure) => Answer::None(failure.message),
        };
        let entry = Entry {
            method: request.method,
            url: request.url,
            headers: request.headers,
            body: request.body,
            answer,
            started,
            duration,
            ..Entry::default()
        };
        {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            // A request without a body still costs its headers.
            let size = size + 1024;
            if kept.bytes + size > MOST_KEPT {
                kept.dropped += 1;
            } else {
                kept.bytes += size;
                kept.entries.push(entry);
            }
        }
        self.count.send_modify(|n| *n += 1);
    }
}

/// The target's answer. Its body was unpacked on the way, so its encoding is no longer what the header says.
fn answer(response: &Answered, head: bool) -> Response<Body> {
    let mut out = Response::new(if head { Body::empty() } else { Body::from(response.body.clone()) });
    *out.status_mut() = StatusCode::from_u16(response.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let unpacked = |name: &str| {
        let coding = response.header("content-encoding").unwrap_or_default().to_ascii_lowercase();
        name.eq_ignore_ascii_case("content-encoding") && ["gzip", "x-gzip", "deflate"].contains(&coding.trim())
    };
    for (name, value) in end_to_end(&response.headers).into_iter().filter(|(n, _)| !unpacked(n)) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value.as_bytes())) {
            out.headers_mut().append(name, value);
        }
    }
    out
}

/// An answer of ours, told apart from the target's by its words.
fn refusal(status: u16, why: &str) -> Response<Body> {
    let mut out = Response::new(Body::from(format!("scimproof record: {why}\n")));
    *out.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    out.headers_mut().insert("content-type", HeaderValue::from_static("text/plain; charset=utf-8"));
    out
}
