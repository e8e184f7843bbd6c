//! The part of an authorization code sign-in that a person does in a browser (RFC 6749 §4.1, RFC 7636, RFC 8252).
//!
//! Must not print and not open a browser: who calls shows [`Pending::url`]. What arrives at the loopback address may come from
//! any page that the browser shows, so nothing counts that does not carry the `state` made here.

use super::{Code, Grant, OAuthConfig};
use crate::engine::error::{EngineError, clean_text};
use crate::engine::target::{encode_query_value, is_loopback};
use crate::exchange::{FailureKind, TransportFailure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use url::{Host, Url};

/// Where the browser is sent back to unless the user names another place; a free port is chosen (RFC 8252 §7.3).
pub const DEFAULT_REDIRECT: &str = "http://127.0.0.1/callback";

/// How long one connection may take to say what it wants.
const REQUEST_TIME: Duration = Duration::from_secs(10);

/// Longer request heads are no redirect of a browser.
const HEAD_LIMIT: usize = 64 << 10;

/// A sign-in that waits for the person at the browser.
pub struct Pending {
    /// To be opened in a browser. It holds no secret: the challenge is a digest, the state is good for this sign-in only.
    pub url: Url,
    listener: TcpListener,
    redirect: Url,
    state: String,
    verifier: SecretString,
}

impl Pending {
    /// Listens on the redirect address and makes the URL for the browser.
    pub async fn open(config: &OAuthConfig, authorize_url: &Url, redirect: &Url) -> Result<Self, EngineError> {
        if !matches!(authorize_url.scheme(), "http" | "https") || !authorize_url.has_host() {
            return Err(EngineError::Credentials("the authorization URL must begin with https:// or http://".into()));
        }
        let (listener, redirect) = listen(redirect).await?;
        // Twice 122 random bits; RFC 7636 §7.1 asks for 256 bits of which an attacker knows none, RFC 6749 §10.10 for 128.
        let random = || format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
        let (state, verifier) = (random(), SecretString::from(random()));
        let url = browser_url(config, authorize_url, &redirect, &state, &verifier);
        Ok(Self { url, listener, redirect, state, verifier })
    }

    /// Where the browser will be sent back to; servers want it registered for the client.
    pub fn redirect(&self) -> &Url {
        &self.redirect
    }

    /// The code that the browser brings, or why it brought none.
    pub async fn wait(self, limit: Duration) -> Result<Grant, EngineError> {
        let Self { url, listener, redirect, state, verifier } = self;
        let origin = url.origin().ascii_serialization();
        let answered = tokio::time::timeout(limit, first_answer(&listener, &redirect)).await;
        let failed = |text: String| Err(failure(&origin, &text));
        match answered {
            Err(_) => failed(format!(
                "was not finished within {} s: nobody came back to {redirect}. Is that address registered for this client? \
                 Where nobody can sign in with a browser, give a refresh token (--oauth-refresh-token-env).",
                limit.as_secs_f64()
            )),
            Ok(query) => match read_redirect(&query, &state) {
                Err(text) => failed(text),
                Ok(code) => {
                    Ok(Grant::AuthorizationCode(Code { code, redirect_uri: redirect.as_str().to_owned(), verifier }))
                }
            },
        }
    }
}

fn failure(origin: &str, text: &str) -> EngineError {
    let message = format!("sign-in with a browser at {origin} {text}");
    EngineError::SignIn(TransportFailure { kind: FailureKind::Refusal, message, repeated: false })
}

/// RFC 8252 §7.3: the loopback interface, and any port that is free unless one is named.
async fn listen(redirect: &Url) -> Result<(TcpListener, Url), EngineError> {
    let refuse = |why: &str| EngineError::Credentials(format!("the redirect URL `{redirect}` cannot be used: {why}"));
    if redirect.scheme() != "http" || !is_loopback(redirect) {
        return Err(refuse(
            "it must be http:// and 127.0.0.1, [::1] or localhost, because the browser comes back to this machine",
        ));
    }
    if redirect.query().is_some() || redirect.fragment().is_some() {
        return Err(refuse("leave out what begins with ? or #"));
    }
    let host = match redirect.host() {
        Some(Host::Ipv6(_)) => "[::1]",
        _ => "127.0.0.1",
    };
    // `Url` hides port 80, because it is the default of http; nobody may listen there without being root anyway.
    let port = redirect.port().unwrap_or(0);
    let told = |e: std::io::Error| refuse(&format!("this machine does not let us listen there ({e})"));
    let listener = TcpListener::bind(format!("{host}:{port}")).await.map_err(told)?;
    let port = listener.local_addr().map_err(told)?.port();
    let mut redirect = redirect.clone();
    // Only URLs without a host refuse a port.
    let _ = redirect.set_port(Some(port));
    Ok((listener, redirect))
}

/// RFC 6749 §4.1.1 with RFC 7636 §4.3. A query that the URL has already is kept (RFC 6749 §3.1).
fn browser_url(config: &OAuthConfig, base: &Url, redirect: &Url, state: &str, verifier: &SecretString) -> Url {
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.expose_secret().as_bytes()));
    let mut fields = vec![
        ("response_type", "code"),
        ("client_id", config.client_id.as_str()),
        ("redirect_uri", redirect.as_str()),
        ("state", state),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    fields.extend(config.scope.as_deref().map(|scope| ("scope", scope)));
    let added: Vec<String> = fields.iter().map(|(k, v)| format!("{k}={}", encode_query_value(v))).collect();
    let mut url = base.clone();
    let query = match base.query().filter(|q| !q.is_empty()) {
        Some(query) => format!("{query}&{}", added.join("&")),
        None => added.join("&"),
    };
    url.set_query(Some(&query));
    url.set_fragment(None);
    url
}

/// The query of the first request for the redirect address. Browsers also ask for icons and open connections that they never use.
async fn first_answer(listener: &TcpListener, redirect: &Url) -> String {
    let (found, mut queries) = mpsc::channel(1);
    loop {
        tokio::select! {
            Some(query) = queries.recv() => return query,
            Ok((stream, _)) = listener.accept() => {
                let (found, path) = (found.clone(), redirect.path().to_owned());
                tokio::spawn(async move {
                    if let Ok(Some(query)) = tokio::time::timeout(REQUEST_TIME, serve_browser(stream, &path)).await {
                        // Nobody listens any more when another one was faster.
                        let _ = found.send(query).await;
                    }
                });
            }
        }
    }
}

/// Answers one request; the query when it was the redirect.
async fn serve_browser(mut stream: TcpStream, path: &str) -> Option<String> {
    let head = read_head(&mut stream).await?;
    let mut words = head.lines().next()?.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let (asked, query) = target.split_once('?').unwrap_or((target, ""));
    let ours = method == "GET" && asked == path;
    let (status, page) = match ours {
        // Nothing of the request is repeated: it may come from anybody.
        true => ("200 OK", "The answer has arrived. Go back to the terminal; this page can be closed."),
        false => ("404 Not Found", "Nothing is here."),
    };
    let length = page.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\nCache-Control: no-store\r\n\
         Referrer-Policy: no-referrer\r\nConnection: close\r\n\r\n{page}"
    );
    // Whether the browser shows the page does not matter.
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
    ours.then(|| query.to_owned())
}

async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut chunk = [0; 4096];
    while !head.windows(4).any(|w| w == b"\r\n\r\n") {
        let count = stream.read(&mut chunk).await.ok()?;
        if count == 0 || head.len() > HEAD_LIMIT {
            return None;
        }
        head.extend_from_slice(&chunk[..count]);
    }
    String::from_utf8(head).ok()
}

/// RFC 6749 §4.1.2 and §4.1.2.1: the code, or what to tell the user.
fn read_redirect(query: &str, state: &str) -> Result<SecretString, String> {
    let field = |name: &str| {
        let hit = url::form_urlencoded::parse(query.as_bytes()).find(|(k, _)| k == name);
        hit.map(|(_, v)| v.into_owned())
    };
    let error = field("error");
    let came = field("state");
    // A refusal without state ends the sign-in and nothing else, so it may be believed.
    if came.as_deref() != Some(state) && (error.is_none() || came.is_some()) {
        return Err(
            "failed: the answer that came back has another `state` than the one that was asked for. It was not used: \
                    somebody else may have sent it (RFC 6749 §10.12), or an old tab was opened again. Sign in anew."
                .to_owned(),
        );
    }
    if let Some(error) = error {
        let detail = field("error_description").map(|d| format!(": {}", clean_text(&d, 200))).unwrap_or_default();
        let advice = match error.as_str() {
            "access_denied" => " Consent was denied in the browser, or this person may not give it.",
            "invalid_scope" => " Check the scope.",
            "unauthorized_client" | "unsupported_response_type" => {
                " The server does not offer the authorization code grant to this client."
            }
            _ => "",
        };
        let detail = detail.trim_end_matches('.');
        return Err(format!("failed: `{}`{detail}.{advice}", clean_text(&error, 60)));
    }
    match field("code").filter(|c| !c.is_empty()) {
        Some(code) => Ok(SecretString::from(code)),
        None => Err("failed: the browser came back with neither `code` nor `error`.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ClientAuth;

    fn config() -> OAuthConfig {
        OAuthConfig {
            token_url: Url::parse("https://id.example.com/token").expect("URL"),
            client_id: "a b".into(),
            client_secret: None,
            grant: Grant::ClientCredentials,
            client_auth: ClientAuth::Body,
            scope: Some("scim offline_access".into()),
            extra: Vec::new(),
            listener: None,
        }
    }

    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        // RFC 7636 appendix B.
        let verifier = SecretString::from("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        let base = Url::parse("https://id.example.com/authorize?prompt=consent#x").expect("URL");
        let redirect = Url::parse("http://127.0.0.1:9/callback").expect("URL");
        let url = browser_url(&config(), &base, &redirect, "st", &verifier);
        assert_eq!(
            url.as_str(),
            "https://id.example.com/authorize?prompt=consent&response_type=code&client_id=a%20b\
             &redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcallback&state=st\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256\
             &scope=scim%20offline_access"
        );
    }

    #[test]
    fn only_an_answer_to_this_question_counts() {
        let read = |query: &str| read_redirect(query, "good").map(|c| c.expose_secret().to_owned());
        assert_eq!(read("code=a%2Fb&state=good"), Ok("a/b".to_owned()));
        for query in ["code=a&state=bad", "code=a", "", "error=access_denied&state=bad"] {
            assert!(read(query).expect_err("refused").contains("another `state`"), "{query}");
        }
        let denied = read("error=access_denied&error_description=No%1b%5B31m+way.&state=good").expect_err("refused");
        assert_eq!(
            denied,
            "failed: `access_denied`: No [31m way. Consent was denied in the browser, or this person may not give it."
        );
        assert!(read("error=server_error").expect_err("refused").contains("server_error"));
        assert!(read("state=good").expect_err("refused").contains("neither"));
    }

    #[tokio::test]
    async fn only_this_machine_can_be_the_redirect() {
        for url in ["http://example.com/callback", "https://127.0.0.1/callback", "http://127.0.0.1/callback?x=1"] {
            assert!(listen(&Url::parse(url).expect("URL")).await.is_err(), "{url}");
        }
        for url in [DEFAULT_REDIRECT, "http://localhost/cb", "http://127.0.0.1:0/"] {
            let (listener, redirect) = listen(&Url::parse(url).expect("URL")).await.expect("listens");
            assert_eq!(redirect.port(), listener.local_addr().ok().map(|a| a.port()), "{url}");
        }
    }
}
