//! Identity providers and service providers as data: how one writes its requests, what its admin reads, what a product documents.
//!
//! Must not know the engine or any rule's code: it is asked, it asks nothing.

pub mod idp;
pub mod provider;
