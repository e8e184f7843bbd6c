//! A client for the tests: no proxy, no retries, answers as plain data.

use crate::server::{Options, Server};
use serde_json::Value;

/// A server and someone who talks to it.
pub struct Client {
    /// The server; stops with the client.
    pub server: Server,
    http: reqwest::Client,
    token: Option<String>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Value,
    pub text: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let hit = self.headers.iter().find(|(k, _)| k == name);
        hit.map(|(_, v)| v.as_str())
    }

    pub fn id(&self) -> String {
        self.body["id"].as_str().expect("the answer has an id").to_owned()
    }

    pub fn total(&self) -> u64 {
        self.body["totalResults"].as_u64().expect("the answer is a list")
    }
}

impl Client {
    pub async fn start(options: Options) -> Client {
        let token = options.token.clone();
        let server = Server::start(([127, 0, 0, 1], 0).into(), options).await.expect("a free port");
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Client { server, http, token }
    }

    pub async fn healthy() -> Client {
        Client::start(Options { token: Some("one".into()), other_token: Some("two".into()), ..Options::default() })
            .await
    }

    pub async fn with_fault(id: &str) -> Client {
        Client::start(Options {
            token: Some("one".into()),
            other_token: Some("two".into()),
            faults: vec![id.into()],
            ..Options::default()
        })
        .await
    }

    pub async fn with_variant(id: &str) -> Client {
        Client::start(Options {
            token: Some("one".into()),
            other_token: Some("two".into()),
            variants: vec![id.into()],
            ..Options::default()
        })
        .await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, &[], Some(body.to_string())).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send("PUT", path, &[], Some(body.to_string())).await
    }

    pub async fn patch(&self, path: &str, operations: Value) -> Answer {
        let body = serde_json::json!({ "schemas": [crate::scim::urn::PATCH_OP], "Operations": operations });
        self.send("PATCH", path, &[], Some(body.to_string())).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], None).await
    }

    /// Sends as told; a header given with an empty value is left out altogether.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<String>) -> Answer {
        let url = match path.starts_with("http") {
            true => path.to_owned(),
            false => format!("{}{path}", self.server.base_url()),
        };
        let method = method.parse().expect("a method");
        let mut request = self.http.request(method, url);
        let given = |name: &str| headers.iter().any(|(k, _)| k.eq_ignore_ascii_case(name));
        if let Some(token) = &self.token
            && !given("authorization")
        {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            if !given("content-type") {
                request = request.header("content-type", "application/scim+json");
            }
            request = request.body(body);
        }
        for (name, value) in headers.iter().filter(|(_, v)| !v.is_empty()) {
            request = request.header(*name, *value);
        }
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(k, v)| (k.as_str().to_owned(), v.to_str().unwrap_or_default().to_owned()))
            .collect();
        let text = response.text().await.expect("a body");
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status, headers, body, text }
    }
}
