//! Requests that go out in waves, as one can look at them.

use opkg_oda::{Cluster, Rollout, RolloutId};

use super::cells::StatusFilter;
use crate::machine::{DependencyOrder, RolloutProgress};

/// A rollout that is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutStatus {
    /// Its number.
    pub id: RolloutId,
    /// What was asked for, and whether it goes on.
    pub rollout: Rollout,
    /// How far it has come.
    pub progress: RolloutProgress,
}

/// The rollouts that a view is about, by their numbers.
#[must_use]
pub(super) fn rollouts_of(
    cluster: &Cluster,
    order: &DependencyOrder,
    filter: &StatusFilter,
) -> Vec<RolloutStatus> {
    let is_shown = |(_, rollout): &(&RolloutId, &Rollout)| {
        let packages = filter.packages.as_ref();
        let targets = filter.targets.as_ref();
        packages.is_none_or(|chosen| !chosen.is_disjoint(&rollout.order.packages))
            && targets.is_none_or(|chosen| rollout.targets.keys().any(|target| chosen.contains(target)))
    };
    let status = |(id, rollout): (&RolloutId, &Rollout)| RolloutStatus {
        id: *id,
        rollout: rollout.clone(),
        progress: RolloutProgress::of(cluster, order, rollout),
    };
    cluster.rollouts.iter().filter(is_shown).map(status).collect()
}
