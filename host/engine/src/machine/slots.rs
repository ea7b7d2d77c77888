//! The order in which a pass looks for work.

use std::collections::BTreeSet;

use opkg_oda::Stage;

/// Where a pass has come to.
#[derive(Debug, Clone, Default)]
pub(super) struct Cursor {
    pub(super) slot: usize,
    /// The first of the slot's targets, by its place in their order, that was not asked for work yet.
    pub(super) target: usize,
    /// Those before it that had work when they were asked last, and may have more.
    pub(super) unfinished: BTreeSet<usize>,
}

/// A part of a pass: one kind of work for one stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Slot {
    /// Requests that go out in waves.
    Rollouts,
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
pub(super) const SLOTS: [Slot; 20] = [
    Slot::Rollouts,
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
