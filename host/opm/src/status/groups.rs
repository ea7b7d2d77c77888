//! Targets that look alike in all packages.

use std::collections::{BTreeMap, HashMap};

use opkg_oda::{Cluster, Key, Kind, PackageId, Stage, TargetId};

use super::View;
use crate::hostlist;

/// Targets of one kind that stand alike in all packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Their kind.
    pub kind: Kind,
    /// By name.
    pub targets: Vec<TargetId>,
    /// As they are named on the command line: `client:oscarnode[01-96]`.
    pub label: String,
}

/// What the standing of a target depends on, packed into numbers.
type Signature = Vec<u64>;

/// The groups of a view, by kind and the name of their first target.
pub(super) fn alike(cluster: &Cluster, view: &View) -> Vec<Group> {
    let mut targets: Vec<_> = cluster
        .targets
        .values()
        .filter(|it| view.targets.as_ref().is_none_or(|targets| targets.contains(&it.id)))
        .collect();
    targets.sort_by(|a, b| a.address.cmp(&b.address));
    let mut places: HashMap<Signature, usize> = HashMap::new();
    let mut groups: Vec<(Kind, Vec<TargetId>)> = Vec::new();
    let mut signature = Signature::new();
    for target in targets {
        sign(cluster, view, target.id, target.kind(), &mut signature);
        if let Some(place) = places.get(&signature) {
            groups[*place].1.push(target.id);
        } else {
            places.insert(signature.clone(), groups.len());
            groups.push((target.kind(), vec![target.id]));
        }
    }
    groups
        .into_iter()
        .map(|(kind, targets)| Group { kind, label: label(cluster, targets.iter().copied()), targets })
        .collect()
}

fn sign(cluster: &Cluster, view: &View, target: TargetId, kind: Kind, signature: &mut Signature) {
    signature.clear();
    signature.push(kind as u64);
    let Some(rows) = cluster.rows.get(&target) else { return };
    for (package, row) in rows.iter() {
        if view.packages.as_ref().is_some_and(|it| !it.contains(&package)) {
            continue;
        }
        let failed = row.failure.as_ref().map_or(0, |it| it.stage.id());
        // Whether the work was handed over says nothing of a package that has arrived.
        let moves = row.requested > row.current;
        let told = moves && kind == Kind::Client && cluster.handed_over(Key { target, package });
        let flags = [row.inherits.is_some(), row.present(), told];
        let flags = flags.iter().fold(0, |bits, flag| bits << 1 | u8::from(*flag));
        signature.push(package.0.cast_unsigned());
        let state = [row.requested.id(), row.current.id(), row.state as u8, failed, flags];
        signature.push(state.iter().fold(0, |bits, it| bits << 8 | u64::from(*it)));
    }
    let first = Key { target, package: PackageId(i64::MIN) };
    let last = Key { target, package: PackageId(i64::MAX) };
    // Behind the rows, so that they cannot be taken for some.
    signature.push(u64::MAX);
    for (key, stages) in cluster.reruns.range(first..=last) {
        signature.push(key.package.0.cast_unsigned());
        signature.push(stages.iter().fold(0, |bits, it: &Stage| bits | 1 << it.id()));
    }
}

/// Targets in few words, as the command line takes them: `server:head client:n[1-12]`.
#[must_use]
pub fn label(cluster: &Cluster, targets: impl IntoIterator<Item = TargetId>) -> String {
    let mut kinds: BTreeMap<Kind, Vec<&str>> = BTreeMap::new();
    for target in targets.into_iter().filter_map(|it| cluster.targets.get(&it)) {
        kinds.entry(target.kind()).or_default().push(target.address.name.as_str());
    }
    let one = |(kind, names): (Kind, Vec<&str>)| format!("{kind}:{}", hostlist::fold(names));
    kinds.into_iter().map(one).collect::<Vec<_>>().join(" ")
}
