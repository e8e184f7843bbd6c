//! Requests of reports from the field: what the faults of `faults/field.rs` and `faults/field_writes.rs` listen for.

use super::{BADGE, DEVICE, ENTERPRISE, Payload, Tour, USER, WARRANTY};
use serde_json::{Value, json};

impl Tour {
    pub(super) fn field(&mut self) {
        self.field_creates();
        self.field_patches();
        self.field_changes();
        self.field_devices();
    }

    fn field_user(&mut self, more: Value) -> String {
        let mut body = json!({ "schemas": [USER] });
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let id = Tour::id(&self.write("POST", "/Users", body));
        self.get(&format!("/Users/{id}"));
        id
    }

    /// Bodies that crashed somebody.
    fn field_creates(&mut self) {
        let mails = json!([
            { "type": "home", "value": "field1@example.com" },
            { "type": "home", "value": "field2@example.com" },
            { "value": "field3@example.com" },
        ]);
        let unnamed = json!({ "type": "work", "streetAddress": null, "locality": "L" });
        for more in [
            json!({ "userName": "field-empty-password", "password": "" }),
            json!({ "userName": "" }),
            json!({ "userName": "$field" }),
            json!({ "userName": "field's" }),
            json!({ "userName": "field/slash" }),
            json!({ "userName": "field-mails", "emails": mails }),
            json!({ "userName": "field-hollow", "emails": [{ "type": "work" }] }),
            json!({ "userName": "field-locale", "locale": "en*US" }),
            json!({ "userName": "field-certified", "x509Certificates": [{ "value": "QUFB" }] }),
            json!({ "userName": "field-address", "addresses": [unnamed] }),
            json!({ "userName": "field-grouped", "groups": [{ "value": "nowhere" }] }),
            json!({ "userName": "field-text-manager", ENTERPRISE: { "manager": "nobody" } }),
        ] {
            self.field_user(more);
        }
        self.write("POST", "/Users", json!({ "schemas": [USER], "USERNAME": "field-capitals" }));
        self.write("POST", "/Users", json!({ "userName": "field-bare" }));
        self.filter("/Users", "userName eq \"$field\"");
        self.filter("/Users", "userName eq \"field's\"");
    }

    fn field_patches(&mut self) {
        let mails = json!([{ "type": "work", "value": "patched@example.com", "primary": true }]);
        let id = self.field_user(json!({
            "userName": "field-patched", "password": "Field-Pw1!", "displayName": "Field", "externalId": "field-key",
            "emails": mails, "roles": [{ "value": "reader" }],
        }));
        let at = format!("/Users/{id}");
        let extension = json!({ ENTERPRISE: { "department": "Support" } });
        let roles = json!([{ "value": "reader" }, { "value": "writer" }]);
        for operation in [
            json!({ "op": "add", "path": "name.givenName", "value": "A" }),
            json!({ "op": "add", "path": "emails[type eq \"home\"].value", "value": "h@example.com" }),
            json!({ "op": "replace", "path": format!("{ENTERPRISE}:department"), "value": "Sales" }),
            json!({ "op": "replace", "path": "password", "value": "Field-Pw1!" }),
            json!({ "op": "replace", "path": "title" }),
            json!({ "op": "remove", "path": "title" }),
            json!({ "op": "add", "path": ENTERPRISE, "value": { "department": "Sales" } }),
            json!({ "op": "replace", "path": format!("{ENTERPRISE}:manager"), "value": { "value": id } }),
            json!({ "op": "add", "value": { "phoneNumbers": [{ "value": "1", "type": "work" }] } }),
            json!({ "op": "add", "value": { "phoneNumbers": [{ "value": "2", "type": "home" }] } }),
            json!({ "op": "add", "path": "roles", "value": roles }),
            json!({ "op": "replace", "path": "active", "value": false }),
            json!({ "op": "add", "path": "roles[value eq \"reader\"].display", "value": "Reader" }),
            json!({ "op": "add", "value": { "nickName": "Shaggy" } }),
            json!({ "op": "add", "value": extension }),
            json!({ "op": "replace", "value": { format!("{ENTERPRISE}:costCenter"): "1" } }),
            json!({ "op": "replace", "path": format!("{USER}:emails[type eq \"work\"].value"), "value": "w@example.com" }),
            json!({ "op": "replace", "path": "emails[primary eq true].value", "value": "p@example.com" }),
            json!({ "op": "add", "path": "emails", "value": [{ "value": "o@example.com", "type": "other" }] }),
            json!({ "op": "replace", "path": "externalId", "value": "field-key-2" }),
        ] {
            self.patch(&at, json!([operation]));
            self.get(&at);
        }
        let twice = json!([
            { "op": "replace", "path": "title", "value": "First" },
            { "op": "replace", "path": "title", "value": "Second" },
        ]);
        self.patch(&at, twice);
        let lower = json!([{ "op": "replace", "path": "title", "value": "Third" }]);
        self.write("PATCH", &at, json!({ "schemas": [crate::scim::urn::PATCH_OP], "operations": lower }));
        self.patch("/Users/field-nobody", json!([{ "op": "replace", "path": "title", "value": "x" }]));
    }

    fn field_changes(&mut self) {
        let mails = json!([{ "type": "home", "value": "changed@example.com" }]);
        let other = self.field_user(json!({ "userName": "field-other", "externalId": "field-other-key" }));
        let id = self.field_user(json!({ "userName": "field-changed", "emails": mails, "displayName": "Old" }));
        let at = format!("/Users/{id}");
        self.patch(&at, json!([{ "op": "replace", "path": "externalId", "value": "field-other-key" }]));
        let new = json!([{ "type": "home", "value": "new@example.com" }]);
        self.write(
            "PUT",
            &at,
            json!({ "schemas": [USER], "userName": "field-changed", "emails": new, "displayName": "New" }),
        );
        let groups = json!([{ "value": "nowhere" }]);
        self.write("PUT", &at, json!({ "schemas": [USER], "userName": "field-changed", "groups": groups }));
        self.write("PUT", &at, json!({ "schemas": [USER], "userName": "field-other" }));
        self.get(&format!("/Users/{other}"));
        self.send("DELETE", &at, &[], Payload::Absent);
        self.send("DELETE", &at, &[], Payload::Absent);
    }

    fn field_devices(&mut self) {
        let body = json!({
            "schemas": [DEVICE, WARRANTY], "serial": "field", "bought": "2020-01-31T08:30:00Z", "tags": ["a", "b"],
            WARRANTY: { "contract": "c", "ends": "2030-01-31T08:30:00Z" },
        });
        let id = Tour::id(&self.write("POST", "/Devices", body));
        let at = format!("/Devices/{id}");
        self.get(&at);
        self.patch(&at, json!([{ "op": "add", "path": "tags", "value": ["c"] }]));
        self.patch(&at, json!([{ "op": "remove", "path": "tags[value eq \"c\"]" }]));
        self.patch(&at, json!([{ "op": "remove", "path": "serial" }]));
        self.get(&at);
        self.field_user(json!({ "userName": "field-badge", BADGE: { "number": "f", "doors": ["1", "2"] } }));
    }
}
