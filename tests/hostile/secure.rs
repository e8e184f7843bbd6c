//! Whole runs where the trouble lies below the requests: TLS that cannot be trusted, HTTP/2 that is given up.
//! `SCIMPROOF_UPDATE=1` renews the table in `docs/hostile.md`.

use crate::battery::row;
use crate::checks::run;
use crate::support::raw::listen;
use crate::support::tls::{self, Authority};
use crate::tool::golden_doc;
use crate::wire2::{self, GOAWAY, PING, RST_STREAM, frame};
use std::time::Duration;
use tokio::io::AsyncWriteExt;

const LIMIT: Duration = Duration::from_secs(120);
const FAST: &[&str] = &["--timeout", "5"];
/// HTTP/2 is agreed on inside TLS; whom to trust is not what these rows are about.
const OVER_HTTP2: &[&str] = &["--timeout", "5", "--insecure"];

/// A server, what is given to the run, and a part of what must be told. Every one ends with status 3: nothing could be judged.
struct Trouble {
    name: &'static str,
    base: String,
    args: Vec<String>,
    tells: &'static str,
}

fn trouble(name: &'static str, base: String, args: &[&str], tells: &'static str) -> Trouble {
    Trouble { name, base, args: args.iter().map(|a| (*a).to_owned()).collect(), tells }
}

fn under(url: &url::Url) -> String {
    url.join("/scim/v2").expect("an address").to_string()
}

/// TLS servers with one thing wrong. `ca`: the certificate of the authority that the run is told to trust.
async fn handshakes(authority: &Authority, ca: &str) -> Vec<Trouble> {
    let trusting = ["--timeout", "5", "--ca-file", ca];
    let base = async |name, expired, clients| under(&tls::serve(authority.issue(name, expired), clients).await.url);
    vec![
        trouble("TLS: a certificate nobody vouches for", base("localhost", false, None).await, FAST, "certificate"),
        trouble("TLS: a certificate that has run out", base("localhost", true, None).await, &trusting, "expired"),
        trouble("TLS: a certificate of another name", base("scim.example.com", false, None).await, &trusting, "name"),
        trouble(
            "TLS: asks for our certificate",
            base("localhost", false, Some(authority)).await,
            &trusting,
            "certificate",
        ),
    ]
}

/// Not TLS where TLS is asked for, and the other way round.
async fn mixed_up(authority: &Authority) -> Vec<Trouble> {
    let refused = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    let mut plain = listen(move |mut stream, _| Box::pin(async move { _ = stream.write_all(refused).await })).await;
    plain.url.set_scheme("https").expect("a scheme");
    let mut secure = tls::serve(authority.issue("localhost", false), None).await;
    secure.url.set_scheme("http").expect("a scheme");
    let mut cut = listen(|stream, _| Box::pin(async move { drop(stream) })).await;
    cut.url.set_scheme("https").expect("a scheme");
    vec![
        trouble("https:// asked of a server without TLS", under(&plain.url), FAST, "TLS"),
        trouble("http:// asked of a server with TLS", under(&secure.url), FAST, "cannot reach"),
        trouble("TLS: cut in the handshake", under(&cut.url), FAST, "no TLS connection"),
    ]
}

async fn given_up() -> Vec<Trouble> {
    let reset = |code: u32| frame(RST_STREAM, 0, 1, &code.to_be_bytes());
    let goaway = [0_u32.to_be_bytes(), 0_u32.to_be_bytes()].concat();
    let rows = [
        ("HTTP/2: every request reset, INTERNAL_ERROR", reset(2), Vec::new()),
        ("HTTP/2: every request reset, REFUSED_STREAM", reset(7), Vec::new()),
        ("HTTP/2: every request reset, ENHANCE_YOUR_CALM", reset(11), Vec::new()),
        ("HTTP/2: GOAWAY to every request", frame(GOAWAY, 0, 0, &goaway), Vec::new()),
        ("HTTP/2: a frame larger than allowed", vec![0xff, 0xff, 0xff, 1, 4, 0, 0, 0, 1], Vec::new()),
        ("HTTP/2: pings without end", Vec::new(), frame(PING, 0, 0, &[0; 8]).repeat(100)),
    ];
    let mut all = Vec::new();
    for (name, first, again) in rows {
        all.push(trouble(name, wire2::serve(first, again).await, OVER_HTTP2, "cannot reach the target"));
    }
    all
}

#[test]
fn trouble_below_the_requests() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let authority = Authority::new();
    let folder = tempfile::tempdir().expect("a folder");
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).expect("written");
    let ca = ca.to_str().expect("a path in UTF-8");
    let mut all = runtime.block_on(handshakes(&authority, ca));
    all.extend(runtime.block_on(mixed_up(&authority)));
    all.extend(runtime.block_on(given_up()));
    let mut wrong = Vec::new();
    let mut rows = Vec::new();
    for one in all {
        let args: Vec<&str> = one.args.iter().map(String::as_str).collect();
        let measured = run(&one.base, &["okta/create-user"], &args, LIMIT);
        measured.check(one.name);
        rows.push(row(one.name, &measured));
        eprintln!("{}", rows[rows.len() - 1]);
        if measured.out.code != 3 || !measured.told().contains(one.tells) {
            wrong.push(format!("{}: {} {}", one.name, measured.out.code, measured.told()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    golden_doc("secure", &rows);
}
