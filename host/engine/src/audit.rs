//! The database held against what the package managers say.

use std::collections::{BTreeMap, BTreeSet};

use opkg_oda::{Change, Cluster, PackageId, PackageState, Stage, StateKey, TargetId, WorkState};

/// A package whose state in the database is not what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// The package, on its target.
    pub key: StateKey,
    /// Whether it is missing or unexpected.
    pub kind: DifferenceKind,
}

/// What is wrong with a package on a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DifferenceKind {
    /// The database has it installed, and it is not there.
    Missing,
    /// It is there, and the database knows nothing of it.
    Unexpected,
}

/// The packages whose presence on each target is to be looked up: all that were ever asked for there. Rows that
/// an engine works on at this moment are left out.
#[must_use]
pub fn packages_to_query(cluster: &Cluster, on: &BTreeSet<TargetId>) -> BTreeMap<TargetId, Vec<PackageId>> {
    let mut queries: BTreeMap<TargetId, Vec<PackageId>> = BTreeMap::new();
    for (key, row) in cluster.all_states() {
        if on.contains(&key.target) && row.work_state != WorkState::Running && row.inherited_stage.is_none() {
            queries.entry(key.target).or_default().push(key.package);
        }
    }
    queries
}

/// Where the answer for a target differs from the database. `present` are those of its packages whose server or
/// client part is installed.
#[must_use]
pub fn find_differences(
    cluster: &Cluster,
    target: TargetId,
    asked: &[PackageId],
    present: &BTreeSet<PackageId>,
) -> Vec<Difference> {
    let compare = |package: &PackageId| {
        let key = StateKey { target, package: *package };
        let row = cluster.state(key)?;
        let kind = match (row.current >= Stage::InstallBinPkgs, present.contains(package)) {
            (true, false) => DifferenceKind::Missing,
            // What was attempted may have left something, and is taken up again or removed anyway.
            (false, true) if !row.is_present() => DifferenceKind::Unexpected,
            _ => return None,
        };
        Some(Difference { key, kind })
    };
    asked.iter().filter_map(compare).collect()
}

/// What brings database and system together again: what is missing is installed by the next run, without anything
/// else being done again; where it is to go anyway, it has gone. What is there unexpectedly is left alone, since
/// nobody asked for its removal.
#[must_use]
pub fn repair_changes(cluster: &Cluster, differences: &[Difference], now: i64) -> Vec<Change> {
    let missing = differences.iter().filter(|it| it.kind == DifferenceKind::Missing);
    let change = |difference: &Difference| {
        let key = difference.key;
        let row = cluster.state(key)?;
        Some(if row.is_being_removed() {
            let (state, failure) = (WorkState::Idle, None);
            let current = Stage::ShouldBeInstalled;
            Change::UpdateState(
                key,
                PackageState {
                    current,
                    work_state: state,
                    failure,
                    attempts: 0,
                    changed_at: now,
                    ..row.clone()
                },
            )
        } else {
            Change::SetRerun { key, stage: Stage::InstallBinPkgs, queued: true }
        })
    };
    missing.filter_map(change).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use opkg_oda::{Package, PackageClass, Target};

    use super::*;

    fn cluster(rows: &[(i64, PackageState)]) -> Cluster {
        let mut cluster = Cluster::default();
        let target = TargetId(1);
        cluster.apply(&Change::PutTarget(Target {
            id: target,
            address: "client:n1".parse().unwrap(),
            root: None,
            image: None,
        }));
        for (id, row) in rows {
            let package = PackageId(*id);
            cluster.apply(&Change::PutPackage(Package {
                id: package,
                name: format!("p{id}").parse().unwrap(),
                class: PackageClass::Base,
                version: None,
                dependencies: Vec::new(),
                waiting_for: None,
            }));
            let key = StateKey { target, package };
            cluster.apply(&Change::Request { key, stage: row.requested, requested_at: 1 });
            cluster.apply(&Change::UpdateState(key, row.clone()));
        }
        cluster
    }

    #[test]
    fn what_differs_and_what_repairs_it() {
        use Stage::{Finished, ShouldBeInstalled, ShouldNotBeInstalled};
        let row = |requested, current| PackageState { current, ..PackageState::new(requested, 1) };
        let running = PackageState { work_state: WorkState::Running, ..row(Finished, Finished) };
        let cluster = cluster(&[
            (1, row(Finished, Finished)),
            (2, row(Finished, Finished)),
            (3, row(Finished, ShouldNotBeInstalled)),
            (4, row(ShouldNotBeInstalled, Finished)),
            (5, running),
            (6, PackageState { attempts: 1, ..row(Finished, ShouldBeInstalled) }),
            (7, row(Finished, ShouldNotBeInstalled)),
        ]);
        let target = TargetId(1);
        let asked = packages_to_query(&cluster, &BTreeSet::from([target]));
        let asked = asked.get(&target).unwrap();
        assert!(!asked.contains(&PackageId(5)));
        let present = BTreeSet::from([1, 3, 6].map(PackageId));
        let found = find_differences(&cluster, target, asked, &present);
        let of = |id, kind| Difference { key: StateKey { target, package: PackageId(id) }, kind };
        assert_eq!(
            found,
            [
                of(2, DifferenceKind::Missing),
                of(3, DifferenceKind::Unexpected),
                of(4, DifferenceKind::Missing)
            ]
        );
        let mut repaired = cluster.clone();
        let repairs = repair_changes(&cluster, &found, 9);
        assert_eq!(repairs.len(), 2);
        repairs.iter().for_each(|it| repaired.apply(it));
        let key = |id| StateKey { target, package: PackageId(id) };
        assert_eq!(repaired.reruns[&key(2)], BTreeSet::from([Stage::InstallBinPkgs]));
        assert_eq!(repaired.state(key(4)).unwrap().current, ShouldBeInstalled);
    }
}
