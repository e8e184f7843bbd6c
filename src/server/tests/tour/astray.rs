//! Requests that the faults of `faults/astray.rs` listen for.

use super::{ENTERPRISE, GROUP, Payload, Tour, USER};
use serde_json::json;

impl Tour {
    pub(super) fn astray(&mut self) {
        let body = json!({ "schemas": [USER], "userName": "astray", "externalId": "astray-1" });
        let user = Tour::id(&self.write("POST", "/Users", body.clone()));
        self.write("POST", "/Users", body);
        let path = format!("/Users/{user}");
        self.get(&path);
        self.send("GET", &path, &[("authorization", "Bearer two")], Payload::Absent);
        let certificate = json!([{ "op": "add", "path": "x509Certificates", "value": [{ "value": "AAAA" }] }]);
        self.patch(&path, certificate);
        let part = json!({ "schemas": [USER], "userName": "astray-part", "name": { "zz9": "1" } });
        self.write("POST", "/Users", part);
        let number =
            json!({ "schemas": [USER, ENTERPRISE], "userName": "astray-number", ENTERPRISE: { "costCenter": 1 } });
        self.write("POST", "/Users", number);
        let other = json!({ "schemas": [USER], "userName": "astray-two" });
        let made = self.send(
            "POST",
            "/Users",
            &[("authorization", "Bearer two"), ("content-type", "application/scim+json")],
            Payload::Json(other),
        );
        let there = format!("/Users/{}", Tour::id(&made));
        self.get(&there);
        let typed = Tour::id(&self.write("POST", "/Users", json!({ "schemas": [USER], "userName": "astray-typed" })));
        let header = [("content-type", "application/scim+json")];
        self.send("DELETE", &format!("/Users/{typed}"), &header, Payload::Absent);
        let named = json!({ "schemas": [GROUP], "displayName": "astray", "members": [{ "value": "nobody" }] });
        let group = Tour::id(&self.write("POST", "/Groups", json!({ "schemas": [GROUP], "displayName": "astray" })));
        self.write("POST", "/Groups", named);
        self.get(&format!("/Groups/{group}"));
        self.write("POST", "/Groups", json!({ "schemas": [GROUP], "displayName": "astray" }));
    }
}
