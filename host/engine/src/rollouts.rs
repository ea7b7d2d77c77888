//! What administrators ask of requests that go out in waves, as changes of the database.

use std::collections::BTreeSet;

use opkg_oda::{
    Change, Cluster, Rollout, RolloutId, RolloutOrder, RolloutState, Share, Stage, StateKey, TargetId,
    TargetKind, WaveState,
};

use crate::machine::{DependencyOrder, RolloutProgress};
use crate::requests::RequestError;

/// How a request goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waves {
    /// On how many targets at once something may be under way; at least one.
    pub at_once: Share,
    /// How many of those that were let go may fail before no further one is.
    pub max_fail: Share,
    /// Who asks for it.
    pub who: String,
}

/// What a rollout shall be from now on; what is absent stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NewTerms {
    /// As in [`Waves`], of all targets that it goes to.
    pub at_once: Option<Share>,
    /// Likewise.
    pub max_fail: Option<Share>,
}

/// What is to be committed together with the changes of a request, so that it goes out in waves. The head node is in none:
/// what it does comes before all others or after them. The answer is nothing where no other target is concerned.
#[must_use]
pub fn hold_back(cluster: &Cluster, changes: &[Change], waves: &Waves, now: i64) -> Vec<Change> {
    let is_in_waves = |target: TargetId| {
        cluster.targets.get(&target).is_some_and(|target| target.kind() != TargetKind::Server)
    };
    let keys = changes.iter().filter_map(|change| match change {
        Change::Request { key, .. }
        | Change::UpdateState(key, _)
        | Change::SetRerun { key, queued: true, .. } => Some(*key),
        _ => None,
    });
    let (mut packages, mut targets) = (BTreeSet::new(), BTreeSet::new());
    for key in keys.filter(|key| is_in_waves(key.target)) {
        packages.insert(key.package);
        targets.insert(key.target);
    }
    if targets.is_empty() {
        return Vec::new();
    }
    let id = RolloutId(cluster.last_rollout_id.saturating_add(1));
    let order = RolloutOrder {
        packages,
        at_once: count_at_once(waves.at_once, targets.len()),
        max_fail: waves.max_fail,
        since: now,
        who: waves.who.clone(),
    };
    let held = |target| Change::SetWave { rollout: id, target, state: WaveState::Held };
    let order = Change::PutRollout { id, order: Box::new(order) };
    std::iter::once(order).chain(targets.into_iter().map(held)).collect()
}

/// A rollout lets no further target go, until it is resumed.
///
/// # Errors
/// There is none of that number, or it is stopped.
pub fn stop(cluster: &Cluster, id: RolloutId, who: &str) -> Result<Vec<Change>, RequestError> {
    match find(cluster, id)?.state {
        RolloutState::UnderWay => {
            let state = RolloutState::Stopped(format!("{who} stopped it"));
            Ok(vec![Change::SetRolloutState { rollout: id, state }])
        }
        _ => Err(RequestError::RolloutStopped(id)),
    }
}

/// A rollout that stopped goes on. What failed so far counts no longer.
///
/// # Errors
/// There is none of that number, or it is not stopped.
pub fn resume(cluster: &Cluster, id: RolloutId, terms: NewTerms) -> Result<Vec<Change>, RequestError> {
    let rollout = find(cluster, id)?;
    if rollout.state == RolloutState::UnderWay {
        return Err(RequestError::RolloutUnderWay(id));
    }
    let order = RolloutOrder {
        at_once: terms
            .at_once
            .map_or(rollout.order.at_once, |at_once| count_at_once(at_once, rollout.targets.len())),
        max_fail: terms.max_fail.unwrap_or(rollout.order.max_fail),
        ..rollout.order.clone()
    };
    let excused = |target| Change::SetWave { rollout: id, target, state: WaveState::Excused };
    let mut changes = vec![Change::PutRollout { id, order: Box::new(order) }];
    changes.extend(progress(cluster, rollout).failed.into_iter().map(excused));
    changes.push(Change::SetRolloutState { rollout: id, state: RolloutState::UnderWay });
    Ok(changes)
}

/// A rollout ends. Targets that were let go are not called back; on the others nothing is asked for any more that was
/// not begun, and they stay as they are.
///
/// # Errors
/// There is none of that number.
pub fn cancel(cluster: &Cluster, id: RolloutId, who: &str) -> Result<Vec<Change>, RequestError> {
    let rollout = find(cluster, id)?;
    let progress = progress(cluster, rollout);
    let mut changes = Vec::new();
    for target in &progress.held {
        for package in &rollout.order.packages {
            withdraw(cluster, StateKey { target: *target, package: *package }, &mut changes);
        }
    }
    let state = RolloutState::Ended(format!("{who} cancelled it: {}", progress.describe()));
    changes.push(Change::SetRolloutState { rollout: id, state });
    Ok(changes)
}

/// A rollout that is not over.
///
/// # Errors
/// There is none of that number.
pub fn find(cluster: &Cluster, id: RolloutId) -> Result<&Rollout, RequestError> {
    cluster.rollouts.get(&id).ok_or(RequestError::NoRollout(id))
}

fn progress(cluster: &Cluster, rollout: &Rollout) -> RolloutProgress {
    RolloutProgress::of(cluster, &DependencyOrder::new(&cluster.packages), rollout)
}

/// A package stays as it is on a target.
fn withdraw(cluster: &Cluster, key: StateKey, changes: &mut Vec<Change>) {
    let Some(row) = cluster.state(key) else { return };
    let is_there = row.current > Stage::ShouldNotBeInstalled;
    if !is_there && row.is_present() {
        // Of what was begun nobody knows how much is there.
        return;
    }
    if row.requested != row.current {
        changes.push(Change::Request { key, stage: row.current, requested_at: row.changed_at });
    }
    if !is_there && cluster.assignment(key).is_some() {
        changes.push(Change::Unassign { package: key.package, client: key.target });
    }
    let queued = cluster.reruns.get(&key).into_iter().flatten();
    changes.extend(queued.map(|stage| Change::SetRerun { key, stage: *stage, queued: false }));
}

fn count_at_once(share: Share, targets: usize) -> u32 {
    u32::try_from(share.of(targets).max(1)).unwrap_or(u32::MAX)
}
