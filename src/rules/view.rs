//! What a rule sees: one exchange, the case so far, the shadow, what the server advertises.

/// The world as a rule sees it.
pub struct View<'a> {
    /// The exchange being judged.
    pub exchange: &'a crate::exchange::Exchange,
}
