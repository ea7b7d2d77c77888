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
    Remove(Remove, Result<(), StepFailure>),
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
            Step::Remove(remove) => Self::Remove(remove, Ok(())),
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
            Self::Remove(remove, _) => remove.key.target,
        }
    }

    /// How it ended, for the journal and for people.
    #[must_use]
    pub fn status(&self) -> StepStatus {
        match self {
            Self::VerifyInherited(_, result) => StepStatus::of(result),
            Self::Install(_, outcome) => outcome.status(),
            Self::Hook(_, result) | Self::Remove(_, result) => StepStatus::of(result),
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
