//! Roots of targets that are other ones than before: an image was built anew, a node was installed again. What the
//! database knows of them is about something that is no longer there.

use std::collections::{BTreeSet, HashMap};

use opkg_oda::{Change, Cluster, Error, PackageState, Stage, StateKey, Store, Target, TargetId, TargetKind};

use crate::effects::Effects;
use crate::observer::Observer;

/// The targets whose root is not the one that they had when something was last done to it. `root_id` says what is in the
/// root of a target.
pub fn find_replaced(
    cluster: &Cluster,
    targets: &BTreeSet<TargetId>,
    mut root_id: impl FnMut(&Target) -> Result<Option<String>, String>,
) -> Vec<TargetId> {
    let mut is_replaced = |target: &&Target| match cluster.root_ids.get(&target.id) {
        // One that cannot be looked into may be back later: that is no other one.
        Some(known) => root_id(target).is_ok_and(|found| found.as_ref() != Some(known)),
        None => false,
    };
    let chosen = cluster.targets.values().filter(|target| targets.contains(&target.id));
    chosen.filter(|target| is_replaced(target)).map(|target| target.id).collect()
}

/// Before anything is done to targets: every root gets an id, and what was done to one that is no longer there is due
/// again. The id is in the root before the database has it; so whatever happens in between, it is noticed again. `seen` is
/// what the database said of the targets a moment ago.
///
/// # Errors
/// When the database fails.
pub(crate) fn identify(
    store: &mut dyn Store,
    effects: &dyn Effects,
    observer: &mut dyn Observer,
    targets: &BTreeSet<TargetId>,
    seen: &Cluster,
    now: i64,
) -> Result<(), Error> {
    let is_known = |target: &TargetId| {
        let found = seen.targets.get(target).map(|target| effects.root_id(target));
        match found {
            Some(Ok(found)) => found.is_some() && found.as_ref() == seen.root_ids.get(target),
            _ => true,
        }
    };
    if targets.iter().all(is_known) {
        return Ok(());
    }
    let cluster = store.load_part(targets)?;
    let is_whole = targets.iter().any(|target| is_server(&cluster, *target));
    let mut owners: HashMap<String, TargetId> =
        cluster.root_ids.iter().map(|(target, id)| (id.clone(), *target)).collect();
    let mut changes = Vec::new();
    for target in cluster.targets.values().filter(|target| targets.contains(&target.id)) {
        if !cluster.states.contains_key(&target.id) {
            continue;
        }
        let known = cluster.root_ids.get(&target.id);
        let Ok(found) = effects.root_id(target) else { continue };
        if found.is_some() && found.as_ref() == known {
            continue;
        }
        // One that another database gave is as good; two targets with the same one have a copy among them.
        let owner = match found.as_deref().map(|id| (id, owners.get(id))) {
            Some((id, None)) if !is_whole => store.find_root(id)?,
            known => known.and_then(|(_, owner)| owner.copied()),
        };
        let is_free = owner.is_none_or(|owner| owner == target.id);
        let id = match found.filter(|_| is_free).map_or_else(|| effects.renew_root_id(target), Ok) {
            Ok(id) => id,
            Err(reason) => {
                observer.note(&format!(
                    "{}: it will not be noticed when its root is replaced: {reason}",
                    target.address
                ));
                continue;
            }
        };
        owners.insert(id.clone(), target.id);
        changes.push(Change::SetRootId { target: target.id, id: Some(id) });
        if known.is_some() {
            let due_again = replaced_root_changes(&cluster, target, now);
            observer.note(&describe_replaced(target, !due_again.is_empty()));
            changes.extend(due_again);
        }
    }
    store.commit(&changes)
}

fn is_server(cluster: &Cluster, target: TargetId) -> bool {
    cluster.targets.get(&target).is_some_and(|target| target.kind() == TargetKind::Server)
}

fn describe_replaced(target: &Target, had_packages: bool) -> String {
    let root = target.root.as_deref().map_or_else(String::new, |root| format!(" {}", root.display()));
    let what = if had_packages { "everything that was done to it is due again" } else { "nothing was on it" };
    format!("the root{root} of {} is not the one that it was: {what}", target.address)
}

/// Nothing of what was done to the root of a target is there any longer: packages begin at the first stage again, and
/// hooks that were about an image run for it again. What was to leave has left.
#[must_use]
pub fn replaced_root_changes(cluster: &Cluster, target: &Target, now: i64) -> Vec<Change> {
    let mut changes = Vec::new();
    for (package, row) in cluster.states.get(&target.id).into_iter().flat_map(|states| states.iter()) {
        let key = StateKey { target: target.id, package };
        if row.is_present() || row.inherited_stage.is_some() {
            changes.push(Change::UpdateState(key, PackageState::new(row.requested, now)));
        }
        if cluster.installed_version(key).is_some() {
            changes.push(Change::SetInstalledVersion { key, version: None });
        }
        let queued = cluster.reruns.get(&key).into_iter().flatten();
        changes.extend(queued.map(|stage| Change::SetRerun { key, stage: *stage, queued: false }));
        let leaves = row.requested == Stage::ShouldNotBeInstalled;
        match target.kind() {
            TargetKind::Server => {
                let seen = cluster.images_seen.iter().filter(|(of, _)| *of == package);
                changes.extend(seen.map(|(package, image)| unsee(*package, *image)));
            }
            TargetKind::Image if cluster.images_seen.contains(&(package, target.id)) => {
                changes.push(unsee(package, target.id));
            }
            TargetKind::Client if leaves => {
                changes.push(Change::Unassign { package, client: target.id });
            }
            TargetKind::Image | TargetKind::Client => {}
        }
    }
    changes
}

fn unsee(package: opkg_oda::PackageId, image: TargetId) -> Change {
    Change::SetImageSeen { package, image, seen: false }
}
