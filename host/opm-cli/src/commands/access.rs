//! `opm access`: what people may do.

use opkg_database::access::{AccessControl, Rights};
use opkg_shell::UsageError;
use serde::Serialize;

use crate::args::AccessCommand;
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::session::Session;

/// One of the people, as `--format json` prints it.
#[derive(Serialize)]
struct PersonJson<'a> {
    person: &'a str,
    rights: &'static str,
}

/// Runs the command.
///
/// # Errors
/// When the database is in a file, or its server refuses.
pub fn run(session: &Session, command: &AccessCommand) -> Result<ExitStatus, CliError> {
    let location = session.database()?;
    let Some(address) = location.server().cloned() else {
        return Err(UsageError::new(
            format!("the database {location} is a file, for whoever may read and write it"),
            "`opm copy` moves a cluster to a server of PostgreSQL, where there are roles",
        )
        .into());
    };
    let mut access = AccessControl::open(address)?;
    match command {
        AccessCommand::List => return list(session, &access.people()?),
        AccessCommand::Grant { person, rights } => {
            let rights = Rights::from(*rights);
            access.set_up()?;
            access.grant(person, Some(rights))?;
            session.record_command()?;
            session.shell.status(&format!("{person} has the rights of {} now", rights.with_article()));
        }
        AccessCommand::Revoke { person } => {
            access.grant(person, None)?;
            session.record_command()?;
            session.shell.status(&format!("{person} has no rights any longer"));
        }
    }
    Ok(ExitStatus::Success)
}

fn list(session: &Session, people: &[(String, Rights)]) -> Result<ExitStatus, CliError> {
    if session.shell.is_json() {
        let people = people.iter().map(|(person, rights)| PersonJson { person, rights: rights.name() });
        session.shell.print_json(&people.collect::<Vec<_>>())?;
        return Ok(ExitStatus::Success);
    }
    for (person, rights) in people {
        session.shell.print(&format!("{}  {}\n", opkg::escape_line(person), rights.name()))?;
    }
    if people.is_empty() {
        session.shell.status("nobody but the owner of the database has rights");
    }
    Ok(ExitStatus::Success)
}
