//! The healthy server against the examples of RFC 7643 and RFC 7644, and against what identity providers send.

use super::client::Client;
use serde_json::{Value, json};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn user(name: &str) -> Value {
    json!({ "schemas": [USER], "userName": name, "active": true })
}

#[tokio::test]
async fn create_read_list_delete() {
    let c = Client::healthy().await;
    let sent = json!({
        "schemas": [USER], "userName": "bjensen", "externalId": "bjensen",
        "name": { "formatted": "Ms. Barbara J Jensen III", "familyName": "Jensen", "givenName": "Barbara" },
        "emails": [{ "value": "b@example.com", "type": "work", "primary": true }],
        "password": "secret", "id": "mine", "groups": [{ "value": "x" }],
    });
    let made = c.post("/Users", sent).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(made.header("content-type"), Some("application/scim+json"));
    let id = made.id();
    assert_ne!(id, "mine");
    assert!(made.body.get("password").is_none() && made.body.get("groups").is_none());
    let location = made.header("location").expect("a Location").to_owned();
    assert_eq!(made.body["meta"]["location"], location.as_str());
    assert_eq!(made.header("etag"), made.body["meta"]["version"].as_str());
    let read = c.get(&location).await;
    assert_eq!(read.status, 200);
    assert_eq!(read.body, made.body);
    assert_eq!(c.get("/Users/?startIndex=1&count=1").await.total(), 1);
    let found = c.get("/Users?filter=userName+eq+%22BJENSEN%22").await;
    assert_eq!(found.body["Resources"][0], read.body);
    let again = c.post("/Users", user("BJensen")).await;
    assert_eq!((again.status, &again.body["scimType"]), (409, &json!("uniqueness")));
    assert_eq!(c.delete(&format!("/Users/{id}")).await.status, 204);
    assert_eq!(c.get(&format!("/Users/{id}")).await.status, 404);
    assert_eq!(c.delete(&format!("/Users/{id}")).await.status, 404);
    assert_eq!(c.post("/Users", user("bjensen")).await.status, 201);
}

#[tokio::test]
async fn put_replaces_but_keeps_active() {
    let c = Client::healthy().await;
    let made = c.post("/Users", json!({ "schemas": [USER], "userName": "a", "title": "T", "active": false })).await;
    let path = format!("/Users/{}", made.id());
    let put =
        c.put(&path, json!({ "schemas": [USER], "id": made.id(), "userName": "a", "nickName": "n", "meta": {} })).await;
    assert_eq!(put.status, 200, "{}", put.text);
    assert_eq!(put.body["active"], false);
    assert!(put.body.get("title").is_none());
    assert_eq!(put.body["meta"]["created"], made.body["meta"]["created"]);
    assert_ne!(put.body["meta"]["lastModified"], made.body["meta"]["lastModified"]);
    assert_eq!(c.put(&path, json!({ "schemas": [USER] })).await.body["scimType"], "invalidValue");
    assert_eq!(c.put("/Users/none", user("b")).await.status, 404);
}

#[tokio::test]
async fn patch_in_both_dialects() {
    let c = Client::healthy().await;
    let boss = c.post("/Users", user("boss")).await.id();
    let path = format!("/Users/{}", c.post("/Users", user("alice")).await.id());
    let okta = c.patch(&path, json!([{ "op": "replace", "value": { "active": false } }])).await;
    assert_eq!((okta.status, &okta.body["active"]), (200, &json!(false)));
    let entra = c
        .patch(
            &path,
            json!([
                { "op": "Replace", "path": "active", "value": "True" },
                { "op": "Add", "path": "emails[type eq \"work\"].value", "value": "w@example.com" },
                { "op": "Add", "path": format!("{ENTERPRISE}:department"), "value": "Sales" },
                { "op": "Add", "path": format!("{ENTERPRISE}:manager"), "value": boss },
                { "op": "Replace", "value": { "name.familyName": "New", "displayName": "Al" } },
            ]),
        )
        .await;
    assert_eq!(entra.status, 200, "{}", entra.text);
    assert_eq!(entra.body["active"], true);
    assert_eq!(entra.body["emails"], json!([{ "type": "work", "value": "w@example.com" }]));
    assert_eq!(entra.body[ENTERPRISE]["department"], "Sales");
    assert_eq!(entra.body[ENTERPRISE]["manager"]["value"], boss.as_str());
    assert_eq!(entra.body["schemas"], json!([USER, ENTERPRISE]));
    let by_manager = c.get(&format!("/Users?filter=manager+eq+%22{boss}%22&attributes=id")).await;
    assert_eq!(by_manager.total(), 1, "{}", by_manager.text);
    let failed = c
        .patch(
            &path,
            json!([{ "op": "replace", "path": "title", "value": "x" }, { "op": "replace", "path": "zz9", "value": 1 }]),
        )
        .await;
    assert_eq!(failed.status, 400);
    assert!(c.get(&path).await.body.get("title").is_none());
    let rename = c.patch(&path, json!([{ "op": "replace", "path": "userName", "value": "BOSS" }])).await;
    assert_eq!(rename.status, 409);
}

#[tokio::test]
async fn groups_know_their_members() {
    let c = Client::healthy().await;
    let mut ids = Vec::new();
    for name in ["u1", "u2", "u3"] {
        ids.push(c.post("/Users", user(name)).await.id());
    }
    let made = c
        .post(
            "/Groups",
            json!({ "schemas": [GROUP], "displayName": "team", "members": [{ "value": ids[0] }, { "value": ids[0] }] }),
        )
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(made.body["members"].as_array().map(Vec::len), Some(1));
    assert_eq!(made.body["members"][0]["display"], "u1");
    let path = format!("/Groups/{}", made.id());
    let added = c
        .patch(&path, json!([{ "op": "Add", "path": "members", "value": [{ "value": ids[1] }, { "value": ids[2] }] }]))
        .await;
    assert_eq!(added.body["members"].as_array().map(Vec::len), Some(3), "{}", added.text);
    let again = c.patch(&path, json!([{ "op": "add", "path": "members", "value": [{ "value": ids[1] }] }])).await;
    assert_eq!(again.body["members"].as_array().map(Vec::len), Some(3));
    assert_eq!(again.body["meta"], added.body["meta"], "what changes nothing is no modification");
    c.patch(&path, json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", ids[2]) }])).await;
    let removed = c
        .patch(&path, json!([{ "op": "Remove", "path": "members", "value": [{ "$ref": null, "value": ids[1] }] }]))
        .await;
    assert_eq!(removed.body["members"].as_array().map(Vec::len), Some(1), "{}", removed.text);
    let member = c.get(&format!("/Users/{}", ids[0])).await;
    assert_eq!(member.body["groups"][0]["display"], "team");
    c.delete(&format!("/Users/{}", ids[0])).await;
    assert!(c.get(&path).await.body.get("members").is_none());
    let unknown = c.patch(&path, json!([{ "op": "add", "path": "members", "value": [{ "value": "nobody" }] }])).await;
    assert_eq!(unknown.status, 400);
    assert_eq!(c.post("/Groups", json!({ "schemas": [GROUP], "displayName": "TEAM" })).await.status, 409);
    assert!(c.get("/Groups?excludedAttributes=members").await.body["Resources"][0].get("members").is_none());
}

#[tokio::test]
async fn queries_page_and_sort() {
    let c = Client::healthy().await;
    for n in 0..7 {
        c.post("/Users", user(&format!("u{n}"))).await;
    }
    let names = |a: &super::client::Answer| -> Vec<String> {
        let list = a.body["Resources"].as_array().cloned().unwrap_or_default();
        list.iter().map(|r| r["userName"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let page = c.get("/Users?startIndex=4&count=3").await;
    assert_eq!(names(&page), ["u3", "u4", "u5"]);
    assert_eq!((page.total(), &page.body["startIndex"], &page.body["itemsPerPage"]), (7, &json!(4), &json!(3)));
    let sorted = c.get("/Users?sortBy=userName&sortOrder=descending&count=2").await;
    assert_eq!(names(&sorted), ["u6", "u5"]);
    assert_eq!(names(&c.get("/Users?count=-1").await).len(), 0);
    assert_eq!(c.get("/Users?count=0").await.total(), 7);
    assert_eq!(c.get("/Users?startIndex=0&count=2").await.body["startIndex"], 1);
    assert_eq!(c.get("/Users?startIndex=101&count=100").await.total(), 7);
    let first = c.get("/Users?cursor&count=5").await;
    let next = first.body["nextCursor"].as_str().expect("more to come").to_owned();
    assert_eq!(names(&c.get(&format!("/Users?cursor={next}&count=5")).await), ["u5", "u6"]);
    assert_eq!(c.get("/Users?cursor=zz").await.body["scimType"], "invalidCursor");
    let search = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": "userName sw \"u\"", "count": 2, "attributes": ["userName"] });
    let found = c.post("/Users/.search", search.clone()).await;
    assert_eq!((found.status, found.total()), (200, 7));
    assert!(found.body["Resources"][0].get("meta").is_none());
    assert_eq!(c.post("/.search", search).await.total(), 7);
    assert_eq!(c.get("/?filter=meta.resourceType%20eq%20%22User%22").await.total(), 7);
    assert_eq!(c.get("/Users?filter=userName+regex+%22x%22").await.body["scimType"], "invalidFilter");
}

#[tokio::test]
async fn entity_tags_guard_writes() {
    let c = Client::healthy().await;
    let made = c.post("/Users", user("a")).await;
    let path = format!("/Users/{}", made.id());
    let tag = made.header("etag").expect("a tag").to_owned();
    assert_eq!(c.send("GET", &path, &[("if-none-match", &tag)], None).await.status, 304);
    let body = json!({ "schemas": [USER], "userName": "a", "title": "t" }).to_string();
    let put = c.send("PUT", &path, &[("if-match", &tag)], Some(body.clone())).await;
    assert_eq!(put.status, 200);
    assert_ne!(put.header("etag"), Some(tag.as_str()));
    assert_eq!(c.send("PUT", &path, &[("if-match", &tag)], Some(body)).await.status, 412);
    assert_eq!(c.send("DELETE", &path, &[("if-match", &tag)], None).await.status, 412);
    assert_eq!(c.send("DELETE", &path, &[("if-match", "*")], None).await.status, 204);
}

#[tokio::test]
async fn tenants_and_tokens() {
    let c = Client::healthy().await;
    c.post("/Users", user("a")).await;
    let other = [("authorization", "bearer two")];
    let list = c.send("GET", "/Users", &other, None).await;
    assert_eq!(list.total(), 0);
    for wrong in ["", "Bearer ", "Bearer three", "one", "Basic b25l"] {
        let refused = c.send("GET", "/Users?access_token=one", &[("authorization", wrong)], None).await;
        assert_eq!(refused.status, 401, "{wrong}");
        assert!(refused.header("www-authenticate").is_some());
        assert_eq!(refused.body["status"], "401");
    }
    assert_eq!(c.send("GET", "/ServiceProviderConfig", &[("authorization", "")], None).await.status, 200);
}

#[tokio::test]
async fn discovery_and_errors() {
    let c = Client::healthy().await;
    assert_eq!(c.get("/Schemas").await.total(), 6);
    assert_eq!(c.get(&format!("/Schemas/{ENTERPRISE}")).await.body["id"], ENTERPRISE);
    assert_eq!(c.get("/ResourceTypes/User").await.body["endpoint"], "/Users");
    assert_eq!(c.get("/ResourceTypes").await.total(), 3);
    let nowhere = c.get("/Nowhere").await;
    assert_eq!((nowhere.status, &nowhere.body["status"]), (404, &json!("404")));
    let refused = c.send("DELETE", "/Users", &[], None).await;
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD, POST")));
    assert_eq!(c.send("POST", "/Users", &[], Some("{".into())).await.body["scimType"], "invalidSyntax");
    assert_eq!(c.send("POST", "/Users", &[("content-type", "text/plain")], Some("{}".into())).await.status, 415);
    let charset = [("content-type", "application/json; charset=utf-8")];
    assert_eq!(c.send("POST", "/Users", &charset, Some(user("x").to_string())).await.status, 201);
    let me = c.get("/Me").await;
    assert_eq!((me.status, &me.body["userName"]), (200, &json!("x")));
    let head = c.send("HEAD", "/Users", &[], None).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    let origin = c.server.base_url().replace("/v2", "/v9");
    assert_eq!(c.get(&format!("{origin}/Users")).await.status, 404);
    for body in [
        json!({ "userName": "n", "name": "x" }),
        json!({ "userName": "n", "emails": {} }),
        json!({ "userName": "n", "active": "maybe" }),
        json!({ "userName": " " }),
    ] {
        let refused = c.post("/Users", body).await;
        assert_eq!((refused.status, &refused.body["scimType"]), (400, &json!("invalidValue")));
    }
    let tolerant = json!({ "userName": "n", "nickName": null, "emails": [], "x9": 1 });
    assert_eq!(c.post("/Users", tolerant).await.status, 201);
}

#[tokio::test]
async fn bulk_resolves_references_and_circles() {
    let c = Client::healthy().await;
    let bulk = |operations: Value| json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "failOnErrors": 1, "Operations": operations });
    let done = c
        .post("/Bulk", bulk(json!([
            { "method": "POST", "path": "/Groups", "bulkId": "g1", "data": { "schemas": [GROUP], "displayName": "one", "members": [{ "value": "bulkId:g2" }, { "value": "bulkId:u1" }] } },
            { "method": "POST", "path": "/Groups", "bulkId": "g2", "data": { "schemas": [GROUP], "displayName": "two", "members": [{ "value": "bulkId:g1" }] } },
            { "method": "POST", "path": "/Users", "bulkId": "u1", "data": user("alice") },
            { "method": "PATCH", "path": "/Users/bulkId:u1", "data": { "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{ "op": "add", "path": "title", "value": "x" }] } },
        ])))
        .await;
    assert_eq!(done.status, 200, "{}", done.text);
    let statuses: Vec<&str> = done.body["Operations"]
        .as_array()
        .expect("operations")
        .iter()
        .map(|o| o["status"].as_str().expect("a status"))
        .collect();
    assert_eq!(statuses, ["201", "201", "201", "200"]);
    let one = c.get(done.body["Operations"][0]["location"].as_str().expect("a location")).await;
    assert_eq!(one.body["members"].as_array().map(Vec::len), Some(2), "{}", one.text);
    let stopped = c
        .post(
            "/Bulk",
            bulk(json!([
                { "method": "POST", "path": "/Users", "bulkId": "a", "data": user("alice") },
                { "method": "POST", "path": "/Users", "bulkId": "b", "data": user("bob") },
            ])),
        )
        .await;
    assert_eq!(stopped.body["Operations"].as_array().map(Vec::len), Some(1));
    assert_eq!(stopped.body["Operations"][0]["response"]["scimType"], "uniqueness");
}

#[tokio::test]
async fn the_token_endpoint_issues_and_refreshes() {
    let c =
        Client::start(crate::server::Options { client: Some(("id".into(), "secret".into())), ..Default::default() })
            .await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let url = c.server.token_url();
    let ask = |text: &str| Some(format!("client_id=id&client_secret=secret&{text}"));
    let issued = c.send("POST", &url, &form, ask("grant_type=client_credentials")).await;
    assert_eq!(issued.status, 200);
    let refresh = issued.body["refresh_token"].as_str().expect("a refresh token").to_owned();
    let bearer = format!("Bearer {}", issued.body["access_token"].as_str().expect("a token"));
    assert_eq!(c.send("GET", "/Users", &[("authorization", &bearer)], None).await.status, 200);
    assert_eq!(c.send("GET", "/Users", &[], None).await.status, 401);
    let grant = format!("grant_type=refresh_token&refresh_token={refresh}");
    assert_eq!(c.send("POST", &url, &form, ask(&grant)).await.status, 200);
    assert_eq!(c.send("POST", &url, &form, ask(&grant)).await.status, 400);
    assert_eq!(
        c.send("POST", &url, &form, Some("grant_type=client_credentials&client_id=x&client_secret=y".into()))
            .await
            .status,
        401
    );
}
