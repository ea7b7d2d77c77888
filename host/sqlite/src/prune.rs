//! Removes old steps of the journal, and counts them; and old commands.

use opkg_oda::cluster_builder::decode_id;
use opkg_oda::{EventId, PackageId, PrunableStep, PruneOrder, RunId, RunStatus, Stage, StepTotal};
use rusqlite::{Connection, params};

use crate::error::Result;

/// Of one step, or of each of its packages.
const COUNT: &str = "INSERT INTO journal_total (day, package, stage, verdict, steps)
    SELECT event.started / 86400000, coalesce(named.package, 0), event.stage, event.verdict, count(*)
    FROM event LEFT JOIN event_package AS named ON named.run = event.run AND named.number = event.number
    WHERE event.run = ?1 AND event.number = ?2 AND event.verdict IS NOT NULL GROUP BY 1, 2, 3, 4
    ON CONFLICT DO UPDATE SET steps = steps + excluded.steps";

/// Steps that may go. A newer one of the same package on the same target may go itself, but then there is one that is newer
/// still.
const SELECT: &str = "SELECT event.run, event.number, event.log FROM event
    JOIN run ON run.id = event.run JOIN target ON target.id = event.target
    WHERE (event.run, event.number) > (?3, ?4)
        AND event.run <= (SELECT coalesce(max(id), 0) FROM run WHERE ended < max(?1, ?2))
        AND run.ended IS NOT NULL AND event.ended < CASE WHEN event.verdict IN (1, 2) THEN ?2 ELSE ?1 END
        AND (target.gone OR NOT EXISTS (SELECT 1 FROM event_package AS its
            WHERE its.run = event.run AND its.number = event.number
            AND NOT EXISTS (SELECT 1 FROM event AS newer
                JOIN event_package AS named ON named.run = newer.run AND named.number = newer.number
                WHERE newer.target = event.target AND (newer.run, newer.number) > (event.run, event.number)
                    AND named.package = its.package)))
    ORDER BY event.run, event.number LIMIT ?5";

/// Runs that are as old and have no steps.
const DELETE_RUNS: &str = "DELETE FROM run WHERE id IN (SELECT id FROM run
    WHERE ended < CASE WHEN verdict IN (1, 2) THEN ?2 ELSE ?1 END
        AND NOT EXISTS (SELECT 1 FROM event WHERE event.run = run.id)
    ORDER BY id LIMIT ?3)";

/// All at once: there are few, and none is left behind where no more steps are to go.
const DELETE_COMMANDS: &str = "DELETE FROM command WHERE at < ?1";

/// Those of the journal and those that are no longer in it.
const TOTALS: &str = "SELECT day, package, stage, verdict, sum(steps) FROM (
        SELECT day, package, stage, verdict, steps FROM journal_total
        UNION ALL
        SELECT event.started / 86400000, coalesce(named.package, 0), event.stage, event.verdict, 1
        FROM event LEFT JOIN event_package AS named ON named.run = event.run AND named.number = event.number
        WHERE event.verdict IS NOT NULL)
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4";

/// A clock that was ahead of its time keeps nothing from being pruned.
const IS_DUE: &str = "(at <= ?1 - ?2 OR at > ?1)";

/// Whether old steps were not looked for since `interval` before `now`.
pub(super) fn is_due(connection: &Connection, now: i64, interval: i64) -> Result<bool> {
    let sql = format!("SELECT 1 FROM journal_pruning WHERE {IS_DUE}");
    Ok(connection.prepare_cached(&sql)?.exists(params![now, interval])?)
}

/// Likewise; then it was done now.
pub(super) fn claim(connection: &Connection, now: i64, interval: i64) -> Result<bool> {
    let sql = format!("UPDATE journal_pruning SET at = ?1 WHERE {IS_DUE}");
    Ok(connection.prepare_cached(&sql)?.execute(params![now, interval])? == 1)
}

/// The steps of an order.
pub(super) fn select(connection: &Connection, order: &PruneOrder) -> Result<Vec<PrunableStep>> {
    let (run, number) = order.after.map_or((0, 0), |id| (id.run.0, id.number));
    let mut statement = connection.prepare_cached(SELECT)?;
    let values = params![order.ended_before, order.failed_before, run, number, order.limit];
    let mut rows = statement.query(values)?;
    let mut steps = Vec::new();
    while let Some(row) = rows.next()? {
        let id = EventId { run: RunId(row.get(0)?), number: row.get(1)? };
        steps.push(PrunableStep { id, log_path: row.get(2)? });
    }
    Ok(steps)
}

/// Adds a step to what is counted, if it has ended.
pub(super) fn count_step(connection: &Connection, id: EventId) -> Result<()> {
    connection.prepare_cached(COUNT)?.execute(params![id.run.0, id.number])?;
    Ok(())
}

/// Removes steps that have ended, runs of an order that have none, and commands that were given before.
pub(super) fn delete(connection: &Connection, order: &PruneOrder, steps: &[EventId]) -> Result<()> {
    let mut is_ended = connection
        .prepare_cached("SELECT 1 FROM event WHERE run = ?1 AND number = ?2 AND ended IS NOT NULL")?;
    let mut packages =
        connection.prepare_cached("DELETE FROM event_package WHERE run = ?1 AND number = ?2")?;
    let mut events = connection.prepare_cached("DELETE FROM event WHERE run = ?1 AND number = ?2")?;
    for id in steps {
        let key = params![id.run.0, id.number];
        if is_ended.exists(key)? {
            count_step(connection, *id)?;
            packages.execute(key)?;
            events.execute(key)?;
        }
    }
    let values = params![order.ended_before, order.failed_before, order.limit];
    connection.prepare_cached(DELETE_RUNS)?.execute(values)?;
    connection.prepare_cached(DELETE_COMMANDS)?.execute(params![order.ended_before])?;
    Ok(())
}

/// How many steps there were.
pub(super) fn totals(connection: &Connection) -> Result<Vec<StepTotal>> {
    let mut statement = connection.prepare_cached(TOTALS)?;
    let mut rows = statement.query([])?;
    let mut totals = Vec::new();
    while let Some(row) = rows.next()? {
        let (day, package): (i64, i64) = (row.get(0)?, row.get(1)?);
        let what = |field: &str| format!("the {field} of the steps of day {day}");
        totals.push(StepTotal {
            day,
            package: Some(PackageId(package)).filter(|package| package.0 != 0),
            stage: decode_id(row.get(2)?, Stage::from_id, || what("stage"))?,
            status: decode_id(row.get(3)?, RunStatus::from_id, || what("status"))?,
            steps: row.get(4)?,
        });
    }
    Ok(totals)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Whatever is asked for old steps is found by an index, and only what comes after the last one is looked at.
    #[test]
    fn old_steps_are_found_by_an_index() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("oda.db");
        drop(crate::SqliteStore::create(&path).unwrap());
        let connection = Connection::open(&path).unwrap();
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {SELECT}")).unwrap();
        let steps: Vec<String> = plan
            .query_map(params![1, 1, 1, 1, 9], |row| row.get("detail"))
            .unwrap()
            .collect::<rusqlite::Result<_>>()
            .unwrap();
        assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{steps:#?}");
        assert!(
            steps.iter().any(|step| step.starts_with("SEARCH newer USING") && step.contains("event_target")),
            "{steps:#?}"
        );
        assert!(!steps.iter().any(|step| step.starts_with("SCAN event")), "{steps:#?}");
    }
}
