//! Traits of accounts: what is frozen, what is demanded, what an old account keeps to itself.
//!
//! Must not know which product has them.

use super::Trait;
use crate::scim::urn;
use crate::scim::value::get_ci;
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind};
use crate::server::faults::tools::{bad, conflict, sent_operations, touches, value};
use crate::server::reply::Reply;
use crate::server::state::State;
use crate::server::store::Tenant;
use serde_json::{Map, Value, json};

/// The roles that `role-in-core` knows.
const ROLES: [&str; 3] = ["admin", "editor", "viewer"];
/// The account that `manual-account` has from the beginning.
const MANUAL: &str = "manual-account";

pub(super) const TRAITS: &[Trait] = &[
    Trait {
        id: "username-frozen",
        title: "userName stays what it was when the account was made; the answer shows the old one",
        hooks: &[Hook::Store(|call, before, after| keep(call, before, after, &["userName"]))],
        seed: None,
    },
    Trait {
        id: "emails-frozen",
        title: "E-mail addresses stay what they were when the account was made; the answer shows the old ones",
        hooks: &[Hook::Store(|call, before, after| keep(call, before, after, &["emails"]))],
        seed: None,
    },
    Trait {
        id: "profile-after-sign-in",
        title: "Names, title and work data change only after the person has signed in once",
        hooks: &[Hook::Store(|call, before, after| keep(call, before, after, &["name", "title", urn::ENTERPRISE]))],
        seed: None,
    },
    Trait {
        id: "username-change-duplicates",
        title: "A new userName makes a second account and leaves the first as it is",
        hooks: &[Hook::Store(|call, before, after| keep(call, before, after, &["userName"])), Hook::After(duplicate)],
        seed: None,
    },
    Trait {
        id: "email-look-up",
        title: "The filter `email eq` finds a user by e-mail",
        hooks: &[Hook::Before(|call, _| {
            for (name, text) in &mut call.query {
                let short = name.eq_ignore_ascii_case("filter")
                    && text.get(..6).is_some_and(|head| head.eq_ignore_ascii_case("email "));
                if short {
                    *text = format!("emails.value {}", &text[6..]);
                }
            }
            None
        })],
        seed: None,
    },
    Trait {
        id: "role-in-core",
        title: "Users have secodaRole beside the core attributes; only known roles are taken",
        hooks: &[
            Hook::Before(|call, _| {
                let role = sent_role(call)?;
                let known = role.is_null() || role.as_str().is_some_and(|r| ROLES.contains(&r));
                (!known).then(|| bad(&format!("secodaRole {role} is no role; there are {}.", ROLES.join(", "))))
            }),
            Hook::Store(|call, before, after| {
                // A PATCH of something else leaves the role; a PUT without one takes it away.
                let kept = before.filter(|_| call.is("PATCH", Kind::User)).and_then(|b| b.get("secodaRole")).cloned();
                if let Some(role) = sent_role(call).or(kept).filter(|r| !r.is_null()) {
                    after["secodaRole"] = role;
                }
            }),
        ],
        seed: None,
    },
    Trait {
        id: "manual-account",
        title: "An account that was made by hand is shown and refuses to be taken over",
        hooks: &[Hook::Before(|call, _| {
            let writes = matches!(call.method.as_str(), "PUT" | "PATCH" | "DELETE");
            (writes && call.id() == Some(MANUAL))
                .then(|| Reply::error(403, None, "This account was made by hand and is not managed by SCIM."))
        })],
        seed: Some(|tenant: &mut Tenant| {
            let account = json!({
                "schemas": [urn::USER], "userName": "made.by.hand@example.com", "displayName": "Made By Hand",
                "emails": [{ "value": "made.by.hand@example.com", "type": "work", "primary": true }], "active": true
            });
            tenant.insert(Kind::User, MANUAL.to_owned(), &account);
        }),
    },
    Trait {
        id: "uid-required",
        title: "Users need a unique UID in the enterprise extension, both names and an e-mail",
        hooks: &[Hook::Before(demand), Hook::Store(keep_uid)],
        seed: None,
    },
];

/// Puts back what was there; what was never set may still be set.
fn keep(call: &Call, before: Option<&Value>, after: &mut Value, attributes: &[&str]) {
    let Some(before) = before.filter(|_| call.kind() == Some(Kind::User)) else { return };
    for name in attributes {
        match (before.get(*name), after.as_object_mut()) {
            // Without a userName the request is refused, not mended.
            (Some(_), Some(map)) if *name == "userName" && !filled(map.get(*name)) => {}
            (Some(old), _) => after[*name] = old.clone(),
            (None, Some(map)) => {
                map.shift_remove(*name);
            }
            _ => {}
        }
    }
}

fn filled(value: Option<&Value>) -> bool {
    value.and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty())
}

/// The role that a request gives to a user.
fn sent_role(call: &Call) -> Option<Value> {
    let writes = matches!(call.method.as_str(), "POST" | "PUT") && call.kind() == Some(Kind::User);
    get_ci(call.json().filter(|_| writes)?.as_object()?, "secodaRole").cloned()
}

fn sent_user_name(call: &Call) -> Option<String> {
    let own = |map: &Map<String, Value>| get_ci(map, "userName").and_then(Value::as_str).map(str::to_owned);
    if call.method != "PATCH" {
        return own(call.json()?.as_object()?);
    }
    sent_operations(call).iter().filter(|o| touches(o, "userName")).find_map(|o| match value(o)? {
        Value::String(text) => Some(text.clone()),
        Value::Object(map) => own(map),
        _ => None,
    })
}

fn duplicate(call: &Call, reply: &mut Reply, state: &mut State) {
    let changes = call.is("PUT", Kind::User) || call.is("PATCH", Kind::User);
    let (true, Some(id), Some(name)) = (changes && reply.ok(), call.id(), sent_user_name(call)) else { return };
    let tenant = state.of_mut(call);
    let Some(mut copy) = tenant.get(Kind::User, id).map(|r| r.document()) else { return };
    let same = copy["userName"].as_str().is_some_and(|old| old.eq_ignore_ascii_case(&name));
    if !same && tenant.named(Kind::User, &name).is_empty() {
        copy["userName"] = name.into();
        tenant.insert(Kind::User, uuid::Uuid::new_v4().to_string(), &copy);
    }
}

/// 400 that names what is missing, 409 for a UID that somebody has.
fn demand(call: &mut Call, state: &mut State) -> Option<Reply> {
    let writes = matches!(call.method.as_str(), "POST" | "PUT") && call.kind() == Some(Kind::User);
    let body = call.json().filter(|_| writes)?.as_object()?;
    // A body that is wrong in itself is the handler's to refuse.
    get_ci(body, "userName")?.as_str().filter(|n| !n.trim().is_empty())?;
    if call.id().is_some_and(|id| state.of(call).get(Kind::User, id).is_none()) {
        return None;
    }
    let name = get_ci(body, "name").and_then(Value::as_object);
    let named = |part: &str| name.is_some_and(|n| get_ci(n, part).is_some_and(Value::is_string));
    let missing = match (uid(body), named("givenName"), named("familyName"), get_ci(body, "emails").is_some()) {
        (None, ..) => "UID",
        (_, false, ..) => "name.givenName",
        (_, _, false, _) => "name.familyName",
        (.., false) => "emails",
        (Some(sent), ..) => {
            let taken = state.of(call).iter(Kind::User).any(|r| {
                Some(r.id.as_str()) != call.id() && r.document().as_object().and_then(uid).as_deref() == Some(&sent)
            });
            return taken.then(conflict);
        }
    };
    Some(bad(&format!("{missing} is required.")))
}

fn uid(user: &Map<String, Value>) -> Option<String> {
    get_ci(get_ci(user, urn::ENTERPRISE)?.as_object()?, "UID")?.as_str().map(str::to_owned)
}

/// No schema declares UID, so the intake drops it; this product keeps it.
fn keep_uid(call: &Call, before: Option<&Value>, after: &mut Value) {
    if call.kind() != Some(Kind::User) {
        return;
    }
    let sent = call.json().and_then(Value::as_object).and_then(uid);
    let kept = sent.or_else(|| before.and_then(Value::as_object).and_then(uid));
    if let Some(uid) = kept {
        after[urn::ENTERPRISE]["UID"] = uid.into();
    }
}
