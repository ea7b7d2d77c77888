//! The order in which a pass looks for work.

use opkg_oda::Stage;

/// Where a pass has come to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cursor {
    pub(super) slot: usize,
    /// Index into the targets of the slot.
    pub(super) target: usize,
}

/// A part of a pass: one kind of work for one stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// Rows that a crashed run has left in state `running`, and which have nothing to do now.
    Interrupted,
    VerifyInherited,
    /// Rows that come down to a stage without work.
    Lower(Stage),
    Remove,
    /// Rows that come through a stage without work.
    SetStage(Stage),
    /// Rows for which the stage is work.
    RunStage(Stage),
}

/// The slots of a pass, in their order.
pub(super) const SLOTS: [Slot; 19] = [
    Slot::Interrupted,
    Slot::VerifyInherited,
    Slot::Lower(Stage::InstallBinPkgs),
    Slot::Remove,
    Slot::Lower(Stage::ShouldNotBeInstalled),
    Slot::SetStage(Stage::ShouldBeInstalled),
    Slot::RunStage(Stage::ShouldBeInstalled),
    Slot::SetStage(Stage::RunConfigurator),
    Slot::RunStage(Stage::RunConfigurator),
    Slot::SetStage(Stage::InstallBinPkgs),
    Slot::RunStage(Stage::InstallBinPkgs),
    Slot::RunStage(Stage::PostImage),
    Slot::SetStage(Stage::PostImage),
    Slot::RunStage(Stage::PostClients),
    Slot::SetStage(Stage::PostClients),
    Slot::RunStage(Stage::PostInstall),
    Slot::SetStage(Stage::PostInstall),
    Slot::RunStage(Stage::Finished),
    Slot::SetStage(Stage::Finished),
];
