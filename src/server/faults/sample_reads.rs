//! Faults of public servers, a later sample: filters.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{
    any_node, comparison, empty_list, entries, filter_text, filter_text_has, html, never, never_where, set_total,
    unquoted, unreadable_filter,
};
use crate::scim::filter::{self, CompareOp, Filter, Literal, Test};
use crate::server::behaviour::Hook;
use crate::server::call::{Call, Kind};
use crate::server::reply::Reply;
use serde_json::Value;

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "filter-emails-lists-twice",
        title: "A filter on e-mail addresses lists a user once for each address",
        area: "match/filter",
        source: &["https://github.com/wso2/product-is/issues/4181", "https://github.com/wso2/product-is/issues/4228"],
        wrong: "totalResults 2, the same user twice",
        right: "the user once",
        hooks: &[Hook::After(|call, reply, _| {
            if !call.lists(Kind::User) || !filter_text(call).to_ascii_lowercase().contains("emails") {
                return;
            }
            let Some(list) = entries(reply) else { return };
            let times = |r: &Value| r.get("emails").and_then(Value::as_array).map_or(1, |a| a.len().max(1));
            *list = list.iter().flat_map(|r| vec![r.clone(); times(r)]).collect();
            let size = list.len();
            set_total(reply, size);
            if let Some(body) = reply.body_mut() {
                body.insert("itemsPerPage".into(), size.into());
            }
        })],
    },
    Fault {
        id: "filter-null-400",
        title: "A comparison with null is refused",
        area: "match/filter",
        source: &["https://github.com/GluuFederation/SCIM-Client/issues/57"],
        wrong: "title eq null: 400 invalidFilter",
        right: "200",
        hooks: &[Hook::List(|query, _, _| {
            let null = any_node(query.filter.as_ref()?, |node| {
                matches!(node, Filter::Attr { test: Test::Compare(_, Literal::Null), .. })
            });
            null.then(unreadable_filter)
        })],
    },
    Fault {
        id: "filter-malformed-empty",
        title: "A filter that can not be read finds nothing",
        area: "match/filter",
        source: &["https://docs.snowflake.com/release-notes/bcr-bundles/2026_03/bcr-2276"],
        wrong: "200, no entries",
        right: "400 invalidFilter",
        hooks: &[Hook::Before(|call, _| {
            let text = filter_text(call);
            (!text.is_empty() && filter::parse(&text).is_err()).then(empty_list)
        })],
    },
    Fault {
        id: "filter-logic-empty",
        title: "A filter with and or or finds nothing",
        area: "match/filter",
        source: &["https://docs.snowflake.com/release-notes/bcr-bundles/2026_03/bcr-2276"],
        wrong: "200, no entries",
        right: "the matches, or 400 invalidFilter",
        hooks: &[Hook::List(|query, _, _| {
            let joined = any_node(query.filter.as_ref()?, |node| matches!(node, Filter::And(_) | Filter::Or(_)));
            joined.then(empty_list)
        })],
    },
    Fault {
        id: "filter-date-present-500",
        title: "pr on a date crashes",
        area: "match/filter",
        source: &["https://github.com/gravitee-io/gravitee-access-management/pull/3460"],
        wrong: "meta.lastModified pr: 500",
        right: "200",
        hooks: &[Hook::List(|query, _, _| {
            let dated = any_node(query.filter.as_ref()?, |node| {
                matches!(node, Filter::Attr { path, test: Test::Present }
                if path.attr.eq_ignore_ascii_case("meta")
                    && path.sub.as_deref().is_some_and(|s| {
                        s.eq_ignore_ascii_case("created") || s.eq_ignore_ascii_case("lastModified")
                    }))
            });
            dated.then(Reply::crash)
        })],
    },
    Fault {
        id: "filter-common-names-case-sensitive",
        title: "id, externalId and the parts of meta are compared with case in a filter, other names are not",
        area: "match/filter",
        source: &["https://github.com/RIPAGlobal/scimitar/issues/36"],
        wrong: "EXTERNALID eq \"x\": 400 invalidFilter",
        right: "200",
        hooks: &[Hook::List(|query, _, _| {
            let odd = any_node(query.filter.as_ref()?, |node| {
                let Filter::Attr { path, .. } = node else { return false };
                let known = ["id", "externalId", "meta"].into_iter().find(|n| path.attr.eq_ignore_ascii_case(n));
                let part = path.sub.as_deref().unwrap_or("created");
                known.is_some_and(|name| {
                    let spelled = ["created", "lastModified", "location", "resourceType", "version"].contains(&part);
                    name != path.attr || (name == "meta" && !spelled)
                })
            });
            odd.then(unreadable_filter)
        })],
    },
    Fault {
        id: "filter-attribute-missing-500",
        title: "A condition without an attribute is answered by a crash page",
        area: "match/filter",
        source: &["https://github.com/wso2/product-is/issues/7370"],
        wrong: "… and ew \"1\": 500 as HTML",
        right: "400 invalidFilter",
        hooks: &[Hook::Before(|call, _| {
            let text = unquoted(&filter_text(call)).to_ascii_lowercase();
            let operators = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];
            let bare = text.split(" and ").flat_map(|part| part.split(" or ")).any(|part| {
                let mut words = part.split_whitespace();
                words.next().is_some_and(|word| operators.contains(&word)) && words.next().is_none()
            });
            bare.then(|| html(500, "HTTP Status 500 – Internal Server Error"))
        })],
    },
    Fault {
        id: "filter-external-id-400",
        title: "externalId can not be filtered",
        area: "match/filter",
        source: &[
            "https://github.com/OctopusDeploy/Issues/issues/9841",
            "https://github.com/better-auth/better-auth/issues/10419",
        ],
        wrong: "400 invalidFilter",
        right: "the user",
        hooks: &[Hook::List(|query, call, _| {
            let named = any_node(
                query.filter.as_ref()?,
                |node| matches!(node, Filter::Attr { path, .. } if path.attr.eq_ignore_ascii_case("externalId")),
            );
            (call.lists(Kind::User) && named).then(unreadable_filter)
        })],
    },
    Fault {
        id: "filter-parts-need-count",
        title: "co and ew find nothing unless the request has a count, but for userName",
        area: "match/filter",
        source: &["https://github.com/wso2/product-is/issues/10125"],
        wrong: "displayName ew \"1\": no entries",
        right: "the users",
        hooks: &[Hook::List(|query, _, _| {
            if query.asked.is_none() {
                never_where(&mut query.filter, |node| {
                    comparison(node).is_some_and(|(name, operator, _)| {
                        name != "username" && matches!(operator, CompareOp::Co | CompareOp::Ew)
                    })
                });
            }
            None
        })],
    },
    Fault {
        id: "filter-groups-beside-other-empty",
        title: "A condition on the groups of users beside another one finds nobody",
        area: "match/filter",
        source: &["https://github.com/wso2/product-is/issues/21170"],
        wrong: "groups eq \"…\" and name.givenName co \"m\": no entries",
        right: "the members who match",
        hooks: &[Hook::List(|query, call, _| {
            let joined = matches!(query.filter, Some(Filter::And(_)));
            if call.lists(Kind::User) && joined && filter_text_has(query, "groups") {
                query.filter = Some(never());
            }
            None
        })],
    },
    Fault {
        id: "filter-extension-everybody",
        title: "A filter on an attribute of an extension matches everybody",
        area: "match/filter",
        source: &["https://github.com/PowerDMS/Owin.Scim/issues/35"],
        wrong: "everybody",
        right: "the matches, or 400 invalidFilter",
        hooks: &[Hook::List(|query, _, _| {
            let extended = any_node(
                query.filter.as_ref()?,
                |node| matches!(node, Filter::Attr { path, .. } if path.urn.as_deref().is_some_and(|u| u.contains(":extension:"))),
            );
            if extended {
                query.filter = None;
            }
            None
        })],
    },
    Fault {
        id: "filter-emails-without-value-empty",
        title: "emails without .value in a filter finds nobody",
        area: "match/filter",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/11"],
        wrong: "emails co \"example.com\": no entries",
        right: "the users",
        hooks: &[Hook::List(|query, _, _| {
            never_where(&mut query.filter, |node| comparison(node).is_some_and(|(name, ..)| name == "emails"));
            None
        })],
    },
    Fault {
        id: "filter-url-marks-400",
        title: "Marks that have a meaning in a URL are refused in a filter value, encoded as they are",
        area: "match/filter",
        source: &["https://github.com/fdipuma/scrima-dotnet/pull/5"],
        wrong: "userName eq \"a%23b\": 400 invalidFilter",
        right: "200",
        hooks: &[Hook::Before(|call, _| {
            let text = filter_text(call);
            let marks: usize = text.matches(['#', '?']).count();
            let outside: usize = unquoted(&text).matches(['#', '?']).count();
            (marks > outside).then(unreadable_filter)
        })],
    },
    Fault {
        id: "filter-quoted-400",
        title: "A filter value between quotes is refused",
        area: "match/filter",
        source: &["https://github.com/wso2/product-is/issues/3373", "https://github.com/wso2/charon/issues/116"],
        wrong: "userName eq \"admin\": 400",
        right: "the user",
        hooks: &[Hook::Before(|call, _| {
            let detail = "Given filter operator is not supported.";
            filter_text(call).contains('"').then(|| Reply::error(400, Some("invalidFilter"), detail))
        })],
    },
    Fault {
        id: "filter-group-compound-lost",
        title: "Of a filter of groups with several conditions the first alone counts",
        area: "match/filter",
        source: &["https://github.com/NorthlandPositronics/Cogtrix/issues/124"],
        wrong: "displayName eq \"A\" and externalId eq \"x\": A, whatever its externalId",
        right: "no entries",
        hooks: &[Hook::List(|query, call, _| {
            if call.lists(Kind::Group)
                && let Some(Filter::And(parts) | Filter::Or(parts)) = &mut query.filter
            {
                query.filter = Some(parts.swap_remove(0));
            }
            None
        })],
    },
];

/// Whether the call asks for a list of users or groups by GET.
pub(super) fn lists(call: &Call) -> bool {
    call.method == "GET" && (call.lists(Kind::User) || call.lists(Kind::Group))
}
