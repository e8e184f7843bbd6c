//! What goes over the wire is what was asked for, byte for byte, and what is recorded is what went over the wire.

mod support;

use scimproof::engine::{Credentials, Http, Outgoing, ProxyChoice};
use scimproof::exchange::{AuthKind, FailureKind};
use secrecy::{ExposeSecret, SecretString};
use std::time::{Duration, Instant};
use support::raw::{json_answer, serve_bytes};
use support::{TOKEN, get, http, request, target};

#[tokio::test]
async fn the_request_line_is_the_one_that_was_given() {
    let server = serve_bytes(json_answer("{}")).await;
    let http = http(&server.url);
    let targets = [
        "/Users?filter=userName%20eq%20%22alice%40example.com%22&startIndex=1&count=100",
        "/Users?filter=userName+eq+%22alice%40example.com%22",
        "/Groups/1?excludedAttributes=members&filter=members%5bvalue+eq+%221%22%5d",
        "/Users?filter=emails[type%20eq%20%22work%22]",
        "/Users/a%2Fb%3fc%23d",
        "/Users?",
        "",
    ];
    for text in targets {
        let exchange = http.send(get(text)).await;
        assert_eq!(exchange.status(), Some(200), "{text}");
        let sent = server.requests().pop().unwrap();
        let line = sent.lines().next().unwrap();
        assert_eq!(line, format!("GET /scim/v2{text} HTTP/1.1"));
        assert!(exchange.request.url.ends_with(&format!("/scim/v2{text}")));
    }
    assert_eq!(http.requests_sent(), targets.len() as u64);
    assert_eq!(server.connections(), 1, "connections are reused");
}

/// After a crash many servers close the connection that they just answered on, without saying so.
#[tokio::test]
async fn a_connection_that_ends_between_two_requests_is_no_broken_server() {
    let server = support::raw::serve_once_each(json_answer("{}")).await;
    let http = http(&server.url);
    for _ in 0..5 {
        assert_eq!(http.send(get("/Users/1")).await.status(), Some(200));
    }
    let deaf = support::raw::serve(|stream| async move { drop(stream) }).await;
    let exchange = support::http(&deaf.url).send(get("/Users/1")).await;
    assert_eq!(exchange.outcome.unwrap_err().kind, FailureKind::Closed);
    assert_eq!(deaf.requests().len(), 2, "a read is asked once more, not for ever");
}

#[tokio::test]
async fn headers_and_body_are_those_of_the_provider() {
    let server = serve_bytes(json_answer("{}")).await;
    let mut target = target(&server.url);
    target.extra_headers = vec![("X-Tenant".into(), "7".into()), ("User-Agent".into(), "Mine/1".into())];
    let http = Http::new(target).unwrap();
    let pairs = [
        ("User-Agent", "Okta SCIM Client 1.0.0"),
        ("Accept", "application/scim+json"),
        ("accept-charset", "utf-8"),
        ("Connection", "Keep-Alive"),
        ("Accept-Encoding", "gzip,deflate"),
        ("Content-Type", "application/scim+json; charset=utf-8"),
        ("Content-Length", "4711"),
        ("Transfer-Encoding", "chunked"),
    ];
    let out = Outgoing {
        method: "PATCH".into(),
        target: "/Users/1".into(),
        headers: pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).to_vec(),
        body: Some(b"{ \"b\":1,\"a\": \"\xc3\xa9\" }".to_vec()),
        auth: AuthKind::Configured,
        ..Outgoing::default()
    };
    let exchange = http.send(out.clone()).await;
    assert_eq!(exchange.status(), Some(200));
    let sent = server.requests().pop().unwrap();
    let (head, body) = sent.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "{ \"b\":1,\"a\": \"é\" }");
    let mut lines: Vec<&str> = head.lines().skip(1).collect();
    lines.retain(|l| !l.starts_with("Host: "));
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let expected = [
        "User-Agent: Mine/1",
        "Accept: application/scim+json",
        "Accept-Charset: utf-8",
        "Connection: Keep-Alive",
        "Accept-Encoding: gzip,deflate",
        "Content-Type: application/scim+json; charset=utf-8",
        "X-Tenant: 7",
        &bearer,
        "Content-Length: 19",
    ];
    assert_eq!(lines, expected);
    let recorded: Vec<String> = exchange.request.headers.iter().map(|(k, v)| format!("{k}: {v}")).collect();
    assert_eq!(recorded, expected[..8]);
    assert_eq!(exchange.request.path, "/Users/1");
    assert_eq!(exchange.request.body, out.body);
}

#[tokio::test]
async fn each_kind_of_credentials_is_on_the_wire_as_named() {
    let server = serve_bytes(json_answer("{}")).await;
    let mut target = target(&server.url);
    target.other = Some(Credentials::Bearer(SecretString::from("other-t0ken")));
    let http = Http::new(target).unwrap();
    for (kind, expected) in [
        (AuthKind::Configured, Some(format!("Bearer {TOKEN}"))),
        (AuthKind::None, None),
        (AuthKind::EmptyBearer, Some("Bearer ".into())),
        (AuthKind::WrongScheme, Some(format!("Basic {TOKEN}"))),
        (AuthKind::LowercaseScheme, Some(format!("bearer {TOKEN}"))),
        (AuthKind::Query, None),
        (AuthKind::Other, Some("Bearer other-t0ken".into())),
    ] {
        let mut out = get("/Users?count=1");
        out.auth = kind;
        assert_eq!(http.send(out).await.status(), Some(200));
        let sent = server.requests().pop().unwrap();
        let header = sent.lines().find_map(|l| l.strip_prefix("Authorization: ")).map(str::to_owned);
        assert_eq!(header, expected, "{kind:?}");
        assert_eq!(sent.contains(&format!("/Users?count=1&access_token={TOKEN} ")), kind == AuthKind::Query);
    }
    let secrets: Vec<String> = http.secrets().iter().map(|s| s.expose_secret().to_owned()).collect();
    assert_eq!(secrets, [TOKEN, "other-t0ken"]);
}

#[tokio::test]
async fn what_must_not_go_out_does_not() {
    let server = serve_bytes(json_answer("{}")).await;
    let http = http(&server.url);
    let mut no_other = get("/Users");
    no_other.auth = AuthKind::Other;
    let mut bad_header = get("/Users");
    bad_header.headers = vec![("X-A".into(), "a\r\nX-Evil: 1".into())];
    let outs = [
        get("/../admin"),
        get("/Users/%2E%2e/%2e%2e/admin"),
        get("/Users/1\r\nX-Evil: 1"),
        request("G T", "/Users"),
        no_other,
        bad_header,
    ];
    for out in outs {
        let exchange = http.send(out.clone()).await;
        let failure = exchange.outcome.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Refusal, "{out:?}");
        assert!(failure.message.contains("not sent"), "{}", failure.message);
    }
    assert_eq!((server.connections(), http.requests_sent()), (0, 0));
}

#[tokio::test]
async fn a_proxy_is_used_when_given() {
    let proxy = serve_bytes(json_answer("{}")).await;
    let mut target = target(&"http://scim.example.com/v2".parse().unwrap());
    target.proxy = ProxyChoice::Url(proxy.url.origin().ascii_serialization());
    let exchange = Http::new(target).unwrap().send(get("/Users?count=1")).await;
    assert_eq!(exchange.status(), Some(200));
    let sent = proxy.requests().pop().unwrap();
    assert!(sent.starts_with("GET http://scim.example.com/v2/Users?count=1 HTTP/1.1\r\n"), "{sent}");
}

#[tokio::test]
async fn the_rate_holds_for_all_requests_together() {
    let server = serve_bytes(json_answer("{}")).await;
    let mut target = target(&server.url);
    target.rate = Some(50.0);
    let http = Http::new(target).unwrap();
    let start = Instant::now();
    let all: Vec<_> = (0..11).map(|_| http.send(get("/Users"))).collect();
    for sending in all {
        assert_eq!(sending.await.status(), Some(200));
    }
    assert!(start.elapsed() >= Duration::from_millis(200), "{:?}", start.elapsed());
}
