//! Tests of Runscope (today BlazeMeter API Monitoring), as its export writes them: requests with assertions, no answers.
//!
//! Must not know SCIM. Of assertions the status is taken; scripts are not run.

use super::tree::{Unreadable, list, object, text_of};
use super::{Entry, Format, Recording};
use serde_json::{Map, Value};
use std::time::Duration;

/// Reads a test, a list of tests, or the answer of the API with a test in `data`.
pub(super) fn read(root: &Value, file: &str) -> Result<Recording, Unreadable> {
    let mut recording = Recording { format: Format::Runscope, ..Recording::default() };
    let (tests, at) = match (root, root.get("data")) {
        (Value::Array(tests), _) => (tests.as_slice(), "$"),
        (_, Some(Value::Array(tests))) => (tests.as_slice(), "data"),
        (_, Some(test)) => (std::slice::from_ref(test), "data"),
        (test, None) => (std::slice::from_ref(test), "$"),
    };
    for (n, test) in tests.iter().enumerate() {
        let at = if tests.len() > 1 { format!("{at}[{n}]") } else { at.to_owned() };
        let test = object(test, &at, file)?;
        if !test.contains_key("steps") {
            return Err(Unreadable::at(file, at, "it has no `steps`"));
        }
        recording.title = recording.title.or(text_of(test, "name").map(str::to_owned));
        steps(list(test.get("steps"), &format!("{at}.steps"), file)?, &format!("{at}.steps"), file, &mut recording)?;
    }
    Ok(recording)
}

fn steps(steps: &[Value], at: &str, file: &str, recording: &mut Recording) -> Result<(), Unreadable> {
    let mut pause = None;
    for (n, step) in steps.iter().enumerate() {
        let at = format!("{at}[{n}]");
        let step = object(step, &at, file)?;
        match text_of(step, "step_type").unwrap_or("request") {
            "request" => match text_of(step, "url") {
                Some(url) => recording.entries.push(Entry { pause: pause.take(), ..request(step, url) }),
                None => recording.unusable.push(format!("{at}: the request has no URL")),
            },
            "pause" => {
                let seconds = step.get("duration").and_then(Value::as_f64).unwrap_or(0.0);
                pause = Duration::try_from_secs_f64(seconds).ok().filter(|d| !d.is_zero());
            }
            other => recording.unusable.push(format!("{at}: a step of type `{other}` cannot be replayed")),
        }
    }
    Ok(())
}

fn request(step: &Map<String, Value>, url: &str) -> Entry {
    let body = text_of(step, "body").or(text_of(step, "data"));
    let named = step.get("headers").and_then(Value::as_object).into_iter().flatten();
    let headers = named.flat_map(|(name, values)| {
        let values: Vec<&str> = match values {
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
            other => other.as_str().into_iter().collect(),
        };
        values.into_iter().map(|v| (name.clone(), v.to_owned())).collect::<Vec<_>>()
    });
    Entry {
        title: text_of(step, "note").map(|t| t.lines().next().unwrap_or(t).trim().to_owned()),
        method: text_of(step, "method").unwrap_or("GET").to_ascii_uppercase(),
        url: url.to_owned(),
        headers: headers.collect(),
        body: body.map(|b| b.as_bytes().to_vec()),
        wanted: objects(step, "assertions").filter_map(wanted).collect(),
        takes: objects(step, "variables").filter_map(taken).collect(),
        ..Entry::default()
    }
}

fn objects<'v>(step: &'v Map<String, Value>, key: &str) -> impl Iterator<Item = &'v Map<String, Value>> {
    step.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

/// The status that an assertion asks for, written as a number or as text.
fn wanted(assertion: &Map<String, Value>) -> Option<u16> {
    let about_status = text_of(assertion, "source") == Some("response_status");
    let equal = matches!(text_of(assertion, "comparison"), Some("equal" | "equal_number" | "is_equal"));
    let value = assertion.get("value")?;
    let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())?;
    u16::try_from(number).ok().filter(|s| about_status && equal && (100..600).contains(s))
}

/// `Resources[0].id` of the answer, under a name.
fn taken(variable: &Map<String, Value>) -> Option<(String, String)> {
    let place = text_of(variable, "property")?;
    (text_of(variable, "source") == Some("response_json"))
        .then(|| text_of(variable, "name").map(|name| (name.to_owned(), format!("$.{place}"))))
        .flatten()
}
