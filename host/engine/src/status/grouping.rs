//! What is behind the cells: causes of failures, and what the rest waits for.

use std::collections::BTreeMap;

use opkg_oda::{Cluster, PackageId, Stage, StateKey, TargetId};

use super::cells::StatusRow;
use super::groups::TargetGroup;
use super::kind::StatusKind;
use crate::machine::NextStep;
use crate::versions::is_same_version;

/// A failure, the same on all these targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageFailure {
    /// The package that failed.
    pub package: PackageId,
    /// The targets on which it failed so.
    pub targets: Vec<TargetId>,
    /// The stage that did not complete.
    pub stage: Stage,
    /// Why; one line.
    pub message: String,
}

/// Packages that stand alike on the same targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingGroup {
    /// The status. Of due work, the first step is that of the first package.
    pub kind: StatusKind,
    /// Which packages, in the order in which they go through the stages.
    pub packages: Vec<PackageId>,
    /// On which targets each of them stands so.
    pub targets: Vec<TargetId>,
}

/// A package whose version on some targets is not the one that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionGroup {
    /// Which package.
    pub package: PackageId,
    /// The targets on which it has this version.
    pub targets: Vec<TargetId>,
    /// As the package manager writes it.
    pub installed: String,
    /// As `config.xml` or the administrator writes it.
    pub wanted: String,
}

/// Packages with the same thing in their way, which passes by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostponedGroup {
    /// Which packages, in the order in which they go through the stages.
    pub packages: Vec<PackageId>,
    /// On which targets it was in the way of each of them.
    pub targets: Vec<TargetId>,
    /// What; one line.
    pub reason: String,
}

/// Targets that were not looked at for the same reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnseenGroup {
    /// Which targets.
    pub targets: Vec<TargetId>,
    /// Why; one line.
    pub reason: String,
}

/// Targets that have been silent for about as long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SilentGroup {
    /// Which targets.
    pub targets: Vec<TargetId>,
    /// For how long, the longest of them, in seconds; absent where they never said anything.
    pub seconds: Option<i64>,
}

/// The targets of these groups that are silent, those that are for about as long together.
pub(super) fn collect_silent(
    groups: &[TargetGroup],
    silent: &BTreeMap<TargetId, Option<i64>>,
) -> Vec<SilentGroup> {
    // In hours, and after two days in days.
    let about = |seconds: i64| if seconds < 2 * 86_400 { seconds / 3600 } else { 24 * (seconds / 86_400) };
    let mut found: BTreeMap<Option<i64>, SilentGroup> = BTreeMap::new();
    for target in groups.iter().flat_map(|group| &group.targets) {
        let Some(seconds) = silent.get(target) else { continue };
        let group =
            found.entry(seconds.map(about)).or_insert(SilentGroup { targets: Vec::new(), seconds: None });
        group.targets.push(*target);
        group.seconds = group.seconds.max(*seconds);
    }
    found.into_values().collect()
}

/// What was in the way of work that is still to be done, and passes by itself.
pub(super) fn collect_postponed(
    cluster: &Cluster,
    groups: &[TargetGroup],
    lines: &[StatusRow],
) -> Vec<PostponedGroup> {
    let mut found: Vec<PostponedGroup> = Vec::new();
    if cluster.postponed.is_empty() {
        return found;
    }
    for line in lines {
        let mut reasons: Vec<(&String, Vec<TargetId>)> = Vec::new();
        for (cell, group) in line.cells.iter().zip(groups) {
            let is_pending = cell.as_ref().is_some_and(|cell| {
                matches!(cell.kind, StatusKind::Ready(_) | StatusKind::Waiting(_) | StatusKind::BlockedBy(_))
            });
            for target in group.targets.iter().filter(|_| is_pending) {
                let key = StateKey { target: *target, package: line.package };
                let Some(reason) = cluster.postponed.get(&key) else { continue };
                match reasons.iter_mut().find(|(known, _)| *known == reason) {
                    Some((_, targets)) => targets.push(*target),
                    None => reasons.push((reason, vec![*target])),
                }
            }
        }
        for (reason, targets) in reasons {
            match found.iter_mut().find(|group| group.reason == *reason && group.targets == targets) {
                Some(group) => group.packages.push(line.package),
                None => found.push(PostponedGroup {
                    packages: vec![line.package],
                    targets,
                    reason: reason.clone(),
                }),
            }
        }
    }
    found
}

/// Where the installed version is known and is not the wanted one, package by package.
pub(super) fn collect_versions(
    cluster: &Cluster,
    groups: &[TargetGroup],
    lines: &[StatusRow],
) -> Vec<VersionGroup> {
    let mut found: Vec<VersionGroup> = Vec::new();
    for line in lines {
        let Some(wanted) = cluster.wanted_version(line.package) else { continue };
        let first = found.len();
        for (cell, group) in line.cells.iter().zip(groups) {
            let Some(installed) = cell.as_ref().and_then(|cell| cell.version.as_ref()) else { continue };
            if is_same_version(wanted, installed) {
                continue;
            }
            match found[first..].iter_mut().find(|known| known.installed == *installed) {
                Some(known) => known.targets.extend(&group.targets),
                None => found.push(VersionGroup {
                    package: line.package,
                    targets: group.targets.clone(),
                    installed: installed.clone(),
                    wanted: wanted.to_owned(),
                }),
            }
        }
    }
    found
}

/// The targets of these groups that were not looked at, those for the same reason together.
pub(super) fn collect_unseen(
    groups: &[TargetGroup],
    unseen: &BTreeMap<TargetId, String>,
) -> Vec<UnseenGroup> {
    let mut found: Vec<UnseenGroup> = Vec::new();
    for target in groups.iter().flat_map(|group| &group.targets) {
        let Some(reason) = unseen.get(target) else { continue };
        match found.iter_mut().find(|known| known.reason == *reason) {
            Some(known) => known.targets.push(*target),
            None => found.push(UnseenGroup { targets: vec![*target], reason: reason.clone() }),
        }
    }
    found
}

/// The failures, package by package, those with the same cause together.
pub(super) fn collect_failures(
    cluster: &Cluster,
    groups: &[TargetGroup],
    lines: &[StatusRow],
) -> Vec<StageFailure> {
    let mut problems: Vec<StageFailure> = Vec::new();
    for line in lines {
        let first = problems.len();
        for (cell, group) in line.cells.iter().zip(groups) {
            if !matches!(cell.as_ref().map(|cell| &cell.kind), Some(StatusKind::Error(_))) {
                continue;
            }
            for target in &group.targets {
                let row = cluster.state(StateKey { target: *target, package: line.package });
                let Some(failure) = row.and_then(|row| row.failure.as_ref()) else { continue };
                let same = problems[first..]
                    .iter_mut()
                    .find(|problem| problem.stage == failure.stage && problem.message == failure.message);
                match same {
                    Some(problem) => problem.targets.push(*target),
                    None => problems.push(StageFailure {
                        package: line.package,
                        targets: vec![*target],
                        stage: failure.stage,
                        message: failure.message.clone(),
                    }),
                }
            }
        }
    }
    problems
}

/// Everything else that is on its way: first what is blocked, then what waits, then what is being done or due.
pub(super) fn collect_pending(
    cluster: &Cluster,
    groups: &[TargetGroup],
    lines: &[StatusRow],
) -> Vec<PendingGroup> {
    let mut found: Vec<(StatusKind, Vec<PackageId>, Vec<usize>)> = Vec::new();
    for line in lines {
        for (kind, columns) in pending_kinds(line) {
            match found.iter_mut().find(|known| same_group(&known.0, &kind) && known.2 == columns) {
                Some((_, packages, _)) => packages.push(line.package),
                None => found.push((kind, vec![line.package], columns)),
            }
        }
    }
    found.sort_by_key(|(kind, ..)| sort_rank(kind));
    found
        .into_iter()
        .map(|(kind, packages, columns)| {
            let targets =
                columns.iter().filter_map(|index| groups.get(*index)).flat_map(|group| &group.targets);
            let targets = targets.copied().filter(|target| cluster.targets.contains_key(target)).collect();
            PendingGroup { kind, packages, targets }
        })
        .collect()
}

/// The statuses of a package that are neither final nor failed, each with the indices of its groups.
fn pending_kinds(line: &StatusRow) -> Vec<(StatusKind, Vec<usize>)> {
    let mut found: Vec<(StatusKind, Vec<usize>)> = Vec::new();
    for (index, cell) in line.cells.iter().enumerate() {
        let Some(kind) = cell.as_ref().map(|cell| &cell.kind) else { continue };
        if matches!(kind, StatusKind::Done | StatusKind::Absent | StatusKind::Unknown | StatusKind::Error(_))
        {
            continue;
        }
        match found.iter_mut().find(|known| same_group(&known.0, kind)) {
            Some((_, columns)) => columns.push(index),
            None => found.push((kind.clone(), vec![index])),
        }
    }
    found
}

fn same_group(one: &StatusKind, other: &StatusKind) -> bool {
    match (one, other) {
        (StatusKind::Ready(one), StatusKind::Ready(other)) => is_removal(*one) == is_removal(*other),
        _ => one == other,
    }
}

fn is_removal(due: NextStep) -> bool {
    matches!(due, NextStep::Lower(_))
}

fn sort_rank(kind: &StatusKind) -> u8 {
    match kind {
        StatusKind::Error(_) => 0,
        StatusKind::BlockedBy(_) => 1,
        StatusKind::Waiting(_) => 2,
        StatusKind::Running => 3,
        StatusKind::Ready(_) => 4,
        StatusKind::Done | StatusKind::Absent | StatusKind::Unknown => 5,
    }
}
