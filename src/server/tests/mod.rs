//! The reference server through a real socket.

mod client;
mod resources;
mod rfc;
mod tables;
mod tour;
