//! Arguments of `history`.

use std::time::Duration;

use clap::{Args, Subcommand};
use opkg_opm::parse_age;

/// Options of `history`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct HistoryArgs {
    /// At most as many
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: u32,

    /// The commands that changed what is asked for, and who gave them, instead of runs
    #[arg(long)]
    pub commands: bool,

    /// How many steps there were on each day, of which package, stage and result, those that were pruned included
    #[arg(long, conflicts_with_all = ["commands", "limit"])]
    pub totals: bool,

    /// What to do instead of listing
    #[command(subcommand)]
    pub command: Option<HistoryCommand>,
}

/// What changes the journal.
#[derive(Debug, Subcommand)]
pub enum HistoryCommand {
    /// Remove old steps from the journal, with their logs; they go on being counted
    Prune(PruneArgs),
}

/// Options of `history prune`.
#[derive(Debug, Args)]
#[command(
    after_help = "Steps that run stay, and of each package on each target the newest step, however old it
is. Runs go with the last of their steps. On the head node `opm run` and `opm watch` do the
same once a day where `[journal]` of opm.toml says how long the journal is kept."
)]
pub struct PruneArgs {
    /// Steps that ended longer ago: 90d, 12w, 1y [default: `keep` below `[journal]` of opm.toml]
    #[arg(long, value_name = "AGE", value_parser = parse_age)]
    pub older_than: Option<Duration>,

    /// Likewise of steps that failed or were interrupted [default: the same; `keep_failed` where opm.toml is asked]
    #[arg(long, value_name = "AGE", value_parser = parse_age)]
    pub failed_older_than: Option<Duration>,

    /// Show what would be removed, and remove nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}
