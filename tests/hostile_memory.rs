//! What a hostile server sends does not add up in our memory. A binary of its own: the peak is that of the whole process.

#![cfg(target_os = "linux")]

mod support;

use scimproof::engine::Http;
use std::time::{Duration, Instant};
use support::raw::{serve, serve_bytes};
use support::{get, target};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn endless_bodies_and_bombs_stay_within_the_limit() {
    let endless = serve(|mut stream: TcpStream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        let block = vec![b' '; 1 << 20];
        while stream.write_all(&block).await.is_ok() {}
    })
    .await;
    let headers = serve(|mut stream: TcpStream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX-Flood: ").await;
        let block = vec![b'x'; 1 << 20];
        while stream.write_all(&block).await.is_ok() {}
    })
    .await;
    // 200 MiB of zeros, made without holding them.
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::copy(&mut std::io::Read::take(std::io::repeat(0), 200 << 20), &mut encoder).unwrap();
    let packed = encoder.finish().unwrap();
    let mut bytes =
        format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", packed.len()).into_bytes();
    bytes.extend(packed);
    let bomb = serve_bytes(bytes).await;

    let before = peak_kib();
    let start = Instant::now();
    for server in [endless, headers, bomb] {
        let mut target = target(&server.url);
        target.limits.timeout = Duration::from_secs(20);
        let http = Http::new(target).unwrap();
        for _ in 0..3 {
            let exchange = http.send(get("/Users")).await;
            assert!(exchange.response().is_none_or(|r| r.truncated && r.body.len() == 16 << 20));
        }
    }
    let grown = peak_kib() - before;
    assert!(grown < 120 * 1024, "grew by {grown} KiB");
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}
