//! Steps in, exchanges out: the HTTP client that plays the identity provider, its credentials, and the journal of what was made.
//!
//! Must not know whether an answer was right, and reads neither the environment nor the command line.

pub mod auth;
mod body;
pub mod error;
pub mod forward;
pub mod guard;
pub mod http;
pub mod journal;
pub mod oauth;
pub mod render;
pub mod target;
pub mod tls;
pub mod values;

pub use auth::{Credentials, SecretSource, secret_from};
pub use error::EngineError;
pub use guard::Guard;
pub use http::{Http, Outgoing, retry_after};
pub use journal::{Intent, Journal, JournalFile, Leftover};
pub use oauth::{ClientAuth, Code, Grant, Issued, OAuthConfig, TokenListener};
pub use target::{Limits, ProxyChoice, Target, encode_segment};
pub use tls::TlsOptions;
