//! Filters (RFC 7644 §3.4.2.2): exactly what matches.

use super::leeway::shape;
use super::refusal::outside_quotes;
use super::rule::{Finding, Impact, Level, Rule, Verdict, refusal_rule};
use super::view::{Past, View};
use crate::scim::filter::{Filter, Literal, Test};
use crate::scim::schema::AttrType;
use crate::scim::value::get_ci;
use crate::shadow::{Op, Reason};
use serde_json::{Map, Value};

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
            "filter-single-match-bare",
            "lookup-after-create-empty",
            "filter-attribute-twice-empty",
            "filter-group-operator-ignored",
            "search-root-users-only",
            "filter-co-as-eq",
            "filter-email-value-matches-nothing",
            "filter-escaped-quote-no-match",
            "filter-name-part-matches-nothing",
            "filter-left-to-right",
            "filter-or-treated-as-and",
            "filter-plus-decoded-twice",
            "filter-value-path-no-match",
            "filter-co-as-sw",
            "filter-enterprise-matches-nothing",
            "filter-ge-as-gt",
            "filter-group-displayname-case-sensitive",
            "filter-unicode-no-match",
            "filter-slash-finds-nothing",
            "filter-brackets-find-nothing",
            "filter-eq-inside-value",
            "filter-quotes-kept",
            "filter-three-conditions-empty",
            "list-users-always-empty",
            "filter-user-groups-display-empty",
            "dates-in-local-time",
            "filter-core-and-extension-empty",
            "filter-compound-case-sensitive",
            "filter-parts-case-sensitive",
            "filter-date-order-empty",
            "filter-cut-at-apostrophe",
            "filter-logic-empty",
            "filter-parts-need-count",
            "filter-groups-beside-other-empty",
            "filter-emails-without-value-empty",
            "filter-groups-beside-count-empty",
            "filter-sw-as-eq",
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
        proven_by: &["group-filter-external-id-empty", "filter-externalid-returns-empty"],
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
        proven_by: &["filter-username-case-sensitive"],
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
        proven_by: &["filter-hides-inactive-users"],
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
            "filter-groups-ignored",
            "filter-users-ignored",
            "filter-finds-old-email",
            "filter-finds-old-username",
            "filter-finds-old-group-name",
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
            "filter-meta-hides-others",
            "filter-not-swallows-and",
            "filter-email-value-everybody",
            "filter-extension-everybody",
            "filter-group-compound-lost",
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
        proven_by: &["filter-externalid-case-insensitive"],
        check: surplus_external,
    },
    Rule {
        id: "filter/no-match-is-an-error",
        title: "A filter that matches nothing answers 404 or 403",
        spec: "RFC 7644 §3.4.2",
        level: Level::Must,
        clash: false,
        impact: Impact::LookupFails,
        breaks: &[],
        requirements: &["list-empty-200", "filter-eq-miss", "entra-test-connection", "okta-lookup-miss"],
        explain: "No match is a success with totalResults 0. Entra's connection test and its look-up fail on 404 and the job goes into quarantine; 403 is read as missing rights.",
        hint: "Answer 200 with an empty ListResponse.",
        wrong: "GET /Users?filter=userName eq \"nobody\" → 404",
        right: "→ 200 {\"totalResults\":0,\"Resources\":[]}",
        proven_by: &["filter-no-match-404", "filter-no-match-403", "groups-endpoint-404", "list-past-end-404"],
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
            "filter-parentheses-400",
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
            "filter-three-alike-400",
            "filter-null-400",
            "filter-operator-case-sensitive",
            "filter-pr-inside-a-name",
            "filter-one-letter-400",
            "filter-value-path-boolean-400",
            "filter-attribute-case-sensitive",
            "query-plus-kept-literally",
            "filter-ampersand-cuts",
            "filter-words-in-values-cut",
            "filter-blank-in-value-400",
            "filter-unicode-400",
            "filter-parenthesis-in-value-400",
            "filter-common-names-case-sensitive",
            "filter-external-id-400",
            "filter-url-marks-400",
            "filter-quoted-400",
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
            "filter-malformed-empty",
        ],
        check: broken,
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
        proven_by: &["filter-invalid-without-scimtype", "error-scimtype-capitalised"],
        check: broken_word,
    },
    Rule {
        id: "filter/order-of-boolean-accepted",
        title: "A filter that puts a Boolean in order (gt, ge, lt, le) is answered with 200",
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
    let worked = worked_before(view);
    let value = view.call.filter_text.as_deref().unwrap_or_default();
    let by_case = |name: &str| !value.contains(name) && text.contains(&name.to_lowercase());
    let cased = selection.is_some_and(|s| s.missing.iter().all(|(_, name)| by_case(name)));
    let simple = !text.contains(" and ") && !text.contains(" or ");
    let by_name = simple && text.starts_with("username eq");
    if by_name && cased && worked != Some(false) && !case_ignored_before(view) {
        return "case";
    }
    if selection.is_some_and(|s| s.missing_inactive > 0 && s.missing_inactive == s.missing.len())
        && plain(value)
        && worked.unwrap_or(text.starts_with("username eq"))
    {
        return "inactive";
    }
    if simple && text.starts_with("externalid eq") {
        return "external";
    }
    if by_name && cased && worked != Some(false) {
        return "case";
    }
    "other"
}

/// No filter, or one that any server can read: what else is special about it may be what hides somebody.
fn plain(filter: &str) -> bool {
    let words: Vec<&str> = filter.split_whitespace().collect();
    let named = ["userName", "externalId", "id", "displayName", "title", "emails", "emails.value"];
    let read = ["eq", "sw", "co", "pr"];
    match words.as_slice() {
        [] => true,
        [attribute, operator, value @ ..] => {
            named.contains(attribute) && read.contains(operator) && outside_quotes(&value.concat()).is_empty()
        }
        _ => false,
    }
}

/// A look-up by name in another spelling has found somebody in this case: then it is not the spelling that hides one.
fn case_ignored_before(view: &View<'_>) -> bool {
    let respelt = |p: &&Past| {
        let text = p.call.filter_text.as_deref().unwrap_or_default();
        let list = p.exchange.json().and_then(Value::as_object).and_then(|o| get_ci(o, "Resources"));
        let shown = list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
        let mut names = shown.filter_map(|o| get_ci(o, "userName")?.as_str());
        text.to_ascii_lowercase().starts_with("username eq") && names.any(|n| !text.contains(n))
    };
    view.earlier.iter().any(|p| respelt(&p))
}

/// Whether a filter of this shape has found somebody in this case: where it never does, it is the filter that is broken, and
/// what is special about who was looked for explains nothing. `None`: nobody was to be found before.
fn worked_before(view: &View<'_>) -> Option<bool> {
    let wanted = shape(view.call.filter.as_ref()?);
    let filtered = |p: &&Past| {
        p.call.endpoint == view.call.endpoint
            && p.call.filter.as_ref().is_some_and(|f| shape(f) == wanted)
            && p.exchange.status() == Some(200)
    };
    let found = |p: &Past| {
        let list = p.exchange.json().and_then(Value::as_object).and_then(|o| get_ci(o, "Resources"));
        list.and_then(Value::as_array).is_some_and(|r| !r.is_empty())
    };
    if view.earlier.iter().filter(filtered).any(found) {
        return Some(true);
    }
    // The same question in vain, put after somebody was created whom it names just so.
    let text = view.call.filter_text.as_deref().unwrap_or_default().to_lowercase();
    let created = |p: &Past| {
        let name = p.call.body.as_ref().and_then(|b| get_ci(b.as_object()?, "userName")?.as_str())?;
        let named = p.call.op == Op::Create && p.exchange.accepted() && text.contains(&name.to_lowercase());
        named.then(|| name.to_owned())
    };
    let (since, name) = view.earlier.iter().enumerate().find_map(|(i, p)| Some((i, created(p)?)))?;
    let just_so = |p: &Past| p.call.filter_text.as_deref().is_some_and(|t| t.contains(&name));
    view.earlier[since..].iter().any(|p| filtered(&p) && just_so(p)).then_some(false)
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
    // An entry with another externalId, or with none, says that nothing was compared at all.
    let alike = |entry: &&Map<String, Value>| {
        let key = get_ci(entry, "externalId").and_then(Value::as_str);
        key.is_some_and(|x| !x.is_empty() && text.contains(&x.to_ascii_lowercase()))
    };
    text.starts_with("externalid eq") && view.entries().iter().all(alike)
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

fn broken_word(view: &View<'_>) -> Verdict {
    if !view.must_refuse(Reason::BrokenFilter) || view.status() != 400 || !view.target.feature("filter") {
        return Verdict::NotApplicable;
    }
    // Where no search has been answered, no filter was read.
    let searched = || view.earlier.iter().any(|p| p.call.op == Op::Search && p.exchange.status() == Some(200));
    if view.call.op == Op::Search && !searched() {
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
