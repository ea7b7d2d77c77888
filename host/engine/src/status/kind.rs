//! The status of a package on a target, and how that is written everywhere.

use opkg_oda::{PackageId, Stage};

use crate::machine::{BlockReason, NextStep};

/// The status of a package on a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatusKind {
    /// What is requested is current.
    Done,
    /// It is not there, and is not to be.
    Absent,
    /// The next run goes on with it; the step that it takes first.
    Ready(NextStep),
    /// An engine works on it, or crashed there.
    Running,
    /// It waits for something else than another package.
    Waiting(BlockReason),
    /// Another package, on the same target, must be done first.
    BlockedBy(PackageId),
    /// All would be well, if it could be looked at.
    Unknown,
    /// A stage failed, and somebody must say that it shall be tried again.
    Error(Stage),
}

impl StatusKind {
    /// One letter that stands for it in tables; the guide for administrators lists them.
    #[must_use]
    pub const fn symbol(&self) -> char {
        match self {
            Self::Done => '+',
            Self::Absent => '-',
            Self::Ready(_) => '>',
            Self::Running => '*',
            Self::Waiting(_) => '~',
            Self::BlockedBy(_) => '#',
            Self::Unknown => '?',
            Self::Error(_) => '!',
        }
    }

    /// One word, as documents for programs have it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Absent => "absent",
            Self::Ready(_) => "due",
            Self::Running => "running",
            Self::Waiting(_) => "waits",
            Self::BlockedBy(_) => "blocked",
            Self::Unknown => "unknown",
            Self::Error(_) => "error",
        }
    }
}
