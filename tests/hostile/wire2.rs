//! HTTP/2 by hand: frames as RFC 9113 has them, and as it has not.

use crate::support::tls::Authority;
use crate::support::{TOKEN, get, target};
use scimproof::engine::{Http, Limits};
use scimproof::exchange::{Exchange, FailureKind};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

/// Bytes of one frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short payload").to_be_bytes();
    let mut out = vec![length[1], length[2], length[3], kind, flags];
    out.extend(stream.to_be_bytes());
    out.extend(payload);
    out
}

/// Sends `first`, then `again` for ever (or once nothing), to each client that has sent its request; over TLS with ALPN `h2`.
/// Gives the base URL. The certificate is of an authority that nobody trusts.
pub async fn serve(first: Vec<u8>, again: Vec<u8>) -> String {
    let (cert, key) = Authority::new().issue("localhost", false);
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(cert.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        )
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://localhost:{}/scim/v2", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(talk(acceptor.clone(), stream, first.clone(), again.clone()));
        }
    });
    base
}

async fn talk(acceptor: TlsAcceptor, stream: TcpStream, first: Vec<u8>, again: Vec<u8>) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let (mut from, mut to) = tokio::io::split(stream);
    if to.write_all(&frame(SETTINGS, 0, 0, &[])).await.is_err() {
        return;
    }
    // Preface, settings and the request; what exactly it says is of no interest here.
    let mut read = 0;
    let mut block = [0; 4096];
    while read < 90 {
        match from.read(&mut block).await {
            Ok(n) if n > 0 => read += n,
            _ => return,
        }
    }
    let _ = to.write_all(&first).await;
    if again.is_empty() {
        let _ = to.flush().await;
        // The connection stays open: a client that waits for more must run into its time limit.
        while from.read(&mut block).await.is_ok_and(|n| n > 0) {}
        return;
    }
    tokio::spawn(async move { while from.read(&mut block).await.is_ok_and(|n| n > 0) {} });
    while to.write_all(&again).await.is_ok() {}
}

/// One request to such a server.
async fn ask(first: Vec<u8>, again: Vec<u8>) -> Exchange {
    let base = serve(first, again).await;
    let mut target = target(&base.parse().unwrap());
    target.tls.insecure = true;
    target.limits = Limits { timeout: Duration::from_millis(1500), max_body: 100_000, max_header_bytes: 50_000 };
    let start = Instant::now();
    let exchange = Http::new(target).unwrap().send(get("/Users")).await;
    assert!(start.elapsed() < Duration::from_secs(5), "took {:?}", start.elapsed());
    if let Err(failure) = &exchange.outcome {
        assert!(!failure.message.contains(TOKEN), "{}", failure.message);
        assert!(!failure.message.contains(char::is_control), "{}", failure.message);
    }
    exchange
}

#[tokio::test]
async fn resets_end_in_a_sentence() {
    // RFC 9113 §7: PROTOCOL_ERROR, INTERNAL_ERROR, REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM, HTTP_1_1_REQUIRED, and none at all.
    for code in [1_u32, 2, 7, 8, 11, 13, 4711] {
        let exchange = ask(frame(RST_STREAM, 0, 1, &code.to_be_bytes()), Vec::new()).await;
        let failure = exchange.outcome.expect_err("a failure");
        assert!(!failure.message.is_empty() && failure.kind != FailureKind::Refusal, "{code}: {}", failure.message);
    }
}

#[tokio::test]
async fn a_connection_that_is_given_up_ends_in_a_sentence() {
    for code in [0_u32, 1, 11] {
        let payload = [0_u32.to_be_bytes(), code.to_be_bytes()].concat();
        let failure = ask(frame(GOAWAY, 0, 0, &payload), Vec::new()).await.outcome.expect_err("a failure");
        assert_ne!(failure.kind, FailureKind::Refusal, "{code}: {}", failure.message);
    }
}

#[tokio::test]
async fn frames_that_are_none_end_in_a_sentence() {
    let huge = [0xff, 0xff, 0xff, HEADERS, 4, 0, 0, 0, 1].to_vec();
    for (name, bytes) in [
        ("a frame larger than allowed", huge),
        ("headers that are no HPACK", frame(HEADERS, 5, 1, &[0xff; 40])),
        ("headers on a stream of nobody", frame(HEADERS, 5, 99, &[0x88])),
        ("settings with half an entry", frame(SETTINGS, 0, 0, &[0, 1, 0])),
        ("a continuation of nothing", frame(CONTINUATION, 4, 1, &[0x88])),
        ("HTTP/1.1 after all", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_vec()),
    ] {
        let exchange = ask(bytes, Vec::new()).await;
        assert!(exchange.outcome.is_err(), "{name}: {:?}", exchange.outcome);
    }
}

#[tokio::test]
async fn floods_of_frames_run_into_a_limit() {
    for (name, first, again) in [
        ("pings", Vec::new(), frame(PING, 0, 0, &[0; 8]).repeat(100)),
        ("settings", Vec::new(), frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100]).repeat(100)),
        (
            "continuations",
            frame(HEADERS, 0, 1, &[0x88]),
            frame(CONTINUATION, 0, 1, &[0x00, 1, b'a', 1, b'b']).repeat(100),
        ),
        ("data", frame(HEADERS, 4, 1, &[0x88]), frame(0, 0, 1, &[b'['; 16_000])),
    ] {
        let exchange = ask(first, again).await;
        match &exchange.outcome {
            Ok(response) => assert!(response.truncated && response.body.len() <= 100_000, "{name}"),
            Err(failure) => assert!(!failure.message.is_empty(), "{name}"),
        }
    }
}
