//! Asks for less than a refused request asked for, so that the finding can say what it was refused for.
//!
//! Must not judge, and leaves nothing behind: a create is asked for under another name, and what it makes is deleted at once.

use super::Player;
use crate::engine::target::encode_query_value;
use crate::exchange::{AuthKind, Exchange};
use crate::rules::{Finding, Level, Rule, find};
use crate::run::confirm::again;
use crate::run::judge::Judged;
use crate::run::plain::declared_spelling;
use crate::scim::path::parse_path;
use crate::scim::schema::{Mutability, ResourceType};
use crate::scim::value::{get_ci, value_ci};
use crate::shadow::{Op, name_attribute, path_segment, text_of};
use serde_json::{Map, Value, json};
use std::sync::PoisonError;

/// So many different refusals of a create are looked into in one run, and so many attributes of one.
const REFUSALS: usize = 8;
const ATTRIBUTES: usize = 16;
/// So deep, and at each depth so many parts.
const DEPTH: usize = 3;
const PARTS: usize = 12;

/// Rules that speak of a valid create.
const USER: &str = "create/valid-user-refused";
const EXTENSION: &str = "create/enterprise-extension-refused";
const CREATES: [&str; 3] = [USER, "create/valid-group-refused", EXTENSION];
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
        let Some(rt) = self.context.target.resource_type(&judged.call.endpoint).cloned() else { return };
        let words = format!("{} {}", judged.call.endpoint, gist(&judged.findings[n].1.actual));
        let fits = |(w, told): &(String, Told)| *w == words && told.applies(body, &rt);
        let told = self.refusals().iter().find(|known| fits(known)).map(|(_, told)| told.clone());
        let told = match told {
            Some(told) => told,
            None if self.refusals().len() >= REFUSALS => return,
            None => {
                let told = self.what_is_minded(exchange, &rt, body).await;
                self.refusals().push((words, told.clone()));
                told
            }
        };
        add(&mut judged.findings[n].1, &told.words);
        self.put_right(judged, n, &told, &rt);
    }

    /// Where it is not the extension as such that is minded, the rule that says so is the wrong one.
    fn put_right(&mut self, judged: &mut Judged, n: usize, told: &Told, rt: &ResourceType) {
        let blamed = judged.findings[n].0.id == EXTENSION;
        let whole = told.path.len() == 1 && rt.extension(&told.path[0]).is_some();
        let Some(rule) = find(USER).filter(|_| blamed && !whole) else { return };
        judged.findings[n].0 = rule;
        let finding = &mut judged.findings[n].1;
        // What the server alone sets has to be passed over, and case does not count; what else it keeps is its own affair.
        finding.level = (!told.misspelt && !read_only(&told.path, rt)).then_some(Level::Idp);
        self.acquit(EXTENSION);
        self.tally.entry(rule.id).or_default().1 += 1;
    }

    fn refusals(&self) -> std::sync::MutexGuard<'_, Vec<(String, Told)>> {
        self.context.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a create is accepted without.
    async fn what_is_minded(&mut self, exchange: &Exchange, rt: &ResourceType, body: &Map<String, Value>) -> Told {
        let endpoint = rt.endpoint.as_str();
        let name = name_attribute(endpoint);
        let spelled = declared_spelling(body, rt);
        if spelled != *body && self.is_taken(exchange, endpoint, &spelled).await {
            return Told::misspelt("but is accepted with the names in the spelling of the schema");
        }
        let may_go = |key: &&String| !key.eq_ignore_ascii_case(name) && !key.eq_ignore_ascii_case("schemas");
        for key in body.keys().filter(may_go).take(ATTRIBUTES) {
            if self.is_taken(exchange, endpoint, &without(body, |k| k == key)).await {
                return self.which_part(exchange, endpoint, body, key).await;
            }
            if let Some(less) = one_only(body, key)
                && self.is_taken(exchange, endpoint, &less).await
            {
                return Told::of(std::slice::from_ref(key), &format!("but is accepted with one of the `{key}`"));
            }
        }
        // The least that there is, in the schema's spelling and without the URN of an extension that is not there.
        let mut least = without(&spelled, |k| may_go(&k));
        least.insert("schemas".to_owned(), json!([rt.schema.id]));
        if self.context.target.schemas_known {
            crate::run::required::complete(&mut least, rt, self.made_up());
        }
        let alone = match self.is_taken(exchange, endpoint, &least).await {
            true => format!("but is accepted with `{name}` alone"),
            false => format!("also with `{name}` alone"),
        };
        Told::of(&[], &alone)
    }

    /// What it is in an attribute without which a create is accepted: too many values, none that is primary, or one of the parts.
    async fn which_part(&mut self, exchange: &Exchange, endpoint: &str, body: &Map<String, Value>, key: &str) -> Told {
        let mut path = vec![key.to_owned()];
        while path.len() < DEPTH {
            let Some(part) = self.minded_below(exchange, endpoint, body, &path).await else { break };
            path.push(part);
        }
        if path.len() > 1 {
            return Told::of(&path, &format!("but is accepted without `{}`", dotted(&path)));
        }
        let mut odd = Vec::new();
        for (value, less) in without_each(body, key) {
            if self.is_taken(exchange, endpoint, &less).await {
                odd.push(value);
            }
        }
        // Where more than one may go, it is their number.
        if let [odd] = &odd[..] {
            return Told::of(&path, &format!("but is accepted without {odd} among the `{key}`"));
        }
        if let Some(less) = one_only(body, key)
            && self.is_taken(exchange, endpoint, &less).await
        {
            return Told::of(&path, &format!("but is accepted with one of the `{key}`"));
        }
        if let Some(more) = with_primary(body, key)
            && self.is_taken(exchange, endpoint, &more).await
        {
            return Told::of(&path, &format!("but is accepted with one of the `{key}` marked as primary"));
        }
        Told::of(&path, &format!("but is accepted without `{key}`"))
    }

    /// The part of what lies at a path without which the create is accepted.
    async fn minded_below(
        &mut self,
        exchange: &Exchange,
        endpoint: &str,
        body: &Map<String, Value>,
        path: &[String],
    ) -> Option<String> {
        for part in parts_at(body, path).into_iter().take(PARTS) {
            let mut less = body.clone();
            drop_part(&mut less, path, &part);
            if self.is_taken(exchange, endpoint, &less).await {
                return Some(part);
            }
        }
        None
    }

    /// True when a create of that is accepted. It gets another name, and is deleted.
    async fn is_taken(&mut self, exchange: &Exchange, endpoint: &str, body: &Map<String, Value>) -> bool {
        let name = name_attribute(endpoint);
        let mut body = body.clone();
        let key = body.keys().find(|k| k.eq_ignore_ascii_case(name)).cloned();
        let Some(Value::String(own)) = key.and_then(|key| body.get_mut(&key)) else { return false };
        // Each time another one: some servers keep the names of those who were deleted.
        self.tried += 1;
        *own = format!("less{}-{own}", self.tried);
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
    /// The attribute that is minded, and the part of it; empty where it is none.
    path: Vec<String>,
    /// It is the spelling that is minded.
    misspelt: bool,
    words: String,
}

impl Told {
    fn of(path: &[String], words: &str) -> Self {
        Self { path: path.to_vec(), misspelt: false, words: words.to_owned() }
    }

    fn misspelt(words: &str) -> Self {
        Self { path: Vec::new(), misspelt: true, words: words.to_owned() }
    }

    /// Said of another create of the same words: it has that attribute, or that spelling, too.
    fn applies(&self, body: &Map<String, Value>, rt: &ResourceType) -> bool {
        match self.path.split_last() {
            None => !self.misspelt || declared_spelling(body, rt) != *body,
            Some((key, [])) => get_ci(body, key).is_some(),
            Some((part, above)) => parts_at(body, above).iter().any(|p| p.eq_ignore_ascii_case(part)),
        }
    }
}

/// A path as it is read: the parts of an extension stand behind a colon.
fn dotted(path: &[String]) -> String {
    match path.split_first() {
        Some((urn, rest)) if urn.contains(':') => format!("{urn}:{}", rest.join(".")),
        _ => path.join("."),
    }
}

/// The names below a path, but for `value`, without which nothing is left.
fn parts_at(body: &Map<String, Value>, path: &[String]) -> Vec<String> {
    let mut here: Vec<&Map<String, Value>> = vec![body];
    for key in path {
        let below = here.iter().filter_map(|map| get_ci(map, key)).flat_map(|value| match value {
            Value::Array(all) => all.iter().collect(),
            other => vec![other],
        });
        here = below.filter_map(Value::as_object).collect();
    }
    let mut parts: Vec<String> = Vec::new();
    for name in here.into_iter().flat_map(Map::keys) {
        if !name.eq_ignore_ascii_case("value") && !parts.contains(name) {
            parts.push(name.clone());
        }
    }
    parts
}

/// Takes a part out of everything that lies at a path.
fn drop_part(map: &mut Map<String, Value>, path: &[String], part: &str) {
    let Some((head, rest)) = path.split_first() else {
        map.retain(|name, _| !name.eq_ignore_ascii_case(part));
        return;
    };
    for (_, value) in map.iter_mut().filter(|(name, _)| name.eq_ignore_ascii_case(head)) {
        let below = match value {
            Value::Array(all) => all.iter_mut().collect(),
            other => vec![other],
        };
        below.into_iter().filter_map(Value::as_object_mut).for_each(|map| drop_part(map, rest, part));
    }
}

/// The body with the first of several values; `None` where there are no several.
fn one_only(body: &Map<String, Value>, key: &str) -> Option<Map<String, Value>> {
    let all = body.get(key)?.as_array().filter(|all| all.len() > 1)?;
    let mut less = body.clone();
    less.insert(key.to_owned(), Value::Array(all[..1].to_vec()));
    Some(less)
}

/// The body without one of several values at a time, and which one: where one is minded for what it is, the others are taken.
fn without_each(body: &Map<String, Value>, key: &str) -> Vec<(String, Map<String, Value>)> {
    let all = body.get(key).and_then(Value::as_array).filter(|all| (3..=PARTS).contains(&all.len()));
    let less = |n: usize, one: &Value| {
        let value = value_ci(one, "value").and_then(text_of)?;
        let mut rest = all?.clone();
        rest.remove(n);
        let mut less = body.clone();
        less.insert(key.to_owned(), Value::Array(rest));
        Some((format!("`{value}`"), less))
    };
    all.into_iter().flatten().enumerate().filter_map(|(n, one)| less(n, one)).collect()
}

/// The body with the first value marked as primary; `None` where one is.
fn with_primary(body: &Map<String, Value>, key: &str) -> Option<Map<String, Value>> {
    let all = body.get(key)?.as_array()?;
    let marked = |value: &Value| value_ci(value, "primary") == Some(&Value::Bool(true));
    let mut first = all.first()?.as_object().filter(|_| !all.iter().any(marked))?.clone();
    first.insert("primary".to_owned(), Value::Bool(true));
    let mut more = body.clone();
    more.insert(key.to_owned(), std::iter::once(Value::Object(first)).chain(all[1..].iter().cloned()).collect());
    Some(more)
}

/// True for an attribute, or a part of it, that only the server sets.
fn read_only(path: &[String], rt: &ResourceType) -> bool {
    let parsed = parse_path(&dotted(path), rt).ok();
    parsed.is_some_and(|p| rt.attribute(&p.attr).is_some_and(|r| r.leaf().mutability == Mutability::ReadOnly))
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
    fn a_part_goes_out_of_every_value() {
        let body = json!({"emails": [{"value": "a", "Display": "A"}, {"value": "b", "type": "work"}]});
        let mut body = body.as_object().unwrap().clone();
        let emails = ["emails".to_owned()];
        assert_eq!(parts_at(&body, &emails), ["Display", "type"]);
        assert_eq!(dotted(&["emails".into(), "display".into()]), "emails.display");
        let told = Told::of(&["emails".to_owned(), "display".to_owned()], "");
        let rt = ResourceType::user();
        assert!(told.applies(&body, &rt));
        drop_part(&mut body, &emails, "display");
        assert_eq!(parts_at(&body, &emails), ["type"]);
        assert!(!told.applies(&body, &rt));
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
