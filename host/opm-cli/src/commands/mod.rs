//! One module for each command, or for a few that are alike.

pub mod access;
pub mod audit;
pub mod configure;
pub mod copies;
pub mod enroll;
pub mod follow;
pub mod groups;
pub mod history;
pub mod import_export;
pub mod import_set;
pub mod init;
mod launch;
pub mod log;
pub mod offered;
pub mod package;
pub mod phase;
pub mod plugin;
pub mod purge;
pub mod requests;
pub mod rollout;
pub mod run;
pub mod simulate;
pub mod status;
pub mod target;
pub mod test;
pub mod watch;
pub mod web;
