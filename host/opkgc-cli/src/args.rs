//! The command line of `opkgc`, from which help, man pages and completions are made as well.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum, ValueHint};
use opkg_shell::args::CommonArgs;

/// Compile OPKGs into the native packages of any distribution.
///
/// An OPKG is a directory that describes one piece of cluster software: config.xml, scripts, tests,
/// documentation. opkgc turns it into the meta-files and packages of the distributions that you name.
#[derive(Debug, Parser)]
#[command(name = "opkgc", version, subcommand_negates_reqs = true)]
#[command(override_usage = "opkgc [OPTIONS] --dist <TARGET> <DIR>...\n       opkgc [OPTIONS] <COMMAND>")]
#[command(after_help = "Examples:
  opkgc --dist=rhel my-package                  packages, and what they are made of, into ./output/rhel
  opkgc --dist rhel-9-x86_64,debian my-package  for two distributions
  opkgc --dist debian --source my-package       only the meta-files and the source package
  opkgc check my-package                        only look for mistakes

Exit status:
  0  everything was done
  1  an OPKG has errors, or a package could not be made
  2  the command line is wrong
  4  the only target asked for is excluded by the OPKG's own filters")]
pub struct Cli {
    /// What to do; `build` when none is named.
    #[command(subcommand)]
    pub command: Option<Command>,

    #[command(flatten)]
    pub build: BuildArgs,

    #[command(flatten)]
    pub common: CommonArgs,
}

impl Cli {
    /// Reads the command line of this process; ends it, with a message, where that is wrong or asks for help.
    #[must_use]
    pub fn parse_from_env() -> Self {
        let matches = Self::command().get_matches();
        // Those of `build` may stand without a command; before another one they would be lost without a word.
        let build = BuildArgs::augment_args(clap::Command::new("build"));
        let stray = build.get_arguments().find(|argument| {
            matches.value_source(argument.get_id().as_str()) == Some(ValueSource::CommandLine)
        });
        if let (Some((command, _)), Some(stray)) = (matches.subcommand(), stray) {
            let stray = stray.get_long().map_or_else(|| "a directory".to_owned(), |long| format!("--{long}"));
            let message = format!("{stray} cannot stand before the command `{command}`");
            Self::command().error(ErrorKind::ArgumentConflict, message).exit();
        }
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compile OPKGs (what happens without a command)
    Build(BuildArgs),
    /// Look for mistakes in OPKGs and show all of them
    Check(CheckArgs),
    /// Write a new OPKG from a template
    New(NewArgs),
    /// Convert an OPKG of the pre-OSCAR-5 format
    Convert(ConvertArgs),
    /// Compare two packages or directories of packages
    Diff(DiffArgs),
    /// Print the XML schema of config.xml, for editors and validators
    Schema,
    /// Write, build and try hooks that are components
    #[command(subcommand)]
    Hook(HookCommand),
    /// Manage plugins
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Write man pages into a directory
    Man {
        /// Where to; created if need be
        #[arg(value_hint = ValueHint::DirPath)]
        directory: PathBuf,
    },
    /// Print what a shell has to run to complete command lines of this program
    ///
    /// In ~/.bashrc: `source <(opkgc completions bash)`. The packages of this program install it for all users.
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// Options of `build`.
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// Targets: DIST, DIST-VERSION or DIST-VERSION-ARCH, separated by commas
    ///
    /// `rhel`, `rhel-9`, `rhel-9-x86_64`. May be given several times. See --supported-dist for what there is.
    #[arg(
        short,
        long,
        value_name = "TARGET",
        value_delimiter = ',',
        required_unless_present = "supported_dist"
    )]
    pub dist: Vec<String>,

    /// Directories of OPKGs
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub directories: Vec<PathBuf>,

    /// The same as DIR
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub input: Vec<PathBuf>,

    /// Where to write; each target gets a directory of its own in there
    #[arg(short, long, value_name = "DIR", default_value = "output", value_hint = ValueHint::DirPath)]
    pub output: PathBuf,

    /// Write only the meta-files and the source package
    #[arg(long, conflicts_with = "builder")]
    pub source: bool,

    /// Who makes the binary packages
    #[arg(long, value_enum, value_name = "WHO", default_value = "direct")]
    pub builder: BuilderChoice,

    /// Make each target's directory a source of packages, with an index of all packages in it
    ///
    /// The index lists those of earlier builds as well. It is written when all packages are.
    #[arg(long)]
    pub repo: bool,

    /// Sign packages and the index with an OpenPGP secret key, as `gpg --export-secret-keys` prints it
    ///
    /// RPMs and SRPMs get a signature of their own; the index of --repo is signed, with the public key next to it.
    #[arg(long, value_name = "KEYFILE", value_hint = ValueHint::FilePath)]
    pub sign: Option<PathBuf>,

    /// The file that holds the passphrase of the key [default: $OPKG_SIGN_PASSPHRASE]
    #[arg(long, value_name = "FILE", requires = "sign", value_hint = ValueHint::FilePath)]
    pub passphrase_file: Option<PathBuf>,

    /// Go on after a failure with everything else
    ///
    /// Without it, nothing new is begun after the first failure; what is under way is finished, and the rest is
    /// listed as not tried. The exit status is 1 in both cases.
    #[arg(short, long)]
    pub keep_going: bool,

    /// How many packages are built at a time [default: one for each processor]
    ///
    /// What is written does not depend on it. Where address space is limited (`ulimit -v`), the default is lower.
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,

    /// Refuse OPKGs that have warnings
    #[arg(long, value_name = "WHAT")]
    pub deny: Option<DenyLevel>,

    /// What every api, server or client package requires, as PART=NAME,…
    ///
    /// The defaults are api=oscar-data, server=liboscar-server and client=liboscar-client. `api=` requires
    /// nothing.
    #[arg(long, value_name = "PART=NAMES", value_parser = parse_auto_requires)]
    pub auto_requires: Vec<(opkg::model::Part, Vec<String>)>,

    /// List the distributions that can be named, and exit
    #[arg(long)]
    pub supported_dist: bool,

    /// Where plugins come from.
    #[command(flatten)]
    pub plugins: PluginArgs,
}

/// Options of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Directories of OPKGs
    #[arg(value_name = "DIR", required = true, value_hint = ValueHint::DirPath)]
    pub directories: Vec<PathBuf>,

    /// Fail when there is a warning, too
    #[arg(long, value_name = "WHAT")]
    pub deny: Option<DenyLevel>,
}

/// Options of `new`.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// Name of the package: two or more of `a-z 0-9 + . -`, the first a letter or digit
    pub name: String,

    /// The directory to write, which must not exist [default: ./NAME]
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub output: Option<PathBuf>,

    /// Who looks after the package, as `Name <name@example.org>`
    ///
    /// Otherwise $DEBFULLNAME and $DEBEMAIL are used, then $GIT_AUTHOR_NAME and $GIT_AUTHOR_EMAIL, then
    /// $GIT_COMMITTER_NAME and $GIT_COMMITTER_EMAIL.
    #[arg(long, value_name = "WHO")]
    pub maintainer: Option<opkg_convert::Maintainer>,
}

/// Options of `convert`.
#[derive(Debug, Args)]
pub struct ConvertArgs {
    /// Directory of an OPKG in the form before OSCAR 5; nothing in it is changed
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub directory: PathBuf,

    /// The directory to write, which must not exist [default: DIR-converted]
    #[arg(short, long, value_name = "NEWDIR", value_hint = ValueHint::DirPath)]
    pub output: Option<PathBuf>,

    /// When the version was made, as `2014-07-11` or `2014-07-11T15:25:17+02:00`
    ///
    /// Otherwise $SOURCE_DATE_EPOCH is used, then the time of the old config.xml.
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    pub date: Option<opkg::model::Timestamp>,
}

/// Options of `diff`.
#[derive(Debug, Args)]
#[command(after_help = "Exit status:
  0  they are the same, byte for byte
  1  they differ
  2  something could not be read")]
pub struct DiffArgs {
    /// A package (.rpm, .deb, .dsc, an archive), any other file, or a directory of such
    ///
    /// In two directories, packages are matched by name and architecture, other files by their paths.
    #[arg(value_name = "A", value_hint = ValueHint::AnyPath)]
    pub first: PathBuf,

    /// What to compare it with
    #[arg(value_name = "B", value_hint = ValueHint::AnyPath)]
    pub second: PathBuf,
}

/// What to do with plugins.
#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    /// List the plugins: what they answer to, where they come from, what shadows what
    List(PluginArgs),
    /// Show what a plugin's file is: interface, imports, exports, size, hash, what it answers to
    Inspect {
        /// A component (.wasm)
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    /// Build a plugin from a Rust crate
    Build {
        /// The directory of the crate
        #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
        directory: PathBuf,
        /// Where to write the component [default: the name of the crate, with .wasm]
        #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        output: Option<PathBuf>,
    },
    /// Install a plugin for this user and remember its hash
    Install {
        /// A component (.wasm)
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    /// Remove a plugin that was installed for this user
    Remove {
        /// Its id
        id: String,
    },
}

/// What to do with hooks that are components.
#[derive(Debug, Subcommand)]
pub enum HookCommand {
    /// Write a crate for a new hook
    New {
        /// Name of the crate: letters, digits, `-`
        name: String,
        /// The directory to write, which must not exist [default: ./NAME]
        #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        output: Option<PathBuf>,
        /// The directory of the crate `opkg-sdk` [default: the one installed with this program]
        ///
        /// `plugins/sdk` in the sources of this program.
        #[arg(long, value_name = "DIR", env = "OPKG_SDK", hide_env_values = true, value_hint = ValueHint::DirPath)]
        sdk: Option<PathBuf>,
    },
    /// Build a hook from a Rust crate
    Build {
        /// The directory of the crate
        #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
        directory: PathBuf,
        /// Where to write the component [default: the name of the crate, with .wasm]
        #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        output: Option<PathBuf>,
    },
    /// Run a hook against a simulated cluster, and show what it does
    ///
    /// Nothing of this machine is touched: what the hook writes goes into a directory that is thrown away, unless you
    /// name one, and programs are not run, but reported as successful.
    Run {
        /// A component (.wasm)
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// What the cluster is
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        pretend: PathBuf,
        /// The hook to run, by its canonical name [default: that of the file]
        #[arg(long, value_name = "NAME")]
        hook: Option<String>,
        /// Where the files of the hook are: `home` and `image` in there [default: an empty directory]
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        files: Option<PathBuf>,
    },
}

/// Where plugins come from.
#[derive(Debug, Args, Default)]
pub struct PluginArgs {
    /// Use this plugin before all others; may be given several times
    #[arg(long = "plugin", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
}

/// What is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DenyLevel {
    /// Warnings count as errors
    Warnings,
}

/// Who makes binary packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BuilderChoice {
    /// opkgc itself, which needs no other program
    Direct,
    /// The distribution's own tools, which must be installed
    Native,
}

/// Why text is no `PART=NAME,…`.
#[derive(Debug, thiserror::Error)]
enum AutoRequiresError {
    #[error("expected PART=NAME, for example api=oscar-data")]
    NoPart,
    #[error("there is no part `{0}`; it is api, server or client")]
    UnknownPart(String),
    #[error("`{0}` is not the name of a package")]
    InvalidName(String),
}

fn parse_auto_requires(text: &str) -> Result<(opkg::model::Part, Vec<String>), AutoRequiresError> {
    use opkg::model::Part;
    let (part, names) = text.split_once('=').ok_or(AutoRequiresError::NoPart)?;
    let part = match part {
        "api" => Part::Api,
        "server" => Part::Server,
        "client" => Part::Client,
        other => return Err(AutoRequiresError::UnknownPart(other.to_owned())),
    };
    let names: Vec<String> = names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    match names.iter().find(|name| !opkg::is_relation_name(name)) {
        Some(name) => Err(AutoRequiresError::InvalidName(name.clone())),
        None => Ok((part, names)),
    }
}

/// A date with or without the time of the day.
fn parse_date(text: &str) -> Result<opkg::model::Timestamp, opkg::date::ParseDateError> {
    text.parse().or_else(|error| format!("{text}T00:00:00Z").parse().map_err(|_| error))
}
