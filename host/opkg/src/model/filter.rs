//! What holds for some distributions, versions and architectures alone.

use super::basics::NodeId;

/// The attribute `rel`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Comparison {
    Lt,
    Le,
    Eq,
    Ge,
    Gt,
}

/// A restriction to some versions: of a package or of a distribution.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bound {
    /// Between what is there and `version`.
    pub comparison: Comparison,
    /// As written, without the relation.
    pub version: String,
}

/// One `dist` element.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DistFilter {
    pub at: NodeId,
    /// In lower case.
    pub id: String,
    /// Restricts the version of the distribution.
    pub bound: Option<Bound>,
}

/// `filters`: each list holds alternatives, both must match, an empty list matches anything.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Filter {
    /// Distributions.
    pub dists: Vec<DistFilter>,
    /// Architectures under their canonical names (see [`crate::arch`]).
    pub archs: Vec<String>,
}
