//! Requests to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts how often a run was asked to stop: the first time it ends after the present steps, the second time it
/// kills these. Clones share their count, so that whoever waits for signals can hold one.
#[derive(Debug, Clone, Default)]
pub struct StopToken(Arc<AtomicUsize>);

impl StopToken {
    /// Asks once more.
    pub fn request(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether nothing new shall be begun.
    #[must_use]
    pub fn stop_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    /// Whether what runs shall not be waited for.
    #[must_use]
    pub fn kill_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 1
    }
}
