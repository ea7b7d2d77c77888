//! Errors of SQLite as those of [`opkg_oda::Store`].

use std::path::Path;

use opkg_oda::Error;
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

impl SqliteError {
    /// The error for the caller; `path` is the database, `seconds` how long this process waits for others.
    pub(super) fn into_error(self, path: &Path, seconds: u64) -> Error {
        let path = path.to_owned();
        let error = match self {
            Self::Corrupt(reason) => return Error::Corrupt { path, reason },
            Self::Unsupported(reason) => return Error::Other { path, reason },
            Self::Sql(error) => error,
        };
        let (code, reason) = match error {
            rusqlite::Error::SqliteFailure(code, reason) => {
                (code, reason.unwrap_or_else(|| code.to_string()))
            }
            rusqlite::Error::SqlInputError { error, msg, .. } => (error, msg),
            // The rest is about values that are not of the type that the schema promises.
            other => return Error::Corrupt { path, reason: other.to_string() },
        };
        match (code.code, code.extended_code) {
            (_, ffi::SQLITE_IOERR_SHMSIZE) | (ErrorCode::DiskFull, _) => Error::DiskFull(path),
            (ErrorCode::ReadOnly | ErrorCode::PermissionDenied, _) => Error::ReadOnly { path, reason },
            (ErrorCode::DatabaseCorrupt, _) => Error::Corrupt { path, reason },
            (ErrorCode::NotADatabase, _) => Error::NotADatabase(path),
            (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => Error::Busy { path, seconds },
            // The statements are constant: what they fail at is a table or column that is not there.
            (ErrorCode::Unknown, ffi::SQLITE_ERROR) => Error::Corrupt { path, reason },
            (ErrorCode::CannotOpen, _) => {
                let reason =
                    "the file itself, or `-wal` or `-shm` next to it, cannot be opened or created".into();
                Error::ReadOnly { path, reason }
            }
            _ => Error::Other { path, reason },
        }
    }
}

/// Fails with [`SqliteError::Corrupt`] unless `is_valid`.
pub(super) fn ensure_valid(is_valid: bool, reason: impl FnOnce() -> String) -> Result<()> {
    if is_valid { Ok(()) } else { Err(SqliteError::Corrupt(reason())) }
}

/// The value with an id; `what` describes the column for the error.
pub(super) fn decode_id<T>(
    id: i64,
    from_id: impl FnOnce(i64) -> Option<T>,
    what: impl FnOnce() -> String,
) -> Result<T> {
    from_id(id).ok_or_else(|| SqliteError::Corrupt(format!("{} is {id}, which is not a known value", what())))
}
