//! What of a recording is SCIM, below which base URL, and with whose credentials each request came.
//!
//! Must not know scenarios. What is left out is counted by its reason, so that nothing disappears silently.

use super::secrets::{is_blanked, is_secret_parameter};
use super::{Answer, Entry, Recording};
use crate::exchange::{AuthKind, Exchange, FailureKind, Request, TransportFailure};
use std::collections::{BTreeMap, HashMap};

/// Endpoints that every SCIM service may have (RFC 7644 §3.2, §4).
const ENDPOINTS: &[&str] =
    &["Users", "Groups", "Me", "Bulk", "ServiceProviderConfig", "ResourceTypes", "Schemas", ".search"];

const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// So many requests of a client may be in flight at the same time.
const NEAR: usize = 64;

/// A SCIM request of the recording.
#[derive(Debug, Clone)]
pub struct Spoken {
    /// The request as recorded.
    pub entry: Entry,
    /// Path and query below the base URL, as on the wire, without credentials.
    pub target: String,
    /// Whose credentials it carried.
    pub auth: AuthKind,
}

/// The SCIM part of a recording.
#[derive(Debug, Clone, Default)]
pub struct Sifted {
    /// Base URL, as it stands in the recording.
    pub base: String,
    /// Requests below it, in order.
    pub spoken: Vec<Spoken>,
    /// Why others were left out, and how many.
    pub left_out: BTreeMap<&'static str, usize>,
}

impl Sifted {
    /// `8 on other hosts, 4 on other paths`; empty when nothing was left out.
    pub fn left_out_text(&self) -> String {
        self.left_out.iter().map(|(why, n)| format!("{n} {why}")).collect::<Vec<_>>().join(", ")
    }
}

/// Takes the SCIM out of a recording. `prefix` is the base URL (or its path) where the user knows it.
pub fn sift(recording: Recording, prefix: Option<&str>) -> Result<Sifted, String> {
    let base = match prefix {
        Some(prefix) => given(&recording.entries, prefix)?,
        None => likely(&recording.entries).ok_or_else(|| {
            let n = recording.entries.len();
            format!(
                "none of the {n} requests looks like SCIM (no `urn:ietf:params:scim:…`, no application/scim+json below \
                 /Users or /Groups); if they are all the same, say where SCIM begins with --base-url-prefix"
            )
        })?,
    };
    let traffic = recording.format.is_traffic();
    let own = endpoints_of(&recording.entries);
    let mut out = Sifted { base, ..Sifted::default() };
    for entry in recording.entries {
        match out.why_not(&entry, &own, prefix.is_some()) {
            Some(why) => *out.left_out.entry(why).or_default() += 1,
            None => {
                let target = target(&entry.url, &out.base);
                out.spoken.push(Spoken { entry, target, auth: AuthKind::Configured });
            }
        }
    }
    credentials(&mut out.spoken, traffic);
    Ok(out)
}

impl Sifted {
    fn why_not(&self, entry: &Entry, own: &[String], sure: bool) -> Option<&'static str> {
        if !METHODS.contains(&entry.method.as_str()) {
            return Some("with a method that SCIM does not have");
        }
        let (path, _) = split(&entry.url);
        let Some(rest) = below(&path, &self.base) else {
            let same = authority(&path) == authority(&self.base);
            return Some(if same { "on other paths" } else { "on other hosts" });
        };
        let first = rest.trim_start_matches('/').split('/').next().unwrap_or_default();
        let known = is_endpoint(first) || own.iter().any(|o| o.eq_ignore_ascii_case(first));
        if entry.method == "OPTIONS" && entry.header("access-control-request-method").is_some() {
            return Some("sent by a browser to ask for permission");
        }
        (!known && !sure && !speaks_scim(entry)).then_some("on other paths")
    }
}

/// The URL without fragment and user information, in front of the query, and the query.
fn split(url: &str) -> (String, Option<String>) {
    let url = url.split('#').next().unwrap_or_default();
    let (path, query) = url.split_once('?').map_or((url, None), |(p, q)| (p, Some(q.to_owned())));
    let Some((scheme, rest)) = path.split_once("://") else { return (path.to_owned(), query) };
    let end = rest.find('/').unwrap_or(rest.len());
    let host = rest[..end].rsplit('@').next().unwrap_or_default();
    (format!("{scheme}://{host}{}", &rest[end..]), query)
}

/// Scheme and host.
fn authority(path: &str) -> &str {
    let from = path.find("://").map_or(0, |n| n + 3);
    &path[..path[from..].find('/').map_or(path.len(), |n| from + n)]
}

/// What stands below the base; `None` when it is elsewhere.
fn below<'p>(path: &'p str, base: &str) -> Option<&'p str> {
    path.strip_prefix(base).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn is_endpoint(segment: &str) -> bool {
    ENDPOINTS.iter().any(|e| e.eq_ignore_ascii_case(segment))
}

/// The part in front of the first segment that is a SCIM endpoint.
fn base_of(url: &str) -> Option<String> {
    let (path, _) = split(url);
    let host = authority(&path).len();
    let mut at = host;
    for segment in path[host..].split('/').skip(1) {
        if is_endpoint(segment) {
            return Some(path[..at].to_owned());
        }
        at += segment.len() + 1;
    }
    None
}

/// The base under which most SCIM was spoken. Without any sign of SCIM there is none: a `/Users` alone is any REST service.
fn likely(entries: &[Entry]) -> Option<String> {
    let mut found: HashMap<String, (usize, usize)> = HashMap::new();
    for entry in entries {
        if let Some(base) = base_of(&entry.url) {
            let count = found.entry(base).or_default();
            count.0 += usize::from(speaks_scim(entry));
            count.1 += 1;
        }
    }
    let mut found: Vec<(String, (usize, usize))> = found.into_iter().filter(|(_, (signs, _))| *signs > 0).collect();
    found.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    found.into_iter().next().map(|(base, _)| base)
}

/// The base that the user names: whole, or only its path.
fn given(entries: &[Entry], prefix: &str) -> Result<String, String> {
    let wanted = prefix.trim_end_matches('/');
    for entry in entries {
        let (path, _) = split(&entry.url);
        let base = match wanted.contains("://") || wanted.starts_with("{{") {
            true => wanted.to_owned(),
            false => format!("{}/{}", authority(&path), wanted.trim_start_matches('/')),
        };
        let base = base.trim_end_matches('/');
        if below(&path, base).is_some() {
            return Ok(base.to_owned());
        }
    }
    Err(format!("no request is below --base-url-prefix {prefix}"))
}

/// True when request or answer say that they are SCIM.
fn speaks_scim(entry: &Entry) -> bool {
    let media = |value: Option<&str>| value.is_some_and(|v| v.to_ascii_lowercase().contains("scim+json"));
    let holds = |body: &[u8]| std::str::from_utf8(body).is_ok_and(|t| t.contains("urn:ietf:params:scim:"));
    media(entry.header("content-type"))
        || media(entry.header("accept"))
        || entry.body.as_deref().is_some_and(holds)
        || entry.answer.response().is_some_and(|r| media(r.header("content-type")) || holds(&r.body))
}

/// Endpoints that the target itself lists in the recording.
fn endpoints_of(entries: &[Entry]) -> Vec<String> {
    let types = entries.iter().filter(|e| split(&e.url).0.ends_with("/ResourceTypes")).filter_map(Entry::answered);
    let listed = types.filter_map(|body| body.get("Resources")?.as_array()).flatten();
    let endpoints = listed.filter_map(|t| t.get("endpoint")?.as_str());
    endpoints.filter_map(|e| e.trim_end_matches('/').rsplit('/').next()).map(str::to_owned).collect()
}

/// Path and query below the base, without the parameters that carry credentials.
fn target(url: &str, base: &str) -> String {
    let (path, query) = split(url);
    let rest = below(&path, base).unwrap_or_default();
    let Some(query) = query else { return rest.to_owned() };
    let kept: Vec<&str> =
        query.split('&').filter(|p| !is_secret_parameter(p.split('=').next().unwrap_or_default())).collect();
    if kept.is_empty() { rest.to_owned() } else { format!("{rest}?{}", kept.join("&")) }
}

/// Tells the credentials of the requests apart: those that most accepted requests carry are the configured ones.
/// A collection holds its credentials elsewhere, so a request without a header is nothing special there.
fn credentials(spoken: &mut [Spoken], traffic: bool) {
    let sent: Vec<Option<String>> = spoken.iter().map(|s| s.entry.header("authorization").map(str::to_owned)).collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for (one, value) in spoken.iter().zip(&sent) {
        if let Some(value) = value {
            *counts.entry(value).or_default() += 1 + usize::from(one.entry.accepted()) * 2;
        }
    }
    let usual =
        counts.into_iter().max_by_key(|(value, n)| (*n, std::cmp::Reverse(*value))).map(|(value, _)| value.to_owned());
    let mut spans: HashMap<&str, (usize, usize)> = HashMap::new();
    for (n, value) in sent.iter().enumerate().filter_map(|(n, v)| Some((n, v.as_deref()?))) {
        spans.entry(value).or_insert((n, n)).1 = n;
    }
    let in_use = |value: &str| spans.get(value).copied();
    let kinds: Vec<AuthKind> = spoken
        .iter()
        .zip(&sent)
        .map(|(one, value)| kind(one, value.as_deref(), usual.as_deref(), &in_use, traffic))
        .collect();
    spoken.iter_mut().zip(kinds).for_each(|(one, kind)| one.auth = kind);
}

fn kind(
    one: &Spoken,
    value: Option<&str>,
    usual: Option<&str>,
    in_use: &dyn Fn(&str) -> Option<(usize, usize)>,
    traffic: bool,
) -> AuthKind {
    let query = one.entry.url.split_once('?').map_or("", |(_, q)| q);
    let refused = one.entry.status() == Some(401);
    let Some(value) = value else {
        return match usual {
            _ if query.split('&').any(|p| p.starts_with("access_token=")) => AuthKind::Query,
            // Exports without any credentials had them taken out.
            None if !refused => AuthKind::Configured,
            _ if !traffic && !refused => AuthKind::Configured,
            _ => AuthKind::None,
        };
    };
    let (scheme, token) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
    let usual = usual.unwrap_or(value);
    let (usual_scheme, usual_token) = usual.trim().split_once(' ').unwrap_or((usual.trim(), ""));
    if value == usual {
        // A token that ran out is a wrong one from then on.
        return if refused { AuthKind::Wrong } else { AuthKind::Configured };
    }
    match () {
        () if scheme.eq_ignore_ascii_case("bearer") && token.trim().is_empty() => AuthKind::EmptyBearer,
        () if !token.is_empty() && token == usual_token && scheme.eq_ignore_ascii_case(usual_scheme) => {
            AuthKind::LowercaseScheme
        }
        () if !token.is_empty() && token == usual_token => AuthKind::WrongScheme,
        () if refused => AuthKind::Wrong,
        () if is_blanked(token) => AuthKind::Configured,
        () => match (in_use(value), in_use(usual)) {
            // One after the other is a renewed token; both at the same time are two tenants.
            (Some((first, last)), Some((usual_first, usual_last))) if last < usual_first || first > usual_last => {
                AuthKind::Configured
            }
            _ => AuthKind::Other,
        },
    }
}

fn writes(one: &Spoken) -> bool {
    !matches!(one.entry.method.as_str(), "GET" | "HEAD" | "OPTIONS")
}

/// True when both were in flight at the same time, as far as the recording knows.
fn overlap(one: &Spoken, other: &Spoken) -> bool {
    let span = |s: &Spoken| s.entry.started.map(|start| (start, start + s.entry.duration));
    matches!((span(one), span(other)), (Some((a, a_end)), Some((b, b_end))) if b < a_end && a < b_end)
}

/// For each request: false when a write was in flight at the same time, so that nobody knows which came first.
pub fn settled(spoken: &[Spoken]) -> Vec<bool> {
    let alone = |(n, one): (usize, &Spoken)| {
        // Entries are in the order of their start, so who overlaps stands near.
        let near = n.saturating_sub(NEAR)..(n + NEAR).min(spoken.len());
        !near.filter(|m| *m != n).map(|m| &spoken[m]).any(|o| (writes(one) || writes(o)) && overlap(one, o))
    };
    spoken.iter().enumerate().map(alone).collect()
}

/// The order in which requests are judged. Of writes that were in flight at the same time those that were accepted happened; a
/// refused one is judged in their light, whichever was sent first, as in a run.
pub fn judged_order(spoken: &[Spoken]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..spoken.len()).collect();
    for n in (0..spoken.len()).rev().filter(|n| writes(&spoken[*n]) && !spoken[*n].entry.accepted()) {
        let one = &spoken[n];
        let before = |m: &usize| writes(&spoken[*m]) && spoken[*m].entry.accepted() && overlap(one, &spoken[*m]);
        if let Some(last) = (n + 1..(n + NEAR).min(spoken.len())).rev().find(before) {
            // Places behind `n` may have moved by then.
            let (from, to) = (order.iter().position(|m| *m == n), order.iter().position(|m| *m == last));
            if let (Some(from), Some(to)) = (from, to) {
                order[from..=to].rotate_left(1);
            }
        }
    }
    order
}

/// An exchange as the engine would have recorded it.
pub fn exchange(spoken: &Spoken, base: &str) -> Exchange {
    let entry = &spoken.entry;
    let (path, query) = spoken.target.split_once('?').map_or((spoken.target.as_str(), None), |(p, q)| (p, Some(q)));
    let failure =
        |message: &str| TransportFailure { kind: FailureKind::Closed, message: message.to_owned(), repeated: false };
    Exchange {
        request: Request {
            method: entry.method.clone(),
            url: format!("{base}{}", spoken.target),
            path: path.to_owned(),
            query: query.map(str::to_owned),
            headers: entry.headers.clone(),
            body: entry.body.clone(),
            auth: spoken.auth,
        },
        outcome: match &entry.answer {
            Answer::Whole(response) | Answer::Head(response) => Ok(response.clone()),
            Answer::None(why) => Err(failure(why)),
            Answer::Unknown => Err(failure("the recording holds no answer")),
        },
        duration: entry.duration,
        started: entry.started,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(method: &str, url: &str) -> Entry {
        Entry {
            method: method.into(),
            url: url.into(),
            headers: vec![("Accept".into(), "application/scim+json".into())],
            ..Entry::default()
        }
    }

    fn plain(url: &str) -> Entry {
        Entry { method: "GET".into(), url: url.into(), ..Entry::default() }
    }

    #[test]
    fn the_base_is_where_scim_is_spoken() {
        let entries = vec![
            plain("https://a.example/api/Users/1"),
            plain("https://a.example/api/Users/2"),
            plain("https://cdn.example/logo.png"),
            entry("GET", "https://me:pw@a.example/scim/v2/Users?access_token=x&count=1"),
            plain("https://a.example/scim/v2/Groups"),
            plain("https://a.example/scim/v2/logo.png"),
        ];
        let sifted = sift(Recording { entries, ..Recording::default() }, None).expect("SCIM");
        assert_eq!(sifted.base, "https://a.example/scim/v2");
        let targets: Vec<&str> = sifted.spoken.iter().map(|s| s.target.as_str()).collect();
        assert_eq!(targets, ["/Users?count=1", "/Groups"]);
        assert_eq!(sifted.left_out_text(), "1 on other hosts, 3 on other paths");
    }

    #[test]
    fn holes_and_prefixes_are_bases_too() {
        let recording = |url: &str| Recording { entries: vec![entry("GET", url)], ..Recording::default() };
        assert_eq!(sift(recording("{{SCIMBaseURL}}/Users?count=1"), None).expect("SCIM").base, "{{SCIMBaseURL}}");
        let own = sift(recording("https://a.example/v2/Devices/7"), Some("/v2")).expect("SCIM");
        assert_eq!((own.base.as_str(), own.spoken[0].target.as_str()), ("https://a.example/v2", "/Devices/7"));
        assert!(sift(recording("https://a.example/v2/Users"), Some("/v3")).is_err());
        let rest = Recording { entries: vec![plain("https://a.example/Users")], ..Recording::default() };
        assert!(sift(rest, None).is_err(), "a REST service with /Users is no SCIM");
    }

    #[test]
    fn a_refused_write_is_judged_behind_those_it_was_in_flight_with() {
        let started = time::OffsetDateTime::UNIX_EPOCH;
        let sent = |method: &str, at: u64, status: u16| Spoken {
            entry: Entry {
                started: Some(started + std::time::Duration::from_millis(at)),
                duration: std::time::Duration::from_millis(10),
                answer: Answer::Whole(crate::exchange::Response::new(status, Vec::new(), Vec::new())),
                ..entry(method, "https://a.example/Users/1")
            },
            target: "/Users/1".into(),
            auth: AuthKind::Configured,
        };
        // Refused and accepted at once; a read between; and a refusal that was over before the next write.
        let race = [sent("PATCH", 0, 412), sent("GET", 1, 200), sent("PATCH", 2, 200), sent("PATCH", 40, 200)];
        assert_eq!(judged_order(&race), [1, 2, 0, 3]);
        let in_turn = [sent("PATCH", 0, 412), sent("PATCH", 20, 200), sent("PATCH", 25, 412), sent("GET", 26, 404)];
        assert_eq!(judged_order(&in_turn), [0, 1, 2, 3]);
        let two = [sent("POST", 0, 409), sent("POST", 1, 409), sent("POST", 2, 201)];
        assert_eq!(judged_order(&two), [2, 0, 1]);
        assert_eq!(settled(&race), [false, false, false, true]);
    }

    #[test]
    fn credentials_are_told_apart() {
        let with = |value: &str| {
            let mut e = entry("GET", "https://a.example/Users");
            e.headers.push(("Authorization".into(), value.into()));
            e
        };
        let none = entry("GET", "https://a.example/Users");
        let entries = vec![
            with("Bearer one"),
            with("Bearer two"),
            with("Bearer one"),
            none,
            with("bearer one"),
            with("Bearer "),
            with("Bearer one"),
            with("Bearer new"),
        ];
        let sifted = sift(Recording { entries, ..Recording::default() }, None).expect("SCIM");
        let kinds: Vec<AuthKind> = sifted.spoken.iter().map(|s| s.auth).collect();
        use AuthKind::{Configured, EmptyBearer, LowercaseScheme, None as Nobody, Other};
        assert_eq!(
            kinds,
            [Configured, Other, Configured, Nobody, LowercaseScheme, EmptyBearer, Configured, Configured]
        );
    }
}
