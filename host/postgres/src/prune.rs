//! Removes old steps of the journal, and counts them; and old commands.

use opkg_oda::cluster_builder::decode_id;
use opkg_oda::{EventId, PackageId, PrunableStep, PruneOrder, RunId, RunStatus, Stage, StepTotal};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use crate::error::{PostgresError, Result};
use crate::statement::{Value, query};

/// Steps that may go. A newer one of the same package on the same target may go itself, but then there is one that is newer
/// still.
const SELECT: &str = "SELECT event.run, event.number, event.log FROM opm.event
    JOIN opm.run ON run.id = event.run JOIN opm.target ON target.id = event.target
    WHERE (event.run, event.number) > ($3, $4)
        AND event.run <= (SELECT coalesce(max(id), 0) FROM opm.run WHERE ended < greatest($1, $2))
        AND run.ended IS NOT NULL AND event.ended < CASE WHEN event.is_failed THEN $2 ELSE $1 END
        AND (target.gone OR NOT EXISTS (SELECT 1 FROM opm.event_package AS its
            WHERE its.run = event.run AND its.number = event.number
            AND NOT EXISTS (SELECT 1 FROM opm.event AS newer
                JOIN opm.event_package AS named ON named.run = newer.run AND named.number = newer.number
                WHERE newer.target = event.target AND (newer.run, newer.number) > (event.run, event.number)
                    AND named.package = its.package)))
    ORDER BY event.run, event.number LIMIT $5";

/// Of steps, or of each of their packages.
const COUNT: &str = "INSERT INTO opm.journal_total AS known (day, package, stage, verdict, steps)
    SELECT event.started / 86400000, coalesce(named.package, 0), event.stage, event.verdict, count(*)
    FROM unnest($1, $2) AS pruned(run, number)
    JOIN opm.event ON event.run = pruned.run AND event.number = pruned.number
    LEFT JOIN opm.event_package AS named ON named.run = event.run AND named.number = event.number
    WHERE event.verdict IS NOT NULL GROUP BY 1, 2, 3, 4
    ON CONFLICT (day, package, stage, verdict) DO UPDATE SET steps = known.steps + excluded.steps";

const DELETE_PACKAGES: &str = "DELETE FROM opm.event_package AS named
    USING unnest($1, $2) AS pruned(run, number), opm.event
    WHERE named.run = pruned.run AND named.number = pruned.number
        AND event.run = pruned.run AND event.number = pruned.number AND event.ended IS NOT NULL";

const DELETE_STEPS: &str = "DELETE FROM opm.event USING unnest($1, $2) AS pruned(run, number)
    WHERE event.run = pruned.run AND event.number = pruned.number AND event.ended IS NOT NULL";

/// Runs that are as old and have no steps.
const DELETE_RUNS: &str = "DELETE FROM opm.run WHERE id IN (SELECT id FROM opm.run
    WHERE ended < CASE WHEN verdict IN (1, 2) THEN $2 ELSE $1 END
        AND NOT EXISTS (SELECT 1 FROM opm.event WHERE event.run = run.id)
    ORDER BY id LIMIT $3)";

/// All at once: there are few, and none is left behind where no more steps are to go.
const DELETE_COMMANDS: &str = "DELETE FROM opm.command WHERE at < $1";

/// Those of the journal and those that are no longer in it.
const TOTALS: &str = "SELECT day, package, stage::bigint, verdict::bigint, sum(steps)::bigint FROM (
        SELECT day, package, stage, verdict, steps FROM opm.journal_total
        UNION ALL
        SELECT event.started / 86400000, coalesce(named.package, 0), event.stage, event.verdict, 1
        FROM opm.event LEFT JOIN opm.event_package AS named ON named.run = event.run AND named.number = event.number
        WHERE event.verdict IS NOT NULL) AS counted
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4";

/// Who counts what goes does so alone: nothing is counted twice.
pub(crate) const LOCK: &str = "LOCK TABLE opm.journal_total IN SHARE ROW EXCLUSIVE MODE";

/// Whether old steps were not looked for since `interval` before `now`; then it was done now. A clock that was ahead of its time
/// keeps nothing from being pruned.
pub(crate) async fn claim(client: &Client, now: i64, interval: i64) -> Result<bool> {
    let sql = "UPDATE opm.journal_pruning SET at = $1 WHERE at <= $1 - $2 OR at > $1 RETURNING true";
    let rows = query(client, sql, &[(&now, Type::INT8), (&interval, Type::INT8)]).await?;
    Ok(!rows.is_empty())
}

/// The steps of an order.
pub(crate) async fn select(client: &Client, order: &PruneOrder) -> Result<Vec<PrunableStep>> {
    let (run, number) = order.after.map_or((0, 0), |id| (id.run.0, i64::from(id.number)));
    let limit = i64::from(order.limit);
    let values: [Value<'_>; 5] = [
        (&order.ended_before, Type::INT8),
        (&order.failed_before, Type::INT8),
        (&run, Type::INT8),
        (&number, Type::INT8),
        (&limit, Type::INT8),
    ];
    let step = |row: &Row| {
        let (run, number): (i64, i64) = (row.get(0), row.get(1));
        let number = u32::try_from(number)
            .map_err(|_| PostgresError::Corrupt(format!("the number of event {number} of run {run}")))?;
        Ok(PrunableStep { id: EventId { run: RunId(run), number }, log_path: row.get(2) })
    };
    query(client, SELECT, &values).await?.iter().map(step).collect()
}

/// Removes steps that have ended, runs of an order that have none, and commands that were given before, in the caller's
/// transaction.
pub(crate) async fn delete(client: &Client, order: &PruneOrder, steps: &[EventId]) -> Result<()> {
    client.batch_execute(LOCK).await?;
    let runs: Vec<i64> = steps.iter().map(|id| id.run.0).collect();
    let numbers: Vec<i64> = steps.iter().map(|id| i64::from(id.number)).collect();
    let keys: [Value<'_>; 2] = [(&runs, Type::INT8_ARRAY), (&numbers, Type::INT8_ARRAY)];
    for sql in [COUNT, DELETE_PACKAGES, DELETE_STEPS] {
        query(client, sql, &keys).await?;
    }
    let limit = i64::from(order.limit);
    let values: [Value<'_>; 3] =
        [(&order.ended_before, Type::INT8), (&order.failed_before, Type::INT8), (&limit, Type::INT8)];
    query(client, DELETE_RUNS, &values).await?;
    query(client, DELETE_COMMANDS, &values[..1]).await.map(drop)
}

/// Adds the steps of runs to what is counted, in the caller's transaction.
pub(crate) async fn count_runs(client: &Client, runs: &[i64]) -> Result<()> {
    client.batch_execute(LOCK).await?;
    let sql = "SELECT run, number FROM opm.event WHERE run = ANY ($1)";
    let rows = query(client, sql, &[(&runs, Type::INT8_ARRAY)]).await?;
    let (runs, numbers): (Vec<i64>, Vec<i64>) =
        rows.iter().map(|row| (row.get::<_, i64>(0), row.get::<_, i64>(1))).unzip();
    query(client, COUNT, &[(&runs, Type::INT8_ARRAY), (&numbers, Type::INT8_ARRAY)]).await.map(drop)
}

/// How many steps there were.
pub(crate) async fn totals(client: &Client) -> Result<Vec<StepTotal>> {
    let total = |row: &Row| {
        let (day, package): (i64, i64) = (row.get(0), row.get(1));
        let what = |field: &str| format!("the {field} of the steps of day {day}");
        Ok(StepTotal {
            day,
            package: Some(PackageId(package)).filter(|package| package.0 != 0),
            stage: decode_id(row.get(2), Stage::from_id, || what("stage"))?,
            status: decode_id(row.get(3), RunStatus::from_id, || what("status"))?,
            steps: row.get(4),
        })
    };
    query(client, TOTALS, &[]).await?.iter().map(total).collect()
}
