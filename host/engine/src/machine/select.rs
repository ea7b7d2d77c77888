//! Which work comes next.
//!
//! One pass goes through removals and then, stage by stage, through all targets. Passes follow each other until
//! one finds nothing: every piece of work moves a row, or keeps it from being tried again, so that comes to an end. A
//! pass starts over after a slot that has made work for earlier ones: clients that were told to begin take the first
//! stages before the head node goes on to the next.
//!
//! Several steps may be in flight: at most one on each target, all of them of one slot, and one of the head node alone. What
//! images and clients do in a slot depends on nothing that others of them do in it, so that the order in which these steps end
//! changes nothing. What the head node does may depend on all of them and changes what they may do: there packages say what
//! they depend on, there clients are handed their work over.

use opkg_oda::{PackageId, Stage, StateKey, TargetId, TargetKind, WorkState};

use super::decision::{Decision, NextStep, decide};
use super::hook::Hook;
use super::parts::{StagePart, stage_parts};
use super::rollouts::next_advance;
use super::slots::{Cursor, SLOTS, Slot};
use super::stage_machine::StageMachine;
use super::work::{Configure, HookStep, Install, Remove, SetStage, Step, VerifyInherited, WorkItem};

/// As many rows come to a stage without work in one transaction at most.
const MAX_ROWS_PER_TRANSACTION: usize = 10_000;

/// Whether a target has work in a slot.
enum Availability {
    Work(WorkItem),
    /// That depends on the end of a step in flight.
    NotNow,
    Nothing,
}

impl StageMachine {
    /// The next piece of work that may be begun now. `None`, while steps are in flight, means that it depends on the end of
    /// one of them; otherwise that nothing is left that can be done now. A step that was not begun
    /// is named again.
    pub fn next_work(&mut self) -> Option<WorkItem> {
        loop {
            let Some(slot) = SLOTS.get(self.cursor.slot) else {
                if !std::mem::take(&mut self.progressed) {
                    return None;
                }
                self.cursor = Cursor::default();
                continue;
            };
            if let Some(work) = self.next_in_slot(*slot) {
                self.progressed = true;
                return Some(work);
            }
            if !self.in_flight.is_empty() {
                return None;
            }
            let slot = if std::mem::take(&mut self.restart_pass) { 0 } else { self.cursor.slot + 1 };
            self.cursor = Cursor { slot, ..Cursor::default() };
        }
    }

    /// The next work of a slot: of the targets that may have more, then of those after them.
    fn next_in_slot(&mut self, slot: Slot) -> Option<WorkItem> {
        if let Slot::SetStage(stage) | Slot::Lower(stage) = slot {
            return self.set_stage_work(slot, stage);
        }
        if slot == Slot::Rollouts {
            return self.rollout_work();
        }
        let asked_before: Vec<usize> = self.cursor.unfinished.iter().copied().collect();
        for place in asked_before {
            match self.work_at(slot, place) {
                Availability::Work(work) => return Some(work),
                Availability::NotNow => {}
                Availability::Nothing => {
                    self.cursor.unfinished.remove(&place);
                }
            }
        }
        while self.cursor.target < self.targets.len() {
            let place = self.cursor.target;
            match self.work_at(slot, place) {
                Availability::Work(work) => {
                    self.cursor.unfinished.insert(place);
                    self.cursor.target += 1;
                    return Some(work);
                }
                Availability::NotNow => return None,
                Availability::Nothing => self.cursor.target += 1,
            }
        }
        None
    }

    /// What the target at a place of a slot's order has to do.
    fn work_at(&self, slot: Slot, place: usize) -> Availability {
        // Packages come to the server first and leave it last.
        let index = match slot {
            Slot::Remove => self.targets.len() - 1 - place,
            _ => place,
        };
        let target = self.targets[index];
        if !self.may_begin_on(target) {
            return Availability::NotNow;
        }
        let work = match slot {
            Slot::Interrupted => self.interrupted_work(target),
            Slot::VerifyInherited => self.verify_work(target),
            Slot::Remove => self.removal_work(target),
            Slot::RunStage(stage) => self.stage_work(target, stage),
            Slot::Rollouts | Slot::SetStage(_) | Slot::Lower(_) => None,
        };
        work.map_or(Availability::Nothing, Availability::Work)
    }

    /// The head node's engine alone decides about rollouts: it sees all of their targets.
    fn rollout_work(&self) -> Option<WorkItem> {
        let is_of_head = self.targets.iter().any(|target| self.target_kind(*target) == TargetKind::Server);
        let next = is_of_head.then(|| next_advance(&self.cluster, &self.order)).flatten();
        next.map(WorkItem::AdvanceRollout)
    }

    /// Whether no step in flight is in the way of one on a target.
    fn may_begin_on(&self, target: TargetId) -> bool {
        let is_server = |target: TargetId| self.target_kind(target) == TargetKind::Server;
        if is_server(target) {
            return self.in_flight.is_empty();
        }
        let root = |target: TargetId| self.cluster.targets.get(&target).and_then(|it| it.root.as_deref());
        // Whoever gave two targets one root has one root.
        let shares_root = |other: TargetId| root(other).is_some_and(|path| root(target) == Some(path));
        let is_in_the_way = |other: &TargetId| *other == target || is_server(*other) || shares_root(*other);
        !self.in_flight.iter().any(is_in_the_way)
    }

    /// As many rows as come to a stage without work, of this target and those after it.
    fn set_stage_work(&mut self, slot: Slot, stage: Stage) -> Option<WorkItem> {
        let mut rows = Vec::new();
        while self.cursor.target < self.targets.len() && rows.len() < MAX_ROWS_PER_TRANSACTION {
            let target = self.targets[self.cursor.target];
            let first = rows.len();
            let up = matches!(slot, Slot::SetStage(_));
            if !(up && has_work(self.target_kind(target), stage)) {
                let mut candidates: Vec<StateKey> = self.candidates(target).collect();
                if !up {
                    candidates.reverse();
                }
                for key in candidates {
                    let same_transaction = |package| rows[first..].contains(&StateKey { package, ..key });
                    let decision = decide(&self.cluster, &self.order, key, &same_transaction);
                    let lowered =
                        decision == Decision::Ready(NextStep::Lower(stage)) && !self.is_removal(key, stage);
                    if up && completes_stage(&decision, stage) || !up && lowered {
                        rows.push(key);
                    }
                }
            }
            self.cursor.target += 1;
        }
        (!rows.is_empty()).then_some(WorkItem::SetStage(SetStage { stage, rows }))
    }

    fn interrupted_work(&self, target: TargetId) -> Option<WorkItem> {
        self.candidates(target).find_map(|key| {
            let row = self.cluster.state(key).filter(|it| it.work_state == WorkState::Running)?;
            let due = matches!(self.decision(key), Decision::Ready(_));
            (!due).then(|| WorkItem::SetStage(SetStage { stage: row.current, rows: vec![key] }))
        })
    }

    fn verify_work(&self, target: TargetId) -> Option<WorkItem> {
        let due = |key: &StateKey| self.decision(*key) == Decision::Ready(NextStep::VerifyInherited);
        let packages: Vec<PackageId> = self.candidates(target).filter(due).map(|key| key.package).collect();
        (!packages.is_empty())
            .then_some(WorkItem::Step(Step::VerifyInherited(VerifyInherited { target, packages })))
    }

    /// All that may leave together. What depends on others leaves before them, or with them where all of it goes: of what
    /// stays at the head node with its common part, that part may need any part of another package.
    fn removal_work(&self, target: TargetId) -> Option<WorkItem> {
        let is_server = self.target_kind(target) == TargetKind::Server;
        let is_singly = self.retry_singly.contains(&(target, Slot::Remove));
        let mut candidates: Vec<StateKey> = self.candidates(target).collect();
        candidates.reverse();
        let mut step: Option<Remove> = None;
        let mut due_later = Vec::new();
        for key in candidates {
            let goes_along = |package: PackageId| {
                step.as_ref().is_some_and(|step| {
                    let is_all_of_it = !is_server || step.down_to == Stage::ShouldNotBeInstalled;
                    is_all_of_it && step.packages.contains(&package)
                })
            };
            let decision = decide(&self.cluster, &self.order, key, &goes_along);
            let Decision::Ready(NextStep::Lower(to)) = decision else { continue };
            let is_needed_still =
                self.order.dependents(key.package).iter().any(|package| due_later.contains(package));
            if is_needed_still || !self.is_removal(key, to) {
                continue;
            }
            let step = step.get_or_insert_with(|| Remove { target, packages: Vec::new(), down_to: to });
            match step.down_to == to {
                true => step.packages.push(key.package),
                false => due_later.push(key.package),
            }
            if is_singly {
                break;
            }
        }
        step.map(|step| WorkItem::Step(Step::Remove(step)))
    }

    /// Whether something must be removed where a row comes down to a stage.
    fn is_removal(&self, key: StateKey, to: Stage) -> bool {
        match to {
            Stage::ShouldBeInstalled => true,
            Stage::ShouldNotBeInstalled => {
                // A client part may be left by an attempt that began at the lowest stages.
                let attempted = self.cluster.state(key).is_some_and(|it| it.attempts > 0);
                self.target_kind(key.target) == TargetKind::Server || attempted
            }
            _ => false,
        }
    }

    fn stage_work(&self, target: TargetId, stage: Stage) -> Option<WorkItem> {
        if !has_work(self.target_kind(target), stage) {
            return None;
        }
        match stage {
            Stage::ShouldBeInstalled | Stage::InstallBinPkgs => self.install_work(target, stage),
            Stage::PostImage => self.candidates(target).find_map(|key| self.image_hook_work(key)),
            _ => self.candidates(target).find_map(|key| self.part_work(key, stage)),
        }
    }

    fn install_work(&self, target: TargetId, stage: Stage) -> Option<WorkItem> {
        let mut packages = Vec::new();
        for key in self.candidates(target) {
            let decision = decide(&self.cluster, &self.order, key, &|it| packages.contains(&it));
            if completes_stage(&decision, stage) {
                packages.push(key.package);
                if self.retry_singly.contains(&(target, Slot::RunStage(stage))) {
                    break;
                }
            }
        }
        (!packages.is_empty()).then_some(WorkItem::Step(Step::Install(Install { target, stage, packages })))
    }

    fn image_hook_work(&self, key: StateKey) -> Option<WorkItem> {
        match self.decision(key) {
            Decision::Ready(NextStep::ImageHook(image)) => {
                let (stage, hook) = (Stage::PostImage, Hook::PostImage);
                Some(WorkItem::Step(Step::Hook(HookStep { key, stage, hook, image: Some(image) })))
            }
            decision if completes_stage(&decision, Stage::PostImage) => {
                Some(WorkItem::SetStage(SetStage { stage: Stage::PostImage, rows: vec![key] }))
            }
            _ => None,
        }
    }

    fn part_work(&self, key: StateKey, stage: Stage) -> Option<WorkItem> {
        if !completes_stage(&self.decision(key), stage) {
            return None;
        }
        let part = stage_parts(stage).get(self.completed_parts.get(&key).copied().unwrap_or(0))?;
        Some(WorkItem::Step(match part {
            StagePart::Hook(hook) => Step::Hook(HookStep { key, stage, hook: *hook, image: None }),
            StagePart::Configurator => Step::Configure(Configure { key }),
        }))
    }

    /// The rows of a target that this run is about, in the order of packages.
    fn candidates(&self, target: TargetId) -> impl Iterator<Item = StateKey> {
        let rows = self.cluster.states.get(&target);
        let sequence = if rows.is_some() { self.order.sequence() } else { &[] };
        sequence
            .iter()
            .copied()
            .filter(move |package| rows.is_some_and(|it| it.get(*package).is_some()))
            .filter(|package| self.scope.packages.as_ref().is_none_or(|it| it.contains(package)))
            .map(move |package| StateKey { target, package })
            .filter(|key| !self.skip.contains(key))
    }
}

/// Whether anything is to be done in a stage on a target of this kind.
fn has_work(kind: TargetKind, stage: Stage) -> bool {
    match stage {
        Stage::InstallBinPkgs => true,
        Stage::ShouldNotBeInstalled | Stage::Finished => false,
        _ => kind == TargetKind::Server,
    }
}

fn completes_stage(decision: &Decision, stage: Stage) -> bool {
    matches!(decision, Decision::Ready(NextStep::Advance(it) | NextStep::Rerun(it)) if *it == stage)
}
