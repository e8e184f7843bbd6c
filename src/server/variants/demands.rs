//! Legal variants in what a resource must be before the server takes it.
//!
//! Must not know the rules.

use super::Variant;
use super::declared::{declare, documents};
use crate::scim::urn;
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind, Target};
use crate::server::faults::tools::{drop_from_body, path, touches, value};
use crate::server::reply::{Failure, Reply};
use serde_json::Value;

pub(super) const VARIANTS: &[Variant] = &[
    Variant {
        id: "username-is-an-address",
        title: "userName must be an e-mail address",
        spec: "RFC 7643 §2.3.1: an attribute may have a required data format; RFC 7644 §3.12 (invalidValue)",
        breaks: &[],
        hooks: &[Hook::Check(|call, _, _, after| {
            let name = after["userName"].as_str().unwrap_or_default();
            (is_user(call) && !name.contains('@')).then(|| invalid("userName must be an e-mail address."))
        })],
    },
    Variant {
        id: "mail-domain-verified",
        title: "A userName is an address at acme.test, a domain that the customer has verified; others are refused",
        spec: "RFC 7644 §3.12, Table 9 (invalidValue): the value is not compatible with the operation; RFC 7643 §2.3.1: a text may have a required format",
        breaks: &[],
        hooks: &[Hook::Check(|call, _, _, after| {
            let name = after["userName"].as_str().unwrap_or_default().to_lowercase();
            let foreign = is_user(call) && name.contains('@') && !name.ends_with("@acme.test");
            foreign.then(|| invalid("The domain of userName is not verified."))
        })],
    },
    Variant {
        id: "username-among-emails",
        title: "A user who is created with e-mail addresses has the userName among them",
        spec: "RFC 7644 §3.12 table 9 (invalidValue): the value is not compatible with the operation",
        breaks: &[],
        hooks: &[Hook::Check(|call, _, _, after| {
            let mails =
                after.get("emails").and_then(Value::as_array).filter(|_| is_user(call) && call.method == "POST")?;
            let name = after["userName"].as_str().unwrap_or_default();
            let among = mails.iter().any(|m| m["value"].as_str().is_some_and(|v| v.eq_ignore_ascii_case(name)));
            (!among).then(|| invalid("userName must be one of the e-mail addresses."))
        })],
    },
    Variant {
        id: "manager-must-exist",
        title: "The manager must be a user",
        spec: "RFC 7643 §4.3: the id of the SCIM resource that is the manager; RFC 7644 §3.12 (invalidValue)",
        breaks: &[],
        hooks: &[Hook::Check(|call, state, before, after| {
            let id = manager(after)?;
            let same = before.and_then(manager) == Some(id);
            let known = same || state.of(call).get(Kind::User, id).is_some();
            (is_user(call) && !known).then(|| invalid("The manager is not known."))
        })],
    },
    Variant {
        id: "external-id-unique",
        title: "externalId is unique among the users",
        spec: "RFC 7644 §3.3.1 and §3.12 (uniqueness); RFC 7643 §3.1: a client keeps it unique",
        breaks: &[],
        hooks: &[Hook::Check(|call, state, before, after| {
            let id = after.get("externalId").filter(|_| is_user(call))?.as_str()?;
            let held = before.and_then(|b| b.get("externalId")?.as_str()) == Some(id);
            let others = state.of(call).with_external_id(Kind::User, id);
            let taken = !held && others.iter().any(|r| Some(r.id.as_str()) != call.id());
            taken.then(|| Failure::typed(409, "uniqueness", "externalId is already in use."))
        })],
    },
    Variant {
        id: "two-name-parts-declared",
        title: "A name has a given and a family name, as the schema says; a POST or PUT with another part is refused",
        spec: "RFC 7643 §7 (subAttributes); RFC 7644 §3.3: what is not declared may be ignored or refused",
        breaks: &["okta", "entra"],
        hooks: &[
            Hook::Before(|call, _| {
                let name = call.json().filter(|_| is_user(call) && call.method != "PATCH").and_then(|b| b.get("name"));
                name.is_some_and(other_part).then(|| Reply::error(400, Some("invalidSyntax"), "There is no such part."))
            }),
            Hook::Operations(|operations, call, _| {
                let foreign = |o: &Value| match path(o).to_ascii_lowercase() {
                    p if p.is_empty() => value(o).and_then(|v| v.get("name")).is_some_and(other_part),
                    p if p == "name" => value(o).is_some_and(other_part),
                    p => p.strip_prefix("name.").is_some_and(|part| !is_part(part)),
                };
                let odd = is_user(call) && operations.iter().any(foreign);
                odd.then(|| Reply::error(400, Some("invalidPath"), "There is no such part."))
            }),
            Hook::After(|call, reply, _| {
                declare(call, reply, urn::USER, |a| {
                    if a["name"] == "name"
                        && let Some(subs) = a["subAttributes"].as_array_mut()
                    {
                        subs.retain(|s| s["name"].as_str().is_some_and(is_part));
                    }
                });
            }),
        ],
    },
    Variant {
        id: "emails-required-declared",
        title: "A user needs an e-mail address, and the schema says so",
        spec: "RFC 7643 §7 (required); RFC 7644 §3.12 (invalidValue)",
        breaks: &[],
        hooks: &[
            Hook::Check(|call, _, before, after| required(is_user(call), "emails", before, after)),
            Hook::After(|call, reply, _| {
                declare(call, reply, urn::USER, |a| mark(a, "emails", "required", &true.into()));
            }),
        ],
    },
    Variant {
        id: "display-name-required-declared",
        title: "A user needs a displayName, and the schema says so",
        spec: "RFC 7643 §7 (required); RFC 7644 §3.12 (invalidValue)",
        breaks: &[],
        hooks: &[
            Hook::Check(|call, _, before, after| required(is_user(call), "displayName", before, after)),
            Hook::After(|call, reply, _| {
                declare(call, reply, urn::USER, |a| mark(a, "displayName", "required", &true.into()));
            }),
        ],
    },
    Variant {
        id: "password-required-declared",
        title: "A user needs a password, and the schema says so",
        spec: "RFC 7643 §7 (required) and §4.1.1; RFC 7644 §3.12 (invalidValue)",
        breaks: &["entra"],
        hooks: &[
            Hook::Check(|call, _, before, after| required(is_user(call), "password", before, after)),
            Hook::After(|call, reply, _| {
                declare(call, reply, urn::USER, |a| mark(a, "password", "required", &true.into()));
            }),
        ],
    },
    Variant {
        id: "members-required-declared",
        title: "A group needs a member, and the schema says so",
        spec: "RFC 7643 §7 (required); RFC 7644 §3.12 (invalidValue)",
        breaks: &["okta", "entra"],
        hooks: &[
            Hook::Check(|call, _, before, after| required(call.kind() == Some(Kind::Group), "members", before, after)),
            Hook::After(|call, reply, _| {
                declare(call, reply, urn::GROUP, |a| mark(a, "members", "required", &true.into()));
            }),
        ],
    },
    Variant {
        id: "enterprise-required-declared",
        title: "Users need the enterprise extension, and /ResourceTypes says so",
        spec: "RFC 7643 §6 (schemaExtensions.required)",
        breaks: &["okta"],
        hooks: &[
            Hook::Check(|call, _, before, after| required(is_user(call), urn::ENTERPRISE, before, after)),
            Hook::After(|call, reply, _| {
                if matches!(call.target, Target::ResourceTypes(_)) {
                    for entry in documents(reply) {
                        let list = entry.get_mut("schemaExtensions").and_then(Value::as_array_mut);
                        let own = list.into_iter().flatten().filter(|e| e["schema"] == urn::ENTERPRISE);
                        own.for_each(|e| e["required"] = true.into());
                    }
                }
            }),
        ],
    },
    Variant {
        id: "active-read-only-declared",
        title: "active cannot be written, and the schema says so",
        spec: "RFC 7643 §7 (mutability: readOnly); RFC 7644 §3.5.1 and §3.5.2",
        breaks: &["okta", "entra", "onelogin"],
        hooks: &[
            Hook::Before(|call, _| {
                if is_user(call) && matches!(call.method.as_str(), "POST" | "PUT") {
                    drop_from_body(call, "active");
                }
                None
            }),
            Hook::Operations(|operations, call, _| {
                let odd = is_user(call) && operations.iter().any(|o| writes(o, "active"));
                odd.then(|| Reply::error(400, Some("mutability"), "active is readOnly."))
            }),
            Hook::After(|call, reply, _| {
                declare(call, reply, urn::USER, |a| mark(a, "active", "mutability", &"readOnly".into()));
            }),
        ],
    },
    Variant {
        id: "members-read-only-declared",
        title: "members cannot be written, and the schema says so",
        spec: "RFC 7643 §7 (mutability: readOnly); RFC 7644 §3.5.1 and §3.5.2",
        breaks: &["okta", "entra", "onelogin"],
        hooks: &[
            Hook::Before(|call, _| {
                if call.kind() == Some(Kind::Group) && matches!(call.method.as_str(), "POST" | "PUT") {
                    drop_from_body(call, "members");
                }
                None
            }),
            Hook::Operations(|operations, call, _| {
                let odd = call.kind() == Some(Kind::Group) && operations.iter().any(|o| writes(o, "members"));
                odd.then(|| Reply::error(400, Some("mutability"), "members is readOnly."))
            }),
            Hook::After(|call, reply, _| {
                declare(call, reply, urn::GROUP, |a| mark(a, "members", "mutability", &"readOnly".into()));
            }),
        ],
    },
    Variant {
        id: "group-name-immutable-declared",
        title: "displayName of a group cannot be changed, and the schema says so",
        spec: "RFC 7643 §7 (mutability: immutable); RFC 7644 §3.5.1 and §3.12 (mutability)",
        breaks: &["okta", "entra"],
        hooks: &[
            Hook::Check(|call, _, before, after| {
                let other = call.kind() == Some(Kind::Group) && before?["displayName"] != after["displayName"];
                other.then(|| Failure::typed(400, "mutability", "displayName is immutable."))
            }),
            Hook::After(|call, reply, _| {
                declare(call, reply, urn::GROUP, |a| mark(a, "displayName", "mutability", &"immutable".into()));
            }),
        ],
    },
    Variant {
        id: "user-display-name-computed-declared",
        title: "displayName of a user is made of the name; the schema says that it is readOnly",
        spec: "RFC 7643 §7 (mutability: readOnly); RFC 7644 §3.3, §3.5.1 and §3.5.2",
        breaks: &[],
        hooks: &[
            Hook::Operations(|operations, call, _| {
                let odd = is_user(call) && operations.iter().any(|o| writes(o, "displayName"));
                odd.then(|| Reply::error(400, Some("mutability"), "displayName is readOnly."))
            }),
            Hook::Store(|call, _, after| {
                if !is_user(call) {
                    return;
                }
                let part = |n: &str| after.get("name").and_then(|v| v.get(n)?.as_str()).unwrap_or_default().to_owned();
                let made = format!("{} {}", part("givenName"), part("familyName")).trim().to_owned();
                let name = after["userName"].as_str().unwrap_or_default().to_owned();
                after["displayName"] = if made.is_empty() { name } else { made }.into();
            }),
            Hook::After(|call, reply, _| {
                declare(call, reply, urn::USER, |a| mark(a, "displayName", "mutability", &"readOnly".into()));
            }),
        ],
    },
    Variant {
        id: "email-types-enforced",
        title: "The type of an e-mail address is work, home or other",
        spec: "RFC 7643 §2.3.1: service providers may restrict accepted values to the canonical ones",
        breaks: &[],
        hooks: &[Hook::Check(|call, _, _, after| {
            let mut mails = after.get("emails").filter(|_| is_user(call))?.as_array()?.iter();
            let odd = mails.any(|m| {
                m.get("type")
                    .and_then(Value::as_str)
                    .is_some_and(|t| !["work", "home", "other"].contains(&t.to_ascii_lowercase().as_str()))
            });
            odd.then(|| invalid("The type of an e-mail address is work, home or other."))
        })],
    },
    Variant {
        id: "password-policy",
        title: "A password has 14 signs or more and a digit",
        spec: "RFC 7644 §3.12 table 9 (invalidValue); RFC 7643 §4.1.1: password policies are the service provider's",
        breaks: &[],
        hooks: &[Hook::Check(|call, _, before, after| {
            let word = after.get("password").filter(|_| is_user(call))?.as_str()?;
            let held = before.and_then(|b| b.get("password")?.as_str()) == Some(word);
            let good = word.len() >= 14 && word.contains(|c: char| c.is_ascii_digit());
            (!held && !good).then(|| invalid("The password does not meet the policy."))
        })],
    },
    Variant {
        id: "addresses-well-formed",
        title: "An e-mail address has one @ and a host with a dot",
        spec: "RFC 7643 §4.1.2: the value should be specified according to RFC 5321; RFC 7644 §3.12 (invalidValue)",
        breaks: &[],
        hooks: &[Hook::Check(|call, _, _, after| {
            let mut mails = after.get("emails").filter(|_| is_user(call))?.as_array()?.iter();
            let odd = |m: &Value| {
                m.get("value").and_then(Value::as_str).is_some_and(|v| {
                    v.split_once('@').is_none_or(|(user, host)| user.is_empty() || !host.contains('.'))
                })
            };
            mails.any(odd).then(|| invalid("That is no e-mail address."))
        })],
    },
];

fn is_user(call: &Call) -> bool {
    call.kind() == Some(Kind::User)
}

/// What the server of `two-name-parts-declared` knows of a name.
fn is_part(name: &str) -> bool {
    ["givenName", "familyName"].iter().any(|part| part.eq_ignore_ascii_case(name))
}

fn other_part(name: &Value) -> bool {
    name.as_object().is_some_and(|parts| parts.keys().any(|k| !is_part(k)))
}

fn invalid(detail: &str) -> Failure {
    Failure::typed(400, "invalidValue", detail)
}

fn manager(document: &Value) -> Option<&str> {
    document.get(urn::ENTERPRISE)?.get("manager")?.get("value")?.as_str()
}

/// RFC 7644 §3.5.2.2: who removes what is required reads `mutability`; who never sends it, `invalidValue`.
fn required(meant: bool, name: &str, before: Option<&Value>, after: &Value) -> Option<Failure> {
    let lost = meant && after.get(name).is_none();
    let held = before.is_some_and(|b| b.get(name).is_some());
    lost.then(|| Failure::typed(400, if held { "mutability" } else { "invalidValue" }, format!("{name} is required.")))
}

/// Sets a characteristic of one attribute of a schema.
pub(super) fn mark(attribute: &mut Value, name: &str, characteristic: &str, value: &Value) {
    if attribute["name"] == name {
        attribute[characteristic] = value.clone();
    }
}

/// Whether an operation is about this attribute, the URN of its schema before it or not.
pub(super) fn writes(operation: &Value, attribute: &str) -> bool {
    [urn::USER, urn::GROUP].iter().any(|u| touches(operation, &format!("{u}:{attribute}")))
        || touches(operation, attribute)
}
