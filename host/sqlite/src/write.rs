//! Changes as statements. Nothing else writes the tables that an engine decides about.

use std::collections::HashMap;

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use crate::batch::Batch;
use crate::error::{Result, SqliteError};
use crate::journal;
use crate::read;
use crate::rollouts;
use crate::statement::execute;
use opkg_oda::cluster_builder::decode_id;
use opkg_oda::{
    Change, ConfigValue, Package, PackageId, PackageState, Stage, StateKey, Target, TargetId, TargetKind,
};

/// A request: creates the state where there is none, and changes nothing else of it.
const WRITE_REQUEST: [&str; 3] = [
    "INSERT INTO state (target, package, requested, changed, current, state, attempts) VALUES ",
    "(?, ?, ?, ?, 1, 0, 0)",
    " ON CONFLICT DO UPDATE SET requested = excluded.requested",
];
const WRITE_ASSIGNMENT: [&str; 3] = [
    "INSERT INTO assignment (client, package, handed_over) VALUES ",
    "(?, ?, ?)",
    " ON CONFLICT DO UPDATE SET handed_over = excluded.handed_over",
];

const UPDATE_STATE: &str =
    "UPDATE state SET current = ?3, state = ?4, attempts = ?5, inherits = ?6, changed = ?7,
         failed_stage = ?8, message = ?9, postponed = CASE ?4 WHEN 0 THEN postponed END
     WHERE target = ?1 AND package = ?2";

/// Writes changes, inside the caller's transaction. What is said of a target or package that is not there changes
/// nothing, as in [`opkg_oda::Cluster::apply`].
///
/// Requests and assignments come by the hundred thousand, hence in batches: they are in the tables after [`Writer::flush`],
/// or after the next change of another kind.
pub(super) struct Writer<'c> {
    connection: &'c Connection,
    requests: Batch<'c, 4>,
    assignments: Batch<'c, 3>,
    /// [`UPDATE_STATE`], once it was needed.
    update_state: Option<CachedStatement<'c>>,
    /// The kinds of targets that were looked up, and whether packages were there: asked once, not for each of their rows.
    kinds: HashMap<TargetId, Option<TargetKind>>,
    packages: HashMap<PackageId, bool>,
}

impl<'c> Writer<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self {
            connection,
            requests: Batch::new(connection, WRITE_REQUEST),
            assignments: Batch::new(connection, WRITE_ASSIGNMENT),
            update_state: None,
            kinds: HashMap::new(),
            packages: HashMap::new(),
        }
    }

    /// Writes what waits in batches.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.requests.flush()?;
        self.assignments.flush()
    }

    pub(super) fn apply_change(&mut self, change: &Change) -> Result<()> {
        let connection = self.connection;
        if !matches!(change, Change::Request { .. } | Change::Assign { .. }) {
            self.flush()?;
        }
        match change {
            Change::Request { key, stage, requested_at } => {
                match self.target_kind(key.target)?.is_some() && self.has_package(key.package)? {
                    true => self.requests.push([
                        Some(key.target.0),
                        Some(key.package.0),
                        Some(i64::from(stage.id())),
                        Some(*requested_at),
                    ]),
                    false => Ok(()),
                }
            }
            Change::Assign { package, client, handed_over_at } => {
                match self.target_kind(*client)? == Some(TargetKind::Client) && self.has_package(*package)? {
                    true => self.assignments.push([Some(client.0), Some(package.0), *handed_over_at]),
                    false => Ok(()),
                }
            }
            Change::UpdateState(key, state) => self.update_state(*key, state),
            Change::PutTarget(target) => {
                self.kinds.remove(&target.id);
                upsert_target(connection, target)
            }
            Change::RemoveTarget(id) => {
                self.kinds.remove(id);
                delete_target(connection, *id)
            }
            Change::PutPackage(package) => {
                self.packages.remove(&package.id);
                upsert_package(connection, package)
            }
            Change::Unassign { package, client } => execute(
                connection,
                "DELETE FROM assignment WHERE client = ?1 AND package = ?2",
                params![client.0, package.0],
            ),
            Change::SetImageSeen { package, image, seen: true } => execute(
                connection,
                "INSERT INTO image_seen (image, package)
             SELECT ?1, ?2
             WHERE EXISTS (SELECT 1 FROM target WHERE id = ?1 AND gone = 0 AND kind = 2)
                 AND EXISTS (SELECT 1 FROM package WHERE id = ?2 AND gone = 0)
             ON CONFLICT DO NOTHING",
                params![image.0, package.0],
            ),
            Change::SetImageSeen { package, image, seen: false } => execute(
                connection,
                "DELETE FROM image_seen WHERE image = ?1 AND package = ?2",
                params![image.0, package.0],
            ),
            Change::SetRerun { key, stage, queued: true } => execute(
                connection,
                "INSERT INTO rerun (target, package, stage)
             SELECT ?1, ?2, ?3
             WHERE EXISTS (SELECT 1 FROM target WHERE id = ?1 AND gone = 0)
                 AND EXISTS (SELECT 1 FROM package WHERE id = ?2 AND gone = 0)
             ON CONFLICT DO NOTHING",
                params![key.target.0, key.package.0, stage.id()],
            ),
            Change::SetRerun { key, stage, queued: false } => execute(
                connection,
                "DELETE FROM rerun WHERE target = ?1 AND package = ?2 AND stage = ?3",
                params![key.target.0, key.package.0, stage.id()],
            ),
            Change::SetValues { package, image, expected: Some(expected), .. }
                if read::load_values(connection, *package, *image)? != *expected =>
            {
                Ok(())
            }
            Change::SetValues { package, image, values, .. } => {
                replace_values(connection, *package, *image, values)
            }
            Change::RemovePackage(id) => {
                self.packages.remove(id);
                delete_package(connection, *id)
            }
            Change::SetRequirements { package, names } => replace_requirements(connection, *package, names),
            Change::SetHeld { package, held } => execute(
                connection,
                "UPDATE package SET held = ?2 WHERE id = ?1 AND gone = 0",
                params![package.0, held],
            ),
            Change::PinVersion { package, version } => execute(
                connection,
                "UPDATE package SET pinned = ?2 WHERE id = ?1 AND gone = 0",
                params![package.0, version],
            ),
            Change::SetInstalledVersion { key, version } => execute(
                connection,
                "UPDATE state SET version = ?3 WHERE target = ?1 AND package = ?2",
                params![key.target.0, key.package.0, version],
            ),
            Change::SetPostponed { key, reason } => execute(
                connection,
                "UPDATE state SET postponed = ?3 WHERE target = ?1 AND package = ?2",
                params![key.target.0, key.package.0, reason],
            ),
            Change::SetRootId { target, id } => execute(
                connection,
                "UPDATE target SET root_id = ?2 WHERE id = ?1 AND gone = 0",
                params![target.0, id],
            ),
            Change::SetAbsence { target, absence: None } => {
                execute(connection, "DELETE FROM absence WHERE target = ?1", params![target.0])
            }
            Change::SetAbsence { target, absence: Some(absence) } => execute(
                connection,
                "INSERT INTO absence (target, kind, reason, since, until, who)
                 SELECT ?1, ?2, ?3, ?4, ?5, ?6 FROM target WHERE id = ?1 AND gone = 0
                 ON CONFLICT (target) DO UPDATE SET kind = excluded.kind, reason = excluded.reason,
                     since = excluded.since, until = excluded.until, who = excluded.who",
                params![
                    target.0,
                    absence.kind as u8,
                    absence.reason,
                    absence.since,
                    absence.until,
                    absence.who
                ],
            ),
            Change::PutRollout { id, order } => rollouts::put(connection, *id, order),
            Change::SetRolloutState { rollout, state } => rollouts::set_state(connection, *rollout, state),
            Change::SetWave { rollout, target, state } => {
                rollouts::set_wave(connection, *rollout, *target, *state)
            }
            Change::SetPhase(phase) => {
                execute(connection, "UPDATE phase SET phase = ?1", params![*phase as u8])
            }
            Change::EndRun { run, ended_at, status } => execute(
                connection,
                "UPDATE run SET ended = ?2, verdict = ?3 WHERE id = ?1",
                params![run.0, ended_at, *status as u8],
            ),
            Change::StartEvent(event) => journal::insert_event(connection, event),
            Change::EndEvent { event, result } => journal::finish_event(connection, *event, result),
            Change::RecordCommand(command) => journal::insert_command(connection, command),
        }
    }

    fn update_state(&mut self, key: StateKey, state: &PackageState) -> Result<()> {
        let statement = match &mut self.update_state {
            Some(statement) => statement,
            none => none.insert(self.connection.prepare_cached(UPDATE_STATE)?),
        };
        let failure = state.failure.as_deref();
        statement.execute(params![
            key.target.0,
            key.package.0,
            state.current.id(),
            state.work_state as u8,
            state.attempts,
            state.inherited_stage.map(Stage::id),
            state.changed_at,
            failure.map(|failure| failure.stage.id()),
            failure.map(|failure| failure.message.as_str()),
        ])?;
        Ok(())
    }

    /// The kind of a target; absent where it is not there, or gone.
    fn target_kind(&mut self, id: TargetId) -> Result<Option<TargetKind>> {
        if let Some(known) = self.kinds.get(&id) {
            return Ok(*known);
        }
        let found: Option<i64> = self
            .connection
            .prepare_cached("SELECT kind FROM target WHERE id = ?1 AND gone = 0")?
            .query_row(params![id.0], |row| row.get(0))
            .optional()?;
        let what = || format!("the kind of target {}", id.0);
        let kind = found.map(|kind| decode_id(kind, TargetKind::from_id, what)).transpose()?;
        self.kinds.insert(id, kind);
        Ok(kind)
    }

    fn has_package(&mut self, id: PackageId) -> Result<bool> {
        if let Some(known) = self.packages.get(&id) {
            return Ok(*known);
        }
        let is_there = self
            .connection
            .prepare_cached("SELECT 1 FROM package WHERE id = ?1 AND gone = 0")?
            .exists(params![id.0])?;
        self.packages.insert(id, is_there);
        Ok(is_there)
    }
}

fn upsert_target(connection: &Connection, target: &Target) -> Result<()> {
    let root = target.root.as_deref().map(|root| {
        root.to_str()
            .ok_or_else(|| SqliteError::Unsupported(format!("the path {} is not UTF-8", root.display())))
    });
    let root = root.transpose()?;
    let (name, image) = (target.address.name.as_str(), target.image.map(|image| image.0));
    let values = params![target.id.0, target.kind() as u8, name, root, image];
    // The kind is not among what changes: everything that refers to the target depends on it.
    let known = connection
        .prepare_cached(
            "UPDATE target SET name = ?3, root = ?4,
                 image = (SELECT id FROM target AS it WHERE it.id = ?5 AND it.gone = 0 AND it.kind = 2)
             WHERE id = ?1 AND kind = ?2 AND gone = 0",
        )?
        .execute(values)?;
    if known == 0 {
        execute(
            connection,
            "INSERT INTO target (id, kind, name, root, image)
             SELECT ?1, ?2, ?3, ?4, (SELECT id FROM target WHERE id = ?5 AND gone = 0 AND kind = 2)",
            values,
        )?;
    }
    Ok(())
}

fn delete_target(connection: &Connection, id: TargetId) -> Result<()> {
    for sql in [
        "DELETE FROM state WHERE target = ?1",
        "DELETE FROM rerun WHERE target = ?1",
        "DELETE FROM assignment WHERE client = ?1",
        "DELETE FROM image_seen WHERE image = ?1",
        "DELETE FROM absence WHERE target = ?1",
        "DELETE FROM rollout_target WHERE target = ?1",
        "DELETE FROM config_value WHERE image = ?1",
        "UPDATE target SET image = NULL WHERE image = ?1",
        "UPDATE target SET gone = 1, image = NULL, root_id = NULL, digest = NULL WHERE id = ?1",
    ] {
        execute(connection, sql, params![id.0])?;
    }
    Ok(())
}

fn upsert_package(connection: &Connection, package: &Package) -> Result<()> {
    execute(
        connection,
        "INSERT INTO package (id, name, class, version, awaits) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, class = excluded.class,
             version = excluded.version, awaits = excluded.awaits
         WHERE gone = 0",
        params![
            package.id.0,
            package.name.as_str(),
            package.class as u8,
            package.version,
            package.waiting_for
        ],
    )?;
    execute(connection, "DELETE FROM package_need WHERE package = ?1", params![package.id.0])?;
    for (position, needed) in (0_i64..).zip(&package.dependencies) {
        execute(
            connection,
            "INSERT INTO package_need (package, position, needs)
             SELECT ?1, ?2, ?3
             WHERE NOT EXISTS (SELECT 1 FROM package WHERE id IN (?1, ?3) AND gone = 1)",
            params![package.id.0, position, needed.0],
        )?;
    }
    Ok(())
}

fn delete_package(connection: &Connection, id: PackageId) -> Result<()> {
    for sql in [
        "DELETE FROM state WHERE package = ?1",
        "DELETE FROM rerun WHERE package = ?1",
        "DELETE FROM assignment WHERE package = ?1",
        "DELETE FROM image_seen WHERE package = ?1",
        "DELETE FROM rollout_package WHERE package = ?1",
        "DELETE FROM config_value WHERE package = ?1",
        "DELETE FROM package_need WHERE package = ?1 OR needs = ?1",
        "DELETE FROM package_requirement WHERE package = ?1",
        "UPDATE package SET gone = 1, held = 0, pinned = NULL, awaits = NULL WHERE id = ?1",
    ] {
        execute(connection, sql, params![id.0])?;
    }
    Ok(())
}

fn replace_requirements(connection: &Connection, package: PackageId, names: &[String]) -> Result<()> {
    execute(connection, "DELETE FROM package_requirement WHERE package = ?1", params![package.0])?;
    for (position, name) in (0_i64..).zip(names) {
        execute(
            connection,
            "INSERT INTO package_requirement (package, position, name)
             SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM package WHERE id = ?1 AND gone = 0)",
            params![package.0, position, name],
        )?;
    }
    Ok(())
}

fn replace_values(
    connection: &Connection,
    package: PackageId,
    image: Option<TargetId>,
    values: &[ConfigValue],
) -> Result<()> {
    let image = image.map(|id| id.0);
    execute(
        connection,
        "DELETE FROM config_value WHERE package = ?1 AND ifnull(image, 0) = ifnull(?2, 0)",
        params![package.0, image],
    )?;
    for (position, value) in (0_i64..).zip(values) {
        execute(
            connection,
            "INSERT INTO config_value (package, image, position, name, value, origin)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6
             WHERE (?2 IS NULL OR EXISTS (SELECT 1 FROM target WHERE id = ?2 AND gone = 0 AND kind = 2))
                 AND EXISTS (SELECT 1 FROM package WHERE id = ?1 AND gone = 0)",
            params![package.0, image, position, value.name, value.value, value.origin as u8],
        )?;
    }
    Ok(())
}
