//! The committed JSON Schema is the loader's own, and every bundled scenario satisfies both.

use scimproof::profile::idp;
use scimproof::scenario;
use serde_json::Value;
use std::fs;
use std::path::Path;

fn committed() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/scenario.schema.json");
    let mut current = serde_json::to_string_pretty(&scenario::json_schema()).expect("a schema is JSON");
    current.push('\n');
    if std::env::var_os("SCIMPROOF_UPDATE").is_some_and(|v| v == "1") {
        fs::write(&path, &current).expect("the file can be written");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == current,
        "schemas/scenario.schema.json is not current: run SCIMPROOF_UPDATE=1 cargo test --test scenario_schema"
    );
    committed
}

fn validator() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(&committed()).expect("a schema is JSON");
    jsonschema::validator_for(&schema).expect("a valid schema")
}

#[test]
fn the_committed_schema_is_current() {
    assert!(committed().contains("draft-07"));
}

#[test]
fn every_bundled_scenario_loads_and_satisfies_the_schema() {
    let validator = validator();
    let profiles = idp::names();
    for id in scenario::bundled_ids() {
        let loaded = scenario::load_bundled(id).expect("it is in the list").unwrap_or_else(|errors| {
            let shown: Vec<String> = errors.iter().map(|e| e.render(false)).collect();
            panic!("{}", shown.join("\n\n"))
        });
        assert!(profiles.contains(&loaded.idp.as_str()), "{id}: there is no profile of `{}`", loaded.idp);
        let text = scenario::bundled_text(id).expect("it is in the list");
        let value: Value = scenario::load_data(text, id).expect("it has just been loaded");
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|e| format!("{id} at {}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{}", errors.join("\n"));
    }
}

#[test]
fn every_bundled_profile_loads_under_its_folder_name() {
    let profiles = idp::bundled().unwrap_or_else(|error| panic!("{}", error.render(false)));
    let names: Vec<&str> = profiles.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, idp::names());
    for name in names {
        assert!(idp::find(name).expect("it loads").is_some());
    }
}

#[test]
fn the_schema_refuses_what_the_loader_refuses() {
    let validator = validator();
    let right = r#"{ "scenario": "a/b", "title": "t", "idp": "rfc",
        "steps": [{ "step": "s", "title": "t", "GET": "/Users", "headers": { "Accept": null },
            "expect": { "status": "2xx", "body": { "id": { "present": true }, "n": 1 } } }] }"#;
    let right: Value = serde_json::from_str(right).expect("JSON");
    assert!(validator.is_valid(&right));
    for (pointer, wrong) in [
        ("/steps/0/GET", serde_json::json!(null)),
        ("/steps/0/expect/status", serde_json::json!("9xx")),
        ("/steps/0/expect/body/id", serde_json::json!({ "presnt": true })),
        ("/steps/0/expect/level", serde_json::json!("bad")),
        ("/title", serde_json::json!(null)),
    ] {
        let mut value = right.clone();
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
        value.pointer_mut(parent).expect("it is there")[key] = wrong;
        assert!(!validator.is_valid(&value), "{pointer}");
    }
}
