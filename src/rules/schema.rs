//! Representations (RFC 7643 §2, §3): every resource in every answer has the shape that its schema declares.

use super::rule::{Finding, Impact, Level, Rule, Verdict};
use super::view::{Past, View, below, short};
use crate::scim::schema::{AttrType, Attribute, Extension, Mutability, ResourceType, Returned};
use crate::scim::value::{get_ci, parse_datetime};
use crate::shadow::{Expectation, Op, State};
use serde_json::{Map, Value};

/// Rules of this area.
pub static RULES: &[Rule] = &[
    Rule {
        id: "schema/password-returned",
        title: "A password (or another value that is never returned) is in an answer",
        spec: "RFC 7643 §4.1.1, §7 (returned never)",
        level: Level::Must,
        clash: false,
        impact: Impact::DataLeak,
        breaks: &[],
        requirements: &["returned-never", "sch-password-never", "proj-attributes-never", "patch-writeonly"],
        explain: "The password must not be part of any representation, in clear or hashed. Okta sends it back with the next profile push and every log on the way keeps it.",
        hint: "Mark the attribute writeOnly / returned never and leave it out of every answer.",
        wrong: "POST /Users {…,\"password\":\"s3cret\"} → 201 {…,\"password\":\"s3cret\"}",
        right: "→ 201 without password",
        proven_by: &["password-returned", "never-returned-shown"],
        check: password,
    },
    Rule {
        id: "schema/id-not-text",
        title: "A resource has no `id`, or it is no string",
        spec: "RFC 7643 §3.1, §2.3.1",
        level: Level::Must,
        clash: false,
        impact: Impact::UserNotFound,
        breaks: &[],
        requirements: &["res-id-present", "list-items-complete"],
        explain: "Every representation carries a non-empty `id`, as a string.",
        hint: "Write {\"id\": \"53\"}.",
        wrong: "{\"id\":53,\"userName\":\"a@example.com\"}",
        right: "{\"id\":\"53\",\"userName\":\"a@example.com\"}",
        proven_by: &["id-is-number", "unknown-id-200-empty"],
        check: id_text,
    },
    Rule {
        id: "schema/schemas-missing",
        title: "A resource has no usable `schemas`",
        spec: "RFC 7643 §3, §3.3",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["res-schemas-nonempty", "list-items-complete", "res-schemas-declared"],
        explain: "Every representation, in lists too, names its schemas as a list of URIs with that of its resource type in it. Strict clients refuse the whole answer otherwise.",
        hint: "Add `schemas` to each resource.",
        wrong: "GET /Users → {\"Resources\":[{\"id\":\"1\",\"userName\":\"a\"}]}",
        right: "… {\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"id\":\"1\",…}",
        proven_by: &[
            "group-schema-is-user",
            "list-items-without-schemas",
            "resource-schemas-string",
            "resource-without-schemas",
        ],
        check: schemas_missing,
    },
    Rule {
        id: "schema/schemas-duplicated",
        title: "`schemas` names the same URI twice",
        spec: "RFC 7643 §3",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["res-schemas-no-dup"],
        explain: "Duplicate values must not be included.",
        hint: "Use a set.",
        wrong: "\"schemas\":[User, User]",
        right: "\"schemas\":[User]",
        proven_by: &["schemas-duplicated"],
        check: schemas_twice,
    },
    Rule {
        id: "schema/extension-not-named",
        title: "Extension attributes are returned and their URN is not in `schemas`",
        spec: "RFC 7643 §3, §3.3; RFC 7644 §3.5.2",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["res-schemas-ext-present", "patch-implicit-schemas"],
        explain: "`schemas` names every schema that the representation uses; a client that goes by it ignores the extension.",
        hint: "Add the extension's URN when one of its attributes has a value.",
        wrong: "{\"schemas\":[User],\"urn:…:enterprise:2.0:User\":{\"department\":\"Sales\"}}",
        right: "{\"schemas\":[User, \"urn:…:enterprise:2.0:User\"],\"urn:…:enterprise:2.0:User\":{\"department\":\"Sales\"}}",
        proven_by: &["resource-schemas-omits-extension", "resource-schemas-scim1"],
        check: extension_named,
    },
    Rule {
        id: "schema/extension-container-wrong",
        title: "Extension attributes are not under their URN",
        spec: "RFC 7643 §3.3",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &["data-extension-container", "data-extension-roundtrip"],
        explain: "Attributes of an extension stand in an object whose key is the extension's URN. Under any other key no client finds them.",
        hint: "Use the full URN as the key.",
        wrong: "{\"EnterpriseUser\":{\"department\":\"Sales\"}}",
        right: "{\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\":{\"department\":\"Sales\"}}",
        proven_by: &["extension-key-not-urn", "extension-flattened"],
        check: extension_container,
    },
    Rule {
        id: "schema/multi-valued-shape",
        title: "A multi-valued attribute is not a list of the declared kind",
        spec: "RFC 7643 §2.4; §4.1.2",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &["okta", "entra"],
        requirements: &["data-mv-array"],
        explain: "`emails` and its like are lists of objects with `value`. A bare text or a single object is refused or ignored by clients.",
        hint: "Return [{\"value\": \"a@example.com\", \"type\": \"work\"}].",
        wrong: "\"emails\":[\"a@example.com\"]",
        right: "\"emails\":[{\"value\":\"a@example.com\"}]",
        proven_by: &["emails-returned-as-strings", "emails-single-object"],
        check: multi_valued,
    },
    Rule {
        id: "schema/complex-as-text",
        title: "A complex attribute is returned as a bare value",
        spec: "RFC 7643 §2.3.8; §4.3 (manager)",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &["entra"],
        requirements: &["data-mv-array", "entra-manager-add"],
        explain: "Entra cannot read a user whose `manager` is a string: \"not able to deserialize the resource received from your SCIM endpoint\".",
        hint: "Return {\"manager\": {\"value\": \"26118915\"}}.",
        wrong: "\"manager\":\"26118915\"",
        right: "\"manager\":{\"value\":\"26118915\"}",
        proven_by: &["manager-returned-as-string"],
        check: complex_as_text,
    },
    Rule {
        id: "schema/boolean-as-text",
        title: "A boolean is returned as text or number",
        spec: "RFC 7643 §2.3.2",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["data-boolean"],
        explain: "Booleans are the JSON literals true and false. \"False\" counts as true in many languages.",
        hint: "Return true or false without quotes.",
        wrong: "\"active\":\"True\"",
        right: "\"active\":true",
        proven_by: &[
            "active-as-number",
            "active-as-string",
            "emails-primary-as-string",
            "patch-boolean-from-text-stored",
        ],
        check: boolean_text,
    },
    Rule {
        id: "schema/text-as-other",
        title: "A text attribute is returned as number, boolean or object",
        spec: "RFC 7643 §2.3.1",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["data-integer", "data-binary-base64"],
        explain: "The schema declares a string; typed clients fail to read anything else.",
        hint: "Quote it.",
        wrong: "\"employeeNumber\":701984",
        right: "\"employeeNumber\":\"701984\"",
        proven_by: &["schemas-attribute-without-type"],
        check: text_other,
    },
    Rule {
        id: "schema/two-primaries",
        title: "More than one value of an attribute is primary",
        spec: "RFC 7643 §2.4",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["data-primary-once"],
        explain: "`primary` true occurs no more than once per attribute.",
        hint: "Clear the flag on the others when one becomes primary.",
        wrong: "two e-mails with primary true",
        right: "one",
        proven_by: &["patch-primary-not-exclusive", "emails-two-primary", "patch-add-existing-value-duplicates"],
        check: two_primaries,
    },
    Rule {
        id: "schema/null-member",
        title: "An attribute without a value is returned as null",
        spec: "RFC 7643 §2.5; Entra",
        level: Level::Note,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &["entra"],
        requirements: &["entra-null-free", "data-null-equals-unset"],
        explain: "null means the same as absence, so it is allowed; typed clients have been seen to break on it.",
        hint: "Leave attributes without a value out.",
        wrong: "{\"nickName\":null}",
        right: "{}",
        proven_by: &["excludedattributes-members-null"],
        check: nulls,
    },
    Rule {
        id: "schema/meta-missing",
        title: "A resource has no `meta`, or it lacks resourceType or location",
        spec: "RFC 7643 §3.1",
        level: Level::Should,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["meta-present", "list-items-complete"],
        explain: "All \"meta\" sub-attributes are assigned by the server and returned by default.",
        hint: "Return meta with resourceType, created, lastModified and location.",
        wrong: "{\"id\":\"1\",\"userName\":\"a\"}",
        right: "{…,\"meta\":{\"resourceType\":\"User\",\"location\":\"https://…/Users/1\",\"created\":\"…\",\"lastModified\":\"…\"}}",
        proven_by: &["meta-location-missing", "meta-missing", "meta-resourcetype-missing"],
        check: meta_missing,
    },
    Rule {
        id: "schema/resource-type-wrong",
        title: "`meta.resourceType` is not the name of the endpoint's resource type",
        spec: "RFC 7643 §3.1; RFC 7644 §3.3.1",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["meta-resourcetype"],
        explain: "Clients that read from several endpoints go by it; the name is case-exact.",
        hint: "Write \"User\" or \"Group\".",
        wrong: "\"meta\":{\"resourceType\":\"users\"}",
        right: "\"meta\":{\"resourceType\":\"User\"}",
        proven_by: &["meta-resourcetype-wrong"],
        check: resource_type,
    },
    Rule {
        id: "schema/location-wrong",
        title: "`meta.location` does not lead to the resource",
        spec: "RFC 7643 §3.1",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["meta-location-resolves"],
        explain: "`meta.location` is the URI of the resource: base URL, endpoint, id. A URI that ends in the id below some other path may be a second address of it, so that is a SHOULD only.",
        hint: "Build it from base URL, endpoint and id.",
        wrong: "id 2819, \"location\":\"https://…/Users/1\"",
        right: "\"location\":\"https://…/Users/2819\"",
        proven_by: &["create-response-id-is-username", "location-wrong-endpoint", "meta-location-wrong-id"],
        check: location_wrong,
    },
    Rule {
        id: "schema/location-relative",
        title: "`meta.location` (or Location) is relative",
        spec: "RFC 7643 §3.1; RFC 7644 §3.3",
        level: Level::Should,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["meta-location-origin", "create-location-header"],
        explain: "The examples of both RFCs are absolute, and a relative URI can be taken to start at the server or at the SCIM base.",
        hint: "Return the whole URL.",
        wrong: "\"location\":\"/scim/v2/Users/2819\"",
        right: "\"location\":\"https://scim.example.com/scim/v2/Users/2819\"",
        proven_by: &["meta-location-relative"],
        check: location_relative,
    },
    Rule {
        id: "schema/dates-missing",
        title: "`meta` does not say when the resource was created or changed",
        spec: "RFC 7643 §3.1",
        level: Level::Note,
        clash: false,
        impact: Impact::ImportIncomplete,
        breaks: &[],
        requirements: &["meta-present"],
        explain: "The server assigns `created` and `lastModified`, and what it has of them is returned by default; that it keeps them is nowhere required. Clients that import changes only, or that look for the newer of two accounts, need them.",
        hint: "Keep both times with each resource and return them.",
        wrong: "\"meta\":{\"resourceType\":\"User\",\"location\":\"…\"}",
        right: "\"meta\":{…,\"created\":\"2024-01-23T04:56:22Z\",\"lastModified\":\"2024-05-13T04:42:34Z\"}",
        proven_by: &["meta-dates-missing"],
        check: dates_missing,
    },
    Rule {
        id: "schema/location-other-origin",
        title: "`meta.location` names another host or scheme than the client called",
        spec: "RFC 7643 §3.1",
        level: Level::Should,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["meta-location-origin"],
        explain: "A location is there to be followed. Behind a proxy a server often writes the name by which the proxy knows it (`http://app:8080/…`), or `http` for what was called by `https`: the client cannot reach it, or sends its token in the clear. Another public name of the same service is fine, and only noted.",
        hint: "Build URLs from a configured public base URL, or from the Forwarded headers of a proxy that is trusted.",
        wrong: "GET https://scim.example.com/v2/Users/2819 → \"location\":\"http://app:8080/v2/Users/2819\"",
        right: "\"location\":\"https://scim.example.com/v2/Users/2819\"",
        proven_by: &["location-names-inner-host"],
        check: location_origin,
    },
    Rule {
        id: "schema/date-invalid",
        title: "A date is no valid xsd:dateTime",
        spec: "RFC 7643 §2.3.5, §3.1",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["meta-created-datetime", "data-datetime-valid"],
        explain: "`created` and `lastModified` are dateTime values with date and time, e.g. 2008-01-23T04:56:22Z.",
        hint: "Format dates as RFC 3339.",
        wrong: "\"lastModified\":\"23/01/2008 04:56\"",
        right: "\"lastModified\":\"2008-01-23T04:56:22Z\"",
        proven_by: &["meta-created-not-datetime", "meta-created-without-zone"],
        check: dates,
    },
    Rule {
        id: "schema/created-changes",
        title: "`meta.created` of a resource changes",
        spec: "RFC 7643 §3.1",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["meta-created-stable"],
        explain: "`created` is the time at which the resource was added; no update moves it.",
        hint: "Set it once.",
        wrong: "PATCH → \"created\" is now",
        right: "\"created\" as at the create",
        proven_by: &["put-resets-created"],
        check: created_changes,
    },
    Rule {
        id: "schema/modified-not-advanced",
        title: "`meta.lastModified` stays although the resource changed",
        spec: "RFC 7643 §3.1",
        level: Level::Must,
        clash: false,
        impact: Impact::ImportIncomplete,
        breaks: &[],
        requirements: &["meta-modified-advances", "patch-lastmodified"],
        explain: "Clients that import what changed since their last visit never see the change.",
        hint: "Set it on every accepted change.",
        wrong: "PATCH changes title; GET → the lastModified of the create",
        right: "a later time",
        proven_by: &["last-modified-not-advanced", "meta-lastmodified-before-created"],
        check: modified_static,
    },
    Rule {
        id: "schema/read-changes-modified",
        title: "A read changes `meta.lastModified`",
        spec: "RFC 7643 §3.1",
        level: Level::Must,
        clash: false,
        impact: Impact::RetriesForever,
        breaks: &[],
        requirements: &["meta-modified-get-noop"],
        explain: "Nothing was written between two reads, and the time differs: every resource looks changed to every client.",
        hint: "Return the stored time.",
        wrong: "GET, GET → two times",
        right: "one",
        proven_by: &["last-modified-changes-on-read"],
        check: modified_by_read,
    },
    Rule {
        id: "schema/client-meta-kept",
        title: "`meta` sent by a client is kept",
        spec: "RFC 7643 §3.1 (readOnly)",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["meta-client-ignored", "create-readonly-ignored"],
        explain: "`meta` is the server's; a client's value must be ignored.",
        hint: "Overwrite meta.",
        wrong: "POST {\"meta\":{\"created\":\"1999-01-01T00:00:00Z\"},…} → the same",
        right: "→ the real time",
        proven_by: &["client-meta-kept"],
        check: client_meta,
    },
    Rule {
        id: "schema/version-differs",
        title: "`meta.version` is not the ETag of the answer",
        spec: "RFC 7643 §3.1; RFC 7644 §3.14",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["meta-version-etag"],
        explain: "The value must be the same as the ETag header of the same answer.",
        hint: "Set both from one value.",
        wrong: "ETag: W/\"2\", \"meta\":{\"version\":\"W/\\\"1\\\"\"}",
        right: "both W/\"2\"",
        proven_by: &["etag-differs-from-version"],
        check: version_etag,
    },
    Rule {
        id: "schema/attribute-name-case",
        title: "An attribute name is spelled in another case than in the schema",
        spec: "RFC 7643 §2.1 (case-insensitive); Entra reads exact names",
        level: Level::Idp,
        clash: true,
        impact: Impact::ClientConfused,
        breaks: &["entra"],
        requirements: &["entra-casing-of-members"],
        explain: "By the RFC the case of attribute names does not matter; Entra and many typed clients read `userName` and nothing else.",
        hint: "Return names in the schema's spelling.",
        wrong: "{\"UserName\":\"a@example.com\"}",
        right: "{\"userName\":\"a@example.com\"}",
        proven_by: &["attribute-names-pascal-case"],
        check: name_case,
    },
    Rule {
        id: "schema/external-id-invented",
        title: "The server makes up an `externalId`",
        spec: "RFC 7643 §3.1",
        level: Level::Must,
        clash: false,
        impact: Impact::DuplicateCreated,
        breaks: &[],
        requirements: &["res-externalid-client"],
        explain: "`externalId` is issued by the provisioning client; a value of the server's own collides with the client's matching.",
        hint: "Leave it unset until a client sets it.",
        wrong: "POST without externalId → {\"externalId\":\"42\"}",
        right: "→ no externalId",
        proven_by: &["externalid-invented"],
        check: external_invented,
    },
    Rule {
        id: "schema/content-location-differs",
        title: "Content-Location is another URI than `meta.location`",
        spec: "RFC 7643 §3.1",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["meta-content-location"],
        explain: "`meta.location` must be the same as the Content-Location header of the same answer, where there is one.",
        hint: "Set both from one value, or leave the header out.",
        wrong: "Content-Location: …/Users/1, \"location\":\"…/Users/2\"",
        right: "the same URI",
        proven_by: &["content-location-differs", "location-doubles-id"],
        check: content_location,
    },
    Rule {
        id: "schema/new-resource-modified",
        title: "A resource that was just created shows another `lastModified` than `created`",
        spec: "RFC 7643 §3.1",
        level: Level::Should,
        clash: false,
        impact: Impact::ImportIncomplete,
        breaks: &[],
        requirements: &["meta-created-equals-modified"],
        explain: "As long as nobody changed a resource, lastModified must be the same as created. Clients that look for changes since the create take it for one. Less than a second between the two is a note.",
        hint: "Take the time once per create.",
        wrong: "POST → \"created\":\"…:22Z\",\"lastModified\":\"…:25Z\"",
        right: "the same time",
        proven_by: &["new-resource-modified-later"],
        check: new_modified,
    },
];

type Resource<'a> = &'a Map<String, Value>;

/// Judges each resource; one finding is enough per answer.
fn each<'a>(view: &View<'a>, judge: impl Fn(Resource<'a>, &'a ResourceType) -> Option<Option<Finding>>) -> Verdict {
    let Some(rt) = view.resource_type() else { return Verdict::NotApplicable };
    let mut applied = false;
    for resource in view.resources() {
        match judge(resource, rt) {
            None => {}
            Some(None) => applied = true,
            Some(Some(finding)) => return Verdict::Fail(vec![finding]),
        }
    }
    if applied { Verdict::Pass } else { Verdict::NotApplicable }
}

fn label(resource: Resource<'_>, place: &str) -> String {
    let id = get_ci(resource, "id").map(short).unwrap_or_default();
    format!("{place} of {id}")
}

/// Attributes of core and extensions with the values that a resource has for them.
fn values<'a>(resource: Resource<'a>, rt: &'a ResourceType) -> Vec<(String, &'a Attribute, &'a Value)> {
    let mut out = Vec::new();
    for a in &rt.schema.attributes {
        if let Some(v) = get_ci(resource, &a.name) {
            out.push((a.name.clone(), a, v));
        }
    }
    for e in &rt.extensions {
        let Some(Value::Object(inner)) = get_ci(resource, &e.schema.id) else { continue };
        for a in &e.schema.attributes {
            if let Some(v) = get_ci(inner, &a.name) {
                out.push((format!("{}:{}", e.schema.id, a.name), a, v));
            }
        }
    }
    out
}

fn password(view: &View<'_>) -> Verdict {
    each(view, |resource, rt| {
        let secret = |a: &&Attribute| {
            a.returned == Returned::Never
                || a.mutability == Mutability::WriteOnly
                || a.name.eq_ignore_ascii_case("password")
        };
        let leaked = rt
            .schema
            .attributes
            .iter()
            .filter(secret)
            .find(|a| get_ci(resource, &a.name).is_some_and(|v| !crate::shadow::facts::is_empty(v)));
        let by_name = get_ci(resource, "password").is_some_and(|v| !crate::shadow::facts::is_empty(v));
        let in_extension = rt.extensions.iter().find_map(|e| {
            let inner = get_ci(resource, &e.schema.id)?.as_object()?;
            let shown = |a: &&Attribute| get_ci(inner, &a.name).is_some_and(|v| !crate::shadow::facts::is_empty(v));
            e.schema.attributes.iter().filter(secret).find(shown)
        });
        let name = leaked.or(in_extension).map(|a| a.name.as_str()).or(by_name.then_some("password"));
        Some(name.map(|n| Finding::new(label(resource, n), "never returned", "a value")))
    })
}

fn id_text(view: &View<'_>) -> Verdict {
    each(view, |resource, _| match get_ci(resource, "id") {
        Some(Value::String(s)) if !s.trim().is_empty() => Some(None),
        Some(other) => Some(Some(Finding::new("body /id", "a non-empty string", short(other)))),
        // Of a create this is create/answer-without-id; of a projection, projection/always-returned-missing.
        None if view.call.op == Op::Create || view.call.projected() => None,
        None => Some(Some(Finding::new("body /id", "a non-empty string", "no id"))),
    })
}

fn schemas_missing(view: &View<'_>) -> Verdict {
    if view.call.projected() {
        return Verdict::NotApplicable;
    }
    each(view, |resource, rt| {
        let finding =
            |actual: String| Some(Some(Finding::new("body /schemas", format!("a list with {}", rt.schema.id), actual)));
        match get_ci(resource, "schemas") {
            None | Some(Value::Null) => finding("nothing".to_owned()),
            Some(Value::Array(list))
                if list.iter().filter_map(Value::as_str).any(|s| s.eq_ignore_ascii_case(&rt.schema.id)) =>
            {
                Some(None)
            }
            // A PatchOp URN in the answer to a PATCH has a rule of its own.
            Some(v) if view.call.op == Op::Patch && v.to_string().contains(crate::scim::urn::PATCH_OP) => None,
            Some(other) => finding(short(other)),
        }
    })
}

fn schemas_twice(view: &View<'_>) -> Verdict {
    each(view, |resource, _| {
        let list = get_ci(resource, "schemas")?.as_array()?;
        let twice = list.iter().enumerate().find(|(i, s)| list[..*i].contains(s));
        Some(twice.map(|(_, s)| Finding::new("body /schemas", "each URI once", short(s))))
    })
}

fn extension_named(view: &View<'_>) -> Verdict {
    each(view, |resource, _| {
        let list: Vec<&str> = get_ci(resource, "schemas")?.as_array()?.iter().filter_map(Value::as_str).collect();
        let containers: Vec<&String> = resource
            .iter()
            .filter(|(k, v)| k.to_ascii_lowercase().starts_with("urn:") && !crate::shadow::facts::is_empty(v))
            .map(|(k, _)| k)
            .collect();
        if containers.is_empty() {
            return None;
        }
        let unnamed = containers.into_iter().find(|c| !list.iter().any(|s| s.eq_ignore_ascii_case(c)));
        Some(unnamed.map(|c| Finding::new("body /schemas", format!("names {c}"), list.join(", "))))
    })
}

/// An attribute of the extension among the core attributes, while the extension's own object lacks it.
fn flattened(resource: Resource<'_>, e: &Extension, core: impl Fn(&str) -> bool) -> Option<Finding> {
    let inside = get_ci(resource, &e.schema.id).and_then(Value::as_object);
    let astray = e.schema.attributes.iter().find(|a| {
        !core(&a.name)
            && get_ci(resource, &a.name).is_some_and(|v| !crate::shadow::facts::is_empty(v))
            && inside.is_none_or(|i| get_ci(i, &a.name).is_none())
    })?;
    let shown = get_ci(resource, &astray.name).map(short).unwrap_or_default();
    Some(Finding::new(format!("body /{}", astray.name), format!("under {}", e.schema.id), shown))
}

fn extension_container(view: &View<'_>) -> Verdict {
    each(view, |resource, rt| {
        let known = resource.keys().any(|k| rt.extensions.iter().any(|e| e.schema.id.eq_ignore_ascii_case(k)));
        for e in &rt.extensions {
            let owns = |name: &str| e.schema.attributes.iter().any(|a| a.name.eq_ignore_ascii_case(name));
            let core = |name: &str| rt.schema.attributes.iter().any(|a| a.name.eq_ignore_ascii_case(name));
            if let Some(found) = flattened(resource, e, core) {
                return Some(Some(found));
            }
            for (key, value) in resource {
                let urn = key.to_ascii_lowercase().starts_with("urn:");
                let declared =
                    core(key) || ["id", "externalId", "meta", "schemas"].iter().any(|c| c.eq_ignore_ascii_case(key));
                let Value::Object(inner) = value else { continue };
                let foreign = !urn && !declared && inner.len() > 1 && inner.keys().all(|k| owns(k));
                if foreign
                    || (!urn
                        && !declared
                        && key.to_ascii_lowercase().contains("enterprise")
                        && inner.keys().any(|k| owns(k)))
                {
                    return Some(Some(Finding::new(
                        format!("body /{key}"),
                        format!("under {}", e.schema.id),
                        short(value),
                    )));
                }
            }
        }
        known.then_some(None)
    })
}

fn multi_valued(view: &View<'_>) -> Verdict {
    each(view, |resource, rt| {
        let mut seen = false;
        for (name, a, v) in
            values(resource, rt).into_iter().filter(|(n, a, v)| a.multi_valued && !v.is_null() && n != "members")
        {
            seen = true;
            let wrong = match v {
                Value::Array(items) => a.kind == AttrType::Complex && items.iter().any(|i| !i.is_object()),
                _ => true,
            };
            if wrong {
                let expected = if a.kind == AttrType::Complex { "a list of objects" } else { "a list" };
                return Some(Some(Finding::new(format!("body /{name}"), expected, short(v))));
            }
        }
        seen.then_some(None)
    })
}

fn complex_as_text(view: &View<'_>) -> Verdict {
    each(view, |resource, rt| {
        let mut seen = false;
        for (name, _, v) in values(resource, rt)
            .into_iter()
            .filter(|(_, a, v)| !a.multi_valued && a.kind == AttrType::Complex && !v.is_null())
        {
            seen = true;
            if !v.is_object() {
                return Some(Some(Finding::new(format!("body /{name}"), "an object", short(v))));
            }
        }
        seen.then_some(None)
    })
}

/// Simple values of a resource by declared kind, sub-attributes and elements included.
fn simple<'a>(resource: Resource<'a>, rt: &'a ResourceType, kind: AttrType) -> Vec<(String, &'a Value)> {
    let mut out = Vec::new();
    for (name, a, v) in values(resource, rt) {
        collect(&name, a, v, kind, &mut out);
    }
    out
}

fn collect<'a>(name: &str, a: &'a Attribute, v: &'a Value, kind: AttrType, out: &mut Vec<(String, &'a Value)>) {
    match v {
        Value::Null => {}
        Value::Array(items) if a.multi_valued => items.iter().for_each(|i| collect(name, a, i, kind, out)),
        Value::Object(inner) if a.kind == AttrType::Complex => {
            for sub in &a.sub_attributes {
                if let Some(x) = get_ci(inner, &sub.name).filter(|x| !x.is_null()) {
                    collect(&format!("{name}.{}", sub.name), sub, x, kind, out);
                }
            }
        }
        _ if a.kind == kind => out.push((name.to_owned(), v)),
        _ => {}
    }
}

fn kind_rule(view: &View<'_>, kind: AttrType, expected: &str, right: impl Fn(&Value) -> bool) -> Verdict {
    each(view, |resource, rt| {
        let found = simple(resource, rt, kind);
        let wrong = found.iter().find(|(n, v)| !right(v) && !n.starts_with("members"));
        match (wrong, found.is_empty()) {
            (Some((name, v)), _) => Some(Some(Finding::new(format!("body /{name}"), expected, short(v)))),
            (None, true) => None,
            (None, false) => Some(None),
        }
    })
}

fn boolean_text(view: &View<'_>) -> Verdict {
    kind_rule(view, AttrType::Boolean, "true or false", Value::is_boolean)
}

fn text_other(view: &View<'_>) -> Verdict {
    kind_rule(view, AttrType::String, "a string", Value::is_string)
}

fn two_primaries(view: &View<'_>) -> Verdict {
    each(view, |resource, rt| {
        let mut seen = false;
        for (name, _, v) in values(resource, rt).into_iter().filter(|(_, a, _)| a.multi_valued) {
            let primaries =
                v.as_array().map_or(0, |l| l.iter().filter(|e| e.get("primary") == Some(&Value::Bool(true))).count());
            seen |= primaries > 0;
            if primaries > 1 {
                return Some(Some(Finding::new(
                    format!("body /{name}"),
                    "one primary value",
                    format!("{primaries} primary values"),
                )));
            }
        }
        seen.then_some(None)
    })
}

fn nulls(view: &View<'_>) -> Verdict {
    each(view, |resource, _| {
        let null = resource.iter().find(|(k, v)| {
            v.is_null() && !view.call.excluded.as_ref().is_some_and(|e| e.iter().any(|n| n.eq_ignore_ascii_case(k)))
        });
        Some(null.map(|(k, _)| Finding::new(format!("body /{k}"), "absent", "null")))
    })
}

fn meta<'a>(resource: Resource<'a>) -> Option<Resource<'a>> {
    get_ci(resource, "meta")?.as_object()
}

fn meta_missing(view: &View<'_>) -> Verdict {
    if view.call.projected() {
        return Verdict::NotApplicable;
    }
    each(view, |resource, _| {
        let Some(meta) = meta(resource) else {
            return Some(Some(Finding::new(
                "body /meta",
                "resourceType, created, lastModified and location",
                "no meta",
            )));
        };
        Some(lacking(meta, &["resourceType", "location"]))
    })
}

/// What `meta` has no value for.
fn lacking(meta: Resource<'_>, names: &[&str]) -> Option<Finding> {
    let without: Vec<&str> = names.iter().copied().filter(|n| get_ci(meta, n).is_none_or(Value::is_null)).collect();
    (!without.is_empty()).then(|| Finding::new("body /meta", without.join(" and "), "missing"))
}

fn dates_missing(view: &View<'_>) -> Verdict {
    if view.call.projected() {
        return Verdict::NotApplicable;
    }
    each(view, |resource, _| Some(lacking(meta(resource)?, &["created", "lastModified"])))
}

fn resource_type(view: &View<'_>) -> Verdict {
    each(view, |resource, rt| {
        let shown = get_ci(meta(resource)?, "resourceType")?;
        Some(
            (shown.as_str() != Some(rt.name.as_str()))
                .then(|| Finding::new("body /meta/resourceType", rt.name.clone(), short(shown))),
        )
    })
}

fn location_wrong(view: &View<'_>) -> Verdict {
    each(view, |resource, rt| {
        let shown = get_ci(meta(resource)?, "location")?;
        let Some(text) = shown.as_str() else {
            return Some(Some(Finding::new("body /meta/location", "a URI", short(shown))));
        };
        let id = get_ci(resource, "id")?.as_str()?;
        let path = text.split(['?', '#']).next().unwrap_or(text).trim_end_matches('/');
        let last = crate::exchange::percent_decode(path.rsplit('/').next().unwrap_or_default());
        let wanted = || Finding::new("body /meta/location", format!("…{}/{id}", view.call.endpoint), text);
        if last != id {
            return Some(Some(wanted()));
        }
        // A server may have more than one address for a resource, but this one is where the client would look.
        let here = view.call.endpoint == rt.endpoint;
        Some((here && !below(path, &rt.endpoint)).then(|| wanted().level(Level::Should)))
    })
}

fn location_relative(view: &View<'_>) -> Verdict {
    let absolute = |t: &str| t.contains("://");
    if let Some(header) =
        view.response().filter(|_| view.call.op == Op::Create && view.accepted()).and_then(|r| r.header("location"))
        && !absolute(header)
    {
        return Verdict::fail("header Location", "an absolute URI", header);
    }
    each(view, |resource, _| {
        let text = get_ci(meta(resource)?, "location")?.as_str()?;
        Some((!absolute(text)).then(|| Finding::new("body /meta/location", "an absolute URI", text)))
    })
}

fn location_origin(view: &View<'_>) -> Verdict {
    let Ok(called) = url::Url::parse(&view.exchange.request.url) else { return Verdict::NotApplicable };
    each(view, |resource, _| {
        let text = get_ci(meta(resource)?, "location")?.as_str()?;
        // Nearly always, and then there is nothing to take apart.
        if text.strip_prefix(&called[..url::Position::BeforePath]).is_some_and(|rest| rest.starts_with('/')) {
            return Some(None);
        }
        let shown = url::Url::parse(text).ok().filter(|u| u.has_host())?;
        let finding =
            || Finding::new("body /meta/location", format!("{}…", &called[..url::Position::BeforePath]), text);
        let downgraded = called.scheme() == "https" && shown.scheme() == "http";
        Some(match (downgraded || inner_name(&shown), same_host(&called, &shown)) {
            (true, false) => Some(finding()),
            (_, true) if downgraded => Some(finding()),
            (false, false) => Some(finding().level(Level::Note)),
            _ => None,
        })
    })
}

/// The addresses of one machine are one host; ports may be mapped.
fn same_host(a: &url::Url, b: &url::Url) -> bool {
    a.host() == b.host() || (loopback(a) && loopback(b))
}

fn loopback(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(url::Host::Ipv6(address)) => address.is_loopback() || address.is_unspecified(),
        None => false,
    }
}

/// A name that means nothing outside: one label, or an address that is not routed.
fn inner_name(url: &url::Url) -> bool {
    let inner = match url.host() {
        Some(url::Host::Domain(name)) => !name.trim_end_matches('.').contains('.') || name.ends_with(".local"),
        Some(url::Host::Ipv4(address)) => address.is_private() || address.is_link_local(),
        _ => false,
    };
    inner || loopback(url)
}

fn dates(view: &View<'_>) -> Verdict {
    each(view, |resource, _| {
        let meta = meta(resource)?;
        let mut seen = false;
        for name in ["created", "lastModified"] {
            let Some(v) = get_ci(meta, name).filter(|v| !v.is_null()) else { continue };
            seen = true;
            if v.as_str().and_then(parse_datetime).is_none() {
                return Some(Some(Finding::new(
                    format!("body /meta/{name}"),
                    "a dateTime such as 2008-01-23T04:56:22Z",
                    short(v),
                )));
            }
        }
        seen.then_some(None)
    })
}

/// A time in `meta`, of the resource in this answer and of the one that was read or answered before.
fn times(view: &View<'_>, name: &str) -> Option<(time::OffsetDateTime, time::OffsetDateTime)> {
    if !matches!(view.call.op, Op::Read | Op::Replace | Op::Patch) || !view.accepted() {
        return None;
    }
    let known = view.before.find(&view.call.endpoint, view.call.id.as_deref()?)?;
    if known.tenant != crate::shadow::forecast::tenant_of(view.call) {
        return None;
    }
    let time = |doc: &Map<String, Value>| get_ci(meta(doc)?, name)?.as_str().and_then(parse_datetime);
    let before = known.last_full.as_ref().or(known.last_answer.as_ref())?.as_object()?;
    Some((time(before)?, time(view.object()?)?))
}

fn created_changes(view: &View<'_>) -> Verdict {
    match times(view, "created") {
        // Servers may store fewer digits than they showed at first.
        Some((before, now))
            if before == now
                || ((now - before).abs() < time::Duration::SECOND
                    && (before.nanosecond() == 0 || now.nanosecond() == 0)) =>
        {
            Verdict::Pass
        }
        Some((before, now)) => Verdict::fail("body /meta/created", before.to_string(), now.to_string()),
        None => Verdict::NotApplicable,
    }
}

fn modified_static(view: &View<'_>) -> Verdict {
    let Some(known) = view.call.id.as_deref().and_then(|id| view.before.find(&view.call.endpoint, id)) else {
        return Verdict::NotApplicable;
    };
    if view.call.op != Op::Read
        || !known.dirty
        || known.last_full.is_none()
        || known.state != State::Live
        || known.refused.is_some()
    {
        return Verdict::NotApplicable;
    }
    if !view.changed_since_read(known) {
        return Verdict::NotApplicable;
    }
    let Some((before, now)) = times(view, "lastModified") else { return Verdict::NotApplicable };
    let expected = || format!("later than {before}");
    match now.cmp(&before) {
        std::cmp::Ordering::Greater => Verdict::Pass,
        std::cmp::Ordering::Less => Verdict::fail("body /meta/lastModified", expected(), now.to_string()),
        std::cmp::Ordering::Equal if could_show(view, before) || long_ago(view, before) => {
            Verdict::fail("body /meta/lastModified", expected(), "the same time")
        }
        std::cmp::Ordering::Equal => Verdict::NotApplicable,
    }
}

/// True when the time lies half a day back although the resource has just changed; no zone or clock explains that.
fn long_ago(view: &View<'_>, shown: time::OffsetDateTime) -> bool {
    view.exchange.started.is_some_and(|now| now - shown > time::Duration::hours(12))
}

/// True when even a clock that shows no finer steps than this time would show another one: between the answer that showed it
/// first and the write that should have moved it, more time went by than two such steps.
fn could_show(view: &View<'_>, shown: time::OffsetDateTime) -> bool {
    let step = match shown.nanosecond() {
        0 => time::Duration::SECOND,
        n if n % 1_000_000 == 0 => time::Duration::MILLISECOND,
        _ => time::Duration::MICROSECOND,
    };
    let id = view.call.id.as_deref();
    let mine = || view.earlier.iter().filter(|p| p.exchange.accepted() && p.exchange.started.is_some());
    let shows = |p: &&Past| {
        let answer = p.exchange.json().and_then(Value::as_object);
        let time = answer.and_then(meta).and_then(|m| get_ci(m, "lastModified")?.as_str().and_then(parse_datetime));
        time == Some(shown) && answer.and_then(|a| get_ci(a, "id")?.as_str()) == id
    };
    let first = mine().find(shows).and_then(|p| Some(p.exchange.started? + p.exchange.duration));
    let moved = mine()
        .rev()
        .find(|p| matches!(p.call.op, Op::Patch | Op::Replace) && p.call.id.as_deref() == id)
        .and_then(|p| p.exchange.started);
    matches!((first, moved), (Some(first), Some(moved)) if moved - first > step * 2)
}

fn modified_by_read(view: &View<'_>) -> Verdict {
    let Some(known) = view.call.id.as_deref().and_then(|id| view.before.find(&view.call.endpoint, id)) else {
        return Verdict::NotApplicable;
    };
    if view.call.op != Op::Read
        || known.dirty
        || known.last_full.is_none()
        || known.refused.is_some()
        || known.endpoint != "/Users"
        || known.state != State::Live
    {
        return Verdict::NotApplicable;
    }
    // Membership changes may count as changes of the user.
    let grouped = view.before.known.count(|k| &*k.endpoint == "/Groups") > 0;
    match times(view, "lastModified") {
        Some((before, now)) if !grouped && before != now => {
            Verdict::fail("body /meta/lastModified", before.to_string(), now.to_string())
        }
        Some((before, now)) if before == now => Verdict::Pass,
        _ => Verdict::NotApplicable,
    }
}

fn client_meta(view: &View<'_>) -> Verdict {
    if !matches!(view.call.op, Op::Create | Op::Replace) || !view.accepted() {
        return Verdict::NotApplicable;
    }
    let sent = view
        .call
        .body
        .as_ref()
        .and_then(Value::as_object)
        .and_then(meta)
        .and_then(|m| get_ci(m, "created"))
        .and_then(Value::as_str);
    let shown = view.object().and_then(meta).and_then(|m| get_ci(m, "created")).and_then(Value::as_str);
    let (Some(sent), Some(shown)) = (sent, shown) else { return Verdict::NotApplicable };
    // A PUT of the body that was read carries the server's own time.
    let Some(year) = parse_datetime(sent).map(|t| t.year()) else { return Verdict::NotApplicable };
    if year > 2005 {
        return Verdict::NotApplicable;
    }
    if sent == shown || parse_datetime(sent) == parse_datetime(shown) {
        Verdict::fail("body /meta/created", "the server's own time", shown)
    } else {
        Verdict::Pass
    }
}

fn version_etag(view: &View<'_>) -> Verdict {
    let Some(tag) = view
        .response()
        .and_then(|r| r.header("etag"))
        .filter(|_| matches!(view.call.op, Op::Create | Op::Read | Op::Replace | Op::Patch) && view.accepted())
    else {
        return Verdict::NotApplicable;
    };
    let Some(version) = view.object().and_then(meta).and_then(|m| get_ci(m, "version")).and_then(Value::as_str) else {
        return Verdict::NotApplicable;
    };
    let plain = |t: &str| t.trim().trim_start_matches("W/").trim_matches('"').to_owned();
    if plain(tag) == plain(version) { Verdict::Pass } else { Verdict::fail("body /meta/version", tag, version) }
}

fn name_case(view: &View<'_>) -> Verdict {
    each(view, |resource, rt| {
        let names =
            || rt.schema.attributes.iter().map(|a| a.name.as_str()).chain(["id", "externalId", "meta", "schemas"]);
        let odd =
            resource.keys().find(|k| !names().any(|n| n == k.as_str()) && names().any(|n| n.eq_ignore_ascii_case(k)));
        Some(odd.map(|k| {
            Finding::new(
                format!("body /{k}"),
                names().find(|n| n.eq_ignore_ascii_case(k)).unwrap_or_default(),
                k.clone(),
            )
        }))
    })
}

fn external_invented(view: &View<'_>) -> Verdict {
    if view.call.op != Op::Create
        || !view.accepted()
        || view.forecast.expect == Expectation::Refuse
        || view.call.projected()
    {
        return Verdict::NotApplicable;
    }
    let sent = view.call.body.as_ref().and_then(Value::as_object).is_some_and(|b| get_ci(b, "externalId").is_some());
    let Some(body) = view.object().filter(|_| !sent) else { return Verdict::NotApplicable };
    match get_ci(body, "externalId") {
        Some(v) if !crate::shadow::facts::is_empty(v) => {
            Verdict::fail("body /externalId", "nothing: the client sent none", short(v))
        }
        _ => Verdict::Pass,
    }
}

fn content_location(view: &View<'_>) -> Verdict {
    let one = matches!(view.call.op, Op::Create | Op::Read | Op::Replace | Op::Patch) && view.accepted();
    let header = view.response().filter(|_| one).and_then(|r| r.header("content-location"));
    let shown = view.object().and_then(meta).and_then(|m| get_ci(m, "location")).and_then(Value::as_str);
    let Some(shown) = shown.filter(|_| one) else { return Verdict::NotApplicable };
    // A relative reference is resolved against the request, so that only its path can be compared.
    let path = |uri: &str| match uri.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map(|(_, p)| format!("/{p}")).unwrap_or_default(),
        None => uri.to_owned(),
    };
    match header {
        Some(uri) if !path(shown).ends_with(path(uri).trim_start_matches('.')) => {
            Verdict::fail("header Content-Location", shown, uri)
        }
        Some(_) => Verdict::Pass,
        None => Verdict::NotApplicable,
    }
}

fn new_modified(view: &View<'_>) -> Verdict {
    let meta = view.object().filter(|_| view.call.op == Op::Create && view.status() == 201).and_then(meta);
    let time = |name: &str| get_ci(meta?, name)?.as_str().and_then(parse_datetime);
    let (Some(created), Some(modified)) = (time("created"), time("lastModified")) else {
        return Verdict::NotApplicable;
    };
    if created == modified {
        return Verdict::Pass;
    }
    let finding = Finding::new("body /meta/lastModified", created.to_string(), modified.to_string());
    let close = (modified - created).abs() < time::Duration::SECOND;
    Verdict::Fail(vec![if close { finding.level(Level::Note) } else { finding }])
}
