//! From settings to a target: secrets are fetched here and nowhere else, and whoever prints learns which texts they are.
//!
//! Must not send a request. A sign-in with a browser is waited for in [`open`], and only there.

use super::browser;
use super::config::Connection;
use super::credentials::Auth;
use super::oauth::{Browser, By, OAuth};
use crate::engine::EngineError;
use crate::engine::auth::{Credentials, secret_from};
use crate::engine::http::may_hold_secret;
use crate::engine::oauth::{Grant, Issued, TokenListener};
use crate::engine::target::Target;
use crate::engine::tls::TlsOptions;
use crate::report::redact::{LateSecrets, Redactor};
use secrecy::{ExposeSecret, SecretString};
use std::path::PathBuf;
use url::Url;

/// A target and the secrets in it.
pub struct Connected {
    /// Fit for the engine.
    pub target: Target,
    /// Replaces every secret of the target in texts.
    pub redactor: Redactor,
    /// Somebody has to sign in with a browser before the target is of use.
    browser: Option<Browser>,
}

/// [`connect`], and the sign-in with a browser if there has to be one.
pub async fn open(
    connection: &Connection,
    base_url: Url,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Connected, EngineError> {
    let mut connected = connect(connection, base_url, env)?;
    if let (Some(asked), Credentials::OAuth(config)) = (connected.browser.take(), &mut connected.target.credentials) {
        browser::sign_in(config, &asked).await?;
        if let Grant::AuthorizationCode(code) = &config.grant {
            let late = connected.redactor.late();
            late.add(code.code.expose_secret());
            late.add(code.verifier.expose_secret());
        }
    }
    Ok(connected)
}

/// Fetches the secrets and builds the target. `env` looks up an environment variable.
pub fn connect(
    connection: &Connection,
    base_url: Url,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Connected, EngineError> {
    let mut secrets = Secrets::default();
    let late = LateSecrets::default();
    let mut credentials = credentials(&connection.auth, env, &mut secrets, &late)?;
    let mut target = Target::new(base_url);
    target.extra_headers = connection.headers.clone();
    for (name, value) in connection.headers.iter().filter(|(name, _)| may_hold_secret(name)) {
        secrets.headers.push(name.clone());
        // A scheme before it is none.
        secrets.texts.extend([value.clone(), value.rsplit(' ').next().unwrap_or_default().to_owned()]);
    }
    for (name, source) in &connection.secret_headers {
        let secret = secrets.keep(secret_from(source, env)?);
        secrets.headers.push(name.clone());
        // A header of one's own is the credential when there is no other, so that requests without it can be tried too.
        if matches!(credentials, Credentials::None) {
            credentials = Credentials::header(name, secret)?;
        } else {
            target.extra_headers.push((name.clone(), secret.expose_secret().to_owned()));
        }
    }
    target.credentials = credentials;
    if let Some(source) = &connection.other_token {
        let secret = secrets.keep(secret_from(source, env)?);
        target.other = Some(Credentials::bearer(secret)?);
    }
    target.tls = TlsOptions {
        ca_file: connection.ca_file.clone(),
        insecure: connection.insecure,
        client_cert: connection.client_cert.clone(),
        client_key: connection.client_key.clone(),
    };
    if let Some(timeout) = connection.timeout {
        target.limits.timeout = timeout;
    }
    target.rate = connection.rate.map(|r| r.interval().as_secs_f64().recip());
    secrets.take_from(&target.base_url);
    let redactor = Redactor::new(secrets.texts).secret_headers(secrets.headers).with_late(late);
    let browser = match &connection.auth {
        Auth::OAuth(OAuth { by: By::Browser(browser), .. }) => Some(browser.clone()),
        _ => None,
    };
    Ok(Connected { target, redactor, browser })
}

fn credentials(
    auth: &Auth,
    env: &dyn Fn(&str) -> Option<String>,
    secrets: &mut Secrets,
    late: &LateSecrets,
) -> Result<Credentials, EngineError> {
    match auth {
        Auth::None => Ok(Credentials::None),
        Auth::Token(source) => Credentials::bearer(secrets.keep(secret_from(source, env)?)),
        Auth::Basic(source) => {
            let pair = secrets.keep(secret_from(source, env)?);
            let credentials = Credentials::basic(&pair)?;
            if let Credentials::Basic { password, .. } = &credentials {
                secrets.keep(password.clone());
            }
            Ok(credentials)
        }
        Auth::OAuth(oauth) => {
            let listener = listener(oauth.save.clone(), late.clone());
            let config = oauth.engine(&mut |source| secret_from(source, env).map(|s| secrets.keep(s)), listener)?;
            if let Some(secret) = &config.client_secret {
                // As basic credentials, both are form-encoded first (RFC 6749 §2.3.1).
                let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                let secret = secret.expose_secret();
                secrets.texts.push(format!("{}:{secret}", config.client_id));
                secrets.texts.push(format!("{}:{}", encoded(&config.client_id), encoded(secret)));
            }
            Ok(Credentials::OAuth(Box::new(config)))
        }
    }
}

/// Each token that comes is a secret from then on; of the refresh tokens, the newest is kept if that was asked for.
fn listener(save: Option<PathBuf>, late: LateSecrets) -> TokenListener {
    TokenListener::new(move |issued| match issued {
        Issued::Access(token) => late.add(token.expose_secret()),
        Issued::Refresh(token) => {
            late.add(token.expose_secret());
            if let Some(path) = &save
                && let Err(problem) = browser::save(path, token)
            {
                anstream::eprintln!("warning: the refresh token could not be written to {}: {problem}", path.display());
            }
        }
    })
}

#[derive(Default)]
struct Secrets {
    texts: Vec<String>,
    headers: Vec<String>,
}

impl Secrets {
    fn keep(&mut self, secret: SecretString) -> SecretString {
        self.texts.push(secret.expose_secret().to_owned());
        secret
    }

    /// `https://user:password@…` and `?token=…` are credentials too.
    fn take_from(&mut self, url: &Url) {
        if let Some(password) = url.password() {
            let password = crate::exchange::percent_decode(password);
            self.texts.push(format!("{}:{password}", crate::exchange::percent_decode(url.username())));
            self.texts.push(password);
        }
        let parameters = url.query_pairs().filter(|(name, _)| may_hold_secret(name));
        self.texts.extend(parameters.map(|(_, value)| value.into_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::auth::SecretSource;

    fn env(name: &str) -> Option<String> {
        match name {
            "TOKEN" => Some("tok3n-value\n".into()),
            "PAIR" => Some("alice:pa55word".into()),
            "KEY" => Some("k3y-value".into()),
            _ => None,
        }
    }

    fn connect_with(connection: &Connection) -> Result<Connected, EngineError> {
        connect(connection, Url::parse("https://app.example.com/scim").expect("URL"), &env)
    }

    #[test]
    fn whatever_was_fetched_is_redacted() {
        let source = |name: &str| SecretSource::Env(name.into());
        let connection = Connection {
            auth: Auth::Basic(source("PAIR")),
            secret_headers: vec![("X-Key".into(), source("KEY"))],
            other_token: Some(source("TOKEN")),
            ..Connection::default()
        };
        let connected = connect_with(&connection).expect("connected");
        let text = connected.redactor.text("tok3n-value pa55word k3y-value YWxpY2U6cGE1NXdvcmQ=");
        assert_eq!(text, "[secret] [secret] [secret] [secret]=");
        assert_eq!(connected.target.extra_headers.len(), 1);
    }

    #[test]
    fn a_secret_header_alone_is_the_credential() {
        let connection = Connection {
            secret_headers: vec![("X-Key".into(), SecretSource::Env("KEY".into()))],
            ..Connection::default()
        };
        let target = connect_with(&connection).expect("connected").target;
        assert!(matches!(target.credentials, Credentials::Header { .. }));
        assert!(target.extra_headers.is_empty());
    }

    #[test]
    fn a_missing_variable_is_named() {
        let connection = Connection { auth: Auth::Token(SecretSource::Env("NOPE".into())), ..Connection::default() };
        let error = connect_with(&connection).err().expect("refused").to_string();
        assert!(error.contains("NOPE"), "{error}");
    }
}
