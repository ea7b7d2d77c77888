//! The journal: runs and events.

use rusqlite::{Connection, Row, params};

use crate::error::Result;
use crate::statement::execute;
use opkg_oda::cluster_builder::decode_id;
use opkg_oda::{
    CommandRecord, Event, EventFilter, EventId, PackageId, ProcessIdentity, Run, RunId, RunStatus, Stage,
    StepKind, StepResult, TargetId,
};

const SELECT_RUN: &str =
    "SELECT id, started, ended, verdict, host, process, command, boot, process_start FROM run";
const SELECT_EVENT: &str =
    "SELECT event.run, event.number, started, target, stage, step, name, ended, verdict, message, exit_code,
    signal, timed_out, log, tail FROM";

pub(super) fn insert_run(connection: &Connection, run: &Run) -> Result<RunId> {
    connection
        .prepare_cached(
            "INSERT INTO run (started, host, process, command, boot, process_start)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            run.started_at,
            run.host,
            run.pid,
            run.command,
            run.process.as_ref().map(|process| &process.boot_id),
            run.process.as_ref().map(|process| process.started_ticks),
        ])?;
    Ok(RunId(connection.last_insert_rowid()))
}

pub(super) fn insert_command(connection: &Connection, command: &CommandRecord) -> Result<()> {
    execute(
        connection,
        "INSERT INTO command (at, who, host, command, role) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![command.at, command.who, command.host, command.command, command.role],
    )
}

pub(super) fn insert_event(connection: &Connection, event: &Event) -> Result<()> {
    execute(
        connection,
        "INSERT INTO event (run, number, started, target, stage, step, name, log)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            event.id.run.0,
            event.id.number,
            event.started_at,
            event.target.0,
            event.stage.id(),
            event.kind as u8,
            event.name,
            event.log_path
        ],
    )?;
    for (position, package) in (0_i64..).zip(&event.packages) {
        execute(
            connection,
            "INSERT INTO event_package (run, number, position, package) VALUES (?1, ?2, ?3, ?4)",
            params![event.id.run.0, event.id.number, position, package.0],
        )?;
    }
    match &event.result {
        Some(result) => finish_event(connection, event.id, result),
        None => Ok(()),
    }
}

pub(super) fn finish_event(connection: &Connection, id: EventId, result: &StepResult) -> Result<()> {
    execute(
        connection,
        "UPDATE event SET ended = ?3, verdict = ?4, message = ?5, exit_code = ?6, signal = ?7,
             timed_out = ?8, log = CASE WHEN ?4 = 2 THEN coalesce(?9, log) ELSE ?9 END, tail = ?10
         WHERE run = ?1 AND number = ?2",
        params![
            id.run.0,
            id.number,
            result.ended_at,
            result.status as u8,
            result.message,
            result.exit_code,
            result.signal,
            result.timed_out,
            result.log_path,
            result.log_tail
        ],
    )
}

/// Newest first.
pub(super) fn select_commands(connection: &Connection, limit: u32) -> Result<Vec<CommandRecord>> {
    let sql = "SELECT at, who, host, command, role FROM command ORDER BY id DESC LIMIT ?1";
    query_all(connection, sql, params![limit], |row| {
        Ok(CommandRecord {
            at: row.get(0)?,
            who: row.get(1)?,
            host: row.get(2)?,
            command: row.get(3)?,
            role: row.get(4)?,
        })
    })
}

/// Newest first.
pub(super) fn select_runs(connection: &Connection, limit: u32) -> Result<Vec<Run>> {
    query_all(connection, &format!("{SELECT_RUN} ORDER BY id DESC LIMIT ?1"), params![limit], run_from_row)
}

pub(super) fn select_unfinished_runs(connection: &Connection) -> Result<Vec<Run>> {
    query_all(connection, &format!("{SELECT_RUN} WHERE ended IS NULL ORDER BY id"), params![], run_from_row)
}

/// Newest first.
pub(super) fn select_events(connection: &Connection, filter: &EventFilter) -> Result<Vec<Event>> {
    let sql = events_sql(filter);
    let values = params![
        filter.target.map(|id| id.0),
        filter.package.map(|id| id.0),
        filter.run.map(|id| id.0),
        filter.limit.map_or(-1, i64::from),
    ];
    let mut events = query_all(connection, &sql, values, event_from_row)?;
    events.dedup_by_key(|event| event.id);
    let mut packages = connection.prepare_cached(
        "SELECT package FROM event_package WHERE run = ?1 AND number = ?2 ORDER BY position",
    )?;
    for event in &mut events {
        let mut rows = packages.query(params![event.id.run.0, event.id.number])?;
        while let Some(row) = rows.next()? {
            event.packages.push(PackageId(row.get(0)?));
        }
    }
    Ok(events)
}

/// The newest events come first out of an index, whatever is asked for, so that no more are read than are wanted.
fn events_sql(filter: &EventFilter) -> String {
    // Each field that is absent leaves its condition out, so that an index serves the others.
    let mut conditions = vec!["TRUE"];
    conditions.extend(filter.target.map(|_| "target = ?1"));
    conditions.extend(filter.run.map(|_| "event.run = ?3"));
    conditions.extend(filter.failed_only.then_some("verdict IN (1, 2)"));
    let is_of_package =
        "event_package.run = event.run AND event_package.number = event.number AND package = ?2";
    let of_package = format!("EXISTS (SELECT 1 FROM event_package WHERE {is_of_package})");
    let (tables, first) = match filter {
        // Of a target or a run there are fewer events than of a package.
        EventFilter { package: Some(_), target: None, run: None, .. } => {
            conditions.push(is_of_package);
            // As written: first one table, then the other.
            ("event_package CROSS JOIN event", "event_package")
        }
        EventFilter { package: Some(_), .. } => {
            conditions.push(&of_package);
            ("event", "event")
        }
        _ => ("event", "event"),
    };
    let conditions = conditions.join(" AND ");
    format!(
        "{SELECT_EVENT} {tables} WHERE {conditions} ORDER BY {first}.run DESC, {first}.number DESC LIMIT ?4"
    )
}

fn query_all<T>(
    connection: &Connection,
    sql: &str,
    values: &[&dyn rusqlite::ToSql],
    from_row: impl Fn(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(from_row(row)?);
    }
    Ok(all)
}

fn run_from_row(row: &Row<'_>) -> Result<Run> {
    let id = row.get(0)?;
    let status: Option<i64> = row.get(3)?;
    let status =
        status.map(|status| decode_id(status, RunStatus::from_id, || format!("the status of run {id}")));
    Ok(Run {
        id: RunId(id),
        started_at: row.get(1)?,
        ended_at: row.get(2)?,
        status: status.transpose()?,
        host: row.get(4)?,
        pid: row.get(5)?,
        command: row.get(6)?,
        process: process_from_row(row)?,
    })
}

fn process_from_row(row: &Row<'_>) -> Result<Option<ProcessIdentity>> {
    let (boot_id, started_ticks): (Option<String>, Option<i64>) = (row.get(7)?, row.get(8)?);
    Ok(boot_id.zip(started_ticks).map(|(boot_id, started_ticks)| ProcessIdentity { boot_id, started_ticks }))
}

fn event_from_row(row: &Row<'_>) -> Result<Event> {
    let id = EventId { run: RunId(row.get(0)?), number: row.get(1)? };
    let what = |field: &str| format!("the {field} of event {} of run {}", id.number, id.run.0);
    let ended_at: Option<i64> = row.get(7)?;
    let result = match ended_at {
        None => None,
        Some(ended_at) => Some(StepResult {
            ended_at,
            status: decode_id(row.get(8)?, RunStatus::from_id, || what("status"))?,
            message: row.get(9)?,
            exit_code: row.get(10)?,
            signal: row.get(11)?,
            timed_out: row.get(12)?,
            log_path: row.get(13)?,
            log_tail: row.get(14)?,
        }),
    };
    Ok(Event {
        id,
        started_at: row.get(2)?,
        target: TargetId(row.get(3)?),
        packages: Vec::new(),
        stage: decode_id(row.get(4)?, Stage::from_id, || what("stage"))?,
        kind: decode_id(row.get(5)?, StepKind::from_id, || what("step"))?,
        name: row.get(6)?,
        log_path: row.get(13)?,
        result,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A journal has many events: none is sorted, and none is read that is not of what is asked for.
    #[test]
    fn whatever_is_asked_for_comes_sorted_out_of_an_index() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("oda.db");
        drop(crate::SqliteStore::create(&path).unwrap());
        let connection = Connection::open(&path).unwrap();
        let targets = [None, Some(TargetId(1))];
        let filters = targets.into_iter().flat_map(|target| {
            [None, Some(PackageId(1))].into_iter().flat_map(move |package| {
                [None, Some(RunId(1))].into_iter().flat_map(move |run| {
                    [false, true].map(|failed_only| EventFilter {
                        target,
                        package,
                        run,
                        failed_only,
                        limit: Some(9),
                    })
                })
            })
        });
        for filter in filters {
            let mut plan =
                connection.prepare(&format!("EXPLAIN QUERY PLAN {}", events_sql(&filter))).unwrap();
            let values = params![1, 1, 1, 9];
            let steps: Vec<String> = plan
                .query_map(values, |row| row.get("detail"))
                .unwrap()
                .collect::<rusqlite::Result<_>>()
                .unwrap();
            assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{filter:?}: {steps:#?}");
            let scans = steps.iter().filter(|step| step.starts_with("SCAN "));
            assert!(scans.clone().all(|step| step.contains("INDEX")), "{filter:?}: {steps:#?}");
            let is_restricted = filter.target.is_some() || filter.package.is_some() || filter.run.is_some();
            assert!(!is_restricted || scans.count() == 0, "{filter:?}: {steps:#?}");
        }
    }
}
