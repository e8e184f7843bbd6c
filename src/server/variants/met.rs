//! Legal variants that servers in use were met with: more is taken than is promised, and schemas that promise less than the RFC's.
//!
//! Must not know the rules.

use super::Variant;
use super::declared::{declare, refuse_filter};
use crate::scim::urn;
use crate::server::behaviour::Hook;
use crate::server::call::{Kind, Target};
use crate::server::faults::tools::{path, value};
use crate::server::reply::Failure;
use serde_json::{Value, json};

pub(super) const VARIANTS: &[Variant] = &[
    Variant {
        id: "filters-unsaid",
        title: "ServiceProviderConfig says that there are no filters, and they work",
        spec: "RFC 7643 §5: filter.supported; RFC 7644 §3.4.2.2: filtering is optional",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, _| {
            if call.target == Target::Config && reply.ok() {
                let none = json!({ "supported": false, "maxResults": 0 });
                reply.body_mut().into_iter().for_each(|body| drop(body.insert("filter".into(), none.clone())));
            }
        })],
    },
    Variant {
        id: "filter-quotes-optional",
        title: "A text in a filter may stand without quotes",
        spec: "RFC 7644 §3.4.2.2 writes texts as JSON strings, and says nothing of who takes more",
        breaks: &[],
        hooks: &[Hook::Before(|call, _| {
            if let Some((_, text)) = call.query.iter_mut().find(|(name, _)| name == "filter")
                && let [attribute, op, bare] = text.split(' ').collect::<Vec<_>>()[..]
                && op.eq_ignore_ascii_case("eq")
                && bare.contains('@')
                && !bare.contains(['"', '(', ')', '\'', '\\'])
            {
                *text = format!("{attribute} {op} \"{bare}\"");
            }
            None
        })],
    },
    Variant {
        id: "email-parts-undeclared-refused",
        title: "E-mail addresses have a value and primary; the schema says so, and what else is sent is refused",
        spec: "RFC 7643 §2.4: the default sub-attributes hold \"if not otherwise defined\"; interop draft §5.3",
        breaks: &[],
        hooks: &[
            Hook::Before(|call, _| refuse_filter(call, |name| name.starts_with("emails.") && !few(&name[7..]))),
            Hook::Operations(|operations, call, _| {
                let odd = |o: &Value| {
                    let path = path(o).to_ascii_lowercase();
                    path.contains("emails[type")
                        || path.contains("emails.") && !path.ends_with("value")
                        || path == "emails" && value(o).is_some_and(more_than_few)
                };
                (call.kind() == Some(Kind::User) && operations.iter().any(odd)).then(|| undeclared().into())
            }),
            Hook::Check(|call, _, _, after| {
                let mails = after.get("emails").filter(|_| call.kind() == Some(Kind::User))?;
                more_than_few(mails).then(undeclared)
            }),
            Hook::After(|call, reply, _| {
                declare(call, reply, urn::USER, |attribute| {
                    if attribute["name"] == "emails"
                        && let Some(parts) = attribute["subAttributes"].as_array_mut()
                    {
                        parts.retain(|p| p["name"].as_str().is_some_and(few));
                    }
                });
            }),
        ],
    },
];

fn few(part: &str) -> bool {
    ["value", "primary"].iter().any(|known| part.eq_ignore_ascii_case(known))
}

fn more_than_few(mails: &Value) -> bool {
    let of_one = |mail: &Value| mail.as_object().is_some_and(|m| m.keys().any(|k| !few(k)));
    mails.as_array().map_or_else(|| of_one(mails), |all| all.iter().any(of_one))
}

fn undeclared() -> Failure {
    Failure::typed(400, "invalidPath", "emails.type: extra inputs are not permitted")
}
