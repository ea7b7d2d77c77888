//! What decides about some targets, with one statement: `opm.load_part` in `schema/reads.sql`. Its plans are kept by the
//! server, while those of statements are made each time.

use std::collections::HashMap;

use opkg_oda::cluster_builder::{ClusterBuilder, PackageRow, RolloutRow, StateRow, TargetRow};
use opkg_oda::{Absence, AbsenceKind, Cluster};
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::error::{PostgresError, Result};
use crate::statement::query;

/// A row of a table: its numbers, then its texts.
#[derive(Debug, Default)]
struct PartRow {
    numbers: Vec<Option<i64>>,
    texts: Vec<Option<String>>,
}

impl PartRow {
    fn number(&self, index: usize) -> Result<i64> {
        self.optional(index).ok_or_else(incomplete)
    }

    fn optional(&self, index: usize) -> Option<i64> {
        self.numbers.get(index).copied().flatten()
    }

    fn flag(&self, index: usize) -> Result<bool> {
        Ok(self.number(index)? != 0)
    }

    fn text(&self, index: usize) -> Result<String> {
        self.optional_text(index).ok_or_else(incomplete)
    }

    fn optional_text(&self, index: usize) -> Option<String> {
        self.texts.get(index).cloned().flatten()
    }
}

fn incomplete() -> PostgresError {
    PostgresError::Corrupt("a row without a value that each has".into())
}

/// Rows by their tables.
#[derive(Debug, Default)]
struct Part(HashMap<String, Vec<PartRow>>);

impl Part {
    fn rows(&mut self, table: &str) -> Vec<PartRow> {
        self.0.remove(table).unwrap_or_default()
    }
}

/// Which part was read, and what tells whether it is still the same.
#[derive(Debug)]
pub(crate) struct PartRevision {
    targets: Vec<i64>,
    /// How many requests there were, and the revisions of the targets.
    revision: Vec<i64>,
}

impl PartRevision {
    /// Whether the database holds the same now; and if so, how many requests there are.
    pub(crate) async fn is_current(&self, client: &Client) -> Result<Option<i64>> {
        let sql = "SELECT ARRAY[requests] || opm.target_revisions($1) FROM opm.revision";
        let rows = query(client, sql, &[(&self.targets, Type::INT8_ARRAY)]).await?;
        let now: Vec<i64> = rows.first().map(|row| row.get(0)).unwrap_or_default();
        Ok(now.first().copied().filter(|_| now == self.revision))
    }
}

/// Reads what decides about some targets; absent where one of them is the head node.
pub(crate) async fn load(client: &Client, targets: &[i64]) -> Result<Option<(Cluster, PartRevision)>> {
    let sql = "SELECT relation, numbers, texts FROM opm.load_part($1)";
    let mut part = Part::default();
    for row in query(client, sql, &[(&targets, Type::INT8_ARRAY)]).await? {
        let texts: Option<_> = row.get(2);
        let row_of_part = PartRow { numbers: row.get(1), texts: texts.unwrap_or_default() };
        part.0.entry(row.get(0)).or_default().push(row_of_part);
    }
    if part.0.is_empty() {
        return Ok(None);
    }
    let mut builder = ClusterBuilder::default();
    add_frame(&mut builder, &mut part)?;
    add_states(&mut builder, &mut part)?;
    add_rare_rows(&mut builder, &mut part)?;
    add_rollouts(&mut builder, &mut part)?;
    let revision = part.rows("revision").into_iter().next().unwrap_or_default();
    let revision = revision.numbers.into_iter().flatten().collect();
    Ok(Some((builder.finish()?, PartRevision { targets: targets.to_vec(), revision })))
}

/// The phase, the largest ids, targets and packages.
fn add_frame(builder: &mut ClusterBuilder, part: &mut Part) -> Result<()> {
    for row in part.rows("cluster") {
        builder.set_phase(row.number(0)?)?;
        builder.set_last_target_id(row.number(1)?);
        builder.set_last_rollout_id(row.number(2)?);
    }
    for row in part.rows("target") {
        builder.add_target(TargetRow {
            id: row.number(0)?,
            kind: row.number(1)?,
            name: &row.text(0)?,
            root: row.optional_text(1),
            image: row.optional(2),
            gone: row.flag(3)?,
            root_id: row.optional_text(2),
        })?;
    }
    builder.finish_targets()?;
    for row in part.rows("package") {
        builder.add_package(PackageRow {
            id: row.number(0)?,
            name: &row.text(0)?,
            class: row.number(1)?,
            version: row.optional_text(1),
            waiting_for: row.optional_text(2),
            held: row.flag(2)?,
            pinned: row.optional_text(3),
            gone: row.flag(3)?,
        })?;
    }
    builder.finish_packages()?;
    for row in part.rows("package_need") {
        builder.add_dependency(row.number(0)?, row.number(1)?)?;
    }
    for row in part.rows("package_requirement") {
        builder.add_requirement(row.number(0)?, row.text(0)?)?;
    }
    Ok(())
}

/// States, what is in the way of them, and assignments.
fn add_states(builder: &mut ClusterBuilder, part: &mut Part) -> Result<()> {
    let states = part.rows("state");
    for row in &states {
        builder.add_state(StateRow {
            target: row.number(0)?,
            package: row.number(1)?,
            requested: row.number(2)?,
            current: row.number(3)?,
            work_state: row.number(4)?,
            attempts: row.number(5)?,
            inherited_stage: row.optional(6),
            changed_at: row.number(7)?,
            failed_stage: row.optional(8),
            message: row.optional_text(0),
            version: row.optional_text(1).map(Into::into),
        })?;
    }
    builder.finish_states()?;
    for row in part.rows("assignment") {
        builder.add_assignment(row.number(0)?, row.number(1)?, row.optional(2))?;
    }
    builder.finish_assignments()?;
    for row in &states {
        if let Some(reason) = row.optional_text(2) {
            builder.add_postponed(row.number(0)?, row.number(1)?, reason);
        }
    }
    Ok(())
}

/// What few targets have: images seen, absences, stages that are queued.
fn add_rare_rows(builder: &mut ClusterBuilder, part: &mut Part) -> Result<()> {
    for row in part.rows("image_seen") {
        builder.add_image_seen(row.number(0)?, row.number(1)?)?;
    }
    for row in part.rows("absence") {
        let absence = Absence {
            kind: AbsenceKind::Offline,
            reason: row.text(0)?,
            since: row.number(2)?,
            until: row.optional(3),
            who: row.text(1)?,
        };
        builder.add_absence(row.number(0)?, row.number(1)?, absence)?;
    }
    for row in part.rows("rerun") {
        builder.add_rerun(row.number(0)?, row.number(1)?, row.number(2)?)?;
    }
    Ok(())
}

/// The rollouts that targets take part in.
fn add_rollouts(builder: &mut ClusterBuilder, part: &mut Part) -> Result<()> {
    for row in part.rows("rollout") {
        builder.add_rollout(RolloutRow {
            id: row.number(0)?,
            at_once: row.number(1)?,
            max_fail: row.number(2)?,
            is_percent: row.flag(3)?,
            since: row.number(4)?,
            who: row.text(0)?,
            state: row.number(5)?,
            note: row.optional_text(1),
        })?;
    }
    for row in part.rows("rollout_package") {
        builder.add_rollout_package(row.number(0)?, row.number(1)?)?;
    }
    for row in part.rows("rollout_target") {
        builder.add_rollout_target(row.number(0)?, row.number(1)?, row.number(2)?)?;
    }
    Ok(())
}
