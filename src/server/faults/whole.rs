//! Faults of what a server makes of its whole store: lists that lack somebody, look-ups by what was once, a delete that breaks.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{any_node, current, filter_text, on_item, remember};
use crate::scim::filter::{CompareOp, Filter, Literal, Test};
use crate::scim::path::AttrPath;
use crate::scim::urn;
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind, Target};
use crate::server::listing::ListQuery;
use crate::server::reply::Reply;
use crate::server::state::State;
use serde_json::{Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "list-hides-empty-groups",
        title: "Groups without members are in no list",
        area: "pagination",
        source: &[],
        wrong: "not listed: the list is a join with the members",
        right: "listed, without members",
        hooks: &[Hook::List(|query, call, _| only_with(query, call, Kind::Group, "members"))],
    },
    Fault {
        id: "list-hides-users-without-email",
        title: "Users without an e-mail address are in no list",
        area: "pagination",
        source: &[],
        wrong: "not listed: the list is a join with the addresses",
        right: "listed",
        hooks: &[Hook::List(|query, call, _| only_with(query, call, Kind::User, "emails"))],
    },
    Fault {
        id: "list-hides-users-without-external-id",
        title: "Lists without a filter show users with an externalId alone",
        area: "pagination",
        source: &[],
        wrong: "not listed: not managed by the identity provider",
        right: "listed",
        hooks: &[Hook::List(|query, call, _| {
            query.filter.is_none().then(|| only_with(query, call, Kind::User, "externalId")).flatten()
        })],
    },
    Fault {
        id: "filter-finds-old-email",
        title: "A look-up by an address that was given up finds the user",
        area: "match/filter",
        source: &[],
        wrong: "1 match: the index keeps the old address",
        right: "no match",
        hooks: &[
            Hook::Before(|call, state| keep_old(call, state, "emails")),
            Hook::List(|query, call, state| find_by_old(query, call, state, "emails")),
        ],
    },
    Fault {
        id: "filter-finds-old-username",
        title: "A look-up by the userName from before a rename finds the user",
        area: "match/filter",
        source: &[],
        wrong: "1 match: the index keeps the old name",
        right: "no match",
        hooks: &[
            Hook::Before(|call, state| keep_old(call, state, "userName")),
            Hook::List(|query, call, state| find_by_old(query, call, state, "userName")),
        ],
    },
    Fault {
        id: "filter-finds-old-group-name",
        title: "A look-up by the name of a group from before a rename finds it",
        area: "match/filter",
        source: &[],
        wrong: "1 match",
        right: "no match",
        hooks: &[
            Hook::Before(|call, state| keep_old(call, state, "displayName")),
            Hook::List(|query, call, state| find_by_old(query, call, state, "displayName")),
        ],
    },
    Fault {
        id: "search-root-users-only",
        title: "A search over everything returns users alone",
        area: "match/filter",
        source: &[],
        wrong: "users",
        right: "every resource that matches",
        hooks: &[Hook::List(|query, call, _| {
            if matches!(call.target, Target::RootSearch) {
                let user = Filter::Attr { path: AttrPath::of("userName"), test: Test::Present };
                query.filter = Some(with(query.filter.take(), user));
            }
            None
        })],
    },
    Fault {
        id: "config-names-in-lower-case",
        title: "ServiceProviderConfig spells its members in lower case",
        area: "discovery",
        source: &[],
        wrong: "{\"changepassword\":…,\"authenticationschemes\":…}",
        right: "{\"changePassword\":…,\"authenticationSchemes\":…}",
        hooks: &[Hook::After(|call, reply, _| {
            if let Some(body) = reply.body_mut().filter(|_| matches!(call.target, Target::Config)) {
                *body = std::mem::take(body).into_iter().map(|(k, v)| (k.to_lowercase(), v)).collect();
            }
        })],
    },
    Fault {
        id: "resource-type-names-misspelled",
        title: "Resource types spell schemaExtensions in another way",
        area: "discovery",
        source: &[],
        wrong: "{\"SchemaExtensions\":[…]}",
        right: "{\"schemaExtensions\":[…]}",
        hooks: &[Hook::After(|call, reply, _| {
            if matches!(call.target, Target::ResourceTypes(_)) {
                for document in reply.resources() {
                    if let Some(extensions) = document.shift_remove("schemaExtensions") {
                        document.insert("SchemaExtensions".to_owned(), extensions);
                    }
                }
            }
        })],
    },
    Fault {
        id: "group-put-body-id-refused",
        title: "PUT of a group is refused because its body has the id",
        area: "groups",
        source: &[],
        wrong: "400",
        right: "200: readOnly values are ignored",
        hooks: &[Hook::Before(|call, _| {
            let with_id = call.json().is_some_and(|b| b.get("id").is_some());
            (on_item(call, "PUT", Kind::Group) && with_id)
                .then(|| Reply::error(400, Some("mutability"), "id can not be changed"))
        })],
    },
    Fault {
        id: "delete-user-with-extension-500",
        title: "Deleting a user with enterprise attributes crashes",
        area: "delete",
        source: &[],
        wrong: "500",
        right: "204",
        hooks: &[Hook::Before(|call, state| {
            let document = current(call, state).filter(|_| on_item(call, "DELETE", Kind::User))?;
            document.get(urn::ENTERPRISE).map(|_| Reply::crash())
        })],
    },
    Fault {
        id: "group-members-declared-read-only",
        title: "/Schemas declares the members of a group readOnly, and writes are accepted",
        area: "discovery",
        source: &[],
        wrong: "\"mutability\":\"readOnly\"",
        right: "\"mutability\":\"readWrite\"",
        hooks: &[Hook::After(|call, reply, _| {
            if matches!(call.target, Target::Schemas(_)) {
                for schema in reply.resources().into_iter().filter(|s| s.get("id") == Some(&json!(urn::GROUP))) {
                    let attributes = schema.get_mut("attributes").and_then(Value::as_array_mut);
                    let members = attributes.into_iter().flatten().filter(|a| a["name"] == "members");
                    members.for_each(|a| a["mutability"] = json!("readOnly"));
                }
            }
        })],
    },
];

fn with(filter: Option<Filter>, more: Filter) -> Filter {
    match filter {
        Some(filter) => Filter::And(vec![filter, more]),
        None => more,
    }
}

/// Leaves out who has no value of an attribute.
fn only_with(query: &mut ListQuery, call: &Call, kind: Kind, attribute: &str) -> Option<Reply> {
    if call.lists(kind) {
        let present = Filter::Attr { path: AttrPath::of(attribute), test: Test::Present };
        query.filter = Some(with(query.filter.take(), present));
    }
    None
}

/// Keeps the values of an attribute that a write is about to change.
fn keep_old(call: &Call, state: &mut State, attribute: &str) -> Option<Reply> {
    let document = current(call, state).filter(|_| matches!(call.method.as_str(), "PUT" | "PATCH"))?;
    let texts: Vec<String> = match &document[attribute] {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().filter_map(|v| v["value"].as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    };
    for text in texts {
        remember(call, state, attribute, json!([text.to_lowercase(), call.id()]));
    }
    None
}

/// Turns a look-up by a value that somebody once had into one by the id.
fn find_by_old(query: &mut ListQuery, call: &Call, state: &State, attribute: &str) -> Option<Reply> {
    let text = filter_text(call).to_lowercase();
    let named = any_node(query.filter.as_ref()?, |node| {
        matches!(node, Filter::Attr { test: Test::Compare(CompareOp::Eq, Literal::Str(_)), .. })
    });
    let kept = state.of(call).scratch.get(attribute)?;
    let id = kept.iter().rev().find_map(|pair| {
        let old = pair[0].as_str()?;
        (named && text.starts_with(&attribute.to_lowercase()) && text.contains(&format!("\"{old}\"")))
            .then(|| pair[1].as_str())?
    })?;
    let by_id =
        Filter::Attr { path: AttrPath::of("id"), test: Test::Compare(CompareOp::Eq, Literal::Str(id.to_owned())) };
    query.filter = Some(Filter::Or(vec![query.filter.take()?, by_id]));
    None
}
