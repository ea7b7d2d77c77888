//! Removes rows that nobody needs any longer.

use opkg_oda::{EventId, PurgeCounts, PurgeOrder, RunId};
use rusqlite::{Connection, params};

use crate::error::Result;
use crate::prune;

/// What an order is about.
pub(super) fn count(connection: &Connection, order: &PurgeOrder) -> Result<PurgeCounts> {
    let mut counts = PurgeCounts::default();
    let mut values = connection.prepare_cached("SELECT count(*) FROM config_value WHERE package = ?1")?;
    for package in &order.values_of {
        let count: u32 = values.query_row(params![package.0], |row| row.get(0))?;
        if count > 0 {
            counts.values.insert(*package, count as usize);
        }
    }
    let mut runs = connection.prepare_cached("SELECT id FROM run WHERE ended < ?1 ORDER BY id")?;
    let mut rows = runs.query(params![order.runs_ended_before])?;
    while let Some(row) = rows.next()? {
        counts.runs.push(RunId(row.get(0)?));
    }
    let mut events = connection.prepare_cached("SELECT log FROM event WHERE run = ?1 ORDER BY number")?;
    for run in &counts.runs {
        let mut rows = events.query(params![run.0])?;
        while let Some(row) = rows.next()? {
            counts.events += 1;
            counts.logs.extend(row.get::<_, Option<String>>(0)?);
        }
    }
    Ok(counts)
}

/// Removes the values of an order, and these runs.
pub(super) fn delete(connection: &Connection, order: &PurgeOrder, runs: &[RunId]) -> Result<()> {
    let mut values = connection.prepare_cached("DELETE FROM config_value WHERE package = ?1")?;
    for package in &order.values_of {
        values.execute(params![package.0])?;
    }
    let mut steps = connection.prepare_cached("SELECT number FROM event WHERE run = ?1")?;
    for run in runs {
        let mut rows = steps.query(params![run.0])?;
        while let Some(row) = rows.next()? {
            prune::count_step(connection, EventId { run: *run, number: row.get(0)? })?;
        }
    }
    for sql in [
        "DELETE FROM event_package WHERE run = ?1",
        "DELETE FROM event WHERE run = ?1",
        "DELETE FROM run WHERE id = ?1",
    ] {
        let mut statement = connection.prepare_cached(sql)?;
        for run in runs {
            statement.execute(params![run.0])?;
        }
    }
    Ok(())
}
