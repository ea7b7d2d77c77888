//! Whether package sources have what nobody knows.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use opkg_engine::engine::maintained_targets;
use opkg_oda::{Cluster, Error, PackageName, Store, Target, TargetId, TargetKind};
use opkg_opm::{Config, OffersError, System};

use crate::backend::create_reader;
use crate::errors::CliError;
use crate::session::Session;

/// No further target is asked after this time.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Of packages that the database does not know, those that a package source has: a directory in `opm.toml`, or whatever
/// the package managers of these targets know, the head node's first. Where everything is known, nobody is asked.
///
/// # Errors
/// When the database fails or the configuration is wrong. What a package manager cannot tell is only noted.
pub fn find_offered(
    session: &Session,
    store: &mut dyn Store,
    config: &Config,
    packages: &[PackageName],
    targets: impl FnOnce(&Cluster) -> Result<BTreeSet<TargetId>, CliError>,
) -> Result<BTreeSet<PackageName>, CliError> {
    let cluster = store.load_overview()?;
    let unknown = packages.iter().filter(|name| cluster.find_package(name).is_none());
    let (mut offered, mut left): (BTreeSet<PackageName>, BTreeSet<PackageName>) =
        unknown.cloned().partition(|name| config.offers(name));
    if left.is_empty() {
        return Ok(offered);
    }
    let (system, begin) = (create_reader(session)?, Instant::now());
    for target in askable_targets(session, &cluster, &targets(&cluster)?) {
        let names: Vec<PackageName> = left.iter().cloned().collect();
        match ask_target(&system, store, &cluster, target, &names)? {
            Ok(found) => {
                left.retain(|name| !found.contains(name));
                offered.extend(found);
            }
            Err(OffersError::NoManager(reason)) => session.shell.debug(&unasked(target, &reason)),
            Err(error) => session.shell.status(&unasked(target, &error.to_string())),
        }
        if left.is_empty() || begin.elapsed() >= TIME_LIMIT {
            break;
        }
    }
    Ok(offered)
}

fn unasked(target: &Target, reason: &str) -> String {
    format!("note: it is not known what the package sources of {} have: {reason}", target.address)
}

/// Those of the targets that are maintained from here, the head node first.
fn askable_targets<'a>(
    session: &Session,
    cluster: &'a Cluster,
    targets: &BTreeSet<TargetId>,
) -> Vec<&'a Target> {
    let Ok(own) = session.local_target(cluster) else { return Vec::new() };
    let maintained = maintained_targets(cluster, own);
    let mut found: Vec<&Target> = cluster
        .targets
        .values()
        .filter(|it| maintained.contains(&it.id) && targets.contains(&it.id))
        .collect();
    found.sort_by_key(|target| target.kind() != TargetKind::Server);
    found
}

/// Nobody else works on the target meanwhile.
fn ask_target(
    system: &System,
    store: &mut dyn Store,
    cluster: &Cluster,
    target: &Target,
    packages: &[PackageName],
) -> Result<Result<BTreeSet<PackageName>, OffersError>, CliError> {
    let _lock = match store.lock(&[target.id]) {
        Ok(Ok(lock)) => lock,
        Ok(Err(_)) => return Ok(Err(OffersError::Manager("another opm is at work there".to_owned()))),
        // Whoever may only request works on no target.
        Err(Error::Forbidden { reason, .. }) => return Ok(Err(OffersError::NoManager(reason))),
        Err(error) => return Err(error.into()),
    };
    Ok(system.find_offered(cluster, target.id, packages))
}
