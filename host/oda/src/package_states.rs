//! The packages of one target.

use crate::{PackageId, PackageState};

/// The states of one target, sorted by package. There may be hundreds of thousands in a cluster, hence a vector.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageStates(Vec<(PackageId, PackageState)>);

impl PackageStates {
    /// Absent unless `states` is sorted by package, each package once.
    #[must_use]
    pub fn from_sorted(states: Vec<(PackageId, PackageState)>) -> Option<Self> {
        states.is_sorted_by(|one, next| one.0 < next.0).then_some(Self(states))
    }

    #[must_use]
    pub fn get(&self, package: PackageId) -> Option<&PackageState> {
        self.find(package).ok().and_then(|at| self.0.get(at)).map(|(_, state)| state)
    }

    pub fn get_mut(&mut self, package: PackageId) -> Option<&mut PackageState> {
        let at = self.find(package).ok()?;
        self.0.get_mut(at).map(|(_, state)| state)
    }

    /// The state of a package, made by `new` where there is none.
    pub fn entry(&mut self, package: PackageId, new: impl FnOnce() -> PackageState) -> &mut PackageState {
        let at = match self.find(package) {
            Ok(at) => at,
            Err(at) => {
                self.0.insert(at, (package, new()));
                at
            }
        };
        &mut self.0[at].1
    }

    /// Forgets a package.
    pub fn remove(&mut self, package: PackageId) {
        if let Ok(at) = self.find(package) {
            self.0.remove(at);
        }
    }

    /// All of them, by package.
    pub fn iter(&self) -> impl Iterator<Item = (PackageId, &PackageState)> {
        self.0.iter().map(|(package, state)| (*package, state))
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn find(&self, package: PackageId) -> Result<usize, usize> {
        self.0.binary_search_by_key(&package, |(id, _)| *id)
    }
}
