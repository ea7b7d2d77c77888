//! Requests that go out in waves, as rows: how they are read and written.

use opkg_oda::cluster_builder::{ClusterBuilder, RolloutRow};
use opkg_oda::{RolloutId, RolloutOrder, RolloutState, TargetId, WaveState};
use rusqlite::{Connection, params};

use crate::error::Result;
use crate::statement::execute;

/// Reads those that have not ended.
pub(super) fn load(connection: &Connection, builder: &mut ClusterBuilder) -> Result<()> {
    let last = connection.prepare_cached("SELECT coalesce(max(id), 0) FROM rollout")?;
    builder.set_last_rollout_id({ last }.query_row([], |row| row.get(0))?);
    let mut rollouts = connection.prepare_cached(
        "SELECT id, at_once, max_fail, is_percent, since, who, state, note FROM rollout WHERE state < 2",
    )?;
    let mut rows = rollouts.query([])?;
    while let Some(row) = rows.next()? {
        builder.add_rollout(RolloutRow {
            id: row.get(0)?,
            at_once: row.get(1)?,
            max_fail: row.get(2)?,
            is_percent: row.get(3)?,
            since: row.get(4)?,
            who: row.get(5)?,
            state: row.get(6)?,
            note: row.get(7)?,
        })?;
    }
    let mut packages = connection.prepare_cached("SELECT rollout, package FROM rollout_package")?;
    let mut rows = packages.query([])?;
    while let Some(row) = rows.next()? {
        builder.add_rollout_package(row.get(0)?, row.get(1)?)?;
    }
    let mut targets = connection.prepare_cached("SELECT rollout, target, state FROM rollout_target")?;
    let mut rows = targets.query([])?;
    while let Some(row) = rows.next()? {
        builder.add_rollout_target(row.get(0)?, row.get(1)?, row.get(2)?)?;
    }
    Ok(())
}

/// Writes what was asked for; a new one is under way.
pub(super) fn put(connection: &Connection, id: RolloutId, order: &RolloutOrder) -> Result<()> {
    let (max_fail, is_percent) = order.max_fail.parts();
    execute(
        connection,
        "INSERT INTO rollout (id, at_once, max_fail, is_percent, since, who, state)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)
         ON CONFLICT (id) DO UPDATE SET at_once = excluded.at_once, max_fail = excluded.max_fail,
             is_percent = excluded.is_percent, since = excluded.since, who = excluded.who
         WHERE state < 2",
        params![id.0, order.at_once, max_fail, is_percent, order.since, order.who],
    )?;
    execute(connection, "DELETE FROM rollout_package WHERE rollout = ?1", params![id.0])?;
    for package in &order.packages {
        execute(
            connection,
            "INSERT INTO rollout_package (rollout, package)
             SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM package WHERE id = ?2 AND gone = 0)
                 AND EXISTS (SELECT 1 FROM rollout WHERE id = ?1 AND state < 2)",
            params![id.0, package.0],
        )?;
    }
    Ok(())
}

/// Writes whether one goes on. One that has ended is about nothing any more.
pub(super) fn set_state(connection: &Connection, id: RolloutId, state: &RolloutState) -> Result<()> {
    execute(
        connection,
        "UPDATE rollout SET state = ?2, note = ?3 WHERE id = ?1 AND state < 2",
        params![id.0, state.id(), state.note()],
    )?;
    if matches!(state, RolloutState::Ended(_)) {
        for sql in [
            "DELETE FROM rollout_package WHERE rollout = ?1",
            "DELETE FROM rollout_target WHERE rollout = ?1",
        ] {
            execute(connection, sql, params![id.0])?;
        }
    }
    Ok(())
}

/// Writes whether one has let a target go.
pub(super) fn set_wave(
    connection: &Connection,
    id: RolloutId,
    target: TargetId,
    state: WaveState,
) -> Result<()> {
    execute(
        connection,
        "INSERT INTO rollout_target (rollout, target, state)
         SELECT rollout.id, target.id, ?3 FROM rollout, target
         WHERE rollout.id = ?1 AND target.id = ?2 AND gone = 0
             AND rollout.state < CASE ?3 WHEN 1 THEN 1 ELSE 2 END
         ON CONFLICT (rollout, target) DO UPDATE SET state = excluded.state",
        params![id.0, target.0, state as u8],
    )
}
