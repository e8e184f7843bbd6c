//! Legal variants in what the server leaves to others: queries, collections and writes that it does not offer.
//!
//! Must not know the rules.

use super::Variant;
use super::declared::{documents, few, few_declared, few_patched, is_few, names, refuse_filter};
use crate::scim::filter::{self, CompareOp, Filter, Test};
use crate::scim::urn;
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind, Target};
use crate::server::faults::tools::{
    any_node, cut, each_user, filter_text, lists, path, put_into_body, remember, set, touches, value,
};
use crate::server::reply::Reply;
use serde_json::Value;

pub(super) const VARIANTS: &[Variant] = &[
    Variant {
        id: "filter-eq-on-keys-only",
        title: "Filters compare userName, externalId and displayName with eq, joined by and; anything else is refused with invalidFilter",
        spec: "RFC 7644 §3.12 table 9 (invalidFilter): the attribute and filter comparison combination is not supported",
        breaks: &[],
        hooks: &[Hook::Before(|call, _| {
            beyond_keys(call).then(|| Reply::error(400, Some("invalidFilter"), "This filter is not supported."))
        })],
    },
    Variant {
        id: "filter-eq-on-keys-only-untold",
        title: "Filters compare userName, externalId and displayName with eq, joined by and; anything else is refused, with a scimType where it is no operator",
        spec: "RFC 7644 §3.12: scimType is optional; table 9 (invalidFilter)",
        breaks: &[],
        hooks: &[Hook::Before(|call, _| {
            beyond_keys(call).then(|| Reply::error(400, None, "This filter is not supported."))
        })],
    },
    Variant {
        id: "filter-eq-on-keys-only-501",
        title: "Filters compare userName, externalId and displayName with eq, joined by and; anything else answers 501",
        spec: "RFC 7644 §3.12 table 8 (501): the service provider does not support the request operation",
        breaks: &[],
        hooks: &[Hook::Before(|call, _| {
            beyond_keys(call).then(|| Reply::error(501, None, "This filter is not supported."))
        })],
    },
    Variant {
        id: "few-attributes-others-refused",
        title: "Users have a handful of attributes; the schema says so. `attributes` that names another is refused, and so is a filter",
        spec: "RFC 7644 §3.9 does not say what becomes of such a name; §3.12 table 9 (invalidPath, invalidFilter)",
        breaks: &[],
        hooks: &[
            Hook::Before(|call, _| {
                let users = call.kind() == Some(Kind::User);
                let mut names = ["attributes", "excludedAttributes"]
                    .into_iter()
                    .filter_map(|n| call.param(n))
                    .flat_map(|t| t.split(','));
                let common = |n: &str| n.trim().is_empty() || n.trim().to_ascii_lowercase().starts_with("meta");
                let odd = users && names.any(|n| !common(n) && !is_few(n.trim()));
                odd.then(|| Reply::error(400, Some("invalidPath"), "There is no such attribute."))
            }),
            Hook::Operations(|operations, call, _| few_patched(operations, call)),
            Hook::Before(|call, _| {
                if call.kind() == Some(Kind::User) { refuse_filter(call, |name| !is_few(name)) } else { None }
            }),
            Hook::Store(|call, _, after| {
                if call.kind() == Some(Kind::User) {
                    few(after);
                }
            }),
            Hook::After(few_declared),
        ],
    },
    Variant {
        id: "no-filter",
        title: "No filters; ServiceProviderConfig says so",
        spec: "RFC 7644 §3.4.2.2: filtering is optional; RFC 7643 §5 (filter.supported)",
        breaks: &["okta", "entra", "onelogin"],
        hooks: &[Hook::Switch(|b| b.filter = false)],
    },
    Variant {
        id: "whole-list-too-many",
        title: "A list without filter answers tooMany",
        spec: "RFC 7644 §3.4.2.1 and §3.12 table 9 (tooMany): more results than the server is willing to process",
        breaks: &["okta"],
        hooks: &[Hook::Before(|call, _| {
            let whole = call.kind().is_some() && lists(call) && filter_text(call).is_empty();
            whole.then(|| Reply::error(400, Some("tooMany"), "Send a filter."))
        })],
    },
    Variant {
        id: "far-pages-refused",
        title: "A page that begins behind the 100000th resource is refused",
        spec: "RFC 7644 §3.4.2.4 says what startIndex means and not how far it must reach; §3.12 table 9 (invalidValue)",
        breaks: &[],
        hooks: &[Hook::Before(|call, _| {
            let far = call.param("startIndex").and_then(|s| s.parse::<u64>().ok()).is_some_and(|start| start > 100_000);
            (far && lists(call)).then(|| Reply::error(400, Some("invalidValue"), "startIndex is too large."))
        })],
    },
    Variant {
        id: "groups-read-only",
        title: "Groups can be read; writes answer 403",
        spec: "RFC 7644 §3.12 table 8 (403): the operation is not permitted",
        breaks: &["okta", "entra", "onelogin"],
        hooks: &[Hook::Before(|call, _| {
            writes_group(call).then(|| Reply::error(403, None, "Groups are managed elsewhere."))
        })],
    },
    Variant {
        id: "groups-read-only-501",
        title: "Groups can be read; writes answer 501",
        spec: "RFC 7644 §3.12 table 8 (501): the service provider does not support the request operation",
        breaks: &["okta", "entra", "onelogin"],
        hooks: &[Hook::Before(|call, _| {
            writes_group(call).then(|| Reply::error(501, None, "Groups are managed elsewhere."))
        })],
    },
    Variant {
        id: "groups-read-only-405",
        title: "Groups can be read; writes answer 405",
        spec: "RFC 9110 §15.5.6 (405): the method is known and not supported by the resource",
        breaks: &["okta", "entra", "onelogin"],
        hooks: &[Hook::Before(|call, _| {
            writes_group(call)
                .then(|| Reply::error(405, None, "Groups are managed elsewhere.").with("Allow", "GET, HEAD"))
        })],
    },
    Variant {
        id: "delete-not-offered",
        title: "Users cannot be deleted, only deactivated: 403",
        spec: "RFC 7644 §3.6: the service provider may choose not to delete; §3.12 table 8 (403)",
        breaks: &[],
        hooks: &[Hook::Before(|call, _| {
            call.is("DELETE", Kind::User).then(|| Reply::error(403, None, "Deactivate the user instead."))
        })],
    },
    Variant {
        id: "few-attributes-strict",
        title: "Users have a handful of attributes; the schema says so. Others are refused in every write",
        spec: "RFC 7644 §3.12 table 9 (invalidSyntax, invalidPath): the body or the path does not fit the schema",
        breaks: &[],
        hooks: &[
            Hook::Before(|call, _| {
                if call.kind() != Some(Kind::User) {
                    return None;
                }
                let body = call.json().filter(|_| matches!(call.method.as_str(), "POST" | "PUT"));
                let body = body.filter(|_| !matches!(call.target, Target::Search(_))).and_then(Value::as_object);
                let odd = body.and_then(|b| b.keys().find(|k| !is_few(k)));
                let refusal =
                    odd.map(|k| Reply::error(400, Some("invalidSyntax"), format!("There is no attribute {k}.")));
                refusal.or_else(|| refuse_filter(call, |name| !is_few(name)))
            }),
            Hook::Operations(|operations, call, _| {
                let odd = operations.iter().any(|operation| match path(operation).as_str() {
                    "" => value(operation).and_then(Value::as_object).is_some_and(|v| v.keys().any(|k| !is_few(k))),
                    path => !is_few(path),
                });
                (call.kind() == Some(Kind::User) && odd)
                    .then(|| Reply::error(400, Some("invalidPath"), "There is no such attribute."))
            }),
            Hook::Store(|call, _, after| {
                if call.kind() == Some(Kind::User) {
                    few(after);
                }
            }),
            Hook::After(few_declared),
        ],
    },
    Variant {
        id: "plain-emails-declared",
        title: "E-mail addresses have a value, a type and primary; the schema says so",
        spec: "RFC 7643 §2.4 and §4.1.2: sub-attributes are optional",
        breaks: &[],
        hooks: &[
            Hook::Operations(|operations, _, _| {
                let odd = |o: &Value| {
                    let path = path(o).to_ascii_lowercase();
                    path.contains("emails") && path.contains(".display")
                };
                operations.iter().any(odd).then(|| Reply::error(400, Some("invalidPath"), "There is no display."))
            }),
            Hook::Store(|_, _, after| {
                let mails = after.get_mut("emails").and_then(Value::as_array_mut);
                mails.into_iter().flatten().for_each(|m| cut(m, "display"));
            }),
            Hook::After(|call, reply, _| {
                super::declared::declare(call, reply, urn::USER, |attribute| {
                    if attribute["name"] == "emails"
                        && let Some(subs) = attribute["subAttributes"].as_array_mut()
                    {
                        subs.retain(|s| s["name"] != "display");
                    }
                });
            }),
        ],
    },
    Variant {
        id: "no-nickname-or-title-declared",
        title: "Users have no nickName, title, profileUrl, photos, ims, entitlements, roles and certificates; the schema says so",
        spec: "RFC 7643 §4.1: all but userName is optional; RFC 7644 §3.3: what is not known may be ignored",
        breaks: &[],
        hooks: &[
            Hook::Operations(|operations, call, _| {
                let odd =
                    operations.iter().any(|o| DROPPED.iter().any(|d| touches(&bare(o), d) && !path(o).is_empty()));
                (call.kind() == Some(Kind::User) && odd)
                    .then(|| Reply::error(400, Some("invalidPath"), "There is no such attribute."))
            }),
            Hook::Before(|call, _| {
                refuse_filter(call, |name| {
                    DROPPED.iter().any(|d| name.to_ascii_lowercase().contains(&d.to_lowercase()))
                })
            }),
            Hook::Store(|call, _, after| {
                if call.kind() == Some(Kind::User) {
                    DROPPED.iter().for_each(|d| cut(after, d));
                }
            }),
            Hook::After(|call, reply, _| {
                if matches!(call.target, Target::Schemas(_)) {
                    for document in documents(reply).into_iter().filter(|d| d.get("id").is_some_and(|i| i == urn::USER))
                    {
                        if let Some(list) = document.get_mut("attributes").and_then(Value::as_array_mut) {
                            list.retain(|a| a["name"].as_str().is_none_or(|n| !DROPPED.contains(&n)));
                        }
                    }
                }
            }),
        ],
    },
    Variant {
        id: "bulk-of-one",
        title: "A bulk request has one operation at most",
        spec: "RFC 7643 §5 (bulk.maxOperations); RFC 7644 §3.7.4",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.bulk_operations = 1)],
    },
    Variant {
        id: "bulk-small-payload",
        title: "A bulk request has at most 700 bytes",
        spec: "RFC 7643 §5 (bulk.maxPayloadSize); RFC 7644 §3.7.4",
        breaks: &[],
        hooks: &[Hook::Switch(|b| b.bulk_payload = 700)],
    },
    Variant {
        id: "no-sort-501",
        title: "No sorting; ServiceProviderConfig says so, and sortBy answers 501",
        spec: "RFC 7644 §3.4.2.3: sorting is optional; §3.12 table 8 (501)",
        breaks: &[],
        hooks: &[
            Hook::Switch(|b| b.sort = false),
            Hook::Before(|call, _| {
                let sorts = call.param("sortBy").is_some()
                    || call.json().filter(|_| lists(call)).is_some_and(|b| b.get("sortBy").is_some());
                sorts.then(|| Reply::error(501, None, "Sorting is not offered."))
            }),
        ],
    },
    Variant {
        id: "me-redirects",
        title: "/Me redirects to the user with 308",
        spec: "RFC 7644 §3.11: a service provider may redirect with 308",
        breaks: &[],
        hooks: &[Hook::Before(|call, state| {
            let id = state.of(call).iter(Kind::User).next().filter(|_| call.target == Target::Me)?.id.clone();
            let address = crate::server::location(&call.base, Kind::User, &id);
            Some(Reply::empty(308).with("Location", address))
        })],
    },
    Variant {
        id: "cursor-without-total",
        title: "A page by cursor does not say how many there are",
        spec: "draft-ietf-scim-cursor-pagination §2: a service provider may omit totalResults",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, _| {
            let by_cursor = call.param("cursor").is_some() || call.json().is_some_and(|b| b.get("cursor").is_some());
            if let Some(body) = reply.body_mut().filter(|_| lists(call) && by_cursor) {
                body.shift_remove("totalResults");
            }
        })],
    },
    Variant {
        id: "cursor-is-the-default",
        title: "Pages go by cursor unless the client sends startIndex",
        spec: "draft-ietf-scim-cursor-pagination §2: a service provider chooses its default method",
        breaks: &[],
        hooks: &[
            Hook::Before(|call, _| {
                let index =
                    call.param("startIndex").is_some() || call.json().is_some_and(|b| b.get("startIndex").is_some());
                let cursor = call.param("cursor").is_some() || call.json().is_some_and(|b| b.get("cursor").is_some());
                if lists(call) && !index && !cursor {
                    match call.method.as_str() {
                        "GET" => call.query.push(("cursor".into(), String::new())),
                        _ => put_into_body(call, "cursor", "".into()),
                    }
                }
                None
            }),
            Hook::After(|call, reply, _| {
                if call.target == Target::Config
                    && let Some(pagination) = reply.body_mut().and_then(|b| b.get_mut("pagination"))
                {
                    pagination["defaultPaginationMethod"] = "cursor".into();
                }
            }),
        ],
    },
    Variant {
        id: "not-ready-503",
        title: "Each fiftieth request is answered 503 with Retry-After and has to be sent again",
        spec: "RFC 9110 §15.6.4 (503) and §10.2.3: the server may say when to come again",
        breaks: &[],
        hooks: &[Hook::Before(|call, state| {
            remember(call, state, "asked", Value::Null);
            let asked = state.of(call).scratch.get("asked").map_or(0, Vec::len);
            (asked % 50 == 0).then(|| Reply::error(503, None, "Not ready.").with("Retry-After", "0"))
        })],
    },
    Variant {
        id: "user-groups-direct-only",
        title: "User.groups shows direct memberships only",
        spec: "RFC 7643 §4.1.2: groups is optional; type direct or indirect",
        breaks: &[],
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                if let Some(list) = user.get_mut("groups").and_then(Value::as_array_mut) {
                    list.retain(|g| g["type"] != "indirect");
                    if list.is_empty() {
                        user.shift_remove("groups");
                    }
                }
            });
        })],
    },
];

/// What the users of `no-nickname-or-title-declared` do not have.
const DROPPED: [&str; 8] =
    ["nickName", "title", "profileUrl", "photos", "ims", "entitlements", "roles", "x509Certificates"];

/// A PATCH operation whose path is without the URN of the core schema.
fn bare(operation: &Value) -> Value {
    let mut operation = operation.clone();
    if let Some(rest) = path(&operation).strip_prefix(&format!("{}:", urn::USER)) {
        set(&mut operation, "path", rest);
    }
    operation
}

fn writes_group(call: &Call) -> bool {
    let writes = matches!(call.method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE");
    writes && matches!(call.target, Target::Collection(Kind::Group) | Target::Item(Kind::Group, _))
}

/// The filter is more than a key compared with `eq`.
fn beyond_keys(call: &Call) -> bool {
    let Ok(filter) = filter::parse(&filter_text(call)) else { return false };
    let other = any_node(&filter, |node| {
        !matches!(node, Filter::And(_) | Filter::Attr { test: Test::Compare(CompareOp::Eq, _), .. })
    });
    let keys = ["username", "externalid", "displayname"];
    let own = |n: &String| n.to_ascii_lowercase().rsplit(':').next().unwrap_or_default().to_owned();
    other || names(&filter).iter().map(own).any(|n| !keys.contains(&n.as_str()))
}
