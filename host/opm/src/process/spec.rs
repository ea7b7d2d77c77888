//! What is known of a program before it runs.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// Who gets what a program prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutputMode {
    /// The log.
    Log,
    /// Standard output is an answer for the caller; the log gets the rest.
    CaptureStdout,
    /// The log, and the caller the beginning of each stream.
    LogAndCapture,
}

/// A user, by numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Account {
    /// Has a command run as this user, without any further groups.
    pub(crate) fn apply(self, command: &mut Command) {
        command.gid(self.gid).uid(self.uid);
    }
}

/// A directory of the running system that a program sees wherever it runs, under the same path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SharedDir {
    pub(crate) path: PathBuf,
    /// Whether the program may change what is in there.
    pub(crate) writable: bool,
}

/// How long a program may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timeout {
    /// Until it is asked to end.
    pub(crate) limit: Duration,
    /// From then until it is killed.
    pub(crate) grace: Duration,
}

/// What is to be launched, and how.
#[derive(Debug, Clone)]
pub(crate) struct ProcessSpec {
    /// The words with which this program is started as a launcher, and what it is told.
    pub(crate) launcher: Vec<OsString>,
    /// The first is a name that is looked up in `$PATH` of `environment`, or a path.
    pub(crate) argv: Vec<OsString>,
    /// The whole environment.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// Who gets what it prints.
    pub(crate) output: OutputMode,
}
