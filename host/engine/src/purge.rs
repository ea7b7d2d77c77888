//! What nobody needs any longer.

use std::collections::BTreeSet;

use opkg_oda::{Cluster, PackageId, PackageState, PurgeOrder, Stage};

/// The configuration of packages that have left every target, and runs that ended before a time, in milliseconds since
/// 1970. Answers for a package that was never asked for are kept: they wait for it.
#[must_use]
pub fn purge_order(cluster: &Cluster, runs_ended_before: i64) -> PurgeOrder {
    let is_used = |row: &PackageState| row.requested > Stage::ShouldNotBeInstalled || row.is_present();
    let mut gone: BTreeSet<PackageId> = cluster.all_states().map(|(key, _)| key.package).collect();
    for (key, _) in cluster.all_states().filter(|(_, row)| is_used(row)) {
        gone.remove(&key.package);
    }
    PurgeOrder { values_of: gone.into_iter().collect(), runs_ended_before }
}
