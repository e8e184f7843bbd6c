//! What is required of everyone, added to bodies that lack it, as the administrator adds it to the attribute mapping of an
//! identity provider: they would be refused for what they do not test, and all that comes after would not be tested at all.
//!
//! Must not touch what is there, nor what the profile of a product or the target's schemas do not demand.

use super::advertised::Values;
use super::play::{Player, expects_refusal};
use crate::engine::Outgoing;
use crate::scenario::model::{Expect, Step};
use crate::scim::schema::{AttrType, Attribute, Mutability, ResourceType};
use crate::scim::urn;
use crate::scim::value::get_ci;
use serde_json::{Map, Value, json};

impl Player<'_> {
    /// Users that a scenario sends get what the product demands of everyone, and all resources what the target's schemas
    /// demand, unless the step is about just that.
    pub(super) fn completed(&self, mut out: Outgoing, step: &Step) -> Outgoing {
        if !matches!(out.method.as_str(), "POST" | "PUT") || out.path().ends_with(".search") {
            return out;
        }
        let endpoint = format!("/{}", out.path().trim_matches('/').split('/').next().unwrap_or_default());
        if self.case.scenario.tags.iter().any(|t| t == "only-provider") {
            return out;
        }
        let provider = self.provider().filter(|_| endpoint.eq_ignore_ascii_case("/Users"));
        let declared = self.demanding(&endpoint, step);
        if provider.is_none() && declared.is_none() {
            return out;
        }
        let Some(Value::Object(mut body)) = out.body.as_deref().and_then(|b| serde_json::from_slice(b).ok()) else {
            return out;
        };
        let demanded = provider.is_some_and(|p| p.complete(&mut body));
        if declared.is_some_and(|rt| complete(&mut body, rt, self.made_up())) || demanded {
            out.body = Some(Value::Object(body).to_string().into_bytes());
        }
        out
    }

    /// What values of this case are made of.
    pub(super) fn made_up(&self) -> Values<'_> {
        Values { run: &self.values.run, domain: self.values.domain() }
    }

    /// The type behind the endpoint, where its schemas demand more than the RFC's and this step hopes to be accepted.
    fn demanding(&self, endpoint: &str, step: &Step) -> Option<&ResourceType> {
        let target = &self.context.target;
        let told = self.case.subject.is_none() && target.schemas_known;
        let rt = target.resource_type(endpoint).filter(|_| told && !expects_fault(step.expect.as_ref()))?;
        (!beyond_the_rfc(rt).is_empty()).then_some(rt)
    }
}

/// True when a step hopes to be refused for what its body is, and not for whom it is about.
fn expects_fault(expect: Option<&Expect>) -> bool {
    expects_refusal(expect) && expect.is_some_and(|e| e.status.iter().any(|s| s.allows(400)))
}

/// Adds to a new or replacing resource the required attributes that it lacks. Tells whether anything was added. What no
/// value can be made up for (members of a group) stays away.
pub(super) fn complete(body: &mut Map<String, Value>, rt: &ResourceType, values: Values<'_>) -> bool {
    let name = crate::shadow::name_attribute(&rt.endpoint);
    let Some(name) = get_ci(body, name).and_then(Value::as_str).filter(|n| !n.trim().is_empty()).map(str::to_owned)
    else {
        return false;
    };
    let maker = Filler { values, name };
    let mut added = maker.fill(body, &rt.schema.attributes, "");
    for extension in rt.extensions.iter().filter(|e| e.required) {
        let id = &extension.schema.id;
        let key = body.keys().find(|k| k.eq_ignore_ascii_case(id)).unwrap_or(id).clone();
        let Some(mut inner) = body.get(&key).map_or_else(|| Some(Map::new()), |v| v.as_object().cloned()) else {
            continue;
        };
        let prefix = format!("{id}:");
        // An extension without an attribute is none (RFC 7643 §2.5).
        if maker.fill(&mut inner, &extension.schema.attributes, &prefix)
            || (inner.is_empty() && maker.anything(&mut inner, &extension.schema.attributes, &prefix))
        {
            added = true;
            body.insert(key, Value::Object(inner));
            if let Some(Value::Array(schemas)) = body.get_mut("schemas")
                && !schemas.iter().any(|s| s.as_str().is_some_and(|s| s.eq_ignore_ascii_case(id)))
            {
                schemas.push(id.clone().into());
            }
        }
    }
    added
}

/// Paths that the schemas of the target require and those of RFC 7643 do not.
fn beyond_the_rfc(rt: &ResourceType) -> Vec<String> {
    let name = crate::shadow::name_attribute(&rt.endpoint);
    let core = rt.schema.attributes.iter().filter(|a| demanded(a) && a.name != name).map(|a| a.name.clone());
    let extensions = rt.extensions.iter().filter(|e| e.required).flat_map(|e| {
        let required = e.schema.attributes.iter().filter(|a| demanded(a));
        let named: Vec<String> = required.map(|a| format!("{}:{}", e.schema.id, a.name)).collect();
        if named.is_empty() { vec![e.schema.id.clone()] } else { named }
    });
    core.chain(extensions).collect()
}

/// Required, for the client to write, and not what every body has (RFC 7643 §3.1, §4.1.1, §4.2).
fn demanded(a: &Attribute) -> bool {
    let always = ["schemas", "id", "meta", "userName", "members"];
    a.required && a.mutability != Mutability::ReadOnly && !always.iter().any(|n| n.eq_ignore_ascii_case(&a.name))
}

struct Filler<'a> {
    values: Values<'a>,
    /// userName or displayName of the resource.
    name: String,
}

impl Filler<'_> {
    fn fill(&self, object: &mut Map<String, Value>, attributes: &[Attribute], prefix: &str) -> bool {
        let mut added = false;
        for attribute in attributes.iter().filter(|a| demanded(a)) {
            let held = object.keys().find(|k| k.eq_ignore_ascii_case(&attribute.name)).cloned();
            match held.as_ref().and_then(|k| object.get_mut(k)) {
                // What is there, right or wrong, was meant.
                Some(Value::Object(inner)) if attribute.kind == AttrType::Complex && !inner.is_empty() => {
                    added |= self.fill(inner, &attribute.sub_attributes, &format!("{prefix}{}.", attribute.name));
                }
                Some(_) => {}
                None => {
                    let path = format!("{prefix}{}", attribute.name);
                    if let Some(value) = self.value(attribute, &path) {
                        object.insert(attribute.name.clone(), value);
                        added = true;
                    }
                }
            }
        }
        added
    }

    /// The first attribute for which there is a value.
    fn anything(&self, object: &mut Map<String, Value>, attributes: &[Attribute], prefix: &str) -> bool {
        let free = attributes.iter().filter(|a| a.mutability == Mutability::ReadWrite && !a.multi_valued);
        let first = free.into_iter().find_map(|a| Some((a, self.value(a, &format!("{prefix}{}", a.name))?)));
        first.map(|(a, value)| object.insert(a.name.clone(), value)).is_some()
    }

    fn value(&self, attribute: &Attribute, path: &str) -> Option<Value> {
        let address = || match self.name.contains('@') {
            true => self.name.clone(),
            false => format!("{}@{}", self.slug(), self.values.domain),
        };
        match path {
            "emails" => return Some(json!([{ "value": address(), "type": "work", "primary": true }])),
            "externalId" => return Some(format!("id-of-{}", self.slug()).into()),
            "displayName" => return Some(self.name.clone().into()),
            "active" => return Some(true.into()),
            _ => {}
        }
        let one = self.values.single(attribute, path, self.number())?;
        Some(if attribute.multi_valued { json!([one]) } else { one })
    }

    /// Another number for another name, so that what must be unique is.
    fn number(&self) -> usize {
        100 + self.name.bytes().fold(7usize, |sum, b| (sum * 31 + usize::from(b)) % 100_003)
    }

    fn slug(&self) -> String {
        let letters = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        self.name.chars().map(letters).collect()
    }
}

/// What the report says of it; nothing where the schemas require no more than the RFC's.
pub(super) fn remark(types: &[ResourceType]) -> Option<String> {
    let known = types.iter().filter(|t| [urn::USER, urn::GROUP].iter().any(|u| t.schema.id.eq_ignore_ascii_case(u)));
    let each: Vec<String> = known
        .map(|t| (t, beyond_the_rfc(t)))
        .filter(|(_, paths)| !paths.is_empty())
        .map(|(t, paths)| format!("{} of each {}", paths.join(", "), t.name))
        .collect();
    (!each.is_empty()).then(|| {
        format!(
            "the target's schemas require {}: bodies that lack it get a value; an identity provider sends it when its attribute mapping is set up so",
            each.join(" and ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Users of a target whose schemas require these attributes, and the enterprise extension.
    fn demanding(names: &[&str]) -> ResourceType {
        let mut rt = ResourceType::user();
        rt.schema.attributes.iter_mut().filter(|a| names.contains(&a.name.as_str())).for_each(|a| a.required = true);
        rt.extensions[0].required = true;
        rt
    }

    fn completed(body: Value, rt: &ResourceType) -> Value {
        let Value::Object(mut body) = body else { panic!("a body is an object") };
        complete(&mut body, rt, Values { run: "r1", domain: "example.com" });
        Value::Object(body)
    }

    #[test]
    fn what_is_required_and_lacking_is_added() {
        let rt = demanding(&["emails", "displayName", "active"]);
        let whole = completed(json!({ "schemas": [urn::USER], "userName": "a@example.com" }), &rt);
        assert_eq!(whole["emails"], json!([{ "value": "a@example.com", "type": "work", "primary": true }]));
        assert_eq!((&whole["displayName"], &whole["active"]), (&json!("a@example.com"), &json!(true)));
        assert_eq!(whole["schemas"], json!([urn::USER, urn::ENTERPRISE]));
        assert!(whole[urn::ENTERPRISE].as_object().is_some_and(|e| e.len() == 1));
    }

    #[test]
    fn what_is_there_stays_right_or_wrong() {
        let rt = demanding(&["emails", "displayName"]);
        let sent =
            json!({ "userName": "a", "emails": null, "displayName": "", urn::ENTERPRISE: { "department": "D" } });
        assert_eq!(completed(sent.clone(), &rt), sent);
        let nameless = json!({ "displayName": "no userName" });
        assert_eq!(completed(nameless.clone(), &rt), nameless);
    }

    #[test]
    fn the_rfcs_own_schemas_need_no_word() {
        assert_eq!(remark(&[ResourceType::user(), ResourceType::group()]), None);
        let said = remark(&[demanding(&["emails"])]).expect("a remark");
        assert!(
            said.contains("emails, urn:ietf:params:scim:schemas:extension:enterprise:2.0:User of each User"),
            "{said}"
        );
    }
}
