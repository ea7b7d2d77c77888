//! Hooks of packages: the files that serve them, their runners, and what they may do meanwhile.
//!
//! | module | holds |
//! |---|---|
//! | `home` | the files of hooks |
//! | `context`, `invocation`, `environment` | what a hook is run with |
//! | `runners` | the runner of a hook |
//! | `host`, `programs`, `values` | what a hook may do while it runs |
//! | `simulate` | trying a hook without a cluster |

mod context;
mod environment;
mod home;
mod host;
mod invocation;
mod programs;
mod runners;
mod simulate;
mod values;

pub(crate) use context::HookContext;
pub(crate) use environment::{
    Environment, base_environment, hook_environment, node_arguments, remove_leftover_directories,
    set_variable,
};
pub use home::HomeError;
pub(crate) use home::{find_candidates, is_component, package_home, packages_dir};
pub(crate) use host::{Listener, NullListener, describe_file_error};
pub(crate) use invocation::HookInvocation;
pub(crate) use runners::{HookOutcome, HookRunners, TEST_HOOK};
pub use simulate::{
    HookComponent, OneOrMany, SimulatedCluster, SimulatedClusterError, TrialError, TrialResult,
};
