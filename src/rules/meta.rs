//! What `meta` says of a resource (RFC 7643 §3.1): type, place, dates, version.

use super::rule::{Finding, Impact, Level, Rule, Verdict};
use super::schema::{Resource, each};
use super::view::{Past, View, below, short};
use crate::scim::value::{get_ci, parse_datetime};
use crate::shadow::{Op, State, resources_of};
use serde_json::{Map, Value};

/// Rules of this area.
pub static RULES: &[Rule] = &[
    Rule {
        id: "schema/meta-missing",
        title: "A resource has no `meta`, or it lacks resourceType or location",
        spec: "RFC 7643 §3.1",
        level: Level::Should,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["meta-present", "list-items-complete"],
        explain: "All \"meta\" sub-attributes are assigned by the server and returned by default.",
        hint: "Return meta with resourceType, created, lastModified and location.",
        wrong: "{\"id\":\"1\",\"userName\":\"a\"}",
        right: "{…,\"meta\":{\"resourceType\":\"User\",\"location\":\"https://…/Users/1\",\"created\":\"…\",\"lastModified\":\"…\"}}",
        proven_by: &["meta-location-missing", "meta-missing", "meta-resourcetype-missing", "list-omits-location"],
        check: meta_missing,
    },
    Rule {
        id: "schema/resource-type-wrong",
        title: "`meta.resourceType` is not the name of the endpoint's resource type",
        spec: "RFC 7643 §3.1; RFC 7644 §3.3.1",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["meta-resourcetype"],
        explain: "Clients that read from several endpoints go by it; the name is case-exact.",
        hint: "Write \"User\" or \"Group\".",
        wrong: "\"meta\":{\"resourceType\":\"users\"}",
        right: "\"meta\":{\"resourceType\":\"User\"}",
        proven_by: &["meta-resourcetype-wrong"],
        check: resource_type,
    },
    Rule {
        id: "schema/location-wrong",
        title: "`meta.location` does not lead to the resource",
        spec: "RFC 7643 §3.1",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["meta-location-resolves"],
        explain: "`meta.location` is the URI of the resource: base URL, endpoint, id. A URI that ends in the id below some other path may be a second address of it, so that is a SHOULD only, unless another answer has named the right one: one resource has one URI.",
        hint: "Build it from base URL, endpoint and id.",
        wrong: "id 2819, \"location\":\"https://…/Users/1\"",
        right: "\"location\":\"https://…/Users/2819\"",
        proven_by: &[
            "create-response-id-is-username",
            "location-wrong-endpoint",
            "location-without-base-path",
            "meta-location-wrong-id",
            "patch-answer-class-name",
            "list-location-without-tenant",
        ],
        check: location_wrong,
    },
    Rule {
        id: "schema/location-relative",
        title: "`meta.location` (or Location) is relative",
        spec: "RFC 7643 §3.1; RFC 7644 §3.3",
        level: Level::Should,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["meta-location-origin", "create-location-header"],
        explain: "A reference may be relative to the base URL (RFC 7643 §2.3.7), but the examples of both RFCs are absolute, and clients differ in where they start. One that leads elsewhere when it is taken from the base URL is advice, any other a remark.",
        hint: "Return the whole URL.",
        wrong: "\"location\":\"/Users/2819\"",
        right: "\"location\":\"https://scim.example.com/scim/v2/Users/2819\"",
        proven_by: &["meta-location-relative"],
        check: location_relative,
    },
    Rule {
        id: "schema/dates-missing",
        title: "`meta` does not say when the resource was created or changed",
        spec: "RFC 7643 §3.1",
        level: Level::Note,
        clash: false,
        impact: Impact::ImportIncomplete,
        breaks: &[],
        requirements: &["meta-present"],
        explain: "The server assigns `created` and `lastModified`, and what it has of them is returned by default; that it keeps them is nowhere required. Clients that import changes only, or that look for the newer of two accounts, need them.",
        hint: "Keep both times with each resource and return them.",
        wrong: "\"meta\":{\"resourceType\":\"User\",\"location\":\"…\"}",
        right: "\"meta\":{…,\"created\":\"2024-01-23T04:56:22Z\",\"lastModified\":\"2024-05-13T04:42:34Z\"}",
        proven_by: &["meta-dates-missing", "meta-dates-on-create-only"],
        check: dates_missing,
    },
    Rule {
        id: "schema/location-other-origin",
        title: "`meta.location` names another host or scheme than the client called",
        spec: "RFC 7643 §3.1",
        level: Level::Should,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["meta-location-origin"],
        explain: "A location is there to be followed. Behind a proxy a server often writes the name by which the proxy knows it (`http://app:8080/…`), or `http` for what was called by `https`: the client cannot reach it, or sends its token in the clear. Another public name of the same service is fine, and only noted.",
        hint: "Build URLs from a configured public base URL, or from the Forwarded headers of a proxy that is trusted.",
        wrong: "GET https://scim.example.com/v2/Users/2819 → \"location\":\"http://app:8080/v2/Users/2819\"",
        right: "\"location\":\"https://scim.example.com/v2/Users/2819\"",
        proven_by: &["location-names-inner-host"],
        check: location_origin,
    },
    Rule {
        id: "schema/date-invalid",
        title: "A date is no valid xsd:dateTime",
        spec: "RFC 7643 §2.3.5, §3.1",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["meta-created-datetime", "data-datetime-valid"],
        explain: "`created` and `lastModified` are dateTime values with date and time, e.g. 2008-01-23T04:56:22Z.",
        hint: "Format dates as RFC 3339.",
        wrong: "\"lastModified\":\"23/01/2008 04:56\"",
        right: "\"lastModified\":\"2008-01-23T04:56:22Z\"",
        proven_by: &["meta-created-not-datetime", "meta-created-without-zone", "dates-without-zone"],
        check: dates,
    },
    Rule {
        id: "schema/version-not-text",
        title: "`meta.version` is no text",
        spec: "RFC 7643 §3.1",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["meta-version-text"],
        explain: "`version` is the entity tag of the resource, a string such as W/\"3694e05e9dff590\". A client with typed models cannot read a resource that has a number there, and has no tag to send in If-Match.",
        hint: "Write the entity tag, quotes included, as a string; or leave `version` out.",
        wrong: "\"meta\":{…,\"version\":1}",
        right: "\"meta\":{…,\"version\":\"W/\\\"1\\\"\"}",
        proven_by: &["meta-version-number"],
        check: version_not_text,
    },
    Rule {
        id: "schema/created-changes",
        title: "`meta.created` of a resource changes",
        spec: "RFC 7643 §3.1",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["meta-created-stable"],
        explain: "`created` is the time at which the resource was added; no update moves it.",
        hint: "Set it once.",
        wrong: "PATCH → \"created\" is now",
        right: "\"created\" as at the create",
        proven_by: &["put-resets-created", "patch-created-changed"],
        check: created_changes,
    },
    Rule {
        id: "schema/modified-not-advanced",
        title: "`meta.lastModified` stays although the resource changed",
        spec: "RFC 7643 §3.1",
        level: Level::Must,
        clash: false,
        impact: Impact::ImportIncomplete,
        breaks: &[],
        requirements: &["meta-modified-advances", "patch-lastmodified"],
        explain: "Clients that import what changed since their last visit never see the change.",
        hint: "Set it on every accepted change.",
        wrong: "PATCH changes title; GET → the lastModified of the create",
        right: "a later time",
        proven_by: &[
            "group-membership-keeps-modified",
            "last-modified-not-advanced",
            "meta-lastmodified-before-created",
            "group-last-modified-stays",
        ],
        check: modified_static,
    },
    Rule {
        id: "schema/read-changes-modified",
        title: "A read changes `meta.lastModified`",
        spec: "RFC 7643 §3.1",
        level: Level::Must,
        clash: false,
        impact: Impact::RetriesForever,
        breaks: &[],
        requirements: &["meta-modified-get-noop"],
        explain: "Nothing was written between two reads, and the time differs: every resource looks changed to every client.",
        hint: "Return the stored time.",
        wrong: "GET, GET → two times",
        right: "one",
        proven_by: &["last-modified-changes-on-read"],
        check: modified_by_read,
    },
    Rule {
        id: "schema/modified-by-no-change",
        title: "A PATCH `add` of what is there already moves `meta.lastModified`",
        spec: "RFC 7644 §3.5.2.1",
        level: Level::Should,
        clash: false,
        impact: Impact::None,
        breaks: &[],
        requirements: &["patch-add-duplicate-modified"],
        explain: "The values were there before, the resource is the same as before, and only its date moved. Clients that import what changed since their last visit import it again.",
        hint: "Compare before you store; leave the date when nothing differs.",
        wrong: "PATCH add emails [the address that is there] → 204\nGET → a later lastModified",
        right: "GET → the same lastModified",
        proven_by: &["noop-add-moves-modified"],
        check: modified_by_no_change,
    },
    Rule {
        id: "schema/client-meta-kept",
        title: "`meta` sent by a client is kept",
        spec: "RFC 7643 §3.1 (readOnly)",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["meta-client-ignored", "create-readonly-ignored"],
        explain: "`meta` is the server's; a client's value must be ignored.",
        hint: "Overwrite meta.",
        wrong: "POST {\"meta\":{\"created\":\"1999-01-01T00:00:00Z\"},…} → the same",
        right: "→ the real time",
        proven_by: &["client-meta-kept"],
        check: client_meta,
    },
    Rule {
        id: "schema/version-differs",
        title: "`meta.version` is not the ETag of the answer",
        spec: "RFC 7643 §3.1; RFC 7644 §3.14",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["meta-version-etag"],
        explain: "The value must be the same as the ETag header of the same answer.",
        hint: "Set both from one value.",
        wrong: "ETag: W/\"2\", \"meta\":{\"version\":\"W/\\\"1\\\"\"}",
        right: "both W/\"2\"",
        proven_by: &["etag-differs-from-version"],
        check: version_etag,
    },
    Rule {
        id: "schema/content-location-differs",
        title: "Content-Location (or the Location of a changed resource) is another URI than `meta.location`",
        spec: "RFC 7643 §3.1",
        level: Level::Must,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["meta-content-location"],
        explain: "`meta.location` must be the same as the Content-Location header of the same answer, where there is one. A Location beside a changed or read resource has no other meaning; that is advice.",
        hint: "Set both from one value, or leave the header out.",
        wrong: "Content-Location: …/Users/1, \"location\":\"…/Users/2\"",
        right: "the same URI",
        proven_by: &["content-location-differs", "location-doubles-id", "update-location-doubles-id"],
        check: content_location,
    },
    Rule {
        id: "schema/new-resource-modified",
        title: "A resource that was just created shows another `lastModified` than `created`",
        spec: "RFC 7643 §3.1",
        level: Level::Should,
        clash: false,
        impact: Impact::ImportIncomplete,
        breaks: &[],
        requirements: &["meta-created-equals-modified"],
        explain: "As long as nobody changed a resource, lastModified must be the same as created. Clients that look for changes since the create take it for one. Less than a second between the two is a note.",
        hint: "Take the time once per create.",
        wrong: "POST → \"created\":\"…:22Z\",\"lastModified\":\"…:25Z\"",
        right: "the same time",
        proven_by: &["new-resource-modified-later"],
        check: new_modified,
    },
];

fn meta<'a>(resource: Resource<'a>) -> Option<Resource<'a>> {
    get_ci(resource, "meta")?.as_object()
}

fn meta_missing(view: &View<'_>) -> Verdict {
    if view.call.projected() {
        return Verdict::NotApplicable;
    }
    each(view, |resource, _| {
        let Some(meta) = meta(resource) else {
            return Some(Some(Finding::new(
                "body /meta",
                "resourceType, created, lastModified and location",
                "no meta",
            )));
        };
        Some(lacking(meta, &["resourceType", "location"]))
    })
}

/// What `meta` has no value for.
fn lacking(meta: Resource<'_>, names: &[&str]) -> Option<Finding> {
    let without: Vec<&str> = names.iter().copied().filter(|n| get_ci(meta, n).is_none_or(Value::is_null)).collect();
    (!without.is_empty()).then(|| Finding::new("body /meta", without.join(" and "), "missing"))
}

fn dates_missing(view: &View<'_>) -> Verdict {
    if view.call.projected() {
        return Verdict::NotApplicable;
    }
    each(view, |resource, _| Some(lacking(meta(resource)?, &["created", "lastModified"])))
}

fn resource_type(view: &View<'_>) -> Verdict {
    each(view, |resource, rt| {
        let shown = get_ci(meta(resource)?, "resourceType")?;
        Some(
            (shown.as_str() != Some(rt.name.as_str()))
                .then(|| Finding::new("body /meta/resourceType", rt.name.clone(), short(shown))),
        )
    })
}

fn location_wrong(view: &View<'_>) -> Verdict {
    each(view, |resource, rt| {
        let shown = get_ci(meta(resource)?, "location")?;
        let Some(text) = shown.as_str() else {
            return Some(Some(Finding::new("body /meta/location", "a URI", short(shown))));
        };
        let id = get_ci(resource, "id")?.as_str()?;
        let path = text.split(['?', '#']).next().unwrap_or(text).trim_end_matches('/');
        let last = crate::exchange::percent_decode(path.rsplit('/').next().unwrap_or_default());
        let wanted = || {
            let there = format!("{}{}/{id}", view.target.base_url, view.call.endpoint);
            Finding::new("body /meta/location", there, text)
        };
        if last != id {
            return Some(Some(wanted()));
        }
        // A server may have more than one address for a resource, but this one is where the client would look.
        let here = view.call.endpoint == rt.endpoint;
        let elsewhere = !below(path, &rt.endpoint) || outside(path, &view.target.base_url);
        Some((here && elsewhere).then(|| match told_right(view, id, &rt.endpoint) {
            // Two addresses for one resource, one of which leads elsewhere: the server contradicts itself.
            Some(step) => wanted().because(step),
            None => wanted().level(Level::Should),
        }))
    })
}

/// The step whose answer showed the resource of this id at the place where the client calls it.
fn told_right(view: &View<'_>, id: &str, endpoint: &str) -> Option<String> {
    let right = |p: &&Past| {
        let body = p.exchange.json().and_then(Value::as_object).filter(|_| p.exchange.accepted());
        let own = body.filter(|b| get_ci(b, "id").and_then(Value::as_str) == Some(id));
        let place = own.and_then(|b| get_ci(meta(b)?, "location")?.as_str());
        place.is_some_and(|l| below(l, endpoint) && !outside(l, &view.target.base_url))
    };
    view.earlier.iter().rev().find(right).map(|p| p.step.clone())
}

/// True for a URL on the host that was called which is not below the base URL.
fn outside(location: &str, base_url: &str) -> bool {
    // Nearly always, and then there is nothing to take apart.
    if location.strip_prefix(base_url).is_some_and(|rest| rest.starts_with('/')) {
        return false;
    }
    let (Ok(shown), Ok(base)) = (url::Url::parse(location), url::Url::parse(base_url)) else { return false };
    let prefix = base.path().trim_end_matches('/');
    let below = shown.path().strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'));
    same_host(&base, &shown) && !below
}

/// A reference may be relative, and is then taken from the base URL (RFC 7643 §2.3.7): only one that leads elsewhere is
/// more than a remark.
fn location_relative(view: &View<'_>) -> Verdict {
    let absolute = |t: &str| t.contains("://");
    let relative = |place: &str, text: &str| {
        let finding = Finding::new(place, "an absolute URI", text);
        match leads_here(&view.target.base_url, text) {
            true => finding.level(Level::Note),
            false => finding.message("Taken from the base URL, it leads to another place"),
        }
    };
    let created = view.response().filter(|_| view.call.op == Op::Create && view.accepted());
    if let Some(header) = created.and_then(|r| r.header("location")).filter(|h| !absolute(h)) {
        return Verdict::Fail(vec![relative("header Location", header)]);
    }
    each(view, |resource, _| {
        let text = get_ci(meta(resource)?, "location")?.as_str()?;
        Some((!absolute(text)).then(|| relative("body /meta/location", text)))
    })
}

/// True for a relative reference that, taken from the base URL as from a folder, stays below it.
fn leads_here(base_url: &str, text: &str) -> bool {
    let base = format!("{}/", base_url.trim_end_matches('/'));
    let resolved = url::Url::parse(&base).and_then(|b| b.join(text));
    resolved.is_ok_and(|u| u.as_str().starts_with(&base))
}

fn location_origin(view: &View<'_>) -> Verdict {
    let Ok(called) = url::Url::parse(&view.exchange.request.url) else { return Verdict::NotApplicable };
    each(view, |resource, _| {
        let text = get_ci(meta(resource)?, "location")?.as_str()?;
        // Nearly always, and then there is nothing to take apart.
        if text.strip_prefix(&called[..url::Position::BeforePath]).is_some_and(|rest| rest.starts_with('/')) {
            return Some(None);
        }
        let shown = url::Url::parse(text).ok().filter(|u| u.has_host())?;
        let finding =
            || Finding::new("body /meta/location", format!("{}…", &called[..url::Position::BeforePath]), text);
        let downgraded = called.scheme() == "https" && shown.scheme() == "http";
        Some(match (downgraded || inner_name(&shown), same_host(&called, &shown)) {
            (true, false) => Some(finding()),
            (_, true) if downgraded => Some(finding()),
            (false, false) => Some(finding().level(Level::Note)),
            _ => None,
        })
    })
}

/// The addresses of one machine are one host; ports may be mapped.
pub(super) fn same_host(a: &url::Url, b: &url::Url) -> bool {
    a.host() == b.host() || (loopback(a) && loopback(b))
}

fn loopback(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(url::Host::Ipv6(address)) => address.is_loopback() || address.is_unspecified(),
        None => false,
    }
}

/// A name that means nothing outside: one label, or an address that is not routed.
fn inner_name(url: &url::Url) -> bool {
    let inner = match url.host() {
        Some(url::Host::Domain(name)) => !name.trim_end_matches('.').contains('.') || name.ends_with(".local"),
        Some(url::Host::Ipv4(address)) => address.is_private() || address.is_link_local(),
        _ => false,
    };
    inner || loopback(url)
}

fn dates(view: &View<'_>) -> Verdict {
    each(view, |resource, _| {
        let meta = meta(resource)?;
        let mut seen = false;
        for name in ["created", "lastModified"] {
            let Some(v) = get_ci(meta, name).filter(|v| !v.is_null()) else { continue };
            seen = true;
            // A time that could be any of twenty-four is valid xsd:dateTime, and what many parsers refuse.
            if let Some(text) = v.as_str().filter(|t| parse_datetime(t).is_some() && !has_zone(t)) {
                let finding = Finding::new(format!("body /meta/{name}"), "a dateTime with Z or an offset", text);
                return Some(Some(finding.level(Level::Note)));
            }
            if v.as_str().and_then(parse_datetime).is_none() {
                return Some(Some(Finding::new(
                    format!("body /meta/{name}"),
                    "a dateTime such as 2008-01-23T04:56:22Z",
                    short(v),
                )));
            }
        }
        seen.then_some(None)
    })
}

fn version_not_text(view: &View<'_>) -> Verdict {
    each(view, |resource, _| {
        let version = get_ci(meta(resource)?, "version").filter(|v| !v.is_null())?;
        Some((!version.is_string()).then(|| Finding::new("body /meta/version", "a text", short(version))))
    })
}

fn has_zone(time: &str) -> bool {
    let clock = time.split_once(['T', 't']).map_or("", |(_, clock)| clock);
    clock.ends_with(['Z', 'z']) || clock.contains(['+', '-'])
}

/// A time in `meta`, of the resource in this answer and of the one that was read or answered before.
fn times(view: &View<'_>, name: &str) -> Option<(time::OffsetDateTime, time::OffsetDateTime)> {
    if !matches!(view.call.op, Op::Read | Op::Replace | Op::Patch) || !view.accepted() {
        return None;
    }
    let known = view.before.find(&view.call.endpoint, view.call.id.as_deref()?)?;
    if known.tenant != crate::shadow::forecast::tenant_of(view.call) {
        return None;
    }
    let time = |doc: &Map<String, Value>| get_ci(meta(doc)?, name)?.as_str().and_then(parse_datetime);
    let before = known.last_full.as_ref().or(known.last_answer.as_ref())?.as_object()?;
    Some((time(before)?, time(view.object()?)?))
}

fn created_changes(view: &View<'_>) -> Verdict {
    match times(view, "created").or_else(|| first_shown(view)) {
        // Servers may store fewer digits than they showed at first.
        Some((before, now))
            if before == now
                || ((now - before).abs() < time::Duration::SECOND
                    && (before.nanosecond() == 0 || now.nanosecond() == 0)) =>
        {
            Verdict::Pass
        }
        Some((before, now)) => Verdict::fail("body /meta/created", written(before), written(now)),
        None => Verdict::NotApplicable,
    }
}

/// The date of creation in this answer, and the one that was shown first, where a write has made us forget the rest.
fn first_shown(view: &View<'_>) -> Option<(time::OffsetDateTime, time::OffsetDateTime)> {
    let by_id = matches!(view.call.op, Op::Read | Op::Replace | Op::Patch) && view.accepted();
    let id = view.call.id.as_deref().filter(|_| by_id)?;
    let known = view.before.find(&view.call.endpoint, id).filter(|k| k.state == State::Live)?;
    let tenant = crate::shadow::forecast::tenant_of(view.call);
    let created = |doc: &Map<String, Value>| get_ci(meta(doc)?, "created")?.as_str().and_then(parse_datetime);
    let now = created(view.object().filter(|_| known.tenant == tenant)?)?;
    let shown = |past: &Past| {
        let one = matches!(past.call.op, Op::Create | Op::Read | Op::Replace | Op::Patch) && past.exchange.accepted();
        let same = past.call.endpoint == known.endpoint && crate::shadow::forecast::tenant_of(&past.call) == tenant;
        let answer = past.exchange.json().and_then(Value::as_object).filter(|_| one && same)?;
        (get_ci(answer, "id")?.as_str() == Some(id)).then(|| created(answer))?
    };
    // A server may give an id anew: who was deleted was created at another time.
    let deleted =
        |past: &Past| past.call.op == Op::Delete && past.call.id.as_deref() == Some(id) && past.exchange.accepted();
    let since = view.earlier.iter().rev().take_while(|p| !deleted(p));
    Some((since.filter_map(shown).last()?, now))
}

fn modified_static(view: &View<'_>) -> Verdict {
    let Some(known) = view.call.id.as_deref().and_then(|id| view.before.find(&view.call.endpoint, id)) else {
        return Verdict::NotApplicable;
    };
    if view.call.op != Op::Read
        || !known.dirty
        || known.last_full.is_none()
        || known.state != State::Live
        || known.refused.is_some()
    {
        return Verdict::NotApplicable;
    }
    if !view.changed_since_read(known) {
        return Verdict::NotApplicable;
    }
    let Some((before, now)) = times(view, "lastModified") else { return Verdict::NotApplicable };
    let expected = || format!("later than {}", written(before));
    match now.cmp(&before) {
        std::cmp::Ordering::Greater => Verdict::Pass,
        // A clock that is shown in whole seconds now and finer then has not gone back.
        std::cmp::Ordering::Less if whole_second(now) && before - now < time::Duration::SECOND => {
            Verdict::NotApplicable
        }
        std::cmp::Ordering::Less => Verdict::fail("body /meta/lastModified", expected(), written(now)),
        std::cmp::Ordering::Equal if could_show(view, before) || long_ago(view, before) => {
            Verdict::fail("body /meta/lastModified", expected(), "the same time")
        }
        std::cmp::Ordering::Equal => Verdict::NotApplicable,
    }
}

/// The time as a document would have it.
fn written(time: time::OffsetDateTime) -> String {
    time.format(&time::format_description::well_known::Rfc3339).unwrap_or_else(|_| time.to_string())
}

fn whole_second(time: time::OffsetDateTime) -> bool {
    time.nanosecond() == 0
}

/// True when the time lies half a day back although the resource has just changed; no zone or clock explains that.
fn long_ago(view: &View<'_>, shown: time::OffsetDateTime) -> bool {
    view.exchange.started.is_some_and(|now| now - shown > time::Duration::hours(12))
}

/// True when even a clock that shows no finer steps than this time would show another one: between the answer that showed it
/// first and the write that should have moved it, more time went by than two such steps.
fn could_show(view: &View<'_>, shown: time::OffsetDateTime) -> bool {
    let step = tick(view, shown);
    let id = view.call.id.as_deref();
    let mine = || view.earlier.iter().filter(|p| p.exchange.accepted() && p.exchange.started.is_some());
    let shows = |p: &&Past| {
        let answer = p.exchange.json().and_then(Value::as_object);
        let time = answer.and_then(meta).and_then(|m| get_ci(m, "lastModified")?.as_str().and_then(parse_datetime));
        time == Some(shown) && answer.and_then(|a| get_ci(a, "id")?.as_str()) == id
    };
    let first = mine().find(shows).and_then(|p| Some(p.exchange.started? + p.exchange.duration));
    let moved = mine()
        .rev()
        .find(|p| matches!(p.call.op, Op::Patch | Op::Replace) && p.call.id.as_deref() == id)
        .and_then(|p| p.exchange.started);
    matches!((first, moved), (Some(first), Some(moved)) if moved - first > step * 2)
}

/// The steps in which the server's clock goes, by the times that this case has shown: all of them are multiples of it. No RFC asks for
/// finer ones than a second.
fn tick(view: &View<'_>, shown: time::OffsetDateTime) -> time::Duration {
    const SECOND: u32 = 1_000_000;
    let answers = view.earlier.iter().filter_map(|p| p.exchange.json());
    let resources = answers.flat_map(|a| std::iter::once(a).chain(resources_of(a))).filter_map(Value::as_object);
    let stamps = resources.filter_map(meta).flat_map(|m| [get_ci(m, "created"), get_ci(m, "lastModified")]);
    let times = stamps.filter_map(|stamp| parse_datetime(stamp?.as_str()?)).chain([shown]);
    let mut micros: Vec<u32> = times.map(|t| t.nanosecond() / 1_000).collect();
    micros.sort_unstable();
    micros.dedup();
    let step = micros.iter().fold(SECOND, |step, micro| gcd(step, *micro));
    // SQL Server's datetime: a three-hundredth of a second, written with three digits.
    let thirds = step == 1_000 && micros.iter().all(|m| matches!(m / 1_000 % 10, 0 | 3 | 7));
    time::Duration::microseconds(if thirds { 3_334 } else { i64::from(step) })
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn modified_by_read(view: &View<'_>) -> Verdict {
    let Some(known) = view.call.id.as_deref().and_then(|id| view.before.find(&view.call.endpoint, id)) else {
        return Verdict::NotApplicable;
    };
    if view.call.op != Op::Read
        || known.dirty
        || known.last_full.is_none()
        || known.refused.is_some()
        || known.endpoint != "/Users"
        || known.state != State::Live
    {
        return Verdict::NotApplicable;
    }
    // Membership changes may count as changes of the user.
    let grouped = view.before.known.count(|k| &*k.endpoint == "/Groups") > 0;
    match times(view, "lastModified") {
        Some((before, now)) if !grouped && before != now => {
            Verdict::fail("body /meta/lastModified", written(before), written(now))
        }
        Some((before, now)) if before == now => Verdict::Pass,
        _ => Verdict::NotApplicable,
    }
}

/// A full read that shows the same resource as the one before it but for `meta`, with one write between them: a PATCH of `add`
/// alone. Writes to other resources may count as changes of this one (memberships), so there must be none.
fn modified_by_no_change(view: &View<'_>) -> Verdict {
    let id = view.call.id.as_deref();
    let Some(known) = id.and_then(|id| view.before.find(&view.call.endpoint, id)) else {
        return Verdict::NotApplicable;
    };
    let (Op::Read, Some(last), true) = (view.call.op, &known.last_full, known.dirty) else {
        return Verdict::NotApplicable;
    };
    let read = |p: &&Past| p.call.op == Op::Read && p.call.id.as_deref() == id && !p.call.projected();
    let since = view.earlier.iter().rev().take_while(|p| !read(p));
    let writes: Vec<&Past> = since.filter(|p| p.exchange.request.method != "GET").collect();
    let [write] = writes[..] else { return Verdict::NotApplicable };
    let same = |a: &Map<String, Value>, b: &Map<String, Value>| {
        a.len() == b.len() && a.iter().all(|(k, v)| k == "meta" || b.get(k) == Some(v))
    };
    let (Some(before), Some(now)) = (last.as_object(), view.object()) else { return Verdict::NotApplicable };
    let one_add = write.call.op == Op::Patch
        && write.call.id.as_deref() == id
        && view.resource_type().is_some_and(|rt| only_adds(&write.call, now, rt));
    if !one_add || !write.exchange.accepted() || known.refused.is_some() || !same(before, now) {
        return Verdict::NotApplicable;
    }
    match times(view, "lastModified") {
        Some((was, is)) if is > was => Verdict::fail("body /meta/lastModified", was.to_string(), is.to_string()),
        Some(_) => Verdict::Pass,
        None => Verdict::NotApplicable,
    }
}

/// True for operations that add values of attributes which the read shows: what it hides may well have changed.
fn only_adds(call: &crate::shadow::Call, shown: &Map<String, Value>, rt: &crate::scim::schema::ResourceType) -> bool {
    let Some(body) = call.body.as_ref().and_then(Value::as_object) else { return false };
    let visible = |o: &Map<String, Value>| {
        let adds = get_ci(o, "op").and_then(Value::as_str).is_some_and(|op| op.eq_ignore_ascii_case("add"));
        let path = crate::shadow::forecast::op_path(o).unwrap_or_default();
        let name = path.split(['.', '[']).next().unwrap_or_default();
        let hidden = rt.schema.attributes.iter().find(|a| a.name.eq_ignore_ascii_case(name)).is_none_or(|a| {
            matches!(a.returned, crate::scim::schema::Returned::Request | crate::scim::schema::Returned::Never)
        });
        let value = get_ci(o, "value");
        adds && !hidden
            && value.is_some_and(|v| there_already(v, shown, name))
            && get_ci(shown, name).is_some_and(|v| !crate::shadow::facts::is_empty(v))
    };
    let mut operations = crate::shadow::forecast::operations(body).peekable();
    operations.peek().is_some() && operations.all(visible)
}

/// True for a value that the read shows: the text itself, or elements whose `value` is among the shown ones.
fn there_already(value: &Value, shown: &Map<String, Value>, name: &str) -> bool {
    let Some(now) = get_ci(shown, name) else { return false };
    let key = |v: &Value| v.as_object().map_or(Some(v), |o| get_ci(o, "value")).filter(|k| !k.is_null()).cloned();
    let among = |v: &Value| {
        let all = now.as_array().map_or(std::slice::from_ref(now), Vec::as_slice);
        key(v).is_some_and(|k| all.iter().filter_map(key).any(|n| n == k))
    };
    match value {
        Value::Array(items) => !items.is_empty() && items.iter().all(among),
        one => among(one),
    }
}

fn client_meta(view: &View<'_>) -> Verdict {
    if !matches!(view.call.op, Op::Create | Op::Replace) || !view.accepted() {
        return Verdict::NotApplicable;
    }
    let sent = view
        .call
        .body
        .as_ref()
        .and_then(Value::as_object)
        .and_then(meta)
        .and_then(|m| get_ci(m, "created"))
        .and_then(Value::as_str);
    let shown = view.object().and_then(meta).and_then(|m| get_ci(m, "created")).and_then(Value::as_str);
    let (Some(sent), Some(shown)) = (sent, shown) else { return Verdict::NotApplicable };
    // A PUT of the body that was read carries the server's own time.
    let Some(year) = parse_datetime(sent).map(|t| t.year()) else { return Verdict::NotApplicable };
    if year > 2005 {
        return Verdict::NotApplicable;
    }
    if sent == shown || parse_datetime(sent) == parse_datetime(shown) {
        Verdict::fail("body /meta/created", "the server's own time", shown)
    } else {
        Verdict::Pass
    }
}

fn version_etag(view: &View<'_>) -> Verdict {
    let Some(tag) = view
        .response()
        .and_then(|r| r.header("etag"))
        .filter(|_| matches!(view.call.op, Op::Create | Op::Read | Op::Replace | Op::Patch) && view.accepted())
    else {
        return Verdict::NotApplicable;
    };
    let Some(version) = view.object().and_then(meta).and_then(|m| get_ci(m, "version")).and_then(Value::as_str) else {
        return Verdict::NotApplicable;
    };
    let plain = |t: &str| t.trim().trim_start_matches("W/").trim_matches('"').to_owned();
    if plain(tag) == plain(version) { Verdict::Pass } else { Verdict::fail("body /meta/version", tag, version) }
}

fn content_location(view: &View<'_>) -> Verdict {
    let one = matches!(view.call.op, Op::Create | Op::Read | Op::Replace | Op::Patch) && view.accepted();
    let header = |name: &str| view.response().filter(|_| one)?.header(name);
    let shown = view.object().and_then(meta).and_then(|m| get_ci(m, "location")).and_then(Value::as_str);
    let Some(shown) = shown else { return Verdict::NotApplicable };
    // A relative reference is resolved against the request, so that only its path can be compared.
    let path = |uri: &str| match uri.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map(|(_, p)| format!("/{p}")).unwrap_or_default(),
        None => uri.to_owned(),
    };
    // Relative to the service root (RFC 7643 §2.3.7), or to the request.
    let tail = |long: &str, short: &str| long.ends_with(short.trim_start_matches(['.', '/']));
    let fits = |uri: &str| tail(&path(shown), &path(uri)) || tail(&path(uri), &path(shown));
    // The Location of a create has a rule of its own.
    match (header("content-location"), header("location").filter(|_| view.call.op != Op::Create)) {
        (Some(uri), _) if !fits(uri) => Verdict::fail("header Content-Location", shown, uri),
        (Some(_), _) => Verdict::Pass,
        (None, Some(uri)) if !fits(uri) => {
            Verdict::Fail(vec![Finding::new("header Location", shown, uri).level(Level::Should)])
        }
        (None, _) => Verdict::NotApplicable,
    }
}

fn new_modified(view: &View<'_>) -> Verdict {
    let meta = view.object().filter(|_| view.call.op == Op::Create && view.status() == 201).and_then(meta);
    let time = |name: &str| get_ci(meta?, name)?.as_str().and_then(parse_datetime);
    let (Some(created), Some(modified)) = (time("created"), time("lastModified")) else {
        return Verdict::NotApplicable;
    };
    if created == modified {
        return Verdict::Pass;
    }
    let finding = Finding::new("body /meta/lastModified", created.to_string(), modified.to_string());
    let close = (modified - created).abs() < time::Duration::SECOND;
    Verdict::Fail(vec![if close { finding.level(Level::Note) } else { finding }])
}
