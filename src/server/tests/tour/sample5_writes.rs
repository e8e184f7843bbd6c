//! Requests that public servers failed on: what the faults of `faults/sample5_writes*.rs` listen for.

use super::{ENTERPRISE, GROUP, Payload, Tour, USER};
use serde_json::{Value, json};

impl Tour {
    pub(super) fn sample5_writes(&mut self) {
        self.sample5_creates();
        self.sample5_replacement();
        self.sample5_requests();
    }

    fn sample5_user(&mut self, method: &str, path: &str, more: Value) -> String {
        let mut body = json!({ "schemas": [USER, ENTERPRISE] });
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        Tour::id(&self.write(method, path, body))
    }

    fn sample5_creates(&mut self) {
        let mail = json!([{ "value": "five-writes@example.com", "type": "work" }]);
        let bodies = [
            json!({ "userName": "five-writes-Case", "roles": [{ "value": "r" }], "entitlements": [{ "value": "e" }] }),
            json!({ "userName": "five-writes-mail", "emails": mail }),
            json!({ "userName": "five-writes-same-mail", "emails": mail }),
            json!({ "userName": "five-writes-number", ENTERPRISE: { "employeeNumber": "5" } }),
            json!({ "userName": "five-writes-same-number", ENTERPRISE: { "employeeNumber": "5" } }),
            json!({ "userName": "five-writes-empty", "externalId": "" }),
            json!({ "userName": "five-writes-empty-too", "externalId": "" }),
            json!({ "userName": "five-writes-typed", "displayName": 5 }),
            json!({ "userName": "five-writes-element", "emails": [{}] }),
            json!({ "userName": "five-writes-middle", "name": { "givenName": " G ", "middleName": "M" } }),
            json!({ "userName": "five-writes-one-word", "name": { "familyName": "" } }),
            json!({ "userName": "five-writes-text", "active": "True" }),
            json!({ "userName": "five-writes-phone", "phoneNumbers": [{ "value": "+12015550123" }] }),
            json!({ "userName": "five-writes-gone", "active": false }),
            json!({ "userName": "five-writes-gone" }),
            json!({ "userName": "five-writes-key", "externalId": "five-writes-key" }),
            json!({ "displayName": "nameless" }),
        ];
        for body in bodies {
            let id = self.sample5_user("POST", "/Users", body);
            self.get(&format!("/Users/{id}"));
        }
        self.write("POST", "/Users", json!({ "schemas": ["urn:example:none"], "userName": "five-writes-foreign" }));
        let group = json!({ "schemas": [GROUP], "displayName": "five-writes", "externalId": "five-writes-key" });
        self.write("POST", "/Groups", group);
    }

    fn sample5_replacement(&mut self) {
        let id = self.sample5_user("POST", "/Users", json!({ "userName": "five-writes-old", "externalId": "old" }));
        let path = format!("/Users/{id}");
        self.sample5_user("PUT", &path, json!({ "userName": "five-writes-new", "externalId": "new" }));
        self.get(&path);
        let body = json!({ "schemas": [USER], "userName": "five-writes-newer", "title": "T" });
        self.write("PUT", &format!("{path}?attributes=title"), body);
        self.send("PUT", "/Users", &[], Payload::Absent);
        let on = |active: bool| json!({ "op": "replace", "path": "active", "value": active });
        self.patch(&path, json!([on(false), on(true)]));
        self.send("DELETE", &path, &[], Payload::Absent);
    }

    fn sample5_requests(&mut self) {
        self.send("GET", "/Users?count=1", &[("host", "h")], Payload::Absent);
        self.send("POST", "/Users", &[], Payload::Malformed("cut off".into()));
        let again = json!({ "schemas": [USER], "userName": "five-writes-mail" });
        let operations = json!([
            { "method": "POST", "path": "/Users", "bulkId": "a", "data": again },
            { "method": "MOVE", "path": "/Users", "bulkId": "b", "data": again },
        ]);
        let schema = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
        self.write("POST", "/Bulk", json!({ "schemas": [schema], "Operations": operations }));
    }
}
