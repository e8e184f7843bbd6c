//! A server between the binary and a healthy one. It passes requests on, except for those that a test has plans with.
//!
//! Must not use the engine's own code to read or write HTTP, or both sides could be wrong together.

use crate::tool::{Serve, host_and_path};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// One request.
pub struct Asked {
    /// Counts from 1.
    pub n: usize,
    pub method: String,
    /// Path and query below the base URL.
    pub target: String,
    /// As it came.
    raw: Vec<u8>,
}

impl Asked {
    /// What is asked once before the first case.
    pub fn is_discovery(&self) -> bool {
        self.n <= 4
    }

    pub fn writes(&self) -> bool {
        self.method != "GET"
    }

    /// The body as sent.
    pub fn body(&self) -> String {
        let at = find(&self.raw, b"\r\n\r\n").map_or(self.raw.len(), |n| n + 4);
        String::from_utf8_lossy(&self.raw[at..]).into_owned()
    }
}

/// What the healthy server says.
pub struct Healthy {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Healthy {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The same head with another body.
    pub fn with_body(&self, body: impl AsRef<[u8]>) -> Act {
        let body = body.as_ref();
        let kept = self.head.lines().filter(|l| {
            let name = l.split(':').next().unwrap_or_default().to_ascii_lowercase();
            !["content-length", "connection", "transfer-encoding"].contains(&name.as_str())
        });
        let mut bytes = kept.collect::<Vec<_>>().join("\r\n").into_bytes();
        bytes.extend(format!("\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len()).bytes());
        bytes.extend(body);
        Act::Bytes(bytes)
    }

    pub fn with_body_text(&self, change: impl FnOnce(String) -> String) -> Act {
        self.with_body(change(self.text()))
    }

    pub fn as_is(&self) -> Act {
        self.with_body(&self.body)
    }
}

/// What happens to a request.
pub enum Act {
    /// The healthy server answers.
    Pass,
    /// These bytes, then the connection ends.
    Bytes(Vec<u8>),
    /// The first once, then the second for ever, with a pause between.
    Stream(Vec<u8>, Vec<u8>, Duration),
    /// Nothing, for ever.
    Stall,
}

impl Act {
    /// A complete answer.
    pub fn answer(head: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let mut bytes = format!(
            "HTTP/1.1 {head}\r\nContent-Type: application/scim+json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        )
        .into_bytes();
        bytes.extend(body);
        Act::Bytes(bytes)
    }
}

/// The server. `ask` of a plan gives the healthy answer; it is only asked when the plan wants it.
pub type Plan = dyn Fn(&Asked, &dyn Fn() -> Healthy) -> Act + Send + Sync;

pub struct Evil {
    pub base: String,
    _healthy: Serve,
    asked: Arc<AtomicUsize>,
}

impl Evil {
    pub fn start(plan: Arc<Plan>) -> Self {
        let healthy = Serve::start(&[]);
        let (upstream, prefix) = host_and_path(&healthy.base);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let base = format!("http://{}{prefix}", listener.local_addr().expect("an address"));
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (upstream, prefix, plan, count) = (upstream.clone(), prefix.clone(), plan.clone(), count.clone());
                std::thread::spawn(move || serve_one(client, &upstream, &prefix, &*plan, &count));
            }
        });
        Self { base, _healthy: healthy, asked }
    }

    /// Requests so far.
    pub fn requests(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// One connection, one request: what a test does to it is then not mixed with the next.
fn serve_one(mut client: TcpStream, upstream: &str, prefix: &str, plan: &Plan, count: &AtomicUsize) {
    let Some(raw) = read_message(&mut client) else { return };
    let line = String::from_utf8_lossy(&raw).lines().next().unwrap_or_default().to_owned();
    let mut words = line.split(' ').map(str::to_owned);
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return };
    let target = target.strip_prefix(prefix).unwrap_or(&target).to_owned();
    let asked = Asked { n: count.fetch_add(1, Ordering::SeqCst) + 1, method, target, raw };
    let ask = || forward(upstream, &asked.raw);
    let act = match plan(&asked, &ask) {
        Act::Pass => ask().as_is(),
        act => act,
    };
    // Whoever does not listen to the end has decided so.
    let _ = perform(&mut client, act);
}

fn perform(client: &mut TcpStream, act: Act) -> std::io::Result<()> {
    match act {
        Act::Pass => {}
        Act::Bytes(bytes) => {
            client.write_all(&bytes)?;
            client.shutdown(Shutdown::Write)?;
            // Closed at once, unread bytes would make a reset of it.
            client.set_read_timeout(Some(Duration::from_millis(300)))?;
            client.read_to_end(&mut Vec::new())?;
        }
        Act::Stream(first, again, pause) => {
            client.write_all(&first)?;
            loop {
                client.write_all(&again)?;
                std::thread::sleep(pause);
            }
        }
        Act::Stall => {
            // Ends when the other side goes.
            client.read_to_end(&mut Vec::new())?;
        }
    }
    Ok(())
}

fn forward(upstream: &str, raw: &[u8]) -> Healthy {
    let mut server = TcpStream::connect(upstream).expect("the healthy server listens");
    let head_end = find(raw, b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&raw[..head_end]).into_owned();
    let kept: Vec<&str> = head.lines().filter(|l| !l.to_ascii_lowercase().starts_with("connection:")).collect();
    let mut bytes = format!("{}\r\nConnection: close\r\n\r\n", kept.join("\r\n")).into_bytes();
    bytes.extend(&raw[head_end + 4..]);
    server.write_all(&bytes).expect("sent");
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).expect("an answer");
    let end = find(&answer, b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
    Healthy { status, head, body: answer[end + 4..].to_vec() }
}

/// A whole request; `None` when the connection ends before.
fn read_message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut block = [0; 8192];
    loop {
        if let Some(end) = find(&bytes, b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|l| l.strip_prefix("content-length:"))
                .map_or(0, |v| v.trim().parse().unwrap_or(0));
            if bytes.len() >= end + 4 + length {
                return Some(bytes);
            }
        }
        match stream.read(&mut block) {
            Ok(n) if n > 0 => bytes.extend(&block[..n]),
            _ => return None,
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|w| w == what)
}
