//! The packages that one client is to get.

use std::sync::Arc;

use crate::PackageId;

/// Which packages a client is to get, sorted by package, and when (in seconds since 1970) the work was handed over.
/// Clients that are alike may share them, like [`crate::PackageStates`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assignments(Arc<Vec<(PackageId, Option<i64>)>>);

impl Assignments {
    /// Absent unless `assigned` is sorted by package, each package once.
    #[must_use]
    pub fn from_sorted(assigned: Vec<(PackageId, Option<i64>)>) -> Option<Self> {
        assigned.is_sorted_by(|one, next| one.0 < next.0).then(|| Self(Arc::new(assigned)))
    }

    /// Absent where a package is not assigned; within, when it was handed over.
    #[must_use]
    #[allow(clippy::option_option)] // an assignment, and a time that it may have
    pub fn get(&self, package: PackageId) -> Option<Option<i64>> {
        self.find(package).ok().and_then(|at| self.0.get(at)).map(|(_, handed_over_at)| *handed_over_at)
    }

    pub fn insert(&mut self, package: PackageId, handed_over_at: Option<i64>) {
        let found = self.find(package);
        let assigned = Arc::make_mut(&mut self.0);
        match found {
            Ok(at) => assigned[at].1 = handed_over_at,
            Err(at) => assigned.insert(at, (package, handed_over_at)),
        }
    }

    pub fn remove(&mut self, package: PackageId) {
        if let Ok(at) = self.find(package) {
            Arc::make_mut(&mut self.0).remove(at);
        }
    }

    /// All of them, by package.
    pub fn iter(&self) -> impl Iterator<Item = (PackageId, Option<i64>)> {
        self.0.iter().copied()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As [`crate::PackageStates::sharing`].
    #[must_use]
    pub fn sharing(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    fn find(&self, package: PackageId) -> Result<usize, usize> {
        self.0.binary_search_by_key(&package, |(known, _)| *known)
    }
}
