//! The database of a cluster as one SQLite file ([`SqliteStore`]), and locks on its targets.

mod batch;
mod digest;
mod dump;
mod error;
mod filesystem;
mod journal;
mod lock;
mod purge;
mod read;
mod schema;
mod snapshot;
mod write;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use filesystem::{io_error, with_suffix};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use write::Writer;

use snapshot::QuietFile;

use error::SqliteError;
use opkg_oda::crash::{crash_point, crash_point_in};
use opkg_oda::tables::RowReceiver;
use opkg_oda::{
    Change, Cluster, CommandRecord, ConfigValue, ConfigValues, Error, Event, EventFilter, Lock, LockHolder,
    PackageId, PackageState, PurgeCounts, PurgeOrder, Run, RunId, StateKey, Store, TargetId, UnfinishedRun,
    record_command,
};

/// For pages of the database, in KiB: a cluster of some thousand targets.
const CACHE_KIB: i64 = 16 << 10;

#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// Also on a file system where locks may not hold between machines.
    pub allow_network_fs: bool,
    /// How long to wait for another process that writes.
    pub busy_timeout: Duration,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { allow_network_fs: false, busy_timeout: Duration::from_secs(10) }
    }
}

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

impl OpenOptions {
    /// # Errors
    /// As [`SqliteStore::create`].
    pub fn create(&self, path: &Path) -> Result<SqliteStore, Error> {
        self.create_with(path, &[])
    }

    /// # Errors
    /// As [`SqliteStore::create_with`].
    pub fn create_with(&self, path: &Path, changes: &[Change]) -> Result<SqliteStore, Error> {
        let fail = |error: io::Error| io_error(path, &error);
        // A log left behind by a database that was deleted would be taken for this one's.
        for suffix in ["", "-wal", "-journal"] {
            let file = with_suffix(path, suffix);
            if file.symlink_metadata().is_ok() {
                return Err(Error::AlreadyExists(file.display().to_string()));
            }
        }
        let directory = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        self.check_filesystem(path, directory)?;
        // Complete under another name first: whoever finds it under its own finds all of it.
        let draft = tempfile::Builder::new().prefix(".oda-").tempfile_in(directory).map_err(fail)?;
        let created = self.connect(draft.path(), path).and_then(|mut connection| {
            let filled = schema::create(&mut connection).and_then(|()| {
                let transaction = connection.transaction()?;
                apply_changes(&transaction, "create.within", changes)?;
                transaction.commit()?;
                schema::finish_creation(&connection)
            });
            let result = filled.map_err(|error| self.map_error(error, path));
            result.and_then(|()| connection.close().map_err(|(_, error)| self.map_error(error.into(), path)))
        });
        // SQLite removes its log when it closes, unless it could not write all of it into the file, of which it says nothing.
        let is_whole = !with_suffix(draft.path(), "-wal").exists();
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(with_suffix(draft.path(), suffix));
        }
        created?;
        if !is_whole {
            return Err(Error::DiskFull(path.display().to_string()));
        }
        crash_point("create.before");
        draft.as_file().sync_all().map_err(fail)?;
        draft.persist_noclobber(path).map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => Error::AlreadyExists(path.display().to_string()),
            _ => fail(error.error),
        })?;
        std::fs::File::open(directory).and_then(|directory| directory.sync_all()).map_err(fail)?;
        crash_point("create.after");
        self.open(path).inspect_err(|_| {
            // One that cannot be used is not left to be found.
            for suffix in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(with_suffix(path, suffix));
            }
        })
    }

    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn open(&self, path: &Path) -> Result<SqliteStore, Error> {
        check_is_file(path)?;
        self.check_filesystem(path, path)?;
        self.open_file(path, path, Source::File)
    }

    /// # Errors
    /// As [`SqliteStore::open_read_only`].
    pub fn open_read_only(&self, path: &Path) -> Result<SqliteStore, Error> {
        check_is_file(path)?;
        if let Some(quiet) = QuietFile::find(path)
            && let Ok(Some(store)) = self.open_quiet(path, quiet)
        {
            return Ok(store);
        }
        self.open_copy(path)
    }

    fn open_copy(&self, path: &Path) -> Result<SqliteStore, Error> {
        let copy = snapshot::copy(path)?;
        let file = copy.path().join(snapshot::FILE_NAME);
        self.open_file(&file, path, Source::Copy(copy))
    }

    /// Reads the file in place; absent where it has to be migrated, or somebody has written meanwhile.
    fn open_quiet(&self, path: &Path, quiet: QuietFile) -> Result<Option<SqliteStore>, Error> {
        let uri = snapshot::immutable_uri(path).map_err(|error| io_error(path, &error))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let mut connection = self.connect_with(Path::new(&uri), path, flags)?;
        if schema::version(&connection).map_err(|error| self.map_error(error, path))? != schema::VERSION {
            return Ok(None);
        }
        let data_version = self.prepare_schema(&mut connection, path)?;
        let is_whole = quiet.is_unchanged(path);
        let (path, busy_timeout) = (path.to_owned(), self.busy_timeout);
        let source = Source::Quiet(quiet);
        Ok(is_whole.then_some(SqliteStore {
            path,
            connection,
            busy_timeout,
            data_version,
            source,
            command: None,
        }))
    }

    fn open_file(&self, file: &Path, path: &Path, source: Source) -> Result<SqliteStore, Error> {
        let mut connection = self.connect(file, path)?;
        let data_version = self.prepare_schema(&mut connection, path)?;
        let (path, busy_timeout) = (path.to_owned(), self.busy_timeout);
        Ok(SqliteStore { path, connection, busy_timeout, data_version, source, command: None })
    }

    fn check_filesystem(&self, path: &Path, location: &Path) -> Result<(), Error> {
        match filesystem::unsafe_fs_type(location).map_err(|error| io_error(path, &error))? {
            Some(fs_type) if !self.allow_network_fs => {
                Err(Error::UnsafeFileSystem { database: path.display().to_string(), fs_type })
            }
            _ => Ok(()),
        }
    }

    /// Opens `file`; errors name `path`.
    fn connect(&self, file: &Path, path: &Path) -> Result<Connection, Error> {
        self.connect_with(file, path, OpenFlags::SQLITE_OPEN_READ_WRITE)
    }

    fn connect_with(&self, file: &Path, path: &Path, flags: OpenFlags) -> Result<Connection, Error> {
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let open = || -> error::Result<Connection> {
            let connection = Connection::open_with_flags(file, flags)?;
            connection.busy_timeout(self.busy_timeout)?;
            // The file may have been written by anybody.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
            // No statement is prepared again because of the values that it gets.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            connection.pragma_update(None, "cell_size_check", true)?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            // Otherwise each statement that may fail halfway begins a file, and large commits write pages twice.
            connection.pragma_update(None, "temp_store", "MEMORY")?;
            connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
            connection.set_prepared_statement_cache_capacity(64);
            Ok(connection)
        };
        open().map_err(|error| self.map_error(error, path))
    }

    /// Checks that it is a database of this program, and migrates its schema. Returns the data version.
    fn prepare_schema(&self, connection: &mut Connection, path: &Path) -> Result<i64, Error> {
        let fail = |error| self.map_error(error, path);
        if !schema::has_application_id(connection).map_err(fail)? {
            return Err(Error::NotADatabase(path.display().to_string()));
        }
        let found = schema::version(connection).map_err(fail)?;
        if found > schema::VERSION {
            return Err(Error::SchemaTooNew {
                database: path.display().to_string(),
                found,
                supported: schema::VERSION,
            });
        }
        if found < schema::VERSION {
            tracing::info!(database = %path.display(), from = found, to = schema::VERSION, "migrating");
            schema::migrate(connection).map_err(fail)?;
        }
        schema::reject_triggers_and_views(connection).map_err(fail)?;
        data_version(connection).map_err(fail)
    }

    fn map_error(&self, error: error::SqliteError, path: &Path) -> Error {
        error.into_error(path, self.busy_timeout.as_secs())
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

impl Store for SqliteStore {
    fn is_copy(&self) -> bool {
        !matches!(self.source, Source::File)
    }

    fn has_pending_work(&mut self) -> Result<bool, Error> {
        self.read(read::has_pending_work)
    }

    fn load(&mut self) -> Result<Cluster, Error> {
        self.read(read::load_cluster)
    }

    fn load_overview(&mut self) -> Result<Cluster, Error> {
        self.read(read::load_overview)
    }

    fn load_state(&mut self, key: StateKey) -> Result<Option<PackageState>, Error> {
        self.read(|connection| read::load_state(connection, key))
    }

    fn load_targets(&mut self) -> Result<Cluster, Error> {
        self.read(read::load_targets_only)
    }

    fn load_identified_targets(&mut self) -> Result<Cluster, Error> {
        self.read(read::load_identified_targets)
    }

    fn has_changed(&mut self) -> Result<bool, Error> {
        let now = self.map_result(data_version(&self.connection))?;
        Ok(std::mem::replace(&mut self.data_version, now) != now)
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), Error> {
        if changes.is_empty() {
            return Ok(());
        }
        tracing::trace!(changes = changes.len(), "commit");
        self.write_transaction("commit", |connection| apply_changes(connection, "commit.within", changes))
    }

    fn update(&mut self, decide: &mut dyn FnMut(&Cluster) -> Vec<Change>) -> Result<(), Error> {
        let command = self.command.clone();
        self.write_transaction("update", |connection| {
            let mut changes = decide(&read::load_cluster(connection)?);
            record_command(&mut changes, command);
            apply_changes(connection, "update.within", &changes)
        })
    }

    fn record_as(&mut self, command: CommandRecord) {
        self.command = Some(command);
    }

    fn commands(&mut self, limit: u32) -> Result<Vec<CommandRecord>, Error> {
        self.read(|connection| journal::select_commands(connection, limit))
    }

    fn start_run(&mut self, run: &Run) -> Result<RunId, Error> {
        self.write_transaction("start_run", |connection| {
            let id = journal::insert_run(connection, run)?;
            crash_point("start_run.within");
            Ok(id)
        })
    }

    fn runs(&mut self, limit: u32) -> Result<Vec<Run>, Error> {
        self.read(|connection| journal::select_runs(connection, limit))
    }

    fn unfinished_runs(&mut self) -> Result<Vec<UnfinishedRun>, Error> {
        let runs = self.read(journal::select_unfinished_runs)?;
        Ok(runs.into_iter().map(|run| UnfinishedRun { run, is_dead: false }).collect())
    }

    fn events(&mut self, filter: &EventFilter) -> Result<Vec<Event>, Error> {
        self.read(|connection| journal::select_events(connection, filter))
    }

    fn purge(&mut self, order: &PurgeOrder, dry_run: bool) -> Result<PurgeCounts, Error> {
        let command = self.command.clone();
        self.write_transaction("purge", |connection| {
            let counts = purge::count(connection, order)?;
            if !dry_run {
                purge::delete(connection, order, &counts.runs)?;
                if let Some(command) = command.filter(|_| !counts.is_empty()) {
                    let command = Change::RecordCommand(Box::new(command));
                    Writer::new(connection).apply_change(&command)?;
                }
                crash_point("purge.within");
            }
            Ok(counts)
        })
    }

    fn values(&mut self, package: PackageId, image: Option<TargetId>) -> Result<Vec<ConfigValue>, Error> {
        self.read(|connection| read::load_values(connection, package, image))
    }

    fn all_values(&mut self) -> Result<ConfigValues, Error> {
        self.read(read::load_all_values)
    }

    fn dump(&mut self, receive: &mut RowReceiver<'_>) -> Result<(), Error> {
        // What the receiver says is told as it is; once it has failed nothing is read again.
        let (receive, failure) = (RefCell::new(receive), RefCell::new(None));
        let read = self.read(|connection| {
            dump::dump(connection, &mut |table, rows| match (receive.borrow_mut())(table, rows) {
                Ok(()) => Ok(()),
                Err(error) => Err(SqliteError::Corrupt(failure.borrow_mut().insert(error).to_string())),
            })
        });
        failure.into_inner().map_or(read, Err)
    }

    fn replace_with(&mut self, source: &mut dyn Store) -> Result<(), Error> {
        let (path, seconds) = (self.path.clone(), self.busy_timeout.as_secs());
        let mut failure = None;
        let written = self.write_transaction("replace", |connection| {
            dump::clear(connection)?;
            let copied = source.dump(&mut |table, rows| {
                crash_point_in("replace.within", table.name);
                dump::insert(connection, table, &rows).map_err(|error| error.into_error(&path, seconds))
            });
            copied.map_err(|error| SqliteError::Corrupt(failure.insert(error).to_string()))?;
            digest::renew_all(connection)
        });
        failure.map_or(written, Err)
    }

    fn lock(&mut self, targets: &[TargetId]) -> Result<Result<Box<dyn Lock>, LockHolder>, Error> {
        let file = lock::lock_path(&self.path);
        let locked = lock::lock_targets(&file, targets).map_err(|error| io_error(&file, &error))?;
        Ok(locked.map(|lock| -> Box<dyn Lock> { Box::new(lock) }))
    }
}

fn check_is_file(path: &Path) -> Result<(), Error> {
    match path.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(_) => Err(Error::NotADatabase(path.display().to_string())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Error::NotFound(path.display().to_string()))
        }
        Err(error) => Err(io_error(path, &error)),
    }
}

fn data_version(connection: &Connection) -> error::Result<i64> {
    Ok(connection.pragma_query_value(None, "data_version", |row| row.get(0))?)
}
