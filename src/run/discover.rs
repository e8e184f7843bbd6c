//! What the target says about itself, asked once before the first case, and whether it can be tested at all.
//!
//! Must not judge the answers: the discovery scenarios do.

use super::off::Alike;
use crate::engine::{Http, Outgoing};
use crate::event::TargetReport;
use crate::exchange::{AuthKind, Exchange};
use crate::profile::provider::ProviderProfile;
use crate::scim::value::get_ci;
use crate::shadow::Advertised;
use std::sync::Arc;
use std::time::Instant;
use time::OffsetDateTime;

/// Said when the credentials of the second tenant are refused at this base URL.
const SECOND_ELSEWHERE: &str = "the second token is refused at this base URL: it is wrong, or its tenant has a base URL of its own, where that is right; what needs a second tenant is skipped";

/// The target cannot be tested.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(pub String);

/// What was found.
pub struct Discovery {
    pub(crate) http: Arc<Http>,
    pub(crate) started: OffsetDateTime,
    pub(crate) clock: Instant,
    pub(crate) advertised: Advertised,
    pub(crate) report: TargetReport,
    /// Why nothing but the access scenarios makes sense.
    pub(crate) access_refused: Option<String>,
    /// How everything was refused, where it was.
    alike: Option<Alike>,
}

impl Discovery {
    /// Why nothing can be tested: SCIM is not switched on.
    pub fn switched_off(&self, provider: Option<&ProviderProfile>) -> Option<String> {
        self.alike.as_ref()?.reason(provider)
    }
}

/// Asks for the three discovery documents and one page of users.
pub async fn discover(http: Arc<Http>) -> Result<Discovery, Unusable> {
    let (clock, started) = (Instant::now(), OffsetDateTime::now_utc());
    let asked = http;
    let http = &*asked;
    let config = ask(http, "/ServiceProviderConfig").await;
    if let Err(failure) = &config.outcome {
        return Err(Unusable(format!("cannot reach the target {}: {failure}", config.request.url)));
    }
    let types = ask(http, "/ResourceTypes").await;
    let schemas = ask(http, "/Schemas").await;
    let users = ask(http, "/Users?startIndex=1&count=1").await;
    refuse_strangers(&config, &users)?;
    if [&config, &types, &schemas, &users].iter().all(|e| e.status() == Some(404)) {
        refuse_nowhere(&ask(http, "/Groups?startIndex=1&count=1").await)?;
    }
    let alike = Alike::of(&[&config, &types, &schemas, &users]);
    let base = http.target().base_url.as_str();
    let body = |e: &Exchange| if e.accepted() { e.json().cloned() } else { None };
    let (config_body, types_body, schemas_body) = (body(&config), body(&types), body(&schemas));
    let mut advertised = Advertised::read(base, config_body.as_ref(), types_body.as_ref(), schemas_body.as_ref());
    for endpoint in ["/Users", "/Groups"] {
        // An endpoint may work without being listed; that is a finding, and no reason to leave it untested. And where nothing is
        // described and nothing answers, the base URL is wrong: that has to be told, not skipped.
        let something_is_there =
            advertised.types_known || (endpoint == "/Groups" && (users.accepted() || config_body.is_some()));
        if something_is_there
            && !advertised.listed(endpoint)
            && not_there(&ask(http, &format!("{endpoint}?startIndex=1&count=1")).await, &advertised)
        {
            advertised.drop_type(endpoint);
        }
    }
    if !advertised.feature("filter") {
        let nobody = ask(http, "/Users?filter=userName%20eq%20%22nobody.of.scimproof%40example.com%22").await;
        advertised.filters_unsaid = finds_nobody(&nobody);
    }
    let second = http.target().other.is_some();
    let elsewhere = second && is_elsewhere(http).await;
    advertised.second_token = second && !elsewhere;
    advertised.credentials = !matches!(http.target().credentials, crate::engine::Credentials::None);
    if users.status() == Some(401) && !advertised.credentials {
        return Err(Unusable(format!(
            "the target wants credentials: GET {} answered 401. Give them with --token-env NAME (or --token-file, --basic-env, --oauth-…)",
            users.request.url
        )));
    }
    let access_refused = matches!(users.status(), Some(401))
        .then(|| format!("the target refuses the credentials: GET {} answered 401", users.request.url));
    let mut remarks = http.warnings();
    if elsewhere {
        remarks.push(SECOND_ELSEWHERE.to_owned());
    }
    remarks.extend(remarks_on(&advertised, &config, access_refused.as_deref()));
    let mut shown = http.target().base_url.clone();
    // Only URLs that cannot hold credentials refuse this, and those hold none.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    let report = TargetReport {
        base_url: shown.to_string(),
        embedded: false,
        provider: None,
        advertised: advertised.features.iter().map(|(k, v)| (k.clone(), *v)).collect(),
        remarks,
    };
    Ok(Discovery { http: asked, started, clock, advertised, report, access_refused, alike })
}

async fn ask(http: &Http, target: &str) -> Exchange {
    let headers = vec![("Accept".to_owned(), "application/scim+json, application/json".to_owned())];
    http.send(Outgoing { method: "GET".to_owned(), target: target.to_owned(), headers, ..Outgoing::default() }).await
}

/// No such endpoint. Where others are listed and this one is not, 403 says so as well: a gateway in front answers with it.
fn not_there(answer: &Exchange, advertised: &Advertised) -> bool {
    matches!(answer.status(), Some(404 | 405 | 501)) || (advertised.types_known && answer.status() == Some(403))
}

/// The second token belongs to a tenant with another base URL (RFC 7644 §6): here it is let nowhere.
async fn is_elsewhere(http: &Http) -> bool {
    let headers = vec![("Accept".to_owned(), "application/scim+json".to_owned())];
    let target = "/Users?startIndex=1&count=1".to_owned();
    let out = Outgoing { method: "GET".to_owned(), target, headers, auth: AuthKind::Other, ..Outgoing::default() };
    matches!(http.send(out).await.status(), Some(401 | 403 | 404))
}

/// A look-up of somebody who is not there has an empty list for an answer.
fn finds_nobody(answer: &Exchange) -> bool {
    let list = answer.json().filter(|_| answer.status() == Some(200)).and_then(serde_json::Value::as_object);
    list.and_then(|l| get_ci(l, "totalResults")).is_some_and(|total| *total == 0)
}

/// A base URL behind which there is no SCIM service at all.
fn refuse_strangers(config: &Exchange, users: &Exchange) -> Result<(), Unusable> {
    let stranger = |e: &Exchange| {
        let known = matches!(e.status(), Some(200..=299 | 401 | 403 | 406 | 500..=599));
        // Whoever answers with a SCIM message is a SCIM service, whatever it says.
        let speaks =
            e.json().and_then(|b| b.get("schemas")).is_some_and(|s| s.to_string().contains("urn:ietf:params:scim"));
        !speaks && (!known || (e.accepted() && e.json().is_none()))
    };
    if !(stranger(config) && stranger(users)) {
        return Ok(());
    }
    let what = |e: &Exchange| match e.response() {
        Some(r) => {
            let kind = r.media_type().unwrap_or_else(|| "without content type".to_owned());
            let lack = if r.body.is_empty() {
                " with an empty body"
            } else if r.json().is_none() {
                " that is no JSON"
            } else {
                ""
            };
            let to = r.header("location").filter(|_| (300..400).contains(&r.status));
            let to = to.map(|to| format!(", a redirect to {}", to)).unwrap_or_default();
            format!("{} {}{lack}{to}", r.status, kind)
        }
        None => e.outcome.as_ref().err().map_or_else(String::new, ToString::to_string),
    };
    Err(Unusable(format!(
        "this is no SCIM endpoint: GET {} answered {}, GET {} answered {}. Is the base URL complete, up to the part before /Users?",
        config.request.url,
        what(config),
        users.request.url,
        what(users)
    )))
}

/// A SCIM service may be behind it, but nothing of it is there: neither users nor groups nor a description.
fn refuse_nowhere(groups: &Exchange) -> Result<(), Unusable> {
    if groups.status() != Some(404) {
        return Ok(());
    }
    let base = groups.request.url.split("/Groups").next().unwrap_or_default();
    Err(Unusable(format!(
        "nothing is at this base URL: /ServiceProviderConfig, /ResourceTypes, /Schemas, /Users and /Groups below {base} are all answered 404. Is it complete, up to the part before /Users (often …/scim/v2)?"
    )))
}

fn remarks_on(advertised: &Advertised, config: &Exchange, refused: Option<&str>) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(text) = refused {
        out.push(format!("{text}; only the access scenarios are played"));
    }
    if !config.accepted() || advertised.features.is_empty() {
        out.push("no usable /ServiceProviderConfig: optional features are tried as if they were offered, except sorting, ETags, Bulk and password changes".to_owned());
    }
    match (advertised.feature("filter"), advertised.filters_unsaid) {
        (true, _) => {}
        (_, true) => out.push(
            "ServiceProviderConfig says filter.supported is false, and a look-up by userName is answered with a list all the same: what identity providers send is played, the RFC's filters are not"
                .to_owned(),
        ),
        _ => out.push(
            "ServiceProviderConfig says filter.supported is false: Okta, Entra ID and most others look people up by filter, and cannot work with a server that has none"
                .to_owned(),
        ),
    }
    if !advertised.schemas_known {
        out.push(
            "no usable /Schemas: attributes are judged by RFC 7643 alone, and one that is not kept is only a note"
                .to_owned(),
        );
    }
    out
}
