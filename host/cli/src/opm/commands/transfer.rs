//! `opm export` and `opm import`: what is wanted of a cluster, as a text; and what an old ODA knew.

use std::path::Path;

use anyhow::Result;
use fs_err as fs;
use opkg_oda::{Change, Cluster, Store, export};

use crate::failure::UsageError;
use crate::opm::args::Import;
use crate::opm::clock::seconds;
use crate::opm::exit::Exit;
use crate::opm::session::{Session, change};

/// `opm export`.
///
/// # Errors
/// When the database fails, or standard output cannot be written to.
pub fn write(session: &Session) -> Result<Exit> {
    let mut store = session.open()?;
    let cluster = store.load()?;
    let values = export::values(&mut store, &cluster)?;
    session.shell.data(&export::export(&cluster, &values))?;
    Ok(Exit::Done)
}

/// `opm import`.
///
/// # Errors
/// When the file is not what it should be, or the database fails.
pub fn read(session: &Session, arguments: &Import) -> Result<Exit> {
    match (&arguments.file, &arguments.oda) {
        (Some(file), _) => document(session, file),
        (None, Some(dump)) => old(session, dump),
        (None, None) => Ok(Exit::Done),
    }
}

fn document(session: &Session, file: &Path) -> Result<Exit> {
    let text = fs::read_to_string(file)?;
    let mut store = session.open()?;
    let count = change(&mut store, |cluster| {
        let changes = opkg_oda::import(&text, cluster, seconds()).map_err(|wrong| {
            let help = "correct it and import it again; nothing of it was taken over";
            UsageError::new(format!("{}, {wrong}", file.display()), help)
        })?;
        let count = changes.len();
        Ok((changes, count))
    })?;
    taken(session, file, count);
    Ok(Exit::Done)
}

fn old(session: &Session, dump: &Path) -> Result<Exit> {
    let bytes = fs::read(dump)?;
    let mut store = session.open()?;
    let (count, findings) = change(&mut store, |cluster: &Cluster| -> Result<(Vec<Change>, _)> {
        let imported = opkg_oda::import_old(&bytes, cluster, seconds());
        let count = imported.changes.len();
        Ok((imported.changes, (count, imported.findings)))
    })?;
    for finding in &findings {
        session.shell.message(&format!("warning: {}, {finding}; this was left out", dump.display()));
    }
    taken(session, dump, count);
    if count > 0 {
        session.shell.status(
            "help: `opm phase set NAME` says how far the cluster has come; `opm status` shows it all",
        );
    }
    Ok(Exit::Done)
}

fn taken(session: &Session, file: &Path, count: usize) {
    session.shell.status(&match count {
        0 => format!("nothing in {} is new", file.display()),
        1 => format!("taken over from {}: 1 change", file.display()),
        _ => format!("taken over from {}: {count} changes", file.display()),
    });
}
