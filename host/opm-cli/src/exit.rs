//! Exit statuses of `opm`. Part of the interface: scripts and units depend on them.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// Everything that is requested is there, or waits.
    Success = 0,
    /// A package is in error.
    Failed = 1,
    /// The command line or a configuration file is wrong, or a request was refused.
    UsageError = 2,
    /// The database failed.
    Database = 3,
    /// Nothing is known to be wrong, but something could not be looked at.
    Unknown = 4,
    /// Another run works on one of the targets (`EX_TEMPFAIL` of sysexits).
    Locked = 75,
    /// A signal stopped the run before its end (128 and SIGINT, as shells count).
    Interrupted = 130,
}

impl From<ExitStatus> for ExitCode {
    fn from(exit: ExitStatus) -> Self {
        Self::from(exit as u8)
    }
}
