//! Legal variants: what a product does to others, or makes by itself, when one resource is written.
//!
//! Must not know the rules.

use super::Variant;
use super::declared::declare;
use super::demands::writes;
use crate::scim::urn;
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind, Payload};
use crate::server::reply::Reply;
use serde_json::{Value, json};

pub(super) const VARIANTS: &[Variant] = &[
    Variant {
        id: "manager-cleared-with-the-boss",
        title: "Who is deleted is nobody's manager any more",
        spec: "RFC 7643 §2.3.7: a service provider may enforce that references lead to somebody",
        breaks: &[],
        hooks: &[Hook::Delete(|call, state| {
            let boss = call.id().filter(|_| call.kind() == Some(Kind::User))?.to_owned();
            let tenant = state.of_mut(call);
            let led = tenant.iter(Kind::User).map(|r| (r.id.clone(), r.document()));
            let led: Vec<_> =
                led.filter(|(_, user)| user[urn::ENTERPRISE]["manager"]["value"] == boss.as_str()).collect();
            for (id, mut user) in led {
                user[urn::ENTERPRISE].as_object_mut()?.shift_remove("manager");
                tenant.update(Kind::User, &id, &user);
            }
            None
        })],
    },
    Variant {
        id: "group-names-lower-case",
        title: "displayName of groups is stored in lower case, without blanks around it",
        spec: "RFC 7643 §7 (caseExact): the server may alter the case of a value that is not case exact",
        breaks: &[],
        hooks: &[Hook::Store(|call, _, after| {
            if call.kind() == Some(Kind::Group)
                && let Some(name) = after["displayName"].as_str().map(|name| name.trim().to_lowercase())
            {
                after["displayName"] = name.into();
            }
        })],
    },
    Variant {
        id: "emails-of-the-username-declared",
        title: "The one e-mail address is the userName; the schema says that it is readOnly, and a PATCH of it is refused",
        spec: "RFC 7643 §2.2, §7: mutability readOnly",
        breaks: &["entra"],
        hooks: &[
            Hook::Operations(|operations, call, _| operations.iter().find_map(|o| refuse(o, call, "emails"))),
            Hook::Store(|call, _, after| {
                if call.kind() == Some(Kind::User) {
                    after["emails"] = json!([{ "value": after["userName"], "type": "work", "primary": true }]);
                }
            }),
            Hook::After(|call, reply, _| declare_read_only(call, reply, "emails")),
        ],
    },
    Variant {
        id: "usernames-in-capitals",
        title: "userName is stored in capitals",
        spec: "RFC 7643 §4.1.1, §7 (caseExact): userName is not case exact; RFC 7644 §3.3: the server may alter what is posted",
        breaks: &[],
        hooks: &[Hook::Store(|call, _, after| {
            if call.kind() == Some(Kind::User)
                && let Some(name) = after["userName"].as_str().map(str::to_uppercase)
            {
                after["userName"] = name.into();
            }
        })],
    },
    Variant {
        id: "role-by-default-declared",
        title: "Everybody has one role that the server gives; the schema says that roles is readOnly",
        spec: "RFC 7643 §2.2, §7: mutability readOnly; RFC 7644 §3.5.1: values that a PUT brings are ignored",
        breaks: &[],
        hooks: &[
            Hook::Operations(|operations, call, _| operations.iter().find_map(|o| refuse(o, call, "roles"))),
            Hook::Store(|call, _, after| {
                if call.kind() == Some(Kind::User) {
                    after["roles"] = json!([{ "type": "default", "value": "role-of-everyone", "display": "Everyone" }]);
                }
            }),
            Hook::After(|call, reply, _| declare_read_only(call, reply, "roles")),
        ],
    },
    Variant {
        id: "recovery-address-added",
        title: "A new user gets a further e-mail address of another type",
        spec: "RFC 7644 §3.3: the server may add to what is posted",
        breaks: &[],
        hooks: &[Hook::Store(|call, before, after| {
            if call.kind() == Some(Kind::User)
                && before.is_none()
                && let Some(list) = after["emails"].as_array_mut()
                && let Some(first) = list.first().and_then(|e| e["value"].as_str()).map(str::to_owned)
            {
                list.push(json!({ "value": format!("recovery.{first}"), "type": "recovery" }));
            }
        })],
    },
    Variant {
        id: "text-as-a-list-of-one",
        title: "A text where a list of addresses belongs is read as a list of one",
        spec: "RFC 7643 §2.4 says what a multi-valued attribute is; no section wants what can be understood refused",
        breaks: &[],
        hooks: &[Hook::Before(|call, _| {
            if let Payload::Json(body) = &mut call.body
                && let Some(text) = body.get("emails").and_then(Value::as_str).map(str::to_owned)
            {
                body["emails"] = json!([{ "value": text }]);
            }
            None
        })],
    },
];

/// Says of an attribute of users and of its parts that they are readOnly.
fn declare_read_only(call: &Call, reply: &mut Reply, name: &str) {
    declare(call, reply, urn::USER, |attribute| {
        if attribute["name"] == name {
            attribute["mutability"] = "readOnly".into();
            let parts = attribute["subAttributes"].as_array_mut().into_iter().flatten();
            parts.for_each(|part| part["mutability"] = "readOnly".into());
        }
    });
}

/// Refuses an operation on that attribute of a user.
fn refuse(operation: &Value, call: &Call, name: &str) -> Option<Reply> {
    let refusal = || Reply::error(400, Some("mutability"), format!("{name} is readOnly."));
    (call.kind() == Some(Kind::User) && writes(operation, name)).then(refusal)
}
