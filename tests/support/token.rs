//! A token endpoint that can be wrong in many ways, and an API that takes its tokens.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use std::sync::{Arc, Mutex};
use url::Url;

/// What a token endpoint was sent: its `Authorization` header and its form.
#[derive(Debug, Clone)]
pub struct Asked {
    pub authorization: Option<String>,
    pub form: Vec<(String, String)>,
}

impl Asked {
    pub fn field(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
    }
}

type Script = Arc<dyn Fn(usize, &Asked) -> Response + Send + Sync>;
type Judge = Arc<dyn Fn(usize, Option<&str>) -> u16 + Send + Sync>;

#[derive(Clone)]
struct Shared {
    script: Script,
    judge: Judge,
    asked: Arc<Mutex<Vec<Asked>>>,
    calls: Arc<Mutex<Vec<Option<String>>>>,
}

/// Token endpoint at `/token`, API below `/scim`.
pub struct TokenServer {
    pub token_url: Url,
    pub base_url: Url,
    shared: Shared,
}

impl TokenServer {
    /// `script` answers the n-th token request; `judge` gives the status of the n-th API call by its `Authorization`.
    pub async fn start(
        script: impl Fn(usize, &Asked) -> Response + Send + Sync + 'static,
        judge: impl Fn(usize, Option<&str>) -> u16 + Send + Sync + 'static,
    ) -> Self {
        let shared =
            Shared { script: Arc::new(script), judge: Arc::new(judge), asked: Arc::default(), calls: Arc::default() };
        let app =
            Router::new().route("/token", post(token)).route("/scim/{*rest}", any(api)).with_state(shared.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self {
            token_url: Url::parse(&format!("{origin}/token")).unwrap(),
            base_url: Url::parse(&format!("{origin}/scim")).unwrap(),
            shared,
        }
    }

    /// Token requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// `Authorization` of every API call so far.
    pub fn calls(&self) -> Vec<Option<String>> {
        self.shared.calls.lock().unwrap().clone()
    }
}

/// A token as RFC 6749 §5.1 gives it.
pub fn token_answer(token: &str, expires_in: u64) -> Response {
    let body = serde_json::json!({ "access_token": token, "token_type": "Bearer", "expires_in": expires_in });
    axum::Json(body).into_response()
}

async fn token(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let asked = Asked {
        authorization: authorization(&headers),
        form: url::form_urlencoded::parse(&body).into_owned().collect(),
    };
    let n = {
        let mut all = shared.asked.lock().unwrap();
        all.push(asked.clone());
        all.len()
    };
    (shared.script)(n, &asked)
}

async fn api(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let authorization = authorization(&headers);
    let n = {
        let mut all = shared.calls.lock().unwrap();
        all.push(authorization.clone());
        all.len()
    };
    let status = (shared.judge)(n, authorization.as_deref());
    (StatusCode::from_u16(status).unwrap(), "{}").into_response()
}

fn authorization(headers: &HeaderMap) -> Option<String> {
    Some(headers.get("authorization")?.to_str().unwrap().to_owned())
}
