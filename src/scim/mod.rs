//! The protocol as pure semantics: attribute paths, filters, PatchOp, schemas, messages. No I/O, no clock, no HTTP.
