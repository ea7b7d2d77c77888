//! The packages of one target.

use std::sync::Arc;

use crate::{PackageId, PackageState};

/// The states of one target, sorted by package. There may be hundreds of thousands in a cluster, hence a vector; targets
/// that are alike may share one, which is copied when one of them changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageStates(Arc<Vec<StateEntry>>);

/// A package on a target, as the states of the target hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateEntry {
    pub package: PackageId,
    pub state: PackageState,
    /// Which version is installed, as the package manager says it; absent where nobody knows, or nothing is.
    pub version: Option<Box<str>>,
}

impl PackageStates {
    /// Absent unless `entries` is sorted by package, each package once.
    #[must_use]
    pub fn from_sorted(entries: Vec<StateEntry>) -> Option<Self> {
        entries.is_sorted_by(|one, next| one.package < next.package).then(|| Self(Arc::new(entries)))
    }

    #[must_use]
    pub fn get(&self, package: PackageId) -> Option<&PackageState> {
        self.entry(package).map(|entry| &entry.state)
    }

    pub fn get_mut(&mut self, package: PackageId) -> Option<&mut PackageState> {
        self.entry_mut(package).map(|entry| &mut entry.state)
    }

    /// The state of a package, made by `new` where there is none.
    pub fn get_or_insert_with(
        &mut self,
        package: PackageId,
        new: impl FnOnce() -> PackageState,
    ) -> &mut PackageState {
        let found = self.find(package);
        let entries = Arc::make_mut(&mut self.0);
        let at = found.unwrap_or_else(|at| {
            entries.insert(at, StateEntry { package, state: new(), version: None });
            at
        });
        &mut entries[at].state
    }

    /// Which version of a package is installed, as the package manager says it.
    #[must_use]
    pub fn version(&self, package: PackageId) -> Option<&str> {
        self.entry(package)?.version.as_deref()
    }

    /// Takes down which version of a package is installed, if the package has a state.
    pub fn set_version(&mut self, package: PackageId, version: Option<&str>) {
        if let Some(entry) = self.entry_mut(package) {
            entry.version = version.map(Into::into);
        }
    }

    /// Forgets a package.
    pub fn remove(&mut self, package: PackageId) {
        if let Ok(at) = self.find(package) {
            Arc::make_mut(&mut self.0).remove(at);
        }
    }

    /// All of them, by package.
    pub fn iter(&self) -> impl Iterator<Item = (PackageId, &PackageState)> {
        self.0.iter().map(|entry| (entry.package, &entry.state))
    }

    /// All of them with the versions that are installed, by package.
    #[must_use]
    pub fn entries(&self) -> &[StateEntry] {
        &self.0
    }

    /// What is the same for two that share their contents. Those with different ones may have equal contents.
    #[must_use]
    pub fn sharing(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn entry(&self, package: PackageId) -> Option<&StateEntry> {
        self.find(package).ok().and_then(|at| self.0.get(at))
    }

    fn entry_mut(&mut self, package: PackageId) -> Option<&mut StateEntry> {
        let at = self.find(package).ok()?;
        Arc::make_mut(&mut self.0).get_mut(at)
    }

    fn find(&self, package: PackageId) -> Result<usize, usize> {
        self.0.binary_search_by_key(&package, |entry| entry.package)
    }
}
