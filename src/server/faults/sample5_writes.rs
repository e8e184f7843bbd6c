//! Faults of public servers, another sample: what becomes of a user that is created or replaced.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::sample_writes::{elements, writes_user};
use super::tools::{
    bad, body_text, body_value, conflict, each_user, html, move_id, on_item, put_into_body, remember, trim,
};
use crate::scim::urn;
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind};
use crate::server::reply::{Failure, Reply};
use crate::server::state::State;
use serde_json::{Map, Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "email-taken-400",
        title: "A user with the e-mail address of another user is called an invalid value",
        area: "create",
        source: &[
            "https://github.com/wso2/product-is/issues/25252",
            "https://github.com/wso2-extensions/identity-inbound-provisioning-scim2/pull/702",
        ],
        wrong: "400 invalidValue",
        right: "201, or 409 uniqueness",
        hooks: &[Hook::Check(|call, state, _, after| {
            let holder = holders(call, state, |other| shares_address(other, after));
            (writes_user(call) && holder.is_some())
                .then(|| Failure::typed(400, "invalidValue", "The value for emailaddress is used by a different user."))
        })],
    },
    Fault {
        id: "employee-number-taken-500",
        title: "A value that another user has crashes where the database has an index of its own",
        area: "create",
        source: &["https://github.com/GluuFederation/scim/issues/87"],
        wrong: "500 for a second employeeNumber",
        right: "201, or 409 uniqueness",
        hooks: &[Hook::Check(|call, state, _, after| {
            let number = after.get(urn::ENTERPRISE)?.get("employeeNumber")?;
            let holder = holders(call, state, |other| {
                other.get(urn::ENTERPRISE).and_then(|e| e.get("employeeNumber")) == Some(number)
            });
            (writes_user(call) && holder.is_some())
                .then(|| Failure::plain(500, "Unexpected error: the entry cannot be kept."))
        })],
    },
    Fault {
        id: "put-identifiers-ignored",
        title: "A PUT of a user changes neither userName nor e-mail address nor externalId",
        area: "put",
        source: &["https://github.com/RoboFinSystems/robosystems/pull/1165"],
        wrong: "200, the old ones; name and active are written",
        right: "what was sent",
        hooks: &[Hook::Store(|call, before, after| {
            let Some(before) = before.filter(|_| on_item(call, "PUT", Kind::User)) else { return };
            for name in ["userName", "emails", "externalId"] {
                match before.get(name) {
                    Some(old) => after[name] = old.clone(),
                    None => super::tools::cut(after, name),
                }
            }
        })],
    },
    Fault {
        id: "create-answer-keeps-case",
        title: "The answer to a create shows the userName as it was sent, reads show it in lower case",
        area: "create",
        source: &["https://github.com/Infisical/infisical/pull/5947"],
        wrong: "Alice, then alice",
        right: "the same name each time",
        hooks: &[
            Hook::Store(|_, _, after| {
                if let Some(Value::String(name)) = after.get_mut("userName") {
                    *name = name.to_lowercase();
                }
            }),
            Hook::After(|call, reply, _| {
                if call.is("POST", Kind::User)
                    && reply.ok()
                    && let (Some(sent), Some(body)) = (body_text(call, "userName"), reply.body_mut())
                    && let Some(name) = body.get_mut("userName")
                {
                    *name = sent.into();
                }
            }),
        ],
    },
    Fault {
        id: "create-empty-external-id-409",
        title: "A second create with an empty externalId is a conflict",
        area: "create",
        source: &["https://github.com/snapotter-hq/SnapOtter/issues/1008"],
        wrong: "409: user already exists",
        right: "201, without externalId",
        hooks: &[Hook::Before(|call, state| {
            let empty = body_value(call, "externalId") == Some(&Value::from(""));
            if !call.is("POST", Kind::User) || !empty {
                return None;
            }
            let taken = state.of(call).scratch.contains_key("empty external id");
            remember(call, state, "empty external id", true.into());
            put_into_body(call, "externalId", Value::Null);
            taken.then(conflict)
        })],
    },
    Fault {
        id: "create-201-empty-object",
        title: "A create with a number for a text is answered 201 with an empty object, and nobody is created",
        area: "create",
        source: &[
            "https://developer.icemortgagetechnology.com/developer-connect/changelog/254-december-service-pack-2",
        ],
        wrong: "201 {}",
        right: "400, or the user",
        hooks: &[Hook::Before(|call, _| {
            let body = call.json()?.as_object()?;
            let extension = body_value(call, urn::ENTERPRISE).and_then(Value::as_object);
            let mut values = body.values().chain(extension.into_iter().flat_map(Map::values));
            (call.is("POST", Kind::User) && values.any(Value::is_number)).then(|| Reply::json(201, json!({})))
        })],
    },
    Fault {
        id: "create-foreign-schema-accepted",
        title: "A create whose schemas names something else is carried out",
        area: "create",
        source: &["https://github.com/elimity-com/scim/issues/173"],
        wrong: "201",
        right: "400",
        hooks: &[Hook::Before(|call, _| {
            let named = !elements(call, "schemas").is_empty();
            if named && writes_user(call) {
                put_into_body(call, "schemas", json!([urn::USER]));
            }
            None
        })],
    },
    Fault {
        id: "addresses-list-in-list",
        title: "A user without an address is shown with a list in the list",
        area: "schema",
        source: &["https://github.com/grokability/snipe-it/pull/19300"],
        wrong: "\"addresses\": [[]]",
        right: "no addresses",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                user.entry("addresses").or_insert_with(|| json!([[]]));
            });
        })],
    },
    Fault {
        id: "empty-element-500",
        title: "An empty object among the e-mail addresses makes the write fail",
        area: "create",
        source: &["https://github.com/wso2/product-is/issues/3039"],
        wrong: "500, an HTML page with a stack trace",
        right: "201, or 400",
        hooks: &[Hook::Before(|call, _| {
            let empty = |v: &Value| v.as_object().is_some_and(Map::is_empty);
            (writes_user(call) && elements(call, "emails").iter().any(empty))
                .then(|| html(500, "HTTP Status 500 - java.lang.NullPointerException"))
        })],
    },
    Fault {
        id: "middle-name-500",
        title: "A middle name makes the create fail",
        area: "create",
        source: &["https://github.com/wso2/product-is/issues/3473"],
        wrong: "500: error in adding the user",
        right: "201",
        hooks: &[Hook::Before(|call, _| {
            let middle = body_value(call, "name")?.get("middleName")?.is_string();
            (writes_user(call) && middle)
                .then(|| Reply::error(500, None, "Error in adding the user to the store: no access, or it exists."))
        })],
    },
    Fault {
        id: "blank-family-name-400",
        title: "An empty text as familyName is refused, because the part is required",
        area: "create",
        source: &["https://github.com/pond/scimitar/issues/113"],
        wrong: "400: familyName is required",
        right: "201; the schema does not require it",
        hooks: &[Hook::Before(|call, _| {
            let family = body_value(call, "name")?.get("familyName")?.as_str()?;
            (writes_user(call) && family.trim().is_empty()).then(|| bad("name.familyName is required"))
        })],
    },
    Fault {
        id: "create-email-rewrites-id",
        title: "A create with the e-mail address of another user takes that user over, under a new id",
        area: "create",
        source: &["https://github.com/BerriAI/litellm-docs/pull/936"],
        wrong: "201; the other user is gone, the id is the new userName",
        right: "a user of its own, or 409",
        hooks: &[Hook::After(|call, reply, state| {
            if !call.is("POST", Kind::User) || reply.status != 201 {
                return;
            }
            let Some(made) = reply.body().cloned() else { return };
            let own = made["id"].as_str().unwrap_or_default();
            let older = holders(call, state, |other| shares_address(other, &made)).filter(|id| id != own);
            if let Some(older) = older {
                state.of_mut(call).remove(Kind::User, &older);
                let name = made["userName"].as_str().unwrap_or_default();
                move_id(call, reply, state, Kind::User, name);
            }
        })],
    },
    Fault {
        id: "external-id-of-other-type-409",
        title: "A group with the externalId of a user is a conflict",
        area: "create",
        source: &["https://github.com/osiam/osiam/issues/154"],
        wrong: "409: one table holds the identifiers of users and groups",
        right: "201",
        hooks: &[Hook::Check(|call, state, _, after| {
            let sent = after.get("externalId")?.as_str()?;
            let other = match call.kind()? {
                Kind::User => Kind::Group,
                _ => Kind::User,
            };
            let taken = !state.of(call).with_external_id(other, sent).is_empty();
            taken.then(|| Failure::typed(409, "uniqueness", "externalId is used already."))
        })],
    },
    Fault {
        id: "name-formatted-only",
        title: "Of a name its formatted text alone is shown",
        area: "schema",
        source: &["https://github.com/harness/harness-core/pull/44194"],
        wrong: "no givenName, no familyName",
        right: "what was sent",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                let Some(name) = user.get("name") else { return };
                let part = |n: &str| name.get(n).and_then(Value::as_str);
                let joined: Vec<&str> = ["givenName", "familyName"].into_iter().filter_map(part).collect();
                let formatted = part("formatted").map_or_else(|| joined.join(" "), str::to_owned);
                user.insert("name".into(), json!({ "formatted": formatted }));
            });
        })],
    },
    Fault {
        id: "phones-without-primary-lost",
        title: "Phone numbers that are not primary are lost",
        area: "create",
        source: &["https://github.com/zitadel/zitadel/pull/9236"],
        wrong: "no phoneNumbers",
        right: "all of them",
        hooks: &[Hook::Store(|_, _, after| {
            if let Some(numbers) = after.get_mut("phoneNumbers").and_then(Value::as_array_mut) {
                numbers.retain(|n| n["primary"] == true);
                if numbers.is_empty() {
                    super::tools::cut(after, "phoneNumbers");
                }
            }
        })],
    },
    Fault {
        id: "roles-not-stored",
        title: "Roles and entitlements of a user are dropped",
        area: "create",
        source: &["https://github.com/BerriAI/litellm/pull/33587"],
        wrong: "201 without them",
        right: "what was sent",
        hooks: &[Hook::Store(|_, _, after| {
            super::tools::cut(after, "roles");
            super::tools::cut(after, "entitlements");
        })],
    },
    Fault {
        id: "values-trimmed",
        title: "Blanks around a value are cut off",
        area: "create",
        source: &["https://github.com/wso2/product-is/issues/6904"],
        wrong: "\"Alice\" for \" Alice \"",
        right: "what was sent",
        hooks: &[Hook::Store(|_, _, after| trim(after))],
    },
    Fault {
        id: "emails-object-pascal-case",
        title: "emails is one object whose parts are spelled in Pascal case",
        area: "schema",
        source: &["https://github.com/wandb/docs/pull/1519"],
        wrong: "{\"Value\":…,\"Display\":\"\",\"Type\":\"\",\"Primary\":true}",
        right: "[{\"value\":…}]",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                if let Some(emails) = user.get_mut("emails") {
                    let first = &emails[0];
                    let text = |n: &str| first[n].as_str().unwrap_or_default().to_owned();
                    *emails = json!({
                        "Value": text("value"), "Display": text("display"), "Type": text("type"), "Primary": true,
                    });
                }
            });
        })],
    },
    Fault {
        id: "create-email-required-400",
        title: "A user without an e-mail address is refused",
        area: "create",
        source: &[
            "https://github.com/Flagsmith/flagsmith/pull/7139",
            "https://github.com/newrelic/docs-website/pull/3239",
        ],
        wrong: "400: missing email",
        right: "201; no schema requires emails",
        hooks: &[Hook::Before(|call, _| {
            (call.is("POST", Kind::User) && elements(call, "emails").is_empty())
                .then(|| Reply::error(400, None, "Invalid request. Missing email."))
        })],
    },
    Fault {
        id: "core-attributes-below-urn",
        title: "The attributes of a user stand below the URN of their schema",
        area: "schema",
        source: &["https://github.com/grokability/snipe-it/issues/12642"],
        wrong: "{\"urn:…:core:2.0:User\":{\"userName\":…}}",
        right: "{\"userName\":…}",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                let stays = |k: &str| matches!(k, "id" | "schemas" | "meta" | "externalId") || k.starts_with("urn:");
                let (common, core): (Map<_, _>, Map<_, _>) =
                    std::mem::take(user).into_iter().partition(|(k, _)| stays(k));
                *user = common;
                user.insert(urn::USER.into(), core.into());
            });
        })],
    },
    Fault {
        id: "create-active-text-400",
        title: "A create with active as text is refused with an error that has members of its own",
        area: "create",
        source: &[
            "https://github.com/limosa-io/laravel-scim-server/issues/114",
            "https://github.com/AzureAD/SCIMReferenceCode/issues/21",
        ],
        wrong: "400, status as a number",
        right: "201, as Entra sends it; at least a correct error",
        hooks: &[Hook::Before(|call, _| {
            let text = body_value(call, "active")?.is_string();
            (writes_user(call) && text).then(|| {
                let errors = json!({ "urn:ietf:params:scim:schemas:core:2.0:User:active": ["must be true or false"] });
                let detail = "Invalid data!";
                let body = json!({
                    "schemas": [urn::ERROR], "detail": detail, "status": 400, "scimType": "invalidSyntax", "errors": errors,
                });
                Reply::json(400, body)
            })
        })],
    },
    Fault {
        id: "create-over-inactive-500",
        title: "A create with the userName of an inactive user crashes",
        area: "create",
        source: &["https://github.com/15five/django-scim2/issues/83"],
        wrong: "500; 409 for an active one",
        right: "409",
        hooks: &[Hook::Before(|call, state| {
            let name = body_text(call, "userName").filter(|_| call.is("POST", Kind::User))?;
            let known = state.of(call).named(Kind::User, &name);
            known.iter().any(|r| r.document()["active"] == false).then(Reply::crash)
        })],
    },
];

/// The id of another user whose document passes a test.
pub(super) fn holders(call: &Call, state: &State, test: impl Fn(&Value) -> bool) -> Option<String> {
    let others = state.of(call).iter(Kind::User).filter(|r| Some(r.id.as_str()) != call.id());
    others.into_iter().find(|r| test(&r.document())).map(|r| r.id.clone())
}

pub(super) fn shares_address(one: &Value, other: &Value) -> bool {
    !super::sample_writes::common_address(one, other).is_empty()
}
