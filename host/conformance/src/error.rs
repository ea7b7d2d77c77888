//! Why the suite could not be run.

use std::io;

/// Nothing that the plugin is to blame for.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// The OPKGs of the suite are written into a temporary directory.
    #[error("cannot write the OPKGs of the conformance suite: {0}")]
    Io(#[from] io::Error),
    /// A mistake in the suite.
    #[error("the conformance suite's own OPKG `{name}` is not valid: {reason}")]
    InvalidOpkg {
        /// As the suite calls it.
        name: String,
        /// The first error.
        reason: String,
    },
    /// The plugin does not even say what it is.
    #[error(transparent)]
    Describe(#[from] opkg_runtime::CallError),
}
