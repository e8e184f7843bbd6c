//! Faults of public servers, a second sample: filters, lists, order, projection.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{
    any_node, comparison, entries, filter_text, filter_text_has, keep, never, never_where, set_total, shown, unquoted,
    unreadable_filter, walk,
};
use crate::scim::filter::{self, CompareOp, Filter, Literal, Test};
use crate::server::behaviour::Hook;
use crate::server::call::{Kind, Target};
use crate::server::reply::Reply;
use serde_json::Value;

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "filter-meta-hides-others",
        title: "A condition on meta at the start of an and hides the other conditions",
        area: "match/filter",
        source: &["https://github.com/wso2/product-is/issues/5141"],
        wrong: "meta.resourceType eq \"User\" and userName eq \"x\": everybody",
        right: "the user",
        hooks: &[Hook::List(|query, _, _| {
            if let Some(Filter::And(parts)) = &mut query.filter
                && matches!(&parts[0], Filter::Attr { path, .. } if path.attr.eq_ignore_ascii_case("meta"))
            {
                query.filter = Some(parts.swap_remove(0));
            }
            None
        })],
    },
    Fault {
        id: "filter-one-letter-400",
        title: "co with a single letter is refused",
        area: "match/filter",
        source: &["https://github.com/wso2/product-is/issues/5086"],
        wrong: "400 invalidValue",
        right: "200",
        hooks: &[Hook::List(|query, _, _| {
            let short = any_node(query.filter.as_ref()?, |node| {
                matches!(node, Filter::Attr { test: Test::Compare(CompareOp::Co, Literal::Str(text)), .. }
                    if text.chars().count() == 1)
            });
            short.then(|| Reply::error(400, Some("invalidValue"), "A required attribute is missing."))
        })],
    },
    Fault {
        id: "filter-core-and-extension-empty",
        title: "A condition on an extension beside one on a core attribute finds nothing",
        area: "match/filter",
        source: &["https://github.com/wso2/product-is/issues/8427"],
        wrong: "empty",
        right: "the user",
        hooks: &[Hook::List(|query, _, _| {
            let extended = |f: &Filter| {
                let Filter::Attr { path, .. } = f else { return false };
                path.urn.as_deref().is_some_and(|urn| urn.contains(":extension:"))
            };
            if let Some(Filter::And(parts)) = &query.filter
                && parts.iter().any(extended)
                && !parts.iter().all(extended)
            {
                query.filter = Some(never());
            }
            None
        })],
    },
    Fault {
        id: "filter-compound-case-sensitive",
        title: "Beside another condition a userName is compared with case",
        area: "match/filter",
        source: &["https://github.com/InumanSoul/kotauth/issues/140"],
        wrong: "userName eq \"DAVE\" and active eq true: empty",
        right: "dave",
        hooks: &[Hook::After(|call, reply, _| {
            let Ok(Filter::And(parts)) = filter::parse(&filter_text(call)) else { return };
            for mut part in parts {
                if let Some((name, CompareOp::Eq, Literal::Str(text))) = comparison(&mut part)
                    && name == "username"
                {
                    keep(call, reply, Kind::User, |user| user.get("userName").and_then(Value::as_str) == Some(text));
                }
            }
        })],
    },
    Fault {
        id: "filter-parts-case-sensitive",
        title: "co, sw and ew compare with case",
        area: "match/filter",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/489"],
        wrong: "userName sw \"DA\": empty",
        right: "dave",
        hooks: &[Hook::After(|call, reply, _| {
            let Ok(mut parsed) = filter::parse(&filter_text(call)) else { return };
            let Some((name, operator, Literal::Str(text))) = comparison(&mut parsed) else { return };
            let (text, operator) = (text.clone(), *operator);
            let (kind, attribute) = match (call.kind(), name.as_str()) {
                (Some(Kind::User), "username") => (Kind::User, "userName"),
                (Some(kind @ (Kind::User | Kind::Group)), "displayname") => (kind, "displayName"),
                _ => return,
            };
            keep(call, reply, kind, |resource| {
                let value = resource.get(attribute).and_then(Value::as_str).unwrap_or_default();
                match operator {
                    CompareOp::Co => value.contains(&text),
                    CompareOp::Sw => value.starts_with(&text),
                    CompareOp::Ew => value.ends_with(&text),
                    _ => true,
                }
            });
        })],
    },
    Fault {
        id: "filter-not-swallows-and",
        title: "A not at the start of a filter takes in the condition behind its parentheses",
        area: "match/filter",
        source: &["https://github.com/thomaspoignant/scim2-parse-filter/issues/55"],
        wrong: "not (a) and b is read as not (a and b)",
        right: "(not (a)) and b",
        hooks: &[Hook::List(|query, _, _| {
            if let Some(Filter::And(parts)) = &mut query.filter
                && let Filter::Not(inner) = &parts[0]
            {
                parts[0] = (**inner).clone();
                query.filter = query.filter.take().map(|all| Filter::Not(Box::new(all)));
            }
            None
        })],
    },
    Fault {
        id: "filter-left-to-right",
        title: "and and or are read from left to right",
        area: "match/filter",
        source: &[],
        wrong: "a or b and c is read as (a or b) and c",
        right: "a or (b and c)",
        hooks: &[Hook::List(|query, call, _| {
            // Parentheses that are written stay; only an and that was bound first is opened.
            if let Some(Filter::Or(parts)) = &mut query.filter
                && !filter_text(call).contains('(')
                && let Some(Filter::And(bound)) = parts.pop_if(|last| matches!(last, Filter::And(_)))
            {
                let mut bound = bound.into_iter();
                parts.extend(bound.next());
                let left = Filter::Or(std::mem::take(parts));
                query.filter = Some(Filter::And(std::iter::once(left).chain(bound).collect()));
            }
            None
        })],
    },
    Fault {
        id: "filter-parentheses-400",
        title: "Parentheses in a filter are taken for a part of the attribute name",
        area: "match/filter",
        source: &["https://github.com/wso2/product-is/issues/11490"],
        wrong: "400 invalidValue",
        right: "200",
        hooks: &[Hook::Before(|call, _| {
            let text = unquoted(&filter_text(call));
            let opens = text.match_indices('(').any(|(at, _)| !text[..at].trim_end().ends_with("not"));
            opens.then(|| Reply::error(400, Some("invalidValue"), "Not a valid attribute name or URI."))
        })],
    },
    Fault {
        id: "filter-date-500",
        title: "A date in a filter crashes",
        area: "match/filter",
        source: &["https://github.com/PowerDMS/Owin.Scim/pull/47"],
        wrong: "500",
        right: "200",
        hooks: &[Hook::List(|query, _, _| any_node(query.filter.as_ref()?, dated).then(Reply::crash))],
    },
    Fault {
        id: "filter-date-order-empty",
        title: "No date is ever later or earlier than the one in the filter",
        area: "match/filter",
        source: &["https://github.com/thomaspoignant/scim2-parse-filter/issues/170"],
        wrong: "empty",
        right: "the users of that time",
        hooks: &[Hook::List(|query, _, _| {
            never_where(&mut query.filter, |node| {
                dated(node)
                    && !matches!(node, Filter::Attr { test: Test::Compare(CompareOp::Eq | CompareOp::Ne, _), .. })
            });
            None
        })],
    },
    Fault {
        id: "filter-value-path-boolean-400",
        title: "A Boolean in the brackets of a value path is refused",
        area: "match/filter",
        source: &["https://github.com/GluuFederation/SCIM-Client/issues/57"],
        wrong: "emails[primary eq false]: 400 invalidFilter",
        right: "200",
        hooks: &[Hook::List(|query, _, _| {
            let inside = any_node(query.filter.as_ref()?, |node| {
                matches!(node, Filter::ValuePath { filter, .. } if any_node(filter, |inner| {
                    matches!(inner, Filter::Attr { test: Test::Compare(_, Literal::Bool(_)), .. })
                }))
            });
            inside.then(unreadable_filter)
        })],
    },
    Fault {
        id: "filter-extension-part-500",
        title: "A filter on a sub-attribute of an extension crashes",
        area: "match/filter",
        source: &["https://github.com/wso2/product-is/issues/11026"],
        wrong: "urn:…:User:manager.value eq \"…\": 500",
        right: "200",
        hooks: &[Hook::Before(|call, _| {
            let text = unquoted(&filter_text(call));
            (text.contains(":extension:") && text.contains(":manager.")).then(Reply::crash)
        })],
    },
    Fault {
        id: "filter-cut-at-apostrophe",
        title: "A filter value ends at its first apostrophe",
        area: "match/filter",
        source: &["https://github.com/wso2/product-is/issues/6631"],
        wrong: "name.givenName eq \"A'Kelah\" finds the user called A",
        right: "the user called A'Kelah",
        hooks: &[Hook::List(|query, _, _| {
            if let Some(filter) = &mut query.filter {
                walk(filter, &mut |node| {
                    if let Some((_, _, Literal::Str(text))) = comparison(node)
                        && let Some(place) = text.find('\'')
                    {
                        text.truncate(place);
                    }
                });
            }
            None
        })],
    },
    Fault {
        id: "filter-email-value-everybody",
        title: "A filter on emails.value is ignored",
        area: "match/filter",
        source: &["https://github.com/eneo-ai/eneo/pull/443"],
        wrong: "everybody",
        right: "the user, or 400 invalidFilter",
        hooks: &[Hook::List(|query, _, _| {
            let name = query.filter.as_mut().and_then(comparison).map(|(name, ..)| name);
            if name.as_deref() == Some("emails.value") {
                query.filter = None;
            }
            None
        })],
    },
    Fault {
        id: "filter-total-is-page",
        title: "With a filter totalResults is the size of the page",
        area: "pagination",
        source: &["https://github.com/wso2/product-is/issues/12813"],
        wrong: "filter and count=3: totalResults 3",
        right: "the number of matches",
        hooks: &[Hook::After(|call, reply, _| {
            if call.lists(Kind::User) && !filter_text(call).is_empty() {
                let size = reply.resources().len();
                set_total(reply, size);
            }
        })],
    },
    Fault {
        id: "filter-compound-total-is-remaining",
        title: "With two conditions totalResults counts what is left from startIndex on",
        area: "pagination",
        source: &["https://github.com/wso2/product-is/issues/4842"],
        wrong: "startIndex=5 of nine matches: totalResults 5",
        right: "totalResults 9",
        hooks: &[Hook::After(|call, reply, _| {
            let start = call.param("startIndex").and_then(|s| s.parse::<usize>().ok()).unwrap_or(1).max(1);
            if call.lists(Kind::User) && filter_text(call).contains(" and ") {
                let all = reply.body().and_then(|b| b.get("totalResults")?.as_u64()).unwrap_or_default();
                let all = usize::try_from(all).unwrap_or_default();
                set_total(reply, all.saturating_sub(start - 1));
            }
        })],
    },
    Fault {
        id: "group-filter-second-page-501",
        title: "A filtered list of groups has no second page",
        area: "pagination",
        source: &["https://github.com/wso2/product-is/issues/5079"],
        wrong: "filter with startIndex=3: 501",
        right: "200",
        hooks: &[Hook::List(|query, call, _| {
            let later = call.lists(Kind::Group) && query.filter.is_some() && query.offset > 0;
            later.then(|| Reply::error(501, None, "Pagination is not supported."))
        })],
    },
    Fault {
        id: "filter-groups-unpaged",
        title: "A filter on the groups of users is not paged",
        area: "pagination",
        source: &["https://github.com/wso2/product-is/issues/11299"],
        wrong: "every member of the group",
        right: "count of them",
        hooks: &[Hook::List(|query, call, _| {
            if call.lists(Kind::User) && filter_text_has(query, "groups") {
                (query.offset, query.count) = (0, usize::MAX);
            }
            None
        })],
    },
    Fault {
        id: "filter-groups-beside-count-empty",
        title: "A filter on the groups of users finds nobody when the request is paged",
        area: "pagination",
        source: &["https://github.com/wso2/product-is/issues/11655"],
        wrong: "empty",
        right: "the members of the group",
        hooks: &[Hook::List(|query, call, _| {
            if call.lists(Kind::User) && query.asked.is_some() && filter_text_has(query, "groups") {
                query.filter = Some(never());
            }
            None
        })],
    },
    Fault {
        id: "list-unfiltered-unpaged",
        title: "A list is paged only when it is filtered",
        area: "pagination",
        source: &["https://github.com/wso2/product-is/issues/4601", "https://github.com/wso2/product-is/issues/4604"],
        wrong: "startIndex=2&count=10: all users",
        right: "ten users",
        hooks: &[Hook::List(|query, call, _| {
            if call.lists(Kind::User) && query.filter.is_none() && !query.by_cursor {
                (query.offset, query.count, query.start_index) = (0, usize::MAX, 1);
            }
            None
        })],
    },
    Fault {
        id: "sort-order-404",
        title: "sortOrder=ascending is answered 404",
        area: "pagination",
        source: &["https://github.com/apache/directory-scimple/issues/485"],
        wrong: "404",
        right: "200",
        hooks: &[Hook::Before(|call, _| {
            let order = call.param("sortOrder")?;
            (order != order.to_ascii_uppercase()).then(|| Reply::empty(404))
        })],
    },
    Fault {
        id: "sort-capitals-first",
        title: "Names that begin with a capital are sorted before all others",
        area: "pagination",
        source: &["https://github.com/wso2/product-is/issues/10897"],
        wrong: "AAUSER, AEUSER, admin",
        right: "AAUSER, admin, AEUSER",
        hooks: &[Hook::After(|call, reply, _| {
            let by = call.param("sortBy").unwrap_or_default().to_owned();
            let up = !call.param("sortOrder").unwrap_or_default().eq_ignore_ascii_case("descending");
            if !call.lists(Kind::User) || by != "userName" {
                return;
            }
            if let Some(list) = entries(reply) {
                let name = |v: &Value| v.get(&by).and_then(Value::as_str).unwrap_or_default().to_owned();
                list.sort_by(|a, b| if up { name(a).cmp(&name(b)) } else { name(b).cmp(&name(a)) });
            }
        })],
    },
    Fault {
        id: "sort-drops-unset",
        title: "Resources without the attribute that a list is sorted by are missing in it",
        area: "pagination",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/682"],
        wrong: "totalResults 2, one entry",
        right: "two entries, the one without value at the end",
        hooks: &[Hook::After(|call, reply, _| {
            let by = call.param("sortBy").unwrap_or_default().to_owned();
            if call.kind().is_none() || by.is_empty() {
                return;
            }
            let (whole, part) = by.split_once('.').unwrap_or((&by, ""));
            if let Some(list) = entries(reply) {
                list.retain(|r| match (r.get(whole), part) {
                    (None, _) => false,
                    (Some(Value::Object(map)), part) if !part.is_empty() => map.contains_key(part),
                    _ => true,
                });
            }
        })],
    },
    Fault {
        id: "sort-doubles-rows",
        title: "Sorted by an attribute with several values, a list names a resource once for each of them",
        area: "pagination",
        source: &["https://github.com/simpleidserver/SimpleIdServer/issues/527"],
        wrong: "a user with two addresses twice",
        right: "once",
        hooks: &[Hook::After(|call, reply, _| {
            let by = call.param("sortBy").unwrap_or_default();
            let attribute = by.split('.').next().unwrap_or_default().to_owned();
            if !call.lists(Kind::User) || attribute.is_empty() {
                return;
            }
            if let Some(list) = entries(reply) {
                let times = |r: &Value| r.get(&attribute).and_then(Value::as_array).map_or(1, |a| a.len().max(1));
                *list = list.iter().flat_map(|r| vec![r.clone(); times(r)]).collect();
            }
        })],
    },
    Fault {
        id: "attributes-display-name-of-groups-missing",
        title: "attributes=displayName gives groups without displayName",
        area: "projection",
        source: &["https://github.com/apache/directory-scimple/issues/887"],
        wrong: "no displayName",
        right: "displayName",
        hooks: &[Hook::After(|call, reply, _| {
            let names = call.param("attributes").unwrap_or_default().to_ascii_lowercase();
            if names.split(',').any(|n| n.trim() == "displayname") {
                for group in shown(call, reply, Kind::Group) {
                    group.shift_remove("displayName");
                }
            }
        })],
    },
    Fault {
        id: "search-root-500",
        title: "A search over everything crashes",
        area: "match/filter",
        source: &["https://github.com/JanssenProject/jans/issues/2383"],
        wrong: "POST /.search: 500",
        right: "200, or 501",
        hooks: &[Hook::Before(|call, _| {
            (call.method == "POST" && call.target == Target::RootSearch).then(Reply::crash)
        })],
    },
];

/// Whether a condition is one on a time of `meta`.
fn dated(node: &Filter) -> bool {
    let Filter::Attr { path, test: Test::Compare(..) } = node else {
        return false;
    };
    let sub = path.sub.as_deref().unwrap_or_default();
    path.attr.eq_ignore_ascii_case("meta")
        && (sub.eq_ignore_ascii_case("created") || sub.eq_ignore_ascii_case("lastModified"))
}
