//! The eight stages of a package on a target.

use std::fmt;

use crate::{ParseError, Phase, TargetKind};

/// How far a package is on a target. The ids and names are those of ODA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Stage {
    /// Nothing of it is there.
    ShouldNotBeInstalled = 1,
    /// Its api part is on the head node.
    ShouldBeInstalled = 2,
    /// Its configurator has run.
    RunConfigurator = 3,
    /// Its server part, or its client part, is installed.
    InstallBinPkgs = 4,
    /// It has seen every image that holds it.
    PostImage = 5,
    /// It knows the clients, and they have their work.
    PostClients = 6,
    /// It has seen the clients up.
    PostInstall = 7,
    /// Nothing is left to do.
    Finished = 8,
}

impl Stage {
    pub const ALL: [Self; 8] = [
        Self::ShouldNotBeInstalled,
        Self::ShouldBeInstalled,
        Self::RunConfigurator,
        Self::InstallBinPkgs,
        Self::PostImage,
        Self::PostClients,
        Self::PostInstall,
        Self::Finished,
    ];

    /// ODA's number, 1 to 8.
    #[must_use]
    pub const fn id(self) -> u8 {
        self as u8
    }

    /// The stage with a number of ODA's.
    #[must_use]
    pub fn from_id(id: i64) -> Option<Self> {
        let index = usize::try_from(id).ok()?.checked_sub(1)?;
        Self::ALL.get(index).copied()
    }

    /// ODA's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ShouldNotBeInstalled => "should_not_be_installed",
            Self::ShouldBeInstalled => "should_be_installed",
            Self::RunConfigurator => "run-configurator",
            Self::InstallBinPkgs => "install-bin-pkgs",
            Self::PostImage => "post-image",
            Self::PostClients => "post-clients",
            Self::PostInstall => "post-install",
            Self::Finished => "finished",
        }
    }

    /// The following stage.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        Self::from_id(i64::from(self.id()) + 1)
    }

    /// The phase that the cluster must have reached before the stage may run on a target of this kind. What
    /// clients do after the hand-over requires no later phase than that of their images.
    #[must_use]
    pub fn required_phase(self, kind: TargetKind) -> Option<Phase> {
        let phase = match self {
            Self::ShouldNotBeInstalled | Self::Finished => return None,
            Self::ShouldBeInstalled | Self::RunConfigurator => Phase::SetupWizard,
            Self::InstallBinPkgs => Phase::BuildImage,
            Self::PostImage => Phase::AddClients,
            Self::PostClients => Phase::PostInstall,
            Self::PostInstall => Phase::TestInstall,
        };
        Some(if kind == TargetKind::Client { phase.min(Phase::BuildImage) } else { phase })
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for Stage {
    type Err = ParseError;

    /// Takes ODA's names with `_` and `-` alike, with or without the prefix `run-script-`, and the numbers.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let normalize = |name: &str| name.replace('_', "-").to_lowercase();
        let wanted = normalize(text.trim());
        let wanted = wanted.strip_prefix("run-script-").unwrap_or(&wanted);
        Self::ALL
            .into_iter()
            .find(|stage| normalize(stage.name()) == wanted || stage.id().to_string() == wanted)
            .ok_or_else(|| ParseError::new("stage", text, Self::ALL.map(Self::name).join(", ")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_way_to_write_a_stage() {
        for stage in Stage::ALL {
            for written in [
                stage.name().to_owned(),
                stage.name().replace('_', "-"),
                stage.name().replace('-', "_"),
                format!("run-script-{}", stage.name()),
                format!("run_script_{}", stage.name()),
                format!(" {}", stage.id()),
            ] {
                assert_eq!(written.parse::<Stage>().unwrap(), stage, "{written}");
            }
            assert_eq!(Stage::from_id(stage.id().into()), Some(stage));
        }
        for wrong in ["", "0", "9", "post", "run-script-", "-1"] {
            assert!(wrong.parse::<Stage>().is_err(), "{wrong}");
        }
        assert_eq!(Stage::from_id(0), None);
        assert_eq!(Stage::from_id(i64::MIN), None);
    }

    #[test]
    fn gates_of_the_specification() {
        use Phase as P;
        let gates = |kind| Stage::ALL.map(|it| it.required_phase(kind));
        let head = [
            None,
            Some(P::SetupWizard),
            Some(P::SetupWizard),
            Some(P::BuildImage),
            Some(P::AddClients),
            Some(P::PostInstall),
            Some(P::TestInstall),
            None,
        ];
        assert_eq!(gates(TargetKind::Server), head);
        assert_eq!(gates(TargetKind::Image), head);
        let client = head.map(|it| it.map(|phase| phase.min(P::BuildImage)));
        assert_eq!(gates(TargetKind::Client), client);
    }
}
