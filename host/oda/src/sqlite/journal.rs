//! Runs and events: written as they happen, read by whoever wants to know what was.

use rusqlite::{Connection, Row as Record, params};

use super::fault::Result;
use super::read::known;
use crate::{Ending, Event, EventId, PackageId, Run, RunId, Stage, Step, TargetId, Verdict, Wanted};

const RUN: &str = "SELECT id, started, ended, verdict, host, process, command FROM run";
const EVENT: &str =
    "SELECT run, number, started, target, stage, step, name, ended, verdict, message, exit_code,
    signal, timed_out, log, tail FROM event";

/// Notes that a run begins.
pub(super) fn start(to: &Connection, run: &Run) -> Result<RunId> {
    to.prepare_cached("INSERT INTO run (started, host, process, command) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![run.started, run.host, run.process, run.command])?;
    Ok(RunId(to.last_insert_rowid()))
}

/// The newest runs.
pub(super) fn runs(from: &Connection, limit: u32) -> Result<Vec<Run>> {
    collect(from, &format!("{RUN} ORDER BY id DESC LIMIT ?1"), params![limit], run)
}

/// The runs that have no end.
pub(super) fn open_runs(from: &Connection) -> Result<Vec<Run>> {
    collect(from, &format!("{RUN} WHERE ended IS NULL ORDER BY id"), params![], run)
}

/// The newest events of those wanted.
pub(super) fn events(from: &Connection, wanted: &Wanted) -> Result<Vec<Event>> {
    // Each field that is absent leaves its condition out, so that an index serves the others.
    let mut conditions = vec!["TRUE"];
    conditions.extend(wanted.target.map(|_| "target = ?1"));
    let of_package = "(run, number) IN (SELECT run, number FROM event_package WHERE package = ?2)";
    conditions.extend(wanted.package.map(|_| of_package));
    conditions.extend(wanted.run.map(|_| "run = ?3"));
    conditions.extend(wanted.failed.then_some("verdict IN (1, 2)"));
    let sql = format!("{EVENT} WHERE {} ORDER BY run DESC, number DESC LIMIT ?4", conditions.join(" AND "));
    let values = params![
        wanted.target.map(|it| it.0),
        wanted.package.map(|it| it.0),
        wanted.run.map(|it| it.0),
        wanted.limit.map_or(-1, i64::from),
    ];
    let mut events = collect(from, &sql, values, event)?;
    let mut parts = from.prepare_cached(
        "SELECT package FROM event_package WHERE run = ?1 AND number = ?2 ORDER BY position",
    )?;
    for event in &mut events {
        let mut rows = parts.query(params![event.id.run.0, event.id.number])?;
        while let Some(row) = rows.next()? {
            event.packages.push(PackageId(row.get(0)?));
        }
    }
    Ok(events)
}

fn collect<T>(
    from: &Connection,
    sql: &str,
    values: &[&dyn rusqlite::ToSql],
    read: impl Fn(&Record<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut statement = from.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}

fn run(row: &Record<'_>) -> Result<Run> {
    let id = row.get(0)?;
    let verdict: Option<i64> = row.get(3)?;
    let verdict = verdict.map(|it| known(it, Verdict::from_id, || format!("the verdict of run {id}")));
    Ok(Run {
        id: RunId(id),
        started: row.get(1)?,
        ended: row.get(2)?,
        verdict: verdict.transpose()?,
        host: row.get(4)?,
        process: row.get(5)?,
        command: row.get(6)?,
    })
}

fn event(row: &Record<'_>) -> Result<Event> {
    let id = EventId { run: RunId(row.get(0)?), number: row.get(1)? };
    let what = |field: &str| format!("the {field} of event {} of run {}", id.number, id.run.0);
    let ended: Option<i64> = row.get(7)?;
    let ending = match ended {
        None => None,
        Some(ended) => Some(Ending {
            ended,
            verdict: known(row.get(8)?, Verdict::from_id, || what("verdict"))?,
            message: row.get(9)?,
            exit_code: row.get(10)?,
            signal: row.get(11)?,
            timed_out: row.get(12)?,
            log: row.get(13)?,
            tail: row.get(14)?,
        }),
    };
    Ok(Event {
        id,
        started: row.get(2)?,
        target: TargetId(row.get(3)?),
        packages: Vec::new(),
        stage: known(row.get(4)?, Stage::from_id, || what("stage"))?,
        step: known(row.get(5)?, Step::from_id, || what("step"))?,
        name: row.get(6)?,
        ending,
    })
}
