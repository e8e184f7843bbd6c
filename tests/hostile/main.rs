//! The server under test is untrusted. `client`: one request against each way to be broken or evil. `battery`: whole runs of the
//! real binary against them, with what is reported, in which time and memory. `wire2`: one request over HTTP/2.
//! `secure`: whole runs where the trouble lies in TLS or HTTP/2.

#[path = "../support/mod.rs"]
mod support;
#[path = "../support/tool.rs"]
mod tool;

mod battery;
mod checks;
mod client;
mod evil;
mod secure;
mod wire2;
