//! Exit statuses. Part of the interface: scripts depend on them.

use std::process::ExitCode;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// Everything was done.
    Success = 0,
    /// An OPKG has errors, or a package could not be made; of `diff`: there are differences; of `verify`: something does not hold.
    Failed = 1,
    /// The command line is wrong; of `diff` and `verify`: something could not be read.
    UsageError = 2,
    /// The only target asked for is excluded by the OPKG's own filters.
    TargetExcluded = 4,
}

impl From<ExitStatus> for ExitCode {
    fn from(exit: ExitStatus) -> Self {
        Self::from(exit as u8)
    }
}
