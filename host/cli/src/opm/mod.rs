//! The program `opm`: command line, what administrators read, exit statuses.

pub mod args;
mod commands;
mod examining;
mod exit;
mod failure;
mod junit;
mod paint;
pub mod references;
mod session;
mod teller;
mod view;
mod world;

use anyhow::Result;
use clap::CommandFactory;
use opkg_opm::clock;

use crate::commands::manual;
use crate::opm::args::{Cli, Command};
pub use crate::opm::exit::Exit;
use crate::opm::session::Session;

/// Runs the program. Whatever fails has been said when this returns.
#[must_use]
pub fn run(cli: Cli) -> Exit {
    let session = Session::new(&cli);
    dispatch(&session, cli).unwrap_or_else(|error| failure::report(session.shell, &error))
}

fn dispatch(session: &Session, cli: Cli) -> Result<Exit> {
    match cli.command.unwrap_or(Command::Run(args::Run::default())) {
        Command::Run(it) => commands::run::run(session, &it, || world::system(session)),
        Command::Status(it) => commands::status::run(session, &it),
        Command::Request(it) => commands::ask::request(session, &it),
        Command::Remove(it) => commands::ask::remove(session, &it),
        Command::Clear(it) => commands::ask::clear(session, &it),
        Command::Phase { command } => {
            commands::phase::run(session, command.as_ref(), || world::bench(session))
        }
        Command::Test(it) => commands::test::run(session, &it, || world::bench(session)),
        Command::Configure(it) => commands::configure::run(session, &it),
        Command::Reconfigure(it) => commands::ask::reconfigure(session, &it.packages),
        Command::Upgrade(it) => commands::ask::upgrade(session, &it.packages),
        Command::Rerun(it) => commands::ask::rerun(session, &it),
        Command::Assign(it) => commands::ask::assign(session, &it),
        Command::Target(it) => commands::target::run(session, &it),
        Command::Package(it) => commands::package::run(session, &it),
        Command::ImportSet(it) => commands::import_set::run(session, &it),
        Command::Audit(it) => commands::audit::run(session, &it, || world::system(session)),
        Command::History(it) => commands::history::run(session, &it),
        Command::Log(it) => commands::log::run(session, &it),
        Command::Web(it) => commands::web::run(session, &it),
        Command::Init(it) => commands::init::run(session, &it),
        Command::Export => commands::transfer::write(session),
        Command::Import(it) => commands::transfer::read(session, &it),
        Command::Plugin { command: args::Plugin::List } => commands::plugin::list(session),
        Command::Man { directory } => {
            manual::man(session.shell, Cli::command(), &directory)?;
            Ok(Exit::Done)
        }
        Command::Completions { shell } => {
            manual::completions(&mut Cli::command(), shell)?;
            Ok(Exit::Done)
        }
    }
}
