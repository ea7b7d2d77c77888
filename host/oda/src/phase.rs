//! How far the installation of the cluster has come.

use std::fmt;

use crate::ParseError;

/// One explicit value for the whole cluster, moved by its administrator, never inferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum Phase {
    /// Packages are chosen and configured.
    #[default]
    SetupWizard = 1,
    /// The head node becomes a server.
    InstallServer = 2,
    /// Images are built.
    BuildImage = 3,
    /// The nodes are made known.
    AddClients = 4,
    /// The nodes boot from the network.
    Netboot = 5,
    /// The nodes are up.
    PostInstall = 6,
    /// The cluster is tested.
    TestInstall = 7,
}

impl Phase {
    pub const ALL: [Self; 7] = [
        Self::SetupWizard,
        Self::InstallServer,
        Self::BuildImage,
        Self::AddClients,
        Self::Netboot,
        Self::PostInstall,
        Self::TestInstall,
    ];

    /// The phase with this id in the database.
    #[must_use]
    pub fn from_id(id: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| i64::from(*phase as u8) == id)
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SetupWizard => "setup-wizard",
            Self::InstallServer => "install_server",
            Self::BuildImage => "build_image",
            Self::AddClients => "addclients",
            Self::Netboot => "netboot",
            Self::PostInstall => "post_install",
            Self::TestInstall => "test_install",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for Phase {
    type Err = ParseError;

    /// Takes `_` and `-` alike.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let normalize = |name: &str| name.replace('_', "-").to_lowercase();
        let wanted = normalize(text.trim());
        Self::ALL
            .into_iter()
            .find(|phase| normalize(phase.name()) == wanted)
            .ok_or_else(|| ParseError::new("phase", text, Self::ALL.map(Self::name).join(", ")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn phases_are_ordered_and_named() {
        assert!(Phase::ALL.is_sorted());
        for phase in Phase::ALL {
            assert_eq!(phase.name().replace('_', "-").parse::<Phase>().unwrap(), phase);
        }
        let error = "build".parse::<Phase>().unwrap_err().to_string();
        assert!(error.contains("build_image"), "{error}");
    }
}
