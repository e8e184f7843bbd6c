//! scimproof plays the part of an identity provider against a SCIM 2.0 endpoint and judges every answer.
//!
//! Rooms, in reading order; dependencies run one way (`tests/architecture.rs` holds the table):
//!
//! - [`run`] is the one place where scenario, profile, engine, shadow and rules meet. Read it top-down first.
//! - Rules cannot do I/O: they see a view, so the same catalogue judges recorded traffic.
//! - `server` and `rules` share no judgement; both may use [`scim`], which is proved by the RFC's own examples.
//! - Only `cli` touches environment, arguments, terminal and exit status.

pub mod cli;
pub mod diagnose;
pub mod engine;
pub mod event;
pub mod exchange;
pub mod profile;
pub mod record;
pub mod report;
pub mod rules;
pub mod run;
pub mod scenario;
pub mod scim;
pub mod server;
pub mod shadow;
pub mod suite;
