//! What the target says about itself: features, resource types, schemas.
//!
//! Must not know how it was fetched. What is not advertised falls back to RFC 7643's own User, Group and Enterprise User.

use crate::scenario::model::Need;
use crate::scim::schema::{Attribute, ResourceType, Schema, builtin_schema, parse_schema};
use crate::scim::urn;
use crate::scim::value::{get_ci, value_ci};
use serde_json::Value;
use std::collections::BTreeMap;

/// A resource type with what it has beyond RFC 7643.
#[derive(Debug, Clone)]
pub struct Unfamiliar {
    /// The type.
    pub resource_type: ResourceType,
    /// Attributes that no RFC knows.
    pub attributes: Vec<Place>,
    /// Attributes of RFC 7643 that the target requires, so that a body is whole.
    pub required: Vec<Place>,
}

/// An attribute and the extension it belongs to.
#[derive(Debug, Clone)]
pub struct Place {
    /// URN of the extension; `None` in the core.
    pub urn: Option<String>,
    /// The attribute.
    pub attribute: Attribute,
}

impl Place {
    /// As in PATCH paths, filters and `attributes`.
    pub fn path(&self) -> String {
        match &self.urn {
            Some(urn) => format!("{urn}:{}", self.attribute.name),
            None => self.attribute.name.clone(),
        }
    }
}

/// The target's own description.
#[derive(Debug, Clone)]
pub struct Advertised {
    /// Base URL without a slash at its end.
    pub base_url: String,
    /// Boolean features of ServiceProviderConfig (`patch`, `bulk`, `filter`, `sort`, `etag`, `changePassword`); empty when unknown.
    pub features: BTreeMap<String, bool>,
    /// `filter.maxResults`.
    pub max_results: Option<i64>,
    /// `bulk.maxOperations`.
    pub max_operations: Option<i64>,
    /// True when cursor paging is on offer.
    pub cursor: bool,
    /// False where `pagination.index` says that startIndex is not on offer (RFC 9865 §4).
    pub index: bool,
    /// `pagination.defaultPaginationMethod`.
    pub default_paging: Option<String>,
    /// Resource types, advertised or the RFC's.
    pub types: Vec<ResourceType>,
    /// True when `/Schemas` gave a usable answer: then an attribute that is not declared need not be kept.
    pub schemas_known: bool,
    /// True when `/ResourceTypes` gave a usable answer.
    pub types_known: bool,
    /// Endpoints that `/ResourceTypes` lists; [`Advertised::types`] may hold more.
    pub listed: Vec<String>,
    /// By endpoint, the URIs of schema and extensions that `/ResourceTypes` names, served in `/Schemas` or not.
    pub declared: BTreeMap<String, Vec<String>>,
    /// True when `filter.supported` is false, and a look-up by `userName` works all the same.
    pub filters_unsaid: bool,
    /// True when a second tenant's credentials are configured.
    pub second_token: bool,
    /// True when any credentials are configured.
    pub credentials: bool,
    /// Capabilities the user wants to be run all the same (`--force`).
    pub forced: Vec<Need>,
}

impl Advertised {
    /// Nothing known: RFC 7643's own schemas.
    pub fn unknown(base_url: &str) -> Self {
        Self {
            base_url: base_url.trim_end_matches('/').to_owned(),
            features: BTreeMap::new(),
            max_results: None,
            max_operations: None,
            cursor: false,
            index: true,
            default_paging: None,
            types: vec![ResourceType::user(), ResourceType::group()],
            schemas_known: false,
            types_known: false,
            listed: Vec::new(),
            declared: BTreeMap::new(),
            second_token: false,
            credentials: true,
            filters_unsaid: false,
            forced: Vec::new(),
        }
    }

    /// Reads the three discovery answers; each may be missing.
    pub fn read(base_url: &str, config: Option<&Value>, types: Option<&Value>, schemas: Option<&Value>) -> Self {
        let mut out = Self::unknown(base_url);
        if let Some(config) = config.and_then(Value::as_object) {
            out.read_config(config);
        }
        let mut schemas: Vec<Schema> = schemas.map(|s| items(s).filter_map(parse_schema).collect()).unwrap_or_default();
        out.schemas_known = schemas.iter().any(|s| s.id.eq_ignore_ascii_case(urn::USER) && !s.attributes.is_empty());
        // A schema that is listed without attributes says nothing: nobody has a User with none.
        for schema in schemas.iter_mut().filter(|s| s.attributes.is_empty()) {
            if let Some(builtin) = builtin_schema(&schema.id) {
                *schema = builtin;
            }
        }
        let described: Vec<&Value> = types.map(|t| items(t).collect()).unwrap_or_default();
        let mut known: Vec<ResourceType> = if schemas.is_empty() {
            Vec::new()
        } else {
            described.iter().filter_map(|t| ResourceType::from_discovery(t, &schemas)).collect()
        };
        for resource_type in &mut known {
            resource_type.endpoint = below_base(&resource_type.endpoint, base_url);
        }
        out.types_known = !known.is_empty();
        out.listed = known.iter().map(|t| t.endpoint.clone()).collect();
        out.declared = described.iter().filter_map(|t| declared(t, base_url)).collect();
        for builtin in [ResourceType::user(), ResourceType::group()] {
            if known.iter().any(|t| t.endpoint.eq_ignore_ascii_case(&builtin.endpoint)) {
                continue;
            }
            let advertised =
                schemas.iter().find(|s| s.id.eq_ignore_ascii_case(&builtin.schema.id) && !s.attributes.is_empty());
            let mut fallback = builtin.clone();
            if let Some(schema) = advertised {
                fallback.schema = schema.clone();
            }
            // Who describes the schemas and leaves this one out has it not.
            let has = |urn: &str| schemas.iter().any(|s| s.id.eq_ignore_ascii_case(urn));
            let all_told = out.schemas_known && described.is_empty();
            fallback.extensions.retain(|extension| !all_told || has(&extension.schema.id));
            for extension in &mut fallback.extensions {
                if let Some(s) = schemas.iter().find(|s| s.id.eq_ignore_ascii_case(&extension.schema.id)) {
                    extension.schema = s.clone();
                }
            }
            known.push(fallback);
        }
        out.types = known;
        out
    }

    fn read_config(&mut self, config: &serde_json::Map<String, Value>) {
        for name in ["patch", "bulk", "filter", "sort", "etag", "changePassword"] {
            if let Some(on) = get_ci(config, name).and_then(|f| value_ci(f, "supported")).and_then(Value::as_bool) {
                self.features.insert(name.to_owned(), on);
            }
        }
        self.max_results = get_ci(config, "filter").and_then(|f| value_ci(f, "maxResults")).and_then(Value::as_i64);
        self.max_operations = get_ci(config, "bulk").and_then(|f| value_ci(f, "maxOperations")).and_then(Value::as_i64);
        let paging = |name: &str| get_ci(config, "pagination").and_then(|p| value_ci(p, name));
        self.cursor = paging("cursor").and_then(Value::as_bool).unwrap_or(false);
        self.index = paging("index").and_then(Value::as_bool).unwrap_or(true);
        self.default_paging = paging("defaultPaginationMethod").and_then(Value::as_str).map(str::to_owned);
    }

    /// The resource type behind an endpoint (`/Users`).
    pub fn resource_type(&self, endpoint: &str) -> Option<&ResourceType> {
        self.types.iter().find(|t| t.endpoint.eq_ignore_ascii_case(endpoint))
    }

    /// True when `/ResourceTypes` lists the endpoint.
    pub fn listed(&self, endpoint: &str) -> bool {
        self.listed.iter().any(|e| e.eq_ignore_ascii_case(endpoint))
    }

    /// Takes out what `/ResourceTypes` does not list and what does not answer either.
    pub fn drop_type(&mut self, endpoint: &str) {
        self.types.retain(|t| !t.endpoint.eq_ignore_ascii_case(endpoint));
    }

    /// Resource types and attributes that the target advertises and RFC 7643 does not have.
    pub fn unfamiliar(&self) -> Vec<Unfamiliar> {
        let built_in = [ResourceType::user(), ResourceType::group()];
        let types = self.types.iter().filter(|t| self.listed(&t.endpoint)).map(|rt| {
            let known = built_in.iter().find(|b| b.schema.id.eq_ignore_ascii_case(&rt.schema.id));
            let core = rt.schema.attributes.iter().map(|a| Place { urn: None, attribute: a.clone() });
            let extensions = rt.extensions.iter().flat_map(|e| {
                let place = |a: &Attribute| Place { urn: Some(e.schema.id.clone()), attribute: a.clone() };
                e.schema.attributes.iter().map(place).collect::<Vec<_>>()
            });
            let common = |p: &Place| {
                p.urn.is_none()
                    && ["schemas", "id", "externalId", "meta"].iter().any(|n| n.eq_ignore_ascii_case(&p.attribute.name))
            };
            let familiar = |p: &Place| match (&p.urn, known) {
                (Some(urn), _) => urn.eq_ignore_ascii_case(urn::ENTERPRISE),
                (None, Some(builtin)) => builtin.schema.attribute(&p.attribute.name).is_some(),
                (None, None) => false,
            };
            let (mut required, attributes): (Vec<_>, Vec<_>) =
                core.chain(extensions).filter(|p| !common(p)).partition(familiar);
            required.retain(|p| p.attribute.required);
            Unfamiliar { resource_type: rt.clone(), attributes, required }
        });
        types.filter(|u| !u.attributes.is_empty()).collect()
    }

    /// True when ServiceProviderConfig says so, or says nothing.
    pub fn feature(&self, name: &str) -> bool {
        self.features.get(name).copied().unwrap_or(true)
    }

    /// True when ServiceProviderConfig claims the feature in so many words.
    pub fn claims(&self, name: &str) -> bool {
        self.features.get(name).copied().unwrap_or(false)
    }

    /// Why a need is not met; `None` when it is (or when that cannot be known beforehand).
    pub fn lacks(&self, need: Need) -> Option<String> {
        if self.forced.contains(&need) {
            return None;
        }
        let feature =
            |name: &str| (!self.feature(name)).then(|| format!("ServiceProviderConfig says {name}.supported is false"));
        match need {
            Need::Patch => feature("patch"),
            Need::Filter => feature("filter"),
            Need::Sort => self.unclaimed("sort"),
            Need::Etag => self.unclaimed("etag"),
            Need::Bulk => self.unclaimed("bulk"),
            Need::ChangePassword => self.unclaimed("changePassword"),
            Need::Cursor => (!self.cursor).then(|| "ServiceProviderConfig does not offer cursor paging".to_owned()),
            Need::SecondToken => (!self.second_token)
                .then(|| "no second tenant at this base URL: give its token with --other-token-env".to_owned()),
            Need::Credentials => (!self.credentials).then(|| "no credentials configured".to_owned()),
            Need::Groups => self.missing("/Groups"),
            Need::Users => self.missing("/Users"),
            Need::Enterprise => {
                let user = self.resource_type("/Users")?;
                let there = user.extensions.iter().any(|e| e.schema.id.eq_ignore_ascii_case(urn::ENTERPRISE));
                (!there).then(|| "the enterprise User extension is not advertised".to_owned())
            }
            Need::CustomSchema => self
                .unfamiliar()
                .is_empty()
                .then(|| "nothing beyond User, Group and Enterprise User of RFC 7643 is advertised".to_owned()),
            Need::Put | Need::Delete | Need::Me | Need::Search | Need::Schemas | Need::ResourceTypes => None,
        }
    }

    fn unclaimed(&self, name: &str) -> Option<String> {
        (!self.claims(name)).then(|| format!("ServiceProviderConfig does not claim {name}"))
    }

    fn missing(&self, endpoint: &str) -> Option<String> {
        let gone = self.resource_type(endpoint).is_none();
        gone.then(|| format!("the target has no {endpoint}: it is not among its resource types and does not answer"))
    }
}

/// Endpoint of a described resource type, and the URIs that it names. `None` where an entry is not as it should be: then
/// nothing is known about it.
fn declared(described: &Value, base_url: &str) -> Option<(String, Vec<String>)> {
    let text = |name: &str| value_ci(described, name).and_then(Value::as_str);
    let mut uris = vec![text("schema")?.to_owned()];
    match value_ci(described, "schemaExtensions") {
        None | Some(Value::Null) => {}
        Some(Value::Array(all)) => {
            for extension in all {
                uris.push(value_ci(extension, "schema")?.as_str()?.to_owned());
            }
        }
        Some(_) => return None,
    }
    Some((below_base(text("endpoint")?, base_url), uris))
}

/// An advertised endpoint as a path below the base URL: `Users`, `/Users`, `/scim/v2/Users` and the whole URL are the same place
/// (RFC 7643 §6 asks for the first two).
fn below_base(endpoint: &str, base_url: &str) -> String {
    let path_of = |url: &str| match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or_else(String::new, |at| rest[at..].to_owned()),
        None => url.to_owned(),
    };
    let (path, base) = (path_of(endpoint.trim()), path_of(base_url));
    let relative = path.strip_prefix(base.trim_end_matches('/')).filter(|rest| rest.starts_with('/')).unwrap_or(&path);
    format!("/{}", relative.trim_matches('/'))
}

/// Entries of a ListResponse, or of a bare array.
fn items(list: &Value) -> impl Iterator<Item = &Value> {
    let found = value_ci(list, "Resources").unwrap_or(list);
    found.as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_an_endpoint_is_one_place() {
        let base = "https://app.example.com/scim/v2";
        for spelling in ["Users", "/Users", "/Users/", "/scim/v2/Users", "https://app.example.com/scim/v2/Users"] {
            assert_eq!(below_base(spelling, base), "/Users", "{spelling}");
        }
        assert_eq!(below_base("/Users", "http://127.0.0.1:8080"), "/Users");
        assert_eq!(below_base("/scim/v2x/Users", base), "/scim/v2x/Users");
        assert_eq!(below_base("", base), "/");
    }
}
