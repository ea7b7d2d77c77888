//! The cluster as all pages see it: read once, and again when somebody has changed it.

use std::hash::RandomState;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use opkg_oda::{Cluster, Error, Sqlite, Store};
use opkg_opm::status::{Status, View};

use crate::program::{Program, Programs};

/// What a server needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The database.
    pub database: PathBuf,
    /// Where the output of programs is kept; nothing outside of it is shown.
    pub log_directory: PathBuf,
    /// The directory of the files of answers to forms.
    pub answers: PathBuf,
    /// The targets that are meant where none are named, as `--on` takes them.
    pub on: String,
    /// How `opm` is started with the same database and configuration.
    pub opm: Program,
    /// In milliseconds since 1970.
    pub now: fn() -> i64,
}

/// The cluster at an instant.
#[derive(Debug)]
pub struct Snapshot {
    /// What the database held.
    pub cluster: Cluster,
    /// All of it, judged.
    pub status: Status,
}

/// What all pages share.
#[derive(Debug)]
pub struct Site {
    /// As it was started.
    pub settings: Settings,
    /// The commands that were started from here.
    pub programs: Programs,
    /// Makes numbers of what is shown, another one in each process.
    pub marker: RandomState,
    reader: Mutex<Reader>,
}

/// A database that only this reads through, so that every change is somebody else's and is noticed.
#[derive(Debug, Default)]
struct Reader {
    store: Option<Sqlite>,
    newest: Option<Arc<Snapshot>>,
    number: u64,
}

impl Site {
    /// Nothing is read yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let programs = Programs::new(settings.opm.clone());
        Self { settings, programs, marker: RandomState::new(), reader: Mutex::default() }
    }

    /// The number of the newest state: what is shown of an older one is out of date. To be asked for before anything
    /// else of a page. Cheap while nothing changes.
    #[must_use]
    pub fn number(&self) -> u64 {
        let mut reader = self.reader();
        // What went wrong is said by the page that comes for it.
        let _ = reader.look(&self.settings.database);
        reader.number + self.programs.number()
    }

    /// The cluster as it is now.
    ///
    /// # Errors
    /// When the database fails.
    pub fn snapshot(&self) -> Result<Arc<Snapshot>, Error> {
        let mut reader = self.reader();
        reader.look(&self.settings.database)?;
        reader.load()
    }

    /// The database, to look something up in or to change.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn open(&self) -> Result<Sqlite, Error> {
        Sqlite::open(&self.settings.database)
    }

    /// Now, in seconds since 1970.
    #[must_use]
    pub fn seconds(&self) -> i64 {
        (self.settings.now)().div_euclid(1000)
    }

    fn reader(&self) -> std::sync::MutexGuard<'_, Reader> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    /// The number of the newest state; forgets what is out of date.
    fn look(&mut self, database: &Path) -> Result<(), Error> {
        let store = match &mut self.store {
            Some(store) => store,
            none => {
                self.number += 1;
                none.insert(Sqlite::open(database)?)
            }
        };
        match store.changed() {
            Ok(false) => {}
            Ok(true) => {
                self.number += 1;
                self.newest = None;
            }
            Err(error) => {
                // It may be another one when it is there again.
                *self = Self { number: self.number, ..Self::default() };
                return Err(error);
            }
        }
        Ok(())
    }

    fn load(&mut self) -> Result<Arc<Snapshot>, Error> {
        if let Some(newest) = &self.newest {
            return Ok(Arc::clone(newest));
        }
        let Some(store) = &mut self.store else { return Err(Error::Missing(PathBuf::new())) };
        let cluster = store.load()?;
        let status = Status::of(&cluster, &View::default());
        let snapshot = Arc::new(Snapshot { cluster, status });
        self.newest = Some(Arc::clone(&snapshot));
        Ok(snapshot)
    }
}
