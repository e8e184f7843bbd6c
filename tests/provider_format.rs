//! The format of provider profiles: what is refused and where, and what an entry fits.

use scimproof::profile::provider::{Expected, ProviderProfile, Sighting, load};
use scimproof::scenario::model::Need;
use serde_json::json;

fn wrong(text: &str) -> String {
    load(text, "mine.yaml").expect_err("it is wrong on purpose").render(false)
}

fn good(rest: &str) -> ProviderProfile {
    let text = format!("name: mine\ntitle: Mine\n{rest}");
    load(&text, "mine.yaml").unwrap_or_else(|e| panic!("{}", e.render(false)))
}

const ENTRY: &str = "deviations:\n  - rule: [delete/status-not-204, 'put/*']\n    at: 'userName*'\n    status: [200]\n    \
                     reason: as documented\n    source: page 1\n    verdict: allow\n";

#[test]
fn errors_have_a_place() {
    let cases = [
        ("an unknown key", "name: mine\ntitle: Mine\nbase_pth: /scim\n"),
        (
            "an unknown rule",
            "name: mine\ntitle: Mine\ndeviations:\n  - { rule: delete/status-not-20, reason: r, source: s, verdict: allow }\n",
        ),
        (
            "a glob that fits nothing",
            "name: mine\ntitle: Mine\ndeviations:\n  - { rule: 'nothing/*', reason: r, source: s, verdict: allow }\n",
        ),
        (
            "no reason",
            "name: mine\ntitle: Mine\ndeviations:\n  - { rule: 'put/*', reason: ' ', source: s, verdict: allow }\n",
        ),
        (
            "an unknown verdict",
            "name: mine\ntitle: Mine\ndeviations:\n  - { rule: 'put/*', reason: r, source: s, verdict: ignore }\n",
        ),
        ("a base path with a host", "name: mine\ntitle: Mine\nbase_path: https://example.com/scim\n"),
        ("a name with capitals", "name: Mine\ntitle: Mine\n"),
        ("an unknown need", "name: mine\ntitle: Mine\nnot_offered: [{ need: patches, reason: r }]\n"),
        ("no title", "name: mine\n"),
    ];
    let told: Vec<String> = cases.iter().map(|(what, text)| format!("# {what}\n{}", wrong(text))).collect();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("provider-format-errors", told.join("\n\n")));
}

#[test]
fn an_entry_fits_only_what_it_names() {
    let profile = good(ENTRY);
    let seen = Sighting {
        rule: "put/change-not-applied",
        case: "okta/x@wizard",
        step: "s",
        at: "userName in the answer",
        actual: "",
        status: Some(200),
    };
    assert_eq!(profile.deviation_at(seen).expect("it fits").verdict, Expected::Allow);
    assert!(profile.deviation_at(Sighting { at: "title", ..seen }).is_none());
    assert!(profile.deviation_at(Sighting { status: Some(500), ..seen }).is_none());
    assert!(profile.deviation_at(Sighting { rule: "patch/change-not-applied", ..seen }).is_none());
    assert!(profile.deviation("put/change-not-applied", "okta/x").is_none(), "it is about one place");
}

#[test]
fn scenarios_fit_with_and_without_their_dialect() {
    let profile =
        good("deviations:\n  - { rule: put/empty-answer, scenario: okta/x, reason: r, source: s, verdict: check }\n");
    assert!(profile.deviation("put/empty-answer", "okta/x@wizard").is_some());
    assert!(profile.deviation("put/empty-answer", "okta/xy").is_none());
}

#[test]
fn what_is_not_offered_has_a_reason() {
    let profile = good("update: { users: put, groups: put }\nnot_offered: [{ need: bulk, reason: no bulk here }]\n");
    assert_eq!(profile.lacks(Need::Bulk).as_deref(), Some("Mine: no bulk here"));
    assert!(profile.lacks(Need::Patch).is_some());
    assert_eq!(profile.lacks(Need::Put), None);
}

#[test]
fn required_attributes_are_added_where_they_are_absent() {
    let profile = good(
        "required:\n  - { attribute: UID, urn: 'urn:x:User', value: '{userName}' }\n  - { attribute: name.givenName, value: Sam }\n",
    );
    let core = "urn:ietf:params:scim:schemas:core:2.0:User";
    let mut user = json!({ "schemas": [core], "userName": "pat", "name": { "familyName": "Doe" } });
    let map = user.as_object_mut().expect("an object");
    assert!(profile.complete(map));
    assert!(!profile.complete(map), "once is enough");
    assert_eq!(
        user,
        json!({ "schemas": [core, "urn:x:User"], "userName": "pat",
            "name": { "familyName": "Doe", "givenName": "Sam" }, "urn:x:User": { "UID": "pat" } })
    );
    for schemas in [json!([]), json!(["urn:ietf:params:scim:schemas:core:2.0:Group"]), json!("x")] {
        let mut other = json!({ "schemas": schemas, "userName": "pat" });
        profile.complete(other.as_object_mut().expect("an object"));
        assert_eq!(other["schemas"], schemas, "a list that is wrong stays wrong");
    }
    let mut broken = json!({ "userName": 7 });
    assert!(!profile.complete(broken.as_object_mut().expect("an object")), "a body that is wrong stays wrong");
}
