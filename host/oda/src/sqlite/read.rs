//! The cluster as the database holds it. Whoever wrote the file, nothing is believed.

use std::collections::BTreeMap;
use std::str::FromStr;

use rusqlite::{Connection, Row as Record};

use super::fault::{Fault, Result};
use crate::{
    Address, Class, Cluster, Failure, Key, Kind, Origin, Package, PackageId, Phase, Row, Rows, Stage, State,
    Target, TargetId, Value,
};

/// Whether any work may be left. Every part finds its answer in an index that holds little else.
const PENDING: &str = "SELECT
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

/// Reads everything; the caller's transaction makes it one instant.
pub(super) fn cluster(from: &Connection) -> Result<Cluster> {
    let mut cluster = Cluster { phase: phase(from)?, ..Cluster::default() };
    targets(from, &mut cluster)?;
    packages(from, &mut cluster)?;
    rows(from, &mut cluster)?;
    assignments(from, &mut cluster)?;
    let target_of = |id| cluster.targets.get(&TargetId(id)).map(Target::kind);
    each(from, "SELECT image, package FROM image_seen", |row| {
        let (image, package) = (row.get(0)?, row.get(1)?);
        let fits =
            target_of(image) == Some(Kind::Image) && cluster.packages.contains_key(&PackageId(package));
        expect(fits, || format!("image_seen ({image}, {package}) refers to nothing"))?;
        cluster.images_seen.insert((PackageId(package), TargetId(image)));
        Ok(())
    })?;
    each(from, "SELECT target, package, stage FROM rerun", |row| {
        let (target, package) = (row.get(0)?, row.get(1)?);
        let fits = target_of(target).is_some() && cluster.packages.contains_key(&PackageId(package));
        expect(fits, || format!("rerun ({target}, {package}) refers to nothing"))?;
        let stage =
            known(row.get(2)?, Stage::from_id, || format!("the stage of rerun ({target}, {package})"))?;
        let key = Key { target: TargetId(target), package: PackageId(package) };
        cluster.reruns.entry(key).or_default().insert(stage);
        Ok(())
    })?;
    Ok(cluster)
}

/// The configuration of a package in a context, in the order of its form.
pub(super) fn values(from: &Connection, package: PackageId, image: Option<TargetId>) -> Result<Vec<Value>> {
    let mut statement = from.prepare_cached(
        "SELECT name, value, origin FROM config_value
         WHERE package = ?1 AND ifnull(image, 0) = ifnull(?2, 0) ORDER BY position",
    )?;
    let mut rows = statement.query((package.0, image.map(|it| it.0)))?;
    let mut values = Vec::new();
    while let Some(row) = rows.next()? {
        let origin = known(row.get(2)?, Origin::from_id, || {
            format!("the origin of a value of package {}", package.0)
        })?;
        values.push(Value { name: row.get(0)?, value: row.get(1)?, origin });
    }
    Ok(values)
}

/// Whether any work may be left.
pub(super) fn pending(from: &Connection) -> Result<bool> {
    Ok(from.prepare_cached(PENDING)?.query_row([], |row| row.get(0))?)
}

fn phase(from: &Connection) -> Result<Phase> {
    let id: i64 = from.prepare_cached("SELECT phase FROM phase")?.query_row([], |row| row.get(0))?;
    known(id, Phase::from_id, || "the phase".into())
}

fn targets(from: &Connection, cluster: &mut Cluster) -> Result<()> {
    each(from, "SELECT id, kind, name, root, image, gone FROM target ORDER BY id", |row| {
        let id: i64 = row.get(0)?;
        expect(id > 0 && id <= i64::from(i32::MAX), || format!("the target {id} has no possible key"))?;
        cluster.last_target = id;
        let gone: i64 = row.get(5)?;
        if gone != 0 {
            return Ok(());
        }
        let kind = known(row.get(1)?, Kind::from_id, || format!("the kind of target {id}"))?;
        let name = written(row, 2, || format!("the name of target {id}"))?;
        let root: Option<String> = row.get(3)?;
        let image: Option<i64> = row.get(4)?;
        let target = Target {
            id: TargetId(id),
            address: Address { kind, name },
            root: root.map(Into::into),
            image: image.map(TargetId),
        };
        cluster.targets.insert(target.id, target);
        Ok(())
    })?;
    let mut addresses = BTreeMap::new();
    for target in cluster.targets.values() {
        let id = target.id.0;
        if let Some(other) = addresses.insert(&target.address, id) {
            let flaw = format!("the targets {other} and {id} are both {}", target.address);
            return Err(Fault::Flaw(flaw));
        }
        if let Some(image) = target.image {
            let fits = target.kind() == Kind::Client
                && cluster.targets.get(&image).is_some_and(|it| it.kind() == Kind::Image);
            expect(fits, || format!("the target {id} is no client of an image that is there"))?;
        }
    }
    Ok(())
}

fn packages(from: &Connection, cluster: &mut Cluster) -> Result<()> {
    each(from, "SELECT id, name, class, version, awaits FROM package ORDER BY id", |row| {
        let id: i64 = row.get(0)?;
        expect(id > 0 && id <= i64::from(i32::MAX), || format!("the package {id} has no possible key"))?;
        cluster.last_package = id;
        let package = Package {
            id: PackageId(id),
            name: written(row, 1, || format!("the name of package {id}"))?,
            class: known(row.get(2)?, Class::from_id, || format!("the class of package {id}"))?,
            version: row.get(3)?,
            awaits: row.get(4)?,
            needs: Vec::new(),
        };
        cluster.packages.insert(package.id, package);
        Ok(())
    })?;
    let mut names = BTreeMap::new();
    for package in cluster.packages.values() {
        if let Some(other) = names.insert(&package.name, package.id.0) {
            let flaw = format!("the packages {other} and {} are both {}", package.id.0, package.name);
            return Err(Fault::Flaw(flaw));
        }
    }
    each(from, "SELECT package, needs FROM package_need ORDER BY package, position", |row| {
        let (package, needs) = (row.get(0)?, row.get(1)?);
        let known = cluster.packages.contains_key(&PackageId(needs));
        match cluster.packages.get_mut(&PackageId(package)) {
            Some(it) if known => it.needs.push(PackageId(needs)),
            _ => return Err(Fault::Flaw(format!("package_need ({package}, {needs}) refers to nothing"))),
        }
        Ok(())
    })
}

fn rows(from: &Connection, cluster: &mut Cluster) -> Result<()> {
    let mut statement = from.prepare_cached(
        "SELECT target, package, requested, current, state, attempts, inherits, changed, failed_stage, message
         FROM state ORDER BY target, package",
    )?;
    let mut records = statement.query([])?;
    let mut target = None;
    let mut rows: Vec<(PackageId, Row)> = Vec::new();
    let mut close = |target: Option<i64>, rows: Vec<(PackageId, Row)>| {
        let Some(target) = target else { return Ok(()) };
        let fits = cluster.targets.contains_key(&TargetId(target))
            && rows.iter().all(|(package, _)| cluster.packages.contains_key(package));
        expect(fits, || format!("the states of target {target} refer to nothing"))?;
        let rows = Rows::from_sorted(rows)
            .ok_or_else(|| Fault::Flaw(format!("the states of target {target} are out of order")))?;
        match cluster.rows.insert(TargetId(target), rows) {
            None => Ok(()),
            Some(_) => Err(Fault::Flaw(format!("the states of target {target} are out of order"))),
        }
    };
    while let Some(record) = records.next()? {
        let at: i64 = record.get(0)?;
        if target != Some(at) {
            let capacity = rows.len();
            close(target, std::mem::replace(&mut rows, Vec::with_capacity(capacity)))?;
            target = Some(at);
        }
        let package: i64 = record.get(1)?;
        rows.push((PackageId(package), state(record, at, package)?));
    }
    close(target, rows)
}

fn state(record: &Record<'_>, target: i64, package: i64) -> Result<Row> {
    let stage = |column| -> Result<Stage> {
        known(record.get(column)?, Stage::from_id, || format!("a stage of state ({target}, {package})"))
    };
    let state = known(record.get(4)?, State::from_id, || format!("state ({target}, {package})"))?;
    let failure = match state {
        State::Error => Some(Box::new(Failure { stage: stage(8)?, message: record.get(9)? })),
        State::Idle | State::Running => None,
    };
    let inherits: Option<i64> = record.get(6)?;
    Ok(Row {
        requested: stage(2)?,
        current: stage(3)?,
        state,
        failure,
        attempts: record.get(5)?,
        inherits: inherits.map(|_| stage(6)).transpose()?,
        changed: record.get(7)?,
    })
}

fn assignments(from: &Connection, cluster: &mut Cluster) -> Result<()> {
    each(from, "SELECT package, client, handed_over FROM assignment", |row| {
        let (package, client) = (row.get(0)?, row.get(1)?);
        let fits = cluster.packages.contains_key(&PackageId(package))
            && cluster.targets.get(&TargetId(client)).is_some_and(|it| it.kind() == Kind::Client);
        expect(fits, || format!("assignment ({client}, {package}) refers to nothing"))?;
        let clients = cluster.assignments.entry(PackageId(package)).or_default();
        clients.insert(TargetId(client), row.get(2)?);
        Ok(())
    })
}

fn each(from: &Connection, sql: &'static str, mut take: impl FnMut(&Record<'_>) -> Result<()>) -> Result<()> {
    let mut statement = from.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        take(row)?;
    }
    Ok(())
}

fn expect(fits: bool, flaw: impl FnOnce() -> String) -> Result<()> {
    if fits { Ok(()) } else { Err(Fault::Flaw(flaw())) }
}

/// What a number stands for; `what` is only said where it stands for nothing.
pub(super) fn known<T>(
    id: i64,
    of: impl FnOnce(i64) -> Option<T>,
    what: impl FnOnce() -> String,
) -> Result<T> {
    of(id).ok_or_else(|| Fault::Flaw(format!("{} is {id}, which means nothing", what())))
}

fn written<T: FromStr<Err = crate::Invalid>>(
    row: &Record<'_>,
    column: usize,
    what: impl FnOnce() -> String,
) -> Result<T> {
    let text = row.get_ref(column)?.as_str().map_err(|error| Fault::Flaw(error.to_string()))?;
    text.parse().map_err(|error| Fault::Flaw(format!("{}: {error}", what())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The states of a cluster are many; what is looked through from end to end must be few.
    #[test]
    fn pending_looks_at_no_table_from_end_to_end() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("schema-1.sql")).unwrap();
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {PENDING}")).unwrap();
        let steps: Vec<String> = plan
            .query_map([], |row| row.get("detail"))
            .unwrap()
            .collect::<std::result::Result<_, _>>()
            .unwrap();
        let scans: Vec<&String> = steps.iter().filter(|it| it.starts_with("SCAN ")).collect();
        let few = ["state_pending", "SCAN rerun", "run_open", "assignment_waiting", "CONSTANT ROW"];
        assert!(scans.iter().all(|scan| few.iter().any(|it| scan.contains(it))), "{steps:#?}");
        assert!(steps.iter().any(|it| it.contains("state_pending")), "{steps:#?}");
    }
}
