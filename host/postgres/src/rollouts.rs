//! Requests that go out in waves, as they are read.

use opkg_oda::cluster_builder::{ClusterBuilder, RolloutRow};
use tokio_postgres::Row;

use crate::error::Result;

/// The largest id there ever was, what has not ended, and what that is about: in this order [`add`] takes it.
pub(crate) const LAST: &str = "SELECT coalesce(max(id), 0) FROM opm.rollout";
pub(crate) const ROLLOUTS: &str = "SELECT id, at_once, max_fail, is_percent, since, who, state::bigint, note
    FROM opm.rollout WHERE state < 2";
pub(crate) const PACKAGES: &str = "SELECT rollout, package FROM opm.rollout_package";
pub(crate) const TARGETS: &str = "SELECT rollout, target, state::bigint FROM opm.rollout_target";

/// Takes over the answers to these four.
pub(crate) fn add(builder: &mut ClusterBuilder, next: &mut impl FnMut() -> Vec<Row>) -> Result<()> {
    for row in next() {
        builder.set_last_rollout_id(row.get(0));
    }
    for row in next() {
        builder.add_rollout(RolloutRow {
            id: row.get(0),
            at_once: row.get(1),
            max_fail: row.get(2),
            is_percent: row.get(3),
            since: row.get(4),
            who: row.get(5),
            state: row.get(6),
            note: row.get(7),
        })?;
    }
    for row in next() {
        builder.add_rollout_package(row.get(0), row.get(1))?;
    }
    for row in next() {
        builder.add_rollout_target(row.get(0), row.get(1), row.get(2))?;
    }
    Ok(())
}
