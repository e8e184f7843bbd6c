//! Rare requests: what the faults of `faults/odd.rs` and `faults/projection.rs` listen for.

use super::{DEVICE, ENTERPRISE, GROUP, Payload, Tour, USER, WARRANTY};
use serde_json::{Value, json};

impl Tour {
    pub(super) fn odd(&mut self) {
        let (boss, path) = self.odd_users();
        self.odd_patches(&path);
        self.odd_groups();
        self.odd_filters();
        self.odd_ends(&boss);
    }

    /// Somebody with a manager and two of everything; ids of both.
    fn odd_users(&mut self) -> (String, String) {
        let boss = self.user("odd-boss");
        let full = json!({
            "schemas": [USER, ENTERPRISE], "userName": "odd", "displayName": "Odd", "title": "T",
            "name": { "givenName": "A", "familyName": "B" },
            "emails": [{ "type": "work", "value": "a@example.com" }, { "type": "home", "value": "b@example.com" }],
            "phoneNumbers": [{ "type": "work", "value": "+1 555 0100" }],
            "roles": [{ "value": "a] and b" }],
            ENTERPRISE: { "department": "Sales", "costCenter": "1", "manager": { "value": boss } },
        });
        let path = format!("/Users/{}", Tour::id(&self.write("POST", "/Users", full.clone())));
        for query in [
            "attributes=emails",
            "excludedAttributes=name.givenName",
            &format!("attributes={ENTERPRISE}:department"),
            &format!("excludedAttributes={USER}:displayName"),
        ] {
            self.get(&format!("{path}?{query}"));
        }
        for (name, key, value) in [
            ("odd\\domain", "title", json!("x")),
            ("odd-nul", "title", json!("a\u{0}b")),
            ("odd-weak", "password", json!("a")),
            ("odd-phone", "phoneNumbers", json!([{ "type": "work", "value": "+1 555 0100" }])),
            ("odd-wrong", "active", json!({ "is": "wrong" })),
            ("odd-wrong", "active", json!(true)),
        ] {
            let mut body = json!({ "schemas": [USER], "userName": name });
            body[key] = value;
            self.write("POST", "/Users", body);
        }
        (boss, path)
    }

    fn odd_patches(&mut self, path: &str) {
        for step in [
            json!([{ "op": "replace", "value": { "name": { "familyName": "C" } } }, { "op": "replace", "value": { "name": { "givenName": "D" } } }]),
            json!([{ "op": "replace", "path": format!("{USER}:name"), "value": { "givenName": "E", "familyName": "F" } }]),
            json!([{ "op": "replace", "path": "roles[value eq \"a] and b\"].display", "value": "R" }]),
            json!([{ "op": "add", "path": "__proto__.x", "value": "y" }]),
            json!([{ "op": "add", "path": "emails", "value": [{}] }]),
        ] {
            self.patch(path, step);
            self.get(path);
        }
        let other = self.user("odd-other");
        self.write("PUT", path, json!({ "schemas": [USER], "id": other, "userName": "odd-moved" }));
        self.get(path);
    }

    fn odd_groups(&mut self) {
        let ids: Vec<String> = (0..12).map(|n| self.user(&format!("odd-member{n}"))).collect();
        let members: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
        let group = |name: &str, members: Value| json!({ "schemas": [GROUP], "displayName": name, "members": members });
        let team =
            format!("/Groups/{}", Tour::id(&self.write("POST", "/Groups", group("Odd/Team", json!([members[0]])))));
        for step in [
            json!([{ "op": "add", "path": "members", "value": [members[1]] }, { "op": "remove", "path": format!("members[value eq \"{}\"]", ids[1]) }]),
            json!([{ "op": "replace", "path": "displayName", "value": "Odd, renamed" }]),
            json!([{ "op": "add", "path": "members", "value": members }]),
        ] {
            self.patch(&team, step);
            self.get(&team);
        }
        self.get(&format!("/Users/{}", ids[0]));
        let stranger = json!([members[0], { "value": "no-such-user" }]);
        self.write("PUT", &team, group("Odd, put", stranger.clone()));
        self.get(&team);
        self.write("POST", "/Groups", group("Odd, refused", stranger));
        self.filter("/Groups", "displayName eq \"Odd, refused\"");
        self.send("DELETE", &format!("/Groups/{}", ids[2]), &[], Payload::Absent);
        self.get(&format!("/Users/{}", ids[2]));
        self.send("DELETE", &team, &[], Payload::Absent);
        let again = Tour::id(&self.write("POST", "/Groups", group("Odd, renamed", json!([]))));
        self.get(&format!("/Groups/{again}"));
        self.filter("/Users", "groups.value eq \"no-such-group\"");
    }

    fn odd_filters(&mut self) {
        let nested = format!("{}userName eq \"odd\"{}", "(".repeat(30), ")".repeat(30));
        for text in [nested.as_str(), "id eq \"a\" or id eq \"b\""] {
            self.filter("/Users", text);
        }
    }

    fn odd_ends(&mut self, boss: &str) {
        let report = json!({ "schemas": [USER, ENTERPRISE], "userName": "odd-report", ENTERPRISE: { "manager": { "value": boss } } });
        self.write("POST", "/Users", report);
        self.send("DELETE", &format!("/Users/{boss}"), &[], Payload::Absent);
        let ids: Vec<String> = (0..2).map(|n| self.user(&format!("odd-leaver{n}"))).collect();
        let leave = |id: &String| json!({ "method": "DELETE", "path": format!("/Users/{id}") });
        let bulk = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "Operations": ids.iter().map(leave).collect::<Vec<_>>(),
        });
        self.write("POST", "/Bulk", bulk);
        self.get(&format!("/Users/{}", ids[1]));
        let device = json!({
            "schemas": [DEVICE, WARRANTY], "serial": "odd", "weight": 1.5, "bought": "2024-01-31T10:00:00Z",
            "fingerprint": "AQI=", WARRANTY: { "contract": "c" },
        });
        self.write("POST", "/Devices", device);
    }
}
