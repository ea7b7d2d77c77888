//! The journal: runs of the engine and the steps that they took.

use std::fmt;

use crate::{PackageId, ParseError, ProcessIdentity, Stage, TargetId};

/// A run's key in the database; also the value of `OPM_RUN_ID` in the environment of its hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub i64);

/// An event's key: the run it belongs to, and its number there, from 1 on. The order within a run is the order
/// of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    pub run: RunId,
    pub number: u32,
}

/// A run of the engine. One that finds nothing to do is not recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub id: RunId,
    /// In milliseconds since 1970.
    pub started_at: i64,
    /// In milliseconds since 1970; absent while it runs, or where its process died.
    pub ended_at: Option<i64>,
    pub status: Option<RunStatus>,
    /// The machine it runs on.
    pub host: String,
    pub pid: u32,
    /// What tells that process from any other one, on whatever machine. Absent in runs of older releases.
    pub process: Option<ProcessIdentity>,
    /// The command as it was given.
    pub command: String,
}

/// How a run or a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RunStatus {
    /// Everything that could be done is done.
    Done = 0,
    Failed = 1,
    /// It was stopped, or its process died; the next run records that.
    Interrupted = 2,
    /// It can go on only after the administrator has done something.
    ActionRequired = 3,
    /// Something was in its way that passes by itself; the next run tries again.
    Postponed = 4,
}

impl RunStatus {
    pub const ALL: [Self; 5] =
        [Self::Done, Self::Failed, Self::Interrupted, Self::ActionRequired, Self::Postponed];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::ActionRequired => "waits",
            Self::Postponed => "postponed",
        }
    }

    /// The status with this id in the database.
    #[must_use]
    pub fn from_id(id: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|status| i64::from(*status as u8) == id)
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum StepKind {
    /// Native packages are installed.
    Install = 1,
    /// Native packages are removed.
    Remove = 2,
    /// A hook of the package runs.
    Hook = 3,
    /// The configurator runs.
    Configure = 4,
    /// The package manager is asked what is there.
    Verify = 5,
    /// Tests of a package run, or those before a phase.
    Test = 6,
}

impl StepKind {
    pub const ALL: [Self; 6] =
        [Self::Install, Self::Remove, Self::Hook, Self::Configure, Self::Verify, Self::Test];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Remove => "remove",
            Self::Hook => "hook",
            Self::Configure => "configure",
            Self::Verify => "confirm",
            Self::Test => "test",
        }
    }

    /// The step with this id in the database.
    #[must_use]
    pub fn from_id(id: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|step| i64::from(*step as u8) == id)
    }
}

impl fmt::Display for StepKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for StepKind {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::ALL
            .into_iter()
            .find(|step| step.name() == text)
            .ok_or_else(|| ParseError::new("step", text, Self::ALL.map(Self::name).join(", ")))
    }
}

/// One step of a run: a hook, an installation, a removal, the tests of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub id: EventId,
    /// In milliseconds since 1970.
    pub started_at: i64,
    pub target: TargetId,
    /// Of which packages, in their order; none where the cluster is tested before a phase.
    pub packages: Vec<PackageId>,
    /// The stage that is to complete; where a package is removed, the one that is left; where it is tested, the one
    /// that it has.
    pub stage: Stage,
    pub kind: StepKind,
    /// What in particular: the hook's name (for `api-post-image` with the image: `api-post-image compute`).
    pub name: String,
    /// The file that gets what it prints, where it has one; while it runs, that can be read already.
    pub log_path: Option<String>,
    /// How it ended; absent while it runs, or where its run died.
    pub result: Option<StepResult>,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepResult {
    /// In milliseconds since 1970.
    pub ended_at: i64,
    pub status: RunStatus,
    /// One line, where there is something to say.
    pub message: Option<String>,
    /// The exit status of the program that decided.
    pub exit_code: Option<i32>,
    /// The signal that killed it.
    pub signal: Option<i32>,
    /// Whether its time limit was over.
    pub timed_out: bool,
    /// The file that holds what it printed.
    pub log_path: Option<String>,
    /// The last lines of that.
    pub log_tail: String,
}
