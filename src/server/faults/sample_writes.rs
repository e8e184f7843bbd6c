//! Faults of public servers, a fresh sample: what a create brings, and what becomes of it.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{
    bad, body_text, body_value, each_user, html, on_item, path, remember, sent_operations, shown, value,
};
use crate::scim::urn;
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind, Target};
use crate::server::inventory::BADGE;
use crate::server::reply::{Failure, Reply};
use serde_json::{Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "phone-tel-uri-400",
        title: "A phone number in the form that the RFC recommends is refused",
        area: "create",
        source: &["https://github.com/wso2/product-is/issues/3475"],
        wrong: "400 for tel:+1-222-333-4444",
        right: "201",
        hooks: &[Hook::Before(|call, _| {
            any_phone(call, |number| number.starts_with("tel:")).then(|| unparsable("The request is unparsable."))
        })],
    },
    Fault {
        id: "phone-local-number-400",
        title: "A phone number without a country is refused",
        area: "create",
        source: &["https://github.com/apache/directory-scimple/pull/222"],
        wrong: "400 for 555-555-5555, the RFC's own example",
        right: "201",
        hooks: &[Hook::Before(|call, _| {
            any_phone(call, |number| !number.starts_with(['+', 't'])).then(|| bad("The phone number cannot be parsed."))
        })],
    },
    Fault {
        id: "phone-plus-500",
        title: "A phone number that begins with a plus sign makes the create fail",
        area: "create",
        source: &["https://github.com/wso2/product-is/issues/3474"],
        wrong: "500, an HTML page",
        right: "201",
        hooks: &[Hook::Before(|call, _| {
            (call.method == "POST" && any_phone(call, |number| number.starts_with('+')))
                .then(|| html(500, "HTTP Status 500 - Fault"))
        })],
    },
    Fault {
        id: "entitlement-objects-400",
        title: "Entitlements that are objects are refused, because the server expects texts",
        area: "create",
        source: &["https://github.com/FusionAuth/fusionauth-issues/issues/3304"],
        wrong: "400 with an error of its own making",
        right: "201",
        hooks: &[Hook::Before(|call, _| {
            let objects = elements(call, "entitlements").iter().any(Value::is_object);
            (writes_user(call) && objects).then(|| {
                let text = "Cannot deserialize value of type String from Object value";
                let errors = json!({ "entitlements": [{ "code": "[invalidJSON]", "message": text }] });
                Reply::json(400, json!({ "fieldErrors": errors }))
            })
        })],
    },
    Fault {
        id: "create-active-500",
        title: "A create that names active fails",
        area: "create",
        source: &["https://github.com/limosa-io/laravel-scim-server/issues/57"],
        wrong: "500: write to active is not supported",
        right: "201",
        hooks: &[Hook::Before(|call, _| {
            (call.is("POST", Kind::User) && body_value(call, "active").is_some())
                .then(|| Reply::error(500, None, "Write to active is not supported."))
        })],
    },
    Fault {
        id: "create-inactive-400",
        title: "A user who is inactive from the start is refused",
        area: "create",
        source: &["https://github.com/bitwarden/server/pull/7891"],
        wrong: "400",
        right: "201, inactive",
        hooks: &[Hook::Before(|call, _| {
            (call.is("POST", Kind::User) && body_value(call, "active") == Some(&Value::Bool(false)))
                .then(|| Reply::error(400, None, "Bad request."))
        })],
    },
    Fault {
        id: "create-known-manager-500",
        title: "A create whose manager is the id of a user fails",
        area: "create",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/714"],
        wrong: "500; any other text is taken",
        right: "201",
        hooks: &[Hook::Before(|call, state| {
            let manager = body_value(call, urn::ENTERPRISE)?.get("manager")?.get("value")?.as_str()?;
            let known = state.of(call).get(Kind::User, manager).is_some();
            (call.is("POST", Kind::User) && known).then(Reply::crash)
        })],
    },
    Fault {
        id: "create-unmapped-extension-500",
        title: "A create with an enterprise attribute that the product has no field for fails",
        area: "create",
        source: &["https://github.com/limosa-io/laravel-scim-server/issues/168"],
        wrong: "500 for costCenter, division, organization, the manager's name",
        right: "201; a PUT of the same takes it",
        hooks: &[Hook::Before(|call, _| {
            let extension = body_value(call, urn::ENTERPRISE)?;
            let named = ["costCenter", "division", "organization"].iter().any(|n| extension.get(n).is_some());
            let manager = extension.get("manager");
            let parts = ["displayName", "$ref"].iter().any(|n| manager.is_some_and(|m| m.get(n).is_some()));
            (call.is("POST", Kind::User) && (named || parts)).then(Reply::crash)
        })],
    },
    Fault {
        id: "address-primary-400",
        title: "An address with primary is refused",
        area: "create",
        source: &["https://github.com/simpleidserver/SimpleIdServer/pull/778"],
        wrong: "400: attribute primary is not recognized",
        right: "201",
        hooks: &[Hook::Before(|call, _| {
            let marked = elements(call, "addresses").iter().any(|a| a.get("primary").is_some());
            (writes_user(call) && marked).then(|| unparsable("attribute primary is not recognized by the SCIM schema"))
        })],
    },
    Fault {
        id: "address-parts-lost",
        title: "Of an address its type and its formatted text alone are kept",
        area: "create",
        source: &["https://github.com/wso2/product-is/issues/13770"],
        wrong: "no streetAddress, locality, region, postalCode, country",
        right: "what was sent",
        hooks: &[Hook::Store(|_, _, after| {
            for address in after.get_mut("addresses").and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(address) = address.as_object_mut() {
                    address.retain(|name, _| matches!(name.as_str(), "type" | "formatted"));
                }
            }
        })],
    },
    Fault {
        id: "external-id-needs-schema-400",
        title: "externalId is refused unless schemas names a schema for common attributes",
        area: "create",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/16"],
        wrong: "400: attribute externalId is not recognized",
        right: "201; common attributes have no schema",
        hooks: &[Hook::Before(|call, _| {
            let common = |s: &Value| s == "urn:ietf:params:scim:schemas:core:2.0:Common";
            let named = elements(call, "schemas").iter().any(common);
            (call.is("POST", Kind::User) && body_value(call, "externalId").is_some() && !named)
                .then(|| unparsable("attribute externalId is not recognized by the SCIM schema"))
        })],
    },
    Fault {
        id: "duplicate-name-and-email-400",
        title: "A duplicate is a bad request when the e-mail address is taken beside the userName",
        area: "create",
        source: &["https://github.com/FusionAuth/fusionauth-issues/issues/3149"],
        wrong: "400; 409 for the userName alone",
        right: "409",
        hooks: &[Hook::Check(|call, state, _, after| {
            let name = after.get("userName")?.as_str()?;
            let holders = state.of(call).named(Kind::User, name);
            let shared = holders.iter().any(|h| !common_address(&h.document(), after).is_empty());
            (call.is("POST", Kind::User) && shared)
                .then(|| Failure::plain(400, "Request failed, see errors for additional details."))
        })],
    },
    Fault {
        id: "duplicate-race-500",
        title: "Of two creates of one userName at a time the later one fails on the database",
        area: "concurrency",
        source: &[
            "https://github.com/gravitee-io/gravitee-access-management/pull/8290",
            "https://github.com/wso2/carbon-kernel/pull/4523",
            "https://github.com/wso2-extensions/identity-inbound-provisioning-scim2/pull/797",
        ],
        wrong: "500",
        right: "409",
        hooks: &[
            Hook::Switch(|b| b.racing_creates = true),
            Hook::After(|call, reply, _| {
                if call.is("POST", Kind::User) && call.snapshot.is_some() && reply.status == 409 {
                    *reply = Reply::crash();
                }
            }),
        ],
    },
    Fault {
        id: "create-shares-id",
        title: "After a create an older user has the id of the new one, too",
        area: "create",
        source: &["https://github.com/15five/django-scim2/issues/87"],
        wrong: "500: several users of that id",
        right: "200",
        hooks: &[
            Hook::After(|call, reply, state| {
                if call.is("POST", Kind::User) && reply.status == 201 {
                    let id = reply.body().map(|b| b["id"].clone()).unwrap_or_default();
                    remember(call, state, "created", id);
                }
            }),
            Hook::Before(|call, state| {
                let created = state.of(call).scratch.get("created")?;
                let last = created.last().filter(|_| created.len() > 1)?.as_str();
                (on_item(call, "GET", Kind::User) && call.id() == last).then(Reply::crash)
            }),
        ],
    },
    Fault {
        id: "emails-several-400",
        title: "A user with more than one e-mail address is refused",
        area: "create",
        source: &["https://docs.aws.amazon.com/singlesignon/latest/developerguide/limitations.html"],
        wrong: "400",
        right: "201",
        hooks: &[Hook::Before(|call, _| {
            (writes_user(call) && elements(call, "emails").len() > 1)
                .then(|| bad("List attribute emails exceeds allowed limit of 1."))
        })],
    },
    Fault {
        id: "create-answer-hides-untyped-email",
        title: "The answer to a create leaves out the e-mail address that has no type",
        area: "create",
        source: &["https://github.com/wso2/product-is/issues/6627"],
        wrong: "the other address alone",
        right: "both",
        hooks: &[Hook::After(|call, reply, _| {
            if call.is("POST", Kind::User) {
                for user in shown(call, reply, Kind::User) {
                    if let Some(Value::Array(emails)) = user.get_mut("emails") {
                        emails.retain(|e| e.get("type").is_some());
                    }
                }
            }
        })],
    },
    Fault {
        id: "user-name-prefixed-on-read",
        title: "Reads show the userName with the name of the store before it, the create did not",
        area: "create",
        source: &["https://github.com/wso2/product-is/issues/4690"],
        wrong: "TESTDOMAIN/alice",
        right: "alice",
        hooks: &[Hook::After(|call, reply, _| {
            if call.method == "GET" {
                each_user(call, reply, |user| {
                    if let Some(Value::String(name)) = user.get_mut("userName") {
                        name.insert_str(0, "TESTDOMAIN/");
                    }
                });
            }
        })],
    },
    Fault {
        id: "password-refusal-says-scimtype",
        title: "The refusal of a weak password has a sentence as scimType",
        area: "errors",
        source: &[
            "https://github.com/wso2/product-is/issues/25067",
            "https://github.com/wso2-extensions/identity-inbound-provisioning-scim2/pull/695",
        ],
        wrong: "scimType: Compromised password",
        right: "scimType: invalidValue",
        hooks: &[Hook::Before(|call, _| {
            let weak = |v: &Value| v.as_str().is_some_and(|p| (1..6).contains(&p.len()));
            let sent = sent_operations(call).iter().any(|o| path(o) == "password" && value(o).is_some_and(weak));
            (sent || body_value(call, "password").is_some_and(weak))
                .then(|| Reply::error(400, Some("Compromised password"), "The provided password is compromised."))
        })],
    },
    Fault {
        id: "create-immutable-refused",
        title: "A create that names an immutable attribute is refused",
        area: "advertised",
        source: &["https://github.com/elimity-com/scim/issues/108"],
        wrong: "400 mutability",
        right: "201",
        hooks: &[Hook::Before(|call, _| {
            let device = call.method == "POST" && call.target == Target::Collection(Kind::Device);
            (device && body_text(call, "vendor").is_some())
                .then(|| Reply::error(400, Some("mutability"), "vendor is immutable."))
        })],
    },
    Fault {
        id: "custom-list-as-text",
        title: "A list of texts is shown as one text with commas",
        area: "advertised",
        source: &["https://github.com/wso2/product-is/issues/5209", "https://github.com/wso2/product-is/issues/9125"],
        wrong: "\"a,b\"",
        right: "[\"a\", \"b\"]",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                if let Some(doors) = user.get_mut(BADGE).and_then(|b| b.get_mut("doors")) {
                    let texts: Vec<&str> = doors.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                    *doors = texts.join(",").into();
                }
            });
        })],
    },
    Fault {
        id: "custom-empty-text-500",
        title: "An empty text for an attribute of the server's own extension makes the write fail",
        area: "advertised",
        source: &["https://github.com/GluuFederation/scim/issues/2"],
        wrong: "500",
        right: "as if it were not there, or the empty text, or 400",
        hooks: &[Hook::Before(|call, _| {
            let empty = |v: &Value| v == "";
            let sent = body_value(call, BADGE).and_then(Value::as_object);
            let patched =
                sent_operations(call).iter().any(|o| path(o).starts_with(BADGE) && value(o).is_some_and(empty));
            (patched || sent.is_some_and(|b| b.values().any(empty))).then(Reply::crash)
        })],
    },
    Fault {
        id: "custom-date-not-in-create-answer",
        title: "The answer to a create leaves out dateTime attributes of the server's own extension",
        area: "advertised",
        source: &["https://github.com/JanssenProject/jans/pull/5281"],
        wrong: "no date; a read shows it",
        right: "the date",
        hooks: &[Hook::After(|call, reply, _| {
            if call.is("POST", Kind::User) {
                each_user(call, reply, |user| {
                    if let Some(badge) = user.get_mut(BADGE).and_then(Value::as_object_mut) {
                        badge.shift_remove("issued");
                    }
                });
            }
        })],
    },
    Fault {
        id: "custom-date-read-500",
        title: "A user with a dateTime attribute of the server's own extension cannot be read",
        area: "advertised",
        source: &["https://github.com/GluuFederation/oxTrust/issues/355"],
        wrong: "500",
        right: "200",
        hooks: &[Hook::Before(|call, state| {
            let dated = super::tools::current(call, state)?.get(BADGE)?.get("issued").is_some();
            (on_item(call, "GET", Kind::User) && dated).then(Reply::crash)
        })],
    },
];

/// Whether a request writes a whole user.
pub(super) fn writes_user(call: &Call) -> bool {
    call.is("POST", Kind::User) || on_item(call, "PUT", Kind::User)
}

/// The elements of a list that a body names.
pub(super) fn elements<'a>(call: &'a Call, name: &str) -> &'a [Value] {
    body_value(call, name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn any_phone(call: &Call, test: fn(&str) -> bool) -> bool {
    let numbers = elements(call, "phoneNumbers").iter();
    writes_user(call) && numbers.filter_map(|p| p.get("value")?.as_str()).any(test)
}

/// E-mail addresses that two documents share.
pub(super) fn common_address(one: &Value, other: &Value) -> Vec<String> {
    let addresses = |document: &Value| -> Vec<String> {
        let list = document.get("emails").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(|e| Some(e.get("value")?.as_str()?.to_lowercase())).collect()
    };
    let held = addresses(one);
    addresses(other).into_iter().filter(|a| held.contains(a)).collect()
}

fn unparsable(detail: &str) -> Reply {
    Reply::error(400, Some("invalidSyntax"), detail)
}
