//! The user's own plugins: put where they are found, with a record of their checksum.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::NamedTempFile;

use crate::description::is_id;
use crate::digest::sha256;
use crate::error::{LoadError, Problem};
use crate::identity::Identity;
use crate::options::Options;
use crate::record::{Record, record_of};
use crate::registry::Registry;

/// A plugin that was installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Installed {
    /// Where it is now.
    pub path: PathBuf,
    /// What it is.
    pub description: Identity,
}

/// Puts a plugin among the user's own, in place of one with the same id. It is tried first: what does not
/// work is not installed.
///
/// # Errors
/// When it is no working plugin, or cannot be written.
pub fn install(file: &Path, options: &Options) -> Result<Installed, LoadError> {
    let name = file.display().to_string();
    let fail = |problem| LoadError { plugin: name.clone(), problem };
    let directory = options.user_directory.as_ref().ok_or_else(|| fail(Problem::Homeless))?;
    let bytes = crate::entry::read(file, options.limits.component).map_err(fail)?;
    let alone = Options {
        plugin_files: vec![file.to_owned()],
        limits: options.limits.clone(),
        log: options.log.clone(),
        ..Options::default()
    };
    let mut entries = Registry::discover(alone).into_entries();
    let entry = entries.pop().ok_or_else(|| fail(Problem::Missing))?;
    let hash = sha256(&bytes);
    if entry.sha256() != Some(&hash) {
        return Err(fail(Problem::Moving));
    }
    let description = entry.into_state()?;
    let path = directory.join(format!("{}.wasm", description.id()));
    let record = serde_json::to_vec(&Record { sha256: hash }).map_err(io::Error::from);
    fs::create_dir_all(directory)
        .and_then(|()| write(directory, &path, &bytes))
        .and_then(|()| write(directory, &record_of(&path), &record?))
        .map_err(|source| fail(Problem::Unwritable { path: path.clone(), source }))?;
    Ok(Installed { path, description })
}

/// Removes a plugin from the user's own, and says where it was.
///
/// # Errors
/// When there is none of that id, or it cannot be removed.
pub fn remove(id: &str, options: &Options) -> Result<PathBuf, LoadError> {
    let fail = |problem| LoadError { plugin: id.to_owned(), problem };
    let directory = options.user_directory.as_ref().ok_or_else(|| fail(Problem::Homeless))?;
    if !is_id(id) {
        return Err(fail(Problem::Missing));
    }
    let path = directory.join(format!("{id}.wasm"));
    match fs::remove_file(&path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(fail(Problem::Missing)),
        Err(source) => return Err(fail(Problem::Unwritable { path, source })),
    }
    match fs::remove_file(record_of(&path)) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(fail(Problem::Unwritable { path, source }))
        }
        _ => Ok(path),
    }
}

fn write(directory: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
