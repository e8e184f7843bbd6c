//! The bare loop: the recorded requests, one after the other, answers read and dropped. Nothing is judged or kept but the ids
//! that later requests need.

use super::recorder::{Piece, Recorded, uuids};
use super::{Measured, peak_kb, suite};
use std::path::Path;
use std::time::{Duration, Instant};

/// A client with the settings of the tool's own.
pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .http1_title_case_headers()
        .http1_max_headers(1000)
        .connect_timeout(Duration::from_secs(10))
        .pool_idle_timeout(Duration::from_millis(1500))
        .tcp_nodelay(true)
        .no_proxy()
        .build()
        .expect("a client")
}

pub async fn measure(file: &Path) -> Measured {
    let text = std::fs::read(file).expect("the recording is there");
    let requests: Vec<Recorded> = serde_json::from_slice(&text).expect("the recording can be read");
    drop(text);
    let started = Instant::now();
    let server = suite::server().await;
    let base = server.base_url();
    let origin = base.strip_suffix("/scim/v2").expect("the embedded server's URL");
    let client = client();
    let mut ids: Vec<String> = Vec::new();
    let mut other = 0;
    for recorded in &requests {
        let method = reqwest::Method::from_bytes(recorded.method.as_bytes()).expect("it was sent before");
        let mut request = client.request(method, format!("{origin}{}", filled(&recorded.target, &ids)));
        for (name, value) in &recorded.headers {
            request = request.header(name, filled(value, &ids));
        }
        if let Some(body) = &recorded.body {
            request = request.body(filled(body, &ids));
        }
        let answer = request.send().await.expect("the embedded server answers");
        other += usize::from(answer.status() != recorded.status);
        let bytes = answer.bytes().await.expect("a whole answer");
        if !recorded.brings.is_empty() {
            learn(&String::from_utf8_lossy(&bytes), &recorded.brings, &mut ids);
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    server.stop().await;
    // Requests that the suite sends at the same time come one after the other here; a few answers may differ for that.
    assert!(other * 100 <= requests.len(), "{other} of {} answers have another status", requests.len());
    Measured { seconds, requests: requests.len() as u64, peak_kb: peak_kb() }
}

fn filled(pieces: &[Piece], ids: &[String]) -> String {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.as_str(),
            Piece::Id(number) => ids.get(*number).map_or("", String::as_str),
        })
        .collect()
}

fn learn(answer: &str, brings: &[(usize, usize)], ids: &mut Vec<String>) {
    let found: Vec<&str> = uuids(answer).map(|(_, id)| id).collect();
    for (place, number) in brings {
        if ids.len() <= *number {
            ids.resize(*number + 1, String::new());
        }
        if let Some(id) = found.get(*place) {
            (*id).clone_into(&mut ids[*number]);
        }
    }
}
