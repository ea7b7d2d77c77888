//! What a plugin is, whichever world it implements.

use serde::{Deserialize, Serialize};

use crate::hook::RunnerDescription;
use opkg_interface::DistributionDescription;

/// What a plugin says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PluginDescription {
    /// It makes packages for a distribution.
    Distribution(DistributionDescription),
    /// It runs hooks.
    HookRunner(RunnerDescription),
}

impl PluginDescription {
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
    pub fn name_and_version(&self) -> String {
        format!("{} {}", self.id(), self.version())
    }
}

impl From<DistributionDescription> for PluginDescription {
    fn from(description: DistributionDescription) -> Self {
        Self::Distribution(description)
    }
}

impl From<RunnerDescription> for PluginDescription {
    fn from(description: RunnerDescription) -> Self {
        Self::HookRunner(description)
    }
}
