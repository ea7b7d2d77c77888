//! Reads the cluster.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use opkg_oda::cluster_builder::{ClusterBuilder, PackageRow, StateRow, TargetRow, decode_id};
use opkg_oda::{
    Absence, AbsenceKind, Cluster, ConfigValue, ConfigValues, PackageId, PackageState, StateKey, TargetId,
    ValueOrigin,
};
use rusqlite::types::FromSqlError;
use rusqlite::{Connection, Row, Rows};

use crate::error::{Result, SqliteError};
use crate::rollouts;

/// What targets that are alike have in common.
type TargetDigest = [u8; 32];

/// Whether any work may be left. Every part is answered by an index of few rows.
const PENDING_WORK_SQL: &str = "SELECT
    EXISTS (SELECT 1 FROM state
        WHERE requested > current OR (requested = 1 AND (current > 1 OR attempts > 0)) OR state <> 0
            OR inherits IS NOT NULL)
    OR EXISTS (SELECT 1 FROM rerun)
    OR EXISTS (SELECT 1 FROM run WHERE ended IS NULL)
    OR EXISTS (SELECT 1 FROM assignment
        WHERE handed_over IS NULL AND EXISTS (SELECT 1 FROM target JOIN state ON state.target = target.id
            WHERE kind = 1 AND gone = 0 AND state.package = assignment.package AND current >= 6))
    OR EXISTS (SELECT 1 FROM target AS image JOIN state AS held ON held.target = image.id
        WHERE image.kind = 2 AND image.gone = 0 AND held.current >= 4
            AND NOT EXISTS (SELECT 1 FROM image_seen
                WHERE image_seen.image = image.id AND image_seen.package = held.package)
            AND EXISTS (SELECT 1 FROM target AS server JOIN state AS serving ON serving.target = server.id
                WHERE server.kind = 1 AND server.gone = 0 AND serving.package = held.package
                    AND serving.current >= 5))
    OR EXISTS (SELECT 1 FROM rollout WHERE state = 0)";

macro_rules! select_targets {
    ($condition:literal) => {
        concat!(
            "SELECT id, kind, name, root, image, gone, root_id, digest FROM target ",
            $condition,
            " ORDER BY id"
        )
    };
}

macro_rules! select_states {
    ($rest:literal) => {
        concat!(
            "SELECT target, package, requested, current, state, attempts, inherits, changed, failed_stage,
                 message, version FROM state ",
            $rest
        )
    };
}

/// Reads everything; consistent if the caller has begun a transaction.
pub(super) fn load_cluster(connection: &Connection) -> Result<Cluster> {
    let mut builder = ClusterBuilder::default();
    load_frame(connection, &mut builder)?;
    let mut states = connection.prepare_cached(select_states!("ORDER BY target, package"))?;
    collect_states(states.query([])?, &mut builder)?;
    let mut assignments = connection
        .prepare_cached("SELECT client, package, handed_over FROM assignment ORDER BY client, package")?;
    collect_assignments(assignments.query([])?, &mut builder)?;
    load_rare_rows(connection, &mut builder)?;
    Ok(builder.finish()?)
}

/// Reads everything, of targets that are alike one; consistent if the caller has begun a transaction.
pub(super) fn load_overview(connection: &Connection) -> Result<Cluster> {
    let mut builder = ClusterBuilder::default();
    let digests = load_frame(connection, &mut builder)?;
    let mut states = connection.prepare_cached(select_states!("WHERE target = ?1 ORDER BY package"))?;
    let mut assignments = connection.prepare_cached(
        "SELECT client, package, handed_over FROM assignment WHERE client = ?1 ORDER BY package",
    )?;
    let mut first_alike: HashMap<TargetDigest, TargetId> = HashMap::new();
    for (target, digest) in digests {
        match first_alike.entry(digest) {
            Entry::Vacant(entry) => {
                entry.insert(target);
                collect_states(states.query([target.0])?, &mut builder)?;
                collect_assignments(assignments.query([target.0])?, &mut builder)?;
            }
            Entry::Occupied(first) => builder.add_alike(*first.get(), target),
        }
    }
    load_rare_rows(connection, &mut builder)?;
    Ok(builder.finish()?)
}

/// Reads the phase, the targets and the packages. Returns the digests of the targets that have packages.
fn load_frame(
    connection: &Connection,
    builder: &mut ClusterBuilder,
) -> Result<Vec<(TargetId, TargetDigest)>> {
    let phase = connection.prepare_cached("SELECT phase FROM phase")?.query_row([], |row| row.get(0))?;
    builder.set_phase(phase)?;
    let digests = load_targets(connection, builder)?;
    load_packages(connection, builder)?;
    Ok(digests)
}

/// Reads what few targets have.
fn load_rare_rows(connection: &Connection, builder: &mut ClusterBuilder) -> Result<()> {
    for_each_row(
        connection,
        "SELECT target, package, postponed FROM state WHERE postponed IS NOT NULL",
        |row| {
            builder.add_postponed(row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(())
        },
    )?;
    for_each_row(connection, "SELECT image, package FROM image_seen", |row| {
        Ok(builder.add_image_seen(row.get(0)?, row.get(1)?)?)
    })?;
    let sql = "SELECT target, kind, reason, since, until, who FROM absence WHERE until IS NULL OR until > unixepoch()";
    for_each_row(connection, sql, |row| {
        let absence = Absence {
            kind: AbsenceKind::Offline,
            reason: row.get(2)?,
            since: row.get(3)?,
            until: row.get(4)?,
            who: row.get(5)?,
        };
        Ok(builder.add_absence(row.get(0)?, row.get(1)?, absence)?)
    })?;
    for_each_row(connection, "SELECT target, package, stage FROM rerun", |row| {
        Ok(builder.add_rerun(row.get(0)?, row.get(1)?, row.get(2)?)?)
    })?;
    rollouts::load(connection, builder)
}

/// Reads the targets and nothing else.
pub(super) fn load_targets_only(connection: &Connection) -> Result<Cluster> {
    let mut builder = ClusterBuilder::default();
    load_targets(connection, &mut builder)?;
    Ok(builder.finish()?)
}

/// Likewise, but for clients whose roots have no id.
pub(super) fn load_identified_targets(connection: &Connection) -> Result<Cluster> {
    let mut builder = ClusterBuilder::default();
    add_targets(connection, &mut builder, select_targets!("WHERE kind <> 3 OR root_id IS NOT NULL"))?;
    Ok(builder.finish()?)
}

/// The state of one package on one target.
pub(super) fn load_state(connection: &Connection, key: StateKey) -> Result<Option<PackageState>> {
    let mut statement = connection.prepare_cached(select_states!("WHERE target = ?1 AND package = ?2"))?;
    let mut rows = statement.query((key.target.0, key.package.0))?;
    rows.next()?.map(|row| Ok(state_row(row)?.decode()?)).transpose()
}

/// The configuration of a package in a context, in the order of its form.
pub(super) fn load_values(
    connection: &Connection,
    package: PackageId,
    image: Option<TargetId>,
) -> Result<Vec<ConfigValue>> {
    let mut statement = connection.prepare_cached(
        "SELECT name, value, origin FROM config_value
         WHERE package = ?1 AND ifnull(image, 0) = ifnull(?2, 0) ORDER BY position",
    )?;
    let mut rows = statement.query((package.0, image.map(|id| id.0)))?;
    let mut values = Vec::new();
    while let Some(row) = rows.next()? {
        values.push(config_value(package, row.get(0)?, row.get(1)?, row.get(2)?)?);
    }
    Ok(values)
}

/// The configuration of all packages in all contexts.
pub(super) fn load_all_values(connection: &Connection) -> Result<ConfigValues> {
    let mut all = ConfigValues::new();
    let sql =
        "SELECT package, image, name, value, origin FROM config_value ORDER BY package, image, position";
    for_each_row(connection, sql, |row| {
        let (package, image) = (PackageId(row.get(0)?), row.get::<_, Option<i64>>(1)?.map(TargetId));
        let value = config_value(package, row.get(2)?, row.get(3)?, row.get(4)?)?;
        all.entry((package, image)).or_default().push(value);
        Ok(())
    })?;
    Ok(all)
}

fn config_value(package: PackageId, name: String, value: String, origin: i64) -> Result<ConfigValue> {
    let what = || format!("the origin of a value of package {}", package.0);
    Ok(ConfigValue { name, value, origin: decode_id(origin, ValueOrigin::from_id, what)? })
}

pub(super) fn has_pending_work(connection: &Connection) -> Result<bool> {
    Ok(connection.prepare_cached(PENDING_WORK_SQL)?.query_row([], |row| row.get(0))?)
}

/// Reads the targets. Returns the digests of those that have packages.
fn load_targets(
    connection: &Connection,
    builder: &mut ClusterBuilder,
) -> Result<Vec<(TargetId, TargetDigest)>> {
    add_targets(connection, builder, select_targets!(""))
}

fn add_targets(
    connection: &Connection,
    builder: &mut ClusterBuilder,
    sql: &'static str,
) -> Result<Vec<(TargetId, TargetDigest)>> {
    let mut digests = Vec::new();
    for_each_row(connection, sql, |row| {
        let target = TargetRow {
            id: row.get(0)?,
            kind: row.get(1)?,
            name: row.get_ref(2)?.as_str().map_err(corrupt)?,
            root: row.get(3)?,
            image: row.get(4)?,
            gone: row.get(5)?,
            root_id: row.get(6)?,
        };
        let digest: Option<TargetDigest> = row.get(7)?;
        digests.extend(digest.filter(|_| !target.gone).map(|digest| (TargetId(target.id), digest)));
        Ok(builder.add_target(target)?)
    })?;
    builder.finish_targets()?;
    Ok(digests)
}

fn load_packages(connection: &Connection, builder: &mut ClusterBuilder) -> Result<()> {
    let sql = "SELECT id, name, class, version, awaits, held, pinned, gone FROM package ORDER BY id";
    for_each_row(connection, sql, |row| {
        Ok(builder.add_package(PackageRow {
            id: row.get(0)?,
            name: row.get_ref(1)?.as_str().map_err(corrupt)?,
            class: row.get(2)?,
            version: row.get(3)?,
            waiting_for: row.get(4)?,
            held: row.get(5)?,
            pinned: row.get(6)?,
            gone: row.get(7)?,
        })?)
    })?;
    builder.finish_packages()?;
    for_each_row(connection, "SELECT package, needs FROM package_need ORDER BY package, position", |row| {
        Ok(builder.add_dependency(row.get(0)?, row.get(1)?)?)
    })?;
    let sql = "SELECT package, name FROM package_requirement ORDER BY package, position";
    for_each_row(connection, sql, |row| Ok(builder.add_requirement(row.get(0)?, row.get(1)?)?))
}

/// Takes over states, sorted by target and package.
fn collect_states(mut rows: Rows<'_>, builder: &mut ClusterBuilder) -> Result<()> {
    while let Some(row) = rows.next()? {
        builder.add_state(state_row(row)?)?;
    }
    Ok(builder.finish_states()?)
}

fn state_row(row: &Row<'_>) -> Result<StateRow> {
    Ok(StateRow {
        target: row.get(0)?,
        package: row.get(1)?,
        requested: row.get(2)?,
        current: row.get(3)?,
        work_state: row.get(4)?,
        attempts: row.get(5)?,
        inherited_stage: row.get(6)?,
        changed_at: row.get(7)?,
        failed_stage: row.get(8)?,
        message: row.get(9)?,
        version: row.get(10)?,
    })
}

/// Takes over assignments, sorted by client and package.
fn collect_assignments(mut rows: Rows<'_>, builder: &mut ClusterBuilder) -> Result<()> {
    while let Some(row) = rows.next()? {
        builder.add_assignment(row.get(0)?, row.get(1)?, row.get(2)?)?;
    }
    Ok(builder.finish_assignments()?)
}

fn corrupt(error: FromSqlError) -> SqliteError {
    SqliteError::Corrupt(error.to_string())
}

fn for_each_row(
    connection: &Connection,
    sql: &'static str,
    mut read_row: impl FnMut(&Row<'_>) -> Result<()>,
) -> Result<()> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        read_row(row)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A cluster has many states; full scans are only for the few rows of partial indexes.
    #[test]
    fn pending_work_scans_only_small_indexes() {
        let connection = Connection::open_in_memory().unwrap();
        for schema in [include_str!("schema-1.sql"), include_str!("schema-6.sql")] {
            connection.execute_batch(schema).unwrap();
        }
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {PENDING_WORK_SQL}")).unwrap();
        let steps: Vec<String> = plan
            .query_map([], |row| row.get("detail"))
            .unwrap()
            .collect::<std::result::Result<_, _>>()
            .unwrap();
        let scans: Vec<&String> = steps.iter().filter(|step| step.starts_with("SCAN ")).collect();
        let few =
            ["state_pending", "SCAN rerun", "run_open", "assignment_waiting", "rollout_open", "CONSTANT ROW"];
        assert!(scans.iter().all(|scan| few.iter().any(|name| scan.contains(name))), "{steps:#?}");
        assert!(steps.iter().any(|step| step.contains("state_pending")), "{steps:#?}");
    }
}
