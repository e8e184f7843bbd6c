//! Values for what a target advertises and no RFC knows: legal by its own schema, unique in this case, the same for the same seed.
//!
//! Must not send or judge anything: a scenario with `for_each: advertised` says what is sent, shadow and rules judge it.

use crate::scenario::model::AttributeClass;
use crate::scim::schema::{AttrType, Attribute, Mutability, Returned, Uniqueness};
use crate::scim::urn;
use crate::shadow::advertised::{Place, Unfamiliar};
use base64::Engine;
use serde_json::{Map, Value, json};

/// What `${type.…}` and the variable of `repeat: { advertised: … }` stand for.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// `${type.…}`.
    pub of_type: Map<String, Value>,
    /// Per attribute: the classes that it belongs to, and `${attribute.…}`.
    pub attributes: Vec<(Vec<AttributeClass>, Map<String, Value>)>,
}

/// Makes the values for one type, or says which required attribute nobody can make up.
pub fn sample(subject: &Unfamiliar, values: Values<'_>) -> Result<Sample, String> {
    let maker = Maker { subject, values };
    maker.required_can_be_made()?;
    let rt = &subject.resource_type;
    let mut of_type = Map::new();
    of_type.insert("name".into(), rt.name.clone().into());
    let endpoint = rt.endpoint.trim_matches('/');
    if endpoint.is_empty() || endpoint.contains('/') {
        return Err(format!("{:?} is no endpoint below the base URL", rt.endpoint));
    }
    of_type.insert("endpoint".into(), endpoint.into());
    of_type.insert("schema".into(), rt.schema.id.clone().into());
    for (key, n) in [("create", 0), ("other", 1)] {
        of_type.insert(key.into(), maker.body(n, |_| true));
    }
    of_type.insert("replace".into(), maker.replacement(None));
    of_type.insert("nulls".into(), maker.nulls());
    if let Some(required) = rt.extensions.iter().find(|e| e.required) {
        let within = |p: &Place| p.urn.as_deref() != Some(&required.schema.id);
        of_type.insert("without_extension".into(), maker.body(7, within));
    }
    let attributes = subject.attributes.iter().enumerate().map(|(i, place)| maker.attribute(i, place)).collect();
    Ok(Sample { of_type, attributes })
}

struct Maker<'a> {
    subject: &'a Unfamiliar,
    values: Values<'a>,
}

impl Maker<'_> {
    fn required_can_be_made(&self) -> Result<(), String> {
        let lost = self.places().find(|p| p.attribute.required && writable(&p.attribute) && self.value(p, 0).is_none());
        match lost {
            Some(p) => Err(format!("{} requires {}, for which no value can be made up", self.name(), p.path())),
            None => Ok(()),
        }
    }

    fn name(&self) -> &str {
        &self.subject.resource_type.name
    }

    /// What goes into a body: the unfamiliar attributes and what the type requires beside them.
    fn places(&self) -> impl Iterator<Item = &Place> {
        self.subject.attributes.iter().chain(&self.subject.required)
    }

    /// A whole resource with the n-th value of each attribute that a client may write, and no name that another n gives.
    fn body(&self, n: usize, wanted: impl Fn(&Place) -> bool) -> Value {
        let rt = &self.subject.resource_type;
        let mut body = Map::new();
        let mut schemas = vec![rt.schema.id.clone()];
        for place in self.places().filter(|p| writable(&p.attribute) && wanted(p)) {
            let Some(value) = self.value(place, n) else { continue };
            let Some(urn) = &place.urn else {
                body.insert(place.attribute.name.clone(), value);
                continue;
            };
            if !schemas.contains(urn) {
                schemas.push(urn.clone());
            }
            body.entry(urn.clone()).or_insert_with(|| json!({}))[&place.attribute.name] = value;
        }
        body.insert("schemas".into(), schemas.into());
        let known = |name: &str| body.contains_key(name);
        let (user, group) =
            (rt.schema.id.eq_ignore_ascii_case(urn::USER), rt.schema.id.eq_ignore_ascii_case(urn::GROUP));
        match (user && !known("userName"), group && !known("displayName")) {
            (true, _) => body
                .insert("userName".into(), format!("advertised{n}.{}@{}", self.values.run, self.values.domain).into()),
            (_, true) => body.insert("displayName".into(), format!("Advertised {n} {}", self.values.run).into()),
            _ => None,
        };
        Value::Object(body)
    }

    /// A resource in which each attribute that may be missing is null, which is the same (RFC 7643 §2.5).
    fn nulls(&self) -> Value {
        let mut body = self.body(8, |_| true);
        let optional = self.subject.attributes.iter().filter(|p| writable(&p.attribute) && !p.attribute.required);
        for place in optional {
            let holder = match &place.urn {
                Some(urn) => body.get_mut(urn),
                None => Some(&mut body),
            };
            if let Some(value) = holder.and_then(|o| o.get_mut(&place.attribute.name)) {
                *value = Value::Null;
            }
        }
        body
    }

    /// Another whole state of the first resource; what is immutable keeps its value, all but `changed`.
    fn replacement(&self, changed: Option<&Place>) -> Value {
        let mut body = self.body(4, |_| true);
        let fixed = self.subject.attributes.iter().filter(|p| p.attribute.mutability == Mutability::Immutable);
        for place in fixed.filter(|p| changed.is_none_or(|c| c.path() != p.path())) {
            if let Some(value) = self.value(place, 0) {
                match &place.urn {
                    Some(urn) => body[urn][&place.attribute.name] = value,
                    None => body[&place.attribute.name] = value,
                }
            }
        }
        body
    }

    fn attribute(&self, index: usize, place: &Place) -> (Vec<AttributeClass>, Map<String, Value>) {
        let a = &place.attribute;
        let mut out = Map::new();
        out.insert("path".into(), place.path().into());
        out.extend(self.value(place, 2).map(|v| ("value".to_owned(), v)));
        out.extend(self.value(place, 3).map(|v| ("pathless".to_owned(), pathless(place, v))));
        if a.multi_valued {
            let more = self.single(a, &place.path(), 9);
            out.extend(more.as_ref().and_then(|v| one_of(place, v)).map(|path| ("one".to_owned(), path.into())));
            out.extend(more.map(|v| ("more".to_owned(), v)));
        }
        if let Some(text) = self.value(place, 0).as_ref().and_then(|v| self.filter(place, v)) {
            out.insert("filter".into(), text.clone().into());
            if a.kind == AttrType::String && a.canonical_values.is_empty() {
                out.insert("swapped".into(), swapped(&text, place.path().len()).into());
            }
        }
        let classes = self.classes(place);
        let body = if classes.contains(&AttributeClass::Immutable) {
            Some(self.replacement(Some(place)))
        } else if classes.contains(&AttributeClass::Unique) {
            self.clashing(index, place)
        } else if classes.contains(&AttributeClass::Required) {
            Some(self.body(20 + index, |p| p.path() != place.path()))
        } else if classes.contains(&AttributeClass::ReadOnly) {
            self.trespass(place)
        } else {
            None
        };
        out.extend(body.map(|b| ("body".to_owned(), b)));
        if a.kind == AttrType::String && !a.multi_valued && a.canonical_values.is_empty() {
            out.insert("text".into(), place.path().into());
        }
        if classes.contains(&AttributeClass::Required) {
            out.insert("missing".into(), self.body(40 + index, |p| p.path() != place.path()));
        }
        (classes, out)
    }

    /// Another whole state of the first resource, with a value for what only the server writes.
    fn trespass(&self, place: &Place) -> Option<Value> {
        let mut body = self.replacement(None);
        let value = self.value(place, 2)?;
        match &place.urn {
            Some(urn) => body[urn][&place.attribute.name] = value,
            None => body[&place.attribute.name] = value,
        }
        Some(body)
    }

    /// A resource of its own but for one value, which is the first resource's.
    fn clashing(&self, index: usize, place: &Place) -> Option<Value> {
        let mut body = self.body(20 + index, |_| true);
        let value = self.value(place, 0)?;
        match &place.urn {
            Some(urn) => body[urn][&place.attribute.name] = value,
            None => body[&place.attribute.name] = value,
        }
        Some(body)
    }

    fn classes(&self, place: &Place) -> Vec<AttributeClass> {
        let a = &place.attribute;
        let made = self.value(place, 0).is_some();
        let optional =
            place.urn.as_ref().is_some_and(|u| self.subject.resource_type.extension(u).is_some_and(|e| !e.required));
        let changes = a.mutability == Mutability::ReadWrite || a.mutability == Mutability::WriteOnly;
        let shown = !matches!(a.returned, Returned::Never) && a.mutability != Mutability::WriteOnly;
        let simple = a.kind != AttrType::Complex && !a.multi_valued;
        let unique = a.uniqueness != Uniqueness::None && a.kind == AttrType::String && simple;
        [
            (AttributeClass::Writable, made && changes && !unique),
            (AttributeClass::Removable, made && changes && !unique && !a.required),
            (AttributeClass::Required, a.required && writable(a) && !optional),
            (AttributeClass::ReadOnly, made && a.mutability == Mutability::ReadOnly),
            (AttributeClass::Immutable, made && a.mutability == Mutability::Immutable),
            (AttributeClass::Unique, made && unique && writable(a)),
            (AttributeClass::Filterable, made && shown && a.kind != AttrType::Complex && a.kind != AttrType::Binary),
            (AttributeClass::OnRequest, made && writable(a) && a.returned == Returned::Request),
            (AttributeClass::Shown, shown),
        ]
        .into_iter()
        .filter_map(|(class, yes)| yes.then_some(class))
        .collect()
    }

    /// The n-th value of an attribute.
    fn value(&self, place: &Place, n: usize) -> Option<Value> {
        let (a, path) = (&place.attribute, place.path());
        if !a.multi_valued {
            return self.single(a, &path, n);
        }
        let two = [self.single(a, &path, 2 * n)?, self.single(a, &path, 2 * n + 1)?];
        let mut list = two.to_vec();
        list.dedup();
        Some(Value::Array(list))
    }

    fn single(&self, a: &Attribute, path: &str, n: usize) -> Option<Value> {
        self.values.single(a, path, n)
    }

    /// `path eq value` of the first resource.
    fn filter(&self, place: &Place, value: &Value) -> Option<String> {
        let value = value.as_array().map_or(Some(value), |list| list.first())?;
        (!value.is_object()).then(|| format!("{} eq {value}", place.path()))
    }
}

/// Values by the declared type alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Values<'a> {
    /// What makes them the case's own.
    pub run: &'a str,
    /// Where its people have their addresses.
    pub domain: &'a str,
}

impl Values<'_> {
    /// The n-th single value of an attribute; nothing where nobody can make one up.
    pub(super) fn single(&self, a: &Attribute, path: &str, n: usize) -> Option<Value> {
        if !a.canonical_values.is_empty() {
            return Some(a.canonical_values[n % a.canonical_values.len()].clone().into());
        }
        Some(match a.kind {
            AttrType::Boolean => n.is_multiple_of(2).into(),
            AttrType::Integer => (40 + n).into(),
            AttrType::Decimal => (1.5 + n as f64).into(),
            AttrType::DateTime => format!("20{:02}-01-31T08:30:00Z", 10 + n % 80).into(),
            AttrType::Binary => {
                let mut bytes = format!("{}-{n}", self.run);
                while !bytes.len().is_multiple_of(3) {
                    bytes.push('.');
                }
                base64::engine::general_purpose::STANDARD.encode(bytes).into()
            }
            AttrType::Reference => {
                let anywhere = |t: &String| ["external", "uri", "url"].contains(&t.to_ascii_lowercase().as_str());
                if !a.reference_types.is_empty() && !a.reference_types.iter().any(anywhere) {
                    return None;
                }
                format!("https://example.com/{}/{n}", self.run).into()
            }
            AttrType::String => self.text(path, n).into(),
            AttrType::Complex => return self.complex(a, path, n),
        })
    }

    fn complex(&self, a: &Attribute, path: &str, n: usize) -> Option<Value> {
        let mut out = Map::new();
        for sub in a.sub_attributes.iter().filter(|s| writable(s)) {
            // Which value is the preferred one, and what the server derives, is not ours to say.
            if ["primary", "$ref", "display"].contains(&sub.name.as_str()) && !sub.required {
                continue;
            }
            let below = format!("{path}.{}", sub.name);
            match if sub.multi_valued { None } else { self.single(sub, &below, n) } {
                Some(value) => out.extend([(sub.name.clone(), value)]),
                None if sub.required => return None,
                None => {}
            }
        }
        (!out.is_empty()).then_some(Value::Object(out))
    }

    /// A text that says what it is for; where the name of the attribute gives its form away, in that form.
    fn text(&self, path: &str, n: usize) -> String {
        let lower = path.rsplit(':').next().unwrap_or(path).to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|w| lower.contains(w));
        if has(&["email", "mail", "username"]) {
            return format!("advertised{n}.{}@{}", self.run, self.domain);
        }
        if has(&["phone", "mobile", "fax"]) {
            return format!("+1 555 01{n:02}");
        }
        if has(&["url", "uri", "link"]) {
            return format!("https://example.com/{}/{n}", self.run);
        }
        if has(&["country"]) {
            return ["DE", "FR", "GB", "US"][n % 4].to_owned();
        }
        if has(&["locale", "language"]) {
            return ["en-US", "de-DE", "fr-FR", "en-GB"][n % 4].to_owned();
        }
        if has(&["timezone"]) {
            return ["Europe/Berlin", "America/New_York", "Asia/Tokyo", "Europe/Paris"][n % 4].to_owned();
        }
        let name = lower.rsplit('.').next().unwrap_or_default();
        let mut letters = name.chars();
        let head = letters.next().map(|c| c.to_ascii_uppercase()).into_iter().collect::<String>();
        format!("{head}{}-{}-{n}", letters.as_str(), self.run)
    }
}

/// The path of one value of a list.
fn one_of(place: &Place, value: &Value) -> Option<String> {
    let text = if value.is_object() { value.get("value")? } else { value };
    text.is_string().then(|| format!("{}[value eq {text}]", place.path()))
}

fn writable(a: &Attribute) -> bool {
    a.mutability != Mutability::ReadOnly
}

/// The value of a PATCH operation without a path that sets the attribute: below the URN of its extension.
fn pathless(place: &Place, value: Value) -> Value {
    let own = json!({ place.attribute.name.as_str(): value });
    match &place.urn {
        Some(urn) => json!({ urn.as_str(): own }),
        None => own,
    }
}

/// The filter with the letters of its value in the other case.
fn swapped(filter: &str, path: usize) -> String {
    let (head, value) = filter.split_at(path + " eq ".len());
    let other = |c: char| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    format!("{head}{}", value.chars().map(other).collect::<String>())
}
