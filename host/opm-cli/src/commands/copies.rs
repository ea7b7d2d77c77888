//! `opm copy`, `opm backup`, `opm restore` and `opm migrate`: databases as a whole.

use opkg_database::{Database, Location};
use opkg_engine::engine::RunError;
use opkg_oda::{Cluster, Error, Store, TargetId};
use opkg_shell::UsageError;

use crate::args::{BackupArgs, CopyArgs, RestoreArgs};
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::session::Session;
use crate::view::plural;

/// `opm copy`.
///
/// # Errors
/// When one of the databases cannot be used, or the second one holds something.
pub fn run_copy(session: &Session, arguments: &CopyArgs) -> Result<ExitStatus, CliError> {
    let (from, to) = (Location::parse(&arguments.from)?, Location::parse(&arguments.to)?);
    let mut source = from.open_read_only()?;
    copy(session, &mut *source, &to)?;
    session
        .shell
        .status(&format!("help: `--database {to}` or `database = \"{to}\"` in opm.toml makes opm use it"));
    Ok(ExitStatus::Success)
}

/// `opm backup`.
///
/// # Errors
/// When the database cannot be read, or the file exists or cannot be written.
pub fn run_backup(session: &Session, arguments: &BackupArgs) -> Result<ExitStatus, CliError> {
    let mut source = session.open_reader()?;
    let to = Location::File(arguments.file.clone());
    if arguments.file.symlink_metadata().is_ok() {
        return Err(Error::AlreadyExists(to.to_string()).into());
    }
    copy(session, &mut *source, &to)?;
    Ok(ExitStatus::Success)
}

/// `opm restore`.
///
/// # Errors
/// When the file is no database, a run is at work, or the database holds something that is not to be replaced.
pub fn run_restore(session: &Session, arguments: &RestoreArgs) -> Result<ExitStatus, CliError> {
    let mut source = Location::File(arguments.file.clone()).open_read_only()?;
    let location = session.database()?;
    let mut database = open_or_create(&location)?;
    let known = database.load()?;
    if !known.targets.is_empty() && !arguments.replace {
        let targets = plural(known.targets.len(), "target");
        return Err(UsageError::new(
            format!("{location} holds {targets}; all of it, and its journal, would be lost"),
            "`opm backup FILE` keeps it; `opm restore --replace` puts the other one in its place",
        )
        .into());
    }
    replace(&mut database, &known, &mut *source)?;
    report(session, &mut database, &location)?;
    Ok(ExitStatus::Success)
}

/// `opm migrate`.
///
/// # Errors
/// When there is no database, or it may not be changed.
pub fn run_migrate(session: &Session) -> Result<ExitStatus, CliError> {
    let location = session.database()?;
    let told = match location.migrate()? {
        true => "has the tables of this version now",
        false => "has the tables of this version already",
    };
    session.shell.status(&format!("{location} {told}"));
    Ok(ExitStatus::Success)
}

/// Copies everything into a database that is empty.
fn copy(session: &Session, source: &mut dyn Store, to: &Location) -> Result<(), CliError> {
    let mut database = open_or_create(to)?;
    let known = database.load()?;
    if known.last_target_id > 0 {
        return Err(Error::AlreadyExists(to.to_string()).into());
    }
    replace(&mut database, &known, source)?;
    report(session, &mut database, to)
}

/// While no engine works on what was there.
fn replace(database: &mut Database, known: &Cluster, source: &mut dyn Store) -> Result<(), CliError> {
    let targets: Vec<TargetId> = known.targets.keys().copied().collect();
    let _lock = database.lock(&targets)?.map_err(|holder| RunError::locked(known, holder))?;
    Ok(database.replace_with(source)?)
}

fn open_or_create(location: &Location) -> Result<Database, CliError> {
    Ok(match location.open() {
        // A server has the database already, with nothing of ours in it.
        Err(Error::NotFound(_)) if location.file().is_some() => location.create_with(&[])?,
        Err(Error::NotADatabase(_)) if location.file().is_none() => location.create_with(&[])?,
        opened => opened?,
    })
}

fn report(session: &Session, database: &mut Database, location: &Location) -> Result<(), CliError> {
    let cluster = database.load_overview()?;
    let (targets, packages) =
        (plural(cluster.targets.len(), "target"), plural(cluster.packages.len(), "package"));
    session.shell.status(&format!("{location} holds {targets} and {packages} now"));
    Ok(())
}
