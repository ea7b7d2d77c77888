//! What a table of states shows, and of which part of a cluster.

use std::collections::BTreeSet;

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
}
