//! (proof, next)
