//! Requests that public servers failed on: what the faults of `faults/sample_writes*.rs` listen for.

use super::{ENTERPRISE, GROUP, Payload, Tour, USER};
use crate::server::inventory::{BADGE, DEVICE, WARRANTY};
use serde_json::{Value, json};

impl Tour {
    pub(super) fn sample_writes(&mut self) {
        let boss = self.user("written-boss");
        self.sample_creates(&boss);
        let id = self.sample_replacements();
        self.sample_devices();
        self.sample_groups(&id, &boss);
        self.sample_bulk(&id);
        self.sample_tags(&format!("/Users/{id}"));
        self.send("DELETE", &format!("/Users/{id}"), &[], Payload::Absent);
    }

    fn sample_user(&mut self, more: Value) -> String {
        let mut body = json!({ "schemas": [USER, ENTERPRISE, BADGE] });
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        Tour::id(&self.write("POST", "/Users", body))
    }

    fn sample_creates(&mut self, boss: &str) {
        let bodies = [
            json!({ "userName": "written-tel", "phoneNumbers": [{ "value": "tel:+1-222-333-4444" }] }),
            json!({ "userName": "written-local", "phoneNumbers": [{ "value": "555-555-5555" }] }),
            json!({ "userName": "written-plus", "phoneNumbers": [{ "value": "+12223334444" }] }),
            json!({ "userName": "written-entitled", "entitlements": [{ "value": "e" }] }),
            json!({ "userName": "written-inactive", "active": false }),
            json!({ "userName": "written-led", ENTERPRISE: { "manager": { "value": boss } } }),
            json!({ "userName": "written-costs", ENTERPRISE: { "costCenter": "1" } }),
            json!({ "userName": "written-lives", "addresses": [{ "type": "work", "locality": "L", "primary": true }] }),
            json!({ "userName": "written-known", "externalId": "written-known" }),
            json!({ "userName": "written-mail", "emails": [{ "value": "s@example.com" }, { "value": "t@example.com", "type": "work" }] }),
            json!({ "userName": "written-mail", "emails": [{ "value": "S@example.com" }] }),
            json!({ "userName": "written-weak", "password": "a" }),
            json!({ "userName": "written-doors", BADGE: { "doors": ["a", "b"], "issued": "2020-01-31T08:30:00Z" } }),
            json!({ "userName": "written-empty", BADGE: { "code": "" } }),
        ];
        for body in bodies {
            let id = self.sample_user(body);
            self.get(&format!("/Users/{id}"));
        }
    }

    /// One user, replaced in many ways.
    fn sample_replacements(&mut self) -> String {
        let mails = json!([{ "value": "own@example.com", "type": "work" }]);
        let name = json!({ "formatted": "A B" });
        let id = self.sample_user(json!({
            "userName": "written", "externalId": "one", "displayName": "One", "name": name, "emails": mails, "active": false,
            BADGE: { "doors": ["a"] },
        }));
        let path = format!("/Users/{id}");
        self.patch(&path, json!([{ "op": "replace", "path": "title", "value": "T" }]));
        self.patch(&path, json!([{ "op": "remove", "path": format!("{BADGE}:doors") }]));
        for more in [
            json!({ "userName": "written", "title": "U" }),
            json!({ "userName": "written", "active": false }),
            json!({ "userName": "written-boss" }),
            json!({ "userName": "written", "externalId": "one", "emails": mails, "name": name, "displayName": "One" }),
            json!({ "userName": "written", "externalId": "two", "emails": [{ "value": "New@example.com" }], "name": name, "displayName": "Two" }),
            json!({ "userName": "writtend", "emails": [{ "value": "new@example.com" }], "password": "Secret-1" }),
            json!({ "userName": "writtend-too", "emails": [{ "value": "new@example.com" }] }),
            json!({ "userName": "writtend", BADGE: { "printedBy": "me" } }),
        ] {
            let mut body = json!({ "schemas": [USER, BADGE] });
            body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            self.write("PUT", &path, body);
            self.get(&path);
        }
        id
    }

    fn sample_devices(&mut self) {
        let device = |vendor: &str| {
            json!({
                "schemas": [DEVICE, WARRANTY], "serial": "written", "vendor": vendor, WARRANTY: { "contract": "c" },
            })
        };
        let id = Tour::id(&self.write("POST", "/Devices", device("A")));
        self.write("PUT", &format!("/Devices/{id}"), device("B"));
    }

    fn sample_groups(&mut self, first: &str, second: &str) {
        let member = |id: &str| json!({ "value": id });
        let group = json!({ "schemas": [GROUP], "displayName": "Written", "members": [member(first)] });
        let path = format!("/Groups/{}", Tour::id(&self.write("POST", "/Groups", group)));
        self.patch(&path, json!([{ "op": "add", "path": "members", "value": [member(second)] }]));
        self.get(&path);
        self.write("PUT", &path, json!({ "schemas": [GROUP], "displayName": "Written", "members": [member(first)] }));
        self.write("PUT", &path, json!({ "schemas": [GROUP] }));
        self.send("DELETE", &path, &[], Payload::Absent);
    }

    fn sample_bulk(&mut self, id: &str) {
        let urn = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
        let message = |value: Value| json!({ "schemas": [crate::scim::urn::PATCH_OP], "Operations": [value] });
        let choir = Tour::id(&self.write("POST", "/Groups", json!({ "schemas": [GROUP], "displayName": "Choir" })));
        let user = |name: &str| json!({ "schemas": [USER], "userName": name });
        for operations in [
            json!([{ "method": "PATCH", "path": format!("/Users/{id}"), "data": message(json!({ "op": "replace", "path": "title", "value": "x" })) }]),
            json!([
                { "method": "POST", "path": "/Users", "bulkId": "s", "data": user("written-singer") },
                { "method": "PATCH", "path": format!("/Groups/{choir}"), "data": message(json!({ "op": "add", "path": "members", "value": [{ "value": "bulkId:s" }] })) },
            ]),
            json!([
                { "method": "POST", "path": "/Users", "data": user("written-one") },
                { "method": "POST", "path": "/Users", "data": user("written-two") },
            ]),
        ] {
            self.write("POST", "/Bulk", json!({ "schemas": [urn], "Operations": operations }));
        }
    }

    fn sample_tags(&mut self, path: &str) {
        let tag = self.get(path).header("ETag").unwrap_or_default().to_owned();
        let body = json!({ "schemas": [crate::scim::urn::PATCH_OP], "Operations": [{ "op": "replace", "path": "title", "value": "tagged" }] });
        let headers = [("content-type", "application/scim+json"), ("if-match", tag.as_str())];
        self.send("PATCH", path, &headers, Payload::Json(body));
    }
}
