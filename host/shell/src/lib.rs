//! What the programs `opkgc` and `opm` have in common: how they print, their common options, their signals.

#![warn(clippy::disallowed_methods)]

pub mod args;
pub mod completion;
pub mod diagnostics;
pub mod errors;
pub mod logging;
pub mod man;
mod progress_bar;
mod shell;
pub mod signals;
mod stdout_error;

pub use errors::UsageError;
pub use progress_bar::ProgressBar;
pub use shell::Shell;
pub use stdout_error::StdoutError;
