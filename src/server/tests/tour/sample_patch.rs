//! What the third sample of faults listens for: PATCH of users and groups.

use super::{ENTERPRISE, GROUP, Tour, USER};
use crate::server::inventory::BADGE;
use serde_json::{Value, json};

impl Tour {
    pub(super) fn sample_patch(&mut self) {
        self.sample_patched();
        self.sample_elements();
        self.sample_untyped();
        self.sample_members();
        self.sample_nested();
    }

    /// Single values, names, extensions.
    fn sample_patched(&mut self) {
        let crew = Tour::id(&self.write(
            "POST",
            "/Groups",
            json!({ "schemas": [GROUP], "displayName": "Sample crew", "members": [] }),
        ));
        let boss = self.user("sample-boss");
        let made = self.write(
            "POST",
            "/Users",
            json!({
                "schemas": [USER, ENTERPRISE, BADGE], "userName": "sample", "displayName": "Sam Ple", "title": "T",
                "name": { "formatted": "Sam Ple" }, "externalId": "sample-key",
                "addresses": [{ "type": "work", "locality": "Prague", "country": "CZ" }],
                ENTERPRISE: { "department": "Sales" }, BADGE: { "color": "red" },
            }),
        );
        let path = format!("/Users/{}", Tour::id(&made));
        for step in [
            json!([{ "op": "replace", "path": "nickName", "value": "Sam" }]),
            json!([{ "op": "replace", "path": "displayName", "value": "Sam P." }]),
            json!([{ "op": "replace", "path": "externalId", "value": null }]),
            json!([{ "op": "add", "path": "externalId", "value": "sample-key" }]),
            json!([{ "op": "replace", "path": "title", "value": null }]),
            json!([{ "op": "replace", "path": "nickName" }]),
            json!([{ "op": "replace", "value": {} }]),
            json!([{ "op": "replace", "path": format!("{ENTERPRISE}:manager"), "value": { "value": boss } }]),
            json!([{ "op": "replace", "path": format!("{ENTERPRISE}:department"), "value": 7 }]),
            json!([{ "op": "replace", "path": format!("{ENTERPRISE}:costCenter"), "value": "C" }]),
            json!([{ "op": "replace", "path": ENTERPRISE, "value": { "department": "Ops" } }]),
            json!([{ "op": "remove", "path": format!("{BADGE}:color") }]),
            json!([{ "op": "remove", "path": "displayName" }]),
            json!([{ "op": "add", "value": { "groups": [{ "value": crew }] } }]),
            json!([{ "op": "replace", "value": { "active": false } }]),
        ] {
            self.patch(&path, step);
            self.get(&path);
        }
    }

    /// Lists of users.
    fn sample_elements(&mut self) {
        let email = |kind: &str, primary: bool| json!({ "value": format!("{kind}@sample.example"), "type": kind, "primary": primary });
        let both = json!([email("work", true), email("home", false)]);
        let made = self.write("POST", "/Users", json!({ "schemas": [USER], "userName": "sample-two", "emails": both }));
        let path = format!("/Users/{}", Tour::id(&made));
        for step in [
            json!([{ "op": "replace", "path": "emails", "value": both }]),
            json!([{ "op": "replace", "path": "emails[type eq \"home\"].value", "value": "h2@sample.example" }]),
            json!([{ "op": "replace", "path": "emails[type eq \"other\"].value", "value": "o@sample.example" }]),
            json!([
                { "op": "add", "path": "addresses[type eq \"work\"].locality", "value": "Brno" },
                { "op": "add", "path": "addresses[type eq \"work\"].country", "value": "CZ" },
            ]),
            json!([{ "op": "replace", "path": "phoneNumbers[type eq \"fax\"]", "value": { "value": "+1 555 0199" } }]),
            json!([{ "op": "add", "path": "emails", "value": [{ "value": "x@sample.example" }] }]),
            json!([{ "op": "replace", "path": "emails", "value": [{ "value": "y@sample.example", "type": "work" }] }]),
        ] {
            self.patch(&path, step);
            self.get(&path);
        }
    }

    /// An element without a type, and two changes.
    fn sample_untyped(&mut self) {
        let body =
            json!({ "schemas": [USER], "userName": "sample-plain", "emails": [{ "value": "p@sample.example" }] });
        let path = format!("/Users/{}", Tour::id(&self.write("POST", "/Users", body)));
        for title in ["one", "two"] {
            self.patch(&path, json!([{ "op": "replace", "path": "title", "value": title }]));
        }
    }

    /// Members of a group by PATCH and PUT.
    fn sample_members(&mut self) {
        let ids: Vec<String> = (0..3).map(|n| self.user(&format!("sample-m{n}"))).collect();
        let member = |n: usize| json!({ "value": ids[n] });
        let group = |members: Value| json!({ "schemas": [GROUP], "displayName": "Sample", "members": members });
        let team = Tour::id(&self.write("POST", "/Groups", group(json!([member(0), member(1)]))));
        let path = format!("/Groups/{team}");
        for step in [
            json!([{ "op": "add", "path": "members", "value": [member(2)] }]),
            json!([{ "op": "remove", "path": format!("members[value eq \"{}\" and value ne \"{}\"]", ids[2], ids[0]) }]),
            json!([{ "op": "remove", "path": "members[value eq \"sample-ghost\"]" }]),
            json!([{ "op": "remove", "path": "members" }, { "op": "add", "path": "members", "value": [member(0)] }]),
            json!([{ "op": "replace", "path": "displayName", "value": "Sample, renamed" }]),
            json!([{ "op": "replace", "value": { "id": team, "displayName": "Sample", "members": [] } }]),
            json!([
                { "op": "replace", "path": "displayName", "value": "Sample, refused" },
                { "op": "add", "path": "members", "value": [{ "value": "sample-ghost" }] },
            ]),
        ] {
            self.patch(&path, step);
            self.get(&path);
        }
        self.write("PUT", &path, group(json!([member(0), member(1)])));
        self.write("PUT", &path, group(json!([{ "value": ids[0], "display": "Somebody" }, member(1)])));
        self.write("PUT", &path, group(json!([member(0)])));
        self.send("DELETE", &format!("/Users/{}", ids[0]), &[], crate::server::call::Payload::Absent);
        self.patch(&path, json!([{ "op": "add", "path": "members", "value": [member(1)] }]));
    }

    /// A group in a group, and in itself.
    fn sample_nested(&mut self) {
        let user = self.user("sample-inner");
        let group = |name: &str, members: Value| json!({ "schemas": [GROUP], "displayName": name, "members": members });
        let inner = Tour::id(&self.write("POST", "/Groups", group("Sample inner", json!([]))));
        let members = json!([{ "value": user }, { "value": inner, "type": "Group" }]);
        let outer = Tour::id(&self.write("POST", "/Groups", group("Sample outer", members)));
        self.get("/Groups?filter=displayName+eq+%22Sample+outer%22");
        let path = format!("/Groups/{outer}");
        for step in [
            json!([{ "op": "remove", "path": format!("members[value eq \"{user}\"]") }]),
            json!([{ "op": "add", "path": "members", "value": [{ "value": outer, "type": "Group" }] }]),
            json!([{ "op": "remove", "path": format!("members[value eq \"{inner}\"]") }]),
        ] {
            self.patch(&path, step);
            self.get(&path);
        }
    }
}
