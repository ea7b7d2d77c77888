//! The OPKG compiler.

use std::process::ExitCode;

use clap::CommandFactory;
use opkg_runtime::{COMPILE_COMMAND, compile_component};
use opkgc_cli::args::Cli;
use opkgc_cli::completion;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    // It starts itself anew for compiling; what follows is no command line for people.
    if arguments.next().is_some_and(|command| command == COMPILE_COMMAND) {
        return compile_component(arguments);
    }
    opkg_shell::completion::answer_shell(Cli::command, completion::VALUES);
    opkgc_cli::run(Cli::parse_from_env()).into()
}
