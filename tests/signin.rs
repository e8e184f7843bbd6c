//! Signing in at a token endpoint: the token is fetched once, renewed when it runs out, and every refusal says what to change.

mod support;

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use scimproof::engine::{ClientAuth, Code, Credentials, EngineError, Grant, Http, OAuthConfig, Target};
use scimproof::exchange::{AuthKind, FailureKind};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use support::get;
use support::token::{Asked, TokenServer, token_answer};

const SECRET: &str = "cl1ent+s/ecret:x";

fn config(server: &TokenServer) -> OAuthConfig {
    OAuthConfig {
        token_url: server.token_url.clone(),
        client_id: "client 1".into(),
        client_secret: Some(SecretString::from(SECRET)),
        grant: Grant::ClientCredentials,
        client_auth: ClientAuth::Body,
        scope: Some("scim:read scim:write".into()),
        extra: vec![("audience".into(), "https://example.com/".into())],
        listener: None,
    }
}

fn client(server: &TokenServer, config: OAuthConfig) -> Http {
    let mut target = Target::new(server.base_url.clone());
    target.credentials = Credentials::OAuth(Box::new(config));
    target.limits.timeout = Duration::from_secs(2);
    Http::new(target).unwrap()
}

async fn always(answer: impl Fn() -> Response + Send + Sync + 'static) -> TokenServer {
    TokenServer::start(move |_, _| answer(), |_, _| 200).await
}

async fn numbered(lifetime: u64, judge: impl Fn(usize, Option<&str>) -> u16 + Send + Sync + 'static) -> TokenServer {
    TokenServer::start(move |n, _| token_answer(&format!("tok{n}"), lifetime), judge).await
}

fn seen(server: &TokenServer) -> Vec<String> {
    server.calls().into_iter().map(Option::unwrap_or_default).collect()
}

#[tokio::test]
async fn one_token_serves_many_requests_at_once() {
    let server = numbered(3600, |_, _| 200).await;
    let http = Arc::new(client(&server, config(&server)));
    let all: Vec<_> = (0..20)
        .map(|_| {
            let http = http.clone();
            tokio::spawn(async move { http.send(get("/Users")).await.status() })
        })
        .collect();
    for one in all {
        assert_eq!(one.await.unwrap(), Some(200));
    }
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].authorization, None);
    let form: Vec<(&str, &str)> = asked[0].form.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let expected = [
        ("grant_type", "client_credentials"),
        ("client_id", "client 1"),
        ("client_secret", SECRET),
        ("scope", "scim:read scim:write"),
        ("audience", "https://example.com/"),
    ];
    assert_eq!(form, expected);
    assert_eq!(seen(&server), vec!["Bearer tok1"; 20]);
    assert_eq!(http.requests_sent(), 20);
    let secrets: Vec<String> = http.secrets().iter().map(|s| s.expose_secret().to_owned()).collect();
    for secret in [SECRET, "tok1", "cl1ent%2Bs%2Fecret%3Ax"] {
        assert!(secrets.iter().any(|s| s == secret), "{secret} in {secrets:?}");
    }
}

#[tokio::test]
async fn id_and_secret_as_basic_credentials_are_form_encoded_first() {
    let server = numbered(3600, |_, _| 200).await;
    let mut config = config(&server);
    config.client_auth = ClientAuth::Basic;
    client(&server, config).sign_in().await.unwrap();
    let asked = &server.asked()[0];
    // base64 of `client%201:cl1ent%2Bs%2Fecret%3Ax`
    let expected = "Basic Y2xpZW50JTIwMTpjbDFlbnQlMkJzJTJGZWNyZXQlM0F4";
    assert_eq!(asked.authorization.as_deref(), Some(expected));
    assert_eq!((asked.field("client_id"), asked.field("client_secret")), (None, None));
}

#[tokio::test]
async fn a_token_that_runs_out_is_renewed_before_it_is_used() {
    let server = numbered(1, |_, _| 200).await;
    let http = client(&server, config(&server));
    http.send(get("/Users")).await;
    http.send(get("/Users")).await;
    tokio::time::sleep(Duration::from_millis(950)).await;
    http.send(get("/Users")).await;
    assert_eq!(seen(&server), ["Bearer tok1", "Bearer tok1", "Bearer tok2"]);
}

#[tokio::test]
async fn a_401_in_mid_run_renews_once_and_sends_once_more() {
    let server = numbered(3600, |n, auth| if n > 2 && auth == Some("Bearer tok1") { 401 } else { 200 }).await;
    let http = client(&server, config(&server));
    for _ in 0..4 {
        assert_eq!(http.send(get("/Users")).await.status(), Some(200));
    }
    assert_eq!(seen(&server), ["Bearer tok1", "Bearer tok1", "Bearer tok1", "Bearer tok2", "Bearer tok2"]);
    assert_eq!(server.asked().len(), 2);
    assert_eq!(http.requests_sent(), 5);
}

#[tokio::test]
async fn a_server_that_takes_no_token_is_not_knocked_at_twice() {
    let server = numbered(3600, |_, _| 401).await;
    let http = client(&server, config(&server));
    for _ in 0..3 {
        assert_eq!(http.send(get("/Users")).await.status(), Some(401));
    }
    assert_eq!((server.asked().len(), server.calls().len()), (1, 3));
}

#[tokio::test]
async fn a_401_for_deliberately_wrong_credentials_renews_nothing() {
    let server = numbered(3600, |_, auth| if auth == Some("Bearer tok1") { 200 } else { 401 }).await;
    let http = client(&server, config(&server));
    assert_eq!(http.send(get("/Users")).await.status(), Some(200));
    for kind in
        [AuthKind::None, AuthKind::Wrong, AuthKind::EmptyBearer, AuthKind::WrongScheme, AuthKind::LowercaseScheme]
    {
        let mut out = get("/Users");
        out.auth = kind;
        assert_eq!(http.send(out).await.status(), Some(401), "{kind:?}");
    }
    assert_eq!((server.asked().len(), server.calls().len()), (1, 6));
}

#[tokio::test]
async fn a_refresh_token_is_used_and_its_successor_after_it() {
    let script = |n: usize, _: &Asked| {
        let body = json!({ "access_token": format!("tok{n}"), "expires_in": "1", "refresh_token": format!("ref{n}") });
        axum::Json(body).into_response()
    };
    let server = TokenServer::start(script, |_, _| 200).await;
    let mut config = config(&server);
    config.grant = Grant::RefreshToken(SecretString::from("ref0"));
    let http = client(&server, config);
    http.send(get("/Users")).await;
    tokio::time::sleep(Duration::from_millis(950)).await;
    http.send(get("/Users")).await;
    let asked = server.asked();
    let used: Vec<_> = asked.iter().map(|a| (a.field("grant_type"), a.field("refresh_token"))).collect();
    assert_eq!(used, [(Some("refresh_token"), Some("ref0")), (Some("refresh_token"), Some("ref1"))]);
    let secrets: Vec<String> = http.secrets().iter().map(|s| s.expose_secret().to_owned()).collect();
    for secret in ["ref0", "ref1", "ref2", "tok1", "tok2"] {
        assert!(secrets.iter().any(|s| s == secret), "{secret} in {secrets:?}");
    }
}

async fn refusal(answer: impl Fn() -> Response + Send + Sync + 'static) -> String {
    let server = always(answer).await;
    let http = client(&server, config(&server));
    let error = http.sign_in().await.unwrap_err();
    assert!(matches!(&error, EngineError::SignIn(f) if f.kind == FailureKind::Refusal));
    let text = error.to_string();
    assert!(text.starts_with("sign-in (POST /token) at http://127.0.0.1:"), "{text}");
    assert!(!text.contains(SECRET) && !text.contains('\u{1b}'), "{text}");
    // The same request in a run fails for the same reason, and neither knocks again nor reaches the API.
    let exchange = http.send(get("/Users")).await;
    assert_eq!(exchange.outcome.unwrap_err().message, text);
    assert_eq!((server.asked().len(), server.calls().len(), http.requests_sent()), (1, 0, 0));
    text
}

#[tokio::test]
async fn a_wrong_secret_is_said_in_plain_words() {
    let text = refusal(|| {
        let body =
            json!({ "error": "invalid_client", "error_description": format!("\u{1b}[31mno client with {SECRET}") });
        (StatusCode::UNAUTHORIZED, axum::Json(body)).into_response()
    })
    .await;
    let end = "failed: status 401, `invalid_client`: [31mno client with [secret]. \
               Check client id and secret; some servers want them as basic credentials.";
    assert!(text.ends_with(end), "{text}");
}

#[tokio::test]
async fn a_refusal_that_looks_like_success_is_read_as_one() {
    let text = refusal(|| axum::Json(json!({ "error": "invalid_scope" })).into_response()).await;
    assert!(text.ends_with("failed: status 200, `invalid_scope`. Check the scope."), "{text}");
}

#[tokio::test]
async fn without_a_life_only_a_refusal_ends_a_token() {
    let script = |n: usize, _: &Asked| axum::Json(json!({ "access_token": format!("tok{n}") })).into_response();
    let server =
        TokenServer::start(script, |n, auth| if n > 2 && auth == Some("Bearer tok1") { 401 } else { 200 }).await;
    let http = client(&server, config(&server));
    for _ in 0..3 {
        assert_eq!(http.send(get("/Users")).await.status(), Some(200));
    }
    assert_eq!(seen(&server), ["Bearer tok1", "Bearer tok1", "Bearer tok1", "Bearer tok2"]);
}

#[tokio::test]
async fn an_authorization_code_is_traded_once_and_ends_without_a_refresh_token() {
    let script = |n: usize, _: &Asked| axum::Json(json!({ "access_token": format!("tok{n}") })).into_response();
    let server = TokenServer::start(script, |n, _| if n > 1 { 401 } else { 200 }).await;
    let mut config = config(&server);
    config.grant = Grant::AuthorizationCode(Code {
        code: SecretString::from("c0de"),
        redirect_uri: "http://127.0.0.1:9/callback".into(),
        verifier: SecretString::from("ver1fier"),
    });
    let http = client(&server, config);
    assert_eq!(http.send(get("/Users")).await.status(), Some(200));
    assert_eq!(http.send(get("/Users")).await.status(), Some(401));
    let failure = http.send(get("/Users")).await.outcome.unwrap_err();
    assert!(failure.message.contains("no refresh token came with it"), "{}", failure.message);
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    let fields = ["grant_type", "code", "redirect_uri", "code_verifier", "scope", "client_id"];
    let sent = fields.map(|name| asked[0].field(name).unwrap_or_default());
    assert_eq!(sent, ["authorization_code", "c0de", "http://127.0.0.1:9/callback", "ver1fier", "", "client 1"]);
}

#[tokio::test]
async fn a_web_page_instead_of_a_token_is_recognised() {
    let text = refusal(|| Html("<!DOCTYPE html><title>Sign in</title>").into_response()).await;
    assert!(text.contains("did not answer JSON (status 200)") && text.contains("web page"), "{text}");
    let text = refusal(|| (StatusCode::NOT_FOUND, Html("<h1>404</h1>")).into_response()).await;
    assert!(text.contains("without saying why (status 404)") && text.contains("web page"), "{text}");
}

#[tokio::test]
async fn answers_that_hold_no_usable_token_are_refused() {
    for (body, reason) in [
        (json!({ "token": "x" }), "without `access_token`"),
        (json!({ "access_token": "" }), "without `access_token`"),
        (json!({ "access_token": 7 }), "without `access_token`"),
        (json!([]), "without `access_token`"),
        (json!({ "access_token": "x", "token_type": "mac" }), "type `mac`"),
        (json!({ "access_token": "x\r\nX-Evil: 1" }), "no header can carry"),
    ] {
        let text = refusal(move || axum::Json(body.clone()).into_response()).await;
        assert!(text.contains(reason), "{text}");
    }
}

#[tokio::test]
async fn the_client_secret_follows_no_redirect() {
    let elsewhere = numbered(3600, |_, _| 200).await;
    let to = elsewhere.token_url.to_string();
    let text = refusal(move || Redirect::temporary(&to).into_response()).await;
    assert!(text.contains("sends us elsewhere"), "{text}");
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn a_token_endpoint_that_is_not_there_keeps_its_kind_of_failure() {
    let server = numbered(3600, |_, _| 200).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = config(&server);
    config.token_url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
    drop(listener);
    let failure = client(&server, config).send(get("/Users")).await.outcome.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Refused);
    assert!(failure.message.starts_with("sign-in (POST /token): nothing accepts"), "{}", failure.message);
    assert!(failure.message.contains("the token URL"), "{}", failure.message);
}

#[tokio::test]
async fn an_endless_token_answer_is_cut() {
    let server = always(|| {
        let body = axum::body::Body::from(vec![b' '; 3 << 20]);
        ([(header::CONTENT_TYPE, "application/json")], body).into_response()
    })
    .await;
    let error = client(&server, config(&server)).sign_in().await.unwrap_err().to_string();
    assert!(error.contains("did not answer JSON"), "{error}");
}

#[tokio::test]
async fn the_second_tenant_has_a_token_of_its_own() {
    let script = |_: usize, asked: &Asked| token_answer(&format!("tok-{}", asked.field("client_id").unwrap()), 60);
    let server = TokenServer::start(script, |_, _| 200).await;
    let mut target = Target::new(server.base_url.clone());
    target.credentials = Credentials::OAuth(Box::new(config(&server)));
    let mut other = config(&server);
    other.client_id = "second".into();
    target.other = Some(Credentials::OAuth(Box::new(other)));
    let http = Http::new(target).unwrap();
    http.sign_in().await.unwrap();
    let mut out = get("/Users");
    out.auth = AuthKind::Other;
    http.send(out).await;
    http.send(get("/Users")).await;
    assert_eq!(seen(&server), ["Bearer tok-second", "Bearer tok-client 1"]);
}
