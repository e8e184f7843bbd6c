//! What one server remembers: its tenants and the access tokens that it issued.
//!
//! Must not know HTTP.

use super::call::Call;
use super::store::Tenant;
use std::collections::HashMap;
use std::time::Instant;

/// The tenant of the configured token, and the one of the second token.
pub const TENANTS: usize = 2;

/// Everything that changes while the server runs.
#[derive(Debug)]
pub struct State {
    /// Stores by tenant.
    pub tenants: Vec<Tenant>,
    /// Access tokens of the token endpoint: tenant and end of life.
    pub access: HashMap<String, (usize, Instant)>,
    /// Refresh tokens and their tenant.
    pub refresh: HashMap<String, usize>,
    /// Authorization codes that were not traded yet.
    pub codes: HashMap<String, Granted>,
    /// How many access tokens were issued.
    pub issued: usize,
    /// Every code and token that was ever given out.
    pub given: Vec<String>,
    /// Nobody is let in any more, whatever they show.
    pub locked: bool,
}

/// What an authorization code stands for (RFC 6749 §4.1.2, RFC 7636 §4.4).
#[derive(Debug)]
pub struct Granted {
    /// Client that may trade it.
    pub client: String,
    /// Where it was sent.
    pub redirect_uri: String,
    /// Digest of the verifier.
    pub challenge: String,
    /// End of its life.
    pub until: Instant,
}

impl Default for State {
    fn default() -> Self {
        Self {
            tenants: (0..TENANTS).map(|_| Tenant::default()).collect(),
            access: HashMap::new(),
            refresh: HashMap::new(),
            codes: HashMap::new(),
            issued: 0,
            given: Vec::new(),
            locked: false,
        }
    }
}

impl State {
    /// The store that a call is about.
    pub fn of(&self, call: &Call) -> &Tenant {
        &self.tenants[call.tenant]
    }

    /// The store that a call is about, for changing.
    pub fn of_mut(&mut self, call: &Call) -> &mut Tenant {
        &mut self.tenants[call.tenant]
    }
}
