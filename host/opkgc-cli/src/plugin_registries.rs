//! Plugins in registries: how registries are spoken to, and what it takes to install from one.

use std::path::{Path, PathBuf};

use fs_err as fs;
use opkg_fetch::{Fetcher, Timeouts};
use opkg_oci::{AuthFile, Client, Digest, Reference, ReferenceError, Scheme, pull, resolve, signatures};
use opkg_runtime::{InstallRequest, InstalledPlugin, PluginLock, RuntimeOptions, SignatureState, install};
use opkg_shell::{Shell, UsageError};

use crate::args::RegistryArgs;
use crate::errors::{CliError, Context};
use crate::plugin_trust::TrustedKeys;

const USER_AGENT: &str = concat!("opkgc/", env!("CARGO_PKG_VERSION"));

/// Speaks to registries.
pub struct Registries {
    fetcher: Fetcher,
    auth: AuthFile,
    plain_http: bool,
}

impl Registries {
    /// As the command line says.
    ///
    /// # Errors
    /// When the credentials cannot be read.
    pub fn new(arguments: &RegistryArgs) -> Result<Self, CliError> {
        let auth = match &arguments.auth_file {
            Some(path) => AuthFile::read(path),
            None => AuthFile::from_env(),
        }?;
        let fetcher = Fetcher::new(USER_AGENT, Timeouts::default());
        Ok(Self { fetcher, auth, plain_http: arguments.plain_http })
    }

    /// Asks the registry of a reference.
    pub fn client(&self, reference: &Reference) -> Client<'_> {
        let scheme = match self.plain_http || reference.is_local() {
            true => Scheme::Http,
            false => Scheme::Https,
        };
        Client::new(&self.fetcher, scheme, &self.auth, reference)
    }
}

/// How something is installed.
#[derive(Debug, Clone, Copy, Default)]
pub struct InstallMode<'a> {
    /// Whether a version may follow that is older than the one that is installed.
    pub allow_downgrade: bool,
    /// Whether a version may be something else than when it was installed.
    pub allow_moved_tag: bool,
    /// The plugin that it has to be.
    pub id: Option<&'a str>,
}

/// An address in a registry.
///
/// # Errors
/// When the text is none.
pub fn parse_reference(text: &str) -> Result<Reference, CliError> {
    text.parse().map_err(|error: ReferenceError| {
        let help =
            "write oci://REGISTRY/NAME:VERSION, such as oci://registry.example.org/plugins/mylinux:1.2.0";
        UsageError::new(error.to_string(), help).into()
    })
}

/// Brings a plugin from a registry and installs it.
///
/// # Errors
/// When it cannot be had, its version has become something else, or it cannot be installed.
pub fn install_from_registry(
    shell: Shell,
    registries: &Registries,
    keys: &TrustedKeys,
    reference: &Reference,
    options: &RuntimeOptions,
    mode: InstallMode<'_>,
) -> Result<InstalledPlugin, CliError> {
    let client = registries.client(reference);
    let reference = resolve(&client, reference)?;
    let source = reference.to_string();
    shell.debug(&format!("asking {} for {}", reference.registry, reference.repository));
    let lock = read_lock(options)?;
    let pulled = pull(&client, &reference, options.limits.component_bytes, |digest| {
        match mode.allow_moved_tag || reference.tag().is_none() {
            true => Ok(()),
            false => check_pin(&lock, &source, digest),
        }
    })?;
    let signature = match keys.is_wanted(&source) {
        true => keys.check(&signatures(&client, &pulled.digest)?, &pulled.digest),
        false => SignatureState::Ignored,
    };
    let scratch = opkg_scratch::ScratchDir::new("opkgc-plugin-", None)
        .context("there is no room for what the registry sends")?;
    let file = scratch.path().join("plugin.wasm");
    fs::write(&file, &pulled.component)?;
    let request = InstallRequest {
        file,
        source,
        digest: Some(pulled.digest.to_string()),
        sha256: Some(Digest::of(&pulled.component).hex().to_owned()),
        id: mode.id.map(str::to_owned),
        signature,
        allow_downgrade: mode.allow_downgrade,
    };
    Ok(install(&request, options)?)
}

/// What is noted of installed plugins.
///
/// # Errors
/// When that cannot be read.
pub fn read_lock(options: &RuntimeOptions) -> Result<PluginLock, CliError> {
    match &options.user_directory {
        Some(directory) => Ok(PluginLock::read(directory)?),
        None => Ok(PluginLock::default()),
    }
}

/// Whether a version is what it was when a plugin was installed from there.
fn check_pin(lock: &PluginLock, source: &str, digest: &Digest) -> Result<(), CliError> {
    let digest = digest.to_string();
    let is_moved = |locked: &Option<String>| locked.as_ref().is_some_and(|it| *it != digest);
    let moved = lock.plugins().find(|(_, locked)| locked.source == source && is_moved(&locked.digest));
    match moved {
        Some((id, locked)) => Err(CliError::moved_tag(source, id, locked.digest.as_deref(), &digest)),
        None => Ok(()),
    }
}

/// The components in a directory, sorted.
///
/// # Errors
/// When there are none, or the directory cannot be read.
pub fn components_in(directory: &Path) -> Result<Vec<PathBuf>, CliError> {
    let paths = fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths.collect::<Result<Vec<_>, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "wasm"));
    paths.sort();
    if paths.is_empty() {
        let message = format!("there is no component (.wasm) in {}", directory.display());
        let help =
            "name a directory with components, not one with sources: `opkgc plugin build` makes one of those";
        return Err(UsageError::new(message, help).into());
    }
    Ok(paths)
}
