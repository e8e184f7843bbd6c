//! What a server may refuse all the same: where the RFCs leave a way out, a refusal is less than its rule.
//!
//! Must not choose the rule: `refusal` knows which one is meant and asks here how much it weighs.

use super::refusal::{outside_quotes, says, written_name};
use super::rule::Level;
use super::view::{Past, View};
use crate::scim::filter::{CompareOp, Filter, Literal, Test};
use crate::scim::path::AttrPath;
use crate::scim::urn;
use crate::scim::value::{get_ci, value_ci};
use crate::shadow::forecast::{op_path, operations, tenant_of};
use crate::shadow::{Call, Entry, Op, State, name_attribute};
use serde_json::{Map, Value};

/// Where the RFC gives the server a way out, the finding is only advice.
pub(super) fn softer(view: &View<'_>, id: &str) -> Option<Level> {
    let scim_type = view.object().and_then(|o| get_ci(o, "scimType")).and_then(Value::as_str);
    let plain_json = view
        .exchange
        .request
        .header("content-type")
        .is_some_and(|t| t.to_ascii_lowercase().starts_with("application/json"));
    match id {
        _ if minds_the_domain(view) => Some(Level::Note),
        // externalId is optional (RFC 7643 §3.1): who has none may say so, and Entra cannot work with it.
        "filter/valid-filter-refused" | "filter/logic-refused"
            if scim_type == Some("invalidFilter")
                && view.call.endpoint == "/Users"
                && never_shown(view, "externalId") =>
        {
            Some(Level::Idp)
        }
        // Microsoft's documentation asks for `and` and for externalId; the RFC lets a server decline what it does not know.
        "filter/valid-filter-refused" | "filter/logic-refused"
            if indispensable(view)
                && !by_name_alone(view)
                && !respelt(view)
                && declined_filter(view, scim_type).is_some() =>
        {
            Some(Level::Idp)
        }
        "filter/valid-filter-refused" | "filter/logic-refused" | "filter/urn-attribute-refused"
            if !indispensable(view) || rare_order(view) =>
        {
            // A list that is ordered by something rare is refused for the order as likely as for the filter; null is a value of
            // the grammar (RFC 7644 Figure 1), but what it is equal to, Table 3 does not say.
            let null = view.status() == 400 && view.call.filter.as_ref().is_some_and(compares_null);
            declined_filter(view, scim_type).or_else(|| (null || rare_order(view)).then_some(Level::Should))
        }
        // `REPLACE` is sent by nobody; `Replace` by Entra.
        "patch/op-case-refused" if !capitalised(view) => Some(Level::Note),
        // No RFC says that somebody inactive may be in a group.
        "create/valid-group-refused" | "group/member-change-refused" if minds_inactive(view) => Some(Level::Note),
        // Who says that there is no sorting may say it once more (Table 8: 501).
        "list/valid-request-refused"
            if view.call.sort_by.is_some()
                && matches!(view.status(), 400 | 501)
                && view.target.features.get("sort") == Some(&false) =>
        {
            Some(Level::Note)
        }
        "list/valid-request-refused" if rare_order(view) => Some(Level::Should),
        // Table 9, tooMany: more than the server is willing to look at.
        "list/valid-request-refused"
            if gives_reason(view, &["tooMany"], |said| {
                said.contains("too many") || (view.call.op == Op::List && said.contains("filter"))
            }) =>
        {
            Some(Level::Note)
        }
        // Where a list ends, a client learns from totalResults; who asks on all the same, SailPoint among them, may be told so.
        "list/valid-request-refused" if view.status() == 400 && minds_the_start(view) && !far_page(view) => {
            Some(Level::Idp)
        }
        // Neither says the RFC how deep a server must let one page (§3.4.2.4), nor does anybody ask for the millionth user.
        "list/valid-request-refused" if view.status() == 400 && far_page(view) => Some(Level::Note),
        "headers/media-type-refused" if plain_json => Some(Level::Should),
        "group/member-change-refused" | "patch/value-path-refused"
            if matches!(scim_type, Some("invalidFilter" | "invalidPath") | None)
                && view.status() == 400
                && unusual_value_path(view) =>
        {
            Some(Level::Note)
        }
        // RFC 7643 §2.4 makes it a list; that a single object stands for a list of one is §3.5.2.1's word alone.
        "group/member-change-refused" | "patch/valid-request-refused" if single_object(view) => Some(Level::Should),
        // Two people with one key or address: what else is unique than the name is for the server to say (RFC 7644 §3.3).
        "create/conflict-without-duplicate" if shares_a_key(view) || given_so(view) => Some(Level::Note),
        _ if view.status() == 409
            && matches!(view.call.op, Op::Replace | Op::Patch)
            && (takes_a_key(view) || shares_its_name(view)) =>
        {
            Some(Level::Should)
        }
        "create/valid-user-refused"
        | "create/enterprise-extension-refused"
        | "put/valid-request-refused"
        | "patch/valid-request-refused"
        | "patch/value-path-refused"
        | "patch/pathless-refused"
            if view.status() == 400 && writes_roles(view) =>
        {
            // RFC 7643 §4.1.2 gives roles and entitlements no vocabulary: which are allowed is the application's matter.
            Some(Level::Idp)
        }
        _ if matches!(view.call.op, Op::Create | Op::Replace | Op::Patch) => by_the_servers_rules(view),
        _ => None,
    }
}

/// A filter may be declined: Table 9 has invalidFilter for "the specified attribute and filter comparison combination is not
/// supported" and tooMany, Table 8 has 501, and the word may be left out.
fn declined_filter(view: &View<'_>, scim_type: Option<&str>) -> Option<Level> {
    let open = match (view.status(), scim_type) {
        (400, Some("invalidFilter") | None) | (501, _) => Level::Note,
        (400, Some("tooMany")) => return Some(Level::Note),
        _ => return None,
    };
    match supported(view) {
        Support::Whole => None,
        Support::Parts => (open == Level::Note).then_some(Level::Should),
        Support::Unknown => Some(open),
    }
}

/// The look-up of every identity provider: one comparison of the name.
fn by_name_alone(view: &View<'_>) -> bool {
    let name = name_attribute(&view.call.endpoint);
    matches!(&view.call.filter, Some(Filter::Attr { path, .. }) if path.attr.eq_ignore_ascii_case(name))
}

/// The filter names an attribute that no answer of this case has shown.
fn never_shown(view: &View<'_>, name: &str) -> bool {
    let named =
        view.call.filter_text.as_deref().unwrap_or_default().to_ascii_lowercase().contains(&name.to_ascii_lowercase());
    let shows = |p: &Past| {
        let body = p.exchange.json().and_then(Value::as_object);
        let list = body.and_then(|b| get_ci(b, "Resources")).and_then(Value::as_array);
        let has = |o: &Map<String, Value>| get_ci(o, name).is_some_and(|v| !v.is_null());
        body.is_some_and(has) || list.into_iter().flatten().filter_map(Value::as_object).any(has)
    };
    named && !view.earlier.iter().filter(|p| p.exchange.accepted()).any(shows)
}

/// An operation is written `Add`, `Replace` or `Remove`.
fn capitalised(view: &View<'_>) -> bool {
    let body = view.call.body.as_ref().and_then(Value::as_object);
    body.into_iter().flat_map(operations).filter_map(|o| get_ci(o, "op")?.as_str()).any(|op| {
        let mut letters = op.chars();
        letters.next().is_some_and(|c| c.is_ascii_uppercase()) && letters.all(|c| c.is_ascii_lowercase())
    })
}

/// The refusal speaks of somebody inactive, and one of those who were sent is.
fn minds_inactive(view: &View<'_>) -> bool {
    let said = said(view);
    let named = ["inactive", "active", "disabled", "deactivated", "suspended"].iter().any(|word| says(&said, word));
    let sent = view.call.body.as_ref().map(Value::to_string).unwrap_or_default();
    let inactive = |e: &Entry| {
        *e.kind.endpoint == *"/Users"
            && sent.contains(&*e.id)
            && view
                .before
                .find("/Users", &e.id)
                .is_some_and(|k| value_ci(&k.doc, "active") == Some(&Value::Bool(false)))
    };
    named && view.before.known.entries().iter().any(inactive)
}

/// An order by another attribute than the names that every list has.
fn rare_order(view: &View<'_>) -> bool {
    let usual = ["userName", "displayName", "id", "meta.created", "meta.lastModified"];
    view.status() == 400
        && view
            .call
            .sort_by
            .as_deref()
            .is_some_and(|by| !usual.iter().any(|u| by.to_ascii_lowercase().ends_with(&u.to_ascii_lowercase())))
}

/// externalId in other letters, where it is answered in the schema's: then it is the case that is minded (RFC 7644 §3.4.2.2).
fn respelt(view: &View<'_>) -> bool {
    let text = |call: &Call| outside_quotes(call.filter_text.as_deref().unwrap_or_default());
    let here = text(view.call);
    let answered = |p: &Past| p.call.endpoint == view.call.endpoint && p.exchange.accepted();
    here.to_ascii_lowercase().contains("externalid")
        && !here.contains("externalId")
        && view.earlier.iter().any(|p| answered(p) && text(&p.call).contains("externalId"))
}

fn minds_the_start(view: &View<'_>) -> bool {
    let beyond = view.call.start_index.as_deref().and_then(|s| s.trim().parse::<u64>().ok()).is_some_and(|s| s > 1);
    beyond && says(&said(view), "startindex")
}

/// A page that begins far behind all that there can be.
fn far_page(view: &View<'_>) -> bool {
    const FAR: u64 = 100_000;
    view.call.start_index.as_deref().and_then(|s| s.trim().parse::<u64>().ok()).is_some_and(|start| start >= FAR)
}

/// Refusals that follow from rules a server may have (RFC 7644 §3.12, invalidValue): which values it takes, how many at a time,
/// and whether somebody must exist who is referred to.
fn by_the_servers_rules(view: &View<'_>) -> Option<Level> {
    let refusal = view.status();
    // Table 8 has 501, and HTTP has 405, for what is not offered: groups may be managed elsewhere, users may not.
    if matches!(refusal, 405 | 501) && view.call.op == Op::Create {
        match view.call.endpoint.as_str() {
            "/Groups" => return Some(Level::Note),
            _ if refusal == 501 => return Some(Level::Idp),
            _ => {}
        }
    }
    if !matches!(refusal, 400 | 404 | 413 | 422) {
        return None;
    }
    if written(view, "password") {
        // Hardly a policy takes one letter.
        let letter =
            view.call.body.as_ref().and_then(|b| value_ci(b, "password")?.as_str()).is_some_and(|p| p.len() < 2);
        return Some(if letter { Level::Note } else { Level::Should });
    }
    if refusal == 413 || many_at_once(view) || speaks_of_a_bound(view) || odd_username(view) {
        return Some(Level::Idp);
    }
    if too_long(view) {
        return Some(Level::Note);
    }
    // Attributes beyond the essential are optional, and this server does not say which it has.
    if !view.target.schemas_known
        && !touches_essential(view)
        && gives_reason(view, &["invalidPath"], |said| names_path(view, said))
    {
        return Some(Level::Should);
    }
    if unknown_manager(view) || name_apart(view) {
        return Some(Level::Note);
    }
    if ties_name_to_address(view) {
        return Some(Level::Idp);
    }
    if view.call.endpoint == "/Groups" && refusal != 404 && marked_name(view) {
        return Some(Level::Idp);
    }
    if view.call.op == Op::Create && only_addresses_as_names(view) {
        return Some(Level::Note);
    }
    if refusal != 404 && free_phone_number(view) {
        return Some(Level::Idp);
    }
    let undeclared = gives_reason(view, &["invalidPath", "invalidFilter"], |said| said.contains("externalid"));
    (undeclared && written(view, "externalId")).then_some(if view.call.endpoint == "/Groups" {
        Level::Note
    } else {
        Level::Idp
    })
}

/// The refusal is for one of these reasons of Table 9; where it has no `scimType`, which is optional, its `detail` (in lower
/// case) has to say so.
fn gives_reason(view: &View<'_>, words: &[&str], told: impl Fn(&str) -> bool) -> bool {
    let text =
        |name: &str| view.object().and_then(|o| get_ci(o, name)).and_then(Value::as_str).filter(|t| !t.is_empty());
    match text("scimType") {
        Some(word) => words.contains(&word),
        None => text("detail").is_some_and(|detail| told(&detail.to_ascii_lowercase())),
    }
}

/// The text has the name of an attribute that this PATCH is for.
fn names_path(view: &View<'_>, said: &str) -> bool {
    let name = |path: &str| path.rsplit([':', '.']).next().unwrap_or_default().to_ascii_lowercase();
    patch_operations(view).into_iter().filter_map(op_path).any(|path| {
        let last = name(path.split('[').next().unwrap_or_default());
        !last.is_empty() && said.contains(&last)
    })
}

/// The group is to have a name with a mark in it that few systems take for names: which are taken is the server's to say
/// (RFC 7644 §3.12, invalidValue), and what the identity provider's groups are called is not.
fn marked_name(view: &View<'_>) -> bool {
    let odd = |text: &str| text.chars().any(|c| "?#%/\\\"<>*|;".contains(c) || c.is_control());
    let names =
        |v: &Value| v.as_object().and_then(|o| get_ci(o, "displayName")).and_then(Value::as_str).is_some_and(odd);
    let body = view.call.body.as_ref();
    body.is_some_and(names)
        || patch_operations(view).into_iter().any(|o| {
            let value = get_ci(o, "value");
            let named = op_path(o).is_some_and(|p| p.to_ascii_lowercase().ends_with("displayname"));
            value.is_some_and(names) || (named && value.and_then(Value::as_str).is_some_and(odd))
        })
}

/// The request writes that attribute of the core schema.
fn written(view: &View<'_>, name: &str) -> bool {
    writes(view, |key| key.eq_ignore_ascii_case(name))
}

/// A phone number in another form than that of RFC 3966, which RFC 7643 §4.1.2 recommends and its own examples do without:
/// identity providers send what the directory holds.
fn free_phone_number(view: &View<'_>) -> bool {
    let body = view.call.body.as_ref().and_then(Value::as_object);
    let numbers = body.and_then(|b| get_ci(b, "phoneNumbers")).and_then(Value::as_array);
    let value = |number: &Value| get_ci(number.as_object()?, "value")?.as_str().map(|v| v.starts_with("tel:"));
    numbers.into_iter().flatten().filter_map(value).any(|uri| !uri)
}

/// The request writes roles or entitlements.
fn writes_roles(view: &View<'_>) -> bool {
    writes(view, |key| {
        let lower = key.to_ascii_lowercase();
        lower.starts_with("roles") || lower.starts_with("entitlements")
    })
}

/// The request has a value for an attribute of such a name, or a PATCH path that is one.
fn writes(view: &View<'_>, named: impl Fn(&str) -> bool) -> bool {
    let keys = |v: &Value| {
        v.as_object().is_some_and(|o| o.iter().any(|(k, v)| named(k) && !crate::shadow::facts::is_empty(v)))
    };
    match view.call.op {
        Op::Patch => patch_operations(view).into_iter().any(|o| match op_path(o) {
            Some(path) => named(path),
            None => get_ci(o, "value").is_some_and(keys),
        }),
        _ => view.call.body.as_ref().is_some_and(keys),
    }
}

/// The PATCH names an attribute that no identity provider can do without.
fn touches_essential(view: &View<'_>) -> bool {
    let essential = |key: &str| crate::shadow::facts::essential(key.split('[').next().unwrap_or_default());
    patch_operations(view).into_iter().any(|o| match op_path(o) {
        Some(path) => essential(path),
        None => get_ci(o, "value").and_then(Value::as_object).is_some_and(|v| v.keys().any(|k| essential(k))),
    })
}

/// More members or operations in one request than a server need take: no RFC says how many.
fn many_at_once(view: &View<'_>) -> bool {
    const MANY: usize = 50;
    fn longest(value: &Value) -> usize {
        match value {
            Value::Array(items) => items.len().max(items.iter().map(longest).max().unwrap_or(0)),
            Value::Object(map) => map.values().map(longest).max().unwrap_or(0),
            _ => 0,
        }
    }
    view.call.body.as_ref().is_some_and(|b| longest(b) > MANY)
}

/// What the answer says in `detail`, in lower case.
fn said(view: &View<'_>) -> String {
    view.object().and_then(|o| get_ci(o, "detail")).and_then(Value::as_str).unwrap_or_default().to_lowercase()
}

/// The refusal names how many there may be: of no list an RFC says how many it must hold. That there may be one of an attribute is
/// how a product is made; a group of one member is none, and who joins one by one can join together.
fn speaks_of_a_bound(view: &View<'_>) -> bool {
    let said = said(view);
    let one = ["only one", "more than one", "multiple", "multi-value", "one value", "single value"];
    ["at most", "too many", "maximum number", "maximum of"].iter().any(|words| said.contains(words))
        || (one.iter().any(|words| said.contains(words))
            && !said.contains("operation")
            && !written(view, "members")
            && view.call.body.as_ref().is_some_and(brings_several))
}

/// An attribute is a list of two or more, or is added to, and then it may have more than is said.
fn brings_several(body: &Value) -> bool {
    let Some(body) = body.as_object() else { return false };
    let adds = |o: &Map<String, Value>| {
        get_ci(o, "op").and_then(Value::as_str).is_some_and(|op| op.eq_ignore_ascii_case("add"))
    };
    let list = |v: &Value| v.as_array().is_some_and(|l| l.len() > 1);
    let several =
        |map: &Map<String, Value>| map.iter().any(|(name, v)| !name.eq_ignore_ascii_case("schemas") && list(v));
    match get_ci(body, "Operations") {
        None => several(body),
        Some(_) => operations(body).any(|o| {
            let value = get_ci(o, "value");
            adds(o) || value.is_some_and(list) || value.and_then(Value::as_object).is_some_and(several)
        }),
    }
}

/// The refusal speaks of a length, and a text was sent that is longer than many a column: no RFC says how long one must be.
fn too_long(view: &View<'_>) -> bool {
    const SHORT: usize = 63;
    fn longest(value: &Value) -> usize {
        match value {
            Value::String(text) => text.chars().count(),
            Value::Array(items) => items.iter().map(longest).max().unwrap_or(0),
            // An address is as long as the server's own name makes it.
            Value::Object(map) => {
                map.iter().filter(|(name, _)| *name != "$ref").map(|(_, v)| longest(v)).max().unwrap_or(0)
            }
            _ => 0,
        }
    }
    let said = said(view);
    let speaks = ["too long", "longer", "length", "exceeds"].iter().any(|words| said.contains(words));
    speaks && view.call.body.as_ref().is_some_and(|b| longest(b) > SHORT)
}

/// The refusal speaks of the userName, and that has a character beyond those of most addresses: a text may have a required format
/// (RFC 7643 §2.3.1), and what people are called at the identity provider is not the server's to say.
fn odd_username(view: &View<'_>) -> bool {
    let usual = |c: char| c.is_ascii_alphanumeric() || "._@-".contains(c);
    let name = view.call.body.as_ref().and_then(|b| value_ci(b, "userName")?.as_str());
    let speaks = |said: &str| ["character", "format", "invalid", "allowed"].iter().any(|w| said.contains(w));
    let said = said(view);
    name.is_some_and(|n| !n.chars().all(usual)) && said.contains("username") && speaks(&said)
}

/// The manager that is written is nobody of ours (RFC 7643 §4.3: the id of the User who is the manager).
fn unknown_manager(view: &View<'_>) -> bool {
    fn managers<'a>(value: &'a Value, out: &mut Vec<&'a Value>) {
        match value {
            Value::Object(map) => {
                for (key, inner) in map {
                    let path =
                        key == "path" && inner.as_str().is_some_and(|p| p.to_ascii_lowercase().contains("manager"));
                    if path {
                        out.extend(get_ci(map, "value"));
                    } else if key.to_ascii_lowercase().ends_with("manager")
                        || key.to_ascii_lowercase().ends_with("manager.value")
                    {
                        out.push(inner);
                    } else {
                        managers(inner, out);
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|i| managers(i, out)),
            _ => {}
        }
    }
    let id = |v: &Value| match v {
        Value::Object(map) => get_ci(map, "value").and_then(Value::as_str).map(str::to_owned),
        Value::Array(items) => {
            items.first().and_then(|i| i.as_str().or(value_ci(i, "value")?.as_str())).map(str::to_owned)
        }
        other => other.as_str().map(str::to_owned),
    };
    let mut named = Vec::new();
    if let Some(body) = &view.call.body {
        managers(body, &mut named);
    }
    let ours = |id: &str| view.before.find("/Users", id).is_some_and(|k| k.state == State::Live);
    named.into_iter().filter_map(id).any(|id| !ours(&id))
}

/// The userName is no e-mail address, and every one that the server took in this case was.
fn only_addresses_as_names(view: &View<'_>) -> bool {
    let name = |body: Option<&Value>| get_ci(body?.as_object()?, "userName")?.as_str().map(str::to_owned);
    let taken = view.earlier.iter().filter(|p| p.call.op == Op::Create && p.exchange.accepted());
    view.call.endpoint == "/Users"
        && name(view.call.body.as_ref()).is_some_and(|n| !n.contains('@'))
        && taken.filter_map(|p| name(p.call.body.as_ref())).all(|n| n.contains('@'))
}

/// The userName of a new user is none of its addresses, which is said to be wrong, and so it is with nobody whom the server took.
pub(super) fn name_apart(view: &View<'_>) -> bool {
    apart_by(view, str::eq_ignore_ascii_case)
}

/// The same, where other letters are another name.
pub(super) fn name_apart_by_a_letter(view: &View<'_>) -> bool {
    apart_by(view, |mail, name| mail == name)
}

fn apart_by(view: &View<'_>, same: fn(&str, &str) -> bool) -> bool {
    let apart = |body: Option<&Value>| {
        let body = body?.as_object()?;
        let name = get_ci(body, "userName")?.as_str()?;
        let mut mails = get_ci(body, "emails")?.as_array()?.iter().filter_map(|m| value_ci(m, "value")?.as_str());
        let first = mails.next()?;
        Some(!std::iter::once(first).chain(mails).any(|mail| same(mail, name)))
    };
    let told = |said: &str| ["username", "email", "e-mail"].iter().any(|word| said.contains(word));
    let taken = view.earlier.iter().filter(|p| p.call.op == Op::Create && p.exchange.accepted());
    view.call.op == Op::Create
        && view.call.endpoint == "/Users"
        && view.status() == 400
        && gives_reason(view, &["invalidValue"], told)
        && apart(view.call.body.as_ref()) == Some(true)
        && !taken.filter_map(|p| apart(p.call.body.as_ref())).any(|apart| apart)
}

/// A server may take addresses of the domains only that it knows to be its customer's; the run can be told one.
fn minds_the_domain(view: &View<'_>) -> bool {
    let taken = |domain: &(String, String)| {
        let mut made = view.earlier.iter().filter(|p| p.call.op == Op::Create && p.exchange.accepted());
        made.any(|p| domains(&p.call).contains(domain))
    };
    matches!(view.status(), 400 | 422)
        && ["domain", "domains"].iter().any(|word| says(&said(view), word))
        && !domains(view.call).iter().all(taken)
}

/// What stands behind each `@` of a body, in lower case, and in which attribute.
fn domains(call: &Call) -> Vec<(String, String)> {
    let domain = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || ".-".contains(*c)).collect();
    let in_one = |(name, value): (&String, &Value)| {
        let text = value.to_string().to_lowercase();
        text.split('@').skip(1).map(|rest| (name.to_lowercase(), domain(rest))).collect::<Vec<_>>()
    };
    call.body.as_ref().and_then(Value::as_object).into_iter().flatten().flat_map(in_one).collect()
}

/// A change of the name or of the addresses is refused in words that speak of both: they have to be the same, and identity
/// providers change the one or the other.
fn ties_name_to_address(view: &View<'_>) -> bool {
    let said = said(view);
    let both = said.contains("username") && ["email", "e-mail"].iter().any(|word| said.contains(word));
    let alike = ["same", "match", "equal", "identical", "differ"].iter().any(|word| said.contains(word));
    let writes = written(view, "userName") || written(view, "emails");
    view.status() == 400 && matches!(view.call.op, Op::Replace | Op::Patch) && both && alike && writes
}

/// What filters of this case that were accepted say of a refused one.
enum Support {
    /// The same one with other values was accepted: it is the value that is refused.
    Whole,
    /// Each comparison of it was accepted, and so was each kind of joining them.
    Parts,
    /// Something in it was never accepted.
    Unknown,
}

fn supported(view: &View<'_>) -> Support {
    let Some(filter) = &view.call.filter else { return Support::Unknown };
    let accepted: Vec<&Filter> = view
        .earlier
        .iter()
        .filter(|p| p.call.endpoint == view.call.endpoint && p.exchange.status() == Some(200))
        .filter_map(|p| p.call.filter.as_ref())
        .collect();
    let own = shape(filter);
    // Parentheses that change nothing are gone from the parsed filter, and so is the URN of a core schema from its shape.
    let text = outside_quotes(view.call.filter_text.as_deref().unwrap_or_default()).to_ascii_lowercase();
    if !text.contains('(') && !text.contains("urn:") && accepted.iter().any(|f| shape(f) == own) {
        return Support::Whole;
    }
    let known: Vec<String> = accepted.into_iter().flat_map(parts).collect();
    if parts(filter).iter().all(|p| known.contains(p)) { Support::Parts } else { Support::Unknown }
}

/// A filter without its values and without the URN of a core schema.
pub(super) fn shape(filter: &Filter) -> String {
    let bare = |path: &AttrPath| {
        let core =
            path.urn.as_deref().is_some_and(|u| [urn::USER, urn::GROUP].iter().any(|c| c.eq_ignore_ascii_case(u)));
        if core { AttrPath { urn: None, ..path.clone() } } else { path.clone() }
    };
    let joined = |word: &str, all: &[Filter]| format!("({})", all.iter().map(shape).collect::<Vec<_>>().join(word));
    match filter {
        Filter::And(all) => joined(" and ", all),
        Filter::Or(all) => joined(" or ", all),
        Filter::Not(inner) => format!("not {}", shape(inner)),
        Filter::Attr { path, test: Test::Present } => format!("{} pr", bare(path)).to_ascii_lowercase(),
        Filter::Attr { path, test: Test::Compare(op, _) } => format!("{} {op:?}", bare(path)).to_ascii_lowercase(),
        other => other.to_string().to_ascii_lowercase(),
    }
}

/// Whether something is compared with null.
fn compares_null(filter: &Filter) -> bool {
    match filter {
        Filter::And(all) | Filter::Or(all) => all.iter().any(compares_null),
        Filter::Not(one) | Filter::ValuePath { filter: one, .. } => compares_null(one),
        Filter::Attr { test, .. } => matches!(test, Test::Compare(_, Literal::Null)),
    }
}

/// The comparisons of a filter and the words that join them.
fn parts(filter: &Filter) -> Vec<String> {
    let (word, inner): (&str, Vec<&Filter>) = match filter {
        Filter::And(all) => ("and", all.iter().collect()),
        Filter::Or(all) => ("or", all.iter().collect()),
        Filter::Not(one) => ("not", vec![&**one]),
        leaf => return vec![shape(leaf)],
    };
    std::iter::once(word.to_owned()).chain(inner.into_iter().flat_map(parts)).collect()
}

/// A value filter that is more than one `eq`: Table 9 lets a server say that it does not support it.
fn unusual_value_path(view: &View<'_>) -> bool {
    patch_operations(view).into_iter().filter_map(op_path).any(|path| {
        let inside = path.split_once('[').map(|(_, rest)| outside_quotes(rest).to_ascii_lowercase());
        inside.is_some_and(|f| !f.contains(" eq ") || f.contains(" or ") || f.contains(" and ") || f.contains("not"))
    })
}

/// Members written as one object instead of a list.
fn single_object(view: &View<'_>) -> bool {
    let Some(rt) = view.resource_type() else { return false };
    let list = |name: &str| rt.schema.attribute(name).is_some_and(|a| a.multi_valued);
    patch_operations(view).into_iter().any(|o| {
        let value = get_ci(o, "value");
        let members = value.and_then(Value::as_object).into_iter().flatten();
        match op_path(o) {
            Some(path) => list(path) && value.is_some_and(Value::is_object),
            None => members.into_iter().any(|(name, v)| list(name) && v.is_object()),
        }
    })
}

/// Another user has the name that is written, because that was let happen before: the conflict is there.
fn shares_its_name(view: &View<'_>) -> bool {
    let Some(name) = written_name(view.call, name_attribute(&view.call.endpoint)) else { return false };
    view.before.named(name).any(|k| {
        k.endpoint == view.call.endpoint
            && k.tenant == tenant_of(view.call)
            && k.state == State::Live
            && Some(k.id.as_str()) != view.call.id.as_deref()
    })
}

/// Somebody alive was given the name by a write that was accepted. That the server shows another one is a finding of its own; the
/// name is taken.
fn given_so(view: &View<'_>) -> bool {
    let attribute = name_attribute(&view.call.endpoint);
    let name = |body: Option<&Value>| body.and_then(|b| value_ci(b, attribute)?.as_str()).map(str::to_lowercase);
    let Some(wanted) = name(view.call.body.as_ref()) else { return false };
    view.earlier.iter().any(|p| {
        let (id, given) = match p.call.op {
            Op::Create => (p.exchange.json().and_then(|b| value_ci(b, "id")?.as_str()), name(p.call.body.as_ref())),
            _ => (p.call.id.as_deref(), written_name(&p.call, attribute).map(str::to_lowercase)),
        };
        p.exchange.accepted()
            && p.call.endpoint == view.call.endpoint
            && tenant_of(&p.call) == tenant_of(view.call)
            && given.as_ref() == Some(&wanted)
            && id.and_then(|id| view.before.find(&view.call.endpoint, id)).is_some_and(|k| k.state == State::Live)
    })
}

/// The externalId or an address of the new user is that of another one.
fn shares_a_key(view: &View<'_>) -> bool {
    fn keys(doc: &Value) -> Vec<String> {
        let Some(doc) = doc.as_object() else { return Vec::new() };
        let emails = get_ci(doc, "emails").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let emails = emails.iter().filter_map(|e| value_ci(e, "value"));
        let all = get_ci(doc, "externalId").into_iter().chain(emails);
        let texts = all.filter_map(Value::as_str).map(|t| t.trim().to_lowercase());
        // An empty key tells nobody from nobody.
        texts.filter(|t| !t.is_empty()).collect()
    }
    let wanted = view.call.body.as_ref().map(keys).unwrap_or_default();
    // Users and groups are two worlds: nobody could mix up one of each.
    let same = |p: &&Past| p.call.op == Op::Create && p.call.endpoint == view.call.endpoint && p.exchange.accepted();
    let others = view.earlier.iter().filter(same);
    others.filter_map(|p| p.call.body.as_ref()).flat_map(keys).any(|k| wanted.contains(&k))
}

/// The update writes an address that another user was created with.
fn takes_a_key(view: &View<'_>) -> bool {
    fn texts<'a>(value: &'a Value, out: &mut Vec<&'a str>) {
        match value {
            Value::String(text) => out.push(text),
            Value::Array(items) => items.iter().for_each(|i| texts(i, out)),
            Value::Object(map) => map.iter().filter(|(k, _)| *k != "schemas").for_each(|(_, v)| texts(v, out)),
            _ => {}
        }
    }
    let mut sent = Vec::new();
    if let Some(body) = &view.call.body {
        texts(body, &mut sent);
    }
    let others = view.earlier.iter().filter(|p| p.call.op == Op::Create && p.exchange.accepted());
    let own = view.call.id.as_deref();
    let addresses =
        others.filter(|p| p.exchange.json().and_then(|b| value_ci(b, "id")?.as_str()) != own).flat_map(|p| {
            let emails = p.call.body.as_ref().and_then(|b| value_ci(b, "emails")?.as_array());
            emails.into_iter().flatten().filter_map(|e| value_ci(e, "value")?.as_str())
        });
    addresses.into_iter().any(|a| sent.iter().any(|s| s.eq_ignore_ascii_case(a)))
}

/// A filter that identity providers cannot do without: names and keys, compared with `eq` and joined by `and`. None of them
/// writes such a filter with parentheses or with the URN of the schema.
fn indispensable(view: &View<'_>) -> bool {
    fn plain(filter: &Filter) -> bool {
        match filter {
            Filter::And(parts) => parts.iter().all(plain),
            Filter::Attr { path, test: Test::Compare(CompareOp::Eq, _) } => {
                let known = ["userName", "externalId", "displayName"];
                path.urn.is_none() && path.sub.is_none() && known.iter().any(|n| n.eq_ignore_ascii_case(&path.attr))
            }
            _ => false,
        }
    }
    let user = view.call.endpoint == "/Users";
    view.call.filter.as_ref().is_some_and(|f| {
        let text = view.call.filter_text.as_deref().unwrap_or_default().to_ascii_lowercase();
        plain(f)
            && !outside_quotes(&text).contains('(')
            && !(user && text.contains("displayname"))
            && (user || !text.contains("externalid"))
    })
}

fn patch_operations<'a>(view: &View<'a>) -> Vec<&'a Map<String, Value>> {
    view.call.body.as_ref().and_then(Value::as_object).map(|b| operations(b).collect()).unwrap_or_default()
}
