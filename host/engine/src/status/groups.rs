//! Targets that look alike in all packages.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use opkg_oda::{
    AbsenceKind, Cluster, PackageId, PackageStates, RolloutId, Stage, StateEntry, StateKey, Target, TargetId,
    TargetKind,
};

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

/// The groups of a view, by kind and the name of their first target.
pub(super) fn group_targets(cluster: &Cluster, filter: &StatusFilter) -> Vec<TargetGroup> {
    let mut targets: Vec<_> = cluster
        .targets
        .values()
        .filter(|it| filter.targets.as_ref().is_none_or(|targets| targets.contains(&it.id)))
        .collect();
    targets.sort_by(|a, b| a.address.cmp(&b.address));
    let mut contents = ContentNumbers { cluster, filter, by_sharing: HashMap::new(), known: HashMap::new() };
    let mut indices: HashMap<Signature, usize> = HashMap::new();
    let mut groups: Vec<(TargetKind, Vec<TargetId>)> = Vec::new();
    for target in targets {
        let signature = contents.signature(target);
        if let Some(index) = indices.get(&signature) {
            groups[*index].1.push(target.id);
        } else {
            indices.insert(signature, groups.len());
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

/// What the status of a target depends on.
#[derive(PartialEq, Eq, Hash)]
struct Signature {
    kind: TargetKind,
    is_unseen: bool,
    absence: Option<AbsenceKind>,
    /// The rollouts that have not let it go.
    held_by: Vec<RolloutId>,
    /// The number of its packages with their states, if it has any.
    contents: Option<usize>,
    /// Each with whether the work was handed over.
    reruns: Vec<(PackageId, Stage, bool)>,
}

/// Numbers the packages of targets with their states, as far as a status depends on them. Targets that share them are
/// looked at once.
struct ContentNumbers<'a> {
    cluster: &'a Cluster,
    filter: &'a StatusFilter,
    by_sharing: HashMap<(TargetKind, usize, usize), usize>,
    known: HashMap<Vec<u64>, usize>,
}

impl ContentNumbers<'_> {
    fn signature(&mut self, target: &Target) -> Signature {
        let (id, kind) = (target.id, target.kind());
        let first = StateKey { target: id, package: PackageId(i64::MIN) };
        let last = StateKey { target: id, package: PackageId(i64::MAX) };
        let reruns = self.cluster.reruns.range(first..=last);
        Signature {
            kind,
            is_unseen: self.filter.unseen.contains_key(&id),
            absence: self.cluster.absences.get(&id).map(|absence| absence.kind),
            held_by: self.cluster.rollouts_holding(id),
            contents: self.cluster.states.get(&id).map(|states| self.number(id, kind, states)),
            reruns: reruns
                .flat_map(|(key, stages)| {
                    let is_handed_over = self.cluster.is_handed_over(*key);
                    stages.iter().map(move |stage| (key.package, *stage, is_handed_over))
                })
                .collect(),
        }
    }

    fn number(&mut self, target: TargetId, kind: TargetKind, states: &PackageStates) -> usize {
        let assigned = self.cluster.assignments.get(&target);
        let sharing = (kind, states.sharing(), assigned.map_or(0, opkg_oda::Assignments::sharing));
        if let Some(number) = self.by_sharing.get(&sharing) {
            return *number;
        }
        let packed = self.pack(target, kind, states);
        let next = self.known.len();
        let number = *self.known.entry(packed).or_insert(next);
        self.by_sharing.insert(sharing, number);
        number
    }

    fn pack(&self, target: TargetId, kind: TargetKind, states: &PackageStates) -> Vec<u64> {
        let mut packed = Vec::with_capacity(3 * states.len());
        for StateEntry { package, state, version } in states.entries() {
            if self.filter.packages.as_ref().is_some_and(|packages| !packages.contains(package)) {
                continue;
            }
            let failed = state.failure.as_ref().map_or(0, |failure| failure.stage.id());
            // Whether the work was handed over says nothing of a package that has arrived.
            let moves = state.requested > state.current;
            let handed_over = moves
                && kind == TargetKind::Client
                && self.cluster.is_handed_over(StateKey { target, package: *package });
            let flags = [state.inherited_stage.is_some(), state.is_present(), handed_over];
            let flags = flags.iter().fold(0, |bits, flag| bits << 1 | u8::from(*flag));
            let fields = [state.requested.id(), state.current.id(), state.work_state as u8, failed, flags];
            let mut hasher = DefaultHasher::new();
            version.hash(&mut hasher);
            packed.push(package.0.cast_unsigned());
            packed.push(hasher.finish());
            packed.push(fields.iter().fold(0, |bits, field| bits << 8 | u64::from(*field)));
        }
        packed
    }
}
