//! Faults: single discovery documents, and what they say of the RFC's own attributes.
//!
//! Must not know the rules that find them.

use super::Fault;
use crate::scim::urn;
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Target};
use crate::server::reply::{Content, Reply};
use serde_json::{Map, Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "schemas-emails-singular",
        title: "The User schema declares emails with one value",
        area: "discovery",
        source: &[],
        wrong: "\"multiValued\": false",
        right: "\"multiValued\": true",
        hooks: &[Hook::After(|call, reply, _| {
            each_attribute(call, reply, |a| {
                if a["name"] == "emails" {
                    a.insert("multiValued".into(), false.into());
                }
            });
        })],
    },
    Fault {
        id: "schemas-active-string",
        title: "The User schema declares active as text",
        area: "discovery",
        source: &[],
        wrong: "\"type\": \"string\"",
        right: "\"type\": \"boolean\"",
        hooks: &[Hook::After(|call, reply, _| {
            each_attribute(call, reply, |a| {
                if a["name"] == "active" {
                    a.insert("type".into(), "string".into());
                }
            });
        })],
    },
    Fault {
        id: "schemas-groups-writable",
        title: "The User schema declares groups as writable",
        area: "discovery",
        source: &[],
        wrong: "\"mutability\": \"readWrite\"",
        right: "\"mutability\": \"readOnly\"",
        hooks: &[Hook::After(|call, reply, _| {
            each_attribute(call, reply, |a| {
                if a["name"] == "groups" {
                    a.insert("mutability".into(), "readWrite".into());
                }
            });
        })],
    },
    Fault {
        id: "schemas-attribute-name-odd",
        title: "An attribute name in a schema has a blank",
        area: "discovery",
        source: &[],
        wrong: "\"name\": \"nick name\"",
        right: "\"name\": \"nickName\"",
        hooks: &[Hook::After(|call, reply, _| {
            each_attribute(call, reply, |a| {
                if a["name"] == "nickName" {
                    a.insert("name".into(), "nick name".into());
                }
            });
        })],
    },
    Fault {
        id: "schemas-nested-complex",
        title: "A sub-attribute is declared as complex",
        area: "discovery",
        source: &[],
        wrong: "emails.value: \"type\": \"complex\"",
        right: "\"type\": \"string\"",
        hooks: &[Hook::After(|call, reply, _| {
            each_attribute(call, reply, |a| {
                if a["name"] == "emails" {
                    let inner = a["subAttributes"].clone();
                    a["subAttributes"][0]["type"] = "complex".into();
                    a["subAttributes"][0]["subAttributes"] = inner;
                }
            });
        })],
    },
    Fault {
        id: "schemas-without-sub-attributes",
        title: "Complex attributes are declared without their parts",
        area: "discovery",
        source: &[],
        wrong: "\"name\": \"members\", \"type\": \"complex\"",
        right: "with subAttributes value, $ref, type, display",
        hooks: &[Hook::After(|call, reply, _| {
            each_attribute(call, reply, |a| {
                a.remove("subAttributes");
            });
        })],
    },
    Fault {
        id: "schemas-by-id-first",
        title: "A schema that is read by its URN is always the User schema",
        area: "discovery",
        source: &[],
        wrong: "\"id\": \"urn:…:core:2.0:User\"",
        right: "the one that was asked for",
        hooks: &[Hook::Before(|call, _| {
            if let Target::Schemas(Some(id)) = &mut call.target
                && id.starts_with("urn:ietf:")
            {
                *id = urn::USER.to_owned();
            }
            None
        })],
    },
    Fault {
        id: "schemas-by-id-list",
        title: "A schema that is read by its URN comes as the list of all",
        area: "discovery",
        source: &[],
        wrong: "{\"Resources\": [..]}",
        right: "the document itself",
        hooks: &[Hook::After(|call, reply, _| {
            if matches!(call.target, Target::Schemas(Some(_)))
                && reply.ok()
                && let Some(body) = reply.body().cloned()
            {
                reply.content =
                    Content::Json(json!({ "schemas": [urn::LIST], "totalResults": 1, "Resources": [body] }));
            }
        })],
    },
    Fault {
        id: "serviceproviderconfig-schemas-wrong",
        title: "ServiceProviderConfig names another schema",
        area: "discovery",
        source: &[],
        wrong: "the User URN",
        right: "its own URN",
        hooks: &[Hook::After(|call, reply, _| {
            if call.target == Target::Config && reply.ok() {
                rename(reply.body_mut());
            }
        })],
    },
    Fault {
        id: "resourcetypes-schemas-wrong",
        title: "Resource types name the schema of their resources as their own",
        area: "discovery",
        source: &[],
        wrong: "\"schemas\": [\"urn:…:core:2.0:User\"]",
        right: "the ResourceType URN",
        hooks: &[Hook::After(|call, reply, _| {
            if matches!(call.target, Target::ResourceTypes(_)) && reply.ok() {
                reply.resources().into_iter().for_each(|document| rename(Some(document)));
            }
        })],
    },
    Fault {
        id: "resourcetypes-extensions-as-text",
        title: "schemaExtensions is a list of URNs",
        area: "discovery",
        source: &[],
        wrong: "[\"urn:…:enterprise:2.0:User\"]",
        right: "[{\"schema\": \"urn:…\", \"required\": false}]",
        hooks: &[Hook::After(|call, reply, _| {
            each_extension(call, reply, |e| *e = e["schema"].clone());
        })],
    },
    Fault {
        id: "resourcetypes-extension-required-text",
        title: "required of a schema extension is text",
        area: "discovery",
        source: &[],
        wrong: "\"required\": \"false\"",
        right: "\"required\": false",
        hooks: &[Hook::After(|call, reply, _| {
            each_extension(call, reply, |e| e["required"] = "false".into());
        })],
    },
    Fault {
        id: "serviceproviderconfig-schemes-as-text",
        title: "authenticationSchemes is a list of words",
        area: "discovery",
        source: &[],
        wrong: "[\"oauthbearertoken\"]",
        right: "a list of objects",
        hooks: &[Hook::After(|call, reply, _| {
            if call.target == Target::Config
                && let Some(body) = reply.body_mut()
            {
                body.insert("authenticationSchemes".into(), json!(["oauthbearertoken"]));
            }
        })],
    },
    Fault {
        id: "serviceproviderconfig-bulk-limit-zero",
        title: "Bulk is supported with no operation at all",
        area: "discovery",
        source: &[],
        wrong: "\"bulk\": {\"supported\": true, \"maxOperations\": 0}",
        right: "the real limit",
        hooks: &[Hook::After(|call, reply, _| {
            if call.target == Target::Config
                && let Some(bulk) = reply.body_mut().and_then(|b| b.get_mut("bulk"))
            {
                bulk["maxOperations"] = 0.into();
            }
        })],
    },
];

/// Changes each attribute of /Schemas.
pub(super) fn each_attribute(call: &Call, reply: &mut Reply, mut change: impl FnMut(&mut Map<String, Value>)) {
    if !matches!(call.target, Target::Schemas(_)) {
        return;
    }
    for schema in reply.resources() {
        let all = schema.get_mut("attributes").and_then(Value::as_array_mut);
        all.into_iter().flatten().filter_map(Value::as_object_mut).for_each(&mut change);
    }
}

fn each_extension(call: &Call, reply: &mut Reply, change: fn(&mut Value)) {
    if !matches!(call.target, Target::ResourceTypes(_)) {
        return;
    }
    for document in reply.resources() {
        let all = document.get_mut("schemaExtensions").and_then(Value::as_array_mut);
        all.into_iter().flatten().for_each(change);
    }
}

fn rename(document: Option<&mut Map<String, Value>>) {
    if let Some(document) = document {
        document.insert("schemas".into(), json!([urn::USER]));
    }
}
