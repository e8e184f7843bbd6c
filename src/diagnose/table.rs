//! Every known cause, with what proves it, how to fix it and where it is known from.
//!
//! Data only. To add a cause: one entry here, and its faults in `provoked_by`; the tests then hold it to both.

use super::causes::{ANSWERED_404, Cause, Sign, clash, sign};
use super::text::Family as F;

const NOT_FOUND: &str = "identity/live-resource-not-found";
const ID_CHANGED: &str = "identity/id-changed";
const LIST_ID: &str = "identity/list-id-differs";
const UNF: &str = "okta/user-not-found";
const REASSIGN: &str = "In Okta, un-assign the person and assign again (Assignments tab): the look-up then stores the id of today. In Entra, restart provisioning, which matches everybody anew.";
const RETRY: &str = "After the fix, Dashboard › Tasks › Retry Selected in Okta; Provision on demand in Entra.";
const OKTA: &str = "Okta, SCIM 2.0 guide and public vendor guides on \"User not found\"";
const ENTRA: &str = "Microsoft, provisioning log error codes and SCIM endpoint guide";

/// A server that gives another id depending on who asks.
const DIFFERENT_IDS: &[Sign] = &[
    clash(UNF, "id-in-look-up", LIST_ID, "create"),
    clash(UNF, "read-at-once", ID_CHANGED, "create"),
    clash(UNF, "id-is-safe-in-a-url", NOT_FOUND, "create"),
];

/// All causes; the order is that of reading, likelihood is in `families`.
pub const CAUSES: &[Cause] = &[
    // ------------------------------------------------------------ the stored id leads nowhere
    Cause {
        id: "deleted-by-hand",
        title: "the account was deleted in the app (and perhaps made again), so the stored id is that of an account that is gone",
        families: &[(F::UserNotFound, 1)],
        fix: "Do not delete accounts that an identity provider manages; if the app has to, deactivate instead. Answer 404 for the old id, and let a create with the same userName succeed.",
        workaround: REASSIGN,
        source: OKTA,
        by_hand: Some(
            "look for the person in the app's own audit log: was the account deleted, or made again later than the assignment? `scimproof diagnose --read-only --user NAME --id STORED-ID` compares the stored id with today's",
        ),
        ..Cause::BASE
    },
    Cause {
        id: "read-hides-inactive",
        title: "reading by id hides inactive accounts",
        families: &[(F::UserNotFound, 2), (F::Reactivate, 2), (F::Deactivate, 5)],
        signs: &[
            clash(UNF, "inactive-by-id", NOT_FOUND, "deactivate"),
            clash("okta/deactivate-user", "inactive-is-readable", NOT_FOUND, "deactivate"),
        ],
        but_not: &[
            sign(UNF, "inactive-by-name", "filter/inactive-hidden"),
            sign("okta/deactivate-user", "look-up-inactive", "filter/inactive-hidden"),
            sign(UNF, "id-is-safe-in-a-url", NOT_FOUND),
        ],
        fix: "Answer GET, PUT and PATCH by id for inactive accounts as well, with `active: false`; 404 is for ids that do not exist.",
        workaround: "Switch the account on in the app, then retry the task; un-assigning does not help, because the next look-up leads to the same account.",
        source: OKTA,
        provoked_by: &["get-hides-inactive-users"],
        ..Cause::BASE
    },
    Cause {
        id: "deactivation-deletes",
        title: "a deactivation deletes the account, so a returning person's stored id leads nowhere",
        families: &[(F::UserNotFound, 3), (F::Reactivate, 1), (F::Deactivate, 6)],
        signs: &[
            clash(UNF, "inactive-by-id", NOT_FOUND, "deactivate"),
            clash("okta/deactivate-user", "inactive-is-readable", NOT_FOUND, "deactivate"),
        ],
        with: &[sign("okta/deactivate-user", "look-up-inactive", "filter/inactive-hidden")],
        but_not: &[
            sign(UNF, "id-is-safe-in-a-url", NOT_FOUND),
            sign(UNF, "deactivate", ID_CHANGED),
            sign("okta/deactivate-user", "deactivate-whole", ID_CHANGED),
        ],
        explains: &["read-hides-inactive", "look-up-hides-inactive", "inactive-not-writable"],
        fix: "Keep the account when `active` becomes false; remove it only after a DELETE.",
        workaround: REASSIGN,
        source: OKTA,
        provoked_by: &["deactivate-deletes-user"],
        ..Cause::BASE
    },
    Cause {
        id: "look-up-hides-inactive",
        title: "the look-up by name hides inactive accounts, while the create still counts them as taken",
        families: &[(F::UserNotFound, 4), (F::Conflict, 1), (F::Reactivate, 3)],
        signs: &[
            clash(UNF, "inactive-by-name", "filter/inactive-hidden", "deactivate"),
            sign("okta/create-conflict", "look-up", "filter/inactive-hidden"),
        ],
        but_not: &[
            sign(UNF, "inactive-by-name", LIST_ID),
            sign(UNF, "id-in-look-up", "filter/match-missing"),
            sign(UNF, "inactive-by-id", NOT_FOUND),
            sign("okta/lookup-forms", "percent", "filter/match-missing"),
        ],
        fix: "Let filters find inactive accounts: a filter on userName matches every account of the tenant, whatever its `active`.",
        workaround: "Switch the account on (or delete it) in the app by hand, then assign the person again.",
        source: OKTA,
        provoked_by: &["filter-hides-inactive-users"],
        ..Cause::BASE
    },
    Cause {
        id: "ids-differ-per-endpoint",
        title: "create, read and list give different ids for the same account",
        families: &[(F::UserNotFound, 5)],
        signs: DIFFERENT_IDS,
        but_not: &[sign(UNF, "look-up", "filter/non-match-returned")],
        encoded_id: Some(false),
        explains: &[
            "look-up-minds-case",
            "look-up-misses-stored-name",
            "look-up-hides-inactive",
            "read-hides-inactive",
            "deactivation-deletes",
            "id-changes-on-write",
            "external-id-is-id",
            "inactive-not-writable",
        ],
        fix: "Use one immutable id: the same in the answer to the create, in GET by id, in lists and filters, and in every URL.",
        workaround: "None that lasts: whichever id is stored, some call does not know it.",
        source: OKTA,
        provoked_by: &["id-differs-in-lists", "id-differs-on-read", "create-response-id-is-username"],
        ..Cause::BASE
    },
    Cause {
        id: "external-id-is-id",
        title: "the server takes externalId for the id",
        families: &[(F::UserNotFound, 6)],
        signs: &[
            clash(UNF, "external-id-is-no-id", "scenario/unexpected-answer", "create"),
            sign(UNF, "create", "create/id-is-external-id"),
        ],
        but_not: &[sign(UNF, "rename", ID_CHANGED), sign(UNF, "id-in-look-up", LIST_ID)],
        fix: "Make an id of your own, store externalId beside it, and never look a path segment up in externalId: another app or tenant may send the same one.",
        workaround: "Do not connect the same people through a second app or tenant; after a change of externalId, un-assign and assign again.",
        source: "RFC 7643 §3.1; Okta, SCIM 2.0 guide",
        provoked_by: &["id-is-external-id"],
        ..Cause::BASE
    },
    Cause {
        id: "id-made-of-username",
        title: "the id is made of the userName, so a rename makes the stored id invalid",
        families: &[(F::UserNotFound, 7)],
        signs: &[clash(UNF, "rename", ID_CHANGED, "create"), clash(UNF, "id-survives-rename", NOT_FOUND, "rename")],
        but_not: &[
            sign(UNF, "deactivate", ID_CHANGED),
            sign(UNF, "reactivate", ID_CHANGED),
            sign(UNF, "inactive-by-id", NOT_FOUND),
            sign(UNF, "read-at-once", NOT_FOUND),
        ],
        explains: &[
            "look-up-misses-stored-name",
            "external-id-is-id",
            "ids-differ-per-endpoint",
            "look-up-of-another-tenant",
        ],
        fix: "Make an id that has nothing to do with userName and survives a rename; keep the old ids valid when you change this.",
        workaround: REASSIGN,
        source: "RFC 7643 §3.1 (id is stable)",
        provoked_by: &["id-is-username"],
        ..Cause::BASE
    },
    Cause {
        id: "id-changes-on-write",
        title: "an update or a reactivation gives the account a new id",
        families: &[(F::UserNotFound, 8), (F::Reactivate, 4)],
        signs: &[
            clash(UNF, "deactivate", ID_CHANGED, "create"),
            clash(UNF, "reactivate", ID_CHANGED, "create"),
            sign("okta/deactivate-user", "deactivate-whole", ID_CHANGED),
            sign("okta/deactivate-user", "reactivate", ID_CHANGED),
            sign("okta/deactivate-user", "reactivate-whole", ID_CHANGED),
            sign("okta/deactivate-user", "profile-push", ID_CHANGED),
        ],
        but_not: &[sign(UNF, "read-at-once", ID_CHANGED)],
        explains: &[
            "read-hides-inactive",
            "look-up-hides-inactive",
            "deactivation-deletes",
            "inactive-not-writable",
            "put-not-offered",
            "look-up-misses-stored-name",
        ],
        fix: "Change the account in place. PUT and PATCH never touch the id (RFC 7643 §3.1).",
        workaround: REASSIGN,
        source: "RFC 7643 §3.1 (id is immutable)",
        provoked_by: &["put-changes-id", "reactivation-changes-id"],
        ..Cause::BASE
    },
    Cause {
        id: "look-up-minds-case",
        title: "the look-up minds upper and lower case of the login",
        families: &[(F::UserNotFound, 9), (F::Conflict, 3), (F::LookUp, 6)],
        signs: &[
            clash(UNF, "look-up-in-capitals", "filter/username-case-sensitive", "id-in-look-up"),
            sign("entra/match-spelling", "match-capitals", "filter/username-case-sensitive"),
        ],
        but_not: &[
            sign(UNF, "id-in-look-up", "filter/match-missing"),
            sign("okta/lookup-forms", "plus", "filter/match-missing"),
        ],
        fix: "Compare userName without regard to case in filters and in the uniqueness check (RFC 7643 §4.1.1: caseExact is false).",
        workaround: "Write the login in the identity provider exactly as the app has it stored.",
        source: "RFC 7643 §4.1.1; Okta and Entra match without regard to case",
        provoked_by: &["filter-username-case-sensitive"],
        ..Cause::BASE
    },
    Cause {
        id: "look-up-misses-stored-name",
        title: "the look-up misses the account under the very name it was created with (trimmed or rewritten names, a + that was not decoded)",
        families: &[(F::UserNotFound, 10), (F::Conflict, 4), (F::LookUp, 5)],
        signs: &[
            clash(UNF, "id-in-look-up", "filter/match-missing", "create"),
            clash(UNF, "create", "create/username-altered", ""),
            sign("okta/lookup-forms", "plus", "filter/match-missing"),
            sign("okta/lookup-forms", "percent", "filter/match-missing"),
        ],
        but_not: &[sign(UNF, "look-up-in-capitals", LIST_ID), sign("okta/lookup-forms", "percent", LIST_ID)],
        explains: &["look-up-minds-case", "look-up-hides-inactive", "update-not-applied"],
        fix: "Store userName as it came, decode the filter exactly once (`%2B` is a plus), and normalise both sides of the comparison in the same way or neither.",
        workaround: "Use a login without +, capitals and characters beyond ASCII until then.",
        source: "RFC 7644 §3.4.2.2; Okta sends %2B, Entra encodes as HTML forms do",
        provoked_by: &["filter-plus-decoded-twice"],
        ..Cause::BASE
    },
    Cause {
        id: "create-answer-without-id",
        title: "the answer to a create holds no id that could be stored",
        families: &[(F::UserNotFound, 11), (F::EmptyCreate, 1), (F::Unreadable, 4), (F::Conflict, 5)],
        signs: &[
            sign("okta/create-user", "*", "create/answer-without-id"),
            sign("okta/create-user", "*", "create/answer-empty"),
        ],
        fix: "Answer a create with 201 and the whole resource, `id` at the top level as a non-empty string.",
        workaround: "None in the identity provider: it has nothing to address the account by. Later attempts end in a conflict.",
        source: "RFC 7644 §3.3; Okta: \"Create new user returned empty user\"",
        provoked_by: &["create-response-without-id", "create-response-empty-id", "create-without-body"],
        ..Cause::BASE
    },
    Cause {
        id: "read-lags-behind-create",
        title: "reads lag behind the create: the account is not there for the next call",
        families: &[(F::UserNotFound, 12), (F::Conflict, 6)],
        signs: &[
            clash(UNF, "read-at-once", NOT_FOUND, "create"),
            sign("okta/create-user", "look-up-again", "filter/match-missing"),
        ],
        but_not: &[
            sign(UNF, "id-is-safe-in-a-url", NOT_FOUND),
            sign(UNF, "look-up-in-capitals", "filter/username-case-sensitive"),
            sign("okta/lookup-forms", "plus", "filter/match-missing"),
            sign(UNF, "id-in-look-up", LIST_ID),
            sign("okta/create-user", "look-up-again", LIST_ID),
        ],
        explains: &["look-up-misses-stored-name", "look-up-hides-inactive"],
        fix: "Answer 201 only when reads see the account: write and read the same store, or wait for the replica and the search index.",
        workaround: "Retry the task a minute later.",
        source: "RFC 7644 §3.3; Okta reads within a quarter of a second",
        provoked_by: &["read-after-create-404", "lookup-after-create-empty"],
        ..Cause::BASE
    },
    Cause {
        id: "inactive-not-writable",
        title: "inactive accounts are found, but cannot be changed",
        families: &[(F::UserNotFound, 13), (F::Reactivate, 5)],
        signs: &[
            clash(UNF, "reactivate", "put/not-supported", "inactive-by-id"),
            sign("okta/deactivate-user", "reactivate", NOT_FOUND),
            sign("okta/deactivate-user", "reactivate-whole", "put/not-supported"),
        ],
        but_not: &[
            sign(UNF, "inactive-by-id", NOT_FOUND),
            sign(UNF, "deactivate", "put/not-supported"),
            sign("okta/deactivate-user", "inactive-is-readable", NOT_FOUND),
            sign("okta/deactivate-user", "deactivate-whole", "put/not-supported"),
            sign(UNF, "reactivate", ID_CHANGED),
        ],
        explains: &["put-not-offered"],
        fix: "Let PUT and PATCH change inactive accounts; the reactivation is such a change.",
        workaround: "Switch the account on in the app by hand, then retry the task.",
        source: OKTA,
        provoked_by: &["deactivated-user-update-404"],
        ..Cause::BASE
    },
    Cause {
        id: "base-url-changed",
        title: "the app's base URL or tenant was changed, so all stored ids belong to another directory",
        families: &[(F::UserNotFound, 14)],
        fix: "Keep ids when a tenant moves; nothing else can be done on the server.",
        workaround: "Un-assign everybody and assign again, or restart provisioning, after a change of base URL or tenant.",
        source: OKTA,
        by_hand: Some(
            "does it hit everybody since one date? Compare the base URL and tenant in the app's provisioning settings with those of that date",
        ),
        ..Cause::BASE
    },
    Cause {
        id: "stale-member-refuses-all",
        title: "one member id that is no longer known refuses the whole change of a group",
        families: &[(F::UserNotFound, 15), (F::Membership, 1), (F::Group, 8)],
        signs: &[
            sign("okta/group-stale-member", "add", ANSWERED_404),
            sign("okta/group-stale-member", "remove-stale", ANSWERED_404),
            sign("okta/group-stale-member", "add", "group/member-change-refused"),
        ],
        fix: "Skip members that do not exist, add the others and answer success; or answer 400 and name the id, so that the admin can find the person.",
        workaround: "Find the person who was deleted in the app, un-assign and assign again, then push the group (Push Now).",
        source: "Public report: group push with \"Not Found. Errors reported by remote server: User not found\"",
        ..Cause::BASE
    },
    Cause {
        id: "id-needs-encoding",
        title: "ids hold characters that have to be percent-encoded in a path, and the server does not decode them",
        families: &[(F::UserNotFound, 16)],
        signs: &[clash(UNF, "id-is-safe-in-a-url", NOT_FOUND, "create")],
        but_not: &[sign(UNF, "id-in-look-up", LIST_ID), sign(UNF, "look-up-in-capitals", LIST_ID)],
        encoded_id: Some(true),
        explains: &[
            "read-hides-inactive",
            "read-lags-behind-create",
            "deactivation-deletes",
            "ids-differ-per-endpoint",
            "inactive-not-writable",
            "id-made-of-username",
        ],
        fix: "Decode each path segment exactly once, or better: make ids of letters, digits, `-`, `.`, `_` and `~` only.",
        workaround: "None: every call by id fails.",
        source: "RFC 3986 §2.1, §2.3",
        provoked_by: &["id-needs-encoding-404"],
        ..Cause::BASE
    },
    Cause {
        id: "restored-with-new-ids",
        title: "accounts were restored from a backup or merged and have new ids since",
        families: &[(F::UserNotFound, 17)],
        fix: "Restore accounts with their ids; when two are merged, let the older id lead to what remains.",
        workaround: REASSIGN,
        source: OKTA,
        by_hand: Some(
            "ask whether the app was restored, migrated or cleaned of duplicates shortly before the first failure",
        ),
        ..Cause::BASE
    },
    Cause {
        id: "look-up-matches-others",
        title: "the look-up answers with accounts that do not match, so the wrong account was linked",
        families: &[(F::UserNotFound, 18), (F::Conflict, 2), (F::LookUp, 4)],
        signs: &[
            clash(UNF, "look-up-of-a-part", "filter/non-match-returned", "create"),
            sign("okta/lookup-forms", "nobody", "filter/non-match-returned"),
        ],
        explains: &["look-up-misses-stored-name", "look-up-minds-case"],
        fix: "`eq` matches the whole value and nothing else; a filter that cannot be evaluated is an error, not everybody.",
        workaround: "Check by hand who is linked to whom before you retry: the wrong account may have been overwritten.",
        source: "RFC 7644 §3.4.2.2; Okta links the first hit",
        provoked_by: &["filter-username-prefix", "filter-users-ignored"],
        ..Cause::BASE
    },
    Cause {
        id: "name-stays-taken",
        title: "a deleted account still blocks its name, so un-assigning and assigning again ends in a conflict",
        families: &[(F::UserNotFound, 19), (F::Conflict, 7)],
        signs: &[
            clash(UNF, "remedy-create", "delete/name-not-released", "deleted-behind-okta"),
            sign("entra/delete-user", "create", "delete/name-not-released"),
        ],
        fix: "Release userName and externalId with the DELETE (RFC 7644 §3.6: the deleted resource does not count in conflict checks).",
        workaround: "Remove the deleted account for good in the app (empty its bin), then assign again.",
        source: "RFC 7644 §3.6",
        provoked_by: &["create-after-delete-conflicts"],
        ..Cause::BASE
    },
    Cause {
        id: "deactivation-answers-404",
        title: "a deactivation works and is answered 404",
        families: &[(F::UserNotFound, 20), (F::Deactivate, 4)],
        signs: &[
            sign("okta/deactivate-user", "deactivate", NOT_FOUND),
            sign("okta/deactivate-user", "deactivate", "error/refused-but-changed"),
            sign("entra/disable-user", "disable", "error/refused-but-changed"),
        ],
        but_not: &[
            sign(UNF, "id-is-safe-in-a-url", NOT_FOUND),
            sign("okta/deactivate-user", "inactive-is-readable", NOT_FOUND),
        ],
        explains: &["deactivation-refused"],
        fix: "Answer 200 with the resource or 204 after the change; do not read the account back through a view that hides inactive ones.",
        workaround: "None needed for access: the account is inactive. The task can be dismissed.",
        source: "RFC 7644 §3.5.2; public report",
        provoked_by: &["deactivate-response-404"],
        ..Cause::BASE
    },
    Cause {
        id: "put-not-offered",
        title: "PUT of users is not offered, and wizard-made Okta apps update by PUT only",
        families: &[(F::UserNotFound, 21), (F::Update, 1), (F::Deactivate, 3), (F::Reactivate, 6)],
        signs: &[
            sign(UNF, "deactivate", "put/not-supported"),
            sign("okta/profile-update", "*", "put/not-supported"),
            sign("okta/deactivate-user", "deactivate-whole", "put/not-supported"),
        ],
        but_not: &[sign(UNF, "id-is-safe-in-a-url", NOT_FOUND)],
        fix: "Offer PUT /Users/{id} (RFC 7644 §3.5.1 requires it).",
        workaround: "None with a wizard-made app; a catalogue app can be set to PATCH.",
        source: "RFC 7644 §3.5.1; Okta updates wizard-made apps by PUT",
        provoked_by: &["put-users-404"],
        ..Cause::BASE
    },
    Cause {
        id: "look-up-of-another-tenant",
        title: "the look-up shows accounts of another tenant, so an account out of reach was linked",
        families: &[(F::UserNotFound, 22)],
        signs: &[sign("rfc/tenancy", "*", "tenancy/foreign-resource-shown")],
        fix: "Bind every query to the tenant of the token, also with `or` and `not` in the filter.",
        workaround: "Stop provisioning until this is fixed: it shows other tenants' people.",
        source: "RFC 7644 §6",
        provoked_by: &["cross-tenant-list"],
        ..Cause::BASE
    },
    // ------------------------------------------------------------ connection
    Cause {
        id: "no-scim-there",
        title: "what answers at the base URL is no SCIM endpoint, or refuses what identity providers ask first",
        families: &[(F::Access, 2), (F::Unreadable, 6)],
        signs: &[
            sign("okta/connection-test", "*", "headers/media-type-refused"),
            sign("okta/connection-test", "*", "list/valid-request-refused"),
            sign("entra/connection-test", "*", "error/server-error"),
        ],
        fix: "Serve /Users and /Groups below the base URL, and accept `Accept: application/scim+json` as well as `application/json`.",
        workaround: "Check the base URL in the app: it ends before /Users, mostly in /scim/v2.",
        source: "RFC 7644 §3.1, §3.8; Okta asks GET /Users?startIndex=1&count=2",
        provoked_by: &["request-accept-scim-json-406"],
        ..Cause::BASE
    },
    Cause {
        id: "credentials-refused",
        title: "the server refuses the credentials it is given",
        families: &[(F::Access, 1), (F::LookUp, 1)],
        signs: &[
            sign("rfc/auth", "*", "auth/valid-token-refused"),
            sign("okta/connection-test", "*", "auth/valid-token-refused"),
        ],
        fix: "Accept `Authorization: Bearer TOKEN`; compare the scheme without regard to case and do not let tokens run out without a word to the admin.",
        workaround: "Make a new token in the app and enter it again; look for blanks at its ends and for a header format (\"Bearer\" or none) that differs from the template's.",
        source: "RFC 6750 §2.1; RFC 7644 §2",
        provoked_by: &["auth-bearer-scheme-rejected"],
        ..Cause::BASE
    },
    Cause {
        id: "network-or-certificate",
        title: "the identity provider's own network cannot reach the server, or does not trust its certificate",
        families: &[(F::Access, 3), (F::Busy, 3)],
        fix: "Use a certificate of a public authority with its whole chain, and let the identity provider's address ranges in.",
        workaround: "Ask the network team whether a firewall or proxy lets the identity provider's addresses in.",
        source: ENTRA,
        by_hand: Some(
            "this machine reaches the server; whether the identity provider's cloud does can only be seen in the server's access log at the time of the failure",
        ),
        ..Cause::BASE
    },
    // ------------------------------------------------------------ look-up
    Cause {
        id: "no-match-is-an-error",
        title: "a look-up that finds nobody answers an error instead of an empty list",
        families: &[(F::LookUp, 2), (F::Access, 4)],
        signs: &[
            sign("okta/lookup-forms", "*", "filter/no-match-is-an-error"),
            sign("entra/connection-test", "*", "filter/no-match-is-an-error"),
        ],
        explains: &["filter-refused"],
        fix: "Answer 200 with totalResults 0; 404 is for resources by id.",
        workaround: "None: Entra tests the connection with a name that cannot exist, and stops on a 404.",
        source: "RFC 7644 §3.4.2; Microsoft, SCIM endpoint guide",
        provoked_by: &["filter-no-match-404"],
        ..Cause::BASE
    },
    Cause {
        id: "filter-refused",
        title: "a filter that the identity provider sends is refused or crashes",
        families: &[(F::LookUp, 3)],
        signs: &[
            sign("okta/lookup-forms", "*", "filter/valid-filter-refused"),
            sign("okta/lookup-forms", "*", "error/server-error"),
            sign("entra/match-spelling", "*", "filter/valid-filter-refused"),
            sign("entra/match-spelling", "*", "error/server-error"),
            sign("entra/match-work-email", "*", "filter/value-path-comparison-refused"),
            sign("entra/match-work-email", "*", "filter/valid-filter-refused"),
            sign("entra/match-work-email", "*", "error/server-error"),
        ],
        fix: "Evaluate at least `userName eq`, `externalId eq`, `emails.value eq` and `emails[type eq \"work\"].value eq`, with any characters in the value; bind values as parameters, never into a query text.",
        workaround: "Choose userName as the matching attribute.",
        source: "RFC 7644 §3.4.2.2",
        provoked_by: &["filter-apostrophe-500", "filter-work-email-500"],
        ..Cause::BASE
    },
    // ------------------------------------------------------------ create
    Cause {
        id: "media-type-refused",
        title: "bodies of application/scim+json are refused or not read",
        families: &[(F::Create, 1), (F::Unreadable, 5)],
        signs: &[sign("okta/create-user", "*", "headers/media-type-refused")],
        fix: "Register the JSON reader for `application/scim+json` with and without `; charset=utf-8`.",
        workaround: "None in Okta; it always sends application/scim+json.",
        source: "RFC 7644 §3.1, §8.1; Okta, SCIM FAQ",
        provoked_by: &["request-scim-json-415", "request-charset-415"],
        ..Cause::BASE
    },
    Cause {
        id: "create-refused",
        title: "a valid user as the identity provider sends it is refused",
        families: &[(F::Create, 2)],
        signs: &[
            sign("okta/create-user", "*", "create/valid-user-refused"),
            sign("okta/create-full-profile", "*", "create/valid-user-refused"),
            sign("okta/create-full-profile", "*", "create/undeclared-attribute-refused"),
            sign("okta/create-full-profile", "*", "create/enterprise-extension-refused"),
            sign("entra/create-without-emails", "*", "create/valid-user-refused"),
            sign("entra/create-full-body", "*", "create/valid-user-refused"),
            sign("entra/create-full-body", "*", "create/enterprise-extension-refused"),
            sign(UNF, "create", "create/valid-user-refused"),
            sign("okta/create-user", "*", "error/server-error"),
            sign("okta/create-full-profile", "*", "error/server-error"),
            sign("entra/create-without-emails", "*", "error/server-error"),
            sign("entra/create-full-body", "*", "error/server-error"),
        ],
        but_not: &[
            sign("okta/create-user", "*", "headers/media-type-refused"),
            sign("okta/create-user", "*", "create/answer-without-id"),
        ],
        explains: &["duplicate-not-refused-as-conflict"],
        fix: "Require nothing but userName; take names, e-mails, externalId and extensions as they come, ignore what you do not store.",
        workaround: "Map the attribute that the server's words name to a constant, or remove its mapping, until then.",
        source: "RFC 7643 §4.1; Okta and Entra default mappings",
        provoked_by: &[
            "create-rejects-plus-address",
            "create-enterprise-extension-rejected",
            "create-without-emails-500",
            "create-empty-array-500",
            "request-scim-json-body-ignored",
        ],
        ..Cause::BASE
    },
    Cause {
        id: "required-in-the-app",
        title: "the app requires an attribute that this person lacks in the identity provider",
        families: &[(F::Create, 3), (F::Update, 6)],
        fix: "Name the missing attribute in `detail`, so that the admin reads it.",
        workaround: "Compare the person's profile with the app's required fields; map a default.",
        source: ENTRA,
        by_hand: Some(
            "read the server's own words behind \"Errors reported by remote server\": is there a field that other people have and this person has not?",
        ),
        ..Cause::BASE
    },
    // ------------------------------------------------------------ conflict
    Cause {
        id: "duplicate-not-refused-as-conflict",
        title: "a create of somebody who exists is not answered 409",
        families: &[(F::Conflict, 8), (F::Create, 4)],
        signs: &[
            sign("okta/create-conflict", "create-again", "create/duplicate-wrong-status"),
            sign("okta/create-conflict", "create-again", "create/duplicate-accepted"),
            sign("okta/create-conflict", "create-again", "error/server-error"),
        ],
        fix: "Answer 409 with scimType uniqueness when userName is taken, without regard to case.",
        workaround: "Look for a second account of the person in the app and remove the one that is not linked.",
        source: "RFC 7644 §3.3",
        provoked_by: &["create-duplicate-returns-400", "create-duplicate-returns-500", "create-duplicate-accepted"],
        ..Cause::BASE
    },
    Cause {
        id: "taken-by-hand",
        title: "the name belongs to an account that was made by hand or by sign-on and that SCIM does not show",
        families: &[(F::Conflict, 9)],
        fix: "Show every account of the tenant through SCIM, also those made by sign-on, by invitation or by hand.",
        workaround: "Find the account with this login or e-mail in the app; delete it or make it match, then assign again.",
        source: OKTA,
        by_hand: Some(
            "search the app's own user list, with invited and disabled people, for the login and the e-mail address",
        ),
        ..Cause::BASE
    },
    // ------------------------------------------------------------ update
    Cause {
        id: "put-refused",
        title: "a PUT of the whole profile as it was read is refused",
        families: &[(F::Update, 2)],
        signs: &[
            sign("okta/profile-update", "*", "put/valid-request-refused"),
            sign("okta/profile-update", "*", "error/server-error"),
        ],
        fix: "Take back what GET gave: ignore readOnly attributes (id, meta, groups), and do not count the account itself as a conflict.",
        workaround: RETRY,
        source: "RFC 7644 §3.5.1",
        provoked_by: &["put-read-body-rejected", "put-own-username-409"],
        ..Cause::BASE
    },
    Cause {
        id: "cleared-value-refused",
        title: "a value that was cleared (null, empty text, or left out) is refused",
        families: &[(F::Update, 3)],
        signs: &[
            sign("okta/clear-attributes", "*", "put/valid-request-refused"),
            sign("okta/clear-attributes", "*", "error/server-error"),
            sign("entra/patch-clear", "*", "patch/null-value-refused"),
            sign("entra/patch-clear", "*", "error/server-error"),
        ],
        but_not: &[
            sign("okta/profile-update", "*", "put/valid-request-refused"),
            sign("okta/profile-update", "*", "put/not-supported"),
        ],
        fix: "Read null as \"no value\" (RFC 7643 §2.5) wherever a value may be absent.",
        workaround: "Map a default value, so that nothing empty is sent.",
        source: "RFC 7643 §2.5; public reports on clearing attributes",
        provoked_by: &["put-null-attribute-500", "patch-null-value-500"],
        ..Cause::BASE
    },
    Cause {
        id: "patch-form-refused",
        title: "a form of PATCH that the identity provider sends is refused",
        families: &[(F::Update, 4)],
        signs: &[
            sign("entra/patch-missing-work-email", "*", "patch/value-path-not-created"),
            sign("entra/patch-extension", "*", "patch/urn-path-refused"),
            sign("entra/patch-flag-dotted-keys", "*", "patch/dotted-key-refused"),
            sign("entra/patch-flag-dotted-keys", "*", "patch/pathless-refused"),
            sign("entra/patch-flag-dotted-keys", "*", "error/server-error"),
            sign("entra/patch-clear", "*", "patch/op-case-refused"),
            sign("entra/patch-clear", "*", "patch/valid-request-refused"),
            sign("entra/patch-clear", "*", "patch/not-supported"),
            sign("entra/manager", "*", "patch/bare-manager-refused"),
        ],
        explains: &["cleared-value-refused"],
        fix: "Accept op in any case, operations without a path, paths with a schema URN, dotted keys, and value filters that match nothing yet (create the value).",
        workaround: "In Entra, remove the mapping of the attribute named in the log, or try the flag aadOptscim062020.",
        source: "RFC 7644 §3.5.2; Microsoft, SCIM compatibility notes",
        provoked_by: &[
            "patch-value-path-no-match-400",
            "patch-urn-path-rejected",
            "patch-dotted-key-rejected",
            "patch-only-active-supported",
            "patch-manager-string-rejected",
            "patch-capitalized-op-rejected",
            "patch-users-405",
        ],
        ..Cause::BASE
    },
    Cause {
        id: "update-not-applied",
        title: "an update is answered with success and not applied",
        families: &[(F::Update, 5)],
        signs: &[
            sign("okta/profile-update", "*", "put/change-not-applied"),
            sign("okta/username-change", "*", "put/change-not-applied"),
            sign("okta/profile-update", "*", "read/write-answer-not-kept"),
        ],
        fix: "Apply what was sent, or refuse it; never answer success for a change that was dropped.",
        workaround: "Compare both profiles by hand; the identity provider believes the change was made.",
        source: "RFC 7644 §3.5.1",
        provoked_by: &["put-ignored", "put-username-ignored"],
        ..Cause::BASE
    },
    // ------------------------------------------------------------ deactivation
    Cause {
        id: "deactivation-ignored",
        title: "a deactivation is answered with success, and the account stays active",
        families: &[(F::Deactivate, 1)],
        signs: &[
            sign("okta/deactivate-user", "deactivate", "patch/active-not-applied"),
            sign("okta/deactivate-user", "deactivate-whole", "deactivate/put-not-applied"),
            sign("entra/disable-user", "disable", "patch/active-not-applied"),
            sign("entra/disable-user", "disable-boolean", "patch/active-not-applied"),
        ],
        fix: "Apply `active` from PUT and from PATCH with and without a path, and read the text \"False\" as false.",
        workaround: "Switch the accounts of people who left off by hand, today: the identity provider will not try again.",
        source: "RFC 7644 §3.5.2; Microsoft sends \"False\" as text",
        provoked_by: &[
            "patch-active-ignored",
            "put-active-false-ignored",
            "patch-string-false-is-true",
            "patch-pathless-ignored",
        ],
        ..Cause::BASE
    },
    Cause {
        id: "deactivation-refused",
        title: "the form in which the deactivation is sent is refused",
        families: &[(F::Deactivate, 2), (F::Reactivate, 7)],
        signs: &[
            sign("okta/deactivate-user", "deactivate", "patch/pathless-refused"),
            sign("okta/deactivate-user", "deactivate", "patch/not-supported"),
            sign("okta/deactivate-user", "deactivate", "patch/valid-request-refused"),
            sign("okta/deactivate-user", "deactivate", "error/server-error"),
            sign("okta/deactivate-user", "deactivate-whole", "put/valid-request-refused"),
            sign("entra/disable-user", "disable", "patch/text-boolean-refused"),
            sign("entra/disable-user", "disable", "patch/op-case-refused"),
            sign("entra/disable-user", "disable", "error/server-error"),
            sign("entra/disable-user", "disable-boolean", "patch/not-supported"),
        ],
        but_not: &[sign("entra/disable-user", "disable", "error/refused-but-changed")],
        explains: &["reactivation-refused"],
        fix: "Accept {\"op\":\"replace\",\"value\":{\"active\":false}} without a path (Okta), and {\"op\":\"Replace\",\"path\":\"active\",\"value\":\"False\"} with the text (Entra).",
        workaround: "Switch the accounts off by hand; in Entra, add the flag aadOptscim062020 to the tenant URL, which sends a Boolean.",
        source: "RFC 7644 §3.5.2; Okta and Microsoft documentation",
        provoked_by: &[
            "patch-pathless-500",
            "patch-string-boolean-500",
            "patch-users-405",
            "patch-capitalized-op-rejected",
        ],
        ..Cause::BASE
    },
    Cause {
        id: "list-shows-old-status",
        title: "lists and look-ups show another `active` than the account itself",
        families: &[(F::Deactivate, 7)],
        signs: &[
            sign("okta/deactivate-user", "look-up-inactive", "deactivate/list-shows-old-status"),
            sign("entra/disable-user", "match-disabled", "deactivate/list-shows-old-status"),
        ],
        fix: "Take `active` in lists from the same place as in GET by id.",
        workaround: "Trust the account's own page in the app, not the list.",
        source: "RFC 7643 §4.1.1",
        provoked_by: &["list-reports-stale-active"],
        ..Cause::BASE
    },
    Cause {
        id: "reactivation-refused",
        title: "the reactivation is refused or has no effect, while the deactivation works",
        families: &[(F::Reactivate, 8)],
        signs: &[
            sign("okta/deactivate-user", "reactivate", "patch/active-not-applied"),
            sign("okta/deactivate-user", "reactivate", "patch/pathless-refused"),
            sign("okta/deactivate-user", "reactivate", "patch/valid-request-refused"),
            sign("okta/deactivate-user", "reactivate-whole", "deactivate/put-not-applied"),
            sign("okta/deactivate-user", "reactivate-whole", "put/valid-request-refused"),
        ],
        but_not: &[
            sign("okta/deactivate-user", "deactivate", "patch/pathless-refused"),
            sign("okta/deactivate-user", "deactivate", "patch/active-not-applied"),
            sign("okta/deactivate-user", "deactivate-whole", "put/valid-request-refused"),
        ],
        fix: "Apply `active: true` in the same way as `active: false`.",
        workaround: "Switch the account on in the app by hand.",
        source: OKTA,
        provoked_by: &["reactivation-ignored", "patch-active-true-rejected"],
        ..Cause::BASE
    },
    // ------------------------------------------------------------ groups
    Cause {
        id: "groups-not-offered",
        title: "groups, or PATCH of groups, are not offered",
        families: &[(F::Group, 1), (F::Membership, 2)],
        signs: &[
            sign("okta/group-push-rename", "*", "patch/not-supported"),
            sign("okta/group-push-members", "*", "patch/not-supported"),
            sign("okta/group-push-rename", "*", "put/not-supported"),
        ],
        fix: "Offer POST, GET, PATCH, PUT and DELETE of /Groups.",
        workaround: "Assign people one by one; pushing groups cannot work.",
        source: "RFC 7644 §3.2; Okta pushes group changes by PATCH",
        provoked_by: &["patch-groups-405"],
        ..Cause::BASE
    },
    Cause {
        id: "group-create-refused",
        title: "a valid group as the identity provider sends it is refused",
        families: &[(F::Group, 2)],
        signs: &[
            sign("okta/group-push-empty", "*", "create/valid-group-refused"),
            sign("okta/group-push-empty", "*", "error/server-error"),
            sign("entra/group-create", "*", "create/legacy-group-schema-refused"),
            sign("entra/group-create", "*", "create/valid-group-refused"),
            sign("okta/group-push-rename", "*", "create/valid-group-refused"),
            sign("entra/group-create-plain", "*", "error/server-error"),
        ],
        fix: "Take groups with `members: []` and without members, with externalId, and with further schema URNs.",
        workaround: "Push groups that have at least one member.",
        source: "RFC 7643 §4.2; Okta creates groups empty, Entra names an own schema URN",
        provoked_by: &[
            "create-group-legacy-schema-rejected",
            "group-create-without-members-400",
            "group-create-empty-members-500",
        ],
        ..Cause::BASE
    },
    Cause {
        id: "group-rename-fails",
        title: "a rename of a group is refused or not applied",
        families: &[(F::Group, 3)],
        signs: &[
            sign("okta/group-push-rename", "*", "patch/own-id-refused"),
            sign("okta/group-push-rename", "*", "patch/pathless-refused"),
            sign("okta/group-push-rename", "*", "group/rename-not-applied"),
            sign("okta/group-push-rename", "*", "patch/valid-request-refused"),
            sign("okta/group-push-rename", "*", "identity/old-name-not-released"),
            sign("entra/group-rename", "*", "group/rename-not-applied"),
            sign("entra/group-rename", "*", "patch/op-case-refused"),
            sign("entra/group-rename", "*", "patch/valid-request-refused"),
        ],
        but_not: &[sign("okta/group-push-rename", "*", "patch/not-supported")],
        fix: "Accept {\"op\":\"replace\",\"value\":{\"id\":…,\"displayName\":…}} without a path, ignore the id in it if it is the group's own, and keep the members.",
        workaround: "Unlink the pushed group and push it anew under the new name.",
        source: "RFC 7644 §3.5.2.3; Okta's captured group push",
        provoked_by: &["group-rename-pathless-multi-rejected", "group-rename-ignored"],
        ..Cause::BASE
    },
    Cause {
        id: "group-deleted-in-app",
        title: "the pushed group was deleted or renamed in the app by hand",
        families: &[(F::Group, 4)],
        fix: "Do not let people in the app delete groups that are pushed, or show them as managed.",
        workaround: "Unlink the group in Push Groups (leave it in the app) and push it again.",
        source: OKTA,
        by_hand: Some("look for the group in the app: is it there, under the same id as the push mapping's?"),
        ..Cause::BASE
    },
    Cause {
        id: "rename-empties-group",
        title: "a rename empties the group",
        families: &[(F::Membership, 3), (F::Group, 5)],
        signs: &[
            sign("okta/group-push-rename", "*", "group/members-changed-by-other-write"),
            sign("entra/group-rename", "*", "group/members-changed-by-other-write"),
        ],
        fix: "A PATCH changes what it names and nothing else.",
        workaround: "Push the members again after each rename (Push Now).",
        source: "RFC 7644 §3.5.2.3",
        provoked_by: &["group-rename-clears-members"],
        ..Cause::BASE
    },
    Cause {
        id: "member-change-refused",
        title: "a valid change of members is refused",
        families: &[(F::Membership, 4)],
        signs: &[
            sign("okta/group-push-members", "*", "group/member-change-refused"),
            sign("okta/group-push-members", "*", "group/redundant-change-refused"),
            sign("okta/group-push-rename", "*", "group/redundant-change-refused"),
            sign("okta/group-push-rename", "*", "group/member-change-refused"),
            sign("entra/group-members-legacy", "*", "group/member-change-refused"),
            sign("entra/group-members-legacy", "*", "group/remove-with-value-refused"),
            sign("entra/group-members-retried", "*", "group/redundant-change-refused"),
        ],
        but_not: &[sign("okta/group-push-members", "*", "patch/not-supported")],
        fix: "Accept several members at once, members without display or type, members that are there already, removal of those who are not, and Entra's removal with a value list.",
        workaround: RETRY,
        source: "RFC 7644 §3.5.2.1, §3.5.2.2; Okta writes the list twice",
        provoked_by: &[
            "group-add-existing-member-409",
            "group-multi-member-add-rejected",
            "group-member-display-required",
            "group-remove-value-list-rejected",
        ],
        ..Cause::BASE
    },
    Cause {
        id: "member-change-wrong",
        title: "a change of members is answered with success, and other members than those named are changed, or none",
        families: &[(F::Membership, 5)],
        signs: &[
            sign("okta/group-push-members", "*", "group/add-replaces-members"),
            sign("okta/group-push-members", "*", "group/member-not-added"),
            sign("okta/group-push-rename", "*", "group/member-not-removed"),
            sign("okta/group-push-rename", "*", "group/add-replaces-members"),
            sign("okta/group-push-rename", "*", "group/remove-takes-other-members"),
            sign("okta/group-push-rename", "*", "group/member-not-added"),
            sign("entra/group-members-legacy", "*", "group/remove-takes-other-members"),
            sign("entra/group-members-legacy", "*", "group/member-not-removed"),
            sign("entra/group-members-legacy", "*", "group/add-replaces-members"),
            sign("entra/group-members-legacy", "*", "group/member-not-added"),
        ],
        fix: "add adds, remove takes only the members named (by filter in the path or by value list), replace sets the list.",
        workaround: "Compare the group's members on both sides and push them anew; the log shows success.",
        source: "RFC 7644 §3.5.2",
        provoked_by: &[
            "group-add-member-replaces",
            "group-remove-value-list-clears-all",
            "group-remove-value-list-ignored",
            "group-remove-filter-path-ignored",
            "group-add-only-first-member",
        ],
        ..Cause::BASE
    },
    Cause {
        id: "group-delete-fails",
        title: "a pushed group cannot be deleted",
        families: &[(F::Group, 6)],
        signs: &[
            sign("okta/group-push-rename", "*", "delete/status-not-204"),
            sign("okta/group-push-rename", "*", "delete/still-there"),
            sign("okta/group-bulk-unlink", "*", "delete/status-not-204"),
            sign("okta/group-push-rename", "unlink-delete", NOT_FOUND),
        ],
        fix: "Answer DELETE /Groups/{id} with 204, also while the group has members.",
        workaround: "Unlink the group and leave it in the app; delete it there by hand.",
        source: "RFC 7644 §3.6",
        provoked_by: &["group-delete-404"],
        ..Cause::BASE
    },
    Cause {
        id: "group-look-up-wrong",
        title: "a group is not found by its name, or others are",
        families: &[(F::Group, 7)],
        signs: &[
            sign("okta/group-link", "*", "filter/non-match-returned"),
            sign("okta/group-link", "*", "filter/match-missing"),
            sign("rfc/filter-groups", "eq", "filter/non-match-returned"),
        ],
        fix: "Evaluate `displayName eq` on groups as a whole value.",
        workaround: "Link groups by hand in Push Groups.",
        source: "RFC 7644 §3.4.2.2",
        provoked_by: &["filter-groups-ignored"],
        ..Cause::BASE
    },
    // ------------------------------------------------------------ import
    Cause {
        id: "import-crashes",
        title: "a list is refused or crashes",
        families: &[(F::Import, 1)],
        signs: &[
            sign("okta/import-users", "*", "error/server-error"),
            sign("okta/import-users", "*", "list/valid-request-refused"),
            sign("okta/import-groups", "*", "error/server-error"),
            sign("entra/paging", "*", "error/server-error"),
        ],
        fix: "Serve every page that startIndex and count ask for; one odd record must not break the list.",
        workaround: "Find the record that the server's log names.",
        source: "RFC 7644 §3.4.2.4",
        provoked_by: &["list-past-end-404"],
        ..Cause::BASE
    },
    Cause {
        id: "import-misses-people",
        title: "pages overlap, repeat or miss people, or the total is wrong",
        families: &[(F::Import, 2)],
        signs: &[
            sign("okta/import-users", "*", "list/pages-disagree"),
            sign("okta/import-users", "*", "list/same-id-twice"),
            sign("okta/import-users", "*", "list/empty-page-before-end"),
            sign("okta/import-users", "small-page-1", "list/total-wrong"),
            sign("okta/import-users", "*", "list/start-index-wrong"),
            sign("okta/import-users", "*", "list/count-exceeded"),
            sign("okta/import-users", "*", "list/total-wrong"),
        ],
        fix: "Sort lists by something that does not change, count startIndex from 1, and give the total of all matches.",
        workaround: "Raise Okta's import safeguard rather than switching it off: people missing from the pages count as removed.",
        source: "RFC 7644 §3.4.2.4; Okta import",
        provoked_by: &[
            "list-startindex-ignored",
            "list-second-page-empty",
            "list-totalresults-is-page-count",
            "list-pages-overlap",
        ],
        ..Cause::BASE
    },
    Cause {
        id: "import-hides-inactive",
        title: "lists leave people out who are there, inactive ones most often",
        families: &[(F::Import, 3)],
        signs: &[
            sign("okta/import-users", "*", "list/resource-missing"),
            sign("okta/import-users", "page", "scenario/unexpected-answer"),
        ],
        but_not: &[
            sign("okta/import-users", "*", "list/pages-disagree"),
            sign("okta/import-users", "*", "list/same-id-twice"),
            sign("okta/import-users", "*", "list/empty-page-before-end"),
        ],
        explains: &["import-misses-people"],
        fix: "List every account that GET by id serves, inactive ones with `active: false`.",
        workaround: "None needed unless people are to be matched again: those who are hidden count as removed.",
        source: OKTA,
        provoked_by: &["list-hides-inactive-users"],
        ..Cause::BASE
    },
    // ------------------------------------------------------------ unreadable answers
    Cause {
        id: "list-envelope-wrong",
        title: "lists are no ListResponse with whole numbers",
        families: &[(F::Unreadable, 1), (F::Import, 4), (F::Access, 5)],
        signs: &[
            sign("okta/connection-test", "*", "list/envelope-wrong"),
            sign("okta/connection-test", "*", "list/total-not-integer"),
        ],
        fix: "Answer lists with schemas, totalResults, startIndex, itemsPerPage as whole numbers, and Resources.",
        workaround: "None: Okta shows only \"Sync user in external application FAILURE\", without a reason.",
        source: "RFC 7644 §3.4.2; public report on numbers as text",
        provoked_by: &["list-bare-array", "list-totalresults-string"],
        ..Cause::BASE
    },
    Cause {
        id: "attribute-shape-wrong",
        title: "an attribute has another shape than its schema says",
        families: &[(F::Unreadable, 2)],
        signs: &[
            sign("entra/create-full-body", "*", "schema/boolean-as-text"),
            sign("entra/create-full-body", "*", "schema/multi-valued-shape"),
            sign("entra/create-user", "*", "create/value-altered"),
            sign("entra/create-user", "*", "scenario/unexpected-answer"),
            sign("entra/create-full-body", "*", "create/value-altered"),
            sign("entra/create-full-body", "*", "create/attribute-not-stored"),
            sign("entra/create-full-body", "*", "scenario/unexpected-answer"),
            sign("entra/manager", "*", "scenario/unexpected-answer"),
        ],
        but_not: &[sign("entra/create-user", "*", NOT_FOUND), sign("entra/create-user", "*", LIST_ID)],
        fix: "Give Booleans as Booleans, `emails` as a list of objects, `manager` as an object with a value, and leave out what has no value.",
        workaround: "None: Entra cannot read the account and puts it aside.",
        source: ENTRA,
        provoked_by: &["active-as-string", "emails-returned-as-strings"],
        ..Cause::BASE
    },
    Cause {
        id: "errors-not-scim",
        title: "errors are no SCIM errors, so the admin cannot read what is wrong",
        families: &[(F::Unreadable, 3)],
        signs: &[
            sign("okta/create-conflict", "*", "error/body-not-scim"),
            sign("okta/create-conflict", "*", "headers/json-invalid"),
            sign("okta/create-conflict", "*", "error/detail-not-text"),
            sign("okta/create-conflict", "*", "headers/content-type-wrong"),
        ],
        fix: "Answer errors as urn:ietf:params:scim:api:messages:2.0:Error with status as text and a detail in plain words.",
        workaround: "Read the server's own log at the time of the failure.",
        source: "RFC 7644 §3.12",
        provoked_by: &["error-html-page", "error-plain-text", "error-detail-object"],
        ..Cause::BASE
    },
    // ------------------------------------------------------------ too slow
    Cause {
        id: "throttling-without-wait",
        title: "the server refuses for being busy, without saying how long to wait",
        families: &[(F::Busy, 1)],
        signs: &[
            sign("okta/rate-limit", "*", "limit/never-lets-through"),
            sign("okta/rate-limit", "*", "limit/wait-not-in-seconds"),
            sign("okta/rate-limit", "*", "error/server-error"),
            sign("entra/throttling", "*", "scenario/unexpected-answer"),
            sign("entra/throttling", "*", "error/server-error"),
        ],
        fix: "Answer 429 with Retry-After, and let at least 25 requests a second through for an identity provider.",
        workaround: "Lower the number of people assigned at once; Okta retries ten times with growing waits.",
        source: "RFC 6585 §4; Microsoft asks for 25 requests a second",
        ..Cause::BASE
    },
    Cause {
        id: "slow-at-scale",
        title: "an answer takes longer than the identity provider waits (Okta: 60 seconds)",
        families: &[(F::Busy, 2), (F::Import, 5)],
        fix: "Look at the slowest calls: filters without an index, groups read with all members, lists counted anew for each page.",
        workaround: "Push large groups in parts.",
        source: "Okta: \"Read timed out\" in group push",
        by_hand: Some(
            "it shows with the amount of data of the real tenant only: look for answers over 30 seconds in the server's access log, mostly groups with many members",
        ),
        ..Cause::BASE
    },
];
