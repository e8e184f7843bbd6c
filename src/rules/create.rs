//! Create (RFC 7644 §3.3): what is valid is created once, as sent, and the answer says where.

use super::refusal::{detail_of, written_name};
use super::rule::{Finding, Impact, Level, Rule, Verdict, refusal_rule, state_rule};
use super::view::{Past, View, short};
use crate::scim::value::{get_ci, value_ci};
use crate::shadow::{Call, Op, Reason, State, name_attribute};
use serde_json::{Map, Value};

/// Rules of this area.
pub static RULES: &[Rule] = &[
    Rule {
        id: "create/status-not-201",
        title: "A successful create answers with a status other than 201",
        spec: "RFC 7644 §3.3",
        level: Level::Must,
        clash: false,
        impact: Impact::CreateFails,
        breaks: &["okta"],
        requirements: &["create-201"],
        explain: "A create that succeeded answers 201 Created. Okta's tests insist on it; with 202 or 204 there is no resource to link to.",
        hint: "Answer 201 with the resource and a Location header.",
        wrong: "POST /Users → 200",
        right: "POST /Users → 201",
        proven_by: &["create-answers-200", "create-incomplete-202"],
        check: status_not_201,
    },
    Rule {
        id: "create/answer-without-id",
        title: "The answer to a create carries no usable `id`",
        spec: "RFC 7643 §3.1; RFC 7644 §3.3; Okta: \"Create new user returned empty user.\"",
        level: Level::Must,
        clash: false,
        impact: Impact::UserNotFound,
        breaks: &[],
        requirements: &["res-id-present", "create-body", "okta-create-payload"],
        explain: "The identity provider stores the `id` of this answer and uses it for every later request. Without it the account exists and can never be updated or switched off.",
        hint: "Return the whole resource with its `id` as a non-empty string.",
        wrong: "POST /Users → 201 {\"userName\":\"a@example.com\"}",
        right: "POST /Users → 201 {\"id\":\"2819c223\",\"userName\":\"a@example.com\", …}",
        proven_by: &["extension-number-201-empty", "create-response-empty-id", "create-201-empty-object"],
        check: answer_without_id,
    },
    Rule {
        id: "create/answer-empty",
        title: "The answer to a create has no body",
        spec: "RFC 7644 §3.3; Okta and Entra read the body",
        level: Level::Idp,
        clash: false,
        impact: Impact::UserNotFound,
        breaks: &["okta", "entra"],
        requirements: &["create-body"],
        explain: "By the RFC the body SHOULD be there; Okta and Entra both take the `id` from it.",
        hint: "Return the whole resource.",
        wrong: "POST /Users → 201 with an empty body",
        right: "POST /Users → 201 {\"id\": …}",
        proven_by: &["create-without-body"],
        check: answer_empty,
    },
    Rule {
        id: "create/location-missing",
        title: "The 201 has no Location header",
        spec: "RFC 7644 §3.3",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["create-location-header"],
        explain: "The URI of the new resource shall be in the Location header and in `meta.location`.",
        hint: "Send `Location: {base}/Users/{id}`.",
        wrong: "POST /Users → 201 without Location",
        right: "Location: https://scim.example.com/v2/Users/2819c223",
        proven_by: &["create-duplicate-returns-existing", "create-without-location"],
        check: location_missing,
    },
    Rule {
        id: "create/location-wrong",
        title: "Location does not name the new resource",
        spec: "RFC 7644 §3.3; RFC 7643 §3.1",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["create-location-equals-meta", "meta-location-resolves"],
        explain: "The Location header and `meta.location` must be the same and end in the id of the new resource.",
        hint: "Build both from the same function.",
        wrong: "id 2819, Location …/Users/1",
        right: "id 2819, Location …/Users/2819",
        proven_by: &["create-location-of-collection", "meta-location-wrong-id", "location-header-without-tenant"],
        check: location_wrong,
    },
    Rule {
        id: "create/duplicate-accepted",
        title: "A create of a userName that is taken answers success",
        spec: "RFC 7643 §4.1.1; RFC 7644 §3.3",
        level: Level::Must,
        clash: false,
        impact: Impact::DuplicateCreated,
        breaks: &[],
        requirements: &["create-duplicate-409", "create-duplicate-case", "create-duplicate-concurrent"],
        explain: "`userName` is unique without regard to case. With two accounts of one name the identity provider's look-up finds both and links to the wrong one, or to none. A server that answers with the account that is there lets it believe that it has made one.",
        hint: "Keep a unique index over the lower-cased userName.",
        wrong: "POST Case.A@example.com → 201\nPOST case.a@example.com → 201",
        right: "second POST → 409 uniqueness",
        proven_by: &[
            "create-duplicate-case-variant-accepted",
            "create-duplicate-accepted",
            "create-repeated-clears",
            "create-duplicate-returns-existing",
        ],
        check: duplicate_accepted,
    },
    Rule {
        id: "create/refused-but-created",
        title: "A create is refused, and the resource is there all the same",
        spec: "RFC 7644 §3.3, §3.12",
        level: Level::Must,
        clash: false,
        impact: Impact::CreateFails,
        breaks: &[],
        requirements: &["create-refused-leaves-nothing"],
        explain: "The answer says that the request failed, and a look-up finds a resource of the name that was sent. The identity provider has no id for it; its next try is refused as a duplicate, for ever.",
        hint: "Validate before you store, or do both in one transaction.",
        wrong: "POST /Groups with an unknown member → 400\nGET /Groups?filter=displayName eq \"team\" → 1",
        right: "→ 0",
        proven_by: &["group-refused-create-stays", "user-refused-create-stays"],
        check: refused_but_created,
    },
    Rule {
        id: "create/duplicate-wrong-status",
        title: "A duplicate is refused with a status other than 409",
        spec: "RFC 7644 §3.3, §3.12",
        level: Level::Must,
        clash: false,
        impact: Impact::CreateFails,
        breaks: &[],
        requirements: &["create-duplicate-409", "entra-duplicate-409", "okta-create-duplicate-409"],
        explain: "409 tells the identity provider that the person is known; 400 says that the request is wrong, and it gives up.",
        hint: "Answer 409 with scimType uniqueness.",
        wrong: "second POST → 400",
        right: "second POST → 409",
        proven_by: &[
            "patch-name-conflict-400",
            "create-duplicate-returns-400",
            "duplicate-name-and-email-400",
            "put-name-conflict-400",
            "email-taken-400",
        ],
        check: duplicate_wrong_status,
    },
    Rule {
        id: "create/duplicate-without-scimtype",
        title: "The 409 for a duplicate has no scimType `uniqueness`",
        spec: "RFC 7644 §3.3, Table 9",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["create-duplicate-scimtype"],
        explain: "The error for a value that is taken carries scimType `uniqueness`, so that a client can tell it from other conflicts.",
        hint: "Add \"scimType\": \"uniqueness\".",
        wrong: "409 {\"status\":\"409\",\"detail\":\"exists\"}",
        right: "409 {\"status\":\"409\",\"scimType\":\"uniqueness\",\"detail\":\"userName is taken\"}",
        proven_by: &["error-409-without-scimtype", "error-scim1-shape", "error-scimtype-capitalised"],
        check: duplicate_without_scimtype,
    },
    Rule {
        id: "create/foreign-schemas-accepted",
        title: "A resource whose `schemas` names something else is accepted",
        spec: "RFC 7643 §3; RFC 7644 §3.12, Table 9",
        level: Level::Should,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["create-foreign-schemas-refused"],
        explain: "`schemas` says what a resource is. A body that names the schema of a group, or one that nobody knows, and not that of the endpoint, is a mistake of the client; a server that takes it stores what it does not understand.",
        hint: "Compare `schemas` with the endpoint's resource type, and refuse what has nothing of it with 400 invalidValue or invalidSyntax.",
        wrong: "POST /Users {\"schemas\":[\"urn:example:nothing\"],\"userName\":\"a\"} → 201",
        right: "→ 400",
        proven_by: &["create-foreign-schema-accepted"],
        check: foreign_schemas,
    },
    Rule {
        id: "create/conflict-without-duplicate",
        title: "A create is refused with 409 although nobody holds the name",
        spec: "RFC 7644 §3.3; RFC 7643 §4.1",
        level: Level::Idp,
        clash: false,
        impact: Impact::CreateFails,
        breaks: &[],
        requirements: &["create-duplicate-409", "res-externalid-not-unique"],
        explain: "Only `userName` and `id` are unique in the core schema. E-mail addresses, display names and externalId may be shared, and identity providers send people who share them; a conflict that is not about the name is repeated for ever. A server may hold more values unique, but then its schema says so.",
        hint: "Check uniqueness on userName only (and within the tenant), or declare `uniqueness: server` for what else you hold unique.",
        wrong: "two users, different userName, same e-mail → 409 on the second",
        right: "→ 201",
        proven_by: &[
            "create-refused-after-conflict",
            "create-conflict-on-shared-email",
            "cross-tenant-uniqueness",
            "names-collide-without-marks",
            "phone-number-unique",
            "create-empty-external-id-409",
            "external-id-of-other-type-409",
        ],
        check: refusal_rule!("create/conflict-without-duplicate"),
    },
    Rule {
        id: "create/valid-user-refused",
        title: "A valid user is refused",
        spec: "RFC 7644 §3.3; RFC 7643 §4.1, §2.5",
        level: Level::Must,
        clash: false,
        impact: Impact::CreateFails,
        breaks: &[],
        requirements: &[
            "create-minimal-user",
            "create-full-user",
            "create-readonly-ignored",
            "data-null-equals-unset",
            "create-groups-empty",
            "create-meta-resourcetype",
            "create-password-accepted",
            "data-attr-names-ci",
        ],
        explain: "The body is right by the RFC and by the target's own schema. Only `userName` is required; read-only attributes sent by a client are ignored; null means \"not set\"; e-mail addresses may hold a plus sign; names, e-mails and externalId may be missing.",
        hint: "Need nothing but userName (or declare more as required in /Schemas); ignore id, meta and groups; take null as absent.",
        wrong: "POST {\"schemas\":[User],\"userName\":\"a+b@example.com\"} → 400",
        right: "→ 201",
        proven_by: &[
            "create-manager-rejected",
            "manager-without-value-400",
            "create-password-required",
            "create-rejects-plus-address",
            "create-requires-externalid",
            "create-requires-name",
            "create-with-meta-rejected",
            "create-case-variant-names-ignored",
            "create-rejects-unicode",
            "create-locale-required",
            "create-null-400",
            "create-case-variant-names-400",
            "address-null-part-400",
            "create-inactive-400",
            "emails-several-400",
            "external-id-needs-schema-400",
            "phone-local-number-400",
            "phone-tel-uri-400",
            "address-primary-400",
            "blank-family-name-400",
            "create-email-required-400",
        ],
        check: refusal_rule!("create/valid-user-refused"),
    },
    Rule {
        id: "create/not-supported",
        title: "Creating is not available: POST on the endpoint is refused as such",
        spec: "RFC 7644 §3.2 Table 2, §3.3; Okta and Entra: create",
        level: Level::Idp,
        clash: false,
        impact: Impact::CreateFails,
        breaks: &[],
        requirements: &["create-201"],
        explain: "POST answers 405 or 501, whatever the body is. A server may be there to be read only; an identity provider that provisions has nothing to do with it then.",
        hint: "Offer POST on the endpoint, or say in the documentation that nobody can be provisioned.",
        wrong: "POST /Users → 405",
        right: "POST /Users → 201",
        proven_by: &["create-users-405"],
        check: refusal_rule!("create/not-supported"),
    },
    Rule {
        id: "create/valid-group-refused",
        title: "A valid group is refused",
        spec: "RFC 7644 §3.3; RFC 7643 §4.2",
        level: Level::Must,
        clash: false,
        impact: Impact::GroupPushFails,
        breaks: &[],
        requirements: &["group-create", "group-create-empty", "group-create-members"],
        explain: "`displayName` is enough; `members` may be missing, empty or hold known users.",
        hint: "The detail says what was minded: a group needs no members, `display` and other parts of a member may be passed over.",
        wrong: "POST /Groups {\"displayName\":\"team\",\"members\":[]} → 400",
        right: "→ 201",
        proven_by: &[
            "group-name-dot-400",
            "group-member-ref-required",
            "request-scim-json-body-ignored",
            "group-create-without-members-400",
        ],
        check: refusal_rule!("create/valid-group-refused"),
    },
    Rule {
        id: "create/enterprise-extension-refused",
        title: "A user with the enterprise extension is refused",
        spec: "RFC 7643 §4.3, §3.3; Entra: default mapping",
        level: Level::Idp,
        clash: false,
        impact: Impact::CreateFails,
        breaks: &["entra", "okta"],
        requirements: &["create-enterprise-user", "entra-create-payload"],
        explain: "Entra always names the enterprise extension in `schemas`; Okta does as soon as one of its attributes has a value. A server that does not know it must ignore it.",
        hint: "Accept the URN in `schemas`; store its attributes or ignore them.",
        wrong: "POST {\"schemas\":[User, Enterprise], …} → 400",
        right: "→ 201",
        proven_by: &["create-enterprise-extension-rejected"],
        check: refusal_rule!("create/enterprise-extension-refused"),
    },
    Rule {
        id: "create/legacy-group-schema-refused",
        title: "Entra's group create with its second, legacy schema URN is refused",
        spec: "Entra: Create Group",
        level: Level::Idp,
        clash: false,
        impact: Impact::GroupPushFails,
        breaks: &["entra"],
        requirements: &["group-create"],
        explain: "Entra names `http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group` next to the core Group schema on every group create.",
        hint: "Ignore schema URNs that you do not know, as long as the core one is there.",
        wrong: "POST /Groups {\"schemas\":[Group, \"http://schemas.microsoft.com/2006/11/…/Group\"], …} → 400",
        right: "→ 201",
        proven_by: &["create-group-legacy-schema-rejected"],
        check: refusal_rule!("create/legacy-group-schema-refused"),
    },
    Rule {
        id: "create/undeclared-attribute-refused",
        title: "An attribute that the server does not declare makes it refuse the request",
        spec: "RFC 7644 §3.3 (may be ignored); IETF interop draft §5.3 (must be refused)",
        level: Level::Idp,
        clash: true,
        impact: Impact::CreateFails,
        breaks: &[
            "okta",
            "entra",
            "onelogin",
            "authentik",
            "keycloak",
            "jumpcloud",
            "pingone",
            "pingfederate",
            "rippling",
        ],
        requirements: &["data-unknown-attr"],
        explain: "The texts differ, so this is a note, until an identity provider is chosen. In practice a strict server breaks provisioning: identity providers send what their mapping holds.",
        hint: "Ignore what you do not know.",
        wrong: "POST {…,\"nickName\":\"al\"} → 400 invalidSyntax",
        right: "→ 201 without it",
        proven_by: &["unknown-part-400", "create-unknown-attribute-rejected"],
        check: refusal_rule!("create/undeclared-attribute-refused"),
    },
    Rule {
        id: "create/attribute-not-stored",
        title: "An attribute of an accepted create is not there when the resource is read",
        spec: "RFC 7643 §7 (returned default); Okta and Entra: create (RFC 7644 §3.3 lets a server ignore posted content)",
        level: Level::Idp,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &[
            "create-get-after",
            "returned-default",
            "data-extension-roundtrip",
            "data-extension-container",
            "create-full-user",
        ],
        explain: "The server declares the attribute (or it is one that every identity provider needs), took it, and does not show it. The identity provider sends it again on each evaluation, or never notices.",
        hint: "Store and return every attribute that your schema declares as readWrite; do not declare what you do not keep.",
        wrong: "POST {…,\"title\":\"Boss\"} → 201\nGET → no title",
        right: "GET → {\"title\":\"Boss\"}",
        proven_by: &[
            "create-untyped-email-lost",
            "create-drops-extension",
            "create-drops-phone-numbers",
            "create-keeps-first-email-only",
            "manager-without-value",
            "custom-attribute-not-stored",
            "custom-extension-not-stored",
            "emails-type-lost",
            "name-flattened",
            "emails-one-per-type",
            "display-name-only-patched",
            "custom-list-first-only",
            "name-formatted-only",
        ],
        check: state_rule!("create/attribute-not-stored"),
    },
    Rule {
        id: "create/external-id-not-stored",
        title: "`externalId` of an accepted create is not kept",
        spec: "RFC 7643 §3.1; Entra matches on externalId",
        level: Level::Idp,
        clash: false,
        impact: Impact::DuplicateCreated,
        breaks: &["entra", "okta"],
        requirements: &["res-externalid-roundtrip", "group-externalid", "data-case-preserved"],
        explain: "`externalId` is the client's own key. Entra uses it for matching; if it is dropped or changed the person is not found and created again.",
        hint: "Store it unchanged, return it, filter by it (case-exact).",
        wrong: "POST {…,\"externalId\":\"e1\"} → 201\nGET → no externalId",
        right: "GET → {\"externalId\":\"e1\"}",
        proven_by: &[
            "externalid-not-stored",
            "externalid-lowercased",
            "group-external-id-dropped",
            "external-id-overwritten-by-id",
        ],
        check: state_rule!("create/external-id-not-stored"),
    },
    Rule {
        id: "create/username-altered",
        title: "`userName` comes back other than it was sent",
        spec: "RFC 7643 §4.1.1, §7; Okta SPEC test step 6; Entra: values come back as sent",
        level: Level::Idp,
        clash: false,
        impact: Impact::DuplicateCreated,
        breaks: &["okta", "entra"],
        requirements: &["data-values-unchanged", "data-case-preserved"],
        explain: "The name is not the one that was sent, or it is not there at all: the identity provider does not find its own person again.",
        hint: "Store and return the name as sent.",
        wrong: "POST userName alice@example.com → \"alice\"",
        right: "→ \"alice@example.com\"",
        proven_by: &["username-missing", "user-name-from-email", "user-name-prefixed-on-read"],
        check: state_rule!("create/username-altered"),
    },
    Rule {
        id: "create/username-case-changed",
        title: "`userName` comes back in other letters than it was sent",
        spec: "RFC 7643 §7 (caseExact: the server may alter the case); Okta SPEC test step 6; Entra: values come back as sent",
        level: Level::Idp,
        clash: true,
        impact: Impact::UpdateLost,
        breaks: &["okta", "entra"],
        requirements: &["data-values-unchanged"],
        explain: "`userName` is not case exact, so RFC 7643 §7 lets a server store it in lower case. Okta's test compares the value exactly, and a client that sees another value pushes its own again. Without a chosen identity provider this is a note.",
        hint: "Store the value as sent and compare case-insensitively.",
        wrong: "POST userName Mixed.Case@example.com → \"mixed.case@example.com\"",
        right: "→ \"Mixed.Case@example.com\"",
        proven_by: &["username-lowercased", "create-answer-keeps-case"],
        check: state_rule!("create/username-case-changed"),
    },
    Rule {
        id: "create/value-altered",
        title: "A value of an accepted create comes back other than it was sent",
        spec: "RFC 7644 §3.3; Entra: values come back as sent",
        level: Level::Idp,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &["data-values-unchanged", "data-unicode", "data-string-escapes", "data-long-values"],
        explain: "A writable attribute shows another value than the client wrote: trimmed, cut, re-encoded or taken from another attribute.",
        hint: "Store text byte for byte; refuse what is too long instead of cutting it.",
        wrong: "POST {…,\"displayName\":\"Zoë\"} → GET {\"displayName\":\"Zo?\"}",
        right: "GET {\"displayName\":\"Zoë\"}",
        proven_by: &[
            "cross-tenant-create-hijack",
            "create-truncates-values",
            "group-name-marks-replaced",
            "group-create-answer-prefixed",
            "values-trimmed",
        ],
        check: state_rule!("create/value-altered"),
    },
    Rule {
        id: "create/active-not-stored",
        title: "A user created with an `active` value has another one",
        spec: "RFC 7643 §4.1.1",
        level: Level::Idp,
        clash: false,
        impact: Impact::StaysActive,
        breaks: &[],
        requirements: &["create-active-false", "create-active-default"],
        explain: "A user created inactive must not be active (and the other way round).",
        hint: "Take `active` from the body; default to true only when it is missing.",
        wrong: "POST {…,\"active\":false} → GET {\"active\":true}",
        right: "GET {\"active\":false}",
        proven_by: &["create-active-false-ignored"],
        check: state_rule!("create/active-not-stored"),
    },
    Rule {
        id: "create/primary-flag-lost",
        title: "The `primary` flag of an accepted create is lost",
        spec: "RFC 7643 §2.4",
        level: Level::Idp,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &["okta"],
        requirements: &["data-primary-once"],
        explain: "Okta reads the element with `primary: true`; without it the wrong address is used.",
        hint: "Store and return `primary`.",
        wrong: "POST {\"emails\":[{\"value\":\"a@example.com\",\"primary\":true}]} → GET without primary",
        right: "GET {\"emails\":[{\"value\":\"a@example.com\",\"primary\":true}]}",
        proven_by: &["email-primary-flag-lost"],
        check: state_rule!("create/primary-flag-lost"),
    },
    Rule {
        id: "create/attribute-case-ignored",
        title: "An attribute whose name is spelled in another case is dropped",
        spec: "RFC 7643 §2.1",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &["data-attr-names-ci"],
        explain: "Attribute names are case-insensitive. The request was accepted, and what it wrote under another spelling is not there.",
        hint: "Compare attribute names without regard to case when you read a body.",
        wrong: "POST {\"schemas\":[User],\"USERNAME\":\"a@example.com\"} → 201 without userName",
        right: "→ 201 {\"userName\":\"a@example.com\"}",
        proven_by: &["response-wrapped", "create-name-case-ignored-in-parts"],
        check: state_rule!("create/attribute-case-ignored"),
    },
    Rule {
        id: "create/missing-required-accepted",
        title: "A resource without its required attribute is accepted",
        spec: "RFC 7643 §4.1.1, §4.2; RFC 7644 §3.12 (invalidValue)",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &[
            "create-missing-username-400",
            "create-empty-username-400",
            "group-missing-displayname-400",
            "put-required-missing-400",
        ],
        explain: "`userName` (and what the schema declares as required) must be there and not be empty.",
        hint: "Answer 400 with scimType invalidValue.",
        wrong: "POST {\"schemas\":[User]} → 201",
        right: "→ 400 invalidValue",
        proven_by: &[
            "create-missing-username-accepted",
            "group-displayname-missing-accepted",
            "put-username-missing-accepted",
            "custom-required-ignored",
            "username-blank-accepted",
            "group-put-without-name-accepted",
        ],
        check: missing_required,
    },
    Rule {
        id: "create/wrong-type-accepted",
        title: "A value of the wrong type is accepted",
        spec: "RFC 7643 §2.3; RFC 7644 Table 9 (invalidValue)",
        level: Level::Should,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["create-wrong-type-400"],
        explain: "A text where a list is declared, an object where a text is declared: the value cannot be stored as sent.",
        hint: "Answer 400 with scimType invalidValue.",
        wrong: "POST {…,\"emails\":\"a@example.com\"} → 201",
        right: "→ 400 invalidValue",
        proven_by: &["group-create-members-ignored", "create-missing-username-accepted"],
        check: wrong_type,
    },
    Rule {
        id: "create/client-id-kept",
        title: "An `id` chosen by the client becomes the resource's id",
        spec: "RFC 7643 §3.1; RFC 7644 §3.3",
        level: Level::Must,
        clash: false,
        impact: Impact::WrongMatch,
        breaks: &[],
        requirements: &["res-id-server-assigned"],
        explain: "`id` is issued by the service provider; a client's value must be ignored. Otherwise one client can take over another's key.",
        hint: "Ignore `id` in POST bodies.",
        wrong: "POST {…,\"id\":\"mine\"} → 201 {\"id\":\"mine\"}",
        right: "→ 201 {\"id\":\"2819c223\"}",
        proven_by: &["create-uses-client-id"],
        check: client_id_kept,
    },
    Rule {
        id: "create/id-is-external-id",
        title: "The `id` is the client's externalId or userName",
        spec: "RFC 7643 §3.1",
        level: Level::Note,
        clash: false,
        impact: Impact::UserNotFound,
        breaks: &["okta"],
        requirements: &["res-id-stable"],
        explain: "Nothing forbids it by itself, but an id made from a client's key tends to change with it, and then every stored link is dead.",
        hint: "Issue ids of your own.",
        wrong: "POST {…,\"externalId\":\"00u1\"} → 201 {\"id\":\"00u1\"}",
        right: "→ 201 {\"id\":\"2819c223\"}",
        proven_by: &["create-response-id-is-username"],
        check: id_is_external_id,
    },
];

fn created(view: &View<'_>) -> bool {
    view.call.op == Op::Create && view.accepted() && view.call.authenticated()
}

/// A look-up right after a refused create, by the name that was sent: it finds nothing, or who was there before.
fn refused_but_created(view: &View<'_>) -> Verdict {
    let attribute = name_attribute(&view.call.endpoint);
    let text = view.call.filter_text.as_deref().unwrap_or_default();
    let Some(create) = view.earlier.last().filter(|p| {
        let status = p.exchange.status().unwrap_or_default();
        p.call.op == Op::Create
            && p.call.endpoint == view.call.endpoint
            && (400..500).contains(&status)
            && status != 409
    }) else {
        return Verdict::NotApplicable;
    };
    let name = create.call.body.as_ref().and_then(|b| get_ci(b.as_object()?, attribute)?.as_str());
    let Some(name) = name.filter(|n| text == format!("{attribute} eq {}", Value::String((*n).to_owned()))) else {
        return Verdict::NotApplicable;
    };
    if view.list().is_none() {
        return Verdict::NotApplicable;
    }
    let left = view.entries().into_iter().find(|e| {
        let same = get_ci(e, attribute).and_then(Value::as_str).is_some_and(|n| n.eq_ignore_ascii_case(name));
        let id = get_ci(e, "id").and_then(Value::as_str).unwrap_or_default();
        same && view.before.find(&view.call.endpoint, id).is_none()
    });
    match left {
        Some(entry) => Verdict::Fail(vec![
            Finding::new(
                "body /Resources",
                format!("nothing: the create of {name} was refused"),
                short(&Value::Object(entry.clone())),
            )
            .because(create.step.clone()),
        ]),
        None => Verdict::Pass,
    }
}

fn status_not_201(view: &View<'_>) -> Verdict {
    // Whoever answers a create with somebody who was there before has another fault.
    let shown = view.object().and_then(|o| get_ci(o, "id")).and_then(Value::as_str);
    if !created(view) || shown.is_some_and(|id| view.before.find(&view.call.endpoint, id).is_some()) {
        return Verdict::NotApplicable;
    }
    if view.status() == 201 { Verdict::Pass } else { Verdict::fail("status", "201 Created", view.status().to_string()) }
}

fn answer_without_id(view: &View<'_>) -> Verdict {
    let Some(body) = view.object().filter(|_| created(view)) else { return Verdict::NotApplicable };
    match get_ci(body, "id") {
        Some(Value::String(id)) if !id.trim().is_empty() => Verdict::Pass,
        // An id all the same: that it is no text is told by `schema/id-not-text`.
        Some(Value::Number(_)) => Verdict::NotApplicable,
        Some(other) => Verdict::fail("body /id", "a non-empty string", short(other)),
        None => Verdict::fail("body /id", "a non-empty string", "no id"),
    }
}

fn answer_empty(view: &View<'_>) -> Verdict {
    if !created(view) || view.call.method != "POST" {
        return Verdict::NotApplicable;
    }
    let empty = view
        .response()
        .is_some_and(|r| r.body.iter().all(u8::is_ascii_whitespace) || r.json().is_some_and(Value::is_null));
    if empty { Verdict::fail("body", "the new resource", "nothing") } else { Verdict::Pass }
}

fn location_missing(view: &View<'_>) -> Verdict {
    if !created(view) {
        return Verdict::NotApplicable;
    }
    match view.response().and_then(|r| r.header("location")) {
        Some(text) if !text.trim().is_empty() => Verdict::Pass,
        _ => Verdict::fail("header Location", "the URI of the new resource", "no Location"),
    }
}

fn location_wrong(view: &View<'_>) -> Verdict {
    let Some(location) = view.response().filter(|_| created(view)).and_then(|r| r.header("location")) else {
        return Verdict::NotApplicable;
    };
    let Some(body) = view.object() else { return Verdict::NotApplicable };
    let Some(id) = get_ci(body, "id").and_then(Value::as_str) else { return Verdict::NotApplicable };
    let last =
        location.trim_end_matches('/').rsplit('/').next().map(crate::exchange::percent_decode).unwrap_or_default();
    if last != id {
        return Verdict::fail("header Location", format!("…{}/{id}", view.call.endpoint), location);
    }
    let meta =
        get_ci(body, "meta").and_then(Value::as_object).and_then(|m| get_ci(m, "location")).and_then(Value::as_str);
    let home = || format!("{}{}/{id}", view.target.base_url.trim_end_matches('/'), view.call.endpoint);
    match meta {
        // Of two that differ the one that is where the client would look is right.
        Some(m) if !same_path(m, location) && m == home() => Verdict::fail("header Location", m, location),
        Some(m) if !same_path(m, location) => Verdict::fail("body /meta/location", location, m),
        _ => Verdict::Pass,
    }
}

/// The same resource: equal, or one is the path of the other (relative forms are judged elsewhere).
fn same_path(a: &str, b: &str) -> bool {
    let (a, b) = (a.trim_end_matches('/'), b.trim_end_matches('/'));
    a == b || a.ends_with(b) || b.ends_with(a)
}

fn duplicate_accepted(view: &View<'_>) -> Verdict {
    if !view.must_refuse(Reason::Duplicate) || view.status() == 0 || view.call.op != Op::Create {
        return Verdict::NotApplicable;
    }
    if view.accepted() && named_otherwise(view) {
        // There are no two of one name; that the name is another than was sent has its own rule.
        return Verdict::NotApplicable;
    }
    if view.accepted() {
        let whose = if answered_with_holder(view) { " with the user who has the name" } else { "" };
        return Verdict::fail("status", format!("409: {}", view.forecast.detail), format!("{}{whose}", view.status()));
    }
    Verdict::Pass
}

/// The answer to a create is a resource that was there before and has the name that was sent.
pub(super) fn answered_with_holder(view: &View<'_>) -> bool {
    let attribute = name_attribute(&view.call.endpoint);
    let name = view.call.body.as_ref().and_then(|b| value_ci(b, attribute)?.as_str());
    let id = view.object().and_then(|b| get_ci(b, "id")).and_then(Value::as_str);
    let holder = id.and_then(|id| view.before.find(&view.call.endpoint, id)).filter(|k| k.state == State::Live);
    matches!((holder.and_then(|k| k.name()), name), (Some(held), Some(name)) if held.eq_ignore_ascii_case(name))
}

/// The answer to a create shows another userName than was sent, and not only in another case.
fn named_otherwise(view: &View<'_>) -> bool {
    let name = |o: &Map<String, Value>| get_ci(o, "userName").and_then(Value::as_str).map(str::to_lowercase);
    let sent = view.call.body.as_ref().and_then(Value::as_object).and_then(name);
    matches!((view.object().and_then(name), sent), (Some(shown), Some(sent)) if shown != sent)
}

fn foreign_schemas(view: &View<'_>) -> Verdict {
    let Some(rt) = view.resource_type().filter(|_| matches!(view.call.op, Op::Create | Op::Replace)) else {
        return Verdict::NotApplicable;
    };
    let body = view.call.body.as_ref().and_then(Value::as_object);
    let Some(named) = body.and_then(|b| get_ci(b, "schemas")).and_then(Value::as_array) else {
        return Verdict::NotApplicable;
    };
    let own = |uri: &str| rt.schema.id.eq_ignore_ascii_case(uri) || rt.extension(uri).is_some();
    let uris: Vec<&str> = named.iter().filter_map(Value::as_str).collect();
    if uris.is_empty() || uris.iter().any(|uri| own(uri)) {
        return Verdict::NotApplicable;
    }
    match view.status() {
        200..=299 => Verdict::fail("status", format!("400: schemas lacks {}", rt.schema.id), view.status().to_string()),
        400..=499 => Verdict::Pass,
        _ => Verdict::NotApplicable,
    }
}

fn duplicate_wrong_status(view: &View<'_>) -> Verdict {
    if !view.must_refuse(Reason::Duplicate) || !view.client_error() {
        return Verdict::NotApplicable;
    }
    if view.status() == 409 {
        Verdict::Pass
    } else if wrong_besides(view) || !about_the_name(view) {
        Verdict::NotApplicable
    } else {
        Verdict::fail("status", "409 Conflict", view.status().to_string())
    }
}

/// What an error says whose cause is a value that somebody has, in the words of servers.
const TAKEN: &[&str] = &["exist", "taken", "duplicat", "unique", "conflict", "already", "in use"];

/// The refusal says that the name is taken, or a request of the same form was accepted before, and this very spelling of the name:
/// then it is that it is there already which is not liked, not the form nor the letters.
fn about_the_name(view: &View<'_>) -> bool {
    let said = view.object().is_some_and(|body| {
        let texts = ["scimType", "detail"].into_iter().filter_map(|name| get_ci(body, name)?.as_str());
        texts.map(str::to_lowercase).any(|text| TAKEN.iter().any(|word| text.contains(word)))
    });
    let form = |call: &Call| call.body.as_ref().map(form);
    let alike = |p: &Past| {
        p.call.op == view.call.op && p.call.endpoint == view.call.endpoint && form(&p.call) == form(view.call)
    };
    let spelled = |p: &Past| p.call.endpoint == view.call.endpoint && name_in(&p.call) == name_in(view.call);
    let taken = || view.earlier.iter().filter(|p| p.exchange.accepted());
    // Who may do so, and whether it is paid for, is asked before anything is looked up; seats are taken, too.
    match view.status() {
        401 | 402 | 429 => false,
        403 => {
            said && !["seat", "licen", "quota", "plan"].iter().any(|word| detail_of(view).to_lowercase().contains(word))
        }
        _ => said || (taken().any(alike) && taken().any(spelled)),
    }
}

/// userName or displayName, as a write spells it.
fn name_in(call: &Call) -> Option<&str> {
    let attribute = name_attribute(&call.endpoint);
    match call.op {
        Op::Create => value_ci(call.body.as_ref()?, attribute)?.as_str(),
        _ => written_name(call, attribute),
    }
}

/// The names in a body, and what its operations are called and aim at.
fn form(body: &Value) -> Vec<String> {
    let Some(object) = body.as_object() else { return Vec::new() };
    let mut names: Vec<String> = object.keys().map(|k| k.to_lowercase()).collect();
    let operations = get_ci(object, "Operations").and_then(Value::as_array).into_iter().flatten();
    for operation in operations.filter_map(Value::as_object) {
        let part = |name: &str| get_ci(operation, name).and_then(Value::as_str).unwrap_or_default().to_lowercase();
        names.push(format!("{} {}", part("op"), part("path")));
    }
    names.sort();
    names
}

/// The request is wrong in another way as well: no RFC says what is looked at first.
fn wrong_besides(view: &View<'_>) -> bool {
    let whole = matches!(view.call.op, Op::Create | Op::Replace) && view.status() == 400;
    let body = view.call.body.as_ref().and_then(Value::as_object).filter(|_| whole);
    let undeclared = |b| view.resource_type().is_some_and(|rt| crate::shadow::forecast::undeclared(b, rt));
    (view.target.schemas_known && body.is_some_and(undeclared)) || super::leeway::name_apart_by_a_letter(view)
}

fn duplicate_without_scimtype(view: &View<'_>) -> Verdict {
    if !view.must_refuse(Reason::Duplicate) || view.status() != 409 {
        return Verdict::NotApplicable;
    }
    let Some(body) = view.object() else { return Verdict::NotApplicable };
    match get_ci(body, "scimType").and_then(Value::as_str) {
        Some("uniqueness") => Verdict::Pass,
        other => Verdict::fail("body /scimType", "uniqueness", other.unwrap_or("no scimType")),
    }
}

fn missing_required(view: &View<'_>) -> Verdict {
    if !view.must_refuse(Reason::MissingRequired) || view.status() == 0 || view.status() >= 500 {
        return Verdict::NotApplicable;
    }
    if view.accepted() && view.call.op == Op::Replace {
        let expected = format!("400 invalidValue: {} is required", view.forecast.detail);
        let name = name_attribute(&view.call.endpoint);
        let nameless = view.object().is_some_and(|o| get_ci(o, name).is_none_or(crate::shadow::facts::is_empty));
        // RFC 7644 §3.5.1 puts the duty on the client; a server may keep what it has, but not end without it.
        return Verdict::Fail(vec![if nameless && view.forecast.detail == name {
            Finding::new("status", expected, format!("{}, and the {name} is gone", view.status()))
        } else {
            Finding::new("status", expected, view.status().to_string()).level(Level::Note)
        }]);
    }
    if view.accepted() {
        let expected = format!("400 invalidValue: {} is required", view.forecast.detail);
        let finding = Finding::new("status", expected, view.status().to_string());
        // What only the server's own schema asks for, it may as well forgive.
        let name = view.forecast.detail.as_str();
        let sent = view.call.body.as_ref().and_then(Value::as_object).and_then(|b| get_ci(b, name));
        // RFC 7643 §4.1.1 forbids the empty name; a blank is a text, if a poor one.
        let blank = sent.and_then(Value::as_str).is_some_and(|s| !s.is_empty());
        let by_rfc = ["userName", "displayName"].contains(&name) && !blank;
        return Verdict::Fail(vec![match (by_rfc, blank) {
            (true, _) => finding,
            (false, true) => finding.level(Level::Note),
            (false, false) => finding.level(Level::Should),
        }]);
    }
    Verdict::Pass
}

fn wrong_type(view: &View<'_>) -> Verdict {
    if !view.must_refuse(Reason::WrongType) || view.status() == 0 || view.status() >= 500 || view.call.op == Op::Patch {
        return Verdict::NotApplicable;
    }
    if view.accepted() && !read_as_meant(view) {
        return Verdict::fail(
            "status",
            format!("400 invalidValue: {}", view.forecast.detail),
            view.status().to_string(),
        );
    }
    Verdict::Pass
}

/// A text in the place of a list was taken for a list of one: the answer shows the list, as the schema has it.
fn read_as_meant(view: &View<'_>) -> bool {
    let (Some(sent), Some(shown)) = (view.call.body.as_ref().and_then(Value::as_object), view.object()) else {
        return false;
    };
    let listed = |(name, text): (&String, &str)| {
        let list = get_ci(shown, name).and_then(Value::as_array);
        list.is_some_and(|l| l.iter().any(|e| value_ci(e, "value").and_then(Value::as_str) == Some(text)))
    };
    sent.iter().filter_map(|(name, value)| Some((name, value.as_str()?))).any(listed)
}

fn client_id_kept(view: &View<'_>) -> Verdict {
    if !created(view) {
        return Verdict::NotApplicable;
    }
    let sent = view.call.body.as_ref().and_then(Value::as_object).and_then(|b| get_ci(b, "id")).and_then(Value::as_str);
    let got = view.object().and_then(|b| get_ci(b, "id")).and_then(Value::as_str);
    match (sent, got) {
        (Some(s), Some(g)) if s == g => Verdict::fail("body /id", "an id of the server's own", g),
        (Some(_), Some(_)) => Verdict::Pass,
        _ => Verdict::NotApplicable,
    }
}

fn id_is_external_id(view: &View<'_>) -> Verdict {
    let Some(body) = view.call.body.as_ref().and_then(Value::as_object).filter(|_| created(view)) else {
        return Verdict::NotApplicable;
    };
    let Some(id) = view.object().and_then(|b| get_ci(b, "id")).and_then(Value::as_str) else {
        return Verdict::NotApplicable;
    };
    let same = ["externalId", "userName"]
        .iter()
        .find(|n| get_ci(body, n).and_then(Value::as_str).is_some_and(|v| v.eq_ignore_ascii_case(id)));
    match same {
        Some(name) => Verdict::fail("body /id", "an id of the server's own", format!("the client's {name}")),
        None => Verdict::Pass,
    }
}
