//! `opm init`: the database, and this machine as the first target in it.

use std::path::Path;

use fs_err as fs;
use opkg_engine::clock::now_seconds;
use opkg_engine::targets::{self, TargetSpec};
use opkg_oda::{Cluster, TargetAddress, TargetKind};
use opkg_shell::UsageError;

use crate::args::InitArgs;
use crate::conf_file::ConfDraft;
use crate::errors::CliError;
use crate::exit::ExitStatus;
use crate::session::{Session, absolute_path};

/// Runs the command.
///
/// # Errors
/// When nobody says what this machine is, or the database cannot be made.
pub fn run(session: &Session, arguments: &InitArgs) -> Result<ExitStatus, CliError> {
    let said = session.local_address()?;
    let named = arguments.name.clone().map(|name| TargetAddress { kind: TargetKind::Server, name });
    let address = match (&said, &named) {
        (Some(said), Some(named)) if said != named => {
            let conf = session.conf_path().display();
            return Err(UsageError::new(
                format!("--name makes this machine {named}, and {conf} says that it is {said}"),
                format!("leave out --name, correct {conf}, or name another with --conf FILE"),
            )
            .into());
        }
        (Some(address), _) | (None, Some(address)) => address.clone(),
        (None, None) => return Err(session.unknown_machine_error().into()),
    };
    let root = arguments.root.as_deref().map(absolute_path).transpose()?;
    let wish = TargetSpec { address: address.clone(), root, image: None };
    let first = targets::add(&Cluster::default(), &[wish], now_seconds())?;
    let database = session.database()?;
    let is_usual = session.is_database_usual();
    if let Some(directory) = database.file().filter(|_| is_usual).and_then(Path::parent) {
        fs::create_dir_all(directory)?;
    }
    // A database of one's own is for trying things out; the machine remains what it is.
    let conf = match said.is_none() && (is_usual || session.is_conf_explicit()) {
        true => Some(ConfDraft::write(session.conf_path(), &address)?),
        false => None,
    };
    // On a full disk there is both, or neither: the file is complete before the database is there under its name.
    database.create_with(&first)?;
    if let Some(draft) = conf {
        draft.place()?;
        session.shell.status(&format!("made {}", session.conf_path().display()));
    }
    session.shell.status(&format!("made {}: this machine is {address}", database));
    let hint = match address.kind {
        TargetKind::Server => {
            "help: `opm target add KIND:NAME` adds images and clients, `opm request PACKAGE` asks for packages"
        }
        _ => "help: `opm request PACKAGE` asks for packages",
    };
    session.shell.status(hint);
    Ok(ExitStatus::Success)
}
