//! What a user's `groups` shows, held against what the groups show (RFC 7643 §4.1.2).
//!
//! Must not judge the groups' own `members`: `groups` does.

use super::rule::{Finding, Impact, Level, Rule, Verdict};
use super::state::writes_since;
use super::view::{Past, View, short};
use crate::scim::schema::Returned;
use crate::scim::value::{get_ci, value_ci};
use crate::shadow::forecast::{op_path, operations};
use crate::shadow::{Entry, Known, Op, State, member_ids, text_of};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Rules of this area.
pub static RULES: &[Rule] = &[
    Rule {
        id: "group/user-groups-duplicated",
        title: "A user shows the same group twice",
        spec: "RFC 7643 §2.4, §4.1.2",
        level: Level::Should,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["data-no-dup-type-value"],
        explain: "`groups` should not hold the same pair of type and value more than once. It happens where two additions of one member at the same time both found that the member is missing, or where a join gives a row for each way into the group.",
        hint: "Make the pair of group and member unique in the store, and select distinct groups.",
        wrong: "GET /Users/u1 → \"groups\":[{\"value\":\"g1\"},{\"value\":\"g1\"}]",
        right: "→ \"groups\":[{\"value\":\"g1\"}]",
        proven_by: &["user-groups-twice"],
        check: user_groups_duplicated,
    },
    Rule {
        id: "group/user-groups-stale",
        title: "A user's `groups` does not agree with the groups' members",
        spec: "RFC 7643 §4.1.2 (groups)",
        level: Level::Must,
        clash: false,
        impact: Impact::AccessKept,
        breaks: &[],
        requirements: &["user-groups-reflects", "delete-group-updates-user-groups"],
        explain: "`groups` is read-only and shows the groups that a user belongs to. Here it names a group that was deleted or that the user is no member of, or lacks one whose members name the user.",
        hint: "Derive `groups` from the groups when it is read.",
        wrong: "DELETE /Groups/g → 204\nGET /Users/u → {\"groups\":[{\"value\":\"g\"}]}",
        right: "GET /Users/u → no groups",
        proven_by: &[
            "delete-group-remains-in-user-groups",
            "user-groups-keep-removed",
            "user-groups-first-only",
            "user-groups-always-empty",
            "user-groups-declared-and-absent",
            "inactive-members-hidden",
            "user-groups-id-for-value",
            "user-groups-without-value",
        ],
        check: user_groups_stale,
    },
    Rule {
        id: "deactivate/memberships-lost",
        title: "Who is reactivated is no longer in the groups",
        spec: "RFC 7643 §4.1.1 (active, to be defined by the service provider); Okta C9293: the same attributes after reactivation",
        level: Level::Idp,
        clash: false,
        impact: Impact::MembersLost,
        breaks: &["okta", "entra"],
        requirements: &["okta-reactivate"],
        explain: "The RFC leaves it to the product what deactivation means, and some end every membership with it. Identity providers send a membership once: for them the person was a member all the time, so nothing is sent again after the reactivation, and nobody sees why the access is missing.",
        hint: "Let the memberships stay; who is inactive has no access anyway.",
        wrong: "PATCH active=false, PATCH active=true\nGET /Users/u → no groups",
        right: "GET /Users/u → the groups as before",
        proven_by: &["deactivation-leaves-groups"],
        check: memberships_lost,
    },
];

fn user_groups_duplicated(view: &View<'_>) -> Verdict {
    // Without their types, a direct and an indirect membership look alike.
    if view.call.endpoint != "/Users" || view.call.op != Op::Read || view.status() != 200 || view.call.projected() {
        return Verdict::NotApplicable;
    }
    let shown = view.object().and_then(|o| get_ci(o, "groups")).and_then(Value::as_array);
    let pair = |g: &Value| Some((text_of(value_ci(g, "value")?)?, value_ci(g, "type").cloned()));
    let pairs: Vec<_> = shown.into_iter().flatten().filter_map(pair).collect();
    match pairs.iter().enumerate().find(|(n, one)| pairs[..*n].contains(one)) {
        Some((_, (id, _))) => Verdict::fail("body /groups", "each group once", format!("{id} twice")),
        None if pairs.is_empty() => Verdict::NotApplicable,
        None => Verdict::Pass,
    }
}

/// The client itself has written `groups` of that user: that it is shown is another rule's subject.
fn wrote_groups(view: &View<'_>, user: &str) -> bool {
    let own = |p: &&Past| {
        let made = p.exchange.json().and_then(|b| text_of(value_ci(b, "id")?));
        p.call.endpoint == "/Users" && (p.call.id.as_deref() == Some(user) || made.as_deref() == Some(user))
    };
    let writes = view.earlier.iter().filter(own).filter(|p| matches!(p.call.op, Op::Create | Op::Replace | Op::Patch));
    writes.filter_map(|p| p.call.body.as_ref()).any(|body| body.to_string().to_ascii_lowercase().contains("\"groups\""))
}

fn user_groups_stale(view: &View<'_>) -> Verdict {
    if view.call.endpoint != "/Users" || view.call.op != Op::Read || view.status() != 200 || view.call.projected() {
        return Verdict::NotApplicable;
    }
    let Some(user) = view.call.id.as_deref() else { return Verdict::NotApplicable };
    let shown = view.object().and_then(|o| get_ci(o, "groups"));
    let entries = shown.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if !entries.is_empty() && wrote_groups(view, user) {
        return Verdict::NotApplicable;
    }
    let ids: Vec<String> = entries.iter().filter_map(|g| value_ci(g, "value").and_then(text_of)).collect();
    if !entries.iter().all(Value::is_object) {
        // Names and the like may name the right groups; that they stand in the wrong shape is told as that.
        return Verdict::NotApplicable;
    }
    let mut findings = Vec::new();
    for group in view.before.among(&ids).filter(|k| k.endpoint == "/Groups") {
        let member = holds(view, &group.doc, user, NESTING);
        match group.state {
            State::Gone => findings.push(
                Finding::new("body /groups", "no deleted group", group.id.clone()).because(group.last_write.clone()),
            ),
            // Who was switched on may be in it again, without the group's having been asked.
            State::Live
                if !member
                    && settled(view, group, NESTING)
                    && !writes_since(view, user, &group.id).any(may_switch_on) =>
            {
                findings.push(
                    Finding::new("body /groups", "only groups that hold the user", group.id.clone())
                        .because(group.last_write.clone()),
                );
            }
            _ => {}
        }
    }
    findings.extend(group_not_shown(view, user, &ids, shown));
    let related = shown.is_some() && view.before.known.count(|k| &*k.endpoint == "/Groups") > 0;
    if findings.is_empty() && !related { Verdict::NotApplicable } else { Verdict::from_findings(findings) }
}

/// Whom the group holds is known, and so it is of the groups in it: nothing was refused or is open since the last read.
fn settled(view: &View<'_>, group: &Known, depth: usize) -> bool {
    let inner = member_ids(&group.doc);
    let mut inner = inner.iter().filter_map(|m| view.before.find("/Groups", m));
    group.refused.is_none() && !group.facts.is_empty() && (depth == 0 || inner.all(|g| settled(view, g, depth - 1)))
}

/// Groups within groups that are followed.
const NESTING: usize = 4;

/// True when the group has the user, directly or by a group that is its member (RFC 7643 §4.1.2).
fn holds(view: &View<'_>, group: &Value, user: &str, depth: usize) -> bool {
    let members = member_ids(group);
    members.iter().any(|m| m == user)
        || (depth > 0
            && members
                .iter()
                .filter_map(|m| view.before.find("/Groups", m))
                .any(|g| holds(view, &g.doc, user, depth - 1)))
}

/// A write that sets `active`, as a Boolean or as a text.
fn switches(past: &Past, to: bool) -> bool {
    let Some(body) = past.call.body.as_ref().and_then(Value::as_object) else { return false };
    let named = |map: &Map<String, Value>| get_ci(map, "active").is_some_and(|v| says(v, to));
    let says_so = |o: &Map<String, Value>| match (op_path(o), get_ci(o, "value")) {
        (Some(path), Some(value)) => path.eq_ignore_ascii_case("active") && says(value, to),
        (None, Some(Value::Object(map))) => named(map),
        _ => false,
    };
    named(body) || operations(body).any(says_so)
}

/// A write after which somebody may be active who was not before; a PUT that leaves `active` out may set its default.
fn may_switch_on(past: &Past) -> bool {
    matches!(past.call.op, Op::Create | Op::Replace | Op::Delete) || switches(past, true)
}

fn says(value: &Value, what: bool) -> bool {
    let text = if what { "true" } else { "false" };
    *value == Value::Bool(what) || value.as_str().is_some_and(|v| v.eq_ignore_ascii_case(text))
}

/// A user who was switched off and on since a group was seen with them, and who had shown `groups` before.
fn memberships_lost(view: &View<'_>) -> Verdict {
    let read = view.call.endpoint == "/Users" && view.call.op == Op::Read && view.status() == 200;
    let Some(user) = view.call.id.as_deref().filter(|_| read && !view.call.projected()) else {
        return Verdict::NotApplicable;
    };
    let active = view.object().and_then(|o| get_ci(o, "active")) == Some(&Value::Bool(true));
    let own = |p: &&Past| p.call.endpoint == "/Users" && p.call.id.as_deref() == Some(user);
    let was_off = || view.earlier.iter().filter(own).any(|p| p.call.op != Op::Read && switches(p, false));
    // The groups are looked through last: there may be many.
    if !active || !was_off() || !has_shown_groups(view, user) {
        return Verdict::NotApplicable;
    }
    let entries = view.object().and_then(|o| get_ci(o, "groups")).and_then(Value::as_array);
    let shown: Vec<String> = entries.into_iter().flatten().filter_map(|g| text_of(value_ci(g, "value")?)).collect();
    let Some(group) = lacking(view, user, &shown) else {
        return if shown.is_empty() { Verdict::NotApplicable } else { Verdict::Pass };
    };
    let mut back = writes_since(view, user, &group.id).skip_while(|p| !switches(p, true));
    match back.find(|p| switches(p, false)) {
        Some(off) => {
            let wanted = format!("{}, as before it", group.id);
            Verdict::Fail(vec![Finding::new("body /groups", wanted, "not among the groups").because(off.step.clone())])
        }
        None => Verdict::NotApplicable,
    }
}

/// An answer of this case has shown the user with groups: then this server fills them.
fn has_shown_groups(view: &View<'_>, user: &str) -> bool {
    let shows = |p: &Past| {
        let body = p.exchange.json().filter(|_| p.exchange.accepted());
        let groups = body.and_then(|b| value_ci(b, "groups")).and_then(Value::as_array);
        groups.is_some_and(|all| !all.is_empty())
    };
    view.earlier.iter().any(|p| p.call.endpoint == "/Users" && p.call.id.as_deref() == Some(user) && shows(p))
}

/// So many resources are looked through for a group that a user's `groups` lacks.
const LOOKED_THROUGH: usize = 400;

/// What is alive at an endpoint.
fn of_kind<'v>(view: &'v View<'_>, endpoint: &'static str) -> impl Iterator<Item = Cow<'v, Known>> + use<'v> {
    let known = &view.before.known;
    let live = move |e: &Entry| &*e.kind.endpoint == endpoint && e.kind.state == State::Live;
    (0u32..).zip(known.entries()).filter(move |(_, e)| live(e)).map(|(number, _)| known.glance(number))
}

/// A group that holds the user, as the last read of it showed, and that is not among these.
fn lacking<'v>(view: &'v View<'_>, user: &str, ids: &[String]) -> Option<Cow<'v, Known>> {
    if view.before.known.len() > LOOKED_THROUGH {
        return None;
    }
    let holds = |doc: &Value| member_ids(doc).iter().any(|m| m == user);
    of_kind(view, "/Groups").find(|g| {
        let read = g.last_full.as_deref().filter(|_| !g.dirty && g.refused.is_none());
        !ids.contains(&g.id) && holds(&g.doc) && read.is_some_and(holds)
    })
}

/// A group that holds the user, as a read of it showed, and that the user's `groups` lacks. A server that never fills `groups`
/// leaves out an optional attribute, and `[]` is the same as none (RFC 7643 §2.5): worth a SHOULD where it declares or names it.
fn group_not_shown(view: &View<'_>, user: &str, ids: &[String], shown: Option<&Value>) -> Option<Finding> {
    let lacking = lacking(view, user, ids)?;
    // What a client once wrote there and nobody minds is no sign that the server fills it.
    let filled = |doc: &Value| {
        let groups = value_ci(doc, "groups").and_then(Value::as_array).into_iter().flatten();
        let mut ids = groups.filter_map(|g| value_ci(g, "value").and_then(text_of));
        ids.any(|id| view.before.find("/Groups", &id).is_some())
    };
    let shows = ids.iter().any(|id| view.before.find("/Groups", id).is_some())
        || of_kind(view, "/Users").any(|u| u.last_full.as_deref().is_some_and(filled));
    let declared = view.target.schemas_known
        && view.resource_type().is_some_and(|rt| {
            rt.schema.attributes.iter().any(|a| {
                a.name.eq_ignore_ascii_case("groups") && !matches!(a.returned, Returned::Request | Returned::Never)
            })
        });
    let finding = Finding::new("body /groups", lacking.id.clone(), shown.map_or("no groups".to_owned(), short));
    let writes: Vec<&Past> = writes_since(view, user, &lacking.id).collect();
    // Whether somebody who was switched off, deleted or made anew is in the group still, no answer has said.
    if writes.iter().any(|p| matches!(p.call.op, Op::Create | Op::Delete) || switches(p, false)) {
        return None;
    }
    let finding = match writes.first() {
        Some(write) => finding
            .message("The write before it took the user out of the group, or it is not shown any more")
            .because(write.step.clone()),
        None => finding.because(lacking.last_write.clone()),
    };
    match (shows, declared || shown.is_some_and(Value::is_array)) {
        (true, _) => Some(finding),
        (false, true) => Some(finding.level(Level::Should)),
        (false, false) => None,
    }
}
