//! Everything that an engine writes, as values: what is committed to the database is what is applied in memory.

use crate::event::{Event, EventId, RunId, RunStatus, StepResult};
use crate::{
    Absence, CommandRecord, ConfigValue, Package, PackageId, PackageState, Phase, RolloutId, RolloutOrder,
    RolloutState, Stage, StateKey, Target, TargetId, WaveState,
};

/// One change of the database. Several are committed together or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A package is asked for on a target. Creates its state where there is none, and changes nothing else of it.
    Request {
        key: StateKey,
        stage: Stage,
        /// In seconds since 1970.
        requested_at: i64,
    },
    /// The result of work: all of an existing state but `requested`, which others may change at the same time.
    UpdateState(StateKey, PackageState),
    /// A target, new or changed.
    PutTarget(Target),
    /// A target is removed with everything that was on it. Its name stays in the journal.
    RemoveTarget(TargetId),
    /// A package, new or changed.
    PutPackage(Package),
    /// A package that is nowhere is forgotten, with its configuration. Its name stays in the journal.
    RemovePackage(PackageId),
    /// The native packages of other OPKGs that a package requires, by their names; they replace all that were there.
    SetRequirements { package: PackageId, names: Vec<String> },
    /// A package is not to be upgraded, or may be again.
    SetHeld { package: PackageId, held: bool },
    /// Which version of a package is wanted, whatever it says itself.
    PinVersion {
        package: PackageId,
        /// Absent for the newest one that is known.
        version: Option<String>,
    },
    /// Which version of a package is installed on a target, as its package manager says it.
    SetInstalledVersion {
        key: StateKey,
        /// Absent where nobody knows, or nothing is installed.
        version: Option<String>,
    },
    /// A step for a package on a target found something in its way that passes by itself.
    SetPostponed {
        key: StateKey,
        /// What; absent where that has passed. A step that begins or fails ends it as well.
        reason: Option<String>,
    },
    /// What tells the root of a target from any other one.
    SetRootId {
        target: TargetId,
        /// Absent where none was given.
        id: Option<String>,
    },
    /// Nothing is expected of a target, or something is again.
    SetAbsence { target: TargetId, absence: Option<Absence> },
    /// A rollout, new and then under way, or asked for in other terms.
    PutRollout { id: RolloutId, order: Box<RolloutOrder> },
    /// A rollout goes on, stops, or ends; one that has ended stays so, and is about no target any more.
    SetRolloutState { rollout: RolloutId, state: RolloutState },
    /// A rollout is about a target as well, or lets it go; that only while it is under way.
    SetWave { rollout: RolloutId, target: TargetId, state: WaveState },
    /// A client is to get a package.
    Assign {
        package: PackageId,
        client: TargetId,
        /// When the work was handed over, in seconds since 1970; absent before that.
        handed_over_at: Option<i64>,
    },
    /// A client is not to get a package any longer.
    Unassign { package: PackageId, client: TargetId },
    /// `api-post-image` of a package has run for an image, or must run anew.
    SetImageSeen { package: PackageId, image: TargetId, seen: bool },
    /// A stage that had completed runs again, or has done so.
    SetRerun {
        key: StateKey,
        stage: Stage,
        /// Whether it is queued.
        queued: bool,
    },
    /// A package is configured: all its values in a context, in the order of its form.
    SetValues {
        package: PackageId,
        /// For which image; without one for the whole cluster.
        image: Option<TargetId>,
        /// They replace all that were there.
        values: Vec<ConfigValue>,
        /// Compare-and-swap on the current values: nothing is replaced unless they are these.
        expected: Option<Vec<ConfigValue>>,
    },
    /// The cluster is in another phase.
    SetPhase(Phase),
    /// A run of the engine ended.
    EndRun {
        run: RunId,
        /// In milliseconds since 1970.
        ended_at: i64,
        status: RunStatus,
    },
    /// A step began.
    StartEvent(Box<Event>),
    /// A step ended.
    EndEvent { event: EventId, result: Box<StepResult> },
    /// Somebody gave the command that all of this is about; the database sets its `role` itself.
    RecordCommand(Box<CommandRecord>),
}

impl Change {
    /// The names of all kinds of changes.
    pub const NAMES: [&'static str; 26] = [
        "request",
        "progress",
        "target",
        "target-gone",
        "package",
        "assign",
        "unassign",
        "image-seen",
        "rerun",
        "configure",
        "phase",
        "run-ended",
        "event",
        "event-ended",
        "package-gone",
        "requirements",
        "hold",
        "pin",
        "version",
        "root-id",
        "postponed",
        "command",
        "absence",
        "rollout",
        "rollout-state",
        "wave",
    ];

    /// The name of this kind of change. A kind without one in [`Self::NAMES`] does not compile.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Request { .. } => const { Self::NAMES[0] },
            Self::UpdateState(..) => const { Self::NAMES[1] },
            Self::PutTarget(_) => const { Self::NAMES[2] },
            Self::RemoveTarget(_) => const { Self::NAMES[3] },
            Self::PutPackage(_) => const { Self::NAMES[4] },
            Self::Assign { .. } => const { Self::NAMES[5] },
            Self::Unassign { .. } => const { Self::NAMES[6] },
            Self::SetImageSeen { .. } => const { Self::NAMES[7] },
            Self::SetRerun { .. } => const { Self::NAMES[8] },
            Self::SetValues { .. } => const { Self::NAMES[9] },
            Self::SetPhase(_) => const { Self::NAMES[10] },
            Self::EndRun { .. } => const { Self::NAMES[11] },
            Self::StartEvent(_) => const { Self::NAMES[12] },
            Self::EndEvent { .. } => const { Self::NAMES[13] },
            Self::RemovePackage(_) => const { Self::NAMES[14] },
            Self::SetRequirements { .. } => const { Self::NAMES[15] },
            Self::SetHeld { .. } => const { Self::NAMES[16] },
            Self::PinVersion { .. } => const { Self::NAMES[17] },
            Self::SetInstalledVersion { .. } => const { Self::NAMES[18] },
            Self::SetRootId { .. } => const { Self::NAMES[19] },
            Self::SetPostponed { .. } => const { Self::NAMES[20] },
            Self::RecordCommand(_) => const { Self::NAMES[21] },
            Self::SetAbsence { .. } => const { Self::NAMES[22] },
            Self::PutRollout { .. } => const { Self::NAMES[23] },
            Self::SetRolloutState { .. } => const { Self::NAMES[24] },
            Self::SetWave { .. } => const { Self::NAMES[25] },
        }
    }
}
