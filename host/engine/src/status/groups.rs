//! Targets that look alike in all packages.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use opkg_oda::{Cluster, PackageId, Stage, StateKey, TargetId, TargetKind};

use super::cells::StatusFilter;
use crate::format::target_label;

/// Targets of one kind with the same status of all packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetGroup {
    /// Their kind.
    pub kind: TargetKind,
    /// By name.
    pub targets: Vec<TargetId>,
    /// As they are named on the command line: `client:oscarnode[01-96]`.
    pub label: String,
}

/// What the status of a target depends on, packed into numbers.
type Signature = Vec<u64>;

/// The groups of a view, by kind and the name of their first target.
pub(super) fn group_targets(cluster: &Cluster, filter: &StatusFilter) -> Vec<TargetGroup> {
    let mut targets: Vec<_> = cluster
        .targets
        .values()
        .filter(|it| filter.targets.as_ref().is_none_or(|targets| targets.contains(&it.id)))
        .collect();
    targets.sort_by(|a, b| a.address.cmp(&b.address));
    let mut indices: HashMap<Signature, usize> = HashMap::new();
    let mut groups: Vec<(TargetKind, Vec<TargetId>)> = Vec::new();
    let mut signature = Signature::new();
    for target in targets {
        compute_signature(cluster, filter, target.id, target.kind(), &mut signature);
        if let Some(index) = indices.get(&signature) {
            groups[*index].1.push(target.id);
        } else {
            indices.insert(signature.clone(), groups.len());
            groups.push((target.kind(), vec![target.id]));
        }
    }
    groups
        .into_iter()
        .map(|(kind, targets)| TargetGroup {
            kind,
            label: target_label(cluster, targets.iter().copied()),
            targets,
        })
        .collect()
}

fn compute_signature(
    cluster: &Cluster,
    filter: &StatusFilter,
    target: TargetId,
    kind: TargetKind,
    signature: &mut Signature,
) {
    signature.clear();
    signature.push(kind as u64);
    signature.push(u64::from(filter.unseen.contains_key(&target)));
    let Some(rows) = cluster.states.get(&target) else { return };
    for (package, row) in rows.iter() {
        if filter.packages.as_ref().is_some_and(|it| !it.contains(&package)) {
            continue;
        }
        let failed = row.failure.as_ref().map_or(0, |it| it.stage.id());
        // Whether the work was handed over says nothing of a package that has arrived.
        let moves = row.requested > row.current;
        let handed_over =
            moves && kind == TargetKind::Client && cluster.is_handed_over(StateKey { target, package });
        let flags = [row.inherited_stage.is_some(), row.is_present(), handed_over];
        let flags = flags.iter().fold(0, |bits, flag| bits << 1 | u8::from(*flag));
        signature.push(package.0.cast_unsigned());
        let state = [row.requested.id(), row.current.id(), row.work_state as u8, failed, flags];
        let mut version = DefaultHasher::new();
        cluster.installed_versions.get(&StateKey { target, package }).hash(&mut version);
        signature.push(version.finish());
        signature.push(state.iter().fold(0, |bits, it| bits << 8 | u64::from(*it)));
    }
    let first = StateKey { target, package: PackageId(i64::MIN) };
    let last = StateKey { target, package: PackageId(i64::MAX) };
    // Behind the rows, so that they cannot be taken for some.
    signature.push(u64::MAX);
    for (key, stages) in cluster.reruns.range(first..=last) {
        signature.push(key.package.0.cast_unsigned());
        signature.push(stages.iter().fold(0, |bits, it: &Stage| bits | 1 << it.id()));
    }
}
