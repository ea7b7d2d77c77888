//! `opm init`: the database, and this machine as the first target in it.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use fs_err as fs;
use opkg_oda::{Address, Cluster, Kind, Sqlite, Store};
use opkg_opm::conf;
use opkg_opm::targets::{self, Wish};

use crate::failure::UsageError;
use crate::opm::args::{DATABASE, Init};
use crate::opm::clock::seconds;
use crate::opm::exit::Exit;
use crate::opm::session::Session;

/// Runs the command.
///
/// # Errors
/// When nobody says what this machine is, or the database cannot be made.
pub fn run(session: &Session, arguments: &Init) -> Result<Exit> {
    let said = session.address()?;
    let named = arguments.name.clone().map(|name| Address { kind: Kind::Server, name });
    let address = match (&said, &named) {
        (Some(said), Some(named)) if said != named => {
            let conf = session.conf().display();
            return Err(UsageError::new(
                format!("--name makes this machine {named}, and {conf} says that it is {said}"),
                format!("leave out --name, correct {conf}, or name another with --conf FILE"),
            )
            .into());
        }
        (Some(address), _) | (None, Some(address)) => address.clone(),
        (None, None) => return Err(session.unknown().into()),
    };
    let root = arguments.root.as_deref().map(absolute).transpose()?;
    let wish = Wish { address: address.clone(), root, image: None };
    let first = targets::add(&Cluster::default(), &[wish], seconds())?;
    let database = session.database();
    let is_usual = database == Path::new(DATABASE);
    if let (Some(directory), true) = (database.parent(), is_usual) {
        fs::create_dir_all(directory)?;
    }
    // A database of one's own is for trying things out; the machine remains what it is.
    if said.is_none() && (is_usual || session.is_conf_named()) {
        remember(session.conf(), &address)?;
        session.shell.status(&format!("made {}", session.conf().display()));
    }
    Sqlite::create(database)?.commit(&first)?;
    session.shell.status(&format!("made {}: this machine is {address}", database.display()));
    let hint = match address.kind {
        Kind::Server => {
            "help: `opm target add KIND:NAME` adds images and clients, `opm request PACKAGE` asks for packages"
        }
        _ => "help: `opm request PACKAGE` asks for packages",
    };
    session.shell.status(hint);
    Ok(Exit::Done)
}

/// Writes which target this machine is, all or nothing.
fn remember(path: &Path, address: &Address) -> Result<()> {
    let directory = path.parent().filter(|it| *it != Path::new("")).unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let draft = directory.join(format!(".opm.conf-{}", std::process::id()));
        let mut file = std::fs::File::create_new(&draft)?;
        file.write_all(conf::write(address).as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&draft, path)?;
        std::fs::File::open(directory)?.sync_all()
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// A path that begins at the root, without being looked up.
///
/// # Errors
/// When the working directory is gone.
pub fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("cannot find {}", path.display()))
}
