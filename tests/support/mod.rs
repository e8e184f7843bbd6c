//! Servers for tests, each on a port of its own: raw bytes over TCP or TLS, and a token endpoint.
//!
//! Must not use the engine's own code to read or write HTTP, or both sides could be wrong together.

#![allow(dead_code, reason = "every test binary compiles this module and uses a part of it")]

pub mod raw;
pub mod site;
pub mod tls;
pub mod token;

use scimproof::engine::{Credentials, Http, Outgoing, Target};
use secrecy::SecretString;
use std::time::Duration;
use url::Url;

/// The secret that must never be seen anywhere but in an `Authorization` header at the right server.
pub const TOKEN: &str = "t0p-secret-t0ken";

/// A target at that address with [`TOKEN`] and a short time limit.
pub fn target(base: &Url) -> Target {
    let mut target = Target::new(base.clone());
    target.credentials = Credentials::Bearer(SecretString::from(TOKEN));
    target.limits.timeout = Duration::from_secs(5);
    target
}

/// A client for [`target`].
pub fn http(base: &Url) -> Http {
    Http::new(target(base)).expect("the target is well-formed")
}

/// A request without a body.
pub fn get(target: &str) -> Outgoing {
    request("GET", target)
}

/// A request without a body.
pub fn request(method: &str, target: &str) -> Outgoing {
    Outgoing { method: method.into(), target: target.into(), ..Outgoing::default() }
}
