//! Requests that public servers failed on: what the faults of `faults/found.rs` and `faults/found_queries.rs` listen for.

use super::{ENTERPRISE, GROUP, Payload, Tour, USER};
use serde_json::{Value, json};

impl Tour {
    pub(super) fn found(&mut self) {
        let id = self.found_users();
        self.found_queries();
        self.found_orders();
        let team = self.found_groups(&id);
        self.found_tags(&format!("/Users/{id}"));
        self.found_strangers(&team);
        self.found_bulk(&team);
        self.send("DELETE", "/Users/found-nobody", &[], Payload::Absent);
    }

    /// Three people who differ in what filters and orders look at; the id of the first.
    fn found_users(&mut self) -> String {
        let people = [
            json!({
                "userName": "Found", "displayName": "Found", "title": "Engineer", "active": true,
                "name": { "givenName": "A'Kelah" },
                "emails": [{ "value": "1@found.example" }, { "value": "2@found.example", "primary": true }],
                ENTERPRISE: { "department": "Finding" },
            }),
            json!({ "userName": "fellow", "displayName": "Fellow", "title": "Finder", "active": true }),
            json!({ "userName": "FINDER", "title": "Finder", "active": false }),
        ];
        let mut ids = people.map(|more| {
            let mut body = json!({ "schemas": [USER, ENTERPRISE] });
            body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            Tour::id(&self.write("POST", "/Users", body))
        });
        std::mem::take(&mut ids[0])
    }

    fn found_queries(&mut self) {
        for text in [
            "meta.resourceType eq \"User\" and userName eq \"Found\"",
            "displayName co \"F\"",
            &format!("userName eq \"Found\" and {ENTERPRISE}:department eq \"Finding\""),
            "userName eq \"FOUND\" and active eq true",
            "userName sw \"FOUN\"",
            "not (active eq false) and title eq \"Finder\"",
            "(userName eq \"Found\")",
            "meta.created gt \"2001-01-01T00:00:00Z\" and userName eq \"Found\"",
            "emails[primary eq true]",
            &format!("{ENTERPRISE}:manager.value eq \"x\""),
            "name.givenName eq \"A'Kelah\"",
            "emails.value eq \"1@found.example\"",
        ] {
            self.filter("/Users", text);
        }
        self.get("/Users?filter=userName+sw+%22f%22&count=1");
        self.get("/Users?filter=userName+sw+%22f%22+and+active+eq+true&count=1&startIndex=2");
        self.get("/Users?startIndex=2&count=1");
        self.get("/Groups?attributes=displayName");
        let urn = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
        self.write("POST", "/.search", json!({ "schemas": [urn], "count": 1 }));
        self.get("/Me");
    }

    fn found_orders(&mut self) {
        for by in ["userName&sortOrder=ascending", "displayName&count=1000", "emails.value&count=1000"] {
            self.get(&format!("/Users?sortBy={by}"));
        }
        self.get("/Users?filter=userName+sw+%22f%22&sortBy=userName");
    }

    /// A group of two; its path.
    fn found_groups(&mut self, id: &str) -> String {
        let other = self.user("found-other");
        let member = |id: &str| json!({ "value": id });
        let referred = json!({ "value": other, "$ref": format!("{}/Users/{other}", super::BASE) });
        let group = |name: &str, members: Value| json!({ "schemas": [GROUP], "displayName": name, "externalId": "found-key", "members": members });
        let team = Tour::id(&self.write("POST", "/Groups", group("Found", json!([member(id), member(&other)]))));
        let team = format!("/Groups/{team}");
        self.write("POST", "/Groups", group("Found, too", json!([])));
        self.get(&format!("/Users/{id}"));
        self.get("/Users?filter=groups.display+eq+%22Found%22&count=1");
        self.get("/Groups?filter=displayName+sw+%22Found%22&startIndex=2&count=1");
        for step in [
            json!([{ "op": "add", "path": "members", "value": [referred] }]),
            json!([{ "op": "replace", "path": "displayName", "value": "Found, too" }]),
            json!([{ "op": "replace", "path": "displayName", "value": "" }]),
            json!([{ "op": "remove", "path": format!("members[value eq \"{other}\"]") }]),
            json!([{ "op": "replace", "value": { "members": [member(&other)] } }]),
            json!([{ "op": "replace", "path": "externalId", "value": "found-new" }]),
            json!([{ "op": "replace", "path": "members", "value": [] }]),
        ] {
            self.patch(&team, step);
            self.get(&team);
        }
        self.patch("/Groups/found-nobody", json!([{ "op": "replace", "path": "displayName", "value": "x" }]));
        self.write("PUT", &team, group("Found", json!([referred])));
        self.write("PUT", &team, group("Found", json!([member(id), member("found-ghost")])));
        self.get(&team);
        team
    }

    fn found_tags(&mut self, path: &str) {
        let tag = self.get(path).header("ETag").unwrap_or_default().to_owned();
        let body = json!({ "schemas": [crate::scim::urn::PATCH_OP], "Operations": [{ "op": "replace", "path": "title", "value": "Tagged" }] });
        for sent in [format!("W/\"never\", {tag}"), "*".to_owned()] {
            let headers = [("content-type", "application/scim+json"), ("if-match", sent.as_str())];
            self.send("PATCH", path, &headers, Payload::Json(body.clone()));
        }
    }

    /// The other tenant at the first one's groups and users.
    fn found_strangers(&mut self, team: &str) {
        let two = [("authorization", "Bearer two"), ("content-type", "application/scim+json")];
        let user = self.user("found-lured");
        let group = json!({ "schemas": [GROUP], "displayName": "Lure", "members": [{ "value": user }] });
        self.send("GET", team, &two, Payload::Absent);
        self.send("PUT", team, &two, Payload::Json(json!({ "schemas": [GROUP], "displayName": "Stolen" })));
        self.send("POST", "/Groups", &two, Payload::Json(group));
        let gone = Tour::id(&self.write("POST", "/Groups", json!({ "schemas": [GROUP], "displayName": "Prey" })));
        self.send("DELETE", &format!("/Groups/{gone}"), &two, Payload::Absent);
    }

    fn found_bulk(&mut self, team: &str) {
        let urn = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
        let data = json!({ "schemas": [crate::scim::urn::PATCH_OP], "Operations": [{ "op": "replace", "path": "displayName", "value": "Found in bulk" }] });
        self.write(
            "POST",
            "/Bulk",
            json!({ "schemas": [urn], "Operations": [
            { "method": "PATCH", "path": team, "data": data },
            { "method": "POST", "path": "/Users", "bulkId": "f", "data": { "schemas": [USER], "userName": "Found" } },
        ] }),
        );
    }
}
