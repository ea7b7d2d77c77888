//! Reads the cluster. The file may have been written by anybody: every value is checked.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

use rusqlite::{Connection, Row, Rows};

use crate::error::{Result, SqliteError, decode_id, ensure_valid};
use opkg_oda::{
    Assignments, Cluster, ConfigValue, Package, PackageClass, PackageId, PackageState, PackageStates, Phase,
    Stage, StageFailure, StateEntry, StateKey, Target, TargetAddress, TargetId, TargetKind, ValueOrigin,
    WorkState,
};

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
                    AND serving.current >= 5))";

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
    let mut cluster = Cluster { phase: load_phase(connection)?, ..Cluster::default() };
    load_targets(connection, &mut cluster)?;
    load_packages(connection, &mut cluster)?;
    let mut states = connection.prepare_cached(select_states!("ORDER BY target, package"))?;
    collect_states(states.query([])?, &mut cluster)?;
    let mut assignments = connection
        .prepare_cached("SELECT client, package, handed_over FROM assignment ORDER BY client, package")?;
    collect_assignments(assignments.query([])?, &mut cluster)?;
    load_rare_rows(connection, &mut cluster)?;
    Ok(cluster)
}

/// Reads everything, of targets that are alike one; consistent if the caller has begun a transaction.
pub(super) fn load_overview(connection: &Connection) -> Result<Cluster> {
    let mut cluster = Cluster { phase: load_phase(connection)?, ..Cluster::default() };
    let digests = load_targets(connection, &mut cluster)?;
    load_packages(connection, &mut cluster)?;
    let mut states = connection.prepare_cached(select_states!("WHERE target = ?1 ORDER BY package"))?;
    let mut assignments = connection.prepare_cached(
        "SELECT client, package, handed_over FROM assignment WHERE client = ?1 ORDER BY package",
    )?;
    let mut first_alike: HashMap<TargetDigest, TargetId> = HashMap::new();
    for (target, digest) in digests {
        match first_alike.entry(digest) {
            Entry::Vacant(entry) => {
                entry.insert(target);
                collect_states(states.query([target.0])?, &mut cluster)?;
                collect_assignments(assignments.query([target.0])?, &mut cluster)?;
            }
            Entry::Occupied(first) => {
                let states = cluster.states.get(first.get()).cloned();
                cluster.states.extend(states.map(|states| (target, states)));
                let assigned = cluster.assignments.get(first.get()).cloned();
                cluster.assignments.extend(assigned.map(|assigned| (target, assigned)));
            }
        }
    }
    load_rare_rows(connection, &mut cluster)?;
    Ok(cluster)
}

/// Reads what few targets have.
fn load_rare_rows(connection: &Connection, cluster: &mut Cluster) -> Result<()> {
    for_each_row(
        connection,
        "SELECT target, package, postponed FROM state WHERE postponed IS NOT NULL",
        |row| {
            let key = StateKey { target: TargetId(row.get(0)?), package: PackageId(row.get(1)?) };
            cluster.postponed.insert(key, row.get(2)?);
            Ok(())
        },
    )?;
    let kind_of = |id: i64| cluster.targets.get(&TargetId(id)).map(Target::kind);
    for_each_row(connection, "SELECT image, package FROM image_seen", |row| {
        let (image, package) = (row.get(0)?, row.get(1)?);
        let is_valid =
            kind_of(image) == Some(TargetKind::Image) && cluster.packages.contains_key(&PackageId(package));
        ensure_valid(is_valid, || format!("image_seen ({image}, {package}) refers to a missing row"))?;
        cluster.images_seen.insert((PackageId(package), TargetId(image)));
        Ok(())
    })?;
    for_each_row(connection, "SELECT target, package, stage FROM rerun", |row| {
        let (target, package) = (row.get(0)?, row.get(1)?);
        let is_valid = kind_of(target).is_some() && cluster.packages.contains_key(&PackageId(package));
        ensure_valid(is_valid, || format!("rerun ({target}, {package}) refers to a missing row"))?;
        let stage =
            decode_id(row.get(2)?, Stage::from_id, || format!("the stage of rerun ({target}, {package})"))?;
        let key = StateKey { target: TargetId(target), package: PackageId(package) };
        cluster.reruns.entry(key).or_default().insert(stage);
        Ok(())
    })
}

/// Reads the targets and nothing else.
pub(super) fn load_targets_only(connection: &Connection) -> Result<Cluster> {
    let mut cluster = Cluster::default();
    load_targets(connection, &mut cluster)?;
    Ok(cluster)
}

/// The state of one package on one target.
pub(super) fn load_state(connection: &Connection, key: StateKey) -> Result<Option<PackageState>> {
    let mut statement = connection.prepare_cached(select_states!("WHERE target = ?1 AND package = ?2"))?;
    let mut rows = statement.query((key.target.0, key.package.0))?;
    rows.next()?.map(|row| state_from_row(row, key.target.0, key.package.0)).transpose()
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
        let origin = decode_id(row.get(2)?, ValueOrigin::from_id, || {
            format!("the origin of a value of package {}", package.0)
        })?;
        values.push(ConfigValue { name: row.get(0)?, value: row.get(1)?, origin });
    }
    Ok(values)
}

pub(super) fn has_pending_work(connection: &Connection) -> Result<bool> {
    Ok(connection.prepare_cached(PENDING_WORK_SQL)?.query_row([], |row| row.get(0))?)
}

fn load_phase(connection: &Connection) -> Result<Phase> {
    let id: i64 = connection.prepare_cached("SELECT phase FROM phase")?.query_row([], |row| row.get(0))?;
    decode_id(id, Phase::from_id, || "the phase".into())
}

/// Reads the targets. Returns the digests of those that have packages.
fn load_targets(connection: &Connection, cluster: &mut Cluster) -> Result<Vec<(TargetId, TargetDigest)>> {
    let mut digests = Vec::new();
    for_each_row(
        connection,
        "SELECT id, kind, name, root, image, gone, root_id, digest FROM target ORDER BY id",
        |row| {
            let id: i64 = row.get(0)?;
            ensure_valid(id > 0 && id <= i64::from(i32::MAX), || {
                format!("the id {id} of a target is out of range")
            })?;
            cluster.last_target_id = id;
            let is_removed: i64 = row.get(5)?;
            if is_removed != 0 {
                return Ok(());
            }
            let kind = decode_id(row.get(1)?, TargetKind::from_id, || format!("the kind of target {id}"))?;
            let name = parse_column(row, 2, || format!("the name of target {id}"))?;
            let root: Option<String> = row.get(3)?;
            let image: Option<i64> = row.get(4)?;
            let target = Target {
                id: TargetId(id),
                address: TargetAddress { kind, name },
                root: root.map(Into::into),
                image: image.map(TargetId),
            };
            let root_id: Option<String> = row.get(6)?;
            cluster.root_ids.extend(root_id.map(|root_id| (target.id, root_id)));
            let digest: Option<TargetDigest> = row.get(7)?;
            digests.extend(digest.map(|digest| (target.id, digest)));
            cluster.targets.insert(target.id, target);
            Ok(())
        },
    )?;
    let mut addresses = BTreeMap::new();
    for target in cluster.targets.values() {
        let id = target.id.0;
        if let Some(other) = addresses.insert(&target.address, id) {
            let reason = format!("the targets {other} and {id} are both {}", target.address);
            return Err(SqliteError::Corrupt(reason));
        }
        if let Some(image) = target.image {
            let is_valid = target.kind() == TargetKind::Client
                && cluster.targets.get(&image).is_some_and(|image| image.kind() == TargetKind::Image);
            ensure_valid(is_valid, || {
                format!("the image of target {id} does not exist, or the target is not a client")
            })?;
        }
    }
    Ok(digests)
}

fn load_packages(connection: &Connection, cluster: &mut Cluster) -> Result<()> {
    let sql = "SELECT id, name, class, version, awaits, held, pinned, gone FROM package ORDER BY id";
    for_each_row(connection, sql, |row| {
        let id: i64 = row.get(0)?;
        ensure_valid(id > 0 && id <= i64::from(i32::MAX), || {
            format!("the id {id} of a package is out of range")
        })?;
        cluster.last_package_id = id;
        let is_removed: i64 = row.get(7)?;
        if is_removed != 0 {
            return Ok(());
        }
        let package = Package {
            id: PackageId(id),
            name: parse_column(row, 1, || format!("the name of package {id}"))?,
            class: decode_id(row.get(2)?, PackageClass::from_id, || format!("the class of package {id}"))?,
            version: row.get(3)?,
            waiting_for: row.get(4)?,
            dependencies: Vec::new(),
        };
        let (is_held, pinned): (i64, Option<String>) = (row.get(5)?, row.get(6)?);
        if is_held != 0 {
            cluster.held.insert(package.id);
        }
        cluster.pinned_versions.extend(pinned.map(|version| (package.id, version)));
        cluster.packages.insert(package.id, package);
        Ok(())
    })?;
    let mut names = BTreeMap::new();
    for package in cluster.packages.values() {
        if let Some(other) = names.insert(&package.name, package.id.0) {
            let reason = format!("the packages {other} and {} are both {}", package.id.0, package.name);
            return Err(SqliteError::Corrupt(reason));
        }
    }
    for_each_row(connection, "SELECT package, needs FROM package_need ORDER BY package, position", |row| {
        let (package, needs) = (row.get(0)?, row.get(1)?);
        let is_known = cluster.packages.contains_key(&PackageId(needs));
        match cluster.packages.get_mut(&PackageId(package)) {
            Some(package) if is_known => package.dependencies.push(PackageId(needs)),
            _ => {
                return Err(SqliteError::Corrupt(format!(
                    "package_need ({package}, {needs}) refers to a missing row"
                )));
            }
        }
        Ok(())
    })?;
    let sql = "SELECT package, name FROM package_requirement ORDER BY package, position";
    for_each_row(connection, sql, |row| {
        let package: i64 = row.get(0)?;
        ensure_valid(cluster.packages.contains_key(&PackageId(package)), || {
            format!("package_requirement ({package}) refers to a missing row")
        })?;
        cluster.requirements.entry(PackageId(package)).or_default().push(row.get(1)?);
        Ok(())
    })
}

/// Takes over states, sorted by target and package.
fn collect_states(mut rows: Rows<'_>, cluster: &mut Cluster) -> Result<()> {
    let mut target = None;
    let mut entries: Vec<StateEntry> = Vec::new();
    let mut insert = |target: Option<i64>, entries: Vec<StateEntry>| {
        let Some(target) = target else { return Ok(()) };
        let is_valid = cluster.targets.contains_key(&TargetId(target))
            && entries.iter().all(|entry| cluster.packages.contains_key(&entry.package));
        ensure_valid(is_valid, || format!("the states of target {target} refer to a missing row"))?;
        let states = PackageStates::from_sorted(entries);
        let inserted = states.map(|states| cluster.states.insert(TargetId(target), states));
        ensure_valid(matches!(inserted, Some(None)), || {
            format!("the states of target {target} are out of order")
        })
    };
    while let Some(row) = rows.next()? {
        let next: i64 = row.get(0)?;
        if target != Some(next) {
            let capacity = entries.len();
            insert(target, std::mem::replace(&mut entries, Vec::with_capacity(capacity)))?;
            target = Some(next);
        }
        let package: i64 = row.get(1)?;
        let state = state_from_row(row, next, package)?;
        entries.push(StateEntry { package: PackageId(package), state, version: row.get(10)? });
    }
    insert(target, entries)
}

fn state_from_row(row: &Row<'_>, target: i64, package: i64) -> Result<PackageState> {
    let stage = |column| -> Result<Stage> {
        decode_id(row.get(column)?, Stage::from_id, || format!("a stage of state ({target}, {package})"))
    };
    let work_state = decode_id(row.get(4)?, WorkState::from_id, || format!("state ({target}, {package})"))?;
    let failure = match work_state {
        WorkState::Failed => Some(Box::new(StageFailure { stage: stage(8)?, message: row.get(9)? })),
        WorkState::Idle | WorkState::Running => None,
    };
    let inherited: Option<i64> = row.get(6)?;
    Ok(PackageState {
        requested: stage(2)?,
        current: stage(3)?,
        work_state,
        failure,
        attempts: row.get(5)?,
        inherited_stage: inherited.map(|_| stage(6)).transpose()?,
        changed_at: row.get(7)?,
    })
}

/// Takes over assignments, sorted by client and package.
fn collect_assignments(mut rows: Rows<'_>, cluster: &mut Cluster) -> Result<()> {
    let mut client = None;
    let mut assigned: Vec<(PackageId, Option<i64>)> = Vec::new();
    let mut insert = |client: Option<i64>, assigned: Vec<(PackageId, Option<i64>)>| {
        let Some(client) = client else { return Ok(()) };
        let assigned = Assignments::from_sorted(assigned);
        let inserted = assigned.map(|assigned| cluster.assignments.insert(TargetId(client), assigned));
        ensure_valid(matches!(inserted, Some(None)), || {
            format!("the assignments of target {client} are out of order")
        })
    };
    while let Some(row) = rows.next()? {
        let (next, package): (i64, i64) = (row.get(0)?, row.get(1)?);
        if client != Some(next) {
            let capacity = assigned.len();
            insert(client, std::mem::replace(&mut assigned, Vec::with_capacity(capacity)))?;
            client = Some(next);
        }
        let kind = cluster.targets.get(&TargetId(next)).map(Target::kind);
        let is_valid = kind == Some(TargetKind::Client) && cluster.packages.contains_key(&PackageId(package));
        ensure_valid(is_valid, || format!("assignment ({next}, {package}) refers to a missing row"))?;
        assigned.push((PackageId(package), row.get(2)?));
    }
    insert(client, assigned)
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

fn parse_column<T: FromStr<Err = opkg_oda::ParseError>>(
    row: &Row<'_>,
    column: usize,
    what: impl FnOnce() -> String,
) -> Result<T> {
    let text = row.get_ref(column)?.as_str().map_err(|error| SqliteError::Corrupt(error.to_string()))?;
    text.parse().map_err(|error| SqliteError::Corrupt(format!("{}: {error}", what())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A cluster has many states; full scans are only for the few rows of partial indexes.
    #[test]
    fn pending_work_scans_only_small_indexes() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("schema-1.sql")).unwrap();
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {PENDING_WORK_SQL}")).unwrap();
        let steps: Vec<String> = plan
            .query_map([], |row| row.get("detail"))
            .unwrap()
            .collect::<std::result::Result<_, _>>()
            .unwrap();
        let scans: Vec<&String> = steps.iter().filter(|step| step.starts_with("SCAN ")).collect();
        let few = ["state_pending", "SCAN rerun", "run_open", "assignment_waiting", "CONSTANT ROW"];
        assert!(scans.iter().all(|scan| few.iter().any(|name| scan.contains(name))), "{steps:#?}");
        assert!(steps.iter().any(|step| step.contains("state_pending")), "{steps:#?}");
    }
}
