//! Faults: the shape of resources.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{alter, cut, drop_from_body, each, each_group, each_user, lists, move_id, on_item, shown};
use crate::scim::urn;
use crate::server::behaviour::Hook;
use crate::server::call::Kind;
use crate::server::reply::Content;
use serde_json::{Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "email-primary-flag-lost",
        title: "primary flag lost",
        area: "schema",
        source: &["https://github.com/wso2/product-is/issues/7304"],
        wrong: "no primary",
        right: "primary:true",
        hooks: &[Hook::Store(|_, _, after| {
            for mail in after.get_mut("emails").and_then(Value::as_array_mut).into_iter().flatten() {
                cut(mail, "primary");
            }
        })],
    },
    Fault {
        id: "emails-returned-as-strings",
        title: "emails is a list of strings",
        area: "schema",
        source: &["https://github.com/wso2/product-is/issues/7304", "https://github.com/wso2/product-is/issues/7320"],
        wrong: "[\"a@example.com\"]",
        right: "[{\"value\":..}]",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                alter(user, "emails", |mails| {
                    for mail in mails.as_array_mut().into_iter().flatten() {
                        *mail = mail["value"].clone();
                    }
                });
            });
        })],
    },
    Fault {
        id: "extension-key-not-urn",
        title: "Extension container is not keyed by its URN",
        area: "schema",
        source: &["https://github.com/wso2/product-is/issues/3487"],
        wrong: "\"EnterpriseUser\":{..}",
        right: "\"urn:...enterprise:2.0:User\":{..}",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                if let Some(extension) = user.shift_remove(urn::ENTERPRISE) {
                    user.insert("EnterpriseUser".into(), extension);
                }
            });
        })],
    },
    Fault {
        id: "list-items-without-schemas",
        title: "List items lack schemas",
        area: "schema",
        source: &["https://github.com/jelhub/scimgateway/issues/44"],
        wrong: "items without schemas",
        right: "each item has schemas",
        hooks: &[Hook::After(|call, reply, _| {
            if lists(call) {
                each(call, reply, |resource| {
                    resource.shift_remove("schemas");
                });
            }
        })],
    },
    Fault {
        id: "list-omits-emails",
        title: "List leaves out emails",
        area: "schema",
        source: &["https://github.com/Captain-P-Goldfish/scim-for-keycloak/issues/12"],
        wrong: "no emails",
        right: "same attributes as GET by id",
        hooks: &[Hook::After(|call, reply, _| {
            if call.lists(Kind::User) {
                each_user(call, reply, |user| {
                    user.shift_remove("emails");
                });
            }
        })],
    },
    Fault {
        id: "manager-returned-as-string",
        title: "manager returned as a string",
        area: "schema",
        source: &["https://github.com/Budibase/budibase/issues/15369"],
        wrong: "\"manager\": \"id\"",
        right: "\"manager\": {\"value\": \"id\"}",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                alter(user, urn::ENTERPRISE, |e| {
                    if let Some(id) = e.get("manager").map(|m| m["value"].clone()) {
                        e["manager"] = id;
                    }
                });
            });
        })],
    },
    Fault {
        id: "member-value-integer",
        title: "members[].value is a number",
        area: "schema",
        source: &["https://github.com/goauthentik/authentik/issues/15533"],
        wrong: "\"value\": 53",
        right: "\"value\": \"53\"",
        hooks: &[Hook::After(|call, reply, _| {
            each_group(call, reply, |group| {
                alter(group, "members", |members| {
                    for (index, member) in members.as_array_mut().into_iter().flatten().enumerate() {
                        member["value"] = (53 + index).into();
                    }
                });
            });
        })],
    },
    Fault {
        id: "password-returned",
        title: "password is part of the representation",
        area: "schema",
        source: &[
            "https://github.com/GluuFederation/SCIM-Client/issues/27",
            "https://github.com/keycloak/keycloak/issues/47059",
            "https://github.com/RIPAGlobal/scimitar/issues/56",
        ],
        wrong: "201 body has password",
        right: "never returned",
        hooks: &[Hook::After(|call, reply, state| {
            for user in shown(call, reply, Kind::User) {
                let id = user.get("id").and_then(Value::as_str).unwrap_or_default();
                let stored = state.of(call).get(Kind::User, id).map(|r| r.document());
                if let Some(password) = stored.as_ref().and_then(|d| d.get("password")) {
                    user.insert("password".into(), password.clone());
                }
            }
        })],
    },
    Fault {
        id: "id-is-number",
        title: "id is a number",
        area: "schema",
        source: &[],
        wrong: "\"id\": 53",
        right: "\"id\": \"53\"",
        hooks: &[Hook::After(|call, reply, _| {
            each(call, reply, |resource| {
                resource.insert("id".into(), 53.into());
            });
        })],
    },
    Fault {
        id: "id-differs-in-lists",
        title: "Lists show another id than the create",
        area: "schema",
        source: &[],
        wrong: "\"id\": \"row-1\"",
        right: "the id of the resource",
        hooks: &[Hook::After(|call, reply, _| {
            if call.lists(Kind::User) {
                for (index, user) in reply.resources().into_iter().enumerate() {
                    user.insert("id".into(), format!("row-{}", index + 1).into());
                }
            }
        })],
    },
    Fault {
        id: "id-differs-on-read",
        title: "GET by id shows another id than the create",
        area: "schema",
        source: &[],
        wrong: "another id",
        right: "the id of the resource",
        hooks: &[Hook::After(|call, reply, _| {
            if on_item(call, "GET", Kind::User) {
                each_user(call, reply, |user| {
                    user.insert("id".into(), "0".into());
                });
            }
        })],
    },
    Fault {
        id: "meta-missing",
        title: "Resources lack meta",
        area: "schema",
        source: &[],
        wrong: "no meta",
        right: "meta",
        hooks: &[Hook::After(|call, reply, _| {
            each(call, reply, |resource| {
                resource.shift_remove("meta");
            });
        })],
    },
    Fault {
        id: "meta-location-missing",
        title: "meta lacks location",
        area: "schema",
        source: &[],
        wrong: "no location",
        right: "location",
        hooks: &[Hook::After(|call, reply, _| {
            each(call, reply, |resource| {
                alter(resource, "meta", |m| cut(m, "location"));
            });
        })],
    },
    Fault {
        id: "meta-location-relative",
        title: "meta.location is a relative path",
        area: "schema",
        source: &[],
        wrong: "/Users/{id}",
        right: "absolute address",
        hooks: &[Hook::After(|call, reply, _| {
            if call.kind().is_none() {
                return;
            }
            for resource in reply.resources() {
                if let Some(meta) = resource.get_mut("meta")
                    && let Some(path) =
                        meta["location"].as_str().and_then(|l| l.strip_prefix(&call.base)).map(str::to_owned)
                {
                    meta["location"] = path.into();
                }
            }
        })],
    },
    Fault {
        id: "meta-location-wrong-id",
        title: "meta.location leads nowhere",
        area: "schema",
        source: &[],
        wrong: "…/Users/null",
        right: "the address of the resource",
        hooks: &[Hook::After(|call, reply, _| {
            let link = call.kind().map(|k| format!("{}/{}/null", call.base, k.endpoint()));
            for resource in reply.resources() {
                if let (Some(link), Some(meta)) = (&link, resource.get_mut("meta")) {
                    meta["location"] = link.clone().into();
                }
            }
        })],
    },
    Fault {
        id: "meta-resourcetype-wrong",
        title: "meta.resourceType is the endpoint",
        area: "schema",
        source: &[],
        wrong: "\"Users\"",
        right: "\"User\"",
        hooks: &[Hook::After(|call, reply, _| {
            each(call, reply, |resource| {
                alter(resource, "meta", |m| {
                    m["resourceType"] = format!("{}s", m["resourceType"].as_str().unwrap_or_default()).into()
                });
            });
        })],
    },
    Fault {
        id: "meta-resourcetype-missing",
        title: "meta lacks resourceType",
        area: "schema",
        source: &[],
        wrong: "no resourceType",
        right: "resourceType",
        hooks: &[Hook::After(|call, reply, _| {
            each(call, reply, |resource| {
                alter(resource, "meta", |m| cut(m, "resourceType"));
            });
        })],
    },
    Fault {
        id: "meta-created-not-datetime",
        title: "Times are numbers of seconds",
        area: "schema",
        source: &[],
        wrong: "\"created\": 1735689600",
        right: "xsd:dateTime",
        hooks: &[Hook::After(|call, reply, _| {
            each(call, reply, |resource| {
                alter(resource, "meta", |m| m["created"] = 1_735_689_600.into());
            });
        })],
    },
    Fault {
        id: "meta-created-without-zone",
        title: "Times have no zone and a blank",
        area: "schema",
        source: &[],
        wrong: "\"2025-01-31 10:00:00\"",
        right: "xsd:dateTime",
        hooks: &[Hook::After(|call, reply, _| {
            each(call, reply, |resource| {
                alter(resource, "meta", |m| {
                    for name in ["created", "lastModified"] {
                        m[name] =
                            m[name].as_str().map(|t| t.replace('T', " ").chars().take(19).collect::<String>()).into();
                    }
                });
            });
        })],
    },
    Fault {
        id: "meta-lastmodified-before-created",
        title: "lastModified is before created",
        area: "schema",
        source: &[],
        wrong: "lastModified one year back",
        right: "not before created",
        hooks: &[Hook::After(|call, reply, _| {
            each(call, reply, |resource| {
                alter(resource, "meta", |m| m["lastModified"] = "2001-01-01T00:00:00Z".into());
            });
        })],
    },
    Fault {
        id: "resource-without-schemas",
        title: "Resources lack schemas",
        area: "schema",
        source: &[],
        wrong: "no schemas",
        right: "schemas",
        hooks: &[Hook::After(|call, reply, _| {
            each(call, reply, |resource| {
                resource.shift_remove("schemas");
            });
        })],
    },
    Fault {
        id: "resource-schemas-scim1",
        title: "schemas names SCIM 1.1",
        area: "schema",
        source: &[],
        wrong: "urn:scim:schemas:core:1.0",
        right: "the URNs of SCIM 2.0",
        hooks: &[
            // What it shows it takes back.
            Hook::Before(|call, _| {
                if call.method == "PUT" {
                    drop_from_body(call, "schemas");
                }
                None
            }),
            Hook::After(|call, reply, _| {
                each(call, reply, |resource| {
                    resource.insert("schemas".into(), json!(["urn:scim:schemas:core:1.0"]));
                });
            }),
        ],
    },
    Fault {
        id: "resource-schemas-string",
        title: "schemas of a resource is text",
        area: "schema",
        source: &[],
        wrong: "\"schemas\": \"urn:..\"",
        right: "array",
        hooks: &[
            // What it shows it takes back.
            Hook::Before(|call, _| {
                if call.method == "PUT" {
                    drop_from_body(call, "schemas");
                }
                None
            }),
            Hook::After(|call, reply, _| {
                each(call, reply, |resource| {
                    if let Some(first) = resource.get("schemas").and_then(|s| s.get(0)).cloned() {
                        resource.insert("schemas".into(), first);
                    }
                });
            }),
        ],
    },
    Fault {
        id: "resource-schemas-omits-extension",
        title: "schemas does not name the extension that is there",
        area: "schema",
        source: &[],
        wrong: "core URN only",
        right: "both URNs",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                alter(user, "schemas", |s| {
                    if let Some(list) = s.as_array_mut() {
                        list.retain(|u| *u != urn::ENTERPRISE);
                    }
                });
            });
        })],
    },
    Fault {
        id: "active-as-string",
        title: "active is text",
        area: "schema",
        source: &[],
        wrong: "\"active\": \"true\"",
        right: "\"active\": true",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                alter(user, "active", |a| *a = a.to_string().into());
            });
        })],
    },
    Fault {
        id: "active-as-number",
        title: "active is a number",
        area: "schema",
        source: &[],
        wrong: "\"active\": 1",
        right: "\"active\": true",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                alter(user, "active", |a| *a = i32::from(*a == true).into());
            });
        })],
    },
    Fault {
        id: "active-missing-when-false",
        title: "Inactive users have no active",
        area: "schema",
        source: &[],
        wrong: "no active",
        right: "\"active\": false",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                if user.get("active") == Some(&Value::Bool(false)) {
                    user.shift_remove("active");
                }
            });
        })],
    },
    Fault {
        id: "active-always-true",
        title: "active is shown as true whatever it is",
        area: "schema",
        source: &[],
        wrong: "\"active\": true",
        right: "the stored value",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                alter(user, "active", |a| *a = true.into());
            });
        })],
    },
    Fault {
        id: "name-flattened",
        title: "name is taken apart",
        area: "schema",
        source: &[],
        wrong: "givenName at the top",
        right: "name.givenName",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                if let Some(Value::Object(name)) = user.shift_remove("name") {
                    user.extend(name);
                }
            });
        })],
    },
    Fault {
        id: "extension-flattened",
        title: "Enterprise attributes are at the top",
        area: "schema",
        source: &[],
        wrong: "department at the top",
        right: "under the URN",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                if let Some(Value::Object(extension)) = user.shift_remove(urn::ENTERPRISE) {
                    user.extend(extension);
                }
            });
        })],
    },
    Fault {
        id: "attribute-names-pascal-case",
        title: "Attribute names start with a capital",
        area: "schema",
        source: &[],
        wrong: "UserName",
        right: "userName",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                let old = std::mem::take(user);
                for (name, value) in old {
                    let name = match name.as_str() {
                        "userName" => "UserName".into(),
                        "displayName" => "DisplayName".into(),
                        _ => name,
                    };
                    user.insert(name, value);
                }
            });
        })],
    },
    Fault {
        id: "username-missing",
        title: "Users are shown without userName",
        area: "schema",
        source: &[],
        wrong: "no userName",
        right: "userName",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                user.shift_remove("userName");
            });
        })],
    },
    Fault {
        id: "emails-single-object",
        title: "emails is an object instead of a list",
        area: "schema",
        source: &[],
        wrong: "{..}",
        right: "[{..}]",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                alter(user, "emails", |m| {
                    if let Some(first) = m.get(0).cloned() {
                        *m = first;
                    }
                });
            });
        })],
    },
    Fault {
        id: "emails-type-lost",
        title: "type of e-mails is lost",
        area: "schema",
        source: &[],
        wrong: "no type",
        right: "type as sent",
        hooks: &[Hook::Store(|_, _, after| {
            for mail in after.get_mut("emails").and_then(Value::as_array_mut).into_iter().flatten() {
                cut(mail, "type");
            }
        })],
    },
    Fault {
        id: "emails-primary-as-string",
        title: "primary is text",
        area: "schema",
        source: &[],
        wrong: "\"primary\": \"true\"",
        right: "\"primary\": true",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                alter(user, "emails", |m| {
                    for mail in m.as_array_mut().into_iter().flatten() {
                        if mail.get("primary").is_some() {
                            mail["primary"] = mail["primary"].to_string().into();
                        }
                    }
                });
            });
        })],
    },
    Fault {
        id: "emails-two-primary",
        title: "Every e-mail is shown as primary",
        area: "schema",
        source: &[],
        wrong: "two primary values",
        right: "at most one",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                alter(user, "emails", |m| {
                    for mail in m.as_array_mut().into_iter().flatten() {
                        mail["primary"] = true.into();
                    }
                });
            });
        })],
    },
    Fault {
        id: "unset-attributes-as-empty-text",
        title: "Attributes without value are shown as empty text",
        area: "schema",
        source: &[],
        wrong: "\"title\": \"\"",
        right: "absent or null",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                for name in ["title", "nickName", "displayName"] {
                    user.entry(name).or_insert_with(|| "".into());
                }
            });
        })],
    },
    Fault {
        id: "externalid-lowercased",
        title: "externalId comes back lower-cased",
        area: "schema",
        source: &[],
        wrong: "abc",
        right: "AbC",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                alter(user, "externalId", |e| *e = e.as_str().map(str::to_lowercase).into());
            });
        })],
    },
    Fault {
        id: "displayname-overwritten-by-username",
        title: "displayName is always the userName",
        area: "schema",
        source: &[],
        wrong: "userName as displayName",
        right: "displayName as sent",
        hooks: &[Hook::Store(|call, _, after| {
            if call.kind() == Some(Kind::User) && after.get("displayName").is_some() {
                after["displayName"] = after["userName"].clone();
            }
        })],
    },
    Fault {
        id: "manager-without-value",
        title: "manager lacks value",
        area: "schema",
        source: &[],
        wrong: "{\"displayName\": ..}",
        right: "{\"value\": ..}",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                alter(user, urn::ENTERPRISE, |e| {
                    if let Some(manager) = e.get_mut("manager") {
                        cut(manager, "value");
                    }
                });
            });
        })],
    },
    Fault {
        id: "list-items-incomplete",
        title: "Lists show only id and userName",
        area: "schema",
        source: &[],
        wrong: "id and userName",
        right: "the same as GET by id",
        hooks: &[Hook::After(|call, reply, _| {
            if call.lists(Kind::User) && call.param("attributes").is_none() {
                each_user(call, reply, |user| {
                    user.retain(|name, _| matches!(name.as_str(), "schemas" | "id" | "userName" | "meta"));
                });
            }
        })],
    },
    Fault {
        id: "response-wrapped",
        title: "Resources are wrapped in another object",
        area: "schema",
        source: &[],
        wrong: "{\"data\": {..}}",
        right: "the resource itself",
        hooks: &[Hook::After(|call, reply, _| {
            if call.kind().is_some()
                && !lists(call)
                && reply.ok()
                && let Some(body) = reply.body().cloned()
            {
                reply.content = Content::Json(json!({ "data": body }));
            }
        })],
    },
    Fault {
        id: "new-resource-modified-later",
        title: "lastModified of a new resource is later than created",
        area: "schema",
        source: &[],
        wrong: "three seconds later",
        right: "the same time",
        hooks: &[Hook::After(|call, reply, _| {
            if call.method == "POST" && reply.status == 201 {
                each(call, reply, |resource| {
                    alter(resource, "meta", |m| m["created"] = "2024-01-01T00:00:00Z".into());
                });
            }
        })],
    },
    Fault {
        id: "id-holds-bulkid",
        title: "Ids are made of the reserved word",
        area: "schema",
        source: &[],
        wrong: "\"id\": \"bulkId-17\"",
        right: "an id without it",
        hooks: &[Hook::After(|call, reply, state| {
            if let (Some(kind), 201) = (call.kind(), reply.status) {
                move_id(call, reply, state, kind, &format!("bulkId-{}", uuid::Uuid::new_v4().simple()));
            }
        })],
    },
];
