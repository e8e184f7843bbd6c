//! Changes one attribute: replaces, merges, appends, removes (RFC 7644 §3.5.2.1 to §3.5.2.3).
//! Must not know the resource around the attribute.

use super::entry::{is_meant, is_same_entry, text_of};
use super::{Op, Options, PatchError, coerce};
use crate::scim::filter::{CompareOp, Filter, Literal, Test};
use crate::scim::matching::matches_element;
use crate::scim::schema::{AttrType, Attribute, Mutability};
use crate::scim::value::{get_ci, is_unassigned, remove_ci, same_value, set_ci};
use serde_json::{Map, Value};

/// The value of an attribute, taken out of the resource.
pub(super) struct Slot<'a> {
    pub(super) value: Option<Value>,
    pub(super) attribute: &'a Attribute,
    pub(super) opts: &'a Options,
}

/// Refuses a change that the characteristics of the attribute forbid (RFC 7644 §3.5.2, §3.5.2.2).
pub(super) fn guard(attribute: &Attribute, before: Option<&Value>, after: Option<&Value>) -> Result<(), PatchError> {
    let Some(before) = before.filter(|v| !is_unassigned(v)) else {
        return Ok(());
    };
    let after = after.filter(|v| !is_unassigned(v));
    if after.is_none() && attribute.required {
        return Err(PatchError::new("mutability", format!("{} is required", attribute.name)));
    }
    let changed = || after.is_none_or(|after| !same_value(before, after, Some(attribute)));
    if attribute.mutability == Mutability::Immutable && changed() {
        return Err(PatchError::new("mutability", format!("{} is immutable", attribute.name)));
    }
    Ok(())
}

/// [`guard`] for all sub-attributes of a complex value that stays.
fn guard_members(attribute: &Attribute, before: &Value, after: &Value) -> Result<(), PatchError> {
    let (Value::Object(before), Value::Object(after)) = (before, after) else {
        return Ok(());
    };
    let subs = attribute.sub_attributes.iter();
    subs.into_iter().try_for_each(|sub| guard(sub, get_ci(before, &sub.name), get_ci(after, &sub.name)))
}

impl Slot<'_> {
    fn lenient(&self) -> bool {
        self.opts.lenient
    }

    /// add or replace of the attribute itself.
    pub(super) fn write(&mut self, op: Op, value: &Value) -> Result<(), PatchError> {
        let clearing = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        if clearing && op == Op::Replace {
            self.value = None;
            return Ok(());
        }
        if value.is_null() {
            return Err(PatchError::new("invalidValue", "add needs a value"));
        }
        if self.attribute.multi_valued {
            return self.write_many(op, value);
        }
        if self.attribute.kind != AttrType::Complex {
            self.value = Some(coerce::one(value, self.attribute, self.lenient())?);
            return Ok(());
        }
        if self.lenient() && coerce::clears(value) {
            self.value = None;
            return Ok(());
        }
        let change = coerce::one(value, self.attribute, self.lenient())?;
        let before = self.value.take().unwrap_or_else(|| Value::Object(Map::new()));
        let mut after = merged(&before, &change);
        forget_derived(self.attribute, &before, &change, &mut after);
        guard_members(self.attribute, &before, &after)?;
        self.value = Some(after);
        Ok(())
    }

    fn write_many(&mut self, op: Op, value: &Value) -> Result<(), PatchError> {
        let incoming = coerce::many(value, self.attribute, self.lenient(), op == Op::Add)?;
        let mut items = if op == Op::Add { self.items() } else { Vec::new() };
        let mut fresh = Vec::new();
        for item in incoming.into_iter().filter(|item| !is_unassigned(item)) {
            let primary = is_primary(&item);
            let at = append(&mut items, item, self.attribute);
            if primary {
                fresh.push(at);
            }
        }
        self.settle(items, fresh)
    }

    /// add or replace of a sub-attribute without filter: in the value, or in all values.
    pub(super) fn write_sub(&mut self, op: Op, sub: &Attribute, value: &Value) -> Result<(), PatchError> {
        if !self.attribute.multi_valued {
            let before = self.value.take().unwrap_or_else(|| Value::Object(Map::new()));
            let mut map = before.as_object().cloned().unwrap_or_default();
            // `manager.value` without content is how a manager is cleared.
            let clears = self.lenient() && sub.name == "value" && value.as_str().is_some_and(str::is_empty);
            self.write_member(&mut map, op, sub, if clears { &Value::Null } else { value })?;
            let change = map.get(&sub.name).cloned().unwrap_or_default();
            let change = Value::Object(Map::from_iter([(sub.name.clone(), change)]));
            let mut after = Value::Object(map);
            forget_derived(self.attribute, &before, &change, &mut after);
            self.value = Some(after);
            return Ok(());
        }
        let mut items = self.items();
        if items.is_empty() && !value.is_null() {
            items.push(Value::Object(Map::new()));
        }
        let all: Vec<usize> = (0..items.len()).collect();
        self.write_sub_in(&mut items, &all, op, sub, value)?;
        let fresh = if sub.name == "primary" { all } else { Vec::new() };
        self.settle(items, fresh)
    }

    fn write_sub_in(
        &self,
        items: &mut [Value],
        which: &[usize],
        op: Op,
        sub: &Attribute,
        value: &Value,
    ) -> Result<(), PatchError> {
        for &at in which {
            if let Some(Value::Object(map)) = items.get_mut(at) {
                self.write_member(map, op, sub, value)?;
            }
        }
        Ok(())
    }

    fn write_member(
        &self,
        map: &mut Map<String, Value>,
        op: Op,
        sub: &Attribute,
        value: &Value,
    ) -> Result<(), PatchError> {
        let before = get_ci(map, &sub.name).cloned();
        let mut slot = Slot { value: before.clone(), attribute: sub, opts: self.opts };
        let op = if value.is_null() { Op::Replace } else { op };
        slot.write(op, value)?;
        guard(sub, before.as_ref(), slot.value.as_ref())?;
        match slot.value {
            Some(value) => set_ci(map, &sub.name, value),
            None => {
                remove_ci(map, &sub.name);
            }
        }
        Ok(())
    }

    /// add or replace of the values that a filter chooses, or of a sub-attribute of them.
    pub(super) fn write_filtered(
        &mut self,
        op: Op,
        filter: &Filter,
        sub: Option<&Attribute>,
        value: &Value,
    ) -> Result<(), PatchError> {
        let mut items = self.items();
        let mut which = self.chosen(&items, filter);
        let created = which.is_empty();
        if created {
            items.push(self.seed(op, filter, sub, value)?);
            which.push(items.len() - 1);
        }
        match sub {
            Some(sub) => self.write_sub_in(&mut items, &which, op, sub, value)?,
            None => self.write_items(&mut items, &which, if created { Op::Add } else { op }, value)?,
        }
        // Values are fresh primaries when this operation said so, not when they already were.
        let says = |v: &Value| v.as_object().and_then(|m| get_ci(m, "primary")).is_some_and(|v| !v.is_null());
        let touches =
            created || sub.map_or_else(|| says(&coerce::unpack(value, self.lenient())), |s| s.name == "primary");
        let fresh = if touches { which } else { Vec::new() };
        self.settle(items, fresh)
    }

    fn write_items(&self, items: &mut [Value], which: &[usize], op: Op, value: &Value) -> Result<(), PatchError> {
        let clearing = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        if clearing && op == Op::Replace {
            which.iter().for_each(|&at| items[at] = Value::Null);
            return Ok(());
        }
        let change = coerce::one(value, self.attribute, self.lenient())?;
        for &at in which {
            let after = match op {
                Op::Add => merged(&items[at], &change),
                _ => merged(&Value::Null, &change),
            };
            guard_members(self.attribute, &items[at], &after)?;
            items[at] = after;
        }
        Ok(())
    }

    /// A value that does not exist yet, made of the `eq` terms of the filter that asked for it. A whole element cannot be replaced
    /// where none is chosen (RFC 7644 §3.5.2.3); Entra writes the parts of one that is not there yet.
    fn seed(&self, op: Op, filter: &Filter, sub: Option<&Attribute>, value: &Value) -> Result<Value, PatchError> {
        let complex = self.attribute.kind == AttrType::Complex;
        let mut map = Map::new();
        if self.opts.value_path_creates && complex && !is_unassigned(value) && (sub.is_some() || op == Op::Add) {
            collect_terms(filter, self.attribute, &mut map)?;
        }
        if map.is_empty() {
            let detail = format!("no value of {} matches the filter", self.attribute.name);
            return Err(PatchError::new("noTarget", detail));
        }
        Ok(Value::Object(map))
    }

    /// remove of the attribute itself.
    pub(super) fn remove(&mut self) -> Result<(), PatchError> {
        self.value = None;
        Ok(())
    }

    /// remove of a sub-attribute, of all values if there are several.
    pub(super) fn remove_sub(&mut self, sub: &Attribute) -> Result<(), PatchError> {
        match self.value.as_mut() {
            Some(Value::Array(items)) => items.iter_mut().try_for_each(|item| remove_member(item, sub))?,
            Some(one) => remove_member(one, sub)?,
            None => {}
        }
        self.drop_empty();
        Ok(())
    }

    /// remove of the values that a filter chooses, or of a sub-attribute of them. No match changes nothing.
    pub(super) fn remove_filtered(&mut self, filter: &Filter, sub: Option<&Attribute>) -> Result<(), PatchError> {
        let mut items = self.items();
        for at in self.chosen(&items, filter) {
            match sub {
                Some(sub) => remove_member(&mut items[at], sub)?,
                None => items[at] = Value::Null,
            }
        }
        self.value = Some(Value::Array(items));
        self.drop_empty();
        Ok(())
    }

    /// remove with a list of the values to remove, as Entra ID sends it for members.
    pub(super) fn remove_listed(&mut self, value: &Value) -> Result<(), PatchError> {
        let listed = coerce::many(value, self.attribute, true, true)?;
        let mut items = self.items();
        items.retain(|held| !listed.iter().any(|wanted| is_meant(held, wanted, self.attribute)));
        self.value = Some(Value::Array(items));
        Ok(())
    }

    fn items(&self) -> Vec<Value> {
        match &self.value {
            Some(Value::Array(items)) => items.clone(),
            Some(Value::Null) | None => Vec::new(),
            Some(one) => vec![one.clone()],
        }
    }

    fn chosen(&self, items: &[Value], filter: &Filter) -> Vec<usize> {
        let hit = |item: &Value| matches_element(filter, item, Some(self.attribute));
        items.iter().enumerate().filter(|(_, item)| hit(item)).map(|(at, _)| at).collect()
    }

    /// Sees to it that one value at most is primary, the one that was set last (RFC 7644 §3.5.2), and stores the values.
    fn settle(&mut self, mut items: Vec<Value>, fresh: Vec<usize>) -> Result<(), PatchError> {
        let mut fresh = fresh;
        fresh.retain(|&at| items.get(at).is_some_and(is_primary));
        fresh.sort_unstable();
        fresh.dedup();
        if fresh.len() > 1 && !self.lenient() {
            let detail = format!("only one value of {} can be primary", self.attribute.name);
            return Err(PatchError::new("invalidValue", detail));
        }
        if let Some(&keep) = fresh.first() {
            for (at, item) in items.iter_mut().enumerate() {
                if at != keep
                    && is_primary(item)
                    && let Value::Object(map) = item
                {
                    set_ci(map, "primary", Value::Bool(false));
                }
            }
        }
        self.value = Some(Value::Array(items));
        self.drop_empty();
        Ok(())
    }

    fn drop_empty(&mut self) {
        if let Some(Value::Array(items)) = self.value.as_mut() {
            items.retain(|item| !is_unassigned(item));
        }
    }
}

fn is_primary(item: &Value) -> bool {
    item.as_object().and_then(|m| get_ci(m, "primary")) == Some(&Value::Bool(true))
}

/// A complex value with the members of `change` in place of its own; members without value go away.
fn merged(before: &Value, change: &Value) -> Value {
    let Value::Object(change) = change else {
        return change.clone();
    };
    let mut map = match before {
        Value::Object(map) => map.clone(),
        _ => Map::new(),
    };
    for (key, value) in change {
        if is_unassigned(value) {
            remove_ci(&mut map, key);
        } else {
            set_ci(&mut map, key, value.clone());
        }
    }
    Value::Object(map)
}

/// A reference that points elsewhere has lost what described its old target: `$ref` and what is readOnly, such as the
/// manager's `displayName` (RFC 7643 §4.3). The server finds these anew.
fn forget_derived(attribute: &Attribute, before: &Value, change: &Value, after: &mut Value) {
    let (Value::Object(change), Value::Object(after)) = (change, after) else {
        return;
    };
    let moved = text_of(before, "value") != change.get("value");
    if attribute.sub("$ref").is_none() || !change.contains_key("value") || !moved {
        return;
    }
    for sub in &attribute.sub_attributes {
        let derived = sub.name == "$ref" || sub.mutability == Mutability::ReadOnly;
        if derived && !change.contains_key(&sub.name) {
            remove_ci(after, &sub.name);
        }
    }
}

/// Appends a value unless it is there already; then its other members are brought up to date. Gives its place.
fn append(items: &mut Vec<Value>, item: Value, attribute: &Attribute) -> usize {
    let Some(at) = items.iter().position(|held| is_same_entry(held, &item, attribute)) else {
        items.push(merged(&Value::Null, &item));
        return items.len() - 1;
    };
    if let (Value::Object(_), Value::Object(mut change)) = (&items[at], item) {
        let held = &items[at];
        change.retain(|key, value| !value.is_null() && may_change(held, attribute.sub(key)));
        items[at] = merged(held, &Value::Object(change));
    }
    at
}

/// An immutable member that has a value keeps it when the same entry is added again.
fn may_change(held: &Value, sub: Option<&Attribute>) -> bool {
    let Some(sub) = sub else { return false };
    let has = held.as_object().and_then(|m| get_ci(m, &sub.name)).is_some_and(|v| !is_unassigned(v));
    sub.mutability != Mutability::Immutable || !has
}

fn remove_member(value: &mut Value, sub: &Attribute) -> Result<(), PatchError> {
    let Value::Object(map) = value else {
        return Ok(());
    };
    guard(sub, get_ci(map, &sub.name), None)?;
    remove_ci(map, &sub.name);
    Ok(())
}

/// The `eq` terms that must all hold, as members of a new value.
fn collect_terms(filter: &Filter, attribute: &Attribute, map: &mut Map<String, Value>) -> Result<(), PatchError> {
    match filter {
        Filter::And(parts) => parts.iter().try_for_each(|part| collect_terms(part, attribute, map)),
        Filter::Attr { path, test: Test::Compare(CompareOp::Eq, literal) } => {
            let Some(sub) = attribute.sub(&path.attr) else {
                return Ok(());
            };
            let value = match literal {
                Literal::Null => return Ok(()),
                Literal::Bool(b) => Value::Bool(*b),
                Literal::Number(n) => Value::Number(n.clone()),
                Literal::Str(s) => Value::String(s.clone()),
            };
            map.insert(sub.name.clone(), coerce::one(&value, sub, true)?);
            Ok(())
        }
        _ => Ok(()),
    }
}
