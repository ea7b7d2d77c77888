//! The parts that a stage consists of on the head node.

use opkg_oda::Stage;

use super::hook::Hook;

/// The hooks and the configurator, in their order, that make up a stage on the head node.
pub(super) fn stage_parts(stage: Stage) -> &'static [StagePart] {
    match stage {
        Stage::RunConfigurator => &[
            StagePart::Hook(Hook::PreConfigure),
            StagePart::Configurator,
            StagePart::Hook(Hook::PostConfigure),
        ],
        Stage::PostClients => &[StagePart::Hook(Hook::PostClientdef)],
        Stage::PostInstall => &[StagePart::Hook(Hook::PostDeploy)],
        _ => &[],
    }
}

/// A part of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StagePart {
    Hook(Hook),
    Configurator,
}
