//! A small OAuth 2.0 client (RFC 6749 §4.1, §4.4 and §6): one form POST, the token kept until shortly before it expires.
//!
//! Must not know SCIM. Every way in which a token endpoint can be wrong ends in a sentence that says what to change.

mod answer;
pub mod authorize;

use super::auth::basic_pair;
use super::body;
use super::error::{EngineError, Site};
use super::target::{Limits, Target, encode_query_value};
use super::tls::Trust;
use crate::exchange::{FailureKind, TransportFailure};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::sync::Arc;
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
    /// Who wants to know of each token that comes, before it is used.
    pub listener: Option<TokenListener>,
}

/// What is traded for an access token.
#[derive(Debug, Clone)]
pub enum Grant {
    /// RFC 6749 §4.4.
    ClientCredentials,
    /// RFC 6749 §6: what remains of an authorization code that was granted in a browser.
    RefreshToken(SecretString),
    /// RFC 6749 §4.1.3: what the browser just brought back. It is good once; after it the refresh token is used.
    AuthorizationCode(Code),
}

/// An authorization code and what has to come with it.
#[derive(Debug, Clone)]
pub struct Code {
    /// The code itself.
    pub code: SecretString,
    /// Where it was sent to: the token request must name the same (RFC 6749 §4.1.3).
    pub redirect_uri: String,
    /// RFC 7636 §4.5: proves that who trades the code is who asked for it.
    pub verifier: SecretString,
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

/// A token that the token endpoint gave.
#[derive(Debug, Clone, Copy)]
pub enum Issued<'a> {
    /// For the server under test.
    Access(&'a SecretString),
    /// For the token endpoint; of two, the later one counts.
    Refresh(&'a SecretString),
}

/// Is told of every token: whoever prints must never print it, and a refresh token may have to be kept.
#[derive(Clone)]
pub struct TokenListener(Arc<dyn Fn(Issued<'_>) + Send + Sync>);

impl TokenListener {
    /// Calls that for each token. It is called while a request waits, so it must not take long.
    pub fn new(told: impl Fn(Issued<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(told))
    }
}

impl fmt::Debug for TokenListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenListener")
    }
}

impl OAuthConfig {
    pub(super) fn secrets(&self) -> Vec<SecretString> {
        let mut secrets: Vec<SecretString> = self.client_secret.iter().cloned().collect();
        if let Some(secret) = &self.client_secret {
            secrets.push(SecretString::from(self.basic(secret)));
        }
        match &self.grant {
            Grant::ClientCredentials => {}
            Grant::RefreshToken(token) => secrets.push(token.clone()),
            Grant::AuthorizationCode(code) => secrets.extend([code.code.clone(), code.verifier.clone()]),
        }
        secrets
    }

    fn basic(&self, secret: &SecretString) -> String {
        // RFC 6749 §2.3.1: both are form-encoded first.
        let secret = SecretString::from(encode_query_value(secret.expose_secret()));
        basic_pair(&encode_query_value(&self.client_id), &secret)
    }

    fn form(&self, grant: &Grant) -> Vec<(String, String)> {
        let mut form: Vec<(String, String)> = Vec::new();
        let mut add = |k: &str, v: &str| form.push((k.into(), v.into()));
        match grant {
            Grant::ClientCredentials => add("grant_type", "client_credentials"),
            Grant::RefreshToken(token) => {
                add("grant_type", "refresh_token");
                add("refresh_token", token.expose_secret());
            }
            Grant::AuthorizationCode(code) => {
                add("grant_type", "authorization_code");
                add("code", code.code.expose_secret());
                add("redirect_uri", &code.redirect_uri);
                add("code_verifier", code.verifier.expose_secret());
            }
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
        // With a code, the scope was asked for in the browser; left out later on, it stays what was granted (RFC 6749 §6).
        let asked_already = matches!(self.grant, Grant::AuthorizationCode(_));
        if let Some(scope) = self.scope.as_deref().filter(|_| !asked_already) {
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

struct State {
    token: Option<Token>,
    /// What the next token is got with; `None` when there is nothing left to trade.
    grant: Option<Grant>,
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
        Ok(Self {
            client: trust.client(url, &limits, &target.proxy)?,
            site: Site {
                what: format!("sign-in (POST {})", url.path()),
                origin: url.origin().ascii_serialization(),
                option: "the token URL",
            },
            limits,
            state: Mutex::new(State { token: None, grant: Some(config.grant.clone()), generation: 0, failed: None }),
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
        let fetched = match &state.grant {
            Some(grant) => self.fetch(grant).await,
            None => Err(self.failure(
                "cannot be done again: the access token has run out or was turned down, and no refresh token came with it. \
                 Sign in anew; many servers give a refresh token when the scope holds `offline_access`.",
            )),
        };
        match fetched {
            Ok((token, refresh)) => {
                self.announce(Issued::Access(&token.value));
                if let Some(refresh) = refresh {
                    self.announce(Issued::Refresh(&refresh));
                    self.follow(state, refresh);
                } else if matches!(state.grant, Some(Grant::AuthorizationCode(_))) {
                    state.grant = None;
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

    /// RFC 6749 §6: a server may give a new refresh token with each access token, and the old one may be dead from then on.
    fn follow(&self, state: &mut State, refresh: SecretString) {
        // Client credentials get a new token the way they got the first.
        if !matches!(state.grant, Some(Grant::ClientCredentials)) {
            state.grant = Some(Grant::RefreshToken(refresh));
        }
    }

    fn announce(&self, issued: Issued<'_>) {
        let (Issued::Access(secret) | Issued::Refresh(secret)) = issued;
        self.seen.lock().expect("nothing panics while holding it").push(secret.clone());
        if let Some(listener) = &self.config.listener {
            (listener.0)(issued);
        }
    }

    async fn fetch(&self, grant: &Grant) -> Result<(Token, Option<SecretString>), TransportFailure> {
        let mut request = self
            .client
            .post(self.config.token_url.clone())
            .header(ACCEPT, "application/json")
            .form(&self.config.form(grant));
        if let (Some(secret), ClientAuth::Basic) = (&self.config.client_secret, self.config.client_auth) {
            let mut value = HeaderValue::from_str(&format!("Basic {}", self.config.basic(secret)))
                .expect("base64 is always a header value");
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let request = request.build().map_err(|e| self.site.describe(e, None))?;
        let started = Instant::now();
        let response = body::exchange(&self.client, request, &self.limits, &self.site).await?;
        self.read_answer(&response, started, grant)
    }

    fn failure(&self, text: &str) -> TransportFailure {
        let mut message = format!("{} at {} {text}", self.site.what, self.site.origin);
        // A token endpoint may repeat what we sent, and in whatever spelling.
        for secret in self.config.secrets().into_iter().chain(self.fetched()) {
            let plain = secret.expose_secret();
            let form: String = url::form_urlencoded::byte_serialize(plain.as_bytes()).collect();
            for spelling in [plain, &encode_query_value(plain), &form] {
                if spelling.len() > 3 {
                    message = message.replace(spelling, "[secret]");
                }
            }
        }
        TransportFailure { kind: FailureKind::Refusal, message, repeated: false }
    }
}
