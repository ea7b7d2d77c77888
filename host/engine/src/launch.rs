//! Nodes on which an engine is to be started, since they do not look for work themselves.

use std::collections::BTreeSet;

use opkg_oda::{Cluster, LastSeen, PackageStates, StateKey, Target, TargetId, TargetKind};

use crate::machine::{Decision, DependencyOrder, decide};

/// After so many seconds without a look a node does not listen: those that do look every minute, or a little later.
const LISTENS: i64 = 3 * 60;

/// The nodes that maintain themselves and have work that can be done now, by name, but for those that are away.
#[must_use]
pub fn nodes_with_work(cluster: &Cluster, own: TargetId) -> Vec<TargetId> {
    let order = DependencyOrder::new(&cluster.packages);
    let has_work = |target: &&Target| {
        let packages = cluster.states.get(&target.id).into_iter().flat_map(PackageStates::iter);
        let mut keys = packages.map(|(package, _)| StateKey { target: target.id, package });
        keys.any(|key| matches!(decide(cluster, &order, key, &|_| false), Decision::Ready(_)))
    };
    let is_by_itself = |target: &&Target| {
        target.root.is_none() && target.id != own && !cluster.absences.contains_key(&target.id)
    };
    let mut nodes: Vec<&Target> =
        cluster.targets_of_kind(TargetKind::Client).filter(is_by_itself).filter(has_work).collect();
    nodes.sort_by(|a, b| a.address.cmp(&b.address));
    nodes.into_iter().map(|node| node.id).collect()
}

/// The targets that have looked for work a moment ago.
#[must_use]
pub fn listening(seen: &LastSeen) -> BTreeSet<TargetId> {
    let is_recent = |(_, at): &(&TargetId, &i64)| seen.now - **at <= LISTENS;
    seen.targets.iter().filter(is_recent).map(|(target, _)| *target).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use opkg_oda::{
        Absence, AbsenceKind, Change, Package, PackageClass, PackageId, RolloutId, RolloutOrder, Share,
        Stage, WaveState,
    };

    use super::*;

    /// A head node 1, and nodes 2 to 6 with work; 5 is maintained from the head node.
    fn cluster() -> Cluster {
        let mut cluster = Cluster::default();
        for id in 1..=6 {
            let kind = if id == 1 { "server" } else { "client" };
            let address = format!("{kind}:n{}", 9 - id).parse().unwrap();
            let root = (id == 5).then(|| "/srv/n4".into());
            cluster.apply(&Change::PutTarget(Target { id: TargetId(id), address, root, image: None }));
        }
        cluster.apply(&Change::PutPackage(Package {
            id: PackageId(1),
            name: "a".parse().unwrap(),
            class: PackageClass::Base,
            version: None,
            dependencies: Vec::new(),
            waiting_for: None,
        }));
        for id in 2..=6 {
            let key = StateKey { target: TargetId(id), package: PackageId(1) };
            cluster.apply(&Change::Request { key, stage: Stage::Finished, requested_at: 0 });
            let (package, client) = (key.package, key.target);
            cluster.apply(&Change::Assign { package, client, handed_over_at: Some(1) });
        }
        cluster
    }

    fn ids(nodes: &[TargetId]) -> Vec<i64> {
        nodes.iter().map(|node| node.0).collect()
    }

    #[test]
    fn nodes_that_are_away_or_held_or_maintained_from_here_are_not_started() {
        let mut cluster = cluster();
        let own = TargetId(1);
        assert_eq!(ids(&nodes_with_work(&cluster, own)), [6, 4, 3, 2], "by name");
        let absence = Absence {
            kind: AbsenceKind::Offline,
            reason: String::new(),
            since: 0,
            until: None,
            who: String::new(),
        };
        cluster.apply(&Change::SetAbsence { target: TargetId(3), absence: Some(absence) });
        let (rollout, packages) = (RolloutId(1), [PackageId(1)].into());
        let order =
            RolloutOrder { packages, at_once: 1, max_fail: Share::Count(0), since: 0, who: String::new() };
        cluster.apply(&Change::PutRollout { id: rollout, order: Box::new(order) });
        cluster.apply(&Change::SetWave { rollout, target: TargetId(4), state: WaveState::Held });
        cluster.apply(&Change::Assign { package: PackageId(1), client: TargetId(6), handed_over_at: None });
        assert_eq!(ids(&nodes_with_work(&cluster, own)), [2]);
    }

    #[test]
    fn who_looked_a_moment_ago_listens() {
        let targets = [(TargetId(2), 1000), (TargetId(3), 700)].into();
        assert_eq!(listening(&LastSeen { now: 1010, targets }), [TargetId(2)].into());
    }
}
