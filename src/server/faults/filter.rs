//! Faults: look-ups, filters and `.search`.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{
    any_node, comparison, drop_from_body, filter_text, filter_text_has, gone, lists, never, never_where, swap_operator,
    walk,
};
use crate::scim::filter::{self, CompareOp, Filter, Literal, Test};
use crate::scim::path::AttrPath;
use crate::server::behaviour::Hook;
use crate::server::call::{Kind, Target};
use crate::server::intake::resource_type;
use crate::server::reply::{Content, Reply};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "filter-eq-matches-substring",
        title: "eq works like contains for groups",
        area: "match/filter",
        source: &["https://github.com/FusionAuth/fusionauth-issues/issues/3111"],
        wrong: "both",
        right: "only app",
        hooks: &[Hook::List(|query, call, _| {
            if call.kind() == Some(Kind::Group) {
                swap_operator(&mut query.filter, CompareOp::Eq, CompareOp::Co);
            }
            None
        })],
    },
    Fault {
        id: "filter-escaped-quote-no-match",
        title: "Escaped quotes in the filter value never match",
        area: "match/filter",
        source: &["https://github.com/Captain-P-Goldfish/SCIM-SDK/issues/913"],
        wrong: "0 results (or 400)",
        right: "1",
        hooks: &[Hook::List(|query, _, _| {
            never_where(&mut query.filter, |node| {
                comparison(node).is_some_and(|(_, _, v)| matches!(v, Literal::Str(s) if s.contains('"')))
            });
            None
        })],
    },
    Fault {
        id: "filter-externalid-case-insensitive",
        title: "externalId compared without case",
        area: "match/filter",
        source: &["https://github.com/RIPAGlobal/scimitar/issues/36"],
        wrong: "1 result",
        right: "0 results (caseExact)",
        hooks: &[Hook::List(|query, call, state| {
            let kind = call.kind()?;
            walk(query.filter.as_mut()?, &mut |node| {
                if let Some((attribute, _, Literal::Str(text))) = comparison(node)
                    && attribute == "externalid"
                {
                    let stored = state.of(call).iter(kind).find_map(|r| {
                        let id = r.document().get("externalId")?.as_str()?.to_owned();
                        id.eq_ignore_ascii_case(text).then_some(id)
                    });
                    *text = stored.unwrap_or_else(|| text.clone());
                }
            });
            None
        })],
    },
    Fault {
        id: "filter-externalid-returns-empty",
        title: "externalId filter never matches",
        area: "match/filter",
        source: &["https://github.com/langwatch/langwatch/issues/6973"],
        wrong: "200, totalResults 0",
        right: "1",
        hooks: &[Hook::List(|query, _, _| {
            never_where(&mut query.filter, |node| comparison(node).is_some_and(|(a, _, _)| a == "externalid"));
            None
        })],
    },
    Fault {
        id: "filter-groups-ignored",
        title: "Group displayName filter ignored",
        area: "match/filter",
        source: &[
            "https://github.com/open-webui/open-webui/pull/21543",
            "https://github.com/Metatavu/keycloak-scim-server/pull/70",
        ],
        wrong: "all groups",
        right: "one group",
        hooks: &[Hook::List(|query, call, _| {
            if call.kind() == Some(Kind::Group) {
                query.filter = None;
            }
            None
        })],
    },
    Fault {
        id: "filter-hides-inactive-users",
        title: "Filter hides users the uniqueness check still sees (reported with accounts not yet SCIM-managed, shown here with a deactivated user)",
        area: "match/filter",
        source: &["https://github.com/Metatavu/keycloak-scim-server/issues/74"],
        wrong: "filter 0 results, POST 409",
        right: "filter finds the user",
        hooks: &[Hook::List(|query, call, _| {
            if call.kind() == Some(Kind::User)
                && let Some(filter) = query.filter.take()
            {
                let inactive = Filter::Attr {
                    path: AttrPath::of("active"),
                    test: Test::Compare(CompareOp::Eq, Literal::Bool(false)),
                };
                query.filter = Some(Filter::And(vec![filter, Filter::Not(Box::new(inactive))]));
            }
            None
        })],
    },
    Fault {
        id: "filter-ne-500",
        title: "Unsupported operator crashes",
        area: "match/filter",
        source: &["https://github.com/wso2/product-is/issues/11182"],
        wrong: "500",
        right: "result, or 400 invalidFilter / 501",
        hooks: &[Hook::List(|query, _, _| {
            let ne = |node: &Filter| matches!(node, Filter::Attr { test: Test::Compare(CompareOp::Ne, _), .. });
            any_node(query.filter.as_ref()?, ne).then(Reply::crash)
        })],
    },
    Fault {
        id: "filter-no-match-404",
        title: "Filter without match answers 404",
        area: "match/filter",
        source: &["https://github.com/jelhub/scimgateway/issues/18", "https://github.com/wso2/charon/pull/60"],
        wrong: "404",
        right: "200 with totalResults 0",
        hooks: &[Hook::After(|call, reply, _| {
            let empty = reply.ok() && reply.body().is_some_and(|b| b["totalResults"] == 0);
            if lists(call) && !filter_text(call).is_empty() && empty {
                *reply = gone("No resource matches.");
            }
        })],
    },
    Fault {
        id: "filter-not-operator-400",
        title: "not(...) unsupported",
        area: "match/filter",
        source: &["https://github.com/scim2/filter-parser/pull/24", "https://github.com/wso2/product-is/issues/5854"],
        wrong: "400",
        right: "match",
        hooks: &[Hook::List(|query, _, _| {
            let not = |node: &Filter| matches!(node, Filter::Not(_));
            any_node(query.filter.as_ref()?, not)
                .then(|| Reply::error(400, Some("invalidFilter"), "not is not supported."))
        })],
    },
    Fault {
        id: "filter-parentheses-ignored",
        title: "Parentheses do not change precedence",
        area: "match/filter",
        source: &["https://github.com/scim2/filter-parser/pull/19", "https://github.com/RIPAGlobal/scimitar/pull/66"],
        wrong: "1 result",
        right: "0 results",
        hooks: &[Hook::List(|query, call, _| {
            let mut quoted = false;
            let bare: String = filter_text(call)
                .chars()
                .filter(|c| {
                    quoted ^= *c == '"';
                    quoted || !matches!(c, '(' | ')')
                })
                .collect();
            if let Ok(flat) = filter::parse(&bare)
                && query.filter.is_some()
            {
                query.filter = Some(flat);
            }
            None
        })],
    },
    Fault {
        id: "filter-percent-500",
        title: "Percent sign in a filter value crashes",
        area: "match/filter",
        source: &["https://github.com/jelhub/scimgateway (README.md, change log)"],
        wrong: "500",
        right: "match",
        hooks: &[Hook::List(|_, call, _| filter_text(call).contains('%').then(Reply::crash))],
    },
    Fault {
        id: "filter-urn-attribute-rejected",
        title: "Schema-qualified attribute in a filter refused",
        area: "match/filter",
        source: &[
            "https://github.com/RIPAGlobal/scimitar/issues/116",
            "https://github.com/rancher/rancher/issues/54871",
        ],
        wrong: "400",
        right: "match",
        hooks: &[Hook::List(|_, call, _| {
            filter_text(call)
                .to_ascii_lowercase()
                .contains("urn:ietf:params:scim:schemas:")
                .then(|| Reply::error(400, Some("invalidFilter"), "Unknown attribute."))
        })],
    },
    Fault {
        id: "filter-users-ignored",
        title: "User filter ignored, everybody is returned",
        area: "match/filter",
        source: &[
            "https://github.com/wso2/charon/issues/117",
            "https://github.com/andreihava-okta/sample-node-scim-server/issues/1",
        ],
        wrong: "both users",
        right: "one user",
        hooks: &[Hook::List(|query, call, _| {
            if call.kind() == Some(Kind::User) {
                query.filter = None;
            }
            None
        })],
    },
    Fault {
        id: "filter-value-path-no-match",
        title: "Value-path filters return nothing",
        area: "match/filter",
        source: &["https://github.com/FusionAuth/fusionauth-issues/issues/3195"],
        wrong: "0 results",
        right: "matches",
        hooks: &[Hook::List(|query, _, _| {
            never_where(&mut query.filter, |node| matches!(node, Filter::ValuePath { .. }));
            None
        })],
    },
    Fault {
        id: "filter-without-count-empty-page",
        title: "Filter without count: totalResults 1 but no Resources",
        area: "match/filter",
        source: &["https://github.com/wso2/product-is/issues/11126"],
        wrong: "totalResults 1, Resources empty",
        right: "Resources holds the match",
        hooks: &[Hook::List(|query, _, _| {
            if query.filter.is_some() && query.asked.is_none() {
                query.count = 0;
            }
            None
        })],
    },
    Fault {
        id: "group-filter-compound-501",
        title: "Compound filters on groups answer 501",
        area: "match/filter",
        source: &["https://github.com/wso2/product-is/issues/5076", "https://github.com/wso2/product-is/issues/7664"],
        wrong: "501",
        right: "result",
        hooks: &[Hook::List(|query, call, _| {
            let compound = matches!(query.filter, Some(Filter::And(_) | Filter::Or(_)));
            (call.kind() == Some(Kind::Group) && compound)
                .then(|| Reply::error(501, None, "Only one comparison is supported."))
        })],
    },
    Fault {
        id: "search-post-without-count-500",
        title: ".search without count crashes",
        area: "match/filter",
        source: &["https://github.com/wso2/product-is/issues/9303"],
        wrong: "500",
        right: "200",
        hooks: &[Hook::List(|query, call, _| {
            (matches!(call.target, Target::Search(_)) && query.asked.is_none()).then(Reply::crash)
        })],
    },
    Fault {
        id: "filter-username-case-sensitive",
        title: "userName is compared with case",
        area: "match/filter",
        source: &[],
        wrong: "userName eq \"ALICE\" does not find alice",
        right: "1 result",
        hooks: &[Hook::List(|query, call, state| {
            let kind = call.kind()?;
            walk(query.filter.as_mut()?, &mut |node| {
                let exact = match comparison(node) {
                    Some((a, CompareOp::Eq, Literal::Str(text))) if a == "username" => {
                        state.of(call).named(kind, text).iter().any(|r| r.name == *text)
                    }
                    _ => true,
                };
                if !exact {
                    *node = never();
                }
            });
            None
        })],
    },
    Fault {
        id: "filter-username-prefix",
        title: "userName eq also matches longer names",
        area: "match/filter",
        source: &[],
        wrong: "userName eq \"al\" finds alice",
        right: "exact matches only",
        hooks: &[Hook::List(|query, _, _| {
            walk(query.filter.as_mut()?, &mut |node| {
                if let Some((attribute, operator @ CompareOp::Eq, _)) = comparison(node)
                    && attribute == "username"
                {
                    *operator = CompareOp::Sw;
                }
            });
            None
        })],
    },
    Fault {
        id: "filter-plus-decoded-twice",
        title: "A plus sign in a filter value is decoded twice",
        area: "match/filter",
        source: &[],
        wrong: "userName eq \"a+b@example.com\" finds nothing",
        right: "1 result",
        hooks: &[Hook::List(|query, _, _| {
            walk(query.filter.as_mut()?, &mut |node| {
                if let Some((_, _, Literal::Str(text))) = comparison(node) {
                    *text = text.replace('+', " ");
                }
            });
            None
        })],
    },
    Fault {
        id: "query-plus-kept-literally",
        title: "A plus sign between the words of a filter is not read as a space",
        area: "match/filter",
        source: &[],
        wrong: "400 for userName+eq+%22x%22",
        right: "as %20",
        hooks: &[Hook::Before(|call, _| {
            (call.lists(Kind::User) && call.raw_query.contains("+eq+"))
                .then(|| Reply::error(400, Some("invalidFilter"), "Unknown operator."))
        })],
    },
    Fault {
        id: "filter-and-treated-as-or",
        title: "and is evaluated as or",
        area: "match/filter",
        source: &[],
        wrong: "more results",
        right: "only what matches both",
        hooks: &[Hook::List(|query, _, _| {
            walk(query.filter.as_mut()?, &mut |node| {
                if let Filter::And(parts) = node {
                    *node = Filter::Or(std::mem::take(parts));
                }
            });
            None
        })],
    },
    Fault {
        id: "filter-or-treated-as-and",
        title: "or is evaluated as and",
        area: "match/filter",
        source: &[],
        wrong: "fewer results",
        right: "what matches either",
        hooks: &[Hook::List(|query, _, _| {
            walk(query.filter.as_mut()?, &mut |node| {
                if let Filter::Or(parts) = node {
                    *node = Filter::And(std::mem::take(parts));
                }
            });
            None
        })],
    },
    Fault {
        id: "filter-second-condition-ignored",
        title: "Only the first condition of an and is looked at",
        area: "match/filter",
        source: &[],
        wrong: "more results",
        right: "only what matches both",
        hooks: &[Hook::List(|query, _, _| {
            walk(query.filter.as_mut()?, &mut |node| {
                if let Filter::And(parts) = node {
                    *node = parts.swap_remove(0);
                }
            });
            None
        })],
    },
    Fault {
        id: "filter-co-as-sw",
        title: "Co matches only at the start",
        area: "match/filter",
        source: &[],
        wrong: "co behaves as sw",
        right: "the operator of RFC 7644 table 3",
        hooks: &[Hook::List(|query, _, _| {
            swap_operator(&mut query.filter, CompareOp::Co, CompareOp::Sw);
            None
        })],
    },
    Fault {
        id: "filter-co-as-eq",
        title: "Co matches only whole values",
        area: "match/filter",
        source: &[],
        wrong: "co behaves as eq",
        right: "the operator of RFC 7644 table 3",
        hooks: &[Hook::List(|query, _, _| {
            swap_operator(&mut query.filter, CompareOp::Co, CompareOp::Eq);
            None
        })],
    },
    Fault {
        id: "filter-sw-as-co",
        title: "Sw matches anywhere",
        area: "match/filter",
        source: &[],
        wrong: "sw behaves as co",
        right: "the operator of RFC 7644 table 3",
        hooks: &[Hook::List(|query, _, _| {
            swap_operator(&mut query.filter, CompareOp::Sw, CompareOp::Co);
            None
        })],
    },
    Fault {
        id: "filter-ew-as-co",
        title: "Ew matches anywhere",
        area: "match/filter",
        source: &[],
        wrong: "ew behaves as co",
        right: "the operator of RFC 7644 table 3",
        hooks: &[Hook::List(|query, _, _| {
            swap_operator(&mut query.filter, CompareOp::Ew, CompareOp::Co);
            None
        })],
    },
    Fault {
        id: "filter-sw-as-eq",
        title: "Sw matches only whole values",
        area: "match/filter",
        source: &[],
        wrong: "sw behaves as eq",
        right: "the operator of RFC 7644 table 3",
        hooks: &[Hook::List(|query, _, _| {
            swap_operator(&mut query.filter, CompareOp::Sw, CompareOp::Eq);
            None
        })],
    },
    Fault {
        id: "filter-gt-as-ge",
        title: "Gt includes the value itself",
        area: "match/filter",
        source: &[],
        wrong: "gt behaves as ge",
        right: "the operator of RFC 7644 table 3",
        hooks: &[Hook::List(|query, _, _| {
            swap_operator(&mut query.filter, CompareOp::Gt, CompareOp::Ge);
            None
        })],
    },
    Fault {
        id: "filter-lt-as-le",
        title: "Lt includes the value itself",
        area: "match/filter",
        source: &[],
        wrong: "lt behaves as le",
        right: "the operator of RFC 7644 table 3",
        hooks: &[Hook::List(|query, _, _| {
            swap_operator(&mut query.filter, CompareOp::Lt, CompareOp::Le);
            None
        })],
    },
    Fault {
        id: "filter-ge-as-gt",
        title: "Ge leaves the value itself out",
        area: "match/filter",
        source: &[],
        wrong: "ge behaves as gt",
        right: "the operator of RFC 7644 table 3",
        hooks: &[Hook::List(|query, _, _| {
            swap_operator(&mut query.filter, CompareOp::Ge, CompareOp::Gt);
            None
        })],
    },
    Fault {
        id: "filter-ne-as-eq",
        title: "Ne is evaluated as eq",
        area: "match/filter",
        source: &[],
        wrong: "ne behaves as eq",
        right: "the operator of RFC 7644 table 3",
        hooks: &[Hook::List(|query, _, _| {
            swap_operator(&mut query.filter, CompareOp::Ne, CompareOp::Eq);
            None
        })],
    },
    Fault {
        id: "filter-not-ignored",
        title: "not is ignored",
        area: "match/filter",
        source: &[],
        wrong: "the resources that should be left out",
        right: "the others",
        hooks: &[Hook::List(|query, _, _| {
            walk(query.filter.as_mut()?, &mut |node| {
                if let Filter::Not(inner) = node {
                    *node = std::mem::replace(inner.as_mut(), never());
                }
            });
            None
        })],
    },
    Fault {
        id: "filter-pr-matches-everything",
        title: "pr matches resources without the attribute",
        area: "match/filter",
        source: &[],
        wrong: "all resources",
        right: "only those with a value",
        hooks: &[Hook::List(|query, _, _| {
            walk(query.filter.as_mut()?, &mut |node| {
                if let Filter::Attr { path, test: Test::Present } = node {
                    *path = AttrPath::of("id");
                }
            });
            None
        })],
    },
    Fault {
        id: "filter-operator-case-sensitive",
        title: "Operators in capitals are refused",
        area: "match/filter",
        source: &[],
        wrong: "userName EQ \"x\": 400",
        right: "operators are case-insensitive",
        hooks: &[Hook::Before(|call, _| {
            (lists(call)
                && filter_text(call).split(' ').any(|w| matches!(w, "EQ" | "Eq" | "AND" | "And" | "PR" | "Pr")))
            .then(|| Reply::error(400, Some("invalidFilter"), "Unknown operator."))
        })],
    },
    Fault {
        id: "filter-attribute-case-sensitive",
        title: "Attribute names of a filter are compared with case",
        area: "match/filter",
        source: &[],
        wrong: "USERNAME eq \"x\": 400",
        right: "attribute names are case-insensitive",
        hooks: &[Hook::Before(|call, _| {
            (lists(call)
                && filter_text(call).split_whitespace().next().is_some_and(|w| {
                    ["userName", "displayName", "externalId", "emails", "active"]
                        .iter()
                        .any(|n| n.eq_ignore_ascii_case(w) && *n != w)
                }))
            .then(|| Reply::error(400, Some("invalidFilter"), "Unknown attribute."))
        })],
    },
    Fault {
        id: "filter-active-matches-nothing",
        title: "A Boolean in a filter is compared as text",
        area: "match/filter",
        source: &[],
        wrong: "active eq true finds nobody",
        right: "every active user",
        hooks: &[Hook::List(|query, _, _| {
            never_where(&mut query.filter, |node| {
                comparison(node).is_some_and(|(_, _, v)| matches!(v, Literal::Bool(_)))
            });
            None
        })],
    },
    Fault {
        id: "filter-email-value-matches-nothing",
        title: "emails.value can not be filtered",
        area: "match/filter",
        source: &[],
        wrong: "0 results",
        right: "1 result",
        hooks: &[Hook::List(|query, _, _| {
            never_where(&mut query.filter, |node| {
                comparison(node).is_some_and(|(a, _, _)| a == "emails.value" || a == "emails")
            });
            None
        })],
    },
    Fault {
        id: "filter-work-email-500",
        title: "Entra's work e-mail filter crashes",
        area: "match/filter",
        source: &[],
        wrong: "filter=emails[type eq \"work\"].value eq \"x\": 500",
        right: "1 result",
        hooks: &[Hook::List(|query, _, _| {
            any_node(query.filter.as_ref()?, |node| matches!(node, Filter::ValuePath { tail: Some(_), .. }))
                .then(Reply::crash)
        })],
    },
    Fault {
        id: "filter-id-unsupported",
        title: "id can not be filtered",
        area: "match/filter",
        source: &[],
        wrong: "400",
        right: "1 result",
        hooks: &[Hook::List(|_, call, _| {
            filter_text(call)
                .to_ascii_lowercase()
                .starts_with("id ")
                .then(|| Reply::error(400, Some("invalidFilter"), "id can not be filtered."))
        })],
    },
    Fault {
        id: "filter-lastmodified-ignored",
        title: "A condition on meta.lastModified is ignored",
        area: "match/filter",
        source: &[],
        wrong: "every user",
        right: "those changed since",
        hooks: &[Hook::List(|query, _, _| {
            if filter_text_has(query, "meta") {
                query.filter = None;
            }
            None
        })],
    },
    Fault {
        id: "filter-invalid-returns-everything",
        title: "A filter that can not be read is ignored",
        area: "match/filter",
        source: &[],
        wrong: "200 with everybody",
        right: "400 invalidFilter",
        hooks: &[Hook::Before(|call, _| {
            if lists(call) && filter::parse(&filter_text(call)).is_err() {
                call.query.retain(|(name, _)| !name.eq_ignore_ascii_case("filter"));
                drop_from_body(call, "filter");
            }
            None
        })],
    },
    Fault {
        id: "filter-invalid-500",
        title: "A filter that can not be read crashes",
        area: "match/filter",
        source: &[],
        wrong: "500",
        right: "400 invalidFilter",
        hooks: &[Hook::After(|call, reply, _| {
            if lists(call) && reply.status == 400 && !filter_text(call).is_empty() {
                *reply = Reply::crash();
            }
        })],
    },
    Fault {
        id: "filter-invalid-without-scimtype",
        title: "A refused filter lacks scimType",
        area: "match/filter",
        source: &[],
        wrong: "400 without scimType",
        right: "400 with scimType invalidFilter",
        hooks: &[Hook::After(|call, reply, _| {
            if lists(call)
                && !filter_text(call).is_empty()
                && reply.status == 400
                && let Some(body) = reply.body_mut()
            {
                body.shift_remove("scimType");
            }
        })],
    },
    Fault {
        id: "filter-unknown-attribute-returns-everything",
        title: "An unknown attribute in a filter matches everybody",
        area: "match/filter",
        source: &[],
        wrong: "200 with everybody",
        right: "400, or nobody",
        hooks: &[Hook::Before(|call, _| {
            let known =
                |word: &str| resource_type(call.kind().unwrap_or(Kind::User)).attribute(&AttrPath::of(word)).is_some();
            let text = filter_text(call);
            let word = text.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
            if lists(call) && !word.is_empty() && word != "urn" && word != "not" && word != "manager" && !known(word) {
                call.query.retain(|(name, _)| !name.eq_ignore_ascii_case("filter"));
            }
            None
        })],
    },
    Fault {
        id: "filter-total-counts-everything",
        title: "totalResults of a filtered list counts all resources",
        area: "match/filter",
        source: &[],
        wrong: "totalResults of the whole collection",
        right: "number of matches",
        hooks: &[Hook::After(|call, reply, state| {
            if let (true, Some(kind)) = (lists(call) && !filter_text(call).is_empty(), call.kind())
                && let Some(body) = reply.body_mut()
                && body.contains_key("totalResults")
            {
                body.insert("totalResults".into(), state.of(call).len(kind).into());
            }
        })],
    },
    Fault {
        id: "filter-single-match-bare",
        title: "A filter with one match answers the resource instead of a list",
        area: "match/filter",
        source: &[],
        wrong: "the user itself",
        right: "ListResponse with one entry",
        hooks: &[Hook::After(|call, reply, _| {
            if lists(call) && !filter_text(call).is_empty() && reply.body().is_some_and(|b| b["totalResults"] == 1) {
                let only = reply.body().and_then(|b| b["Resources"].get(0)).cloned();
                if let Some(only) = only {
                    reply.content = Content::Json(only);
                }
            }
        })],
    },
    Fault {
        id: "filter-group-displayname-case-sensitive",
        title: "Group displayName is compared with case",
        area: "match/filter",
        source: &[],
        wrong: "displayName eq \"TEAM\" does not find team",
        right: "1 result",
        hooks: &[Hook::List(|query, call, state| {
            let kind = call.kind().filter(|k| *k == Kind::Group)?;
            walk(query.filter.as_mut()?, &mut |node| {
                let exact = match comparison(node) {
                    Some((a, CompareOp::Eq, Literal::Str(text))) if a == "displayname" => {
                        state.of(call).named(kind, text).iter().any(|r| r.name == *text)
                    }
                    _ => true,
                };
                if !exact {
                    *node = never();
                }
            });
            None
        })],
    },
    Fault {
        id: "search-endpoint-404",
        title: "There is no .search",
        area: "match/filter",
        source: &[],
        wrong: "POST /Users/.search: 404",
        right: "200",
        hooks: &[Hook::Before(|call, _| {
            (matches!(call.target, Target::Search(_) | Target::RootSearch)).then(|| gone("Not found."))
        })],
    },
    Fault {
        id: "search-ignores-filter",
        title: "The filter of a .search is ignored",
        area: "match/filter",
        source: &[],
        wrong: "everybody",
        right: "the matches",
        hooks: &[Hook::Before(|call, _| {
            if matches!(call.target, Target::Search(_)) {
                drop_from_body(call, "filter");
            }
            None
        })],
    },
    Fault {
        id: "filter-apostrophe-500",
        title: "An apostrophe in a filter value crashes",
        area: "match/filter",
        source: &[],
        wrong: "500",
        right: "0 or more results",
        hooks: &[Hook::List(|_, call, _| filter_text(call).contains('\'').then(Reply::crash))],
    },
    Fault {
        id: "filter-unicode-no-match",
        title: "Filter values beyond ASCII never match",
        area: "match/filter",
        source: &[],
        wrong: "0 results",
        right: "1 result",
        hooks: &[Hook::List(|query, _, _| {
            never_where(&mut query.filter, |node| {
                comparison(node).is_some_and(|(_, _, v)| matches!(v, Literal::Str(s) if !s.is_ascii()))
            });
            None
        })],
    },
    Fault {
        id: "filter-name-part-matches-nothing",
        title: "name.familyName can not be filtered",
        area: "match/filter",
        source: &[],
        wrong: "0 results",
        right: "1 result",
        hooks: &[Hook::List(|query, _, _| {
            never_where(&mut query.filter, |node| comparison(node).is_some_and(|(a, _, _)| a.starts_with("name.")));
            None
        })],
    },
    Fault {
        id: "filter-enterprise-matches-nothing",
        title: "Enterprise attributes can not be filtered",
        area: "match/filter",
        source: &[],
        wrong: "0 results",
        right: "1 result",
        hooks: &[Hook::List(|query, _, _| {
            never_where(
                &mut query.filter,
                |node| matches!(node, Filter::Attr { path, .. } if path.urn.as_deref().is_some_and(|u| u.contains("extension"))),
            );
            None
        })],
    },
    Fault {
        id: "filter-boolean-order-accepted",
        title: "Booleans are compared by order",
        area: "match/filter",
        source: &[],
        wrong: "200",
        right: "400 invalidFilter",
        hooks: &[Hook::Before(|call, _| {
            if lists(call) && filter_text(call).starts_with("active ") {
                for (name, text) in &mut call.query {
                    if name == "filter" {
                        *text = text.replace(" gt ", " eq ").replace(" le ", " eq ");
                    }
                }
            }
            None
        })],
    },
];
