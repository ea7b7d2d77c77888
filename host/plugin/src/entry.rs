//! A plugin that was found: where, what it is, and what becomes of it when it is called.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::description::Description;
use crate::digest::sha256;
use crate::embedded::Embedded;
use crate::error::{LoadError, Problem};
use crate::hook::{Runner, RunnerDescription};
use crate::identity::Identity;
use crate::interface::Names;
use crate::plugin::Plugin;
use crate::record::{self, Origin};
use crate::role::Role;
use crate::runtime::Runtime;

/// A plugin that was found, whether it works or not.
#[derive(Debug)]
pub struct Entry {
    origin: Origin,
    source: Source,
    size: Option<u64>,
    sha256: Option<String>,
    interface: Option<String>,
    state: Result<Identity, LoadError>,
    plugin: OnceLock<Loaded>,
    pub(crate) shadowed: Vec<(String, usize)>,
}

/// A plugin that can be called.
#[derive(Debug, Clone)]
pub(crate) enum Loaded {
    Distribution(Plugin),
    Runner(Runner),
}

#[derive(Debug)]
enum Source {
    File(PathBuf),
    Embedded(&'static [u8]),
}

impl Entry {
    /// Where it comes from.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Its file, unless it is part of the program.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.source {
            Source::File(path) => Some(path),
            Source::Embedded(_) => None,
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
    pub fn identity(&self) -> Option<&Identity> {
        self.state.as_ref().ok()
    }

    /// What it is, if it is a distribution plugin that works.
    #[must_use]
    pub fn description(&self) -> Option<&Description> {
        match self.identity()? {
            Identity::Distribution(description) => Some(description),
            Identity::HookRunner(_) => None,
        }
    }

    /// What it is, if it is a hook runner that works.
    #[must_use]
    pub fn runner(&self) -> Option<&RunnerDescription> {
        match self.identity()? {
            Identity::HookRunner(description) => Some(description),
            Identity::Distribution(_) => None,
        }
    }

    /// Why it does not work.
    #[must_use]
    pub fn error(&self) -> Option<&LoadError> {
        self.state.as_ref().err()
    }

    /// Ids that it would answer to, if another plugin did not come first: each with that plugin's index in
    /// [`Registry::entries`](crate::Registry::entries).
    #[must_use]
    pub fn shadowed(&self) -> &[(String, usize)] {
        &self.shadowed
    }

    pub(crate) fn into_state(self) -> Result<Identity, LoadError> {
        self.state
    }
}

impl Entry {
    /// One in a file.
    pub(crate) fn of_file(runtime: &Arc<Runtime>, origin: Origin, path: PathBuf) -> Self {
        let mut entry = Self::unknown(origin, Source::File(path.clone()));
        let examine = |entry: &mut Self| {
            let bytes = read(&path, runtime.limits().component)?;
            entry.size = Some(bytes.len() as u64);
            let hash = entry.sha256.insert(sha256(&bytes)).clone();
            record::verify(&origin, &path, &hash)?;
            let (role, interface) = Names::read(&bytes)?.plugin()?;
            entry.interface = Some(interface);
            if let Some(identity) = runtime.known(&hash) {
                return Ok(identity);
            }
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let loaded = Loaded::unknown(runtime, role, &name, &hash, || Ok(bytes))?;
            let identity = loaded.identity();
            entry.plugin = OnceLock::from(loaded);
            Ok(identity)
        };
        entry.state = examine(&mut entry).map_err(|problem| LoadError { plugin: entry.name(), problem });
        entry
    }

    /// One that is part of the program.
    pub(crate) fn of_embedded(runtime: &Arc<Runtime>, embedded: &Embedded) -> Self {
        let mut entry = Self::unknown(Origin::Embedded, Source::Embedded(embedded.component));
        entry.size = Some(embedded.component.len() as u64);
        let examine = |entry: &mut Self| {
            let note = embedded.note().map_err(|error| Problem::BadRecord {
                path: "of its origin".into(),
                reason: error.to_string(),
            })?;
            entry.interface = Some(note.interface);
            let hash = entry.sha256.insert(note.sha256).clone();
            if let Some(identity) = note.description.or_else(|| runtime.known(&hash)) {
                return Ok(identity);
            }
            let role = Names::read(embedded.component)?.plugin()?.0;
            let read = || Ok(embedded.component.to_vec());
            let loaded = Loaded::unknown(runtime, role, &note.plugin, &hash, read)?;
            let identity = loaded.identity();
            entry.plugin = OnceLock::from(loaded);
            Ok(identity)
        };
        entry.state = examine(&mut entry).map_err(|problem| LoadError { plugin: entry.name(), problem });
        entry
    }

    /// Ready to be called.
    ///
    /// # Errors
    /// When it is a broken one, or cannot be compiled any more.
    pub(crate) fn loaded(&self, runtime: &Arc<Runtime>) -> Result<Loaded, LoadError> {
        if let Some(plugin) = self.plugin.get() {
            return Ok(plugin.clone());
        }
        let prepare = || {
            let (Some(identity), Some(sha256)) = (self.identity(), &self.sha256) else {
                return Err(Problem::Missing);
            };
            let read = || self.read(runtime.limits().component);
            Ok(match identity.clone() {
                Identity::Distribution(known) => {
                    Loaded::distribution(runtime, identity.id(), sha256, Some(known), read)?
                }
                Identity::HookRunner(known) => {
                    Loaded::runner(runtime, identity.id(), sha256, Some(known), read)?
                }
            })
        };
        let ready = prepare().map_err(|problem| LoadError { plugin: self.name(), problem })?;
        Ok(self.plugin.get_or_init(|| ready).clone())
    }

    fn unknown(origin: Origin, source: Source) -> Self {
        Self {
            origin,
            source,
            size: None,
            sha256: None,
            interface: None,
            state: Err(LoadError { plugin: String::new(), problem: Problem::Missing }),
            plugin: OnceLock::new(),
            shadowed: Vec::new(),
        }
    }

    /// How a message names it.
    fn name(&self) -> String {
        match (&self.source, &self.state) {
            (Source::File(path), _) => path.display().to_string(),
            (Source::Embedded(_), Ok(identity)) => identity.id().to_owned(),
            (Source::Embedded(_), Err(_)) => "that is part of this program".to_owned(),
        }
    }

    /// Why it cannot be called as what it is not.
    pub(crate) fn other(&self, found: Role, wanted: Role) -> LoadError {
        LoadError { plugin: self.name(), problem: Problem::Other { found, wanted } }
    }

    /// The component's bytes, again.
    fn read(&self, limit: u64) -> Result<Vec<u8>, Problem> {
        match &self.source {
            Source::Embedded(bytes) => Ok(bytes.to_vec()),
            Source::File(path) => {
                let bytes = read(path, limit)?;
                if self.sha256.as_ref().is_some_and(|known| *known != sha256(&bytes)) {
                    return Err(Problem::Moving);
                }
                Ok(bytes)
            }
        }
    }
}

impl Loaded {
    fn distribution(
        runtime: &Arc<Runtime>,
        name: &str,
        sha256: &str,
        known: Option<Description>,
        read: impl FnOnce() -> Result<Vec<u8>, Problem>,
    ) -> Result<Self, Problem> {
        let (prepared, description) = runtime.prepare(name, sha256, known, read)?;
        Ok(Self::Distribution(Plugin::new(prepared, description)))
    }

    fn runner(
        runtime: &Arc<Runtime>,
        name: &str,
        sha256: &str,
        known: Option<RunnerDescription>,
        read: impl FnOnce() -> Result<Vec<u8>, Problem>,
    ) -> Result<Self, Problem> {
        let (prepared, description) = runtime.prepare(name, sha256, known, read)?;
        Ok(Self::Runner(Runner::new(prepared, description)))
    }

    /// One that nothing is known of but what it is made for.
    fn unknown(
        runtime: &Arc<Runtime>,
        role: Role,
        name: &str,
        sha256: &str,
        read: impl FnOnce() -> Result<Vec<u8>, Problem>,
    ) -> Result<Self, Problem> {
        match role {
            Role::Distribution => Self::distribution(runtime, name, sha256, None, read),
            Role::HookRunner => Self::runner(runtime, name, sha256, None, read),
        }
    }

    fn identity(&self) -> Identity {
        match self {
            Self::Distribution(plugin) => plugin.description().clone().into(),
            Self::Runner(runner) => runner.description().clone().into(),
        }
    }
}

/// Reads a component of at most `limit` bytes.
///
/// # Errors
/// When it cannot be read, or is larger.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Problem> {
    let file = File::open(path).map_err(Problem::Unreadable)?;
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(Problem::Unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(Problem::TooLarge { limit });
    }
    Ok(bytes)
}
