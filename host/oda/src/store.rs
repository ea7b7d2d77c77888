//! What an engine needs of a database.

use std::path::PathBuf;

use crate::event::{Event, Run, RunId};
use crate::{Change, Cluster, PackageId, TargetId, Value};

/// Why the database did not do what it was told to. Nothing of the failed operation was done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is none yet.
    #[error("there is no database at {}", .0.display())]
    Missing(PathBuf),
    /// Something stands where a new one was to be made.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// Something stands there, but no database of this program.
    #[error("{} is no database of this program", .0.display())]
    Foreign(PathBuf),
    /// A newer program has changed its form.
    #[error("the database {} has the schema {found}, this program knows up to {known}", .path.display())]
    Newer {
        /// Where.
        path: PathBuf,
        /// Of the database.
        found: i64,
        /// Of this program.
        known: i64,
    },
    /// What is stored there cannot be.
    #[error("the database {} is damaged: {flaw}", .path.display())]
    Damaged {
        /// Where.
        path: PathBuf,
        /// What is wrong.
        flaw: String,
    },
    /// It lies where its locks or its write-ahead log do not work.
    #[error("the database {} lies on a file system of type {kind}, where it would not be safe", .path.display())]
    Unsafe {
        /// Where.
        path: PathBuf,
        /// The file system's type.
        kind: String,
    },
    /// It cannot be written to.
    #[error("the database {} cannot be written: {reason}", .path.display())]
    ReadOnly {
        /// Where.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// No room is left on its disk.
    #[error("no room is left on the disk of the database {}", .0.display())]
    Full(PathBuf),
    /// Another process has kept it for itself for too long.
    #[error("another process has kept the database {} locked for {seconds} seconds", .path.display())]
    Busy {
        /// Where.
        path: PathBuf,
        /// How long this one waited.
        seconds: u64,
    },
    /// Anything else.
    #[error("the database {} failed: {reason}", .path.display())]
    Other {
        /// Where.
        path: PathBuf,
        /// In the database's own words.
        reason: String,
    },
}

/// Which events are wanted. Those fields that are absent choose nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Of this target only.
    pub target: Option<TargetId>,
    /// Of this package only.
    pub package: Option<PackageId>,
    /// Of this run only.
    pub run: Option<RunId>,
    /// Only those that failed or were interrupted.
    pub failed: bool,
    /// At most as many, the newest.
    pub limit: Option<u32>,
}

/// Who works on targets that another engine wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The first of the wanted targets that it works on.
    pub target: TargetId,
    /// Its process, where that is known.
    pub process: Option<u32>,
    /// When it began, in seconds since 1970, where that is known.
    pub since: Option<i64>,
}

/// The right to work on targets. It ends when this is dropped, and with the process that holds it, however that
/// ends.
pub trait Lock: std::fmt::Debug {}

/// The database of a cluster.
pub trait Store {
    /// Whether any package on any of the targets may have work left. Cheap; never says no where there is.
    ///
    /// # Errors
    /// When the database fails.
    fn pending(&mut self) -> Result<bool, Error>;

    /// Everything that decides about work, at one instant.
    ///
    /// # Errors
    /// When the database fails.
    fn load(&mut self) -> Result<Cluster, Error>;

    /// Whether another process has changed anything since this was asked last.
    ///
    /// # Errors
    /// When the database fails.
    fn changed(&mut self) -> Result<bool, Error>;

    /// Writes changes, all or none. When this returns they will outlast a loss of power.
    ///
    /// # Errors
    /// When the database fails.
    fn commit(&mut self, changes: &[Change]) -> Result<(), Error>;

    /// Reads, lets `decide` say what is to change, and writes that, while nobody else can write.
    ///
    /// # Errors
    /// When the database fails.
    fn update(&mut self, decide: &mut dyn FnMut(&Cluster) -> Vec<Change>) -> Result<(), Error>;

    /// Notes that a run begins; its key is the answer, that of `run` means nothing.
    ///
    /// # Errors
    /// When the database fails.
    fn start_run(&mut self, run: &Run) -> Result<RunId, Error>;

    /// Runs, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    fn runs(&mut self, limit: u32) -> Result<Vec<Run>, Error>;

    /// The runs that neither ended nor were found dead.
    ///
    /// # Errors
    /// When the database fails.
    fn open_runs(&mut self) -> Result<Vec<Run>, Error>;

    /// Events of the journal, newest first.
    ///
    /// # Errors
    /// When the database fails.
    fn events(&mut self, wanted: &Wanted) -> Result<Vec<Event>, Error>;

    /// The configuration of a package, for an image or for the whole cluster, in the order of its form.
    ///
    /// # Errors
    /// When the database fails.
    fn values(&mut self, package: PackageId, image: Option<TargetId>) -> Result<Vec<Value>, Error>;

    /// Takes targets for this process alone, all or none. The inner error says who has one of them.
    ///
    /// # Errors
    /// When locks do not work there.
    fn lock(&mut self, targets: &[TargetId]) -> Result<Result<Box<dyn Lock>, Holder>, Error>;
}
