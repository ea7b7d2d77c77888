//! Options of what authors of plugins do: `opkgc plugin new`, `sdk`, `wit`, `bindings`, `build`, `run`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

/// Options of `plugin new`.
#[derive(Debug, Args)]
pub struct PluginNewArgs {
    /// What `--dist` shall name: letters, digits, `-`
    pub name: String,

    /// The language to write it in
    #[arg(long, value_name = "LANGUAGE", default_value = "rust")]
    pub lang: PluginLanguage,

    /// What packages of the distribution are
    ///
    /// For `rpm` and `deb` most is written already, in Rust; other languages have `archive` alone.
    #[arg(long, default_value = "archive")]
    pub family: PluginFamily,

    /// The directory to write, which must not exist [default: ./NAME]
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub output: Option<PathBuf>,

    /// Use the SDK in this directory, as `opkgc plugin sdk` wrote it [default: written into the new directory]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub sdk: Option<PathBuf>,
}

/// A language that there is a template for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PluginLanguage {
    /// With the SDK; `opkgc plugin build` builds it
    Rust,
    /// With componentize-py
    Python,
    /// With componentize-js
    Javascript,
    /// With clang
    C,
}

/// What packages are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PluginFamily {
    /// RPMs, and dnf
    Rpm,
    /// Packages of Debian's kind, and apt
    Deb,
    /// Anything else: a tar, with whatever the package manager wants to find in it
    Archive,
}

/// Options of `plugin sdk`.
#[derive(Debug, Args)]
pub struct PluginSdkArgs {
    /// The directory to write, which must not exist
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub directory: PathBuf,
}

/// Options of `plugin wit`.
#[derive(Debug, Args)]
pub struct PluginWitArgs {
    /// The directory to write, which must not exist; without one, the interface is printed, as one document
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub directory: Option<PathBuf>,
}

/// Options of `plugin bindings`.
#[derive(Debug, Args)]
pub struct PluginBindingsArgs {
    /// The language that they are for
    pub language: BindingsLanguage,

    /// The directory to write, which must not exist
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub directory: PathBuf,
}

/// A language whose own tools make no bindings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BindingsLanguage {
    /// A header, its source, and an object that tells `opkgc plugin build` what the module is
    C,
}

/// Options of `plugin build`.
#[derive(Debug, Args)]
pub struct PluginBuildArgs {
    /// The directory of a Rust crate, or a core module of any language (.wasm)
    ///
    /// A core module is what a compiler makes together with the bindings of the interface, such as clang with those that
    /// `opkgc plugin bindings c` writes. Of a directory in another language, the command that builds it is told.
    #[arg(value_name = "DIR|MODULE", value_hint = ValueHint::AnyPath)]
    pub source: PathBuf,

    /// Where to write the component [default: the name of the crate or module, with .wasm]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}

/// Options of `plugin run`.
#[derive(Debug, Args)]
#[command(after_help = "Exit status:
  0  it made packages, or nothing was asked of it but what it is
  1  it refused, or failed
  2  the command line is wrong, or the OPKG has errors")]
pub struct PluginRunArgs {
    /// A component (.wasm)
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// The OPKG that it shall make packages of [default: only ask what it is]
    #[arg(long, value_name = "OPKG", value_hint = ValueHint::DirPath)]
    pub input: Option<PathBuf>,

    /// What for, as `opkgc --dist` takes it [default: its own id]
    #[arg(short, long, value_name = "TARGET", requires = "input")]
    pub dist: Option<String>,

    /// What follows the release of the packages' version, as `opkgc --release-tag` takes it
    #[arg(long, value_name = "TAG", requires = "input")]
    pub release_tag: Option<opkg_interface::ReleaseTag>,
}
