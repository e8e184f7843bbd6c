//! Projection (RFC 7644 §3.9): `attributes` and `excludedAttributes` give what they name, and no more.

use super::rule::{Finding, Impact, Level, Rule, Verdict, refusal_rule};
use super::view::{Past, View, short};
use crate::scim::path::{AttrPath, PatchPath, parse_attr_path, parse_path, select};
use crate::scim::schema::{Attribute, ResourceType, Returned};
use crate::scim::value::{get_ci, value_ci};
use crate::shadow::{Known, Op, facts};
use serde_json::{Map, Value};

/// Rules of this area.
pub static RULES: &[Rule] = &[
    Rule {
        id: "projection/valid-projection-refused",
        title: "A read with a valid `attributes` or `excludedAttributes` is refused",
        spec: "RFC 7644 §3.9, §3.10",
        level: Level::Must,
        clash: false,
        impact: Impact::LookupFails,
        breaks: &[],
        requirements: &["proj-attributes-urn", "proj-attributes-get", "proj-excluded-get"],
        explain: "The parameter names declared attributes, with or without their schema URN. The resource exists, yet the read is refused.",
        hint: "Parse the names as attribute paths (RFC 7644 §3.10); ignore what you do not know.",
        wrong: "GET /Users/2819?attributes=urn:…:enterprise:2.0:User:department → 400",
        right: "→ 200 with that attribute",
        proven_by: &["projection-urn-rejected", "attributes-comma-400", "attributes-unset-400"],
        check: refusal_rule!("projection/valid-projection-refused"),
    },
    Rule {
        id: "projection/attribute-not-excluded",
        title: "`excludedAttributes` or `attributes` is not honoured",
        spec: "RFC 7644 §3.9, §3.4.2.5; Entra: excludedAttributes=members",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &["entra"],
        requirements: &[
            "proj-attributes-get",
            "proj-attributes-list",
            "proj-attributes-search",
            "proj-attributes-subattr",
            "proj-excluded-get",
            "proj-excluded-list",
            "proj-excluded-members",
            "proj-post-put-patch",
            "create-attributes-param",
            "put-attributes-param",
            "entra-group-get-no-members",
            "group-list-excludes-ok",
        ],
        explain: "An attribute that was excluded (or not asked for) is in the answer. Entra excludes `members` because large groups would not fit.",
        hint: "Cut the representation: the minimum set plus what `attributes` names, or the default set without what `excludedAttributes` names.",
        wrong: "GET /Groups/g?excludedAttributes=members → members",
        right: "→ no members",
        proven_by: &[
            "excludedattributes-members-ignored",
            "attributes-ignored",
            "attributes-on-list-ignored",
            "excludedattributes-ignored",
            "excludedattributes-on-get-ignored",
            "attributes-sub-gives-whole",
            "attributes-extension-gives-whole",
            "excludedattributes-sub-ignored",
            "excludedattributes-urn-ignored",
            "attributes-on-get-ignored",
            "attributes-on-write-ignored",
        ],
        check: not_excluded,
    },
    Rule {
        id: "projection/excluded-is-null",
        title: "An excluded attribute comes back as null",
        spec: "RFC 7644 §3.9; Entra: deserialisation",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &["entra"],
        requirements: &["proj-excluded-members", "entra-null-free"],
        explain: "What is excluded is absent. Entra cannot read `\"members\": null`. An empty list for what has values means the same by RFC 7643 §2.5; that is a note.",
        hint: "Leave the key out.",
        wrong: "{\"displayName\":\"team\",\"members\":null}",
        right: "{\"displayName\":\"team\"}",
        proven_by: &["excludedattributes-members-null", "excluded-members-empty-list"],
        check: excluded_null,
    },
    Rule {
        id: "projection/always-returned-missing",
        title: "`id` (or another attribute that is always returned) was projected away",
        spec: "RFC 7643 §7 (returned always); RFC 7644 §3.9",
        level: Level::Must,
        clash: false,
        impact: Impact::UserNotFound,
        breaks: &[],
        requirements: &["proj-attributes-minimum", "proj-excluded-always", "returned-always"],
        explain: "The minimum set, `id` above all, is there whatever the client asks for.",
        hint: "Add the minimum set after projecting.",
        wrong: "?attributes=displayName → {\"displayName\":\"x\"}",
        right: "→ {\"id\":\"2819\",\"schemas\":[…],\"displayName\":\"x\"}",
        proven_by: &[
            "create-response-without-id",
            "attributes-drops-id",
            "excludedattributes-drops-id",
            "always-returned-excluded",
        ],
        check: always_missing,
    },
    Rule {
        id: "projection/excludes-too-much",
        title: "`excludedAttributes` takes away more than it names",
        spec: "RFC 7644 §3.9 (excludedAttributes: removed from the default set)",
        level: Level::Must,
        clash: false,
        impact: Impact::ImportIncomplete,
        breaks: &[],
        requirements: &["proj-excluded-get"],
        explain: "The request names what to leave out; everything else that a plain read shows has to be there. Here an attribute or a whole extension that nobody named is missing, and an import takes it for empty.",
        hint: "Start from the default set and remove what is named, nothing else; extensions are part of the default set.",
        wrong: "GET /Users/2819?excludedAttributes=displayName → no enterprise extension",
        right: "→ all but displayName",
        proven_by: &["excluded-drops-extensions"],
        check: excludes_too_much,
    },
    Rule {
        id: "projection/asked-attribute-missing",
        title: "An attribute that `attributes` asks for is missing or empty",
        spec: "RFC 7644 §3.9, §3.10",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["proj-attributes-get", "proj-attributes-mv", "proj-attributes-urn", "proj-attributes-case"],
        explain: "The resource has a value (a full read shows it), and the request asks for it by name. Asking for a complex attribute gives all its sub-attributes.",
        hint: "Match names without regard to case and with URNs; a parent stands for all its sub-attributes.",
        wrong: "?attributes=name → {\"name\":{}}",
        right: "→ {\"name\":{\"givenName\":\"A\",\"familyName\":\"B\"}}",
        proven_by: &[
            "attributes-elements-empty",
            "attributes-complex-parent-empty",
            "attributes-case-sensitive",
            "attributes-sub-ignored",
            "attributes-list-cut",
            "attributes-list-missing",
            "attributes-extension-sub-ignored",
            "attributes-display-name-of-groups-missing",
        ],
        check: asked,
    },
    Rule {
        id: "projection/schemas-missing",
        title: "`schemas` was projected away",
        spec: "RFC 7643 §3, §7 (returned always)",
        level: Level::Should,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["proj-attributes-minimum"],
        explain: "Every representation names its schemas, also a cut-down one. An example in RFC 7644 §3.4.2 leaves them out, so no server fails for it; strict clients refuse such a resource all the same.",
        hint: "Add schemas and id after projecting.",
        wrong: "?attributes=userName → {\"id\":\"2819\",\"userName\":\"a\"}",
        right: "→ {\"schemas\":[…],\"id\":\"2819\",\"userName\":\"a\"}",
        proven_by: &["attributes-drops-schemas"],
        check: schemas_missing,
    },
];

/// Representations that a projection applies to, and the names it is made of.
fn projected<'v, 'a>(view: &'v View<'a>) -> &'v [&'a Map<String, Value>] {
    if view.call.projected()
        && view.on_resources()
        && view.call.method != "HEAD"
        && !(view.call.attributes.is_some() && view.call.excluded.is_some())
    {
        view.resources()
    } else {
        &[]
    }
}

const ALWAYS: [&str; 3] = ["id", "schemas", "meta"];

fn top(name: &str, view: &View<'_>) -> String {
    let rt = view.resource_type();
    let urn = rt.and_then(|r| {
        r.extensions.iter().find(|e| name.to_ascii_lowercase().starts_with(&e.schema.id.to_ascii_lowercase()))
    });
    if let Some(e) = urn {
        return e.schema.id.clone();
    }
    let rest = rt.map_or(name, |r| {
        let id = &r.schema.id;
        let head = name.get(..id.len()).filter(|head| head.eq_ignore_ascii_case(id));
        head.and_then(|_| name[id.len()..].strip_prefix([':', '.'])).unwrap_or(name)
    });
    rest.split('.').next().unwrap_or(rest).to_owned()
}

fn not_excluded(view: &View<'_>) -> Verdict {
    let bodies = projected(view);
    let Some(rt) = view.resource_type() else { return Verdict::NotApplicable };
    let mut findings: Vec<Finding> = Vec::new();
    let mut judged = false;
    for body in bodies {
        if get_ci(body, "id").is_none() && view.call.op != Op::Read {
            continue;
        }
        judged = true;
        let excluded = view.call.excluded.iter().flatten();
        findings.extend(excluded.filter_map(|name| still_there(body, name, rt)));
        if let Some(asked) = &view.call.attributes {
            findings.extend(not_asked(view, body, asked, rt));
            findings.extend(beside(body, asked, rt));
        }
        findings.truncate(3);
    }
    if judged { Verdict::from_findings(findings) } else { Verdict::NotApplicable }
}

/// An attribute that `excludedAttributes` names, in whatever notation (RFC 7644 §3.10), and that is in the body all the same.
fn still_there(body: &Map<String, Value>, name: &str, rt: &ResourceType) -> Option<Finding> {
    if !name.contains(['.', ':']) {
        // No definition makes `meta` one that is always returned (RFC 7643 §2.2, §3.1), and none says that it is not: many show it.
        let meta = name.eq_ignore_ascii_case("meta");
        let shown = (meta || !always(name, rt)) && get_ci(body, name).is_some_and(|v| !facts::is_empty(v));
        let finding = Finding::new(format!("body /{name}"), "absent", "present");
        return shown.then(|| if meta { finding.level(Level::Note) } else { finding });
    }
    let path = parse_path(name, rt).ok()?;
    let found = rt.attribute(&path.attr)?;
    if [Some(found.attribute), found.sub].into_iter().flatten().any(|a| a.returned == Returned::Always) {
        return None;
    }
    let whole = Value::Object(body.clone());
    let shown = select(&whole, &path, rt).into_iter().any(|v| !facts::is_empty(v));
    let finding = Finding::new(format!("body /{name}"), "absent", "present");
    shown.then(|| if path.sub_name().is_some() { finding.level(Level::Should) } else { finding })
}

/// An attribute that `attributes` does not name at all.
fn not_asked(view: &View<'_>, body: &Map<String, Value>, asked: &[String], rt: &ResourceType) -> Option<Finding> {
    let kept: Vec<String> = asked.iter().map(|n| top(n, view)).collect();
    // An extension of the server's own may hold attributes that are always returned.
    let own = |k: &str| k.starts_with("urn:") && !k.eq_ignore_ascii_case(crate::scim::urn::ENTERPRISE);
    let (name, _) = body.iter().filter(|(k, _)| !own(k)).find(|(k, v)| {
        !ALWAYS.iter().any(|a| a.eq_ignore_ascii_case(k))
            && !always(k, rt)
            && !kept.iter().any(|n| n.eq_ignore_ascii_case(k))
            && !facts::is_empty(v)
    })?;
    Some(Finding::new(format!("body /{name}"), format!("absent: only {} was asked for", asked.join(", ")), "present"))
}

/// What holds an attribute that was asked for, and what else may stand in it: a complex attribute, or an extension.
fn holder<'a>(path: &PatchPath, rt: &'a ResourceType) -> Option<(PatchPath, &'a [Attribute])> {
    if path.sub_name().is_some() {
        let bare = PatchPath { attr: AttrPath { sub: None, ..path.attr.clone() }, filter: None, sub: None };
        return Some((bare, &rt.attribute(&path.attr)?.attribute.sub_attributes));
    }
    let urn = path.attr.urn.as_deref()?;
    let extension = rt.extensions.iter().find(|e| e.schema.id.eq_ignore_ascii_case(urn))?;
    Some((parse_path(urn, rt).ok()?, &extension.schema.attributes))
}

/// What stands beside a sub-attribute (or beside an attribute of an extension) that was asked for, and was not. The client has
/// what it wants, so what is too much of one complex value is no more than a SHOULD.
fn beside(body: &Map<String, Value>, asked: &[String], rt: &ResourceType) -> Option<Finding> {
    let whole = Value::Object(body.clone());
    let paths: Vec<PatchPath> = asked.iter().filter_map(|n| parse_path(n, rt).ok()).collect();
    let covers = |path: &PatchPath, holder: &PatchPath, name: &str| {
        let same = path.attr.attr.eq_ignore_ascii_case(&holder.attr.attr);
        match holder.is_whole_schema() {
            true => path.is_whole_schema() || path.attr.attr.eq_ignore_ascii_case(name),
            false => same && path.sub_name().is_none_or(|s| s.eq_ignore_ascii_case(name)),
        }
    };
    paths.iter().filter(|p| !p.is_whole_schema()).find_map(|path| {
        let (holder, siblings) = holder(path, rt)?;
        let values = select(&whole, &holder, rt);
        let shown = |name: &str| {
            values.iter().any(|v| v.as_object().and_then(|o| get_ci(o, name)).is_some_and(|v| !facts::is_empty(v)))
        };
        let extra = siblings.iter().find(|a| {
            a.returned != Returned::Always && shown(&a.name) && !paths.iter().any(|p| covers(p, &holder, &a.name))
        })?;
        let expected = format!("absent: only {} was asked for", asked.join(", "));
        let finding = Finding::new(format!("body /{holder}/{}", extra.name), expected, "present");
        Some(if holder.is_whole_schema() { finding } else { finding.level(Level::Should) })
    })
}

/// True for attributes whose `returned` is always, which no projection takes away (RFC 7643 §7).
fn always(name: &str, rt: &ResourceType) -> bool {
    ALWAYS.iter().any(|a| a.eq_ignore_ascii_case(name))
        || parse_attr_path(name)
            .ok()
            .and_then(|p| rt.attribute(&p).map(|r| r.attribute.returned == Returned::Always))
            .unwrap_or(false)
}

/// What a plain read showed, nobody excluded, and is not there. `groups` and `meta` are the server's own and may change.
fn excludes_too_much(view: &View<'_>) -> Verdict {
    let (Some(excluded), Some(rt), Op::Read) = (&view.call.excluded, view.resource_type(), view.call.op) else {
        return Verdict::NotApplicable;
    };
    let (Some(shown), Some(known)) = (
        projected(view).iter().next(),
        view.call.id.as_deref().and_then(|id| view.before.find(&view.call.endpoint, id)),
    ) else {
        return Verdict::NotApplicable;
    };
    let full = known.last_full.as_ref().filter(|_| !known.dirty && known.refused.is_none());
    let Some(full) = full.and_then(|f| f.as_object()) else { return Verdict::NotApplicable };
    let named = |key: &str| {
        let key = key.to_ascii_lowercase();
        ["schemas", "id", "meta", "groups"].contains(&key.as_str())
            || excluded
                .iter()
                .map(|n| n.to_ascii_lowercase())
                .any(|n| n.starts_with(&key) || n.ends_with(&format!(":{key}")))
            || excluded.iter().any(|n| top(n, view).eq_ignore_ascii_case(&key))
    };
    let declared =
        |key: &str| key.starts_with("urn:") || rt.schema.attributes.iter().any(|a| a.name.eq_ignore_ascii_case(key));
    let kept: Vec<(&String, &Value)> =
        full.iter().filter(|(k, v)| !named(k) && declared(k) && !facts::is_empty(v)).collect();
    match kept.iter().find(|(k, _)| get_ci(shown, k).is_none_or(facts::is_empty)) {
        Some((key, was)) => Verdict::fail(format!("body /{key}"), format!("{}: not excluded", short(was)), "nothing"),
        None if kept.is_empty() => Verdict::NotApplicable,
        None => Verdict::Pass,
    }
}

fn excluded_null(view: &View<'_>) -> Verdict {
    let Some(excluded) = &view.call.excluded else { return Verdict::NotApplicable };
    let bodies = projected(view);
    if bodies.is_empty() {
        return Verdict::NotApplicable;
    }
    // Whoever has no value may be shown with null (RFC 7643 §2.5), asked for or not.
    let nulled = |b: &Map<String, Value>, n: &str| get_ci(b, n).is_some_and(Value::is_null) && had_value(view, b, n);
    let null = excluded.iter().find(|n| bodies.iter().any(|b| nulled(b, n)));
    if let Some(name) = null {
        return Verdict::fail(format!("body /{name}"), "absent", "null");
    }
    if let Some(name) = excluded.iter().find(|n| bodies.iter().any(|b| get_ci(b, n).is_some_and(Value::is_null))) {
        let finding = Finding::new(format!("body /{name}"), "absent", "null, as for what has no value");
        // Entra cannot read `"members": null`; null for another attribute that has no value is nothing to it.
        let members = name.eq_ignore_ascii_case("members");
        return Verdict::Fail(vec![finding.level(if members { Level::Idp } else { Level::Note })]);
    }
    match excluded.iter().find(|n| bodies.iter().any(|b| emptied(view, b, n))) {
        Some(name) => {
            let finding = Finding::new(format!("body /{name}"), "absent", "an empty list, and it has values");
            Verdict::Fail(vec![finding.level(Level::Note)])
        }
        None => Verdict::Pass,
    }
}

/// What is known of the resource that a body shows; of a stranger nothing is.
fn known_of<'v>(view: &'v View<'_>, body: &Map<String, Value>) -> Option<&'v Known> {
    view.before.find(&view.call.endpoint, get_ci(body, "id")?.as_str()?)
}

/// True for what the resource has by all that is known.
fn had_value(view: &View<'_>, body: &Map<String, Value>, name: &str) -> bool {
    known_of(view, body).is_some_and(|k| value_ci(&k.doc, name).is_some_and(|v| !facts::is_empty(v)))
}

/// True for an empty list where the last full read showed values: it says the same as null. A server that writes an empty list
/// for each attribute without a value does so here, too.
fn emptied(view: &View<'_>, body: &Map<String, Value>, name: &str) -> bool {
    let known = known_of(view, body).filter(|k| !k.dirty && k.refused.is_none());
    let was = known.and_then(|k| get_ci(k.last_full.as_ref()?.as_object()?, name));
    let empty = |v: &Value| v.as_array().is_some_and(Vec::is_empty);
    let others = |shown: &Map<String, Value>| shown.iter().any(|(key, v)| !key.eq_ignore_ascii_case(name) && empty(v));
    let manner = |p: &Past| p.exchange.json().and_then(Value::as_object).is_some_and(others);
    get_ci(body, name).is_some_and(empty)
        && was.is_some_and(|v| !facts::is_empty(v))
        && !view.earlier.iter().any(manner)
}

fn always_missing(view: &View<'_>) -> Verdict {
    let bodies = projected(view);
    if bodies.is_empty() {
        return Verdict::NotApplicable;
    }
    if bodies.iter().any(|b| get_ci(b, "id").is_none()) {
        return Verdict::fail("body /id", "there: it is always returned", "missing");
    }
    let Some(rt) = view.resource_type() else { return Verdict::Pass };
    let always = rt.schema.attributes.iter().filter(|a| a.returned == Returned::Always);
    for name in always.map(|a| a.name.as_str()).filter(|n| !["id", "schemas"].contains(n)) {
        let lost = bodies.iter().find_map(|b| {
            let id = get_ci(b, "id")?.as_str()?;
            let known = view.before.find(&view.call.endpoint, id).filter(|k| !k.dirty && k.refused.is_none())?;
            let was = get_ci(known.last_full.as_ref()?.as_object()?, name).filter(|v| !facts::is_empty(v))?;
            get_ci(b, name).is_none_or(facts::is_empty).then_some(was)
        });
        if let Some(was) = lost {
            return Verdict::fail(format!("body /{name}"), format!("{}: always returned", short(was)), "missing");
        }
    }
    Verdict::Pass
}

fn asked(view: &View<'_>) -> Verdict {
    let Some(names) = &view.call.attributes else { return Verdict::NotApplicable };
    let Some(rt) = view.resource_type() else { return Verdict::NotApplicable };
    let mut judged = false;
    for body in projected(view) {
        let Some(known) =
            get_ci(body, "id").and_then(Value::as_str).and_then(|id| view.before.find(&view.call.endpoint, id))
        else {
            continue;
        };
        let Some(full) = known.last_full.as_ref().filter(|_| {
            !known.dirty && known.refused.is_none() && view.call.op != Op::Patch && view.call.op != Op::Replace
        }) else {
            continue;
        };
        for name in names {
            let Ok(path) = parse_path(name, rt) else { continue };
            let wanted: Vec<&Value> = select(full, &path, rt).into_iter().filter(|v| !facts::is_empty(v)).collect();
            if wanted.is_empty() {
                continue;
            }
            judged = true;
            let whole = Value::Object(Map::clone(body));
            let shown: Vec<&Value> = select(&whole, &path, rt).into_iter().filter(|v| !facts::is_empty(v)).collect();
            if shown.is_empty() {
                return Verdict::fail(format!("body /{name}"), short(wanted[0]), "nothing");
            }
            if !["groups", "meta"].iter().any(|own| path.attr.attr.eq_ignore_ascii_case(own))
                && let Some(finding) = cut_short(name, &wanted, &shown)
            {
                return Verdict::Fail(vec![finding]);
            }
        }
    }
    if judged { Verdict::Pass } else { Verdict::NotApplicable }
}

/// A value that came back in part: some elements of a list, some sub-attributes of a complex one.
fn cut_short(name: &str, wanted: &[&Value], shown: &[&Value]) -> Option<Finding> {
    let place = format!("body /{name}");
    if shown.len() < wanted.len() {
        return Some(Finding::new(place, format!("{} values", wanted.len()), format!("{} of them", shown.len())));
    }
    let [Value::Object(was)] = wanted else { return None };
    let now = shown[0].as_object()?;
    let (lost, value) = was.iter().find(|(k, v)| !facts::is_empty(v) && get_ci(now, k).is_none_or(facts::is_empty))?;
    Some(Finding::new(format!("{place}/{lost}"), short(value), "nothing"))
}

/// True where the last answer that showed the whole resource had no `schemas` either: that is told there.
fn never_had_schemas(view: &View<'_>, body: &Map<String, Value>) -> bool {
    let whole = known_of(view, body).and_then(|k| k.last_full.as_deref().or(k.last_answer.as_deref()));
    whole.and_then(Value::as_object).is_some_and(|whole| get_ci(whole, "schemas").is_none_or(facts::is_empty))
}

fn schemas_missing(view: &View<'_>) -> Verdict {
    let bodies = projected(view);
    // A client that excludes schemas by name has asked for it.
    let excluded = view.call.excluded.iter().flatten().any(|n| n.eq_ignore_ascii_case("schemas"));
    if bodies.is_empty() || excluded {
        return Verdict::NotApplicable;
    }
    let missing = |b: &Map<String, Value>| get_ci(b, "schemas").is_none_or(facts::is_empty);
    if bodies.iter().any(|b| missing(b) && !never_had_schemas(view, b)) {
        return Verdict::fail("body /schemas", "the resource's schemas", "missing");
    }
    Verdict::Pass
}
