//! Targets about which everything is decided alike.

use std::collections::{BTreeSet, HashSet};

use opkg_oda::{Assignments, Cluster, PackageId, PackageStates, StateKey, TargetId};

/// Of `targets` one for all that are alike: those of one kind that share their packages, held by the same rollouts, in maintenance or not. What is
/// decided about a package depends on nothing else of its own target, so there is work on all of `targets` if and only if there is on these.
#[must_use]
pub fn representatives(cluster: &Cluster, targets: &BTreeSet<TargetId>) -> BTreeSet<TargetId> {
    let mut known = HashSet::new();
    let is_first = |target: &TargetId| {
        let Some(kind) = cluster.targets.get(target).map(opkg_oda::Target::kind) else { return false };
        let first = StateKey { target: *target, package: PackageId(i64::MIN) };
        let last = StateKey { target: *target, package: PackageId(i64::MAX) };
        let has_reruns = cluster.reruns.range(first..=last).next().is_some();
        let states = cluster.states.get(target).map(PackageStates::sharing);
        let assigned = cluster.assignments.get(target).map(Assignments::sharing);
        has_reruns
            || known.insert((
                kind,
                states,
                assigned,
                cluster.is_in_maintenance(*target),
                cluster.rollouts_holding(*target),
            ))
    };
    targets.iter().copied().filter(is_first).collect()
}
