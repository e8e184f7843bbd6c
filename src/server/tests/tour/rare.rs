//! What is rarely said to a server: the requests that the faults of `faults/rarer.rs` and `faults/aside.rs` listen for.

use super::{ENTERPRISE, GROUP, Payload, Tour, USER};
use serde_json::{Value, json};

impl Tour {
    pub(super) fn rare(&mut self) {
        self.rare_users();
        self.rare_groups();
        self.rare_lists();
    }

    fn rare_users(&mut self) {
        let mails = json!([{ "type": "work", "value": "rare@example.com", "primary": true }]);
        let full = json!({
            "schemas": [USER, ENTERPRISE], "userName": "rare", "externalId": "r", "Name": { "GivenName": "Ann" },
            "emails": mails, "preferredLanguage": "en", ENTERPRISE: { "department": "Sales" },
        });
        let path = format!("/Users/{}", Tour::id(&self.write("POST", "/Users", full)));
        self.write("POST", "/Users", json!({ "schemas": [USER], "userName": "rare2", "emails": mails }));
        self.get(&format!("{path}?excludedAttributes=emails"));
        for step in [
            json!([{ "op": "replace", "path": "displayName", "value": "Ann Mary" }]),
            json!([{ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "new@example.com" }]),
            json!([{ "op": "replace", "path": "emails", "value": [] }]),
        ] {
            self.patch(&path, step);
            self.get(&path);
        }
        let bare = json!({ "schemas": [USER], "userName": "rare", "externalId": "r" });
        self.write("PUT", &path, bare);
        self.get(&path);
    }

    fn rare_groups(&mut self) {
        let ids: Vec<String> = (0..3).map(|n| self.user(&format!("rare-member{n}"))).collect();
        let members: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
        let group = |name: &str| json!({ "schemas": [GROUP], "displayName": name, "members": members });
        let path = format!("/Groups/{}", Tour::id(&self.write("POST", "/Groups", group("Rare"))));
        self.write("POST", "/Groups", group("Rare, too"));
        self.patch(&format!("/Users/{}", ids[0]), json!([{ "op": "replace", "path": "title", "value": "T" }]));
        self.patch(&path, json!([{ "op": "replace", "path": "externalId", "value": "key" }]));
        self.get(&path);
        for _ in 0..2 {
            self.write("PUT", &path, group("Rare"));
            self.get(&path);
        }
        let unknown = json!([{ "value": ids[0] }, { "value": "no-such-user" }]);
        self.patch(&path, json!([{ "op": "replace", "path": "members", "value": unknown }]));
        self.get(&path);
    }

    fn rare_lists(&mut self) {
        self.write("POST", "/Users", json!({ "schemas": [USER], "userName": "this and that/(x)" }));
        for text in [
            "userName eq \"this and that/(x)\"",
            "userName co \"that/\"",
            "userName eq \"rar*\"",
            "preferredLanguage eq \"en\"",
            &format!("schemas eq \"{USER}\""),
            "userName eq \"rare\" and preferredLanguage pr",
        ] {
            self.filter("/Users", text);
        }
    }
}

impl Tour {
    /// Requests whose side effects the faults of `faults/aside.rs` have.
    pub(super) fn aside(&mut self) {
        let ids: Vec<String> = (0..2).map(|n| self.user(&format!("aside{n}"))).collect();
        let members = json!([{ "value": ids[0] }]);
        let group = json!({ "schemas": [GROUP], "displayName": "Aside", "externalId": "aside", "members": members });
        let team = format!("/Groups/{}", Tour::id(&self.write("POST", "/Groups", group.clone())));
        let path = format!("/Users/{}", ids[0]);
        for step in [
            json!([{ "op": "replace", "path": "name", "value": { "givenName": "A", "familyName": "B" } }]),
            json!([{ "op": "replace", "path": "name", "value": { "familyName": "C" } }]),
            json!([{ "op": "replace", "path": "userName", "value": "aside1" }]),
            json!([{ "op": "add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+1" }]),
            json!([{ "op": "add", "path": "addresses[type eq \"work\"].locality", "value": "L" }]),
            json!([{ "op": "replace", "value": { "active": true, "title": "T" } }]),
            json!([{ "op": "add", "path": "unheardOf", "value": "x" }]),
        ] {
            self.patch(&path, step);
        }
        self.patch(&format!("{path}?attributes=title"), json!([{ "op": "replace", "path": "title", "value": "U" }]));
        self.get(&team);
        self.write("PUT", &path, json!({ "schemas": [USER], "userName": "aside0", "externalId": "one" }));
        self.write("PUT", &path, json!({ "schemas": [USER], "userName": "aside0", "externalId": "two" }));
        self.get(&team);
        for query in ["&count=1", "&excludedAttributes=title"] {
            self.get(&format!("/Users?filter=userName+eq+%22aside1%22{query}"));
        }
        self.filter("/Groups", "externalId eq \"aside\"");
        let both = json!([{ "value": ids[0] }, { "value": ids[1] }]);
        self.patch(&team, json!([{ "op": "add", "path": "members", "value": both }]));
        self.get(&team);
        self.write("PUT", &team, group);
        self.get(&team);
        self.write("POST", "/Users", json!({ "schemas": [USER], "userName": "aside0" }));
        self.user("aside-after-conflict");
        self.send("DELETE", &path, &[], Payload::Absent);
        self.patch(&team, json!([{ "op": "replace", "path": "displayName", "value": "Aside, too" }]));
        self.get(&team);
        let bulk = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
            { "method": "POST", "path": "/Users", "bulkId": "k", "data": { "schemas": [USER], "userName": "aside-bulk" } },
        ] });
        self.write("POST", "/Bulk", bulk);
        self.filter("/Users", "userName eq \"aside-bulk\"");
    }
}

impl Tour {
    /// Requests whose answers the faults of `faults/exact.rs` spoil.
    pub(super) fn exact(&mut self) {
        let path = format!("/Users/{}", self.user("exact"));
        let operation = |method: &str, path: &str| json!({ "method": method, "path": path, "bulkId": "b", "data": { "schemas": [USER], "userName": "exact" } });
        let bulk = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
            operation("PUT", &path), operation("POST", "/Users"), operation("DELETE", "/Users/nobody"),
        ] });
        self.write("POST", "/Bulk", bulk);
        self.write("PUT", &path, json!({ "schemas": [USER], "userName": "exact" }));
        let tag = self.get(&path).header("ETag").unwrap_or_default().to_owned();
        let body = Payload::Json(json!({ "schemas": [USER], "userName": "exact", "title": "T" }));
        self.send("PUT", &path, &[("if-match", &tag)], body);
        self.send("DELETE", "/Users/exactly-nobody", &[], Payload::Absent);
    }
}
