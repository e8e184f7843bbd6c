//! Every cause that the embedded server can show is found by its family's text, first and alone; a healthy server is accused of
//! nothing; the page and the data form are golden.

use scimproof::cli::diagnose::render;
use scimproof::diagnose::causes::{self, Cause};
use scimproof::diagnose::look::{Person, look};
use scimproof::diagnose::probe::Setup;
use scimproof::diagnose::table::CAUSES;
use scimproof::diagnose::verdict::{self, Diagnosis, Standing};
use scimproof::diagnose::{Family, diagnose, text};
use scimproof::engine::{Credentials, Http, Outgoing, Target};
use scimproof::profile::idp;
use scimproof::report::redact::Redactor;
use scimproof::run::plan::{Selection, plan};
use scimproof::run::{Case, Options};
use scimproof::scenario;
use scimproof::server::{Options as ServerOptions, Server};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use url::Url;

const TOKEN: &str = "diagnose-token-one";
const OTHER: &str = "diagnose-token-two";

fn cases() -> Vec<Case> {
    let profiles: BTreeMap<String, Arc<_>> =
        idp::bundled().expect("profiles").into_iter().map(|p| (p.name.clone(), Arc::new(p))).collect();
    let wanted: BTreeSet<&str> = Family::ALL.iter().flat_map(|f| causes::probes(*f)).collect();
    let load = |id: &str| scenario::load_bundled(id).expect("bundled").unwrap_or_else(|_| panic!("{id} does not load"));
    let all = wanted.iter().map(|id| load(id)).map(|s| (profiles[&s.idp].clone(), s)).map(|(p, s)| (s, p)).collect();
    plan(all, &Selection::default())
}

async fn server(faults: &[&str], variants: &[&str]) -> (Server, Arc<Http>) {
    let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
    let options = ServerOptions {
        token: Some(TOKEN.to_owned()),
        other_token: Some(OTHER.to_owned()),
        faults: owned(faults),
        variants: owned(variants),
        ..ServerOptions::default()
    };
    let server = Server::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), options).await.expect("the server starts");
    let mut target = Target::new(Url::parse(&server.base_url()).expect("a URL"));
    target.credentials = Credentials::bearer(SecretString::from(TOKEN)).expect("a token");
    target.other = Some(Credentials::bearer(SecretString::from(OTHER)).expect("a token"));
    let http = Arc::new(Http::new(target).expect("a client"));
    (server, http)
}

async fn diagnosed(family: Family, faults: &[&str], variants: &[&str], cases: Vec<Case>) -> Diagnosis {
    let complaints = verdict::complaints(vec![text::read(family.example())]);
    let (server, http) = server(faults, variants).await;
    let setup = Setup {
        http,
        cases,
        options: Options { embedded: true, ..Options::default() },
        journal: None,
        redactor: Redactor::new(vec![TOKEN.to_owned(), OTHER.to_owned()]),
        stop: Arc::new(AtomicBool::new(false)),
    };
    let out = diagnose(&complaints, setup).await;
    server.stop().await;
    out
}

fn found(diagnosis: &Diagnosis) -> Vec<&'static str> {
    let all = diagnosis.families.iter().flat_map(|f| &f.causes);
    all.filter(|c| c.standing == Standing::Found).map(|c| c.id).collect()
}

/// One row of the confusion matrix: the true cause, the fault that provokes it, the causes that were named.
type Row = (&'static Cause, &'static str, Vec<&'static str>);

/// What a fault is found as, for each cause that it shows; two faults at a time.
async fn confusion(jobs: Vec<(&'static Cause, &'static str)>) -> Vec<Row> {
    let cases = cases();
    let mut rows = Vec::new();
    let mut waiting = jobs.into_iter();
    let mut running = tokio::task::JoinSet::new();
    loop {
        while running.len() < 2
            && let Some((cause, fault)) = waiting.next()
        {
            let cases = cases.clone();
            let family = cause.families[0].0;
            running.spawn(async move { (cause, fault, found(&diagnosed(family, &[fault], &[], cases).await)) });
        }
        let Some(done) = running.join_next().await else { return rows };
        rows.push(done.expect("a diagnosis"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_cause_that_can_be_provoked_is_the_one_that_is_found() {
    let jobs = CAUSES.iter().flat_map(|c| c.provoked_by.iter().map(move |f| (c, *f))).collect();
    let mut rows = confusion(jobs).await;
    rows.sort_by_key(|(cause, fault, _)| (format!("{:?}", cause.families[0].0), cause.id, *fault));
    let line = |(cause, fault, seen): &Row| {
        let named = if seen[..] == [cause.id] { "the same".to_owned() } else { seen.join(", ") };
        format!("{:?} | {} | {fault} | {named}", cause.families[0].0, cause.id)
    };
    let page: Vec<String> = rows.iter().map(line).collect();
    let wrong: Vec<&String> = page.iter().filter(|l| !l.ends_with("| the same")).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    keep("diagnose-confusion", &format!("family | true cause | provoked by | named\n{}", page.join("\n")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_healthy_server_is_accused_of_nothing() {
    let cases = cases();
    for family in Family::ALL {
        let diagnosis = diagnosed(family, &[], &[], cases.clone()).await;
        assert_eq!(found(&diagnosis), [""; 0], "{family:?}");
        let open: Vec<_> =
            diagnosis.families[0].causes.iter().filter(|c| c.standing == Standing::NotTestable).collect();
        assert!(open.is_empty(), "{family:?}: {open:?}");
        if family != Family::Unknown && diagnosis.families[0].causes.iter().any(|c| c.standing == Standing::RuledOut) {
            assert!(diagnosis.families[0].verdict.starts_with("none of the"), "{}", diagnosis.families[0].verdict);
        }
    }
}

#[tokio::test]
async fn one_stale_member_that_refuses_all_is_found() {
    let diagnosis = diagnosed(Family::Membership, &[], &["unknown-member-404"], cases()).await;
    assert_eq!(found(&diagnosis), ["stale-member-refuses-all"]);
}

fn golden(name: &str, diagnosis: &Diagnosis) {
    let mut page = Vec::new();
    render(&mut page, diagnosis).expect("a page");
    let page = String::from_utf8(page).expect("text");
    keep(name, &anstream::adapter::strip_str(&page).to_string());
}

/// Holds a text against the one that was read and kept.
fn keep(name: &str, page: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "[id]");
    settings.add_filter(r"127\.0\.0\.1:\d+", "[server]");
    settings.bind(|| insta::assert_snapshot!(name, page));
}

#[tokio::test]
async fn the_page_says_the_verdict_first() {
    let cases = cases();
    let hidden = diagnosed(Family::UserNotFound, &["get-hides-inactive-users"], &[], cases.clone()).await;
    golden("diagnose-found", &hidden);
    let healthy = diagnosed(Family::UserNotFound, &[], &[], cases.clone()).await;
    golden("diagnose-nothing", &healthy);
    let refused = diagnosed(Family::Access, &["auth-bearer-scheme-rejected"], &[], cases).await;
    golden("diagnose-access", &refused);
}

#[tokio::test]
async fn the_data_form_holds_the_verdict() {
    let diagnosis = diagnosed(Family::EmptyCreate, &["create-response-without-id"], &[], cases()).await;
    let data = serde_json::to_value(&diagnosis).expect("data");
    assert_eq!(data["format"], "scimproof-diagnosis/1");
    let first = &data["families"][0]["causes"][0];
    assert_eq!((&first["id"], &first["standing"]), (&json!("create-answer-without-id"), &json!("found")));
    assert!(first["evidence"]["later"]["request"].as_str().is_some_and(|r| r.starts_with("POST /Users")));
    assert!(!data.to_string().contains(TOKEN));
}

// ---- read-only

async fn make(http: &Http, name: &str) -> String {
    let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "active": true });
    let answer = send(http, "POST", "/Users", Some(body)).await;
    answer["id"].as_str().expect("an id").to_owned()
}

async fn send(http: &Http, method: &str, path: &str, body: Option<Value>) -> Value {
    let headers = vec![("Content-Type".to_owned(), "application/scim+json".to_owned())];
    let body = body.map(|b| b.to_string().into_bytes());
    let out = Outgoing { method: method.to_owned(), target: path.to_owned(), headers, body, ..Outgoing::default() };
    http.send(out).await.json().cloned().unwrap_or_default()
}

async fn looked_at(http: &Http, name: &str, id: Option<&str>) -> Diagnosis {
    let complaints = verdict::complaints(vec![text::read(Family::UserNotFound.example())]);
    let person = Person { name: Some(name.to_owned()), id: id.map(str::to_owned) };
    look(&complaints, http, &Redactor::new(vec![TOKEN.to_owned()]), &person).await
}

#[tokio::test]
async fn a_look_tells_an_account_that_was_made_again() {
    let (server, http) = server(&[], &[]).await;
    let old = make(&http, "alice@example.com").await;
    let fine = looked_at(&http, "alice@example.com", Some(&old)).await;
    assert_eq!(found(&fine), [""; 0]);
    send(&http, "DELETE", &format!("/Users/{old}"), None).await;
    make(&http, "alice@example.com").await;
    let again = looked_at(&http, "alice@example.com", Some(&old)).await;
    assert_eq!(found(&again), ["deleted-by-hand", "restored-with-new-ids"]);
    let evidence = again.families[0].causes[0].evidence.as_ref().expect("proof");
    assert!(evidence.later.request.ends_with(&old));
    assert_eq!(evidence.later.answer, "404");
    server.stop().await;
}

#[tokio::test]
async fn a_look_tells_what_reads_can_tell() {
    for (fault, cause, inactive) in [
        ("get-hides-inactive-users", "read-hides-inactive", true),
        ("filter-hides-inactive-users", "look-up-hides-inactive", true),
        ("filter-username-case-sensitive", "look-up-minds-case", false),
        ("filter-username-prefix", "look-up-matches-others", false),
        ("id-differs-in-lists", "ids-differ-per-endpoint", false),
        ("id-is-username", "id-made-of-username", false),
    ] {
        let (server, http) = server(&[fault], &[]).await;
        let id = make(&http, "alice@example.com").await;
        if inactive {
            let change = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{ "op": "replace", "path": "active", "value": false }] });
            send(&http, "PATCH", &format!("/Users/{id}"), Some(change)).await;
        }
        let diagnosis = looked_at(&http, "alice@example.com", Some(&id)).await;
        assert!(found(&diagnosis).contains(&cause), "{fault}: {:?}", found(&diagnosis));
        server.stop().await;
    }
}
