//! The command line of `opm`, from which help, man pages and completions are made as well.

mod access;
mod configure;
mod copies;
mod history;
mod inventory;
mod operations;
mod requests;
mod rollouts;
mod simulate;
mod web;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueHint};
use opkg_shell::args::{CommonArgs, exit_for};

pub use access::{AccessCommand, EnrollCommand, EnrollNodeArgs, EnrollOpenArgs};
pub use configure::ConfigureArgs;
pub use copies::{BackupArgs, CopyArgs, RestoreArgs};
pub use history::{HistoryArgs, HistoryCommand, PruneArgs};
pub use inventory::{
    AbsenceArgs, ExportArgs, ImportArgs, InitArgs, PackageCommand, PurgeArgs, TargetAddArgs, TargetCommand,
};
pub use operations::{AuditArgs, LogArgs, RunArgs, StatusArgs, TestArgs, WatchArgs};
pub use requests::{
    AssignArgs, ClearArgs, GoalArgs, ImportSetArgs, PackagesArgs, PhaseCommand, RemoveArgs, RequestArgs,
    RerunArgs, UpgradeArgs,
};
pub use rollouts::{RolloutCommand, WaveArgs};

pub use simulate::SimulateArgs;
pub use web::WebArgs;

/// Where the database is if nobody names another one.
pub const DEFAULT_DATABASE: &str = "/var/lib/opm/oda.db";
/// The file that says which target this machine is.
pub const DEFAULT_CONF: &str = "/etc/opm.conf";
/// The directory of what the administrator decides.
pub const DEFAULT_SETTINGS_DIR: &str = "/etc/opm";

/// Bring OPKGs onto a cluster: head node, images and compute nodes.
///
/// A database says which stage every package shall reach on every target, and which one it has reached. Requests
/// change the one; every run of opm does what closes the difference, as far as it can be done at that time.
#[derive(Debug, Parser)]
#[command(name = "opm", version)]
#[command(
    after_help = "TARGET is `server`, `images`, `clients`, `all`, the name of a client, KIND:NAME or @GROUP.
A name may be `node[01-96]` or `node*`: image:compute, node[1-12],login. From left to right,
`,` joins, `!` leaves out, `&` takes what is in both: '@gpu!node[3-4]'. A word that begins
with `!` leaves out of all other words, or of all that is meant without any: '!node7'.

Examples:
  opm init --name head                   make the database; this machine is the head node
  opm target add image:compute --root /var/lib/images/compute
  opm target add 'client:node[01-96]' --image compute
  opm request ganglia munge              on all targets, up to the last stage
  opm                                    do all that can be done now
  opm status                             the state of everything, and what to do about it
  opm phase set build_image              the cluster has come further: more stages may run

Exit status:
  0   everything that is requested is there, or waits
  1   a package is in error
  2   the command line or a configuration file is wrong, or a request was refused
  3   the database failed
  4   of audit and status: something could not be looked at, and nothing else is wrong
  75  another run works on one of the targets
  130 the run was asked to stop before its end; the next one goes on"
)]
pub struct Cli {
    /// What to do; `run` when none is named.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// The database: a file, or a server as postgres://USER@HOST/NAME [default: as opm.toml says, else /var/lib/opm/oda.db]
    #[arg(long, value_name = "FILE|URL", global = true, env = "OPM_DATABASE", hide_env_values = true)]
    #[arg(value_hint = ValueHint::FilePath)]
    pub database: Option<OsString>,

    /// The file that says which target this machine is [default: /etc/opm.conf]
    #[arg(long, value_name = "FILE", global = true, env = "OPM_CONF", hide_env_values = true)]
    #[arg(value_hint = ValueHint::FilePath)]
    pub conf: Option<PathBuf>,

    /// The directory of opm.toml, env.d and answers.d [default: /etc/opm]
    #[arg(long, value_name = "DIR", global = true, env = "OPM_SETTINGS", hide_env_values = true)]
    #[arg(value_hint = ValueHint::DirPath)]
    pub settings: Option<PathBuf>,

    #[command(flatten)]
    pub common: CommonArgs,
}

impl Cli {
    /// Reads the command line of this process; ends it, with a message, where that is wrong or asks for help.
    #[must_use]
    pub fn parse_from_env() -> Self {
        Self::try_parse().unwrap_or_else(|error| exit_for(&error))
    }
}

/// What to do with plugins.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum PluginCommand {
    /// List the hook runners: where they come from, what they take, what they may run
    List,
    /// Compile the built-in plugins now, for everybody on this machine
    ///
    /// Otherwise the first run compiles those that it needs. The packages of this program do this when they are installed.
    /// What is compiled goes to /var/cache/opkg/components, where only root may write; what other releases of the program
    /// left there is removed. That directory may be removed at any time.
    Warm,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Do all that can be done now (what happens without a command)
    Run(RunArgs),
    /// Wait for work and do it, until asked to stop: what runs on nodes that maintain themselves
    ///
    /// It does what `opm run` does whenever there is something to do. It may be started beside other runs: each target is
    /// worked on by one at a time. A database that cannot be reached is waited for.
    Watch(WatchArgs),
    /// Show the state of packages on targets, what is wrong, and what to do about it
    Status(StatusArgs),
    /// Ask for packages on targets
    Request(RequestArgs),
    /// Ask for packages to be removed from targets
    Remove(RemoveArgs),
    /// Clear errors so that packages are retried
    Clear(ClearArgs),
    /// Show how far the installation of the cluster has come, or say so
    Phase {
        /// What to do
        #[command(subcommand)]
        command: Option<PhaseCommand>,
    },
    /// Answer what a package asks: its configurator's form
    Configure(ConfigureArgs),
    /// Have packages configured anew, and do everything again that depends on it
    Reconfigure(PackagesArgs),
    /// Have new versions of packages installed, and do everything again that depends on it
    Upgrade(UpgradeArgs),
    /// List, stop, resume or cancel requests that go out in waves: those with --max-at-once
    #[command(subcommand)]
    Rollout(RolloutCommand),
    /// Keep packages at their version: they are not upgraded
    Hold(PackagesArgs),
    /// Let packages be upgraded again
    Unhold(PackagesArgs),
    /// Have stages done again that had been completed
    Rerun(RerunArgs),
    /// Give clients packages, to be installed when the head node hands the work over
    Assign(AssignArgs),
    /// Remove what is left of packages and runs that are gone
    Purge(PurgeArgs),
    /// Add, list or remove targets
    #[command(subcommand)]
    Target(TargetCommand),
    /// Make packages known, list those that are, or forget them
    #[command(subcommand)]
    Package(PackageCommand),
    /// Ask for all packages of a package set
    ImportSet(ImportSetArgs),
    /// Compare the database with what is installed
    Audit(AuditArgs),
    /// Run the tests that packages bring
    Test(TestArgs),
    /// List the runs that did something, or who asked for it, newest first
    History(HistoryArgs),
    /// List the steps of runs, or show one with all that it printed
    Log(LogArgs),
    /// Show the cluster in the browser, and let requests be made there
    Web(WebArgs),
    /// Make the database, and this machine a target in it
    Init(InitArgs),
    /// Write targets, packages, requests and configuration as TOML to standard output
    Export(ExportArgs),
    /// Take over what `opm export` wrote, or a dump of an old ODA
    Import(ImportArgs),
    /// Copy all that a database holds, journal included, into another one
    ///
    /// From one machine to a server, or back: `opm copy /var/lib/opm/oda.db postgres://opm@head/opm`. The database that is
    /// copied may be in use; of what is written meanwhile nothing is in the copy.
    Copy(CopyArgs),
    /// Write a copy of the database into a file
    ///
    /// It holds all that the database held at one instant, passwords included; only its owner can read it. Runs may go on.
    Backup(BackupArgs),
    /// Put what `opm backup` wrote in the place of what the database holds
    Restore(RestoreArgs),
    /// Bring the tables of a database on a server to the version of this program
    ///
    /// Done once, by whoever owns the database, after the programs of the head node were updated. Nodes with older programs go
    /// on; those with newer ones wait until this is done. A file is brought there whenever it is opened.
    Migrate,
    /// Give nodes credentials of their own, with which each sees and changes what is about itself
    ///
    /// For a database on a server. Needs, once, that the owner of the database may make roles: `ALTER ROLE opm CREATEROLE`.
    #[command(subcommand)]
    Enroll(EnrollCommand),
    /// Say what people may do: look, request, or administrate
    ///
    /// For a database on a server, where they have roles of their own. Needs what `opm enroll` needs.
    #[command(subcommand)]
    Access(AccessCommand),
    /// Try a database out with a cluster that is not there: real engines, simulated package managers
    ///
    /// It says how fast they are, what the server of the database takes, and whether all is as it must be afterwards.
    Simulate(SimulateArgs),
    /// Show what runs hooks, and what it may do
    Plugin {
        /// What to do
        #[command(subcommand)]
        command: PluginCommand,
    },
    /// Write man pages into a directory
    Man {
        /// Where to; created if need be
        #[arg(value_hint = ValueHint::DirPath)]
        directory: PathBuf,
    },
    /// Print what a shell has to run to complete command lines of this program
    ///
    /// In ~/.bashrc: `source <(opm completions bash)`. The packages of this program install it for all users.
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_database_may_stand_before_or_behind_the_command() {
        for line in [["opm", "--database", "x.db", "status"], ["opm", "status", "--database", "x.db"]] {
            assert_eq!(Cli::try_parse_from(line).unwrap().database, Some("x.db".into()));
        }
    }
}
