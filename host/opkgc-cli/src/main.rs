//! The OPKG compiler.

use std::process::ExitCode;

use opkgc_cli::args::Cli;

fn main() -> ExitCode {
    opkgc_cli::run(Cli::parse_from_env()).into()
}
