//! The program `opkgc`: command line, rendering, exit statuses; every word that a user reads.

#![warn(clippy::disallowed_methods)]

pub mod args;
mod build_plan;
mod build_report;
mod commands;
pub mod completion;
mod dists;
mod documents;
mod errors;
pub mod exit;
mod explanations;
mod filesystem;
mod forms;
mod hook_components;
mod index_makers;
mod input_package;
mod interrupt;
mod job;
mod json;
mod losses;
mod new_tree;
mod opkg_names;
mod plugin_kit;
mod plugin_registries;
mod plugin_trust;
mod plugins;
pub mod reference;
mod script_syntax;
mod settings;
mod shared_libraries;
mod signing;
mod source_date;
mod summary_table;
mod supported_dists;
mod target_check;
mod targets;
mod test_definitions;

pub use plugin_kit::interface_page as plugin_interface_page;

use clap::CommandFactory;
use opkg_shell::{Shell, completion as shell_completion, logging, man};

use crate::args::{Cli, Command};
use crate::errors::{CliError, Context};
use crate::exit::ExitStatus;

/// Runs the program. Whatever fails has been said when this returns.
#[must_use]
pub fn run(cli: Cli) -> ExitStatus {
    let shell = Shell::new(&cli.common);
    let logging = logging::init(cli.common.verbose).map_err(CliError::from);
    logging.and_then(|()| dispatch(shell, cli)).unwrap_or_else(|error| errors::report_error(shell, &error))
}

fn dispatch(shell: Shell, cli: Cli) -> Result<ExitStatus, CliError> {
    match cli.command.unwrap_or(Command::Build(Box::new(cli.build))) {
        Command::Build(arguments) => commands::build::run(shell, &arguments),
        Command::Check(arguments) => commands::check::run(shell, &arguments),
        Command::New(arguments) => commands::new::run(shell, &arguments),
        Command::Convert(arguments) => commands::convert::run(shell, &arguments),
        Command::Index(arguments) => commands::index::run(shell, &arguments),
        Command::Diff(arguments) => Ok(commands::diff::run(shell, &arguments)),
        Command::Verify(arguments) => Ok(commands::verify::run(shell, &arguments)),
        Command::Explain(arguments) => commands::explain::run(shell, &arguments),
        Command::Payload(command) => commands::payload::run(shell, &command),
        Command::Schema => {
            shell.print_document(opkg::schema())?;
            Ok(ExitStatus::Success)
        }
        Command::Hook(command) => commands::hook::run(shell, command),
        Command::Plugin(command) => commands::plugin::run(shell, &command),
        Command::Settings(arguments) => commands::settings::run(shell, &arguments),
        Command::Man { directory } => {
            man::write_man_pages(shell, Cli::command(), &directory).context("cannot write the man pages")?;
            let page = reference::man_page()
                .map_err(std::io::Error::other)
                .context("cannot make the man page of the format")?;
            man::write_page(shell, &directory, "opkg.5", page.as_bytes())
                .context("cannot write the man pages")?;
            Ok(ExitStatus::Success)
        }
        Command::Completions { shell: kind } => {
            shell_completion::print_registration("opkgc", kind)?;
            Ok(ExitStatus::Success)
        }
    }
}
