//! Who is asking: bearer tokens (RFC 7644 §2, RFC 6750) and a small token endpoint (RFC 6749 §4.4, §6).
//!
//! Must not know resources. Tokens decide the tenant; nothing else does.

use super::behaviour::Behaviour;
use super::call::Call;
use super::reply::Reply;
use super::state::State;
use base64::Engine;
use serde_json::json;
use std::time::{Duration, Instant};

/// What the token endpoint and the resource endpoints accept.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// Token of the first tenant; without one every request is let in.
    pub token: Option<String>,
    /// Token of the second tenant.
    pub other_token: Option<String>,
    /// `client_id` and `client_secret` of the token endpoint; without them it accepts any pair.
    pub client: Option<(String, String)>,
    /// Life of an access token.
    pub token_life: Duration,
}

/// Finds the tenant of a request, or says why not (RFC 7644 §3.12: 401 with a body, RFC 6750 §3: with a challenge).
pub fn authenticate(
    call: &Call,
    credentials: &Credentials,
    behaviour: &Behaviour,
    state: &State,
) -> Result<usize, Box<Reply>> {
    if credentials.token.is_none() && credentials.other_token.is_none() && credentials.client.is_none() {
        return Ok(0);
    }
    if behaviour.query_token
        && let Some(token) = call.param("access_token")
    {
        return tenant_of(token, credentials, state).ok_or_else(|| Box::new(unauthorized(Some("invalid_token"))));
    }
    let Some(header) = call.header("authorization") else {
        return Err(Box::new(unauthorized(None)));
    };
    let token = presented(header, behaviour).ok_or_else(|| Box::new(unauthorized(None)))?;
    match tenant_of(token, credentials, state) {
        Some(tenant) => Ok(tenant),
        None if behaviour.any_token && !token.is_empty() => Ok(0),
        None => Err(Box::new(unauthorized(Some("invalid_token")))),
    }
}

fn presented<'a>(header: &'a str, behaviour: &Behaviour) -> Option<&'a str> {
    match header.trim().split_once(' ') {
        Some((scheme, token)) if behaviour.bearer_token => {
            let same = match behaviour.scheme_any_case {
                true => scheme.eq_ignore_ascii_case("bearer"),
                false => scheme == "Bearer",
            };
            same.then(|| token.trim())
        }
        None if behaviour.raw_token => Some(header.trim()),
        _ => None,
    }
}

fn tenant_of(token: &str, credentials: &Credentials, state: &State) -> Option<usize> {
    let fixed = [&credentials.token, &credentials.other_token];
    if let Some(tenant) = fixed.iter().position(|known| known.as_deref().is_some_and(|k| !k.is_empty() && k == token)) {
        return Some(tenant);
    }
    let (tenant, until) = state.access.get(token)?;
    (Instant::now() < *until).then_some(*tenant)
}

fn unauthorized(error: Option<&str>) -> Reply {
    let challenge = match error {
        Some(error) => format!(r#"Bearer realm="scim", error="{error}""#),
        None => r#"Bearer realm="scim""#.to_owned(),
    };
    Reply::error(401, None, "Authorization failure: a valid bearer token is needed.")
        .with("WWW-Authenticate", challenge)
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
    let form: Vec<(String, String)> =
        url::form_urlencoded::parse(body).map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
    let field = |name: &str| {
        let hit = form.iter().find(|(k, _)| k == name);
        hit.map(|(_, v)| v.clone()).unwrap_or_default()
    };
    let presented = basic(authorization).unwrap_or_else(|| (field("client_id"), field("client_secret")));
    let known = match &credentials.client {
        Some(client) => *client == presented,
        None => !presented.0.is_empty() && !presented.1.is_empty(),
    };
    if !known {
        return oauth_error(401, "invalid_client").with("WWW-Authenticate", r#"Basic realm="oauth""#);
    }
    match field("grant_type").as_str() {
        "client_credentials" | "authorization_code" => issue(0, credentials, state),
        "refresh_token" => match state.refresh.remove(&field("refresh_token")) {
            Some(tenant) => issue(tenant, credentials, state),
            None => oauth_error(400, "invalid_grant"),
        },
        "" => oauth_error(400, "invalid_request"),
        _ => oauth_error(400, "unsupported_grant_type"),
    }
}

fn basic(header: Option<&str>) -> Option<(String, String)> {
    let (scheme, encoded) = header?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

fn issue(tenant: usize, credentials: &Credentials, state: &mut State) -> Reply {
    let access = uuid::Uuid::new_v4().simple().to_string();
    let refresh = uuid::Uuid::new_v4().simple().to_string();
    let life = credentials.token_life;
    state.access.insert(access.clone(), (tenant, Instant::now() + life));
    state.refresh.insert(refresh.clone(), tenant);
    let mut reply = Reply::json(
        200,
        json!({
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": life.as_secs(),
            "refresh_token": refresh,
        }),
    )
    .with("Cache-Control", "no-store");
    reply.media_type = "application/json".into();
    reply
}

fn oauth_error(status: u16, error: &str) -> Reply {
    let mut reply = Reply::json(status, json!({ "error": error })).with("Cache-Control", "no-store");
    reply.media_type = "application/json".into();
    reply
}
