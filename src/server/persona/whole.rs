//! Traits of the service as a whole.
//!
//! Must not know which product has them.

use super::Trait;
use crate::server::behaviour::Hook;
use crate::server::reply::{Content, Reply};

pub(super) const TRAITS: &[Trait] = &[Trait {
    id: "scim-off",
    title: "SCIM is not switched on: 501 in plain text to everything",
    // After all else, so that no fault of the product answers first. Who is not let in is told that all the same.
    hooks: &[Hook::After(|_, reply, _| {
        if reply.status != 401 {
            let text = Content::Text("text/plain", "SCIM is not implemented here.".to_owned());
            *reply = Reply { content: text, ..Reply::empty(501) };
        }
    })],
    seed: None,
}];
