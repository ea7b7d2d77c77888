//! The cells of the matrix, and the rules for what must come of them.

use std::fmt;

use Fault::*;
use Operation::*;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Install,
    Upgrade,
    Remove,
}

/// What is in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The script that runs before the files come or go.
    ScriptBeforeFails,
    /// The script that runs after them.
    ScriptAfterFails,
    /// Nothing provides what a package requires; or, of a removal, something that stays requires the package.
    Dependency,
    /// Another package has one of the files; or, of a removal, there are files of others among them.
    FileConflict,
    /// Another program has the package manager's lock.
    LockHeld,
    /// The package source does not answer.
    NetworkGone,
    /// There is no space for the package's files.
    DiskFull,
    /// There is no space where the package manager keeps its database.
    DatabaseDiskFull,
    /// The package manager is killed while a script runs, as when memory runs out.
    Killed,
    /// The same, whenever that script runs.
    KilledEachTime,
    /// Everything is cut off in the middle, and `opm` with it.
    PowerLoss,
}

/// One operation with one fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    pub operation: Operation,
    pub fault: Fault,
}

/// How the first attempt must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// As an error: somebody has to do something.
    Error,
    /// Postponed: it passes by itself.
    Postponed,
    /// The fault is none for this operation, or was waited for.
    Done,
    /// Nobody is left to tell.
    Untold,
}

const OPERATIONS: [Operation; 3] = [Install, Upgrade, Remove];

const FAULTS: [Fault; 11] = [
    ScriptBeforeFails,
    ScriptAfterFails,
    Dependency,
    FileConflict,
    LockHeld,
    NetworkGone,
    DiskFull,
    DatabaseDiskFull,
    Killed,
    KilledEachTime,
    PowerLoss,
];

impl Cell {
    /// All of the matrix. What a removal has no use for is missing: space for a package's files.
    pub fn all() -> impl Iterator<Item = Self> {
        let cells =
            OPERATIONS.into_iter().flat_map(|operation| FAULTS.map(|fault| Self { operation, fault }));
        cells.filter(|cell| (cell.operation, cell.fault) != (Remove, DiskFull))
    }

    /// How the first attempt must end.
    pub fn ending(self) -> Ending {
        match (self.operation, self.fault) {
            (_, LockHeld) | (Install | Upgrade, NetworkGone) => Ending::Postponed,
            // It needs no package source, and leaves alone what is not the package's.
            (Remove, NetworkGone | FileConflict) => Ending::Done,
            // What is not known to be whole is tried alone.
            (_, Killed) => Ending::Done,
            (_, PowerLoss) => Ending::Untold,
            _ => Ending::Error,
        }
    }

    /// What the cause must name: one of each of these. Whatever a manager calls it, people look for these words.
    pub fn cause(self) -> &'static [&'static [&'static str]] {
        match (self.operation, self.fault) {
            (Install | Upgrade, ScriptBeforeFails) => {
                &[&["pre-installation", "%pre "], &["opkg-demo-server"], &["exit status 7: broken"]]
            }
            (Install | Upgrade, ScriptAfterFails) => {
                &[&["post-installation", "%post "], &["opkg-demo-server"], &["exit status 7: broken"]]
            }
            (Remove, ScriptBeforeFails) => {
                &[&["pre-removal", "%preun "], &["opkg-demo-server"], &["exit status 7: broken"]]
            }
            (Remove, ScriptAfterFails) => {
                &[&["post-removal", "%postun "], &["opkg-demo-server"], &["exit status 7: broken"]]
            }
            (Install | Upgrade, Dependency) => &[&["site-library"], &["opkg-demo-server"]],
            (Remove, Dependency) => &[&["site-tools"], &["opkg-demo-server"]],
            (_, FileConflict) => {
                &[&["/usr/lib/oscar/packages/demo/server/payload"], &["site-tools"], &["opkg-demo-server"]]
            }
            (_, LockHeld) => &[&["lock"]],
            (_, NetworkGone) => &[&["127.0.0.1"]],
            (_, DiskFull | DatabaseDiskFull) => &[&["No space left on device", "more space", "disk is full"]],
            (_, Killed | KilledEachTime) => &[&["killed"]],
            (_, PowerLoss) => &[],
        }
    }

    /// Whether it is in the way of every package, whosever fault it is.
    pub fn concerns_all_packages(self) -> bool {
        matches!(self.fault, LockHeld | NetworkGone | DatabaseDiskFull | KilledEachTime)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = match self.operation {
            Install => "installation",
            Upgrade => "upgrade",
            Remove => "removal",
        };
        let fault = match (self.fault, self.operation) {
            (ScriptBeforeFails, _) => "the script before fails",
            (ScriptAfterFails, _) => "the script after fails",
            (Dependency, Remove) => "others need it",
            (Dependency, _) => "a dependency is missing",
            (FileConflict, Remove) => "files of others among its own",
            (FileConflict, _) => "a file of another package",
            (LockHeld, _) => "the lock is held",
            (NetworkGone, _) => "the network is gone",
            (DiskFull, _) => "no space for its files",
            (DatabaseDiskFull, _) => "no space for the database",
            (Killed, _) => "killed once",
            (KilledEachTime, _) => "killed each time",
            (PowerLoss, _) => "power loss",
        };
        write!(formatter, "{operation}, {fault}:")
    }
}
