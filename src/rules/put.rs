//! PUT (RFC 7644 §3.5.1) and the status of users: what was replaced is replaced, what was left out is not switched off.

use super::rule::{Impact, Level, Rule, Verdict, refusal_rule, state_rule};
use super::view::{Past, View, short};
use crate::scim::schema::{Mutability, Returned};
use crate::scim::value::{get_ci, value_ci};
use crate::shadow::facts::is_empty;
use crate::shadow::{Op, Reason};
use serde_json::Value;

/// Rules of this area.
pub static RULES: &[Rule] = &[
    Rule {
        id: "put/change-not-applied",
        title: "PUT answers success, but the attribute does not have the value that was sent",
        spec: "RFC 7644 §3.5.1",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &["put-persists", "put-returns-resource", "put-null-clears", "okta-profile-push-put"],
        explain: "PUT replaces the resource. Okta pushes every profile change as GET and PUT; what is not applied is lost without a word.",
        hint: "Set every writable attribute that the body names to the value in the body; null and [] clear it.",
        wrong: "PUT /Users/2819 {…,\"title\":\"New\"} → 200\nGET → the old title",
        right: "GET → {\"title\":\"New\"}",
        proven_by: &[
            "null-becomes-none",
            "put-external-id-ignored",
            "put-username-ignored",
            "group-put-clears-external-id",
            "username-lowercased",
            "create-mangles-unicode",
            "put-clears-external-id",
            "put-drops-phone-numbers",
            "put-emails-appended",
            "put-extension-ignored",
            "put-omitted-attributes-kept-as-null",
            "emails-without-primary-lost",
            "group-put-external-id-ignored",
            "put-emails-kept",
            "address-parts-lost",
            "put-external-id-keeps-email",
            "put-identifiers-ignored",
            "phones-without-primary-lost",
            "roles-not-stored",
        ],
        check: state_rule!("put/change-not-applied"),
    },
    Rule {
        id: "put/answer-shows-old-state",
        title: "The answer to a PUT does not show the resource as it should be now",
        spec: "RFC 7644 §3.5.1",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["put-returns-resource"],
        explain: "A successful PUT returns 200 and the entire resource as it is now.",
        hint: "Render the answer after storing.",
        wrong: "PUT {…,\"title\":\"New\"} → 200 {\"title\":\"Old\"}",
        right: "→ 200 {\"title\":\"New\"}",
        proven_by: &["put-returns-stale-resource"],
        check: state_rule!("put/answer-shows-old-state"),
    },
    Rule {
        id: "put/omitted-active-changed",
        title: "A PUT without `active` changes whether the user is active",
        spec: "Okta: a profile push does not change the status; RFC 7644 §3.5.1",
        level: Level::Idp,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &["okta"],
        requirements: &["put-active-omitted"],
        explain: "What a PUT leaves out may be kept or set to its default. Whoever was active and is not any more is locked out by a change of their title; whoever was deactivated and is active again has access that was taken away.",
        hint: "Keep `active` when the body does not name it.",
        wrong: "active user; PUT without active → GET {\"active\":false}",
        right: "GET {\"active\":true}",
        proven_by: &["put-omitted-active-deactivates"],
        check: state_rule!("put/omitted-active-changed"),
    },
    Rule {
        id: "deactivate/put-not-applied",
        title: "PUT of `active` answers success, but the user keeps its old status",
        spec: "RFC 7644 §3.5.1; Okta: wizard-made apps deactivate by PUT",
        level: Level::Must,
        clash: false,
        impact: Impact::StaysActive,
        breaks: &[],
        requirements: &["put-deactivate", "okta-deactivate-put"],
        explain: "Wizard-made Okta apps switch users off with GET and PUT. The server said yes and the person keeps access.",
        hint: "Take `active` from the body of a PUT.",
        wrong: "PUT {…,\"active\":false} → 200\nGET → {\"active\":true}",
        right: "GET → {\"active\":false}",
        proven_by: &["put-active-false-ignored", "put-ignored", "reactivation-ignored"],
        check: state_rule!("deactivate/put-not-applied"),
    },
    Rule {
        id: "deactivate/list-shows-old-status",
        title: "Lists show another `active` than GET by id",
        spec: "RFC 7644 §3.4.2; RFC 7643 §3.1",
        level: Level::Must,
        clash: false,
        impact: Impact::StaysActive,
        breaks: &[],
        requirements: &["filter-includes-inactive", "okta-deactivated-not-imported", "read-same-as-list"],
        explain: "The user was switched and GET by id says so, but the list (or a filter result) still shows the old status. Audits and imports read lists.",
        hint: "Render list entries from the same source as the single resource.",
        wrong: "GET /Users/u → {\"active\":false}\nGET /Users → … {\"id\":\"u\",\"active\":true}",
        right: "both false",
        proven_by: &["list-reports-stale-active", "list-after-write-stale", "list-items-incomplete"],
        check: state_rule!("deactivate/list-shows-old-status"),
    },
    Rule {
        id: "put/answer-hides-what-stays",
        title: "The answer to a PUT shows an attribute as gone, the read right after it shows it",
        spec: "RFC 7644 §3.5.1 (the entire resource in the answer)",
        level: Level::Idp,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &["put-persists"],
        explain: "A server may keep or clear what a PUT leaves out; it has to say which. Here the answer says cleared, and the value is still there: the identity provider believes that a department, a manager or a role was taken away.",
        hint: "Build the answer from what was stored, not from what was sent.",
        wrong: "PUT without the extension → 200 without it\nGET → \"department\":\"Sales\"",
        right: "the same in both",
        proven_by: &["put-extension-only-hidden"],
        check: hides_what_stays,
    },
    Rule {
        id: "deactivate/active-left-out",
        title: "A user that was switched off is shown without `active`",
        spec: "RFC 7643 §4.1.1, §7 (returned default); Okta and Entra read `active`",
        level: Level::Idp,
        clash: false,
        impact: Impact::StaysActive,
        breaks: &[],
        requirements: &["okta-deactivate-patch"],
        explain: "The server accepted `active: false` and then leaves the attribute out where it is false. Whoever reads no `active` takes the account for an active one: an import brings the leaver back, and a sync switches the account off again in every cycle.",
        hint: "Always write `active`, also when it is false (many serializers drop false as an empty value).",
        wrong: "PATCH replace active false → 200; GET → {\"id\":\"2819\",\"userName\":\"a\"}",
        right: "GET → {\"id\":\"2819\",\"userName\":\"a\",\"active\":false}",
        proven_by: &["patch-pathless-false-null", "active-missing-when-false"],
        check: state_rule!("deactivate/active-left-out"),
    },
    Rule {
        id: "put/not-supported",
        title: "PUT is not available",
        spec: "RFC 7644 §3.5 (\"Service providers MUST support PUT\")",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateFails,
        breaks: &["okta"],
        requirements: &["put-supported"],
        explain: "The resource exists, yet PUT on it answers 404, 405 or 501. Okta pushes profiles by PUT in every kind of app.",
        hint: "Implement PUT on the item URI.",
        wrong: "PUT /Users/2819 → 405",
        right: "PUT /Users/2819 → 200",
        proven_by: &["put-users-404", "deactivated-user-update-404", "put-groups-404", "put-users-html-404"],
        check: refusal_rule!("put/not-supported"),
    },
    Rule {
        id: "put/valid-request-refused",
        title: "A valid PUT is refused",
        spec: "RFC 7644 §3.5.1",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateFails,
        breaks: &["okta"],
        requirements: &[
            "put-readonly-ignored",
            "put-roundtrip-get-body",
            "put-self-no-conflict",
            "okta-profile-push-empty-values",
            "put-required-missing-400",
        ],
        explain: "The body is a valid representation of the resource: perhaps the very body that the server gave, with `id`, `meta` and `groups` in it, or its own userName. Read-only attributes are ignored, not refused.",
        hint: "Ignore read-only attributes; do not count the resource itself as a conflict; take null and \"\" as \"clear\".",
        wrong: "GET /Users/2819 → body; PUT the same body → 400",
        right: "→ 200",
        proven_by: &[
            "group-put-other-display-400",
            "group-put-fewer-members-400",
            "group-put-body-id-refused",
            "put-own-username-409",
            "put-read-body-rejected",
            "group-second-put-refused",
            "put-without-display-name-400",
            "group-put-members-immutable-400",
            "put-needs-if-match-400",
            "put-groups-refused",
            "group-put-ref-400",
            "put-own-email-409",
            "put-email-capitals-400",
            "rename-refused",
            "put-password-required",
            "group-put-known-member-400",
        ],
        check: refusal_rule!("put/valid-request-refused"),
    },
    Rule {
        id: "put/status-not-200",
        title: "A successful PUT answers with a status other than 200",
        spec: "RFC 7644 §3.5.1",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["put-supported"],
        explain: "A replacement that was done is 200 with the resource. 201 says that something was created, 202 that it is not done yet.",
        hint: "Answer 200.",
        wrong: "PUT /Users/2819 → 201",
        right: "→ 200 with the resource",
        proven_by: &["put-answers-201", "put-answers-202"],
        check: put_status,
    },
    Rule {
        id: "put/empty-answer",
        title: "A successful PUT is not answered with the resource",
        spec: "RFC 7644 §3.5.1",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &["okta"],
        requirements: &["put-returns-resource"],
        explain: "Unless it fails, the server answers 200 with the entire resource. Okta needs the updated user.",
        hint: "Return the resource.",
        wrong: "PUT → 204",
        right: "PUT → 200 with the resource",
        proven_by: &["put-answers-204", "put-inactive-null"],
        check: put_empty,
    },
    Rule {
        id: "put/creates-unknown",
        title: "A PUT to an unknown id creates a resource",
        spec: "RFC 7644 §3.5.1 (PUT MUST NOT be used to create)",
        level: Level::Must,
        clash: false,
        impact: Impact::DuplicateCreated,
        breaks: &[],
        requirements: &["put-unknown-404"],
        explain: "PUT must not create resources; the identity provider would believe that its stored id is right.",
        hint: "Answer 404.",
        wrong: "PUT /Users/unknown → 201",
        right: "→ 404",
        proven_by: &["cross-tenant-update", "put-unknown-id-creates"],
        check: put_creates,
    },
    Rule {
        id: "identity/duplicate-username-accepted",
        title: "An update takes a userName that another user holds",
        spec: "RFC 7643 §4.1.1; RFC 7644 §3.12 (uniqueness)",
        level: Level::Must,
        clash: false,
        impact: Impact::WrongMatch,
        breaks: &[],
        requirements: &["patch-conflict-409", "put-conflict-409"],
        explain: "After this two users share one userName: whoever signs in with it may reach the other's account.",
        hint: "Check uniqueness on PUT and PATCH as on POST; answer 409 uniqueness.",
        wrong: "PATCH /Users/b replace userName with a's → 200",
        right: "→ 409 uniqueness",
        proven_by: &["patch-username-duplicate-accepted", "put-username-duplicate-accepted"],
        check: dup_update,
    },
    Rule {
        id: "group/twins-by-rename",
        title: "A group name that a create refuses as taken can be had by a rename",
        spec: "RFC 7643 §7 (uniqueness); Entra and Okta: look-up of a group by its name",
        level: Level::Should,
        clash: false,
        impact: Impact::WrongMatch,
        breaks: &[],
        requirements: &["group-duplicate-displayname"],
        explain: "No RFC makes the name of a group unique; a server that answers a second create with 409 does. After a rename that is not checked the look-up by name finds two groups, and the identity provider takes the first one or stops.",
        hint: "Check the name on PUT and PATCH as on POST, or let a create have it too.",
        wrong: "POST {\"displayName\":\"team\"} → 409\nPATCH /Groups/g2 replace displayName \"team\" → 200\nGET ?filter=displayName eq \"team\" → g1, g2",
        right: "PATCH /Groups/g2 → 409",
        proven_by: &["group-name-unique-on-create-only"],
        check: twins_by_rename,
    },
];

fn put_status(view: &View<'_>) -> Verdict {
    if view.call.op != Op::Replace || !view.accepted() || !view.must_accept() || !view.call.authenticated() {
        return Verdict::NotApplicable;
    }
    match view.status() {
        200 => Verdict::Pass,
        // What has no body is judged by put/empty-answer.
        204 => Verdict::NotApplicable,
        other => Verdict::fail("status", "200", other.to_string()),
    }
}

fn put_empty(view: &View<'_>) -> Verdict {
    if view.call.op != Op::Replace || !view.accepted() || !view.call.authenticated() {
        return Verdict::NotApplicable;
    }
    if view.response().is_some_and(|r| r.body.is_empty()) {
        return Verdict::fail("body", "200 with the resource", format!("{} without a body", view.status()));
    }
    if let Some(other) = view.exchange.json().filter(|j| !j.is_object()) {
        return Verdict::fail("body", "200 with the resource", short(other));
    }
    Verdict::Pass
}

fn put_creates(view: &View<'_>) -> Verdict {
    let unknown =
        view.must_refuse(Reason::UnknownId) || view.must_refuse(Reason::Deleted) || view.must_refuse(Reason::OtherType);
    if view.call.op != Op::Replace || !unknown || view.status() == 0 {
        return Verdict::NotApplicable;
    }
    if view.accepted() { Verdict::fail("status", "404", view.status().to_string()) } else { Verdict::Pass }
}

fn dup_update(view: &View<'_>) -> Verdict {
    if !view.must_refuse(Reason::Duplicate) || !matches!(view.call.op, Op::Patch | Op::Replace) || view.status() == 0 {
        return Verdict::NotApplicable;
    }
    if view.accepted() && keeps_its_name(view) {
        // Nobody's name was taken: that the write changes nothing is told where the name is free.
        return Verdict::NotApplicable;
    }
    if view.accepted() {
        return Verdict::fail("status", format!("409: {}", view.forecast.detail), view.status().to_string());
    }
    Verdict::Pass
}

/// A list that shows two groups of one name after a change of groups, where a create with that name was a conflict.
fn twins_by_rename(view: &View<'_>) -> Verdict {
    let groups = |p: &Past, op: Op| p.call.op == op && p.call.endpoint == "/Groups";
    let changed = view.earlier.iter().any(|p| groups(p, Op::Patch) || groups(p, Op::Replace));
    if !view.call.lists() || view.call.endpoint != "/Groups" || view.status() != 200 || !changed {
        return Verdict::NotApplicable;
    }
    let refused = view.earlier.iter().filter(|p| groups(p, Op::Create) && p.exchange.status() == Some(409));
    // What is sent beside the name may be what was taken.
    let bodies = refused.filter_map(|p| p.call.body.as_ref()).filter(|b| value_ci(b, "externalId").is_none());
    let mut taken = bodies.filter_map(|b| value_ci(b, "displayName")?.as_str());
    let shown = view.resources().iter().filter_map(|r| get_ci(r, "displayName")?.as_str());
    match taken.find(|t| shown.clone().filter(|n| n == t).count() > 1) {
        Some(twin) => Verdict::fail(
            "body /Resources",
            format!("one group called {twin:?}: a create with this name was 409"),
            "more than one",
        ),
        None => Verdict::Pass,
    }
}

/// The update sends the name that the user has, or its answer shows it.
fn keeps_its_name(view: &View<'_>) -> bool {
    let shown = view.object().and_then(|o| get_ci(o, "userName")).and_then(Value::as_str);
    let own = view.call.id.as_deref().and_then(|id| view.before.find(&view.call.endpoint, id)).and_then(|k| k.name());
    let alike =
        |name: Option<&str>| matches!((name, own), (Some(n), Some(own)) if n.to_lowercase() == own.to_lowercase());
    alike(shown) || alike(super::refusal::written_name(view.call, "userName"))
}

/// The read right after an accepted PUT, when that answered with a body.
fn hides_what_stays(view: &View<'_>) -> Verdict {
    let reads = view.call.op == Op::Read && view.status() == 200 && !view.call.projected();
    let (true, Some(shown), Some(rt), Some(id)) = (reads, view.object(), view.resource_type(), view.call.id.as_deref())
    else {
        return Verdict::NotApplicable;
    };
    let about = |p: &&Past| p.call.endpoint == view.call.endpoint && p.call.id.as_deref() == Some(id);
    let writes = |p: &&Past| !matches!(p.call.op, Op::Read | Op::List | Op::Search);
    let last = view.earlier.iter().rev().filter(writes).find(about);
    let Some(put) =
        last.filter(|p| p.call.op == Op::Replace && p.exchange.status() == Some(200) && !p.call.projected())
    else {
        return Verdict::NotApplicable;
    };
    let Some(answer) = put.exchange.json().and_then(Value::as_object).filter(|a| get_ci(a, "id").is_some()) else {
        return Verdict::NotApplicable;
    };
    // `groups` follows other requests; what is returned on request only may differ from answer to answer.
    let writable = |key: &str| {
        rt.extensions.iter().any(|e| e.schema.id.eq_ignore_ascii_case(key))
            || rt.schema.attributes.iter().any(|a| {
                a.name.eq_ignore_ascii_case(key)
                    && a.mutability == Mutability::ReadWrite
                    && a.returned == Returned::Default
            })
    };
    let hidden =
        shown.iter().find(|(key, value)| writable(key) && !is_empty(value) && get_ci(answer, key).is_none_or(is_empty));
    match hidden {
        Some((key, value)) => {
            let expected = format!("absent, as the answer to {} said", put.step);
            Verdict::fail(format!("body /{key}"), expected, short(value))
        }
        None => Verdict::Pass,
    }
}
