//! `opm export` and `opm import`: what is wanted of a cluster, as a text; and what an old ODA knew.

use std::path::Path;

use fs_err as fs;
use opkg_engine::clock::now_seconds;
use opkg_engine::operations::transact;
use opkg_oda::{Store, export};
use opkg_shell::UsageError;

use crate::args::ImportArgs;
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::session::Session;

/// `opm export`.
///
/// # Errors
/// When the database fails, or standard output cannot be written to.
pub fn run_export(session: &Session) -> Result<ExitStatus, CliError> {
    let mut store = session.open_store()?;
    let cluster = store.load()?;
    let values = export::load_values(&mut store, &cluster)?;
    session.shell.print(&export::export(&cluster, &values))?;
    Ok(ExitStatus::Success)
}

/// `opm import`.
///
/// # Errors
/// When the file is not what it should be, or the database fails.
pub fn run_import(session: &Session, arguments: &ImportArgs) -> Result<ExitStatus, CliError> {
    match (&arguments.file, &arguments.oda) {
        (Some(file), _) => import_document(session, file),
        (None, Some(dump)) => import_mysql_dump(session, dump),
        (None, None) => Ok(ExitStatus::Success),
    }
}

fn import_document(session: &Session, file: &Path) -> Result<ExitStatus, CliError> {
    let text = fs::read_to_string(file)?;
    let mut store = session.open_store()?;
    let count = transact::<_, CliError>(&mut store, |cluster| {
        let changes = opkg_oda::import(&text, cluster, now_seconds()).map_err(|wrong| {
            let help = "correct it and import it again; nothing of it was taken over";
            UsageError::new(format!("{}, {wrong}", file.display()), help)
        })?;
        let count = changes.len();
        Ok((changes, count))
    })?;
    report_imported(session, file, count);
    Ok(ExitStatus::Success)
}

fn import_mysql_dump(session: &Session, dump: &Path) -> Result<ExitStatus, CliError> {
    let bytes = fs::read(dump)?;
    let mut store = session.open_store()?;
    let (count, findings) = transact::<_, CliError>(&mut store, |cluster| {
        let imported = opkg_oda::import_mysql(&bytes, cluster, now_seconds());
        let count = imported.changes.len();
        Ok((imported.changes, (count, imported.warnings)))
    })?;
    for finding in &findings {
        session.shell.eprint(&format!("warning: {}, {finding}; this was left out", dump.display()));
    }
    report_imported(session, dump, count);
    if count > 0 {
        session.shell.status(
            "help: `opm phase set NAME` says how far the cluster has come; `opm status` shows it all",
        );
    }
    Ok(ExitStatus::Success)
}

fn report_imported(session: &Session, file: &Path, count: usize) {
    session.shell.status(&match count {
        0 => format!("nothing in {} is new", file.display()),
        1 => format!("taken over from {}: 1 change", file.display()),
        _ => format!("taken over from {}: {count} changes", file.display()),
    });
}
