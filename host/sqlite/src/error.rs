//! Errors of SQLite as those of [`opkg_oda::Store`].

use std::path::Path;

use opkg_oda::Error;
use opkg_oda::cluster_builder::InvalidRow;
use rusqlite::{ErrorCode, ffi};

/// Why an operation on the database failed.
#[derive(Debug)]
pub(super) enum SqliteError {
    Sql(rusqlite::Error),
    /// An invalid stored value.
    Corrupt(String),
    /// A value that cannot be stored.
    Unsupported(String),
}

pub(super) type Result<T> = std::result::Result<T, SqliteError>;

impl From<rusqlite::Error> for SqliteError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<InvalidRow> for SqliteError {
    fn from(InvalidRow(reason): InvalidRow) -> Self {
        Self::Corrupt(reason)
    }
}

impl SqliteError {
    /// The error for the caller; `path` is the database, `seconds` how long this process waits for others.
    pub(super) fn into_error(self, path: &Path, seconds: u64) -> Error {
        let database = path.display().to_string();
        let error = match self {
            Self::Corrupt(reason) => return Error::Corrupt { database, reason },
            Self::Unsupported(reason) => return Error::Other { database, reason },
            Self::Sql(error) => error,
        };
        let (code, reason) = match error {
            rusqlite::Error::SqliteFailure(code, reason) => {
                (code, reason.unwrap_or_else(|| code.to_string()))
            }
            rusqlite::Error::SqlInputError { error, msg, .. } => (error, msg),
            // The rest is about values that are not of the type that the schema promises.
            other => return Error::Corrupt { database, reason: other.to_string() },
        };
        match (code.code, code.extended_code) {
            (_, ffi::SQLITE_IOERR_SHMSIZE) | (ErrorCode::DiskFull, _) => Error::DiskFull(database),
            (ErrorCode::ReadOnly | ErrorCode::PermissionDenied, _) => Error::ReadOnly { database, reason },
            (ErrorCode::DatabaseCorrupt, _) => Error::Corrupt { database, reason },
            (ErrorCode::NotADatabase, _) => Error::NotADatabase(database),
            (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => Error::Busy { database, seconds },
            // The statements are constant: what they fail at is a table or column that is not there.
            (ErrorCode::Unknown, ffi::SQLITE_ERROR) => Error::Corrupt { database, reason },
            (ErrorCode::CannotOpen, _) => {
                let reason =
                    "the file itself, or `-wal` or `-shm` next to it, cannot be opened or created".into();
                Error::ReadOnly { database, reason }
            }
            _ => Error::Other { database, reason },
        }
    }
}
