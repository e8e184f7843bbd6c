//! Faults: what the server says about itself.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{alter, cut, gone};
use crate::scim::urn;
use crate::server::behaviour::Hook;
use crate::server::call::Target;
use crate::server::reply::{Content, Reply};
use serde_json::{Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "resourcetypes-404",
        title: "No ResourceTypes endpoint",
        area: "discovery",
        source: &["https://github.com/jelhub/scimgateway (README.md, change log)"],
        wrong: "404",
        right: "200",
        hooks: &[Hook::Before(|call, _| matches!(call.target, Target::ResourceTypes(_)).then(|| gone("Not found.")))],
    },
    Fault {
        id: "schemas-bare-array",
        title: "/Schemas is a bare array",
        area: "discovery",
        source: &[
            "https://github.com/pond/scimitar/issues/117",
            "https://github.com/PowerDMS/Owin.Scim/issues/44",
            "https://github.com/PowerDMS/Owin.Scim/pull/58",
        ],
        wrong: "[..]",
        right: "ListResponse",
        hooks: &[Hook::After(|call, reply, _| {
            if call.target == Target::Schemas(None)
                && let Some(list) = reply.body().and_then(|b| b.get("Resources")).cloned()
            {
                reply.content = Content::Json(list);
            }
        })],
    },
    Fault {
        id: "schemas-items-without-schemas",
        title: "Schema resources lack schemas",
        area: "discovery",
        source: &["https://github.com/apache/directory-scimple/issues/1012"],
        wrong: "items without schemas",
        right: "with",
        hooks: &[Hook::After(|call, reply, _| {
            if matches!(call.target, Target::Schemas(_)) {
                for schema in reply.resources() {
                    schema.shift_remove("schemas");
                }
            }
        })],
    },
    Fault {
        id: "schemas-missing-extension",
        title: "Extension in ResourceTypes but not in /Schemas",
        area: "discovery",
        source: &[
            "https://github.com/simpleidserver/SimpleIdServer/issues/369",
            "https://github.com/wso2/product-is/issues/7770",
        ],
        wrong: "no enterprise schema",
        right: "present",
        hooks: &[Hook::After(|call, reply, _| match &call.target {
            Target::Schemas(None) => {
                if let Some(body) = reply.body_mut() {
                    let list = body.get_mut("Resources").and_then(Value::as_array_mut);
                    let left = list.map_or(0, |list| {
                        list.retain(|s| s["id"] != urn::ENTERPRISE);
                        list.len()
                    });
                    body.insert("totalResults".into(), left.into());
                    body.insert("itemsPerPage".into(), left.into());
                }
            }
            Target::Schemas(Some(id)) if id.eq_ignore_ascii_case(urn::ENTERPRISE) => *reply = gone("Not found."),
            _ => {}
        })],
    },
    Fault {
        id: "serviceproviderconfig-maxresults-zero",
        title: "filter.maxResults is 0",
        area: "discovery",
        source: &["https://github.com/keycloak/keycloak/issues/49841"],
        wrong: "0",
        right: "the real limit",
        hooks: &[Hook::After(|call, reply, _| {
            if call.target == Target::Config
                && let Some(body) = reply.body_mut()
            {
                alter(body, "filter", |f| f["maxResults"] = 0.into());
            }
        })],
    },
    Fault {
        id: "serviceproviderconfig-missing-required",
        title: "Required parts missing",
        area: "discovery",
        source: &["https://github.com/osiam/osiam/issues/309"],
        wrong: "no authenticationSchemes, bulk limits",
        right: "present",
        hooks: &[Hook::After(|call, reply, _| {
            if call.target == Target::Config
                && let Some(body) = reply.body_mut()
            {
                body.shift_remove("authenticationSchemes");
                alter(body, "bulk", |b| *b = json!({ "supported": b["supported"] }));
            }
        })],
    },
    Fault {
        id: "serviceproviderconfig-404",
        title: "There is no ServiceProviderConfig",
        area: "discovery",
        source: &[],
        wrong: "404",
        right: "200",
        hooks: &[Hook::Before(|call, _| (call.target == Target::Config).then(|| gone("Not found.")))],
    },
    Fault {
        id: "serviceproviderconfig-as-list",
        title: "ServiceProviderConfig is wrapped in a list",
        area: "discovery",
        source: &[],
        wrong: "ListResponse",
        right: "the object itself",
        hooks: &[Hook::After(|call, reply, _| {
            if call.target == Target::Config
                && let Some(body) = reply.body().cloned()
            {
                reply.content = Content::Json(
                    json!({ "schemas": [urn::LIST], "totalResults": 1, "startIndex": 1, "itemsPerPage": 1, "Resources": [body] }),
                );
            }
        })],
    },
    Fault {
        id: "serviceproviderconfig-without-schemas",
        title: "ServiceProviderConfig lacks schemas",
        area: "discovery",
        source: &[],
        wrong: "no schemas",
        right: "schemas with its URN",
        hooks: &[Hook::After(|call, reply, _| {
            if call.target == Target::Config
                && let Some(body) = reply.body_mut()
            {
                body.shift_remove("schemas");
            }
        })],
    },
    Fault {
        id: "serviceproviderconfig-supported-string",
        title: "supported is text instead of a Boolean",
        area: "discovery",
        source: &[],
        wrong: "\"true\"",
        right: "true",
        hooks: &[Hook::After(|call, reply, _| {
            if call.target == Target::Config
                && let Some(body) = reply.body_mut()
            {
                for name in ["patch", "bulk", "filter", "sort", "etag", "changePassword"] {
                    alter(body, name, |v| v["supported"] = v["supported"].to_string().into());
                }
            }
        })],
    },
    Fault {
        id: "serviceproviderconfig-claims-bulk",
        title: "ServiceProviderConfig claims bulk operations that the server does not offer",
        area: "discovery",
        source: &[],
        wrong: "bulk.supported true, but not so",
        right: "bulk.supported false",
        hooks: &[
            Hook::Switch(|b| b.bulk = false),
            Hook::After(|call, reply, _| {
                if call.target == Target::Config
                    && let Some(body) = reply.body_mut()
                {
                    alter(body, "bulk", |v| v["supported"] = true.into());
                }
            }),
        ],
    },
    Fault {
        id: "serviceproviderconfig-claims-sort",
        title: "ServiceProviderConfig claims sorting that the server does not offer",
        area: "discovery",
        source: &[],
        wrong: "sort.supported true, but not so",
        right: "sort.supported false",
        hooks: &[
            Hook::Switch(|b| b.sort = false),
            Hook::After(|call, reply, _| {
                if call.target == Target::Config
                    && let Some(body) = reply.body_mut()
                {
                    alter(body, "sort", |v| v["supported"] = true.into());
                }
            }),
        ],
    },
    Fault {
        id: "serviceproviderconfig-claims-etag",
        title: "ServiceProviderConfig claims entity tags that the server does not offer",
        area: "discovery",
        source: &[],
        wrong: "etag.supported true, but not so",
        right: "etag.supported false",
        hooks: &[
            Hook::Switch(|b| b.etag = false),
            Hook::After(|call, reply, _| {
                if call.target == Target::Config
                    && let Some(body) = reply.body_mut()
                {
                    alter(body, "etag", |v| v["supported"] = true.into());
                }
            }),
        ],
    },
    Fault {
        id: "serviceproviderconfig-claims-filter",
        title: "ServiceProviderConfig claims filters that the server does not offer",
        area: "discovery",
        source: &[],
        wrong: "filter.supported true, but not so",
        right: "filter.supported false",
        hooks: &[
            Hook::Switch(|b| b.filter = false),
            Hook::After(|call, reply, _| {
                if call.target == Target::Config
                    && let Some(body) = reply.body_mut()
                {
                    alter(body, "filter", |v| v["supported"] = true.into());
                }
            }),
        ],
    },
    Fault {
        id: "serviceproviderconfig-claims-patch",
        title: "ServiceProviderConfig claims PATCH that the server does not offer",
        area: "discovery",
        source: &[],
        wrong: "patch.supported true, but not so",
        right: "patch.supported false",
        hooks: &[
            Hook::Switch(|b| b.patch = false),
            Hook::After(|call, reply, _| {
                if call.target == Target::Config
                    && let Some(body) = reply.body_mut()
                {
                    alter(body, "patch", |v| v["supported"] = true.into());
                }
            }),
        ],
    },
    Fault {
        id: "serviceproviderconfig-401",
        title: "ServiceProviderConfig refuses the token",
        area: "discovery",
        source: &[],
        wrong: "401",
        right: "200",
        hooks: &[Hook::Before(|call, _| {
            (call.target == Target::Config)
                .then(|| Reply::error(401, None, "Authorization failure.").with("WWW-Authenticate", "Bearer"))
        })],
    },
    Fault {
        id: "resourcetypes-bare-array",
        title: "/ResourceTypes is a bare array",
        area: "discovery",
        source: &[],
        wrong: "[..]",
        right: "ListResponse",
        hooks: &[Hook::After(|call, reply, _| {
            if call.target == Target::ResourceTypes(None)
                && let Some(list) = reply.body().and_then(|b| b.get("Resources")).cloned()
            {
                reply.content = Content::Json(list);
            }
        })],
    },
    Fault {
        id: "resourcetypes-by-id-404",
        title: "One resource type can not be read",
        area: "discovery",
        source: &[],
        wrong: "404",
        right: "200",
        hooks: &[Hook::Before(|call, _| {
            (matches!(call.target, Target::ResourceTypes(Some(_)))).then(|| gone("Not found."))
        })],
    },
    Fault {
        id: "resourcetypes-endpoint-wrong",
        title: "The endpoint of a resource type does not exist",
        area: "discovery",
        source: &[],
        wrong: "/User",
        right: "/Users",
        hooks: &[Hook::After(|call, reply, _| {
            if matches!(call.target, Target::ResourceTypes(_)) {
                for entry in reply.resources() {
                    alter(entry, "endpoint", |e| *e = e.as_str().unwrap_or_default().trim_end_matches('s').into());
                }
            }
        })],
    },
    Fault {
        id: "resourcetypes-without-schema",
        title: "Resource types lack schema",
        area: "discovery",
        source: &[],
        wrong: "no schema",
        right: "URN of the core schema",
        hooks: &[Hook::After(|call, reply, _| {
            if matches!(call.target, Target::ResourceTypes(_)) {
                for entry in reply.resources() {
                    entry.shift_remove("schema");
                }
            }
        })],
    },
    Fault {
        id: "resourcetypes-missing-group",
        title: "Groups are served but not listed as a resource type",
        area: "discovery",
        source: &[],
        wrong: "only User",
        right: "User and Group",
        hooks: &[Hook::After(|call, reply, _| {
            if call.target == Target::ResourceTypes(None)
                && let Some(body) = reply.body_mut()
            {
                alter(body, "Resources", |r| {
                    if let Some(list) = r.as_array_mut() {
                        list.retain(|t| t["name"] != "Group");
                    }
                });
                body.insert("totalResults".into(), 1.into());
                body.insert("itemsPerPage".into(), 1.into());
            }
        })],
    },
    Fault {
        id: "schemas-404",
        title: "There is no /Schemas",
        area: "discovery",
        source: &[],
        wrong: "404",
        right: "200",
        hooks: &[Hook::Before(|call, _| (matches!(call.target, Target::Schemas(_))).then(|| gone("Not found.")))],
    },
    Fault {
        id: "schemas-by-id-404",
        title: "One schema can not be read",
        area: "discovery",
        source: &[],
        wrong: "404",
        right: "200",
        hooks: &[Hook::Before(|call, _| (matches!(call.target, Target::Schemas(Some(_)))).then(|| gone("Not found.")))],
    },
    Fault {
        id: "schemas-attributes-missing",
        title: "Schemas have no attributes",
        area: "discovery",
        source: &[],
        wrong: "no attributes",
        right: "all attributes",
        hooks: &[Hook::After(|call, reply, _| {
            if matches!(call.target, Target::Schemas(_)) {
                for schema in reply.resources() {
                    schema.shift_remove("attributes");
                }
            }
        })],
    },
    Fault {
        id: "schemas-attribute-without-type",
        title: "Attributes in schemas lack their type",
        area: "discovery",
        source: &[],
        wrong: "no type",
        right: "type",
        hooks: &[Hook::After(|call, reply, _| {
            if matches!(call.target, Target::Schemas(_)) {
                for schema in reply.resources() {
                    for attribute in schema.get_mut("attributes").and_then(Value::as_array_mut).into_iter().flatten() {
                        cut(attribute, "type");
                    }
                }
            }
        })],
    },
    Fault {
        id: "schemas-username-not-required",
        title: "The schema does not require userName",
        area: "discovery",
        source: &[],
        wrong: "required false",
        right: "required true",
        hooks: &[Hook::After(|call, reply, _| {
            if matches!(call.target, Target::Schemas(_)) {
                for schema in reply.resources() {
                    for attribute in schema.get_mut("attributes").and_then(Value::as_array_mut).into_iter().flatten() {
                        if attribute["name"] == "userName" {
                            attribute["required"] = false.into();
                        }
                    }
                }
            }
        })],
    },
    Fault {
        id: "schemas-id-not-urn",
        title: "The id of a schema is not its URN",
        area: "discovery",
        source: &[],
        wrong: "\"id\": \"User\"",
        right: "the URN",
        hooks: &[Hook::After(|call, reply, _| {
            if matches!(call.target, Target::Schemas(_)) {
                for schema in reply.resources() {
                    let name = schema.get("name").cloned().unwrap_or_default();
                    schema.insert("id".into(), name);
                }
            }
        })],
    },
    Fault {
        id: "discovery-paged",
        title: "Discovery is paged",
        area: "discovery",
        source: &[],
        wrong: "the page that was asked for",
        right: "the whole list",
        hooks: &[Hook::After(|call, reply, _| {
            let count = call.param("count").and_then(|c| c.parse::<usize>().ok());
            if matches!(call.target, Target::Schemas(None) | Target::ResourceTypes(None))
                && let (Some(count), Some(body)) = (count, reply.body_mut())
                && let Some(list) = body.get_mut("Resources").and_then(Value::as_array_mut)
            {
                list.truncate(count);
            }
        })],
    },
    Fault {
        id: "discovery-filtered",
        title: "A filter on discovery is ignored",
        area: "discovery",
        source: &[],
        wrong: "200 with the whole list",
        right: "403",
        hooks: &[Hook::Before(|call, _| {
            if call.target.is_discovery() {
                call.query.retain(|(name, _)| name != "filter");
            }
            None
        })],
    },
    Fault {
        id: "schemas-unknown-answered",
        title: "A schema that does not exist is answered with an empty object",
        area: "discovery",
        source: &[],
        wrong: "200 {}",
        right: "404",
        hooks: &[Hook::After(|call, reply, _| {
            if matches!(call.target, Target::Schemas(Some(_))) && reply.status == 404 {
                *reply = Reply::json(200, json!({}));
            }
        })],
    },
    Fault {
        id: "schemas-password-readable",
        title: "The schema says that passwords are returned",
        area: "discovery",
        source: &[],
        wrong: "returned default",
        right: "returned never",
        hooks: &[Hook::After(|call, reply, _| {
            if matches!(call.target, Target::Schemas(_)) {
                for schema in reply.resources() {
                    for attribute in schema.get_mut("attributes").and_then(Value::as_array_mut).into_iter().flatten() {
                        if attribute["name"] == "password" {
                            attribute["returned"] = "default".into();
                        }
                    }
                }
            }
        })],
    },
    Fault {
        id: "serviceproviderconfig-scheme-unknown",
        title: "The type of the authentication scheme is a word of its own",
        area: "discovery",
        source: &[],
        wrong: "\"type\": \"bearer\"",
        right: "\"type\": \"oauthbearertoken\"",
        hooks: &[Hook::After(|call, reply, _| {
            if call.target == Target::Config
                && let Some(body) = reply.body_mut()
            {
                alter(body, "authenticationSchemes", |s| s[0]["type"] = "bearer".into());
            }
        })],
    },
    Fault {
        id: "serviceproviderconfig-two-primaries",
        title: "The authentication scheme is listed twice, both preferred",
        area: "discovery",
        source: &[],
        wrong: "primary true twice",
        right: "once",
        hooks: &[Hook::After(|call, reply, _| {
            if call.target == Target::Config
                && let Some(body) = reply.body_mut()
            {
                alter(body, "authenticationSchemes", |s| {
                    if let Some(list) = s.as_array_mut() {
                        list.extend(list.first().cloned());
                    }
                });
            }
        })],
    },
    Fault {
        id: "serviceproviderconfig-pagination-text",
        title: "pagination.cursor is a text",
        area: "discovery",
        source: &[],
        wrong: "\"index\": \"yes\"",
        right: "a Boolean",
        hooks: &[Hook::After(|call, reply, _| {
            if call.target == Target::Config
                && let Some(body) = reply.body_mut()
            {
                alter(body, "pagination", |p| p["index"] = "yes".into());
            }
        })],
    },
];
