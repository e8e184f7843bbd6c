//! A small authorization server: authorization endpoint and token endpoint (RFC 6749 §3, RFC 7636, RFC 8252).
//!
//! Must not know resources. It has one person, who may say yes or no on a page, and one client.

use super::auth::{Credentials, basic};
use super::reply::{Content, Reply};
use super::state::{Granted, State};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde_json::json;
use std::time::{Duration, Instant};
use url::Url;
use url::form_urlencoded::{byte_serialize, parse};

/// A code is traded at once by the program that waits for it (RFC 6749 §4.1.2: ten minutes at most).
const CODE_LIFE: Duration = Duration::from_secs(60);

type Fields = Vec<(String, String)>;

fn field<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str()).unwrap_or_default()
}

/// Answers `GET /oauth/authorize`: a page with two links, and behind them the way back to the client.
pub fn authorization_endpoint(method: &str, query: &str, credentials: &Credentials, state: &mut State) -> Reply {
    if method != "GET" {
        return Reply::empty(405).with("Allow", "GET");
    }
    let fields: Fields = parse(query.as_bytes()).into_owned().collect();
    let client = field(&fields, "client_id");
    let known = credentials.client.as_ref().map_or(!client.is_empty(), |(id, _)| id == client);
    // RFC 6749 §4.1.2.1: whoever is not known, or wants to be sent somewhere else, is not sent back.
    if !known {
        return page(400, "This client is not known.");
    }
    let Some(redirect) = own_machine(field(&fields, "redirect_uri")) else {
        return page(
            400,
            "The redirect URI is not registered for this client: only http://127.0.0.1, http://[::1] and http://localhost are.",
        );
    };
    let back = |answer: &[(&str, &str)]| {
        let mut url = redirect.clone();
        let mut pairs = url.query_pairs_mut();
        pairs.extend_pairs(answer);
        if fields.iter().any(|(k, _)| k == "state") {
            pairs.append_pair("state", field(&fields, "state"));
        }
        drop(pairs);
        Reply::empty(302).with("Location", url.to_string()).with("Cache-Control", "no-store")
    };
    if field(&fields, "response_type") != "code" {
        return back(&[("error", "unsupported_response_type")]);
    }
    if field(&fields, "code_challenge").is_empty() || field(&fields, "code_challenge_method") != "S256" {
        return back(&[("error", "invalid_request"), ("error_description", "PKCE with S256 is required")]);
    }
    match field(&fields, "decision") {
        "allow" => {
            let code = uuid::Uuid::new_v4().simple().to_string();
            let granted = Granted {
                client: client.to_owned(),
                redirect_uri: field(&fields, "redirect_uri").to_owned(),
                challenge: field(&fields, "code_challenge").to_owned(),
                until: Instant::now() + CODE_LIFE,
            };
            state.codes.insert(code.clone(), granted);
            state.given.push(code.clone());
            back(&[("code", &code)])
        }
        "deny" => back(&[("error", "access_denied"), ("error_description", "The person at the browser said no")]),
        _ => consent(&fields),
    }
}

/// RFC 8252 §7.3: the loopback interface, whatever the port.
fn own_machine(redirect: &str) -> Option<Url> {
    let url = Url::parse(redirect).ok()?;
    let local = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
    (url.scheme() == "http" && local && url.fragment().is_none()).then_some(url)
}

fn consent(fields: &Fields) -> Reply {
    let again: Vec<String> = fields
        .iter()
        .map(|(k, v)| format!("{}={}", text_of(byte_serialize(k.as_bytes())), text_of(byte_serialize(v.as_bytes()))))
        .collect();
    // Form-encoding leaves none of the characters that mean something in HTML.
    let link = |decision: &str, label: &str| {
        format!("<p><a href=\"?{}&amp;decision={decision}\">{label}</a></p>", again.join("&amp;"))
    };
    page(200, &format!("A program wants to use SCIM here.{}{}", link("allow", "Allow"), link("deny", "Deny")))
}

fn text_of<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    parts.collect()
}

fn page(status: u16, body: &str) -> Reply {
    let mut reply = Reply::empty(status).with("Cache-Control", "no-store").with("Referrer-Policy", "no-referrer");
    reply.content = Content::Text("text/html; charset=utf-8", format!("<!doctype html><title>Sign in</title>{body}"));
    reply
}

/// Answers `POST /oauth/token`. The form may carry the client's credentials, or Basic authentication may.
pub fn token_endpoint(
    method: &str,
    authorization: Option<&str>,
    body: &[u8],
    credentials: &Credentials,
    state: &mut State,
) -> Reply {
    if method != "POST" {
        return Reply::empty(405).with("Allow", "POST");
    }
    let form: Fields = parse(body).into_owned().collect();
    let presented = basic(authorization)
        // RFC 6749 §2.3.1: both were form-encoded first.
        .map(|(id, secret)| (decoded(&id), decoded(&secret)))
        .unwrap_or_else(|| (field(&form, "client_id").to_owned(), field(&form, "client_secret").to_owned()));
    let known = match &credentials.client {
        Some(client) => *client == presented,
        None => !presented.0.is_empty() && !presented.1.is_empty(),
    };
    if !known {
        return oauth_error(401, "invalid_client").with("WWW-Authenticate", r#"Basic realm="oauth""#);
    }
    match field(&form, "grant_type") {
        "client_credentials" => issue(0, credentials, state),
        "authorization_code" => match state.codes.remove(field(&form, "code")) {
            Some(granted) if fits(&granted, &presented.0, &form) => issue(0, credentials, state),
            _ => oauth_error(400, "invalid_grant"),
        },
        "refresh_token" => match state.refresh.remove(field(&form, "refresh_token")) {
            Some(tenant) => issue(tenant, credentials, state),
            None => oauth_error(400, "invalid_grant"),
        },
        "" => oauth_error(400, "invalid_request"),
        _ => oauth_error(400, "unsupported_grant_type"),
    }
}

/// RFC 6749 §4.1.3 and RFC 7636 §4.6.
fn fits(granted: &Granted, client: &str, form: &Fields) -> bool {
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, field(form, "code_verifier").as_bytes()));
    Instant::now() < granted.until
        && granted.client == client
        && granted.redirect_uri == field(form, "redirect_uri")
        && granted.challenge == challenge
}

fn decoded(text: &str) -> String {
    parse(format!("x={text}").as_bytes()).next().map(|(_, v)| v.into_owned()).unwrap_or_default()
}

fn issue(tenant: usize, credentials: &Credentials, state: &mut State) -> Reply {
    let access = uuid::Uuid::new_v4().simple().to_string();
    let refresh = uuid::Uuid::new_v4().simple().to_string();
    let life = credentials.token_life;
    state.access.insert(access.clone(), (tenant, Instant::now() + life));
    state.refresh.insert(refresh.clone(), tenant);
    state.issued += 1;
    state.given.extend([access.clone(), refresh.clone()]);
    let mut answer = json!({ "access_token": access, "token_type": "Bearer", "refresh_token": refresh });
    if credentials.life_is_told {
        answer["expires_in"] = life.as_secs().into();
    }
    let mut reply = Reply::json(200, answer).with("Cache-Control", "no-store");
    reply.media_type = "application/json".into();
    reply
}

fn oauth_error(status: u16, error: &str) -> Reply {
    let mut reply = Reply::json(status, json!({ "error": error })).with("Cache-Control", "no-store");
    reply.media_type = "application/json".into();
    reply
}
