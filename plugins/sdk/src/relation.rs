//! What the relations of a part are to, once it is known which part has them.

use std::borrow::Cow;

use crate::filter::FilterMatch;
use crate::model::{Bound, Node, Part, RelatedName, RelatedPackage, Relation, RelationKind};
use crate::package_version::WrittenVersion;

/// A relation that a part gets for this target.
#[derive(Debug, Clone)]
pub struct ResolvedRelation<'a> {
    /// For diagnostics.
    pub at: Node,
    /// What it says.
    pub kind: RelationKind,
    /// Of which one is enough, the first preferred; never empty. Several only where the kind
    /// [has alternatives](has_alternatives).
    pub any_of: Vec<ResolvedPackage<'a>>,
    /// [`FilterMatch::Always`] or [`FilterMatch::Conditional`].
    pub filter_match: FilterMatch,
}

/// A package that a relation is to.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedPackage<'a> {
    /// For diagnostics.
    pub at: Node,
    /// As written; of an OPKG's part, that of its native package.
    pub name: Cow<'a, str>,
    /// Restricts its version.
    pub bound: Option<&'a Bound>,
    /// Whether it was named as a part of an OPKG.
    pub is_opkg: bool,
}

impl<'a> ResolvedRelation<'a> {
    /// As the part `kind` has it.
    pub(crate) fn for_part(relation: &'a Relation, part: &Part, filter_match: FilterMatch) -> Self {
        let package = |package: &'a RelatedPackage| match &package.name {
            RelatedName::Native(name) => ResolvedPackage::new(package, Cow::Borrowed(name), false),
            RelatedName::Opkg(of) => {
                let name = part_name(&of.name, of.part.as_ref().unwrap_or(part));
                ResolvedPackage::new(package, Cow::Owned(name), true)
            }
        };
        let any_of = relation.any_of.iter().map(package).collect();
        Self { at: relation.at, kind: relation.kind, any_of, filter_match }
    }

    /// With OPKGs by their own names, as the api part records them.
    pub(crate) fn for_record(relation: &'a Relation, filter_match: FilterMatch) -> Self {
        let package = |package: &'a RelatedPackage| {
            let (name, is_opkg) = match &package.name {
                RelatedName::Native(name) => (name, false),
                RelatedName::Opkg(of) => (&of.name, true),
            };
            ResolvedPackage::new(package, Cow::Borrowed(name.as_str()), is_opkg)
        };
        let any_of = relation.any_of.iter().map(package).collect();
        Self { at: relation.at, kind: relation.kind, any_of, filter_match }
    }

    /// Whether it says the same, wherever it stands and under whatever conditions.
    fn says_the_same(&self, other: &Self) -> bool {
        let is_same = |(one, other): (&ResolvedPackage<'_>, &ResolvedPackage<'_>)| {
            (&one.name, one.bound, one.is_opkg) == (&other.name, other.bound, other.is_opkg)
        };
        self.kind == other.kind
            && self.any_of.len() == other.any_of.len()
            && self.any_of.iter().zip(&other.any_of).all(is_same)
    }
}

impl<'a> ResolvedPackage<'a> {
    fn new(package: &'a RelatedPackage, name: Cow<'a, str>, is_opkg: bool) -> Self {
        Self { at: package.at, name, bound: package.bound.as_ref(), is_opkg }
    }

    /// The version of its bound in its parts; nothing if it has none, or one that cannot be read.
    #[must_use]
    pub fn version(&self) -> Option<WrittenVersion<'a>> {
        let version = &self.bound?.version;
        if self.is_opkg { WrittenVersion::parse_opkg(version) } else { WrittenVersion::parse(version) }
    }
}

/// Name of a part's native package, by the name of the OPKG.
#[must_use]
pub fn part_name(opkg: &str, part: &Part) -> String {
    match part {
        Part::Api => format!("opkg-{opkg}"),
        Part::Server => format!("opkg-{opkg}-server"),
        Part::Client => format!("opkg-{opkg}-client"),
        Part::Extra(end) => format!("opkg-{opkg}-{end}"),
    }
}

/// Whether it asks for packages, so that one of several can be enough. Of any other relation, each bound counts by itself.
#[must_use]
pub fn has_alternatives(kind: RelationKind) -> bool {
    matches!(
        kind,
        RelationKind::Requires
            | RelationKind::PreRequires
            | RelationKind::Recommends
            | RelationKind::Suggests
    )
}

/// The name of the element, for messages.
#[must_use]
pub fn element_name(kind: RelationKind) -> &'static str {
    match kind {
        RelationKind::Requires => "requires",
        RelationKind::PreRequires => "preRequires",
        RelationKind::Recommends => "recommends",
        RelationKind::Suggests => "suggests",
        RelationKind::Supplements => "supplements",
        RelationKind::Enhances => "enhances",
        RelationKind::Provides => "provides",
        RelationKind::Conflicts => "conflicts",
        RelationKind::Breaks => "breaks",
        RelationKind::Obsoletes => "obsoletes",
    }
}

/// Relations to one package each, or to alternatives, that together say what alternatives say of which each is several
/// bounds that must all hold: `a ≥ 1 and a < 2, or b` is `a ≥ 1 or b` and `a < 2 or b`.
#[must_use]
pub fn conjunction<T: Clone>(alternatives: &[Vec<T>]) -> Vec<Vec<T>> {
    alternatives.iter().fold(vec![Vec::new()], |clauses, bounds| {
        let extended = |clause: &Vec<T>| -> Vec<Vec<T>> {
            bounds.iter().map(|bound| [clause.as_slice(), std::slice::from_ref(bound)].concat()).collect()
        };
        clauses.iter().flat_map(extended).collect()
    })
}

/// A relation that holds in any case makes the same one under a condition superfluous.
pub(crate) fn push_merged<'a>(list: &mut Vec<ResolvedRelation<'a>>, new: ResolvedRelation<'a>) {
    let same = |old: &ResolvedRelation<'_>| old.says_the_same(&new);
    if list.iter().any(|old| {
        same(old) && (old.filter_match == FilterMatch::Always || old.filter_match == new.filter_match)
    }) {
        return;
    }
    if new.filter_match == FilterMatch::Always
        && let Some(first) = list.iter().position(same)
    {
        list[first].filter_match = FilterMatch::Always;
        let mut index = 0;
        list.retain(|old| {
            index += 1;
            index == first + 1 || !same(old)
        });
        return;
    }
    list.push(new);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_of_several_bounds() {
        assert_eq!(conjunction(&[vec![1, 2]]), [[1], [2]]);
        assert_eq!(conjunction(&[vec![1], vec![2]]), [[1, 2]]);
        assert_eq!(conjunction(&[vec![1, 2], vec![3]]), [[1, 3], [2, 3]]);
        assert_eq!(conjunction(&[vec![1, 2], vec![3, 4]]), [[1, 3], [1, 4], [2, 3], [2, 4]]);
    }
}
