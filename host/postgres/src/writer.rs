//! Writes as an engine, or as anybody else.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use opkg_oda::{LockHolder, Recorded};
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::at_work::AtWork;
use crate::connection::Connection;
use crate::error::{PostgresError, Result};
use crate::holder::{Holder, ThisProcess};
use crate::spool::{Header, KeptWrite, Spool};
use crate::statement::{Value, query};
use crate::write::to_json;

/// How long it waits between two attempts.
const RECONNECT_PAUSE: Duration = Duration::from_millis(500);

/// A connection, and the engine that writes over it.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) connection: Connection,
    /// The engine that claims are for, while there are any.
    pub(crate) engine: Option<Engine>,
    /// Where results are kept while the server is away; nowhere if absent.
    pub(crate) results_directory: Option<PathBuf>,
    /// What the engine did that is not in the database, once the server has been away for long.
    pub(crate) spool: Option<Spool>,
}

/// An engine as the database knows it.
#[derive(Debug)]
pub(crate) struct Engine {
    at_work: AtWork,
    /// How many writes it has done.
    writes: i64,
}

impl Engine {
    pub(crate) fn id(&self) -> i64 {
        self.at_work.engine()
    }
}

impl Writer {
    /// Nothing is connected, claimed or kept yet.
    pub(crate) fn new(connection: Connection) -> Self {
        Self { connection, engine: None, results_directory: None, spool: None }
    }

    /// Writes something. For an engine `write` gets its id and the number of the write; where the connection breaks, it is
    /// repeated for a while, until the server answers.
    pub(crate) fn write<T>(
        &mut self,
        write: impl AsyncFn(&Client, Option<i64>, Option<i64>) -> Result<T>,
    ) -> Result<T> {
        let timeout = self.connection.address().reconnect_timeout();
        self.write_within(timeout, write)
    }

    /// Likewise, for as long as `timeout` says; once where that is zero.
    fn write_within<T>(
        &mut self,
        timeout: Duration,
        write: impl AsyncFn(&Client, Option<i64>, Option<i64>) -> Result<T>,
    ) -> Result<T> {
        if let Some(spool) = &self.spool {
            // What is kept comes first.
            let reason = format!("what was done before is kept in {}", spool.path().display());
            return Err(PostgresError::Unreachable(reason));
        }
        let (engine, number) = self.engine.as_ref().map(|engine| (engine.id(), engine.writes + 1)).unzip();
        let (began, mut is_told) = (Instant::now(), false);
        loop {
            let connected = self.connection.connect();
            let was_connected = connected.is_ok();
            let done = connected
                .and_then(|()| self.connection.once(async |client| write(client, engine, number).await));
            match done {
                Err(error) if engine.is_some() && error.is_connection_lost() && began.elapsed() < timeout => {
                    // A connection that broke is made again at once; a server that is away is waited for.
                    if !was_connected {
                        if !is_told {
                            tracing::warn!("the database is away; it is waited for {} s", timeout.as_secs());
                        }
                        is_told = true;
                        std::thread::sleep(RECONNECT_PAUSE);
                    }
                }
                done => {
                    if let (Ok(_), Some(engine)) = (&done, &mut self.engine) {
                        engine.writes += 1;
                    }
                    return done;
                }
            }
        }
    }

    /// Claims targets; returns the engine that they are for, or who has one of them.
    pub(crate) fn claim(&mut self, targets: &[i64]) -> Result<std::result::Result<i64, LockHolder>> {
        let who = to_json(&ThisProcess::find())?;
        let database = self.connection.address().database().to_owned();
        loop {
            let refused = match &self.engine {
                Some(engine) => match claim_for(&mut self.connection, Some(engine.id()), &who, targets) {
                    Ok(id) => return Ok(Ok(id)),
                    Err(refused) => refused,
                },
                None => {
                    let connection = &mut self.connection;
                    match AtWork::begin(&database, || claim_for(connection, None, &who, targets)) {
                        Ok(at_work) => {
                            return Ok(Ok(self.engine.insert(Engine { at_work, writes: 0 }).id()));
                        }
                        Err(refused) => refused,
                    }
                }
            };
            match refused {
                Refused::By(holder) if holder.has_died(&database) => self.end_engine(holder.engine)?,
                Refused::By(holder) => return Ok(Err(holder.told)),
                Refused::Failed(error) => return Err(error),
            }
        }
    }

    /// Says that the engine is there, if there is one.
    pub(crate) fn renew_lease(&mut self) -> Result<()> {
        let Some(id) = self.engine.as_ref().map(Engine::id) else { return Ok(()) };
        self.connection.repeatedly(async |client| {
            query(client, "SELECT opm.renew_lease($1)", &[(&id, Type::INT8)]).await.map(drop)
        })
    }

    /// Ends an engine with all that it has claimed.
    pub(crate) fn end_engine(&mut self, engine: i64) -> Result<()> {
        self.connection.repeatedly(async |client| {
            query(client, "SELECT opm.end_engine($1, false)", &[(&engine, Type::INT8)]).await.map(drop)
        })
    }

    pub(crate) fn commit(&mut self, parts: &[String]) -> Result<()> {
        let timeout = self.connection.address().reconnect_timeout();
        self.commit_within(timeout, parts)
    }

    /// Writes what came of steps. Before the server is waited for it is on the disk, so that it gets lost neither with the
    /// power nor when the server stays away.
    pub(crate) fn record_results(&mut self, parts: &[String]) -> Result<Recorded> {
        let (Some(engine), Some(directory)) = (&self.engine, self.results_directory.clone()) else {
            return self.commit(parts).map(|()| Recorded::InDatabase);
        };
        let id = engine.id();
        let write = KeptWrite { number: engine.writes + 1, parts: parts.to_vec() };
        if let Some(spool) = &mut self.spool {
            spool.append(&write).map_err(|error| not_kept(spool.path(), &error))?;
            let path = spool.path().to_owned();
            return Ok(self.kept(path, "it has not been back since".to_owned()));
        }
        match self.commit_within(Duration::ZERO, parts) {
            Err(error) if error.is_connection_lost() => {}
            done => return done.map(|()| Recorded::InDatabase),
        }
        let header = Header::new(self.connection.address().to_string(), id);
        let kept = Spool::create(&directory, &header)
            .and_then(|mut spool| spool.append(&write).map(|()| spool))
            .map_err(|error| not_kept(&directory, &error));
        match self.commit(parts) {
            Ok(()) => {
                // Delivered once more, it would change nothing.
                if let Err(error) = kept.map(Spool::remove) {
                    tracing::debug!(?error, "what was kept for a moment");
                }
                Ok(Recorded::InDatabase)
            }
            Err(error) if error.is_connection_lost() => {
                let spool = kept?;
                let path = spool.path().to_owned();
                self.spool = Some(spool);
                Ok(self.kept(path, error.reason()))
            }
            error => error.map(|()| Recorded::InDatabase),
        }
    }

    /// A write that is on the disk counts.
    fn kept(&mut self, path: PathBuf, reason: String) -> Recorded {
        if let Some(engine) = &mut self.engine {
            engine.writes += 1;
        }
        Recorded::OnDisk { path, reason }
    }

    fn commit_within(&mut self, timeout: Duration, parts: &[String]) -> Result<()> {
        self.write_within(timeout, async |client, engine, number| match parts {
            [part] => {
                let sql = "SELECT opm.commit($1, $2, $3::text::jsonb)";
                let values: [Value<'_>; 3] =
                    [(&engine, Type::INT8), (&number, Type::INT8), (part, Type::TEXT)];
                query(client, sql, &values).await.map(drop)
            }
            parts => {
                client.batch_execute("BEGIN").await?;
                if begin_write(client, engine, number).await? {
                    let touched = write_parts(client, parts).await?;
                    // Those of an engine are renewed when it ends.
                    if engine.is_none() {
                        renew_digests(client, &touched).await?;
                    }
                }
                Ok(client.batch_execute("COMMIT").await?)
            }
        })
    }
}

/// Why there is no claim.
enum Refused {
    By(Holder),
    Failed(PostgresError),
}

/// Claims targets for an engine, or for a new one; returns which.
fn claim_for(
    connection: &mut Connection,
    own: Option<i64>,
    who: &str,
    targets: &[i64],
) -> std::result::Result<i64, Refused> {
    let claimed = connection.repeatedly(async |client| {
        let sql = "SELECT engine, target, holder, host, process, boot, process_start, since
            FROM opm.claim_targets($1, $2::text::jsonb, $3)";
        let values: [Value<'_>; 3] = [(&own, Type::INT8), (&who, Type::TEXT), (&targets, Type::INT8_ARRAY)];
        let rows = query(client, sql, &values).await?;
        let row = rows.first().ok_or_else(|| PostgresError::Corrupt("nothing was claimed".into()))?;
        let engine: Option<i64> = row.get(0);
        Ok(engine.map_or_else(|| Err(Holder::from_row(row)), Ok))
    });
    claimed.map_err(Refused::Failed)?.map_err(Refused::By)
}

/// The server is away, and the disk takes nothing either.
fn not_kept(path: &Path, error: &io::Error) -> PostgresError {
    PostgresError::Unreachable(format!("and {} takes nothing either: {error}", path.display()))
}

/// Waits until this write may be done; the answer is whether it is not there yet.
pub(crate) async fn begin_write(client: &Client, engine: Option<i64>, number: Option<i64>) -> Result<bool> {
    let values: [Value<'_>; 2] = [(&engine, Type::INT8), (&number, Type::INT8)];
    let rows = query(client, "SELECT opm.begin_write($1, $2)", &values).await?;
    Ok(rows.first().is_some_and(|row| row.get(0)))
}

/// Writes encoded changes, in the caller's transaction. Returns the targets whose digests are not known any more.
async fn write_parts(client: &Client, parts: &[String]) -> Result<Vec<i64>> {
    let mut touched: Vec<i64> = Vec::new();
    for part in parts {
        let rows = query(client, "SELECT opm.apply($1::text::jsonb)", &[(part, Type::TEXT)]).await?;
        touched.extend(rows.iter().flat_map(|row| row.get::<_, Vec<i64>>(0)));
        touched.sort_unstable();
        touched.dedup();
    }
    Ok(touched)
}

async fn renew_digests(client: &Client, targets: &[i64]) -> Result<()> {
    query(client, "SELECT opm.renew_digests($1)", &[(&targets, Type::INT8_ARRAY)]).await.map(drop)
}

/// Writes encoded changes that are no engine's, in the caller's transaction.
pub(crate) async fn apply(client: &Client, parts: &[String]) -> Result<()> {
    let touched = write_parts(client, parts).await?;
    renew_digests(client, &touched).await
}
