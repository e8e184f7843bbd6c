//! Legal variants in what the server makes of values: defaults, canonical forms, ids, addresses.
//!
//! Must not know the rules.

use super::Variant;
use super::declared::declare;
use super::demands::mark;
use crate::scim::urn;
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind, Target};
use crate::server::faults::tools::{alter, each, each_group, each_user, move_id, remember, trim};
use crate::server::reply::Reply;
use crate::server::state::State;
use serde_json::{Value, json};

pub(super) const VARIANTS: &[Variant] = &[
    Variant {
        id: "defaults-at-create",
        title: "A new user has a locale, a timezone, a userType, a nickName and an e-mail address",
        spec: "RFC 7644 §3.3: service providers may assign default values",
        breaks: &[],
        hooks: &[Hook::Store(|call, before, after| {
            let fresh = call.kind() == Some(Kind::User) && before.is_none();
            if let Some(map) = after.as_object_mut().filter(|_| fresh) {
                let name = map.get("userName").and_then(Value::as_str).unwrap_or_default().to_owned();
                for (key, value) in [
                    ("locale", json!("en-US")),
                    ("timezone", json!("Europe/Berlin")),
                    ("userType", json!("Employee")),
                    ("nickName", json!(name)),
                    (
                        "emails",
                        json!([{ "value": format!("{name}@mail.example.com"), "type": "work", "primary": true }]),
                    ),
                ] {
                    map.entry(key).or_insert(value);
                }
            }
        })],
    },
    Variant {
        id: "location-is-another-address",
        title: "meta.location of a user is an address of its own, by which the user is found as well",
        spec: "RFC 7643 §3.1 (meta.location): the URI of the resource",
        breaks: &[],
        hooks: &[
            // An answer in bulk has no id beside the address.
            Hook::Switch(|b| b.bulk = false),
            Hook::Before(|call, _| {
                if let Target::Item(Kind::User, id) = &mut call.target
                    && let Some(own) = id.strip_prefix("at-")
                {
                    *id = own.to_owned();
                }
                None
            }),
            Hook::After(|call, reply, _| {
                each_user(call, reply, |user| {
                    if let Some(at) = user.get_mut("meta").and_then(|m| m.get_mut("location")) {
                        *at = at.as_str().unwrap_or_default().replace("/Users/", "/Users/at-").into();
                    }
                });
                for name in ["Location", "Content-Location"] {
                    if let Some(at) = reply.header(name).map(|at| at.replace("/Users/", "/Users/at-")) {
                        reply.set(name, at);
                    }
                }
            }),
        ],
    },
    Variant {
        id: "defaults-come-back",
        title: "active is true whenever it has no value; preferredLanguage is en when POST and PUT have none",
        spec: "RFC 7644 §3.3 and §3.5.1: service providers may assign default values",
        breaks: &[],
        hooks: &[Hook::Store(|call, _, after| {
            if let Some(map) = after.as_object_mut().filter(|_| call.kind() == Some(Kind::User)) {
                map.entry("active").or_insert(true.into());
                // Of PATCH the RFC says that what was removed is unassigned.
                if call.method != "PATCH" {
                    map.entry("preferredLanguage").or_insert("en".into());
                }
            }
        })],
    },
    Variant {
        id: "enterprise-defaults",
        title: "Every user belongs to an organization",
        spec: "RFC 7644 §3.3: service providers may assign default values",
        breaks: &[],
        hooks: &[Hook::Store(|call, _, after| {
            if call.kind() == Some(Kind::User)
                && let Some(map) = after.as_object_mut()
                && let Some(own) = map.entry(urn::ENTERPRISE).or_insert_with(|| json!({})).as_object_mut()
            {
                own.entry("organization").or_insert("Example Ltd.".into());
            }
        })],
    },
    Variant {
        id: "primary-false-filled",
        title: "Values that are not primary say so",
        spec: "RFC 7643 §2.4: primary is a Boolean that is false when it is not given",
        breaks: &[],
        hooks: &[Hook::Store(|_, _, after| {
            fill_each(after, &["emails", "phoneNumbers", "addresses"], "primary", &json!(false))
        })],
    },
    Variant {
        id: "type-filled",
        title: "Values without type have the type other",
        spec: "RFC 7644 §3.3 and §3.5.1: service providers may assign default values",
        breaks: &[],
        hooks: &[Hook::Store(|_, _, after| {
            fill_each(after, &["emails", "phoneNumbers", "addresses"], "type", &json!("other"))
        })],
    },
    Variant {
        id: "display-filled",
        title: "E-mail addresses display their value",
        spec: "RFC 7643 §2.4: display is a human-readable name, for display only",
        breaks: &[],
        hooks: &[Hook::Store(|_, _, after| {
            for mail in after.get_mut("emails").and_then(Value::as_array_mut).into_iter().flatten() {
                if let (None, Some(value)) = (mail.get("display"), mail.get("value").cloned()) {
                    mail["display"] = value;
                }
            }
        })],
    },
    Variant {
        id: "name-formatted-computed-declared",
        title: "name.formatted is made of the other parts; the schema says that it is readOnly",
        spec: "RFC 7643 §7 (mutability: readOnly); RFC 7644 §3.5.1",
        breaks: &[],
        hooks: &[
            Hook::Operations(|operations, call, _| {
                let odd = |o: &Value| crate::server::faults::tools::path(o).eq_ignore_ascii_case("name.formatted");
                (call.kind() == Some(Kind::User) && operations.iter().any(odd))
                    .then(|| Reply::error(400, Some("mutability"), "name.formatted is readOnly."))
            }),
            Hook::Store(|_, _, after| {
                let Some(name) = after.get_mut("name").and_then(Value::as_object_mut) else { return };
                let part = |n: &str| name.get(n).and_then(Value::as_str).unwrap_or_default().to_owned();
                let made = format!("{} {}", part("givenName"), part("familyName")).trim().to_owned();
                name.shift_remove("formatted");
                if !made.is_empty() {
                    name.insert("formatted".into(), made.into());
                } else if name.is_empty() {
                    crate::server::faults::tools::cut(after, "name");
                }
            }),
            Hook::After(|call, reply, _| {
                declare(call, reply, urn::USER, |attribute| {
                    if attribute["name"] == "name" {
                        let subs = attribute["subAttributes"].as_array_mut();
                        subs.into_iter().flatten().for_each(|s| mark(s, "formatted", "mutability", &"readOnly".into()));
                    }
                });
            }),
        ],
    },
    Variant {
        id: "phone-numbers-canonical",
        title: "Phone numbers are stored as tel: URIs without separators",
        spec: "RFC 7643 §4.1.2: the value should be canonical after RFC 3966",
        breaks: &[],
        hooks: &[Hook::Store(|_, _, after| {
            for phone in after.get_mut("phoneNumbers").and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(number) = phone["value"].as_str() {
                    let digits: String = number.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
                    // Without a country code there is nothing canonical to be made of it.
                    if digits.starts_with('+') {
                        phone["value"] = format!("tel:{digits}").into();
                    }
                }
            }
        })],
    },
    Variant {
        id: "country-and-locale-canonical",
        title: "Countries are in upper case, locales and languages in the form en-US",
        spec: "RFC 7643 §4.1.2 (ISO 3166-1) and §4.1.1 (RFC 5646): the forms that the standards recommend",
        breaks: &[],
        hooks: &[Hook::Store(|_, _, after| {
            for address in after.get_mut("addresses").and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(country) = address["country"].as_str().filter(|c| c.len() == 2).map(str::to_uppercase) {
                    address["country"] = country.into();
                }
            }
            for name in ["locale", "preferredLanguage"] {
                if let Some((language, region)) =
                    after.get(name).and_then(Value::as_str).and_then(|t| t.split_once(['-', '_']))
                {
                    after[name] = format!("{}-{}", language.to_lowercase(), region.to_uppercase()).into();
                }
            }
        })],
    },
    Variant {
        id: "blanks-trimmed",
        title: "Blanks around texts are cut off",
        spec: "RFC 7644 §3.3: the server is free to alter what the client sent",
        breaks: &[],
        hooks: &[Hook::Store(|_, _, after| trim(after))],
    },
    Variant {
        id: "values-in-another-order",
        title: "Multi-valued attributes come in another order than they were sent",
        spec: "RFC 7643 §2.4: a set of values; no order is promised",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, _| {
            each(call, reply, |resource| {
                for value in resource.values_mut().filter_map(Value::as_array_mut) {
                    value.reverse();
                }
            });
        })],
    },
    Variant {
        id: "long-ids",
        title: "Ids have 200 characters",
        spec: "RFC 7643 §3.1: id is an opaque string",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, state| own_id(call, reply, state, |n, _| format!("{n:0>200}")))],
    },
    Variant {
        id: "ids-are-addresses",
        title: "Ids look like e-mail addresses",
        spec: "RFC 7643 §3.1: id is an opaque string",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, state| {
            own_id(call, reply, state, |n, kind| format!("{}+{n}@scim.example.com", kind.name()));
        })],
    },
    Variant {
        id: "ids-with-signs",
        title: "Ids have colons, dots and blanks in them",
        spec: "RFC 7643 §3.1: id is an opaque string",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, state| {
            own_id(call, reply, state, |n, kind| format!("urn:x:{} 1.{n}", kind.name()));
        })],
    },
    Variant {
        id: "references-relative",
        title: "References are relative to the base URL",
        spec: "RFC 7643 §2.3.7: the absolute or relative URI of the target",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, _| {
            let base = format!("{}/", call.base);
            if call.kind().is_some() {
                reply.resources().into_iter().for_each(|r| r.values_mut().for_each(|v| relative(v, &base)));
            }
        })],
    },
    Variant {
        id: "location-with-slash",
        title: "Addresses of resources end in a slash",
        spec: "RFC 7643 §3.1: location is the URI of the resource, whatever its form",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, _| {
            each(call, reply, |resource| {
                alter(resource, "meta", |meta| {
                    if let Some(address) = meta["location"].as_str().map(|l| format!("{l}/")) {
                        meta["location"] = address.into();
                    }
                });
            });
            for name in ["Location", "Content-Location"] {
                if let Some(address) = reply.header(name).filter(|_| call.kind().is_some()).map(|l| format!("{l}/")) {
                    reply.set(name, address);
                }
            }
        })],
    },
    Variant {
        id: "timestamps-in-nanoseconds",
        title: "Times have nine digits of fraction",
        spec: "RFC 7643 §2.3.5: xsd:dateTime",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, _| {
            each(call, reply, |resource| {
                alter(resource, "meta", |meta| {
                    for name in ["created", "lastModified"] {
                        if let Some(text) = meta[name].as_str().map(|t| t.replace('Z', "000000Z")) {
                            meta[name] = text.into();
                        }
                    }
                });
            });
        })],
    },
    Variant {
        id: "common-attributes-declared",
        title: "/Schemas declares schemas, id, externalId and meta in each schema of a resource",
        spec: "RFC 7643 §3.1 and §7: common attributes are part of every resource; no text forbids to declare them",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, _| {
            if !matches!(call.target, Target::Schemas(_)) {
                return;
            }
            for document in super::declared::documents(reply) {
                let core = document.get("id").is_some_and(|id| id == urn::USER || id == urn::GROUP);
                if let Some(list) = document.get_mut("attributes").and_then(Value::as_array_mut).filter(|_| core) {
                    list.extend(common());
                }
            }
        })],
    },
    Variant {
        id: "groups-on-request-declared",
        title: "Users come without groups unless they are asked for, and the schema says so",
        spec: "RFC 7643 §7 (returned): request",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, _| {
            let asked = call.param("attributes").map_or_else(
                || call.json().and_then(|b| b.get("attributes")).map(Value::to_string).unwrap_or_default(),
                str::to_owned,
            );
            if !asked.to_ascii_lowercase().contains("groups") {
                each_user(call, reply, |user| drop(user.shift_remove("groups")));
            }
            declare(call, reply, urn::USER, |a| mark(a, "groups", "returned", &"request".into()));
        })],
    },
    Variant {
        id: "members-are-values-only",
        title: "Members have a value and nothing else",
        spec: "RFC 7643 §4.2 and §2.4: the other sub-attributes are optional",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, _| {
            each_group(call, reply, |group| {
                alter(group, "members", |members| {
                    for member in members.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
                        member.retain(|name, _| name == "value");
                    }
                });
            });
        })],
    },
];

fn fill_each(document: &mut Value, lists: &[&str], name: &str, value: &Value) {
    for list in lists {
        for entry in document.get_mut(*list).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(map) = entry.as_object_mut() {
                map.entry(name).or_insert_with(|| value.clone());
            }
        }
    }
}

fn relative(value: &mut Value, base: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|v| relative(v, base)),
        Value::Object(map) => {
            for (name, inner) in map {
                match inner.as_str().and_then(|t| t.strip_prefix(base)).filter(|_| name == "$ref") {
                    Some(rest) => *inner = rest.to_owned().into(),
                    None => relative(inner, base),
                }
            }
        }
        _ => {}
    }
}

/// Gives a new resource an id that is made of a number.
fn own_id(call: &Call, reply: &mut Reply, state: &mut State, make: fn(usize, Kind) -> String) {
    if let (Some(kind), 201) = (call.kind(), reply.status) {
        remember(call, state, "numbers", Value::Null);
        let number = 1000 + state.of(call).scratch["numbers"].len();
        move_id(call, reply, state, kind, &make(number, kind));
    }
}

fn common() -> Vec<Value> {
    let text = |name: &str, multi: bool, required: bool, mutability: &str, returned: &str| {
        json!({
            "name": name, "type": if name == "schemas" { "reference" } else { "string" }, "multiValued": multi,
            "description": "See RFC 7643 §3.1", "required": required, "caseExact": true, "mutability": mutability,
            "returned": returned, "uniqueness": if name == "id" { "server" } else { "none" },
            "referenceTypes": if name == "schemas" { json!(["uri"]) } else { Value::Null },
        })
    };
    let mut all = vec![
        text("schemas", true, true, "readWrite", "always"),
        text("id", false, true, "readOnly", "always"),
        text("externalId", false, false, "readWrite", "default"),
    ];
    let sub = |name: &str, kind: &str| {
        json!({
            "name": name, "type": kind, "multiValued": false, "description": "See RFC 7643 §3.1", "required": false,
            "caseExact": true, "mutability": "readOnly", "returned": "default", "uniqueness": "none",
        })
    };
    let mut location = sub("location", "reference");
    location["referenceTypes"] = json!(["uri"]);
    all.push(json!({
        "name": "meta", "type": "complex", "multiValued": false, "description": "See RFC 7643 §3.1", "required": false,
        "mutability": "readOnly", "returned": "default", "uniqueness": "none",
        "subAttributes": [
            sub("resourceType", "string"), sub("created", "dateTime"), sub("lastModified", "dateTime"), location,
            sub("version", "string"),
        ],
    }));
    for attribute in &mut all {
        if let Some(map) = attribute.as_object_mut() {
            map.retain(|_, v| !v.is_null());
        }
    }
    all
}
