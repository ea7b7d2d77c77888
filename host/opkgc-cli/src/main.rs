//! The OPKG compiler.

use std::process::ExitCode;

use clap::CommandFactory;
use opkgc_cli::args::Cli;
use opkgc_cli::completion;

fn main() -> ExitCode {
    opkg_shell::completion::answer_shell(Cli::command, completion::VALUES);
    opkgc_cli::run(Cli::parse_from_env()).into()
}
