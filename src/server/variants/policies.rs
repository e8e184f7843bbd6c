//! Legal variants: what a product does to others, or makes by itself, when one resource is written.
//!
//! Must not know the rules.

use super::Variant;
use super::declared::declare;
use crate::scim::urn;
use crate::server::behaviour::Hook;
use crate::server::call::Kind;
use crate::server::faults::tools::{path, value};
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
            Hook::Operations(|operations, call, _| {
                let named = |text: &str| {
                    text.rsplit("User:").next().is_some_and(|t| t.to_ascii_lowercase().starts_with("emails"))
                };
                let inside =
                    |o: &Value| value(o).and_then(Value::as_object).is_some_and(|v| v.keys().any(|k| named(k)));
                let emails = |o: &Value| named(&path(o)) || (path(o).is_empty() && inside(o));
                (call.kind() == Some(Kind::User) && operations.iter().any(emails))
                    .then(|| Reply::error(400, Some("mutability"), "emails is readOnly."))
            }),
            Hook::Store(|call, _, after| {
                if call.kind() == Some(Kind::User) {
                    after["emails"] = json!([{ "value": after["userName"], "type": "work", "primary": true }]);
                }
            }),
            Hook::After(|call, reply, _| {
                declare(call, reply, urn::USER, |attribute| {
                    if attribute["name"] == "emails" {
                        attribute["mutability"] = "readOnly".into();
                        let parts = attribute["subAttributes"].as_array_mut().into_iter().flatten();
                        parts.for_each(|part| part["mutability"] = "readOnly".into());
                    }
                });
            }),
        ],
    },
];
