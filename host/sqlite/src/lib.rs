//! The database of a cluster as one SQLite file ([`SqliteStore`]), and locks on its targets.

mod batch;
mod digest;
mod dump;
mod error;
mod filesystem;
mod journal;
mod lock;
mod open_options;
mod prune;
mod purge;
mod read;
mod rollouts;
mod schema;
mod snapshot;
mod statement;
mod store;
mod write;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use opkg_oda::crash::crash_point_in;
use opkg_oda::{Change, CommandRecord, Error};
use rusqlite::{Connection, TransactionBehavior};

pub use open_options::OpenOptions;
use snapshot::QuietFile;
use write::Writer;

/// A database in one file of SQLite.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    connection: Connection,
    busy_timeout: Duration,
    /// Changes whenever another process has written.
    data_version: i64,
    source: Source,
    /// Whose changes these are.
    command: Option<CommandRecord>,
}

/// What is read.
#[derive(Debug)]
enum Source {
    /// The file itself, with its locks.
    File,
    /// The file itself, without locks: valid as long as nobody has written.
    Quiet(QuietFile),
    /// A copy, in this directory.
    Copy(#[allow(dead_code)] tempfile::TempDir), // for as long as it is read
}

impl SqliteStore {
    /// Creates a new database and opens it. Only its owner can read it, since configurations hold passwords.
    ///
    /// # Errors
    /// When there is a file of that name already, or it cannot be created; then nothing is left.
    pub fn create(path: &Path) -> Result<Self, Error> {
        OpenOptions::default().create(path)
    }

    /// Likewise, with changes that are in it from the beginning. All of it is there afterwards, or nothing.
    ///
    /// # Errors
    /// As [`SqliteStore::create`].
    pub fn create_with(path: &Path, changes: &[Change]) -> Result<Self, Error> {
        OpenOptions::default().create_with(path, changes)
    }

    /// Opens a database and migrates one of an older schema.
    ///
    /// # Errors
    /// When there is none, or it cannot be used.
    pub fn open(path: &Path) -> Result<Self, Error> {
        OpenOptions::default().open(path)
    }

    /// Opens a database only to read it: nothing is written, neither to it nor beside it, so that a read-only disk will
    /// do, and the rights of a user who may only read. What others commit from now on may not be seen.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn open_read_only(path: &Path) -> Result<Self, Error> {
        OpenOptions::default().open_read_only(path)
    }
}

impl SqliteStore {
    fn map_result<T>(&self, result: error::Result<T>) -> Result<T, Error> {
        result.map_err(|error| error.into_error(&self.path, self.busy_timeout.as_secs()))
    }

    /// Reads, all of one instant. Where the file is read in place and somebody has written meanwhile, what was read is
    /// worth nothing, and a copy is read instead.
    fn read<T>(&mut self, read: impl Fn(&Connection) -> error::Result<T>) -> Result<T, Error> {
        let read_once = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            read(&transaction)
        };
        let mut result = read_once(&mut self.connection);
        if let Source::Quiet(quiet) = &self.source
            && !quiet.is_unchanged(&self.path)
        {
            let options = OpenOptions { busy_timeout: self.busy_timeout, ..OpenOptions::default() };
            *self = options.open_copy(&self.path)?;
            result = read_once(&mut self.connection);
        }
        self.map_result(result)
    }

    /// Runs `work` in a transaction; `crash_prefix` begins the names of its crash points.
    fn write_transaction<T>(
        &mut self,
        crash_prefix: &str,
        work: impl FnOnce(&Connection) -> error::Result<T>,
    ) -> Result<T, Error> {
        crash_point_in(crash_prefix, "before");
        let commit = || {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&transaction)?;
            crash_point_in(crash_prefix, "commit");
            transaction.commit()?;
            Ok(result)
        };
        let committed = commit();
        let result = self.map_result(committed)?;
        crash_point_in(crash_prefix, "after");
        Ok(result)
    }
}

fn apply_changes(connection: &Connection, crash_prefix: &str, changes: &[Change]) -> error::Result<()> {
    let mut writer = Writer::new(connection);
    let mut touched = BTreeSet::new();
    for change in changes {
        digest::collect_touched(connection, change, &mut touched)?;
        writer.apply_change(change)?;
        crash_point_in(crash_prefix, change.name());
    }
    writer.flush()?;
    digest::renew(connection, touched)
}

fn data_version(connection: &Connection) -> error::Result<i64> {
    Ok(connection.pragma_query_value(None, "data_version", |row| row.get(0))?)
}
