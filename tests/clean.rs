//! After a crash, `clean` removes what the journal names and nothing else.

mod support;

use scimproof::cli::clean::{CleanArgs, clean};
use scimproof::engine::{Journal, Leftover};
use scimproof::exchange::percent_decode;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use support::http;
use support::raw::{RawServer, serve_each};
use url::Url;

/// Users and groups by path, with their unique name. Filters by `eq`, exactly.
type Store = Arc<Mutex<Vec<(String, String)>>>;

fn status(line: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {line}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn list<'a>(matches: impl Iterator<Item = &'a (String, String)>) -> Vec<u8> {
    let resources: Vec<_> = matches
        .map(|(path, name)| {
            let id = percent_decode(path.rsplit('/').next().unwrap());
            serde_json::json!({ "id": id, "userName": name, "displayName": name })
        })
        .collect();
    let body = serde_json::json!({ "totalResults": resources.len(), "Resources": resources });
    status("200 OK", &body.to_string())
}

async fn server(
    things: &[(&str, &str)],
    works: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static,
) -> (RawServer, Store) {
    let store: Store = Arc::new(Mutex::new(things.iter().map(|(p, n)| ((*p).into(), (*n).into())).collect()));
    let inner = store.clone();
    let server = serve_each(move |request| {
        let line = request.lines().next().unwrap().to_owned();
        if let Some(answer) = works(&line) {
            return answer;
        }
        let mut words = line.split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let target = target.strip_prefix("/scim/v2").unwrap();
        let mut store = inner.lock().unwrap();
        if method == "DELETE" {
            let before = store.len();
            store.retain(|(path, _)| path != target);
            return if store.len() < before { status("204 No Content", "") } else { status("404 Not Found", "{}") };
        }
        let (collection, query) = target.split_once("?filter=").unwrap();
        let filter = percent_decode(query);
        let name = filter.split_once(" eq ").unwrap().1.trim_matches('"').to_lowercase();
        list(store.iter().filter(|(path, n)| path.starts_with(collection) && n.to_lowercase() == name))
    })
    .await;
    (server, store)
}

async fn healthy(things: &[(&str, &str)]) -> (RawServer, Store) {
    server(things, |_| None).await
}

/// What a killed run leaves: resources by path, then creates whose answer never came.
fn crashed(dir: &tempfile::TempDir, base: &Url, paths: &[&str], intents: &[(&str, &str)]) -> PathBuf {
    let journal = Journal::open(dir.path(), "run7", base).unwrap();
    for path in paths {
        journal.side(false).found(path).unwrap();
    }
    for (path, key) in intents {
        journal.side(false).intent("POST", path, key).unwrap();
    }
    journal.path().to_owned()
}

fn left(store: &Store) -> Vec<String> {
    store.lock().unwrap().iter().map(|(p, _)| p.clone()).collect()
}

#[tokio::test]
async fn everything_in_the_journal_goes_groups_first() {
    let dir = tempfile::tempdir().unwrap();
    let (server, store) = healthy(&[
        ("/Users/1", "run7-alice"),
        ("/Users/a%2Fb", "RUN7-bob"),
        ("/Users/9", "run7-bob-the-stranger"),
        ("/Groups/2", "run7-team"),
        ("/Users/8", "carol"),
    ])
    .await;
    let paths = ["/Users/1", "/Groups/2", "/Users/77"];
    let file = crashed(&dir, &server.url, &paths, &[("/Users", "run7-bob"), ("/Groups", "run7-none")]);
    let report = clean(&http(&server.url), vec![file.clone()], false).await;
    assert_eq!(report.deleted, ["/Groups/2", "/Users/a%2Fb", "/Users/1"]);
    assert_eq!(report.gone, ["/Groups with displayName \"run7-none\"", "/Users/77"]);
    assert!(report.complete(), "{report}");
    assert_eq!(left(&store), ["/Users/9", "/Users/8"]);
    assert!(!file.exists());
}

#[tokio::test]
async fn a_dry_run_only_reads() {
    let dir = tempfile::tempdir().unwrap();
    let (server, store) = healthy(&[("/Users/1", "run7-alice"), ("/Users/2", "run7-bob")]).await;
    let file = crashed(&dir, &server.url, &["/Users/1"], &[("/Users", "run7-bob")]);
    let text = std::fs::read(&file).unwrap();
    let report = clean(&http(&server.url), vec![file.clone()], true).await;
    assert_eq!(report.to_string(), "would delete /Users/2\nwould delete /Users/1\n");
    assert_eq!(left(&store).len(), 2);
    assert_eq!(std::fs::read(&file).unwrap(), text);
    assert!(server.requests().iter().all(|r| r.starts_with("GET ")));
}

#[tokio::test]
async fn what_cannot_be_deleted_stays_in_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let refuse = |line: &str| line.starts_with("DELETE /scim/v2/Users/1 ").then(|| status("403 Forbidden", "{}"));
    let (server, _) = server(&[("/Users/1", "run7-a"), ("/Users/2", "run7-b")], refuse).await;
    let file = crashed(&dir, &server.url, &["/Users/1", "/Users/2"], &[]);
    let report = clean(&http(&server.url), vec![file.clone()], false).await;
    assert_eq!(report.deleted, ["/Users/2"]);
    let by_hand = format!("DELETE {}/Users/1", server.url);
    assert_eq!(report.left, [(by_hand, "answered with status 403".to_owned())]);
    let resource = Leftover::Resource { path: "/Users/1".into(), other: false };
    assert_eq!(Journal::pending(&file).unwrap(), [resource]);
}

#[tokio::test]
async fn a_server_that_ignores_the_filter_loses_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let everybody = |line: &str| {
        let people = [("/Users/1".to_owned(), "alice".to_owned()), ("/Users/2".to_owned(), "bob".to_owned())];
        line.starts_with("GET ").then(|| list(people.iter()))
    };
    let (server, store) = server(&[("/Users/1", "alice"), ("/Users/2", "bob")], everybody).await;
    let file = crashed(&dir, &server.url, &[], &[("/Users", "run7-zoe"), ("/Users", "alice")]);
    let report = clean(&http(&server.url), vec![file.clone()], false).await;
    assert_eq!((report.deleted.len(), report.left.len()), (0, 2), "{report}");
    assert!(report.to_string().contains("does not carry the mark of the run"), "{report}");
    assert_eq!(left(&store).len(), 2);
    assert_eq!(Journal::pending(&file).unwrap().len(), 2);
}

#[tokio::test]
async fn whole_collections_and_paths_outside_the_base_are_never_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let (server, _) = healthy(&[]).await;
    let paths = ["/Users/", "/Users", "/", "/Users/../../admin", "/Users/%2e%2e"];
    let file = crashed(&dir, &server.url, &paths, &[]);
    let report = clean(&http(&server.url), vec![file], false).await;
    assert_eq!(report.left.len(), paths.len(), "{report}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn journals_of_others_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (server, _) = healthy(&[("/Users/1", "run7-a")]).await;
    let elsewhere = crashed(&dir, &"https://scim.example.com/v2".parse().unwrap(), &["/Users/1"], &[]);
    let running = Journal::open(dir.path(), "run8", &server.url).unwrap();
    running.side(false).found("/Users/1").unwrap();
    std::fs::write(dir.path().join("zz.jsonl"), "{}").unwrap();
    let args = CleanArgs { journals: vec![dir.path().to_owned()], dry_run: false };
    let report = clean(&http(&server.url), args.files().unwrap(), false).await;
    let text = report.to_string();
    for reason in ["belongs to https://scim.example.com/v2", "its run still goes on", "zz.jsonl"] {
        assert!(text.contains(reason), "{text}");
    }
    assert!(server.requests().is_empty() && elsewhere.exists());
    assert!(!report.complete());
}

#[tokio::test]
async fn a_busy_server_is_given_time_and_a_dead_one_is_asked_once() {
    let dir = tempfile::tempdir().unwrap();
    let calls = Mutex::new(0);
    let busy_once = move |_: &str| {
        *calls.lock().unwrap() += 1;
        let first = *calls.lock().unwrap() == 1;
        first.then(|| b"HTTP/1.1 429 Slow\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n".to_vec())
    };
    let (server, _) = server(&[("/Users/1", "run7-a")], busy_once).await;
    let file = crashed(&dir, &server.url, &["/Users/1"], &[]);
    assert_eq!(clean(&http(&server.url), vec![file], false).await.deleted, ["/Users/1"]);

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dead: Url = format!("http://{}/v2", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let file = crashed(&dir, &dead, &["/Users/1", "/Users/2", "/Users/3"], &[]);
    let http = http(&dead);
    let report = clean(&http, vec![file], false).await;
    assert_eq!((report.left.len(), http.requests_sent()), (3, 1));
}
