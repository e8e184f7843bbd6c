//! A read that works (RFC 7644 §3.4): what its status says.
//!
//! Must not look into what was read; lists and projections have rooms of their own.

use super::rule::{Impact, Level, Rule, Verdict};
use super::view::View;
use crate::shadow::Op;

/// Rules of this area.
pub static RULES: &[Rule] = &[Rule {
    id: "read/status-not-200",
    title: "A read is answered with what it asked for and a status other than 200",
    spec: "RFC 7644 §3.4.1, §3.4.2",
    level: Level::Must,
    clash: false,
    impact: Impact::ClientConfused,
    breaks: &[],
    requirements: &["read-status-200"],
    explain: "A resource and a list come with 200. 201 says that something was created, 202 that it is not there yet.",
    hint: "Answer 200.",
    wrong: "GET /Users/2819 → 201 with the resource",
    right: "→ 200",
    proven_by: &["get-answers-201"],
    check: status,
}];

fn status(view: &View<'_>) -> Verdict {
    let reads = matches!(view.call.op, Op::Read | Op::List | Op::Discovery) && view.call.method == "GET";
    match view.status() {
        200 if reads => Verdict::Pass,
        // Without what was asked for, another rule has it.
        status if reads && view.accepted() && view.object().is_some() => {
            Verdict::fail("status", "200 OK", status.to_string())
        }
        _ => Verdict::NotApplicable,
    }
}
