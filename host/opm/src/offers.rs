//! Which OPKGs the package sources of a target have, asked outside of any run.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use opkg_oda::{Cluster, PackageName, RunId, TargetId};

use crate::packages::{FindManagerError, ManagerContext, PackageManager, PackageManagerError, PackagePart};
use crate::process::{LogError, ProcessRole, StepLog};
use crate::roots::{RootError, TargetRoot};
use crate::system::System;

/// The time for each command: somebody waits for the answer, and can do without it.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// From being asked to end until it is killed.
const GRACE: Duration = Duration::from_secs(1);

/// Stands for the run of a program that belongs to none.
const NO_RUN: RunId = RunId(0);

/// Why it is not known what the package sources of a target have.
#[derive(Debug, thiserror::Error)]
pub enum OffersError {
    /// The database has no such target, its root cannot be used, or no plugin knows the distribution there.
    #[error("{0}")]
    NoManager(String),
    /// The package manager failed, was stopped, or took too long.
    #[error("{0}")]
    Manager(String),
    /// Nothing can be written where programs are recorded while they run.
    #[error("no temporary directory: {0}")]
    Scratch(io::Error),
}

impl System {
    /// Which of these OPKGs the package sources of a target have, any part of them: those of its own configuration and those
    /// of `opm.toml`. Where its package manager cannot tell, none. It takes seconds, and needs the lock on the target as
    /// a run does.
    ///
    /// # Errors
    /// See [`OffersError`]: nobody could be asked, or the answer did not come in time.
    pub fn find_offered(
        &self,
        cluster: &Cluster,
        target: TargetId,
        packages: &[PackageName],
    ) -> Result<BTreeSet<PackageName>, OffersError> {
        let target = cluster
            .targets
            .get(&target)
            .ok_or_else(|| OffersError::NoManager("the database has no such target".to_owned()))?;
        let mut config = self.config.clone();
        config.limits.package_manager = TIME_LIMIT.min(config.limits.package_manager);
        config.limits.grace = GRACE.min(config.limits.grace);
        let root = TargetRoot::of_target(target)?;
        let manager = PackageManager::find(self.registry(), &root, target, &config)?;
        let directory = tempfile::tempdir().map_err(OffersError::Scratch)?;
        let path = directory.path().join("log");
        let mut log = StepLog::create(&path).map_err(|error| LogError { path, error })?;
        // It only reads, so it may be killed.
        let tag = self.process_tag(NO_RUN, ProcessRole::Script);
        let context = ManagerContext { executor: &self.executor, config: &config, root: &root, tag: &tag };
        let names: Vec<String> = packages
            .iter()
            .flat_map(|package| PackagePart::ALL.map(|part| part.native_name(package.as_str())))
            .collect();
        let offers = manager.offers(&names, &context, &mut log)?.unwrap_or_default();
        let is_offered = |package: &&PackageName| {
            let natives = PackagePart::ALL.map(|part| part.native_name(package.as_str()));
            offers.iter().any(|offer| natives.contains(&offer.name))
        };
        Ok(packages.iter().filter(is_offered).cloned().collect())
    }
}

impl From<RootError> for OffersError {
    fn from(error: RootError) -> Self {
        Self::NoManager(error.to_string())
    }
}

impl From<FindManagerError> for OffersError {
    fn from(error: FindManagerError) -> Self {
        Self::NoManager(error.to_string())
    }
}

impl From<PackageManagerError> for OffersError {
    fn from(error: PackageManagerError) -> Self {
        Self::Manager(error.to_string())
    }
}

impl From<LogError> for OffersError {
    fn from(LogError { error, .. }: LogError) -> Self {
        Self::Scratch(error)
    }
}
