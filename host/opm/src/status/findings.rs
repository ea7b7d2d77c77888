//! What is behind the cells: causes of failures, and what the rest waits for.

use opkg_oda::{Cluster, Key, PackageId, Stage, TargetId};

use super::Line;
use super::groups::Group;
use super::standing::Standing;
use crate::machine::Due;

/// A failure, the same on all these targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which package.
    pub package: PackageId,
    /// Where.
    pub targets: Vec<TargetId>,
    /// The stage that did not complete.
    pub stage: Stage,
    /// Why; one line.
    pub message: String,
}

/// Packages that stand alike on the same targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How. Of due work, the first step is that of the first package.
    pub standing: Standing,
    /// Which packages, in the order in which they go through the stages.
    pub packages: Vec<PackageId>,
    /// On which targets each of them stands so.
    pub targets: Vec<TargetId>,
}

/// The failures, package by package, those with the same cause together.
pub(super) fn problems(cluster: &Cluster, groups: &[Group], lines: &[Line]) -> Vec<Problem> {
    let mut problems: Vec<Problem> = Vec::new();
    for line in lines {
        let first = problems.len();
        for (cell, group) in line.cells.iter().zip(groups) {
            if !matches!(cell.as_ref().map(|it| &it.standing), Some(Standing::Error(_))) {
                continue;
            }
            for target in &group.targets {
                let row = cluster.row(Key { target: *target, package: line.package });
                let Some(failure) = row.and_then(|it| it.failure.as_ref()) else { continue };
                let same = problems[first..]
                    .iter_mut()
                    .find(|it| it.stage == failure.stage && it.message == failure.message);
                match same {
                    Some(problem) => problem.targets.push(*target),
                    None => problems.push(Problem {
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
pub(super) fn findings(cluster: &Cluster, groups: &[Group], lines: &[Line]) -> Vec<Finding> {
    let mut found: Vec<(Standing, Vec<PackageId>, Vec<usize>)> = Vec::new();
    for line in lines {
        for (standing, places) in standings(line) {
            match found.iter_mut().find(|it| alike(&it.0, &standing) && it.2 == places) {
                Some((_, packages, _)) => packages.push(line.package),
                None => found.push((standing, vec![line.package], places)),
            }
        }
    }
    found.sort_by_key(|(standing, ..)| rank(standing));
    found
        .into_iter()
        .map(|(standing, packages, places)| {
            let targets = places.iter().filter_map(|it| groups.get(*it)).flat_map(|it| &it.targets);
            let targets = targets.copied().filter(|it| cluster.targets.contains_key(it)).collect();
            Finding { standing, packages, targets }
        })
        .collect()
}

/// In which ways a package is on its way, and in which groups.
fn standings(line: &Line) -> Vec<(Standing, Vec<usize>)> {
    let mut found: Vec<(Standing, Vec<usize>)> = Vec::new();
    for (index, cell) in line.cells.iter().enumerate() {
        let Some(standing) = cell.as_ref().map(|it| &it.standing) else { continue };
        if matches!(standing, Standing::Done | Standing::Absent | Standing::Error(_)) {
            continue;
        }
        match found.iter_mut().find(|it| alike(&it.0, standing)) {
            Some((_, places)) => places.push(index),
            None => found.push((standing.clone(), vec![index])),
        }
    }
    found
}

fn alike(one: &Standing, other: &Standing) -> bool {
    match (one, other) {
        (Standing::Due(one), Standing::Due(other)) => leaves(*one) == leaves(*other),
        _ => one == other,
    }
}

fn leaves(due: Due) -> bool {
    matches!(due, Due::Down(_))
}

fn rank(standing: &Standing) -> u8 {
    match standing {
        Standing::Error(_) => 0,
        Standing::Blocked(_) => 1,
        Standing::Waits(_) => 2,
        Standing::Running => 3,
        Standing::Due(_) => 4,
        Standing::Done | Standing::Absent => 5,
    }
}
