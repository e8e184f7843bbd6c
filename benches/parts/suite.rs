//! The tool as `scimproof run` uses it: everything bundled, against an embedded server in the same process.

use super::recorder::Recorder;
use super::{Measured, peak_kb};
use scimproof::engine::{Credentials, Http, Target};
use scimproof::event::Event;
use scimproof::profile::idp::{self, IdpProfile};
use scimproof::report::redact::Redactor;
use scimproof::report::terminal::{Options as TerminalOptions, Terminal};
use scimproof::report::{Sink, json, junit};
use scimproof::run::plan::{Selection, plan};
use scimproof::run::{Case, Options};
use scimproof::server::{Options as ServerOptions, Server};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;
use url::Url;

const TOKEN: &str = "bench-tenant-one";
const OTHER_TOKEN: &str = "bench-tenant-two";

/// A fresh healthy server, as `scimproof run` starts it.
pub async fn server() -> Server {
    let options = ServerOptions {
        token: Some(TOKEN.to_owned()),
        other_token: Some(OTHER_TOKEN.to_owned()),
        ..ServerOptions::default()
    };
    Server::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), options).await.expect("a free port")
}

/// Loads, plays, judges and reports; all of it counts.
pub async fn measure() -> Measured {
    let started = Instant::now();
    let server = server().await;
    let mut terminal = Terminal::new(std::io::sink(), TerminalOptions::default());
    let http = client(&server.base_url());
    let report = play(&http, &mut |event| terminal.on(event).expect("nothing to fail")).await;
    json::write(&report, &mut std::io::sink()).expect("written");
    junit::write(&report, &mut std::io::sink()).expect("written");
    Box::new(terminal).finish(&report).expect("written");
    let seconds = started.elapsed().as_secs_f64();
    assert_eq!(report.summary.failed + report.summary.errors, 0, "the healthy server passes");
    let requests = http.requests_sent();
    server.stop().await;
    Measured { seconds, requests, peak_kb: peak_kb() }
}

/// Plays the suite once through a recorder and stores every request for the bare loop.
pub async fn record(file: &Path) {
    let server = server().await;
    let recorder = Recorder::start(&server.base_url()).await;
    play(&client(&recorder.base_url()), &mut |_| {}).await;
    let text = serde_json::to_vec(&recorder.requests()).expect("plain data");
    std::fs::write(file, text).expect("the file can be written");
    server.stop().await;
}

pub fn client(base_url: &str) -> Arc<Http> {
    let mut target = Target::new(Url::parse(base_url).expect("a URL"));
    target.credentials = Credentials::bearer(SecretString::from(TOKEN)).expect("a token");
    target.other = Some(Credentials::bearer(SecretString::from(OTHER_TOKEN)).expect("a token"));
    Arc::new(Http::new(target).expect("a client"))
}

pub async fn play(http: &Arc<Http>, seen: &mut (dyn FnMut(&Event) + Send)) -> scimproof::event::RunReport {
    let redactor = Redactor::new(vec![TOKEN.to_owned(), OTHER_TOKEN.to_owned()]);
    let options = Options { embedded: true, ..Options::default() };
    let stop = Arc::new(AtomicBool::new(false));
    let mut emit = |event: Event| seen(&event);
    let found = scimproof::run::discover::discover(http.clone()).await.unwrap_or_else(|e| panic!("{e}"));
    scimproof::run::run(found, cases(), options, None, redactor, stop, &mut emit).await.report
}

fn cases() -> Vec<Case> {
    let profiles: BTreeMap<String, Arc<IdpProfile>> =
        idp::bundled().expect("bundled profiles load").into_iter().map(|p| (p.name.clone(), Arc::new(p))).collect();
    let scenarios = scimproof::scenario::bundled_ids()
        .into_iter()
        .filter_map(scimproof::scenario::load_bundled)
        .map(|loaded| loaded.expect("bundled scenarios load"))
        .map(|s| {
            let profile = profiles[&s.idp].clone();
            (s, profile)
        })
        .collect();
    plan(scenarios, &Selection::default())
}
