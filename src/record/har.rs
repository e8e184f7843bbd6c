//! HTTP Archive 1.2, read and written.
//!
//! Must not know SCIM. Bodies stay texts here, so that a file of many megabytes does not become a tree of many more.

use super::sift::Spoken;
use super::tree::Unreadable;
use super::{Answer, Entry, Format, Recording};
use crate::exchange::Response;
use crate::report::redact::{MASK, Redactor};
use base64::Engine as _;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{self, Write};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

#[derive(Deserialize)]
struct File {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    started_date_time: Option<String>,
    time: Option<f64>,
    request: Asked,
    response: Option<Answered>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    method: String,
    url: String,
    headers: Option<Vec<Pair>>,
    post_data: Option<Content>,
}

#[derive(Deserialize)]
struct Answered {
    status: Option<i64>,
    headers: Option<Vec<Pair>>,
    content: Option<Content>,
    #[serde(rename = "_error")]
    error: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    size: Option<f64>,
    text: Option<String>,
    encoding: Option<String>,
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    value: Option<String>,
}

/// Reads the archive. Browsers write entries in the order of their end, so they are put into the order of their start.
pub(super) fn read(text: &str, file: &str) -> Result<Recording, Unreadable> {
    let archive: File = serde_json::from_str(text).map_err(|e| Unreadable::json(file, &e))?;
    let mut recording = Recording { format: Format::Har, ..Recording::default() };
    for (n, item) in archive.log.entries.into_iter().enumerate() {
        match entry(item) {
            Ok(entry) => recording.entries.push(entry),
            Err(why) => recording.unusable.push(format!("log.entries[{n}]: {why}")),
        }
    }
    if recording.entries.iter().all(|e| e.started.is_some()) {
        recording.entries.sort_by_key(|e| e.started);
    }
    Ok(recording)
}

fn entry(item: Item) -> Result<Entry, String> {
    let answer = item.response.map_or(Ok(Answer::Unknown), answer)?;
    let body = match item.request.post_data {
        Some(data) => bytes(&data)?.filter(|b| !b.is_empty()),
        None => None,
    };
    Ok(Entry {
        method: item.request.method.to_ascii_uppercase(),
        url: item.request.url,
        headers: pairs(item.request.headers),
        body,
        answer,
        started: item.started_date_time.and_then(|t| OffsetDateTime::parse(&t, &Rfc3339).ok()),
        duration: Duration::try_from_secs_f64(item.time.unwrap_or(0.0) / 1000.0).unwrap_or_default(),
        ..Entry::default()
    })
}

fn answer(answered: Answered) -> Result<Answer, String> {
    let status = answered.status.and_then(|s| u16::try_from(s).ok()).filter(|s| (100..600).contains(s));
    let Some(status) = status else {
        // Browsers write 0 for what was aborted or blocked.
        let why = answered.error.filter(|e| !e.is_empty());
        return Ok(Answer::None(why.unwrap_or_else(|| "the recording holds no status".to_owned())));
    };
    let headers = pairs(answered.headers);
    let Some(content) = answered.content else {
        return Ok(Answer::Head(Response::new(status, headers, Vec::new())));
    };
    let body = bytes(&content)?;
    let empty = content.size.is_some_and(|s| s == 0.0) || matches!(status, 204 | 304);
    Ok(match body {
        Some(body) if !body.is_empty() || empty => Answer::Whole(Response::new(status, headers, body)),
        None if empty => Answer::Whole(Response::new(status, headers, Vec::new())),
        // Many exports leave bodies out: "not recorded" must not pass for "empty".
        _ => Answer::Head(Response::new(status, headers, Vec::new())),
    })
}

fn bytes(content: &Content) -> Result<Option<Vec<u8>>, String> {
    let Some(text) = &content.text else { return Ok(None) };
    match content.encoding.as_deref() {
        Some("base64") => match base64::engine::general_purpose::STANDARD.decode(text.trim()) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) => Err(format!("its body is said to be base64 and is not ({e})")),
        },
        _ => Ok(Some(text.clone().into_bytes())),
    }
}

/// Without the pseudo headers of HTTP/2, which some browsers write among the others.
fn pairs(list: Option<Vec<Pair>>) -> Vec<(String, String)> {
    let all = list.unwrap_or_default().into_iter();
    all.filter(|p| !p.name.starts_with(':')).map(|p| (p.name, p.value.unwrap_or_default())).collect()
}

/// Writes the SCIM part of a recording. What else passed (a token endpoint, say) stays out, and so do secrets.
pub fn write(spoken: &[Spoken], redactor: &Redactor, out: &mut dyn Write) -> io::Result<()> {
    let tokens = Tokens::of(spoken);
    let entries: Vec<Value> = spoken.iter().map(|s| item(&s.entry, redactor, &tokens)).collect();
    let archive = json!({ "log": {
        "version": "1.2",
        "creator": { "name": "scimproof", "version": env!("CARGO_PKG_VERSION") },
        "entries": entries,
    }});
    serde_json::to_writer_pretty(&mut *out, &archive)?;
    writeln!(out)
}

/// Numbers in the place of tokens: whose they are must not be seen, that they are two people's must.
struct Tokens<'a>(HashMap<&'a str, usize>);

impl<'a> Tokens<'a> {
    fn of(spoken: &'a [Spoken]) -> Self {
        let mut known = HashMap::new();
        for value in spoken.iter().filter_map(|s| s.entry.header("authorization")) {
            let next = known.len() + 1;
            known.entry(token(value)).or_insert(next);
        }
        Self(known)
    }

    /// `Bearer [secret]` → `Bearer [secret 2]` for the second of them.
    fn told_apart(&self, entry: &Entry, masked: String) -> String {
        let number = entry.header("authorization").and_then(|v| self.0.get(token(v)));
        match number.filter(|n| **n > 1) {
            Some(n) => masked.replace(MASK, &format!("{} {n}]", MASK.trim_end_matches(']'))),
            None => masked,
        }
    }
}

fn token(authorization: &str) -> &str {
    authorization.trim().split_once(' ').map_or(authorization.trim(), |(_, token)| token.trim())
}

fn item(entry: &Entry, redactor: &Redactor, tokens: &Tokens<'_>) -> Value {
    let started = entry.started.unwrap_or(OffsetDateTime::UNIX_EPOCH).format(&Rfc3339).unwrap_or_default();
    let headers = |list: &[(String, String)]| -> Vec<Value> {
        let named = |(name, value): (String, String)| {
            let credentials = name.eq_ignore_ascii_case("authorization");
            let value = if credentials { tokens.told_apart(entry, value) } else { value };
            json!({ "name": name, "value": value })
        };
        redactor.headers(list).into_iter().map(named).collect()
    };
    let mut request = json!({
        "method": entry.method, "url": redactor.url(&entry.url), "httpVersion": "HTTP/1.1", "cookies": [],
        "headers": headers(&entry.headers), "queryString": [], "headersSize": -1,
        "bodySize": entry.body.as_ref().map_or(0, Vec::len),
    });
    if let Some(body) = &entry.body {
        let kind = entry.header("content-type").unwrap_or_default();
        request["postData"] = json!({ "mimeType": kind, "text": clean(body, redactor) });
    }
    let response = match &entry.answer {
        Answer::Whole(r) | Answer::Head(r) => {
            let mut content = json!({
                "size": r.body.len(), "mimeType": r.header("content-type").unwrap_or_default(),
            });
            if matches!(entry.answer, Answer::Whole(_)) {
                content["text"] = clean(&r.body, redactor).into();
            } else {
                content["size"] = (-1).into();
            }
            json!({
                "status": r.status, "statusText": "", "httpVersion": "HTTP/1.1", "cookies": [],
                "headers": headers(&r.headers), "content": content, "redirectURL": "", "headersSize": -1,
                "bodySize": r.body.len(),
            })
        }
        Answer::None(why) => json!({
            "status": 0, "statusText": "", "httpVersion": "", "cookies": [], "headers": [],
            "content": { "size": 0, "mimeType": "" }, "redirectURL": "", "headersSize": -1, "bodySize": -1,
            "_error": redactor.text(why),
        }),
        Answer::Unknown => json!({
            "status": 0, "statusText": "", "httpVersion": "", "cookies": [], "headers": [],
            "content": { "size": 0, "mimeType": "" }, "redirectURL": "", "headersSize": -1, "bodySize": -1,
        }),
    };
    json!({
        "startedDateTime": started, "time": entry.duration.as_secs_f64() * 1000.0, "request": request,
        "response": response, "cache": {}, "timings": { "send": 0, "wait": entry.duration.as_secs_f64() * 1000.0, "receive": 0 },
    })
}

/// A body as text: JSON through the redactor that knows password attributes, all else through the one for texts.
fn clean(body: &[u8], redactor: &Redactor) -> String {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) if !crate::exchange::too_many_values(body) => redactor.value(&value).to_string(),
        _ => redactor.broken(&String::from_utf8_lossy(body)),
    }
}
