//! What administrators ask to be done again, as changes of the database: stages, configurations, installations of newer
//! versions.

use std::collections::BTreeSet;

use opkg_oda::{Change, Cluster, Package, PackageId, Stage, StateKey, TargetId, TargetKind};

use crate::format;
use crate::requests::RequestError;
use crate::versions::is_same_version;

/// Stages that completed are to run again, for these packages or for all, wherever they have work to do. The stage of
/// the hand-over also tells the clients that were assigned since. Where it is to come again, what clients are to install again
/// is handed over by it: a client part does not come before the server part that it belongs to.
///
/// # Errors
/// When a stage has no work at all.
pub fn rerun(
    cluster: &Cluster,
    stages: &BTreeSet<Stage>,
    packages: Option<&BTreeSet<PackageId>>,
    on: &BTreeSet<TargetId>,
) -> Result<Vec<Change>, RequestError> {
    if let Some(stage) = stages.iter().find(|it| matches!(it, Stage::ShouldNotBeInstalled | Stage::Finished))
    {
        return Err(RequestError::StageHasNoWork(*stage));
    }
    let mut changes = Vec::new();
    for (key, row) in cluster.all_states() {
        let chosen = on.contains(&key.target) && packages.is_none_or(|it| it.contains(&key.package));
        if !chosen || row.requested == Stage::ShouldNotBeInstalled {
            continue;
        }
        let server = cluster.targets.get(&key.target).is_some_and(|it| it.kind() == TargetKind::Server);
        for stage in stages.iter().filter(|it| **it <= row.current) {
            match stage {
                Stage::PostImage if server => {
                    changes.extend(unsee_images(cluster, key.package, |_| true));
                }
                // Elsewhere nothing but the installation is work.
                Stage::InstallBinPkgs => changes.push(Change::SetRerun { key, stage: *stage, queued: true }),
                _ if server => changes.push(Change::SetRerun { key, stage: *stage, queued: true }),
                _ => {}
            }
        }
    }
    let taken_back = clients_awaiting_hand_over(cluster, &changes);
    changes.extend(taken_back);
    Ok(changes)
}

/// Of the clients that are to install a package again, those to which the head node has yet to come: it hands the work over
/// once it is through the stages before. It may be at them since before these changes.
fn clients_awaiting_hand_over(cluster: &Cluster, changes: &[Change]) -> Vec<Change> {
    let hands_over: BTreeSet<StateKey> = changes
        .iter()
        .filter_map(|change| match change {
            Change::SetRerun { key, stage: Stage::PostClients, queued: true } => Some(*key),
            _ => None,
        })
        .collect();
    let servers: Vec<TargetId> = cluster.targets_of_kind(TargetKind::Server).map(|it| it.id).collect();
    let will_be_handed_over = |package: PackageId| {
        servers.iter().map(|server| StateKey { target: *server, package }).any(|key| {
            let queued = cluster.reruns.get(&key).is_some_and(|stages| stages.contains(&Stage::PostClients));
            let is_wanted = cluster.state(key).is_some_and(|row| row.requested > Stage::ShouldNotBeInstalled);
            is_wanted && (queued || hands_over.contains(&key))
        })
    };
    let take_back = |change: &Change| match change {
        Change::SetRerun { key, stage: Stage::InstallBinPkgs, queued: true }
            if cluster.is_handed_over(*key) && will_be_handed_over(key.package) =>
        {
            Some(Change::Assign { package: key.package, client: key.target, handed_over_at: None })
        }
        _ => None,
    };
    changes.iter().filter_map(take_back).collect()
}

/// How many stages are queued by changes.
#[must_use]
pub fn count_queued(changes: &[Change]) -> usize {
    let is_stage = |change: &&Change| {
        matches!(change, Change::SetRerun { queued: true, .. } | Change::SetImageSeen { seen: false, .. })
    };
    changes.iter().filter(is_stage).count()
}

/// The hook about images runs again for those of them that it ran for.
fn unsee_images(
    cluster: &Cluster,
    package: PackageId,
    which: impl Fn(TargetId) -> bool,
) -> impl Iterator<Item = Change> {
    let seen = cluster.images_seen.iter().filter(move |(of, image)| *of == package && which(*image));
    seen.map(|(package, image)| Change::SetImageSeen { package: *package, image: *image, seen: false })
}

/// The stages that a new configuration touches.
#[must_use]
pub fn configuration_stages() -> BTreeSet<Stage> {
    use Stage::{InstallBinPkgs, PostClients, PostImage, PostInstall, RunConfigurator};
    BTreeSet::from([RunConfigurator, InstallBinPkgs, PostImage, PostClients, PostInstall])
}

/// The stages that a new version touches.
#[must_use]
pub fn upgrade_stages() -> BTreeSet<Stage> {
    let mut stages = configuration_stages();
    stages.insert(Stage::ShouldBeInstalled);
    stages
}

/// The configuration of packages is to be made anew: their configurator runs again, and everything that depends on
/// what it writes. A package that is held is not installed again, since that would bring a newer version.
///
/// # Errors
/// When one was never requested on the head node.
pub fn reconfigure(cluster: &Cluster, packages: &[PackageId]) -> Result<Vec<Change>, RequestError> {
    let servers: BTreeSet<TargetId> = cluster.targets_of_kind(TargetKind::Server).map(|it| it.id).collect();
    for package in packages {
        let requested = servers
            .iter()
            .any(|target| cluster.state(StateKey { target: *target, package: *package }).is_some());
        if !requested {
            return Err(RequestError::NotRequested {
                package: format::package_name(cluster, *package),
                target: "the head node".into(),
            });
        }
    }
    let everywhere = cluster.targets.keys().copied().collect();
    let (held, others): (BTreeSet<PackageId>, BTreeSet<PackageId>) =
        packages.iter().partition(|package| cluster.held.contains(*package));
    let mut changes = rerun(cluster, &configuration_stages(), Some(&others), &everywhere)?;
    let mut without_installation = configuration_stages();
    without_installation.remove(&Stage::InstallBinPkgs);
    changes.extend(rerun(cluster, &without_installation, Some(&held), &everywhere)?);
    changes.extend(held.union(&others).filter_map(|package| {
        let package = cluster.packages.get(package).filter(|it| it.waiting_for.is_some())?;
        Some(Change::PutPackage(Package { waiting_for: None, ..package.clone() }))
    }));
    Ok(changes)
}

/// New versions of packages are to be installed where they are on these targets, and everything done again that depends
/// on it. `to` is the version that is wanted; without it the newest that a package source has. Where all of them have the
/// version that is wanted, nothing is done again.
///
/// # Errors
/// When one is installed on none of these targets, or is held.
pub fn upgrade(
    cluster: &Cluster,
    packages: &[PackageId],
    on: &BTreeSet<TargetId>,
    to: Option<&str>,
) -> Result<Vec<Change>, RequestError> {
    let mut changes = Vec::new();
    for package in packages {
        let name = || format::package_name(cluster, *package);
        let rows: Vec<StateKey> = cluster
            .all_states()
            .filter(|(key, row)| key.package == *package && on.contains(&key.target) && row.is_present())
            .map(|(key, _)| key)
            .collect();
        if rows.is_empty() {
            let targets: Vec<TargetId> = on.iter().copied().collect();
            let everywhere = on.len() == cluster.targets.len();
            let target = match everywhere {
                true => "any of the targets".to_owned(),
                false => format::target_list(cluster, &targets),
            };
            return Err(RequestError::NotRequested { package: name(), target });
        }
        if cluster.held.contains(package) {
            return Err(RequestError::Held(name()));
        }
        if cluster.pinned_versions.get(package).map(String::as_str) != to {
            changes.push(Change::PinVersion { package: *package, version: to.map(str::to_owned) });
        }
        let has_version = |key: &StateKey| {
            let installed = cluster.installed_version(*key);
            to.zip(installed).is_some_and(|(to, installed)| is_same_version(to, installed))
        };
        let behind: BTreeSet<TargetId> =
            rows.iter().filter(|key| !has_version(key)).map(|key| key.target).collect();
        changes.extend(rerun(cluster, &upgrade_stages(), Some(&[*package].into()), &behind)?);
        // Hooks about images run for those that change, whether or not the head node does.
        let is_server = |target: &TargetId| {
            cluster.targets.get(target).is_some_and(|target| target.kind() == TargetKind::Server)
        };
        if !behind.iter().any(is_server) {
            changes.extend(unsee_images(cluster, *package, |image| behind.contains(&image)));
        }
    }
    Ok(changes)
}
