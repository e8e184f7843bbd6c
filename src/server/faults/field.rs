//! Faults found in the field, in reports that nobody had read for this server yet: creates, PUT, reads, what is shown.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{
    alter, bad, body_text, body_value, current, cut, each, each_user, on_item, op, put_into_body, remember, remembers,
    sent_operations, shown, touches,
};
use crate::scim::urn;
use crate::scim::value::get_ci;
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind};
use crate::server::inventory::{BADGE, WARRANTY};
use crate::server::reply::Reply;
use crate::server::state::State;
use serde_json::{Map, Value};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "create-without-active-inactive",
        title: "A user whose create does not name active is inactive",
        area: "create",
        source: &["https://github.com/valon-technologies/gestalt/pull/3167"],
        wrong: "active false",
        right: "active true",
        hooks: &[Hook::Store(|call, stored, document| {
            if call.is("POST", Kind::User) && stored.is_none() && body_value(call, "active").is_none() {
                document["active"] = false.into();
            }
        })],
    },
    Fault {
        id: "empty-password-500",
        title: "An empty password crashes the create",
        area: "create",
        source: &["https://github.com/wso2/product-is/issues/4889", "https://github.com/wso2/product-is/issues/6290"],
        wrong: "500",
        right: "400 invalidValue, or 201",
        hooks: &[Hook::Before(|call, _| {
            (call.is("POST", Kind::User) && body_text(call, "password").is_some_and(|p| p.is_empty()))
                .then(Reply::crash)
        })],
    },
    Fault {
        id: "username-blank-accepted",
        title: "A user is created whose userName is empty or blanks alone",
        area: "create",
        source: &["https://github.com/wso2/product-is/issues/13843"],
        wrong: "201, userName \"\"",
        right: "400 invalidValue",
        hooks: &[
            Hook::Before(|call, state| {
                if call.is("POST", Kind::User) && body_text(call, "userName").is_some_and(|n| n.trim().is_empty()) {
                    let place = state.of(call).len(Kind::User);
                    put_into_body(call, "userName", format!("{NAMELESS}{place}").into());
                }
                None
            }),
            Hook::After(|call, reply, _| {
                each_user(call, reply, |u| {
                    alter(u, "userName", |name| {
                        if name.as_str().is_some_and(|n| n.starts_with(NAMELESS)) {
                            *name = "".into();
                        }
                    });
                });
            }),
        ],
    },
    Fault {
        id: "username-empty-500",
        title: "An empty userName crashes the create",
        area: "create",
        source: &["https://github.com/wso2/product-is/issues/9361", "https://github.com/wso2/product-is/issues/9367"],
        wrong: "500",
        right: "400 invalidValue",
        hooks: &[Hook::Before(|call, _| {
            (call.is("POST", Kind::User) && body_text(call, "userName").is_some_and(|n| n.is_empty()))
                .then(Reply::crash)
        })],
    },
    Fault {
        id: "create-500-and-created",
        title: "The create of a user without an e-mail address is answered by a crash, and the user is there",
        area: "create",
        source: &["https://github.com/wso2/product-is/issues/13637"],
        wrong: "500; the second try 409",
        right: "201",
        hooks: &[Hook::After(|call, reply, _| {
            let bare = body_value(call, "emails").and_then(Value::as_array).is_none_or(Vec::is_empty);
            if call.is("POST", Kind::User) && reply.status == 201 && bare {
                *reply = Reply::crash();
            }
        })],
    },
    Fault {
        id: "create-incomplete-202",
        title: "A create that the directory refuses is answered 202, and nothing is created",
        area: "create",
        source: &["https://github.com/wso2/product-is/issues/21799"],
        wrong: "202 without body",
        right: "201, or 400",
        hooks: &[Hook::Before(|call, _| {
            (call.is("POST", Kind::User) && body_value(call, "name").is_none()).then(|| Reply::empty(202))
        })],
    },
    Fault {
        id: "list-dollar-name-500",
        title: "A list crashes when a userName in it has a dollar sign",
        area: "pagination",
        source: &["https://github.com/wso2/product-is/issues/6914", "https://github.com/wso2/product-is/issues/4471"],
        wrong: "500",
        right: "200",
        hooks: &[Hook::After(|call, reply, _| {
            if call.lists(Kind::User) && shown(call, reply, Kind::User).iter().any(|u| named(u).contains('$')) {
                *reply = Reply::crash();
            }
        })],
    },
    Fault {
        id: "list-apostrophe-name-500",
        title: "A list crashes when a userName in it has an apostrophe",
        area: "pagination",
        source: &["https://github.com/wso2/product-is/issues/6919"],
        wrong: "500",
        right: "200",
        hooks: &[Hook::After(|call, reply, _| {
            if call.lists(Kind::User) && shown(call, reply, Kind::User).iter().any(|u| named(u).contains('\'')) {
                *reply = Reply::crash();
            }
        })],
    },
    Fault {
        id: "username-slash-500",
        title: "A slash in a userName crashes the create",
        area: "create",
        source: &["https://github.com/wso2/product-is/issues/4883"],
        wrong: "500",
        right: "201, or 400 invalidValue",
        hooks: &[Hook::Before(|call, _| {
            (call.is("POST", Kind::User) && body_text(call, "userName").is_some_and(|n| n.contains('/')))
                .then(Reply::crash)
        })],
    },
    Fault {
        id: "email-without-type-as-text",
        title: "An e-mail address without a type is shown as a text among objects",
        area: "schema",
        source: &["https://github.com/wso2/product-is/issues/7304"],
        wrong: "[{\"type\": \"work\", …}, \"a@example.com\"]",
        right: "objects",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |u| {
                for email in u.get_mut("emails").and_then(Value::as_array_mut).into_iter().flatten() {
                    if email["type"].is_null() {
                        *email = email["value"].clone();
                    }
                }
            });
        })],
    },
    Fault {
        id: "emails-one-per-type",
        title: "Of several e-mail addresses of one type the last one alone is kept",
        area: "create",
        source: &["https://github.com/wso2/product-is/issues/6347"],
        wrong: "two of four",
        right: "all four",
        hooks: &[Hook::Store(|_, _, document| {
            let Some(emails) = document.get_mut("emails").and_then(Value::as_array_mut) else { return };
            let kinds: Vec<Value> = emails.iter().map(|e| e["type"].clone()).collect();
            let mut place = 0;
            emails.retain(|_| {
                place += 1;
                !kinds[place..].contains(&kinds[place - 1])
            });
        })],
    },
    Fault {
        id: "custom-dates-hidden",
        title: "Reads leave out dateTime attributes of the server's own schemas",
        area: "advertised",
        source: &[
            "https://github.com/GluuFederation/scim/issues/77",
            "https://github.com/JanssenProject/jans/pull/5281",
        ],
        wrong: "no bought, no issued",
        right: "the dates that were sent",
        hooks: &[Hook::After(|call, reply, _| {
            if call.method == "GET" {
                each(call, reply, |r| {
                    r.shift_remove("bought");
                    for (extension, date) in [(WARRANTY, "ends"), (BADGE, "issued")] {
                        if let Some(e) = r.get_mut(extension) {
                            cut(e, date);
                        }
                    }
                });
            }
        })],
    },
    Fault {
        id: "certificates-hidden",
        title: "Reads leave out x509Certificates",
        area: "schema",
        source: &["https://github.com/wso2/product-is/issues/3957"],
        wrong: "no x509Certificates",
        right: "what the create answered",
        hooks: &[Hook::After(|call, reply, _| {
            if call.method == "GET" {
                each_user(call, reply, |u| drop(u.shift_remove("x509Certificates")));
            }
        })],
    },
    Fault {
        id: "valueless-element-read-500",
        title: "A user with an e-mail element without value is created, and cannot be read",
        area: "create",
        source: &["https://github.com/gravitee-io/gravitee-access-management/pull/8521"],
        wrong: "201, then 500",
        right: "400 invalidValue, or 201 and 200",
        hooks: &[Hook::After(|call, reply, _| {
            let hollow = |u: &Map<String, Value>| {
                let lists = ["emails", "phoneNumbers", "ims", "photos"].into_iter().filter_map(|name| u.get(name));
                lists.filter_map(Value::as_array).flatten().any(|e| e["value"].is_null())
            };
            if call.method != "POST" && shown(call, reply, Kind::User).iter().any(|u| hollow(u)) {
                *reply = Reply::crash();
            }
        })],
    },
    Fault {
        id: "put-needs-if-match-400",
        title: "PUT without If-Match is refused",
        area: "put",
        source: &["https://github.com/cloudfoundry/go-uaa/issues/91"],
        wrong: "400",
        right: "200",
        hooks: &[Hook::Before(|call, _| {
            (on_item(call, "PUT", Kind::User) && call.header("if-match").is_none())
                .then(|| Reply::error(400, None, "Missing If-Match for PUT"))
        })],
    },
    Fault {
        id: "meta-version-number",
        title: "meta.version is a number",
        area: "schema",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/844"],
        wrong: "\"version\": 1",
        right: "a text",
        hooks: &[Hook::After(|call, reply, _| {
            each(call, reply, |r| {
                if let Some(version) = r.get_mut("meta").and_then(|m| m.get_mut("version")) {
                    let digits = version.as_str().and_then(|v| v.split('"').nth(1)).unwrap_or_default();
                    *version = u64::from_str_radix(digits, 16).unwrap_or_default().into();
                }
            });
        })],
    },
    Fault {
        id: "delete-without-external-id-500",
        title: "DELETE of a user without an externalId crashes",
        area: "deactivate",
        source: &["https://github.com/sourcegraph/sourcegraph-public-snapshot/pull/47742"],
        wrong: "500",
        right: "204",
        hooks: &[Hook::Before(|call, state| {
            let user = current(call, state).filter(|_| on_item(call, "DELETE", Kind::User))?;
            user["externalId"].is_null().then(Reply::crash)
        })],
    },
    Fault {
        id: "delete-unknown-500",
        title: "DELETE of an unknown id crashes",
        area: "deactivate",
        source: &["https://github.com/wso2/product-is/issues/11976"],
        wrong: "500",
        right: "404",
        hooks: &[Hook::Before(|call, state| {
            (on_item(call, "DELETE", Kind::User) && current(call, state).is_none()).then(Reply::crash)
        })],
    },
    Fault {
        id: "create-case-variant-names-400",
        title: "A create that spells UserName in another case is refused as one without userName",
        area: "create",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/319"],
        wrong: "400 invalidValue",
        right: "201",
        hooks: &[Hook::Before(|call, _| {
            let body = call.json().filter(|_| call.is("POST", Kind::User))?.as_object()?;
            (get_ci(body, "userName").is_some() && !body.contains_key("userName"))
                .then(|| bad("required attributes urn:ietf:params:scim:schemas:core:2.0:User:userName are missing"))
        })],
    },
    Fault {
        id: "create-without-schemas-500",
        title: "A create without schemas crashes",
        area: "create",
        source: &["https://github.com/GluuFederation/oxAuth/issues/372"],
        wrong: "500",
        right: "400, or 201",
        hooks: &[Hook::Before(|call, _| {
            (call.is("POST", Kind::User) && body_value(call, "schemas").is_none()).then(Reply::crash)
        })],
    },
    Fault {
        id: "create-manager-text-500",
        title: "A create whose manager is a text crashes",
        area: "create",
        source: &["https://github.com/apache/directory-scimple/issues/1242"],
        wrong: "500",
        right: "201, or 400 invalidValue",
        hooks: &[Hook::Before(|call, _| {
            let manager = body_value(call, urn::ENTERPRISE)?.get("manager")?;
            (call.is("POST", Kind::User) && manager.is_string()).then(Reply::crash)
        })],
    },
    Fault {
        id: "locale-invalid-500",
        title: "A locale that is no language tag crashes",
        area: "create",
        source: &["https://github.com/wso2/product-is/issues/21554"],
        wrong: "500",
        right: "400 invalidValue, or stored",
        hooks: &[Hook::After(|call, reply, _| {
            let odd = |u: &Map<String, Value>| {
                let locale = u.get("locale").and_then(Value::as_str).unwrap_or_default();
                !locale.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
            };
            if shown(call, reply, Kind::User).iter().any(|u| odd(u)) {
                *reply = Reply::crash();
            }
        })],
    },
    Fault {
        id: "put-emails-kept",
        title: "PUT does not change the e-mail addresses",
        area: "put",
        source: &["https://github.com/sourcegraph/sourcegraph-public-snapshot/issues/48720"],
        wrong: "200, the old addresses",
        right: "the new addresses",
        hooks: &[Hook::Store(|call, stored, document| {
            if on_item(call, "PUT", Kind::User)
                && let Some(old) = stored.and_then(|s| s.get("emails"))
            {
                document["emails"] = old.clone();
            }
        })],
    },
    Fault {
        id: "update-user-name-becomes-email",
        title: "Every change of a user sets userName to the e-mail address",
        area: "patch",
        source: &["https://github.com/PostHog/posthog/pull/42603"],
        wrong: "userName is the address",
        right: "the userName that was given",
        hooks: &[Hook::Store(|_, stored, document| {
            if stored.is_some()
                && let Some(address) = document["emails"][0]["value"].as_str().map(str::to_owned)
                && document.get("userName").is_some()
            {
                document["userName"] = address.into();
            }
        })],
    },
    Fault {
        id: "display-name-only-patched",
        title: "Create and PUT ignore displayName, PATCH alone sets it",
        area: "create",
        source: &["https://github.com/BerriAI/litellm-docs/pull/936"],
        wrong: "no displayName",
        right: "what was sent",
        hooks: &[Hook::Store(|call, stored, document| {
            if call.method == "PATCH" || call.kind() != Some(Kind::User) {
                return;
            }
            match stored.and_then(|s| s.get("displayName")) {
                Some(old) => document["displayName"] = old.clone(),
                None => cut(document, "displayName"),
            }
        })],
    },
    Fault {
        id: "location-header-without-tenant",
        title: "The Location header of a create lacks the tenant that meta.location has",
        area: "headers",
        source: &["https://github.com/wso2/product-is/issues/7317"],
        wrong: "…/Users/1",
        right: "…/scim/v2/Users/1",
        hooks: &[Hook::After(|call, reply, _| {
            if call.method == "POST"
                && let Some(location) = reply.header("Location").map(|l| l.replace("/scim/v2/", "/"))
            {
                reply.set("Location", location);
            }
        })],
    },
    Fault {
        id: "read-after-new-phone-500",
        title: "A user whose phone number was added by PATCH cannot be read any more",
        area: "patch",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/705"],
        wrong: "GET: 500",
        right: "200",
        hooks: &[
            Hook::Before(|call, state| {
                let id = Value::from(call.id()?);
                (call.method == "GET" && remembers(call, state, "new-phone", &id)).then(Reply::crash)
            }),
            Hook::After(|call, reply, state| {
                let phones = |o: &Value| touches(o, "phoneNumbers") && op(o) != "remove";
                if on_item(call, "PATCH", Kind::User)
                    && reply.ok()
                    && sent_operations(call).iter().any(phones)
                    && let Some(id) = call.id().map(Value::from)
                {
                    remember(call, state, "new-phone", id);
                }
            }),
        ],
    },
    Fault {
        id: "put-taken-name-shares-id",
        title: "After a PUT to a taken userName the two users have one id",
        area: "put",
        source: &["https://github.com/wso2/product-is/issues/8017"],
        wrong: "200; two users, one id",
        right: "409 uniqueness",
        hooks: &[
            Hook::Before(|call, state| {
                let user = current(call, state).filter(|_| on_item(call, "PUT", Kind::User))?;
                let name = body_text(call, "userName")?;
                let (id, own) = (call.id()?.to_owned(), user["userName"].clone());
                let other = state.of(call).named(Kind::User, &name).into_iter().find(|r| r.id != id)?.id.clone();
                put_into_body(call, "userName", own);
                remember(call, state, &format!("twin-of-{other}"), id.into());
                None
            }),
            Hook::After(|call, reply, state| {
                let state: &State = state;
                for user in shown(call, reply, Kind::User) {
                    if let Some(twin) = twin(call, state, user) {
                        user.insert("id".into(), twin);
                    }
                }
            }),
        ],
    },
    Fault {
        id: "address-null-part-400",
        title: "An address with null for one of its parts is refused",
        area: "create",
        source: &["https://github.com/grokability/snipe-it/issues/11094"],
        wrong: "400 invalidSyntax",
        right: "201",
        hooks: &[Hook::Before(|call, _| {
            let addresses = body_value(call, "addresses")?.as_array()?;
            let hollow = |a: &Value| a.as_object().is_some_and(|a| a.values().any(Value::is_null));
            (call.is("POST", Kind::User) && addresses.iter().any(hollow))
                .then(|| Reply::error(400, Some("invalidSyntax"), "streetAddress must be a string."))
        })],
    },
    Fault {
        id: "user-groups-taken-from-client",
        title: "A user is shown in the groups that its create or PUT named, and is a member of none",
        area: "groups",
        source: &["https://github.com/GluuFederation/SCIM-Client/issues/42"],
        wrong: "groups as they were sent",
        right: "groups is readOnly and ignored",
        hooks: &[Hook::After(|call, reply, state| {
            let Some(id) = reply.body().and_then(|b| b.get("id")).cloned().filter(|_| !reply.is_list()) else { return };
            let key = format!("groups-of-{id}");
            if matches!(call.method.as_str(), "POST" | "PUT")
                && let Some(groups) = body_value(call, "groups")
                    .filter(|g| call.kind() == Some(Kind::User) && reply.ok() && g[0].is_object())
            {
                remember(call, state, &key, groups.clone());
            }
            if let (Some(groups), Some(Kind::User)) =
                (state.of(call).scratch.get(&key).and_then(|k| k.last()).cloned(), call.kind())
                && let Some(body) = reply.body_mut()
            {
                body.insert("groups".into(), groups);
            }
        })],
    },
    Fault {
        id: "put-groups-refused",
        title: "A PUT that carries the user's groups is refused, because groups is readOnly",
        area: "put",
        source: &["https://github.com/SAP-archive/scimono/pull/176"],
        wrong: "400 mutability",
        right: "200, groups ignored",
        hooks: &[Hook::Before(|call, _| {
            let groups = body_value(call, "groups")?.as_array()?;
            (on_item(call, "PUT", Kind::User) && !groups.is_empty())
                .then(|| Reply::error(400, Some("mutability"), "groups is readOnly."))
        })],
    },
    Fault {
        id: "email-type-always-work",
        title: "Every e-mail address is shown as one of type work",
        area: "schema",
        source: &["https://github.com/keycloak/keycloak/pull/46561"],
        wrong: "type work",
        right: "the type that was sent",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |u| {
                for email in u.get_mut("emails").and_then(Value::as_array_mut).into_iter().flatten() {
                    if email.is_object() {
                        email["type"] = "work".into();
                    }
                }
            });
        })],
    },
];

/// What stands for a userName without letters.
const NAMELESS: &str = "nameless-";

fn named(user: &Map<String, Value>) -> &str {
    user.get("userName").and_then(Value::as_str).unwrap_or_default()
}

/// The id that a user lost its own to.
fn twin(call: &Call, state: &State, user: &Map<String, Value>) -> Option<Value> {
    let id = user.get("id")?.as_str()?;
    state.of(call).scratch.get(&format!("twin-of-{id}"))?.last().cloned()
}
