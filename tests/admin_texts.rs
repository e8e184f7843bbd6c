//! What the admin reads is the text of the call that failed, with its holes filled.

#[path = "support/tool.rs"]
mod tool;

use serde_json::Value;
use tool::Desk;

/// What a run says that admins read, of all its findings.
fn told(arguments: &[&str]) -> Vec<Value> {
    let desk = Desk::new();
    desk.call(&[&["run"], arguments, &["--json", "r.json"]].concat());
    let report = desk.json("r.json");
    let findings = report["findings"].as_array().expect("findings").iter();
    findings.flat_map(|f| f["admin_sees"].as_array().cloned().unwrap_or_default()).collect()
}

/// Scenario, fault, identity provider, and what its text has to begin with once `*` stands for the names.
const TEXTS: &[(&str, &str, &str, &str)] = &[
    (
        "okta/group-push-rename",
        "patch-groups-405",
        "Okta",
        "Unable to update Group Push mapping target App group *: Error while updating user group membership for group *: Method Not Allowed.",
    ),
    ("okta/deactivate-user", "patch-users-405", "Okta", "Error while deactivating user *: Method Not Allowed."),
    (
        "okta/create-user",
        "create-response-without-id",
        "Okta",
        "Automatic provisioning of user * to app your app failed: Error while creating user *: Create new user returned empty user.",
    ),
    (
        "okta/create-user",
        "create-users-405",
        "Okta",
        "Automatic provisioning of user * to app your app failed: Error while creating user *: Method Not Allowed.",
    ),
    ("entra/group-delete", "group-delete-404", "Microsoft Entra ID", "nothing: the log shows Delete, Success"),
    (
        "entra/create-user",
        "create-users-405",
        "Microsoft Entra ID",
        "Failed to create User * in customappsso; Error: StatusCode: Method Not Allowed",
    ),
];

#[test]
fn the_text_is_that_of_the_call_that_failed() {
    for (scenario, fault, idp, text) in TEXTS {
        let seen = told(&[scenario, "--fault", fault]);
        let own = || seen.iter().filter(|a| a["idp"] == *idp);
        let fits = own().any(|a| begins(a["text"].as_str().unwrap_or_default(), text));
        assert!(fits, "{scenario} --fault {fault}: {:#?}", own().collect::<Vec<_>>());
    }
}

/// Conversations in which people and groups are made, changed and taken away.
const SCENARIOS: [&str; 6] = [
    "okta/create-user",
    "okta/deactivate-user",
    "okta/group-push-rename",
    "entra/create-user",
    "entra/disable-user",
    "entra/group-members-many",
];

#[test]
fn no_hole_is_left_open() {
    for fault in ["patch-groups-405", "patch-active-ignored", "create-users-405"] {
        let seen = told(&[&SCENARIOS[..], &["--fault", fault]].concat());
        assert!(!seen.is_empty(), "{fault}");
        for words in seen.iter().flat_map(|a| [&a["text"], &a["next"]]).filter_map(Value::as_str) {
            let holes = ["{user}", "{group}", "{app}", "{detail}", "{reason}", "{id}"];
            assert!(!holes.iter().any(|hole| words.contains(hole)), "{fault}: {words}");
        }
    }
}

/// True when the text begins so; `*` stands for anything up to what follows it.
fn begins(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    true
}
