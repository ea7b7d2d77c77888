//! Every package on every target, targets that are alike in all packages as one.

use opkg_oda::{Cluster, PackageId, PackageState, Phase, Stage, StateKey, WorkState};

use super::cells::{StatusCell, StatusFilter, StatusRow};
use super::grouping::{
    self, PendingGroup, PostponedGroup, SilentGroup, StageFailure, UnseenGroup, VersionGroup,
};
use super::groups::{self, TargetGroup};
use super::kind::StatusKind;
use super::rollouts::{self, RolloutStatus};
use crate::machine::{Decision, DependencyOrder, NextStep, decide};

/// A cluster as one can look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// How far the cluster has come.
    pub phase: Phase,
    /// Targets that are alike: the head node, images, clients; by name within a kind.
    pub groups: Vec<TargetGroup>,
    /// Packages that were asked for anywhere, in the order in which they go through the stages.
    pub rows: Vec<StatusRow>,
    /// What failed, and why.
    pub failures: Vec<StageFailure>,
    /// Everything else that is neither done nor absent, alike things together.
    pub pending: Vec<PendingGroup>,
    /// What was in the way of pending work, and passes by itself.
    pub postponed: Vec<PostponedGroup>,
    /// Packages that have another version than the one that is wanted.
    pub versions: Vec<VersionGroup>,
    /// Packages that are not to be upgraded.
    pub held: Vec<PackageId>,
    /// Requests that go out in waves, those that are not over.
    pub rollouts: Vec<RolloutStatus>,
    /// What was not looked at.
    pub unseen: Vec<UnseenGroup>,
    /// What has not looked for work for a while.
    pub silent: Vec<SilentGroup>,
}

impl Status {
    /// Computes the status of a cluster. The time grows with the rows, but each group is looked at only once.
    #[must_use]
    pub fn compute(cluster: &Cluster, filter: &StatusFilter) -> Self {
        let order = DependencyOrder::new(&cluster.packages);
        let groups = groups::group_targets(cluster, filter);
        let mut rows = Vec::new();
        for package in order.sequence() {
            if filter.packages.as_ref().is_some_and(|it| !it.contains(package)) {
                continue;
            }
            let cell = |group: &TargetGroup| {
                let key = StateKey { target: *group.targets.first()?, package: *package };
                let row = cluster.state(key)?;
                let kind = match status_kind(cluster, &order, key, row) {
                    StatusKind::Done | StatusKind::Absent if filter.unseen.contains_key(&key.target) => {
                        StatusKind::Unknown
                    }
                    kind => kind,
                };
                let version = cluster.installed_version(key).map(str::to_owned);
                Some(StatusCell { requested: row.requested, current: row.current, kind, version })
            };
            let cells: Vec<Option<StatusCell>> = groups.iter().map(cell).collect();
            if cells.iter().any(Option::is_some) {
                rows.push(StatusRow { package: *package, cells });
            }
        }
        let failures = grouping::collect_failures(cluster, &groups, &rows);
        let pending = grouping::collect_pending(cluster, &groups, &rows);
        let postponed = grouping::collect_postponed(cluster, &groups, &rows);
        let versions = grouping::collect_versions(cluster, &groups, &rows);
        let held = rows.iter().map(|row| row.package).filter(|it| cluster.held.contains(it)).collect();
        let unseen = grouping::collect_unseen(&groups, &filter.unseen);
        let silent = grouping::collect_silent(&groups, &filter.silent);
        Self {
            phase: cluster.phase,
            groups,
            rows,
            failures,
            pending,
            postponed,
            versions,
            held,
            rollouts: rollouts::rollouts_of(cluster, &order, filter),
            unseen,
            silent,
        }
    }

    /// On how many targets how many packages stand so.
    #[must_use]
    pub fn count_where(&self, which: impl Fn(&StatusKind) -> bool) -> usize {
        let cells = self.rows.iter().flat_map(|line| line.cells.iter().zip(&self.groups));
        cells
            .filter(|(cell, _)| cell.as_ref().is_some_and(|it| which(&it.kind)))
            .map(|(_, group)| group.targets.len())
            .sum()
    }

    /// How many targets there are.
    #[must_use]
    pub fn target_count(&self) -> usize {
        self.groups.iter().map(|it| it.targets.len()).sum()
    }
}

fn status_kind(cluster: &Cluster, order: &DependencyOrder, key: StateKey, row: &PackageState) -> StatusKind {
    if row.work_state == WorkState::Running {
        return StatusKind::Running;
    }
    match decide(cluster, order, key, &|_| false) {
        Decision::UpToDate if row.requested == Stage::ShouldNotBeInstalled => StatusKind::Absent,
        Decision::UpToDate => StatusKind::Done,
        Decision::Ready(due) => StatusKind::Ready(due),
        Decision::Waiting(wait) => StatusKind::Waiting(wait),
        Decision::Failed => {
            StatusKind::Error(row.failure.as_ref().map_or(Stage::ShouldNotBeInstalled, |it| it.stage))
        }
        Decision::BlockedBy(by) => blocked_status(cluster, order, key, row, by),
    }
}

/// A package that only waits for others that are about to move goes with them.
fn blocked_status(
    cluster: &Cluster,
    order: &DependencyOrder,
    key: StateKey,
    row: &PackageState,
    by: PackageId,
) -> StatusKind {
    let mut last = by;
    // The chain has no cycles: packages that need each other do not wait for each other.
    for _ in 0..cluster.packages.len() {
        let other = StateKey { package: last, ..key };
        if cluster.state(other).is_some_and(|it| it.work_state == WorkState::Running) {
            break;
        }
        match decide(cluster, order, other, &|_| false) {
            Decision::BlockedBy(further) => last = further,
            Decision::Ready(_) => break,
            _ => return StatusKind::BlockedBy(by),
        }
    }
    let again = cluster.reruns.get(&key).and_then(|it| it.iter().find(|stage| **stage <= row.current));
    let next = match again {
        _ if row.is_being_removed() => NextStep::Lower(Stage::ShouldNotBeInstalled),
        Some(stage) => NextStep::Rerun(*stage),
        None => NextStep::Advance(row.current.next().unwrap_or(Stage::Finished)),
    };
    StatusKind::Ready(next)
}
