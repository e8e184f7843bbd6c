//! Faults: what goes wrong when a user is created.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{
    bad, body_text, body_value, conflict, current, cut, each_user, filter_text, forget, gone, move_id, on_item,
    put_into_body, remember, remembers,
};
use crate::scim::path::AttrPath;
use crate::scim::urn;
use crate::scim::value::is_unassigned;
use crate::server::behaviour::Hook;
use crate::server::call::Kind;
use crate::server::intake::resource_type;
use crate::server::reply::{Content, Reply};
use serde_json::{Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "create-after-delete-conflicts",
        title: "Soft-deleted user still blocks re-creation (reported with its immutable externalId, shown here with its userName)",
        area: "create",
        source: &["https://github.com/kirodotdev/Kiro/issues/10711", "https://github.com/Unleash/unleash/pull/9190"],
        wrong: "409",
        right: "201",
        hooks: &[Hook::Before(|call, state| {
            if on_item(call, "DELETE", Kind::User)
                && let Some(name) = current(call, state).and_then(|d| Some(d["userName"].as_str()?.to_lowercase()))
            {
                remember(call, state, "deleted-names", name.into());
            }
            let name = body_text(call, "userName").unwrap_or_default().to_lowercase();
            (call.is("POST", Kind::User) && remembers(call, state, "deleted-names", &name.into())).then(conflict)
        })],
    },
    Fault {
        id: "create-conflict-on-shared-email",
        title: "Duplicate check on e-mail instead of userName",
        area: "create",
        source: &[
            "https://github.com/ory/polis/pull/4065",
            "https://github.com/ory/polis/pull/4066",
            "https://github.com/ory/polis/pull/4067",
        ],
        wrong: "409 on the second",
        right: "201 (emails are not unique in the core schema)",
        hooks: &[Hook::Before(|call, state| {
            let mail = |d: &Value| Some(d.get("emails")?.get(0)?.get("value")?.as_str()?.to_lowercase());
            let wanted = mail(call.json()?)?;
            let taken = || state.of(call).iter(Kind::User).any(|r| mail(&r.document()).as_ref() == Some(&wanted));
            (call.is("POST", Kind::User) && taken()).then(conflict)
        })],
    },
    Fault {
        id: "create-duplicate-case-variant-accepted",
        title: "Uniqueness check is case-sensitive",
        area: "create",
        source: &["https://github.com/langfuse/langfuse/pull/13528"],
        wrong: "201 twice, two users",
        right: "second POST 409",
        hooks: &[Hook::Switch(|b| b.names_case_sensitive = true)],
    },
    Fault {
        id: "create-duplicate-returns-400",
        title: "Duplicate userName rejected with 400 instead of 409",
        area: "create",
        source: &[
            "https://github.com/imulab/go-scim/issues/65",
            "https://github.com/FusionAuth/fusionauth-issues/issues/1776",
            "https://github.com/wso2-extensions/identity-inbound-provisioning-scim2/pull/702",
        ],
        wrong: "400",
        right: "409 with scimType uniqueness",
        hooks: &[Hook::After(|call, reply, _| {
            if call.is("POST", Kind::User) && reply.status == 409 {
                reply.restatus(400);
            }
        })],
    },
    Fault {
        id: "create-duplicate-returns-500",
        title: "Duplicate userName crashes",
        area: "create",
        source: &[
            "https://github.com/GluuFederation/oxTrust/issues/401",
            "https://github.com/BerriAI/litellm/pull/11862",
        ],
        wrong: "500",
        right: "409 uniqueness",
        hooks: &[Hook::After(|call, reply, _| {
            if call.is("POST", Kind::User) && reply.status == 409 {
                *reply = Reply::crash();
            }
        })],
    },
    Fault {
        id: "create-enterprise-extension-rejected",
        title: "Enterprise extension refused as unknown schema",
        area: "create",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/42"],
        wrong: "400",
        right: "201, extension stored or ignored",
        hooks: &[Hook::Before(|call, _| {
            let named = call.json().is_some_and(|b| b.to_string().contains(urn::ENTERPRISE));
            (call.is("POST", Kind::User) && named).then(|| bad("Unknown schema."))
        })],
    },
    Fault {
        id: "create-rejects-plus-address",
        title: "E-mail validation refuses plus addresses",
        area: "create",
        source: &["https://github.com/GluuFederation/scim/issues/14"],
        wrong: "400",
        right: "201",
        hooks: &[Hook::Before(|call, _| {
            let plus = |mail: &Value| mail["value"].as_str().is_some_and(|m| m.contains('+'));
            let mails = body_value(call, "emails").and_then(Value::as_array);
            let any = mails.is_some_and(|m| m.iter().any(plus));
            (call.is("POST", Kind::User) && any).then(|| bad("emails[0].value is no e-mail address."))
        })],
    },
    Fault {
        id: "create-requires-externalid",
        title: "externalId treated as mandatory",
        area: "create",
        source: &["https://github.com/onyx-dot-app/onyx/pull/8925"],
        wrong: "400",
        right: "201",
        hooks: &[Hook::Before(|call, _| {
            let missing = body_text(call, "externalId").is_none();
            (call.is("POST", Kind::User) && call.json().is_some() && missing).then(|| bad("externalId is required."))
        })],
    },
    Fault {
        id: "create-requires-name",
        title: "name.givenName and familyName treated as required",
        area: "create",
        source: &["https://github.com/RIPAGlobal/scimitar/issues/113"],
        wrong: "400",
        right: "201",
        hooks: &[Hook::Before(|call, _| {
            let missing =
                body_value(call, "name").is_none_or(|n| n["givenName"].is_null() || n["familyName"].is_null());
            (call.is("POST", Kind::User) && call.json().is_some() && missing)
                .then(|| bad("name.givenName is required."))
        })],
    },
    Fault {
        id: "create-response-id-is-username",
        title: "Create response reports the userName as id instead of the stored id",
        area: "create",
        source: &["https://github.com/jelhub/scimgateway (README.md, change log)"],
        wrong: "201 with id \"u@example.com\"; GET of that id is 404",
        right: "id from the response resolves with GET 200",
        hooks: &[Hook::After(|call, reply, _| {
            if call.is("POST", Kind::User)
                && let Some(body) = reply.body_mut()
                && let Some(name) = body.get("userName").cloned()
            {
                body.insert("id".into(), name);
            }
        })],
    },
    Fault {
        id: "create-response-without-id",
        title: "Create response carries no id",
        area: "create",
        source: &["https://github.com/jelhub/scimgateway (README.md, change log)"],
        wrong: "201 body lacks \"id\"",
        right: "201 body contains the server-assigned id",
        hooks: &[Hook::After(|call, reply, _| {
            if call.is("POST", Kind::User) && reply.ok() {
                each_user(call, reply, |user| {
                    user.shift_remove("id");
                });
            }
        })],
    },
    Fault {
        id: "create-with-meta-rejected",
        title: "Client-sent meta breaks the create",
        area: "create",
        source: &["https://github.com/RIPAGlobal/scimitar/pull/15"],
        wrong: "400",
        right: "201, client meta ignored",
        hooks: &[Hook::Before(|call, _| {
            let sent = body_value(call, "meta").is_some();
            (call.is("POST", Kind::User) && sent).then(|| bad("meta is not allowed."))
        })],
    },
    Fault {
        id: "create-without-emails-500",
        title: "User without emails crashes the create",
        area: "create",
        source: &["https://github.com/keystone-scim/keystone/pull/17"],
        wrong: "500 (status inferred from the fix's title)",
        right: "201",
        hooks: &[Hook::Before(|call, _| {
            let missing = call.json().is_some() && body_value(call, "emails").is_none_or(is_unassigned);
            (call.is("POST", Kind::User) && missing).then(Reply::crash)
        })],
    },
    Fault {
        id: "externalid-not-stored",
        title: "User externalId is dropped",
        area: "create",
        source: &[
            "https://github.com/langwatch/langwatch/issues/6974",
            "https://github.com/grokability/snipe-it/pull/12049",
            "https://github.com/15five/django-scim2/pull/29",
            "https://github.com/scimmyjs/scimmy/issues/57",
        ],
        wrong: "externalId absent in both answers",
        right: "externalId returned unchanged",
        hooks: &[Hook::Store(|call, _, after| {
            if call.kind() == Some(Kind::User) {
                cut(after, "externalId");
            }
        })],
    },
    Fault {
        id: "username-lowercased",
        title: "userName comes back lower-cased",
        area: "create",
        source: &["https://github.com/PostHog/posthog/pull/42253"],
        wrong: "\"mixed.case@example.com\"",
        right: "case preserved",
        hooks: &[Hook::Store(|call, _, after| {
            if call.kind() == Some(Kind::User)
                && let Some(name) = after["userName"].as_str().map(str::to_lowercase)
            {
                after["userName"] = name.into();
            }
        })],
    },
    Fault {
        id: "create-answers-200",
        title: "Create answers 200 instead of 201",
        area: "create",
        source: &[],
        wrong: "200",
        right: "201",
        hooks: &[Hook::After(|call, reply, _| {
            if call.is("POST", Kind::User) && reply.status == 201 {
                reply.status = 200;
            }
        })],
    },
    Fault {
        id: "create-without-location",
        title: "Create answers without a Location header",
        area: "create",
        source: &[],
        wrong: "no Location header",
        right: "Location header with the address of the resource",
        hooks: &[Hook::After(|call, reply, _| {
            if call.is("POST", Kind::User) && reply.status == 201 {
                reply.unset("Location");
            }
        })],
    },
    Fault {
        id: "create-location-of-collection",
        title: "Location names the collection instead of the resource",
        area: "create",
        source: &[],
        wrong: "Location: …/Users",
        right: "Location: …/Users/{id}",
        hooks: &[Hook::After(|call, reply, _| {
            if call.is("POST", Kind::User) && reply.status == 201 {
                reply.set("Location", format!("{}/Users", call.base));
            }
        })],
    },
    Fault {
        id: "create-without-body",
        title: "Create answers 201 without a body",
        area: "create",
        source: &[],
        wrong: "201 and nothing",
        right: "201 with the resource and its id",
        hooks: &[Hook::After(|call, reply, _| {
            if call.is("POST", Kind::User) && reply.status == 201 {
                reply.content = Content::Empty;
            }
        })],
    },
    Fault {
        id: "create-uses-client-id",
        title: "The id that the client sent becomes the id of the resource",
        area: "create",
        source: &[],
        wrong: "id as in the request",
        right: "an id that the server assigns",
        hooks: &[Hook::After(|call, reply, state| {
            let sent = body_text(call, "id").filter(|_| call.is("POST", Kind::User) && reply.ok());
            if let Some(id) = sent {
                move_id(call, reply, state, Kind::User, &id);
            }
        })],
    },
    Fault {
        id: "id-is-external-id",
        title: "externalId is used as id",
        area: "create",
        source: &[],
        wrong: "id equals externalId",
        right: "an id of the server's own",
        hooks: &[Hook::After(|call, reply, state| {
            let sent = body_text(call, "externalId").filter(|_| call.is("POST", Kind::User) && reply.ok());
            if let Some(id) = sent {
                move_id(call, reply, state, Kind::User, &id);
            }
        })],
    },
    Fault {
        id: "id-is-username",
        title: "userName is the id, so a rename makes the resource unreachable",
        area: "create",
        source: &[],
        wrong: "after a rename GET of the id is 404",
        right: "the id never changes",
        hooks: &[Hook::After(|call, reply, state| {
            let writes = matches!(call.method.as_str(), "POST" | "PUT" | "PATCH") && call.kind() == Some(Kind::User);
            let name = reply.body().filter(|_| reply.ok() && writes).and_then(|b| b.get("userName")?.as_str());
            if let Some(name) = name.map(str::to_owned) {
                move_id(call, reply, state, Kind::User, &name);
            }
        })],
    },
    Fault {
        id: "id-needs-encoding-404",
        title: "Ids contain a character that has to be percent-encoded, and the server does not decode it",
        area: "create",
        source: &[],
        wrong: "GET of the encoded id is 404",
        right: "the encoded id finds the resource",
        hooks: &[
            Hook::Before(|call, _| {
                call.id().filter(|id| id.contains('+') || call.path.contains("%2B")).map(|_| gone("Not found."))
            }),
            Hook::After(|call, reply, state| {
                if call.is("POST", Kind::User) && reply.status == 201 {
                    let id = format!("u+{}", uuid::Uuid::new_v4());
                    move_id(call, reply, state, Kind::User, &id);
                }
            }),
        ],
    },
    Fault {
        id: "create-active-false-ignored",
        title: "A user created inactive is active",
        area: "create",
        source: &[],
        wrong: "active true",
        right: "active false as sent",
        hooks: &[Hook::Store(|call, _, after| {
            if call.is("POST", Kind::User) {
                after["active"] = true.into();
            }
        })],
    },
    Fault {
        id: "create-drops-extension",
        title: "Enterprise attributes of a create are lost",
        area: "create",
        source: &[],
        wrong: "no enterprise container in any answer",
        right: "the attributes that were sent",
        hooks: &[Hook::Store(|call, _, after| {
            if call.is("POST", Kind::User) {
                cut(after, urn::ENTERPRISE);
            }
        })],
    },
    Fault {
        id: "create-keeps-first-email-only",
        title: "Only the first e-mail of a create is kept",
        area: "create",
        source: &[],
        wrong: "one e-mail",
        right: "all e-mails",
        hooks: &[Hook::Store(|call, _, after| {
            if call.is("POST", Kind::User)
                && let Some(mails) = after.get_mut("emails").and_then(Value::as_array_mut)
            {
                mails.truncate(1);
            }
        })],
    },
    Fault {
        id: "create-drops-phone-numbers",
        title: "Phone numbers of a create are lost",
        area: "create",
        source: &[],
        wrong: "no phoneNumbers",
        right: "phoneNumbers as sent",
        hooks: &[Hook::Store(|call, _, after| {
            if call.is("POST", Kind::User) {
                cut(after, "phoneNumbers");
            }
        })],
    },
    Fault {
        id: "create-truncates-values",
        title: "Long values are cut silently",
        area: "create",
        source: &[],
        wrong: "the first 64 characters of displayName",
        right: "the whole value, or 400",
        hooks: &[Hook::Store(|_, _, after| {
            if let Some(text) =
                after.get("displayName").and_then(Value::as_str).map(|t| t.chars().take(64).collect::<String>())
            {
                after["displayName"] = text.into();
            }
        })],
    },
    Fault {
        id: "create-rejects-unicode",
        title: "Names beyond ASCII are refused",
        area: "create",
        source: &[],
        wrong: "400",
        right: "201 with the name as sent",
        hooks: &[Hook::Before(|call, _| {
            (call.is("POST", Kind::User) && call.json().is_some_and(|b| !b.to_string().is_ascii()))
                .then(|| bad("Invalid characters."))
        })],
    },
    Fault {
        id: "create-mangles-unicode",
        title: "Characters beyond ASCII are replaced by question marks",
        area: "create",
        source: &[],
        wrong: "M?ller",
        right: "Müller",
        hooks: &[Hook::Store(|call, _, after| {
            let text: String = after.to_string().chars().map(|c| if c.is_ascii() { c } else { '?' }).collect();
            if let (Ok(mangled), Some(Kind::User)) = (serde_json::from_str(&text), call.kind()) {
                *after = mangled;
            }
        })],
    },
    Fault {
        id: "create-duplicate-accepted",
        title: "A second user with the same userName is created",
        area: "create",
        source: &[],
        wrong: "201 twice",
        right: "409 for the second",
        hooks: &[Hook::Switch(|b| b.unchecked_names = &["POST"])],
    },
    Fault {
        id: "create-duplicate-returns-existing",
        title: "A duplicate create answers success with the existing user",
        area: "create",
        source: &[],
        wrong: "200 with the other user",
        right: "409 uniqueness",
        hooks: &[Hook::After(|call, reply, state| {
            if !(call.is("POST", Kind::User) && reply.status == 409) {
                return;
            }
            let name = body_text(call, "userName").unwrap_or_default();
            if let Some(record) = state.of(call).named(Kind::User, &name).first() {
                let mut body = record.document();
                body["id"] = record.id.clone().into();
                body["schemas"] = json!([urn::USER]);
                cut(&mut body, "password");
                *reply = Reply::json(200, body);
            }
        })],
    },
    Fault {
        id: "create-missing-username-accepted",
        title: "A user without userName is created",
        area: "create",
        source: &[],
        wrong: "201",
        right: "400 invalidValue",
        hooks: &[Hook::Before(|call, _| {
            if call.is("POST", Kind::User)
                && call.json().is_some()
                && body_text(call, "userName").is_none_or(|n| n.trim().is_empty())
            {
                put_into_body(call, "userName", format!("user-{}", uuid::Uuid::new_v4()).into());
            }
            None
        })],
    },
    Fault {
        id: "create-wrong-type-500",
        title: "A value of the wrong type crashes the create",
        area: "create",
        source: &[],
        wrong: "500",
        right: "400 invalidValue",
        hooks: &[Hook::After(|call, reply, _| {
            if call.is("POST", Kind::User)
                && reply.status == 400
                && reply.body().is_some_and(|b| b["scimType"] == "invalidValue")
            {
                *reply = Reply::crash();
            }
        })],
    },
    Fault {
        id: "create-unknown-attribute-500",
        title: "An undeclared attribute crashes the create",
        area: "create",
        source: &[],
        wrong: "500",
        right: "201 without it, or 400",
        hooks: &[Hook::Before(|call, _| {
            (call.is("POST", Kind::User)
                && call.json().and_then(Value::as_object).is_some_and(|b| {
                    b.keys()
                        .any(|k| !k.contains(':') && resource_type(Kind::User).attribute(&AttrPath::of(k)).is_none())
                }))
            .then(Reply::crash)
        })],
    },
    Fault {
        id: "create-case-variant-names-ignored",
        title: "Attribute names in another case are ignored",
        area: "create",
        source: &[],
        wrong: "username is not seen: 400",
        right: "attribute names are case-insensitive",
        hooks: &[Hook::Before(|call, _| {
            let odd = call
                .json()
                .and_then(Value::as_object)
                .is_some_and(|b| b.keys().any(|k| k.eq_ignore_ascii_case("userName") && k != "userName"));
            (call.is("POST", Kind::User) && odd).then(|| bad("userName is required."))
        })],
    },
    Fault {
        id: "read-after-create-404",
        title: "The first read of a new user finds nothing",
        area: "create",
        source: &[],
        wrong: "GET right after POST is 404",
        right: "200",
        hooks: &[
            Hook::After(|call, reply, state| {
                if call.is("POST", Kind::User) && reply.status == 201 {
                    let id = reply.body().map(|b| b["id"].clone()).unwrap_or_default();
                    remember(call, state, "fresh", id);
                }
            }),
            Hook::Before(|call, state| {
                let id = call.id().map(Value::from)?;
                (on_item(call, "GET", Kind::User) && forget(call, state, "fresh", &id)).then(|| gone("User not found."))
            }),
        ],
    },
    Fault {
        id: "lookup-after-create-empty",
        title: "The first look-up after a create finds nothing",
        area: "create",
        source: &[],
        wrong: "filter by the new userName: 0 results",
        right: "1 result",
        hooks: &[
            Hook::After(|call, reply, state| {
                if call.is("POST", Kind::User) && reply.status == 201 {
                    let name = body_text(call, "userName").unwrap_or_default().to_lowercase();
                    remember(call, state, "unindexed", name.into());
                }
            }),
            Hook::Before(|call, state| {
                if call.lists(Kind::User) && !filter_text(call).is_empty() {
                    let text = filter_text(call).to_lowercase();
                    let kept = state.of(call).scratch.get("unindexed").cloned().unwrap_or_default();
                    let hit =
                        kept.into_iter().find(|n| n.as_str().is_some_and(|n| text.contains(&format!("\"{n}\""))))?;
                    forget(call, state, "unindexed", &hit);
                    return Some(Reply::json(
                        200,
                        json!({ "schemas": [urn::LIST], "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": [] }),
                    ));
                }
                None
            }),
        ],
    },
    Fault {
        id: "create-response-empty-id",
        title: "Create response carries an empty id",
        area: "create",
        source: &[],
        wrong: "\"id\": \"\"",
        right: "the id of the resource",
        hooks: &[Hook::After(|call, reply, _| {
            if call.is("POST", Kind::User) && reply.ok() {
                each_user(call, reply, |user| {
                    user.insert("id".into(), "".into());
                });
            }
        })],
    },
    Fault {
        id: "create-null-attribute-500",
        title: "null for an attribute crashes the create",
        area: "create",
        source: &[],
        wrong: "500 for \"nickName\": null",
        right: "201, as if it were not there",
        hooks: &[Hook::Before(|call, _| {
            (call.is("POST", Kind::User)
                && call.json().and_then(Value::as_object).is_some_and(|b| b.values().any(Value::is_null)))
            .then(Reply::crash)
        })],
    },
    Fault {
        id: "create-empty-array-500",
        title: "An empty array for an attribute crashes the create",
        area: "create",
        source: &[],
        wrong: "500 for \"emails\": []",
        right: "201, as if it were not there",
        hooks: &[Hook::Before(|call, _| {
            (call.is("POST", Kind::User)
                && call.json().and_then(Value::as_object).is_some_and(|b| b.values().any(|v| *v == json!([]))))
            .then(Reply::crash)
        })],
    },
    Fault {
        id: "create-manager-rejected",
        title: "A user with a manager is refused",
        area: "create",
        source: &[],
        wrong: "400",
        right: "201 with the manager",
        hooks: &[Hook::Before(|call, _| {
            (call.is("POST", Kind::User)
                && body_value(call, urn::ENTERPRISE).is_some_and(|e| e.get("manager").is_some()))
            .then(|| bad("Unknown attribute manager."))
        })],
    },
];
