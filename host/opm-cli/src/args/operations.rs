//! Arguments of runs, tests and reports.

use std::time::Duration;

use clap::Args;
use opkg_engine::target_selector::TargetSelector;
use opkg_oda::{PackageName, Phase};
use opkg_opm::{JobCount, parse_duration};
use opkg_shell::args::OutputFormat;

use crate::value_parsers::StepReference;

/// Options of `run`.
#[derive(Debug, Args, Default)]
pub struct RunArgs {
    /// Work on these targets only
    ///
    /// By default all that this machine maintains: the head node itself, the images, and those clients whose root
    /// directories it sees; on another machine itself.
    #[arg(short, long = "target", value_name = "TARGET", num_args = 1..)]
    pub targets: Vec<TargetSelector>,

    /// Work on these packages only
    #[arg(short, long = "package", value_name = "PACKAGE", num_args = 1..)]
    pub packages: Vec<PackageName>,

    /// Try again what is in error
    #[arg(long)]
    pub retry: bool,

    /// Do up to N steps at a time
    ///
    /// Each works on an image or client of its own. Steps of the head node are done alone, and stages keep their order.
    /// A package manager takes some hundred MiB of memory and its share of the disk and of the package source, so that 4 to 8
    /// suit most head nodes. By default what `jobs` in opm.toml says, else 1. From 1 to 512.
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<JobCount>,

    /// Show what would be done, and do nothing
    ///
    /// It is what happens if nothing fails. Hooks are listed whether or not the packages have them.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// Options of `watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// Look for work at least so often; each time up to a quarter earlier or later
    ///
    /// With its database on a server, a machine that has a place among the listeners begins at once when there is work, and
    /// the others when they look.
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = parse_duration)]
    pub interval: Duration,

    /// Take no place among the listeners: keep no connection while there is nothing to do
    #[arg(long)]
    pub no_listen: bool,

    /// Do up to N steps at a time, as `opm run` does
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<JobCount>,
}

/// Options of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// These packages only
    pub packages: Vec<PackageName>,

    /// These targets only
    #[arg(long, value_name = "TARGET", num_args = 1..)]
    pub on: Vec<TargetSelector>,

    /// Show it again whenever it changes, until interrupted
    #[arg(short, long)]
    pub watch: bool,
}

/// Options of `audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Have the next run install what is missing or has another version than the wanted one
    #[arg(long)]
    pub fix: bool,

    /// On these targets only [default: all that this machine maintains]
    #[arg(long, value_name = "TARGET", num_args = 1..)]
    pub on: Vec<TargetSelector>,
}

/// Options of `test`.
#[derive(Debug, Args)]
#[command(
    after_help = "Of each package `<PACKAGE>_validate.apb` is run; where there is none, all its definitions;
where there are none, its programs test_root and test_user.

Exit status:
  0   all tests passed that must pass, or there are none
  1   one failed
  2   a definition is wrong or missing, or something could not be run; nothing failed"
)]
pub struct TestArgs {
    /// Which packages
    #[arg(required_unless_present = "phase", value_name = "PACKAGE")]
    pub packages: Vec<PackageName>,

    /// Run what must pass before this phase instead
    #[arg(long, value_name = "PHASE", conflicts_with = "packages")]
    pub phase: Option<Phase>,

    /// On which targets [default: this machine]
    #[arg(long, value_name = "TARGET", num_args = 1..)]
    pub on: Vec<TargetSelector>,

    /// How results are printed
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
}

/// Options of `log`.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// The number of a step, as 12.3, or of a run, as 12 [default: the newest steps]
    #[arg(value_name = "EVENT")]
    pub event: Option<StepReference>,

    /// Steps of this package only
    #[arg(short, long, value_name = "PACKAGE", conflicts_with = "event")]
    pub package: Option<PackageName>,

    /// Steps on these targets only
    #[arg(short, long = "target", value_name = "TARGET", num_args = 1.., conflicts_with = "event")]
    pub targets: Vec<TargetSelector>,

    /// Only those that failed or were interrupted
    #[arg(long, conflicts_with = "event")]
    pub failed: bool,

    /// At most as many
    #[arg(long, value_name = "N", default_value_t = 20, conflicts_with = "event")]
    pub limit: u32,

    /// Print what a step prints while it runs, until it ends
    ///
    /// Without a step, or with a run: of all steps of that run, or of the one that is at work, until it ends.
    #[arg(short, long, conflicts_with_all = ["package", "targets", "failed", "limit"])]
    pub follow: bool,
}
