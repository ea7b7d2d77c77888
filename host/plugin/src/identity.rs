//! What a plugin is, whichever world it implements.

use serde::{Deserialize, Serialize};

use crate::description::Description;
use crate::hook::RunnerDescription;

/// What a plugin says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Identity {
    /// It makes packages for a distribution.
    Distribution(Description),
    /// It runs hooks.
    HookRunner(RunnerDescription),
}

impl Identity {
    /// Fit for a file name.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Distribution(it) => &it.id,
            Self::HookRunner(it) => &it.id,
        }
    }

    /// Of the plugin itself.
    #[must_use]
    pub fn version(&self) -> &str {
        match self {
            Self::Distribution(it) => &it.version,
            Self::HookRunner(it) => &it.version,
        }
    }

    /// `demo 1.2`, as messages name the plugin.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} {}", self.id(), self.version())
    }
}

impl From<Description> for Identity {
    fn from(description: Description) -> Self {
        Self::Distribution(description)
    }
}

impl From<RunnerDescription> for Identity {
    fn from(description: RunnerDescription) -> Self {
        Self::HookRunner(description)
    }
}
