//! Targets that nobody here can look at: what the database says of them is what it was told, not what is so.

use std::collections::BTreeMap;

use opkg_oda::{Cluster, Target, TargetId, TargetKind};

use crate::engine::maintained_targets;

/// Why a target that another machine maintains is not looked at.
const MAINTAINED_ELSEWHERE: &str = "not maintained from here: only the target itself knows what is installed";

/// Of the targets that cannot be looked at, those that do not tell how they are themselves, in a database that they write to.
#[must_use]
pub fn without_those_that_report(
    mut unseen: BTreeMap<TargetId, String>,
    cluster: &Cluster,
) -> BTreeMap<TargetId, String> {
    unseen.retain(|target, _| {
        let known = cluster.targets.get(target);
        known.is_none_or(|target| target.kind() != TargetKind::Client || target.root.is_some())
    });
    unseen
}

/// The targets with packages that cannot be looked at from the target that this machine is, and why, in one line. `look`
/// says what is wrong with the root of a target.
pub fn unseen_targets(
    cluster: &Cluster,
    own: Option<TargetId>,
    look: impl Fn(&Target) -> Result<(), String>,
) -> BTreeMap<TargetId, String> {
    let maintained = own.map(|own| maintained_targets(cluster, own)).unwrap_or_default();
    let concerned = cluster.targets.values().filter(|target| cluster.states.contains_key(&target.id));
    concerned
        .filter_map(|target| {
            let reason = match maintained.contains(&target.id) {
                true => look(target).err()?,
                false => MAINTAINED_ELSEWHERE.to_owned(),
            };
            Some((target.id, reason))
        })
        .collect()
}
