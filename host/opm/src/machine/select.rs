//! Which piece of work comes next.
//!
//! One pass goes through removals and then, stage by stage, through all targets. Passes follow each other until
//! one finds nothing: every piece of work moves a row, or bars it, so that comes to an end. A pass is broken off
//! after a slot that has made work for earlier ones: clients that were told to begin take the first stages before
//! the head node goes on to the next.

use opkg_oda::{Key, Kind, PackageId, Stage, State, TargetId};

use super::verdict::{Due, Verdict, verdict};
use super::work::Work;
use super::{Machine, Part, parts};

/// As many rows come to a stage without work in one transaction at most.
const MARKED_TOGETHER: usize = 10_000;

/// Where a pass has come to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Position {
    slot: usize,
    /// Index into the targets of the slot.
    target: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    /// Rows that a dead run has left in state `running`, and which have nothing to do now.
    Interrupted,
    Confirm,
    /// Rows that come down to a stage without work.
    Lower(Stage),
    Leave,
    /// Rows that come through a stage without work.
    Mark(Stage),
    /// Rows for which the stage is work.
    Stage(Stage),
}

const SLOTS: [Slot; 19] = [
    Slot::Interrupted,
    Slot::Confirm,
    Slot::Lower(Stage::InstallBinPkgs),
    Slot::Leave,
    Slot::Lower(Stage::ShouldNotBeInstalled),
    Slot::Mark(Stage::ShouldBeInstalled),
    Slot::Stage(Stage::ShouldBeInstalled),
    Slot::Mark(Stage::RunConfigurator),
    Slot::Stage(Stage::RunConfigurator),
    Slot::Mark(Stage::InstallBinPkgs),
    Slot::Stage(Stage::InstallBinPkgs),
    Slot::Stage(Stage::PostImage),
    Slot::Mark(Stage::PostImage),
    Slot::Stage(Stage::PostClients),
    Slot::Mark(Stage::PostClients),
    Slot::Stage(Stage::PostInstall),
    Slot::Mark(Stage::PostInstall),
    Slot::Stage(Stage::Finished),
    Slot::Mark(Stage::Finished),
];

impl Machine {
    /// The next piece of work; `None` when nothing is left that can be done now.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<Work> {
        loop {
            let Some(slot) = SLOTS.get(self.position.slot) else {
                if !std::mem::take(&mut self.moved) {
                    return None;
                }
                self.position = Position::default();
                continue;
            };
            if let Some(work) = self.work_in(*slot) {
                self.moved = true;
                return Some(work);
            }
            let slot = if std::mem::take(&mut self.restart) { 0 } else { self.position.slot + 1 };
            self.position = Position { slot, target: 0 };
        }
    }

    /// The next work of a slot, from the present target on.
    fn work_in(&mut self, slot: Slot) -> Option<Work> {
        if let Slot::Mark(stage) | Slot::Lower(stage) = slot {
            return self.mark(slot, stage);
        }
        while self.position.target < self.targets.len() {
            // Packages come to the server first and leave it last.
            let index = match slot {
                Slot::Leave => self.targets.len() - 1 - self.position.target,
                _ => self.position.target,
            };
            let target = self.targets[index];
            let work = match slot {
                Slot::Interrupted => self.left_running(target),
                Slot::Confirm => self.confirm(target),
                Slot::Leave => self.leave(target),
                Slot::Stage(stage) => self.stage(target, stage),
                Slot::Mark(_) | Slot::Lower(_) => None,
            };
            if work.is_some() {
                return work;
            }
            self.position.target += 1;
        }
        None
    }

    /// As many rows as come to a stage without work, of this target and those after it.
    fn mark(&mut self, slot: Slot, stage: Stage) -> Option<Work> {
        let mut rows = Vec::new();
        while self.position.target < self.targets.len() && rows.len() < MARKED_TOGETHER {
            let target = self.targets[self.position.target];
            let first = rows.len();
            let up = matches!(slot, Slot::Mark(_));
            if !(up && is_work(self.kind(target), stage)) {
                let mut candidates: Vec<Key> = self.candidates(target).collect();
                if !up {
                    candidates.reverse();
                }
                for key in candidates {
                    let beside = |package| rows[first..].contains(&Key { package, ..key });
                    let verdict = verdict(&self.cluster, &self.order, key, &beside);
                    let lowered = verdict == Verdict::Due(Due::Down(stage)) && !self.is_removal(key, stage);
                    if up && is_stage(&verdict, stage) || !up && lowered {
                        rows.push(key);
                    }
                }
            }
            self.position.target += 1;
        }
        (!rows.is_empty()).then_some(Work::Mark { stage, rows })
    }

    fn left_running(&self, target: TargetId) -> Option<Work> {
        self.candidates(target).find_map(|key| {
            let row = self.cluster.row(key).filter(|it| it.state == State::Running)?;
            let due = matches!(self.verdict(key), Verdict::Due(_));
            (!due).then(|| Work::Mark { stage: row.current, rows: vec![key] })
        })
    }

    fn confirm(&self, target: TargetId) -> Option<Work> {
        let due = |key: &Key| self.verdict(*key) == Verdict::Due(Due::Confirm);
        let packages: Vec<PackageId> = self.candidates(target).filter(due).map(|key| key.package).collect();
        (!packages.is_empty()).then_some(Work::Confirm { target, packages })
    }

    /// What depends on others leaves before them.
    fn leave(&self, target: TargetId) -> Option<Work> {
        let mut candidates: Vec<Key> = self.candidates(target).collect();
        candidates.reverse();
        candidates.into_iter().find_map(|key| match self.verdict(key) {
            Verdict::Due(Due::Down(to)) if self.is_removal(key, to) => Some(Work::Remove { key, to }),
            _ => None,
        })
    }

    /// Whether something must be removed where a row comes down to a stage.
    fn is_removal(&self, key: Key, to: Stage) -> bool {
        match to {
            Stage::ShouldBeInstalled => true,
            Stage::ShouldNotBeInstalled => {
                // A client part may be left by an attempt that began at the lowest stages.
                let attempted = self.cluster.row(key).is_some_and(|it| it.attempts > 0);
                self.kind(key.target) == Kind::Server || attempted
            }
            _ => false,
        }
    }

    fn stage(&self, target: TargetId, stage: Stage) -> Option<Work> {
        if !is_work(self.kind(target), stage) {
            return None;
        }
        match stage {
            Stage::ShouldBeInstalled | Stage::InstallBinPkgs => self.install(target, stage),
            Stage::PostImage => self.candidates(target).find_map(|key| self.post_image(key)),
            _ => self.candidates(target).find_map(|key| self.part(key, stage)),
        }
    }

    fn install(&self, target: TargetId, stage: Stage) -> Option<Work> {
        let mut packages = Vec::new();
        for key in self.candidates(target) {
            let verdict = verdict(&self.cluster, &self.order, key, &|it| packages.contains(&it));
            if is_stage(&verdict, stage) {
                packages.push(key.package);
                if self.apart.contains(&(target, stage)) {
                    break;
                }
            }
        }
        (!packages.is_empty()).then_some(Work::Install { target, stage, packages })
    }

    fn post_image(&self, key: Key) -> Option<Work> {
        use super::work::Hook::PostImage;
        match self.verdict(key) {
            Verdict::Due(Due::Image(image)) => {
                Some(Work::Hook { key, stage: Stage::PostImage, hook: PostImage, image: Some(image) })
            }
            verdict if is_stage(&verdict, Stage::PostImage) => {
                Some(Work::Mark { stage: Stage::PostImage, rows: vec![key] })
            }
            _ => None,
        }
    }

    fn part(&self, key: Key, stage: Stage) -> Option<Work> {
        if !is_stage(&self.verdict(key), stage) {
            return None;
        }
        let part = parts(stage).get(self.parts.get(&key).copied().unwrap_or(0))?;
        Some(match part {
            Part::Hook(hook) => Work::Hook { key, stage, hook: *hook, image: None },
            Part::Configurator => Work::Configure { key },
        })
    }

    /// The rows of a target that this run is about, in the order of packages.
    fn candidates(&self, target: TargetId) -> impl Iterator<Item = Key> {
        let rows = self.cluster.rows.get(&target);
        let sequence = if rows.is_some() { self.order.sequence() } else { &[] };
        sequence
            .iter()
            .copied()
            .filter(move |package| rows.is_some_and(|it| it.get(*package).is_some()))
            .filter(|package| self.scope.packages.as_ref().is_none_or(|it| it.contains(package)))
            .map(move |package| Key { target, package })
            .filter(|key| !self.barred.contains(key))
    }
}

/// Whether anything is to be done in a stage on a target of this kind.
fn is_work(kind: Kind, stage: Stage) -> bool {
    match stage {
        Stage::InstallBinPkgs => true,
        Stage::ShouldNotBeInstalled | Stage::Finished => false,
        _ => kind == Kind::Server,
    }
}

fn is_stage(verdict: &Verdict, stage: Stage) -> bool {
    matches!(verdict, Verdict::Due(Due::Up(it) | Due::Again(it)) if *it == stage)
}
