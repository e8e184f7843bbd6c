//! YAML with positions → typed [`model::Scenario`]. After load nothing can be malformed.
//!
//! Must not know HTTP, servers or rules beyond the names of impacts and levels.

mod bundle;
mod doc;
mod error;
mod filters;
mod include;
mod lower;
pub mod model;
pub(crate) mod names;
mod parts;
mod raw;
mod rounds;
mod shape;
mod step;
pub mod template;
mod urlcode;

pub use bundle::{bundled, bundled_ids, bundled_text, load_bundled, load_many};
pub use doc::load_data;
pub use error::LoadError;
pub use lower::load;
pub use raw::json_schema;
