//! The state of one package on one target.

use std::fmt;

use crate::{PackageId, Stage, TargetId};

/// A package on a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateKey {
    pub target: TargetId,
    pub package: PackageId,
}

/// Whether work is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum WorkState {
    #[default]
    Idle = 0,
    /// An engine works on it, or died while it did.
    Running = 1,
    /// It failed, and waits for a retry.
    Failed = 2,
}

impl WorkState {
    pub const ALL: [Self; 3] = [Self::Idle, Self::Running, Self::Failed];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Running => "running",
            Self::Failed => "error",
        }
    }

    /// The state with this id in the database.
    #[must_use]
    pub fn from_id(id: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| i64::from(*state as u8) == id)
    }
}

impl fmt::Display for WorkState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageFailure {
    /// The stage that did not complete. Where a package is removed: the stage that it should have left.
    pub stage: Stage,
    /// One line.
    pub message: String,
}

/// The state of one package on one target. There is exactly one for each that was ever requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageState {
    /// The stage asked for.
    pub requested: Stage,
    /// The last stage that completed.
    pub current: Stage,
    /// Whether work is being done.
    pub work_state: WorkState,
    /// What went wrong, in [`WorkState::Failed`].
    pub failure: Option<Box<StageFailure>>,
    /// How often the stage after `current` was started.
    pub attempts: u32,
    /// A stage that the image of this client has reached, to be taken over if the packages are really there.
    pub inherited_stage: Option<Stage>,
    /// When it changed, in seconds since 1970.
    pub changed_at: i64,
}

impl PackageState {
    /// Asked for, and nothing done yet.
    #[must_use]
    pub fn new(requested: Stage, now: i64) -> Self {
        Self {
            requested,
            current: Stage::ShouldNotBeInstalled,
            work_state: WorkState::Idle,
            failure: None,
            attempts: 0,
            inherited_stage: None,
            changed_at: now,
        }
    }

    /// Whether something of the package is, or may be, on the target: an attempt that did not complete
    /// may have left pieces.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.current > Stage::ShouldNotBeInstalled || self.attempts > 0
    }

    /// Whether it is to be removed, and something is there that can be.
    #[must_use]
    pub fn is_being_removed(&self) -> bool {
        self.requested == Stage::ShouldNotBeInstalled && self.is_present()
    }
}
