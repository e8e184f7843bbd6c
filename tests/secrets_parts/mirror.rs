//! A server that repeats everything that it was sent: headers, query and form, plain, encoded and decoded, in bodies and headers.

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, post};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;
use std::net::{Ipv4Addr, TcpStream};
use tokio::runtime::Runtime;

/// The access token that its token endpoint gives.
pub const ACCESS: &str = "Bq7+access/t0ken~==";

/// The refresh token that comes with it.
pub const NEXT_REFRESH: &str = "Bq7+next/refresh&\"=";

pub struct Mirror {
    pub base: String,
    pub token_url: String,
    pub refusing_url: String,
    pub page_url: String,
    _runtime: Runtime,
}

impl Mirror {
    pub fn start() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runtime");
        let app = Router::new()
            .route("/token", post(token))
            .route("/refuse", post(refuse))
            .route("/page", any(page))
            .route("/scim", any(scim))
            .route("/scim/{*rest}", any(scim));
        let listener = runtime.block_on(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self {
            base: format!("{origin}/scim"),
            token_url: format!("{origin}/token"),
            refusing_url: format!("{origin}/refuse"),
            page_url: format!("{origin}/page"),
            _runtime: runtime,
        }
    }

    /// One GET, as a browser sends it.
    pub fn visit(address: &str) {
        use std::io::{Read, Write};
        let rest = address.strip_prefix("http://").expect("plain");
        let (host, path) = rest.split_once('/').expect("a path");
        let mut stream = TcpStream::connect(host).expect("somebody listens");
        write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n").expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

/// A text in every spelling that a careless log has.
fn spelled(text: &str) -> String {
    let form: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let percent = form.replace('+', "%20");
    let low = percent.to_ascii_lowercase();
    format!("{text} {form} {percent} {low} {} {}", STANDARD.encode(text), URL_SAFE_NO_PAD.encode(text))
}

/// What stands in the headers, with credentials also alone and unpacked.
fn seen(headers: &HeaderMap) -> String {
    let mut out = String::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        if !["authorization", "x-api-key", "x-tenant"].contains(&name.as_str()) {
            continue;
        }
        let alone = value.split_once(' ').map_or(value.as_str(), |(_, rest)| rest).to_owned();
        out.push_str(&format!(" {name}: {} ", spelled(&alone)));
        if let Some(pair) = STANDARD.decode(&alone).ok().and_then(|b| String::from_utf8(b).ok()) {
            let password = pair.split_once(':').map_or("", |(_, p)| p).to_owned();
            out.push_str(&format!(" {} {}", spelled(&pair), spelled(&password)));
        }
    }
    out
}

async fn scim(request: Request) -> Response {
    let (head, body) = request.into_parts();
    let mut told = seen(&head.headers);
    for (_, value) in url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()) {
        told.push_str(&format!(" {}", spelled(&value)));
    }
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap_or_default();
    let one_line: String = told.chars().map(|c| if c.is_control() || !c.is_ascii() { '?' } else { c }).collect();
    let echo = [(header::CONTENT_TYPE, "application/scim+json".to_owned()), (header::VIA, one_line)];
    let user = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": format!("1{told}"),
        "userName": told, "displayName": told, "active": true, "meta": { "location": format!("http://x/{told}") } });
    match head.method.as_str() {
        // Half of the answers look like success, so that values and not only errors are quoted.
        "GET" if head.uri.path().ends_with("Users") => {
            let list = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 1,
                "itemsPerPage": 1, "startIndex": 1, "Resources": [user] });
            (echo, list.to_string()).into_response()
        }
        "POST" if !body.is_empty() => (StatusCode::CREATED, echo, user.to_string()).into_response(),
        _ => {
            let error = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "400",
                "detail": format!("You sent{told}") });
            (StatusCode::BAD_REQUEST, echo, error.to_string()).into_response()
        }
    }
}

async fn token() -> Response {
    let answer =
        json!({ "access_token": ACCESS, "token_type": "Bearer", "expires_in": 1, "refresh_token": NEXT_REFRESH });
    axum::Json(answer).into_response()
}

async fn refuse(headers: HeaderMap, body: Bytes) -> Response {
    let mut told = seen(&headers);
    for (_, value) in url::form_urlencoded::parse(&body) {
        told.insert_str(0, &format!("{value} "));
    }
    let raw = String::from_utf8_lossy(&body).into_owned();
    let answer = json!({ "error": format!("invalid_client {told}"), "error_description": format!("{told} {raw}") });
    (StatusCode::BAD_REQUEST, axum::Json(answer)).into_response()
}

async fn page(headers: HeaderMap, body: Bytes) -> Response {
    Html(format!("<html>{} {}</html>", seen(&headers), String::from_utf8_lossy(&body))).into_response()
}
