//! What a Bulk answer says was done (RFC 7644 §3.7).
//!
//! Must not judge it.

use super::facts::{self, Cause, Fact, Form, Write};
use super::forecast::operations;
use super::learn::{forget, normalise};
use super::observe::{Watch, last_segment};
use super::{Call, Known, State, text_of};
use crate::exchange::Exchange;
use crate::scim::schema::ResourceType;
use crate::scim::value::get_ci;
use serde_json::{Map, Value};
use std::sync::Arc;

impl Watch<'_> {
    pub(super) fn bulk(&mut self, exchange: &Exchange, call: &Call) {
        if exchange.status().is_some_and(|status| status >= 500) {
            return self.bulk_broken(call);
        }
        let asked = asked(call);
        let Some(answer) = exchange.json().and_then(Value::as_object) else { return };
        let results: Vec<&Map<String, Value>> = operations(answer).collect();
        let made: Vec<(String, String)> = results
            .iter()
            .filter_map(|r| {
                Some((get_ci(r, "bulkId").and_then(text_of)?, last_segment(&get_ci(r, "location").and_then(text_of)?)?))
            })
            .collect();
        for (index, ask) in asked.iter().enumerate() {
            let bulk_id = get_ci(ask, "bulkId");
            let result = results
                .iter()
                .find(|r| bulk_id.is_some() && get_ci(r, "bulkId") == bulk_id)
                .or_else(|| results.get(index));
            if let Some(result) = result {
                self.bulk_operation(ask, result, &made);
            }
        }
        self.learned.list_changed = true;
    }

    /// It crashed, or nothing came back: how far it got, nobody knows.
    pub(super) fn bulk_broken(&mut self, call: &Call) {
        let crashed = Map::from_iter([("status".to_owned(), Value::from(500))]);
        asked(call).into_iter().for_each(|ask| self.bulk_operation(ask, &crashed, &[]));
    }

    fn bulk_operation(&mut self, ask: &Map<String, Value>, result: &Map<String, Value>, made: &[(String, String)]) {
        let text = |map: &Map<String, Value>, name: &str| get_ci(map, name).and_then(text_of).unwrap_or_default();
        let status = super::bulk_status_of(result).unwrap_or(0);
        let accepted = (200..300).contains(&status);
        // Whether a crash came before or after the change, nobody knows.
        if !accepted && status < 500 {
            return;
        }
        let path = text(ask, "path");
        let location = text(result, "location");
        let endpoint = format!("/{}", path.trim_start_matches('/').split('/').next().unwrap_or_default());
        let id = location.rsplit('/').next().map(crate::exchange::percent_decode).unwrap_or_default();
        let target = path.rsplit('/').next().map(|id| resolve(&id.into(), made)).and_then(|v| text_of(&v));
        match text(ask, "method").to_ascii_uppercase().as_str() {
            "POST" if !accepted => {}
            "POST" if !id.is_empty() => {
                let Some(rt) = self.shadow.target.resource_type(&endpoint) else { return };
                let data = get_ci(ask, "data").map(|d| resolve(d, made));
                self.learned.resources.push((None, bulk_known(rt, id, data.as_ref(), self.step)));
            }
            "DELETE" => {
                if let Some(known) = target.and_then(|id| self.edit(&endpoint, &id)) {
                    known.state = if accepted { State::Gone } else { State::Unsure };
                }
            }
            _ => {
                if let Some(known) = target.and_then(|id| self.edit(&endpoint, &id)) {
                    forget(known);
                }
            }
        }
    }
}

fn asked(call: &Call) -> Vec<&Map<String, Value>> {
    call.body.as_ref().and_then(Value::as_object).map(|b| operations(b).collect()).unwrap_or_default()
}

/// Puts the real ids in place of `bulkId:` references (RFC 7644 §3.7.2).
fn resolve(value: &Value, made: &[(String, String)]) -> Value {
    match value {
        Value::String(s) => match s.strip_prefix("bulkId:").and_then(|b| made.iter().find(|(k, _)| k == b)) {
            Some((_, id)) => Value::String(id.clone()),
            None => value.clone(),
        },
        Value::Array(list) => Value::Array(list.iter().map(|v| resolve(v, made)).collect()),
        Value::Object(map) => Value::Object(map.iter().map(|(k, v)| (k.clone(), resolve(v, made))).collect()),
        other => other.clone(),
    }
}

fn bulk_known(rt: &ResourceType, id: String, data: Option<&Value>, step: &str) -> Known {
    let mut doc = data.cloned().unwrap_or_default();
    normalise(&mut doc, rt);
    let mut facts = facts::Facts::new();
    for (key, value) in facts::split(&doc, rt) {
        if !facts::is_empty(&value) && !value.to_string().contains("bulkId:") {
            let cause = Cause { step: step.to_owned(), kind: Write::Create, form: Form::default() };
            facts.insert(key, Fact { cause, previous: Value::Null });
        }
    }
    Known {
        endpoint: rt.endpoint.clone(),
        type_name: rt.name.clone(),
        id,
        tenant: 0,
        state: State::Live,
        doc: Arc::new(doc),
        facts: Arc::new(facts),
        step: step.to_owned(),
        last_write: step.to_owned(),
        refused: None,
        last_full: None,
        last_answer: None,
        etag: None,
        dirty: true,
    }
}
