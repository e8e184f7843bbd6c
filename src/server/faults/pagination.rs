//! Faults: lists, pages, sorting and cursors.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{alter, bad, filter_text, gone, lists, remember};
use crate::server::behaviour::Hook;
use crate::server::call::{Kind, Target};
use crate::server::intake::resource_type;
use crate::server::reply::{Content, Reply};
use serde_json::{Value, json};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "list-500-when-user-lacks-email",
        title: "One record without valid e-mail breaks the whole list",
        area: "pagination",
        source: &["https://github.com/BerriAI/litellm/pull/17420"],
        wrong: "500",
        right: "200",
        hooks: &[Hook::Before(|call, state| {
            let lacks = || state.of(call).iter(Kind::User).any(|r| r.document().get("emails").is_none());
            (call.lists(Kind::User) && filter_text(call).is_empty() && lacks()).then(Reply::crash)
        })],
    },
    Fault {
        id: "list-count-zero-returns-resources",
        title: "count=0 returns resources",
        area: "pagination",
        source: &["https://github.com/wso2/product-is/issues/5106", "https://github.com/wso2/product-is/issues/5362"],
        wrong: "7 resources",
        right: "totalResults 7, no resources",
        hooks: &[Hook::List(|query, _, _| {
            if query.asked == Some(0) {
                query.count = 100;
            }
            None
        })],
    },
    Fault {
        id: "list-groups-ignores-paging",
        title: "Groups endpoint ignores startIndex and count",
        area: "pagination",
        source: &["https://github.com/wso2/product-is/issues/23376"],
        wrong: "all groups",
        right: "third and fourth group",
        hooks: &[Hook::List(|query, call, _| {
            if call.kind() == Some(Kind::Group) {
                (query.start_index, query.offset, query.count) = (1, 0, usize::MAX);
            }
            None
        })],
    },
    Fault {
        id: "list-itemsperpage-is-requested-count",
        title: "itemsPerPage echoes count",
        area: "pagination",
        source: &["https://github.com/15five/django-scim2/issues/208", "https://github.com/ory/polis/pull/4054"],
        wrong: "itemsPerPage 50",
        right: "7",
        hooks: &[Hook::After(|call, reply, _| {
            let asked = call.param("count").and_then(|c| c.parse::<i64>().ok());
            if let (true, Some(count), true) = (lists(call), asked, reply.is_list())
                && let Some(body) = reply.body_mut()
            {
                body.insert("itemsPerPage".into(), count.into());
            }
        })],
    },
    Fault {
        id: "list-negative-count-500",
        title: "Negative count crashes",
        area: "pagination",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/718"],
        wrong: "500",
        right: "treated as 0",
        hooks: &[Hook::List(|query, _, _| query.asked.is_some_and(|c| c < 0).then(Reply::crash))],
    },
    Fault {
        id: "list-negative-count-returns-all",
        title: "Negative count removes the limit",
        area: "pagination",
        source: &["https://github.com/keycloak/keycloak/issues/50471"],
        wrong: "all resources",
        right: "treated as 0",
        hooks: &[Hook::List(|query, _, _| {
            if query.asked.is_some_and(|c| c < 0) {
                query.count = usize::MAX;
            }
            None
        })],
    },
    Fault {
        id: "list-page-past-end-wrong-total",
        title: "Page past the end reports startIndex-1 as total",
        area: "pagination",
        source: &["https://github.com/keycloak/keycloak/pull/51570"],
        wrong: "totalResults 100",
        right: "7",
        hooks: &[Hook::After(|call, reply, _| {
            let Some(body) = reply.body_mut().filter(|_| lists(call)) else {
                return;
            };
            let start = body.get("startIndex").and_then(Value::as_u64).unwrap_or(1);
            if body.get("totalResults").and_then(Value::as_u64).is_some_and(|total| start > total + 1) {
                body.insert("totalResults".into(), (start - 1).into());
            }
        })],
    },
    Fault {
        id: "list-pages-overlap",
        title: "Pages overlap by some entries",
        area: "pagination",
        source: &["https://github.com/wso2/product-is/issues/9957"],
        wrong: "entries 2-4",
        right: "entries 4-6",
        hooks: &[Hook::List(|query, _, _| {
            query.offset = query.offset.saturating_sub(2);
            None
        })],
    },
    Fault {
        id: "list-sort-after-paging",
        title: "Sort applied to the page instead of the whole result",
        area: "pagination",
        source: &["https://github.com/i2-open/i2scim/commit/8d17cb99f93bf0e22a0086b8a6250c274a91772a"],
        wrong: "entries 1,0",
        right: "entries 6,5",
        hooks: &[Hook::Switch(|b| b.sort_page_only = true)],
    },
    Fault {
        id: "list-startindex-ignored",
        title: "startIndex ignored",
        area: "pagination",
        source: &[
            "https://github.com/scimmyjs/scimmy/issues/21",
            "https://github.com/OpenLiberty/open-liberty/issues/4341",
            "https://github.com/awslabs/ssosync/issues/1",
        ],
        wrong: "first page again",
        right: "users 4-5",
        hooks: &[Hook::List(|query, _, _| {
            query.offset = 0;
            None
        })],
    },
    Fault {
        id: "list-startindex-zero-based",
        title: "startIndex counted from 0",
        area: "pagination",
        source: &[
            "https://github.com/simpleidserver/SimpleIdServer/issues/185",
            "https://github.com/osiam/server/issues/7",
            "https://github.com/ssoready/ssoready/pull/232",
        ],
        wrong: "startIndex 0 reported; second request skips the first user",
        right: "startIndex 1; starts with the first user",
        hooks: &[Hook::List(|query, call, _| {
            let sent = call.param("startIndex").and_then(|s| s.parse().ok());
            query.offset = sent.unwrap_or(0);
            query.start_index = query.offset;
            None
        })],
    },
    Fault {
        id: "list-totalresults-is-page-count",
        title: "totalResults is the page size",
        area: "pagination",
        source: &["https://github.com/wso2/product-is/issues/7320", "https://github.com/awslabs/ssosync/issues/1"],
        wrong: "totalResults 3",
        right: "7",
        hooks: &[Hook::After(|call, reply, _| {
            if lists(call)
                && let Some(body) = reply.body_mut()
                && let Some(size) = body.get("itemsPerPage").cloned()
            {
                body.insert("totalResults".into(), size);
            }
        })],
    },
    Fault {
        id: "list-totalresults-string",
        title: "Paging numbers returned as strings",
        area: "pagination",
        source: &["https://github.com/okta/okta-developer-docs/pull/800"],
        wrong: "\"totalResults\": \"7\"",
        right: "number",
        hooks: &[Hook::After(|call, reply, _| {
            if lists(call)
                && let Some(body) = reply.body_mut()
            {
                for name in ["totalResults", "startIndex", "itemsPerPage"] {
                    alter(body, name, |v| *v = v.to_string().into());
                }
            }
        })],
    },
    Fault {
        id: "list-count-ignored",
        title: "count is ignored",
        area: "pagination",
        source: &[],
        wrong: "all resources",
        right: "at most count",
        hooks: &[Hook::List(|query, _, _| {
            if query.asked.is_some_and(|c| c > 0) {
                query.count = usize::MAX;
            }
            None
        })],
    },
    Fault {
        id: "list-order-unstable",
        title: "Each request lists in another order",
        area: "pagination",
        source: &[],
        wrong: "pages repeat some resources and miss others",
        right: "a stable order",
        hooks: &[
            Hook::Before(|call, state| {
                if lists(call) {
                    remember(call, state, "listed", Value::Null);
                }
                None
            }),
            Hook::After(|call, reply, state| {
                let odd = state.of(call).scratch.get("listed").is_some_and(|l| l.len() % 2 == 0);
                if let (true, Some(body)) = (lists(call) && odd, reply.body_mut()) {
                    alter(body, "Resources", |r| {
                        if let Some(list) = r.as_array_mut() {
                            list.reverse();
                        }
                    });
                }
            }),
        ],
    },
    Fault {
        id: "list-startindex-negative-500",
        title: "startIndex below one crashes",
        area: "pagination",
        source: &[],
        wrong: "500",
        right: "treated as 1",
        hooks: &[Hook::Before(|call, _| {
            (lists(call) && call.param("startIndex").is_some_and(|s| s.starts_with('-') || s == "0")).then(Reply::crash)
        })],
    },
    Fault {
        id: "list-past-end-404",
        title: "A page past the end is 404",
        area: "pagination",
        source: &[],
        wrong: "404",
        right: "200 without resources",
        hooks: &[Hook::After(|call, reply, _| {
            if lists(call)
                && reply.body().is_some_and(|b| b["startIndex"].as_u64() > b["totalResults"].as_u64().map(|t| t + 1))
            {
                *reply = gone("No more pages.");
            }
        })],
    },
    Fault {
        id: "list-past-end-repeats-last-page",
        title: "A page past the end repeats the last resources",
        area: "pagination",
        source: &[],
        wrong: "the last page again",
        right: "no resources",
        hooks: &[Hook::List(|query, call, state| {
            let size = state.of(call).len(call.kind()?);
            if query.filter.is_none() && query.offset >= size {
                query.offset = size.saturating_sub(query.count);
            }
            None
        })],
    },
    Fault {
        id: "list-second-page-empty",
        title: "Only the first page has resources",
        area: "pagination",
        source: &[],
        wrong: "no resources from the second page on",
        right: "the next resources",
        hooks: &[Hook::List(|query, _, _| {
            if query.offset > 0 {
                query.offset = usize::MAX;
            }
            None
        })],
    },
    Fault {
        id: "list-last-resource-missing",
        title: "The last resource is never listed",
        area: "pagination",
        source: &[],
        wrong: "one too few",
        right: "all",
        hooks: &[Hook::After(|call, reply, _| {
            let Some(body) = reply.body_mut().filter(|_| lists(call) && filter_text(call).is_empty()) else {
                return;
            };
            let total = body.get("totalResults").and_then(Value::as_u64).unwrap_or_default();
            let start = body.get("startIndex").and_then(Value::as_u64).unwrap_or(1);
            if let Some(list) = body.get_mut("Resources").and_then(Value::as_array_mut)
                && total > 1
                && start + list.len() as u64 > total
            {
                list.pop();
            }
        })],
    },
    Fault {
        id: "list-totalresults-is-remaining",
        title: "totalResults counts what is left",
        area: "pagination",
        source: &[],
        wrong: "smaller on each page",
        right: "the same on each page",
        hooks: &[Hook::After(|call, reply, _| {
            if lists(call)
                && let Some(body) = reply.body_mut()
                && let (Some(total), Some(start)) =
                    (body.get("totalResults").and_then(Value::as_u64), body.get("startIndex").and_then(Value::as_u64))
            {
                body.insert("totalResults".into(), (total + 1).saturating_sub(start).into());
            }
        })],
    },
    Fault {
        id: "list-totalresults-missing",
        title: "totalResults is missing",
        area: "pagination",
        source: &[],
        wrong: "no totalResults",
        right: "number of matches",
        hooks: &[Hook::After(|call, reply, _| {
            if lists(call)
                && reply.is_list()
                && let Some(body) = reply.body_mut()
            {
                body.shift_remove("totalResults");
            }
        })],
    },
    Fault {
        id: "list-bare-array",
        title: "Lists are bare arrays",
        area: "pagination",
        source: &[],
        wrong: "[..]",
        right: "ListResponse",
        hooks: &[Hook::After(|call, reply, _| {
            if lists(call)
                && let Some(list) = reply.body().and_then(|b| b.get("Resources")).cloned()
            {
                reply.content = Content::Json(list);
            }
        })],
    },
    Fault {
        id: "list-resources-lowercase",
        title: "The entries are under resources",
        area: "pagination",
        source: &[],
        wrong: "\"resources\"",
        right: "\"Resources\"",
        hooks: &[Hook::After(|call, reply, _| {
            if lists(call)
                && let Some(body) = reply.body_mut()
                && let Some(list) = body.shift_remove("Resources")
            {
                body.insert("resources".into(), list);
            }
        })],
    },
    Fault {
        id: "list-schemas-missing",
        title: "Lists lack schemas",
        area: "pagination",
        source: &[],
        wrong: "no schemas",
        right: "schemas with the ListResponse URN",
        hooks: &[Hook::After(|call, reply, _| {
            if lists(call)
                && reply.is_list()
                && let Some(body) = reply.body_mut()
            {
                body.shift_remove("schemas");
            }
        })],
    },
    Fault {
        id: "list-resources-null",
        title: "An empty list has null for Resources",
        area: "pagination",
        source: &[],
        wrong: "\"Resources\": null",
        right: "an array, or absent",
        hooks: &[Hook::After(|call, reply, _| {
            if lists(call)
                && let Some(body) = reply.body_mut()
                && body.get("Resources") == Some(&json!([]))
            {
                body.insert("Resources".into(), Value::Null);
            }
        })],
    },
    Fault {
        id: "list-itemsperpage-zero",
        title: "itemsPerPage is always 0",
        area: "pagination",
        source: &[],
        wrong: "0",
        right: "number of entries on the page",
        hooks: &[Hook::After(|call, reply, _| {
            if lists(call)
                && reply.is_list()
                && let Some(body) = reply.body_mut()
            {
                body.insert("itemsPerPage".into(), 0.into());
            }
        })],
    },
    Fault {
        id: "list-startindex-always-one",
        title: "The answer names startIndex 1 on every page",
        area: "pagination",
        source: &[],
        wrong: "1",
        right: "the startIndex of the page",
        hooks: &[Hook::List(|query, _, _| {
            query.start_index = 1;
            None
        })],
    },
    Fault {
        id: "list-more-than-count",
        title: "A page has one entry too many",
        area: "pagination",
        source: &[],
        wrong: "count + 1 entries",
        right: "at most count",
        hooks: &[Hook::List(|query, _, _| {
            if query.asked.is_some_and(|c| c > 0) {
                query.count += 1;
            }
            None
        })],
    },
    Fault {
        id: "list-large-count-400",
        title: "A count over the maximum is refused",
        area: "pagination",
        source: &[],
        wrong: "400",
        right: "a smaller page",
        hooks: &[Hook::List(|query, _, _| query.asked.is_some_and(|c| c > 1000).then(|| bad("count is too large.")))],
    },
    Fault {
        id: "list-nonnumeric-count-500",
        title: "A count that is no number crashes",
        area: "pagination",
        source: &[],
        wrong: "500",
        right: "400, or ignored",
        hooks: &[Hook::After(|call, reply, _| {
            if lists(call) && reply.status == 400 && call.param("count").is_some_and(|c| c.parse::<i64>().is_err()) {
                *reply = Reply::crash();
            }
        })],
    },
    Fault {
        id: "list-sort-descending-ignored",
        title: "sortOrder descending is ignored",
        area: "pagination",
        source: &[],
        wrong: "ascending",
        right: "descending",
        hooks: &[Hook::List(|query, _, _| {
            query.descending = false;
            None
        })],
    },
    Fault {
        id: "list-sort-ignored",
        title: "sortBy is ignored although sorting is advertised",
        area: "pagination",
        source: &[],
        wrong: "order of creation",
        right: "sorted",
        hooks: &[Hook::List(|query, _, _| {
            query.sort_by = None;
            None
        })],
    },
    Fault {
        id: "list-sort-unknown-500",
        title: "An unknown sortBy crashes",
        area: "pagination",
        source: &[],
        wrong: "500",
        right: "200, or 400",
        hooks: &[Hook::List(|query, call, _| {
            let path = query.sort_by.as_ref()?;
            resource_type(call.kind()?).attribute(path).is_none().then(Reply::crash)
        })],
    },
    Fault {
        id: "cursor-never-ends",
        title: "The last page names a next cursor",
        area: "pagination",
        source: &[],
        wrong: "nextCursor on each page",
        right: "none on the last page",
        hooks: &[Hook::After(|call, reply, _| {
            if lists(call)
                && call.param("cursor").is_some()
                && reply.ok()
                && let Some(body) = reply.body_mut()
            {
                body.entry("nextCursor").or_insert_with(|| "YWZ0ZXI6MA".into());
            }
        })],
    },
    Fault {
        id: "cursor-invalid-500",
        title: "A cursor that was never issued crashes",
        area: "pagination",
        source: &[],
        wrong: "500",
        right: "400 invalidCursor",
        hooks: &[Hook::After(|call, reply, _| {
            if lists(call) && reply.body().is_some_and(|b| b["scimType"] == "invalidCursor") {
                *reply = Reply::crash();
            }
        })],
    },
    Fault {
        id: "cursor-ends-early",
        title: "A walk by cursor ends after its first page",
        area: "pagination",
        source: &[],
        wrong: "no nextCursor although more follows",
        right: "nextCursor on each page but the last",
        hooks: &[Hook::After(|call, reply, _| {
            if lists(call)
                && call.param("cursor").is_some()
                && reply.ok()
                && let Some(body) = reply.body_mut()
            {
                body.shift_remove("nextCursor");
            }
        })],
    },
    Fault {
        id: "cursor-previous-on-first",
        title: "previousCursor stands on each page",
        area: "pagination",
        source: &[],
        wrong: "previousCursor on the first page",
        right: "none there",
        hooks: &[Hook::After(|call, reply, _| {
            if lists(call)
                && call.param("cursor").is_some()
                && reply.ok()
                && let Some(body) = reply.body_mut()
            {
                body.entry("previousCursor").or_insert_with(|| "YWZ0ZXI6MA".into());
            }
        })],
    },
    Fault {
        id: "cursor-not-url-safe",
        title: "Cursors are Base64 with padding",
        area: "pagination",
        source: &[],
        wrong: "\"nextCursor\": \"YWZ0ZXI6Mg==\"",
        right: "characters that a URL can hold",
        hooks: &[Hook::After(|call, reply, _| {
            if lists(call)
                && call.param("cursor").is_some()
                && reply.ok()
                && let Some(body) = reply.body_mut()
            {
                alter(body, "nextCursor", |c| *c = format!("{}==", c.as_str().unwrap_or_default()).into());
            }
        })],
    },
    Fault {
        id: "cursor-default-not-kept",
        title: "Cursors are declared as the default and index pages are served",
        area: "pagination",
        source: &[],
        wrong: "no nextCursor without parameters",
        right: "the default that is declared",
        hooks: &[Hook::After(|call, reply, _| {
            if call.target == Target::Config
                && let Some(body) = reply.body_mut()
            {
                alter(body, "pagination", |p| p["defaultPaginationMethod"] = "cursor".into());
            }
        })],
    },
];
