//! Everything that an engine writes, as values: what is committed to the database is what is applied in memory.

use crate::event::{Ending, Event, EventId, RunId, Verdict};
use crate::{Key, Package, PackageId, Phase, Row, Stage, Target, TargetId, Value};

/// One change of the database. Several are committed together or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A package is asked for on a target. Creates its row where there is none, and touches nothing else of it.
    Request {
        /// Where and what.
        key: Key,
        /// To which stage.
        stage: Stage,
        /// When, in seconds since 1970.
        at: i64,
    },
    /// What an engine did: all of an existing row but what is requested, which others may change meanwhile.
    Progress(Key, Row),
    /// A target, new or changed.
    Target(Target),
    /// A target is no more, nor is anything that was on it. Its name stays in the journal.
    TargetGone(TargetId),
    /// A package, new or changed.
    Package(Package),
    /// A client is to get a package; with a time (seconds since 1970) it has been told.
    Assign {
        /// What.
        package: PackageId,
        /// Which client.
        client: TargetId,
        /// When the work was handed over.
        handed_over: Option<i64>,
    },
    /// A client is not to get a package any longer.
    Unassign {
        /// What.
        package: PackageId,
        /// Which client.
        client: TargetId,
    },
    /// `api-post-image` of a package has run for an image, or must run anew.
    ImageSeen {
        /// Whose hook.
        package: PackageId,
        /// Which image.
        image: TargetId,
        /// Whether it has run.
        seen: bool,
    },
    /// A stage that had completed runs again, or has done so.
    Rerun {
        /// Where and what.
        key: Key,
        /// Which stage.
        stage: Stage,
        /// Whether it waits to be run.
        queued: bool,
    },
    /// A package is configured: all its values in a context, in the order of its form.
    Configure {
        /// What.
        package: PackageId,
        /// For which image; without one for the whole cluster.
        image: Option<TargetId>,
        /// They replace all that were there.
        values: Vec<Value>,
        /// Nothing is replaced unless these are what is there, so that nobody's answer is lost to somebody who did
        /// not know it.
        instead_of: Option<Vec<Value>>,
    },
    /// The cluster has come to another phase.
    Phase(Phase),
    /// A run of the engine came to its end.
    RunEnded {
        /// Which run.
        run: RunId,
        /// In milliseconds since 1970.
        ended: i64,
        /// How.
        verdict: Verdict,
    },
    /// A step began.
    Event(Box<Event>),
    /// It came to an end.
    EventEnded {
        /// Which.
        event: EventId,
        /// How.
        ending: Box<Ending>,
    },
}

impl Change {
    /// The names of all kinds of changes.
    pub const NAMES: [&'static str; 14] = [
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
    ];

    /// The name of this kind of change. A kind without one in [`Self::NAMES`] does not compile.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Request { .. } => const { Self::NAMES[0] },
            Self::Progress(..) => const { Self::NAMES[1] },
            Self::Target(_) => const { Self::NAMES[2] },
            Self::TargetGone(_) => const { Self::NAMES[3] },
            Self::Package(_) => const { Self::NAMES[4] },
            Self::Assign { .. } => const { Self::NAMES[5] },
            Self::Unassign { .. } => const { Self::NAMES[6] },
            Self::ImageSeen { .. } => const { Self::NAMES[7] },
            Self::Rerun { .. } => const { Self::NAMES[8] },
            Self::Configure { .. } => const { Self::NAMES[9] },
            Self::Phase(_) => const { Self::NAMES[10] },
            Self::RunEnded { .. } => const { Self::NAMES[11] },
            Self::Event(_) => const { Self::NAMES[12] },
            Self::EventEnded { .. } => const { Self::NAMES[13] },
        }
    }
}
