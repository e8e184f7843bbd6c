//! (next)
#[derive(Debug, Clone, clap::Args)]
pub struct MergeArgs {}
#[derive(Debug, Clone, clap::Args)]
pub struct CompareArgs {}
