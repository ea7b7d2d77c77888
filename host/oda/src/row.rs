//! The state of one package on one target.

use std::fmt;

use crate::{PackageId, Stage, TargetId};

/// A package on a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Where.
    pub target: TargetId,
    /// What.
    pub package: PackageId,
}

/// Whether work is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum State {
    /// None is.
    #[default]
    Idle = 0,
    /// An engine is at it, or died there.
    Running = 1,
    /// It failed, and waits for somebody to say that it shall be tried again.
    Error = 2,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Idle, Self::Running, Self::Error];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Running => "running",
            Self::Error => "error",
        }
    }

    /// The state with a number of the database's.
    #[must_use]
    pub fn from_id(id: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|it| i64::from(*it as u8) == id)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The stage that did not complete. Where a package is removed: the stage that it should have left.
    pub stage: Stage,
    /// One line.
    pub message: String,
}

/// The state of one package on one target. There is exactly one for each that was ever requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The stage asked for.
    pub requested: Stage,
    /// The last stage that completed.
    pub current: Stage,
    /// Whether work is being done.
    pub state: State,
    /// What went wrong, in state `Error`.
    pub failure: Option<Box<Failure>>,
    /// How often the stage after `current` was begun.
    pub attempts: u32,
    /// A stage that the image of this client has reached, to be taken over if the packages are really there.
    pub inherits: Option<Stage>,
    /// When it changed, in seconds since 1970.
    pub changed: i64,
}

impl Row {
    /// Asked for, and nothing done yet.
    #[must_use]
    pub fn new(requested: Stage, now: i64) -> Self {
        Self {
            requested,
            current: Stage::ShouldNotBeInstalled,
            state: State::Idle,
            failure: None,
            attempts: 0,
            inherits: None,
            changed: now,
        }
    }

    /// Whether something of the package is, or may be, on the target: an attempt that did not complete
    /// may have left pieces.
    #[must_use]
    pub fn present(&self) -> bool {
        self.current > Stage::ShouldNotBeInstalled || self.attempts > 0
    }

    /// Whether it is to be removed, and something is there that can be.
    #[must_use]
    pub fn leaving(&self) -> bool {
        self.requested == Stage::ShouldNotBeInstalled && self.present()
    }
}
