//! Arguments of the commands about targets, packages and the database.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueHint};
use opkg_engine::target_selector::TargetSelector;
use opkg_oda::{PackageName, TargetAddress};
use opkg_opm::parse_duration;

use opkg_opm::parse_age;

use crate::value_parsers::{AddressList, parse_addresses, parse_image, parse_reason};

/// What to do with targets.
#[derive(Debug, Subcommand)]
pub enum TargetCommand {
    /// Make targets known, or change them
    Add(TargetAddArgs),
    /// List the targets
    List,
    /// List the groups of targets, where they come from and who belongs to them
    ///
    /// Groups are those of `[groups]` in opm.toml and those that ClusterShell, genders and Slurm have. Wherever a TARGET is
    /// taken, @GROUP means the targets in it.
    Groups {
        /// These only, as @rack3, @slurm:gpu or 'rack*'
        #[arg(value_name = "GROUP")]
        groups: Vec<String>,
    },
    /// Say that targets are switched off: they are not missed until they are back
    ///
    /// What is asked for on them waits, and is done when they are back. That ends when one looks for work again after ten
    /// minutes of silence, at the given time, or with `opm target online`.
    Offline(AbsenceArgs),
    /// Say that somebody works on targets: nothing is begun on them, by whomever
    ///
    /// What is being done there now is finished. That ends at the given time, or with `opm target online`.
    Maintenance(AbsenceArgs),
    /// Expect of targets again what was expected before
    Online {
        /// Which ones
        #[arg(required = true, value_name = "TARGET")]
        targets: Vec<TargetSelector>,
    },
    /// Forget targets; nothing is done to their files
    Remove {
        /// Which ones
        #[arg(required = true, value_name = "TARGET")]
        targets: Vec<TargetSelector>,
        /// Even those that still have packages
        #[arg(long)]
        force: bool,
    },
}

/// Options of `target offline` and `target maintenance`.
#[derive(Debug, Args)]
pub struct AbsenceArgs {
    /// Which ones
    #[arg(required = true, value_name = "TARGET")]
    pub targets: Vec<TargetSelector>,

    /// Why, in one line
    #[arg(long, value_name = "TEXT", default_value = "", value_parser = parse_reason)]
    pub reason: String,

    /// For how long: 30m, 2h, 7d [default: until somebody says otherwise]
    #[arg(long = "for", value_name = "TIME", value_parser = parse_duration)]
    pub duration: Option<Duration>,
}

/// Options of `target add`.
#[derive(Debug, Args)]
pub struct TargetAddArgs {
    /// Which ones; NAME may be `node[01-96]`
    #[arg(required = true, value_name = "KIND:NAME", value_parser = parse_addresses)]
    pub targets: Vec<AddressList>,

    /// The root directory of an image; of a client one that is to be maintained from here
    ///
    /// Of several targets: the directory that holds a directory of each one's name.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub root: Option<PathBuf>,

    /// The image that clients are cloned from; they take over what it holds
    #[arg(long, value_name = "IMAGE", value_parser = parse_image)]
    pub image: Option<TargetAddress>,
}

/// What to do with packages.
#[derive(Debug, Subcommand)]
pub enum PackageCommand {
    /// Take class, version and dependencies from the directories of OPKGs
    Add {
        /// Directories of OPKGs
        #[arg(required = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
        directories: Vec<PathBuf>,
    },
    /// List the packages that are known
    List,
    /// Forget packages that are requested and installed nowhere, with their configuration
    Remove {
        /// Which ones
        #[arg(required = true, value_name = "PACKAGE")]
        packages: Vec<PackageName>,
    },
}

/// Options of `purge`.
#[derive(Debug, Args)]
#[command(after_help = "Removed are
  - the configuration of packages that are requested and installed nowhere
  - runs that ended before the given time, with their steps, and the logs of these
  - logs of runs that the database does not know, if they are older than that

Nothing is removed from any target.")]
pub struct PurgeArgs {
    /// What is older than this: 90d, 12w
    #[arg(long, value_name = "AGE", default_value = "90d", value_parser = parse_age)]
    pub older_than: Duration,

    /// Show what would be removed, and remove nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// Options of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Write to this file instead of standard output; its owner alone can read it
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,

    /// Write passwords as well
    ///
    /// Without it they are left out, and so are the values of packages whose forms are not there to say which of their
    /// fields are passwords. Importing such a file leaves alone what it leaves out.
    #[arg(long, requires = "output")]
    pub with_secrets: bool,
}

/// Options of `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// This machine is the head node, of this name
    ///
    /// Without it, the file that says which target this machine is must be there.
    #[arg(long, value_name = "NAME")]
    pub name: Option<opkg_oda::TargetName>,

    /// Work in this directory instead of the machine itself, to try things out
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub root: Option<PathBuf>,
}

/// Options of `import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// What `opm export` wrote
    #[arg(required_unless_present = "oda", conflicts_with = "oda", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,

    /// A dump of the database of an old OSCAR
    #[arg(long, value_name = "DUMP", value_hint = ValueHint::FilePath)]
    pub oda: Option<PathBuf>,
}
