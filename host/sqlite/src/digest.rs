//! Which targets are alike: a digest of the packages of a target, kept with the target. Whoever only looks at a cluster
//! then reads what is on one of those that are alike, instead of on all of them.
//!
//! Times are left out, in which all targets differ. What is rare on targets (stages that are queued, what is in the way)
//! is left out as well: it is read as it is.

use std::collections::BTreeSet;

use opkg_oda::{Change, TargetId};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

use crate::error::Result;

/// What targets have to have in common. Each table begins with the number of its columns, so that none of its rows can
/// be taken for one of the other.
const TABLES: [&str; 2] = [
    "SELECT package, requested, current, state, attempts, inherits, failed_stage, message, version
     FROM state WHERE target = ?1 ORDER BY package",
    "SELECT package, handed_over IS NOT NULL FROM assignment WHERE client = ?1 ORDER BY package",
];

/// Adds the targets whose packages a change may alter, as they are before it is written.
pub(super) fn collect_touched(
    connection: &Connection,
    change: &Change,
    touched: &mut BTreeSet<TargetId>,
) -> Result<()> {
    match change {
        Change::Request { key, .. }
        | Change::UpdateState(key, _)
        | Change::SetInstalledVersion { key, .. } => {
            touched.insert(key.target);
        }
        Change::Assign { client, .. } | Change::Unassign { client, .. } => {
            touched.insert(*client);
        }
        Change::RemovePackage(package) => {
            let mut holders = connection.prepare_cached(
                "SELECT target FROM state WHERE package = ?1
                 UNION SELECT client FROM assignment WHERE package = ?1",
            )?;
            let mut rows = holders.query(params![package.0])?;
            while let Some(row) = rows.next()? {
                touched.insert(TargetId(row.get(0)?));
            }
        }
        Change::PutTarget(_)
        // Takes the digest with it.
        | Change::RemoveTarget(_)
        | Change::PutPackage(_)
        | Change::SetRequirements { .. }
        | Change::SetHeld { .. }
        | Change::PinVersion { .. }
        | Change::SetPostponed { .. }
        | Change::SetRootId { .. }
        | Change::SetAbsence { .. }
        | Change::PutRollout { .. }
        | Change::SetRolloutState { .. }
        | Change::SetWave { .. }
        | Change::SetImageSeen { .. }
        | Change::SetRerun { .. }
        | Change::SetValues { .. }
        | Change::SetPhase(_)
        | Change::EndRun { .. }
        | Change::StartEvent(_)
        | Change::EndEvent { .. }
        | Change::RecordCommand(_) => {}
    }
    Ok(())
}

/// Computes the digests of targets anew.
pub(super) fn renew(connection: &Connection, targets: impl IntoIterator<Item = TargetId>) -> Result<()> {
    let mut update =
        connection.prepare_cached("UPDATE target SET digest = ?2 WHERE id = ?1 AND digest IS NOT ?2")?;
    for target in targets {
        update.execute(params![target.0, compute(connection, target)?])?;
    }
    Ok(())
}

/// Computes the digests of all targets, in a database of a schema that had none.
pub(super) fn renew_all(connection: &Connection) -> Result<()> {
    let mut statement = connection.prepare("SELECT id FROM target WHERE gone = 0")?;
    let targets = statement.query_map([], |row| row.get(0).map(TargetId))?;
    renew(connection, targets.collect::<rusqlite::Result<Vec<_>>>()?)
}

/// The digest of what is on a target; absent where nothing is.
fn compute(connection: &Connection, target: TargetId) -> Result<Option<[u8; 32]>> {
    let mut packed = Vec::new();
    let mut is_empty = true;
    for sql in TABLES {
        let mut statement = connection.prepare_cached(sql)?;
        let columns = statement.column_count();
        packed.extend(columns.to_le_bytes());
        let mut rows = statement.query(params![target.0])?;
        while let Some(row) = rows.next()? {
            is_empty = false;
            for column in 0..columns {
                pack(row.get_ref(column)?, &mut packed);
            }
        }
    }
    Ok((!is_empty).then(|| Sha256::digest(&packed).into()))
}

/// A value with its type and, where that varies, its length: no two rows are packed alike.
fn pack(value: ValueRef<'_>, packed: &mut Vec<u8>) {
    let (kind, bytes) = match value {
        ValueRef::Null => return packed.push(0),
        ValueRef::Integer(number) => {
            packed.push(1);
            return packed.extend(number.to_le_bytes());
        }
        ValueRef::Real(number) => {
            packed.push(2);
            return packed.extend(number.to_le_bytes());
        }
        ValueRef::Text(bytes) => (3, bytes),
        ValueRef::Blob(bytes) => (4, bytes),
    };
    packed.push(kind);
    packed.extend(bytes.len().to_le_bytes());
    packed.extend(bytes);
}
