//! Programs for targets: how they are started, watched and logged, and what crashed runs have left of them.
//!
//! | module | holds |
//! |---|---|
//! | `spec`, `termination` | what is run, and how it ended |
//! | `running`, `executable` | one program, from its start to its end |
//! | `executor`, `chroot` | running a program for a target, inside its root where need be |
//! | `step_log`, `tail`, `trace` | what programs printed |
//! | `stop` | requests to stop |
//! | `tag`, `orphans`, `liveness`, `proc_stat` | finding the processes of a crashed run |

mod chroot;
mod executable;
mod executor;
mod liveness;
mod orphans;
mod proc_stat;
mod running;
mod spec;
mod step_log;
mod stop;
mod tag;
mod tail;
mod termination;
mod trace;

pub use chroot::enter_root;
pub(crate) use executable::{ExecutableError, find_in_path};
pub(crate) use executor::{DEFAULT_PATH, ExecRequest, Executor, describe_failure};
pub(crate) use liveness::is_run_alive;
pub(crate) use orphans::{CleanUpLimits, clean_up_orphans};
pub(crate) use proc_stat::ProcStat;
pub(crate) use spec::{Account, OutputMode, Timeout};
pub(crate) use step_log::{LogError, StepLog};
pub use stop::StopToken;
pub(crate) use tag::{ProcessRole, ProcessTag};
pub(crate) use termination::{HumanDuration, Termination};
pub(crate) use trace::finish_trace;
