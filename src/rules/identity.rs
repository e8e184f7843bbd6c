//! Identity and life of a resource: one id from create to delete, gone when deleted, unchanged when refused.

use super::rule::{Finding, Impact, Level, Rule, Verdict, refusal_rule, state_rule};
use super::state::texts;
use super::view::{Past, View, short};
use crate::exchange::AuthKind;
use crate::scim::value::{get_ci, value_ci};
use crate::shadow::{Known, Op, Reason, Selection, State, text_of};
use serde_json::Value;
use std::collections::HashMap;

/// Rules of this area.
pub static RULES: &[Rule] = &[
    Rule {
        id: "identity/live-resource-not-found",
        title: "A resource that was created and not deleted is not found by its id",
        spec: "RFC 7643 §3.1 (id is stable); RFC 7644 §3.4.1",
        level: Level::Must,
        clash: false,
        impact: Impact::UserNotFound,
        breaks: &[],
        requirements: &[
            "create-get-after",
            "read-200",
            "res-id-stable",
            "res-id-url-safe",
            "okta-reactivate",
            "entra-incremental-cycle",
        ],
        explain: "The id came from the server's own answer and nobody deleted the resource, yet it answers 404. This is the cause behind \"User not found\": the identity provider stores the id once and uses it for ever. Usual causes: the create answer shows another id than the store uses; inactive users are hidden; the id is the userName and breaks on a rename; a replica lags behind.",
        hint: "Use one immutable id everywhere; find resources by it whatever their status; answer reads from a store that has seen the write.",
        wrong: "POST /Users → 201 {\"id\":\"a@example.com\"}\nGET /Users/a%40example.com → 404",
        right: "GET /Users/{id} → 200",
        proven_by: &[
            "group-add-after-member-deleted-404",
            "bulk-not-stored",
            "get-hides-inactive-users",
            "group-delete-404",
            "id-needs-encoding-404",
            "read-after-create-404",
            "delete-inactive-user-404",
            "patch-email-deletes-user",
            "create-email-rewrites-id",
            "deactivate-deletes-user",
            "delete-group-deletes-members",
        ],
        check: refusal_rule!("identity/live-resource-not-found"),
    },
    Rule {
        id: "identity/id-changed",
        title: "A resource shows another `id` than it was created with",
        spec: "RFC 7643 §3.1",
        level: Level::Must,
        clash: false,
        impact: Impact::UserNotFound,
        breaks: &[],
        requirements: &["res-id-stable", "put-keeps-id"],
        explain: "`id` is stable and non-reassignable. Here the answer for the resource carries another id, so links break or point to somebody else.",
        hint: "Never derive `id` from other attributes, and never issue a new one on update.",
        wrong: "GET /Users/2819 → {\"id\":\"77\"}",
        right: "→ {\"id\":\"2819\"}",
        proven_by: &[
            "group-rename-changes-id",
            "id-differs-on-read",
            "patch-id-changes",
            "put-changes-id",
            "put-taken-name-shares-id",
            "reactivation-changes-id",
        ],
        check: id_changed,
    },
    Rule {
        id: "identity/list-id-differs",
        title: "Look-up by name finds the resource under another `id`",
        spec: "RFC 7643 §3.1; RFC 7644 §3.4.2",
        level: Level::Must,
        clash: false,
        impact: Impact::UserNotFound,
        breaks: &[],
        requirements: &["res-id-stable", "okta-lookup-hit-links"],
        explain: "The same userName has one id in the answer to the create (and by GET) and another in the filter result. Okta links with the id of the look-up and then fails with \"User not found\".",
        hint: "Render the id from one place.",
        wrong: "POST → {\"id\":\"2819\"}\nfilter → {\"id\":\"42\",\"userName\": the same}",
        right: "both 2819",
        proven_by: &["id-differs-in-lists"],
        check: list_id_differs,
    },
    Rule {
        id: "identity/id-reused",
        title: "A new resource gets the id of a deleted one",
        spec: "RFC 7643 §3.1 (non-reassignable)",
        level: Level::Must,
        clash: false,
        impact: Impact::WrongMatch,
        breaks: &[],
        requirements: &["delete-recreate-new-id", "res-id-unique"],
        explain: "Whoever stored the old id now holds a link to somebody else.",
        hint: "Never issue an id twice.",
        wrong: "DELETE /Users/7 → 204; POST same userName → {\"id\":\"7\"}",
        right: "→ a new id",
        proven_by: &["id-is-external-id", "id-is-username", "create-adopts-by-email"],
        check: id_reused,
    },
    Rule {
        id: "identity/id-not-unique",
        title: "Two resources share one `id`",
        spec: "RFC 7643 §3.1 (unique across the entire set of resources)",
        level: Level::Must,
        clash: false,
        impact: Impact::WrongMatch,
        breaks: &[],
        requirements: &["res-id-unique"],
        explain: "Another resource, perhaps of another type, is alive under this id. Clients keep ids of users and groups in one table, and `members[].value` does not say which type it means.",
        hint: "Use UUIDs, or put the type into the id.",
        wrong: "POST /Users → {\"id\":\"1\"}; POST /Groups → {\"id\":\"1\"}",
        right: "two different ids",
        proven_by: &["group-id-is-a-users"],
        check: id_not_unique,
    },
    Rule {
        id: "identity/create-answers-with-other",
        title: "A create answers with the id of another resource of its type",
        spec: "RFC 7644 §3.3; RFC 7643 §3.1",
        level: Level::Must,
        clash: false,
        impact: Impact::WrongMatch,
        breaks: &["okta", "entra", "onelogin"],
        requirements: &["res-id-unique"],
        explain: "The name that was asked for is new, and the id belongs to somebody who is there already. Either the server took the two for one person, by an e-mail address or an externalId that they share, and wrote the second over the first; or it makes ids of what clients send. The account of the one is now that of the other.",
        hint: "Look for an existing user by `userName` alone, and answer 409 to what else must be unique. Make ids of nothing that a client sends.",
        wrong: "POST {\"userName\":\"b\",\"emails\":[{\"value\":\"a@example.com\"}]} → 201 {\"id\":\"1\"}, and 1 is the user a",
        right: "→ 201 with a new id, or 409",
        proven_by: &[
            "group-create-answers-existing",
            "create-links-by-email",
            "create-with-known-id-overwrites",
            "group-create-reuses-group",
            "id-is-external-id",
        ],
        check: answers_with_other,
    },
    Rule {
        id: "identity/other-resource-changed",
        title: "A write to one resource changes another",
        spec: "RFC 7644 §3.5.1, §3.5.2, §3.3",
        level: Level::Must,
        clash: false,
        impact: Impact::WrongMatch,
        breaks: &["okta", "entra", "onelogin"],
        requirements: &["patch-persists", "put-persists"],
        explain: "A value that was written to one resource stands in another one, which nobody wrote to, or one that was read is another one after a write to somebody else. The server chose whom to change by something else than the id in the path: an id in the body, an e-mail address, a membership, a cached object.",
        hint: "Change what the path names. A readOnly `id` in the body is to be ignored (RFC 7644 §3.5.1).",
        wrong: "PUT /Users/a {\"id\":\"b\",\"displayName\":\"New\"}\nGET /Users/b → {\"displayName\":\"New\"}",
        right: "a is changed, b is as it was",
        proven_by: &[
            "create-takes-external-id",
            "put-follows-body-id",
            "group-delete-deactivates-members",
            "deactivate-by-shared-email",
            "group-join-overwrites-roles",
        ],
        check: state_rule!("identity/other-resource-changed"),
    },
    Rule {
        id: "identity/user-out-of-nowhere",
        title: "There is a user whom nobody created, named by the id of a member",
        spec: "RFC 7644 §3.3, §3.5.2; RFC 7643 §4.2",
        level: Level::Must,
        clash: false,
        impact: Impact::None,
        breaks: &[],
        requirements: &["patch-persists"],
        explain: "A group was given, or was to lose, a member who is no user: another group, or an id that nobody has. The server made a user of it, whose userName is that id. Users are made by POST /Users; every such account is one that nobody manages, and that counts in licences.",
        hint: "Refuse a member id that nobody has with 400, or leave it out; keep the id of a group as that.",
        wrong: "PATCH /Groups/1 {add members [{\"value\":\"2819\",\"type\":\"Group\"}]}\nGET /Users?filter=userName eq \"2819\" → 1 user",
        right: "→ 0 users",
        proven_by: &["member-becomes-named-user"],
        check: out_of_nowhere,
    },
    Rule {
        id: "identity/old-name-not-released",
        title: "A name that was given up by a rename is still taken",
        spec: "RFC 7643 §4.1.1; RFC 7644 §3.5.2",
        level: Level::Idp,
        clash: false,
        impact: Impact::CreateFails,
        breaks: &[],
        requirements: &["patch-username-change", "group-rename-path"],
        explain: "After a rename nobody holds the old name, so an identity provider gives it to the next person. The RFC leaves it to the server what it calls a conflict; a name that stays taken for ever ends in an account that cannot be made.",
        hint: "Update the unique index together with the resource.",
        wrong: "rename oldname to newname; POST oldname → 409",
        right: "→ 201",
        proven_by: &["group-rename-keeps-old-name-index", "rename-keeps-old-user-name"],
        check: refusal_rule!("identity/old-name-not-released"),
    },
    Rule {
        id: "read/write-answer-not-kept",
        title: "The answer to a write shows the new value, the read right after it the old one",
        spec: "RFC 7644 §3.5.1, §3.5.2, §3.4.1",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &["patch-persists", "put-persists"],
        explain: "The change is only in the answer: it was not stored, or a cache or replica serves the state from before.",
        hint: "Store before answering; invalidate caches on write; read your own writes.",
        wrong: "PATCH title \"New\" → 200 {\"title\":\"New\"}\nGET at once → {\"title\":\"Old\"}",
        right: "GET → {\"title\":\"New\"}",
        proven_by: &[
            "custom-dates-hidden",
            "certificates-hidden",
            "read-after-write-stale",
            "create-certificate-only-answered",
        ],
        check: state_rule!("read/write-answer-not-kept"),
    },
    Rule {
        id: "delete/status-not-204",
        title: "A successful DELETE answers with a status other than 204",
        spec: "RFC 7644 §3.6",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["delete-204"],
        explain: "The server returns 204 No Content for a successful delete.",
        hint: "Answer 204 without a body.",
        wrong: "DELETE /Users/2819 → 200",
        right: "→ 204",
        proven_by: &["delete-answers-200", "delete-group-answers-200", "delete-answers-200-empty"],
        check: delete_status,
    },
    Rule {
        id: "delete/still-there",
        title: "A deleted resource still answers",
        spec: "RFC 7644 §3.6",
        level: Level::Must,
        clash: false,
        impact: Impact::AccessKept,
        breaks: &[],
        requirements: &["delete-then-404", "entra-hard-delete"],
        explain: "After a successful DELETE every operation on the id returns 404; the resource is gone for the client whatever the server keeps inside.",
        hint: "Answer 404 for deleted resources.",
        wrong: "DELETE → 204\nGET → 200",
        right: "GET → 404",
        proven_by: &["delete-unknown-204", "delete-ignored", "delete-is-soft", "bulk-deletes-first-only"],
        check: still_there,
    },
    Rule {
        id: "delete/still-listed",
        title: "A deleted resource is still in lists or filter results",
        spec: "RFC 7644 §3.6",
        level: Level::Must,
        clash: false,
        impact: Impact::WrongMatch,
        breaks: &[],
        requirements: &["delete-omitted-from-lists"],
        explain: "A deleted resource must be omitted from results. The look-up of a returning person would find a dead id.",
        hint: "Filter deleted rows out of every query.",
        wrong: "DELETE /Users/u → 204\nGET /Users?filter=userName eq … → totalResults 1",
        right: "→ totalResults 0",
        proven_by: &["deleted-group-in-list", "delete-is-soft"],
        check: still_listed,
    },
    Rule {
        id: "delete/refused",
        title: "A resource that is there cannot be deleted",
        spec: "RFC 7644 §3.6; Entra: hard delete of users; Okta: unlink and delete of a pushed group",
        level: Level::Idp,
        clash: false,
        impact: Impact::AccessKept,
        breaks: &["entra", "okta", "onelogin"],
        requirements: &["delete-204"],
        explain: "The resource is live and the DELETE is well-formed, yet it is refused. The RFC lets a server keep the data, but the resource has to be gone for the client: 204, then 404. Usual causes: DELETE is not routed; the database refuses because the resource is still a member, a manager or has members.",
        hint: "Answer 204 and release what refers to the resource, in one transaction.",
        wrong: "DELETE /Groups/9 → 409 (it has members)",
        right: "→ 204; its members stay, the membership is gone",
        proven_by: &[
            "delete-with-content-type-400",
            "delete-user-with-groups-409",
            "delete-users-405",
            "group-delete-with-members-409",
            "group-delete-holding-groups-409",
        ],
        check: refusal_rule!("delete/refused"),
    },
    Rule {
        id: "delete/name-not-released",
        title: "The name of a deleted resource cannot be used again",
        spec: "RFC 7644 §3.6 (should not be considered in conflict calculation)",
        level: Level::Idp,
        clash: false,
        impact: Impact::CreateFails,
        breaks: &["okta", "entra"],
        requirements: &["delete-recreate", "idp-offboard-rehire"],
        explain: "The RFC asks not to count deleted resources as conflicts. A person who returns can otherwise never be created again, and the look-up does not find the old account either.",
        hint: "Leave deleted resources out of uniqueness checks.",
        wrong: "DELETE → 204; POST same userName → 409",
        right: "→ 201 with a new id",
        proven_by: &["create-after-delete-conflicts", "external-id-reserved-after-delete"],
        check: refusal_rule!("delete/name-not-released"),
    },
    Rule {
        id: "delete/unknown-id-accepted",
        title: "DELETE of an unknown id answers success",
        spec: "RFC 7644 §3.6, §3.12",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["delete-unknown-404"],
        explain: "Nothing was deleted, so the client must be told: 404.",
        hint: "Answer 404 when the id does not exist.",
        wrong: "DELETE /Users/unknown → 204",
        right: "→ 404",
        proven_by: &["auth-writes-unchecked", "cross-tenant-delete", "delete-across-types"],
        check: delete_unknown,
    },
    Rule {
        id: "read/unknown-id-accepted",
        title: "An unknown id is answered with success",
        spec: "RFC 7644 §3.4.1, §3.12",
        level: Level::Must,
        clash: false,
        impact: Impact::WrongMatch,
        breaks: &[],
        requirements: &["read-404", "patch-unknown-404", "read-cross-type"],
        explain: "No such resource exists; a 2xx makes the client believe in one.",
        hint: "Answer 404 with an Error body.",
        wrong: "GET /Users/unknown → 200 {}",
        right: "→ 404",
        proven_by: &[
            "patch-unknown-id-204",
            "unknown-id-200-empty",
            "unknown-member-becomes-user",
            "unknown-removal-becomes-user",
            "nested-group-becomes-user",
        ],
        check: read_unknown,
    },
    Rule {
        id: "error/unknown-id-wrong-status",
        title: "An unknown id is refused with a status other than 404",
        spec: "RFC 7644 §3.12, Table 8",
        level: Level::Must,
        clash: false,
        impact: Impact::UserNotFound,
        breaks: &["okta"],
        requirements: &["read-404", "okta-404-body"],
        explain: "Whatever its shape, an id that names nothing is \"not found\". 400 for an id in an unexpected format fails Okta's SPEC test, which asks for an id that is no UUID.",
        hint: "Answer 404; do not validate the format of ids with another status.",
        wrong: "GET /Users/010101001010101011 → 400",
        right: "→ 404",
        proven_by: &[
            "unknown-id-400",
            "delete-unknown-400",
            "request-accept-scim-json-406",
            "request-scim-json-415",
            "unknown-id-401",
        ],
        check: unknown_status,
    },
    Rule {
        id: "error/refused-but-changed",
        title: "A refused request changed the resource all the same",
        spec: "RFC 7644 §3.5.2 (atomic); §3.12",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &["patch-atomic"],
        explain: "An error means that nothing happened: if one operation of a PATCH fails, the resource is as it was. Here a part was applied.",
        hint: "Apply all operations to a copy and store it only when all succeeded.",
        wrong: "PATCH [replace title, replace unknown path] → 400\nGET → the new title",
        right: "GET → the old title",
        proven_by: &[
            "refused-create-clears-external-id",
            "put-refused-half-applied",
            "group-refused-patch-renames",
            "deactivate-response-404",
            "patch-not-atomic",
            "group-refused-put-renames",
            "group-change-applied-and-500",
            "user-refused-put-changes",
        ],
        check: state_rule!("error/refused-but-changed"),
    },
    Rule {
        id: "read/not-modified-lie",
        title: "A successful GET of one resource has no resource in it",
        spec: "RFC 7644 §3.4.1",
        level: Level::Must,
        clash: false,
        impact: Impact::UserNotFound,
        breaks: &[],
        requirements: &["read-200"],
        explain: "GET of a known id answers 200 with the resource itself: a JSON object, no list, no empty body.",
        hint: "Return the resource.",
        wrong: "GET /Users/2819 → 200 [] ",
        right: "→ 200 {\"schemas\":[…],\"id\":\"2819\",…}",
        proven_by: &["read-empty-list"],
        check: read_empty,
    },
    Rule {
        id: "identity/id-holds-bulkid",
        title: "An `id` contains the word bulkId",
        spec: "RFC 7643 §3.1",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["res-id-not-bulkid"],
        explain: "The word is reserved: in a bulk request `bulkId:x` stands for what operation x creates, and must not be mistaken for an id.",
        hint: "Make another id.",
        wrong: "\"id\":\"bulkId:u1\"",
        right: "\"id\":\"2819c223\"",
        proven_by: &["id-holds-bulkid"],
        check: reserved_word,
    },
];

fn id_changed(view: &View<'_>) -> Verdict {
    if !matches!(view.call.op, Op::Read | Op::Replace | Op::Patch) || !view.accepted() || view.shows_list() {
        return Verdict::NotApplicable;
    }
    let (Some(asked), Some(body)) = (view.call.id.as_deref(), view.object()) else { return Verdict::NotApplicable };
    if !view.before.ours(&view.call.endpoint, asked) {
        return Verdict::NotApplicable;
    }
    match get_ci(body, "id") {
        Some(Value::String(id)) if id == asked => Verdict::Pass,
        Some(other) => Verdict::fail("body /id", asked, short(other)),
        None => Verdict::NotApplicable,
    }
}

fn list_id_differs(view: &View<'_>) -> Verdict {
    let Some(selection) = &view.observed.selection else { return Verdict::NotApplicable };
    let mut matched = false;
    for entry in view.entries() {
        let name = ["userName", "displayName"].iter().find_map(|n| get_ci(entry, n).and_then(Value::as_str));
        let id = get_ci(entry, "id").and_then(crate::shadow::text_of);
        let (Some(name), Some(id)) = (name, id) else { continue };
        if selection.matching > 0 && view.before.ours(&view.call.endpoint, &id) {
            matched = true;
        }
        if view.call.endpoint == "/Users"
            && !view.before.ours(&view.call.endpoint, &id)
            && let Some(ours) = missing_of_name(view, selection, name)
        {
            return Verdict::Fail(vec![Finding::new(
                format!("entry {name}"),
                format!("id {ours}"),
                format!("id {id}"),
            )]);
        }
    }
    if matched { Verdict::Pass } else { Verdict::NotApplicable }
}

/// The id of the user of ours who has that name and is not on the page.
fn missing_of_name(view: &View<'_>, selection: &Selection, name: &str) -> Option<String> {
    if view.call.filter.is_some() {
        return selection.missing.iter().find(|(_, n)| n == name).map(|(id, _)| id.clone());
    }
    let tenant = crate::shadow::forecast::tenant_of(view.call);
    let shown = |k: &&Known| view.entries().iter().any(|e| get_ci(e, "id").and_then(text_of).as_ref() == Some(&k.id));
    let mut ours = view.before.named(name).filter(|k| {
        k.endpoint == view.call.endpoint && k.tenant == tenant && k.state == State::Live && k.name() == Some(name)
    });
    ours.find(|k| !shown(k)).map(|k| k.id.clone())
}

fn id_reused(view: &View<'_>) -> Verdict {
    if view.call.op != Op::Create || !view.accepted() {
        return Verdict::NotApplicable;
    }
    let Some(id) = view.object().and_then(|b| get_ci(b, "id")).and_then(Value::as_str) else {
        return Verdict::NotApplicable;
    };
    match view.before.with_id(id).find(|k| k.state == State::Gone) {
        Some(k) => {
            let finding = Finding::new("body /id", "an id that was never used", id).because(k.last_write.clone());
            // RFC 7644 §3.6 leaves it open whether a resource is kept: the same person under the same id is the old record again,
            // unless it says itself that it is a new one.
            let same = asked_name(view).is_some_and(|name| k.name().is_some_and(|n| n.eq_ignore_ascii_case(name)));
            let again = same && created(&k.doc).is_none_or(|old| view.exchange.json().and_then(created) == Some(old));
            Verdict::Fail(vec![if again { finding.level(Level::Note) } else { finding }])
        }
        None => Verdict::Pass,
    }
}

/// When a resource says that it was made.
fn created(resource: &Value) -> Option<&str> {
    value_ci(value_ci(resource, "meta")?, "created")?.as_str()
}

/// The name that a create asks for.
fn asked_name<'a>(view: &View<'a>) -> Option<&'a str> {
    let attribute = crate::shadow::name_attribute(&view.call.endpoint);
    get_ci(view.call.body.as_ref()?.as_object()?, attribute)?.as_str()
}

/// Who is alive under the id that a create was answered with, and that id. Who has the name that is asked for is one resource, not
/// two.
fn holders<'a>(view: &View<'a>) -> Option<(&'a str, Vec<&'a Known>)> {
    // A userName that is taken is a conflict, and told as one; groups may share a name, but not an id.
    let conflict = view.call.endpoint == "/Users" && super::create::answered_with_holder(view);
    if view.call.op != Op::Create || !view.accepted() || conflict {
        return None;
    }
    let id = get_ci(view.object()?, "id")?.as_str()?;
    let tenant = crate::shadow::forecast::tenant_of(view.call);
    Some((id, view.before.with_id(id).filter(|k| k.state == State::Live && k.tenant == tenant).collect()))
}

fn id_not_unique(view: &View<'_>) -> Verdict {
    let Some((id, holders)) = holders(view) else { return Verdict::NotApplicable };
    match holders.into_iter().find(|k| k.endpoint != view.call.endpoint) {
        Some(k) => Verdict::Fail(vec![
            Finding::new("body /id", "an id of its own", format!("{id}, as {}", k.path())).because(k.step.clone()),
        ]),
        None => Verdict::Pass,
    }
}

fn answers_with_other(view: &View<'_>) -> Verdict {
    let Some((id, holders)) = holders(view) else { return Verdict::NotApplicable };
    match holders.into_iter().find(|k| k.endpoint == view.call.endpoint) {
        Some(other) => {
            let whose = other.name().unwrap_or("another resource");
            let finding = Finding::new("body /id", "an id of its own", format!("{id}, the id of {whose}"));
            Verdict::Fail(vec![finding.because(other.step.clone())])
        }
        None => Verdict::Pass,
    }
}

fn delete_status(view: &View<'_>) -> Verdict {
    if view.call.op != Op::Delete || !view.accepted() || !view.must_accept() {
        return Verdict::NotApplicable;
    }
    if view.status() == 204 {
        Verdict::Pass
    } else {
        Verdict::fail("status", "204 No Content", view.status().to_string())
    }
}

/// The userName that a look-up found is the id of a group, or was a member's that nobody has.
fn out_of_nowhere(view: &View<'_>) -> Verdict {
    if !view.call.lists() || view.call.endpoint != "/Users" || !view.accepted() {
        return Verdict::NotApplicable;
    }
    let members = member_ids(view.earlier);
    for entry in view.entries() {
        let text = |key: &str| get_ci(entry, key).and_then(Value::as_str);
        // Where a userName is its own id, a group names people by it.
        let Some(name) = text("userName").filter(|name| text("id") != Some(*name)) else { continue };
        let stranger = || view.before.find("/Groups", name).is_some() || view.before.is_nobody(name);
        if let Some(step) = members.get(name).filter(|_| stranger() && !is_sent_as_user(view.earlier, name)) {
            let finding = Finding::new("body /Resources", "no such user", format!("a user with the userName {name}"));
            return Verdict::Fail(vec![finding.because(*step)]);
        }
    }
    Verdict::Pass
}

/// The ids that writes to groups named as members, with the last step that did.
fn member_ids(earlier: &[Past]) -> HashMap<&str, &str> {
    fn collect<'a>(value: &'a Value, ids: &mut Vec<&'a str>) {
        match value {
            Value::Array(all) => all.iter().for_each(|v| collect(v, ids)),
            Value::Object(map) => map.iter().for_each(|(key, v)| match v.as_str() {
                // The text that an operation sets may be a name as well.
                Some(id) if key.eq_ignore_ascii_case("value") && get_ci(map, "op").is_none() => ids.push(id),
                // members[value eq "2819"]
                Some(path) if key.eq_ignore_ascii_case("path") => ids.extend(path.split('"').skip(1).step_by(2)),
                _ => collect(v, ids),
            }),
            _ => {}
        }
    }
    let mut out = HashMap::new();
    for past in earlier.iter().filter(|p| p.call.endpoint == "/Groups") {
        let mut ids = Vec::new();
        past.call.body.iter().for_each(|body| collect(body, &mut ids));
        out.extend(ids.into_iter().map(|id| (id, past.step.as_str())));
    }
    out
}

/// A client may call somebody so: then the name stands in what it sent, and not to a group.
fn is_sent_as_user(earlier: &[Past], name: &str) -> bool {
    let sent = earlier.iter().filter(|p| p.call.endpoint != "/Groups").filter_map(|p| p.call.body.as_ref());
    sent.flat_map(|body| texts(body, "")).any(|text| text == name)
}

fn still_there(view: &View<'_>) -> Verdict {
    if !view.must_refuse(Reason::Deleted) || view.status() == 0 || view.status() >= 500 || view.call.op == Op::Replace {
        return Verdict::NotApplicable;
    }
    // A list in its place does not say that it is there.
    if view.call.op == Op::Read && view.shows_list() {
        return Verdict::NotApplicable;
    }
    if view.accepted() {
        let step = view
            .call
            .id
            .as_deref()
            .and_then(|id| view.before.find(&view.call.endpoint, id))
            .map(|k| k.last_write.clone());
        let mut finding = Finding::new("status", "404: it was deleted", view.status().to_string());
        finding.because = step;
        return Verdict::Fail(vec![finding]);
    }
    Verdict::Pass
}

fn still_listed(view: &View<'_>) -> Verdict {
    let Some(selection) = &view.observed.selection else { return Verdict::NotApplicable };
    if view.before.known.count(|k| *k.endpoint == *view.call.endpoint && k.state == State::Gone) == 0 {
        return Verdict::NotApplicable;
    }
    let findings = selection
        .ghosts
        .iter()
        .map(|(id, name)| Finding::new("body /Resources", "no deleted resource", format!("{id} {name}")));
    Verdict::from_findings(findings.collect())
}

fn unknown(view: &View<'_>) -> bool {
    [Reason::UnknownId, Reason::OtherType].iter().any(|r| view.must_refuse(*r))
}

fn delete_unknown(view: &View<'_>) -> Verdict {
    if view.call.op != Op::Delete || !unknown(view) || view.status() == 0 {
        return Verdict::NotApplicable;
    }
    if view.accepted() { Verdict::fail("status", "404 Not Found", view.status().to_string()) } else { Verdict::Pass }
}

fn read_unknown(view: &View<'_>) -> Verdict {
    let foreign = view.call.id.as_deref().and_then(|id| view.before.find(&view.call.endpoint, id)).is_some();
    if !matches!(view.call.op, Op::Read | Op::Patch) || !unknown(view) || foreign || view.status() == 0 {
        return Verdict::NotApplicable;
    }
    if view.accepted() { Verdict::fail("status", "404 Not Found", view.status().to_string()) } else { Verdict::Pass }
}

fn unknown_status(view: &View<'_>) -> Verdict {
    let by_id = matches!(view.call.op, Op::Read | Op::Patch | Op::Replace | Op::Delete);
    if !by_id || !(unknown(view) || view.must_refuse(Reason::Deleted)) || !view.client_error() {
        return Verdict::NotApplicable;
    }
    // Ids of an odd shape may be refused by whatever stands before the application; only plain ones are judged.
    let plain =
        view.call.id.as_deref().is_some_and(|id| {
            id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        });
    match view.status() {
        _ if !plain => Verdict::NotApplicable,
        404 => Verdict::Pass,
        // A write may be refused for its body before the id is looked at, and for want of rights; 410 says the same as 404.
        400 | 409 | 422 if matches!(view.call.op, Op::Patch | Op::Replace) => Verdict::NotApplicable,
        405 | 412 if view.call.op != Op::Read => Verdict::NotApplicable,
        // 401 says that the credentials are wrong, and an identity provider stops at that; they have just been good.
        401 if !were_good(view) => Verdict::NotApplicable,
        403 | 410 | 429 => Verdict::NotApplicable,
        other => Verdict::fail("status", "404 Not Found", other.to_string()),
    }
}

/// Whether the credentials of this request were taken before in this case.
fn were_good(view: &View<'_>) -> bool {
    let own = view.call.auth == AuthKind::Configured;
    own && view.earlier.iter().any(|p| p.call.auth == AuthKind::Configured && p.exchange.accepted())
}

fn read_empty(view: &View<'_>) -> Verdict {
    if view.call.op != Op::Read || view.status() != 200 || view.call.method != "GET" || !view.must_accept() {
        return Verdict::NotApplicable;
    }
    match view.exchange.json() {
        Some(Value::Object(o)) if get_ci(o, "Resources").is_none() => Verdict::Pass,
        Some(other) => Verdict::fail("body", "the resource", short(other)),
        None => Verdict::fail("body", "the resource", "no JSON"),
    }
}

fn reserved_word(view: &View<'_>) -> Verdict {
    let ids: Vec<&str> = view.resources().iter().filter_map(|r| get_ci(r, "id").and_then(Value::as_str)).collect();
    match ids.iter().find(|id| id.contains("bulkId")) {
        Some(id) => Verdict::fail("body /id", "an id without the word bulkId", *id),
        None if ids.is_empty() => Verdict::NotApplicable,
        None => Verdict::Pass,
    }
}
