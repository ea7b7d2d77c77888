//! Versions, and what changed with them.

use super::basics::NodeId;

/// `[epoch:]upstream-release`; the release is what follows the last `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Version {
    pub epoch: u32,
    /// May hold a `-`.
    pub upstream: String,
    /// Never holds a `-`.
    pub release: String,
}

/// A moment, and the offset from UTC of the clock that its writer read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Minutes east of UTC.
    pub offset: i16,
}

/// One `changelogEntry`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Change {
    pub at: NodeId,
    pub author: String,
    /// From the authors, where one has this name.
    pub email: Option<String>,
    pub date: Timestamp,
    /// Bug numbers.
    pub closes: Vec<u32>,
    /// One line each, never empty.
    pub items: Vec<String>,
}

/// One `versionEntry`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Release {
    pub version: Version,
    /// Newest first, never empty.
    pub changes: Vec<Change>,
}
