//! Postman collections, v2.0 and v2.1: requests in the order of the collection, with the first saved example as the answer.
//!
//! Must not know SCIM. Scripts are not run; of them only "this variable is that value of the answer" is understood.

use super::tree::{Unreadable, list, object, text_of};
use super::{Answer, Entry, Format, Recording};
use crate::exchange::Response;
use regex::Regex;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A text that grows beyond this when its variables are filled in stays as it is.
const MOST_FILLED: usize = 1 << 20;

/// Reads a collection.
pub(super) fn read(root: &Value, file: &str) -> Result<Recording, Unreadable> {
    let top = object(root, "$", file)?;
    let (collection, at) = match top.get("collection") {
        Some(inner) => (object(inner, "collection", file)?, "collection.item"),
        None => (top, "item"),
    };
    let title = collection.get("info").and_then(|i| i.get("name")).and_then(Value::as_str).map(str::to_owned);
    let mut reader = Reader { file, variables: variables(collection), recording: Recording::default() };
    reader.recording.format = Format::Postman;
    reader.recording.title = title;
    reader.items(list(collection.get("item"), at, file)?, at)?;
    Ok(reader.recording)
}

struct Reader<'a> {
    file: &'a str,
    variables: BTreeMap<String, String>,
    recording: Recording,
}

impl Reader<'_> {
    /// Folders hold items again; how deep is bounded by the reader of JSON.
    fn items(&mut self, items: &[Value], at: &str) -> Result<(), Unreadable> {
        for (n, item) in items.iter().enumerate() {
            let at = format!("{at}[{n}]");
            let item = object(item, &at, self.file)?;
            if item.contains_key("item") {
                let at = format!("{at}.item");
                self.items(list(item.get("item"), &at, self.file)?, &at)?;
            } else if let Some(request) = item.get("request") {
                self.item(item, request, &at)?;
            }
        }
        Ok(())
    }

    fn item(&mut self, item: &Map<String, Value>, request: &Value, at: &str) -> Result<(), Unreadable> {
        let blank = Map::new();
        let request = match request {
            // A request that is only a URL is a GET.
            Value::String(_) => &blank,
            other => object(other, &format!("{at}.request"), self.file)?,
        };
        let url = item.get("request").filter(|r| r.is_string()).or(request.get("url"));
        let Some(url) = url.and_then(url_of).map(|u| self.filled(&u)) else {
            self.recording.unusable.push(format!("{at}.request: it has no URL"));
            return Ok(());
        };
        let body = match request.get("body").and_then(Value::as_object) {
            Some(body) => self.body(body, at),
            None => None,
        };
        let examples = list(item.get("response"), &format!("{at}.response"), self.file)?;
        let example = examples.iter().filter_map(Value::as_object).find_map(example);
        self.recording.entries.push(Entry {
            title: text_of(item, "name").map(str::to_owned),
            method: text_of(request, "method").unwrap_or("GET").to_ascii_uppercase(),
            url,
            headers: headers(request.get("header")).into_iter().map(|(n, v)| (n, self.filled(&v))).collect(),
            body,
            answer: example.unwrap_or_default(),
            takes: takes(item),
            ..Entry::default()
        });
        Ok(())
    }

    fn body(&mut self, body: &Map<String, Value>, at: &str) -> Option<Vec<u8>> {
        let mode = text_of(body, "mode").unwrap_or("raw");
        match (mode, text_of(body, "raw")) {
            ("raw", Some(raw)) => Some(self.filled(raw).into_bytes()),
            ("raw", None) => None,
            (other, _) => {
                self.recording
                    .unusable
                    .push(format!("{at}.request.body: a body of mode `{other}` is not JSON, it is left out"));
                None
            }
        }
    }

    /// Variables of the collection, where it gives them a value; the others stay for the scenario to fill in. A variable may
    /// hold others, but not without end.
    fn filled(&self, text: &str) -> String {
        (0..3).fold(text.to_owned(), |text, _| self.filled_once(text))
    }

    fn filled_once(&self, text: String) -> String {
        let mut out = String::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((name, tail)) = after.split_once("}}") else { break };
            out.push_str(before);
            match self.variables.get(name.trim()) {
                Some(value) => out.push_str(value),
                None => out.push_str(&format!("{{{{{name}}}}}")),
            }
            if out.len() > MOST_FILLED {
                return text;
            }
            rest = tail;
        }
        out + rest
    }
}

fn variables(collection: &Map<String, Value>) -> BTreeMap<String, String> {
    let all = collection.get("variable").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
    all.filter_map(|v| Some((text_of(v, "key")?.to_owned(), text_of(v, "value")?.to_owned()))).collect()
}

/// A text, or an object whose `raw` is the text.
fn url_of(url: &Value) -> Option<String> {
    match url {
        Value::String(text) => Some(text.clone()),
        Value::Object(parts) => text_of(parts, "raw").map(str::to_owned),
        _ => None,
    }
    .filter(|u| !u.is_empty())
}

fn headers(value: Option<&Value>) -> Vec<(String, String)> {
    let Some(Value::Array(list)) = value else { return Vec::new() };
    let on = list.iter().filter_map(Value::as_object).filter(|h| h.get("disabled") != Some(&Value::Bool(true)));
    on.filter_map(|h| Some((text_of(h, "key")?.to_owned(), text_of(h, "value").unwrap_or_default().to_owned())))
        .collect()
}

fn example(example: &Map<String, Value>) -> Option<Answer> {
    let status = example.get("code").and_then(Value::as_u64).and_then(|c| u16::try_from(c).ok())?;
    let headers = headers(example.get("header"));
    let body = example.get("body").and_then(Value::as_str);
    let response = |body: &str| Response::new(status, headers.clone(), body.as_bytes().to_vec());
    (100..600).contains(&status).then(|| match body {
        Some(text) => Answer::Whole(response(text)),
        None => Answer::Head(response("")),
    })
}

/// `pm.environment.set("userId", pm.response.json().id)` and its older spellings.
fn takes(item: &Map<String, Value>) -> Vec<(String, String)> {
    static SET: LazyLock<Regex> = LazyLock::new(|| {
        let value = r"[\w.]*(?:\([^()]*\))?((?:\.\w+|\[\d+\]|\[['\x22][^'\x22\]]*['\x22]\])+)";
        Regex::new(&format!(r#"(?:\.set|set\w*Variable)\(\s*['"]([\w.-]+)['"]\s*,\s*{value}\s*\)"#))
            .expect("a fixed pattern")
    });
    let events = item.get("event").and_then(Value::as_array).into_iter().flatten();
    let tests = events.filter(|e| e.get("listen").and_then(Value::as_str) == Some("test"));
    let mut found = Vec::new();
    for exec in tests.filter_map(|e| e.get("script")?.get("exec")) {
        let text = match exec {
            Value::String(text) => text.clone(),
            Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"),
            _ => continue,
        };
        for one in SET.captures_iter(&text) {
            // `pm.response.json().id` and `body.id`: what stands in front of the last known root is no part of the place.
            let place = one[2].rsplit_once("json()").map_or(&one[2], |(_, rest)| rest).to_owned();
            found.push((one[1].to_owned(), format!("${place}")));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn scripts_that_keep_a_value_are_understood() {
        let script = json!({ "event": [{ "listen": "test", "script": { "exec": [
            "var jsonData = JSON.parse(responseBody);",
            "postman.setEnvironmentVariable(\"id1\", jsonData.id);",
            "pm.collectionVariables.set('first', pm.response.json().Resources[0].id)",
        ]}}]});
        let found = takes(script.as_object().expect("an object"));
        let expected = [("id1", "$.id"), ("first", "$.Resources[0].id")];
        assert_eq!(found, expected.map(|(n, p)| (n.to_owned(), p.to_owned())));
    }
}
