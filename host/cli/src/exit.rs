//! Exit statuses. Part of the interface: scripts depend on them.

use std::process::ExitCode;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything was done.
    Done = 0,
    /// An OPKG has errors, or a package could not be made; of `diff`: there are differences.
    Failed = 1,
    /// The command line is wrong; of `diff`: something could not be read.
    Usage = 2,
    /// The only target asked for is excluded by the OPKG's own filters.
    Unavailable = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
