//! Groups and membership (RFC 7643 §4.2): what was added is there, what was taken away is gone, and nothing else moved.

use super::rule::{Finding, Impact, Level, Rule, Verdict, refusal_rule, state_rule};
use super::state;
use super::view::{Past, View, below, short};
use crate::scim::value::{get_ci, value_ci};
use crate::shadow::{Choice, Op, State, member_ids};
use serde_json::Value;

/// Rules of this area.
pub static RULES: &[Rule] = &[
    Rule {
        id: "group/members-from-nowhere",
        title: "A group that was created without members has some",
        spec: "RFC 7643 §4.2 (members); RFC 7644 §3.3 lets a server alter what is posted, and no identity provider expects people nobody sent",
        level: Level::Idp,
        clash: false,
        impact: Impact::AccessKept,
        breaks: &["okta", "entra"],
        requirements: &["group-create-empty"],
        explain: "Identity providers create a group empty and add its members one by one. Whoever is in it before that has an access that nobody gave them, and that the identity provider, which never sent them, will never take away. An absent `members` in a query of the database is a condition that everybody fulfils.",
        hint: "A create without members makes an empty group; look for a filter that is left out when the list is empty.",
        wrong: "POST /Groups {\"displayName\":\"Sales\"} → {…,\"members\":[{\"value\":\"2819\"},{\"value\":\"92b7\"}]}",
        right: "→ no members, or []",
        proven_by: &["group-create-empty-holds-everybody"],
        check: from_nowhere,
    },
    Rule {
        id: "group/create-members-not-stored",
        title: "A group is created without the members that were sent",
        spec: "RFC 7643 §4.2; RFC 7644 §3.3",
        level: Level::Idp,
        clash: false,
        impact: Impact::MembersLost,
        breaks: &[],
        requirements: &["group-create-members"],
        explain: "The create was accepted and the group lacks members that stood in the request. The identity provider believes they have access.",
        hint: "Store `members` on create as you do on PATCH.",
        wrong: "POST /Groups {\"displayName\":\"team\",\"members\":[{\"value\":\"u1\"}]} → 201\nGET → no members",
        right: "GET → {\"members\":[{\"value\":\"u1\"}]}",
        proven_by: &["group-create-members-ignored", "group-create-caps-members", "group-answer-echoes-members"],
        check: state_rule!("group/create-members-not-stored"),
    },
    Rule {
        id: "group/member-not-added",
        title: "PATCH adds a member, answers success, and the member is not there",
        spec: "RFC 7644 §3.5.2.1",
        level: Level::Must,
        clash: false,
        impact: Impact::MembersLost,
        breaks: &[],
        requirements: &[
            "group-member-add",
            "group-member-add-many",
            "group-member-shape",
            "entra-group-add-remove-member",
            "okta-group-push-members",
        ],
        explain: "The membership change was accepted and a read of the group does not show it. The identity provider logs success and does not send it again. Okta sends no `type` and no `$ref`; Entra sends only `value`; parallel additions must all survive.",
        hint: "Add every element of the value list; need nothing but `value`; make concurrent changes of one group wait for each other.",
        wrong: "PATCH /Groups/g {\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"u1\"}]} → 204\nGET → u1 is no member",
        right: "GET → {\"members\":[{\"value\":\"u1\"}]}",
        proven_by: &[
            "group-member-by-display",
            "group-lower-case-op-ignored",
            "group-add-known-and-new-drops-new",
            "group-add-only-first-member",
            "group-last-member-operation-wins",
            "group-member-without-email-dropped",
            "group-member-type-required",
        ],
        check: state_rule!("group/member-not-added"),
    },
    Rule {
        id: "group/member-not-removed",
        title: "PATCH removes a member, answers success, and the member is still there",
        spec: "RFC 7644 §3.5.2.2; Entra: remove members",
        level: Level::Must,
        clash: false,
        impact: Impact::AccessKept,
        breaks: &[],
        requirements: &[
            "group-member-remove-filter",
            "group-member-remove-value",
            "group-member-remove-all",
            "entra-group-add-remove-member",
        ],
        explain: "A removal was accepted and the person keeps the membership, and so the access that hangs on it. Nobody is told.",
        hint: "Evaluate `members[value eq \"id\"]`, and for Entra the list of values, by `value` alone; ignore `$ref` and `display`.",
        wrong: "PATCH /Groups/g {\"op\":\"remove\",\"path\":\"members[value eq \\\"u1\\\"]\"} → 204\nGET → u1 is still a member",
        right: "GET → u1 is no member",
        proven_by: &[
            "group-remove-two-conditions-ignored",
            "group-member-null-ref-not-removed",
            "group-remove-filter-path-ignored",
            "group-remove-all-ignored",
            "group-remove-only-first-member",
            "group-remove-value-list-ignored",
            "members-set-twice-in-one-patch",
            "group-removals-first",
            "group-remove-two-by-filter-wrong",
        ],
        check: state_rule!("group/member-not-removed"),
    },
    Rule {
        id: "group/remove-takes-other-members",
        title: "Removing one member removes others as well",
        spec: "RFC 7644 §3.5.2.2; Entra: remove members",
        level: Level::Must,
        clash: false,
        impact: Impact::MembersLost,
        breaks: &[],
        requirements: &["group-member-remove-value", "group-member-remove-filter"],
        explain: "The request named one member; others are gone too. The classic cause: `remove` with path `members` and a value list is read as \"remove members\", which empties the group.",
        hint: "When a `remove` on `members` carries values, remove those and only those.",
        wrong: "3 members; PATCH {\"op\":\"Remove\",\"path\":\"members\",\"value\":[{\"value\":\"u1\"}]} → 204\nGET → no members",
        right: "GET → the two others",
        proven_by: &[
            "group-remove-takes-nested",
            "group-filtered-remove-clears-all",
            "group-remove-value-list-clears-all",
            "group-remove-by-shifted-index",
        ],
        check: state_rule!("group/remove-takes-other-members"),
    },
    Rule {
        id: "group/removal-deletes-user",
        title: "A user who is taken out of a group is gone",
        spec: "RFC 7644 §3.5.2.2; RFC 7643 §4.2",
        level: Level::Must,
        clash: false,
        impact: Impact::UserNotFound,
        breaks: &["okta", "entra"],
        requirements: &["group-member-remove-filter"],
        explain: "The request removed a value from `members` of a group. The user is a resource of its own, and nobody deleted it.",
        hint: "Delete the membership, not the user; look at what the database deletes along with it.",
        wrong: "PATCH /Groups/g remove members[value eq \"u\"] → 204\nGET /Users/u → 404",
        right: "GET /Users/u → 200",
        proven_by: &["group-remove-deletes-user"],
        check: refusal_rule!("group/removal-deletes-user"),
    },
    Rule {
        id: "group/add-replaces-members",
        title: "Adding a member throws the present members out",
        spec: "RFC 7644 §3.5.2.1",
        level: Level::Must,
        clash: false,
        impact: Impact::MembersLost,
        breaks: &[],
        requirements: &["group-member-add"],
        explain: "`add` on `members` appends. Here members from before are gone: the list was replaced, or two changes at the same time overwrote each other.",
        hint: "Append to the stored list inside a transaction (or under a lock) instead of writing back a list that was read earlier.",
        wrong: "2 members; PATCH {\"op\":\"add\",\"path\":\"members\",\"value\":[{\"value\":\"u3\"}]} → 204\nGET → only u3",
        right: "GET → 3 members",
        proven_by: &["group-add-member-replaces", "group-lost-update", "group-odd-members-clear"],
        check: state_rule!("group/add-replaces-members"),
    },
    Rule {
        id: "group/replace-not-exact",
        title: "PATCH `replace members` does not give exactly the list that was sent",
        spec: "RFC 7644 §3.5.2.3; Okta: Push Now",
        level: Level::Must,
        clash: false,
        impact: Impact::AccessKept,
        breaks: &[],
        requirements: &["group-member-replace-all", "okta-group-push-now"],
        explain: "`replace` on `members` without a filter means: these and no others. Okta uses it to overwrite whatever was changed by hand; people who should be out stay in.",
        hint: "Replace the whole list.",
        wrong: "2 members; PATCH {\"op\":\"replace\",\"path\":\"members\",\"value\":[{\"value\":\"u3\"}]} → 204\nGET → 3 members",
        right: "GET → only u3",
        proven_by: &[
            "group-pathless-empty-members-ignored",
            "group-replace-ignored",
            "group-replace-members-additive",
            "group-replace-members-empty-ignored",
            "group-unknown-member-clears-all",
            "group-patch-caps-members",
            "group-replace-members-flattened",
        ],
        check: state_rule!("group/replace-not-exact"),
    },
    Rule {
        id: "group/put-members-not-applied",
        title: "PUT of a group does not give exactly the members that were sent",
        spec: "RFC 7644 §3.5.1; Okta: wizard-made apps",
        level: Level::Must,
        clash: false,
        impact: Impact::GroupDrifts,
        breaks: &[],
        requirements: &["put-group-members", "okta-group-push-aiw-put"],
        explain: "PUT replaces the resource. Wizard-made Okta apps push every membership change this way.",
        hint: "Set the members to the list in the body.",
        wrong: "2 members; PUT with 1 of them → 200\nGET → still 2 members",
        right: "GET → 1 member",
        proven_by: &[
            "group-put-empties",
            "group-put-members-ignored",
            "group-members-truncated",
            "group-put-keeps-last-member",
        ],
        check: state_rule!("group/put-members-not-applied"),
    },
    Rule {
        id: "group/member-duplicated",
        title: "The same member is listed twice",
        spec: "RFC 7644 §3.5.2.1; RFC 7643 §2.4",
        level: Level::Idp,
        clash: false,
        impact: Impact::GroupDrifts,
        breaks: &["okta", "entra"],
        requirements: &["group-member-add-existing", "group-members-dedupe"],
        explain: "Adding a member who is already there must change nothing. Okta pushes the same members again right after it created the group.",
        hint: "Compare by `value` before appending.",
        wrong: "PATCH add members [u1] twice → GET: u1 stands there twice",
        right: "u1 stands there once",
        proven_by: &["group-add-present-twice", "group-member-listed-twice", "group-add-present-answer-doubled"],
        check: member_duplicated,
    },
    Rule {
        id: "group/members-changed-by-other-write",
        title: "A change of something else changes the members",
        spec: "RFC 7644 §3.5.2; Okta: group rename; Entra: group rename",
        level: Level::Must,
        clash: false,
        impact: Impact::MembersLost,
        breaks: &[],
        requirements: &["group-rename-keeps-members", "entra-group-update-displayname"],
        explain: "A rename (or another write that does not name `members`) changed the membership. Okta sends its rename with every membership change, so the group is emptied again and again.",
        hint: "Change only the attributes that the request names.",
        wrong: "PATCH {\"op\":\"replace\",\"value\":{\"id\":\"g\",\"displayName\":\"new\"}} → 204\nGET → no members",
        right: "GET → all members",
        proven_by: &[
            "patch-user-leaves-groups",
            "put-user-leaves-groups",
            "group-rename-clears-members",
            "group-key-change-empties",
            "group-replace-without-members-clears",
        ],
        check: state_rule!("group/members-changed-by-other-write"),
    },
    Rule {
        id: "group/rename-not-applied",
        title: "A group rename answers success, but the group has another name",
        spec: "RFC 7644 §3.5.2.3, §3.5.1; Okta and Entra: group rename",
        level: Level::Must,
        clash: false,
        impact: Impact::GroupDrifts,
        breaks: &[],
        requirements: &["group-rename-path", "group-rename-no-path-with-id", "group-rename-put"],
        explain: "The new name was accepted and a read shows the old one. The next look-up by name misses and a second group is created.",
        hint: "Apply `displayName` with path, without path and by PUT.",
        wrong: "PATCH {\"op\":\"replace\",\"path\":\"displayName\",\"value\":\"new\"} → 204\nGET → {\"displayName\":\"old\"}",
        right: "GET → {\"displayName\":\"new\"}",
        proven_by: &["group-put-rename-ignored", "group-rename-ignored"],
        check: state_rule!("group/rename-not-applied"),
    },
    Rule {
        id: "group/member-change-refused",
        title: "A valid membership change is refused",
        spec: "RFC 7644 §3.5.2.1, §3.5.2.2; RFC 7643 §4.2",
        level: Level::Must,
        clash: false,
        impact: Impact::GroupPushFails,
        breaks: &[],
        requirements: &["group-member-add", "group-member-remove-filter", "group-member-remove-then-add"],
        explain: "Adding `{\"value\": id}` or removing `members[value eq \"id\"]` is what every identity provider sends; `display`, `type` and `$ref` are optional.",
        hint: "Need nothing but `value`; support the value filter.",
        wrong: "PATCH add members [{\"value\":\"u1\"}] → 422 \"display is required\"",
        right: "→ 200 or 204",
        proven_by: &[
            "group-clear-and-add-400",
            "group-member-display-required",
            "group-multi-member-add-rejected",
            "group-patch-adds-member-as-user-name",
            "group-member-of-other-group-refused",
            "member-list-over-ten-refused",
            "group-replace-members-refused",
            "group-replace-members-empty-400",
        ],
        check: refusal_rule!("group/member-change-refused"),
    },
    Rule {
        id: "group/redundant-change-refused",
        title: "Adding a present member, or removing an absent one, is an error",
        spec: "RFC 7644 §3.5.2.1; Entra and Okta repeat their changes",
        level: Level::Idp,
        clash: false,
        impact: Impact::RetriesForever,
        breaks: &["entra", "okta"],
        requirements: &["group-member-add-existing", "group-member-remove-absent"],
        explain: "The group is already as it should be, so nothing is left to do. Identity providers repeat changes after a time-out and with each cycle; an error here repeats for ever.",
        hint: "Answer success and change nothing.",
        wrong: "PATCH add members [u1], who is a member → 409",
        right: "→ 200 or 204",
        proven_by: &["group-add-existing-member-409", "patch-noop-400"],
        check: refusal_rule!("group/redundant-change-refused"),
    },
    Rule {
        id: "group/remove-with-value-refused",
        title: "Entra's default member removal (a value list) is refused",
        spec: "Entra: SCIM compatibility; RFC 7644 §3.5.2.2 knows only the value filter",
        level: Level::Idp,
        clash: true,
        impact: Impact::AccessKept,
        breaks: &["entra"],
        requirements: &["group-member-remove-value"],
        explain: "Without its compliance flag Entra removes members with `{\"op\":\"Remove\",\"path\":\"members\",\"value\":[{\"value\":id}]}`. By the RFC a `remove` has no value and the server may refuse it; then Entra can never remove anybody.",
        hint: "Accept the value list and remove exactly these members.",
        wrong: "PATCH {\"op\":\"Remove\",\"path\":\"members\",\"value\":[{\"value\":\"u1\"}]} → 400",
        right: "→ 200 or 204, u1 is no member",
        proven_by: &["group-remove-value-list-rejected", "group-remove-absent-member-404"],
        check: refusal_rule!("group/remove-with-value-refused"),
    },
    Rule {
        id: "group/remove-absent-refused",
        title: "Removing somebody who is no member is an error",
        spec: "Okta and Entra repeat removals; RFC 7644 §3.5.2.2 leaves a filter without a match open",
        level: Level::Idp,
        clash: true,
        impact: Impact::RetriesForever,
        breaks: &["okta", "entra"],
        requirements: &["group-member-remove-absent", "patch-remove-absent-ok"],
        explain: "The element is not there, which is what the request wanted. The RFC does not say whether a filter without a match is an error; identity providers repeat removals and fail on it for ever.",
        hint: "Answer success and change nothing.",
        wrong: "PATCH remove members[value eq \"u9\"], who is no member → 400 noTarget",
        right: "→ 200 or 204",
        proven_by: &["group-member-display-required"],
        check: refusal_rule!("group/remove-absent-refused"),
    },
    Rule {
        id: "group/member-ref-wrong",
        title: "`$ref` of a member leads elsewhere",
        spec: "RFC 7643 §4.2, §2.3.7",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["group-member-ref", "data-ref-get"],
        explain: "`$ref` is the URI of the member: it names the endpoint where the member lives and ends in its id.",
        hint: "Build it from base URL, endpoint and id.",
        wrong: "{\"value\":\"u1\",\"$ref\":\"https://…/Users/u2\"}",
        right: "{\"value\":\"u1\",\"$ref\":\"https://…/Users/u1\"}",
        proven_by: &["group-member-value-is-username", "group-member-ref-nowhere", "group-member-ref-wrong"],
        check: member_ref,
    },
    Rule {
        id: "group/unknown-member-stored",
        title: "A member id that does not exist is stored",
        spec: "not ruled by the RFC; Okta: stale member ids",
        level: Level::Note,
        clash: false,
        impact: Impact::GroupDrifts,
        breaks: &[],
        requirements: &["group-member-unknown"],
        explain: "The group lists an id that leads nowhere. It is allowed, but a group with dangling members hides that somebody was never given access.",
        hint: "Refuse the unknown id with 400, with a detail that names it.",
        wrong: "PATCH add members [{\"value\":\"no-such-user\"}] → 204",
        right: "→ 400 \"member no-such-user does not exist\"",
        proven_by: &["group-unknown-member-stored"],
        check: unknown_member_stored,
    },
    Rule {
        id: "group/unknown-member-dropped",
        title: "A member id that does not exist is accepted and left out without a word",
        spec: "RFC 7644 §3.5.2 (a PATCH is applied whole or refused); Okta: stale member ids",
        level: Level::Idp,
        clash: false,
        impact: Impact::GroupDrifts,
        breaks: &[],
        requirements: &["group-member-unknown"],
        explain: "The identity provider reads success and believes that somebody is in the group who is not. With a refusal that names the id it would look the person up again.",
        hint: "Refuse the unknown id with 400, with a detail that names it.",
        wrong: "PATCH add members [{\"value\":\"no-such-user\"}] → 204; GET → no such member",
        right: "→ 400 \"member no-such-user does not exist\"",
        proven_by: &["unknown-member-dropped"],
        check: state_rule!("group/unknown-member-dropped"),
    },
    Rule {
        id: "group/deleted-user-still-member",
        title: "A deleted user or group is still listed as a member",
        spec: "not ruled by the RFC (data integrity)",
        level: Level::Note,
        clash: false,
        impact: Impact::GroupDrifts,
        breaks: &[],
        requirements: &["delete-user-leaves-groups"],
        explain: "The user (or the group that was a member) was deleted and the group still names its id. If ids or names are ever used again, the membership comes back with them.",
        hint: "Take what is deleted out of its groups.",
        wrong: "DELETE /Users/u1 → 204\nGET /Groups/g → {\"members\":[{\"value\":\"u1\"}]}",
        right: "GET /Groups/g → u1 is gone",
        proven_by: &["delete-user-remains-group-member", "delete-nested-group-stays-member"],
        check: deleted_user_still_member,
    },
    Rule {
        id: "group/member-shape-wrong",
        title: "An entry of `members` is not an object with a text `value`",
        spec: "RFC 7643 §4.2, §2.3.1",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["group-member-shape"],
        explain: "`members` is a list of complex values whose `value` is the id as text. Strict clients refuse numbers and bare strings.",
        hint: "Write {\"value\": \"53\"}.",
        wrong: "{\"members\":[{\"value\":53}]}",
        right: "{\"members\":[{\"value\":\"53\"}]}",
        proven_by: &[
            "patch-replace-list-nested",
            "patch-add-list-nested",
            "member-value-integer",
            "group-members-as-strings",
        ],
        check: member_shape,
    },
    Rule {
        id: "group/members-missing-in-list",
        title: "Groups in a list come without their members",
        spec: "RFC 7643 §7 (returned default), §8.7.1; RFC 7644 §3.4.2",
        level: Level::Must,
        clash: false,
        impact: Impact::ImportIncomplete,
        breaks: &["okta"],
        requirements: &["list-items-complete", "okta-import-groups"],
        explain: "`members` is returned by default, also in lists. Okta imports memberships from the group list only.",
        hint: "Return `members` in lists unless the client excludes it.",
        wrong: "GET /Groups → {\"Resources\":[{\"id\":\"g\",\"displayName\":\"team\"}]} although the group has members",
        right: "GET /Groups → {\"Resources\":[{…,\"members\":[{\"value\":\"u1\"}]}]}",
        proven_by: &["list-groups-omits-members"],
        check: members_missing_in_list,
    },
];

fn member_duplicated(view: &View<'_>) -> Verdict {
    let verdict = state::judge(view, "group/member-duplicated");
    let write = matches!(view.call.op, Op::Create | Op::Replace | Op::Patch) && view.accepted();
    let answer = view.object().filter(|_| write && view.call.endpoint == "/Groups");
    let members = answer.and_then(|o| get_ci(o, "members")).and_then(Value::as_array);
    let mut seen = std::collections::HashSet::new();
    // A user and a group may be numbered alike, so the kind counts.
    let name = |m: &Value, key: &str| value_ci(m, key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut named = members.into_iter().flatten().map(|m| (name(m, "value"), name(m, "type").to_ascii_lowercase()));
    match (verdict, named.find(|m| !m.0.is_empty() && !seen.insert(m.clone()))) {
        // RFC 7643 §2.4: what is stored may be in order, the answer SHOULD NOT name it twice all the same.
        (Verdict::Pass | Verdict::NotApplicable, Some((id, _))) => {
            let finding =
                Finding::new("body /members", "each member once", format!("{id} twice, in the answer to the write"));
            Verdict::Fail(vec![finding.level(Level::Should)])
        }
        (verdict, _) => verdict,
    }
}

fn unknown_member_stored(view: &View<'_>) -> Verdict {
    let refused = view.forecast.choice == Some(Choice::UnknownMember) && view.client_error();
    if refused && matches!(view.call.op, Op::Create | Op::Patch | Op::Replace) {
        return Verdict::Pass;
    }
    if view.call.endpoint != "/Groups" || view.call.op != Op::Read || !view.accepted() || view.call.projected() {
        return Verdict::NotApplicable;
    }
    let Some(known) = view.call.id.as_deref().and_then(|id| view.before.find("/Groups", id)) else {
        return Verdict::NotApplicable;
    };
    // Somebody of another tenant is not nobody: that is a matter of tenancy.
    let ours = member_ids(&known.doc);
    let shown = view.exchange.json().map(member_ids).unwrap_or_default();
    match shown.iter().find(|id| ours.contains(id) && view.before.is_nobody(id)) {
        Some(id) => Verdict::Fail(vec![
            Finding::new("body /members", "nobody who does not exist", id.clone()).because(known.last_write.clone()),
        ]),
        None => Verdict::NotApplicable,
    }
}

fn deleted_user_still_member(view: &View<'_>) -> Verdict {
    if view.call.endpoint != "/Groups" || view.call.op != Op::Read || view.status() != 200 || view.call.projected() {
        return Verdict::NotApplicable;
    }
    let gone = |id: &String| {
        let mut kinds = view.before.kinds_of(id).filter(|k| ["/Users", "/Groups"].contains(&&*k.endpoint)).peekable();
        kinds.peek().is_some() && kinds.all(|k| k.state == State::Gone)
    };
    let Some(known) = view.call.id.as_deref().and_then(|id| view.before.find("/Groups", id)) else {
        return Verdict::NotApplicable;
    };
    let shown = view.exchange.json().map(member_ids).unwrap_or_default();
    let was_member = member_ids(&known.doc).iter().any(gone);
    let findings = shown
        .iter()
        .filter(|m| gone(m))
        .map(|m| Finding::new("body /members", "nobody who was deleted", m.clone()))
        .collect::<Vec<_>>();
    if findings.is_empty() && !was_member { Verdict::NotApplicable } else { Verdict::from_findings(findings) }
}

fn member_shape(view: &View<'_>) -> Verdict {
    if view.call.endpoint != "/Groups" {
        return Verdict::NotApplicable;
    }
    let members: Vec<&Value> = view.resources().iter().filter_map(|r| get_ci(r, "members")).collect();
    if members.is_empty() {
        return Verdict::NotApplicable;
    }
    // An entry without `value` is odd but not forbidden by the schema; a number or a bare text is.
    let wrong = |m: &Value| !m.is_object() || value_ci(m, "value").is_some_and(|v| !v.is_string() && !v.is_null());
    let mut findings = Vec::new();
    for list in members {
        match list {
            Value::Array(items) => findings.extend(
                items
                    .iter()
                    .filter(|m| wrong(m))
                    .take(1)
                    .map(|m| Finding::new("body /members", "{\"value\": \"id\"}", short(m))),
            ),
            Value::Null => {}
            other => findings.push(Finding::new("body /members", "a list", short(other))),
        }
    }
    Verdict::from_findings(findings)
}

fn member_ref(view: &View<'_>) -> Verdict {
    if view.call.endpoint != "/Groups" {
        return Verdict::NotApplicable;
    }
    let mut seen = false;
    for member in view.resources().iter().filter_map(|r| get_ci(r, "members")).filter_map(Value::as_array).flatten() {
        let (Some(id), Some(target)) =
            (value_ci(member, "value").and_then(Value::as_str), member.get("$ref").and_then(Value::as_str))
        else {
            continue;
        };
        seen = true;
        let last = crate::exchange::percent_decode(target.trim_end_matches('/').rsplit('/').next().unwrap_or_default());
        if last != id {
            return Verdict::fail("body /members/$ref", format!("…/{id}"), target);
        }
        // Only where one endpoint alone has a resource of that id is it known which one is meant.
        let homes: Vec<&str> = view.before.with_id(id).map(|k| k.endpoint.as_str()).collect();
        let named = view.target.types.iter().map(|t| t.endpoint.as_str());
        let leads_to = named.into_iter().find(|e| below(target.trim_end_matches('/'), e));
        if let (Some(&home), Some(other)) = (homes.first(), leads_to)
            && homes.iter().all(|h| *h == home)
            && other != home
        {
            return Verdict::fail("body /members/$ref", format!("…{home}/{id}"), target);
        }
        if leads_to.is_none() && !view.target.types.is_empty() {
            let place = homes.first().copied().unwrap_or("/Users");
            let finding = Finding::new("body /members/$ref", format!("…{place}/{id}"), target);
            return Verdict::Fail(vec![finding.level(Level::Should)]);
        }
    }
    if seen { Verdict::Pass } else { Verdict::NotApplicable }
}

fn members_missing_in_list(view: &View<'_>) -> Verdict {
    // Whoever lets in a stranger has let in the stranger's writes, too, and nobody foresaw those.
    if view.call.endpoint != "/Groups" || view.list().is_none() || view.call.projected() || !view.call.authenticated() {
        return Verdict::NotApplicable;
    }
    let mut seen = false;
    for entry in view.entries() {
        let Some(known) = get_ci(entry, "id").and_then(Value::as_str).and_then(|id| view.before.find("/Groups", id))
        else {
            continue;
        };
        let read = known.last_full.as_deref().map(member_ids).unwrap_or_default();
        if known.state != State::Live || read.is_empty() || known.refused.is_some() || member_ids(&known.doc).is_empty()
        {
            continue;
        }
        seen = true;
        if get_ci(entry, "members").is_none_or(crate::shadow::facts::is_empty) {
            return Verdict::Fail(vec![
                Finding::new(format!("entry {}", known.id), "members, as in GET by id", "no members")
                    .because(known.step.clone()),
            ]);
        }
    }
    if seen { Verdict::Pass } else { Verdict::NotApplicable }
}

/// The first sight of a group that was created without members: the answer to the create, or the read after it.
fn from_nowhere(view: &View<'_>) -> Verdict {
    if view.call.endpoint != "/Groups" || !view.accepted() || !matches!(view.call.op, Op::Create | Op::Read) {
        return Verdict::NotApplicable;
    }
    let shown = view.object().and_then(|o| get_ci(o, "members")).and_then(Value::as_array);
    let id = view.object().and_then(|o| get_ci(o, "id")).and_then(Value::as_str);
    let made = |p: &Past| p.exchange.accepted() && id.is_some() && state::whose(p).as_deref() == id;
    let made = match view.call.op {
        Op::Create => Some(view.call),
        // Nothing at all came between: what another write does is another rule's subject.
        _ => view.earlier.last().filter(|p| p.call.op == Op::Create && made(p)).map(|p| &p.call),
    };
    let sent = made.map(|call| call.body.as_ref().and_then(|b| value_ci(b, "members")));
    let none = |list: Option<&Value>| list.is_none_or(|m| m.is_null() || m.as_array().is_some_and(Vec::is_empty));
    match (sent, shown.filter(|all| !all.is_empty())) {
        (Some(sent), Some(shown)) if none(sent) => {
            Verdict::fail("body /members", "no members: none was sent", format!("{} of them", shown.len()))
        }
        (Some(sent), None) if none(sent) => Verdict::Pass,
        _ => Verdict::NotApplicable,
    }
}
