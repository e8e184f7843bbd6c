//! Which attributes of a resource an answer shows (RFC 7644 §3.4.2.5, §3.9; RFC 7643 §7 `returned`).
//! Must not know the request; it gets the two lists of names.

use super::path::{AttrPath, parse_attr_path_for};
use super::schema::{AttrType, Attribute, Container, ResourceType, Returned, common_attributes};
use super::value::is_unassigned;
use serde_json::{Map, Value};

/// The resource as an answer shows it. `attributes` names what is wanted beside the minimum set, `excluded` what is
/// taken from the default set; the first wins when both are given. Names that the schema does not know are ignored.
pub fn project(doc: &Value, rt: &ResourceType, attributes: Option<&[String]>, excluded: Option<&[String]>) -> Value {
    let Value::Object(map) = doc else {
        return doc.clone();
    };
    let wish = Wish::new(rt, attributes, excluded);
    let core: Vec<&Attribute> = rt.schema.attributes.iter().chain(common_attributes()).collect();
    let mut shown = Map::new();
    for (key, value) in map {
        let kept = match rt.extension(key) {
            Some(extension) => {
                let known: Vec<&Attribute> = extension.schema.attributes.iter().collect();
                show_extension(value, &known, &extension.schema.id, &wish)
            }
            None => show_member(key, value, &core, Container::Core, &wish),
        };
        if let Some(kept) = kept {
            shown.insert(key.clone(), kept);
        }
    }
    Value::Object(shown)
}

/// The names that a request gives, read with the resource type in mind.
struct Wish {
    rt_urn: String,
    paths: Vec<AttrPath>,
    only: bool,
}

impl Wish {
    fn new(rt: &ResourceType, attributes: Option<&[String]>, excluded: Option<&[String]>) -> Self {
        let read = |names: &[String]| -> Vec<AttrPath> {
            let names = names.iter().flat_map(|n| n.split(',')).map(str::trim).filter(|n| !n.is_empty());
            names.filter_map(|n| parse_attr_path_for(n, rt).ok()).collect()
        };
        // `attributes=` without a name asks for nothing in particular.
        let named = |names: &&[String]| names.iter().any(|n| n.split(',').any(|n| !n.trim().is_empty()));
        let wanted = attributes.filter(named);
        let paths = read(wanted.or(excluded).unwrap_or_default());
        Self { rt_urn: rt.schema.id.clone(), paths, only: wanted.is_some() }
    }

    fn in_container(&self, path: &AttrPath, container: Container<'_>) -> bool {
        match (path.urn.as_deref(), container) {
            (None, Container::Core) => true,
            (Some(urn), Container::Core) => urn.eq_ignore_ascii_case(&self.rt_urn),
            (None, Container::Extension(_)) => false,
            (Some(urn), Container::Extension(id)) => urn.eq_ignore_ascii_case(id),
        }
    }

    fn whole(&self, container: Container<'_>) -> bool {
        self.paths.iter().any(|p| p.attr.is_empty() && self.in_container(p, container))
    }

    /// Whether the attribute is named without sub-attribute.
    fn names(&self, container: Container<'_>, attr: &str) -> bool {
        self.of(container, attr).any(|p| p.sub.is_none())
    }

    /// The sub-attributes that are named of an attribute.
    fn subs<'a>(&'a self, container: Container<'a>, attr: &'a str) -> Vec<&'a str> {
        self.of(container, attr).filter_map(|p| p.sub.as_deref()).collect()
    }

    fn of<'a>(&'a self, container: Container<'a>, attr: &'a str) -> impl Iterator<Item = &'a AttrPath> {
        self.paths.iter().filter(move |p| p.attr.eq_ignore_ascii_case(attr) && self.in_container(p, container))
    }
}

fn show_extension(value: &Value, known: &[&Attribute], urn: &str, wish: &Wish) -> Option<Value> {
    let Value::Object(inner) = value else {
        return (!value.is_null() && !wish.only).then(|| value.clone());
    };
    let container = Container::Extension(urn);
    let shown: Map<String, Value> = inner
        .iter()
        .filter_map(|(key, value)| Some((key.clone(), show_member(key, value, known, container, wish)?)))
        .collect();
    (!shown.is_empty()).then_some(Value::Object(shown))
}

fn show_member(key: &str, value: &Value, known: &[&Attribute], container: Container<'_>, wish: &Wish) -> Option<Value> {
    let attribute = known.iter().find(|a| a.name.eq_ignore_ascii_case(key)).copied();
    let returned = attribute.map_or(Returned::Default, |a| a.returned);
    let named = wish.names(container, key);
    let whole = wish.whole(container);
    let subs = wish.subs(container, key);
    let show = |part: Part<'_>| show_parts(value, attribute, part);
    match returned {
        Returned::Never => None,
        Returned::Always if wish.only && !named && !whole && subs.is_empty() => show(Part::Default),
        Returned::Always => show(if wish.only { Part::With(&subs) } else { Part::Without(&subs) }),
        Returned::Request if !wish.only => None,
        Returned::Default | Returned::Request if wish.only => {
            if named || (whole && returned == Returned::Default) {
                show(Part::With(&subs))
            } else if subs.is_empty() {
                // Sub-attributes that are always answered come only with their parent.
                None
            } else {
                show(Part::Only(&subs))
            }
        }
        _ if named || whole => None,
        _ => show(Part::Without(&subs)),
    }
}

/// Which sub-attributes of a complex attribute are shown.
#[derive(Clone, Copy)]
enum Part<'a> {
    /// Those of the default set.
    Default,
    /// The default set and these.
    With(&'a [&'a str]),
    /// The default set without these.
    Without(&'a [&'a str]),
    /// These and what is always answered.
    Only(&'a [&'a str]),
}

impl Part<'_> {
    fn admits(self, name: &str, returned: Returned) -> bool {
        let among = |names: &[&str]| names.iter().any(|n| n.eq_ignore_ascii_case(name));
        match (returned, self) {
            (Returned::Never, _) => false,
            (Returned::Always, _) => true,
            (_, Part::Only(names)) => among(names),
            (Returned::Request, Part::With(names)) => among(names),
            (Returned::Request, _) => false,
            (Returned::Default, Part::Without(names)) => !among(names),
            (Returned::Default, _) => true,
        }
    }
}

fn show_parts(value: &Value, attribute: Option<&Attribute>, part: Part<'_>) -> Option<Value> {
    let plain = attribute.is_some_and(|a| a.kind != AttrType::Complex);
    match value {
        Value::Null => None,
        _ if plain => Some(value.clone()),
        Value::Array(items) => {
            let shown: Vec<Value> = items.iter().filter_map(|item| show_parts(item, attribute, part)).collect();
            (items.is_empty() || !shown.is_empty()).then_some(Value::Array(shown))
        }
        Value::Object(map) => {
            let returned = |key: &str| attribute.and_then(|a| a.sub(key)).map_or(Returned::Default, |s| s.returned);
            let shown: Map<String, Value> = map
                .iter()
                .filter(|(key, value)| !value.is_null() && part.admits(key, returned(key)))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            let shown = Value::Object(shown);
            (!is_unassigned(&shown)).then_some(shown)
        }
        simple => Some(simple.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::urn;
    use super::*;
    use serde_json::json;

    fn user() -> Value {
        json!({"schemas": [urn::USER, urn::ENTERPRISE], "id": "1", "userName": "alice", "password": "p",
            "name": {"givenName": "Alice", "familyName": "A"}, "emails": [{"value": "a@example.com", "type": "work"}],
            urn::ENTERPRISE: {"department": "D", "manager": {"value": "2", "displayName": "M"}}, "x": 1,
            "meta": {"resourceType": "User", "location": "l"}})
    }

    fn shown(attributes: &[&str], excluded: &[&str]) -> Value {
        let list = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<String>>();
        let (attributes, excluded) = (list(attributes), list(excluded));
        project(&user(), &ResourceType::user(), Some(&attributes), Some(&excluded))
    }

    fn keys(value: &Value) -> Vec<&str> {
        value.as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn default_set_hides_the_password() {
        let value = shown(&[], &[]);
        assert!(value.get("password").is_none());
        assert_eq!(value.as_object().unwrap().len(), user().as_object().unwrap().len() - 1);
        assert_eq!(keys(&shown(&["password"], &[])), ["schemas", "id"]);
    }

    #[test]
    fn attributes_keep_the_minimum_set() {
        assert_eq!(keys(&shown(&["USERNAME"], &[])), ["schemas", "id", "userName"]);
        assert_eq!(shown(&["name.givenname,emails.value"], &[])["name"], json!({"givenName": "Alice"}));
        assert_eq!(shown(&["emails.value"], &[])["emails"], json!([{"value": "a@example.com"}]));
        assert_eq!(keys(&shown(&["nothing"], &[])), ["schemas", "id"]);
        assert_eq!(keys(&shown(&["meta.location"], &[])), ["schemas", "id", "meta"]);
    }

    #[test]
    fn extensions_are_named_by_urn() {
        let whole = shown(&[urn::ENTERPRISE], &[]);
        assert_eq!(whole[urn::ENTERPRISE], user()[urn::ENTERPRISE]);
        let one = shown(&[&format!("{}:manager.displayName", urn::ENTERPRISE)], &[]);
        assert_eq!(one[urn::ENTERPRISE], json!({"manager": {"displayName": "M"}}));
        assert_eq!(keys(&shown(&["department"], &[])), ["schemas", "id"]);
        assert_eq!(keys(&shown(&[&format!("{}:userName", urn::USER)], &[])), ["schemas", "id", "userName"]);
        assert!(shown(&[], &[urn::ENTERPRISE]).get(urn::ENTERPRISE).is_none());
    }

    #[test]
    fn exclusion_spares_what_is_always_returned() {
        let value = shown(&[], &["id", "schemas", "emails", "name.familyName"]);
        assert_eq!(value["id"], "1");
        assert!(value.get("emails").is_none());
        assert_eq!(value["name"], json!({"givenName": "Alice"}));
    }

    #[test]
    fn request_only_attributes_need_a_request() {
        let mut rt = ResourceType::group();
        rt.schema.attributes[1].returned = Returned::Request;
        let doc = json!({"id": "1", "displayName": "g", "members": [{"value": "2"}]});
        assert!(project(&doc, &rt, None, None).get("members").is_none());
        let wanted = project(&doc, &rt, Some(&["members".to_owned()]), None);
        assert_eq!(wanted, json!({"id": "1", "members": [{"value": "2"}]}));
    }
}
