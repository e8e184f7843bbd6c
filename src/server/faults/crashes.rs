//! Faults that end the connection: the thread that worked on the request died, and nobody answers in its place.
//!
//! Must not know the rules that find them.

use super::Fault;
use super::tools::{current, on_item, path, sent_operations, value};
use crate::server::behaviour::Hook;
use crate::server::call::Kind;
use crate::server::reply::Reply;
use serde_json::Value;

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "patch-name-part-hangs-up",
        title: "A PATCH of a part of the name crashes where there is no name",
        area: "errors",
        source: &["https://crates.io/crates/cream"],
        wrong: "the connection is closed",
        right: "200, and a name with that part",
        hooks: &[Hook::Before(|call, state| {
            let nameless = on_item(call, "PATCH", Kind::User) && current(call, state)?.get("name").is_none();
            let part = sent_operations(call).iter().any(|o| path(o).starts_with("name."));
            (nameless && part).then(Reply::hang_up)
        })],
    },
    Fault {
        id: "unknown-member-hangs-up",
        title: "A member who does not exist crashes the server",
        area: "errors",
        source: &[],
        wrong: "the connection is closed",
        right: "400 or 404, or the member is kept",
        hooks: &[Hook::Before(|call, state| {
            let group = on_item(call, "PATCH", Kind::Group);
            let tenant = state.of(call);
            let nobody = |member: &Value| {
                let id = member["value"].as_str().unwrap_or_default();
                !id.is_empty() && [Kind::User, Kind::Group].iter().all(|kind| tenant.get(*kind, id).is_none())
            };
            let sent = sent_operations(call);
            let members = sent.iter().filter(|o| path(o) == "members").filter_map(|o| value(o)?.as_array()).flatten();
            (group && members.into_iter().any(nobody)).then(Reply::hang_up)
        })],
    },
    Fault {
        id: "read-unknown-hangs-up",
        title: "A GET of a user who does not exist crashes the server",
        area: "errors",
        source: &[],
        wrong: "the connection is closed",
        right: "404",
        hooks: &[Hook::Before(|call, state| {
            (on_item(call, "GET", Kind::User) && current(call, state).is_none()).then(Reply::hang_up)
        })],
    },
];
