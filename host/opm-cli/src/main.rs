//! The OSCAR package manager.

use std::process::ExitCode;

use clap::CommandFactory;
use opkg_runtime::{COMPILE_COMMAND, compile_component};
use opm_cli::args::Cli;
use opm_cli::completion;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    // It starts itself anew, in front of every other program and for compiling; what follows is no command line for people.
    match arguments.next() {
        Some(command) if command == "launch" => return opkg_opm::launch(&["launch"], arguments),
        Some(command) if command == COMPILE_COMMAND => return compile_component(arguments),
        _ => {}
    }
    opkg_shell::completion::answer_shell(Cli::command, completion::VALUES);
    opm_cli::run(Cli::parse_from_env()).into()
}
