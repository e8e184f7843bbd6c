//! One long conversation with a server inside the process, written down so that two servers can be compared.

use crate::server::auth::Credentials;
use crate::server::behaviour::{Hook, Plan};
use crate::server::call::{Call, Payload, Target, parse_query};
use crate::server::inventory::{BADGE, DEVICE, WARRANTY};
use crate::server::reply::{Content, Reply};
use crate::server::service::Service;
use crate::server::state::State;
use regex::Regex;
use serde_json::{Value, json};
use std::sync::LazyLock;

const BASE: &str = "http://h/scim/v2";
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

const PARTS: &[fn(&mut Tour)] = &[
    Tour::discovery,
    Tour::creates,
    Tour::lists,
    Tour::filters,
    Tour::patches,
    Tour::puts,
    Tour::groups,
    Tour::life,
    Tour::errors,
    Tour::tokens,
    Tour::bulk,
    Tour::beyond,
    Tour::particular,
    Tour::whole,
    Tour::reported,
];

/// A server without a socket, and what was said.
pub struct Tour {
    plan: Plan,
    state: State,
    credentials: Credentials,
    pub log: Vec<String>,
    ids: Vec<String>,
}

impl Tour {
    pub fn new(hooks: &[Hook]) -> Tour {
        let mut plan = Plan::default();
        plan.add(hooks);
        let credentials =
            Credentials { token: Some("one".into()), other_token: Some("two".into()), ..Credentials::default() };
        Tour { plan, state: State::default(), credentials, log: Vec::new(), ids: Vec::new() }
    }

    pub fn send(&mut self, method: &str, url: &str, headers: &[(&str, &str)], body: Payload) -> Reply {
        let (path, query) = match url.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (url, None),
        };
        let mut call = Call {
            method: method.into(),
            path: path.into(),
            target: Target::parse(path),
            query: parse_query(query),
            raw_query: query.unwrap_or_default().into(),
            headers: headers.iter().filter(|(_, v)| *v != "-").map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            body,
            base: BASE.into(),
            tenant: 0,
            memo: None,
            snapshot: None,
        };
        if call.header("authorization").is_none() && !headers.iter().any(|(k, _)| *k == "authorization") {
            call.headers.push(("authorization".into(), "Bearer one".into()));
        }
        let mut service =
            Service { plan: &self.plan, state: &mut self.state, credentials: &self.credentials, me: None };
        let reply = service.answer(&mut call);
        let entry = format!("{method} {url} -> {}", self.written(&reply));
        let entry = self.anonymous(&entry);
        self.log.push(entry);
        reply
    }

    fn written(&self, reply: &Reply) -> String {
        let mut headers = reply.headers.clone();
        headers.sort();
        let body = match &reply.content {
            Content::Empty => "-".to_owned(),
            Content::Json(value) => {
                let mut value = value.clone();
                relate_times(&mut value);
                format!("{} {value}", reply.media_type)
            }
            Content::Text(kind, text) => format!("{kind} {text}"),
        };
        format!("{} {headers:?} {body}", reply.status)
    }

    /// Ids of the server become numbers in the order of their appearance.
    fn anonymous(&mut self, text: &str) -> String {
        static ID: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").expect("a pattern")
        });
        ID.replace_all(text, |found: &regex::Captures<'_>| {
            let id = found[0].to_owned();
            let place = self.ids.iter().position(|known| *known == id).unwrap_or_else(|| {
                self.ids.push(id);
                self.ids.len() - 1
            });
            format!("<{place}>")
        })
        .into_owned()
    }

    pub fn get(&mut self, url: &str) -> Reply {
        self.send("GET", url, &[], Payload::Absent)
    }

    pub fn write(&mut self, method: &str, url: &str, body: Value) -> Reply {
        let kind = [("content-type", "application/scim+json")];
        self.send(method, url, &kind, Payload::Json(body))
    }

    fn patch(&mut self, url: &str, operations: Value) -> Reply {
        self.write("PATCH", url, json!({ "schemas": [crate::scim::urn::PATCH_OP], "Operations": operations }))
    }

    fn id(reply: &Reply) -> String {
        let id = reply.body().and_then(|b| b.get("id")?.as_str().map(str::to_owned));
        id.unwrap_or_else(|| "lost".into())
    }

    fn user(&mut self, name: &str) -> String {
        Tour::id(&self.write("POST", "/Users", json!({ "schemas": [USER], "userName": name, "active": true })))
    }

    /// Says everything that the variants listen for.
    pub fn run(mut self) -> Vec<String> {
        for part in PARTS {
            part(&mut self);
        }
        self.log
    }

    fn discovery(&mut self) {
        self.get("/ServiceProviderConfig");
        self.get("/ResourceTypes");
        self.get("/ResourceTypes/User");
        self.get("/Schemas");
        self.get(&format!("/Schemas/{ENTERPRISE}"));
        self.get("/Me");
        self.send("GET", "/Schemas", &[("authorization", "-")], Payload::Absent);
        self.get("/Users?filter=userName+eq+%22nobody%22");
        self.get("/?filter=userName+eq+%22nobody%22");
    }

    fn creates(&mut self) {
        let boss = self.user("boss@example.com");
        let full = json!({
            "schemas": [USER, ENTERPRISE], "userName": "Mixed.Case@example.com", "externalId": "AbC", "id": "client-id",
            "meta": { "resourceType": "User" }, "password": "secret", "active": true, "title": "T",
            "name": { "givenName": "Ann", "familyName": "Müller" }, "displayName": "D".repeat(80),
            "emails": [{ "value": "a+b@example.com", "type": "work", "primary": true }, { "value": "h@example.com", "type": "home" }],
            "phoneNumbers": [{ "value": "+1 555 0100", "type": "work" }],
            ENTERPRISE: { "department": "Sales", "costCenter": "C1", "manager": { "value": boss } },
        });
        let made = self.write("POST", "/Users", full);
        let id = Tour::id(&made);
        self.get(&format!(
            "/Users/{}",
            crate::server::location("", crate::server::call::Kind::User, &id).rsplit('/').next().unwrap_or_default()
        ));
        self.get("/Users?filter=userName+eq+%22mixed.case@example.com%22");
        let fresh = self.user("fresh@example.com");
        self.get(&format!("/Users/{fresh}"));
        self.write("POST", "/Users", json!({ "schemas": [USER], "userName": "mixed.case@example.com" }));
        self.write("POST", "/Users", json!({ "schemas": [USER], "userName": "boss@example.com" }));
        self.write(
            "POST",
            "/Users",
            json!({ "schemas": [USER], "userName": "mail2", "emails": [{ "value": "a+b@example.com" }] }),
        );
        self.write("POST", "/Users", json!({ "userName": "plain", "active": false, "zz9": 1 }));
        self.write("POST", "/Users", json!({ "schemas": [USER], "username": "odd-case" }));
        self.write("POST", "/Users", json!({ "schemas": [USER], "userName": " " }));
        self.write("POST", "/Users", json!({ "schemas": [USER], "userName": "x", "name": "y" }));
        self.write("POST", "/Users", json!({ "schemas": [USER], "userName": "formatted", "name": { "givenName": "A" }, "emails": [{ "value": "f@example.com" }] }));
        self.send(
            "POST",
            "/Users",
            &[("content-type", "application/json; charset=utf-8"), ("accept", "application/scim+json")],
            Payload::Json(json!({ "userName": "charset" })),
        );
        self.write("POST", "/Users", json!({ "schemas": [USER], "userName": "nulls", "nickName": null }));
        self.write("POST", "/Users", json!({ "schemas": [USER], "userName": "empties", "emails": [] }));
        self.write("POST", "/Groups", json!({ "schemas": [GROUP] }));
        let deleted = self.user("again");
        self.send("DELETE", &format!("/Users/{deleted}"), &[], Payload::Absent);
        self.get(&format!("/Users/{deleted}"));
        self.user("again");
    }

    fn lists(&mut self) {
        for query in [
            "",
            "?startIndex=1&count=2",
            "?startIndex=4&count=3",
            "?startIndex=101&count=100",
            "?count=0",
            "?count=-1",
            "?count=50",
            "?count=5000",
            "?startIndex=0&count=1",
            "?startIndex=-1&count=1",
            "?count=abc",
            "?startIndex=7&count=100",
            "?startIndex=1000000&count=1",
            "?filter=userName+eq+boss@example.com",
            "?sortBy=userName&sortOrder=descending&count=2",
            "?sortBy=zz9",
            "?cursor&count=3",
            "?cursor=YWZ0ZXI6Mw&count=100",
            "?cursor=zz",
            "?attributes=userName",
            "?attributes=name",
            "?attributes=USERNAME",
            "?excludedAttributes=emails,id",
            "?attributes=zz9",
            "?x=1",
        ] {
            self.get(&format!("/Users{query}"));
        }
        self.get("/Users/?startIndex=1&count=1");
        let search = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
        self.write("POST", "/Users/.search", json!({ "schemas": [search], "filter": "active eq false" }));
        self.send("HEAD", "/Users", &[], Payload::Absent);
        self.send("GET", "/Users", &[("content-type", "application/json")], Payload::Absent);
    }

    fn filters(&mut self) {
        let filters = [
            "userName eq \"boss\"",
            "userName eq \"BOSS@example.com\"",
            "USERNAME eq \"plain\"",
            "userName EQ \"plain\"",
            "externalId eq \"abc\"",
            "externalId eq \"AbC\"",
            "emails.value eq \"a+b@example.com\"",
            "emails[type eq \"work\"].value eq \"a+b@example.com\"",
            "emails[value co \"h@\"]",
            "title ne \"x\"",
            "title pr",
            "active eq true",
            "active eq false and (title eq \"z\" or userName eq \"plain\")",
            "userName eq \"plain\" and not (active eq true)",
            "active eq false and (title eq \"z\" or userName eq \"charset\")",
            "userName sw \"m\" or userName sw \"pl\"",
            "userName co \"lai\"",
            "userName sw \"lai\"",
            "userName ew \"lai\"",
            "userName gt \"plain\"",
            "userName ge \"plain\"",
            "userName lt \"plain\"",
            "userName le \"plain\"",
            "title eq \"T\" and active eq true",
            "id eq \"x\"",
            "meta.lastModified gt \"2099-01-01T00:00:00Z\"",
            "userName eq",
            "zz9 eq \"x\"",
            "displayName eq \"o'x\"",
            "name.familyName eq \"Müller\"",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq \"Sales\"",
            "displayName eq \"100 % x\"",
            "userName co \"pla\" and userName pr",
        ];
        for text in filters {
            self.filter("/Users", text);
        }
        self.filter("/Users", &format!("{USER}:userName eq \"plain\""));
        self.get("/Users?filter=userName%20eq%20%22plain%22&count=10&startIndex=1");
    }

    fn filter(&mut self, path: &str, text: &str) {
        let query: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        self.get(&format!("{path}?filter={query}"));
    }

    fn patches(&mut self) {
        let boss = self.user("chief");
        let path = format!("/Users/{}", self.user("patched@example.com"));
        let steps = [
            json!([{ "op": "add", "path": "externalId", "value": "e7" }]),
            json!([{ "op": "add", "path": "emails", "value": [{ "type": "work", "value": "w@example.com", "primary": true }] }]),
            json!([{ "op": "add", "path": "emails", "value": [{ "type": "home", "value": "h@example.com", "primary": true }] }]),
            json!([{ "op": "add", "path": "emails", "value": [{ "type": "home", "value": "h@example.com", "primary": true }] }]),
            json!([{ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "w2@example.com" }]),
            json!([{ "op": "remove", "path": "emails[type eq \"home\"]" }]),
            json!([{ "op": "replace", "path": "emails", "value": [{ "type": "other", "value": "o@example.com" }] }]),
            json!([{ "op": "add", "path": "emails", "value": [{ "type": "work", "value": "z@example.com" }] }]),
            json!([{ "op": "remove", "path": "emails", "value": [{ "value": "z@example.com" }] }]),
            json!([{ "op": "replace", "path": "emails", "value": null }]),
            json!([{ "op": "Add", "path": "emails[type eq \"work\"].value", "value": "w@example.com" }]),
            json!([{ "op": "Add", "path": "emails[type eq \"work\"].value", "value": "w3@example.com" }]),
            json!([{ "op": "replace", "path": "meta", "value": {} }]),
            json!([{ "op": "Replace", "path": "displayName", "value": "New" }]),
            json!([{ "op": "add", "path": "displayName", "value": "Newer" }]),
            json!([{ "op": "replace", "path": "title", "value": "T" }]),
            json!([{ "op": "replace", "path": "title", "value": "T" }]),
            json!([{ "op": "replace", "path": "name", "value": { "givenName": "G", "familyName": "F" } }]),
            json!([{ "op": "replace", "path": "name.familyName", "value": "F2" }]),
            json!([{ "op": "replace", "value": { "name.familyName": "Newname" } }]),
            json!([{ "op": "replace", "path": format!("{ENTERPRISE}:department"), "value": "Sales" }, { "op": "add", "path": format!("{ENTERPRISE}:costCenter"), "value": "C" }]),
            json!([{ "op": "replace", "path": format!("{ENTERPRISE}:department"), "value": "Ops" }]),
            json!([{ "op": "add", "path": format!("{ENTERPRISE}:manager"), "value": boss }]),
            json!([{ "op": "remove", "path": format!("{ENTERPRISE}:manager") }]),
            json!([{ "op": "replace", "path": "nickName", "value": "one" }, { "op": "replace", "path": "nickName", "value": "two" }]),
            json!([{ "op": "replace", "path": "title", "value": "half" }, { "op": "replace", "path": "zz9", "value": 1 }]),
            json!([{ "op": "remove", "path": "title" }]),
            json!([{ "op": "remove", "path": "title" }]),
            json!([{ "op": "replace", "path": "TITLE", "value": "upper" }]),
            json!([{ "op": "remove", "path": "userName" }]),
            json!([{ "op": "replace", "path": "userName", "value": "chief" }]),
            json!([{ "op": "replace", "path": "userName", "value": "patched2@example.com" }]),
            json!([{ "op": "replace", "path": "id", "value": "another" }]),
            json!([{ "op": "move", "path": "title" }]),
            json!([{ "op": "remove" }]),
            json!([{ "op": "replace", "path": "emails[type eq", "value": "x" }]),
            json!([]),
        ];
        for step in steps {
            self.patch(&path, step);
            self.get(&path);
        }
        self.get(&format!("{path}?attributes=name.familyName"));
        self.get(&format!("{path}?attributes=userName"));
        self.get(&format!("{path}?attributes=name"));
        self.write("PATCH", &path, json!({ "schemas": [crate::scim::urn::PATCH_OP] }));
        self.write(
            "PATCH",
            &path,
            json!({ "schemas": null, "Operations": [{ "op": "replace", "path": "title", "value": "n" }] }),
        );
        self.patch("/Users/none", json!([{ "op": "replace", "path": "title", "value": "n" }]));
        self.patch(&path, json!([{ "op": "replace", "path": "title", "value": "listed" }]));
        self.get("/Users?count=1000");
    }

    fn puts(&mut self) {
        let made = self.write("POST", "/Users", json!({ "schemas": [USER], "userName": "put", "externalId": "x", "active": true, "emails": [{ "value": "p1@example.com" }] }));
        let path = format!("/Users/{}", Tour::id(&made));
        let mut read = self.get(&path).body().cloned().unwrap_or_default();
        self.write("PUT", &path, read.clone());
        read["emails"] = json!([{ "value": "p2@example.com" }]);
        read["phoneNumbers"] = json!([{ "value": "+1" }]);
        read[ENTERPRISE] = json!({ "department": "D" });
        self.write("PUT", &path, read);
        self.get(&path);
        self.write("PUT", &path, json!({ "schemas": [USER, ENTERPRISE], "userName": "put2", "externalId": "x", ENTERPRISE: { "department": "E" } }));
        self.write("PUT", &path, json!({ "schemas": [USER], "userName": "put2", "title": "T", "nickName": null }));
        self.write("PUT", &path, json!({ "schemas": [USER], "userName": "put2" }));
        let read = self.get(&path);
        let tag = read.header("ETag").unwrap_or_default().to_owned();
        self.write("PUT", &path, json!({ "schemas": [USER], "userName": "boss@example.com" }));
        self.write("PUT", &path, json!({ "schemas": [USER] }));
        self.write("PUT", "/Users/unknown", json!({ "schemas": [USER], "userName": "unknown" }));
        self.send("GET", &path, &[("if-none-match", &tag)], Payload::Absent);
        let body = || Payload::Json(json!({ "schemas": [USER], "userName": "put3" }));
        self.send("PUT", &path, &[("if-match", &tag)], body());
        self.send("PUT", &path, &[("if-match", "W/\"0\"")], body());
    }

    fn groups(&mut self) {
        let ids: Vec<String> = (0..5).map(|n| self.user(&format!("m{n}"))).collect();
        let member = |n: usize| json!({ "value": ids[n] });
        let legacy = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";
        let app = self.write("POST", "/Groups", json!({ "schemas": [GROUP, legacy], "displayName": "App", "externalId": "g", "members": [member(0), member(1)] }));
        self.write("POST", "/Groups", json!({ "schemas": [GROUP], "displayName": "App-Test" }));
        self.write("POST", "/Groups", json!({ "schemas": [GROUP], "displayName": "Empty", "members": [] }));
        self.write("POST", "/Groups", json!({ "schemas": [GROUP], "displayName": "the \"A\" team" }));
        self.write("POST", "/Groups", json!({ "schemas": [GROUP], "displayName": "100 % x" }));
        self.write("POST", "/Groups", json!({ "schemas": [GROUP], "displayName": "app" }));
        for text in [
            "displayName eq \"App\"",
            "displayName eq \"app\"",
            "displayName eq \"the \\\"A\\\" team\"",
            "displayName eq \"100 % x\"",
            "displayName eq \"App\" and displayName sw \"A\"",
        ] {
            self.filter("/Groups", text);
        }
        let id = Tour::id(&app);
        let path = format!("/Groups/{id}");
        for query in ["", "?excludedAttributes=members", "?startIndex=3&count=2"] {
            self.get(&format!("/Groups{query}"));
            self.get(&format!("{path}{query}"));
        }
        self.get(&format!("/Users/{}", ids[0]));
        let steps = [
            json!([{ "op": "add", "path": "members", "value": [member(2)] }]),
            json!([{ "op": "add", "path": "members", "value": [member(2)] }]),
            json!([{ "op": "add", "path": "members", "value": [member(3), { "value": ids[4], "display": "x" }] }]),
            json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", ids[4]) }]),
            json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", ids[4]) }]),
            json!([{ "op": "Remove", "path": "members", "value": [member(3)] }]),
            json!([{ "op": "Remove", "path": "members", "value": [{ "$ref": null, "value": ids[2] }] }]),
            json!([{ "op": "add", "path": "members", "value": [member(2), member(3)] }]),
            json!([{ "op": "Remove", "path": "members", "value": [member(2), member(3)] }]),
            json!([{ "op": "replace", "value": { "id": id, "displayName": "Renamed" } }]),
            json!([{ "op": "replace", "path": "members", "value": [member(4)] }]),
            json!([{ "op": "replace", "path": "members", "value": [] }]),
            json!([{ "op": "add", "path": "members", "value": [member(0), member(1)] }]),
            json!([{ "op": "add", "path": "members", "value": [{ "value": "no-such-user" }] }]),
            json!([{ "op": "remove", "path": "members" }]),
            json!([{ "op": "add", "path": "members", "value": [member(0), member(1)] }]),
        ];
        for step in steps {
            self.patch(&path, step);
            self.get(&path);
        }
        self.write("POST", "/Groups", json!({ "schemas": [GROUP], "displayName": "App" }));
        self.write(
            "POST",
            "/Groups",
            json!({ "schemas": [GROUP], "displayName": "Nest", "members": [{ "value": id }] }),
        );
        self.write("PUT", &path, json!({ "schemas": [GROUP], "displayName": "Put", "members": [member(0)] }));
        self.send("DELETE", &format!("/Users/{}", ids[0]), &[], Payload::Absent);
        self.get(&path);
        self.patch(&path, json!([{ "op": "add", "path": "members", "value": [member(1)] }]));
        self.send("DELETE", &path, &[], Payload::Absent);
        self.get(&format!("/Users/{}", ids[1]));
    }

    fn life(&mut self) {
        let path = format!(
            "/Users/{}",
            Tour::id(&self.write("POST", "/Users", json!({ "schemas": [USER], "userName": "life", "title": "T" })))
        );
        let steps = [
            json!([{ "op": "replace", "path": "active", "value": true }]),
            json!([{ "op": "Replace", "path": "active", "value": "False" }]),
            json!([{ "op": "replace", "value": { "active": true } }]),
            json!([{ "op": "Add", "path": "active", "value": "False" }]),
            json!([{ "op": "replace", "path": "active", "value": true }]),
            json!([{ "op": "replace", "value": { "active": false } }]),
        ];
        for step in steps {
            self.patch(&path, step);
            self.get(&path);
        }
        self.get("/Users?count=1000");
        self.filter("/Users", "userName eq \"life\"");
        let put = |active: Value| json!({ "schemas": [USER], "userName": "life", "active": active });
        self.write("PUT", &path, put(json!(true)));
        self.get(&path);
        self.write("PUT", &path, json!({ "schemas": [USER], "userName": "life", "title": "T" }));
        self.write("PUT", &path, put(json!(false)));
        self.get(&path);
        self.send("DELETE", &path, &[], Payload::Absent);
        self.get(&path);
        self.get("/Users?count=1000");
        self.send("DELETE", &path, &[], Payload::Absent);
    }

    fn errors(&mut self) {
        self.get("/Users/010101001010101011");
        self.get("/Users/4f3c2a10-0000-4000-8000-000000000000");
        self.get("/Nowhere");
        self.send("DELETE", "/Users", &[], Payload::Absent);
        self.send("POST", "/Users", &[], Payload::Absent);
        self.send("POST", "/Users", &[], Payload::Malformed("here".into()));
        self.write("POST", "/Users", json!([]));
    }

    fn tokens(&mut self) {
        let id = self.user("tenant-one");
        for token in ["-", "Bearer ", "Bearer wrong", "bearer one", "one", "Bearer on", "Bearer onemore", "Bearer ONE"]
        {
            self.send("GET", "/Users?count=1", &[("authorization", token)], Payload::Absent);
        }
        self.send("GET", "/Users?access_token=one", &[("authorization", "-")], Payload::Absent);
        self.send("GET", "/Nowhere", &[("authorization", "-")], Payload::Absent);
        self.send("POST", "/Users", &[("authorization", "-")], Payload::Json(json!({ "userName": "anonymous" })));
        let two = [("authorization", "Bearer two")];
        self.send("POST", "/Users", &two, Payload::Json(json!({ "userName": "tenant-two" })));
        self.send(
            "POST",
            "/Users",
            &two,
            Payload::Json(json!({ "userName": "tenant-one", "displayName": "hijacked" })),
        );
        let item = format!("/Users/{id}");
        self.get(&item);
        self.send("GET", &item, &two, Payload::Absent);
        self.send("GET", "/Users", &two, Payload::Absent);
        self.send("PUT", &item, &two, Payload::Json(json!({ "userName": "stolen" })));
        self.send("DELETE", &item, &two, Payload::Absent);
        self.filter("/Users", "userName eq \"tenant-one\" or userName eq \"tenant-two\"");
    }

    fn bulk(&mut self) {
        let urn = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
        let user = |name: &str| json!({ "schemas": [USER], "userName": name });
        self.write("POST", "/Bulk", json!({ "schemas": [urn], "failOnErrors": 1, "Operations": [
            { "method": "POST", "path": "/Users", "bulkId": "u", "data": user("bulk") },
            { "method": "POST", "path": "/Groups", "bulkId": "g", "data": { "schemas": [GROUP], "displayName": "Bulk", "members": [{ "value": "bulkId:u" }] } },
            { "method": "POST", "path": "/Users", "bulkId": "v", "data": user("bulk") },
            { "method": "POST", "path": "/Users", "bulkId": "w", "data": user("bulk2") },
        ] }));
        self.write(
            "POST",
            "/Bulk",
            json!({ "schemas": [urn], "Operations": [
            { "method": "DELETE", "path": "/Users/nobody" },
            { "method": "POST", "path": "/Users", "bulkId": "x", "data": user("bulk3") },
        ] }),
        );
        let created =
            json!({ "schemas": [USER], "userName": "old", "meta": { "created": "1999-01-01T00:00:00.000000Z" } });
        self.write("POST", "/Users", created);
        self.get("/Users?attributes=urn:ietf:params:scim:schemas:core:2.0:User:userName");
        self.write("DELETE", "/Schemas", json!({}));
        let many: Vec<Value> =
            (0..1001).map(|n| json!({ "method": "DELETE", "path": format!("/Users/{n}") })).collect();
        self.write("POST", "/Bulk", json!({ "schemas": [urn], "failOnErrors": 1, "Operations": many }));
    }
}

impl Tour {
    /// What the later variants listen for.
    fn reported(&mut self) {
        let user = |more: Value| {
            let mut body = json!({ "schemas": [USER] });
            body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            body
        };
        self.write("POST", "/Users", user(json!({ "userName": "long", "title": "t".repeat(300) })));
        self.write(
            "POST",
            "/Users",
            user(json!({ "userName": "upper", "emails": [{ "value": "Upper@Example.com" }] })),
        );
        self.write("POST", "/Users", user(json!({ "userName": "empty", "title": "" })));
        let stranger = json!({ "userName": "led", ENTERPRISE: { "manager": { "value": "nobody" } } });
        self.write("POST", "/Users", user(stranger));
        let chief = self.user("leaves-later");
        let led = json!({ "schemas": [USER, ENTERPRISE], "userName": "led-by-who-left", ENTERPRISE: { "manager": { "value": chief } } });
        let led = Tour::id(&self.write("POST", "/Users", user(led)));
        self.send("DELETE", &format!("/Users/{chief}"), &[], Payload::Absent);
        self.get(&format!("/Users/{led}"));
        for (name, family) in [("sort-a", "Zed"), ("sort-b", "Abel")] {
            self.write("POST", "/Users", user(json!({ "userName": name, "name": { "familyName": family } })));
        }
        self.get("/Users?filter=userName+sw+%22sort-%22&sortBy=name.familyName");
        self.filter("/Users", "displayName eq \"a&b\"");

        let path = format!("/Users/{}", self.user("before"));
        self.write("PATCH", &path, json!({ "Operations": [{ "op": "replace", "path": "title", "value": "x" }] }));
        for step in [
            json!([{ "op": "add", "path": "emails", "value": { "type": "work", "value": "one@example.com" } }]),
            json!([{ "op": "replace", "path": "emails[type eq \"work\"]", "value": { "type": "work", "value": "two@example.com" } }]),
            json!([{ "op": "replace", "path": "userName", "value": "after" }]),
        ] {
            self.patch(&path, step);
            self.get(&path);
        }
        self.user("before");

        let ids: Vec<String> = (0..4).map(|n| self.user(&format!("crew{n}"))).collect();
        let members: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
        let group = json!({ "schemas": [GROUP], "displayName": "Crew", "members": members });
        let path = format!("/Groups/{}", Tour::id(&self.write("POST", "/Groups", group)));
        self.get(&format!("/Users/{}", ids[0]));
        let remove = |n: usize| json!({ "op": "remove", "path": format!("members[value eq \"{}\"]", ids[n]) });
        let add = |n: usize| json!({ "op": "add", "path": "members", "value": [{ "value": ids[n] }] });
        for step in [json!([remove(0), remove(1)]), json!([add(0), add(1)]), json!([remove(0), add(1)])] {
            self.patch(&path, step);
            self.get(&path);
            self.get(&format!("/Users/{}", ids[0]));
        }
    }
}

impl Tour {
    /// What was once and is no more, and what only a whole store shows.
    fn whole(&mut self) {
        let address = |a: &str| json!([{ "value": a, "type": "work" }]);
        let moved = json!({ "schemas": [USER, ENTERPRISE], "userName": "moved", "emails": address("old@example.com"), ENTERPRISE: { "department": "d" } });
        let path = format!("/Users/{}", Tour::id(&self.write("POST", "/Users", moved)));
        self.patch(&path, json!([{ "op": "replace", "path": "emails", "value": address("new@example.com") }]));
        self.get("/Users?filter=emails.value+eq+%22old@example.com%22");
        let group = json!({ "schemas": [GROUP], "displayName": "Once" });
        let group_path = format!("/Groups/{}", Tour::id(&self.write("POST", "/Groups", group)));
        let id = group_path.trim_start_matches("/Groups/");
        let now = json!({ "schemas": [GROUP], "id": id, "displayName": "Now" });
        self.write("PUT", &group_path, now);
        self.get("/Groups?filter=displayName+eq+%22Once%22");
        let search = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": "displayName eq \"Now\"" });
        self.write("POST", "/.search", search);
        self.send("DELETE", &path, &[], Payload::Absent);
    }

    /// Queries of discovery, /Me, and what the server advertises beyond the RFCs.
    fn beyond(&mut self) {
        self.get("/Schemas?startIndex=1&count=1");
        self.get("/Schemas?filter=id+pr");
        self.get("/Schemas/urn:example:none");
        self.get("/Me");
        self.get("/Users?filter=active+gt+true");
        let bulk = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
            { "method": "POST", "path": "/Users", "data": { "schemas": [USER], "userName": "bare" } },
        ] });
        self.write("POST", "/Bulk", bulk);
        let badged = json!({ "schemas": [USER, BADGE], "userName": "badged", BADGE: { "number": "7", "code": "1" } });
        self.write("POST", "/Users", badged);
        let device = |serial: &str| {
            json!({
                "schemas": [DEVICE, WARRANTY], "serial": serial, "code": "Code", "label": "Label", "assetNumber": 1,
                "remark": "r", "vendor": "A", WARRANTY: { "contract": "c" },
            })
        };
        let id = Tour::id(&self.write("POST", "/Devices", device("s1")));
        self.write("POST", "/Devices", device("s2"));
        self.get("/Devices?filter=code+eq+%22CODE%22");
        for attribute in ["code", "inventoryCode", "vendor"] {
            self.patch(
                &format!("/Devices/{id}"),
                json!([{ "op": "replace", "path": attribute, "value": "New value" }]),
            );
        }
        self.get(&format!("/Devices/{id}?excludedAttributes=label"));
        let mut without = device("s3");
        without.as_object_mut().map(|d| d.shift_remove("serial"));
        self.write("POST", "/Devices", without);
        let mut without = device("s4");
        without.as_object_mut().map(|d| d.shift_remove(WARRANTY));
        self.write("POST", "/Devices", without);
    }
}

/// Times differ from run to run; what they say about each other does not.
fn relate_times(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(relate_times),
        Value::Object(map) => {
            let time = |v: Option<&Value>| crate::scim::value::parse_datetime(v?.as_str()?);
            if let (Some(created), Some(modified)) = (time(map.get("created")), time(map.get("lastModified"))) {
                let shape = |v: &Value| v.as_str().map_or(0, str::len);
                map["created"] = format!("time of {}", shape(&map["created"])).into();
                map["lastModified"] = format!("{:?}", modified.cmp(&created)).into();
            }
            map.values_mut().for_each(relate_times);
        }
        _ => {}
    }
}

impl Tour {
    /// Values that some servers have a rule for, or another form of.
    fn particular(&mut self) {
        let user = |name: &str, more: Value| {
            let mut body = json!({ "schemas": [USER], "userName": name });
            body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            body
        };
        for (name, more) in [
            ("key-1", json!({ "externalId": "one key" })),
            ("key-2", json!({ "externalId": "one key" })),
            ("typed", json!({ "emails": [{ "value": "typed@example.com", "type": "private" }] })),
            ("no-address", json!({ "emails": [{ "value": "nowhere" }] })),
            ("abroad", json!({ "locale": "en_us", "addresses": [{ "type": "work", "country": "se" }] })),
            ("blank", json!({ "title": " Clerk " })),
            ("text-for-a-list", json!({ "emails": "text@example.com" })),
        ] {
            self.write("POST", "/Users", user(name, more));
        }
        let inner = self.user("inner");
        let group =
            |name: &str, id: &str| json!({ "schemas": [GROUP], "displayName": name, "members": [{ "value": id }] });
        let near = Tour::id(&self.write("POST", "/Groups", group("Near", &inner)));
        self.write("POST", "/Groups", group("Far", &near));
        self.get(&format!("/Users/{inner}"));
    }
}
