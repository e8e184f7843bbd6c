//! Faults: `attributes` and `excludedAttributes`.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{drop_from_body_of_search, each_group, lists};
use crate::scim::path::parse_attr_path;
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind};
use crate::server::intake::resource_type;
use crate::server::reply::Reply;
use serde_json::{Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "attributes-complex-parent-empty",
        title: "attributes=name returns an empty name",
        area: "projection",
        source: &["https://github.com/python-scim/scim2-models/issues/114"],
        wrong: "\"name\": {}",
        right: "all sub-attributes",
        hooks: &[Hook::After(|call, reply, _| {
            let asked = call.param("attributes").unwrap_or_default().to_owned();
            if call.kind().is_none() {
                return;
            }
            for resource in reply.resources() {
                for name in asked.split(',').map(str::trim) {
                    if let Some(value) = resource.get_mut(name).filter(|v| v.is_object()) {
                        *value = json!({});
                    }
                }
            }
        })],
    },
    Fault {
        id: "excludedattributes-members-ignored",
        title: "excludedAttributes=members ignored",
        area: "projection",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/490"],
        wrong: "members present",
        right: "members absent",
        hooks: &[Hook::Before(|call, _| {
            if call.kind() == Some(Kind::Group) {
                call.query.retain(|(name, list)| {
                    !name.eq_ignore_ascii_case("excludedAttributes") || !list.contains("members")
                });
            }
            None
        })],
    },
    Fault {
        id: "excludedattributes-members-null",
        title: "Excluded members come back as null",
        area: "projection",
        source: &["https://github.com/getsentry/sentry/pull/27956"],
        wrong: "\"members\": null",
        right: "attribute absent",
        hooks: &[Hook::After(|call, reply, _| {
            let excludes = call.param("excludedAttributes").is_some_and(|list| list.contains("members"));
            if excludes {
                each_group(call, reply, |group| {
                    group.insert("members".into(), Value::Null);
                });
            }
        })],
    },
    Fault {
        id: "attributes-ignored",
        title: "attributes is ignored",
        area: "projection",
        source: &[],
        wrong: "all attributes",
        right: "only those asked for",
        hooks: &[Hook::Before(|call, _| {
            call.query.retain(|(name, _)| !name.eq_ignore_ascii_case("attributes"));
            drop_from_body_of_search(call, "attributes");
            None
        })],
    },
    Fault {
        id: "attributes-drops-id",
        title: "attributes=userName leaves out id",
        area: "projection",
        source: &[],
        wrong: "no id",
        right: "id is always returned",
        hooks: &[Hook::After(|call, reply, _| {
            if call.param("attributes").is_some() && call.kind().is_some() {
                for resource in reply.resources() {
                    resource.shift_remove("id");
                }
            }
        })],
    },
    Fault {
        id: "attributes-drops-schemas",
        title: "attributes=userName leaves out schemas",
        area: "projection",
        source: &[],
        wrong: "no schemas",
        right: "schemas is always returned",
        hooks: &[Hook::After(|call, reply, _| {
            if call.param("attributes").is_some() && call.kind().is_some() {
                for resource in reply.resources() {
                    resource.shift_remove("schemas");
                }
            }
        })],
    },
    Fault {
        id: "attributes-on-list-ignored",
        title: "attributes is ignored in lists",
        area: "projection",
        source: &[],
        wrong: "all attributes",
        right: "only those asked for",
        hooks: &[Hook::Before(|call, _| {
            if lists(call) {
                call.query.retain(|(name, _)| !name.eq_ignore_ascii_case("attributes"));
            }
            None
        })],
    },
    Fault {
        id: "attributes-sub-ignored",
        title: "attributes=name.familyName returns no name",
        area: "projection",
        source: &[],
        wrong: "no name",
        right: "name with familyName",
        hooks: &[Hook::After(|call, reply, _| {
            if call.param("attributes").is_some_and(|a| a.contains("name.")) {
                for resource in reply.resources() {
                    resource.shift_remove("name");
                }
            }
        })],
    },
    Fault {
        id: "attributes-case-sensitive",
        title: "Names in attributes are compared with case",
        area: "projection",
        source: &[],
        wrong: "USERNAME returns nothing",
        right: "attribute names are case-insensitive",
        hooks: &[Hook::After(|call, reply, _| {
            let asked = call.param("attributes").unwrap_or_default().to_owned();
            if call.kind().is_none() || asked.is_empty() {
                return;
            }
            for resource in reply.resources() {
                resource.retain(|name, _| matches!(name.as_str(), "id" | "schemas") || asked.contains(name.as_str()));
            }
        })],
    },
    Fault {
        id: "attributes-unknown-500",
        title: "An unknown name in attributes crashes",
        area: "projection",
        source: &[],
        wrong: "500",
        right: "ignored",
        hooks: &[Hook::Before(|call, _| {
            let asked = call.param("attributes")?;
            let rt = resource_type(call.kind()?);
            let unknown = |name: &str| parse_attr_path(name.trim()).is_ok_and(|p| rt.attribute(&p).is_none());
            asked.split(',').any(unknown).then(Reply::crash)
        })],
    },
    Fault {
        id: "excludedattributes-ignored",
        title: "excludedAttributes is ignored",
        area: "projection",
        source: &[],
        wrong: "all attributes",
        right: "without those named",
        hooks: &[Hook::Before(|call, _| {
            call.query.retain(|(name, _)| !name.eq_ignore_ascii_case("excludedAttributes"));
            drop_from_body_of_search(call, "excludedAttributes");
            None
        })],
    },
    Fault {
        id: "excludedattributes-drops-id",
        title: "excludedAttributes=id leaves out id",
        area: "projection",
        source: &[],
        wrong: "no id",
        right: "id is always returned",
        hooks: &[Hook::After(|call, reply, _| {
            if call.param("excludedAttributes").is_some_and(|l| l.contains("id")) && call.kind().is_some() {
                for resource in reply.resources() {
                    resource.shift_remove("id");
                }
            }
        })],
    },
    Fault {
        id: "excludedattributes-on-get-ignored",
        title: "excludedAttributes is ignored for one resource",
        area: "projection",
        source: &[],
        wrong: "members present",
        right: "members absent",
        hooks: &[Hook::Before(|call, _| {
            if call.id().is_some() {
                call.query.retain(|(name, _)| !name.eq_ignore_ascii_case("excludedAttributes"));
            }
            None
        })],
    },
    Fault {
        id: "attributes-sub-gives-whole",
        title: "A sub-attribute that is asked for comes with all the others",
        area: "projection",
        source: &[],
        wrong: "attributes=name.givenName → \"name\": {\"givenName\": …, \"familyName\": …}",
        right: "\"name\": {\"givenName\": …}",
        hooks: &[Hook::Before(|call, _| each_name(call, "attributes", |name| Some(without_sub(name))))],
    },
    Fault {
        id: "attributes-extension-gives-whole",
        title: "An attribute of an extension that is asked for comes with all the others",
        area: "projection",
        source: &[],
        wrong: "attributes=urn:…:enterprise:2.0:User:department → costCenter, too",
        right: "department alone",
        hooks: &[Hook::Before(|call, _| {
            each_name(call, "attributes", |name| {
                let extension =
                    name.to_ascii_lowercase().starts_with(&crate::scim::urn::ENTERPRISE.to_ascii_lowercase());
                Some(if extension { crate::scim::urn::ENTERPRISE.to_owned() } else { name.to_owned() })
            })
        })],
    },
    Fault {
        id: "attributes-list-cut",
        title: "A multi-valued attribute that is asked for comes with its first value alone",
        area: "projection",
        source: &[],
        wrong: "attributes=emails → one of two e-mail addresses",
        right: "both",
        hooks: &[Hook::After(|call, reply, _| {
            let asked = call.param("attributes").unwrap_or_default().to_owned();
            if call.kind().is_none() || call.method != "GET" {
                return;
            }
            for resource in reply.resources() {
                for name in asked.split(',').map(str::trim) {
                    if let Some(Value::Array(values)) = resource.get_mut(name) {
                        values.truncate(1);
                    }
                }
            }
        })],
    },
    Fault {
        id: "excludedattributes-sub-ignored",
        title: "A sub-attribute in excludedAttributes is ignored",
        area: "projection",
        source: &[],
        wrong: "excludedAttributes=name.givenName → \"givenName\" present",
        right: "absent",
        hooks: &[Hook::Before(|call, _| {
            each_name(call, "excludedAttributes", |name| (without_sub(name) == name).then(|| name.to_owned()))
        })],
    },
    Fault {
        id: "excludedattributes-urn-ignored",
        title: "excludedAttributes does not understand names with their schema's URN",
        area: "projection",
        source: &[],
        wrong: "excludedAttributes=urn:…:core:2.0:User:displayName → \"displayName\" present",
        right: "absent",
        hooks: &[Hook::Before(|call, _| {
            each_name(call, "excludedAttributes", |name| (!name.starts_with("urn:")).then(|| name.to_owned()))
        })],
    },
];

/// Rewrites each name of a parameter; `None` takes it out.
fn each_name(call: &mut Call, parameter: &str, change: fn(&str) -> Option<String>) -> Option<Reply> {
    for (_, list) in call.query.iter_mut().filter(|(name, _)| name.eq_ignore_ascii_case(parameter)) {
        *list = list.split(',').map(str::trim).filter_map(change).collect::<Vec<_>>().join(",");
    }
    call.query.retain(|(name, list)| !name.eq_ignore_ascii_case(parameter) || !list.is_empty());
    None
}

/// `name.givenName` → `name`, with or without a URN before it (which has dots of its own).
fn without_sub(name: &str) -> String {
    let start = name.rfind(':').map_or(0, |i| i + 1);
    match name[start..].split_once('.') {
        Some((parent, _)) => format!("{}{parent}", &name[..start]),
        None => name.to_owned(),
    }
}
