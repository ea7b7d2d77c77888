//! The user's own plugins: put where they are found, with a record of their checksum.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::NamedTempFile;

use crate::error::{LoadError, LoadErrorKind};
use crate::install_record::{InstallRecord, record_path};
use crate::options::RuntimeOptions;
use crate::plugin_description::PluginDescription;
use crate::registry::Registry;
use opkg::digest::sha256;
use opkg_interface::is_plugin_id;

/// A plugin that was installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstalledPlugin {
    /// In the directory of installed plugins.
    pub path: PathBuf,
    /// As the plugin itself gave it.
    pub description: PluginDescription,
    /// Ids that it answers to from now on in place of a plugin that is built in.
    pub replaces: Vec<String>,
    /// Programs that it may want to have run, and nobody has granted yet.
    pub programs_to_grant: Vec<String>,
}

/// Puts a plugin among the user's own, in place of one with the same id. It is tried first: what does not
/// work is not installed.
///
/// # Errors
/// When it is no working plugin, or cannot be written.
pub fn install(file: &Path, options: &RuntimeOptions) -> Result<InstalledPlugin, LoadError> {
    let name = file.display().to_string();
    let fail = |problem| LoadError { plugin: name.clone(), kind: problem };
    let directory = options.user_directory.as_ref().ok_or_else(|| fail(LoadErrorKind::NoDataDir))?;
    let bytes = crate::component_file::read_limited(file, options.limits.component_bytes).map_err(fail)?;
    let alone = RuntimeOptions {
        plugin_files: vec![file.to_owned()],
        limits: options.limits.clone(),
        log: options.log.clone(),
        compiler: options.compiler.clone(),
        // What is compiled for the trial serves the first use as well.
        system_cache: options.system_cache.clone(),
        cache: options.cache.clone(),
        system_grants: options.system_grants.clone(),
        user_grants: options.user_grants.clone(),
        // For what it replaces.
        embedded: true,
        ..RuntimeOptions::default()
    };
    let registry = Registry::discover(alone);
    let entry = registry.entries().first().ok_or_else(|| fail(LoadErrorKind::NotFound))?;
    let hash = sha256(&bytes);
    if entry.sha256() != Some(&hash) {
        return Err(fail(LoadErrorKind::ChangedWhileReading));
    }
    let replaces = registry.replaced_ids(entry);
    let programs_to_grant = match entry.distribution() {
        Some(_) => registry.plugin(entry)?.programs_to_grant().unwrap_or_default(),
        None => Vec::new(),
    };
    let mut entries = registry.into_entries();
    let description = entries.swap_remove(0).into_load_result()?;
    if let PluginDescription::HookRunner(runner) = &description
        && runner.takes.is_empty()
    {
        return Err(fail(LoadErrorKind::TakesNothing));
    }
    let path = directory.join(format!("{}.wasm", description.id()));
    let record = serde_json::to_vec(&InstallRecord { sha256: hash }).map_err(io::Error::from);
    fs::create_dir_all(directory)
        .and_then(|()| write_atomically(directory, &path, &bytes))
        .and_then(|()| write_atomically(directory, &record_path(&path), &record?))
        .map_err(|error| fail(LoadErrorKind::Unwritable { path: path.clone(), error }))?;
    Ok(InstalledPlugin { path, description, replaces, programs_to_grant })
}

/// Removes a plugin from the user's own, and says where it was.
///
/// # Errors
/// When there is none of that id, or it cannot be removed.
pub fn remove(id: &str, options: &RuntimeOptions) -> Result<PathBuf, LoadError> {
    let fail = |problem| LoadError { plugin: id.to_owned(), kind: problem };
    let directory = options.user_directory.as_ref().ok_or_else(|| fail(LoadErrorKind::NoDataDir))?;
    if !is_plugin_id(id) {
        return Err(fail(LoadErrorKind::NotFound));
    }
    let path = directory.join(format!("{id}.wasm"));
    match fs::remove_file(&path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(fail(LoadErrorKind::NotFound)),
        Err(error) => return Err(fail(LoadErrorKind::Unwritable { path, error })),
    }
    match fs::remove_file(record_path(&path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(fail(LoadErrorKind::Unwritable { path, error }))
        }
        _ => Ok(path),
    }
}

fn write_atomically(directory: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    fs::File::open(directory)?.sync_all()
}
