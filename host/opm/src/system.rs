//! The real system: its configuration, its plugins, its logs.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::PathBuf;

use opkg_engine::effects::Report;
use opkg_oda::{Cluster, RunId, TargetId};
use opkg_runtime::{Registry, RuntimeOptions};

use crate::config::Config;
use crate::hooks::{HomeError, HookRunners};
use crate::packages::{FindManagerError, ManagerContext, NativePackages, PackageManager};
use crate::process::{
    Executor, LogError, ProcStat, ProcessRole, ProcessTag, StepLog, StopToken, Termination, finish_trace,
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
    /// How this program is started so that it calls [`enter_root`](crate::enter_root) with the arguments that follow.
    pub enter_command: Vec<OsString>,
    /// For asking it to stop.
    pub stop: StopToken,
}

impl SystemOptions {
    /// Those of a program that calls [`enter_root`](crate::enter_root) for its first argument `enter-root`.
    #[must_use]
    pub fn new(database: String) -> Self {
        Self {
            database,
            plugin_options: RuntimeOptions::from_env(),
            // Whatever became of the program's file meanwhile.
            enter_command: vec!["/proc/self/exe".into(), "enter-root".into()],
            stop: StopToken::default(),
        }
    }
}

/// What went wrong when package sources were read, if anything did: for each run, and each target in it.
pub(crate) type RefreshErrors = BTreeMap<(RunId, TargetId), Option<String>>;

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
    /// Targets whose package sources were read in a run, and what went wrong.
    refresh_errors: RefreshErrors,
    /// How many logs each run has.
    log_counters: BTreeMap<RunId, u32>,
}

impl System {
    /// Nothing is looked at before there is work.
    #[must_use]
    pub fn new(config: Config, options: SystemOptions) -> Self {
        let SystemOptions { database, plugin_options, enter_command, stop } = options;
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
            executor: Executor { enter_command, stop },
            registry: OnceCell::new(),
            package_managers: BTreeMap::new(),
            refresh_errors: BTreeMap::new(),
            log_counters: BTreeMap::new(),
        }
    }

    /// What hooks are run with.
    pub(crate) fn hook_runners(&self) -> HookRunners<'_> {
        HookRunners { registry: self.registry(), config: &self.config, executor: &self.executor }
    }

    fn registry(&self) -> &Registry {
        self.registry.get_or_init(|| Registry::discover(self.plugin_options.clone()))
    }

    pub(crate) fn process_tag(&self, run: RunId, role: ProcessRole) -> ProcessTag {
        let session = ProcStat::current().map_or(0, |stat| stat.session);
        ProcessTag { run, database: self.database.clone(), role, session }
    }

    /// A new log of a run. Their numbers tell their order.
    pub(crate) fn create_log(&mut self, run: RunId, name: &str) -> Result<StepLog, LogError> {
        let directory = self.config.log_directory.join(format!("run-{:06}", run.0));
        let number = self.log_counters.entry(run).or_default();
        loop {
            *number += 1;
            let path = directory.join(format!("{number:04}-{name}.log"));
            match StepLog::create(&path) {
                Ok(log) => return Ok(log),
                // Of an earlier database, or another engine.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(LogError { path, error }),
            }
        }
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
        work: impl FnOnce(&NativePackages<'_>, &mut RefreshErrors, &mut StepLog) -> (T, Option<Termination>),
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
        // Only the errors are borrowed for writing.
        let registry = self.registry.get_or_init(|| Registry::discover(self.plugin_options.clone()));
        let runners = HookRunners { registry, config: &self.config, executor: &self.executor };
        let context =
            ManagerContext { executor: &self.executor, config: &self.config, root: &root, tag: &tag };
        let manager = &self.package_managers[&key];
        let packages = NativePackages { manager, context, cluster, target, runners };
        let (outcome, termination) = work(&packages, &mut self.refresh_errors, &mut log);
        Ok(Report { outcome, trace: finish_trace(termination.as_ref(), log) })
    }
}
