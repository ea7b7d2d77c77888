//! A plugin that was found: where, what it is, and what becomes of it when it is called.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::admission::Admission;
use crate::bindings::{v0_1, v1};
use crate::component_file::read_limited;
use crate::component_interface::ComponentInterface;
use crate::distribution_calls::DistributionCalls;
use crate::embedded::Embedded;
use crate::error::{LoadError, LoadErrorKind};
use crate::hook::{Runner, RunnerCalls, RunnerDescription};
use crate::host::HostState;
use crate::install_record::Origin;
use crate::plugin::DistributionPlugin;
use crate::plugin_description::PluginDescription;
use crate::plugin_kind::PluginKind;
use crate::plugin_lock::{LockedPlugin, SignatureState};
use crate::runtime::{ComponentInfo, Runtime};
use crate::version::{self, InterfaceLine};
use opkg::digest::sha256;
use opkg_interface::DistributionDescription;

/// A plugin that was found, whether it works or not.
#[derive(Debug)]
pub struct RegistryEntry {
    origin: Origin,
    component: ComponentSource,
    size: Option<u64>,
    sha256: Option<String>,
    interface: Option<String>,
    load_result: Result<PluginDescription, LoadError>,
    loaded: OnceLock<LoadedPlugin>,
    locked: Option<LockedPlugin>,
    pub(crate) shadowed: Vec<(String, usize)>,
}

/// A plugin that can be called.
#[derive(Debug, Clone)]
pub(crate) enum LoadedPlugin {
    Distribution(DistributionPlugin),
    Runner(Runner),
}

#[derive(Debug)]
enum ComponentSource {
    File(PathBuf),
    Embedded(&'static [u8]),
}

impl RegistryEntry {
    /// Where it comes from.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Its file, unless it is part of the program.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.component {
            ComponentSource::File(path) => Some(path),
            ComponentSource::Embedded(_) => None,
        }
    }

    /// Bytes of the component, if it could be read.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// SHA-256 of the component in hexadecimal, if it could be read.
    #[must_use]
    pub fn sha256(&self) -> Option<&String> {
        self.sha256.as_ref()
    }

    /// The version of the interface that it was made for, if that is one that this program serves.
    #[must_use]
    pub fn interface(&self) -> Option<&str> {
        self.interface.as_deref()
    }

    /// What it is, if it works.
    #[must_use]
    pub fn description(&self) -> Option<&PluginDescription> {
        self.load_result.as_ref().ok()
    }

    /// What it is, if it is a distribution plugin that works.
    #[must_use]
    pub fn distribution(&self) -> Option<&DistributionDescription> {
        match self.description()? {
            PluginDescription::Distribution(description) => Some(description),
            PluginDescription::HookRunner(_) => None,
        }
    }

    /// What it is, if it is a hook runner that works.
    #[must_use]
    pub fn hook_runner(&self) -> Option<&RunnerDescription> {
        match self.description()? {
            PluginDescription::HookRunner(description) => Some(description),
            PluginDescription::Distribution(_) => None,
        }
    }

    /// Why it does not work.
    #[must_use]
    pub fn error(&self) -> Option<&LoadError> {
        self.load_result.as_ref().err()
    }

    /// Ids that it would answer to, if another plugin did not come first: each with that plugin's index in
    /// [`Registry::entries`](crate::Registry::entries).
    #[must_use]
    pub fn shadowed(&self) -> &[(String, usize)] {
        &self.shadowed
    }

    /// Where it comes from and who vouched for it, as it was noted when it was installed.
    #[must_use]
    pub fn locked(&self) -> Option<&LockedPlugin> {
        self.locked.as_ref()
    }

    /// Who vouches for it, as far as it is still the one that was installed; nothing is known of what nobody installed.
    #[must_use]
    pub fn signature_state(&self) -> Option<SignatureState> {
        let state = self.locked()?.signature.clone();
        match self.error().map(|error| &error.kind) {
            Some(
                kind @ (LoadErrorKind::Revoked(_)
                | LoadErrorKind::ChecksumMismatch { .. }
                | LoadErrorKind::NoInstallRecord),
            ) => Some(SignatureState::Failed { reason: format!("it {kind}") }),
            _ => Some(state),
        }
    }

    pub(crate) fn into_load_result(self) -> Result<PluginDescription, LoadError> {
        self.load_result
    }
}

impl RegistryEntry {
    /// The entry of a plugin in a file, which is read at once.
    pub(crate) fn from_file(runtime: &Runtime, admission: &Admission, origin: Origin, path: PathBuf) -> Self {
        let mut entry = Self::new(origin, ComponentSource::File(path.clone()));
        entry.locked = admission.locked(origin, &path).cloned();
        let examine = |entry: &mut Self| {
            let bytes = read_limited(&path, runtime.limits().component_bytes)?;
            entry.size = Some(bytes.len() as u64);
            let hash = entry.sha256.insert(sha256(&bytes)).clone();
            admission.check(origin, &path, &hash)?;
            let (role, interface) = ComponentInterface::read(&bytes)?.classify()?;
            let interface = entry.interface.insert(interface).clone();
            if let Some(identity) = runtime.cached_description(&hash) {
                return Ok(identity);
            }
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let info = ComponentInfo {
                name: &name,
                sha256: &hash,
                is_embedded: false,
                timeout: runtime.limits().compile_timeout,
            };
            let loaded = LoadedPlugin::unknown(runtime, role, &interface, info, || Ok(bytes))?;
            let identity = loaded.description();
            entry.loaded = OnceLock::from(loaded);
            Ok(identity)
        };
        entry.load_result =
            examine(&mut entry).map_err(|problem| LoadError { plugin: entry.display_name(), kind: problem });
        entry
    }

    /// The entry of a directory that holds more plugins than are looked at.
    pub(crate) fn of_crowded_directory(origin: Origin, directory: PathBuf, limit: usize) -> Self {
        let mut entry = Self::new(origin, ComponentSource::File(directory));
        let kind = LoadErrorKind::TooManyPlugins { limit };
        entry.load_result = Err(LoadError { plugin: entry.display_name(), kind });
        entry
    }

    /// The entry of a plugin that is part of the program.
    pub(crate) fn from_embedded(runtime: &Runtime, embedded: &Embedded) -> Self {
        let mut entry = Self::new(Origin::Embedded, ComponentSource::Embedded(embedded.component));
        entry.size = Some(embedded.component.len() as u64);
        let examine = |entry: &mut Self| {
            let note = embedded.record().map_err(|error| LoadErrorKind::InvalidRecord {
                path: "of its origin".into(),
                reason: error.to_string(),
            })?;
            entry.interface = Some(note.interface);
            let hash = entry.sha256.insert(note.sha256).clone();
            if let Some(identity) = note.description.or_else(|| runtime.cached_description(&hash)) {
                return Ok(identity);
            }
            let (role, interface) = ComponentInterface::read(embedded.component)?.classify()?;
            let read = || Ok(embedded.component.to_vec());
            let info = ComponentInfo {
                name: &note.plugin,
                sha256: &hash,
                is_embedded: true,
                timeout: runtime.limits().compile_timeout,
            };
            let loaded = LoadedPlugin::unknown(runtime, role, &interface, info, read)?;
            let identity = loaded.description();
            entry.loaded = OnceLock::from(loaded);
            Ok(identity)
        };
        entry.load_result =
            examine(&mut entry).map_err(|problem| LoadError { plugin: entry.display_name(), kind: problem });
        entry
    }

    /// Ready to be called.
    ///
    /// # Errors
    /// When it is a broken one, or cannot be compiled any more.
    pub(crate) fn load(&self, runtime: &Runtime) -> Result<LoadedPlugin, LoadError> {
        if let Some(plugin) = self.loaded.get() {
            return Ok(plugin.clone());
        }
        let prepare = || {
            let line = self.interface.as_deref().and_then(InterfaceLine::of);
            let (Some(identity), Some(sha256), Some(line)) = (self.description(), &self.sha256, line) else {
                return Err(LoadErrorKind::NotFound);
            };
            let read = || self.read_component(runtime.limits().component_bytes);
            let info = ComponentInfo {
                name: identity.id(),
                sha256,
                is_embedded: self.origin == Origin::Embedded,
                timeout: runtime.limits().compile_timeout,
            };
            Ok(match identity.clone() {
                PluginDescription::Distribution(known) => {
                    LoadedPlugin::load_distribution(runtime, info, line, Some(known), read)?
                }
                PluginDescription::HookRunner(known) => {
                    LoadedPlugin::load_hook_runner(runtime, info, line, Some(known), read)?
                }
            })
        };
        let ready = prepare().map_err(|problem| LoadError { plugin: self.display_name(), kind: problem })?;
        Ok(self.loaded.get_or_init(|| ready).clone())
    }

    fn new(origin: Origin, component: ComponentSource) -> Self {
        Self {
            origin,
            component,
            size: None,
            sha256: None,
            interface: None,
            load_result: Err(LoadError { plugin: String::new(), kind: LoadErrorKind::NotFound }),
            loaded: OnceLock::new(),
            locked: None,
            shadowed: Vec::new(),
        }
    }

    /// How a message names it.
    fn display_name(&self) -> String {
        match (&self.component, &self.load_result) {
            (ComponentSource::File(path), _) => path.display().to_string(),
            (ComponentSource::Embedded(_), Ok(identity)) => identity.id().to_owned(),
            (ComponentSource::Embedded(_), Err(_)) => "that is part of this program".to_owned(),
        }
    }

    /// Why it cannot be called as what it is not.
    pub(crate) fn wrong_kind(&self, found: PluginKind, wanted: PluginKind) -> LoadError {
        LoadError { plugin: self.display_name(), kind: LoadErrorKind::WrongKind { found, wanted } }
    }

    /// Reads the component's bytes again.
    ///
    /// # Errors
    /// When they are more than `limit`, or not those that were read first.
    fn read_component(&self, limit: u64) -> Result<Vec<u8>, LoadErrorKind> {
        match &self.component {
            ComponentSource::Embedded(bytes) => Ok(bytes.to_vec()),
            ComponentSource::File(path) => {
                let bytes = read_limited(path, limit)?;
                if self.sha256.as_ref().is_some_and(|known| *known != sha256(&bytes)) {
                    return Err(LoadErrorKind::ChangedWhileReading);
                }
                Ok(bytes)
            }
        }
    }
}

impl LoadedPlugin {
    fn load_distribution(
        runtime: &Runtime,
        info: ComponentInfo<'_>,
        line: InterfaceLine,
        known: Option<DistributionDescription>,
        read: impl FnOnce() -> Result<Vec<u8>, LoadErrorKind>,
    ) -> Result<Self, LoadErrorKind> {
        let (calls, description): (Box<dyn DistributionCalls>, _) = match line {
            InterfaceLine::V0_1 => {
                let (prepared, it) =
                    runtime.prepare::<v0_1::DistributionPre<HostState>>(info, known, read)?;
                (Box::new(prepared), it)
            }
            InterfaceLine::V1 => {
                let (prepared, it) = runtime.prepare::<v1::DistributionPre<HostState>>(info, known, read)?;
                (Box::new(prepared), it)
            }
        };
        Ok(Self::Distribution(DistributionPlugin::new(calls, description, info)))
    }

    fn load_hook_runner(
        runtime: &Runtime,
        info: ComponentInfo<'_>,
        line: InterfaceLine,
        known: Option<RunnerDescription>,
        read: impl FnOnce() -> Result<Vec<u8>, LoadErrorKind>,
    ) -> Result<Self, LoadErrorKind> {
        let (calls, description): (Box<dyn RunnerCalls>, _) = match line {
            InterfaceLine::V0_1 => {
                let (prepared, it) =
                    runtime.prepare::<v0_1::hook_runner::HookRunnerPre<HostState>>(info, known, read)?;
                (Box::new(prepared), it)
            }
            InterfaceLine::V1 => {
                let (prepared, it) =
                    runtime.prepare::<v1::hook_runner::HookRunnerPre<HostState>>(info, known, read)?;
                (Box::new(prepared), it)
            }
        };
        Ok(Self::Runner(Runner::new(calls, description)))
    }

    /// One that nothing is known of but what it is made for, and for which version of the interface.
    pub(crate) fn unknown(
        runtime: &Runtime,
        role: PluginKind,
        interface: &str,
        info: ComponentInfo<'_>,
        read: impl FnOnce() -> Result<Vec<u8>, LoadErrorKind>,
    ) -> Result<Self, LoadErrorKind> {
        let unsupported = || LoadErrorKind::UnsupportedVersion {
            found: vec![interface.to_owned()],
            newer: version::is_newer(interface),
        };
        let line = InterfaceLine::of(interface).ok_or_else(unsupported)?;
        let loaded = match role {
            PluginKind::Distribution => Self::load_distribution(runtime, info, line, None, read),
            PluginKind::HookRunner => Self::load_hook_runner(runtime, info, line, None, read),
        };
        loaded.map_err(|error| match error {
            // It was made for a later version of the line, and uses what that brought.
            LoadErrorKind::AlteredInterface(_) if version::is_newer(interface) => unsupported(),
            error => error,
        })
    }

    pub(crate) fn description(&self) -> PluginDescription {
        match self {
            Self::Distribution(plugin) => plugin.description().clone().into(),
            Self::Runner(runner) => runner.description().clone().into(),
        }
    }
}
