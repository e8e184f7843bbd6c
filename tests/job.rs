//! What Entra would make of the whole provisioning job: decided from what it sent, told with the request that decides.

#[path = "support/tool.rs"]
mod tool;

use serde_json::Value;
use tool::Desk;

fn job(arguments: &[&str]) -> (Value, String) {
    let desk = Desk::new();
    let out = desk.call(&[&["run"], arguments, &["--json", "report.json"]].concat());
    (desk.json("report.json")["job"].clone(), out.stdout)
}

#[test]
fn a_look_up_that_answers_404_stops_the_job_at_once() {
    let (job, text) = job(&["entra/create-user", "entra/disable-user", "--fault", "filter-no-match-404"]);
    assert_eq!(job["quarantined"], true, "{job}");
    assert!(job["halt"]["request"].as_str().is_some_and(|r| r.starts_with("GET /Users")), "{job}");
    assert!(job["halt"]["at"].as_str().is_some_and(|a| a.starts_with("entra/create-user")), "{job}");
    assert!(text.contains("Entra ID would put the whole job into quarantine"), "{text}");
}

#[test]
fn failures_of_objects_and_of_references_are_counted_apart() {
    let (job, text) = job(&["entra/incremental-sync", "--fault", "group-member-display-required"]);
    assert_eq!(job["quarantined"], false, "{job}");
    assert!(job["reference_failures"].as_u64().is_some_and(|n| n > 0), "{job}");
    assert_eq!(job["halt"], Value::Null);
    assert!(text.contains("would keep the job running"), "{text}");
}

#[test]
fn nothing_is_said_where_nothing_failed_and_where_entra_did_not_play() {
    let (healthy, text) = job(&["entra/incremental-sync"]);
    assert_eq!((&healthy["quarantined"], &healthy["verdict"]), (&Value::Bool(false), &Value::Null));
    assert!(!text.contains("quarantine"), "{text}");
    let (none, _) = job(&["okta/create-user"]);
    assert_eq!(none, Value::Null);
}
