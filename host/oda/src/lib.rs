//! The database of a cluster (ODA): for every package on every target, the stage that is requested and the stage
//! that is current.
//!
//! Types first, all of them plain values: [`Cluster`] is what the database holds, [`Change`] what is written to it.
//! [`Store`] is what an engine needs of a database, whichever it is.

mod change;
mod cluster;
mod config;
pub mod crash;
mod event;
pub mod export;
mod import;
mod invalid;
mod lock;
mod old;
mod package;
mod phase;
mod row;
mod rows;
mod sqlite;
mod stage;
mod store;
mod target;

pub use change::Change;
pub use cluster::Cluster;
pub use config::{Origin, Value};
pub use event::{Ending, Event, EventId, Run, RunId, Step, Verdict};
pub use import::{Wrong, import};
pub use invalid::Invalid;
pub use old::{Finding, Imported, import as import_old};
pub use package::{Class, Package, PackageId, PackageName};
pub use phase::Phase;
pub use row::{Failure, Key, Row, State};
pub use rows::Rows;
pub use sqlite::{Options, Sqlite};
pub use stage::Stage;
pub use store::{Error, Holder, Lock, Store, Wanted};
pub use target::{Address, Kind, Target, TargetId, TargetName};
