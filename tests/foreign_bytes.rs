//! Whatever reads foreign bytes ends without a panic, in a short time, whatever the bytes: answers of a server, discovery documents,
//! scenario files, profiles, baselines, filters, PATCH paths and operations, logs of identity providers.
//! `PROPTEST_CASES=10000` looks longer.

#[path = "support/conversation.rs"]
mod conversation;

use conversation::{Turn, judge_all};
use proptest::prelude::*;
use scimproof::scim::schema::ResourceType;
use scimproof::{diagnose, profile, run, scenario, scim};
use serde_json::{Map, Value, json};

fn user() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
        "id": "7", "externalId": "x", "userName": "alice@example.com", "active": true, "password": "p",
        "name": { "givenName": "Alice", "familyName": "Ä" }, "displayName": "Alice",
        "emails": [{ "value": "alice@example.com", "type": "work", "primary": true }, { "value": "a@home.example.com", "type": "home" }],
        "roles": [{ "value": "r" }], "groups": [{ "value": "9", "$ref": "../Groups/9", "display": "g" }],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": "D", "manager": { "value": "8" } },
        "meta": { "resourceType": "User", "created": "2026-01-01T00:00:00Z", "lastModified": "2026-01-01T00:00:00Z",
                  "location": "http://localhost/scim/v2/Users/7", "version": "W/\"1\"" }
    })
}

fn documents() -> Vec<Value> {
    let group = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "id": "9", "displayName": "g",
        "members": [{ "value": "7", "type": "User", "$ref": "http://localhost/scim/v2/Users/7" }], "meta": { "resourceType": "Group" } });
    let patch = |operations: Value| json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
    vec![
        user(),
        json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 2, "startIndex": 1, "itemsPerPage": 2,
                "Resources": [user(), group.clone()] }),
        group,
        json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "409", "scimType": "uniqueness", "detail": "é taken" }),
        patch(
            json!([{ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "b" }, { "op": "add", "value": { "active": "False", "name.givenName": "B" } }]),
        ),
        patch(
            json!([{ "op": "remove", "path": "members[value eq \"7\"]" }, { "op": "Add", "path": "members", "value": [{ "value": "7" }] }]),
        ),
        json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"], "Operations": [{ "method": "POST", "bulkId": "a", "status": "201", "location": "http://localhost/scim/v2/Users/7", "response": user() }] }),
        json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"], "patch": { "supported": true }, "bulk": { "supported": true, "maxOperations": 10, "maxPayloadSize": 1000 },
                "filter": { "supported": true, "maxResults": 5 }, "sort": { "supported": true }, "etag": { "supported": true }, "changePassword": { "supported": true },
                "authenticationSchemes": [{ "type": "oauthbearertoken", "name": "x", "description": "x" }] }),
        json!({ "totalResults": 1, "Resources": [{ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"], "id": "User", "name": "User", "endpoint": "/Users",
                "schema": "urn:ietf:params:scim:schemas:core:2.0:User", "schemaExtensions": [{ "schema": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "required": false }] }] }),
        json!({ "totalResults": 1, "Resources": [{ "id": "urn:ietf:params:scim:schemas:core:2.0:User", "name": "User", "attributes": [
                { "name": "userName", "type": "string", "multiValued": false, "required": true, "caseExact": false, "mutability": "readWrite", "returned": "default", "uniqueness": "server" },
                { "name": "emails", "type": "complex", "multiValued": true, "subAttributes": [{ "name": "value", "type": "string" }] }] }] }),
    ]
}

/// Texts at the edges of what code takes for granted.
fn odd_text() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,12}",
        Just(String::new()),
        Just("urn:ietf:params:scim:schemas:core:2.0:Usé".to_owned()),
        Just("urn:ietf:params:scim:schemas:core:2.0:User:".to_owned()),
        Just("urn:ietf:params:scim:schemas:extension:enterprise:2.0:Use💣:x".to_owned()),
        Just("emails[type eq \"ä".to_owned()),
        Just("2026-13-99T99:99:99Z".to_owned()),
        Just("http://evil.example.com/Users/%zz?#".to_owned()),
        Just("/".to_owned()),
        Just("..".to_owned()),
        Just("W/".to_owned()),
        Just("\u{0}\u{1b}[2J\u{202e}".to_owned()),
        Just("x".repeat(5000)),
    ]
}

fn odd_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        odd_text().prop_map(Value::String),
        prop::sample::select(documents()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((odd_text(), inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A change at the n-th node of a document.
#[derive(Debug, Clone)]
enum Change {
    Replace(Value),
    Remove,
    Rename(String),
    Upper,
    Twice,
}

fn change() -> impl Strategy<Value = (u8, Change)> {
    let change = prop_oneof![
        odd_value().prop_map(Change::Replace),
        Just(Change::Remove),
        odd_text().prop_map(Change::Rename),
        Just(Change::Upper),
        Just(Change::Twice),
    ];
    (any::<u8>(), change)
}

fn apply(value: &mut Value, n: &mut usize, change: &Change) {
    if *n == 0 {
        *n = usize::MAX;
        match (change, &mut *value) {
            (Change::Replace(new), v) => *v = new.clone(),
            (Change::Upper, Value::Object(map)) => {
                *value = Value::Object(std::mem::take(map).into_iter().map(|(k, v)| (k.to_uppercase(), v)).collect());
            }
            (Change::Remove, Value::Object(map)) => {
                let first = map.keys().next().cloned();
                first.and_then(|k| map.shift_remove(&k));
            }
            (Change::Rename(name), Value::Object(map)) => {
                let first = map.keys().next().cloned();
                if let Some(v) = first.and_then(|k| map.shift_remove(&k)) {
                    map.insert(name.clone(), v);
                }
            }
            (_, Value::Array(items)) => items.extend(items.clone()),
            (_, v) => *v = Value::Array(vec![v.clone(), v.clone()]),
        }
        return;
    }
    *n -= 1;
    let children: Vec<&mut Value> = match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(map) => map.values_mut().collect(),
        _ => Vec::new(),
    };
    for child in children {
        apply(child, n, change);
        if *n == usize::MAX {
            return;
        }
    }
}

fn document() -> impl Strategy<Value = Value> {
    (prop::sample::select(documents()), prop::collection::vec(change(), 0..4)).prop_map(|(mut document, changes)| {
        for (at, change) in changes {
            apply(&mut document, &mut usize::from(at % 40), &change);
        }
        document
    })
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        12 => document().prop_map(|d| d.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..60),
        1 => (document(), any::<u16>()).prop_map(|(d, at)| {
            let mut bytes = d.to_string().into_bytes();
            bytes.truncate(usize::from(at) % (bytes.len() + 1));
            bytes
        }),
        1 => Just(Vec::new()),
    ]
}

fn target() -> impl Strategy<Value = String> {
    let path = prop_oneof![
        Just("/Users"),
        Just("/Users/7"),
        Just("/Users/8"),
        Just("/Groups"),
        Just("/Groups/9"),
        Just("/Bulk"),
        Just("/Me"),
        Just("/Users/.search"),
        Just("/.search"),
        Just("/Schemas"),
        Just("/ResourceTypes"),
        Just("/ServiceProviderConfig"),
        Just("/"),
        Just(""),
        Just("//"),
        Just("/Users/"),
        Just("/Users/%"),
        Just("/Users/%c3"),
        Just("/Üsers/ü"),
        Just("/Users/7/x")
    ];
    let query = prop_oneof![
        4 => Just(String::new()),
        1 => Just("?filter=userName%20eq%20%22alice%40example.com%22&startIndex=1&count=2".to_owned()),
        1 => Just("?filter=emails%5Btype+eq+%22work%22%5D&attributes=userName,emails.value&excludedAttributes=id".to_owned()),
        1 => Just("?sortBy=name.familyName&sortOrder=descending&startIndex=-9223372036854775808&count=99999999999999999999".to_owned()),
        1 => odd_text().prop_map(|t| format!("?filter={t}&attributes={t}&sortBy={t}&startIndex={t}&count={t}&cursor={t}")),
    ];
    (path, query).prop_map(|(p, q)| format!("{p}{q}"))
}

fn turn() -> impl Strategy<Value = Turn> {
    let method = prop::sample::select(vec!["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "get", ""]);
    let status = prop_oneof![
        6 => prop::sample::select(vec![200_u16, 201, 204, 400, 401, 403, 404, 409, 412, 413, 429, 500, 501, 503]),
        1 => any::<u16>()
    ];
    let headers = prop::collection::vec(
        (prop::sample::select(vec!["Content-Type", "Location", "ETag", "WWW-Authenticate", "Retry-After"]), odd_text()),
        0..3,
    );
    (method, target(), prop::option::of(bytes()), prop::bool::weighted(0.1), status, headers, bytes()).prop_map(
        |(method, target, body, other_tenant, status, headers, answer)| Turn {
            method: method.to_owned(),
            target,
            body,
            other_tenant,
            status,
            headers: headers.into_iter().map(|(n, v)| (n.to_owned(), v)).collect(),
            answer,
        },
    )
}

fn config(cases: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(cases);
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 2000, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn any_conversation_is_judged(
        described in prop::collection::vec(prop::option::of(document()), 3),
        turns in prop::collection::vec(turn(), 1..8),
    ) {
        judge_all(described[0].as_ref(), described[1].as_ref(), described[2].as_ref(), turns);
    }
}

/// A file with pieces of it cut out, doubled or replaced, at any byte that begins a character.
fn damaged(text: &str, hits: &[(u32, u8, String)]) -> String {
    let mut text = text.to_owned();
    for (at, length, new) in hits {
        let place = |n: usize| (0..=n.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        let start = place(*at as usize % (text.len() + 1));
        let end = place(start + usize::from(*length)).max(start);
        text.replace_range(start..end, new);
    }
    text
}

fn hits() -> impl Strategy<Value = Vec<(u32, u8, String)>> {
    let new = prop_oneof![
        odd_text(),
        Just("\n".to_owned()),
        Just("  ".to_owned()),
        Just("${".to_owned()),
        Just("}".to_owned()),
        Just(": ".to_owned()),
        Just("\t".to_owned()),
        Just("&a *a".to_owned()),
        Just("- ".to_owned()),
        Just("\"".to_owned()),
        Just("|".to_owned()),
        Just("[[[[".to_owned()),
        Just("!!int".to_owned())
    ];
    prop::collection::vec((any::<u32>(), any::<u8>(), new), 1..5)
}

proptest! {
    #![proptest_config(config(150))]

    #[test]
    fn any_scenario_file_loads_or_says_where_it_is_wrong(which in any::<prop::sample::Index>(), hits in hits()) {
        let ids = scenario::bundled_ids();
        let id = ids[which.index(ids.len())];
        let text = damaged(scenario::bundled_text(id).expect("it is there"), &hits);
        if let Err(errors) = scenario::load(&text, "any.yaml", &|_| None) {
            for error in errors {
                prop_assert!(!error.render(false).is_empty());
            }
        }
    }

    #[test]
    fn any_bytes_are_no_scenario(text in ".{0,200}") {
        let _ = scenario::load(&text, "any.yaml", &|_| None);
        let _ = profile::idp::parse(&text, "any.yaml");
        let _ = profile::provider::load(&text, "any.yaml");
        let _ = run::baseline::Baseline::parse(&text);
    }

    #[test]
    fn any_log_is_read(
        hits in hits(),
        raw in ".{0,200}",
    ) {
        let okta = r#"[{"eventType":"application.provision.user.push_profile","outcome":{"result":"FAILURE","reason":"Errors reported by remote server: é"},"target":[{"type":"AppUser","alternateId":"alice@example.com"}],"published":"2026-01-01T00:00:00Z"}]"#;
        let entra = "activityDateTime,provisioningStatusInfo,sourceIdentity,statusInfo\n2026-01-01,failure,\"{\"\"displayName\"\":\"\"a\"\"}\",\"{\"\"errorCode\"\":\"\"SystemForCrossDomainIdentityManagementServiceIncompatible\"\"}\"\n";
        for text in [damaged(okta, &hits), damaged(entra, &hits), raw] {
            let _ = diagnose::logs::okta(&text);
            let _ = diagnose::logs::entra(&text);
            let _ = diagnose::text::read(&text);
        }
    }
}

proptest! {
    #![proptest_config(config(2000))]

    #[test]
    fn any_filter_and_path_is_read_or_refused(
        hits in hits(),
        base in prop::sample::select(vec![
            "userName eq \"a\" and (emails[type eq \"work\" and primary eq true].value co \"é\" or not (active pr))",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value ne null",
            "meta.lastModified gt \"2026-01-01T00:00:00Z\"",
            "emails[type eq \"work\"].value", "members[value eq \"7\"]", "name.givenName",
        ]),
    ) {
        let text = damaged(base, &hits);
        for rt in [ResourceType::user(), ResourceType::group()] {
            if let Ok(filter) = scim::filter::parse(&text) {
                let _ = scim::matching::matches(&filter, &user(), &rt);
            }
            if let Ok(path) = scim::path::parse_path(&text, &rt) {
                let _ = scim::path::select(&user(), &path, &rt);
            }
        }
    }

    #[test]
    fn any_patch_is_applied_or_refused(document in document(), patch in document(), path in odd_text(), value in odd_value()) {
        let own = json!({ "Operations": [{ "op": "add", "path": path, "value": value }] });
        for rt in [ResourceType::user(), ResourceType::group()] {
            for body in [&patch, &own] {
                let _ = scim::patch::apply(&document, body, &rt, &scim::patch::Options::default());
            }
        }
    }
}
