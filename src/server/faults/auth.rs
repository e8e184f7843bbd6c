//! Faults: tokens and tenants.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{body_text, body_value, conflict, current, html, lists, on_item};
use crate::scim::urn;
use crate::server::behaviour::{Hook, TokenMatch};
use crate::server::call::Kind;
use crate::server::reply::{Content, Reply};
use serde_json::json;

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "auth-any-token-accepted",
        title: "Tokens not meant for SCIM are accepted",
        area: "auth",
        source: &["https://github.com/Senthil455/Atlas-Workforce-System/issues/175"],
        wrong: "200",
        right: "401",
        hooks: &[Hook::Switch(|b| b.tokens = TokenMatch::Any)],
    },
    Fault {
        id: "auth-token-prefix-accepted",
        title: "What the token begins with is as good as the token",
        area: "auth",
        source: &[],
        wrong: "200",
        right: "401",
        hooks: &[Hook::Switch(|b| b.tokens = TokenMatch::Prefix)],
    },
    Fault {
        id: "auth-token-tail-ignored",
        title: "Whatever stands behind the token is not compared",
        area: "auth",
        source: &[],
        wrong: "200",
        right: "401",
        hooks: &[Hook::Switch(|b| b.tokens = TokenMatch::TailIgnored)],
    },
    Fault {
        id: "auth-token-case-ignored",
        title: "The token is compared without regard to case",
        area: "auth",
        source: &[],
        wrong: "200",
        right: "401",
        hooks: &[Hook::Switch(|b| b.tokens = TokenMatch::CaseIgnored)],
    },
    Fault {
        id: "auth-bearer-scheme-rejected",
        title: "Only the raw token works, not \"Bearer token\"",
        area: "auth",
        source: &["https://github.com/coder/coder/pull/15233"],
        wrong: "401",
        right: "200",
        hooks: &[Hook::Switch(|b| (b.bearer_token, b.raw_token) = (false, true))],
    },
    Fault {
        id: "auth-missing-token-500",
        title: "No token: 500 instead of 401",
        area: "auth",
        source: &["https://github.com/keycloak/keycloak/issues/49973"],
        wrong: "500",
        right: "401",
        hooks: &[Hook::After(|call, reply, _| {
            if reply.status == 401 && call.header("authorization").is_none() {
                *reply = Reply::crash();
            }
        })],
    },
    Fault {
        id: "cross-tenant-create-hijack",
        title: "Create in one tenant rewrites the other tenant's user",
        area: "auth",
        source: &["https://github.com/tale-project/tale/issues/2036"],
        wrong: "displayName changed",
        right: "unchanged",
        hooks: &[Hook::Before(|call, state| {
            let name = body_text(call, "userName").filter(|_| call.is("POST", Kind::User))?;
            let own = call.tenant;
            let strangers = state.tenants.iter_mut().enumerate().filter(|(index, _)| *index != own);
            for (_, tenant) in strangers {
                let hit = tenant.named(Kind::User, &name).first().map(|r| (r.id.clone(), r.document()));
                if let Some((id, mut document)) = hit {
                    document["displayName"] = body_value(call, "displayName").cloned().unwrap_or_default();
                    tenant.update(Kind::User, &id, &document);
                }
            }
            None
        })],
    },
    Fault {
        id: "filter-or-bypasses-tenant-scope",
        title: "or-filter escapes the tenant/base restriction",
        area: "auth",
        source: &["https://github.com/limosa-io/laravel-scim-server/commit/823a79eec5a85f0b315c8dfaed64587f0cdfa0e2"],
        wrong: "2 results",
        right: "1 result",
        hooks: &[Hook::Switch(|b| b.or_escapes_tenant = true)],
    },
    Fault {
        id: "auth-not-checked",
        title: "No token is needed",
        area: "auth",
        source: &[],
        wrong: "200 without Authorization",
        right: "401",
        hooks: &[Hook::Switch(|b| b.open_methods = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])],
    },
    Fault {
        id: "auth-writes-unchecked",
        title: "Writes are not checked",
        area: "auth",
        source: &[],
        wrong: "POST without a token: 201",
        right: "401",
        hooks: &[Hook::Switch(|b| b.open_methods = &["POST", "PUT", "PATCH", "DELETE"])],
    },
    Fault {
        id: "auth-reads-unchecked",
        title: "Reads are not checked",
        area: "auth",
        source: &[],
        wrong: "GET without a token: 200",
        right: "401",
        hooks: &[Hook::Switch(|b| b.open_methods = &["GET", "HEAD"])],
    },
    Fault {
        id: "auth-401-without-body",
        title: "401 has no Error body",
        area: "auth",
        source: &[],
        wrong: "empty",
        right: "Error message",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.status == 401 {
                reply.content = Content::Empty;
            }
        })],
    },
    Fault {
        id: "auth-401-html",
        title: "401 is a web page",
        area: "auth",
        source: &[],
        wrong: "text/html",
        right: "Error message",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.status == 401 {
                *reply = html(401, "Unauthorized");
            }
        })],
    },
    Fault {
        id: "auth-401-without-challenge",
        title: "401 has no WWW-Authenticate",
        area: "auth",
        source: &[],
        wrong: "no challenge",
        right: "WWW-Authenticate: Bearer",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.status == 401 {
                reply.unset("WWW-Authenticate");
            }
        })],
    },
    Fault {
        id: "auth-wrong-token-403",
        title: "A wrong token answers 403",
        area: "auth",
        source: &[],
        wrong: "403",
        right: "401",
        hooks: &[Hook::After(|call, reply, _| {
            if reply.status == 401 && call.header("authorization").is_some() {
                *reply = Reply::error(403, None, "Access denied.");
            }
        })],
    },
    Fault {
        id: "auth-wrong-token-404",
        title: "A wrong token answers 404",
        area: "auth",
        source: &[],
        wrong: "404",
        right: "401",
        hooks: &[Hook::After(|call, reply, _| {
            if reply.status == 401 && call.header("authorization").is_some() {
                *reply = Reply::error(404, None, "Access denied.");
            }
        })],
    },
    Fault {
        id: "auth-wrong-token-400",
        title: "A wrong token answers 400",
        area: "auth",
        source: &[],
        wrong: "400",
        right: "401",
        hooks: &[Hook::After(|call, reply, _| {
            if reply.status == 401 && call.header("authorization").is_some() {
                *reply = Reply::error(400, None, "Access denied.");
            }
        })],
    },
    Fault {
        id: "auth-wrong-token-500",
        title: "A wrong token answers 500",
        area: "auth",
        source: &[],
        wrong: "500",
        right: "401",
        hooks: &[Hook::After(|call, reply, _| {
            if reply.status == 401 && call.header("authorization").is_some() {
                *reply = Reply::error(500, None, "Access denied.");
            }
        })],
    },
    Fault {
        id: "auth-wrong-token-redirects",
        title: "A wrong token is redirected to a sign-in page",
        area: "auth",
        source: &[],
        wrong: "302",
        right: "401",
        hooks: &[Hook::After(|_, reply, _| {
            if reply.status == 401 {
                *reply = Reply::empty(302).with("Location", "https://sso.example.com/login");
            }
        })],
    },
    Fault {
        id: "auth-wrong-token-200-empty",
        title: "A wrong token gets an empty list",
        area: "auth",
        source: &[],
        wrong: "200 with totalResults 0",
        right: "401",
        hooks: &[Hook::After(|call, reply, _| {
            if reply.status == 401 && lists(call) {
                *reply = Reply::json(
                    200,
                    json!({ "schemas": [urn::LIST], "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": [] }),
                );
            }
        })],
    },
    Fault {
        id: "auth-lowercase-scheme-rejected",
        title: "The scheme is compared with case",
        area: "auth",
        source: &[],
        wrong: "401 for bearer",
        right: "200",
        hooks: &[Hook::Switch(|b| b.scheme_any_case = false)],
    },
    Fault {
        id: "auth-query-token-accepted",
        title: "The token is accepted in the query",
        area: "auth",
        source: &[],
        wrong: "200 for ?access_token=",
        right: "401",
        hooks: &[Hook::Switch(|b| b.query_token = true)],
    },
    Fault {
        id: "auth-empty-bearer-500",
        title: "An empty bearer token crashes",
        area: "auth",
        source: &[],
        wrong: "500",
        right: "401",
        hooks: &[Hook::After(|call, reply, _| {
            if reply.status == 401
                && call.header("authorization").is_some_and(|h| h.trim().eq_ignore_ascii_case("bearer"))
            {
                *reply = Reply::crash();
            }
        })],
    },
    Fault {
        id: "cross-tenant-read",
        title: "A user of another tenant can be read by id",
        area: "auth",
        source: &[],
        wrong: "200",
        right: "404",
        hooks: &[Hook::Before(|call, state| {
            if on_item(call, "GET", Kind::User) && current(call, state).is_none() {
                let id = call.id()?.to_owned();
                let tenant = state.tenants.iter().position(|t| t.get(Kind::User, &id).is_some())?;
                call.tenant = tenant;
            }
            None
        })],
    },
    Fault {
        id: "cross-tenant-delete",
        title: "A user of another tenant can be deleted",
        area: "auth",
        source: &[],
        wrong: "204",
        right: "404",
        hooks: &[Hook::Before(|call, state| {
            if on_item(call, "DELETE", Kind::User) && current(call, state).is_none() {
                let id = call.id()?.to_owned();
                let tenant = state.tenants.iter().position(|t| t.get(Kind::User, &id).is_some())?;
                call.tenant = tenant;
            }
            None
        })],
    },
    Fault {
        id: "cross-tenant-update",
        title: "A user of another tenant can be changed",
        area: "auth",
        source: &[],
        wrong: "200",
        right: "404",
        hooks: &[Hook::Before(|call, state| {
            let writes = matches!(call.method.as_str(), "PUT" | "PATCH");
            if writes && call.kind() == Some(Kind::User) && current(call, state).is_none() {
                let id = call.id()?.to_owned();
                let tenant = state.tenants.iter().position(|t| t.get(Kind::User, &id).is_some())?;
                call.tenant = tenant;
            }
            None
        })],
    },
    Fault {
        id: "cross-tenant-list",
        title: "Lists show the users of every tenant",
        area: "auth",
        source: &[],
        wrong: "users of the other tenant",
        right: "own users only",
        hooks: &[Hook::Before(|call, state| {
            if call.lists(Kind::User) && call.tenant == 1 && !state.tenants[0].is_empty(Kind::User) {
                call.tenant = 0;
            }
            None
        })],
    },
    Fault {
        id: "cross-tenant-uniqueness",
        title: "userName is unique across tenants",
        area: "auth",
        source: &[],
        wrong: "409 for a name that only the other tenant has",
        right: "201",
        hooks: &[Hook::Before(|call, state| {
            let name = body_text(call, "userName").filter(|_| call.is("POST", Kind::User))?;
            let own = call.tenant;
            let taken =
                state.tenants.iter().enumerate().any(|(i, t)| i != own && !t.named(Kind::User, &name).is_empty());
            taken.then(conflict)
        })],
    },
];
