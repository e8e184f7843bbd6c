//! Faults of public servers, a fifth sample: filters, pages, projection and the discovery documents.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::documents::each_attribute;
use super::tools::{
    any_node, body_value, comparison, drop_from_body_of_search, each_group, empty_list, entries, filter_text,
    filter_text_has, html, never, shown, walk,
};
use crate::scim::filter::{self, CompareOp, Filter, FilterProblemKind};
use crate::scim::urn;
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind, Target};
use crate::server::intake::resource_type;
use crate::server::reply::Reply;
use serde_json::{Map, Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "filter-three-alike-400",
        title: "Three conditions that are joined by the same word cannot be read",
        area: "match/filter",
        source: &["https://github.com/15five/scim2-filter-parser/issues/17"],
        wrong: "a or b or c: 400 invalidFilter; a and b or c works",
        right: "200",
        hooks: &[Hook::List(|query, _, _| {
            let three = any_node(
                query.filter.as_ref()?,
                |node| matches!(node, Filter::And(parts) | Filter::Or(parts) if parts.len() > 2),
            );
            let detail = "Parsing error at: Token(type='OR', value='or')";
            three.then(|| Reply::error(400, Some("invalidFilter"), detail))
        })],
    },
    Fault {
        id: "filter-attribute-twice-empty",
        title: "Two conditions on the same attribute find nobody, but for userName",
        area: "match/filter",
        source: &["https://github.com/wso2/product-is/issues/10509"],
        wrong: "displayName sw \"s\" and displayName ew \"a\": no entries",
        right: "the users",
        hooks: &[Hook::List(|query, call, _| {
            if call.lists(Kind::User)
                && let Some(filter) = &mut query.filter
            {
                walk(filter, &mut |node| {
                    if twice(node) {
                        *node = never();
                    }
                });
            }
            None
        })],
    },
    Fault {
        id: "filter-group-operator-ignored",
        title: "Each operator on a group's attributes is evaluated as eq",
        area: "match/filter",
        source: &["https://github.com/better-auth/better-auth/pull/9733"],
        wrong: "displayName sw \"Eng\": no entries",
        right: "the groups whose name begins so",
        hooks: &[Hook::List(|query, call, _| {
            if call.lists(Kind::Group)
                && let Some(filter) = &mut query.filter
            {
                walk(filter, &mut |node| {
                    if let Some((_, operator, _)) = comparison(node) {
                        *operator = CompareOp::Eq;
                    }
                });
            }
            None
        })],
    },
    Fault {
        id: "filter-unknown-attribute-html-500",
        title: "A filter on an attribute that the database has no column for is answered by a crash page",
        area: "match/filter",
        source: &["https://github.com/goauthentik/authentik/pull/25095"],
        wrong: "500, HTML",
        right: "400 invalidFilter",
        hooks: &[Hook::After(|call, reply, _| {
            let Some(kind) = call.kind().filter(|_| reply.status == 400) else { return };
            let problem =
                filter::parse(&filter_text(call)).ok().and_then(|f| filter::check(&f, resource_type(kind)).err());
            if problem.is_some_and(|p| p.kind == FilterProblemKind::UnknownAttribute) {
                *reply = html(500, "FieldError");
            }
        })],
    },
    Fault {
        id: "filter-no-match-403",
        title: "A look-up that finds nothing is forbidden",
        area: "match/filter",
        source: &["https://github.com/indigo-iam/iam/pull/1181"],
        wrong: "403",
        right: "200, totalResults 0",
        hooks: &[Hook::After(|call, reply, _| {
            let core = call.lists(Kind::User) || call.lists(Kind::Group);
            let none = reply.ok() && reply.body().is_some_and(|b| b["totalResults"] == 0);
            if core && none && !filter_text(call).is_empty() {
                *reply = Reply::error(403, None, "No account found for the given filter.");
            }
        })],
    },
    Fault {
        id: "filter-groups-page-ends-at-count",
        title: "With a filter on the groups of users count is taken as the place where the page ends",
        area: "pagination",
        source: &["https://github.com/wso2/product-is/issues/20177"],
        wrong: "startIndex=2&count=2: one user of three",
        right: "two users",
        hooks: &[Hook::List(|query, call, _| {
            if call.lists(Kind::User) && filter_text_has(query, "groups") {
                query.count = query.count.saturating_sub(query.offset);
            }
            None
        })],
    },
    Fault {
        id: "list-negative-count-slices",
        title: "A negative count takes so many entries off the end of the list",
        area: "pagination",
        source: &["https://github.com/intuitem/ciso-assistant-community/pull/4393"],
        wrong: "count=-1: all but the last",
        right: "no entries, as with count=0",
        hooks: &[
            Hook::List(|query, _, _| {
                if query.asked.is_some_and(|n| n < 0) {
                    query.count = 1_000_000;
                }
                None
            }),
            Hook::After(|call, reply, _| {
                let Some(less) = asked_count(call).filter(|n| *n < 0) else { return };
                let Some(list) = entries(reply) else { return };
                list.truncate(list.len().saturating_sub(usize::try_from(-less).unwrap_or(usize::MAX)));
                let size = list.len();
                if let Some(body) = reply.body_mut() {
                    body.insert("itemsPerPage".into(), size.into());
                }
            }),
        ],
    },
    Fault {
        id: "search-sort-ignored",
        title: "A search by POST takes sortBy and sorts nothing",
        area: "match/filter",
        source: &["https://github.com/thunder-id/thunderid/pull/4424"],
        wrong: "the order of the creates",
        right: "sorted, as by GET",
        hooks: &[Hook::Before(|call, _| {
            drop_from_body_of_search(call, "sortBy");
            None
        })],
    },
    Fault {
        id: "search-without-count-empty",
        title: "A search by POST without count is answered with success and nothing",
        area: "match/filter",
        source: &["https://github.com/wso2/product-is/issues/9859"],
        wrong: "200 without a body",
        right: "200 with the list",
        hooks: &[Hook::After(|call, reply, _| {
            if searches(call) && reply.ok() && body_value(call, "count").is_none() {
                *reply = Reply::empty(200);
            }
        })],
    },
    Fault {
        id: "search-attributes-list-400",
        title: "A search by POST takes `attributes` for one text",
        area: "match/filter",
        source: &[],
        wrong: "\"attributes\": [\"userName\"]: 400",
        right: "200",
        hooks: &[Hook::Before(|call, _| {
            let list = body_value(call, "attributes").is_some_and(Value::is_array);
            let detail = "Cannot deserialize value of type String from Array value";
            (list && searches(call)).then(|| Reply::error(400, Some("invalidSyntax"), detail))
        })],
    },
    Fault {
        id: "search-sort-order-400",
        title: "A search by POST understands sortOrder in capitals alone",
        area: "match/filter",
        source: &["https://github.com/PennState/SCIMple-Identity/issues/73"],
        wrong: "\"sortOrder\": \"descending\": 400",
        right: "200",
        hooks: &[Hook::Before(|call, _| {
            let order = body_value(call, "sortOrder").filter(|_| searches(call))?.as_str()?;
            let detail = "Cannot deserialize value of type SortOrder: not one of [ASCENDING, DESCENDING]";
            let known = ["ASCENDING", "DESCENDING"].contains(&order);
            (!known).then(|| Reply::error(400, Some("invalidSyntax"), detail))
        })],
    },
    Fault {
        id: "attributes-elements-empty",
        title: "The elements of a list that is asked for come as empty objects",
        area: "projection",
        source: &["https://github.com/python-scim/scim2-models/issues/114"],
        wrong: "attributes=emails: \"emails\": [{}]",
        right: "the elements with their parts",
        hooks: &[Hook::After(|call, reply, _| {
            let asked = call.param("attributes").unwrap_or_default().to_owned();
            let empty = |resource: &mut Map<String, Value>| {
                for name in asked.split(',').map(str::trim) {
                    let list = resource.get_mut(name).and_then(Value::as_array_mut);
                    list.into_iter().flatten().filter(|e| e.is_object()).for_each(|e| *e = json!({}));
                }
            };
            if call.kind().is_some() {
                reply.resources().into_iter().for_each(empty);
            }
        })],
    },
    Fault {
        id: "excluded-members-empty-list",
        title: "Excluded members come back as an empty list in the list of groups",
        area: "projection",
        source: &["https://github.com/Infisical/infisical/pull/6525"],
        wrong: "\"members\": []",
        right: "attribute absent",
        hooks: &[Hook::After(|call, reply, _| {
            let excludes = call.param("excludedAttributes").is_some_and(|list| list.contains("members"));
            if excludes && call.lists(Kind::Group) {
                each_group(call, reply, |group| {
                    group.insert("members".into(), json!([]));
                });
            }
        })],
    },
    Fault {
        id: "schemas-extension-location-doubled",
        title: "The location of the enterprise schema has the path of schemas twice",
        area: "discovery",
        source: &["https://github.com/FusionAuth/fusionauth-issues/issues/3384"],
        wrong: ".../Schemas/v2/Schemas/urn:...",
        right: ".../Schemas/urn:...",
        hooks: &[Hook::After(|call, reply, _| {
            each_schema(call, reply, |schema| {
                if schema["id"] == urn::ENTERPRISE
                    && let Some(Value::String(place)) = schema.get_mut("meta").and_then(|m| m.get_mut("location"))
                {
                    *place = place.replacen("/Schemas/", "/Schemas/v2/Schemas/", 1);
                }
            });
        })],
    },
    Fault {
        id: "schemas-members-string",
        title: "/Schemas declares members and groups as string, with their parts",
        area: "discovery",
        source: &["https://github.com/limosa-io/laravel-scim-server/issues/109"],
        wrong: "\"name\": \"members\", \"type\": \"string\", \"subAttributes\": [..]",
        right: "\"type\": \"complex\"",
        hooks: &[Hook::After(|call, reply, _| {
            each_attribute(call, reply, |a| {
                if a["name"] == "members" || a["name"] == "groups" {
                    a.insert("type".into(), "string".into());
                }
            });
        })],
    },
    Fault {
        id: "resourcetypes-empty",
        title: "/ResourceTypes is an empty list beside the users and groups that are served",
        area: "discovery",
        source: &["https://github.com/supabase/auth/pull/2664"],
        wrong: "totalResults 0",
        right: "User and Group",
        hooks: &[Hook::After(|call, reply, _| {
            if call.method == "GET" && call.target == Target::ResourceTypes(None) && reply.ok() {
                *reply = empty_list();
            }
        })],
    },
    Fault {
        id: "schemas-empty",
        title: "/Schemas is an empty list beside the users and groups that are served",
        area: "discovery",
        source: &["https://github.com/supabase/auth/pull/2664"],
        wrong: "totalResults 0",
        right: "the schemas of the resource types",
        hooks: &[Hook::After(|call, reply, _| {
            if call.method == "GET" && call.target == Target::Schemas(None) && reply.ok() {
                *reply = empty_list();
            }
        })],
    },
    Fault {
        id: "schemas-flags-as-text",
        title: "/Schemas writes multiValued, required and caseExact as text",
        area: "discovery",
        source: &["https://github.com/wso2-extensions/identity-inbound-provisioning-scim2/pull/201"],
        wrong: "\"multiValued\": \"false\"",
        right: "\"multiValued\": false",
        hooks: &[Hook::After(|call, reply, _| {
            each_attribute(call, reply, |a| {
                flags_as_text(a);
                let parts = a.get_mut("subAttributes").and_then(Value::as_array_mut);
                parts.into_iter().flatten().filter_map(Value::as_object_mut).for_each(flags_as_text);
            });
        })],
    },
    Fault {
        id: "schemas-parts-as-attributes",
        title: "/Schemas lists the parts of complex attributes as attributes with a dot in their name",
        area: "discovery",
        source: &["https://github.com/wso2-extensions/identity-inbound-provisioning-scim2/pull/201"],
        wrong: "\"name\": \"name.givenName\"",
        right: "name with subAttributes",
        hooks: &[Hook::After(|call, reply, _| {
            each_schema(call, reply, |schema| {
                if let Some(Value::Array(all)) = schema.get_mut("attributes") {
                    *all = all.drain(..).flat_map(flattened).collect();
                }
            });
        })],
    },
    Fault {
        id: "schemas-id-returned-default",
        title: "/Schemas declares that id is returned by default, and not always",
        area: "discovery",
        source: &["https://github.com/better-auth/better-auth/issues/10416"],
        wrong: "\"name\": \"id\", \"returned\": \"default\"",
        right: "\"returned\": \"always\"",
        hooks: &[Hook::After(|call, reply, _| {
            each_schema(call, reply, |schema| {
                let core = schema["id"] == urn::USER || schema["id"] == urn::GROUP;
                if let Some(Value::Array(all)) = schema.get_mut("attributes").filter(|_| core) {
                    all.insert(0, declared_id());
                }
            });
        })],
    },
    Fault {
        id: "user-groups-twice",
        title: "A user shows each group twice",
        area: "groups",
        source: &[],
        wrong: "\"groups\": [{\"value\": \"g1\"}, {\"value\": \"g1\"}]",
        right: "\"groups\": [{\"value\": \"g1\"}]",
        hooks: &[Hook::After(|call, reply, _| {
            for user in shown(call, reply, Kind::User) {
                if let Some(groups) = user.get_mut("groups").and_then(Value::as_array_mut) {
                    groups.extend(groups.clone());
                }
            }
        })],
    },
    Fault {
        id: "user-groups-carry-members",
        title: "Each of a user's groups comes with the list of its members",
        area: "groups",
        source: &["https://github.com/jelhub/scimgateway/issues/71"],
        wrong: "\"groups\": [{\"value\": \"…\", \"members\": [..]}]",
        right: "value, $ref, display, type",
        hooks: &[Hook::After(|call, reply, state| {
            for user in shown(call, reply, Kind::User) {
                let groups = user.get_mut("groups").and_then(Value::as_array_mut);
                for group in groups.into_iter().flatten() {
                    let id = group["value"].as_str().unwrap_or_default();
                    let record = state.of(call).get(Kind::Group, id);
                    let members = record.map(|r| r.document()["members"].clone());
                    group["members"] = members.unwrap_or_default();
                }
            }
        })],
    },
];

/// Whether an `and` has two comparisons of one attribute other than `userName`.
fn twice(node: &mut Filter) -> bool {
    let Filter::And(parts) = node else { return false };
    let names: Vec<String> = parts.iter_mut().filter_map(|p| Some(comparison(p)?.0)).collect();
    let again = |(i, name): (usize, &String)| name != "username" && names[..i].contains(name);
    names.iter().enumerate().any(again)
}

/// `count` as the client sent it, wherever it stood.
fn asked_count(call: &Call) -> Option<i64> {
    match call.param("count") {
        Some(text) => text.trim().parse().ok(),
        None => body_value(call, "count").filter(|_| searches(call))?.as_i64(),
    }
}

/// Whether the call is a search by POST.
fn searches(call: &Call) -> bool {
    call.method == "POST" && matches!(call.target, Target::Search(_) | Target::RootSearch)
}

/// Changes each schema of an answer.
fn each_schema(call: &Call, reply: &mut Reply, change: fn(&mut Map<String, Value>)) {
    if matches!(call.target, Target::Schemas(_)) {
        reply.resources().into_iter().for_each(change);
    }
}

fn flags_as_text(attribute: &mut Map<String, Value>) {
    for flag in attribute.values_mut().filter(|v| v.is_boolean()) {
        *flag = flag.to_string().into();
    }
}

/// A complex attribute as the attributes that its parts become; any other as it is.
fn flattened(attribute: Value) -> Vec<Value> {
    let Some(parts) = attribute["subAttributes"].as_array() else { return vec![attribute] };
    let named = |part: &Value| {
        let mut part = part.clone();
        let name = |v: &Value| v["name"].as_str().unwrap_or_default().to_owned();
        part["name"] = format!("{}.{}", name(&attribute), name(&part)).into();
        part
    };
    parts.iter().map(named).collect()
}

fn declared_id() -> Value {
    json!({
        "name": "id", "type": "string", "multiValued": false, "description": "Id of the resource", "required": false,
        "caseExact": true, "mutability": "readOnly", "returned": "default", "uniqueness": "server",
    })
}
