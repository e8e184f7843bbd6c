//! PATCH (RFC 7644 §3.5.2): accepted operations are applied, exactly and alone; invalid ones are refused and change nothing.

use super::rule::{Finding, Impact, Level, Rule, Verdict, state_rule};
use super::view::{View, short};
use crate::scim::urn;
use crate::scim::value::get_ci;
use crate::shadow::forecast::{op_path, operations};
use crate::shadow::{Expectation, Op, Reason};
use serde_json::{Map, Value};

/// Rules of this area.
pub static RULES: &[Rule] = &[
    Rule {
        id: "patch/active-not-applied",
        title: "PATCH of `active` answers success, but the user keeps its old status",
        spec: "RFC 7644 §3.5.2.3; Okta SCIM 2.0 reference (deactivate); Entra: disable",
        level: Level::Must,
        clash: false,
        impact: Impact::StaysActive,
        breaks: &[],
        requirements: &[
            "okta-deactivate-patch",
            "entra-disable",
            "patch-persists",
            "okta-reactivate",
            "entra-boolean-strings",
            "entra-restore",
        ],
        explain: "The server said yes to a change of `active` and a later read shows the old value. Nobody notices: the identity provider \
                  logs success and does not read back, while a person who left keeps access (or one who returned has none).",
        hint: "Apply `active` from every form: with and without path, with any case of `op`, as boolean and (for Entra) as the text \"False\". Test the stored value, not the answer.",
        wrong: "PATCH /Users/2819 {\"Operations\":[{\"op\":\"replace\",\"value\":{\"active\":false}}]}\n→ 200\nGET /Users/2819\n→ 200 {\"active\": true}",
        right: "GET /Users/2819\n→ 200 {\"active\": false}",
        proven_by: &["patch-active-ignored", "active-always-true", "patch-string-false-is-true"],
        check: state_rule!("patch/active-not-applied"),
    },
    Rule {
        id: "patch/change-not-applied",
        title: "PATCH answers success, but the attribute does not have the new value",
        spec: "RFC 7644 §3.5.2.1, §3.5.2.3",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &[
            "patch-persists",
            "patch-add-simple",
            "patch-replace-simple",
            "patch-add-existing-replaces",
            "patch-replace-missing-is-add",
            "patch-multi-op",
            "patch-sequential",
        ],
        explain: "An `add` or `replace` was accepted and a later read does not show it. The identity provider believes that the profile is up to date and never sends the change again.",
        hint: "Apply `add` and `replace` to every attribute that you return, or refuse the request with 400; never accept and drop.",
        wrong: "PATCH … {\"op\":\"add\",\"path\":\"externalId\",\"value\":\"e7\"} → 200\nGET → no externalId",
        right: "GET → {\"externalId\": \"e7\"}",
        proven_by: &[
            "patch-display-name-shadowed",
            "null-becomes-none",
            "displayname-overwritten-by-username",
            "patch-replace-appends",
            "custom-patch-ignored",
            "patch-add-single-object-ignored",
            "patch-external-id-ignored",
            "patch-value-cut-at-blank",
            "patch-empty-list-ignored",
            "roles-joined",
            "patch-name-formatted-ignored",
            "email-type-always-work",
            "patch-first-replace-wins",
            "patch-add-to-unset-name-ignored",
            "added-email-becomes-primary",
            "group-patch-external-id-ignored",
            "display-name-shadowed",
        ],
        check: state_rule!("patch/change-not-applied"),
    },
    Rule {
        id: "patch/value-path-not-applied",
        title: "PATCH with a value filter in its path answers success, but the selected element is unchanged",
        spec: "RFC 7644 §3.5.2, §3.5.2.3; Entra: Update User",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &[
            "patch-replace-valuepath",
            "patch-replace-valuepath-sub",
            "entra-valuepath-update",
            "patch-remove-valuepath-sub",
            "entra-valuepath-creates",
        ],
        explain: "`emails[type eq \"work\"].value` selects the sub-attribute of the matching elements. Entra sends each e-mail, phone and address change this way.",
        hint: "Evaluate the filter over the elements and change the sub-attribute of those that match, and only those.",
        wrong: "PATCH … {\"op\":\"replace\",\"path\":\"emails[type eq \\\"work\\\"].value\",\"value\":\"new@example.com\"} → 200\nGET → the old address",
        right: "GET → {\"emails\":[{\"type\":\"work\",\"value\":\"new@example.com\"}]}",
        proven_by: &[
            "patch-unmatched-element-clears-list",
            "patch-made-element-untyped",
            "patch-value-path-hits-primary",
            "patch-phone-path-ignored",
            "patch-address-path-ignored",
            "patch-order-reversed",
            "patch-remove-filter-removes-all",
            "patch-value-filter-duplicates",
            "patch-value-filter-touches-all",
            "patch-replace-whole-element-ignored",
            "patch-element-loses-siblings",
            "patch-value-paths-make-elements",
            "patch-replace-element-drops-others",
            "patch-value-path-first-match-only",
            "patch-sub-attribute-at-root",
            "custom-list-filter-remove-clears",
            "patch-primary-filter-ignored",
        ],
        check: state_rule!("patch/value-path-not-applied"),
    },
    Rule {
        id: "patch/pathless-not-applied",
        title: "PATCH without path answers success, but the attributes in its value are unchanged",
        spec: "RFC 7644 §3.5.2.1, §3.5.2.3 (path omitted)",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &["patch-add-no-path", "patch-replace-no-path", "group-rename-no-path-with-id"],
        explain: "Without a path the value is an object whose members are the attributes to change. Okta's deactivation and group rename and Entra's profile update are sent like this.",
        hint: "When `path` is absent, apply each member of `value` as if it had been named by a path.",
        wrong: "PATCH … {\"op\":\"replace\",\"value\":{\"title\":\"New\"}} → 204\nGET → the old title",
        right: "GET → {\"title\": \"New\"}",
        proven_by: &[
            "patch-beside-active-ignored",
            "patch-add-ignored",
            "patch-displayname-ignored",
            "patch-replace-ignored",
            "patch-username-ignored",
            "patch-pathless-last-wins",
            "patch-external-id-pathless-ignored",
            "patch-beside-external-id-ignored",
        ],
        check: state_rule!("patch/pathless-not-applied"),
    },
    Rule {
        id: "patch/dotted-key-not-applied",
        title: "Dotted keys in a path-less value are accepted, but the sub-attribute is unchanged",
        spec: "Entra: SCIM compatibility (aadOptscim062020)",
        level: Level::Idp,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &["entra"],
        requirements: &["patch-dotted-key-no-path"],
        explain: "With its compliance flag Entra flattens paths into keys such as `name.familyName`. A server that takes the request must change that attribute; one that stores the key literally or drops it lies.",
        hint: "Read each key of a path-less value as an attribute path.",
        wrong: "PATCH … {\"op\":\"replace\",\"value\":{\"name.familyName\":\"New\"}} → 200\nGET → the old family name",
        right: "GET → {\"name\":{\"familyName\":\"New\"}}",
        proven_by: &["patch-dotted-key-ignored", "patch-dotted-key-at-root"],
        check: state_rule!("patch/dotted-key-not-applied"),
    },
    Rule {
        id: "patch/extension-not-applied",
        title: "PATCH of an attribute named with its schema URN answers success, but nothing changed",
        spec: "RFC 7644 §3.10, §3.5.2",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &[
            "patch-path-extension-urn",
            "patch-path-core-urn",
            "patch-extension-object",
            "entra-manager-add",
            "entra-manager-remove",
        ],
        explain: "`urn:…:enterprise:2.0:User:department` names one attribute of the extension; the version `2.0` in the URN contains a dot and is where naive parsers break.",
        hint: "Match the known schema URNs at the start of the path first, then parse the rest.",
        wrong: "PATCH … {\"op\":\"add\",\"path\":\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department\",\"value\":\"Sales\"} → 200\nGET → no department",
        right: "GET → {\"urn:…:enterprise:2.0:User\":{\"department\":\"Sales\"}}",
        proven_by: &[
            "patch-extension-object-ignored",
            "patch-clears-other-attributes",
            "patch-enterprise-ignored",
            "patch-extension-part-clears-siblings",
            "patch-urn-of-list-ignored",
            "extension-patched-as-flat-key",
            "patch-extension-class-name",
            "patch-pathless-urn-key-ignored",
            "patch-pathless-extension-ignored",
        ],
        check: state_rule!("patch/extension-not-applied"),
    },
    Rule {
        id: "patch/remove-not-applied",
        title: "PATCH `remove` answers success, but the value is still there",
        spec: "RFC 7644 §3.5.2.2",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &[
            "patch-remove-simple",
            "patch-remove-multi-all",
            "patch-remove-valuepath",
            "patch-replace-null",
            "put-null-clears",
        ],
        explain: "After an accepted `remove` the attribute (or the selected elements) must be unassigned.",
        hint: "Unassign the attribute, delete the matching elements, and leave the rest.",
        wrong: "PATCH … {\"op\":\"remove\",\"path\":\"title\"} → 204\nGET → {\"title\":\"T\"}",
        right: "GET → no title",
        proven_by: &[
            "patch-remove-name-keeps-family-name",
            "patch-remove-names-ignored",
            "custom-clear-answered-only",
            "patch-email-ignored",
            "patch-manager-not-cleared",
            "patch-urn-path-ignored",
            "empty-elements-invented",
            "custom-remove-ignored",
            "remove-filter-eq-only",
        ],
        check: state_rule!("patch/remove-not-applied"),
    },
    Rule {
        id: "patch/add-overwrites-values",
        title: "PATCH `add` on a multi-valued attribute throws away the values that were there",
        spec: "RFC 7644 §3.5.2.1",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &["patch-add-multi-appends", "patch-add-multi-object"],
        explain: "`add` on a multi-valued attribute appends. Here an element that existed before and was not touched is gone.",
        hint: "Append the new elements to the stored list.",
        wrong: "one e-mail; PATCH … {\"op\":\"add\",\"path\":\"emails\",\"value\":[{\"type\":\"home\",…}]} → 200\nGET → only the home address",
        right: "GET → both addresses",
        proven_by: &[
            "patch-add-overwrites-multivalued",
            "patch-pathless-add-replaces-list",
            "custom-list-add-replaces",
        ],
        check: state_rule!("patch/add-overwrites-values"),
    },
    Rule {
        id: "patch/value-duplicated",
        title: "PATCH stores the same element twice",
        spec: "RFC 7644 §3.5.2.1 (SHOULD); Entra repeats its Add",
        level: Level::Idp,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &["entra"],
        requirements: &["patch-add-duplicate-noop", "data-no-dup-type-value"],
        explain: "Adding a value that is there already must change nothing. Entra repeats its `Add` after a failed cycle; each repetition would add one more copy.",
        hint: "Compare with the stored elements before you append.",
        wrong: "PATCH add emails [{\"value\":\"a@example.com\",\"type\":\"work\"}] twice → the address stands there twice",
        right: "the address stands there once",
        proven_by: &["patch-add-existing-value-duplicates"],
        check: state_rule!("patch/value-duplicated"),
    },
    Rule {
        id: "patch/primary-not-exclusive",
        title: "A new primary value does not take `primary` from the old one",
        spec: "RFC 7644 §3.5.2",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &["okta"],
        requirements: &["patch-primary-autounset"],
        explain: "When a PATCH sets `primary` to true on one element, the server must set it to false on the others. Okta reads the primary element only.",
        hint: "After applying the operation, clear `primary` on all other elements.",
        wrong: "PATCH add emails [{\"value\":\"b@example.com\",\"primary\":true}] → two elements with primary true",
        right: "only b@example.com has primary true",
        proven_by: &["patch-primary-not-exclusive"],
        check: state_rule!("patch/primary-not-exclusive"),
    },
    Rule {
        id: "patch/changes-other-attributes",
        title: "PATCH changes an attribute that it does not name",
        spec: "RFC 7644 §3.5.2",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &[
            "patch-add-complex",
            "patch-replace-complex-keeps",
            "idp-no-side-effects",
            "patch-remove-valuepath",
        ],
        explain: "A PATCH changes what its operations address and nothing else. Here an attribute that an earlier request wrote and this one did not name has another value.",
        hint: "Apply the operation to the stored resource instead of building a new one from the request.",
        wrong: "PATCH replace name.givenName → GET: name.familyName is gone",
        right: "only name.givenName has changed",
        proven_by: &[
            "patch-email-comma",
            "patch-strips-addresses",
            "patch-pathless-replaces-all",
            "patch-name-object-clears-siblings",
            "deactivate-clears-attributes",
            "patch-name-part-clears-siblings",
            "patch-email-becomes-user-name",
            "update-user-name-becomes-email",
            "patch-drops-extension",
            "patch-drops-roles",
            "update-reactivates",
        ],
        check: state_rule!("patch/changes-other-attributes"),
    },
    Rule {
        id: "patch/value-in-wrong-place",
        title: "A value written by PATCH turns up under another key",
        spec: "RFC 7644 §3.5.2, §3.10",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &["entra"],
        requirements: &["patch-dotted-key-no-path", "entra-patch-multi"],
        explain: "The resource holds a literal key such as `name.givenName` or `emails[type eq \"work\"].value`, or the new value also stands inside another attribute.",
        hint: "Parse paths and keys as attribute paths; never use them as map keys. Copy only the addressed attribute.",
        wrong: "PATCH replace title \"Boss\" → GET: {\"title\":\"Boss\",\"name\":{\"title\":\"Boss\"}}",
        right: "GET: {\"title\":\"Boss\"}",
        proven_by: &["patch-leaks-into-name", "patch-dotted-key-literal"],
        check: value_in_wrong_place,
    },
    Rule {
        id: "patch/answer-shows-old-state",
        title: "The answer to a PATCH does not show the resource as it should be now",
        spec: "RFC 7644 §3.5.2 (200 returns the entire resource)",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &["entra"],
        requirements: &["patch-response-200-or-204"],
        explain: "A 200 carries the modified resource. Clients that compare it with what they sent believe that the change was not made and send it again.",
        hint: "Render the answer after the change was stored, or answer 204.",
        wrong: "PATCH replace title \"New\" → 200 {\"title\":\"Old\"}",
        right: "200 {\"title\":\"New\"}, or 204 without a body",
        proven_by: &[
            "group-patch-answer-without-members",
            "patch-returns-stale-resource",
            "patch-external-id-answer-stale",
            "group-remove-answer-stale",
        ],
        check: state_rule!("patch/answer-shows-old-state"),
    },
    Rule {
        id: "patch/success-status-wrong",
        title: "A successful PATCH answers with a status other than 200 or 204, or its body does not fit the status",
        spec: "RFC 7644 §3.5.2",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &["entra"],
        requirements: &["patch-response-200-or-204", "group-patch-response"],
        explain: "Success is 200 with the entire resource, or 204 without a body. An empty 200 leaves the client without the state it was promised.",
        hint: "Answer 204, or 200 with the resource.",
        wrong: "PATCH … → 200 with an empty body",
        right: "→ 204, or 200 with the resource",
        proven_by: &["patch-answers-202", "patch-answers-empty-200"],
        check: success_status,
    },
    Rule {
        id: "patch/asked-attributes-not-answered",
        title: "A PATCH that asks for attributes is answered without a body",
        spec: "RFC 7644 §3.5.2",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["patch-attributes-200"],
        explain: "204 is the short form for a client that wants nothing back. One that names `attributes` in the query wants these: the server must answer 200 with them.",
        hint: "Answer 200 with the resource whenever the query has `attributes`.",
        wrong: "PATCH /Users/2819?attributes=title → 204",
        right: "→ 200 {\"schemas\":[…],\"id\":\"2819\",\"title\":\"Lead\"}",
        proven_by: &["patch-attributes-204"],
        check: asked_attributes,
    },
    Rule {
        id: "patch/answer-schema-is-patchop",
        title: "The answer to a PATCH claims to be a PatchOp message",
        spec: "RFC 7644 §3.5.2; RFC 7643 §3",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["patch-response-200-or-204", "res-schemas-nonempty"],
        explain: "The 200 answer carries the resource, so its `schemas` are those of the resource, not of the request.",
        hint: "Render the resource with its own schemas.",
        wrong: "→ 200 {\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"], …}",
        right: "→ 200 {\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"], …}",
        proven_by: &["patch-response-schema-is-patchop"],
        check: answer_schema,
    },
    Rule {
        id: "patch/unknown-op-accepted",
        title: "A PATCH operation with a missing or unknown `op` is accepted",
        spec: "RFC 7644 §3.5.2",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &["patch-op-missing", "patch-op-unknown"],
        explain: "Each operation must have one of the three `op` values; anything else is an invalid request.",
        hint: "Answer 400 with scimType invalidSyntax.",
        wrong: "PATCH … {\"op\":\"move\",…} → 200",
        right: "→ 400 invalidSyntax",
        proven_by: &["patch-pathless-ignored", "patch-second-operation-ignored", "patch-unknown-op-accepted"],
        check: unknown_op,
    },
    Rule {
        id: "patch/no-operations-accepted",
        title: "A PATCH without `Operations` is accepted",
        spec: "RFC 7644 §3.5.2",
        level: Level::Should,
        clash: false,
        impact: Impact::None,
        breaks: &[],
        requirements: &["patch-operations-required"],
        explain: "The body of a PATCH must contain the attribute `Operations`.",
        hint: "Answer 400 with scimType invalidSyntax.",
        wrong: "PATCH {\"schemas\":[PatchOp]} → 200",
        right: "→ 400 invalidSyntax",
        proven_by: &["patch-without-operations-accepted"],
        check: |view| accepted_despite(view, &[Reason::NoOperations], "400 invalidSyntax"),
    },
    Rule {
        id: "patch/invalid-path-accepted",
        title: "A PATCH whose path is malformed or names no attribute is accepted",
        spec: "RFC 7644 §3.5.2, Table 9 (invalidPath)",
        level: Level::Should,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &["patch-unknown-path-400", "patch-bad-path-400", "patch-bad-filter-400"],
        explain: "Nothing can be changed at such a path, so a success is untrue.",
        hint: "Answer 400 with scimType invalidPath.",
        wrong: "PATCH … {\"op\":\"replace\",\"path\":\"emails[type eq\",…} → 204",
        right: "→ 400 invalidPath",
        proven_by: &["patch-unknown-path-accepted"],
        check: |view| accepted_despite(view, &[Reason::InvalidPath, Reason::BrokenPatch], "400 invalidPath"),
    },
    Rule {
        id: "patch/remove-without-path-accepted",
        title: "`remove` without a target is accepted",
        spec: "RFC 7644 §3.5.2.2",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &["patch-remove-no-path-400"],
        explain: "If `path` is unspecified, the operation fails with 400 and scimType noTarget.",
        hint: "Answer 400 noTarget.",
        wrong: "PATCH … {\"op\":\"remove\"} → 204",
        right: "→ 400 noTarget",
        proven_by: &["patch-remove-ignored", "patch-remove-without-path-accepted"],
        check: remove_without_path,
    },
    Rule {
        id: "patch/replace-without-match-accepted",
        title: "`replace` of an element that no value filter chooses is accepted",
        spec: "RFC 7644 §3.5.2.3",
        level: Level::Should,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &["patch-replace-valuepath-notarget"],
        explain: "The path chooses none of the values, so there is nothing to replace, and the request has to fail. Where an element is added all the same, a client that wanted to correct one has made a second one.",
        hint: "Answer 400 noTarget. (A path that ends in a sub-attribute, such as `emails[type eq \"work\"].value`, is Entra's way to add one: that may create it.)",
        wrong: "replace emails[type eq \"pager\"], nobody has such a one → 200, an address more",
        right: "→ 400 noTarget",
        proven_by: &["patch-unmatched-value-appended", "patch-replace-without-match-adds"],
        check: replace_without_match,
    },
    Rule {
        id: "patch/mutability-ignored",
        title: "A PATCH on a readOnly or required attribute is accepted",
        spec: "RFC 7644 §3.5.2, §3.5.2.2",
        level: Level::Should,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &[
            "patch-remove-required-400",
            "patch-remove-readonly-400",
            "patch-readonly-id-400",
            "patch-immutable-400",
        ],
        explain: "The server shall refuse to remove a required attribute or to change a readOnly one, with scimType mutability. Many ignore it silently, which the client cannot see.",
        hint: "Answer 400 with scimType mutability.",
        wrong: "PATCH … {\"op\":\"remove\",\"path\":\"userName\"} → 204",
        right: "→ 400 mutability",
        proven_by: &[
            "display-name-computed-kept",
            "group-patch-name-removed",
            "group-members-declared-read-only",
            "patch-readonly-accepted",
            "patch-username-remove-accepted",
            "custom-required-removed",
        ],
        check: mutability_ignored,
    },
    Rule {
        id: "patch/invalid-value-accepted",
        title: "A PATCH with a value that does not fit is accepted",
        spec: "RFC 7644 §3.12, Table 9 (invalidValue)",
        level: Level::Should,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &["patch-wrong-type-400", "patch-add-value-missing", "patch-replace-value-missing"],
        explain: "The value does not fit the attribute, or there is none where one is needed.",
        hint: "Answer 400 with scimType invalidValue.",
        wrong: "PATCH … {\"op\":\"replace\",\"path\":\"active\",\"value\":\"maybe\"} → 200",
        right: "→ 400 invalidValue",
        proven_by: &["patch-replace-without-value-clears", "patch-add-ignored", "group-empty-name-ignored"],
        check: |view| accepted_despite(view, &[Reason::InvalidValue, Reason::WrongType], "400 invalidValue"),
    },
];

fn value_in_wrong_place(view: &View<'_>) -> Verdict {
    if view.observed.place != crate::shadow::Place::Read {
        return Verdict::NotApplicable;
    }
    let patched = view.observed.confirmed.iter().any(|(_, c)| c.kind == crate::shadow::Write::Patch);
    if view.observed.strays.is_empty() {
        return if patched { Verdict::Pass } else { Verdict::NotApplicable };
    }
    let findings = view.observed.strays.iter().map(|s| {
        Finding::new(format!("body {}", s.at), "no such value there", super::view::short(&s.value))
            .because(s.step.clone())
    });
    Verdict::Fail(findings.collect())
}

fn success_status(view: &View<'_>) -> Verdict {
    if view.call.op != Op::Patch || !view.accepted() || !view.call.authenticated() {
        return Verdict::NotApplicable;
    }
    let Some(response) = view.response() else { return Verdict::NotApplicable };
    if let (200, Some(other)) = (response.status, view.exchange.json().filter(|j| !j.is_object())) {
        return Verdict::fail("body", "the resource (or 204)", short(other));
    }
    match (response.status, response.body.is_empty()) {
        (204, true) | (200, false) => Verdict::Pass,
        (200, true) => Verdict::fail("body", "the resource (or 204)", "200 with an empty body"),
        // A 204 with a body is judged by headers/body-not-allowed.
        (204, false) => Verdict::NotApplicable,
        (other, _) => Verdict::fail("status", "200 or 204", other.to_string()),
    }
}

fn asked_attributes(view: &View<'_>) -> Verdict {
    let asked = view.exchange.request.query_param("attributes").is_some_and(|names| !names.is_empty());
    if view.call.op != Op::Patch || !asked || !matches!(view.status(), 200 | 204) {
        return Verdict::NotApplicable;
    }
    if view.status() == 200 { Verdict::Pass } else { Verdict::fail("status", "200 with these attributes", "204") }
}

fn answer_schema(view: &View<'_>) -> Verdict {
    if view.call.op != Op::Patch || view.status() != 200 {
        return Verdict::NotApplicable;
    }
    let Some(schemas) = view.object().and_then(|o| get_ci(o, "schemas")).and_then(Value::as_array) else {
        return Verdict::NotApplicable;
    };
    let wrong = schemas.iter().filter_map(Value::as_str).any(|s| s.eq_ignore_ascii_case(urn::PATCH_OP));
    if wrong { Verdict::fail("body /schemas", "the schemas of the resource", urn::PATCH_OP) } else { Verdict::Pass }
}

/// Fails when a PATCH that had to be refused for one of these reasons was accepted.
fn accepted_despite(view: &View<'_>, reasons: &[Reason], expected: &str) -> Verdict {
    let meant = view.call.op == Op::Patch
        && view.forecast.expect == Expectation::Refuse
        && view.forecast.reason.is_some_and(|r| reasons.contains(&r));
    if !meant || view.status() == 0 || view.status() >= 500 {
        return Verdict::NotApplicable;
    }
    if view.accepted() {
        return Verdict::fail("status", format!("{expected} ({})", view.forecast.detail), view.status().to_string());
    }
    Verdict::Pass
}

/// A PATCH is carried out as a whole (RFC 7644 §3.5.2): what one operation takes and a later one gives was never lost.
fn mutability_ignored(view: &View<'_>) -> Verdict {
    let lost = view.forecast.detail.strip_suffix(" is required");
    let body = view.call.body.as_ref().and_then(Value::as_object);
    let given_again = |name: &str| {
        let ops: Vec<&Map<String, Value>> = body.map(|b| operations(b).collect()).unwrap_or_default();
        let touches = |o: &Map<String, Value>| {
            op_path(o).is_some_and(|p| p.split('[').next().is_some_and(|head| head.eq_ignore_ascii_case(name)))
        };
        let removes = |o: &Map<String, Value>| {
            get_ci(o, "op").and_then(Value::as_str).is_some_and(|t| t.eq_ignore_ascii_case("remove"))
        };
        let first = ops.iter().position(|o| touches(o) && removes(o));
        first.is_some_and(|at| ops[at..].iter().any(|o| touches(o) && !removes(o)))
    };
    if lost.is_some_and(given_again) {
        return Verdict::NotApplicable;
    }
    accepted_despite(view, &[Reason::Mutability], "400 mutability")
}

fn unknown_op(view: &View<'_>) -> Verdict {
    match accepted_despite(view, &[Reason::UnknownOp], "400 invalidSyntax") {
        // To have an `op` is the client's duty; whoever guesses at one is lenient, whoever takes another word says what is not true.
        Verdict::Fail(found) if view.forecast.detail == "op is missing" => {
            Verdict::Fail(found.into_iter().map(|f| f.level(Level::Should)).collect())
        }
        verdict => verdict,
    }
}

fn remove_without_path(view: &View<'_>) -> Verdict {
    let body = view.call.body.as_ref().and_then(Value::as_object);
    let bare = body.is_some_and(|b| {
        crate::shadow::forecast::operations(b).any(|o| {
            crate::shadow::forecast::op_path(o).is_none()
                && get_ci(o, "op").and_then(Value::as_str).is_some_and(|t| t.eq_ignore_ascii_case("remove"))
        })
    });
    if !bare {
        return Verdict::NotApplicable;
    }
    accepted_despite(view, &[Reason::NoTarget], "400 noTarget")
}

fn replace_without_match(view: &View<'_>) -> Verdict {
    let body = view.call.body.as_ref().and_then(Value::as_object);
    let whole = |o: &Map<String, Value>| {
        op_path(o).is_some_and(|p| p.trim_end().ends_with(']'))
            && get_ci(o, "op").and_then(Value::as_str).is_some_and(|t| t.eq_ignore_ascii_case("replace"))
    };
    if !body.is_some_and(|b| operations(b).any(whole)) {
        return Verdict::NotApplicable;
    }
    accepted_despite(view, &[Reason::NoTarget], "400 noTarget")
}
