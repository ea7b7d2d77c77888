//! Why native packages are not as they should be.

use std::io;
use std::path::PathBuf;

use opkg_engine::machine::StepFailure;

use super::legacy_scripts::SaveScriptError;
use super::package_manager_error::PackageManagerError;
use crate::hooks::HomeError;
use crate::process::Termination;

/// Why native packages are not as they should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackageError {
    #[error("the database has no such package")]
    UnknownPackage,
    #[error(transparent)]
    Manager(#[from] PackageManagerError),
    #[error("{0} is still there, although the removal was said to have succeeded")]
    StillThere(String),
    #[error("the removal took {} as well, which nobody asked for: `opm audit` shows what is missing now", .0.join(", "))]
    RemovedOthers(Vec<String>),
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error(transparent)]
    SaveScript(#[from] SaveScriptError),
    #[error("{} cannot be run: {error}", .script.display())]
    SavedScript { script: PathBuf, error: io::Error },
    #[error("the list of nodes cannot be written: {0}")]
    Environment(io::Error),
    #[error("{reason}")]
    Script { reason: String, termination: Termination },
}

impl PackageError {
    /// How the program ended that failed, where it was one.
    pub(crate) fn termination(&self) -> Option<&Termination> {
        match self {
            Self::Manager(error) => error.termination(),
            Self::Script { termination, .. } => Some(termination),
            _ => None,
        }
    }

    /// Whether something was stopped, so that nothing has failed.
    pub(crate) fn is_stop(&self) -> bool {
        self.termination() == Some(&Termination::Stopped)
    }
}

impl From<&PackageError> for StepFailure {
    fn from(error: &PackageError) -> Self {
        match error {
            _ if error.is_stop() => Self::Stopped,
            PackageError::Manager(cause) if cause.is_transient() => Self::Postponed(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}
