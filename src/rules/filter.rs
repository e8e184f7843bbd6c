//! Filters, sorting and projection (RFC 7644 §3.4.2.2, §3.4.2.3, §3.9): exactly what was asked for.

use super::patch::refusal_rule;
use super::refusal;
use super::rule::{Finding, Impact, Level, Rule, Verdict};
use super::view::{View, short};
use crate::scim::filter::{Filter, Literal, Test};
use crate::scim::path::parse_attr_path;
use crate::scim::schema::AttrType;
use crate::scim::sort;
use crate::scim::value::get_ci;
use crate::shadow::{Op, Reason, State, facts};
use serde_json::{Map, Value};
use std::cmp::Ordering;

/// Rules of this area.
pub static RULES: &[Rule] = &[
    Rule {
        id: "filter/match-missing",
        title: "A filter does not return a resource that matches it",
        spec: "RFC 7644 §3.4.2.2",
        level: Level::Must,
        clash: false,
        impact: Impact::DuplicateCreated,
        breaks: &[],
        requirements: &[
            "filter-eq",
            "filter-ne",
            "filter-co",
            "filter-sw",
            "filter-ew",
            "filter-pr",
            "filter-and",
            "filter-or",
            "filter-not",
            "filter-precedence",
            "filter-subattr",
            "filter-multivalued-any",
            "filter-valuepath",
            "filter-id",
            "filter-boolean",
            "filter-null",
            "filter-gt-string",
            "filter-gt-datetime",
            "filter-quoting",
            "filter-just-created",
            "filter-group-displayname",
            "filter-group-member",
            "filter-search-post",
            "filter-op-case",
            "filter-attr-case",
        ],
        explain: "The resource exists, was accepted as it is, and the filter is true for it, but the answer leaves it out. The identity provider concludes that the person is unknown and creates a second account, or runs into 409 for ever.",
        hint: "Evaluate the filter as RFC 7644 defines it: JSON escapes in strings, multi-valued attributes match if any value does, not before and before or, resources visible at once after their creation.",
        wrong: "user with title \"x\"; GET /Users?filter=title eq \"x\" → totalResults 0",
        right: "→ totalResults 1",
        proven_by: &[
            "filter-co-as-eq",
            "filter-co-as-sw",
            "filter-enterprise-matches-nothing",
            "filter-ge-as-gt",
            "filter-group-displayname-case-sensitive",
            "filter-unicode-no-match",
            "filter-slash-finds-nothing",
            "filter-brackets-find-nothing",
        ],
        check: missing,
    },
    Rule {
        id: "filter/external-id-not-found",
        title: "A filter on `externalId` does not find the resource",
        spec: "RFC 7644 §3.4.2.2; Entra: matching",
        level: Level::Must,
        clash: false,
        impact: Impact::DuplicateCreated,
        breaks: &["entra"],
        requirements: &["filter-externalid"],
        explain: "Entra matches people and groups by externalId. A miss means a second account.",
        hint: "Index and filter externalId (case-exact).",
        wrong: "externalId x9; filter=externalId eq \"x9\" → totalResults 0",
        right: "→ totalResults 1",
        proven_by: &["group-filter-external-id-empty", "filter-externalid-returns-empty", "filter-single-match-bare"],
        check: missing_external,
    },
    Rule {
        id: "filter/username-case-sensitive",
        title: "A filter on `userName` misses when the case differs",
        spec: "RFC 7643 §4.1.1 (caseExact false); RFC 7644 §3.4.2.2",
        level: Level::Must,
        clash: false,
        impact: Impact::DuplicateCreated,
        breaks: &[],
        requirements: &["filter-eq-username-case", "okta-username-caps"],
        explain: "`userName` is compared without regard to case. A look-up that misses is followed by a create that ends in 409.",
        hint: "Compare lower-cased values for attributes that are not caseExact.",
        wrong: "alice@example.com; filter=userName eq \"ALICE@EXAMPLE.COM\" → 0",
        right: "→ 1",
        proven_by: &["filter-username-case-sensitive", "lookup-after-create-empty"],
        check: missing_case,
    },
    Rule {
        id: "filter/inactive-hidden",
        title: "A filter hides deactivated users",
        spec: "RFC 7644 §3.4.2.2; Okta and Entra: re-activation",
        level: Level::Must,
        clash: false,
        impact: Impact::CannotReactivate,
        breaks: &[],
        requirements: &["filter-includes-inactive", "idp-offboard-rehire"],
        explain: "The user exists and is inactive. If the look-up hides it the identity provider creates it anew and gets 409: the person \"does not exist\" and \"already exists\" at once.",
        hint: "Return resources whatever their `active`.",
        wrong: "deactivate; filter=userName eq … → 0; POST → 409",
        right: "→ 1 with active false",
        proven_by: &[
            "filter-escaped-quote-no-match",
            "filter-value-path-no-match",
            "filter-email-value-matches-nothing",
            "filter-name-part-matches-nothing",
            "filter-or-treated-as-and",
            "filter-plus-decoded-twice",
        ],
        check: missing_inactive,
    },
    Rule {
        id: "filter/non-match-returned",
        title: "A filter returns a resource that does not match it",
        spec: "RFC 7644 §3.4.2.2",
        level: Level::Must,
        clash: false,
        impact: Impact::WrongMatch,
        breaks: &[],
        requirements: &[
            "filter-eq",
            "filter-eq-miss",
            "filter-never-ignored",
            "filter-and",
            "filter-or",
            "filter-not",
            "filter-precedence",
            "filter-valuepath",
            "sec-injection",
            "filter-unknown-attr",
        ],
        explain: "The answer holds a resource for which the filter is false: the filter was ignored, cut short, or `eq` works like `contains`. The identity provider links to the wrong account, or fails with several matches.",
        hint: "Evaluate the whole expression; refuse with 400 invalidFilter what you cannot evaluate; never ignore it.",
        wrong: "groups app and app-test; filter=displayName eq \"app\" → both",
        right: "→ only app",
        proven_by: &[
            "filter-lost-beside-count",
            "filter-lost-beside-attributes",
            "filter-eq-matches-substring",
            "filter-parentheses-ignored",
            "filter-active-matches-nothing",
            "filter-and-treated-as-or",
            "filter-ew-as-co",
            "filter-gt-as-ge",
            "filter-lastmodified-ignored",
            "filter-lt-as-le",
            "filter-not-ignored",
            "filter-pr-matches-everything",
            "filter-second-condition-ignored",
            "filter-sw-as-co",
            "filter-username-prefix",
            "username-missing",
            "custom-case-ignored",
            "custom-filter-ignored",
            "filter-star-is-a-wildcard",
        ],
        check: surplus,
    },
    Rule {
        id: "filter/external-id-ignores-case",
        title: "A filter on `externalId` matches in another case",
        spec: "RFC 7643 §3.1, §7 (externalId is caseExact)",
        level: Level::Must,
        clash: false,
        impact: Impact::WrongMatch,
        breaks: &[],
        requirements: &["filter-eq-caseexact"],
        explain: "externalId is case-exact: AbC and abc are two people.",
        hint: "Compare externalId (and id) exactly.",
        wrong: "externalId AbC; filter=externalId eq \"abc\" → 1",
        right: "→ 0",
        proven_by: &["filter-externalid-case-insensitive", "filter-groups-ignored", "filter-users-ignored"],
        check: surplus_external,
    },
    Rule {
        id: "filter/no-match-is-an-error",
        title: "A filter that matches nothing answers 404",
        spec: "RFC 7644 §3.4.2",
        level: Level::Must,
        clash: false,
        impact: Impact::LookupFails,
        breaks: &[],
        requirements: &["list-empty-200", "filter-eq-miss", "entra-test-connection", "okta-lookup-miss"],
        explain: "No match is a success with totalResults 0. Entra's connection test and its look-up fail on 404 and the job goes into quarantine.",
        hint: "Answer 200 with an empty ListResponse.",
        wrong: "GET /Users?filter=userName eq \"nobody\" → 404",
        right: "→ 200 {\"totalResults\":0,\"Resources\":[]}",
        proven_by: &["filter-no-match-404", "groups-endpoint-404", "list-past-end-404"],
        check: refusal_rule!("filter/no-match-is-an-error"),
    },
    Rule {
        id: "filter/urn-attribute-refused",
        title: "A filter with a schema URN before the attribute is refused",
        spec: "RFC 7644 §3.10",
        level: Level::Must,
        clash: false,
        impact: Impact::LookupFails,
        breaks: &[],
        requirements: &["filter-urn-prefixed", "filter-extension-urn"],
        explain: "All attributes can be named with their schema URN; those of extensions only so.",
        hint: "Match the known schema URNs at the start of the attribute path.",
        wrong: "filter=urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"x\" → 400",
        right: "→ 200",
        proven_by: &["filter-urn-attribute-rejected", "serviceproviderconfig-claims-filter"],
        check: refusal_rule!("filter/urn-attribute-refused"),
    },
    Rule {
        id: "filter/logic-refused",
        title: "A filter with and, or, not or parentheses is refused",
        spec: "RFC 7644 §3.4.2.2, Table 4",
        level: Level::Must,
        clash: false,
        impact: Impact::LookupFails,
        breaks: &[],
        requirements: &["filter-and", "filter-or", "filter-not", "filter-precedence"],
        explain: "ServiceProviderConfig says that filters work; the logical operators and grouping are part of every filter implementation.",
        hint: "Implement the whole grammar of RFC 7644 Figure 1.",
        wrong: "filter=userName eq \"a\" and not (active eq false) → 400",
        right: "→ 200",
        proven_by: &[
            "filter-not-operator-400",
            "group-filter-compound-501",
            "filter-id-unsupported",
            "filter-operator-case-sensitive",
            "filter-pr-inside-a-name",
        ],
        check: refusal_rule!("filter/logic-refused"),
    },
    Rule {
        id: "filter/valid-filter-refused",
        title: "A valid filter is refused",
        spec: "RFC 7644 §3.4.2.2, Table 3",
        level: Level::Must,
        clash: false,
        impact: Impact::LookupFails,
        breaks: &[],
        requirements: &[
            "filter-ne",
            "filter-co",
            "filter-sw",
            "filter-ew",
            "filter-pr",
            "filter-quoting",
            "filter-emails-work",
            "filter-attr-case",
            "filter-op-case",
            "filter-long",
        ],
        explain: "The filter is valid by the grammar and names declared attributes.",
        hint: "Implement all operators of Table 3, sub-attributes and value paths.",
        wrong: "filter=title ne \"x\" → 400",
        right: "→ 200",
        proven_by: &[
            "filter-attribute-case-sensitive",
            "list-large-count-400",
            "query-plus-kept-literally",
            "filter-ampersand-cuts",
            "filter-words-in-values-cut",
        ],
        check: refusal_rule!("filter/valid-filter-refused"),
    },
    Rule {
        id: "filter/value-path-comparison-refused",
        title: "Entra's look-up by work e-mail is refused",
        spec: "Entra: supported queries (emails[type eq \"work\"].value eq …); not in the grammar of RFC 7644 Figure 1",
        level: Level::Idp,
        clash: true,
        impact: Impact::LookupFails,
        breaks: &["entra"],
        requirements: &["filter-emails-work", "entra-match-username"],
        explain: "Entra writes a comparison behind a value path when work e-mail is the matching attribute. The RFC's grammar does not have this form, so a server may refuse it; then Entra cannot match.",
        hint: "Accept `attr[filter].sub op value` as \"an element that passes the filter and whose sub-attribute compares\".",
        wrong: "filter=emails[type eq \"work\"].value eq \"a@example.com\" → 400",
        right: "→ 200 with the user",
        proven_by: &["filter-no-match-404", "serviceproviderconfig-claims-filter"],
        check: refusal_rule!("filter/value-path-comparison-refused"),
    },
    Rule {
        id: "filter/broken-filter-accepted",
        title: "A filter that cannot be parsed is answered with success",
        spec: "RFC 7644 §3.4.2.2, Table 9 (invalidFilter)",
        level: Level::Must,
        clash: false,
        impact: Impact::WrongMatch,
        breaks: &[],
        requirements: &["filter-syntax-400", "filter-unknown-op-400"],
        explain: "A filter that the server cannot understand must be refused; answering with an empty or the whole list is a wrong statement about who exists.",
        hint: "Answer 400 with scimType invalidFilter.",
        wrong: "filter=userName eq → 200",
        right: "→ 400 invalidFilter",
        proven_by: &[
            "filter-invalid-returns-everything",
            "filter-unknown-attribute-returns-everything",
            "search-ignores-filter",
        ],
        check: broken,
    },
    Rule {
        id: "sort/order-wrong",
        title: "A sorted list is not in order",
        spec: "RFC 7644 §3.4.2.3",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &[
            "sort-ascending",
            "sort-descending",
            "sort-case-insensitive",
            "sort-subattr",
            "sort-missing-last",
            "sort-datetime",
            "sort-filter",
            "sort-groups",
            "sort-multivalued-primary",
        ],
        explain: "The server claims sorting and the entries of the page are out of order. Text that is not caseExact is sorted without regard to case.",
        hint: "Sort by the attribute, case-insensitively unless caseExact, resources without a value last when ascending.",
        wrong: "sortBy=userName&sortOrder=descending → a, b, c",
        right: "c, b, a",
        proven_by: &["list-order-unstable", "unset-attributes-as-empty-text", "sort-by-nested-ignored"],
        check: order,
    },
    Rule {
        id: "sort/after-paging",
        title: "Sorting is applied to the page instead of the whole list",
        spec: "RFC 7644 §3.4.2.3, §3.4.2.4",
        level: Level::Must,
        clash: false,
        impact: Impact::ImportIncomplete,
        breaks: &[],
        requirements: &["sort-paged"],
        explain: "The page must be cut from the sorted list. Here a resource that belongs on the page is missing while one that comes later is there.",
        hint: "Sort first, then skip and take.",
        wrong: "7 users, descending, count=2 → entries 1, 0",
        right: "entries 6, 5",
        proven_by: &[
            "list-sort-after-paging",
            "list-sort-descending-ignored",
            "list-sort-ignored",
            "serviceproviderconfig-claims-sort",
        ],
        check: sort_paged,
    },
    Rule {
        id: "projection/valid-projection-refused",
        title: "A read with a valid `attributes` or `excludedAttributes` is refused",
        spec: "RFC 7644 §3.9, §3.10",
        level: Level::Must,
        clash: false,
        impact: Impact::LookupFails,
        breaks: &[],
        requirements: &["proj-attributes-urn", "proj-attributes-get", "proj-excluded-get"],
        explain: "The parameter names declared attributes, with or without their schema URN. The resource exists, yet the read is refused.",
        hint: "Parse the names as attribute paths (RFC 7644 §3.10); ignore what you do not know.",
        wrong: "GET /Users/2819?attributes=urn:…:enterprise:2.0:User:department → 400",
        right: "→ 200 with that attribute",
        proven_by: &["projection-urn-rejected"],
        check: refusal_rule!("projection/valid-projection-refused"),
    },
    Rule {
        id: "projection/attribute-not-excluded",
        title: "`excludedAttributes` or `attributes` is not honoured",
        spec: "RFC 7644 §3.9, §3.4.2.5; Entra: excludedAttributes=members",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &["entra"],
        requirements: &[
            "proj-attributes-get",
            "proj-attributes-list",
            "proj-attributes-search",
            "proj-attributes-subattr",
            "proj-excluded-get",
            "proj-excluded-list",
            "proj-excluded-members",
            "proj-post-put-patch",
            "create-attributes-param",
            "put-attributes-param",
            "entra-group-get-no-members",
            "group-list-excludes-ok",
        ],
        explain: "An attribute that was excluded (or not asked for) is in the answer. Entra excludes `members` because large groups would not fit.",
        hint: "Cut the representation: the minimum set plus what `attributes` names, or the default set without what `excludedAttributes` names.",
        wrong: "GET /Groups/g?excludedAttributes=members → members",
        right: "→ no members",
        proven_by: &[
            "excludedattributes-members-ignored",
            "attributes-ignored",
            "attributes-on-list-ignored",
            "excludedattributes-ignored",
            "excludedattributes-on-get-ignored",
        ],
        check: not_excluded,
    },
    Rule {
        id: "projection/excluded-is-null",
        title: "An excluded attribute comes back as null",
        spec: "RFC 7644 §3.9; Entra: deserialisation",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &["entra"],
        requirements: &["proj-excluded-members", "entra-null-free"],
        explain: "What is excluded is absent. Entra cannot read `\"members\": null`.",
        hint: "Leave the key out.",
        wrong: "{\"displayName\":\"team\",\"members\":null}",
        right: "{\"displayName\":\"team\"}",
        proven_by: &["excludedattributes-members-null"],
        check: excluded_null,
    },
    Rule {
        id: "projection/always-returned-missing",
        title: "`id` (or another attribute that is always returned) was projected away",
        spec: "RFC 7643 §7 (returned always); RFC 7644 §3.9",
        level: Level::Must,
        clash: false,
        impact: Impact::UserNotFound,
        breaks: &[],
        requirements: &["proj-attributes-minimum", "proj-excluded-always", "returned-always"],
        explain: "The minimum set, `id` above all, is there whatever the client asks for.",
        hint: "Add the minimum set after projecting.",
        wrong: "?attributes=displayName → {\"displayName\":\"x\"}",
        right: "→ {\"id\":\"2819\",\"schemas\":[…],\"displayName\":\"x\"}",
        proven_by: &[
            "create-response-without-id",
            "attributes-drops-id",
            "excludedattributes-drops-id",
            "always-returned-excluded",
        ],
        check: always_missing,
    },
    Rule {
        id: "projection/excludes-too-much",
        title: "`excludedAttributes` takes away more than it names",
        spec: "RFC 7644 §3.9 (excludedAttributes: removed from the default set)",
        level: Level::Must,
        clash: false,
        impact: Impact::ImportIncomplete,
        breaks: &[],
        requirements: &["proj-excluded-get"],
        explain: "The request names what to leave out; everything else that a plain read shows has to be there. Here an attribute or a whole extension that nobody named is missing, and an import takes it for empty.",
        hint: "Start from the default set and remove what is named, nothing else; extensions are part of the default set.",
        wrong: "GET /Users/2819?excludedAttributes=displayName → no enterprise extension",
        right: "→ all but displayName",
        proven_by: &["excluded-drops-extensions"],
        check: excludes_too_much,
    },
    Rule {
        id: "projection/asked-attribute-missing",
        title: "An attribute that `attributes` asks for is missing or empty",
        spec: "RFC 7644 §3.9, §3.10",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["proj-attributes-get", "proj-attributes-mv", "proj-attributes-urn", "proj-attributes-case"],
        explain: "The resource has a value (a full read shows it), and the request asks for it by name. Asking for a complex attribute gives all its sub-attributes.",
        hint: "Match names without regard to case and with URNs; a parent stands for all its sub-attributes.",
        wrong: "?attributes=name → {\"name\":{}}",
        right: "→ {\"name\":{\"givenName\":\"A\",\"familyName\":\"B\"}}",
        proven_by: &["attributes-complex-parent-empty", "attributes-case-sensitive", "attributes-sub-ignored"],
        check: asked,
    },
    Rule {
        id: "projection/schemas-missing",
        title: "`schemas` was projected away",
        spec: "RFC 7643 §3, §7 (returned always)",
        level: Level::Should,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["proj-attributes-minimum"],
        explain: "Every representation names its schemas, also a cut-down one. An example in RFC 7644 §3.4.2 leaves them out, so no server fails for it; strict clients refuse such a resource all the same.",
        hint: "Add schemas and id after projecting.",
        wrong: "?attributes=userName → {\"id\":\"2819\",\"userName\":\"a\"}",
        right: "→ {\"schemas\":[…],\"id\":\"2819\",\"userName\":\"a\"}",
        proven_by: &["attributes-drops-schemas"],
        check: schemas_missing,
    },
    Rule {
        id: "filter/refused-without-scimtype",
        title: "A filter is refused and `scimType` is not invalidFilter",
        spec: "RFC 7644 §3.4.2.2, §3.12 Table 9",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["filter-unknown-op-400", "filter-syntax-400"],
        explain: "For an operator that the server does not know the RFC demands 400 with scimType invalidFilter; for other broken filters Table 9 has the same word: another one there is advice, none at all a note. Clients tell by it that the filter is at fault, and not the value or the page.",
        hint: "Answer {\"status\":\"400\",\"scimType\":\"invalidFilter\",\"detail\":\"…\"}.",
        wrong: "GET /Users?filter=userName foo \"x\" → 400 without scimType",
        right: "→ 400 invalidFilter",
        proven_by: &["filter-invalid-without-scimtype"],
        check: broken_word,
    },
    Rule {
        id: "filter/order-of-boolean-accepted",
        title: "A Boolean is compared by order",
        spec: "RFC 7644 §3.4.2.2 Table 3",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["filter-gt-boolean-400"],
        explain: "gt, ge, lt and le on Boolean or binary attributes shall be answered 400 invalidFilter: there is no order to compare by, and whatever is returned is arbitrary.",
        hint: "Refuse it with 400 invalidFilter.",
        wrong: "GET /Users?filter=active gt true → 200",
        right: "→ 400 invalidFilter",
        proven_by: &["filter-boolean-order-accepted"],
        check: boolean_order,
    },
];

/// Which of the four "missing" rules a miss belongs to.
fn kind(view: &View<'_>) -> &'static str {
    let text = view.call.filter_text.as_deref().unwrap_or_default().to_ascii_lowercase();
    let selection = view.observed.selection.as_ref();
    if selection.is_some_and(|s| s.missing_inactive > 0 && s.missing_inactive == s.missing.len())
        && !text.contains("active")
    {
        return "inactive";
    }
    let simple = !text.contains(" and ") && !text.contains(" or ");
    if simple && text.starts_with("externalid eq") {
        return "external";
    }
    let value = view.call.filter_text.as_deref().unwrap_or_default();
    let exact = selection.is_some_and(|s| s.missing.iter().all(|(_, name)| value.contains(name.as_str())));
    if simple && text.starts_with("username eq") && !exact {
        return "case";
    }
    "other"
}

fn judge_missing(view: &View<'_>, which: &str) -> Verdict {
    let Some(selection) = view
        .observed
        .selection
        .as_ref()
        .filter(|s| s.complete && view.call.filter.is_some() && view.target.feature("filter"))
    else {
        return Verdict::NotApplicable;
    };
    if selection.missing.is_empty() {
        let proof = selection.matching > 0 && passes_as(view, which);
        return if proof { Verdict::Pass } else { Verdict::NotApplicable };
    }
    if kind(view) != which {
        return Verdict::NotApplicable;
    }
    let filter = view.call.filter_text.clone().unwrap_or_default();
    let mut finding = Finding::new(
        "body /Resources",
        format!(
            "{} for {filter}",
            selection.missing.iter().map(|(id, name)| format!("{name} ({id})")).collect::<Vec<_>>().join(", ")
        ),
        format!("{} entries without it", view.entries().len()),
    );
    if view.resource_type().is_some_and(|rt| view.call.filter.as_ref().is_some_and(|f| boolean_as_text(f, rt))) {
        // The grammar has true without quotes; that "true" means the same is kind, not due.
        finding = finding.level(Level::Note);
    }
    finding.because = selection
        .missing
        .first()
        .and_then(|(id, _)| view.before.find(&view.call.endpoint, id))
        .map(|k| k.last_write.clone());
    Verdict::Fail(vec![finding])
}

/// Whether a hit is proof for that rule: an inactive one found, another case found, externalId found.
fn passes_as(view: &View<'_>, which: &str) -> bool {
    let text = view.call.filter_text.as_deref().unwrap_or_default();
    let lower = text.to_ascii_lowercase();
    match which {
        "external" => lower.starts_with("externalid eq"),
        "inactive" => view.entries().iter().any(|e| get_ci(e, "active") == Some(&Value::Bool(false))),
        "case" => {
            lower.starts_with("username eq")
                && view
                    .entries()
                    .iter()
                    .any(|e| get_ci(e, "userName").and_then(Value::as_str).is_some_and(|n| !text.contains(n)))
        }
        _ => true,
    }
}

fn missing(view: &View<'_>) -> Verdict {
    judge_missing(view, "other")
}

fn missing_external(view: &View<'_>) -> Verdict {
    judge_missing(view, "external")
}

fn missing_case(view: &View<'_>) -> Verdict {
    judge_missing(view, "case")
}

fn missing_inactive(view: &View<'_>) -> Verdict {
    judge_missing(view, "inactive")
}

/// A surplus that is a matter of case alone.
fn external_case(view: &View<'_>) -> bool {
    let text = view.call.filter_text.as_deref().unwrap_or_default().to_ascii_lowercase();
    text.starts_with("externalid eq")
        && view.entries().iter().any(|e| {
            get_ci(e, "externalId")
                .and_then(Value::as_str)
                .is_some_and(|x| !x.is_empty() && text.contains(&x.to_ascii_lowercase()))
        })
}

fn surplus(view: &View<'_>) -> Verdict {
    let Some(selection) =
        view.observed.selection.as_ref().filter(|_| view.call.filter.is_some() && view.target.feature("filter"))
    else {
        return Verdict::NotApplicable;
    };
    if selection.surplus.is_empty() {
        return if selection.not_matching { Verdict::Pass } else { Verdict::NotApplicable };
    }
    if external_case(view) {
        return Verdict::NotApplicable;
    }
    let filter = view.call.filter_text.clone().unwrap_or_default();
    let names: Vec<String> = selection.surplus.iter().take(3).map(|(id, name)| format!("{name} ({id})")).collect();
    Verdict::fail("body /Resources", format!("only what matches {filter}"), names.join(", "))
}

fn surplus_external(view: &View<'_>) -> Verdict {
    let Some(selection) =
        view.observed.selection.as_ref().filter(|_| view.call.filter.is_some() && view.target.feature("filter"))
    else {
        return Verdict::NotApplicable;
    };
    let text = view.call.filter_text.as_deref().unwrap_or_default().to_ascii_lowercase();
    if !text.starts_with("externalid eq") {
        return Verdict::NotApplicable;
    }
    if selection.surplus.is_empty() || !external_case(view) {
        return if selection.not_matching { Verdict::Pass } else { Verdict::NotApplicable };
    }
    Verdict::fail("body /Resources", "nothing: externalId is case-exact", selection.surplus[0].1.clone())
}

fn broken(view: &View<'_>) -> Verdict {
    if !view.must_refuse(Reason::BrokenFilter)
        || view.status() == 0
        || view.status() >= 500
        || !view.target.feature("filter")
    {
        return Verdict::NotApplicable;
    }
    if view.accepted() {
        return Verdict::fail(
            "status",
            format!("400 invalidFilter for {:?}", view.forecast.detail),
            view.status().to_string(),
        );
    }
    Verdict::Pass
}

/// Our own entries of a sorted page, in order, as believed.
fn sorted_ours<'a>(view: &View<'a>) -> Vec<(&'a Map<String, Value>, Value)> {
    let Some(rt) = view.resource_type() else { return Vec::new() };
    let Some(path) = view.call.sort_by.as_deref().and_then(|s| crate::scim::path::parse_attr_path_for(s, rt).ok())
    else {
        return Vec::new();
    };
    if rt.attribute(&path).is_none() {
        return Vec::new();
    }
    view.entries()
        .into_iter()
        .filter_map(|entry| {
            let id = get_ci(entry, "id").and_then(Value::as_str)?;
            let known = view.before.find(&view.call.endpoint, id)?;
            let shown = if view.call.projected() { Value::clone(&known.doc) } else { Value::Object(entry.clone()) };
            (known.state == State::Live && known.refused.is_none()).then_some((entry, shown))
        })
        .collect()
}

fn compare(view: &View<'_>, a: &Value, b: &Value) -> Ordering {
    let (Some(rt), Some(text)) = (view.resource_type(), view.call.sort_by.as_deref()) else { return Ordering::Equal };
    let Ok(path) = crate::scim::path::parse_attr_path_for(text, rt) else { return Ordering::Equal };
    let order = sort::compare(a, b, &path, rt);
    if view.call.descending { order.reverse() } else { order }
}

fn order(view: &View<'_>) -> Verdict {
    if view.list().is_none() || !view.target.claims("sort") {
        return Verdict::NotApplicable;
    }
    let ours = sorted_ours(view);
    if ours.len() < 2 {
        return Verdict::NotApplicable;
    }
    for pair in ours.windows(2) {
        if compare(view, &pair[0].1, &pair[1].1) == Ordering::Greater {
            let name = |m: &Map<String, Value>| {
                get_ci(m, "userName").or_else(|| get_ci(m, "displayName")).map_or_else(String::new, short)
            };
            let by = view.call.sort_by.clone().unwrap_or_default();
            let direction = if view.call.descending { "descending" } else { "ascending" };
            return Verdict::fail(
                "body /Resources",
                format!("{direction} by {by}"),
                format!("{} before {}", name(pair[0].0), name(pair[1].0)),
            );
        }
    }
    Verdict::Pass
}

/// A first page, cut from a longer list of our own: what is not on it must not come before what is.
fn sort_paged(view: &View<'_>) -> Verdict {
    let first = view.call.effective_start() == Some(1);
    let (Some(selection), true) =
        (&view.observed.selection, first && view.target.claims("sort") && view.list().is_some())
    else {
        return Verdict::NotApplicable;
    };
    let ours = sorted_ours(view);
    let Some((_, last)) = ours.last() else { return Verdict::NotApplicable };
    if selection.missing.is_empty() || view.call.effective_count().is_none_or(|c| c == 0) || view.call.filter.is_none()
    {
        return Verdict::NotApplicable;
    }
    for (id, name) in &selection.missing {
        let Some(known) = view.before.find(&view.call.endpoint, id) else { continue };
        if compare(view, &known.doc, last) == Ordering::Less
            && ours.iter().all(|(_, doc)| compare(view, &known.doc, doc) == Ordering::Less)
        {
            return Verdict::fail("body /Resources", format!("{name} on the first page"), "entries that come after it");
        }
    }
    Verdict::Pass
}

/// Representations that a projection applies to, and the names it is made of.
fn projected<'a>(view: &View<'a>) -> Vec<&'a Map<String, Value>> {
    if view.call.projected()
        && view.on_resources()
        && view.call.method != "HEAD"
        && !(view.call.attributes.is_some() && view.call.excluded.is_some())
    {
        view.resources()
    } else {
        Vec::new()
    }
}

const ALWAYS: [&str; 3] = ["id", "schemas", "meta"];

fn top(name: &str, view: &View<'_>) -> String {
    let rt = view.resource_type();
    let urn = rt.and_then(|r| {
        r.extensions.iter().find(|e| name.to_ascii_lowercase().starts_with(&e.schema.id.to_ascii_lowercase()))
    });
    if let Some(e) = urn {
        return e.schema.id.clone();
    }
    let rest = rt.map_or(name, |r| {
        let id = &r.schema.id;
        let head = name.get(..id.len()).filter(|head| head.eq_ignore_ascii_case(id));
        head.and_then(|_| name[id.len()..].strip_prefix([':', '.'])).unwrap_or(name)
    });
    rest.split('.').next().unwrap_or(rest).to_owned()
}

fn not_excluded(view: &View<'_>) -> Verdict {
    let bodies = projected(view);
    if bodies.is_empty() {
        return Verdict::NotApplicable;
    }
    let Some(rt) = view.resource_type() else { return Verdict::NotApplicable };
    let mut findings: Vec<Finding> = Vec::new();
    let mut judged = false;
    for body in bodies {
        let has_error_shape = get_ci(body, "id").is_none();
        if has_error_shape && view.call.op != Op::Read {
            continue;
        }
        judged = true;
        if let Some(excluded) = &view.call.excluded {
            for name in excluded.iter().filter(|n| !n.contains('.') && !n.contains(':') && !always(n, rt)) {
                if get_ci(body, name).is_some_and(|v| !v.is_null() && !facts::is_empty(v)) {
                    findings.push(Finding::new(format!("body /{name}"), "absent", "present"));
                }
            }
        }
        if let Some(asked) = &view.call.attributes {
            let kept: Vec<String> = asked.iter().map(|n| top(n, view)).collect();
            // An extension of the server's own may hold attributes that are always returned.
            let own = |k: &str| k.starts_with("urn:") && !k.eq_ignore_ascii_case(crate::scim::urn::ENTERPRISE);
            let extra = body.iter().filter(|(k, _)| !own(k)).find(|(k, v)| {
                !ALWAYS.iter().any(|a| a.eq_ignore_ascii_case(k))
                    && !always(k, rt)
                    && !kept.iter().any(|n| n.eq_ignore_ascii_case(k))
                    && !facts::is_empty(v)
            });
            if let Some((name, _)) = extra {
                findings.push(Finding::new(
                    format!("body /{name}"),
                    format!("absent: only {} was asked for", asked.join(", ")),
                    "present",
                ));
            }
        }
        findings.truncate(3);
    }
    if judged { Verdict::from_findings(findings) } else { Verdict::NotApplicable }
}

/// True for attributes whose `returned` is always, which no projection takes away (RFC 7643 §7).
fn always(name: &str, rt: &crate::scim::schema::ResourceType) -> bool {
    ALWAYS.iter().any(|a| a.eq_ignore_ascii_case(name))
        || parse_attr_path(name)
            .ok()
            .and_then(|p| rt.attribute(&p).map(|r| r.attribute.returned == crate::scim::schema::Returned::Always))
            .unwrap_or(false)
}

/// What a plain read showed, nobody excluded, and is not there. `groups` and `meta` are the server's own and may change.
fn excludes_too_much(view: &View<'_>) -> Verdict {
    let (Some(excluded), Some(rt), Op::Read) = (&view.call.excluded, view.resource_type(), view.call.op) else {
        return Verdict::NotApplicable;
    };
    let (Some(shown), Some(known)) = (
        projected(view).into_iter().next(),
        view.call.id.as_deref().and_then(|id| view.before.find(&view.call.endpoint, id)),
    ) else {
        return Verdict::NotApplicable;
    };
    let full = known.last_full.as_ref().filter(|_| !known.dirty && known.refused.is_none());
    let Some(full) = full.and_then(|f| f.as_object()) else { return Verdict::NotApplicable };
    let named = |key: &str| {
        let key = key.to_ascii_lowercase();
        ["schemas", "id", "meta", "groups"].contains(&key.as_str())
            || excluded
                .iter()
                .map(|n| n.to_ascii_lowercase())
                .any(|n| n.starts_with(&key) || n.ends_with(&format!(":{key}")))
            || excluded.iter().any(|n| top(n, view).eq_ignore_ascii_case(&key))
    };
    let declared =
        |key: &str| key.starts_with("urn:") || rt.schema.attributes.iter().any(|a| a.name.eq_ignore_ascii_case(key));
    let kept: Vec<(&String, &Value)> =
        full.iter().filter(|(k, v)| !named(k) && declared(k) && !facts::is_empty(v)).collect();
    match kept.iter().find(|(k, _)| get_ci(shown, k).is_none_or(facts::is_empty)) {
        Some((key, was)) => Verdict::fail(format!("body /{key}"), format!("{}: not excluded", short(was)), "nothing"),
        None if kept.is_empty() => Verdict::NotApplicable,
        None => Verdict::Pass,
    }
}

fn excluded_null(view: &View<'_>) -> Verdict {
    let Some(excluded) = &view.call.excluded else { return Verdict::NotApplicable };
    let bodies = projected(view);
    if bodies.is_empty() {
        return Verdict::NotApplicable;
    }
    let null = excluded.iter().find(|n| bodies.iter().any(|b| get_ci(b, n).is_some_and(Value::is_null)));
    match null {
        Some(name) => Verdict::fail(format!("body /{name}"), "absent", "null"),
        None => Verdict::Pass,
    }
}

fn always_missing(view: &View<'_>) -> Verdict {
    let bodies = projected(view);
    if bodies.is_empty() {
        return Verdict::NotApplicable;
    }
    if bodies.iter().any(|b| get_ci(b, "id").is_none()) {
        return Verdict::fail("body /id", "there: it is always returned", "missing");
    }
    let Some(rt) = view.resource_type() else { return Verdict::Pass };
    let always = rt.schema.attributes.iter().filter(|a| a.returned == crate::scim::schema::Returned::Always);
    for name in always.map(|a| a.name.as_str()).filter(|n| !["id", "schemas"].contains(n)) {
        let lost = bodies.iter().find_map(|b| {
            let id = get_ci(b, "id")?.as_str()?;
            let known = view.before.find(&view.call.endpoint, id).filter(|k| !k.dirty && k.refused.is_none())?;
            let was = get_ci(known.last_full.as_ref()?.as_object()?, name).filter(|v| !facts::is_empty(v))?;
            get_ci(b, name).is_none_or(facts::is_empty).then_some(was)
        });
        if let Some(was) = lost {
            return Verdict::fail(format!("body /{name}"), format!("{}: always returned", short(was)), "missing");
        }
    }
    Verdict::Pass
}

fn asked(view: &View<'_>) -> Verdict {
    let Some(names) = &view.call.attributes else { return Verdict::NotApplicable };
    let Some(rt) = view.resource_type() else { return Verdict::NotApplicable };
    let mut judged = false;
    for body in projected(view) {
        let Some(known) =
            get_ci(body, "id").and_then(Value::as_str).and_then(|id| view.before.find(&view.call.endpoint, id))
        else {
            continue;
        };
        let Some(full) = known.last_full.as_ref().filter(|_| {
            !known.dirty && known.refused.is_none() && view.call.op != Op::Patch && view.call.op != Op::Replace
        }) else {
            continue;
        };
        for name in names {
            let Ok(path) = crate::scim::path::parse_path(name, rt) else { continue };
            let wanted: Vec<&Value> =
                crate::scim::path::select(full, &path, rt).into_iter().filter(|v| !facts::is_empty(v)).collect();
            if wanted.is_empty() {
                continue;
            }
            judged = true;
            let whole = Value::Object(body.clone());
            let shown: Vec<&Value> =
                crate::scim::path::select(&whole, &path, rt).into_iter().filter(|v| !facts::is_empty(v)).collect();
            if shown.is_empty() {
                return Verdict::fail(format!("body /{name}"), short(wanted[0]), "nothing");
            }
        }
    }
    if judged { Verdict::Pass } else { Verdict::NotApplicable }
}

fn schemas_missing(view: &View<'_>) -> Verdict {
    let bodies = projected(view);
    // A client that excludes schemas by name has asked for it.
    let excluded = view.call.excluded.iter().flatten().any(|n| n.eq_ignore_ascii_case("schemas"));
    if bodies.is_empty() || excluded {
        return Verdict::NotApplicable;
    }
    if bodies.iter().any(|b| get_ci(b, "schemas").is_none_or(facts::is_empty)) {
        return Verdict::fail("body /schemas", "the resource's schemas", "missing");
    }
    Verdict::Pass
}

fn broken_word(view: &View<'_>) -> Verdict {
    if !view.must_refuse(Reason::BrokenFilter) || view.status() != 400 || !view.target.feature("filter") {
        return Verdict::NotApplicable;
    }
    let Some(body) = view.object() else { return Verdict::NotApplicable };
    let word = get_ci(body, "scimType").and_then(Value::as_str);
    if word == Some("invalidFilter") {
        return Verdict::Pass;
    }
    let finding = Finding::new("body /scimType", "invalidFilter", word.unwrap_or("no scimType"));
    Verdict::Fail(vec![match word {
        _ if unknown_operator(view.call.filter_text.as_deref().unwrap_or_default()) => finding,
        Some(_) => finding.level(Level::Should),
        // RFC 7644 §3.12: scimType is optional.
        None => finding.level(Level::Note),
    }])
}

/// True for `attribute word "value"` with a word that is no operator.
fn unknown_operator(text: &str) -> bool {
    const OPERATORS: [&str; 10] = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr"];
    let mut words = text.split_whitespace();
    let (Some(name), Some(operator), Some(value)) = (words.next(), words.next(), words.next()) else { return false };
    let plain = |t: &str| t.chars().all(|c| c.is_ascii_alphabetic());
    let logic = ["and", "or", "not"].contains(&name.to_ascii_lowercase().as_str());
    let known = OPERATORS.contains(&operator.to_ascii_lowercase().as_str());
    plain(name) && !logic && plain(operator) && !known && value.starts_with('"')
}

fn boolean_order(view: &View<'_>) -> Verdict {
    let (Some(filter), Some(rt)) = (&view.call.filter, view.resource_type()) else { return Verdict::NotApplicable };
    let listed = view.call.lists() && view.call.authenticated() && view.target.feature("filter");
    if !listed || !orders_boolean(filter, rt) {
        return Verdict::NotApplicable;
    }
    match view.status() {
        200 => Verdict::fail("status", "400 invalidFilter", "200"),
        400..=499 => Verdict::Pass,
        _ => Verdict::NotApplicable,
    }
}

fn boolean_as_text(filter: &Filter, rt: &crate::scim::schema::ResourceType) -> bool {
    match filter {
        Filter::And(all) | Filter::Or(all) => all.iter().any(|f| boolean_as_text(f, rt)),
        Filter::Not(inner) => boolean_as_text(inner, rt),
        Filter::Attr { path, test: Test::Compare(_, Literal::Str(_)) } => {
            rt.attribute(path).is_some_and(|r| r.leaf().kind == AttrType::Boolean)
        }
        _ => false,
    }
}

fn orders_boolean(filter: &Filter, rt: &crate::scim::schema::ResourceType) -> bool {
    match filter {
        Filter::And(all) | Filter::Or(all) => all.iter().any(|f| orders_boolean(f, rt)),
        Filter::Not(inner) => orders_boolean(inner, rt),
        Filter::Attr { path, test: Test::Compare(op, _) } => {
            op.is_ordering()
                && rt.attribute(path).is_some_and(|r| matches!(r.leaf().kind, AttrType::Boolean | AttrType::Binary))
        }
        _ => false,
    }
}
