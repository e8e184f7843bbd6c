//! What is rarely said to a server: the requests that the faults of `faults/rarer.rs` listen for.

use super::{ENTERPRISE, GROUP, Tour, USER};
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
