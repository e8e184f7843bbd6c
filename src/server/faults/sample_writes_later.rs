//! Faults of public servers, a fresh sample: replacing, switching off, deleting, several writes in one request.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::sample_writes::common_address;
use super::tools::{
    alter, bad, body_text, body_value, current, cut, each, each_group, on_item, op, path, put_into_body,
    sent_operations, touches,
};
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind, Target};
use crate::server::inventory::BADGE;
use crate::server::reply::{Content, Failure, Reply};
use crate::server::store::member_ids;
use serde_json::{Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "update-reactivates",
        title: "Every change of an inactive user that does not name active switches the user on again",
        area: "deactivate",
        source: &["https://github.com/getprobo/probo/pull/711"],
        wrong: "active true",
        right: "active false",
        hooks: &[Hook::Store(|call, before, after| {
            let named = match call.method.as_str() {
                "PATCH" => sent_operations(call).iter().any(|o| touches(o, "active")),
                _ => body_value(call, "active").is_some(),
            };
            if before.is_some_and(|b| b["active"] == false) && !named {
                after["active"] = true.into();
            }
        })],
    },
    Fault {
        id: "put-inactive-null",
        title: "A PUT that deactivates is answered with null in place of the user",
        area: "deactivate",
        source: &["https://github.com/harness/harness-core/pull/48592"],
        wrong: "200, null",
        right: "200 with the user",
        hooks: &[Hook::After(|call, reply, _| {
            if on_item(call, "PUT", Kind::User) && reply.ok() && body_value(call, "active") == Some(&false.into()) {
                reply.content = Content::Json(Value::Null);
            }
        })],
    },
    Fault {
        id: "put-name-conflict-400",
        title: "PUT to a taken userName is called an invalid value",
        area: "put",
        source: &["https://github.com/wso2/product-is/issues/25252"],
        wrong: "400 invalidValue",
        right: "409 uniqueness",
        hooks: &[Hook::After(|call, reply, _| {
            if on_item(call, "PUT", Kind::User) && reply.status == 409 {
                *reply = bad("The value is in use by another user.");
            }
        })],
    },
    Fault {
        id: "put-own-email-409",
        title: "A PUT that renames a user is a conflict with the user's own e-mail address",
        area: "put",
        source: &[
            "https://github.com/thunder-id/thunderid/issues/1366",
            "https://github.com/thunder-id/thunderid/issues/1262",
        ],
        wrong: "409",
        right: "200",
        hooks: &[Hook::Check(|call, _, before, after| {
            let before = before.filter(|_| on_item(call, "PUT", Kind::User))?;
            let renamed = before.get("userName") != after.get("userName");
            (renamed && !common_address(before, after).is_empty())
                .then(|| Failure::typed(409, "uniqueness", "A user with the same unique attribute value exists."))
        })],
    },
    Fault {
        id: "put-email-capitals-400",
        title: "A PUT with an e-mail address in capitals is refused as a change of the address",
        area: "put",
        source: &["https://github.com/Infisical/infisical/pull/5947"],
        wrong: "400: Email cannot be changed",
        right: "200",
        hooks: &[
            Hook::Store(|_, _, after| {
                for email in after.get_mut("emails").and_then(Value::as_array_mut).into_iter().flatten() {
                    if let Some(Value::String(text)) = email.get_mut("value") {
                        *text = text.to_lowercase();
                    }
                }
            }),
            Hook::Before(|call, _| {
                let emails = body_value(call, "emails").and_then(Value::as_array);
                let capitals = |e: &Value| e["value"].as_str().is_some_and(|v| v != v.to_lowercase());
                (on_item(call, "PUT", Kind::User) && emails.is_some_and(|all| all.iter().any(capitals)))
                    .then(|| bad("Email cannot be changed."))
            }),
        ],
    },
    Fault {
        id: "rename-refused",
        title: "A user can not be renamed, and the schema does not say so",
        area: "put",
        source: &["https://github.com/rancher/rancher/issues/54024"],
        wrong: "400 mutability",
        right: "200",
        hooks: &[Hook::Check(|call, _, before, after| {
            let name = |d: &Value| d.get("userName").and_then(Value::as_str).map(str::to_lowercase);
            let before = before.filter(|_| call.kind() == Some(Kind::User))?;
            (name(before) != name(after)).then(|| Failure::typed(400, "mutability", "userName is immutable."))
        })],
    },
    Fault {
        id: "put-password-required",
        title: "A PUT without a password is refused",
        area: "put",
        source: &["https://github.com/gravitee-io/issues/issues/8604"],
        wrong: "400",
        right: "200, the password stays",
        hooks: &[Hook::Before(|call, _| {
            (on_item(call, "PUT", Kind::User) && body_value(call, "password").is_none())
                .then(|| bad("Field [password] is required"))
        })],
    },
    Fault {
        id: "put-read-only-extension-500",
        title: "A PUT with a readOnly attribute of an extension crashes",
        area: "put",
        source: &["https://github.com/wso2/product-is/issues/7380", "https://github.com/wso2/charon/pull/272"],
        wrong: "500",
        right: "200, the attribute is ignored",
        hooks: &[Hook::Before(|call, _| {
            let held = body_value(call, BADGE)?.get("printedBy").is_some();
            (on_item(call, "PUT", Kind::User) && held).then(Reply::crash)
        })],
    },
    Fault {
        id: "put-external-id-keeps-email",
        title: "A PUT that changes externalId and the e-mail address changes externalId alone",
        area: "put",
        source: &["https://github.com/wireapp/wire-server (changelog, WPB-22154)"],
        wrong: "the old address",
        right: "the new address",
        hooks: &[Hook::Store(|call, before, after| {
            let Some(before) = before.filter(|_| on_item(call, "PUT", Kind::User)) else { return };
            if before.get("externalId") != after.get("externalId")
                && let (Some(old), Some(_)) = (before.get("emails"), after.get("emails"))
            {
                after["emails"] = old.clone();
            }
        })],
    },
    Fault {
        id: "display-name-shadowed",
        title: "A change of displayName is lost when name.formatted stays, because both are one field",
        area: "put",
        source: &["https://github.com/wso2/product-is/issues/28361"],
        wrong: "200, the old displayName",
        right: "the new displayName",
        hooks: &[Hook::Store(|_, before, after| {
            let formatted = |d: &Value| d.get("name").and_then(|n| n.get("formatted")).cloned();
            let Some(before) = before else { return };
            if formatted(before).is_some() && formatted(before) == formatted(after) {
                match before.get("displayName") {
                    Some(old) => after["displayName"] = old.clone(),
                    None => cut(after, "displayName"),
                }
            }
        })],
    },
    Fault {
        id: "put-immutable-changed",
        title: "PUT changes an immutable attribute",
        area: "advertised",
        source: &["https://github.com/keycloak/keycloak/pull/52690"],
        wrong: "200, the new value",
        right: "400 mutability",
        hooks: &[Hook::Before(|call, state| {
            let vendor = body_text(call, "vendor").filter(|_| on_item(call, "PUT", Kind::Device))?;
            let mut held = current(call, state)?;
            held["vendor"] = vendor.into();
            let id = call.id()?.to_owned();
            state.of_mut(call).update(Kind::Device, &id, &held);
            None
        })],
    },
    Fault {
        id: "custom-remove-ignored",
        title: "PATCH remove of an attribute of the server's own extension answers success and keeps it",
        area: "advertised",
        source: &["https://github.com/wso2/product-is/issues/12898"],
        wrong: "200, the old value",
        right: "200, no value",
        hooks: &[Hook::Operations(|operations, _, _| {
            operations.retain(|o| op(o) != "remove" || !path(o).starts_with(BADGE));
            None
        })],
    },
    Fault {
        id: "patch-current-tag-412",
        title: "A PATCH with the current entity tag is carried out and answered as if the tag were stale",
        area: "headers",
        source: &["https://github.com/Captain-P-Goldfish/SCIM-SDK/issues/746"],
        wrong: "412; PUT with the tag is fine",
        right: "200",
        hooks: &[Hook::After(|call, reply, _| {
            let tagged = call.header("if-match").is_some_and(|tags| tags.trim() != "*");
            if call.method == "PATCH" && tagged && reply.ok() {
                *reply = Reply::error(412, None, "eTag status of resource has changed.");
            }
        })],
    },
    Fault {
        id: "meta-dates-on-create-only",
        title: "created and lastModified are in the answer to the create and nowhere else",
        area: "schema",
        source: &["https://github.com/sourcegraph/sourcegraph-public-snapshot/pull/48617"],
        wrong: "meta without dates",
        right: "both dates",
        hooks: &[Hook::After(|call, reply, _| {
            if call.method != "POST" {
                each(call, reply, |resource| {
                    alter(resource, "meta", |meta| {
                        cut(meta, "created");
                        cut(meta, "lastModified");
                    });
                });
            }
        })],
    },
    Fault {
        id: "group-last-modified-stays",
        title: "lastModified of a group stays at the time of its creation",
        area: "groups",
        source: &["https://github.com/wso2/product-is/issues/22244", "https://github.com/wso2/product-is/issues/5390"],
        wrong: "lastModified equals created",
        right: "later after a change",
        hooks: &[Hook::After(|call, reply, _| {
            each_group(call, reply, |group| {
                alter(group, "meta", |m| m["lastModified"] = m["created"].clone());
            });
        })],
    },
    Fault {
        id: "group-put-known-member-400",
        title: "A PUT that names a present member again is refused, because members.value is immutable",
        area: "groups",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/247"],
        wrong: "400 mutability",
        right: "200",
        hooks: &[Hook::Check(|call, _, before, after| {
            let before = before.filter(|_| on_item(call, "PUT", Kind::Group))?;
            let held: Vec<&str> = member_ids(Kind::Group, before).collect();
            member_ids(Kind::Group, after)
                .any(|m| held.contains(&m))
                .then(|| Failure::typed(400, "mutability", "attribute members is immutable"))
        })],
    },
    Fault {
        id: "group-put-without-name-accepted",
        title: "PUT of a group without displayName succeeds and keeps the name",
        area: "groups",
        source: &["https://github.com/attevon-llc/OpenTranscribe/issues/582"],
        wrong: "200",
        right: "400",
        hooks: &[Hook::Before(|call, state| {
            let named = body_text(call, "displayName").is_some_and(|n| !n.trim().is_empty());
            if on_item(call, "PUT", Kind::Group) && !named {
                let old = current(call, state)?.get("displayName").cloned()?;
                put_into_body(call, "displayName", old);
            }
            None
        })],
    },
    Fault {
        id: "delete-500-and-gone",
        title: "DELETE takes the user away and answers that it failed",
        area: "deactivate",
        source: &[
            "https://github.com/wso2/product-is/issues/7296",
            "https://github.com/gravitee-io/issues/issues/6970",
        ],
        wrong: "500",
        right: "204",
        hooks: &[Hook::After(|call, reply, _| {
            if on_item(call, "DELETE", Kind::User) && reply.ok() {
                *reply = Reply::crash();
            }
        })],
    },
    Fault {
        id: "delete-group-answers-200",
        title: "DELETE of a group answers 200 with an empty object",
        area: "deactivate",
        source: &["https://github.com/Infisical/infisical/pull/8154"],
        wrong: "200 {}",
        right: "204",
        hooks: &[Hook::After(|call, reply, _| {
            if on_item(call, "DELETE", Kind::Group) && reply.ok() {
                *reply = Reply::json(200, json!({}));
            }
        })],
    },
    Fault {
        id: "bulk-patch-message-400",
        title: "A PATCH in a bulk request is understood as a bare list of operations alone",
        area: "bulk",
        source: &["https://github.com/pingidentity/scim2/pull/303"],
        wrong: "400 for a PatchOp message",
        right: "200",
        hooks: &[Hook::Before(|call, _| {
            in_bulk(call, |operation| {
                if operation["method"] == "PATCH"
                    && let Some(list) = operation["data"].get("Operations").cloned()
                {
                    operation["data"] = list;
                }
            })
        })],
    },
    Fault {
        id: "bulk-patch-reference-400",
        title: "A bulkId reference in the value of a PATCH makes the operation fail",
        area: "bulk",
        source: &["https://github.com/Captain-P-Goldfish/SCIM-SDK/issues/614"],
        wrong: "400",
        right: "200",
        hooks: &[Hook::Before(|call, _| {
            in_bulk(call, |operation| {
                if operation["method"] == "PATCH" && operation["data"].to_string().contains("\"bulkId:") {
                    operation["data"] = Value::Null;
                }
            })
        })],
    },
    Fault {
        id: "bulk-unnamed-creates-merged",
        title: "Of several creates without bulkId the response tells one alone",
        area: "bulk",
        source: &["https://github.com/SAP-archive/scimono/pull/200"],
        wrong: "one result for two operations",
        right: "one result for each",
        hooks: &[Hook::After(|call, reply, _| {
            let list = reply.body_mut().and_then(|b| b.get_mut("Operations")).and_then(Value::as_array_mut);
            if let (Target::Bulk, Some(results)) = (&call.target, list) {
                let mut told = false;
                results.retain(|r| {
                    let unnamed = r["method"] == "POST" && r.get("bulkId").is_none();
                    let keep = !unnamed || !told;
                    told |= unnamed;
                    keep
                });
            }
        })],
    },
];

/// Changes each operation of a bulk request.
fn in_bulk(call: &mut Call, change: fn(&mut Value)) -> Option<Reply> {
    if call.target == Target::Bulk
        && let Some(Value::Array(operations)) = call.json_mut().and_then(|b| b.get_mut("Operations"))
    {
        operations.iter_mut().for_each(change);
    }
    None
}
