//! How many steps may be in flight at a time.

use std::num::NonZeroUsize;

use crate::machine::Step;

/// How many steps may be in flight at a time. On one target there is never more than one, and none beside one of the head
/// node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    /// Of all kinds together.
    pub jobs: NonZeroUsize,
    /// Of those that use package sources: installations. As many as `jobs` if absent.
    pub package_source: Option<NonZeroUsize>,
}

impl Default for Concurrency {
    /// One step after the other.
    fn default() -> Self {
        Self { jobs: NonZeroUsize::MIN, package_source: None }
    }
}

/// The steps in flight, as far as limits count them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct StepCounts {
    all: usize,
    package_source: usize,
}

impl StepCounts {
    /// Whether a limit on all steps leaves room for another one.
    pub(crate) fn has_room(&self, limits: &Concurrency) -> bool {
        self.all < limits.jobs.get()
    }

    /// Whether the limits leave room for this step.
    pub(crate) fn admits(&self, step: &Step, limits: &Concurrency) -> bool {
        let sources = limits.package_source.is_none_or(|limit| self.package_source < limit.get());
        self.has_room(limits) && (sources || !uses_package_source(step))
    }

    pub(crate) fn add(&mut self, step: &Step) {
        self.all += 1;
        self.package_source += usize::from(uses_package_source(step));
    }

    pub(crate) fn remove(&mut self, step: &Step) {
        self.all -= 1;
        self.package_source -= usize::from(uses_package_source(step));
    }
}

fn uses_package_source(step: &Step) -> bool {
    matches!(step, Step::Install(_))
}
