//! YAML with positions → typed [`model::Scenario`]. After load nothing can be malformed.
//!
//! Must not know HTTP, servers or rules beyond the names of impacts and levels.

pub mod model;
pub mod template;
