//! Arguments of the commands that change requests.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};
use opkg_engine::target_selector::TargetSelector;
use opkg_oda::{PackageName, Phase, Stage};

use super::rollouts::WaveArgs;
use crate::value_parsers::parse_version;

/// Options of `request`.
#[derive(Debug, Args)]
pub struct RequestArgs {
    /// Which packages; what they depend on comes with them
    ///
    /// A package is known after `opm package add`, or when it was requested before. One that a package source has becomes
    /// known by the request: a directory of packages in opm.toml, or what the package managers of the targets know of.
    #[arg(required = true, value_name = "PACKAGE")]
    pub packages: Vec<PackageName>,

    /// Packages that are not known become known, whether or not there are any of that name
    #[arg(long)]
    pub new: bool,

    /// How far, and where.
    #[command(flatten)]
    pub goal: GoalArgs,
}

/// How far packages shall come, and where.
#[derive(Debug, Args)]
pub struct GoalArgs {
    /// The stage to reach, by name or number
    #[arg(long, default_value = "finished", value_name = "STAGE")]
    pub stage: Stage,

    /// On which targets [default: all, on the head node; elsewhere this machine]
    #[arg(long, value_name = "TARGET", num_args = 1..)]
    pub on: Vec<TargetSelector>,

    /// Whether on all of them at once.
    #[command(flatten)]
    pub waves: WaveArgs,
}

/// Options of `remove`.
#[derive(Debug, Args)]
pub struct RemoveArgs {
    /// Which packages
    #[arg(required = true, value_name = "PACKAGE")]
    pub packages: Vec<PackageName>,

    /// From which targets [default: all, on the head node; elsewhere this machine]
    #[arg(long, value_name = "TARGET", num_args = 1..)]
    pub on: Vec<TargetSelector>,

    /// Remove what depends on them as well
    #[arg(long)]
    pub cascade: bool,

    /// Whether from all of them at once.
    #[command(flatten)]
    pub waves: WaveArgs,
}

/// Options of `clear`.
#[derive(Debug, Args)]
pub struct ClearArgs {
    /// Which packages
    #[arg(required_unless_present = "all", value_name = "PACKAGE")]
    pub packages: Vec<PackageName>,

    /// All packages
    #[arg(long, conflicts_with = "packages")]
    pub all: bool,

    /// On which targets [default: all, on the head node; elsewhere this machine]
    #[arg(long, value_name = "TARGET", num_args = 1..)]
    pub on: Vec<TargetSelector>,
}

#[derive(Debug, Args)]
pub struct PackagesArgs {
    /// Which packages
    #[arg(required = true, value_name = "PACKAGE")]
    pub packages: Vec<PackageName>,
}

/// Options of `upgrade`.
#[derive(Debug, Args)]
pub struct UpgradeArgs {
    /// Which packages
    #[arg(required = true, value_name = "PACKAGE")]
    pub packages: Vec<PackageName>,

    /// On these targets only [default: wherever they are]
    #[arg(long, value_name = "TARGET", num_args = 1..)]
    pub on: Vec<TargetSelector>,

    /// The version that is wanted, as `opm status` shows it, until the next upgrade
    ///
    /// It may be older than the one that is installed. Where no package source has it, nothing is changed, and the error
    /// says which versions there are. Without it the newest one is taken.
    #[arg(long, value_name = "VERSION", value_parser = parse_version)]
    pub to: Option<String>,

    /// Whether on all of them at once.
    #[command(flatten)]
    pub waves: WaveArgs,
}

/// Options of `rerun`.
#[derive(Debug, Args)]
pub struct RerunArgs {
    /// Which packages [default: all]
    #[arg(value_name = "PACKAGE")]
    pub packages: Vec<PackageName>,

    /// Which stages, by name or number
    ///
    /// After nodes were added or removed: post-clients and post-install.
    #[arg(long = "stage", required = true, value_name = "STAGE", num_args = 1..)]
    pub stages: Vec<Stage>,

    /// On which targets [default: all]
    #[arg(long, value_name = "TARGET", num_args = 1..)]
    pub on: Vec<TargetSelector>,
}

/// Options of `assign`.
#[derive(Debug, Args)]
pub struct AssignArgs {
    /// Which packages; what they depend on comes with them
    #[arg(required = true, value_name = "PACKAGE")]
    pub packages: Vec<PackageName>,

    /// To which clients: `node1,node[3-7]`, `@rack3!node7`
    #[arg(long, required = true, value_name = "NAMES", num_args = 1..)]
    pub clients: Vec<TargetSelector>,
}

/// Options of `import-set`.
#[derive(Debug, Args)]
pub struct ImportSetArgs {
    /// A package set: XML, a `package_set` with `packages` of which each is an `opkg`
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// Packages that are not known become known, whether or not there are any of that name
    #[arg(long)]
    pub new: bool,

    /// How far, and where.
    #[command(flatten)]
    pub goal: GoalArgs,
}

/// What to do with the phase.
#[derive(Debug, Subcommand)]
pub enum PhaseCommand {
    /// Say how far the installation of the cluster has come
    Set {
        /// setup-wizard, install_server, build_image, addclients, netboot, post_install or test_install
        ///
        /// Where there are tests for it, `before_<NAME>.apb`, they must pass on the head node.
        #[arg(value_name = "PHASE")]
        name: Phase,

        /// Do not test anything before
        #[arg(long)]
        force: bool,
    },
}
