//! Who stands for whom: people and groups of a recording become fixtures, their ids captures.
//!
//! Must not know how a scenario is written. The same value stands for the same thing throughout, and each replay has its own.

use super::secrets::is_blanked;
use super::seen::{documents, json, place, text_of};
use super::sift::Spoken;
use super::wording::{Attribute, walk};
use crate::exchange::percent_decode;
use crate::scim::value::get_ci;

use regex::Regex;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

/// A person, a group, or a resource of another type.
#[derive(Debug, Clone)]
pub(super) struct Role {
    /// `person1`.
    pub(super) name: String,
    /// `/Users`.
    pub(super) collection: String,
    /// What differs from the generated values.
    pub(super) overrides: Map<String, Value>,
    /// True when its file must say that it exists, because something of it is filled in.
    pub(super) is_fixture: bool,
    /// True once an answer gave its id.
    has_id: bool,
    /// How many values of an attribute it has so far.
    used: BTreeMap<Attribute, usize>,
}

/// Everybody in a recording.
#[derive(Debug, Default)]
pub(super) struct Cast {
    pub(super) roles: Vec<Role>,
    /// How many there are of a kind.
    counts: HashMap<String, usize>,
    /// Name → role.
    by_name: HashMap<String, usize>,
    /// Id → role.
    ids: HashMap<String, usize>,
    /// A telling value → name of a hole.
    values: HashMap<String, String>,
    /// The same in small letters.
    lower: HashMap<String, String>,
    /// Any value of one role's attribute → name of a hole.
    own: HashMap<(usize, Attribute, String), String>,
    /// userName or displayName, in small letters → role, by collection.
    named: HashMap<(String, String), usize>,
    /// Roles that were there before the recording began, with what is known of them.
    pub(super) earlier: Vec<(usize, Value)>,
    /// For each request: the role it is about.
    pub(super) about: Vec<Option<usize>>,
    /// Ids that an answer to a bulk request gave, by request: role and unique name.
    pub(super) from_bulk: HashMap<usize, Vec<usize>>,
}

impl Cast {
    /// Reads a recording twice: ids are used before one knows whose they are.
    pub(super) fn of(spoken: &[Spoken]) -> Self {
        let mut cast = Cast::default();
        let docs = documents(spoken);
        cast.about = vec![None; spoken.len()];
        for (n, one) in spoken.iter().enumerate() {
            cast.created(n, one);
        }
        for (n, one) in spoken.iter().enumerate() {
            cast.met(n, one, &docs);
        }
        for (n, one) in spoken.iter().enumerate() {
            if let (Some(role), Some(body)) = (cast.about[n], json(&one.entry)) {
                cast.assign_all(role, &body);
            }
        }
        for one in spoken {
            cast.looked_up(one);
        }
        cast
    }

    /// The hole of an id.
    pub(super) fn id(&self, id: &str) -> Option<String> {
        self.ids.get(id).map(|role| format!("{}.id", self.roles[*role].name))
    }

    /// The hole of a value that means somebody wherever it stands.
    pub(super) fn value(&self, value: &str) -> Option<&str> {
        self.values.get(value).map(String::as_str)
    }

    /// The hole of a value at an attribute of a role.
    pub(super) fn of_role(&self, role: usize, attribute: Attribute, value: &str) -> Option<&str> {
        self.own.get(&(role, attribute, value.to_owned())).map(String::as_str)
    }

    /// True for the name of a role.
    pub(super) fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// The role behind an id.
    pub(super) fn role_of(&self, id: &str) -> Option<usize> {
        self.ids.get(id).copied()
    }

    /// Whom an object inside of a body shows: an entry of a list, the data of a bulk operation.
    pub(super) fn role_in(&self, object: &Map<String, Value>) -> Option<usize> {
        let id = get_ci(object, "id").and_then(text_of).and_then(|id| self.role_of(&id));
        id.or_else(|| {
            let name = get_ci(object, "userName").and_then(Value::as_str)?;
            let (role, _) = self.values.get(name)?.split_once('.')?;
            self.by_name.get(role).copied()
        })
    }

    /// A role for somebody whom the recording takes for granted.
    pub(super) fn add_earlier(&mut self, collection: &str, doc: Value) -> usize {
        let role = self.new_role(collection);
        self.assign_all(role, &doc);
        self.roles[role].is_fixture = true;
        self.earlier.push((role, doc));
        role
    }

    /// Creates: alone and inside of bulk requests.
    fn created(&mut self, n: usize, one: &Spoken) {
        let Some((collection, None)) = place(&one.target) else { return };
        let Some(body) = json(&one.entry).filter(|_| one.entry.method == "POST") else { return };
        if collection == "/Bulk" {
            return self.created_in_bulk(n, one, &body);
        }
        if collection == "/.search" {
            return;
        }
        let mut role = self.role_named(&collection, &body);
        // Deleted and made again is another resource with the same name.
        if one.entry.accepted() && self.roles[role].has_id {
            role = self.new_role(&collection);
        }
        self.about[n] = Some(role);
        let id = one.entry.answered().and_then(Value::as_object).and_then(|o| get_ci(o, "id")).and_then(text_of);
        if let Some(id) = id.filter(|id| one.entry.accepted() && !id.is_empty() && !is_blanked(id)) {
            self.ids.insert(id, role);
            self.roles[role].has_id = true;
        }
    }

    fn created_in_bulk(&mut self, n: usize, one: &Spoken, body: &Value) {
        let operations =
            |v: &Value| v.as_object().and_then(|o| get_ci(o, "Operations")).and_then(Value::as_array).cloned();
        let answered: Vec<Value> = one.entry.answered().and_then(operations).unwrap_or_default();
        for operation in operations(body).unwrap_or_default() {
            let text = |v: &Value, key: &str| v.get(key).and_then(Value::as_str).map(str::to_owned);
            let (Some(collection), Some(data)) = (text(&operation, "path"), operation.get("data")) else { continue };
            if !text(&operation, "method").is_some_and(|m| m.eq_ignore_ascii_case("POST"))
                || collection.matches('/').count() != 1
            {
                continue;
            }
            let role = self.role_named(&collection, data);
            self.assign_all(role, data);
            let same = |a: &&Value| text(a, "bulkId").is_some() && text(a, "bulkId") == text(&operation, "bulkId");
            let location = answered.iter().find(same).and_then(|a| text(a, "location"));
            if let Some(id) = location.and_then(|l| l.rsplit('/').next().map(percent_decode)).filter(|i| !i.is_empty())
            {
                self.ids.insert(id, role);
                self.from_bulk.entry(n).or_default().push(role);
            }
        }
    }

    /// Requests about a resource: one of those created, or one that was there before.
    fn met(&mut self, n: usize, one: &Spoken, docs: &HashMap<String, (String, Value)>) {
        let accepted = one.entry.accepted();
        if let Some((collection, Some(id))) = place(&one.target)
            && !id.contains("{{")
            && !DISCOVERY.contains(&collection.as_str())
        {
            if !self.ids.contains_key(&id) && accepted && !is_blanked(&id) {
                let doc = docs.get(&id).map(|(_, doc)| doc.clone()).unwrap_or(Value::Null);
                let role = self.add_earlier(&collection, doc);
                self.ids.insert(id.clone(), role);
            }
            self.about[n] = self.role_of(&id);
        }
        let Some(body) = json(&one.entry).filter(|_| accepted) else { return };
        let mut members = Vec::new();
        walk(&body, "", &mut |path, text| {
            if (path == "members.value" || path == "members")
                && !text.contains("{{")
                && !is_blanked(text)
                && !text.is_empty()
            {
                members.push(text.to_owned());
            }
        });
        for id in members.into_iter().filter(|id| !id.starts_with("bulkId:")) {
            if !self.ids.contains_key(&id) {
                let (collection, doc) = docs.get(&id).cloned().unwrap_or(("/Users".to_owned(), Value::Null));
                let role = self.add_earlier(&collection, doc);
                self.ids.insert(id, role);
            }
        }
    }

    /// Filters by a unique attribute: a known value in other letters, or somebody whom nobody created.
    fn looked_up(&mut self, one: &Spoken) {
        static EQUALS: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(
                r#"(?i)\b(userName|externalId|displayName|emails(?:\[[^\]]*\])?(?:\.value)?)\s+eq\s+"([^"\\]{1,200})""#,
            )
            .expect("a fixed pattern")
        });
        let query = one.target.split_once('?').map_or("", |(_, q)| q);
        let filters = query.split('&').filter_map(|p| p.strip_prefix("filter="));
        for filter in filters.map(|f| percent_decode(&f.replace('+', " "))) {
            for found in EQUALS.captures_iter(&filter) {
                let value = &found[2];
                if self.values.contains_key(value)
                    || self.ids.contains_key(value)
                    || value.contains("{{")
                    || is_blanked(value)
                {
                    continue;
                }
                let lower = value.to_lowercase();
                match self.lower.get(&lower).cloned().as_deref().and_then(|hole| hole.split_once('.')) {
                    Some((name, "userName")) => {
                        let name = name.to_owned();
                        self.other_letters(&name, value);
                    }
                    _ => self.nobody(&found[1].to_lowercase(), value),
                }
            }
        }
    }

    fn other_letters(&mut self, name: &str, value: &str) {
        let Some(role) = self.by_name.get(name).map(|n| &mut self.roles[*n]) else { return };
        let upper = name.to_uppercase();
        let tail = if value.contains('@') { "@EXAMPLE.COM" } else { "" };
        role.overrides.insert("userNameInCapitals".to_owned(), format!("{upper}.${{run}}{tail}").into());
        self.values.insert(value.to_owned(), format!("{name}.userNameInCapitals"));
    }

    fn nobody(&mut self, attribute: &str, value: &str) {
        let n = self.counts.entry("nobody".to_owned()).or_default();
        *n += 1;
        let name = format!("nobody{n}");
        let group = attribute == "displayname";
        let collection = if group { "/Groups" } else { "/Users" };
        let role = self.push(name, collection);
        let path = if attribute.starts_with("emails") { "emails.value" } else { attribute };
        if let Some(attribute) = Attribute::at(path) {
            self.assign(role, attribute, value);
        }
    }

    /// The role with that unique name, or a new one.
    fn role_named(&mut self, collection: &str, body: &Value) -> usize {
        let attribute = if collection.eq_ignore_ascii_case("/Users") { "userName" } else { "displayName" };
        let name = body.as_object().and_then(|o| get_ci(o, attribute)).and_then(Value::as_str).unwrap_or_default();
        // What is random in a collection is another one each time; a blanked name may be anybody's.
        if name.is_empty() || is_blanked(name) || name.contains("{{$") {
            return self.new_role(collection);
        }
        let key = (collection.to_lowercase(), name.to_lowercase());
        if let Some(role) = self.named.get(&key) {
            return *role;
        }
        let role = self.new_role(collection);
        self.named.insert(key, role);
        role
    }

    fn new_role(&mut self, collection: &str) -> usize {
        let kind = match collection.to_lowercase().as_str() {
            "/users" => "person".to_owned(),
            other => {
                let word: String = other.chars().filter(char::is_ascii_alphanumeric).collect();
                let word = word.strip_suffix('s').unwrap_or(&word).to_owned();
                // A name must not be one of the built-in ones, nor begin with a digit that could be read as a number.
                if word.is_empty() { "thing".to_owned() } else { word }
            }
        };
        let n = self.counts.entry(kind.clone()).or_default();
        *n += 1;
        let name = format!("{kind}{n}");
        self.push(name, collection)
    }

    fn push(&mut self, name: String, collection: &str) -> usize {
        self.by_name.insert(name.clone(), self.roles.len());
        self.roles.push(Role {
            name,
            collection: collection.to_owned(),
            overrides: Map::new(),
            is_fixture: false,
            has_id: false,
            used: BTreeMap::new(),
        });
        self.roles.len() - 1
    }

    fn assign_all(&mut self, role: usize, body: &Value) {
        let mut found: Vec<(Attribute, String)> = Vec::new();
        walk(body, "", &mut |path, text| {
            if let Some(attribute) = Attribute::at(path).filter(|_| !text.is_empty()) {
                found.push((attribute, text.to_owned()));
            }
        });
        // The unique name first: what equals it is it.
        found.sort_by_key(|(a, _)| *a);
        for (attribute, value) in found {
            self.assign(role, attribute, &value);
        }
    }

    fn assign(&mut self, role: usize, attribute: Attribute, value: &str) {
        let person = self.roles[role].collection.eq_ignore_ascii_case("/Users");
        let fits = person || matches!(attribute, Attribute::DisplayName | Attribute::ExternalId);
        if !fits || self.own.contains_key(&(role, attribute, value.to_owned())) {
            return;
        }
        let anonymous = is_blanked(value) || value.contains("{{$");
        let hole = match self.values.get(value).filter(|_| !anonymous) {
            Some(hole) => hole.clone(),
            None => self.new_value(role, attribute, value),
        };
        self.own.insert((role, attribute, value.to_owned()), hole.clone());
        if attribute.is_telling() && !anonymous {
            self.lower.entry(value.to_lowercase()).or_insert_with(|| hole.clone());
            self.values.entry(value.to_owned()).or_insert(hole);
        }
    }

    fn new_value(&mut self, number: usize, attribute: Attribute, value: &str) -> String {
        let role = &mut self.roles[number];
        role.is_fixture = true;
        let count = role.used.entry(attribute).or_default();
        *count += 1;
        let n = *count;
        let key = if n == 1 { attribute.key().to_owned() } else { format!("{}{n}", attribute.key()) };
        if let Some(made) = made(&role.name, attribute, n, value) {
            role.overrides.insert(key.clone(), made.into());
        }
        format!("{}.{key}", role.name)
    }
}

/// The value of a fixture in place of a recorded one; `None` when the generated one has the same shape.
fn made(name: &str, attribute: Attribute, n: usize, value: &str) -> Option<String> {
    let tag = if n == 1 { name.to_owned() } else { format!("{name}-{n}") };
    let tag = if value.starts_with(|c: char| c.is_ascii_uppercase()) && attribute == Attribute::UserName {
        let mut letters = tag.chars();
        letters.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(letters).collect()
    } else {
        tag
    };
    Some(match attribute {
        Attribute::UserName if value.contains('@') || value.contains("{{") => {
            if tag == name && !value.is_empty() {
                return None;
            }
            format!("{tag}.${{run}}@example.com")
        }
        Attribute::UserName => format!("{tag}.${{run}}"),
        Attribute::Email => format!("{tag}-mail.${{run}}@example.com"),
        Attribute::ExternalId | Attribute::DisplayName | Attribute::GivenName | Attribute::FamilyName if n == 1 => {
            return None;
        }
        Attribute::Phone | Attribute::EmployeeNumber | Attribute::Password if n == 1 => return None,
        Attribute::ExternalId => format!("${{guid.{tag}}}"),
        Attribute::DisplayName | Attribute::Formatted => format!("{tag} ${{run}}"),
        Attribute::GivenName => format!("Given{n}"),
        Attribute::FamilyName => format!("Family{n}"),
        Attribute::NickName => format!("nick-{tag}"),
        Attribute::Phone => format!("+1 555 01{n:04}"),
        Attribute::EmployeeNumber => format!("90{n:04}"),
        Attribute::Password => format!("${{random.{tag}}}Aa9!"),
    })
}

const DISCOVERY: &[&str] = &["/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/Me", "/Bulk", "/.search"];
