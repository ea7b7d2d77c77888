//! The packages of one target.

use crate::{PackageId, Row};

/// The rows of one target, sorted by package. There may be hundreds of thousands of rows in a cluster, so they lie
/// side by side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows(Vec<(PackageId, Row)>);

impl Rows {
    /// Rows that are sorted by package already, each package once; nothing where they are not.
    #[must_use]
    pub fn from_sorted(rows: Vec<(PackageId, Row)>) -> Option<Self> {
        rows.is_sorted_by(|one, next| one.0 < next.0).then_some(Self(rows))
    }

    /// The row of a package.
    #[must_use]
    pub fn get(&self, package: PackageId) -> Option<&Row> {
        self.find(package).ok().and_then(|at| self.0.get(at)).map(|(_, row)| row)
    }

    /// The row of a package, to be changed.
    pub fn get_mut(&mut self, package: PackageId) -> Option<&mut Row> {
        let at = self.find(package).ok()?;
        self.0.get_mut(at).map(|(_, row)| row)
    }

    /// The row of a package, made by `new` where there is none.
    pub fn entry(&mut self, package: PackageId, new: impl FnOnce() -> Row) -> &mut Row {
        let at = match self.find(package) {
            Ok(at) => at,
            Err(at) => {
                self.0.insert(at, (package, new()));
                at
            }
        };
        &mut self.0[at].1
    }

    /// All of them, by package.
    pub fn iter(&self) -> impl Iterator<Item = (PackageId, &Row)> {
        self.0.iter().map(|(package, row)| (*package, row))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn find(&self, package: PackageId) -> Result<usize, usize> {
        self.0.binary_search_by_key(&package, |(it, _)| *it)
    }
}
