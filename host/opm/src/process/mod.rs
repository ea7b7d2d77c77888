//! Programs for targets: how they are started, watched and logged, and what crashed runs have left of them.
//!
//! | module | holds |
//! |---|---|
//! | `spec`, `termination` | what is run, and how it ended |
//! | `running`, `spawn` | one program, from its start to its end |
//! | `executor` | running a program for a target, confined to its root where that has one |
//! | `launch`, `launch_spec`, `program`, `executable` | this program as the launcher of others, and what that gives them |
//! | `init`, `sandbox`, `mount_table` | what a confined program sees, and what it may do |
//! | `step_log`, `tail`, `trace` | what programs printed |
//! | `stop` | requests to stop |
//! | `tag`, `orphans`, `liveness`, `proc_stat` | finding the processes of a crashed run |

mod executable;
mod executor;
mod init;
mod launch;
mod launch_spec;
mod liveness;
mod mount_table;
mod orphans;
mod proc_stat;
mod program;
mod running;
mod sandbox;
mod spawn;
mod spec;
mod step_log;
mod stop;
mod tag;
mod tail;
mod termination;
mod trace;

pub(crate) use executable::{ExecutableError, find_in_path};
pub(crate) use executor::{DEFAULT_PATH, ExecRequest, Executor};
pub use launch::launch;
pub use liveness::{is_run_alive, is_run_alive_elsewhere};
pub(crate) use orphans::{CleanUpLimits, clean_up_orphans};
pub(crate) use spec::{Account, OutputMode, SharedDir, Timeout};
pub(crate) use step_log::{LogError, StepLog};
pub use stop::StopToken;
pub(crate) use tag::{ProcessRole, ProcessTag};
pub(crate) use termination::{HumanDuration, Termination};
pub(crate) use trace::finish_trace;
