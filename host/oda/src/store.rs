//! What an engine needs of a database.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::event::{Event, Run, RunId};
use crate::{Change, Cluster, ConfigValue, PackageId, PackageState, StateKey, TargetId};

/// Why an operation failed. Nothing of it was done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no database at {}", .0.display())]
    NotFound(PathBuf),
    #[error("{} exists already", .0.display())]
    AlreadyExists(PathBuf),
    #[error("{} is not an OPM database", .0.display())]
    NotADatabase(PathBuf),
    /// Written by a newer version of this program.
    #[error("the database {} has the schema {found}, this program knows up to {supported}", .path.display())]
    SchemaTooNew { path: PathBuf, found: i64, supported: i64 },
    #[error("the database {} is damaged: {reason}", .path.display())]
    Corrupt { path: PathBuf, reason: String },
    /// Its locks or its write-ahead log do not work there.
    #[error("the database {} is on a file system of type {fs_type}, which does not lock files reliably", .path.display())]
    UnsafeFileSystem {
        path: PathBuf,
        /// As in `/proc/mounts`: `nfs`, `fuse.sshfs`.
        fs_type: String,
    },
    #[error("the database {} cannot be written: {reason}", .path.display())]
    ReadOnly { path: PathBuf, reason: String },
    #[error("no space left on the disk of the database {}", .0.display())]
    DiskFull(PathBuf),
    #[error("another process has kept the database {} locked for {seconds} seconds", .path.display())]
    Busy {
        path: PathBuf,
        /// How long this process waited.
        seconds: u64,
    },
    #[error("the database {} failed: {reason}", .path.display())]
    Other {
        path: PathBuf,
        /// The message of SQLite or of the operating system.
        reason: String,
    },
}

/// Which events to return. Absent fields do not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    pub target: Option<TargetId>,
    pub package: Option<PackageId>,
    pub run: Option<RunId>,
    /// Only those that failed or were interrupted.
    pub failed_only: bool,
    /// At most this many, newest first.
    pub limit: Option<u32>,
}

/// What to purge from a database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PurgeOrder {
    /// The configuration of these packages.
    pub values_of: Vec<PackageId>,
    /// Runs, with their steps, that ended before this time, in milliseconds since 1970.
    pub runs_ended_before: i64,
}

/// What was purged, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PurgeCounts {
    /// How many values of which packages.
    pub values: BTreeMap<PackageId, usize>,
    /// Runs, oldest first.
    pub runs: Vec<RunId>,
    /// Their steps.
    pub events: usize,
    /// The logs of these steps, as the database names them.
    pub logs: Vec<String>,
}

/// Which process holds the lock on a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockHolder {
    /// The first of the requested targets that it holds.
    pub target: TargetId,
    /// Absent if the holder has not recorded it.
    pub pid: Option<u32>,
    /// In seconds since 1970; absent if the holder has not recorded it.
    pub locked_since: Option<i64>,
}

/// An exclusive lock on targets. Released when this is dropped and when the process ends.
pub trait Lock: std::fmt::Debug {}

/// The database of a cluster. Every method fails with an [`Error`] of the database, and has then changed nothing.
#[allow(clippy::missing_errors_doc)] // the same for all of them
pub trait Store {
    /// Whether any package on any of the targets may have work left. Cheap; never says no where there is.
    fn has_pending_work(&mut self) -> Result<bool, Error>;

    /// Everything that decides about work, at one instant.
    fn load(&mut self) -> Result<Cluster, Error>;

    /// The same to look at, but not to write: targets that are alike share what is on them, so that this is cheap however
    /// many there are. Times of changes and of hand-overs may be those of another target that is alike.
    fn load_overview(&mut self) -> Result<Cluster, Error>;

    /// The state of one package on one target, with the time of its own last change.
    fn load_state(&mut self, key: StateKey) -> Result<Option<PackageState>, Error>;

    /// The targets alone, with what tells their roots from others. Cheap, whatever is installed.
    fn load_targets(&mut self) -> Result<Cluster, Error>;

    /// Whether another process has changed anything since the last call.
    fn has_changed(&mut self) -> Result<bool, Error>;

    /// Writes changes, all or none. When this returns they will outlast a loss of power.
    fn commit(&mut self, changes: &[Change]) -> Result<(), Error>;

    /// Reads, lets `decide` say what is to change, and writes that, while nobody else can write.
    fn update(&mut self, decide: &mut dyn FnMut(&Cluster) -> Vec<Change>) -> Result<(), Error>;

    /// Records a new run and returns its id; `run.id` is ignored.
    fn start_run(&mut self, run: &Run) -> Result<RunId, Error>;

    /// Runs, newest first, at most `limit`.
    fn runs(&mut self, limit: u32) -> Result<Vec<Run>, Error>;

    /// The runs without an end: of live processes, and of those that died.
    fn unfinished_runs(&mut self) -> Result<Vec<Run>, Error>;

    /// Events of the journal, newest first.
    fn events(&mut self, filter: &EventFilter) -> Result<Vec<Event>, Error>;

    /// Removes rows that nobody needs any longer, all or none; with `dry_run` only counts them.
    fn purge(&mut self, order: &PurgeOrder, dry_run: bool) -> Result<PurgeCounts, Error>;

    /// The configuration of a package, for an image or for the whole cluster, in the order of its form.
    fn values(&mut self, package: PackageId, image: Option<TargetId>) -> Result<Vec<ConfigValue>, Error>;

    /// Locks targets exclusively, all or none. The inner error says who holds one of them.
    ///
    /// # Errors
    /// When locks do not work there.
    fn lock(&mut self, targets: &[TargetId]) -> Result<Result<Box<dyn Lock>, LockHolder>, Error>;
}
