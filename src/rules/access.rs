//! Who may see and change what: credentials and tenants (RFC 7644 §2, §6, §7).

use super::rule::{Finding, Impact, Level, Rule, Verdict};
use super::view::{Past, View, short};
use crate::exchange::AuthKind;
use crate::scim::value::get_ci;
use crate::shadow::forecast::tenant_of;
use crate::shadow::{Expectation, Op, State};

/// Rules of this area.
pub static RULES: &[Rule] = &[
    Rule {
        id: "auth/missing-token-accepted",
        title: "A request without valid credentials is carried out",
        spec: "RFC 7644 §2, §7",
        level: Level::Must,
        clash: false,
        impact: Impact::AccessNotGuarded,
        breaks: &[],
        requirements: &["auth-missing-401", "auth-bad-401", "auth-write-401"],
        explain: "Anybody who finds the URL, or guesses a part of the secret, can read or change every account. A secret is compared byte by byte and whole (RFC 6750 §2.1): a database column that ignores case, a search by prefix and a hash that reads the first 72 bytes only all take more than one text for it.",
        hint: "Check the credentials before anything else, on every method and path; compare them whole, byte by byte.",
        wrong: "GET /Users without Authorization → 200",
        right: "→ 401",
        proven_by: &[
            "auth-reads-unchecked",
            "auth-wrong-token-200-empty",
            "auth-empty-bearer-accepted",
            "auth-any-token-accepted",
            "auth-not-checked",
            "auth-token-prefix-accepted",
            "auth-token-tail-ignored",
            "auth-token-case-ignored",
        ],
        check: auth_accepted,
    },
    Rule {
        id: "auth/status-not-401",
        title: "Missing or wrong credentials are refused with a status other than 401",
        spec: "RFC 7644 §2, Table 8; RFC 9110 §15.5.2",
        level: Level::Should,
        clash: false,
        impact: Impact::ConnectionTestFails,
        breaks: &["okta", "entra"],
        requirements: &["auth-missing-401", "auth-bad-401", "auth-401-before-404"],
        explain: "401 tells the admin that the token is wrong; 403, 404 or 400 send them looking elsewhere.",
        hint: "Answer 401 with WWW-Authenticate and an Error body.",
        wrong: "GET /Users with a wrong token → 404",
        right: "→ 401",
        proven_by: &["auth-wrong-token-400", "auth-wrong-token-403", "auth-wrong-token-404"],
        check: auth_status,
    },
    Rule {
        id: "auth/www-authenticate-missing",
        title: "A 401 has no WWW-Authenticate header",
        spec: "RFC 9110 §15.5.2, §11.6.1; RFC 7644 §2",
        level: Level::Should,
        clash: false,
        impact: Impact::None,
        breaks: &[],
        requirements: &["auth-www-authenticate"],
        explain: "A server that answers 401 must name the scheme it wants.",
        hint: "Send `WWW-Authenticate: Bearer realm=\"scim\"`.",
        wrong: "401 without WWW-Authenticate",
        right: "401 with WWW-Authenticate: Bearer",
        proven_by: &["auth-401-html", "auth-401-without-challenge"],
        check: www_authenticate,
    },
    Rule {
        id: "auth/valid-token-refused",
        title: "The configured credentials are refused",
        spec: "RFC 7644 §2; RFC 6750 §2.1",
        level: Level::Must,
        clash: false,
        impact: Impact::ConnectionTestFails,
        breaks: &[],
        requirements: &["auth-scheme-case"],
        explain: "The same credentials work elsewhere in this run or are the ones you gave: the scheme name is compared in the wrong way, an endpoint is guarded by something else, or the token is wrong.",
        hint: "Read the token after \"Bearer \" (any case); guard all endpoints alike; check the token you gave to scimproof.",
        wrong: "Authorization: Bearer <token> → 401",
        right: "→ 200",
        proven_by: &[
            "auth-bearer-scheme-rejected",
            "auth-lowercase-scheme-rejected",
            "serviceproviderconfig-401",
            "unknown-id-403",
        ],
        check: auth_refused,
    },
    Rule {
        id: "headers/user-agent-required",
        title: "A request without User-Agent is turned away",
        spec: "RFC 9110 §10.1.5 (a client SHOULD send it, no server may count on it)",
        level: Level::Idp,
        clash: false,
        impact: Impact::ConnectionTestFails,
        breaks: &["onelogin"],
        requirements: &["no-user-agent"],
        explain: "OneLogin sends an empty User-Agent, and of Microsoft Entra ID it is reported that it sends none. A firewall or gateway before the service that takes such a request for a robot answers before the service does, mostly with a page; the admin reads that the credentials are wrong.",
        hint: "Exempt the SCIM endpoints from the rule of your gateway, or let it set a name itself.",
        wrong: "GET /Users without User-Agent → 403 <html>",
        right: "→ 200",
        proven_by: &["request-without-user-agent-403"],
        check: nameless,
    },
    Rule {
        id: "auth/token-in-query-accepted",
        title: "A token in the query string is accepted",
        spec: "RFC 7644 §7.4; RFC 6750 §2.3",
        level: Level::Note,
        clash: false,
        impact: Impact::DataLeak,
        breaks: &[],
        requirements: &["auth-token-not-in-url"],
        explain: "Tokens in URLs end up in logs and referrers.",
        hint: "Read credentials from the Authorization header only.",
        wrong: "GET /Users?access_token=… → 200",
        right: "→ 401",
        proven_by: &["auth-query-token-accepted"],
        check: query_token,
    },
    Rule {
        id: "tenancy/foreign-resource-shown",
        title: "One tenant's credentials show another tenant's resource",
        spec: "RFC 7644 §6 (multi-tenancy)",
        level: Level::Must,
        clash: false,
        impact: Impact::DataLeak,
        breaks: &[],
        requirements: &["auth-tenant-isolation", "cursor-other-actor"],
        explain: "A resource that was created with one tenant's token is read or listed with the other's.",
        hint: "Scope every query by tenant, around the client's filter: tenant and (filter).",
        wrong: "tenant B: filter=userName eq \"mine\" or userName eq \"of-tenant-a\" → 2",
        right: "→ 1",
        proven_by: &[
            "create-in-first-tenant",
            "filter-or-bypasses-tenant-scope",
            "cross-tenant-list",
            "cross-tenant-read",
            "cross-tenant-group-read",
        ],
        check: foreign_shown,
    },
    Rule {
        id: "tenancy/foreign-resource-changed",
        title: "One tenant's credentials change another tenant's resource",
        spec: "RFC 7644 §6 (multi-tenancy)",
        level: Level::Must,
        clash: false,
        impact: Impact::DataLeak,
        breaks: &[],
        requirements: &["auth-tenant-isolation"],
        explain: "A write with one tenant's token was carried out on a resource of the other, or a create returned the other's resource.",
        hint: "Look resources up by tenant and id; scope uniqueness by tenant.",
        wrong: "tenant B: POST a userName of tenant A → 201 with A's id",
        right: "→ 201 with a new id",
        proven_by: &[
            "cross-tenant-delete",
            "cross-tenant-update",
            "cross-tenant-group-write",
            "cross-tenant-group-delete",
            "cross-tenant-member",
        ],
        check: foreign_changed,
    },
];

fn unauthenticated(view: &View<'_>) -> bool {
    view.call.auth.is_nobodys() && view.target.credentials && view.status() != 0
}

fn auth_accepted(view: &View<'_>) -> Verdict {
    if !unauthenticated(view) || !view.on_resources() {
        return Verdict::NotApplicable;
    }
    if !view.accepted() {
        return Verdict::Pass;
    }
    let sent = match view.call.auth {
        AuthKind::None => "without credentials",
        AuthKind::EmptyBearer => "with an empty token",
        AuthKind::CutShort => "with the secret but for its last character",
        AuthKind::Lengthened => "with the secret and eight characters more",
        AuthKind::OtherCase => "with the secret in the other case",
        _ => "with credentials that nobody was given",
    };
    Verdict::fail("status", "401 Unauthorized", format!("{} {sent}", view.status()))
}

fn auth_status(view: &View<'_>) -> Verdict {
    // A method that nobody may use can be told so to anybody, and so can a `.search` that is not offered.
    let unoffered = view.status() == 405 || (view.status() == 404 && view.call.op == Op::Search);
    if !unauthenticated(view) || !view.on_resources() || !(300..500).contains(&view.status()) || unoffered {
        return Verdict::NotApplicable;
    }
    if refused_anyway(view) {
        return Verdict::NotApplicable;
    }
    if view.status() == 401 {
        Verdict::Pass
    } else {
        Verdict::fail("status", "401 Unauthorized", view.status().to_string())
    }
}

/// Who lets everybody in refuses for other reasons, and so does who gives the same answer to the right credentials.
fn refused_anyway(view: &View<'_>) -> bool {
    let same_request = |p: &Past| p.call.op == view.call.op && p.call.endpoint == view.call.endpoint;
    view.earlier.iter().any(|p| match p.call.auth {
        AuthKind::Configured => same_request(p) && p.exchange.status() == Some(view.status()) && view.status() != 403,
        AuthKind::None => p.exchange.accepted(),
        _ => false,
    })
}

fn www_authenticate(view: &View<'_>) -> Verdict {
    if view.status() != 401 {
        return Verdict::NotApplicable;
    }
    match view.response().and_then(|r| r.header("www-authenticate")) {
        Some(_) => Verdict::Pass,
        None => Verdict::fail("header WWW-Authenticate", "the scheme that the server wants", "no such header"),
    }
}

/// A request without `User-Agent` was turned away by somebody who is no SCIM server, or who let in one that differs in that.
fn for_its_name(view: &View<'_>) -> bool {
    let named = |exchange: &crate::exchange::Exchange| {
        exchange.request.header("user-agent").is_some_and(|name| !name.is_empty())
    };
    let let_in = |p: &Past| {
        p.call.op == view.call.op
            && p.call.endpoint == view.call.endpoint
            && named(&p.exchange)
            && p.exchange.accepted()
    };
    let scim = view.object().is_some_and(|o| get_ci(o, "schemas").is_some());
    !named(view.exchange)
        && match view.status() {
            403 => view.earlier.iter().any(let_in) || !scim,
            400 | 406 => view.earlier.iter().any(let_in),
            _ => false,
        }
}

fn nameless(view: &View<'_>) -> Verdict {
    let headers = &view.exchange.request.headers;
    // A recording may have left out all of them.
    let told = headers.is_empty() || view.exchange.request.header("user-agent").is_some_and(|name| !name.is_empty());
    if told || !matches!(view.call.auth, AuthKind::Configured | AuthKind::Other) || !view.on_resources() {
        return Verdict::NotApplicable;
    }
    match view.forecast.expect {
        Expectation::Refuse => Verdict::NotApplicable,
        _ if view.accepted() => Verdict::Pass,
        _ if for_its_name(view) => {
            let status = view.status().to_string();
            Verdict::fail("status", "an answer: who sends no User-Agent is a client, too", status)
        }
        _ => Verdict::NotApplicable,
    }
}

fn auth_refused(view: &View<'_>) -> Verdict {
    let ours = matches!(view.call.auth, AuthKind::Configured | AuthKind::Other)
        || (view.call.auth == AuthKind::LowercaseScheme && view.call.op == Op::List);
    if !ours
        || view.call.op == Op::Me
        || !(view.on_resources() || view.call.op == Op::Discovery)
        || view.forecast.expect == Expectation::Refuse
        || for_its_name(view)
    {
        return Verdict::NotApplicable;
    }
    match view.status() {
        401 if view.call.auth == AuthKind::LowercaseScheme => Verdict::Fail(vec![
            Finding::new("status", "200: the scheme is compared without regard to case", "401").level(Level::Should),
        ]),
        401 => {
            let finding = Finding::new("status", "success with the configured credentials", "401 Unauthorized");
            let astray = format!(
                "GET {} is answered 401: where the same credentials are good for /Users, nothing is there behind the guard, or it is guarded by something else",
                view.call.endpoint
            );
            let document = view.call.op == Op::Discovery;
            Verdict::Fail(vec![if document { finding.message(astray) } else { finding }])
        }
        // The same credentials are good for a look-up that finds somebody.
        403 if super::refusal::forbids_a_miss(view) => Verdict::NotApplicable,
        403 if view.call.method == "GET" && view.call.op != Op::Discovery => {
            Verdict::fail("status", "success with the configured credentials", "403 Forbidden")
        }
        200..=299 => Verdict::Pass,
        _ => Verdict::NotApplicable,
    }
}

fn query_token(view: &View<'_>) -> Verdict {
    if view.call.auth != AuthKind::Query || !view.on_resources() || view.status() == 0 {
        return Verdict::NotApplicable;
    }
    if view.accepted() { Verdict::fail("status", "401 Unauthorized", view.status().to_string()) } else { Verdict::Pass }
}

fn other_tenants(view: &View<'_>) -> bool {
    view.before.known.count(|k| k.tenant != tenant_of(view.call) && k.state != State::Gone) > 0
}

fn foreign_shown(view: &View<'_>) -> Verdict {
    if !other_tenants(view) || !view.call.authenticated() {
        return Verdict::NotApplicable;
    }
    match view.call.op {
        Op::List | Op::Search => {
            let Some(selection) = &view.observed.selection else { return Verdict::NotApplicable };
            let found = selection.foreign.iter().map(|(id, name)| {
                Finding::new("body /Resources", "only the tenant's own resources", format!("{name} ({id})"))
            });
            Verdict::from_findings(found.collect())
        }
        Op::Read => {
            let foreign = view
                .call
                .id
                .as_deref()
                .and_then(|id| view.before.find(&view.call.endpoint, id))
                .is_some_and(|k| k.tenant != tenant_of(view.call));
            // The same number in both tenants is two resources.
            if view.exchange.json().is_some_and(|shown| view.before.shows_another(view.call, shown)) {
                return Verdict::NotApplicable;
            }
            match (foreign, view.accepted()) {
                (true, true) => Verdict::fail("status", "404", view.status().to_string()),
                (true, false) => Verdict::Pass,
                _ => Verdict::NotApplicable,
            }
        }
        _ => Verdict::NotApplicable,
    }
}

fn foreign_changed(view: &View<'_>) -> Verdict {
    if view.call.op == Op::Read && matches!(view.status(), 404 | 410) {
        return match deleted_by_another(view) {
            Some(past) => Verdict::Fail(vec![
                Finding::new("status", "200: it is still there", view.status().to_string()).because(past.step.clone()),
            ]),
            None => Verdict::NotApplicable,
        };
    }
    if !other_tenants(view) || !view.call.authenticated() {
        return Verdict::NotApplicable;
    }
    let tenant = tenant_of(view.call);
    match view.call.op {
        Op::Create if view.accepted() => Verdict::Pass,
        // Two tenants may number alike; a resource that changed when the other tenant created "its own" is one and the same.
        Op::Read if view.accepted() => {
            let id = view.call.id.as_deref().unwrap_or_default();
            let twin = view.before.with_id(id).find(|k| k.tenant != tenant);
            let own = view.before.kinds_of(id).any(|k| k.tenant == tenant);
            match (twin, own && !view.observed.contradictions.is_empty()) {
                (Some(k), true) => {
                    let c = &view.observed.contradictions[0];
                    Verdict::Fail(vec![
                        Finding::new(format!("body /{}", c.key), short(&c.expected), short(&c.actual))
                            .because(k.step.clone()),
                    ])
                }
                _ => Verdict::NotApplicable,
            }
        }
        Op::Patch | Op::Replace | Op::Delete => {
            let foreign = view
                .call
                .id
                .as_deref()
                .and_then(|id| view.before.find(&view.call.endpoint, id))
                .is_some_and(|k| k.tenant != tenant);
            match (foreign, view.accepted()) {
                // Who answers 204 to whatever is to be gone has changed nothing yet: the owner's next read tells.
                (true, true) if view.call.op == Op::Delete => Verdict::NotApplicable,
                (true, true) => Verdict::fail("status", "404", view.status().to_string()),
                (true, false) => Verdict::Pass,
                _ => Verdict::NotApplicable,
            }
        }
        _ => Verdict::NotApplicable,
    }
}

/// The other tenant's accepted DELETE of what this read asks for.
fn deleted_by_another<'v>(view: &View<'v>) -> Option<&'v Past> {
    let tenant = tenant_of(view.call);
    let same = |p: &Past| p.call.op == Op::Delete && p.call.endpoint == view.call.endpoint && p.call.id == view.call.id;
    let found = view.earlier.iter().rev().find(|p| same(p) && p.exchange.accepted());
    found.filter(|p| view.call.authenticated() && tenant_of(&p.call) != tenant)
}
