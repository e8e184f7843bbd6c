//! The protocol as pure semantics: attribute paths, filters, PatchOp, schemas, messages. No I/O, no clock, no HTTP.
//! It must not know who asks: the embedded server and the shadow of the tester use the same functions.

pub mod filter;
pub mod matching;
pub mod message;
//PATCH
pub mod path;
//PROJ
pub mod schema;
//SORT
pub mod urn;
pub mod value;
