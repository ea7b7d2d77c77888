//! The stage engine: brings packages from stage to stage, on the head node, on images and on compute nodes.
//!
//! [`machine`] decides and does nothing; what touches the system stands behind the traits [`effects::Effects`] and
//! [`testing::TestBackend`].

#![warn(clippy::disallowed_methods)]

pub mod audit;
pub mod clock;
mod concurrency;
mod config_values;
pub mod effects;
pub mod engine;
pub mod format;
pub mod groups;
pub mod hostlist;
mod journal;
pub mod launch;
pub mod local_target;
pub mod machine;
mod observer;
pub mod operations;
pub mod package_set;
pub mod packages;
mod perform;
pub mod prune;
pub mod purge;
pub mod requests;
pub mod reruns;
pub mod rollouts;
pub mod roots;
mod run_error;
pub mod status;
mod step_loop;
pub mod target_selector;
pub mod targets;
pub mod testing;
pub mod unseen;
pub mod versions;
mod workers;
