//! A TCP server that writes whatever bytes a test wants, and remembers what it was sent.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// What was sent to a server.
pub type Log = Arc<Mutex<Vec<String>>>;

/// A running server. Ends with the test's runtime.
pub struct RawServer {
    /// Where it listens.
    pub url: Url,
    requests: Log,
    connections: Arc<AtomicUsize>,
}

impl RawServer {
    /// Requests so far, head and body as they came.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Reads one request per connection, then `answer` has the connection to itself.
pub async fn serve<F, Fut>(answer: F) -> RawServer
where
    F: Fn(TcpStream) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let answer = Arc::new(answer);
    listen(move |mut stream, log| {
        let answer = answer.clone();
        Box::pin(async move {
            let request = read_request(&mut stream).await;
            log.lock().unwrap().push(request);
            answer(stream).await;
        })
    })
    .await
}

/// Writes the same bytes for every request and keeps the connection open for the next.
pub async fn serve_bytes(bytes: impl Into<Vec<u8>>) -> RawServer {
    let bytes = bytes.into();
    serve_each(move |_| bytes.clone()).await
}

/// Answers the first request of each connection with these bytes, and hangs up when the second has come.
pub async fn serve_once_each(bytes: impl Into<Vec<u8>>) -> RawServer {
    let bytes = bytes.into();
    serve(move |mut stream| {
        let bytes = bytes.clone();
        async move {
            if stream.write_all(&bytes).await.is_ok() {
                read_request(&mut stream).await;
            }
        }
    })
    .await
}

/// Writes what `answer` makes of each request, and keeps the connection open for the next.
pub async fn serve_each<F>(answer: F) -> RawServer
where
    F: Fn(&str) -> Vec<u8> + Send + Sync + 'static,
{
    let answer = Arc::new(answer);
    listen(move |stream, log| {
        let answer = answer.clone();
        Box::pin(async move { converse(stream, &log, answer.as_ref()).await })
    })
    .await
}

/// Accepts, and hands each connection over as it is.
pub async fn listen<F>(on_connection: F) -> RawServer
where
    F: Fn(TcpStream, Log) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let log = Log::default();
    let connections = Arc::new(AtomicUsize::new(0));
    let server = RawServer {
        url: Url::parse(&format!("http://127.0.0.1:{port}/scim/v2")).unwrap(),
        requests: log.clone(),
        connections: connections.clone(),
    };
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            connections.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(on_connection(stream, log.clone()));
        }
    });
    server
}

/// Answers request after request on one connection.
pub async fn converse<S>(mut stream: S, log: &Log, answer: &(dyn Fn(&str) -> Vec<u8> + Send + Sync))
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        let request = read_request(&mut stream).await;
        if request.is_empty() {
            return;
        }
        let bytes = answer(&request);
        log.lock().unwrap().push(request);
        if stream.write_all(&bytes).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}

/// One request as text: head, and as much body as its Content-Length says. Empty when the connection ends.
pub async fn read_request<S: AsyncRead + Unpin>(stream: &mut S) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0; 1];
    while !bytes.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte).await {
            Ok(1) => bytes.push(byte[0]),
            _ => return String::new(),
        }
    }
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let length = head
        .lines()
        .filter_map(|l| l.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.trim().parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    head + &String::from_utf8_lossy(&body)
}

/// A complete 200 answer with that JSON.
pub fn json_answer(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/scim+json\r\nContent-Length: {length}\r\n\r\n{body}").into()
}
