//! One run: from a loaded cluster to the point where nothing more can be done.
//!
//! Write-ahead: that a step begins is committed before it does, what came of it right after. A run that crashes in
//! between leaves rows in state `running`; the next one takes the same stages again.

use std::collections::BTreeSet;

use opkg_oda::{
    Change, Cluster, Error, EventFilter, EventId, LockHolder, PackageId, ProcessIdentity, Run, RunId,
    RunStatus, Store, TargetId, TargetKind, WorkState,
};

use crate::clock::Clock;
use crate::config_values::{answers_changed, load_values, values_change};
use crate::effects::Effects;
use crate::journal;
use crate::machine::{Configure, FinishedStep, Scope, StageMachine, Step, WorkItem, representatives};
pub use crate::observer::Observer;
use crate::perform::{PerformedStep, has_effect, perform};
use crate::requests;
use crate::roots::{self, find_replaced};
use crate::versions;

/// As many marks are committed at once at most.
const MAX_MARKS: usize = 10_000;

/// What a run is to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunOptions {
    /// The targets that this engine maintains.
    pub targets: BTreeSet<TargetId>,
    /// These packages only; all if absent.
    pub packages: Option<BTreeSet<PackageId>>,
    /// Clears errors first.
    pub retry: bool,
}

/// Who runs, for the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunIdentity {
    /// The name of the machine.
    pub host: String,
    /// The id of the process.
    pub pid: u32,
    /// What tells the process from any other one.
    pub process: Option<ProcessIdentity>,
    /// The command as it was given.
    pub command: String,
}

/// Why a run did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Another engine works on one of the targets.
    #[error("another run works on {address}")]
    Locked {
        /// The target, as `kind:name`.
        address: String,
        /// The run that has it.
        holder: LockHolder,
    },
    /// The database failed. What was being done is taken up again by the next run.
    #[error(transparent)]
    Database(#[from] Error),
}

impl RunError {
    /// An error about the run that has a target.
    #[must_use]
    pub fn locked(cluster: &Cluster, holder: LockHolder) -> Self {
        let target = cluster.targets.get(&holder.target);
        let address = target.map_or_else(|| "a target".to_owned(), |it| it.address.to_string());
        Self::Locked { address, holder }
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSummary {
    /// Its id in the journal; absent where nothing was to be done.
    pub run: Option<RunId>,
    /// Steps that were done.
    pub steps: usize,
    /// How many of them failed.
    pub failed: usize,
    /// The cluster at the end; absent where nothing was to be done.
    pub cluster: Option<Cluster>,
    /// Whether it was asked to stop before its end.
    pub stopped: bool,
    /// Whether a package is in error on a target of this run, from now or from before.
    pub has_errors: bool,
}

/// Everything that a run works with.
pub struct Engine<'a> {
    /// The database of the cluster.
    pub store: &'a mut dyn Store,
    /// What does the steps.
    pub effects: &'a mut dyn Effects,
    /// Is told what the run does.
    pub observer: &'a mut dyn Observer,
    /// For the journal.
    pub clock: &'a dyn Clock,
    /// For the journal, from which a later run learns whether this one crashed.
    pub identity: RunIdentity,
}

impl Engine<'_> {
    /// Does all that can be done for the targets now.
    ///
    /// # Errors
    /// When another engine works on one of them, or when the database fails.
    pub fn run(&mut self, order: &RunOptions) -> Result<RunSummary, RunError> {
        self.recover_crashed_runs()?;
        let is_pending = self.store.has_pending_work()?;
        let cluster = if is_pending { self.store.load_overview()? } else { self.store.load_targets()? };
        let replaced = find_replaced(&cluster, &order.targets, |target| self.effects.root_id(target));
        if replaced.is_empty() && !is_pending {
            return Ok(idle_summary());
        }
        if replaced.is_empty()
            && !order.retry
            && let Some(cluster) = if_nothing_can_be_done(cluster, order)
        {
            let has_errors = has_errors(&cluster, order);
            return Ok(RunSummary { cluster: Some(cluster), has_errors, ..idle_summary() });
        }
        let targets: Vec<TargetId> = order.targets.iter().copied().collect();
        // Held until the end of the run.
        let _lock = match self.store.lock(&targets)? {
            Ok(lock) => lock,
            Err(holder) => return Err(RunError::locked(&self.store.load()?, holder)),
        };
        let now = self.now_seconds();
        roots::identify(self.store, self.effects, self.observer, &order.targets, now)?;
        if order.retry {
            let now = self.now_seconds();
            let (packages, targets) = (order.packages.as_ref(), &order.targets);
            self.store.update(&mut |cluster| requests::clear_errors(cluster, packages, targets, now))?;
        }
        let cluster = self.store.load()?;
        // From here on only what others write counts as changed.
        self.store.has_changed()?;
        let scope = Scope { targets: order.targets.clone(), packages: order.packages.clone() };
        let mut state = RunState {
            machine: StageMachine::new(cluster, scope),
            run: None,
            next_event: 1,
            steps: 0,
            failed: 0,
            marks: Vec::new(),
        };
        let stopped = self.run_until_idle(&mut state)?;
        let errors = has_errors(state.machine.cluster(), order);
        if let Some(run) = state.run {
            let status = match (stopped, errors) {
                (true, _) => RunStatus::Interrupted,
                (_, true) => RunStatus::Failed,
                _ => RunStatus::Done,
            };
            let ended_at = self.clock.now();
            self.store.commit(&[Change::EndRun { run, ended_at, status }])?;
        }
        Ok(RunSummary {
            run: state.run,
            steps: state.steps,
            failed: state.failed,
            cluster: Some(state.machine.into_cluster()),
            stopped,
            has_errors: errors,
        })
    }

    /// Works until nothing is left. The answer is whether it was asked to stop before.
    fn run_until_idle(&mut self, state: &mut RunState) -> Result<bool, RunError> {
        loop {
            if self.effects.stop_requested() {
                self.commit_marks(state)?;
                return Ok(true);
            }
            match state.machine.next_work() {
                Some(work) => self.do_work(state, &work)?,
                None => {
                    self.commit_marks(state)?;
                    if !self.store.has_changed()? {
                        return Ok(false);
                    }
                    let cluster = self.store.load()?;
                    state.machine.reload(cluster);
                }
            }
        }
    }

    /// Commits the marks that no step has followed.
    fn commit_marks(&mut self, state: &mut RunState) -> Result<(), RunError> {
        match std::mem::take(&mut state.marks) {
            none if none.is_empty() => Ok(()),
            marks => Ok(self.store.commit(&marks)?),
        }
    }

    /// Does a step, or marks a stage as complete in which nothing is to be done. Marks are committed with the step that
    /// follows, or before the run ends or looks at what others wrote: should they get lost, they are made again.
    fn do_work(&mut self, state: &mut RunState, work: &WorkItem) -> Result<(), RunError> {
        let marks = match work {
            WorkItem::Step(step) if has_effect(self.effects, state.machine.cluster(), step) => {
                return self.run_step(state, step);
            }
            WorkItem::Step(step) => {
                self.ensure_started(&mut state.run)?;
                state.machine.finish(&FinishedStep::succeeded(step), self.now_seconds())
            }
            WorkItem::SetStage(set_stage) => {
                self.ensure_started(&mut state.run)?;
                state.machine.set_stage(set_stage, self.now_seconds())
            }
        };
        state.marks.extend(marks);
        match state.marks.len() < MAX_MARKS {
            true => Ok(()),
            false => self.commit_marks(state),
        }
    }

    fn run_step(&mut self, state: &mut RunState, step: &Step) -> Result<(), RunError> {
        let run = self.ensure_started(&mut state.run)?;
        let machine = &mut state.machine;
        let id = EventId { run, number: state.next_event };
        state.next_event += 1;
        let mut changes = std::mem::take(&mut state.marks);
        changes.extend(machine.begin(step, self.now_seconds()));
        let log = self.effects.plan_log(machine.cluster(), step, run);
        let event = journal::started_event(machine.cluster(), step, id, self.clock.now(), log);
        changes.extend(event.map(Box::new).map(Change::StartEvent));
        self.store.commit(&changes)?;

        tracing::debug!(run = run.0, event = id.number, ?step, "step begins");
        self.observer.work_started(machine.cluster(), step);
        let mut performed = perform(self.store, self.effects, machine.cluster(), step, run)?;
        versions::refuse_other_versions(machine.cluster(), &mut performed);
        let PerformedStep { finished, trace, known, resolved } = &performed;
        let status = finished.status();
        tracing::debug!(run = run.0, event = id.number, ?status, "step ended");
        self.observer.work_finished(machine.cluster(), step, &status, trace);

        let unchanged = versions::unchanged_by_rerun(machine.cluster(), step, &trace.versions);
        for line in unchanged {
            self.observer.note(&line);
        }
        let mut changes = machine.finish(finished, self.now_seconds());
        if let Some(target) = step.rows().first().map(|key| key.target) {
            changes.extend(machine.record_versions(target, &trace.versions));
        }
        changes.extend(resolved.iter().map(|(context, values)| values_change(*context, values, known)));
        let result = journal::step_result(machine.cluster(), &status, trace, self.clock.now());
        state.steps += 1;
        state.failed += usize::from(result.status == RunStatus::Failed);
        changes.push(Change::EndEvent { event: id, result: Box::new(result) });
        self.store.commit(&changes)?;
        if let Step::Configure(Configure { key }) = step
            && answers_changed(known, &load_values(self.store, state.machine.cluster(), key.package)?)
        {
            let name = state.machine.cluster().packages.get(&key.package).map(|it| it.name.as_str());
            let name = name.unwrap_or_default();
            self.observer
                .note(&format!("answers for {name} changed during the run: `opm reconfigure {name}`"));
        }
        Ok(())
    }

    /// The id of the run, which gets into the journal with the first work.
    fn ensure_started(&mut self, run: &mut Option<RunId>) -> Result<RunId, RunError> {
        if let Some(run) = *run {
            return Ok(run);
        }
        let started = self.store.start_run(&Run {
            id: RunId(0),
            started_at: self.clock.now(),
            ended_at: None,
            status: None,
            host: self.identity.host.clone(),
            pid: self.identity.pid,
            process: self.identity.process.clone(),
            command: self.identity.command.clone(),
        })?;
        *run = Some(started);
        Ok(started)
    }

    /// Runs that neither ended nor live: what they left running is ended, and the journal says so. The name of the
    /// machine does not count, which may have changed since.
    fn recover_crashed_runs(&mut self) -> Result<(), RunError> {
        for run in self.store.unfinished_runs()? {
            if self.effects.is_run_alive(&run) {
                continue;
            }
            self.observer.note(&format!("run {} crashed; its unfinished steps are repeated", run.id.0));
            for line in self.effects.clean_up(run.id) {
                self.observer.note(&line);
            }
            let ended = self.clock.now();
            let events = self.store.events(&EventFilter { run: Some(run.id), ..EventFilter::default() })?;
            let open = events.into_iter().filter(|event| event.result.is_none());
            let mut changes: Vec<Change> = open
                .map(|event| Change::EndEvent {
                    event: event.id,
                    result: Box::new(journal::interrupted_result(ended)),
                })
                .collect();
            changes.push(Change::EndRun { run: run.id, ended_at: ended, status: RunStatus::Interrupted });
            self.store.commit(&changes)?;
        }
        Ok(())
    }

    fn now_seconds(&self) -> i64 {
        self.clock.now().div_euclid(1000)
    }
}

/// What a run keeps track of.
struct RunState {
    machine: StageMachine,
    run: Option<RunId>,
    /// Number of the next event.
    next_event: u32,
    steps: usize,
    failed: usize,
    /// Stages that were reached without anything to do, not committed yet.
    marks: Vec<Change>,
}

fn idle_summary() -> RunSummary {
    RunSummary { run: None, steps: 0, failed: 0, cluster: None, stopped: false, has_errors: false }
}

/// The cluster, if nothing can be done now: all rows wait for something, or failed. That is seen from one of the targets
/// that are alike, so that it costs little, however often it is asked.
fn if_nothing_can_be_done(cluster: Cluster, order: &RunOptions) -> Option<Cluster> {
    let targets = representatives(&cluster, &order.targets);
    let mut machine = StageMachine::new(cluster, Scope { targets, packages: order.packages.clone() });
    machine.next_work().is_none().then(|| machine.into_cluster())
}

fn has_errors(cluster: &Cluster, order: &RunOptions) -> bool {
    cluster.all_states().any(|(key, row)| {
        row.work_state == WorkState::Failed
            && order.targets.contains(&key.target)
            && order.packages.as_ref().is_none_or(|it| it.contains(&key.package))
    })
}

/// What a run would do if everything went well, without doing it. Whether a package has a hook is known only once
/// it is installed, so hooks are listed that may not be there.
#[must_use]
pub fn plan_run(cluster: Cluster, order: &RunOptions) -> Vec<WorkItem> {
    let scope = Scope { targets: order.targets.clone(), packages: order.packages.clone() };
    let mut machine = StageMachine::new(cluster, scope);
    let mut plan = Vec::new();
    while let Some(work) = machine.next_work() {
        match &work {
            WorkItem::SetStage(set_stage) => {
                machine.set_stage(set_stage, 0);
            }
            WorkItem::Step(step) => {
                machine.begin(step, 0);
                machine.finish(&FinishedStep::succeeded(step), 0);
            }
        }
        plan.push(work);
    }
    plan
}

/// The targets that an engine on a machine maintains: on the head node its own, the images, and the clients whose
/// root directories it sees; elsewhere its own alone.
#[must_use]
pub fn maintained_targets(cluster: &Cluster, own: TargetId) -> BTreeSet<TargetId> {
    let server = cluster.targets.get(&own).is_some_and(|it| it.kind() == TargetKind::Server);
    let others = cluster
        .targets
        .values()
        .filter(|target| server && target.kind() != TargetKind::Server && target.root.is_some());
    others.map(|target| target.id).chain([own]).collect()
}
