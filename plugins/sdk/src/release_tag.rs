//! What tells packages for one release of a distribution from those for another: `el9` in `1.0-1.el9`.
//!
//! A tag begins with a letter and follows the release of a version behind a sign. Both RPM and dpkg sort such a version
//! after the one without a tag and before every further release. A bound that an OPKG sets for another one knows nothing
//! of tags, and means the release with any or none: see [`widen_bound`].

pub use crate::bindings::opkg::plugin::rules::TagSyntax;

use crate::model::{Bound, BuildTarget, Comparison, RelationKind, ReleaseTag};
use crate::relation::has_alternatives;

/// The tag of the packages for a target whose own one is `own`; nothing if they have none.
#[must_use]
pub fn release_tag(target: &BuildTarget, own: &str) -> Option<String> {
    match &target.release_tag {
        ReleaseTag::Native => Some(own.to_owned()),
        ReleaseTag::None => None,
        ReleaseTag::Custom(tag) => Some(tag.clone()),
    }
}

/// Whether a relation is about a package that was made of an OPKG, whose version therefore may have a tag.
#[must_use]
pub fn is_opkg_package(name: &str) -> bool {
    name.starts_with("opkg-")
}

/// What the bound of a relation to another OPKG's package becomes, so that it is met by a package with a tag where it is
/// met by the same one without. Of several bounds all must hold where the relation [asks for packages](has_alternatives),
/// otherwise each counts by itself, as those of a conflict.
///
/// The bound names a release, in the family's own words. `tag` is that of the package that has the relation: a conflict
/// cannot be with a range.
#[must_use]
pub fn widen_bound(kind: RelationKind, bound: &Bound, tag: &str, syntax: &TagSyntax) -> Vec<Bound> {
    let exact = |comparison| Bound { comparison, version: bound.version.clone() };
    let with = |comparison, suffix: &str| Bound { comparison, version: format!("{}{suffix}", bound.version) };
    let after_all = |comparison| with(comparison, &syntax.after_all);
    match (kind, bound.comparison) {
        (RelationKind::Provides, _) | (_, Comparison::Lt | Comparison::Ge) => vec![bound.clone()],
        (_, Comparison::Le) => vec![after_all(Comparison::Lt)],
        (_, Comparison::Gt) => vec![after_all(Comparison::Ge)],
        (kind, Comparison::Eq) if has_alternatives(kind) => {
            vec![exact(Comparison::Ge), after_all(Comparison::Lt)]
        }
        (_, Comparison::Eq) => {
            vec![bound.clone(), with(Comparison::Eq, &format!("{}{tag}", syntax.separator))]
        }
    }
}
