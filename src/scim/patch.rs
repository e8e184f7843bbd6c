//! PatchOp: what a resource becomes by a list of operations (RFC 7644 §3.5.2).
//! Must not know storage or requests; the resource goes in and a changed copy, or an error, comes out.

mod coerce;
mod edit;
mod entry;
#[cfg(test)]
mod tests;
mod whole;

use super::filter::Filter;
use super::matching::check_element;
use super::path::{self, AttrPath, PatchPath};
use super::schema::{Attribute, Container, Mutability, ResourceType, common_attributes};
use super::urn;
use super::value::{get_ci, is_unassigned, remove_ci, set_ci};
use edit::Slot;
use serde_json::{Map, Value};

/// How generously operations are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// add and replace on a value path without match create the value from the `eq` terms of the filter.
    pub value_path_creates: bool,
    /// Accept what identity providers send beyond the RFC: string booleans, dotted keys, values with remove and so on.
    pub lenient: bool,
}

/// Why a patch cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct PatchError {
    /// HTTP status.
    pub status: u16,
    /// Error keyword (RFC 7644 §3.12 Table 9).
    pub scim_type: Option<&'static str>,
    /// A sentence for people.
    pub detail: String,
    /// Index of the operation, when it is one operation's fault.
    pub operation: Option<usize>,
}

impl PatchError {
    fn new(scim_type: &'static str, detail: impl Into<String>) -> Self {
        Self { status: 400, scim_type: Some(scim_type), detail: detail.into(), operation: None }
    }
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Add,
    Replace,
    Remove,
}

/// Applies a PatchOp body to a resource. The resource itself is not touched: on error nothing has changed.
pub fn apply(doc: &Value, patch: &Value, rt: &ResourceType, opts: &Options) -> Result<Value, PatchError> {
    let Value::Object(resource) = doc else {
        return Err(PatchError::new("invalidSyntax", "the resource is not a JSON object"));
    };
    let mut patcher = Patcher { doc: resource.clone(), rt, opts };
    for (index, operation) in operations(patch, opts)?.iter().enumerate() {
        patcher.operation(operation).map_err(|e| PatchError { operation: Some(index), ..e })?;
    }
    Ok(Value::Object(patcher.doc))
}

/// What a POST or PUT body says, in the form in which it is kept: names in the schema's spelling, without what is
/// unassigned, unknown or readOnly (RFC 7644 §3.3, §3.5.1). Whether something required is missing is left to
/// [`super::value::validate`].
pub fn accept(doc: &Value, rt: &ResourceType, opts: &Options) -> Result<Value, PatchError> {
    let Value::Object(body) = doc else {
        return Err(PatchError::new("invalidSyntax", "the body is not a JSON object"));
    };
    let schemas = get_ci(body, "schemas").filter(|v| !is_unassigned(v));
    let kept = schemas.map(|v| ("schemas".to_owned(), v.clone()));
    let mut patcher = Patcher { doc: kept.into_iter().collect(), rt, opts };
    let common = |key: &str| common_attributes().iter().find(|a| a.name.eq_ignore_ascii_case(key));
    for (key, value) in body {
        let attribute = rt.schema.attribute(key).or_else(|| common(key));
        let skipped = |a: &Attribute| a.mutability == Mutability::ReadOnly || a.name == "schemas";
        if !attribute.is_some_and(skipped) {
            patcher.pathless_member(Op::Add, key, value)?;
        }
    }
    Ok(Value::Object(patcher.doc))
}

fn operations<'p>(patch: &'p Value, opts: &Options) -> Result<&'p [Value], PatchError> {
    let syntax = |detail: &str| PatchError::new("invalidSyntax", detail);
    let body = patch.as_object().ok_or_else(|| syntax("the body is not a JSON object"))?;
    let names = get_ci(body, "schemas").and_then(Value::as_array);
    let named =
        names.is_some_and(|n| n.iter().any(|v| v.as_str().is_some_and(|s| s.eq_ignore_ascii_case(urn::PATCH_OP))));
    if !named && !opts.lenient {
        return Err(syntax("schemas must name the PatchOp message"));
    }
    match get_ci(body, "Operations") {
        Some(Value::Array(listed)) if !listed.is_empty() => Ok(listed),
        Some(Value::Array(_)) => Err(syntax("Operations is empty")),
        Some(_) => Err(syntax("Operations is not an array")),
        None => Err(syntax("there are no Operations")),
    }
}

/// An attribute with the place where it lives.
#[derive(Clone, Copy)]
struct Place<'a> {
    container: Container<'a>,
    attribute: &'a Attribute,
}

struct Patcher<'a> {
    doc: Map<String, Value>,
    rt: &'a ResourceType,
    opts: &'a Options,
}

impl<'a> Patcher<'a> {
    fn operation(&mut self, operation: &Value) -> Result<(), PatchError> {
        let map =
            operation.as_object().ok_or_else(|| PatchError::new("invalidSyntax", "an operation is not an object"))?;
        let op = read_op(map)?;
        let target = match get_ci(map, "path") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if self.opts.lenient && text.trim().is_empty() => None,
            Some(Value::String(text)) => Some(self.path(text)?),
            Some(_) => return Err(PatchError::new("invalidPath", "path is not a string")),
        };
        let value = get_ci(map, "value");
        match (op, value, target) {
            (Op::Remove, _, None) => Err(PatchError::new("noTarget", "remove needs a path")),
            (Op::Remove, value, Some(path)) => self.remove(&path, value),
            (_, None, _) => Err(PatchError::new("invalidValue", "the operation has no value")),
            (op, Some(value), None) => self.pathless(op, value),
            (op, Some(value), Some(path)) => self.write(op, &path, value),
        }
    }

    fn path(&self, text: &str) -> Result<PatchPath, PatchError> {
        path::parse_path(text, self.rt).map_err(|e| {
            let in_filter = text.find('[').is_some_and(|open| e.offset > open && text.trim_end().ends_with(']'));
            let kind = if in_filter { "invalidFilter" } else { "invalidPath" };
            PatchError::new(kind, e.to_string())
        })
    }

    /// The attribute of a path. Identity providers also name attributes of extensions without URN.
    fn place(&self, path: &AttrPath) -> Result<Place<'a>, PatchError> {
        let bare = AttrPath { sub: None, ..path.clone() };
        let found = match self.opts.lenient {
            true => self.rt.attribute_anywhere(&bare),
            false => self.rt.attribute(&bare),
        };
        if let Some(found) = found {
            return Ok(Place { container: found.container, attribute: found.attribute });
        }
        Err(PatchError::new("invalidPath", format!("the schema has no attribute {bare}")))
    }

    fn sub(&self, place: Place<'a>, path: &PatchPath) -> Result<Option<&'a Attribute>, PatchError> {
        let Some(name) = path.sub_name() else {
            return Ok(None);
        };
        match place.attribute.sub(name) {
            Some(sub) => Ok(Some(sub)),
            None => Err(PatchError::new("invalidPath", format!("{} has no sub-attribute {name}", path.attr.attr))),
        }
    }

    fn check_filter(&self, filter: &Filter, place: Place<'_>) -> Result<(), PatchError> {
        if !place.attribute.multi_valued {
            let detail = format!("{} has no several values to choose from", place.attribute.name);
            return Err(PatchError::new("invalidPath", detail));
        }
        check_element(filter, place.attribute).map_err(|e| PatchError::new("invalidFilter", e.message))
    }

    /// add and replace with a path.
    fn write(&mut self, op: Op, path: &PatchPath, value: &Value) -> Result<(), PatchError> {
        if path.is_whole_schema() {
            return self.write_schema(op, path.attr.urn.as_deref().unwrap_or_default(), value);
        }
        let place = self.place(&path.attr)?;
        let sub = self.sub(place, path)?;
        refuse_read_only(place.attribute, sub)?;
        if let Some(filter) = &path.filter {
            self.check_filter(filter, place)?;
        }
        self.edit(place, |slot| match (&path.filter, sub) {
            (None, None) => slot.write(op, value),
            (None, Some(sub)) => slot.write_sub(op, sub, value),
            (Some(filter), sub) => slot.write_filtered(op, filter, sub, value),
        })
    }

    fn remove(&mut self, path: &PatchPath, value: Option<&Value>) -> Result<(), PatchError> {
        if path.is_whole_schema() {
            return self.remove_schema(path.attr.urn.as_deref().unwrap_or_default());
        }
        let place = self.place(&path.attr)?;
        let sub = self.sub(place, path)?;
        refuse_read_only(place.attribute, sub)?;
        if let Some(filter) = &path.filter {
            self.check_filter(filter, place)?;
        }
        let chosen = value.filter(|v| self.opts.lenient && place.attribute.multi_valued && !v.is_null());
        self.edit(place, |slot| match (&path.filter, sub, chosen) {
            (None, None, Some(value)) => slot.remove_listed(value),
            (None, None, None) => slot.remove(),
            (None, Some(sub), _) => slot.remove_sub(sub),
            (Some(filter), sub, _) => slot.remove_filtered(filter, sub),
        })
    }

    fn object(&self, container: Container<'_>) -> Option<&Map<String, Value>> {
        match container {
            Container::Core => Some(&self.doc),
            Container::Extension(urn) => get_ci(&self.doc, urn)?.as_object(),
        }
    }

    /// Takes the value of an attribute out, lets it be changed and puts the result back.
    fn edit(
        &mut self,
        place: Place<'_>,
        change: impl FnOnce(&mut Slot<'_>) -> Result<(), PatchError>,
    ) -> Result<(), PatchError> {
        let name = &place.attribute.name;
        let held = self.object(place.container).and_then(|m| get_ci(m, name)).cloned();
        let before = held.filter(|v| !is_unassigned(v));
        let mut slot = Slot { value: before.clone(), attribute: place.attribute, opts: self.opts };
        change(&mut slot)?;
        let after = slot.value.filter(|v| !is_unassigned(v));
        edit::guard(place.attribute, before.as_ref(), after.as_ref())?;
        self.store(place, after);
        Ok(())
    }

    fn store(&mut self, place: Place<'_>, value: Option<Value>) {
        let name = &place.attribute.name;
        let Container::Extension(urn) = place.container else {
            return put(&mut self.doc, name, value);
        };
        let mut inner = match get_ci(&self.doc, urn) {
            Some(Value::Object(map)) => map.clone(),
            _ => Map::new(),
        };
        put(&mut inner, name, value);
        let empty = inner.values().all(is_unassigned);
        if empty {
            remove_ci(&mut self.doc, urn);
        } else {
            set_ci(&mut self.doc, urn, Value::Object(inner));
        }
        let required = self.rt.extension(urn).is_some_and(|e| e.required);
        self.name_schema(urn, !empty || required);
    }
}

fn read_op(map: &Map<String, Value>) -> Result<Op, PatchError> {
    let text = get_ci(map, "op").and_then(Value::as_str).unwrap_or_default();
    match text.trim().to_ascii_lowercase().as_str() {
        "add" => Ok(Op::Add),
        "replace" => Ok(Op::Replace),
        "remove" => Ok(Op::Remove),
        _ => Err(PatchError::new("invalidSyntax", "op must be add, replace or remove")),
    }
}

fn refuse_read_only(attribute: &Attribute, sub: Option<&Attribute>) -> Result<(), PatchError> {
    for part in [Some(attribute), sub].into_iter().flatten() {
        if part.mutability == Mutability::ReadOnly {
            return Err(PatchError::new("mutability", format!("{} is readOnly", part.name)));
        }
    }
    Ok(())
}

fn put(map: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => set_ci(map, name, value),
        None => {
            remove_ci(map, name);
        }
    }
}
