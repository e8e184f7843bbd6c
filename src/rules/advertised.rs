//! What a schema promises about an attribute, whatever its name: mutability, returned, uniqueness, required (RFC 7643 §2.2, §6, §7).

use super::rule::{Finding, Impact, Level, Rule, Verdict};
use super::state::{made_of, texts};
use super::view::{Past, View, short};
use crate::scim::path::parse_path;
use crate::scim::schema::{AttrType, Attribute, Mutability, ResourceType, Returned, Uniqueness};
use crate::scim::value::{get_ci, value_ci};
use crate::shadow::forecast::{op_path, operations, tenant_of};
use crate::shadow::{Op, State, facts, text_of};
use serde_json::{Map, Value};

/// Rules of this area.
pub static RULES: &[Rule] = &[
    Rule {
        id: "discovery/type-not-served",
        title: "A resource type is listed and its endpoint does not answer",
        spec: "RFC 7643 §6 (endpoint); RFC 7644 §3.2",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["rt-endpoint-relative"],
        explain: "/ResourceTypes gives each type an endpoint relative to the base URL. Clients that configure themselves by it read there.",
        hint: "Serve the type at that endpoint, correct the endpoint, or take the type out of the list.",
        wrong: "{\"name\":\"Device\",\"endpoint\":\"/Devices\"}; GET /Devices → 404",
        right: "GET /Devices → 200",
        proven_by: &["devices-not-served"],
        check: not_served,
    },
    Rule {
        id: "schema/read-only-written",
        title: "A client's value for a readOnly attribute is stored",
        spec: "RFC 7643 §2.2, §7 (mutability readOnly); RFC 7644 §3.5.1, §3.5.2",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &["mutability-readonly"],
        explain: "The schema says that only the server writes the attribute. A client that sends it must find it ignored or refused, never kept: whoever relies on it (a number of the inventory, who approved something) relies on what anybody with a token can set.",
        hint: "Drop readOnly attributes from POST and PUT; refuse them in PATCH with 400 mutability.",
        wrong: "\"inventoryCode\" is readOnly; PATCH replace inventoryCode → GET shows the client's value",
        right: "→ 400 mutability, or the old value stays",
        proven_by: &[
            "read-only-written",
            "user-groups-taken-from-client",
            "schemas-display-name-read-only",
            "patch-pathless-groups-written",
        ],
        check: read_only,
    },
    Rule {
        id: "create/refused-as-mutability",
        title: "A create is refused because an attribute may not be changed",
        spec: "RFC 7643 §7 (mutability immutable); RFC 7644 §3.3, §3.12 (mutability)",
        level: Level::Must,
        clash: false,
        impact: Impact::CreateFails,
        breaks: &[],
        requirements: &["mutability-immutable"],
        explain: "An immutable attribute may be defined when the resource is created; only later it shall not be updated. Here a create that names no readOnly attribute is refused with scimType mutability, so the attribute can never get a value at all.",
        hint: "Check mutability in PUT and PATCH, not in POST.",
        wrong: "POST /Devices {\"vendor\":\"A\"} → 400 mutability",
        right: "→ 201",
        proven_by: &["create-immutable-refused"],
        check: create_mutability,
    },
    Rule {
        id: "schema/immutable-changed",
        title: "An immutable attribute gets another value",
        spec: "RFC 7643 §7 (mutability immutable); RFC 7644 §3.5.1",
        level: Level::Must,
        clash: false,
        impact: Impact::UpdateLost,
        breaks: &[],
        requirements: &["mutability-immutable"],
        explain: "An immutable attribute may be set once and shall not be updated: PUT with another value is refused with 400 mutability, PATCH too.",
        hint: "Compare with the stored value and refuse another.",
        wrong: "\"vendor\" is immutable and \"A\"; PATCH replace vendor \"B\" → GET shows \"B\"",
        right: "→ 400 mutability",
        proven_by: &["immutable-changed", "put-immutable-changed"],
        check: immutable,
    },
    Rule {
        id: "projection/request-only-shown",
        title: "An attribute that is returned on request only is shown without being asked for",
        spec: "RFC 7643 §2.2, §7 (returned request)",
        level: Level::Must,
        clash: false,
        impact: Impact::DataLeak,
        breaks: &[],
        requirements: &["returned-request"],
        explain: "The schema keeps it out of plain reads, because it is large or of nobody's concern; a GET or list shows it only if `attributes` names it.",
        hint: "Leave it out unless `attributes` names it, or declare it returned default.",
        wrong: "\"remark\" is returned request; GET /Devices/1 → {\"remark\":\"…\",…}",
        right: "only GET /Devices/1?attributes=remark shows it",
        proven_by: &["request-only-shown"],
        check: request_only,
    },
    Rule {
        id: "create/unique-attribute-duplicated",
        title: "Two resources get the same value of an attribute that is declared unique",
        spec: "RFC 7643 §7 (uniqueness server); RFC 7644 §3.3",
        level: Level::Should,
        clash: false,
        impact: Impact::WrongMatch,
        breaks: &[],
        requirements: &["uniqueness-server"],
        explain: "uniqueness server says that the value should be unique within the endpoint; clients match by such attributes.",
        hint: "Refuse the second with 409 uniqueness, or declare uniqueness none.",
        wrong: "\"serial\" is unique; two POST with one serial → 201, 201",
        right: "→ 201, 409 uniqueness",
        proven_by: &["unique-attribute-duplicated"],
        check: unique,
    },
    Rule {
        id: "create/required-extension-missing-accepted",
        title: "A resource without its required extension is accepted",
        spec: "RFC 7643 §6 (schemaExtensions.required)",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["create-required-extension"],
        explain: "A resource of a type whose extension is required must include it, and whatever is required in it.",
        hint: "Refuse it with 400 invalidValue, or declare the extension as not required.",
        wrong: "\"schemaExtensions\":[{\"schema\":\"urn:…:Warranty\",\"required\":true}]; POST without it → 201",
        right: "→ 400",
        proven_by: &["required-extension-ignored"],
        check: required_extension,
    },
];

fn not_served(view: &View<'_>) -> Verdict {
    // What is asked of the list may be refused with 501 where the list is not.
    let sorts = view.exchange.request.query.as_deref().is_some_and(|q| q.to_ascii_lowercase().contains("sort"));
    if view.call.op != Op::List || view.call.filter_text.is_some() || sorts || !view.call.authenticated() {
        return Verdict::NotApplicable;
    }
    if !view.target.listed(&view.call.endpoint) || view.exchange.request.path.ends_with('/') {
        return Verdict::NotApplicable;
    }
    match view.status() {
        404 | 405 | 501 => {
            Verdict::fail("status", "200: /ResourceTypes lists this endpoint", view.status().to_string())
        }
        200 => Verdict::Pass,
        _ => Verdict::NotApplicable,
    }
}

/// An attribute where it stands: URN of the extension, or nothing in the core.
type Place<'a> = (Option<&'a str>, &'a Attribute);

/// Top-level attributes of a type that differ from the common ones.
fn places(rt: &ResourceType) -> impl Iterator<Item = Place<'_>> {
    let core = rt.schema.attributes.iter().map(|a| (None, a));
    let extensions =
        rt.extensions.iter().flat_map(|e| e.schema.attributes.iter().map(move |a| (Some(e.schema.id.as_str()), a)));
    let common = |name: &str| ["id", "schemas", "meta", "externalId"].iter().any(|c| c.eq_ignore_ascii_case(name));
    core.chain(extensions).filter(move |(urn, a)| urn.is_some() || !common(&a.name))
}

fn at<'a>(doc: &'a Map<String, Value>, (urn, attribute): Place<'_>) -> Option<&'a Value> {
    let home = match urn {
        Some(urn) => get_ci(doc, urn)?.as_object()?,
        None => doc,
    };
    get_ci(home, &attribute.name).filter(|v| !facts::is_empty(v))
}

fn path((urn, attribute): Place<'_>) -> String {
    urn.map_or_else(|| attribute.name.clone(), |urn| format!("{urn}:{}", attribute.name))
}

/// The last accepted write to the resource that this read is about.
fn last_write<'a>(view: &View<'a>) -> Option<&'a Past> {
    let id = view.call.id.as_deref()?;
    view.earlier.iter().rev().find(|p| {
        let answered = || p.exchange.json()?.as_object().and_then(|o| get_ci(o, "id")).and_then(text_of);
        let about = match p.call.op {
            Op::Create => answered().as_deref() == Some(id),
            Op::Replace | Op::Patch => p.call.id.as_deref() == Some(id),
            _ => false,
        };
        about && p.call.endpoint == view.call.endpoint && p.exchange.accepted()
    })
}

/// What a write sent for an attribute as a whole.
fn sent(past: &Past, place: Place<'_>, rt: &ResourceType) -> Option<Value> {
    let body = past.call.body.as_ref()?.as_object()?;
    if past.call.op != Op::Patch {
        return at(body, place).cloned();
    }
    operations(body).filter(|o| get_ci(o, "op").and_then(Value::as_str) != Some("remove")).find_map(|o| {
        let value = get_ci(o, "value")?;
        match op_path(o) {
            None => at(value.as_object()?, place).cloned(),
            Some(text) => {
                let named = parse_path(text, rt).ok()?;
                let own = named.attr.urn.as_deref().filter(|u| !u.eq_ignore_ascii_case(&rt.schema.id));
                let same = named.attr.attr.eq_ignore_ascii_case(&place.1.name)
                    && own.map(str::to_lowercase) == place.0.map(str::to_lowercase);
                (same && named.filter.is_none() && named.sub.is_none() && named.attr.sub.is_none())
                    .then(|| value.clone())
            }
        }
    })
}

/// The whole representation that a read by id shows.
fn read<'a>(view: &View<'a>) -> Option<(&'a Map<String, Value>, &'a ResourceType)> {
    let whole = view.call.op == Op::Read && view.status() == 200 && !view.call.projected();
    let known = view.before.find(&view.call.endpoint, view.call.id.as_deref()?)?;
    let ours = known.tenant == tenant_of(view.call) && known.state == State::Live;
    (whole && ours && view.call.method == "GET").then(|| Some((view.object()?, view.resource_type()?))).flatten()
}

/// What the resource showed when it was last read.
fn before<'a>(view: &View<'a>) -> Option<&'a Map<String, Value>> {
    view.before.find(&view.call.endpoint, view.call.id.as_deref()?)?.last_full.as_ref()?.as_object()
}

/// A value that nobody arrives at by accident.
fn telling(value: &Value) -> bool {
    match value {
        Value::String(text) => text.len() >= 8,
        Value::Array(items) => items.iter().any(telling),
        Value::Object(map) => map.values().any(telling),
        _ => false,
    }
}

fn read_only(view: &View<'_>) -> Verdict {
    let (Some((shown, rt)), Some(write)) = (read(view), last_write(view)) else { return Verdict::NotApplicable };
    let mut seen = false;
    for place in places(rt).filter(|(_, a)| a.mutability == Mutability::ReadOnly) {
        let Some(sent) = sent(write, place, rt).filter(telling) else { continue };
        // What was there before is echoed: by a client that writes back what it has read.
        if before(view).and_then(|b| at(b, place)) == Some(&sent) || before_write(view, write, place) == Some(&sent) {
            continue;
        }
        seen = true;
        if at(shown, place) == Some(&sent) && !made_of_others(&sent, write, &place.1.name, shown) {
            return Verdict::Fail(vec![
                Finding::new(format!("body /{}", path(place)), "the server's own value", short(&sent))
                    .because(write.step.clone()),
            ]);
        }
    }
    if seen { Verdict::Pass } else { Verdict::NotApplicable }
}

/// The value is one that the server makes of the rest as well: a displayName of the parts of the name, some of which may have been
/// there before; e-mails of the userName.
fn made_of_others(sent: &Value, write: &Past, name: &str, shown: &Map<String, Value>) -> bool {
    let Some(body) = &write.call.body else { return false };
    if let Some(values) = values_alone(sent) {
        let rest = shown.iter().filter(|(key, _)| !key.eq_ignore_ascii_case(name));
        return made_of(&values, &rest.flat_map(|(_, value)| texts(value, name)).collect::<Vec<_>>());
    }
    let parts = get_ci(shown, "name").filter(|_| facts::computed_name(name));
    if parts.is_some_and(|parts| made_of(sent.as_str().as_slice(), &texts(parts, "formatted"))) {
        return true;
    }
    let others = if write.call.op == Op::Patch {
        let of_it = |path: &str| path.to_ascii_lowercase().ends_with(&name.to_ascii_lowercase());
        let other = body.as_object().into_iter().flat_map(operations).filter(|o| !op_path(o).is_some_and(of_it));
        other.filter_map(|o| get_ci(o, "value")).flat_map(|value| texts(value, name)).collect()
    } else {
        texts(body, name)
    };
    made_of(sent.as_str().as_slice(), &others)
}

/// The `value` of each element of a list of objects, without which there is nothing in them; what is beside it says of which kind.
fn values_alone(list: &Value) -> Option<Vec<&str>> {
    let values: Option<Vec<&str>> = list.as_array()?.iter().map(|v| value_ci(v, "value")?.as_str()).collect();
    values.filter(|all| !all.is_empty())
}

/// What an attribute was before the last accepted write to the resource, as an answer of this case showed it.
fn before_write<'a>(view: &View<'a>, write: &Past, place: Place<'_>) -> Option<&'a Value> {
    let id = view.call.id.as_deref()?;
    let until = view.earlier.iter().position(|p| std::ptr::eq(p, write))?;
    let shown = |past: &'a Past| {
        let body = past.exchange.json()?.as_object()?;
        let about = past.exchange.accepted() && get_ci(body, "id").and_then(text_of).as_deref() == Some(id);
        about.then(|| at(body, place)).flatten()
    };
    view.earlier[..until].iter().rev().find_map(shown)
}

fn immutable(view: &View<'_>) -> Verdict {
    let (Some((shown, rt)), Some(write)) = (read(view), last_write(view)) else { return Verdict::NotApplicable };
    let last = view.earlier.iter().rev().find(|p| matches!(p.call.op, Op::Replace | Op::Patch));
    let mut seen = false;
    for place in places(rt).filter(|(_, a)| a.mutability == Mutability::Immutable && !a.multi_valued) {
        let (Some(was), Some(is)) = (before_write(view, write, place), at(shown, place)) else { continue };
        seen |= last.and_then(|p| sent(p, place, rt)).is_some_and(|s| &s != was);
        if was != is && sent(write, place, rt).as_ref() == Some(is) {
            return Verdict::Fail(vec![
                Finding::new(format!("body /{}", path(place)), short(was), short(is)).because(write.step.clone()),
            ]);
        }
    }
    if seen { Verdict::Pass } else { Verdict::NotApplicable }
}

fn request_only(view: &View<'_>) -> Verdict {
    let Some(rt) = view.resource_type() else { return Verdict::NotApplicable };
    let reads = matches!(view.call.op, Op::Read | Op::List | Op::Search) && view.call.attributes.is_none();
    let on_request: Vec<Place<'_>> = places(rt).filter(|(_, a)| a.returned == Returned::Request).collect();
    let resources = view.resources();
    if !reads || on_request.is_empty() || resources.is_empty() {
        return Verdict::NotApplicable;
    }
    match on_request.into_iter().find_map(|p| Some((p, resources.iter().find_map(|r| at(r, p))?))) {
        Some((place, value)) => {
            Verdict::fail(format!("body /{}", path(place)), "absent: returned request", short(value))
        }
        None => Verdict::Pass,
    }
}

/// Single text attributes that are declared unique, but for those that have rules of their own.
fn unique_places(rt: &ResourceType) -> impl Iterator<Item = Place<'_>> {
    places(rt).filter(|(_, a)| {
        a.uniqueness != Uniqueness::None
            && a.kind == AttrType::String
            && !a.multi_valued
            && !["userName", "displayName"].contains(&a.name.as_str())
    })
}

fn unique(view: &View<'_>) -> Verdict {
    if view.call.op != Op::Create || !view.call.authenticated() || view.status() == 0 || view.status() >= 500 {
        return Verdict::NotApplicable;
    }
    let (Some(rt), Some(body)) = (view.resource_type(), view.call.body.as_ref().and_then(Value::as_object)) else {
        return Verdict::NotApplicable;
    };
    for place in unique_places(rt) {
        let Some(wanted) = at(body, place).and_then(Value::as_str) else { continue };
        let tenant = tenant_of(view.call);
        // Among the last ones, so that a crowd is no burden.
        let all = view.before.known.len() as u32;
        let holder = (all.saturating_sub(500)..all).map(|n| view.before.known.glance(n)).find(|k| {
            let held = k.last_full.as_deref().and_then(Value::as_object).and_then(|d| at(d, place));
            k.endpoint == view.call.endpoint
                && k.tenant == tenant
                && k.state == State::Live
                && !k.dirty
                && held.and_then(Value::as_str) == Some(wanted)
        });
        let Some(holder) = holder else { continue };
        if !view.accepted() {
            return Verdict::Pass;
        }
        // Only a value that the answer shows as well was really given twice.
        if view.object().and_then(|o| at(o, place)).and_then(Value::as_str) == Some(wanted) {
            return Verdict::Fail(vec![
                Finding::new("status", "409 uniqueness", view.status().to_string())
                    .message(format!("{} {wanted:?} belongs to {}", path(place), holder.path()))
                    .because(holder.step.clone()),
            ]);
        }
    }
    Verdict::NotApplicable
}

fn required_extension(view: &View<'_>) -> Verdict {
    if view.call.op != Op::Create || !view.call.authenticated() || view.status() == 0 || view.status() >= 500 {
        return Verdict::NotApplicable;
    }
    let (Some(rt), Some(body)) = (view.resource_type(), view.call.body.as_ref().and_then(Value::as_object)) else {
        return Verdict::NotApplicable;
    };
    let Some(lost) = crate::shadow::forecast::required_extension_lost(body, rt) else {
        return Verdict::NotApplicable;
    };
    // Who fills in what the client left out has a whole resource, too (RFC 7644 §3.3).
    let filled = |answer| crate::shadow::forecast::required_extension_lost(answer, rt).is_none();
    if view.accepted() && view.object().is_some_and(filled) {
        Verdict::NotApplicable
    } else if view.accepted() {
        Verdict::fail("status", format!("400: {lost} is required"), view.status().to_string())
    } else {
        Verdict::Pass
    }
}

fn create_mutability(view: &View<'_>) -> Verdict {
    let (Op::Create, true, Some(rt)) = (view.call.op, view.call.authenticated(), view.resource_type()) else {
        return Verdict::NotApplicable;
    };
    let Some(body) = view.call.body.as_ref().and_then(Value::as_object) else { return Verdict::NotApplicable };
    let fixed = |map: &Map<String, Value>, attributes: &[Attribute]| {
        attributes.iter().any(|a| a.mutability == Mutability::ReadOnly && get_ci(map, &a.name).is_some())
    };
    let within = |urn: &str| get_ci(body, urn).and_then(Value::as_object);
    let read_only = ["id", "meta"].iter().any(|name| get_ci(body, name).is_some())
        || fixed(body, &rt.schema.attributes)
        || rt.extensions.iter().any(|e| within(&e.schema.id).is_some_and(|map| fixed(map, &e.schema.attributes)));
    if read_only {
        return Verdict::NotApplicable;
    }
    if view.accepted() {
        return Verdict::Pass;
    }
    let word = view.object().and_then(|o| get_ci(o, "scimType")).and_then(Value::as_str);
    match word.filter(|w| view.client_error() && w.eq_ignore_ascii_case("mutability")) {
        Some(_) => Verdict::fail("status", "201 Created", format!("{} mutability", view.status())),
        None => Verdict::NotApplicable,
    }
}
