//! Requests that public servers failed on: what the faults of `faults/mined.rs` and `faults/mined_writes.rs` listen for.

use super::{ENTERPRISE, GROUP, Payload, Tour, USER};
use serde_json::{Value, json};

impl Tour {
    pub(super) fn mined(&mut self) {
        let (id, other) = self.mined_creates();
        self.mined_reads(&id);
        self.mined_patches(&format!("/Users/{id}"), &format!("/Users/{other}"));
        self.mined_puts(&format!("/Users/{id}"));
        self.mined_groups(&id, &other);
        self.mined_strangers(&id);
        self.mined_crowd();
    }

    /// Bodies at the edge of what is taken; ids of two users.
    fn mined_creates(&mut self) -> (String, String) {
        let boss = self.user("mined-boss");
        let mails = json!([
            { "type": "work", "value": "Mined@example.com", "primary": true },
            { "type": "work", "value": "mined2@example.com" },
        ]);
        let full = json!({
            "schemas": [USER, ENTERPRISE], "userName": "mined", "externalId": "mined-key", "title": "Engineer",
            "timezone": "UTC", "name": { "givenName": "A", "familyName": "B", "formatted": "A B" }, "emails": mails,
            "roles": [{ "value": "Reader", "primary": true }, { "value": "Writer" }],
            "addresses": [{ "type": "home", "locality": "L" }],
            ENTERPRISE: { "department": "Sales", "manager": { "value": boss } },
        });
        let id = Tour::id(&self.write("POST", "/Users", full));
        let other = self.user("mined-other");
        let two = json!([{ "value": "1@example.com", "primary": true }, { "value": "2@example.com", "primary": true }]);
        for more in [
            json!({ "userName": "mined-taker", "externalId": "mined-key" }),
            json!({ "userName": "mined", "title": "again" }),
            json!({ "userName": "mined-known", "id": other }),
            json!({ "userName": "mined-bare", "schemas": [] }),
            json!({ "userName": "q" }),
            json!({ "userName": "mined-null", "emails": null }),
            json!({ "userName": "mined-two", "emails": two }),
            json!({ "userName": "mined-led", ENTERPRISE: { "manager": { "value": "nobody" } } }),
        ] {
            let mut body = json!({ "schemas": [USER] });
            body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            self.write("POST", "/Users", body);
        }
        self.get(&format!("/Users/{id}"));
        (id, other)
    }

    fn mined_reads(&mut self, id: &str) {
        for text in [
            "userName eq \"mined\" and title eq \"Engineer\" and timezone pr",
            "userName eq \"mined\\\\own\"",
            "x-badge eq \"a\"",
            "groups.display eq \"App\"",
        ] {
            self.filter("/Users", text);
        }
        self.filter("/Groups", &format!("id eq \"none\" and members eq \"{id}\""));
        self.get("/Users?filter=userName+eq+%22mined%22+and+title+pr&count=1");
        self.get("/Users/mined-nobody?attributes=userName");
        self.get(&format!("/Users/{id}?attributes={ENTERPRISE}:manager.displayName"));
    }

    fn mined_patches(&mut self, path: &str, other: &str) {
        for step in [
            json!([{ "op": "replace", "path": format!("{ENTERPRISE}:manager.value"), "value": "x" }]),
            json!([{ "op": "add", "path": "externalId", "value": "mined-new" }]),
            json!([{ "op": "replace", "value": { "externalId": "mined-newer", "title": "Lead" } }]),
            json!([{ "op": "replace", "path": "emails[type eq \"work\"].display", "value": "Work" }]),
            json!([{ "op": "replace", "path": "emails[primary eq true].value", "value": "mined@Example.com" }]),
            json!([{ "op": "add", "path": "addresses[type eq \"work\"].locality", "value": "L" }, { "op": "add", "path": "addresses[type eq \"work\"].country", "value": "US" }]),
            json!([{ "op": "add", "path": "phoneNumbers[type eq \"home\"].value", "value": "+1" }]),
            json!([{ "op": "replace", "path": "emails[value eq \"mined2@example.com\"].display", "value": "Two" }]),
            json!([{ "op": "replace", "path": "roles[value eq \"urn:x\"].display", "value": "X" }]),
            json!([{ "op": "replace", "path": "roles[value sw \"Rea\"].display", "value": "R" }]),
            json!([{ "op": "Replace", "path": "roles[primary eq \"True\"].value", "value": "Admin" }]),
            json!([{ "op": "add", "path": "emails", "value": [{ "type": "work", "value": "3@example.com" }, { "type": "home", "value": "4@example.com" }] }]),
            json!([{ "op": "replace", "path": "emails[type eq \"home\"]", "value": { "type": "home", "value": "5@example.com" } }]),
            json!([{ "op": "remove", "path": "emails[type eq \"home\"]" }]),
            json!([{ "op": "replace", "path": "name.formatted", "value": "A. B" }]),
            json!([{ "op": "replace", "value": { "name": { "givenName": "C" } } }]),
            json!([{ "op": "replace", "value": { "name.givenName": "D" } }]),
            json!([{ "op": "replace", "path": format!("{ENTERPRISE}:manager"), "value": "" }]),
            json!({ "op": "replace", "path": "title", "value": "x" }),
            json!([{ "op": "replace", "path": "meta.created", "value": "2001-01-01T00:00:00Z" }]),
        ] {
            self.patch(path, step);
            self.get(path);
        }
        self.patch(other, json!([{ "op": "replace", "path": "displayName", "value": "Other" }]));
        self.get(other);
    }

    fn mined_puts(&mut self, path: &str) {
        for more in [
            json!({ "externalId": "mined-key" }),
            json!({ "name": { "givenName": "M", "familyName": "N" }, "emails": "none" }),
        ] {
            let mut body = json!({ "schemas": [USER], "userName": "mined" });
            body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            self.write("PUT", path, body);
            self.get(path);
        }
        let gone = json!({ "schemas": [USER], "userName": "mined-gone", "externalId": "mined-dead" });
        let gone = Tour::id(&self.write("POST", "/Users", gone));
        self.send("DELETE", &format!("/Users/{gone}"), &[("content-type", "application/scim+json")], Payload::Absent);
        let again = json!({ "schemas": [USER], "userName": "mined-back", "externalId": "mined-dead" });
        self.write("POST", "/Users", again);
    }

    fn mined_groups(&mut self, first: &str, second: &str) {
        let third = self.user("mined-third");
        let member = |id: &str| json!({ "value": id });
        let group = |name: &str, members: Value| json!({ "schemas": [GROUP], "displayName": name, "externalId": name, "members": members });
        let equity = group("Equity", json!([member(first), member(second), member(&third)]));
        let team = format!("/Groups/{}", Tour::id(&self.write("POST", "/Groups", equity)));
        let inner = Tour::id(&self.write("POST", "/Groups", group("Inner", json!([]))));
        self.filter("/Groups", "displayName eq \"Equity\"");
        for step in [
            json!([{ "op": "replace", "path": "externalId", "value": "other" }]),
            json!([{ "op": "remove", "path": format!("members[value eq \"{first}\" or value eq \"{second}\"]") }]),
            json!([{ "op": "replace", "path": "members", "value": [member(first), member(second)] }]),
            json!([{ "op": "add", "path": "members", "value": [member(first)] }]),
            json!([{ "op": "add", "path": "members", "value": "text" }]),
            json!([{ "op": "add", "path": "members", "value": [{ "value": "" }] }]),
            json!([{ "op": "add", "path": "members", "value": [{ "display": "x" }] }]),
            json!([{ "op": "add", "path": "members", "value": [{ "value": third, "display": "Somebody" }] }]),
            json!([{ "op": "add", "path": "members", "value": [member(&inner)] }]),
            json!([{ "op": "replace", "path": "displayName", "value": "R&D (Berlin) / Ops" }]),
        ] {
            self.patch(&team, step);
            self.get(&team);
        }
        self.get(&format!("/Users/{inner}"));
        self.patch(&team, json!([{ "op": "remove", "path": format!("members[value eq \"{inner}\"]") }]));
        self.patch(&team, json!([{ "op": "add", "path": "members", "value": [member(&inner)] }]));
        self.send("DELETE", &format!("/Groups/{inner}"), &[], Payload::Absent);
        self.get(&team);
        self.write("PUT", &team, group("Put", json!([member(first)])));
        self.write("PUT", &team, group("Put, too", json!([member(&third)])));
        self.get(&team);
        self.patch(&format!("/Users/{third}"), json!([{ "op": "replace", "path": "active", "value": false }]));
        self.get(&team);
        self.patch(&format!("/Users/{third}"), json!([{ "op": "replace", "path": "active", "value": true }]));
        self.get(&team);
    }

    /// Members whom nobody knows.
    fn mined_strangers(&mut self, first: &str) {
        let group = json!({ "schemas": [GROUP], "displayName": "Strangers", "members": [{ "value": first }] });
        let path = format!("/Groups/{}", Tour::id(&self.write("POST", "/Groups", group)));
        self.patch(&path, json!([{ "op": "add", "path": "members", "value": [{ "value": "ghost" }] }]));
        self.get("/Users/ghost");
        self.patch(&path, json!([{ "op": "remove", "path": "members[value eq \"spook\"]" }]));
        self.get("/Users/spook");
    }

    /// More members than a small server bears.
    fn mined_crowd(&mut self) {
        let members: Vec<Value> = (0..102).map(|n| json!({ "value": self.user(&format!("crowd{n}")) })).collect();
        let group = json!({ "schemas": [GROUP], "displayName": "Crowd", "members": members[..101] });
        let path = format!("/Groups/{}", Tour::id(&self.write("POST", "/Groups", group)));
        self.patch(&path, json!([{ "op": "replace", "path": "displayName", "value": "Crowd, too" }]));
        self.get(&path);
        self.patch(&path, json!([{ "op": "replace", "path": "members", "value": members }]));
        self.get("/Groups");
    }
}
