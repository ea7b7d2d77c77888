//! One module per command.

pub mod build;
pub mod check;
pub mod convert;
pub mod diff;
pub mod explain;
pub mod hook;
pub mod index;
pub mod new;
pub mod payload;
pub mod plugin;
mod plugin_build;
mod plugin_install;
mod plugin_kit;
mod plugin_new;
mod plugin_publish;
mod plugin_run;
pub mod plugin_test;
mod plugin_update;
pub mod settings;
pub mod verify;
