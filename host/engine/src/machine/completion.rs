//! What the end of a step means for the rows that it was about.

use std::collections::BTreeSet;

use opkg_oda::{
    Change, Package, PackageId, PackageState, RolloutState, Stage, StageFailure, StateKey, TargetId,
    TargetKind, WaveState, WorkState,
};

use crate::packages::{PackageMetadata, metadata_changes};

use super::outcome::{
    ConfigureOutcome, FinishedStep, InstallOutcome, RemoveFailure, RemoveOutcome, StepFailure,
};
use super::parts::stage_parts;
use super::slots::Slot;
use super::stage_machine::StageMachine;
use super::work::{
    AdvanceRollout, Configure, HookStep, Install, Remove, RolloutAdvance, SetStage, VerifyInherited,
};

impl StageMachine {
    /// What must be committed where rows come to a stage without work.
    pub fn set_stage(&mut self, set_stage: &SetStage, now: i64) -> Vec<Change> {
        let mut changes = Vec::new();
        for key in &set_stage.rows {
            if self.was_interrupted(*key, set_stage.stage) {
                self.set_idle(&[*key], now, &mut changes);
            } else {
                self.reach_stage(*key, set_stage.stage, now, &mut changes);
            }
        }
        self.apply(&changes);
        changes
    }

    /// What must be committed where a rollout comes further.
    pub fn advance_rollout(&mut self, AdvanceRollout { rollout, advance }: &AdvanceRollout) -> Vec<Change> {
        let rollout = *rollout;
        let set_state = |state| vec![Change::SetRolloutState { rollout, state }];
        let changes = match advance {
            RolloutAdvance::LetGo(targets) => {
                let state = WaveState::LetGo;
                targets.iter().map(|target| Change::SetWave { rollout, target: *target, state }).collect()
            }
            RolloutAdvance::Stop(reason) => set_state(RolloutState::Stopped(reason.clone())),
            RolloutAdvance::End(how) => set_state(RolloutState::Ended(how.clone())),
        };
        self.apply(&changes);
        changes
    }

    /// What must be committed when a step has come to its end. Its target is free for another one then.
    pub fn finish(&mut self, step: &FinishedStep, now: i64) -> Vec<Change> {
        self.in_flight.remove(&step.target());
        let mut changes = match step {
            FinishedStep::VerifyInherited(verify, result) => self.finish_verify(verify, result, now),
            FinishedStep::Install(install, outcome) => self.finish_install(install, outcome, now),
            FinishedStep::Hook(hook, result) => self.finish_hook(hook, result, now),
            FinishedStep::Configure(configure, outcome) => self.finish_configure(*configure, outcome, now),
            FinishedStep::Remove(remove, outcome) => self.finish_remove(remove, outcome, now),
        };
        self.apply(&changes);
        if let FinishedStep::Install(_, InstallOutcome::Installed { metadata, .. }) = step {
            changes.extend(self.apply_metadata(metadata));
        }
        changes
    }

    fn finish_verify(
        &mut self,
        verify: &VerifyInherited,
        result: &Result<BTreeSet<PackageId>, StepFailure>,
        now: i64,
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        match result {
            Ok(present) => {
                for key in verify.rows() {
                    self.apply_inherited(key, present.contains(&key.package), now, &mut changes);
                }
            }
            // Nothing was done that could be wrong now; another run asks again.
            Err(StepFailure::Failed(_) | StepFailure::Postponed(_)) => self.skip.extend(verify.rows()),
            Err(StepFailure::Stopped) => self.stop(&verify.rows(), now, &mut changes),
        }
        changes
    }

    fn finish_install(&mut self, install: &Install, outcome: &InstallOutcome, now: i64) -> Vec<Change> {
        let (stage, rows) = (install.stage, install.rows());
        let mut changes = Vec::new();
        match outcome {
            InstallOutcome::Installed { failures, untouched, .. } => {
                let is_single = rows.len() == 1;
                for key in rows {
                    match (failures.get(&key.package), untouched.get(&key.package)) {
                        (Some(reason), _) => self.set_error(&[key], stage, reason, now, &mut changes),
                        (None, Some(reason)) if is_single => {
                            self.set_error(&[key], stage, reason, now, &mut changes);
                        }
                        (None, Some(_)) => {
                            self.retry_singly.insert((install.target, Slot::RunStage(stage)));
                            self.set_idle(&[key], now, &mut changes);
                        }
                        (None, None) => self.reach_stage(key, stage, now, &mut changes),
                    }
                }
            }
            InstallOutcome::TransactionFailed(_) if rows.len() > 1 => {
                self.retry_singly.insert((install.target, Slot::RunStage(stage)));
                self.set_idle(&rows, now, &mut changes);
            }
            InstallOutcome::TransactionFailed(reason) | InstallOutcome::Failed(reason) => {
                self.set_error(&rows, stage, reason, now, &mut changes);
            }
            // Another run tries again.
            InstallOutcome::Postponed(reason) => self.postpone(&rows, reason, now, &mut changes),
            InstallOutcome::Stopped => self.stop(&rows, now, &mut changes),
        }
        changes
    }

    fn finish_hook(&mut self, hook: &HookStep, result: &Result<(), StepFailure>, now: i64) -> Vec<Change> {
        let mut changes = Vec::new();
        match (result, hook.image) {
            (Ok(()), Some(image)) => {
                changes.push(Change::SetImageSeen { package: hook.key.package, image, seen: true });
                if let Some(row) = self.cluster.state(hook.key) {
                    let work_state = WorkState::Idle;
                    let row = PackageState { work_state, attempts: 0, changed_at: now, ..row.clone() };
                    changes.push(Change::UpdateState(hook.key, row));
                }
            }
            (Ok(()), None) => self.complete_part(hook.key, hook.stage, now, &mut changes),
            (Err(failure), _) => self.fail(hook.key, hook.stage, failure, now, &mut changes),
        }
        changes
    }

    fn finish_configure(
        &mut self,
        Configure { key }: Configure,
        outcome: &ConfigureOutcome,
        now: i64,
    ) -> Vec<Change> {
        let stage = Stage::RunConfigurator;
        let mut changes = Vec::new();
        match outcome {
            ConfigureOutcome::Configured(_) => self.complete_part(key, stage, now, &mut changes),
            ConfigureOutcome::ActionRequired(what) => {
                self.set_idle(&[key], now, &mut changes);
                if let Some(package) = self.cluster.packages.get(&key.package) {
                    let waiting_for = Some(what.clone());
                    changes.push(Change::PutPackage(Package { waiting_for, ..package.clone() }));
                }
            }
            ConfigureOutcome::Failed(reason) => self.set_error(&[key], stage, reason, now, &mut changes),
            ConfigureOutcome::Stopped => self.stop(&[key], now, &mut changes),
        }
        changes
    }

    fn finish_remove(&mut self, remove: &Remove, outcome: &RemoveOutcome, now: i64) -> Vec<Change> {
        let rows = remove.rows();
        let is_single = rows.len() == 1;
        let mut changes = Vec::new();
        for key in rows {
            // Of what fails, the stage that should be left is told.
            let stage = self.cluster.state(key).map_or(Stage::ShouldNotBeInstalled, |row| row.current);
            let is_noted = self.noted_reruns.remove(&(key, stage));
            match outcome.remaining.get(&key.package) {
                None => self.reach_stage(key, remove.down_to, now, &mut changes),
                Some(RemoveFailure::Own(failure)) => self.fail(key, stage, failure, now, &mut changes),
                Some(RemoveFailure::Untouched(reason)) if is_single => {
                    self.set_error(&[key], stage, reason, now, &mut changes);
                }
                Some(RemoveFailure::Untouched(_)) => {
                    self.retry_singly.insert((remove.target, Slot::Remove));
                    self.set_idle(&[key], now, &mut changes);
                }
                Some(RemoveFailure::Held) => {
                    self.take_back(key, now, &mut changes);
                    let queued = is_noted.then_some(Change::SetRerun { key, stage, queued: false });
                    changes.extend(queued);
                }
            }
        }
        changes
    }

    /// Nothing was done to a row whose step was begun.
    fn take_back(&self, key: StateKey, now: i64, changes: &mut Vec<Change>) {
        let Some(row) = self.cluster.state(key) else { return };
        let (work_state, attempts) = (WorkState::Idle, row.attempts.saturating_sub(1));
        changes.push(Change::UpdateState(
            key,
            PackageState { work_state, attempts, changed_at: now, ..row.clone() },
        ));
    }

    /// What packages say of themselves, now that they are installed. The order of packages may change by it.
    fn apply_metadata(&mut self, metadata: &[PackageMetadata]) -> Vec<Change> {
        let changes = metadata_changes(&self.cluster, metadata);
        self.apply_package_changes(&changes);
        changes
    }

    fn fail(
        &mut self,
        key: StateKey,
        stage: Stage,
        failure: &StepFailure,
        now: i64,
        changes: &mut Vec<Change>,
    ) {
        match failure {
            StepFailure::Failed(reason) => self.set_error(&[key], stage, reason, now, changes),
            StepFailure::Postponed(reason) => self.postpone(&[key], reason, now, changes),
            StepFailure::Stopped => self.stop(&[key], now, changes),
        }
    }

    /// The rows stay due, with a note of what was in their way.
    fn postpone(&mut self, rows: &[StateKey], reason: &str, now: i64, changes: &mut Vec<Change>) {
        self.stop(rows, now, changes);
        let reason = Some(reason.to_owned()).filter(|reason| !reason.is_empty());
        changes.extend(rows.iter().map(|key| Change::SetPostponed { key: *key, reason: reason.clone() }));
    }

    /// The rows are no further, not in error, and not tried again in this run.
    fn stop(&mut self, rows: &[StateKey], now: i64, changes: &mut Vec<Change>) {
        self.set_idle(rows, now, changes);
        self.skip.extend(rows);
    }

    /// Whether a run crashed at this row, which has nothing to do now and has come no further than it was.
    fn was_interrupted(&self, key: StateKey, stage: Stage) -> bool {
        self.cluster.state(key).is_some_and(|it| it.work_state == WorkState::Running && it.current == stage)
    }

    /// The parts of a stage complete one after the other, and the stage with the last of them.
    fn complete_part(&mut self, key: StateKey, stage: Stage, now: i64, changes: &mut Vec<Change>) {
        let done = self.completed_parts.get(&key).copied().unwrap_or(0) + 1;
        if done < stage_parts(stage).len() {
            self.completed_parts.insert(key, done);
        } else {
            self.completed_parts.remove(&key);
            self.reach_stage(key, stage, now, changes);
        }
    }

    /// A row has come to a stage, from below or from above, or through it once more.
    fn reach_stage(&mut self, key: StateKey, stage: Stage, now: i64, changes: &mut Vec<Change>) {
        let Some(row) = self.cluster.state(key) else { return };
        let again = !row.is_being_removed() && stage <= row.current;
        let current = if again { row.current } else { stage };
        let (state, failure, attempts) = (WorkState::Idle, None, 0);
        changes.push(Change::UpdateState(
            key,
            PackageState { current, work_state: state, failure, attempts, changed_at: now, ..row.clone() },
        ));
        if row.is_being_removed() {
            if stage == Stage::ShouldNotBeInstalled {
                self.clear_removed(key, changes);
                self.restart_pass = true;
            } else {
                self.dequeue_reruns(key, |queued| queued > stage, changes);
            }
            return;
        }
        self.dequeue_reruns(key, |queued| queued == stage, changes);
        if stage == Stage::PostClients && self.target_kind(key.target) == TargetKind::Server {
            self.hand_over(key.package, now, changes);
        }
    }

    /// The clients that are to get a package are told so.
    fn hand_over(&mut self, package: PackageId, now: i64, changes: &mut Vec<Change>) {
        let waiting =
            self.cluster.assigned_clients(package).filter(|(_, handed_over_at)| handed_over_at.is_none());
        for (client, _) in waiting {
            self.restart_pass = true;
            changes.push(Change::Assign { package, client, handed_over_at: Some(now) });
            let key = StateKey { target: client, package };
            let wanted = self.cluster.state(key).is_some_and(|it| it.requested > Stage::ShouldNotBeInstalled);
            if !wanted {
                changes.push(Change::Request { key, stage: Stage::Finished, requested_at: now });
            }
        }
    }

    /// What was noted of a package on a target means nothing once it is gone from there.
    fn clear_removed(&self, key: StateKey, changes: &mut Vec<Change>) {
        let package = key.package;
        self.dequeue_reruns(key, |_| true, changes);
        changes.push(Change::SetInstalledVersion { key, version: None });
        match self.target_kind(key.target) {
            TargetKind::Client => {
                if self.cluster.assignment(key).is_some() {
                    changes.push(Change::Unassign { package, client: key.target });
                }
            }
            TargetKind::Image => self.clear_seen(package, |image| image == key.target, changes),
            TargetKind::Server => {
                self.clear_seen(package, |_| true, changes);
                let clients = self.cluster.assigned_clients(package);
                changes.extend(clients.map(|(client, _)| Change::Unassign { package, client }));
            }
        }
    }

    fn dequeue_reruns(&self, key: StateKey, which: impl Fn(Stage) -> bool, changes: &mut Vec<Change>) {
        let queued = self.cluster.reruns.get(&key).into_iter().flatten().copied();
        changes.extend(queued.filter(|it| which(*it)).map(|stage| Change::SetRerun {
            key,
            stage,
            queued: false,
        }));
    }

    fn clear_seen(&self, package: PackageId, which: impl Fn(TargetId) -> bool, changes: &mut Vec<Change>) {
        let seen = self.cluster.images_seen.iter();
        for (_, image) in seen.filter(|(of, image)| *of == package && which(*image)) {
            changes.push(Change::SetImageSeen { package, image: *image, seen: false });
        }
    }

    fn apply_inherited(&self, key: StateKey, present: bool, now: i64, changes: &mut Vec<Change>) {
        let Some(row) = self.cluster.state(key) else { return };
        let inherited = row.inherited_stage.filter(|_| present).map_or(row.current, |it| it.max(row.current));
        let current = inherited.min(Stage::InstallBinPkgs).max(row.current);
        changes.push(Change::UpdateState(
            key,
            PackageState { current, inherited_stage: None, changed_at: now, ..row.clone() },
        ));
    }

    fn set_error(
        &mut self,
        rows: &[StateKey],
        stage: Stage,
        reason: &str,
        now: i64,
        changes: &mut Vec<Change>,
    ) {
        for key in rows {
            self.completed_parts.remove(key);
            let Some(row) = self.cluster.state(*key) else { continue };
            let failure = Some(Box::new(StageFailure { stage, message: reason.to_owned() }));
            changes.push(Change::UpdateState(
                *key,
                PackageState { work_state: WorkState::Failed, failure, changed_at: now, ..row.clone() },
            ));
        }
    }

    /// The rows are neither further nor in error.
    fn set_idle(&mut self, rows: &[StateKey], now: i64, changes: &mut Vec<Change>) {
        for key in rows {
            self.completed_parts.remove(key);
            let Some(row) = self.cluster.state(*key) else { continue };
            changes.push(Change::UpdateState(
                *key,
                PackageState { work_state: WorkState::Idle, changed_at: now, ..row.clone() },
            ));
        }
    }
}
