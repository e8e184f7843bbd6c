//! The protocol as pure semantics: attribute paths, filters, PatchOp, schemas, messages. No I/O, no clock, no HTTP.
//! It must not know who asks: the embedded server and the shadow of the tester use the same functions.

pub mod filter;
pub mod matching;
pub mod message;
pub mod patch;
pub mod path;
pub mod project;
pub mod schema;
pub mod sort;
pub mod urn;
pub mod validate;
pub mod value;
