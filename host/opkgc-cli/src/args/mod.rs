//! The command line of `opkgc`, from which help, man pages and completions are made as well.

mod auto_requires;
mod build;
mod payload;
mod plugin_kit;
mod plugin_registry;
mod plugin_test;
mod signing;

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum, ValueHint};
use opkg_shell::args::{CommonArgs, exit_for};

pub use auto_requires::{AutoRequires, AutoRequiresError, PackageNameError, check_package_name};
pub use build::{BuildArgs, BuilderChoice, ProfileChoice};
pub use payload::{PayloadCommand, PayloadDirArgs, PayloadFetchArgs, PayloadLockArgs};
pub use plugin_kit::{
    BindingsLanguage, PluginBindingsArgs, PluginBuildArgs, PluginFamily, PluginLanguage, PluginNewArgs,
    PluginRunArgs, PluginSdkArgs, PluginWitArgs,
};
pub use plugin_registry::{
    PluginInstallArgs, PluginPublishArgs, PluginSignArgs, PluginUpdateArgs, RegistryArgs,
};
pub use plugin_test::PluginTestArgs;
pub use signing::SigningArgs;

/// Compile OPKGs into the native packages of any distribution.
///
/// An OPKG is a directory that describes one piece of cluster software: config.xml, scripts, tests,
/// documentation. opkgc turns it into the meta-files and packages of the distributions that you name.
#[derive(Debug, Parser)]
#[command(name = "opkgc", version, subcommand_negates_reqs = true)]
#[command(override_usage = "opkgc [OPTIONS] [--dist <TARGET>] <DIR>...\n       opkgc [OPTIONS] <COMMAND>")]
#[command(after_help = "Examples:
  opkgc --dist=rhel my-package                  packages, and what they are made of, into ./output/rhel
  opkgc --dist rhel-9-x86_64,debian my-package  for two distributions
  opkgc --dist debian --source my-package       only the meta-files and the source package
  opkgc check my-package                        only look for mistakes

Exit status:
  0  everything was done
  1  an OPKG has errors, or a package could not be made
  2  the command line is wrong
  4  nothing was made, since the OPKGs' own filters exclude every target asked for")]
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
        let matches = Self::command().try_get_matches().unwrap_or_else(|error| exit_for(&error));
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
        Self::from_arg_matches(&matches).unwrap_or_else(|error| exit_for(&error))
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compile OPKGs (what happens without a command)
    Build(Box<BuildArgs>),
    /// Look for mistakes in OPKGs and show all of them
    Check(CheckArgs),
    /// Say what is behind a finding: an example, a way out, and why there is the rule
    Explain(ExplainArgs),
    /// Write a new OPKG from a template
    New(NewArgs),
    /// Convert an OPKG of the pre-OSCAR-5 format
    Convert(ConvertArgs),
    /// Write the index of a directory of packages anew, as after packages were added or removed
    Index(IndexArgs),
    /// Compare two packages or directories of packages
    Diff(DiffArgs),
    /// Hold packages against what was written about them when they were made
    Verify(VerifyArgs),
    /// Note and fetch what OPKGs take of others: archives of upstream, packages
    #[command(subcommand)]
    Payload(PayloadCommand),
    /// Print the XML schema of config.xml, for editors and validators
    Schema,
    /// Write, build and try hooks that are components
    #[command(subcommand)]
    Hook(HookCommand),
    /// Manage plugins
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Show what settings are in force, and where each comes from
    Settings(SettingsArgs),
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

/// Options of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Directories of OPKGs
    #[arg(value_name = "DIR", required = true, value_hint = ValueHint::DirPath)]
    pub directories: Vec<PathBuf>,

    /// Check what a build for these targets would find, separated by commas [default: every distribution]
    ///
    /// `rhel`, `rhel-9`, `rhel-9-x86_64`. May be given several times. Nothing is written.
    #[arg(short, long, value_name = "TARGET", value_delimiter = ',')]
    pub dist: Vec<String>,

    /// Fail when there is a warning, too
    #[arg(long, value_name = "WHAT")]
    pub deny: Option<DenyLevel>,

    /// Where sources of payloads are.
    #[command(flatten)]
    pub payload_dir: PayloadDirArgs,

    /// Where plugins come from.
    #[command(flatten)]
    pub plugins: PluginArgs,
}

/// Options of `explain`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  opkgc explain changelog-date    what `error[changelog-date]` means
  opkgc explain --list            all codes, each with a line
  opkgc explain --list --format json")]
pub struct ExplainArgs {
    /// What stands behind `error`, `warning` or `note`
    ///
    /// Where that is the name of a distribution, its plugin has said what to do, and there is no more to say.
    #[arg(value_name = "CODE", required_unless_present = "list")]
    pub code: Option<String>,

    /// List all codes
    #[arg(long, conflicts_with = "code")]
    pub list: bool,
}

/// Options of `index`.
#[derive(Debug, Args)]
pub struct IndexArgs {
    /// Directories of RPMs, of `.deb` and `.dsc`, or of packages that a plugin knows; each gets an index of its own
    ///
    /// What `opkgc build --repo` writes for a target, and any other directory of packages. An index of another program
    /// that has more in it, such as groups, is not replaced.
    #[arg(value_name = "DIR", required = true, value_hint = ValueHint::DirPath)]
    pub directories: Vec<PathBuf>,

    /// The distribution whose plugin makes the index of packages that are neither RPMs nor debs [default: the plugin that
    /// knows files of such names]
    #[arg(short, long, value_name = "DIST")]
    pub dist: Option<String>,

    /// What the index says that it is called (Suite and Codename of Debian's) [default: the name of the directory]
    #[arg(long, value_name = "NAME")]
    pub name: Option<opkg_interface::Label>,

    /// Where clients find what the directories lie in; writes the file that configures them beside each signed index
    ///
    /// `https://packages.example.org/cluster` or `file:///srv/packages`. The directory's name follows it. For apt,
    /// opkg-NAME.sources; for dnf and zypper, opkg-NAME.repo.
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub repo_url: Option<opkg_package::RepositoryUrl>,

    /// What to sign with.
    #[command(flatten)]
    pub signing: SigningArgs,

    /// How many packages are read at a time [default: one for each processor]
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,

    /// Where plugins come from.
    #[command(flatten)]
    pub plugins: PluginArgs,

    /// Where settings come from.
    #[command(flatten)]
    pub settings: SettingsArgs,
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

    /// With a service for compute nodes: a unit, the user that it runs as, and a program
    ///
    /// Packages enable and start it as their distributions do. All of it lies below files/client/.
    #[arg(long)]
    pub with_service: bool,

    /// With a file of configuration below /etc of compute nodes
    ///
    /// Where somebody has changed it, it is kept when a newer version is installed.
    #[arg(long)]
    pub with_config: bool,
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

/// Options of `verify`.
#[derive(Debug, Args)]
#[command(after_help = "Exit status:
  0  everything holds
  1  something does not
  2  something could not be read")]
pub struct VerifyArgs {
    /// Packages (.rpm, .deb, an archive)
    ///
    /// Each is held against its own checksums, and against PACKAGE.spdx.json, PACKAGE.cdx.json and PACKAGE.intoto.json,
    /// as far as they are beside it. Nothing else is asked, no program and no server.
    #[arg(value_name = "PACKAGE", required = true, value_hint = ValueHint::FilePath)]
    pub packages: Vec<PathBuf>,

    /// Require a signature by one of the OpenPGP keys in this file, as `gpg --export` prints them
    ///
    /// Of the package itself or of a document about it; and of every document that is there. Without a key, signatures
    /// are not looked at, and whoever can write all of the files can forge all of them.
    #[arg(long, value_name = "KEYFILE", value_hint = ValueHint::FilePath)]
    pub key: Option<PathBuf>,

    /// Require that the packages were made of this OPKG, and by the plugin that would be used now
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub opkg: Option<PathBuf>,

    /// Where sources of payloads are, for --opkg.
    #[command(flatten)]
    pub payload_dir: PayloadDirArgs,

    /// Where plugins come from; with --plugin, packages must have been made by that one.
    #[command(flatten)]
    pub plugins: PluginArgs,
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
    /// Write a directory for a new plugin
    New(PluginNewArgs),
    /// Write the crates that plugins in Rust depend on
    Sdk(PluginSdkArgs),
    /// Write or print the interface of plugins, in WIT
    Wit(PluginWitArgs),
    /// Write the bindings of the interface, for C: tools of other languages make theirs of what `wit` writes
    Bindings(PluginBindingsArgs),
    /// Build a plugin from a Rust crate, or from a core module of any language
    Build(PluginBuildArgs),
    /// Ask a plugin what it is and what it makes of an OPKG, and print its answers as JSON
    ///
    /// What it logs is shown with -v. Nothing is written.
    Run(PluginRunArgs),
    /// Try a plugin: rules that hold for any distribution, and examples of its own
    Test(PluginTestArgs),
    /// Let a plugin that is not built in have programs run: by `opkgc --builder native`, and by `opm`
    Grant {
        /// Its id
        id: String,
        /// Programs, by name [default: all that it may want to have run, as `inspect` shows them]
        #[arg(value_name = "PROGRAM")]
        programs: Vec<String>,
    },
    /// Install a plugin for this user, from a file or a registry
    ///
    /// What it is, where it comes from and who vouches for it is noted in `plugins.lock`, in the directory of installed
    /// plugins. Whose signatures count, and what is revoked, /etc/opkg/plugins.toml and ~/.config/opkg/plugins.toml say.
    Install(PluginInstallArgs),
    /// Install newer versions of plugins that were installed from registries
    Update(PluginUpdateArgs),
    /// Publish a plugin in an OCI registry
    ///
    /// It is an artifact as other tools for WebAssembly know it: `wkg oci pull` fetches it as well. A version that is there
    /// stays what it is.
    Publish(PluginPublishArgs),
    /// Sign a plugin's file, for those who install it from one
    Sign(PluginSignArgs),
    /// Remove a plugin that was installed for this user
    Remove {
        /// Its id
        id: String,
    },
    /// Compile the built-in plugins now, for everybody on this machine
    ///
    /// Otherwise everybody's first run compiles those that it needs. The packages of this program do this when they are
    /// installed. What is compiled goes to /var/cache/opkg/components, where only root may write; what other releases of
    /// the program left there is removed. That directory may be removed at any time.
    Warm,
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
        /// A component (.wasm): a hook, or a runner of hooks
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// The hook that a runner shall run, such as a script
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        program: Option<PathBuf>,
        /// What the cluster is
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        pretend: PathBuf,
        /// The hook to run, by its canonical name [default: that of the hook's file]
        #[arg(long, value_name = "NAME")]
        hook: Option<String>,
        /// Where the files of the hook are: `home` and `image` in there [default: an empty directory]
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        files: Option<PathBuf>,
    },
}

/// Where settings come from.
#[derive(Debug, Args, Default)]
pub struct SettingsArgs {
    /// Read settings from this file as well, over those of /etc/opkg/opkgc.toml and ~/.config/opkg/opkgc.toml
    #[arg(long = "settings", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub settings_files: Vec<PathBuf>,
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

/// A date with or without the time of the day.
fn parse_date(text: &str) -> Result<opkg::model::Timestamp, opkg::date::ParseDateError> {
    text.parse().or_else(|error| format!("{text}T00:00:00Z").parse().map_err(|_| error))
}
