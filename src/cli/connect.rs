//! From settings to a target: secrets are fetched here and nowhere else, and whoever prints learns which texts they are.
//!
//! Must not send a request.

use super::config::{Auth, Connection};
use crate::engine::EngineError;
use crate::engine::auth::{Credentials, SecretSource, secret_from};
use crate::engine::oauth::{ClientAuth, Grant, OAuthConfig};
use crate::engine::target::Target;
use crate::engine::tls::TlsOptions;
use crate::report::redact::Redactor;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// A target and the secrets in it.
pub struct Connected {
    /// Fit for the engine.
    pub target: Target,
    /// Replaces every secret of the target in texts.
    pub redactor: Redactor,
}

/// Fetches the secrets and builds the target. `env` looks up an environment variable.
pub fn connect(
    connection: &Connection,
    base_url: Url,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Connected, EngineError> {
    let mut secrets = Secrets::default();
    let mut credentials = credentials(&connection.auth, env, &mut secrets)?;
    let mut target = Target::new(base_url);
    target.extra_headers = connection.headers.clone();
    for (name, variable) in &connection.header_env {
        let secret = secrets.keep(secret_from(&SecretSource::Env(variable.clone()), env)?);
        secrets.headers.push(name.clone());
        // A header of one's own is the credential when there is no other, so that requests without it can be tried too.
        if matches!(credentials, Credentials::None) {
            credentials = Credentials::header(name, secret)?;
        } else {
            target.extra_headers.push((name.clone(), secret.expose_secret().to_owned()));
        }
    }
    target.credentials = credentials;
    if let Some(variable) = &connection.other_token_env {
        let secret = secrets.keep(secret_from(&SecretSource::Env(variable.clone()), env)?);
        target.other = Some(Credentials::bearer(secret)?);
    }
    target.tls = TlsOptions {
        ca_file: connection.ca_file.clone(),
        insecure: connection.insecure,
        client_cert: connection.client_cert.clone(),
        client_key: None,
    };
    if let Some(timeout) = connection.timeout {
        target.limits.timeout = timeout;
    }
    target.rate = connection.rate.map(|r| r.interval().as_secs_f64().recip());
    secrets.take_from(&target.base_url);
    Ok(Connected { target, redactor: Redactor::new(secrets.texts).secret_headers(secrets.headers) })
}

fn credentials(
    auth: &Auth,
    env: &dyn Fn(&str) -> Option<String>,
    secrets: &mut Secrets,
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
        Auth::OAuth { token_url, client_id, secret, scope } => {
            let token_url = Url::parse(token_url)
                .map_err(|e| EngineError::Credentials(format!("the token URL is no URL ({e})")))?;
            Ok(Credentials::OAuth(OAuthConfig {
                token_url,
                client_id: client_id.clone(),
                client_secret: Some(secrets.keep(secret_from(secret, env)?)),
                grant: Grant::ClientCredentials,
                client_auth: ClientAuth::default(),
                scope: scope.clone(),
                extra: Vec::new(),
            }))
        }
    }
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            header_env: vec![("X-Key".into(), "KEY".into())],
            other_token_env: Some("TOKEN".into()),
            ..Connection::default()
        };
        let connected = connect_with(&connection).expect("connected");
        let text = connected.redactor.text("tok3n-value pa55word k3y-value YWxpY2U6cGE1NXdvcmQ=");
        assert_eq!(text, "[secret] [secret] [secret] [secret]=");
        assert_eq!(connected.target.extra_headers.len(), 1);
    }

    #[test]
    fn a_secret_header_alone_is_the_credential() {
        let connection = Connection { header_env: vec![("X-Key".into(), "KEY".into())], ..Connection::default() };
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
