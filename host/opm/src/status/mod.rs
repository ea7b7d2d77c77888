//! What an administrator wants to see: every package on every target, targets that are alike in all packages as one.

mod advice;
mod findings;
mod groups;
mod standing;

use std::collections::BTreeSet;

use opkg_oda::{Cluster, Key, PackageId, Phase, Row, Stage, State, TargetId};

use crate::machine::{Due, Order, Verdict, verdict};

pub use advice::{Advice, Failures, Next, advice, clear, heading};
pub use findings::{Finding, Problem};
pub use groups::{Group, label};
pub use standing::Standing;

/// A package on the targets of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// What is asked for.
    pub requested: Stage,
    /// What has completed.
    pub current: Stage,
    /// How it stands.
    pub standing: Standing,
}

/// A package with its cells, one for each group; none where it was never asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Which package.
    pub package: PackageId,
    /// In the order of the groups.
    pub cells: Vec<Option<Cell>>,
}

/// Which part of a cluster is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// These packages only; all if absent.
    pub packages: Option<BTreeSet<PackageId>>,
    /// These targets only; all if absent.
    pub targets: Option<BTreeSet<TargetId>>,
}

/// A cluster as one can look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// How far the cluster has come.
    pub phase: Phase,
    /// Targets that are alike: the head node, images, clients; by name within a kind.
    pub groups: Vec<Group>,
    /// Packages that were asked for anywhere, in the order in which they go through the stages.
    pub lines: Vec<Line>,
    /// What failed, and why.
    pub problems: Vec<Problem>,
    /// Everything else that is neither done nor absent, alike things together.
    pub findings: Vec<Finding>,
}

impl Status {
    /// Judges a cluster. The time grows with the rows, but each group is judged only once.
    #[must_use]
    pub fn of(cluster: &Cluster, view: &View) -> Self {
        let order = Order::new(&cluster.packages);
        let groups = groups::alike(cluster, view);
        let mut lines = Vec::new();
        for package in order.sequence() {
            if view.packages.as_ref().is_some_and(|it| !it.contains(package)) {
                continue;
            }
            let cell = |group: &Group| {
                let key = Key { target: *group.targets.first()?, package: *package };
                let row = cluster.row(key)?;
                let standing = judge(cluster, &order, key, row);
                Some(Cell { requested: row.requested, current: row.current, standing })
            };
            let cells: Vec<Option<Cell>> = groups.iter().map(cell).collect();
            if cells.iter().any(Option::is_some) {
                lines.push(Line { package: *package, cells });
            }
        }
        let problems = findings::problems(cluster, &groups, &lines);
        let findings = findings::findings(cluster, &groups, &lines);
        Self { phase: cluster.phase, groups, lines, problems, findings }
    }

    /// On how many targets how many packages stand so.
    #[must_use]
    pub fn count(&self, which: impl Fn(&Standing) -> bool) -> usize {
        let cells = self.lines.iter().flat_map(|line| line.cells.iter().zip(&self.groups));
        cells
            .filter(|(cell, _)| cell.as_ref().is_some_and(|it| which(&it.standing)))
            .map(|(_, group)| group.targets.len())
            .sum()
    }

    /// How many targets there are.
    #[must_use]
    pub fn targets(&self) -> usize {
        self.groups.iter().map(|it| it.targets.len()).sum()
    }
}

fn judge(cluster: &Cluster, order: &Order, key: Key, row: &Row) -> Standing {
    if row.state == State::Running {
        return Standing::Running;
    }
    match verdict(cluster, order, key, &|_| false) {
        Verdict::Idle if row.requested == Stage::ShouldNotBeInstalled => Standing::Absent,
        Verdict::Idle => Standing::Done,
        Verdict::Due(due) => Standing::Due(due),
        Verdict::Waits(wait) => Standing::Waits(wait),
        Verdict::Failed => {
            Standing::Error(row.failure.as_ref().map_or(Stage::ShouldNotBeInstalled, |it| it.stage))
        }
        Verdict::Blocked(by) => blocked(cluster, order, key, row, by),
    }
}

/// A package that only waits for others that are about to move goes with them.
fn blocked(cluster: &Cluster, order: &Order, key: Key, row: &Row, by: PackageId) -> Standing {
    let mut last = by;
    // The chain has no circles: packages that need each other do not wait for each other.
    for _ in 0..cluster.packages.len() {
        let other = Key { package: last, ..key };
        if cluster.row(other).is_some_and(|it| it.state == State::Running) {
            break;
        }
        match verdict(cluster, order, other, &|_| false) {
            Verdict::Blocked(further) => last = further,
            Verdict::Due(_) => break,
            _ => return Standing::Blocked(by),
        }
    }
    let again = cluster.reruns.get(&key).and_then(|it| it.iter().find(|stage| **stage <= row.current));
    let next = match again {
        _ if row.leaving() => Due::Down(Stage::ShouldNotBeInstalled),
        Some(stage) => Due::Again(*stage),
        None => Due::Up(row.current.next().unwrap_or(Stage::Finished)),
    };
    Standing::Due(next)
}

#[cfg(test)]
mod tests;
