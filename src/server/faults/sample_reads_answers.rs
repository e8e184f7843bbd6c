//! Faults of public servers, a later sample: discovery documents, errors, media types.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::documents::each_attribute;
use super::tools::{filter_text, forget, remember, remembers};
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind, Target};
use crate::server::reply::{Content, Reply};
use serde_json::{Map, Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "schemas-mutability-lower-case",
        title: "/Schemas writes the words of mutability in lower case",
        area: "discovery",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/242"],
        wrong: "\"mutability\": \"readwrite\"",
        right: "\"mutability\": \"readWrite\"",
        hooks: &[Hook::After(|call, reply, _| {
            each_definition(call, reply, |a| {
                if let Some(Value::String(word)) = a.get_mut("mutability") {
                    word.make_ascii_lowercase();
                }
            });
        })],
    },
    Fault {
        id: "schemas-words-upper-case",
        title: "/Schemas writes types and characteristics as the constants of the program",
        area: "discovery",
        source: &["https://github.com/wso2/product-is/issues/11194"],
        wrong: "\"type\": \"STRING\", \"mutability\": \"READ_WRITE\"",
        right: "\"type\": \"string\", \"mutability\": \"readWrite\"",
        hooks: &[Hook::After(|call, reply, _| {
            each_definition(call, reply, |a| {
                for name in ["type", "mutability", "returned", "uniqueness"] {
                    if let Some(Value::String(word)) = a.get_mut(name) {
                        *word = word.replace('W', "_W").replace('O', "_O").replace('T', "_T").to_ascii_uppercase();
                    }
                }
            });
        })],
    },
    Fault {
        id: "schemas-photos-value-string",
        title: "/Schemas declares the value of photos as string, with referenceTypes",
        area: "discovery",
        source: &["https://github.com/apache/directory-scimple/issues/383"],
        wrong: "\"type\": \"string\", \"referenceTypes\": [\"external\"]",
        right: "\"type\": \"reference\"",
        hooks: &[Hook::After(|call, reply, _| {
            each_part_of(call, reply, "photos", |part| {
                if part["name"] == "value" {
                    part.insert("type".into(), "string".into());
                }
            });
        })],
    },
    Fault {
        id: "schemas-type-array",
        title: "/Schemas declares the parts of a list as of type array, and the list as one value",
        area: "discovery",
        source: &["https://github.com/jelhub/scimgateway/issues/178"],
        wrong: "groups.value: \"type\": \"array\"",
        right: "\"type\": \"string\"",
        hooks: &[Hook::After(|call, reply, _| {
            each_part_of(call, reply, "groups", |part| {
                part.insert("type".into(), "array".into());
            });
            each_attribute(call, reply, |a| {
                if a["name"] == "groups" {
                    a.insert("multiValued".into(), false.into());
                }
            });
        })],
    },
    Fault {
        id: "schemas-name-string",
        title: "/Schemas declares name as string, with its parts",
        area: "discovery",
        source: &["https://github.com/limosa-io/laravel-scim-server/issues/103"],
        wrong: "\"type\": \"string\", \"subAttributes\": [..]",
        right: "\"type\": \"complex\"",
        hooks: &[Hook::After(|call, reply, _| {
            each_attribute(call, reply, |a| {
                if a["name"] == "name" {
                    a.insert("type".into(), "string".into());
                }
            });
        })],
    },
    Fault {
        id: "schemas-primary-string",
        title: "/Schemas declares primary as string",
        area: "discovery",
        source: &["https://github.com/wso2/charon/issues/177"],
        wrong: "roles.primary: \"type\": \"string\"",
        right: "\"type\": \"boolean\"",
        hooks: &[Hook::After(|call, reply, _| {
            for list in ["ims", "photos", "roles", "entitlements", "x509Certificates"] {
                each_part_of(call, reply, list, |part| {
                    if part["name"] == "primary" {
                        part.insert("type".into(), "string".into());
                    }
                });
            }
        })],
    },
    Fault {
        id: "schemas-without-meta",
        title: "Schemas have no meta",
        area: "discovery",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/339"],
        wrong: "no meta",
        right: "meta with resourceType and location",
        hooks: &[Hook::After(|call, reply, _| {
            if matches!(call.target, Target::Schemas(_)) {
                reply.resources().into_iter().for_each(|schema| drop(schema.shift_remove("meta")));
            }
        })],
    },
    Fault {
        id: "schemas-descriptions-misspelled",
        title: "/Schemas spells description in the plural",
        area: "discovery",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/22"],
        wrong: "\"descriptions\": \"…\"",
        right: "\"description\": \"…\"",
        hooks: &[Hook::After(|call, reply, _| {
            each_definition(call, reply, |a| {
                if let Some(text) = a.shift_remove("description") {
                    a.insert("descriptions".into(), text);
                }
            });
        })],
    },
    Fault {
        id: "resourcetypes-plural",
        title: "The ids and locations of resource types are in the plural",
        area: "discovery",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/223"],
        wrong: "\"id\": \"Users\", /ResourceTypes/Users",
        right: "\"id\": \"User\", /ResourceTypes/User",
        hooks: &[Hook::After(|call, reply, _| {
            each_type(call, reply, |document| {
                if let Some(Value::String(id)) = document.get_mut("id") {
                    id.push('s');
                }
                if let Some(Value::String(place)) = document.get_mut("meta").and_then(|m| m.get_mut("location")) {
                    place.push('s');
                }
            });
        })],
    },
    Fault {
        id: "resourcetypes-extensions-object",
        title: "schemaExtensions is an object instead of a list",
        area: "discovery",
        source: &["https://github.com/wso2/product-is/issues/21729"],
        wrong: "{\"schema\": \"urn:…\", \"required\": false}",
        right: "[{\"schema\": \"urn:…\", \"required\": false}]",
        hooks: &[Hook::After(|call, reply, _| {
            each_type(call, reply, |document| {
                if let Some(all) = document.get_mut("schemaExtensions") {
                    *all = all[0].clone();
                }
            });
        })],
    },
    Fault {
        id: "resourcetypes-without-id",
        title: "Resource types have no id",
        area: "discovery",
        source: &["https://github.com/keycloak/keycloak/issues/48464"],
        wrong: "no id",
        right: "\"id\": \"User\"",
        hooks: &[Hook::After(|call, reply, _| {
            each_type(call, reply, |document| drop(document.shift_remove("id")));
        })],
    },
    Fault {
        id: "resourcetypes-bare-entries",
        title: "/ResourceTypes is a list of schema and endpoint, without anything else",
        area: "discovery",
        source: &["https://github.com/wso2/product-is/issues/21744"],
        wrong: "{\"Resources\": [{\"schema\": \"urn:…\", \"endpoint\": \"/Users\"}]}",
        right: "a ListResponse of documents with schemas, id and name",
        hooks: &[Hook::After(|call, reply, _| {
            each_type(call, reply, |document| document.retain(|name, _| name == "schema" || name == "endpoint"));
            if call.target == Target::ResourceTypes(None)
                && let Some(body) = reply.body_mut()
            {
                body.retain(|name, _| name == "Resources");
            }
        })],
    },
    Fault {
        id: "serviceproviderconfig-schemes-object",
        title: "authenticationSchemes is an object instead of a list",
        area: "discovery",
        source: &["https://github.com/JanssenProject/jans/issues/2414"],
        wrong: "{\"type\": \"oauthbearertoken\", ..}",
        right: "[{\"type\": \"oauthbearertoken\", ..}]",
        hooks: &[Hook::After(|call, reply, _| {
            in_config(call, reply, |body| body["authenticationSchemes"] = body["authenticationSchemes"][0].clone());
        })],
    },
    Fault {
        id: "serviceproviderconfig-schemes-empty",
        title: "authenticationSchemes is empty",
        area: "discovery",
        source: &[
            "https://github.com/better-auth/better-auth/issues/10413",
            "https://github.com/osiam/osiam/issues/309",
        ],
        wrong: "[]",
        right: "the scheme that the server takes",
        hooks: &[Hook::After(|call, reply, _| {
            in_config(call, reply, |body| body["authenticationSchemes"] = json!([]));
        })],
    },
    Fault {
        id: "serviceproviderconfig-filter-number",
        title: "filter.supported is the number 0, and filters work",
        area: "discovery",
        source: &["https://docs.snowflake.com/release-notes/bcr-bundles/2026_03/bcr-2276"],
        wrong: "\"supported\": 0",
        right: "\"supported\": true",
        hooks: &[Hook::After(|call, reply, _| {
            in_config(call, reply, |body| body["filter"]["supported"] = 0.into());
        })],
    },
    Fault {
        id: "serviceproviderconfig-meta-without-type",
        title: "meta of ServiceProviderConfig lacks resourceType",
        area: "discovery",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/331"],
        wrong: "\"meta\": {\"location\": ..}",
        right: "with resourceType ServiceProviderConfig",
        hooks: &[Hook::After(|call, reply, _| {
            in_config(call, reply, |body| {
                if let Some(meta) = body.get_mut("meta").and_then(Value::as_object_mut) {
                    meta.shift_remove("resourceType");
                }
            });
        })],
    },
    Fault {
        id: "error-as-text-in-message",
        title: "The SCIM error stands as text in the error of another interface",
        area: "errors",
        source: &["https://github.com/wireapp/wire-server/issues/5434"],
        wrong: "{\"code\": 404, \"label\": \"scim-error\", \"message\": \"{\\\"detail\\\": ..}\"}",
        right: "the Error itself",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.status >= 400
                && let Some(body) = reply.body().cloned()
            {
                let wrapped = json!({ "code": reply.status, "label": "scim-error", "message": body.to_string() });
                reply.content = Content::Json(wrapped);
            }
        })],
    },
    Fault {
        id: "unknown-id-401",
        title: "Unknown ids answer 401",
        area: "errors",
        source: &["https://github.com/ssoready/ssoready/pull/259"],
        wrong: "401",
        right: "404",
        hooks: &[Hook::After(|call, reply, _| {
            if reply.status == 404 && call.id().is_some() {
                reply.restatus(401);
            }
        })],
    },
    Fault {
        id: "error-scimtype-capitalised",
        title: "The words of scimType begin with a capital",
        area: "errors",
        source: &["https://github.com/wso2/product-is/issues/7367", "https://github.com/wso2/product-is/issues/3373"],
        wrong: "\"scimType\": \"InvalidFilter\"",
        right: "\"scimType\": \"invalidFilter\"",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.status >= 400
                && let Some(Value::String(word)) = reply.body_mut().and_then(|b| b.get_mut("scimType"))
                && let Some(first) = word.get_mut(..1)
            {
                first.make_ascii_uppercase();
            }
        })],
    },
    Fault {
        id: "error-scimtype-empty",
        title: "An error without a keyword has an empty scimType",
        area: "errors",
        source: &["https://github.com/GluuFederation/SCIM-Client/issues/46"],
        wrong: "\"scimType\": \"\"",
        right: "no scimType",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.status >= 400
                && let Some(body) = reply.body_mut().filter(|b| b.contains_key("status"))
            {
                body.entry("scimType").or_insert_with(|| "".into());
            }
        })],
    },
    Fault {
        id: "request-accept-json-406",
        title: "Accept: application/json is refused",
        area: "headers",
        source: &["https://github.com/Captain-P-Goldfish/scim-for-keycloak/issues/23"],
        wrong: "406",
        right: "200",
        hooks: &[Hook::Before(|call, _| accepts_only(call, "application/json").then(not_acceptable))],
    },
    Fault {
        id: "request-accept-range-406",
        title: "Accept: application/* is refused",
        area: "headers",
        source: &["https://github.com/wso2/product-is/issues/3374"],
        wrong: "406",
        right: "200",
        hooks: &[Hook::Before(|call, _| accepts_only(call, "application/*").then(not_acceptable))],
    },
    Fault {
        id: "get-without-content-type-406",
        title: "A GET without a Content-Type is refused",
        area: "headers",
        source: &["https://github.com/MicrosoftDocs/azure-docs/issues/94189"],
        wrong: "406",
        right: "200",
        hooks: &[Hook::Before(|call, _| {
            (call.method == "GET" && call.header("content-type").is_none()).then(not_acceptable)
        })],
    },
    Fault {
        id: "throttled-as-500",
        title: "A throttled request is answered as a crash",
        area: "errors",
        source: &["https://github.com/databricks/databricks-sdk-go/pull/721"],
        wrong: "500 REQUEST_LIMIT_EXCEEDED",
        right: "429 with Retry-After",
        hooks: &[Hook::Before(|call, state| {
            let scratch = state.of_mut(call).scratch.entry("asked".into()).or_default();
            scratch.push(Value::Null);
            let detail = "REQUEST_LIMIT_EXCEEDED: exceeded the concurrent limit of 4 requests.";
            (scratch.len() % 50 == 0).then(|| Reply::error(500, None, detail))
        })],
    },
    Fault {
        id: "look-up-limit-never-ends",
        title: "A look-up by filter is let through once; after that it is answered 429, however often it comes as it was told",
        area: "errors",
        source: &[],
        wrong: "429 with Retry-After: 0 to each further attempt",
        right: "200 after the announced wait",
        hooks: &[Hook::Before(|call, state| {
            let wanted = look_up(call)?;
            let known = remembers(call, state, "looked-up", &wanted);
            remember(call, state, "looked-up", wanted);
            known.then(|| Reply::error(429, None, "Too many requests.").with("Retry-After", "0"))
        })],
    },
    Fault {
        id: "throttled-until-a-date",
        title: "Each second look-up by the same filter is answered 429 with a date in place of seconds",
        area: "errors",
        source: &[],
        wrong: "429 with Retry-After: Sat, 01 Jan 2000 00:00:00 GMT",
        right: "429 with Retry-After: 0",
        hooks: &[Hook::Before(|call, state| {
            let wanted = look_up(call)?;
            if forget(call, state, "looked-up", &wanted) {
                let date = "Sat, 01 Jan 2000 00:00:00 GMT";
                return Some(Reply::error(429, None, "Too many requests.").with("Retry-After", date));
            }
            remember(call, state, "looked-up", wanted);
            None
        })],
    },
];

/// The filter by which a user is looked for.
fn look_up(call: &Call) -> Option<Value> {
    (call.is("GET", Kind::User) && call.param("filter").is_some()).then(|| Value::from(filter_text(call)))
}

/// Changes each attribute and sub-attribute of /Schemas.
fn each_definition(call: &Call, reply: &mut Reply, change: fn(&mut Map<String, Value>)) {
    each_attribute(call, reply, |attribute| {
        parts(attribute).for_each(change);
        change(attribute);
    });
}

/// Changes each sub-attribute of one attribute of /Schemas.
fn each_part_of(call: &Call, reply: &mut Reply, name: &str, change: fn(&mut Map<String, Value>)) {
    each_attribute(call, reply, |attribute| {
        if attribute.get("name").is_some_and(|n| n == name) {
            parts(attribute).for_each(change);
        }
    });
}

fn parts(attribute: &mut Map<String, Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    let all = attribute.get_mut("subAttributes").and_then(Value::as_array_mut);
    all.into_iter().flatten().filter_map(Value::as_object_mut)
}

/// Changes each document of /ResourceTypes.
fn each_type(call: &Call, reply: &mut Reply, change: fn(&mut Map<String, Value>)) {
    if matches!(call.target, Target::ResourceTypes(_)) {
        reply.resources().into_iter().for_each(change);
    }
}

/// Changes /ServiceProviderConfig.
fn in_config(call: &Call, reply: &mut Reply, change: fn(&mut Map<String, Value>)) {
    if call.target == Target::Config && reply.ok() {
        reply.body_mut().into_iter().for_each(change);
    }
}

/// Whether the request takes this media type and no other.
fn accepts_only(call: &Call, range: &str) -> bool {
    call.header("accept").is_some_and(|accept| accept.trim().eq_ignore_ascii_case(range))
}

fn not_acceptable() -> Reply {
    Reply::error(406, None, "This server answers application/scim+json.")
}
