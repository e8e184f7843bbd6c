//! PatchOp: what a resource becomes by a list of operations (RFC 7644 §3.5.2).
//! Must not know storage or requests; the resource goes in and a changed copy, or an error, comes out.

mod coerce;
mod edit;
#[cfg(test)]
mod tests;

use super::filter::Filter;
use super::matching::check_element;
use super::path::{self, AttrPath, PatchPath};
use super::schema::{Attribute, Container, Mutability, ResourceType, Schema, common_attributes};
use super::urn;
use super::value::{get_ci, is_unassigned, remove_ci, same_value, set_ci};
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
        Self {
            status: 400,
            scim_type: Some(scim_type),
            detail: detail.into(),
            operation: None,
        }
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
pub fn apply(
    doc: &Value,
    patch: &Value,
    rt: &ResourceType,
    opts: &Options,
) -> Result<Value, PatchError> {
    let Value::Object(resource) = doc else {
        return Err(PatchError::new(
            "invalidSyntax",
            "the resource is not a JSON object",
        ));
    };
    let mut patcher = Patcher {
        doc: resource.clone(),
        rt,
        opts,
    };
    for (index, operation) in operations(patch, opts)?.iter().enumerate() {
        patcher.operation(operation).map_err(|e| PatchError {
            operation: Some(index),
            ..e
        })?;
    }
    Ok(Value::Object(patcher.doc))
}

fn operations<'p>(patch: &'p Value, opts: &Options) -> Result<&'p [Value], PatchError> {
    let syntax = |detail: &str| PatchError::new("invalidSyntax", detail);
    let body = patch
        .as_object()
        .ok_or_else(|| syntax("the body is not a JSON object"))?;
    let names = get_ci(body, "schemas").and_then(Value::as_array);
    let named = names.is_some_and(|n| {
        n.iter().any(|v| {
            v.as_str()
                .is_some_and(|s| s.eq_ignore_ascii_case(urn::PATCH_OP))
        })
    });
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
        let map = operation
            .as_object()
            .ok_or_else(|| PatchError::new("invalidSyntax", "an operation is not an object"))?;
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
            (_, None, _) => Err(PatchError::new(
                "invalidValue",
                "the operation has no value",
            )),
            (op, Some(value), None) => self.pathless(op, value),
            (op, Some(value), Some(path)) => self.write(op, &path, value),
        }
    }

    fn path(&self, text: &str) -> Result<PatchPath, PatchError> {
        path::parse_path(text, self.rt).map_err(|e| {
            let in_filter = text
                .find('[')
                .is_some_and(|open| e.offset > open && text.trim_end().ends_with(']'));
            let kind = if in_filter {
                "invalidFilter"
            } else {
                "invalidPath"
            };
            PatchError::new(kind, e.to_string())
        })
    }

    /// The attribute of a path. Identity providers also name attributes of extensions without URN.
    fn place(&self, path: &AttrPath) -> Result<Place<'a>, PatchError> {
        let bare = AttrPath {
            sub: None,
            ..path.clone()
        };
        if let Some(found) = self.rt.attribute(&bare) {
            return Ok(Place {
                container: found.container,
                attribute: found.attribute,
            });
        }
        if self.opts.lenient && path.urn.is_none() {
            for extension in &self.rt.extensions {
                if let Some(attribute) = extension.schema.attribute(&path.attr) {
                    return Ok(Place {
                        container: Container::Extension(&extension.schema.id),
                        attribute,
                    });
                }
            }
        }
        Err(PatchError::new(
            "invalidPath",
            format!("the schema has no attribute {bare}"),
        ))
    }

    fn sub(&self, place: Place<'a>, path: &PatchPath) -> Result<Option<&'a Attribute>, PatchError> {
        let Some(name) = path.sub_name() else {
            return Ok(None);
        };
        match place.attribute.sub(name) {
            Some(sub) => Ok(Some(sub)),
            None => Err(PatchError::new(
                "invalidPath",
                format!("{} has no sub-attribute {name}", path.attr.attr),
            )),
        }
    }

    fn check_filter(&self, filter: &Filter, place: Place<'_>) -> Result<(), PatchError> {
        if !place.attribute.multi_valued {
            let detail = format!(
                "{} has no several values to choose from",
                place.attribute.name
            );
            return Err(PatchError::new("invalidPath", detail));
        }
        check_element(filter, place.attribute)
            .map_err(|e| PatchError::new("invalidFilter", e.message))
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
        let chosen =
            value.filter(|v| self.opts.lenient && place.attribute.multi_valued && !v.is_null());
        self.edit(place, |slot| match (&path.filter, sub, chosen) {
            (None, None, Some(value)) => slot.remove_listed(value),
            (None, None, None) => slot.remove(),
            (None, Some(sub), _) => slot.remove_sub(sub),
            (Some(filter), sub, _) => slot.remove_filtered(filter, sub),
        })
    }

    /// add and replace without path: each member of the value is an attribute.
    fn pathless(&mut self, op: Op, value: &Value) -> Result<(), PatchError> {
        let parsed = coerce::unpack(value, self.opts.lenient);
        let Value::Object(members) = parsed.as_ref() else {
            return Err(PatchError::new(
                "invalidValue",
                "without a path the value must be an object",
            ));
        };
        for (key, value) in members {
            self.pathless_member(op, key, value)?;
        }
        Ok(())
    }

    fn pathless_member(&mut self, op: Op, key: &str, value: &Value) -> Result<(), PatchError> {
        if self.rt.extension(key).is_some() || key.eq_ignore_ascii_case(&self.rt.schema.id) {
            return self.write_schema(op, key, value);
        }
        if self.opts.lenient && key.eq_ignore_ascii_case("schemas") {
            return Ok(());
        }
        let core = self.rt.schema.attribute(key);
        let common = || {
            common_attributes()
                .iter()
                .find(|a| a.name.eq_ignore_ascii_case(key))
        };
        if let Some(attribute) = core.or_else(common) {
            return self.write_member(
                op,
                Place {
                    container: Container::Core,
                    attribute,
                },
                value,
            );
        }
        // Keys that are paths: `name.familyName`, `urn:…:User:department`, `emails[type eq "work"].value`.
        let is_path = self.opts.lenient && key.contains(['.', ':', '[']);
        match path::parse_path(key, self.rt) {
            Ok(path) if is_path => self.write_path_key(op, &path, value),
            _ => Ok(()),
        }
    }

    fn write_path_key(
        &mut self,
        op: Op,
        path: &PatchPath,
        value: &Value,
    ) -> Result<(), PatchError> {
        let Ok(place) = self.place(&path.attr) else {
            return Ok(());
        };
        match self.sub(place, path) {
            Ok(sub) if refuse_read_only(place.attribute, sub).is_ok() => {}
            _ => return Ok(()),
        }
        if op == Op::Add && value.is_null() {
            return Ok(());
        }
        self.write(op, path, value)
    }

    /// One attribute of an object value.
    fn write_member(&mut self, op: Op, place: Place<'_>, value: &Value) -> Result<(), PatchError> {
        if place.attribute.mutability == Mutability::ReadOnly {
            let held = self
                .object(place.container)
                .and_then(|m| get_ci(m, &place.attribute.name));
            let unchanged = same_value(held.unwrap_or(&Value::Null), value, Some(place.attribute));
            return match self.opts.lenient || unchanged {
                true => Ok(()),
                false => refuse_read_only(place.attribute, None),
            };
        }
        if op == Op::Add && is_unassigned(value) {
            return Ok(());
        }
        self.edit(place, |slot| slot.write(op, value))
    }

    /// add and replace of all attributes of a schema: `path` or key is a bare URN.
    fn write_schema(&mut self, op: Op, urn: &str, value: &Value) -> Result<(), PatchError> {
        let parsed = coerce::unpack(value, self.opts.lenient);
        let value = parsed.as_ref();
        let Some(extension) = self.rt.extension(urn) else {
            return self.pathless(op, value);
        };
        if value.is_null() {
            return if op == Op::Replace {
                self.remove_schema(urn)
            } else {
                Ok(())
            };
        }
        let Value::Object(members) = value else {
            return Err(PatchError::new(
                "invalidValue",
                format!("the value of {urn} must be an object"),
            ));
        };
        for (key, value) in members {
            if let Some(attribute) = extension.schema.attribute(key) {
                let container = Container::Extension(&extension.schema.id);
                self.write_member(
                    op,
                    Place {
                        container,
                        attribute,
                    },
                    value,
                )?;
            } else if self.opts.lenient && key.contains('.') {
                let path = path::parse_path(&format!("{urn}:{key}"), self.rt);
                path.map_or(Ok(()), |path| self.write_path_key(op, &path, value))?;
            }
        }
        Ok(())
    }

    fn remove_schema(&mut self, urn: &str) -> Result<(), PatchError> {
        let Some(extension) = self.rt.extension(urn) else {
            return Err(PatchError::new(
                "mutability",
                "the core schema cannot be removed",
            ));
        };
        let held = get_ci(&self.doc, urn).and_then(Value::as_object);
        if held.is_some_and(|held| extension.required || keeps(held, &extension.schema)) {
            return Err(PatchError::new(
                "mutability",
                format!("{urn} cannot be removed"),
            ));
        }
        remove_ci(&mut self.doc, urn);
        self.name_schema(&extension.schema.id, false);
        Ok(())
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
        let held = self
            .object(place.container)
            .and_then(|m| get_ci(m, name))
            .cloned();
        let before = held.filter(|v| !is_unassigned(v));
        let mut slot = Slot {
            value: before.clone(),
            attribute: place.attribute,
            opts: self.opts,
        };
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

    /// Keeps `schemas` in step with the extensions that the resource has.
    fn name_schema(&mut self, urn: &str, present: bool) {
        let is = |v: &Value| v.as_str().is_some_and(|s| s.eq_ignore_ascii_case(urn));
        let mut names = match get_ci(&self.doc, "schemas") {
            Some(Value::Array(names)) => names.clone(),
            _ => Vec::new(),
        };
        match (present, names.iter().any(is)) {
            (true, false) => names.push(Value::String(urn.to_owned())),
            (false, true) => names.retain(|v| !is(v)),
            _ => return,
        }
        set_ci(&mut self.doc, "schemas", Value::Array(names));
    }
}

fn read_op(map: &Map<String, Value>) -> Result<Op, PatchError> {
    let text = get_ci(map, "op")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match text.trim().to_ascii_lowercase().as_str() {
        "add" => Ok(Op::Add),
        "replace" => Ok(Op::Replace),
        "remove" => Ok(Op::Remove),
        _ => Err(PatchError::new(
            "invalidSyntax",
            "op must be add, replace or remove",
        )),
    }
}

fn refuse_read_only(attribute: &Attribute, sub: Option<&Attribute>) -> Result<(), PatchError> {
    for part in [Some(attribute), sub].into_iter().flatten() {
        if part.mutability == Mutability::ReadOnly {
            return Err(PatchError::new(
                "mutability",
                format!("{} is readOnly", part.name),
            ));
        }
    }
    Ok(())
}

/// Whether an extension object holds something that cannot be removed.
fn keeps(held: &Map<String, Value>, schema: &Schema) -> bool {
    schema.attributes.iter().any(|a| {
        let fixed = a.mutability == Mutability::Immutable
            || (a.required && a.mutability != Mutability::ReadOnly);
        fixed && get_ci(held, &a.name).is_some_and(|v| !is_unassigned(v))
    })
}

fn put(map: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => set_ci(map, name, value),
        None => {
            remove_ci(map, name);
        }
    }
}
