//! Proxy variables of the environment hold for servers elsewhere, never for this machine. A binary of its own: the environment is
//! that of the whole process.

mod support;

use scimproof::engine::Http;
use scimproof::exchange::FailureKind;
use support::raw::{json_answer, serve_bytes};
use support::{get, target};

#[test]
fn the_environment_s_proxy_is_for_other_machines() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let proxy = runtime.block_on(serve_bytes(json_answer("{}")));
    let server = runtime.block_on(serve_bytes(json_answer("{}")));
    let address = proxy.url.origin().ascii_serialization();
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        // SAFETY: the only test of this binary, on the only thread that reads the environment.
        unsafe { std::env::set_var(name, &address) };
    }
    for name in ["no_proxy", "NO_PROXY"] {
        // SAFETY: as above.
        unsafe { std::env::remove_var(name) };
    }
    let send = |base: &str| {
        let http = Http::new(target(&base.parse().unwrap())).unwrap();
        runtime.block_on(http.send(get("/Users")))
    };
    let mut named = server.url.clone();
    named.set_host(Some("localhost")).unwrap();
    for base in [server.url.as_str(), named.as_str()] {
        assert_eq!(send(base).status(), Some(200));
    }
    assert_eq!((server.requests().len(), proxy.connections()), (2, 0));

    assert_eq!(send("http://scim.example.com/v2").status(), Some(200));
    assert!(proxy.requests()[0].starts_with("GET http://scim.example.com/v2/Users HTTP/1.1\r\n"));

    // The tunnel for https gets no credentials of the target, and its refusal is told as the proxy's.
    let refusing = runtime.block_on(serve_bytes("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"));
    for name in ["https_proxy", "HTTPS_PROXY"] {
        // SAFETY: as above.
        unsafe { std::env::set_var(name, refusing.url.origin().ascii_serialization()) };
    }
    let failure = send("https://scim.example.com/v2").outcome.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Refused, "{}", failure.message);
    assert!(failure.message.contains("proxy"), "{}", failure.message);
    let tunnel = &refusing.requests()[0];
    assert!(tunnel.starts_with("CONNECT scim.example.com:443 ") && !tunnel.contains(support::TOKEN), "{tunnel}");
}
