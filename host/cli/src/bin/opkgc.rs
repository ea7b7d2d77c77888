//! The OPKG compiler.

use std::process::ExitCode;

use opkg_cli::args::Cli;

fn main() -> ExitCode {
    opkg_cli::run(Cli::read()).into()
}
