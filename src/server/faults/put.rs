//! Faults: PUT of users.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{alter, bad, body_text, body_value, conflict, current, cut, gone, move_id, on_item, put_into_body};
use crate::scim::urn;
use crate::scim::value::is_unassigned;
use crate::server::behaviour::Hook;
use crate::server::call::Kind;
use crate::server::reply::{Content, Reply};
use serde_json::{Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "put-adds-extension-500",
        title: "PUT that adds an extension crashes",
        area: "put",
        source: &["https://github.com/python-scim/scim2-server/commit/c37e41973443309b0f5e1e40f52131d7a4de73f2"],
        wrong: "500",
        right: "200",
        hooks: &[Hook::Before(|call, state| {
            let had = current(call, state)?.get(urn::ENTERPRISE).is_some();
            let adds = body_value(call, urn::ENTERPRISE).is_some_and(|e| !is_unassigned(e));
            (on_item(call, "PUT", Kind::User) && adds && !had).then(Reply::crash)
        })],
    },
    Fault {
        id: "put-omitted-active-deactivates",
        title: "PUT without active deactivates",
        area: "put",
        source: &["https://github.com/valon-technologies/gestalt/pull/3167"],
        wrong: "active false",
        right: "active unchanged (or true)",
        hooks: &[Hook::Before(|call, _| {
            if on_item(call, "PUT", Kind::User) && body_value(call, "active").is_none() {
                put_into_body(call, "active", false.into());
            }
            None
        })],
    },
    Fault {
        id: "put-username-conflict-500",
        title: "PUT onto a taken userName crashes",
        area: "put",
        source: &[
            "https://github.com/15five/django-scim2 (CHANGES.txt, change log)",
            "https://github.com/15five/django-scim2/issues/209",
        ],
        wrong: "500",
        right: "409",
        hooks: &[Hook::After(|call, reply, _| {
            if on_item(call, "PUT", Kind::User) && reply.status == 409 {
                *reply = Reply::crash();
            }
        })],
    },
    Fault {
        id: "put-users-404",
        title: "PUT /Users not implemented",
        area: "put",
        source: &[
            "https://github.com/kortix-ai/suna/pull/4244",
            "https://github.com/coder/coder/issues/15828",
            "https://github.com/vouch-sh/vouch/issues/1411",
        ],
        wrong: "404 (vouch: 405)",
        right: "200",
        hooks: &[Hook::Before(|call, _| on_item(call, "PUT", Kind::User).then(|| gone("Not found.")))],
    },
    Fault {
        id: "put-unknown-id-creates",
        title: "PUT of an unknown id creates a resource",
        area: "put",
        source: &[],
        wrong: "201",
        right: "404",
        hooks: &[Hook::Before(|call, state| {
            if !on_item(call, "PUT", Kind::User) || current(call, state).is_some() {
                return None;
            }
            let id = call.id().map(str::to_owned)?;
            let mut body = call.json().cloned()?;
            let name = body_text(call, "userName")?;
            state.of_mut(call).insert(Kind::User, id.clone(), &json!({ "userName": name, "active": true }));
            body["id"] = id.into();
            Some(Reply::json(201, body))
        })],
    },
    Fault {
        id: "put-answers-204",
        title: "PUT answers without the resource",
        area: "put",
        source: &[],
        wrong: "204",
        right: "200 with the resource",
        hooks: &[Hook::After(|call, reply, _| {
            if call.method == "PUT" && reply.status == 200 {
                reply.status = 204;
                reply.content = Content::Empty;
            }
        })],
    },
    Fault {
        id: "put-changes-id",
        title: "PUT gives the user a new id",
        area: "put",
        source: &[],
        wrong: "another id in the answer; the old one is 404",
        right: "the id stays",
        hooks: &[Hook::After(|call, reply, state| {
            if on_item(call, "PUT", Kind::User) && reply.ok() {
                let id = uuid::Uuid::new_v4().to_string();
                move_id(call, reply, state, Kind::User, &id);
            }
        })],
    },
    Fault {
        id: "put-extension-ignored",
        title: "PUT does not change enterprise attributes",
        area: "put",
        source: &[],
        wrong: "old department",
        right: "new department",
        hooks: &[Hook::Store(|call, before, after| {
            if on_item(call, "PUT", Kind::User) {
                match before.and_then(|b| b.get(urn::ENTERPRISE)) {
                    Some(extension) => after[urn::ENTERPRISE] = extension.clone(),
                    None => cut(after, urn::ENTERPRISE),
                }
            }
        })],
    },
    Fault {
        id: "put-username-ignored",
        title: "PUT does not change the userName",
        area: "put",
        source: &[],
        wrong: "200, old name",
        right: "new name",
        hooks: &[Hook::Store(|call, before, after| {
            if on_item(call, "PUT", Kind::User)
                && let Some(before) = before
            {
                after["userName"] = before["userName"].clone();
            }
        })],
    },
    Fault {
        id: "put-ignored",
        title: "PUT answers success and changes nothing",
        area: "put",
        source: &[],
        wrong: "200, old values",
        right: "new values",
        hooks: &[Hook::Store(|call, before, after| {
            if on_item(call, "PUT", Kind::User)
                && let Some(before) = before
            {
                *after = before.clone();
            }
        })],
    },
    Fault {
        id: "put-emails-appended",
        title: "PUT adds the e-mails to the old ones",
        area: "put",
        source: &[],
        wrong: "old and new e-mails",
        right: "only the new e-mails",
        hooks: &[Hook::Store(|call, before, after| {
            let old = before.and_then(|b| b.get("emails")?.as_array().cloned()).unwrap_or_default();
            if on_item(call, "PUT", Kind::User)
                && let Some(new) = after.get_mut("emails").and_then(Value::as_array_mut)
            {
                let extra: Vec<Value> = old.into_iter().filter(|m| !new.contains(m)).collect();
                new.extend(extra);
            }
        })],
    },
    Fault {
        id: "put-read-body-rejected",
        title: "PUT of what GET answered is refused, because it has id and meta",
        area: "put",
        source: &[],
        wrong: "400",
        right: "200",
        hooks: &[Hook::Before(|call, _| {
            (call.method == "PUT" && body_value(call, "meta").is_some()).then(|| bad("meta is readOnly."))
        })],
    },
    Fault {
        id: "put-username-missing-accepted",
        title: "PUT without userName is accepted",
        area: "put",
        source: &[],
        wrong: "200",
        right: "400 invalidValue",
        hooks: &[Hook::Before(|call, state| {
            if on_item(call, "PUT", Kind::User) && call.json().is_some() && body_text(call, "userName").is_none() {
                let name = current(call, state)?["userName"].clone();
                put_into_body(call, "userName", name);
            }
            None
        })],
    },
    Fault {
        id: "put-own-username-409",
        title: "PUT with the unchanged userName is a conflict with itself",
        area: "put",
        source: &[],
        wrong: "409",
        right: "200",
        hooks: &[Hook::Before(|call, state| {
            (on_item(call, "PUT", Kind::User)
                && body_text(call, "userName")
                    .is_some_and(|n| current(call, state).is_some_and(|d| d["userName"] == n.as_str())))
            .then(conflict)
        })],
    },
    Fault {
        id: "put-resets-created",
        title: "PUT resets meta.created",
        area: "put",
        source: &[],
        wrong: "created is the time of the PUT",
        right: "created stays",
        hooks: &[Hook::After(|call, reply, _| {
            if on_item(call, "PUT", Kind::User) && reply.ok() {
                for user in reply.resources() {
                    alter(user, "meta", |m| m["created"] = m["lastModified"].clone());
                }
            }
        })],
    },
    Fault {
        id: "put-clears-external-id",
        title: "PUT loses the externalId",
        area: "put",
        source: &[],
        wrong: "no externalId",
        right: "externalId as sent",
        hooks: &[Hook::Store(|call, _, after| {
            if on_item(call, "PUT", Kind::User) {
                cut(after, "externalId");
            }
        })],
    },
    Fault {
        id: "put-username-duplicate-accepted",
        title: "PUT onto the userName of another user is accepted",
        area: "put",
        source: &[],
        wrong: "200, two users with one name",
        right: "409 uniqueness",
        hooks: &[Hook::Switch(|b| b.unchecked_names = &["PUT"])],
    },
    Fault {
        id: "put-drops-phone-numbers",
        title: "PUT loses phone numbers",
        area: "put",
        source: &[],
        wrong: "no phoneNumbers",
        right: "phoneNumbers as sent",
        hooks: &[Hook::Store(|call, _, after| {
            if on_item(call, "PUT", Kind::User) {
                cut(after, "phoneNumbers");
            }
        })],
    },
    Fault {
        id: "put-groups-404",
        title: "PUT /Groups is not implemented",
        area: "put",
        source: &[],
        wrong: "404",
        right: "200",
        hooks: &[Hook::Before(|call, _| (on_item(call, "PUT", Kind::Group)).then(|| gone("Not found.")))],
    },
    Fault {
        id: "put-null-attribute-500",
        title: "null for an attribute crashes the PUT",
        area: "put",
        source: &[],
        wrong: "500",
        right: "200, attribute unassigned",
        hooks: &[Hook::Before(|call, _| {
            (on_item(call, "PUT", Kind::User)
                && call.json().and_then(Value::as_object).is_some_and(|b| b.values().any(Value::is_null)))
            .then(Reply::crash)
        })],
    },
    Fault {
        id: "put-omitted-attributes-kept-as-null",
        title: "PUT shows what it cleared as the text null",
        area: "put",
        source: &[],
        wrong: "\"title\": \"null\"",
        right: "title absent",
        hooks: &[Hook::Store(|call, before, after| {
            if on_item(call, "PUT", Kind::User)
                && before.is_some_and(|b| b.get("title").is_some())
                && after.get("title").is_none()
            {
                after["title"] = "null".into();
            }
        })],
    },
];
