//! Arguments of `configure`.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use opkg_oda::{PackageName, TargetAddress};

use crate::value_parsers::{parse_assignment, parse_image};

/// Options of `configure`.
#[derive(Debug, Args)]
#[command(
    after_help = "Without any of --set, --unset, --answers, --defaults and --show, the form is shown on the terminal, to be
filled in with the keyboard.

An answer counts more than the file answers.d/PACKAGE.toml next to opm.toml, and that more than what the form itself
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
pub struct ConfigureArgs {
    /// Which package
    pub package: PackageName,

    /// The form for an image, instead of the one for the whole cluster
    #[arg(long, value_name = "IMAGE", value_parser = parse_image)]
    pub image: Option<TargetAddress>,

    /// Answer a field; several times for one that takes several values
    #[arg(long, value_name = "NAME=VALUE", num_args = 1.., value_parser = parse_assignment)]
    pub set: Vec<(String, String)>,

    /// Unset an answer
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub unset: Vec<String>,

    /// Take answers from a file in TOML, `NAME = "VALUE"` each; `-` is standard input
    ///
    /// A table `["image:NAME"]` answers for an image. With --image only its table counts.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub answers: Option<PathBuf>,

    /// Unset all answers, before others are given
    #[arg(long)]
    pub defaults: bool,

    /// Show fields and values
    #[arg(long, conflicts_with_all = ["set", "unset", "answers", "defaults"])]
    pub show: bool,
}
