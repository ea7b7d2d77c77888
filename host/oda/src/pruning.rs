//! What is removed of the journal by its age, and what stays of that: how many steps there were.

use crate::event::{EventId, RunStatus};
use crate::{PackageId, Stage};

/// Which steps of the journal may go. Those that run never do, nor the newest one of each package on each target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PruneOrder {
    /// Steps that ended before this time, in milliseconds since 1970.
    pub ended_before: i64,
    /// Likewise of those that failed or were interrupted.
    pub failed_before: i64,
    /// Only those that come after this one.
    pub after: Option<EventId>,
    /// At most so many.
    pub limit: u32,
}

/// A step that may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrunableStep {
    pub id: EventId,
    /// As [`Event::log_path`](crate::Event::log_path).
    pub log_path: Option<String>,
}

/// How many steps of a kind there were on a day, those that are no longer in the journal included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StepTotal {
    /// On which they began, in days since 1970.
    pub day: i64,
    /// A step of several packages counts for each of them. Absent for steps of no package.
    pub package: Option<PackageId>,
    pub stage: Stage,
    pub status: RunStatus,
    pub steps: i64,
}
