//! A step with holes becomes a request as it goes over the wire; an answer becomes captured values and expectation results.
//!
//! Must not send anything and must not know any rule.

use super::http::Outgoing;
use crate::exchange::Exchange;
use crate::profile::idp::IdpProfile;
use crate::scenario::model::{BodySpec, Condition, JsonType, Matcher, Place, RequestSpec, Scenario};
use crate::scenario::template::{Missing, Template, Values};
use crate::scim::path;
use crate::scim::schema::ResourceType;
use jsonpath_rust::JsonPath;
use serde_json::Value;

/// Fills a request in.
pub fn request(
    spec: &RequestSpec,
    scenario: &Scenario,
    profile: &IdpProfile,
    values: &dyn Values,
) -> Result<Outgoing, Missing> {
    let mut target = spec.target.render_encoded(values, profile.encoding)?;
    for (name, value) in &spec.query {
        target.push(if target.contains('?') { '&' } else { '?' });
        target.push_str(name);
        target.push('=');
        target.push_str(&value.render_component(values, profile.encoding)?);
    }
    let body = match &spec.body {
        BodySpec::Absent => None,
        // A JSON value always serialises.
        BodySpec::Json(json) => Some(serde_json::to_vec(&json.render(values)?).unwrap_or_default()),
        BodySpec::Text(text) => Some(text.render(values)?.into_bytes()),
    };
    let mut headers: Vec<(String, String)> = profile.headers.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
    if body.is_some() {
        profile.write_headers.iter().for_each(|(k, v)| set(&mut headers, k, v.clone()));
    }
    let mut nameless = false;
    for (name, value) in scenario.headers.iter().chain(&spec.headers) {
        if name.eq_ignore_ascii_case("User-Agent") {
            nameless = value.is_none();
        }
        match value {
            Some(template) => set(&mut headers, name, template.render(values)?),
            None => headers.retain(|(k, _)| !k.eq_ignore_ascii_case(name)),
        }
    }
    Ok(Outgoing { method: spec.method.clone(), target, headers, body, auth: spec.auth, nameless })
}

fn set(headers: &mut Vec<(String, String)>, name: &str, value: String) {
    headers.retain(|(k, _)| !k.eq_ignore_ascii_case(name));
    headers.push((name.to_owned(), value));
}

/// The value at a place of an answer; `None` when there is none. Of what a value filter selects, the first.
pub fn at(place: &Place, exchange: &Exchange, types: &[ResourceType], values: &dyn Values) -> Option<Value> {
    look(place, exchange, types, values, false)
}

/// The same for who counts: all that a value filter selects.
pub fn all_at(place: &Place, exchange: &Exchange, types: &[ResourceType], values: &dyn Values) -> Option<Value> {
    look(place, exchange, types, values, true)
}

fn look(place: &Place, exchange: &Exchange, types: &[ResourceType], values: &dyn Values, every: bool) -> Option<Value> {
    let response = exchange.response()?;
    match place {
        Place::Status => Some(Value::from(response.status)),
        Place::Header(name) => response.header(name).map(|v| Value::String(v.to_owned())),
        Place::JsonPath(text) => response.json()?.query(text).ok()?.first().map(|v| (*v).clone()),
        Place::Scim(template) => scim_value(response.json()?, &template.render_in_filter(values).ok()?, types, every),
    }
}

/// A SCIM path in a body. `Resources[0].userName` is understood as well, and whole lists come back as lists; with `every`, so does
/// what a value filter selects.
fn scim_value(body: &Value, text: &str, types: &[ResourceType], every: bool) -> Option<Value> {
    if let Some(direct) = plain_path(body, text) {
        return Some(direct);
    }
    if let Some((head, below)) = text.split_once("].").filter(|(head, _)| head.starts_with("Resources[")) {
        return scim_value(&plain_path(body, &format!("{head}]"))?, below, types, every);
    }
    let rt = types
        .iter()
        .find(|t| path::parse_path(text, t).is_ok_and(|p| t.attribute(&p.attr).is_some()))
        .or(types.first())?;
    let parsed = path::parse_path(text, rt).ok()?;
    let found = path::select(body, &parsed, rt);
    let many = (every || parsed.filter.is_none())
        && parsed.sub.is_none()
        && rt.attribute(&parsed.attr).is_some_and(|r| r.leaf().multi_valued);
    match (many, found.as_slice()) {
        (_, []) => None,
        (true, items) => Some(Value::Array(items.iter().map(|v| (*v).clone()).collect())),
        (false, [one, ..]) => Some((*one).clone()),
    }
}

/// Member names and indices only: `Resources[0].emails[1].value`, also through a schema URN as first member.
fn plain_path(body: &Value, text: &str) -> Option<Value> {
    let mut here = body;
    let mut rest = text;
    if let Some(object) = body.as_object()
        && let Some(key) = object
            .keys()
            .filter(|k| k.starts_with("urn:"))
            .find(|k| text.get(..k.len()).is_some_and(|head| head.eq_ignore_ascii_case(k)))
    {
        here = &object[key];
        rest = text[key.len()..].trim_start_matches([':', '.']);
        if rest.is_empty() {
            return Some(here.clone());
        }
    }
    for piece in rest.split('.') {
        let (name, indices) = piece.split_once('[').map_or((piece, ""), |(n, i)| (n, i));
        here = crate::scim::value::get_ci(here.as_object()?, name)?;
        for index in indices.split('[').filter(|i| !i.is_empty()) {
            here = here.as_array()?.get(index.trim_end_matches(']').parse::<usize>().ok()?)?;
        }
    }
    Some(here.clone())
}

/// Whether a condition holds; a name without a value counts as absent.
pub fn holds(condition: &Condition, values: &dyn Values) -> bool {
    let value = single(&condition.value, values);
    test(&condition.matcher, value.as_ref(), values).is_none()
}

fn single(template: &Template, values: &dyn Values) -> Option<Value> {
    match template.single_hole() {
        Some(name) => values.value(name),
        None => template.render(values).ok().map(Value::String),
    }
}

/// Tests a value: `None` when it passes, else what was expected.
pub fn test(matcher: &Matcher, value: Option<&Value>, values: &dyn Values) -> Option<String> {
    let assigned = value.filter(|v| !v.is_null());
    let passed = match matcher {
        Matcher::Equals(json) => json
            .render(values)
            .is_ok_and(|want| assigned.is_some_and(|v| same(v, &want)) || (want.is_null() && assigned.is_none())),
        Matcher::NotEquals(json) => json.render(values).is_ok_and(|want| !assigned.is_some_and(|v| same(v, &want))),
        Matcher::OneOf(list) => list.iter().any(|j| {
            j.render(values)
                .is_ok_and(|want| assigned.is_some_and(|v| same(v, &want)) || (want.is_null() && assigned.is_none()))
        }),
        Matcher::Contains(json) => json.render(values).is_ok_and(|want| assigned.is_some_and(|v| contains(v, &want))),
        Matcher::Present => assigned.is_some(),
        Matcher::Absent => assigned.is_none_or(|v| v.as_array().is_some_and(Vec::is_empty)),
        Matcher::Matches(regex) => assigned.and_then(Value::as_str).is_some_and(|s| regex.is_match(s)),
        Matcher::Type(kind) => value.is_some_and(|v| of_type(v, *kind)),
        Matcher::Count(n) => assigned.map_or(*n == 0, |v| v.as_array().map_or(1, Vec::len) as u64 == *n),
        Matcher::AtLeast(n) => assigned.and_then(Value::as_f64).is_some_and(|v| v >= *n),
    };
    (!passed).then(|| describe(matcher, values))
}

fn same(a: &Value, b: &Value) -> bool {
    a == b || matches!((a.as_f64(), b.as_f64()), (Some(x), Some(y)) if x == y)
}

fn contains(value: &Value, want: &Value) -> bool {
    match (value, want) {
        (Value::String(s), Value::String(w)) => s.contains(w.as_str()),
        (Value::Array(items), w) => items.iter().any(|i| same(i, w)),
        _ => false,
    }
}

fn of_type(value: &Value, kind: JsonType) -> bool {
    match kind {
        JsonType::String => value.is_string(),
        JsonType::Integer => value.is_i64() || value.is_u64(),
        JsonType::Number => value.is_number(),
        JsonType::Boolean => value.is_boolean(),
        JsonType::Array => value.is_array(),
        JsonType::Object => value.is_object(),
        JsonType::Null => value.is_null(),
    }
}

fn describe(matcher: &Matcher, values: &dyn Values) -> String {
    let text = |j: &crate::scenario::template::JsonTemplate| {
        j.render(values).map_or_else(|m| m.to_string(), |v| v.to_string())
    };
    match matcher {
        Matcher::Equals(j) => text(j),
        Matcher::NotEquals(j) => format!("anything but {}", text(j)),
        Matcher::OneOf(list) => format!("one of {}", list.iter().map(text).collect::<Vec<_>>().join(", ")),
        Matcher::Contains(j) => format!("something that contains {}", text(j)),
        Matcher::Present => "a value".to_owned(),
        Matcher::Absent => "no value".to_owned(),
        Matcher::Matches(r) => format!("text that matches /{}/", r.as_str()),
        Matcher::Type(t) => format!("a value of type {t:?}").to_lowercase(),
        Matcher::Count(n) => format!("{n} elements"),
        Matcher::AtLeast(n) => format!("at least {n}"),
    }
}

/// Encodes one query value in the profile's way.
pub fn query(text: &str, encoding: crate::profile::idp::Encoding) -> String {
    struct Nothing;
    impl Values for Nothing {
        fn value(&self, _: &str) -> Option<Value> {
            None
        }
    }
    // A literal has no holes, so nothing can be missing.
    Template::literal(text).render_component(&Nothing, encoding).unwrap_or_default()
}
