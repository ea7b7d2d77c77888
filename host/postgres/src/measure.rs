//! What a server does while others work with it, as far as it tells, and how fast it is without any of ours: for simulations.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use opkg_oda::Error;
use tokio_postgres::types::Type;

use crate::address::Address;
use crate::connection::Connection;
use crate::error::Result;
use crate::statement::query;

/// What a server has counted so far of a database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Transactions that were committed.
    pub commits: i64,
    /// Rows inserted, updated and deleted.
    pub rows: i64,
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
            let sql =
                "SELECT pg_stat_clear_snapshot(), xact_commit, tup_inserted + tup_updated + tup_deleted,
                    pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint, deadlocks + conflicts,
                    pg_database_size(datid)
                FROM pg_stat_database WHERE datname = current_database()";
            let rows = query(client, sql, &[]).await?;
            Ok(rows.first().map_or_else(Counters::default, |row| Counters {
                commits: row.get(1),
                rows: row.get(2),
                log_bytes: row.get(3),
                conflicts: row.get(4),
                size: row.get(5),
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

/// Bare transactions, each of which inserts rows of random bytes into a table of its own: how many a second `connections` get
/// done side by side, and how much write-ahead log each writes.
///
/// # Errors
/// The server is away, or lets nobody make a table.
pub fn bare_transactions(
    address: &Address,
    connections: usize,
    duration: Duration,
    rows: i64,
    bytes: i64,
) -> std::result::Result<f64, Error> {
    let mut probe = ServerProbe::open(address.clone())?;
    probe.run(async |client| {
        Ok(client
            .batch_execute("CREATE SCHEMA opm_bare; CREATE TABLE opm_bare.rows (contents bytea)")
            .await?)
    })?;
    let worker = || -> std::result::Result<u64, Error> {
        let mut own = ServerProbe::open(address.clone())?;
        let (began, mut done) = (Instant::now(), 0);
        while began.elapsed() < duration {
            own.run(async |client| {
                let sql = "INSERT INTO opm_bare.rows
                    SELECT decode(rpad(md5(random()::text), $2::integer * 2, '5a'), 'hex')
                    FROM generate_series(1, $1)";
                query(client, sql, &[(&rows, Type::INT8), (&bytes, Type::INT8)]).await.map(drop)
            })?;
            done += 1;
        }
        Ok(done)
    };
    let began = Instant::now();
    let counts: Vec<std::result::Result<u64, Error>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..connections).map(|_| scope.spawn(worker)).collect();
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
