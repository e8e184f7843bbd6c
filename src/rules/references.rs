//! What resources say about each other (RFC 7643 §2.3.7, §4.1.2, §4.2, §4.3): references that lead to what they name, names
//! that are still right, and the same picture in a list and in the answer to a create.

use super::rule::{Finding, Impact, Level, Rule, Verdict};
use super::view::{Past, View, below, short};
use crate::scim::schema::{Attribute, ResourceType, Returned};
use crate::scim::urn;
use crate::scim::value::get_ci;
use crate::shadow::{Known, Op, State, facts};
use serde_json::{Map, Value};

/// Rules of this area.
pub static RULES: &[Rule] = &[
    Rule {
        id: "schema/reference-wrong",
        title: "`$ref` of a group, a member or a manager leads elsewhere",
        spec: "RFC 7643 §2.3.7, §4.1.2, §4.2, §4.3",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["user-groups-ref", "manager-ref"],
        explain: "`$ref` is the URI of what `value` names: a group of a user lives below /Groups, a manager below /Users, a member where it is read, and the URI ends in the id.",
        hint: "Build it from base URL, endpoint and id.",
        wrong: "{\"groups\":[{\"value\":\"g1\",\"$ref\":\"https://…/Users/g1\"}]}",
        right: "{\"groups\":[{\"value\":\"g1\",\"$ref\":\"https://…/Groups/g1\"}]}",
        proven_by: &["user-groups-ref-below-users", "manager-ref-nowhere"],
        check: references,
    },
    Rule {
        id: "group/display-stale",
        title: "`display` of a group or member is the name from before a rename",
        spec: "RFC 7643 §4.1.2, §4.2",
        level: Level::Should,
        clash: false,
        impact: Impact::None,
        breaks: &[],
        requirements: &["display-follows"],
        explain: "`display` is a readable name of what `value` refers to. Here the group (or the user) was renamed, reads show its new name, and this copy still has the old one. Members may keep what was sent with them, so of members it is only a note.",
        hint: "Take the name from the resource when it is read.",
        wrong: "PATCH /Groups/g displayName \"New\"\nGET /Users/u → {\"groups\":[{\"value\":\"g\",\"display\":\"Old\"}]}",
        right: "\"display\":\"New\"",
        proven_by: &["user-groups-display-stale"],
        check: display,
    },
    Rule {
        id: "list/entry-incomplete",
        title: "A list entry lacks an attribute that GET by id shows",
        spec: "RFC 7644 §3.4.2; RFC 7643 §7",
        level: Level::Should,
        clash: false,
        impact: Impact::ImportIncomplete,
        breaks: &[],
        requirements: &["list-items-complete"],
        explain: "Attributes that are returned by default are so in lists, too. Here one that the server itself fills (`groups`, for instance) is in GET by id and not in the list. An import that reads lists never sees it.",
        hint: "Render list entries with the same function as single resources, or declare the attribute `returned: request`.",
        wrong: "GET /Users/u → groups\nGET /Users → the same user without groups",
        right: "groups in both",
        proven_by: &["list-omits-groups"],
        check: entry_incomplete,
    },
    Rule {
        id: "create/answer-incomplete",
        title: "The answer to a create lacks what was sent, and the read right after it has it",
        spec: "RFC 7644 §3.3",
        level: Level::Should,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["create-answer-complete"],
        explain: "The 201 should hold the representation of the new resource. Clients take it for the truth: a group that is answered without members is filled again, a user without its e-mail addresses is updated at once.",
        hint: "Answer with what GET of the new resource gives.",
        wrong: "POST /Groups with two members → 201 {\"members\":[]}\nGET → both",
        right: "201 with both",
        proven_by: &[
            "create-group-answer-without-members",
            "create-user-answer-without-emails",
            "create-answer-hides-untyped-email",
            "custom-date-not-in-create-answer",
        ],
        check: answer_incomplete,
    },
];

/// One `value` with its `$ref`, and the endpoint that it must lead to.
struct Reference<'a> {
    place: &'static str,
    entry: &'a Map<String, Value>,
    home: &'static str,
}

fn of_user<'a>(view: &View<'_>, user: &'a Map<String, Value>) -> Vec<Reference<'a>> {
    let groups = get_ci(user, "groups").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
    let mut all: Vec<Reference<'a>> =
        groups.map(|entry| Reference { place: "groups", entry, home: "/Groups" }).collect();
    let manager =
        get_ci(user, urn::ENTERPRISE).and_then(Value::as_object).and_then(|e| get_ci(e, "manager")?.as_object());
    // The manager may be somebody of another system; one of ours lives below /Users.
    let ours = |id: &str| view.before.find("/Users", id).is_some_and(|k| k.state == State::Live);
    let known = manager.filter(|m| get_ci(m, "value").and_then(Value::as_str).is_some_and(ours));
    all.extend(known.map(|entry| Reference { place: "manager", entry, home: "/Users" }));
    all
}

/// Members that are resources of ours, and whose `$ref` is not the client's own.
fn of_group<'a>(view: &View<'_>, group: &'a Map<String, Value>) -> Vec<Reference<'a>> {
    let members = get_ci(group, "members").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
    let text = |entry: &'a Map<String, Value>, name: &str| get_ci(entry, name).and_then(Value::as_str);
    let home = |entry| {
        let id = text(entry, "value")?;
        let live = |endpoint| view.before.find(endpoint, id).is_some_and(|k| k.state == State::Live);
        match (live("/Users"), live("/Groups")) {
            (true, false) => Some("/Users"),
            (false, true) => Some("/Groups"),
            _ => None,
        }
    };
    let sent = |target: &str| {
        let bodies = view.earlier.iter().filter_map(|p| p.call.body.as_ref()).chain(&view.call.body);
        bodies.flat_map(|body| super::state::texts(body, "")).any(|text| text == target)
    };
    members
        .take(LOOKED_AT)
        .filter_map(|entry| Some(Reference { place: "members", entry, home: home(entry)? }))
        .filter(|r| text(r.entry, "$ref").is_some_and(|target| !sent(target)))
        .collect()
}

fn references(view: &View<'_>) -> Verdict {
    let of = match view.call.endpoint.as_str() {
        "/Users" => of_user,
        "/Groups" => of_group,
        _ => return Verdict::NotApplicable,
    };
    let mut seen = false;
    for reference in view.resources().iter().flat_map(|shown| of(view, shown)) {
        let text = |name: &str| get_ci(reference.entry, name).and_then(Value::as_str).filter(|t| !t.is_empty());
        let (Some(id), Some(target)) = (text("value"), text("$ref")) else { continue };
        seen = true;
        let path = target.trim_end_matches('/');
        let last = crate::exchange::percent_decode(path.rsplit('/').next().unwrap_or_default());
        let place = format!("body /{}/$ref", reference.place);
        let expected = format!("…{}/{id}", reference.home);
        if last != id {
            return Verdict::fail(place, expected, target);
        }
        if !below(path, reference.home) {
            let other = view.target.types.iter().any(|t| below(path, &t.endpoint));
            let finding = Finding::new(place, expected, target);
            return Verdict::Fail(vec![if other { finding } else { finding.level(Level::Should) }]);
        }
        if !path.contains(reference.home.trim_start_matches('/')) {
            // The path of a URI has case (RFC 3986 §6.2.2.1); that the server leads there all the same is possible.
            return Verdict::Fail(vec![Finding::new(place, expected, target).level(Level::Should)]);
        }
    }
    if seen { Verdict::Pass } else { Verdict::NotApplicable }
}

/// Entries of a large group that are looked at: they come from one place.
const LOOKED_AT: usize = 20;

fn display(view: &View<'_>) -> Verdict {
    let (list, home) = match view.call.endpoint.as_str() {
        "/Users" => ("groups", "/Groups"),
        "/Groups" => ("members", "/Users"),
        _ => return Verdict::NotApplicable,
    };
    let one = view.object().filter(|_| view.call.op == Op::Read && view.accepted());
    let entries = one.and_then(|o| get_ci(o, list)).and_then(Value::as_array);
    let mut seen = false;
    for entry in entries.into_iter().flatten().take(LOOKED_AT).filter_map(Value::as_object) {
        let text = |name: &str| get_ci(entry, name).and_then(Value::as_str);
        let (Some(id), Some(shown)) = (text("value"), text("display")) else { continue };
        let Some((was, is, step)) = view.before.find(home, id).and_then(renamed) else { continue };
        seen = true;
        if shown == was && shown != is {
            let finding = Finding::new(format!("body /{list}/display"), is, shown).because(step);
            return Verdict::Fail(vec![if list == "members" { finding.level(Level::Note) } else { finding }]);
        }
    }
    if seen { Verdict::Pass } else { Verdict::NotApplicable }
}

/// The displayName from before the last rename and the one that a read has shown since, and the step that renamed.
fn renamed(known: &Known) -> Option<(&str, &str, &str)> {
    let fact = known.facts.get("displayName")?;
    let read = known.last_full.as_deref().filter(|_| !known.dirty && known.refused.is_none())?;
    let is = get_ci(read.as_object()?, "displayName")?.as_str()?;
    let was = fact.previous.as_str().filter(|was| *was != is)?;
    (known.state == State::Live).then_some((was, is, fact.cause.step.as_str()))
}

fn entry_incomplete(view: &View<'_>) -> Verdict {
    let (Some(rt), Some(_), false) = (view.resource_type(), view.list(), view.call.projected()) else {
        return Verdict::NotApplicable;
    };
    let mut seen = false;
    for entry in view.resources() {
        let known =
            get_ci(entry, "id").and_then(Value::as_str).and_then(|id| view.before.find(&view.call.endpoint, id));
        let Some(known) = known.filter(|k| !k.dirty && k.refused.is_none() && k.state == State::Live) else { continue };
        let Some(read) = known.last_full.as_deref().and_then(Value::as_object) else { continue };
        if !unchanged_since_read(view, &known.id) {
            continue;
        }
        seen = true;
        if let Some((name, value)) = lacks(rt, read, entry).find(|(name, _)| !is_fact(known, name)) {
            let place = format!("entry {}, /{name}", known.id);
            return Verdict::fail(place, short(value), "nothing");
        }
    }
    if seen { Verdict::Pass } else { Verdict::NotApplicable }
}

/// True when nothing at all was written since that resource was read: what the server fills may follow from other resources.
fn unchanged_since_read(view: &View<'_>, id: &str) -> bool {
    let mut back = view.earlier.iter().rev();
    let reads = |p: &Past| p.call.op == Op::Read && p.call.id.as_deref() == Some(id) && p.exchange.accepted();
    back.find(|p| reads(p) || !matches!(p.call.method.as_str(), "GET" | "HEAD")).is_some_and(reads)
}

/// What a client wrote is held against lists by list/entry-differs-from-read.
fn is_fact(known: &Known, name: &str) -> bool {
    known.facts.keys().any(|k| k.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

/// Core attributes, returned by default, that one representation has and the other has not.
fn lacks<'a>(
    rt: &'a ResourceType,
    full: &'a Map<String, Value>,
    other: &'a Map<String, Value>,
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let default = rt.schema.attributes.iter().filter(|a| matches!(a.returned, Returned::Default | Returned::Always));
    default.filter_map(move |a| {
        let value = get_ci(full, &a.name).filter(|v| !facts::is_empty(v))?;
        get_ci(other, &a.name).is_none_or(facts::is_empty).then_some((a.name.as_str(), value))
    })
}

fn answer_incomplete(view: &View<'_>) -> Verdict {
    let (Op::Read, true, false, Some(id)) =
        (view.call.op, view.status() == 200, view.call.projected(), view.call.id.as_deref())
    else {
        return Verdict::NotApplicable;
    };
    let Some(rt) = view.resource_type() else { return Verdict::NotApplicable };
    // The read right after the create, so that nothing but the create lies behind it.
    let Some(create) = view.earlier.last().filter(|p| p.call.op == Op::Create && p.exchange.status() == Some(201))
    else {
        return Verdict::NotApplicable;
    };
    let answer = create.exchange.json().and_then(Value::as_object);
    let own = answer.filter(|a| get_ci(a, "id").and_then(Value::as_str) == Some(id) && a.len() > 2);
    let (Some(answer), Some(read), Some(sent)) =
        (own, view.object(), create.call.body.as_ref().and_then(Value::as_object))
    else {
        return Verdict::NotApplicable;
    };
    if create.call.projected() {
        return Verdict::NotApplicable;
    }
    let asked = |name: &str| get_ci(sent, name).is_some_and(|v| !facts::is_empty(v));
    let core = lacks(rt, read, answer).find(|(name, _)| asked(name)).map(|(name, value)| (name.to_owned(), value));
    match core.or_else(|| lacks_extended(rt, read, answer, sent)) {
        Some((name, value)) => Verdict::Fail(vec![
            Finding::new(
                format!("body /{name} of the 201"),
                short(value),
                get_ci(answer, &name).map_or("nothing".to_owned(), short),
            )
            .because(create.step.clone()),
        ]),
        None => Verdict::Pass,
    }
}

/// The first attribute of an extension that was sent, is read and is not in the other form.
fn lacks_extended<'a>(
    rt: &ResourceType,
    full: &'a Map<String, Value>,
    other: &Map<String, Value>,
    sent: &Map<String, Value>,
) -> Option<(String, &'a Value)> {
    rt.extensions.iter().find_map(|extension| {
        let urn = &extension.schema.id;
        let (full, sent) = (get_ci(full, urn)?.as_object()?, get_ci(sent, urn)?.as_object()?);
        let shown = get_ci(other, urn).and_then(Value::as_object);
        let default = |a: &&Attribute| matches!(a.returned, Returned::Default | Returned::Always);
        extension.schema.attributes.iter().filter(default).find_map(|a| {
            let value = get_ci(full, &a.name).filter(|v| !facts::is_empty(v))?;
            let asked = get_ci(sent, &a.name).is_some_and(|v| !facts::is_empty(v));
            let hidden = shown.and_then(|o| get_ci(o, &a.name)).is_none_or(facts::is_empty);
            (asked && hidden).then(|| (format!("{urn}:{}", a.name), value))
        })
    })
}
