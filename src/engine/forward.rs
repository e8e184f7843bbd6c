//! Passes a foreign client's request on as it is: with its own credentials, unsigned by us, nothing added.
//!
//! Must not follow redirects, and must not send anything outside of the target: the fence and the bounds are those of a run.

use super::body;
use super::error::Site;
use super::http::{Http, Outgoing};
use crate::exchange::{AuthKind, Exchange, Request, TransportFailure};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use std::time::Instant;
use time::OffsetDateTime;

/// Headers of one hop (RFC 9110 §7.6.1), and those that the client library writes by itself.
const ONE_HOP: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "trailers",
    "transfer-encoding",
    "upgrade",
    "host",
    "content-length",
    "expect",
];

/// Headers without those that end at this hop, and without those that `Connection` names.
pub fn end_to_end(headers: &[(String, String)]) -> Vec<(String, String)> {
    let named: Vec<String> = headers
        .iter()
        .filter(|(n, _)| n.eq_ignore_ascii_case("connection"))
        .flat_map(|(_, v)| v.split(',').map(|n| n.trim().to_ascii_lowercase()))
        .collect();
    let ends_here = |name: &str| {
        let lower = name.to_ascii_lowercase();
        ONE_HOP.contains(&lower.as_str()) || named.contains(&lower)
    };
    headers.iter().filter(|(n, _)| !ends_here(n)).cloned().collect()
}

impl Http {
    /// Sends a request as its client wrote it. Whatever happens is in the exchange.
    pub async fn forward(&self, out: Outgoing) -> Exchange {
        let site =
            Site { what: format!("{} {}", out.method, out.path()), origin: self.target().origin(), option: "--target" };
        let (path, query) = out.target.split_once('?').map_or((out.target.as_str(), None), |(p, q)| (p, Some(q)));
        let base = self.target().base_url.as_str().trim_end_matches('/');
        let record = Request {
            method: out.method.clone(),
            url: format!("{base}{}", out.target),
            path: path.to_owned(),
            query: query.map(str::to_owned),
            headers: end_to_end(&out.headers),
            body: out.body.clone(),
            auth: AuthKind::Configured,
        };
        let started = OffsetDateTime::now_utc();
        let clock = Instant::now();
        let outcome = match self.passed_on(&out, &record.headers, &site) {
            Ok(request) => body::exchange(self.client(), request, &self.target().limits, &site).await,
            Err(failure) => Err(failure),
        };
        Exchange { request: record, outcome, duration: clock.elapsed(), started: Some(started) }
    }

    fn passed_on(
        &self,
        out: &Outgoing,
        headers: &[(String, String)],
        site: &Site,
    ) -> Result<reqwest::Request, TransportFailure> {
        let method = reqwest::Method::from_bytes(out.method.as_bytes())
            .map_err(|_| site.refusal("this is no HTTP method".into()))?;
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let refuse = |_| site.refusal(format!("header `{name}` cannot be sent"));
            let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| refuse(()))?;
            map.append(HeaderName::from_bytes(name.as_bytes()).map_err(|_| refuse(()))?, value);
        }
        let mut request = reqwest::Request::new(method, self.target().join(&out.target, site)?);
        *request.headers_mut() = map;
        *request.body_mut() = out.body.clone().map(reqwest::Body::from);
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_one_hop_ends_here() {
        let headers = [
            ("Host", "a"),
            ("Connection", "close, X-Own"),
            ("X-Own", "1"),
            ("Transfer-Encoding", "chunked"),
            ("Authorization", "Bearer x"),
            ("accept", "a"),
            ("accept", "b"),
        ];
        let headers: Vec<(String, String)> = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let kept: Vec<String> = end_to_end(&headers).into_iter().map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(kept, ["Authorization=Bearer x", "accept=a", "accept=b"]);
    }
}
