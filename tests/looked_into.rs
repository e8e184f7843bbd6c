//! Before a server is blamed for one thing, the run asks whether it is another: plainer forms, smaller creates, reads first.

#[path = "support/tool.rs"]
mod tool;

use serde_json::Value;
use tool::Desk;

/// Findings of a run with that fault: rule and message.
fn told(scenarios: &[&str], fault: &str) -> Vec<(String, String)> {
    let desk = Desk::new();
    let mut arguments = vec!["run"];
    arguments.extend(scenarios);
    arguments.extend(["--fault", fault, "--json", "r.json"]);
    desk.call(&arguments);
    let report = desk.json("r.json");
    assert_eq!(report["left_behind"], Value::Array(Vec::new()), "{fault}");
    let text = |f: &Value, name: &str| f[name].as_str().unwrap_or_default().to_owned();
    let findings = report["findings"].as_array().expect("findings").iter();
    findings.filter(|f| f["fails"] == true).map(|f| (text(f, "rule"), text(f, "message"))).collect()
}

fn rules(found: &[(String, String)]) -> Vec<&str> {
    found.iter().map(|(rule, _)| rule.as_str()).collect()
}

#[test]
fn a_form_is_blamed_where_the_plainer_form_is_accepted() {
    let found = told(&["entra/disable-user"], "patch-capitalized-op-rejected");
    assert_eq!(rules(&found), ["patch/op-case-refused"]);
    assert!(found[0].1.contains("but is accepted as [{\"op\":\"replace\""), "{found:?}");
}

#[test]
fn a_form_is_not_blamed_where_the_plainer_form_is_refused_too() {
    let found = told(&["okta/deactivate-user@catalogue"], "patch-only-active-supported");
    assert_eq!(rules(&found), Vec::<&str>::new(), "active itself is changed");
    let found = told(&["rfc/patch-pathless"], "patch-only-active-supported");
    assert!(rules(&found).contains(&"patch/valid-request-refused"), "{found:?}");
    assert!(!rules(&found).contains(&"patch/pathless-refused"), "{found:?}");
}

#[test]
fn a_refused_create_is_told_by_what_is_minded() {
    let found = told(&["rfc/create-lenient"], "address-null-part-400");
    let (_, message) = found.iter().find(|(rule, _)| rule == "create/valid-user-refused").expect("a refused create");
    assert!(message.contains("but is accepted without `addresses.streetAddress`"), "{message}");
}

#[test]
fn an_extension_is_not_blamed_for_a_part_of_it() {
    let found = told(&["rfc/create-enterprise"], "create-manager-rejected");
    assert_eq!(rules(&found), ["create/valid-user-refused"], "{found:?}");
    assert!(found[0].1.contains("enterprise:2.0:User:manager`"), "{found:?}");
}

#[test]
fn a_refused_search_is_not_the_filters_fault() {
    let found = told(&["rfc/search-post", "rfc/password"], "search-attributes-list-400");
    assert_eq!(rules(&found), ["search/valid-request-refused"], "{found:?}");
}

#[test]
fn a_delete_that_is_accepted_without_content_type_has_been_done() {
    let found = told(&["authentik", "rfc/delete-user"], "delete-with-content-type-400");
    assert_eq!(rules(&found), ["delete/refused"], "{found:?}");
    assert!(found[0].1.contains("but is accepted without `Content-Type`"), "{found:?}");
}

#[test]
fn who_vanishes_with_a_write_is_told_with_that_write() {
    let found = told(&["entra/incremental-sync@legacy"], "patch-email-deletes-user");
    assert_eq!(rules(&found), ["identity/live-resource-not-found"], "{found:?}");
    assert!(found[0].1.contains("gone since that write"), "{found:?}");
}

/// A product takes addresses of its customer's domains only: nobody is accused, the run says that nothing was tested, and one option plays everything.
#[test]
fn a_mail_domain_of_the_targets_own_can_be_given() {
    let played = ["okta/create-user", "okta/profile-update", "entra/create-user", "rfc/create-user", "rfc/patch-add"];
    let run = |more: &[&str]| {
        let desk = Desk::new();
        let mut arguments = vec!["run", "--variant", "mail-domain-verified", "--json", "r.json"];
        arguments.extend(played);
        arguments.extend(more);
        (desk.call(&arguments), desk.json("r.json"))
    };
    let (out, report) = run(&[]);
    assert_eq!((out.code, &report["summary"]["failed"]), (3, &Value::from(0)), "{}", out.stdout);
    assert!(report["target"].to_string().contains("--mail-domain"), "{}", report["target"]);
    let (out, report) = run(&["--mail-domain", "acme.test"]);
    assert_eq!((out.code, &report["summary"]["blocked"]), (0, &Value::from(0)), "{}", out.stdout);
    assert!(!report.to_string().contains("@example.com"), "an address was left");
}

/// As an administrator sets up the mapping: otherwise all that comes after the create would not be tested.
#[test]
fn what_the_targets_schemas_require_is_sent() {
    for variant in ["enterprise-required-declared", "password-required-declared", "display-name-required-declared"] {
        let desk = Desk::new();
        let out = desk.call(&[
            "run",
            "okta/create-user",
            "okta/profile-update",
            "entra/create-user",
            "onelogin/default-enterprise-template",
            "--variant",
            variant,
            "--json",
            "r.json",
        ]);
        let report = desk.json("r.json");
        assert_eq!((out.code, &report["summary"]["blocked"]), (0, &Value::from(0)), "{variant}: {}", out.stdout);
        assert!(report["target"].to_string().contains("attribute mapping"), "{}", report["target"]);
    }
}
