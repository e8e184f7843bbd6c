//! The reference server through a real socket.

mod client;
mod resources;
mod tables;
mod tour;
