//! How a component is built.

use std::fmt;

/// What plugins are compiled for: no operating system, so that nothing can be asked of one.
pub const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Where the standard library comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StdLibrary {
    /// As compiled by whoever made the toolchain.
    Installed,
    /// Compiled here, with the plugin's own profile.
    Source,
}

impl fmt::Display for StdLibrary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Installed => "installed",
            Self::Source => "source",
        })
    }
}

/// How to build.
#[derive(Debug, Clone, Copy, Default)]
pub struct BuildOptions {
    /// Which standard library to use; where nothing is said, the installed one, else its source.
    pub std: Option<StdLibrary>,
    /// Refuse to touch `Cargo.lock`.
    pub locked: bool,
    /// Keep cargo's progress off the screen; its errors and warnings are shown all the same.
    pub quiet: bool,
}
