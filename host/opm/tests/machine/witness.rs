//! Looks at every commit, and knows what must be true whatever happens.

use std::collections::BTreeSet;

use opkg_oda::{Cluster, Key, Kind, Row, Stage, State};
use opkg_opm::machine::{Hook, Work};

use crate::world::{Deed, World};

/// Write-ahead: what is about to be done to a row stands in the database.
pub fn begun(cluster: &Cluster, work: &Work) {
    if matches!(work, Work::Mark { .. } | Work::Confirm { .. }) {
        return;
    }
    for key in work.rows() {
        let row = cluster.row(key).expect("work for a row that there is");
        assert_eq!(row.state, State::Running, "{work:?}");
        assert!(row.attempts > 0, "{work:?}");
    }
}

/// One commit, from `before` to `after`.
pub fn commit(before: &Cluster, after: &Cluster, world: &mut World) {
    for (key, row) in after.all_rows() {
        let old = before.row(key);
        if old == Some(row) && before.reruns.get(&key) == after.reruns.get(&key) {
            continue;
        }
        let none = Row::new(row.requested, 0);
        moved(after, key, old.unwrap_or(&none), row, world);
        repeated(before, after, key, world);
        if row.state == State::Error {
            world.fresh.remove(&key);
            assert!(row.failure.is_some());
        }
        honest(after, key, row, world);
    }
}

fn moved(cluster: &Cluster, key: Key, old: &Row, new: &Row, world: &mut World) {
    if new.current == old.current {
        return;
    }
    assert_ne!(new.state, State::Error, "no error is progress: {key:?}");
    if new.current > old.current && old.inherits.is_some() && new.inherits.is_none() {
        assert!(new.current <= Stage::InstallBinPkgs);
        assert!(world.part.contains(&key), "inherited what is not there: {key:?}");
    } else if new.current > old.current {
        assert_eq!(Some(new.current), old.current.next(), "a stage was skipped: {key:?}");
        let done = world.fresh.remove(&key).unwrap_or_default();
        proven(cluster, key, new.current, &done);
    } else {
        let steps = [Stage::InstallBinPkgs, Stage::ShouldBeInstalled, Stage::ShouldNotBeInstalled];
        assert!(steps.contains(&new.current), "{old:?} → {new:?}");
        world.fresh.remove(&key);
    }
}

/// A stage that was queued to run again is taken off the queue only when that was done.
fn repeated(before: &Cluster, after: &Cluster, key: Key, world: &mut World) {
    let empty = BTreeSet::new();
    let (old, new) = (before.reruns.get(&key).unwrap_or(&empty), after.reruns.get(&key).unwrap_or(&empty));
    let (was, is) = (before.row(key), after.row(key));
    let (Some(was), Some(is)) = (was, is) else { return };
    if was.leaving() || was.current != is.current {
        return;
    }
    for stage in old.difference(new) {
        let done = world.fresh.remove(&key).unwrap_or_default();
        proven(after, key, *stage, &done);
    }
}

/// The parts of a stage were done, in their order, since the row last moved.
fn proven(cluster: &Cluster, key: Key, stage: Stage, done: &[Deed]) {
    let server = cluster.targets[&key.target].kind() == Kind::Server;
    let parts: &[Deed] = match stage {
        Stage::ShouldBeInstalled if server => &[Deed::Api],
        Stage::RunConfigurator if server => {
            &[Deed::Ran(Hook::PreConfigure, None), Deed::Configured, Deed::Ran(Hook::PostConfigure, None)]
        }
        Stage::InstallBinPkgs => &[Deed::Part],
        Stage::PostClients if server => &[Deed::Ran(Hook::PostClientdef, None)],
        Stage::PostInstall if server => &[Deed::Ran(Hook::PostDeploy, None)],
        _ => &[],
    };
    assert!(done.ends_with(parts), "{key:?} came to {stage} by {done:?}");
    if stage == Stage::PostImage && server {
        let unseen: Vec<_> = opkg_opm::machine::unseen_images(cluster, key.package).collect();
        assert!(unseen.is_empty(), "{key:?} has not seen {unseen:?}");
    }
}

/// What the database says is there is there, and what it says is not is not.
pub fn honest(cluster: &Cluster, key: Key, row: &Row, world: &World) {
    if row.state == State::Running {
        return;
    }
    let queued = |stage: Stage| cluster.reruns.get(&key).is_some_and(|it| it.contains(&stage));
    let server = cluster.targets[&key.target].kind() == Kind::Server;
    if row.current >= Stage::InstallBinPkgs && !queued(Stage::InstallBinPkgs) {
        assert!(world.part.contains(&key), "{key:?} {row:?} is not there");
    }
    if server && row.current >= Stage::ShouldBeInstalled && !queued(Stage::ShouldBeInstalled) {
        assert!(world.api.contains(&key), "{key:?} {row:?} has no api part");
    }
    // From the configurator's stage on there may be pieces, and a removal looks for them.
    let below = row.current < Stage::RunConfigurator && row.attempts == 0 && row.inherits.is_none();
    if below && row.state == State::Idle {
        assert!(!world.part.contains(&key), "{key:?} {row:?} is there still");
    }
    if !row.present() && row.inherits.is_none() {
        assert!(!world.api.contains(&key), "{key:?} {row:?} has its api part still");
    }
}
