//! The program `opm`: command line, what administrators read, exit statuses.

#![warn(clippy::disallowed_methods)]

pub mod args;
mod backend;
mod commands;
pub mod completion;
mod conf_file;
mod credentials;
mod errors;
mod exit;
mod identity;
mod junit;
mod progress_reporter;
mod session;
mod styles;
mod test_reporter;
pub mod value_parsers;
mod view;

use clap::CommandFactory;
use opkg_shell::{completion as shell_completion, logging, man};

use crate::args::{Cli, Command};
use crate::errors::{CliError, Context};

pub use crate::exit::ExitStatus;
use crate::session::Session;

/// Runs the program. Whatever fails has been said when this returns.
#[must_use]
pub fn run(cli: Cli) -> ExitStatus {
    let session = Session::new(&cli);
    let logging = logging::init(cli.common.verbose).map_err(CliError::from);
    logging
        .and_then(|()| dispatch(&session, cli))
        .unwrap_or_else(|error| errors::report_error(session.shell, &error))
}

fn dispatch(session: &Session, cli: Cli) -> Result<ExitStatus, CliError> {
    match cli.command.unwrap_or(Command::Run(args::RunArgs::default())) {
        Command::Run(it) => commands::run::run(session, &it),
        Command::Watch(it) => commands::watch::run(session, &it),
        Command::Status(it) => commands::status::run(session, &it),
        Command::Request(it) => commands::requests::request(session, &it),
        Command::Remove(it) => commands::requests::remove(session, &it),
        Command::Clear(it) => commands::requests::clear(session, &it),
        Command::Phase { command } => {
            commands::phase::run(session, command.as_ref(), || backend::create_test_backend(session))
        }
        Command::Test(it) => commands::test::run(session, &it, || backend::create_test_backend(session)),
        Command::Configure(it) => commands::configure::run(session, &it),
        Command::Reconfigure(it) => commands::requests::reconfigure(session, &it.packages),
        Command::Upgrade(it) => commands::requests::upgrade(session, &it),
        Command::Rollout(it) => commands::rollout::run(session, &it),
        Command::Hold(it) => commands::requests::hold(session, &it.packages, true),
        Command::Unhold(it) => commands::requests::hold(session, &it.packages, false),
        Command::Purge(it) => commands::purge::run(session, &it),
        Command::Rerun(it) => commands::requests::rerun(session, &it),
        Command::Assign(it) => commands::requests::assign(session, &it),
        Command::Target(it) => commands::target::run(session, &it),
        Command::Package(it) => commands::package::run(session, &it),
        Command::ImportSet(it) => commands::import_set::run(session, &it),
        Command::Audit(it) => commands::audit::run(session, &it, || backend::create_effects(session)),
        Command::History(it) => commands::history::run(session, &it),
        Command::Log(it) if it.follow => commands::follow::run(session, it.event),
        Command::Log(it) => commands::log::run(session, &it),
        Command::Web(it) => commands::web::run(session, &it),
        Command::Init(it) => commands::init::run(session, &it),
        Command::Export(it) => commands::import_export::run_export(session, &it),
        Command::Import(it) => commands::import_export::run_import(session, &it),
        Command::Copy(it) => commands::copies::run_copy(session, &it),
        Command::Migrate => commands::copies::run_migrate(session),
        Command::Backup(it) => commands::copies::run_backup(session, &it),
        Command::Restore(it) => commands::copies::run_restore(session, &it),
        Command::Enroll(it) => commands::enroll::run(session, &it),
        Command::Simulate(it) => commands::simulate::run(session, &it),
        Command::Access(it) => commands::access::run(session, &it),
        Command::Plugin { command: args::PluginCommand::List } => commands::plugin::list(session),
        Command::Plugin { command: args::PluginCommand::Warm } => commands::plugin::warm(session.shell),
        Command::Man { directory } => {
            man::write_man_pages(session.shell, Cli::command(), &directory)
                .context("cannot write the man pages")?;
            Ok(ExitStatus::Success)
        }
        Command::Completions { shell } => {
            shell_completion::print_registration("opm", shell)?;
            Ok(ExitStatus::Success)
        }
    }
}
