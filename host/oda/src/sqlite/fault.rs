//! What SQLite says when something is wrong, in the words of the trait.

use std::path::Path;

use rusqlite::ErrorCode;
use rusqlite::ffi;

use crate::Error;

/// Why an operation on the database failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite says so.
    Sql(rusqlite::Error),
    /// What was read cannot be.
    Flaw(String),
    /// What was to be written cannot be stored.
    Refused(String),
}

pub(super) type Result<T> = std::result::Result<T, Fault>;

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl Fault {
    /// The error for the caller; `path` is the database, `seconds` how long this process waits for others.
    pub(super) fn at(self, path: &Path, seconds: u64) -> Error {
        let path = path.to_owned();
        let error = match self {
            Self::Flaw(flaw) => return Error::Damaged { path, flaw },
            Self::Refused(reason) => return Error::Other { path, reason },
            Self::Sql(error) => error,
        };
        let (code, reason) = match error {
            rusqlite::Error::SqliteFailure(code, reason) => {
                (code, reason.unwrap_or_else(|| code.to_string()))
            }
            rusqlite::Error::SqlInputError { error, msg, .. } => (error, msg),
            // The rest is about values that are not of the type that the schema promises.
            other => return Error::Damaged { path, flaw: other.to_string() },
        };
        match (code.code, code.extended_code) {
            (_, ffi::SQLITE_IOERR_SHMSIZE) | (ErrorCode::DiskFull, _) => Error::Full(path),
            (ErrorCode::ReadOnly | ErrorCode::PermissionDenied, _) => Error::ReadOnly { path, reason },
            (ErrorCode::DatabaseCorrupt, _) => Error::Damaged { path, flaw: reason },
            (ErrorCode::NotADatabase, _) => Error::Foreign(path),
            (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => Error::Busy { path, seconds },
            // The statements are constant: what they fail at is a table or column that is not there.
            (ErrorCode::Unknown, ffi::SQLITE_ERROR) => Error::Damaged { path, flaw: reason },
            (ErrorCode::CannotOpen, _) => {
                let reason = "it, or the files `-wal` and `-shm` beside it, cannot be opened or made".into();
                Error::ReadOnly { path, reason }
            }
            _ => Error::Other { path, reason },
        }
    }
}
