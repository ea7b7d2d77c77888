//! One run: from a loaded cluster to the point where nothing more can be done.
//!
//! Write-ahead: that a step begins is committed before it does, what came of it right after. A run that crashes in
//! between leaves rows in state `running`; the next one takes the same stages again.

use std::collections::BTreeSet;

use opkg_oda::{
    Change, Cluster, EventFilter, PackageId, Recorded, RunId, RunStatus, Store, TargetId, TargetKind,
    UnfinishedRun, WorkState,
};

use crate::clock::Clock;
pub use crate::concurrency::Concurrency;
use crate::effects::Effects;
use crate::journal;
use crate::machine::{FinishedStep, Scope, StageMachine, WorkItem, representatives};
pub use crate::observer::Observer;
use crate::requests;
use crate::roots::{self, find_replaced};
pub use crate::run_error::RunError;
pub use crate::step_loop::RunIdentity;
use crate::step_loop::{Progress, StepLoop};

/// What a run is to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunOptions {
    /// The targets that this engine maintains.
    pub targets: BTreeSet<TargetId>,
    /// These packages only; all if absent.
    pub packages: Option<BTreeSet<PackageId>>,
    /// Clears errors first.
    pub retry: bool,
    /// How many steps may be in flight at a time.
    pub concurrency: Concurrency,
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
    /// How often a rollout came further: targets were let go, it stopped, or it was over.
    pub advances: usize,
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
    pub effects: &'a dyn Effects,
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
        if self.store.has_pending_work()? {
            let known = self.store.load_part_overview(&order.targets)?;
            return self.run_from(known, order);
        }
        let known = self.store.load_identified_targets()?;
        let replaced = find_replaced(&known, &order.targets, |target| self.effects.root_id(target));
        match replaced.as_slice() {
            [] => Ok(idle_summary()),
            _ => self.run_from(known, order),
        }
    }

    /// Likewise, where what the targets are about was just read, as [`Store::load_part_overview`] does.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn run_from(&mut self, known: Cluster, order: &RunOptions) -> Result<RunSummary, RunError> {
        self.recover_crashed_runs()?;
        let replaced = find_replaced(&known, &order.targets, |target| self.effects.root_id(target));
        let (can_do_something, known) = can_do_something(known, order);
        if replaced.is_empty() && !order.retry && !can_do_something {
            let has_errors = has_errors(&known, order);
            return Ok(RunSummary { cluster: Some(known), has_errors, ..idle_summary() });
        }
        let targets: Vec<TargetId> = order.targets.iter().copied().collect();
        // Held until the end of the run.
        let _lock = match self.store.lock(&targets)? {
            Ok(lock) => lock,
            Err(holder) => return Err(RunError::locked(&self.store.load_targets()?, holder)),
        };
        let now = self.now_seconds();
        roots::identify(self.store, self.effects, self.observer, &order.targets, &known, now)?;
        if order.retry {
            let now = self.now_seconds();
            let (packages, targets) = (order.packages.as_ref(), &order.targets);
            self.store.update(&mut |cluster| requests::clear_errors(cluster, packages, targets, now))?;
        }
        let cluster = if self.store.is_part_current()? {
            known
        } else {
            drop(known);
            // Those that this engine has taken over from.
            self.recover_crashed_runs()?;
            let cluster = self.store.load_part(&order.targets)?;
            // From here on only what others write counts as changed.
            self.store.has_changed()?;
            cluster
        };
        let scope = Scope { targets: order.targets.clone(), packages: order.packages.clone() };
        let mut steps = StepLoop {
            store: self.store,
            effects: self.effects,
            observer: self.observer,
            clock: self.clock,
            identity: &self.identity,
            targets: &order.targets,
            limits: order.concurrency,
            machine: StageMachine::new(cluster, scope),
            progress: Progress::default(),
        };
        let stopped = match steps.run_until_idle() {
            Err(error) if error.is_database_away() => return Err(steps.end_early(error)),
            done => done?,
        };
        let Progress { run, steps: done, failed, advances, mut pending, .. } = steps.progress;
        let cluster = steps.machine.into_cluster();
        let errors = has_errors(&cluster, order);
        if let Some(run) = run {
            let status = match (stopped, errors) {
                (true, _) => RunStatus::Interrupted,
                (_, true) => RunStatus::Failed,
                _ => RunStatus::Done,
            };
            pending.push(Change::EndRun { run, ended_at: self.clock.now(), status });
        }
        match run {
            // What was let go alone is decided again where it does not get there.
            None => self.store.commit(&pending)?,
            Some(_) => {
                if let Recorded::OnDisk { path, reason } = self.store.record_results(&pending)? {
                    return Err(RunError::ResultsOnDisk { path, reason });
                }
            }
        }
        let cluster = Some(cluster);
        Ok(RunSummary { run, steps: done, failed, advances, cluster, stopped, has_errors: errors })
    }

    /// Runs that neither ended nor live: what they left running is ended, and the journal says so. The name of the
    /// machine does not count, which may have changed since.
    fn recover_crashed_runs(&mut self) -> Result<(), RunError> {
        for UnfinishedRun { run, is_dead } in self.store.unfinished_runs()? {
            if !is_dead && self.effects.is_run_alive(&run) {
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
                    result: Box::new(journal::interrupted_result(ended, "the run crashed")),
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

fn idle_summary() -> RunSummary {
    RunSummary {
        run: None,
        steps: 0,
        failed: 0,
        advances: 0,
        cluster: None,
        stopped: false,
        has_errors: false,
    }
}

/// Whether anything can be done now; otherwise all rows wait for something, or failed. That is seen from one of the targets
/// that are alike, so that it costs little, however often it is asked. Gives the cluster back.
fn can_do_something(cluster: Cluster, order: &RunOptions) -> (bool, Cluster) {
    let targets = representatives(&cluster, &order.targets);
    let mut machine = StageMachine::new(cluster, Scope { targets, packages: order.packages.clone() });
    (machine.next_work().is_some(), machine.into_cluster())
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
            WorkItem::AdvanceRollout(advance) => {
                machine.advance_rollout(advance);
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
