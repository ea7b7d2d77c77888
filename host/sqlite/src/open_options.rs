//! How a file is opened, made and migrated.

use std::io;
use std::path::Path;
use std::time::Duration;

use opkg_oda::crash::crash_point;
use opkg_oda::{Change, Error};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::filesystem::{self, io_error, with_suffix};
use crate::snapshot::{self, QuietFile};
use crate::{Source, SqliteStore, apply_changes, data_version, error, schema};

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

    pub(super) fn open_copy(&self, path: &Path) -> Result<SqliteStore, Error> {
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
