//! `opm init`: the database, and this machine as the first target in it.

use std::io::Write;
use std::path::Path;

use fs_err as fs;
use opkg_engine::clock::now_seconds;
use opkg_engine::local_target;
use opkg_engine::targets::{self, TargetSpec};
use opkg_oda::{Cluster, Store, TargetAddress, TargetKind};
use opkg_shell::UsageError;
use opkg_sqlite::SqliteStore;

use crate::args::{DEFAULT_DATABASE, InitArgs};
use crate::errors::{CliError, Context};
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
    let database = session.database_path();
    let is_usual = database == Path::new(DEFAULT_DATABASE);
    if let (Some(directory), true) = (database.parent(), is_usual) {
        fs::create_dir_all(directory)?;
    }
    // A database of one's own is for trying things out; the machine remains what it is.
    if said.is_none() && (is_usual || session.is_conf_explicit()) {
        write_conf(session.conf_path(), &address)?;
        session.shell.status(&format!("made {}", session.conf_path().display()));
    }
    SqliteStore::create(database)?.commit(&first)?;
    session.shell.status(&format!("made {}: this machine is {address}", database.display()));
    let hint = match address.kind {
        TargetKind::Server => {
            "help: `opm target add KIND:NAME` adds images and clients, `opm request PACKAGE` asks for packages"
        }
        _ => "help: `opm request PACKAGE` asks for packages",
    };
    session.shell.status(hint);
    Ok(ExitStatus::Success)
}

/// Writes which target this machine is, all or nothing.
fn write_conf(path: &Path, address: &TargetAddress) -> Result<(), CliError> {
    let directory = path.parent().filter(|it| *it != Path::new("")).unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let draft = directory.join(format!(".opm.conf-{}", std::process::id()));
        let mut file = fs_err::File::create_new(&draft)?;
        file.write_all(local_target::render(address).as_bytes())?;
        file.sync_all()?;
        fs_err::rename(&draft, path)?;
        fs_err::File::open(directory)?.sync_all()
    };
    write().context(format_args!("cannot write {}", path.display()))
}
