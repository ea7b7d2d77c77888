//! The real system: its configuration, its plugins, its logs.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use opkg_engine::effects::{Report, StepTrace};
use opkg_oda::{Cluster, RunId, TargetId};
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
pub(crate) type RefreshStates = BTreeMap<(RunId, TargetId), RefreshState>;

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

/// The real system.
#[derive(Debug)]
pub struct System {
    pub(crate) config: Config,
    pub(crate) database: String,
    plugin_options: RuntimeOptions,
    pub(crate) executor: Executor,
    registry: OnceCell<Registry>,
    package_managers: BTreeMap<(TargetId, PathBuf), PackageManager>,
    refresh_states: RefreshStates,
    /// How long each run may still wait.
    retry_budget: BTreeMap<RunId, RetryBudget>,
    /// How many logs each run has.
    log_counters: BTreeMap<RunId, u32>,
    /// The log of the next step, where the journal names it already.
    planned_log: Option<PathBuf>,
}

impl System {
    /// Nothing is looked at before there is work.
    #[must_use]
    pub fn new(config: Config, options: SystemOptions) -> Self {
        let SystemOptions { database, plugin_options, launch_command, stop } = options;
        let timeout = config.limits.component;
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
            registry: OnceCell::new(),
            package_managers: BTreeMap::new(),
            refresh_states: BTreeMap::new(),
            retry_budget: BTreeMap::new(),
            log_counters: BTreeMap::new(),
            planned_log: None,
        }
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

    /// A new log of a run: the one that was planned, else one of this name.
    pub(crate) fn create_log(&mut self, run: RunId, name: &str) -> Result<StepLog, LogError> {
        let path = match self.planned_log.take() {
            Some(path) if path.parent() == Some(&self.log_directory(run)) => path,
            _ => self.free_log_path(run, name),
        };
        StepLog::create(&path).map_err(|error| LogError { path, error })
    }

    /// Where the next log of a run is going to be.
    pub(crate) fn plan_log_path(&mut self, run: RunId, name: &str) -> String {
        let path = self.free_log_path(run, name);
        let text = path.display().to_string();
        self.planned_log = Some(path);
        text
    }

    /// A path that no log has yet. Their numbers tell their order.
    fn free_log_path(&mut self, run: RunId, name: &str) -> PathBuf {
        let directory = self.log_directory(run);
        let number = self.log_counters.entry(run).or_default();
        loop {
            *number += 1;
            let path = directory.join(format!("{number:04}-{name}.log"));
            // One that is there is of an earlier database, or of another engine.
            if path.symlink_metadata().is_err() {
                return path;
            }
        }
    }

    fn log_directory(&self, run: RunId) -> PathBuf {
        self.config.log_directory.join(format!("run-{:06}", run.0))
    }

    /// Works on the native packages of a target, with a log of its own.
    ///
    /// # Errors
    /// When the work cannot be begun.
    pub(crate) fn with_packages<T>(
        &mut self,
        cluster: &Cluster,
        id: TargetId,
        run: RunId,
        verb: &str,
        work: impl FnOnce(&NativePackages<'_>, &mut RefreshStates, &mut StepLog) -> (T, Option<Termination>),
    ) -> Result<Report<T>, SystemError> {
        let target = cluster.targets.get(&id).ok_or(SystemError::UnknownTarget)?;
        let root = TargetRoot::of_target(target)?;
        let tag = self.process_tag(run, ProcessRole::PackageManager);
        let key = (id, root.path().to_owned());
        if !self.package_managers.contains_key(&key) {
            let manager = PackageManager::find(self.registry(), &root, target, &self.config)?;
            self.package_managers.insert(key.clone(), manager);
        }
        let mut log = self.create_log(run, &format!("{}-{verb}", target.address.name))?;
        // Only the states are borrowed for writing.
        let registry = self.registry.get_or_init(|| Registry::discover(self.plugin_options.clone()));
        let runners = HookRunners { registry, config: &self.config, executor: &self.executor };
        let context =
            ManagerContext { executor: &self.executor, config: &self.config, root: &root, tag: &tag };
        let manager = &self.package_managers[&key];
        let retry_budget =
            self.retry_budget.entry(run).or_insert_with(|| RetryBudget::new(self.config.limits.retry));
        let (versions, incomplete) = Default::default();
        let packages =
            NativePackages { manager, context, cluster, target, runners, retry_budget, versions, incomplete };
        let (outcome, termination) = work(&packages, &mut self.refresh_states, &mut log);
        let (versions, incomplete) = (packages.versions.into_inner(), packages.incomplete.into_inner());
        let trace = StepTrace { versions, incomplete, ..finish_trace(termination.as_ref(), log) };
        Ok(Report { outcome, trace })
    }
}
