//! From a tree of values to structs with named keys, collecting every mistake on the way.
//!
//! Must not know which keys there are: `raw` says that, once, for the reader and for the JSON Schema.

use super::doc::{At, Kind, Node};
use super::error::{NOWHERE, Problem, Sink};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::ops::Range;

/// Can be read from a node. `None`: the reason is in the sink.
pub(super) trait FromNode: Sized {
    fn from_node(node: &Node, sink: &mut Sink) -> Option<Self>;

    /// What stands for an absent key; `None`: the key is required.
    fn absent() -> Option<Self> {
        None
    }

    /// What stands for a value that is wrong (and reported), so that the rest is still looked at.
    fn instead() -> Option<Self> {
        None
    }
}

/// Declares a mapping with known keys: the struct, its reader and its schema.
macro_rules! shape {
    ($(#[$meta:meta])* $name:ident { $( $(#[$field_meta:meta])* $field:ident: $type:ty, )* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, schemars::JsonSchema)]
        #[schemars(deny_unknown_fields)]
        pub(super) struct $name {
            $( $(#[$field_meta])* pub(super) $field: $type, )*
            #[schemars(skip)]
            #[allow(dead_code, reason = "not every mapping is pointed at as a whole")]
            pub(super) span: std::ops::Range<usize>,
            /// False when a key of it is wrong (and reported).
            #[schemars(skip)]
            #[allow(dead_code, reason = "not every mapping has a question that depends on it")]
            pub(super) intact: bool,
        }

        impl $crate::scenario::shape::FromNode for $name {
            fn from_node(
                node: &$crate::scenario::doc::Node,
                sink: &mut $crate::scenario::error::Sink,
            ) -> Option<Self> {
                let before = sink.errors.len();
                let members = $crate::scenario::shape::mapping(node, sink)?;
                let known = [$( stringify!($field).trim_start_matches("r#") ),*];
                $crate::scenario::shape::refuse_unknown(members, &known, sink);
                $( let $field = $crate::scenario::shape::take::<$type>(
                    members, stringify!($field).trim_start_matches("r#"), node, sink,
                ); )*
                Some(Self { $( $field: $field?, )* span: node.span.clone(), intact: sink.errors.len() == before })
            }
        }
    };
}
pub(super) use shape;

/// The members of a mapping, or an error.
pub(super) fn mapping<'a>(node: &'a Node, sink: &mut Sink) -> Option<&'a [(At<String>, Node)]> {
    match &node.kind {
        Kind::Map(members) => Some(members),
        _ => wrong_type(node, "a mapping", sink),
    }
}

/// Reports every key that nobody knows.
pub(super) fn refuse_unknown(members: &[(At<String>, Node)], known: &[&str], sink: &mut Sink) {
    for (key, _) in members {
        if !known.contains(&key.value.as_str()) {
            sink.push(
                key.span.clone(),
                Problem::new(format!("unknown key `{}`", key.value), "not known here")
                    .suggest(&key.value, known.iter().copied()),
            );
        }
    }
}

/// The value of one key.
pub(super) fn take<T: FromNode>(members: &[(At<String>, Node)], key: &str, owner: &Node, sink: &mut Sink) -> Option<T> {
    match members.iter().find(|(k, _)| k.value == key) {
        Some((_, node)) => T::from_node(node, sink).or_else(T::instead),
        None => T::absent().or_else(|| {
            sink.push(
                members.first().map_or(owner.span.clone(), |(k, _)| k.span.clone()),
                Problem::new(format!("the key `{key}` is missing"), "in this mapping"),
            );
            T::instead()
        }),
    }
}

/// `found …, expected …`.
pub(super) fn wrong_type<T>(node: &Node, expected: &str, sink: &mut Sink) -> Option<T> {
    let mut problem = Problem::new(
        format!("wrong type: found {}, expected {expected}", node.noun()),
        format!("{expected} was expected here"),
    );
    if let (Kind::Null, "text") = (&node.kind, expected) {
        problem = problem.help("leave the key away, or write \"\" for an empty text");
    }
    sink.push(node.span.clone(), problem);
    None
}

impl FromNode for Node {
    fn from_node(node: &Node, _: &mut Sink) -> Option<Self> {
        Some(node.clone())
    }
}

impl FromNode for String {
    fn from_node(node: &Node, sink: &mut Sink) -> Option<Self> {
        match &node.kind {
            Kind::Text(text) => Some(text.clone()),
            _ => wrong_type(node, "text", sink),
        }
    }

    fn instead() -> Option<Self> {
        Some(String::new())
    }
}

impl FromNode for bool {
    fn from_node(node: &Node, sink: &mut Sink) -> Option<Self> {
        match node.kind {
            Kind::Bool(value) => Some(value),
            _ => wrong_type(node, "true or false", sink),
        }
    }
}

impl FromNode for u64 {
    fn from_node(node: &Node, sink: &mut Sink) -> Option<Self> {
        match &node.kind {
            Kind::Number(n) if n.is_u64() => n.as_u64(),
            _ => wrong_type(node, "a whole number", sink),
        }
    }
}

impl<T: FromNode> FromNode for Option<T> {
    fn from_node(node: &Node, sink: &mut Sink) -> Option<Self> {
        // A broken value is in the sink already; the rest of the mapping is still worth reading.
        Some(T::from_node(node, sink).or_else(T::instead))
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: FromNode> FromNode for Vec<T> {
    fn from_node(node: &Node, sink: &mut Sink) -> Option<Self> {
        match &node.kind {
            Kind::List(items) => Some(items.iter().filter_map(|i| T::from_node(i, sink)).collect()),
            _ => wrong_type(node, "a list", sink),
        }
    }

    fn instead() -> Option<Self> {
        Some(Vec::new())
    }
}

impl<T: FromNode> FromNode for At<T> {
    fn from_node(node: &Node, sink: &mut Sink) -> Option<Self> {
        Some(At { value: T::from_node(node, sink)?, span: node.span.clone() })
    }

    fn instead() -> Option<Self> {
        Some(At { value: T::instead()?, span: NOWHERE })
    }
}

/// One value or a list of them.
#[derive(Debug, Clone)]
pub(super) struct OneOrMany<T>(pub(super) Vec<T>);

impl<T: FromNode> FromNode for OneOrMany<T> {
    fn from_node(node: &Node, sink: &mut Sink) -> Option<Self> {
        match &node.kind {
            Kind::List(_) => Vec::from_node(node, sink).map(OneOrMany),
            _ => Some(OneOrMany(vec![T::from_node(node, sink)?])),
        }
    }
}

/// A mapping with free keys, in file order.
#[derive(Debug, Clone)]
pub(super) struct Pairs<T>(pub(super) Vec<(At<String>, T)>);

impl<T: FromNode> FromNode for Pairs<T> {
    fn from_node(node: &Node, sink: &mut Sink) -> Option<Self> {
        let members = mapping(node, sink)?;
        Some(Pairs(members.iter().filter_map(|(k, v)| Some((k.clone(), T::from_node(v, sink)?))).collect()))
    }
}

/// One of a fixed set of words, with its place.
#[derive(Debug, Clone)]
pub(super) struct Word<T> {
    pub(super) value: T,
}

impl<T: DeserializeOwned> FromNode for Word<T> {
    fn from_node(node: &Node, sink: &mut Sink) -> Option<Self> {
        let text = String::from_node(node, sink)?;
        match T::deserialize(serde::de::value::StrDeserializer::<UnknownWord>::new(&text)) {
            Ok(value) => Some(Word { value }),
            Err(UnknownWord(known)) => {
                sink.push(
                    node.span.clone(),
                    Problem::new(format!("unknown word `{text}`"), "not one of the known words")
                        .suggest(&text, known.iter().copied()),
                );
                None
            }
        }
    }
}

/// Carries the list of known words out of serde.
#[derive(Debug)]
struct UnknownWord(&'static [&'static str]);

impl std::fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "known: {}", self.0.join(", "))
    }
}

impl std::error::Error for UnknownWord {}

impl serde::de::Error for UnknownWord {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        UnknownWord(&[])
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        UnknownWord(expected)
    }
}

/// The span of `part` inside the source of a scalar; the whole scalar when YAML's quoting hides it.
pub(super) fn inside(sink: &Sink, span: &Range<usize>, part: &str) -> Range<usize> {
    sink.text
        .get(span.clone())
        .and_then(|source| source.find(part))
        .map_or(span.clone(), |n| span.start + n..span.start + n + part.len())
}

macro_rules! same_schema_as {
    ($outer:ident, $generator:ident, $inner:ident => $schema:expr) => {
        impl<T: JsonSchema> JsonSchema for $outer<T> {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                Cow::Owned(format!(concat!(stringify!($outer), "_{}"), T::schema_name()))
            }
            fn json_schema($generator: &mut SchemaGenerator) -> Schema {
                let $inner = $generator.subschema_for::<T>();
                $schema
            }
        }
    };
}

same_schema_as!(At, generator, inner => inner);
same_schema_as!(Word, generator, inner => inner);
same_schema_as!(OneOrMany, generator, inner =>
    schemars::json_schema!({ "anyOf": [inner, { "type": "array", "items": inner }] }));
same_schema_as!(Pairs, generator, inner =>
    schemars::json_schema!({ "type": "object", "additionalProperties": inner }));

impl JsonSchema for Node {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Any")
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        Schema::default()
    }
}
