//! Where a database may be: in a file, or on the server of the tests.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use opkg_database::{Database, Location};
use opkg_tests::postgres::{self, ServerDatabase};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

impl Backend {
    /// Whether there is one; where there is none, says so aloud.
    pub fn is_there(self) -> bool {
        self == Self::Sqlite || postgres::has_server()
    }

    /// A place for a database of its own.
    pub fn scratch(self) -> Scratch {
        let directory = tempfile::tempdir().unwrap();
        let server = (self == Self::Postgres).then(ServerDatabase::new);
        let text: OsString = match &server {
            None => directory.path().join("oda.db").into(),
            Some(server) => server.address().into(),
        };
        Scratch { location: Location::parse(&text).unwrap(), server, directory }
    }
}

/// A place for a database; what is there goes away with it.
pub struct Scratch {
    location: Location,
    server: Option<ServerDatabase>,
    directory: tempfile::TempDir,
}

impl Scratch {
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// For files of a test.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The database, where it is on a server.
    pub fn server(&self) -> &ServerDatabase {
        self.server.as_ref().unwrap()
    }

    pub fn create(&self) -> Database {
        self.location.create_with(&[]).unwrap()
    }

    pub fn open(&self) -> Database {
        self.location.open().unwrap()
    }

    /// Runs statements on a server; returns what they print, a line for each row.
    pub fn sql(&self, statements: &str) -> String {
        self.server().sql(statements)
    }
}

impl AsRef<OsStr> for Scratch {
    fn as_ref(&self) -> &OsStr {
        self.location.as_os_str()
    }
}

/// Makes tests of functions that take a [`Backend`]: one in a file, one on a server.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[test]
            fn $name() {
                super::$name($crate::common::Backend::Sqlite);
            })*
        }
        mod postgres {
            $(#[test]
            fn $name() {
                if $crate::common::Backend::Postgres.is_there() {
                    super::$name($crate::common::Backend::Postgres);
                }
            })*
        }
    };
}
pub(crate) use on_both;
