//! What an administrator wants to see of a cluster.

mod advice;
mod cells;
mod cluster_status;
mod grouping;
mod groups;
mod kind;
mod rollouts;

pub use advice::{
    Advice, FailedSteps, SuggestedCommand, advise, describe_absence, further_sections, heading, suggest_clear,
};
pub use cells::{StatusCell, StatusFilter, StatusRow};
pub use cluster_status::Status;
pub use grouping::{PendingGroup, PostponedGroup, SilentGroup, StageFailure, UnseenGroup, VersionGroup};
pub use groups::TargetGroup;
pub use kind::StatusKind;
pub use rollouts::RolloutStatus;

pub use crate::format::target_label;

#[cfg(test)]
mod tests;
