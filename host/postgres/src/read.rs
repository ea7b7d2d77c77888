//! Reads the cluster.

use std::collections::HashMap;

use opkg_oda::cluster_builder::{ClusterBuilder, PackageRow, StateRow, TargetRow, decode_id};
use opkg_oda::{
    Absence, AbsenceKind, Cluster, ConfigValue, ConfigValues, Glance, LastSeen, PackageId, PackageState,
    StateKey, Target, TargetAddress, TargetId, ValueOrigin,
};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use crate::error::{PostgresError, Result};
use crate::rollouts;
use crate::statement::{Value, pipeline, query};

/// Everything that is read between these is of one instant.
pub(crate) const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
pub(crate) const COMMIT: &str = "COMMIT";

const PHASE: &str = "SELECT phase::bigint FROM opm.phase";
const TARGETS: &str =
    "SELECT id, kind::bigint, name, root, image, gone, root_id, digest FROM opm.target ORDER BY id";
const PACKAGES: &str =
    "SELECT id, name, class::bigint, version, awaits, held, pinned, gone FROM opm.package ORDER BY id";
const DEPENDENCIES: &str = "SELECT package, needs FROM opm.package_need ORDER BY package, position";
const REQUIREMENTS: &str = "SELECT package, name FROM opm.package_requirement ORDER BY package, position";
const POSTPONED: &str = "SELECT target, package, postponed FROM opm.state WHERE postponed IS NOT NULL";
const IMAGES_SEEN: &str = "SELECT image, package FROM opm.image_seen";
const ABSENCES: &str = "SELECT target, kind::bigint, reason, since, until, who FROM opm.absence
    WHERE until IS NULL OR until > extract(epoch FROM clock_timestamp())";
const RERUNS: &str = "SELECT target, package, stage::bigint FROM opm.rerun";

macro_rules! select_states {
    ($rest:literal) => {
        concat!(
            "SELECT target, package, requested::bigint, current::bigint, state::bigint, attempts, inherits::bigint,
                changed, failed_stage::bigint, message, version FROM opm.state ",
            $rest
        )
    };
}

const STATES: &str = select_states!("ORDER BY target, package");
const ASSIGNMENTS: &str = "SELECT client, package, handed_over FROM opm.assignment ORDER BY client, package";

/// The first of the targets that are alike.
macro_rules! representatives {
    () => {
        "(SELECT min(id) FROM opm.target WHERE digest IS NOT NULL AND NOT gone GROUP BY digest)"
    };
}
const OVERVIEW_STATES: &str = concat!(
    "SELECT target, package, requested::bigint, current::bigint, state::bigint, attempts, inherits::bigint,
        changed, failed_stage::bigint, message, version FROM opm.state WHERE target IN ",
    representatives!(),
    " ORDER BY target, package"
);
const OVERVIEW_ASSIGNMENTS: &str = concat!(
    "SELECT client, package, handed_over FROM opm.assignment WHERE client IN ",
    representatives!(),
    " ORDER BY client, package"
);

pub(crate) async fn has_pending_work(client: &Client) -> Result<bool> {
    Ok(query(client, "SELECT opm.has_pending_work()", &[]).await?.first().is_some_and(|row| row.get(0)))
}

/// Reads everything, in the caller's transaction.
pub(crate) async fn load_cluster(client: &Client) -> Result<Cluster> {
    load_with(client, &[], [STATES, ASSIGNMENTS], &[]).await
}

/// Reads everything, in a transaction of its own.
pub(crate) async fn load(client: &Client) -> Result<Cluster> {
    load_with(client, &[BEGIN], [STATES, ASSIGNMENTS], &[COMMIT]).await
}

/// Which target has this name, and whether it may have work left.
pub(crate) async fn glance(client: &Client, address: &TargetAddress, boot: &str) -> Result<Option<Glance>> {
    let (kind, name) = (i64::from(address.kind as u8), address.name.as_str());
    let values: [Value<'_>; 3] = [(&kind, Type::INT8), (&name, Type::TEXT), (&boot, Type::TEXT)];
    let sql = "SELECT id, kind, name, root, image, gone, root_id, has_work
        FROM opm.glance($1::bigint::smallint, $2, $3)";
    let rows = query(client, sql, &values).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let mut builder = ClusterBuilder::default();
    builder.add_target(TargetRow { image: None, ..target_row(row) })?;
    let image: Option<i64> = row.get(4);
    let cluster = builder.finish()?;
    Ok(cluster.targets.into_values().next().map(|target| Glance {
        target: Target { image: image.map(TargetId), ..target },
        root_id: row.get(6),
        has_pending_work: row.get(7),
    }))
}

/// When targets looked for work last.
pub(crate) async fn last_seen(client: &Client) -> Result<LastSeen> {
    let sql = "SELECT extract(epoch FROM clock_timestamp())::bigint, target, extract(epoch FROM seen)::bigint
        FROM opm.schema LEFT JOIN opm.target_seen ON true";
    let mut last = LastSeen::default();
    for row in query(client, sql, &[]).await? {
        last.now = row.get(0);
        let (target, seen): (Option<i64>, Option<i64>) = (row.get(1), row.get(2));
        last.targets.extend(target.map(TargetId).zip(seen));
    }
    Ok(last)
}

/// The target whose root has an id.
pub(crate) async fn find_root(client: &Client, root_id: &str) -> Result<Option<TargetId>> {
    let sql = "SELECT opm.find_root($1)";
    let rows = query(client, sql, &[(&root_id, Type::TEXT)]).await?;
    Ok(rows.first().and_then(|row| row.get::<_, Option<i64>>(0)).map(TargetId))
}

/// Reads everything, of targets that are alike one.
pub(crate) async fn load_overview(client: &Client) -> Result<Cluster> {
    load_with(client, &[BEGIN], [OVERVIEW_STATES, OVERVIEW_ASSIGNMENTS], &[COMMIT]).await
}

/// Reads in one round trip: the phase, targets and packages, `states` and assignments, and what few targets have.
async fn load_with(client: &Client, before: &[&str], rows_of: [&str; 2], after: &[&str]) -> Result<Cluster> {
    let [states, assignments] = rows_of;
    let reading = [
        PHASE,
        TARGETS,
        PACKAGES,
        DEPENDENCIES,
        REQUIREMENTS,
        states,
        assignments,
        POSTPONED,
        IMAGES_SEEN,
        ABSENCES,
        RERUNS,
        rollouts::LAST,
        rollouts::ROLLOUTS,
        rollouts::PACKAGES,
        rollouts::TARGETS,
    ];
    let statements: Vec<_> =
        before.iter().chain(&reading).chain(after).map(|sql| (*sql, &[] as &[_])).collect();
    let mut answers = pipeline(client, &statements).await?.into_iter().skip(before.len());
    let mut next = || answers.next().unwrap_or_default();
    let mut builder = ClusterBuilder::default();
    for row in next() {
        builder.set_phase(row.get(0))?;
    }
    let digests = add_targets(&mut builder, &next())?;
    add_packages(&mut builder, &mut next)?;
    add_states(&mut builder, &mut next)?;
    if states == OVERVIEW_STATES {
        let mut first_alike = HashMap::new();
        for (target, digest) in digests {
            let first = *first_alike.entry(digest).or_insert(target);
            if first != target {
                builder.add_alike(first, target);
            }
        }
    }
    add_rare_rows(&mut builder, &mut next)?;
    Ok(builder.finish()?)
}

/// Reads the targets and nothing else.
pub(crate) async fn load_targets(client: &Client) -> Result<Cluster> {
    let mut builder = ClusterBuilder::default();
    add_targets(&mut builder, &query(client, TARGETS, &[]).await?)?;
    Ok(builder.finish()?)
}

/// Likewise, but for clients whose roots have no id.
pub(crate) async fn load_identified_targets(client: &Client) -> Result<Cluster> {
    let sql = "SELECT id, kind::bigint, name, root, image, gone, root_id, digest FROM opm.target
        WHERE kind <> 3 OR root_id IS NOT NULL ORDER BY id";
    let mut builder = ClusterBuilder::default();
    add_targets(&mut builder, &query(client, sql, &[]).await?)?;
    Ok(builder.finish()?)
}

/// Takes over packages, their dependencies and requirements, which come in this order.
fn add_packages(builder: &mut ClusterBuilder, next: &mut impl FnMut() -> Vec<Row>) -> Result<()> {
    for row in next() {
        builder.add_package(package_row(&row))?;
    }
    builder.finish_packages()?;
    for row in next() {
        builder.add_dependency(row.get(0), row.get(1))?;
    }
    for row in next() {
        builder.add_requirement(row.get(0), row.get(1))?;
    }
    Ok(())
}

/// Likewise states and assignments.
fn add_states(builder: &mut ClusterBuilder, next: &mut impl FnMut() -> Vec<Row>) -> Result<()> {
    for row in next() {
        builder.add_state(state_row(&row))?;
    }
    builder.finish_states()?;
    for row in next() {
        builder.add_assignment(row.get(0), row.get(1), row.get(2))?;
    }
    Ok(builder.finish_assignments()?)
}

/// Likewise what few targets have: what is in the way, images seen, absences, stages that are queued, rollouts.
fn add_rare_rows(builder: &mut ClusterBuilder, next: &mut impl FnMut() -> Vec<Row>) -> Result<()> {
    for row in next() {
        builder.add_postponed(row.get(0), row.get(1), row.get(2));
    }
    for row in next() {
        builder.add_image_seen(row.get(0), row.get(1))?;
    }
    for row in next() {
        let absence = Absence {
            kind: AbsenceKind::Offline,
            reason: row.get(2),
            since: row.get(3),
            until: row.get(4),
            who: row.get(5),
        };
        builder.add_absence(row.get(0), row.get(1), absence)?;
    }
    for row in next() {
        builder.add_rerun(row.get(0), row.get(1), row.get(2))?;
    }
    rollouts::add(builder, next)
}

/// Takes over targets. Returns the digests of those that have packages.
fn add_targets(builder: &mut ClusterBuilder, rows: &[Row]) -> Result<Vec<(TargetId, Vec<u8>)>> {
    let mut digests = Vec::new();
    for row in rows {
        let target = target_row(row);
        let digest: Option<Vec<u8>> = row.get(7);
        digests.extend(digest.filter(|_| !target.gone).map(|digest| (TargetId(target.id), digest)));
        builder.add_target(target)?;
    }
    builder.finish_targets()?;
    Ok(digests)
}

fn target_row(row: &Row) -> TargetRow<'_> {
    TargetRow {
        id: row.get(0),
        kind: row.get(1),
        name: row.get(2),
        root: row.get(3),
        image: row.get(4),
        gone: row.get(5),
        root_id: row.get(6),
    }
}

fn package_row(row: &Row) -> PackageRow<'_> {
    PackageRow {
        id: row.get(0),
        name: row.get(1),
        class: row.get(2),
        version: row.get(3),
        waiting_for: row.get(4),
        held: row.get(5),
        pinned: row.get(6),
        gone: row.get(7),
    }
}

fn state_row(row: &Row) -> StateRow {
    StateRow {
        target: row.get(0),
        package: row.get(1),
        requested: row.get(2),
        current: row.get(3),
        work_state: row.get(4),
        attempts: row.get(5),
        inherited_stage: row.get(6),
        changed_at: row.get(7),
        failed_stage: row.get(8),
        message: row.get(9),
        version: row.get(10),
    }
}

/// The state of one package on one target.
pub(crate) async fn load_state(client: &Client, key: StateKey) -> Result<Option<PackageState>> {
    let sql = select_states!("WHERE target = $1 AND package = $2");
    let rows = query(client, sql, &[(&key.target.0, Type::INT8), (&key.package.0, Type::INT8)]).await?;
    rows.first().map(|row| Ok(state_row(row).decode()?)).transpose()
}

/// The configuration of a package in a context, in the order of its form.
pub(crate) async fn load_values(
    client: &Client,
    package: PackageId,
    image: Option<TargetId>,
) -> Result<Vec<ConfigValue>> {
    let sql = "SELECT name, value, origin::bigint FROM opm.config_value
        WHERE package = $1 AND coalesce(image, 0) = coalesce($2, 0) ORDER BY position";
    let image = image.map(|image| image.0);
    let rows = query(client, sql, &[(&package.0, Type::INT8), (&image, Type::INT8)]).await?;
    rows.iter().map(|row| config_value(package, row, 0)).collect()
}

/// The configuration of all packages in all contexts.
pub(crate) async fn load_all_values(client: &Client) -> Result<ConfigValues> {
    let sql = "SELECT package, image, name, value, origin::bigint FROM opm.config_value
        ORDER BY package, image, position";
    let mut all = ConfigValues::new();
    for row in query(client, sql, &[]).await? {
        let (package, image) = (PackageId(row.get(0)), row.get::<_, Option<i64>>(1).map(TargetId));
        all.entry((package, image)).or_default().push(config_value(package, &row, 2)?);
    }
    Ok(all)
}

/// A value whose columns begin at the given one.
fn config_value(package: PackageId, row: &Row, first: usize) -> Result<ConfigValue> {
    let what = || format!("the origin of a value of package {}", package.0);
    let origin = decode_id(row.get(first + 2), ValueOrigin::from_id, what).map_err(PostgresError::from)?;
    Ok(ConfigValue { name: row.get(first), value: row.get(first + 1), origin })
}
