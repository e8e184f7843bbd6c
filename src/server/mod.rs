//! The embedded reference service provider: SCIM 2.0 over HTTP with its state in memory, switchable faults and variants.
//!
//! Must not know scenarios, rules or reports. What SCIM means is in `scim`; here is what HTTP and storage add.

mod auth;
pub mod behaviour;
mod bulk;
pub mod call;
mod discovery;
pub mod faults;
pub mod intake;
mod inventory;
pub mod listing;
mod oauth;
pub mod persona;
mod render;
pub mod reply;
mod resources;
mod service;
mod socket;
pub mod state;
pub mod store;
pub mod variants;

use render::location;
pub use socket::{Options, Server};

#[cfg(test)]
mod tests;
