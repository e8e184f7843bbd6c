//! A small OAuth 2.0 client (RFC 6749 §4.4 and §6): one form POST, the token kept until shortly before it expires.
//!
//! Must not know SCIM. Every way in which a token endpoint can be wrong ends in a sentence that says what to change.

use super::auth::basic_pair;
use super::body;
use super::error::{EngineError, Site, clean_text};
use super::target::{Limits, Target, encode_query_value};
use super::tls::Trust;
use crate::exchange::{FailureKind, Response, TransportFailure};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use url::Url;

/// How to get an access token.
#[derive(Debug, Clone)]
pub struct OAuthConfig {
    /// Token endpoint (RFC 6749 §3.2).
    pub token_url: Url,
    /// Client identifier.
    pub client_id: String,
    /// Client secret; public clients have none.
    pub client_secret: Option<SecretString>,
    /// What is traded for the token.
    pub grant: Grant,
    /// Where id and secret are put.
    pub client_auth: ClientAuth,
    /// Scope, as the server writes it.
    pub scope: Option<String>,
    /// Further form fields, e.g. `audience` or `resource`.
    pub extra: Vec<(String, String)>,
}

/// What is traded for an access token.
#[derive(Debug, Clone)]
pub enum Grant {
    /// RFC 6749 §4.4.
    ClientCredentials,
    /// RFC 6749 §6: what remains of an authorization code that was granted in a browser.
    RefreshToken(SecretString),
}

/// RFC 6749 §2.3.1 knows two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientAuth {
    /// In the form.
    #[default]
    Body,
    /// As basic credentials.
    Basic,
}

impl OAuthConfig {
    pub(super) fn secrets(&self) -> Vec<SecretString> {
        let mut secrets: Vec<SecretString> = self.client_secret.iter().cloned().collect();
        if let Some(secret) = &self.client_secret {
            secrets.push(SecretString::from(self.basic(secret)));
        }
        if let Grant::RefreshToken(token) = &self.grant {
            secrets.push(token.clone());
        }
        secrets
    }

    fn basic(&self, secret: &SecretString) -> String {
        // RFC 6749 §2.3.1: both are form-encoded first.
        let secret = SecretString::from(encode_query_value(secret.expose_secret()));
        basic_pair(&encode_query_value(&self.client_id), &secret)
    }

    fn form(&self, refresh: Option<&SecretString>) -> Vec<(String, String)> {
        let mut form: Vec<(String, String)> = Vec::new();
        let mut add = |k: &str, v: &str| form.push((k.into(), v.into()));
        match refresh {
            Some(token) => {
                add("grant_type", "refresh_token");
                add("refresh_token", token.expose_secret());
            }
            None => add("grant_type", "client_credentials"),
        }
        match (&self.client_secret, self.client_auth) {
            (Some(_), ClientAuth::Basic) => {}
            (secret, _) => {
                add("client_id", &self.client_id);
                if let Some(secret) = secret {
                    add("client_secret", secret.expose_secret());
                }
            }
        }
        if let Some(scope) = &self.scope {
            add("scope", scope);
        }
        form.extend(self.extra.iter().cloned());
        form
    }
}

/// Fetches and keeps the token of one set of credentials.
pub(super) struct TokenSource {
    config: OAuthConfig,
    client: reqwest::Client,
    limits: Limits,
    site: Site,
    state: Mutex<State>,
    seen: std::sync::Mutex<Vec<SecretString>>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    refresh: Option<SecretString>,
    generation: u64,
    failed: Option<(Instant, TransportFailure)>,
}

struct Token {
    value: SecretString,
    stale_at: Option<Instant>,
    accepted: bool,
}

/// So long a failed sign-in is not tried again: a run of a thousand steps must not knock a thousand times.
const SIGN_IN_PAUSE: Duration = Duration::from_secs(5);

impl TokenSource {
    pub(super) fn new(config: OAuthConfig, target: &Target, trust: &Trust) -> Result<Self, EngineError> {
        let url = &config.token_url;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(EngineError::Credentials("the token URL must begin with https:// or http://".into()));
        }
        let limits = Limits { max_body: 1 << 20, ..target.limits.clone() };
        let refresh = match &config.grant {
            Grant::RefreshToken(token) => Some(token.clone()),
            Grant::ClientCredentials => None,
        };
        Ok(Self {
            client: trust.client(url, &limits, &target.proxy)?,
            site: Site {
                what: format!("sign-in (POST {})", url.path()),
                origin: url.origin().ascii_serialization(),
                option: "the token URL",
            },
            limits,
            state: Mutex::new(State { refresh, ..State::default() }),
            seen: std::sync::Mutex::default(),
            config,
        })
    }

    /// The token and its number.
    pub(super) async fn token(&self) -> Result<(SecretString, u64), TransportFailure> {
        let mut state = self.state.lock().await;
        if let Some(token) = &state.token
            && token.stale_at.is_none_or(|at| Instant::now() < at)
        {
            return Ok((token.value.clone(), state.generation));
        }
        self.fetch_into(&mut state).await
    }

    /// The server took the token with this number: should it refuse it later, the token has expired or was revoked.
    pub(super) async fn accepted(&self, generation: u64) {
        let mut state = self.state.lock().await;
        if state.generation == generation
            && let Some(token) = &mut state.token
        {
            token.accepted = true;
        }
    }

    /// After a 401: true if another token is there now. A token that never worked is not renewed, the next would not work either.
    pub(super) async fn renew(&self, generation: u64) -> Result<bool, TransportFailure> {
        let mut state = self.state.lock().await;
        if state.generation != generation {
            return Ok(true);
        }
        if !state.token.as_ref().is_some_and(|t| t.accepted) {
            return Ok(false);
        }
        self.fetch_into(&mut state).await.map(|_| true)
    }

    /// Everything secret that the token endpoint gave us.
    pub(super) fn fetched(&self) -> Vec<SecretString> {
        self.seen.lock().expect("nothing panics while holding it").clone()
    }

    async fn fetch_into(&self, state: &mut State) -> Result<(SecretString, u64), TransportFailure> {
        if let Some((at, failure)) = &state.failed
            && at.elapsed() < SIGN_IN_PAUSE
        {
            return Err(failure.clone());
        }
        match self.fetch(state.refresh.as_ref()).await {
            Ok((token, next_refresh)) => {
                let mut seen = self.seen.lock().expect("nothing panics while holding it");
                seen.push(token.value.clone());
                if let Some(refresh) = next_refresh {
                    seen.push(refresh.clone());
                    // Only a refresh grant goes on with it: client credentials get a new token the way they got the first.
                    state.refresh = state.refresh.is_some().then_some(refresh);
                }
                let value = token.value.clone();
                state.token = Some(token);
                state.generation += 1;
                state.failed = None;
                Ok((value, state.generation))
            }
            Err(failure) => {
                state.token = None;
                state.failed = Some((Instant::now(), failure.clone()));
                Err(failure)
            }
        }
    }

    async fn fetch(&self, refresh: Option<&SecretString>) -> Result<(Token, Option<SecretString>), TransportFailure> {
        let mut request = self
            .client
            .post(self.config.token_url.clone())
            .header(ACCEPT, "application/json")
            .form(&self.config.form(refresh));
        if let (Some(secret), ClientAuth::Basic) = (&self.config.client_secret, self.config.client_auth) {
            let mut value = HeaderValue::from_str(&format!("Basic {}", self.config.basic(secret)))
                .expect("base64 is always a header value");
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let request = request.build().map_err(|e| self.site.describe(e, None))?;
        let started = Instant::now();
        let response = body::exchange(&self.client, request, &self.limits, &self.site).await?;
        self.read_answer(&response, started)
    }

    fn read_answer(
        &self,
        response: &Response,
        asked: Instant,
    ) -> Result<(Token, Option<SecretString>), TransportFailure> {
        if !(200..300).contains(&response.status) {
            return Err(self.refused(response));
        }
        let Some(json) = response.json() else {
            return Err(self.broken(response, "did not answer JSON"));
        };
        let Some(value) = json.get("access_token").and_then(Value::as_str).filter(|t| !t.is_empty()) else {
            return Err(self.broken(response, "answered without `access_token`"));
        };
        let kind = json.get("token_type").and_then(Value::as_str).unwrap_or("bearer");
        if !kind.eq_ignore_ascii_case("bearer") {
            let kind = clean_text(kind, 40);
            return Err(self.broken(response, &format!("gave a token of type `{kind}`, and only `Bearer` can be sent")));
        }
        if value.chars().any(|c| c.is_control() || !c.is_ascii()) {
            return Err(self.broken(response, "gave a token that no header can carry"));
        }
        let token = Token {
            value: SecretString::from(value.to_owned()),
            stale_at: lifetime(json).map(|life| asked + life),
            accepted: false,
        };
        let refresh = json.get("refresh_token").and_then(Value::as_str).filter(|t| !t.is_empty());
        Ok((token, refresh.map(|t| SecretString::from(t.to_owned()))))
    }

    fn failure(&self, text: &str) -> TransportFailure {
        let mut message = format!("{} at {} {text}", self.site.what, self.site.origin);
        // A token endpoint may repeat what we sent.
        for secret in self.config.secrets() {
            if secret.expose_secret().len() > 3 {
                message = message.replace(secret.expose_secret(), "[secret]");
            }
        }
        TransportFailure { kind: FailureKind::Refusal, message }
    }

    fn broken(&self, response: &Response, what: &str) -> TransportFailure {
        let page = if looks_like_html(response) {
            " It sent a web page: is this the token URL, and not the one for signing in with a browser?"
        } else {
            ""
        };
        self.failure(&format!("failed: the server {what} (status {}).{page}", response.status))
    }

    /// RFC 6749 §5.2.
    fn refused(&self, response: &Response) -> TransportFailure {
        if (300..400).contains(&response.status) {
            return self.failure(&format!(
                "failed: status {} sends us elsewhere, and a client secret does not follow. Give the final address as the token URL.",
                response.status
            ));
        }
        let field = |name| response.json().and_then(|j| j.get(name)).and_then(Value::as_str);
        let Some(code) = field("error") else {
            return self.broken(response, "refused without saying why");
        };
        let advice = match code {
            "invalid_client" | "unauthorized_client" if self.config.client_auth == ClientAuth::Body => {
                "Check client id and secret; some servers want them as basic credentials."
            }
            "invalid_client" | "unauthorized_client" => {
                "Check client id and secret; some servers want them in the form."
            }
            "invalid_grant" => "The refresh token has expired, was used up or belongs to another client: sign in anew.",
            "invalid_scope" => "Check the scope.",
            "unsupported_grant_type" => "The server does not offer this grant to this client.",
            _ => "",
        };
        let detail = field("error_description").map(|d| format!(": {}", clean_text(d, 200)));
        let text = format!(
            "failed: status {}, `{}`{}. {advice}",
            response.status,
            clean_text(code, 60),
            detail.unwrap_or_default().trim_end_matches('.')
        );
        self.failure(text.trim_end())
    }
}

fn looks_like_html(response: &Response) -> bool {
    response.media_type().is_some_and(|t| t.contains("html")) || response.text().trim_start().get(..1) == Some("<")
}

/// How long the token is good, less a margin; `None` when the server does not say (RFC 6749 §5.1: RECOMMENDED).
fn lifetime(answer: &Value) -> Option<Duration> {
    let seconds = match answer.get("expires_in")? {
        Value::Number(n) => n.as_f64()?,
        // Against the RFC, but common.
        Value::String(s) => s.trim().parse().ok().filter(|s: &f64| !s.is_nan())?,
        _ => return None,
    };
    // A month is longer than any run, and keeps absurd numbers away from the clock.
    let whole = Duration::from_secs_f64(seconds.clamp(0.0, 30.0 * 86_400.0));
    Some(whole - Duration::from_secs(30).min(whole / 10))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lifetimes_are_read_with_a_margin_and_never_overflow() {
        let life = |v: Value| lifetime(&json!({ "expires_in": v }));
        assert_eq!(life(json!(3600)), Some(Duration::from_secs(3570)));
        assert_eq!(life(json!("100")), Some(Duration::from_secs(90)));
        assert_eq!(life(json!(-5)), Some(Duration::ZERO));
        assert_eq!(life(json!(1e300)), Some(Duration::from_secs(30 * 86_400 - 30)));
        assert_eq!(life(json!("soon")), None);
        assert_eq!(life(json!("NaN")), None);
        assert_eq!(lifetime(&json!({})), None);
    }
}
