//! Reads that public servers failed on: what the faults of `faults/sample_reads*.rs` listen for.

use super::{ENTERPRISE, GROUP, Payload, Tour, USER};
use serde_json::json;

impl Tour {
    pub(super) fn sample_reads(&mut self) {
        let user = self.sampled_user();
        let inner = self.write("POST", "/Groups", json!({ "schemas": [GROUP], "displayName": "Sampled inner" }));
        let members = json!([{ "value": user }, { "value": Tour::id(&inner) }]);
        let outer = json!({ "schemas": [GROUP], "displayName": "Sampled", "externalId": "s", "members": members });
        let outer = Tour::id(&self.write("POST", "/Groups", outer));
        self.sampled_filters(&outer);
        for query in ["", "?startIndex=3&count=1000", "?count=0", "?startIndex=0&count=1", "?startIndex=1000000"] {
            self.get(&format!("/Users{query}"));
        }
        self.get("/Groups?count=1000");
        let search = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
        let found = json!({ "schemas": [search], "filter": "userName eq \"sampled@example.com\"" });
        self.write("POST", "/Users/.search", found);
        let path = format!("/Users/{user}");
        for query in ["", "?attributes=userName", "?attributes=userName,title", "?attributes=name.familyName.first"] {
            self.get(&format!("{path}{query}"));
        }
        for accept in ["application/json", "application/*"] {
            self.send("GET", &path, &[("accept", accept)], Payload::Absent);
        }
        self.get("/Users/nobody");
        self.get("/Users?filter=userName+eq");
    }

    fn sampled_user(&mut self) -> String {
        let body = json!({
            "schemas": [USER, ENTERPRISE], "userName": "sampled@example.com", "externalId": "Sampled",
            "displayName": "A sampled one", "title": "Sample", "active": true, "name": { "givenName": "Sam" },
            "emails": [{ "value": "1@sampled.example", "type": "work" }, { "value": "2@sampled.example", "type": "home" }],
            ENTERPRISE: { "department": "Samples", "employeeNumber": "701984" },
        });
        Tour::id(&self.write("POST", "/Users", body))
    }

    fn sampled_filters(&mut self, group: &str) {
        for text in [
            "emails.value eq \"1@sampled.example\"",
            "emails co \"sampled.example\"",
            "userName eq \"sampled@example.com\" and nickName eq null",
            "title eq \"Sample\" and active eq true",
            "meta.lastModified pr",
            "EXTERNALID eq \"Sampled\"",
            "title eq \"Sample\" and ew \"1\"",
            "externalId eq \"Sampled\"",
            "displayName ew \"sampled one\"",
            &format!("groups.value eq \"{group}\" and name.givenName co \"S\""),
            &format!("{ENTERPRISE}:department eq \"none\""),
            "userName eq \"a#b?\"",
        ] {
            self.filter("/Users", text);
        }
        self.filter("/Groups", "displayName eq \"Sampled\" and externalId eq \"other\"");
    }
}
