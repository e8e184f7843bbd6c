//! POST, GET, PUT, PATCH and DELETE of one resource (RFC 7644 §3.3 to §3.6).
//!
//! Must not know how answers travel, nor which faults are on: they act at the hooks.

use super::behaviour::PatchAnswer;
use super::call::{Call, Kind};
use super::intake::{self, Intake, check_required, resource_type};
use super::inventory;
use super::reply::{Failure, Reply};
use super::service::{Answer, Service};
use super::store::Record;
use crate::scim::patch::{self, PatchError};
use crate::scim::project::project;
use crate::scim::schema::Mutability;
use crate::scim::urn;
use crate::scim::value::get_ci;
use serde_json::{Map, Value, json};

/// `POST /Users`, `POST /Groups` (RFC 7644 §3.3).
pub fn create(service: &mut Service<'_>, call: &Call, kind: Kind) -> Answer {
    let body = intake::object(call)?;
    intake::check_schemas(kind, body)?;
    let mut document = service.intake(call).document(kind, body)?;
    if kind == Kind::User && document.get("active").is_none() {
        // RFC 7643 §4.1.1 leaves the meaning of a missing `active` open; a new account is meant to be used.
        document["active"] = Value::Bool(true);
    }
    service.plan.store(call, None, &mut document);
    check_required(kind, &document)?;
    service.plan.check(call, service.state, None, &document)?;
    service.check_unique(call, kind, &document, None)?;
    let id = uuid::Uuid::new_v4().to_string();
    service.state.of_mut(call).insert(kind, id.clone(), &document);
    let reply = service.shown(call, kind, &id, 201)?;
    let location = service.renderer(call).location(kind, &id);
    Ok(reply.with("Location", location))
}

/// Everything that goes to `/Users/{id}` and `/Groups/{id}`.
pub fn item(service: &mut Service<'_>, call: &Call, kind: Kind, id: &str) -> Answer {
    match call.method.as_str() {
        "GET" | "HEAD" => read(service, call, kind, id),
        "PUT" => replace(service, call, kind, id),
        "PATCH" => modify(service, call, kind, id),
        _ => delete(service, call, kind, id),
    }
}

fn read(service: &mut Service<'_>, call: &Call, kind: Kind, id: &str) -> Answer {
    let behaviour = &service.plan.behaviour;
    let record = stored(service, call, kind, id)?;
    if behaviour.etag
        && behaviour.not_modified
        && let Some(tags) = call.header("if-none-match")
        && names(tags, &record.version())
    {
        return Ok(Reply::empty(304).with("ETag", record.version()));
    }
    service.shown(call, kind, id, 200)
}

/// RFC 7644 §3.5.1: what the body leaves out is cleared. Two things survive: a password, which the client can not
/// read back, and `active`, since an account must not change hands by an omission.
fn replace(service: &mut Service<'_>, call: &Call, kind: Kind, id: &str) -> Answer {
    let before = stored(service, call, kind, id)?.document();
    check_precondition(service, call, stored(service, call, kind, id)?)?;
    let body = intake::object(call)?;
    intake::check_schemas(kind, body)?;
    let mut after = service.intake(call).document(kind, body)?;
    let keep: &[&str] = match kind {
        Kind::User => &["password", "active"],
        Kind::Group | Kind::Device => &[],
    };
    if let (Some(old), Some(new)) = (before.as_object(), after.as_object_mut()) {
        let kept = |name: &str| service.plan.behaviour.put_keeps_omitted || keep.contains(&name);
        for (name, value) in old.iter().filter(|(name, _)| kept(name)) {
            if get_ci(body, name).is_none() || name == "password" && !new.contains_key(name) {
                new.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
    }
    keep_immutable(kind, &before, &mut after)?;
    service.plan.store(call, Some(&before), &mut after);
    check_required(kind, &after)?;
    service.plan.check(call, service.state, Some(&before), &after)?;
    service.check_unique(call, kind, &after, Some(id))?;
    service.write(call, kind, id, &before, &after);
    service.shown(call, kind, id, 200)
}

/// RFC 7644 §3.5.1: an immutable attribute that has a value keeps it; another value is refused.
fn keep_immutable(kind: Kind, before: &Value, after: &mut Value) -> Result<(), Failure> {
    for attribute in resource_type(kind).schema.attributes.iter().filter(|a| a.mutability == Mutability::Immutable) {
        let Some(old) = before.get(&attribute.name) else { continue };
        match after.get(&attribute.name) {
            Some(new) if new != old => {
                let detail = format!("{} can not be changed.", attribute.name);
                return Err(Failure::typed(400, "mutability", detail));
            }
            _ => after[&attribute.name] = old.clone(),
        }
    }
    Ok(())
}

fn delete(service: &mut Service<'_>, call: &Call, kind: Kind, id: &str) -> Answer {
    check_precondition(service, call, stored(service, call, kind, id)?)?;
    if let Some(reply) = service.plan.delete(call, service.state) {
        return Ok(reply);
    }
    let tenant = service.state.of_mut(call);
    tenant.remove(kind, id);
    if service.plan.behaviour.delete_cleans_groups {
        let groups: Vec<(String, Value)> =
            tenant.groups_of(id).iter().map(|group| (group.id.clone(), group.document())).collect();
        for (group, mut document) in groups {
            if let Some(members) = document.get_mut("members").and_then(Value::as_array_mut) {
                members.retain(|m| m.get("value").and_then(Value::as_str) != Some(id));
                if members.is_empty() {
                    document.as_object_mut().map(|d| d.shift_remove("members"));
                }
            }
            tenant.update(Kind::Group, &group, &document);
        }
    }
    Ok(Reply::empty(204))
}

fn modify(service: &mut Service<'_>, call: &Call, kind: Kind, id: &str) -> Answer {
    if !service.plan.behaviour.patch {
        return Err(Failure::plain(501, "This server does not offer PATCH."));
    }
    let record = stored(service, call, kind, id)?;
    let before = record.document();
    check_precondition(service, call, record)?;
    let mut operations = operations(intake::object(call)?)?;
    let plan = service.plan;
    if let Some(reply) = plan.operations(&mut operations, call, service.state) {
        return Ok(reply);
    }
    let start = call.snapshot.clone().unwrap_or_else(|| before.clone());
    if plan.behaviour.patch_keeps_partial {
        // Each operation as a request of its own: what came before the failing one stays.
        let mut current = start;
        for operation in operations {
            current = service.patched(call, kind, id, &current, vec![operation])?;
        }
    } else if !operations.is_empty() {
        service.patched(call, kind, id, &start, operations)?;
    }
    let asks = call.param("attributes").is_some() || call.param("excludedAttributes").is_some();
    match plan.behaviour.patch_answer {
        PatchAnswer::NoContent if !asks => {
            let reply = Reply::empty(204);
            let version = stored(service, call, kind, id)?.version();
            Ok(match plan.behaviour.etag {
                true => reply.with("ETag", version),
                false => reply,
            })
        }
        _ => service.shown(call, kind, id, 200),
    }
}

/// The operations of a PatchOp message (RFC 7644 §3.5.2).
fn operations(body: &Map<String, Value>) -> Result<Vec<Value>, Failure> {
    let syntax = |detail: &str| Failure::typed(400, "invalidSyntax", detail);
    if let Some(schemas) = get_ci(body, "schemas") {
        let named = schemas
            .as_array()
            .is_some_and(|s| s.iter().any(|u| u.as_str().is_some_and(|u| u.eq_ignore_ascii_case(urn::PATCH_OP))));
        if !named {
            return Err(syntax("schemas must name the PatchOp message."));
        }
    } else {
        return Err(syntax("schemas is missing; it must name the PatchOp message."));
    }
    match get_ci(body, "Operations") {
        Some(Value::Array(list)) if !list.is_empty() => Ok(list.clone()),
        Some(Value::Array(_)) => Err(syntax("Operations is empty.")),
        _ => Err(syntax("Operations must be an array.")),
    }
}

impl Service<'_> {
    /// Normalises documents of the caller's tenant.
    pub fn intake<'s>(&'s self, call: &Call) -> Intake<'s> {
        Intake { behaviour: &self.plan.behaviour, tenant: self.state.of(call), one_primary: call.method != "PATCH" }
    }

    /// Applies operations to a document and stores the result; all or nothing (RFC 7644 §3.5.2).
    fn patched(
        &mut self,
        call: &Call,
        kind: Kind,
        id: &str,
        start: &Value,
        operations: Vec<Value>,
    ) -> Result<Value, Failure> {
        let options = patch::Options {
            value_path_creates: self.plan.behaviour.value_path_creates,
            lenient: self.plan.behaviour.lenient,
        };
        let message = json!({ "schemas": [urn::PATCH_OP], "Operations": operations });
        let applied = patch::apply(start, &message, resource_type(kind), &options).map_err(refusal)?;
        let empty = Map::new();
        let applied = applied.as_object().unwrap_or(&empty);
        let mut after = self.intake(call).document(kind, applied)?;
        self.plan.store(call, Some(start), &mut after);
        check_required(kind, &after)?;
        self.plan.check(call, self.state, Some(start), &after)?;
        self.check_unique(call, kind, &after, Some(id))?;
        self.write(call, kind, id, start, &after);
        Ok(after)
    }

    /// Stores a document unless it is the one that is there: what changes nothing leaves `lastModified` alone
    /// (RFC 7644 §3.5.2.1).
    fn write(&mut self, call: &Call, kind: Kind, id: &str, before: &Value, after: &Value) {
        if before == after && call.snapshot.is_none() && !self.plan.behaviour.touches_unchanged {
            return;
        }
        let stale = self.plan.behaviour.stale_reads.then(|| {
            let record = self.state.of(call).get(kind, id);
            record.map(|r| self.renderer(call).resource(kind, r))
        });
        let tenant = self.state.of_mut(call);
        tenant.update(kind, id, after);
        if let Some(record) = tenant.get_mut(kind, id) {
            record.stale = stale.flatten();
        }
    }

    /// Another resource of the same unique name is a conflict (RFC 7644 §3.12 `uniqueness`).
    fn check_unique(&self, call: &Call, kind: Kind, document: &Value, own: Option<&str>) -> Result<(), Failure> {
        let behaviour = &self.plan.behaviour;
        let attribute = kind.unique_attribute();
        let exempt = behaviour.unchecked_names.contains(&call.method.as_str())
            || (kind == Kind::Group && !behaviour.unique_group_names);
        let Some(name) = document.get(attribute).and_then(Value::as_str).filter(|_| !exempt) else {
            return Ok(());
        };
        let exact = behaviour.names_case_sensitive || kind == Kind::Device;
        let taken = self
            .state
            .of(call)
            .named(kind, name)
            .into_iter()
            .any(|other| Some(other.id.as_str()) != own && (!exact || other.name == name));
        if taken {
            let detail = format!("{attribute} \"{name}\" is already in use.");
            return Err(Failure::typed(409, "uniqueness", detail));
        }
        self.check_unique_extensions(call, kind, document, own)
    }

    /// Unique attributes of extensions have no index: all resources are looked at, when there is a value at all.
    fn check_unique_extensions(
        &self,
        call: &Call,
        kind: Kind,
        document: &Value,
        own: Option<&str>,
    ) -> Result<(), Failure> {
        for (urn, attribute) in inventory::unique(resource_type(kind)) {
            let Some(value) = document.get(urn).and_then(|e| e.get(&attribute.name)) else { continue };
            let same = |r: &&Record| {
                Some(r.id.as_str()) != own && r.document().get(urn).and_then(|e| e.get(&attribute.name)) == Some(value)
            };
            if self.state.of(call).iter(kind).any(|r| same(&r)) {
                let detail = format!("{urn}:{} {value} is already in use.", attribute.name);
                return Err(Failure::typed(409, "uniqueness", detail));
            }
        }
        Ok(())
    }

    /// A resource as the client wants to see it (RFC 7644 §3.9), with its entity tag (§3.14).
    pub fn shown(&mut self, call: &Call, kind: Kind, id: &str, status: u16) -> Answer {
        let stale = match call.method.as_str() {
            "GET" => self.state.of_mut(call).get_mut(kind, id).and_then(|r| r.stale.take()),
            _ => None,
        };
        let record = stored(self, call, kind, id)?;
        let whole = stale.unwrap_or_else(|| self.renderer(call).resource(kind, record));
        let shown = projected(call, kind, &whole);
        let mut reply = Reply::json(status, shown);
        if call.method == "GET" {
            reply.set("Content-Location", crate::server::location(&call.base, kind, id));
        }
        if self.plan.behaviour.etag {
            reply.set("ETag", record.version());
        }
        Ok(reply)
    }
}

/// Cuts a resource down to what the query parameters ask for.
pub fn projected(call: &Call, kind: Kind, whole: &Value) -> Value {
    let list = |name: &str| call.param(name).map(split).unwrap_or_default();
    cut(kind, whole, &list("attributes"), &list("excludedAttributes"))
}

/// Cuts a resource down to these attributes, or to all but those (RFC 7644 §3.9).
pub fn cut(kind: Kind, whole: &Value, attributes: &[String], excluded: &[String]) -> Value {
    let some = |list: &[String]| !list.is_empty();
    project(whole, resource_type(kind), some(attributes).then_some(attributes), some(excluded).then_some(excluded))
}

/// The names in a comma-separated list.
pub fn split(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn stored<'s>(service: &'s Service<'_>, call: &Call, kind: Kind, id: &str) -> Result<&'s Record, Failure> {
    let tenant = service.state.of(call);
    tenant.get(kind, id).ok_or_else(|| Failure::not_found(id))
}

/// `If-Match` (RFC 7644 §3.14, RFC 9110 §13.1.1).
fn check_precondition(service: &Service<'_>, call: &Call, record: &Record) -> Result<(), Failure> {
    let behaviour = &service.plan.behaviour;
    let Some(tags) = call.header("if-match").filter(|_| behaviour.etag) else {
        return Ok(());
    };
    match behaviour.stale_status {
        Some(status) if !names(tags, &record.version()) => {
            Err(Failure::plain(status, format!("Resource {} has changed on the server.", record.id)))
        }
        _ => Ok(()),
    }
}

/// Whether a list of entity tags names this version; weak comparison, because every version here is weak.
fn names(tags: &str, version: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    tags.trim() == "*" || tags.split(',').any(|tag| bare(tag) == bare(version))
}

fn refusal(error: PatchError) -> Failure {
    Failure { status: error.status, scim_type: error.scim_type, detail: error.detail }
}
