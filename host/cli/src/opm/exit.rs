//! Exit statuses of `opm`. Part of the interface: scripts and units depend on them.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything that is requested is there, or waits.
    Done = 0,
    /// A package is in error.
    Failed = 1,
    /// The command line or a configuration file is wrong, or a request was refused.
    Usage = 2,
    /// The database failed.
    Database = 3,
    /// Another run works on one of the targets (`EX_TEMPFAIL` of sysexits).
    Held = 75,
    /// A signal stopped the run before its end (128 and SIGINT, as shells count).
    Stopped = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
