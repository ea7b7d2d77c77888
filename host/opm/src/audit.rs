//! The database held against what the package managers say.

use std::collections::{BTreeMap, BTreeSet};

use opkg_oda::{Change, Cluster, Key, PackageId, Row, Stage, State, TargetId};

/// A package whose state in the database is not what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// Where and what.
    pub key: Key,
    /// What is wrong.
    pub flaw: Flaw,
}

/// What is wrong with a package on a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flaw {
    /// The database has it installed, and it is not there.
    Missing,
    /// It is there, and the database knows nothing of it.
    Unexpected,
}

/// The packages whose presence on each target is to be looked up: all that were ever asked for there. Rows that
/// an engine works on at this moment are left out.
#[must_use]
pub fn questions(cluster: &Cluster, on: &BTreeSet<TargetId>) -> BTreeMap<TargetId, Vec<PackageId>> {
    let mut questions: BTreeMap<TargetId, Vec<PackageId>> = BTreeMap::new();
    for (key, row) in cluster.all_rows() {
        if on.contains(&key.target) && row.state != State::Running && row.inherits.is_none() {
            questions.entry(key.target).or_default().push(key.package);
        }
    }
    questions
}

/// Where the answer for a target differs from the database. `present` are those of its packages whose server or
/// client part is installed.
#[must_use]
pub fn differences(
    cluster: &Cluster,
    target: TargetId,
    asked: &[PackageId],
    present: &BTreeSet<PackageId>,
) -> Vec<Difference> {
    let judge = |package: &PackageId| {
        let key = Key { target, package: *package };
        let row = cluster.row(key)?;
        let flaw = match (row.current >= Stage::InstallBinPkgs, present.contains(package)) {
            (true, false) => Flaw::Missing,
            // What was attempted may have left something, and is taken up again or removed anyway.
            (false, true) if !row.present() => Flaw::Unexpected,
            _ => return None,
        };
        Some(Difference { key, flaw })
    };
    asked.iter().filter_map(judge).collect()
}

/// What brings database and system together again: what is missing is installed by the next run, without anything
/// else being done again; where it is to go anyway, it has gone. What is there unexpectedly is left alone, since
/// nobody asked for its removal.
#[must_use]
pub fn remedy(cluster: &Cluster, differences: &[Difference], now: i64) -> Vec<Change> {
    let missing = differences.iter().filter(|it| it.flaw == Flaw::Missing);
    let change = |difference: &Difference| {
        let key = difference.key;
        let row = cluster.row(key)?;
        Some(if row.leaving() {
            let (state, failure) = (State::Idle, None);
            let current = Stage::ShouldBeInstalled;
            Change::Progress(key, Row { current, state, failure, attempts: 0, changed: now, ..row.clone() })
        } else {
            Change::Rerun { key, stage: Stage::InstallBinPkgs, queued: true }
        })
    };
    missing.filter_map(change).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use opkg_oda::{Class, Package, Target};

    use super::*;

    fn cluster(rows: &[(i64, Row)]) -> Cluster {
        let mut cluster = Cluster::default();
        let target = TargetId(1);
        cluster.apply(&Change::Target(Target {
            id: target,
            address: "client:n1".parse().unwrap(),
            root: None,
            image: None,
        }));
        for (id, row) in rows {
            let package = PackageId(*id);
            cluster.apply(&Change::Package(Package {
                id: package,
                name: format!("p{id}").parse().unwrap(),
                class: Class::Base,
                version: None,
                needs: Vec::new(),
                awaits: None,
            }));
            let key = Key { target, package };
            cluster.apply(&Change::Request { key, stage: row.requested, at: 1 });
            cluster.apply(&Change::Progress(key, row.clone()));
        }
        cluster
    }

    #[test]
    fn what_differs_and_what_mends_it() {
        use Stage::{Finished, ShouldBeInstalled, ShouldNotBeInstalled};
        let row = |requested, current| Row { current, ..Row::new(requested, 1) };
        let running = Row { state: State::Running, ..row(Finished, Finished) };
        let cluster = cluster(&[
            (1, row(Finished, Finished)),
            (2, row(Finished, Finished)),
            (3, row(Finished, ShouldNotBeInstalled)),
            (4, row(ShouldNotBeInstalled, Finished)),
            (5, running),
            (6, Row { attempts: 1, ..row(Finished, ShouldBeInstalled) }),
            (7, row(Finished, ShouldNotBeInstalled)),
        ]);
        let target = TargetId(1);
        let asked = questions(&cluster, &BTreeSet::from([target]));
        let asked = asked.get(&target).unwrap();
        assert!(!asked.contains(&PackageId(5)));
        let present = BTreeSet::from([1, 3, 6].map(PackageId));
        let found = differences(&cluster, target, asked, &present);
        let of = |id, flaw| Difference { key: Key { target, package: PackageId(id) }, flaw };
        assert_eq!(found, [of(2, Flaw::Missing), of(3, Flaw::Unexpected), of(4, Flaw::Missing)]);
        let mut mended = cluster.clone();
        let remedy = remedy(&cluster, &found, 9);
        assert_eq!(remedy.len(), 2);
        remedy.iter().for_each(|it| mended.apply(it));
        let key = |id| Key { target, package: PackageId(id) };
        assert_eq!(mended.reruns[&key(2)], BTreeSet::from([Stage::InstallBinPkgs]));
        assert_eq!(mended.row(key(4)).unwrap().current, ShouldBeInstalled);
    }
}
