//! What a right scenario file becomes.

use scimproof::exchange::AuthKind;
use scimproof::profile::idp;
use scimproof::rules::{Impact, Level};
use scimproof::scenario;
use scimproof::scenario::model::{
    Action, BodySpec, Evidence, Matcher, Need, Place, Repeat, Scenario, StatusSpec, Verify, Volume, is_changed,
};
use serde_json::json;
use std::time::Duration;

fn load(text: &str) -> Scenario {
    load_with(text, &|_| None)
}

fn load_with(text: &str, includes: &dyn Fn(&str) -> Option<String>) -> Scenario {
    scenario::load(text, "scenarios/okta/sample.yaml", includes).unwrap_or_else(|errors| {
        let shown: Vec<String> = errors.iter().map(|e| e.render(false)).collect();
        panic!("{}", shown.join("\n\n"))
    })
}

const HEAD: &str = "scenario: okta/sample\ntitle: A sample\nidp: okta\n";

#[test]
fn every_key_arrives_in_the_model() {
    let s = load(
        r#"
scenario: okta/sample
title: A sample
about: Words
idp: okta
source: https://example.com/doc
evidence: documented
tags: [users]
needs: [users, patch, resource-types]
dialects: { patch: With PATCH, put: With PUT }
people: { alice: {}, bob: { department: Sales, mail.box: x } }
groups: { team: { displayName: "Engineering ${run}" } }
headers: { X-Extra: yes, X-Number: 1, Accept-Charset: null }
verify: at-end
setup:
  - step: make
    title: Made before
    POST: /Users
    body: { userName: "${alice.userName}", active: true, nick: null, n: 012 }
    capture: { alice.id: $.id, alice.etag?: header ETag, alice.made: status }
steps:
  - step: change
    title: Change it
    dialect: [patch]
    needs: [etag]
    cycle: second
    when: { value: "${alice.etag}", present: true }
    auth: wrong-scheme
    PATCH: /Users/${alice.id}
    headers: { If-Match: "${alice.etag}" }
    body_text: "{"
    expect:
      status: [200, 2xx, "404"]
      body:
        active: { one_of: [true, "True"] }
        members: { type: array, count: 2 }
        'emails[value eq "${alice.email}"].type': work
      headers: { Location: { matches: "^https?:" } }
      rule: patch/active-not-applied
      level: note
      spec: RFC 7644 §3.5.2
      message: Words
    impact: stays-active
    verify: false
  - pause: 1h30m
  - step: walk
    title: Page by page
    repeat: { as: page, until: { value: "${found?}", equals: 0 }, limit: 9 }
    GET: /Users
    query: { startIndex: "${page}", count: 1 }
    capture: { found?: $.totalResults }
  - step: race
    title: Two at once
    parallel: [{ GET: /Users }, { DELETE: "/Users/${alice.id}" }]
"#
        .replace("${found?}", "${found}")
        .as_str(),
    );
    assert_eq!((s.evidence, s.verify), (Evidence::Documented, Verify::AtEnd));
    assert_eq!(s.needs, [Need::Users, Need::Patch, Need::ResourceTypes]);
    assert_eq!(s.source, ["https://example.com/doc"]);
    assert_eq!(s.dialects[1].name, "put");
    assert_eq!(s.people[1].1["department"], json!("Sales"));
    assert_eq!(s.headers[2], ("Accept-Charset".to_owned(), None));
    assert_eq!(s.headers[0].1.as_ref().and_then(|t| t.as_literal()), Some("yes"));
    let ids: Vec<&str> = s.steps.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(ids, ["make", "change", "pause-1", "walk", "race"]);

    let make = &s.steps[0];
    assert!(make.setup && make.verify);
    assert_eq!(make.line, 16);
    assert_eq!(make.capture[1].name, "alice.etag");
    assert!(make.capture[1].optional && !make.capture[0].optional);
    assert!(matches!(&make.capture[1].from, Place::Header(h) if h == "ETag"));
    assert!(matches!(make.capture[2].from, Place::Status));

    let change = &s.steps[1];
    assert!(!change.setup && !change.verify);
    assert_eq!(change.impact, Some(Impact::StaysActive));
    assert_eq!(change.dialects, ["patch"]);
    let Action::Send(request) = &change.action else { panic!("a request") };
    assert_eq!(request.method, "PATCH");
    assert_eq!(request.auth, AuthKind::WrongScheme);
    assert!(matches!(&request.body, BodySpec::Text(t) if t.as_literal() == Some("{")));
    let expect = change.expect.as_ref().expect("an expectation");
    assert_eq!(expect.status, [StatusSpec::Exact(200), StatusSpec::Class(2), StatusSpec::Exact(404)]);
    assert_eq!(expect.body.len(), 4, "two matchers on one place are two tests");
    assert!(matches!(expect.body[2].1, Matcher::Count(2)));
    assert_eq!(expect.level, Some(Level::Note));

    assert!(matches!(s.steps[2].action, Action::Pause(d) if d == Duration::from_secs(5400)));
    assert_eq!(s.steps[2].title, "Wait 1h30m");
    assert!(matches!(&s.steps[3].repeat, Some(Repeat::Until { name, limit: 9, .. }) if name == "page"));
    assert!(matches!(&s.steps[4].action, Action::Parallel(list) if list.len() == 2));
}

#[test]
fn a_crowd_is_repeated_over_and_steps_join_its_rounds() {
    let s = load(&format!(
        "{HEAD}crowds: {{ staff: {{ people: 4 }}, teams: {{ groups: 2 }} }}\nsteps:\n  - step: look\n    title: Look\n    repeat: {{ as: who, each: staff, changed: 50, beside: {{ team: teams }} }}\n    GET: /Users?filter=userName eq \"${{who.userName}}\"\n    capture: {{ who.id: $.id }}\n  - step: then\n    title: Then\n    repeat: {{ with: look }}\n    GET: /Groups/${{who.id}}?x=${{team.displayName}}\n"
    ));
    let volume = |users, groups| Volume { users, groups, changes: None };
    assert_eq!(s.crowds[0].size(&volume(None, None)), 4);
    assert_eq!(s.crowds[0].size(&volume(Some(1000), None)), 1000);
    assert_eq!(s.crowds[1].size(&volume(None, None)), 2);
    assert_eq!(s.crowds[1].size(&volume(Some(1000), None)), 10);
    assert_eq!(s.crowds[1].size(&volume(Some(1000), Some(3))), 3);
    let Some(Repeat::Crowd { name, crowd, changed: Some(50), beside }) = &s.steps[0].repeat else { panic!("a crowd") };
    assert_eq!((name.as_str(), crowd.as_str()), ("who", "staff"));
    assert_eq!(beside, &[("team".to_owned(), "teams".to_owned())]);
    assert!(!s.steps[0].joined && s.steps[1].joined);
}

#[test]
fn changes_are_spread_evenly_over_a_crowd() {
    let changed = |size: u64, percent| (1..=size).filter(|n| is_changed(*n, percent)).collect::<Vec<_>>();
    assert_eq!(changed(10, 20), [5, 10]);
    assert_eq!(changed(4, 100), [1, 2, 3, 4]);
    assert!(changed(4, 0).is_empty() && changed(4, 20).is_empty());
    assert_eq!(changed(100_000, 7).len(), 7_000);
}

#[test]
fn yaml_that_other_readers_bend_stays_as_written() {
    let s = load(&format!(
        "{HEAD}steps:\n  - step: make\n    title: Make\n    POST: /Users\n    body: {{ a: no, b: 012, c: 1_000, d: \"False\", e: False, f: null, g: 1.5, h: 2024-01-01 }}\n"
    ));
    let Action::Send(request) = &s.steps[0].action else { panic!("a request") };
    let BodySpec::Json(body) = &request.body else { panic!("JSON") };
    struct Nothing;
    impl scenario::template::Values for Nothing {
        fn value(&self, _: &str) -> Option<serde_json::Value> {
            None
        }
    }
    assert_eq!(
        body.render(&Nothing),
        Ok(json!({
            "a": "no", "b": "012", "c": "1_000", "d": "False", "e": false, "f": null, "g": 1.5, "h": "2024-01-01"
        }))
    );
}

const PART: &str = r#"
scenario: okta/part
title: A part
idp: okta
needs: [patch]
people: { who: {}, helper: { title: Clerk } }
headers: { X-Part: 1 }
steps:
  - step: create
    title: Create
    POST: /Users
    body: { userName: "${who.userName}", manager: "${helper.userName}" }
    capture: { who.id: $.id }
  - step: read
    title: Read
    GET: /Users/${who.id}
"#;

#[test]
fn an_included_scenario_is_played_with_our_fixtures() {
    let text = format!(
        "{HEAD}people: {{ alice: {{}}, bob: {{}} }}\nsteps:\n  - include: okta/part\n    with: {{ who: alice }}\n  - include: okta/part\n    step: again\n    with: {{ who: bob }}\n    needs: [groups]\n    when: {{ value: \"${{alice.id}}\", present: true }}\n  - step: both\n    title: Both are known now\n    GET: /Users?x=${{alice.id}}${{bob.id}}\n"
    );
    let s = load_with(&text, &|id| (id == "okta/part").then(|| PART.to_owned()));
    let ids: Vec<&str> = s.steps.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(ids, ["create", "read", "again-create", "again-read", "both"]);
    assert_eq!(s.steps[0].capture[0].name, "alice.id");
    assert_eq!(s.steps[2].capture[0].name, "bob.id");
    assert_eq!(s.steps[2].needs, [Need::Patch, Need::Groups]);
    assert_eq!(s.steps[2].when.len(), 1);
    assert_eq!(s.steps[2].line, 8, "the line of the include in this file");
    let Action::Send(request) = &s.steps[3].action else { panic!("a request") };
    assert_eq!(request.target.to_string(), "/Users/${bob.id}");
    assert_eq!(request.headers[0].0, "X-Part");
    let people: Vec<&str> = s.people.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(people, ["alice", "bob", "helper"]);
}

#[test]
fn a_loop_over_fixtures_captures_for_each_of_them() {
    load(&format!(
        "{HEAD}people: {{ alice: {{}}, bob: {{}} }}\nsteps:\n  - step: make\n    title: Make both\n    repeat: {{ as: who, each: [alice, bob] }}\n    POST: /Users\n    body: {{ userName: \"${{who.userName}}\" }}\n    capture: {{ who.id: $.id }}\n    expect: {{ body: {{ id: \"${{who.id}}\" }} }}\n  - step: read\n    title: Read bob\n    GET: /Users/${{bob.id}}\n"
    ));
}

#[test]
fn a_capture_in_every_dialect_is_known_in_all() {
    load(&format!(
        "{HEAD}dialects: {{ a: A, b: B }}\nsteps:\n  - {{ step: one, title: One, dialect: a, POST: /Users, body: {{}}, capture: {{ u.id: $.id }} }}\n  - {{ step: two, title: Two, dialect: b, POST: /Users, body: {{}}, capture: {{ u.id: $.id }} }}\n  - {{ step: three, title: Three, GET: \"/Users/${{u.id}}\" }}\n"
    ));
}

#[test]
fn a_profile_with_a_slip_is_refused_with_a_caret() {
    let error = idp::parse("name: okta\ntitle: Okta\nencodding: form\n", "p.yaml").expect_err("the key is misspelt");
    assert_eq!((error.line, error.column), (3, 1));
    assert!(error.render(false).contains("encodding"), "{}", error.render(false));
}

#[test]
fn includes_that_double_with_each_level_are_refused() {
    let level = |n: u32| {
        let next = n + 1;
        format!(
            "scenario: a/l{n}\ntitle: A level\nidp: okta\nsteps:\n  - {{ include: a/l{next}, step: x }}\n  - {{ include: a/l{next}, step: y }}\n"
        )
    };
    let text = level(0);
    let errors = scenario::load(&text, "x.yaml", &|id| id.strip_prefix("a/l").and_then(|n| n.parse().ok()).map(level))
        .expect_err("it is too deep");
    assert!(errors[0].message.contains("too large"), "{}", errors[0]);
}
