//! Faults of what ends somewhere else than it was sent: the other tenant, somebody's record, nowhere; and of answers whose status or
//! word does not fit.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::mined::replace_instead;
use super::tools::{body_text, body_value, path, put_into_body, sent_operations};
use crate::scim::urn;
use crate::server::behaviour::{Hook, UnknownMember};
use crate::server::call::{Call, Kind, Target};
use crate::server::reply::{Failure, Reply};
use serde_json::Value;

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "get-answers-201",
        title: "Every GET is answered with 201",
        area: "read",
        source: &[],
        wrong: "201 with the resource",
        right: "200 with the resource",
        hooks: &[Hook::After(|call, reply, _| {
            if call.method == "GET" && reply.status == 200 {
                reply.status = 201;
            }
        })],
    },
    Fault {
        id: "refused-create-clears-external-id",
        title: "A create that is refused because the userName is taken clears the externalId of whoever has it",
        area: "create",
        source: &["https://github.com/lightdash/lightdash/issues/22402"],
        wrong: "409, and the user has no externalId any more",
        right: "409, and nothing changed",
        hooks: &[Hook::Before(|call, state| {
            let name = body_text(call, "userName").filter(|_| call.is("POST", Kind::User))?;
            let tenant = state.of_mut(call);
            let (id, mut document) = tenant.named(Kind::User, &name).first().map(|r| (r.id.clone(), r.document()))?;
            document.as_object_mut()?.remove("externalId")?;
            tenant.update(Kind::User, &id, &document);
            None
        })],
    },
    Fault {
        id: "create-in-first-tenant",
        title: "A user created with the second tenant's token comes into the first tenant",
        area: "auth",
        source: &["https://github.com/Senthil455/Atlas-Workforce-System/issues/175"],
        wrong: "201, and only the first tenant can read the user",
        right: "201, and only the second tenant can",
        hooks: &[Hook::Before(|call, _| {
            if call.is("POST", Kind::User) {
                call.tenant = 0;
            }
            None
        })],
    },
    Fault {
        id: "group-create-answers-existing",
        title: "A create of a group whose name is known is written over the group that has it",
        area: "groups",
        source: &["https://github.com/goauthentik/authentik/pull/22535"],
        wrong: "201 with the id of the first group, which has the new members now",
        right: "201 with a new id, or 409",
        hooks: &[
            Hook::Before(|call, state| {
                let name = body_text(call, "displayName").filter(|_| call.is("POST", Kind::Group))?;
                let id = state.of(call).named(Kind::Group, &name).first().map(|r| r.id.clone())?;
                replace_instead(call, Kind::Group, id);
                None
            }),
            Hook::After(super::mined::answer_created),
        ],
    },
    Fault {
        id: "patch-errors-invalid-value",
        title: "Whatever is wrong with a PATCH, scimType is invalidValue",
        area: "errors",
        source: &["https://github.com/elimity-com/scim/issues/186"],
        wrong: "remove without path → 400 invalidValue",
        right: "→ 400 noTarget",
        hooks: &[Hook::After(|call, reply, _| {
            if call.method == "PATCH" && reply.status == 400 {
                *reply = Reply::error(400, Some("invalidValue"), "The request could not be processed.");
            }
        })],
    },
    Fault {
        id: "pathless-own-id-400",
        title: "The unchanged id in a path-less value makes the change a 400",
        area: "groups",
        source: &[],
        wrong: "400 mutability",
        right: "200 or 204",
        hooks: &[Hook::Operations(|operations, _, _| {
            let named = |o: &Value| path(o).is_empty() && o["value"].get("id").is_some();
            let refused = || Reply::error(400, Some("mutability"), "Attribute id is read-only.");
            operations.iter().any(named).then(refused)
        })],
    },
    Fault {
        id: "patch-certificates-500",
        title: "A PATCH that adds a certificate crashes",
        area: "patch",
        source: &["https://github.com/indigo-iam/iam/pull/1103"],
        wrong: "500",
        right: "200 or 204",
        hooks: &[Hook::Before(|call, _| {
            let certificates = |o: &Value| path(o).to_ascii_lowercase().starts_with("x509certificates");
            let adds = call.method == "PATCH" && sent_operations(call).iter().any(certificates);
            adds.then(Reply::crash)
        })],
    },
    Fault {
        id: "unknown-part-400",
        title: "An unknown part of a known attribute makes the whole create a 400",
        area: "create",
        source: &["https://github.com/scimmyjs/scimmy/issues/41"],
        wrong: "name.zz9 → 400",
        right: "201, the part is passed over",
        hooks: &[Hook::Before(|call, _| {
            let strange = |v: &Value| v.get("zz9").is_some();
            let parts = ["name", "emails"].iter().filter_map(|name| body_value(call, name));
            let mut parts = parts.flat_map(|v| v.as_array().cloned().unwrap_or_else(|| vec![v.clone()]));
            let refused = call.is("POST", Kind::User) && parts.any(|v| strange(&v));
            refused.then(|| Reply::error(400, Some("invalidSyntax"), "Unrecognized field \"zz9\" in name or emails."))
        })],
    },
    Fault {
        id: "extension-number-201-empty",
        title: "A number for a text of the extension is answered with 201 and an empty object, and nobody is made",
        area: "create",
        source: &[],
        wrong: "201 {}",
        right: "400, or 201 with the resource",
        hooks: &[Hook::Before(|call, _| {
            let cost =
                body_value(call, urn::ENTERPRISE).and_then(|e| e.get("costCenter")).is_some_and(Value::is_number);
            (call.is("POST", Kind::User) && cost).then(|| Reply::json(201, Value::Object(serde_json::Map::new())))
        })],
    },
    Fault {
        id: "unknown-member-dropped",
        title: "A member id that nobody has is accepted and left out",
        area: "groups",
        source: &["https://github.com/growthbook/growthbook/pull/1887"],
        wrong: "204, and no such member",
        right: "400 with a detail that names the id",
        hooks: &[
            Hook::Switch(|b| b.unknown_member = UnknownMember::Store),
            Hook::Before(|call, state| {
                let writes = matches!(call.method.as_str(), "POST" | "PUT") && group(call);
                let given = body_value(call, "members").filter(|_| writes)?.as_array()?.clone();
                let known = |m: &Value| m["value"].as_str().is_none_or(|id| state.of(call).find(id).is_some());
                put_into_body(call, "members", given.into_iter().filter(known).collect());
                None
            }),
            Hook::Operations(|operations, call, state| {
                for value in operations.iter_mut().filter(|_| group(call)).filter_map(|o| o.get_mut("value")) {
                    let list = match value {
                        Value::Object(map) => map.get_mut("members"),
                        list => Some(list),
                    };
                    if let Some(members) = list.and_then(Value::as_array_mut) {
                        members.retain(|m| m["value"].as_str().is_none_or(|id| state.of(call).find(id).is_some()));
                    }
                }
                None
            }),
        ],
    },
    Fault {
        id: "group-name-unique-on-create-only",
        title: "The name of a group is unique when it is made, and not when it is renamed",
        area: "groups",
        source: &[],
        wrong: "409 for a create, 200 for a rename",
        right: "409 for both",
        hooks: &[
            Hook::Switch(|b| b.unique_group_names = false),
            Hook::Check(|call, state, before, after| {
                let name = after.get("displayName")?.as_str()?;
                let new = before.is_none() && call.kind() == Some(Kind::Group);
                let taken = new && !state.of(call).named(Kind::Group, name).is_empty();
                taken.then(|| Failure::typed(409, "uniqueness", "The name is taken."))
            }),
        ],
    },
    Fault {
        id: "deactivate-writes-none",
        title: "Switching a user off writes the text None where there was no title",
        area: "deactivate",
        source: &[],
        wrong: "\"title\": \"None\"",
        right: "no title",
        hooks: &[Hook::After(|call, reply, state| {
            let off = reply.body_mut().and_then(|b| b.get("active")) == Some(&Value::Bool(false));
            if reply.ok() && off && matches!(call.method.as_str(), "PUT" | "PATCH") && call.kind() == Some(Kind::User) {
                let Some(id) = call.id().map(str::to_owned) else { return };
                let tenant = state.of_mut(call);
                let Some(mut document) = tenant.get(Kind::User, &id).map(|r| r.document()) else { return };
                if document.get("title").is_none() {
                    document["title"] = "None".into();
                    tenant.update(Kind::User, &id, &document);
                }
            }
        })],
    },
    Fault {
        id: "update-location-doubles-id",
        title: "The Location of a changed resource ends in the id twice",
        area: "headers",
        source: &["https://github.com/apache/directory-scimple/issues/502"],
        wrong: "Location: …/Users/1/1",
        right: "Location: …/Users/1",
        hooks: &[Hook::After(|call, reply, _| {
            if let Some(id) = call.id().filter(|_| reply.ok() && matches!(call.method.as_str(), "PUT" | "PATCH")) {
                let location =
                    reply.body_mut().and_then(|b| b.get("meta")?.get("location")?.as_str().map(str::to_owned));
                if let Some(location) = location {
                    reply.set("Location", format!("{location}/{id}"));
                }
            }
        })],
    },
];

fn group(call: &Call) -> bool {
    matches!(&call.target, Target::Item(Kind::Group, _) | Target::Collection(Kind::Group))
}
