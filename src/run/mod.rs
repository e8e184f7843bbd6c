//! (being built)
pub mod baseline;
