//! Writes as an engine, or as anybody else.

use std::time::{Duration, Instant};

use opkg_oda::LockHolder;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::connection::Connection;
use crate::error::{PostgresError, Result};
use crate::holder::{Holder, ThisProcess};
use crate::statement::{Value, query};
use crate::write::to_json;

/// For so long an engine tries to reach a server that went away.
const RECONNECT_TIMEOUT: Duration = Duration::from_secs(60);
/// How long it waits between two attempts.
const RECONNECT_PAUSE: Duration = Duration::from_millis(500);

/// A connection, and the engine that writes over it.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) connection: Connection,
    /// The engine that claims are for, while there are any.
    pub(crate) engine: Option<Engine>,
}

/// An engine as the database knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Engine {
    pub(crate) id: i64,
    /// How many writes it has done.
    pub(crate) writes: i64,
}

impl Writer {
    /// Writes something. For an engine `write` gets its id and the number of the write; where the connection breaks, it is
    /// repeated until the server answers.
    pub(crate) fn write<T>(
        &mut self,
        write: impl AsyncFn(&Client, Option<i64>, Option<i64>) -> Result<T>,
    ) -> Result<T> {
        let (engine, number) = self.engine.map(|engine| (engine.id, engine.writes + 1)).unzip();
        let began = Instant::now();
        loop {
            let connected = self.connection.connect();
            let was_connected = connected.is_ok();
            let done = connected
                .and_then(|()| self.connection.once(async |client| write(client, engine, number).await));
            match done {
                Err(error)
                    if engine.is_some()
                        && error.is_connection_lost()
                        && began.elapsed() < RECONNECT_TIMEOUT =>
                {
                    // A connection that broke is made again at once; a server that is away is waited for.
                    if !was_connected {
                        tracing::warn!("the database is away; trying again");
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
        let (own, who) = (self.engine.map(|engine| engine.id), to_json(&ThisProcess::find())?);
        loop {
            let outcome = self.connection.repeatedly(async |client| {
                let sql = "SELECT engine, target, holder, host, process, boot, process_start, since
                    FROM opm.claim_targets($1, $2::text::jsonb, $3)";
                let values: [Value<'_>; 3] =
                    [(&own, Type::INT8), (&who, Type::TEXT), (&targets, Type::INT8_ARRAY)];
                let rows = query(client, sql, &values).await?;
                let row = rows.first().ok_or_else(|| PostgresError::Corrupt("nothing was claimed".into()))?;
                let engine: Option<i64> = row.get(0);
                Ok(engine.map_or_else(|| Err(Holder::from_row(row)), Ok))
            })?;
            match outcome {
                Ok(engine) => return Ok(Ok(engine)),
                Err(holder) if holder.has_died() => self.end_engine(holder.engine)?,
                Err(holder) => return Ok(Err(holder.told)),
            }
        }
    }

    /// Ends an engine with all that it has claimed.
    pub(crate) fn end_engine(&mut self, engine: i64) -> Result<()> {
        self.connection.repeatedly(async |client| {
            query(client, "SELECT opm.end_engine($1, false)", &[(&engine, Type::INT8)]).await.map(drop)
        })
    }

    pub(crate) fn commit(&mut self, parts: &[String]) -> Result<()> {
        self.write(async |client, engine, number| match parts {
            [part] => {
                let sql = "SELECT opm.commit($1, $2, $3::text::jsonb)";
                let values: [Value<'_>; 3] =
                    [(&engine, Type::INT8), (&number, Type::INT8), (part, Type::TEXT)];
                query(client, sql, &values).await.map(drop)
            }
            parts => {
                client.batch_execute("BEGIN").await?;
                if begin_write(client, engine, number).await? {
                    apply(client, parts).await?;
                }
                Ok(client.batch_execute("COMMIT").await?)
            }
        })
    }
}

/// Waits until this write may be done; the answer is whether it is not there yet.
pub(crate) async fn begin_write(client: &Client, engine: Option<i64>, number: Option<i64>) -> Result<bool> {
    let values: [Value<'_>; 2] = [(&engine, Type::INT8), (&number, Type::INT8)];
    let rows = query(client, "SELECT opm.begin_write($1, $2)", &values).await?;
    Ok(rows.first().is_some_and(|row| row.get(0)))
}

/// Writes encoded changes, in the caller's transaction.
pub(crate) async fn apply(client: &Client, parts: &[String]) -> Result<()> {
    let mut touched: Vec<i64> = Vec::new();
    for part in parts {
        let rows = query(client, "SELECT opm.apply($1::text::jsonb)", &[(part, Type::TEXT)]).await?;
        touched.extend(rows.iter().flat_map(|row| row.get::<_, Vec<i64>>(0)));
        touched.sort_unstable();
        touched.dedup();
    }
    query(client, "SELECT opm.renew_digests($1)", &[(&touched, Type::INT8_ARRAY)]).await.map(drop)
}
