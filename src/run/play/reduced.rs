//! Asks for less than a refused request asked for, so that the finding can say what it was refused for.
//!
//! Must not judge, and leaves nothing behind: a create is asked for under another name, and what it makes is deleted at once.

use super::Player;
use crate::engine::target::encode_query_value;
use crate::exchange::{AuthKind, Exchange};
use crate::rules::{Finding, Rule, find};
use crate::run::confirm::again;
use crate::run::judge::Judged;
use crate::run::plain::declared_spelling;
use crate::scim::schema::ResourceType;
use crate::scim::value::{get_ci, value_ci};
use crate::shadow::{Op, name_attribute, path_segment, text_of};
use serde_json::{Map, Value, json};
use std::sync::PoisonError;

/// So many different refusals of a create are looked into in one run, and so many attributes of one.
const REFUSALS: usize = 8;
const ATTRIBUTES: usize = 16;

/// Rules that speak of a valid create.
const CREATES: [&str; 3] =
    ["create/valid-user-refused", "create/valid-group-refused", "create/enterprise-extension-refused"];
/// Rules that speak of a query, whoever asks it.
const QUERIES: [&str; 5] = [
    "filter/logic-refused",
    "filter/urn-attribute-refused",
    "filter/valid-filter-refused",
    "list/valid-request-refused",
    "sort/valid-sort-refused",
];
/// What a search is refused for that is answered when it is asked by GET.
const SEARCH: &str = "search/valid-request-refused";

impl Player<'_> {
    /// Looks into a refusal of a create or a search, and completes the finding.
    pub(super) async fn look_into(&mut self, exchange: &Exchange, judged: &mut Judged) {
        if !matches!(exchange.status(), Some(400 | 403 | 415 | 422)) {
            return;
        }
        match judged.call.op {
            Op::Create => self.look_into_create(exchange, judged).await,
            Op::Search => self.look_into_search(exchange, judged).await,
            _ => {}
        }
    }

    async fn look_into_create(&mut self, exchange: &Exchange, judged: &mut Judged) {
        let Some(n) = position(judged, |id| CREATES.contains(&id)) else { return };
        let body = judged.call.body.clone();
        let Some(body) = body.as_ref().and_then(Value::as_object) else { return };
        let words = gist(&judged.findings[n].1.actual);
        let known = format!("{} {words}", judged.call.endpoint);
        let told = self.refusals().get(&known).cloned();
        let told = match told {
            Some(told) => told,
            None if self.refusals().len() >= REFUSALS => return,
            None => {
                let Some(rt) = self.context.target.resource_type(&judged.call.endpoint).cloned() else { return };
                let told = self.what_is_minded(exchange, &rt, body).await;
                self.refusals().insert(known, told.clone());
                told
            }
        };
        if applies(&told, body) {
            add(&mut judged.findings[n].1, &told.words);
        }
    }

    fn refusals(&self) -> std::sync::MutexGuard<'_, std::collections::HashMap<String, Told>> {
        self.context.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a create is accepted without.
    async fn what_is_minded(&mut self, exchange: &Exchange, rt: &ResourceType, body: &Map<String, Value>) -> Told {
        let endpoint = rt.endpoint.as_str();
        let name = name_attribute(endpoint);
        let spelled = declared_spelling(body, rt);
        if spelled != *body && self.is_taken(exchange, endpoint, &spelled).await {
            return Told::of(None, "but is accepted with the names in the spelling of the schema");
        }
        let may_go = |key: &&String| !key.eq_ignore_ascii_case(name) && !key.eq_ignore_ascii_case("schemas");
        for key in body.keys().filter(may_go).take(ATTRIBUTES) {
            if let Some(Value::Array(all)) = body.get(key).filter(|v| v.as_array().is_some_and(|a| a.len() > 1)) {
                let mut less = body.clone();
                less.insert(key.clone(), all.iter().take(1).cloned().collect());
                if self.is_taken(exchange, endpoint, &less).await {
                    return Told::of(Some(key), &format!("but is accepted with one of the `{key}`"));
                }
            }
            if self.is_taken(exchange, endpoint, &without(body, |k| k == key)).await {
                return Told::of(Some(key), &format!("but is accepted without `{key}`"));
            }
        }
        // The least that there is, in the schema's spelling and without the URN of an extension that is not there.
        let mut least = without(&spelled, |k| may_go(&k));
        least.insert("schemas".to_owned(), json!([rt.schema.id]));
        let alone = match self.is_taken(exchange, endpoint, &least).await {
            true => format!("but is accepted with `{name}` alone"),
            false => format!("also with `{name}` alone"),
        };
        Told::of(None, &alone)
    }

    /// True when a create of that is accepted. It gets another name, and is deleted.
    async fn is_taken(&mut self, exchange: &Exchange, endpoint: &str, body: &Map<String, Value>) -> bool {
        let name = name_attribute(endpoint);
        let mut body = body.clone();
        let key = body.keys().find(|k| k.eq_ignore_ascii_case(name)).cloned();
        let Some(Value::String(own)) = key.and_then(|key| body.get_mut(&key)) else { return false };
        *own = format!("less-{own}");
        let mut out = again(&exchange.request);
        out.body = Some(Value::Object(body).to_string().into_bytes());
        let tenant = u8::from(out.auth == AuthKind::Other);
        let Ok(made) = self.exchange(out).await else { return false };
        let id = made.json().and_then(|body| value_ci(body, "id")).and_then(text_of);
        let path = id.map(|id| format!("{endpoint}/{}", path_segment(&id)));
        // An answer with the id of somebody who was there before makes them none of ours.
        if let Some(path) = path.filter(|path| made.accepted() && self.created.contains(path)) {
            self.remove(&path, tenant).await;
        }
        made.accepted()
    }

    /// A search that is answered when it is asked by GET.
    async fn look_into_search(&mut self, exchange: &Exchange, judged: &mut Judged) {
        let Some(n) = position(judged, |id| QUERIES.contains(&id)) else { return };
        let Some(asked) = judged.call.body.as_ref().and_then(Value::as_object) else { return };
        let query: Vec<String> = asked.iter().filter_map(|(name, value)| parameter(name, value)).collect();
        let mut out = again(&exchange.request);
        out.method = "GET".to_owned();
        out.target = format!("{}?{}", judged.call.endpoint, query.join("&"));
        out.body = None;
        out.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        let Ok(answer) = self.exchange(out).await else { return };
        let Some(rule) = find(SEARCH).filter(|_| answer.status() == Some(200)) else { return };
        let finding = &mut judged.findings[n];
        let before = std::mem::replace(&mut finding.0, rule).id;
        finding.1.level = None;
        add(&mut finding.1, "but GET with the same parameters is answered");
        self.acquit(before);
        self.tally.entry(rule.id).or_default().1 += 1;
    }
}

/// What came of looking into a refusal.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// The attribute that is minded, if it is one.
    attribute: Option<String>,
    words: String,
}

impl Told {
    fn of(attribute: Option<&String>, words: &str) -> Self {
        Self { attribute: attribute.cloned(), words: words.to_owned() }
    }
}

/// Said of another create of the same words: it has that attribute, too.
fn applies(told: &Told, body: &Map<String, Value>) -> bool {
    told.attribute.as_ref().is_none_or(|a| get_ci(body, a).is_some())
}

fn position(judged: &Judged, wanted: impl Fn(&str) -> bool) -> Option<usize> {
    judged.findings.iter().position(|(rule, f): &(&Rule, Finding)| f.at == "status" && wanted(rule.id))
}

fn add(finding: &mut Finding, words: &str) {
    finding.message = finding.message.take().map(|message| format!("{message}, {words}"));
}

/// A body without some of its members, and without the schema of an extension that goes.
fn without(body: &Map<String, Value>, goes: impl Fn(&String) -> bool) -> Map<String, Value> {
    let (gone, mut rest): (Map<String, Value>, Map<String, Value>) =
        body.clone().into_iter().partition(|(key, _)| goes(key));
    for (_, schemas) in rest.iter_mut().filter(|(key, _)| key.eq_ignore_ascii_case("schemas")) {
        if let Value::Array(urns) = schemas {
            urns.retain(|urn| urn.as_str().is_none_or(|urn| get_ci(&gone, urn).is_none()));
        }
    }
    rest
}

/// A refusal without what is another one each time: numbers and what stands in quotes.
fn gist(refusal: &str) -> String {
    refusal.chars().filter(|c| c.is_alphabetic() || c.is_whitespace()).collect::<String>().to_ascii_lowercase()
}

/// A member of a SearchRequest as a parameter of the query (RFC 7644 §3.4.3).
fn parameter(name: &str, value: &Value) -> Option<String> {
    let text = match value {
        _ if name.eq_ignore_ascii_case("schemas") => return None,
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(format!("{name}={}", encode_query_value(&text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_extension_goes_with_its_schema() {
        let body = json!({"schemas": ["core", "urn:x"], "userName": "a", "urn:x": {"b": 1}});
        let less = without(body.as_object().unwrap(), |k| k == "urn:x");
        assert_eq!(Value::Object(less), json!({"schemas": ["core"], "userName": "a"}));
    }

    #[test]
    fn a_search_is_asked_by_get_with_the_same_words() {
        assert_eq!(parameter("filter", &json!("a eq \"b\"")).unwrap(), "filter=a%20eq%20%22b%22");
        assert_eq!(parameter("attributes", &json!(["a", "b"])).unwrap(), "attributes=a%2Cb");
        assert_eq!(parameter("schemas", &json!(["urn"])), None);
    }

    #[test]
    fn refusals_are_alike_when_only_values_differ() {
        assert_eq!(gist("400 \"user a1 is bad\""), gist("400 \"user a2 is bad\""));
    }
}
