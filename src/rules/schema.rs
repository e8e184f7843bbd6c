//! Representations (RFC 7643 §2, §3): every resource in every answer has the shape that its schema declares.

use super::rule::{Finding, Impact, Level, Rule, Verdict};
use super::view::{View, short};
use crate::scim::schema::{AttrType, Attribute, DEFAULT_PARTS, Extension, Mutability, ResourceType, Returned};
use crate::scim::value::{get_ci, parse_datetime, value_ci};
use crate::shadow::{Expectation, Op};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

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
        id: "schema/core-attributes-below-urn",
        title: "The attributes of a resource stand below the URN of their own schema",
        spec: "RFC 7643 §3, §3.3",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["res-core-at-top"],
        explain: "Only extensions have an object of their own, named with their URN. The attributes of the resource type's own schema are members of the resource itself; a client looks for userName there, finds none, and takes the account for an empty one.",
        hint: "Write the attributes of the core schema at the top of the resource.",
        wrong: "{\"id\":\"1\",\"urn:ietf:params:scim:schemas:core:2.0:User\":{\"userName\":\"a\"}}",
        right: "{\"id\":\"1\",\"userName\":\"a\"}",
        proven_by: &["core-attributes-below-urn"],
        check: core_below_urn,
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
        proven_by: &["resource-schemas-omits-extension", "resource-schemas-scim1", "patch-extension-not-in-schemas"],
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
        proven_by: &[
            "patch-replace-list-nested",
            "patch-add-list-nested",
            "emails-returned-as-strings",
            "emails-single-object",
            "addresses-single-object",
            "email-without-type-as-text",
            "custom-list-as-text",
            "addresses-list-in-list",
            "emails-object-pascal-case",
        ],
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
        proven_by: &["employee-number-as-number"],
        check: text_other,
    },
    Rule {
        id: "schema/value-of-other-type",
        title: "A number, date or binary attribute is returned in another form",
        spec: "RFC 7643 §2.3.3, §2.3.4, §2.3.5, §2.3.6",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["data-types-on-the-wire"],
        explain: "The schema that the server serves declares an integer, a decimal, a dateTime or a binary. Integers and decimals are JSON numbers, an integer without fraction; a dateTime is a text of xsd:dateTime, with time; a binary is a text of base64.",
        hint: "Serialize by the declared type.",
        wrong: "integer: {\"level\":\"3\"}",
        right: "{\"level\":3}",
        proven_by: &["integer-as-text", "decimal-as-text", "datetime-as-epoch", "binary-as-list"],
        check: other_type,
    },
    Rule {
        id: "schema/schemas-undeclared",
        title: "`schemas` names a URI that the resource type does not declare",
        spec: "RFC 7643 §3 (schemas)",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["data-schemas-declared"],
        explain: "`schemas` of a resource only holds the schema and the schemaExtensions of its resource type. A client that looks the URI up in /ResourceTypes or /Schemas finds nothing.",
        hint: "List the extension in /ResourceTypes, or do not name it in `schemas`.",
        wrong: "{\"schemas\":[\"urn:…:core:2.0:User\",\"urn:example:other\"]}, and /ResourceTypes knows no urn:example:other",
        right: "only declared URIs",
        proven_by: &["schemas-names-undeclared"],
        check: schemas_undeclared,
    },
    Rule {
        id: "schema/part-undeclared",
        title: "A complex attribute has a part that no schema declares",
        spec: "RFC 7643 §2.3.8, §7 (subAttributes)",
        level: Level::Note,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["data-parts-declared"],
        explain: "A complex attribute is made of the sub-attributes that its schema defines. What stands in it beside them is read by nobody, strict clients refuse it, and it can be large: each group of a user with all of its members.",
        hint: "Leave it out, or put it into an extension with a URN of its own.",
        wrong: "\"groups\":[{\"value\":\"g1\",\"members\":[…]}]",
        right: "\"groups\":[{\"value\":\"g1\",\"display\":\"Team\",\"$ref\":\"…/Groups/g1\"}]",
        proven_by: &["user-groups-carry-members"],
        check: part_undeclared,
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
        proven_by: &[
            "patch-primary-not-exclusive",
            "emails-two-primary",
            "patch-add-existing-value-duplicates",
            "create-two-primaries-stored",
        ],
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
];

pub(super) type Resource<'a> = &'a Map<String, Value>;

/// Judges each resource; one finding is enough per answer.
pub(super) fn each<'a>(
    view: &View<'a>,
    judge: impl Fn(Resource<'a>, &'a ResourceType) -> Option<Option<Finding>>,
) -> Verdict {
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

pub(super) fn label(resource: Resource<'_>, place: &str) -> String {
    let id = get_ci(resource, "id").map(short).unwrap_or_default();
    format!("{place} of {id}")
}

/// Attributes of core and extensions with the values that a resource has for them.
pub(super) fn values<'a>(resource: Resource<'a>, rt: &'a ResourceType) -> Vec<(String, &'a Attribute, &'a Value)> {
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

fn core_below_urn(view: &View<'_>) -> Verdict {
    each(view, |resource, rt| {
        let below = get_ci(resource, &rt.schema.id).and_then(Value::as_object).filter(|inner| !inner.is_empty());
        Some(below.map(|inner| {
            let names: Vec<&str> = inner.keys().take(3).map(String::as_str).collect();
            Finding::new(
                label(resource, "schemas"),
                "its attributes at the top",
                format!("{} below the URN", names.join(", ")),
            )
        }))
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
    each(view, |resource, rt| {
        let list: Vec<&str> = get_ci(resource, "schemas")?.as_array()?.iter().filter_map(Value::as_str).collect();
        // A URN that was cut at a dot of its own is no schema: that the value stands there is another rule's.
        let cut = |k: &str| {
            list.iter().any(|s| {
                s.get(..k.len()).is_some_and(|head| head.eq_ignore_ascii_case(k)) && s[k.len()..].starts_with('.')
            })
        };
        let urn = |k: &str| k.to_ascii_lowercase().starts_with("urn:") && !rt.is_qualified_name(k) && !cut(k);
        let containers: Vec<&String> =
            resource.iter().filter(|(k, v)| urn(k) && !crate::shadow::facts::is_empty(v)).map(|(k, _)| k).collect();
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

/// A single value of a resource, sub-attributes and elements included, and the attribute that it is a value of.
pub struct Leaf<'a> {
    urn: Option<&'a str>,
    name: &'a str,
    sub: Option<&'a str>,
    kind: AttrType,
    value: &'a Value,
}

impl Leaf<'_> {
    fn place(&self) -> String {
        let urn = self.urn.map(|u| format!("{u}:")).unwrap_or_default();
        let sub = self.sub.map(|s| format!(".{s}")).unwrap_or_default();
        format!("body /{urn}{}{sub}", self.name)
    }
}

/// The single values of all resources in the answer.
fn leaves<'v, 'a>(view: &'v View<'a>) -> &'v [Leaf<'a>] {
    view.leaves.get_or_init(|| {
        let mut out = Vec::new();
        let Some(rt) = view.resource_type() else { return out };
        for resource in view.resources() {
            for a in &rt.schema.attributes {
                collect(None, a, get_ci(resource, &a.name), &mut out);
            }
            for e in &rt.extensions {
                let Some(Value::Object(inner)) = get_ci(resource, &e.schema.id) else { continue };
                for a in &e.schema.attributes {
                    collect(Some(&e.schema.id), a, get_ci(inner, &a.name), &mut out);
                }
            }
        }
        out
    })
}

fn collect<'a>(urn: Option<&'a str>, a: &'a Attribute, v: Option<&'a Value>, out: &mut Vec<Leaf<'a>>) {
    match v {
        None | Some(Value::Null) => {}
        Some(Value::Array(items)) if a.multi_valued => items.iter().for_each(|i| collect(urn, a, Some(i), out)),
        Some(Value::Object(inner)) if a.kind == AttrType::Complex => {
            for sub in &a.sub_attributes {
                let mut push =
                    |value| out.push(Leaf { urn, name: &a.name, sub: Some(&sub.name), kind: sub.kind, value });
                match get_ci(inner, &sub.name) {
                    None | Some(Value::Null) => {}
                    Some(Value::Array(items)) if sub.multi_valued => items.iter().for_each(push),
                    Some(value) => push(value),
                }
            }
        }
        Some(value) => out.push(Leaf { urn, name: &a.name, sub: None, kind: a.kind, value }),
    }
}

/// Judges the values of one type; members have a rule of their own.
fn kind_rule(view: &View<'_>, kind: AttrType, expected: &str, right: impl Fn(&Value) -> bool) -> Verdict {
    let mut found = leaves(view).iter().filter(|l| l.kind == kind).peekable();
    if found.peek().is_none() {
        return Verdict::NotApplicable;
    }
    match found.find(|l| !right(l.value) && l.name != "members") {
        Some(wrong) => Verdict::fail(wrong.place(), expected, short(wrong.value)),
        None => Verdict::Pass,
    }
}

fn boolean_text(view: &View<'_>) -> Verdict {
    kind_rule(view, AttrType::Boolean, "true or false", Value::is_boolean)
}

fn text_other(view: &View<'_>) -> Verdict {
    kind_rule(view, AttrType::String, "a string", Value::is_string)
}

fn other_type(view: &View<'_>) -> Verdict {
    if !view.target.schemas_known {
        return Verdict::NotApplicable;
    }
    let text = |v: &Value, right: fn(&str) -> bool| v.as_str().is_some_and(|s| s.is_empty() || right(s));
    let verdicts = [
        kind_rule(view, AttrType::Integer, "an integer", |v| v.is_i64() || v.is_u64()),
        kind_rule(view, AttrType::Decimal, "a number", Value::is_number),
        kind_rule(view, AttrType::DateTime, "a text of xsd:dateTime", |v| text(v, |s| parse_datetime(s).is_some())),
        kind_rule(view, AttrType::Binary, "a text of base64", |v| text(v, base64)),
    ];
    let passed = verdicts.contains(&Verdict::Pass);
    let failed = verdicts.into_iter().find(|v| matches!(v, Verdict::Fail(_)));
    failed.unwrap_or(if passed { Verdict::Pass } else { Verdict::NotApplicable })
}

/// Base64 of either alphabet (RFC 4648 §4, §5), perhaps in lines.
fn base64(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/-_= \r\n".contains(&b))
}

/// A URI that stands in an answer because a client sent it is kept, not claimed: less than a MUST.
fn schemas_undeclared(view: &View<'_>) -> Verdict {
    let Some(declared) = view.target.declared.get(&view.call.endpoint) else { return Verdict::NotApplicable };
    let sent = |uri: &str| {
        let bodies = view.earlier.iter().map(|p| &p.call).chain([view.call]).filter_map(|c| c.body.as_ref());
        let mut lists =
            bodies.filter_map(|b| b.as_object().and_then(|b| get_ci(b, "schemas")).and_then(Value::as_array));
        lists.any(|l| l.iter().any(|s| s.as_str().is_some_and(|s| s.eq_ignore_ascii_case(uri))))
    };
    each(view, |resource, rt| {
        let list = get_ci(resource, "schemas")?.as_array()?;
        let known = |uri: &str| {
            let mut own = declared.iter().map(String::as_str).chain([rt.schema.id.as_str()]);
            own.any(|d| d.eq_ignore_ascii_case(uri))
        };
        // A message's URN in a resource is told by other rules.
        let message = |uri: &str| uri.to_ascii_lowercase().contains(":api:messages:");
        let odd = list.iter().filter_map(Value::as_str).find(|s| !known(s) && !message(s));
        Some(odd.map(|s| {
            let finding = Finding::new("body /schemas", format!("only {}", declared.join(", ")), s);
            if sent(s) { finding.level(Level::Should) } else { finding }
        }))
    })
}

/// A part that a client sent and gets back is kept, not claimed.
fn part_undeclared(view: &View<'_>) -> Verdict {
    let sent = |attribute: &str, part: &str| {
        let mut bodies = view.earlier.iter().map(|p| &p.call).chain([view.call]).filter_map(|c| c.body.as_ref());
        bodies.any(|b| {
            let text = b.to_string();
            [attribute, part].iter().all(|name| text.contains(&format!("\"{name}")))
        })
    };
    each(view, |resource, rt| {
        let complex = values(resource, rt).into_iter().filter(|(_, a, _)| a.kind == AttrType::Complex);
        let mut seen = false;
        for (name, attribute, value) in complex {
            let elements = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            // A list of thousands has the same few parts again and again.
            let parts: BTreeSet<&str> =
                elements.iter().filter_map(Value::as_object).flat_map(Map::keys).map(String::as_str).collect();
            seen |= !parts.is_empty();
            let declared = |part: &str| {
                let mut known = attribute.sub_attributes.iter().map(|s| s.name.as_str()).chain(DEFAULT_PARTS);
                known.any(|k| k.eq_ignore_ascii_case(part))
            };
            // Another spelling of a name is told elsewhere, so is an attribute whose parts nobody has told.
            let mut odd = parts.into_iter().filter(|p| !attribute.sub_attributes.is_empty() && !declared(p));
            if let Some(part) = odd.find(|part| !sent(&attribute.name, part)) {
                let (expected, actual) = ("the sub-attributes of the schema", format!("{part:?} beside them"));
                return Some(Some(Finding::new(format!("body /{name}"), expected, actual)));
            }
        }
        seen.then_some(None)
    })
}

fn two_primaries(view: &View<'_>) -> Verdict {
    each(view, |resource, rt| {
        let mut seen = false;
        for (name, _, v) in values(resource, rt).into_iter().filter(|(_, a, _)| a.multi_valued) {
            let primaries = v
                .as_array()
                .map_or(0, |l| l.iter().filter(|e| value_ci(e, "primary") == Some(&Value::Bool(true))).count());
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
