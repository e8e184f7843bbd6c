//! What a token endpoint answers (RFC 6749 §5.1, §5.2), and what the user is told when it is no token.
//!
//! Must not trust a word of it: sizes are bounded by who read it, texts are cleaned before they are shown.

use super::{ClientAuth, Grant, Token, TokenSource};
use crate::engine::error::clean_text;
use crate::exchange::{Response, TransportFailure};
use secrecy::SecretString;
use serde_json::Value;
use std::time::{Duration, Instant};

impl TokenSource {
    pub(super) fn read_answer(
        &self,
        response: &Response,
        asked: Instant,
        grant: &Grant,
    ) -> Result<(Token, Option<SecretString>), TransportFailure> {
        if !(200..300).contains(&response.status) {
            return Err(self.refused(response, grant));
        }
        let Some(json) = response.json() else {
            return Err(self.broken(response, "did not answer JSON"));
        };
        // Some servers refuse with 200 and say so only in the body.
        if json.get("error").is_some_and(Value::is_string) && json.get("access_token").is_none() {
            return Err(self.refused(response, grant));
        }
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

    fn broken(&self, response: &Response, what: &str) -> TransportFailure {
        let page = if looks_like_html(response) {
            " It sent a web page: is this the token URL, and not the one for signing in with a browser?"
        } else {
            ""
        };
        self.failure(&format!("failed: the server {what} (status {}).{page}", response.status))
    }

    /// RFC 6749 §5.2.
    fn refused(&self, response: &Response, grant: &Grant) -> TransportFailure {
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
        let detail = field("error_description").map(|d| format!(": {}", clean_text(d, 200)));
        let text = format!(
            "failed: status {}, `{}`{}. {}",
            response.status,
            clean_text(code, 60),
            detail.unwrap_or_default().trim_end_matches('.'),
            advice(code, self.config.client_auth, grant)
        );
        self.failure(text.trim_end())
    }
}

/// What to try, by the error code.
fn advice(code: &str, client_auth: ClientAuth, grant: &Grant) -> &'static str {
    match (code, client_auth, grant) {
        ("invalid_client" | "unauthorized_client", ClientAuth::Body, _) => {
            "Check client id and secret; some servers want them as basic credentials."
        }
        ("invalid_client" | "unauthorized_client", ClientAuth::Basic, _) => {
            "Check client id and secret; some servers want them in the form."
        }
        ("invalid_grant", _, Grant::AuthorizationCode(_)) => {
            "The code from the browser was not taken: it is good once and for a minute or so, and only with the redirect URL \
             that is registered for this client. Sign in anew."
        }
        ("invalid_grant", _, _) => {
            "The refresh token has expired, was used up or belongs to another client: sign in anew."
        }
        ("invalid_scope", _, _) => "Check the scope.",
        ("unsupported_grant_type", _, _) => "The server does not offer this grant to this client.",
        _ => "",
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
