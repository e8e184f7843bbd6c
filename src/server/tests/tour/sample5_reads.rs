//! Reads, groups and patches that public servers failed on: what the faults of `faults/sample5_reads*.rs` listen for.

use super::{GROUP, Tour, USER};
use crate::server::inventory::BADGE;
use serde_json::json;

impl Tour {
    pub(super) fn sample5_reads(&mut self) {
        let (user, mate) = (self.five_reads_user("one"), self.five_reads_user("two"));
        let group = json!({ "schemas": [GROUP], "displayName": "five-reads-group", "members": [{ "value": user }, { "value": mate }] });
        let group = Tour::id(&self.write("POST", "/Groups", group));
        self.five_reads_unquoted();
        self.five_reads_documents();
        self.five_reads_queries(&user, &group);
        self.five_reads_groups(&user, &group);
        self.five_reads_patches(&user);
    }

    fn five_reads_user(&mut self, name: &str) -> String {
        let body = json!({
            "schemas": [USER, BADGE], "userName": format!("five-reads-{name}"), "displayName": "Five Reads",
            "active": true, "name": { "givenName": "Five", "familyName": "Reads" }, "title": "five-reads",
            "emails": [{ "value": format!("{name}@five-reads.example"), "type": "work" }],
            BADGE: { "doors": ["five-reads-door"] },
        });
        Tour::id(&self.write("POST", "/Users", body))
    }

    /// A look-up without quotes, and one whose first side suffices.
    fn five_reads_unquoted(&mut self) {
        let body = json!({ "schemas": [USER], "userName": "unquoted@five-reads.example", "active": true });
        self.write("POST", "/Users", body);
        self.filter("/Users", "userName eq unquoted@five-reads.example");
        let own = "userName eq \"unquoted@five-reads.example\"";
        self.filter("/Users", &format!("{own} or userName eq \"five-reads-nobody\" and active eq false"));
    }

    fn five_reads_documents(&mut self) {
        for path in ["/Schemas", "/ResourceTypes"] {
            self.get(path);
        }
    }

    fn five_reads_queries(&mut self, user: &str, group: &str) {
        for text in [
            "title eq \"five-reads\" or title eq \"five\" or title eq \"reads\"",
            "displayName sw \"Five\" and displayName ew \"Reads\"",
            "fiveReads eq \"x\"",
            "userName eq \"five-reads-nobody\"",
        ] {
            self.filter("/Users", text);
        }
        self.filter("/Groups", "displayName sw \"five-reads\"");
        self.get(&format!("/Users?filter=groups.value+eq+%22{group}%22&startIndex=2&count=1"));
        self.get("/Users?count=-1");
        let search = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
        let found = "userName sw \"five-reads\"";
        for order in ["ascending", "descending"] {
            let sorted =
                json!({ "schemas": [search], "filter": found, "sortBy": "userName", "sortOrder": order, "count": 5 });
            self.write("POST", "/Users/.search", sorted);
        }
        self.write("POST", "/Users/.search", json!({ "schemas": [search], "filter": found }));
        self.write("POST", "/Users/.search", json!({ "schemas": [search], "attributes": ["userName"], "count": 1 }));
        for path in [
            format!("/Users/{user}"),
            format!("/Users/{user}?attributes=emails"),
            "/Groups?excludedAttributes=members&filter=displayName+eq+%22five-reads-group%22".to_owned(),
        ] {
            self.get(&path);
        }
    }

    fn five_reads_groups(&mut self, user: &str, group: &str) {
        let path = format!("/Groups/{group}");
        self.patch(&path, json!([{ "op": "add", "path": "members", "value": [{ "value": user }] }]));
        let named = json!({ "value": user, "display": "five-reads-unknown" });
        self.patch(&path, json!([{ "op": "replace", "path": "members", "value": [named] }]));
        self.patch(&path, json!([{ "op": "remove", "path": "displayName" }]));
        self.get(&path);
        self.write("POST", "/Groups", json!({ "schemas": [GROUP], "displayName": "five-reads.dot" }));
        self.send("DELETE", &path, &[], super::Payload::Absent);
        self.get("/Groups");
    }

    fn five_reads_patches(&mut self, user: &str) {
        let path = format!("/Users/{user}");
        for operations in [
            json!([{ "op": "replace", "path": "nickName", "value": "five-reads" }]),
            json!([{ "op": "replace", "path": "userName.foo", "value": "five-reads" }]),
            json!([{ "op": "remove", "path": format!("{BADGE}:doors") }]),
            json!([{ "op": "remove", "path": "name" }]),
            json!([{ "op": "replace", "value": { "active": false } }]),
            json!([{ "op": "replace", "path": "title", "value": "five-reads-off" }]),
        ] {
            self.patch(&path, operations);
        }
    }
}
