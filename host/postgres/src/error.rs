//! Errors of a server as those of [`opkg_oda::Store`].

use std::error::Error as _;

use opkg_oda::Error;
use opkg_oda::cluster_builder::InvalidRow;
use tokio_postgres::error::SqlState;

/// Why an operation failed.
#[derive(Debug)]
pub(crate) enum PostgresError {
    Sql(tokio_postgres::Error),
    /// There is no connection, and none can be made; why.
    Unreachable(String),
    /// An invalid stored value.
    Corrupt(String),
    /// A value that cannot be stored.
    Unsupported(String),
    /// There are tables, and this role sees nothing of them.
    NoRights,
    /// The database has none of our tables.
    NoSchema,
    SchemaTooNew {
        found: i64,
        supported: i64,
    },
    SchemaTooOld {
        found: i64,
        needed: i64,
    },
}

pub(crate) type Result<T> = std::result::Result<T, PostgresError>;

impl From<tokio_postgres::Error> for PostgresError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<InvalidRow> for PostgresError {
    fn from(InvalidRow(reason): InvalidRow) -> Self {
        Self::Corrupt(reason)
    }
}

impl PostgresError {
    /// Whether the same again may succeed at once: two transactions were in each other's way, and this one gave in.
    pub(crate) fn is_conflict(&self) -> bool {
        let Self::Sql(error) = self else { return false };
        [SqlState::T_R_DEADLOCK_DETECTED, SqlState::T_R_SERIALIZATION_FAILURE]
            .iter()
            .any(|state| error.code() == Some(state))
    }

    /// Whether the server is away, or about to go: what was asked for may have happened or not.
    pub(crate) fn is_connection_lost(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Sql(error) => error.code().is_none_or(|state| {
                // Without a code it is no answer of the server.
                matches!(&state.code()[..2], "08" | "57" | "58") && *state != SqlState::QUERY_CANCELED
            }),
            _ => false,
        }
    }

    /// Why, in one line.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Sql(error) => describe(error),
            Self::Unreachable(reason) | Self::Corrupt(reason) | Self::Unsupported(reason) => reason.clone(),
            Self::NoRights => "this role has no rights there".to_owned(),
            Self::NoSchema => "there are no tables".to_owned(),
            Self::SchemaTooNew { .. } | Self::SchemaTooOld { .. } => {
                "its tables are of another version".to_owned()
            }
        }
    }

    /// The error for the caller, about the database of that name.
    pub(crate) fn into_error(self, database: String) -> Error {
        let error = match self {
            Self::Unreachable(reason) => return Error::Unreachable { database, reason },
            Self::Corrupt(reason) => return Error::Corrupt { database, reason },
            Self::Unsupported(reason) => return Error::Other { database, reason },
            Self::NoSchema => return Error::NotADatabase(database),
            Self::SchemaTooNew { found, supported } => {
                return Error::SchemaTooNew { database, found, supported };
            }
            Self::NoRights => {
                let reason = "this role has no rights there; `opm access grant` gives some".into();
                return Error::Forbidden { database, reason };
            }
            Self::SchemaTooOld { found, needed } => return Error::SchemaTooOld { database, found, needed },
            Self::Sql(error) => error,
        };
        let reason = describe(&error);
        let Some(state) = error.code() else { return Error::Unreachable { database, reason } };
        match (state.code(), &state.code()[..2]) {
            ("OPM01", _) => Error::Superseded(database),
            ("3D000", _) => Error::NotFound(database),
            ("53100", _) => Error::DiskFull(database),
            ("25006", _) => Error::ReadOnly { database, reason },
            ("55P03", _) => Error::Busy { database, seconds: 10 },
            ("42501", _) => Error::Forbidden { database, reason },
            (_, "28") => Error::Refused { database, reason },
            // Statements are constant: what they fail at is a table, column or function that is not there.
            ("3F000" | "42P01" | "42703" | "42883", _) | (_, "XX") => Error::Corrupt { database, reason },
            (_, "08" | "53" | "57" | "58") => Error::Unreachable { database, reason },
            _ => Error::Other { database, reason },
        }
    }
}

/// What the server says, in one line; without it, what the connection says.
pub(crate) fn describe(error: &tokio_postgres::Error) -> String {
    if let Some(said) = error.as_db_error() {
        return match said.detail() {
            Some(detail) => format!("{} ({detail})", said.message()),
            None => said.message().to_owned(),
        };
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
