//! The stage machine: what comes next, and what its end means. It reads and writes nothing but memory.

mod alike;
mod completion;
mod decision;
mod dependency_order;
mod hook;
mod outcome;
mod parts;
mod rollouts;
mod select;
mod slots;
mod stage_machine;
mod versions;
mod work;

pub use alike::representatives;
pub use decision::{BlockReason, Decision, NextStep, decide, images_awaiting_hook};
pub use dependency_order::DependencyOrder;
pub use hook::Hook;
pub use outcome::{
    ConfigureOutcome, FailureReasons, FinishedStep, InstallOutcome, RemoveFailure, RemoveOutcome,
    StepFailure, StepStatus,
};
pub use rollouts::RolloutProgress;
pub use stage_machine::{Scope, StageMachine};
pub use work::{
    AdvanceRollout, Configure, HookStep, Install, Remove, RolloutAdvance, SetStage, Step, VerifyInherited,
    WorkItem,
};
