//! When two entries of a multi-valued attribute are the same one (RFC 7643 §2.4).
//! Must not know operations.

use crate::scim::schema::{AttrType, Attribute};
use crate::scim::value::{get_ci, is_unassigned, same_ignoring_case, same_value};
use serde_json::Value;

/// Whether an added value is one that exists: entries with `value` are told apart by it and by `type`
/// (RFC 7643 §2.4), others by everything.
pub(super) fn is_same_entry(held: &Value, item: &Value, attribute: &Attribute) -> bool {
    match (text_of(held, "value"), text_of(item, "value")) {
        (Some(held_value), Some(item_value)) if attribute.kind == AttrType::Complex => {
            let types = match (text_of(held, "type"), text_of(item, "type")) {
                (Some(held), Some(item)) => same_ignoring_case(held, item, None),
                (_, None) => true,
                // The type of a referenced resource is often filled in by the server only.
                (None, Some(_)) => attribute.sub("$ref").is_some(),
            };
            types && same_as(held_value, item_value, attribute.sub("value"))
        }
        _ => same_value(held, item, Some(attribute)) || (!item.is_object() && same_as(held, item, Some(attribute))),
    }
}

/// Whether a held value is meant by one of a list of values to remove.
pub(super) fn is_meant(held: &Value, wanted: &Value, attribute: &Attribute) -> bool {
    let Value::Object(members) = wanted else {
        return same_as(held, wanted, Some(attribute));
    };
    if text_of(wanted, "value").is_some() && text_of(held, "value").is_some() {
        return is_same_entry(held, wanted, attribute);
    }
    let mut given = members.iter().filter(|(_, v)| !is_unassigned(v)).peekable();
    given.peek().is_some()
        && given.all(|(key, value)| {
            let sub = attribute.sub(key);
            text_of(held, key).is_some_and(|held| same_as(held, value, sub))
        })
}

pub(super) fn same_as(a: &Value, b: &Value, attribute: Option<&Attribute>) -> bool {
    match attribute.is_some_and(|a| a.case_exact) {
        true => same_value(a, b, attribute),
        false => same_ignoring_case(a, b, attribute),
    }
}

pub(super) fn text_of<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.as_object().and_then(|m| get_ci(m, name)).filter(|v| !is_unassigned(v))
}
