//! The programs `opkgc` and, in [`opm`], `opm`: command line, rendering, exit statuses; every word that a user reads.

pub mod args;
mod commands;
mod components;
mod dists;
pub mod exit;
mod failure;
mod forms;
mod interrupt;
mod job;
mod json;
pub mod opm;
mod plugins;
mod progress;
mod render;
mod report;
mod schedule;
mod shell;
mod signing;
mod summary;

use anyhow::Result;
use clap::CommandFactory;

use crate::args::{Cli, Command};
use crate::exit::Exit;
use crate::shell::Shell;

/// Runs the program. Whatever fails has been said when this returns.
#[must_use]
pub fn run(cli: Cli) -> Exit {
    let shell = Shell::new(&cli.common);
    dispatch(shell, cli).unwrap_or_else(|error| failure::report(shell, &error))
}

fn dispatch(shell: Shell, cli: Cli) -> Result<Exit> {
    match cli.command.unwrap_or(Command::Build(cli.build)) {
        Command::Build(arguments) => commands::build::run(shell, arguments),
        Command::Check(arguments) => commands::check::run(shell, &arguments),
        Command::New(arguments) => commands::new::run(shell, &arguments),
        Command::Convert(arguments) => commands::convert::run(shell, &arguments),
        Command::Diff(arguments) => Ok(commands::diff::run(shell, &arguments)),
        Command::Schema => commands::manual::schema(shell),
        Command::Hook(command) => commands::hook::run(shell, command),
        Command::Plugin(command) => commands::plugin::run(shell, &command),
        Command::Man { directory } => {
            commands::manual::man(shell, Cli::command(), &directory).map(|()| Exit::Done)
        }
        Command::Completions { shell: kind } => {
            commands::manual::completions(&mut Cli::command(), kind).map(|()| Exit::Done)
        }
    }
}
