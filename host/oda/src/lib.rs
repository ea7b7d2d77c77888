//! The database of a cluster (ODA): for every package on every target, the stage that is requested and the stage
//! that is current.
//!
//! Types first, all of them plain values: [`Cluster`] is what the database holds, [`Change`] what is written to it.
//! [`Store`] is what an engine needs of a database, whichever it is.

mod absence;
mod assignments;
mod change;
mod cluster;
pub mod cluster_builder;
mod command_record;
mod config;
pub mod crash;
mod error;
mod event;
pub mod export;
mod import;
mod mysql_import;
mod package;
mod package_state;
mod package_states;
mod parse_error;
mod phase;
pub mod process_identity;
mod pruning;
mod rights;
mod rollout;
mod stage;
mod store;
pub mod tables;
mod target;

pub use absence::{Absence, AbsenceKind};
pub use assignments::Assignments;
pub use change::Change;
pub use cluster::Cluster;
pub use command_record::CommandRecord;
pub use config::{ConfigValue, ConfigValues, ValueOrigin};
pub use error::Error;
pub use event::{Event, EventId, Run, RunId, RunStatus, StepKind, StepResult};
pub use import::{ImportError, import};
pub use mysql_import::{ImportReport, ImportWarning, NotADump, import as import_mysql};
pub use package::{Package, PackageClass, PackageId, PackageName};
pub use package_state::{PackageState, StageFailure, StateKey, WorkState};
pub use package_states::{PackageStates, StateEntry};
pub use parse_error::ParseError;
pub use phase::Phase;
pub use process_identity::ProcessIdentity;
pub use pruning::{PrunableStep, PruneOrder, StepTotal};
pub use rights::Rights;
pub use rollout::{Rollout, RolloutId, RolloutOrder, RolloutState, Share, WaveState};
pub use stage::Stage;
pub use store::{
    Delivered, EventFilter, Glance, LastSeen, Lock, LockHolder, PurgeCounts, PurgeOrder, Recorded, Store,
    UnfinishedRun, record_command,
};
pub use target::{Target, TargetAddress, TargetId, TargetKind, TargetName};
