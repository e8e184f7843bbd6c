//! Credentials: where they come from and how a request carries them, right or deliberately wrong.
//!
//! Must not read the environment (the caller passes a look-up) and must not show a secret in any message.

use super::error::{EngineError, Site};
use super::oauth::{OAuthConfig, TokenSource};
use super::target::{Target, encode_query_value};
use super::tls::Trust;
use crate::exchange::{AuthKind, TransportFailure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use std::path::PathBuf;

/// A well-formed token (RFC 6750 §2.1 `b64token`) that nobody issued: "scimproof-nobody-issued-this".
pub const WRONG_TOKEN: &str = "c2NpbXByb29mLW5vYm9keS1pc3N1ZWQtdGhpcw";

/// Said where a changed form of a secret would be the secret, or so short that it stands in many texts.
const NO_CHANGED_FORM: &str = "the secret is too short, or has no letters, to be sent in a changed form";

/// How requests are signed.
#[derive(Debug, Clone, Default)]
pub enum Credentials {
    /// Not at all.
    #[default]
    None,
    /// `Authorization: Bearer …` (RFC 6750 §2.1).
    Bearer(SecretString),
    /// `Authorization: Basic …` (RFC 7617).
    Basic {
        /// User name, without a colon.
        user: String,
        /// Password.
        password: SecretString,
    },
    /// A header of the server's own making.
    Header {
        /// Name, e.g. `X-Api-Key`.
        name: String,
        /// Value.
        value: SecretString,
    },
    /// A bearer token that is fetched first (RFC 6749).
    OAuth(Box<OAuthConfig>),
}

impl Credentials {
    /// A bearer token, checked: a header must be able to carry it.
    pub fn bearer(token: SecretString) -> Result<Self, EngineError> {
        let text = token.expose_secret();
        if text.get(..7).is_some_and(|p| p.eq_ignore_ascii_case("bearer ")) {
            return Err(EngineError::Credentials("the token begins with `Bearer `; give the token alone".into()));
        }
        check_sendable("the token", text)?;
        Ok(Self::Bearer(token))
    }

    /// Basic credentials from `user:password`.
    pub fn basic(pair: &SecretString) -> Result<Self, EngineError> {
        let (user, password) = pair
            .expose_secret()
            .split_once(':')
            .ok_or_else(|| EngineError::Credentials("basic credentials are written `user:password`".into()))?;
        Ok(Self::Basic { user: user.to_owned(), password: SecretString::from(password.to_owned()) })
    }

    /// A header; `Authorization: Bearer x` becomes [`Credentials::Bearer`] so that wrong variants of it can be built.
    pub fn header(name: &str, value: SecretString) -> Result<Self, EngineError> {
        check_sendable(&format!("the value of `{name}`"), value.expose_secret())?;
        let text = value.expose_secret();
        if name.eq_ignore_ascii_case("authorization")
            && text.get(..7).is_some_and(|p| p.eq_ignore_ascii_case("bearer "))
        {
            return Self::bearer(SecretString::from(text[7..].trim().to_owned()));
        }
        Ok(Self::Header { name: name.to_owned(), value })
    }
}

fn check_sendable(what: &str, text: &str) -> Result<(), EngineError> {
    if text.is_empty() {
        return Err(EngineError::Credentials(format!("{what} is empty")));
    }
    if text.chars().any(|c| c.is_control() || !c.is_ascii()) {
        return Err(EngineError::Credentials(format!(
            "{what} holds a line break or another character that no header can carry"
        )));
    }
    Ok(())
}

/// Where a secret is kept. Never on the command line itself, where every user of the machine could read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// An environment variable.
    Env(String),
    /// A file with nothing else in it.
    File(PathBuf),
    /// Standard output of a shell command, e.g. a password manager.
    Command(String),
}

/// Reads a secret; line ends after it are removed. `env` looks up an environment variable.
pub fn secret_from(source: &SecretSource, env: &dyn Fn(&str) -> Option<String>) -> Result<SecretString, EngineError> {
    let (from, read) = match source {
        SecretSource::Env(name) => {
            (format!("environment variable `{name}`"), env(name).ok_or_else(|| "it is not set".to_owned()))
        }
        SecretSource::File(path) => {
            (format!("file `{}`", path.display()), std::fs::read_to_string(path).map_err(|e| e.to_string()))
        }
        SecretSource::Command(line) => ("the command".to_owned(), output_of(line)),
    };
    let fail = |why: String| EngineError::Secret { from: from.clone(), why };
    let text = read.map_err(fail)?;
    let text = text.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']);
    if text.trim().is_empty() {
        return Err(fail("it is empty".into()));
    }
    if text.contains(['\r', '\n']) {
        return Err(fail("it has more than one line".into()));
    }
    Ok(SecretString::from(text.trim().to_owned()))
}

fn output_of(line: &str) -> Result<String, String> {
    let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let output = std::process::Command::new(shell)
        .args([flag, line])
        .stderr(std::process::Stdio::inherit())
        .stdin(std::process::Stdio::inherit())
        .output()
        .map_err(|e| e.to_string())?;
    if !output.status.success() {
        return Err(format!("it failed ({})", output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| "its output is no text".to_owned())
}

/// What a request has to carry.
#[derive(Debug, Default)]
pub(super) struct Signature {
    /// Header to set; the value is secret.
    pub header: Option<(String, SecretString)>,
    /// `access_token=…` for the query.
    pub query: Option<SecretString>,
    /// Which fetched token it is, for [`Signer::renew`].
    pub generation: Option<u64>,
}

impl Signature {
    fn header(name: &str, value: String) -> Self {
        Self { header: Some((name.to_owned(), SecretString::from(value))), ..Self::default() }
    }
}

/// One set of credentials, ready to sign.
pub(super) struct Signer {
    credentials: Credentials,
    tokens: Option<TokenSource>,
}

impl Signer {
    pub(super) fn new(credentials: &Credentials, target: &Target, trust: &Trust) -> Result<Self, EngineError> {
        let tokens = match credentials {
            Credentials::OAuth(config) => Some(TokenSource::new((**config).clone(), target, trust)?),
            _ => None,
        };
        Ok(Self { credentials: credentials.clone(), tokens })
    }

    /// What to put on a request of that kind ([`AuthKind::Other`] is the other signer's `Configured`).
    pub(super) async fn sign(&self, kind: AuthKind, site: &Site) -> Result<Signature, TransportFailure> {
        if let Some(why) = self.lacks_form(kind) {
            return Err(site.refusal(why));
        }
        match kind {
            AuthKind::None => return Ok(Signature::default()),
            AuthKind::EmptyBearer => {
                return Ok(Signature::header("Authorization", "Bearer ".into()));
            }
            AuthKind::Wrong => return Ok(self.wrong()),
            _ => {}
        }
        let (token, generation) = match (&self.credentials, &self.tokens) {
            (_, Some(source)) => source.token().await.map(|(t, g)| (t, Some(g)))?,
            (Credentials::Bearer(token), _) => (token.clone(), None),
            _ => return Ok(self.sign_without_token(kind)),
        };
        let changed = AuthKind::CHANGED.contains(&kind).then(|| kind.change(token.expose_secret()));
        let Some(text) = changed.as_ref().map_or(Some(token.expose_secret()), Option::as_deref) else {
            return Err(site.refusal(NO_CHANGED_FORM.into()));
        };
        let mut signature = match kind {
            AuthKind::WrongScheme => Signature::header("Authorization", format!("Basic {text}")),
            AuthKind::LowercaseScheme => Signature::header("Authorization", format!("bearer {text}")),
            AuthKind::Query => {
                Signature { query: Some(SecretString::from(encode_query_value(text))), ..Signature::default() }
            }
            _ => Signature::header("Authorization", format!("Bearer {text}")),
        };
        // Only the ordinary form says something about the token when it is turned down.
        signature.generation = generation.filter(|_| matches!(kind, AuthKind::Configured | AuthKind::Other));
        Ok(signature)
    }

    /// Why credentials of that kind cannot be made of the configured ones.
    pub(super) fn lacks_form(&self, kind: AuthKind) -> Option<String> {
        use AuthKind::{Configured, EmptyBearer, Other, Query, Wrong};
        let secret = match &self.credentials {
            Credentials::None => {
                let possible = matches!(kind, Configured | Other | AuthKind::None | EmptyBearer | Wrong);
                return (!possible).then(|| "no credentials are configured that could be changed".to_owned());
            }
            Credentials::OAuth(_) => return None,
            Credentials::Bearer(token) => token,
            _ if kind == Query => return Some("credentials of this kind cannot be sent in the query".to_owned()),
            Credentials::Basic { password, .. } => password,
            Credentials::Header { value, .. } => value,
        };
        let lacks = AuthKind::CHANGED.contains(&kind) && kind.change(secret.expose_secret()).is_none();
        lacks.then(|| NO_CHANGED_FORM.to_owned())
    }

    fn sign_without_token(&self, kind: AuthKind) -> Signature {
        let changed = |secret: &SecretString| {
            let secret = secret.expose_secret();
            kind.change(secret).unwrap_or_else(|| secret.to_owned())
        };
        match &self.credentials {
            Credentials::Basic { user, password } => {
                let scheme = match kind {
                    AuthKind::WrongScheme => "Bearer",
                    AuthKind::LowercaseScheme => "basic",
                    _ => "Basic",
                };
                Signature::header("Authorization", format!("{scheme} {}", basic_pair(user, &changed(password).into())))
            }
            Credentials::Header { value, .. } if kind == AuthKind::WrongScheme => {
                Signature::header("Authorization", format!("Basic {}", value.expose_secret()))
            }
            Credentials::Header { name, value } => Signature::header(name, changed(value)),
            Credentials::None | Credentials::Bearer(_) | Credentials::OAuth(_) => Signature::default(),
        }
    }

    fn wrong(&self) -> Signature {
        match &self.credentials {
            Credentials::Basic { .. } => {
                let nobody = SecretString::from(WRONG_TOKEN);
                Signature::header("Authorization", format!("Basic {}", basic_pair("nobody", &nobody)))
            }
            Credentials::Header { name, .. } => Signature::header(name, WRONG_TOKEN.into()),
            _ => Signature::header("Authorization", format!("Bearer {WRONG_TOKEN}")),
        }
    }

    /// Fetches the token now, so that a wrong secret is known before the first request.
    pub(super) async fn prepare(&self) -> Result<(), TransportFailure> {
        match &self.tokens {
            Some(source) => source.token().await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// The server took the token.
    pub(super) async fn accepted(&self, generation: u64) {
        if let Some(source) = &self.tokens {
            source.accepted(generation).await;
        }
    }

    /// The server turned the token down: true if there is a newer one to try.
    pub(super) async fn renew(&self, generation: u64) -> Result<bool, TransportFailure> {
        match &self.tokens {
            Some(source) => source.renew(generation).await,
            None => Ok(false),
        }
    }

    /// Every text that must not be seen in a report.
    pub(super) fn secrets(&self) -> Vec<SecretString> {
        let mut secrets = match &self.credentials {
            Credentials::None => Vec::new(),
            Credentials::Bearer(token) => vec![token.clone()],
            Credentials::Basic { user, password } => {
                vec![password.clone(), SecretString::from(basic_pair(user, password))]
            }
            Credentials::Header { value, .. } => vec![value.clone()],
            Credentials::OAuth(config) => config.secrets(),
        };
        secrets.extend(self.tokens.iter().flat_map(TokenSource::fetched));
        let encoded: Vec<SecretString> = secrets
            .iter()
            .map(|s| (s.expose_secret(), encode_query_value(s.expose_secret())))
            .filter(|(plain, encoded)| plain != encoded)
            .map(|(_, encoded)| SecretString::from(encoded))
            .collect();
        secrets.extend(encoded);
        secrets.retain(|s| !s.expose_secret().is_empty());
        secrets
    }
}

pub(super) fn basic_pair(user: &str, password: &SecretString) -> String {
    STANDARD.encode(format!("{user}:{}", password.expose_secret()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site {
        Site { what: "GET /Users".into(), origin: "http://localhost".into(), option: "--base-url" }
    }

    fn header(credentials: Credentials, kind: AuthKind) -> Option<(String, String)> {
        let signer = Signer { credentials, tokens: None };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let signature = runtime.block_on(signer.sign(kind, &site())).unwrap();
        signature.header.map(|(n, v)| (n, v.expose_secret().to_owned()))
    }

    #[test]
    fn each_kind_has_its_form() {
        let bearer = || Credentials::bearer(SecretString::from("t0p")).unwrap();
        let value = |kind| header(bearer(), kind).map(|(_, v)| v);
        assert_eq!(value(AuthKind::Configured).unwrap(), "Bearer t0p");
        assert_eq!(value(AuthKind::None), None);
        assert_eq!(value(AuthKind::EmptyBearer).unwrap(), "Bearer ");
        assert_eq!(value(AuthKind::Wrong).unwrap(), format!("Bearer {WRONG_TOKEN}"));
        assert_eq!(value(AuthKind::WrongScheme).unwrap(), "Basic t0p");
        assert_eq!(value(AuthKind::LowercaseScheme).unwrap(), "bearer t0p");
        assert_eq!(value(AuthKind::Query), None);
    }

    #[test]
    fn a_secret_has_changed_forms_unless_it_is_short() {
        let bearer = Credentials::bearer(SecretString::from("t0p-Secret")).unwrap();
        let value = |kind| header(bearer.clone(), kind).unwrap().1;
        assert_eq!(value(AuthKind::CutShort), "Bearer t0p-Secre");
        assert_eq!(value(AuthKind::Lengthened), "Bearer t0p-Secretscimmore");
        assert_eq!(value(AuthKind::OtherCase), "Bearer T0P-sECRET");
        let padded = Credentials::bearer(SecretString::from("QUJDREVGRw==")).unwrap();
        let value = |kind| header(padded.clone(), kind).unwrap().1;
        assert_eq!(value(AuthKind::CutShort), "Bearer QUJDREVGR");
        assert_eq!(value(AuthKind::Lengthened), "Bearer QUJDREVGRwscimmore==");
        let basic = Credentials::basic(&SecretString::from("alice:t0p-Secret")).unwrap();
        let pair = basic_pair("alice", &SecretString::from("t0p-Secre"));
        assert_eq!(header(basic, AuthKind::CutShort).unwrap().1, format!("Basic {pair}"));
        let own = Credentials::header("X-Api-Key", SecretString::from("t0p-Secret")).unwrap();
        assert_eq!(header(own, AuthKind::OtherCase).unwrap().1, "T0P-sECRET");
        for (secret, kind) in [("s3cret", AuthKind::CutShort), ("1234567890", AuthKind::OtherCase)] {
            let signer = Signer { credentials: Credentials::bearer(SecretString::from(secret)).unwrap(), tokens: None };
            assert_eq!(signer.lacks_form(kind).as_deref(), Some(NO_CHANGED_FORM), "{secret}");
        }
    }

    #[test]
    fn basic_and_own_headers_have_a_wrong_form_too() {
        let basic = Credentials::basic(&SecretString::from("alice:a:b")).unwrap();
        assert_eq!(header(basic.clone(), AuthKind::Configured).unwrap().1, "Basic YWxpY2U6YTpi");
        assert_ne!(header(basic, AuthKind::Wrong).unwrap().1, "Basic YWxpY2U6YTpi");
        let own = Credentials::header("X-Api-Key", SecretString::from("k")).unwrap();
        assert_eq!(header(own.clone(), AuthKind::Configured).unwrap(), ("X-Api-Key".into(), "k".into()));
        assert_eq!(header(own, AuthKind::Wrong).unwrap().1, WRONG_TOKEN);
    }

    #[test]
    fn unusable_tokens_are_refused_without_showing_them() {
        for token in ["Bearer hidden", "hid\nden", "hiddén", ""] {
            let error = Credentials::bearer(SecretString::from(token)).unwrap_err().to_string();
            assert!(!error.contains("hid"), "{error}");
        }
    }

    #[test]
    fn secrets_come_from_variables_files_and_commands() {
        let env = |name: &str| (name == "SET").then(|| "s3\n".to_owned());
        let read = |source| secret_from(&source, &env).map(|s| s.expose_secret().to_owned());
        assert_eq!(read(SecretSource::Env("SET".into())).unwrap(), "s3");
        let error = read(SecretSource::Env("UNSET".into())).unwrap_err().to_string();
        assert_eq!(error, "no secret from environment variable `UNSET`: it is not set");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "\u{feff}f1le\r\n").unwrap();
        assert_eq!(read(SecretSource::File(file.path().into())).unwrap(), "f1le");
        std::fs::write(file.path(), "two\nlines").unwrap();
        assert!(read(SecretSource::File(file.path().into())).unwrap_err().to_string().ends_with("more than one line"));
        assert!(read(SecretSource::File("no/such/file".into())).is_err());
        assert_eq!(read(SecretSource::Command("echo c0mmand".into())).unwrap(), "c0mmand");
        assert!(read(SecretSource::Command("exit 3".into())).is_err());
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let shown = format!("{:?}", Credentials::bearer(SecretString::from("t0psecret")).unwrap());
        assert!(!shown.contains("t0psecret"), "{shown}");
    }
}
