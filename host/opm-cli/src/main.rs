//! The OSCAR package manager.

use std::process::ExitCode;

use clap::CommandFactory;
use opm_cli::args::Cli;
use opm_cli::completion;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    // An engine starts this program anew in front of every other; what follows is no command line for people.
    if arguments.next().is_some_and(|it| it == "launch") {
        return opkg_opm::launch(&["launch"], arguments);
    }
    opkg_shell::completion::answer_shell(Cli::command, completion::VALUES);
    opm_cli::run(Cli::parse_from_env()).into()
}
