//! Who is asking: bearer tokens (RFC 7644 §2, RFC 6750), basic credentials (RFC 7617) or a header of the server's own.
//!
//! Must not know resources. Credentials decide the tenant; nothing else does. Where tokens come from is in [`super::oauth`].

use super::behaviour::Behaviour;
use super::call::Call;
use super::reply::Reply;
use super::state::State;
use base64::Engine;
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
    /// Whether the token endpoint says so (`expires_in` is only RECOMMENDED, RFC 6749 §5.1).
    pub life_is_told: bool,
    /// User and password of the first tenant.
    pub basic: Option<(String, String)>,
    /// Header and value of the first tenant.
    pub api_key: Option<(String, String)>,
}

impl Credentials {
    fn none(&self) -> bool {
        let tokens = self.token.is_none() && self.other_token.is_none() && self.client.is_none();
        tokens && self.basic.is_none() && self.api_key.is_none()
    }
}

/// Finds the tenant of a request, or says why not (RFC 7644 §3.12: 401 with a body, RFC 6750 §3: with a challenge).
pub fn authenticate(
    call: &Call,
    credentials: &Credentials,
    behaviour: &Behaviour,
    state: &State,
) -> Result<usize, Box<Reply>> {
    if credentials.none() {
        return Ok(0);
    }
    if state.locked {
        return Err(Box::new(unauthorized(credentials, Some("invalid_token"))));
    }
    if let Some((name, value)) = &credentials.api_key
        && call.header(name).is_some_and(|sent| sent == value)
    {
        return Ok(0);
    }
    if behaviour.query_token
        && let Some(token) = call.param("access_token")
    {
        return tenant_of(token, credentials, state)
            .ok_or_else(|| Box::new(unauthorized(credentials, Some("invalid_token"))));
    }
    let Some(header) = call.header("authorization") else {
        return Err(Box::new(unauthorized(credentials, None)));
    };
    if let (Some(known), Some(pair)) = (&credentials.basic, basic(Some(header)))
        && *known == pair
    {
        return Ok(0);
    }
    if behaviour.empty_bearer && header.trim().eq_ignore_ascii_case("bearer") {
        return Ok(0);
    }
    let token = presented(header, behaviour).ok_or_else(|| Box::new(unauthorized(credentials, None)))?;
    match tenant_of(token, credentials, state) {
        Some(tenant) => Ok(tenant),
        None if credentials.token.as_ref().is_some_and(|own| behaviour.tokens.takes(own, token)) => Ok(0),
        None => Err(Box::new(unauthorized(credentials, Some("invalid_token")))),
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

/// A challenge for each scheme that would do (RFC 9110 §11.6.1).
fn unauthorized(credentials: &Credentials, error: Option<&str>) -> Reply {
    let bearer = match error {
        Some(error) => format!(r#"Bearer realm="scim", error="{error}""#),
        None => r#"Bearer realm="scim""#.to_owned(),
    };
    let reply = Reply::error(401, None, "Authorization failure: a valid bearer token is needed.");
    match credentials.basic {
        Some(_) => reply.with("WWW-Authenticate", format!(r#"{bearer}, Basic realm="scim", charset="UTF-8""#)),
        None => reply.with("WWW-Authenticate", bearer),
    }
}

/// User and password of basic credentials.
pub(super) fn basic(header: Option<&str>) -> Option<(String, String)> {
    let (scheme, encoded) = header?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}
