//! Looks at every commit, and knows what must be true whatever happens.

use std::collections::BTreeSet;

use opkg_engine::machine::{DependencyOrder, Hook, RolloutProgress, Step};
use opkg_oda::{
    Cluster, PackageState, Rollout, RolloutState, Stage, StateKey, TargetId, TargetKind, WaveState, WorkState,
};

use crate::fake_world::{FakeWorld, PerformedStep};

/// Write-ahead: what is about to be done to a row stands in the database.
pub fn check_begun(cluster: &Cluster, step: &Step) {
    if matches!(step, Step::VerifyInherited(_)) {
        return;
    }
    for key in step.rows() {
        let row = cluster.state(key).expect("work for a row that there is");
        assert_eq!(row.work_state, WorkState::Running, "{step:?}");
        assert!(row.attempts > 0, "{step:?}");
        assert!(!cluster.is_in_maintenance(key.target), "{step:?}");
        assert_eq!(cluster.holding_rollout(key), None, "{step:?}");
        check_order_of_stages(cluster, key, step);
    }
}

/// Nothing of an earlier stage is left that the row has to come through again.
fn check_order_of_stages(cluster: &Cluster, key: StateKey, step: &Step) {
    let (stage, about_image) = match step {
        Step::Install(install) => (install.stage, false),
        Step::Hook(hook) => (hook.stage, hook.image.is_some()),
        Step::Configure(_) => (Stage::RunConfigurator, false),
        Step::VerifyInherited(_) | Step::Remove(_) => return,
    };
    let row = cluster.state(key).expect("a row");
    let queued = cluster.reruns.get(&key).into_iter().flatten().filter(|queued| **queued <= row.current);
    let earliest = queued.min();
    assert!(earliest.is_none_or(|earliest| *earliest >= stage), "{step:?} before stage {earliest:?}");
    let server = cluster.targets[&key.target].kind() == TargetKind::Server;
    if server && !about_image && stage > Stage::PostImage {
        let unseen: Vec<_> = opkg_engine::machine::images_awaiting_hook(cluster, key.package).collect();
        assert!(unseen.is_empty(), "{step:?} before the hooks about {unseen:?}");
    }
}

/// No more targets are let go than may be, and none after too many failed.
fn check_waves(before: &Cluster, after: &Cluster) {
    let progress = |cluster: &Cluster, rollout: &Rollout| {
        RolloutProgress::of(cluster, &DependencyOrder::new(&cluster.packages), rollout)
    };
    for (id, rollout) in &after.rollouts {
        let Some(old) = before.rollouts.get(id) else { continue };
        let is_new = |(target, wave): (&TargetId, &WaveState)| {
            *wave == WaveState::LetGo && old.targets.get(target) == Some(&WaveState::Held)
        };
        if !rollout.targets.iter().any(is_new) {
            continue;
        }
        assert_eq!(old.state, RolloutState::UnderWay);
        assert!(!progress(before, old).has_failed_too_often(old.order.max_fail), "{old:?}");
        assert!(progress(after, rollout).at_work.len() <= rollout.order.at_once as usize, "{rollout:?}");
    }
}

/// One commit, from `before` to `after`.
pub fn check_commit(before: &Cluster, after: &Cluster, world: &mut FakeWorld) {
    check_waves(before, after);
    for (key, row) in after.all_states() {
        let old = before.state(key);
        if old == Some(row) && before.reruns.get(&key) == after.reruns.get(&key) {
            continue;
        }
        let none = PackageState::new(row.requested, 0);
        check_stage_change(after, key, old.unwrap_or(&none), row, world);
        check_reruns(before, after, key, world);
        if row.work_state == WorkState::Failed {
            world.steps_since_move.remove(&key);
            assert!(row.failure.is_some());
        }
        assert_matches_world(after, key, row, world);
    }
}

fn check_stage_change(
    cluster: &Cluster,
    key: StateKey,
    old: &PackageState,
    new: &PackageState,
    world: &mut FakeWorld,
) {
    if new.current == old.current {
        return;
    }
    assert_ne!(new.work_state, WorkState::Failed, "no error is progress: {key:?}");
    if new.current > old.current && old.inherited_stage.is_some() && new.inherited_stage.is_none() {
        assert!(new.current <= Stage::InstallBinPkgs);
        assert!(world.installed_parts.contains(&key), "inherited what is not there: {key:?}");
    } else if new.current > old.current {
        assert_eq!(Some(new.current), old.current.next(), "a stage was skipped: {key:?}");
        let done = world.steps_since_move.remove(&key).unwrap_or_default();
        assert_parts_done(cluster, key, new.current, &done);
    } else {
        let steps = [Stage::InstallBinPkgs, Stage::ShouldBeInstalled, Stage::ShouldNotBeInstalled];
        assert!(steps.contains(&new.current), "{old:?} → {new:?}");
        world.steps_since_move.remove(&key);
    }
}

/// A stage that was queued to run again is taken off the queue only when that was done.
fn check_reruns(before: &Cluster, after: &Cluster, key: StateKey, world: &mut FakeWorld) {
    let empty = BTreeSet::new();
    let (old, new) = (before.reruns.get(&key).unwrap_or(&empty), after.reruns.get(&key).unwrap_or(&empty));
    let (was, is) = (before.state(key), after.state(key));
    let (Some(was), Some(is)) = (was, is) else { return };
    if was.is_being_removed() || was.current != is.current {
        return;
    }
    for stage in old.difference(new) {
        let done = world.steps_since_move.remove(&key).unwrap_or_default();
        assert_parts_done(after, key, *stage, &done);
    }
}

/// The parts of a stage were done, in their order, since the row last moved.
fn assert_parts_done(cluster: &Cluster, key: StateKey, stage: Stage, done: &[PerformedStep]) {
    let server = cluster.targets[&key.target].kind() == TargetKind::Server;
    let parts: &[PerformedStep] = match stage {
        Stage::ShouldBeInstalled if server => &[PerformedStep::InstalledApi],
        Stage::RunConfigurator if server => &[
            PerformedStep::RanHook(Hook::PreConfigure, None),
            PerformedStep::Configured,
            PerformedStep::RanHook(Hook::PostConfigure, None),
        ],
        Stage::InstallBinPkgs => &[PerformedStep::InstalledPart],
        Stage::PostClients if server => &[PerformedStep::RanHook(Hook::PostClientdef, None)],
        Stage::PostInstall if server => &[PerformedStep::RanHook(Hook::PostDeploy, None)],
        _ => &[],
    };
    assert!(done.ends_with(parts), "{key:?} came to {stage} by {done:?}");
    if stage == Stage::PostImage && server {
        let unseen: Vec<_> = opkg_engine::machine::images_awaiting_hook(cluster, key.package).collect();
        assert!(unseen.is_empty(), "{key:?} has not seen {unseen:?}");
    }
}

/// What the database says is there is there, and what it says is not is not.
pub fn assert_matches_world(cluster: &Cluster, key: StateKey, row: &PackageState, world: &FakeWorld) {
    if row.work_state == WorkState::Running {
        return;
    }
    let queued = |stage: Stage| cluster.reruns.get(&key).is_some_and(|it| it.contains(&stage));
    let server = cluster.targets[&key.target].kind() == TargetKind::Server;
    if row.current >= Stage::InstallBinPkgs && !queued(Stage::InstallBinPkgs) {
        assert!(world.installed_parts.contains(&key), "{key:?} {row:?} is not there");
    }
    if server && row.current >= Stage::ShouldBeInstalled && !queued(Stage::ShouldBeInstalled) {
        assert!(world.installed_api.contains(&key), "{key:?} {row:?} has no api part");
    }
    // From the configurator's stage on there may be pieces, and a removal looks for them.
    let below = row.current < Stage::RunConfigurator && row.attempts == 0 && row.inherited_stage.is_none();
    if below && row.work_state == WorkState::Idle {
        assert!(!world.installed_parts.contains(&key), "{key:?} {row:?} is there still");
    }
    if !row.is_present() && row.inherited_stage.is_none() {
        assert!(!world.installed_api.contains(&key), "{key:?} {row:?} has its api part still");
    }
}
