//! The parts of a hook that consists of many: the host shows them as a tree.

use crate::bindings::runner::opkg::plugin::parts as host;
pub use host::Verdict;

/// Begins a part, inside of the one begun last.
pub fn begin(name: &str, description: &str) {
    host::begin(name, description);
}

/// Ends the part begun last.
pub fn end(outcome: &Verdict) {
    host::end(outcome);
}
