//! What the answer to a request must be, given what the server accepted so far.
//!
//! Must not know the answer. `Either` wherever the RFCs leave a choice, so that no correct server is accused.

use super::{Call, Known, Op, Shadow, State};
use crate::exchange::AuthKind;
use crate::scim::patch::{self, Options};
use crate::scim::schema::{AttrType, Attribute, DEFAULT_PARTS, Mutability, ResourceType, Uniqueness};
use crate::scim::urn;
use crate::scim::value::{get_ci, is_unassigned, validate, value_ci};
use serde_json::{Map, Value};

/// What must happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expectation {
    /// The request is valid: it must succeed.
    Accept,
    /// The request is not valid: it must be refused.
    Refuse,
    /// The RFC leaves it open, or we cannot know.
    Either,
}

/// Why a request must be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// No (valid) credentials.
    Unauthenticated,
    /// No such resource.
    UnknownId,
    /// The resource was deleted in this case.
    Deleted,
    /// The id belongs to another resource type.
    OtherType,
    /// `userName` is taken.
    Duplicate,
    /// A required attribute is missing.
    MissingRequired,
    /// The body is no JSON object.
    BrokenBody,
    /// A value has the wrong type.
    WrongType,
    /// No `Operations`, or it is no list.
    NoOperations,
    /// `schemas` is missing or wrong.
    WrongSchemas,
    /// An operation has no or an unknown `op`.
    UnknownOp,
    /// A path that is malformed or names no attribute.
    InvalidPath,
    /// `remove` without path, or a filter that selects nothing.
    NoTarget,
    /// A readOnly or immutable attribute, or the removal of a required one.
    Mutability,
    /// A value that does not fit.
    InvalidValue,
    /// A filter that cannot be parsed.
    BrokenFilter,
    /// A PATCH body whose syntax is wrong in another way.
    BrokenPatch,
}

/// A point on which the RFC and an identity provider differ, or the RFC leaves a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Choice {
    /// `emails[type eq "work"].value` on a user without one.
    ValuePathCreates,
    /// `remove members` with a list of values.
    RemoveWithValue,
    /// A boolean sent as text.
    TextBoolean,
    /// Path-less keys with dots or URNs.
    DottedKey,
    /// `manager` as a bare string or list.
    BareReference,
    /// A member that does not exist.
    UnknownMember,
    /// An attribute that the target does not declare.
    UndeclaredAttribute,
    /// `emails[type eq "work"].value eq …` in a filter, which the RFC's grammar does not have.
    ValuePathComparison,
    /// `remove` with a value filter that matches nothing.
    RemoveAbsent,
    /// A second group of the same name.
    GroupName,
    /// A readOnly attribute was sent: refuse or ignore.
    ReadOnlySent,
    /// Stale or unknown conditions, other.
    Other,
}

/// Keys of the attributes that the target's schema declares unique, `userName` and what only the server writes left out.
/// A sub-attribute of a multi-valued attribute stands for its attribute.
fn declared_unique(rt: &ResourceType) -> Vec<String> {
    let unique = |a: &Attribute| a.uniqueness != Uniqueness::None && a.mutability != Mutability::ReadOnly;
    let holds_one = |a: &&Attribute| unique(a) || a.sub_attributes.iter().any(unique);
    let core = rt.schema.attributes.iter().filter(holds_one).map(|a| a.name.clone());
    let extended = rt
        .extensions
        .iter()
        .flat_map(|e| e.schema.attributes.iter().filter(holds_one).map(|a| format!("{}:{}", e.schema.id, a.name)));
    core.filter(|name| !["userName", "id"].contains(&name.as_str())).chain(extended).collect()
}

/// The texts that an attribute holds, whether it is simple, complex or a list: of an object its `value`.
fn texts_at(doc: &Value, key: &str, rt: &ResourceType) -> Vec<String> {
    fn texts(value: &Value, out: &mut Vec<String>) {
        match value {
            Value::String(text) => out.push(text.clone()),
            Value::Array(items) => items.iter().for_each(|i| texts(i, out)),
            Value::Object(map) => get_ci(map, "value").into_iter().for_each(|v| texts(v, out)),
            _ => {}
        }
    }
    let mut out = Vec::new();
    texts(&super::facts::look_up(doc, key, rt), &mut out);
    out
}

/// The forecast for one request.
#[derive(Debug, Clone)]
pub struct Forecast {
    /// What must happen.
    pub expect: Expectation,
    /// Why it must be refused.
    pub reason: Option<Reason>,
    /// Which choice it leaves.
    pub choice: Option<Choice>,
    /// More words: attribute, path, name.
    pub detail: String,
    /// What the resource is after acceptance.
    pub after: Option<Value>,
}

impl Forecast {
    fn accept(after: Option<Value>) -> Self {
        Self { expect: Expectation::Accept, reason: None, choice: None, detail: String::new(), after }
    }

    fn refuse(reason: Reason, detail: impl Into<String>) -> Self {
        Self { expect: Expectation::Refuse, reason: Some(reason), choice: None, detail: detail.into(), after: None }
    }

    fn either(choice: Choice, detail: impl Into<String>, after: Option<Value>) -> Self {
        Self { expect: Expectation::Either, reason: None, choice: Some(choice), detail: detail.into(), after }
    }

    /// The same effects, but neither success nor refusal is wrong.
    pub fn opened(self) -> Self {
        if self.expect == Expectation::Either {
            return self;
        }
        Self { expect: Expectation::Either, reason: None, choice: Some(Choice::Other), ..self }
    }

    fn open() -> Self {
        Self::either(Choice::Other, "", None)
    }
}

impl Shadow {
    /// What the answer to `call` must be.
    pub fn forecast(&self, call: &Call) -> Forecast {
        if !call.authenticated() {
            return match (call.auth, call.op) {
                // RFC 7644 §4 lets discovery be public; other schemes may be as good as ours.
                (AuthKind::WrongScheme | AuthKind::Query, _) | (_, Op::Discovery) => Forecast::open(),
                _ => Forecast::refuse(Reason::Unauthenticated, ""),
            };
        }
        let Some(rt) = self.target.resource_type(&call.endpoint) else { return Forecast::open() };
        match call.op {
            Op::Create => self.forecast_create(call, rt),
            Op::Read if call.attributes.is_some() && call.excluded.is_some() => {
                self.forecast_target(call).unwrap_or_else(Forecast::open)
            }
            Op::Read => self.forecast_target(call).unwrap_or_else(|| Forecast::accept(None)),
            Op::Delete => self.forecast_target(call).unwrap_or_else(|| Forecast::accept(None)),
            Op::Replace => self.forecast_replace(call, rt),
            Op::Patch => self.forecast_patch(call, rt),
            Op::List | Op::Search if call.filter_text.is_some() && !self.target.feature("filter") => Forecast::open(),
            Op::List | Op::Search => forecast_list(call, rt),
            _ => Forecast::open(),
        }
    }

    /// The target resource of a call by id: refused when it cannot be there, `None` when it is.
    fn forecast_target(&self, call: &Call) -> Option<Forecast> {
        let id = call.id.as_deref()?;
        let tenant = tenant_of(call);
        match self.find(&call.endpoint, id) {
            Some(k) if k.tenant != tenant => Some(Forecast::refuse(Reason::UnknownId, "a resource of another tenant")),
            Some(k) => match k.state {
                State::Live => None,
                State::Gone => Some(Forecast::refuse(Reason::Deleted, id)),
                State::Unsure => Some(Forecast::open()),
            },
            None if self.with_id(id).next().is_some() => Some(Forecast::refuse(Reason::OtherType, id)),
            None if self.seen.contains(id) => Some(Forecast::open()),
            None => Some(Forecast::refuse(Reason::UnknownId, id)),
        }
    }

    fn forecast_create(&self, call: &Call, rt: &ResourceType) -> Forecast {
        let object = match (&call.body, call.has_body) {
            (Some(Value::Object(o)), _) => o,
            _ => return Forecast::refuse(Reason::BrokenBody, "the body is no JSON object"),
        };
        if let Some(forecast) = common_body_problems(object, rt) {
            return forecast;
        }
        if let Some(taken) = self.taken(call, object, None) {
            return taken;
        }
        let after = Some(Value::Object(object.clone()));
        if let Some(choice) = self.leniency(object, rt, tenant_of(call)) {
            return Forecast::either(choice, "", after);
        }
        Forecast::accept(after)
    }

    fn forecast_replace(&self, call: &Call, rt: &ResourceType) -> Forecast {
        if let Some(forecast) = self.forecast_target(call) {
            return forecast;
        }
        let Some(Value::Object(object)) = &call.body else {
            return Forecast::refuse(Reason::BrokenBody, "the body is no JSON object");
        };
        if let Some(forecast) = common_body_problems(object, rt) {
            return forecast;
        }
        let fixed = self.changes_immutable(call, object, rt);
        if let Some((name, false)) = fixed {
            return Forecast::refuse(Reason::Mutability, format!("{name} is immutable"));
        }
        if let Some(taken) = self.taken(call, object, call.id.as_deref()) {
            return taken;
        }
        let after = Some(Value::Object(object.clone()));
        let body_id = get_ci(object, "id").and_then(Value::as_str);
        if body_id.is_some() && body_id != call.id.as_deref() {
            return Forecast::either(Choice::ReadOnlySent, "id", after);
        }
        if fixed.is_some() {
            return Forecast::either(Choice::Other, "", after);
        }
        if let Some(choice) = self.leniency(object, rt, tenant_of(call)) {
            return Forecast::either(choice, "", after);
        }
        Forecast::accept(after)
    }

    /// An immutable attribute that has a value and is sent with another (RFC 7644 §3.5.1); true beside it where only the case of
    /// its letters differs, and case does not count: that may be called the same or another.
    fn changes_immutable<'r>(
        &self,
        call: &Call,
        object: &Map<String, Value>,
        rt: &'r ResourceType,
    ) -> Option<(&'r str, bool)> {
        let held = self.find(&call.endpoint, call.id.as_deref()?)?.doc.as_object()?;
        let changed = immutable(rt).filter_map(|a| {
            let (now, sent) = (get_ci(held, &a.name)?, get_ci(object, &a.name)?);
            let changes = !is_unassigned(now) && !is_unassigned(sent) && now != sent;
            changes.then(|| (a.name.as_str(), recased(a, now, sent)))
        });
        changed.min_by_key(|(_, only_case)| *only_case)
    }

    fn forecast_patch(&self, call: &Call, rt: &ResourceType) -> Forecast {
        if !self.target.feature("patch") {
            return Forecast::open();
        }
        if let Some(forecast) = self.forecast_target(call) {
            return forecast;
        }
        let Some(Value::Object(object)) = &call.body else {
            return Forecast::refuse(Reason::BrokenBody, "the body is no JSON object");
        };
        if operations(object).any(|op| op_path(op).is_some_and(|p| p.eq_ignore_ascii_case("schemas"))) {
            return Forecast::open();
        }
        if let Some(problem) = envelope_problem(object) {
            return problem;
        }
        let Some(known) = call.id.as_deref().and_then(|id| self.find(&call.endpoint, id)) else {
            return Forecast::open();
        };
        let body = Value::Object(object.clone());
        let strict = patch::apply(&known.doc, &body, rt, &Options { value_path_creates: false, lenient: false });
        match strict {
            Ok(after) => self.judge_patched(call, known, object, rt, after),
            Err(error) => self.judge_lenient(call, known, &body, rt, &error),
        }
    }

    fn judge_patched(
        &self,
        call: &Call,
        known: &Known,
        patch: &Map<String, Value>,
        rt: &ResourceType,
        after: Value,
    ) -> Forecast {
        if let Some(taken) = after.as_object().and_then(|o| self.taken(call, o, Some(&known.id))) {
            // With a second defect in the same request either may be told.
            return if undeclared_keys(patch, rt) { taken.opened() } else { taken };
        }
        let lenient = patch::apply(
            &known.doc,
            &Value::Object(patch.clone()),
            rt,
            &Options { value_path_creates: true, lenient: true },
        )
        .ok();
        if let Some(name) = blank_required(&after, rt) {
            return Forecast::refuse(Reason::InvalidValue, format!("{name} is required"));
        }
        let members = self.unknown_member(&after, known.tenant);
        let choice = removes_with_value(patch)
            .then_some(Choice::RemoveWithValue)
            .or(removes_absent(patch, &known.doc, rt).then_some(Choice::RemoveAbsent))
            .or(touches_read_only(patch, rt).then_some(Choice::ReadOnlySent))
            .or((self.odd_member(&after, known.tenant)
                || decorated_manager(patch)
                || strange_operation(patch)
                || writes_empty_text(patch)
                || after.as_object().is_some_and(|o| nameless(o, rt).is_some())
                || not_canonical(&after, rt))
            .then_some(Choice::Other))
            .or(undeclared_keys(patch, rt).then_some(Choice::UndeclaredAttribute))
            .or(loses_extension(&known.doc, &after, rt).then_some(Choice::Other))
            .or((has_dotted_keys(patch, rt) && bare_manager(patch)).then_some(Choice::BareReference))
            .or(selects_by_text_boolean(patch, &known.doc, rt).then_some(Choice::TextBoolean))
            .or(members.then_some(Choice::UnknownMember))
            .or(has_dotted_keys(patch, rt).then_some(Choice::DottedKey));
        match choice {
            Some(c) => Forecast::either(c, "", lenient.or(Some(after))),
            None => Forecast::accept(Some(after)),
        }
    }

    fn judge_lenient(
        &self,
        call: &Call,
        known: &Known,
        body: &Value,
        rt: &ResourceType,
        strict: &patch::PatchError,
    ) -> Forecast {
        let mut strict = strict.clone();
        let options = [(false, true), (true, false), (true, true)];
        for (creates, lenient) in options {
            let after = match patch::apply(&known.doc, body, rt, &Options { value_path_creates: creates, lenient }) {
                Ok(after) => after,
                // What even the most lenient reading stumbles over is the real reason.
                Err(error) => {
                    strict = error;
                    continue;
                }
            };
            if let Some(taken) = after.as_object().and_then(|o| self.taken(call, o, Some(&known.id))) {
                return taken;
            }
            let selects = body.as_object().is_some_and(|patch| selects_by_text_boolean(patch, &known.doc, rt));
            let choice = match (selects, creates) {
                (true, _) => Choice::TextBoolean,
                (false, true) => Choice::ValuePathCreates,
                (false, false) => lenient_choice(body, rt),
            };
            return Forecast::either(choice, strict.detail.clone(), Some(after));
        }
        let changes_nothing = recases_immutable(&known.doc, body, rt) || names_own_id(&known.id, body);
        if strict.scim_type == Some("mutability") && changes_nothing {
            return Forecast::open();
        }
        let reason = match strict.scim_type {
            Some("noTarget") => Reason::NoTarget,
            Some("invalidPath") => Reason::InvalidPath,
            Some("mutability") => Reason::Mutability,
            Some("invalidValue") => Reason::InvalidValue,
            Some("invalidFilter") => Reason::InvalidPath,
            _ => Reason::BrokenPatch,
        };
        Forecast::refuse(reason, strict.detail.clone())
    }

    /// Refused when a value that must be unique is held by another live resource.
    fn taken(&self, call: &Call, object: &Map<String, Value>, own: Option<&str>) -> Option<Forecast> {
        let rt = self.target.resource_type(&call.endpoint)?;
        let attribute = if rt.schema.id.eq_ignore_ascii_case(urn::USER) {
            "userName"
        } else if rt.schema.id.eq_ignore_ascii_case(urn::GROUP) {
            "displayName"
        } else {
            let unique = rt.schema.attributes.iter().find(|a| a.uniqueness == Uniqueness::Server)?;
            // RFC 7643 §7 says SHOULD of any but userName: create/unique-attribute-duplicated tells.
            return self
                .taken_value(call, object, own, &unique.name, unique.case_exact)
                .map(|f| Forecast { after: Some(Value::Object(object.clone())), ..f.opened() });
        };
        let Some(found) = self.taken_value(call, object, own, attribute, false) else {
            // What else the server declares unique it may refuse; whether it must is not in the RFC's own schemas.
            let detail = self.declared_twin(call, object, rt, own)?;
            return Some(Forecast::either(Choice::Other, detail, Some(Value::Object(object.clone()))));
        };
        if attribute == "displayName" {
            return Some(Forecast::either(Choice::GroupName, found.detail, Some(Value::Object(object.clone()))));
        }
        Some(found)
    }

    /// A value beside the name that the target's schema declares unique and another live resource holds.
    fn declared_twin(
        &self,
        call: &Call,
        object: &Map<String, Value>,
        rt: &ResourceType,
        own: Option<&str>,
    ) -> Option<String> {
        let unique = declared_unique(rt);
        if unique.is_empty() {
            return None;
        }
        let (doc, tenant) = (Value::Object(object.clone()), tenant_of(call));
        let held_by_others = |key: &str, wanted: &str| {
            // In a crowd the last ones must do: each create would look at all before it.
            let all = self.known.len() as u32;
            (all.saturating_sub(2000)..all).map(|number| self.known.glance(number)).any(|k| {
                k.endpoint == call.endpoint
                    && k.tenant == tenant
                    && k.state != State::Gone
                    && Some(k.id.as_str()) != own
                    && texts_at(&k.doc, key, rt).iter().any(|held| held.to_lowercase() == wanted.to_lowercase())
            })
        };
        unique
            .into_iter()
            .find(|key| texts_at(&doc, key, rt).iter().any(|wanted| held_by_others(key, wanted)))
            .map(|key| format!("{key} is declared unique and taken"))
    }

    fn taken_value(
        &self,
        call: &Call,
        object: &Map<String, Value>,
        own: Option<&str>,
        attribute: &str,
        exact: bool,
    ) -> Option<Forecast> {
        let wanted = get_ci(object, attribute)?.as_str()?;
        let tenant = tenant_of(call);
        let same = |held: Option<&str>| {
            held.is_some_and(|h| if exact { h == wanted } else { h.to_lowercase() == wanted.to_lowercase() })
        };
        // Who has had the value all along takes it from nobody.
        let mine = own.and_then(|id| self.find(&call.endpoint, id));
        if same(mine.and_then(|k| get_ci(k.doc.as_object()?, attribute)?.as_str())) {
            return None;
        }
        let places: Vec<u32> = match self.known.named(attribute, wanted) {
            Some(places) => places.collect(),
            None => (0..self.known.len() as u32).collect(),
        };
        let holder = places.into_iter().map(|number| self.known.glance(number)).find(|k| {
            let held = k.doc.as_object().and_then(|o| get_ci(o, attribute)).and_then(Value::as_str);
            k.endpoint == call.endpoint
                && k.tenant == tenant
                && k.state != State::Gone
                && Some(k.id.as_str()) != own
                && same(held)
        })?;
        // A server that made another name of it does not hold this one; that it did is told when it answers.
        if holder.state == State::Unsure || shown_otherwise(&holder, attribute) {
            return Some(Forecast::open());
        }
        Some(Forecast::refuse(Reason::Duplicate, format!("{attribute} {wanted:?} belongs to {}", holder.path())))
    }

    fn unknown_member(&self, after: &Value, tenant: u8) -> bool {
        super::member_ids(after).iter().any(|id| {
            let live = self.kinds_of(id).any(|k| k.tenant == tenant && k.state == State::Live);
            !live && !self.seen.contains(id)
        })
    }

    /// A member that a correct server may refuse although it exists (a group, RFC 7643 §4.2 "may"), or an entry without `value`.
    fn odd_member(&self, after: &Value, tenant: u8) -> bool {
        let group = |id: &String| self.kinds_of(id).any(|k| k.tenant == tenant && &*k.endpoint == "/Groups");
        let entries = value_ci(after, "members").and_then(Value::as_array);
        entries.into_iter().flatten().any(|m| value_ci(m, "value").is_none())
            || super::member_ids(after).iter().any(group)
    }

    /// Something in a POST or PUT body that a correct server may refuse.
    fn leniency(&self, object: &Map<String, Value>, rt: &ResourceType, tenant: u8) -> Option<Choice> {
        let body = Value::Object(object.clone());
        if self.odd_member(&body, tenant) {
            return Some(Choice::Other);
        }
        if self.unknown_member(&body, tenant) {
            return Some(Choice::UnknownMember);
        }
        let problems = validate(&body, rt);
        // RFC 7643 §2.5 counts null and [] as unassigned; what the empty text means is not said.
        let empty_text = object.values().any(holds_empty_text);
        if empty_text || not_canonical(&body, rt) {
            return Some(Choice::Other);
        }
        if problems.iter().any(crate::scim::value::Problem::is_error) {
            return Some(if has_text_boolean(&body) { Choice::TextBoolean } else { Choice::BareReference });
        }
        (self.target.schemas_known && undeclared(object, rt)).then_some(Choice::UndeclaredAttribute)
    }
}

/// Tenant of the credentials: 0 ours, 1 the second.
pub fn tenant_of(call: &Call) -> u8 {
    u8::from(call.auth == AuthKind::Other)
}

fn common_body_problems(object: &Map<String, Value>, rt: &ResourceType) -> Option<Forecast> {
    for attribute in rt.schema.attributes.iter().filter(|a| a.required && a.mutability != Mutability::ReadOnly) {
        let value = get_ci(object, &attribute.name);
        let blank = value.and_then(Value::as_str).is_some_and(|s| s.trim().is_empty());
        let empty_name = blank && !attribute.name.eq_ignore_ascii_case("userName");
        if empty_name {
            // RFC 7643 §4.1.1 forbids an empty userName; of other names it says nothing.
            return Some(Forecast::either(Choice::Other, attribute.name.clone(), Some(Value::Object(object.clone()))));
        }
        if value.is_none_or(is_unassigned) || blank {
            return Some(Forecast::refuse(Reason::MissingRequired, attribute.name.clone()));
        }
    }
    if let Some(name) = nameless(object, rt) {
        return Some(Forecast::either(Choice::Other, name, Some(Value::Object(object.clone()))));
    }
    if let Some(lost) = required_extension_lost(object, rt) {
        // Said by the target about itself and often wrong: one rule tells, and nothing else depends on it.
        return Some(Forecast::either(Choice::Other, lost, Some(Value::Object(object.clone()))));
    }
    let schemas = get_ci(object, "schemas");
    let names = schemas
        .and_then(Value::as_array)
        .map(|a| a.iter().filter_map(Value::as_str).any(|s| s.eq_ignore_ascii_case(&rt.schema.id)));
    if names != Some(true) {
        // RFC 7643 §3 asks for it; many servers are lenient and none is accused for either.
        return Some(Forecast::either(Choice::Other, "schemas", Some(Value::Object(object.clone()))));
    }
    let wrong = validate(&Value::Object(object.clone()), rt);
    let hard = wrong
        .iter()
        .filter(|p| p.kind == crate::scim::value::ProblemKind::WrongType)
        .find(|p| !tolerable(&p.path, object));
    let misshapen = || {
        let name = misshapen_read_only(object, rt)?;
        Some(Forecast::either(Choice::ReadOnlySent, name, Some(Value::Object(object.clone()))))
    };
    hard.map(|p| Forecast::refuse(Reason::WrongType, p.path.clone())).or_else(misshapen)
}

/// A readOnly attribute is ignored (RFC 7643 §7), but who reads the body before that may stumble over a value of another form.
fn misshapen_read_only<'r>(object: &Map<String, Value>, rt: &'r ResourceType) -> Option<&'r str> {
    let odd = |a: &&Attribute| {
        let value = get_ci(object, &a.name).filter(|v| !is_unassigned(v));
        let form = |v: &Value| (a.kind == AttrType::Complex) == v.is_object();
        value.is_some_and(|v| match v {
            Value::Array(items) => !a.multi_valued || !items.iter().all(form),
            one => a.multi_valued || !form(one),
        })
    };
    let read_only = rt.schema.attributes.iter().filter(|a| a.mutability == Mutability::ReadOnly);
    read_only.filter(|a| !["id", "meta"].contains(&a.name.as_str())).find(odd).map(|a| a.name.as_str())
}

/// The required extension, or the required attribute in it, that a body lacks.
pub fn required_extension_lost(object: &Map<String, Value>, rt: &ResourceType) -> Option<String> {
    rt.extensions.iter().filter(|e| e.required).find_map(|e| {
        let urn = &e.schema.id;
        // An extension without an attribute is none (RFC 7643 §2.5).
        let inner = get_ci(object, urn).and_then(Value::as_object).filter(|o| !o.is_empty());
        let Some(inner) = inner else { return Some(urn.clone()) };
        let needed = e.schema.attributes.iter().filter(|a| a.required && a.mutability != Mutability::ReadOnly);
        let mut lost = needed.filter(|a| get_ci(inner, &a.name).is_none_or(is_unassigned));
        lost.next().map(|a| format!("{urn}:{}", a.name))
    })
}

/// Wrong types that an identity provider is known to send: text booleans, a bare manager, an empty string.
fn tolerable(path: &str, object: &Map<String, Value>) -> bool {
    let lower = path.to_ascii_lowercase();
    if lower.contains("manager")
        || lower.contains("roles")
        || lower.contains("groups")
        || lower.starts_with("meta")
        || lower == "id"
    {
        return true;
    }
    let head = path.split(['.', '[']).next().unwrap_or_default();
    let value = get_ci(object, head);
    match value {
        Some(Value::String(s)) => s.is_empty() || s.eq_ignore_ascii_case("true") || s.eq_ignore_ascii_case("false"),
        Some(v @ (Value::Array(_) | Value::Object(_))) => has_text_boolean(v),
        Some(Value::Null) | None => true,
        Some(_) => false,
    }
}

fn has_text_boolean(value: &Value) -> bool {
    match value {
        Value::String(s) => s.eq_ignore_ascii_case("true") || s.eq_ignore_ascii_case("false"),
        Value::Array(a) => a.iter().any(has_text_boolean),
        Value::Object(o) => o.values().any(has_text_boolean),
        _ => false,
    }
}

fn envelope_problem(object: &Map<String, Value>) -> Option<Forecast> {
    let operations = get_ci(object, "Operations");
    let spelled = object.contains_key("Operations") || operations.is_none();
    if !spelled || self::operations(object).any(|o| o.keys().any(|k| k.chars().any(|c| c.is_ascii_uppercase()))) {
        // Names of message members are no attributes; whether their case matters is disputed.
        return Some(Forecast::either(Choice::Other, "member names", None));
    }
    match operations {
        None | Some(Value::Null) => return Some(Forecast::refuse(Reason::NoOperations, "Operations is missing")),
        Some(Value::Array(list)) if list.is_empty() => {
            return Some(Forecast::either(Choice::Other, "empty Operations", None));
        }
        Some(Value::Array(_)) => {}
        Some(_) => return Some(Forecast::refuse(Reason::NoOperations, "Operations is no list")),
    }
    let schemas = get_ci(object, "schemas").and_then(Value::as_array);
    let right =
        schemas.is_some_and(|a| a.iter().filter_map(Value::as_str).any(|s| s.eq_ignore_ascii_case(urn::PATCH_OP)));
    if !right {
        return Some(Forecast::either(Choice::Other, "schemas", None));
    }
    for operation in operations.and_then(Value::as_array).into_iter().flatten() {
        let op = operation.as_object().and_then(|o| get_ci(o, "op")).and_then(Value::as_str);
        if !op.is_some_and(|o| ["add", "remove", "replace"].contains(&o.to_ascii_lowercase().as_str())) {
            return Some(Forecast::refuse(Reason::UnknownOp, format!("op {}", op.unwrap_or("is missing"))));
        }
    }
    None
}

fn forecast_list(call: &Call, rt: &ResourceType) -> Forecast {
    if call.op == Op::Search && !call.body.as_ref().is_some_and(Value::is_object) {
        return Forecast::refuse(Reason::BrokenBody, "the body is no JSON object");
    }
    let search_request = call
        .body
        .as_ref()
        .and_then(Value::as_object)
        .and_then(|b| get_ci(b, "schemas"))
        .is_some_and(|s| s.to_string().contains(urn::SEARCH));
    if call.op == Op::Search && !search_request {
        return Forecast::open();
    }
    if call.cursor
        || unknown_names(call, rt)
        || odd_sort(call, rt)
        || (call.attributes.is_some() && call.excluded.is_some())
        || filters_on_secret(call, rt)
    {
        return Forecast::open();
    }
    let number = |t: &Option<String>| t.as_ref().is_none_or(|t| t.trim().parse::<i64>().is_ok());
    if !number(&call.start_index) || !number(&call.count) {
        return Forecast::open();
    }
    match (&call.filter_text, &call.filter) {
        // Our own reader has bounds; beyond them nothing can be said.
        (Some(text), None) if text.len() > 4000 || text.matches('(').count() > 20 => Forecast::open(),
        (Some(text), None) => Forecast::refuse(Reason::BrokenFilter, text.clone()),
        (Some(text), Some(filter)) => match crate::scim::filter::check(filter, rt) {
            // A bare extension attribute is Entra's way; RFC 7644 §3.10 wants the URN.
            Ok(()) if bare_extension_name(text, rt) || !qualified(filter, rt) => {
                Forecast::either(Choice::Other, text.clone(), None)
            }
            Ok(()) if text.contains("].") => Forecast::either(Choice::ValuePathComparison, text.clone(), None),
            Ok(()) => Forecast::accept(None),
            Err(_) => Forecast::either(Choice::UndeclaredAttribute, text.clone(), None),
        },
        _ => Forecast::accept(None),
    }
}

/// Sorting by something that is no attribute, or in no known order: refused or ignored.
fn odd_sort(call: &Call, rt: &ResourceType) -> bool {
    let known =
        |text: &String| crate::scim::path::parse_attr_path_for(text, rt).is_ok_and(|p| rt.attribute(&p).is_some());
    call.odd_order || call.sort_by.as_ref().is_some_and(|t| !known(t))
}

/// `attributes` or `excludedAttributes` that name no attribute.
fn unknown_names(call: &Call, rt: &ResourceType) -> bool {
    let unknown = |name: &String| {
        let whole = rt.extensions.iter().any(|e| e.schema.id.eq_ignore_ascii_case(name))
            || rt.schema.id.eq_ignore_ascii_case(name);
        !whole && !crate::scim::path::parse_attr_path_for(name, rt).is_ok_and(|p| rt.attribute(&p).is_some())
    };
    call.attributes.iter().chain(&call.excluded).flatten().any(unknown)
}

/// A filter on something that is never returned (password) may be refused (RFC 7644 §7.5.2).
fn filters_on_secret(call: &Call, rt: &ResourceType) -> bool {
    let Some(text) = &call.filter_text else { return false };
    let secret = |a: &&crate::scim::schema::Attribute| {
        a.mutability == Mutability::WriteOnly || a.returned == crate::scim::schema::Returned::Never
    };
    rt.schema.attributes.iter().filter(secret).any(|a| text.to_ascii_lowercase().contains(&a.name.to_ascii_lowercase()))
}

fn bare_extension_name(text: &str, rt: &ResourceType) -> bool {
    let core = |n: &str| rt.schema.attributes.iter().any(|a| a.name.eq_ignore_ascii_case(n));
    let words: Vec<&str> = text.split([' ', '(', ')', '[', ']', '.']).collect();
    rt.extensions
        .iter()
        .flat_map(|e| &e.schema.attributes)
        .any(|a| !core(&a.name) && words.iter().any(|w| w.eq_ignore_ascii_case(&a.name)))
}

/// The operations of a PATCH body.
pub fn operations(patch: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    get_ci(patch, "Operations")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_object)
}

/// Path of an operation, if it has one.
pub fn op_path(operation: &Map<String, Value>) -> Option<&str> {
    get_ci(operation, "path").and_then(Value::as_str).filter(|p| !p.is_empty())
}

fn touches_read_only(patch: &Map<String, Value>, rt: &ResourceType) -> bool {
    let read_only = |key: &str| {
        let head = key.split(['.', '[']).next().unwrap_or_default();
        ["id", "schemas", "meta"].iter().any(|n| n.eq_ignore_ascii_case(head))
            || rt
                .schema
                .attributes
                .iter()
                .any(|a| a.name.eq_ignore_ascii_case(head) && a.mutability == Mutability::ReadOnly)
            || crate::scim::path::parse_path(key, rt)
                .ok()
                .is_some_and(|p| rt.attribute(&p.attr).is_some_and(|r| r.attribute.mutability == Mutability::ReadOnly))
    };
    let inside = |key: &str, value: &Value| {
        let keys = rt.extension(key).and_then(|_| value.as_object()).into_iter().flat_map(Map::keys);
        keys.into_iter().any(|name| read_only(&format!("{key}:{name}")))
    };
    operations(patch).any(|op| match op_path(op) {
        Some(path) => read_only(path),
        // Okta puts the group's own id into a path-less value; that must not hurt (rule patch/own-id-refused).
        None => get_ci(op, "value")
            .and_then(Value::as_object)
            .is_some_and(|v| v.iter().any(|(k, v)| (read_only(k) && !k.eq_ignore_ascii_case("id")) || inside(k, v))),
    })
}

fn has_dotted_keys(patch: &Map<String, Value>, rt: &ResourceType) -> bool {
    operations(patch).any(|op| {
        op_path(op).is_none()
            && get_ci(op, "value").and_then(Value::as_object).is_some_and(|v| {
                v.keys().any(|k| {
                    let whole = k.eq_ignore_ascii_case(&rt.schema.id)
                        || rt.extensions.iter().any(|e| e.schema.id.eq_ignore_ascii_case(k));
                    !whole && (k.contains('.') || k.contains(':'))
                })
            })
    })
}

/// The empty text, or an object or a list with one in it.
fn holds_empty_text(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.iter().any(holds_empty_text),
        Value::Object(map) => map.values().any(holds_empty_text),
        _ => false,
    }
}

fn writes_empty_text(patch: &Map<String, Value>) -> bool {
    operations(patch).any(|op| get_ci(op, "value").is_some_and(holds_empty_text))
}

fn undeclared_keys(patch: &Map<String, Value>, rt: &ResourceType) -> bool {
    operations(patch).any(|op| match (op_path(op), get_ci(op, "value")) {
        (None, Some(Value::Object(value))) => undeclared(value, rt),
        (Some(path), Some(Value::Object(value))) if rt.extension(path.trim_end_matches(':')).is_some() => {
            let whole = serde_json::json!({ path.trim_end_matches(':'): value });
            whole.as_object().is_some_and(|w| undeclared(w, rt))
        }
        (Some(path), Some(value)) => {
            let path = crate::scim::path::parse_path(path, rt).ok().filter(|p| p.sub_name().is_none());
            path.and_then(|p| rt.attribute(&p.attr)).is_some_and(|found| undeclared_part(value, found.attribute))
        }
        _ => false,
    })
}

/// The server itself shows another value than it was given, and not only in another case.
fn shown_otherwise(known: &Known, attribute: &str) -> bool {
    let held = |doc: &Value| get_ci(doc.as_object()?, attribute)?.as_str().map(str::to_lowercase);
    let shown = if known.dirty { &known.last_answer } else { &known.last_full };
    matches!((shown.as_deref().and_then(held), held(&known.doc)), (Some(shown), Some(held)) if shown != held)
}

/// Takes the last attribute of a required extension: what is left is none (RFC 7643 §2.5, §6).
fn loses_extension(before: &Value, after: &Value, rt: &ResourceType) -> bool {
    let lacks = |doc: &Value| doc.as_object().is_some_and(|o| required_extension_lost(o, rt).is_some());
    !lacks(before) && lacks(after)
}

/// The resource has an attribute or sub-attribute that its schemas do not declare.
pub fn undeclared(object: &Map<String, Value>, rt: &ResourceType) -> bool {
    object.iter().any(|(k, v)| {
        if ["schemas", "id", "externalId", "meta"].iter().any(|n| n.eq_ignore_ascii_case(k)) {
            return false;
        }
        if let Some(core) = rt.schema.attribute(k) {
            return undeclared_part(v, core);
        }
        if let Some(extension) = rt.extension(k) {
            let inside = |(k, v): (&String, &Value)| {
                extension.schema.attribute(k).is_none_or(|a| undeclared_part(v, a))
                    && !extension.schema.attributes.is_empty()
            };
            return v.as_object().is_some_and(|v| v.iter().any(inside));
        }
        let path = crate::scim::path::parse_path(k, rt).is_ok_and(|p| rt.attribute(&p.attr).is_some());
        !(path || k.eq_ignore_ascii_case(&rt.schema.id))
    })
}

/// The value has a sub-attribute that the schema does not list. What each multi-valued attribute may have (RFC 7643 §2.4)
/// need not be listed.
fn undeclared_part(value: &Value, attribute: &Attribute) -> bool {
    let common = |name: &str| attribute.multi_valued && DEFAULT_PARTS.iter().any(|n| n.eq_ignore_ascii_case(name));
    match value {
        _ if attribute.sub_attributes.is_empty() => false,
        Value::Array(all) => all.iter().any(|v| undeclared_part(v, attribute)),
        Value::Object(map) => map.keys().any(|k| attribute.sub(k).is_none() && !common(k)),
        _ => false,
    }
}

/// `remove` with a value: RFC 7644 §3.5.2.2 knows none.
fn removes_with_value(patch: &Map<String, Value>) -> bool {
    operations(patch).any(|op| {
        get_ci(op, "op").and_then(Value::as_str).is_some_and(|o| o.eq_ignore_ascii_case("remove"))
            && get_ci(op, "value").is_some_and(|v| !v.is_null())
    })
}

/// Members that RFC 7644 §3.5.2 does not define for an operation; ignoring and refusing them are both right.
fn strange_operation(patch: &Map<String, Value>) -> bool {
    let known = ["op", "path", "value"];
    operations(patch).any(|op| op.keys().any(|k| !known.iter().any(|n| n.eq_ignore_ascii_case(k))))
}

/// A manager sent with what the server fills in itself (`displayName` is readOnly, RFC 7643 §4.3).
fn decorated_manager(patch: &Map<String, Value>) -> bool {
    operations(patch).any(|op| {
        let path = op_path(op).is_some_and(|p| p.to_ascii_lowercase().ends_with("manager"));
        path && get_ci(op, "value").and_then(Value::as_object).is_some_and(|v| v.len() > 1)
    })
}

/// `primary eq "True"` in a value path, as Entra writes it, where an element is primary: by the grammar a text, which no Boolean
/// equals.
fn selects_by_text_boolean(patch: &Map<String, Value>, doc: &Value, rt: &ResourceType) -> bool {
    let selects = |path: &str| {
        let lower = path.to_ascii_lowercase();
        let at = lower.find("primary eq \"")? + "primary eq ".len();
        let word = ["true", "false"].into_iter().find(|word| lower[at + 1..].starts_with(&format!("{word}\"")))?;
        let read = format!("{}{word}{}", &path[..at], &path[at + word.len() + 2..]);
        let read = crate::scim::path::parse_path(&read, rt).ok()?;
        Some(!crate::scim::path::select(doc, &read, rt).is_empty())
    };
    operations(patch).filter_map(op_path).any(|path| selects(path) == Some(true))
}

fn bare_manager(patch: &Map<String, Value>) -> bool {
    operations(patch)
        .filter_map(|op| get_ci(op, "value").and_then(Value::as_object))
        .any(|v| v.iter().any(|(k, v)| k.to_ascii_lowercase().ends_with(":manager") && v.is_string()))
}

/// A value outside the declared canonical ones, which a server may refuse (RFC 7643 §7, canonicalValues).
fn not_canonical(doc: &Value, rt: &ResourceType) -> bool {
    validate(doc, rt).iter().any(|p| p.kind == crate::scim::value::ProblemKind::NotCanonical)
}

/// `remove` whose value filter selects nothing: RFC 7644 §3.5.2.2 does not say whether that is an error.
fn removes_absent(patch: &Map<String, Value>, doc: &Value, rt: &ResourceType) -> bool {
    operations(patch).any(|op| {
        let remove = get_ci(op, "op").and_then(Value::as_str).is_some_and(|o| o.eq_ignore_ascii_case("remove"));
        let path = op_path(op).filter(|p| p.contains('[')).and_then(|p| crate::scim::path::parse_path(p, rt).ok());
        remove && path.is_some_and(|p| crate::scim::path::select(doc, &p, rt).is_empty())
    })
}

/// The name that the text of RFC 7643 asks for (userName in §4.1.1, displayName in §4.2) where it is missing. The schema of §8.7.1
/// does not have the second, and many a server's own schema neither.
fn nameless(object: &Map<String, Value>, rt: &ResourceType) -> Option<&'static str> {
    let named = [(urn::USER, "userName"), (urn::GROUP, "displayName")];
    let (_, name) = named.into_iter().find(|(schema, _)| rt.schema.id.eq_ignore_ascii_case(schema))?;
    get_ci(object, name).is_none_or(is_unassigned).then_some(name)
}

/// A required attribute that holds nothing but blanks.
fn blank_required(doc: &Value, rt: &ResourceType) -> Option<String> {
    let object = doc.as_object()?;
    let required = rt.schema.attributes.iter().filter(|a| a.required && a.mutability != Mutability::ReadOnly);
    required
        .map(|a| a.name.clone())
        .find(|n| get_ci(object, n).and_then(Value::as_str).is_some_and(|v| v.trim().is_empty()))
}

fn immutable(rt: &ResourceType) -> impl Iterator<Item = &Attribute> {
    rt.schema.attributes.iter().filter(|a| a.mutability == Mutability::Immutable)
}

/// The same text in other letters, where case does not count.
fn recased(attribute: &Attribute, now: &Value, sent: &Value) -> bool {
    let counts = attribute.case_exact && !attribute.case_disputed;
    matches!((now.as_str(), sent.as_str()), (Some(now), Some(sent)) if !counts && now.eq_ignore_ascii_case(sent))
}

/// A PATCH that sets `id` to what it is: Table 9 is about a modification, and there is none.
fn names_own_id(id: &str, body: &Value) -> bool {
    let own = |o: &Map<String, Value>| {
        op_path(o).is_some_and(|p| p.eq_ignore_ascii_case("id"))
            && get_ci(o, "value").and_then(Value::as_str) == Some(id)
    };
    body.as_object().is_some_and(|patch| operations(patch).any(own))
}

/// A PATCH that writes an immutable attribute once more, in other letters.
fn recases_immutable(doc: &Value, body: &Value, rt: &ResourceType) -> bool {
    let Some(patch) = body.as_object() else { return false };
    immutable(rt).any(|a| {
        let now = value_ci(doc, &a.name);
        let sent = operations(patch).find_map(|o| match op_path(o) {
            Some(path) if path.eq_ignore_ascii_case(&a.name) => get_ci(o, "value"),
            Some(_) => None,
            None => get_ci(o, "value").and_then(|v| value_ci(v, &a.name)),
        });
        matches!((now, sent), (Some(now), Some(sent)) if recased(a, now, sent))
    })
}

fn lenient_choice(body: &Value, rt: &ResourceType) -> Choice {
    let Some(patch) = body.as_object() else { return Choice::Other };
    let removes_values = removes_with_value(patch);
    let manager = operations(patch).any(|op| op_path(op).is_some_and(|p| p.to_ascii_lowercase().contains("manager")));
    if removes_values {
        Choice::RemoveWithValue
    } else if manager {
        Choice::BareReference
    } else if has_dotted_keys(patch, rt) && !touches_read_only(patch, rt) {
        Choice::DottedKey
    } else if operations(patch).any(|op| get_ci(op, "value").is_some_and(has_text_boolean)) {
        Choice::TextBoolean
    } else if touches_read_only(patch, rt) {
        Choice::ReadOnlySent
    } else {
        Choice::Other
    }
}

/// True when every comparison names a simple attribute or a sub-attribute, as RFC 7644 §3.4.2.2 demands of complex ones, and
/// none is on `schemas`.
pub(super) fn qualified(filter: &crate::scim::filter::Filter, rt: &ResourceType) -> bool {
    use crate::scim::filter::{Filter, Test};
    match filter {
        Filter::And(list) | Filter::Or(list) => list.iter().all(|f| qualified(f, rt)),
        Filter::Not(inner) => qualified(inner, rt),
        Filter::ValuePath { .. } => true,
        Filter::Attr { path, test } => {
            let complex = rt.attribute(path).is_some_and(|r| r.leaf().kind == crate::scim::schema::AttrType::Complex);
            !path.attr.eq_ignore_ascii_case("schemas") && (!complex || matches!(test, Test::Present))
        }
    }
}
