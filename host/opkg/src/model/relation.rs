//! Relations to other packages.

use super::basics::{NodeId, Part};
use super::filter::{Bound, Filter};

/// What a relation says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum RelationKind {
    Requires,
    /// Needed before the package is unpacked and its scripts run.
    PreRequires,
    /// Installed along with the package, unless somebody objects.
    Recommends,
    Suggests,
    /// The other way round of [`Self::Recommends`]: it is to be installed where the related package is.
    Supplements,
    /// The other way round of [`Self::Suggests`].
    Enhances,
    Provides,
    Conflicts,
    /// A conflict that an upgrade of the related package resolves.
    Breaks,
    /// The package takes the place of the related one.
    Obsoletes,
}

impl RelationKind {
    /// Whether the package cannot be installed without what is related.
    #[must_use]
    pub fn is_requirement(self) -> bool {
        matches!(self, Self::Requires | Self::PreRequires)
    }

    /// Whether one of several packages can be enough.
    #[must_use]
    pub fn has_alternatives(self) -> bool {
        self.is_requirement() || matches!(self, Self::Recommends | Self::Suggests)
    }

    /// Whether the related package cannot stay beside the one that has the relation.
    #[must_use]
    pub fn is_exclusion(self) -> bool {
        matches!(self, Self::Conflicts | Self::Breaks | Self::Obsoletes)
    }
}

/// Where a relation was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// In the dependencies of one part, or added to it by a setting.
    Part(Part),
    /// In `commonDeps`.
    Common,
    /// Directly below the root.
    Whole,
}

/// What a related package is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RelatedName {
    /// A package or capability as written, outer blanks and comments left out: `pkg`.
    Native(String),
    /// A part of an OPKG: `opkg`.
    Opkg {
        /// Of the OPKG.
        name: String,
        /// Without one, that of the same kind as the part that has the relation.
        part: Option<Part>,
    },
}

/// One `pkg` or `opkg`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RelatedPackage {
    /// The element; of an automatic relation the root.
    pub at: NodeId,
    pub name: RelatedName,
    /// Of an OPKG, what follows the last `-` of the version is the release; there may be none.
    pub bound: Option<Bound>,
}

/// One `pkg`, `opkg` or `any`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Relation {
    /// The element; of an automatic relation the root.
    pub at: NodeId,
    /// Where it was written.
    pub scope: Scope,
    pub kind: RelationKind,
    /// Of which one is enough, the first preferred; never empty. Several only where the kind
    /// [has alternatives](RelationKind::has_alternatives).
    pub any_of: Vec<RelatedPackage>,
    /// The filter of the group that the element stands in.
    pub filter: Filter,
}

impl Relation {
    /// A relation to one package by its native name, in any version.
    #[must_use]
    pub fn native(at: NodeId, scope: Scope, kind: RelationKind, name: String) -> Self {
        let package = RelatedPackage { at, name: RelatedName::Native(name), bound: None };
        Self { at, scope, kind, any_of: vec![package], filter: Filter::default() }
    }

    /// The name of the only package that it is to, if that is a native one.
    #[must_use]
    pub fn native_name(&self) -> Option<&str> {
        match self.any_of.as_slice() {
            [RelatedPackage { name: RelatedName::Native(name), .. }] => Some(name),
            _ => None,
        }
    }
}
