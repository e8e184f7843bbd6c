//! What a filter means: whether a resource matches, whether the schema admits it (RFC 7644 §3.4.2.2).
//! Must not know where filters and resources come from.

use super::filter::{CompareOp, Filter, Literal, Test};
use super::path::{AttrPath, member, values_of};
use super::schema::{AttrType, Attribute, ResourceType};
use super::value::parse_datetime;
use serde_json::Value;
use std::cmp::Ordering;

/// Why the schema does not admit a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterProblemKind {
    /// The schema has no such attribute.
    UnknownAttribute,
    /// The operator does not suit the type: order on boolean or binary, parts of a number.
    Operator,
    /// The value does not suit the type.
    Literal,
    /// A complex attribute needs a sub-attribute to be compared.
    Complex,
    /// Brackets after an attribute that has no several values.
    ValuePath,
}

/// A filter that is well-formed but cannot be answered: 400 `invalidFilter` (RFC 7644 §3.12 Table 9).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FilterProblem {
    /// The attribute as the filter writes it.
    pub path: String,
    /// What is wrong.
    pub kind: FilterProblemKind,
    /// A sentence for people.
    pub message: String,
}

/// What the names of an expression refer to.
#[derive(Clone, Copy)]
enum Scope<'a> {
    Resource(&'a ResourceType),
    Element(Option<&'a Attribute>),
}

impl<'a> Scope<'a> {
    /// The attribute that a path stands for.
    fn attribute(self, path: &AttrPath) -> Option<&'a Attribute> {
        match self {
            Scope::Resource(rt) => rt.attribute_anywhere(path).map(|r| r.leaf()),
            Scope::Element(_) if path.urn.is_some() || path.sub.is_some() => None,
            Scope::Element(parent) => element_member(parent?, &path.attr),
        }
    }

    fn values<'v>(self, value: &'v Value, path: &AttrPath) -> (Vec<&'v Value>, Option<&'a Attribute>) {
        match self {
            Scope::Resource(rt) => values_of(value, path, rt),
            Scope::Element(_) if path.urn.is_some() => (Vec::new(), None),
            Scope::Element(_) => {
                let top = member(value, &path.attr);
                let values = match path.sub.as_deref() {
                    Some(sub) => top.into_iter().flat_map(|v| member(v, sub)).collect(),
                    None => top,
                };
                (values, self.attribute(path))
            }
        }
    }
}

/// The sub-attribute of one value; the value of a simple attribute is called `value`.
fn element_member<'a>(parent: &'a Attribute, name: &str) -> Option<&'a Attribute> {
    let simple = parent.kind != AttrType::Complex && name.eq_ignore_ascii_case("value");
    if simple { Some(parent) } else { parent.sub(name) }
}

/// Whether the schema admits the filter.
pub fn check(filter: &Filter, rt: &ResourceType) -> Result<(), FilterProblem> {
    check_in(filter, Scope::Resource(rt))
}

/// Whether the schema admits the filter of a value path over this attribute.
pub(super) fn check_element(filter: &Filter, attribute: &Attribute) -> Result<(), FilterProblem> {
    check_in(filter, Scope::Element(Some(attribute)))
}

fn problem(path: impl ToString, kind: FilterProblemKind, message: String) -> FilterProblem {
    FilterProblem { path: path.to_string(), kind, message }
}

fn check_in(filter: &Filter, scope: Scope<'_>) -> Result<(), FilterProblem> {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().try_for_each(|part| check_in(part, scope)),
        Filter::Not(inner) => check_in(inner, scope),
        Filter::Attr { path, test } => check_test(path, test, known(path, scope)?),
        Filter::ValuePath { path, filter, tail } => {
            let attribute = known(path, scope)?;
            if !attribute.multi_valued && attribute.kind != AttrType::Complex {
                let message = format!("{path} has no several values to choose from");
                return Err(problem(path, FilterProblemKind::ValuePath, message));
            }
            let element = Scope::Element(Some(attribute));
            check_in(filter, element)?;
            match tail {
                Some((sub, test)) => {
                    let sub = AttrPath::of(sub);
                    check_test(&sub, test, known(&sub, element)?)
                }
                None => Ok(()),
            }
        }
    }
}

fn known<'a>(path: &AttrPath, scope: Scope<'a>) -> Result<&'a Attribute, FilterProblem> {
    scope.attribute(path).ok_or_else(|| {
        problem(path, FilterProblemKind::UnknownAttribute, format!("the schema has no attribute {path}"))
    })
}

fn check_test(path: &AttrPath, test: &Test, attribute: &Attribute) -> Result<(), FilterProblem> {
    let Test::Compare(op, literal) = test else {
        return Ok(());
    };
    let mut leaf = attribute;
    if attribute.kind == AttrType::Complex {
        match attribute.sub("value") {
            Some(value) => leaf = value,
            // A comparison with null asks for presence, which complex attributes have.
            None if *literal == Literal::Null && !op.is_ordering() => return Ok(()),
            None => {
                let message = format!("{path} is complex; name one of its sub-attributes");
                return Err(problem(path, FilterProblemKind::Complex, message));
            }
        }
    }
    if !operator_fits(*op, leaf.kind) {
        let message = format!("{} cannot be asked of {path}", op.as_str());
        return Err(problem(path, FilterProblemKind::Operator, message));
    }
    if !literal_fits(*op, literal, leaf.kind) {
        let message = format!("{path} cannot be compared with {literal}");
        return Err(problem(path, FilterProblemKind::Literal, message));
    }
    Ok(())
}

fn operator_fits(op: CompareOp, kind: AttrType) -> bool {
    let equality = matches!(op, CompareOp::Eq | CompareOp::Ne);
    match kind {
        AttrType::Boolean => equality,
        AttrType::Binary => !op.is_ordering(),
        AttrType::Integer | AttrType::Decimal => equality || op.is_ordering(),
        _ => true,
    }
}

fn literal_fits(op: CompareOp, literal: &Literal, kind: AttrType) -> bool {
    match (kind, literal) {
        (_, Literal::Null) => !op.is_ordering(),
        (AttrType::Boolean, Literal::Bool(_)) => true,
        (AttrType::Boolean, Literal::Str(text)) => as_bool(text).is_some(),
        (AttrType::Integer | AttrType::Decimal, Literal::Number(_)) => true,
        (AttrType::DateTime, Literal::Str(text)) => !op.is_ordering() || parse_datetime(text).is_some(),
        (AttrType::String | AttrType::Reference | AttrType::Binary, Literal::Str(_)) => true,
        (AttrType::Complex, _) => true,
        _ => false,
    }
}

fn as_bool(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        return Some(true);
    }
    text.eq_ignore_ascii_case("false").then_some(false)
}

/// Whether the resource matches the filter.
pub fn matches(filter: &Filter, doc: &Value, rt: &ResourceType) -> bool {
    holds(filter, doc, Scope::Resource(rt))
}

/// Whether one value of a multi-valued attribute matches the filter of a value path.
pub fn matches_element(filter: &Filter, value: &Value, attribute: Option<&Attribute>) -> bool {
    holds(filter, value, Scope::Element(attribute))
}

fn holds(filter: &Filter, value: &Value, scope: Scope<'_>) -> bool {
    match filter {
        Filter::And(parts) => parts.iter().all(|part| holds(part, value, scope)),
        Filter::Or(parts) => parts.iter().any(|part| holds(part, value, scope)),
        Filter::Not(inner) => !holds(inner, value, scope),
        Filter::Attr { path, test } => {
            let (values, attribute) = scope.values(value, path);
            passes(test, &values, attribute)
        }
        Filter::ValuePath { path, filter, tail } => {
            let (values, attribute) = scope.values(value, path);
            let element = Scope::Element(attribute);
            values.into_iter().any(|one| {
                holds(filter, one, element)
                    && tail.as_ref().is_none_or(|(sub, test)| {
                        let (values, attribute) = element.values(one, &AttrPath::of(sub));
                        passes(test, &values, attribute)
                    })
            })
        }
    }
}

/// Applies a test to the values of an attribute. `values` holds assigned values only.
fn passes(test: &Test, values: &[&Value], attribute: Option<&Attribute>) -> bool {
    match test {
        Test::Present => values.iter().any(|v| is_present(v)),
        // Null is the same as absent (RFC 7643 §2.5).
        Test::Compare(CompareOp::Eq, Literal::Null) => values.is_empty(),
        Test::Compare(CompareOp::Ne, Literal::Null) => !values.is_empty(),
        // What is absent is not identical to any value.
        Test::Compare(CompareOp::Ne, _) if values.is_empty() => true,
        Test::Compare(op, literal) => values.iter().any(|v| compares(*op, literal, v, attribute)),
    }
}

/// `pr` asks for a non-empty value (RFC 7644 Table 3).
fn is_present(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.is_empty(),
        Value::Object(map) => map.values().any(|v| !v.is_null()),
        _ => true,
    }
}

fn compares(op: CompareOp, literal: &Literal, value: &Value, attribute: Option<&Attribute>) -> bool {
    if let Value::Object(_) = value {
        // A complex value is compared by its significant part.
        let inner = member(value, "value");
        let attribute = attribute.and_then(|a| a.sub("value"));
        return match inner.is_empty() {
            true => op == CompareOp::Ne,
            false => inner.iter().any(|v| !v.is_object() && compares(op, literal, v, attribute)),
        };
    }
    match (literal, value) {
        (Literal::Str(wanted), Value::String(actual)) => compare_text(op, wanted, actual, attribute),
        (Literal::Number(wanted), Value::Number(actual)) => {
            let order = match (wanted.as_i64(), actual.as_i64()) {
                (Some(wanted), Some(actual)) => Some(actual.cmp(&wanted)),
                _ => actual.as_f64().partial_cmp(&wanted.as_f64()),
            };
            by_order(op, order)
        }
        (literal, value) => match (literal_bool(literal), value_bool(value)) {
            (Some(wanted), Some(actual)) => by_equality(op, wanted == actual),
            _ => op == CompareOp::Ne,
        },
    }
}

fn literal_bool(literal: &Literal) -> Option<bool> {
    match literal {
        Literal::Bool(b) => Some(*b),
        Literal::Str(text) => as_bool(text),
        _ => None,
    }
}

fn value_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(b) => Some(*b),
        Value::String(text) => as_bool(text),
        _ => None,
    }
}

fn compare_text(op: CompareOp, wanted: &str, actual: &str, attribute: Option<&Attribute>) -> bool {
    let dates = attribute.is_none_or(|a| a.kind == AttrType::DateTime);
    if dates
        && (op.is_ordering() || matches!(op, CompareOp::Eq | CompareOp::Ne))
        && let (Some(wanted), Some(actual)) = (parse_datetime(wanted), parse_datetime(actual))
    {
        return by_order(op, Some(actual.cmp(&wanted)));
    }
    if attribute.is_some_and(|a| a.case_exact) {
        return compare_plain(op, wanted, actual);
    }
    compare_plain(op, &wanted.to_lowercase(), &actual.to_lowercase())
}

fn compare_plain(op: CompareOp, wanted: &str, actual: &str) -> bool {
    match op {
        CompareOp::Co => actual.contains(wanted),
        CompareOp::Sw => actual.starts_with(wanted),
        CompareOp::Ew => actual.ends_with(wanted),
        _ => by_order(op, Some(actual.cmp(wanted))),
    }
}

fn by_equality(op: CompareOp, equal: bool) -> bool {
    match op {
        CompareOp::Eq => equal,
        CompareOp::Ne => !equal,
        _ => false,
    }
}

fn by_order(op: CompareOp, order: Option<Ordering>) -> bool {
    match op {
        CompareOp::Eq => order == Some(Ordering::Equal),
        CompareOp::Ne => order != Some(Ordering::Equal),
        CompareOp::Gt => order == Some(Ordering::Greater),
        CompareOp::Ge => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        CompareOp::Lt => order == Some(Ordering::Less),
        CompareOp::Le => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        CompareOp::Co | CompareOp::Sw | CompareOp::Ew => false,
    }
}

#[cfg(test)]
mod tests;
