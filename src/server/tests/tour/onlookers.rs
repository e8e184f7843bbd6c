//! Requests that the faults of `faults/onlookers.rs` listen for.

use super::{ENTERPRISE, GROUP, Tour, USER};
use serde_json::json;

impl Tour {
    pub(super) fn onlookers(&mut self) {
        let body = |name: &str| {
            json!({
                "schemas": [USER], "userName": name, "active": true, "roles": [{ "value": "own" }, { "value": "other" }],
                "emails": [{ "value": "both@example.com" }],
            })
        };
        let user = Tour::id(&self.write("POST", "/Users", body("onlooker-one")));
        let other = Tour::id(&self.write("POST", "/Users", body("onlooker-two")));
        let (path, other_path) = (format!("/Users/{user}"), format!("/Users/{other}"));
        self.patch(&path, json!([{ "op": "remove", "path": "roles[value sw \"oth\"]" }]));
        self.patch(&path, json!([{ "op": "replace", "path": "active", "value": false }]));
        self.get(&other_path);
        let inner =
            Tour::id(&self.write("POST", "/Groups", json!({ "schemas": [GROUP], "displayName": "onlookers-inner" })));
        let members = json!([{ "value": other }, { "value": inner }]);
        let outer = json!({ "schemas": [GROUP], "displayName": "onlookers", "members": members });
        let group = Tour::id(&self.write("POST", "/Groups", outer));
        self.get(&other_path);
        self.get("/Users?attributes=userName,phoneNumbers");
        self.send("DELETE", &format!("/Groups/{group}"), &[], super::Payload::Absent);
        self.get(&other_path);
        let bare = json!({
            "schemas": [USER, ENTERPRISE], "userName": "onlooker-three", ENTERPRISE: { "manager": { "displayName": "Boss" } },
        });
        self.write("POST", "/Users", bare);
        self.write("POST", "/Groups", json!({ "schemas": [GROUP], "displayName": "onlookers-none" }));
    }
}
