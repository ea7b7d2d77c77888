//! What a table of states shows, and of which part of a cluster.

use std::collections::{BTreeMap, BTreeSet};

use opkg_oda::{PackageId, Stage, TargetId};

use super::kind::StatusKind;

/// A package on the targets of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusCell {
    /// What is asked for.
    pub requested: Stage,
    /// What has completed.
    pub current: Stage,
    /// What is to be done with it, or why nothing is.
    pub kind: StatusKind,
    /// The version that is installed there, as its package manager says it; absent where that is not known.
    pub version: Option<String>,
}

/// A package with its cells, one for each group; none where it was never asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusRow {
    /// The package.
    pub package: PackageId,
    /// In the order of the groups.
    pub cells: Vec<Option<StatusCell>>,
}

/// Which part of a cluster is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusFilter {
    /// These packages only; all if absent.
    pub packages: Option<BTreeSet<PackageId>>,
    /// These targets only; all if absent.
    pub targets: Option<BTreeSet<TargetId>>,
    /// Targets that cannot be looked at, and why: nothing is said to be well there.
    pub unseen: BTreeMap<TargetId, String>,
    /// Targets that should look for work now and then and have not done so for a while: for how many seconds; absent for
    /// those that never did.
    pub silent: BTreeMap<TargetId, Option<i64>>,
}
