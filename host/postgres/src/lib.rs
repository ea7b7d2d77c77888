//! The database of a cluster on a server of PostgreSQL ([`PostgresStore`]), and claims of engines on its targets.
//!
//! What is written goes through the functions of the schema, in one round trip. An engine that has claimed targets
//! numbers its writes, so that one that is repeated after a broken connection is done once; who took over from it has
//! deleted it, so that it can write nothing any more.

pub mod access;
mod address;
mod at_work;
mod change_rows;
mod claim;
mod connection;
mod delivery;
mod dump;
mod error;
mod holder;
mod journal;
pub mod measure;
mod part;
mod passfile;
mod prune;
mod read;
mod rollouts;
mod schema;
mod spool;
mod statement;
mod store;
mod tls;
mod write;
mod writer;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use opkg_oda::crash::{crash_point, crash_point_in};
use opkg_oda::{Change, Cluster, CommandRecord, Error, TargetId};
use tokio_postgres::Client;

pub use address::{Address, AddressError};
use connection::Connection;
use error::Result;
use part::PartRevision;
use writer::{Writer, apply};

/// A database on a server.
#[derive(Debug)]
pub struct PostgresStore {
    writer: Arc<Mutex<Writer>>,
    /// What [`has_changed`](opkg_oda::Store::has_changed) has seen, and as which engine.
    revision: Option<(Option<i64>, i64)>,
    /// The part of the cluster that [`load_part_overview`](opkg_oda::Store::load_part_overview) read last.
    part: Option<PartRevision>,
    /// Whose changes these are.
    command: Option<CommandRecord>,
}

impl PostgresStore {
    /// Opens a database.
    ///
    /// # Errors
    /// There is none, or it cannot be used.
    pub fn open(address: Address) -> std::result::Result<Self, Error> {
        Self::open_for_engine(address, None)
    }

    /// Opens a database for engines, which keep what they did in files of a directory while the server is away.
    ///
    /// # Errors
    /// There is none, or it cannot be used.
    pub fn open_for_engine(
        address: Address,
        results_directory: Option<PathBuf>,
    ) -> std::result::Result<Self, Error> {
        let name = address.to_string();
        let open = || -> Result<Self> {
            let mut connection = Connection::new(address)?;
            connection.connect()?;
            let writer = Writer { results_directory, ..Writer::new(connection) };
            Ok(Self { writer: Arc::new(Mutex::new(writer)), revision: None, part: None, command: None })
        };
        open().map_err(|error| error.into_error(name))
    }

    /// Makes the tables of a database that has none of them, with changes that are in it from the beginning, and opens it.
    /// All of it is there afterwards, or nothing.
    ///
    /// # Errors
    /// They are there already, or cannot be made.
    pub fn create_with(address: Address, changes: &[Change]) -> std::result::Result<Self, Error> {
        let name = address.to_string();
        let create = || -> Result<bool> {
            let mut connection = Connection::new(address.clone())?;
            connection.connect_unchecked()?;
            let parts = encode_with_crash_points(changes, "create.within")?;
            crash_point("create.before");
            let is_new = connection.once(async |client| {
                schema::create(client, async |client| apply(client, &parts).await).await
            })?;
            crash_point("create.after");
            Ok(is_new)
        };
        match create() {
            Ok(true) => Self::open(address),
            Ok(false) => Err(Error::AlreadyExists(name)),
            Err(error) => Err(error.into_error(name)),
        }
    }

    /// Brings the tables of a database to the version of this program, all steps or none; the answer is whether they were of
    /// an older one. Programs of older versions that work with it go on.
    ///
    /// # Errors
    /// There is none, or it may not be changed.
    pub fn migrate(address: Address) -> std::result::Result<bool, Error> {
        let name = address.to_string();
        let migrate = || -> Result<bool> {
            let mut connection = Connection::new(address)?;
            connection.connect_unchecked()?;
            connection.once(async |client| schema::migrate(client).await)
        };
        migrate().map_err(|error| error.into_error(name))
    }

    fn with<T>(&self, work: impl FnOnce(&mut Writer) -> Result<T>) -> std::result::Result<T, Error> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut writer).map_err(|error| error.into_error(writer.connection.address().to_string()))
    }

    /// Begins something, over a new connection where need be.
    fn step<T>(&self, work: impl AsyncFn(&Client) -> Result<T>) -> std::result::Result<T, Error> {
        self.with(|writer| {
            writer.connection.connect()?;
            writer.connection.once(&work)
        })
    }

    /// Goes on with a transaction, which ends where its connection does.
    fn step_of_transaction<T>(
        &self,
        work: impl AsyncFn(&Client) -> Result<T>,
    ) -> std::result::Result<T, Error> {
        self.with(|writer| writer.connection.once(&work))
    }

    fn read<T>(&self, read: impl AsyncFn(&Client) -> Result<T>) -> std::result::Result<T, Error> {
        self.with(|writer| writer.connection.repeatedly(&read))
    }
}

impl PostgresStore {
    /// What decides about some targets; absent where one of them is the head node, about which all of the cluster decides.
    fn read_part(
        &self,
        targets: &BTreeSet<TargetId>,
    ) -> std::result::Result<Option<(Cluster, PartRevision)>, Error> {
        let ids: Vec<i64> = targets.iter().map(|target| target.0).collect();
        self.read(async |client| part::load(client, &ids).await)
    }

    /// What this process wrote itself is not news to it, unless somebody else wrote at the same time.
    fn skip_own_write(&mut self) {
        if let Some((None, revision)) = &mut self.revision {
            *revision += 1;
        }
    }
}

/// Encodes changes, dying on the way where a test wants that: nothing of them has been sent.
fn encode_with_crash_points(changes: &[Change], place: &str) -> Result<Vec<String>> {
    let parts = write::encode(changes)?;
    for change in changes {
        crash_point_in(place, change.name());
    }
    Ok(parts)
}
