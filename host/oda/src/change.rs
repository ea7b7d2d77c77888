//! Everything that an engine writes, as values: what is committed to the database is what is applied in memory.

use crate::event::{Ending, Event, EventId, RunId, Verdict};
use crate::{Key, Package, PackageId, Phase, Row, Stage, Target, TargetId};

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
