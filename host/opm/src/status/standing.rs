//! How a package stands on a target, and how that is written everywhere.

use opkg_oda::{PackageId, Stage};

use crate::machine::{Due, Wait};

/// How a package stands on a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// What is requested is current.
    Done,
    /// It is not there, and is not to be.
    Absent,
    /// The next run goes on with it; the step that it takes first.
    Due(Due),
    /// An engine is at it, or died there.
    Running,
    /// It waits.
    Waits(Wait),
    /// Another package, on the same target, must move first.
    Blocked(PackageId),
    /// A stage failed, and somebody must say that it shall be tried again.
    Error(Stage),
}

impl Standing {
    /// One letter that stands for it in tables; the guide for administrators lists them.
    #[must_use]
    pub const fn sign(&self) -> char {
        match self {
            Self::Done => '+',
            Self::Absent => '-',
            Self::Due(_) => '>',
            Self::Running => '*',
            Self::Waits(_) => '~',
            Self::Blocked(_) => '#',
            Self::Error(_) => '!',
        }
    }

    /// One word, as documents for programs have it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Absent => "absent",
            Self::Due(_) => "due",
            Self::Running => "running",
            Self::Waits(_) => "waits",
            Self::Blocked(_) => "blocked",
            Self::Error(_) => "error",
        }
    }
}
