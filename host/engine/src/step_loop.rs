//! The steps of a run, from the first to the point where nothing more can be done.
//!
//! One thread asks the machine, writes the database and tells the observer; others do the steps that were begun. Write-ahead:
//! that steps begin is committed before they do, what came of one right after. Steps that are begun or end together are
//! committed together, and with them the stages before and after in which nothing is to be done.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use opkg_oda::{
    Change, ConfigValues, Error, EventId, ProcessIdentity, Recorded, Run, RunId, RunStatus, Store, TargetId,
};

use crate::clock::Clock;
use crate::concurrency::{Concurrency, StepCounts};
use crate::config_values::{answers_changed, load_values, values_change};
use crate::effects::Effects;
use crate::format;
use crate::journal;
use crate::machine::{FinishedStep, StageMachine, Step, WorkItem};
use crate::observer::Observer;
use crate::perform::{PerformedStep, configured_package, has_effect, perform};
use crate::run_error::RunError;
use crate::versions;
use crate::workers::Workers;

/// So often the database hears that this engine is still there, while steps take their time.
const LOCK_RENEWAL: Duration = Duration::from_secs(15);
/// As many marks are committed at once at most.
const MAX_MARKS: usize = 10_000;

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

impl RunIdentity {
    /// A run that begins; the database gives it its id.
    pub(crate) fn new_run(&self, started_at: i64) -> Run {
        Run {
            id: RunId(0),
            started_at,
            ended_at: None,
            status: None,
            host: self.host.clone(),
            pid: self.pid,
            process: self.process.clone(),
            command: self.command.clone(),
        }
    }
}

/// What a run works with, and what it keeps track of.
pub(crate) struct StepLoop<'a> {
    pub(crate) store: &'a mut dyn Store,
    pub(crate) effects: &'a dyn Effects,
    pub(crate) observer: &'a mut dyn Observer,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) identity: &'a RunIdentity,
    /// The targets that this engine maintains.
    pub(crate) targets: &'a BTreeSet<TargetId>,
    pub(crate) limits: Concurrency,
    pub(crate) machine: StageMachine,
    pub(crate) progress: Progress,
}

/// What a run has done so far.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Gets into the journal with the first work.
    pub(crate) run: Option<RunId>,
    /// Steps that came to their end.
    pub(crate) steps: usize,
    /// How many of them failed.
    pub(crate) failed: usize,
    /// How often a rollout came further.
    pub(crate) advances: usize,
    in_flight: StepCounts,
    last_event: u32,
    /// What is not committed yet: stages that were reached without anything to do, and steps that are about to begin.
    pub(crate) pending: Vec<Change>,
}

/// What is to be done next.
enum NextStep {
    Is(Step),
    /// Not known yet: so much is to be committed before.
    IsBehindManyMarks,
    /// Nothing, or it was asked to stop.
    IsNone,
}

/// A step in flight.
struct StartedStep {
    event: EventId,
    step: Step,
}

/// A step that a worker has done.
struct EndedStep {
    started: StartedStep,
    performed: PerformedStep,
}

impl StepLoop<'_> {
    /// Works until nothing is left; what is pending then is to be committed with the end of the run. The answer is whether it
    /// was asked to stop before.
    ///
    /// # Errors
    /// When the database fails, or there is no thread for a step; what is in flight then comes to its end first. Where the
    /// database is away, what came of it is recorded.
    pub(crate) fn run_until_idle(&mut self) -> Result<bool, RunError> {
        thread::scope(|scope| {
            let mut workers = Workers::new(scope);
            let done = self.work_until_idle(&mut workers);
            if done.as_ref().is_err_and(RunError::is_database_away) {
                while workers.running() > 0 {
                    let mut ended = workers.wait(LOCK_RENEWAL);
                    self.take_results(&mut ended);
                    match self.record_results(&ended) {
                        Err(error) if !error.is_database_away() => return Err(error),
                        Err(_) | Ok(()) => {}
                    }
                }
            }
            done
        })
    }

    fn work_until_idle<'scope>(
        &mut self,
        workers: &mut Workers<'scope, '_, EndedStep>,
    ) -> Result<bool, RunError>
    where
        Self: 'scope,
    {
        loop {
            let started = self.start_steps()?;
            let cluster = self.machine.snapshot();
            for started in started {
                let known = self.load_known_values(&started.step)?;
                self.observer.work_started(&cluster, &started.step);
                let (effects, cluster, run) = (self.effects, Arc::clone(&cluster), started.event.run);
                let task = move || {
                    let performed = perform(effects, &cluster, started.step.clone(), known, run);
                    EndedStep { started, performed }
                };
                workers.start(task).map_err(RunError::Thread)?;
            }
            // Whoever changes the cluster while somebody else has it copies it.
            drop(cluster);
            if workers.running() > 0 {
                match workers.wait(LOCK_RENEWAL) {
                    ended if ended.is_empty() => self.store.renew_lock(),
                    mut ended => {
                        self.take_results(&mut ended);
                        // In one commit: a database writes each row once.
                        self.next_step()?;
                        self.record_results(&ended)?;
                    }
                }
                continue;
            }
            if self.effects.stop_requested() {
                return Ok(true);
            }
            if !self.store.has_changed()? {
                return Ok(false);
            }
            self.commit_pending()?;
            let cluster = self.store.load_part(self.targets)?;
            self.machine.reload(cluster);
        }
    }

    /// Writes down that the run ended before its time.
    pub(crate) fn end_early(&mut self, error: RunError) -> RunError {
        let Some(run) = self.progress.run else { return error };
        let mut changes = std::mem::take(&mut self.progress.pending);
        changes.push(Change::EndRun { run, ended_at: self.clock.now(), status: RunStatus::Interrupted });
        match self.store.record_results(&changes) {
            Ok(Recorded::OnDisk { path, reason }) => RunError::ResultsOnDisk { path, reason },
            Ok(Recorded::InDatabase) | Err(_) => error,
        }
    }

    /// As many steps as may be in flight now beside those that are; their beginning is committed.
    fn start_steps(&mut self) -> Result<Vec<StartedStep>, RunError> {
        let mut steps = Vec::new();
        while self.progress.in_flight.has_room(&self.limits) {
            let step = match self.next_step()? {
                NextStep::Is(step) if self.progress.in_flight.admits(&step, &self.limits) => step,
                NextStep::IsBehindManyMarks => {
                    self.commit_pending()?;
                    continue;
                }
                NextStep::Is(_) | NextStep::IsNone => break,
            };
            let run = self.ensure_started()?;
            let begun = self.machine.begin(&step, self.now_seconds());
            self.progress.pending.extend(begun);
            self.progress.in_flight.add(&step);
            self.progress.last_event += 1;
            let event = EventId { run, number: self.progress.last_event };
            let cluster = self.machine.cluster();
            let log = self.effects.plan_log(cluster, &step, run);
            let entry = journal::started_event(cluster, &step, event, self.clock.now(), log);
            self.progress.pending.extend(entry.map(Box::new).map(Change::StartEvent));
            tracing::debug!(run = run.0, event = event.number, ?step, "step begins");
            steps.push(StartedStep { event, step });
        }
        if !steps.is_empty() {
            self.commit_pending().inspect_err(|_| {
                // None of them begins; whether the database has it otherwise, nobody knows.
                let ended = self.clock.now();
                let ends = steps.iter().map(|started: &StartedStep| Change::EndEvent {
                    event: started.event,
                    result: Box::new(journal::interrupted_result(ended, "the database was away")),
                });
                self.progress.pending = ends.collect();
            })?;
        }
        Ok(steps)
    }

    /// Goes on to the next step in which something is to be done, which it does not begin. The stages before it are complete:
    /// such marks are committed with a step, with the end of the run, or before it looks at what others wrote. Should they
    /// get lost, they are made again.
    fn next_step(&mut self) -> Result<NextStep, RunError> {
        while !self.effects.stop_requested() {
            if self.progress.pending.len() >= MAX_MARKS {
                return Ok(NextStep::IsBehindManyMarks);
            }
            match self.machine.next_work() {
                None => break,
                Some(WorkItem::Step(step)) if has_effect(self.effects, self.machine.cluster(), &step) => {
                    return Ok(NextStep::Is(step));
                }
                Some(without_effect) => self.mark(&without_effect)?,
            }
        }
        Ok(NextStep::IsNone)
    }

    /// A stage is complete in which nothing is to be done.
    fn mark(&mut self, work: &WorkItem) -> Result<(), RunError> {
        // What was let go is no work of this run.
        if !matches!(work, WorkItem::AdvanceRollout(_)) {
            self.ensure_started()?;
        }
        let now = self.now_seconds();
        let marks = match work {
            WorkItem::Step(step) => self.machine.finish(&FinishedStep::succeeded(step), now),
            WorkItem::SetStage(set_stage) => self.machine.set_stage(set_stage, now),
            WorkItem::AdvanceRollout(advance) => {
                self.observer.note(&format::describe_advance(self.machine.cluster(), advance));
                self.progress.advances += 1;
                self.machine.advance_rollout(advance)
            }
        };
        self.progress.pending.extend(marks);
        Ok(())
    }

    /// Commits what waits for it, if anything does.
    fn commit_pending(&mut self) -> Result<(), RunError> {
        match std::mem::take(&mut self.progress.pending) {
            none if none.is_empty() => Ok(()),
            changes => Ok(self.store.commit(&changes)?),
        }
    }

    /// Takes over what came of steps, in the order in which they were begun.
    fn take_results(&mut self, ended: &mut [EndedStep]) {
        ended.sort_by_key(|it| it.started.event.number);
        for EndedStep { started, performed } in ended {
            let changes = self.finish_step(started, performed);
            self.progress.pending.extend(changes);
        }
    }

    /// Commits what came of steps.
    fn record_results(&mut self, ended: &[EndedStep]) -> Result<(), RunError> {
        let changes = std::mem::take(&mut self.progress.pending);
        if let Recorded::OnDisk { path, reason } = self.store.record_results(&changes)? {
            return Err(RunError::ResultsOnDisk { path, reason });
        }
        for EndedStep { started, performed } in ended {
            if let Step::Configure(_) = started.step
                && answers_changed(&performed.known, &self.load_known_values(&started.step)?)
            {
                let package = configured_package(&started.step);
                let name = package.map(|it| format::package_name(self.machine.cluster(), it));
                let name = name.unwrap_or_default();
                self.observer
                    .note(&format!("answers for {name} changed during the run: `opm reconfigure {name}`"));
            }
        }
        Ok(())
    }

    /// What must be committed when a step has ended.
    fn finish_step(&mut self, started: &StartedStep, performed: &mut PerformedStep) -> Vec<Change> {
        let StartedStep { event, step } = started;
        versions::refuse_other_versions(self.machine.cluster(), performed);
        let PerformedStep { finished, trace, known, resolved } = performed;
        let status = finished.status();
        tracing::debug!(run = event.run.0, event = event.number, ?status, "step ended");
        self.observer.work_finished(self.machine.cluster(), step, &status, trace);
        for line in versions::unchanged_by_rerun(self.machine.cluster(), step, &trace.versions) {
            self.observer.note(&line);
        }
        let mut changes = self.machine.finish(finished, self.now_seconds());
        changes.extend(self.machine.record_versions(step.target(), &trace.versions));
        changes.extend(resolved.iter().map(|(context, values)| values_change(*context, values, known)));
        let result = journal::step_result(self.machine.cluster(), &status, trace, self.clock.now());
        self.progress.in_flight.remove(step);
        self.progress.steps += 1;
        self.progress.failed += usize::from(result.status == RunStatus::Failed);
        changes.push(Change::EndEvent { event: *event, result: Box::new(result) });
        changes
    }

    /// The values that the database has for the configurator that belongs to a step.
    fn load_known_values(&mut self, step: &Step) -> Result<ConfigValues, Error> {
        match configured_package(step) {
            Some(package) => load_values(self.store, self.machine.cluster(), package),
            None => Ok(ConfigValues::new()),
        }
    }

    /// The id of the run, which gets into the journal with the first work.
    fn ensure_started(&mut self) -> Result<RunId, RunError> {
        if let Some(run) = self.progress.run {
            return Ok(run);
        }
        let started = self.store.start_run(&self.identity.new_run(self.clock.now()))?;
        self.progress.run = Some(started);
        Ok(started)
    }

    fn now_seconds(&self) -> i64 {
        self.clock.now().div_euclid(1000)
    }
}
