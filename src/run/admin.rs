//! What the admin of an identity provider reads of a finding: by the call that failed, or by what a wrong success leads to.
//!
//! Must not judge: the words are those of the profiles, the holes are filled from the exchange.

use super::findings::{RawFinding, Words};
use crate::event::AdminText;
use crate::profile::idp::{self, AdminTemplate, FailedCall, IdpProfile};
use crate::rules::Impact;
use crate::scim::value::{get_ci, value_ci};
use crate::shadow::forecast::{op_path, operations};
use serde_json::Value;

/// What the admins of the identity providers concerned read: those whose scenarios showed it, else those that break on it.
pub(super) fn texts(members: &[RawFinding], impact: Impact, words: Words<'_>) -> Vec<AdminText> {
    let mut idps: Vec<String> = Vec::new();
    let seen = members.iter().map(|m| m.idp.clone()).filter(|i| i != "rfc");
    let known = members[0].rule.breaks.iter().map(|b| (*b).to_owned());
    let fallback = ["okta".to_owned(), "entra".to_owned()];
    for idp in seen.chain(known).chain(fallback) {
        if !idps.contains(&idp) && idps.len() < 3 {
            idps.push(idp);
        }
    }
    let chosen = &words.options.idps;
    if !chosen.is_empty() {
        idps.retain(|i| chosen.contains(i));
    }
    idps.iter().filter_map(|name| text(name, impact, &members[0], words)).collect()
}

fn text(name: &str, impact: Impact, finding: &RawFinding, words: Words<'_>) -> Option<AdminText> {
    let profile = idp::find(name).ok()??;
    let template = template(&profile, impact, finding)?;
    let fill = |text: &str| words.redactor.text(&filled(text, finding));
    Some(AdminText {
        idp: profile.title.clone(),
        text: fill(&template.text),
        evidence: template.evidence.clone(),
        next: template.next.as_deref().map(fill),
    })
}

/// The profile's words for the very call that failed; else those for what the finding leads to.
fn template<'p>(profile: &'p IdpProfile, impact: Impact, finding: &RawFinding) -> Option<&'p AdminTemplate> {
    let call = failed_call(impact, finding);
    call.iter().find_map(|call| profile.calls.get(call)).or_else(|| profile.admin.get(&impact))
}

/// Impacts of a call that fails; what a wrong success leads to has other words.
const FAILING: [Impact; 9] = [
    Impact::CannotReactivate,
    Impact::CreateFails,
    Impact::GroupPushFails,
    Impact::ImportFails,
    Impact::LookupFails,
    Impact::RetriesForever,
    Impact::StaysActive,
    Impact::UpdateFails,
    Impact::UserNotFound,
];

/// The call that failed, the closer name first; nothing where the answer was a success or the failure has no such consequence.
fn failed_call(impact: Impact, finding: &RawFinding) -> Vec<FailedCall> {
    let request = &finding.exchange.request;
    let segments = request.segments();
    let group = segments.first().is_some_and(|s| s.eq_ignore_ascii_case("Groups"));
    let user = segments.first().is_some_and(|s| s.eq_ignore_ascii_case("Users"));
    if user && finding.rule.id == "create/answer-without-id" {
        return vec![FailedCall::CreateUserEmpty];
    }
    if finding.exchange.accepted() || !FAILING.contains(&impact) || (!group && !user) {
        return Vec::new();
    }
    let gone = matches!(finding.exchange.status(), Some(404 | 410));
    let one = segments.len() > 1;
    match (request.method.as_str(), group) {
        ("POST", false) if !one => vec![FailedCall::CreateUser],
        ("POST", true) if !one => vec![FailedCall::CreateGroup],
        ("PUT" | "PATCH", true) if gone => vec![FailedCall::UpdateGroupGone, FailedCall::UpdateGroup],
        ("PUT" | "PATCH", true) => vec![FailedCall::UpdateGroup],
        ("PUT" | "PATCH", false) if gone => vec![FailedCall::UpdateUserGone],
        ("PUT" | "PATCH", false) => vec![change_of_user(finding), FailedCall::UpdateUser],
        ("DELETE", true) if gone => vec![FailedCall::DeleteGone, FailedCall::DeleteGroup],
        ("DELETE", false) if gone => vec![FailedCall::DeleteGone, FailedCall::DeleteUser],
        ("DELETE", true) => vec![FailedCall::DeleteGroup],
        ("DELETE", false) => vec![FailedCall::DeleteUser],
        ("GET", true) if one && gone => vec![FailedCall::ReadGroupGone],
        ("GET", false) if one && gone => vec![FailedCall::UpdateUserGone],
        ("GET", false) if !one && request.query_param("filter").is_some() => vec![FailedCall::LookUpUser],
        ("GET", true) if !one && request.query_param("filter").is_none() => vec![FailedCall::ImportGroups],
        ("GET", false) if !one => vec![FailedCall::ImportUsers],
        _ => Vec::new(),
    }
}

/// Whether the write switches a user off or on, or sets a password.
fn change_of_user(finding: &RawFinding) -> FailedCall {
    let body = finding.exchange.request.body.as_ref().and_then(|b| serde_json::from_slice::<Value>(b).ok());
    let active = body.as_ref().and_then(|b| written(b, "active")).and_then(|v| match v {
        Value::Bool(on) => Some(on),
        Value::String(s) => s.to_ascii_lowercase().parse().ok(),
        _ => None,
    });
    let only = finding.exchange.request.method == "PATCH";
    match active {
        Some(false) => FailedCall::DeactivateUser,
        Some(true) if only => FailedCall::ReactivateUser,
        _ if body.as_ref().is_some_and(|b| written(b, "password").is_some()) => FailedCall::ChangePassword,
        _ => FailedCall::UpdateUser,
    }
}

/// What a PUT or PATCH sets the attribute to.
fn written(body: &Value, name: &str) -> Option<Value> {
    let body = body.as_object()?;
    if get_ci(body, "Operations").is_none() {
        return get_ci(body, name).cloned();
    }
    operations(body).find_map(|o| {
        let value = get_ci(o, "value")?;
        match op_path(o) {
            Some(path) => path.eq_ignore_ascii_case(name).then(|| value.clone()),
            None => value_ci(value, name).cloned(),
        }
    })
}

/// The text with what is known of this finding in its holes.
fn filled(text: &str, finding: &RawFinding) -> String {
    // A sentence about an error has no words of this answer when the answer was a success.
    let accepted = finding.exchange.accepted();
    let own = finding.exchange.json().and_then(|b| b.get("detail")?.as_str().map(str::to_owned)).unwrap_or_default();
    let detail = if accepted { "…".to_owned() } else { own };
    let reason = if accepted { "…" } else { finding.exchange.status().map(reason_phrase).unwrap_or_default() };
    let id = finding.exchange.request.segments().get(1).cloned().unwrap_or_default();
    let user = finding.user.clone().unwrap_or_else(|| "the user".to_owned());
    let group = finding.group.clone().unwrap_or_else(|| "the group".to_owned());
    let holes = [
        ("{user}", user.as_str()),
        ("{group}", &group),
        ("{app}", "your app"),
        ("{detail}", &detail),
        ("{reason}", reason),
        ("{id}", &id),
    ];
    idp::fill(text, &holes)
}

fn reason_phrase(status: u16) -> &'static str {
    reqwest::StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or("")
}
