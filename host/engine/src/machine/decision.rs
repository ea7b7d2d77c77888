//! What is to be done next with one package on one target, and if nothing, why.

use opkg_oda::{
    Cluster, PackageId, PackageState, Phase, RolloutId, Stage, StateKey, Target, TargetId, TargetKind,
    WorkState,
};

use super::dependency_order::DependencyOrder;

/// What is to be done with a package on a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing: what is requested is current.
    UpToDate,
    /// This step.
    Ready(NextStep),
    /// Nothing before this has come.
    Waiting(BlockReason),
    /// Nothing before this other package, on the same target, has moved.
    BlockedBy(PackageId),
    /// Nothing before somebody clears the error.
    Failed,
}

/// A step that may be taken now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// Finding out whether the package came with the image.
    VerifyInherited,
    /// Completing the stage after the current one.
    Advance(Stage),
    /// Running a stage again that had completed.
    Rerun(Stage),
    /// Running `api-post-image` for an image.
    ImageHook(TargetId),
    /// Coming down to a stage.
    Lower(Stage),
}

/// What a package waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlockReason {
    /// The cluster has not come to this phase.
    Phase(Phase),
    /// The head node has not handed the work over to this client.
    HandOver,
    /// The configurator needs answers; which ones.
    Configuration(String),
    /// The package is still on this client or image.
    StillInstalledOn(TargetId),
    /// A request that goes out in waves has not come to the target.
    Rollout(RolloutId),
    /// Somebody works on the target itself.
    Maintenance,
    /// Somebody works on this image, about which the next step is.
    ImageInMaintenance(TargetId),
}

/// Decides about a package on a target. `same_transaction` tells which packages go through the same stage in the same
/// transaction.
#[must_use]
pub fn decide(
    cluster: &Cluster,
    order: &DependencyOrder,
    key: StateKey,
    same_transaction: &dyn Fn(PackageId) -> bool,
) -> Decision {
    let (Some(row), Some(target)) = (cluster.state(key), cluster.targets.get(&key.target)) else {
        return Decision::UpToDate;
    };
    if row.work_state == WorkState::Failed {
        return Decision::Failed;
    }
    let decision = decide_work(cluster, order, key, target, row, same_transaction);
    match decision {
        Decision::Ready(NextStep::ImageHook(image)) if cluster.is_in_maintenance(image) => {
            Decision::Waiting(BlockReason::ImageInMaintenance(image))
        }
        Decision::Ready(_) if cluster.is_in_maintenance(key.target) => {
            Decision::Waiting(BlockReason::Maintenance)
        }
        Decision::Ready(step) => match cluster.holding_rollout(key) {
            Some(rollout) => Decision::Waiting(BlockReason::Rollout(rollout)),
            None => Decision::Ready(step),
        },
        decision => decision,
    }
}

/// Whatever else is with the target.
fn decide_work(
    cluster: &Cluster,
    order: &DependencyOrder,
    key: StateKey,
    target: &Target,
    row: &PackageState,
    same_transaction: &dyn Fn(PackageId) -> bool,
) -> Decision {
    let evaluator = Evaluator { cluster, order, key, row, kind: target.kind() };
    if row.is_being_removed() {
        return evaluator.decide_removal(same_transaction);
    }
    if row.inherited_stage.is_some() {
        return Decision::Ready(NextStep::VerifyInherited);
    }
    evaluator
        .decide_again(same_transaction)
        .or_else(|| evaluator.decide_advance(same_transaction))
        .unwrap_or(Decision::UpToDate)
}

/// The images that hold a package and for which its `api-post-image` has not run, by name. One into which the package is
/// about to be installed again does not hold it yet.
pub fn images_awaiting_hook(cluster: &Cluster, package: PackageId) -> impl Iterator<Item = TargetId> {
    let holds = move |image: &TargetId| {
        let key = StateKey { target: *image, package };
        let installed = |row: &PackageState| row.current >= Stage::InstallBinPkgs && !row.is_being_removed();
        cluster.state(key).is_some_and(installed)
            && queued_rerun(cluster, key).is_none_or(|stage| stage > Stage::InstallBinPkgs)
    };
    let mut images: Vec<_> = cluster.targets_of_kind(TargetKind::Image).collect();
    images.sort_by(|a, b| a.address.cmp(&b.address));
    images
        .into_iter()
        .map(|it| it.id)
        .filter(holds)
        .filter(move |image| !cluster.images_seen.contains(&(package, *image)))
}

/// The first stage that is queued to run again.
fn queued_rerun(cluster: &Cluster, key: StateKey) -> Option<Stage> {
    cluster.reruns.get(&key)?.range(Stage::ShouldBeInstalled..).next().copied()
}

/// The first stage that a package came through and has to come through again: one that is queued, or on the head node that
/// of images, where one awaits its hook.
fn stage_due_again(cluster: &Cluster, key: StateKey, kind: TargetKind, current: Stage) -> Option<Stage> {
    let queued = queued_rerun(cluster, key).filter(|stage| *stage <= current);
    let passed_images = kind == TargetKind::Server && current >= Stage::PostImage;
    let image = passed_images.then(|| images_awaiting_hook(cluster, key.package).next()).flatten();
    queued.into_iter().chain(image.map(|_| Stage::PostImage)).min()
}

struct Evaluator<'a> {
    cluster: &'a Cluster,
    order: &'a DependencyOrder,
    key: StateKey,
    row: &'a PackageState,
    kind: TargetKind,
}

impl Evaluator<'_> {
    /// One step of a removal. Stages without work are left in one go.
    fn decide_removal(&self, same_transaction: &dyn Fn(PackageId) -> bool) -> Decision {
        let to = match self.row.current {
            Stage::ShouldNotBeInstalled | Stage::ShouldBeInstalled => Stage::ShouldNotBeInstalled,
            // An installation that failed leaves `current` at the stage before it.
            Stage::RunConfigurator | Stage::InstallBinPkgs => Stage::ShouldBeInstalled,
            _ => Stage::InstallBinPkgs,
        };
        if to < Stage::InstallBinPkgs {
            if let Some(holder) = self.still_installed_on() {
                return Decision::Waiting(BlockReason::StillInstalledOn(holder));
            }
            let above = |other: &&PackageId| {
                !same_transaction(**other)
                    && self.sibling_row(**other).is_some_and(|it| it.current > to || it.attempts > 0)
            };
            if let Some(dependent) = self.order.dependents(self.key.package).iter().find(above) {
                return Decision::BlockedBy(*dependent);
            }
        }
        Decision::Ready(NextStep::Lower(to))
    }

    /// Where the package still is, if the head node must keep it until it is gone there.
    fn still_installed_on(&self) -> Option<TargetId> {
        if self.kind != TargetKind::Server {
            return None;
        }
        let present = |kind: TargetKind| {
            self.cluster.targets_of_kind(kind).map(|it| it.id).find(|target| {
                let key = StateKey { target: *target, ..self.key };
                self.cluster.state(key).is_some_and(PackageState::is_present)
            })
        };
        present(TargetKind::Client).or_else(|| present(TargetKind::Image))
    }

    /// A stage that had completed and is due again; the order of stages holds for these as well. One that has not
    /// completed yet will run anyway.
    fn decide_again(&self, same_transaction: &dyn Fn(PackageId) -> bool) -> Option<Decision> {
        let stage = stage_due_again(self.cluster, self.key, self.kind, self.row.current)?;
        if queued_rerun(self.cluster, self.key) == Some(stage) {
            Some(self.decide_rerun(stage, same_transaction))
        } else {
            self.decide_image_hook()
        }
    }

    /// A stage that was queued to run again.
    fn decide_rerun(&self, stage: Stage, same_transaction: &dyn Fn(PackageId) -> bool) -> Decision {
        let waits = self
            .rerun_hand_over_block()
            .or_else(|| self.phase_block(stage))
            .or_else(|| self.configuration_block(stage))
            .map(Decision::Waiting);
        let held =
            waits.or_else(|| self.blocking_dependency(stage, same_transaction).map(Decision::BlockedBy));
        held.unwrap_or_else(|| {
            Decision::Ready(self.pending_image_hook(stage).unwrap_or(NextStep::Rerun(stage)))
        })
    }

    /// An image that came after the stage of images had completed.
    fn decide_image_hook(&self) -> Option<Decision> {
        let image = images_awaiting_hook(self.cluster, self.key.package).next()?;
        if let Some(wait) = self.phase_block(Stage::PostImage) {
            return Some(Decision::Waiting(wait));
        }
        let unseen = |needed: &&PackageId| {
            self.sibling_row(**needed).is_some()
                && images_awaiting_hook(self.cluster, **needed).any(|it| it == image)
        };
        let blocked = self.order.dependencies(self.key.package).iter().find(unseen);
        Some(blocked.map_or(Decision::Ready(NextStep::ImageHook(image)), |it| Decision::BlockedBy(*it)))
    }

    /// The stage after the current one.
    fn decide_advance(&self, same_transaction: &dyn Fn(PackageId) -> bool) -> Option<Decision> {
        if self.row.requested <= self.row.current {
            return None;
        }
        let stage = self.row.current.next()?;
        let waits = self
            .hand_over_block()
            .or_else(|| self.phase_block(stage))
            .or_else(|| self.configuration_block(stage));
        if let Some(wait) = waits {
            return Some(Decision::Waiting(wait));
        }
        if let Some(needed) = self.blocking_dependency(stage, same_transaction) {
            return Some(Decision::BlockedBy(needed));
        }
        Some(Decision::Ready(self.pending_image_hook(stage).unwrap_or(NextStep::Advance(stage))))
    }

    /// The stage of images completes when there is none left.
    fn pending_image_hook(&self, stage: Stage) -> Option<NextStep> {
        if stage != Stage::PostImage || self.kind != TargetKind::Server {
            return None;
        }
        images_awaiting_hook(self.cluster, self.key.package).next().map(NextStep::ImageHook)
    }

    /// A package that this one depends on and that has not come through a stage, or must do so again. One that
    /// nobody asked for on this target is no obstacle.
    fn blocking_dependency(
        &self,
        stage: Stage,
        same_transaction: &dyn Fn(PackageId) -> bool,
    ) -> Option<PackageId> {
        let lags = |package: PackageId| {
            let Some(row) = self.sibling_row(package) else { return false };
            let wanted = row.requested > Stage::ShouldNotBeInstalled;
            let key = StateKey { package, ..self.key };
            let again =
                stage_due_again(self.cluster, key, self.kind, row.current).is_some_and(|it| it <= stage);
            row.is_being_removed() || wanted && (row.current < stage || again) && !same_transaction(package)
        };
        self.order.dependencies(self.key.package).iter().copied().find(|it| lags(*it))
    }

    fn phase_block(&self, stage: Stage) -> Option<BlockReason> {
        stage.required_phase(self.kind).filter(|gate| *gate > self.cluster.phase).map(BlockReason::Phase)
    }

    fn hand_over_block(&self) -> Option<BlockReason> {
        (self.kind == TargetKind::Client && !self.cluster.is_handed_over(self.key))
            .then_some(BlockReason::HandOver)
    }

    /// What a client has may be installed again without having been handed over, but not while it is to be handed over.
    fn rerun_hand_over_block(&self) -> Option<BlockReason> {
        (self.cluster.assignment(self.key) == Some(None)).then_some(BlockReason::HandOver)
    }

    fn configuration_block(&self, stage: Stage) -> Option<BlockReason> {
        if self.kind != TargetKind::Server || stage != Stage::RunConfigurator {
            return None;
        }
        self.cluster.packages.get(&self.key.package)?.waiting_for.clone().map(BlockReason::Configuration)
    }

    /// The row of another package on the same target.
    fn sibling_row(&self, package: PackageId) -> Option<&PackageState> {
        self.cluster.state(StateKey { package, ..self.key })
    }
}
