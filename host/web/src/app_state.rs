//! The state that all pages share: settings, started commands, and the cluster, which is read again only when it has
//! changed.

use std::collections::BTreeMap;
use std::hash::RandomState;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use opkg::escape_line;
use opkg_database::{Database, Location};
use opkg_engine::status::{Status, StatusFilter};
use opkg_engine::unseen::{silent_targets, unseen_targets, without_those_that_report};
use opkg_oda::{Change, Cluster, CommandRecord, Error, TargetAddress, TargetId};
use opkg_opm::{GroupSettings, WebSettings};

use crate::auth::SignIn;
use crate::command::{CommandRunner, Program};
use crate::person::Person;
use crate::tls::TlsSettings;

/// Letters of what is written into the journal.
const MAX_COMMAND: usize = 500;

#[derive(Debug, Clone)]
pub struct ServerSettings {
    pub database: Location,
    /// Logs of steps; no file outside of it is shown.
    pub log_directory: PathBuf,
    /// Files of answers to forms.
    pub answers_directory: PathBuf,
    /// Which target this machine is; only what it maintains can be looked at.
    pub own_target: Option<TargetAddress>,
    /// Selectors, as `--on` takes them, for a form that names no targets.
    pub default_targets: String,
    /// Where groups of targets come from.
    pub groups: GroupSettings,
    /// How `opm` is started with the same database and configuration.
    pub program: Program,
    /// Milliseconds since 1970, UTC.
    pub clock: fn() -> i64,
    /// The name of this machine, for the journal.
    pub host: String,
    /// How people get in.
    pub sign_in: SignIn,
    /// With which certificate connections are encrypted; they are not if absent.
    pub tls: Option<TlsSettings>,
    /// What they may do where the database does not say it.
    pub people: WebSettings,
}

/// What one version of the database holds.
#[derive(Debug)]
pub struct Snapshot {
    pub cluster: Cluster,
    /// Of all packages on all targets.
    pub status: Status,
    /// Targets that cannot be looked at from here, and why.
    pub unseen: BTreeMap<TargetId, String>,
    /// Targets that have not looked for work for a while: for how many seconds.
    pub silent: BTreeMap<TargetId, Option<i64>>,
}

#[derive(Debug)]
pub struct AppState {
    pub settings: ServerSettings,
    pub command_runner: CommandRunner,
    /// Randomly seeded, so that the fingerprint of a form does not disclose its values.
    pub fingerprint_hasher: RandomState,
    cache: Mutex<SnapshotCache>,
}

/// Reads through a connection of its own that never writes: every change is made through another connection, so that
/// [`Store::has_changed`] notices it.
#[derive(Default)]
struct SnapshotCache {
    store: Option<Database>,
    /// Whether nodes write to the database themselves.
    is_shared: bool,
    snapshot: Option<Arc<Snapshot>>,
    version: u64,
}

impl AppState {
    #[must_use]
    pub fn new(settings: ServerSettings) -> Self {
        let command_runner = CommandRunner::new(settings.program.clone());
        Self { settings, command_runner, fingerprint_hasher: RandomState::new(), cache: Mutex::default() }
    }

    /// The version of the newest state: a page of an older one is out of date. A page must ask for it before it reads
    /// anything else. Cheap while nothing changes.
    #[must_use]
    pub fn state_version(&self) -> u64 {
        let mut cache = self.lock_cache();
        // The page that needs the snapshot reports the error.
        let _ = cache.refresh(&self.settings.database);
        cache.version + self.command_runner.version()
    }

    /// The newest state of the cluster.
    ///
    /// # Errors
    /// When the database fails.
    pub fn snapshot(&self) -> Result<Arc<Snapshot>, Error> {
        let mut cache = self.lock_cache();
        cache.refresh(&self.settings.database)?;
        cache.load(self.settings.own_target.as_ref())
    }

    /// Opens a connection of its own.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn open_database(&self) -> Result<Database, Error> {
        self.settings.database.open()
    }

    /// Likewise, to change something: what changes is in the journal as what somebody asked for.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn open_database_for(&self, person: &Person, command: &str) -> Result<Database, Error> {
        let mut store = self.open_database()?;
        store.record_as(self.command_record(person, command));
        Ok(store)
    }

    /// Writes into the journal what somebody asked for that changes nothing itself.
    ///
    /// # Errors
    /// When the database fails.
    pub fn record(&self, person: &Person, command: &str) -> Result<(), Error> {
        let record = Change::RecordCommand(Box::new(self.command_record(person, command)));
        self.open_database()?.commit(&[record])
    }

    fn command_record(&self, person: &Person, command: &str) -> CommandRecord {
        CommandRecord {
            at: (self.settings.clock)(),
            who: person.name.clone(),
            host: self.settings.host.clone(),
            command: escape_line(&format!("opm web: {command}")).chars().take(MAX_COMMAND).collect(),
            role: None,
        }
    }

    /// Seconds since 1970, UTC.
    #[must_use]
    pub fn now_seconds(&self) -> i64 {
        (self.settings.clock)().div_euclid(1000)
    }

    fn lock_cache(&self) -> std::sync::MutexGuard<'_, SnapshotCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for SnapshotCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SnapshotCache").field("version", &self.version).finish_non_exhaustive()
    }
}

impl SnapshotCache {
    /// Drops the snapshot when it is out of date.
    fn refresh(&mut self, database: &Location) -> Result<(), Error> {
        let store = match &mut self.store {
            Some(store) => store,
            none => {
                self.version += 1;
                self.is_shared = database.file().is_none();
                none.insert(database.open()?)
            }
        };
        match store.has_changed() {
            Ok(false) => {}
            Ok(true) => {
                self.version += 1;
                self.snapshot = None;
            }
            Err(error) => {
                // When the database is back, it may be another one: open it again.
                *self = Self { version: self.version, ..Self::default() };
                return Err(error);
            }
        }
        Ok(())
    }

    fn load(&mut self, own: Option<&TargetAddress>) -> Result<Arc<Snapshot>, Error> {
        if let Some(snapshot) = &self.snapshot {
            return Ok(Arc::clone(snapshot));
        }
        let Some(store) = &mut self.store else { return Err(Error::NotFound(String::new())) };
        let cluster = store.load_overview()?;
        let own = own.and_then(|address| cluster.find_target(address)).map(|target| target.id);
        let unseen = unseen_targets(&cluster, own, |target| {
            opkg_opm::root_id(target).map(drop).map_err(|error| error.to_string())
        });
        let unseen = match self.is_shared {
            true => without_those_that_report(unseen, &cluster),
            false => unseen,
        };
        let silent = match self.is_shared {
            true => store.last_seen().map(|seen| silent_targets(&cluster, own, &seen)).unwrap_or_default(),
            false => BTreeMap::new(),
        };
        let filter =
            StatusFilter { unseen: unseen.clone(), silent: silent.clone(), ..StatusFilter::default() };
        let status = Status::compute(&cluster, &filter);
        let snapshot = Arc::new(Snapshot { cluster, status, unseen, silent });
        self.snapshot = Some(Arc::clone(&snapshot));
        Ok(snapshot)
    }
}
