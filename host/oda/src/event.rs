//! The journal: runs of the engine and the steps that they took.

use std::fmt;

use crate::{Invalid, PackageId, Stage, TargetId};

/// A run's key in the database; also the value of `OPM_RUN_ID` in the environment of its hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub i64);

/// An event's key: the run it belongs to, and its number there, from 1 on. The order within a run is the order
/// of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// The run.
    pub run: RunId,
    /// Its number there.
    pub number: u32,
}

/// A run of the engine that did something. A run that finds nothing to do leaves no trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its key.
    pub id: RunId,
    /// In milliseconds since 1970.
    pub started: i64,
    /// Likewise; absent while it works, or where it died.
    pub ended: Option<i64>,
    /// How it ended.
    pub verdict: Option<Verdict>,
    /// The machine it runs on.
    pub host: String,
    /// Its process there.
    pub process: u32,
    /// The command as it was given.
    pub command: String,
}

/// How a run or a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Verdict {
    /// All that it was to do is done, or waits.
    Done = 0,
    /// Something failed.
    Failed = 1,
    /// It was stopped, or died; the next run found it so.
    Interrupted = 2,
    /// It can go on only after the administrator has done something.
    Waits = 3,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Done, Self::Failed, Self::Interrupted, Self::Waits];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Waits => "waits",
        }
    }

    /// The verdict with a number of the database's.
    #[must_use]
    pub fn from_id(id: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|it| i64::from(*it as u8) == id)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Step {
    /// Native packages are installed.
    Install = 1,
    /// Native packages are removed.
    Remove = 2,
    /// A hook of the package runs.
    Hook = 3,
    /// The configurator runs.
    Configure = 4,
    /// The package manager is asked what is there.
    Confirm = 5,
    /// Tests of a package run, or those before a phase.
    Test = 6,
}

impl Step {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Install, Self::Remove, Self::Hook, Self::Configure, Self::Confirm, Self::Test];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Remove => "remove",
            Self::Hook => "hook",
            Self::Configure => "configure",
            Self::Confirm => "confirm",
            Self::Test => "test",
        }
    }

    /// The step with a number of the database's.
    #[must_use]
    pub fn from_id(id: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|it| i64::from(*it as u8) == id)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for Step {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|it| it.name() == text)
            .ok_or_else(|| Invalid::new("step", text, Self::ALL.map(Self::name).join(", ")))
    }
}

/// One step of a run: a hook, an installation, a removal, the tests of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its key.
    pub id: EventId,
    /// In milliseconds since 1970.
    pub started: i64,
    /// Where.
    pub target: TargetId,
    /// Of which packages, in their order; none where the cluster is tested before a phase.
    pub packages: Vec<PackageId>,
    /// The stage that is to complete; where a package is removed, the one that is left; where it is tested, the one
    /// that it has.
    pub stage: Stage,
    /// What is done.
    pub step: Step,
    /// What in particular: the hook's name (for `api-post-image` with the image: `api-post-image compute`).
    pub name: String,
    /// How it ended; absent while it runs, or where its run died.
    pub ending: Option<Ending>,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// In milliseconds since 1970.
    pub ended: i64,
    /// In short.
    pub verdict: Verdict,
    /// One line, where there is something to say.
    pub message: Option<String>,
    /// The exit status of the program that decided.
    pub exit_code: Option<i32>,
    /// The signal that killed it.
    pub signal: Option<i32>,
    /// Whether its time limit was over.
    pub timed_out: bool,
    /// The file that holds what it printed.
    pub log: Option<String>,
    /// The last lines of that.
    pub tail: String,
}
