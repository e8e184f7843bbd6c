//! Faults of public servers that no older entry shows: look-ups and lists, creates, discovery.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{
    bad, body_text, body_value, comparison, conflict, current, each_user, filter_text, never, on_item, put_into_body,
    remember, remembers, shown, unreadable_filter, walk,
};
use crate::scim::filter::{Filter, Literal};
use crate::scim::urn;
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind, Target};
use crate::server::reply::{Content, Reply};
use crate::server::state::State;
use serde_json::{Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "filter-blank-in-value-400",
        title: "A blank inside a quoted filter value breaks the filter",
        area: "match/filter",
        source: &["https://github.com/kanidm/kanidm/pull/3673"],
        wrong: "400 invalidFilter",
        right: "200",
        hooks: &[Hook::Before(|call, _| {
            quoted(&filter_text(call)).iter().any(|v| v.contains(' ')).then(unreadable_filter)
        })],
    },
    Fault {
        id: "filter-backslash-500",
        title: "A backslash in a filter value crashes",
        area: "match/filter",
        source: &["https://github.com/thomaspoignant/scim2-parse-filter/pull/110"],
        wrong: "500",
        right: "200, the resource",
        hooks: &[Hook::Before(|call, _| filter_text(call).contains("\\\\").then(Reply::crash))],
    },
    Fault {
        id: "filter-unicode-400",
        title: "Filter values beyond ASCII are refused",
        area: "match/filter",
        source: &[
            "https://github.com/apache/directory-scimple/issues/564",
            "https://github.com/apache/directory-scimple/issues/981",
        ],
        wrong: "400 invalidFilter",
        right: "200",
        hooks: &[Hook::Before(|call, _| (!filter_text(call).is_ascii()).then(unreadable_filter))],
    },
    Fault {
        id: "filter-parenthesis-in-value-400",
        title: "A closing parenthesis inside a quoted filter value breaks the filter",
        area: "match/filter",
        source: &["https://github.com/Captain-P-Goldfish/SCIM-SDK/issues/309"],
        wrong: "400 invalidFilter",
        right: "200",
        hooks: &[Hook::Before(|call, _| {
            quoted(&filter_text(call)).iter().any(|v| v.contains(')')).then(unreadable_filter)
        })],
    },
    Fault {
        id: "filter-eq-inside-value",
        title: "The letters eq inside a filter value end the value",
        area: "match/filter",
        source: &["https://github.com/Infisical/infisical/pull/6941"],
        wrong: "no match for \"Equity Team\"",
        right: "the group",
        hooks: &[Hook::List(|query, _, _| {
            if let Some(filter) = &mut query.filter {
                walk(filter, &mut |node| {
                    if let Some((_, _, Literal::Str(text))) = comparison(node)
                        && let Some(place) = text.to_ascii_lowercase().find("eq")
                    {
                        text.truncate(place);
                    }
                });
            }
            None
        })],
    },
    Fault {
        id: "filter-quotes-kept",
        title: "The quotes of a filter value are taken as a part of it",
        area: "match/filter",
        source: &["https://github.com/wso2/charon/pull/168"],
        wrong: "no match",
        right: "the user",
        hooks: &[Hook::List(|query, _, _| {
            if let Some(filter) = &mut query.filter {
                walk(filter, &mut |node| {
                    if let Some((_, _, Literal::Str(text))) = comparison(node) {
                        *text = format!("\"{text}\"");
                    }
                });
            }
            None
        })],
    },
    Fault {
        id: "filter-hyphen-500",
        title: "A hyphen in an attribute name of a filter crashes",
        area: "match/filter",
        source: &["https://github.com/thunder-id/thunderid/pull/4185"],
        wrong: "500",
        right: "400 invalidFilter",
        hooks: &[Hook::Before(|call, _| {
            let text = filter_text(call);
            let name = text.split(' ').next().unwrap_or_default();
            (name.contains('-') && !name.contains('"') && !name.contains(':')).then(Reply::crash)
        })],
    },
    Fault {
        id: "filter-user-groups-display-empty",
        title: "A filter on groups.display finds nobody, one on groups.value is refused",
        area: "match/filter",
        source: &["https://github.com/cloudfoundry/uaa/issues/3384"],
        wrong: "empty; 400",
        right: "the members of the group",
        hooks: &[
            Hook::Before(|call, _| filter_text(call).contains("groups.value").then(unreadable_filter)),
            Hook::List(|query, _, _| {
                if let Some(filter) = &mut query.filter {
                    walk(filter, &mut |node| {
                        if comparison(node).is_some_and(|(name, ..)| name == "groups.display") {
                            *node = never();
                        }
                    });
                }
                None
            }),
        ],
    },
    Fault {
        id: "group-membership-filter-500",
        title: "A filter of groups by their members crashes",
        area: "match/filter",
        source: &["https://github.com/goauthentik/authentik/issues/23211"],
        wrong: "id eq \"…\" and members eq \"…\": 500",
        right: "200, or 400 invalidFilter",
        hooks: &[Hook::Before(|call, _| filter_text(call).contains("members").then(Reply::crash))],
    },
    Fault {
        id: "filter-three-conditions-empty",
        title: "Three conditions in one filter find nothing",
        area: "match/filter",
        source: &["https://github.com/wso2/product-is/issues/21170", "https://github.com/wso2/product-is/issues/16192"],
        wrong: "empty",
        right: "the user",
        hooks: &[Hook::List(|query, _, _| {
            if let Some(Filter::And(parts)) = &query.filter
                && parts.len() > 2
            {
                query.filter = Some(never());
            }
            None
        })],
    },
    Fault {
        id: "filter-compound-count-empty-page",
        title: "A compound filter with a count has a total and no page",
        area: "match/filter",
        source: &["https://github.com/wso2/product-is/issues/20496"],
        wrong: "totalResults 2, itemsPerPage 0, no Resources",
        right: "the users",
        hooks: &[Hook::After(|call, reply, _| {
            if filter_text(call).contains(" and ")
                && call.param("count").is_some()
                && reply.is_list()
                && let Some(body) = reply.body_mut()
            {
                body.shift_remove("Resources");
                body.insert("itemsPerPage".into(), 0.into());
            }
        })],
    },
    Fault {
        id: "list-without-paging-empty",
        title: "A list without startIndex and count is empty",
        area: "pagination",
        source: &["https://github.com/bitwarden/server/issues/4034"],
        wrong: "totalResults 0",
        right: "the users",
        hooks: &[Hook::List(|query, call, _| {
            let plain = call.param("startIndex").is_none() && call.param("count").is_none();
            if call.lists(Kind::User) && plain && query.filter.is_none() {
                query.filter = Some(never());
            }
            None
        })],
    },
    Fault {
        id: "list-users-doubled",
        title: "A list names each user twice",
        area: "pagination",
        source: &["https://github.com/Infisical/infisical/issues/6552"],
        wrong: "totalResults 136 for 67 users",
        right: "each user once",
        hooks: &[Hook::After(|call, reply, _| {
            if !call.lists(Kind::User) || !reply.is_list() {
                return;
            }
            let Some(body) = reply.body_mut() else { return };
            let total = body.get("totalResults").and_then(Value::as_u64).unwrap_or_default();
            if let Some(list) = body.get_mut("Resources").and_then(Value::as_array_mut) {
                *list = list.iter().flat_map(|u| [u.clone(), u.clone()]).collect();
                let size = list.len();
                body.insert("itemsPerPage".into(), size.into());
            }
            body.insert("totalResults".into(), (total * 2).into());
        })],
    },
    Fault {
        id: "list-users-always-empty",
        title: "Lists and look-ups of users are always empty",
        area: "pagination",
        source: &["https://github.com/Budibase/budibase/issues/19522"],
        wrong: "totalResults 0",
        right: "the users",
        hooks: &[Hook::List(|query, call, _| {
            if call.lists(Kind::User) {
                query.filter = Some(never());
            }
            None
        })],
    },
    Fault {
        id: "list-user-name-suffixed",
        title: "Lists show userName with the tenant behind it",
        area: "pagination",
        source: &["https://github.com/wso2/product-is/issues/7737"],
        wrong: "admin@carbon.super",
        right: "admin",
        hooks: &[Hook::After(|call, reply, _| {
            if call.lists(Kind::User) {
                each_user(call, reply, |u| {
                    if let Some(Value::String(name)) = u.get_mut("userName") {
                        name.push_str("@carbon.super");
                    }
                });
            }
        })],
    },
    Fault {
        id: "unknown-id-projection-500",
        title: "An unknown id crashes when attributes are chosen",
        area: "errors",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/649"],
        wrong: "500",
        right: "404",
        hooks: &[Hook::Before(|call, state| {
            let chosen = call.param("attributes").is_some() || call.param("excludedAttributes").is_some();
            let unknown = matches!(call.target, Target::Item(..)) && current(call, state).is_none();
            (call.method == "GET" && chosen && unknown).then(Reply::crash)
        })],
    },
    Fault {
        id: "attributes-list-missing",
        title: "A multi-valued complex attribute that is asked for is missing",
        area: "projection",
        source: &["https://github.com/scimmyjs/scimmy/pull/62"],
        wrong: "attributes=userName,emails: no emails",
        right: "emails",
        hooks: &[Hook::After(|call, reply, _| {
            let names = call.param("attributes").unwrap_or_default().to_ascii_lowercase();
            if names.split(',').any(|n| n.trim() == "emails") {
                each_user(call, reply, |u| {
                    u.shift_remove("emails");
                });
            }
        })],
    },
    Fault {
        id: "attributes-extension-sub-ignored",
        title: "attributes does not know a sub-attribute of an extension",
        area: "projection",
        source: &["https://github.com/wso2/product-is/issues/11092"],
        wrong: "attributes=urn:…:User:manager.displayName: nothing of the manager",
        right: "the manager's name",
        hooks: &[Hook::After(|call, reply, _| {
            let names = call.param("attributes").unwrap_or_default();
            if names
                .split(',')
                .any(|n| n.rsplit(':').next().is_some_and(|n| n.contains('.')) && n.contains("enterprise"))
            {
                each_user(call, reply, |u| {
                    u.shift_remove(urn::ENTERPRISE);
                });
            }
        })],
    },
    Fault {
        id: "group-create-reuses-group",
        title: "A new group is written over one that exists",
        area: "groups",
        source: &["https://github.com/grokability/snipe-it/issues/19493"],
        wrong: "201 with the id of the first group",
        right: "201 with a new id",
        hooks: &[
            Hook::Before(|call, state| {
                if call.is("POST", Kind::Group)
                    && let Some(first) = state.of(call).iter(Kind::Group).next().map(|g| g.id.clone())
                {
                    replace_instead(call, Kind::Group, first);
                }
                None
            }),
            Hook::After(answer_created),
        ],
    },
    Fault {
        id: "group-create-caps-members",
        title: "A group is created with at most twenty members",
        area: "groups",
        source: &["https://github.com/getsentry/sentry/issues/77191"],
        wrong: "twenty members",
        right: "all of them",
        hooks: &[Hook::Store(|call, _, document| {
            if call.is("POST", Kind::Group)
                && let Some(members) = document.get_mut("members").and_then(Value::as_array_mut)
            {
                members.truncate(20);
            }
        })],
    },
    Fault {
        id: "group-patch-caps-members",
        title: "A PATCH of a group drops its members beyond one hundred",
        area: "groups",
        source: &["https://github.com/FusionAuth/fusionauth-issues/issues/2784"],
        wrong: "one hundred members",
        right: "all of them",
        hooks: &[Hook::Store(|call, _, document| {
            if call.method == "PATCH"
                && call.kind() == Some(Kind::Group)
                && let Some(members) = document.get_mut("members").and_then(Value::as_array_mut)
            {
                members.truncate(100);
            }
        })],
    },
    Fault {
        id: "list-groups-large-500",
        title: "The list of groups crashes when one of them has many members",
        area: "groups",
        source: &["https://github.com/FusionAuth/fusionauth-issues/issues/3307"],
        wrong: "500",
        right: "200",
        hooks: &[Hook::After(|call, reply, _| {
            let large = shown(call, reply, Kind::Group)
                .iter()
                .any(|g| g.get("members").and_then(Value::as_array).is_some_and(|m| m.len() > 100));
            if call.lists(Kind::Group) && large {
                *reply = Reply::crash();
            }
        })],
    },
    Fault {
        id: "create-takes-external-id",
        title: "A create takes the externalId away from the user that had it",
        area: "create",
        source: &["https://github.com/getprobo/probo/pull/1941"],
        wrong: "the first user has no externalId any more",
        right: "both keep theirs, or 409",
        hooks: &[Hook::Before(|call, state| {
            if !call.is("POST", Kind::User) {
                return None;
            }
            let external = body_text(call, "externalId")?;
            let tenant = state.of_mut(call);
            if !tenant.named(Kind::User, &body_text(call, "userName").unwrap_or_default()).is_empty() {
                return None;
            }
            let others: Vec<(String, Value)> =
                tenant.with_external_id(Kind::User, &external).iter().map(|r| (r.id.clone(), r.document())).collect();
            for (id, mut document) in others {
                super::tools::cut(&mut document, "externalId");
                tenant.update(Kind::User, &id, &document);
            }
            None
        })],
    },
    Fault {
        id: "put-external-id-conflict-500",
        title: "PUT with the externalId of another user crashes",
        area: "put",
        source: &["https://github.com/getprobo/probo/pull/1941"],
        wrong: "500",
        right: "200, or 409",
        hooks: &[Hook::Before(|call, state| {
            let external = body_text(call, "externalId")?;
            let taken = state.of(call).with_external_id(Kind::User, &external);
            let other = taken.iter().any(|r| Some(r.id.as_str()) != call.id());
            (on_item(call, "PUT", Kind::User) && other).then(Reply::crash)
        })],
    },
    Fault {
        id: "external-id-reserved-after-delete",
        title: "The externalId of a deleted user stays reserved",
        area: "create",
        source: &["https://github.com/wireapp/wire-server/pull/1323"],
        wrong: "POST with it: 409",
        right: "201",
        hooks: &[Hook::Before(|call, state| {
            if on_item(call, "DELETE", Kind::User)
                && let Some(external) = current(call, state).and_then(|d| d.get("externalId").cloned())
            {
                remember(call, state, "dead-external-ids", external);
            }
            let external = body_value(call, "externalId")?.clone();
            (call.is("POST", Kind::User) && remembers(call, state, "dead-external-ids", &external)).then(conflict)
        })],
    },
    Fault {
        id: "create-with-known-id-overwrites",
        title: "A create whose body names the id of a user replaces that user",
        area: "create",
        source: &["https://github.com/msaad00/agent-bom/pull/3540"],
        wrong: "201, the other user is overwritten",
        right: "201 with a new id",
        hooks: &[
            Hook::Before(|call, state| {
                let id = body_text(call, "id")?;
                if call.is("POST", Kind::User) && state.of(call).get(Kind::User, &id).is_some() {
                    replace_instead(call, Kind::User, id);
                }
                None
            }),
            Hook::After(answer_created),
        ],
    },
    Fault {
        id: "create-repeated-clears",
        title: "A repeated create answers 201 and clears what the second request leaves out",
        area: "create",
        source: &["https://github.com/croffasia/itsaplan/pull/250"],
        wrong: "201, externalId gone",
        right: "409, unchanged",
        hooks: &[
            Hook::Before(|call, state| {
                let name = body_text(call, "userName")?;
                let known = state.of(call).named(Kind::User, &name).first().map(|r| r.id.clone())?;
                if call.is("POST", Kind::User) {
                    replace_instead(call, Kind::User, known);
                }
                None
            }),
            Hook::After(answer_created),
        ],
    },
    Fault {
        id: "create-empty-schemas-500",
        title: "A create with an empty schemas list crashes",
        area: "create",
        source: &["https://github.com/wso2/charon/issues/206"],
        wrong: "500",
        right: "201 or 400",
        hooks: &[Hook::Before(|call, _| {
            let empty = body_value(call, "schemas").and_then(Value::as_array).is_some_and(Vec::is_empty);
            (call.is("POST", Kind::User) && empty).then(Reply::crash)
        })],
    },
    Fault {
        id: "username-short-500",
        title: "A userName of one or two characters crashes",
        area: "create",
        source: &["https://github.com/wso2/product-is/issues/3572"],
        wrong: "500",
        right: "201 or 400",
        hooks: &[Hook::Before(|call, _| {
            let name = body_text(call, "userName")?;
            (call.is("POST", Kind::User) && matches!(name.chars().count(), 1 | 2)).then(Reply::crash)
        })],
    },
    Fault {
        id: "create-null-400",
        title: "A create with null for a list or an extension is refused",
        area: "create",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/823"],
        wrong: "\"emails\": null: 400",
        right: "201",
        hooks: &[Hook::Before(|call, _| {
            let null = |name| body_value(call, name).is_some_and(Value::is_null);
            (call.is("POST", Kind::User) && (null("emails") || null(urn::ENTERPRISE)))
                .then(|| bad("attribute emails is not an array"))
        })],
    },
    Fault {
        id: "create-two-primaries-stored",
        title: "Two primary e-mail addresses of one create are both kept primary",
        area: "create",
        source: &["https://github.com/wso2/product-is/issues/10033"],
        wrong: "201 with two primaries",
        right: "400, or one of them",
        hooks: &[
            Hook::Before(|call, _| {
                if !call.is("POST", Kind::User) {
                    return None;
                }
                let sent = body_value(call, "emails")?.clone();
                let primaries = sent.as_array()?.iter().filter(|e| e["primary"] == true).count();
                if primaries > 1 {
                    call.memo = Some(sent.clone());
                    let first: Vec<Value> = sent.as_array()?.iter().take(1).cloned().collect();
                    put_into_body(call, "emails", first.into());
                }
                None
            }),
            Hook::Store(|call, _, document| {
                if let Some(emails) = call.memo.clone().filter(Value::is_array) {
                    document["emails"] = emails;
                }
            }),
        ],
    },
    Fault {
        id: "emails-without-primary-lost",
        title: "E-mail addresses that are not primary are lost",
        area: "create",
        source: &["https://github.com/zitadel/zitadel/pull/9236"],
        wrong: "no emails",
        right: "the addresses",
        hooks: &[Hook::Store(|call, _, document| {
            if matches!(call.method.as_str(), "POST" | "PUT")
                && call.kind() == Some(Kind::User)
                && let Some(emails) = document.get_mut("emails").and_then(Value::as_array_mut)
            {
                emails.retain(|e| e["primary"] == true);
            }
        })],
    },
    Fault {
        id: "create-locale-required",
        title: "A user without locale and timezone is refused",
        area: "create",
        source: &["https://github.com/directus/v8-archive/issues/1648"],
        wrong: "400",
        right: "201",
        hooks: &[Hook::Before(|call, _| {
            (call.is("POST", Kind::User) && body_text(call, "timezone").is_none())
                .then(|| bad("timezone: This value should not be blank."))
        })],
    },
    Fault {
        id: "empty-elements-invented",
        title: "A user without phone number or address is shown with an empty one",
        area: "schema",
        source: &["https://github.com/grokability/snipe-it/issues/13855"],
        wrong: "phoneNumbers: [{type: work, primary: true}], addresses: [{formatted: n/a}]",
        right: "neither",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |u| {
                if u.contains_key("schemas") && u.contains_key("userName") {
                    u.entry("phoneNumbers").or_insert_with(|| json!([{ "type": "work", "primary": true }]));
                    u.entry("addresses")
                        .or_insert_with(|| json!([{ "type": "work", "formatted": "n/a", "primary": true }]));
                }
            });
        })],
    },
    Fault {
        id: "roles-joined",
        title: "Several roles are shown as one text with commas",
        area: "schema",
        source: &["https://github.com/wso2/product-is/issues/5283"],
        wrong: "roles: [{value: \"a,b\"}]",
        right: "two roles",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |u| {
                let Some(roles) = u.get("roles").and_then(Value::as_array).filter(|r| r.len() > 1) else { return };
                let names: Vec<&str> = roles.iter().filter_map(|r| r["value"].as_str()).collect();
                let joined = json!([{ "type": "default", "value": names.join(",") }]);
                u.insert("roles".into(), joined);
            });
        })],
    },
    Fault {
        id: "addresses-single-object",
        title: "addresses is an object instead of a list",
        area: "schema",
        source: &["https://github.com/grokability/snipe-it/pull/19183"],
        wrong: "addresses: {…}",
        right: "addresses: [{…}]",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |u| {
                if let Some(first) = u.get("addresses").and_then(|a| a.get(0)).cloned() {
                    u.insert("addresses".into(), first);
                }
            });
        })],
    },
    Fault {
        id: "dates-in-local-time",
        title: "Dates are those of the server's time zone, and named UTC",
        area: "schema",
        source: &["https://github.com/wso2/product-is/issues/4401", "https://github.com/wso2/product-is/issues/4455"],
        wrong: "created five and a half hours ahead",
        right: "the time of the request",
        hooks: &[Hook::After(|call, reply, _| {
            if call.kind().is_none() {
                return;
            }
            for resource in reply.resources() {
                let Some(meta) = resource.get_mut("meta").and_then(Value::as_object_mut) else { continue };
                for name in ["created", "lastModified"] {
                    if let Some(Value::String(text)) = meta.get_mut(name)
                        && let Some(shifted) = ahead(text)
                    {
                        *text = shifted;
                    }
                }
            }
        })],
    },
    Fault {
        id: "unknown-endpoint-empty",
        title: "An unknown endpoint answers 404 or 405 without a body",
        area: "errors",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/417"],
        wrong: "no body",
        right: "an Error",
        hooks: &[Hook::After(|call, reply, _| {
            if call.target == Target::Unknown {
                *reply = Reply::empty(if call.method == "GET" { 404 } else { 405 });
            }
        })],
    },
    Fault {
        id: "response-type-json-scim",
        title: "Answers are declared as application/json+scim",
        area: "headers",
        source: &["https://github.com/FusionAuth/fusionauth-issues/issues/1769"],
        wrong: "application/json+scim",
        right: "application/scim+json",
        hooks: &[Hook::After(|_, reply, _| reply.media_type = "application/json+scim;charset=UTF-8".into())],
    },
    Fault {
        id: "throttled-plain-text",
        title: "A throttled request is answered in plain text",
        area: "errors",
        source: &["https://github.com/vouch-sh/vouch/issues/1412"],
        wrong: "429 text/plain",
        right: "429 with an Error",
        hooks: &[Hook::Before(|call, state| {
            let scratch = state.of_mut(call).scratch.entry("seen".into()).or_default();
            scratch.push(Value::Null);
            (scratch.len() % 20 == 0).then(|| Reply {
                content: Content::Text("text/plain; charset=utf-8", "Too Many Requests! Wait for 0s".into()),
                ..Reply::empty(429).with("Retry-After", "0")
            })
        })],
    },
    Fault {
        id: "schemas-sub-attributes-doubled",
        title: "/Schemas lists the sub-attributes of a complex attribute twice",
        area: "discovery",
        source: &["https://github.com/apache/directory-scimple/pull/480"],
        wrong: "each sub-attribute twice",
        right: "once",
        hooks: &[Hook::After(|call, reply, _| {
            if matches!(call.target, Target::Schemas(_)) {
                for schema in reply.resources() {
                    for attribute in schema.get_mut("attributes").and_then(Value::as_array_mut).into_iter().flatten() {
                        if let Some(subs) = attribute.get_mut("subAttributes").and_then(Value::as_array_mut) {
                            *subs = subs.iter().chain(subs.iter()).cloned().collect();
                        }
                    }
                }
            }
        })],
    },
    Fault {
        id: "put-users-html-404",
        title: "PUT of a user is answered by the page of an unknown address",
        area: "put",
        source: &["https://github.com/goauthentik/authentik/issues/16678"],
        wrong: "404 as HTML",
        right: "501, or 405",
        hooks: &[Hook::Before(|call, _| {
            (call.method == "PUT" && call.kind() == Some(Kind::User)).then(|| super::tools::html(404, "Error 404"))
        })],
    },
    Fault {
        id: "delete-without-body-415",
        title: "A DELETE without a body is refused",
        area: "deactivate",
        source: &["https://github.com/bitwarden/server/pull/2294"],
        wrong: "415",
        right: "204",
        hooks: &[Hook::Before(|call, _| {
            (call.method == "DELETE" && call.header("content-type").is_none())
                .then(|| Reply::error(415, None, "Unsupported Media Type"))
        })],
    },
    Fault {
        id: "patch-replace-unset-500",
        title: "replace of a displayName that is not set crashes",
        area: "patch",
        source: &["https://github.com/OctopusDeploy/Issues/issues/9940"],
        wrong: "500",
        right: "200",
        hooks: &[Hook::Operations(|operations, call, state| {
            let unset = current(call, state)?.get("displayName").is_none();
            let replaces = |o: &Value| super::tools::op(o) == "replace" && super::tools::touches(o, "displayName");
            (unset && operations.iter().any(replaces)).then(Reply::crash)
        })],
    },
    Fault {
        id: "put-without-display-name-400",
        title: "A replacement without displayName is refused",
        area: "put",
        source: &["https://github.com/growthbook/growthbook/pull/4642"],
        wrong: "400",
        right: "200",
        hooks: &[Hook::Before(|call, _| {
            let empty = body_text(call, "displayName").is_none_or(|n| n.is_empty());
            (on_item(call, "PUT", Kind::User) && empty).then(|| bad("displayName is required"))
        })],
    },
];

/// The texts between quotes.
fn quoted(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut open: Option<String> = None;
    let mut escaped = false;
    for c in text.chars() {
        match (&mut open, c) {
            (Some(value), _) if escaped => {
                value.push(c);
                escaped = false;
            }
            (Some(_), '\\') => escaped = true,
            (Some(value), '"') => {
                all.push(std::mem::take(value));
                open = None;
            }
            (Some(value), _) => value.push(c),
            (None, '"') => open = Some(String::new()),
            (None, _) => {}
        }
    }
    all
}

/// Makes a create the replacement of a resource that exists.
pub(super) fn replace_instead(call: &mut Call, kind: Kind, id: String) {
    call.method = "PUT".into();
    call.target = Target::Item(kind, id);
    call.memo = Some("created".into());
}

/// Answers such a replacement as if it had been a create.
pub(super) fn answer_created(call: &Call, reply: &mut Reply, _: &mut State) {
    if call.memo == Some("created".into()) && reply.ok() {
        let location = reply.body().and_then(|b| b["meta"]["location"].as_str()).map(str::to_owned);
        reply.status = 201;
        if let Some(location) = location {
            reply.set("Location", location);
        }
    }
}

/// A date five and a half hours later, in the same form.
fn ahead(text: &str) -> Option<String> {
    let at = crate::scim::value::parse_datetime(text)? + time::Duration::minutes(330);
    at.to_offset(time::UtcOffset::UTC).format(&time::format_description::well_known::Rfc3339).ok()
}
