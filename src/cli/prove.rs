//! `scimproof prove`: the proof matrix of rules, faults and variants.

use super::args::ProveArgs;
use super::exit::Exit;

/// Proves the catalogue against the embedded server.
pub async fn main(args: ProveArgs) -> Exit {
    let _ = args;
    Exit::Clean
}
