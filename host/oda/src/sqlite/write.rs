//! Changes as statements. Nothing else writes what an engine decides about.

use rusqlite::{Connection, Params, params};

use super::fault::{Fault, Result};
use super::read;
use crate::{Change, Ending, Event, Key, Package, PackageId, Row, Stage, Target, TargetId, Value};

/// Writes one change, inside the caller's transaction. What is said of a target or package that is not there
/// changes nothing, as in [`crate::Cluster::apply`].
pub(super) fn change(to: &Connection, change: &Change) -> Result<()> {
    match change {
        Change::Request { key, stage, at } => request(to, *key, *stage, *at),
        Change::Progress(key, row) => progress(to, key.target, key.package, row),
        Change::Target(it) => target(to, it),
        Change::TargetGone(gone) => target_gone(to, *gone),
        Change::Package(it) => package(to, it),
        Change::Assign { package, client, handed_over } => run(
            to,
            "INSERT INTO assignment (client, package, handed_over)
             SELECT ?1, ?2, ?3
             WHERE EXISTS (SELECT 1 FROM target WHERE id = ?1 AND gone = 0 AND kind = 3)
                 AND EXISTS (SELECT 1 FROM package WHERE id = ?2)
             ON CONFLICT DO UPDATE SET handed_over = excluded.handed_over",
            params![client.0, package.0, handed_over],
        ),
        Change::Unassign { package, client } => {
            run(to, "DELETE FROM assignment WHERE client = ?1 AND package = ?2", params![client.0, package.0])
        }
        Change::ImageSeen { package, image, seen: true } => run(
            to,
            "INSERT INTO image_seen (image, package)
             SELECT ?1, ?2
             WHERE EXISTS (SELECT 1 FROM target WHERE id = ?1 AND gone = 0 AND kind = 2)
                 AND EXISTS (SELECT 1 FROM package WHERE id = ?2)
             ON CONFLICT DO NOTHING",
            params![image.0, package.0],
        ),
        Change::ImageSeen { package, image, seen: false } => {
            run(to, "DELETE FROM image_seen WHERE image = ?1 AND package = ?2", params![image.0, package.0])
        }
        Change::Rerun { key, stage, queued: true } => run(
            to,
            "INSERT INTO rerun (target, package, stage)
             SELECT ?1, ?2, ?3
             WHERE EXISTS (SELECT 1 FROM target WHERE id = ?1 AND gone = 0)
                 AND EXISTS (SELECT 1 FROM package WHERE id = ?2)
             ON CONFLICT DO NOTHING",
            params![key.target.0, key.package.0, stage.id()],
        ),
        Change::Rerun { key, stage, queued: false } => run(
            to,
            "DELETE FROM rerun WHERE target = ?1 AND package = ?2 AND stage = ?3",
            params![key.target.0, key.package.0, stage.id()],
        ),
        Change::Configure { package, image, instead_of: Some(known), .. }
            if read::values(to, *package, *image)? != *known =>
        {
            Ok(())
        }
        Change::Configure { package, image, values, .. } => configure(to, *package, *image, values),
        Change::Phase(phase) => run(to, "UPDATE phase SET phase = ?1", params![*phase as u8]),
        Change::RunEnded { run: id, ended, verdict } => run(
            to,
            "UPDATE run SET ended = ?2, verdict = ?3 WHERE id = ?1",
            params![id.0, ended, *verdict as u8],
        ),
        Change::Event(it) => event(to, it),
        Change::EventEnded { event, ending } => event_ended(to, event.run.0, event.number, ending),
    }
}

fn run(to: &Connection, sql: &'static str, values: impl Params) -> Result<()> {
    to.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// Plain statements, each on one row: one that selects what it inserts is ten times as slow.
fn request(to: &Connection, key: Key, stage: Stage, at: i64) -> Result<()> {
    let known = to
        .prepare_cached("UPDATE state SET requested = ?3 WHERE target = ?1 AND package = ?2")?
        .execute(params![key.target.0, key.package.0, stage.id()])?;
    let possible = "SELECT EXISTS (SELECT 1 FROM target WHERE id = ?1 AND gone = 0)
        AND EXISTS (SELECT 1 FROM package WHERE id = ?2)";
    let values = params![key.target.0, key.package.0];
    if known == 0 && to.prepare_cached(possible)?.query_row(values, |row| row.get(0))? {
        run(
            to,
            "INSERT INTO state (target, package, requested, current, state, attempts, changed)
             VALUES (?1, ?2, ?3, 1, 0, 0, ?4)",
            params![key.target.0, key.package.0, stage.id(), at],
        )?;
    }
    Ok(())
}

fn progress(to: &Connection, target: TargetId, package: PackageId, row: &Row) -> Result<()> {
    let failure = row.failure.as_deref();
    run(
        to,
        "UPDATE state SET current = ?3, state = ?4, attempts = ?5, inherits = ?6, changed = ?7,
             failed_stage = ?8, message = ?9
         WHERE target = ?1 AND package = ?2",
        params![
            target.0,
            package.0,
            row.current.id(),
            row.state as u8,
            row.attempts,
            row.inherits.map(Stage::id),
            row.changed,
            failure.map(|it| it.stage.id()),
            failure.map(|it| it.message.as_str()),
        ],
    )
}

fn target(to: &Connection, it: &Target) -> Result<()> {
    let root = it.root.as_deref().map(|root| {
        root.to_str().ok_or_else(|| Fault::Refused(format!("the path {} is not UTF-8", root.display())))
    });
    let root = root.transpose()?;
    let values = params![it.id.0, it.kind() as u8, it.address.name.as_str(), root, it.image.map(|it| it.0)];
    // The kind is not among what changes: everything that refers to the target depends on it.
    let known = to
        .prepare_cached(
            "UPDATE target SET name = ?3, root = ?4,
                 image = (SELECT id FROM target AS it WHERE it.id = ?5 AND it.gone = 0 AND it.kind = 2)
             WHERE id = ?1 AND kind = ?2 AND gone = 0",
        )?
        .execute(values)?;
    if known == 0 {
        run(
            to,
            "INSERT INTO target (id, kind, name, root, image)
             SELECT ?1, ?2, ?3, ?4, (SELECT id FROM target WHERE id = ?5 AND gone = 0 AND kind = 2)",
            values,
        )?;
    }
    Ok(())
}

fn target_gone(to: &Connection, gone: TargetId) -> Result<()> {
    for sql in [
        "DELETE FROM state WHERE target = ?1",
        "DELETE FROM rerun WHERE target = ?1",
        "DELETE FROM assignment WHERE client = ?1",
        "DELETE FROM image_seen WHERE image = ?1",
        "DELETE FROM config_value WHERE image = ?1",
        "UPDATE target SET image = NULL WHERE image = ?1",
        "UPDATE target SET gone = 1, image = NULL WHERE id = ?1",
    ] {
        run(to, sql, params![gone.0])?;
    }
    Ok(())
}

fn package(to: &Connection, it: &Package) -> Result<()> {
    run(
        to,
        "INSERT INTO package (id, name, class, version, awaits) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, class = excluded.class,
             version = excluded.version, awaits = excluded.awaits",
        params![it.id.0, it.name.as_str(), it.class as u8, it.version, it.awaits],
    )?;
    run(to, "DELETE FROM package_need WHERE package = ?1", params![it.id.0])?;
    for (position, needs) in (0_i64..).zip(&it.needs) {
        run(
            to,
            "INSERT INTO package_need (package, position, needs) VALUES (?1, ?2, ?3)",
            params![it.id.0, position, needs.0],
        )?;
    }
    Ok(())
}

fn configure(to: &Connection, package: PackageId, image: Option<TargetId>, values: &[Value]) -> Result<()> {
    let image = image.map(|it| it.0);
    run(
        to,
        "DELETE FROM config_value WHERE package = ?1 AND ifnull(image, 0) = ifnull(?2, 0)",
        params![package.0, image],
    )?;
    for (position, it) in (0_i64..).zip(values) {
        run(
            to,
            "INSERT INTO config_value (package, image, position, name, value, origin)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6
             WHERE (?2 IS NULL OR EXISTS (SELECT 1 FROM target WHERE id = ?2 AND gone = 0 AND kind = 2))
                 AND EXISTS (SELECT 1 FROM package WHERE id = ?1)",
            params![package.0, image, position, it.name, it.value, it.origin as u8],
        )?;
    }
    Ok(())
}

fn event(to: &Connection, it: &Event) -> Result<()> {
    run(
        to,
        "INSERT INTO event (run, number, started, target, stage, step, name)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![it.id.run.0, it.id.number, it.started, it.target.0, it.stage.id(), it.step as u8, it.name],
    )?;
    for (position, package) in (0_i64..).zip(&it.packages) {
        run(
            to,
            "INSERT INTO event_package (run, number, position, package) VALUES (?1, ?2, ?3, ?4)",
            params![it.id.run.0, it.id.number, position, package.0],
        )?;
    }
    match &it.ending {
        Some(ending) => event_ended(to, it.id.run.0, it.id.number, ending),
        None => Ok(()),
    }
}

fn event_ended(to: &Connection, of: i64, number: u32, it: &Ending) -> Result<()> {
    run(
        to,
        "UPDATE event SET ended = ?3, verdict = ?4, message = ?5, exit_code = ?6, signal = ?7,
             timed_out = ?8, log = ?9, tail = ?10
         WHERE run = ?1 AND number = ?2",
        params![
            of,
            number,
            it.ended,
            it.verdict as u8,
            it.message,
            it.exit_code,
            it.signal,
            it.timed_out,
            it.log,
            it.tail
        ],
    )
}
