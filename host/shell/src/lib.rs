//! What the programs `opkgc` and `opm` have in common: how they print, their common options, their signals.

#![warn(clippy::disallowed_methods)]

pub mod args;
pub mod diagnostics;
pub mod errors;
pub mod generate;
pub mod logging;
mod progress_bar;
mod shell;
pub mod signals;

pub use errors::UsageError;
pub use progress_bar::ProgressBar;
pub use shell::Shell;
