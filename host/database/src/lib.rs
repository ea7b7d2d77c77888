//! Where the database of a cluster is: in a file of SQLite, on one machine; or on a server of PostgreSQL, for many. Whoever
//! opens it gets a [`Store`], whichever it is.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use opkg_oda::{Change, Error, Store};
use opkg_postgres::PostgresStore;
use opkg_sqlite::SqliteStore;

pub use opkg_postgres::{Address, AddressError, access, measure};

/// An open database.
pub type Database = Box<dyn Store + Send>;

/// Where a database is.
#[derive(Debug, Clone)]
pub enum Location {
    /// In a file.
    File(PathBuf),
    /// On a server.
    Server {
        address: Box<Address>,
        /// As it was written, which may hold a password.
        text: OsString,
    },
}

impl Location {
    /// Takes what begins with `postgres://` for an address, and anything else for a path.
    ///
    /// # Errors
    /// The address cannot be understood.
    pub fn parse(text: &OsStr) -> Result<Self, AddressError> {
        match text.to_str().filter(|text| Address::is_meant_by(text)) {
            None => Ok(Self::File(text.into())),
            Some(address) => {
                let address = Address::parse(address, |variable| std::env::var(variable).ok())?;
                Ok(Self::Server { address: Box::new(address), text: text.to_owned() })
            }
        }
    }

    /// Its file; absent where it is on a server.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Server { .. } => None,
        }
    }

    /// The same database, for another role of its server; a file is for whoever may read it.
    #[must_use]
    pub fn with_credentials(self, credentials: &access::Credentials) -> Self {
        match self {
            Self::Server { address, text } => {
                Self::Server { address: Box::new(credentials.apply_to(*address)), text }
            }
            file @ Self::File(_) => file,
        }
    }

    /// The address of its server; absent where it is a file.
    #[must_use]
    pub fn server(&self) -> Option<&Address> {
        match self {
            Self::File(_) => None,
            Self::Server { address, .. } => Some(address),
        }
    }

    /// As another program has to be told; may hold a password.
    #[must_use]
    pub fn as_os_str(&self) -> &OsStr {
        match self {
            Self::File(path) => path.as_os_str(),
            Self::Server { text, .. } => text,
        }
    }

    /// Opens it.
    ///
    /// # Errors
    /// There is none, or it cannot be used.
    pub fn open(&self) -> Result<Database, Error> {
        Ok(match self {
            Self::File(path) => Box::new(SqliteStore::open(path)?),
            Self::Server { address, .. } => Box::new(PostgresStore::open(Address::clone(address))?),
        })
    }

    /// Opens it for engines, which keep what they did in files of `results_directory` while a server is away.
    ///
    /// # Errors
    /// There is none, or it cannot be used.
    pub fn open_for_engine(&self, results_directory: &Path) -> Result<Database, Error> {
        match self {
            Self::File(_) => self.open(),
            Self::Server { address, .. } => {
                let directory = Some(results_directory.to_owned());
                Ok(Box::new(PostgresStore::open_for_engine(Address::clone(address), directory)?))
            }
        }
    }

    /// Opens it only to read: of a file, nothing is written, neither to it nor beside it.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn open_read_only(&self) -> Result<Database, Error> {
        match self {
            Self::File(path) => Ok(Box::new(SqliteStore::open_read_only(path)?)),
            Self::Server { .. } => self.open(),
        }
    }

    /// Brings its tables to the version of this program; those of a file come there whenever it is opened. The answer is
    /// whether there was anything to do.
    ///
    /// # Errors
    /// There is none, or it may not be changed.
    pub fn migrate(&self) -> Result<bool, Error> {
        match self {
            Self::File(path) => SqliteStore::open(path).map(|_| false),
            Self::Server { address, .. } => PostgresStore::migrate(Address::clone(address)),
        }
    }

    /// Makes it, with changes that are in it from the beginning: all of it, or nothing.
    ///
    /// # Errors
    /// It is there already, or cannot be made.
    pub fn create_with(&self, changes: &[Change]) -> Result<Database, Error> {
        Ok(match self {
            Self::File(path) => Box::new(SqliteStore::create_with(path, changes)?),
            Self::Server { address, .. } => {
                Box::new(PostgresStore::create_with(Address::clone(address), changes)?)
            }
        })
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Server { address, .. } => address.fmt(f),
        }
    }
}
