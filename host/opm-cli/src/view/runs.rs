//! Runs and their steps, as people read them.

use opkg_oda::RunStatus;

use crate::styles::Style;

/// The word for a status, and its colour. Without a status, a run is still going on, or it crashed.
#[must_use]
pub fn run_status_label(status: Option<RunStatus>) -> (&'static str, Style) {
    match status {
        Some(done @ RunStatus::Done) => (done.name(), Style::Success),
        Some(failed @ RunStatus::Failed) => (failed.name(), Style::Error),
        Some(other) => (other.name(), Style::Warning),
        None => ("unfinished", Style::InProgress),
    }
}
