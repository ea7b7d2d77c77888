//! What a server does while others work with it, as far as it tells, and how fast it is without any of ours: for simulations.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use opkg_oda::Error;
use tokio_postgres::types::Type;

use crate::address::Address;
use crate::connection::Connection;
use crate::error::Result;
use crate::statement::{Value, query};

/// What a server has counted so far of a database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Transactions that were committed.
    pub commits: i64,
    /// Rows.
    pub inserted: i64,
    /// Rows.
    pub updated: i64,
    /// Rows.
    pub deleted: i64,
    /// Bytes of the write-ahead log, of the whole server.
    pub log_bytes: i64,
    /// Deadlocks and serialization failures that it ended.
    pub conflicts: i64,
    /// Bytes of the database on the disk.
    pub size: i64,
}

/// The processes of a server, where it is on this machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServerLoad {
    /// Connections to the database, this one included.
    pub connections: i64,
    /// Time of processors since it was started; absent where they cannot be looked at.
    pub processor: Option<Duration>,
}

/// A connection that looks on.
#[derive(Debug)]
pub struct ServerProbe {
    connection: Connection,
}

impl ServerProbe {
    /// Connects to a database.
    ///
    /// # Errors
    /// It cannot be used.
    pub fn open(address: Address) -> std::result::Result<Self, Error> {
        let name = address.to_string();
        let open = || -> Result<Self> {
            let mut connection = Connection::new(address)?;
            connection.connect_unchecked()?;
            Ok(Self { connection })
        };
        open().map_err(|error| error.into_error(name))
    }

    /// What was counted so far.
    ///
    /// # Errors
    /// The server is away.
    pub fn counters(&mut self) -> std::result::Result<Counters, Error> {
        self.run(async |client| {
            let sql = "SELECT pg_stat_clear_snapshot(), xact_commit, tup_inserted, tup_updated, tup_deleted,
                    pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint, deadlocks + conflicts,
                    pg_database_size(datid)
                FROM pg_stat_database WHERE datname = current_database()";
            let rows = query(client, sql, &[]).await?;
            Ok(rows.first().map_or_else(Counters::default, |row| Counters {
                commits: row.get(1),
                inserted: row.get(2),
                updated: row.get(3),
                deleted: row.get(4),
                log_bytes: row.get(5),
                conflicts: row.get(6),
                size: row.get(7),
            }))
        })
    }

    /// What its processes take now.
    ///
    /// # Errors
    /// The server is away.
    pub fn load(&mut self) -> std::result::Result<ServerLoad, Error> {
        let (connections, processes) = self.processes()?;
        Ok(ServerLoad { connections, processor: processor_time(&processes) })
    }

    /// Bytes of memory of its processes, shared memory counted once; absent where they cannot be looked at. With many of them
    /// that takes the kernel seconds.
    ///
    /// # Errors
    /// The server is away.
    pub fn memory(&mut self) -> std::result::Result<Option<u64>, Error> {
        let (_, processes) = self.processes()?;
        Ok(processes.iter().map(|pid| proportional_memory(*pid)).sum())
    }

    /// How many connections the database has, and the processes of the server.
    fn processes(&mut self) -> std::result::Result<(i64, Vec<i32>), Error> {
        self.run(async |client| {
            let sql = "SELECT pid, datname IS NOT DISTINCT FROM current_database() FROM pg_stat_activity";
            let rows = query(client, sql, &[]).await?;
            let connections = rows.iter().filter(|row| row.get::<_, bool>(1)).count();
            let processes = rows.iter().map(|row| row.get(0)).collect();
            Ok((i64::try_from(connections).unwrap_or(i64::MAX), processes))
        })
    }

    /// Removes all tables of the program.
    ///
    /// # Errors
    /// It may not be done, or the server is away.
    pub fn drop_schema(&mut self) -> std::result::Result<(), Error> {
        self.run(async |client| Ok(client.batch_execute("DROP SCHEMA IF EXISTS opm CASCADE").await?))
    }

    fn run<T>(
        &mut self,
        work: impl AsyncFn(&tokio_postgres::Client) -> Result<T>,
    ) -> std::result::Result<T, Error> {
        let done = self.connection.once(work);
        done.map_err(|error| error.into_error(self.connection.address().to_string()))
    }
}

/// What a transaction writes on an average.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct WritesPerCommit {
    /// Rows.
    pub inserted: f64,
    /// Rows.
    pub updated: f64,
    /// Rows.
    pub deleted: f64,
    /// Bytes of a row.
    pub bytes: i64,
}

impl WritesPerCommit {
    /// What was written between two moments.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // far below where that matters
    pub fn between(before: &Counters, after: &Counters) -> Self {
        let commits = (after.commits - before.commits).max(1) as f64;
        let [inserted, updated, deleted] = [
            after.inserted - before.inserted,
            after.updated - before.updated,
            after.deleted - before.deleted,
        ]
        .map(|rows| rows as f64 / commits);
        let rows = (inserted + updated + deleted).max(1.0);
        let log_bytes = (after.log_bytes - before.log_bytes) as f64;
        #[allow(clippy::cast_possible_truncation)]
        let bytes = (log_bytes / commits / rows) as i64;
        Self { inserted, updated, deleted, bytes: bytes.clamp(1, 8000) }
    }
}

/// A connection has so many rows that it updates, one part after the other.
const BARE_ROWS: i64 = 1000;

/// Rows of the table that a transaction writes: from the first number to before the second.
type Keys = (i64, i64);

/// The keys that belong to one connection, and how far it is with them.
#[derive(Debug)]
struct BareKeys {
    first: i64,
    writes: WritesPerCommit,
    transactions: i64,
}

impl BareKeys {
    fn new(connection: usize, writes: WritesPerCommit) -> Self {
        let number = i64::try_from(connection).unwrap_or(i64::MAX >> 40);
        Self { first: number << 40, writes, transactions: 0 }
    }

    /// What the next transaction updates, inserts and deletes. In the long run these are as many rows as they should be.
    fn next(&mut self) -> [Keys; 3] {
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
        let until = |rows: f64, transactions: i64| (rows * transactions as f64) as i64;
        let WritesPerCommit { inserted, updated, deleted, .. } = self.writes;
        let (before, now) = (self.transactions, self.transactions + 1);
        self.transactions = now;
        let count = (until(updated, now) - until(updated, before)).min(BARE_ROWS);
        let at = self.first + until(updated, before) % (BARE_ROWS - count + 1);
        let beyond = self.first + BARE_ROWS;
        // Never more than there are.
        let deleted = deleted.min(inserted);
        [
            (at, at + count),
            (beyond + until(inserted, before), beyond + until(inserted, now)),
            (beyond + until(deleted, before), beyond + until(deleted, now)),
        ]
    }
}

/// Bare transactions, each of which inserts, updates and deletes as many rows as `writes` says, of random bytes, by the primary
/// key of a table that has no other index: how many a second `connections` get done side by side.
///
/// # Errors
/// The server is away, or lets nobody make a table.
pub fn bare_transactions(
    address: &Address,
    connections: usize,
    duration: Duration,
    writes: WritesPerCommit,
) -> std::result::Result<f64, Error> {
    let mut probe = ServerProbe::open(address.clone())?;
    probe.run(async |client| {
        let sql = "CREATE SCHEMA opm_bare; CREATE TABLE opm_bare.rows (id bigint PRIMARY KEY, contents bytea NOT NULL)
            WITH (fillfactor = 50)";
        client.batch_execute(sql).await?;
        let connections = i64::try_from(connections).unwrap_or(i64::MAX);
        let sql = "INSERT INTO opm_bare.rows SELECT (connection << 40) + number, decode(repeat('5a', $3::integer), 'hex')
            FROM generate_series(0, $1 - 1) AS connection, generate_series(0, $2 - 1) AS number";
        let values =
            [(&connections as _, Type::INT8), (&BARE_ROWS as _, Type::INT8), (&writes.bytes as _, Type::INT8)];
        query(client, sql, &values).await?;
        Ok(client.batch_execute("ANALYZE opm_bare.rows").await?)
    })?;
    let worker = |connection: usize| -> std::result::Result<u64, Error> {
        let mut own = ServerProbe::open(address.clone())?;
        let (mut keys, mut done) = (BareKeys::new(connection, writes), 0);
        let began = Instant::now();
        while began.elapsed() < duration {
            let [updated, inserted, deleted] = keys.next();
            own.run(async |client| {
                let sql = "WITH updated AS (UPDATE opm_bare.rows
                        SET contents = decode(rpad(md5(random()::text), $7::integer * 2, '5a'), 'hex')
                        WHERE id >= $1 AND id < $2),
                    deleted AS (DELETE FROM opm_bare.rows WHERE id >= $5 AND id < $6)
                    INSERT INTO opm_bare.rows
                    SELECT id, decode(rpad(md5(random()::text), $7::integer * 2, '5a'), 'hex')
                    FROM generate_series($3, $4 - 1) AS id";
                let keys = [updated.0, updated.1, inserted.0, inserted.1, deleted.0, deleted.1, writes.bytes];
                let values: Vec<Value<'_>> = keys.iter().map(|key| (key as _, Type::INT8)).collect();
                query(client, sql, &values).await.map(drop)
            })?;
            done += 1;
        }
        Ok(done)
    };
    let began = Instant::now();
    let counts: Vec<std::result::Result<u64, Error>> = std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..connections).map(|connection| scope.spawn(move || worker(connection))).collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).collect()
    });
    let took = began.elapsed();
    probe.run(async |client| Ok(client.batch_execute("DROP SCHEMA opm_bare CASCADE").await?))?;
    let total = counts.into_iter().sum::<std::result::Result<u64, Error>>()?;
    #[allow(clippy::cast_precision_loss)] // far below where that matters
    Ok(total as f64 / took.as_secs_f64())
}

/// Bytes of memory of a process of this machine, its share of what several use.
fn proportional_memory(pid: i32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? << 10)
}

/// Time of processors of a server whose processes these are: of the one that started them, of those that ended, and of them.
fn processor_time(processes: &[i32]) -> Option<Duration> {
    let parents: BTreeSet<i32> = processes.iter().filter_map(|pid| Some(process_times(*pid)?.0)).collect();
    let parent = match parents.into_iter().collect::<Vec<_>>().as_slice() {
        [parent] => process_times(*parent).map(|(_, own, ended)| own + ended)?,
        _ => return None,
    };
    let own: u64 = processes.iter().filter_map(|pid| Some(process_times(*pid)?.1)).sum();
    let ticks = rustix::param::clock_ticks_per_second();
    Some(Duration::from_millis((parent + own) * 1000 / ticks.max(1)))
}

/// The parent of a process, its time of processors and that of its children that ended, in ticks. See proc_pid_stat(5).
fn process_times(pid: i32) -> Option<(i32, u64, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some((fields.get(1)?.parse().ok()?, number(11)? + number(12)?, number(13)? + number(14)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_transactions_write_as_many_rows_as_those_they_stand_for() {
        let writes = WritesPerCommit { inserted: 3.5, updated: 6.7, deleted: 9.0, bytes: 100 };
        let mut keys = BareKeys::new(2, writes);
        let (mut updated, mut inserted, mut deleted) = (0, Vec::new(), Vec::new());
        for _ in 0..1000 {
            let [its_updated, its_inserted, its_deleted] = keys.next();
            updated += its_updated.1 - its_updated.0;
            assert!(its_updated.0 >= 2 << 40 && its_updated.1 <= (2 << 40) + BARE_ROWS);
            inserted.extend(its_inserted.0..its_inserted.1);
            deleted.extend(its_deleted.0..its_deleted.1);
        }
        assert_eq!((updated, inserted.len()), (6700, 3500));
        assert!(inserted.is_sorted() && inserted.first() == Some(&((2 << 40) + BARE_ROWS)));
        // What is not there cannot be deleted.
        assert_eq!(deleted, inserted);
    }
}
