//! The shadow alone with a hundred thousand users: each is created, looked up by name and read, without a socket and without
//! rules.

use super::peak_kb;
use scimproof::exchange::{Exchange, Request, Response};
use scimproof::shadow::{Advertised, Call, Shadow};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};

const USERS: usize = 100_000;

pub fn measure() {
    let target = Arc::new(Advertised::unknown("https://example.com/scim/v2"));
    let mut shadow = Shadow::new(target.clone());
    let before = peak_kb();
    let mut take = |exchange: Exchange| {
        let call = Call::of(&exchange.request, &target.types);
        let forecast = shadow.forecast(&call);
        let (observed, learned) = shadow.observe(&exchange, &call, &forecast, "step", true);
        assert!(observed.contradictions.is_empty(), "the answers are right");
        shadow.learn(learned);
    };
    let mut phases = Vec::new();
    for (name, make) in [("create", create as fn(usize) -> Exchange), ("look up", look_up), ("read", read)] {
        let started = Instant::now();
        (0..USERS).for_each(|n| take(make(n)));
        phases.push(format!("{name} {:.0} µs", started.elapsed().as_secs_f64() * 1e6 / USERS as f64));
    }
    println!("shadow at {USERS} users      {}   ({} MB)", phases.join(" · "), peak_kb().saturating_sub(before) / 1024);
}

fn user(n: usize) -> serde_json::Value {
    let (id, name) = (id(n), format!("user{n}.spabcdefghijk@example.com"));
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
        "id": id, "externalId": format!("external-{n}"), "userName": name, "active": true, "displayName": format!("User {n}"),
        "name": { "givenName": "User", "familyName": format!("Number {n}"), "formatted": format!("User Number {n}") },
        "emails": [{ "value": name, "type": "work", "primary": true }],
        "meta": {
            "resourceType": "User", "created": "2026-01-01T00:00:00.000Z", "lastModified": "2026-01-01T00:00:00.000Z",
            "location": format!("https://example.com/scim/v2/Users/{id}"), "version": format!("W/\"{n}\""),
        },
    })
}

fn id(n: usize) -> String {
    format!("{:08x}-0000-4000-8000-{n:012x}", n.wrapping_mul(2_654_435_761) as u32)
}

fn exchange(
    method: &str,
    path: String,
    query: Option<String>,
    body: Option<Vec<u8>>,
    status: u16,
    answer: &serde_json::Value,
) -> Exchange {
    let url = format!("https://example.com/scim/v2{path}");
    Exchange {
        request: Request { method: method.to_owned(), url, path, query, body, ..Request::default() },
        outcome: Ok(Response::new(status, Vec::new(), answer.to_string().into_bytes())),
        duration: Duration::from_millis(1),
        started: None,
    }
}

fn create(n: usize) -> Exchange {
    let mut body = user(n);
    body.as_object_mut().expect("an object").retain(|name, _| name != "id" && name != "meta");
    exchange("POST", "/Users".to_owned(), None, Some(body.to_string().into_bytes()), 201, &user(n))
}

fn look_up(n: usize) -> Exchange {
    let query = format!("filter=userName+eq+%22user{n}.spabcdefghijk%40example.com%22");
    let list = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 1, "startIndex": 1, "itemsPerPage": 1, "Resources": [user(n)],
    });
    exchange("GET", "/Users".to_owned(), Some(query), None, 200, &list)
}

fn read(n: usize) -> Exchange {
    exchange("GET", format!("/Users/{}", id(n)), None, None, 200, &user(n))
}
