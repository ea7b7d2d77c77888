//! A simulated world: what is installed where, and which hooks ran. It is the truth that the database must match.

use std::collections::{BTreeMap, BTreeSet};

use opkg_engine::machine::{
    ConfigureOutcome, DependencyOrder, FailureReasons, FinishedStep, Hook, HookStep, Install, InstallOutcome,
    Remove, RemoveFailure, RemoveOutcome, SetStage, Step, StepFailure, StepStatus,
};
use opkg_oda::{Cluster, ConfigValues, PackageId, Stage, StateKey, TargetId, TargetKind};

/// Something that was done to the end for a package on a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PerformedStep {
    InstalledApi,
    InstalledPart,
    Configured,
    RanHook(Hook, Option<TargetId>),
    Removed(Stage),
}

/// How the next step goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// All of it fails, and some of it is done.
    Failure,
    /// Of a transaction, the first package fails.
    PartialFailure,
    /// Of a transaction, the first package fails, the second one is installed, and the others are as they were.
    CutOff,
    /// A lock is in the way.
    Postponement,
    Stop,
    /// The configurator waits.
    ActionRequired,
}

#[derive(Debug, Clone, Default)]
pub struct FakeWorld {
    /// Where `opkg-<p>` is installed.
    pub installed_api: BTreeSet<StateKey>,
    /// Where `opkg-<p>-server` or `opkg-<p>-client` is installed.
    pub installed_parts: BTreeSet<StateKey>,
    /// What was done for a row since it last moved.
    pub steps_since_move: BTreeMap<StateKey, Vec<PerformedStep>>,
    /// Everything that was ever done to the end.
    pub history: Vec<(StateKey, PerformedStep)>,
    /// Rows that are not tried again before another run.
    pub stopped: BTreeSet<StateKey>,
    /// Work that fails whenever it is tried: its line from the verb on, like `install a`, `api-post-image a`.
    pub always_failing: BTreeSet<String>,
    /// For the work to come, one after the other.
    pub scheduled_faults: Vec<Option<Fault>>,
}

impl FakeWorld {
    pub fn fail_always(&mut self, what: &str) {
        self.always_failing.insert(what.into());
    }

    /// The root of a target is another one, with nothing in it.
    pub fn forget_target(&mut self, target: TargetId) {
        self.installed_api.retain(|key| key.target != target);
        self.installed_parts.retain(|key| key.target != target);
        self.steps_since_move.retain(|key, _| key.target != target);
    }

    pub fn count(&self, key: StateKey, done: PerformedStep) -> usize {
        self.history.iter().filter(|it| **it == (key, done)).count()
    }

    /// Does a step as well as it can.
    pub fn perform(&mut self, cluster: &Cluster, step: &Step) -> FinishedStep {
        let fault = self.scheduled_faults.pop().flatten();
        let fails =
            |world: &Self, key: StateKey| world.always_failing.contains(&step_name(cluster, step, key));
        let fails = step.rows().into_iter().any(|key| fails(self, key));
        let failure = match fault {
            Some(Fault::Stop) => {
                self.stopped.extend(step.rows());
                Some(StepFailure::Stopped)
            }
            Some(Fault::Postponement) => {
                self.stopped.extend(step.rows());
                Some(StepFailure::Postponed("a lock".into()))
            }
            Some(Fault::Failure) => Some(StepFailure::Failed("exit status 1".into())),
            _ if fails => Some(StepFailure::Failed("exit status 1".into())),
            _ => None,
        };
        match step {
            Step::VerifyInherited(verify) => {
                let there = |package: &PackageId| {
                    self.installed_parts.contains(&StateKey { target: verify.target, package: *package })
                };
                let present = verify.packages.iter().copied().filter(there).collect();
                // That something always fails means work that changes something.
                let failure = failure.filter(|_| fault.is_some());
                FinishedStep::VerifyInherited(verify.clone(), failure.map_or(Ok(present), Err))
            }
            Step::Install(install) => {
                FinishedStep::Install(install.clone(), self.install(cluster, install, fault, failure))
            }
            Step::Hook(hook) => {
                let done = PerformedStep::RanHook(hook.hook, hook.image);
                FinishedStep::Hook(*hook, self.perform_unless(failure, hook.key, done))
            }
            Step::Configure(configure) => {
                let outcome = match (fault, failure) {
                    (Some(Fault::ActionRequired), _) => ConfigureOutcome::ActionRequired("the port".into()),
                    (_, Some(StepFailure::Failed(reason))) => ConfigureOutcome::Failed(reason),
                    (_, Some(StepFailure::Stopped | StepFailure::Postponed(_))) => ConfigureOutcome::Stopped,
                    (_, None) => {
                        self.record(configure.key, PerformedStep::Configured);
                        ConfigureOutcome::Configured(ConfigValues::new())
                    }
                };
                FinishedStep::Configure(*configure, outcome)
            }
            Step::Remove(remove) => FinishedStep::Remove(remove.clone(), self.remove(cluster, remove, fault)),
        }
    }

    fn install(
        &mut self,
        cluster: &Cluster,
        install: &Install,
        fault: Option<Fault>,
        failure: Option<StepFailure>,
    ) -> InstallOutcome {
        let rows = install.rows();
        match (fault, failure) {
            (_, Some(StepFailure::Stopped)) => return InstallOutcome::Stopped,
            (_, Some(StepFailure::Postponed(reason))) => return InstallOutcome::Postponed(reason),
            (Some(Fault::CutOff), _) if rows.len() > 1 => {
                let reason = |key: &StateKey| (key.package, "no such file".to_owned());
                self.install_package(cluster, install, rows[1]);
                return InstallOutcome::Installed {
                    metadata: Vec::new(),
                    failures: BTreeMap::from([reason(&rows[0])]),
                    untouched: rows[2..].iter().map(reason).collect(),
                };
            }
            (Some(Fault::PartialFailure), _) => {
                let failures = BTreeMap::from([(rows[0].package, "no such file".to_owned())]);
                for key in &rows[1..] {
                    self.install_package(cluster, install, *key);
                }
                return InstallOutcome::Installed {
                    metadata: Vec::new(),
                    failures,
                    untouched: BTreeMap::new(),
                };
            }
            (_, Some(StepFailure::Failed(_))) => {
                // As a whole, but for a piece of its first package.
                if install.stage == Stage::InstallBinPkgs {
                    self.installed_parts.insert(rows[0]);
                }
                return InstallOutcome::TransactionFailed(format!("transaction of {} failed", rows.len()));
            }
            (_, None) => {}
        }
        for key in rows {
            self.install_package(cluster, install, key);
        }
        InstallOutcome::installed()
    }

    fn install_package(&mut self, cluster: &Cluster, install: &Install, key: StateKey) {
        if install.stage == Stage::ShouldBeInstalled {
            assert_eq!(cluster.targets[&key.target].kind(), TargetKind::Server);
            self.installed_api.insert(key);
            self.record(key, PerformedStep::InstalledApi);
        } else {
            assert_eq!(install.stage, Stage::InstallBinPkgs);
            self.installed_parts.insert(key);
            self.record(key, PerformedStep::InstalledPart);
        }
    }

    /// Package by package; what a package needs that has not left is held back.
    fn remove(&mut self, cluster: &Cluster, remove: &Remove, fault: Option<Fault>) -> RemoveOutcome {
        let failed = |reason: &str| RemoveFailure::Own(StepFailure::Failed(reason.into()));
        let untouched = || RemoveFailure::Untouched("others failed".into());
        let whole = match fault {
            Some(Fault::Stop) => Some(RemoveFailure::Own(StepFailure::Stopped)),
            Some(Fault::Postponement) => Some(RemoveFailure::Own(StepFailure::Postponed("a lock".into()))),
            // Half of the first one is gone.
            Some(Fault::Failure) => {
                self.installed_parts.remove(&remove.rows()[0]);
                Some(untouched())
            }
            _ => None,
        };
        let order = DependencyOrder::new(&cluster.packages);
        let step = Step::Remove(remove.clone());
        let mut remaining: BTreeMap<PackageId, RemoveFailure> = BTreeMap::new();
        for (place, key) in remove.rows().into_iter().enumerate() {
            let is_broken = self.always_failing.contains(&step_name(cluster, &step, key));
            let is_held = order.dependents(key.package).iter().any(|it| remaining.contains_key(it));
            let failure = match (&whole, fault, place) {
                (Some(failure), ..) => Some(failure.clone()),
                (None, Some(Fault::PartialFailure | Fault::CutOff), 0) => Some(failed("exit status 7")),
                _ if is_held && whole.is_none() => Some(RemoveFailure::Held),
                (None, Some(Fault::CutOff), 2..) => Some(untouched()),
                _ if is_broken => Some(failed("exit status 1")),
                _ => None,
            };
            match failure {
                Some(failure) => drop(remaining.insert(key.package, failure)),
                None => self.remove_package(&order, remove, key),
            }
        }
        RemoveOutcome { remaining }
    }

    /// What depends on others leaves before them.
    fn remove_package(&mut self, order: &DependencyOrder, remove: &Remove, key: StateKey) {
        for dependent in order.dependents(key.package) {
            let other = StateKey { package: *dependent, ..key };
            assert!(
                !self.installed_parts.contains(&other),
                "{key:?} leaves before {other:?}, which needs it"
            );
            let is_api_needed = remove.down_to == Stage::ShouldNotBeInstalled;
            assert!(
                !is_api_needed || !self.installed_api.contains(&other),
                "{key:?} leaves before {other:?}"
            );
        }
        self.installed_parts.remove(&key);
        if remove.down_to == Stage::ShouldNotBeInstalled {
            self.installed_api.remove(&key);
        }
        self.record(key, PerformedStep::Removed(remove.down_to));
    }

    fn perform_unless(
        &mut self,
        failure: Option<StepFailure>,
        key: StateKey,
        done: PerformedStep,
    ) -> Result<(), StepFailure> {
        failure.map_or_else(
            || {
                self.record(key, done);
                Ok(())
            },
            Err,
        )
    }

    fn record(&mut self, key: StateKey, done: PerformedStep) {
        self.steps_since_move.entry(key).or_default().push(done);
        self.history.push((key, done));
    }
}

fn verb(cluster: &Cluster, step: &Step) -> String {
    match step {
        Step::VerifyInherited(_) => "confirm".into(),
        Step::Install(_) => "install".into(),
        Step::Hook(HookStep { hook, image: Some(image), .. }) => {
            format!("{} {}", hook.name(), cluster.targets[image].address.name)
        }
        Step::Hook(HookStep { hook, .. }) => hook.name().into(),
        Step::Configure(_) => "configure".into(),
        Step::Remove(_) => "remove".into(),
    }
}

fn step_name(cluster: &Cluster, step: &Step, key: StateKey) -> String {
    format!("{} {}", verb(cluster, step), cluster.packages[&key.package].name)
}

/// Rows that come to a stage, in one line: `2 compute: mark a b`.
pub fn set_stage_line(cluster: &Cluster, set_stage: &SetStage) -> String {
    trace_line(cluster, set_stage.stage, "mark", &set_stage.rows)
}

/// A step in one line: `4 head: install a b`.
pub fn step_line(cluster: &Cluster, step: &Step, status: &StepStatus) -> String {
    let stage = match step {
        Step::Install(Install { stage, .. }) | Step::Hook(HookStep { stage, .. }) => *stage,
        Step::VerifyInherited(_) => Stage::InstallBinPkgs,
        Step::Configure(_) => Stage::RunConfigurator,
        Step::Remove(remove) => remove.down_to,
    };
    let end = match status {
        StepStatus::Done => String::new(),
        StepStatus::Failed(FailureReasons::Whole(reason)) | StepStatus::ActionRequired(reason) => {
            format!(" ! {reason}")
        }
        StepStatus::Failed(FailureReasons::ByPackage(failures)) => format!(" ! {} failed", failures.len()),
        StepStatus::Postponed(reason) => format!(" ~ {reason}"),
        StepStatus::Stopped => " ! stopped".into(),
    };
    format!("{}{end}", trace_line(cluster, stage, &verb(cluster, step), &step.rows()))
}

fn trace_line(cluster: &Cluster, stage: Stage, verb: &str, rows: &[StateKey]) -> String {
    let mut targets: Vec<String> = Vec::new();
    let mut packages: Vec<String> = Vec::new();
    for key in rows {
        let (target, package) = (&cluster.targets[&key.target], &cluster.packages[&key.package]);
        for (names, name) in
            [(&mut targets, target.address.name.to_string()), (&mut packages, package.name.to_string())]
        {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    format!("{} {}: {verb} {}", stage.id(), targets.join(","), packages.join(" "))
}
