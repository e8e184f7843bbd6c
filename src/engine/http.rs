//! Sends requests as an identity provider would write them, and gives back what came over the wire, with times.
//!
//! Must not judge an answer. Follows no redirect, retries no answer, and sends credentials to the base URL's origin only.

pub use super::auth::Credentials;
pub use super::target::{Limits, ProxyChoice, Target};

use super::auth::{Signature, Signer};
use super::body;
use super::error::{EngineError, Site};
use super::target::is_loopback;
use super::tls::Trust;
use crate::exchange::{AuthKind, Exchange, Request, Response, TransportFailure};
use reqwest::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use secrecy::{ExposeSecret, SecretString};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use url::Url;

/// A request before it is signed.
#[derive(Debug, Clone, Default)]
pub struct Outgoing {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query below the base URL, exactly as they are to be sent.
    pub target: String,
    /// Headers of profile and scenario; of two with one name, the last counts.
    pub headers: Vec<(String, String)>,
    /// Body bytes.
    pub body: Option<Vec<u8>>,
    /// Which credentials it carries.
    pub auth: AuthKind,
    /// No `User-Agent` at all, as a scenario or a recording has it; otherwise a request that names none is sent in our own name.
    pub nameless: bool,
}

impl Outgoing {
    /// Path below the base URL, without the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

/// The client of a run. One for all cases: connections are shared, the rate limit holds for the whole run.
pub struct Http {
    target: Target,
    client: reqwest::Client,
    main: Signer,
    other: Option<Signer>,
    pace: Option<Pace>,
    sent: AtomicU64,
}

impl Http {
    /// Checks everything that can be checked without a request.
    pub fn new(target: Target) -> Result<Self, EngineError> {
        let mut target = target.settle()?;
        adopt_authorization_header(&mut target)?;
        for (name, value) in &target.extra_headers {
            header_pair(name, value).map_err(|why| EngineError::Header { name: name.clone(), why })?;
        }
        let trust = Trust::load(&target.tls)?;
        let other = target.other.as_ref().map(|c| Signer::new(c, &target, &trust)).transpose()?;
        Ok(Self {
            client: trust.client(&target.base_url, &target.limits, &target.proxy)?,
            main: Signer::new(&target.credentials, &target, &trust)?,
            other,
            pace: target.rate.map(Pace::new),
            sent: AtomicU64::new(0),
            target,
        })
    }

    /// Gets the access tokens now, so that a wrong client secret ends the run before it begins.
    pub async fn sign_in(&self) -> Result<(), EngineError> {
        for signer in std::iter::once(&self.main).chain(&self.other) {
            signer.prepare().await.map_err(EngineError::SignIn)?;
        }
        Ok(())
    }

    /// Sends one request. Whatever happens is in the exchange.
    pub async fn send(&self, out: Outgoing) -> Exchange {
        let site =
            Site { what: format!("{} {}", out.method, out.path()), origin: self.target.origin(), option: "--base-url" };
        let mut first = self.send_once(&out, &site).await;
        if hung_up(&first.0) {
            first = self.send_once(&out, &site).await;
        }
        let (exchange, Some(generation)) = first else {
            return first.0;
        };
        let signer = self.signer(out.auth);
        match (exchange.status(), signer) {
            // An access token ran out in mid-run. A request that was turned down did nothing, so sending it anew is safe.
            (Some(401), Some(signer)) if matches!(signer.renew(generation).await, Ok(true)) => {
                self.send_once(&out, &site).await.0
            }
            (Some(status), Some(signer)) if status != 401 => {
                signer.accepted(generation).await;
                exchange
            }
            _ => exchange,
        }
    }

    /// Requests that went to the server under test so far.
    pub fn requests_sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Every text that no report may show: tokens (fetched ones too), passwords, secret headers, and their encoded forms.
    pub fn secrets(&self) -> Vec<SecretString> {
        let mut secrets = self.main.secrets();
        secrets.extend(self.other.iter().flat_map(Signer::secrets));
        for (name, value) in &self.target.extra_headers {
            if may_hold_secret(name) && !value.is_empty() {
                secrets.push(SecretString::from(value.clone()));
            }
        }
        secrets
    }

    /// Whom we talk to. User and password have left the base URL.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// What the user should know about how safe this is.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.target.tls.insecure {
            warnings.push(
                "the server's certificate is not checked (--insecure): anybody in between can read the token".into(),
            );
        }
        let base = &self.target.base_url;
        if base.scheme() == "http" && !is_loopback(base) && !matches!(self.target.credentials, Credentials::None) {
            warnings.push(format!("the credentials go to {} without encryption", self.target.origin()));
        }
        if let Credentials::OAuth(config) = &self.target.credentials
            && config.token_url.scheme() == "http"
            && !is_loopback(&config.token_url)
        {
            let origin = config.token_url.origin().ascii_serialization();
            warnings.push(format!("client secret and tokens go to and from {origin} without encryption"));
        }
        warnings
    }

    pub(super) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    fn signer(&self, kind: AuthKind) -> Option<&Signer> {
        match kind {
            AuthKind::Other => self.other.as_ref(),
            _ => Some(&self.main),
        }
    }

    /// Why requests cannot carry credentials of that kind; `None` when they can.
    pub fn lacks_form(&self, kind: AuthKind) -> Option<String> {
        match self.signer(kind) {
            Some(signer) => signer.lacks_form(kind),
            None => Some("no second tenant: give --other-token-env".to_owned()),
        }
    }

    /// Sends once; the number is that of the fetched token it carried.
    async fn send_once(&self, out: &Outgoing, site: &Site) -> (Exchange, Option<u64>) {
        let mut record = self.blank_record(out);
        let prepared = self.prepare(out, site, &mut record).await;
        let (request, generation) = match prepared {
            Ok(prepared) => prepared,
            Err(failure) => return (unsent(record, failure), None),
        };
        if let Some(pace) = &self.pace {
            pace.wait().await;
        }
        self.sent.fetch_add(1, Ordering::Relaxed);
        let started = OffsetDateTime::now_utc();
        let clock = Instant::now();
        let outcome = body::exchange(&self.client, request, &self.target.limits, site).await;
        let exchange = Exchange { request: record, outcome, duration: clock.elapsed(), started: Some(started) };
        (exchange, generation)
    }

    /// What a report shows of a request that could not even be built.
    fn blank_record(&self, out: &Outgoing) -> Request {
        let (path, query) = match out.target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (out.target.as_str(), None),
        };
        let base = self.target.base_url.as_str().trim_end_matches('/');
        Request {
            method: out.method.clone(),
            url: format!("{base}{}", out.target),
            path: path.to_owned(),
            query,
            headers: out.headers.clone(),
            body: out.body.clone(),
            auth: out.auth,
        }
    }

    /// Signs and builds; fills `record` with what will be on the wire.
    async fn prepare(
        &self,
        out: &Outgoing,
        site: &Site,
        record: &mut Request,
    ) -> Result<(reqwest::Request, Option<u64>), TransportFailure> {
        let method = reqwest::Method::from_bytes(out.method.as_bytes())
            .map_err(|_| site.refusal("this is no HTTP method".into()))?;
        // Before the credentials: nothing may sign in for a request that must not go out.
        let mut url = self.target.join(&out.target, site)?;
        let signer = self
            .signer(out.auth)
            .ok_or_else(|| site.refusal("the second tenant's credentials are not given (--other-token-env)".into()))?;
        let signature = signer.sign(out.auth, site).await?;
        if let Some(token) = &signature.query {
            url = with_access_token(url, token, site)?;
        }
        let headers = self.headers(out, &signature).map_err(|why| site.refusal(why))?;
        record.url = url.to_string();
        record.path = self.target.path_below(&url);
        record.query = url.query().map(str::to_owned);
        record.headers = headers.iter().map(|(k, v)| (title_case(k.as_str()), text(v))).collect();
        let mut request = reqwest::Request::new(method, url);
        *request.headers_mut() = headers;
        *request.body_mut() = out.body.clone().map(reqwest::Body::from);
        Ok((request, signature.generation))
    }

    fn headers(&self, out: &Outgoing, signature: &Signature) -> Result<HeaderMap, String> {
        let mut map = HeaderMap::new();
        for (name, value) in out.headers.iter().chain(&self.target.extra_headers) {
            let (name, value) = header_pair(name, value).map_err(|why| format!("header `{name}`: {why}"))?;
            // The client library counts the bytes itself; a recorded number would be wrong as soon as a name differs in length.
            if name != CONTENT_LENGTH && name != TRANSFER_ENCODING {
                map.insert(name, value);
            }
        }
        if let Some((name, secret)) = &signature.header {
            let (name, mut value) = header_pair(name, secret.expose_secret())?;
            value.set_sensitive(true);
            map.insert(name, value);
        }
        // The library would add its own `Accept`; written here, the record shows it.
        let accept = HeaderValue::from_static("*/*");
        map.entry(reqwest::header::ACCEPT).or_insert(accept);
        let agent = HeaderValue::from_static(concat!("scimproof/", env!("CARGO_PKG_VERSION")));
        if !out.nameless {
            map.entry(reqwest::header::USER_AGENT).or_insert(agent);
        }
        Ok(map)
    }
}

/// A server may end a kept connection in the very moment in which the next request is sent (after a crash many do). What only
/// reads is asked once more, on a connection of its own (RFC 9112 §9.3.1); who hangs up on that one, too, means it.
fn hung_up(exchange: &Exchange) -> bool {
    let reads = matches!(exchange.request.method.as_str(), "GET" | "HEAD");
    reads && exchange.hung_up()
}

/// Whether the value of a header of that name is better not shown.
pub fn may_hold_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["auth", "token", "key", "secret", "cookie", "password"].iter().any(|t| name.contains(t))
}

fn unsent(request: Request, failure: TransportFailure) -> Exchange {
    Exchange { request, outcome: Err(failure), duration: Duration::ZERO, started: Some(OffsetDateTime::now_utc()) }
}

/// `--header "Authorization: …"` is a way to give credentials: as such, requests without or with wrong ones can be built.
fn adopt_authorization_header(target: &mut Target) -> Result<(), EngineError> {
    let place = target.extra_headers.iter().position(|(n, _)| n.trim().eq_ignore_ascii_case("authorization"));
    let Some(place) = place else { return Ok(()) };
    if !matches!(target.credentials, Credentials::None) {
        return Err(EngineError::Credentials(
            "an `Authorization` header is given beside other credentials; choose one".into(),
        ));
    }
    let (name, value) = target.extra_headers.remove(place);
    target.credentials = Credentials::header(name.trim(), SecretString::from(value.trim().to_owned()))?;
    Ok(())
}

fn header_pair(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let name =
        HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| "the name is not allowed in HTTP".to_owned())?;
    let value = HeaderValue::from_bytes(value.as_bytes())
        .map_err(|_| "the value holds a line break or another control character".to_owned())?;
    Ok((name, value))
}

/// RFC 6750 §2.3, which RFC 6750 itself says should not be used: servers should turn it down.
fn with_access_token(url: Url, token: &SecretString, site: &Site) -> Result<Url, TransportFailure> {
    let sign = if url.query().is_some_and(|q| !q.is_empty()) { "&" } else { "?" };
    let plain = url.as_str().trim_end_matches('?');
    Url::parse(&format!("{plain}{sign}access_token={}", token.expose_secret()))
        .map_err(|e| site.refusal(format!("the URL cannot be built: {e}")))
}

/// As `http1_title_case_headers` writes it.
fn title_case(name: &str) -> String {
    let mut up = true;
    name.chars()
        .map(|c| {
            let c = if up { c.to_ascii_uppercase() } else { c };
            up = c == '-';
            c
        })
        .collect()
}

fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// How long a 429 or 503 asks us to wait (RFC 9110 §10.2.3), at most `cap`; `None` when it does not say.
pub fn retry_after(response: &Response, now: OffsetDateTime, cap: Duration) -> Option<Duration> {
    let value = response.header("retry-after")?.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than a u64 holds are still "very long".
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)).min(cap));
    }
    let date = OffsetDateTime::parse(value, &time::format_description::well_known::Rfc2822).ok()?;
    let wait = Duration::try_from(date - now).unwrap_or(Duration::ZERO);
    Some(wait.min(cap))
}

/// Evenly spaced starts: request n+1 leaves at least `1/rate` after request n.
struct Pace {
    gap: Duration,
    next: std::sync::Mutex<Option<tokio::time::Instant>>,
}

impl Pace {
    fn new(rate: f64) -> Self {
        Self {
            // An hour between two requests is slower than anybody means.
            gap: Duration::from_secs_f64((1.0 / rate).min(3600.0)),
            next: std::sync::Mutex::new(None),
        }
    }

    async fn wait(&self) {
        let slot = {
            let mut next = self.next.lock().expect("nothing panics while holding it");
            let now = tokio::time::Instant::now();
            let slot = next.map_or(now, |n| n.max(now));
            *next = Some(slot + self.gap);
            slot
        };
        tokio::time::sleep_until(slot).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(value: &str) -> Response {
        Response::new(429, vec![("retry-after".into(), value.into())], Vec::new())
    }

    #[test]
    fn absurd_waits_are_capped_and_nonsense_is_none() {
        let now = time::macros::datetime!(2026-01-01 00:00:00 UTC);
        let cap = Duration::from_secs(60);
        let wait = |v: &str| retry_after(&answer(v), now, cap).map(|d| d.as_secs());
        assert_eq!(wait("3"), Some(3));
        assert_eq!(wait("99999999999999999999999999"), Some(60));
        assert_eq!(wait("Thu, 01 Jan 2026 00:00:07 GMT"), Some(7));
        assert_eq!(wait("Thu, 01 Jan 2015 00:00:07 GMT"), Some(0));
        assert_eq!(wait("Wed, 31 Dec 2098 00:00:07 GMT"), Some(60));
        assert_eq!(wait("-1"), None);
        assert_eq!(wait(""), None);
        assert_eq!(wait("soon"), None);
    }

    #[test]
    fn an_authorization_header_becomes_the_credentials() {
        let mut target = Target::new(Url::parse("http://localhost").unwrap());
        target.extra_headers = vec![("authorization".into(), "Bearer abc".into()), ("X-Tenant".into(), "7".into())];
        let http = Http::new(target.clone()).unwrap();
        assert!(matches!(http.target().credentials, Credentials::Bearer(_)));
        assert_eq!(http.target().extra_headers.len(), 1);
        assert_eq!(http.secrets().len(), 1);
        target.credentials = Credentials::Bearer(SecretString::from("x"));
        assert!(Http::new(target).is_err());
    }

    #[test]
    fn header_names_are_recorded_as_they_are_sent() {
        assert_eq!(title_case("content-type"), "Content-Type");
        assert_eq!(title_case("x-api-key"), "X-Api-Key");
    }
}
