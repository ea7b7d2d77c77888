//! Targets that nobody here can look at: what the database says of them is what it was told, not what is so.

use std::collections::BTreeMap;

use opkg_oda::{Cluster, LastSeen, Target, TargetId, TargetKind};

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
    // Who is away is not missed.
    let is_concerned = |target: &&Target| {
        cluster.states.contains_key(&target.id) && !cluster.absences.contains_key(&target.id)
    };
    let concerned = cluster.targets.values().filter(is_concerned);
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

/// After so many seconds without a word a target is silent: those that have no place among the listeners look every minute.
const SILENCE: i64 = 10 * 60;

/// The targets with packages that maintain themselves, and have not looked for work for a while: for how many seconds; absent
/// for those that never did, though there is work for them.
#[must_use]
pub fn silent_targets(
    cluster: &Cluster,
    own: Option<TargetId>,
    seen: &LastSeen,
) -> BTreeMap<TargetId, Option<i64>> {
    let reports = |target: &&Target| {
        target.kind() == TargetKind::Client
            && target.root.is_none()
            && Some(target.id) != own
            && cluster.states.contains_key(&target.id)
            && !cluster.absences.contains_key(&target.id)
    };
    let silence = |target: &Target| {
        let seconds = seen.targets.get(&target.id).map(|at| seen.now - at);
        let is_silent = match seconds {
            Some(seconds) => seconds > SILENCE,
            // Nothing was expected of it so far.
            None => has_been_handed_work(cluster, target.id),
        };
        is_silent.then_some((target.id, seconds))
    };
    cluster.targets.values().filter(reports).filter_map(silence).collect()
}

fn has_been_handed_work(cluster: &Cluster, client: TargetId) -> bool {
    let assigned = cluster.assignments.get(&client);
    assigned.is_some_and(|assigned| assigned.iter().any(|(_, handed_over_at)| handed_over_at.is_some()))
}
