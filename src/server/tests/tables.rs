//! What every entry of the fault and variant tables owes.

use super::client::Client;
use super::tour::Tour;
use crate::server::{Options, Server, faults, variants};
use serde_json::json;
use std::collections::HashSet;

fn well_formed(id: &str) -> bool {
    id.split('-').all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()))
}

#[test]
fn entries_are_named_and_documented() {
    let mut seen = HashSet::new();
    for fault in faults::all() {
        assert!(seen.insert(fault.id), "{} twice", fault.id);
        assert!(well_formed(fault.id), "{}", fault.id);
        for text in [fault.title, fault.area, fault.wrong, fault.right] {
            assert!(!text.is_empty(), "{}", fault.id);
        }
        assert!(fault.source.iter().all(|s| s.starts_with("https://")), "{}", fault.id);
        assert!(!fault.hooks.is_empty(), "{}", fault.id);
    }
    for variant in variants::all() {
        assert!(seen.insert(variant.id), "{} twice", variant.id);
        assert!(well_formed(variant.id), "{}", variant.id);
        assert!(!variant.title.is_empty() && !variant.spec.is_empty(), "{}", variant.id);
        assert!(!variant.hooks.is_empty(), "{}", variant.id);
    }
}

/// That each fault changes an answer is shown by the proof, in which a rule sees it. A variant is not to be seen there: here it is.
#[test]
fn every_variant_changes_an_answer_and_none_crashes() {
    let healthy = Tour::new(&[]).run();
    assert_eq!(healthy, Tour::new(&[]).run(), "the tour says the same each time");
    let mut idle = Vec::new();
    for variant in variants::all() {
        let said = Tour::new(variant.hooks).run();
        let crashed = said.iter().find(|line| line.contains("-> 500 "));
        assert_eq!(crashed, None, "{}", variant.id);
        if said == healthy {
            idle.push(variant.id);
        }
    }
    assert!(idle.is_empty(), "these change nothing: {idle:?}");
}

#[tokio::test]
async fn parallel_changes_of_one_group_are_kept_unless_the_fault_is_on() {
    for (client, kept) in [(Client::healthy().await, 4), (Client::with_fault("group-lost-update").await, 1)] {
        let mut ids = Vec::new();
        for n in 0..4 {
            let user = json!({ "userName": format!("u{n}") });
            ids.push(client.post("/Users", user).await.id());
        }
        let path = format!("/Groups/{}", client.post("/Groups", json!({ "displayName": "g" })).await.id());
        let add =
            |n: usize| client.patch(&path, json!([{ "op": "add", "path": "members", "value": [{ "value": ids[n] }] }]));
        tokio::join!(add(0), add(1), add(2), add(3));
        let group = client.get(&path).await;
        assert_eq!(group.body["members"].as_array().map(Vec::len), Some(kept));
    }
}

#[tokio::test]
async fn the_later_of_two_creates_is_a_conflict_unless_the_fault_is_on() {
    for (client, loser) in [(Client::healthy().await, 409), (Client::with_fault("duplicate-race-500").await, 500)] {
        let create = || client.post("/Users", json!({ "userName": "race" }));
        let (one, other) = tokio::join!(create(), create());
        assert_eq!([one.status.min(other.status), one.status.max(other.status)], [201, loser]);
        assert_eq!(create().await.status, 409, "a repeated create that nobody races is a conflict");
    }
}

#[tokio::test]
async fn unknown_ids_are_refused_with_a_suggestion() {
    let options = Options { faults: vec!["filter-ne-50".into()], ..Options::default() };
    let refused = Server::start(([127, 0, 0, 1], 0).into(), options).await.err().expect("a refusal");
    assert!(refused.to_string().contains("`filter-ne-500`"), "{refused}");
    let options = Options { variants: vec!["no-sorting".into()], ..Options::default() };
    let refused = Server::start(([127, 0, 0, 1], 0).into(), options).await.err().expect("a refusal");
    assert!(refused.to_string().contains("`no-sort`"), "{refused}");
    let client = Client::with_variant("no-sort").await;
    assert_eq!(client.get("/ServiceProviderConfig").await.body["sort"]["supported"], false);
}
