//! The user's own plugins: put where they are found, with a record of their checksum, of where they come from and of who
//! vouched for them.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use semver::Version;
use serde::Serialize;
use tempfile::NamedTempFile;

use crate::error::{LoadError, LoadErrorKind};
use crate::install_record::{InstallRecord, record_path};
use crate::options::RuntimeOptions;
use crate::plugin_description::PluginDescription;
use crate::plugin_lock::{LockedPlugin, PluginLock, SignatureState, hold};
use crate::plugin_policy::{PluginPolicy, SignaturePolicy};
use crate::registry::Registry;
use opkg::digest::sha256;
use opkg_interface::is_plugin_id;

/// What shall be installed.
#[derive(Debug, Clone)]
pub struct InstallRequest {
    /// The component.
    pub file: PathBuf,
    /// Where it comes from: `oci://…`, or a path.
    pub source: String,
    /// By which a registry has it.
    pub digest: Option<String>,
    /// Of what was checked, in hexadecimal; nothing takes whatever is there.
    pub sha256: Option<String>,
    /// The plugin that it has to be, by its id; nothing takes whatever it is.
    pub id: Option<String>,
    /// Who vouches for it.
    pub signature: SignatureState,
    /// Whether a version may follow that is older than the one that is installed.
    pub allow_downgrade: bool,
}

impl InstallRequest {
    /// A file for which nobody vouches.
    #[must_use]
    pub fn of_file(file: &Path) -> Self {
        let path = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        Self {
            file: file.to_owned(),
            source: path.display().to_string(),
            digest: None,
            sha256: None,
            id: None,
            signature: SignatureState::Unsigned,
            allow_downgrade: false,
        }
    }

    /// How messages name it: as whoever asked for it does.
    fn name(&self) -> String {
        match &self.digest {
            Some(_) => self.source.clone(),
            None => self.file.display().to_string(),
        }
    }
}

/// A plugin that was installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstalledPlugin {
    /// In the directory of installed plugins.
    pub path: PathBuf,
    /// As the plugin itself gave it.
    pub description: PluginDescription,
    /// Where it comes from.
    pub source: String,
    /// By which a registry has it.
    pub digest: Option<String>,
    /// Who vouches for it.
    pub signature: SignatureState,
    /// The version that was there before.
    pub replaced_version: Option<String>,
    /// Ids that it answers to from now on in place of a plugin that is built in.
    pub replaces: Vec<String>,
    /// Programs that it may want to have run, and nobody has granted yet.
    pub programs_to_grant: Vec<String>,
}

/// Puts a plugin among the user's own, in place of one with the same id. It is tried first: what does not
/// work is not installed, nor what the policy forbids.
///
/// # Errors
/// When it is no working plugin, is not to be trusted, is older than the one that is there, or cannot be written.
pub fn install(request: &InstallRequest, options: &RuntimeOptions) -> Result<InstalledPlugin, LoadError> {
    let name = request.name();
    let fail = |problem| LoadError { plugin: name.clone(), kind: problem };
    let named = |error: LoadError| fail(error.kind);
    let directory = options.user_directory.as_ref().ok_or_else(|| fail(LoadErrorKind::NoDataDir))?;
    let file = request.file.as_path();
    let bytes = crate::component_file::read_limited(file, options.limits.component_bytes).map_err(fail)?;
    let hash = sha256(&bytes);
    if request.sha256.as_ref().is_some_and(|expected| *expected != hash) {
        return Err(fail(LoadErrorKind::ChangedWhileReading));
    }
    check_policy(request, &hash, options).map_err(fail)?;
    let registry = Registry::discover(options_to_try(file, options));
    let entry = registry.entries().first().ok_or_else(|| fail(LoadErrorKind::NotFound))?;
    if entry.sha256() != Some(&hash) {
        return Err(fail(LoadErrorKind::ChangedWhileReading));
    }
    let replaces = registry.replaced_ids(entry);
    let programs_to_grant = match entry.distribution() {
        Some(_) => registry.plugin(entry).map_err(named)?.programs_to_grant().unwrap_or_default(),
        None => Vec::new(),
    };
    let mut entries = registry.into_entries();
    let description = entries.swap_remove(0).into_load_result().map_err(named)?;
    if let PluginDescription::HookRunner(runner) = &description
        && runner.takes.is_empty()
    {
        return Err(fail(LoadErrorKind::TakesNothing));
    }
    if let Some(expected) = request.id.as_ref().filter(|it| *it != description.id()) {
        let (expected, found) = (expected.clone(), description.id().to_owned());
        return Err(fail(LoadErrorKind::OtherPlugin { expected, found }));
    }
    let path = directory.join(format!("{}.wasm", description.id()));
    let unwritable = |error| fail(LoadErrorKind::Unwritable { path: path.clone(), error });
    let _held = fs::create_dir_all(directory).and_then(|()| hold(directory)).map_err(unwritable)?;
    let mut lock = read_lock(directory).map_err(fail)?;
    let before = lock.get(description.id()).cloned();
    if let Some(before) = &before {
        check_successor(request, &description, before).map_err(fail)?;
    }
    let locked = LockedPlugin {
        version: description.version().to_owned(),
        source: request.source.clone(),
        digest: request.digest.clone(),
        sha256: hash.clone(),
        signature: request.signature.clone(),
    };
    let LockedPlugin { source, digest, signature, .. } = locked.clone();
    lock.insert(description.id(), locked);
    let record = serde_json::to_vec(&InstallRecord { sha256: hash }).map_err(io::Error::from);
    write_atomically(directory, &path, &bytes)
        .and_then(|()| write_atomically(directory, &record_path(&path), &record?))
        .and_then(|()| write_atomically(directory, &PluginLock::path(directory), lock.to_string().as_bytes()))
        .map_err(unwritable)?;
    let replaced_version = before.map(|it| it.version);
    Ok(InstalledPlugin {
        path,
        description,
        source,
        digest,
        signature,
        replaced_version,
        replaces,
        programs_to_grant,
    })
}

/// Whether the policy lets this be installed.
fn check_policy(
    request: &InstallRequest,
    sha256: &str,
    options: &RuntimeOptions,
) -> Result<(), LoadErrorKind> {
    let policy = PluginPolicy::read(options.policy_files())
        .map_err(|error| LoadErrorKind::PolicyUnusable(error.to_string()))?;
    if let Some(revocation) = policy.revocation(sha256, request.digest.as_deref(), request.signature.key()) {
        return Err(LoadErrorKind::Revoked(revocation));
    }
    let is_required = policy.signatures(&request.source) == SignaturePolicy::Required;
    match &request.signature {
        SignatureState::Verified { .. } => Ok(()),
        SignatureState::Failed { reason } => Err(LoadErrorKind::BadSignature(reason.clone())),
        SignatureState::UnknownKey if is_required => Err(LoadErrorKind::UnknownKey),
        SignatureState::Unsigned | SignatureState::Ignored if is_required => Err(LoadErrorKind::NotSigned),
        SignatureState::Unsigned | SignatureState::UnknownKey | SignatureState::Ignored => Ok(()),
    }
}

/// Whether this may follow what is installed.
fn check_successor(
    request: &InstallRequest,
    description: &PluginDescription,
    before: &LockedPlugin,
) -> Result<(), LoadErrorKind> {
    if let (Some(key), None) = (before.signature.key(), request.signature.key()) {
        return Err(LoadErrorKind::SignatureLost { key: key.to_owned() });
    }
    // What is no version of semantic versioning has no order.
    let parse = |text: &str| Version::parse(text).ok();
    let is_older = match (parse(description.version()), parse(&before.version)) {
        (Some(offered), Some(installed)) => offered < installed,
        _ => false,
    };
    if is_older && !request.allow_downgrade {
        let (id, installed) = (description.id().to_owned(), before.version.clone());
        return Err(LoadErrorKind::Downgrade { id, offered: description.version().to_owned(), installed });
    }
    Ok(())
}

/// Everything that it takes to try this plugin alone.
fn options_to_try(file: &Path, options: &RuntimeOptions) -> RuntimeOptions {
    RuntimeOptions {
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
    }
}

fn read_lock(directory: &Path) -> Result<PluginLock, LoadErrorKind> {
    PluginLock::read(directory).map_err(|error| LoadErrorKind::LockUnusable(error.to_string()))
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
    // Where there is no directory, there is no plugin.
    let _held = hold(directory).map_err(|_| fail(LoadErrorKind::NotFound))?;
    let mut lock = read_lock(directory).map_err(fail)?;
    match fs::remove_file(&path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(fail(LoadErrorKind::NotFound)),
        Err(error) => return Err(fail(LoadErrorKind::Unwritable { path, error })),
    }
    match fs::remove_file(record_path(&path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(fail(LoadErrorKind::Unwritable { path, error }));
        }
        _ => {}
    }
    if lock.remove(id) {
        let place = PluginLock::path(directory);
        let written = match lock.is_empty() {
            true => fs::remove_file(&place),
            false => write_atomically(directory, &place, lock.to_string().as_bytes()),
        };
        written.map_err(|error| fail(LoadErrorKind::Unwritable { path: place, error }))?;
    }
    Ok(path)
}

fn write_atomically(directory: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    fs::File::open(directory)?.sync_all()
}
