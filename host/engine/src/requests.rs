//! What administrators ask for, as changes of the database. Nothing is written here: each function reads the cluster
//! and says what is to be committed, or why it is refused.

use std::collections::{BTreeMap, BTreeSet};

use opkg_oda::{
    Change, Cluster, Package, PackageClass, PackageId, PackageName, PackageState, RolloutId, Stage, StateKey,
    TargetId, TargetKind, WorkState,
};

use crate::machine::DependencyOrder;
use crate::packages::{NameClash, check_name};

/// Why a request is refused. Nothing of it is done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The cluster does not work without it.
    #[error("{0} is of class core: the cluster does not work without it")]
    CorePackage(String),
    /// Others need it.
    #[error("{needed} is needed by {} on {target}", .by.join(", "))]
    RequiredByOthers {
        /// What was to be removed.
        needed: String,
        /// Which packages need it.
        by: Vec<String>,
        /// Where.
        target: String,
    },
    /// It was never asked for there.
    #[error("{package} was never requested on {target}")]
    NotRequested {
        /// What.
        package: String,
        /// Where, or everywhere.
        target: String,
    },
    /// What is not to be there is removed, not requested.
    #[error("no package can be asked to come to should_not_be_installed")]
    CannotRequestRemoval(String),
    /// Only work of the head node can be queued again this way.
    #[error("the stage {0} cannot be run again: it has no work")]
    StageHasNoWork(Stage),
    /// Only clients are assigned work.
    #[error("{0} is no client")]
    NotAClient(String),
    /// An administrator keeps it at its version.
    #[error("{0} is held: it is not upgraded")]
    Held(String),
    /// No rollout that is not over has this number.
    #[error("there is no rollout {0}, or it is over")]
    NoRollout(RolloutId),
    /// It does not have to be resumed.
    #[error("rollout {0} is under way")]
    RolloutUnderWay(RolloutId),
    /// It does not have to be stopped.
    #[error("rollout {0} is stopped already")]
    RolloutStopped(RolloutId),
    /// Two OPKGs that would make a native package of the same name.
    #[error(transparent)]
    NameClash(#[from] NameClash),
    /// It is still asked for, or there.
    #[error("{package} is still on {}", .on.join(", "))]
    InUse {
        /// What was to be forgotten.
        package: String,
        /// Where, and what it is there: `image:compute (requested)`.
        on: Vec<String>,
    },
}

/// The packages of these names. Those that are not known yet are made: the first answer says which, the second how.
///
/// # Errors
/// When a new one would make a native package of the same name as another one.
pub fn find_or_create_packages(
    cluster: &Cluster,
    names: &[PackageName],
) -> Result<(Vec<PackageId>, Vec<Change>), RequestError> {
    let known = cluster.packages.values().map(|package| &package.name);
    for name in names.iter().filter(|name| cluster.find_package(name).is_none()) {
        check_name(name, known.clone().chain(names))?;
    }
    let mut last = cluster.last_package_id;
    let mut made: BTreeMap<&PackageName, PackageId> = BTreeMap::new();
    let mut changes = Vec::new();
    let ids = names
        .iter()
        .map(|name| {
            cluster.find_package(name).map(|it| it.id).or_else(|| made.get(name).copied()).unwrap_or_else(
                || {
                    last += 1;
                    let id = PackageId(last);
                    made.insert(name, id);
                    changes.push(Change::PutPackage(Package {
                        id,
                        name: name.clone(),
                        class: PackageClass::default(),
                        version: None,
                        dependencies: Vec::new(),
                        waiting_for: None,
                    }));
                    id
                },
            )
        })
        .collect();
    Ok((ids, changes))
}

/// Packages, and all that they depend on, are to come to a stage on these targets. What is requested further
/// already stays so. On clients the work is assigned, and begins with the hand-over. An error is cleared.
#[must_use]
pub fn request(
    cluster: &Cluster,
    packages: &[PackageId],
    stage: Stage,
    on: &BTreeSet<TargetId>,
    now: i64,
) -> Vec<Change> {
    let wanted = with_dependencies(cluster, packages);
    let mut changes = Vec::new();
    for target in on {
        for package in &wanted {
            let key = StateKey { target: *target, package: *package };
            let row = cluster.state(key);
            let asked = packages.contains(package);
            // What was named comes to the stage that was named; what it needs, at least there.
            let further = row.is_some_and(|it| it.requested >= stage);
            if !further || asked && row.is_some_and(|it| it.requested != stage) {
                changes.push(Change::Request { key, stage, requested_at: now });
            }
            if asked {
                changes.extend(row.and_then(|row| clear_error_change(key, row, now)));
            }
            if is_client(cluster, *target) && cluster.assignment(key).is_none() {
                changes.push(Change::Assign { package: *package, client: *target, handed_over_at: None });
            }
        }
    }
    changes
}

/// Packages are to be removed from these targets; with `cascade` also what depends on them.
///
/// # Errors
/// When the package is of class core, when others that stay need it, or when it was never requested there.
pub fn remove(
    cluster: &Cluster,
    packages: &[PackageId],
    on: &BTreeSet<TargetId>,
    cascade: bool,
    now: i64,
) -> Result<Vec<Change>, RequestError> {
    let order = DependencyOrder::new(&cluster.packages);
    let mut changes = Vec::new();
    let mut found: BTreeSet<PackageId> = BTreeSet::new();
    for target in on {
        let row = |package: PackageId| cluster.state(StateKey { target: *target, package });
        let mut leaving: BTreeSet<PackageId> =
            packages.iter().copied().filter(|package| row(*package).is_some()).collect();
        found.extend(&leaving);
        let mut unchecked: Vec<PackageId> = leaving.iter().copied().collect();
        while let Some(package) = unchecked.pop() {
            let stays = |it: &PackageId| {
                !leaving.contains(it)
                    && row(*it)
                        .is_some_and(|it| it.requested > Stage::ShouldNotBeInstalled || it.is_present())
            };
            let by: Vec<PackageId> = dependents(cluster, &order, package).into_iter().filter(stays).collect();
            if by.is_empty() {
                continue;
            }
            if !cascade {
                return Err(RequestError::RequiredByOthers {
                    needed: package_name(cluster, package),
                    by: by.into_iter().map(|it| package_name(cluster, it)).collect(),
                    target: target_address(cluster, *target),
                });
            }
            leaving.extend(&by);
            unchecked.extend(by);
        }
        for package in &leaving {
            if cluster.packages.get(package).is_some_and(|it| it.class == PackageClass::Core) {
                return Err(RequestError::CorePackage(package_name(cluster, *package)));
            }
            let key = StateKey { target: *target, package: *package };
            changes.push(Change::Request { key, stage: Stage::ShouldNotBeInstalled, requested_at: now });
            let Some(row) = row(*package) else { continue };
            changes.extend(clear_error_change(key, row, now));
            let present = row.is_present();
            if !present && is_client(cluster, *target) {
                changes.push(Change::Unassign { package: *package, client: *target });
            }
        }
    }
    match packages.iter().find(|it| !found.contains(it)) {
        Some(package) => {
            let only = on.iter().next().filter(|_| on.len() == 1);
            let target = only.map_or_else(|| "any of the targets".into(), |it| target_address(cluster, *it));
            Err(RequestError::NotRequested { package: package_name(cluster, *package), target })
        }
        None => Ok(changes),
    }
}

/// Rows in error are to be tried again.
#[must_use]
pub fn clear_errors(
    cluster: &Cluster,
    packages: Option<&BTreeSet<PackageId>>,
    on: &BTreeSet<TargetId>,
    now: i64,
) -> Vec<Change> {
    cluster
        .all_states()
        .filter(|(key, _)| on.contains(&key.target) && packages.is_none_or(|it| it.contains(&key.package)))
        .filter_map(|(key, row)| clear_error_change(key, row, now))
        .collect()
}

/// Clients are to get packages, when the head node hands the work over.
///
/// # Errors
/// When a target is no client.
pub fn assign(
    cluster: &Cluster,
    packages: &[PackageId],
    clients: &BTreeSet<TargetId>,
) -> Result<Vec<Change>, RequestError> {
    let mut changes = Vec::new();
    for client in clients {
        if !is_client(cluster, *client) {
            return Err(RequestError::NotAClient(target_address(cluster, *client)));
        }
        for package in with_dependencies(cluster, packages) {
            if cluster.assignment(StateKey { target: *client, package }).is_none() {
                changes.push(Change::Assign { package, client: *client, handed_over_at: None });
            }
        }
    }
    Ok(changes)
}

/// Packages are not to be upgraded, or may be again.
#[must_use]
pub fn hold(cluster: &Cluster, packages: &[PackageId], held: bool) -> Vec<Change> {
    let differs = |package: &&PackageId| cluster.held.contains(*package) != held;
    packages.iter().filter(differs).map(|package| Change::SetHeld { package: *package, held }).collect()
}

/// Packages are forgotten with their configuration.
///
/// # Errors
/// When one is asked for, or there, on any target.
pub fn forget(cluster: &Cluster, packages: &[PackageId]) -> Result<Vec<Change>, RequestError> {
    for package in packages {
        let mut on = Vec::new();
        for (key, row) in cluster.all_states().filter(|(key, _)| key.package == *package) {
            let what = match (row.requested > Stage::ShouldNotBeInstalled, row.is_present()) {
                (true, true) => "requested and installed",
                (true, false) => "requested",
                (false, true) => "installed",
                (false, false) => continue,
            };
            on.push(format!("{} ({what})", target_address(cluster, key.target)));
        }
        let assigned = cluster.assigned_clients(*package).map(|(client, _)| client);
        for client in assigned.filter(|client| {
            cluster
                .state(StateKey { target: *client, package: *package })
                .is_none_or(|row| row.requested == Stage::ShouldNotBeInstalled && !row.is_present())
        }) {
            on.push(format!("{} (assigned)", target_address(cluster, client)));
        }
        if !on.is_empty() {
            return Err(RequestError::InUse { package: package_name(cluster, *package), on });
        }
    }
    Ok(packages.iter().map(|package| Change::RemovePackage(*package)).collect())
}

/// What a new client takes over from the image that it was cloned from: the packages that the image holds.
#[must_use]
pub fn inherit_from_image(cluster: &Cluster, client: TargetId, image: TargetId, now: i64) -> Vec<Change> {
    let Some(rows) = cluster.states.get(&image) else { return Vec::new() };
    let mut changes = Vec::new();
    for (package, row) in rows.iter() {
        if row.requested == Stage::ShouldNotBeInstalled || row.current < Stage::InstallBinPkgs {
            continue;
        }
        let key = StateKey { target: client, package };
        changes.push(Change::Request { key, stage: row.requested, requested_at: now });
        let inherits = Some(row.current.min(Stage::InstallBinPkgs));
        changes.push(Change::UpdateState(
            key,
            PackageState { inherited_stage: inherits, ..PackageState::new(row.requested, now) },
        ));
        changes.push(Change::Assign { package, client, handed_over_at: None });
    }
    changes
}

/// The packages and everything that they depend on, as far as it is known.
fn with_dependencies(cluster: &Cluster, packages: &[PackageId]) -> BTreeSet<PackageId> {
    let mut all: BTreeSet<PackageId> = BTreeSet::new();
    let mut open = packages.to_vec();
    while let Some(package) = open.pop() {
        if all.insert(package)
            && let Some(known) = cluster.packages.get(&package)
        {
            open.extend(known.dependencies.iter().filter(|it| cluster.packages.contains_key(it)));
        }
    }
    all
}

/// The packages that need one directly, those in a circle with it included.
fn dependents(cluster: &Cluster, order: &DependencyOrder, package: PackageId) -> BTreeSet<PackageId> {
    let circle =
        cluster.packages.values().filter(|it| it.dependencies.contains(&package) && it.id != package);
    order.dependents(package).iter().copied().chain(circle.map(|it| it.id)).collect()
}

/// How a row in error becomes one that is tried again.
fn clear_error_change(key: StateKey, row: &PackageState, now: i64) -> Option<Change> {
    let row = (row.work_state == WorkState::Failed).then(|| PackageState {
        work_state: WorkState::Idle,
        failure: None,
        changed_at: now,
        ..row.clone()
    })?;
    Some(Change::UpdateState(key, row))
}

fn is_client(cluster: &Cluster, target: TargetId) -> bool {
    cluster.targets.get(&target).is_some_and(|it| it.kind() == TargetKind::Client)
}

fn package_name(cluster: &Cluster, package: PackageId) -> String {
    cluster.packages.get(&package).map_or_else(|| format!("package {}", package.0), |it| it.name.to_string())
}

fn target_address(cluster: &Cluster, target: TargetId) -> String {
    cluster.targets.get(&target).map_or_else(|| format!("target {}", target.0), |it| it.address.to_string())
}
