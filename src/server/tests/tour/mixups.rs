//! Requests that the faults of `faults/mixups.rs` listen for.

use super::{GROUP, Tour, USER};
use serde_json::json;

impl Tour {
    pub(super) fn mixups(&mut self) {
        let body = json!({ "schemas": [USER], "userName": "mixups", "name": { "familyName": "Before" } });
        let user = Tour::id(&self.write("POST", "/Users", body));
        let path = format!("/Users/{user}");
        let weak =
            json!({ "schemas": [USER], "userName": "mixups", "name": { "familyName": "After" }, "password": "a" });
        self.write("PUT", &path, weak);
        self.get(&path);
        let group = Tour::id(&self.write("POST", "/Groups", json!({ "schemas": [GROUP], "displayName": "mixups" })));
        let twice = json!([{ "value": user }, { "value": user }]);
        let body = json!({ "schemas": [GROUP], "displayName": "mixups", "members": twice });
        self.write("PUT", &format!("/Groups/{group}"), body);
    }
}
