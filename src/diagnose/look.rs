//! The read-only look at one person: does the name find the account, and does its id lead back to it?
//!
//! Sends reads only. Must not create or change anything, whatever the server answers.

use super::causes;
use super::text::Family;
use super::verdict::{
    self, CauseVerdict, Complaint, Diagnosis, Evidence, FORMAT, Probe, Shot, Standing, not_probed, shot,
};
use crate::engine::target::encode_query_value;
use crate::engine::{Http, Outgoing, encode_segment};
use crate::exchange::Exchange;
use crate::report::redact::Redactor;
use serde_json::Value;

/// Whom to look at. One of the two has to be given.
#[derive(Debug, Clone, Default)]
pub struct Person {
    /// The login, as the identity provider has it.
    pub name: Option<String>,
    /// The id that the identity provider has stored.
    pub id: Option<String>,
}

/// One request of the look.
struct Seen {
    name: &'static str,
    title: String,
    shot: Shot,
    status: Option<u16>,
}

/// Everything that was seen; absent where it was not asked.
#[derive(Default)]
struct Facts {
    seen: Vec<Seen>,
    /// Accounts that the name finds.
    by_name: Option<Vec<Value>>,
    /// Accounts that the name in the other case finds.
    by_other_case: Option<Vec<Value>>,
    /// Accounts that a part of the name finds.
    by_part: Option<Vec<Value>>,
    /// Status and account of the stored id.
    by_stored_id: Option<(u16, Option<Value>)>,
    /// Status and account of the id that the look-up gave.
    by_found_id: Option<(u16, Option<Value>)>,
}

/// Reads what there is about the person and judges the causes that this can tell apart.
pub async fn look(complaints: &[Complaint], http: &Http, redactor: &Redactor, person: &Person) -> Diagnosis {
    let facts = gather(http, redactor, person).await;
    let families = complaints.iter().map(|c| judged(c, &facts, person)).collect();
    let probes = facts.seen.iter().map(|s| Probe {
        name: s.name.to_owned(),
        title: s.title.clone(),
        outcome: s.status.map_or_else(|| "no answer".to_owned(), |s| s.to_string()),
        reason: None,
    });
    let base = redactor.url(http.target().base_url.as_str());
    Diagnosis {
        format: FORMAT,
        target: Some(base),
        broken: None,
        probes: probes.collect(),
        families,
        left_behind: Vec::new(),
    }
}

async fn gather(http: &Http, redactor: &Redactor, person: &Person) -> Facts {
    let mut facts = Facts::default();
    if let Some(name) = &person.name {
        let ask =
            |n: String| format!("/Users?filter={}", encode_query_value(&format!("userName eq {}", Value::from(n))));
        facts.by_name = facts.list(http, redactor, "by-name", "The look-up by name", ask(name.clone())).await;
        if let Some(other) = other_case(name) {
            facts.by_other_case =
                facts.list(http, redactor, "by-other-case", "The same name in other letters", ask(other)).await;
        }
        if let Some(part) = part_of(name) {
            facts.by_part = facts.list(http, redactor, "by-part", "A part of the name", ask(part)).await;
        }
    }
    if let Some(id) = &person.id {
        let path = format!("/Users/{}", encode_segment(id));
        facts.by_stored_id =
            facts.one(http, redactor, "by-stored-id", "The id that the identity provider has stored", path).await;
    }
    let found = facts.first_found().and_then(|a| id_of(&a));
    if let Some(id) = found
        && Some(&id) != person.id.as_ref()
    {
        let path = format!("/Users/{}", encode_segment(&id));
        facts.by_found_id = facts.one(http, redactor, "by-found-id", "The id that the look-up gave", path).await;
    } else if person.id.is_some() {
        facts.by_found_id = facts.first_found().and(facts.by_stored_id.clone());
    }
    facts
}

impl Facts {
    async fn ask(
        &mut self,
        http: &Http,
        redactor: &Redactor,
        name: &'static str,
        title: &str,
        path: String,
    ) -> Exchange {
        let headers = vec![("Accept".to_owned(), "application/scim+json, application/json".to_owned())];
        let out = Outgoing { method: "GET".to_owned(), target: path, headers, ..Outgoing::default() };
        let exchange = http.send(out).await;
        let request = redactor.request_report(&exchange);
        let response = redactor.response_report(&exchange);
        let base = redactor.url(http.target().base_url.as_str());
        self.seen.push(Seen {
            name,
            title: title.to_owned(),
            shot: shot(name, title, Some(&request), response.as_ref(), &base),
            status: exchange.status(),
        });
        exchange
    }

    /// Resources of a list; `None` when it was refused or is no list.
    async fn list(
        &mut self,
        http: &Http,
        redactor: &Redactor,
        name: &'static str,
        title: &str,
        path: String,
    ) -> Option<Vec<Value>> {
        let exchange = self.ask(http, redactor, name, title, path).await;
        if !exchange.accepted() {
            return None;
        }
        let body = exchange.json()?.as_object()?;
        let resources = body.iter().find(|(k, _)| k.eq_ignore_ascii_case("Resources")).map(|(_, v)| v);
        Some(resources.and_then(Value::as_array).cloned().unwrap_or_default())
    }

    async fn one(
        &mut self,
        http: &Http,
        redactor: &Redactor,
        name: &'static str,
        title: &str,
        path: String,
    ) -> Option<(u16, Option<Value>)> {
        let exchange = self.ask(http, redactor, name, title, path).await;
        Some((exchange.status()?, exchange.json().filter(|_| exchange.accepted()).cloned()))
    }

    fn first_found(&self) -> Option<Value> {
        let first = |list: &Option<Vec<Value>>| list.as_ref().and_then(|l| l.first().cloned());
        first(&self.by_name).or_else(|| first(&self.by_other_case))
    }

    fn shot(&self, name: &str) -> Option<Shot> {
        self.seen.iter().find(|s| s.name == name).map(|s| s.shot.clone())
    }
}

/// What the look says about a cause: proof (with the two requests), or that it is not so; `None` where it cannot tell.
fn says(cause: &str, facts: &Facts, person: &Person) -> Option<Result<(&'static str, &'static str), ()>> {
    let no = Some(Err(()));
    let yes = |earlier, later| Some(Ok((earlier, later)));
    let stored_missing = facts.by_stored_id.as_ref().map(|(s, _)| matches!(s, 404 | 410));
    let found_missing = facts.by_found_id.as_ref().map(|(s, _)| matches!(s, 404 | 410));
    let found = facts.first_found();
    let found_id = found.as_ref().and_then(id_of);
    let other_id = found_id.is_some() && person.id.is_some() && found_id != person.id;
    let inactive =
        |account: &Option<Value>| account.as_ref().and_then(|a| a.get("active")) == Some(&Value::Bool(false));
    match cause {
        "deleted-by-hand" | "restored-with-new-ids" => match (stored_missing?, other_id, &facts.by_name) {
            (true, true, _) if found_missing == Some(false) => yes("by-name", "by-stored-id"),
            (true, false, Some(list)) if list.is_empty() && found.is_none() && cause == "deleted-by-hand" => {
                yes("by-name", "by-stored-id")
            }
            (false, ..) => no,
            _ => None,
        },
        "read-hides-inactive" | "deactivation-deletes" => match found_missing? {
            true if inactive(&found) && cause == "read-hides-inactive" => yes("by-name", "by-found-id"),
            _ => no,
        },
        "look-up-hides-inactive" => match (&facts.by_stored_id, &facts.by_name) {
            (Some((200, account)), Some(list)) if list.is_empty() && inactive(account) => {
                yes("by-stored-id", "by-name")
            }
            (_, Some(list)) if !list.is_empty() => no,
            _ => None,
        },
        "look-up-misses-stored-name" => match (&facts.by_stored_id, &facts.by_name) {
            (Some((200, account)), Some(list))
                if list.is_empty() && !inactive(account) && same_name(account, person) =>
            {
                yes("by-stored-id", "by-name")
            }
            (_, Some(list)) if !list.is_empty() => no,
            _ => None,
        },
        "ids-differ-per-endpoint" => match found_missing? {
            true if !inactive(&found) && !encodes(found_id.as_deref()) => yes("by-name", "by-found-id"),
            true => None,
            false => {
                let read = facts.by_found_id.as_ref().and_then(|(_, a)| a.as_ref()).and_then(id_of);
                if read.is_some() && read != found_id { yes("by-name", "by-found-id") } else { no }
            }
        },
        "id-needs-encoding" => match found_missing? {
            true if encodes(found_id.as_deref()) => yes("by-name", "by-found-id"),
            _ => no,
        },
        "id-made-of-username" => {
            let (id, name) = (found_id?, person.name.as_ref()?);
            if id.eq_ignore_ascii_case(name) { yes("by-name", "by-name") } else { no }
        }
        "external-id-is-id" => {
            let external = found.as_ref()?.get("externalId")?.as_str()?.to_owned();
            if found_id? == external { yes("by-name", "by-name") } else { no }
        }
        "look-up-minds-case" => match (&facts.by_name, &facts.by_other_case) {
            (Some(a), Some(b)) if a.is_empty() != b.is_empty() => yes("by-name", "by-other-case"),
            (Some(a), Some(b)) if !a.is_empty() && !b.is_empty() => no,
            _ => None,
        },
        "look-up-matches-others" => match (&facts.by_part, found_id) {
            (Some(list), Some(id)) if list.iter().any(|a| id_of(a).as_deref() == Some(&id)) => {
                yes("by-name", "by-part")
            }
            (Some(_), Some(_)) => no,
            _ => None,
        },
        _ => None,
    }
}

fn judged(complaint: &Complaint, facts: &Facts, person: &Person) -> verdict::FamilyVerdict {
    let family: Family = complaint.reading.family;
    let all: Vec<CauseVerdict> = causes::of(family)
        .into_iter()
        .map(|cause| {
            let mut out = not_probed(cause, family, Some("a read-only look at one person cannot tell"));
            match says(cause.id, facts, person) {
                Some(Ok((earlier, later))) => {
                    out.standing = Standing::Found;
                    out.why = None;
                    out.evidence = facts.shot(later).map(|later_shot| Evidence {
                        rule: cause.id.to_owned(),
                        message: cause.title.to_owned(),
                        earlier: if earlier == later { None } else { facts.shot(earlier) },
                        later: later_shot,
                        again: None,
                    });
                }
                Some(Err(())) => {
                    out.standing = Standing::RuledOut;
                    out.why = None;
                }
                None => {}
            }
            out
        })
        .collect();
    verdict::conclude(complaint, all, "request")
}

fn id_of(account: &Value) -> Option<String> {
    match account.get("id")? {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

fn same_name(account: &Option<Value>, person: &Person) -> bool {
    let stored = account.as_ref().and_then(|a| a.get("userName")).and_then(Value::as_str);
    matches!((stored, &person.name), (Some(a), Some(b)) if a.trim().eq_ignore_ascii_case(b.trim()))
}

fn encodes(id: Option<&str>) -> bool {
    id.is_some_and(|id| encode_segment(id) != id)
}

/// The name in capitals, or in small letters when it is in capitals already.
fn other_case(name: &str) -> Option<String> {
    let (upper, lower) = (name.to_uppercase(), name.to_lowercase());
    [upper, lower].into_iter().find(|n| n != name)
}

/// The name without its last character.
fn part_of(name: &str) -> Option<String> {
    let cut: String = name.chars().take(name.chars().count().saturating_sub(1)).collect();
    (!cut.trim().is_empty()).then_some(cut)
}
