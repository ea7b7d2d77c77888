//! The command line of `opm`, from which help, man pages and completions are made as well.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};
use opkg_oda::{Address, PackageName, Phase, Stage};
use opkg_opm::choice::Choice;

use crate::args::{Common, Format};
use crate::opm::references::{Addresses, Reference, addresses, image, setting};

/// Where the database is if nobody names another one.
pub const DATABASE: &str = "/var/lib/opm/oda.db";
/// The file that says which target this machine is.
pub const CONF: &str = "/etc/opm.conf";
/// The directory of what the administrator decides.
pub const SETTINGS: &str = "/etc/opm";

/// Bring OPKGs onto a cluster: head node, images and compute nodes.
///
/// A database says which stage every package shall reach on every target, and which one it has reached. Requests
/// change the one; every run of opm does what closes the difference, as far as it can be done at that time.
#[derive(Debug, Parser)]
#[command(name = "opm", version)]
#[command(after_help = "TARGET is `server`, `images`, `clients`, `all` or KIND:NAME, where the name may be
`node[01-96]`, `node*` or several with commas between: image:compute, client:node[1-12],login.

Examples:
  opm init --name head                   make the database; this machine is the head node
  opm target add image:compute --root /var/lib/images/compute
  opm target add 'client:node[01-96]' --image compute
  opm request ganglia munge              on all targets, up to the last stage
  opm                                    do all that can be done now
  opm status                             how everything stands, and what to do about it
  opm phase set build_image              the cluster has come further: more stages may run

Exit status:
  0   everything that is requested is there, or waits
  1   a package is in error
  2   the command line or a configuration file is wrong, or a request was refused
  3   the database failed
  75  another run works on one of the targets
  130 the run was asked to stop before its end; the next one goes on")]
pub struct Cli {
    /// What to do; `run` when none is named.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// The database [default: /var/lib/opm/oda.db]
    #[arg(long, value_name = "FILE", global = true, env = "OPM_DATABASE", hide_env_values = true)]
    #[arg(value_hint = ValueHint::FilePath)]
    pub database: Option<PathBuf>,

    /// The file that says which target this machine is [default: /etc/opm.conf]
    #[arg(long, value_name = "FILE", global = true, env = "OPM_CONF", hide_env_values = true)]
    #[arg(value_hint = ValueHint::FilePath)]
    pub conf: Option<PathBuf>,

    /// The directory of opm.toml, env.d and answers.d [default: /etc/opm]
    #[arg(long, value_name = "DIR", global = true, env = "OPM_SETTINGS", hide_env_values = true)]
    #[arg(value_hint = ValueHint::DirPath)]
    pub settings: Option<PathBuf>,

    /// For every command.
    #[command(flatten)]
    pub common: Common,
}

impl Cli {
    /// Reads the command line of this process; ends it, with a message, where that is wrong or asks for help.
    #[must_use]
    pub fn read() -> Self {
        Self::parse()
    }
}

/// What to do with plugins.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Plugin {
    /// List the hook runners: where they come from, what they take, what they may run
    List,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Do all that can be done now (what happens without a command)
    Run(Run),
    /// Show how packages stand on targets, what is wrong, and what to do about it
    Status(Status),
    /// Ask for packages on targets
    Request(Request),
    /// Ask for packages to be removed from targets
    Remove(Remove),
    /// Let packages in error be tried again
    Clear(Clear),
    /// Show how far the installation of the cluster has come, or say so
    Phase {
        /// What to do
        #[command(subcommand)]
        command: Option<PhaseCommand>,
    },
    /// Answer what a package asks: its configurator's form
    Configure(Configure),
    /// Have packages configured anew, and do everything again that depends on it
    Reconfigure(Packages),
    /// Have new versions of packages installed, and do everything again that depends on it
    Upgrade(Packages),
    /// Have stages done again that had been completed
    Rerun(Rerun),
    /// Give clients packages, to be installed when the head node hands the work over
    Assign(Assign),
    /// Add, list or remove targets
    #[command(subcommand)]
    Target(TargetCommand),
    /// Make packages known, or list those that are
    #[command(subcommand)]
    Package(PackageCommand),
    /// Ask for all packages of a package set
    ImportSet(ImportSet),
    /// Hold the database against what is really installed
    Audit(Audit),
    /// Run the tests that packages bring
    Test(Test),
    /// List the runs that did something, newest first
    History(History),
    /// List the steps of runs, or show one with all that it printed
    Log(Log),
    /// Show the cluster in the browser, and let requests be made there
    Web(Web),
    /// Make the database, and this machine a target in it
    Init(Init),
    /// Write targets, packages, requests and configuration as TOML to standard output
    Export,
    /// Take over what `opm export` wrote, or a dump of an old ODA
    Import(Import),
    /// Show what runs hooks, and what it may do
    Plugin {
        /// What to do
        #[command(subcommand)]
        command: Plugin,
    },
    /// Write man pages into a directory
    Man {
        /// Where to; created if need be
        #[arg(value_hint = ValueHint::DirPath)]
        directory: PathBuf,
    },
    /// Print the completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// Options of `run`.
#[derive(Debug, Args, Default)]
pub struct Run {
    /// Work on these targets only
    ///
    /// By default all that this machine maintains: the head node itself, the images, and those clients whose root
    /// directories it sees; on another machine itself.
    #[arg(short, long = "target", value_name = "TARGET", num_args = 1..)]
    pub targets: Vec<Choice>,

    /// Work on these packages only
    #[arg(short, long = "package", value_name = "PACKAGE", num_args = 1..)]
    pub packages: Vec<PackageName>,

    /// Try again what is in error
    #[arg(long)]
    pub retry: bool,

    /// Show what would be done, and do nothing
    ///
    /// It is what happens if nothing fails. Hooks are listed whether or not the packages have them.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// Options of `status`.
#[derive(Debug, Args)]
pub struct Status {
    /// These packages only
    pub packages: Vec<PackageName>,

    /// These targets only
    #[arg(long, value_name = "TARGET", num_args = 1..)]
    pub on: Vec<Choice>,

    /// Show it again whenever it changes, until interrupted
    #[arg(short, long)]
    pub watch: bool,
}

/// Options of `request`.
#[derive(Debug, Args)]
pub struct Request {
    /// Which packages; what they depend on comes with them
    ///
    /// One that is not known yet becomes known.
    #[arg(required = true, value_name = "PACKAGE")]
    pub packages: Vec<PackageName>,

    /// How far, and where.
    #[command(flatten)]
    pub goal: Goal,
}

/// How far packages shall come, and where.
#[derive(Debug, Args)]
pub struct Goal {
    /// The stage to reach, by name or number
    #[arg(long, default_value = "finished", value_name = "STAGE")]
    pub stage: Stage,

    /// On which targets [default: all, on the head node; elsewhere this machine]
    #[arg(long, value_name = "TARGET", num_args = 1..)]
    pub on: Vec<Choice>,
}

/// Options of `remove`.
#[derive(Debug, Args)]
pub struct Remove {
    /// Which packages
    #[arg(required = true, value_name = "PACKAGE")]
    pub packages: Vec<PackageName>,

    /// From which targets [default: all, on the head node; elsewhere this machine]
    #[arg(long, value_name = "TARGET", num_args = 1..)]
    pub on: Vec<Choice>,

    /// Remove what depends on them as well
    #[arg(long)]
    pub cascade: bool,
}

/// Options of `clear`.
#[derive(Debug, Args)]
pub struct Clear {
    /// Which packages
    #[arg(required_unless_present = "all", value_name = "PACKAGE")]
    pub packages: Vec<PackageName>,

    /// All packages
    #[arg(long, conflicts_with = "packages")]
    pub all: bool,

    /// On which targets [default: all, on the head node; elsewhere this machine]
    #[arg(long, value_name = "TARGET", num_args = 1..)]
    pub on: Vec<Choice>,
}

/// What to do with the phase.
#[derive(Debug, Subcommand)]
pub enum PhaseCommand {
    /// Say how far the installation of the cluster has come
    Set {
        /// setup-wizard, install_server, build_image, addclients, netboot, post_install or test_install
        ///
        /// Where there are tests for it, `before_<NAME>.apb`, they must pass on the head node.
        name: Phase,

        /// Do not test anything before
        #[arg(long)]
        force: bool,
    },
}

/// Packages.
#[derive(Debug, Args)]
pub struct Packages {
    /// Which packages
    #[arg(required = true, value_name = "PACKAGE")]
    pub packages: Vec<PackageName>,
}

/// Options of `configure`.
#[derive(Debug, Args)]
#[command(
    after_help = "Without any of --set, --unset, --answers, --defaults and --show, the form is shown on the terminal, to be
filled in with the keyboard.

An answer counts more than the file answers.d/PACKAGE.toml beside opm.toml, and that more than what the form itself
says. Answers may be given before the package is installed and its form known; then they are looked at when its
stage run-configurator comes, and kept until then.

Examples:
  opm configure torque                               on the terminal
  opm configure torque --show                        all fields, their values, and who says so
  opm configure torque --set loglevel=128 --set compute_on_head=YES
  opm configure torque --set compute_on_head=        an empty value leaves a box empty
  opm configure torque --unset loglevel              back to what the form says
  opm configure ganglia --image compute --set cluster__name=west
  opm configure naemon --answers - < answers.toml    nobody sees a password that stands in no command"
)]
pub struct Configure {
    /// Which package
    pub package: PackageName,

    /// The form for an image, instead of the one for the whole cluster
    #[arg(long, value_name = "IMAGE", value_parser = image)]
    pub image: Option<Address>,

    /// Answer a field; several times for one that takes several values
    #[arg(long, value_name = "NAME=VALUE", num_args = 1.., value_parser = setting)]
    pub set: Vec<(String, String)>,

    /// Take an answer back
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub unset: Vec<String>,

    /// Take answers from a file in TOML, `NAME = "VALUE"` each; `-` is standard input
    ///
    /// A table `["image:NAME"]` answers for an image. With --image only its table counts.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub answers: Option<PathBuf>,

    /// Take all answers back, before others are given
    #[arg(long)]
    pub defaults: bool,

    /// Show fields and values
    #[arg(long, conflicts_with_all = ["set", "unset", "answers", "defaults"])]
    pub show: bool,
}

/// Options of `rerun`.
#[derive(Debug, Args)]
pub struct Rerun {
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
    pub on: Vec<Choice>,
}

/// Options of `assign`.
#[derive(Debug, Args)]
pub struct Assign {
    /// Which packages; what they depend on comes with them
    #[arg(required = true, value_name = "PACKAGE")]
    pub packages: Vec<PackageName>,

    /// To which clients: `node1,node[3-7]`
    #[arg(long, required = true, value_name = "NAMES", num_args = 1.., value_parser = Choice::clients)]
    pub clients: Vec<Choice>,
}

/// What to do with targets.
#[derive(Debug, Subcommand)]
pub enum TargetCommand {
    /// Make targets known, or change them
    Add(TargetAdd),
    /// List the targets
    List,
    /// Forget targets; nothing is done to their files
    Remove {
        /// Which ones
        #[arg(required = true, value_name = "TARGET")]
        targets: Vec<Choice>,
        /// Even those that still have packages
        #[arg(long)]
        force: bool,
    },
}

/// Options of `target add`.
#[derive(Debug, Args)]
pub struct TargetAdd {
    /// KIND:NAME, where NAME may be `node[01-96]`
    #[arg(required = true, value_name = "TARGET", value_parser = addresses)]
    pub targets: Vec<Addresses>,

    /// The root directory of an image; of a client one that is to be maintained from here
    ///
    /// Of several targets: the directory that holds a directory of each one's name.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub root: Option<PathBuf>,

    /// The image that clients are cloned from; they take over what it holds
    #[arg(long, value_name = "IMAGE", value_parser = image)]
    pub image: Option<Address>,
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
}

/// Options of `import-set`.
#[derive(Debug, Args)]
pub struct ImportSet {
    /// A package set: XML, a `package_set` with `packages` of which each is an `opkg`
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// How far, and where.
    #[command(flatten)]
    pub goal: Goal,
}

/// Options of `audit`.
#[derive(Debug, Args)]
pub struct Audit {
    /// Have the next run install what is missing
    #[arg(long)]
    pub fix: bool,

    /// On these targets only [default: all that this machine maintains]
    #[arg(long, value_name = "TARGET", num_args = 1..)]
    pub on: Vec<Choice>,
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
pub struct Test {
    /// Which packages
    #[arg(required_unless_present = "phase", value_name = "PACKAGE")]
    pub packages: Vec<PackageName>,

    /// Run what must pass before this phase instead
    #[arg(long, value_name = "PHASE", conflicts_with = "packages")]
    pub phase: Option<Phase>,

    /// On which targets [default: this machine]
    #[arg(long, value_name = "TARGET", num_args = 1..)]
    pub on: Vec<Choice>,

    /// How results are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Options of `history`.
#[derive(Debug, Args)]
pub struct History {
    /// At most as many runs
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: u32,
}

/// Options of `log`.
#[derive(Debug, Args)]
pub struct Log {
    /// The number of a step, as 12.3, or of a run, as 12 [default: the newest steps]
    #[arg(value_name = "EVENT")]
    pub event: Option<Reference>,

    /// Steps of this package only
    #[arg(short, long, value_name = "PACKAGE", conflicts_with = "event")]
    pub package: Option<PackageName>,

    /// Steps on this target only
    #[arg(short, long, value_name = "KIND:NAME", conflicts_with = "event")]
    pub target: Option<Address>,

    /// Only those that failed or were interrupted
    #[arg(long, conflicts_with = "event")]
    pub failed: bool,

    /// At most as many
    #[arg(long, value_name = "N", default_value_t = 20, conflicts_with = "event")]
    pub limit: u32,
}

/// Options of `web`.
#[derive(Debug, Args)]
#[command(
    after_help = "The address that is printed lets whoever opens it do all that the pages can do. From another
machine, open it through ssh: ssh -L 8640:127.0.0.1:8640 HEAD"
)]
pub struct Web {
    /// Where to listen: a port of this machine, or ADDRESS:PORT
    ///
    /// Port 0 is any that is free.
    #[arg(long, value_name = "[ADDRESS:]PORT", default_value = "127.0.0.1:8640", value_parser = listen)]
    pub listen: SocketAddr,
}

/// A port of this machine, or an address with a port.
fn listen(text: &str) -> Result<SocketAddr, opkg_oda::Invalid> {
    let local = || text.parse().ok().map(|port: u16| SocketAddr::from(([127, 0, 0, 1], port)));
    let rule = "write a port, or an address in numbers with a port: 8640, 127.0.0.1:8640, [::1]:8640";
    text.parse().ok().or_else(local).ok_or_else(|| opkg_oda::Invalid::new("address to listen at", text, rule))
}

/// Options of `init`.
#[derive(Debug, Args)]
pub struct Init {
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
pub struct Import {
    /// What `opm export` wrote
    #[arg(required_unless_present = "oda", conflicts_with = "oda", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,

    /// A dump of the database of an old OSCAR
    #[arg(long, value_name = "DUMP", value_hint = ValueHint::FilePath)]
    pub oda: Option<PathBuf>,
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
