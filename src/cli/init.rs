//! (next)
#[derive(Debug, Clone, clap::Args)]
pub struct InitArgs {}
