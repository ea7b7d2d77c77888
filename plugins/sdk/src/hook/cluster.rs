//! The cluster that a hook works for.

use crate::bindings::runner::opkg::plugin::cluster as host;
pub use host::{Target, TargetKind};

/// Names of all clients, sorted.
#[must_use]
pub fn nodes() -> Vec<String> {
    host::nodes()
}

/// Names of all images, sorted.
#[must_use]
pub fn images() -> Vec<String> {
    host::images()
}

/// Where the package is that the hook belongs to.
#[must_use]
pub fn current_target() -> Target {
    host::self_()
}
