//! "No silent lie": which rule a contradiction between an accepted write and a later answer belongs to.
//!
//! Must not hold rules: each area lists its own and asks here whether it is meant.

use super::rule::{Finding, Impact, Level, Verdict};
use super::view::{Past, View, short};
use crate::scim::value::{get_ci, value_ci};
use crate::shadow::Place;
use crate::shadow::facts;
use crate::shadow::{Cause, Clash, Contradiction, Op, Write};
use serde_json::Value;
use std::collections::BTreeSet;

/// Judges one state rule: fails on the contradictions that are its own, passes when such a fact was confirmed.
pub fn judge(view: &View<'_>, id: &str) -> Verdict {
    let reading = view.state.get_or_init(|| Reading::of(view));
    let findings: Vec<Finding> =
        reading.findings.iter().filter(|(rule, _)| *rule == id).map(|(_, finding)| finding.clone()).collect();
    match (findings.is_empty(), reading.confirmed.contains(id)) {
        (false, _) => Verdict::Fail(findings),
        (true, true) => Verdict::Pass,
        (true, false) => Verdict::NotApplicable,
    }
}

/// What an answer means to all state rules.
pub(super) struct Reading {
    findings: Vec<(&'static str, Finding)>,
    confirmed: BTreeSet<&'static str>,
}

impl Reading {
    fn of(view: &View<'_>) -> Self {
        let place = view.observed.place;
        let user = view.call.endpoint == "/Users";
        let contradictions = view.observed.contradictions.iter();
        let confirmed = view.observed.confirmed.iter();
        let mut confirmed: BTreeSet<&'static str> =
            confirmed.flat_map(|(key, cause)| candidates(key, cause, place, user)).collect();
        if place == Place::Read && !confirmed.is_empty() && others_written(view) {
            confirmed.insert("identity/other-resource-changed");
        }
        Self { findings: contradictions.map(|c| read_as(view, c, place)).collect(), confirmed }
    }
}

/// The rule that a contradiction belongs to, with what it says.
fn read_as(view: &View<'_>, c: &Contradiction, place: Place) -> (&'static str, Finding) {
    const OTHER: &str = "identity/other-resource-changed";
    if let Some(step) = written_to_another(view, c).or_else(|| given_to_another(view, c)) {
        return (OTHER, finding(view, c, place).level(Level::Must).because(step));
    }
    match changed_with_another(view, c, place) {
        Some(write) => {
            let finding = finding(view, c, place).because(write.step.clone()).impact(Impact::UpdateLost);
            // RFC 7643 §2.3.7: a server may see to it that references lead to somebody.
            let to_nobody = write.call.op == Op::Delete
                && write.call.id.as_deref().is_some_and(|id| texts(&c.expected, "").iter().any(|t| t.contains(id)));
            if to_nobody && is_null(&c.actual) {
                return (OTHER, finding.level(Level::Note));
            }
            // What a membership means for its members is the product's to say; an identity provider is told nothing of it.
            let policy = write.call.endpoint != view.call.endpoint && finding.level.is_none();
            (OTHER, if policy { finding.level(Level::Idp) } else { finding })
        }
        None if nobody_is_lacking(view, c) => ("group/unknown-member-dropped", finding(view, c, place)),
        None => match taken_out_with(view, c) {
            Some(write) => (BYSTANDING, finding(view, c, place).because(write.step.clone())),
            None => (classify(c, place), finding(view, c, place)),
        },
    }
}

/// All that a group lacks of its members are ids that belong to nobody.
fn nobody_is_lacking(view: &View<'_>, c: &Contradiction) -> bool {
    let actual = values_of(&c.actual);
    let expected = values_of(&c.expected);
    let mut lacking = expected.iter().filter(|id| !actual.contains(id)).peekable();
    c.key == "members"
        && matches!(c.cause.kind, Write::Create | Write::Put | Write::Patch)
        && actual.iter().all(|id| expected.contains(id))
        && lacking.peek().is_some()
        && lacking.all(|id| view.before.is_nobody(id))
}

const BYSTANDING: &str = "group/members-changed-by-other-write";

/// The write to a user that came after the last sight of the group with them, where the group lacks no others: it is not known to
/// what they fell, and a change of the group that had nothing to do with them is not it.
fn taken_out_with<'v>(view: &'v View<'_>, c: &Contradiction) -> Option<&'v Past> {
    if c.key != "members" || !matches!(c.cause.form.op.as_str(), "" | "add") {
        return None;
    }
    let actual = values_of(&c.actual);
    let gone: Vec<String> = values_of(&c.expected).into_iter().filter(|user| !actual.contains(user)).collect();
    let before = values_of(&c.previous);
    let there = |user: &String| before.contains(user) || was_shown(c, user);
    let writes: Option<Vec<&Past>> =
        gone.iter().map(|user| written_since_seen(view, user, &c.id).filter(|_| there(user))).collect();
    writes?.pop()
}

/// The last write to a user since an answer showed them in the group. A PATCH of the group shows them nothing.
fn written_since_seen<'v>(view: &'v View<'_>, user: &str, group: &str) -> Option<&'v Past> {
    let of_group = |p: &&Past| concerns(p, "/Groups", group) && p.call.op != Op::Patch;
    let mut since = view.earlier.iter().rev().take_while(|p| !of_group(p));
    since.find(|p| writes(p, "/Users", user))
}

/// The writes to a user since the group was last asked for or written to, the latest first.
pub(super) fn writes_since<'v>(view: &'v View<'_>, user: &'v str, group: &'v str) -> impl Iterator<Item = &'v Past> {
    let since = view.earlier.iter().rev().take_while(move |p| !concerns(p, "/Groups", group));
    since.filter(move |p| writes(p, "/Users", user))
}

fn concerns(past: &Past, endpoint: &str, id: &str) -> bool {
    past.call.endpoint == endpoint && whose(past).as_deref() == Some(id)
}

/// A write to that resource which was accepted.
fn writes(past: &Past, endpoint: &str, id: &str) -> bool {
    (sends(past.call.op) || past.call.op == Op::Delete) && concerns(past, endpoint, id) && past.exchange.accepted()
}

/// Another resource of the type was written to in this case.
fn others_written(view: &View<'_>) -> bool {
    view.earlier.iter().any(|p| {
        matches!(p.call.op, Op::Replace | Op::Patch)
            && p.call.endpoint == view.call.endpoint
            && p.call.id != view.call.id
            && p.exchange.accepted()
    })
}

/// The step that wrote this very text to another resource of the type, where nobody wrote it to this one.
fn written_to_another(view: &View<'_>, c: &Contradiction) -> Option<String> {
    let actual = c.actual.as_str().filter(|text| !text.is_empty())?;
    // What stands in place of nothing may be a default that others were given, too.
    // And a part of what was sent here is that, cut off.
    let cut = c.expected.as_str().is_some_and(|sent| sent.contains(actual));
    if cut
        || is_null(&c.expected)
        || facts::computed_name(&c.key)
        || only_case_differs(c)
        || only_blanks_differ(c, true)
    {
        return None;
    }
    // A list that shows somebody's name under this id has one of them under the wrong id, which is another rule's subject.
    let misplaced = view.call.lists() && c.key == crate::shadow::name_attribute(&view.call.endpoint);
    let now = view.call.id.as_deref() == Some(&*c.id)
        && view.call.body.as_ref().is_some_and(|b| texts(b, "").contains(&actual));
    if misplaced || now {
        return None;
    }
    let writes = view.earlier.iter().rev().filter(|p| {
        sends(p.call.op)
            && p.call.endpoint == view.call.endpoint
            && p.call.body.as_ref().is_some_and(|body| texts(body, "").contains(&actual))
    });
    let own = |p: &Past| whose(p).as_deref() == Some(&*c.id);
    // Of a resource whose create is not at hand, nobody knows what it began with.
    let made = view.earlier.iter().any(|p| p.call.op == Op::Create && own(p));
    let (mine, others): (Vec<&Past>, Vec<&Past>) = writes.partition(|p| own(p));
    let other = others.into_iter().find(|p| made && mine.is_empty() && p.exchange.accepted());
    other.map(|p| p.step.clone())
}

/// The step that gave this resource's externalId to another one, which took it away here.
fn given_to_another(view: &View<'_>, c: &Contradiction) -> Option<String> {
    let lost = c.expected.as_str().filter(|_| c.key == "externalId" && is_null(&c.actual) && !sends(view.call.op))?;
    let latest = view.earlier.iter().rev().find(|p| {
        sends(p.call.op)
            && p.call.endpoint == view.call.endpoint
            && p.call.body.as_ref().is_some_and(|body| texts(body, "").contains(&lost))
            && p.exchange.accepted()
    })?;
    (whose(latest)? != c.id).then(|| latest.step.clone())
}

/// The last write to others since a read showed this resource as it should be, where nobody wrote to it meanwhile.
fn changed_with_another<'v>(view: &'v View<'_>, c: &Contradiction, place: Place) -> Option<&'v Past> {
    let written = matches!(c.cause.kind, Write::Create | Write::Put | Write::Patch | Write::PatchElsewhere);
    if !written || !c.was_shown || place != Place::Read || c.key == "members" || facts::computed_name(&c.key) {
        return None;
    }
    let own = |p: &Past| p.call.endpoint == view.call.endpoint && whose(p).as_deref() == Some(&*c.id);
    let mut since = view.earlier.iter().rev().take_while(|p| !own(p));
    since.find(|p| (sends(p.call.op) || p.call.op == Op::Delete) && p.exchange.accepted())
}

/// What a resource holds comes with these.
fn sends(op: Op) -> bool {
    matches!(op, Op::Create | Op::Replace | Op::Patch)
}

/// The id that a write was for.
pub(super) fn whose(past: &Past) -> Option<String> {
    let made = || value_ci(past.exchange.json()?, "id").and_then(crate::shadow::text_of);
    past.call.id.clone().or_else(made)
}

/// True when the target's schema says so, or has no such attribute.
fn case_exact(view: &View<'_>, key: &str) -> bool {
    let attribute = view.resource_type().and_then(|rt| crate::shadow::facts::attribute(key, rt));
    attribute.is_none_or(|a| a.case_exact)
}

fn finding(view: &View<'_>, c: &Contradiction, place: Place) -> Finding {
    let whose = match place {
        Place::WriteAnswer => "in the answer to the write",
        Place::List => "in the list",
        _ => "in the read that follows",
    };
    let (expected, actual) = match c.clash {
        Clash::Remains | Clash::ElementsRemain if is_null(&c.expected) => ("no value".to_owned(), short(&c.actual)),
        _ => (short(&c.expected), if is_null(&c.actual) { "no value".to_owned() } else { short(&c.actual) }),
    };
    let as_before = place == Place::WriteAnswer && c.cause.kind != Write::Create && c.actual == c.previous;
    let before = if as_before { ", which is what it was before" } else { "" };
    let mut finding = Finding::new(format!("{} {whose}", c.key), expected, actual)
        .because(c.cause.step.clone())
        .message(format!("{} {}: {} {whose}{before}", c.resource_type, c.id, describe(c)));
    let own_rule = c.key == "userName" && c.cause.kind == Write::Create;
    if c.key == "members" && c.cause.form.op == "replace" {
        // Where nobody is missing, somebody who should have gone has not.
        finding = finding.impact(if none_missing(c) { Impact::AccessKept } else { Impact::MembersLost });
    }
    let letters = only_case_differs(c) && !own_rule && !case_exact(view, &c.key);
    let trimmed = c.key != "userName" && only_blanks_differ(c, case_exact(view, &c.key));
    if c.optional || derived_name(view, c) || letters || trimmed {
        // RFC 7643 §7: of an attribute that is not case exact the server may alter the case.
        finding = finding.level(Level::Note);
    } else if c.cause.kind == Write::Create && !facts::essential(&c.key) && place != Place::List && !kept_in_answer(c) {
        // RFC 7644 §3.3: the server "is free to alter and/or ignore POSTed content". What its own answer shows was not ignored.
        finding = finding.level(Level::Should);
    } else if c.key == "externalId" && is_null(&c.actual) && c.cause.kind == Write::Put && !shown_before(view, c) {
        // RFC 7643 §3.1: externalId is optional, so who never shows one has none; Entra and Okta need it.
        finding = finding.level(Level::Idp);
    } else if let Some(level) = coupled(view, c) {
        finding = finding.level(level);
    } else if only_primary_differs(c) && primaries(&c.expected) > 1 && primaries(&c.actual) == 1 {
        // RFC 7643 §2.4: one element at most is the primary one; which, of two that were sent, is the server's to settle.
        finding = finding.level(Level::Note);
    } else if c.clash == Clash::Duplicated && sent_twice(view, c) {
        // RFC 7643 §2.4 and RFC 7644 §3.5.2.1 say SHOULD, and no identity provider is known to send a value twice at once.
        finding = finding.level(Level::Should);
    } else if takes_a_default(c) {
        // RFC 7644 §3.5.1: in place of what was cleared the server may assign a default value.
        finding = finding.level(Level::Note);
    } else if c.expected.is_boolean() && sent_as_text(view, c) {
        // "false" in quotes is no Boolean (RFC 7643 §2.3.2): identity providers send it, and need it to be taken or refused.
        finding = finding.level(Level::Idp);
    } else if c.cause.kind == Write::PutOmitted && c.expected == Value::Bool(false) {
        // RFC 7644 §3.5.1: what a PUT leaves out may fall back to its default.
        finding = finding.level(Level::Note);
    } else if only_strangers_missing(view, c) {
        // Whether a member must exist is not in the RFC; that an accepted one is dropped, the identity provider does not learn.
        finding = finding.level(Level::Idp);
    } else if c.cause.form.remove_with_value {
        // RFC 7644 §3.5.2.2 gives `remove` no value. To the letter all values go; that only the named ones go is what
        // identity providers mean who send it, and they send it for members.
        let to_the_letter = is_null(&c.actual) && c.key != "members";
        finding = finding.level(if to_the_letter { Level::Note } else { Level::Idp });
    }
    finding
}

/// The write that set what is contradicted.
fn write_of<'v>(view: &'v View<'_>, c: &Contradiction) -> Option<&'v Past> {
    view.earlier.iter().rev().find(|p| p.step == c.cause.step && whose(p).as_deref() == Some(&*c.id))
}

/// True when the write itself holds a value twice that is there twice.
fn sent_twice(view: &View<'_>, c: &Contradiction) -> bool {
    let sent = write_of(view, c).and_then(|p| p.call.body.as_ref()).map(|body| texts(body, "")).unwrap_or_default();
    let times = |all: &[&str], value: &str| all.iter().filter(|text| **text == value).count();
    let shown = values_of(&c.actual);
    let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
    shown.iter().any(|value| times(&shown, value) > 1 && times(&sent, value) > 1)
}

/// True when the write that should have set it wrote a text.
fn sent_as_text(view: &View<'_>, c: &Contradiction) -> bool {
    // The answer to the write itself is judged before the write is one of the earlier ones.
    let body = write_of(view, c).map_or(view.call.body.as_ref(), |p| p.call.body.as_ref());
    body.and_then(|b| value_ci(b, &c.key)).is_some_and(Value::is_string)
}

/// True when an earlier answer showed a value of the attribute.
fn shown_before(view: &View<'_>, c: &Contradiction) -> bool {
    let known = view.before.find(&view.call.endpoint, &c.id);
    let shows = |doc: &Value| doc.as_object().and_then(|o| get_ci(o, &c.key)).is_some_and(|v| !facts::is_empty(v));
    known.is_some_and(|k| [&k.last_full, &k.last_answer].into_iter().flatten().any(|d| shows(d)))
}

/// Where a server keeps two attributes of a user in one column, a PATCH of one is seen in the other: the name is the address, or
/// the displayName is made of the name. No RFC forbids that; a provider that finds people by `userName` is hurt all the same.
fn coupled(view: &View<'_>, c: &Contradiction) -> Option<Level> {
    if c.resource_type != "User" || c.cause.kind != Write::PatchElsewhere {
        return None;
    }
    let shown = view.object()?;
    let texts = |key: &str| get_ci(shown, key).map(|v| texts(v, "")).unwrap_or_default();
    let actual = self::texts(&c.actual, "");
    let shares = |other: &str| texts(other).iter().any(|t| actual.iter().any(|a| a.eq_ignore_ascii_case(t)));
    match c.key.as_str() {
        "emails" if shares("userName") => Some(Level::Note),
        "userName" if shares("emails") => Some(Level::Idp),
        "displayName" if made_of(&actual, &texts("name")) => Some(Level::Note),
        key if key.starts_with("name.") && made_of(&actual, &texts("displayName")) => Some(Level::Note),
        _ => None,
    }
}

/// True when each word of the one stands in the other.
pub(super) fn made_of(texts: &[&str], others: &[&str]) -> bool {
    let theirs: Vec<&str> = others.iter().flat_map(|t| t.split_whitespace()).collect();
    let mut mine = texts.iter().flat_map(|t| t.split_whitespace()).peekable();
    mine.peek().is_some() && mine.all(|word| theirs.contains(&word))
}

/// Every text in a value, but for what stands under one name.
pub(super) fn texts<'a>(value: &'a Value, besides: &str) -> Vec<&'a str> {
    match value {
        Value::String(text) if !text.is_empty() => vec![text],
        Value::Array(all) => all.iter().flat_map(|v| texts(v, besides)).collect(),
        Value::Object(map) => {
            let others = map.iter().filter(|(name, _)| !name.eq_ignore_ascii_case(besides));
            others.flat_map(|(_, v)| texts(v, besides)).collect()
        }
        _ => Vec::new(),
    }
}

/// True when what was cleared shows a simple value that it did not have before. What a programming language writes for nothing
/// is no default: there a null was turned into text.
fn takes_a_default(c: &Contradiction) -> bool {
    let nothing =
        |text: &str| ["none", "null", "undefined", "nil", "nan"].contains(&text.to_ascii_lowercase().as_str());
    let cleared = c.clash == Clash::Remains && is_null(&c.expected) && c.actual.as_str().is_some_and(|t| !nothing(t));
    cleared && !facts::is_empty(&c.previous) && c.previous != c.actual
}

/// True when the members that are not there are ids of nobody whom this case knows.
fn only_strangers_missing(view: &View<'_>, c: &Contradiction) -> bool {
    let ids = |v: &Value| -> Vec<String> {
        let entries = v.as_array().map(Vec::as_slice).unwrap_or_default();
        entries.iter().filter_map(|e| value_ci(e, "value").and_then(crate::shadow::text_of)).collect()
    };
    let (expected, actual) = (ids(&c.expected), ids(&c.actual));
    let known = |id: &String| view.before.seen.contains(id) || view.before.with_id(id).next().is_some();
    let mut missing = expected.iter().filter(|id| !actual.contains(id)).peekable();
    c.key == "members"
        && missing.peek().is_some()
        && missing.all(|id| !known(id))
        && actual.iter().all(|id| expected.contains(id))
}

/// Names that a server may compute from others. What stays after a removal word for word as the client wrote it, with a word that
/// no other name has, was not computed.
fn derived_name(view: &View<'_>, c: &Contradiction) -> bool {
    // Nothing at all was computed from nothing.
    let dropped = is_null(&c.actual) && matches!(c.cause.kind, Write::Create | Write::Put);
    let computed = c.resource_type == "User" && facts::computed_name(&c.key) && !dropped && !client_wrote(view, c);
    // RFC 7643 §3.1 makes externalId the client's, and leaves open for which types a server keeps it.
    let group_key = c.resource_type == "Group" && c.key == "externalId" && !keeps_group_keys(view);
    // A PATCH of one part of the name leaves it to the server what the whole is.
    let untouched = c.expected == c.previous;
    group_key || (computed && (c.cause.kind != Write::Patch || c.clash == Clash::Remains || untouched))
}

/// True when a name that a PATCH removed is the one from before, and has a word that stands in no other attribute of the user.
fn client_wrote(view: &View<'_>, c: &Contradiction) -> bool {
    let known = view.before.find(&view.call.endpoint, &c.id);
    let previous = known.and_then(|k| k.facts.get(&c.key)).map(|f| &f.previous);
    let others = || -> Option<Vec<&str>> {
        let shown = view.object()?;
        let own = c.key.split('.').next().unwrap_or_default();
        let mut all: Vec<&str> =
            shown.iter().filter(|(k, _)| !k.eq_ignore_ascii_case(own)).flat_map(|(_, v)| texts(v, "")).collect();
        if let Some((parent, part)) = c.key.split_once('.') {
            all.extend(get_ci(shown, parent).into_iter().flat_map(|v| texts(v, part)));
        }
        Some(all)
    };
    c.cause.kind == Write::Patch
        && c.clash == Clash::Remains
        && previous == Some(&c.actual)
        && others().is_some_and(|others| !made_of(&texts(&c.actual, ""), &others))
}

/// True when a read of this case has shown a group with an externalId: then this server keeps them.
fn keeps_group_keys(view: &View<'_>) -> bool {
    view.earlier.iter().any(|past| {
        let body = past.exchange.response().filter(|r| r.status == 200).and_then(|r| r.json());
        past.call.op == crate::shadow::Op::Read
            && past.call.endpoint == "/Groups"
            && body.is_some_and(|b| value_ci(b, "externalId").is_some())
    })
}

/// The parts that every element has lost, where nothing else is the matter: each value is there.
fn lost_parts(c: &Contradiction) -> Option<BTreeSet<&str>> {
    let (Value::Array(want), Value::Array(have)) = (&c.expected, &c.actual) else { return None };
    let mut lost = BTreeSet::new();
    for sent in want {
        let value = value_ci(sent, "value")?;
        let kept = have.iter().find(|h| value_ci(h, "value") == Some(value))?;
        lost.extend(sent.as_object()?.keys().map(String::as_str).filter(|part| value_ci(kept, part).is_none()));
    }
    (!lost.is_empty()).then_some(lost)
}

fn describe(c: &Contradiction) -> String {
    let in_part = matches!(c.clash, Clash::Different | Clash::ElementsMissing) && !only_primary_differs(c);
    if let Some(lost) = lost_parts(c).filter(|_| in_part) {
        return format!("`{}` has lost `{}`", c.key, lost.into_iter().collect::<Vec<_>>().join("`, `"));
    }
    let what = match c.clash {
        Clash::Different | Clash::ElementsMissing if only_primary_differs(c) => {
            "has the right values, and another one (or none) is primary"
        }
        Clash::Missing => "is missing",
        Clash::Remains => "is still there",
        Clash::Different => "has another value",
        Clash::ElementsMissing => "lacks elements",
        Clash::ElementsRemain => "holds elements that should be gone",
        Clash::Duplicated => "holds the same element twice",
    };
    format!("`{}` {what}", c.key)
}

fn is_null(value: &Value) -> bool {
    crate::shadow::facts::is_empty(value)
}

/// The one rule that a contradiction belongs to.
pub fn classify(c: &Contradiction, place: Place) -> &'static str {
    let group = c.resource_type == "Group";
    if c.key == "active" && !group && c.clash == Clash::Missing && c.expected == Value::Bool(false) {
        return "deactivate/active-left-out";
    }
    match place {
        // The list is right, and so may a read be: the refusal was not true.
        Place::List if c.cause.kind == Write::Refused && c.key == "active" => return "error/refused-but-changed",
        Place::List => {
            return if c.key == "active" { "deactivate/list-shows-old-status" } else { "list/entry-differs-from-read" };
        }
        Place::WriteAnswer if c.cause.kind == Write::PutOmitted => return "put/omitted-active-changed",
        Place::WriteAnswer if c.cause.kind == Write::Put => return "put/answer-shows-old-state",
        Place::WriteAnswer if c.cause.kind != Write::Create => return "patch/answer-shows-old-state",
        _ => {}
    }
    // What holds the value that was sent, or is a part of it, was read, whatever case its name was in.
    let lower = |v: &Value| v.as_str().map(str::to_lowercase);
    let alike = |(sent, shown): (String, String)| shown.contains(&sent) || (!shown.is_empty() && sent.contains(&shown));
    let holds_it = lower(&c.expected).zip(lower(&c.actual)).is_some_and(alike);
    if c.cause.form.odd_case && !holds_it {
        return "create/attribute-case-ignored";
    }
    if c.cause.kind == Write::Refused {
        return "error/refused-but-changed";
    }
    if group && c.key == "members" {
        return members(c);
    }
    if c.key == "active" && !group {
        return active(&c.cause);
    }
    let renames = matches!(c.cause.kind, Write::Patch | Write::Put) && c.cause.form.op != "remove";
    if group && c.key == "displayName" && renames {
        // A name that the server puts something of its own before was taken, and told so at the create.
        let marked = c.expected.as_str().zip(c.actual.as_str()).is_some_and(|(sent, shown)| shown.ends_with(sent));
        return if marked { "create/value-altered" } else { "group/rename-not-applied" };
    }
    match c.cause.kind {
        Write::Create => created(c),
        Write::Put | Write::PutOmitted if kept_in_answer(c) => "read/write-answer-not-kept",
        Write::Put | Write::PutOmitted => "put/change-not-applied",
        Write::Patch => patched(c),
        Write::PatchElsewhere => "patch/changes-other-attributes",
        Write::Refused => "error/refused-but-changed",
    }
}

fn members(c: &Contradiction) -> &'static str {
    match (c.cause.kind, c.cause.form.op.as_str(), c.clash) {
        (_, _, Clash::Duplicated) => "group/member-duplicated",
        (Write::Create, _, _) if c.was_shown => "group/members-changed-by-other-write",
        (Write::Create, _, _) => "group/create-members-not-stored",
        (Write::Put | Write::PutOmitted, _, _) => "group/put-members-not-applied",
        (Write::Patch, "remove", Clash::ElementsRemain | Clash::Remains) => "group/member-not-removed",
        (Write::Patch, "remove", _) if lost(c).iter().any(|l| was_shown(c, l)) => "group/remove-takes-other-members",
        (Write::Patch, "remove", _) if removed_stays(c) => "group/member-not-removed",
        (Write::Patch, "add", _) if lost_by_add(c) => "group/add-replaces-members",
        (Write::Patch, "add", _) if removed_stays(c) && none_missing(c) => "group/member-not-removed",
        (Write::Patch, "add", _) => "group/member-not-added",
        (Write::Patch, "replace", _) => "group/replace-not-exact",
        _ => "group/members-changed-by-other-write",
    }
}

/// The `value` of each element, or the element itself.
fn values_of(list: &Value) -> Vec<String> {
    let name = |e: &Value| match value_ci(e, "value") {
        Some(value) => crate::shadow::text_of(value),
        None => Some(crate::shadow::text_of(e).unwrap_or_else(|| e.to_string())),
    };
    list.as_array().into_iter().flatten().filter_map(name).collect()
}

/// An element that was to be taken out is there still.
fn removed_stays(c: &Contradiction) -> bool {
    let (before, expected, actual) = (values_of(&c.previous), values_of(&c.expected), values_of(&c.actual));
    before.iter().any(|b| !expected.contains(b) && actual.contains(b))
}

/// All that should be there is.
fn none_missing(c: &Contradiction) -> bool {
    let actual = values_of(&c.actual);
    values_of(&c.expected).iter().all(|e| actual.contains(e))
}

/// What was believed to be there before the write, should still be there and is not.
fn lost(c: &Contradiction) -> Vec<String> {
    let (expected, actual) = (values_of(&c.expected), values_of(&c.actual));
    let gone = |b: &String| expected.contains(b) && !actual.contains(b);
    values_of(&c.previous).into_iter().filter(gone).collect()
}

/// An answer has shown this element. What was only asked for may never have been there.
fn was_shown(c: &Contradiction, value: &String) -> bool {
    c.shown.iter().any(|list| values_of(list).contains(value))
}

/// An `add` threw out what was there: an answer has shown it, or something that no read has shown before stands in its place.
fn lost_by_add(c: &Contradiction) -> bool {
    let (expected, read) = (values_of(&c.expected), values_of(&c.shown[0]));
    let works = values_of(&c.actual).iter().any(|a| expected.contains(a) && !read.contains(a));
    lost(c).iter().any(|l| works || was_shown(c, l))
}

fn active(cause: &Cause) -> &'static str {
    match cause.kind {
        Write::Create => "create/active-not-stored",
        Write::Put => "deactivate/put-not-applied",
        Write::PutOmitted => "put/omitted-active-changed",
        Write::Patch => "patch/active-not-applied",
        _ => "patch/changes-other-attributes",
    }
}

fn created(c: &Contradiction) -> &'static str {
    match (c.key.as_str(), c.clash) {
        ("externalId", _) => "create/external-id-not-stored",
        ("userName", Clash::Different) if only_case_differs(c) => "create/username-case-changed",
        ("userName", _) => "create/username-altered",
        (_, _) if only_primary_differs(c) && primaries(&c.actual) < primaries(&c.expected) => {
            "create/primary-flag-lost"
        }
        (_, Clash::Missing | Clash::ElementsMissing) if kept_in_answer(c) => "read/write-answer-not-kept",
        (_, Clash::Missing | Clash::ElementsMissing) => "create/attribute-not-stored",
        _ => "create/value-altered",
    }
}

fn patched(c: &Contradiction) -> &'static str {
    let form = &c.cause.form;
    let gone_wrong = matches!(c.clash, Clash::Remains | Clash::ElementsRemain);
    if only_primary_differs(c) && primaries(&c.actual) > 1 {
        "patch/primary-not-exclusive"
    } else if form.op == "remove" && gone_wrong {
        "patch/remove-not-applied"
    } else if c.clash == Clash::Duplicated {
        "patch/value-duplicated"
    } else if form.op == "add" && lost_by_add(c) {
        "patch/add-overwrites-values"
    } else if form.value_path {
        "patch/value-path-not-applied"
    } else if form.dotted {
        "patch/dotted-key-not-applied"
    } else if form.urn {
        "patch/extension-not-applied"
    } else if kept_in_answer(c) {
        "read/write-answer-not-kept"
    } else if form.pathless {
        "patch/pathless-not-applied"
    } else {
        "patch/change-not-applied"
    }
}

/// The answer to the write showed the new value, the read does not.
fn kept_in_answer(c: &Contradiction) -> bool {
    c.answered
        .as_ref()
        .is_some_and(|a| !is_null(a) && crate::shadow::facts::clash(&c.key, &c.expected, a, None, true).is_none())
}

/// The elements are the same but for their `primary` flags.
fn only_primary_differs(c: &Contradiction) -> bool {
    let strip = |v: &Value| -> Option<Vec<(String, bool)>> {
        let list = v.as_array()?;
        let mut out: Vec<(String, bool)> = list
            .iter()
            .map(|e| {
                (
                    value_ci(e, "value").map(ToString::to_string).unwrap_or_default().to_lowercase(),
                    value_ci(e, "primary") == Some(&Value::Bool(true)),
                )
            })
            .collect();
        out.sort();
        Some(out)
    };
    let (Some(a), Some(b)) = (strip(&c.expected), strip(&c.actual)) else { return false };
    let values = |l: &[(String, bool)]| l.iter().map(|(v, _)| v.clone()).collect::<Vec<_>>();
    values(&a) == values(&b) && a != b
}

/// The same text in other letters.
fn only_case_differs(c: &Contradiction) -> bool {
    matches!((c.expected.as_str(), c.actual.as_str()), (Some(a), Some(b)) if a.to_lowercase() == b.to_lowercase())
}

/// The same text but for blanks at its ends (a server that trims what people type does nobody harm) and, where case does not count,
/// the case of its letters.
fn only_blanks_differ(c: &Contradiction, exact: bool) -> bool {
    let same = |a: &str, b: &str| a == b || (!exact && a.eq_ignore_ascii_case(b));
    matches!((c.expected.as_str(), c.actual.as_str()), (Some(a), Some(b)) if same(a.trim(), b.trim()))
}

/// How many elements are primary.
fn primaries(list: &Value) -> usize {
    list.as_array().map_or(0, |l| l.iter().filter(|e| value_ci(e, "primary") == Some(&Value::Bool(true))).count())
}

/// Rules for which a confirmed fact is a pass.
fn candidates(key: &str, cause: &Cause, place: Place, user: bool) -> Vec<&'static str> {
    match place {
        Place::List if key == "active" => return vec!["deactivate/list-shows-old-status"],
        Place::List => return vec!["list/entry-differs-from-read"],
        Place::WriteAnswer if cause.kind == Write::PutOmitted => return vec!["put/omitted-active-changed"],
        Place::WriteAnswer if cause.kind == Write::Put => return vec!["put/answer-shows-old-state"],
        Place::WriteAnswer if cause.kind != Write::Create => return vec!["patch/answer-shows-old-state"],
        _ => {}
    }
    let form = &cause.form;
    if form.odd_case {
        return vec!["create/attribute-case-ignored"];
    }
    match (key, cause.kind) {
        (_, Write::Refused) => vec!["error/refused-but-changed"],
        ("members", Write::Create) => {
            vec!["group/create-members-not-stored", "group/member-duplicated", "group/unknown-member-dropped"]
        }
        ("members", Write::Put) => vec!["group/put-members-not-applied"],
        ("members", Write::Patch) => match form.op.as_str() {
            "remove" => vec!["group/member-not-removed", "group/remove-takes-other-members"],
            "add" => vec!["group/member-not-added", "group/add-replaces-members", "group/member-duplicated"],
            _ => vec!["group/replace-not-exact"],
        },
        ("members", Write::PatchElsewhere) => vec!["group/members-changed-by-other-write"],
        ("active", _) if user => vec![active(cause), "deactivate/active-left-out"],
        ("displayName", Write::Patch | Write::Put) if !user => vec!["group/rename-not-applied"],
        ("externalId", Write::Create) => vec!["create/external-id-not-stored"],
        ("userName", Write::Create) => vec!["create/username-altered", "create/username-case-changed"],
        ("emails", Write::Create) => {
            vec!["create/primary-flag-lost", "create/attribute-not-stored", "create/value-altered"]
        }
        (_, Write::Create) => vec!["create/attribute-not-stored", "create/value-altered"],
        (_, Write::Put) => vec!["put/change-not-applied", "read/write-answer-not-kept"],
        (_, Write::PutOmitted) => Vec::new(),
        (_, Write::PatchElsewhere) => vec!["patch/changes-other-attributes"],
        (_, Write::Patch) => patch_candidates(form),
    }
}

fn patch_candidates(form: &crate::shadow::Form) -> Vec<&'static str> {
    let mut out = vec!["read/write-answer-not-kept"];
    match form.op.as_str() {
        "remove" => out.push("patch/remove-not-applied"),
        "add" => out.extend(["patch/add-overwrites-values", "patch/value-duplicated", "patch/primary-not-exclusive"]),
        _ => {}
    }
    out.push(match (form.value_path, form.dotted, form.urn, form.pathless) {
        (true, ..) => "patch/value-path-not-applied",
        (_, true, ..) => "patch/dotted-key-not-applied",
        (_, _, true, _) => "patch/extension-not-applied",
        (_, _, _, true) => "patch/pathless-not-applied",
        _ => "patch/change-not-applied",
    });
    out
}
