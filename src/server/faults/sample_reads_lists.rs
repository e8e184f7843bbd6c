//! Faults of public servers, a later sample: lists, pages and projection.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::sample_reads::lists;
use super::tools::{each_user, entries, filter_text};
use crate::scim::urn;
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind, Target};
use crate::server::reply::Reply;
use serde_json::{Map, Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "list-start-ignored-when-all-fits",
        title: "startIndex is ignored when count is not smaller than the number of resources",
        area: "pagination",
        source: &["https://github.com/OpenLiberty/open-liberty/issues/4341"],
        wrong: "startIndex=3&count=500 of ten: all ten",
        right: "eight",
        hooks: &[Hook::List(|query, call, state| {
            let all = call.kind().map_or(0, |kind| state.of(call).iter(kind).count());
            if query.count >= all && !query.by_cursor {
                query.offset = 0;
            }
            None
        })],
    },
    Fault {
        id: "list-answers-start-zero",
        title: "The answer counts startIndex from 0, the request from 1",
        area: "pagination",
        source: &["https://github.com/elimity-com/scim/issues/154", "https://github.com/ssoready/ssoready/pull/232"],
        wrong: "\"startIndex\": 0",
        right: "\"startIndex\": 1",
        hooks: &[Hook::After(|call, reply, _| {
            if lists(call)
                && let Some(start) = reply.body_mut().and_then(|b| b.get_mut("startIndex"))
                && let Some(number) = start.as_u64()
            {
                *start = number.saturating_sub(1).into();
            }
        })],
    },
    Fault {
        id: "list-schemas-of-resource",
        title: "A list names the schema of its resources as its own",
        area: "pagination",
        source: &["https://github.com/ssoready/ssoready/pull/232"],
        wrong: "\"schemas\": [\"urn:…:core:2.0:Group\"]",
        right: "the ListResponse URN",
        hooks: &[Hook::After(|call, reply, _| {
            let own = if call.kind() == Some(Kind::Group) { urn::GROUP } else { urn::USER };
            if lists(call)
                && reply.is_list()
                && let Some(body) = reply.body_mut()
            {
                body.insert("schemas".into(), json!([own]));
            }
        })],
    },
    Fault {
        id: "list-count-zero-400",
        title: "count=0 is refused",
        area: "pagination",
        source: &["https://github.com/pond/scimitar/pull/168"],
        wrong: "400 invalidValue",
        right: "totalResults and no entries",
        hooks: &[Hook::List(|query, _, _| {
            (query.asked == Some(0)).then(|| Reply::error(400, Some("invalidValue"), "Invalid 'count' value 0."))
        })],
    },
    Fault {
        id: "list-paging-limits-422",
        title: "A startIndex or count outside the server's range is refused by the framework",
        area: "pagination",
        source: &["https://github.com/open-webui/open-webui/pull/21577"],
        wrong: "startIndex=0: 422 with a body of the framework",
        right: "taken as 1",
        hooks: &[Hook::Before(|call, _| {
            let number = |name: &str| call.param(name).and_then(|text| text.parse::<i64>().ok());
            let outside = number("startIndex").is_some_and(|n| n < 1) || number("count").is_some_and(|n| n < 1);
            (lists(call) && outside).then(|| {
                let body =
                    json!({ "detail": [{ "type": "greater_than_equal", "loc": ["query", "startIndex"], "input": "0" }] });
                Reply { media_type: "application/json".into(), ..Reply::json(422, body) }
            })
        })],
    },
    Fault {
        id: "list-without-filter-400",
        title: "A list without a filter is refused",
        area: "pagination",
        source: &["https://github.com/imulab/go-scim/issues/12"],
        wrong: "400 invalidFilter",
        right: "200",
        hooks: &[Hook::Before(|call, _| {
            (lists(call) && filter_text(call).is_empty())
                .then(|| Reply::error(400, Some("invalidFilter"), "filter is required."))
        })],
    },
    Fault {
        id: "list-sample-without-filter",
        title: "A list without a filter shows one made-up resource",
        area: "pagination",
        source: &["https://docs.snowflake.com/release-notes/bcr-bundles/2026_03/bcr-2276"],
        wrong: "one user of the id 1",
        right: "the users",
        hooks: &[Hook::Before(|call, _| (lists(call) && filter_text(call).is_empty()).then(|| sample(call)))],
    },
    Fault {
        id: "list-total-without-resources",
        title: "A list has the right total and no entries",
        area: "pagination",
        source: &["https://github.com/keycloak/keycloak/issues/50800"],
        wrong: "totalResults 3, Resources []",
        right: "three entries",
        hooks: &[Hook::After(|call, reply, _| {
            if lists(call)
                && filter_text(call).is_empty()
                && let Some(list) = entries(reply)
            {
                list.clear();
                if let Some(body) = reply.body_mut() {
                    body.insert("itemsPerPage".into(), 0.into());
                }
            }
        })],
    },
    Fault {
        id: "list-omits-location",
        title: "meta lacks location in lists, not in single reads",
        area: "pagination",
        source: &["https://github.com/wso2/product-is/issues/5328"],
        wrong: "meta without location",
        right: "as in the single read",
        hooks: &[Hook::After(|call, reply, _| {
            each_listed(call, reply, |resource| {
                if let Some(meta) = resource.get_mut("meta").and_then(Value::as_object_mut) {
                    meta.shift_remove("location");
                }
            });
        })],
    },
    Fault {
        id: "list-location-without-tenant",
        title: "Locations in lists lack the tenant's part of the path",
        area: "pagination",
        source: &["https://github.com/wso2/product-is/issues/6621"],
        wrong: "/scim/Users/…",
        right: "/scim/v2/Users/…, as in the single read",
        hooks: &[Hook::After(|call, reply, _| {
            each_listed(call, reply, |resource| {
                if let Some(Value::String(place)) = resource.get_mut("meta").and_then(|m| m.get_mut("location")) {
                    *place = place.replacen("/v2/", "/", 1);
                }
            });
        })],
    },
    Fault {
        id: "user-groups-without-value",
        title: "The groups of a user have a display and no value",
        area: "groups",
        source: &["https://github.com/wso2/product-is/issues/5398", "https://github.com/wso2/product-is/issues/3426"],
        wrong: "[{\"display\": \"team\"}]",
        right: "with the id of the group as value",
        hooks: &[Hook::After(|call, reply, _| {
            each_user(call, reply, |user| {
                for group in user.get_mut("groups").and_then(Value::as_array_mut).into_iter().flatten() {
                    if let Some(group) = group.as_object_mut() {
                        group.shift_remove("value");
                    }
                }
            });
        })],
    },
    Fault {
        id: "search-omits-types",
        title: "A search by POST leaves out the type of list entries that a read shows",
        area: "pagination",
        source: &["https://github.com/wso2/product-is/issues/14031"],
        wrong: "{\"value\": \"a@example.com\"}",
        right: "{\"value\": \"a@example.com\", \"type\": \"work\"}",
        hooks: &[Hook::After(|call, reply, _| {
            if matches!(call.target, Target::Search(_) | Target::RootSearch) {
                for resource in reply.resources() {
                    for element in resource.values_mut().filter_map(Value::as_array_mut).flatten() {
                        if let Some(element) = element.as_object_mut() {
                            element.shift_remove("type");
                        }
                    }
                }
            }
        })],
    },
    Fault {
        id: "attributes-on-get-ignored",
        title: "attributes is honoured in lists and ignored in the read of one resource",
        area: "projection",
        source: &["https://github.com/osiam/osiam/issues/182"],
        wrong: "all attributes",
        right: "only those asked for",
        hooks: &[Hook::Before(|call, _| {
            if call.id().is_some() {
                call.query.retain(|(name, _)| !name.eq_ignore_ascii_case("attributes"));
            }
            None
        })],
    },
    Fault {
        id: "attributes-comma-400",
        title: "Names in attributes and excludedAttributes have to be separated by blanks",
        area: "projection",
        source: &["https://github.com/imulab/go-scim/issues/62"],
        wrong: "attributes=userName,emails: 400 invalidPath",
        right: "200",
        hooks: &[Hook::Before(|call, _| {
            names(call).contains(',').then(|| Reply::error(400, Some("invalidPath"), "error compiling path"))
        })],
    },
    Fault {
        id: "attributes-two-dots-500",
        title: "A name with two dots in attributes crashes",
        area: "projection",
        source: &["https://github.com/Captain-P-Goldfish/SCIM-SDK/issues/790"],
        wrong: "attributes=part1.part2.part3: 500",
        right: "200, or 400",
        hooks: &[Hook::Before(|call, _| {
            let crash = names(call).split(',').any(|name| !name.contains(':') && name.matches('.').count() > 1);
            crash.then(Reply::crash)
        })],
    },
];

/// Changes each entry of a list of users or groups.
fn each_listed(call: &Call, reply: &mut Reply, change: fn(&mut Map<String, Value>)) {
    if lists(call) && reply.is_list() {
        reply.resources().into_iter().for_each(change);
    }
}

/// What `attributes` and `excludedAttributes` name.
fn names(call: &Call) -> String {
    let both = [call.param("attributes"), call.param("excludedAttributes")];
    both.into_iter().flatten().collect::<Vec<_>>().join(",")
}

/// The one resource that a server shows to whoever asks for all.
fn sample(call: &Call) -> Reply {
    let resource = match call.kind() {
        Some(Kind::Group) => json!({ "schemas": [urn::GROUP], "id": "1", "displayName": "synthetic_group" }),
        _ => json!({ "schemas": [urn::USER], "id": "1", "userName": "synthesis_user", "active": false }),
    };
    let body = json!({
        "schemas": [urn::LIST], "totalResults": 1, "startIndex": 1, "itemsPerPage": 1, "Resources": [resource],
    });
    Reply::json(200, body)
}
