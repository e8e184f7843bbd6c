//! One request against each way to be broken or evil: it ends within bounds, in a sentence, and the token stays home.

use crate::support;
use flate2::Compression;
use flate2::write::GzEncoder;
use scimproof::engine::{Http, Limits, TlsOptions, retry_after};
use scimproof::exchange::{Exchange, FailureKind, TransportFailure};
use std::io::Write;
use std::time::{Duration, Instant};
use support::raw::{RawServer, json_answer, serve, serve_bytes, serve_each};
use support::{TOKEN, get, http, request, target, tls};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use url::Url;

/// A client that loses patience after 600 ms and interest after 100,000 bytes.
fn impatient(base: &Url) -> Http {
    let mut target = target(base);
    target.limits = Limits { timeout: Duration::from_millis(600), max_body: 100_000, max_header_bytes: 50_000 };
    Http::new(target).unwrap()
}

async fn ask(server: &RawServer) -> Exchange {
    let start = Instant::now();
    let exchange = impatient(&server.url).send(get("/Users?filter=secret-person")).await;
    assert!(start.elapsed() < Duration::from_secs(3), "took {:?}", start.elapsed());
    if let Err(failure) = &exchange.outcome {
        for hidden in [TOKEN, "secret-person"] {
            assert!(!failure.message.contains(hidden), "{}", failure.message);
        }
        assert!(!failure.message.contains(char::is_control), "{}", failure.message);
    }
    exchange
}

async fn failure(server: &RawServer) -> TransportFailure {
    ask(server).await.outcome.expect_err("a failure")
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut all = format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n").into_bytes();
    all.extend(body);
    all
}

/// Writes `start`, then `again` for ever.
async fn flood(start: &'static str, again: &'static str, pause: Duration) -> RawServer {
    serve(move |mut stream: TcpStream| async move {
        stream.write_all(start.as_bytes()).await.unwrap();
        let block = if pause.is_zero() { again.repeat(500) } else { again.to_owned() };
        while stream.write_all(block.as_bytes()).await.is_ok() {
            tokio::time::sleep(pause).await;
        }
    })
    .await
}

#[tokio::test]
async fn an_endless_body_is_cut_at_the_limit() {
    // Chunks of fifty bytes: an unoptimised client on a busy machine has no time for many more.
    let chunk = "32\r\n[1,2,[1,2,[1,2,[1,2,[1,2,[1,2,[1,2,[1,2,[1,2,[1,2,\r\n";
    let chunked = flood("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunk, Duration::ZERO).await;
    let bare = flood("HTTP/1.1 200 OK\r\n\r\n", "[1,2,", Duration::ZERO).await;
    let huge = flood("HTTP/1.1 200 OK\r\nContent-Length: 9000000000000000000\r\n\r\n", "[1,2,", Duration::ZERO).await;
    for server in [chunked, bare, huge] {
        let exchange = ask(&server).await;
        let response = exchange.response().expect("a response");
        assert_eq!((response.status, response.body.len(), response.truncated), (200, 100_000, true));
    }
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_whole() {
    let server = serve_bytes(answer("200 OK", &[b' '; 100_000])).await;
    let exchange = ask(&server).await;
    let response = exchange.response().unwrap();
    assert_eq!((response.body.len(), response.truncated), (100_000, false));
}

#[tokio::test]
async fn slow_drips_run_into_the_time_limit() {
    let pause = Duration::from_millis(100);
    for (start, again, arrived) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n", "x", "status 200 and"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", "status 200 and"),
        ("HTTP/1.1 200 OK\r\nX-Slow: ", "x", "no complete response head"),
        ("", "", "no complete response head"),
    ] {
        let server = flood(start, again, pause).await;
        let failure = failure(&server).await;
        assert_eq!(failure.kind, FailureKind::Timeout, "{}", failure.message);
        assert!(failure.message.contains(arrived) && failure.message.contains("0.6 s"), "{}", failure.message);
    }
}

#[tokio::test]
async fn header_floods_are_refused() {
    let many = flood("HTTP/1.1 200 OK\r\n", "X-Flood: 1\r\n", Duration::ZERO).await;
    let long = flood("HTTP/1.1 200 OK\r\nX-Flood: ", "xxxxxxxxxxxxxxxxxxxx", Duration::ZERO).await;
    let head = format!("200 OK\r\nX-Big: {}", "x".repeat(60_000));
    let big = serve_bytes(answer(&head, b"{}")).await;
    for server in [many, long, big] {
        let failure = failure(&server).await;
        assert_eq!(failure.kind, FailureKind::Protocol, "{}", failure.message);
    }
}

#[tokio::test]
async fn endless_interim_answers_run_into_the_time_limit() {
    let server = flood("", "HTTP/1.1 100 Continue\r\n\r\n", Duration::from_millis(1)).await;
    let failure = failure(&server).await;
    assert_eq!(failure.kind, FailureKind::Timeout, "{}", failure.message);
}

#[tokio::test]
async fn interim_answers_are_passed_over() {
    let mut bytes = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".to_vec();
    bytes.extend(json_answer("{}"));
    assert_eq!(ask(&serve_bytes(bytes).await).await.status(), Some(200));
}

#[tokio::test]
async fn compressed_answers_are_unpacked_and_bombs_defused() {
    let head = "200 OK\r\nContent-Encoding: gzip";
    let exchange = ask(&serve_bytes(answer(head, &gzip(b"{\"id\":\"1\"}"))).await).await;
    assert_eq!(exchange.json().unwrap()["id"], "1");
    assert_eq!(exchange.response().unwrap().header("Content-Encoding"), Some("gzip"));

    let bomb = gzip(&vec![0; 50 << 20]);
    assert!(bomb.len() < 100_000);
    let exchange = ask(&serve_bytes(answer(head, &bomb)).await).await;
    let response = exchange.response().unwrap();
    assert_eq!((response.body.len(), response.truncated), (100_000, true));

    let failure = failure(&serve_bytes(answer(head, b"{\"id\":\"1\"}")).await).await;
    assert_eq!(failure.kind, FailureKind::Protocol);
    assert!(failure.message.contains("Content-Encoding: gzip"), "{}", failure.message);
}

#[tokio::test]
async fn bodies_that_are_no_sound_json_arrive_as_they_are() {
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    let deep_objects = "{\"a\":".repeat(10_000) + "1" + &"}".repeat(10_000);
    let bodies: Vec<(Vec<u8>, bool)> = vec![
        (deep.into_bytes(), false),
        (deep_objects.into_bytes(), false),
        (b"{\"userName\":\"\xff\xfe\"}".to_vec(), false),
        // Read over, and told by a rule (RFC 8259 §8.1).
        (b"\xef\xbb\xbf{}".to_vec(), true),
        (b"{\"a\":1e400}".to_vec(), false),
        (b"{\"a\":\"\\ud800\"}".to_vec(), false),
        (b"<html>".to_vec(), false),
        (Vec::new(), false),
        (b"{\"id\":\"1\",\"id\":\"2\"}".to_vec(), true),
    ];
    for (body, parses) in bodies {
        let exchange = ask(&serve_bytes(answer("200 OK", &body)).await).await;
        let response = exchange.response().unwrap();
        assert_eq!(response.body, body);
        assert_eq!(response.json().is_some(), parses, "{}", response.text());
    }
}

#[tokio::test]
async fn a_content_length_that_is_too_large_is_a_closed_connection() {
    let server = serve(|mut stream: TcpStream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{}").await;
    })
    .await;
    let failure = failure(&server).await;
    assert_eq!(failure.kind, FailureKind::Closed, "{}", failure.message);
    assert!(failure.message.contains("after status 200 and 2 body bytes"), "{}", failure.message);
}

#[tokio::test]
async fn bytes_beyond_the_answer_do_not_reach_the_next_one() {
    let surplus = "HTTP/1.1 500 Smuggled\r\nContent-Length: 0\r\n\r\n";
    let short = format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{{}}{surplus}");
    let no_content = format!("HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{{}}{surplus}");
    let no_length = "HTTP/1.1 204 No Content\r\n\r\n{\"surprise\":true}".to_owned();
    for (bytes, status) in [(short, 200), (no_content, 204), (no_length, 204)] {
        let server = serve_bytes(bytes.clone()).await;
        let http = impatient(&server.url);
        for n in 0..3 {
            let exchange = http.send(get("/Users")).await;
            assert_eq!(exchange.status(), Some(status), "{n}: {bytes:?} {:?}", exchange.outcome);
            // As between two steps of a scenario: time enough to see what else comes.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn answers_without_a_body_end_with_their_head() {
    let server = serve_each(|request| {
        let status = if request.starts_with("HEAD") { "200 OK" } else { "304 Not Modified" };
        format!("HTTP/1.1 {status}\r\nContent-Length: 4711\r\nETag: W/\"1\"\r\n\r\n").into_bytes()
    })
    .await;
    let http = impatient(&server.url);
    for (method, status) in [("HEAD", 200), ("GET", 304), ("HEAD", 200)] {
        let exchange = http.send(request(method, "/Users/1")).await;
        let response = exchange.response().unwrap();
        assert_eq!((response.status, response.body.len()), (status, 0));
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_cut_is_reported_at_each_stage() {
    for cut in [
        "",
        "HTTP/1.",
        "HTTP/1.1 200 OK\r\nConte",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\"",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
    ] {
        for reset in [false, true] {
            let server = serve(move |mut stream: TcpStream| async move {
                stream.write_all(cut.as_bytes()).await.unwrap();
                stream.flush().await.unwrap();
                if reset {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    #[expect(deprecated, reason = "a reset is what is wanted, and a linger of 0 never blocks")]
                    stream.set_linger(Some(Duration::ZERO)).unwrap();
                }
            })
            .await;
            let failure = failure(&server).await;
            assert_eq!(failure.kind, FailureKind::Closed, "{cut:?} reset={reset}: {}", failure.message);
        }
    }
}

#[tokio::test]
async fn what_is_not_http_is_called_so() {
    for bytes in [
        "SSH-2.0-OpenSSH_9.6\r\n\r\n",
        "{\"hello\": true}\r\n\r\n",
        "HTTP/1.1 20 Short\r\n\r\n",
        "HTTP/1.1 2000 Long\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    ] {
        let failure = failure(&serve_bytes(bytes).await).await;
        assert_eq!(failure.kind, FailureKind::Protocol, "{bytes:?}: {}", failure.message);
        assert!(failure.message.starts_with("GET /Users: what http://127.0.0.1:"), "{}", failure.message);
    }
}

#[tokio::test]
async fn headers_that_are_no_text_are_replaced() {
    let exchange =
        ask(&serve_bytes(b"HTTP/1.1 200 OK\r\nX-Name: \xff\xe9\r\nContent-Length: 0\r\n\r\n".to_vec()).await).await;
    assert_eq!(exchange.response().unwrap().header("x-name"), Some("\u{fffd}\u{fffd}"));
}

#[tokio::test]
async fn redirects_are_recorded_and_never_followed() {
    let elsewhere = serve_bytes(json_answer("{\"stolen\":true}")).await;
    for status in [301, 302, 303, 307, 308] {
        for to in [format!("{}/Users", elsewhere.url), "/scim/v2/Users".into(), "/scim/v2/Users?again".into()] {
            let bytes = format!("HTTP/1.1 {status} Moved\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
            let server = serve_bytes(bytes).await;
            let exchange = ask(&server).await;
            assert_eq!(exchange.status(), Some(status));
            assert_eq!(exchange.response().unwrap().header("location"), Some(to.as_str()));
            assert_eq!(server.requests().len(), 1);
        }
    }
    assert_eq!(elsewhere.connections(), 0, "the token must not follow");
}

#[tokio::test]
async fn an_absurd_retry_after_is_recorded_but_bounded() {
    let server =
        serve_bytes("HTTP/1.1 429 Slow\r\nRetry-After: 99999999999999999999\r\nContent-Length: 0\r\n\r\n").await;
    let exchange = ask(&server).await;
    let response = exchange.response().unwrap();
    assert_eq!(response.status, 429);
    let wait = retry_after(response, time::OffsetDateTime::now_utc(), Duration::from_secs(5));
    assert_eq!(wait, Some(Duration::from_secs(5)));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn nobody_there_is_said_in_plain_words() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let base = format!("http://127.0.0.1:{port}/scim").parse().unwrap();
    let failure = impatient(&base).send(get("/Users")).await.outcome.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Refused);
    let expected = format!("GET /Users: nothing accepts connections at http://127.0.0.1:{port} (");
    assert!(failure.message.starts_with(&expected), "{}", failure.message);
    assert!(failure.message.contains("--base-url"), "{}", failure.message);
}

#[tokio::test]
async fn an_unknown_host_is_said_in_plain_words() {
    let mut target = target(&"https://no-such-host.invalid/scim".parse().unwrap());
    target.proxy = scimproof::engine::ProxyChoice::Direct;
    let exchange = Http::new(target).unwrap().send(get("/Users")).await;
    let failure = exchange.outcome.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Dns, "{}", failure.message);
    assert!(failure.message.contains("no-such-host.invalid has no address"), "{}", failure.message);
}

#[tokio::test]
async fn the_wrong_scheme_is_recognised_both_ways() {
    let speaks_at_once = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://{}", speaks_at_once.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = speaks_at_once.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
    let failure = impatient(&base).send(get("/Users")).await.outcome.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Tls, "{}", failure.message);
    assert!(failure.message.contains("write http://"), "{}", failure.message);

    let authority = tls::Authority::new();
    let mut server = tls::serve(authority.issue("localhost", false), None).await;
    server.url.set_scheme("http").unwrap();
    let failure = failure_of(&impatient(&server.url)).await;
    assert_eq!(failure.kind, FailureKind::Protocol, "{}", failure.message);
    assert!(failure.message.contains("write https://"), "{}", failure.message);
}

async fn failure_of(http: &Http) -> TransportFailure {
    http.send(get("/Users")).await.outcome.expect_err("a failure")
}

#[tokio::test]
async fn an_unknown_authority_is_not_trusted_until_told() {
    let authority = tls::Authority::new();
    let server = tls::serve(authority.issue("localhost", false), None).await;
    let failure = failure_of(&http(&server.url)).await;
    assert_eq!(failure.kind, FailureKind::Tls, "{}", failure.message);
    assert!(failure.message.contains("--ca-file"), "{}", failure.message);

    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), authority.pem()).unwrap();
    let mut trusting = target(&server.url);
    trusting.tls.ca_file = Some(file.path().into());
    let exchange = Http::new(trusting).unwrap().send(get("/Users")).await;
    assert_eq!(exchange.status(), Some(200), "{:?}", exchange.outcome);

    let mut careless = target(&server.url);
    careless.tls.insecure = true;
    let careless = Http::new(careless).unwrap();
    assert_eq!(careless.send(get("/Users")).await.status(), Some(200));
    assert!(careless.warnings()[0].contains("--insecure"));
}

#[tokio::test]
async fn expired_and_foreign_certificates_are_refused_for_their_reason() {
    let authority = tls::Authority::new();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), authority.pem()).unwrap();
    for (issued, reason) in [
        (authority.issue("localhost", true), "has expired"),
        (authority.issue("other.example.com", false), "another host name"),
    ] {
        let server = tls::serve(issued, None).await;
        let mut target = target(&server.url);
        target.tls.ca_file = Some(file.path().into());
        let failure = failure_of(&Http::new(target).unwrap()).await;
        assert_eq!(failure.kind, FailureKind::Tls, "{}", failure.message);
        assert!(failure.message.contains(reason), "{}", failure.message);
        assert!(server.requests().is_empty());
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown_when_given() {
    let authority = tls::Authority::new();
    let server = tls::serve(authority.issue("localhost", false), Some(&authority)).await;
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let (cert, key) = authority.issue("client.example.com", false);
    std::fs::write(path("ca.pem"), authority.pem()).unwrap();
    std::fs::write(path("cert.pem"), &cert).unwrap();
    std::fs::write(path("key.pem"), &key).unwrap();
    std::fs::write(path("both.pem"), cert + &key).unwrap();
    std::fs::write(path("none.pem"), "nothing").unwrap();
    let client = |cert: Option<&str>, key: Option<&str>| {
        let mut target = target(&server.url);
        target.tls = TlsOptions {
            ca_file: Some(path("ca.pem")),
            insecure: false,
            client_cert: cert.map(path),
            client_key: key.map(path),
        };
        Http::new(target)
    };
    let failure = failure_of(&client(None, None).unwrap()).await;
    assert_eq!(failure.kind, FailureKind::Tls, "{}", failure.message);
    assert!(failure.message.contains("--client-cert"), "{}", failure.message);
    for (cert, key) in [("cert.pem", Some("key.pem")), ("both.pem", None)] {
        let http = client(Some(cert), key).unwrap();
        assert_eq!(http.send(get("/Users")).await.status(), Some(200));
    }
    for (cert, key) in
        [(Some("cert.pem"), None), (Some("none.pem"), None), (Some("absent.pem"), None), (None, Some("key.pem"))]
    {
        let error = client(cert, key).err().expect("refused").to_string();
        assert!(error.contains("cannot be used"), "{error}");
    }
}
