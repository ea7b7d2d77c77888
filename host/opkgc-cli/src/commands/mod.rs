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
pub mod plugin_test;
pub mod settings;
pub mod verify;
