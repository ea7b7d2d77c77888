//! The journal: runs and events; and what is removed of it.

use opkg_oda::cluster_builder::decode_id;
use opkg_oda::{
    CommandRecord, Event, EventFilter, EventId, PackageId, ProcessIdentity, PurgeCounts, PurgeOrder, Run,
    RunId, RunStatus, Stage, StepKind, StepResult, TargetId, UnfinishedRun,
};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use crate::error::{PostgresError, Result};
use crate::prune;
use crate::statement::query;

const SELECT_RUN: &str =
    "SELECT id, started, ended, verdict::bigint, host, process, command, boot, process_start FROM opm.run";

/// Newest first.
pub(crate) async fn commands(client: &Client, limit: u32) -> Result<Vec<CommandRecord>> {
    let sql = "SELECT at, who, host, command, role FROM opm.command ORDER BY id DESC LIMIT $1";
    let rows = query(client, sql, &[(&i64::from(limit), Type::INT8)]).await?;
    let command = |row: &Row| CommandRecord {
        at: row.get(0),
        who: row.get(1),
        host: row.get(2),
        command: row.get(3),
        role: row.get(4),
    };
    Ok(rows.iter().map(command).collect())
}

/// Newest first.
pub(crate) async fn runs(client: &Client, limit: u32) -> Result<Vec<Run>> {
    let sql = format!("{SELECT_RUN} ORDER BY id DESC LIMIT $1");
    let rows = query(client, &sql, &[(&i64::from(limit), Type::INT8)]).await?;
    rows.iter().map(run_from_row).collect()
}

/// The runs without an end, as `opm.unfinished_runs` has them.
pub(crate) async fn unfinished_runs(
    client: &Client,
    boot: &str,
    at_work: &[i64],
) -> Result<Vec<UnfinishedRun>> {
    let sql = "SELECT id, started, ended, verdict, host, process, command, boot, process_start, is_dead
        FROM opm.unfinished_runs($1, $2)";
    let rows = query(client, sql, &[(&boot, Type::TEXT), (&at_work, Type::INT8_ARRAY)]).await?;
    rows.iter().map(|row| Ok(UnfinishedRun { run: run_from_row(row)?, is_dead: row.get(9) })).collect()
}

/// Newest first.
pub(crate) async fn events(client: &Client, filter: &EventFilter) -> Result<Vec<Event>> {
    let sql = events_sql(filter);
    let (target, package) = (filter.target.map(|id| id.0), filter.package.map(|id| id.0));
    let (run, limit) = (filter.run.map(|id| id.0), filter.limit.map(i64::from));
    let values = [
        (&target as &(dyn tokio_postgres::types::ToSql + Sync), Type::INT8),
        (&package, Type::INT8),
        (&run, Type::INT8),
        (&limit, Type::INT8),
    ];
    let rows = query(client, &sql, &values).await?;
    rows.iter().map(event_from_row).collect()
}

/// The newest events come first out of an index, whatever is asked for, so that no more are read than are wanted.
fn events_sql(filter: &EventFilter) -> String {
    // Each field that is absent leaves its condition out, so that an index serves the others.
    let mut conditions = vec!["$1::bigint IS NOT DISTINCT FROM $1 AND $2::bigint IS NOT DISTINCT FROM $2"];
    conditions.extend(filter.target.map(|_| "event.target = $1"));
    conditions.extend(filter.run.map(|_| "event.run = $3"));
    conditions.extend(filter.failed_only.then_some("is_failed"));
    // Of a target or a run there are fewer events than of a package.
    let begins_with_package = filter.package.is_some() && filter.target.is_none() && filter.run.is_none();
    let first = match begins_with_package {
        true => {
            conditions.push("named.package = $2");
            "opm.event_package AS named JOIN opm.event USING (run, number)"
        }
        false => "opm.event",
    };
    if filter.package.is_some() && !begins_with_package {
        conditions.push(
            "EXISTS (SELECT 1 FROM opm.event_package AS named
                WHERE named.run = event.run AND named.number = event.number AND named.package = $2)",
        );
    }
    let key = if begins_with_package { "named" } else { "event" };
    format!(
        "SELECT event.run, event.number, started, target, stage::bigint, step::bigint, name, ended, verdict::bigint,
            message, exit_code, signal, timed_out, log, tail,
            ARRAY(SELECT package FROM opm.event_package AS its
                WHERE its.run = event.run AND its.number = event.number ORDER BY position)
        FROM {first} WHERE {} AND $3::bigint IS NOT DISTINCT FROM $3
        ORDER BY {key}.run DESC, {key}.number DESC LIMIT $4",
        conditions.join(" AND ")
    )
}

/// What an order is about.
pub(crate) async fn count_purge(client: &Client, order: &PurgeOrder) -> Result<PurgeCounts> {
    let mut counts = PurgeCounts::default();
    let packages: Vec<i64> = order.values_of.iter().map(|package| package.0).collect();
    let sql = "SELECT package, count(*) FROM opm.config_value WHERE package = ANY ($1) GROUP BY package";
    for row in query(client, sql, &[(&packages, Type::INT8_ARRAY)]).await? {
        let count: i64 = row.get(1);
        counts.values.insert(PackageId(row.get(0)), usize::try_from(count).unwrap_or_default());
    }
    let before = [(&order.runs_ended_before as &(dyn tokio_postgres::types::ToSql + Sync), Type::INT8)];
    for row in query(client, "SELECT id FROM opm.run WHERE ended < $1 ORDER BY id", &before).await? {
        counts.runs.push(RunId(row.get(0)));
    }
    let sql = "SELECT log FROM opm.event JOIN opm.run ON run.id = event.run WHERE run.ended < $1
        ORDER BY event.run, number";
    for row in query(client, sql, &before).await? {
        counts.events += 1;
        counts.logs.extend(row.get::<_, Option<String>>(0));
    }
    Ok(counts)
}

/// Removes the values of an order, and these runs.
pub(crate) async fn purge(client: &Client, order: &PurgeOrder, runs: &[RunId]) -> Result<()> {
    let packages: Vec<i64> = order.values_of.iter().map(|package| package.0).collect();
    let runs: Vec<i64> = runs.iter().map(|run| run.0).collect();
    prune::count_runs(client, &runs).await?;
    let packages = [(&packages as &(dyn tokio_postgres::types::ToSql + Sync), Type::INT8_ARRAY)];
    let runs = [(&runs as &(dyn tokio_postgres::types::ToSql + Sync), Type::INT8_ARRAY)];
    query(client, "DELETE FROM opm.config_value WHERE package = ANY ($1)", &packages).await?;
    query(client, "DELETE FROM opm.event_package WHERE run = ANY ($1)", &runs).await?;
    query(client, "DELETE FROM opm.event WHERE run = ANY ($1)", &runs).await?;
    query(client, "DELETE FROM opm.run WHERE id = ANY ($1)", &runs).await?;
    Ok(())
}

fn run_from_row(row: &Row) -> Result<Run> {
    let id: i64 = row.get(0);
    let status: Option<i64> = row.get(3);
    let status =
        status.map(|status| decode_id(status, RunStatus::from_id, || format!("the status of run {id}")));
    let (boot_id, started_ticks): (Option<String>, Option<i64>) = (row.get(7), row.get(8));
    let process: i64 = row.get(5);
    Ok(Run {
        id: RunId(id),
        started_at: row.get(1),
        ended_at: row.get(2),
        status: status.transpose()?,
        host: row.get(4),
        pid: u32::try_from(process)
            .map_err(|_| PostgresError::Corrupt(format!("the process of run {id} is {process}")))?,
        command: row.get(6),
        process: boot_id
            .zip(started_ticks)
            .map(|(boot_id, started_ticks)| ProcessIdentity { boot_id, started_ticks }),
    })
}

fn event_from_row(row: &Row) -> Result<Event> {
    let (run, number): (i64, i64) = (row.get(0), row.get(1));
    let what = |field: &str| format!("the {field} of event {number} of run {run}");
    let number = u32::try_from(number).map_err(|_| PostgresError::Corrupt(what("number")))?;
    let ended_at: Option<i64> = row.get(7);
    let result = match ended_at {
        None => None,
        Some(ended_at) => Some(StepResult {
            ended_at,
            status: decode_id(row.get(8), RunStatus::from_id, || what("status"))?,
            message: row.get(9),
            exit_code: row.get(10),
            signal: row.get(11),
            timed_out: row.get(12),
            log_path: row.get(13),
            log_tail: row.get(14),
        }),
    };
    let packages: Vec<i64> = row.get(15);
    Ok(Event {
        id: EventId { run: RunId(run), number },
        started_at: row.get(2),
        target: TargetId(row.get(3)),
        packages: packages.into_iter().map(PackageId).collect(),
        stage: decode_id(row.get(4), Stage::from_id, || what("stage"))?,
        kind: decode_id(row.get(5), StepKind::from_id, || what("step"))?,
        name: row.get(6),
        log_path: row.get(13),
        result,
    })
}
