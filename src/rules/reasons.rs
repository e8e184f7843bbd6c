//! Why a request is refused (RFC 7644 §3.12): status and `scimType` fit the reason.

use super::rule::{Finding, Impact, Level, Rule, Verdict};
use super::view::{Past, View};
use crate::scim::value::get_ci;
use crate::shadow::{Expectation, Op, Reason};
use serde_json::Value;

/// Rules of this area.
pub static RULES: &[Rule] = &[
    Rule {
        id: "error/refusal-wrong-status",
        title: "A request that is wrong in itself is refused with a status other than 400",
        spec: "RFC 7644 §3.12, §3.5.2",
        level: Level::Should,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["err-bad-request-400"],
        explain: "The request misses a required attribute, has a value of the wrong type, a path that leads nowhere, an operation that does not exist, or wants to change what is read-only. RFC 7644 answers all of these with 400. Clients read 404 as \"the resource is gone\", 409 as \"it is there already\", 412 as \"read it again\", and do the wrong thing next; 422 is no status of SCIM.",
        hint: "Answer 400 and say in scimType and detail what was wrong.",
        wrong: "PATCH with path \"nosuch\" → 404",
        right: "→ 400 {\"scimType\":\"invalidPath\",…}",
        proven_by: &["refusals-422", "invalid-path-404", "mutability-409"],
        check: status,
    },
    Rule {
        id: "error/refusal-wrong-scimtype",
        title: "`scimType` names another reason than the one there is",
        spec: "RFC 7644 §3.12 (Table 9), §3.5.2.1, §3.5.2.2, §3.5.2.3",
        level: Level::Should,
        clash: false,
        impact: Impact::ClientConfused,
        breaks: &[],
        requirements: &["err-scimtype-fits"],
        explain: "A path that selects nothing is noTarget, a read-only or required attribute is mutability, a missing or unfit value is invalidValue, a body that makes no sense is invalidSyntax. The word may be left out, and several fit some requests; this one fits none of what is wrong here.",
        hint: "Take the word of Table 9 that fits.",
        wrong: "remove without path → 400 {\"scimType\":\"uniqueness\"}",
        right: "→ 400 {\"scimType\":\"noTarget\"}",
        proven_by: &["patch-errors-invalid-value", "refusals-scimtype-uniqueness", "refusals-scimtype-toomany"],
        check: scim_type,
    },
];

/// Reasons that lie in the request itself, and the words that fit them. Where readers of the RFC differ, all their words do.
const REASONS: &[(Reason, &[&str])] = &[
    (Reason::MissingRequired, &["invalidValue", "invalidSyntax", "mutability"]),
    (Reason::WrongType, &["invalidValue", "invalidSyntax", "invalidPath", "mutability"]),
    (Reason::InvalidValue, &["invalidValue", "invalidSyntax", "invalidPath", "mutability"]),
    (Reason::NoOperations, &["invalidValue", "invalidSyntax", "invalidPath", "noTarget"]),
    (Reason::WrongSchemas, &["invalidValue", "invalidSyntax"]),
    (Reason::UnknownOp, &["invalidSyntax", "invalidValue", "invalidPath", "mutability"]),
    (Reason::InvalidPath, &["invalidPath", "noTarget", "invalidValue", "invalidSyntax", "invalidFilter", "mutability"]),
    // §3.5.2.2 and §3.5.2.3 name the word; who stumbles over path, filter or a `value` too many before has another.
    (Reason::NoTarget, &["noTarget", "invalidPath", "invalidSyntax", "invalidFilter"]),
    (Reason::Mutability, &["mutability", "invalidValue", "invalidPath", "noTarget"]),
    (Reason::BrokenPatch, &["invalidSyntax", "invalidValue", "invalidPath", "noTarget", "invalidFilter"]),
];

/// The words that fit the reason for which this write had to be refused, where it was refused by the server's own choice.
fn refused(view: &View<'_>) -> Option<&'static [&'static str]> {
    let write = matches!(view.call.op, Op::Create | Op::Replace | Op::Patch);
    let due = view.forecast.expect == Expectation::Refuse && view.client_error() && view.call.authenticated();
    let reason = view.forecast.reason.filter(|_| write && due)?;
    REASONS.iter().find(|(r, _)| *r == reason).map(|(_, words)| *words)
}

/// The last answer about this resource was that it is not there.
fn lost(view: &View<'_>) -> bool {
    let of_it = |p: &&Past| p.call.id.is_some() && p.call.id == view.call.id && p.call.endpoint == view.call.endpoint;
    view.earlier.iter().rev().find(of_it).is_some_and(|p| p.exchange.status() == Some(404))
}

fn status(view: &View<'_>) -> Verdict {
    match (refused(view), view.status()) {
        (None, _) => Verdict::NotApplicable,
        (_, 400) => Verdict::Pass,
        // What the client may not do, may not send or sends too often is told first; so is what the server does not offer.
        (_, 401 | 403 | 405 | 406 | 408 | 413 | 415 | 428 | 429) => Verdict::NotApplicable,
        // A second thing was wrong: the condition does not hold, or the name is taken.
        (_, 412) if view.exchange.request.header("if-match").is_some() => Verdict::NotApplicable,
        // Who was not found before is not found now.
        (_, 404) if lost(view) => Verdict::NotApplicable,
        (_, 409) if view.object().and_then(|o| get_ci(o, "scimType")).is_some_and(|w| w == "uniqueness") => {
            Verdict::NotApplicable
        }
        (_, other) => Verdict::fail("status", format!("400 ({})", view.forecast.detail), other.to_string()),
    }
}

fn scim_type(view: &View<'_>) -> Verdict {
    let word = view.object().and_then(|o| get_ci(o, "scimType")).and_then(Value::as_str);
    match (refused(view), word) {
        (Some(words), Some(word)) if view.status() == 400 => {
            // Words of the server's own are another rule's finding.
            let table = super::messages::SCIM_TYPES.contains(&word);
            match (table, words.contains(&word)) {
                (true, false) => {
                    let expected = format!("{} ({})", words[0], view.forecast.detail);
                    Verdict::Fail(vec![Finding::new("body /scimType", expected, word)])
                }
                _ => Verdict::Pass,
            }
        }
        _ => Verdict::NotApplicable,
    }
}
