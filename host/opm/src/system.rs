//! The real system: its configuration, its plugins, its logs.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use opkg_engine::effects::{Report, StepTrace};
use opkg_oda::{Cluster, RunId, Target, TargetId};
use opkg_runtime::{Registry, RuntimeOptions};

use crate::config::Config;
use crate::hooks::{HomeError, HookRunners};
use crate::packages::{
    FindManagerError, ManagerContext, NativePackages, PackageManager, RefreshState, RetryBudget,
};
use crate::process::{
    Executor, LogError, ProcessRole, ProcessTag, StepLog, StopToken, Termination, finish_trace,
};
use crate::roots::{RootError, TargetRoot};
use crate::step_log_paths::StepLogPaths;

/// Lines that one hook may say.
const MAX_HOOK_MESSAGES: usize = 10_000;

/// What the real system needs to know besides its configuration.
#[derive(Debug, Clone)]
pub struct SystemOptions {
    /// The database, by a name that no other one of this machine has. Programs find it as `$OPM_DATABASE`.
    pub database: String,
    /// Where plugins are looked for, and what they may use.
    pub plugin_options: RuntimeOptions,
    /// How this program is started so that it calls [`launch`](crate::launch) with the arguments that follow.
    pub launch_command: Vec<OsString>,
    /// For asking it to stop.
    pub stop: StopToken,
}

impl SystemOptions {
    /// Those of a program that calls [`launch`](crate::launch) for its first argument `launch`, and what
    /// [`RuntimeOptions::for_program`] wants.
    #[must_use]
    pub fn new(database: String) -> Self {
        Self {
            database,
            plugin_options: RuntimeOptions::for_program(),
            // Whatever became of the program's file meanwhile.
            launch_command: vec!["/proc/self/exe".into(), "launch".into()],
            stop: StopToken::default(),
        }
    }
}

/// Whether the package sources of targets were read: for each run, and each target in it.
#[derive(Debug, Default)]
pub(crate) struct RefreshStates(Mutex<BTreeMap<(RunId, TargetId), RefreshState>>);

impl RefreshStates {
    /// That of a target, for a step that gives it back: on one target there is one step at a time.
    pub(crate) fn take(&self, run: RunId, target: TargetId) -> RefreshState {
        lock(&self.0).remove(&(run, target)).unwrap_or_default()
    }

    pub(crate) fn put_back(&self, run: RunId, target: TargetId, state: RefreshState) {
        lock(&self.0).insert((run, target), state);
    }
}

/// What a step that panicked has left is as whole as before: nothing is changed in several pieces.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why the work of a step cannot be begun.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SystemError {
    #[error("the database has no such target")]
    UnknownTarget,
    #[error("the database has no such package")]
    UnknownPackage,
    #[error(transparent)]
    Root(#[from] RootError),
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error(transparent)]
    Manager(#[from] FindManagerError),
    #[error("the list of nodes cannot be written: {0}")]
    Environment(io::Error),
    #[error(transparent)]
    Log(#[from] LogError),
}

/// The package managers that were found, for each target and its root.
type PackageManagers = BTreeMap<(TargetId, PathBuf), Arc<PackageManager>>;

/// The real system. Several threads may do steps at a time, on different targets; what they share is locked only for as long
/// as it is looked up.
#[derive(Debug)]
pub struct System {
    pub(crate) config: Config,
    pub(crate) database: String,
    plugin_options: RuntimeOptions,
    pub(crate) executor: Executor,
    registry: OnceLock<Registry>,
    package_managers: Mutex<PackageManagers>,
    pub(crate) refresh_states: RefreshStates,
    /// How long each run may still wait.
    retry_budgets: Mutex<BTreeMap<RunId, Arc<RetryBudget>>>,
    pub(crate) log_paths: StepLogPaths,
}

impl System {
    /// Nothing is looked at before there is work.
    #[must_use]
    pub fn new(config: Config, options: SystemOptions) -> Self {
        let SystemOptions { database, plugin_options, launch_command, stop } = options;
        let timeout = config.limits.component;
        let log_paths = StepLogPaths::new(config.log_directory.clone());
        Self {
            config,
            database,
            plugin_options: RuntimeOptions {
                limits: opkg_runtime::Limits {
                    timeout,
                    messages: MAX_HOOK_MESSAGES,
                    ..plugin_options.limits
                },
                ..plugin_options
            },
            executor: Executor { launch_command, stop },
            registry: OnceLock::new(),
            package_managers: Mutex::default(),
            refresh_states: RefreshStates::default(),
            retry_budgets: Mutex::default(),
            log_paths,
        }
    }

    /// What its administrator decided.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What hooks are run with.
    pub(crate) fn hook_runners(&self) -> HookRunners<'_> {
        HookRunners { registry: self.registry(), config: &self.config, executor: &self.executor }
    }

    pub(crate) fn registry(&self) -> &Registry {
        self.registry.get_or_init(|| Registry::discover(self.plugin_options.clone()))
    }

    pub(crate) fn process_tag(&self, run: RunId, role: ProcessRole) -> ProcessTag {
        ProcessTag { run, database: self.database.clone(), role }
    }

    /// A new log of a step: the one that was planned, else one of this name.
    pub(crate) fn create_log(&self, run: RunId, target: TargetId, name: &str) -> Result<StepLog, LogError> {
        let path = self.log_paths.take(run, target, name);
        StepLog::create(&path).map_err(|error| LogError { path, error })
    }

    /// The package manager that serves a root, which is looked for once.
    fn package_manager(
        &self,
        target: &Target,
        root: &TargetRoot,
    ) -> Result<Arc<PackageManager>, FindManagerError> {
        let key = (target.id, root.path().to_owned());
        if let Some(known) = lock(&self.package_managers).get(&key) {
            return Ok(Arc::clone(known));
        }
        // Not locked meanwhile: that may compile a plugin.
        let found = Arc::new(PackageManager::find(self.registry(), root, target, &self.config)?);
        lock(&self.package_managers).insert(key, Arc::clone(&found));
        Ok(found)
    }

    fn retry_budget(&self, run: RunId) -> Arc<RetryBudget> {
        let mut budgets = lock(&self.retry_budgets);
        let new = || Arc::new(RetryBudget::new(self.config.limits.retry));
        Arc::clone(budgets.entry(run).or_insert_with(new))
    }

    /// Works on the native packages of a target, with a log of its own.
    ///
    /// # Errors
    /// When the work cannot be begun.
    pub(crate) fn with_packages<T>(
        &self,
        cluster: &Cluster,
        id: TargetId,
        run: RunId,
        verb: &str,
        work: impl FnOnce(&NativePackages<'_>, &mut StepLog) -> (T, Option<Termination>),
    ) -> Result<Report<T>, SystemError> {
        let target = cluster.targets.get(&id).ok_or(SystemError::UnknownTarget)?;
        let root = TargetRoot::of_target(target)?;
        let tag = self.process_tag(run, ProcessRole::PackageManager);
        let manager = self.package_manager(target, &root)?;
        let mut log = self.create_log(run, id, &format!("{}-{verb}", target.address.name))?;
        let packages = NativePackages {
            manager: &manager,
            context: ManagerContext {
                executor: &self.executor,
                config: &self.config,
                root: &root,
                tag: &tag,
            },
            cluster,
            target,
            runners: self.hook_runners(),
            retry_budget: &self.retry_budget(run),
            versions: RefCell::default(),
            incomplete: RefCell::default(),
        };
        let (outcome, termination) = work(&packages, &mut log);
        let (versions, incomplete) = (packages.versions.into_inner(), packages.incomplete.into_inner());
        let trace = StepTrace { versions, incomplete, ..finish_trace(termination.as_ref(), log) };
        Ok(Report { outcome, trace })
    }
}
