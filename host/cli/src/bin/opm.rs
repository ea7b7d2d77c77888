//! The OSCAR package manager.

use std::process::ExitCode;

use opkg_cli::opm::args::Cli;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    // An engine starts this program anew inside the root of a target; what follows is no command line for people.
    if arguments.next().is_some_and(|it| it == "enter-root") {
        return opkg_opm::system::enter(arguments);
    }
    opkg_cli::opm::run(Cli::read()).into()
}
