//! Faults of public servers, a second sample: groups, tenancy, discovery, errors, bulk, entity tags.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{
    bad, body_text, body_value, current, each_user, on_item, op, path, put_into_body, sent_members, sent_operations,
    shown, touches, value,
};
use crate::scim::urn;
use crate::scim::value::get_ci;
use crate::server::behaviour::{Hook, UnknownMember};
use crate::server::call::{Call, Kind, Target};
use crate::server::reply::{Content, Failure, Reply};
use crate::server::state::State;
use crate::server::store::member_ids;
use serde_json::{Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "group-create-answer-prefixed",
        title: "The answer to the create of a group names it with a prefix",
        area: "groups",
        source: &["https://github.com/wso2/product-is/issues/4651"],
        wrong: "PRIMARY/manager",
        right: "manager",
        hooks: &[Hook::After(|call, reply, _| {
            if call.is("POST", Kind::Group) {
                for group in shown(call, reply, Kind::Group) {
                    if let Some(Value::String(name)) = group.get_mut("displayName") {
                        name.insert_str(0, "PRIMARY/");
                    }
                }
            }
        })],
    },
    Fault {
        id: "group-patch-ref-500",
        title: "A member with $ref crashes the PATCH of a group",
        area: "groups",
        source: &["https://github.com/wso2/product-is/issues/7388"],
        wrong: "500",
        right: "200",
        hooks: &[Hook::Before(|call, _| (on_item(call, "PATCH", Kind::Group) && referred(call)).then(Reply::crash))],
    },
    Fault {
        id: "group-put-ref-400",
        title: "PUT of a group whose members have $ref is refused",
        area: "groups",
        source: &["https://github.com/opf/openproject/pull/19547"],
        wrong: "400 invalidSyntax",
        right: "200",
        hooks: &[Hook::Before(|call, _| {
            (on_item(call, "PUT", Kind::Group) && referred(call))
                .then(|| Reply::error(400, Some("invalidSyntax"), "unknown attribute '$ref'"))
        })],
    },
    Fault {
        id: "group-rename-conflict-500",
        title: "PATCH to a taken group name crashes",
        area: "groups",
        source: &["https://github.com/wso2/product-is/issues/19845"],
        wrong: "500",
        right: "409, or 200",
        hooks: &[Hook::Check(|call, state, before, after| {
            let name = after.get("displayName")?.as_str()?;
            let changed = before?.get("displayName")?.as_str()? != name;
            let taken = state.of(call).named(Kind::Group, name).iter().any(|g| Some(g.id.as_str()) != call.id());
            (on_item(call, "PATCH", Kind::Group) && changed && taken)
                .then(|| Failure::plain(500, "Internal Server Error"))
        })],
    },
    Fault {
        id: "group-empty-name-ignored",
        title: "An empty group name is answered with success and changes nothing",
        area: "groups",
        source: &["https://github.com/snapotter-hq/SnapOtter/pull/993"],
        wrong: "200, the old name",
        right: "400",
        hooks: &[
            Hook::Operations(|operations, call, _| {
                if call.kind() == Some(Kind::Group) {
                    operations.retain(|o| {
                        !(path(o).eq_ignore_ascii_case("displayName")
                            && value(o).and_then(Value::as_str).is_some_and(|v| v.trim().is_empty()))
                    });
                }
                None
            }),
            Hook::Before(|call, state| {
                let name = body_text(call, "displayName")?;
                if on_item(call, "PUT", Kind::Group) && name.trim().is_empty() {
                    let old = current(call, state)?.get("displayName").cloned()?;
                    put_into_body(call, "displayName", old);
                }
                None
            }),
        ],
    },
    Fault {
        id: "group-replace-members-empty-400",
        title: "Replacing the members by an empty list is refused",
        area: "groups",
        source: &["https://github.com/Captain-P-Goldfish/SCIM-SDK/issues/757"],
        wrong: "400",
        right: "200, no members",
        hooks: &[Hook::Operations(|operations, call, _| {
            let empty = operations.iter().any(|o| {
                op(o) == "replace"
                    && path(o).eq_ignore_ascii_case("members")
                    && value(o).and_then(Value::as_array).is_some_and(Vec::is_empty)
            });
            (call.kind() == Some(Kind::Group) && empty).then(|| bad("Required sub-attribute members.value is missing."))
        })],
    },
    Fault {
        id: "group-members-pathless-400",
        title: "Members in a value without a path are refused, in plain text",
        area: "groups",
        source: &["https://github.com/Metatavu/keycloak-scim-server/issues/100"],
        wrong: "400 Unsupported group path",
        right: "200",
        hooks: &[Hook::Operations(|operations, call, _| {
            let bare = operations.iter().any(|o| path(o).is_empty() && touches(o, "members"));
            (call.kind() == Some(Kind::Group) && bare).then(|| Reply {
                content: Content::Text("text/plain", "Unsupported group path".into()),
                ..Reply::empty(400)
            })
        })],
    },
    Fault {
        id: "group-remove-answer-stale",
        title: "The answer to the removal of a member still shows the member",
        area: "groups",
        source: &["https://github.com/wso2/product-is/issues/7475"],
        wrong: "the members from before",
        right: "the members that are left",
        hooks: &[
            Hook::Before(|call, state| {
                let removes = sent_operations(call).iter().any(|o| op(o) == "remove" && touches(o, "members"));
                if on_item(call, "PATCH", Kind::Group) && removes {
                    call.memo = current(call, state).and_then(|g| g.get("members").cloned());
                }
                None
            }),
            Hook::After(|call, reply, _| {
                if on_item(call, "PATCH", Kind::Group)
                    && let Some(members) = &call.memo
                {
                    for group in shown(call, reply, Kind::Group) {
                        group.insert("members".into(), members.clone());
                    }
                }
            }),
        ],
    },
    Fault {
        id: "group-patch-external-id-ignored",
        title: "externalId of a group can not be changed by PATCH",
        area: "groups",
        source: &["https://github.com/langwatch/langwatch/issues/7141"],
        wrong: "200, the old externalId",
        right: "the new externalId",
        hooks: &[Hook::Store(|call, before, document| {
            if call.method == "PATCH"
                && call.kind() == Some(Kind::Group)
                && let Some(old) = before.and_then(|b| b.get("externalId"))
            {
                document["externalId"] = old.clone();
            }
        })],
    },
    Fault {
        id: "group-patch-unknown-500",
        title: "PATCH of a group that does not exist crashes",
        area: "groups",
        source: &["https://github.com/wso2/product-is/issues/11248"],
        wrong: "500",
        right: "404",
        hooks: &[Hook::Before(|call, state| {
            (on_item(call, "PATCH", Kind::Group) && current(call, state).is_none()).then(Reply::crash)
        })],
    },
    Fault {
        id: "group-answer-echoes-members",
        title: "Members who do not exist are dropped, and the answer shows them",
        area: "groups",
        source: &["https://github.com/GluuFederation/oxTrust/issues/1203"],
        wrong: "the answer to POST or PUT has them, GET has not",
        right: "a refusal, or the members that were stored",
        hooks: &[
            Hook::Before(|call, state| {
                if !matches!(call.method.as_str(), "POST" | "PUT") || call.kind() != Some(Kind::Group) {
                    return None;
                }
                let members = body_value(call, "members")?.as_array()?.clone();
                let known = |m: &Value| {
                    m.get("value").and_then(Value::as_str).is_some_and(|id| state.of(call).find(id).is_some())
                };
                let stored: Vec<Value> = members.iter().filter(|m| known(m)).cloned().collect();
                if stored.len() < members.len() {
                    call.memo = Some(members.into());
                    put_into_body(call, "members", stored.into());
                }
                None
            }),
            Hook::After(|call, reply, _| {
                if matches!(call.method.as_str(), "POST" | "PUT")
                    && let Some(members) = &call.memo
                {
                    for group in shown(call, reply, Kind::Group) {
                        group.insert("members".into(), members.clone());
                    }
                }
            }),
        ],
    },
    Fault {
        id: "user-groups-id-for-value",
        title: "A user's groups have id instead of value",
        area: "groups",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/51"],
        wrong: "\"groups\": [{ \"id\": … }]",
        right: "\"groups\": [{ \"value\": … }]",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                let groups = user.get_mut("groups").and_then(Value::as_array_mut).into_iter().flatten();
                for group in groups.filter_map(Value::as_object_mut) {
                    if let Some(id) = group.shift_remove("value") {
                        group.insert("id".into(), id);
                    }
                }
            });
        })],
    },
    Fault {
        id: "cross-tenant-group-read",
        title: "A group of another tenant can be read by id",
        area: "auth",
        source: &["https://github.com/vouch-sh/vouch/pull/317"],
        wrong: "200",
        right: "404",
        hooks: &[Hook::Before(|call, state| stray(call, state, &["GET"]))],
    },
    Fault {
        id: "cross-tenant-group-write",
        title: "A group of another tenant can be changed",
        area: "auth",
        source: &["https://github.com/vouch-sh/vouch/pull/317"],
        wrong: "200",
        right: "404",
        hooks: &[Hook::Before(|call, state| stray(call, state, &["PUT", "PATCH"]))],
    },
    Fault {
        id: "cross-tenant-group-delete",
        title: "A group of another tenant can be deleted",
        area: "auth",
        source: &["https://github.com/vouch-sh/vouch/pull/317"],
        wrong: "204",
        right: "404",
        hooks: &[Hook::Before(|call, state| stray(call, state, &["DELETE"]))],
    },
    Fault {
        id: "cross-tenant-member",
        title: "A user of another tenant can be made a member of a group",
        area: "auth",
        source: &["https://github.com/vouch-sh/vouch/pull/310"],
        wrong: "200, the stranger is a member",
        right: "a refusal, or a group without the stranger",
        hooks: &[
            Hook::Switch(|b| b.unknown_member = UnknownMember::Store),
            Hook::Check(|call, state, _, after| {
                let kind = call.kind().filter(|k| *k == Kind::Group)?;
                let exists = |id: &str| state.tenants.iter().any(|t| t.find(id).is_some());
                let nobody = member_ids(kind, after).find(|id| !exists(id))?;
                Some(Failure::typed(400, "invalidValue", format!("Member {nobody} does not exist.")))
            }),
        ],
    },
    Fault {
        id: "config-spec-uri-misspelled",
        title: "ServiceProviderConfig writes specURI",
        area: "discovery",
        source: &["https://github.com/wso2/charon/issues/93", "https://github.com/wso2/product-is/issues/21719"],
        wrong: "specURI",
        right: "specUri",
        hooks: &[Hook::After(|call, reply, _| {
            if call.target != Target::Config {
                return;
            }
            let schemes = reply.body_mut().and_then(|b| b.get_mut("authenticationSchemes")?.as_array_mut());
            for scheme in schemes.into_iter().flatten().filter_map(Value::as_object_mut) {
                if let Some(uri) = scheme.shift_remove("specUri") {
                    scheme.insert("specURI".into(), uri);
                }
            }
        })],
    },
    Fault {
        id: "resourcetypes-entries-misplaced",
        title: "/ResourceTypes has its entries under resourceType",
        area: "discovery",
        source: &["https://github.com/wso2/product-is/issues/3372"],
        wrong: "a ResourceType with a list in it",
        right: "a ListResponse",
        hooks: &[Hook::After(|call, reply, _| {
            if call.target == Target::ResourceTypes(None)
                && reply.ok()
                && let Some(body) = reply.body_mut()
                && let Some(entries) = body.shift_remove("Resources")
            {
                body.clear();
                body.insert("schemas".into(), json!([urn::RESOURCE_TYPE]));
                body.insert("resourceType".into(), entries);
            }
        })],
    },
    Fault {
        id: "schemas-display-name-read-only",
        title: "/Schemas declares the displayName of users readOnly, and writes are taken",
        area: "discovery",
        source: &["https://github.com/better-auth/better-auth/issues/10416"],
        wrong: "readOnly",
        right: "readWrite",
        hooks: &[Hook::After(|call, reply, _| display_name_read_only(call, reply))],
    },
    Fault {
        id: "display-name-computed-kept",
        title: "displayName of a user is readOnly and made of the name; a PATCH of it beside other attributes leaves it so",
        area: "patch",
        source: &["https://github.com/better-auth/better-auth (npm @better-auth/scim)"],
        wrong: "200",
        right: "400 mutability",
        hooks: &[
            Hook::Operations(|operations, call, _| {
                if call.kind() != Some(Kind::User) {
                    return None;
                }
                let of_it = |o: &Value| path(o).to_ascii_lowercase().ends_with("displayname");
                if operations.iter().all(of_it) {
                    return Some(Reply::error(400, Some("mutability"), "displayName is readOnly."));
                }
                operations.retain(|o| !of_it(o));
                for object in operations.iter_mut().filter_map(|o| o.get_mut("value")?.as_object_mut()) {
                    object.retain(|key, _| !key.to_ascii_lowercase().ends_with("displayname"));
                }
                None
            }),
            Hook::Store(|call, _, after| {
                if call.kind() == Some(Kind::User) {
                    let part = |n: &str| after.get("name").and_then(|v| v.get(n)?.as_str()).unwrap_or_default();
                    let made = format!("{} {}", part("givenName"), part("familyName")).trim().to_owned();
                    let name = after["userName"].as_str().unwrap_or_default().to_owned();
                    after["displayName"] = if made.is_empty() { name } else { made }.into();
                }
            }),
            Hook::After(|call, reply, _| display_name_read_only(call, reply)),
        ],
    },
    Fault {
        id: "delete-unknown-scimtype-unknown",
        title: "DELETE of an unknown id says scimType unknown",
        area: "errors",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/390"],
        wrong: "\"scimType\": \"unknown\"",
        right: "no scimType",
        hooks: &[Hook::After(|call, reply, _| {
            if call.method == "DELETE"
                && reply.status == 404
                && let Some(body) = reply.body_mut()
            {
                body.insert("scimType".into(), "unknown".into());
            }
        })],
    },
    Fault {
        id: "error-status-object",
        title: "status of an error is an object, and its text stands under errorMessage",
        area: "errors",
        source: &["https://github.com/PennState/SCIMple-Identity/issues/72"],
        wrong: "\"status\": { \"code\": 400, \"message\": \"BAD_REQUEST\" }",
        right: "\"status\": \"400\"",
        hooks: &[Hook::After(|_, reply, _| {
            let status = reply.status;
            if status >= 400
                && let Some(body) = reply.body_mut()
            {
                let text = body.get("detail").cloned().unwrap_or_default();
                body.clear();
                body.insert("status".into(), json!({ "code": status, "message": "ERROR" }));
                body.insert("errorMessage".into(), json!([text]));
                body.insert("link".into(), Value::Null);
            }
        })],
    },
    Fault {
        id: "bulk-response-as-text",
        title: "The response of a failed bulk operation is JSON in a text",
        area: "bulk",
        source: &["https://github.com/wso2/product-is/issues/16514"],
        wrong: "\"response\": \"{…}\"",
        right: "\"response\": {…}",
        hooks: &[Hook::After(|call, reply, _| {
            for entry in results(call, reply) {
                if let Some(response) = entry.get("response").filter(|r| r.is_object()) {
                    entry["response"] = response.to_string().into();
                }
            }
        })],
    },
    Fault {
        id: "bulk-status-object",
        title: "status of a bulk operation is an object",
        area: "bulk",
        source: &["https://github.com/wso2/product-is/issues/16514"],
        wrong: "\"status\": { \"code\": 201 }",
        right: "\"status\": \"201\"",
        hooks: &[Hook::After(|call, reply, _| {
            for entry in results(call, reply) {
                let code = entry["status"].as_str().and_then(|s| s.parse::<u16>().ok());
                entry["status"] = json!({ "code": code });
            }
        })],
    },
    Fault {
        id: "bulk-group-location-below-users",
        title: "The location of a group that a bulk request changed leads below /Users",
        area: "bulk",
        source: &["https://github.com/wso2/product-is/issues/9460", "https://github.com/wso2/product-is/issues/11034"],
        wrong: "…/Users/{id of the group}",
        right: "…/Groups/{id}",
        hooks: &[Hook::After(|call, reply, _| {
            for entry in results(call, reply) {
                if entry["method"] == "PATCH"
                    && let Some(place) = entry.get("location").and_then(Value::as_str)
                {
                    entry["location"] = place.replace("/Groups/", "/Users/").into();
                }
            }
        })],
    },
    Fault {
        id: "if-match-star-412",
        title: "If-Match: * is refused",
        area: "headers",
        source: &["https://github.com/apache/directory-scimple/pull/541"],
        wrong: "412",
        right: "the write",
        hooks: &[Hook::Before(|call, _| {
            (writes(call) && call.header("if-match")?.trim() == "*").then(|| Reply::error(412, None, "Stale version."))
        })],
    },
    Fault {
        id: "if-match-list-412",
        title: "If-Match with several entity tags is refused",
        area: "headers",
        source: &["https://github.com/apache/directory-scimple/pull/541"],
        wrong: "412",
        right: "the write, when one of them is current",
        hooks: &[Hook::Before(|call, _| {
            (writes(call) && call.header("if-match")?.contains(',')).then(|| Reply::error(412, None, "Stale version."))
        })],
    },
    Fault {
        id: "me-empty-200",
        title: "/Me answers 200 without a body",
        area: "errors",
        source: &["https://github.com/wso2/product-is/issues/6284"],
        wrong: "200, nothing",
        right: "the user, or 501",
        hooks: &[Hook::Before(|call, _| {
            (call.method == "GET" && call.target == Target::Me).then(|| Reply::empty(200))
        })],
    },
];

/// Whether a member of the request has a `$ref`.
fn referred(call: &Call) -> bool {
    sent_members(call).iter().any(|m| m.as_object().and_then(|m| get_ci(m, "$ref")).is_some_and(Value::is_string))
}

fn writes(call: &Call) -> bool {
    matches!(call.method.as_str(), "PUT" | "PATCH" | "DELETE")
}

/// Lets a request reach a group of another tenant.
fn stray(call: &mut Call, state: &mut State, methods: &[&str]) -> Option<Reply> {
    if methods.contains(&call.method.as_str()) && call.kind() == Some(Kind::Group) && current(call, state).is_none() {
        let id = call.id()?.to_owned();
        call.tenant = state.tenants.iter().position(|t| t.get(Kind::Group, &id).is_some())?;
    }
    None
}

/// The operations in the answer to a bulk request.
fn results<'r>(call: &Call, reply: &'r mut Reply) -> impl Iterator<Item = &'r mut Value> {
    let bulk = call.target == Target::Bulk;
    let list = reply.body_mut().filter(|_| bulk).and_then(|b| b.get_mut("Operations")?.as_array_mut());
    list.into_iter().flatten()
}

/// /Schemas says of the displayName of users that it is readOnly.
fn display_name_read_only(call: &Call, reply: &mut Reply) {
    if !matches!(call.target, Target::Schemas(_)) {
        return;
    }
    for schema in reply.resources() {
        if schema.get("id").and_then(Value::as_str) != Some(urn::USER) {
            continue;
        }
        let attributes = schema.get_mut("attributes").and_then(Value::as_array_mut).into_iter().flatten();
        for attribute in attributes.filter(|a| a["name"] == "displayName") {
            attribute["mutability"] = "readOnly".into();
        }
    }
}
