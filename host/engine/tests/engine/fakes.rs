//! A database in memory and a world that does as it is told.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use opkg_engine::clock::Clock;
use opkg_engine::effects::{Effects, Report, StepTrace};
use opkg_engine::engine::Observer;
use opkg_engine::machine::{
    Configure, ConfigureOutcome, HookStep, Install, InstallOutcome, Remove, RemoveOutcome, Step, StepFailure,
    StepStatus, VerifyInherited,
};
use opkg_engine::packages::PackageMetadata;
use opkg_oda::ConfigValues;
use opkg_oda::UnfinishedRun;
use opkg_oda::tables::RowReceiver;
use opkg_oda::{
    Change, Cluster, ConfigValue, Error, Event, EventFilter, EventId, Lock, LockHolder, Package,
    PackageClass, PackageId, Phase, PrunableStep, PruneOrder, PurgeCounts, PurgeOrder, Recorded, Run, RunId,
    Stage, StateKey, StepTotal, Store, Target, TargetAddress, TargetId, TargetKind,
};

/// What happened, in the order of time: commits and effects.
pub type Trace = Arc<Mutex<Vec<String>>>;

#[derive(Debug)]
struct NoopLock;

impl Lock for NoopLock {}

/// A database in memory.
pub struct InMemoryStore {
    pub cluster: Cluster,
    pub runs: Vec<Run>,
    pub events: Vec<Event>,
    pub values: ConfigValues,
    /// What another process writes right after values are read.
    pub change_after_values: Option<Change>,
    pub holder: Option<LockHolder>,
    /// Commits that still succeed; all of them if absent.
    pub remaining_commits: Option<usize>,
    /// Commits that still reach the database before it is away; it stays if absent.
    pub reachable_commits: Option<usize>,
    /// Whether the database has the commit after those, and only its answer gets lost.
    pub answer_is_lost: bool,
    /// What is on the disk while it is away.
    pub spool: Vec<Change>,
    /// What another process writes, each after one commit of this one.
    pub concurrent_changes: VecDeque<Vec<Change>>,
    changed: bool,
    trace: Trace,
}

impl InMemoryStore {
    pub fn new(cluster: Cluster, trace: &Trace) -> Self {
        Self {
            cluster,
            runs: Vec::new(),
            events: Vec::new(),
            values: ConfigValues::new(),
            change_after_values: None,
            holder: None,
            remaining_commits: None,
            reachable_commits: None,
            answer_is_lost: false,
            spool: Vec::new(),
            concurrent_changes: VecDeque::new(),
            changed: false,
            trace: Arc::clone(trace),
        }
    }

    /// The database is back, and gets what was kept.
    pub fn come_back(&mut self) {
        self.reachable_commits = None;
        for change in std::mem::take(&mut self.spool) {
            self.write(&change);
        }
    }

    /// One commit; whether it is in the database, and why nobody knows that.
    fn reach(&mut self) -> Result<(), (bool, Error)> {
        let Some(room) = &mut self.reachable_commits else { return Ok(()) };
        match room.checked_sub(1) {
            Some(left) => {
                *room = left;
                Ok(())
            }
            None => {
                let error = Error::Unreachable { database: "head".into(), reason: "cut".into() };
                Err((std::mem::take(&mut self.answer_is_lost), error))
            }
        }
    }

    fn write_all(&mut self, changes: &[Change]) -> Result<(), Error> {
        if let Some(room) = &mut self.remaining_commits {
            *room = room.checked_sub(1).ok_or_else(|| Error::DiskFull("oda.db".into()))?;
        }
        let mut line = String::from("commit");
        for change in changes {
            line += &match change {
                Change::UpdateState(key, row) => {
                    format!(" {}/{}={}:{}", key.target.0, key.package.0, row.current.id(), row.work_state)
                }
                Change::StartEvent(event) => format!(" +event{}", event.id.number),
                Change::EndEvent { event, result } => format!(" event{}={}", event.number, result.status),
                Change::EndRun { status, .. } => format!(" run={status}"),
                Change::Request { key, stage, .. } => {
                    format!(" {}/{}→{}", key.target.0, key.package.0, stage.id())
                }
                Change::Assign { .. } => " assign".into(),
                Change::PutPackage(_) => " package".into(),
                other => format!(" {other:?}"),
            };
            self.write(change);
        }
        self.trace.lock().unwrap().push(line);
        if let Some(others) = self.concurrent_changes.pop_front() {
            others.iter().for_each(|it| self.write(it));
            self.changed = true;
        }
        Ok(())
    }

    fn write(&mut self, change: &Change) {
        self.cluster.apply(change);
        match change {
            Change::StartEvent(event) => self.events.push((**event).clone()),
            Change::EndEvent { event, result } => {
                for known in self.events.iter_mut().filter(|it| it.id == *event) {
                    known.result = Some((**result).clone());
                }
            }
            Change::EndRun { run, ended_at, status } => {
                for known in self.runs.iter_mut().filter(|it| it.id == *run) {
                    known.ended_at = Some(*ended_at);
                    known.status = Some(*status);
                }
            }
            Change::SetValues { package, image, values, expected } => {
                let there = self.values.entry((*package, *image)).or_default();
                if expected.as_ref().is_none_or(|it| it == there) {
                    there.clone_from(values);
                }
            }
            _ => {}
        }
    }
}

impl Store for InMemoryStore {
    fn has_pending_work(&mut self) -> Result<bool, Error> {
        Ok(self
            .cluster
            .all_states()
            .any(|(_, row)| row.requested != row.current || row.work_state != opkg_oda::WorkState::Idle)
            || !self.cluster.reruns.is_empty()
            || self.runs.iter().any(|run| run.ended_at.is_none()))
    }

    fn load(&mut self) -> Result<Cluster, Error> {
        self.trace.lock().unwrap().push("load".into());
        Ok(self.cluster.clone())
    }

    fn load_overview(&mut self) -> Result<Cluster, Error> {
        Ok(self.cluster.clone())
    }

    fn load_state(&mut self, key: StateKey) -> Result<Option<opkg_oda::PackageState>, Error> {
        Ok(self.cluster.state(key).cloned())
    }

    fn load_targets(&mut self) -> Result<Cluster, Error> {
        let Cluster { targets, root_ids, .. } = self.cluster.clone();
        Ok(Cluster { targets, root_ids, ..Cluster::default() })
    }

    fn record_as(&mut self, _: opkg_oda::CommandRecord) {}

    fn commands(&mut self, _: u32) -> Result<Vec<opkg_oda::CommandRecord>, Error> {
        Ok(Vec::new())
    }

    fn claim_pruning(&mut self, _: i64, _: i64) -> Result<bool, Error> {
        Ok(false)
    }

    fn prunable(&mut self, _: &PruneOrder) -> Result<Vec<PrunableStep>, Error> {
        Ok(Vec::new())
    }

    fn prune(&mut self, _: &PruneOrder, _: &[EventId]) -> Result<(), Error> {
        Ok(())
    }

    fn totals(&mut self) -> Result<Vec<StepTotal>, Error> {
        Ok(Vec::new())
    }

    fn purge(&mut self, _: &PurgeOrder, _: bool) -> Result<PurgeCounts, Error> {
        Ok(PurgeCounts::default())
    }

    fn has_changed(&mut self) -> Result<bool, Error> {
        Ok(std::mem::take(&mut self.changed))
    }

    fn record_results(&mut self, changes: &[Change]) -> Result<Recorded, Error> {
        match self.reach() {
            Err((is_there, _)) => {
                if is_there {
                    changes.iter().for_each(|change| self.write(change));
                } else {
                    self.spool.extend_from_slice(changes);
                }
                Ok(Recorded::OnDisk { path: "results".into(), reason: "cut".into() })
            }
            Ok(()) => self.write_all(changes).map(|()| Recorded::InDatabase),
        }
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), Error> {
        self.reach().map_err(|(is_there, error)| {
            if is_there {
                changes.iter().for_each(|change| self.write(change));
            }
            error
        })?;
        self.write_all(changes)
    }

    fn update(&mut self, decide: &mut dyn FnMut(&Cluster) -> Vec<Change>) -> Result<(), Error> {
        let changes = decide(&self.cluster);
        self.commit(&changes)
    }

    fn start_run(&mut self, run: &Run) -> Result<RunId, Error> {
        self.reach().map_err(|(_, error)| error)?;
        let id = RunId(i64::try_from(self.runs.len()).unwrap() + 1);
        self.runs.push(Run { id, ..run.clone() });
        self.trace.lock().unwrap().push(format!("run {}", id.0));
        Ok(id)
    }

    fn runs(&mut self, _limit: u32) -> Result<Vec<Run>, Error> {
        Ok(self.runs.clone())
    }

    fn unfinished_runs(&mut self) -> Result<Vec<UnfinishedRun>, Error> {
        let open = self.runs.iter().filter(|it| it.ended_at.is_none()).cloned();
        Ok(open.map(|run| UnfinishedRun { run, is_dead: false }).collect())
    }

    fn events(&mut self, wanted: &EventFilter) -> Result<Vec<Event>, Error> {
        let events = self.events.iter().filter(|it| wanted.run.is_none_or(|run| it.id.run == run));
        Ok(events.cloned().collect())
    }

    fn dump(&mut self, _: &mut RowReceiver<'_>) -> Result<(), Error> {
        Ok(())
    }

    fn replace_with(&mut self, _: &mut dyn Store) -> Result<(), Error> {
        Ok(())
    }

    fn all_values(&mut self) -> Result<ConfigValues, Error> {
        Ok(self.values.clone())
    }

    fn values(&mut self, package: PackageId, image: Option<TargetId>) -> Result<Vec<ConfigValue>, Error> {
        let values = self.values.get(&(package, image)).cloned().unwrap_or_default();
        if let Some(change) = self.change_after_values.take() {
            self.write(&change);
        }
        Ok(values)
    }

    fn lock(&mut self, _targets: &[TargetId]) -> Result<Result<Box<dyn Lock>, LockHolder>, Error> {
        Ok(match self.holder.clone() {
            Some(holder) => Err(holder),
            None => Ok(Box::new(NoopLock)),
        })
    }
}

/// A world in which everything succeeds but what is told otherwise.
pub struct FakeEffects {
    /// Reasons for which transactions fail, once, by their word in the trace.
    pub failed_transactions: Mutex<BTreeMap<String, String>>,
    /// What the configurator of a package waits for, once.
    pub required_actions: Mutex<BTreeMap<PackageId, String>>,
    /// What packages say of themselves after they are installed.
    pub metadata: Mutex<Vec<PackageMetadata>>,
    /// Hooks that packages do not have.
    pub missing_hooks: BTreeSet<&'static str>,
    /// Packages have no forms.
    pub are_forms_missing: bool,
    pub stop_after: Option<usize>,
    /// What the configurator makes of the answers, and what it was last given.
    pub resolved: Mutex<ConfigValues>,
    pub last_answers: Mutex<ConfigValues>,
    /// What is in the roots of targets; those that are not here cannot be looked into.
    pub root_ids: Mutex<BTreeMap<TargetId, Option<String>>>,
    /// Ids that were written into roots.
    pub renewed_roots: Mutex<usize>,
    /// What the package manager says of versions after installations.
    pub versions: BTreeMap<PackageId, String>,
    /// Where installations on other targets than the head node meet.
    pub gate: Gate,
    /// The log that is planned for steps.
    pub planned_log: Option<String>,
    trace: Trace,
}

/// Steps that are at work at the same time: each waits until so many are.
#[derive(Default)]
pub struct Gate {
    /// How many there must be at the same time; none if 0.
    pub expected: usize,
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    inside: usize,
    peak: usize,
}

impl Gate {
    pub fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.inside += 1;
        state.peak = state.peak.max(state.inside);
        self.changed.notify_all();
        // Whoever comes later has nobody to wait for.
        let is_closed = |state: &mut GateState| state.peak < self.expected;
        let waited = self.changed.wait_timeout_while(state, Duration::from_secs(120), is_closed);
        let (mut state, timeout) = waited.unwrap();
        state.inside -= 1;
        assert!(!timeout.timed_out(), "{} steps at a time, and no more come", state.peak);
    }

    /// How many were at work at the same time.
    pub fn peak(&self) -> usize {
        self.state.lock().unwrap().peak
    }
}

/// The process of a run that has crashed.
pub const CRASHED_PID: u32 = u32::MAX;

impl FakeEffects {
    pub fn new(trace: &Trace) -> Self {
        Self {
            failed_transactions: Mutex::default(),
            required_actions: Mutex::default(),
            metadata: Mutex::default(),
            missing_hooks: BTreeSet::new(),
            are_forms_missing: false,
            stop_after: None,
            resolved: Mutex::default(),
            last_answers: Mutex::default(),
            root_ids: Mutex::default(),
            renewed_roots: Mutex::default(),
            versions: BTreeMap::new(),
            gate: Gate::default(),
            planned_log: None,
            trace: Arc::clone(trace),
        }
    }

    fn record(&self, word: String) {
        self.trace.lock().unwrap().push(word);
    }
}

fn join_ids(packages: &[PackageId]) -> String {
    packages.iter().map(|it| it.0.to_string()).collect::<Vec<_>>().join("+")
}

impl Effects for FakeEffects {
    fn has_hook(&self, _: &Cluster, step: &HookStep) -> bool {
        !self.missing_hooks.contains(step.hook.name())
    }

    fn has_form(&self, _: &Cluster, _: &Configure) -> bool {
        !self.are_forms_missing
    }

    fn needs_image_configuration(&self, _: &Cluster, _: StateKey, _: TargetId) -> bool {
        false
    }

    fn plan_log(&self, _: &Cluster, _: &Step, _: RunId) -> Option<String> {
        self.planned_log.clone()
    }

    fn root_id(&self, target: &Target) -> Result<Option<String>, String> {
        self.root_ids.lock().unwrap().get(&target.id).cloned().ok_or_else(|| "it is not there".to_owned())
    }

    fn renew_root_id(&self, target: &Target) -> Result<String, String> {
        let mut renewed = self.renewed_roots.lock().unwrap();
        *renewed += 1;
        let id = format!("new{renewed}");
        self.root_ids.lock().unwrap().insert(target.id, Some(id.clone()));
        Ok(id)
    }

    fn verify_inherited(
        &self,
        _: &Cluster,
        step: &VerifyInherited,
        _: RunId,
    ) -> Report<Result<BTreeSet<PackageId>, StepFailure>> {
        self.record(format!("confirm:{}:{}", step.target.0, join_ids(&step.packages)));
        Report::new(Ok(BTreeSet::new()))
    }

    fn install(&self, _: &Cluster, step: &Install, _: RunId) -> Report<InstallOutcome> {
        let word = format!("install:{}:{}:{}", step.target.0, step.stage.id(), join_ids(&step.packages));
        let failed = self.failed_transactions.lock().unwrap().remove(&word);
        self.record(word);
        if step.target != SERVER {
            self.gate.pass();
        }
        let metadata = std::mem::take(&mut *self.metadata.lock().unwrap());
        let installed =
            InstallOutcome::Installed { metadata, failures: BTreeMap::new(), untouched: BTreeMap::new() };
        let report = Report::new(failed.map_or(installed, InstallOutcome::TransactionFailed));
        let versions = self.versions.iter().filter(|(package, _)| step.packages.contains(package));
        let versions = versions.map(|(package, version)| (*package, version.clone())).collect();
        Report { trace: StepTrace { versions, ..report.trace }, ..report }
    }

    fn run_hook(&self, _: &Cluster, step: &HookStep, _: RunId) -> Report<Result<(), StepFailure>> {
        self.record(format!("{}:{}", step.hook.name(), step.key.package.0));
        Report::new(Ok(()))
    }

    fn configure(&self, _: &Cluster, step: &Configure, known: &ConfigValues) -> Report<ConfigureOutcome> {
        self.record(format!("configure:{}", step.key.package.0));
        self.last_answers.lock().unwrap().clone_from(known);
        Report::new(match self.required_actions.lock().unwrap().remove(&step.key.package) {
            Some(action) => ConfigureOutcome::ActionRequired(action),
            None => ConfigureOutcome::Configured(std::mem::take(&mut *self.resolved.lock().unwrap())),
        })
    }

    fn configure_image(
        &self,
        _: &Cluster,
        _: StateKey,
        _: TargetId,
        known: &ConfigValues,
    ) -> Report<Result<ConfigValues, StepFailure>> {
        self.last_answers.lock().unwrap().clone_from(known);
        Report::new(Ok(std::mem::take(&mut *self.resolved.lock().unwrap())))
    }

    fn remove(&self, _: &Cluster, step: &Remove, _: RunId) -> Report<RemoveOutcome> {
        let Remove { target, packages, down_to } = step;
        self.record(format!("remove:{}:{}:{}", target.0, down_to.id(), join_ids(packages)));
        Report::new(RemoveOutcome::removed())
    }

    fn is_run_alive(&self, run: &Run) -> bool {
        run.pid != CRASHED_PID
    }

    fn clean_up(&self, crashed: RunId) -> Vec<String> {
        self.record(format!("clean up {}", crashed.0));
        Vec::new()
    }

    fn stop_requested(&self) -> bool {
        let effects = self
            .trace
            .lock()
            .unwrap()
            .iter()
            .filter(|it| it.contains(':') && !it.starts_with("commit"))
            .count();
        self.stop_after.is_some_and(|it| effects >= it)
    }
}

/// Time that goes on by a second with each look at it.
#[derive(Default)]
pub struct TickingClock(Cell<i64>);

impl Clock for TickingClock {
    fn now(&self) -> i64 {
        self.0.set(self.0.get() + 1000);
        self.0.get()
    }
}

/// Listens to notes.
#[derive(Default)]
pub struct RecordingObserver(pub Vec<String>);

impl Observer for RecordingObserver {
    fn work_started(&mut self, _: &Cluster, _: &Step) {}

    fn work_finished(&mut self, _: &Cluster, _: &Step, _: &StepStatus, _: &StepTrace) {}

    fn note(&mut self, text: &str) {
        self.0.push(text.to_owned());
    }
}

pub const SERVER: TargetId = TargetId(1);

/// A head node in the last phase, and packages of these numbers.
pub fn head_node_cluster(packages: &[i64]) -> Cluster {
    let mut cluster = Cluster { phase: Phase::TestInstall, ..Cluster::default() };
    let address = TargetAddress { kind: TargetKind::Server, name: "head".parse().unwrap() };
    cluster.apply(&Change::PutTarget(Target { id: SERVER, address, root: None, image: None }));
    for id in packages {
        cluster.apply(&Change::PutPackage(package(*id)));
    }
    cluster
}

pub fn package(id: i64) -> Package {
    Package {
        id: PackageId(id),
        name: format!("p{id}").parse().unwrap(),
        class: PackageClass::ThirdParty,
        version: None,
        dependencies: Vec::new(),
        waiting_for: None,
    }
}

pub fn with_request(mut cluster: Cluster, package: i64, stage: Stage) -> Cluster {
    let key = StateKey { target: SERVER, package: PackageId(package) };
    cluster.apply(&Change::Request { key, stage, requested_at: 0 });
    cluster
}
