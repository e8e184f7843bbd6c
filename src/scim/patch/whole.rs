//! Operations on a whole resource or a whole schema: objects whose members are attributes (RFC 7644 §3.5.2.1, §3.5.2.3).
//! Must not know how a single attribute is changed.

use super::{Op, PatchError, Patcher, Place, coerce, refuse_read_only};
use crate::scim::path::{self, PatchPath};
use crate::scim::schema::{Container, Mutability, Schema, common_attributes};
use crate::scim::value::{get_ci, is_unassigned, remove_ci, same_value, set_ci};
use serde_json::{Map, Value};

impl Patcher<'_> {
    /// add and replace without path: each member of the value is an attribute.
    pub(super) fn pathless(&mut self, op: Op, value: &Value) -> Result<(), PatchError> {
        let parsed = coerce::unpack(value, self.opts.lenient);
        let Value::Object(members) = parsed.as_ref() else {
            return Err(PatchError::new("invalidValue", "without a path the value must be an object"));
        };
        for (key, value) in members {
            self.pathless_member(op, key, value)?;
        }
        Ok(())
    }

    pub(super) fn pathless_member(&mut self, op: Op, key: &str, value: &Value) -> Result<(), PatchError> {
        if self.rt.extension(key).is_some() || key.eq_ignore_ascii_case(&self.rt.schema.id) {
            return self.write_schema(op, key, value);
        }
        if self.opts.lenient && key.eq_ignore_ascii_case("schemas") {
            return Ok(());
        }
        let core = self.rt.schema.attribute(key);
        let common = || common_attributes().iter().find(|a| a.name.eq_ignore_ascii_case(key));
        if let Some(attribute) = core.or_else(common) {
            return self.write_member(op, Place { container: Container::Core, attribute }, value);
        }
        // Keys that are paths: `name.familyName`, `urn:…:User:department`, `emails[type eq "work"].value`.
        let is_path = self.opts.lenient && key.contains(['.', ':', '[']);
        match path::parse_path(key, self.rt) {
            Ok(path) if is_path => self.write_path_key(op, &path, value),
            _ => Ok(()),
        }
    }

    pub(super) fn write_path_key(&mut self, op: Op, path: &PatchPath, value: &Value) -> Result<(), PatchError> {
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
    pub(super) fn write_member(&mut self, op: Op, place: Place<'_>, value: &Value) -> Result<(), PatchError> {
        if place.attribute.mutability == Mutability::ReadOnly {
            let held = self.object(place.container).and_then(|m| get_ci(m, &place.attribute.name));
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
    pub(super) fn write_schema(&mut self, op: Op, urn: &str, value: &Value) -> Result<(), PatchError> {
        let parsed = coerce::unpack(value, self.opts.lenient);
        let value = parsed.as_ref();
        let Some(extension) = self.rt.extension(urn) else {
            return self.pathless(op, value);
        };
        if value.is_null() {
            return if op == Op::Replace { self.remove_schema(urn) } else { Ok(()) };
        }
        let Value::Object(members) = value else {
            return Err(PatchError::new("invalidValue", format!("the value of {urn} must be an object")));
        };
        for (key, value) in members {
            if let Some(attribute) = extension.schema.attribute(key) {
                let container = Container::Extension(&extension.schema.id);
                self.write_member(op, Place { container, attribute }, value)?;
            } else if self.opts.lenient && key.contains('.') {
                let path = path::parse_path(&format!("{urn}:{key}"), self.rt);
                path.map_or(Ok(()), |path| self.write_path_key(op, &path, value))?;
            }
        }
        Ok(())
    }

    pub(super) fn remove_schema(&mut self, urn: &str) -> Result<(), PatchError> {
        let Some(extension) = self.rt.extension(urn) else {
            return Err(PatchError::new("mutability", "the core schema cannot be removed"));
        };
        let held = get_ci(&self.doc, urn).and_then(Value::as_object);
        if held.is_some_and(|held| extension.required || keeps(held, &extension.schema)) {
            return Err(PatchError::new("mutability", format!("{urn} cannot be removed")));
        }
        remove_ci(&mut self.doc, urn);
        self.name_schema(&extension.schema.id, false);
        Ok(())
    }

    /// Keeps `schemas` in step with the extensions that the resource has.
    pub(super) fn name_schema(&mut self, urn: &str, present: bool) {
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

/// Whether an extension object holds something that cannot be removed.
fn keeps(held: &Map<String, Value>, schema: &Schema) -> bool {
    schema.attributes.iter().any(|a| {
        let fixed = a.mutability == Mutability::Immutable || (a.required && a.mutability != Mutability::ReadOnly);
        fixed && get_ci(held, &a.name).is_some_and(|v| !is_unassigned(v))
    })
}
