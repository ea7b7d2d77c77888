//! One file of SQLite: the database of a cluster whose head node does all the work, and of every node by itself.

mod fault;
mod journal;
mod place;
mod read;
mod schema;
mod write;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::crash::{point, point_at};
use crate::event::{Event, Run, RunId};
use crate::{Change, Cluster, Error, Holder, Lock, PackageId, Store, TargetId, Value, Wanted, lock};

/// For pages of the database, in KiB: a cluster of some thousand targets.
const CACHE: i64 = 16 << 10;

/// How a database is opened or made.
#[derive(Debug, Clone)]
pub struct Options {
    /// Even on a file system where two machines may write at a time without knowing of each other.
    pub anywhere: bool,
    /// For how long it waits for another process that writes.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { anywhere: false, patience: Duration::from_secs(10) }
    }
}

/// A database in one file of SQLite.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    connection: Connection,
    patience: Duration,
    /// Changes whenever another process has written.
    data_version: i64,
}

impl Sqlite {
    /// Makes a new database and opens it. Only its owner can read it, since configurations hold passwords.
    ///
    /// # Errors
    /// When something stands there already, or it cannot be made; then nothing is left.
    pub fn create(path: &Path) -> Result<Self, Error> {
        Options::default().create(path)
    }

    /// Opens a database; one of an older program becomes one of this program.
    ///
    /// # Errors
    /// When there is none, or it cannot be used.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Options::default().open(path)
    }
}

impl Options {
    /// As [`Sqlite::create`].
    ///
    /// # Errors
    /// Likewise.
    pub fn create(&self, path: &Path) -> Result<Sqlite, Error> {
        let fail = |error: io::Error| io_error(path, &error);
        // A log left behind by a database that was deleted would be taken for this one's.
        for suffix in ["", "-wal", "-journal"] {
            let taken = beside(path, suffix);
            if taken.symlink_metadata().is_ok() {
                return Err(Error::Exists(taken));
            }
        }
        let directory = match path.parent() {
            Some(it) if it != Path::new("") => it,
            _ => Path::new("."),
        };
        self.check_place(path, directory)?;
        // Complete under another name first: whoever finds it under its own finds all of it.
        let draft = tempfile::Builder::new().prefix(".oda-").tempfile_in(directory).map_err(fail)?;
        let made = self.connect(draft.path(), path).and_then(|mut connection| {
            let done = schema::create(&mut connection).map_err(|fault| self.error(fault, path));
            done.and_then(|()| connection.close().map_err(|(_, error)| self.error(error.into(), path)))
        });
        // SQLite removes them when it closes; after a failure they may be left.
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(beside(draft.path(), suffix));
        }
        made?;
        point("create.before");
        draft.as_file().sync_all().map_err(fail)?;
        draft.persist_noclobber(path).map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => Error::Exists(path.to_owned()),
            _ => fail(error.error),
        })?;
        std::fs::File::open(directory).and_then(|it| it.sync_all()).map_err(fail)?;
        point("create.after");
        self.open(path)
    }

    /// As [`Sqlite::open`].
    ///
    /// # Errors
    /// Likewise.
    pub fn open(&self, path: &Path) -> Result<Sqlite, Error> {
        match path.metadata() {
            Ok(it) if it.is_file() => {}
            Ok(_) => return Err(Error::Foreign(path.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::Missing(path.to_owned()));
            }
            Err(error) => return Err(io_error(path, &error)),
        }
        self.check_place(path, path)?;
        let mut connection = self.connect(path, path)?;
        let data_version = self.prepare(&mut connection, path)?;
        Ok(Sqlite { path: path.to_owned(), connection, patience: self.patience, data_version })
    }

    fn check_place(&self, path: &Path, at: &Path) -> Result<(), Error> {
        match place::unsafe_kind(at).map_err(|error| io_error(path, &error))? {
            Some(kind) if !self.anywhere => Err(Error::Unsafe { path: path.to_owned(), kind }),
            _ => Ok(()),
        }
    }

    /// Opens the file at `from`; errors speak of `path`.
    fn connect(&self, from: &Path, path: &Path) -> Result<Connection, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let open = || -> fault::Result<Connection> {
            let connection = Connection::open_with_flags(from, flags)?;
            connection.busy_timeout(self.patience)?;
            // The file may have been made by anybody.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
            connection.pragma_update(None, "cell_size_check", true)?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            // Otherwise each statement that may fail halfway begins a file, and large commits write pages twice.
            connection.pragma_update(None, "temp_store", "MEMORY")?;
            connection.pragma_update(None, "cache_size", -CACHE)?;
            connection.set_prepared_statement_cache_capacity(64);
            Ok(connection)
        };
        open().map_err(|fault| self.error(fault, path))
    }

    /// Makes sure that it is a database of this program and of this version.
    fn prepare(&self, connection: &mut Connection, path: &Path) -> Result<i64, Error> {
        let fail = |fault| self.error(fault, path);
        if !schema::ours(connection).map_err(fail)? {
            return Err(Error::Foreign(path.to_owned()));
        }
        let found = schema::version(connection).map_err(fail)?;
        if found > schema::VERSION {
            return Err(Error::Newer { path: path.to_owned(), found, known: schema::VERSION });
        }
        if found < schema::VERSION {
            schema::migrate(connection).map_err(fail)?;
        }
        schema::check(connection).map_err(fail)?;
        data_version(connection).map_err(fail)
    }

    fn error(&self, fault: fault::Fault, path: &Path) -> Error {
        fault.at(path, self.patience.as_secs())
    }
}

impl Sqlite {
    fn fail<T>(&self, result: fault::Result<T>) -> Result<T, Error> {
        result.map_err(|fault| fault.at(&self.path, self.patience.as_secs()))
    }

    /// Begins to write, lets `work` do it, and commits; `place` names the points where a test may interrupt it.
    fn write<T>(
        &mut self,
        place: &str,
        work: impl FnOnce(&Connection) -> fault::Result<T>,
    ) -> Result<T, Error> {
        point_at(place, "before");
        let transaction = || {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            point_at(place, "commit");
            transaction.commit()?;
            Ok(done)
        };
        let done = { transaction }();
        let done = self.fail(done)?;
        point_at(place, "after");
        Ok(done)
    }
}

fn write_all(to: &Connection, place: &str, changes: &[Change]) -> fault::Result<()> {
    for change in changes {
        write::change(to, change)?;
        point_at(place, change.name());
    }
    Ok(())
}

impl Store for Sqlite {
    fn pending(&mut self) -> Result<bool, Error> {
        self.fail(read::pending(&self.connection))
    }

    fn load(&mut self) -> Result<Cluster, Error> {
        let load = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            read::cluster(&transaction)
        };
        let loaded = load(&mut self.connection);
        self.fail(loaded)
    }

    fn changed(&mut self) -> Result<bool, Error> {
        let now = self.fail(data_version(&self.connection))?;
        Ok(std::mem::replace(&mut self.data_version, now) != now)
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), Error> {
        if changes.is_empty() {
            return Ok(());
        }
        self.write("commit", |connection| write_all(connection, "commit.within", changes))
    }

    fn update(&mut self, decide: &mut dyn FnMut(&Cluster) -> Vec<Change>) -> Result<(), Error> {
        self.write("update", |connection| {
            let changes = decide(&read::cluster(connection)?);
            write_all(connection, "update.within", &changes)
        })
    }

    fn start_run(&mut self, run: &Run) -> Result<RunId, Error> {
        self.write("start_run", |connection| {
            let id = journal::start(connection, run)?;
            point("start_run.within");
            Ok(id)
        })
    }

    fn runs(&mut self, limit: u32) -> Result<Vec<Run>, Error> {
        self.fail(journal::runs(&self.connection, limit))
    }

    fn open_runs(&mut self) -> Result<Vec<Run>, Error> {
        self.fail(journal::open_runs(&self.connection))
    }

    fn events(&mut self, wanted: &Wanted) -> Result<Vec<Event>, Error> {
        let events = self
            .connection
            .transaction()
            .map_err(fault::Fault::from)
            .and_then(|it| journal::events(&it, wanted));
        self.fail(events)
    }

    fn values(&mut self, package: PackageId, image: Option<TargetId>) -> Result<Vec<Value>, Error> {
        self.fail(read::values(&self.connection, package, image))
    }

    fn lock(&mut self, targets: &[TargetId]) -> Result<Result<Box<dyn Lock>, Holder>, Error> {
        let file = lock::file_of(&self.path);
        let taken = lock::take(&file, targets).map_err(|error| io_error(&file, &error))?;
        Ok(taken.map(|held| -> Box<dyn Lock> { Box::new(held) }))
    }
}

fn data_version(connection: &Connection) -> fault::Result<i64> {
    Ok(connection.pragma_query_value(None, "data_version", |row| row.get(0))?)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

fn io_error(path: &Path, error: &io::Error) -> Error {
    let path = path.to_owned();
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::Full(path),
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            Error::ReadOnly { path, reason: error.to_string() }
        }
        _ => Error::Other { path, reason: error.to_string() },
    }
}
