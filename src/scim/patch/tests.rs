//! PATCH against the examples of RFC 7644 §3.5.2, what identity providers send, and arbitrary input.

use super::*;
use crate::scim::value::same_value;
use proptest::prelude::*;
use serde_json::json;

const STRICT: Options = Options { value_path_creates: false, lenient: false };
const LENIENT: Options = Options { value_path_creates: true, lenient: true };

fn user() -> Value {
    json!({"schemas": [urn::USER], "id": "1", "userName": "alice", "active": true,
        "name": {"givenName": "Alice", "familyName": "Stone"},
        "emails": [{"value": "a@example.com", "type": "work", "primary": true}, {"value": "h@example.com", "type": "home"}],
        "meta": {"resourceType": "User"}})
}

fn group() -> Value {
    json!({"schemas": [urn::GROUP], "id": "9", "displayName": "G", "members": [
        {"value": "u1", "display": "Alice"}, {"value": "u2", "$ref": "https://example.com/Users/u2", "type": "User"}]})
}

fn patch(operations: Value) -> Value {
    json!({"schemas": [urn::PATCH_OP], "Operations": operations})
}

fn on(doc: Value, rt: ResourceType, operations: Value, opts: &Options) -> Result<Value, PatchError> {
    apply(&doc, &patch(operations), &rt, opts)
}

fn on_user(operations: Value) -> Value {
    on(user(), ResourceType::user(), operations, &STRICT).expect("strict patch of a user")
}

fn loose_user(operations: Value) -> Value {
    on(user(), ResourceType::user(), operations, &LENIENT).expect("lenient patch of a user")
}

fn on_group(operations: Value) -> Value {
    on(group(), ResourceType::group(), operations, &STRICT).expect("strict patch of a group")
}

fn error(operations: Value) -> &'static str {
    let user = on(user(), ResourceType::user(), operations, &STRICT);
    user.expect_err("must be refused").scim_type.expect("all errors have a keyword")
}

fn ext(name: &str) -> String {
    format!("{}:{name}", urn::ENTERPRISE)
}

#[test]
fn add_a_member_once() {
    let new = json!([{"op": "add", "path": "members", "value": [{"display": "Babs", "value": "u3"}]}]);
    assert_eq!(on_group(new)["members"][2], json!({"display": "Babs", "value": "u3"}));
    let known = json!([{"op": "add", "path": "members", "value": [{"value": "u1"}, {"value": "u2", "type": "User"}]}]);
    assert_eq!(on_group(known), group());
}

#[test]
fn add_attributes_without_path() {
    // RFC 7644 §3.5.2.1, second example: `nickname` names nickName.
    let value = json!({"emails": [{"value": "babs@jensen.org", "type": "home"}], "nickname": "Babs", "hat": 1});
    let doc = on_user(json!([{"op": "add", "value": value}]));
    assert_eq!(doc["emails"].as_array().unwrap().len(), 3);
    assert_eq!(doc["nickName"], "Babs");
    assert!(doc.get("hat").is_none());
}

#[test]
fn add_to_single_values_and_complex() {
    let doc = on_user(json!([
        {"op": "add", "path": "userName", "value": "bob"},
        {"op": "add", "path": "name", "value": {"middleName": "M", "givenName": "Bob"}},
        {"op": "add", "path": "name.honorificPrefix", "value": "Dr."},
        {"op": "add", "path": "title", "value": "Chief"},
        {"op": "add", "path": "addresses", "value": [{"type": "work", "locality": "X"}]},
        {"op": "add", "path": "addresses", "value": [{"locality": "X", "type": "work"}]}]));
    assert_eq!(doc["userName"], "bob");
    let name = json!({"givenName": "Bob", "familyName": "Stone", "middleName": "M", "honorificPrefix": "Dr."});
    assert_eq!(doc["name"], name);
    assert_eq!(doc["addresses"].as_array().unwrap().len(), 1);
}

#[test]
fn remove_members() {
    let one = on_group(json!([{"op": "remove", "path": "members[value eq \"u1\"]"}]));
    assert_eq!(one["members"].as_array().unwrap().len(), 1);
    assert_eq!(on_group(json!([{"op": "remove", "path": "members[value eq \"nobody\"]"}])), group());
    assert!(on_group(json!([{"op": "remove", "path": "members"}])).get("members").is_none());
    let both = json!([{"op": "remove", "path": "members[value eq\"u1\"]"}, {"op": "remove", "path": "members[value eq \"u2\"]"}]);
    assert!(on_group(both).get("members").is_none());
    let swap =
        json!([{"op": "remove", "path": "members"}, {"op": "add", "path": "members", "value": [{"value": "u7"}]}]);
    assert_eq!(on_group(swap)["members"], json!([{"value": "u7"}]));
}

#[test]
fn remove_values_and_parts_of_users() {
    let doc = on_user(json!([
        {"op": "remove", "path": "emails[type eq \"work\" and value ew \"example.com\"]"},
        {"op": "remove", "path": "name.givenName"}, {"op": "remove", "path": "active"}]));
    assert_eq!(doc["emails"].as_array().unwrap().len(), 1);
    assert_eq!(doc["name"], json!({"familyName": "Stone"}));
    assert!(doc.get("active").is_none());
    let gone =
        on_user(json!([{"op": "remove", "path": "name.givenName"}, {"op": "remove", "path": "name.familyName"}]));
    assert!(gone.get("name").is_none());
    let part = on_user(json!([{"op": "remove", "path": "emails[type eq \"work\"].primary"}]));
    assert_eq!(part["emails"][0], json!({"value": "a@example.com", "type": "work"}));
    assert_eq!(on_user(json!([{"op": "remove", "path": "title"}])), user());
}

#[test]
fn replace_everything_the_rfc_shows() {
    let members = on_group(json!([{"op": "replace", "path": "members", "value": [{"value": "u8"}, {"value": "u9"}]}]));
    assert_eq!(members["members"], json!([{"value": "u8"}, {"value": "u9"}]));
    let address = json!({"type": "work", "streetAddress": "911 Universal City Plaza", "locality": "Hollywood"});
    let with = on_user(json!([
        {"op": "add", "path": "addresses", "value": [{"type": "work", "country": "US"}]},
        {"op": "replace", "path": "addresses[type eq \"work\"]", "value": address},
        {"op": "replace", "path": "addresses[type eq \"work\"].streetAddress", "value": "1010 Broadway Ave"}]));
    let result = json!([{"type": "work", "streetAddress": "1010 Broadway Ave", "locality": "Hollywood"}]);
    assert_eq!(with["addresses"], result);
    let pathless =
        on_user(json!([{"op": "replace", "value": {"emails": [{"value": "b@example.com"}], "nickname": "B"}}]));
    assert_eq!(pathless["emails"], json!([{"value": "b@example.com"}]));
    assert_eq!(pathless["nickName"], "B");
}

#[test]
fn replace_of_nothing_adds_and_with_nothing_unassigns() {
    assert_eq!(on_user(json!([{"op": "replace", "path": "title", "value": "T"}]))["title"], "T");
    let name = on_user(json!([{"op": "replace", "path": "name", "value": {"givenName": "Al", "familyName": null}}]));
    assert_eq!(name["name"], json!({"givenName": "Al"}));
    for value in [json!(null), json!([])] {
        let doc = on_user(
            json!([{"op": "replace", "path": "emails", "value": value}, {"op": "replace", "value": {"name": null}}]),
        );
        assert!(doc.get("emails").is_none() && doc.get("name").is_none());
    }
    let one = on_user(json!([{"op": "replace", "path": "emails[type eq \"work\"]", "value": null}]));
    assert_eq!(one["emails"].as_array().unwrap().len(), 1);
}

#[test]
fn one_primary_only() {
    let add = json!([{"op": "add", "path": "emails", "value": [{"value": "n@example.com", "primary": true}]}]);
    let doc = on_user(add);
    assert_eq!(doc["emails"][0]["primary"], false);
    assert_eq!(doc["emails"][2]["primary"], true);
    assert!(doc["emails"][1].get("primary").is_none());
    let moved = on_user(json!([{"op": "replace", "path": "emails[type eq \"home\"].primary", "value": true}]));
    assert_eq!((&moved["emails"][0]["primary"], &moved["emails"][1]["primary"]), (&json!(false), &json!(true)));
    // An operation on another sub-attribute does not move the mark.
    let kept = on_user(json!([{"op": "replace", "path": "emails[type eq \"home\"].value", "value": "x@example.com"}]));
    assert_eq!(kept["emails"][0]["primary"], true);
    let two = json!([{"op": "replace", "path": "emails", "value": [{"value": "1", "primary": true}, {"value": "2", "primary": true}]}]);
    assert_eq!(error(two), "invalidValue");
}

#[test]
fn extensions_keep_schemas_in_step() {
    let doc = on_user(json!([{"op": "add", "path": ext("department"), "value": "D"}]));
    assert_eq!(doc["schemas"], json!([urn::USER, urn::ENTERPRISE]));
    assert_eq!(doc[urn::ENTERPRISE], json!({"department": "D"}));
    let back = on_user(
        json!([{"op": "add", "path": ext("department"), "value": "D"}, {"op": "remove", "path": ext("department")}]),
    );
    assert_eq!(back, user());
    let whole = json!([{"op": "add", "path": urn::ENTERPRISE, "value": {"Department": "D", "costCenter": "C"}},
        {"op": "replace", "value": {urn::ENTERPRISE: {"costCenter": "K"}}}]);
    assert_eq!(on_user(whole)[urn::ENTERPRISE], json!({"department": "D", "costCenter": "K"}));
    let gone = on_user(
        json!([{"op": "add", "path": ext("manager.value"), "value": "m"}, {"op": "remove", "path": urn::ENTERPRISE}]),
    );
    assert_eq!(gone, user());
    let core =
        on_user(json!([{"op": "replace", "path": format!("{}:userName", urn::USER.to_lowercase()), "value": "z"}]));
    assert_eq!(core["userName"], "z");
}

#[test]
fn errors_have_the_keyword_of_table_9() {
    for (operation, kind) in [
        (json!({"op": "remove"}), "noTarget"),
        (json!({"op": "replace", "path": "emails[type eq \"other\"]", "value": {"value": "x"}}), "noTarget"),
        (json!({"op": "replace", "path": "emails[type eq \"other\"].value", "value": "x"}), "noTarget"),
        (json!({"op": "remove", "path": "userName"}), "mutability"),
        (json!({"op": "replace", "path": "userName", "value": null}), "mutability"),
        (json!({"op": "replace", "path": "id", "value": "2"}), "mutability"),
        (json!({"op": "replace", "value": {"id": "2"}}), "mutability"),
        (json!({"op": "add", "path": "groups", "value": [{"value": "g"}]}), "mutability"),
        (json!({"op": "remove", "path": "meta.location"}), "mutability"),
        (json!({"op": "remove", "path": "schemas"}), "mutability"),
        (json!({"op": "add", "path": ext("manager.displayName"), "value": "x"}), "mutability"),
        (json!({"op": "replace", "path": "active", "value": "False"}), "invalidValue"),
        (json!({"op": "replace", "path": "userName", "value": 7}), "invalidValue"),
        (json!({"op": "replace", "path": "name", "value": "Alice"}), "invalidValue"),
        (json!({"op": "replace", "path": "emails", "value": "x"}), "invalidValue"),
        (json!({"op": "add", "path": "title"}), "invalidValue"),
        (json!({"op": "add", "value": "x"}), "invalidValue"),
        (json!({"op": "add", "path": "hat", "value": 1}), "invalidPath"),
        (json!({"op": "add", "path": "name.hat", "value": 1}), "invalidPath"),
        (json!({"op": "add", "path": "emails[", "value": 1}), "invalidPath"),
        (json!({"op": "add", "path": "", "value": {}}), "invalidPath"),
        (json!({"op": "add", "path": "name[givenName pr]", "value": {}}), "invalidPath"),
        (json!({"op": "add", "path": 7, "value": 1}), "invalidPath"),
        (json!({"op": "remove", "path": "emails[type is \"x\"]"}), "invalidFilter"),
        (json!({"op": "remove", "path": "emails[hat pr]"}), "invalidFilter"),
        (json!({"op": "remove", "path": "emails[primary gt true]"}), "invalidFilter"),
        (json!({"op": "move", "path": "title", "value": "x"}), "invalidSyntax"),
        (json!(7), "invalidSyntax"),
    ] {
        assert_eq!(error(json!([operation])), kind, "{operation}");
    }
    let failed = on(
        user(),
        ResourceType::user(),
        json!([{"op": "add", "path": "title", "value": "x"}, {"op": "remove"}]),
        &STRICT,
    );
    assert_eq!(failed.unwrap_err().operation, Some(1));
    for body in
        [json!(null), json!({}), json!({"schemas": [urn::PATCH_OP], "Operations": []}), json!({"Operations": [{}]})]
    {
        let refused = apply(&user(), &body, &ResourceType::user(), &STRICT).unwrap_err();
        assert_eq!((refused.status, refused.scim_type), (400, Some("invalidSyntax")), "{body}");
    }
}

#[test]
fn immutable_members_come_and_go_but_do_not_change() {
    let at = |operations| on(group(), ResourceType::group(), operations, &STRICT);
    let change = at(json!([{"op": "replace", "path": "members[value eq \"u1\"].value", "value": "u5"}]));
    assert_eq!(change.unwrap_err().scim_type, Some("mutability"));
    let same = at(json!([{"op": "replace", "path": "members[value eq \"u1\"].value", "value": "u1"}]));
    assert_eq!(same, Ok(group()));
    let first = at(json!([{"op": "add", "path": "members[value eq \"u1\"].type", "value": "User"}]));
    assert_eq!(first.unwrap()["members"][0]["type"], "User");
    let mut rt = ResourceType::user();
    let badge = Attribute {
        mutability: Mutability::Immutable,
        ..Attribute::new("badge", crate::scim::schema::AttrType::String)
    };
    rt.schema.attributes.push(badge);
    let once = on(user(), rt.clone(), json!([{"op": "replace", "path": "badge", "value": "1"}]), &STRICT).unwrap();
    assert_eq!(once["badge"], "1");
    for operation in [json!({"op": "add", "path": "badge", "value": "2"}), json!({"op": "remove", "path": "badge"})] {
        let refused = on(once.clone(), rt.clone(), json!([operation]), &STRICT).unwrap_err();
        assert_eq!(refused.scim_type, Some("mutability"));
    }
}

#[test]
fn keywords_in_any_case() {
    let body = json!({"SCHEMAS": [urn::PATCH_OP], "operations": [{"OP": "Replace", "Path": "TITLE", "Value": "x"}]});
    assert_eq!(apply(&user(), &body, &ResourceType::user(), &STRICT).unwrap()["title"], "x");
}

#[test]
fn entra_builds_one_value_of_several_operations() {
    let doc = loose_user(json!([
        {"op": "Add", "path": "addresses[type eq \"work\"].formatted", "value": "18/2111"},
        {"op": "Add", "path": "addresses[type eq \"work\"].locality", "value": "L"},
        {"op": "Replace", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "1"},
        {"op": "Add", "path": "roles[primary eq \"True\"].value", "value": "Admin"}]));
    assert_eq!(doc["addresses"], json!([{"type": "work", "formatted": "18/2111", "locality": "L"}]));
    assert_eq!(doc["phoneNumbers"], json!([{"type": "mobile", "value": "1"}]));
    assert_eq!(doc["roles"], json!([{"primary": true, "value": "Admin"}]));
}

#[test]
fn entra_sends_strings_and_dotted_keys() {
    let doc = loose_user(json!([
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "Replace", "value": {"id": "7", "schemas": [], "meta": {}, "name.familyName": "New", "displayName": "D",
            ext("department"): "R", "emails[type eq \"home\"].value": "n@example.com", "x.y": 1}}]));
    assert_eq!((&doc["active"], &doc["id"]), (&json!(false), &json!("1")));
    assert_eq!(doc["name"]["familyName"], "New");
    assert_eq!(doc[urn::ENTERPRISE]["department"], "R");
    assert_eq!(doc["emails"][1]["value"], "n@example.com");
    assert_eq!(doc["schemas"], json!([urn::USER, urn::ENTERPRISE]));
}

#[test]
fn managers_in_every_form() {
    let packed = "{\"value\": \"m\"}";
    for value in [
        json!("m"),
        json!([{"value": "m"}]),
        json!({"value": "m"}),
        json!(packed),
        json!({"value": "m", "displayName": "x"}),
    ] {
        for path in [ext("manager"), "manager".to_owned()] {
            let doc = loose_user(json!([{"op": "Add", "path": path, "value": value}]));
            assert_eq!(doc[urn::ENTERPRISE]["manager"], json!({"value": "m"}), "{value}");
        }
    }
    for value in
        [json!(""), json!({}), json!({"value": ""}), json!(null), json!([]), json!({"value": null, "$ref": null})]
    {
        let operations = json!([{"op": "Add", "path": ext("manager"), "value": "m"}, {"op": "Replace", "path": ext("manager"), "value": value}]);
        assert_eq!(loose_user(operations), user(), "{value}");
    }
    let by_part = json!([{"op": "Add", "path": ext("manager"), "value": "m"}, {"op": "Replace", "path": ext("manager.value"), "value": ""}]);
    assert_eq!(loose_user(by_part), user());
    let blank = loose_user(json!([{"op": "replace", "path": "name", "value": {"givenName": ""}}]));
    assert_eq!(blank["name"]["familyName"], "Stone");
}

#[test]
fn entra_removes_members_by_value() {
    let at = |operations| on(group(), ResourceType::group(), operations, &LENIENT).unwrap();
    for value in [json!([{"$ref": null, "value": "u1"}]), json!({"value": "u1"}), json!(["u1"]), json!("u1")] {
        let doc = at(json!([{"op": "Remove", "path": "members", "value": value}]));
        assert_eq!(doc["members"].as_array().unwrap().len(), 1, "{value}");
        assert_eq!(doc["members"][0]["value"], "u2");
    }
    assert_eq!(at(json!([{"op": "Remove", "path": "members", "value": [{"value": "nobody"}]}])), group());
    assert!(at(json!([{"op": "Remove", "path": "members"}])).get("members").is_none());
    assert_eq!(at(json!([{"op": "add", "path": "members", "value": {"value": "u3"}}]))["members"][2]["value"], "u3");
    assert_eq!(at(json!([{"op": "add", "path": "members", "value": "u3"}]))["members"][2]["value"], "u3");
    // Okta names the group by its id in a value without path.
    assert_eq!(at(json!([{"op": "replace", "value": {"id": "9", "displayName": "H"}}]))["displayName"], "H");
}

#[test]
fn a_new_manager_has_not_the_old_address() {
    let held = json!({"value": "m", "$ref": "https://example.com/Users/m", "displayName": "M"});
    let mut doc = user();
    doc[urn::ENTERPRISE] = json!({"manager": held});
    let at = |path: &str, value: Value| {
        let operations = json!([{"op": "replace", "path": ext(path), "value": value}]);
        on(doc.clone(), ResourceType::user(), operations, &STRICT).unwrap()[urn::ENTERPRISE]["manager"].clone()
    };
    assert_eq!(at("manager", json!({"value": "n"})), json!({"value": "n"}));
    assert_eq!(at("manager.value", json!("n")), json!({"value": "n"}));
    assert_eq!(at("manager", json!({"value": "m"})), held);
    let own = json!({"value": "n", "$ref": "../Users/n"});
    assert_eq!(at("manager", own.clone()), own);
}

#[test]
fn bodies_are_kept_in_the_form_of_the_schema() {
    let body = json!({"schemas": [urn::USER], "id": "x", "USERNAME": "alice", "title": null, "hat": 1, "groups": [],
        "meta": {"version": "1"}, "emails": [{"Value": "a", "primary": true}], urn::ENTERPRISE: {"department": "D"}});
    let kept = json!({"schemas": [urn::USER, urn::ENTERPRISE], "userName": "alice",
        "emails": [{"value": "a", "primary": true}], urn::ENTERPRISE: {"department": "D"}});
    assert_eq!(accept(&body, &ResourceType::user(), &STRICT), Ok(kept));
    let loose = json!({"userName": "a", "active": "True"});
    assert!(accept(&loose, &ResourceType::user(), &STRICT).is_err());
    assert_eq!(accept(&loose, &ResourceType::user(), &LENIENT).unwrap()["active"], true);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i32>().prop_map(|n| json!(n)),
        prop::sample::select(vec!["", "work", "True", "x@example.com", "{\"value\":\"v\"}", "[1", "[[]]"])
            .prop_map(|s| json!(s)),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let key = prop::sample::select(vec![
            "value",
            "type",
            "primary",
            "emails",
            "name",
            "userName",
            "members",
            "active",
            "givenName",
            "name.familyName",
            "schemas",
            "id",
            "meta",
            "hat",
            "manager",
            urn::ENTERPRISE,
            urn::USER,
            "emails[type eq \"work\"].value",
            "$ref",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((key, inner), 0..5)
                .prop_map(|m| Value::Object(m.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())),
        ]
    })
}

fn operation() -> impl Strategy<Value = Value> {
    let op = prop::sample::select(vec!["add", "replace", "remove", "Add", "nothing"]);
    let manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
    let path = prop::option::of(prop::sample::select(vec![
        "userName",
        "emails",
        "emails.value",
        "emails.primary",
        "emails[type eq \"work\"]",
        "emails[type eq \"work\"].value",
        "emails[primary eq \"True\"].primary",
        "emails[not (type pr)]",
        "emails[bad",
        "name",
        "name.givenName",
        "active",
        "schemas",
        "schemas[value eq \"x\"]",
        "schemas.value",
        "id",
        "meta.created",
        "manager",
        manager,
        urn::ENTERPRISE,
        urn::USER,
        "hat",
        "",
        "x509Certificates",
        "addresses[type eq \"work\" and primary eq true].locality",
    ]));
    (op, path, prop::option::of(any_json())).prop_map(|(op, path, value)| {
        let mut map = Map::from_iter([("op".to_owned(), json!(op))]);
        map.extend(path.map(|p| ("path".to_owned(), json!(p))));
        map.extend(value.map(|v| ("value".to_owned(), v)));
        Value::Object(map)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(384) })]

    #[test]
    fn arbitrary_input_never_panics(doc in any_json(), body in any_json(), operations in prop::collection::vec(operation(), 0..4)) {
        for opts in [STRICT, LENIENT] {
            for rt in [ResourceType::user(), ResourceType::group()] {
                let _ = apply(&doc, &body, &rt, &opts);
                let _ = apply(&doc, &patch(Value::Array(operations.clone())), &rt, &opts);
            }
        }
    }

    #[test]
    fn a_patched_resource_still_conforms(operations in prop::collection::vec(operation(), 1..5)) {
        let before = user();
        for opts in [STRICT, LENIENT] {
            let result = apply(&before, &patch(Value::Array(operations.clone())), &ResourceType::user(), &opts);
            prop_assert_eq!(&before, &user());
            if let Ok(after) = result {
                let wrong: Vec<_> = crate::scim::value::validate(&after, &ResourceType::user())
                    .into_iter().filter(|p| p.is_error()).collect();
                prop_assert!(wrong.is_empty(), "{:?} in {}", wrong, after);
                prop_assert_eq!(&after["id"], "1");
            }
        }
    }

    #[test]
    fn a_failing_operation_undoes_all(operations in prop::collection::vec(operation(), 0..3)) {
        let mut operations = operations;
        operations.push(json!({"op": "remove", "path": "userName"}));
        let failed = apply(&user(), &patch(Value::Array(operations)), &ResourceType::user(), &LENIENT);
        prop_assert!(failed.is_err());
    }

    #[test]
    fn repeating_a_patch_changes_nothing_more(operation in operation()) {
        // A created value need not match its filter afterwards, when the operation wrote another type.
        let opts = Options { value_path_creates: false, ..LENIENT };
        let body = patch(json!([operation]));
        let rt = ResourceType::user();
        if let Ok(once) = apply(&user(), &body, &rt, &opts)
            && let Ok(twice) = apply(&once, &body, &rt, &opts) {
                prop_assert!(same_value(&once, &twice, None), "{} then {}", once, twice);
            }
    }
}
