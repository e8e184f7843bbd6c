//! Schemas and resource types: what is known about each attribute (RFC 7643 §2.2, §6, §7, §8.7).
//! Must not know values of resources; it answers only what a name stands for.

mod read;

pub use read::parse_schema;

use super::path::AttrPath;
use super::urn;
use super::value::get_ci;
use read::{as_list, flag, text};
use serde_json::Value;
use std::sync::LazyLock;

/// Data type of an attribute (RFC 7643 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttrType {
    /// Unicode text.
    String,
    /// JSON true or false.
    Boolean,
    /// Number with a fraction.
    Decimal,
    /// Whole number.
    Integer,
    /// xsd:dateTime.
    DateTime,
    /// Base64 text.
    Binary,
    /// URI.
    Reference,
    /// Object of sub-attributes.
    Complex,
}

/// When a value can be written (RFC 7643 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutability {
    /// Only the service provider writes it.
    ReadOnly,
    /// The default.
    ReadWrite,
    /// Written once.
    Immutable,
    /// Written, never answered.
    WriteOnly,
}

/// When a value is answered (RFC 7643 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returned {
    /// Even if it is excluded.
    Always,
    /// Not even if it is asked for.
    Never,
    /// Unless other attributes are asked for.
    Default,
    /// Only if it is asked for.
    Request,
}

/// How far a value is unique (RFC 7643 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uniqueness {
    /// Not at all.
    None,
    /// Within the service provider's endpoint.
    Server,
    /// Everywhere.
    Global,
}

/// One attribute or sub-attribute with its characteristics (RFC 7643 §2.2).
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// Name in the spelling of the schema.
    pub name: String,
    /// Data type.
    pub kind: AttrType,
    /// Whether its value is an array.
    pub multi_valued: bool,
    /// Whether a client must supply it.
    pub required: bool,
    /// Whether upper and lower case differ.
    pub case_exact: bool,
    /// True where RFC 7643 §8.7 says the opposite of the schema that gave `case_exact`: whoever follows either is right.
    pub case_disputed: bool,
    /// When it can be written.
    pub mutability: Mutability,
    /// When it is answered.
    pub returned: Returned,
    /// How far it is unique.
    pub uniqueness: Uniqueness,
    /// Suggested values.
    pub canonical_values: Vec<String>,
    /// What a reference can point to.
    pub reference_types: Vec<String>,
    /// Parts of a complex attribute.
    pub sub_attributes: Vec<Attribute>,
    /// Text for people.
    pub description: String,
}

impl Attribute {
    /// An attribute with the defaults of RFC 7643 §2.2.
    pub fn new(name: &str, kind: AttrType) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            multi_valued: false,
            required: false,
            case_exact: matches!(kind, AttrType::Binary),
            case_disputed: false,
            mutability: Mutability::ReadWrite,
            returned: Returned::Default,
            uniqueness: Uniqueness::None,
            canonical_values: Vec::new(),
            reference_types: Vec::new(),
            sub_attributes: Vec::new(),
            description: String::new(),
        }
    }

    /// The sub-attribute of this name, upper and lower case ignored (RFC 7643 §2.1).
    pub fn sub(&self, name: &str) -> Option<&Attribute> {
        find(&self.sub_attributes, name)
    }
}

/// A schema: a URN and its attributes (RFC 7643 §7).
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    /// URN of the schema.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Text for people.
    pub description: String,
    /// Its attributes.
    pub attributes: Vec<Attribute>,
}

impl Schema {
    /// The attribute of this name, upper and lower case ignored (RFC 7643 §2.1).
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        find(&self.attributes, name)
    }
}

/// A schema that extends a resource type (RFC 7643 §3.3, §6).
#[derive(Debug, Clone, PartialEq)]
pub struct Extension {
    /// The schema itself.
    pub schema: Schema,
    /// Whether each resource must have it.
    pub required: bool,
}

/// A kind of resource: core schema and extensions (RFC 7643 §6).
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceType {
    /// Name, for example `User`.
    pub name: String,
    /// Address relative to the base address, for example `/Users`.
    pub endpoint: String,
    /// Core schema.
    pub schema: Schema,
    /// Extensions.
    pub extensions: Vec<Extension>,
}

/// The object of a resource that holds an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container<'a> {
    /// The resource itself.
    Core,
    /// The member that is named by this URN of an extension.
    Extension(&'a str),
}

/// What an attribute path stands for.
#[derive(Debug, Clone, Copy)]
pub struct Resolved<'a> {
    /// Where the attribute lives.
    pub container: Container<'a>,
    /// The attribute.
    pub attribute: &'a Attribute,
    /// The sub-attribute, if the path names one.
    pub sub: Option<&'a Attribute>,
}

impl<'a> Resolved<'a> {
    /// The sub-attribute if there is one, else the attribute.
    pub fn leaf(&self) -> &'a Attribute {
        self.sub.unwrap_or(self.attribute)
    }
}

impl ResourceType {
    /// True for `urn:…:User:manager`: the URN of a schema of this type, a colon and more (RFC 7644 §3.10).
    pub fn is_qualified_name(&self, text: &str) -> bool {
        let schemas = self.extensions.iter().map(|e| &e.schema.id).chain([&self.schema.id]);
        let mut starts = schemas.filter_map(|id| Some((text.get(..id.len())?, text.get(id.len()..)?, id)));
        starts.any(|(start, rest, id)| start.eq_ignore_ascii_case(id) && rest.starts_with(':'))
    }

    /// Users with the enterprise extension (RFC 7643 §4.1, §4.3).
    pub fn user() -> Self {
        Self {
            name: "User".to_owned(),
            endpoint: "/Users".to_owned(),
            schema: builtin(urn::USER),
            extensions: vec![Extension { schema: builtin(urn::ENTERPRISE), required: false }],
        }
    }

    /// Groups (RFC 7643 §4.2).
    pub fn group() -> Self {
        Self {
            name: "Group".to_owned(),
            endpoint: "/Groups".to_owned(),
            schema: builtin(urn::GROUP),
            extensions: Vec::new(),
        }
    }

    /// A resource type as a server describes it, with the schemas that the server lists.
    /// A core or extension schema that the server does not list falls back to the built-in one of the same URN.
    /// `None` when there is no core schema to be found.
    pub fn from_discovery(resource_type: &Value, schemas: &[Schema]) -> Option<Self> {
        let map = resource_type.as_object()?;
        let schema = lookup_schema(text(map, "schema")?, schemas)?;
        let name = text(map, "name").or_else(|| text(map, "id")).unwrap_or(&schema.name).to_owned();
        let endpoint = text(map, "endpoint").map_or_else(|| format!("/{name}s"), str::to_owned);
        let listed = get_ci(map, "schemaExtensions").map(as_list).unwrap_or_default();
        let extensions = listed.into_iter().filter_map(|e| extension(e, schemas)).collect();
        Some(Self { name, endpoint, schema, extensions })
    }

    /// The same type with every disputed `case_exact` the other way round; `None` when none is disputed.
    pub fn otherwise_cased(&self) -> Option<Self> {
        let schemas = || std::iter::once(&self.schema).chain(self.extensions.iter().map(|e| &e.schema));
        let disputed = |a: &Attribute| a.case_disputed || a.sub_attributes.iter().any(|s| s.case_disputed);
        if !schemas().any(|s| s.attributes.iter().any(disputed)) {
            return None;
        }
        let mut other = self.clone();
        turn_case(&mut other.schema.attributes);
        other.extensions.iter_mut().for_each(|e| turn_case(&mut e.schema.attributes));
        Some(other)
    }

    /// The extension of this URN, upper and lower case ignored.
    pub fn extension(&self, urn: &str) -> Option<&Extension> {
        self.extensions.iter().find(|e| e.schema.id.eq_ignore_ascii_case(urn))
    }

    /// What the path stands for: common attributes, core attributes and, with their URN, those of extensions
    /// (RFC 7643 §3.1, RFC 7644 §3.10). Names are compared without upper and lower case.
    pub fn attribute(&self, path: &AttrPath) -> Option<Resolved<'_>> {
        let (container, attribute) = match path.urn.as_deref() {
            Some(urn) if !urn.eq_ignore_ascii_case(&self.schema.id) => {
                let extension = self.extension(urn)?;
                let container = Container::Extension(&extension.schema.id);
                (container, extension.schema.attribute(&path.attr)?)
            }
            _ => {
                let core = self.schema.attribute(&path.attr);
                (Container::Core, core.or_else(|| find(&COMMON, &path.attr))?)
            }
        };
        let sub = match path.sub.as_deref() {
            Some(name) => Some(attribute.sub(name).or_else(|| default_sub(attribute, name))?),
            None => None,
        };
        Some(Resolved { container, attribute, sub })
    }

    /// Like [`ResourceType::attribute`], and a name without URN that core does not have is looked for in the extensions:
    /// Entra ID patches `manager` and filters by it that way.
    pub fn attribute_anywhere(&self, path: &AttrPath) -> Option<Resolved<'_>> {
        if path.urn.is_some() {
            return self.attribute(path);
        }
        let with_urn = |e: &Extension| AttrPath { urn: Some(e.schema.id.clone()), ..path.clone() };
        let in_extensions = || self.extensions.iter().find_map(|e| self.attribute(&with_urn(e)));
        self.attribute(path).or_else(in_extensions)
    }
}

/// The common attributes of every resource: schemas, id, externalId, meta (RFC 7643 §3, §3.1).
pub fn common_attributes() -> &'static [Attribute] {
    &COMMON
}

static COMMON: LazyLock<Vec<Attribute>> = LazyLock::new(|| {
    let read_only = |name: &str, kind: AttrType, case_exact: bool| Attribute {
        mutability: Mutability::ReadOnly,
        case_exact,
        ..Attribute::new(name, kind)
    };
    let schemas = Attribute {
        multi_valued: true,
        required: true,
        returned: Returned::Always,
        ..Attribute::new("schemas", AttrType::Reference)
    };
    let id = Attribute {
        returned: Returned::Always,
        uniqueness: Uniqueness::Server,
        ..read_only("id", AttrType::String, true)
    };
    let external_id = Attribute { case_exact: true, ..Attribute::new("externalId", AttrType::String) };
    let meta = Attribute {
        sub_attributes: vec![
            read_only("resourceType", AttrType::String, true),
            read_only("created", AttrType::DateTime, false),
            read_only("lastModified", AttrType::DateTime, false),
            read_only("location", AttrType::Reference, true),
            read_only("version", AttrType::String, true),
        ],
        ..read_only("meta", AttrType::Complex, false)
    };
    vec![schemas, id, external_id, meta]
});

/// What each element of a multi-valued attribute may have "if not otherwise defined" (RFC 7643 §2.4).
pub const DEFAULT_PARTS: [&str; 5] = ["type", "primary", "display", "value", "$ref"];

/// The value itself of a multi-valued attribute of simple type can be called `value` (RFC 7644 §3.5.2.2).
fn default_sub<'a>(attribute: &'a Attribute, name: &str) -> Option<&'a Attribute> {
    let simple = attribute.multi_valued && attribute.kind != AttrType::Complex;
    (simple && name.eq_ignore_ascii_case("value")).then_some(attribute)
}

fn find<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attributes.iter().find(|a| a.name.eq_ignore_ascii_case(name))
}

fn extension(described: &Value, schemas: &[Schema]) -> Option<Extension> {
    let map = described.as_object()?;
    let schema = lookup_schema(text(map, "schema")?, schemas)?;
    Some(Extension { schema, required: flag(map, "required").unwrap_or(false) })
}

fn lookup_schema(id: &str, listed: &[Schema]) -> Option<Schema> {
    let found = listed.iter().find(|s| s.id.eq_ignore_ascii_case(id));
    found.cloned().or_else(|| builtin_schema(id))
}

/// The built-in schema document with this URN, as a server would answer it at `/Schemas` (RFC 7643 §8.7).
pub fn builtin_document(id: &str) -> Option<Value> {
    let (_, source) = BUILTIN.iter().find(|(urn, _)| urn.eq_ignore_ascii_case(id))?;
    serde_json::from_str(source).ok()
}

/// The built-in schema with this URN (RFC 7643 §8.7).
pub fn builtin_schema(id: &str) -> Option<Schema> {
    read::as_written(&builtin_document(id)?)
}

fn turn_case(attributes: &mut [Attribute]) {
    for attribute in attributes {
        attribute.case_exact ^= attribute.case_disputed;
        turn_case(&mut attribute.sub_attributes);
    }
}

fn builtin(id: &str) -> Schema {
    builtin_schema(id).expect("the built-in schemas are read by the tests")
}

const BUILTIN: [(&str, &str); 6] = [
    (urn::USER, include_str!("schemas/user.json")),
    (urn::GROUP, include_str!("schemas/group.json")),
    (urn::ENTERPRISE, include_str!("schemas/enterprise_user.json")),
    (urn::SPC, include_str!("schemas/service_provider_config.json")),
    (urn::RESOURCE_TYPE, include_str!("schemas/resource_type.json")),
    (urn::SCHEMA, include_str!("schemas/schema.json")),
];

#[cfg(test)]
mod tests {
    use super::super::path::parse_attr_path;
    use super::*;
    use serde_json::json;

    #[test]
    fn builtin_schemas_are_read() {
        for (id, _) in BUILTIN {
            let schema = builtin_schema(id).expect(id);
            assert_eq!(schema.id, id);
            assert!(!schema.attributes.is_empty());
        }
        let user = builtin(urn::USER);
        assert_eq!(user.attributes.len(), 21);
        assert!(user.attribute("username").unwrap().required);
        assert_eq!(user.attribute("password").unwrap().returned, Returned::Never);
    }

    #[test]
    fn paths_resolve_without_case() {
        let user = ResourceType::user();
        let at = |s: &str| user.attribute(&parse_attr_path(s).unwrap()).map(|r| r.leaf().name.clone());
        assert_eq!(at("USERNAME").as_deref(), Some("userName"));
        assert_eq!(at("name.familyname").as_deref(), Some("familyName"));
        assert_eq!(at("meta.lastModified").as_deref(), Some("lastModified"));
        assert_eq!(at("schemas").as_deref(), Some("schemas"));
        assert_eq!(at(&format!("{}:manager.$ref", urn::ENTERPRISE)).as_deref(), Some("$ref"));
        assert_eq!(at(&format!("{}:id", urn::USER.to_uppercase())).as_deref(), Some("id"));
        assert_eq!(at("department"), None);
        assert_eq!(at("name.nothing"), None);
    }

    #[test]
    fn discovery_tolerates_gaps() {
        let schema = parse_schema(&json!({"id": "urn:example:Thing", "attributes": [
            {"name": "size", "type": "INTEGER", "mutability": "readonly"}, {"type": "string"}, 7]}))
        .unwrap();
        assert_eq!(schema.attributes.len(), 1);
        assert_eq!(schema.attributes[0].kind, AttrType::Integer);
        assert_eq!(schema.attributes[0].mutability, Mutability::ReadOnly);
        let thing = json!({"name": "Thing", "schema": "URN:example:thing", "schemaExtensions": [{"schema": "urn:x"}]});
        let thing = ResourceType::from_discovery(&thing, &[schema]).unwrap();
        assert_eq!(thing.endpoint, "/Things");
        assert!(thing.extensions.is_empty());
        assert!(ResourceType::from_discovery(&json!([]), &[]).is_none());
    }
}
