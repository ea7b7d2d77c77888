//! Asking for what several programs ask for: the decisions of [`crate::requests`] put together, and written while
//! nobody else can write.

use std::collections::BTreeSet;
use std::path::PathBuf;

use opkg_oda::{Change, Cluster, Error, PackageId, PackageName, Stage, Store, TargetId};

use crate::requests::{self, Refusal};

/// What a request for packages by name comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The packages, in the order of their names.
    pub packages: Vec<PackageId>,
    /// Those that nobody knew before.
    pub adopted: Vec<PackageName>,
    /// Whether any of it was not requested already.
    pub is_new: bool,
    /// The cluster with it.
    pub cluster: Cluster,
}

/// Packages are to come to a stage on these targets, with all that they depend on; those that nobody knows become
/// known.
///
/// # Errors
/// When the stage is none that a package can be asked to come to.
pub fn request(
    cluster: &Cluster,
    names: &[PackageName],
    stage: Stage,
    on: &BTreeSet<TargetId>,
    now: i64,
) -> Result<(Vec<Change>, Asked), Refusal> {
    if stage == Stage::ShouldNotBeInstalled {
        return Err(Refusal::Removal(names.first().map_or_else(|| "P".into(), PackageName::to_string)));
    }
    let (packages, mut changes) = requests::adopt(cluster, names);
    let mut grown = cluster.clone();
    changes.iter().for_each(|it| grown.apply(it));
    let name = |change: &Change| match change {
        Change::Package(package) => Some(package.name.clone()),
        _ => None,
    };
    let adopted = changes.iter().filter_map(name).collect();
    let wanted = requests::request(&grown, &packages, stage, on, now);
    let is_new = wanted.iter().any(|it| matches!(it, Change::Request { .. }));
    changes.extend(wanted);
    Ok((changes, Asked { packages, adopted, is_new, cluster: grown }))
}

/// New versions of packages are to be installed wherever they are, and everything done again that depends on it.
///
/// # Errors
/// When one was never requested.
pub fn upgrade(cluster: &Cluster, packages: &[PackageId]) -> Result<Vec<Change>, Refusal> {
    let wanted: BTreeSet<PackageId> =
        cluster.all_rows().filter(|(_, row)| row.present()).map(|(key, _)| key.package).collect();
    if let Some(package) = packages.iter().find(|it| !wanted.contains(it)) {
        let (package, target) = (crate::words::name(cluster, *package), "any of the targets".to_owned());
        return Err(Refusal::NotRequested { package, target });
    }
    let everywhere = cluster.targets.keys().copied().collect();
    let chosen = packages.iter().copied().collect();
    requests::rerun(cluster, &requests::upgrade_stages(), Some(&chosen), &everywhere)
}

/// The packages that leave with these changes.
#[must_use]
pub fn leaving(changes: &[Change]) -> Vec<PackageId> {
    let requested = |change: &Change| match change {
        Change::Request { key, .. } => Some(key.package),
        _ => None,
    };
    let leaving: BTreeSet<PackageId> = changes.iter().filter_map(requested).collect();
    leaving.into_iter().collect()
}

/// Reads, decides and writes while nobody else can write; what `decide` answers besides is handed on.
///
/// # Errors
/// When the database fails, or `decide` refuses; then nothing is written.
pub fn change<T, E: From<Error>>(
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
        Err(Error::Other { path: PathBuf::new(), reason: "it did not let anything be decided".into() }.into())
    })
}
