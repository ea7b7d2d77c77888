//! The command line of `opkgc`, from which help, man pages and completions are made as well.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum, ValueHint};
use opkg::Profile;
use opkg::model::Part;
use opkg_interface::{Label, ReleaseTag};
use opkg_shell::args::{CommonArgs, exit_for};

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

/// Options of `build`.
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// Targets: DIST, DIST-VERSION or DIST-VERSION-ARCH, separated by commas
    ///
    /// `rhel`, `rhel-9`, `rhel-9-x86_64`. May be given several times. See --supported-dist for what there is. Without
    /// it, those of the settings are meant.
    #[arg(short, long, value_name = "TARGET", value_delimiter = ',')]
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
    /// RPMs and SRPMs get a signature of their own, and so do `.dsc`, `.buildinfo` and `.changes`; an archive has it in a
    /// file beside it. The index of --repo is signed, with the public key next to it.
    #[arg(long, value_name = "KEYFILE", value_hint = ValueHint::FilePath)]
    pub sign: Option<PathBuf>,

    /// Sign nothing, whatever the settings say, not even an index that was signed before
    #[arg(long, conflicts_with_all = ["sign", "passphrase_file"])]
    pub no_sign: bool,

    /// The file that holds the passphrase of the key [default: $OPKG_SIGN_PASSPHRASE]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
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

    /// What packages require by themselves
    #[arg(long, value_enum, value_name = "NAME")]
    pub profile: Option<ProfileChoice>,

    /// What every api, server or client package requires instead of what the profile says, as PART=NAME,…
    ///
    /// Several parts in one value, as in `api=site-data,site-tools,client=`, or one at a time. `api=` requires nothing.
    #[arg(long, value_name = "PART=NAMES")]
    pub auto_requires: Vec<AutoRequires>,

    /// What tells packages for one release of a distribution from those for another: TAG, `none` or `native`
    ///
    /// It follows the release of each package: 1.0-1.el9, 1.0-1+deb12. `native`, the default, is what the distribution's
    /// own packages have.
    #[arg(long, value_name = "TAG")]
    pub release_tag: Option<ReleaseTag>,

    /// Who makes the packages, for those who read what they say of themselves
    #[arg(long, value_name = "NAME")]
    pub vendor: Option<Label>,

    /// What collection the packages belong to, likewise
    #[arg(long, value_name = "NAME")]
    pub distribution: Option<Label>,

    /// Where settings come from.
    #[command(flatten)]
    pub settings: SettingsArgs,

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

    /// Check what a build for these targets would find, separated by commas [default: every distribution]
    ///
    /// `rhel`, `rhel-9`, `rhel-9-x86_64`. May be given several times. Nothing is written.
    #[arg(short, long, value_name = "TARGET", value_delimiter = ',')]
    pub dist: Vec<String>,

    /// Fail when there is a warning, too
    #[arg(long, value_name = "WHAT")]
    pub deny: Option<DenyLevel>,

    /// Where plugins come from.
    #[command(flatten)]
    pub plugins: PluginArgs,
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
    /// Let a plugin that is not built in have programs run: by `opkgc --builder native`, and by `opm`
    Grant {
        /// Its id
        id: String,
        /// Programs, by name [default: all that it may want to have run, as `inspect` shows them]
        #[arg(value_name = "PROGRAM")]
        programs: Vec<String>,
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

/// Who makes binary packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BuilderChoice {
    /// opkgc itself, which needs no other program
    Direct,
    /// The distribution's own tools, which must be installed
    Native,
}

/// A usual choice of what packages require by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProfileChoice {
    /// opkg-filesystem, which is written beside them (the default)
    Opkg,
    /// oscar-data, liboscar-server and liboscar-client, which the original had
    Oscar,
}

impl From<ProfileChoice> for Profile {
    fn from(choice: ProfileChoice) -> Self {
        match choice {
            ProfileChoice::Opkg => Self::Opkg,
            ProfileChoice::Oscar => Self::Oscar,
        }
    }
}

/// What parts require by themselves: `api=a,b,server=c`, with commas or blanks between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutoRequires(pub Vec<(Part, Vec<String>)>);

/// Why text is no `PART=NAME,…`.
#[derive(Debug, thiserror::Error)]
pub enum AutoRequiresError {
    #[error("expected PART=NAME, for example api=site-data")]
    NoPart,
    #[error("there is no part `{0}`; it is api, server or client")]
    UnknownPart(String),
    #[error("`{0}=` stands there twice")]
    DuplicatePart(String),
    #[error(transparent)]
    InvalidName(#[from] PackageNameError),
}

/// Why text is no name of a package.
#[derive(Debug, thiserror::Error)]
#[error("`{}` is not the name of a package: that is two or more letters, digits and `. + - _`", opkg::escape_for_display(.0))]
pub struct PackageNameError(String);

/// Whether a text names a package on any distribution: no capability, no version.
///
/// # Errors
/// When it does not.
pub fn check_package_name(name: &str) -> Result<(), PackageNameError> {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b".+-_".contains(&byte);
    let is_name = name.len() > 1
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(is_inner);
    if is_name { Ok(()) } else { Err(PackageNameError(name.to_owned())) }
}

impl FromStr for AutoRequires {
    type Err = AutoRequiresError;

    fn from_str(text: &str) -> Result<Self, AutoRequiresError> {
        let mut parts: Vec<(Part, Vec<String>)> = Vec::new();
        for word in text.split([',', ' ', '\t', '\n']).filter(|word| !word.is_empty()) {
            let name = match word.split_once('=') {
                None => word,
                Some((part, name)) => {
                    let known = match part {
                        "api" => Part::Api,
                        "server" => Part::Server,
                        "client" => Part::Client,
                        other => {
                            return Err(AutoRequiresError::UnknownPart(
                                opkg::escape_for_display(other).to_string(),
                            ));
                        }
                    };
                    if parts.iter().any(|(other, _)| *other == known) {
                        return Err(AutoRequiresError::DuplicatePart(part.to_owned()));
                    }
                    parts.push((known, Vec::new()));
                    name
                }
            };
            let (_, names) = parts.last_mut().ok_or(AutoRequiresError::NoPart)?;
            if !name.is_empty() {
                check_package_name(name)?;
                names.push(name.to_owned());
            }
        }
        if parts.is_empty() { Err(AutoRequiresError::NoPart) } else { Ok(Self(parts)) }
    }
}

/// A date with or without the time of the day.
fn parse_date(text: &str) -> Result<opkg::model::Timestamp, opkg::date::ParseDateError> {
    text.parse().or_else(|error| format!("{text}T00:00:00Z").parse().map_err(|_| error))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn auto_requires(text: &str) -> Result<Vec<(Part, Vec<String>)>, String> {
        text.parse()
            .map(|parsed: AutoRequires| parsed.0)
            .map_err(|error: AutoRequiresError| error.to_string())
    }

    #[test]
    fn automatic_relations_of_several_parts_in_one_value() {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let expected = vec![
            (Part::Api, names(&["a1", "b1"])),
            (Part::Server, names(&[])),
            (Part::Client, names(&["c1"])),
        ];
        for text in
            ["api=a1,b1 server= client=c1", "api=a1,b1,server=,client=c1", " api=a1, b1,server= ,client=c1,"]
        {
            assert_eq!(auto_requires(text).unwrap(), expected, "{text}");
        }
        assert_eq!(auto_requires("api=").unwrap(), [(Part::Api, names(&[]))]);
    }

    #[test]
    fn what_names_no_package_of_every_distribution_is_refused() {
        for text in [
            "",
            ",",
            "site-data",
            "api",
            "=a1",
            "images=a1",
            "api=a",
            "api=a1,api=b1",
            "api=a1>=2",
            "api=a(b)",
            "api=/bin/sh",
            "api=-x",
            "api=a;b",
            "api=$(id)",
            "api=é1",
        ] {
            assert!(auto_requires(text).is_err(), "{text}");
        }
    }
}
