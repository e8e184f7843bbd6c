//! Filters and PATCH paths, on a document.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scimproof::scim::schema::ResourceType;
use scimproof::scim::{filter, matching, path};

fuzz_target!(|text: &str| {
    let document = serde_json::json!({
        "id": "7", "userName": "alice", "active": true, "name": { "givenName": "Ä" }, "emails": [{ "value": "a", "type": "work", "primary": true }],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "manager": { "value": "8" } },
        "meta": { "lastModified": "2026-01-01T00:00:00Z" }
    });
    for rt in [ResourceType::user(), ResourceType::group()] {
        if let Ok(filter) = filter::parse(text) {
            matching::matches(&filter, &document, &rt);
            // What is printed means the same.
            let again = filter::parse(&filter.to_string()).expect("our own spelling is a filter");
            assert_eq!(again, filter);
        }
        if let Ok(path) = path::parse_path(text, &rt) {
            path::select(&document, &path, &rt);
        }
    }
});
