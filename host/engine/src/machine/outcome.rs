//! How steps end: each kind of them in its own ways.

use std::collections::{BTreeMap, BTreeSet};

use opkg_oda::{ConfigValues, PackageId, TargetId};

use crate::packages::PackageMetadata;

use super::work::{Configure, HookStep, Install, Remove, Step, VerifyInherited};

/// Why a step did not do what it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepFailure {
    /// It failed; the reason in one line.
    Failed(String),
    /// Something was in its way that passes by itself; what, in one line. Nothing has changed.
    Postponed(String),
    /// It was stopped on request before it was done.
    Stopped,
}

/// What came of an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstallOutcome {
    /// The transaction came to an end, not for all of its packages a good one.
    Installed {
        /// What packages were found to say of themselves, now that they are installed: class, version, dependencies.
        metadata: Vec<PackageMetadata>,
        /// Packages that failed all the same, with the reason in one line each.
        failures: BTreeMap<PackageId, String>,
        /// Packages that are as they were, since others failed, with what the manager said in one line. They go one by
        /// one.
        untouched: BTreeMap<PackageId, String>,
    },
    /// The transaction failed as a whole, with the reason in one line. Its packages are tried one by one to find the
    /// culprit.
    TransactionFailed(String),
    /// No transaction could be begun, with the reason in one line.
    Failed(String),
    /// Something was in its way that passes by itself; what, in one line. Nothing has changed.
    Postponed(String),
    /// It was stopped on request before it was done.
    Stopped,
}

impl InstallOutcome {
    /// All packages are installed, and say nothing new of themselves.
    #[must_use]
    pub fn installed() -> Self {
        Self::Installed { metadata: Vec::new(), failures: BTreeMap::new(), untouched: BTreeMap::new() }
    }
}

/// What came of a removal, package by package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemoveOutcome {
    /// Packages that have not come down to the stage, each with the reason. All others have.
    pub remaining: BTreeMap<PackageId, RemoveFailure>,
}

/// Why a package has not come down to a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoveFailure {
    /// Its own removal failed, or did not come to its end.
    Own(StepFailure),
    /// It is as it was, or not known to be gone as it should, since others failed, with what the manager said in one line.
    /// Such packages go one by one.
    Untouched(String),
    /// Nothing was done to it, since another one that needs it has not left.
    Held,
}

impl RemoveOutcome {
    /// All packages have left.
    #[must_use]
    pub fn removed() -> Self {
        Self::default()
    }

    /// None of these packages has left, all for one reason.
    #[must_use]
    pub fn failed(packages: &[PackageId], failure: &StepFailure) -> Self {
        let failed = packages.iter().map(|package| (*package, RemoveFailure::Own(failure.clone())));
        Self { remaining: failed.collect() }
    }
}

/// What came of the configurator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigureOutcome {
    /// It made these values of the answers that it was given.
    Configured(ConfigValues),
    /// The administrator must do something first; what, in one line.
    ActionRequired(String),
    /// It failed; the reason in one line.
    Failed(String),
    /// It was stopped on request before it was done.
    Stopped,
}

/// A step, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FinishedStep {
    /// Of the packages that were looked for, these are there.
    VerifyInherited(VerifyInherited, Result<BTreeSet<PackageId>, StepFailure>),
    /// A transaction of the package manager.
    Install(Install, InstallOutcome),
    /// A hook, or that a package does not have it.
    Hook(HookStep, Result<(), StepFailure>),
    /// A configurator, or that a package has no form.
    Configure(Configure, ConfigureOutcome),
    /// A removal.
    Remove(Remove, RemoveOutcome),
}

/// How a step ended, whatever its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepStatus {
    /// All of it is done.
    Done,
    /// It failed.
    Failed(FailureReasons),
    /// The administrator must do something first; what, in one line.
    ActionRequired(String),
    /// Something was in its way that passes by itself; what, in one line. It is still due.
    Postponed(String),
    /// It was stopped on request.
    Stopped,
}

/// Why a step failed, in one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureReasons {
    /// The step as a whole.
    Whole(String),
    /// Some of its packages, each for its own reason.
    ByPackage(BTreeMap<PackageId, String>),
}

impl FinishedStep {
    /// The step, as if everything had gone well: all that was looked for is there, and nothing is known that was not
    /// known before.
    #[must_use]
    pub fn succeeded(step: &Step) -> Self {
        match step.clone() {
            Step::VerifyInherited(verify) => {
                let present = verify.packages.iter().copied().collect();
                Self::VerifyInherited(verify, Ok(present))
            }
            Step::Install(install) => Self::Install(install, InstallOutcome::installed()),
            Step::Hook(hook) => Self::Hook(hook, Ok(())),
            Step::Configure(configure) => {
                Self::Configure(configure, ConfigureOutcome::Configured(ConfigValues::new()))
            }
            Step::Remove(remove) => Self::Remove(remove, RemoveOutcome::removed()),
        }
    }

    /// The target on which it was done.
    #[must_use]
    pub fn target(&self) -> TargetId {
        match self {
            Self::VerifyInherited(verify, _) => verify.target,
            Self::Install(install, _) => install.target,
            Self::Hook(hook, _) => hook.key.target,
            Self::Configure(configure, _) => configure.key.target,
            Self::Remove(remove, _) => remove.target,
        }
    }

    /// How it ended, for the journal and for people.
    #[must_use]
    pub fn status(&self) -> StepStatus {
        match self {
            Self::VerifyInherited(_, result) => StepStatus::of(result),
            Self::Install(_, outcome) => outcome.status(),
            Self::Hook(_, result) => StepStatus::of(result),
            Self::Remove(remove, outcome) => outcome.status(remove),
            Self::Configure(_, outcome) => outcome.status(),
        }
    }
}

impl StepStatus {
    /// Of a step that does not fail in ways of its own.
    #[must_use]
    pub fn of<T>(result: &Result<T, StepFailure>) -> Self {
        match result {
            Ok(_) => Self::Done,
            Err(StepFailure::Failed(reason)) => Self::failed(reason),
            Err(StepFailure::Postponed(reason)) => Self::Postponed(reason.clone()),
            Err(StepFailure::Stopped) => Self::Stopped,
        }
    }

    fn failed(reason: &str) -> Self {
        Self::Failed(FailureReasons::Whole(reason.to_owned()))
    }
}

impl InstallOutcome {
    fn status(&self) -> StepStatus {
        match self {
            Self::Installed { failures, untouched, .. } if failures.is_empty() && untouched.is_empty() => {
                StepStatus::Done
            }
            // Where the culprit is known, the others have nothing to say.
            Self::Installed { failures, untouched, .. } => {
                let told = if failures.is_empty() { untouched } else { failures };
                StepStatus::Failed(FailureReasons::ByPackage(told.clone()))
            }
            Self::Postponed(reason) => StepStatus::Postponed(reason.clone()),
            Self::TransactionFailed(reason) | Self::Failed(reason) => StepStatus::failed(reason),
            Self::Stopped => StepStatus::Stopped,
        }
    }
}

impl RemoveOutcome {
    fn status(&self, remove: &Remove) -> StepStatus {
        let (mut failed, mut untouched, mut rest) = (BTreeMap::new(), BTreeMap::new(), StepStatus::Done);
        for (package, failure) in &self.remaining {
            match failure {
                RemoveFailure::Own(StepFailure::Failed(reason)) => {
                    failed.insert(*package, reason.clone());
                }
                RemoveFailure::Untouched(reason) => {
                    untouched.insert(*package, reason.clone());
                }
                RemoveFailure::Held => {}
                RemoveFailure::Own(StepFailure::Postponed(reason)) => {
                    rest = StepStatus::Postponed(reason.clone());
                }
                RemoveFailure::Own(StepFailure::Stopped) => rest = StepStatus::Stopped,
            }
        }
        // Where the culprit is known, the others have nothing to say.
        let is_unknown = failed.is_empty();
        let told = if is_unknown { untouched } else { failed };
        let Some(reason) = told.values().next() else { return rest };
        let is_silent = |package| is_unknown && self.remaining.get(package) == Some(&RemoveFailure::Held);
        match remove.packages.iter().all(|package| told.get(package) == Some(reason) || is_silent(package)) {
            true => StepStatus::failed(reason),
            false => StepStatus::Failed(FailureReasons::ByPackage(told)),
        }
    }
}

impl ConfigureOutcome {
    fn status(&self) -> StepStatus {
        match self {
            Self::Configured(_) => StepStatus::Done,
            Self::ActionRequired(what) => StepStatus::ActionRequired(what.clone()),
            Self::Failed(reason) => StepStatus::failed(reason),
            Self::Stopped => StepStatus::Stopped,
        }
    }
}
