//! The effects of an engine on the real system.
//!
//! | module | holds |
//! |---|---|
//! | `packages` | installing, removing and asking what is there |
//! | `manager` | a distribution's package manager, as its plugin drives it |
//! | `hooks`, `scripts` | the files of packages that are run, and what they are given |
//! | `bench` | tests of packages |
//! | `runners`, `service`, `programs` | the runner of a hook, and what it may do meanwhile |
//! | `pretend` | a cluster that is none, for trying hooks |
//! | `rooted`, `values` | files that hooks read and write, and the values of the package's form |
//! | `forms`, `configure` | what packages ask for, and what was answered |
//! | `learn`, `release` | what packages and roots say of themselves |
//! | `leftovers`, `marks` | what a run that died has left behind |
//! | `executor`, `enter` | running a program for a target, inside its root where need be |
//! | `process`, `start`, `log`, `tail`, `stop` | one program, from its start to its end |
//! | `root` | files below the root of a target |
//! | `config`, `grants` | what the administrator decides |

mod bench;
mod config;
mod configure;
mod enter;
mod executor;
mod forms;
mod grants;
mod hooks;
mod learn;
mod leftovers;
mod log;
mod manager;
mod marks;
mod packages;
mod pretend;
mod process;
mod programs;
mod release;
mod root;
mod rooted;
mod runners;
mod scripts;
mod service;
mod start;
mod stop;
mod tail;
mod values;

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use opkg_oda::export::Values;
use opkg_oda::{Cluster, Key, Kind, RunId, Target, TargetId};
use opkg_runtime::{Options, Registry};

pub use config::{Config, ConfigError, Limits, Repository, Selector};
pub use enter::enter;
pub use forms::{Found, answer_file, find_form, images_with};
pub use grants::{Choice, Grant, Name, Program};
pub use pretend::{Answer, Pretended, Trial, TrialError};
pub use stop::Stop;

use self::executor::Executor;
use self::hooks::{Call, Circumstances};
use self::log::Log;
use self::manager::{Manager, Tools};
use self::marks::{Duty, Marks};
use self::packages::{Done, Packages};
use self::process::How;
use self::root::Root;
use self::runners::{Ran, Runners};
use self::service::Unheard;
use crate::effects::{Effects, Report};
use crate::machine::{Hook, Outcome, Work};

/// Lines that one hook may say.
const MESSAGES: usize = 10_000;

/// What the real system needs to know besides its configuration.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The database, by a name that no other one of this machine has. Programs find it as `$OPM_DATABASE`.
    pub database: String,
    /// Where plugins are found.
    pub plugins: Options,
    /// How this program is started so that it calls [`enter`] with the arguments that follow.
    pub entrance: Vec<OsString>,
    /// Who asks to stop.
    pub stop: Stop,
}

impl Surroundings {
    /// Those of a program that calls [`enter`] for its first argument `enter-root`.
    #[must_use]
    pub fn new(database: String) -> Self {
        Self {
            database,
            plugins: Options::from_env(),
            // Whatever became of the program's file meanwhile.
            entrance: vec!["/proc/self/exe".into(), "enter-root".into()],
            stop: Stop::default(),
        }
    }
}

/// The real system.
#[derive(Debug)]
pub struct System {
    config: Config,
    database: String,
    options: Options,
    executor: Executor,
    registry: OnceCell<Registry>,
    managers: BTreeMap<(TargetId, PathBuf), Manager>,
    /// Where package sources were read, and what went wrong.
    refreshed: BTreeMap<(RunId, TargetId), Option<String>>,
    /// Logs of a run.
    logs: BTreeMap<RunId, u32>,
}

impl System {
    /// Nothing is looked at before there is work.
    #[must_use]
    pub fn new(config: Config, surroundings: Surroundings) -> Self {
        let Surroundings { database, plugins, entrance, stop } = surroundings;
        let time = config.limits.component;
        Self {
            config,
            database,
            options: Options {
                limits: opkg_runtime::Limits { time, messages: MESSAGES, ..plugins.limits },
                ..plugins
            },
            executor: Executor { entrance, stop },
            registry: OnceCell::new(),
            managers: BTreeMap::new(),
            refreshed: BTreeMap::new(),
            logs: BTreeMap::new(),
        }
    }

    /// What hooks are run with.
    fn runners(&self) -> Runners<'_> {
        Runners { registry: self.registry(), config: &self.config, executor: &self.executor }
    }

    fn registry(&self) -> &Registry {
        self.registry.get_or_init(|| Registry::discover(self.options.clone()))
    }

    fn marks(&self, run: RunId, duty: Duty) -> Marks {
        let session = leftovers::Stat::own().map_or(0, |it| it.session);
        Marks { run, database: self.database.clone(), duty, session }
    }

    /// A new log of a run. Their numbers tell their order.
    fn log(&mut self, run: RunId, name: &str) -> Result<Log, String> {
        let directory = self.config.log_directory.join(format!("run-{:06}", run.0));
        let number = self.logs.entry(run).or_default();
        loop {
            *number += 1;
            let path = directory.join(format!("{number:04}-{name}.log"));
            match Log::create(&path) {
                Ok(log) => return Ok(log),
                // Of an earlier database, or another engine.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(format!("the log {} cannot be written: {error}", path.display())),
            }
        }
    }

    fn hook(&mut self, cluster: &Cluster, work: &Work, run: RunId) -> Report {
        let Work::Hook { key, stage, hook, image } = work else { return Report::new(Outcome::Done) };
        let (Some(target), Some(package)) =
            (cluster.targets.get(&key.target), cluster.packages.get(&key.package))
        else {
            return Report::new(Outcome::Done);
        };
        let prepare = || {
            let root = root_of(target)?;
            let image = image.and_then(|it| cluster.targets.get(&it));
            let image = image.map(|it| root_of(it).map(|directory| (it, directory))).transpose()?;
            let home = hooks::home(&package.name);
            let candidates = hooks::candidates(&root, &home, hook.names())?;
            Ok::<_, String>((root, image, home, candidates))
        };
        let (root, image, home, candidates) = match prepare() {
            Ok(prepared) => prepared,
            Err(reason) => return Report::new(Outcome::Failed(reason)),
        };
        let Some(file) = candidates.first().and_then(|it| it.file_name()) else {
            return Report::new(Outcome::Done);
        };
        let name = file.to_string_lossy().into_owned();
        let directory = image.as_ref().map(|(_, directory)| directory.path());
        let circumstances = Circumstances {
            cluster,
            package: Some(package),
            stage: *stage,
            target: &target.address,
            image: image.as_ref().map(|(image, root)| (image.address.name.as_str(), root)),
            marks: self.marks(run, Duty::Script),
        };
        // Real hooks read it from either argument.
        let arguments = match (hook, directory) {
            (Hook::PostImage, Some(directory)) => vec![directory.into(), directory.into()],
            _ => Vec::new(),
        };
        let call = Call {
            name: hook.name(),
            title: name.clone(),
            about: &circumstances,
            root: &root,
            home,
            candidates,
            arguments,
            environment: hooks::environment(&self.config, &circumstances),
            shared: directory.map(Path::to_owned).into_iter().collect(),
            patience: self.config.limits.of_hooks(),
        };
        let title = match &image {
            Some((image, _)) => {
                format!("{}-{}-{name}-{}", target.address.name, package.name, image.address.name)
            }
            None => format!("{}-{}-{name}", target.address.name, package.name),
        };
        let mut log = match self.log(run, &title) {
            Ok(log) => log,
            Err(reason) => return Report::new(Outcome::Failed(reason)),
        };
        let (outcome, how) = match self.runners().run(&call, &mut log, &mut Unheard) {
            Ran::Done => (Outcome::Done, How::Exited(0)),
            Ran::Stopped => (Outcome::Stopped, How::Stopped),
            Ran::Failed { reason, how } => (Outcome::Failed(reason), how),
        };
        report(Done { outcome, how: Some(how), learned: Vec::new() }, log)
    }

    fn packages(&mut self, cluster: &Cluster, work: &Work, run: RunId) -> Report {
        let (id, verb) = match work {
            Work::Install { target, .. } => (*target, "install"),
            Work::Remove { key, .. } => (key.target, "remove"),
            Work::Confirm { target, .. } => (*target, "confirm"),
            _ => return Report::new(Outcome::Done),
        };
        let Some(target) = cluster.targets.get(&id) else { return Report::new(Outcome::Done) };
        let root = match root_of(target) {
            Ok(root) => root,
            Err(reason) => return Report::new(Outcome::Failed(reason)),
        };
        let marks = self.marks(run, Duty::PackageManager);
        let place = (id, root.path().to_owned());
        if !self.managers.contains_key(&place) {
            match Manager::find(self.registry(), &root, target, &self.config) {
                Ok(manager) => self.managers.insert(place.clone(), manager),
                Err(reason) => return Report::new(Outcome::Failed(reason)),
            };
        }
        let log = self.log(run, &format!("{}-{verb}", target.address.name));
        let mut log = match log {
            Ok(log) => log,
            Err(reason) => return Report::new(Outcome::Failed(reason)),
        };
        let manager = &self.managers[&place];
        let registry = self.registry.get_or_init(|| Registry::discover(self.options.clone()));
        let runners = Runners { registry, config: &self.config, executor: &self.executor };
        let tools = Tools { executor: &self.executor, config: &self.config, root: &root, marks: &marks };
        let packages = Packages { manager, tools, cluster, target, runners };
        let done = match work {
            Work::Install { stage, packages: ids, .. } => {
                let stale = self
                    .refreshed
                    .entry((run, id))
                    .or_insert_with(|| manager.refresh(&packages.tools, &mut log).err().map(|it| it.reason));
                packages.install(*stage, ids, stale.as_deref(), &mut log)
            }
            Work::Remove { key, to } => packages.remove(key.package, *to, &mut log),
            Work::Confirm { packages: ids, .. } => packages.confirm(ids, &mut log),
            _ => return Report::new(Outcome::Done),
        };
        report(done, log)
    }
}

impl Effects for System {
    fn concerns(&mut self, cluster: &Cluster, work: &Work) -> bool {
        match work {
            Work::Hook { key, hook, image, .. } => {
                let (Some(target), Some(package)) =
                    (cluster.targets.get(&key.target), cluster.packages.get(&key.package))
                else {
                    return false;
                };
                let found = root_of(target)
                    .and_then(|root| hooks::candidates(&root, &hooks::home(&package.name), hook.names()));
                // What cannot be looked at must be heard of.
                found.map_or(true, |it| !it.is_empty())
                    || image.is_some_and(|it| configure::lacks(cluster, *key, it))
            }
            Work::Mark { .. } => false,
            Work::Configure { key } => configure::concerns(cluster, *key),
            Work::Install { .. } | Work::Remove { .. } | Work::Confirm { .. } => true,
        }
    }

    fn perform(&mut self, cluster: &Cluster, work: &Work, run: RunId) -> Report {
        match work {
            Work::Hook { .. } => self.hook(cluster, work, run),
            Work::Install { .. } | Work::Remove { .. } | Work::Confirm { .. } => {
                self.packages(cluster, work, run)
            }
            Work::Mark { .. } | Work::Configure { .. } => Report::new(Outcome::Done),
        }
    }

    fn configure(
        &mut self,
        cluster: &Cluster,
        key: Key,
        image: Option<TargetId>,
        known: &Values,
        _: RunId,
    ) -> Report {
        match image {
            Some(image) => configure::configure_image(&self.config, cluster, key, image, known),
            None => configure::configure(&self.config, cluster, key, known),
        }
    }

    fn clean_up(&mut self, dead: RunId) -> Vec<String> {
        leftovers::clean_up(dead, &self.database, &self.config.limits, &self.executor.stop)
    }

    fn stopped(&self) -> bool {
        self.executor.stop.requested()
    }
}

/// The root of a target; that of the system, where it maintains itself.
fn root_of(target: &Target) -> Result<Root, String> {
    let path = target.root.as_deref().unwrap_or(Path::new("/"));
    let cannot = |reason: &str| format!("the root {} of {} {reason}", path.display(), target.address);
    let root = Root::open(path).map_err(|error| cannot(&format!("cannot be used: {error}")))?;
    match root.is_system() && target.kind() == Kind::Image {
        true => Err(cannot("is that of the running system, which is no image")),
        false => Ok(root),
    }
}

fn report(done: Done, log: Log) -> Report {
    let (mut tail, path) = (log.lines(), log.path().display().to_string());
    if let Some(trouble) = log.finish() {
        tail = format!("{tail}\n[{trouble}]");
    }
    let mut report = Report { tail, log: Some(path), learned: done.learned, ..Report::new(done.outcome) };
    match done.how {
        Some(How::Exited(code)) => report.exit_code = Some(code),
        Some(How::Killed(signal)) => report.signal = Some(signal),
        Some(How::TimedOut(_)) => report.timed_out = true,
        Some(How::Stopped | How::TooMuch | How::NotStarted(_)) | None => {}
    }
    report
}
