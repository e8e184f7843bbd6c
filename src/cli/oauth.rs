//! OAuth 2.0 as flags and as the table `[auth.oauth]`: one set of settings, and the engine's configuration made of it.
//!
//! Must not fetch a token. Secrets are read through the closure that the caller passes.

use super::args::{parse_duration, parse_header};
use crate::engine::EngineError;
use crate::engine::auth::SecretSource;
use crate::engine::oauth::authorize::DEFAULT_REDIRECT;
use crate::engine::oauth::{ClientAuth, Grant, OAuthConfig, TokenListener};
use clap::{Args, ValueEnum};
use secrecy::SecretString;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

/// How long somebody may take at the browser unless it is said otherwise.
const WAIT: Duration = Duration::from_secs(300);

/// OAuth 2.0 (RFC 6749). Without a refresh token and without an authorization URL: client credentials.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "OAuth 2.0: client credentials, a refresh token, or a sign-in with a browser")]
pub struct OAuthArgs {
    /// Where access tokens are issued
    #[arg(long, value_name = "URL", group = "credentials", requires = "oauth_client_id")]
    pub oauth_token_url: Option<String>,
    /// Client id
    #[arg(long, value_name = "ID", requires = "oauth_token_url")]
    pub oauth_client_id: Option<String>,
    /// Client secret from this environment variable
    #[arg(long, value_name = "NAME", requires = "oauth_token_url", group = "oauth_secret")]
    pub oauth_client_secret_env: Option<String>,
    /// Client secret from this file
    #[arg(long, value_name = "FILE", requires = "oauth_token_url", group = "oauth_secret")]
    pub oauth_client_secret_file: Option<PathBuf>,
    /// Client secret printed by this command
    #[arg(long, value_name = "COMMAND", requires = "oauth_token_url", group = "oauth_secret")]
    pub oauth_client_secret_command: Option<String>,
    /// Where id and secret are put: in the form, or as basic credentials [default: body]
    #[arg(long, value_enum, value_name = "PLACE", requires = "oauth_token_url")]
    pub oauth_client_auth: Option<ClientPlace>,
    /// Scope to ask for
    #[arg(long, value_name = "SCOPE", requires = "oauth_token_url")]
    pub oauth_scope: Option<String>,
    /// Further field of the token request, e.g. audience:https://app.example.com/ (repeatable)
    #[arg(long, value_name = "NAME:VALUE", value_parser = parse_header, requires = "oauth_token_url")]
    pub oauth_field: Vec<(String, String)>,
    /// Refresh token from this environment variable
    #[arg(long, value_name = "NAME", requires = "oauth_token_url", group = "oauth_grant")]
    pub oauth_refresh_token_env: Option<String>,
    /// Refresh token from this file
    #[arg(long, value_name = "FILE", requires = "oauth_token_url", group = "oauth_grant")]
    pub oauth_refresh_token_file: Option<PathBuf>,
    /// Refresh token printed by this command
    #[arg(long, value_name = "COMMAND", requires = "oauth_token_url", group = "oauth_grant")]
    pub oauth_refresh_token_command: Option<String>,
    /// Sign in with a browser first (authorization code with PKCE): where the browser begins
    #[arg(long, value_name = "URL", requires = "oauth_token_url", group = "oauth_grant")]
    pub oauth_authorize_url: Option<String>,
    /// Where the browser comes back to, as registered for the client; without a port, a free one is taken
    /// [default: http://127.0.0.1/callback]
    #[arg(long, value_name = "URL", requires = "oauth_authorize_url")]
    pub oauth_redirect_url: Option<String>,
    /// How long to wait for somebody at the browser [default: 300 s]
    #[arg(long, value_name = "SECONDS", value_parser = parse_duration, requires = "oauth_authorize_url")]
    pub oauth_wait: Option<Duration>,
    /// Write the newest refresh token into this file, which only its owner can read
    #[arg(long, value_name = "FILE", requires = "oauth_grant")]
    pub oauth_save_refresh_token: Option<PathBuf>,
}

/// Where client id and secret are put (RFC 6749 §2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientPlace {
    /// In the form
    #[default]
    Body,
    /// As basic credentials
    Basic,
}

/// Everything that leads to an access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuth {
    /// Token endpoint.
    pub token_url: String,
    /// Client id.
    pub client_id: String,
    /// Client secret; public clients have none.
    pub secret: Option<SecretSource>,
    /// Where both are put.
    pub place: ClientPlace,
    /// Scope.
    pub scope: Option<String>,
    /// Further fields of the token request.
    pub fields: Vec<(String, String)>,
    /// What is traded.
    pub by: By,
    /// Where the newest refresh token is kept.
    pub save: Option<PathBuf>,
}

/// What an access token is got with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// The client alone.
    Client,
    /// A refresh token.
    Refresh(SecretSource),
    /// Somebody at a browser.
    Browser(Browser),
}

/// A sign-in with a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Browser {
    /// Authorization endpoint.
    pub authorize_url: String,
    /// Where the browser comes back to.
    pub redirect_url: Option<String>,
    /// How long to wait.
    pub wait: Option<Duration>,
}

impl Browser {
    /// The two addresses and the patience.
    pub fn settled(&self) -> Result<(Url, Url, Duration), EngineError> {
        let authorize = url("authorization", &self.authorize_url)?;
        let redirect = url("redirect", self.redirect_url.as_deref().unwrap_or(DEFAULT_REDIRECT))?;
        Ok((authorize, redirect, self.wait.unwrap_or(WAIT)))
    }
}

fn url(what: &str, text: &str) -> Result<Url, EngineError> {
    Url::parse(text).map_err(|e| EngineError::Credentials(format!("the {what} URL is no URL ({e})")))
}

impl OAuth {
    /// What the engine needs; before a sign-in with a browser the grant is only a place holder. `read` reads a secret.
    pub fn engine(
        &self,
        read: &mut dyn FnMut(&SecretSource) -> Result<SecretString, EngineError>,
        listener: TokenListener,
    ) -> Result<OAuthConfig, EngineError> {
        if self.by == By::Client && self.secret.is_none() {
            return Err(EngineError::Credentials(
                "OAuth 2 client credentials need a client secret (--oauth-client-secret-env, or client_secret_env in the file)"
                    .into(),
            ));
        }
        if self.by == By::Client && self.save.is_some() {
            return Err(EngineError::Credentials(
                "client credentials have no refresh token that could be saved".into(),
            ));
        }
        Ok(OAuthConfig {
            token_url: url("token", &self.token_url)?,
            client_id: self.client_id.clone(),
            client_secret: self.secret.as_ref().map(&mut *read).transpose()?,
            grant: match &self.by {
                By::Refresh(source) => Grant::RefreshToken(read(source)?),
                By::Client | By::Browser(_) => Grant::ClientCredentials,
            },
            client_auth: match self.place {
                ClientPlace::Body => ClientAuth::Body,
                ClientPlace::Basic => ClientAuth::Basic,
            },
            scope: self.scope.clone(),
            extra: self.fields.clone(),
            listener: Some(listener),
        })
    }
}

/// The first two keys that are set, of such that cannot stand beside each other.
pub(super) fn first_two(keys: &[(&'static str, bool)]) -> Option<(&'static str, &'static str)> {
    let mut set = keys.iter().filter(|(_, set)| *set).map(|(name, _)| *name);
    Some((set.next()?, set.next()?))
}

/// Where one secret is kept, in whichever of three ways that was said.
pub(super) fn source(env: Option<&String>, file: Option<&PathBuf>, command: Option<&String>) -> Option<SecretSource> {
    let env = env.map(|name| SecretSource::Env(name.clone()));
    let file = || file.map(|path| SecretSource::File(path.clone()));
    env.or_else(file).or_else(|| command.map(|line| SecretSource::Command(line.clone())))
}

impl OAuthArgs {
    /// The settings, when any were given.
    pub fn settings(&self) -> Option<OAuth> {
        let refresh = source(
            self.oauth_refresh_token_env.as_ref(),
            self.oauth_refresh_token_file.as_ref(),
            self.oauth_refresh_token_command.as_ref(),
        );
        let browser = self.oauth_authorize_url.as_ref().map(|authorize_url| Browser {
            authorize_url: authorize_url.clone(),
            redirect_url: self.oauth_redirect_url.clone(),
            wait: self.oauth_wait,
        });
        Some(OAuth {
            token_url: self.oauth_token_url.clone()?,
            client_id: self.oauth_client_id.clone()?,
            secret: source(
                self.oauth_client_secret_env.as_ref(),
                self.oauth_client_secret_file.as_ref(),
                self.oauth_client_secret_command.as_ref(),
            ),
            place: self.oauth_client_auth.unwrap_or_default(),
            scope: self.oauth_scope.clone(),
            fields: self.oauth_field.clone(),
            by: refresh.map(By::Refresh).or(browser.map(By::Browser)).unwrap_or(By::Client),
            save: self.oauth_save_refresh_token.clone(),
        })
    }
}

/// `[auth.oauth]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileOAuth {
    token_url: String,
    client_id: String,
    client_secret_env: Option<String>,
    client_secret_file: Option<PathBuf>,
    client_secret_command: Option<String>,
    #[serde(default)]
    client_auth: ClientPlace,
    scope: Option<String>,
    #[serde(default)]
    fields: BTreeMap<String, String>,
    refresh_token_env: Option<String>,
    refresh_token_file: Option<PathBuf>,
    refresh_token_command: Option<String>,
    authorize_url: Option<String>,
    redirect_url: Option<String>,
    wait: Option<Wait>,
    save_refresh_token: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "super::config::Plain")]
struct Wait(Duration);

impl TryFrom<super::config::Plain> for Wait {
    type Error = String;
    fn try_from(plain: super::config::Plain) -> Result<Self, String> {
        parse_duration(&plain.text()).map(Self)
    }
}

impl FileOAuth {
    /// Keys that cannot stand beside each other, as soon as there are two.
    pub fn contradiction(&self) -> Option<(&'static str, &'static str)> {
        let secrets = [
            ("client_secret_env", self.client_secret_env.is_some()),
            ("client_secret_file", self.client_secret_file.is_some()),
            ("client_secret_command", self.client_secret_command.is_some()),
        ];
        let grants = [
            ("refresh_token_env", self.refresh_token_env.is_some()),
            ("refresh_token_file", self.refresh_token_file.is_some()),
            ("refresh_token_command", self.refresh_token_command.is_some()),
            ("authorize_url", self.authorize_url.is_some()),
        ];
        first_two(&secrets).or_else(|| first_two(&grants))
    }

    /// Paths are relative to the configuration file.
    pub fn resolve_paths(&mut self, folder: &Path) {
        let all = [&mut self.client_secret_file, &mut self.refresh_token_file, &mut self.save_refresh_token];
        for path in all.into_iter().flatten() {
            *path = folder.join(&path);
        }
    }

    /// The settings.
    pub fn settings(&self) -> OAuth {
        let refresh = source(
            self.refresh_token_env.as_ref(),
            self.refresh_token_file.as_ref(),
            self.refresh_token_command.as_ref(),
        );
        let browser = self.authorize_url.as_ref().map(|authorize_url| Browser {
            authorize_url: authorize_url.clone(),
            redirect_url: self.redirect_url.clone(),
            wait: self.wait.map(|w| w.0),
        });
        OAuth {
            token_url: self.token_url.clone(),
            client_id: self.client_id.clone(),
            secret: source(
                self.client_secret_env.as_ref(),
                self.client_secret_file.as_ref(),
                self.client_secret_command.as_ref(),
            ),
            place: self.client_auth,
            scope: self.scope.clone(),
            fields: self.fields.clone().into_iter().collect(),
            by: refresh.map(By::Refresh).or(browser.map(By::Browser)).unwrap_or(By::Client),
            save: self.save_refresh_token.clone(),
        }
    }
}
