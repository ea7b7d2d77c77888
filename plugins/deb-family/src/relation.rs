//! Relations translated for Debian, for control files and for packages.

use std::fmt::Write as _;

use opkg_sdk::artefacts::{NativeKind, NativeRelation};
use opkg_sdk::diagnostic;
use opkg_sdk::filter::{FilterContext, FilterMatch};
use opkg_sdk::opkg::{Bound, Comparison, Diagnostic, HookTime, Kind, Relation};
use opkg_sdk::parts::{PartPlan, ResolvedRelation};
use opkg_sdk::version::operator;

use crate::arch::native_arch;
use crate::bound::{self, VersionConstraint};
use crate::name::{self, NameTranslation};
use crate::version::DebVersion;

/// The control field that a relation stands in, in the order in which fields are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum RelationField {
    PreDepends,
    Depends,
    Suggests,
    Conflicts,
    Provides,
}

/// A relation to a package whose name is valid for dpkg.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dependency {
    pub field: RelationField,
    pub name: String,
    pub version_constraint: VersionConstraint,
    /// Debian's names of the only architectures that have it; empty for all.
    pub archs: Vec<&'static str>,
    /// Whether the architecture that packages are built for has it.
    pub applies: bool,
}

impl Dependency {
    /// Unversioned, on every architecture.
    #[must_use]
    pub fn unversioned(field: RelationField, name: &str) -> Self {
        Self {
            field,
            name: name.into(),
            version_constraint: VersionConstraint::Any,
            archs: Vec::new(),
            applies: true,
        }
    }

    /// The record of a binary package. `own` is that package's version.
    #[must_use]
    pub fn to_record(&self, own: &DebVersion) -> NativeRelation {
        let bound = match &self.version_constraint {
            VersionConstraint::Any => None,
            VersionConstraint::SameBinary | VersionConstraint::SameSource => {
                Some(Bound { comparison: Comparison::Eq, version: own.to_string() })
            }
            VersionConstraint::Bound { sign, version } => {
                let comparison = match *sign {
                    "<<" => Comparison::Lt,
                    "<=" => Comparison::Le,
                    ">=" => Comparison::Ge,
                    ">>" => Comparison::Gt,
                    _ => Comparison::Eq,
                };
                Some(Bound { comparison, version: version.clone() })
            }
        };
        let kind = match self.field {
            RelationField::PreDepends => NativeKind::PreRequires(HookTime::PreInstall),
            RelationField::Depends => NativeKind::Requires,
            RelationField::Suggests => NativeKind::Suggests,
            RelationField::Conflicts => NativeKind::Conflicts,
            RelationField::Provides => NativeKind::Provides,
        };
        NativeRelation { kind, name: self.name.clone(), bound }
    }
}

/// `foo (>= 1.2) [amd64], bar`. May hold the substitution variables `${binary:Version}` and
/// `${source:Version}`.
#[must_use]
pub fn format_list<'a>(dependencies: impl IntoIterator<Item = &'a Dependency>) -> String {
    let mut text = String::new();
    for dependency in dependencies {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&dependency.name);
        // Writing to a string cannot fail.
        let _ = match &dependency.version_constraint {
            VersionConstraint::Any => Ok(()),
            VersionConstraint::SameBinary => write!(text, " (= ${{binary:Version}})"),
            VersionConstraint::SameSource => write!(text, " (= ${{source:Version}})"),
            VersionConstraint::Bound { sign, version } => write!(text, " ({sign} {version})"),
        };
        if !dependency.archs.is_empty() {
            let _ = write!(text, " [{}]", dependency.archs.join(" "));
        }
    }
    text
}

/// The relations of a part, in no order. `same` tells how the api package is named by its version.
pub fn from_part(
    part: &PartPlan<'_>,
    same: &VersionConstraint,
    tag: Option<&str>,
    context: &FilterContext,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Dependency> {
    let mut all = translate(&part.relations, tag, context, diagnostics);
    if let Some(api) = &part.same_version_requirement {
        all.push(Dependency {
            version_constraint: same.clone(),
            ..Dependency::unversioned(RelationField::Depends, api)
        });
    }
    all
}

/// Removes what another relation implies, as dpkg-gencontrol does, so that the packages that it makes
/// have the relations that are told of them. Sorts what remains.
#[must_use]
pub fn remove_redundant(mut all: Vec<Dependency>) -> Vec<Dependency> {
    all.sort();
    all.dedup();
    let is_redundant = |dependency: &Dependency| {
        let is_positive = dependency.field <= RelationField::Suggests;
        all.iter().any(|other| {
            let is_weaker = other.field < dependency.field && is_positive;
            let is_implied = dependency.version_constraint == VersionConstraint::Any && is_positive;
            other != dependency
                && other.name == dependency.name
                && other.archs.is_empty()
                && (other.field == dependency.field || is_weaker)
                && (other.version_constraint == dependency.version_constraint || is_implied)
        })
    };
    all.iter().filter(|dependency| !is_redundant(dependency)).cloned().collect()
}

/// The conflicts that are recorded but keep no api package from being installed beside another.
pub fn recorded_conflicts(
    part: &PartPlan<'_>,
    tag: Option<&str>,
    context: &FilterContext,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Dependency> {
    remove_redundant(translate(&part.opkg_conflicts, tag, context, diagnostics))
}

fn translate(
    relations: &[ResolvedRelation<'_>],
    tag: Option<&str>,
    context: &FilterContext,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Dependency> {
    let mut all = Vec::new();
    for resolved in relations {
        let Some(archs) = native_archs(&resolved.filter_match) else { continue };
        let applies = context.matches_by_default(&resolved.filter_match);
        let translated = translate_relation(resolved.relation, tag, diagnostics).into_iter();
        all.extend(translated.map(|dependency| Dependency { archs: archs.clone(), applies, ..dependency }));
    }
    all
}

/// What a relation is restricted to. Nothing if Debian has none of the architectures.
fn native_archs(decision: &FilterMatch) -> Option<Vec<&'static str>> {
    match decision {
        FilterMatch::Always => Some(Vec::new()),
        FilterMatch::Never => None,
        FilterMatch::Conditional(condition) if condition.archs.is_empty() => Some(Vec::new()),
        FilterMatch::Conditional(condition) => {
            let mut archs: Vec<_> = condition.archs.iter().filter_map(|arch| native_arch(arch)).collect();
            archs.sort_unstable();
            archs.dedup();
            (!archs.is_empty()).then_some(archs)
        }
    }
}

/// Nothing if it cannot be said, or needs not be; two where only two bounds together say it.
fn translate_relation(
    relation: &Relation,
    tag: Option<&str>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Dependency> {
    let Some(Named { name, has_own_versions }) = translate_name(relation, diagnostics) else {
        return Vec::new();
    };
    let field = match relation.kind {
        Kind::Requires => RelationField::Depends,
        Kind::Suggests => RelationField::Suggests,
        Kind::Conflicts => RelationField::Conflicts,
        Kind::Provides => RelationField::Provides,
    };
    let constraints = match &relation.bound {
        Some(bound) if has_own_versions => bound::translate(relation, bound, tag, diagnostics),
        _ => Some(vec![VersionConstraint::Any]),
    };
    let Some(constraints) = constraints else { return Vec::new() };
    let is_unversioned = constraints == [VersionConstraint::Any];
    if field == RelationField::Depends && is_unversioned && name::is_essential(&name) {
        diagnostic::push_unique(
            diagnostics,
            diagnostic::note(
                relation.at,
                format!("`{name}` is on every Debian system, so the dependency is left out"),
            ),
        );
        return Vec::new();
    }
    let dependency = Dependency::unversioned(field, &name);
    constraints
        .into_iter()
        .map(|version_constraint| Dependency { version_constraint, ..dependency.clone() })
        .collect()
}

/// The package that a relation is to.
struct Named {
    name: String,
    /// Whether the relation's version is one of the package.
    has_own_versions: bool,
}

fn translate_name(relation: &Relation, diagnostics: &mut Vec<Diagnostic>) -> Option<Named> {
    let written = &relation.name;
    let at = relation.at;
    let found = match name::translate(written) {
        NameTranslation::Unchanged => return Some(Named { name: written.clone(), has_own_versions: true }),
        NameTranslation::PartOf(_) if !matches!(relation.kind, Kind::Requires | Kind::Suggests) => {
            // Neither conflicts with the whole, nor provides it.
            NameTranslation::Unsupported
        }
        other => other,
    };
    let (found, named) = match found {
        NameTranslation::Unchanged => return None,
        NameTranslation::Translated(name) => {
            let message = format!("`{written}` is called `{name}` on Debian");
            (diagnostic::note(at, message), Some(Named { name, has_own_versions: true }))
        }
        NameTranslation::PartOf(name) => {
            let message = match &relation.bound {
                None => format!("`{written}` is part of `{name}` on Debian"),
                Some(bound) => format!(
                    "`{written}` is part of `{name}` on Debian, which counts its versions otherwise, so \
                     `{} {}` is left out",
                    operator(bound.comparison),
                    bound.version
                ),
            };
            (diagnostic::note(at, message), Some(Named { name: name.to_owned(), has_own_versions: false }))
        }
        NameTranslation::Guessed(name) => {
            let message =
                format!("`{written}` would be called `{name}` on Debian, where no such package is known");
            let help = format!(
                "name the package that has it in a group of its own with {ONLY_DEBIAN}, or make sure that \
                 `{name}` can be installed"
            );
            (diagnostic::warning(at, message, help), Some(Named { name, has_own_versions: true }))
        }
        NameTranslation::Unsupported => {
            let help = format!(
                "name the Debian package in a group of its own with {ONLY_DEBIAN}, and keep this one for the \
                 others with `<filters><dist>rhel</dist><dist>fc</dist><dist>suse</dist><dist>mdv</dist></filters>`"
            );
            (diagnostic::error(at, format!("`{written}` cannot be the name of a Debian package"), help), None)
        }
    };
    diagnostic::push_unique(diagnostics, found);
    named
}

const ONLY_DEBIAN: &str = "`<filters><dist>debian</dist></filters>`";

#[cfg(test)]
mod tests {
    use super::*;

    fn simplified(all: &[(RelationField, &str, Option<&str>, &[&'static str])]) -> String {
        let all = all.iter().map(|&(field, name, version, archs)| Dependency {
            version_constraint: version.map_or(VersionConstraint::Any, |version| VersionConstraint::Bound {
                sign: ">=",
                version: version.into(),
            }),
            archs: archs.to_vec(),
            ..Dependency::unversioned(field, name)
        });
        format_list(&remove_redundant(all.collect()))
    }

    #[test]
    fn what_is_said_already_is_left_out() {
        use RelationField::{Depends, PreDepends, Suggests};
        assert_eq!(simplified(&[(Depends, "b", None, &[]), (Depends, "a", None, &[])]), "a, b");
        assert_eq!(simplified(&[(Depends, "a", None, &[]), (Depends, "a", Some("1"), &[])]), "a (>= 1)");
        assert_eq!(simplified(&[(Depends, "a", None, &["amd64"]), (Depends, "a", None, &[])]), "a");
        assert_eq!(simplified(&[(Suggests, "a", None, &[]), (Depends, "a", Some("1"), &[])]), "a (>= 1)");
        assert_eq!(simplified(&[(Depends, "a", None, &[]), (PreDepends, "a", None, &[])]), "a");
    }

    #[test]
    fn what_says_more_stays() {
        use RelationField::{Conflicts, Depends, Suggests};
        let both = "a, a (>= 1) [amd64]";
        assert_eq!(simplified(&[(Depends, "a", None, &[]), (Depends, "a", Some("1"), &["amd64"])]), both);
        assert_eq!(simplified(&[(Suggests, "a", Some("1"), &[]), (Depends, "a", None, &[])]), "a, a (>= 1)");
        assert_eq!(simplified(&[(Conflicts, "a", None, &[]), (Depends, "a", None, &[])]), "a, a");
    }
}
