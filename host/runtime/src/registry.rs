//! All plugins that there are, and which of them answers to what.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::admission::Admission;
use crate::cache::{Cache, CacheOwner};
use crate::component_interface::ComponentInterface;
use crate::embedded;
use crate::engine::parallelism;
use crate::entry::{LoadedPlugin, RegistryEntry};
use crate::error::{LoadError, LoadErrorKind};
use crate::grants::ProgramGrants;
use crate::hook::{Runner, RunnerDescription};
use crate::install_record::Origin;
use crate::limits::Limits;
use crate::log_message::LogLevel;
use crate::options::RuntimeOptions;
use crate::plugin::DistributionPlugin;
use crate::plugin_kind::PluginKind;
use crate::prepared_component::CallSettings;
use crate::runtime::{ComponentInfo, Runtime, RuntimeSettings};
use opkg::digest::sha256;
use opkg_interface::DistributionDescription;
use opkg_interface::{Target, TargetError};

/// Components of one directory that are looked at: each is compiled when it is seen for the first time.
const MAX_PLUGINS: usize = 100;

/// All plugins, in the order in which they are asked.
#[derive(Debug)]
pub struct Registry {
    runtime: Runtime,
    entries: Vec<RegistryEntry>,
    index_by_id: BTreeMap<String, usize>,
    /// Hooks that are components, by their checksums.
    hook_cache: Mutex<BTreeMap<String, Runner>>,
}

impl Registry {
    /// Looks for plugins. One that does not work is an entry with an error, and no obstacle to the others.
    #[must_use]
    pub fn discover(options: RuntimeOptions) -> Self {
        let admission = Admission::read(options.policy_files(), options.user_directory.as_deref());
        let RuntimeOptions {
            plugin_files,
            search_path,
            user_directory,
            system_directory,
            system_grants,
            user_grants,
            system_policy: _,
            user_policy: _,
            compiler,
            strategy,
            embedded,
            system_cache,
            cache,
            threads,
            limits,
            log,
        } = options;
        let threads = threads.unwrap_or_else(parallelism);
        let mut grants = ProgramGrants::default();
        for path in system_grants.into_iter().chain(user_grants) {
            match ProgramGrants::read(&path) {
                Ok(found) => grants.merge(found),
                Err(error) => log.send("grants", LogLevel::Warn, error.to_string()),
            }
        }
        let runtime = Runtime::new(RuntimeSettings {
            calls: CallSettings { limits, sink: log, grants },
            system_cache: system_cache.map(|path| Cache::new(path, CacheOwner::System)),
            cache: cache.map(|path| Cache::new(path, CacheOwner::User)),
            threads,
            compiler,
            strategy,
        });
        let mut entries: Vec<RegistryEntry> = plugin_files
            .into_iter()
            .map(|path| RegistryEntry::from_file(&runtime, &admission, Origin::Named, path))
            .collect();
        let directories = search_path
            .into_iter()
            .map(|path| (Origin::SearchPath, path))
            .chain(user_directory.map(|path| (Origin::User, path)))
            .chain(system_directory.map(|path| (Origin::System, path)));
        for (origin, directory) in directories {
            let mut files = find_components(&directory);
            let is_crowded = files.len() > MAX_PLUGINS;
            files.truncate(MAX_PLUGINS);
            let entry = |path| RegistryEntry::from_file(&runtime, &admission, origin, path);
            entries.extend(files.into_iter().map(entry));
            if is_crowded {
                entries.push(RegistryEntry::of_crowded_directory(origin, directory, MAX_PLUGINS));
            }
        }
        if embedded {
            entries.extend(embedded::ALL.iter().map(|it| RegistryEntry::from_embedded(&runtime, it)));
        }
        let index_by_id = resolve_ids(&mut entries);
        Self { runtime, entries, index_by_id, hook_cache: Mutex::default() }
    }

    /// Every plugin that was found.
    #[must_use]
    pub fn entries(&self) -> &[RegistryEntry] {
        &self.entries
    }

    /// What does not work of what was found, and why.
    pub fn load_errors(&self) -> impl Iterator<Item = (&RegistryEntry, &LoadError)> {
        self.entries.iter().filter_map(|entry| Some((entry, entry.error()?)))
    }

    /// The plugin that answers to an id. Upper and lower case count as the same.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&RegistryEntry> {
        self.index_by_id.get(&id.to_ascii_lowercase()).and_then(|index| self.entries.get(*index))
    }

    /// Reads a target: `demo`, `demo-9`, `demo-9-x86_64`. A known architecture is taken from its end; of the
    /// rest, the longest beginning that a plugin answers to is the distribution, and what remains is the
    /// version. Upper and lower case count as the same.
    ///
    /// # Errors
    /// When no plugin knows the distribution, or the version cannot be one.
    pub fn parse_target(&self, text: &str) -> Result<Target, TargetError> {
        Target::parse(text, |id| self.find(id).and_then(RegistryEntry::distribution))
    }

    /// Every id that some plugin answers to, sorted.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        self.index_by_id.keys().cloned().collect()
    }

    /// What the plugins are that answer to anything at all.
    #[must_use]
    pub fn descriptions(&self) -> Vec<&DistributionDescription> {
        let asked = |index: &usize| self.index_by_id.values().any(|answer| answer == index);
        let asked = (0..self.entries.len()).filter(asked);
        asked.filter_map(|index| self.entries[index].distribution()).collect()
    }

    /// The plugin for a target, ready to be called.
    ///
    /// # Errors
    /// When there is none, or it cannot be compiled any more.
    pub fn load(&self, target: &Target) -> Result<DistributionPlugin, LoadError> {
        let missing = || LoadError { plugin: target.dist.clone(), kind: LoadErrorKind::NotFound };
        let entry = self.find(&target.dist).ok_or_else(missing)?;
        if self.replaced_ids(entry).contains(&target.dist.to_ascii_lowercase()) {
            self.warn_of_replacement(entry, &target.dist);
        }
        self.plugin(entry)
    }

    /// The ids that a plugin answers to in place of one that is built in; none of one that is built in itself.
    #[must_use]
    pub fn replaced_ids(&self, entry: &RegistryEntry) -> Vec<String> {
        let built_in = self.entries.iter().filter(|other| other.origin() == Origin::Embedded);
        let shadowed = |other: &RegistryEntry| {
            let by_entry = |(id, index): &(String, usize)| {
                self.entries.get(*index).is_some_and(|first| std::ptr::eq(first, entry)).then(|| id.clone())
            };
            other.shadowed.iter().filter_map(by_entry).collect::<Vec<_>>()
        };
        match (entry.origin(), entry.hook_runner()) {
            (Origin::Embedded, _) => Vec::new(),
            (_, Some(runner)) => built_in
                .filter_map(|other| other.hook_runner())
                .filter(|other| other.id == runner.id)
                .map(|other| other.id.clone())
                .collect(),
            (_, None) => built_in.flat_map(shadowed).collect(),
        }
    }

    /// Says where an installed plugin comes from, and who vouches for it.
    fn tell_origin(&self, entry: &RegistryEntry) {
        if let (Some(identity), Some(locked)) = (entry.description(), entry.locked()) {
            let text = format!("from {}: {}", locked.source, locked.signature);
            self.runtime.tell(identity.id(), text);
        }
    }

    fn warn_of_replacement(&self, entry: &RegistryEntry, id: &str) {
        let name = entry.path().map(|path| path.display().to_string()).unwrap_or_default();
        self.runtime.warn(&name, format!("used for `{id}` in place of the plugin that is built in"));
    }

    /// A distribution plugin, ready to be called.
    ///
    /// # Errors
    /// When it is a broken one or of another kind, or cannot be compiled any more.
    pub fn plugin(&self, entry: &RegistryEntry) -> Result<DistributionPlugin, LoadError> {
        self.tell_origin(entry);
        match entry.load(&self.runtime)? {
            LoadedPlugin::Distribution(plugin) => Ok(plugin),
            LoadedPlugin::Runner(_) => {
                Err(entry.wrong_kind(PluginKind::HookRunner, PluginKind::Distribution))
            }
        }
    }

    /// The hook runners, in the order in which they are asked: of several with one name, the first.
    pub fn runners(&self) -> impl Iterator<Item = (&RegistryEntry, &RunnerDescription)> {
        let asked = |entry: &RegistryEntry, id: &str| {
            self.entries
                .iter()
                .find(|it| it.hook_runner().is_some_and(|it| it.id == id))
                .is_some_and(|it| std::ptr::eq(it, entry))
        };
        self.entries
            .iter()
            .filter_map(|entry| Some((entry, entry.hook_runner()?)))
            .filter(move |(entry, description)| asked(entry, &description.id))
    }

    /// A hook runner, ready to be called.
    ///
    /// # Errors
    /// When it is a broken one or of another kind, or cannot be compiled any more.
    pub fn runner(&self, entry: &RegistryEntry) -> Result<Runner, LoadError> {
        self.tell_origin(entry);
        for id in self.replaced_ids(entry) {
            self.warn_of_replacement(entry, &id);
        }
        match entry.load(&self.runtime)? {
            LoadedPlugin::Runner(runner) => Ok(runner),
            LoadedPlugin::Distribution(_) => {
                Err(entry.wrong_kind(PluginKind::Distribution, PluginKind::HookRunner))
            }
        }
    }

    /// A hook that is a component, ready to be called. `name` is for messages; `time` is what its compilation may take
    /// at most.
    ///
    /// # Errors
    /// When it is none that works.
    pub fn hook(&self, name: &str, component: Vec<u8>, time: Duration) -> Result<Runner, LoadError> {
        let hash = sha256(&component);
        let hooks = || self.hook_cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hook) = hooks().get(&hash) {
            return Ok(hook.clone());
        }
        let prepare = || match ComponentInterface::read(&component)?.classify()? {
            (role @ PluginKind::HookRunner, interface) => {
                let timeout = time.min(self.runtime.limits().compile_timeout);
                let info = ComponentInfo { name, sha256: &hash, is_embedded: false, timeout };
                match LoadedPlugin::unknown(&self.runtime, role, &interface, info, || Ok(component))? {
                    LoadedPlugin::Runner(runner) => Ok(runner),
                    LoadedPlugin::Distribution(_) => Err(LoadErrorKind::NotFound),
                }
            }
            (found @ PluginKind::Distribution, _) => {
                Err(LoadErrorKind::WrongKind { found, wanted: PluginKind::HookRunner })
            }
        };
        let hook = prepare().map_err(|problem| LoadError { plugin: name.to_owned(), kind: problem })?;
        Ok(hooks().entry(hash.clone()).or_insert(hook).clone())
    }

    /// How much a component may take.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        self.runtime.limits()
    }

    pub(crate) fn into_entries(self) -> Vec<RegistryEntry> {
        self.entries
    }
}

/// The components of a directory, sorted. One that is not there, or cannot be read, has none.
fn find_components(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.map_while(|entry| Some(entry.ok()?.path()));
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "wasm")).collect();
    paths.sort();
    paths
}

/// Decides which plugin answers to which id: the first one. Among plugins of one origin a plugin's own id
/// comes before the aliases of others, so that one made for a member of a family takes it from the family's.
fn resolve_ids(entries: &mut [RegistryEntry]) -> BTreeMap<String, usize> {
    let mut claims: Vec<(Origin, bool, usize, String)> = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let ids = entry.distribution().into_iter().flat_map(DistributionDescription::ids).enumerate();
        claims.extend(ids.map(|(place, id)| (entry.origin(), place > 0, index, id.to_owned())));
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
