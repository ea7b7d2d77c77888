//! All plugins that there are, and which of them answers to what.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::cache::Cache;
use crate::description::Description;
use crate::digest::sha256;
use crate::embedded::{self, Embedded};
use crate::engine::parallelism;
use crate::error::{LoadError, Problem};
use crate::hook::{Runner, RunnerDescription};
use crate::identity::Identity;
use crate::interface::{Names, Role};
use crate::limits::Limits;
use crate::options::Options;
use crate::plugin::Plugin;
use crate::record::{self, Origin};
use crate::runtime::Runtime;
use crate::target::{Target, TargetError};

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
    shadowed: Vec<(String, usize)>,
}

/// A plugin that can be called.
#[derive(Debug, Clone)]
enum Loaded {
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
    /// [`Registry::entries`].
    #[must_use]
    pub fn shadowed(&self) -> &[(String, usize)] {
        &self.shadowed
    }

    pub(crate) fn into_state(self) -> Result<Identity, LoadError> {
        self.state
    }
}

/// All plugins, in the order in which they are asked.
#[derive(Debug)]
pub struct Registry {
    runtime: Arc<Runtime>,
    entries: Vec<Entry>,
    answers: BTreeMap<String, usize>,
    /// Hooks that are components, by their checksums.
    hooks: Mutex<BTreeMap<String, Runner>>,
}

impl Registry {
    /// Looks for plugins. One that does not work is an entry with an error, and no obstacle to the others.
    #[must_use]
    pub fn discover(options: Options) -> Self {
        let Options {
            plugin_files,
            search_path,
            user_directory,
            system_directory,
            embedded,
            cache,
            threads,
            limits,
            log,
        } = options;
        let threads = threads.unwrap_or_else(parallelism);
        let runtime = Arc::new(Runtime::new(limits, log, cache.map(Cache::new), threads));
        let mut entries: Vec<Entry> =
            plugin_files.into_iter().map(|path| Entry::of_file(&runtime, Origin::Named, path)).collect();
        let directories = search_path
            .into_iter()
            .map(|path| (Origin::SearchPath, path))
            .chain(user_directory.map(|path| (Origin::User, path)))
            .chain(system_directory.map(|path| (Origin::System, path)));
        for (origin, directory) in directories {
            let files = components(&directory);
            entries.extend(files.into_iter().map(|path| Entry::of_file(&runtime, origin, path)));
        }
        if embedded {
            entries.extend(embedded::ALL.iter().map(|it| Entry::of_embedded(&runtime, it)));
        }
        let answers = answers(&mut entries);
        Self { runtime, entries, answers, hooks: Mutex::default() }
    }

    /// Every plugin that was found.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What does not work of what was found, and why.
    pub fn broken(&self) -> impl Iterator<Item = (&Entry, &LoadError)> {
        self.entries.iter().filter_map(|entry| Some((entry, entry.error()?)))
    }

    /// The plugin that answers to an id. Upper and lower case count as the same.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Entry> {
        self.answers.get(&id.to_ascii_lowercase()).and_then(|index| self.entries.get(*index))
    }

    /// Reads a target: `demo`, `demo-9`, `demo-9-x86_64`. A known architecture is taken from its end; of the
    /// rest, the longest beginning that a plugin answers to is the distribution, and what remains is the
    /// version. Upper and lower case count as the same.
    ///
    /// # Errors
    /// When no plugin knows the distribution, or the version cannot be one.
    pub fn target(&self, text: &str) -> Result<Target, TargetError> {
        Target::parse(text, |id| self.find(id).and_then(Entry::description))
    }

    /// Every id that some plugin answers to, sorted.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        self.answers.keys().cloned().collect()
    }

    /// What the plugins are that answer to anything at all.
    #[must_use]
    pub fn descriptions(&self) -> Vec<&Description> {
        let asked = |index: &usize| self.answers.values().any(|answer| answer == index);
        let asked = (0..self.entries.len()).filter(asked);
        asked.filter_map(|index| self.entries[index].description()).collect()
    }

    /// The plugin for a target, ready to be called.
    ///
    /// # Errors
    /// When there is none, or it cannot be compiled any more.
    pub fn load(&self, target: &Target) -> Result<Plugin, LoadError> {
        let missing = || LoadError { plugin: target.dist.clone(), problem: Problem::Missing };
        self.plugin(self.find(&target.dist).ok_or_else(missing)?)
    }

    /// A distribution plugin, ready to be called.
    ///
    /// # Errors
    /// When it is a broken one or of another kind, or cannot be compiled any more.
    pub fn plugin(&self, entry: &Entry) -> Result<Plugin, LoadError> {
        match self.loaded(entry)? {
            Loaded::Distribution(plugin) => Ok(plugin),
            Loaded::Runner(_) => Err(entry.other(Role::HookRunner, Role::Distribution)),
        }
    }

    /// The hook runners, in the order in which they are asked: of several with one name, the first.
    pub fn runners(&self) -> impl Iterator<Item = (&Entry, &RunnerDescription)> {
        let asked = |entry: &Entry, id: &str| {
            self.entries
                .iter()
                .find(|it| it.runner().is_some_and(|it| it.id == id))
                .is_some_and(|it| std::ptr::eq(it, entry))
        };
        self.entries
            .iter()
            .filter_map(|entry| Some((entry, entry.runner()?)))
            .filter(move |(entry, description)| asked(entry, &description.id))
    }

    /// A hook runner, ready to be called.
    ///
    /// # Errors
    /// When it is a broken one or of another kind, or cannot be compiled any more.
    pub fn runner(&self, entry: &Entry) -> Result<Runner, LoadError> {
        match self.loaded(entry)? {
            Loaded::Runner(runner) => Ok(runner),
            Loaded::Distribution(_) => Err(entry.other(Role::Distribution, Role::HookRunner)),
        }
    }

    /// A hook that is a component, ready to be called. `name` is for messages.
    ///
    /// # Errors
    /// When it is none that works.
    pub fn hook(&self, name: &str, component: Vec<u8>) -> Result<Runner, LoadError> {
        let hash = sha256(&component);
        let hooks = || self.hooks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hook) = hooks().get(&hash) {
            return Ok(hook.clone());
        }
        let prepare = || match Names::read(&component)?.plugin()?.0 {
            Role::HookRunner => {
                let (prepared, description) = self.runtime.prepare(name, &hash, None, || Ok(component))?;
                Ok(Runner::new(prepared, description))
            }
            found @ Role::Distribution => Err(Problem::Other { found, wanted: Role::HookRunner }),
        };
        let hook = prepare().map_err(|problem| LoadError { plugin: name.to_owned(), problem })?;
        Ok(hooks().entry(hash.clone()).or_insert(hook).clone())
    }

    /// How much a component may take.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        self.runtime.limits()
    }

    fn loaded(&self, entry: &Entry) -> Result<Loaded, LoadError> {
        if let Some(plugin) = entry.plugin.get() {
            return Ok(plugin.clone());
        }
        let prepare = || {
            let (Some(identity), Some(sha256)) = (entry.identity(), &entry.sha256) else {
                return Err(Problem::Missing);
            };
            let read = || entry.read(self.runtime.limits().component);
            Ok(match identity.clone() {
                Identity::Distribution(known) => {
                    Loaded::distribution(&self.runtime, identity.id(), sha256, Some(known), read)?
                }
                Identity::HookRunner(known) => {
                    Loaded::runner(&self.runtime, identity.id(), sha256, Some(known), read)?
                }
            })
        };
        let ready = prepare().map_err(|problem| LoadError { plugin: entry.name(), problem })?;
        Ok(entry.plugin.get_or_init(|| ready).clone())
    }

    pub(crate) fn into_entries(self) -> Vec<Entry> {
        self.entries
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

impl Entry {
    fn of_file(runtime: &Arc<Runtime>, origin: Origin, path: PathBuf) -> Self {
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

    fn of_embedded(runtime: &Arc<Runtime>, embedded: &Embedded) -> Self {
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

    fn other(&self, found: Role, wanted: Role) -> LoadError {
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

/// The components of a directory, sorted. One that is not there, or cannot be read, has none.
fn components(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "wasm")).collect();
    paths.sort();
    paths
}

/// Decides which plugin answers to which id: the first one. Among plugins of one origin a plugin's own id
/// comes before the aliases of others, so that one made for a member of a family takes it from the family's.
fn answers(entries: &mut [Entry]) -> BTreeMap<String, usize> {
    let mut claims: Vec<(Origin, bool, usize, String)> = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let ids = entry.description().into_iter().flat_map(Description::ids).enumerate();
        claims.extend(ids.map(|(place, id)| (entry.origin, place > 0, index, id.to_owned())));
    }
    claims.sort();
    let mut answers = BTreeMap::new();
    for (_, _, index, id) in claims {
        match answers.get(&id) {
            Some(first) => entries[index].shadowed.push((id, *first)),
            None => {
                answers.insert(id, index);
            }
        }
    }
    answers
}
