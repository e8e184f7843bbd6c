//! Bodies printed in RFC 7643 and RFC 7644 go in and come out as the RFCs say.

use super::client::Client;
use serde_json::{Value, json};

const FULL_USER: &str = include_str!("data/rfc7643_8_3.json");
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn full_user() -> Value {
    serde_json::from_str(FULL_USER).expect("the example of RFC 7643 §8.3")
}

#[tokio::test]
async fn the_full_user_of_rfc_7643_comes_back_as_sent() {
    let c = Client::healthy().await;
    let mut sent = full_user();
    let made = c.post("/Users", sent.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let mut shown = made.body.clone();
    for body in [&mut sent, &mut shown] {
        let map = body.as_object_mut().expect("a user");
        for given_by_the_server in ["id", "meta", "groups", "password"] {
            map.shift_remove(given_by_the_server);
        }
    }
    // RFC 7643 §4.3: manager.displayName is readOnly, and nobody here has that id.
    sent[ENTERPRISE]["manager"].as_object_mut().expect("a manager").shift_remove("displayName");
    assert_eq!(shown, sent);
    let read = c.get(&format!("/Users/{}", made.id())).await;
    assert_eq!(read.body, made.body);
    let put = c.put(&format!("/Users/{}", made.id()), read.body.clone()).await;
    assert_eq!((put.status, &put.body), (200, &read.body), "what was read can be written back");
}

#[tokio::test]
async fn the_filters_of_rfc_7644_are_understood() {
    let c = Client::healthy().await;
    c.post("/Users", full_user()).await;
    for (filter, hits) in [
        ("userName eq \"bjensen@example.com\"", 1),
        ("name.familyName co \"O'Malley\"", 0),
        ("userName sw \"B\"", 1),
        ("urn:ietf:params:scim:schemas:core:2.0:User:userName sw \"b\"", 1),
        ("title pr", 1),
        ("meta.lastModified gt \"2011-05-13T04:42:34Z\"", 1),
        ("title pr and userType eq \"Employee\"", 1),
        ("title pr or userType eq \"Intern\"", 1),
        ("schemas eq \"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\"", 1),
        ("userType eq \"Employee\" and (emails co \"example.com\" or emails.value co \"example.org\")", 1),
        ("userType ne \"Employee\" and not (emails co \"example.com\" or emails.value co \"example.org\")", 0),
        ("userType eq \"Employee\" and (emails.type eq \"work\")", 1),
        ("userType eq \"Employee\" and emails[type eq \"work\" and value co \"@example.com\"]", 1),
        (
            "emails[type eq \"work\" and value co \"@example.com\"] or ims[type eq \"xmpp\" and value co \"@foo.com\"]",
            1,
        ),
    ] {
        let query: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let found = c.get(&format!("/Users?filter={query}")).await;
        assert_eq!((found.status, found.total()), (200, hits), "{filter}: {}", found.text);
    }
}

#[tokio::test]
async fn the_patches_of_rfc_7644_do_what_it_says() {
    let c = Client::healthy().await;
    let path = format!("/Users/{}", c.post("/Users", full_user()).await.id());
    let added = c
        .patch(&path, json!([{ "op": "add", "value": { "emails": [{ "value": "quinn@example.com", "type": "other" }], "nickname": "Babs2" } }]))
        .await;
    assert_eq!(added.body["emails"].as_array().map(Vec::len), Some(3), "{}", added.text);
    assert_eq!(added.body["nickName"], "Babs2");
    let street = c
        .patch(&path, json!([{ "op": "replace", "path": "addresses[type eq \"work\"].streetAddress", "value": "1010 Broadway Ave" }]))
        .await;
    assert_eq!(street.body["addresses"][0]["streetAddress"], "1010 Broadway Ave");
    assert_eq!(street.body["addresses"][1]["streetAddress"], "456 Hollywood Blvd");
    let removed = c
        .patch(&path, json!([{ "op": "remove", "path": "emails[type eq \"work\" and value ew \"example.com\"]" }]))
        .await;
    assert_eq!(removed.body["emails"].as_array().map(Vec::len), Some(2));
    let refused = c.patch(&path, json!([{ "op": "remove" }])).await;
    assert_eq!((refused.status, &refused.body["scimType"]), (400, &json!("noTarget")));
    for read_only in ["id", "meta", "groups"] {
        let refused = c.patch(&path, json!([{ "op": "replace", "path": read_only, "value": "x" }])).await;
        assert_eq!((refused.status, &refused.body["scimType"]), (400, &json!("mutability")), "{read_only}");
    }
    let refused = c.patch(&path, json!([{ "op": "remove", "path": "userName" }])).await;
    assert_eq!(refused.status, 400);
}
