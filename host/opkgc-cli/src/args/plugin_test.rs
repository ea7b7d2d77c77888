//! The options of `opkgc plugin test`.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use opkg_shell::args::OutputFormat;

/// Options of `plugin test`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  opkgc plugin test mylinux.wasm                        all rules, all targets, and the examples in ./tests
  opkgc plugin test mylinux.wasm --filter relations     the rules with this in their names
  opkgc plugin test mylinux.wasm --update               write what the examples expect anew
  opkgc plugin test --rules                             what is looked at

Exit status:
  0  the plugin holds all rules, and its examples come out as they should
  1  it does not
  2  the command line is wrong")]
pub struct PluginTestArgs {
    /// A component (.wasm), or the id of a plugin that is built in or installed
    #[arg(value_name = "FILE|ID", required_unless_present = "rules", value_hint = ValueHint::FilePath)]
    pub plugin: Option<PathBuf>,

    /// List the rules, each with a line
    #[arg(long, conflicts_with_all = ["plugin", "examples", "update"])]
    pub rules: bool,

    /// Only rules whose names have this in them, or where there is none, such examples
    ///
    /// Together with rules, examples are tried only where --examples names them.
    #[arg(long, value_name = "NAME")]
    pub filter: Option<String>,

    /// Examples of your own: directories with `opkg/`, `target` and `expected/` [default: `tests` beside the file]
    ///
    /// `opkg` is an OPKG, `target` has one line, such as `mylinux-9-x86_64`, and below `expected` are the meta-files that
    /// have to come of it.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub examples: Option<PathBuf>,

    /// Write what the examples expect anew, and try nothing else
    #[arg(long, conflicts_with = "filter")]
    pub update: bool,

    /// Only the newest, the default and the oldest release, and few architectures
    #[arg(long)]
    pub quick: bool,

    /// How results are printed
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
}
