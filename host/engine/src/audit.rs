//! The database held against what the package managers say.

use std::collections::{BTreeMap, BTreeSet};

use opkg_oda::{Change, Cluster, PackageId, PackageState, Stage, StateKey, TargetId, WorkState};

use crate::versions::is_same_version;

/// A package whose state in the database is not what was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// The package, on its target.
    pub key: StateKey,
    /// Whether it is missing, unexpected, or another version.
    pub kind: DifferenceKind,
}

/// What is wrong with a package on a target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum DifferenceKind {
    /// The database has it installed, and it is not there.
    Missing,
    /// It is there, and the database knows nothing of it.
    Unexpected,
    /// It is there in part, by an installation, upgrade or removal that was cut off: `opkg-munge-server is
    /// half-configured`.
    Incomplete(String),
    /// It is there in another version than it was installed in, or than is wanted: somebody else installed it, or it was
    /// not upgraded.
    Version {
        /// The one that is there, as the package manager writes it.
        found: String,
        /// The one that `opm` installed, written likewise; absent where that is not known.
        recorded: Option<String>,
        /// The one that is wanted, as `config.xml` or the administrator writes it; absent where that is not known.
        wanted: Option<String>,
    },
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

/// What the package manager of a target said of packages.
#[derive(Debug, Clone, Default)]
pub struct InstalledPackages {
    /// Those whose server or client part is installed.
    pub present: BTreeSet<PackageId>,
    /// Their versions.
    pub versions: BTreeMap<PackageId, String>,
    /// Those that are there in part, and how.
    pub incomplete: BTreeMap<PackageId, String>,
}

/// Where the answer for a target differs from the database.
#[must_use]
pub fn find_differences(
    cluster: &Cluster,
    target: TargetId,
    asked: &[PackageId],
    found: &InstalledPackages,
) -> Vec<Difference> {
    let compare = |package: &PackageId| {
        let key = StateKey { target, package: *package };
        let row = cluster.state(key)?;
        if let Some(how) = found.incomplete.get(package) {
            return Some(Difference { key, kind: DifferenceKind::Incomplete(how.clone()) });
        }
        let kind = match (row.current >= Stage::InstallBinPkgs, found.present.contains(package)) {
            (true, false) => DifferenceKind::Missing,
            (true, true) => other_version(cluster, key, found.versions.get(package)?)?,
            // What was attempted may have left something, and is taken up again or removed anyway.
            (false, true) if !row.is_present() => DifferenceKind::Unexpected,
            _ => return None,
        };
        Some(Difference { key, kind })
    };
    asked.iter().filter_map(compare).collect()
}

fn other_version(cluster: &Cluster, key: StateKey, found: &str) -> Option<DifferenceKind> {
    let recorded = cluster.installed_version(key);
    let wanted = cluster.wanted_version(key.package);
    let differs = recorded.is_some_and(|recorded| recorded != found)
        || wanted.is_some_and(|wanted| !is_same_version(wanted, found));
    differs.then(|| DifferenceKind::Version {
        found: found.to_owned(),
        recorded: recorded.map(str::to_owned),
        wanted: wanted.map(str::to_owned),
    })
}

/// What brings database and system together again: what is missing is installed by the next run, without anything
/// else being done again; where it is to go anyway, it has gone. What has the wanted version by somebody else's doing is
/// recorded so, and what has another one is installed again, unless it is held; what is there in part is installed again
/// where it is wanted. What is there unexpectedly is left alone, since nobody asked for its removal.
#[must_use]
pub fn repair_changes(cluster: &Cluster, differences: &[Difference], now: i64) -> Vec<Change> {
    let mut changes = Vec::new();
    for Difference { key, kind } in differences {
        let key = *key;
        let Some(row) = cluster.state(key) else { continue };
        let install_again = Change::SetRerun { key, stage: Stage::InstallBinPkgs, queued: true };
        match kind {
            DifferenceKind::Unexpected => {}
            // Otherwise whatever is due for it ends that: an installation repairs, a removal removes.
            DifferenceKind::Incomplete(_)
                if row.current >= Stage::InstallBinPkgs && !row.is_being_removed() =>
            {
                changes.push(install_again);
            }
            DifferenceKind::Incomplete(_) => {}
            DifferenceKind::Missing if row.is_being_removed() => changes.push(Change::UpdateState(
                key,
                PackageState {
                    current: Stage::ShouldBeInstalled,
                    work_state: WorkState::Idle,
                    failure: None,
                    attempts: 0,
                    changed_at: now,
                    ..row.clone()
                },
            )),
            DifferenceKind::Missing => changes.push(install_again),
            DifferenceKind::Version { found, wanted, .. } => {
                changes.push(Change::SetInstalledVersion { key, version: Some(found.clone()) });
                let is_wanted = wanted.as_ref().is_none_or(|wanted| is_same_version(wanted, found));
                if !is_wanted && !row.is_being_removed() && !cluster.held.contains(&key.package) {
                    changes.push(install_again);
                }
            }
        }
    }
    changes
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

    fn installed(present: BTreeSet<PackageId>) -> InstalledPackages {
        InstalledPackages { present, ..InstalledPackages::default() }
    }

    #[test]
    fn what_is_there_in_part_is_named_and_installed_again_where_it_is_wanted() {
        use Stage::{Finished, ShouldBeInstalled, ShouldNotBeInstalled};
        let row = |requested, current| PackageState { current, ..PackageState::new(requested, 1) };
        let cluster = cluster(&[
            (1, row(Finished, Finished)),
            (2, row(ShouldNotBeInstalled, Finished)),
            (3, row(Finished, ShouldBeInstalled)),
        ]);
        let target = TargetId(1);
        let asked = [1, 2, 3].map(PackageId);
        let how = |id: PackageId| format!("opkg-p{}-client is unpacked", id.0);
        let found = InstalledPackages {
            incomplete: asked.iter().map(|id| (*id, how(*id))).collect(),
            ..InstalledPackages::default()
        };
        let differences = find_differences(&cluster, target, &asked, &found);
        let kinds: Vec<DifferenceKind> = differences.iter().map(|found| found.kind.clone()).collect();
        assert_eq!(kinds, asked.map(|id| DifferenceKind::Incomplete(how(id))));
        let key = StateKey { target, package: PackageId(1) };
        assert_eq!(
            repair_changes(&cluster, &differences, 9),
            [Change::SetRerun { key, stage: Stage::InstallBinPkgs, queued: true }]
        );
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
        let found = find_differences(&cluster, target, asked, &installed(present));
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

    #[test]
    fn what_somebody_else_upgraded_or_downgraded_is_found() {
        use Stage::Finished;
        let row = PackageState { current: Finished, ..PackageState::new(Finished, 1) };
        let rows: Vec<(i64, PackageState)> = (1..=5).map(|id| (id, row.clone())).collect();
        let mut cluster = cluster(&rows);
        let target = TargetId(1);
        let key = |id| StateKey { target, package: PackageId(id) };
        for id in 1..=5 {
            let package =
                Package { version: Some("2.0-1".into()), ..cluster.packages[&PackageId(id)].clone() };
            cluster.apply(&Change::PutPackage(package));
            if id != 5 {
                let version = Some("2.0-1".to_owned());
                cluster.apply(&Change::SetInstalledVersion { key: key(id), version });
            }
        }
        cluster.apply(&Change::PutPackage(Package {
            version: Some("3.0-1".into()),
            ..cluster.packages[&PackageId(4)].clone()
        }));
        let asked: Vec<PackageId> = (1..=5).map(PackageId).collect();
        let present: BTreeSet<PackageId> = asked.iter().copied().collect();
        let found = [(1, "2.0-1"), (2, "1.0-1"), (3, "2.0-2"), (4, "3.0-1"), (5, "2.0-1")];
        let found: BTreeMap<PackageId, String> =
            found.into_iter().map(|(id, version)| (PackageId(id), version.to_owned())).collect();
        let differences = find_differences(
            &cluster,
            target,
            &asked,
            &InstalledPackages { versions: found.clone(), ..installed(present.clone()) },
        );
        let packages: Vec<i64> = differences.iter().map(|it| it.key.package.0).collect();
        assert_eq!(
            packages,
            [2, 3, 4],
            "of 5 nobody knows which one opm installed, and it is the wanted one"
        );
        cluster.apply(&Change::SetHeld { package: PackageId(3), held: true });
        let mut repaired = cluster.clone();
        repair_changes(&cluster, &differences, 9).iter().for_each(|it| repaired.apply(it));
        assert_eq!(repaired.reruns.keys().copied().collect::<Vec<_>>(), [key(2)]);
        assert_eq!(repaired.installed_version(key(4)), Some("3.0-1"));
        let again = find_differences(
            &repaired,
            target,
            &asked,
            &InstalledPackages { versions: found.clone(), ..installed(present.clone()) },
        );
        assert_eq!(again.iter().map(|it| it.key.package.0).collect::<Vec<_>>(), [2, 3], "not wanted still");
    }
}
