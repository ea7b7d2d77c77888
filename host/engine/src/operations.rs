//! What administrators ask of a cluster: one function for each operation, the same for the command line and for the
//! browser, which only read what was typed and render what came of it.
//!
//! Each reads the cluster, decides by [`crate::requests`], and writes while nobody else can write. Targets are looked
//! up within the same transaction, by a function of the caller, since what is meant where none are named depends on
//! who asks.

use std::collections::BTreeSet;

use opkg_oda::{
    Absence, Change, Cluster, Error, PackageId, PackageName, Phase, RolloutId, Stage, Store, TargetId,
};

use crate::format;
use crate::requests::{self, RequestError};
use crate::reruns;
use crate::rollouts::{self, Waves};

/// Why nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OperationError {
    /// It was not said for which packages.
    #[error("name a package")]
    NoPackage,
    /// It was not said which stage.
    #[error("choose a stage")]
    NoStage,
    /// A package that is in no request and in no target.
    #[error("no package is called {name}")]
    UnknownPackage {
        /// As it was written.
        name: PackageName,
        /// The most similar name that is known, if one is similar.
        suggestion: Option<String>,
    },
    /// A package that was asked for, and neither the database nor a package source knows.
    #[error("no package is called {name}")]
    NewPackage {
        /// As it was written.
        name: PackageName,
        /// The most similar name that is known, if one is similar.
        suggestion: Option<String>,
    },
    /// The rules of the cluster forbid it.
    #[error(transparent)]
    Refused(#[from] RequestError),
}

/// What came of [`request`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requested {
    /// The packages, in the order of their names.
    pub packages: Vec<PackageId>,
    /// Where.
    pub targets: Vec<TargetId>,
    /// Packages that nobody knew before.
    pub new_packages: Vec<NewPackage>,
    /// Whether any of it was not requested already.
    pub has_changes: bool,
    /// What it goes out with, where that is in waves and there are targets for it.
    pub rollout: Option<RolloutId>,
    /// The cluster with the request.
    pub cluster: Cluster,
}

/// A package that became known by a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPackage {
    /// As it was written.
    pub name: PackageName,
    /// The most similar name that was known before: perhaps that was meant.
    pub suggestion: Option<String>,
}

/// What came of [`remove`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// How many packages leave.
    pub count: usize,
    /// Their names, as a list for people.
    pub names: String,
    /// As in [`Requested`].
    pub rollout: Option<RolloutId>,
}

/// What came of [`upgrade`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upgraded {
    /// How many stages of a package on a target were queued.
    pub count: usize,
    /// As in [`Requested`].
    pub rollout: Option<RolloutId>,
}

/// Of which phase the cluster came, and to which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhaseChange {
    /// The phase until now.
    pub before: Phase,
    /// The phase from now on; maybe the same.
    pub after: Phase,
}

/// Packages, and all that they depend on, are to come to a stage on some targets. Those that nobody knows become known
/// where `may_be_new` says so; a name that was mistyped does not.
///
/// # Errors
/// When the stage is none that a package can be asked to come to, a package is not known and may not be new, or the
/// database fails; then nothing is written.
pub fn request<E: From<Error> + From<OperationError>>(
    store: &mut dyn Store,
    names: &[PackageName],
    stage: Stage,
    targets: impl FnOnce(&Cluster) -> Result<BTreeSet<TargetId>, E>,
    may_be_new: &dyn Fn(&PackageName) -> bool,
    waves: Option<&Waves>,
    now: i64,
) -> Result<Requested, E> {
    transact(store, |cluster| {
        check_packages(names)?;
        let unknown = names.iter().find(|name| cluster.find_package(name).is_none() && !may_be_new(name));
        if let Some(name) = unknown {
            let (name, suggestion) = (name.clone(), suggestion(cluster, name));
            return Err(OperationError::NewPackage { name, suggestion }.into());
        }
        let targets = targets(cluster)?;
        if stage == Stage::ShouldNotBeInstalled {
            let name = names.first().map_or_else(String::new, PackageName::to_string);
            return Err(OperationError::from(RequestError::CannotRequestRemoval(name)).into());
        }
        let (packages, changes) =
            requests::find_or_create_packages(cluster, names).map_err(OperationError::from)?;
        let new_packages = changes.iter().filter_map(|change| new_package(cluster, change)).collect();
        let mut with_packages = cluster.clone();
        changes.iter().for_each(|change| with_packages.apply(change));
        let mut requests = requests::request(&with_packages, &packages, stage, &targets, now);
        let has_changes = requests.iter().any(|change| matches!(change, Change::Request { .. }));
        // There may be a million of them, which are not copied.
        requests.splice(..0, changes);
        let rollout = hold_back(cluster, &mut requests, waves, now);
        let targets = targets.into_iter().collect();
        let cluster = with_packages;
        Ok((requests, Requested { packages, targets, new_packages, has_changes, rollout, cluster }))
    })
}

/// Packages are to leave some targets; with `cascade` also what depends on them.
///
/// # Errors
/// When it is refused, or the database fails; then nothing is written.
pub fn remove<E: From<Error> + From<OperationError>>(
    store: &mut dyn Store,
    names: &[PackageName],
    targets: impl FnOnce(&Cluster) -> Result<BTreeSet<TargetId>, E>,
    cascade: bool,
    waves: Option<&Waves>,
    now: i64,
) -> Result<Removed, E> {
    transact(store, |cluster| {
        check_packages(names)?;
        let packages = find_packages(cluster, names)?;
        let targets = targets(cluster)?;
        let mut changes =
            requests::remove(cluster, &packages, &targets, cascade, now).map_err(OperationError::from)?;
        let rollout = hold_back(cluster, &mut changes, waves, now);
        let requested = |change: &Change| match change {
            Change::Request { key, .. } => Some(key.package),
            _ => None,
        };
        let removed: BTreeSet<PackageId> = changes.iter().filter_map(requested).collect();
        let removed: Vec<PackageId> = removed.into_iter().collect();
        let names = format::package_list(cluster, &removed);
        Ok((changes, Removed { count: removed.len(), names, rollout }))
    })
}

/// What is in error is tried again: these packages, or all where none are named. The answer is how many errors were
/// cleared.
///
/// # Errors
/// When a package is not known, or the database fails; then nothing is written.
pub fn clear<E: From<Error> + From<OperationError>>(
    store: &mut dyn Store,
    names: &[PackageName],
    targets: impl FnOnce(&Cluster) -> Result<BTreeSet<TargetId>, E>,
    now: i64,
) -> Result<usize, E> {
    transact(store, |cluster| {
        let packages = package_filter(cluster, names)?;
        let targets = targets(cluster)?;
        Ok(counted(requests::clear_errors(cluster, packages.as_ref(), &targets, now)))
    })
}

/// Clients are to get packages when the head node hands the work over. The answer is how many assignments are new.
///
/// # Errors
/// When a package is not known or a target is no client, or the database fails; then nothing is written.
pub fn assign<E: From<Error> + From<OperationError>>(
    store: &mut dyn Store,
    names: &[PackageName],
    clients: impl FnOnce(&Cluster) -> Result<BTreeSet<TargetId>, E>,
) -> Result<usize, E> {
    transact(store, |cluster| {
        check_packages(names)?;
        let packages = find_packages(cluster, names)?;
        let clients = clients(cluster)?;
        Ok(counted(requests::assign(cluster, &packages, &clients).map_err(OperationError::from)?))
    })
}

/// Stages that completed are to run again: for these packages, or for all where none are named. The answer is how many
/// stages of a package on a target were queued.
///
/// # Errors
/// When a stage has no work or a package is not known, or the database fails; then nothing is written.
pub fn rerun<E: From<Error> + From<OperationError>>(
    store: &mut dyn Store,
    stages: &BTreeSet<Stage>,
    names: &[PackageName],
    targets: impl FnOnce(&Cluster) -> Result<BTreeSet<TargetId>, E>,
) -> Result<usize, E> {
    transact(store, |cluster| {
        let packages = package_filter(cluster, names)?;
        let targets = targets(cluster)?;
        if stages.is_empty() {
            return Err(OperationError::NoStage.into());
        }
        let changes = reruns::rerun(cluster, stages, packages.as_ref(), &targets);
        Ok(with_queued(changes.map_err(OperationError::from)?))
    })
}

/// The configuration of packages is made anew, with all that depends on it. The answer is how many stages of a package
/// on a target were queued.
///
/// # Errors
/// When a package was never requested on the head node, or the database fails; then nothing is written.
pub fn reconfigure<E: From<Error> + From<OperationError>>(
    store: &mut dyn Store,
    names: &[PackageName],
) -> Result<usize, E> {
    transact(store, |cluster| {
        check_packages(names)?;
        let packages = find_packages(cluster, names)?;
        Ok(with_queued(reruns::reconfigure(cluster, &packages).map_err(OperationError::from)?))
    })
}

/// New versions of packages are installed where they are on some targets, and everything is done again that depends on
/// them. `to` is the version that is wanted; without it the newest that there is.
///
/// # Errors
/// When a package is on none of the targets or is held, or the database fails; then nothing is written.
pub fn upgrade<E: From<Error> + From<OperationError>>(
    store: &mut dyn Store,
    names: &[PackageName],
    targets: impl FnOnce(&Cluster) -> Result<BTreeSet<TargetId>, E>,
    to: Option<&str>,
    waves: Option<&Waves>,
    now: i64,
) -> Result<Upgraded, E> {
    transact(store, |cluster| {
        check_packages(names)?;
        let packages = find_packages(cluster, names)?;
        let targets = targets(cluster)?;
        let mut changes = reruns::upgrade(cluster, &packages, &targets, to).map_err(OperationError::from)?;
        let count = reruns::count_queued(&changes);
        let rollout = hold_back(cluster, &mut changes, waves, now);
        Ok((changes, Upgraded { count, rollout }))
    })
}

/// A rollout stops, goes on or ends; `decide` says what that changes, as the functions of [`rollouts`] do.
///
/// # Errors
/// When it is refused, or the database fails; then nothing is written.
pub fn change_rollout<E: From<Error> + From<OperationError>>(
    store: &mut dyn Store,
    decide: impl FnOnce(&Cluster) -> Result<Vec<Change>, RequestError>,
) -> Result<(), E> {
    transact(store, |cluster| Ok((decide(cluster).map_err(OperationError::from)?, ())))
}

/// Packages are not to be upgraded, or may be again. The answer is for how many of them that is new.
///
/// # Errors
/// When a package is not known, or the database fails; then nothing is written.
pub fn hold<E: From<Error> + From<OperationError>>(
    store: &mut dyn Store,
    names: &[PackageName],
    held: bool,
) -> Result<usize, E> {
    transact(store, |cluster| {
        check_packages(names)?;
        let packages = find_packages(cluster, names)?;
        Ok(counted(requests::hold(cluster, &packages, held)))
    })
}

/// Packages are forgotten with their configuration; their steps stay in the journal.
///
/// # Errors
/// When a package is not known or is still asked for or installed anywhere, or the database fails; then nothing is
/// written.
pub fn forget<E: From<Error> + From<OperationError>>(
    store: &mut dyn Store,
    names: &[PackageName],
) -> Result<usize, E> {
    transact(store, |cluster| {
        check_packages(names)?;
        let packages = find_packages(cluster, names)?;
        Ok(counted(requests::forget(cluster, &packages).map_err(OperationError::from)?))
    })
}

/// The cluster comes to a phase. Whether its tests pass is up to the caller.
///
/// # Errors
/// When the database fails; then nothing is written.
pub fn set_phase(store: &mut dyn Store, phase: Phase) -> Result<PhaseChange, Error> {
    transact(store, |cluster| {
        Ok((vec![Change::SetPhase(phase)], PhaseChange { before: cluster.phase, after: phase }))
    })
}

/// The packages of these names, all of which must be known.
///
/// # Errors
/// When one is not.
pub fn find_packages(cluster: &Cluster, names: &[PackageName]) -> Result<Vec<PackageId>, OperationError> {
    let find = |name: &PackageName| {
        let found = cluster.find_package(name).map(|package| package.id);
        found.ok_or_else(|| OperationError::UnknownPackage {
            name: name.clone(),
            suggestion: suggestion(cluster, name),
        })
    };
    names.iter().map(find).collect()
}

/// Of targets nothing is expected for a while; or everything again, where `absence` is none. The answer is the targets of
/// which that was not so before.
///
/// # Errors
/// When the database fails; then nothing is written.
pub fn set_absence<E: From<Error>>(
    store: &mut dyn Store,
    targets: impl FnOnce(&Cluster) -> Result<BTreeSet<TargetId>, E>,
    absence: Option<&Absence>,
) -> Result<Vec<TargetId>, E> {
    transact(store, |cluster| {
        let is_news = |target: &TargetId| absence.is_some() || cluster.absences.contains_key(target);
        let targets: Vec<TargetId> = targets(cluster)?.into_iter().filter(is_news).collect();
        let set = |target: &TargetId| Change::SetAbsence { target: *target, absence: absence.cloned() };
        Ok((targets.iter().map(set).collect(), targets))
    })
}

/// Reads, decides and writes while nobody else can write; what `decide` answers besides is handed on.
///
/// # Errors
/// When the database fails, or `decide` refuses; then nothing is written.
pub fn transact<T, E: From<Error>>(
    store: &mut dyn Store,
    decide: impl FnOnce(&Cluster) -> Result<(Vec<Change>, T), E>,
) -> Result<T, E> {
    let mut decide = Some(decide);
    let mut decided: Option<Result<T, E>> = None;
    store.update(&mut |cluster| {
        let Some(decide) = decide.take() else { return Vec::new() };
        match decide(cluster) {
            Ok((changes, answer)) => {
                decided = Some(Ok(answer));
                changes
            }
            Err(error) => {
                decided = Some(Err(error));
                Vec::new()
            }
        }
    })?;
    decided.unwrap_or_else(|| {
        Err(Error::Other { database: String::new(), reason: "the store did not load the cluster".into() }
            .into())
    })
}

fn check_packages(names: &[PackageName]) -> Result<(), OperationError> {
    if names.is_empty() { Err(OperationError::NoPackage) } else { Ok(()) }
}

/// The packages that are meant; all where none are named.
fn package_filter(
    cluster: &Cluster,
    names: &[PackageName],
) -> Result<Option<BTreeSet<PackageId>>, OperationError> {
    match names {
        [] => Ok(None),
        names => Ok(Some(find_packages(cluster, names)?.into_iter().collect())),
    }
}

fn counted(changes: Vec<Change>) -> (Vec<Change>, usize) {
    let count = changes.len();
    (changes, count)
}

/// Has what was asked for go out in waves, where that is wanted.
fn hold_back(
    cluster: &Cluster,
    changes: &mut Vec<Change>,
    waves: Option<&Waves>,
    now: i64,
) -> Option<RolloutId> {
    let held = rollouts::hold_back(cluster, changes, waves?, now);
    let id = held.iter().find_map(|change| match change {
        Change::PutRollout { id, .. } => Some(*id),
        _ => None,
    });
    changes.extend(held);
    id
}

fn with_queued(changes: Vec<Change>) -> (Vec<Change>, usize) {
    let count = reruns::count_queued(&changes);
    (changes, count)
}

fn new_package(cluster: &Cluster, change: &Change) -> Option<NewPackage> {
    match change {
        Change::PutPackage(package) => {
            let suggestion = suggestion(cluster, &package.name);
            Some(NewPackage { name: package.name.clone(), suggestion })
        }
        _ => None,
    }
}

/// The most similar name of a package that is known.
fn suggestion(cluster: &Cluster, name: &PackageName) -> Option<String> {
    let known = cluster.packages.values().map(|package| package.name.as_str());
    opkg::closest_match(name.as_str(), known).map(str::to_owned)
}
